/*
 * pump: bytes in bulk between real sockets, where they are moved inside the
 * kernel.  In a build that copies all of them the same must hold.
 */

#include <sys/socket.h>

#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>

#include "help.h"
#include "loop_impl.h"
#include "pump_impl.h"

#define MIB	(1024 * 1024)
#define KIB	1024

/* What a peer sends repeats after this many bytes: no piece is as long. */
#define PATTERN	65521

/* The end of a connection of each kind. */
enum kind { TCP, UNIX };

struct peer {
	int		 fd;
	size_t		 total;		/* to be sent */
	size_t		 pause;		/* not more than so many for now */
	size_t		 stop;		/* read so many, and then no more */
	size_t		 sent, got;
	int		 urgent;	/* sends a byte out of band behind pause */
	bool		 ends;		/* with a half-close, when all is sent */
	bool		 shut, eof, garbled;
	int		 send_err, recv_err;
};

struct run {
	struct peer		 x[2];
	struct tcpk_stream	*s[2];
	struct tcpk_pump	*p;
	struct tcpk_pump_opts	 opts;
	struct tcpk_pump_report	 report;
	int			 done;
	bool			 spliced[2];	/* seen to be */
};

static struct tcpk_loop	*loop;
static enum kind	 kind;
static bool		 have_pipes;
static int		 base;		/* descriptors while nothing runs */
static unsigned char	 pattern[2 * PATTERN];
static unsigned char	 area[PATTERN];

#define say(cond, ...)	do {						\
	char	say_text[200];						\
									\
	snprintf(say_text, sizeof(say_text), __VA_ARGS__);		\
	ok((cond), "%s, %s: %s", tcpk_loop_backend(loop),		\
	    kind == TCP ? "tcp" : "unix", say_text);			\
} while (0)

/* --- both peers, played by turns with the loop ---------------------------- */

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
	    (fds[1] = accept(l, NULL, NULL)) == -1) {
		printf("Bail out! no connection: %s\n", strerror(errno));
		exit(1);
	}
	close(l);
}

/* A connection; size (0: the system's) is that of its buffers. */
static void
make_ends(int fds[2], int size)
{
	int	i;

	if (kind == TCP)
		make_tcp(fds, size);
	else if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == -1) {
		printf("Bail out! no socket pair: %s\n", strerror(errno));
		exit(1);
	}
	for (i = 0; i < 2; i++) {
		fcntl(fds[i], F_SETFL, fcntl(fds[i], F_GETFL) | O_NONBLOCK);
		if (size != 0)
			setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size,
			    sizeof(size));
	}
}

/* Two connections, a stream over one end of each; no pump yet. */
static void
prepare(struct run *r, size_t to_b, size_t to_a, int size)
{
	int	fds[2], i;

	memset(r, 0, sizeof(*r));
	for (i = 0; i < 2; i++) {
		make_ends(fds, size);
		r->x[i].fd = fds[0];
		r->x[i].total = i == 0 ? to_b : to_a;
		r->x[i].pause = r->x[i].stop = SIZE_MAX;
		r->x[i].ends = true;
		r->s[i] = tcpk_stream_socket(loop, fds[1], NULL);
	}
	tcpk_pump_defaults(&r->opts);
}

static void
on_done(void *arg, const struct tcpk_pump_report *report)
{
	struct run	*r = arg;

	r->done++;
	r->report = *report;
	r->p = NULL;
}

static void
start(struct run *r)
{
	r->p = tcpk_pump_start(loop, r->s[0], r->s[1], &r->opts, on_done, r,
	    NULL);
}

static bool
send_some(struct peer *p, int who)
{
	size_t	most = p->total < p->pause ? p->total : p->pause;
	size_t	n = most - p->sent, at = (p->sent + (size_t)who) % PATTERN;
	ssize_t	put;

	if (p->sent == p->pause && p->urgent > 0 && p->send_err == 0 &&
	    send(p->fd, "!", 1, MSG_OOB | MSG_NOSIGNAL) == 1) {
		p->urgent--;
		p->pause = SIZE_MAX;
		return true;
	}
	if (p->shut || p->send_err != 0)
		return false;
	if (p->sent == p->total) {
		if (!p->ends)
			return false;
		shutdown(p->fd, SHUT_WR);
		p->shut = true;
		return true;
	}
	if (n == 0)
		return false;
	put = send(p->fd, pattern + at, n < PATTERN ? n : PATTERN,
	    MSG_DONTWAIT | MSG_NOSIGNAL);
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

	if (n == 0 || p->eof || p->recv_err != 0)
		return false;
	got = recv(p->fd, area, n < PATTERN ? n : PATTERN, MSG_DONTWAIT);
	if (got > 0) {
		p->garbled |= memcmp(area, pattern + at, (size_t)got) != 0;
		p->got += (size_t)got;
	} else if (got == 0 && p->send_err != 0)
		p->recv_err = p->send_err;	/* it is told once */
	else if (got == 0)
		p->eof = true;
	else if (errno != EAGAIN)
		p->recv_err = errno;
	return got >= 0;
}

/* One turn for everybody; false when no peer had anything to do. */
static bool
step(struct run *r)
{
	bool	echo = r->s[0] == r->s[1], moved = false, sent, got;
	int	i, turn;

	for (i = 0; i < 2; i++)
		for (turn = 0; turn < 8 && r->x[i].fd != -1; turn++) {
			sent = send_some(&r->x[i], i);
			got = read_some(&r->x[i], echo ? i : !i);
			if (!sent && !got)
				break;
			moved = true;
		}
	tcpk_loop_turn(loop, moved ? 0 : 2 * TCPK_MS, NULL);
	for (i = 0; i < 2 && r->p != NULL; i++)
		r->spliced[i] |= r->p->half[i].splice == YES;
	return moved;
}

/* Until cond holds, or for too long. */
#define until(r, cond)	do {						\
	uint64_t	until_end = tcpk_now() + LONG;			\
									\
	while (!(cond) && tcpk_now() < until_end)			\
		step(r);						\
} while (0)

/* Until nothing moves any more although it may. */
static void
settle(struct run *r)
{
	uint64_t	end = tcpk_now() + LONG, last = tcpk_now();

	while (tcpk_now() - last < 60 * TCPK_MS && tcpk_now() < end)
		if (step(r))
			last = tcpk_now();
}

static void
hang_up(struct peer *p, bool reset)
{
	struct linger	now = { 1, 0 };

	if (p->fd == -1)
		return;
	if (reset)
		setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(p->fd);
	p->fd = -1;
}

static bool
over(const struct peer *p)
{
	return p->fd == -1 || p->eof || p->recv_err != 0;
}

/* To the end of everything. */
static void
finish(struct run *r)
{
	until(r, r->done > 0 && over(&r->x[0]) && over(&r->x[1]));
}

/* But for those of the ends, so many. */
static bool
pipes_gone(int ends)
{
	uint64_t	end = tcpk_now() + LONG;

	while (count_fds() != base + ends && tcpk_now() < end)
		tcpk_loop_turn(loop, 50 * TCPK_MS, NULL);
	return count_fds() == base + ends;
}

/* Nothing is left of it; the pipes that are kept need not be waited for. */
static void
clean(struct run *r)
{
	tcpk_pump_cancel(r->p);
	r->p = NULL;
	hang_up(&r->x[0], false);
	hang_up(&r->x[1], false);
}

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

/* --- ends that are clean -------------------------------------------------- */

static void
test_both_ways(void)
{
	struct run	r;

	prepare(&r, 9 * MIB + 1, 7 * MIB + 13, 0);
	start(&r);
	finish(&r);
	say(arrived(&r), "several MiB each way at once");
	say(r.spliced[0] == have_pipes && r.spliced[1] == have_pipes,
	    "inside the kernel, where that can be");
	clean(&r);
	prepare(&r, 6 * MIB, 0, 0);
	start(&r);
	finish(&r);
	say(arrived(&r), "one way, the other ends at once");
	say(r.spliced[0] == have_pipes && !r.spliced[1],
	    "short directions are copied");
	clean(&r);
}

static void
test_ends(void)
{
	static const size_t	sizes[] = {
		MIB - 1, MIB, MIB + 1, MIB + 4096, MIB + 64 * KIB,
		MIB + 256 * KIB, 2 * MIB - 1, 2 * MIB, 2 * MIB + 1,
		2 * MIB + 256 * KIB, 3 * MIB, 3 * MIB + 1
	};
	struct run		r;
	size_t			i;
	int			way, bad = 0;

	for (way = 0; way < 2; way++)
		for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			prepare(&r, way == 0 ? sizes[i] : 5,
			    way == 0 ? 5 : sizes[i],
			    i % 2 == 0 ? 0 : 64 * KIB);
			start(&r);
			finish(&r);
			if (!arrived(&r)) {
				note("of %zu bytes, half %d", sizes[i], way);
				bad++;
			}
			clean(&r);
		}
	say(bad == 0, "half-closes around 1 MiB and a pipe's size (%d bad)",
	    bad);
}

/* The other direction goes on after a half-close, also in bulk. */
static void
test_one_ends_first(void)
{
	struct run	r;

	prepare(&r, 3 * MIB, 5 * MIB, 0);
	r.x[1].pause = MIB + 1;
	start(&r);
	until(&r, r.x[1].eof);
	say(r.done == 0 && r.x[1].got == r.x[0].total,
	    "the end is passed on while the other direction is open");
	r.x[1].pause = SIZE_MAX;
	finish(&r);
	say(arrived(&r) && r.report.side == 0, "which then goes on");
	clean(&r);
	prepare(&r, 3 * MIB, 3 * MIB, 0);
	r.opts.half[0].no_shutdown = true;
	r.x[1].pause = 2 * MIB;
	start(&r);
	until(&r, r.x[1].got == r.x[0].total && r.x[0].got == 2 * MIB);
	settle(&r);
	say(!r.x[1].eof && r.done == 0, "no_shutdown: the end is held back");
	r.x[1].pause = SIZE_MAX;
	finish(&r);
	say(arrived(&r), "no_shutdown: until the other has ended");
	clean(&r);
}

static void
test_echo(void)
{
	struct run	r;

	prepare(&r, 9 * MIB, 0, 0);
	tcpk_stream_free(r.s[1]);
	hang_up(&r.x[1], false);
	r.s[1] = r.s[0];
	start(&r);
	finish(&r);
	say(r.done == 1 && r.report.err.kind == TCPK_OK && r.x[0].eof &&
	    r.x[0].got == 9 * MIB && !r.x[0].garbled &&
	    r.report.bytes[0] == 9 * MIB, "echo");
	say(r.spliced[0] == have_pipes, "echo: inside the kernel");
	clean(&r);
}

static void
test_idle(void)
{
	struct run	r;
	int		i;

	prepare(&r, 8 * MIB, 8 * MIB, 0);
	r.x[0].pause = 4 * MIB;
	r.x[1].pause = 3 * MIB;
	start(&r);
	until(&r, r.x[1].got == 4 * MIB && r.x[0].got == 3 * MIB);
	say(r.p != NULL && r.p->half[0].pipe == NULL &&
	    r.p->half[1].pipe == NULL && r.p->half[0].buf == NULL &&
	    r.p->half[1].buf == NULL, "idle after bulk: nothing is borrowed");
	say(pipes_gone(4), "and soon no pipe is open");
	for (i = 1; i <= 100; i++) {
		r.x[0].pause++;
		until(&r, r.x[1].got == r.x[0].pause);
	}
	say(r.x[1].got == 4 * MIB + 100 && !r.x[1].garbled,
	    "single bytes pass as before");
	r.x[0].pause = r.x[1].pause = SIZE_MAX;
	finish(&r);
	say(arrived(&r), "and then bulk again");
	clean(&r);
}

/* A byte out of band is not in the stream; those around it are. */
static void
test_urgent(void)
{
	struct run	r;
	int		n, bad = 0;

	if (kind == UNIX)
		return;
	for (n = 0; n < 4; n++) {
		prepare(&r, 4 * MIB, 10, 0);
		r.x[0].pause = 2 * MIB + (size_t)n * 100000;
		r.x[0].urgent = 1;
		/* With more and the end behind it, or alone at first. */
		if (n % 2 == 0) {
			r.x[0].total = r.x[0].pause;
			r.x[0].ends = false;
		}
		start(&r);
		until(&r, r.x[0].urgent == 0);
		if (n % 2 == 0)
			settle(&r);
		r.x[0].total = 4 * MIB;
		r.x[0].ends = true;
		finish(&r);
		if (!arrived(&r))
			bad++;
		clean(&r);
	}
	say(bad == 0, "bytes around one out of band (%d bad)", bad);
	prepare(&r, 4 * MIB, 10, 0);
	r.x[0].pause = 2 * MIB;
	r.x[0].urgent = 1;
	r.x[0].ends = r.x[1].ends = false;
	start(&r);
	until(&r, r.x[1].got == 4 * MIB);
	say(r.x[1].got == 4 * MIB && turn_for(loop, 50 * TCPK_MS) <= 10,
	    "they pass, and nothing spins, without an end too");
	clean(&r);
}

/* --- readers that stop ---------------------------------------------------- */

static void
test_stopped(void)
{
	struct run	r;
	size_t		sent;
	int		way;

	for (way = 0; way < 2; way++) {
		prepare(&r, way == 0 ? 40 * MIB : 1, way == 0 ? 1 : 40 * MIB,
		    128 * KIB);
		r.x[!way].stop = 3 * MIB;
		start(&r);
		until(&r, r.x[!way].got == 3 * MIB);
		settle(&r);
		sent = r.x[way].sent;
		say(sent < 7 * MIB,
		    "half %d: a stopped reader stops its writer (%zu)", way,
		    sent - 3 * MIB);
		say(count_fds() <= base + 4 + 9 * 2,
		    "half %d: with one pipe, and 8 that are kept", way);
		say(turn_for(loop, 50 * TCPK_MS) <= 10,
		    "half %d: and nobody spins meanwhile", way);
		say(!have_pipes || (r.p->half[way].pipe != NULL &&
		    r.p->half[way].off < r.p->half[way].len),
		    "half %d: bytes lie in the pipe", way);
		r.x[!way].stop = SIZE_MAX;
		r.x[way].pause = sent;
		until(&r, r.x[!way].got == sent);
		say(r.x[!way].got == sent && pipes_gone(4),
		    "half %d: it reads on, and the pipes go", way);
		r.x[way].pause = SIZE_MAX;
		finish(&r);
		say(arrived(&r), "half %d: and all arrives", way);
		clean(&r);
	}
}

/* The writer has ended when its last bytes still lie in the pipe. */
static void
test_ends_behind(void)
{
	struct run	r;
	int		i, bad = 0;

	for (i = 0; i < 4; i++) {
		prepare(&r, 4 * MIB + (size_t)i, 2 * MIB, 128 * KIB);
		r.x[1].stop = 3 * MIB + (size_t)i * 300000;
		start(&r);
		until(&r, r.x[1].got == r.x[1].stop);
		settle(&r);
		bad += r.x[1].eof;
		r.x[1].stop = SIZE_MAX;
		finish(&r);
		if (!arrived(&r))
			bad++;
		clean(&r);
	}
	say(bad == 0, "an end behind a slow reader (%d bad)", bad);
}

#define MANY	70

static void
test_many(void)
{
	static struct run	r[MANY];
	uint64_t		end;
	int			i, stuck, piped = 0, good = 0;

	for (i = 0; i < MANY; i++) {
		prepare(&r[i], 4 * MIB, 100, 512 * KIB);
		r[i].x[1].stop = 1200 * KIB;
	}
	for (i = 0; i < MANY; i++)
		start(&r[i]);
	end = tcpk_now() + LONG;
	do {
		stuck = 0;
		for (i = 0; i < MANY; i++) {
			step(&r[i]);
			stuck += r[i].x[1].got == r[i].x[1].stop &&
			    r[i].p->half[0].off < r[i].p->half[0].len;
		}
	} while (stuck < MANY && tcpk_now() < end);
	for (i = 0; i < MANY; i++)
		piped += r[i].p->half[0].pipe != NULL;
	say(stuck == MANY && piped <= 64 && (piped > 0) == have_pipes,
	    "%d stopped readers: %d with a pipe, the rest copies", MANY,
	    piped);
	say(count_fds() <= base + 4 * MANY + 2 * 64, "no more than 64 pipes");
	for (i = 0; i < MANY; i++)
		r[i].x[1].stop = SIZE_MAX;
	end = tcpk_now() + 2 * LONG;
	do {
		good = 0;
		for (i = 0; i < MANY; i++) {
			good += r[i].done && over(&r[i].x[0]) &&
			    over(&r[i].x[1]);
			if (!r[i].done || !over(&r[i].x[0]) ||
			    !over(&r[i].x[1]))
				step(&r[i]);
		}
	} while (good < MANY && tcpk_now() < end);
	good = 0;
	for (i = 0; i < MANY; i++) {
		good += arrived(&r[i]);
		clean(&r[i]);
	}
	say(good == MANY, "then they read on, and all arrives (%d)", good);
	say(pipes_gone(0), "and the pipes go");
}

static void
test_cancel(void)
{
	struct run	r;
	int		i, bad = 0;

	for (i = 0; i < 3; i++) {
		prepare(&r, 20 * MIB, 20 * MIB, 128 * KIB);
		r.x[0].stop = r.x[1].stop = 2 * MIB;
		start(&r);
		until(&r, r.x[0].got == 2 * MIB && r.x[1].got == 2 * MIB);
		settle(&r);
		bad += have_pipes && (r.p->half[0].pipe == NULL ||
		    r.p->half[1].pipe == NULL);
		tcpk_pump_cancel(r.p);
		r.p = NULL;
		r.x[0].stop = r.x[1].stop = SIZE_MAX;
		until(&r, over(&r.x[0]) && over(&r.x[1]));
		bad += kind == TCP && (r.x[0].eof || r.x[1].eof);
		clean(&r);
	}
	say(bad == 0, "cancelled with bytes in the pipes: a reset (%d bad)",
	    bad);
	say(pipes_gone(0), "and no descriptor is left");
}

/* --- ends that are not ---------------------------------------------------- */

static bool
says_reset(const struct run *r)
{
	return r->done == 1 && r->report.err.kind == TCPK_ECUT &&
	    (r->report.err.code == ECONNRESET || r->report.err.code == EPIPE);
}

/* The counts of half i, whose reader went on reading to the end. */
static bool
counts_fit(const struct run *r, int i)
{
	return r->report.taken[i] >= r->report.bytes[i] &&
	    r->x[!i].got == r->report.bytes[i] && !r->x[!i].garbled;
}

/* Its writer resets: what was read of it arrives, and then a reset. */
static void
test_writer_resets(void)
{
	struct run	r;
	int		way, slow, bad = 0;

	for (way = 0; way < 2; way++)
		for (slow = 0; slow < 2; slow++) {
			prepare(&r, way == 0 ? 40 * MIB : 9,
			    way == 0 ? 9 : 40 * MIB, 128 * KIB);
			r.x[!way].ends = false;
			/* On Unix what it leaves unread is the reset. */
			r.x[way].stop = 0;
			if (slow)
				r.x[!way].stop = 3 * MIB;
			start(&r);
			until(&r, r.x[!way].got >= 3 * MIB);
			if (slow)
				settle(&r);
			hang_up(&r.x[way], true);
			if (slow)
				settle(&r);
			r.x[!way].stop = SIZE_MAX;
			finish(&r);
			if (!says_reset(&r) || !counts_fit(&r, way) ||
			    r.report.taken[way] != r.report.bytes[way] ||
			    r.report.side != way ||
			    (kind == TCP && r.x[!way].eof)) {
				note("half %d slow %d", way, slow);
				explain(&r);
				bad++;
			}
			clean(&r);
		}
	say(bad == 0, "a writer resets in bulk (%d bad)", bad);
}

static void
test_reader_resets(void)
{
	struct run	r;
	int		way, slow, bad = 0;

	for (way = 0; way < 2; way++)
		for (slow = 0; slow < 2; slow++) {
			prepare(&r, way == 0 ? 40 * MIB : 0,
			    way == 0 ? 0 : 40 * MIB, 128 * KIB);
			r.x[!way].ends = false;
			if (slow)
				r.x[!way].stop = 3 * MIB;
			start(&r);
			until(&r, r.x[!way].got >= 3 * MIB);
			if (slow)
				settle(&r);
			hang_up(&r.x[!way], true);
			finish(&r);
			if (!says_reset(&r) || r.report.side != !way ||
			    r.report.bytes[way] < r.x[!way].got ||
			    r.report.taken[way] < r.report.bytes[way] ||
			    r.x[way].sent < r.report.taken[way] ||
			    (kind == TCP && r.x[way].eof)) {
				note("half %d slow %d", way, slow);
				explain(&r);
				bad++;
			}
			clean(&r);
		}
	say(bad == 0, "a reader resets in bulk (%d bad)", bad);
}

static void
test_both_and_reset(void)
{
	struct run	r;
	int		who, slow, bad = 0;

	for (who = 0; who < 2; who++)
		for (slow = 0; slow < 2; slow++) {
			prepare(&r, 40 * MIB, 40 * MIB, 128 * KIB);
			r.x[who].stop = 3 * MIB;
			if (slow)
				r.x[!who].stop = 3 * MIB;
			start(&r);
			until(&r, r.x[0].got >= 3 * MIB &&
			    r.x[1].got >= 3 * MIB);
			if (slow)
				settle(&r);
			hang_up(&r.x[who], true);
			r.x[!who].stop = SIZE_MAX;
			finish(&r);
			if (!says_reset(&r) || !counts_fit(&r, who) ||
			    r.report.taken[who] != r.report.bytes[who] ||
			    r.report.bytes[!who] < r.x[who].got ||
			    r.report.taken[!who] < r.report.bytes[!who] ||
			    r.report.side != who ||
			    (kind == TCP && r.x[!who].eof)) {
				note("peer %d slow %d", who, slow);
				explain(&r);
				bad++;
			}
			clean(&r);
		}
	say(bad == 0, "one of two resets, bulk both ways (%d bad)", bad);
}

/* A half-close that was passed on, and a reset behind it. */
static void
test_reset_after_end(void)
{
	struct run	r;
	int		who;

	for (who = 0; who < 2; who++) {
		prepare(&r, who == 0 ? 3 * MIB : 40 * MIB,
		    who == 0 ? 40 * MIB : 3 * MIB, 128 * KIB);
		r.x[who].stop = 2 * MIB;
		start(&r);
		until(&r, r.x[!who].eof && r.x[who].got == 2 * MIB);
		hang_up(&r.x[who], true);
		until(&r, r.done > 0 && r.x[!who].send_err != 0);
		say(says_reset(&r) && r.x[!who].got == 3 * MIB &&
		    r.report.bytes[who] == 3 * MIB && r.report.side == who,
		    "peer %d ends, and then resets what comes for it", who);
		if (!says_reset(&r))
			explain(&r);
		clean(&r);
	}
}

/* --- clocks --------------------------------------------------------------- */

static void
test_times(void)
{
	struct run	r;
	int		i;

	prepare(&r, 40 * MIB, 0, 128 * KIB);
	r.x[1].ends = false;
	r.x[1].stop = 3 * MIB;
	r.opts.idle_timeout = 300 * TCPK_MS;
	start(&r);
	until(&r, r.done > 0);
	say(r.done == 1 && r.report.err.kind == TCPK_ETIMEOUT &&
	    r.report.bytes[0] >= 3 * MIB &&
	    r.report.taken[0] >= r.report.bytes[0],
	    "idle time-out with bytes on their way");
	clean(&r);
	prepare(&r, SIZE_MAX / 2, 0, 0);
	r.opts.deadline = tcpk_now() + 300 * TCPK_MS;
	start(&r);
	until(&r, r.done > 0);
	say(r.done == 1 && r.report.err.kind == TCPK_ETIMEOUT &&
	    tcpk_now() >= r.opts.deadline && r.x[1].got > 0 &&
	    !r.x[1].garbled, "deadline in the middle of bulk (%zu MiB)",
	    r.x[1].got / MIB);
	r.x[0].pause = r.x[0].sent;
	until(&r, over(&r.x[1]));
	say(r.x[1].got == r.report.bytes[0] || kind == TCP,
	    "it was not ended as if that were all");
	clean(&r);
	for (i = 0; i < 2; i++) {
		prepare(&r, 3 * MIB, 3 * MIB, 0);
		r.x[i].ends = false;
		r.opts.half_close_timeout = 300 * TCPK_MS;
		start(&r);
		until(&r, r.done > 0);
		say(r.done == 1 && r.report.err.kind == TCPK_ETIMEOUT &&
		    r.report.bytes[0] == 3 * MIB &&
		    r.report.bytes[1] == 3 * MIB,
		    "half-close time-out after bulk, peer %d silent", i);
		clean(&r);
	}
}

/* --- those that copy ------------------------------------------------------ */

static void
count_piece(void *arg, enum tcpk_way way, const void *data, size_t n)
{
	(void)data;
	if (way == TCPK_IN)
		*(size_t *)arg += n;
}

static void
test_copies(void)
{
	struct run	r;
	size_t		seen = 0;
	int		fd, unused, i;

	prepare(&r, 3 * MIB, 3 * MIB, 0);
	r.s[0] = tcpk_stream_tap(r.s[0], count_piece, &seen, NULL);
	start(&r);
	finish(&r);
	say(arrived(&r) && seen == 3 * MIB && !r.spliced[0] && !r.spliced[1],
	    "one that is looked on is copied");
	clean(&r);
	prepare(&r, 3 * MIB, 3 * MIB, 0);
	r.s[1] = tcpk_stream_rate(loop, r.s[1], 100 * MIB, NULL);
	start(&r);
	finish(&r);
	say(arrived(&r) && !r.spliced[0] && !r.spliced[1],
	    "one with a rate is copied");
	clean(&r);
	prepare(&r, 3 * MIB, 0, 0);
	r.opts.half[0].limit = 2 * MIB + 5;
	start(&r);
	until(&r, r.x[1].eof);
	say(r.x[1].got == 2 * MIB + 5 && !r.x[1].garbled && !r.spliced[0],
	    "one with a limit is copied, and no more than that");
	clean(&r);
	for (i = 0; i < 2; i++) {
		prepare(&r, 5 * MIB, 5 * MIB, 128 * KIB);
		tcpk_stream_fds(r.s[i], &fd, &unused);
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
		r.x[0].stop = r.x[1].stop = 2 * MIB;
		start(&r);
		until(&r, r.x[0].got == 2 * MIB && r.x[1].got == 2 * MIB);
		settle(&r);
		r.x[0].stop = r.x[1].stop = SIZE_MAX;
		finish(&r);
		say(arrived(&r) && !r.spliced[0] && !r.spliced[1],
		    "one that would wait is copied (%d)", i);
		clean(&r);
	}
}

/* Does this build move bytes inside the kernel, here and now? */
static bool
look_for_pipes(void)
{
	struct tcpk_pipe	*pipe = tcpk_loop_pipe(loop);

	if (pipe == NULL)
		return false;
	tcpk_loop_pipe_done(loop, pipe, true);
	return true;
}

static void
test_all(void)
{
	test_both_ways();
	test_ends();
	test_one_ends_first();
	test_echo();
	test_idle();
	test_urgent();
	test_stopped();
	test_ends_behind();
	test_many();
	test_cancel();
	test_writer_resets();
	test_reader_resets();
	test_both_and_reset();
	test_reset_after_end();
	test_times();
	test_copies();
	say(pipes_gone(0), "no descriptor is left");
}

int
main(void)
{
	static const char *const	names[] = { "epoll", "poll" };
	struct tcpk_err			err;
	size_t				i;

	signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < sizeof(pattern); i++)
		pattern[i] = (unsigned char)((i % PATTERN) * 131 +
		    (i % PATTERN) / 251);
	for (i = 0; i < 2; i++) {
		loop = tcpk_loop_new(names[i], &err);
		if (loop == NULL) {
			note("%s: not in this build", names[i]);
			continue;
		}
		base = count_fds();
		have_pipes = look_for_pipes();
		if (!have_pipes)
			note("nothing is moved inside the kernel: all copies");
		for (kind = TCP; kind <= UNIX; kind++)
			test_all();
		tcpk_loop_free(loop);
	}
	return done_testing();
}
