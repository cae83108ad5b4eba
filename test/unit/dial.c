/* dial: one connection out of many addresses. */

#include <sys/socket.h>

#include <netdb.h>
#include <signal.h>
#include <stdbool.h>
#include <time.h>

#include "help.h"
#include "tcpkit/dial.h"

static struct tcpk_loop	*loop;

/*
 * Names of our own: the program's getaddrinfo() takes the place of the
 * system's.  An answer may take its time, in ms.
 */
static const struct {
	const char	*name, *v6, *v4;
	int		 wait6, wait4;
} names[] = {
	{ "one", NULL, "127.0.0.1", 0, 0 },
	{ "two", "::1", "127.0.0.1", 0, 0 },
	{ "late6", "::1", "127.0.0.1", 25, 0 },
	{ "slow6", "::1", "127.0.0.1", 1500, 0 },
	{ "fails6", NULL, "127.0.0.1", 20, 0 },
	{ "slow", "::1", "127.0.0.1", 1500, 1500 },
};

int
getaddrinfo(const char *node, const char *service,
    const struct addrinfo *hints, struct addrinfo **res)
{
	struct answer {
		struct addrinfo	 ai;
		struct tcpk_addr a;
	}			*r;
	struct timespec		 ts = { 0, 0 };
	const char		*text;
	char			*end;
	unsigned long		 port = strtoul(service, &end, 10);
	size_t			 i;
	int			 wait;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (node != NULL && strcmp(node, names[i].name) == 0)
			break;
	if (i == sizeof(names) / sizeof(names[0]))
		return EAI_NONAME;
	text = hints->ai_family == AF_INET6 ? names[i].v6 : names[i].v4;
	wait = hints->ai_family == AF_INET6 ? names[i].wait6 : names[i].wait4;
	ts.tv_sec = wait / 1000;
	ts.tv_nsec = wait % 1000 * 1000000L;
	nanosleep(&ts, NULL);
	if (*end != '\0')
		return EAI_SERVICE;
	if (text == NULL)
		return EAI_NONAME;
	r = calloc(1, sizeof(*r));
	if (r == NULL || tcpk_addr_parse(&r->a, text, (uint16_t)port,
	    NULL) == -1)
		return EAI_MEMORY;
	r->ai.ai_family = hints->ai_family;
	r->ai.ai_socktype = SOCK_STREAM;
	r->ai.ai_addr = &r->a.u.sa;
	r->ai.ai_addrlen = r->a.len;
	*res = &r->ai;
	return 0;
}

void
freeaddrinfo(struct addrinfo *ai)
{
	free(ai);
}

static struct {
	int		    calls, tries;
	bool		    starting, early;
	struct tcpk_dialed  r;
	struct tcpk_attempt attempts[64];
	struct tcpk_addr    tried[64];
	uint64_t	    took;
} t;

static struct tcpk_endpoint	ep;

static void
on_dialed(void *arg, const struct tcpk_dialed *d)
{
	size_t	i;

	t.early |= t.starting || arg != &t;
	t.calls++;
	t.r = *d;
	for (i = 0; i < d->nattempts && i < 64; i++)
		t.attempts[i] = d->attempts[i];
}

static void
on_trying(void *arg, const struct tcpk_addr *a)
{
	t.early |= t.starting || arg != &t;
	t.tried[t.tries++ % 64] = *a;
}

static struct tcpk_dial *
begin(const char *text)
{
	struct tcpk_dial_opts	o = { .trying = on_trying };
	struct tcpk_dial	*d;
	struct tcpk_err		err;

	memset(&t, 0, sizeof(t));
	t.r.fd = -1;
	if (tcpk_endpoint_parse(&ep, text, TCPK_CONNECT, &err) == -1) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
	t.starting = true;
	d = tcpk_dial_start(loop, &ep, &o, on_dialed, &t, &t.r.err);
	t.starting = false;
	return d;
}

/* To the end; true when it came once and not too early. */
static bool
run(const char *text)
{
	uint64_t	start = tcpk_now();

	if (begin(text) == NULL)
		return false;
	wait_for(loop, &t.calls, 1);
	t.took = tcpk_now() - start;
	turn_for(loop, 5 * TCPK_MS);
	if (t.calls == 1 && !t.early)
		return true;
	note("calls %d early %d", t.calls, t.early);
	return false;
}

static void
end(void)
{
	if (t.r.fd != -1)
		close(t.r.fd);
	tcpk_endpoint_free(&ep);
}

/* Listen on this address; 0 for any port. */
static int
listen_on(const char *host, uint16_t port, int backlog, struct tcpk_addr *a)
{
	int	fd, on = 1;

	tcpk_addr_parse(a, host, port, NULL);
	fd = socket(tcpk_addr_family(a), SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, &a->u.sa, a->len) == -1 || listen(fd, backlog) == -1) {
		close(fd);
		return -1;
	}
	tcpk_addr_local(a, fd);
	return fd;
}

/* A port of this host that nobody listens on. */
static uint16_t
free_port(const char *host)
{
	struct tcpk_addr	a;
	int			fd = listen_on(host, 0, 1, &a);

	close(fd);
	return tcpk_addr_port(&a);
}

/* Is there IPv6 here, if only on the loopback? */
static bool
have_ipv6(void)
{
	struct tcpk_addr	a;
	int			fd = listen_on("::1", 0, 1, &a);

	if (fd != -1)
		close(fd);
	return fd != -1;
}

static void
test_connect(void)
{
	struct tcpk_addr a, peer;
	char		 text[100];
	int		 l, s;

	l = listen_on("127.0.0.1", 0, 5, &a);
	snprintf(text, sizeof(text), "127.0.0.1:%u", tcpk_addr_port(&a));
	ok(run(text) && t.r.fd != -1 && tcpk_addr_equal(&t.r.peer, &a) &&
	    t.r.nattempts == 0 && t.tries == 1 &&
	    tcpk_addr_equal(&t.tried[0], &a), "connected to %s", text);
	ok((fcntl(t.r.fd, F_GETFL) & O_NONBLOCK) != 0 &&
	    (fcntl(t.r.fd, F_GETFD) & FD_CLOEXEC) != 0, "its flags");
	end();
	snprintf(text, sizeof(text), "one:%u", tcpk_addr_port(&a));
	ok(run(text) && t.r.fd != -1 && tcpk_addr_equal(&t.r.peer, &a),
	    "connected to %s", text);
	end();
	snprintf(text, sizeof(text), "two:%u,family=4",
	    tcpk_addr_port(&a));
	ok(run(text) && t.r.fd != -1 && t.tries == 1, "%s", text);
	end();
	snprintf(text, sizeof(text), "two:%u,source=127.0.0.2",
	    tcpk_addr_port(&a));
	if (!run(text) || t.r.fd == -1)
		ok(1, "source # SKIP %s", t.r.err.text);
	else {
		while ((s = accept(l, NULL, NULL)) != -1) {
			tcpk_addr_peer(&peer, s);
			close(s);
		}
		ok(peer.u.in.sin_addr.s_addr == htonl(0x7f000002) &&
		    t.tries == 1, "source, and only its family");
	}
	end();
	close(l);
}

static void
test_refused(void)
{
	struct tcpk_err	err;
	char		text[100], name[100];
	uint16_t	port = free_port("127.0.0.1");

	snprintf(text, sizeof(text), "127.0.0.1:%u", port);
	ok(run(text) && t.r.fd == -1 && t.r.err.kind == TCPK_ECONNECT &&
	    t.r.nattempts == 1 && t.attempts[0].code == ECONNREFUSED,
	    "refused: %s", t.r.err.text);
	snprintf(name, sizeof(name), "connect 127.0.0.1:%u: %s", port,
	    strerror(ECONNREFUSED));
	tcpk_attempt_err(&t.attempts[0], &ep, &err);
	ok(strcmp(err.text, name) == 0 && err.kind == TCPK_ECONNECT,
	    "in words: %s", err.text);
	ok(strcmp(t.r.err.text, name) == 0, "the same: %s", t.r.err.text);
	end();
	if (!have_ipv6()) {
		ok(1, "both refused # SKIP no IPv6 here");
		return;
	}
	snprintf(text, sizeof(text), "two:%u", port);
	ok(run(text) && t.r.fd == -1 && t.r.err.kind == TCPK_ECONNECT &&
	    t.r.nattempts == 2 && t.attempts[0].code == ECONNREFUSED &&
	    t.attempts[1].code == ECONNREFUSED &&
	    tcpk_addr_family(&t.attempts[0].addr) !=
	    tcpk_addr_family(&t.attempts[1].addr), "both are refused");
	ok(tcpk_addr_family(&t.tried[0]) == AF_INET6, "IPv6 is tried first");
	ok(t.took < 2 * TCPK_SECOND, "the second at once");
	end();
}

/* A listener whose queue is full: nobody answers. */
static int
fill(int *c, int n, const struct tcpk_addr *a)
{
	int	i;

	for (i = 0; i < n; i++) {
		c[i] = socket(tcpk_addr_family(a),
		    SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(c[i], &a->u.sa, a->len) == -1 &&
		    errno != EINPROGRESS)
			note("fill: %s", strerror(errno));
	}
	return n;
}

static void
test_dead(void)
{
	struct tcpk_addr a4, a6;
	struct tcpk_dial *d;
	char		 text[100];
	int		 l4, l6, c[16], n, before;

	l4 = listen_on("127.0.0.1", 0, 0, &a4);
	n = fill(c, 4, &a4);
	turn_for(loop, 50 * TCPK_MS);
	before = count_fds();
	snprintf(text, sizeof(text), "127.0.0.1:%u,connect-timeout=300ms",
	    tcpk_addr_port(&a4));
	ok(run(text) && t.r.fd == -1 && t.r.err.kind == TCPK_ETIMEOUT &&
	    t.r.nattempts == 1 && t.attempts[0].code == ETIMEDOUT &&
	    t.took >= 300 * TCPK_MS, "nobody answers: %s", t.r.err.text);
	ok(count_fds() == before, "and nothing is left open");
	end();
	d = begin(text);
	turn_for(loop, 50 * TCPK_MS);
	ok(t.tries == 1 && t.calls == 0, "under way");
	tcpk_dial_cancel(d);
	turn_for(loop, 400 * TCPK_MS);
	ok(t.calls == 0 && count_fds() == before, "cancelled while waiting");
	end();
	while (n > 0)
		close(c[--n]);
	close(l4);

	if ((l6 = listen_on("::1", 0, 0, &a6)) == -1) {
		ok(1, "dead first address # SKIP no IPv6 here");
		return;
	}
	l4 = listen_on("127.0.0.1", tcpk_addr_port(&a6), 5, &a4);
	n = fill(c, 4, &a6);
	turn_for(loop, 50 * TCPK_MS);
	before = count_fds();
	snprintf(text, sizeof(text), "two:%u", tcpk_addr_port(&a6));
	ok(run(text) && t.r.fd != -1 && tcpk_addr_equal(&t.r.peer, &a4) &&
	    t.tries == 2, "a dead first address");
	ok(t.took >= 200 * TCPK_MS && t.took < TCPK_SECOND,
	    "costs a fraction of a second (%d ms)",
	    (int)(t.took / TCPK_MS));
	ok(count_fds() == before + 1, "and is closed");
	end();
	/* The rest of those 250 ms is not slept when it fails before. */
	close(l4);
	l4 = listen_on("127.0.0.1", tcpk_addr_port(&a6), 0, &a4);
	n += fill(c + n, 4, &a4);
	turn_for(loop, 50 * TCPK_MS);
	snprintf(text, sizeof(text), "two:%u,connect-timeout=500ms",
	    tcpk_addr_port(&a6));
	ok(run(text) && t.r.fd == -1 && t.r.err.kind == TCPK_ETIMEOUT &&
	    t.r.nattempts == 2 && t.tries == 2 && t.took >= 500 * TCPK_MS,
	    "all dead: %s", t.r.err.text);
	end();
	while (n > 0)
		close(c[--n]);
	close(l4);
	close(l6);
}

/* Answers that do not come at the same time: RFC 8305, section 3. */
static void
test_answers(void)
{
	struct tcpk_addr a4, a6;
	char		 text[100];
	int		 l4, l6;

	l6 = listen_on("::1", 0, 5, &a6);
	if (l6 == -1) {
		ok(1, "late answers # SKIP no IPv6 here");
		return;
	}
	l4 = listen_on("127.0.0.1", tcpk_addr_port(&a6), 5, &a4);
	snprintf(text, sizeof(text), "two:%u", tcpk_addr_port(&a6));
	ok(run(text) && tcpk_addr_family(&t.r.peer) == AF_INET6 &&
	    t.tries == 1, "both at once: IPv6");
	end();
	snprintf(text, sizeof(text), "late6:%u", tcpk_addr_port(&a6));
	ok(run(text) && t.r.fd != -1 && (t.took > 45 * TCPK_MS ||
	    tcpk_addr_family(&t.r.peer) == AF_INET6),
	    "IPv6 a little later is waited for (%d ms)",
	    (int)(t.took / TCPK_MS));
	end();
	snprintf(text, sizeof(text), "slow6:%u", tcpk_addr_port(&a6));
	ok(run(text) && t.r.fd != -1 &&
	    tcpk_addr_family(&t.r.peer) == AF_INET &&
	    t.took >= 50 * TCPK_MS && t.took < 1400 * TCPK_MS,
	    "IPv6 much later is not (%d ms)", (int)(t.took / TCPK_MS));
	end();
	snprintf(text, sizeof(text), "fails6:%u", tcpk_addr_port(&a6));
	ok(run(text) && t.r.fd != -1 &&
	    tcpk_addr_family(&t.r.peer) == AF_INET, "IPv6 has no answer");
	end();
	snprintf(text, sizeof(text), "slow:%u,connect-timeout=100ms",
	    tcpk_addr_port(&a6));
	ok(run(text) && t.r.fd == -1 && t.r.err.kind == TCPK_ETIMEOUT &&
	    t.tries == 0 && t.took >= 100 * TCPK_MS &&
	    t.took < 1400 * TCPK_MS, "no answer in time: %s", t.r.err.text);
	end();
	/* The one that answers first is dead, and the other comes late. */
	close(l4);
	snprintf(text, sizeof(text), "slow6:%u", tcpk_addr_port(&a6));
	ok(run(text) && t.r.fd != -1 && t.tries == 2 &&
	    tcpk_addr_family(&t.r.peer) == AF_INET6 &&
	    t.took >= 1500 * TCPK_MS,
	    "IPv4 refuses: IPv6 is still to come");
	end();
	close(l6);
}

static void
test_names(void)
{
	ok(run("no-such-host.invalid:80") && t.r.fd == -1 &&
	    t.r.err.kind == TCPK_ENAME && t.tries == 0,
	    "unknown name: %s", t.r.err.text);
	end();
	ok(run("two:no-such-service") && t.r.fd == -1 &&
	    t.r.err.kind == TCPK_EUSAGE, "unknown service: %s",
	    t.r.err.text);
	end();
	ok(begin("127.0.0.1:80,family=6") == NULL &&
	    t.r.err.kind == TCPK_EUSAGE, "family: %s", t.r.err.text);
	end();
	if (begin("127.0.0.1:80,source=::1") == NULL)
		ok(t.r.err.kind != TCPK_OK, "source: %s", t.r.err.text);
	else
		ok(wait_for(loop, &t.calls, 1) && t.r.fd == -1,
		    "source of the other family: %s", t.r.err.text);
	end();
	ok(run("127.0.0.1:80,interface=nosuch0") && t.r.fd == -1 &&
	    t.r.err.kind == TCPK_EUSAGE, "option: %s", t.r.err.text);
	end();
}

/* Cancel after every possible number of turns, and count descriptors. */
static void
test_cancel(void)
{
	struct tcpk_addr a;
	struct tcpk_dial *d;
	char		 text[2][100];
	int		 l, k, i, which, before, bad = 0;

	l = listen_on("127.0.0.1", 0, 100, &a);
	snprintf(text[0], sizeof(text[0]), "127.0.0.1:%u",
	    tcpk_addr_port(&a));
	snprintf(text[1], sizeof(text[1]), "two:%u",
	    tcpk_addr_port(&a));
	run(text[1]);		/* the loop's wake-up pipe */
	end();
	before = count_fds();
	for (which = 0; which < 2; which++)
		for (k = 0; k < 12; k++) {
			d = begin(text[which]);
			for (i = 0; i < k && t.calls == 0; i++)
				tcpk_loop_turn(loop, TCPK_MS, NULL);
			if (t.calls == 0) {
				tcpk_dial_cancel(d);
				turn_for(loop, TCPK_MS);
				bad += t.calls != 0;
			}
			end();
			/* A look-up may still be reading its files. */
			for (i = 0; i < 200 && count_fds() != before; i++)
				usleep(10000);
			bad += count_fds() != before;
		}
	ok(bad == 0, "cancelled at any time, nothing is left open");
	tcpk_dial_cancel(NULL);
	ok(1, "cancel of nothing");
	close(l);
}

static void
test_unix(void)
{
	struct tcpk_addr a;
	struct tcpk_dial *d;
	int		 l, i, c[40], n;

	ok(run("unix:s") && t.r.fd == -1 && t.r.err.kind == TCPK_ECONNECT &&
	    t.attempts[0].code == ENOENT, "unix: %s", t.r.err.text);
	end();
	tcpk_addr_unix(&a, "s", NULL);
	l = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (bind(l, &a.u.sa, a.len) == -1 || listen(l, 1) == -1)
		exit(1);
	ok(run("unix:s") && t.r.fd != -1, "unix: connected");
	end();
	for (n = 0; n < 40; n++) {
		c[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(c[n], &a.u.sa, a.len) == -1)
			break;
	}
	close(c[n]);
	ok(run("unix:s,connect-timeout=200ms") && t.r.fd == -1 &&
	    t.r.err.kind == TCPK_ETIMEOUT && t.tries == 1,
	    "unix: the backlog is full: %s", t.r.err.text);
	end();
	d = begin("unix:s");
	turn_for(loop, 100 * TCPK_MS);
	ok(d != NULL && t.calls == 0, "unix: it is tried again");
	while ((i = accept(l, NULL, NULL)) != -1)
		close(i);
	ok(wait_for(loop, &t.calls, 1) && t.r.fd != -1,
	    "unix: until there is room");
	end();
	while (n > 0)
		close(c[--n]);
	close(l);
	ok(run("unix:s") && t.r.fd == -1 &&
	    t.attempts[0].code == ECONNREFUSED, "unix: %s", t.r.err.text);
	end();
	unlink("s");
}

int
main(void)
{
	int	before;

	alarm(120);
	signal(SIGPIPE, SIG_IGN);
	make_dir();
	before = count_fds();
	loop = tcpk_loop_new(NULL, NULL);
	test_connect();
	test_refused();
	test_dead();
	test_answers();
	test_names();
	test_cancel();
	test_unix();
	tcpk_loop_free(loop);
	ok(count_fds() == before, "no descriptor is left");
	return done_testing();
}
