/* The PROXY header that a connection begins with. */

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "connect_impl.h"
#include "tcpkit/proxyproto.h"

struct tcpk__header {
	unsigned	    version;
	struct tcpk_stream *stream;	/* while it is sent */
	void		  (*fn)(void *, const struct tcpk_err *);
	void		   *arg;
	size_t		    off, n;	/* of bytes; n 0: not made yet */
	unsigned char	    bytes[TCPK_PROXYPROTO_ROOM];
};

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What an escape in a subject stands for; 0: nothing that is text. */
static unsigned char
unescape(const char **p)
{
	const char	*at = *p;

	if (at[0] != '\\') {
		*p = at + 1;
		return (unsigned char)at[0];
	}
	if (at[1] != 'x') {
		*p = at[1] != '\0' ? at + 2 : at + 1;
		return (unsigned char)at[1];
	}
	if (hex(at[2]) == -1 || hex(at[3]) == -1)
		return 0;
	*p = at + 4;
	return (unsigned char)(hex(at[2]) << 4 | hex(at[3]));
}

/* Is it UTF-8 throughout, and nothing that controls? */
static bool
is_text(const unsigned char *p, size_t n)
{
	size_t	i, j, more;

	for (i = 0; i < n; i += 1 + more) {
		if (p[i] < 0x80)
			more = 0;
		else if (p[i] < 0xc2 || p[i] > 0xf4)
			return false;
		else
			more = p[i] < 0xe0 ? 1 : p[i] < 0xf0 ? 2 : 3;
		if (more == 0 && iscntrl(p[i]))
			return false;
		if (more >= n - i)
			return false;
		for (j = 1; j <= more; j++)
			if ((p[i + j] & 0xc0) != 0x80)
				return false;
	}
	return true;
}

/*
 * The first common name in a subject, which is the innermost one.  The escaped
 * text is taken apart by the rules that it was made by, so a name cannot hide
 * in another's value.  False: there is none, or none that is whole and text.
 */
static bool
common_name(const char *subject, char *buf, size_t size)
{
	const char	*p = subject;
	size_t		 n = 0;

	while (strncmp(p, "CN=", 3) != 0) {
		while (*p != '\0' && *p != ',' && *p != '+')
			p += p[0] == '\\' && p[1] != '\0' ? 2 : 1;
		if (*p++ == '\0')
			return false;
	}
	p += 3;
	/* "#" begins a value that is no text. */
	if (*p == '#')
		return false;
	while (*p != '\0' && *p != ',' && *p != '+') {
		if (n + 1 >= size || (buf[n++] = (char)unescape(&p)) == '\0')
			return false;
	}
	buf[n] = '\0';
	/* A subject that was cut may be so within this name. */
	if (*p == '\0' && n >= 3 && strcmp(buf + n - 3, "...") == 0)
		return false;
	return n > 0 && is_text((unsigned char *)buf, n);
}

static void
make(struct tcpk__header *h, const struct tcpk_proxy_from *from)
{
	const struct tcpk_tls_info	*info = from->tls;
	struct tcpk_proxyproto_tls	 tls = { .cn = NULL };
	struct tcpk_proxyproto_out	 out = {
		.version = h->version,
		.from = from->client,
		.to = from->listener
	};
	char				 cn[256];

	if (info != NULL) {
		out.tls = &tls;
		tls.version = info->version;
		tls.cipher = info->suite;
		tls.alpn = info->alpn;
		tls.name = info->sni;
		tls.resumed = info->resumed;
		tls.cert = info->cert != NULL;
		tls.verified = info->verified;
		if (tls.cert && common_name(info->cert->subject, cn,
		    sizeof(cn)))
			tls.cn = cn;
	}
	h->n = tcpk_proxyproto_build(&out, h->bytes);
}

struct tcpk__header *
tcpk__header_new(unsigned version, const struct tcpk_proxy_from *from,
    struct tcpk_err *err)
{
	struct tcpk__header	*h = calloc(1, sizeof(*h));

	if (h == NULL) {
		tcpk_err_set(err, TCPK_EIO, "out of memory");
		return NULL;
	}
	h->version = version;
	if (from != NULL)
		make(h, from);
	return h;
}

static void
let_go(struct tcpk__header *h)
{
	if (h->stream == NULL)
		return;
	tcpk_stream_want(h->stream, 0);
	tcpk_stream_on_ready(h->stream, NULL, NULL);
	h->stream = NULL;
}

static void
on_ready(void *arg, unsigned ready)
{
	struct tcpk__header	*h = arg;
	struct tcpk_err		 err;
	ssize_t			 put = 0;

	(void)ready;
	while (h->off < h->n && put >= 0) {
		put = tcpk_stream_write(h->stream, h->bytes + h->off,
		    h->n - h->off);
		if (put > 0)
			h->off += (size_t)put;
	}
	if (put == TCPK_AGAIN)
		return;
	if (put < 0) {
		err = *tcpk_stream_err(h->stream);
		if (err.kind == TCPK_OK)
			tcpk_err_set(&err, TCPK_ECUT, "the peer takes nothing");
		tcpk_err_wrap(&err, "PROXY header");
	}
	let_go(h);
	h->fn(h->arg, put < 0 ? &err : NULL);
}

void
tcpk__header_send(struct tcpk__header *h, struct tcpk_stream *stream,
    void (*fn)(void *, const struct tcpk_err *), void *arg)
{
	struct tcpk_proxy_from	own = { .tls = NULL };

	if (h->n == 0) {
		tcpk_stream_local(stream, &own.client);
		tcpk_stream_peer(stream, &own.listener);
		make(h, &own);
	}
	h->stream = stream;
	h->fn = fn;
	h->arg = arg;
	tcpk_stream_on_ready(stream, on_ready, h);
	tcpk_stream_want(stream, TCPK_WRITE);
}

bool
tcpk__header_is_under_way(const struct tcpk__header *h)
{
	return h != NULL && h->stream != NULL;
}

void
tcpk__header_free(struct tcpk__header *h)
{
	if (h == NULL)
		return;
	let_go(h);
	free(h);
}
