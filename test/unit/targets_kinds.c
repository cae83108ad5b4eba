/* targets_kinds: what a target may be, and what it may not. */

#include "targets_help.h"

static struct server	a, b;

static void
test_usage(void)
{
	static const struct {
		const char	*address, *says;
	}			cases[] = {
		{ "udp://127.0.0.1:1", "does not relay udp" },
		{ "fd:3", "fd:3: only one client" },
		{ "-", "only one client" },
		{ "exec:cat,pool=2", "exec:cat,pool=2: option pool" },
		{ "sh:cat,check=1", "option check" },
		{ "127.0.0.1:1,pool=2,proxy-protocol=1", "proxy-protocol" },
		{ "tls://127.0.0.1:1,insecure,starttls=x", "\"x\"" },
		{ "127.0.0.1:no-such-service", "\"no-such-service\"" },
		{ "127.0.0.1:1,via=socks5://h:1,via-auth=/nonexistent",
		    "/nonexistent" },
		{ "tls://127.0.0.1:1,ca=/nonexistent", "/nonexistent" },
		{ "127.0.0.1:1,via=gopher://x", "127.0.0.1:1" },
	};
	struct tcpk_err		err = { 0 };
	size_t			i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (strncmp(cases[i].address, "tls:", 4) == 0 &&
		    !tcpk_tls_built())
			continue;
		/* Behind one that is fine. */
		ok(!set_new(BALANCE_ROUNDROBIN, &err, "127.0.0.1:1",
		    cases[i].address, NULL) && err.kind ==
		    (strstr(cases[i].says, "/none") != NULL ? TCPK_EIO :
		    TCPK_EUSAGE) &&
		    strstr(err.text, cases[i].says) != NULL, "%s: %s",
		    cases[i].address, err.text);
		set_end();
	}
}

static void
test_tls(void)
{
	struct tcpk_err	err;
	struct want	w;
	char		place[300], wrong[300];

	if (!tcpk_tls_built())
		return;
	server_start(&a, "tls://127.0.0.1:0,self-signed");
	server_start(&b, "tls://127.0.0.1:0,self-signed");
	snprintf(place, sizeof(place), "%s,check=30ms", a.place);
	/* The key of another. */
	snprintf(wrong, sizeof(wrong), "tls://127.0.0.1:%u%s", b.port,
	    strchr(a.place, ','));
	set_new(BALANCE_FAILOVER, &err, wrong, place, NULL);
	ok(wait_for(loop, &a.left, 2) && a.ended[0] && a.ended[1],
	    "a check shakes hands, and says close_notify");
	ok(get_one(&w) == 1 && tcpk_tls_info(w.stream) != NULL,
	    "one is not whom we know, another is");
	ok(said("tls-failed", MSG_WARNING) == 1 &&
	    said("target-down", MSG_WARNING) == 1 &&
	    said("tls-presented", MSG_RESULT) > 0, "which is said");
	want_end(&w);
	set_end();
	server_stop(&a);
	server_stop(&b);
}

static void
test_proxy_header(void)
{
	struct tcpk_err	err;
	struct want	w;
	char		place[300];
	uint64_t	end = tcpk_now() + LONG;

	server_start(&a, "127.0.0.1:0");
	snprintf(place, sizeof(place), "%s,proxy-protocol=1", a.place);
	set_new(BALANCE_ROUNDROBIN, &err, place, NULL);
	get_one(&w);
	while ((a.clients == 0 || a.read[0] == 0) && tcpk_now() < end)
		turn_for(loop, 10 * TCPK_MS);
	ok(strcmp(a.header, "PROXY TCP4 192.0.2.7 192.0.2.1 1000 80\r\n") ==
	    0, "the target is told who comes: %.38s", a.header);
	want_end(&w);
	set_end();
	server_stop(&a);
}

static void
test_program(void)
{
	struct tcpk_err	err;
	struct want	w[2];
	char		buf[10] = "";
	uint64_t	end = tcpk_now() + LONG;
	ssize_t		n = TCPK_AGAIN;

	set_new(BALANCE_ROUNDROBIN, &err, "exec:cat", NULL);
	ok(get_one(&w[0]) == 0 && get_one(&w[1]) == 0,
	    "a program for each");
	tcpk_stream_write(w[0].stream, "hello", 5);
	while (n == TCPK_AGAIN && tcpk_now() < end) {
		turn_for(loop, 5 * TCPK_MS);
		n = tcpk_stream_read(w[0].stream, buf, sizeof(buf));
	}
	ok(n == 5 && strcmp(buf, "hello") == 0, "which answers");
	want_end(&w[0]);
	want_end(&w[1]);
	set_end();
	while (tcpk_loop_reap(loop) > 0 && tcpk_now() < end)
		turn_for(loop, 5 * TCPK_MS);
}

int
main(void)
{
	int	before;

	signal(SIGPIPE, SIG_IGN);
	loop = tcpk_loop_new(getenv("TCPKIT_LOOP"), NULL);
	before = count_fds();
	test_usage();
	test_tls();
	test_proxy_header();
	test_program();
	ok(all_closed(before), "nothing is left open");
	ok(leftover == 0, "every client was counted off");
	tcpk_loop_free(loop);
	return done_testing();
}
