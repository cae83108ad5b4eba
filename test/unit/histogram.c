/* histogram: what it says is within 1/128 of what it was given. */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "histogram.h"
#include "tap.h"

static struct histogram	h;

static void
empty(void)
{
	memset(&h, 0, sizeof(h));
}

static uint64_t
off_by(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* Every kind of value: around each power of two, and in between. */
static void
test_error(void)
{
	uint64_t	v, got, worst = 0;
	unsigned	shift, i;
	int		bad = 0;

	for (shift = 0; shift < 64; shift++)
		for (i = 0; i < 200; i++) {
			v = (UINT64_C(1) << shift) + (i < 100 ? i :
			    (UINT64_C(1) << shift) / 100 * (i - 100));
			empty();
			/* The extremes are exact: it must be in between. */
			histogram_add(&h, 0);
			histogram_add(&h, v);
			histogram_add(&h, UINT64_MAX);
			got = histogram_at(&h, 5000);
			if (off_by(got, v) > v / 128) {
				bad++;
				worst = v;
			}
		}
	ok(bad == 0, "no value is off by more than 1/128");
	if (bad != 0)
		note("%d are, as %" PRIu64, bad, worst);
}

static void
test_exact(void)
{
	uint64_t	v;
	int		bad = 0;

	for (v = 0; v < 128; v++) {
		empty();
		histogram_add(&h, 0);
		histogram_add(&h, v);
		histogram_add(&h, 1000);
		bad += histogram_at(&h, 5000) != v;
	}
	ok(bad == 0, "below 128 it is exact");
	empty();
	ok(histogram_at(&h, 5000) == 0 && histogram_at(&h, 10000) == 0 &&
	    histogram_mean(&h) == 0, "an empty one says 0");
	histogram_add(&h, 123456789);
	ok(histogram_at(&h, 0) == 123456789 &&
	    histogram_at(&h, 5000) == 123456789 &&
	    histogram_at(&h, 10000) == 123456789 &&
	    histogram_mean(&h) == 123456789, "one value is all there is");
	histogram_add(&h, UINT64_MAX);
	ok(h.min == 123456789 && h.max == UINT64_MAX && h.count == 2 &&
	    histogram_at(&h, 10000) == UINT64_MAX, "the greatest there is");
}

static int
compare(const void *a, const void *b)
{
	const uint64_t	*x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Against the definition, on sorted values: the one at rank ceil(n * p). */
static void
test_percentiles(void)
{
	static const unsigned	parts[] = { 0, 1, 5000, 9000, 9900, 9990,
				    10000 };
	static uint64_t		values[10000];
	uint64_t		x = 1, want, got;
	size_t			i, n, rank;

	for (n = 1; n <= 10000; n *= 10) {
		empty();
		for (i = 0; i < n; i++) {
			x = x * UINT64_C(6364136223846793005) + 1;
			values[i] = x >> (20 + x % 40);
			histogram_add(&h, values[i]);
		}
		qsort(values, n, sizeof(values[0]), compare);
		for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
			rank = (n * parts[i] + 9999) / 10000;
			want = values[rank == 0 ? 0 : rank - 1];
			got = histogram_at(&h, parts[i]);
			ok(off_by(got, want) <= want / 128,
			    "%zu values: %u/10000", n, parts[i]);
			if (off_by(got, want) > want / 128)
				note("%" PRIu64 ", not %" PRIu64, got, want);
		}
	}
}

static void
check_rows(const char *what, size_t max)
{
	struct histogram_row	rows[32];
	uint64_t		sum = 0;
	size_t			n, i;
	int			bad = 0;

	n = histogram_rows(&h, rows, max);
	for (i = 0; i < n; i++) {
		sum += rows[i].count;
		bad += rows[i].high < rows[i].low ||
		    (i > 0 && rows[i].low != rows[i - 1].high);
	}
	ok(n > 0 && n <= max && sum == h.count && bad == 0 &&
	    rows[0].low == h.min && rows[n - 1].high == h.max,
	    "%s: %zu rows of at most %zu hold all", what, n, max);
}

static void
test_rows(void)
{
	struct histogram_row	row;
	uint64_t		v;
	size_t			max;

	empty();
	ok(histogram_rows(&h, &row, 1) == 0, "none of an empty one");
	histogram_add(&h, 1000);
	check_rows("one value", 16);
	histogram_add(&h, 1001);
	check_rows("one bucket", 16);
	for (v = 1; v < UINT64_C(1) << 62; v *= 3)
		histogram_add(&h, v);
	for (max = 1; max <= 32; max++)
		check_rows("far apart", max);
	empty();
	for (v = 100000; v < 101000; v++)
		histogram_add(&h, v);
	check_rows("near together", 16);
}

int
main(void)
{
	test_error();
	test_exact();
	test_percentiles();
	test_rows();
	return done_testing();
}
