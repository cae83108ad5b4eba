#include <immintrin.h>

#include "acl_lines.h"

#define TARGET	__attribute__((target("avx2,bmi,popcnt")))
#define USUAL	6	/* as many lines, at most, end in most blocks */

static inline uint64_t TARGET
newlines32(const char *p)
{
	__m256i	x = _mm256_loadu_si256((const __m256i *)(const void *)p);

	return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(x,
	    _mm256_set1_epi8('\n')));
}

/* Where the first one ends; anywhere if there is none. */
static inline const char * TARGET
first_end(const char *p, uint64_t mask)
{
	return p + __builtin_ctzll(mask | UINT64_C(1) << 63) + 1;
}

/*
 * USUAL ends are written for each block and the next one's written over those
 * that are none: a loop with a turn for each newline would be guessed wrong
 * in every other block.
 */
static size_t TARGET
newlines_avx2(const char *p, const char *end, const char **ends, size_t max)
{
	const char	**e;
	uint64_t	  mask;
	size_t		  n = 0, many;
	int		  i;

	for (; p < end && n < max; p += 64) {
		mask = newlines32(p) | newlines32(p + 32) << 32;
		many = (size_t)__builtin_popcountll(mask);
		e = ends + n;
		for (i = 0; i < USUAL; i++, mask &= mask - 1)
			e[i] = first_end(p, mask);
		if (many > USUAL)
			for (; mask != 0; mask &= mask - 1)
				e[i++] = first_end(p, mask);
		n += many;
	}
	return n;
}

static inline uint64_t
newlines16(const char *p)
{
	__m128i	x = _mm_loadu_si128((const __m128i *)(const void *)p);

	return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(x,
	    _mm_set1_epi8('\n')));
}

/* Every x86-64 has SSE2. */
static size_t
newlines_sse2(const char *p, const char *end, const char **ends, size_t max)
{
	uint64_t	mask;
	size_t		n = 0;

	for (; p < end && n < max; p += 64) {
		mask = newlines16(p) | newlines16(p + 16) << 16 |
		    newlines16(p + 32) << 32 | newlines16(p + 48) << 48;
		for (; mask != 0; mask &= mask - 1)
			ends[n++] = p + __builtin_ctzll(mask) + 1;
	}
	return n;
}

size_t
acl_newlines(const char *p, const char *end, const char **ends, size_t max)
{
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
	    __builtin_cpu_supports("popcnt"))
		return newlines_avx2(p, end, ends, max);
	return newlines_sse2(p, end, ends, max);
}
