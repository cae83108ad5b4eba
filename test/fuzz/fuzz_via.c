/*
 * fuzz_via: anything as what a proxy says.  The first byte picks the kind of
 * proxy and whether there is a login; with its highest bit set, the rest is a
 * list of proxies instead, or a file of passwords.  However a reply is cut
 * into reads, the verdict and what is said to it are the same, and no more of
 * it is taken.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tcpkit/endpoint.h"
#include "via_impl.h"

#define LIST		0x80
#define FILE_OF_LOGINS	0x40

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char *const	urls[] = {
	"socks4://p", "socks4a://u@p", "socks5://p", "socks5://u:p@p",
	"http://p", "http://u:p@p"
};

static const char *const	hosts[] = {
	"192.0.2.1", "example.org", "2001:db8::1"
};

struct end {
	enum tcpk__ask_verdict	v;
	size_t			used, nout;
	unsigned char		out[8 * VIA_OUT];
	char			text[256];
};

static void
need(int cond)
{
	if (!cond)
		abort();
}

/* All of it, in reads of at most this size, from memory of that size. */
static void
talk(struct end *e, const struct tcpk__proxy *p,
    const struct tcpk__target *t, const uint8_t *data, size_t size,
    size_t most)
{
	static struct tcpk__ask	a;
	uint8_t			*copy;
	size_t			 n;

	memset(e, 0, sizeof(*e));
	tcpk__ask_begin(&a, p, t);
	for (e->v = ASK_SEND; e->v == ASK_SEND || e->v == ASK_WAIT;) {
		need(a.nout <= sizeof(a.out) && a.len <= sizeof(a.piece));
		need((e->v == ASK_SEND) == (a.nout > 0));
		need(a.need > 0 && a.need <= VIA_PIECE);
		need(e->nout + a.nout <= sizeof(e->out));
		memcpy(e->out + e->nout, a.out, a.nout);
		e->nout += a.nout;
		n = size - e->used < most ? size - e->used : most;
		if (n > a.need)
			n = a.need;
		if (n == 0)
			break;
		copy = malloc(n);
		need(copy != NULL);
		memcpy(copy, data + e->used, n);
		e->v = tcpk__ask_take(&a, copy, n);
		free(copy);
		e->used += n;
		need(e->used <= VIA_HEAD + VIA_PIECE);
	}
	if (e->v != ASK_REFUSED)
		return;
	need(a.err.kind == TCPK_ECONNECT);
	need(strncmp(a.err.text, "proxy p:", 8) == 0);
	need(strlen(a.err.text) < sizeof(a.err.text));
	strcpy(e->text, a.err.text);
}

static void
fuzz_reply(const uint8_t *data, size_t size, unsigned how)
{
	static struct end	one, all;
	static struct tcpk_via	v;
	struct tcpk__target	t = { .port = 7 };
	size_t			i, nurl = sizeof(urls) / sizeof(urls[0]);

	/* SOCKS4 has no other addresses. */
	i = how % nurl;
	t.host = hosts[i == 0 ? 0 : how / nurl % 3];
	if (tcpk_addr_parse(&t.addr, t.host, 0, NULL) == -1)
		t.addr.len = 0;
	need(tcpk__via_parse(&v, urls[i], NULL) == 0);
	talk(&one, &v.proxies[0], &t, data, size, 1);
	talk(&all, &v.proxies[0], &t, data, size, size);
	need(one.v == all.v || (one.v != ASK_REFUSED && one.v != ASK_OPEN &&
	    all.v != ASK_REFUSED && all.v != ASK_OPEN));
	need(one.nout == all.nout && memcmp(one.out, all.out, one.nout) == 0);
	need(strcmp(one.text, all.text) == 0);
	if (one.v == ASK_OPEN) {
		need(one.used == all.used);
		/* Not a byte before its last opens it. */
		talk(&all, &v.proxies[0], &t, data, one.used - 1, VIA_PIECE);
		need(all.v == ASK_WAIT || all.v == ASK_SEND);
	}
	tcpk__via_wipe(&v);
}

/* What was taken is within its limits, and what was not leaves nothing. */
static void
fuzz_list(const char *text, size_t n, int logins)
{
	static struct tcpk_via	v;
	struct tcpk_err		err = { 0 };
	char			*copy = strdup(text);
	size_t			 i, len = strlen(text);

	need(copy != NULL);
	if (logins) {
		need(tcpk__via_parse(&v, "socks5://a;http://b;socks4://c",
		    NULL) == 0);
		if (tcpk__via_auth_text(&v, text, n, &err) == -1)
			need(err.kind == TCPK_EUSAGE);
	} else if (tcpk__via_parse(&v, text, &err) == -1)
		need(v.n == 0 && err.kind == TCPK_EUSAGE);
	for (i = 0; i < v.n; i++) {
		need(strlen(v.proxies[i].host) <= 253);
		need((v.proxies[i].user == NULL) ==
		    (v.proxies[i].password == NULL));
		need(v.proxies[i].user == NULL ||
		    (strlen(v.proxies[i].user) <= VIA_USER &&
		    strlen(v.proxies[i].password) <= VIA_USER));
	}
	tcpk__via_wipe(&v);
	tcpk_endpoint_hide(copy);
	need(strlen(copy) == len);
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	*text;

	if (size == 0)
		return 0;
	if ((data[0] & LIST) == 0) {
		fuzz_reply(data + 1, size - 1, data[0]);
		return 0;
	}
	text = malloc(size);
	need(text != NULL);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	fuzz_list(text, size - 1, data[0] & FILE_OF_LOGINS);
	free(text);
	return 0;
}
