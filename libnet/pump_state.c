/* One direction of a pump: its states, and what ends it. */

#include "pump_impl.h"

/* How often it is looked at whether everything has arrived. */
#define DRAIN_FIRST	TCPK_MS
#define DRAIN_LOOKS	7		/* each time twice as long, up to */
#define DRAIN_MAX	(DRAIN_FIRST << DRAIN_LOOKS)

void
tcpk__half_release(struct tcpk__half *h)
{
	if (h->state != FLOW)
		return;
	if (h->piped)
		tcpk_loop_pipe_done(tcpk__half_pump(h)->loop, h->pipe,
		    h->off == h->len);
	else if (h->buf != NULL)
		tcpk_loop_buffer_done(tcpk__half_pump(h)->loop, h->buf);
	h->buf = NULL;
	h->piped = false;
	h->off = h->len = 0;
}

static void
look_from(struct tcpk__half *h, uint64_t at)
{
	h->drain_at = at;
	h->looks = 0;
}

void
tcpk__half_set(struct tcpk__half *h, enum tcpk__half_state state)
{
	uint64_t		 now = tcpk_loop_now(tcpk__half_pump(h)->loop);
	struct tcpk__half	*other = tcpk__half_other(h);

	if (h->state == FLOW && state != FLOW) {
		tcpk__half_release(h);
		h->blocked = false;
		tcpk__bulk_end(h);
		if (other->state == DRAIN)
			look_from(other, now);
	}
	/* Lingering was no idleness: what follows has its own time. */
	if (h->state == DISCARD)
		h->moved_at = now;
	h->state = state;
	if (!h->ended)
		h->ended_at = now;
	h->ended = true;
	/* While the other half flows nobody waits for what a peer has got. */
	if (state == DRAIN) {
		look_from(h, other->state != FLOW ||
		    !tcpk_stream_lingers(tcpk__half_dst(h)) ? now :
		    now + DRAIN_MAX);
		h->drain_left = UINT32_MAX;
	}
	if (state == FINISH)
		h->finish_at = now;
	if (state == DONE)
		h->done_at = now;
	if (tcpk__half_pump(h)->side == -1 && state != DONE)
		tcpk__half_pump(h)->side = (signed char)h->index;
}

static int
side_of(const struct tcpk__half *h, const struct tcpk_stream *s)
{
	return s == tcpk__half_pump(h)->streams[0] ? 0 : 1;
}

static void
fail(struct tcpk__half *h, struct tcpk_stream *s)
{
	tcpk__pump_fail(tcpk__half_pump(h), side_of(h, s), tcpk_stream_err(s));
}

/* The first error is the one to report; it need not be the end yet. */
static void
note_error(struct tcpk__half *h, struct tcpk_stream *s)
{
	tcpk__pump_note(tcpk__half_pump(h), side_of(h, s), tcpk_stream_err(s));
}

/*
 * No more will come, and that is not an end to be passed on: dst gets what
 * came before it, and is then reset.  If that was nothing, nothing is waited
 * for: a Multipath TCP connection that fell back to TCP counts a byte as
 * unsent until there are others.
 */
static void
break_off(struct tcpk__half *h)
{
	h->broken = true;
	tcpk__half_set(h, h->bytes != 0 &&
	    tcpk_stream_lingers(tcpk__half_dst(h)) ? DRAIN : DONE);
}

bool
tcpk__half_short(struct tcpk__half *h)
{
	struct tcpk_err	err;

	if (h->taken >= tcpk__half_opts(h)->limit)
		return false;
	tcpk_err_set(&err, TCPK_ECUT, "ended after %llu of %llu bytes",
	    (unsigned long long)h->taken,
	    (unsigned long long)tcpk__half_opts(h)->limit);
	tcpk__pump_fail(tcpk__half_pump(h), h->index, &err);
	return true;
}

void
tcpk__half_end_of_input(struct tcpk__half *h)
{
	if (tcpk__half_pump(h)->cut) {
		break_off(h);
		return;
	}
	if (tcpk__half_short(h))
		return;
	if (tcpk__half_opts(h)->no_shutdown &&
	    !tcpk__half_other(h)->ended)
		tcpk__half_set(h, HELD);
	else
		tcpk__half_set(h, FINISH);
}

/* No more is wanted from src: one that would not mind is left at once. */
static void
want_no_more(struct tcpk__half *h)
{
	tcpk__half_set(h, tcpk_stream_lingers(tcpk__half_src(h)) ?
	    DISCARD : FINISH);
}

void
tcpk__half_dst_gone(struct tcpk__half *h)
{
	h->gone = true;
	if (tcpk__half_pump(h)->side == -1)
		tcpk__half_pump(h)->side = !h->index;
	want_no_more(h);
}

void
tcpk__half_limit_reached(struct tcpk__half *h)
{
	want_no_more(h);
	tcpk__half_stop(tcpk__half_other(h));
}

/*
 * What is left for a half to do whose dst is lost: a program or a peer may
 * take no more of what is still to be delivered to it while nobody reads what
 * it says.
 */
static enum tcpk__half_state
deaf(const struct tcpk__half *h)
{
	const struct tcpk_stream	*src = tcpk__half_src(h);

	if (h->state != FLOW && h->state != DISCARD)
		return DONE;
	return tcpk_stream_couples(src) || tcpk_stream_lingers(src) ?
	    DISCARD : DONE;
}

/*
 * dst is broken.  If it is a connection, what its peer sent before is still
 * there to be read by the other half.
 */
void
tcpk__half_dst_failed(struct tcpk__half *h)
{
	struct tcpk__half	*other = tcpk__half_other(h);

	if (tcpk_stream_err(tcpk__half_dst(h))->kind != TCPK_ECUT ||
	    other->state != FLOW ||
	    tcpk__half_src(other) == tcpk__half_src(h)) {
		fail(h, tcpk__half_dst(h));
		return;
	}
	note_error(h, tcpk__half_dst(h));
	h->broken = true;
	tcpk__half_set(h, tcpk__half_pump(h)->cut ? DONE : deaf(h));
	tcpk__half_pump(h)->cut = true;
	tcpk__half_readable(other);
}

void
tcpk__half_src_failed(struct tcpk__half *h)
{
	struct tcpk__half	*other = tcpk__half_other(h);

	/*
	 * While discarding, with everything that was sent acknowledged, how
	 * the peer ends does not matter any more.
	 */
	if (h->state == DISCARD && other->state == DONE &&
	    !tcpk__half_pump(h)->cut) {
		tcpk__half_set(h, FINISH);
		return;
	}
	/* An echo has nobody to tell it to. */
	if (tcpk__half_src(h) == tcpk__half_dst(h)) {
		fail(h, tcpk__half_src(h));
		return;
	}
	note_error(h, tcpk__half_src(h));
	tcpk__half_pump(h)->cut = true;
	break_off(h);
	/* The other half has nobody left to write to. */
	if (other->state == FLOW && h->state == DRAIN)
		tcpk__half_set(other, deaf(other));
	else if (other->state != DONE &&
	    (other->state != DISCARD || h->state != DRAIN))
		tcpk__half_set(other, DONE);
}

void
tcpk__half_hup(struct tcpk__half *h)
{
	int	r;

	if (h->state != FLOW)
		return;
	r = tcpk_stream_hup(tcpk__half_dst(h));
	if (r == TCPK_GONE)
		tcpk__half_dst_gone(h);
	else if (r == -1)
		tcpk__half_dst_failed(h);
}

void
tcpk__half_stop(struct tcpk__half *h)
{
	h->stop = true;
	if (h->state == FLOW && h->off == h->len)
		tcpk__half_end_of_input(h);
}

static bool
finish(struct tcpk__half *h)
{
	int	r = 0;

	if (!tcpk__half_opts(h)->no_finish)
		r = tcpk_stream_finish(tcpk__half_dst(h));
	if (r == TCPK_AGAIN)
		return false;
	if (r == -1) {
		tcpk__half_dst_failed(h);
		return false;
	}
	tcpk__half_set(h, DRAIN);
	return true;
}

static bool
drain(struct tcpk__half *h, uint64_t now)
{
	uint64_t	left;
	int		r;

	if (now < h->drain_at)
		return false;
	r = tcpk_stream_drained(tcpk__half_dst(h), &left);
	if (r == TCPK_AGAIN) {
		if (left < h->drain_left)
			h->moved_at = now;
		h->drain_left = left < UINT32_MAX ? (uint32_t)left :
		    UINT32_MAX;
		h->drain_at = now + (DRAIN_FIRST << h->looks);
		if (h->looks < DRAIN_LOOKS)
			h->looks++;
		return false;
	}
	if (r == -1 &&
	    tcpk_stream_err(tcpk__half_dst(h))->kind != TCPK_EPROGRAM) {
		tcpk__half_dst_failed(h);
		return false;
	}
	/* A program's bad end leaves what it wrote to be delivered. */
	if (r == -1)
		note_error(h, tcpk__half_dst(h));
	tcpk__half_set(h, DONE);
	return true;
}

bool
tcpk__half_advance(struct tcpk__half *h, uint64_t now)
{
	switch (h->state) {
	case HELD:
		if (!tcpk__half_other(h)->ended)
			return false;
		tcpk__half_set(h, FINISH);
		return true;
	case FINISH:
		return finish(h);
	case DRAIN:
		return drain(h, now);
	default:
		return false;
	}
}

unsigned
tcpk__half_wants_src(const struct tcpk__half *h)
{
	if (h->state == DISCARD)
		return TCPK_READ;
	return h->state == FLOW && !tcpk__half_pending(h) && !h->stop ?
	    TCPK_READ : 0;
}

unsigned
tcpk__half_wants_dst(const struct tcpk__half *h)
{
	if (h->state == FINISH)
		return TCPK_WRITE;
	if (h->state != FLOW)
		return 0;
	return tcpk__half_pending(h) ? TCPK_WRITE : TCPK_HUP;
}
