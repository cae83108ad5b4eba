/*
 * pump: the last bytes of a direction and its end go out together, where the
 * system can do that; and never wait for an end that is not passed on.
 */

#ifdef __linux__
#include <linux/tcp.h>		/* libc's has an older struct tcp_info */
#endif

#include "pump_peers.h"

#define SOME	100

/* Segments that have come at a TCP socket; -1: the system does not count. */
static long
segments(int fd)
{
#ifdef __linux__
	struct tcp_info	info;
	socklen_t	len = sizeof(info);

	memset(&info, 0, sizeof(info));
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0)
		return (long)info.tcpi_segs_in;
#endif
	(void)fd;
	return -1;
}

/* Does the loop say with the last bytes that the end is behind them? */
static bool
tells_end(void)
{
	return strcmp(tcpk_loop_backend(loop), "epoll") == 0;
}

/* All that comes at a peer within so long, or until its end. */
static size_t
hear(struct run *r, struct peer *p, size_t n)
{
	until(r, p->got >= n || over(p));
	return p->got;
}

static void
test_together(enum kind kind)
{
	const char	*what = kind == TCP ? "TCP" : "Unix";
	struct run	 r;
	long		 before;

	prepare(&r, kind, TCP, SOME, 0);
	r.x[1].ends = false;
	before = tells_end() ? segments(r.x[1].in) : -1;
	/* All of it is there when the pump looks for the first time. */
	play(&r);
	start(&r);
	until(&r, over(&r.x[1]));
	say(r.x[1].got == SOME && r.x[1].eof && !r.x[1].garbled,
	    "from %s: %d bytes and the end", what, SOME);
	if (before != -1)
		say(segments(r.x[1].in) - before == 1, "from %s: in one "
		    "segment (%ld)", what, segments(r.x[1].in) - before);
	r.x[1].ends = true;
	finish(&r);
	say(arrived(&r), "from %s: all is well after that", what);
	clean(&r);
}

/* What is not followed by an end goes at once. */
static void
test_apart(const char *what, void (*ask)(struct tcpk_half_opts *), size_t n)
{
	uint64_t	end = tcpk_now() + LONG;
	struct run	r;
	char		c;

	prepare(&r, TCP, TCP, SOME, SOME);
	r.x[1].ends = false;
	ask(&r.opts.half[0]);
	r.x[0].pause = 0;
	start(&r);
	until(&r, r.x[0].got == SOME);
	r.x[0].pause = SIZE_MAX;
	play(&r);
	while (r.p->half[0].bytes != n && tcpk_now() < end)
		tcpk_loop_turn(loop, LONG, NULL);
	/* Nobody waits here: what was kept back is not there. */
	say(recv(r.x[1].in, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 1,
	    "%s: the bytes are there at once", what);
	say(hear(&r, &r.x[1], n) == n && !r.x[1].garbled,
	    "%s: %zu bytes", what, n);
	clean(&r);
}

static void
no_shutdown(struct tcpk_half_opts *o)
{
	o->no_shutdown = true;
}

static void
no_finish(struct tcpk_half_opts *o)
{
	o->no_finish = true;
}

/* What is behind it is thrown away before the end can be passed on. */
static void
limit(struct tcpk_half_opts *o)
{
	o->limit = SOME / 2;
}

/* The bytes were the last, but no end came: they are not kept back. */
static void
test_broken(void)
{
	struct run	r;

	prepare(&r, TCP, TCP, SOME, 0);
	r.x[0].ends = r.x[1].ends = false;
	play(&r);
	hang_up(&r.x[0], true);
	start(&r);
	until(&r, r.done > 0 && over(&r.x[1]));
	/* Some systems throw away what lies before a reset. */
	say((r.x[1].got == SOME || r.x[1].got == 0) && !r.x[1].garbled &&
	    !r.x[1].eof && r.report.err.kind == TCPK_ECUT,
	    "a reset behind the last bytes (%zu came)", r.x[1].got);
	clean(&r);
}

/* More than what is taken at once: what is left waits for room, then goes. */
static void
test_full(void)
{
	struct run	r;

	prepare_sized(&r, TCP, TCP, 3 * MIB, 0, 4096);
	r.x[1].stop = 0;
	start(&r);
	settle(&r);
	r.x[1].stop = SIZE_MAX;
	finish(&r);
	say(arrived(&r), "a reader who comes late has all of it");
	clean(&r);
}

static void
test_echo(void)
{
	struct run	r;
	long		before;

	memset(&r, 0, sizeof(r));
	make_end(&r, 0, TCP, 0);
	r.s[1] = r.s[0];
	r.x[0].total = SOME;
	r.x[1].in = r.x[1].out = r.x[1].pump[0] = r.x[1].pump[1] = -1;
	tcpk_pump_defaults(&r.opts);
	before = tells_end() ? segments(r.x[0].in) : -1;
	send_some(&r.x[0], 0);
	send_some(&r.x[0], 0);
	start(&r);
	until(&r, r.done > 0 && over(&r.x[0]));
	say(r.x[0].got == SOME && r.x[0].eof && !r.x[0].garbled &&
	    r.report.err.kind == TCPK_OK, "an echo and its end");
	if (before != -1)
		say(segments(r.x[0].in) - before <= 2,
		    "an echo: with an acknowledgement %ld segments",
		    segments(r.x[0].in) - before);
	clean(&r);
	say(pipes_gone(0), "no descriptor is left");
}

static void
test_all(void)
{
	test_together(TCP);
	test_together(UNIX);
	test_apart("no_shutdown", no_shutdown, SOME);
	test_apart("no_finish", no_finish, SOME);
	test_apart("a limit", limit, SOME / 2);
	test_broken();
	test_full();
	test_echo();
}

int
main(void)
{
	return with_each_loop(test_all);
}
