#include <string.h>

#include "acl_find.h"

static bool
is_word_anywhere(int c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z') || c == '.' || c == ':' || c == '%' ||
	    c == '_' || c >= 0x80;
}

void
acl_find_init(struct acl_find *f, uint64_t field)
{
	int	c;

	memset(f, 0, sizeof(*f));
	f->field = field;
	for (c = 0; c < 256; c++)
		f->between[c] = field == 0 ? !is_word_anywhere(c) :
		    c == ' ' || (c >= '\t' && c <= '\r');
}

bool
acl_find_address(struct tcpk_ip *ip, const char *text, size_t len)
{
	const char	*scope;

	scope = memchr(text, '%', len);
	if (scope != NULL) {
		/* Scopes are for IPv6, and have a name. */
		if (scope + 1 == text + len ||
		    memchr(text, ':', (size_t)(scope - text)) == NULL)
			return false;
		len = (size_t)(scope - text);
	}
	return tcpk_ip_parse(ip, text, len, NULL);
}

/* Nothing, or a colon and a port. */
static bool
is_port(const char *p, const char *end)
{
	uint32_t	port = 0;

	if (p == end)
		return true;
	if (*p++ != ':' || p == end || end - p > 5)
		return false;
	for (; p < end; p++) {
		if (*p < '0' || *p > '9')
			return false;
		port = port * 10 + (uint32_t)(*p - '0');
	}
	return port <= 65535;
}

/* A field: ADDRESS, IPV4:PORT, [ADDRESS], [ADDRESS]:PORT. */
static bool
look_field(struct tcpk_ip *ip, const char *p, const char *end)
{
	const char	*close;
	size_t		 n;

	if (p < end && *p == '[') {
		close = memchr(p, ']', (size_t)(end - p));
		return close != NULL && is_port(close + 1, end) &&
		    acl_find_address(ip, p + 1, (size_t)(close - p - 1));
	}
	n = tcpk_ip_scan(ip, p, (size_t)(end - p));
	if (n > 0 && (p + n == end || (tcpk_ip_is4(*ip) &&
	    is_port(p + n, end))))
		return true;
	return acl_find_address(ip, p, (size_t)(end - p));
}

/* The first part between colons that is an IPv4 address. */
static bool
look_between(struct tcpk_ip *ip, const char *p, const char *end)
{
	const char	*colon;
	size_t		 n;

	for (; p < end; p = colon + 1) {
		colon = memchr(p, ':', (size_t)(end - p));
		if (colon == NULL)
			colon = end;
		n = (size_t)(colon - p);
		while (n > 0 && p[n - 1] == '.')
			n--;
		if (n >= 7 && tcpk_ip_parse(ip, p, n, NULL))
			return true;
	}
	return false;
}

static bool
look_anywhere(struct tcpk_ip *ip, const char *p, const char *end)
{
	const char	*stop = end;

	/* The end of a sentence: "from 192.0.2.1." or "2001:db8::1:" */
	while (stop > p && (stop[-1] == '.' || (stop[-1] == ':' &&
	    (stop - p < 2 || stop[-2] != ':'))))
		stop--;
	/* A bare "::" is punctuation far more often than an address. */
	if (stop - p > 2 && acl_find_address(ip, p, (size_t)(stop - p)))
		return true;
	return look_between(ip, p, end);
}

static bool
look(struct acl_find *f, const char *p, const char *end, struct tcpk_ip *ip)
{
	if (end - p > ACL_WORD)
		return false;
	return f->field == 0 ? look_anywhere(ip, p, end) :
	    look_field(ip, p, end);
}

/* Keep the start of a word that the next piece may go on with. */
static void
carry(struct acl_find *f, const char *p, const char *end)
{
	size_t	n = (size_t)(end - p);

	if (n > sizeof(f->carry) - f->ncarry)
		n = sizeof(f->carry) - f->ncarry;
	memcpy(f->carry + f->ncarry, p, n);
	f->ncarry += n;
}

enum acl_find_what
acl_find_next(struct acl_find *f, const char **p, const char *end, bool last,
    struct tcpk_ip *ip)
{
	const char	*q = *p, *word;
	bool		 found;

	for (;;) {
		if (f->ncarry == 0)
			while (q < end && f->between[(unsigned char)*q])
				q++;
		for (word = q; q < end && !f->between[(unsigned char)*q];)
			q++;
		*p = q;
		if (q == end && (!last || (word == q && f->ncarry == 0))) {
			carry(f, word, q);
			return last ? ACL_FIND_NEVER : ACL_FIND_NONE;
		}
		if (++f->seen < f->field) {
			f->ncarry = 0;
			continue;
		}
		if (f->field != 0 && f->seen > f->field)
			return ACL_FIND_NEVER;
		if (f->ncarry > 0) {
			carry(f, word, q);
			found = look(f, f->carry, f->carry + f->ncarry, ip);
			f->ncarry = 0;
		} else
			found = look(f, word, q, ip);
		if (found)
			return ACL_FIND_ADDRESS;
		if (f->field != 0)
			return ACL_FIND_NEVER;
	}
}
