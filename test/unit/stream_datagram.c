/* stream: over a connected UDP socket, as connect makes it. */

#include <sys/socket.h>

#include <stdbool.h>

#include "help.h"
#include "tcpkit/connect.h"
#include "tcpkit/udp.h"

#define LARGEST	65507

static struct tcpk_loop		*loop;
static struct tcpk_connected	 result;
static struct tcpk_endpoint	 ep;
static int			 connected;
static char			 big[LARGEST + 1], back[LARGEST + 1];

/* The other side: it echoes. */
static struct {
	struct tcpk_udp	*u;
	struct tcpk_addr from;
	size_t		 n;
	int		 seen;
} t;

static void
on_datagram(void *arg, struct tcpk_udp *u, const struct tcpk_addr *from,
    const void *data, size_t n)
{
	(void)arg;
	t.seen++;
	t.from = *from;
	t.n = n;
	tcpk_udp_send(u, from, data, n);
}

static uint16_t
start(void)
{
	struct tcpk_endpoint	any;
	struct tcpk_addr	a;
	struct tcpk_err		err;

	memset(&t, 0, sizeof(t));
	tcpk_addr_any(&a, AF_INET6, 0);
	if (tcpk_endpoint_parse(&any, "udp://:0", TCPK_LISTEN, &err) == -1 ||
	    (t.u = tcpk_udp_new(loop, &a, &any.o, on_datagram, &t,
	    &err)) == NULL) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
	tcpk_endpoint_free(&any);
	return tcpk_addr_port(tcpk_udp_addr(t.u));
}

static void
on_connected(void *arg, const struct tcpk_connected *c)
{
	(void)arg;
	result = *c;
	connected++;
}

static struct tcpk_stream *
connect_to(const char *host, uint16_t port, const char *options)
{
	struct tcpk_connect_opts opts = { 0 };
	struct tcpk_err		 err;
	char			 text[100];

	snprintf(text, sizeof(text), "udp://%s:%u%s", host, port, options);
	connected = 0;
	memset(&result, 0, sizeof(result));
	if (tcpk_endpoint_parse(&ep, text, TCPK_CONNECT, &err) == -1) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
	if (tcpk_connect_start(loop, &ep, &opts, on_connected, NULL,
	    &result.err) != NULL)
		wait_for(loop, &connected, 1);
	tcpk_endpoint_free(&ep);
	return result.stream;
}

static void
on_ready(void *arg, unsigned ready)
{
	*(int *)arg |= (int)ready;
}

static bool
await(struct tcpk_stream *s, unsigned want)
{
	int	ready = 0;

	tcpk_stream_on_ready(s, on_ready, &ready);
	tcpk_stream_want(s, want);
	wait_for(loop, &ready, 1);
	tcpk_stream_want(s, 0);
	return ready != 0;
}

static void
test_stream(const char *host)
{
	struct tcpk_stream	*s;
	struct tcpk_addr	 me, peer;
	uint64_t		 left;
	char			 buf[10];
	uint16_t		 port = start();
	int			 rfd, wfd;

	s = connect_to(host, port, "");
	ok(s != NULL && tcpk_addr_port(&result.peer) == port,
	    "stream: connects to %s%s", host, result.err.text);
	if (s == NULL)
		goto out;
	ok(tcpk_stream_read(s, buf, 10) == TCPK_AGAIN && await(s, TCPK_WRITE) &&
	    tcpk_stream_write(s, "hello", 5) == 5 &&
	    wait_for(loop, &t.seen, 1), "stream: a write is a datagram");
	ok(tcpk_stream_write(s, "abc", 3) == 3 && wait_for(loop, &t.seen, 2) &&
	    await(s, TCPK_READ) && tcpk_stream_read(s, buf, 10) == 5 &&
	    tcpk_stream_read(s, buf, 10) == 3, "stream: so is a read");
	tcpk_stream_local(s, &me);
	ok(tcpk_addr_equal(&me, &t.from) && tcpk_stream_peer(s, &peer) == 0 &&
	    tcpk_addr_equal(&peer, &result.peer), "stream: both ends");
	ok(!tcpk_stream_fds(s, &rfd, &wfd) && !tcpk_stream_lingers(s),
	    "stream: its bytes are not cut, and it does not linger");
	ok(tcpk_stream_write(s, big, sizeof(big)) == LARGEST &&
	    wait_for(loop, &t.seen, 3) && t.n == LARGEST &&
	    await(s, TCPK_READ) &&
	    tcpk_stream_read(s, back, sizeof(back)) == LARGEST,
	    "stream: the largest piece of a larger write");
	tcpk_udp_send(t.u, &t.from, "", 0);
	ok(await(s, TCPK_READ) && tcpk_stream_read(s, buf, 10) == TCPK_AGAIN,
	    "stream: an empty datagram is no end");
	tcpk_udp_send(t.u, &t.from, "", 0);
	tcpk_udp_send(t.u, &t.from, "0123456789abc", 13);
	tcpk_udp_send(t.u, &t.from, "next", 4);
	ok(await(s, TCPK_READ) && tcpk_stream_read(s, buf, 10) == 10 &&
	    tcpk_stream_read(s, buf, 10) == 4,
	    "stream: what there is no room for is lost, no more");
	ok(tcpk_stream_finish(s) == 0 && tcpk_stream_drained(s, &left) == 0 &&
	    left == 0, "stream: finished and drained");
	tcpk_udp_send(t.u, &t.from, "more", 4);
	ok(await(s, TCPK_READ) && tcpk_stream_read(s, buf, 10) == 4 &&
	    tcpk_stream_hup(s) == TCPK_AGAIN, "stream: and still hears");
	/* Its peer goes: what came before is read, then it is told. */
	tcpk_udp_send(t.u, &t.from, "last", 4);
	tcpk_udp_free(t.u);
	t.u = NULL;
	ok(tcpk_stream_write(s, "x", 1) == 1 && await(s, TCPK_READ) &&
	    tcpk_stream_read(s, buf, 10) == 4, "stream: the last one");
	ok(tcpk_stream_read(s, buf, 10) == -1 &&
	    tcpk_stream_err(s)->kind == TCPK_ECUT &&
	    tcpk_stream_err(s)->code == ECONNREFUSED &&
	    tcpk_stream_write(s, "x", 1) == -1 &&
	    tcpk_stream_finish(s) == -1 &&
	    tcpk_stream_drained(s, &left) == -1, "stream: nobody there: %s",
	    tcpk_stream_err(s)->text);
	tcpk_stream_free(s);
	s = connect_to(host, port, "");
	ok(tcpk_stream_write(s, "x", 1) == 1 && await(s, TCPK_HUP) &&
	    tcpk_stream_hup(s) == -1 && tcpk_stream_err(s)->code ==
	    ECONNREFUSED, "stream: as a hang-up, too");
	tcpk_stream_reset(s);
	tcpk_stream_free(s);
out:
	tcpk_udp_free(t.u);
}

static void
test_connect(void)
{
	struct tcpk_stream	*s;
	struct tcpk_addr	 want;
	uint16_t		 port = start();

	s = connect_to("127.0.0.1", port, ",source=127.0.0.3,ttl=9,dscp=1");
	if (s == NULL)
		ok(result.err.kind == TCPK_ECONNECT, "source: %s",
		    result.err.text);
	else {
		tcpk_addr_parse(&want, "127.0.0.3", 0, NULL);
		ok(tcpk_stream_write(s, "x", 1) == 1 &&
		    wait_for(loop, &t.seen, 1) && t.from.u.in.sin_addr.s_addr
		    == want.u.in.sin_addr.s_addr, "source");
		tcpk_stream_free(s);
	}
	s = connect_to("localhost", port, ",family=4");
	ok(s != NULL && tcpk_addr_family(&result.peer) == AF_INET,
	    "a name, family=4");
	tcpk_stream_free(s);
	ok(connect_to("127.0.0.1", port, ",family=6") == NULL &&
	    result.err.kind == TCPK_EUSAGE, "family: %s", result.err.text);
	ok(connect_to("no-such-host.invalid", port, "") == NULL &&
	    result.err.kind == TCPK_ENAME, "name: %s", result.err.text);
	ok(connect_to("240.0.0.1", port, ",source=127.0.0.1") == NULL &&
	    result.err.kind == TCPK_ECONNECT, "no route: %s",
	    result.err.text);
	tcpk_udp_free(t.u);
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
	test_stream("127.0.0.1");
	test_stream("[::1]");
	test_connect();
	/* The loop has made its wake-up pipe. */
	ok(count_fds() <= before + 2, "no descriptor is left");
	tcpk_loop_free(loop);
	return done_testing();
}
