/* tls_msg: what a tool says about TLS. */
#ifndef TLS_MSG_H
#define TLS_MSG_H

#include <tcpkit/tls.h>

#include "msg.h"

/* What was agreed and with whom, with -v; a peer taken unverified, always. */
void	tls_msg_agreed(const struct msg *, const struct msg_fields *,
	    const struct tcpk_tls_info *, bool insecure);

/*
 * After a refusal: what was presented, and, when it was a server's, the
 * option that would accept exactly this key.
 */
void	tls_msg_presented(const struct msg *, const struct msg_fields *,
	    const char *who, const struct tcpk_tls_info *, bool server);

/* Our own certificate that was made for this run: its pin, how to use it. */
void	tls_msg_own(const struct msg *, const struct tcpk_tls_cert *,
	    const char *listening_on, bool wants_cert);

/* For --tls-info, on standard output.  0, or -1 if that failed. */
int	tls_msg_print(const struct msg *, const char *peer,
	    const struct tcpk_tls_info *);

/* "2026-01-31 12:00:00 UTC". */
#define TLS_MSG_DATE	32
const char *tls_msg_date(int64_t, char buf[TLS_MSG_DATE]);

#endif
