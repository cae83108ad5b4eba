/* The segments that were never sent: their ends, headers and checksums. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "record_impl.h"

#define WINDOW_SHIFT	14	/* the most there is: a window of 1 GiB */

static const unsigned char	mapped[12] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff
};

/* IPv4 is kept as mapped, whatever it is written as. */
static bool
take_ip(struct record_half *h, const struct tcpk_addr *a)
{
	int	family = a == NULL ? AF_UNSPEC : tcpk_addr_family(a);

	if (family == AF_INET) {
		memcpy(h->ip, mapped, sizeof(mapped));
		memcpy(h->ip + 12, &a->u.in.sin_addr, 4);
	} else if (family == AF_INET6)
		memcpy(h->ip, &a->u.in6.sin6_addr, 16);
	else
		return false;
	h->port = tcpk_addr_port(a);
	return true;
}

static bool
is_mapped(const struct record_half *h)
{
	return memcmp(h->ip, mapped, sizeof(mapped)) == 0;
}

/*
 * A loopback address and, so that connections differ, a port of its number
 * for who began; the other has one that no protocol is known by.
 */
static void
make_up(struct record_conn *c, int direction)
{
	static const unsigned char	loopback4[4] = { 127, 0, 0, 1 };
	struct record_half		*h = &c->half[direction];
	const struct record_half	*other = &c->half[!direction];

	memset(h->ip, 0, sizeof(h->ip));
	if (c->ipv6)
		h->ip[15] = 1;
	else {
		memcpy(h->ip, mapped, sizeof(mapped));
		memcpy(h->ip + 12, loopback4, 4);
	}
	h->port = direction == c->first ?
	    (uint16_t)(1024 + c->conn % 64512) : 4;
	if (h->port == other->port)
		h->port ^= 1;
}

static void
explain(const struct record_conn *c, int direction,
    const struct tcpk_addr *a, char comment[RECORD_COMMENT])
{
	size_t	n = strlen(comment);
	char	name[TCPK_ADDR_TEXT];

	snprintf(comment + n, RECORD_COMMENT - n, "; %s (port %u) is %s",
	    direction == RECORD_OUT ? "local" : "peer",
	    c->half[direction].port, tcpk_addr_family(a) == AF_UNIX ?
	    tcpk_addr_format(a, name, sizeof(name)) : "no socket");
}

void
record_ends(struct record_conn *c, const struct tcpk_addr *local,
    const struct tcpk_addr *peer, char comment[RECORD_COMMENT])
{
	static const struct tcpk_addr	none;
	const struct tcpk_addr		*ends[2];
	bool				 real[2];
	int				 i;

	ends[RECORD_OUT] = local == NULL ? &none : local;
	ends[RECORD_IN] = peer == NULL ? &none : peer;
	for (i = 0; i < 2; i++) {
		real[i] = take_ip(&c->half[i], ends[i]);
		if (real[i] && !is_mapped(&c->half[i]))
			c->ipv6 = true;
		/* A connection of the same ends is not taken for this one. */
		c->half[i].seq = (uint32_t)(c->conn * 2 + (uint64_t)i) *
		    0x9e3779b1;
	}
	snprintf(comment, RECORD_COMMENT, "connection %" PRIu64, c->conn);
	for (i = 0; i < 2; i++)
		if (!real[i]) {
			make_up(c, i);
			explain(c, i, ends[i], comment);
		}
}

static unsigned char *
put16(unsigned char *p, unsigned v)
{
	p[0] = (unsigned char)(v >> 8);
	p[1] = (unsigned char)v;
	return p + 2;
}

static unsigned char *
put32(unsigned char *p, uint32_t v)
{
	return put16(put16(p, v >> 16), v & 0xffff);
}

/*
 * The sum of RFC 1071 does not mind how wide the words are, nor, as long as
 * it is stored as it was loaded, the order of their bytes.
 */
static uint64_t
sum(const void *data, size_t n)
{
	const unsigned char	*p = data;
	uint64_t		 s = 0, t = 0;
	uint32_t		 w[4];

	for (; n >= sizeof(w); n -= sizeof(w), p += sizeof(w)) {
		memcpy(w, p, sizeof(w));
		s += (uint64_t)w[0] + w[1];
		t += (uint64_t)w[2] + w[3];
	}
	memset(w, 0, sizeof(w));
	if (n > 0)
		memcpy(w, p, n);
	return s + t + w[0] + w[1] + w[2] + w[3];
}

static void
store_sum(unsigned char *p, uint64_t s)
{
	uint16_t	v;

	while (s >> 16 != 0)
		s = (s & 0xffff) + (s >> 16);
	v = (uint16_t)~s;
	memcpy(p, &v, sizeof(v));
}

/* Returns the sum of the pseudo-header. */
static uint64_t
put_ip(const struct record_conn *c, int direction, size_t n,
    unsigned char *buf)
{
	const unsigned char	*from = c->half[direction].ip;
	const unsigned char	*to = c->half[!direction].ip;
	unsigned char		*p = buf, pseudo[8] = { [7] = 6 };

	if (c->ipv6) {
		p = put32(p, UINT32_C(6) << 28);
		p = put16(p, (unsigned)n);
		p = put16(p, 6 << 8 | 64);
		memcpy(p, from, 16);
		memcpy(p + 16, to, 16);
	} else {
		p = put16(p, 0x4500);
		p = put16(p, (unsigned)n + 20);
		p = put32(p, 0x4000);	/* not to be fragmented, so no id */
		p = put32(p, 0x40060000);	/* lives for 64 hops */
		memcpy(p, from + 12, 4);
		memcpy(p + 4, to + 12, 4);
		store_sum(buf + 10, sum(buf, 20));
	}
	put32(pseudo, (uint32_t)n);
	return sum(pseudo, sizeof(pseudo)) + sum(p, c->ipv6 ? 32 : 8);
}

size_t
record_headers(const struct record_conn *c, int direction, unsigned flags,
    const void *data, size_t n, unsigned char buf[RECORD_HEADERS])
{
	const struct record_half	*from = &c->half[direction];
	const struct record_half	*to = &c->half[!direction];
	unsigned char			*tcp = buf + (c->ipv6 ? 40 : 20), *p;
	size_t				 len = flags & RECORD_SYN ? 28 : 20;
	uint64_t			 s;

	s = put_ip(c, direction, len + n, buf);
	p = put16(tcp, from->port);
	p = put16(p, to->port);
	p = put32(p, from->seq);
	p = put32(p, flags & RECORD_ACK ? to->seq : 0);
	p = put16(p, (unsigned)(len / 4 << 12) | flags);
	p = put16(p, flags & RECORD_RST ? 0 : 0xffff);
	p = put32(p, 0);
	if (flags & RECORD_SYN) {
		p = put32(p, UINT32_C(0x0204) << 16 | RECORD_SEGMENT);
		p = put32(p, 0x01030300 | WINDOW_SHIFT);
	}
	store_sum(tcp + 16, s + sum(tcp, len) + sum(data, n));
	return (size_t)(p - buf);
}
