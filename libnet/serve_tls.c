/*
 * Clients of a listener that are shaking hands: each by itself, under a time
 * limit, so that one who never finishes holds up nobody.
 */

#include <stdlib.h>

#include "serve_impl.h"

struct tcpk__shake {
	struct tcpk__pending	 pending;	/* first */
	struct tcpk_tls_start	*handshake;
	struct tcpk__who	 who;
	tcpk__shake_fn		*fn;
	void			*arg;
};

static void
on_late(struct tcpk__pending *p)
{
	struct tcpk__shake	*s = (struct tcpk__shake *)p;
	struct tcpk_tls_done	 done = { .stream = NULL };

	tcpk_tls_cancel(s->handshake);
	tcpk__pending_err(p, "the TLS handshake was not finished",
	    "TLS handshakes", &done.err);
	s->fn(s->arg, &s->who, &done);
	free(s);
}

static void
on_done(void *arg, const struct tcpk_tls_done *done)
{
	struct tcpk__shake	*s = arg;

	tcpk__pending_stop(&s->pending);
	s->fn(s->arg, &s->who, done);
	free(s);
}

int
tcpk__shake_start(struct tcpk__pendings *all, struct tcpk_loop *loop,
    struct tcpk_tls_config *config, struct tcpk_stream *stream,
    uint64_t limit, const struct tcpk__who *who, tcpk__shake_fn *fn,
    void *arg, struct tcpk_err *err)
{
	struct tcpk__shake	*s = calloc(1, sizeof(*s));

	if (s == NULL)
		return tcpk_err_set(err, TCPK_EIO, "out of memory");
	s->who = *who;
	s->fn = fn;
	s->arg = arg;
	if (tcpk__pending_start(&s->pending, all, loop, limit, on_late,
	    err) == -1)
		goto fail;
	s->handshake = tcpk_tls_start(loop, config, stream, on_done, s, err);
	if (s->handshake != NULL)
		return 0;
	tcpk__pending_stop(&s->pending);
fail:
	free(s);
	return -1;
}

void
tcpk__shakes_free(struct tcpk__pendings *all)
{
	struct tcpk__shake	*s;

	while ((s = (struct tcpk__shake *)all->first) != NULL) {
		tcpk__pending_stop(&s->pending);
		tcpk_tls_cancel(s->handshake);
		free(s);
	}
}
