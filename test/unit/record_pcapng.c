/* record: what --capture keeps is TCP, to the last bit of a checksum. */

#include <time.h>

#include <tcpkit/addr.h>

#include "record.h"
#include "record_follow.h"
#include "record_read.h"

static const struct msg	errors = { .tool = "test" };

static struct tcpk_addr
addr(const char *text, uint16_t port)
{
	struct tcpk_addr	a = { 0 };

	if ((text[0] == '/' ? tcpk_addr_unix(&a, text, NULL) :
	    tcpk_addr_parse(&a, text, port, NULL)) == -1)
		ok(0, "%s is an address", text);
	return a;
}

static struct record *
opened(void)
{
	struct tcpk_err	err;
	struct record	*r = record_open(NULL, "capture", &errors, &err);

	if (r == NULL) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
	return r;
}

static void
is_good(const struct capture *c, const struct talk *t, const char *what)
{
	ok(c->wrong == NULL && t->wrong == NULL, "%s: it is TCP", what);
	if (c->wrong != NULL || t->wrong != NULL)
		note("%s; %s", c->wrong == NULL ? "" : c->wrong,
		    t->wrong == NULL ? "" : t->wrong);
}

static bool
holds(const struct talk *t, int direction, const void *data, size_t n)
{
	return t->n[direction] == n &&
	    memcmp(t->data[direction], data, n) == 0;
}

static uint64_t
realtime(void)
{
	struct timespec	ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void
test_ipv4(void)
{
	struct tcpk_addr	local = addr("192.0.2.1", 40000);
	struct tcpk_addr	peer = addr("::ffff:198.51.100.2", 443);
	struct record		*r = opened();
	uint64_t		 since = realtime(), until;
	struct record_conn	*c = record_begin(r, 7, &local, &peer, 0,
				    NULL);
	struct capture		 cap;
	struct talk		 t;
	size_t			 i;
	int			 bad = 0;

	record_bytes(c, RECORD_OUT, "question", 8);
	record_bytes(c, RECORD_IN, "odd", 3);
	record_bytes(c, RECORD_OUT, "", 0);
	record_bytes(c, RECORD_IN, "answer", 6);
	record_bytes(c, RECORD_IN, "", 0);
	record_end(c, 0);
	ok(record_close(r, NULL) == 0, "it is complete");
	until = realtime();
	cap = read_capture("capture");
	t = follow(&cap, 7);
	is_good(&cap, &t, "IPv4");
	ok(holds(&t, 0, "question", 8) && holds(&t, 1, "oddanswer", 9),
	    "what was sent and received is in it");
	ok(t.first.direction == 2 && !t.first.ipv6 &&
	    memcmp(t.first.from, &local.u.in.sin_addr, 4) == 0 &&
	    memcmp(t.first.to, &peer.u.in.sin_addr, 4) == 0 &&
	    t.first.from_port == 40000 && t.first.to_port == 443,
	    "the ends are the real ones, and we began");
	ok(strcmp(t.first.comment, "connection 7") == 0,
	    "the comment is its number");
	for (i = 0; i < cap.npackets; i++)
		if (cap.packets[i].ns < since || cap.packets[i].ns > until ||
		    (i > 0 && cap.packets[i].ns < cap.packets[i - 1].ns))
			bad++;
	ok(bad == 0, "the times are the real ones");
	ok(t.fin[0] && t.fin[1] && !t.rst && t.npackets == cap.npackets,
	    "both ends end it");
	free_talk(&t);
	free_capture(&cap);
}

static void
test_ipv6(void)
{
	struct tcpk_addr	local = addr("2001:db8::1", 443);
	struct tcpk_addr	peer = addr("2001:db8::2", 50000);
	struct record		*r = opened();
	struct record_conn	*c = record_begin(r, 1, &local, &peer, 1,
				    NULL);
	struct capture		 cap;
	struct talk		 t;

	record_bytes(c, RECORD_IN, "GET", 3);
	record_bytes(c, RECORD_IN, "", 0);
	record_bytes(c, RECORD_IN, "late", 4);
	record_bytes(c, RECORD_IN, "", 0);
	record_bytes(c, RECORD_OUT, "answer", 6);
	record_end(c, 0);
	record_close(r, NULL);
	cap = read_capture("capture");
	t = follow(&cap, 1);
	is_good(&cap, &t, "IPv6");
	ok(t.first.direction == 1 && t.first.ipv6 &&
	    memcmp(t.first.from, &peer.u.in6.sin6_addr, 16) == 0 &&
	    memcmp(t.first.to, &local.u.in6.sin6_addr, 16) == 0 &&
	    t.first.from_port == 50000 && t.first.to_port == 443,
	    "the ends are the real ones, and the peer began");
	ok(holds(&t, 0, "answer", 6) && holds(&t, 1, "GET", 3),
	    "after its end nothing comes any more");
	ok(t.fin[0] && t.fin[1],
	    "what was not half-closed is closed with the connection");
	free_talk(&t);
	free_capture(&cap);
}

/* One connection of these ends; its comment and family. */
static void
check_ends(const struct tcpk_addr *local, const struct tcpk_addr *peer,
    int peer_began, unsigned conn, bool ipv6, const char *comment)
{
	struct record		*r = opened();
	struct record_conn	*c = record_begin(r, conn, local, peer,
				    peer_began, NULL);
	struct capture		 cap;
	struct talk		 t;

	record_bytes(c, RECORD_OUT, "ping", 4);
	record_bytes(c, RECORD_IN, "pong", 4);
	record_end(c, 0);
	record_close(r, NULL);
	cap = read_capture("capture");
	t = follow(&cap, conn);
	is_good(&cap, &t, "such ends");
	ok(strcmp(t.first.comment, comment) == 0, "the comment says: %s",
	    t.first.comment);
	ok(t.first.ipv6 == ipv6 && t.first.direction == 2 - peer_began &&
	    holds(&t, 0, "ping", 4) && holds(&t, 1, "pong", 4),
	    "the rest is as always");
	free_talk(&t);
	free_capture(&cap);
}

static void
test_made_up(void)
{
	struct tcpk_addr	none = { .len = 0 };
	struct tcpk_addr	un = addr("/run/a b\n", 0), client = { 0 };
	struct tcpk_addr	ip4 = addr("127.0.0.1", 1027);
	struct tcpk_addr	ip6 = addr("::1", 80);

	client.len = sizeof(sa_family_t);
	client.u.un.sun_family = AF_UNIX;
	check_ends(&client, &un, 0, 3, false, "connection 3; local "
	    "(port 1027) is unix:; peer (port 4) is unix:/run/a b\\x0a");
	check_ends(&un, &client, 1, 64515, false, "connection 64515; local "
	    "(port 4) is unix:/run/a b\\x0a; peer (port 1027) is unix:");
	check_ends(&none, &none, 0, 1, false, "connection 1; local "
	    "(port 1025) is no socket; peer (port 4) is no socket");
	check_ends(NULL, NULL, 1, 1, false, "connection 1; local "
	    "(port 4) is no socket; peer (port 1025) is no socket");
	check_ends(&none, &ip6, 0, 2, true,
	    "connection 2; local (port 1026) is no socket");
	check_ends(&none, &ip4, 0, 3, false,
	    "connection 3; local (port 1026) is no socket");
	check_ends(&ip6, &ip4, 1, 5, true, "connection 5");
	check_ends(&ip4, &ip6, 0, 5, true, "connection 5");
}

static unsigned char *
noise(size_t n)
{
	unsigned char	*p = malloc(n);
	uint32_t	 x = 12345;
	size_t		 i;

	for (i = 0; p != NULL && i < n; i++) {
		x = x * 1664525 + 1013904223;
		p[i] = (unsigned char)(x >> 24);
	}
	return p;
}

#define MUCH	(5 * 1024 * 1024 + 1)

/* The number of a connection whose sequence numbers are about to wrap. */
static unsigned
about_to_wrap(int direction)
{
	struct record	*r = opened();
	struct capture	 cap;
	unsigned	 i, found = 0;
	size_t		 k;

	for (i = 1; i <= 3000; i++)
		record_end(record_begin(r, i, NULL, NULL, direction, NULL),
		    1);
	record_close(r, NULL);
	cap = read_capture("capture");
	for (i = 0, k = 0; k < cap.npackets; k++)
		if (cap.packets[k].flags == SYN && (++i, true) &&
		    cap.packets[k].seq > UINT32_MAX - 4 * 1024 * 1024)
			found = i;
	ok(cap.wrong == NULL && i == 3000 && found != 0,
	    "connection %u begins near the last sequence number", found);
	free_capture(&cap);
	return found;
}

static void
test_wrap(int direction)
{
	unsigned		 conn = about_to_wrap(direction);
	unsigned char		*data = noise(MUCH);
	struct record		*r = opened();
	struct record_conn	*c = record_begin(r, conn, NULL, NULL,
				    direction, NULL);
	struct capture		 cap;
	struct talk		 t;

	record_bytes(c, direction, data, MUCH);
	record_bytes(c, !direction, "thanks", 6);
	record_end(c, 0);
	record_close(r, NULL);
	cap = read_capture("capture");
	t = follow(&cap, conn);
	is_good(&cap, &t, "numbers that wrap, and a large piece");
	ok(t.next[direction] < t.first.seq, "they have wrapped");
	ok(holds(&t, direction, data, MUCH), "it is all there");
	ok(t.pure >= MUCH / 262144 && t.most <= 262144,
	    "it is acknowledged on the way");
	free_talk(&t);
	free_capture(&cap);
	free(data);
}

static void
check_order(int first, int cut)
{
	struct record		*r = opened();
	struct record_conn	*c = record_begin(r, 9, NULL, NULL, 0, NULL);
	struct capture		 cap;
	struct talk		 t;
	size_t			 i, at = 0;

	record_bytes(c, RECORD_OUT, "a", 1);
	if (first >= 0) {
		record_bytes(c, first, NULL, 0);
		record_bytes(c, !first, "b", 1);
		record_bytes(c, !first, NULL, 0);
	}
	record_end(c, cut);
	record_close(r, NULL);
	cap = read_capture("capture");
	t = follow(&cap, 9);
	is_good(&cap, &t, first < 0 ? "no half-close" :
	    first == RECORD_OUT ? "ours first" : "the peer's first");
	for (i = 0; i < cap.npackets && at == 0; i++)
		if (cap.packets[i].flags & FIN)
			at = i;
	ok(t.rst == cut && (cut ? cap.packets[cap.npackets - 1].direction ==
	    1 : t.fin[0] && t.fin[1]), cut ? "the peer resets it" :
	    "it ends well");
	ok(first < 0 ? cut || at != 0 :
	    cap.packets[at].direction == (first == RECORD_OUT ? 2 : 1),
	    "FIN is where it was");
	free_talk(&t);
	free_capture(&cap);
}

#define CONNS	40

static void
test_interleaved(void)
{
	unsigned char		*data = noise(CONNS * 2000);
	struct record		*r = opened();
	struct record_conn	*c[CONNS];
	struct capture		 cap;
	struct talk		 t;
	size_t			 at, n;
	int			 i, d, bad = 0;

	for (i = 0; i < CONNS; i++)
		c[i] = record_begin(r, (uint64_t)i + 1, NULL, NULL, i % 2,
		    NULL);
	for (at = 0; at < 1000; at += n) {
		n = 1 + at % 97 < 1000 - at ? 1 + at % 97 : 1000 - at;
		for (i = 0; i < CONNS; i++)
			for (d = 0; d < 2; d++)
				record_bytes(c[i], d, data + i * 2000 +
				    d * 1000 + at, n);
	}
	for (i = 0; i < CONNS; i++)
		record_end(c[i], i % 3 == 0);
	record_close(r, NULL);
	cap = read_capture("capture");
	for (i = 0; i < CONNS; i++) {
		t = follow(&cap, (unsigned)i + 1);
		if (t.wrong != NULL || t.rst != (i % 3 == 0))
			bad++;
		for (d = 0; d < 2; d++)
			bad += !holds(&t, d, data + i * 2000 + d * 1000,
			    1000);
		free_talk(&t);
	}
	ok(cap.wrong == NULL && bad == 0, "%d connections in turn", CONNS);
	free_capture(&cap);
	free(data);
}

/* A reader must not take the second for repeats of the first. */
static void
test_again(void)
{
	struct tcpk_addr	a = addr("192.0.2.1", 1), b = a;
	struct record		*r = opened();
	struct capture		 cap;

	tcpk_addr_set_port(&b, 2);
	record_end(record_begin(r, 1, &a, &b, 0, NULL), 1);
	record_end(record_begin(r, 2, &a, &b, 0, NULL), 1);
	record_close(r, NULL);
	cap = read_capture("capture");
	ok(cap.wrong == NULL && cap.npackets == 8 &&
	    cap.packets[0].seq != cap.packets[4].seq &&
	    cap.packets[1].seq != cap.packets[5].seq,
	    "the same ends begin elsewhere the next time");
	free_capture(&cap);
}

int
main(void)
{
	int	i;

	make_dir();
	test_ipv4();
	test_ipv6();
	test_made_up();
	test_wrap(RECORD_OUT);
	test_wrap(RECORD_IN);
	for (i = 0; i < 6; i++)
		check_order(i / 2 - 1, i % 2);
	test_interleaved();
	test_again();
	return done_testing();
}
