/* Not more than so many bytes a second, each way. */

#include <stdlib.h>

#include "stream_impl.h"
#include "tcpkit/rate.h"

struct rated {
	struct tcpk__wrap w;
	struct tcpk_loop *loop;
	struct tcpk_timer timer;	/* when one may go on */
	struct tcpk_rate  in, out;
	unsigned	  want;		/* the owner's */
	uint64_t	  until;	/* it held back; perhaps over */
};

/* Wait for what may be done now, and for the time of what may not. */
static void
update(struct rated *r)
{
	uint64_t	now = tcpk_loop_now(r->loop);
	uint64_t	at, due = TCPK_FOREVER;
	unsigned	want = r->want;

	if ((want & TCPK_READ) != 0 && (at = tcpk_rate_due(&r->in, now)) > now) {
		want &= ~TCPK_READ;
		due = at;
	}
	if ((want & TCPK_WRITE) != 0 &&
	    (at = tcpk_rate_due(&r->out, now)) > now) {
		want &= ~TCPK_WRITE;
		due = at < due ? at : due;
	}
	tcpk_stream_want(r->w.inner, want);
	if (due == TCPK_FOREVER) {
		tcpk_timer_stop(&r->timer);
		return;
	}
	r->until = due;
	/* Without memory for a timer there is no limit either. */
	if (tcpk_timer_set(&r->timer, due) == -1)
		tcpk_stream_want(r->w.inner, r->want);
}

static void
on_timer(void *arg)
{
	update(arg);
}

static ssize_t
rate_read(struct tcpk_stream *s, void *buf, size_t n)
{
	struct rated	*r = (struct rated *)s;
	uint64_t	 now = tcpk_loop_now(r->loop);
	size_t		 room = tcpk_rate_room(&r->in, now);
	ssize_t		 got;

	if (room == 0)
		return TCPK_AGAIN;
	got = tcpk__wrap_read(s, buf,
	    n > room && !tcpk_stream_whole(s) ? room : n);
	if (got > 0) {
		tcpk_rate_took(&r->in, now, (size_t)got);
		update(r);
	}
	return got;
}

static ssize_t
rate_write(struct tcpk_stream *s, const void *buf, size_t n)
{
	struct rated	*r = (struct rated *)s;
	uint64_t	 now = tcpk_loop_now(r->loop);
	size_t		 room = tcpk_rate_room(&r->out, now);
	ssize_t		 put;

	if (room == 0)
		return TCPK_AGAIN;
	put = tcpk__wrap_write(s, buf,
	    n > room && !tcpk_stream_whole(s) ? room : n);
	if (put > 0) {
		tcpk_rate_took(&r->out, now, (size_t)put);
		update(r);
	}
	return put;
}

static void
rate_want(struct tcpk_stream *s, unsigned want)
{
	struct rated	*r = (struct rated *)s;

	r->want = want;
	update(r);
}

static uint64_t
rate_holds(const struct tcpk_stream *s)
{
	return ((const struct rated *)s)->until;
}

/* Nobody need make haste with what has to wait. */
static bool
rate_fds(const struct tcpk_stream *s, int *rfd, int *wfd)
{
	(void)s;
	*rfd = *wfd = -1;
	return false;
}

static void
rate_free(struct tcpk_stream *s)
{
	tcpk_timer_stop(&((struct rated *)s)->timer);
	tcpk__wrap_free(s);
}

static const struct tcpk__stream_ops	rate_ops = {
	.read = rate_read,
	.write = rate_write,
	.finish = tcpk__wrap_finish,
	.drained = tcpk__wrap_drained,
	.want = rate_want,
	.hup = tcpk__wrap_hup,
	.reset = tcpk__wrap_reset,
	.free = rate_free,
	.fds = rate_fds,
	.inner = tcpk__wrap_inner,
	.wraps = true,
	.holds = rate_holds
};

struct tcpk_stream *
tcpk_stream_rate(struct tcpk_loop *loop, struct tcpk_stream *inner,
    uint64_t bytes_per_second, struct tcpk_err *err)
{
	struct rated	*r = calloc(1, sizeof(*r));

	if (r == NULL) {
		tcpk_err_set(err, TCPK_EIO, "out of memory");
		return NULL;
	}
	r->loop = loop;
	tcpk_rate_init(&r->in, bytes_per_second);
	tcpk_rate_init(&r->out, bytes_per_second);
	tcpk_timer_init(&r->timer, loop, on_timer, r);
	tcpk__wrap_init(&r->w, &rate_ops, inner, NULL);
	return &r->w.s;
}
