/* loop: watches, timers and wakers, once with each back end. */

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

#include "help.h"
#include "loop_impl.h"

static const char	*backend;

#define say(cond, ...)	do {						\
	char	say_text[200];						\
									\
	snprintf(say_text, sizeof(say_text), __VA_ARGS__);		\
	ok((cond), "%s: %s", backend, say_text);			\
} while (0)

struct seen {
	struct tcpk_loop  *loop;
	struct tcpk_watch  w;
	struct tcpk_watch *stop, *unwant;	/* from its callback */
	int		   calls, limit;	/* stop itself after so many */
	unsigned	   ready;
	char		   eat;			/* read a byte */
	bool		   end;
};

static void
on_ready(void *arg, unsigned ready)
{
	struct seen	*s = arg;
	char		 c;

	s->calls++;
	s->ready = ready & ~TCPK_END;
	s->end = (ready & TCPK_END) != 0;
	if (s->eat && read(s->w.fd, &c, 1) == -1)
		s->eat = 0;
	if (s->stop != NULL)
		tcpk_watch_stop(s->stop);
	if (s->unwant != NULL)
		tcpk_watch_want(s->unwant, 0);
	if (s->limit != 0 && s->calls >= s->limit)
		tcpk_watch_stop(&s->w);
}

static void
see(struct seen *s, struct tcpk_loop *loop, int fd)
{
	memset(s, 0, sizeof(*s));
	s->loop = loop;
	tcpk_watch_init(&s->w, loop, fd, on_ready, s);
}

static void
make_pair(int fds[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == -1)
		exit(1);
}

static void
put(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) == -1)
		note("write: %s", strerror(errno));
}

static void
test_level(struct tcpk_loop *loop)
{
	struct seen	s;
	int		fds[2];

	make_pair(fds);
	see(&s, loop, fds[0]);
	tcpk_loop_turn(loop, 0, NULL);
	put(fds[1], "abc");
	tcpk_loop_turn(loop, 0, NULL);
	say(s.calls == 0, "nothing is wanted at first");
	tcpk_watch_want(&s.w, TCPK_READ);
	tcpk_loop_turn(loop, LONG, NULL);
	tcpk_loop_turn(loop, LONG, NULL);
	say(s.calls == 2 && s.ready == TCPK_READ,
	    "readable as long as it lasts (%d)", s.calls);
	s.eat = 1;
	wait_for(loop, &s.calls, 5);
	say(s.calls == 5, "three bytes, three calls");
	say(turn_for(loop, 30 * TCPK_MS) <= 10 && s.calls == 5,
	    "then no more");
	tcpk_watch_want(&s.w, TCPK_READ | TCPK_WRITE);
	s.eat = 0;
	tcpk_loop_turn(loop, LONG, NULL);
	say(s.calls == 6 && s.ready == TCPK_WRITE, "writable only");
	put(fds[1], "d");
	tcpk_loop_turn(loop, LONG, NULL);
	say(s.ready == (TCPK_READ | TCPK_WRITE), "both in one call");
	tcpk_watch_want(&s.w, TCPK_READ);
	tcpk_loop_turn(loop, LONG, NULL);
	say(s.ready == TCPK_READ, "only what is wanted");
	tcpk_watch_want(&s.w, 0);
	s.calls = 0;
	say(turn_for(loop, 30 * TCPK_MS) <= 10 && s.calls == 0,
	    "0 wants nothing");
	tcpk_watch_want(&s.w, TCPK_READ);
	tcpk_watch_stop(&s.w);
	tcpk_loop_turn(loop, 0, NULL);
	tcpk_watch_stop(&s.w);
	say(s.calls == 0, "stopped before the back end was told, and again");
	tcpk_watch_init(&s.w, loop, fds[0], on_ready, &s);
	tcpk_watch_want(&s.w, TCPK_READ);
	tcpk_loop_turn(loop, LONG, NULL);
	say(s.calls == 1, "and begun anew");
	tcpk_watch_stop(&s.w);
	close(fds[0]);
	close(fds[1]);
}

/* Many watches at once, each stopping or unwanting another. */
static void
test_others(struct tcpk_loop *loop)
{
	enum { N = 40 };
	struct seen	s[N];
	int		fds[N][2], i, called, turn;

	for (turn = 0; turn < 2; turn++) {
		for (i = 0; i < N; i++) {
			make_pair(fds[i]);
			see(&s[i], loop, fds[i][0]);
			tcpk_watch_want(&s[i].w, TCPK_READ);
			put(fds[i][1], "x");
		}
		/* Pairs that put each other out: one of each is called. */
		for (i = 0; i < N; i++)
			if (turn == 0)
				s[i].stop = &s[i ^ 1].w;
			else
				s[i].unwant = &s[i ^ 1].w;
		tcpk_loop_turn(loop, LONG, NULL);
		called = 0;
		for (i = 0; i < N; i += 2)
			called += s[i].calls + s[i + 1].calls == 1;
		say(called == N / 2, "%s another's callback (%d of %d)",
		    turn == 0 ? "stop from" : "want 0 unqueues, from",
		    called, N / 2);
		for (i = 0; i < N; i++) {
			tcpk_watch_stop(&s[i].w);
			close(fds[i][0]);
			close(fds[i][1]);
		}
	}
}

/* The owner is freed by another's callback, before its own turn came. */
static struct seen	*victim;

static void
on_kill(void *arg, unsigned ready)
{
	(void)arg;
	(void)ready;
	if (victim == NULL)
		return;
	tcpk_watch_stop(&victim->w);
	close(victim->w.fd);
	memset(victim, 0xa5, sizeof(*victim));
	free(victim);
	victim = NULL;
}

static void
test_free(struct tcpk_loop *loop)
{
	struct tcpk_watch	first, last;
	int			a[2], b[2], c[2];

	make_pair(a);
	make_pair(b);
	make_pair(c);
	victim = malloc(sizeof(*victim));
	if (victim == NULL)
		exit(1);
	tcpk_watch_init(&first, loop, a[0], on_kill, NULL);
	tcpk_watch_init(&last, loop, c[0], on_kill, NULL);
	see(victim, loop, b[0]);
	tcpk_watch_want(&first, TCPK_WRITE);
	tcpk_watch_want(&victim->w, TCPK_WRITE);
	tcpk_watch_want(&last, TCPK_WRITE);
	tcpk_loop_turn(loop, LONG, NULL);
	tcpk_watch_want(&first, TCPK_READ);
	tcpk_watch_want(&last, TCPK_READ);
	tcpk_loop_turn(loop, 0, NULL);
	say(victim == NULL, "freed from another's callback");
	tcpk_watch_stop(&first);
	tcpk_watch_stop(&last);
	close(a[0]);
	close(a[1]);
	close(b[1]);
	close(c[0]);
	close(c[1]);
}

static void
test_files(struct tcpk_loop *loop)
{
	struct seen	s, other;
	int		fd, fds[2];

	fd = open("file", O_RDWR | O_CREAT, 0600);
	see(&s, loop, fd);
	tcpk_watch_want(&s.w, TCPK_READ);
	tcpk_loop_turn(loop, LONG, NULL);
	tcpk_loop_turn(loop, LONG, NULL);
	tcpk_loop_turn(loop, LONG, NULL);
	say(s.calls >= 2 && s.ready == TCPK_READ,
	    "a regular file is always ready (%d)", s.calls);
	tcpk_watch_want(&s.w, TCPK_WRITE);
	tcpk_loop_turn(loop, LONG, NULL);
	tcpk_loop_turn(loop, LONG, NULL);
	say(s.ready == TCPK_WRITE, "for what is wanted");
	make_pair(fds);
	see(&other, loop, fds[0]);
	other.limit = 1;
	tcpk_watch_want(&other.w, TCPK_READ);
	put(fds[1], "x");
	say(wait_for(loop, &other.calls, 1),
	    "and does not keep others from their turn");
	tcpk_watch_want(&s.w, 0);
	tcpk_loop_turn(loop, 0, NULL);
	s.calls = 0;
	say(turn_for(loop, 30 * TCPK_MS) <= 10 && s.calls == 0,
	    "and is not ready when nothing is wanted");
	tcpk_watch_want(&s.w, TCPK_READ);
	tcpk_loop_turn(loop, LONG, NULL);
	say(s.calls >= 1, "and ready again when it is");
	tcpk_watch_stop(&s.w);
	s.calls = 0;
	tcpk_loop_turn(loop, 0, NULL);
	say(s.calls == 0, "until it is stopped");
	tcpk_watch_init(&s.w, loop, fd, on_ready, &s);
	s.limit = 1;
	tcpk_watch_want(&s.w, TCPK_READ);
	tcpk_loop_turn(loop, LONG, NULL);
	tcpk_loop_turn(loop, 0, NULL);
	say(s.calls == 1, "stopped from its own callback");
	close(fd);
	fd = open("/dev/null", O_RDWR);
	see(&s, loop, fd);
	tcpk_watch_want(&s.w, TCPK_READ | TCPK_WRITE);
	tcpk_loop_turn(loop, LONG, NULL);
	say(s.ready == (TCPK_READ | TCPK_WRITE), "/dev/null too");
	tcpk_watch_stop(&s.w);
	close(fd);
	close(fds[0]);
	close(fds[1]);
}

static void
test_hup(struct tcpk_loop *loop)
{
	struct seen	s;
	int		fds[2], turns;

	make_pair(fds);
	see(&s, loop, fds[0]);
	tcpk_watch_want(&s.w, TCPK_HUP);
	tcpk_loop_turn(loop, 0, NULL);
	tcpk_loop_turn(loop, 30 * TCPK_MS, NULL);
	say(s.calls == 0, "no hang-up yet");
	put(fds[1], "x");
	tcpk_loop_turn(loop, 30 * TCPK_MS, NULL);
	say(s.calls == 0, "bytes are no hang-up");
	close(fds[1]);
	tcpk_loop_turn(loop, LONG, NULL);
	say(s.calls == 1 && s.ready == TCPK_HUP, "a hang-up is reported");
	tcpk_watch_want(&s.w, TCPK_WRITE);
	tcpk_loop_turn(loop, LONG, NULL);
	say(s.calls == 2 && s.ready == TCPK_WRITE, "as ready to write");
	tcpk_watch_want(&s.w, TCPK_READ | TCPK_WRITE);
	tcpk_loop_turn(loop, LONG, NULL);
	say(s.ready == (TCPK_READ | TCPK_WRITE), "and to read");
	tcpk_watch_want(&s.w, 0);
	s.calls = 0;
	turns = turn_for(loop, 100 * TCPK_MS);
	say(turns < 20 && s.calls == 0,
	    "and spins not when nobody wants to know (%d turns)", turns);
	tcpk_watch_stop(&s.w);
	close(fds[0]);
	if (pipe(fds) == -1)
		exit(1);
	see(&s, loop, fds[1]);
	tcpk_watch_want(&s.w, TCPK_WRITE);
	close(fds[0]);
	tcpk_loop_turn(loop, LONG, NULL);
	say(s.calls == 1 && s.ready == TCPK_WRITE,
	    "an error (a pipe without a reader) likewise");
	tcpk_watch_want(&s.w, 0);
	turns = turn_for(loop, 100 * TCPK_MS);
	say(turns < 20 && s.calls == 1, "(%d turns)", turns);
	tcpk_watch_stop(&s.w);
	close(fds[1]);
}

/* Only a hint, and only some know it. */
static void
test_end(struct tcpk_loop *loop)
{
	struct seen	s;
	int		fds[2];

	make_pair(fds);
	see(&s, loop, fds[0]);
	tcpk_watch_want(&s.w, TCPK_READ);
	put(fds[1], "x");
	tcpk_loop_turn(loop, LONG, NULL);
	say(s.calls == 1 && !s.end, "bytes are no end");
	shutdown(fds[1], SHUT_WR);
	tcpk_loop_turn(loop, LONG, NULL);
	say(s.calls == 2 && s.ready == TCPK_READ &&
	    s.end == (strcmp(backend, "epoll") == 0),
	    "the end behind them is told of where it is known");
	tcpk_watch_want(&s.w, TCPK_WRITE);
	tcpk_loop_turn(loop, LONG, NULL);
	say(s.calls == 3 && s.ready == TCPK_WRITE && !s.end,
	    "but not to who does not read");
	tcpk_watch_stop(&s.w);
	close(fds[0]);
	close(fds[1]);
}

/* i: the one before was told to the back end, or not yet, or wants no more. */
static void
test_move(struct tcpk_loop *loop)
{
	struct seen	*a, b;
	int		 fds[2], i;

	for (i = 0; i < 3; i++) {
		make_pair(fds);
		a = malloc(sizeof(*a));
		if (a == NULL)
			exit(1);
		see(a, loop, fds[0]);
		see(&b, loop, -1);
		tcpk_watch_want(&a->w, TCPK_READ);
		if (i != 1)
			tcpk_loop_turn(loop, 0, NULL);
		if (i == 2)
			tcpk_watch_want(&a->w, 0);
		put(fds[1], "x");
		tcpk_watch_move(&b.w, &a->w);
		tcpk_watch_stop(&a->w);
		free(a);
		say(b.w.fd == fds[0] && turn_for(loop, 20 * TCPK_MS) < 10 &&
		    b.calls == 0, "moved %d: wants nothing at first", i);
		tcpk_watch_want(&b.w, TCPK_READ);
		tcpk_loop_turn(loop, LONG, NULL);
		say(b.calls == 1 && b.ready == TCPK_READ,
		    "moved %d: and then what it asks for", i);
		a = malloc(sizeof(*a));
		if (a == NULL)
			exit(1);
		see(a, loop, -1);
		tcpk_watch_move(&a->w, &b.w);
		tcpk_watch_want(&a->w, TCPK_READ);
		tcpk_loop_turn(loop, LONG, NULL);
		say(a->calls == 1 && b.calls == 1, "moved %d: the same of it",
		    i);
		see(&b, loop, -1);
		tcpk_watch_move(&b.w, &a->w);
		free(a);
		tcpk_watch_stop(&b.w);
		say(turn_for(loop, 20 * TCPK_MS) < 10 && b.calls == 0,
		    "moved %d: and stopped at once", i);
		close(fds[0]);
		close(fds[1]);
	}
}

static void
test_poke(struct tcpk_loop *loop)
{
	struct seen	s;
	uint64_t	before;
	int		fds[2];

	make_pair(fds);
	see(&s, loop, fds[0]);
	tcpk_watch_want(&s.w, TCPK_READ);
	tcpk_loop_turn(loop, 0, NULL);
	tcpk_watch_poke(&s.w, TCPK_READ);
	say(s.calls == 0, "a poke does not call at once");
	before = tcpk_now();
	tcpk_loop_turn(loop, LONG, NULL);
	say(s.calls == 1 && s.ready == TCPK_READ &&
	    tcpk_now() - before < LONG / 2, "but in the next turn");
	tcpk_loop_turn(loop, 0, NULL);
	say(s.calls == 1, "once");
	tcpk_watch_poke(&s.w, TCPK_WRITE);
	tcpk_loop_turn(loop, 0, NULL);
	say(s.calls == 1, "not for what is not wanted");
	tcpk_watch_poke(&s.w, TCPK_READ);
	tcpk_watch_want(&s.w, TCPK_WRITE);
	tcpk_watch_want(&s.w, 0);
	tcpk_loop_turn(loop, 0, NULL);
	say(s.calls == 1, "nor for what is not wanted any more");
	tcpk_watch_want(&s.w, TCPK_READ);
	tcpk_watch_poke(&s.w, TCPK_READ);
	tcpk_watch_stop(&s.w);
	tcpk_loop_turn(loop, 0, NULL);
	say(s.calls == 1, "nor after the stop");
	close(fds[0]);
	close(fds[1]);
}

/* --- timers -------------------------------------------------------------- */

struct tick {
	struct tcpk_timer  t;
	struct tcpk_timer *stop, *move;
	uint64_t	   to;
	int		   calls, order;
	bool		   again, ends;
};

static int	ticks;

static void
on_tick(void *arg)
{
	struct tick	*k = arg;

	k->calls++;
	k->order = ++ticks;
	if (k->stop != NULL)
		tcpk_timer_stop(k->stop);
	if (k->move != NULL)
		tcpk_timer_set(k->move, k->to);
	if (k->again)
		tcpk_timer_set(&k->t, tcpk_now() + 5 * TCPK_MS);
	if (k->ends)
		tcpk_loop_stop(k->t.loop);
}

static void
test_timers(struct tcpk_loop *loop)
{
	struct tick	k[6];
	uint64_t	start;
	int		i;

	memset(k, 0, sizeof(k));
	for (i = 0; i < 6; i++)
		tcpk_timer_init(&k[i].t, loop, on_tick, &k[i]);
	ticks = 0;
	start = tcpk_now();
	tcpk_timer_set(&k[0].t, start + 30 * TCPK_MS);
	tcpk_timer_set(&k[1].t, start + 10 * TCPK_MS);
	tcpk_timer_set(&k[2].t, start + 20 * TCPK_MS);
	tcpk_timer_set(&k[3].t, start);
	tcpk_timer_set(&k[4].t, start + 3600 * TCPK_SECOND);
	tcpk_timer_set(&k[5].t, start + 5 * TCPK_MS);
	tcpk_timer_stop(&k[5].t);
	say(ticks == 0, "no timer calls back when it is set");
	while (k[0].calls == 0 && tcpk_now() < start + LONG)
		tcpk_loop_turn(loop, LONG, NULL);
	say(tcpk_now() - start >= 30 * TCPK_MS, "not before its time");
	say(k[3].order == 1 && k[1].order == 2 && k[2].order == 3 &&
	    k[0].order == 4 && k[4].calls == 0 && k[5].calls == 0,
	    "in order, but for those that were stopped");
	tcpk_timer_set(&k[4].t, tcpk_now() + 10 * TCPK_MS);
	say(wait_for(loop, &k[4].calls, 1), "an earlier time moves a timer");
	tcpk_timer_set(&k[4].t, tcpk_now() + 10 * TCPK_MS);
	tcpk_timer_set(&k[4].t, tcpk_now() + 3600 * TCPK_SECOND);
	turn_for(loop, 40 * TCPK_MS);
	say(k[4].calls == 1, "and a later one too");
	tcpk_timer_stop(&k[4].t);
	tcpk_timer_stop(&k[4].t);
	say(k[4].t.at == 0, "stopped twice");
	for (i = 0; i < 6; i++)
		k[i].calls = k[i].order = 0;
	ticks = 0;
	start = tcpk_now();
	k[0].stop = &k[1].t;
	k[0].move = &k[2].t;
	k[0].to = start + 60 * TCPK_MS;
	k[2].stop = &k[2].t;
	k[3].again = true;
	tcpk_timer_set(&k[0].t, start);
	tcpk_timer_set(&k[1].t, start + 1);
	tcpk_timer_set(&k[2].t, start + 2);
	tcpk_timer_set(&k[3].t, start + 3);
	turn_for(loop, 30 * TCPK_MS);
	say(k[0].calls == 1 && k[1].calls == 0,
	    "stopped from the callback of another that was due as well");
	say(k[2].calls == 0, "moved from there");
	wait_for(loop, &k[2].calls, 1);
	say(tcpk_now() - start >= 60 * TCPK_MS && k[2].calls == 1,
	    "to its new time, and stopped from its own callback");
	wait_for(loop, &k[3].calls, 4);
	say(k[3].calls >= 4, "set again from its own callback");
	for (i = 0; i < 6; i++)
		tcpk_timer_stop(&k[i].t);
	k[3].again = false;
	k[3].ends = true;
	start = tcpk_now();
	tcpk_timer_set(&k[3].t, start + 20 * TCPK_MS);
	say(tcpk_loop_run(loop, NULL) == 0 &&
	    tcpk_now() - start >= 20 * TCPK_MS, "run, until stop");
	tcpk_timer_set(&k[3].t, tcpk_now() + 20 * TCPK_MS);
	say(tcpk_loop_run(loop, NULL) == 0, "and run again");
	start = tcpk_now();
	say(turn_for(loop, 25 * TCPK_MS) <= 10, "a turn waits (without event)");
	say(tcpk_now() - start >= 25 * TCPK_MS, "as long as it may");
}

/* The heap against a list that is searched from end to end. */
static void
test_heap(void)
{
	enum { N = 300, STEPS = 60000 };
	static struct tcpk_timer	t[N];
	struct tcpk__timers		ts = { NULL, 0, 0 };
	struct tcpk_timer		*got;
	static uint64_t			due[N];	/* model; 0: stopped */
	uint64_t			least, now = 0;
	unsigned			seed = 7;
	int				i, j, k, bad = 0;

	for (i = 0; i < STEPS && bad == 0; i++) {
		seed = seed * 1103515245 + 12345;
		k = (int)((seed >> 8) % N);
		seed = seed * 1103515245 + 12345;
		switch ((seed >> 8) % 8) {
		case 0:
		case 1:
			tcpk__timers_stop(&ts, &t[k]);
			due[k] = 0;
			break;
		case 2:
			now += (seed >> 12) % 40;
			got = tcpk__timers_take(&ts, now);
			least = TCPK_FOREVER;
			for (j = 0; j < N; j++)
				if (due[j] != 0 && due[j] < least)
					least = due[j];
			if ((got == NULL) != (least > now) ||
			    (got != NULL && (due[got - t] != least ||
			    got->at != 0)))
				bad++;
			if (got != NULL)
				due[got - t] = 0;
			break;
		default:
			due[k] = now + 1 + (seed >> 12) % 1000;
			if (tcpk__timers_set(&ts, &t[k], due[k]) == -1)
				bad++;
			break;
		}
		least = TCPK_FOREVER;
		for (j = 0; j < N; j++) {
			if (due[j] != 0 && due[j] < least)
				least = due[j];
			if ((t[j].at != 0) != (due[j] != 0) ||
			    (t[j].at != 0 && (ts.heap[t[j].at - 1] != &t[j] ||
			    t[j].due != due[j])))
				bad++;
		}
		if (tcpk__timers_due(&ts) != least)
			bad++;
	}
	ok(bad == 0, "heap: as a plain list, for %d steps", i);
	now = 0;
	while ((got = tcpk__timers_take(&ts, TCPK_FOREVER)) != NULL) {
		bad += got->due < now;
		now = got->due;
	}
	ok(bad == 0 && ts.n == 0, "heap: emptied in order");
	free(ts.heap);
}

/* --- wakers -------------------------------------------------------------- */

struct wake {
	struct tcpk_waker  w;
	struct tcpk_waker *stop;
	int		   calls;
};

static struct wake	*from_signal;
static atomic_int	 often_done;

static void
on_wake(void *arg)
{
	struct wake	*k = arg;

	k->calls++;
	if (k->stop != NULL)
		tcpk_waker_stop(k->stop);
}

static void *
wake_later(void *arg)
{
	struct timespec	ts = { 0, 20000000 };
	struct wake	*k = arg;

	nanosleep(&ts, NULL);
	tcpk_waker_wake(&k->w);
	return NULL;
}

static void *
wake_often(void *arg)
{
	struct wake	*k = arg;
	int		 i;

	for (i = 0; i < 100000; i++)
		tcpk_waker_wake(&k->w);
	atomic_store(&often_done, 1);
	return NULL;
}

static void
on_signal(int sig)
{
	(void)sig;
	tcpk_waker_wake(&from_signal->w);
}

static void
test_wakers(struct tcpk_loop *loop)
{
	struct itimerval	it = { { 0, 0 }, { 0, 30000 } };
	struct sigaction	sa, old;
	struct wake		k[3];
	pthread_t		thread;
	uint64_t		start;
	int			i, made = 0;

	memset(k, 0, sizeof(k));
	for (i = 0; i < 3; i++)
		made += tcpk_waker_init(&k[i].w, loop, on_wake, &k[i],
		    NULL) == 0;
	say(made == 3, "three wakers");
	tcpk_waker_wake(&k[0].w);
	tcpk_waker_wake(&k[0].w);
	tcpk_waker_wake(&k[0].w);
	say(k[0].calls == 0, "wake does not call back");
	wait_for(loop, &k[0].calls, 1);
	turn_for(loop, 20 * TCPK_MS);
	say(k[0].calls == 1 && k[1].calls == 0, "three wakes, one call");
	start = tcpk_now();
	pthread_create(&thread, NULL, wake_later, &k[1]);
	wait_for(loop, &k[1].calls, 1);
	say(k[1].calls == 1 && tcpk_now() - start >= 20 * TCPK_MS,
	    "from a thread");
	pthread_join(thread, NULL);
	atomic_store(&often_done, 0);
	pthread_create(&thread, NULL, wake_often, &k[1]);
	while (atomic_load(&often_done) == 0)
		tcpk_loop_turn(loop, TCPK_MS, NULL);
	pthread_join(thread, NULL);
	turn_for(loop, 30 * TCPK_MS);
	i = k[1].calls;
	say(turn_for(loop, 30 * TCPK_MS) < 10 && k[1].calls == i,
	    "from a thread, very often (%d calls)", i);
	from_signal = &k[2];
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_signal;
	sigaction(SIGALRM, &sa, &old);
	errno = 77;
	raise(SIGALRM);
	say(errno == 77, "wake keeps errno");
	say(wait_for(loop, &k[2].calls, 1), "from a signal handler");
	setitimer(ITIMER_REAL, &it, NULL);
	start = tcpk_now();
	while (k[2].calls < 2 && tcpk_now() - start < LONG)
		tcpk_loop_turn(loop, LONG, NULL);
	say(k[2].calls == 2 && tcpk_now() - start < LONG,
	    "which interrupts the wait");
	sigaction(SIGALRM, &old, NULL);
	k[0].stop = &k[1].w;
	k[2].stop = &k[2].w;
	tcpk_waker_wake(&k[0].w);
	tcpk_waker_wake(&k[2].w);
	i = k[1].calls;
	wait_for(loop, &k[0].calls, 2);
	wait_for(loop, &k[2].calls, 3);
	turn_for(loop, 10 * TCPK_MS);
	say(k[1].calls == i && k[0].calls == 2 && k[2].calls == 3,
	    "stopped from callbacks");
	tcpk_waker_stop(&k[0].w);
	tcpk_waker_stop(&k[0].w);
	tcpk_waker_stop(&k[1].w);
	say(1, "stopped, also twice");
}

static void
test_buffers(struct tcpk_loop *loop)
{
	enum { N = 20 };
	void	*b[N];
	int	 i, round, fine = 1;

	for (round = 0; round < 2; round++) {
		for (i = 0; i < N; i++)
			if ((b[i] = tcpk_loop_buffer(loop)) == NULL)
				fine = 0;
			else
				memset(b[i], i, TCPK_SCRATCH);
		for (i = 0; i < N; i++)
			fine &= ((char *)b[i])[TCPK_SCRATCH - 1] == i;
		for (i = 0; i < N; i++)
			tcpk_loop_buffer_done(loop, b[i]);
	}
	say(fine, "buffers");
	memset(tcpk_loop_scratch(loop), 1, TCPK_SCRATCH);
	say(tcpk_loop_scratch(loop) == tcpk_loop_scratch(loop), "scratch");
}

/* Not more than so many at once, and few of them for longer. */
static void
test_pipes(struct tcpk_loop *loop)
{
	enum { MOST = 64, KEPT = 8 };
	struct tcpk_pipe	*pipes[MOST + 1];
	uint64_t		 end = tcpk_now() + LONG;
	int			 before = count_fds(), fds, i, n, bad = 0;

	for (n = 0; n < MOST + 1; n++)
		if ((pipes[n] = tcpk_loop_pipe(loop)) == NULL)
			break;
	if (n == 0) {
		note("%s: no pipes in this build", backend);
		say(count_fds() == before, "no pipe leaves nothing");
		return;
	}
	say(n <= MOST, "not more than %d pipes (%d)", MOST, n);
	for (i = 0; i < 2 * n; i++) {
		fds = pipes[i / 2]->fds[i % 2];
		bad += (fcntl(fds, F_GETFD) & FD_CLOEXEC) == 0 ||
		    (fcntl(fds, F_GETFL) & O_NONBLOCK) == 0;
	}
	say(bad == 0, "they are closed on exec, and do not wait");
	say(count_fds() == before + 2 * n, "two descriptors each");
	put(pipes[0]->fds[1], "rest");
	tcpk_loop_pipe_done(loop, pipes[0], false);
	say(count_fds() == before + 2 * n - 2, "one with a rest is not kept");
	for (i = 1; i < n; i++)
		tcpk_loop_pipe_done(loop, pipes[i], true);
	fds = count_fds() - before;
	say(fds <= 2 * KEPT, "not more than %d are kept (%d)", KEPT, fds / 2);
	pipes[0] = tcpk_loop_pipe(loop);
	say(pipes[0] != NULL && count_fds() - before == fds &&
	    write(pipes[0]->fds[1], "x", 1) == 1, "one of them is lent again");
	tcpk_loop_pipe_done(loop, pipes[0], false);
	while (count_fds() != before && tcpk_now() < end)
		tcpk_loop_turn(loop, 100 * TCPK_MS, NULL);
	say(count_fds() == before, "and after a while they are closed");
	pipes[0] = tcpk_loop_pipe(loop);
	if (pipes[0] != NULL)
		tcpk_loop_pipe_done(loop, pipes[0], true);
	say(turn_for(loop, 10 * TCPK_MS) >= 0, "one is left for the free");
}

/* The back end's own failures end the run, not the process. */
static void
test_bad(struct tcpk_loop *loop)
{
	struct tcpk_err	err = { 0 };
	struct seen	s;
	int		r;

	see(&s, loop, 10000);
	tcpk_watch_want(&s.w, TCPK_READ);
	r = tcpk_loop_turn(loop, 0, &err);
	say((r == -1 && err.kind == TCPK_EIO && err.code == EBADF) ||
	    s.calls == 1, "a descriptor that is not open is told of");
	tcpk_watch_stop(&s.w);
	say(tcpk_loop_turn(loop, 0, NULL) == 0, "and forgotten");
}

int
main(void)
{
	static const char *const	names[] = { "epoll", "poll" };
	struct tcpk_loop	*loop;
	struct tcpk_err		 err;
	int			 before, i;

	make_dir();
	signal(SIGPIPE, SIG_IGN);
	test_heap();
	for (i = 0; i < 2; i++) {
		backend = names[i];
		before = count_fds();
		loop = tcpk_loop_new(backend, &err);
		if (loop == NULL && err.kind == TCPK_EUSAGE && i == 0) {
			note("epoll: not in this build");
			continue;
		}
		say(loop != NULL &&
		    strcmp(tcpk_loop_backend(loop), backend) == 0, "new");
		test_level(loop);
		test_others(loop);
		test_free(loop);
		test_files(loop);
		test_hup(loop);
		test_end(loop);
		test_move(loop);
		test_poke(loop);
		test_timers(loop);
		test_wakers(loop);
		test_buffers(loop);
		test_bad(loop);
		test_pipes(loop);
		tcpk_loop_free(loop);
		say(count_fds() == before, "no descriptor is left");
	}
	loop = tcpk_loop_new(NULL, NULL);
	ok(loop != NULL, "the best back end: %s", tcpk_loop_backend(loop));
	tcpk_loop_free(loop);
	tcpk_loop_free(NULL);
	ok(tcpk_loop_new("nosuch", &err) == NULL && err.kind == TCPK_EUSAGE &&
	    strstr(err.text, "nosuch") != NULL, "no such: %s", err.text);
	return done_testing();
}
