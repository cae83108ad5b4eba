/* What a stream over another passes on to it. */

#include <stdlib.h>

#include "stream_impl.h"

static struct tcpk_stream *
below(struct tcpk_stream *s)
{
	return ((struct tcpk__wrap *)s)->inner;
}

static ssize_t
result(struct tcpk_stream *s, ssize_t r)
{
	return r == -1 ?
	    tcpk__stream_fail_as(s, tcpk_stream_err(below(s))) : r;
}

static void
pass_ready_on(void *arg, unsigned ready)
{
	tcpk__stream_ready(arg, ready);
}

void
tcpk__wrap_init(struct tcpk__wrap *w, const struct tcpk__stream_ops *ops,
    struct tcpk_stream *inner, void (*ready)(void *, unsigned))
{
	w->s.ops = ops;
	w->inner = inner;
	tcpk_stream_on_ready(inner, ready != NULL ? ready : pass_ready_on, w);
}

ssize_t
tcpk__wrap_read(struct tcpk_stream *s, void *buf, size_t n)
{
	return result(s, tcpk_stream_read(below(s), buf, n));
}

ssize_t
tcpk__wrap_write(struct tcpk_stream *s, const void *buf, size_t n)
{
	return result(s, tcpk_stream_write(below(s), buf, n));
}

int
tcpk__wrap_finish(struct tcpk_stream *s)
{
	return (int)result(s, tcpk_stream_finish(below(s)));
}

int
tcpk__wrap_drained(struct tcpk_stream *s, uint64_t *left)
{
	return (int)result(s, tcpk_stream_drained(below(s), left));
}

void
tcpk__wrap_want(struct tcpk_stream *s, unsigned want)
{
	tcpk_stream_want(below(s), want);
}

int
tcpk__wrap_hup(struct tcpk_stream *s)
{
	return (int)result(s, tcpk_stream_hup(below(s)));
}

void
tcpk__wrap_reset(struct tcpk_stream *s)
{
	tcpk_stream_reset(below(s));
}

void
tcpk__wrap_free(struct tcpk_stream *s)
{
	tcpk_stream_free(below(s));
	free(s);
}

/* They are named all the same, for those who only ask for an address. */
bool
tcpk__wrap_fds(const struct tcpk_stream *s, int *rfd, int *wfd)
{
	tcpk_stream_fds(tcpk__wrap_inner(s), rfd, wfd);
	return false;
}

const struct tcpk_stream *
tcpk__wrap_inner(const struct tcpk_stream *s)
{
	return ((const struct tcpk__wrap *)s)->inner;
}
