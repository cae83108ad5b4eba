/* verify: what became of messages is told right, however the bytes come. */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tcpecho_verify.h"
#include "tap.h"

#define MESSAGES	8
#define SIZE_MOST	6000

struct counts {
	uint64_t	echoed, corrupt, lost, late, duplicate, stray;
};

static struct counts	got;
static uint64_t		wrong_at;

static void
on_event(void *arg, const struct verify_event *e)
{
	(void)arg;
	switch (e->outcome) {
	case VERIFY_ECHOED:
		got.echoed++;
		break;
	case VERIFY_CORRUPT:
		got.corrupt++;
		wrong_at = e->wrong_at;
		break;
	case VERIFY_LOST:
		got.lost += e->n;
		break;
	case VERIFY_LATE:
		got.late++;
		break;
	case VERIFY_DUPLICATE:
		got.duplicate++;
		break;
	case VERIFY_STRAY:
		got.stray += e->n;
		break;
	}
}

/* Feed in pieces of that size; what was never told of is lost. */
static void
run(const struct verify_form *form, const unsigned char *p, size_t n,
    size_t piece)
{
	struct verify	v;
	size_t		part;

	memset(&got, 0, sizeof(got));
	wrong_at = 0;
	verify_init(&v, form, 100, on_event, NULL);
	v.limit = 100 + MESSAGES;
	for (; n > 0; p += part, n -= part) {
		part = n < piece ? n : piece;
		verify_feed(&v, p, part);
	}
	verify_end(&v);
	got.lost += v.limit - v.expect;
}

static const size_t	pieces[] = { 1, 7, 16, 100, SIZE_MOST * 20 };

/* The same outcome however it is cut into pieces. */
static void
expect(const char *what, const struct verify_form *form,
    const unsigned char *p, size_t n, struct counts want)
{
	size_t	i;
	int	bad = 0;

	for (i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		run(form, p, n, pieces[i]);
		/* What came late was told to be lost before. */
		got.lost -= got.late;
		if (memcmp(&got, &want, sizeof(got)) == 0)
			continue;
		bad++;
		note("in pieces of %zu: %" PRIu64 " echoed, %" PRIu64
		    " corrupt, %" PRIu64 " lost, %" PRIu64 " late, %" PRIu64
		    " duplicate, %" PRIu64 " stray", pieces[i], got.echoed,
		    got.corrupt, got.lost, got.late, got.duplicate,
		    got.stray);
	}
	ok(bad == 0, "%" PRIu64 " bytes%s: %s", form->size,
	    form->text != NULL ? " of text" : "", what);
}

static unsigned char	sent[SIZE_MOST * MESSAGES];
static unsigned char	back[SIZE_MOST * (MESSAGES + 2)];
static size_t		nback;

static void
add(const void *p, size_t n)
{
	memcpy(back + nback, p, n);
	nback += n;
}

static void
make(const struct verify_form *form)
{
	size_t	i;

	for (i = 0; i < MESSAGES; i++)
		verify_make(form, 100 + i, 0, sent + i * form->size,
		    form->size);
}

/* All but message at, which comes n times. */
static void
all_but(const struct verify_form *form, size_t at, size_t n)
{
	size_t	size = form->size, i;

	nback = 0;
	add(sent, at * size);
	for (i = 0; i < n; i++)
		add(sent + at * size, size);
	add(sent + (at + 1) * size, (MESSAGES - at - 1) * size);
}

static void
test_whole(const struct verify_form *form)
{
	static const struct counts	all = { .echoed = MESSAGES };
	size_t				size = form->size, at;
	unsigned char			held[SIZE_MOST];

	expect("all as they were", form, sent, MESSAGES * size, all);
	expect("nothing", form, sent, 0, (struct counts){ .lost = MESSAGES });
	for (at = 0; at < MESSAGES; at += 7) {
		all_but(form, at, 0);
		expect("one is lost", form, back, nback, (struct counts){
		    .echoed = MESSAGES - 1, .lost = 1 });
		all_but(form, at, 2);
		expect("one comes twice", form, back, nback, (struct counts){
		    .echoed = MESSAGES, .duplicate = 1 });
	}
	if (form->text != NULL)
		return;
	memcpy(back, sent, MESSAGES * size);
	memcpy(held, back + 2 * size, size);
	memmove(back + 2 * size, back + 3 * size, 2 * size);
	memcpy(back + 4 * size, held, size);
	expect("one comes behind two others", form, back, MESSAGES * size,
	    (struct counts){ .echoed = MESSAGES - 1, .late = 1 });
	nback = 0;
	add(sent, size);
	add(sent + 4 * size, 4 * size);
	expect("three are lost", form, back, nback, (struct counts){
	    .echoed = MESSAGES - 3, .lost = 3 });
}

/* Each byte of a message in turn. */
static void
test_damage(const struct verify_form *form)
{
	size_t	size = form->size, i, step = size > 200 ? 97 : 1;
	int	corrupt = 0, place = 0, cut = 0, added = 0, n = 0;

	for (i = 0; i < size; i += step) {
		n++;
		memcpy(back, sent, MESSAGES * size);
		back[3 * size + i] ^= 1;
		run(form, back, MESSAGES * size, 64);
		corrupt += got.corrupt == 1 && got.echoed == MESSAGES - 1 &&
		    got.lost + got.duplicate + got.stray + got.late == 0;
		place += wrong_at == i;

		nback = 0;
		add(sent, 3 * size + i);
		add(sent + 3 * size + i + 1, (MESSAGES - 3) * size - i - 1);
		run(form, back, nback, 64);
		cut += got.echoed == MESSAGES - 1 &&
		    got.corrupt + got.lost == 1 && got.duplicate == 0;

		nback = 0;
		add(sent, 3 * size + i);
		add("#", 1);
		add(sent + 3 * size + i, (MESSAGES - 3) * size - i);
		run(form, back, nback, 64);
		/* Without a body, the place is lost for one more. */
		added += got.lost == 0 && got.echoed >= MESSAGES -
		    (size > VERIFY_HEADER ? 1 : 2) &&
		    got.corrupt + got.duplicate + got.stray > 0;
	}
	ok(corrupt == n, "%zu bytes%s: one byte is changed, %d times", size,
	    form->text != NULL ? " of text" : "", n);
	ok(place == n, "and its place is known");
	ok(cut == n, "one byte is left out");
	ok(added == n, "one byte is put in");
	if (corrupt + place + cut + added != 4 * n)
		note("%d, %d, %d and %d times", corrupt, place, cut, added);
}

static void
test_strangers(const struct verify_form *form)
{
	struct verify_form	other = *form;
	size_t			size = form->size;

	/* As long as a message, it would be taken for one. */
	nback = 0;
	add("Hello!\n", 7);
	add(sent, MESSAGES * size);
	if (size >= 7 + VERIFY_HEADER)
		expect("a greeting before them", form, back, nback,
		    (struct counts){ .echoed = MESSAGES, .stray = 7 });
	nback = 0;
	add(sent, MESSAGES * size);
	add("Bye\n", 4);
	expect("a word behind them", form, back, nback, (struct counts){
	    .echoed = MESSAGES, .stray = 4 });
	other.key++;
	nback = 0;
	add(sent, 3 * size);
	verify_make(&other, 103, 0, back + nback, size);
	nback += size;
	add(sent + 4 * size, 4 * size);
	expect("one of another connection", form, back, nback,
	    (struct counts){ .echoed = MESSAGES - 1, .corrupt = 1 });
	nback = 0;
	memset(back, 'x', sizeof(back));
	expect("nothing but rubbish", form, back, MESSAGES * size,
	    (struct counts){ .corrupt = MESSAGES });
}

/* Anything at all: nothing is counted that cannot be, and it ends. */
static void
test_random(const struct verify_form *form)
{
	size_t		round, i, from, n;
	uint64_t	settled;
	int		bad = 0;

	srandom(1);
	for (round = 0; round < 2000; round++) {
		nback = 0;
		for (i = 0; i < 10; i++) {
			from = (size_t)random() % (MESSAGES * form->size);
			n = (size_t)random() % (2 * form->size);
			if (n > MESSAGES * form->size - from)
				n = MESSAGES * form->size - from;
			if (nback + n < sizeof(back))
				add(sent + from, n);
		}
		if (nback > 0)
			back[(size_t)random() % nback] ^= 4;
		run(form, back, nback, 1 + (size_t)random() % 200);
		settled = got.echoed + got.corrupt + got.lost;
		bad += settled != MESSAGES || got.late > got.lost;
	}
	ok(bad == 0, "%" PRIu64 " bytes: pieces in any order", form->size);
}

static void
test_unlike(void)
{
	static unsigned char	a[4096], b[4096];
	struct verify_form	form = { .size = sizeof(a), .key = 7 };
	size_t			i, alike = 0;

	verify_make(&form, 1, 0, a, sizeof(a));
	verify_make(&form, 2, 0, b, sizeof(b));
	for (i = VERIFY_HEADER; i < sizeof(a); i++)
		alike += a[i] == b[i];
	ok(alike < 50, "two messages are unlike (%zu bytes are alike)",
	    alike);
	for (i = 0; i < 200; i++) {
		verify_make(&form, 1, i, b, sizeof(a) - i);
		if (memcmp(a + i, b, sizeof(a) - i) != 0)
			break;
	}
	ok(i == 200, "a message is the same from any offset");
}

int
main(void)
{
	static const uint64_t	sizes[] = { 16, 17, 24, 64, 1000, SIZE_MOST };
	struct verify_form	form = { .key = 12345 };
	size_t			i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		form.size = sizes[i];
		make(&form);
		test_whole(&form);
		test_damage(&form);
		test_strangers(&form);
		test_random(&form);
	}
	form.text = "Hi, there";
	form.size = strlen(form.text);
	make(&form);
	test_whole(&form);
	test_damage(&form);
	form.text = "x";
	form.size = 1;
	make(&form);
	test_whole(&form);
	test_random(&form);
	test_unlike();
	return done_testing();
}
