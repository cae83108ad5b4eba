#include <string.h>
#include <time.h>

#include "tls_derwrite_impl.h"

void
tcpk__derw_raw(struct tcpk__derw *w, const void *p, size_t n)
{
	if (w->full || n > w->size - w->n) {
		w->full = true;
		return;
	}
	if (n > 0)
		memcpy(w->buf + w->n, p, n);
	w->n += n;
}

/* The fewest bytes that can tell n, as DER wants it. */
static size_t
header(unsigned char buf[2 + sizeof(size_t)], unsigned tag, size_t n)
{
	size_t	bytes = 0, i;

	buf[0] = (unsigned char)tag;
	if (n < 0x80) {
		buf[1] = (unsigned char)n;
		return 2;
	}
	while (bytes < sizeof(n) && n >> (8 * bytes) != 0)
		bytes++;
	buf[1] = (unsigned char)(0x80 | bytes);
	for (i = 0; i < bytes; i++)
		buf[2 + i] = (unsigned char)(n >> (8 * (bytes - 1 - i)));
	return 2 + bytes;
}

void
tcpk__derw_put(struct tcpk__derw *w, unsigned tag, const void *p, size_t n)
{
	unsigned char	head[2 + sizeof(size_t)];

	tcpk__derw_raw(w, head, header(head, tag, n));
	tcpk__derw_raw(w, p, n);
}

size_t
tcpk__derw_open(const struct tcpk__derw *w)
{
	return w->n;
}

void
tcpk__derw_close(struct tcpk__derw *w, size_t opened, unsigned tag)
{
	unsigned char	head[2 + sizeof(size_t)];
	size_t		n = w->n - opened, k;

	k = header(head, tag, n);
	tcpk__derw_raw(w, head, k);
	if (w->full)
		return;
	/* That was to see whether it fits: it belongs before the rest. */
	memmove(w->buf + opened + k, w->buf + opened, n);
	memcpy(w->buf + opened, head, k);
}

void
tcpk__derw_time(struct tcpk__derw *w, int64_t seconds)
{
	struct tm	tm;
	time_t		t = (time_t)seconds;
	char		text[32];
	unsigned	tag;

	if (gmtime_r(&t, &tm) == NULL || tm.tm_year < 50 ||
	    tm.tm_year > 9999 - 1900) {
		w->full = true;
		return;
	}
	tag = tm.tm_year < 150 ? DER_UTC_TIME : DER_TIME;
	strftime(text, sizeof(text), tag == DER_UTC_TIME ? "%y%m%d%H%M%SZ" :
	    "%Y%m%d%H%M%SZ", &tm);
	tcpk__derw_put(w, tag, text, strlen(text));
}
