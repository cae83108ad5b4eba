/* serve: a udp endpoint, whose datagrams are told one by one. */

#include <sys/socket.h>

#include <stdbool.h>

#include "help.h"
#include "tcpkit/serve.h"

static struct tcpk_loop	*loop;

static struct {
	struct tcpk_serve   *s;
	struct tcpk_addr     addr;
	struct tcpk_err	     err;
	int		     ready, n, datagrams, denied;
	int		     free_after;
	bool		     same_port;
	char		     rule[100];
} t;

static struct tcpk_endpoint	ep;

static void
on_ready(void *arg, const struct tcpk_addr *addrs, size_t n,
    const struct tcpk_err *err)
{
	(void)arg;
	t.ready++;
	t.n = (int)n;
	if (err != NULL)
		t.err = *err;
	else {
		t.addr = addrs[0];
		t.same_port = tcpk_addr_port(&addrs[n - 1]) ==
		    tcpk_addr_port(&addrs[0]);
	}
}

static void
on_client(void *arg, const struct tcpk_client *c)
{
	(void)arg;
	tcpk_stream_free(c->stream);
	ok(0, "no client may come");
}

static void
on_denied(void *arg, const struct tcpk_addr *peer, const char *rule)
{
	(void)arg;
	(void)peer;
	t.denied++;
	snprintf(t.rule, sizeof(t.rule), "%s", rule);
}

static void
on_datagram(void *arg, struct tcpk_serve *s, struct tcpk_udp *udp,
    const struct tcpk_addr *from, const void *data, size_t n)
{
	(void)arg;
	t.datagrams++;
	tcpk_udp_send(udp, from, data, n);
	if (t.datagrams == t.free_after) {
		tcpk_serve_free(s);
		t.s = NULL;
	}
}

static bool
begin(const char *text, struct tcpk_serve *forked)
{
	static const struct tcpk_serve_handler	h = {
		.ready = on_ready, .client = on_client, .denied = on_denied,
		.datagram = on_datagram
	};
	struct tcpk_serve_opts	opts = { .forked = forked };
	struct tcpk_err		err;

	memset(&t, 0, sizeof(t));
	if (forked == NULL && tcpk_endpoint_parse(&ep, text, TCPK_LISTEN,
	    &err) == -1) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
	t.s = tcpk_serve_start(loop, &ep, &opts, &h, &t, &t.err);
	return t.s != NULL && t.ready == 0 && wait_for(loop, &t.ready, 1) &&
	    t.n > 0;
}

static void
end(void)
{
	tcpk_serve_free(t.s);
	tcpk_endpoint_free(&ep);
}

/* A socket of this address that speaks to the one that is served. */
static int
dial(const char *host)
{
	struct tcpk_addr a, to;
	int		 fd = socket(AF_INET, SOCK_DGRAM, 0);

	tcpk_addr_parse(&a, host, 0, NULL);
	tcpk_addr_parse(&to, "127.0.0.1", tcpk_addr_port(&t.addr), NULL);
	if (bind(fd, &a.u.sa, a.len) == -1 ||
	    connect(fd, &to.u.sa, to.len) == -1)
		note("%s: %s", host, strerror(errno));
	return fd;
}

static void
test_serve(void)
{
	char	byte;
	int	fd, i;

	ok(begin("udp://:0", NULL) && t.n == 1,
	    "one socket for both families");
	fd = dial("127.0.0.1");
	send(fd, "x", 1, 0);
	ok(wait_for(loop, &t.datagrams, 1) &&
	    recv(fd, &byte, 1, MSG_DONTWAIT) == 1, "an answer");
	t.free_after = 2;
	for (i = 0; i < 3; i++)
		send(fd, "x", 1, 0);
	wait_for(loop, &t.datagrams, 2);
	turn_for(loop, 20 * TCPK_MS);
	ok(t.datagrams == 2 && t.s == NULL, "freed by the second one");
	close(fd);
	end();
	ok(begin("udp://localhost:0", NULL) && t.same_port,
	    "localhost: %d address(es) on one port", t.n);
	end();
	ok(!begin("udp://no-such-host.invalid:0", NULL) &&
	    t.err.kind == TCPK_ENAME, "name: %s", t.err.text);
	end();
}

static void
test_acl(void)
{
	int	fds[3], i;

	begin("udp://127.0.0.1:0,acl=-127.0.0.1", NULL);
	fds[0] = dial("127.0.0.1");
	fds[1] = dial("127.0.0.1");
	fds[2] = dial("127.0.0.2");
	for (i = 0; i < 100; i++)
		send(fds[i % 2], "x", 1, 0);
	send(fds[2], "x", 1, 0);
	ok(wait_for(loop, &t.datagrams, 1) && t.datagrams == 1,
	    "the list is asked of each datagram");
	ok(t.denied == 1 && tcpk_serve_denied(t.s) == 100 &&
	    strstr(t.rule, "127.0.0.1") != NULL,
	    "100 denied, told once: %s", t.rule);
	turn_for(loop, 1100 * TCPK_MS);
	send(fds[0], "x", 1, 0);
	ok(wait_for(loop, &t.denied, 2) && tcpk_serve_denied(t.s) == 101,
	    "and again after a second");
	for (i = 0; i < 3; i++)
		close(fds[i]);
	end();
}

/* What a forked process does, here in the same one. */
static void
test_forked(void)
{
	struct tcpk_serve	*parent;
	int			 fd;

	begin("udp://127.0.0.1:0", NULL);
	parent = t.s;
	tcpk_serve_pause(parent);
	fd = dial("127.0.0.1");
	send(fd, "x", 1, 0);
	turn_for(loop, 20 * TCPK_MS);
	ok(t.datagrams == 0, "paused, it leaves datagrams to others");
	ok(begin(NULL, parent) && wait_for(loop, &t.datagrams, 1),
	    "another over the same socket takes them");
	close(fd);
	tcpk_serve_stop(parent);
	end();
	/* Its files were the other's, and are gone: as after a fork. */
	free(parent);
}

int
main(void)
{
	int	before;

	alarm(120);
	loop = tcpk_loop_new(NULL, NULL);
	before = count_fds();
	test_serve();
	test_acl();
	test_forked();
	turn_for(loop, 10 * TCPK_MS);
	/* The loop has made its wake-up pipe. */
	ok(count_fds() <= before + 2, "no descriptor is left");
	tcpk_loop_free(loop);
	return done_testing();
}
