/*
 * pump: moves bytes between two streams, both ways, until both directions
 * have ended.
 *
 * Each direction is a half with a state of its own.  It reads only when
 * nothing is left to write, so memory is bounded, a slow reader slows its
 * writer down, and the end of file is seen when everything before it has
 * been written.  The end of one half is passed on as a half-close and does
 * not end the other.  A half is done when the far end has acknowledged all
 * of it (tcpk_stream_drained); the pump is done when both halves are.
 *
 * Bytes in bulk between plain sockets may be moved inside the kernel; SIGPIPE
 * has to be ignored.
 *
 * Half 0 moves from stream a to stream b, half 1 from b to a.  If a and b
 * are the same stream there is only half 0: an echo.
 */
#ifndef TCPKIT_PUMP_H
#define TCPKIT_PUMP_H

#include <stdbool.h>
#include <stdint.h>

#include <tcpkit/loop.h>
#include <tcpkit/stream.h>

struct tcpk_pump;

/*
 * How one direction behaves.  All zero is the plain case, but for quiet and
 * at_most, which tcpk_pump_defaults sets to TCPK_FOREVER.
 */
struct tcpk_half_opts {
	/*
	 * Read nothing; half-close when the other direction has ended.  Not of
	 * an echo.
	 */
	bool		mute;
	/* Read and throw away. */
	bool		discard;
	/* Goes to the far end before all else, up to TCPK_SCRATCH; copied. */
	const void     *first;
	size_t		nfirst;
	/* Hold the half-close back until the other direction has ended. */
	bool		no_shutdown;
	/* Never half-close (the connection is to end by a reset). */
	bool		no_finish;
	/*
	 * Move exactly this many bytes, then end both directions; fewer are
	 * an error (TCPK_ECUT).  0: no such limit.
	 */
	uint64_t	limit;
	/*
	 * Once the other direction has ended: stop reading after this long
	 * without a byte; 0 at once.
	 */
	uint64_t	quiet;
	/* That counts only if the other direction had moved anything. */
	bool		patient;
	/*
	 * Once the other direction has ended: stop after this long in any
	 * case.  What the other direction sent has then at least a second in
	 * all to be acknowledged, else the pump fails (TCPK_ETIMEOUT).
	 */
	uint64_t	at_most;
};

struct tcpk_pump_opts {
	struct tcpk_half_opts	half[2];
	uint64_t	idle_timeout;		/* ns; 0 none */
	uint64_t	half_close_timeout;	/* ns; 0 none */
	uint64_t	deadline;		/* on the clock; 0 none */
	bool		reset[2];	/* end stream a, b by a reset */
};

/* Valid during the callback. */
struct tcpk_pump_report {
	uint64_t	bytes[2];	/* given to the far end, by half */
	uint64_t	taken[2];	/* read, to be given there */
	/*
	 * TCPK_OK: both directions ended and everything arrived.  Else the
	 * first thing that went wrong; what came before it was delivered.
	 */
	struct tcpk_err	err;
	/* The stream that failed, or that ended first: 0 a, 1 b, -1 none. */
	int		side;
};

void	tcpk_pump_defaults(struct tcpk_pump_opts *);

/*
 * Start; takes both streams, and frees them before it calls done, which
 * comes exactly once, from the loop, never before this returns.  When the
 * pump fails, both ends of a half that was not done are reset: its writer
 * must not think that all arrived, nor its reader that there was no more.
 * NULL (no memory): the streams are still the caller's.
 */
struct tcpk_pump *tcpk_pump_start(struct tcpk_loop *, struct tcpk_stream *a,
	    struct tcpk_stream *b, const struct tcpk_pump_opts *,
	    void (*done)(void *arg, const struct tcpk_pump_report *),
	    void *arg, struct tcpk_err *);

/* Stop now, as after a failure; done will not be called. */
void	tcpk_pump_cancel(struct tcpk_pump *);

/* So far; may be called until done. */
void	tcpk_pump_bytes(const struct tcpk_pump *, uint64_t bytes[2]);

#endif
