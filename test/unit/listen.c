/* listen: accepting, pausing, running out of descriptors. */

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <signal.h>
#include <stdbool.h>

#include "help.h"
#include "tcpkit/listen.h"
#include "tcpkit/sock.h"

static struct tcpk_loop	*loop;

/* What the handler saw, and what it is to do. */
static struct {
	struct tcpk_listen *l;
	int		    fds[300];
	int		    clients, troubles;
	int		    free_after, pause_after;
	struct tcpk_err	    err;
	struct tcpk_addr    peer;
} t;

static void
on_client(void *arg, int fd, const struct tcpk_addr *peer)
{
	(void)arg;
	t.fds[t.clients++] = fd;
	t.peer = *peer;
	if (t.clients == t.free_after) {
		tcpk_listen_free(t.l);
		t.l = NULL;
	} else if (t.clients == t.pause_after)
		tcpk_listen_pause(t.l);
}

static void
on_trouble(void *arg, const struct tcpk_err *err)
{
	(void)arg;
	t.troubles++;
	t.err = *err;
}

static const struct tcpk_listen_handler	handler = {
	.client = on_client, .trouble = on_trouble
};

static struct tcpk_addr
start(const char *text)
{
	struct tcpk_endpoint	ep;
	struct tcpk_addr	a;
	struct tcpk_err		err;

	memset(&t, 0, sizeof(t));
	if (tcpk_endpoint_parse(&ep, text, TCPK_LISTEN, &err) == -1)
		exit(1);
	if (ep.path != NULL)
		tcpk_addr_unix(&a, ep.path, NULL);
	else
		tcpk_addr_parse(&a, ep.host, 0, NULL);
	t.l = tcpk_listen_new(loop, &a, &ep.o, &handler, &t, &err);
	if (t.l == NULL) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
	tcpk_endpoint_free(&ep);
	return *tcpk_listen_addr(t.l);
}

/* A connection that is made at once or is in the backlog. */
static int
dial(const struct tcpk_addr *a)
{
	int	fd = socket(tcpk_addr_family(a), SOCK_STREAM, 0);

	if (connect(fd, &a->u.sa, a->len) == -1)
		note("connect: %s", strerror(errno));
	return fd;
}

static void
hang_up(int *fds, int n)
{
	while (n > 0)
		close(fds[--n]);
}

static void
test_accept(void)
{
	struct tcpk_addr a;
	int		 c[150], i;

	a = start("127.0.0.1:0");
	ok(tcpk_addr_port(&a) != 0, "the port is told");
	for (i = 0; i < 150; i++)
		c[i] = dial(&a);
	ok(t.clients == 0, "nobody is accepted outside the loop");
	ok(wait_for(loop, &t.clients, 150) && t.clients == 150,
	    "a burst of 150 clients (%d)", t.clients);
	ok(tcpk_addr_family(&t.peer) == AF_INET && tcpk_addr_port(&t.peer) !=
	    0, "with their addresses");
	hang_up(c, 150);
	hang_up(t.fds, t.clients);
	tcpk_listen_free(t.l);
	i = socket(AF_INET, SOCK_STREAM, 0);
	ok(connect(i, &a.u.sa, a.len) == -1 && errno == ECONNREFUSED,
	    "nobody listens after the free");
	close(i);
}

static void
test_pause(void)
{
	struct tcpk_addr a;
	int		 c[10], i;

	a = start("127.0.0.1:0");
	tcpk_listen_pause(t.l);
	c[0] = dial(&a);
	ok(turn_for(loop, 50 * TCPK_MS) < 20 && t.clients == 0, "paused");
	tcpk_listen_resume(t.l);
	ok(wait_for(loop, &t.clients, 1), "resumed");
	t.pause_after = 3;
	for (i = 1; i < 6; i++)
		c[i] = dial(&a);
	turn_for(loop, 50 * TCPK_MS);
	ok(t.clients == 3, "paused from the callback (%d)", t.clients);
	t.pause_after = 0;
	tcpk_listen_resume(t.l);
	ok(wait_for(loop, &t.clients, 6), "the others waited");
	hang_up(c, 6);
	hang_up(t.fds, t.clients);
	tcpk_listen_free(t.l);
	for (i = 0; i < 2; i++) {
		a = start(i == 0 ? "127.0.0.1:0" : "unix:s");
		t.free_after = 2;
		c[0] = dial(&a);
		c[1] = dial(&a);
		c[2] = dial(&a);
		ok(wait_for(loop, &t.clients, 2) && t.l == NULL,
		    "freed from the callback");
		turn_for(loop, 20 * TCPK_MS);
		ok(t.clients == 2, "then nobody comes any more");
		hang_up(c, 3);
		hang_up(t.fds, t.clients);
	}
	tcpk_listen_free(NULL);
	ok(1, "free of nothing");
}

static void
test_file(void)
{
	struct stat	st;
	int		fd;

	start("unix:s,mode=0600");
	ok(stat("s", &st) == 0 && S_ISSOCK(st.st_mode) &&
	    (st.st_mode & 0777) == 0600, "a socket file with its mode");
	tcpk_listen_free(t.l);
	ok(stat("s", &st) == -1, "is removed in the end");
	start("unix:s");
	unlink("s");
	fd = open("s", O_CREAT | O_WRONLY, 0600);
	close(fd);
	tcpk_listen_free(t.l);
	ok(stat("s", &st) == 0 && S_ISREG(st.st_mode),
	    "but not what has taken its place");
	unlink("s");
	start("unix:s");
	rename("s", "moved");
	tcpk_listen_free(t.l);
	ok(stat("moved", &st) == 0, "nor when it has moved");
	unlink("moved");
}

static void
test_adopt(void)
{
	struct tcpk_addr	a;
	struct tcpk_err		err;
	int			fd, c;

	memset(&t, 0, sizeof(t));
	tcpk_addr_parse(&a, "127.0.0.1", 0, NULL);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(fd, &a.u.sa, a.len) == -1)
		exit(1);
	ok(tcpk_listen_adopt(loop, fd, &handler, &t, &err) == NULL &&
	    err.kind == TCPK_EUSAGE && strstr(err.text, "listening") != NULL,
	    "adopt: %s", err.text);
	ok(fcntl(fd, F_GETFD) != -1, "adopt: then it is still ours");
	ok(tcpk_listen_check(fd, &err) == -1 && err.kind == TCPK_EUSAGE &&
	    tcpk_listen_check(9999, NULL) == -1, "check: %s", err.text);
	listen(fd, 5);
	ok(tcpk_listen_check(fd, &err) == 0, "check");
	t.l = tcpk_listen_adopt(loop, fd, &handler, &t, &err);
	ok(t.l != NULL && tcpk_addr_port(tcpk_listen_addr(t.l)) != 0,
	    "adopt");
	a = *tcpk_listen_addr(t.l);
	c = dial(&a);
	ok(wait_for(loop, &t.clients, 1), "adopt: accepts");
	/* A client that has gone again must not make accept wait. */
	ok((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0, "adopt: waits for nobody");
	close(c);
	hang_up(t.fds, t.clients);
	tcpk_listen_free(t.l);
	ok(fcntl(fd, F_GETFD) == -1, "adopt: closed with the listen");
	fd = open("file", O_CREAT | O_RDWR, 0600);
	ok(tcpk_listen_adopt(loop, fd, &handler, &t, &err) == NULL &&
	    err.kind == TCPK_EUSAGE, "adopt: %s", err.text);
	close(fd);
	ok(tcpk_listen_adopt(loop, 9999, &handler, &t, &err) == NULL &&
	    err.kind == TCPK_EUSAGE, "adopt: %s", err.text);
}

static uint64_t
cpu_time(void)
{
	struct rusage	ru;

	getrusage(RUSAGE_SELF, &ru);
	return ((uint64_t)ru.ru_utime.tv_sec + (uint64_t)ru.ru_stime.tv_sec) *
	    TCPK_SECOND + ((uint64_t)ru.ru_utime.tv_usec +
	    (uint64_t)ru.ru_stime.tv_usec) * 1000;
}

/* No descriptor for one more client: neither an end nor a spin. */
static void
test_shortage(void)
{
	struct rlimit	 old, low;
	struct tcpk_addr a;
	uint64_t	 cpu;
	int		 c[20], taken[300], i, n = 0, turns, again;

	a = start("127.0.0.1:0");
	for (i = 0; i < 5; i++)
		c[i] = dial(&a);
	getrlimit(RLIMIT_NOFILE, &old);
	low = old;
	low.rlim_cur = 200;
	setrlimit(RLIMIT_NOFILE, &low);
	while (n < 300 && (taken[n] = dup(c[0])) != -1)
		n++;
	close(taken[--n]);
	close(taken[--n]);
	cpu = cpu_time();
	turns = turn_for(loop, 900 * TCPK_MS);
	cpu = cpu_time() - cpu;
	ok(t.clients == 2 && t.troubles == 1,
	    "shortage: two come in, and it is told once (%d, %d)",
	    t.clients, t.troubles);
	ok(t.err.kind == TCPK_EIO && t.err.code == EMFILE,
	    "shortage: %s", t.err.text);
	ok(turns < 50 && cpu < 300 * TCPK_MS,
	    "shortage: without spinning (%d turns, %d ms of processor)",
	    turns, (int)(cpu / TCPK_MS));
	close(taken[--n]);
	close(taken[--n]);
	close(taken[--n]);
	ok(wait_for(loop, &t.clients, 5), "shortage: over, all come in");
	turn_for(loop, 300 * TCPK_MS);
	ok(t.troubles == 1, "shortage: told once as long as it lasts (%d)",
	    t.troubles);
	/* Over: the next client finds plenty. */
	hang_up(taken, n);
	c[5] = dial(&a);
	wait_for(loop, &t.clients, 6);
	turn_for(loop, 300 * TCPK_MS);
	again = t.troubles;
	c[6] = socket(AF_INET, SOCK_STREAM, 0);
	for (n = 0; n < 300 && (taken[n] = dup(c[0])) != -1;)
		n++;
	if (connect(c[6], &a.u.sa, a.len) == -1)
		note("connect: %s", strerror(errno));
	turn_for(loop, 300 * TCPK_MS);
	ok(t.troubles == again + 1 && t.clients == 6,
	    "shortage: the next one is told of anew (%d)", t.troubles);
	tcpk_listen_pause(t.l);
	hang_up(taken, n);
	turn_for(loop, 400 * TCPK_MS);
	ok(t.clients == 6, "shortage: paused meanwhile, it stays so");
	tcpk_listen_resume(t.l);
	ok(wait_for(loop, &t.clients, 7), "shortage: until resumed");
	setrlimit(RLIMIT_NOFILE, &old);
	hang_up(c, 7);
	hang_up(t.fds, t.clients);
	tcpk_listen_free(t.l);
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
	test_accept();
	test_pause();
	test_file();
	test_adopt();
	test_shortage();
	ok(count_fds() == before, "no descriptor is left");
	tcpk_loop_free(loop);
	return done_testing();
}
