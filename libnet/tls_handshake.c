/*
 * The handshake: BearSSL's engine over a stream.
 *
 * Records are read exactly, header and body, so that what follows the
 * handshake stays with the stream; what the engine sends is gathered until
 * it waits for the peer, so that a flight is one write.
 */

#include <stdlib.h>
#include <string.h>

#include "tls_handshake_impl.h"

/* Bytes of one handshake, so that a peer cannot make us work for ever. */
#define MAX_BYTES	(256 * 1024)

void
tcpk_tls_cancel(struct tcpk_tls_start *t)
{
	if (t == NULL)
		return;
	tcpk_timer_stop(&t->now);
	tcpk_stream_free(t->inner);
	tcpk__verify_free(t->verify);
	free(t->out);
	tcpk_tls_config_free(t->config);
	explicit_bzero(t, sizeof(*t));
	free(t);
}

static bool
gather(struct tcpk_tls_start *t)
{
	br_ssl_engine_context	*eng = &t->role.ctx.eng;
	unsigned char		*p, *grown;
	size_t			 n;

	p = br_ssl_engine_sendrec_buf(eng, &n);
	if (t->off == t->len)
		t->off = t->len = 0;
	if (t->len + n > t->size) {
		grown = realloc(t->out, t->len + n);
		if (grown == NULL)
			return false;
		t->out = grown;
		t->size = t->len + n;
	}
	memcpy(t->out + t->len, p, n);
	/* BearSSL's alert before a version is agreed on names none. */
	if (!t->ccs && t->out[t->len + 1] == 0) {
		t->out[t->len + 1] = 3;
		t->out[t->len + 2] = 1;
	}
	t->len += n;
	t->ccs |= p[0] == TCPK__RECORD_CCS;
	t->has_spoken = true;
	br_ssl_engine_sendrec_ack(eng, n);
	return true;
}

/* 0 all is written, TCPK_AGAIN, -1. */
static int
flush(struct tcpk_tls_start *t)
{
	ssize_t	put;

	while (t->off < t->len) {
		put = tcpk_stream_write(t->inner, t->out + t->off,
		    t->len - t->off);
		if (put < 0)
			return put == TCPK_AGAIN ? TCPK_AGAIN : -1;
		t->off += (size_t)put;
	}
	return 0;
}

/* n bytes; 0 the end, TCPK_AGAIN, -1. */
static ssize_t
feed(struct tcpk_tls_start *t)
{
	br_ssl_engine_context	*eng = &t->role.ctx.eng;
	unsigned char		*p;
	ssize_t			 got;
	size_t			 n;

	p = br_ssl_engine_recvrec_buf(eng, &n);
	got = tcpk_stream_read(t->inner, p, n);
	if (got <= 0)
		return got;
	n = TCPK__PEEK - t->nfirst < (size_t)got ? TCPK__PEEK - t->nfirst : (size_t)got;
	memcpy(t->first + t->nfirst, p, n);
	t->nfirst += n;
	t->taken += (size_t)got;
	br_ssl_engine_recvrec_ack(eng, (size_t)got);
	return got;
}

/*
 * The peer's last words may explain why it takes no more: an alert that came
 * before its reset.
 */
static void
broken(struct tcpk_tls_start *t)
{
	br_ssl_engine_context	*eng = &t->role.ctx.eng;

	while ((br_ssl_engine_current_state(eng) & BR_SSL_RECVREC) != 0 &&
	    feed(t) > 0)
		continue;
	tcpk__handshake_fail(t, (br_ssl_engine_current_state(eng) & BR_SSL_CLOSED) != 0 ?
	    br_ssl_engine_last_error(eng) : 0);
}

static void
want(struct tcpk_tls_start *t, unsigned what)
{
	tcpk_stream_want(t->inner, what);
}

static void
step(struct tcpk_tls_start *t)
{
	br_ssl_engine_context	*eng = &t->role.ctx.eng;
	unsigned		 state;
	ssize_t			 r;

	while (t->taken < MAX_BYTES) {
		state = br_ssl_engine_current_state(eng);
		if ((state & BR_SSL_SENDREC) != 0) {
			if (gather(t))
				continue;
			tcpk__handshake_fail(t, BR_ERR_BAD_STATE);
			return;
		}
		r = flush(t);
		if (r == TCPK_AGAIN) {
			want(t, TCPK_WRITE);
			return;
		}
		if (r == -1) {
			broken(t);
			return;
		}
		if ((state & BR_SSL_CLOSED) != 0) {
			tcpk__handshake_fail(t, br_ssl_engine_last_error(eng));
			return;
		}
		if ((state & BR_SSL_SENDAPP) != 0) {
			tcpk__handshake_done(t);
			return;
		}
		if ((state & BR_SSL_RECVREC) == 0) {
			tcpk__handshake_fail(t, BR_ERR_BAD_STATE);
			return;
		}
		r = feed(t);
		if (r == TCPK_AGAIN) {
			want(t, TCPK_READ);
			return;
		}
		if (r <= 0) {
			tcpk__handshake_fail(t, 0);
			return;
		}
	}
	tcpk__handshake_fail(t, BR_ERR_UNEXPECTED);
}

static void
on_ready(void *arg, unsigned ready)
{
	(void)ready;
	step(arg);
}

static void
on_now(void *arg)
{
	step(arg);
}

struct tcpk_tls_start *
tcpk_tls_start(struct tcpk_loop *loop, struct tcpk_tls_config *config,
    struct tcpk_stream *stream,
    void (*fn)(void *, const struct tcpk_tls_done *), void *arg,
    struct tcpk_err *err)
{
	struct tcpk_tls_start	*t = calloc(1, sizeof(*t));

	if (t == NULL) {
		tcpk_err_set(err, TCPK_EIO, "out of memory");
		return NULL;
	}
	t->loop = loop;
	t->config = config;
	tcpk__config_ref(config);
	t->fn = fn;
	t->arg = arg;
	tcpk_timer_init(&t->now, loop, on_now, t);
	memcpy(&t->role.ctx, &config->template, sizeof(t->role.ctx));
	br_ssl_engine_set_x509(&t->role.ctx.eng, NULL);
	if (config->authenticate) {
		t->verify = tcpk__verify_new(&config->trust);
		if (t->verify == NULL) {
			tcpk_err_set(err, TCPK_EIO, "out of memory");
			goto fail;
		}
		br_ssl_engine_set_x509(&t->role.ctx.eng,
		    tcpk__verify_x509(t->verify));
	}
	br_ssl_engine_set_buffers_bidi(&t->role.ctx.eng, t->ibuf,
	    sizeof(t->ibuf), t->obuf, sizeof(t->obuf));
	if (tcpk__role_start(&t->role, config, err) == -1)
		goto fail;
	if (tcpk_timer_set(&t->now, tcpk_now()) == -1) {
		tcpk_err_set(err, TCPK_EIO, "out of memory");
		goto fail;
	}
	t->inner = stream;
	tcpk_stream_on_ready(stream, on_ready, t);
	return t;
fail:
	tcpk_tls_cancel(t);
	return NULL;
}
