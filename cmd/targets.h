/*
 * targets: where the clients of one listener go: which target is next, what
 * is known of each, and a connection to one of them that works.
 *
 * A target that could not be connected to is set aside, and is taken again
 * after a while that gets longer each time (0.5 s to 30 s), or, with check=T,
 * when a probe every T has connected.  When all are set aside, they are tried
 * all the same.
 *
 * What several processes know of their targets they know each for itself; the
 * counters are shared.
 */
#ifndef TARGETS_H
#define TARGETS_H

#include <stdatomic.h>

#include <tcpkit/connect.h>
#include <tcpkit/reserve.h>

#include "msg.h"

/* Which target a client gets first, SPEC section 4. */
enum balance {
	BALANCE_ROUNDROBIN,	/* in turns, by weight */
	BALANCE_LEASTCONN,	/* the one with the fewest, by weight */
	BALANCE_SOURCE,		/* by the client's address, by weight */
	BALANCE_FAILOVER	/* in the order they were given */
};

/* One process's, of one target; kept by someone who shares memory. */
struct target_counters {
	_Atomic uint64_t now, total, failed, bytes_in, bytes_out;
	_Atomic uint64_t up;		/* 0 while it is set aside */
};

struct targets;
struct target;

struct targets_opts {
	enum balance	  balance;
	bool		  numeric;	/* ask no name service */
	const struct msg *msg;		/* until the free */
};

/*
 * eps are the caller's until the free.  Reads what files the targets have
 * (certificates), once for all their connections.  NULL: TCPK_EUSAGE,
 * TCPK_EIO.
 */
struct targets *targets_new(struct tcpk_endpoint *eps, size_t n,
	    const struct targets_opts *, struct tcpk_err *);

/*
 * Before the start: count target number i there.  What is there already goes
 * on; without this, it counts for itself.
 */
void	targets_count(struct targets *, size_t i, struct target_counters *);

/*
 * Begin with checks and pools.  A client that gets a target has a descriptor
 * kept back in reserve, which may be NULL: then nothing is.  -1: TCPK_EIO.
 */
int	targets_start(struct targets *, struct tcpk_loop *,
	    struct tcpk_reserve *, struct tcpk_err *);

/* End checks and pools; connections that are used stay. */
void	targets_stop(struct targets *);
/* After every targets_get has come back and target_left was called. */
void	targets_free(struct targets *);

/* Valid during the callback, but for the stream and the target. */
struct targets_got {
	struct tcpk_stream *stream;	/* the caller's; NULL: see err */
	struct target	   *target;	/* the one, or the last tried */
	struct tcpk_addr    peer;	/* of stream; len 0 none */
	struct tcpk_err	    err;	/* why the last one failed */
	bool		    pooled;	/* it was connected before */
	/*
	 * What the target has said meanwhile, not more than TCPK_SCRATCH: it
	 * goes to the client before what is read from the stream.
	 */
	const void	   *first;
	size_t		    nfirst;
};

struct targets_get;

/*
 * Connect a client to a target, and if that fails to the next, until each
 * was tried once.  from is the client and what it connected to (for PROXY
 * headers, the environment of programs and BALANCE_SOURCE), copied, but what
 * from->tls points to has to stay until then.  Calls back exactly once, from
 * the loop, never before this returns.  NULL: TCPK_EIO.  What is kept back for
 * it in the reserve is its own from then on.  late (NULL: nothing) is called
 * once, in the same way, if there is none after a moment; it may cancel.
 *
 * Each failure is said, as a warning that names the target.
 */
struct targets_get *targets_get(struct targets *,
	    const struct tcpk_proxy_from *from, uint64_t conn,
	    void (*late)(void *arg),
	    void (*fn)(void *arg, const struct targets_got *), void *arg,
	    struct tcpk_err *);
void	targets_get_cancel(struct targets_get *);

/*
 * A connection that was got is over.  The bytes that were written to its
 * stream and read from it are counted.
 */
void	target_left(struct target *, uint64_t bytes_to, uint64_t bytes_from);

/* Its address as it was given, and its options. */
const struct tcpk_endpoint *target_endpoint(const struct target *);

#endif
