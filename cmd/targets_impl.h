/*
 * targets, private: choosing one (targets_choose.c), what is known of its
 * health (targets_health.c), connections in advance (targets_pool.c),
 * getting one for a client (targets_get.c), and the set (targets.c).
 */
#ifndef TARGETS_IMPL_H
#define TARGETS_IMPL_H

#include <tcpkit/via.h>

#include "backoff.h"
#include "targets.h"

/* --- choosing: pure ------------------------------------------------------- */

#define CHOICE_NONE	SIZE_MAX

/* What is to be known of a target to choose it. */
struct choice {
	uint64_t	weight;		/* 1 to 1000 */
	uint64_t	now;		/* clients that it has */
	uint64_t	id;		/* choose_hash of its address */
	bool		up;		/* not set aside */
	/* private */
	int64_t		turn;
	bool		may;
};

/*
 * One that is up and was not tried; where none of those is up, any that was
 * not tried; CHOICE_NONE when all were.  client is its address's choose_hash.
 */
size_t	choose(enum balance, struct choice *, size_t n, uint64_t client,
	    const bool *tried);

uint64_t choose_hash(const void *, size_t n);

/* --- one target ----------------------------------------------------------- */

struct spare;

struct target {
	struct targets	*ts;
	const struct tcpk_endpoint *ep;
	struct choice	*choice;
	struct target_counters *counters;
	struct tcpk_tls_config *tls;	/* NULL none */
	struct tcpk_via	*via;		/* NULL none */

	/* targets_health.c */
	bool		 aside;
	uint64_t	 until;		/* then it may be tried again */
	unsigned	 trials;	/* under way meanwhile */
	struct backoff	 again;
	struct tcpk_connect *check;
	struct tcpk_stream *closing;	/* of the last check */
	struct tcpk_timer check_timer;	/* of the next, or on closing */
	uint64_t	 check_due;

	/* targets_pool.c */
	struct spare	*spares;	/* ep->o.pool of them */
	size_t		 connecting;
	struct tcpk_timer refill;
	uint64_t	 not_before;	/* no new ones */
	struct backoff	 losses;
};

struct targets {
	struct target	*target;
	struct choice	*choices;
	size_t		 n;
	enum balance	 balance;
	bool		 numeric;
	const struct msg *msg;
	struct target_counters *own;	/* where nobody else keeps them */
	struct tcpk_loop *loop;
	struct tcpk_reserve *reserve;	/* NULL none */
	bool		 running;	/* checks and pools */
};

/*
 * A connection to it, as how says, but for what is the target's own (TLS,
 * proxies, the name service); NULL is a probe, and nobody's.  An environment
 * in how stays until it is connected; NULL there is our own.
 */
struct tcpk_connect *target_connect(struct target *,
	    const struct tcpk_connect_opts *how,
	    void (*fn)(void *arg, const struct tcpk_connected *), void *arg,
	    struct tcpk_err *);

/* Each address that failed, and why it failed as a whole. */
void	target_say_failed(const struct target *, const struct tcpk_connected *,
	    uint64_t conn, enum msg_level);

/* --- its health ----------------------------------------------------------- */

/*
 * Somebody is about to connect.  True if that is a trial of a target that is
 * set aside, which nobody else is to be sent to until target_tried.
 */
bool	target_trying(struct target *);
void	target_tried(struct target *, bool trial);

/* What came of it.  c->err says why it failed; not all is its fault. */
void	target_works(struct target *);
void	target_fails(struct target *, const struct tcpk_connected *);

void	health_init(struct target *);

/* May it be chosen, as far as time and trials tell? */
bool	target_may(const struct target *);

void	checks_start(struct target *);
void	checks_stop(struct target *);

/* --- its pool ------------------------------------------------------------- */

int	pool_new(struct target *, struct tcpk_err *);
void	pool_start(struct target *);
/* Something has changed: open what is missing, now or when it is time. */
void	pool_fill(struct target *);
void	pool_stop(struct target *);
void	pool_free(struct target *);

/*
 * One that is still connected, or NULL; what it has said already is in
 * *first, which the caller frees.
 */
struct tcpk_stream *pool_take(struct target *, char **first, size_t *nfirst);

#endif
