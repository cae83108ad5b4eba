/*
 * starttls: the talk in clear text that some protocols begin with before
 * TLS: smtp (RFC 3207), imap and pop3 (RFC 2595), ftp (RFC 4217), xmpp
 * (RFC 6120), postgres (its SSLRequest), ldap (RFC 4511 section 4.14).
 *
 * There is no way back to clear text: a peer that does not offer TLS or
 * refuses it ends the attempt.  Nothing that came in clear text is passed
 * on, and bytes that came behind the peer's go-ahead, which somebody on the
 * way may have put there (CVE-2011-0411), end it too.
 */
#ifndef TCPKIT_STARTTLS_H
#define TCPKIT_STARTTLS_H

#include <tcpkit/stream.h>

struct tcpk_starttls;

/* Is this a protocol that is known here?  "smtp", "imap", ... */
bool	tcpk_starttls_knows(const char *proto);

/* "smtp, imap, pop3, ftp, xmpp, postgres, ldap", for messages. */
const char *tcpk_starttls_list(void);

/*
 * Talk over a connected stream until TLS may begin.  The stream stays the
 * caller's, but its readiness is ours until the end.  name is the peer's
 * host name (xmpp wants it).  Calls back exactly once, from the loop, never
 * before this returns, with NULL or with err: TCPK_ETLS (not offered,
 * refused, no sense in what it said, more than 64 KiB of it, or it ended),
 * TCPK_ECUT (the connection broke).  The time limit is the owner's: cancel.
 * NULL: TCPK_EIO, or TCPK_EUSAGE for an unknown protocol.
 */
struct tcpk_starttls *tcpk_starttls_start(struct tcpk_loop *,
	    const char *proto, const char *name, struct tcpk_stream *,
	    void (*fn)(void *arg, const struct tcpk_err *), void *arg,
	    struct tcpk_err *);
void	tcpk_starttls_cancel(struct tcpk_starttls *);

#endif
