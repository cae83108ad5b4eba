#include <stdio.h>
#include <string.h>

#include "acl_impl.h"

#define MAX_SOURCE	80		/* bytes of its name, in messages */
#define WHERE_SIZE	(MAX_SOURCE + 3 + 2 * 11 + 64 + 8)

/* The rule being read, and where its bytes stand. */
struct text {
	struct acl_parser	*parser;
	const char		*p, *end;	/* behind the sign */
};

struct range {
	struct tcpk_ip	first, last;
	bool		host_bits;
};

/* Bytes that are not plain text must not reach a terminal. */
static void
printable(char *buf, size_t size, const char *p, size_t len)
{
	size_t	i, at = 0;

	for (i = 0; i < len && at + 8 < size; i++) {
		if (p[i] > 0x20 && p[i] < 0x7f && p[i] != '\\')
			buf[at++] = p[i];
		else
			at += snprintf(buf + at, size - at, "\\x%02x",
			    (unsigned char)p[i]);
	}
	strcpy(buf + at, i < len ? "..." : "");
}

/* SOURCE:LINE:COLUMN: "RULE": for a byte of the token, into buf. */
static void
where(char buf[WHERE_SIZE], const struct acl_parser *ps, const char *at)
{
	char		 token[64];
	size_t		 len = strlen(ps->source);
	const char	*tail = ps->source;

	/* The end of a long path says more than its start. */
	if (len > MAX_SOURCE)
		tail += len - MAX_SOURCE;
	printable(token, sizeof(token), ps->token, ps->len);
	snprintf(buf, WHERE_SIZE, "%s%s:%u:%u: \"%s\"",
	    tail == ps->source ? "" : "...", tail, (unsigned)ps->line,
	    (unsigned)(ps->token_column + (at - ps->token)), token);
}

/* An error at a byte of the token.  Always -1. */
int
tcpk__acl_refuse(const struct acl_parser *ps, const char *at, const char *why,
    struct tcpk_err *err)
{
	char	buf[WHERE_SIZE];

	where(buf, ps, at);
	return tcpk_err_set(err, TCPK_EUSAGE, "%s: %s", buf, why);
}

/*
 * Decimal octets, up to four.  *n is how many there are; returns NULL when
 * they reach to the end, else why not, with *at where.
 */
static const char *
octets(const char *p, const char *end, uint32_t *v, int *n, const char **at)
{
	unsigned	x, digits;

	*v = 0;
	for (*n = 0; *n < 4;) {
		*at = p;
		for (x = 0, digits = 0; p < end && *p >= '0' && *p <= '9';
		    p++, digits++) {
			if (digits > 0 && x == 0)
				return "octet with a leading zero";
			x = x * 10 + (*p - '0');
			if (x > 255)
				return "octet over 255";
		}
		if (digits == 0) {
			*at = p;
			return p < end ? "not an address" :
			    "address cut short";
		}
		*v |= (uint32_t)x << (24 - 8 * *n);
		++*n;
		*at = p;
		if (p == end)
			return NULL;
		if (*p++ != '.')
			return "not an address";
	}
	*at = p - 1;
	return "too much after the address";
}

/* A whole address, of either family. */
static int
address(const struct text *t, const char *p, const char *end,
    struct tcpk_ip *ip, struct tcpk_err *err)
{
	const char	*why, *at;
	uint32_t	 v4;
	size_t		 bad;
	int		 n;

	if (p == end)
		return tcpk__acl_refuse(t->parser, p,
		    "an address is missing", err);
	at = memchr(p, '%', end - p);
	if (at != NULL)
		return tcpk__acl_refuse(t->parser, at,
		    "rules take no scope", err);
	if (memchr(p, ':', end - p) != NULL) {
		if (tcpk_ip_parse(ip, p, end - p, &bad))
			return 0;
		return tcpk__acl_refuse(t->parser, p + bad, p + bad == end ?
		    "address cut short" : "not an address", err);
	}
	why = octets(p, end, &v4, &n, &at);
	if (why == NULL && n < 4)
		why = "an address without a length has four octets";
	if (why != NULL)
		return tcpk__acl_refuse(t->parser, at, why, err);
	*ip = tcpk_ip_from4(v4);
	return 0;
}

/* The digits of a prefix length: no sign, no leading zero, at most max. */
static int
length(const struct text *t, const char *p, unsigned max, unsigned *bits,
    struct tcpk_err *err)
{
	const char	*start = p;

	if (p == t->end)
		return tcpk__acl_refuse(t->parser, p,
		    "a length is missing", err);
	for (*bits = 0; p < t->end; p++) {
		if (*p < '0' || *p > '9')
			return tcpk__acl_refuse(t->parser, p,
			    "not a length", err);
		if (p > start && *start == '0')
			return tcpk__acl_refuse(t->parser, start,
			    "length with a leading zero", err);
		*bits = *bits * 10 + (*p - '0');
		if (*bits > max)
			return tcpk__acl_refuse(t->parser, start, max == 32 ?
			    "length over 32" : "length over 128", err);
	}
	return 0;
}

/* ADDRESS/255.255.0.0: ones, then zeros. */
static int
mask(const struct text *t, const char *p, unsigned *bits,
    struct tcpk_err *err)
{
	const char	*why, *at;
	uint32_t	 v;
	int		 n;

	why = octets(p, t->end, &v, &n, &at);
	if (why == NULL && n < 4)
		why = "a mask has four octets";
	if (why != NULL)
		return tcpk__acl_refuse(t->parser, at, why, err);
	if ((~v & (~v + 1)) != 0)
		return tcpk__acl_refuse(t->parser, p,
		    "a mask is ones and then zeros", err);
	*bits = v == 0 ? 0 : 32 - __builtin_ctz(v);
	return 0;
}

/* From the address and its length, in bits of 128, to first and last. */
static void
network(struct range *r, struct tcpk_ip ip, unsigned bits)
{
	uint64_t	hi, lo;		/* the host bits */

	hi = bits >= 64 ? 0 : UINT64_MAX >> bits;
	lo = bits <= 64 ? UINT64_MAX : bits == 128 ? 0 :
	    UINT64_MAX >> (bits - 64);
	r->host_bits = (ip.hi & hi) != 0 || (ip.lo & lo) != 0;
	r->first = (struct tcpk_ip){ ip.hi & ~hi, ip.lo & ~lo };
	r->last = (struct tcpk_ip){ ip.hi | hi, ip.lo | lo };
}

/* 10.0.0.0/8, 10/8 or 10.0.0.0/255.0.0.0. */
static int
network4(const struct text *t, const char *slash, struct range *r,
    struct tcpk_err *err)
{
	const char	*why, *at;
	uint32_t	 v;
	unsigned	 bits = 0;
	int		 n;

	why = octets(t->p, slash, &v, &n, &at);
	if (why != NULL)
		return tcpk__acl_refuse(t->parser, at, why, err);
	if (memchr(slash, '.', t->end - slash) != NULL) {
		if (n < 4)
			return tcpk__acl_refuse(t->parser, slash,
			    "with a mask the address has four octets", err);
		if (mask(t, slash + 1, &bits, err) == -1)
			return -1;
	} else {
		if (length(t, slash + 1, 32, &bits, err) == -1)
			return -1;
		if (bits > (unsigned)n * 8)
			return tcpk__acl_refuse(t->parser, slash + 1,
			    "length beyond the octets that are written", err);
	}
	network(r, tcpk_ip_from4(v), 96 + bits);
	return 0;
}

static int
network6(const struct text *t, const char *slash, struct range *r,
    struct tcpk_err *err)
{
	struct tcpk_ip	ip;
	unsigned	bits = 0;

	if (memchr(slash, '.', t->end - slash) != NULL)
		return tcpk__acl_refuse(t->parser, slash + 1,
		    "a mask is for an IPv4 address written as one", err);
	/* ::/8 is a network like any other, but ::ffff:10.0.0.0/8 is not. */
	if (address(t, t->p, slash, &ip, err) == -1 ||
	    length(t, slash + 1, 128, &bits, err) == -1)
		return -1;
	if (tcpk_ip_is4(ip) && bits < 96)
		return tcpk__acl_refuse(t->parser, slash + 1,
		    "an IPv4-mapped address takes a length of 96 to 128",
		    err);
	network(r, ip, bits);
	return 0;
}

static int
range(const struct text *t, const char *dash, struct range *r,
    struct tcpk_err *err)
{
	const char	*slash;

	slash = memchr(t->p, '/', t->end - t->p);
	if (slash != NULL)
		return tcpk__acl_refuse(t->parser, slash,
		    "a range goes from address to address", err);
	if (address(t, t->p, dash, &r->first, err) == -1 ||
	    address(t, dash + 1, t->end, &r->last, err) == -1)
		return -1;
	if (tcpk_ip_is4(r->first) != tcpk_ip_is4(r->last))
		return tcpk__acl_refuse(t->parser, dash + 1,
		    "a range stays in one address family", err);
	if (tcpk_ip_less(r->last, r->first))
		return tcpk__acl_refuse(t->parser, dash + 1,
		    "the range ends before it starts", err);
	r->host_bits = false;
	return 0;
}

static void
warn_host_bits(const struct acl_parser *ps, const struct range *r,
    int family)
{
	char	buf[WHERE_SIZE], net[TCPK_ACL_TEXT];
	char	text[WHERE_SIZE + TCPK_ACL_TEXT + 40];

	if (ps->acl->warn == NULL)
		return;
	where(buf, ps, ps->token);
	tcpk__acl_text(net, ps->token[0] == '+', family, r->first, r->last);
	snprintf(text, sizeof(text), "%s has host bits set: it means %s", buf,
	    net);
	ps->acl->warn(ps->acl->warn_arg, text);
}

/*
 * The usual rule is an address, mostly with a length, and right: a list may
 * have a million of them.  False when it is anything else.
 */
static bool
plain_rule(const struct text *t, struct range *r)
{
	struct tcpk_ip	 ip;
	const char	*p;
	uint32_t	 v4 = 0;
	uint8_t		 n4;
	unsigned	 bits = 0, max = 32;
	size_t		 n;

	/* The token is long enough to be read so, and ends with a NUL. */
	tcpk_ip_scan4_many(&v4, &n4, &t->p, 1);
	ip = tcpk_ip_from4(v4);
	n = n4;
	if (n == 0) {
		n = tcpk_ip_scan(&ip, t->p, (size_t)(t->end - t->p));
		max = 128;
		/* (Mapped addresses have rules of their own.) */
		if (n == 0 || tcpk_ip_is4(ip))
			return false;
	}
	p = t->p + n;
	if (p == t->end)
		bits = max;
	else if (*p++ != '/' || p == t->end || t->end - p > 3 || *p == '0')
		return false;
	for (; p < t->end; p++) {
		if (*p < '0' || *p > '9')
			return false;
		bits = bits * 10 + (unsigned)(*p - '0');
	}
	if (bits > max)
		return false;
	network(r, ip, 128 - max + bits);
	return true;
}

/* Any other rule, or what is wrong with it. */
static int
other_rule(const struct text *t, struct range *r, struct tcpk_err *err)
{
	const char	*at;

	if ((at = memchr(t->p, '-', t->end - t->p)) != NULL)
		return range(t, at, r, err);
	if ((at = memchr(t->p, '/', t->end - t->p)) == NULL) {
		if (address(t, t->p, t->end, &r->first, err) == -1)
			return -1;
		r->last = r->first;
		return 0;
	}
	if (memchr(t->p, ':', at - t->p) != NULL)
		return network6(t, at, r, err);
	return network4(t, at, r, err);
}

int
tcpk__acl_add_rule(struct acl_parser *ps, struct tcpk_err *err)
{
	struct text	 t = { ps, ps->token + 1, ps->token + ps->len };
	struct range	 r = { { 0, 0 }, { 0, 0 }, false };
	struct rule	 rule = { .line = ps->line, .in6 = 1 };

	if (ps->token[0] != '+' && ps->token[0] != '-')
		return tcpk__acl_refuse(ps, ps->token,
		    "a rule starts with + or -", err);
	rule.allow = ps->token[0] == '+';
	if (ps->len == 4 && memcmp(t.p, "all", 3) == 0) {
		rule.in4 = 1;
		return tcpk__acl_push(ps->acl, &rule, family_first(FAMILY4),
		    family_last(FAMILY4), err);
	}
	if (!plain_rule(&t, &r) && other_rule(&t, &r, err) == -1)
		return -1;
	rule.in4 = tcpk_ip_is4(r.first) && tcpk_ip_is4(r.last);
	rule.in6 = !rule.in4;
	rule.host_bits = r.host_bits;
	if (r.host_bits)
		warn_host_bits(ps, &r, rule.in4 ? FAMILY4 : FAMILY6);
	return tcpk__acl_push(ps->acl, &rule, r.first, r.last, err);
}
