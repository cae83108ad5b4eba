/*
 * tls: the seam behind which an engine for TLS sits.  Nothing above knows
 * which engine it is; a build without one has tls_none.c, in which every
 * call fails with a message that says so.
 *
 * A configuration is made once from an endpoint, with its files read and
 * checked, and is immutable from then on; any number of connections use it.
 */
#ifndef TCPKIT_TLS_H
#define TCPKIT_TLS_H

#include <tcpkit/endpoint.h>
#include <tcpkit/stream.h>

struct tcpk_tls_config;
struct tcpk_tls_start;

/* Does this build speak TLS? */
bool	tcpk_tls_built(void);

/* NULL: TCPK_EUSAGE, with the file and the reason. */
struct tcpk_tls_config *tcpk_tls_config_new(const struct tcpk_endpoint *,
	    struct tcpk_err *);
void	tcpk_tls_config_free(struct tcpk_tls_config *);

/*
 * Shake hands over a connected stream, which is taken.  Calls back exactly
 * once, from the loop, never before this returns: with a stream of
 * plaintext, or with NULL and err (TCPK_ETLS, TCPK_ETIMEOUT, TCPK_ECUT).
 * The time limit is the owner's: cancel.
 */
struct tcpk_tls_start *tcpk_tls_start(struct tcpk_loop *,
	    struct tcpk_tls_config *, struct tcpk_stream *,
	    void (*fn)(void *arg, struct tcpk_stream *,
	    const struct tcpk_err *), void *arg, struct tcpk_err *);
void	tcpk_tls_cancel(struct tcpk_tls_start *);

#endif
