/* Looking on at what passes. */

#include <stdlib.h>

#include "stream_impl.h"

struct tapped {
	struct tcpk__wrap w;
	void		(*fn)(void *, enum tcpk_way, const void *, size_t);
	void		 *arg;
	bool		  ended;	/* the end of file was read */
};

static ssize_t
tap_read(struct tcpk_stream *s, void *buf, size_t n)
{
	struct tapped	*t = (struct tapped *)s;
	ssize_t		 got = tcpk__wrap_read(s, buf, n);

	if (got > 0 || (got == 0 && !t->ended)) {
		t->ended = got == 0;
		t->fn(t->arg, TCPK_IN, buf, (size_t)got);
	}
	return got;
}

static ssize_t
tap_write(struct tcpk_stream *s, const void *buf, size_t n)
{
	struct tapped	*t = (struct tapped *)s;
	ssize_t		 put = tcpk__wrap_write(s, buf, n);

	if (put > 0)
		t->fn(t->arg, TCPK_OUT, buf, (size_t)put);
	return put;
}

static int
tap_finish(struct tcpk_stream *s)
{
	struct tapped	*t = (struct tapped *)s;
	int		 r = tcpk__wrap_finish(s);

	if (r == 0)
		t->fn(t->arg, TCPK_OUT, NULL, 0);
	return r;
}

static const struct tcpk__stream_ops	tap_ops = {
	.read = tap_read,
	.write = tap_write,
	.finish = tap_finish,
	.drained = tcpk__wrap_drained,
	.want = tcpk__wrap_want,
	.hup = tcpk__wrap_hup,
	.reset = tcpk__wrap_reset,
	.free = tcpk__wrap_free,
	.fds = tcpk__wrap_fds,
	.inner = tcpk__wrap_inner,
	.wraps = true
};

struct tcpk_stream *
tcpk_stream_tap(struct tcpk_stream *inner,
    void (*fn)(void *, enum tcpk_way, const void *, size_t), void *arg,
    struct tcpk_err *err)
{
	struct tapped	*t = calloc(1, sizeof(*t));

	if (t == NULL) {
		tcpk_err_set(err, TCPK_EIO, "out of memory");
		return NULL;
	}
	t->fn = fn;
	t->arg = arg;
	tcpk__wrap_init(&t->w, &tap_ops, inner, NULL);
	return &t->w.s;
}
