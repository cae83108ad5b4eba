/*
 * pump: bytes in bulk between real sockets, where they are moved inside the
 * kernel.  In a build that copies all of them the same must hold.
 */

#include "loop_impl.h"
#include "pump_peers.h"

/* A peer's reads and writes: less than a pump takes at once. */
#define PEER_PIECE	65521

static enum kind	 kind;
static bool		 have_pipes;
static int		 base;		/* descriptors while nothing runs */

/* Of which kind the ends are, too. */
#define tell(cond, ...)	do {						\
	char	tell_text[200];						\
									\
	snprintf(tell_text, sizeof(tell_text), __VA_ARGS__);		\
	say((cond), "%s: %s", kind == TCP ? "tcp" : "unix", tell_text);	\
} while (0)

/* Two connections; size (0: the system's) is that of their buffers. */
static void
connected(struct run *r, size_t to_b, size_t to_a, int size)
{
	int	i;

	prepare_sized(r, kind, kind, to_b, to_a, size);
	for (i = 0; i < 2; i++)
		r->x[i].put = r->x[i].get = PEER_PIECE;
}

/* --- ends that are clean -------------------------------------------------- */

static void
test_both_ways(void)
{
	struct run	r;

	connected(&r, 9 * MIB + 1, 7 * MIB + 13, 0);
	start(&r);
	finish(&r);
	tell(arrived(&r), "several MiB each way at once");
	tell(r.spliced[0] == have_pipes && r.spliced[1] == have_pipes,
	    "inside the kernel, where that can be");
	clean(&r);
	connected(&r, 6 * MIB, 0, 0);
	start(&r);
	finish(&r);
	tell(arrived(&r), "one way, the other ends at once");
	tell(r.spliced[0] == have_pipes && !r.spliced[1],
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
			connected(&r, way == 0 ? sizes[i] : 5,
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
	tell(bad == 0, "half-closes around 1 MiB and a pipe's size (%d bad)",
	    bad);
}

/* The other direction goes on after a half-close, also in bulk. */
static void
test_one_ends_first(void)
{
	struct run	r;

	connected(&r, 3 * MIB, 5 * MIB, 0);
	r.x[1].pause = MIB + 1;
	start(&r);
	until(&r, r.x[1].eof);
	tell(r.done == 0 && r.x[1].got == r.x[0].total,
	    "the end is passed on while the other direction is open");
	r.x[1].pause = SIZE_MAX;
	finish(&r);
	tell(arrived(&r) && r.report.side == 0, "which then goes on");
	clean(&r);
	connected(&r, 3 * MIB, 3 * MIB, 0);
	r.opts.half[0].no_shutdown = true;
	r.x[1].pause = 2 * MIB;
	start(&r);
	until(&r, r.x[1].got == r.x[0].total && r.x[0].got == 2 * MIB);
	settle(&r);
	tell(!r.x[1].eof && r.done == 0, "no_shutdown: the end is held back");
	r.x[1].pause = SIZE_MAX;
	finish(&r);
	tell(arrived(&r), "no_shutdown: until the other has ended");
	clean(&r);
}

static void
test_echo(void)
{
	struct run	r;

	connected(&r, 9 * MIB, 0, 0);
	tcpk_stream_free(r.s[1]);
	hang_up(&r.x[1], false);
	r.s[1] = r.s[0];
	start(&r);
	finish(&r);
	tell(r.done == 1 && r.report.err.kind == TCPK_OK && r.x[0].eof &&
	    r.x[0].got == 9 * MIB && !r.x[0].garbled &&
	    r.report.bytes[0] == 9 * MIB, "echo");
	tell(r.spliced[0] == have_pipes, "echo: inside the kernel");
	clean(&r);
}

static void
test_idle(void)
{
	struct run	r;
	int		i;

	connected(&r, 8 * MIB, 8 * MIB, 0);
	r.x[0].pause = 4 * MIB;
	r.x[1].pause = 3 * MIB;
	start(&r);
	until(&r, r.x[1].got == 4 * MIB && r.x[0].got == 3 * MIB);
	tell(r.p != NULL && !r.p->half[0].piped &&
	    !r.p->half[1].piped && r.p->half[0].buf == NULL &&
	    r.p->half[1].buf == NULL, "idle after bulk: nothing is borrowed");
	tell(pipes_gone(4), "and soon no pipe is open");
	for (i = 1; i <= 100; i++) {
		r.x[0].pause++;
		until(&r, r.x[1].got == r.x[0].pause);
	}
	tell(r.x[1].got == 4 * MIB + 100 && !r.x[1].garbled,
	    "single bytes pass as before");
	r.x[0].pause = r.x[1].pause = SIZE_MAX;
	finish(&r);
	tell(arrived(&r), "and then bulk again");
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
		connected(&r, 4 * MIB, 10, 0);
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
	tell(bad == 0, "bytes around one out of band (%d bad)", bad);
	connected(&r, 4 * MIB, 10, 0);
	r.x[0].pause = 2 * MIB;
	r.x[0].urgent = 1;
	r.x[0].ends = r.x[1].ends = false;
	start(&r);
	until(&r, r.x[1].got == 4 * MIB);
	tell(r.x[1].got == 4 * MIB && turn_for(loop, 50 * TCPK_MS) <= 10,
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
		connected(&r, way == 0 ? 40 * MIB : 1, way == 0 ? 1 : 40 * MIB,
		    128 * KIB);
		r.x[!way].stop = 3 * MIB;
		start(&r);
		until(&r, r.x[!way].got == 3 * MIB);
		settle(&r);
		sent = r.x[way].sent;
		tell(sent < 7 * MIB,
		    "half %d: a stopped reader stops its writer (%zu)", way,
		    sent - 3 * MIB);
		tell(count_fds() <= base + 4 + 9 * 2,
		    "half %d: with one pipe, and 8 that are kept", way);
		tell(turn_for(loop, 50 * TCPK_MS) <= 10,
		    "half %d: and nobody spins meanwhile", way);
		tell(!have_pipes || (r.p->half[way].piped &&
		    r.p->half[way].off < r.p->half[way].len),
		    "half %d: bytes lie in the pipe", way);
		r.x[!way].stop = SIZE_MAX;
		r.x[way].pause = sent;
		until(&r, r.x[!way].got == sent);
		tell(r.x[!way].got == sent && pipes_gone(4),
		    "half %d: it reads on, and the pipes go", way);
		r.x[way].pause = SIZE_MAX;
		finish(&r);
		tell(arrived(&r), "half %d: and all arrives", way);
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
		connected(&r, 4 * MIB + (size_t)i, 2 * MIB, 128 * KIB);
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
	tell(bad == 0, "an end behind a slow reader (%d bad)", bad);
}

#define MANY	70

static void
test_many(void)
{
	static struct run	r[MANY];
	uint64_t		end;
	int			i, stuck, piped = 0, good = 0;

	for (i = 0; i < MANY; i++) {
		connected(&r[i], 4 * MIB, 100, 512 * KIB);
		r[i].x[0].put = PATTERN;
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
		piped += r[i].p->half[0].piped;
	tell(stuck == MANY && piped <= 64 && (piped > 0) == have_pipes,
	    "%d stopped readers: %d with a pipe, the rest copies", MANY,
	    piped);
	tell(count_fds() <= base + 4 * MANY + 2 * 64, "no more than 64 pipes");
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
	tell(good == MANY, "then they read on, and all arrives (%d)", good);
	tell(pipes_gone(0), "and the pipes go");
}

static void
test_cancel(void)
{
	struct run	r;
	int		i, bad = 0;

	for (i = 0; i < 3; i++) {
		connected(&r, 20 * MIB, 20 * MIB, 128 * KIB);
		r.x[0].stop = r.x[1].stop = 2 * MIB;
		start(&r);
		until(&r, r.x[0].got == 2 * MIB && r.x[1].got == 2 * MIB);
		settle(&r);
		bad += have_pipes && (!r.p->half[0].piped ||
		    !r.p->half[1].piped);
		tcpk_pump_cancel(r.p);
		r.p = NULL;
		r.x[0].stop = r.x[1].stop = SIZE_MAX;
		until(&r, over(&r.x[0]) && over(&r.x[1]));
		bad += kind == TCP && (r.x[0].eof || r.x[1].eof);
		clean(&r);
	}
	tell(bad == 0, "cancelled with bytes in the pipes: a reset (%d bad)",
	    bad);
	tell(pipes_gone(0), "and no descriptor is left");
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
			connected(&r, way == 0 ? 40 * MIB : 9,
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
	tell(bad == 0, "a writer resets in bulk (%d bad)", bad);
}

static void
test_reader_resets(void)
{
	struct run	r;
	int		way, slow, bad = 0;

	for (way = 0; way < 2; way++)
		for (slow = 0; slow < 2; slow++) {
			connected(&r, way == 0 ? 40 * MIB : 0,
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
	tell(bad == 0, "a reader resets in bulk (%d bad)", bad);
}

static void
test_both_and_reset(void)
{
	struct run	r;
	int		who, slow, bad = 0;

	for (who = 0; who < 2; who++)
		for (slow = 0; slow < 2; slow++) {
			connected(&r, 40 * MIB, 40 * MIB, 128 * KIB);
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
	tell(bad == 0, "one of two resets, bulk both ways (%d bad)", bad);
}

/* A half-close that was passed on, and a reset behind it. */
static void
test_reset_after_end(void)
{
	struct run	r;
	int		who;

	for (who = 0; who < 2; who++) {
		connected(&r, who == 0 ? 3 * MIB : 40 * MIB,
		    who == 0 ? 40 * MIB : 3 * MIB, 128 * KIB);
		r.x[who].stop = 2 * MIB;
		start(&r);
		until(&r, r.x[!who].eof && r.x[who].got == 2 * MIB);
		hang_up(&r.x[who], true);
		until(&r, r.done > 0 && r.x[!who].send_err != 0);
		tell(says_reset(&r) && r.x[!who].got == 3 * MIB &&
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

	connected(&r, 40 * MIB, 0, 128 * KIB);
	r.x[1].ends = false;
	r.x[1].stop = 3 * MIB;
	r.opts.idle_timeout = 300 * TCPK_MS;
	start(&r);
	until(&r, r.done > 0);
	tell(r.done == 1 && r.report.err.kind == TCPK_ETIMEOUT &&
	    r.report.bytes[0] >= 3 * MIB &&
	    r.report.taken[0] >= r.report.bytes[0],
	    "idle time-out with bytes on their way");
	clean(&r);
	connected(&r, SIZE_MAX / 2, 0, 0);
	r.opts.deadline = tcpk_now() + 300 * TCPK_MS;
	start(&r);
	until(&r, r.done > 0);
	tell(r.done == 1 && r.report.err.kind == TCPK_ETIMEOUT &&
	    tcpk_now() >= r.opts.deadline && r.x[1].got > 0 &&
	    !r.x[1].garbled, "deadline in the middle of bulk (%zu MiB)",
	    r.x[1].got / MIB);
	r.x[0].pause = r.x[0].sent;
	until(&r, over(&r.x[1]));
	tell(r.x[1].got == r.report.bytes[0] || kind == TCP,
	    "it was not ended as if that were all");
	clean(&r);
	for (i = 0; i < 2; i++) {
		connected(&r, 3 * MIB, 3 * MIB, 0);
		r.x[i].ends = false;
		r.opts.half_close_timeout = 300 * TCPK_MS;
		start(&r);
		until(&r, r.done > 0);
		tell(r.done == 1 && r.report.err.kind == TCPK_ETIMEOUT &&
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

	connected(&r, 3 * MIB, 3 * MIB, 0);
	r.s[0] = tcpk_stream_tap(r.s[0], count_piece, &seen, NULL);
	start(&r);
	finish(&r);
	tell(arrived(&r) && seen == 3 * MIB && !r.spliced[0] && !r.spliced[1],
	    "one that is looked on is copied");
	clean(&r);
	connected(&r, 3 * MIB, 3 * MIB, 0);
	r.s[1] = tcpk_stream_rate(loop, r.s[1], 100 * MIB, NULL);
	start(&r);
	finish(&r);
	tell(arrived(&r) && !r.spliced[0] && !r.spliced[1],
	    "one with a rate is copied");
	clean(&r);
	connected(&r, 3 * MIB, 0, 0);
	r.opts.half[0].limit = 2 * MIB + 5;
	start(&r);
	until(&r, r.x[1].eof);
	tell(r.x[1].got == 2 * MIB + 5 && !r.x[1].garbled && !r.spliced[0],
	    "one with a limit is copied, and no more than that");
	clean(&r);
	for (i = 0; i < 2; i++) {
		connected(&r, 5 * MIB, 5 * MIB, 128 * KIB);
		tcpk_stream_fds(r.s[i], &fd, &unused);
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
		r.x[0].stop = r.x[1].stop = 2 * MIB;
		start(&r);
		until(&r, r.x[0].got == 2 * MIB && r.x[1].got == 2 * MIB);
		settle(&r);
		r.x[0].stop = r.x[1].stop = SIZE_MAX;
		finish(&r);
		tell(arrived(&r) && !r.spliced[0] && !r.spliced[1],
		    "one that would wait is copied (%d)", i);
		clean(&r);
	}
}

static void
test_kind(void)
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
	tell(pipes_gone(0), "no descriptor is left");
}

static void
test_all(void)
{
	have_pipes = look_for_pipes();
	for (kind = TCP; kind <= UNIX; kind++)
		test_kind();
}

int
main(void)
{
	return with_each_loop(test_all);
}
