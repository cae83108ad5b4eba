/* Version 1: "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n". */

#include <stdio.h>
#include <string.h>

#include "proxyproto_impl.h"

#define MAX_LINE	107	/* with its CRLF */

/* What is left of a line, taken field by field. */
struct line {
	const char	*p;
	size_t		 n;
};

/*
 * The next field, as a text of its own; exactly one blank separates it from
 * the one behind it, and the last ends with the line.  False: it is not there,
 * or longer than any that would do.
 */
static bool
next(struct line *l, char *buf, size_t size, bool last)
{
	const char	*end = memchr(l->p, ' ', l->n);
	size_t		 n = end != NULL ? (size_t)(end - l->p) : l->n;

	if ((end == NULL) != last || n == 0 || n >= size ||
	    memchr(l->p, '\0', n) != NULL)
		return false;
	memcpy(buf, l->p, n);
	buf[n] = '\0';
	if (!last)
		n++;
	l->p += n;
	l->n -= n;
	return true;
}

/* No scope: it would be that of another machine. */
static bool
take_addr(struct line *l, struct tcpk_addr *a, bool v6)
{
	char	text[INET6_ADDRSTRLEN];

	return next(l, text, sizeof(text), false) &&
	    (strchr(text, ':') != NULL) == v6 && strchr(text, '%') == NULL &&
	    tcpk_addr_parse(a, text, 0, NULL) == 0;
}

static bool
take_port(struct line *l, struct tcpk_addr *a, bool last)
{
	char		text[6];
	unsigned	port = 0;
	const char	*p;

	if (!next(l, text, sizeof(text), last) ||
	    (text[0] == '0' && text[1] != '\0'))
		return false;
	for (p = text; *p >= '0' && *p <= '9'; p++)
		port = port * 10 + (unsigned)(*p - '0');
	if (*p != '\0' || port > UINT16_MAX)
		return false;
	tcpk_addr_set_port(a, (uint16_t)port);
	return true;
}

/* The line without "PROXY " and CRLF. */
static int
parse_line(struct tcpk_proxyproto *h, struct line l, struct tcpk_err *err)
{
	char	proto[8];
	bool	v6;

	/* Whatever follows it is to be ignored. */
	if (l.n >= 7 && memcmp(l.p, "UNKNOWN", 7) == 0 &&
	    (l.n == 7 || l.p[7] == ' '))
		return 0;
	if (!next(&l, proto, sizeof(proto), false) ||
	    (strcmp(proto, "TCP4") != 0 && strcmp(proto, "TCP6") != 0))
		return tcpk__proxyproto_bad(err,
		    "it is of neither TCP4, TCP6 nor UNKNOWN");
	v6 = proto[3] == '6';
	if (!take_addr(&l, &h->from, v6) || !take_addr(&l, &h->to, v6))
		return tcpk__proxyproto_bad(err, v6 ?
		    "not two IPv6 addresses" : "not two IPv4 addresses");
	if (!take_port(&l, &h->from, false) || !take_port(&l, &h->to, true))
		return tcpk__proxyproto_bad(err, "not two ports at its end");
	return 0;
}

ssize_t
tcpk__proxyproto_parse1(struct tcpk_proxyproto *h, const unsigned char *p,
    size_t n, struct tcpk_err *err)
{
	const unsigned char	*lf, *cr;
	struct line		 l = { (const char *)p + 6, 0 };
	size_t			 seen = n < MAX_LINE ? n : MAX_LINE;

	lf = memchr(p, '\n', seen);
	cr = memchr(p, '\r', lf != NULL ? (size_t)(lf - p) : seen);
	/* The only CR is the one before the LF. */
	if (lf != NULL ? cr != lf - 1 : cr != NULL && cr != p + seen - 1)
		return tcpk__proxyproto_bad(err,
		    "the line does not end with CRLF");
	if (lf == NULL)
		return seen < MAX_LINE ? 0 : tcpk__proxyproto_bad(err,
		    "the line is longer than 107 bytes");
	l.n = (size_t)(cr - p) - 6;
	if (parse_line(h, l, err) == -1) {
		h->from.len = h->to.len = 0;
		return -1;
	}
	return lf + 1 - p;
}

size_t
tcpk__proxyproto_build1(const struct tcpk_addr *from,
    const struct tcpk_addr *to, unsigned char *buf)
{
	struct tcpk_addr	f = *from, t = *to;
	char			src[TCPK_ADDR_TEXT], dst[TCPK_ADDR_TEXT];
	int			family = tcpk_addr_family(from);

	if (family == AF_INET6)
		f.u.in6.sin6_scope_id = t.u.in6.sin6_scope_id = 0;
	else if (family != AF_INET)
		return (size_t)snprintf((char *)buf, TCPK_PROXYPROTO_ROOM,
		    "PROXY UNKNOWN\r\n");
	return (size_t)snprintf((char *)buf, TCPK_PROXYPROTO_ROOM,
	    "PROXY TCP%d %s %s %u %u\r\n", family == AF_INET6 ? 6 : 4,
	    tcpk_addr_format_host(&f, src, sizeof(src)),
	    tcpk_addr_format_host(&t, dst, sizeof(dst)),
	    tcpk_addr_port(&f), tcpk_addr_port(&t));
}
