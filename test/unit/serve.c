/* serve: a listening endpoint to a stream per client. */

#include <sys/socket.h>
#include <sys/stat.h>

#include <signal.h>
#include <stdbool.h>

#include "help.h"
#include "tcpkit/serve.h"

static struct tcpk_loop	*loop;
static struct tcpk_reserve *reserve;

static struct {
	struct tcpk_serve   *s;
	struct tcpk_stream  *streams[40];
	struct tcpk_addr     addrs[32], listener;
	struct tcpk_err	     err;
	int		     ready, n, clients, denied, troubles;
	int		     free_after;
	bool		     starting, early, free_ready;
	char		     rule[100];
} t;

static struct tcpk_endpoint	ep;

static void
on_ready(void *arg, const struct tcpk_addr *addrs, size_t n,
    const struct tcpk_err *err)
{
	size_t	i;

	t.early |= t.starting || arg != &t || t.clients > 0;
	t.ready++;
	t.n = (int)n;
	for (i = 0; i < n && i < 32; i++)
		t.addrs[i] = addrs[i];
	if (err != NULL)
		t.err = *err;
	if (t.free_ready) {
		tcpk_serve_free(t.s);
		t.s = NULL;
	}
}

static void
on_client(void *arg, const struct tcpk_client *c)
{
	(void)arg;
	t.listener = *c->listener;
	t.streams[t.clients++] = c->stream;
	if (t.clients == t.free_after) {
		tcpk_serve_free(t.s);
		t.s = NULL;
	}
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
on_trouble(void *arg, const struct tcpk_err *err)
{
	(void)arg;
	t.err = *err;
	t.troubles++;
}

static bool
begin(const char *text)
{
	struct tcpk_serve_opts		opts = { .reserve = reserve };
	struct tcpk_serve_handler	h;
	struct tcpk_err			err;

	memset(&t, 0, sizeof(t));
	memset(&h, 0, sizeof(h));
	h.ready = on_ready;
	h.client = on_client;
	h.denied = on_denied;
	h.trouble = on_trouble;
	if (tcpk_endpoint_parse(&ep, text, TCPK_LISTEN, &err) == -1) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
	t.starting = true;
	t.s = tcpk_serve_start(loop, &ep, &opts, &h, &t, &t.err);
	t.starting = false;
	return t.s != NULL;
}

static void
end(void)
{
	while (t.clients > 0)
		tcpk_stream_free(t.streams[--t.clients]);
	tcpk_serve_free(t.s);
	tcpk_endpoint_free(&ep);
}

static int
dial(const struct tcpk_addr *a)
{
	int	fd = socket(tcpk_addr_family(a), SOCK_STREAM, 0);

	if (connect(fd, &a->u.sa, a->len) == -1)
		note("connect: %s", strerror(errno));
	return fd;
}

static struct tcpk_addr
addr(const char *text, uint16_t port)
{
	struct tcpk_addr	a;

	tcpk_addr_parse(&a, text, port, NULL);
	return a;
}

static void
test_serve(void)
{
	struct tcpk_addr a;
	char		 text[TCPK_ADDR_TEXT];
	int		 c[3];

	ok(begin("127.0.0.1:0") && t.ready == 0, "start");
	ok(wait_for(loop, &t.ready, 1) && !t.early && t.n == 1 &&
	    tcpk_addr_port(&t.addrs[0]) != 0, "ready on %s",
	    tcpk_addr_format(&t.addrs[0], text, sizeof(text)));
	c[0] = dial(&t.addrs[0]);
	c[1] = dial(&t.addrs[0]);
	ok(wait_for(loop, &t.clients, 2) &&
	    tcpk_addr_equal(&t.listener, &t.addrs[0]), "two clients");
	ok(tcpk_stream_write(t.streams[0], "x", 1) == 1 &&
	    read(c[0], text, 1) == 1, "joined by a stream");
	tcpk_serve_free(t.s);
	t.s = NULL;
	ok(tcpk_stream_write(t.streams[1], "x", 1) == 1,
	    "which outlives the listener");
	end();
	close(c[0]);
	close(c[1]);

	begin(":0");
	wait_for(loop, &t.ready, 1);
	ok(t.ready == 1 && t.n == 1, "one socket for both families: %s",
	    t.n > 0 ? tcpk_addr_format(&t.addrs[0], text, sizeof(text)) :
	    t.err.text);
	a = addr("127.0.0.1", tcpk_addr_port(&t.addrs[0]));
	c[0] = dial(&a);
	ok(wait_for(loop, &t.clients, 1), "takes IPv4");
	close(c[0]);
	if (tcpk_addr_family(&t.addrs[0]) == AF_INET6) {
		a = addr("::1", tcpk_addr_port(&t.addrs[0]));
		c[0] = dial(&a);
		ok(wait_for(loop, &t.clients, 2), "and IPv6");
		close(c[0]);
	}
	end();

	begin(":0,family=4");
	wait_for(loop, &t.ready, 1);
	ok(t.n == 1 && tcpk_addr_family(&t.addrs[0]) == AF_INET, "family=4");
	end();

	begin("localhost:0");
	wait_for(loop, &t.ready, 1);
	ok(t.n >= 1, "localhost: %d address(es)", t.n);
	ok(t.n < 2 || tcpk_addr_port(&t.addrs[0]) ==
	    tcpk_addr_port(&t.addrs[1]), "on the same port");
	end();
}

static void
test_free(void)
{
	int	c[3], i;

	begin("127.0.0.1:0");
	t.free_after = 1;
	wait_for(loop, &t.ready, 1);
	for (i = 0; i < 3; i++)
		c[i] = dial(&t.addrs[0]);
	ok(wait_for(loop, &t.clients, 1), "freed by the first client");
	turn_for(loop, 20 * TCPK_MS);
	ok(t.clients == 1 && t.s == NULL, "the others do not come in");
	end();
	for (i = 0; i < 3; i++)
		close(c[i]);
	begin("127.0.0.1:0");
	end();
	turn_for(loop, 20 * TCPK_MS);
	ok(t.ready == 0, "freed before it was ready");
	begin("localhost:0");
	end();
	turn_for(loop, 20 * TCPK_MS);
	ok(t.ready == 0, "freed while the name is looked up");
	tcpk_serve_free(NULL);
	ok(1, "free of nothing");
}

static void
test_failures(void)
{
	char		 text[100], other[TCPK_ADDR_TEXT];
	struct tcpk_addr a;
	int		 l;

	a = addr("127.0.0.1", 0);
	l = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(l, &a.u.sa, a.len) == -1 || listen(l, 1) == -1)
		exit(1);
	tcpk_addr_local(&a, l);
	snprintf(text, sizeof(text), "%s",
	    tcpk_addr_format(&a, other, sizeof(other)));
	ok(begin(text), "start on a port in use");
	ok(wait_for(loop, &t.ready, 1) && !t.early && t.n == 0 &&
	    t.err.kind == TCPK_ECONNECT && t.err.code == EADDRINUSE,
	    "in use: %s", t.err.text);
	end();
	close(l);
	begin("no-such-host.invalid:0");
	ok(wait_for(loop, &t.ready, 1) && t.n == 0 &&
	    t.err.kind == TCPK_ENAME, "name: %s", t.err.text);
	end();
	ok(!begin("127.0.0.1:no-such-service") && t.err.kind == TCPK_EUSAGE,
	    "service: %s", t.err.text);
	end();
	ok(!begin("unix:s,owner=no-such-user") && t.err.kind == TCPK_EUSAGE,
	    "owner: %s", t.err.text);
	end();
	ok(!begin("unix:@s,mode=0600") && t.err.kind == TCPK_EUSAGE,
	    "mode: %s", t.err.text);
	end();
	begin("192.0.2.77:0");
	ok(wait_for(loop, &t.ready, 1) && t.n == 0 &&
	    t.err.kind == TCPK_ECONNECT, "not ours: %s", t.err.text);
	end();
	ok(!begin("127.0.0.1:0,family=6") && t.err.kind == TCPK_EUSAGE,
	    "family: %s", t.err.text);
	end();
	ok(!begin("udp://127.0.0.1:0") && t.err.kind == TCPK_EUSAGE &&
	    strstr(t.err.text, "udp://") != NULL, "udp: %s", t.err.text);
	end();
	begin("fd:9999");
	ok(t.s == NULL || wait_for(loop, &t.ready, 1), "fd: %s", t.err.text);
	ok(t.err.kind == TCPK_EUSAGE && t.n == 0, "fd: is a usage error");
	end();
}

static void
test_unix(void)
{
	struct stat	st;
	int		c;

	begin("unix:s,mode=0600");
	wait_for(loop, &t.ready, 1);
	ok(t.n == 1 && stat("s", &st) == 0 && (st.st_mode & 0777) == 0600,
	    "unix");
	c = dial(&t.addrs[0]);
	ok(wait_for(loop, &t.clients, 1), "unix: a client");
	close(c);
	end();
	ok(stat("s", &st) == -1, "unix: the file is removed");
	close(open("s", O_CREAT | O_WRONLY, 0600));
	begin("unix:s");
	wait_for(loop, &t.ready, 1);
	ok(t.n == 0 && t.err.kind == TCPK_ECONNECT, "unix: %s", t.err.text);
	end();
	ok(stat("s", &st) == 0, "unix: a file that is not ours stays");
	unlink("s");
}

static void
test_acl(void)
{
	char	byte;
	int	c;

	begin("127.0.0.1:0,acl=-127.0.0.1");
	wait_for(loop, &t.ready, 1);
	c = dial(&t.addrs[0]);
	ok(wait_for(loop, &t.denied, 1) && t.clients == 0 &&
	    strstr(t.rule, "127.0.0.1") != NULL, "denied by %s", t.rule);
	ok(read(c, &byte, 1) <= 0, "and closed");
	close(c);
	end();
	begin("127.0.0.1:0,acl=-all;+127.0.0.1");
	wait_for(loop, &t.ready, 1);
	c = dial(&t.addrs[0]);
	ok(wait_for(loop, &t.clients, 1) && t.denied == 0, "allowed");
	close(c);
	end();
	ok(!begin("127.0.0.1:0,acl=rubbish") && t.err.kind == TCPK_EUSAGE,
	    "acl: %s", t.err.text);
	end();
	ok(!begin("127.0.0.1:0,acl-file=no-such-file") && t.err.kind != 0,
	    "acl-file: %s", t.err.text);
	end();
}

static void
write_list(const char *text)
{
	FILE	*f = fopen("list", "w");

	fputs(text, f);
	fclose(f);
}

static void
test_reload(void)
{
	struct tcpk_serve_files	*f;
	struct tcpk_err		 err;
	int			 c, d;

	write_list("+127.0.0.1\n");
	begin("127.0.0.1:0,acl-file=list");
	wait_for(loop, &t.ready, 1);
	c = dial(&t.addrs[0]);
	ok(wait_for(loop, &t.clients, 1), "reload: allowed by the first list");
	write_list("+127.0.0.1\n-127.0.0.1\n");
	f = tcpk_serve_read(t.s, &err);
	ok(f != NULL, "reload: another list");
	if (f != NULL)
		tcpk_serve_use(t.s, f);
	d = dial(&t.addrs[0]);
	ok(wait_for(loop, &t.denied, 1) && t.clients == 1,
	    "denied by it: %s", t.rule);
	ok(write(c, "x", 1) == 1, "who is connected stays");
	close(d);
	write_list("+127.0.0.1\n+bad\n");
	ok(tcpk_serve_read(t.s, &err) == NULL &&
	    strstr(err.text, "list:2:") != NULL, "a broken one: %s",
	    err.text);
	d = dial(&t.addrs[0]);
	ok(wait_for(loop, &t.denied, 2) && t.clients == 1,
	    "changes nothing");
	close(c);
	close(d);
	end();
	unlink("list");
}

/* Who has not said who he is when a listener goes, has nothing kept back. */
static void
test_reserve(void)
{
	struct tcpk_err	err;
	int		before, c;

	before = count_fds();
	reserve = tcpk_reserve_new(1, &err);
	tcpk_reserve_short(reserve);
	begin("127.0.0.1:0,proxy-protocol");
	wait_for(loop, &t.ready, 1);
	c = dial(&t.addrs[0]);
	/* The listener, both ends, and what is kept back. */
	while (count_fds() < before + 4)
		tcpk_loop_turn(loop, TCPK_MS, NULL);
	end();
	close(c);
	ok(count_fds() == before, "the reserve has back what nobody needs");
	tcpk_reserve_free(reserve);
	reserve = NULL;
}

int
main(void)
{
	int	before;

	alarm(120);
	signal(SIGPIPE, SIG_IGN);
	make_dir();
	loop = tcpk_loop_new(NULL, NULL);
	before = count_fds();
	test_serve();
	test_free();
	test_failures();
	test_unix();
	test_acl();
	test_reload();
	test_reserve();
	turn_for(loop, 10 * TCPK_MS);
	/* The loop has made its wake-up pipe. */
	ok(count_fds() <= before + 2, "no descriptor is left");
	tcpk_loop_free(loop);
	return done_testing();
}
