/*
 * Version 2: a signature, a byte of version and command, a byte of family and
 * transport, the length of what follows: addresses, and then TLVs.
 */

#include <netinet/in.h>
#include <sys/un.h>

#include <stddef.h>
#include <string.h>

#include "proxyproto_impl.h"

#define LOCAL		0x20
#define PROXY		0x21

#define INET		1
#define INET6		2
#define UNIX		3
#define STREAM		1
#define DGRAM		2

#define NPATH		108	/* of a Unix socket's address, on the wire */

/* Bytes of both addresses, by family. */
static const size_t	naddresses[] = { 0, 12, 36, 2 * NPATH };

uint16_t
tcpk__get16(const unsigned char *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

void
tcpk__put16(unsigned char *p, size_t n)
{
	p[0] = n >> 8 & 0xff;
	p[1] = n & 0xff;
}

static void
get_in(struct tcpk_addr *a, const unsigned char *ip, const unsigned char *port)
{
	struct sockaddr_in	in = { .sin_family = AF_INET };

	memcpy(&in.sin_addr, ip, 4);
	memcpy(&in.sin_port, port, 2);
	tcpk_addr_from(a, (struct sockaddr *)&in, sizeof(in));
}

static void
get_in6(struct tcpk_addr *a, const unsigned char *ip,
    const unsigned char *port)
{
	struct sockaddr_in6	in6 = { .sin6_family = AF_INET6 };

	memcpy(&in6.sin6_addr, ip, 16);
	memcpy(&in6.sin6_port, port, 2);
	tcpk_addr_from(a, (struct sockaddr *)&in6, sizeof(in6));
}

/* A path is filled up with NULs; an abstract name begins with one. */
static void
get_un(struct tcpk_addr *a, const unsigned char *path)
{
	struct sockaddr_un	un = { .sun_family = AF_UNIX };
	size_t			n = NPATH;

	if (n > sizeof(un.sun_path))
		n = sizeof(un.sun_path);
	memcpy(un.sun_path, path, n);
	while (n > 0 && path[n - 1] == '\0')
		n--;
	if (n > 0 && n < sizeof(un.sun_path) && path[0] != '\0')
		n++;
	tcpk_addr_from(a, (struct sockaddr *)&un,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
}

static void
get_addresses(struct tcpk_proxyproto *h, unsigned family,
    const unsigned char *p)
{
	switch (family) {
	case INET:
		get_in(&h->from, p, p + 8);
		get_in(&h->to, p + 4, p + 10);
		break;
	case INET6:
		get_in6(&h->from, p, p + 32);
		get_in6(&h->to, p + 16, p + 34);
		break;
	case UNIX:
		get_un(&h->from, p);
		get_un(&h->to, p + NPATH);
		break;
	}
}

/* What the fixed part says, as far as it is there. */
static int
check_fixed(const unsigned char *p, size_t n, struct tcpk_err *err)
{
	if (n > 12 && p[12] >> 4 != 2)
		return tcpk__proxyproto_bad(err, "neither version 1 nor 2");
	if (n > 12 && p[12] != LOCAL && p[12] != PROXY)
		return tcpk__proxyproto_bad(err,
		    "the command is neither LOCAL nor PROXY");
	if (n > 13 && p[12] == PROXY && p[13] >> 4 > UNIX)
		return tcpk__proxyproto_bad(err, "unknown address family");
	if (n > 13 && p[12] == PROXY && (p[13] & 0xf) > DGRAM)
		return tcpk__proxyproto_bad(err, "unknown transport");
	/* One byte of the length may be enough. */
	if (n > 14 && (size_t)p[14] << 8 > TCPK_PROXYPROTO_MAX)
		return tcpk__proxyproto_bad(err, "it is too long");
	return 0;
}

ssize_t
tcpk__proxyproto_parse2(struct tcpk_proxyproto *h, const unsigned char *p,
    size_t n, struct tcpk_err *err)
{
	size_t		len, naddr = 0;
	unsigned	family;

	if (check_fixed(p, n, err) == -1)
		return -1;
	if (n < V2_NFIXED)
		return 0;
	len = V2_NFIXED + (size_t)tcpk__get16(p + 14);
	if (len > TCPK_PROXYPROTO_MAX)
		return tcpk__proxyproto_bad(err, "it is too long");
	family = p[13] >> 4;
	/* Without a transport it is not known what the addresses are of. */
	if ((p[13] & 0xf) == 0)
		family = 0;
	if (p[12] == PROXY)
		naddr = naddresses[family];
	if (len < V2_NFIXED + naddr)
		return tcpk__proxyproto_bad(err,
		    "it is too short for its addresses");
	if (n < len)
		return 0;
	/* Of LOCAL, and where there are no addresses, all is passed over. */
	if (naddr == 0)
		return (ssize_t)len;
	if (tcpk__tlvs_check(p, V2_NFIXED + naddr, len, err) == -1)
		return -1;
	get_addresses(h, family, p + V2_NFIXED);
	return (ssize_t)len;
}

static void
put_un(unsigned char *p, const struct tcpk_addr *a)
{
	size_t	off = offsetof(struct sockaddr_un, sun_path);
	size_t	n = a->len > off ? a->len - off : 0;

	if (n > NPATH)
		n = NPATH;
	memset(p, 0, NPATH);
	memcpy(p, a->u.un.sun_path, n);
}

/* Returns the byte of family and transport. */
static unsigned char
put_addresses(unsigned char *p, const struct tcpk_addr *from,
    const struct tcpk_addr *to)
{
	switch (tcpk_addr_family(from)) {
	case AF_INET:
		memcpy(p, &from->u.in.sin_addr, 4);
		memcpy(p + 4, &to->u.in.sin_addr, 4);
		tcpk__put16(p + 8, tcpk_addr_port(from));
		tcpk__put16(p + 10, tcpk_addr_port(to));
		return INET << 4 | STREAM;
	case AF_INET6:
		memcpy(p, &from->u.in6.sin6_addr, 16);
		memcpy(p + 16, &to->u.in6.sin6_addr, 16);
		tcpk__put16(p + 32, tcpk_addr_port(from));
		tcpk__put16(p + 34, tcpk_addr_port(to));
		return INET6 << 4 | STREAM;
	case AF_UNIX:
		put_un(p, from);
		put_un(p + NPATH, to);
		return UNIX << 4 | STREAM;
	default:
		return 0;
	}
}

size_t
tcpk__proxyproto_build2(const struct tcpk_addr *from,
    const struct tcpk_addr *to, const struct tcpk_proxyproto_out *o,
    unsigned char *buf)
{
	size_t	n;

	memcpy(buf, V2_SIGNATURE, V2_NSIGNATURE);
	/* It is somebody's connection, also where the addresses are unknown. */
	buf[12] = PROXY;
	buf[13] = put_addresses(buf + V2_NFIXED, from, to);
	n = V2_NFIXED + naddresses[buf[13] >> 4];
	if (o->tls != NULL)
		n = tcpk__tlvs_put(buf, n, o->tls);
	if (o->crc)
		n += TLV_NCRC;
	tcpk__put16(buf + 14, n - V2_NFIXED);
	if (o->crc)
		tcpk__tlvs_put_crc(buf, n);
	return n;
}
