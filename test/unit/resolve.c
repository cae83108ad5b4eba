/* resolve: names to addresses, in a thread that may be left behind. */

#include <stdbool.h>

#include "help.h"
#include "tcpkit/resolve.h"

static struct tcpk_loop	*loop;
static int		 type = SOCK_STREAM;

static struct {
	int		 calls, n;
	bool		 starting, early, inside;
	struct tcpk_addr addrs[32];
	struct tcpk_err	 err;
} t;

static void
on_answer(void *arg, const struct tcpk_resolved *r)
{
	size_t	i;

	t.early |= t.starting || arg != &t;
	t.calls++;
	t.n = (int)r->n;
	t.err = r->err;
	for (i = 0; i < r->n && i < 32; i++)
		t.addrs[i] = r->addrs[i];
}

static struct tcpk_resolve *
begin(const char *host, const char *port, int family, bool numeric)
{
	struct tcpk_resolve	*r;

	memset(&t, 0, sizeof(t));
	t.starting = true;
	r = tcpk_resolve_start(loop, host, port, family, type, numeric,
	    on_answer, &t, NULL);
	t.starting = false;
	return r;
}

static void
run(const char *host, const char *port, int family, bool numeric)
{
	if (begin(host, port, family, numeric) == NULL)
		exit(1);
	wait_for(loop, &t.calls, 1);
	turn_for(loop, 5 * TCPK_MS);
}

/* One address, once, not before start returned. */
static bool
is(const char *want)
{
	char	text[TCPK_ADDR_TEXT];

	if (t.calls == 1 && !t.early && t.n >= 1 &&
	    strcmp(tcpk_addr_format(&t.addrs[0], text, sizeof(text)), want)
	    == 0)
		return true;
	note("calls %d n %d %s", t.calls, t.n, t.err.text);
	return false;
}

static bool
fails(enum tcpk_err_kind kind)
{
	return t.calls == 1 && !t.early && t.n == 0 &&
	    t.err.kind == (int)kind && t.err.text[0] != '\0';
}

static void
test_answers(void)
{
	run("127.0.0.1", "80", AF_INET, false);
	ok(is("127.0.0.1:80") && t.n == 1, "a numeric address");
	run("127.0.0.1", "80", AF_INET, true);
	ok(is("127.0.0.1:80"), "without name service");
	run("::1", "80", AF_INET6, true);
	ok(is("[::1]:80"), "IPv6");
	run("::ffff:10.0.0.1", "80", AF_INET6, true);
	ok(t.n == 0, "a mapped one is IPv4, not what was asked for");
	run("localhost", "80", AF_INET, false);
	ok(is("127.0.0.1:80"), "localhost");
	run("127.0.0.1", "http", AF_INET, false);
	if (t.calls == 1 && t.n == 0 && t.err.kind == TCPK_EUSAGE)
		ok(1, "service # SKIP this system does not know http");
	else
		ok(is("127.0.0.1:80"), "a service");
	type = SOCK_DGRAM;
	run("127.0.0.1", "tftp", AF_INET, false);
	type = SOCK_STREAM;
	if (t.calls == 1 && t.n == 0 && t.err.kind == TCPK_EUSAGE)
		ok(1, "service # SKIP this system does not know tftp");
	else
		ok(is("127.0.0.1:69"), "a service of UDP");
	run(NULL, "80", AF_INET, true);
	ok(is("0.0.0.0:80"), "the wildcard");
	run(NULL, "0", AF_INET6, true);
	ok(is("[::]:0"), "the wildcard of IPv6");
}

static void
test_failures(void)
{
	run("no-such-host.invalid", "80", AF_INET, false);
	ok(fails(TCPK_ENAME) &&
	    strstr(t.err.text, "no-such-host.invalid") != NULL,
	    "unknown name: %s", t.err.text);
	run("127.0.0.1", "no-such-service", AF_INET, false);
	ok(fails(TCPK_EUSAGE) &&
	    strstr(t.err.text, "no-such-service") != NULL,
	    "unknown service: %s", t.err.text);
	run("localhost", "80", AF_INET, true);
	ok(fails(TCPK_ENAME) && strstr(t.err.text, "localhost") != NULL &&
	    strstr(t.err.text, "numeric") != NULL, "a name is not asked for: "
	    "%s", t.err.text);
	run("127.0.0.1", "80", AF_INET6, true);
	ok(t.calls == 1 && t.n == 0 && t.err.kind == TCPK_ENAME,
	    "an address of the other family: %s", t.err.text);
}

static bool
known(const char *host, const char *port, bool numeric)
{
	memset(&t, 0, sizeof(t));
	return tcpk_resolve_check(host, port, SOCK_STREAM, numeric,
	    &t.err) == 0;
}

/* What a look-up will not make any better. */
static void
test_check(void)
{
	ok(known("no-such-host.invalid", "80", false) &&
	    known(NULL, "80", true) && known("::1", "0", true), "a number");
	ok(known("127.0.0.1", "http", false) || t.err.kind == TCPK_EUSAGE,
	    "a service, unless this system does not know it");
	ok(!known("no-such-host.invalid", "no-such-service", false) &&
	    t.err.kind == TCPK_EUSAGE &&
	    strstr(t.err.text, "\"no-such-service\"") != NULL,
	    "check: %s", t.err.text);
	ok(!known(NULL, "http", true) && t.err.kind == TCPK_ENAME,
	    "check: %s", t.err.text);
	ok(!known("localhost", "80", true) && t.err.kind == TCPK_ENAME,
	    "check: %s", t.err.text);
	ok(tcpk_resolve_check(NULL, "x y", SOCK_STREAM, true, NULL) == -1,
	    "err may be NULL");
}

static void
on_nothing(void *arg, const struct tcpk_resolved *r)
{
	(void)r;
	(*(int *)arg)++;
}

static void
test_cancel(void)
{
	struct tcpk_resolve	*r[50];
	int			 calls = 0, i, made = 0;

	for (i = 0; i < 50; i++) {
		r[i] = tcpk_resolve_start(loop, i % 2 == 0 ? "127.0.0.1" :
		    "no-such-host.invalid", "80", AF_INET, SOCK_STREAM,
		    false, on_nothing, &calls, NULL);
		made += r[i] != NULL;
	}
	/* Some have their answer by now and some have not. */
	usleep(2000);
	for (i = 0; i < 50; i++)
		tcpk_resolve_cancel(r[i]);
	turn_for(loop, 50 * TCPK_MS);
	ok(made == 50 && calls == 0, "cancelled, none calls back");
	calls = 0;
	for (i = 0; i < 50; i++)
		tcpk_resolve_start(loop, "127.0.0.1", "80", AF_INET,
		    SOCK_STREAM, true, on_nothing, &calls, NULL);
	ok(wait_for(loop, &calls, 50) && calls == 50, "50 at once");
	tcpk_resolve_cancel(NULL);
	ok(1, "cancel of nothing");
}

/* A loop may go while a look-up is still under way. */
static void
test_left_behind(void)
{
	struct tcpk_resolve	*r;
	int			 calls = 0, i;

	for (i = 0; i < 20; i++) {
		loop = tcpk_loop_new(NULL, NULL);
		r = tcpk_resolve_start(loop, "localhost", "80", AF_INET,
		    SOCK_STREAM, false, on_nothing, &calls, NULL);
		if (i % 2 == 0)
			usleep(500);
		tcpk_resolve_cancel(r);
		tcpk_loop_free(loop);
	}
	usleep(200000);
	ok(calls == 0, "left behind by their loop");
}

int
main(void)
{
	loop = tcpk_loop_new(NULL, NULL);
	test_answers();
	test_failures();
	test_check();
	test_cancel();
	tcpk_loop_free(loop);
	test_left_behind();
	return done_testing();
}
