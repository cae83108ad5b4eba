/* pump: every state and option, between streams that follow a script. */

#include <stdlib.h>

#include "fake.h"
#include "pump_impl.h"
#include "tap.h"

/* More turns than any of these takes: it would have spun. */
#define MANY	20000

#define MS	TCPK_MS

static struct tcpk_loop	*loop;

/* One pump at a time, and all there is to know of it. */
static struct {
	struct fake		 a, b;
	struct tcpk_pump	*p;
	struct tcpk_pump_opts	 opts;
	struct tcpk_pump_report	 report;
	int			 done;		/* calls */
	bool			 starting, early, hoarded, over;
	uint64_t		 began, ended;
	unsigned		 seen[2];	/* states, bits */
	int			 turns;
} t;

static void
on_done(void *arg, const struct tcpk_pump_report *r)
{
	t.early |= t.starting || arg != &t;
	t.early |= t.a.frees == 0 || (t.b.name != 0 && t.b.frees == 0);
	t.done++;
	t.report = *r;
	t.ended = fake_clock;
	t.p = NULL;
	fake_timers[2] = NULL;
}

static void
start(const struct script *a, const struct script *b,
    const struct tcpk_pump_opts *opts)
{
	memset(&t, 0, sizeof(t));
	memset(fake_log, 0, sizeof(fake_log));
	tcpk_pump_defaults(&t.opts);
	if (opts != NULL)
		t.opts = *opts;
	t.began = fake_clock;
	memset(fake_timers, 0, sizeof(fake_timers));
	fake_init(&t.a, 'a', loop, a, b != NULL ? &t.b : &t.a);
	if (b != NULL)
		fake_init(&t.b, 'b', loop, b, &t.a);
	t.starting = true;
	t.p = tcpk_pump_start(loop, &t.a.s, b != NULL ? &t.b.s : &t.a.s,
	    &t.opts, on_done, &t, NULL);
	t.starting = false;
	fake_timers[2] = t.p->timer;
}

static void
cancel(void)
{
	tcpk_pump_cancel(t.p);
	t.p = NULL;
	fake_timers[2] = NULL;
}

/* What must hold between any two turns. */
static void
look(void)
{
	struct tcpk__half	*h;
	int			 i;

	/* It has one only while something can fall due. */
	fake_timers[2] = t.p != NULL ? t.p->timer : NULL;
	for (i = 0; i < 2 && t.p != NULL; i++) {
		h = &t.p->half[i];
		t.seen[i] |= 1u << h->state;
		if (h->state == FLOW &&
		    (h->buf != NULL) != (h->off < h->len))
			t.hoarded = true;
	}
}

static bool
step(void)
{
	look();
	if (t.done > 0 || t.turns++ > MANY || !fake_turn(loop))
		return false;
	look();
	return true;
}

/* To the end, or until ms have passed. */
static void
go(long ms)
{
	uint64_t	until = fake_clock + (uint64_t)ms * MS;
	uint64_t	due;

	while (t.done == 0) {
		due = fake_due();
		if (due > until)
			break;
		if (!step())
			break;
	}
	if (fake_clock < until && t.done == 0)
		fake_clock = until;
}

static void
run(const struct script *a, const struct script *b,
    const struct tcpk_pump_opts *opts)
{
	start(a, b, opts);
	while (step())
		continue;
}

/* Done once, with both streams freed once and nothing done out of turn. */
static bool
sane(void)
{
	bool	fine = t.done == 1 && !t.early && !t.hoarded &&
		    t.a.frees == 1 && t.b.frees == (t.b.name != 0) &&
		    !t.a.late && !t.b.late && !t.a.garbled && !t.b.garbled &&
		    t.turns <= MANY &&
		    fake_due() == TCPK_FOREVER;

	if (!fine)
		note("done %d early %d hoarded %d frees %d %d late %d %d "
		    "garbled %d %d turns %d", t.done, t.early, t.hoarded,
		    t.a.frees, t.b.frees, t.a.late, t.b.late, t.a.garbled,
		    t.b.garbled, t.turns);
	return fine;
}

static void
expect(enum tcpk_err_kind kind, int side, uint64_t bytes0, uint64_t bytes1,
    const char *name)
{
	bool	fine = sane() && t.report.err.kind == (int)kind &&
		    (side == -2 || t.report.side == side) &&
		    t.report.bytes[0] == bytes0 && t.report.bytes[1] == bytes1 &&
		    t.report.taken[0] >= bytes0 &&
		    t.report.taken[1] >= bytes1;

	ok(fine, "%s", name);
	if (!fine)
		note("kind %s \"%s\" side %d bytes %llu %llu after %llu ms: %s",
		    tcpk_err_word(t.report.err.kind), t.report.err.text,
		    t.report.side, (unsigned long long)t.report.bytes[0],
		    (unsigned long long)t.report.bytes[1],
		    (unsigned long long)((t.ended - t.began) / MS), fake_log);
}

static struct tcpk_pump_opts
options(void)
{
	struct tcpk_pump_opts	o;

	tcpk_pump_defaults(&o);
	return o;
}

/* How long it took, in ms. */
static uint64_t
took(void)
{
	return (t.ended - t.began) / MS;
}

static void
test_plain(void)
{
	struct script	empty = { .in = { { END, 0 } } };
	struct script	a = { .in = { { DATA, 1000 }, { WAIT, 5 },
			    { DATA, 3 } } };
	struct script	b = { .in = { { DATA, 3000000 } } };
	struct script	late = { .in = { { FINISHED, 0 }, { WAIT, 60000 },
			    { DATA, 700000 } } };

	run(&empty, &empty, NULL);
	expect(TCPK_OK, -2, 0, 0, "two ends at once");
	run(&a, &b, NULL);
	expect(TCPK_OK, -2, 1003, 3000000, "bytes both ways");
	ok(t.a.got == 3000000 && t.b.got == 1003, "and all of them arrive");
	ok(t.a.finishes == 1 && t.b.finishes == 1 && t.a.resets == 0 &&
	    t.b.resets == 0, "each end is passed on once, and nobody is reset");
	run(&a, &late, NULL);
	expect(TCPK_OK, 0, 1003, 700000, "a ends first, b answers later");
	ok(t.b.finished_at - t.began < 10 * MS && took() >= 60000,
	    "b saw the end of a at once, a minute before its answer");
	run(&late, &b, NULL);
	expect(TCPK_OK, 1, 700000, 3000000, "b ends first, a answers later");
	ok(fake_before("aF", "bF"), "a saw the end of b before b that of a");
}

static void
test_writing(void)
{
	struct script	a = { .in = { { DATA, 100000 }, { AGAIN, 0 },
			    { DATA, 100000 } } };
	struct script	slow = { .in = { { SILENT, 0 } }, .out = {
			    { TAKE, 10 }, { AGAIN, 0 }, { SHORT, 500 },
			    { WAIT, 50 }, { TAKE, 99990 }, { WAIT, 70 } } };
	struct script	again = { .out = { { AGAIN, 0 }, { AGAIN, 0 },
			    { AGAIN, 0 } } };
	struct script	stuck = { .in = { { SILENT, 0 } },
			    .out = { { TAKE, 1 }, { SILENT, 0 } } };
	struct script	endless = { .in = { { DATA, 1L << 40 } } };
	struct script	finish = { .finish_again = 3, .drain_again = 4 };
	struct script	speaks = { .in = { { WAIT, 50 }, { DATA, 7 } },
			    .drain_again = 2 };
	struct tcpk_pump_opts	o = options();

	slow.in[0].what = FINISHED;
	run(&a, &slow, NULL);
	expect(TCPK_OK, 0, 200000, 0, "short writes and waiting");
	ok(took() >= 120, "took as long as its reader");
	run(&a, &again, NULL);
	expect(TCPK_OK, 1, 200000, 0, "write says AGAIN though it was ready");
	start(&endless, &stuck, NULL);
	go(1000);
	ok(t.done == 0 && t.a.reads <= 2 && t.a.sent <= 2 * TCPK_SCRATCH,
	    "a writer does not get ahead of a stuck reader (%d reads)",
	    t.a.reads);
	ok(t.turns < 20 && (t.a.want & TCPK_READ) == 0,
	    "nor is it asked meanwhile (%d turns)", t.turns);
	cancel();
	o.idle_timeout = 1000 * MS;
	run(&a, &finish, &o);
	expect(TCPK_OK, -2, 200000, 0, "finish and drain say AGAIN at first");
	ok(t.b.drains == 5 && took() >= 1 + 2 + 4 + 8,
	    "drain is asked again with growing pauses");
	run(&a, &speaks, NULL);
	expect(TCPK_OK, 0, 200000, 7, "nobody waits for it while b speaks");
	ok(t.b.drains == 3 && took() >= 53 && took() < 60,
	    "it is asked when b has ended (%d times, %d ms)", t.b.drains,
	    (int)took());
}

static void
test_fair(void)
{
	struct script	endless = { .in = { { DATA, 1L << 40 } } };
	struct script	sink = { .in = { { SILENT, 0 } } };
	int		i, most = 0, before;

	start(&endless, &sink, NULL);
	for (i = 0; i < 50; i++) {
		before = t.a.reads;
		if (!step())
			break;
		if (t.a.reads - before > most)
			most = t.a.reads - before;
	}
	ok(most > 0 && most <= 16, "at most %d reads in one event", most);
	cancel();
}

static void
test_no_shutdown(void)
{
	struct script	a = { .in = { { DATA, 5 } } };
	struct script	b = { .in = { { WAIT, 300 }, { DATA, 7 } } };
	struct tcpk_pump_opts	o = options();

	o.half[0].no_shutdown = true;
	start(&a, &b, &o);
	go(100);
	ok(t.p != NULL && t.p->half[0].state == HELD && t.b.finishes == 0,
	    "no_shutdown holds the half-close back");
	ok(t.turns < 20, "and holding costs nothing (%d turns)", t.turns);
	while (step())
		continue;
	expect(TCPK_OK, 0, 5, 7, "no_shutdown: until the other has ended");
	ok(t.b.finishes == 1 && t.b.finished_at - t.began >= 300 * MS,
	    "and then it is passed on");
	o.half[1].no_shutdown = true;
	run(&a, &b, &o);
	expect(TCPK_OK, 0, 5, 7, "no_shutdown on both ends too");
	run(&b, &a, &o);
	expect(TCPK_OK, 1, 7, 5, "in either order");
}

static void
test_no_finish(void)
{
	struct script	a = { .in = { { DATA, 5 } }, .drain_again = 2 };
	struct script	b = { .in = { { DATA, 7 } }, .drain_again = 2 };
	struct tcpk_pump_opts	o = options();

	o.half[0].no_finish = true;
	o.reset[1] = true;
	run(&a, &b, &o);
	expect(TCPK_OK, -2, 5, 7, "no_finish and reset");
	ok(t.b.finishes == 0 && t.b.resets == 1 && t.a.finishes == 1 &&
	    t.a.resets == 0, "b is reset and never finished, a as usual");
	ok(fake_before("bD", "bR"), "and reset only when all has arrived");
}

static void
test_mute(void)
{
	struct script	a = { .in = { { DATA, 5 } } };
	struct script	b = { .in = { { WAIT, 50 }, { DATA, 7 } } };
	struct tcpk_pump_opts	o = options();

	o.half[0].mute = true;
	run(&a, &b, &o);
	expect(TCPK_OK, 1, 0, 7, "mute");
	ok(t.a.reads == 0, "mute reads nothing");
	ok(t.b.finishes == 1 && t.b.finished_at - t.began >= 50 * MS,
	    "and half-closes when the other has ended");
}

static void
test_discard(void)
{
	struct script	a = { .in = { { DATA, 500000 }, { WAIT, 20 },
			    { DATA, 3 } } };
	struct script	silent = { .in = { { DATA, 9 }, { SILENT, 0 } } };
	struct script	resets = { .in = { { DATA, 9 }, { WAIT, 30 },
			    { FAIL, TCPK_ECUT } } };
	struct script	b = { .in = { { WAIT, 5 }, { DATA, 7 } } };
	struct script	nothing = { .in = { { WAIT, 5 } } };
	struct script	longer = { .in = { { WAIT, 50 }, { DATA, 7 } } };
	struct tcpk_pump_opts	o = options();

	o.half[0].discard = true;
	run(&a, &b, &o);
	expect(TCPK_OK, 1, 0, 7, "discard");
	ok(t.b.writes == 0 && t.a.sent == 500003,
	    "discard reads to the end and writes nothing");
	run(&silent, &b, &o);
	expect(TCPK_OK, 1, 0, 7, "discarding ends though the peer does not");
	ok(took() >= 5000 && took() < 5100, "after 5 s (%d ms)", (int)took());
	run(&silent, &nothing, &o);
	expect(TCPK_OK, 1, 0, 0, "at once when nothing was sent");
	ok(took() < 100, "that is, without 5 s (%d ms)", (int)took());
	run(&resets, &b, &o);
	expect(TCPK_OK, 1, 0, 7, "a reset after all was delivered is no error");
	run(&resets, &longer, &o);
	expect(TCPK_ECUT, 0, 0, 0, "a reset before that is one");
	o.idle_timeout = 1000 * MS;
	run(&silent, &b, &o);
	expect(TCPK_OK, 1, 0, 7, "idle_timeout makes no error of lingering");
	o.idle_timeout = 0;
	o.half_close_timeout = 1000 * MS;
	run(&silent, &b, &o);
	expect(TCPK_OK, 1, 0, 7,
	    "half_close_timeout makes no error of lingering");
}

static void
test_limit(void)
{
	struct script	a = { .in = { { SILENT, 0 } } };
	struct script	sender = { .in = { { DATA, 3 }, { SILENT, 0 } } };
	struct script	exact = { .in = { { DATA, 10 }, { AGAIN, 0 } } };
	struct script	more = { .in = { { DATA, 8 }, { WAIT, 1 },
			    { DATA, 9000 }, { SILENT, 0 } } };
	struct script	few = { .in = { { DATA, 9 } } };
	struct script	some = { .in = { { DATA, 4 }, { SILENT, 0 } } };
	struct script	slow = { .in = { { SILENT, 0 } }, .out = {
			    { TAKE, 4 }, { WAIT, 20 }, { SHORT, 3 } } };
	struct tcpk_pump_opts	o = options();

	o.half[1].limit = 10;
	run(&a, &exact, &o);
	expect(TCPK_OK, 1, 0, 10, "limit: exactly as many");
	run(&a, &more, &o);
	expect(TCPK_OK, 1, 0, 10, "limit: there would be more");
	ok(took() < 100 && t.a.got == 10, "and both ways are ended at once");
	ok(t.a.finishes == 1 && t.b.finishes == 1, "by half-closes");
	run(&slow, &more, &o);
	expect(TCPK_OK, 1, 0, 10, "limit: to a slow reader");
	run(&sender, &more, &o);
	expect(TCPK_OK, 1, 3, 10, "limit: with bytes the other way");
	ok(took() >= 5000 && took() < 5100,
	    "the peer is given 5 s to end (%d ms)", (int)took());
	run(&a, &few, &o);
	expect(TCPK_ECUT, 1, 0, 9, "limit: too few");
	ok(strstr(t.report.err.text, "9 of 10") != NULL, "%s",
	    t.report.err.text);
	o.half[1].limit = 2 * TCPK_SCRATCH + 1;
	exact.in[0].n = 2 * TCPK_SCRATCH + 1;
	run(&a, &exact, &o);
	expect(TCPK_OK, 1, 0, 2 * TCPK_SCRATCH + 1, "limit: a large one");
	o.half[1].limit = 10;
	o.deadline = fake_clock + 2000 * MS;
	run(&sender, &more, &o);
	expect(TCPK_OK, 1, 3, 10, "limit: nor is the deadline an error then");
	ok(took() >= 1999 && took() < 2100, "but it ends it (%d ms)",
	    (int)took());
	o.deadline = 0;
	o.half[1].at_most = 100 * MS;
	run(&few, &some, &o);
	expect(TCPK_ECUT, 1, 9, 4, "limit: too few when at_most ends it");
	o.half[1].at_most = TCPK_FOREVER;
	o.half[1].quiet = 100 * MS;
	run(&few, &some, &o);
	expect(TCPK_ECUT, 1, 9, 4, "limit: too few when quiet ends it");
	o.half[1].quiet = TCPK_FOREVER;
	o.half_close_timeout = 1000 * MS;
	run(&sender, &more, &o);
	expect(TCPK_OK, 1, 3, 10,
	    "limit: half_close_timeout makes no error of lingering");
}

static void
test_quiet(void)
{
	struct script	a = { .in = { { WAIT, 10 }, { DATA, 5 },
			    { WAIT, 600 }, { DATA, 6 }, { SILENT, 0 } } };
	struct script	b = { .in = { { WAIT, 100 }, { DATA, 7 } } };
	struct script	mum = { .in = { { WAIT, 100 } } };
	struct script	finite = { .in = { { WAIT, 3000 }, { DATA, 5 } } };
	struct script	slow = { .in = { { WAIT, 100 }, { DATA, 7 } },
			    .out = { { WAIT, 2000 } } };
	struct tcpk_pump_opts	o = options();

	o.half[0].quiet = 0;
	run(&a, &b, &o);
	expect(TCPK_OK, 1, 5, 7, "quiet 0: ends with the other");
	ok(took() >= 100 && took() < 150, "at once (%d ms)", (int)took());
	o.half[0].quiet = 1000 * MS;
	run(&a, &b, &o);
	expect(TCPK_OK, 1, 11, 7, "quiet: after a while without a byte");
	ok(took() >= 1610 && took() < 1700, "which a byte starts anew (%d ms)",
	    (int)took());
	o.half[0].patient = true;
	run(&a, &b, &o);
	expect(TCPK_OK, 1, 11, 7, "patient: the other had moved something");
	run(&finite, &mum, &o);
	expect(TCPK_OK, 1, 5, 0, "patient: it had not: to the end");
	ok(took() >= 3000, "however long (%d ms)", (int)took());
	o.half[0].patient = false;
	o.half[0].quiet = 500 * MS;
	run(&a, &slow, &o);
	expect(TCPK_OK, 1, 11, 7, "quiet does not count while bytes wait");
}

static void
test_at_most(void)
{
	struct script	a = { .in = { { DATA, 5 } }, .drain_again = 0 };
	struct script	talks = { .in = { { DATA, 1 }, { WAIT, 100 },
			    { DATA, 2 }, { WAIT, 100 }, { DATA, 4 },
			    { WAIT, 100 }, { DATA, 8 }, { SILENT, 0 } } };
	struct script	deaf = { .in = { { SILENT, 0 } },
			    .drain_again = 1000000, .drain_stuck = true };
	struct script	late = { .in = { { SILENT, 0 } }, .drain_again = 12 };
	struct script	full = { .in = { { DATA, 5 } },
			    .out = { { SILENT, 0 } } };
	struct script	quits = { .in = { { WAIT, 20 }, { DATA, 7 } },
			    .out = { { GONE, 0 } } };
	struct script	open = { .in = { { DATA, 5 }, { SILENT, 0 } } };
	struct tcpk_pump_opts	o = options();

	o.half[1].at_most = 250 * MS;
	run(&a, &talks, &o);
	expect(TCPK_OK, 0, 5, 7, "at_most: stops in any case");
	ok(took() >= 250 && took() < 300, "after its time (%d ms)",
	    (int)took());
	run(&a, &late, &o);
	expect(TCPK_OK, 0, 5, 0, "at_most: acknowledged a little later");
	ok(took() >= 255 && took() < 1000, "is waited for (%d ms)",
	    (int)took());
	run(&a, &deaf, &o);
	expect(TCPK_ETIMEOUT, -1, 5, 0, "at_most: never acknowledged");
	ok(took() >= 1000 && took() < 1100, "is an error after 1 s (%d ms)",
	    (int)took());
	o.half[1].at_most = 0;
	run(&a, &talks, &o);
	expect(TCPK_OK, 0, 5, 1, "at_most 0: with what was there");
	ok(took() < 100, "at once (%d ms)", (int)took());
	o.half[1].at_most = 1500 * MS;
	run(&a, &deaf, &o);
	expect(TCPK_ETIMEOUT, -1, 5, 0, "at_most: over a second");
	ok(took() >= 1500 && took() < 1600, "is the limit (%d ms)",
	    (int)took());
	o.half[1].at_most = 50 * MS;
	run(&full, &talks, &o);
	expect(TCPK_ETIMEOUT, -2, 5, 0,
	    "at_most: with bytes that nobody takes is an error");
	run(&open, &quits, &o);
	expect(TCPK_OK, -2, 0, 7,
	    "at_most: a program that left is no lack of acknowledgement");
}

static void
test_idle(void)
{
	struct script	silent = { .in = { { SILENT, 0 } } };
	struct script	drips = { .in = { { WAIT, 400 }, { DATA, 1 },
			    { WAIT, 400 }, { DATA, 1 }, { WAIT, 400 },
			    { DATA, 1 }, { SILENT, 0 } } };
	struct script	quits = { .in = { { WAIT, 400 }, { DATA, 1 } } };
	struct script	drains = { .in = { { DATA, 1 } }, .drain_again = 40 };
	struct script	stuck = { .drain_again = 1000000,
			    .drain_stuck = true };
	struct script	a = { .in = { { DATA, 1 } } };
	struct tcpk_pump_opts	o = options();

	o.idle_timeout = 500 * MS;
	run(&silent, &silent, &o);
	expect(TCPK_ETIMEOUT, -1, 0, 0, "idle_timeout");
	ok(took() >= 500 && took() < 600 && t.a.resets == 1 &&
	    t.b.resets == 1, "after its time, both are reset (%d ms)",
	    (int)took());
	run(&silent, &drips, &o);
	expect(TCPK_ETIMEOUT, -1, 0, 3, "idle_timeout: a byte either way");
	ok(took() >= 1700 && took() < 1800, "starts it anew (%d ms)",
	    (int)took());
	run(&quits, &drips, &o);
	expect(TCPK_ETIMEOUT, -1, 1, 3, "idle_timeout after one end");
	run(&a, &drains, &o);
	expect(TCPK_OK, -2, 1, 1, "idle_timeout: acknowledgements count");
	ok(took() > 1000, "(%d ms)", (int)took());
	run(&a, &stuck, &o);
	expect(TCPK_ETIMEOUT, -1, 1, 0, "idle_timeout: without them not");
}

/* Thousands of connections do nothing: what each holds is counted. */
static void
test_cost(void)
{
	struct script	says = { .in = { { DATA, 7 }, { SILENT, 0 } } };
	struct script	silent = { .in = { { SILENT, 0 } } };
	struct tcpk_pump_opts	o = options();

	start(&says, &silent, NULL);
	go(1000);
	ok(t.done == 0 && t.b.got == 7 && t.p->timer == NULL &&
	    t.p->half[0].buf == NULL && t.p->half[1].buf == NULL,
	    "an idle one has no timer and no buffer");
	ok(sizeof(void *) != 8 || (sizeof(struct tcpk_pump) <= 184 &&
	    sizeof(struct tcpk_watch) <= 56), "nor much else (%zu, %zu)",
	    sizeof(struct tcpk_pump), sizeof(struct tcpk_watch));
	cancel();
	o.idle_timeout = 5000 * MS;
	start(&silent, &silent, &o);
	ok(t.p->timer != NULL && t.p->timer->at != 0,
	    "it has a timer where it has a limit");
	cancel();
}

static void
test_half_close_timeout(void)
{
	struct script	a = { .in = { { DATA, 1 } } };
	struct script	silent = { .in = { { SILENT, 0 } } };
	struct script	late = { .in = { { WAIT, 5000 } } };
	struct script	drips = { .in = { { WAIT, 400 }, { DATA, 1 },
			    { WAIT, 400 }, { DATA, 1 }, { WAIT, 400 },
			    { DATA, 1 } } };
	struct tcpk_pump_opts	o = options();

	o.half_close_timeout = 500 * MS;
	run(&a, &silent, &o);
	expect(TCPK_ETIMEOUT, -1, 1, 0, "half_close_timeout");
	ok(took() >= 500 && took() < 600, "after its time (%d ms)",
	    (int)took());
	run(&a, &drips, &o);
	expect(TCPK_OK, 0, 1, 3, "half_close_timeout: bytes start it anew");
	run(&late, &late, &o);
	expect(TCPK_OK, -2, 0, 0,
	    "half_close_timeout: counts only from an end");
}

static void
test_deadline(void)
{
	struct script	drips = { .in = { { WAIT, 200 }, { DATA, 1 },
			    { WAIT, 200 }, { DATA, 1 }, { WAIT, 200 },
			    { DATA, 1 }, { SILENT, 0 } } };
	struct script	soon = { .in = { { WAIT, 100 } } };
	struct tcpk_pump_opts	o = options();

	o.deadline = fake_clock + 500 * MS;
	run(&drips, &drips, &o);
	expect(TCPK_ETIMEOUT, -1, 2, 2, "deadline");
	ok(took() >= 500 && took() < 501, "to the moment (%d ms)",
	    (int)took());
	o.deadline = fake_clock + 500 * MS;
	run(&soon, &soon, &o);
	expect(TCPK_OK, -2, 0, 0, "deadline: not reached");
}

static void
test_failures(void)
{
	struct script	silent = { .in = { { SILENT, 0 } } };
	struct script	breaks = { .in = { { DATA, 5 },
			    { FAIL, TCPK_ECUT } } };
	struct script	slowly = { .in = { { SILENT, 0 } }, .drain_again = 5 };
	struct script	at_once = { .in = { { FAIL, TCPK_ECUT } } };
	struct script	stuck = { .in = { { SILENT, 0 } },
			    .drain_again = 1000000, .drain_stuck = true };
	struct script	reader = { .in = { { SILENT, 0 } },
			    .out = { { TAKE, 2 }, { WAIT, 50 } } };
	struct script	full = { .in = { { SILENT, 0 } },
			    .out = { { TAKE, 3 }, { FAIL, TCPK_EIO } } };
	struct script	a = { .in = { { DATA, 500 }, { SILENT, 0 } } };
	struct script	ended = { .in = { { DATA, 500 } } };
	struct script	nofinish = { .in = { { SILENT, 0 } },
			    .finish_fails = TCPK_EIO };
	struct script	nodrain = { .in = { { SILENT, 0 } },
			    .drain_again = 3, .drain_fails = TCPK_EIO };
	struct script	resets = { .in = { { WAIT, 100 },
			    { FAIL, TCPK_ECUT } } };

	run(&breaks, &silent, NULL);
	expect(TCPK_ECUT, 0, 5, 0, "a fails when read");
	ok(t.b.resets == 1 && t.b.finishes == 0 && t.b.got == 5,
	    "b gets what came before it, and then a reset, never an end");
	run(&breaks, &reader, NULL);
	expect(TCPK_ECUT, 0, 5, 0, "a fails while b is slow");
	ok(t.b.got == 5 && t.b.resets == 1, "b gets what came before");
	run(&breaks, &slowly, NULL);
	expect(TCPK_ECUT, 0, 5, 0, "a fails while bytes are on their way to b");
	ok(fake_before("bD", "bR"),
	    "a reset passed on does not overtake them (%s)", fake_log);
	run(&at_once, &stuck, NULL);
	expect(TCPK_ECUT, 0, 0, 0, "a fails before it has said anything");
	ok(t.b.drains == 0 && t.b.resets == 1,
	    "nothing is on its way to b, and nothing is waited for");
	run(&a, &full, NULL);
	expect(TCPK_EIO, 1, 3, 0, "b fails when written");
	ok(t.a.resets == 1, "a is reset, for b had not ended");
	run(&ended, &nofinish, NULL);
	expect(TCPK_EIO, 1, 500, 0, "b fails when finished");
	run(&ended, &nodrain, NULL);
	expect(TCPK_EIO, 1, 500, 0, "b fails when drained");
	ok(t.b.resets == 1, "b is reset: not all has arrived");
	run(&ended, &resets, NULL);
	expect(TCPK_ECUT, 1, 500, 0, "b fails after a has ended");
	ok(t.a.resets == 1 && t.b.finishes == 1,
	    "a is reset; b had got everything");
}

static void
test_salvage(void)
{
	struct script	a = { .in = { { DATA, 500 }, { SILENT, 0 } } };
	struct script	slow = { .in = { { DATA, 500 }, { SILENT, 0 } },
			    .out = { { TAKE, 10 }, { WAIT, 100 } } };
	struct script	b = { .in = { { WAIT, 1 }, { DATA, 600000 },
			    { AGAIN, 0 }, { AGAIN, 0 }, { FAIL, TCPK_ECUT } },
			    .out = { { TAKE, 3 }, { FAIL, TCPK_ECUT } } };
	struct script	clean = { .in = { { DATA, 70 } },
			    .out = { { FAIL, TCPK_ECUT } } };
	struct script	nothing = { .in = { { SILENT, 0 } },
			    .out = { { FAIL, TCPK_ECUT } } };
	struct script	hung = { .in = { { WAIT, 10 }, { DATA, 70 } },
			    .hup_at = 10 };
	struct script	quiet = { .in = { { SILENT, 0 } } };
	struct script	draining = { .in = { { DATA, 5 } } };
	struct script	cut = { .in = { { WAIT, 10 }, { DATA, 70 },
			    { SILENT, 0 } }, .drain_again = 10,
			    .drain_fails = TCPK_ECUT };

	b.in[0].what = DATA;
	b.in[0].n = 1;
	run(&a, &b, NULL);
	expect(TCPK_ECUT, 1, 3, 600001,
	    "what b had sent is read though it can be written no more");
	ok(strstr(t.report.err.text, "write to b") != NULL,
	    "the error is the first one: %s", t.report.err.text);
	ok(t.a.finishes == 0 && t.a.resets == 1,
	    "a gets that, and then a reset, never an end");
	run(&slow, &b, NULL);
	expect(TCPK_ECUT, 1, 3, 600001, "and to a slow reader too");
	ok(t.a.finishes == 0 && t.a.resets == 1, "with a reset as well");
	run(&a, &clean, NULL);
	expect(TCPK_ECUT, 1, 0, 70, "b broke, and then ended");
	run(&a, &nothing, NULL);
	expect(TCPK_ECUT, 1, 0, 0, "b broke with nothing left to be read");
	ok(took() < 10, "and is not waited for");
	run(&quiet, &hung, NULL);
	expect(TCPK_ECUT, 1, 0, 70, "b broke while nobody wrote to it");
	run(&draining, &cut, NULL);
	expect(TCPK_ECUT, 1, 5, 70, "b broke before all was acknowledged");
}

static void
test_gone(void)
{
	struct script	a = { .in = { { DATA, 500 }, { WAIT, 50 },
			    { DATA, 100000 }, { WAIT, 50 } } };
	struct script	open = { .in = { { DATA, 500 }, { SILENT, 0 } } };
	struct script	reset = { .in = { { DATA, 500 }, { WAIT, 300 },
			    { FAIL, TCPK_ECUT } } };
	struct script	left = { .in = { { WAIT, 20 }, { DATA, 70 } },
			    .out = { { TAKE, 3 }, { GONE, 0 } } };
	struct script	slow = { .in = { { WAIT, 20 }, { DATA, 70 } },
			    .out = { { TAKE, 3 }, { WAIT, 5 }, { GONE, 0 } } };
	struct script	hup = { .in = { { WAIT, 20 }, { DATA, 70 } },
			    .hup_at = 10, .hup = TCPK_GONE };
	struct script	alive = { .in = { { WAIT, 20 }, { DATA, 70 } },
			    .hup_at = 10, .hup = TCPK_AGAIN };
	struct script	quiet = { .in = { { WAIT, 100 }, { DATA, 4 } } };

	run(&a, &left, NULL);
	expect(TCPK_OK, -2, 3, 70, "b took no more, and that is no error");
	ok(t.report.side == 1, "b was the first to end (side %d)",
	    t.report.side);
	ok(t.a.sent == 100500, "what it did not take is read and thrown away");
	run(&a, &slow, NULL);
	expect(TCPK_OK, -2, 3, 70, "the same with bytes waiting");
	run(&open, &left, NULL);
	expect(TCPK_OK, -2, 3, 70, "and when a does not end");
	ok(took() >= 5000 && took() < 5200, "a has 5 s (%d ms)", (int)took());
	run(&reset, &left, NULL);
	expect(TCPK_OK, -2, 3, 70, "nor when it then resets");
	open.file = true;
	run(&open, &left, NULL);
	expect(TCPK_OK, -2, 3, 70, "a file is not read to its end for that");
	ok(took() < 100, "(%d ms)", (int)took());
	run(&quiet, &hup, NULL);
	expect(TCPK_OK, -2, 0, 70, "b hung up and takes no more");
	ok(t.b.writes == 0, "nothing is written to it");
	run(&quiet, &alive, NULL);
	expect(TCPK_OK, 1, 4, 70, "b hung up and takes more");
}

static void
test_program(void)
{
	struct script	a = { .in = { { DATA, 5 } } };
	struct script	b = { .in = { { FINISHED, 0 }, { WAIT, 50 },
			    { DATA, 70 } }, .drain_again = 2,
			    .drain_fails = TCPK_EPROGRAM, .file = true };
	struct script	slow = { .in = { { DATA, 5 } }, .drain_again = 12 };
	struct script	breaks = { .in = { { DATA, 5 } },
			    .out = { { TAKE, 30 }, { FAIL, TCPK_EIO } } };

	run(&a, &b, NULL);
	expect(TCPK_EPROGRAM, 1, 5, 70,
	    "a program's failure does not cut what it wrote");
	ok(t.a.resets == 0 && t.a.finishes == 1 && t.a.drained,
	    "which is ended as usual");
	run(&slow, &b, NULL);
	expect(TCPK_EPROGRAM, 1, 5, 70, "and is waited for");
	ok(t.a.drained, "until it has arrived");
	run(&breaks, &b, NULL);
	expect(TCPK_EPROGRAM, 1, 5, 30,
	    "the report tells what went wrong first");
}

static void
test_echo(void)
{
	struct script	a = { .in = { { DATA, 700000 }, { WAIT, 10 },
			    { DATA, 5 } }, .out = { { TAKE, 5 },
			    { AGAIN, 0 }, { SHORT, 99 }, { WAIT, 30 } },
			    .finish_again = 2, .drain_again = 3 };
	struct script	late = { .in = { { WAIT, 2000 }, { DATA, 5 } } };
	struct script	breaks = { .in = { { DATA, 5 },
			    { FAIL, TCPK_ECUT } } };
	struct script	broken = { .in = { { DATA, 5 }, { SILENT, 0 } },
			    .out = { { FAIL, TCPK_ECUT } } };
	struct tcpk_pump_opts	o = options();

	run(&a, NULL, NULL);
	expect(TCPK_OK, 0, 700005, 0, "echo");
	ok(t.a.got == 700005 && t.a.finishes == 1 && t.a.resets == 0,
	    "all of it came back");
	o.half[0].no_shutdown = true;
	run(&a, NULL, &o);
	expect(TCPK_OK, 0, 700005, 0, "echo: there is no other to wait for");
	o = options();
	o.half_close_timeout = 500 * MS;
	run(&late, NULL, &o);
	expect(TCPK_OK, 0, 5, 0, "echo: nothing was half-closed");
	o.idle_timeout = 500 * MS;
	o.half_close_timeout = 0;
	run(&late, NULL, &o);
	expect(TCPK_ETIMEOUT, -1, 0, 0, "echo: idle_timeout");
	run(&breaks, NULL, NULL);
	expect(TCPK_ECUT, 0, 5, 0, "echo: fails when read");
	ok(t.a.resets == 1 && t.a.finishes == 0, "is reset");
	run(&broken, NULL, NULL);
	expect(TCPK_ECUT, 0, 0, 0, "echo: fails when written");
	start(&a, NULL, NULL);
	step();
	cancel();
	ok(t.a.frees == 1 && t.done == 0, "echo: cancelled");
}

/* Cancel after every possible number of turns; all states are met. */
static void
test_cancel(void)
{
	struct script	a = { .in = { { DATA, 500 }, { WAIT, 5 },
			    { DATA, 300000 } }, .finish_again = 2,
			    .drain_again = 3 };
	struct script	b = { .in = { { WAIT, 40 }, { DATA, 5 } },
			    .out = { { TAKE, 9 }, { WAIT, 5 },
			    { TAKE, 500 }, { WAIT, 3 } },
			    .finish_again = 2, .drain_again = 3 };
	struct script	gone = { .in = { { WAIT, 5 } },
			    .out = { { GONE, 0 } } };
	struct tcpk_pump_opts	o = options();
	uint64_t		bytes[2];
	unsigned		seen[2] = { 0, 0 };
	bool			cut, resets_right = true, all = true;
	int			k, j, variant, states[2];

	o.half[0].no_shutdown = true;
	for (variant = 0; variant < 3; variant++)
		for (k = 0;; k++) {
			start(&a, variant == 2 ? &gone : &b,
			    variant == 0 ? &o : NULL);
			for (j = 0; j < k && t.p != NULL; j++)
				step();
			if (t.p == NULL)
				break;
			tcpk_pump_bytes(t.p, bytes);
			all &= bytes[0] == t.b.got && bytes[1] == t.a.got;
			for (j = 0; j < 2; j++) {
				states[j] = t.p->half[j].state;
				seen[j] |= 1u << states[j];
			}
			cancel();
			cut = states[0] != DONE || states[1] != DONE;
			resets_right &= t.b.resets == cut &&
			    t.a.resets == cut;
			all &= t.done == 0 && t.a.frees == 1 &&
			    t.b.frees == 1 && !t.hoarded;
			for (j = 0; j < 5; j++)
				if (fake_turn(loop))
					all = false;
			all &= t.done == 0;
		}
	ok(all, "cancelled at any time, both are freed and done never comes");
	ok(resets_right, "and both are reset where a half was not done");
	ok(seen[0] == (1u << FLOW | 1u << HELD | 1u << FINISH | 1u << DRAIN |
	    1u << DISCARD | 1u << DONE), "half 0 was in every state (%#x)",
	    seen[0]);
	tcpk_pump_cancel(NULL);
	ok(1, "cancel of nothing");
}

/* --- random scripts ------------------------------------------------------ */

static unsigned	seed;

static unsigned
rnd(unsigned n)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 8) % n;
}

static long
random_size(void)
{
	return 1 + (long)rnd(rnd(8) != 0 ? 2000 : 3 * TCPK_SCRATCH);
}

static uint64_t
random_script(struct script *s, bool fails)
{
	uint64_t	total = 0;
	size_t		i, n;

	memset(s, 0, sizeof(*s));
	n = rnd(STEPS - 2);
	for (i = 0; i < n; i++) {
		s->in[i].what = 1 + (int)rnd(3);
		s->in[i].n = s->in[i].what == DATA ? random_size() :
		    (long)rnd(30);
		if (s->in[i].what == DATA)
			total += (uint64_t)s->in[i].n;
	}
	if (fails && rnd(2) == 0) {
		s->in[n].what = FAIL;
		s->in[n].n = TCPK_ECUT;
	}
	n = rnd(STEPS - 2);
	for (i = 0; i < n; i++)
		switch (rnd(4)) {
		case 0:
			s->out[i].what = AGAIN;
			break;
		case 1:
			s->out[i].what = WAIT;
			s->out[i].n = rnd(30);
			break;
		case 2:
			s->out[i].what = TAKE;
			s->out[i].n = random_size();
			break;
		case 3:
			s->out[i].what = SHORT;
			s->out[i].n = 1 + rnd(30);
			break;
		}
	if (fails && rnd(4) == 0) {
		s->out[n].what = rnd(2) == 0 ? GONE : FAIL;
		s->out[n].n = TCPK_ECUT;
	}
	s->finish_again = (int)rnd(3);
	s->drain_again = (int)rnd(5);
	if (fails && rnd(4) == 0)
		s->drain_fails = rnd(2) == 0 ? TCPK_EPROGRAM : TCPK_ECUT;
	return total;
}

static void
random_options(struct tcpk_pump_opts *o, bool harmless)
{
	int	i;

	tcpk_pump_defaults(o);
	for (i = 0; i < 2; i++) {
		o->half[i].no_shutdown = rnd(3) == 0;
		if (harmless)
			continue;
		if (rnd(8) == 0)
			o->half[i].limit = (uint64_t)random_size();
		if (rnd(4) == 0)
			o->half[i].quiet = rnd(50) * MS;
		o->half[i].patient = rnd(2) == 0;
		if (rnd(4) == 0)
			o->half[i].at_most = rnd(50) * MS;
		o->half[i].no_finish = rnd(8) == 0;
		o->half[i].discard = rnd(8) == 0;
		o->half[i].mute = i == 1 && rnd(8) == 0;
		o->reset[i] = rnd(8) == 0;
	}
	if (!harmless && rnd(6) == 0)
		o->idle_timeout = (1 + rnd(100)) * MS;
	if (!harmless && rnd(6) == 0)
		o->half_close_timeout = (1 + rnd(100)) * MS;
	if (!harmless && rnd(6) == 0)
		o->deadline = fake_clock + (1 + rnd(200)) * MS;
}

static void
test_random(void)
{
	struct tcpk_pump_opts	o;
	struct script		a, b;
	uint64_t		n[2];
	unsigned		i;
	int			bad = 0;

	for (i = 1; i <= 1500 && bad < 3; i++) {
		seed = i;
		n[0] = random_script(&a, false);
		n[1] = random_script(&b, false);
		random_options(&o, true);
		run(&a, rnd(4) == 0 ? NULL : &b, &o);
		if (t.b.name == 0)
			n[1] = 0;
		if (!sane() || t.report.err.kind != TCPK_OK ||
		    t.report.bytes[0] != n[0] || t.report.bytes[1] != n[1] ||
		    !t.a.finished || !t.a.drained || t.a.resets != 0 ||
		    t.b.resets != 0) {
			note("seed %u: %s %s", i, t.report.err.text, fake_log);
			bad++;
		}
	}
	ok(bad == 0, "%u random runs deliver everything and end", i - 1);
	bad = 0;
	for (i = 1; i <= 3000 && bad < 3; i++) {
		seed = i + 10000;
		random_script(&a, true);
		random_script(&b, true);
		random_options(&o, false);
		run(&a, rnd(4) == 0 ? NULL : &b, &o);
		if (!sane() || t.report.bytes[0] != (t.b.name == 0 ? t.a.got :
		    t.b.got) || (t.b.name != 0 &&
		    t.report.bytes[1] != t.a.got) ||
		    (t.report.err.kind == TCPK_OK &&
		    (!t.a.drained || (t.b.name != 0 && !t.b.drained)))) {
			note("seed %u: %s %s", i + 10000, t.report.err.text,
			    fake_log);
			cancel();
			bad++;
		}
	}
	ok(bad == 0, "%u random runs with failures and options end", i - 1);
}

int
main(void)
{
	loop = tcpk_loop_new(NULL, NULL);
	test_plain();
	test_writing();
	test_fair();
	test_no_shutdown();
	test_no_finish();
	test_mute();
	test_discard();
	test_limit();
	test_quiet();
	test_at_most();
	test_idle();
	test_cost();
	test_half_close_timeout();
	test_deadline();
	test_failures();
	test_salvage();
	test_gone();
	test_program();
	test_echo();
	test_cancel();
	test_random();
	tcpk_loop_free(loop);
	return done_testing();
}
