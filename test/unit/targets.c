/* targets: clients get one that works, whatever the others do. */

#include <sys/resource.h>

#include <netinet/in.h>

#include "targets_help.h"

static struct server	a, b;

static void
test_turns(void)
{
	struct tcpk_err	err;
	struct want	w[3];
	char		text[4] = "";
	int		i, before;

	server_start(&a, "127.0.0.1:0");
	server_start(&b, "127.0.0.1:0");
	before = count_fds();
	set_new(BALANCE_ROUNDROBIN, &err, a.place, b.place, NULL);
	for (i = 0; i < 3; i++)
		text[i] = (char)('0' + get_one(&w[i]));
	ok(strcmp(text, "010") == 0, "in turns: %s", text);
	ok(set.counters[0].now == 2 && set.counters[1].now == 1 &&
	    set.counters[0].total == 2 && set.counters[0].up == 1,
	    "they are counted");
	target_left(w[0].target, 7, 11);
	tcpk_stream_free(w[0].stream);
	want_end(&w[1]);
	ok(set.counters[0].now == 1 && set.counters[0].bytes_out == 7 &&
	    set.counters[0].bytes_in == 11, "and when they leave");
	want_end(&w[2]);
	ok(all_closed(before), "nothing is left open");
	ok(ntold == 0, "and there is nothing to say");
	set_end();

	set_new(BALANCE_LEASTCONN, &err, a.place, b.place, NULL);
	get_one(&w[0]);
	get_one(&w[1]);
	want_end(&w[1]);
	ok(w[0].which == 0 && w[1].which == 1 && go_and_leave() == 1 &&
	    go_and_leave() == 1, "least: who has none");
	want_end(&w[0]);
	set_end();
	set_new(BALANCE_SOURCE, &err, a.place, b.place, NULL);
	i = go_and_leave();
	ok(go_and_leave() == i && go_and_leave() == i, "by source: sticks");
	set_end();
	server_stop(&a);
	server_stop(&b);
}

/* Clients, until one gets this target. */
static bool
until(int which)
{
	uint64_t	end = tcpk_now() + LONG;

	while (tcpk_now() < end) {
		if (go_and_leave() == which)
			return true;
		turn_for(loop, 20 * TCPK_MS);
	}
	return false;
}

static void
test_refused(void)
{
	struct tcpk_err	err;
	uint64_t	start;
	struct want	w;

	server_start(&a, "127.0.0.1:0");
	server_start(&b, "127.0.0.1:0");
	set_new(BALANCE_FAILOVER, &err, a.place, b.place, NULL);
	ok(go_and_leave() == 0, "failover: the first");
	server_stop(&a);
	start = tcpk_now();
	ok(go_and_leave() == 1, "which is gone: the next");
	ok(said("connect-failed", MSG_WARNING) == 1 &&
	    said("target-down", MSG_WARNING) == 1 && ntold == 2 &&
	    strcmp(told[0].target, a.place) == 0 &&
	    strcmp(told[1].target, a.place) == 0, "and that is said");
	ok(set.counters[0].up == 0 && set.counters[0].failed == 1 &&
	    set.counters[1].up == 1, "and known");
	go_and_leave();
	go_and_leave();
	ok(set.counters[0].failed == 1 ||
	    tcpk_now() - start > 350 * TCPK_MS, "others do not try it");
	server_again(&a);
	ok(until(0), "it comes back, and is taken again");
	ok(said("target-up", MSG_NOTICE) == 1 && set.counters[0].up == 1 &&
	    tcpk_now() - start > 350 * TCPK_MS, "not before its time");
	ok(go_and_leave() == 0, "and is the first again");
	server_stop(&a);
	server_stop(&b);
	get_one(&w);
	ok(w.which >= 0 && w.stream == NULL && w.err.kind == TCPK_ECONNECT,
	    "nobody is there: %s", w.err.text);
	ok(get_one(&w) == -1 && set.counters[0].now == 0 &&
	    set.counters[0].failed >= 3 && set.counters[1].failed == 2,
	    "all set aside: they are tried all the same");
	ok(said("target-down", MSG_WARNING) == 3, "each is said once");
	set_end();
}

/* Listens, but nobody will ever answer. */
static struct {
	int	l, c[4];
	char	place[100];
} hole;

static void
hole_open(void)
{
	struct tcpk_addr	addr;
	int			i;

	tcpk_addr_parse(&addr, "127.0.0.1", 0, NULL);
	hole.l = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(hole.l, &addr.u.sa, addr.len) == -1 ||
	    listen(hole.l, 0) == -1)
		abort();
	tcpk_addr_local(&addr, hole.l);
	for (i = 0; i < 4; i++) {
		hole.c[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(hole.c[i], &addr.u.sa, addr.len) == -1 &&
		    errno != EINPROGRESS)
			note("fill: %s", strerror(errno));
	}
	snprintf(hole.place, sizeof(hole.place),
	    "127.0.0.1:%u,connect-timeout=500ms", tcpk_addr_port(&addr));
	turn_for(loop, 50 * TCPK_MS);
}

static void
hole_close(void)
{
	int	i;

	for (i = 0; i < 4; i++)
		close(hole.c[i]);
	close(hole.l);
}

static void
test_hole(void)
{
	struct tcpk_err	err;
	struct want	w[2];
	uint64_t	start;

	hole_open();
	server_start(&a, "127.0.0.1:0");
	set_new(BALANCE_FAILOVER, &err, hole.place, a.place, NULL);
	start = tcpk_now();
	ok(go_and_leave() == 1 && tcpk_now() - start >= 500 * TCPK_MS &&
	    tcpk_now() - start < 10 * TCPK_SECOND,
	    "one that does not answer costs its connect-timeout");
	start = tcpk_now();
	ok(go_and_leave() == 1 && (tcpk_now() - start < 450 * TCPK_MS ||
	    set.counters[0].failed == 2), "the next client does not wait");
	ok(told[0].level == MSG_WARNING && strstr(told[0].text,
	    "timed out") != NULL, "which is said: %s", told[0].text);
	/* When its time has come, it costs one of them at a time. */
	turn_for(loop, 550 * TCPK_MS);
	want_start(&w[0], "192.0.2.1");
	want_start(&w[1], "192.0.2.2");
	wait_for(loop, &w[1].done, 1);
	ok(w[0].done == 0 && w[1].which == 1, "one tries it, and no other");
	wait_for(loop, &w[0].done, 1);
	ok(w[0].which == 1, "and is served by the next");
	want_end(&w[0]);
	want_end(&w[1]);
	set_end();
	server_stop(&a);
	hole_close();
}

static void
test_cancel(void)
{
	struct tcpk_err	err;
	struct want	w;
	int		before;

	hole_open();
	server_start(&a, "127.0.0.1:0");
	before = count_fds();
	set_new(BALANCE_FAILOVER, &err, hole.place, a.place, NULL);
	want_start(&w, "192.0.2.1");
	targets_get_cancel(w.get);
	turn_for(loop, 20 * TCPK_MS);
	ok(w.done == 0 && count_fds() == before, "cancelled at once");
	want_start(&w, "192.0.2.1");
	turn_for(loop, 20 * TCPK_MS);
	ok(w.done == 0 && count_fds() > before, "one waits");
	targets_get_cancel(w.get);
	ok(count_fds() == before && set.counters[0].failed == 0,
	    "cancelled, it is closed");
	/* As one who tries what is set aside. */
	ok(go_and_leave() == 1, "set aside");
	turn_for(loop, 550 * TCPK_MS);
	want_start(&w, "192.0.2.1");
	turn_for(loop, 20 * TCPK_MS);
	ok(w.done == 0, "one tries it again");
	targets_get_cancel(w.get);
	want_start(&w, "192.0.2.1");
	turn_for(loop, 20 * TCPK_MS);
	ok(w.done == 0, "is cancelled, and so another may");
	targets_get_cancel(w.get);
	targets_get_cancel(NULL);
	set_end();
	server_stop(&a);
	hole_close();
}

/* A check costs no client anything, and brings the target back. */
static void
test_check(void)
{
	struct tcpk_err	err;
	char		place[300];
	int		n, i;

	a.banner = "220 hello\r\n";
	server_start(&a, "127.0.0.1:0");
	server_start(&b, "127.0.0.1:0");
	snprintf(place, sizeof(place), "%s,check=30ms", a.place);
	set_new(BALANCE_FAILOVER, &err, place, b.place, NULL);
	ok(wait_for(loop, &a.left, 3), "checked, and again");
	for (i = 0, n = 0; i < 3; i++)
		n += a.ended[i] && !a.broken[i] && a.read[i] == 0;
	ok(n == 3 && b.clients == 0, "each ends well, greeted as it was");
	ok(ntold == 0, "and nothing is said");
	server_stop(&a);
	for (i = 0; set.counters[0].up != 0 && i < 1000; i++)
		turn_for(loop, 10 * TCPK_MS);
	ok(said("target-down", MSG_WARNING) == 1 && set.counters[0].failed ==
	    0, "it fails: no client was needed to know");
	ok(go_and_leave() == 1 && set.counters[0].failed == 0,
	    "and none tries it");
	turn_for(loop, 200 * TCPK_MS);
	ok(said("target-down", MSG_WARNING) == 1 &&
	    said("connect-failed", MSG_WARNING) == 0, "it is said once");
	server_again(&a);
	for (i = 0; set.counters[0].up == 0 && i < 1000; i++)
		turn_for(loop, 10 * TCPK_MS);
	ok(said("target-up", MSG_NOTICE) == 1 && go_and_leave() == 0,
	    "it is back, and first again");
	targets_stop(set.ts);
	turn_for(loop, 20 * TCPK_MS);
	n = a.clients;
	turn_for(loop, 100 * TCPK_MS);
	ok(a.clients == n, "stopped, nobody is checked");
	ok(go_and_leave() == 0, "but clients still get there");
	set_end();
	server_stop(&a);
	server_stop(&b);
	a.banner = NULL;
}

/* One that never ends its side is left after a while, not asked twice. */
static void
test_check_mute(void)
{
	struct tcpk_err	err;
	char		place[300];
	int		before;

	hole_open();
	before = count_fds();
	/* The first of its backlog is connected, by the kernel alone. */
	close(hole.c[0]);
	snprintf(place, sizeof(place), "%s,check=100ms", hole.place);
	set_new(BALANCE_ROUNDROBIN, &err, place, NULL);
	turn_for(loop, 500 * TCPK_MS);
	ok(count_fds() <= before + 1, "one connection at a time");
	set_end();
	ok(count_fds() == before - 1, "none is left");
	hole.c[0] = dup(hole.l);
	hole_close();
}

/* Our own want is not the target's fault. */
static void
test_no_descriptors(void)
{
	struct tcpk_err	err;
	struct rlimit	was, few;
	struct want	w;

	server_start(&a, "127.0.0.1:0");
	set_new(BALANCE_ROUNDROBIN, &err, a.place, NULL);
	getrlimit(RLIMIT_NOFILE, &was);
	few = was;
	few.rlim_cur = 3;
	setrlimit(RLIMIT_NOFILE, &few);
	ok(get_one(&w) == -1, "no descriptors");
	ok(w.err.kind == TCPK_EIO,
	    "which is said as such: %s", w.err.text);
	setrlimit(RLIMIT_NOFILE, &was);
	ok(set.counters[0].up == 1 && said("target-down", MSG_DEBUG) == 0,
	    "the target is not set aside for that");
	ok(go_and_leave() == 0, "and serves the next");
	set_end();
	server_stop(&a);
}

int
main(void)
{
	int	before;

	signal(SIGPIPE, SIG_IGN);
	loop = tcpk_loop_new(getenv("TCPKIT_LOOP"), NULL);
	before = count_fds();
	test_turns();
	test_refused();
	test_hole();
	test_cancel();
	test_check();
	test_check_mute();
	test_no_descriptors();
	ok(all_closed(before), "nothing is left open");
	ok(leftover == 0, "every client was counted off");
	tcpk_loop_free(loop);
	return done_testing();
}
