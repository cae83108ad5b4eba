#include <immintrin.h>

#include "acl_impl.h"

/* With AVX2, which has eight addresses or ends in a register. */

__attribute__((target("avx2")))
static inline __m256i
load8(const uint32_t *p)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

__attribute__((target("avx2")))
static void
find4_avx2(const struct table *t, const uint32_t *ip, uint32_t *i)
{
	const struct node	root = t->nodes[0];
	const uint32_t		*slots = t->slots + root.slots;
	const __m256i		base = _mm256_set1_epi32((int)root.base.lo);
	const __m256i		top = _mm256_set1_epi32((int)root.top);
	const __m128i		shift = _mm_cvtsi32_si128((int)root.shift);
	__m256i			x, last;
	unsigned		not_before;
	int			k;

	for (k = 0; k < GROUP; k += 8) {
		x = _mm256_sub_epi32(_mm256_max_epu32(load8(ip + k), base),
		    base);
		x = _mm256_min_epu32(_mm256_srl_epi32(x, shift), top);
		_mm256_storeu_si256((__m256i *)(void *)(i + k), x);
	}
	for (k = 0; k < GROUP; k++) {
		i[k] = follow4(t, &slots[i[k]], ip[k]);
		__builtin_prefetch(&t->last4[i[k]]);
	}
	for (k = 0; k < GROUP; k++) {
		last = load8(&t->last4[i[k]]);
		x = _mm256_max_epu32(last, _mm256_set1_epi32((int)ip[k]));
		not_before = (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(
		    _mm256_cmpeq_epi32(last, x)));
		/* The ends are sorted: those before it come first. */
		i[k] += (unsigned)__builtin_ctz(not_before | 1u << WINDOW);
	}
}

void
tcpk__acl_find4(const struct table *t, const uint32_t *ip, uint32_t *i)
{
	if (__builtin_cpu_supports("avx2"))
		find4_avx2(t, ip, i);
	else
		tcpk__acl_find4_plain(t, ip, i);
}
