/*
 * HTTP's CONNECT.  What follows the empty line of a 2xx reply is the target's
 * (RFC 9110 section 9.3.6: such a reply has no body, whatever its fields
 * say), so never more is read than must come before the line has ended.
 */

#include <stdio.h>
#include <string.h>

#include "via_impl.h"

/* "HTTP/1.1 200": what there is at least of the first line. */
#define BEGINNING	"HTTP/1."
#define STATUS_AT	9
#define STATUS_LINE	12

/* What there is at least between the first line's text and the target. */
#define ENDING		2	/* LF LF */

static void
say(struct tcpk__ask *a, const char *text)
{
	tcpk__ask_say(a, text, strlen(text));
}

static void
say_base64(struct tcpk__ask *a, const unsigned char *data, size_t n)
{
	static const char	digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned		three;
	char			four[4];
	size_t			i;

	for (i = 0; i < n; i += 3) {
		three = (unsigned)data[i] << 16;
		if (i + 1 < n)
			three |= (unsigned)data[i + 1] << 8;
		if (i + 2 < n)
			three |= data[i + 2];
		four[0] = digits[three >> 18];
		four[1] = digits[three >> 12 & 63];
		four[2] = i + 1 < n ? digits[three >> 6 & 63] : '=';
		four[3] = i + 2 < n ? digits[three & 63] : '=';
		tcpk__ask_say(a, four, sizeof(four));
	}
}

static void
say_target(struct tcpk__ask *a)
{
	const struct tcpk__target	*t = a->target;
	bool	v6 = tcpk_addr_family(&t->addr) == AF_INET6;
	char	port[8];

	snprintf(port, sizeof(port), ":%u", (unsigned)t->port);
	say(a, v6 ? "[" : "");
	say(a, t->host);
	say(a, v6 ? "]" : "");
	say(a, port);
}

static void
start_head(struct tcpk__ask *a)
{
	a->state = ASK_REPLY;
	a->len = a->line = 0;
	a->need = STATUS_LINE + ENDING;
}

void
tcpk__http_begin(struct tcpk__ask *a)
{
	const struct tcpk__proxy	*p = a->proxy;
	char				 login[2 * VIA_USER + 2];

	say(a, "CONNECT ");
	say_target(a);
	say(a, " HTTP/1.1\r\nHost: ");
	say_target(a);
	if (p->user != NULL) {
		snprintf(login, sizeof(login), "%s:%s", p->user, p->password);
		say(a, "\r\nProxy-Authorization: Basic ");
		say_base64(a, (unsigned char *)login, strlen(login));
		explicit_bzero(login, sizeof(login));
	}
	say(a, "\r\n\r\n");
	start_head(a);
}

static bool
take_status(struct tcpk__ask *a)
{
	const unsigned char	*p = a->piece;
	int			 i;

	if (a->len < STATUS_LINE || p[7] < '0' || p[7] > '9' || p[8] != ' ' ||
	    (a->len > STATUS_LINE && p[STATUS_LINE] != ' '))
		return false;
	a->code = 0;
	for (i = STATUS_AT; i < STATUS_LINE; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		a->code = 10 * a->code + p[i] - '0';
	}
	return a->code >= 100 && a->code != 101;
}

static enum tcpk__ask_verdict
decide(struct tcpk__ask *a)
{
	char	said[VIA_SAID + 1];
	size_t	n = a->len - STATUS_AT;

	switch (a->code / 100) {
	case 1:
		start_head(a);
		return ASK_WAIT;
	case 2:
		return ASK_OPEN;
	}
	/* 401 would be the target's; there are proxies that say it. */
	if (a->code == 407 || a->code == 401)
		return tcpk__ask_no_login(a);
	snprintf(said, sizeof(said), "HTTP %.*s", (int)n,
	    (const char *)a->piece + STATUS_AT);
	return tcpk__ask_no_target(a, said);
}

static enum tcpk__ask_verdict
end_line(struct tcpk__ask *a)
{
	bool	empty = a->line == 0;

	a->cr = false;
	a->line = 0;
	if (a->state == ASK_REPLY) {
		a->state = ASK_FIELDS;
		return take_status(a) ? ASK_WAIT : tcpk__ask_nonsense(a);
	}
	return empty ? decide(a) : ASK_WAIT;
}

/* A lone LF ends a line as well (RFC 9112 section 2.2). */
static enum tcpk__ask_verdict
take_byte(struct tcpk__ask *a, unsigned char c)
{
	if (a->total++ == VIA_HEAD)
		return tcpk__ask_refuse(a, "its reply is longer than 16 KiB");
	if (c == '\n')
		return end_line(a);
	if (a->cr || c == '\0')
		return tcpk__ask_nonsense(a);
	if (c == '\r') {
		a->cr = true;
		return ASK_WAIT;
	}
	a->line++;
	if (a->state != ASK_REPLY)
		return ASK_WAIT;
	if (a->len < sizeof(BEGINNING) - 1 &&
	    c != (unsigned char)BEGINNING[a->len])
		return tcpk__ask_nonsense(a);
	if (a->len < sizeof(a->piece))
		a->piece[a->len++] = c;
	return ASK_WAIT;
}

static size_t
least_to_come(const struct tcpk__ask *a)
{
	if (a->state == ASK_REPLY && a->len < STATUS_LINE)
		return STATUS_LINE - a->len + ENDING;
	return a->state == ASK_FIELDS && a->line == 0 ? 1 : ENDING;
}

enum tcpk__ask_verdict
tcpk__http_take(struct tcpk__ask *a, const void *data, size_t n)
{
	const unsigned char	*p = data;
	enum tcpk__ask_verdict	 v = ASK_WAIT;
	size_t			 i;

	for (i = 0; i < n && v == ASK_WAIT; i++)
		v = take_byte(a, p[i]);
	a->need = least_to_come(a);
	return v;
}
