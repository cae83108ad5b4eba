/*
 * pump: bytes in bulk from and to pipes, which are moved inside the kernel
 * from end to end.  In a build that copies all the same must hold.
 */

#include <sys/resource.h>
#include <sys/wait.h>

#include "pump_peers.h"

/* More large pipes than any user may have by default. */
#define HOGS	400

/* Where there are no such things: nothing is moved in the kernel either. */
#ifndef F_SETPIPE_SZ
#define F_SETPIPE_SZ	-1
#define F_GETPIPE_SZ	-1
#endif
#ifndef O_DIRECT
#define O_DIRECT	0
#endif

static bool	have_pipes;

static const char *const	words[] = { "tcp", "unix", "pipes" };

static bool
spliced(const struct run *r, int i)
{
	return r->p != NULL && r->p->half[i].splice == YES;
}

/* --- ends that are clean -------------------------------------------------- */

static void
test_both_ways(void)
{
	static const enum kind	kinds[][2] = {
		{ PIPES, TCP }, { TCP, PIPES }, { PIPES, UNIX },
		{ PIPES, PIPES }
	};
	struct run		r;
	size_t			i;
	bool			seen[2];

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		prepare(&r, kinds[i][0], kinds[i][1], 9 * MIB + 1,
		    7 * MIB + 13);
		start(&r);
		r.x[0].pause = r.x[1].pause = 5 * MIB;
		until(&r, r.x[0].got == 5 * MIB && r.x[1].got == 5 * MIB);
		seen[0] = spliced(&r, 0);
		seen[1] = spliced(&r, 1);
		r.x[0].pause = r.x[1].pause = SIZE_MAX;
		finish(&r);
		say(arrived(&r), "%s and %s, both ways at once",
		    words[kinds[i][0]], words[kinds[i][1]]);
		say(seen[0] == have_pipes && seen[1] == have_pipes,
		    "inside the kernel, where that can be");
		clean(&r);
	}
}

/* Pieces of every length, on either side of the pump. */
static void
test_pieces(void)
{
	static const size_t	lengths[] = { 97, 1000, 4095, 4097, 60000 };
	struct run		r;
	size_t			i, j;
	int			bad = 0;

	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		for (j = 0; j < 4; j++) {
			prepare(&r, PIPES, j < 2 ? TCP : PIPES,
			    MIB + 500 * lengths[i], MIB + 500 * lengths[i]);
			start(&r);
			r.x[0].pause = r.x[1].pause = MIB;
			until(&r, r.x[0].got == MIB && r.x[1].got == MIB);
			if (j % 2 == 0)
				r.x[0].put = r.x[1].put = lengths[i];
			else
				r.x[0].get = r.x[1].get = lengths[i];
			r.x[0].pause = r.x[1].pause = SIZE_MAX;
			finish(&r);
			if (!arrived(&r)) {
				note("of %zu bytes, %zu", lengths[i], j);
				bad++;
			}
			clean(&r);
		}
	say(bad == 0, "pieces of every length (%d bad)", bad);
}

static void
test_sizes(void)
{
	static const size_t	sizes[] = {
		MIB - 1, MIB, MIB + 1, MIB + 4096, MIB + 64 * KIB,
		MIB + 256 * KIB, 2 * MIB - 1, 2 * MIB, 2 * MIB + 1
	};
	struct run		r;
	size_t			i;
	int			way, bad = 0;

	for (way = 0; way < 2; way++)
		for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			prepare(&r, PIPES, TCP, way == 0 ? sizes[i] : 5,
			    way == 0 ? 5 : sizes[i]);
			start(&r);
			finish(&r);
			if (!arrived(&r)) {
				note("of %zu bytes, half %d", sizes[i], way);
				bad++;
			}
			clean(&r);
		}
	say(bad == 0, "ends around 1 MiB and a pipe's size (%d bad)", bad);
}

/* Whatever a pipe was opened with it keeps; but it is wider then. */
static void
test_flags(void)
{
	static const int	flags[] = { 0, O_NONBLOCK, O_APPEND,
	    O_NONBLOCK | O_APPEND };
	struct run		r;
	size_t			i;
	int			bad = 0, was[2];

	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		prepare(&r, PIPES, TCP, 5 * MIB, 5 * MIB);
		fcntl(r.x[0].pump[0], F_SETFL, flags[i] & O_NONBLOCK);
		fcntl(r.x[0].pump[1], F_SETFL, flags[i]);
		was[0] = fcntl(r.x[0].pump[0], F_GETFL);
		was[1] = fcntl(r.x[0].pump[1], F_GETFL);
		start(&r);
		r.x[0].pause = r.x[1].pause = 3 * MIB;
		until(&r, r.x[0].got == 3 * MIB && r.x[1].got == 3 * MIB);
		bad += fcntl(r.x[0].pump[0], F_GETFL) != was[0] ||
		    fcntl(r.x[0].pump[1], F_GETFL) != was[1];
		bad += spliced(&r, 0) != have_pipes ||
		    spliced(&r, 1) != have_pipes;
		bad += have_pipes &&
		    (fcntl(r.x[0].pump[0], F_GETPIPE_SZ) < 256 * KIB ||
		    fcntl(r.x[0].pump[1], F_GETPIPE_SZ) < 256 * KIB);
		r.x[0].pause = r.x[1].pause = SIZE_MAX;
		finish(&r);
		bad += !arrived(&r);
		clean(&r);
	}
	say(bad == 0, "pipes with flags of every kind keep them (%d bad)",
	    bad);
}

static void
look_on(void *arg, enum tcpk_way way, const void *data, size_t n)
{
	(void)arg;
	(void)way;
	(void)data;
	(void)n;
}

/* Who has to copy gains by a wide pipe, too. */
static void
test_looked_on(void)
{
	struct run	r;

	prepare(&r, PIPES, TCP, 5 * MIB, 5 * MIB);
	r.s[1] = tcpk_stream_tap(r.s[1], look_on, NULL, NULL);
	start(&r);
	r.x[0].pause = r.x[1].pause = 3 * MIB;
	until(&r, r.x[0].got == 3 * MIB && r.x[1].got == 3 * MIB);
	say(!have_pipes ||
	    (fcntl(r.x[0].pump[0], F_GETPIPE_SZ) >= 256 * KIB &&
	    fcntl(r.x[0].pump[1], F_GETPIPE_SZ) >= 256 * KIB),
	    "pipes are wider also where bytes are looked on");
	r.x[0].pause = r.x[1].pause = SIZE_MAX;
	finish(&r);
	say(arrived(&r) && !spliced(&r, 0) && !spliced(&r, 1),
	    "which are copied");
	clean(&r);
}

/* Its reader takes a part of a packet and loses the rest: not of ours. */
static void
test_packets(void)
{
	struct run	r;
	int		i;

	for (i = 0; i < 2; i++) {
		prepare(&r, PIPES, i == 0 ? TCP : PIPES, 5 * MIB, 0);
		if (fcntl(r.x[0].out, F_SETFL, O_NONBLOCK | O_DIRECT) == -1) {
			note("no packets in a pipe here");
			clean(&r);
			return;
		}
		r.x[1].get = 1000;
		start(&r);
		finish(&r);
		say(arrived(&r), "packets from a pipe become plain bytes, "
		    "to %s", words[i == 0 ? TCP : PIPES]);
		clean(&r);
	}
}

static void
test_one_ends_first(void)
{
	struct run	r;
	int		i;

	for (i = 0; i < 2; i++) {
		prepare(&r, PIPES, TCP, 3 * MIB, 3 * MIB);
		r.x[!i].pause = MIB + 1;
		start(&r);
		until(&r, r.x[!i].eof);
		say(r.done == 0 && r.x[!i].got == 3 * MIB,
		    "half %d ends, the other is open", i);
		r.x[!i].total = 6 * MIB;
		r.x[!i].pause = SIZE_MAX;
		finish(&r);
		say(arrived(&r) && r.report.side == i,
		    "and goes on, in bulk");
		clean(&r);
	}
}

static void
test_echo(void)
{
	struct run	r;

	prepare(&r, PIPES, TCP, 9 * MIB, 0);
	tcpk_stream_free(r.s[1]);
	hang_up(&r.x[1], false);
	r.s[1] = r.s[0];
	start(&r);
	finish(&r);
	say(r.done == 1 && r.report.err.kind == TCPK_OK && r.x[0].eof &&
	    r.x[0].got == 9 * MIB && !r.x[0].garbled, "echo of pipes");
	clean(&r);
}

static void
test_idle(void)
{
	struct run	r;
	int		i, turns = 0;

	prepare(&r, PIPES, TCP, 8 * MIB, 8 * MIB);
	start(&r);
	r.x[0].pause = r.x[1].pause = 2 * MIB;
	until(&r, r.x[1].got == 2 * MIB && r.x[0].got == 2 * MIB);
	say(!r.p->half[0].piped && !r.p->half[1].piped &&
	    r.p->half[0].buf == NULL && r.p->half[1].buf == NULL,
	    "idle after bulk: nothing is borrowed");
	say(pipes_gone(6), "and soon no pipe of ours is open");
	for (i = 0; i < 100; i++) {
		r.x[0].pause++;
		r.x[1].pause++;
		r.turns = 0;
		while ((r.x[1].got < r.x[0].pause ||
		    r.x[0].got < r.x[1].pause) && r.turns < 100)
			step_for(&r, LONG);
		turns = r.turns > turns ? r.turns : turns;
	}
	say(turns <= 10, "single bytes pass at once (%d turns)", turns);
	say(turn_for(loop, 50 * TCPK_MS) <= 5, "and nobody spins");
	r.x[0].pause = r.x[1].pause = SIZE_MAX;
	finish(&r);
	say(arrived(&r), "and then bulk again");
	clean(&r);
}

/* --- readers that stop ---------------------------------------------------- */

static void
test_stopped(void)
{
	struct run	r;
	size_t		sent;
	int		way, i, turns;

	for (way = 0; way < 2; way++) {
		prepare(&r, PIPES, TCP, way == 0 ? 60 * MIB : 1,
		    way == 0 ? 1 : 60 * MIB);
		start(&r);
		r.x[!way].stop = 3 * MIB;
		until(&r, r.x[!way].got == 3 * MIB);
		settle(&r);
		sent = r.x[way].sent;
		/* The system's buffers may hold 40 MiB of it. */
		say(sent < 60 * MIB && tcpk__half_pending(&r.p->half[way]) &&
		    (r.p->half[way].off < r.p->half[way].len) != have_pipes,
		    "half %d: a stopped reader stops its writer (%zu KiB)",
		    way, (sent - 3 * MIB) / KIB);
		turns = turn_for(loop, 50 * TCPK_MS);
		say(turns <= 5, "half %d: and nobody spins (%d turns)", way,
		    turns);
		for (i = turns = 0; i < 100; i++) {
			r.x[way].pause = r.x[way].sent;
			r.x[!way].stop++;
			play(&r);
			turns += turn_for(loop, TCPK_MS / 5);
		}
		say(turns <= 800, "half %d: nor while it takes single bytes "
		    "(%d turns)", way, turns);
		/* The writer ends with bytes in its pipe, or in ours. */
		r.x[way].total = r.x[way].sent;
		r.x[way].pause = SIZE_MAX;
		play(&r);
		settle(&r);
		say(r.x[way].shut && !r.x[!way].eof && r.done == 0,
		    "half %d: its writer ends", way);
		r.x[!way].stop = SIZE_MAX;
		finish(&r);
		say(arrived(&r), "half %d: it reads on, and all arrives", way);
		clean(&r);
	}
}

/* What is still with its sender because its reader is slow is no silence. */
static void
test_time_limits(void)
{
	struct run	r;
	int		i;

	for (i = 0; i < 2; i++) {
		prepare(&r, PIPES, TCP, 1, 60 * MIB);
		if (i == 0)
			r.opts.half[1].quiet = 50 * TCPK_MS;
		else
			r.opts.half[1].at_most = 300 * TCPK_MS;
		r.x[0].stop = 3 * MIB;
		start(&r);
		until(&r, r.x[0].got == 3 * MIB && r.x[1].eof);
		turn_for(loop, 200 * TCPK_MS);
		say(r.done == 0, "a slow reader: no %s ends it",
		    i == 0 ? "quiet" : "limit in time");
		if (i == 0) {
			r.x[0].stop = SIZE_MAX;
			finish(&r);
			say(arrived(&r), "and it gets all");
		} else {
			until(&r, r.done > 0);
			say(r.report.err.kind == TCPK_ETIMEOUT &&
			    strstr(r.report.err.text, "not yet written") !=
			    NULL, "but the limit does, and says so");
		}
		clean(&r);
	}
}

static void
test_cancel(void)
{
	struct run	r;
	int		i, bad = 0;

	for (i = 0; i < 3; i++) {
		prepare(&r, PIPES, i == 0 ? PIPES : TCP, 60 * MIB, 60 * MIB);
		r.x[0].stop = r.x[1].stop = 2 * MIB;
		start(&r);
		until(&r, r.x[0].got == 2 * MIB && r.x[1].got == 2 * MIB);
		settle(&r);
		bad += !tcpk__half_pending(&r.p->half[0]) ||
		    !tcpk__half_pending(&r.p->half[1]);
		clean(&r);
	}
	say(bad == 0, "cancelled while both readers wait (%d bad)", bad);
	say(pipes_gone(0), "and no descriptor is left");
}

/* --- ends that are not ---------------------------------------------------- */

static void
test_reader_leaves(void)
{
	struct run	r;
	int		slow, kind, bad = 0;

	for (kind = TCP; kind <= PIPES; kind++)
		for (slow = 0; slow < 2; slow++) {
			prepare(&r, PIPES, kind, 0, 60 * MIB);
			r.x[0].ends = false;
			if (slow)
				r.x[0].stop = 3 * MIB;
			start(&r);
			until(&r, r.x[0].got >= 3 * MIB);
			if (slow)
				settle(&r);
			bad += spliced(&r, 1) != have_pipes;
			close(r.x[0].in);
			r.x[0].in = -1;
			/* As with cat it shows at the next byte. */
			until(&r, r.done > 0);
			if (r.done != 1 || r.report.err.kind != TCPK_EIO ||
			    r.report.err.code != EPIPE ||
			    r.report.side != 0 || r.x[0].garbled ||
			    r.report.bytes[1] < r.x[0].got ||
			    r.report.taken[1] < r.report.bytes[1] ||
			    r.x[1].sent < r.report.taken[1]) {
				note("from %s slow %d", words[kind], slow);
				explain(&r);
				bad++;
			}
			clean(&r);
		}
	say(bad == 0, "the reader of a pipe leaves: EPIPE (%d bad)", bad);
}

/* The peer resets while a pipe is full of what it is not to get. */
static void
test_peer_resets(void)
{
	struct run	r;
	int		slow, way, bad = 0;

	for (way = 0; way < 2; way++)
		for (slow = 0; slow < 2; slow++) {
			prepare(&r, PIPES, TCP, way == 0 ? 60 * MIB : 0,
			    way == 0 ? 0 : 60 * MIB);
			r.x[!way].ends = false;
			if (slow)
				r.x[!way].stop = 3 * MIB;
			start(&r);
			until(&r, r.x[!way].got >= 3 * MIB);
			if (slow)
				settle(&r);
			hang_up(&r.x[1], true);
			r.x[0].stop = SIZE_MAX;
			until(&r, r.done > 0);
			settle(&r);
			if (r.done != 1 || r.report.err.kind != TCPK_ECUT ||
			    r.report.side != 1 || r.x[0].garbled ||
			    r.report.taken[way] < r.report.bytes[way] ||
			    (way == 1 && (r.x[0].got != r.report.bytes[1] ||
			    r.report.taken[1] != r.report.bytes[1]))) {
				note("half %d slow %d", way, slow);
				explain(&r);
				bad++;
			}
			clean(&r);
		}
	say(bad == 0, "the peer of a pipe resets (%d bad)", bad);
}

/* --- programs ------------------------------------------------------------- */

static void
run_program(struct run *r, const char *line, size_t to_it)
{
	char		 sh[] = "sh", c[] = "-c", path[] = "PATH=/usr/bin:/bin";
	char		 text[200];
	char		*argv[] = { sh, c, text, NULL };
	char		*envp[] = { path, NULL };
	struct tcpk_err	 err;

	snprintf(text, sizeof(text), "%s", line);
	prepare(r, TCP, UNIX, to_it, 0);
	tcpk_stream_free(r->s[1]);
	hang_up(&r->x[1], false);
	r->s[1] = tcpk_stream_program(loop, argv, envp, &err);
	if (r->s[1] == NULL)
		bail(err.text);
	start(r);
}

/* What comes back is what peer 0 sent. */
static bool
play_echoed(struct run *r)
{
	bool	sent, got, moved = false;
	int	n;

	for (n = 0; n < 64; n++) {
		sent = send_some(&r->x[0], 0);
		got = read_some(&r->x[0], 0);
		moved |= sent || got;
		if (!sent && !got)
			break;
	}
	tcpk_loop_turn(loop, moved ? 0 : 2 * TCPK_MS, NULL);
	return moved;
}

static void
finish_program(struct run *r)
{
	uint64_t	end = tcpk_now() + LONG;

	while ((r->done == 0 || !over(&r->x[0])) && tcpk_now() < end)
		play_echoed(r);
}

static void
test_programs(void)
{
	struct run	r;
	uint64_t	end = tcpk_now() + LONG;

	run_program(&r, "exec cat", 9 * MIB + 7);
	r.x[0].pause = 5 * MIB;
	while (r.x[0].got < 5 * MIB && tcpk_now() < end)
		play_echoed(&r);
	say(spliced(&r, 0) == have_pipes && spliced(&r, 1) == have_pipes,
	    "a program: its pipes, too");
	r.x[0].pause = SIZE_MAX;
	finish_program(&r);
	say(r.done == 1 && r.report.err.kind == TCPK_OK && r.x[0].eof &&
	    r.x[0].got == 9 * MIB + 7 && !r.x[0].garbled,
	    "a program, both ways");
	clean(&r);
	run_program(&r, "head -c 3000000; exit 0", 30 * MIB);
	finish_program(&r);
	say(r.done == 1 && r.report.err.kind == TCPK_OK && r.x[0].eof &&
	    r.x[0].got == 3000000 && !r.x[0].garbled,
	    "one that leaves without reading all ends well");
	clean(&r);
	run_program(&r, "head -c 3000000; exit 3", 30 * MIB);
	finish_program(&r);
	say(r.done == 1 && r.report.err.kind == TCPK_EPROGRAM &&
	    r.x[0].got == 3000000, "or not, if its status says so");
	clean(&r);
}

/* --- what there is none of ------------------------------------------------ */

static void
test_no_descriptors(void)
{
	struct rlimit	old, now;
	struct run	r;
	bool		seen;

	pipes_gone(0);
	prepare(&r, PIPES, TCP, 5 * MIB, 5 * MIB);
	getrlimit(RLIMIT_NOFILE, &old);
	now = old;
	/* count_fds counts them, but the highest number counts here. */
	now.rlim_cur = (rlim_t)dup(0);
	close((int)now.rlim_cur);
	setrlimit(RLIMIT_NOFILE, &now);
	start(&r);
	r.x[0].pause = r.x[1].pause = 3 * MIB;
	until(&r, r.x[0].got == 3 * MIB && r.x[1].got == 3 * MIB);
	seen = r.p != NULL && !r.p->half[0].piped &&
	    !r.p->half[1].piped;
	setrlimit(RLIMIT_NOFILE, &old);
	r.x[0].pause = r.x[1].pause = SIZE_MAX;
	finish(&r);
	say(seen && arrived(&r), "out of descriptors bytes are copied");
	clean(&r);
}

/* The user's share of large pipes, used up; -1: it cannot be. */
static int
hog(void)
{
	int	i, fds[2];

	if (geteuid() == 0 && setuid(65534) == -1)
		return -1;
	for (i = 0; i < HOGS; i++) {
		if (pipe(fds) == -1)
			return -1;
		if (fcntl(fds[0], F_SETPIPE_SZ, MIB) == -1)
			return errno == EPERM ? 0 : -1;
	}
	return -1;
}

/* In a process of its own: 0 is good. */
static int
transfer_hogged(const char *backend)
{
	struct run	r;
	bool		fine;

	loop = tcpk_loop_new(backend, NULL);
	if (loop == NULL || hog() == -1)
		return 2;
	prepare(&r, PIPES, TCP, 5 * MIB, 5 * MIB);
	start(&r);
	finish(&r);
	fine = arrived(&r);
	clean(&r);
	tcpk_loop_free(loop);
	return !fine;
}

static void
test_not_wider(void)
{
	int	status = -1;
	pid_t	pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0)
		_exit(transfer_hogged(tcpk_loop_backend(loop)));
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
		note("large pipes do not run out here");
	else
		say(status == 0, "where large pipes are used up bytes are "
		    "copied");
}

static void
test_all(void)
{
	have_pipes = look_for_pipes();
	test_both_ways();
	test_pieces();
	test_sizes();
	test_flags();
	test_looked_on();
	test_packets();
	test_one_ends_first();
	test_echo();
	test_idle();
	test_stopped();
	test_time_limits();
	test_cancel();
	test_reader_leaves();
	test_peer_resets();
	test_programs();
	test_no_descriptors();
	test_not_wider();
	say(pipes_gone(0), "no descriptor is left");
}

int
main(void)
{
	return with_each_loop(test_all);
}
