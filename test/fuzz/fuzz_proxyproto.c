/*
 * fuzz_proxyproto: any bytes as what a connection begins with.  However they
 * come, the verdict is the same: no byte of a header that is good is too many
 * or too few, and what is refused stays so.  The addresses in a header are
 * those in the ones that are built of them.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <tcpkit/proxyproto.h>

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
need(int cond)
{
	if (!cond)
		abort();
}

/* From memory of exactly this size. */
static ssize_t
parse(struct tcpk_proxyproto *h, const uint8_t *data, size_t n)
{
	struct tcpk_err	 err;
	uint8_t		*copy = malloc(n > 0 ? n : 1);
	ssize_t		 r;

	need(copy != NULL);
	if (n > 0)
		memcpy(copy, data, n);
	memset(&err, 0, sizeof(err));
	r = tcpk_proxyproto_parse(h, copy, n, &err);
	free(copy);
	need(r >= -1 && r <= TCPK_PROXYPROTO_MAX && r <= (ssize_t)n);
	need((r == -1) == (err.kind == TCPK_ECUT && err.text[0] != '\0'));
	need(r > 0 || h->from.len == 0);
	need((h->from.len == 0) == (h->to.len == 0));
	return r;
}

/* A wildcard takes the family of the other address. */
static int
same(const struct tcpk_addr *a, const struct tcpk_addr *b)
{
	char	x[TCPK_ADDR_TEXT], y[TCPK_ADDR_TEXT];

	if (tcpk_addr_is_any(a) && tcpk_addr_is_any(b))
		return tcpk_addr_port(a) == tcpk_addr_port(b);
	return strcmp(tcpk_addr_format(a, x, sizeof(x)),
	    tcpk_addr_format(b, y, sizeof(y))) == 0;
}

static void
build(const struct tcpk_proxyproto *h, unsigned version, bool crc)
{
	static const struct tcpk_proxyproto_tls	tls = { .alpn = "h2" };
	struct tcpk_proxyproto_out		o = {
		.version = version, .from = h->from, .to = h->to,
		.tls = &tls, .crc = crc
	};
	unsigned char				buf[TCPK_PROXYPROTO_ROOM];
	struct tcpk_proxyproto			again;
	size_t					n;

	n = tcpk_proxyproto_build(&o, buf);
	need(n > 0 && n <= sizeof(buf));
	need(parse(&again, buf, n) == (ssize_t)n && again.version == version);
	if (version == 1 && tcpk_addr_family(&h->from) == AF_UNIX)
		need(again.from.len == 0);
	else
		need(same(&again.from, &h->from) && same(&again.to, &h->to));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tcpk_proxyproto	h, piece;
	ssize_t			r = parse(&h, data, size), p = 0;
	size_t			n;

	for (n = 0; n < size && p == 0; n++)
		p = parse(&piece, data, n);
	if (p != 0)
		need(p == r && (r == -1 || n - 1 == (size_t)r));
	if (r <= 0)
		return 0;
	need(p == r || (size_t)r == size);
	need(h.version == 1 || h.version == 2);
	build(&h, 1, false);
	build(&h, 2, false);
	build(&h, 2, true);
	return 0;
}
