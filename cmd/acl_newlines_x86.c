#include <emmintrin.h>

#include "acl_lines.h"

static inline uint64_t
newlines16(const char *p)
{
	__m128i	x = _mm_loadu_si128((const __m128i *)(const void *)p);

	return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(x,
	    _mm_set1_epi8('\n')));
}

/* Every x86-64 has SSE2. */
uint64_t
acl_newlines(const char p[64])
{
	return newlines16(p) | newlines16(p + 16) << 16 |
	    newlines16(p + 32) << 32 | newlines16(p + 48) << 48;
}
