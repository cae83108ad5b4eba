#include <stdlib.h>
#include <string.h>

#include "tcpecho_talk.h"

/* Messages that wait for their time at once. */
#define PIECES		256

/* Reads in one event, so that others get their turn. */
#define TURNS		8

#define DRAIN_FIRST	TCPK_MS
#define DRAIN_MOST	(50 * TCPK_MS)

/* A line of RFC 864: 72 characters of 95, and CR LF. */
#define PATTERN		95
#define LINE		72

struct piece {
	uint64_t	due;
	size_t		n;
};

/*
 * TALK: the client may send, and hears what is due.  LAST: it has ended, and
 * hears the rest.  FINISH: the end of file is passed on.  DRAIN: a timer asks
 * whether all has arrived.
 */
enum state { TALK, LAST, FINISH, DRAIN };

struct tcpecho_talk {
	struct tcpk_loop	*loop;
	struct tcpk_stream	*stream;
	const struct tcpecho_server_opts *opts;
	void		       (*done)(void *, const struct tcpecho_talked *);
	void			*arg;
	struct tcpk_timer	 timer;
	char			*buf;		/* what is to be said */
	size_t			 off, due, len;	/* said, may be said, all */
	struct piece		*pieces;	/* a ring, with a delay only */
	size_t			 first, npieces;
	unsigned		 line;		/* of the pattern */
	enum state		 state;
	uint64_t		 idle, moved_at, drain_at, drain_delay;
	struct tcpecho_talked	 report;
};

static void
destroy(struct tcpecho_talk *t)
{
	tcpk_timer_stop(&t->timer);
	tcpk_stream_free(t->stream);
	tcpk_loop_buffer_done(t->loop, t->buf);
	free(t->pieces);
	free(t);
}

void
tcpecho_talk_cancel(struct tcpecho_talk *t)
{
	if (t == NULL)
		return;
	tcpk_stream_reset(t->stream);
	destroy(t);
}

static void
end(struct tcpecho_talk *t, const struct tcpk_err *err)
{
	void	(*done)(void *, const struct tcpecho_talked *) = t->done;
	struct tcpecho_talked	report = t->report;
	void			*arg = t->arg;

	if (err != NULL) {
		report.err = *err;
		tcpk_stream_reset(t->stream);
	}
	destroy(t);
	done(arg, &report);
}

static size_t
room(struct tcpecho_talk *t)
{
	if (t->off == t->len)
		t->off = t->due = t->len = 0;
	if (t->off > TCPK_SCRATCH / 2) {
		memmove(t->buf, t->buf + t->off, t->len - t->off);
		t->due -= t->off;
		t->len -= t->off;
		t->off = 0;
	}
	return TCPK_SCRATCH - t->len;
}

static void
say(struct tcpecho_talk *t, const char *text, size_t n)
{
	memcpy(t->buf + t->len, text, n);
	t->len += n;
	if (t->pieces == NULL) {
		t->due = t->len;
		return;
	}
	t->pieces[(t->first + t->npieces++) % PIECES] = (struct piece){
		tcpk_loop_now(t->loop) + t->opts->delay, n
	};
}

static void
make_line(char text[LINE + 2], unsigned line)
{
	unsigned	i;

	for (i = 0; i < LINE; i++)
		text[i] = (char)(' ' + (line + i) % PATTERN);
	memcpy(text + LINE, "\r\n", 2);
}

void
tcpecho_pattern(char *buf, size_t n)
{
	char	text[LINE + 2];
	size_t	at, piece;

	for (at = 0; at < n; at += piece) {
		make_line(text, (unsigned)(at / sizeof(text)) % PATTERN);
		piece = n - at < sizeof(text) ? n - at : sizeof(text);
		memcpy(buf + at, text, piece);
	}
}

/* Whole lines of the pattern, as many as there is room for. */
static void
generate(struct tcpecho_talk *t)
{
	char	text[LINE + 2];

	while (room(t) >= sizeof(text) && t->len - t->off < 64 * 1024) {
		make_line(text, t->line);
		t->line = (t->line + 1) % PATTERN;
		say(t, text, sizeof(text));
	}
}

static void
hear(struct tcpecho_talk *t, const char *data, size_t n)
{
	if (t->opts->reply != NULL)
		say(t, t->opts->reply, strlen(t->opts->reply));
	else if (!t->opts->discard && !t->opts->chargen)
		say(t, data, n);
}

/* What a message may add to what is to be said. */
static size_t
answer_room(struct tcpecho_talk *t)
{
	size_t	n = room(t);

	if (t->npieces == PIECES)
		return 0;
	if (t->opts->discard || t->opts->chargen)
		return TCPK_SCRATCH;
	if (t->opts->reply != NULL)
		return n >= strlen(t->opts->reply) ? TCPK_SCRATCH : 0;
	return n;
}

/* -1 when it has ended badly and t is gone. */
static int
listen_to(struct tcpecho_talk *t)
{
	char	*data = tcpk_loop_scratch(t->loop);
	ssize_t	 got;
	size_t	 n;
	int	 i;

	for (i = 0; i < TURNS && t->state == TALK; i++) {
		n = answer_room(t);
		if (n == 0 || data == NULL)
			break;
		got = tcpk_stream_read(t->stream, data, n);
		if (got == TCPK_AGAIN)
			break;
		if (got < 0) {
			end(t, tcpk_stream_err(t->stream));
			return -1;
		}
		if (got == 0) {
			t->state = LAST;
			break;
		}
		t->report.bytes_in += (uint64_t)got;
		t->moved_at = tcpk_loop_now(t->loop);
		hear(t, data, (size_t)got);
	}
	return 0;
}

static void
let_go(struct tcpecho_talk *t)
{
	struct piece	*p;

	while (t->npieces > 0) {
		p = &t->pieces[t->first];
		if (p->due > tcpk_loop_now(t->loop))
			break;
		t->due += p->n;
		t->first = (t->first + 1) % PIECES;
		t->npieces--;
	}
}

/* -1 when it has ended and t is gone. */
static int
speak(struct tcpecho_talk *t)
{
	ssize_t	put;

	let_go(t);
	if (t->opts->chargen && t->state == TALK)
		generate(t);
	while (t->off < t->due) {
		put = tcpk_stream_write(t->stream, t->buf + t->off,
		    t->due - t->off);
		if (put == TCPK_AGAIN)
			return 0;
		if (put < 0) {
			end(t, put == TCPK_GONE ? NULL :
			    tcpk_stream_err(t->stream));
			return -1;
		}
		t->off += (size_t)put;
		t->report.bytes_out += (uint64_t)put;
		t->moved_at = tcpk_loop_now(t->loop);
		if (t->opts->chargen && t->state == TALK)
			break;		/* there is always more */
	}
	return 0;
}

static int
finish(struct tcpecho_talk *t)
{
	uint64_t	left;
	int		r;

	if (t->state == LAST && t->off == t->len)
		t->state = FINISH;
	if (t->state == FINISH) {
		r = tcpk_stream_finish(t->stream);
		if (r == TCPK_AGAIN)
			return 0;
		if (r == -1)
			goto fail;
		t->state = DRAIN;
		t->drain_delay = DRAIN_FIRST;
		t->drain_at = tcpk_loop_now(t->loop);
	}
	if (t->state != DRAIN || t->drain_at > tcpk_loop_now(t->loop))
		return 0;
	r = tcpk_stream_drained(t->stream, &left);
	if (r == 0) {
		end(t, NULL);
		return -1;
	}
	if (r == -1)
		goto fail;
	t->drain_at = tcpk_loop_now(t->loop) + t->drain_delay;
	t->drain_delay = t->drain_delay < DRAIN_MOST / 2 ?
	    2 * t->drain_delay : DRAIN_MOST;
	return 0;
fail:
	end(t, tcpk_stream_err(t->stream));
	return -1;
}

static void
set_wants(struct tcpecho_talk *t)
{
	uint64_t	due = TCPK_FOREVER;
	unsigned	want = TCPK_HUP;

	if (t->state == TALK && answer_room(t) > 0)
		want |= TCPK_READ;
	if (t->off < t->due || t->state == FINISH ||
	    (t->state == TALK && t->opts->chargen))
		want |= TCPK_WRITE;
	tcpk_stream_want(t->stream, want);
	if (t->npieces > 0)
		due = t->pieces[t->first].due;
	if (t->state == DRAIN && t->drain_at < due)
		due = t->drain_at;
	if (t->idle != 0 && t->moved_at + t->idle < due)
		due = t->moved_at + t->idle;
	if (due == TCPK_FOREVER)
		tcpk_timer_stop(&t->timer);
	else
		tcpk_timer_set(&t->timer, due);
}

static void
go_on(struct tcpecho_talk *t)
{
	struct tcpk_err	err;

	if (listen_to(t) == -1 || speak(t) == -1 || finish(t) == -1)
		return;
	if (t->idle != 0 &&
	    tcpk_loop_now(t->loop) >= t->moved_at + t->idle) {
		tcpk_err_set(&err, TCPK_ETIMEOUT,
		    "idle time-out: nothing moved");
		end(t, &err);
		return;
	}
	set_wants(t);
}

static void
on_ready(void *arg, unsigned ready)
{
	struct tcpecho_talk	*t = arg;
	int			 r;

	if ((ready & TCPK_HUP) != 0) {
		r = tcpk_stream_hup(t->stream);
		if (r == -1) {
			end(t, tcpk_stream_err(t->stream));
			return;
		}
	}
	go_on(t);
}

static void
on_timer(void *arg)
{
	go_on(arg);
}

struct tcpecho_talk *
tcpecho_talk_start(struct tcpk_loop *loop, struct tcpk_stream *stream,
    const struct tcpecho_server_opts *opts, uint64_t idle,
    void (*done)(void *, const struct tcpecho_talked *), void *arg,
    struct tcpk_err *err)
{
	struct tcpecho_talk	*t = calloc(1, sizeof(*t));

	if (t == NULL)
		goto fail;
	t->loop = loop;
	t->opts = opts;
	t->idle = idle;
	t->done = done;
	t->arg = arg;
	t->moved_at = tcpk_now();
	tcpk_timer_init(&t->timer, loop, on_timer, t);
	t->buf = tcpk_loop_buffer(loop);
	if (t->buf == NULL || (opts->delay != 0 &&
	    (t->pieces = calloc(PIECES, sizeof(*t->pieces))) == NULL) ||
	    tcpk_timer_set(&t->timer, tcpk_now()) == -1)
		goto fail;
	if (opts->greet != NULL) {
		t->len = t->due = strlen(opts->greet);
		memcpy(t->buf, opts->greet, t->len);
	}
	t->stream = stream;
	tcpk_stream_on_ready(stream, on_ready, t);
	return t;
fail:
	if (t != NULL)
		destroy(t);
	tcpk_err_set(err, TCPK_EIO, "out of memory");
	return NULL;
}
