#include "histogram.h"

#define SUB_BITS	6
#define SUB		(1u << SUB_BITS)

static size_t
index_of(uint64_t v)
{
	unsigned	shift = 0;

	while (v >> shift >= 2 * SUB)
		shift++;
	return shift * SUB + (size_t)(v >> shift);
}

static unsigned
shift_of(size_t i)
{
	return i < 2 * SUB ? 0 : (unsigned)(i / SUB) - 1;
}

/* The least value of a bucket. */
static uint64_t
low_of(size_t i)
{
	unsigned	shift = shift_of(i);

	return (uint64_t)(i - (size_t)shift * SUB) << shift;
}

static uint64_t
high_of(size_t i)
{
	return low_of(i) + ((UINT64_C(1) << shift_of(i)) - 1);
}

/* What stands for all of a bucket: half its width is the greatest error. */
static uint64_t
middle_of(const struct histogram *h, size_t i)
{
	uint64_t	v = low_of(i) + (UINT64_C(1) << shift_of(i)) / 2;

	if (v < h->min)
		return h->min;
	return v > h->max ? h->max : v;
}

void
histogram_add(struct histogram *h, uint64_t ns)
{
	if (h->count == 0 || ns < h->min)
		h->min = ns;
	if (ns > h->max)
		h->max = ns;
	h->count++;
	h->sum += (double)ns;
	h->bucket[index_of(ns)]++;
}

/* ceil(count * part / 10000), for any count. */
static uint64_t
rank_of(uint64_t count, unsigned part)
{
	return count / 10000 * part + (count % 10000 * part + 9999) / 10000;
}

uint64_t
histogram_at(const struct histogram *h, unsigned part)
{
	uint64_t	rank = rank_of(h->count, part), seen = 0;
	size_t		i;

	if (rank <= 1)
		return h->min;
	if (rank >= h->count)
		return h->max;
	for (i = index_of(h->min); i < HISTOGRAM_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen >= rank)
			return middle_of(h, i);
	}
	return h->max;
}

double
histogram_mean(const struct histogram *h)
{
	return h->count == 0 ? 0 : h->sum / (double)h->count;
}

size_t
histogram_rows(const struct histogram *h, struct histogram_row *rows,
    size_t max)
{
	size_t	first, last, width, n, i;

	if (h->count == 0 || max == 0)
		return 0;
	first = index_of(h->min);
	last = index_of(h->max);
	width = (last - first + max) / max;
	n = 0;
	for (i = first; i <= last; i++) {
		if ((i - first) % width == 0) {
			rows[n].low = i == first ? h->min : rows[n - 1].high;
			rows[n].count = 0;
			n++;
		}
		rows[n - 1].high = i == last ? h->max : high_of(i);
		rows[n - 1].count += h->bucket[i];
	}
	return n;
}
