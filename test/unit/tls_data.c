/* tls: what is written at one end is read at the other, and how it ends. */

#include <signal.h>

#include "tls_ends.h"
#include "tcpkit/pump.h"

static struct tcpk_tls_config	*server, *client;
static struct end		 c, s;

/* A new connection, its handshake done (and mostly resumed). */
static void
meet(int fd, int peer)
{
	end_start(&c, client, fd);
	end_start(&s, server, peer);
	if (!turn_until(&c.done, &s.done, NULL) || c.stream == NULL ||
	    s.stream == NULL) {
		printf("Bail out! %s; %s\n", c.err.text, s.err.text);
		exit(1);
	}
	c.seed = 1;
	s.seed = 1;
}

static void
meet_pair(void)
{
	int	peer, fd = make_pair(&peer);

	meet(fd, peer);
}

static void
meet_tcp(void)
{
	int	peer, fd = make_tcp(&peer);

	meet(fd, peer);
}

static void
part(void)
{
	end_free(&c);
	end_free(&s);
}

/* Both to their ends, with all that was sent. */
static bool
all_well(void)
{
	bool	fine = turn_until(&c.ended, &s.ended, NULL) &&
		    c.ended == 1 && s.ended == 1 && !c.wrong && !s.wrong &&
		    c.got == s.total && s.got == c.total && c.finished &&
		    s.finished && !c.broken && !s.broken;

	if (!fine)
		note("client got %llu of %llu, end %d, \"%s\"; server %llu "
		    "of %llu, end %d, \"%s\"; wrong %d %d",
		    (unsigned long long)c.got, (unsigned long long)s.total,
		    c.ended, tcpk_stream_err(c.stream)->text,
		    (unsigned long long)s.got, (unsigned long long)c.total,
		    s.ended, tcpk_stream_err(s.stream)->text, c.wrong,
		    s.wrong);
	return fine;
}

/* Acknowledged, after a while; 0, or -1 and it never will be. */
static int
drained(struct end *e)
{
	uint64_t	left, end = tcpk_now() + LONG;
	int		r;

	while ((r = tcpk_stream_drained(e->stream, &left)) == TCPK_AGAIN &&
	    tcpk_now() < end)
		turn_for(loop, 2 * TCPK_MS);
	return r;
}

static void
test_sizes(void)
{
	static const size_t	reads[] = { 1, 100, 16383, 16384, 16385, 32768,
	    40000, TCPK_SCRATCH };
	static const size_t	sizes[] = { 0, 1, 2, 100, 16383, 16384, 16385,
	    32768, 49153, 262143, 262144, 262145, 1000000, 3000001 };
	size_t			i, j, k;
	bool			fine;

	for (i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
		fine = true;
		for (j = 0; j < sizeof(sizes) / sizeof(sizes[0]); j++) {
			if (sizes[j] / reads[i] > 50000)
				continue;
			for (k = 0; k < 3; k++) {	/* one way, or both */
				meet_pair();
				c.at_a_time = s.at_a_time = reads[i];
				end_move(&c, k != 1 ? sizes[j] : 0, true);
				end_move(&s, k != 0 ? sizes[j] : 0, true);
				fine = all_well() && fine;
				part();
			}
		}
		ok(fine, "reads of %zu bytes", reads[i]);
	}
}

static void
test_pieces(void)
{
	static const size_t	pieces[] = { 1, 7, 1000, 16383, 16385,
	    100000 };
	size_t			i;
	bool			fine = true;

	for (i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		meet_pair();
		c.piece = pieces[i];
		s.piece = 3 * pieces[i] + 1;
		end_move(&c, pieces[i] * 200, true);
		end_move(&s, pieces[i] * 100, true);
		fine = all_well() && fine;
		part();
	}
	ok(fine, "written in pieces of any size");
	meet_tcp();
	c.at_a_time = 50000;
	s.at_a_time = 1000;
	end_move(&c, 5000000, true);
	end_move(&s, 9000000, true);
	ok(all_well(), "megabytes both ways at once over TCP");
	part();
}

/*
 * One read takes as much as can be told to find room, whatever the records
 * are: none stays behind that nobody would be told of.
 */
static void
test_window(void)
{
	static const size_t	tails[][5] = {
		{ 1, 1, 1, 1, 1 }, { 19, 2, 1 }, { 100, 16384 }, { 16384, 19 },
		{ 32768, 1 }
	};
	size_t			i, j;
	bool			fine = true;
	int			k;

	for (i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		meet_pair();
		s.at_a_time = 32768;
		c.total = 32768;
		end_write(&c);
		for (j = 0; j < 5 && tails[i][j] != 0; j++) {
			c.total += tails[i][j];
			end_write(&c);
		}
		end_move(&s, 0, false);
		for (k = 0; k < 1000 && s.got < c.total && !s.ended; k++)
			tcpk_loop_turn(loop, TCPK_MS, NULL);
		fine = fine && c.put == c.total && s.got == c.total &&
		    !s.wrong && s.ended == 0;
		part();
	}
	ok(fine, "two full records, and small ones behind them");
}

/*
 * Connections of one loop share its buffers: none finds another's bytes
 * there, however they take turns, in both directions, with short writes.
 */
static void
test_many(void)
{
	enum { N = 8 };
	static struct end	a[N], b[N];
	int			peer, fd, i, small = 20000;
	bool			fine = true, over = false;
	uint64_t		until = tcpk_now() + LONG;

	for (i = 0; i < N; i++) {
		fd = make_tcp(&peer);
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
		setsockopt(peer, SOL_SOCKET, SO_RCVBUF, &small,
		    sizeof(small));
		end_start(&a[i], client, fd);
		end_start(&b[i], server, peer);
		if (!turn_until(&a[i].done, &b[i].done, NULL) ||
		    a[i].stream == NULL || b[i].stream == NULL) {
			printf("Bail out! %s\n", a[i].err.text);
			exit(1);
		}
		a[i].seed = b[i].seed = (unsigned char)(i * 31);
		a[i].at_a_time = i % 2 == 0 ? TCPK_SCRATCH :
		    5000u * (unsigned)i;
		b[i].at_a_time = i % 3 == 0 ? 1000 : 16384u + (unsigned)i;
		b[i].piece = 30000u * (unsigned)(i + 1);
	}
	for (i = 0; i < N; i++) {
		end_move(&a[i], 700000, true);
		end_move(&b[i], 600000, true);
	}
	while (!over && tcpk_now() < until) {
		tcpk_loop_turn(loop, TCPK_MS, NULL);
		over = true;
		for (i = 0; i < N; i++)
			over = over && a[i].ended != 0 && b[i].ended != 0;
	}
	for (i = 0; i < N; i++) {
		fine = fine && a[i].ended == 1 && b[i].ended == 1 &&
		    !a[i].wrong && !b[i].wrong && a[i].got == 600000 &&
		    b[i].got == 700000;
		end_free(&a[i]);
		end_free(&b[i]);
	}
	ok(fine, "%d connections, both ways, at the same time", N);
}

/* --- readiness ------------------------------------------------------------ */

static void
test_held(void)
{
	unsigned char	buf[400];
	char		byte;
	int		fd, wfd, calls, i;

	meet_pair();
	end_move(&c, 10000, false);
	while (c.put < c.total)
		tcpk_loop_turn(loop, TCPK_MS, NULL);
	ok(tcpk_stream_read(s.stream, buf, 400) == 400, "read a part");
	ok(tcpk_stream_fds(((struct tcpk__tls *)s.stream)->inner, &fd, &wfd) &&
	    recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == -1 &&
	    errno == EAGAIN, "the socket has no more");
	ok(turn_for(loop, 20 * TCPK_MS) < 10 && s.calls == 0,
	    "nobody is called who wants nothing");
	s.got = 400;
	s.at_a_time = 100;
	end_move(&s, 0, false);
	for (i = 0; i < 1000 && s.got < 10000; i++)
		tcpk_loop_turn(loop, TCPK_MS, NULL);
	ok(s.got == 10000 && !s.wrong, "the rest comes by itself");
	calls = s.calls;
	ok(turn_for(loop, 30 * TCPK_MS) < 10 && s.calls == calls,
	    "and then there is silence");
	end_move(&c, 5000, false);
	s.at_a_time = 1;
	while (s.got == 10000)
		tcpk_loop_turn(loop, TCPK_MS, NULL);
	s.paused = true;
	end_want(&s);
	calls = s.calls;
	ok(turn_for(loop, 30 * TCPK_MS) < 10 && s.calls == calls,
	    "paused in the middle");
	tcpk_stream_want(s.stream, TCPK_HUP);
	turn_for(loop, 5 * TCPK_MS);
	ok(s.calls == calls, "nor for a hang-up that is none");
	s.paused = false;
	s.at_a_time = 1000;
	end_want(&s);
	for (i = 0; i < 1000 && s.got < 15000; i++)
		tcpk_loop_turn(loop, TCPK_MS, NULL);
	ok(s.got == 15000 && !s.wrong, "and on");
	part();
}

/* Write until it takes no more. */
static uint64_t
fill(struct end *e)
{
	uint64_t	before = e->put;

	e->piece = 100000;
	e->total = UINT64_MAX;
	do
		before = e->put, end_write(e);
	while (e->put > before);
	return e->put;
}

/* Nobody asks about what was taken: it arrives all the same. */
static void
test_unattended(void)
{
	uint64_t	n;
	int		how;

	for (how = 0; how < 2; how++) {
		meet_pair();
		n = fill(&c);
		if (how == 1)
			tcpk_stream_want(c.stream, 0);
		end_move(&s, 0, false);
		s.calls = 0;
		turn_for(loop, 20 * TCPK_MS);
		ok(s.got == n && !s.wrong, "%s, and what was taken arrives",
		    how == 0 ? "nothing is asked" : "nothing is wanted");
		part();
	}
}

static void
test_full(void)
{
	uint64_t	left = 0, before, n;
	bool		falls = true;
	int		i;

	meet_pair();
	n = fill(&c);
	ok(n > 0 && !c.broken && tcpk_stream_write(c.stream, "x", 1) ==
	    TCPK_AGAIN, "full after %llu bytes", (unsigned long long)n);
	i = tcpk_stream_drained(c.stream, &left);
	ok(i == TCPK_AGAIN && left > 0, "and not drained: %llu",
	    (unsigned long long)left);
	ok(tcpk_stream_finish(c.stream) == TCPK_AGAIN,
	    "finish has to wait");
	tcpk_stream_on_ready(c.stream, end_ready, &c);
	tcpk_stream_want(c.stream, 0);
	end_move(&s, 0, true);
	s.at_a_time = 5000;
	for (i = 0; i < 100000 && s.got < n; i++) {
		tcpk_loop_turn(loop, TCPK_MS, NULL);
		before = left;
		if (tcpk_stream_drained(c.stream, &left) == 0)
			left = 0;
		falls = falls && left <= before;
	}
	ok(s.got == n && !s.wrong && s.ended == 0,
	    "what was taken arrives, though its owner wants nothing");
	ok(falls && left == 0, "and what is under way falls");
	ok(tcpk_stream_finish(c.stream) == 0, "finish again");
	ok(tcpk_stream_finish(c.stream) == 0, "and again");
	turn_until(&s.ended, &s.ended, NULL);
	ok(s.ended == 1 && s.got == n, "the end arrives once, behind it all");
	part();

	meet_tcp();
	c.total = 0;
	n = fill(&c);
	tcpk_stream_on_ready(c.stream, end_ready, &c);
	c.total = n;
	c.finish = true;
	end_want(&c);
	end_move(&s, 0, true);
	ok(all_well() && drained(&c) == 0,
	    "the same over TCP, where it is drained when acknowledged");
	part();
}

/* n bytes for the place that a stream lends; what room said, or commit. */
static int
lay(struct end *e, size_t n, size_t *room)
{
	unsigned char	*p;
	void		*place;
	size_t		 i;
	int		 r = tcpk_stream_room(e->stream, &place, room);

	if (r != 1)
		return r;
	p = place;
	n = n < *room ? n : *room;
	for (i = 0; i < n; i++)
		p[i] = byte_at(e->seed, e->put + i);
	if (tcpk_stream_commit(e->stream, n) == -1)
		return -1;
	e->put += n;
	return 1;
}

static void
test_room(void)
{
	static const size_t	sizes[] = { 1, 511, 512, 513, 8191, 8192,
	    16383, 16384, 16385, 200000, 262143, 262144, 262145 };
	struct tcpk__tls	*t;
	size_t			 i, most, room, sum;
	bool			 fine, sizes_fit = true;
	uint64_t		 end, busy;

	for (most = 512; most <= 16384; most += 16384 - 512) {
		fine = true;
		for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			meet_tcp();
			t = (struct tcpk__tls *)c.stream;
			t->max_plain = (uint16_t)most;
			end_move(&s, 0, false);
			end = tcpk_now() + LONG;
			for (sum = 0; sum < 3 && tcpk_now() < end;
			    tcpk_loop_turn(loop, TCPK_MS, NULL))
				sum += lay(&c, sizes[i], &room) == 1;
			sizes_fit = sizes_fit && room == 16 * most;
			while (s.got < c.put && tcpk_now() < end)
				tcpk_loop_turn(loop, TCPK_MS, NULL);
			fine = fine && s.got == c.put && !s.wrong &&
			    c.put == 3 * (sizes[i] < room ? sizes[i] : room) &&
			    t->buf == NULL;
			part();
		}
		ok(fine, "laid where it is sealed, in records of %zu", most);
	}
	ok(sizes_fit, "there is room for sixteen of them");

	meet_pair();
	t = (struct tcpk__tls *)c.stream;
	ok(lay(&c, 0, &room) == 1 && t->buf == NULL, "a place that is not "
	    "needed is given back");
	end_move(&s, 0, false);
	turn_for(loop, 5 * TCPK_MS);
	ok(s.calls == 0, "and nothing is sent");
	s.paused = true;
	end_want(&s);
	while (lay(&c, 100000, &room) == 1)
		;
	ok(lay(&c, 1, &room) == TCPK_AGAIN && t->len > t->off,
	    "full after %llu bytes", (unsigned long long)c.put);
	busy = tcpk_stream_holds(c.stream);
	s.paused = false;
	end_want(&s);
	end = tcpk_now() + LONG;
	while (s.got < c.put && tcpk_now() < end)
		tcpk_loop_turn(loop, TCPK_MS, NULL);
	ok(s.got == c.put && !s.wrong && t->buf == NULL,
	    "that arrive by themselves");
	ok(busy != 0 && tcpk_stream_holds(c.stream) > busy,
	    "which is not idleness");
	part();

	meet_tcp();
	tcpk_stream_reset(s.stream);
	end_free(&s);
	turn_for(loop, 5 * TCPK_MS);
	ok(lay(&c, 1000, &room) == -1 && lay(&c, 0, &room) == -1 &&
	    tcpk_stream_err(c.stream)->kind == TCPK_ECUT,
	    "for a peer that is gone: %s", tcpk_stream_err(c.stream)->text);
	part();
}

/* --- ends ----------------------------------------------------------------- */

static void
half_close(struct end *first, struct end *then, const char *who)
{
	meet_pair();
	end_move(first, 1000, true);
	end_move(then, 0, false);
	turn_until(&then->ended, &then->ended, NULL);
	ok(then->ended == 1 && then->got == 1000 && first->finished &&
	    first->ended == 0, "%s ends first", who);
	turn_for(loop, 10 * TCPK_MS);
	ok(first->ended == 0, "which does not end the other direction");
	end_move(then, 4000000, true);
	ok(all_well(), "that delivers megabytes still");
	ok(drained(first) == 0 && drained(then) == 0, "both drained");
	part();
}

static void
test_half_close(void)
{
	int	tcp;

	half_close(&c, &s, "the client");
	half_close(&s, &c, "the server");
	meet_pair();
	end_move(&c, 0, true);
	end_move(&s, 0, true);
	ok(all_well(), "both at once");
	part();
	/* A peer that has said all need not wait for our close_notify. */
	for (tcp = 0; tcp < 2; tcp++) {
		if (tcp)
			meet_tcp();
		else
			meet_pair();
		end_move(&c, 5000, true);
		while (!c.finished)
			tcpk_loop_turn(loop, TCPK_MS, NULL);
		end_free(&c);
		end_move(&s, 0, false);
		turn_until(&s.ended, &s.ended, NULL);
		ok(s.ended == 1 && s.got == 5000 &&
		    tcpk_stream_finish(s.stream) == 0,
		    "a peer that ended and closed (%s)", tcp ? "TCP" : "unix");
		turn_for(loop, 10 * TCPK_MS);
		ok(drained(&s) == 0,
		    "misses nothing but our close_notify");
		part();
	}
}

/* Data for a peer that has closed is lost, and that is said. */
static void
test_lost(void)
{
	ssize_t		put;
	int		tcp, r;

	for (tcp = 0; tcp < 2; tcp++) {
		if (tcp)
			meet_tcp();
		else
			meet_pair();
		tcpk_stream_finish(c.stream);
		end_free(&c);
		end_move(&s, 0, false);
		turn_until(&s.ended, &s.ended, NULL);
		put = tcpk_stream_write(s.stream, "0123456789", 10);
		turn_for(loop, 10 * TCPK_MS);
		r = tcpk_stream_finish(s.stream);
		turn_for(loop, 10 * TCPK_MS);
		if (r == 0)
			r = drained(&s);
		ok((put == -1 || r == -1) &&
		    tcpk_stream_err(s.stream)->kind == TCPK_ECUT,
		    "bytes for a peer that has closed (%s): %s",
		    tcp ? "TCP" : "unix", tcpk_stream_err(s.stream)->text);
		part();
	}
}

/* The client is gone without a word when so many bytes of it came. */
static int
truncated(struct tcpk_tls_config *at, uint64_t behind)
{
	int	fd[2];

	wire_open(&fd[0], &fd[1]);
	end_start(&c, client, fd[0]);
	end_start(&s, at, fd[1]);
	turn_until(&c.done, &s.done, wire_turn);
	wire.limit[0] = wire.carried[0] + behind;
	end_move(&s, 0, false);
	end_move(&c, 40000, true);
	turn_until(&s.ended, &s.ended, wire_turn);
	part();
	wire_close();
	return s.ended;
}

static void
test_truncation(void)
{
	struct tcpk_tls_config	*lax;

	/* 13 bytes before each record's data, 16 behind. */
	lax = server_config("self-signed,allow-truncation");
	ok(truncated(server, 0) == 2, "cut at once");
	ok(truncated(server, 16384 + 29) == 2 && s.got == 16384 && !s.wrong,
	    "cut between records: what came is delivered first");
	ok(truncated(server, 16384 + 29 + 500) == 2 && s.got == 16384,
	    "cut inside a record");
	ok(truncated(server, 40000 + 3 * 29) == 2 && s.got == 40000,
	    "cut before close_notify");
	ok(truncated(server, 40000 + 3 * 29 + 31) == 1 && s.got == 40000,
	    "not cut");
	tcpk_tls_config_free(client);
	client = client_config(lax, "");
	ok(truncated(lax, 0) == 1 && s.got == 0, "allow-truncation");
	ok(truncated(lax, 40000 + 3 * 29) == 1 && s.got == 40000,
	    "allow-truncation between records");
	ok(truncated(lax, 40000 + 3 * 29 + 1) == 2 && s.got == 40000,
	    "but not inside one");
	tcpk_tls_config_free(client);
	client = client_config(server, "");
	tcpk_tls_config_free(lax);
	meet_pair();
	tcpk_stream_free(c.stream);
	c.stream = NULL;
	end_move(&s, 0, false);
	turn_until(&s.ended, &s.ended, NULL);
	ok(s.ended == 2 && tcpk_stream_err(s.stream)->kind == TCPK_ECUT &&
	    strstr(tcpk_stream_err(s.stream)->text, "close_notify") != NULL,
	    "%s", tcpk_stream_err(s.stream)->text);
	part();
	meet_tcp();
	end_move(&s, 0, false);
	tcpk_stream_reset(c.stream);
	tcpk_stream_free(c.stream);
	c.stream = NULL;
	turn_until(&s.ended, &s.ended, NULL);
	ok(s.ended == 2 && tcpk_stream_err(s.stream)->kind == TCPK_ECUT &&
	    tcpk_stream_err(s.stream)->code == ECONNRESET, "%s",
	    tcpk_stream_err(s.stream)->text);
	part();
}

static void
on_hup(void *arg, unsigned ready)
{
	*(unsigned *)arg |= ready;
}

/* Seen by one that neither reads nor writes. */
static void
test_hang_up(void)
{
	unsigned	ready = 0;
	int		i;

	meet_tcp();
	tcpk_stream_on_ready(s.stream, on_hup, &ready);
	tcpk_stream_want(s.stream, TCPK_HUP);
	ok(turn_for(loop, 10 * TCPK_MS) < 10 && ready == 0, "no hang-up");
	tcpk_stream_reset(c.stream);
	tcpk_stream_free(c.stream);
	c.stream = NULL;
	for (i = 0; i < 1000 && ready == 0; i++)
		tcpk_loop_turn(loop, TCPK_MS, NULL);
	ok(ready == TCPK_HUP && tcpk_stream_hup(s.stream) == -1 &&
	    tcpk_stream_err(s.stream)->kind == TCPK_ECUT, "a hang-up: %s",
	    tcpk_stream_err(s.stream)->text);
	part();
}

/* Freed with something in every place where something can be. */
static void
test_free(void)
{
	unsigned char	buf[100];

	meet_pair();
	part();
	meet_pair();
	end_move(&c, 1000, false);
	turn_for(loop, 5 * TCPK_MS);
	part();			/* unread */
	meet_pair();
	end_move(&c, 1000, false);
	turn_for(loop, 5 * TCPK_MS);
	ok(tcpk_stream_read(s.stream, buf, 100) == 100, "freed: held");
	tcpk_stream_want(s.stream, TCPK_READ);
	part();			/* held, and its timer set */
	meet_pair();
	fill(&c);
	tcpk_stream_finish(c.stream);
	ok(tcpk_stream_read(s.stream, buf, 100) == 100, "freed: full");
	part();			/* sealed, unwritten */
	meet_pair();
	end_move(&c, 1000, true);
	end_move(&s, 1000, true);
	while (c.ended == 0)
		tcpk_loop_turn(loop, TCPK_MS, NULL);
	part();
	ok(1, "freed: ended");
}

/* --- pumps ---------------------------------------------------------------- */

struct pumped {
	int			 done;
	struct tcpk_pump_report	 report;
};

static void
on_pumped(void *arg, const struct tcpk_pump_report *r)
{
	struct pumped	*p = arg;

	p->done++;
	p->report = *r;
}

static void
test_pump(void)
{
	struct tcpk_pump_opts	opts;
	struct pumped		echo = { 0 }, relay = { 0 };
	struct end		far, near;
	int			fd, peer;

	tcpk_pump_defaults(&opts);
	meet_pair();
	tcpk_pump_start(loop, s.stream, s.stream, &opts, on_pumped, &echo,
	    NULL);
	s.stream = NULL;
	end_move(&c, 5000000, true);
	turn_until(&echo.done, &c.ended, NULL);
	ok(echo.done == 1 && echo.report.err.kind == TCPK_OK &&
	    echo.report.bytes[0] == 5000000 && c.ended == 1 &&
	    c.got == 5000000 && !c.wrong, "a pump that echoes: %s",
	    echo.report.err.text);
	part();

	/* Client, a relay with TLS on both sides, and an echo. */
	memset(&echo, 0, sizeof(echo));
	meet_pair();
	near = s;
	far = c;
	fd = make_tcp(&peer);
	meet(fd, peer);
	tcpk_pump_start(loop, near.stream, c.stream, &opts, on_pumped, &relay,
	    NULL);
	tcpk_pump_start(loop, s.stream, s.stream, &opts, on_pumped, &echo,
	    NULL);
	c = far;
	s.stream = NULL;
	end_move(&c, 3000000, true);
	turn_until(&echo.done, &relay.done, NULL);
	turn_until(&c.ended, &c.ended, NULL);
	ok(echo.report.err.kind == TCPK_OK &&
	    relay.report.err.kind == TCPK_OK &&
	    relay.report.bytes[0] == 3000000 &&
	    relay.report.bytes[1] == 3000000, "a relay: %s%s",
	    echo.report.err.text, relay.report.err.text);
	ok(c.ended == 1 && c.got == 3000000 && !c.wrong,
	    "all of it, and both ends");
	part();
}

int
main(void)
{
	int	before;

	alarm(120);
	signal(SIGPIPE, SIG_IGN);
	loop = tcpk_loop_new(NULL, NULL);
	before = count_fds();
	server = server_config("self-signed");
	client = client_config(server, "");
	test_sizes();
	test_pieces();
	test_window();
	test_many();
	test_held();
	test_unattended();
	test_full();
	test_room();
	test_half_close();
	test_lost();
	test_truncation();
	test_hang_up();
	test_free();
	test_pump();
	tcpk_tls_config_free(server);
	tcpk_tls_config_free(client);
	ok(count_fds() == before, "no descriptor is left");
	tcpk_loop_free(loop);
	return done_testing();
}
