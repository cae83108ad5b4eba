/*
 * A record as pcapng (draft-ietf-opsawg-pcapng): IP packets without a link
 * layer, times in nanoseconds, in little-endian whatever the machine.
 *
 * The payload is not copied: blocks are gathered as pieces for writev(2).
 */
#include <string.h>

#include "record_impl.h"

#define LINKTYPE_RAW	101

/* What an ACK may be late by: far from the window, no limit to a reader. */
#define ACK_EVERY	(4 * RECORD_SEGMENT)

/* POSIX grants 16 pieces: two each of a segment, and the last block's end. */
#define SEGMENTS	7
#define PIECES		(2 * SEGMENTS + 1)

#define BLOCK		(28 + RECORD_HEADERS + 4 + 16 + 4)
#define SMALL		((SEGMENTS + 1) * BLOCK + RECORD_COMMENT + 16)

struct gather {
	struct record	*record;
	const struct timespec *now;
	struct iovec	 iov[PIECES];
	int		 niov;
	unsigned char	 small[SMALL];	/* all but the payload */
	size_t		 n, used;	/* in it, and of that in iov */
};

struct segment {
	int		 direction;
	unsigned	 flags;
	const void	*data;
	size_t		 n;
	const char	*comment;
};

static void
put16(struct gather *g, unsigned v)
{
	g->small[g->n++] = (unsigned char)v;
	g->small[g->n++] = (unsigned char)(v >> 8);
}

static void
put32(struct gather *g, uint32_t v)
{
	put16(g, v & 0xffff);
	put16(g, v >> 16);
}

static void
put_text(struct gather *g, const char *text, size_t n)
{
	memcpy(g->small + g->n, text, n);
	g->n += n;
}

/* Up to the next multiple of 4. */
static void
pad(struct gather *g, size_t n)
{
	for (; n % 4 != 0; n++)
		g->small[g->n++] = 0;
}

static size_t
padded(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

static void
option(struct gather *g, unsigned code, const char *text)
{
	size_t	n = strlen(text);

	put16(g, code);
	put16(g, (unsigned)n);
	put_text(g, text, n);
	pad(g, n);
}

static void
add_piece(struct gather *g, const void *data, size_t n)
{
	if (n == 0)
		return;
	g->iov[g->niov].iov_base = (void *)data;
	g->iov[g->niov++].iov_len = n;
}

static void
end_piece(struct gather *g)
{
	add_piece(g, g->small + g->used, g->n - g->used);
	g->used = g->n;
}

static void
flush(struct gather *g)
{
	end_piece(g);
	record_write(g->record, &g->record->pcap, g->iov, g->niov);
	g->niov = 0;
	g->n = g->used = 0;
}

static void
start(struct gather *g, struct record *r, const struct timespec *now)
{
	g->record = r;
	g->now = now;
	g->niov = 0;
	g->n = g->used = 0;
}

/* Enhanced Packet Block. */
static void
add_segment(struct gather *g, struct record_conn *c, const struct segment *s)
{
	uint64_t	 ns = (uint64_t)g->now->tv_sec * 1000000000 +
	    (uint64_t)g->now->tv_nsec;
	unsigned char	 headers[RECORD_HEADERS];
	size_t		 len, total;

	len = record_headers(c, s->direction, s->flags, s->data, s->n,
	    headers);
	total = 32 + padded(len + s->n) + 12 +
	    (s->comment == NULL ? 0 : 4 + padded(strlen(s->comment)));
	put32(g, 6);
	put32(g, (uint32_t)total);
	put32(g, 0);
	put32(g, (uint32_t)(ns >> 32));
	put32(g, (uint32_t)ns);
	put32(g, (uint32_t)(len + s->n));
	put32(g, (uint32_t)(len + s->n));
	put_text(g, (const char *)headers, len);
	if (s->n > 0) {
		end_piece(g);
		add_piece(g, s->data, s->n);
	}
	pad(g, len + s->n);
	put32(g, 4 << 16 | 2);		/* epb_flags: the direction */
	put32(g, s->direction == RECORD_OUT ? 2 : 1);
	if (s->comment != NULL)
		option(g, 1, s->comment);
	put32(g, 0);
	put32(g, (uint32_t)total);
	c->half[s->direction].seq += (uint32_t)s->n +
	    ((s->flags & (RECORD_SYN | RECORD_FIN)) != 0);
	if (s->flags & RECORD_ACK)
		c->half[!s->direction].acked = c->half[!s->direction].seq;
}

/* A segment without data. */
static void
add_flags(struct gather *g, struct record_conn *c, int direction,
    unsigned flags, const char *comment)
{
	struct segment	s = {
		.direction = direction, .flags = flags, .comment = comment
	};

	add_segment(g, c, &s);
}

void
record_pcap_init(struct record *r)
{
	struct gather	g;

	start(&g, r, NULL);
	put32(&g, 0x0a0d0d0a);		/* Section Header Block */
	put32(&g, 44);
	put32(&g, 0x1a2b3c4d);
	put16(&g, 1);			/* version 1.0 */
	put16(&g, 0);
	put32(&g, UINT32_MAX);		/* of unknown length */
	put32(&g, UINT32_MAX);
	option(&g, 4, "tcpkit");	/* shb_userappl */
	put32(&g, 0);
	put32(&g, 44);
	put32(&g, 1);			/* Interface Description Block */
	put32(&g, 44);
	put32(&g, LINKTYPE_RAW);
	put32(&g, 65535);
	option(&g, 2, "tcpkit");	/* if_name */
	option(&g, 9, "\t");		/* if_tsresol: 10 to the minus 9 */
	put32(&g, 0);
	put32(&g, 44);
	flush(&g);
}

void
record_pcap_begin(struct record_conn *c, const struct timespec *now,
    const struct tcpk_addr *local, const struct tcpk_addr *peer)
{
	struct gather	g;
	char		comment[RECORD_COMMENT];

	record_ends(c, local, peer, comment);
	start(&g, c->record, now);
	add_flags(&g, c, c->first, RECORD_SYN, comment);
	add_flags(&g, c, !c->first, RECORD_SYN | RECORD_ACK, NULL);
	add_flags(&g, c, c->first, RECORD_ACK, NULL);
	flush(&g);
}

void
record_pcap_bytes(struct record_conn *c, const struct timespec *now,
    int direction, const void *data, size_t n)
{
	struct record_half	*h = &c->half[direction];
	struct segment		 s = {
		.direction = direction, .flags = RECORD_ACK, .data = data
	};
	struct gather		 g;
	int			 i;

	while (n > 0) {
		start(&g, c->record, now);
		for (i = 0; i < SEGMENTS && n > 0; i++, n -= s.n) {
			s.n = n < RECORD_SEGMENT ? n : RECORD_SEGMENT;
			add_segment(&g, c, &s);
			s.data = (const char *)s.data + s.n;
		}
		if (h->seq - h->acked >= ACK_EVERY)
			add_flags(&g, c, !direction, RECORD_ACK, NULL);
		flush(&g);
	}
}

void
record_pcap_half(struct record_conn *c, const struct timespec *now,
    int direction)
{
	struct gather	g;

	start(&g, c->record, now);
	add_flags(&g, c, direction, RECORD_FIN | RECORD_ACK, NULL);
	add_flags(&g, c, !direction, RECORD_ACK, NULL);
	flush(&g);
}

/* Who cut it is not known here; mostly it is the peer. */
void
record_pcap_end(struct record_conn *c, const struct timespec *now, bool cut)
{
	struct gather	g;
	int		i;

	if (cut) {
		start(&g, c->record, now);
		add_flags(&g, c, RECORD_IN, RECORD_RST | RECORD_ACK, NULL);
		flush(&g);
		return;
	}
	for (i = 0; i < 2; i++)
		if (!c->half[i].ended)
			record_pcap_half(c, now, i);
}
