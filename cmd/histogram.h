/*
 * histogram: how often which time, in fixed memory.
 *
 * Buckets are linear within each power of two and 64 of them make up one, so
 * what is told of a value is within 1/128 (0.8 %) of it, whatever its size;
 * below 128 ns, and for the least, the greatest and the mean, it is exact.
 * Pure, and 30 KiB whatever it holds.
 */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BUCKETS	(57 * 64 + 128)

struct histogram {
	uint64_t	count, min, max;	/* exact; 0 when empty */
	double		sum;
	uint64_t	bucket[HISTOGRAM_BUCKETS];
};

/* A zeroed one is empty. */
void	histogram_add(struct histogram *, uint64_t ns);

/*
 * The least value that at least this part of all does not exceed, in ten
 * thousandths: 5000 the median, 9990 p99.9, 0 the least.  0 when empty.
 */
uint64_t histogram_at(const struct histogram *, unsigned part);

double	histogram_mean(const struct histogram *);

/* For drawing: how many are above low and not above high. */
struct histogram_row {
	uint64_t	low, high, count;
};

/*
 * Rows that cover all from the least to the greatest, each as many buckets
 * wide as the others; at most max of them.  Returns how many; 0 when empty.
 */
size_t	histogram_rows(const struct histogram *, struct histogram_row *,
	    size_t max);

#endif
