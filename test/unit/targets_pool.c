/* targets_pool: connections that are open before they are needed. */

#include "targets_help.h"

static struct server	a;

static struct tcpk_err	err;

/* A set of this one target, with options added. */
static void
pool_of(const char *options)
{
	char	place[300];

	snprintf(place, sizeof(place), "%s,%s", a.place, options);
	if (!set_new(BALANCE_ROUNDROBIN, &err, place, NULL)) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
}

static size_t
all_read(void)
{
	size_t	sum = 0;
	int	i;

	for (i = 0; i < CLIENTS_MOST; i++)
		sum += a.read[i];
	return sum;
}

/* Does what is written to it arrive? */
static bool
is_live(struct want *w)
{
	uint64_t	end = tcpk_now() + LONG;
	size_t		before = all_read();

	if (w->stream == NULL || tcpk_stream_write(w->stream, "x", 1) != 1)
		return false;
	while (all_read() == before && tcpk_now() < end)
		turn_for(loop, 5 * TCPK_MS);
	return all_read() == before + 1;
}

static void
hang_up_all(void *arg)
{
	int	i;

	(void)arg;
	for (i = 0; i < a.clients; i++)
		if (a.streams[i] != NULL)
			hang_up(&a, i);
}

static void
test_filled(const char *listen)
{
	struct tcpk_timer hang_up_now;
	struct want	  w;
	int		  before, n, ended, i;

	server_start(&a, listen);
	before = count_fds();
	pool_of("pool=3");
	ok(wait_for(loop, &a.clients, 3), "%s: three in advance", listen);
	turn_for(loop, 50 * TCPK_MS);
	ok(a.clients == 3, "and no more");
	ok(get_one(&w) == 0 && w.pooled && is_live(&w),
	    "a client gets one of them");
	ok(wait_for(loop, &a.clients, 4), "another takes its place");
	turn_for(loop, 50 * TCPK_MS);
	ok(a.clients == 4 && a.left == 0, "one");
	want_end(&w);
	/* In the same turn, when nothing can have noticed. */
	tcpk_timer_init(&hang_up_now, loop, hang_up_all, NULL);
	tcpk_timer_set(&hang_up_now, 1);
	ok(get_one(&w) == 0 && is_live(&w), "the target ends all: a client "
	    "still gets one that lives");
	want_end(&w);
	ok(wait_for(loop, &a.clients, 7), "and there are new ones");
	turn_for(loop, 20 * TCPK_MS);
	ok(ntold == 0, "nothing of it is said");
	n = a.left;
	targets_stop(set.ts);
	wait_for(loop, &a.left, n + 3);
	turn_for(loop, 20 * TCPK_MS);
	for (i = 0, ended = 0; i < a.clients; i++)
		ended += a.broken[i];
	ok(a.left == a.clients && ended == 0, "stopped, all are ended well");
	ok(get_one(&w) == 0 && !w.pooled, "and the next is connected to");
	want_end(&w);
	set_end();
	ok(all_closed(before), "nothing is left open");
	server_stop(&a);
}

static void
test_banner(const char *listen)
{
	struct want	w;
	int		i;

	a.banner = "220 hello\r\n";
	server_start(&a, listen);
	pool_of("pool=2");
	wait_for(loop, &a.clients, 2);
	turn_for(loop, 50 * TCPK_MS);
	for (i = 0; i < 4; i++) {
		ok(get_one(&w) == 0 && w.pooled && w.nfirst == 11 &&
		    memcmp(w.first, a.banner, 11) == 0 && is_live(&w),
		    "%s: client %d gets what was said", listen, i + 1);
		want_end(&w);
		turn_for(loop, 50 * TCPK_MS);
	}
	ok(set.counters[0].bytes_in == 44, "it is counted");
	/* One that speaks and ends is over all the same. */
	hang_up_all(NULL);
	a.banner = NULL;
	ok(get_one(&w) == 0 && w.nfirst == 0 && is_live(&w),
	    "one that has ended is not given out for its banner");
	want_end(&w);
	set_end();
	server_stop(&a);
}

static char	flood[100001];

/* More than is kept: the rest waits where it is. */
static void
test_flood(void)
{
	struct want	w;
	char		buf[4096];
	uint64_t	end = tcpk_now() + LONG;
	size_t		n;
	ssize_t		got;
	int		turns, wrong = 0;

	for (n = 0; n < sizeof(flood) - 1; n++)
		flood[n] = (char)('a' + n % 23);
	a.banner = flood;
	server_start(&a, "127.0.0.1:0");
	pool_of("pool=1");
	wait_for(loop, &a.clients, 1);
	turn_for(loop, 100 * TCPK_MS);
	turns = turn_for(loop, 100 * TCPK_MS);
	ok(turns < 5, "a flood: it waits without spinning (%d)", turns);
	get_one(&w);
	ok(w.pooled && w.nfirst == 16384,
	    "some of it is there (%d)", (int)w.nfirst);
	n = w.nfirst;
	while (tcpk_now() < end && n < sizeof(flood) - 1) {
		got = tcpk_stream_read(w.stream, buf, sizeof(buf));
		if (got == TCPK_AGAIN)
			turn_for(loop, 5 * TCPK_MS);
		else if (got <= 0)
			break;
		else
			wrong += memcmp(buf, flood + n, (size_t)got) != 0;
		n += got > 0 ? (size_t)got : 0;
	}
	/* What of it the server could not write at once it has dropped. */
	ok(n > 16384 && wrong == 0, "and the rest follows it (%d)", (int)n);
	want_end(&w);
	set_end();
	server_stop(&a);
	a.banner = NULL;
}

/* A target that turns all away is not flooded with new ones. */
static void
test_turned_away(void)
{
	uint64_t	start = tcpk_now();

	a.closes = true;
	server_start(&a, "127.0.0.1:0");
	pool_of("pool=4");
	/* After 0.1 s, 0.2 s and 0.4 s, less a quarter at most. */
	ok(wait_for(loop, &a.clients, 16) &&
	    tcpk_now() - start >= 500 * TCPK_MS,
	    "ended at once: more and more slowly");
	ok(set.counters[0].up == 1, "it is up: one can connect to it");
	set_end();
	server_stop(&a);
	a.closes = false;
}

/* The pool itself finds out that a target is down, and back. */
static void
test_back(void)
{
	struct want	w;
	int		i;

	server_start(&a, "127.0.0.1:0");
	server_stop(&a);
	pool_of("pool=2");
	for (i = 0; set.counters[0].up != 0 && i < 1000; i++)
		turn_for(loop, 5 * TCPK_MS);
	ok(said("target-down", MSG_WARNING) == 1 &&
	    said("connect-failed", MSG_WARNING) == 0, "down is said once");
	server_again(&a);
	ok(wait_for(loop, &a.clients, 2), "it comes back: filled");
	turn_for(loop, 20 * TCPK_MS);
	ok(said("target-up", MSG_NOTICE) == 1 && set.counters[0].up == 1 &&
	    said("target-down", MSG_WARNING) == 1, "and up is said");
	ok(get_one(&w) == 0 && w.pooled, "a client gets one");
	want_end(&w);
	set_end();
	server_stop(&a);
}

static void
test_check_and_pool(void)
{
	struct want	w;
	int		i;

	server_start(&a, "127.0.0.1:0");
	server_stop(&a);
	pool_of("pool=2,check=30ms");
	for (i = 0; set.counters[0].up != 0 && i < 1000; i++)
		turn_for(loop, 5 * TCPK_MS);
	server_again(&a);
	/* The check that found it, and those. */
	ok(wait_for(loop, &a.clients, 3), "a check brings it back: filled");
	turn_for(loop, 20 * TCPK_MS);
	ok(get_one(&w) == 0 && w.pooled, "a client gets one");
	want_end(&w);
	set_end();
	server_stop(&a);
}

/* Ended while all of it is under way. */
static void
test_cancel(void)
{
	struct want	w;
	int		before;

	server_start(&a, "127.0.0.1:0");
	before = count_fds();
	pool_of("pool=40");
	set_end();
	turn_for(loop, 20 * TCPK_MS);
	ok(all_closed(before), "freed while connecting");
	pool_of("pool=20");
	wait_for(loop, &a.clients, 10);
	want_start(&w, "192.0.2.1");
	targets_get_cancel(w.get);
	turn_for(loop, 20 * TCPK_MS);
	ok(w.done == 0, "a client that left takes none");
	set_end();
	ok(all_closed(before), "nothing is left open");
	server_stop(&a);
}

int
main(void)
{
	int	before;

	signal(SIGPIPE, SIG_IGN);
	loop = tcpk_loop_new(getenv("TCPKIT_LOOP"), NULL);
	before = count_fds();
	test_filled("127.0.0.1:0");
	test_banner("127.0.0.1:0");
	if (tcpk_tls_built()) {
		test_filled("tls://127.0.0.1:0,self-signed");
		test_banner("tls://127.0.0.1:0,self-signed");
	}
	test_flood();
	test_turned_away();
	test_back();
	test_check_and_pool();
	test_cancel();
	ok(all_closed(before), "nothing is left open");
	ok(leftover == 0, "every client was counted off");
	tcpk_loop_free(loop);
	return done_testing();
}
