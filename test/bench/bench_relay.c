/*
 * Both ends of the relay bench: clients of the relay at port RELAY, and its
 * target at port TARGET.  All on 127.0.0.1.
 *
 *	bench_relay bulk RELAY TARGET N MIB copy|trunc  one way, to the target
 *	bench_relay rate RELAY TARGET N SECONDS	    N at a time
 *	bench_relay ping RELAY TARGET IDLE SECONDS    among so many idle
 *	bench_relay hold RELAY TARGET N MORE	    until told to go on
 *
 * bulk prints the seconds and, of both ends, the CPU seconds; "copy" writes
 * from memory and compares every byte that arrives, "trunc" sends a file and
 * only counts what arrives, so that neither end touches it.  rate, where the
 * target closes first, prints connections a second, CPU seconds and how many
 * there were.  ping, of 64 bytes, prints p50 and p99 in microseconds and how
 * many there were.  hold says "held" when N connections are there, and again
 * after a line with MORE; each has passed a byte each way.  Status 1 if a
 * byte is lost, wrong or too much.
 */

#include "bench_relay.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE	64
#define SAMPLES	(1 << 20)

/* No run takes so long. */
#define LIMIT	120	/* s */

unsigned char	bench_pattern[BENCH_PERIOD + BENCH_PIECE];
unsigned char	bench_buf[BENCH_PIECE];

void
bench_die(const char *what)
{
	perror(what);
	exit(1);
}

uint64_t
bench_now(void)
{
	struct timespec	ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static double
cpu_of(int who)
{
	struct rusage	ru;

	getrusage(who, &ru);
	return (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
	    (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6;
}

double
bench_cpu(void)
{
	return cpu_of(RUSAGE_SELF) + cpu_of(RUSAGE_CHILDREN);
}

static void
make_pattern(void)
{
	uint64_t	x = 88172645463325252u;
	size_t		i;

	for (i = 0; i < BENCH_PERIOD; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		bench_pattern[i] = (unsigned char)x;
	}
	memcpy(bench_pattern + BENCH_PERIOD, bench_pattern, BENCH_PIECE);
}

static struct sockaddr_in
address(const char *port)
{
	struct sockaddr_in	sin = { .sin_family = AF_INET };

	sin.sin_port = htons((uint16_t)atoi(port));
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return sin;
}

int
bench_dial(const char *port)
{
	struct sockaddr_in	sin = address(port);
	int			fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd == -1 || connect(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0)
		bench_die("connect");
	return fd;
}

int
bench_listen(const char *port)
{
	struct sockaddr_in	sin = address(port);
	int			fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(fd, 4096) == -1)
		bench_die("listen");
	return fd;
}

int
bench_take(int listener)
{
	int	fd = accept4(listener, NULL, NULL, 0);

	if (fd == -1)
		bench_die("accept");
	return fd;
}

void
bench_watch(int ep, int fd, uint32_t events, void *p)
{
	struct epoll_event	ev = { .events = events, .data.ptr = p };

	if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) == -1)
		bench_die("epoll_ctl");
}

int
bench_look(int ep, struct epoll_event *evs)
{
	int	n = epoll_wait(ep, evs, BENCH_EVENTS, -1);

	if (n == -1 && errno != EINTR)
		bench_die("epoll_wait");
	return n == -1 ? 0 : n;
}

void *
bench_allocate(size_t n, size_t size)
{
	void	*p = calloc(n, size);

	if (p == NULL)
		bench_die("calloc");
	return p;
}

/* The other end.  It outlives us by no more than the limit. */
pid_t
bench_other(void)
{
	pid_t	pid = fork();

	if (pid == -1)
		bench_die("fork");
	if (pid == 0)
		alarm(LIMIT);
	return pid;
}

static void
pass(int from, int to, size_t n)
{
	if (send(from, bench_pattern, n, MSG_NOSIGNAL) != (ssize_t)n)
		bench_die("send");
	if (recv(to, bench_buf, n, MSG_WAITALL) != (ssize_t)n ||
	    memcmp(bench_buf, bench_pattern, n) != 0)
		bench_die("recv");
}

/* Both ends of one more connection, which works. */
static void
join(const char *relay, int listener, int fds[2])
{
	fds[0] = bench_dial(relay);
	/* TLS between two relays may ask for it first. */
	if (send(fds[0], bench_pattern, 1, MSG_NOSIGNAL) != 1)
		bench_die("send");
	fds[1] = bench_take(listener);
	if (recv(fds[1], bench_buf, 1, MSG_WAITALL) != 1)
		bench_die("recv");
	pass(fds[1], fds[0], 1);
}

static void
join_idle(const char *relay, int listener, int n)
{
	int	fds[2], i;

	for (i = 0; i < n; i++)
		join(relay, listener, fds);
}

static void
echo(int fd)
{
	ssize_t	got;

	while ((got = recv(fd, bench_buf, MESSAGE, MSG_WAITALL)) == MESSAGE)
		if (send(fd, bench_buf, MESSAGE, MSG_NOSIGNAL) != MESSAGE)
			bench_die("echo: send");
	_exit(0);
}

static int
by_value(const void *a, const void *b)
{
	const uint32_t	*x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int
ping(const char *relay, const char *target, int idle, double seconds)
{
	static uint32_t	times[SAMPLES];
	uint64_t	end, t;
	size_t		n = 0, k;
	int		listener = bench_listen(target), fds[2], on = 1;
	pid_t		pid;

	join_idle(relay, listener, idle);
	join(relay, listener, fds);
	for (k = 0; k < 2; k++)
		setsockopt(fds[k], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	pid = bench_other();
	if (pid == 0)
		echo(fds[1]);
	printf("ready\n");
	fflush(stdout);
	if (getchar() == EOF)
		return 1;
	end = bench_now() + (uint64_t)(seconds * 1e9);
	while ((t = bench_now()) < end) {
		pass(fds[0], fds[0], MESSAGE);
		times[n++ % SAMPLES] = (uint32_t)(bench_now() - t);
	}
	kill(pid, SIGKILL);
	k = n < SAMPLES ? n : SAMPLES;
	qsort(times, k, sizeof(times[0]), by_value);
	printf("%.3f %.3f %zu\n", times[k / 2] / 1e3,
	    times[k * 99 / 100] / 1e3, n);
	/* The driver reads its account before connections end. */
	fflush(stdout);
	getchar();
	return 0;
}

static int
hold(const char *relay, const char *target, int n, int more)
{
	int	listener = bench_listen(target);

	join_idle(relay, listener, n);
	printf("held\n");
	fflush(stdout);
	if (getchar() == EOF)
		return 1;
	join_idle(relay, listener, more);
	printf("held\n");
	fflush(stdout);
	getchar();
	return 0;
}

int
main(int argc, char **argv)
{
	struct rlimit	r;

	signal(SIGPIPE, SIG_IGN);
	alarm(LIMIT);
	getrlimit(RLIMIT_NOFILE, &r);
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
	make_pattern();
	if (argc == 7 && strcmp(argv[1], "bulk") == 0)
		return bench_bulk(argv[2], argv[3], atoi(argv[4]),
		    strtoull(argv[5], NULL, 10) << 20,
		    strcmp(argv[6], "copy") == 0);
	if (argc == 6 && strcmp(argv[1], "rate") == 0)
		return bench_rate(argv[2], argv[3], atoi(argv[4]),
		    atof(argv[5]));
	if (argc == 6 && strcmp(argv[1], "ping") == 0)
		return ping(argv[2], argv[3], atoi(argv[4]), atof(argv[5]));
	if (argc == 6 && strcmp(argv[1], "hold") == 0)
		return hold(argv[2], argv[3], atoi(argv[4]), atoi(argv[5]));
	return 2;
}
