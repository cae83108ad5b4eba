/*
 * tls_handshake, private: one handshake (tls_handshake.c) and how it ended
 * (tls_outcome.c).
 */
#ifndef TLS_HANDSHAKE_IMPL_H
#define TLS_HANDSHAKE_IMPL_H

#include "tls_impl.h"

/* Of what came first, to say what it was if it was no TLS. */
#define TCPK__PEEK	512

struct tcpk_tls_start {
	struct tcpk_loop	*loop;
	struct tcpk_tls_config	*config;
	struct tcpk_stream	*inner;
	void		       (*fn)(void *, const struct tcpk_tls_done *);
	void			*arg;
	struct tcpk_timer	 now;
	struct tcpk__role	 role;
	struct tcpk__verify	*verify;
	unsigned char		*out;	/* gathered, not yet written */
	size_t			 off, len, size;
	size_t			 taken;	/* bytes of the peer's */
	bool			 ccs;	/* what we send is encrypted */
	bool			 has_spoken;	/* something was sent */
	unsigned char		 first[TCPK__PEEK];	/* what came first */
	size_t			 nfirst;
	unsigned char		 ibuf[BR_SSL_BUFSIZE_INPUT];
	unsigned char		 obuf[BR_SSL_BUFSIZE_OUTPUT];
};

/*
 * End with a failure or with a stream: the callback, and the free.  code is
 * BearSSL's; 0: the peer ended, or its connection broke.
 */
void	tcpk__handshake_fail(struct tcpk_tls_start *, int code);
void	tcpk__handshake_done(struct tcpk_tls_start *);

#endif
