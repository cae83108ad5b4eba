/*
 * record_read: a reader of captures that takes nothing on trust.
 */
#ifndef RECORD_READ_H
#define RECORD_READ_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "help.h"

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

struct packet {
	uint64_t	 ns;
	int		 direction;	/* of epb_flags: 1 in, 2 out */
	char		 comment[2048];
	bool		 ipv6;
	unsigned char	 from[16], to[16];	/* 4 bytes of IPv4 */
	unsigned	 from_port, to_port;
	uint32_t	 seq, ack;
	unsigned	 flags, mss, shift;
	size_t		 n;
	const unsigned char *data;
};

struct capture {
	unsigned char	*bytes;
	size_t		 len, npackets;
	struct packet	*packets;
	const char	*wrong;		/* NULL: nothing */
};

static unsigned
be16(const unsigned char *p)
{
	return (unsigned)(p[0] << 8 | p[1]);
}

static uint32_t
be32(const unsigned char *p)
{
	return (uint32_t)be16(p) << 16 | be16(p + 2);
}

static unsigned
le16(const unsigned char *p)
{
	return (unsigned)(p[1] << 8 | p[0]);
}

static uint32_t
le32(const unsigned char *p)
{
	return (uint32_t)le16(p + 2) << 16 | le16(p);
}

/* RFC 1071, as it is written there. */
static uint32_t
add_up(uint32_t sum, const unsigned char *p, size_t n)
{
	for (; n > 1; n -= 2, p += 2) {
		sum += be16(p);
		sum = (sum & 0xffff) + (sum >> 16);
	}
	if (n == 1)
		sum += (uint32_t)p[0] << 8;
	return (sum & 0xffff) + (sum >> 16);
}

static const char *
read_tcp(struct packet *p, const unsigned char *tcp, size_t n, uint32_t sum)
{
	unsigned	len;

	sum += 6 + (uint32_t)n;
	if (add_up((sum & 0xffff) + (sum >> 16), tcp, n) != 0xffff)
		return "checksum of TCP";
	if (n < 20 || (len = (tcp[12] >> 4) * 4u) < 20 || len > n)
		return "length of the TCP header";
	p->from_port = be16(tcp);
	p->to_port = be16(tcp + 2);
	p->seq = be32(tcp + 4);
	p->ack = be32(tcp + 8);
	p->flags = tcp[13];
	if (be16(tcp + 14) != (p->flags & RST ? 0 : 0xffff) ||
	    be16(tcp + 18) != 0)
		return "window or urgent pointer";
	if (len == 28 && be16(tcp + 20) == 0x0204 &&
	    be32(tcp + 24) >> 8 == 0x010303) {
		p->mss = be16(tcp + 22);
		p->shift = tcp[27];
	} else if (len != 20)
		return "options of TCP";
	if ((p->mss != 0) != ((p->flags & SYN) != 0))
		return "options of TCP that are of a SYN";
	p->data = tcp + len;
	p->n = n - len;
	return NULL;
}

static const char *
read_ip(struct packet *p, const unsigned char *ip, size_t n)
{
	if (n >= 40 && ip[0] == 0x60) {
		if (be16(ip + 4) != n - 40 || ip[6] != 6 || ip[7] == 0)
			return "header of IPv6";
		p->ipv6 = true;
		memcpy(p->from, ip + 8, 16);
		memcpy(p->to, ip + 24, 16);
		return read_tcp(p, ip + 40, n - 40, add_up(0, ip + 8, 32));
	}
	if (n < 20 || ip[0] != 0x45 || be16(ip + 2) != n || ip[8] == 0 ||
	    be32(ip + 4) != 0x4000 || ip[9] != 6)
		return "header of IPv4";
	if (add_up(0, ip, 20) != 0xffff)
		return "checksum of IPv4";
	memcpy(p->from, ip + 12, 4);
	memcpy(p->to, ip + 16, 4);
	return read_tcp(p, ip + 20, n - 20, add_up(0, ip + 12, 8));
}

/* Options up to end; calls for each. */
static const char *
read_options(const unsigned char *o, const unsigned char *end,
    const char *(*fn)(struct packet *, unsigned, const unsigned char *,
    unsigned), struct packet *p)
{
	const char	*wrong;
	unsigned	 code, n, i;

	for (;; o += 4 + (n + 3) / 4 * 4) {
		if (end - o < 4)
			return "options that do not end";
		code = le16(o);
		n = le16(o + 2);
		if (code == 0)
			return n == 0 && end - o == 4 ? NULL :
			    "end of options";
		if (end - o < (long)(4 + (n + 3) / 4 * 4))
			return "length of an option";
		for (i = n; i % 4 != 0; i++)
			if (o[4 + i] != 0)
				return "padding of an option";
		if ((wrong = fn(p, code, o + 4, n)) != NULL)
			return wrong;
	}
}

static const char *
file_option(struct packet *p, unsigned code, const unsigned char *v,
    unsigned n)
{
	(void)p;
	if (code == 9)
		return n == 1 && v[0] == 9 ? NULL : "if_tsresol";
	return (code == 4 || code == 2) && n == 6 &&
	    memcmp(v, "tcpkit", 6) == 0 ? NULL : "name";
}

static const char *
packet_option(struct packet *p, unsigned code, const unsigned char *v,
    unsigned n)
{
	if (code == 2 && n == 4) {
		p->direction = (int)le32(v);
		return p->direction == 1 || p->direction == 2 ? NULL :
		    "epb_flags";
	}
	if (code != 1 || n >= sizeof(p->comment))
		return "option of a packet";
	memcpy(p->comment, v, n);
	p->comment[n] = '\0';
	return NULL;
}

static const char *
read_packet(struct capture *c, const unsigned char *b, uint32_t total)
{
	struct packet	*p = &c->packets[c->npackets++];
	uint32_t	 n, i;
	const char	*wrong;

	memset(p, 0, sizeof(*p));
	if (total < 32 || le32(b + 8) != 0 ||
	    (n = le32(b + 20)) != le32(b + 24) || n > 65535 ||
	    (n + 3) / 4 * 4 > total - 32)
		return "packet block";
	p->ns = (uint64_t)le32(b + 12) << 32 | le32(b + 16);
	for (i = n; i % 4 != 0; i++)
		if (b[28 + i] != 0)
			return "padding of a packet";
	if ((wrong = read_options(b + 28 + (n + 3) / 4 * 4, b + total - 4,
	    packet_option, p)) != NULL)
		return wrong;
	return p->direction == 0 ? "no epb_flags" : read_ip(p, b + 28, n);
}

static const char *
read_block(struct capture *c, const unsigned char *b, size_t left,
    size_t index)
{
	uint32_t	total = left < 12 ? 0 : le32(b + 4);

	if (total < 12 || total % 4 != 0 || total > left ||
	    le32(b + total - 4) != total)
		return "length of a block";
	if (index == 0)
		return le32(b) == 0x0a0d0d0a && total >= 32 &&
		    le32(b + 8) == 0x1a2b3c4d && le32(b + 12) == 1 &&
		    le32(b + 16) == UINT32_MAX &&
		    le32(b + 20) == UINT32_MAX ?
		    read_options(b + 24, b + total - 4, file_option, NULL) :
		    "section header";
	if (index == 1)
		return le32(b) == 1 && total >= 20 && le32(b + 8) == 101 &&
		    le32(b + 12) == 65535 ?
		    read_options(b + 16, b + total - 4, file_option, NULL) :
		    "interface description";
	return le32(b) == 6 ? read_packet(c, b, total) : "type of a block";
}

/* All of it, and a NUL. */
__attribute__((unused))
static unsigned char *
read_file(const char *path, size_t *len)
{
	FILE		*f = fopen(path, "r");
	unsigned char	*p;

	if (f == NULL || fseek(f, 0, SEEK_END) == -1 ||
	    (p = malloc((size_t)ftell(f) + 1)) == NULL) {
		printf("Bail out! %s\n", path);
		exit(1);
	}
	*len = (size_t)ftell(f);
	rewind(f);
	*len = fread(p, 1, *len, f);
	p[*len] = '\0';
	fclose(f);
	return p;
}

/* The whole file; freed by free_capture. */
__attribute__((unused))
static struct capture
read_capture(const char *path)
{
	struct capture	c = { 0 };
	size_t		at, i;

	c.bytes = read_file(path, &c.len);
	c.packets = calloc(c.len / 32 + 1, sizeof(*c.packets));
	if (c.len < 88)
		c.wrong = "no headers";
	for (i = at = 0; at < c.len && c.wrong == NULL; i++) {
		c.wrong = read_block(&c, c.bytes + at, c.len - at, i);
		at += c.len - at < 8 ? 0 : le32(c.bytes + at + 4);
	}
	return c;
}

__attribute__((unused))
static void
free_capture(struct capture *c)
{
	free(c->bytes);
	free(c->packets);
}

#endif
