/* loop, private: the seam between the loop and its back ends. */
#ifndef LOOP_IMPL_H
#define LOOP_IMPL_H

#include "tcpkit/loop.h"

struct tcpk__backend {
	const char *name;
	/* State for one loop, or NULL with err filled. */
	void	*(*open)(struct tcpk_err *);
	void	 (*close)(void *state);
	/*
	 * Tell the kernel that w wants this (w->set is what it was told
	 * before).  0; 1 when the descriptor is always ready and cannot be
	 * waited for; -1 with errno.
	 */
	int	 (*set)(void *state, struct tcpk_watch *w, unsigned want);
	/*
	 * w has taken another's place, which goes; set follows before the
	 * next wait.  NULL: that is enough.
	 */
	void	 (*moved)(void *state, struct tcpk_watch *w);
	/*
	 * Wait at most ms (-1: for ever) and call tcpk__loop_ready for each
	 * watch that is ready.  0, also when interrupted; -1 with errno.
	 */
	int	 (*wait)(void *state, int ms);
};

/* set of a watch that was moved: the kernel still knows the one before. */
#define TCPK__MOVED	16u

extern const struct tcpk__backend	 tcpk__backend_poll;
/* The platform's own, or NULL: loop_epoll.c or loop_none.c. */
extern const struct tcpk__backend *const tcpk__backend_native;

/* Queue a watch for its callback. */
void	tcpk__loop_ready(struct tcpk_watch *, unsigned ready);

/* The back end's set, with what it wants. */
int	tcpk__loop_set(struct tcpk_watch *);

/*
 * Watches whose wants the back end is to be told of: once a turn, and only
 * where they differ.  loop_changes.c.
 */
struct tcpk__changes {
	struct tcpk_watch **list;	/* NULL: one that was dropped */
	size_t		    n, room;
};

void	tcpk__changes_add(struct tcpk__changes *, struct tcpk_watch *);
void	tcpk__changes_drop(struct tcpk__changes *, struct tcpk_watch *);
void	tcpk__changes_tell(struct tcpk__changes *);

/* The timer heap: loop_timers.c. */
struct tcpk__timers {
	struct tcpk_timer **heap;
	size_t		    n, room;
};

/* When the earliest is due; TCPK_FOREVER when there is none. */
uint64_t tcpk__timers_due(const struct tcpk__timers *);
/* Take out and return the earliest if it is due at now, else NULL. */
struct tcpk_timer *tcpk__timers_take(struct tcpk__timers *, uint64_t now);
int	tcpk__timers_set(struct tcpk__timers *, struct tcpk_timer *,
	    uint64_t due);
void	tcpk__timers_stop(struct tcpk__timers *, struct tcpk_timer *);

/* The wakers: loop_wake.c.  The pipe is made with the first. */
struct tcpk__wakers {
	struct tcpk_waker *first;
	struct tcpk_watch  watch;
	int		   fds[2];	/* -1: no pipe */
};

void	tcpk__wakers_close(struct tcpk__wakers *);
struct tcpk__wakers *tcpk__loop_wakers(struct tcpk_loop *);

/* Children to reap: loop_orphans.c. */
struct tcpk__orphans {
	pid_t	*pids;
	size_t	 n, room;
};

struct tcpk__orphans *tcpk__loop_orphans(struct tcpk_loop *);

/* Pipes for moving bytes inside the kernel: loop_pipes.c. */
struct tcpk__pipes {
	struct tcpk_pipe *kept;
	size_t		  n, nkept;	/* there are; of them not in use */
	struct tcpk_timer timer;	/* closes what is kept */
	uint64_t	  not_before;	/* none was to be had */
};

void	tcpk__pipes_close(struct tcpk__pipes *);
struct tcpk__pipes *tcpk__loop_pipes(struct tcpk_loop *);

#endif
