/* One direction of a pump. */

#include <string.h>

#include "pump_impl.h"

/* Reads in one event, so that others get their turn. */
#define TURNS		8

/* After a piece like this more is likely to be there: a full pipe. */
#define LARGE_PIECE	(64 * 1024)

/* How often it is looked at whether everything has arrived. */
#define DRAIN_FIRST	TCPK_MS
#define DRAIN_MAX	(100 * TCPK_MS)

struct tcpk__half *
tcpk__half_other(const struct tcpk__half *h)
{
	return &h->pump->half[!h->index];
}

void
tcpk__half_release(struct tcpk__half *h)
{
	if (h->buf != NULL)
		tcpk_loop_buffer_done(h->pump->loop, h->buf);
	h->buf = NULL;
	h->off = h->len = 0;
}

void
tcpk__half_set(struct tcpk__half *h, enum tcpk__half_state state)
{
	uint64_t	now = tcpk_loop_now(h->pump->loop);

	if (h->state == FLOW && state != FLOW)
		tcpk__half_release(h);
	/* Lingering was no idleness: what follows has its own time. */
	if (h->state == DISCARD)
		h->moved_at = now;
	h->state = state;
	if (h->ended_at == 0)
		h->ended_at = now;
	if (state == DRAIN) {
		h->drain_at = now;
		h->drain_delay = DRAIN_FIRST;
		h->drain_left = UINT64_MAX;
	}
	if (state == DONE)
		h->done_at = now;
	if (h->pump->side == -1 && state != DONE)
		h->pump->side = h->index;
}

static int
side_of(const struct tcpk__half *h, const struct tcpk_stream *s)
{
	return s == h->pump->streams[0] ? 0 : 1;
}

static void
fail(struct tcpk__half *h, struct tcpk_stream *s)
{
	tcpk__pump_fail(h->pump, side_of(h, s), tcpk_stream_err(s));
}

/* The first error is the one to report; it need not be the end yet. */
static void
note_error(struct tcpk__half *h, struct tcpk_stream *s)
{
	tcpk__pump_note(h->pump, side_of(h, s), tcpk_stream_err(s));
}

/*
 * No more will come, and that is not an end to be passed on: dst gets what
 * came before it, and is then reset.
 */
static void
break_off(struct tcpk__half *h)
{
	h->broken = true;
	tcpk__half_set(h, tcpk_stream_lingers(h->dst) ? DRAIN : DONE);
}

bool
tcpk__half_short(struct tcpk__half *h)
{
	struct tcpk_err	err;

	if (h->taken >= h->opts->limit)
		return false;
	tcpk_err_set(&err, TCPK_ECUT, "ended after %llu of %llu bytes",
	    (unsigned long long)h->taken, (unsigned long long)h->opts->limit);
	tcpk__pump_fail(h->pump, h->index, &err);
	return true;
}

/* Everything from src is with dst: pass the end on, now or later. */
static void
end_of_input(struct tcpk__half *h)
{
	if (h->pump->cut) {
		break_off(h);
		return;
	}
	if (tcpk__half_short(h))
		return;
	if (h->opts->no_shutdown && tcpk__half_other(h)->ended_at == 0)
		tcpk__half_set(h, HELD);
	else
		tcpk__half_set(h, FINISH);
}

/* No more is wanted from src: one that would not mind is left at once. */
static void
want_no_more(struct tcpk__half *h)
{
	tcpk__half_set(h, tcpk_stream_lingers(h->src) ? DISCARD : FINISH);
}

static void
dst_gone(struct tcpk__half *h)
{
	h->gone = true;
	if (h->pump->side == -1)
		h->pump->side = !h->index;
	want_no_more(h);
}

static void
limit_reached(struct tcpk__half *h)
{
	want_no_more(h);
	tcpk__half_stop(tcpk__half_other(h));
}

/*
 * dst is broken.  If it is a connection, what its peer sent before is still
 * there to be read by the other half.
 */
static void
dst_failed(struct tcpk__half *h)
{
	struct tcpk__half	*other = tcpk__half_other(h);

	if (tcpk_stream_err(h->dst)->kind != TCPK_ECUT ||
	    other->state != FLOW || other->src == h->src) {
		fail(h, h->dst);
		return;
	}
	note_error(h, h->dst);
	h->pump->cut = true;
	tcpk__half_set(h, DONE);
	tcpk__half_readable(other);
}

/*
 * Offer bytes to dst: how many it took, or -1 when it takes no more.  Every
 * piece passes here exactly once for each time it is offered.
 */
static ssize_t
offer(struct tcpk__half *h, const char *data, size_t n)
{
	ssize_t	put;

	put = tcpk_stream_write(h->dst, data, n);
	if (put > 0) {
		h->bytes += put;
		h->moved_at = tcpk_loop_now(h->pump->loop);
		return put;
	}
	if (put == TCPK_AGAIN || put == 0)
		return 0;
	if (put == TCPK_GONE)
		dst_gone(h);
	else
		dst_failed(h);
	return -1;
}

/* Write what is pending.  True when nothing is left of it. */
static bool
flush(struct tcpk__half *h)
{
	ssize_t	put;

	while (h->off < h->len) {
		put = offer(h, h->buf + h->off, h->len - h->off);
		if (put <= 0)
			return false;
		h->off += (uint32_t)put;
	}
	tcpk__half_release(h);
	return true;
}

/*
 * Give a piece to dst, and keep what it did not take.  The piece lies in
 * the loop's scratch buffer, or in buf already.
 */
static bool
pass_on(struct tcpk__half *h, char *data, size_t n)
{
	ssize_t	put;

	put = offer(h, data, n);
	if (put == -1)
		return false;
	h->slow = (size_t)put < n;
	if (!h->slow)
		return true;
	if (h->buf == NULL) {
		h->buf = tcpk_loop_buffer(h->pump->loop);
		if (h->buf == NULL) {
			struct tcpk_err	err;

			tcpk_err_set(&err, TCPK_EIO, "out of memory");
			tcpk__pump_fail(h->pump, h->index, &err);
			return false;
		}
		memcpy(h->buf, data + put, n - put);
		h->off = 0;
		h->len = (uint32_t)(n - put);
	} else {
		h->off = (uint32_t)put;
		h->len = (uint32_t)n;
	}
	return false;
}

static void
read_failed(struct tcpk__half *h)
{
	struct tcpk__half	*other = tcpk__half_other(h);

	/*
	 * While discarding, with everything that was sent acknowledged, how
	 * the peer ends does not matter any more.
	 */
	if (h->state == DISCARD && other->state == DONE && !h->pump->cut) {
		tcpk__half_set(h, FINISH);
		return;
	}
	note_error(h, h->src);
	h->pump->cut = true;
	/* The other half has nobody left to write to. */
	if (other->state != DONE)
		tcpk__half_set(other, DONE);
	break_off(h);
}

/* Read a piece and pass it on.  True when it makes sense to go on. */
static bool
turn(struct tcpk__half *h)
{
	size_t	 room = TCPK_SCRATCH;
	ssize_t	 got;
	char	*data;

	if (h->opts->limit != 0 && h->opts->limit - h->taken < room)
		room = h->opts->limit - h->taken;
	/* To a slow dst a piece goes from where it may have to stay. */
	if (h->slow && h->buf == NULL)
		h->buf = tcpk_loop_buffer(h->pump->loop);
	data = h->buf != NULL ? h->buf : tcpk_loop_scratch(h->pump->loop);
	if (data == NULL) {
		struct tcpk_err	err;

		tcpk_err_set(&err, TCPK_EIO, "out of memory");
		tcpk__pump_fail(h->pump, h->index, &err);
		return false;
	}
	got = tcpk_stream_read(h->src, data, room);
	if (got == TCPK_AGAIN) {
		if (h->pump->cut)
			end_of_input(h);
		return false;
	}
	if (got == 0) {
		end_of_input(h);
		return false;
	}
	if (got < 0) {
		read_failed(h);
		return false;
	}
	h->taken += got;
	h->heard = true;
	h->moved_at = tcpk_loop_now(h->pump->loop);
	if (!pass_on(h, data, got))
		return false;
	if (h->taken == h->opts->limit) {
		limit_reached(h);
		return false;
	}
	return (size_t)got == room || got >= LARGE_PIECE;
}

static void
discard(struct tcpk__half *h)
{
	ssize_t	got;
	int	i;

	for (i = 0; i < TURNS; i++) {
		got = tcpk_stream_read(h->src,
		    tcpk_loop_scratch(h->pump->loop), TCPK_SCRATCH);
		if (got == TCPK_AGAIN)
			return;
		if (got > 0) {
			h->heard = true;
			h->moved_at = tcpk_loop_now(h->pump->loop);
			continue;
		}
		if (got == 0)
			tcpk__half_set(h, FINISH);
		else
			read_failed(h);
		return;
	}
}

static void
flow(struct tcpk__half *h)
{
	int	i;

	for (i = 0; h->state == FLOW && !h->stop && h->off == h->len; i++)
		if (i == TURNS || !turn(h))
			break;
	if (h->off == h->len && !h->pump->over) {
		tcpk__half_release(h);
		if (h->state == FLOW && h->stop)
			end_of_input(h);
	}
}

void
tcpk__half_readable(struct tcpk__half *h)
{
	if (h->state == FLOW && h->off == h->len)
		flow(h);
	else if (h->state == DISCARD)
		discard(h);
}

void
tcpk__half_writable(struct tcpk__half *h)
{
	if (h->state != FLOW || h->off == h->len || !flush(h))
		return;
	if (h->opts->limit != 0 && h->taken == h->opts->limit)
		limit_reached(h);
	else
		flow(h);
}

void
tcpk__half_hup(struct tcpk__half *h)
{
	int	r;

	if (h->state != FLOW)
		return;
	r = tcpk_stream_hup(h->dst);
	if (r == TCPK_GONE)
		dst_gone(h);
	else if (r == -1)
		dst_failed(h);
}

void
tcpk__half_stop(struct tcpk__half *h)
{
	h->stop = true;
	if (h->state == FLOW && h->off == h->len)
		end_of_input(h);
}

static bool
finish(struct tcpk__half *h)
{
	int	r = 0;

	if (!h->opts->no_finish)
		r = tcpk_stream_finish(h->dst);
	if (r == TCPK_AGAIN)
		return false;
	if (r == -1) {
		dst_failed(h);
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
	r = tcpk_stream_drained(h->dst, &left);
	if (r == TCPK_AGAIN) {
		if (left < h->drain_left)
			h->moved_at = now;
		h->drain_left = left;
		h->drain_at = now + h->drain_delay;
		if (h->drain_delay < DRAIN_MAX)
			h->drain_delay *= 2;
		return false;
	}
	if (r == -1 && tcpk_stream_err(h->dst)->kind != TCPK_EPROGRAM) {
		dst_failed(h);
		return false;
	}
	/* A program's bad end leaves what it wrote to be delivered. */
	if (r == -1)
		note_error(h, h->dst);
	tcpk__half_set(h, DONE);
	return true;
}

bool
tcpk__half_advance(struct tcpk__half *h, uint64_t now)
{
	switch (h->state) {
	case HELD:
		if (tcpk__half_other(h)->ended_at == 0)
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
	return h->state == FLOW && h->off == h->len && !h->stop ?
	    TCPK_READ : 0;
}

unsigned
tcpk__half_wants_dst(const struct tcpk__half *h)
{
	if (h->state == FINISH)
		return TCPK_WRITE;
	if (h->state != FLOW)
		return 0;
	return h->off < h->len ? TCPK_WRITE : TCPK_HUP;
}
