/*
 * connect, private: its beginning and its end (connect.c), the steps between
 * (connect_steps.c), and the PROXY header among them (connect_proxy.c).
 */
#ifndef CONNECT_IMPL_H
#define CONNECT_IMPL_H

#include "tcpkit/connect.h"

struct tcpk__header;

struct tcpk_connect {
	struct tcpk_loop	*loop;
	const struct tcpk_endpoint *ep;
	struct tcpk_connect_opts opts;
	void		       (*fn)(void *, const struct tcpk_connected *);
	void			*arg;
	struct tcpk_tls_config	*tls;	/* our own, or NULL */
	struct tcpk_via		*via;	/* our own, or NULL */
	struct tcpk_endpoint	*proxy;	/* the first one; borrows all */
	struct tcpk_dial	*dial;
	struct tcpk_watch	 watch;		/* of what it connected */
	struct tcpk_via_walk	*walk;
	struct tcpk__header	*header;	/* of PROXY, or NULL */
	struct tcpk_starttls	*starttls;
	struct tcpk_tls_start	*handshake;
	struct tcpk_stream	*stream;	/* while something is said */
	struct tcpk_connected	 result;	/* so far */
	struct tcpk_attempt	*attempts;
	struct tcpk_timer	 now;	/* for what needs no waiting */
	struct tcpk_timer	 limit;	/* on all that follows the dial */
	uint64_t		 started, dialed;
};

/* There is a connection, and more to say on it. */
void	tcpk__connect_go_on(struct tcpk_connect *, const struct tcpk_dialed *);

/* It was not finished in time.  A timer's callback. */
void	tcpk__connect_late(void *);

/* Tell the owner, and forget; fail: that there is no connection. */
void	tcpk__connect_finish(struct tcpk_connect *, struct tcpk_connected *);
void	tcpk__connect_fail(struct tcpk_connect *, const struct tcpk_err *);

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
