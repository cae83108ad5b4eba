#include <stdlib.h>

#include "acl_impl.h"

/* No time here depends on how the edges were given. */

/* By the bytes of the address from the last to the first: radix sort. */
int
tcpk__acl_sort4(uint64_t *e, size_t n)
{
	uint64_t	*from = e, *to, *spare;
	size_t		 next[256], i, sum, many;
	unsigned	 shift, b;

	spare = malloc((n + 1) * sizeof(*spare));
	if (spare == NULL)
		return -1;
	to = spare;
	for (shift = 32; shift < 64; shift += 8) {
		for (b = 0; b < 256; b++)
			next[b] = 0;
		for (i = 0; i < n; i++)
			next[from[i] >> shift & 0xff]++;
		for (sum = 0, b = 0; b < 256; b++, sum += many) {
			many = next[b];
			next[b] = sum;
		}
		for (i = 0; i < n; i++)
			to[next[from[i] >> shift & 0xff]++] = from[i];
		/* Four times: all are at home again. */
		to = from;
		from = from == e ? spare : e;
	}
	free(spare);
	return 0;
}

/*
 * IPv6 is sorted in place, by the bytes of the address from the first one in
 * which any two differ: no second copy of what may be millions of them.
 */

#define FEW	24	/* sorted by insertion */

static inline unsigned
byte_of(const struct edge *e, unsigned at)
{
	uint64_t	half = at < 8 ? e->last.hi : e->last.lo;

	return half >> (56 - 8 * (at % 8)) & 0xff;
}

static void
insertion_sort(struct edge *e, size_t n)
{
	struct edge	x;
	size_t		i, j;

	for (i = 1; i < n; i++) {
		x = e[i];
		for (j = i; j > 0 && tcpk_ip_less(x.last, e[j - 1].last); j--)
			e[j] = e[j - 1];
		e[j] = x;
	}
}

/* The first byte in which they differ; 16 if they are all equal. */
static unsigned
first_difference(const struct edge *e, size_t n)
{
	uint64_t	hi = 0, lo = 0;
	size_t		i;

	for (i = 1; i < n; i++) {
		hi |= e[i].last.hi ^ e[0].last.hi;
		lo |= e[i].last.lo ^ e[0].last.lo;
	}
	if (hi != 0)
		return __builtin_clzll(hi) / 8;
	return lo != 0 ? 8 + __builtin_clzll(lo) / 8 : 16;
}

/* Put each edge among those with its byte: American flag sort. */
static void
distribute(struct edge *e, size_t n, unsigned at, size_t end[256])
{
	struct edge	x, y;
	size_t		next[256], i, sum;
	unsigned	b, c;

	for (b = 0; b < 256; b++)
		end[b] = 0;
	for (i = 0; i < n; i++)
		end[byte_of(&e[i], at)]++;
	for (sum = 0, b = 0; b < 256; b++) {
		next[b] = sum;
		sum += end[b];
		end[b] = sum;
	}
	for (b = 0; b < 256; b++) {
		while (next[b] < end[b]) {
			/* Follow the cycle of edges in each other's place. */
			x = e[next[b]];
			while ((c = byte_of(&x, at)) != b) {
				y = e[next[c]];
				e[next[c]++] = x;
				x = y;
			}
			e[next[b]++] = x;
		}
	}
}

void
tcpk__acl_sort6(struct edge *e, size_t n)
{
	size_t		end[256], start;
	unsigned	at, b;

	if (n <= FEW) {
		insertion_sort(e, n);
		return;
	}
	at = first_difference(e, n);
	if (at == 16)
		return;
	distribute(e, n, at, end);
	for (start = 0, b = 0; b < 256; b++) {
		if (end[b] - start > 1)
			tcpk__acl_sort6(e + start, end[b] - start);
		start = end[b];
	}
}
