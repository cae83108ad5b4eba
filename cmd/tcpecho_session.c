/* One connection of the client: schedule, send, verify. */

#include <stdio.h>

#include "tcpecho_client.h"

/* Reads and writes before others have a turn. */
#define TURNS		8

/* How long nothing may come when all was sent; and once we were stopped. */
#define REPLY_WAIT	(10 * TCPK_SECOND)
#define STOP_WAIT	TCPK_SECOND

/* For the peer's end after ours, SPEC 1.3; and for a program to leave. */
#define CLOSE_WAIT	(5 * TCPK_SECOND)
#define EXIT_WAIT	TCPK_SECOND
#define EXIT_LOOK	(10 * TCPK_MS)

/* --- the end ------------------------------------------------------------- */

static bool
all_back(const struct session *s)
{
	return s->verify.expect == s->verify.limit;
}

static void
over(struct session *s, const struct tcpk_err *why)
{
	struct tcpk_err	copy;

	/* why may be the stream's own. */
	if (why != NULL)
		copy = *why;
	verify_end(&s->verify);
	client_parted(s, why != NULL ? &copy : NULL);
}

/* What a program has to say about its end is more than that it ended. */
static void
look_at_exit(struct session *s)
{
	uint64_t	left, now = tcpk_now();

	if (tcpk_stream_drained(s->stream, &left) == -1)
		over(s, tcpk_stream_err(s->stream));
	else if (left == 0 || now >= s->deadline)
		over(s, s->err.kind != TCPK_OK ? &s->err : NULL);
	else if (tcpk_timer_set(&s->timer, now + EXIT_LOOK) == -1)
		over(s, NULL);
}

/* Nothing more can move; why is NULL where nothing had to. */
static void
ended(struct session *s, const struct tcpk_err *why)
{
	enum tcpk_scheme	scheme = s->client->ep->scheme;

	if (scheme != TCPK_EXEC && scheme != TCPK_SH) {
		over(s, why);
		return;
	}
	tcpk_err_clear(&s->err);
	if (why != NULL)
		s->err = *why;
	tcpk_stream_want(s->stream, 0);
	s->deadline = tcpk_now() + EXIT_WAIT;
	session_set_phase(s, EXITING);
	look_at_exit(s);
}

static void
at_end(struct session *s)
{
	struct tcpk_err	err;

	if (s->phase == RUNNING && (!session_sending_over(s) ||
	    !all_back(s))) {
		tcpk_err_set(&err, TCPK_ECUT,
		    "the peer has ended the connection");
		ended(s, &err);
	} else
		ended(s, NULL);
}

/* All came back before: how the other side goes is its own affair. */
static void
at_failure(struct session *s)
{
	struct tcpk_err		err = *tcpk_stream_err(s->stream);
	struct msg_fields	f = session_fields(s, "warning");
	char			name[SESSION_NAME];

	if (s->phase == CLOSING) {
		msg(s->client->msg, client_level(s->client, MSG_WARNING), &f,
		    "%s: after all replies: %s", session_name(s, name),
		    err.text);
		ended(s, NULL);
	} else
		ended(s, &err);
}

/* --- events -------------------------------------------------------------- */

/* Take what is there; more than 0 if there may be more, 0 for later. */
static ssize_t
take(struct session *s)
{
	unsigned char	*buf = tcpk_loop_scratch(s->client->loop);
	ssize_t		 got;

	got = tcpk_stream_read(s->stream, buf, TCPK_SCRATCH);
	if (got <= 0)
		return got;
	s->last_in = tcpk_now();
	s->bytes_in += (uint64_t)got;
	s->client->totals.bytes_in += (uint64_t)got;
	verify_feed(&s->verify, buf, (size_t)got);
	return got;
}

/* False: the connection is gone. */
static bool
receive(struct session *s)
{
	ssize_t	got;
	int	turn;

	for (turn = 0; turn < TURNS; turn++) {
		got = take(s);
		if (got == 0)
			at_end(s);
		else if (got == -1)
			at_failure(s);
		if (got == 0 || got == -1)
			return false;
		if (got < TCPK_SCRATCH)
			break;
	}
	return true;
}

/* It takes no more; but what it said before may be there to be read. */
static void
write_failed(struct session *s, ssize_t put)
{
	struct tcpk_err	err;
	int		i;

	tcpk_err_set(&err, TCPK_ECUT, "the program takes no more");
	if (put == -1)
		err = *tcpk_stream_err(s->stream);
	for (i = 0; i < 64 && take(s) > 0; i++)
		continue;
	ended(s, &err);
}

/* Send what is due.  False: the connection is gone. */
static bool
send_due(struct session *s)
{
	unsigned char	*buf = tcpk_loop_scratch(s->client->loop);
	uint64_t	 now = tcpk_now();
	ssize_t		 put;
	size_t		 n;
	int		 turn;

	for (turn = 0; turn < TURNS && !s->full; turn++) {
		n = session_fill(s, buf, now);
		if (n == 0)
			break;
		put = tcpk_stream_write(s->stream, buf, n);
		if (put == TCPK_AGAIN) {
			s->full = s->behind = true;
			return true;
		}
		if (put < 0) {
			write_failed(s, put);
			return false;
		}
		session_account(s, (uint64_t)put, now);
		now = tcpk_now();
	}
	/* Others have their turn; we go on when the stream is ready. */
	if (turn == TURNS)
		s->full = true;
	else if (s->off == 0 && !s->client->o->flood &&
	    session_due(s, s->seq) > now)
		s->behind = false;
	return true;
}

static uint64_t
reply_wait(const struct session *s)
{
	uint64_t	idle = s->client->ep->o.idle_timeout;
	uint64_t	wait = idle != 0 ? idle : REPLY_WAIT;

	return s->client->signo != 0 && wait > STOP_WAIT ? STOP_WAIT : wait;
}

/* When to give up waiting for a reply; TCPK_FOREVER: not now. */
static uint64_t
patience(const struct session *s)
{
	uint64_t	idle = s->client->ep->o.idle_timeout, since;

	if (all_back(s) ||
	    (idle == 0 && !session_sending_over(s) && !s->full && !s->behind))
		return TCPK_FOREVER;
	since = s->last_out;
	if (idle != 0 && !session_sending_over(s))
		since = s->times[s->verify.expect & (s->ntimes - 1)];
	if (s->connected > since)
		since = s->connected;
	if (s->last_in > since)
		since = s->last_in;
	return since + reply_wait(s);
}

static void
leave(struct session *s)
{
	uint64_t	wait = s->client->ep->o.half_close_timeout;
	int		r;

	if (s->phase != CLOSING) {
		if (s->client->ep->o.no_shutdown) {
			over(s, NULL);
			return;
		}
		s->deadline = tcpk_now() + (wait != 0 ? wait : CLOSE_WAIT);
		session_set_phase(s, CLOSING);
	}
	r = tcpk_stream_finish(s->stream);
	if (r == -1) {
		at_failure(s);
		return;
	}
	s->finished = r == 0;
	tcpk_stream_want(s->stream, s->finished ? TCPK_READ :
	    TCPK_READ | TCPK_WRITE);
	if (tcpk_timer_set(&s->timer, s->deadline) == -1)
		over(s, NULL);
}

/* When the timer is to wake us. */
static uint64_t
next_due(const struct session *s)
{
	uint64_t	when = patience(s), message;

	if (s->phase == RESTING)
		return s->deadline;
	if (s->full || s->behind || s->client->o->flood ||
	    session_sending_over(s))
		return when;
	message = session_due(s, s->seq);
	return message < when ? message : when;
}

/* After any event: send, leave, or wait. */
static void
proceed(struct session *s)
{
	struct tcpk_err	err;

	if (s->phase == RUNNING) {
		if (!send_due(s))
			return;
		if (session_sending_over(s) && all_back(s)) {
			s->deadline = tcpk_now();
			if (!s->stopped)
				s->deadline += s->client->o->wait;
			session_set_phase(s, RESTING);
		}
	}
	if (s->phase == RESTING && tcpk_now() >= s->deadline) {
		leave(s);
		return;
	}
	if (s->phase != RUNNING && s->phase != RESTING)
		return;
	tcpk_stream_want(s->stream, s->full && s->phase == RUNNING ?
	    TCPK_READ | TCPK_WRITE : TCPK_READ);
	if (next_due(s) == TCPK_FOREVER)
		tcpk_timer_stop(&s->timer);
	else if (tcpk_timer_set(&s->timer, next_due(s)) == -1) {
		tcpk_err_set(&err, TCPK_EIO, "out of memory");
		over(s, &err);
	}
}

static void
on_ready(void *arg, unsigned ready)
{
	struct session	*s = arg;

	if ((ready & TCPK_READ) != 0 && !receive(s))
		return;
	if ((ready & TCPK_WRITE) != 0)
		s->full = false;
	if (s->phase == CLOSING && !s->finished && (ready & TCPK_WRITE) != 0)
		leave(s);
	else
		proceed(s);
}

static void
give_up(struct session *s)
{
	struct tcpk_err	err;

	tcpk_err_set(&err, TCPK_ETIMEOUT, "no reply within %.3g s",
	    (double)reply_wait(s) / 1e9);
	tcpk_stream_reset(s->stream);
	over(s, &err);
}

void
session_on_timer(struct session *s)
{
	struct msg_fields	f = session_fields(s, "warning");
	char			name[SESSION_NAME];

	if (s->phase == EXITING)
		look_at_exit(s);
	else if (s->phase == CLOSING) {
		msg(s->client->msg, client_level(s->client, MSG_WARNING), &f,
		    "%s: did not end after our end", session_name(s, name));
		tcpk_stream_reset(s->stream);
		over(s, NULL);
	} else if (s->phase == RUNNING && tcpk_now() >= patience(s))
		give_up(s);
	else
		proceed(s);
}

void
session_stop(struct session *s)
{
	s->stopped = true;
	/* The wait for replies begins anew. */
	s->last_out = tcpk_now();
	if (s->phase == RESTING)
		s->deadline = s->last_out;
	if (s->phase == CLOSING && s->client->signo != 0 &&
	    s->deadline > s->last_out + STOP_WAIT)
		tcpk_timer_set(&s->timer, s->last_out + STOP_WAIT);
	if (s->phase == RUNNING || s->phase == RESTING)
		proceed(s);
}

/*
 * After a failure the schedule goes on, so that the time without a connection
 * counts.  Where we left ourselves, the time to connect is not the peer's.
 */
static void
set_schedule(struct session *s, uint64_t now)
{
	const struct tcpecho_client_opts	*o = s->client->o;
	uint64_t				 first = now + o->wait;

	if (!s->scheduled)
		first += o->interval / o->parallel * (s->number - 1);
	else if (session_due(s, s->seq) > first)
		first = session_due(s, s->seq);
	s->base = s->seq;
	s->base_time = first;
	s->scheduled = true;
}

int
session_begin(struct session *s, struct tcpk_stream *stream)
{
	const struct tcpecho_client_opts	*o = s->client->o;
	struct verify_form			 form;
	uint64_t				 now = tcpk_now();

	form.size = o->size;
	form.text = o->message;
	form.key = s->client->key + s->conn;
	s->off = 0;
	s->first = s->seq;
	verify_init(&s->verify, &form, s->seq, session_on_verified, s);
	if (!session_make_room(s, 0))
		return -1;
	s->behind = s->scheduled && !s->planned;
	if (!s->behind)
		set_schedule(s, now);
	s->stream = stream;
	s->full = s->finished = s->planned = false;
	s->connected = s->last_in = s->last_out = now;
	s->bytes_in = s->bytes_out = 0;
	tcpk_stream_on_ready(stream, on_ready, s);
	session_set_phase(s, RUNNING);
	proceed(s);
	return 0;
}
