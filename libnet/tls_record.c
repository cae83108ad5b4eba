/*
 * The stream over TLS records.
 *
 * After the handshake the engine's two record contexts are all that is
 * needed: they are BearSSL's documented record classes, hold no pointers to
 * themselves, and are moved out of the engine, which is wiped.  So a
 * connection that is idle holds no buffers, records go out sixteen to a
 * write, and a close_notify ends one direction only, where the engine would
 * end both and drop what is under way.
 *
 * This and tls_role.c are the files that touch fields which BearSSL marks as
 * opaque; configure checks the layout, tests shake hands in memory.
 */

#include <stdlib.h>
#include <string.h>

#include "tls_record_impl.h"

#define MAX_RECORD	(TCPK__TLS_HEADER + TCPK__TLS_MAX_PLAIN + 32)

int
tcpk__tls_take_error(struct tcpk__tls *t)
{
	/* What went wrong first is the reason. */
	if (t->s.err != NULL)
		return -1;
	return tcpk__stream_fail_as(&t->s, tcpk_stream_err(t->inner));
}

bool
tcpk__tls_has_held(const struct tcpk__tls *t)
{
	return (t->want & TCPK_READ) != 0 &&
	    (t->plain_len > t->plain_off || t->end != TCPK__OPEN);
}

void
tcpk__tls_set_want(struct tcpk__tls *t)
{
	unsigned	want = t->want;

	if (t->off < t->len)
		want |= TCPK_WRITE;
	if (tcpk__tls_has_held(t))
		tcpk_timer_set(&t->held, tcpk_now());
	tcpk_stream_want(t->inner, want);
}

static int
tls_finish(struct tcpk_stream *s)
{
	struct tcpk__tls	*t = (struct tcpk__tls *)s;
	int			 r;

	r = tcpk__tls_flush(t);
	if (r != 0 || t->close_sent)
		return r;
	if (!tcpk__tls_alert(t, 1, TCPK__ALERT_CLOSE_NOTIFY))
		return -1;
	t->close_sent = true;
	r = tcpk__tls_flush(t);
	if (r == TCPK_AGAIN)
		tcpk__tls_set_want(t);
	return r;
}

static int
tls_drained(struct tcpk_stream *s, uint64_t *left)
{
	struct tcpk__tls	*t = (struct tcpk__tls *)s;
	uint64_t		 pending;
	int			 r;

	if (tcpk__tls_flush(t) == -1)
		return -1;
	pending = t->len - t->off;
	r = tcpk_stream_drained(t->inner, left);
	if (r == -1)
		return tcpk__tls_only_close(t) ? 0 : tcpk__tls_take_error(t);
	*left += pending;
	return *left == 0 ? 0 : TCPK_AGAIN;
}

static void
tls_want(struct tcpk_stream *s, unsigned want)
{
	struct tcpk__tls	*t = (struct tcpk__tls *)s;

	t->want = (unsigned char)want;
	if ((want & TCPK_READ) == 0)
		tcpk_timer_stop(&t->held);
	tcpk__tls_set_want(t);
}

static void
on_inner(void *arg, unsigned ready)
{
	struct tcpk__tls	*t = arg;

	if ((ready & TCPK_WRITE) != 0 && t->off < t->len) {
		if (tcpk__tls_flush(t) == TCPK_AGAIN)
			ready &= ~TCPK_WRITE;
		tcpk__tls_set_want(t);
	}
	ready &= t->want;
	if (ready != 0)
		tcpk__stream_ready(&t->s, ready);
}

static void
on_held(void *arg)
{
	struct tcpk__tls	*t = arg;

	if (!tcpk__tls_has_held(t))
		return;
	tcpk__tls_set_want(t);
	tcpk__stream_ready(&t->s, TCPK_READ);
}

static int
tls_hup(struct tcpk_stream *s)
{
	struct tcpk__tls	*t = (struct tcpk__tls *)s;
	int			 r;

	if (t->write_failed)
		return -1;
	r = tcpk_stream_hup(t->inner);
	if (r == -1 && tcpk__tls_only_close(t))
		return TCPK_GONE;
	return r == -1 ? tcpk__tls_take_error(t) : r;
}

static void
tls_reset(struct tcpk_stream *s)
{
	struct tcpk__tls	*t = (struct tcpk__tls *)s;

	t->cut = true;
	tcpk_stream_reset(t->inner);
}

/*
 * Both have said close_notify: what the peer still sent (an end of its
 * connection, mostly) is read, so that closing sends no reset.
 */
static void
sweep(struct tcpk__tls *t)
{
	int	i;

	tcpk_stream_finish(t->inner);
	for (i = 0; i < 16; i++)
		if (tcpk_stream_read(t->inner, tcpk_loop_scratch(t->loop),
		    TCPK_SCRATCH) <= 0)
			break;
}

static void
tls_free(struct tcpk_stream *s)
{
	struct tcpk__tls	*t = (struct tcpk__tls *)s;

	tcpk_timer_stop(&t->held);
	if (t->close_sent && t->close_seen && !t->cut)
		sweep(t);
	tcpk_stream_free(t->inner);
	if (t->buf != NULL)
		tcpk_loop_buffer_done(t->loop, t->buf);
	if (t->plain != NULL)
		explicit_bzero(t->plain, t->plain_len);
	free(t->plain);
	free(t->spill);
	tcpk__info_clear(&t->info);
	tcpk_tls_config_free(t->config);
	explicit_bzero(t->contexts, t->in_size + t->out_size);
	free(t);
}

/* Their bytes are not ours; but it is they that wake us. */
static bool
tls_fds(const struct tcpk_stream *s, int *rfd, int *wfd)
{
	tcpk_stream_fds(((const struct tcpk__tls *)s)->inner, rfd, wfd);
	return false;
}

static const struct tcpk_stream *
tls_inner(const struct tcpk_stream *s)
{
	return ((const struct tcpk__tls *)s)->inner;
}

/* What was taken goes on without its owner, who is not idle meanwhile. */
static uint64_t
tls_holds(const struct tcpk_stream *s)
{
	return ((const struct tcpk__tls *)s)->moved_at;
}

static const struct tcpk__stream_ops	tls_ops = {
	.read = tcpk__tls_read,
	.write = tcpk__tls_write,
	.finish = tls_finish,
	.drained = tls_drained,
	.want = tls_want,
	.hup = tls_hup,
	.reset = tls_reset,
	.free = tls_free,
	.fds = tls_fds,
	.inner = tls_inner,
	.lingers = true,
	.holds = tls_holds,
	.room = tcpk__tls_room,
	.commit = tcpk__tls_commit
};

struct tcpk_stream *
tcpk__record_stream(struct tcpk_loop *loop, struct tcpk_stream *inner,
    struct tcpk_tls_config *config, br_ssl_engine_context *eng,
    struct tcpk_tls_info *info)
{
	size_t			 in = eng->in.vtable->context_size;
	size_t			 out = eng->out.vtable->context_size;
	size_t			 start = TCPK__TLS_HEADER;
	size_t			 end = TCPK__TLS_HEADER + MAX_RECORD;
	struct tcpk__tls	*t;

	/* Each context at an address that suits any of its members. */
	in = (in + 15) & ~(size_t)15;
	t = calloc(1, sizeof(*t) + 16 + in + out);
	if (t == NULL)
		return NULL;
	t->s.ops = &tls_ops;
	t->inner = inner;
	t->loop = loop;
	t->config = config;
	tcpk__config_ref(config);
	t->in_size = in;
	t->out_size = out + 16;
	t->in = (void *)(((uintptr_t)t->contexts + 15) & ~(uintptr_t)15);
	t->out = (void *)((unsigned char *)t->in + in);
	memcpy(t->in, &eng->in, eng->in.vtable->context_size);
	memcpy(t->out, &eng->out, out);
	(*t->out)->max_plaintext(t->out, &start, &end);
	t->prefix = (uint16_t)start;
	/* A client may have asked for short records: RFC 6066, section 4. */
	t->max_plain = eng->max_frag_len != 0 &&
	    eng->max_frag_len < TCPK__TLS_MAX_PLAIN ? eng->max_frag_len :
	    TCPK__TLS_MAX_PLAIN;
	t->info = *info;
	memset(info, 0, sizeof(*info));
	tcpk_timer_init(&t->held, loop, on_held, t);
	tcpk_stream_on_ready(inner, on_inner, t);
	return &t->s;
}

const struct tcpk_tls_info *
tcpk_tls_info(const struct tcpk_stream *s)
{
	while (s->ops->wraps)
		s = s->ops->inner(s);
	return s->ops == &tls_ops ? &((const struct tcpk__tls *)s)->info :
	    NULL;
}
