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

/* Records that go out in one write. */
#define MAX_BATCH	(TCPK_SCRATCH / TCPK__TLS_MAX_PLAIN)

/* The longest alert that our suites make. */
#define SEALED_ALERT	(TCPK__TLS_HEADER + 8 + 2 + TCPK__TLS_TAG)

int
tcpk__tls_take_error(struct tcpk__tls *t)
{
	/* What went wrong first is the reason. */
	if (t->s.err != NULL)
		return -1;
	return tcpk__stream_fail_as(&t->s, tcpk_stream_err(t->inner));
}

static unsigned char *
seal(struct tcpk__tls *t, unsigned type, const void *data, size_t n)
{
	unsigned char	*plain = t->buf + t->len + t->prefix;

	if (data != NULL)
		memcpy(plain, data, n);
	(*t->out)->encrypt(t->out, (int)type, TCPK__TLS_VERSION, plain, &n);
	t->len += (uint32_t)n;
	return plain;
}

static void
release(struct tcpk__tls *t)
{
	tcpk_loop_buffer_done(t->loop, t->buf);
	t->buf = NULL;
	t->off = t->len = 0;
}

static bool
borrow(struct tcpk__tls *t)
{
	if (t->buf == NULL)
		t->buf = tcpk_loop_buffer(t->loop);
	if (t->buf == NULL)
		tcpk__stream_fail(&t->s, TCPK_EIO, 0, "out of memory");
	return t->buf != NULL;
}

/*
 * A peer need not wait for our close_notify before it closes (RFC 5246,
 * section 7.2.1), and resets us then: when nothing but that is missing, all
 * that we sent has arrived.  Whether all that the peer sent came is for the
 * reading side to tell.
 */
static bool
only_close_is_missing(struct tcpk__tls *t)
{
	uint64_t	left = UINT64_MAX;

	if (!t->close_sent)
		return false;
	tcpk_stream_drained(t->inner, &left);
	return left + (t->len - t->off) <= t->prefix + 2u + TCPK__TLS_TAG;
}

int
tcpk__tls_flush(struct tcpk__tls *t)
{
	ssize_t	put;

	if (t->write_failed)
		return -1;
	while (t->off < t->len) {
		put = tcpk_stream_write(t->inner, t->buf + t->off,
		    t->len - t->off);
		if (put == TCPK_AGAIN)
			return TCPK_AGAIN;
		if (put < 0) {
			if (only_close_is_missing(t))
				break;
			t->write_failed = true;
			tcpk__tls_take_error(t);
			release(t);
			return -1;
		}
		t->off += (uint32_t)put;
	}
	if (t->buf != NULL)
		release(t);
	return 0;
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

bool
tcpk__tls_alert(struct tcpk__tls *t, unsigned level, unsigned alert)
{
	unsigned char	what[2] = { (unsigned char)level,
			    (unsigned char)alert };

	if (t->write_failed || !borrow(t) ||
	    t->len + SEALED_ALERT > TCPK_BUFFER)
		return false;
	seal(t, TCPK__RECORD_ALERT, what, sizeof(what));
	return true;
}

static ssize_t
tls_write(struct tcpk_stream *s, const void *buf, size_t n)
{
	struct tcpk__tls	*t = (struct tcpk__tls *)s;
	const unsigned char	*p = buf;
	size_t			 at = 0, piece;
	int			 r;

	r = tcpk__tls_flush(t);
	if (r != 0)
		return r;
	if (n > MAX_BATCH * (size_t)t->max_plain)
		n = MAX_BATCH * (size_t)t->max_plain;
	if (n == 0)
		return 0;
	if (!borrow(t))
		return -1;
	for (; at < n; at += piece) {
		piece = n - at < t->max_plain ? n - at : t->max_plain;
		seal(t, TCPK__RECORD_DATA, p + at, piece);
	}
	if (tcpk__tls_flush(t) == -1)
		return -1;
	tcpk__tls_set_want(t);
	return (ssize_t)n;
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
		return only_close_is_missing(t) ? 0 : tcpk__tls_take_error(t);
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
	if (r == -1 && only_close_is_missing(t))
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
		release(t);
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

static const struct tcpk__stream_ops	tls_ops = {
	.read = tcpk__tls_read,
	.write = tls_write,
	.finish = tls_finish,
	.drained = tls_drained,
	.want = tls_want,
	.hup = tls_hup,
	.reset = tls_reset,
	.free = tls_free,
	.fds = tls_fds,
	.inner = tls_inner,
	.lingers = true
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
