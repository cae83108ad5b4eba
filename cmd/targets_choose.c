/* Which target is next: pure functions over what is known of each. */

#include "targets_impl.h"

/* Every bit of the result depends on every bit of x (MurmurHash3's end). */
static uint64_t
mix(uint64_t x)
{
	x ^= x >> 33;
	x *= UINT64_C(0xff51afd7ed558ccd);
	x ^= x >> 33;
	x *= UINT64_C(0xc4ceb9fe1a85ec53);
	return x ^ x >> 33;
}

/* FNV-1a: the same in every process and after every restart. */
uint64_t
choose_hash(const void *data, size_t n)
{
	const unsigned char	*p = data;
	uint64_t		 h = UINT64_C(0xcbf29ce484222325);

	for (; n > 0; p++, n--)
		h = (h ^ *p) * UINT64_C(0x100000001b3);
	return mix(h);
}

/*
 * In turns, smoothly: each gains its weight, the one that has most is taken
 * and pays what all gained, so that 5:1:1 comes as aabacaa.
 */
static size_t
in_turns(struct choice *c, size_t n)
{
	size_t	i, best = CHOICE_NONE;
	int64_t	all = 0;

	for (i = 0; i < n; i++) {
		if (!c[i].may)
			continue;
		c[i].turn += (int64_t)c[i].weight;
		all += (int64_t)c[i].weight;
		if (best == CHOICE_NONE || c[i].turn > c[best].turn)
			best = i;
	}
	if (best != CHOICE_NONE)
		c[best].turn -= all;
	return best;
}

/* Has a less to do for its weight than b?  Divided by nothing: exact. */
static bool
has_less(const struct choice *a, const struct choice *b)
{
	return a->now * b->weight < b->now * a->weight;
}

/* In turns among those that have the least, or the first would get all. */
static size_t
least_busy(struct choice *c, size_t n)
{
	size_t	i, best = CHOICE_NONE;

	for (i = 0; i < n; i++)
		if (c[i].may && (best == CHOICE_NONE ||
		    has_less(&c[i], &c[best])))
			best = i;
	for (i = 0; i < n; i++)
		if (c[i].may && has_less(&c[best], &c[i]))
			c[i].may = false;
	return in_turns(c, n);
}

/* -log2(h / 2^64) in units of 2^-32, at least 1: a bit for each squaring. */
static uint64_t
minus_log2(uint64_t h)
{
	uint64_t	m, fraction = 0, whole = 1;
	unsigned	i;

	h |= 1;
	for (; h >> 63 == 0; h <<= 1)
		whole++;
	m = h >> 32;
	for (i = 0; i < 32; i++) {
		m = m * m >> 31;
		fraction <<= 1;
		if (m >> 32 != 0) {
			fraction |= 1;
			m >>= 1;
		}
	}
	return (whole << 32) - fraction;
}

/*
 * Weighted rendezvous hashing: target and client together give a number, and
 * the highest wins.  A target that goes leaves all other clients where they
 * are, and its own spread over the rest.
 */
static size_t
by_source(const struct choice *c, size_t n, uint64_t client)
{
	size_t		i, best = CHOICE_NONE;
	uint64_t	l, least = 0;

	for (i = 0; i < n; i++) {
		if (!c[i].may)
			continue;
		l = minus_log2(mix(c[i].id ^ client));
		/* weight / l, the larger the better. */
		if (best == CHOICE_NONE ||
		    c[i].weight * least > c[best].weight * l) {
			best = i;
			least = l;
		}
	}
	return best;
}

static size_t
in_order(const struct choice *c, size_t n)
{
	size_t	i;

	for (i = 0; i < n; i++)
		if (c[i].may)
			return i;
	return CHOICE_NONE;
}

size_t
choose(enum balance balance, struct choice *c, size_t n, uint64_t client,
    const bool *tried)
{
	bool	any = false;
	size_t	i;

	for (i = 0; i < n; i++)
		any |= c[i].up && !tried[i];
	for (i = 0; i < n; i++)
		c[i].may = !tried[i] && (c[i].up || !any);
	switch (balance) {
	case BALANCE_ROUNDROBIN:
		return in_turns(c, n);
	case BALANCE_LEASTCONN:
		return least_busy(c, n);
	case BALANCE_SOURCE:
		return by_source(c, n, client);
	case BALANCE_FAILOVER:
		break;
	}
	return in_order(c, n);
}
