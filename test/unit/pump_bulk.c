/*
 * pump: waiting for much at once.  While a direction is in bulk its socket
 * wakes for large pieces only, and yet no byte waits long for its neighbours.
 * In a build that does not do it the same must hold.
 */

#include <time.h>

#include "pump_peers.h"

#define LARGE	(64 * KIB)

/* A burst: more than the mark, less than a socket holds. */
#define BURST	(512 * KIB)

/* Bursts that bring it back in bulk in any case, many times. */
#define ROUNDS	80

/* A byte alone: some turns until the guard is due, one to pass it on. */
#define FEW	6

/* Turns that much data may take; one that spins takes many more. */
#define SOME	200

/* Who does not wait for the kernel waits for the guard at most. */
#define PROMPT	(5 * TCPK_SECOND)

static bool	have_bulk;	/* in this build */

/* Only one that is in bulk has a guard. */
static bool
look_for_bulk(void)
{
	struct tcpk__half	h;

	memset(&h, 0, sizeof(h));
	h.state = FLOW;
	h.bulk = true;
	return tcpk__bulk_due(&h) != TCPK_FOREVER;
}

static int
mark_of(int fd)
{
	socklen_t	len = sizeof(int);
	int		n = -1;

	getsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &n, &len);
	return n;
}

/* The bytes that stream i waits for. */
static int
mark(const struct run *r, int i)
{
	int	in, out;

	tcpk_stream_fds(r->s[i], &in, &out);
	return mark_of(in);
}

/* One that outlives the stream. */
static int
keep(const struct run *r, int i)
{
	int	in, out;

	tcpk_stream_fds(r->s[i], &in, &out);
	return dup(in);
}

static bool
in_bulk(const struct run *r, int i)
{
	return r->p != NULL && r->p->half[i].bulk;
}

/* Who reads what peer i sends. */
static struct peer *
reader(struct run *r, int i)
{
	return &r->x[r->s[0] == r->s[1] ? i : !i];
}

/* n bytes from peer i as fast as they go, and not a moment longer. */
static bool
burst(struct run *r, int i, size_t n)
{
	uint64_t	end = tcpk_now() + LONG;

	r->x[i].pause = r->x[i].sent + n;
	while (reader(r, i)->got < r->x[i].pause && tcpk_now() < end) {
		play(r);
		tcpk_loop_turn(loop, 0, NULL);
		play(r);
	}
	return reader(r, i)->got == r->x[i].pause;
}

/*
 * Bring half i to where it is in bulk and nothing is on its way.  That is
 * over soon, and a busy machine may be too slow to see it.
 */
static bool
enter(struct run *r, int i)
{
	int	n;

	for (n = 0; n < 400 && !in_bulk(r, i); n++)
		if (!burst(r, i, BURST))
			return false;
	return have_bulk ? in_bulk(r, i) && mark(r, i) >= LARGE :
	    !in_bulk(r, i);
}

/* Without a guard only the kernel wakes it. */
static void
no_guard(struct run *r, int i)
{
	r->p->half[i].moved_at = tcpk_now() + 3600 * TCPK_SECOND;
}

/* Turns until what peer i sends now has arrived; each may last long. */
static int
turns_for(struct run *r, int i, size_t n)
{
	uint64_t	end = tcpk_now() + PROMPT;

	r->turns = 0;
	r->x[i].pause = r->x[i].sent + n;
	while (reader(r, i)->got < r->x[i].pause && tcpk_now() < end) {
		step_for(r, PROMPT);
		play(r);
	}
	return reader(r, i)->got == r->x[i].pause ? r->turns : INT32_MAX;
}

/* Two connections, without an end in sight. */
static void
prepare_open(struct run *r, enum kind a, enum kind b)
{
	prepare(r, a, b, SIZE_MAX / 2, SIZE_MAX / 2);
	r->x[0].pause = r->x[1].pause = 0;
}

static void
stall(long ms)
{
	struct timespec	ts = { 0, ms * 1000000 };

	nanosleep(&ts, NULL);
}

/* --- when it is in bulk --------------------------------------------------- */

static void
test_enters(void)
{
	struct run	r;
	int		i, early = 0;

	prepare_open(&r, TCP, TCP);
	start(&r);
	for (i = 0; i < 3 * MIB / (16 * KIB); i++) {
		turns_for(&r, 0, 16 * KIB);
		early += in_bulk(&r, 0) || mark(&r, 0) != 1;
	}
	say(r.x[1].got == 3 * MIB && early == 0, "small pieces are no bulk");
	clean(&r);
	prepare_open(&r, TCP, TCP);
	start(&r);
	for (i = 0; i < 7; i++) {
		burst(&r, 0, 128 * KIB);
		early += in_bulk(&r, 0) || mark(&r, 0) != 1;
	}
	say(r.x[1].got == 7 * 128 * KIB && early == 0,
	    "nor are large ones of the first MiB");
	say(enter(&r, 0), "those behind it are");
	say(!have_bulk || r.x[0].sent <= 8 * MIB, "soon: after %zu KiB",
	    r.x[0].sent / KIB);
	say(!in_bulk(&r, 1) && mark(&r, 1) == 1,
	    "the other direction is not");
	clean(&r);
}

/* A byte below the mark wakes nobody: that is what it is for. */
static void
test_mark(void)
{
	struct run	r;
	int		turns;

	if (!have_bulk)
		return;
	prepare_open(&r, TCP, TCP);
	start(&r);
	enter(&r, 0);
	no_guard(&r, 0);
	r.x[0].pause = r.x[0].sent + 1;
	play(&r);
	turns = turn_for(loop, 30 * TCPK_MS);
	play(&r);
	say(in_bulk(&r, 0) && r.x[1].got + 1 == r.x[0].sent && turns <= 4,
	    "without a guard a byte alone would wait (%d turns)", turns);
	say(turns_for(&r, 0, MIB) <= SOME, "until there are enough");
	clean(&r);
}

/* --- nothing waits long --------------------------------------------------- */

static void
check_bytes(struct run *r, int i, bool sure, const char *what)
{
	int	n, j, turns, most = 0, seen = 0, left = 0;

	for (n = 0; n < ROUNDS; n++) {
		if (!burst(r, i, BURST) && n > 0)
			break;
		if (in_bulk(r, i) && mark(r, i) > 1)
			seen++;
		/* The first may wait, those behind it have no reason to. */
		for (j = 0; j < 3; j++) {
			turns = turns_for(r, i, 1);
			most = turns > most ? turns : most;
			left += in_bulk(r, i) || mark(r, i) != 1;
		}
	}
	say(n == ROUNDS && most <= FEW && !reader(r, i)->garbled,
	    "%s: bytes alone pass at once (%d turns at most)", what, most);
	say(left == 0, "%s: and it is in bulk no more", what);
	if (sure)
		say((seen > 0) == have_bulk, "%s: which it was (%d times)",
		    what, seen);
}

static void
test_bytes(void)
{
	struct run	r;
	int		turns;

	prepare_open(&r, TCP, TCP);
	start(&r);
	check_bytes(&r, 0, true, "a to b");
	check_bytes(&r, 1, true, "b to a");
	enter(&r, 0);
	turns_for(&r, 0, 1);
	turns = turn_for(loop, 50 * TCPK_MS);
	say(turns <= 2, "out of bulk no timer runs (%d turns)", turns);
	clean(&r);
	prepare_open(&r, TCP, UNIX);
	start(&r);
	check_bytes(&r, 0, false, "to a Unix socket");
	clean(&r);
	prepare_open(&r, TCP, PIPES);
	start(&r);
	check_bytes(&r, 0, false, "to a pipe");
	clean(&r);
}

static void
count_piece(void *arg, enum tcpk_way way, const void *data, size_t n)
{
	(void)data;
	if (way == TCPK_IN)
		*(size_t *)arg += n;
}

/* Its bytes are not to be moved by others, but they are waited for. */
static void
test_looked_on(void)
{
	struct run	r;
	size_t		seen = 0;

	prepare_open(&r, TCP, TCP);
	r.s[0] = tcpk_stream_tap(r.s[0], count_piece, &seen, NULL);
	start(&r);
	check_bytes(&r, 0, true, "one that is looked on");
	say(seen == r.x[0].sent, "which sees all");
	clean(&r);
}

static void
test_echo(void)
{
	struct run	r;

	prepare_open(&r, TCP, TCP);
	tcpk_stream_free(r.s[1]);
	hang_up(&r.x[1], false);
	r.s[1] = r.s[0];
	start(&r);
	check_bytes(&r, 0, true, "echo");
	r.x[0].total = r.x[0].sent + 5 * MIB;
	r.x[0].pause = SIZE_MAX;
	finish(&r);
	say(r.done == 1 && r.report.err.kind == TCPK_OK && r.x[0].eof &&
	    r.x[0].got == r.x[0].total && !r.x[0].garbled,
	    "echo: and then to the end");
	clean(&r);
}

/* Whoever sends much and waits for the answer does not wait each time. */
static void
test_turns(void)
{
	static const size_t	sizes[] = { 64, 100, 128, 200 };
	struct run		r;
	size_t			i;
	int			n, held;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		prepare_open(&r, TCP, TCP);
		start(&r);
		burst(&r, 0, 2 * MIB);
		for (held = n = 0; n < 200; n++) {
			held += in_bulk(&r, 0);
			turns_for(&r, 0, sizes[i] * KIB);
		}
		say(held <= n / 4, "messages of %zu KiB, each answered: "
		    "%d of %d waited for more", sizes[i], held, n);
		clean(&r);
	}
}

static void
test_idle(void)
{
	struct run	r;
	int		turns;

	prepare_open(&r, TCP, TCP);
	start(&r);
	enter(&r, 0);
	turns = turn_for(loop, 50 * TCPK_MS);
	say(!in_bulk(&r, 0) && mark(&r, 0) == 1 && turns <= 5,
	    "silence ends it, and then nothing runs (%d turns)", turns);
	clean(&r);
}

/* --- readers that stop ---------------------------------------------------- */

static void
test_stopped(void)
{
	struct run	r;
	int		turns;

	prepare_open(&r, TCP, TCP);
	start(&r);
	enter(&r, 0);
	r.x[1].stop = r.x[1].got + MIB;
	r.x[0].pause = SIZE_MAX;
	until(&r, r.x[1].got == r.x[1].stop);
	settle(&r);
	say(r.p->half[0].off < r.p->half[0].len,
	    "a stopped reader: bytes are pending");
	turns = turn_for(loop, 50 * TCPK_MS);
	say(turns <= 5, "and nobody spins meanwhile (%d turns)", turns);
	r.x[1].stop = SIZE_MAX;
	turns = turns_for(&r, 0, 0);
	say(turns <= SOME, "it reads on, and all passes (%d turns)", turns);
	turns = turns_for(&r, 0, 1);
	say(turns <= FEW, "and a byte alone (%d turns)", turns);
	turn_for(loop, 10 * TCPK_MS);
	say(!in_bulk(&r, 0) && mark(&r, 0) == 1 && !r.x[1].garbled,
	    "and then it is over");
	clean(&r);
}

/* --- ends ----------------------------------------------------------------- */

/* They wake whoever waits for more; without a guard, to see that. */
static void
test_ends_below(void)
{
	struct run	r;
	int		i;

	for (i = 0; i < 2; i++) {
		prepare_open(&r, TCP, TCP);
		start(&r);
		enter(&r, i);
		no_guard(&r, i);
		r.x[i].total = r.x[i].sent + 100;
		r.turns = 0;
		turns_for(&r, i, 100);
		until(&r, r.x[!i].eof);
		say(r.x[!i].got == r.x[i].total && r.x[!i].eof &&
		    r.turns <= SOME, "an end below the mark is seen, half %d",
		    i);
		say(mark(&r, i) == 1 && !in_bulk(&r, i),
		    "and the mark is gone, half %d", i);
		r.x[!i].total = r.x[!i].sent + 3 * MIB;
		r.x[!i].pause = SIZE_MAX;
		finish(&r);
		say(arrived(&r), "the other direction goes on, half %d", i);
		clean(&r);
		prepare_open(&r, TCP, TCP);
		start(&r);
		enter(&r, i);
		no_guard(&r, i);
		r.x[i].pause = r.x[i].sent + 100;
		play(&r);
		hang_up(&r.x[i], true);
		r.turns = 0;
		until(&r, r.done > 0 && over(&r.x[!i]));
		say(r.done == 1 && r.report.err.kind == TCPK_ECUT &&
		    r.report.side == i && !r.x[!i].eof && r.turns <= SOME,
		    "so is a reset, half %d", i);
		clean(&r);
	}
}

/* What it is left with, whoever has the socket then. */
static void
test_left(void)
{
	struct run	r;
	int		fd;

	prepare_open(&r, TCP, TCP);
	r.opts.half[1].limit = 5;
	start(&r);
	enter(&r, 0);
	r.x[1].pause = 5;
	until(&r, r.p->half[0].state != FLOW);
	say(mark(&r, 0) == 1 && !in_bulk(&r, 0), "stopped: the mark is gone");
	clean(&r);
	prepare_open(&r, TCP, TCP);
	start(&r);
	enter(&r, 0);
	fd = keep(&r, 0);
	hang_up(&r.x[1], true);
	until(&r, r.done > 0);
	say(mark_of(fd) == 1, "the reader resets: the mark is gone");
	close(fd);
	clean(&r);
	prepare_open(&r, TCP, TCP);
	start(&r);
	enter(&r, 0);
	fd = keep(&r, 0);
	tcpk_pump_cancel(r.p);
	r.p = NULL;
	say(mark_of(fd) == 1, "cancelled: the mark is gone");
	close(fd);
	clean(&r);
	prepare_open(&r, TCP, TCP);
	start(&r);
	enter(&r, 0);
	fd = keep(&r, 0);
	tcpk__pump_fail(r.p, -1, tcpk_stream_err(r.s[0]));
	r.x[0].pause = r.x[0].sent + MIB;
	until(&r, r.done > 0);
	say(mark_of(fd) == 1, "failed: the mark is gone");
	close(fd);
	clean(&r);
}

static void
test_limit(void)
{
	struct run	r;
	int		turns;

	prepare_open(&r, TCP, TCP);
	r.opts.half[0].limit = 4 * MIB + 5;
	start(&r);
	burst(&r, 0, 3 * MIB + 512 * KIB);
	turns = turns_for(&r, 0, 512 * KIB + 5);
	until(&r, r.x[1].eof);
	say(r.x[1].got == 4 * MIB + 5 && r.x[1].eof && turns <= SOME &&
	    !r.x[1].garbled && mark(&r, 0) == 1,
	    "a limit is reached in bulk (%d turns)", turns);
	clean(&r);
}

/* --- clocks --------------------------------------------------------------- */

static void
test_idle_timeout(void)
{
	struct run	r;
	uint64_t	since;

	prepare_open(&r, TCP, TCP);
	r.opts.idle_timeout = 200 * TCPK_MS;
	start(&r);
	enter(&r, 0);
	since = r.p->half[0].moved_at;
	r.turns = 0;
	until(&r, r.done > 0);
	say(r.done == 1 && r.report.err.kind == TCPK_ETIMEOUT &&
	    tcpk_now() - since >= 200 * TCPK_MS,
	    "idle time-out behind bulk: not early");
	clean(&r);
	prepare_open(&r, TCP, TCP);
	r.opts.idle_timeout = 100 * TCPK_MS;
	start(&r);
	enter(&r, 0);
	r.x[0].pause = r.x[0].sent + 1;
	play(&r);
	stall(150);
	tcpk_loop_turn(loop, TCPK_SECOND, NULL);
	tcpk_loop_turn(loop, 0, NULL);
	play(&r);
	say(r.done == 0 && r.x[1].got == r.x[0].sent,
	    "idle time-out: not for a byte that is there, however late we are");
	clean(&r);
}

static void
test_half_closed(void)
{
	struct run	r;
	int		i;

	for (i = 0; i < 2; i++) {
		prepare_open(&r, TCP, TCP);
		if (i == 0)
			r.opts.half[0].quiet = 100 * TCPK_MS;
		else
			r.opts.half_close_timeout = 100 * TCPK_MS;
		start(&r);
		r.x[1].total = 0;
		until(&r, r.x[0].eof);
		enter(&r, 0);
		r.x[0].pause = r.x[0].sent + 1;
		play(&r);
		stall(150);
		until(&r, r.done > 0 || r.x[1].got == r.x[0].sent);
		say(r.x[1].got == r.x[0].sent, "%s: nor that",
		    i == 0 ? "quiet" : "half-close time-out");
		until(&r, r.done > 0);
		say(r.done == 1 && r.report.err.kind ==
		    (i == 0 ? TCPK_OK : TCPK_ETIMEOUT), "and then it is due");
		clean(&r);
	}
}

/* --- those that are left alone -------------------------------------------- */

/* Half 0, whose source's mark is that of fd. */
static void
check_alone(struct run *r, const char *what)
{
	int	fd = keep(r, 0), n, seen = 0;

	start(r);
	for (n = 0; n < 8; n++) {
		burst(r, 0, BURST);
		seen += in_bulk(r, 0);
		if (fd != -1 && r->x[0].in == r->x[0].out)
			seen += mark_of(fd) != 1;
	}
	say(r->x[1].got == 8 * BURST && !r->x[1].garbled && seen == 0,
	    "%s: left alone", what);
	close(fd);
	clean(r);
}

static void
test_alone(void)
{
	struct run	r;

	prepare_open(&r, UNIX, TCP);
	check_alone(&r, "a Unix socket");
	prepare_open(&r, PIPES, TCP);
	check_alone(&r, "a pipe");
	prepare_open(&r, TCP, TCP);
	r.s[0] = tcpk_stream_rate(loop, r.s[0], 100 * MIB, NULL);
	check_alone(&r, "one with a rate");
}

/* --- the whole of it ------------------------------------------------------ */

static void
test_whole(void)
{
	struct run	r;
	uint64_t	began = tcpk_now();

	prepare(&r, TCP, TCP, 24 * MIB + 1, 17 * MIB + 13);
	start(&r);
	finish(&r);
	say(arrived(&r), "both ways at once");
	say(tcpk_now() - began < LONG, "in no more than seconds");
	clean(&r);
}

static void
test_all(void)
{
	have_bulk = look_for_bulk();
	if (!have_bulk)
		note("nobody waits for much at once in this build");
	test_enters();
	test_mark();
	test_bytes();
	test_looked_on();
	test_echo();
	test_turns();
	test_idle();
	test_stopped();
	test_ends_below();
	test_left();
	test_limit();
	test_idle_timeout();
	test_half_closed();
	test_alone();
	test_whole();
	say(pipes_gone(0), "no descriptor is left");
}

int
main(void)
{
	return with_each_loop(test_all);
}
