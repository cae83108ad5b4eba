/*
 * record_follow: a connection of a capture, checked as it goes along, and its
 * bytes put together.
 */
#ifndef RECORD_FOLLOW_H
#define RECORD_FOLLOW_H

#include "record_read.h"

/* A connection as it is in a capture; index 0 is what was sent. */
struct talk {
	struct packet	 first;
	unsigned char	*data[2];
	size_t		 n[2], npackets, pure;
	uint32_t	 next[2], acked[2], most;
	bool		 fin[2], rst;
	const char	*wrong;
};

static bool
same_ends(const struct packet *a, const struct packet *b)
{
	return a->ipv6 == b->ipv6 && a->from_port == b->from_port &&
	    a->to_port == b->to_port && memcmp(a->from, b->from, 16) == 0 &&
	    memcmp(a->to, b->to, 16) == 0;
}

/* The same connection, the other way? */
static bool
turned(const struct packet *a, const struct packet *b)
{
	struct packet	t = *b;

	memcpy(t.from, b->to, 16);
	memcpy(t.to, b->from, 16);
	t.from_port = b->to_port;
	t.to_port = b->from_port;
	return same_ends(a, &t);
}

static const char *
check_handshake(struct talk *t, const struct packet *p, int d)
{
	static const unsigned	flags[3] = { SYN, SYN | ACK, ACK };

	if (p->flags != flags[t->npackets] || p->n != 0)
		return "handshake";
	if ((d == t->first.direction - 1) != (t->npackets == 1))
		return "direction of the handshake";
	if (p->flags & SYN) {
		if (p->mss != 32768 || p->shift != 14)
			return "options of the handshake";
		t->next[d] = p->seq;
	}
	return NULL;
}

static const char *
check_packet(struct talk *t, const struct packet *p)
{
	int		d = p->direction == 1;
	const char	*wrong;

	if (t->rst)
		return "something after a reset";
	if (t->npackets < 3 && (wrong = check_handshake(t, p, d)) != NULL)
		return wrong;
	if (p->seq != t->next[d])
		return "sequence number";
	if (p->flags & ~(unsigned)(SYN | FIN | RST | ACK))
		return "flags";
	if (p->ack != (p->flags & ACK ? t->next[!d] : 0))
		return "acknowledgement";
	if (t->fin[d] && (p->n > 0 || p->flags & FIN))
		return "something after FIN";
	memcpy(t->data[d] + t->n[d], p->data, p->n);
	t->n[d] += p->n;
	t->next[d] += (uint32_t)p->n + ((p->flags & (SYN | FIN)) != 0);
	t->acked[!d] = t->next[!d];
	if (t->next[d] - t->acked[d] > t->most && t->npackets > 2)
		t->most = t->next[d] - t->acked[d];
	t->fin[d] |= (p->flags & FIN) != 0;
	t->rst = (p->flags & RST) != 0;
	t->pure += t->npackets > 2 && p->n == 0 && p->flags == ACK;
	t->npackets++;
	return NULL;
}

/* The connection of this number; the comment begins with that. */
static struct talk
follow(const struct capture *c, unsigned conn)
{
	struct talk	t = { .wrong = "not there" };
	char		name[64];
	size_t		i, n = (size_t)snprintf(name, sizeof(name),
			    "connection %u", conn);
	const struct packet *p;

	t.data[0] = malloc(c->len);
	t.data[1] = malloc(c->len);
	for (i = 0; i < c->npackets; i++) {
		p = &c->packets[i];
		if (t.npackets == 0 && strncmp(p->comment, name, n) == 0 &&
		    strchr(";", p->comment[n]) != NULL) {
			t.first = *p;
			t.wrong = NULL;
		} else if (t.npackets > 0 && p->comment[0] != '\0' &&
		    same_ends(&t.first, p))
			break;
		if (t.wrong != NULL || (!same_ends(&t.first, p) &&
		    !turned(&t.first, p)))
			continue;
		if (same_ends(&t.first, p) !=
		    (p->direction == t.first.direction))
			t.wrong = "direction of a packet";
		else
			t.wrong = check_packet(&t, p);
	}
	return t;
}

static void
free_talk(struct talk *t)
{
	free(t->data[0]);
	free(t->data[1]);
}

#endif
