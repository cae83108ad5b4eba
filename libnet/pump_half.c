/* One direction of a pump: its bytes. */

#include <string.h>

#include "pump_impl.h"

/* Reads in one event, so that others get their turn. */
#define TURNS		8

/* After a piece like this more is likely to be there: a full pipe. */
#define LARGE_PIECE	(32 * 1024)

/*
 * Offer bytes to dst: how many it took, or -1 when it takes no more.  Every
 * piece passes here exactly once for each time it is offered.
 */
static ssize_t
offer(struct tcpk__half *h, const char *data, size_t n, bool last)
{
	struct tcpk_stream	*dst = tcpk__half_dst(h);
	ssize_t			 put;

	put = last ? tcpk_stream_write_last(dst, data, n) :
	    tcpk_stream_write(dst, data, n);
	if (put > 0) {
		h->bytes += put;
		h->moved_at = tcpk_loop_now(tcpk__half_pump(h)->loop);
		return put;
	}
	if (put == TCPK_AGAIN || put == 0)
		return 0;
	if (put == TCPK_GONE)
		tcpk__half_dst_gone(h);
	else
		tcpk__half_dst_failed(h);
	return -1;
}

/* Write what is pending.  True when nothing is left of it. */
static bool
flush(struct tcpk__half *h)
{
	ssize_t	put;

	if (h->piped)
		return tcpk__splice_flush(h);
	while (h->off < h->len) {
		put = offer(h, h->buf + h->off, h->len - h->off, false);
		if (put <= 0)
			return false;
		h->off += (uint32_t)put;
	}
	tcpk__half_release(h);
	return true;
}

static void
no_memory(struct tcpk__half *h)
{
	struct tcpk_err	err;

	tcpk_err_set(&err, TCPK_EIO, "out of memory");
	tcpk__pump_fail(tcpk__half_pump(h), h->index, &err);
}

/*
 * Give a piece to dst, and keep what it did not take.  The piece lies in
 * the loop's scratch buffer, or in buf already.
 */
static bool
pass_on(struct tcpk__half *h, char *data, size_t n, bool last)
{
	size_t	put = 0;
	ssize_t	took;

	/* A pipe that took all it holds may have been emptied meanwhile. */
	do {
		took = offer(h, data + put, n - put, last);
		if (took == -1)
			return false;
		put += (size_t)took;
	} while (put < n && took >= LARGE_PIECE);
	h->slow = put < n;
	if (!h->slow)
		return true;
	if (h->buf == NULL) {
		h->buf = tcpk_loop_buffer(tcpk__half_pump(h)->loop);
		if (h->buf == NULL) {
			no_memory(h);
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

/*
 * A pipe gives no more than it holds, and its writer has filled it again by
 * the time we look: one large piece wakes the far end once, where four small
 * ones wake it four times.  Nothing is waited for.  Datagrams are not joined.
 */
static size_t
fill(struct tcpk__half *h, char *data, size_t n, size_t room)
{
	ssize_t	got = (ssize_t)n;

	if (got >= LARGE_PIECE && tcpk_stream_whole(tcpk__half_src(h)))
		return n;
	while (got >= LARGE_PIECE && n < room) {
		got = tcpk_stream_read(tcpk__half_src(h), data + n, room - n);
		if (got > 0)
			n += (size_t)got;
		else if (got == -1)
			h->src_broken = true;
	}
	return n;
}

/*
 * Is a short piece all that comes before the end, and that passed on at once?
 * Its source has said so (TCPK_END), if nothing lies between it and us that
 * reads ahead, or keeps back.
 */
static bool
is_last(const struct tcpk__half *h)
{
	const struct tcpk_half_opts	*o = tcpk__half_opts(h);
	int				 in, out;

	return (tcpk__half_pump(h)->last & 1u << h->index) != 0 &&
	    !o->no_shutdown && !o->no_finish && o->limit == 0 &&
	    tcpk_stream_fds(tcpk__half_src(h), &in, &out);
}

/*
 * Find a place for the next piece: dst's own, if it lends one (h->lent), else
 * the loop's scratch buffer, or for a slow dst where it may have to stay.
 * first: src said that it has something.  NULL: not now.
 */
static char *
find_place(struct tcpk__half *h, bool first, size_t *room)
{
	struct tcpk_stream	*src = tcpk__half_src(h);
	struct tcpk_stream	*dst = tcpk__half_dst(h);
	struct tcpk_loop	*loop = tcpk__half_pump(h)->loop;
	void			*place;
	int			 r = 0;

	h->blocked = h->lent = false;
	/*
	 * An echo's reading may have to write, an alert; and a datagram needs
	 * more room than there may be.
	 */
	if (h->buf == NULL && !h->src_broken && src != dst &&
	    !tcpk_stream_whole(src))
		r = tcpk_stream_room(dst, &place, room);
	if (r == 1) {
		h->lent = true;
		return place;
	}
	if (r == TCPK_AGAIN) {
		/* Nobody else would tell that there is nothing more. */
		h->blocked = first || tcpk__half_pump(h)->cut;
		return NULL;
	}
	if (r == -1) {
		tcpk__half_dst_failed(h);
		return NULL;
	}
	*room = TCPK_SCRATCH;
	if (h->slow && h->buf == NULL)
		h->buf = tcpk_loop_buffer(loop);
	place = h->buf != NULL ? h->buf : tcpk_loop_scratch(loop);
	if (place == NULL)
		no_memory(h);
	return place;
}

/* dst takes what lies in the place that it lent, as pass_on. */
static bool
commit(struct tcpk__half *h, size_t n)
{
	if (tcpk_stream_commit(tcpk__half_dst(h), n) == -1) {
		tcpk__half_dst_failed(h);
		return false;
	}
	h->bytes += n;
	return true;
}

/* Read as much as there is, at most room: as tcpk_stream_read. */
static ssize_t
take(struct tcpk__half *h, char *data, size_t room)
{
	ssize_t	got;

	got = h->src_broken ? -1 :
	    tcpk_stream_read(tcpk__half_src(h), data, room);
	if (got > 0) {
		got = (ssize_t)fill(h, data, (size_t)got, room);
		h->large = got >= LARGE_PIECE;
		h->taken += (uint64_t)got;
		h->heard = true;
		h->moved_at = tcpk_loop_now(tcpk__half_pump(h)->loop);
	} else if (h->lent)
		tcpk_stream_commit(tcpk__half_dst(h), 0);
	return got;
}

/*
 * Read a piece and pass it on.  True when it makes sense to go on.  first: it
 * is what src said it has.
 */
static bool
turn(struct tcpk__half *h, bool first)
{
	uint64_t limit = tcpk__half_opts(h)->limit;
	size_t	 room;
	ssize_t	 got;
	char	*data;
	bool	 go_on;

	if (h->buf == NULL && !h->src_broken && tcpk__splice_begin(h)) {
		if (tcpk__splice_turn(h, &go_on))
			return go_on;
		/* Most likely that was all; what it was shows in time. */
		if (!first)
			return false;
	}
	data = find_place(h, first, &room);
	if (data == NULL)
		return false;
	if (limit != 0 && limit - h->taken < room)
		room = limit - h->taken;
	got = take(h, data, room);
	if (got == TCPK_AGAIN) {
		if (tcpk__half_pump(h)->cut)
			tcpk__half_end_of_input(h);
		return false;
	}
	if (got == 0) {
		tcpk__half_end_of_input(h);
		return false;
	}
	if (got < 0) {
		tcpk__half_src_failed(h);
		return false;
	}
	if (!(h->lent ? commit(h, (size_t)got) :
	    pass_on(h, data, got, !h->large && is_last(h))))
		return false;
	if (h->taken == limit) {
		tcpk__half_limit_reached(h);
		return false;
	}
	return (size_t)got == room || h->large ||
	    (tcpk__half_pump(h)->last & 1u << h->index) != 0;
}

static void
discard(struct tcpk__half *h)
{
	ssize_t	got;
	int	i;

	for (i = 0; i < TURNS; i++) {
		got = tcpk_stream_read(tcpk__half_src(h),
		    tcpk_loop_scratch(tcpk__half_pump(h)->loop), TCPK_SCRATCH);
		if (got == TCPK_AGAIN)
			return;
		if (got > 0) {
			h->heard = true;
			h->moved_at = tcpk_loop_now(tcpk__half_pump(h)->loop);
			continue;
		}
		/* A dst that broke is not to be told of the end. */
		if (got == 0)
			tcpk__half_set(h, tcpk__half_pump(h)->cut ?
			    DONE : FINISH);
		else
			tcpk__half_src_failed(h);
		return;
	}
}

/* readable: src has something, it is known. */
static void
flow(struct tcpk__half *h, bool readable)
{
	uint64_t	before = h->taken;
	int		i;

	for (i = 0; h->state == FLOW && !h->stop && h->off == h->len; i++)
		if (i == TURNS || !turn(h, readable && i == 0))
			break;
	if (h->state == FLOW && h->off == h->len &&
	    !tcpk__half_pump(h)->over) {
		tcpk__half_release(h);
		tcpk__bulk_moved(h, h->taken - before);
		if (h->stop)
			tcpk__half_end_of_input(h);
	}
}

void
tcpk__half_readable(struct tcpk__half *h)
{
	if (h->state == FLOW && !tcpk__half_pending(h))
		flow(h, true);
	else if (h->state == DISCARD)
		discard(h);
}

void
tcpk__half_writable(struct tcpk__half *h)
{
	if (h->state != FLOW || !tcpk__half_pending(h) || !flush(h))
		return;
	if (tcpk__half_opts(h)->limit != 0 &&
	    h->taken == tcpk__half_opts(h)->limit)
		tcpk__half_limit_reached(h);
	else
		flow(h, h->blocked);
}
