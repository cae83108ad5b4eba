/*
 * The two ends of the echo bench.
 *
 *	bench_echo serve PORT			a bare epoll echo server
 *	bench_echo ping PORT CLIENTS SECONDS	64 bytes to and fro
 *	bench_echo bulk PORT CLIENTS SECONDS	as much as goes, both ways
 *	bench_echo rate PORT SECONDS		connect, one message, close
 *	bench_echo hold PORT CLIENTS		connect, say so, wait for input
 *
 * ping prints round trips a second and their p99 in microseconds; bulk
 * megabytes a second that came back, and the longest pause in milliseconds;
 * rate connections a second.  All on 127.0.0.1.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE	64
#define PIECE	(64 * 1024)
#define SAMPLES	(1 << 22)

struct conn {
	int		fd;
	size_t		got;
	uint64_t	sent_at;
};

static char	buf[PIECE];

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
	int			fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	if (fd == -1 || connect(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0)
		die("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static void
watch(int ep, int fd, uint32_t events, void *p)
{
	struct epoll_event	ev = { .events = events, .data.ptr = p };

	if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) == -1)
		die("epoll_ctl");
}

/* The least that an echo server can do; a full socket is waited for. */
static void
serve(const char *port)
{
	struct sockaddr_in	sin = address(port);
	struct epoll_event	evs[128];
	int			ep = epoll_create1(0), l, fd, i, n, on = 1;
	ssize_t			got, put, at;

	l = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(l, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(l, 4096) == -1)
		die("listen");
	watch(ep, l, EPOLLIN, (void *)(intptr_t)l);
	for (;;) {
		n = epoll_wait(ep, evs, 128, -1);
		for (i = 0; i < n; i++) {
			fd = (int)(intptr_t)evs[i].data.ptr;
			if (fd == l) {
				while ((fd = accept4(l, NULL, NULL,
				    SOCK_NONBLOCK)) != -1)
					watch(ep, fd, EPOLLIN,
					    (void *)(intptr_t)fd);
				continue;
			}
			got = recv(fd, buf, sizeof(buf), 0);
			for (at = 0; at < got; at += put)
				if ((put = send(fd, buf + at,
				    (size_t)(got - at), MSG_NOSIGNAL)) == -1)
					put = 0;
			if (got == 0 || (got == -1 && errno != EAGAIN))
				close(fd);
		}
	}
}

static int
by_value(const void *a, const void *b)
{
	const uint32_t	*x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static struct conn *
connect_all(const char *port, int n, int ep, uint32_t events)
{
	struct conn	*conns = calloc((size_t)n, sizeof(*conns));
	int		 i;

	for (i = 0; i < n; i++) {
		conns[i].fd = dial(port);
		if (ep != -1)
			watch(ep, conns[i].fd, events, &conns[i]);
	}
	return conns;
}

static void
send_one(struct conn *c)
{
	c->got = 0;
	c->sent_at = now();
	if (send(c->fd, buf, MESSAGE, MSG_NOSIGNAL) != MESSAGE)
		die("send");
}

static void
ping(const char *port, int n, double seconds)
{
	static uint32_t		 times[SAMPLES];
	struct epoll_event	 evs[256];
	int			 ep = epoll_create1(0), i, k;
	struct conn		*conns = connect_all(port, n, ep, EPOLLIN), *c;
	size_t			 done = 0;
	uint64_t		 began = now(), end, t;
	ssize_t			 got;

	end = began + (uint64_t)(seconds * 1e9);
	for (i = 0; i < n; i++)
		send_one(&conns[i]);
	while ((t = now()) < end) {
		k = epoll_wait(ep, evs, 256, 1000);
		for (i = 0; i < k; i++) {
			c = evs[i].data.ptr;
			got = recv(c->fd, buf, MESSAGE, MSG_DONTWAIT);
			if (got <= 0)
				die("recv");
			c->got += (size_t)got;
			if (c->got < MESSAGE)
				continue;
			times[done++ % SAMPLES] =
			    (uint32_t)((now() - c->sent_at) / 100);
			send_one(c);
		}
	}
	if (done == 0)
		die("no reply");
	k = done < SAMPLES ? (int)done : SAMPLES;
	qsort(times, (size_t)k, sizeof(times[0]), by_value);
	printf("%.0f %.1f\n", (double)done / ((double)(t - began) / 1e9),
	    times[(size_t)k * 99 / 100] / 10.0);
}

static void
bulk(const char *port, int n, double seconds)
{
	struct epoll_event	 evs[256];
	int			 ep = epoll_create1(0), i, k;
	struct conn		*c;
	uint64_t		 began, end, t, last, pause = 0, total = 0;
	ssize_t			 got;

	connect_all(port, n, ep, EPOLLIN | EPOLLOUT);
	began = last = now();
	end = began + (uint64_t)(seconds * 1e9);
	while ((t = now()) < end) {
		k = epoll_wait(ep, evs, 256, 100);
		for (i = 0; i < k; i++) {
			c = evs[i].data.ptr;
			if ((evs[i].events & EPOLLOUT) != 0)
				send(c->fd, buf, sizeof(buf),
				    MSG_DONTWAIT | MSG_NOSIGNAL);
			if ((evs[i].events & EPOLLIN) == 0)
				continue;
			got = recv(c->fd, buf, sizeof(buf), MSG_DONTWAIT);
			if (got > 0) {
				total += (uint64_t)got;
				last = t;
			}
		}
		if (t - last > pause)
			pause = t - last;
	}
	printf("%.1f %.1f\n", (double)total / 1e6 / seconds,
	    (double)pause / 1e6);
}

static void
rate(const char *port, double seconds)
{
	struct linger	 lin = { 1, 0 };
	uint64_t	 end = now() + (uint64_t)(seconds * 1e9), n = 0;
	int		 fd;

	for (; now() < end; n++) {
		fd = dial(port);
		if (send(fd, buf, MESSAGE, MSG_NOSIGNAL) != MESSAGE ||
		    recv(fd, buf, MESSAGE, MSG_WAITALL) != MESSAGE)
			die("rate");
		/* Ports would run out in TIME_WAIT. */
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &lin, sizeof(lin));
		close(fd);
	}
	printf("%.0f 0\n", (double)n / seconds);
}

int
main(int argc, char **argv)
{
	struct rlimit	r;

	getrlimit(RLIMIT_NOFILE, &r);
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		serve(argv[2]);
	if (argc == 5 && strcmp(argv[1], "ping") == 0)
		ping(argv[2], atoi(argv[3]), atof(argv[4]));
	else if (argc == 5 && strcmp(argv[1], "bulk") == 0)
		bulk(argv[2], atoi(argv[3]), atof(argv[4]));
	else if (argc == 4 && strcmp(argv[1], "rate") == 0)
		rate(argv[2], atof(argv[3]));
	else if (argc == 4 && strcmp(argv[1], "hold") == 0) {
		connect_all(argv[2], atoi(argv[3]), -1, 0);
		printf("held\n");
		fflush(stdout);
		return getchar() == EOF ? 0 : 0;
	} else
		return 2;
	return 0;
}
