/*
 * connect, private: the steps of one (connect.c), and the PROXY header among
 * them (connect_proxy.c).
 */
#ifndef CONNECT_IMPL_H
#define CONNECT_IMPL_H

#include "tcpkit/connect.h"

struct tcpk__header;

/*
 * A header of this version about somebody's connection, or with NULL about
 * the one that it is sent on.  NULL: TCPK_EIO.
 */
struct tcpk__header *tcpk__header_new(unsigned version,
	    const struct tcpk_proxy_from *, struct tcpk_err *);

/*
 * Send it; the stream stays the caller's, but its readiness is ours until the
 * end.  Calls back exactly once, from the loop, never before this returns,
 * with NULL or with err (TCPK_ECUT).
 */
void	tcpk__header_send(struct tcpk__header *, struct tcpk_stream *,
	    void (*fn)(void *arg, const struct tcpk_err *), void *arg);
bool	tcpk__header_is_under_way(const struct tcpk__header *);

/* No callback will come.  NULL is fine; not after the stream's free. */
void	tcpk__header_free(struct tcpk__header *);

#endif
