/*
 * A connection whose SYN waits for the first data (TCP Fast Open).  It goes
 * without them when none come soon, for the peer may be the one to speak, and
 * before the half-close, which the kernel would take for a change of mind.
 */

#include <errno.h>
#include <stdlib.h>

#include "stream_impl.h"
#include "tcpkit/sock.h"

/* What is not there by then is not worth the wait. */
#define GRACE	(10 * TCPK_MS)

enum state {
	HELD,		/* no SYN yet: a write or the timer */
	SENT,		/* nothing back yet: WRITE of the socket, the timer */
	OPEN		/* as any other */
};

struct opening {
	struct tcpk__wrap w;
	struct tcpk_timer timer;	/* of GRACE, then the deadline */
	struct tcpk_addr  peer;
	uint64_t	  deadline;
	enum state	  state;
	unsigned	  want;		/* the owner's */
};

static void
set_state(struct opening *o, enum state state)
{
	o->state = state;
	if (state == OPEN)
		tcpk_timer_stop(&o->timer);
	/* Without memory for a timer the kernel's own limit has to do. */
	else if (state == SENT)
		tcpk_timer_set(&o->timer, o->deadline);
}

static int
socket_of(const struct opening *o)
{
	int	rfd, wfd;

	tcpk_stream_fds(o->w.inner, &rfd, &wfd);
	return wfd;
}

static int
fail(struct opening *o, int code)
{
	char	text[TCPK_ADDR_TEXT];

	set_state(o, OPEN);
	return tcpk__stream_fail(&o->w.s, tcpk_sock_kind(code), code,
	    "connect %s", tcpk_addr_format(&o->peer, text, sizeof(text)));
}

/* The outcome of a verb below; what it could not do, nobody else could. */
static ssize_t
result(struct opening *o, ssize_t r)
{
	const struct tcpk_err	*err = tcpk_stream_err(o->w.inner);
	struct tcpk_addr	 a;

	if (r == -1 && o->state != OPEN && err->code != 0 &&
	    err->code != ECONNRESET && err->code != EPIPE)
		return fail(o, err->code);
	if (r == -1)
		return tcpk__stream_fail_as(&o->w.s, err);
	/* One that was refused has no peer either. */
	if (o->state == SENT && tcpk_addr_peer(&a, socket_of(o)) == 0)
		set_state(o, OPEN);
	return r;
}

static int
go(struct opening *o)
{
	int	code = tcpk_sock_go(socket_of(o));

	set_state(o, SENT);
	return code == 0 ? 0 : fail(o, code);
}

static void
on_timer(void *arg)
{
	struct opening	*o = arg;

	if (o->state == HELD && go(o) == 0)
		return;
	if (o->state == SENT && !tcpk_sock_opening(socket_of(o))) {
		set_state(o, OPEN);
		return;
	}
	if (o->state == SENT)
		fail(o, ETIMEDOUT);
	/* Whatever it is asked for next tells. */
	if (o->want != 0)
		tcpk__stream_ready(&o->w.s, o->want);
}

static ssize_t
opening_read(struct tcpk_stream *s, void *buf, size_t n)
{
	struct opening	*o = (struct opening *)s;

	return s->err != NULL ? -1 :
	    result(o, tcpk_stream_read(o->w.inner, buf, n));
}

static ssize_t
opening_write(struct tcpk_stream *s, const void *buf, size_t n)
{
	struct opening	*o = (struct opening *)s;
	ssize_t		 put;

	if (s->err != NULL)
		return -1;
	put = tcpk_stream_write(o->w.inner, buf, n);
	if (o->state == HELD && put != -1)
		set_state(o, SENT);
	return result(o, put);
}

static int
opening_finish(struct tcpk_stream *s)
{
	struct opening	*o = (struct opening *)s;

	if (s->err != NULL || (o->state == HELD && go(o) == -1))
		return -1;
	if (o->state == SENT && tcpk_sock_opening(socket_of(o)))
		return TCPK_AGAIN;
	return (int)result(o, tcpk_stream_finish(o->w.inner));
}

static int
opening_drained(struct tcpk_stream *s, uint64_t *left)
{
	struct opening	*o = (struct opening *)s;

	return s->err != NULL ? -1 :
	    (int)result(o, tcpk_stream_drained(o->w.inner, left));
}

static void
opening_want(struct tcpk_stream *s, unsigned want)
{
	((struct opening *)s)->want = want;
	tcpk__wrap_want(s, want);
}

static int
opening_hup(struct tcpk_stream *s)
{
	struct opening	*o = (struct opening *)s;

	return s->err != NULL ? -1 :
	    (int)result(o, tcpk_stream_hup(o->w.inner));
}

static void
opening_free(struct tcpk_stream *s)
{
	tcpk_timer_stop(&((struct opening *)s)->timer);
	tcpk__wrap_free(s);
}

/* Once it is open there is nothing here that has to be seen. */
static bool
opening_fds(const struct tcpk_stream *s, int *rfd, int *wfd)
{
	const struct opening	*o = (const struct opening *)s;

	return tcpk_stream_fds(o->w.inner, rfd, wfd) && o->state == OPEN;
}

static const struct tcpk__stream_ops	opening_ops = {
	.read = opening_read,
	.write = opening_write,
	.finish = opening_finish,
	.drained = opening_drained,
	.want = opening_want,
	.hup = opening_hup,
	.reset = tcpk__wrap_reset,
	.free = opening_free,
	.fds = opening_fds,
	.inner = tcpk__wrap_inner,
	.wraps = true
};

struct tcpk_stream *
tcpk_stream_opening(struct tcpk_loop *loop, struct tcpk_stream *inner,
    const struct tcpk_addr *peer, uint64_t deadline, struct tcpk_err *err)
{
	struct opening	*o = calloc(1, sizeof(*o));

	if (o == NULL)
		goto fail;
	tcpk_timer_init(&o->timer, loop, on_timer, o);
	if (tcpk_timer_set(&o->timer, tcpk_now() + GRACE) == -1)
		goto fail;
	o->peer = *peer;
	o->deadline = deadline;
	o->state = HELD;
	tcpk__wrap_init(&o->w, &opening_ops, inner, NULL);
	return &o->w.s;
fail:
	free(o);
	tcpk_err_set(err, TCPK_EIO, "out of memory");
	return NULL;
}
