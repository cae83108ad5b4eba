/* Lines: with CR LF ends, and one at a time. */

#include <stdlib.h>
#include <string.h>

#include "stream_impl.h"

/* A longer line comes in pieces; and the most that is read at once. */
#define PIECE	(64 * 1024)

/* Of the inner stream: what its last read said, when it was no bytes. */
#define OPEN	1

struct lines {
	struct tcpk__wrap w;
	struct tcpk_loop *loop;
	struct tcpk_timer timer;	/* what is held may be given out */
	uint64_t	  interval;
	uint64_t	  due;		/* of the next line; 0 at once */
	unsigned	  want;		/* the owner's */
	bool		  crlf;
	bool		  cr;		/* what went out last was a CR */
	bool		  inside;	/* a line of which a piece went out */
	bool		  let_go;	/* it is not waited for a line's end */
	int		  end;		/* OPEN, 0 end of file, -1 failed */
	/* A piece that no line ended in may be there, and one read after it. */
	char		 *buf;		/* the loop's, while it is needed */
	size_t		  off, len;
	size_t		  seen;		/* there is no LF before this */
};

_Static_assert(2 * PIECE <= TCPK_BUFFER, "two pieces are too much");

/*
 * How much goes out next: what there is; one at a time, a line or a piece of
 * a long one.  0: it is not known yet.
 */
static size_t
next_piece(struct lines *l)
{
	size_t	 held = l->len - l->off;
	char	*lf;

	if (held == 0 || l->interval == 0)
		return held;
	lf = memchr(l->buf + l->seen, '\n', l->len - l->seen);
	l->seen = lf != NULL ? (size_t)(lf - l->buf) : l->len;
	if (lf != NULL)
		return l->seen + 1 - l->off;
	return held >= PIECE || l->inside || l->let_go || l->end != OPEN ?
	    held : 0;
}

/* When the owner may have what is here; never, if there is nothing. */
static uint64_t
when(struct lines *l)
{
	if (next_piece(l) != 0)
		return l->due;
	return l->end != OPEN ? 0 : TCPK_FOREVER;
}

/* Wait for bytes, or until those that are here may go: never for both. */
static void
update(struct lines *l)
{
	uint64_t	due = when(l), now;
	unsigned	want = l->want;

	if ((want & TCPK_READ) == 0 || due == TCPK_FOREVER)
		tcpk_timer_stop(&l->timer);
	else {
		now = tcpk_now();
		if (tcpk_timer_set(&l->timer, due > now ? due : now) == 0)
			want &= ~TCPK_READ;
		else	/* no memory: then nothing is waited for */
			l->due = 0;
	}
	tcpk_stream_want(l->w.inner, want);
}

static void
on_timer(void *arg)
{
	struct lines	*l = arg;

	/* First: the owner may free it. */
	update(l);
	tcpk__stream_ready(&l->w.s, TCPK_READ);
}

static void
release(struct lines *l)
{
	tcpk_loop_buffer_done(l->loop, l->buf);
	l->buf = NULL;
	l->off = l->len = l->seen = 0;
}

/* One read of the inner stream.  False when there was no memory for it. */
static bool
fill(struct lines *l)
{
	ssize_t	got;

	if (l->buf == NULL)
		l->buf = tcpk_loop_buffer(l->loop);
	if (l->buf == NULL)
		return false;
	if (l->off > 0) {
		memmove(l->buf, l->buf + l->off, l->len - l->off);
		l->len -= l->off;
		l->seen -= l->off;
		l->off = 0;
	}
	got = tcpk_stream_read(l->w.inner, l->buf + l->len, PIECE);
	if (got > 0)
		l->len += (size_t)got;
	else if (got != TCPK_AGAIN)
		l->end = (int)got;
	return true;
}

/* Copy what there is before end, with a CR before each LF that has none. */
static size_t
move(struct lines *l, size_t end, char *to, size_t room)
{
	size_t	 n = 0, k;
	char	*from, *lf;

	while (n < room && l->off < end) {
		from = l->buf + l->off;
		k = end - l->off < room - n ? end - l->off : room - n;
		lf = l->crlf ? memchr(from, '\n', k) : NULL;
		if (lf == from && !l->cr) {
			to[n++] = '\r';
			l->cr = true;
			continue;
		}
		if (lf != NULL)
			k = lf == from ? 1 : (size_t)(lf - from);
		memcpy(to + n, from, k);
		n += k;
		l->off += k;
		l->cr = from[k - 1] == '\r';
	}
	return n;
}

static size_t
give(struct lines *l, size_t piece, char *to, size_t room)
{
	size_t	 n, end = l->off + piece, begun = l->off;
	uint64_t now;

	n = move(l, end, to, room);
	l->inside = l->off == begun || l->buf[l->off - 1] != '\n';
	if (!l->inside && l->interval != 0) {
		now = tcpk_now();
		l->due = l->interval < TCPK_FOREVER - 1 - now ?
		    now + l->interval : TCPK_FOREVER - 1;
	}
	if (l->seen < l->off)
		l->seen = l->off;
	if (l->off == l->len)
		release(l);
	return n;
}

static ssize_t
lines_read(struct tcpk_stream *s, void *buf, size_t n)
{
	struct lines	*l = (struct lines *)s;
	ssize_t		 r = TCPK_AGAIN;
	size_t		 piece = next_piece(l);
	uint64_t	 due;

	if (piece == 0 && l->end == OPEN) {
		if (!fill(l))
			return tcpk__stream_fail(s, TCPK_EIO, 0,
			    "out of memory");
		piece = next_piece(l);
	}
	due = when(l);
	if (piece != 0 && (due == 0 || due <= tcpk_now()))
		r = (ssize_t)give(l, piece, buf, n);
	else if (l->len == l->off) {
		release(l);
		if (l->end != OPEN)
			r = l->end;
	}
	update(l);
	return r == -1 ?
	    tcpk__stream_fail_as(s, tcpk_stream_err(l->w.inner)) : r;
}

static void
lines_want(struct tcpk_stream *s, unsigned want)
{
	struct lines	*l = (struct lines *)s;

	l->want = want;
	update(l);
}

static uint64_t
lines_holds(const struct tcpk_stream *s)
{
	const struct lines	*l = (const struct lines *)s;

	return l->len > l->off ? l->due : 0;
}

static bool
lines_let_go(struct tcpk_stream *s)
{
	struct lines	*l = (struct lines *)s;

	if (l->len == l->off)
		return false;
	l->let_go = true;
	update(l);
	return true;
}

static void
lines_free(struct tcpk_stream *s)
{
	struct lines	*l = (struct lines *)s;

	tcpk_timer_stop(&l->timer);
	release(l);
	tcpk__wrap_free(s);
}

static const struct tcpk__stream_ops	lines_ops = {
	.read = lines_read,
	.write = tcpk__wrap_write,
	.finish = tcpk__wrap_finish,
	.drained = tcpk__wrap_drained,
	.want = lines_want,
	.hup = tcpk__wrap_hup,
	.reset = tcpk__wrap_reset,
	.free = lines_free,
	.fds = tcpk__wrap_fds,
	.inner = tcpk__wrap_inner,
	.wraps = true,
	.holds = lines_holds,
	.let_go = lines_let_go
};

struct tcpk_stream *
tcpk_stream_lines(struct tcpk_loop *loop, struct tcpk_stream *inner, bool crlf,
    uint64_t interval, struct tcpk_err *err)
{
	struct lines	*l = calloc(1, sizeof(*l));

	if (l == NULL) {
		tcpk_err_set(err, TCPK_EIO, "out of memory");
		return NULL;
	}
	l->loop = loop;
	l->crlf = crlf;
	l->interval = interval;
	l->end = OPEN;
	tcpk_timer_init(&l->timer, loop, on_timer, l);
	tcpk__wrap_init(&l->w, &lines_ops, inner, NULL);
	return &l->w.s;
}
