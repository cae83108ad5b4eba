/* A stream for a while: it outlives who has it. */

#include <stdlib.h>

#include "stream_impl.h"

static void
lend_reset(struct tcpk_stream *s)
{
	(void)s;
}

static void
lend_free(struct tcpk_stream *s)
{
	struct tcpk_stream	*inner = ((struct tcpk__wrap *)s)->inner;

	tcpk_stream_want(inner, 0);
	tcpk_stream_on_ready(inner, NULL, NULL);
	free(s);
}

/* It is for whoever has the stream next. */
static bool
lend_let_go(struct tcpk_stream *s)
{
	(void)s;
	return false;
}

static const struct tcpk__stream_ops	lend_ops = {
	.read = tcpk__wrap_read,
	.write = tcpk__wrap_write,
	.finish = tcpk__wrap_finish,
	.drained = tcpk__wrap_drained,
	.want = tcpk__wrap_want,
	.hup = tcpk__wrap_hup,
	.reset = lend_reset,
	.free = lend_free,
	.fds = tcpk__wrap_fds,
	.inner = tcpk__wrap_inner,
	.wraps = true,
	.let_go = lend_let_go
};

struct tcpk_stream *
tcpk_stream_lend(struct tcpk_stream *inner, struct tcpk_err *err)
{
	struct tcpk__wrap	*w = calloc(1, sizeof(*w));

	if (w == NULL) {
		tcpk_err_set(err, TCPK_EIO, "out of memory");
		return NULL;
	}
	tcpk__wrap_init(w, &lend_ops, inner, NULL);
	return &w->s;
}
