/*
 * A record as text:
 *
 *	TIME CONN = begin LOCAL to PEER		(or "from")
 *	TIME CONN > OFFSET  16 BYTES IN HEX  |as text|
 *	TIME CONN > OFFSET  end			(half-close)
 *	TIME CONN = end				(or "reset")
 *
 * TIME is UTC, 2026-01-31T12:34:56.123456Z; ">" is what we sent and "<" what
 * we received; OFFSET is that of the direction, hexadecimal, 8 digits or as
 * many as it takes.  A piece begins a line of its own, so that it can be seen
 * what came together.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "record_impl.h"

#define PER_LINE	16
#define HEX_WIDTH	(3 * PER_LINE + 2)
#define PREFIX		96	/* of a time in any year, and a number */
#define LINE		(PREFIX + 16 + HEX_WIDTH + PER_LINE + 16)

static void
flush(struct record *r)
{
	struct iovec	iov = { .iov_base = r->buf, .iov_len = r->ntext };

	record_write(r, &r->text, &iov, 1);
	r->ntext = 0;
}

void
record_text_init(struct record *r)
{
	static const char	digits[] = "0123456789abcdef";
	int			i;

	for (i = 0; i < 256; i++) {
		r->hex[i][0] = digits[i >> 4];
		r->hex[i][1] = digits[i & 15];
		r->hex[i][2] = ' ';
		r->shown[i] = i >= ' ' && i < 0x7f ? (char)i : '.';
	}
}

/* "TIME CONN MARK ", what every line begins with. */
static size_t
prefix(const struct record_conn *c, const struct timespec *now, char mark,
    char buf[PREFIX])
{
	struct tm	tm;
	char		date[40] = "";

	if (gmtime_r(&now->tv_sec, &tm) != NULL)
		strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	return (size_t)snprintf(buf, PREFIX, "%s.%06dZ %" PRIu64 " %c ", date,
	    (int)(now->tv_nsec / 1000), c->conn, mark);
}

static char
mark_of(int direction)
{
	return direction == RECORD_OUT ? '>' : '<';
}

/* A line about the connection. */
static void
event(const struct record_conn *c, const struct timespec *now, char mark,
    const char *text)
{
	struct record	*r = c->record;
	char		 before[PREFIX];

	prefix(c, now, mark, before);
	r->ntext = (size_t)snprintf(r->buf, sizeof(r->buf), "%s%s\n", before,
	    text);
	flush(r);
}

static const char *
shown_addr(const struct tcpk_addr *a, char buf[TCPK_ADDR_TEXT])
{
	return a == NULL || a->len == 0 ? "-" :
	    tcpk_addr_format(a, buf, TCPK_ADDR_TEXT);
}

void
record_text_begin(struct record_conn *c, const struct timespec *now,
    const struct tcpk_addr *local, const struct tcpk_addr *peer)
{
	char	a[TCPK_ADDR_TEXT], b[TCPK_ADDR_TEXT];
	char	text[2 * TCPK_ADDR_TEXT + 16];

	snprintf(text, sizeof(text), "begin %s %s %s", shown_addr(local, a),
	    c->first == RECORD_OUT ? "to" : "from", shown_addr(peer, b));
	event(c, now, '=', text);
}

static char *
put_offset(const struct record *r, char *p, uint64_t offset)
{
	int	shift = 24;

	while (shift < 56 && offset >> (shift + 8) != 0)
		shift += 8;
	for (; shift >= 0; shift -= 8, p += 2)
		memcpy(p, r->hex[offset >> shift & 0xff], 2);
	return p;
}

/* Up to PER_LINE bytes: each is looked up, four at a time are written. */
static char *
put_bytes(const struct record *r, char *p, const unsigned char *data, size_t n)
{
	char	*text = p + HEX_WIDTH;
	size_t	 i;

	if (n < PER_LINE)
		memset(p, ' ', HEX_WIDTH);
	for (i = 0; i < n; i++, p += 3) {
		if (i == PER_LINE / 2)
			*p++ = ' ';
		memcpy(p, r->hex[data[i]], 4);
	}
	*p = ' ';
	*text++ = '|';
	for (i = 0; i < n; i++)
		*text++ = r->shown[data[i]];
	*text++ = '|';
	*text++ = '\n';
	return text;
}

void
record_text_bytes(struct record_conn *c, const struct timespec *now,
    int direction, const void *data, size_t n)
{
	struct record	*r = c->record;
	uint64_t	 offset = c->half[direction].bytes;
	char		 before[PREFIX], *p;
	size_t		 at, some, len;

	len = prefix(c, now, mark_of(direction), before);
	for (at = 0; at < n; at += some) {
		some = n - at < PER_LINE ? n - at : PER_LINE;
		if (sizeof(r->buf) - r->ntext < LINE)
			flush(r);
		p = r->buf + r->ntext;
		memcpy(p, before, len);
		p = put_offset(r, p + len, offset + at);
		*p++ = ' ';
		*p++ = ' ';
		p = put_bytes(r, p, (const unsigned char *)data + at, some);
		r->ntext = (size_t)(p - r->buf);
	}
	flush(r);
}

void
record_text_half(struct record_conn *c, const struct timespec *now,
    int direction)
{
	char	text[32], *p;

	p = put_offset(c->record, text, c->half[direction].bytes);
	memcpy(p, "  end", sizeof("  end"));
	event(c, now, mark_of(direction), text);
}

void
record_text_end(struct record_conn *c, const struct timespec *now, bool cut)
{
	event(c, now, '=', cut ? "reset" : "end");
}
