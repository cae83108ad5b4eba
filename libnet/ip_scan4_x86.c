#include <immintrin.h>
#include <stdalign.h>
#include <string.h>

#include "ip_impl.h"

/*
 * With AVX2, four addresses at a time.  Where an address has its digits is
 * one of 81 shapes, as each octet has one to three; the first four bytes that
 * are no digits tell which.  The shape says how to put octet k into lane k,
 * as the byte before it, its tens, its hundreds and its ones, and what each
 * octet is at the least if it has no leading zero.
 */

struct shape {
	alignas(16)
	uint8_t		lanes[16];	/* where they come from; NONE: 0 */
	int16_t		least[4];
	uint32_t	ends;		/* bit i: an octet ends before byte i */
};

#define ENDS(a, b, c, d)	(1u << (a) | 1u << ((a) + (b) + 1) |	\
	1u << ((a) + (b) + (c) + 2) | 1u << ((a) + (b) + (c) + (d) + 3))

/* A number that sends the ends of no two shapes to the same place. */
#define PLACE(ends)		((uint32_t)((ends) * 0x0c904d58u) >> 24)

#define NONE			0x80
#define DIGIT(end, n, k)	((k) <= (n) ? (end) - (k) : NONE)
#define OCTET(end, n)		DIGIT(end, n, 2), DIGIT(end, n, 3), (end) - 1
#define LEAST(n)		((n) == 1 ? 0 : (n) == 2 ? 10 : 100)

/* The numbers of digits of the four octets. */
#define SHAPE(a, b, c, d)						\
	[PLACE(ENDS(a, b, c, d))] = {					\
		{ NONE, OCTET(a, a),					\
		  a, OCTET((a) + (b) + 1, b),				\
		  (a) + (b) + 1, OCTET((a) + (b) + (c) + 2, c),		\
		  (a) + (b) + (c) + 2,					\
		  OCTET((a) + (b) + (c) + (d) + 3, d) },		\
		{ LEAST(a), LEAST(b), LEAST(c), LEAST(d) },		\
		ENDS(a, b, c, d)					\
	}
#define SHAPES3(a, b, c)	SHAPE(a, b, c, 1), SHAPE(a, b, c, 2),	\
				SHAPE(a, b, c, 3)
#define SHAPES2(a, b)		SHAPES3(a, b, 1), SHAPES3(a, b, 2),	\
				SHAPES3(a, b, 3)
#define SHAPES1(a)		SHAPES2(a, 1), SHAPES2(a, 2), SHAPES2(a, 3)

static const struct shape	shapes[256] = {
	SHAPES1(1), SHAPES1(2), SHAPES1(3)
};

#define TARGET	__attribute__((target("avx2,bmi")))

static inline __m128i TARGET
load(const void *p)
{
	return _mm_loadu_si128((const __m128i *)p);
}

/* The shape of a text, and its end: 0 if it has none, but any other. */
static inline const struct shape * TARGET
shape_of(__m128i digits, uint32_t *len)
{
	const struct shape	*shape;
	unsigned		other, rest, ends;

	/* What is over 9 gets its top bit; bytes behind the sixteen do. */
	other = 0xffff0000 | (unsigned)_mm_movemask_epi8(_mm_adds_epu8(digits,
	    _mm_set1_epi8(0x7f - 9)));
	rest = other & (other - 1);
	rest &= rest - 1;
	rest &= rest - 1;
	ends = other & (rest ^ (rest - 1));
	shape = &shapes[PLACE(ends)];
	*len = ends == shape->ends ? (uint32_t)__builtin_ctz(rest) : 0;
	return shape;
}

/*
 * Octets, and what they are at the least, of two texts.  The byte before an
 * octet comes in 2550 times: with the dots taken off again, no other byte
 * leaves anything from 0 to 255, whatever the digits are.
 */
static inline __m128i TARGET
octets(const char *const *text, uint32_t len[2], __m128i *least)
{
	const __m128i		weights = _mm_set1_epi32(0x016401ff);
	const __m128i		tens = _mm_set1_epi32(0x0001000a);
	/* 2550 times '0' - '.' */
	const __m128i		dots = _mm_set_epi16(5100, 5100, 5100, 0,
				    5100, 5100, 5100, 0);
	const __m128i		zero = _mm_set1_epi8('0');
	const struct shape	*s0, *s1;
	__m128i			x0, x1;

	x0 = _mm_sub_epi8(load(text[0]), zero);
	x1 = _mm_sub_epi8(load(text[1]), zero);
	s0 = shape_of(x0, &len[0]);
	s1 = shape_of(x1, &len[1]);
	x0 = _mm_shuffle_epi8(x0, load(s0->lanes));
	x1 = _mm_shuffle_epi8(x1, load(s1->lanes));
	x0 = _mm_madd_epi16(_mm_maddubs_epi16(weights, x0), tens);
	x1 = _mm_madd_epi16(_mm_maddubs_epi16(weights, x1), tens);
	*least = _mm_unpacklo_epi64(_mm_loadl_epi64((const void *)s0->least),
	    _mm_loadl_epi64((const void *)s1->least));
	return _mm_add_epi16(_mm_packs_epi32(x0, x1), dots);
}

static inline void TARGET
scan4_four(uint32_t *ip, uint8_t *len, const char *const *text)
{
	const __m128i	most = _mm_set1_epi16(255);
	const __m128i	swap = _mm_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4,
			    11, 10, 9, 8, 15, 14, 13, 12);
	__m128i		a, b, least_a, least_b, wrong_a, wrong_b;
	uint32_t	end[4], good, lens;

	a = octets(text, end, &least_a);
	b = octets(text + 2, end + 2, &least_b);
	wrong_a = _mm_or_si128(_mm_cmpgt_epi16(a, most),
	    _mm_cmpgt_epi16(least_a, a));
	wrong_b = _mm_or_si128(_mm_cmpgt_epi16(b, most),
	    _mm_cmpgt_epi16(least_b, b));
	_mm_storeu_si128((__m128i *)(void *)ip,
	    _mm_shuffle_epi8(_mm_packus_epi16(a, b), swap));
	/* One byte for each text. */
	wrong_a = _mm_cmpeq_epi32(_mm_packs_epi16(wrong_a, wrong_b),
	    _mm_setzero_si128());
	wrong_a = _mm_packs_epi32(wrong_a, wrong_a);
	good = (uint32_t)_mm_cvtsi128_si32(_mm_packs_epi16(wrong_a, wrong_a));
	lens = (end[0] | end[1] << 8 | end[2] << 16 | end[3] << 24) & good;
	memcpy(len, &lens, sizeof(lens));
}

static void TARGET
scan4_avx2(uint32_t *ip, uint8_t *len, const char *const *text, size_t n)
{
	size_t	i;

	for (i = 0; i + 4 <= n; i += 4)
		scan4_four(ip + i, len + i, text + i);
	tcpk__ip_scan4_swar(ip + i, len + i, text + i, n - i);
}

void
tcpk_ip_scan4_many(uint32_t *ip, uint8_t *len, const char *const *text,
    size_t n)
{
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi"))
		scan4_avx2(ip, len, text, n);
	else
		tcpk__ip_scan4_swar(ip, len, text, n);
}
