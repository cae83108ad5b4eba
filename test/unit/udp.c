/* udp: the datagrams of a bound socket. */

#include <sys/resource.h>
#include <sys/socket.h>

#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>

#include "help.h"
#include "tcpkit/udp.h"

#define LARGEST	65507

static struct tcpk_loop	*loop;
static char		 big[LARGEST + 1], back[LARGEST + 1];

/* What the handler saw, and what it is to do. */
static struct {
	struct tcpk_udp	*u;
	struct tcpk_addr from, here;
	size_t		 n;
	int		 seen, failed;
	int		 free_after, pause_after;
	bool		 mute;
} t;

static void
on_datagram(void *arg, struct tcpk_udp *u, const struct tcpk_addr *from,
    const void *data, size_t n)
{
	(void)arg;
	t.seen++;
	t.from = *from;
	t.here = *tcpk_udp_here(u);
	t.n = n;
	if (!t.mute)
		t.failed += tcpk_udp_send(u, from, data, n) == -1;
	if (t.seen == t.free_after) {
		tcpk_udp_free(u);
		t.u = NULL;
	} else if (t.seen == t.pause_after)
		tcpk_udp_pause(u);
}

static struct tcpk_addr
addr(const char *text, uint16_t port)
{
	struct tcpk_addr	a;

	if (tcpk_addr_parse(&a, text, port, NULL) == -1)
		exit(1);
	return a;
}

/* Bind; NULL in t.u and err when that fails. */
static void
bind_udp(const char *text, struct tcpk_err *err)
{
	struct tcpk_endpoint	ep;
	struct tcpk_addr	a;

	memset(&t, 0, sizeof(t));
	if (tcpk_endpoint_parse(&ep, text, TCPK_LISTEN, err) == -1)
		exit(1);
	if (ep.host == NULL)
		tcpk_addr_any(&a, ep.o.family == 4 ? AF_INET : AF_INET6, 0);
	else
		a = addr(ep.host, (uint16_t)atoi(ep.port));
	t.u = tcpk_udp_new(loop, &a, &ep.o, on_datagram, &t, err);
	tcpk_endpoint_free(&ep);
}

/* Its port. */
static uint16_t
start(const char *text)
{
	struct tcpk_err	err;

	bind_udp(text, &err);
	if (t.u == NULL) {
		printf("Bail out! %s: %s\n", text, err.text);
		exit(1);
	}
	return tcpk_addr_port(tcpk_udp_addr(t.u));
}

static struct tcpk_udp_counts
counts(void)
{
	struct tcpk_udp_counts	c;

	tcpk_udp_counts(t.u, &c);
	return c;
}

/* A connected socket: it hears of nobody else. */
static int
dial(const char *host, uint16_t port)
{
	struct tcpk_addr a = addr(host, port);
	int		 fd = socket(tcpk_addr_family(&a), SOCK_DGRAM, 0);

	if (connect(fd, &a.u.sa, a.len) == -1)
		note("connect %s: %s", host, strerror(errno));
	return fd;
}

/* The next datagram that comes back, or -1 when none does. */
static ssize_t
hear(int fd, uint64_t patience)
{
	struct pollfd	p = { .fd = fd, .events = POLLIN };
	uint64_t	end = tcpk_now() + patience;

	do
		tcpk_loop_turn(loop, 10 * TCPK_MS, NULL);
	while (poll(&p, 1, 0) == 0 && tcpk_now() < end);
	return recv(fd, back, sizeof(back), MSG_DONTWAIT);
}

static bool
echoes(int fd, const void *data, size_t n)
{
	if (send(fd, data, n, 0) != (ssize_t)n)
		note("send: %s", strerror(errno));
	memset(back, 0, sizeof(back));
	return hear(fd, LONG) == (ssize_t)n && memcmp(back, data, n) == 0;
}

static void
test_echo(const char *text, const char *host)
{
	struct tcpk_addr me;
	char		 show[TCPK_ADDR_TEXT];
	int		 fd = dial(host, start(text));

	ok(echoes(fd, "hello", 5) && t.n == 5, "%s: echo", text);
	tcpk_addr_local(&me, fd);
	ok(tcpk_addr_equal(&t.from, &me), "%s: its sender %s", text,
	    tcpk_addr_format(&t.from, show, sizeof(show)));
	ok(echoes(fd, "", 0) && t.n == 0, "%s: an empty one is one", text);
	ok(echoes(fd, big, LARGEST) && t.n == LARGEST, "%s: the largest",
	    text);
	ok(counts().received == 3 && counts().sent == 3 && t.seen == 3,
	    "%s: counted", text);
	close(fd);
	tcpk_udp_free(t.u);
}

/* A socket that is bound to every address: who was asked is who answers. */
static void
test_here(const char *text, const char *host)
{
	struct tcpk_addr want;
	char		 show[TCPK_ADDR_TEXT];
	uint16_t	 port = start(text);
	int		 fd = dial(host, port);

	t.mute = true;
	if (send(fd, "x", 1, 0) == -1) {
		ok(1, "%s: %s is no address of ours here", text, host);
		goto out;
	}
	ok(wait_for(loop, &t.seen, 1), "%s: %s", text, host);
	if (t.here.len == 0) {
		ok(1, "%s: where it came to is not told here", text);
		goto out;
	}
	want = addr(host, port);
	ok(tcpk_addr_equal(&t.here, &want), "%s: came to %s", text,
	    tcpk_addr_format(&t.here, show, sizeof(show)));
	ok(tcpk_udp_send_from(t.u, &t.here, &t.from, "late", 4) == 0 &&
	    hear(fd, LONG) == 4, "%s: a late answer from there", text);
	t.mute = false;
	ok(echoes(fd, "abc", 3), "%s: an answer from there", text);
out:
	close(fd);
	tcpk_udp_free(t.u);
}

static void
test_send(void)
{
	struct tcpk_addr a, nobody;
	uint16_t	 port = start("udp://127.0.0.1:0");
	int		 fd = dial("127.0.0.1", port), closed;

	closed = socket(AF_INET, SOCK_DGRAM, 0);
	a = addr("127.0.0.1", 0);
	if (bind(closed, &a.u.sa, a.len) == -1)
		exit(1);
	tcpk_addr_local(&nobody, closed);
	close(closed);
	ok(tcpk_udp_send(t.u, &nobody, "x", 1) == 0 &&
	    tcpk_udp_send(t.u, &nobody, "x", 1) == 0,
	    "send: nobody is there to take it");
	turn_for(loop, 20 * TCPK_MS);
	ok(echoes(fd, "abc", 3), "send: and that ends nothing");
	tcpk_addr_local(&a, fd);
	ok(tcpk_udp_send(t.u, &a, big, LARGEST + 1) == -1 &&
	    counts().failed == 1 && counts().dropped == 0,
	    "send: too large: dropped and counted");
	a = addr("::1", 1);
	ok(tcpk_udp_send(t.u, &a, "x", 1) == -1 && counts().failed == 2,
	    "send: of another family: the same");
	close(fd);
	tcpk_udp_free(t.u);
	/*
	 * Over IPv6 the largest is two fragments, and Linux has no room for
	 * the second one in so small a buffer.
	 */
	port = start("udp://[::1]:0,sndbuf=1");
	a = addr("::1", port);
	if (tcpk_udp_send(t.u, &a, big, LARGEST) == 0)
		ok(1, "send: this system has room for everything");
	else
		ok(counts().dropped == 1 && counts().failed == 0 &&
		    counts().sent == 0,
		    "send: no room: dropped and counted");
	ok(tcpk_udp_send(t.u, &a, "x", 1) == 0, "send: the next one goes");
	tcpk_udp_free(t.u);
}

static int
get(int level, int name)
{
	socklen_t	len = sizeof(int);
	int		value = -1;

	getsockopt(tcpk_udp_fd(t.u), level, name, &value, &len);
	return value;
}

static void
test_options(void)
{
	struct tcpk_err	err;
	char		text[64];
	struct tcpk_udp	*first;
	uint16_t	 port;

	port = start("udp://127.0.0.1:0,dscp=46,ttl=7,rcvbuf=20k,sndbuf=30k");
	ok(get(IPPROTO_IP, IP_TOS) == 46 << 2, "dscp");
	ok(get(IPPROTO_IP, IP_TTL) == 7, "ttl");
	ok(get(SOL_SOCKET, SO_RCVBUF) >= 20480 &&
	    get(SOL_SOCKET, SO_RCVBUF) <= 40960, "rcvbuf");
	ok(get(SOL_SOCKET, SO_SNDBUF) >= 30720 &&
	    get(SOL_SOCKET, SO_SNDBUF) <= 61440, "sndbuf");
	first = t.u;
	snprintf(text, sizeof(text), "udp://127.0.0.1:%u", port);
	bind_udp(text, &err);
	ok(t.u == NULL && err.kind == TCPK_ECONNECT &&
	    err.code == EADDRINUSE, "in use: %s", err.text);
	tcpk_udp_free(first);
	start("udp://:0");
	ok(get(IPPROTO_IPV6, IPV6_V6ONLY) == 0, "both families");
	tcpk_udp_free(t.u);
	start("udp://:0,family=6");
	ok(get(IPPROTO_IPV6, IPV6_V6ONLY) == 1, "family=6");
	tcpk_udp_free(t.u);
	bind_udp("udp://127.0.0.1:0,interface=no-such-if", &err);
	ok(t.u == NULL && err.kind == TCPK_EUSAGE &&
	    strstr(err.text, "interface") != NULL, "%s", err.text);
	bind_udp("udp://192.0.2.77:0", &err);
	ok(t.u == NULL && err.kind == TCPK_ECONNECT, "not ours: %s",
	    err.text);
}

static long
resident(void)
{
	struct rusage	ru;

	getrusage(RUSAGE_SELF, &ru);
	return ru.ru_maxrss;
}

static void
test_flood(void)
{
	int	fd = dial("127.0.0.1", start("udp://127.0.0.1:0")), i, j;
	int	before, heard = 0, most = 0;
	long	size;

	size = resident();
	for (i = 0; i < 10000 / 50; i++) {
		for (j = 0; j < 50; j++)
			send(fd, big, 20, 0);
		wait_for(loop, &t.seen, (i + 1) * 50);
		while (recv(fd, back, sizeof(back), MSG_DONTWAIT) == 20)
			heard++;
	}
	ok(t.seen == 10000 && heard == 10000, "10,000 echoed (%d, %d)",
	    t.seen, heard);
	/* More than the kernel holds, and nobody who reads the answers. */
	for (i = 0; i < 10000; i++)
		send(fd, big, 20, 0);
	for (;;) {
		before = t.seen;
		tcpk_loop_turn(loop, 10 * TCPK_MS, NULL);
		if (t.seen == before)
			break;
		if (t.seen - before > most)
			most = t.seen - before;
	}
	ok(t.seen > 10000 && most <= 64, "a flood: %d at a time", most);
	ok(resident() - size < 4096, "without growth (%ld kB)",
	    resident() - size);
	close(fd);
	tcpk_udp_free(t.u);
}

static void
test_life(void)
{
	struct tcpk_err	err;
	int		fd = dial("127.0.0.1", start("udp://127.0.0.1:0"));
	int		i, shared;

	t.free_after = 2;
	for (i = 0; i < 5; i++)
		send(fd, "x", 1, 0);
	ok(wait_for(loop, &t.seen, 2) && t.u == NULL,
	    "freed inside the callback");
	turn_for(loop, 20 * TCPK_MS);
	ok(t.seen == 2, "then nothing is told any more");
	close(fd);
	fd = dial("127.0.0.1", start("udp://127.0.0.1:0"));
	t.pause_after = 1;
	for (i = 0; i < 3; i++)
		send(fd, "x", 1, 0);
	turn_for(loop, 50 * TCPK_MS);
	ok(t.seen == 1, "paused (%d)", t.seen);
	shared = dup(tcpk_udp_fd(t.u));
	tcpk_udp_free(t.u);
	t.u = tcpk_udp_adopt(loop, shared, on_datagram, &t, NULL);
	t.pause_after = 0;
	ok(t.u != NULL && wait_for(loop, &t.seen, 3),
	    "another takes over what waits");
	tcpk_udp_pause(t.u);
	send(fd, "x", 1, 0);
	turn_for(loop, 20 * TCPK_MS);
	ok(t.seen == 3, "paused again");
	tcpk_udp_resume(t.u);
	ok(wait_for(loop, &t.seen, 4), "resumed");
	tcpk_udp_free(t.u);
	close(fd);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	ok(tcpk_udp_adopt(loop, fd, on_datagram, &t, &err) == NULL &&
	    err.kind == TCPK_EUSAGE, "adopt: %s", err.text);
	close(fd);
	ok(tcpk_udp_adopt(loop, 9999, on_datagram, &t, &err) == NULL &&
	    err.kind == TCPK_EUSAGE, "adopt: %s", err.text);
	tcpk_udp_free(NULL);
	ok(1, "free of nothing");
}

int
main(void)
{
	int	before, i;

	alarm(120);
	for (i = 0; i < LARGEST; i++)
		big[i] = (char)(i * 7 + i / 251);
	loop = tcpk_loop_new(NULL, NULL);
	before = count_fds();
	test_echo("udp://127.0.0.1:0", "127.0.0.1");
	test_echo("udp://[::1]:0", "::1");
	test_echo("udp://:0", "127.0.0.1");
	test_echo("udp://:0", "::1");
	test_here("udp://:0", "127.0.0.2");
	test_here("udp://:0", "::1");
	test_here("udp://:0,family=4", "127.0.0.2");
	test_send();
	test_options();
	test_flood();
	test_life();
	ok(count_fds() == before, "no descriptor is left");
	tcpk_loop_free(loop);
	return done_testing();
}
