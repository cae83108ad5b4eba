#include <arpa/inet.h>
#include <string.h>

#include "ip_impl.h"
#include "tcpkit/ip.h"

/* The longest text of IPv4, and of IPv6 (with IPv4 at its end). */
#define MAX_TEXT4	15
#define MAX_TEXT6	45

/* The length of the address of IPv4 that a text starts with, or 0. */
static size_t
scan4(struct tcpk_ip *ip, const char *text, size_t len)
{
	char		buf[TCPK_IP_SCAN4] = { 0 };
	uint32_t	v4 = 0;
	uint8_t		n;

	if (len < sizeof(buf)) {
		memcpy(buf, text, len);
		text = buf;
	}
	tcpk_ip_scan4_many(&v4, &n, &text, 1);
	if (n > 0)
		*ip = tcpk_ip_from4(v4);
	return n;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One group of hexadecimal digits; the number of digits, 5 for too many. */
static unsigned
group(uint16_t *v, const char *p, const char *end)
{
	unsigned	n = 0;
	int		h;

	*v = 0;
	for (; p < end && (h = hex_digit(*p)) >= 0; p++) {
		if (++n == 5)
			break;
		*v = (uint16_t)(*v << 4 | h);
	}
	return n;
}

/* The groups that were written, and where "::" stood, into a number. */
static void
spread(struct tcpk_ip *ip, const uint16_t *g, int n, int gap)
{
	uint16_t	all[8] = { 0 };
	int		i;

	if (gap < 0)
		gap = n;
	for (i = 0; i < gap; i++)
		all[i] = g[i];
	for (; i < n; i++)
		all[8 - n + i] = g[i];
	ip->hi = (uint64_t)all[0] << 48 | (uint64_t)all[1] << 32 |
	    (uint64_t)all[2] << 16 | all[3];
	ip->lo = (uint64_t)all[4] << 48 | (uint64_t)all[5] << 32 |
	    (uint64_t)all[6] << 16 | all[7];
}

/* NULL when the whole text is an IPv6 address; else the byte that is not. */
static const char *
parse6(struct tcpk_ip *ip, const char *p, const char *end)
{
	struct tcpk_ip	v4;
	uint16_t	g[8];
	unsigned	digits;
	int		n = 0, gap = -1;

	if (end - p >= 2 && p[0] == ':' && p[1] == ':') {
		gap = 0;
		p += 2;
	}
	while (p < end) {
		if (n == 8)
			return p;
		digits = group(&g[n], p, end);
		if (digits == 0 || digits == 5)
			return digits == 0 ? p : p + 4;
		if (p + digits < end && p[digits] == '.') {
			if (n > 6 || scan4(&v4, p, (size_t)(end - p)) !=
			    (size_t)(end - p))
				return p;
			g[n++] = v4.lo >> 16 & 0xffff;
			g[n++] = v4.lo & 0xffff;
			break;
		}
		n++;
		p += digits;
		if (p == end)
			break;
		if (*p++ != ':')
			return p - 1;
		if (p == end)
			return p;
		if (*p == ':') {
			if (gap >= 0)
				return p;
			gap = n;
			p++;
		}
	}
	/* "::" stands for one group of zeros or more. */
	if (gap < 0 ? n < 8 : n == 8)
		return end;
	spread(ip, g, n, gap);
	return NULL;
}

bool
tcpk_ip_from(struct tcpk_ip *ip, const struct tcpk_addr *a)
{
	uint64_t	half[2];
	uint16_t	g[8];
	int		i;

	switch (tcpk_addr_family(a)) {
	case AF_INET:
		*ip = tcpk_ip_from4(ntohl(a->u.in.sin_addr.s_addr));
		return true;
	case AF_INET6:
		memcpy(g, &a->u.in6.sin6_addr, sizeof(g));
		for (half[0] = half[1] = 0, i = 0; i < 8; i++)
			half[i / 4] = half[i / 4] << 16 | ntohs(g[i]);
		*ip = (struct tcpk_ip){ half[0], half[1] };
		return true;
	default:
		return false;
	}
}

void
tcpk_ip_to(struct tcpk_ip ip, uint32_t scope, uint16_t port,
    struct tcpk_addr *a)
{
	uint64_t	half[2] = { ip.hi, ip.lo };
	uint16_t	g[8];
	int		i;

	if (tcpk_ip_is4(ip)) {
		tcpk_addr_any(a, AF_INET, port);
		a->u.in.sin_addr.s_addr = htonl((uint32_t)ip.lo);
		return;
	}
	for (i = 0; i < 8; i++)
		g[i] = htons((uint16_t)(half[i / 4] >> 16 * (3 - i % 4)));
	tcpk_addr_any(a, AF_INET6, port);
	memcpy(&a->u.in6.sin6_addr, g, sizeof(g));
	a->u.in6.sin6_scope_id = scope;
}

bool
tcpk_ip_parse(struct tcpk_ip *ip, const char *text, size_t len, size_t *bad)
{
	const char	*at = text;

	if (len > 0 && len <= MAX_TEXT4 && scan4(ip, text, len) == len)
		return true;
	if (len > MAX_TEXT6)
		at = text + MAX_TEXT6;
	else if (memchr(text, ':', len) != NULL)
		at = parse6(ip, text, text + len);
	if (at == NULL)
		return true;
	if (bad != NULL)
		*bad = at - text;
	return false;
}

size_t
tcpk_ip_scan(struct tcpk_ip *ip, const char *text, size_t len)
{
	size_t	n;

	n = scan4(ip, text, len);
	if (n > 0)
		return n;
	for (n = 0; n < len; n++)
		if (hex_digit(text[n]) < 0 && text[n] != ':' && text[n] != '.')
			break;
	if (n < 2 || n > MAX_TEXT6 || memchr(text, ':', n) == NULL)
		return 0;
	return parse6(ip, text, text + n) == NULL ? n : 0;
}

const char *
tcpk_ip_format(struct tcpk_ip ip, char buf[TCPK_IP_TEXT])
{
	unsigned char	b[16];
	int		i;

	for (i = 0; i < 8; i++) {
		b[i] = (unsigned char)(ip.hi >> (56 - 8 * i));
		b[8 + i] = (unsigned char)(ip.lo >> (56 - 8 * i));
	}
	if (tcpk_ip_is4(ip))
		inet_ntop(AF_INET, b + 12, buf, TCPK_IP_TEXT);
	else
		inet_ntop(AF_INET6, b, buf, TCPK_IP_TEXT);
	return buf;
}
