/*
 * Reading from TLS records: alerts and handshake messages are answered, data
 * is decrypted and passed on.  The peer is not to be trusted with our time or
 * memory, although it has the keys.
 *
 * Records are read into a buffer of the loop, for as long as a read takes: it
 * has room for the frames of the sixteen records that a peer like us writes at
 * a time, so that they come in one read and go on as one piece.
 */

#include <stdlib.h>
#include <string.h>

#include "tls_record_impl.h"

/* Records without data that a peer may send between two with data. */
#define MAX_EMPTY	256
#define MAX_WARNINGS	16

/* The peer broke the protocol: tell it, and read no more. */
static int
broken(struct tcpk__tls *t, unsigned alert, const char *why)
{
	t->end = TCPK__FAILED;
	tcpk__stream_fail(&t->s, TCPK_ECUT, 0, "TLS: %s", why);
	if (!t->close_sent && tcpk__tls_alert(t, 2, alert))
		tcpk__tls_flush(t);
	return -1;
}

static int
take_alert(struct tcpk__tls *t, const unsigned char *p, size_t n)
{
	char	word[16];

	if (n != 2)
		return broken(t, TCPK__ALERT_DECODE, "malformed alert");
	if (p[1] == TCPK__ALERT_CLOSE_NOTIFY) {
		t->close_seen = true;
		t->end = TCPK__ENDED;
		return 0;
	}
	if (p[0] != 1) {
		t->end = TCPK__FAILED;
		return tcpk__stream_fail(&t->s, TCPK_ECUT, 0,
		    "TLS: the peer sent the alert %s",
		    tcpk__alert_word(p[1], word));
	}
	if (++t->warnings > MAX_WARNINGS)
		return broken(t, TCPK__ALERT_UNEXPECTED, "too many warnings");
	return 0;
}

/* Only renegotiation is left of handshakes, and it is refused. */
static int
take_handshake(struct tcpk__tls *t)
{
	if (++t->warnings > MAX_WARNINGS)
		return broken(t, TCPK__ALERT_UNEXPECTED,
		    "the peer insists on renegotiation");
	if (!t->close_sent &&
	    tcpk__tls_alert(t, 1, TCPK__ALERT_NO_RENEGOTIATION))
		tcpk__tls_flush(t);
	return 0;
}

static int
take_record(struct tcpk__tls *t, unsigned type, const unsigned char *p,
    size_t n)
{
	switch (type) {
	case TCPK__RECORD_DATA:
		if (n > 0)
			t->empty = t->warnings = 0;
		else if (++t->empty > MAX_EMPTY)
			return broken(t, TCPK__ALERT_UNEXPECTED,
			    "too many empty records");
		return 0;
	case TCPK__RECORD_ALERT:
		return take_alert(t, p, n);
	case TCPK__RECORD_HANDSHAKE:
		return take_handshake(t);
	default:
		return broken(t, TCPK__ALERT_UNEXPECTED,
		    "a record of unknown type");
	}
}

/*
 * Decrypt the whole records in data, and gather their plaintext in out, which
 * may be data itself.  Returns how much that is; *used says how much was
 * looked at.
 */
static size_t
open_records(struct tcpk__tls *t, unsigned char *data, size_t len,
    unsigned char *out, size_t room, size_t *used)
{
	unsigned char	*rec, *plain;
	size_t		 at = 0, put = 0, n, whole;

	while (t->end == TCPK__OPEN && len - at >= TCPK__TLS_HEADER) {
		rec = data + at;
		n = (size_t)rec[3] << 8 | rec[4];
		if (rec[1] != TCPK__TLS_VERSION >> 8 ||
		    rec[2] != (TCPK__TLS_VERSION & 0xff)) {
			broken(t, TCPK__ALERT_VERSION,
			    "a record of another version");
			break;
		}
		if (!(*t->in)->check_length(t->in, n)) {
			broken(t, TCPK__ALERT_OVERFLOW,
			    "a record of impossible length");
			break;
		}
		if (len - at - TCPK__TLS_HEADER < n)
			break;
		whole = TCPK__TLS_HEADER + n;
		plain = (*t->in)->decrypt(t->in, rec[0], TCPK__TLS_VERSION,
		    rec + TCPK__TLS_HEADER, &n);
		if (plain == NULL) {
			broken(t, TCPK__ALERT_BAD_MAC, "a record that was "
			    "changed on the way (authentication failed)");
			break;
		}
		at += whole;
		if (take_record(t, rec[0], plain, n) == -1 ||
		    rec[0] != TCPK__RECORD_DATA)
			continue;
		/* most_raw sees to it; hostile bytes are not to be trusted. */
		if (n > room - put) {
			broken(t, TCPK__ALERT_INTERNAL, "a record too many");
			break;
		}
		memmove(out + put, plain, n);
		put += n;
	}
	*used = at;
	return put;
}

/* Keep the beginning of a record until the rest has come. */
static int
keep_rest(struct tcpk__tls *t, const unsigned char *rest, size_t n)
{
	if (n == 0 || t->end != TCPK__OPEN)
		return 0;
	t->spill = malloc(n);
	if (t->spill == NULL) {
		t->end = TCPK__FAILED;
		return tcpk__stream_fail(&t->s, TCPK_EIO, 0,
		    "out of memory");
	}
	memcpy(t->spill, rest, n);
	t->spill_len = (uint32_t)n;
	return 0;
}

static ssize_t
end_of_input(struct tcpk__tls *t)
{
	if (t->config->allow_truncation && t->spill_len == 0) {
		t->end = TCPK__ENDED;
		return 0;
	}
	t->end = TCPK__FAILED;
	/* Asking whether all had arrived may have taken the reset's error. */
	if (tcpk_stream_err(t->inner)->kind != TCPK_OK)
		return tcpk__tls_take_error(t);
	return tcpk__stream_fail(&t->s, TCPK_ECUT, 0, "TLS: %s",
	    t->spill_len != 0 ? "the connection ended inside a record" :
	    "the connection ended without close_notify: what came may be cut "
	    "short (allow-truncation accepts it)");
}

/*
 * As many bytes of records as cannot hold more than n of plaintext, whatever
 * the peer makes of them: what is whole is opened at once, and none stays
 * behind that no event would tell of.
 */
static size_t
most_raw(const struct tcpk__tls *t, size_t n)
{
	size_t	frame = (size_t)t->prefix + TCPK__TLS_TAG;
	size_t	most = n + (n / TCPK__TLS_MAX_PLAIN + 1) * frame;

	return most < TCPK_BUFFER ? most : TCPK_BUFFER;
}

/* Give the caller what it has room for, and keep the rest of a record. */
static ssize_t
split(struct tcpk__tls *t, unsigned char *plain, size_t len, void *buf,
    size_t n)
{
	if (len > n) {
		t->plain = malloc(len - n);
		if (t->plain == NULL) {
			t->end = TCPK__FAILED;
			return tcpk__stream_fail(&t->s, TCPK_EIO, 0,
			    "out of memory");
		}
		memcpy(t->plain, plain + n, len - n);
		t->plain_len = (uint32_t)(len - n);
	}
	memcpy(buf, plain, len < n ? len : n);
	explicit_bzero(plain, len);
	return (ssize_t)(len < n ? len : n);
}

/*
 * Read once, behind what is left of the last time, and decrypt: to the caller
 * if a whole record finds room there, or else in place.  n > 0 bytes of
 * plaintext; 0 the end; TCPK_AGAIN nothing yet, *more if it makes sense to
 * read on; -1.
 */
static ssize_t
fill(struct tcpk__tls *t, unsigned char *raw, void *buf, size_t n, bool *more)
{
	bool	direct = n >= TCPK__TLS_MAX_PLAIN;
	size_t	room = direct ? n : TCPK__TLS_MAX_PLAIN;
	size_t	len = t->spill_len, used, put;
	ssize_t	got;

	got = tcpk_stream_read(t->inner, raw + len, most_raw(t, room) - len);
	if (got == TCPK_AGAIN)
		return TCPK_AGAIN;
	if (got == 0)
		return end_of_input(t);
	if (got < 0) {
		t->end = TCPK__FAILED;
		return tcpk__tls_take_error(t);
	}
	if (len > 0) {
		memcpy(raw, t->spill, len);
		free(t->spill);
		t->spill = NULL;
		t->spill_len = 0;
	}
	len += (size_t)got;
	put = open_records(t, raw, len, direct ? buf : raw, room, &used);
	if (keep_rest(t, raw + used, len - used) == -1 && put == 0)
		return -1;
	if (put > 0)
		return direct ? (ssize_t)put : split(t, raw, put, buf, n);
	if (t->end != TCPK__OPEN)
		return t->end == TCPK__ENDED ? 0 : -1;
	*more = true;
	return TCPK_AGAIN;
}

static ssize_t
take_plain(struct tcpk__tls *t, void *buf, size_t n)
{
	size_t	have = t->plain_len - t->plain_off;

	if (n > have)
		n = have;
	memcpy(buf, t->plain + t->plain_off, n);
	t->plain_off += (uint32_t)n;
	if (t->plain_off == t->plain_len) {
		explicit_bzero(t->plain, t->plain_len);
		free(t->plain);
		t->plain = NULL;
		t->plain_off = t->plain_len = 0;
	}
	tcpk__tls_set_want(t);
	return (ssize_t)n;
}

ssize_t
tcpk__tls_read(struct tcpk_stream *s, void *buf, size_t n)
{
	struct tcpk__tls	*t = (struct tcpk__tls *)s;
	unsigned char		*raw;
	ssize_t			 got = TCPK_AGAIN;
	bool			 more = true;
	int			 i;

	if (t->plain_len > 0)
		return take_plain(t, buf, n);
	if (t->end != TCPK__OPEN)
		return t->end == TCPK__ENDED ? 0 : -1;
	raw = tcpk_loop_buffer(t->loop);
	if (raw == NULL) {
		t->end = TCPK__FAILED;
		return tcpk__stream_fail(&t->s, TCPK_EIO, 0, "out of memory");
	}
	/* Records without data, or halves of large ones, are not the end. */
	for (i = 0; i < 4 && got == TCPK_AGAIN && more; i++) {
		more = false;
		got = fill(t, raw, buf, n, &more);
	}
	tcpk_loop_buffer_done(t->loop, raw);
	/* An answer to write, or an end that came with the data. */
	if (t->off < t->len || tcpk__tls_has_held(t))
		tcpk__tls_set_want(t);
	return got;
}
