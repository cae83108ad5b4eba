/*
 * fuzz_hello: any bytes as what a peer says in a handshake, to a server and
 * to a client.
 *
 * The first byte says in what pieces they come, and whether they end.  It is
 * never a connection; the callback comes at most once and with a reason, and
 * if it does not come, more bytes are waited for.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tls_impl.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct tcpk_loop		*loop;
static struct tcpk_tls_config	*configs[2];

static const uint8_t		*input;
static size_t			 input_len, chunk;
static bool			 ends, freed, wanted;
static int			 done;

static void
need(int cond)
{
	if (!cond)
		abort();
}

/* --- the stream below ----------------------------------------------------- */

static ssize_t
inner_read(struct tcpk_stream *s, void *buf, size_t n)
{
	(void)s;
	need(!freed && n > 0);
	if (input_len == 0)
		return ends ? 0 : TCPK_AGAIN;
	if (n > chunk)
		n = chunk;
	if (n > input_len)
		n = input_len;
	memcpy(buf, input, n);
	input += n;
	input_len -= n;
	return (ssize_t)n;
}

static ssize_t
inner_write(struct tcpk_stream *s, const void *buf, size_t n)
{
	(void)s;
	(void)buf;
	need(!freed && n > 0);
	return (ssize_t)n;
}

static int
inner_finish(struct tcpk_stream *s)
{
	(void)s;
	need(!freed);
	return 0;
}

static int
inner_drained(struct tcpk_stream *s, uint64_t *left)
{
	(void)s;
	*left = 0;
	return 0;
}

static void
inner_want(struct tcpk_stream *s, unsigned want)
{
	(void)s;
	wanted = (want & TCPK_READ) != 0;
}

static int
inner_hup(struct tcpk_stream *s)
{
	(void)s;
	return TCPK_AGAIN;
}

static void
inner_reset(struct tcpk_stream *s)
{
	(void)s;
}

static void
inner_free(struct tcpk_stream *s)
{
	(void)s;
	need(!freed);
	freed = true;
}

static bool
inner_fds(const struct tcpk_stream *s, int *rfd, int *wfd)
{
	(void)s;
	*rfd = *wfd = -1;
	return false;
}

static const struct tcpk__stream_ops	inner_ops = {
	.read = inner_read, .write = inner_write, .finish = inner_finish,
	.drained = inner_drained, .want = inner_want, .hup = inner_hup,
	.reset = inner_reset, .free = inner_free, .fds = inner_fds,
	.lingers = true
};

static void
on_done(void *arg, const struct tcpk_tls_done *d)
{
	(void)arg;
	done++;
	need(d->stream == NULL);
	need(d->err.kind == TCPK_ETLS && d->err.text[0] != '\0');
	need(memchr(d->err.text, '\0', sizeof(d->err.text)) != NULL);
	need(d->info != NULL && d->info->version == NULL);
}

static void
set_up(void)
{
	static const char *const	texts[2] = {
		"tls://127.0.0.1:1,self-signed,alpn=h2;http/1.1",
		"tls://127.0.0.1:1,insecure,name=a.test,alpn=h2"
	};
	struct tcpk_endpoint		ep;
	int				i;

	loop = tcpk_loop_new("poll", NULL);
	need(loop != NULL);
	for (i = 0; i < 2; i++) {
		need(tcpk_endpoint_parse(&ep, texts[i], i == 0 ? TCPK_LISTEN :
		    TCPK_CONNECT, NULL) == 0);
		configs[i] = tcpk_tls_config_new(&ep, NULL, NULL, NULL);
		need(configs[i] != NULL);
		tcpk_endpoint_free(&ep);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tcpk_stream	 inner;
	struct tcpk_tls_start	*start;
	size_t			 turns;
	int			 role;

	if (loop == NULL)
		set_up();
	if (size == 0)
		return 0;
	for (role = 0; role < 2; role++) {
		input = data + 1;
		input_len = size - 1;
		chunk = data[0] < 128 ? data[0] % 64 + 1u : SIZE_MAX;
		ends = data[0] % 2 != 0;
		freed = wanted = false;
		done = 0;
		memset(&inner, 0, sizeof(inner));
		inner.ops = &inner_ops;
		start = tcpk_tls_start(loop, configs[role], &inner, on_done,
		    NULL, NULL);
		need(start != NULL && done == 0);
		for (turns = 0; turns < 4 && done == 0; turns++)
			tcpk_loop_turn(loop, 0, NULL);
		need(done == 1 || (done == 0 && !ends));
		if (done == 0) {
			need(input_len == 0 && wanted);
			tcpk_tls_cancel(start);
		}
		need(freed);
	}
	return 0;
}
