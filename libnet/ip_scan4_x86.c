#include <tmmintrin.h>

#include "ip_impl.h"

/*
 * With SSSE3, a third of the instructions.  Octet k goes to the four bytes of
 * lane k, its last digit in the last of them; what would come from before
 * its first digit becomes 0.  Bit 4k + j of a mask is byte j of lane k.
 */

#define EVERY_LANE(bits)	((bits) * 0x1111)

__attribute__((target("ssse3")))
static size_t
scan4_ssse3(uint32_t *v, const unsigned char p[16])
{
	const __m128i	lanes = _mm_setr_epi8(0, 0, 0, 0, 1, 1, 1, 1,
			    2, 2, 2, 2, 3, 3, 3, 3);
	const __m128i	back = _mm_set1_epi32((int)0xfffefdfc);	/* -4 .. -1 */
	const __m128i	weights = _mm_set1_epi32(0x010a6400);
	__m128i		x, end, before, from, inside;
	unsigned	other, dots, mask, e1, e2, e3, e4, valid, first, zero;

	x = _mm_loadu_si128((const __m128i *)(const void *)p);
	dots = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(x,
	    _mm_set1_epi8('.')));
	x = _mm_sub_epi8(x, _mm_set1_epi8('0'));
	other = ~(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(x,
	    _mm_min_epu8(x, _mm_set1_epi8(9))));

	/* Where the octets end: bits above 15 are set for a last one there. */
	mask = other;
	e1 = (unsigned)__builtin_ctz(mask);
	mask &= mask - 1;
	e2 = (unsigned)__builtin_ctz(mask);
	mask &= mask - 1;
	e3 = (unsigned)__builtin_ctz(mask);
	mask &= mask - 1;
	e4 = (unsigned)__builtin_ctz(mask);

	/* Byte j of a lane comes from its end - 4 + j, if that is inside. */
	end = _mm_cvtsi32_si128((int)(e1 | e2 << 8 | e3 << 16 | e4 << 24));
	before = _mm_shuffle_epi8(_mm_or_si128(_mm_slli_epi32(end, 8),
	    _mm_cvtsi32_si128(0xff)), lanes);
	from = _mm_add_epi8(_mm_shuffle_epi8(end, lanes), back);
	inside = _mm_cmpgt_epi8(from, before);
	valid = (unsigned)_mm_movemask_epi8(inside);
	x = _mm_shuffle_epi8(x, _mm_or_si128(from, _mm_andnot_si128(inside,
	    _mm_set1_epi8(-1))));
	zero = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(x,
	    _mm_setzero_si128()));
	first = valid & ~(valid << 1);

	/* 100, 10 and 1 times the digits, and their sums. */
	x = _mm_madd_epi16(_mm_maddubs_epi16(weights, x), _mm_set1_epi16(1));

	/*
	 * Only dots between the octets, one to three digits in each, no zero
	 * first unless it is also last, and nothing over 255.
	 */
	if (((other & ~dots & ((1u << e4) - 1)) != 0) |
	    ((valid & EVERY_LANE(9u)) != EVERY_LANE(8u)) |
	    ((first & zero & EVERY_LANE(6u)) != 0) |
	    (_mm_movemask_epi8(_mm_cmpgt_epi32(x, _mm_set1_epi32(255))) != 0))
		return 0;
	x = _mm_packs_epi32(x, x);
	x = _mm_packus_epi16(x, x);
	*v = __builtin_bswap32((uint32_t)_mm_cvtsi128_si32(x));
	return e4;
}

size_t
tcpk__ip_scan4(uint32_t *v, const unsigned char p[16])
{
	if (__builtin_cpu_supports("ssse3"))
		return scan4_ssse3(v, p);
	return tcpk__ip_scan4_swar(v, p);
}
