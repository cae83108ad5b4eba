/*
 * pump_peers: a pump between real descriptors, whose two far ends the test
 * plays itself by turns with the loop.  What an end sends is a pattern that
 * shows whatever is lost, doubled or out of order.
 */
#ifndef PUMP_PEERS_H
#define PUMP_PEERS_H

#include <sys/socket.h>

#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>

#include "help.h"
#include "pump_impl.h"

#define MIB	(1024 * 1024)
#define KIB	1024

/* What a peer sends repeats after this many bytes: no piece is as long. */
#define PATTERN	262139

/* How an end is joined to the pump: a connection, or a pipe each way. */
enum kind { TCP, UNIX, PIPES };

/* Reads and writes of a peer: as much as it can, but for those that ask. */
struct peer {
	int	 in, out;	/* its descriptors; -1: closed */
	int	 pump[2];	/* the pump's, where they are not its own */
	size_t	 total;		/* to be sent */
	size_t	 pause;		/* not more than so many for now */
	size_t	 stop;		/* read so many, and then no more */
	size_t	 put, get;	/* at most so many in one call */
	size_t	 sent, got;
	int	 urgent;	/* so many bytes out of band behind pause */
	bool	 ends;		/* with its end, when all is sent */
	bool	 shut, eof, garbled;
	int	 send_err, recv_err;
};

struct run {
	struct peer		 x[2];
	struct tcpk_stream	*s[2];
	struct tcpk_pump	*p;
	struct tcpk_pump_opts	 opts;
	struct tcpk_pump_report	 report;
	int			 done;
	int			 turns;		/* of the loop */
	bool			 spliced[2];	/* seen to be */
};

static struct tcpk_loop	*loop;
static int		 base;		/* descriptors while nothing runs */
static unsigned char	 pattern[2 * PATTERN];
static unsigned char	 area[4 * MIB];

static void
make_pattern(void)
{
	size_t	i;

	for (i = 0; i < sizeof(pattern); i++)
		pattern[i] = (unsigned char)((i % PATTERN) * 131 +
		    (i % PATTERN) / 251);
}

/* What holds, and with which back end. */
#define say(cond, ...)	do {						\
	char	say_text[400];						\
									\
	snprintf(say_text, sizeof(say_text), __VA_ARGS__);		\
	ok((cond), "%s: %s", tcpk_loop_backend(loop), say_text);	\
} while (0)

/* --- the loops ------------------------------------------------------------ */

/* Do all tests with each back end that this build has.  What main returns. */
static int
with_each_loop(void (*test_all)(void))
{
	static const char *const	names[] = { "epoll", "poll" };
	struct tcpk_err			err;
	size_t				i;

	signal(SIGPIPE, SIG_IGN);
	make_pattern();
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		loop = tcpk_loop_new(names[i], &err);
		if (loop == NULL) {
			note("%s: not in this build", names[i]);
			continue;
		}
		base = count_fds();
		test_all();
		tcpk_loop_free(loop);
	}
	return done_testing();
}

/* Does this build move bytes inside the kernel, here and now? */
__attribute__((unused))
static bool
look_for_pipes(void)
{
	struct tcpk_pipe	*pipe = tcpk_loop_pipe(loop);

	if (pipe == NULL) {
		note("nothing is moved inside the kernel: all copies");
		return false;
	}
	tcpk_loop_pipe_done(loop, pipe, true);
	return true;
}

/* But for those of the ends, no more descriptors are open than so many. */
static bool
pipes_gone(int ends)
{
	uint64_t	end = tcpk_now() + LONG;

	while (count_fds() != base + ends && tcpk_now() < end)
		tcpk_loop_turn(loop, 50 * TCPK_MS, NULL);
	return count_fds() == base + ends;
}

/* --- the ends ------------------------------------------------------------- */

static void
bail(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
no_wait(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static void
make_tcp(int fds[2], int size)
{
	struct sockaddr_in	sin;
	socklen_t		len = sizeof(sin);
	int			l = socket(AF_INET, SOCK_STREAM, 0);

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	if (size != 0) {
		setsockopt(l, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
		setsockopt(fds[0], SOL_SOCKET, SO_RCVBUF, &size,
		    sizeof(size));
	}
	if (bind(l, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(l, 1) == -1 ||
	    getsockname(l, (struct sockaddr *)&sin, &len) == -1 ||
	    connect(fds[0], (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    (fds[1] = accept(l, NULL, NULL)) == -1)
		bail("no connection");
	close(l);
}

/* An end of kind; size (0: the system's) is that of a socket's buffers. */
static void
make_end(struct run *r, int i, enum kind kind, int size)
{
	struct peer	*p = &r->x[i];
	int		 to[2], from[2], j;

	p->pump[0] = p->pump[1] = -1;
	p->pause = p->stop = SIZE_MAX;
	p->put = p->get = sizeof(area);
	p->ends = true;
	if (kind == PIPES) {
		if (pipe(to) == -1 || pipe(from) == -1)
			bail("no pipe");
		p->out = to[1];
		p->in = from[0];
		no_wait(p->out);
		p->pump[0] = to[0];
		p->pump[1] = from[1];
		r->s[i] = tcpk_stream_stdio(loop, to[0], from[1], NULL);
	} else {
		if (kind == TCP)
			make_tcp(to, size);
		else if (socketpair(AF_UNIX, SOCK_STREAM, 0, to) == -1)
			bail("no socket pair");
		for (j = 0; j < 2 && size != 0; j++)
			setsockopt(to[j], SOL_SOCKET, SO_SNDBUF, &size,
			    sizeof(size));
		p->in = p->out = to[0];
		no_wait(to[1]);
		r->s[i] = tcpk_stream_socket(loop, to[1], NULL);
	}
	no_wait(p->in);
}

/* Two ends with a stream each; no pump yet.  size as of make_end. */
static void
prepare_sized(struct run *r, enum kind a, enum kind b, size_t to_b,
    size_t to_a, int size)
{
	memset(r, 0, sizeof(*r));
	make_end(r, 0, a, size);
	make_end(r, 1, b, size);
	r->x[0].total = to_b;
	r->x[1].total = to_a;
	tcpk_pump_defaults(&r->opts);
}

__attribute__((unused))
static void
prepare(struct run *r, enum kind a, enum kind b, size_t to_b, size_t to_a)
{
	prepare_sized(r, a, b, to_b, to_a, 0);
}

static void
on_done(void *arg, const struct tcpk_pump_report *report)
{
	struct run	*r = arg;

	r->done++;
	r->report = *report;
	r->p = NULL;
}

__attribute__((unused))
static void
start(struct run *r)
{
	r->p = tcpk_pump_start(loop, r->s[0], r->s[1], &r->opts, on_done, r,
	    NULL);
}

/* Leave, by a reset if it can be one. */
__attribute__((unused))
static void
hang_up(struct peer *p, bool reset)
{
	struct linger	now = { 1, 0 };

	if (reset)
		setsockopt(p->in, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	if (p->out != p->in && p->out != -1)
		close(p->out);
	if (p->in != -1)
		close(p->in);
	p->in = p->out = -1;
}

/* --- turns ---------------------------------------------------------------- */

static void
end_sending(struct peer *p)
{
	if (p->out == p->in)
		shutdown(p->out, SHUT_WR);
	else {
		close(p->out);
		p->out = -1;
	}
	p->shut = true;
}

static bool
send_some(struct peer *p, int who)
{
	size_t	most = p->total < p->pause ? p->total : p->pause;
	size_t	n = most - p->sent, at = (p->sent + (size_t)who) % PATTERN;
	ssize_t	put;

	if (p->shut || p->send_err != 0 || p->out == -1)
		return false;
	if (p->sent == p->pause && p->urgent > 0 &&
	    send(p->out, "!", 1, MSG_OOB) == 1) {
		p->urgent--;
		p->pause = SIZE_MAX;
		return true;
	}
	if (p->sent == p->total) {
		if (p->ends)
			end_sending(p);
		return p->ends;
	}
	if (most <= p->sent)
		return false;
	n = n < PATTERN ? n : PATTERN;
	put = write(p->out, pattern + at, n < p->put ? n : p->put);
	if (put > 0)
		p->sent += (size_t)put;
	else if (errno != EAGAIN)
		p->send_err = errno;
	return put > 0;
}

/* from: who sends what is read here. */
static bool
read_some(struct peer *p, int from)
{
	size_t	n = p->stop - p->got, at = (p->got + (size_t)from) % PATTERN;
	ssize_t	got;

	if (n == 0 || p->eof || p->recv_err != 0 || p->in == -1)
		return false;
	n = n < PATTERN ? n : PATTERN;
	got = read(p->in, area, n < p->get ? n : p->get);
	if (got > 0) {
		p->garbled |= memcmp(area, pattern + at, (size_t)got) != 0;
		p->got += (size_t)got;
	} else if (got == 0 && p->in == p->out && p->send_err != 0)
		p->recv_err = p->send_err;	/* it is told once */
	else if (got == 0)
		p->eof = true;
	else if (errno != EAGAIN)
		p->recv_err = errno;
	return got >= 0;
}

/* Both peers, as much as they can; false when neither could do a thing. */
static bool
play(struct run *r)
{
	bool	echo = r->s[0] == r->s[1], moved = false, sent, got;
	int	i, n;

	for (i = 0; i < 2; i++)
		for (n = 0; n < 64; n++) {
			sent = send_some(&r->x[i], i);
			got = read_some(&r->x[i], echo ? i : !i);
			if (!sent && !got)
				break;
			moved = true;
		}
	return moved;
}

/* One turn for everybody; when no peer moves the loop waits for at most max. */
static bool
step_for(struct run *r, uint64_t max)
{
	bool	moved = play(r);
	int	i;

	r->turns++;
	tcpk_loop_turn(loop, moved ? 0 : max, NULL);
	for (i = 0; i < 2 && r->p != NULL; i++)
		r->spliced[i] |= r->p->half[i].splice == YES;
	return moved;
}

__attribute__((unused))
static bool
step(struct run *r)
{
	return step_for(r, 2 * TCPK_MS);
}

/* Until cond holds, or for too long. */
#define until(r, cond)	do {						\
	uint64_t	until_end = tcpk_now() + LONG;			\
									\
	while (!(cond) && tcpk_now() < until_end)			\
		step(r);						\
} while (0)

/* Until nothing moves any more although it may. */
__attribute__((unused))
static void
settle(struct run *r)
{
	uint64_t	end = tcpk_now() + LONG, last = tcpk_now();

	while (tcpk_now() - last < 60 * TCPK_MS && tcpk_now() < end)
		if (step(r))
			last = tcpk_now();
}

static bool
over(const struct peer *p)
{
	return p->in == -1 || p->eof || p->recv_err != 0;
}

/* To the end of everything. */
__attribute__((unused))
static void
finish(struct run *r)
{
	until(r, r->done > 0 && over(&r->x[0]) && over(&r->x[1]));
}

/* Nothing is left of it. */
__attribute__((unused))
static void
clean(struct run *r)
{
	int	i;

	tcpk_pump_cancel(r->p);
	r->p = NULL;
	for (i = 0; i < 2; i++) {
		hang_up(&r->x[i], false);
		if (r->x[i].pump[0] != -1)
			close(r->x[i].pump[0]);
		if (r->x[i].pump[1] != -1)
			close(r->x[i].pump[1]);
	}
}

/* --- what came of it ------------------------------------------------------ */

__attribute__((unused))
static void
explain(const struct run *r)
{
	int	i;

	note("done %d %s \"%s\" side %d taken %llu %llu bytes %llu %llu",
	    r->done, tcpk_err_word(r->report.err.kind), r->report.err.text,
	    r->report.side, (unsigned long long)r->report.taken[0],
	    (unsigned long long)r->report.taken[1],
	    (unsigned long long)r->report.bytes[0],
	    (unsigned long long)r->report.bytes[1]);
	for (i = 0; i < 2; i++)
		note("peer %d: sent %zu of %zu got %zu eof %d garbled %d "
		    "errors %d %d", i, r->x[i].sent, r->x[i].total,
		    r->x[i].got, r->x[i].eof, r->x[i].garbled,
		    r->x[i].send_err, r->x[i].recv_err);
}

/* Everything arrived, its end too, and the report says just that. */
__attribute__((unused))
static bool
arrived(const struct run *r)
{
	size_t	to_b = r->x[0].total, to_a = r->x[1].total;
	bool	fine = r->done == 1 && r->report.err.kind == TCPK_OK &&
		    r->x[0].eof && r->x[1].eof &&
		    !r->x[0].garbled && !r->x[1].garbled &&
		    r->x[1].got == to_b && r->x[0].got == to_a &&
		    r->report.bytes[0] == to_b && r->report.bytes[1] == to_a &&
		    r->report.taken[0] == to_b && r->report.taken[1] == to_a;

	if (!fine)
		explain(r);
	return fine;
}

#endif
