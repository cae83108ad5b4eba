/*
 * loop: one thread's event loop: watches on descriptors, timers, and
 * wake-ups from other threads and signal handlers.
 *
 * Watches, timers and wakers are EMBEDDED in their owner: the loop allocates
 * nothing for them, and stopping one is always safe, also from the callback
 * of another.  Readiness is level-triggered: as long as it lasts and is
 * wanted, the callback comes again.  An error or hang-up on a descriptor is
 * reported as ready for what is wanted, so that the read or write tells the
 * reason.
 *
 * Times are nanoseconds on the monotonic clock.  One loop belongs to one
 * thread; only tcpk_waker_wake may be called from elsewhere.
 */
#ifndef TCPKIT_LOOP_H
#define TCPKIT_LOOP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <tcpkit/err.h>
#include <tcpkit/value.h>

#define TCPK_READ	1u
#define TCPK_WRITE	2u
#define TCPK_HUP	4u	/* error or hang-up, and nothing else */
/*
 * Not to be wanted; told with TCPK_READ: what is there is the last.  Not every
 * system says it.
 */
#define TCPK_END	8u

/* Bytes in the loop's shared scratch buffer. */
#define TCPK_SCRATCH	(256 * 1024)

/* In a buffer of its own: as many, and the frames of 16 TLS records. */
#define TCPK_BUFFER	(TCPK_SCRATCH + 512)

struct tcpk_loop;

/* Every connection has one or two: what it holds is packed. */
struct tcpk_watch {
	void		(*fn)(void *arg, unsigned ready);
	void		 *arg;
	int		  fd;
	unsigned char	  mark;		/* the owner's own; begins as 0 */
	/* private */
	unsigned char	  want, set;
	unsigned char	  ready : 7;
	unsigned char	  always : 1;	/* cannot be waited for: is ready */
	struct tcpk_loop *loop;
	struct tcpk_watch *next, *prev;	/* ready queue */
	int		  slot;		/* the back end's */
	uint32_t	  changed;	/* place among the changes + 1; 0 none */
};

struct tcpk_timer {
	uint64_t	  due;
	void		(*fn)(void *arg);
	void		 *arg;
	/* private */
	struct tcpk_loop *loop;
	size_t		  at;		/* place in the heap + 1; 0 stopped */
};

struct tcpk_waker {
	void		(*fn)(void *arg);
	void		 *arg;
	/* private */
	struct tcpk_loop *loop;
	struct tcpk_waker *next;
	atomic_int	  woken;
};

/*
 * A new loop.  backend is "epoll", "poll", or NULL for the best one there
 * is.  NULL on failure (TCPK_EUSAGE: no such back end; TCPK_EIO).
 */
struct tcpk_loop *tcpk_loop_new(const char *backend, struct tcpk_err *);

/* All watches, timers and wakers must have been stopped. */
void	tcpk_loop_free(struct tcpk_loop *);

const char *tcpk_loop_backend(const struct tcpk_loop *);

/*
 * Wait for events and run callbacks until tcpk_loop_stop.  0, or -1
 * (TCPK_EIO) when the back end fails.
 */
int	tcpk_loop_run(struct tcpk_loop *, struct tcpk_err *);

/* Make tcpk_loop_run return after the callbacks of this turn. */
void	tcpk_loop_stop(struct tcpk_loop *);

/*
 * One turn: wait until something is ready or due, at most max ns, and run
 * the callbacks.  0 or -1 as tcpk_loop_run.
 */
int	tcpk_loop_turn(struct tcpk_loop *, uint64_t max, struct tcpk_err *);

/* The time at which this turn began to run callbacks. */
uint64_t tcpk_loop_now(const struct tcpk_loop *);

/* The clock itself. */
uint64_t tcpk_now(void);

/*
 * TCPK_SCRATCH bytes for use inside one callback; what they hold is lost
 * when the callback returns.
 */
void   *tcpk_loop_scratch(struct tcpk_loop *);

/*
 * Buffers of TCPK_BUFFER bytes from the loop's free list: NULL when there
 * is no memory.  Everything that was taken is given back before the loop is
 * freed.
 */
void   *tcpk_loop_buffer(struct tcpk_loop *);
void	tcpk_loop_buffer_done(struct tcpk_loop *, void *);

/*
 * A pipe for moving up to TCPK_PIPE bytes inside the kernel; its ends do not
 * wait.  NULL when there is none to be had: too many are in use, the user has
 * no more large ones, or this system has no use for them.  It is given back
 * before the loop is freed; what is still in it (not empty) is lost.
 */
#define TCPK_PIPE	(1024 * 1024)
struct tcpk_pipe {
	int		  fds[2];	/* to read, to write */
	/* private */
	struct tcpk_pipe *next;
};
struct tcpk_pipe *tcpk_loop_pipe(struct tcpk_loop *);
void	tcpk_loop_pipe_done(struct tcpk_loop *, struct tcpk_pipe *,
	    bool empty);

/*
 * A child process that nobody waits for any more: its exit status is taken
 * by tcpk_loop_reap, which those who run many call on SIGCHLD.  It returns
 * how many are still running.
 */
void	tcpk_loop_orphan(struct tcpk_loop *, pid_t);
size_t	tcpk_loop_reap(struct tcpk_loop *);

/*
 * Begin with a watch; it wants nothing yet.  The descriptor stays yours; one
 * number has one watch at a time.
 */
void	tcpk_watch_init(struct tcpk_watch *, struct tcpk_loop *, int fd,
	    void (*fn)(void *, unsigned), void *arg);

/*
 * Want any of TCPK_READ, TCPK_WRITE and TCPK_HUP, or 0.  With 0 the
 * descriptor leaves the back end, so that a hang-up nobody wants to see does
 * not spin.
 */
void	tcpk_watch_want(struct tcpk_watch *, unsigned want);

/*
 * Be called back in the next turn as if the descriptor were ready, if that
 * is wanted now: for owners that hold bytes themselves.
 */
void	tcpk_watch_poke(struct tcpk_watch *, unsigned ready);

/* Leave the loop.  Do this before the descriptor is closed. */
void	tcpk_watch_stop(struct tcpk_watch *);

/*
 * Leave a descriptor, and how the system watches it, to another watch, which
 * has begun with none (-1) and wants nothing yet.
 */
void	tcpk_watch_move(struct tcpk_watch *to, struct tcpk_watch *from);

void	tcpk_timer_init(struct tcpk_timer *, struct tcpk_loop *,
	    void (*fn)(void *), void *arg);

/*
 * Call back once when the clock reaches due; moves a timer that is set.
 * -1 (and not set) when there is no memory.
 */
int	tcpk_timer_set(struct tcpk_timer *, uint64_t due);
void	tcpk_timer_stop(struct tcpk_timer *);

/*
 * A waker calls fn in the loop's thread some time after tcpk_waker_wake,
 * once for any number of wakes before it.  -1: TCPK_EIO.
 */
int	tcpk_waker_init(struct tcpk_waker *, struct tcpk_loop *,
	    void (*fn)(void *), void *arg, struct tcpk_err *);
void	tcpk_waker_stop(struct tcpk_waker *);

/* From any thread, and from signal handlers.  Keeps errno. */
void	tcpk_waker_wake(struct tcpk_waker *);

#endif
