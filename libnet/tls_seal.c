/*
 * Writing TLS records: data and alerts are sealed, sixteen records to a write,
 * and what the inner stream does not take is kept until it does.
 *
 * Records are sealed in a buffer of the loop, which is given back when all has
 * gone out.  Who reads its bytes into the place that we lend there saves a
 * copy: each record is only moved down a little, to make room for the frame
 * before it, which brings it near for the cipher.
 */

#include <string.h>

#include "tls_record_impl.h"

/* Records that go out in one write. */
#define MAX_BATCH	(TCPK_SCRATCH / TCPK__TLS_MAX_PLAIN)

/* The longest alert that our suites make. */
#define SEALED_ALERT	(TCPK__TLS_HEADER + 8 + 2 + TCPK__TLS_TAG)

/* What is put around a record's plaintext, at most. */
#define MAX_FRAME	(TCPK__TLS_HEADER + 8 + TCPK__TLS_TAG)

_Static_assert(TCPK_SCRATCH + MAX_BATCH * MAX_FRAME <= TCPK_BUFFER,
    "no room for the frames of a batch");

/* data may lie there already, or in the buffer behind it. */
static void
seal(struct tcpk__tls *t, unsigned type, const void *data, size_t n)
{
	unsigned char	*plain = t->buf + t->len + t->prefix;

	memmove(plain, data, n);
	(*t->out)->encrypt(t->out, (int)type, TCPK__TLS_VERSION, plain, &n);
	t->len += (uint32_t)n;
}

static void
seal_data(struct tcpk__tls *t, const unsigned char *p, size_t n)
{
	size_t	at, piece;

	for (at = 0; at < n; at += piece) {
		piece = n - at < t->max_plain ? n - at : t->max_plain;
		seal(t, TCPK__RECORD_DATA, p + at, piece);
	}
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

bool
tcpk__tls_only_close(struct tcpk__tls *t)
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
			if (tcpk__tls_only_close(t))
				break;
			t->write_failed = true;
			tcpk__tls_take_error(t);
			release(t);
			return -1;
		}
		t->off += (uint32_t)put;
		t->moved_at = tcpk_loop_now(t->loop);
	}
	if (t->buf != NULL)
		release(t);
	return 0;
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

ssize_t
tcpk__tls_write(struct tcpk_stream *s, const void *buf, size_t n)
{
	struct tcpk__tls	*t = (struct tcpk__tls *)s;
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
	seal_data(t, buf, n);
	if (tcpk__tls_flush(t) == -1)
		return -1;
	tcpk__tls_set_want(t);
	return (ssize_t)n;
}

/*
 * So far into the buffer that no record of a batch, where it is sealed,
 * reaches the plaintext of the next; the last need not be moved.
 */
static unsigned char *
place(const struct tcpk__tls *t)
{
	return t->buf + t->prefix +
	    (MAX_BATCH - 1) * (t->prefix + (size_t)TCPK__TLS_TAG);
}

int
tcpk__tls_room(struct tcpk_stream *s, void **at, size_t *n)
{
	struct tcpk__tls	*t = (struct tcpk__tls *)s;
	int			 r;

	r = tcpk__tls_flush(t);
	if (r != 0)
		return r;
	if (!borrow(t))
		return -1;
	*at = place(t);
	*n = MAX_BATCH * (size_t)t->max_plain;
	return 1;
}

int
tcpk__tls_commit(struct tcpk_stream *s, size_t n)
{
	struct tcpk__tls	*t = (struct tcpk__tls *)s;

	seal_data(t, place(t), n);
	if (tcpk__tls_flush(t) == -1)
		return -1;
	if (n > 0)
		tcpk__tls_set_want(t);
	return 0;
}
