/* senders: whoever sends datagrams, as one stream. */

#include "senders_help.h"

static bool
reads(const char *text)
{
	ssize_t	n = tcpk_stream_read(t.s, back, sizeof(back));

	back[n > 0 ? n : 0] = '\0';
	if (strcmp(back, text) != 0)
		note("read %zd: \"%s\"", n, back);
	return n == (ssize_t)strlen(text) && strcmp(back, text) == 0;
}

static bool
writes(const char *text)
{
	return tcpk_stream_write(t.s, text, strlen(text)) ==
	    (ssize_t)strlen(text);
}

static bool
await(unsigned want)
{
	t.calls = 0;
	t.ready = 0;
	tcpk_stream_want(t.s, want);
	wait_for(loop, &t.calls, 1);
	tcpk_stream_want(t.s, 0);
	return (t.ready & want) != 0 && (t.ready & ~want) == 0;
}

/* --- a stream ----------------------------------------------------------- */

static void
test_stream(void)
{
	struct tcpk_senders_opts opts = { .all = false };
	struct tcpk_addr	 a;
	uint64_t		 left = 1;
	char			 buf[4];
	int			 rfd, wfd;

	begin(&opts, NULL);
	ok(tcpk_stream_read(t.s, buf, 4) == TCPK_AGAIN,
	    "stream: nothing was heard");
	ok(say(0, "one") && say(1, "two") && say(0, "three") && t.new == 2,
	    "stream: three are told, of two");
	ok(await(TCPK_READ) && reads("one") && reads("two") && reads("three") &&
	    tcpk_stream_read(t.s, buf, 4) == TCPK_AGAIN,
	    "stream: a read is a datagram, in order");
	ok(say_n(0, "", 0) && t.new == 2 &&
	    tcpk_stream_read(t.s, buf, 4) == TCPK_AGAIN,
	    "stream: an empty one is nothing to read");
	ok(say(0, "abcdefg") && say(1, "next") &&
	    tcpk_stream_read(t.s, buf, 4) == 4 && memcmp(buf, "abcd", 4) == 0 &&
	    reads("efg") && reads("next"),
	    "stream: what there was no room for is read next, by itself");
	memset(big, 'x', sizeof(big));
	ok(say_n(0, big, sizeof(big)) &&
	    tcpk_stream_read(t.s, back, sizeof(back)) == sizeof(big) &&
	    memcmp(back, big, sizeof(big)) == 0, "stream: the largest");
	ok(!tcpk_stream_fds(t.s, &rfd, &wfd) && !tcpk_stream_lingers(t.s) &&
	    !tcpk_stream_couples(t.s) && tcpk_stream_hup(t.s) == TCPK_AGAIN &&
	    tcpk_stream_local(t.s, &a) == -1 && tcpk_stream_peer(t.s, &a) == -1,
	    "stream: no socket's, and nobody hangs up");
	ok(tcpk_stream_finish(t.s) == 0 &&
	    tcpk_stream_drained(t.s, &left) == 0 && left == 0 &&
	    say(1, "late") && reads("late"),
	    "stream: to finish tells nobody, and more may come");
	end();
}

static void
test_write(void)
{
	struct tcpk_senders_opts opts = { .all = false };

	begin(&opts, NULL);
	ok(tcpk_stream_write(t.s, "x", 1) == TCPK_AGAIN,
	    "write: not before somebody has sent");
	tcpk_stream_want(t.s, TCPK_WRITE);
	turn_for(loop, 20 * TCPK_MS);
	ok(t.calls == 0, "write: nor is it ready");
	ok(say_n(2, "", 0) && wait_for(loop, &t.calls, 1) &&
	    t.ready == TCPK_WRITE, "write: an empty datagram suffices");
	tcpk_stream_want(t.s, 0);
	ok(writes("a") && gets(2, "a") && say(1, "hi") && writes("b") &&
	    gets(1, "b") && gets(2, ""), "write: it goes to the last");
	ok(say(2, "again") && writes("c") && gets(2, "c") && gets(1, ""),
	    "write: who may be one from before");
	ok(tcpk_stream_write(t.s, back, sizeof(back)) == sizeof(big) &&
	    recv(t.fd[2], back, sizeof(back), MSG_DONTWAIT) == sizeof(big),
	    "write: the first 65,507 bytes of more");
	close(t.fd[2]);
	ok(writes("d") && writes("e") && say(0, "here") && writes("f") &&
	    gets(0, "f"), "write: one who has left hurts nobody");
	t.fd[2] = dup(t.fd[0]);
	end();
}

static void
test_wants(void)
{
	struct tcpk_senders_opts opts = { .all = false };
	int			 turns, i;

	begin(&opts, NULL);
	ok(say(0, "one"), "wants: something is there");
	turns = turn_for(loop, 50 * TCPK_MS);
	ok(t.calls == 0 && turns < 10, "wants: nothing, and nothing turns (%d)",
	    turns);
	tcpk_stream_want(t.s, TCPK_READ);
	for (i = 0; i < 3; i++) {
		t.calls = 0;
		wait_for(loop, &t.calls, 1);
	}
	ok(t.calls == 1 && t.ready == TCPK_READ,
	    "wants: told as long as it is there");
	ok(reads("one"), "wants: it is read");
	turn_for(loop, 10 * TCPK_MS);
	t.calls = 0;
	turns = turn_for(loop, 50 * TCPK_MS);
	ok(t.calls == 0 && turns < 10, "wants: not told of nothing (%d)", turns);
	tcpk_stream_want(t.s, TCPK_READ | TCPK_HUP);
	ok(say(1, "two") && wait_for(loop, &t.calls, 1) &&
	    t.ready == TCPK_READ, "wants: told of the next");
	tcpk_stream_want(t.s, TCPK_READ | TCPK_WRITE);
	/* It is armed now. */
	end();
	turns = turn_for(loop, 20 * TCPK_MS);
	ok(turns < 10, "wants: freed while it has something to tell");
}

/* --- who sends ---------------------------------------------------------- */

static void
test_all(void)
{
	struct tcpk_senders_opts opts = { .all = true };

	begin(&opts, NULL);
	ok(say(0, "a") && say(1, "b") && say(2, "c") && say(0, "d") &&
	    t.new == 3, "all: three of them");
	ok(writes("hello") && gets(0, "hello") && gets(1, "hello") &&
	    gets(2, "hello") && gets(0, "") && gets(3, ""),
	    "all: each gets it once, others nothing");
	ok(gets(1, "") && reads("a") && reads("b") && reads("c") && reads("d"),
	    "all: they do not hear each other");
	end();
}

static void
test_most(void)
{
	struct tcpk_senders_opts opts = { .all = true, .most = 2 };
	int			 i;

	begin(&opts, NULL);
	ok(say(0, "a") && say(1, "b") && say(0, "c") && say(2, "d") &&
	    t.new == 3 && writes("x") && gets(0, "x") && gets(2, "x") &&
	    gets(1, ""), "most: who sent longest ago is forgotten");
	ok(say(1, "e") && t.new == 4 && writes("y") && gets(1, "y") &&
	    gets(2, "y") && gets(0, ""), "most: and is new when it is back");
	end();
	opts.most = 1;
	opts.all = false;
	begin(&opts, NULL);
	for (i = 0; i < CLIENTS; i++)
		say(i, "a");
	ok(t.new == CLIENTS && writes("x") && gets(4, "x") && gets(3, ""),
	    "most: one alone");
	end();
	opts.most = 0;
	begin(&opts, NULL);
	for (i = 0; i < CLIENTS; i++)
		say(i, "a");
	/* The table has grown under who is the last. */
	ok(say(1, "b") && t.new == CLIENTS && writes("x") && gets(1, "x"),
	    "most: many as long as nothing is said");
	end();
}

/* More than are remembered when nothing is said about it. */
static void
test_many(void)
{
	struct tcpk_senders_opts opts = { .all = false };
	struct tcpk_addr	 a;
	int			 i, new = 0;

	begin(&opts, NULL);
	say(0, "first");
	for (i = 1; i < 3000; i++) {
		a = t.addr[0];
		a.u.in.sin_addr.s_addr = htonl(0x0a000000 + (uint32_t)i);
		new += tcpk_senders_heard(t.s, t.u, &a, "", 0);
	}
	ok(new == 2999 && !tcpk_senders_heard(t.s, t.u, &a, "", 0),
	    "many: each is new");
	a.u.in.sin_addr.s_addr = htonl(0x0a000000 + 3000 - 1024);
	ok(!tcpk_senders_heard(t.s, t.u, &a, "", 0),
	    "many: the last 1024 are known");
	a.u.in.sin_addr.s_addr = htonl(0x0a000000 + 3000 - 1025);
	ok(tcpk_senders_heard(t.s, t.u, &a, "", 0), "many: the others are not");
	end();
}

static void
test_greeting(void)
{
	char			 text[] = "welcome\n";
	struct tcpk_senders_opts opts = {
		.greeting = text, .ngreeting = strlen(text)
	};

	begin(&opts, NULL);
	memset(text, '#', sizeof(text));
	ok(say(0, "a") && gets(0, "welcome\n") && say(1, "b") &&
	    gets(1, "welcome\n"), "greeting: for each, a copy");
	ok(say(0, "c") && gets(0, "") && say(1, "d") && gets(1, ""),
	    "greeting: once");
	end();
}

static void
test_open(void)
{
	struct tcpk_senders_opts opts = { .all = true, .open = true };

	begin(&opts, NULL);
	ok(say(0, "a") && gets(0, "") && say(1, "b") && gets(0, "b") &&
	    gets(1, "") && say(2, "c") && gets(0, "c") && gets(1, "c") &&
	    gets(2, ""), "open: the others hear it, not who said it");
	ok(say_n(0, "", 0) && recv(t.fd[1], back, 1, MSG_DONTWAIT) == 0,
	    "open: an empty one is passed on");
	ok(reads("a") && reads("b") && reads("c") && writes("x") &&
	    gets(0, "x") && gets(1, "x"), "open: we hear it, and are heard");
	end();
}

/* It is answered from the address that it was sent to. */
static void
test_here(void)
{
	struct tcpk_senders_opts opts = { .all = true, .open = true };
	int			 fd;

	begin(&opts, "127.0.0.2");
	/* The others are known by another of our addresses. */
	fd = t.fd[1];
	t.fd[1] = client(tcpk_udp_addr(t.u));
	close(fd);
	ok(say(0, "a") && say(1, "b"), "here: two are heard");
	if (!t.knows_here)
		note("this system does not say where a datagram was sent to");
	ok(!t.knows_here || gets(0, "b"),
	    "here: others hear it from where they sent to");
	ok(!t.knows_here || (writes("x") && gets(0, "x") && gets(1, "x")),
	    "here: so it is when it is answered later");
	end();
}

/* --- lines -------------------------------------------------------------- */

static bool
reads_lines(int who, const char *a, const char *b)
{
	char	text[400];

	snprintf(text, sizeof(text), "%s%s", tagged(who, a),
	    b != NULL ? tagged(who, b) : "");
	return reads(text);
}

static void
test_lines(void)
{
	struct tcpk_senders_opts opts = { .lines = true };
	size_t			 n = 0, tag, i;
	ssize_t			 r;
	bool			 same = true;

	begin(&opts, NULL);
	ok(say(0, "one\n") && reads_lines(0, "one\n", NULL), "lines: one");
	ok(say(1, "one") && reads_lines(1, "one\n", NULL),
	    "lines: an end is put where there is none");
	ok(say(0, "a\nb\n") && reads_lines(0, "a\n", "b\n"), "lines: two");
	ok(say(0, "a\nb") && reads_lines(0, "a\n", "b\n"),
	    "lines: one and a half");
	ok(say(0, "\n") && reads_lines(0, "\n", NULL) && say(0, "\n\n") &&
	    reads_lines(0, "\n", "\n"), "lines: empty lines");
	ok(say(0, "a\r\nb\r\n") && reads_lines(0, "a\r\n", "b\r\n"),
	    "lines: a CR is the line's");
	ok(say_n(0, "", 0) && tcpk_stream_read(t.s, back, 1) == TCPK_AGAIN,
	    "lines: none in an empty datagram");
	ok(say(0, "x") && say(1, "y") && reads_lines(0, "x\n", NULL) &&
	    reads_lines(1, "y\n", NULL), "lines: of two who do not end theirs");

	/* With tags these are more than one read has room for. */
	memset(big, '\n', sizeof(big));
	ok(say_n(0, big, sizeof(big)), "lines: as many as there can be");
	tag = strlen(tagged(0, "\n"));
	while ((r = tcpk_stream_read(t.s, back, sizeof(back))) > 0)
		for (i = 0; i < (size_t)r; i++, n++)
			same &= back[i] == tagged(0, "\n")[n % tag];
	ok(r == TCPK_AGAIN && n == tag * sizeof(big) && same,
	    "lines: each has its tag, %zu bytes of %zu", n,
	    tag * sizeof(big));
	end();
}

/* --- not read ----------------------------------------------------------- */

static void
test_bound(void)
{
	struct tcpk_senders_opts opts = { .all = false };
	int			 i, told, sent = 0, size = 1000;
	int			 room = 4 * BOUND;
	ssize_t			 n;
	long			 sum = 0;
	unsigned		 next = 0;
	bool			 order = true;

	begin(&opts, NULL);
	setsockopt(tcpk_udp_fd(t.u), SOL_SOCKET, SO_RCVBUF, &room,
	    sizeof(room));
	for (i = 0; i < BOUND / size; i++) {
		memcpy(big, &next, sizeof(next));
		next++;
		say_n(0, big, (size_t)size);
		sent++;
	}
	told = t.told;
	ok(told == sent, "bound: %d datagrams are told", told);
	for (i = 0; i < 20; i++) {
		memcpy(big, &next, sizeof(next));
		next++;
		send(t.fd[0], big, (size_t)size, 0);
		sent++;
	}
	turn_for(loop, 50 * TCPK_MS);
	ok(t.told > told && t.told < sent && t.told <= BOUND / size + 1,
	    "bound: then the kernel keeps them (%d of %d are told)", t.told,
	    sent);
	i = turn_for(loop, 50 * TCPK_MS);
	ok(i < 10, "bound: and nothing turns (%d)", i);
	for (next = 0; sum < (long)sent * size; sum += n, next++) {
		n = tcpk_stream_read(t.s, back, sizeof(back));
		if (n == TCPK_AGAIN && await(TCPK_READ))
			n = tcpk_stream_read(t.s, back, sizeof(back));
		if (n <= 0)
			break;
		order &= memcmp(back, &next, sizeof(next)) == 0;
	}
	ok(sum == (long)sent * size && order && t.told == sent,
	    "bound: what was kept is told when there is room, in order");
	ok(say(0, "more") && reads("more"), "bound: and what comes then");
	end();
}

/* --- the end ------------------------------------------------------------ */

static void
test_end(void)
{
	struct tcpk_senders_opts opts = { .all = true };
	struct tcpk_stream	*s;
	char			 buf[4];

	begin(&opts, NULL);
	ok(say(0, "one") && say(1, "two"), "end: something is left");
	tcpk_senders_end(t.s);
	ok(say(2, "three") && t.new == 2, "end: no more is taken");
	ok(reads("one") && reads("two") && await(TCPK_READ) &&
	    tcpk_stream_read(t.s, buf, 4) == 0 &&
	    tcpk_stream_read(t.s, buf, 4) == 0,
	    "end: the rest is read, and then the end");
	/* The socket may be gone before the stream is. */
	s = t.s;
	t.s = NULL;
	tcpk_udp_free(t.u);
	t.u = NULL;
	ok(tcpk_stream_write(s, "x", 1) == TCPK_GONE,
	    "end: nothing is written to anybody");
	t.s = s;
	end();

	begin(&opts, NULL);
	tcpk_stream_want(t.s, TCPK_WRITE);
	tcpk_senders_end(t.s);
	ok(wait_for(loop, &t.calls, 1) && t.ready == TCPK_WRITE &&
	    tcpk_stream_write(t.s, "x", 1) == TCPK_GONE,
	    "end: who waits for the first sender is told");
	tcpk_stream_want(t.s, TCPK_READ);
	t.calls = 0;
	ok(wait_for(loop, &t.calls, 1) &&
	    tcpk_stream_read(t.s, buf, 4) == 0, "end: of nobody at all");
	end();
}

/* The kernel had more than was taken: that is nobody's after the end. */
static void
test_end_paused(void)
{
	struct tcpk_senders_opts opts = { .all = false };
	ssize_t			 n;
	long			 sum = 0;

	begin(&opts, NULL);
	while (sum < BOUND && say_n(0, big, sizeof(big)))
		sum += sizeof(big);
	tcpk_senders_end(t.s);
	tcpk_udp_free(t.u);
	t.u = NULL;
	while ((n = tcpk_stream_read(t.s, back, sizeof(back))) > 0)
		sum -= n;
	ok(n == 0 && sum == 0, "end: of a socket that was left alone");
	end();
}

int
main(void)
{
	struct tcpk_err	err;
	int		fds;

	loop = tcpk_loop_new(NULL, &err);
	if (loop == NULL)
		bail(err.text);
	fds = count_fds();
	test_stream();
	test_write();
	test_wants();
	test_all();
	test_most();
	test_many();
	test_greeting();
	test_open();
	test_here();
	test_lines();
	test_bound();
	test_end();
	test_end_paused();
	ok(count_fds() == fds, "no descriptor is left");
	tcpk_loop_free(loop);
	return done_testing();
}
