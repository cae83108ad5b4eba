/*
 * starttls, private: the dialogues as machines without input or output
 * (starttls_proto.c, with starttls_xmpp.c and starttls_ldap.c for what is no
 * talk in lines), and what moves their bytes (starttls.c).
 *
 * The server may be anyone until TLS has begun.  What a machine keeps is
 * bounded, each byte is taken once, and nothing that was said is handed on
 * but the text of a refusal, which is to be escaped.
 */
#ifndef STARTTLS_IMPL_H
#define STARTTLS_IMPL_H

#include <stdbool.h>
#include <stddef.h>

#include "tcpkit/err.h"

/* Bytes of a line, an XML tag, an LDAP message; and of all there is. */
#define TALK_PIECE	4096
#define TALK_ALL	(64 * 1024)

/* Bytes of the peer's host name, and of the server's words in a refusal. */
#define TALK_NAME	255
#define TALK_SAID	80

#define TALK_LDAP_OID	"1.3.6.1.4.1.1466.20037"

/*
 * What the server has yet to say, in full, before we speak again:
 * GREETING   what it begins with; for xmpp, its features
 * OFFERS     what it can do
 * GO_AHEAD   yes or no
 */
enum tcpk__talk_state { GREETING, OFFERS, GO_AHEAD };

enum tcpk__talk_verdict {
	TALK_WAIT,	/* it has more to say */
	TALK_SEND,	/* send out, and then the same */
	TALK_READY,	/* TLS may begin */
	TALK_REFUSED	/* err says why; it is over */
};

struct tcpk__talk {
	const struct tcpk__talk_proto *proto;
	enum tcpk__talk_state	 state;
	char			 piece[TALK_PIECE];
	size_t			 len;
	size_t			 total;
	char			 out[512];
	size_t			 nout;
	bool			 offered;
	bool			 cr;		/* lines: an LF must follow */
	bool			 listing;	/* pop3: up to the dot */
	int			 reply;		/* ftp: this code goes on */
	char			 quote;		/* xmpp: inside one, or 0 */
	int			 depth;		/* xmpp: elements open */
	enum { FEATURES, PROCEED, ERROR } top;	/* xmpp: the outer one */
	size_t			 head, need;	/* ldap */
	struct tcpk_err		 err;		/* after TALK_REFUSED */
};

bool	tcpk__talk_knows(const char *proto);

/*
 * From the start; out is what the client says first, if it does.  -1:
 * TCPK_EUSAGE, an unknown protocol or a name that XML would not carry.
 */
int	tcpk__talk_begin(struct tcpk__talk *, const char *proto,
	    const char *name, struct tcpk_err *);

/*
 * What the server said, in pieces of any size.  To be called once all of out
 * was sent, and never after TALK_READY or TALK_REFUSED.
 */
enum tcpk__talk_verdict tcpk__talk_take(struct tcpk__talk *, const void *,
	    size_t n);

/* For a protocol: the verdicts, each with its text. */
enum tcpk__talk_verdict tcpk__talk_refuse(struct tcpk__talk *,
	    const char *why);
enum tcpk__talk_verdict tcpk__talk_refused(struct tcpk__talk *,
	    const void *said, size_t n);
enum tcpk__talk_verdict tcpk__talk_nonsense(struct tcpk__talk *);
enum tcpk__talk_verdict tcpk__talk_ask(struct tcpk__talk *,
	    enum tcpk__talk_state next, const char *command);
enum tcpk__talk_verdict tcpk__talk_ask_if_offered(struct tcpk__talk *,
	    const char *command);

/* Add a byte to the piece; TALK_WAIT while it is not too long. */
enum tcpk__talk_verdict tcpk__talk_keep(struct tcpk__talk *, unsigned char);

/* A byte at a time; they put their pieces together and answer them. */
enum tcpk__talk_verdict tcpk__xmpp_byte(struct tcpk__talk *, unsigned char);
enum tcpk__talk_verdict tcpk__ldap_byte(struct tcpk__talk *, unsigned char);

#endif
