/*
 * bench_load: the ends of every bench.  They count every byte and compare it,
 * and leave with status 1, and without a figure, when one is lost, wrong or
 * too much.  All on 127.0.0.1.
 *
 *	bench_load [-t LIMIT] MODE ...		not longer than LIMIT s (120)
 *
 *	feed BYTES			the pattern, to standard output
 *	sink				from standard input; says how many came
 *	lines NETS LIST LINES N M	files: N networks, for two tools, and
 *					M lines, 3 in 10 inside of one
 *	messages PORT N SECONDS		N clients of an echo, 64 bytes each:
 *					messages a second, p99 in us, and
 *					how many there were
 *	echo PORT N MIB copy|trunc	to an echo and back, both at once: s
 *	bulk PORT FD N MIB copy|trunc	through a relay to its target: s
 *	rate PORT FD N SECONDS		through it, N at a time: connections
 *					a second, and how many there were
 *	ping PORT FD SECONDS		64 bytes to the target and back: p50
 *					and p99 in us, and how many
 *	hold PORT FD N MORE		says "held" when N connections are
 *					there, and after a line with MORE
 *
 * PORT is that of what is measured, FD a socket that listens where a relay's
 * target is to be.  "copy" writes from memory and compares what arrives;
 * "trunc" sends a file and only counts, so that neither end touches a byte
 * (with an echo: it compares one piece in eight).
 */

#include "load.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

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

#define SAMPLES	(1 << 20)

static const struct {
	const char	*name;
	int		 args;
	int		(*run)(char **);
} modes[] = {
	{ "feed", 1, load_feed },
	{ "sink", 0, load_sink },
	{ "lines", 5, load_lines },
	{ "messages", 3, load_messages },
	{ "echo", 4, load_echo },
	{ "bulk", 5, load_bulk },
	{ "rate", 4, load_rate },
	{ "ping", 3, load_ping },
	{ "hold", 4, load_hold },
};

/* To copy to an odd address takes some CPUs four times as long. */
unsigned char	load_pattern[LOAD_PERIOD + LOAD_PIECE]
		    __attribute__((aligned(64)));
unsigned char	load_buf[LOAD_PIECE] __attribute__((aligned(64)));

static unsigned		limit = 120;	/* s */
static uint64_t		state = 88172645463325252u;
static uint32_t		times[SAMPLES];
static uint64_t		noted;
static bool		sorted;

void
load_die(const char *what)
{
	perror(what);
	exit(1);
}

void
load_wrong(const char *what)
{
	fprintf(stderr, "bench_load: %s\n", what);
	exit(1);
}

uint64_t
load_now(void)
{
	struct timespec	ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

uint64_t
load_until(const char *seconds)
{
	return load_now() + (uint64_t)(atof(seconds) * 1e9);
}

uint64_t
load_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static void
make_pattern(void)
{
	size_t	i;

	for (i = 0; i < LOAD_PERIOD; i++)
		load_pattern[i] = (unsigned char)load_random();
	memcpy(load_pattern + LOAD_PERIOD, load_pattern, LOAD_PIECE);
}

bool
load_same(const unsigned char *p, size_t n, uint64_t at)
{
	return memcmp(p, load_pattern + at % LOAD_PERIOD, n) == 0;
}

int
load_dial(const char *port, bool bulk)
{
	struct sockaddr_in	sin = { .sin_family = AF_INET };
	int			fd;

	sin.sin_port = htons((uint16_t)atoi(port));
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd == -1)
		load_die("socket");
	/* Else a clock (BBR's) would be measured, as with the target. */
	if (bulk && setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno",
	    4) == -1)
		load_die("reno");
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0)
		load_die("connect");
	return fd;
}

int
load_take(int listener)
{
	int	fd;

	fd = accept4(listener, NULL, NULL, 0);
	if (fd == -1)
		load_die("accept");
	return fd;
}

int
load_file(void)
{
	int	fd = memfd_create("pattern", 0);

	if (fd == -1 || write(fd, load_pattern, sizeof(load_pattern)) !=
	    (ssize_t)sizeof(load_pattern))
		load_die("memfd");
	return fd;
}

ssize_t
load_put(int fd, int file, uint64_t at, size_t n)
{
	off_t	from = (off_t)(at % LOAD_PERIOD);

	return file == -1 ? send(fd, load_pattern + from, n, MSG_DONTWAIT) :
	    sendfile(fd, file, &from, n);
}

void
load_watch(int ep, int fd, uint32_t events, void *p)
{
	struct epoll_event	ev = { .events = events, .data.ptr = p };

	if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) == -1)
		load_die("epoll_ctl");
}

int
load_look(int ep, struct epoll_event *evs)
{
	int	n;

	n = epoll_wait(ep, evs, LOAD_EVENTS, -1);
	if (n == -1 && errno != EINTR)
		load_die("epoll_wait");
	return n == -1 ? 0 : n;
}

void *
load_allocate(size_t n, size_t size)
{
	void	*p;

	p = calloc(n, size);
	if (p == NULL)
		load_die("calloc");
	return p;
}

pid_t
load_other(void)
{
	pid_t	pid;

	pid = fork();
	if (pid == -1)
		load_die("fork");
	if (pid == 0)
		alarm(limit);
	return pid;
}

void
load_note(uint64_t took)
{
	times[noted++ % SAMPLES] = took < UINT32_MAX ? (uint32_t)took :
	    UINT32_MAX;
}

uint64_t
load_noted(void)
{
	return noted;
}

static int
by_value(const void *a, const void *b)
{
	const uint32_t	*x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

double
load_us_of(unsigned percent)
{
	size_t	n = noted < SAMPLES ? (size_t)noted : SAMPLES;

	if (n == 0)
		load_wrong("nothing came back");
	if (!sorted)
		qsort(times, n, sizeof(times[0]), by_value);
	sorted = true;
	return times[n * percent / 100] / 1e3;
}

int
main(int argc, char **argv)
{
	struct rlimit	r;
	size_t		i;

	if (argc > 2 && strcmp(argv[1], "-t") == 0) {
		limit = (unsigned)atoi(argv[2]);
		argc -= 2;
		argv += 2;
	}
	signal(SIGPIPE, SIG_IGN);
	alarm(limit);
	getrlimit(RLIMIT_NOFILE, &r);
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
	make_pattern();
	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (argc > 1 && strcmp(argv[1], modes[i].name) == 0 &&
		    argc == modes[i].args + 2)
			return modes[i].run(argv + 2);
	fprintf(stderr, "usage: bench_load [-t LIMIT] MODE ...\n");
	return 2;
}
