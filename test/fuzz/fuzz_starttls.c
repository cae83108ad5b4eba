/*
 * fuzz_starttls: anything as what a server says before TLS.  The first byte
 * picks the protocol.  However it is cut into reads, the verdict and what is
 * said to it are the same, as long as nothing comes before it was asked for.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "starttls_impl.h"

#define MAX_TURNS	8

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char *const	protos[] = {
	"smtp", "imap", "pop3", "ftp", "xmpp", "postgres", "ldap"
};

struct turn {
	size_t	end;
	size_t	nout;
	char	out[512];
};

static void
need(int cond)
{
	if (!cond)
		abort();
}

/* From memory of exactly this size. */
static enum tcpk__talk_verdict
take(struct tcpk__talk *t, const uint8_t *data, size_t n)
{
	uint8_t			*copy = malloc(n > 0 ? n : 1);
	enum tcpk__talk_verdict	 v;

	need(copy != NULL);
	if (n > 0)
		memcpy(copy, data, n);
	v = tcpk__talk_take(t, copy, n);
	free(copy);
	need(t->len <= sizeof(t->piece) && t->nout <= sizeof(t->out));
	need(t->total <= TALK_ALL + 1);
	need(v == TALK_REFUSED || (v == TALK_SEND) == (t->nout > 0));
	return v;
}

static void
check_verdict(const struct tcpk__talk *t, const char *proto,
    enum tcpk__talk_verdict v)
{
	char	begin[32] = "starttls ";

	if (v == TALK_REFUSED) {
		strcat(strcat(begin, proto), ": ");
		need(t->err.kind == TCPK_ETLS && t->err.code == 0);
		need(strncmp(t->err.text, begin, strlen(begin)) == 0);
		need(t->err.text[strlen(begin)] != '\0');
		need(strlen(t->err.text) < sizeof(t->err.text));
	}
	/* Where it can be told, it was. */
	if (v == TALK_READY && (proto[0] == 's' || proto[0] == 'i' ||
	    proto[0] == 'x'))
		need(t->offered && t->state == GO_AHEAD);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tcpk__talk	one, all;
	static struct turn		turns[MAX_TURNS];
	enum tcpk__talk_verdict		v = TALK_WAIT, w = TALK_WAIT;
	const char			*proto;
	size_t				 i, j, from, n = 0;

	if (size == 0)
		return 0;
	proto = protos[*data++ % (sizeof(protos) / sizeof(protos[0]))];
	size--;
	need(tcpk__talk_begin(&one, proto, "example.org", NULL) == 0);
	need(tcpk__talk_begin(&all, proto, "example.org", NULL) == 0);
	for (i = 0; i < size && v != TALK_READY && v != TALK_REFUSED; i++) {
		v = take(&one, data + i, 1);
		if (v == TALK_WAIT)
			continue;
		need(n < MAX_TURNS);
		turns[n].end = i + 1;
		turns[n].nout = one.nout;
		memcpy(turns[n++].out, one.out, one.nout);
	}
	check_verdict(&one, proto, v);
	for (j = from = 0; j < n; from = turns[j++].end) {
		w = take(&all, data + from, turns[j].end - from);
		need(all.nout == turns[j].nout &&
		    memcmp(all.out, turns[j].out, all.nout) == 0);
	}
	if (from < i)
		w = take(&all, data + from, i - from);
	need(w == v);
	need(v != TALK_REFUSED || strcmp(all.err.text, one.err.text) == 0);
	/* Bytes behind the go-ahead, and words out of turn, in one read. */
	if (n > 1 || (v == TALK_READY && i < size)) {
		tcpk__talk_begin(&all, proto, "example.org", NULL);
		w = take(&all, data, size);
		need(w != TALK_READY);
		check_verdict(&all, proto, w);
	}
	return 0;
}
