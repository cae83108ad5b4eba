/* hub: what our side hears in whole tagged lines. */

#include "hub_fake.h"

#define OPTS	(struct tcpk_hub_opts) { .lines = true }

/* Our side, and two who speak. */
static struct guest	g[4];

#define OUR	(&g[0])
#define A	(&g[1])
#define B	(&g[2])

static void
begin(void)
{
	hub_begin(&OPTS, g, 4);
	enter(OUR, TCPK_OURS, NULL, NULL);
	enter(A, TCPK_CLIENT, "a: ", NULL);
	enter(B, TCPK_CLIENT, "b: ", NULL);
}

static void
end(void)
{
	ok(hub_end(g, 4), "and the hub is freed");
}

static void
test_plain(void)
{
	begin();
	guest_speaks(A, "one\ntwo\n");
	run();
	ok(heard(OUR, "a: one\na: two\n"), "two lines at once");
	ok(OUR->writes == 1, "are one write");
	ok(idle(OUR) && idle(A), "nobody holds memory");
	guest_speaks(B, "\n\nx\n");
	run();
	ok(heard(OUR, "a: one\na: two\nb: \nb: \nb: x\n"), "empty lines");
	ok(A->n == 0 && B->n == 0, "clients hear nothing");
	end();
}

static void
test_split(void)
{
	static const char	text[] = "alpha\n\nbeta\r\ng\n";
	static const char	want[] = "a: alpha\na: \na: beta\r\na: g\n";
	size_t			i, j;
	bool			fine = true;

	for (i = 0; i < sizeof(text); i++)
		for (j = i; j < sizeof(text); j++) {
			hub_begin(&OPTS, g, 4);
			enter(OUR, TCPK_OURS, NULL, NULL);
			enter(A, TCPK_CLIENT, "a: ", NULL);
			guest_says(A, text, i);
			turn(MS);
			turn(MS);
			guest_says(A, text + i, j - i);
			turn(MS);
			turn(MS);
			guest_says(A, text + j, sizeof(text) - 1 - j);
			turn(MS);
			turn(MS);
			fine &= heard(OUR, want) && idle(A);
			fine &= hub_end(g, 4);
		}
	ok(fine, "lines split in three, everywhere");
	begin();
	A->piece = OUR->at_once = 1;
	guest_says(A, text, sizeof(text) - 1);
	run();
	ok(heard(OUR, want), "and byte by byte, both ways");
	end();
}

static void
test_interleaved(void)
{
	begin();
	guest_speaks(A, "how ");
	run();
	guest_speaks(B, "what ");
	run();
	ok(heard(OUR, ""), "two beginnings");
	guest_speaks(A, "are you\nfine");
	run();
	guest_speaks(B, "is it\n");
	run();
	ok(heard(OUR, "a: how are you\nb: what is it\n"), "do not mix");
	guest_ends(A);
	run();
	ok(heard(OUR, "a: how are you\nb: what is it\na: fine\n"),
	    "a last line gets its newline when its speaker ends");
	ok(left(A, TCPK_OK, ""), "who leaves well");
	B->read_fails = TCPK_ECUT;
	guest_speaks(B, "oh");
	run();
	ok(heard(OUR, "a: how are you\nb: what is it\na: fine\nb: oh\n"),
	    "or when it is cut");
	ok(left(B, TCPK_ECUT, "read"), "who leaves badly");
	end();
}

/* n bytes of c. */
static void
say_long(struct guest *who, char c, size_t n)
{
	char	*p = malloc(n);

	memset(p, c, n);
	guest_says(who, p, n);
	free(p);
}

static void
test_long(void)
{
	const size_t	L = TCPK_HUB_LINE;
	size_t		i;
	bool		fine;

	begin();
	say_long(A, 'x', L);
	guest_speaks(A, "\n");
	run();
	ok(OUR->n == 3 + L + 1 && memcmp(OUR->heard, "a: x", 4) == 0 &&
	    OUR->heard[OUR->n - 1] == '\n', "the longest line comes whole");
	OUR->n = 0;
	say_long(A, 'y', L + 1);
	guest_speaks(A, "\n");
	run();
	ok(OUR->n == 3 + L + 1 + 3 + 1 + 1 &&
	    memcmp(OUR->heard + 3 + L, "\na: y\n", 6) == 0,
	    "one byte more is a piece of its own");
	OUR->n = 0;
	say_long(A, 'z', 10 * L);
	run();
	ok(OUR->n == 9 * (3 + L + 1) && A->m->line.len == L,
	    "of a line without an end, pieces come");
	ok(A->m->line.size == L, "and no more is held");
	guest_ends(A);
	run();
	fine = OUR->n == 10 * (3 + L + 1);
	for (i = 0; fine && i < 10; i++)
		fine = memcmp(OUR->heard + i * (L + 4), "a: z", 4) == 0 &&
		    OUR->heard[(i + 1) * (L + 4) - 1] == '\n';
	ok(fine, "all of them with tag and newline");
	ok(left(A, TCPK_OK, ""), "the speaker has left");
	end();
}

/* Each line that is told is one that was said, in order. */
static bool
told(const struct guest *who, const char *tag, size_t *at)
{
	const char	*p = OUR->heard, *stop = p + OUR->n, *nl;
	size_t		 t = strlen(tag), n;

	for (*at = 0; p < stop; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(stop - p));
		if (nl == NULL)
			return false;
		if (memcmp(p, tag, t) != 0)
			continue;
		n = (size_t)(nl + 1 - p) - t;
		if (n > who->len - *at ||
		    memcmp(who->says + *at, p + t, n) != 0)
			return false;
		*at += n;
	}
	return true;
}

static void
test_held(void)
{
	size_t	i, a, b;
	char	line[64];

	begin();
	guest_takes(OUR, 0);
	for (i = 0; i < 40000; i++) {
		snprintf(line, sizeof(line), "%zu of %s\n", i * 7919,
		    i % 3 == 0 ? "" : "something");
		guest_speaks(A, line);
		guest_speaks(B, i % 2 == 0 ? "\n" : line);
	}
	guest_speaks(B, "and so");
	B->at_end = true;
	run();
	ok(hub->held && A->said < A->len && B->said < B->len,
	    "our side takes nothing: they are not read");
	ok(OUR->m->queue.used <= TCPK_HUB_QUEUE &&
	    OUR->m->queue.size <= TCPK_HUB_QUEUE, "memory is bounded");
	for (i = 0; i < 400000 && OUR->m->queue.used + (A->len - A->said) > 0;
	    i++) {
		guest_takes(OUR, 1 + i % 9973);
		turn(MS);
	}
	guest_takes(OUR, ALL);
	run();
	guest_speaks(B, "\n");	/* as it was told */
	ok(told(A, "a: ", &a) && a == A->len, "everything of one came");
	ok(told(B, "b: ", &b) && b == B->len, "and everything of the other");
	ok(OUR->m->queue.data == NULL, "nothing is held any more");
	B->said = B->len - 1;
	ok(left(B, TCPK_OK, "") && A->left == 0, "the right one has left");
	end();
}

/* The worst there is: every byte a line, and a tag before each. */
static void
test_tags(void)
{
	char	tag[400], *want;
	size_t	i;

	memset(tag, 't', sizeof(tag));
	tag[sizeof(tag) - 1] = '\0';
	hub_begin(&OPTS, g, 4);
	enter(OUR, TCPK_OURS, NULL, NULL);
	enter(A, TCPK_CLIENT, tag, NULL);
	enter(B, TCPK_CLIENT, NULL, NULL);
	guest_takes(OUR, 0);
	say_long(A, 'q', TCPK_HUB_LINE);
	run();
	say_long(A, '\n', 5000);
	run();
	ok(hub->held && OUR->m->queue.used <= TCPK_HUB_QUEUE,
	    "empty lines with a long tag stop in time");
	guest_takes(OUR, ALL);
	run();
	want = malloc(TCPK_HUB_TAG + 1);
	memset(want, 't', TCPK_HUB_TAG);
	want[TCPK_HUB_TAG] = '\n';
	for (i = 1; i < 5000; i++)
		if (memcmp(OUR->heard + TCPK_HUB_LINE + i *
		    (TCPK_HUB_TAG + 1), want, TCPK_HUB_TAG + 1) != 0)
			break;
	free(want);
	ok(i == 5000 && OUR->n == TCPK_HUB_LINE + 5000 * (TCPK_HUB_TAG + 1),
	    "and all come, with a tag that was cut");
	OUR->n = 0;
	guest_speaks(B, "no tag\nat all");
	guest_ends(B);
	run();
	ok(heard(OUR, "no tag\nat all\n"), "no tag: whole lines still");
	end();
}

static void
test_cut_while_held(void)
{
	struct tcpk_hub_opts	opts = { .lines = true,
				    .idle_timeout = TCPK_SECOND };

	hub_begin(&opts, g, 4);
	enter(OUR, TCPK_OURS, NULL, NULL);
	enter(A, TCPK_CLIENT, "a: ", NULL);
	enter(B, TCPK_CLIENT, "b: ", NULL);
	guest_speaks(B, "begun");
	turn(MS);
	turn(MS);
	guest_takes(OUR, 0);
	while (!hub->held) {
		say_long(A, 'x', 4000);
		guest_speaks(A, "\n");
		turn(MS);
	}
	turn(2 * TCPK_SECOND);
	turn(MS);
	turn(MS);
	ok(B->left == 0 && B->m->ended && B->m->state == DEAF,
	    "one that is cut has its last words to wait for");
	ok(A->left == 0 && !A->m->ended, "one that is held up is not idle");
	guest_takes(OUR, ALL);
	run();
	ok(OUR->n > 9 && memmem(OUR->heard, OUR->n, "\nb: begun\n", 10) !=
	    NULL, "and they come when there is room");
	ok(left(B, TCPK_ETIMEOUT, "idle time-out: nothing moved"),
	    "then it leaves");
	end();
}

static void
test_nobody(void)
{
	hub_begin(&OPTS, g, 4);
	enter(A, TCPK_CLIENT, "a: ", NULL);
	guest_speaks(A, "to nobody");
	run();
	ok(idle(A) && A->said == A->len, "with nobody there nothing is kept");
	enter(OUR, TCPK_OURS, NULL, NULL);
	guest_speaks(A, " at all\nlost");
	run();
	ok(heard(OUR, "a:  at all\n"), "who comes later hears the rest");
	OUR->write_fails = TCPK_EIO;
	guest_takes(OUR, 0);
	guest_speaks(A, " line\nmore");
	run();
	ok(left(OUR, TCPK_EIO, "write") && heard(OUR, "a:  at all\n"),
	    "our output fails");
	guest_speaks(A, "\nand more");
	run();
	ok(idle(A) && A->said == A->len, "the others go on");
	end();
}

/* Clients that hear each other hear bytes, not lines. */
static void
test_open(void)
{
	struct tcpk_hub_opts	opts = { .lines = true, .open = true };

	hub_begin(&opts, g, 4);
	enter(OUR, TCPK_OURS, "us: ", NULL);
	enter(A, TCPK_CLIENT, "a: ", "hello\n");
	enter(B, TCPK_CLIENT, "b: ", NULL);
	guest_speaks(A, "half a");
	run();
	ok(heard(B, "half a") && heard(OUR, ""), "tags are for our side only");
	guest_speaks(OUR, "x");
	run();
	ok(heard(B, "half ax") && heard(A, "hello\nx"),
	    "and what we say has none");
	end();
}

int
main(void)
{
	loop = tcpk_loop_new(NULL, NULL);
	test_plain();
	test_split();
	test_interleaved();
	test_long();
	test_held();
	test_tags();
	test_cut_while_held();
	test_nobody();
	test_open();
	tcpk_loop_free(loop);
	return done_testing();
}
