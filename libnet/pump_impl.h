/*
 * pump, private: a half's states (pump_state.c) and its bytes (pump_half.c),
 * the clock (pump_due.c), and what joins them (pump.c).
 */
#ifndef PUMP_IMPL_H
#define PUMP_IMPL_H

#include <stddef.h>

#include "tcpkit/pump.h"

/*
 * What a half is doing, and what wakes it:
 * FLOW     src readable; dst writable while bytes are pending
 * HELD     the other half's end
 * FINISH   dst writable, until it has taken the end of file
 * DRAIN    a timer with back-off, until everything has arrived
 * DISCARD  src readable: dst wants no more, src is read and thrown away, so
 *          that closing it does not destroy what was sent to it; a timer
 *          once the other half is done
 * DONE     nothing
 */
enum tcpk__half_state { FLOW, HELD, FINISH, DRAIN, DISCARD, DONE };

/*
 * What an idle connection costs is mostly this: what is known already (the
 * streams, the options) is not kept again, and what is never needed at once
 * shares its place.
 */
struct tcpk__half {
	unsigned char	 state;
	bool		 index : 1;	/* 0 or 1 */
	bool		 ended : 1;	/* left the state that it began with */
	bool		 stop : 1;	/* read no more */
	bool		 broken : 1;	/* its end is not a clean one */
	bool		 heard : 1;	/* src has said anything at all */
	bool		 gone : 1;	/* dst left, which is no error */
	bool		 src_broken : 1; /* reading failed behind a piece */
	bool		 slow : 1;	/* dst did not take all last time */
	bool		 large : 1;	/* the last piece was: more is there */
	bool		 bulk : 1;	/* src wakes for large pieces only */
	bool		 from_file : 1;	/* what is spliced is */
	bool		 to_file : 1;
	bool		 direct : 1;	/* without a pipe of ours */
	bool		 blocked : 1;	/* dst, with more in src: pending */
	bool		 piped : 1;	/* what is pending is in a pipe */
	bool		 lent : 1;	/* dst, the place of the next piece */
	enum { UNDECIDED, YES, NO } splice : 2, lowat : 2;
	unsigned char	 looks : 3;	/* DRAIN: so often, for the back-off */
	uint32_t	 drain_left;	/* DRAIN: bytes not acknowledged */
	uint64_t	 taken, bytes;	/* from src; to dst */
	uint64_t	 moved_at;	/* when a byte last moved */
	union {
		struct {		/* FLOW */
			/* What is pending; NULL: none, or with src (blocked) */
			union {
				char		 *buf;
				struct tcpk_pipe *pipe;
			};
			uint32_t off, len;
			uint64_t bulk_from;	/* none before so many bytes */
		};
		struct {		/* afterwards, if ended */
			uint64_t ended_at;
			union {
				uint64_t finish_at;	/* passing the end on */
				uint64_t done_at;	/* DONE */
			};
			uint64_t drain_at;	/* DRAIN */
		};
	};
};

struct tcpk_pump {
	struct tcpk_loop    *loop;
	struct tcpk_stream  *streams[2];
	const struct tcpk_pump_opts *opts;	/* the defaults, or ours */
	struct tcpk_timer   *timer;	/* NULL while nothing can fall due */
	struct tcpk_err	    *err;
	void		   (*done)(void *, const struct tcpk_pump_report *);
	void		    *arg;
	signed char	     side;
	unsigned char	     want[2];
	bool		     over : 1;	/* failed: nothing more is moved */
	bool		     cut : 1;	/* one side broke: save the rest */
	bool		     failed : 1; /* err says why; NULL: no memory */
	bool		     late : 1;	/* the deadline has had its say */
	unsigned char	     last : 2;	/* what is there of them is the last */
	struct tcpk__half    half[2];
};

/* Whose half it is, the ends of it, and how it is to behave. */

static inline struct tcpk_pump *
tcpk__half_pump(const struct tcpk__half *h)
{
	const struct tcpk__half	*first = h - h->index;

	return (struct tcpk_pump *)((char *)(uintptr_t)first -
	    offsetof(struct tcpk_pump, half));
}

static inline struct tcpk_stream *
tcpk__half_src(const struct tcpk__half *h)
{
	return tcpk__half_pump(h)->streams[h->index];
}

static inline struct tcpk_stream *
tcpk__half_dst(const struct tcpk__half *h)
{
	return tcpk__half_pump(h)->streams[!h->index];
}

static inline const struct tcpk_half_opts *
tcpk__half_opts(const struct tcpk__half *h)
{
	return &tcpk__half_pump(h)->opts->half[h->index];
}

static inline struct tcpk__half *
tcpk__half_other(const struct tcpk__half *h)
{
	return &tcpk__half_pump(h)->half[!h->index];
}

/* Is there something that dst has yet to take? */
static inline bool
tcpk__half_pending(const struct tcpk__half *h)
{
	return h->state == FLOW && (h->off != h->len || h->blocked);
}

/* Fewer bytes came than the limit asks for: then it has failed. */
bool	tcpk__half_short(struct tcpk__half *);

/* src has become readable, dst writable (or tells that it hung up). */
void	tcpk__half_readable(struct tcpk__half *);
void	tcpk__half_writable(struct tcpk__half *);
void	tcpk__half_hup(struct tcpk__half *);

/* Read no more: pending bytes still go out, then the end is passed on. */
void	tcpk__half_stop(struct tcpk__half *);

/* Everything from src is with dst: pass the end on, now or later. */
void	tcpk__half_end_of_input(struct tcpk__half *);

/* As many bytes have moved as were asked for: end both halves. */
void	tcpk__half_limit_reached(struct tcpk__half *);

/* dst takes no more, and that is no error; dst, or src, is broken. */
void	tcpk__half_dst_gone(struct tcpk__half *);
void	tcpk__half_dst_failed(struct tcpk__half *);
void	tcpk__half_src_failed(struct tcpk__half *);

/*
 * Take the steps that need no readiness (HELD, FINISH, DRAIN).  Returns true
 * when the state changed.
 */
bool	tcpk__half_advance(struct tcpk__half *, uint64_t now);

/* What it waits for at its source and at its destination. */
unsigned tcpk__half_wants_src(const struct tcpk__half *);
unsigned tcpk__half_wants_dst(const struct tcpk__half *);

void	tcpk__half_release(struct tcpk__half *);

/*
 * Moving bytes inside the kernel: pump_splice.c, or pump_splice_none.c.
 * begin: is the next piece to go that way?  Then turn reads one and passes it
 * on; false when there was none to be had like this, and a read is to tell
 * why.  flush: write what is pending; true when nothing is left of it.
 */
bool	tcpk__splice_begin(struct tcpk__half *);
bool	tcpk__splice_turn(struct tcpk__half *, bool *go_on);
bool	tcpk__splice_flush(struct tcpk__half *);

/* splice_turn where an end is a pipe: pump_direct.c. */
bool	tcpk__direct_turn(struct tcpk__half *, bool *go_on);

/*
 * Waiting for much at once: pump_bulk.c, or pump_bulk_none.c.  moved: so much
 * came in one go, and that was all.  due: when bytes that do not reach the
 * mark must wait no longer, which is for look to see; end: it is not in bulk.
 */
void	tcpk__bulk_moved(struct tcpk__half *, uint64_t n);
uint64_t tcpk__bulk_due(const struct tcpk__half *);
void	tcpk__bulk_look(struct tcpk__half *);
void	tcpk__bulk_end(struct tcpk__half *);

/* The one place where states change. */
void	tcpk__half_set(struct tcpk__half *, enum tcpk__half_state);

/* Act on what is due at now.  True when a state changed. */
bool	tcpk__pump_run_due(struct tcpk_pump *, uint64_t now);

/* When the next thing falls due; TCPK_FOREVER for never. */
uint64_t tcpk__pump_next_due(const struct tcpk_pump *);

/* Keep an error for the report, if it is the first. */
void	tcpk__pump_note(struct tcpk_pump *, int side,
	    const struct tcpk_err *);

/* The same, and end everything. */
void	tcpk__pump_fail(struct tcpk_pump *, int side,
	    const struct tcpk_err *);

#endif
