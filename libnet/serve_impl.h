/* serve, private: clients that are still shaking hands (serve_tls.c). */
#ifndef SERVE_IMPL_H
#define SERVE_IMPL_H

#include "tcpkit/serve.h"

struct tcpk__shake;

struct tcpk__shakes {
	struct tcpk__shake	*first, *last;	/* by age */
	size_t			 n;
};

/* What comes of one; the stream is the callee's.  May free all of them. */
typedef void tcpk__shake_fn(void *arg, const struct tcpk_addr *peer,
	    const struct tcpk_addr *listener, const struct tcpk_tls_done *);

/*
 * Begin; takes the stream.  When there are too many at once the oldest is
 * given up, soon.  -1: TCPK_EIO, the stream is the caller's.
 */
int	tcpk__shake_start(struct tcpk__shakes *, struct tcpk_loop *,
	    struct tcpk_tls_config *, struct tcpk_stream *, uint64_t limit,
	    const struct tcpk_addr *peer, const struct tcpk_addr *listener,
	    tcpk__shake_fn *, void *arg, struct tcpk_err *);

void	tcpk__shakes_free(struct tcpk__shakes *);

#endif
