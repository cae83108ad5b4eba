/* hub: who hears what, who waits for whom, and how members leave. */

#include <sys/socket.h>

#include <netinet/in.h>
#include <errno.h>
#include <unistd.h>

#include "hub_fake.h"

#define CLOSED	(struct tcpk_hub_opts) { .open = false }
#define OPEN	(struct tcpk_hub_opts) { .open = true }

#define CROWD	500

static struct guest	g[CROWD + 2];

#define OUR	(&g[0])
#define A	(&g[1])
#define B	(&g[2])
#define C	(&g[3])
#define N	4

/* Our side and three clients. */
static void
begin(struct tcpk_hub_opts opts)
{
	hub_begin(&opts, g, N);
	enter(OUR, TCPK_OURS, NULL, NULL);
	enter(A, TCPK_CLIENT, NULL, NULL);
	enter(B, TCPK_CLIENT, NULL, NULL);
	enter(C, TCPK_CLIENT, NULL, NULL);
}

static void
end(const char *what)
{
	ok(hub_end(g, N), "%s: and the hub is freed", what);
}

static void
test_fan_out(void)
{
	begin(CLOSED);
	guest_speaks(OUR, "to all");
	guest_speaks(A, "to us");
	run();
	ok(heard(OUR, "to us") && heard(A, "to all") && heard(B, "to all") &&
	    heard(C, "to all"), "closed: clients and ours hear each other");
	ok(tcpk_hub_clients(hub) == 3, "three clients are in");
	ok(idle(OUR) && idle(A) && idle(B) && idle(C), "nobody has a buffer");
	tcpk_hub_say(hub, " say", 4);
	tcpk_hub_say(hub, "", 0);
	ok(heard(A, "to all say") && heard(OUR, "to us"),
	    "what is said is for clients");
	end("closed");
	begin(OPEN);
	guest_speaks(A, "to others");
	run();
	ok(heard(OUR, "to others") && heard(A, "") && heard(B, "to others") &&
	    heard(C, "to others"), "open: all but the speaker hear it");
	end("open");
}

static void
test_exact(void)
{
	begin(OPEN);
	guest_says_much(A, 700000, 1);
	A->piece = 7919;
	OUR->at_once = 1000;
	B->at_once = 4096;
	C->at_once = 100000;
	run();
	ok(heard_all(OUR, A) && heard_all(B, A) && heard_all(C, A) &&
	    A->n == 0, "every byte to all who hear, by small writes");
	ok(idle(OUR) && idle(A) && idle(B) && idle(C), "then no memory");
	guest_says_much(OUR, 300000, 2);
	guest_says_much(B, 200000, 3);
	run();
	ok(A->n == 500000 && C->n == 700000 + A->n &&
	    OUR->n == 900000 && B->n == 700000 + 300000,
	    "two at once, each to its own");
	end("exact");
}

static void
test_slow(void)
{
	begin(OPEN);
	guest_takes(C, 1000);
	guest_says_much(A, 1000000, 1);
	run();
	ok(left(C, TCPK_ECUT, "too slow to follow"), "a slow one is dropped");
	ok(C->n == 1000 && C->most <= TCPK_HUB_QUEUE,
	    "its queue was bounded");
	ok(heard_all(B, A) && heard_all(OUR, A), "the others hear all of it");
	ok(tcpk_hub_clients(hub) == 2, "two clients are in");
	end("slow");
	begin(CLOSED);
	guest_takes(C, 0);
	guest_says_much(A, TCPK_HUB_QUEUE, 1);
	tcpk_hub_say(hub, A->says, TCPK_HUB_QUEUE);
	run();
	ok(C->left == 0 && C->m->queue.used == TCPK_HUB_QUEUE,
	    "a queue that is just full is fine");
	guest_takes(C, ALL);
	run();
	ok(heard_all(C, A) && idle(C), "and is delivered");
	guest_takes(C, 0);
	fake_inside = true;
	tcpk_hub_say(hub, A->says, TCPK_HUB_QUEUE);
	tcpk_hub_say(hub, "x", 1);
	ok(C->left == 0, "nobody leaves while something is said");
	fake_inside = false;
	run();
	ok(left(C, TCPK_ECUT, "too slow to follow"), "but soon after");
	end("full");
}

static void
test_back_pressure(void)
{
	size_t	i, least = ALL, most = 0, said;

	begin(CLOSED);
	guest_takes(OUR, 0);
	for (i = 1; i < N; i++) {
		guest_says_much(&g[i], 900000, (unsigned)i);
		g[i].piece = 10000;
	}
	run();
	said = A->said + B->said + C->said;
	ok(hub->held && said == OUR->m->queue.used && said <= TCPK_HUB_QUEUE,
	    "our side takes nothing: no more is read than it may hold");
	ok((A->want & TCPK_READ) == 0 && (B->want & TCPK_READ) == 0 &&
	    (C->want & TCPK_READ) == 0, "nobody waits to be read");
	guest_speaks(OUR, "hello");
	run();
	ok(heard(A, "hello") && heard(B, "hello"), "what we say goes on");
	while (A->said + B->said + C->said < 1500000) {
		guest_takes(OUR, 9000);
		turn(MS);
	}
	for (i = 1; i < N; i++) {
		least = g[i].said < least ? g[i].said : least;
		most = g[i].said > most ? g[i].said : most;
	}
	ok(most - least <= 2 * 10000, "each has its turn (%zu to %zu)",
	    least, most);
	guest_takes(OUR, ALL);
	run();
	ok(OUR->n == 3 * 900000 && OUR->most <= TCPK_HUB_QUEUE,
	    "and nothing is lost");
	ok(idle(OUR) && idle(A) && !hub->held, "nothing is held");
	end("back-pressure");
}

/* Two of our side: one takes nothing. */
static void
test_two_ours(void)
{
	hub_begin(&CLOSED, g, N);
	enter(OUR, TCPK_OURS, NULL, NULL);
	enter(A, TCPK_CLIENT, NULL, NULL);
	enter(B, TCPK_OURS, NULL, NULL);
	guest_takes(B, 0);
	guest_says_much(A, 600000, 1);
	run();
	ok(hub->held && OUR->n == A->said, "either of ours holds clients up");
	B->write_fails = TCPK_EIO;
	guest_takes(B, 0);
	run();
	ok(left(B, TCPK_EIO, "write"), "it fails");
	ok(heard_all(OUR, A) && !hub->held, "and holds nobody up any more");
	guest_speaks(OUR, "x");
	run();
	ok(heard(A, "x") && B->n == 0, "ours do not hear each other");
	end("two of ours");
}

static void
test_pace(void)
{
	struct tcpk_hub_opts	opts = { .pace = true };
	size_t			first;

	hub_begin(&opts, g, N);
	enter(OUR, TCPK_OURS, NULL, NULL);
	guest_says_much(OUR, 2000000, 1);
	run();
	ok(OUR->said == 0, "pace: without a client nothing is read");
	guest_takes(A, 0);
	enter(A, TCPK_CLIENT, NULL, NULL);
	run();
	first = OUR->said;
	ok((OUR->want & TCPK_READ) == 0, "nor waited for in vain");
	ok(first > 0 && A->left == 0 && A->m->queue.used == first,
	    "a client that takes nothing makes us wait");
	enter(B, TCPK_CLIENT, NULL, NULL);
	B->at_once = 500;
	run();
	ok(OUR->said == OUR->len && left(A, TCPK_ECUT, "too slow to follow"),
	    "one that takes something sets the pace");
	ok(B->left == 0 && B->n == OUR->len - first,
	    "and is never dropped");
	end("pace");
}

static void
test_greeting(void)
{
	char			*long_one = calloc(1, TCPK_HUB_QUEUE + 1);
	struct tcpk_err		 err;

	hub_begin(&CLOSED, g, N);
	enter(A, TCPK_CLIENT, NULL, "welcome\n");
	ok(A->writes == 0, "nothing happens yet");
	tcpk_hub_say(hub, "news\n", 5);
	run();
	ok(heard(A, "welcome\nnews\n"), "the greeting comes first");
	ok(tcpk_hub_add(hub, &B->s, TCPK_CLIENT, NULL, long_one,
	    TCPK_HUB_QUEUE + 1, guest_left, B, &err) == NULL &&
	    err.kind == TCPK_EUSAGE && B->frees == 0 && B->s.fn == NULL,
	    "one that is too long is refused");
	guest_takes(B, 0);
	B->m = tcpk_hub_add(hub, &B->s, TCPK_CLIENT, NULL, long_one,
	    TCPK_HUB_QUEUE, guest_left, B, &err);
	run();
	ok(B->m != NULL && B->left == 0 && tcpk_hub_clients(hub) == 2,
	    "one that just fits is not");
	free(long_one);
	end("greeting");
}

static void
test_ends(void)
{
	begin(OPEN);
	guest_speaks(A, "last words");
	guest_ends(A);
	A->finish_again = 3;
	A->drain_again = 12;
	run();
	ok(heard(B, "last words") && heard(OUR, "last words"),
	    "what a client said before its end is heard");
	ok(left(A, TCPK_OK, "") && A->finishes == 1 && A->drains == 13,
	    "it is half-closed and waited for");
	ok(A->how.duration > 100 * MS, "with a back-off");
	guest_takes(B, 0);
	guest_speaks(C, "for B");
	run();
	guest_ends(B);
	run();
	ok(B->left == 0 && B->finishes == 0 && B->m->state == LAST,
	    "one that has ended gets what it is owed");
	guest_speaks(C, " and more");
	run();
	guest_takes(B, ALL);
	run();
	ok(heard(B, "last wordsfor B") && left(B, TCPK_OK, ""),
	    "and no more");
	guest_ends(OUR);
	guest_speaks(C, "!");
	run();
	ok(OUR->left == 0 && heard(OUR, "last wordsfor B and more!"),
	    "the end of our input ends nothing");
	ok(tcpk_hub_clients(hub) == 1, "one client is in");
	end("ends");
}

static void
test_finish(void)
{
	begin(OPEN);
	guest_takes(A, 0);
	guest_speaks(OUR, "owed");
	run();
	fake_inside = true;
	tcpk_hub_finish(hub);
	tcpk_hub_say(hub, "too late", 8);
	fake_inside = false;
	guest_speaks(OUR, "unread");
	run();
	ok(A->finishes == 0 && B->finishes == 1 && C->finishes == 1 &&
	    B->left == 0, "finish: half-closed when delivered");
	guest_takes(A, ALL);
	run();
	ok(heard(A, "owed") && A->finishes == 1, "and not before");
	guest_speaks(A, "bye");
	guest_ends(A);
	guest_ends(B);
	run();
	ok(heard(OUR, "bye") && heard(B, "owed"),
	    "what clients say is heard by us alone");
	ok(left(A, TCPK_OK, "") && left(B, TCPK_OK, "") && C->left == 0 &&
	    OUR->finishes == 0, "they leave as they end");
	tcpk_hub_finish(hub);
	C->read_fails = TCPK_ECUT;
	guest_arm(C);
	OUR->said = OUR->len = 4;
	guest_takes(OUR, 0);
	guest_speaks(C, "!");
	run();
	ok(left(C, TCPK_ECUT, "read") && OUR->left == 0, "or are cut");
	guest_takes(OUR, ALL);
	run();
	OUR->said = 4;
	ok(left(OUR, TCPK_OK, "") && heard(OUR, "bye!"), "our side is last");
	guest_done(C);
	guest_init(C);
	enter(C, TCPK_CLIENT, NULL, "closing");
	guest_ends(C);
	run();
	ok(left(C, TCPK_OK, "") && heard(C, "closing"),
	    "who comes too late is told so");
	end("finish");
	hub_begin(&CLOSED, g, N);
	enter(OUR, TCPK_OURS, NULL, NULL);
	OUR->drain_again = 2;
	tcpk_hub_finish(hub);
	ok(OUR->left == 0, "with no clients");
	run();
	ok(left(OUR, TCPK_OK, ""), "it is over at once");
	end("finish alone");
}

static void
test_idle(void)
{
	struct tcpk_hub_opts	opts = { .idle_timeout = TCPK_SECOND };
	int			i;

	begin(opts);
	for (i = 0; i < 20; i++) {
		guest_speaks(A, "x");
		turn(100 * MS);
	}
	run();
	ok(left(B, TCPK_ETIMEOUT, "idle time-out: nothing moved") &&
	    B->how.duration >= TCPK_SECOND &&
	    B->how.duration < TCPK_SECOND + 200 * MS,
	    "an idle client is cut in time");
	ok(A->left == 0 && OUR->left == 0, "one that speaks is not, nor ours");
	for (i = 0; i < 20; i++) {
		guest_speaks(OUR, "x");
		turn(100 * MS);
	}
	ok(A->left == 0, "nor one that hears");
	turn(TCPK_SECOND);
	run();
	ok(left(A, TCPK_ETIMEOUT, "idle time-out: nothing moved"),
	    "but in the end");
	end("idle");
}

static void
test_failures(void)
{
	begin(OPEN);
	guest_speaks(A, "before");
	A->read_fails = TCPK_ECUT;
	run();
	ok(left(A, TCPK_ECUT, "read") && heard(B, "before"), "a reset");
	guest_speaks(B, "what it had said");
	B->piece = 3;
	B->write_fails = TCPK_ECUT;
	B->takes = 0;
	tcpk_hub_say(hub, "x", 1);
	ok(B->left == 0, "writing fails");
	run();
	ok(left(B, TCPK_ECUT, "write") &&
	    heard(C, "beforexwhat it had said"),
	    "what it had said is heard");
	C->hup = -1;
	guest_arm(C);
	run();
	ok(left(C, TCPK_ECUT, "hang-up"), "a hang-up that is an error");
	end("failures");
	begin(OPEN);
	A->hup = TCPK_AGAIN;
	guest_arm(A);
	B->drain_fails = TCPK_ECUT;
	guest_ends(B);
	C->takes = 0;
	C->write_fails = TCPK_EIO;
	guest_speaks(C, "unread");
	tcpk_hub_say(hub, "x", 1);
	run();
	C->said = 0;
	ok(A->left == 0, "a hang-up that is none");
	ok(left(B, TCPK_ECUT, "drain"), "what does not arrive is an error");
	ok(left(C, TCPK_EIO, "write"), "a failure of our own cuts at once");
	guest_ends(A);
	A->gone = true;
	A->takes = 0;
	tcpk_hub_say(hub, "y", 1);
	run();
	ok(left(A, TCPK_OK, "") && heard(A, "x"), "gone, and well");
	end("failures 2");
	begin(OPEN);
	A->hup = TCPK_GONE;
	guest_arm(A);
	run();
	guest_speaks(A, "still here");
	tcpk_hub_say(hub, "y", 1);
	run();
	ok(A->left == 0 && heard(A, "") && heard(B, "ystill here"),
	    "one that hears no more may still speak");
	A->drain_fails = TCPK_EPROGRAM;
	guest_ends(A);
	run();
	ok(left(A, TCPK_OK, ""), "until it ends");
	guest_takes(C, 1);
	tcpk_hub_say(hub, "more", 4);
	run();
	C->gone = true;
	guest_arm(C);
	run();
	ok(idle(C) && C->finishes == 1, "what is owed to one is forgotten");
	B->drain_fails = TCPK_EPROGRAM;
	B->hup = TCPK_GONE;
	guest_speaks(B, "bad end");
	run();
	ok(left(B, TCPK_EPROGRAM, "drain") && heard(OUR, "still herebad end"),
	    "a program that failed is heard to its end");
	end("gone");
}

static void
test_our_failures(void)
{
	begin(CLOSED);
	guest_takes(OUR, 0);
	guest_speaks(A, "owed");
	run();
	OUR->read_fails = TCPK_EIO;
	guest_arm(OUR);
	run();
	ok(OUR->left == 0, "our input fails");
	guest_takes(OUR, ALL);
	run();
	ok(left(OUR, TCPK_EIO, "read") && heard(OUR, "owed"),
	    "our side leaves when it has what it is owed");
	guest_speaks(A, "to nobody");
	run();
	ok(A->left == 0 && A->said == A->len, "the clients stay");
	end("our input");
	begin(CLOSED);
	guest_takes(OUR, 10000);
	OUR->write_fails = TCPK_EIO;
	guest_says_much(A, 1000000, 1);
	guest_says_much(B, 1000000, 2);
	run();
	ok(left(OUR, TCPK_EIO, "write") && OUR->n == 10000,
	    "our disk is full: our side leaves at once");
	ok(A->said == A->len && B->said == B->len && A->left == 0,
	    "nobody is held up for it");
	end("our output");
}

/* What is done in left. */
static struct guest	*also;

static void
free_hub(struct guest *who)
{
	(void)who;
	tcpk_hub_free(hub);
	hub = NULL;
}

static void
do_much(struct guest *who)
{
	(void)who;
	tcpk_hub_say(hub, "left", 4);
	if (also->s.fn == NULL)
		enter(also, TCPK_CLIENT, NULL, "hi ");
	else
		tcpk_hub_finish(hub);
}

static void
test_inside(void)
{
	begin(OPEN);
	A->on_left = B->on_left = free_hub;
	guest_ends(A);
	guest_ends(B);
	guest_speaks(C, "x");
	run();
	ok(A->left + B->left == 1 && C->left == 0 && A->frees == 1 &&
	    B->frees == 1 && C->frees == 1 && OUR->frees == 1,
	    "freed in left: nobody else is told");
	end("inside");
	hub_begin(&OPEN, g, N);
	also = C;
	A->on_left = B->on_left = do_much;
	enter(A, TCPK_CLIENT, NULL, NULL);
	enter(B, TCPK_CLIENT, NULL, NULL);
	guest_ends(A);
	run();
	ok(heard(B, "left") && heard(C, "hi ") && tcpk_hub_clients(hub) == 2,
	    "say and add in left");
	guest_ends(B);
	guest_ends(C);
	run();
	ok(left(A, TCPK_OK, "") && left(B, TCPK_OK, "") &&
	    left(C, TCPK_OK, "") && tcpk_hub_clients(hub) == 0,
	    "and finish");
	end("inside 2");
}

/* Freed after every possible number of turns. */
static void
test_free(void)
{
	int	i, j;
	bool	fine = true;

	for (i = 0; i < 120; i++) {
		begin(i % 2 == 0 ? OPEN : CLOSED);
		guest_takes(OUR, (size_t)i * 3000);
		guest_takes(B, 5000);
		B->drain_again = C->finish_again = 3;
		guest_says_much(A, 400000, 1);
		guest_speaks(C, "c");
		C->piece = 1;
		for (j = 0; j < i; j++) {
			if (j == 15)
				guest_ends(C);
			if (j == 20)
				tcpk_hub_finish(hub);
			if (j == 22)
				guest_takes(B, ALL);
			if (j == 40)
				guest_ends(A);
			turn(MS);
		}
		fine &= hub_end(g, N);
	}
	ok(fine, "freed at any stage");
	tcpk_hub_free(NULL);
}

static unsigned	seed;

static unsigned
rnd(unsigned n)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16) % n;
}

/*
 * Is this what the others said, mixed as it may be, each in its order?  Who
 * said a byte is in its upper bits, and the lower ones count.
 */
static bool
in_order(const struct guest *who, size_t n)
{
	size_t		at[8] = { 0 }, i;
	unsigned	by;

	for (i = 0; i < who->n; i++) {
		by = (unsigned char)who->heard[i] >> 5;
		if (&g[by] == who ||
		    who->heard[i] != g[by].says[at[by]++])
			return false;
	}
	for (i = 0; i < n; i++)
		if (&g[i] != who && at[i] != g[i].len)
			return false;
	return true;
}

static void
random_guest(unsigned who)
{
	struct guest	*r = &g[who];
	size_t		 i, len = rnd(20000);
	char		 byte;

	if (rnd(2))
		r->at_once = 1 + rnd(3000);
	if (rnd(2))
		r->piece = 1 + rnd(3000);
	r->finish_again = (int)rnd(3);
	r->drain_again = (int)rnd(5);
	for (i = 0; i < len; i++) {
		byte = (char)(who << 5 | (i * 7 + i / 32) % 32);
		guest_says(r, &byte, 1);
	}
}

static void
test_random(void)
{
	unsigned	i, bad = 0, j;
	size_t		n;

	for (i = 1; i <= 300 && bad < 3; i++) {
		seed = i;
		n = 3 + rnd(5);
		hub_begin(&OPEN, g, n);
		for (j = 0; j < n; j++) {
			random_guest(j);
			enter(&g[j], j == 0 ? TCPK_OURS : TCPK_CLIENT, NULL,
			    NULL);
		}
		bad += !run();
		for (j = 0; j < n; j++) {
			guest_ends(&g[j]);
			bad += !in_order(&g[j], n) || !idle(&g[j]);
		}
		if (rnd(2))
			run();
		tcpk_hub_finish(hub);
		bad += !run();
		for (j = 0; j < n; j++)
			bad += !left(&g[j], TCPK_OK, "");
		bad += !hub_end(g, n);
		if (bad > 0)
			note("seed %u", i);
	}
	ok(bad == 0, "%u random runs: all of it, in order", i - 1);
}

/* They have more to say than our side can hear at once. */
static void
test_crowd_held(void)
{
	size_t	i, want = OUR->n;
	bool	fine = true;

	hub->opts.open = false;
	for (i = 1; i <= CROWD; i++) {
		guest_says_much(&g[i], 5000 + i, 0);
		want += 5000 + i;
	}
	guest_takes(OUR, 0);
	run();
	for (i = 0; OUR->n < want && i < 100; i++) {
		guest_takes(OUR, 50000);
		run();
	}
	for (i = 1; i <= CROWD; i++)
		fine &= idle(&g[i]) && g[i].said == g[i].len;
	ok(fine && OUR->n == want && OUR->most <= TCPK_HUB_QUEUE,
	    "however much they say");
	guest_takes(OUR, ALL);
}

/* One speaks, all hear; then all speak and leave. */
static void
test_crowd(void)
{
	size_t	i, fine = 0;
	int	reads = 0;

	hub_begin(&OPEN, g, CROWD + 1);
	enter(OUR, TCPK_OURS, NULL, NULL);
	for (i = 1; i <= CROWD; i++)
		enter(&g[i], TCPK_CLIENT, NULL, "hi");
	run();
	guest_says_much(A, 200000, 1);
	run();
	for (i = 2; i <= CROWD; i++)
		fine += g[i].n == 200002 &&
		    memcmp(g[i].heard + 2, A->says, 200000) == 0;
	ok(fine == CROWD - 1, "%d hear one", CROWD);
	for (i = 2; i <= CROWD; i++)
		reads += g[i].reads;
	ok(reads == 0, "who says nothing is not asked");
	guest_takes(OUR, 0);
	guest_says_much(A, TCPK_HUB_QUEUE, 1);
	run();
	for (i = 1; i <= CROWD; i++)
		guest_speaks(&g[i], "x");
	run();
	ok(hub->held, "our side holds all of them up");
	guest_takes(OUR, ALL);
	run();
	ok(OUR->n == 200000 + TCPK_HUB_QUEUE + CROWD && A->n == 2 + CROWD - 1,
	    "and then hears each");
	test_crowd_held();
	for (i = 1; i <= CROWD; i++)
		guest_ends(&g[i]);
	run();
	for (fine = 0, i = 1; i <= CROWD; i++)
		fine += left(&g[i], TCPK_OK, "");
	ok(fine == CROWD && tcpk_hub_clients(hub) == 0, "all have left");
	ok(hub_end(g, CROWD + 1), "crowd: and the hub is freed");
}

static int	departed, cut;

static void
on_departed(void *arg, const struct tcpk_left *how)
{
	(void)arg;
	departed++;
	cut += how->err.kind == TCPK_ECUT;
}

static int
let_in(int fd, enum tcpk_side side)
{
	struct tcpk_stream	*s = tcpk_stream_socket(loop, fd, NULL);

	return s == NULL || tcpk_hub_add(hub, s, side, NULL, NULL, 0,
	    on_departed, NULL, NULL) == NULL ? -1 : 0;
}

static void
turn_ms(int n)
{
	while (n-- > 0) {
		fake_clock += MS;
		tcpk_loop_turn(loop, MS, NULL);
	}
}

enum { PEERS = 40, BYTES = 3000000 };

/* Their ends of the connections, and what came there. */
static int	fd[PEERS];
static size_t	got[PEERS];
static char	buf[BYTES];

/* Every other one over TCP. */
static void
let_all_in(void)
{
	struct sockaddr_in	sin = { .sin_family = AF_INET };
	socklen_t		len = sizeof(sin);
	int			lfd, pair[2], i;

	lfd = socket(AF_INET, SOCK_STREAM, 0);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	bind(lfd, (struct sockaddr *)&sin, sizeof(sin));
	listen(lfd, 10);
	getsockname(lfd, (struct sockaddr *)&sin, &len);
	for (i = 0; i < PEERS; i++)
		if (i % 2 == 0) {
			socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
			fd[i] = pair[0];
			let_in(pair[1], TCPK_CLIENT);
		} else {
			fd[i] = socket(AF_INET, SOCK_STREAM, 0);
			connect(fd[i], (struct sockaddr *)&sin, len);
			let_in(accept(lfd, NULL, NULL), TCPK_CLIENT);
		}
	close(lfd);
}

/* The first speaks, all but the last two read what there is. */
static bool
hear_all(void)
{
	static char	piece[100000];
	size_t		put = 0;
	ssize_t		n;
	int		i, turns, whole = 0;
	bool		fine = true;

	for (turns = 0; turns < 100000 && whole < PEERS - 3; turns++) {
		n = BYTES - put < 30000 ? BYTES - put : 30000;
		n = send(fd[0], buf + put, (size_t)n, MSG_DONTWAIT);
		put += n > 0 ? (size_t)n : 0;
		fake_clock += MS;
		tcpk_loop_turn(loop, put < BYTES ? 0 : MS, NULL);
		for (whole = 0, i = 1; i < PEERS - 2; i++) {
			n = recv(fd[i], piece, sizeof(piece), MSG_DONTWAIT);
			if (n > 0) {
				fine &= got[i] + (size_t)n <= BYTES &&
				    memcmp(piece, buf + got[i],
				    (size_t)n) == 0;
				got[i] += (size_t)n;
			}
			whole += got[i] == BYTES;
		}
	}
	return fine && whole == PEERS - 3;
}

/* Connections that the kernel makes slow or resets. */
static void
test_sockets(void)
{
	struct linger	lin = { .l_onoff = 1 };
	int		i;
	ssize_t		n;

	for (i = 0; i < BYTES; i++)
		buf[i] = (char)(i * 7 + i / 1000);
	hub = tcpk_hub_new(loop, &OPEN, NULL);
	let_all_in();
	ok(hear_all(), "sockets: every byte to all who read");
	ok(cut >= 1 && departed == cut, "who does not read is dropped (%d)",
	    cut);
	departed = cut = 0;
	setsockopt(fd[1], SOL_SOCKET, SO_LINGER, &lin, sizeof(lin));
	close(fd[4]);
	turn_ms(50);
	ok(departed == 1 && cut == 0, "a close is an end");
	send(fd[1], "dying", 5, 0);
	close(fd[1]);
	turn_ms(50);
	ok(departed == 2 && cut == 1, "a reset is not");
	shutdown(fd[2], SHUT_WR);
	turn_ms(50);
	n = recv(fd[2], buf, 50, MSG_DONTWAIT);
	ok(n == 5 && memcmp(buf, "dying", 5) == 0, "what was said came first");
	turn_ms(200);
	n = recv(fd[2], buf, 5, MSG_DONTWAIT);
	ok(n == 0 && departed == 3 && cut == 1,
	    "who half-closes sees the end");
	tcpk_hub_free(hub);
	n = recv(fd[3], buf, 100, MSG_DONTWAIT);
	n = recv(fd[3], buf, 100, MSG_DONTWAIT);
	ok(n == -1 && errno == ECONNRESET, "a hub that is freed resets");
	for (i = 0; i < PEERS; i++)
		if (i != 1 && i != 4)
			close(fd[i]);
}

int
main(void)
{
	loop = tcpk_loop_new(NULL, NULL);
	test_fan_out();
	test_exact();
	test_slow();
	test_back_pressure();
	test_two_ours();
	test_pace();
	test_greeting();
	test_ends();
	test_finish();
	test_idle();
	test_failures();
	test_our_failures();
	test_inside();
	test_free();
	test_random();
	test_crowd();
	test_sockets();
	tcpk_loop_free(loop);
	return done_testing();
}
