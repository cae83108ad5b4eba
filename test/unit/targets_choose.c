/* targets_choose: which target is next, by each way of balancing. */

#include <stdlib.h>
#include <string.h>

#include "help.h"
#include "targets_impl.h"

#define MOST	8

static struct choice	c[MOST];
static const bool	none[MOST];

static void
fresh(size_t n, const unsigned *weights)
{
	size_t	i;
	char	name[40];

	memset(c, 0, sizeof(c));
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "10.0.0.%zu", i);
		c[i].weight = weights != NULL ? weights[i] : 1;
		c[i].id = choose_hash(name, strlen(name));
		c[i].up = true;
	}
}

/* So many choices as letters. */
static const char *
turns(enum balance b, size_t n, int count)
{
	static char	text[64];
	size_t		at;
	int		i;

	for (i = 0; i < count; i++) {
		at = choose(b, c, n, 0, none);
		text[i] = at == CHOICE_NONE ? '-' : (char)('a' + at);
		if (at != CHOICE_NONE)
			c[at].now++;
	}
	text[i] = '\0';
	return text;
}

static void
expect(enum balance b, size_t n, const char *want, const char *what)
{
	const char	*got = turns(b, n, (int)strlen(want));

	ok(strcmp(got, want) == 0, "%s: %s", what, got);
}

static void
test_roundrobin(void)
{
	static const unsigned	w511[] = { 5, 1, 1 };
	static const unsigned	large[] = { 1000, 999, 1 };
	int			count[3] = { 0 }, i;

	fresh(3, NULL);
	expect(BALANCE_ROUNDROBIN, 3, "abcabc", "in turns");
	fresh(3, w511);
	expect(BALANCE_ROUNDROBIN, 3, "aabacaaaabacaa", "5:1:1, smoothly");
	c[0].up = false;
	expect(BALANCE_ROUNDROBIN, 3, "bcbc", "without the first");
	c[0].up = true;
	turns(BALANCE_ROUNDROBIN, 3, 21);
	for (i = 0; i < 70; i++)
		count[choose(BALANCE_ROUNDROBIN, c, 3, 0, none)]++;
	ok(count[0] == 50 && count[1] == 10 && count[2] == 10,
	    "which comes back to its share: %d %d %d", count[0], count[1],
	    count[2]);
	fresh(3, large);
	memset(count, 0, sizeof(count));
	for (i = 0; i < 2000; i++)
		count[choose(BALANCE_ROUNDROBIN, c, 3, 0, none)]++;
	ok(count[0] == 1000 && count[1] == 999 && count[2] == 1,
	    "large weights are exact: %d %d %d", count[0], count[1],
	    count[2]);
}

static void
test_leastconn(void)
{
	static const unsigned	w21[] = { 2, 1 };

	fresh(3, NULL);
	turns(BALANCE_LEASTCONN, 3, 30);
	ok(c[0].now == 10 && c[1].now == 10 && c[2].now == 10,
	    "least: equal ones get as many");
	c[1].now = 0;
	expect(BALANCE_LEASTCONN, 3, "bb", "the one that was left");
	fresh(2, w21);
	turns(BALANCE_LEASTCONN, 2, 30);
	ok(c[0].now == 20 && c[1].now == 10, "by weight: %d %d",
	    (int)c[0].now, (int)c[1].now);
	fresh(2, NULL);
	c[0].now = 100;
	c[1].up = false;
	expect(BALANCE_LEASTCONN, 2, "a", "the only one, busy or not");
	/* Clients who leave at once: nobody has any, and still all get some. */
	fresh(2, NULL);
	choose(BALANCE_LEASTCONN, c, 2, 0, none);
	ok(choose(BALANCE_LEASTCONN, c, 2, 0, none) == 1,
	    "short ones are spread");
}

static uint64_t
client(unsigned i)
{
	return choose_hash(&i, sizeof(i));
}

#define CLIENTS	20000

static void
test_source(void)
{
	static const unsigned	w[] = { 3, 1 };
	static unsigned char	was[CLIENTS];
	unsigned		i, moved = 0, of_gone = 0, changed = 0;
	unsigned		count[MOST] = { 0 }, low, high;
	size_t			at;

	fresh(5, NULL);
	for (i = 0; i < CLIENTS; i++)
		was[i] = (unsigned char)choose(BALANCE_SOURCE, c, 5,
		    client(i), none);
	for (i = 0; i < CLIENTS; i++) {
		changed += was[i] != choose(BALANCE_SOURCE, c, 5, client(i),
		    none);
		count[was[i]]++;
	}
	ok(changed == 0, "a client sticks to its target");
	low = high = count[0];
	for (i = 1; i < 5; i++) {
		low = count[i] < low ? count[i] : low;
		high = count[i] > high ? count[i] : high;
	}
	ok(low > CLIENTS / 5 * 9 / 10 && high < CLIENTS / 5 * 11 / 10,
	    "each has a fifth of them: %u to %u", low, high);
	c[2].up = false;
	memset(count, 0, sizeof(count));
	for (i = 0; i < CLIENTS; i++) {
		at = choose(BALANCE_SOURCE, c, 5, client(i), none);
		of_gone += was[i] == 2;
		if (at != was[i]) {
			moved++;
			changed += was[i] != 2;
			count[at]++;
		}
	}
	ok(changed == 0 && moved == of_gone,
	    "one goes: its clients move, and no other");
	for (i = 0, high = 0; i < 5; i++)
		high = count[i] > high ? count[i] : high;
	ok(high < moved * 3 / 10, "all over the others: %u of %u", high,
	    moved);
	fresh(2, w);
	memset(count, 0, sizeof(count));
	for (i = 0; i < CLIENTS; i++)
		count[choose(BALANCE_SOURCE, c, 2, client(i), none)]++;
	ok(count[0] > CLIENTS * 73 / 100 && count[0] < CLIENTS * 77 / 100,
	    "3:1 of them is %u:%u", count[0], count[1]);
}

/* One that gets more weight takes clients, and gives none away. */
static void
test_source_weight(void)
{
	static unsigned char	was[CLIENTS];
	unsigned		i, taken = 0, wrong = 0;
	size_t			at;

	fresh(4, NULL);
	for (i = 0; i < CLIENTS; i++)
		was[i] = (unsigned char)choose(BALANCE_SOURCE, c, 4,
		    client(i), none);
	c[1].weight = 2;
	for (i = 0; i < CLIENTS; i++) {
		at = choose(BALANCE_SOURCE, c, 4, client(i), none);
		taken += at != was[i];
		wrong += at != was[i] && at != 1;
	}
	/* From a quarter to two fifths. */
	ok(wrong == 0 && taken > CLIENTS * 13 / 100 &&
	    taken < CLIENTS * 17 / 100, "more weight takes clients only: %u",
	    taken);
}

static void
test_failover(void)
{
	fresh(3, NULL);
	expect(BALANCE_FAILOVER, 3, "aaa", "failover: the first");
	c[0].up = false;
	expect(BALANCE_FAILOVER, 3, "bb", "the second");
	c[0].up = true;
	expect(BALANCE_FAILOVER, 3, "aa", "back to the first");
}

/* Each is tried once, those that are set aside at last. */
static void
test_tried(void)
{
	static const enum balance	all[] = { BALANCE_ROUNDROBIN,
		BALANCE_LEASTCONN, BALANCE_SOURCE, BALANCE_FAILOVER };
	bool				tried[MOST];
	size_t				i, k, at;
	int				wrong = 0, last = 0;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		fresh(MOST, NULL);
		memset(tried, 0, sizeof(tried));
		c[1].up = c[4].up = false;
		for (k = 0; k < MOST; k++) {
			at = choose(all[i], c, MOST, 77, tried);
			wrong += at == CHOICE_NONE || tried[at];
			if (at == CHOICE_NONE)
				break;
			tried[at] = true;
			last += k >= MOST - 2 && !c[at].up;
		}
		wrong += choose(all[i], c, MOST, 77, tried) != CHOICE_NONE;
	}
	ok(wrong == 0, "each is tried once, by every method");
	ok(last == 2 * 4, "those set aside after all others");
}

int
main(void)
{
	test_roundrobin();
	test_leastconn();
	test_source();
	test_source_weight();
	test_failover();
	test_tried();
	return done_testing();
}
