/*
 * Both ends of the relay bench: clients of the relay at port RELAY, and its
 * target at port TARGET.  All on 127.0.0.1.
 *
 *	bench_relay bulk RELAY TARGET N MIB copy|trunc	one way, to the target
 *	bench_relay rate RELAY TARGET N SECONDS		N at a time
 *	bench_relay ping RELAY TARGET IDLE SECONDS	among so many idle ones
 *	bench_relay hold RELAY TARGET N MORE		until told to go on
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

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A period that no power of two divides, so that a lost page shows. */
#define PERIOD	262139
#define PIECE	131072
#define MESSAGE	64
#define SAMPLES	(1 << 20)
#define EVENTS	256

/* No run takes so long. */
#define LIMIT	120	/* s */

struct conn {
	int		fd;
	unsigned char	sent;
	bool		answered;
	uint64_t	bytes;
};

/* What the target's process says to the clients'. */
struct word {
	uint64_t	ended_at, bytes;
	bool		wrong;
};

static unsigned char	pattern[PERIOD + PIECE], buf[PIECE];

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t
now(void)
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

static void
make_pattern(void)
{
	uint64_t	x = 88172645463325252u;
	size_t		i;

	for (i = 0; i < PERIOD; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		pattern[i] = (unsigned char)x;
	}
	memcpy(pattern + PERIOD, pattern, PIECE);
}

static struct sockaddr_in
address(const char *port)
{
	struct sockaddr_in	sin = { .sin_family = AF_INET };

	sin.sin_port = htons((uint16_t)atoi(port));
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return sin;
}

static int
dial(const char *port)
{
	struct sockaddr_in	sin = address(port);
	int			fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd == -1 || connect(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0)
		die("connect");
	return fd;
}

static int
listen_on(const char *port)
{
	struct sockaddr_in	sin = address(port);
	int			fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(fd, 4096) == -1)
		die("listen");
	return fd;
}

static int
take(int listener)
{
	int	fd = accept4(listener, NULL, NULL, 0);

	if (fd == -1)
		die("accept");
	return fd;
}

static void
watch(int ep, int fd, uint32_t events, void *p)
{
	struct epoll_event	ev = { .events = events, .data.ptr = p };

	if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) == -1)
		die("epoll_ctl");
}

static int
look(int ep, struct epoll_event *evs, int ms)
{
	int	n = epoll_wait(ep, evs, EVENTS, ms);

	if (n == -1 && errno != EINTR)
		die("epoll_wait");
	return n == -1 ? 0 : n;
}

static void *
allocate(size_t n, size_t size)
{
	void	*p = calloc(n, size);

	if (p == NULL)
		die("calloc");
	return p;
}

/* The other end.  It outlives us by no more than the limit. */
static pid_t
other(void)
{
	pid_t	pid = fork();

	if (pid == -1)
		die("fork");
	if (pid == 0)
		alarm(LIMIT);
	return pid;
}

/* --- bulk ----------------------------------------------------------------- */

/* Take what there is of one connection.  False at its end. */
static bool
drink(struct conn *c, bool copy, struct word *w)
{
	ssize_t	got;

	got = recv(c->fd, copy ? buf : NULL, copy ? sizeof(buf) : 1 << 20,
	    MSG_DONTWAIT | (copy ? 0 : MSG_TRUNC));
	if (got == -1 && errno == EAGAIN)
		return true;
	if (got == -1)
		die("sink: recv");
	if (copy && memcmp(buf, pattern + c->bytes % PERIOD, (size_t)got) != 0)
		w->wrong = true;
	c->bytes += (uint64_t)got;
	w->bytes += (uint64_t)got;
	return got > 0;
}

static void
sink(int listener, int n, uint64_t share, bool copy, int report)
{
	struct epoll_event	 evs[EVENTS];
	struct word		 w = { 0 };
	struct conn		*conns = allocate((size_t)n, sizeof(*conns));
	struct conn		*c;
	int			 ep = epoll_create1(0), i, k, left = n;

	for (i = 0; i < n; i++) {
		conns[i].fd = take(listener);
		watch(ep, conns[i].fd, EPOLLIN, &conns[i]);
	}
	while (left > 0) {
		k = look(ep, evs, -1);
		for (i = 0; i < k; i++) {
			c = evs[i].data.ptr;
			if (drink(c, copy, &w))
				continue;
			w.wrong |= c->bytes != share;
			close(c->fd);
			left--;
		}
	}
	w.ended_at = now();
	if (write(report, &w, sizeof(w)) != sizeof(w))
		die("report");
	_exit(0);
}

/* Send a piece; false when all is sent. */
static bool
pour(struct conn *c, uint64_t share, int file)
{
	size_t	at = c->bytes % PERIOD, n = PIECE;
	off_t	from = (off_t)at;
	ssize_t	put;

	if (n > share - c->bytes)
		n = (size_t)(share - c->bytes);
	put = file == -1 ? send(c->fd, pattern + at, n, MSG_DONTWAIT) :
	    sendfile(c->fd, file, &from, n);
	if (put == -1 && errno != EAGAIN)
		die("source: send");
	if (put > 0)
		c->bytes += (uint64_t)put;
	return c->bytes < share;
}

static void
source(struct conn *conns, int n, uint64_t share, int file)
{
	struct epoll_event	 evs[EVENTS];
	struct conn		*c;
	int			 ep = epoll_create1(0), i, k, left = n;

	for (i = 0; i < n; i++)
		watch(ep, conns[i].fd, EPOLLOUT, &conns[i]);
	while (left > 0) {
		k = look(ep, evs, -1);
		for (i = 0; i < k; i++) {
			c = evs[i].data.ptr;
			if (pour(c, share, file))
				continue;
			epoll_ctl(ep, EPOLL_CTL_DEL, c->fd, NULL);
			shutdown(c->fd, SHUT_WR);
			left--;
		}
	}
	close(ep);
}

static int
make_file(void)
{
	int	fd = memfd_create("pattern", 0);

	if (fd == -1 || write(fd, pattern, sizeof(pattern)) !=
	    (ssize_t)sizeof(pattern))
		die("memfd");
	return fd;
}

static int
bulk(const char *relay, const char *target, int n, uint64_t bytes, bool copy)
{
	struct conn	*conns = allocate((size_t)n, sizeof(*conns));
	struct word	 w;
	uint64_t	 began, share = bytes / (uint64_t)n;
	int		 listener = listen_on(target), p[2], i;
	int		 file = copy ? -1 : make_file();

	if (pipe(p) == -1)
		die("pipe");
	if (other() == 0)
		sink(listener, n, share, copy, p[1]);
	close(p[1]);
	for (i = 0; i < n; i++) {
		conns[i].fd = dial(relay);
		/* sendfile cannot be told in another way. */
		fcntl(conns[i].fd, F_SETFL, O_NONBLOCK);
	}
	began = now();
	source(conns, n, share, file);
	if (read(p[0], &w, sizeof(w)) != sizeof(w))
		die("no report");
	wait(NULL);
	printf("%.6f %.6f\n", (double)(w.ended_at - began) / 1e9,
	    cpu_of(RUSAGE_SELF) + cpu_of(RUSAGE_CHILDREN));
	return w.wrong || w.bytes != share * (uint64_t)n;
}

/* --- connections a second ------------------------------------------------- */

static unsigned char
answer_to(unsigned char c)
{
	return (unsigned char)~c;
}

/* A byte for a byte, then the end. */
static void
answer(int fd)
{
	unsigned char	c;
	ssize_t		got = recv(fd, &c, 1, MSG_DONTWAIT);

	if (got == -1 && errno == EAGAIN)
		return;
	c = answer_to(c);
	/* One who broke off is missed at the other end. */
	if (got == 1 && send(fd, &c, 1, MSG_NOSIGNAL) == -1)
		perror("answer");
	close(fd);
}

static void
serve(int listener)
{
	struct epoll_event	evs[EVENTS];
	int			ep = epoll_create1(0), i, k, fd;

	fcntl(listener, F_SETFL, O_NONBLOCK);
	watch(ep, listener, EPOLLIN, NULL);
	for (;;) {
		k = look(ep, evs, -1);
		for (i = 0; i < k; i++) {
			if (evs[i].data.ptr != NULL) {
				answer((int)(intptr_t)evs[i].data.ptr);
				continue;
			}
			while ((fd = accept4(listener, NULL, NULL, 0)) != -1)
				watch(ep, fd, EPOLLIN, (void *)(intptr_t)fd);
		}
	}
}

static void
begin(struct conn *c, int ep, const char *relay)
{
	static unsigned char	next;

	c->fd = dial(relay);
	c->sent = next++;
	c->answered = false;
	if (send(c->fd, &c->sent, 1, MSG_NOSIGNAL) != 1)
		die("send");
	watch(ep, c->fd, EPOLLIN, c);
}

/* Hear the byte and the end.  True when both were there. */
static bool
hear(struct conn *c, unsigned long long *done)
{
	unsigned char	said[2];
	ssize_t		got;

	while ((got = recv(c->fd, said, sizeof(said), MSG_DONTWAIT)) > 0) {
		if (c->answered || got > 1 || said[0] != answer_to(c->sent)) {
			fprintf(stderr, "rate: a wrong answer\n");
			exit(1);
		}
		c->answered = true;
	}
	if (got == -1 && errno == EAGAIN)
		return false;
	if (got == -1 || !c->answered)
		die("rate: recv");
	close(c->fd);
	++*done;
	return true;
}

static int
rate(const char *relay, const char *target, int n, double seconds)
{
	struct epoll_event	 evs[EVENTS];
	struct conn		*conns = allocate((size_t)n, sizeof(*conns));
	struct conn		*c;
	unsigned long long	 done = 0;
	uint64_t		 began, end, t;
	int			 listener = listen_on(target), i, k, ep, left = n;
	pid_t			 pid = other();

	if (pid == 0)
		serve(listener);
	ep = epoll_create1(0);
	began = t = now();
	end = began + (uint64_t)(seconds * 1e9);
	for (i = 0; i < n; i++)
		begin(&conns[i], ep, relay);
	while (left > 0) {
		k = look(ep, evs, -1);
		for (i = 0; i < k; i++) {
			c = evs[i].data.ptr;
			if (!hear(c, &done))
				continue;
			t = now();
			if (t < end)
				begin(c, ep, relay);
			else
				left--;
		}
	}
	kill(pid, SIGKILL);
	wait(NULL);
	printf("%.1f %.6f %llu\n", (double)done / ((double)(t - began) / 1e9),
	    cpu_of(RUSAGE_SELF) + cpu_of(RUSAGE_CHILDREN), done);
	return 0;
}

/* --- idle ones, and one that is not --------------------------------------- */

static void
pass(int from, int to, size_t n)
{
	if (send(from, pattern, n, MSG_NOSIGNAL) != (ssize_t)n)
		die("send");
	if (recv(to, buf, n, MSG_WAITALL) != (ssize_t)n ||
	    memcmp(buf, pattern, n) != 0)
		die("recv");
}

/* Both ends of one more connection, which works. */
static void
join(const char *relay, int listener, int fds[2])
{
	fds[0] = dial(relay);
	/* TLS between two relays may ask for it first. */
	if (send(fds[0], pattern, 1, MSG_NOSIGNAL) != 1)
		die("send");
	fds[1] = take(listener);
	if (recv(fds[1], buf, 1, MSG_WAITALL) != 1)
		die("recv");
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

	while ((got = recv(fd, buf, MESSAGE, MSG_WAITALL)) == MESSAGE)
		if (send(fd, buf, MESSAGE, MSG_NOSIGNAL) != MESSAGE)
			die("echo: send");
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
	int		listener = listen_on(target), fds[2], on = 1;
	pid_t		pid;

	join_idle(relay, listener, idle);
	join(relay, listener, fds);
	for (k = 0; k < 2; k++)
		setsockopt(fds[k], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	pid = other();
	if (pid == 0)
		echo(fds[1]);
	printf("ready\n");
	fflush(stdout);
	if (getchar() == EOF)
		return 1;
	end = now() + (uint64_t)(seconds * 1e9);
	while ((t = now()) < end) {
		pass(fds[0], fds[0], MESSAGE);
		times[n++ % SAMPLES] = (uint32_t)(now() - t);
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
	int	listener = listen_on(target);

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
		return bulk(argv[2], argv[3], atoi(argv[4]),
		    strtoull(argv[5], NULL, 10) << 20,
		    strcmp(argv[6], "copy") == 0);
	if (argc == 6 && strcmp(argv[1], "rate") == 0)
		return rate(argv[2], argv[3], atoi(argv[4]), atof(argv[5]));
	if (argc == 6 && strcmp(argv[1], "ping") == 0)
		return ping(argv[2], argv[3], atoi(argv[4]), atof(argv[5]));
	if (argc == 6 && strcmp(argv[1], "hold") == 0)
		return hold(argv[2], argv[3], atoi(argv[4]), atoi(argv[5]));
	return 2;
}
