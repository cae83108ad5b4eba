#include <immintrin.h>
#include <stdlib.h>

#include "acl_impl.h"

/* With AVX2, which has eight addresses or ends in a register. */

#define TARGET	__attribute__((target("avx2,bmi2,popcnt")))

static inline bool
can(void)
{
	return __builtin_cpu_supports("avx2") &&
	    __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
}

static inline __m256i TARGET
load8(const void *p)
{
	return _mm256_loadu_si256((const __m256i *)p);
}

static void TARGET
find4_avx2(const struct table *t, const uint32_t *ip, uint32_t *i, size_t n)
{
	const struct node	root = t->nodes[0];
	const uint32_t		*slots = t->slots + root.slots;
	const __m256i		base = _mm256_set1_epi32((int)root.base.lo);
	const __m256i		top = _mm256_set1_epi32((int)root.top);
	const __m128i		shift = _mm_cvtsi32_si128((int)root.shift);
	__m256i			x, last;
	unsigned		not_before;
	size_t			k;

	for (k = 0; k < n; k += 8) {
		x = _mm256_sub_epi32(_mm256_max_epu32(load8(ip + k), base),
		    base);
		x = _mm256_min_epu32(_mm256_srl_epi32(x, shift), top);
		_mm256_storeu_si256((__m256i *)(void *)(i + k), x);
	}
	for (k = 0; k < n; k++) {
		i[k] = follow4(t, &slots[i[k]], ip[k]);
		__builtin_prefetch(&t->last4[i[k]]);
	}
	for (k = 0; k < n; k++) {
		last = load8(&t->last4[i[k]]);
		x = _mm256_max_epu32(last, _mm256_set1_epi32((int)ip[k]));
		not_before = (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(
		    _mm256_cmpeq_epi32(last, x)));
		/* The ends are sorted: those before it come first. */
		i[k] += (unsigned)__builtin_ctz(not_before | 1u << WINDOW);
	}
}

void
tcpk__acl_find4(const struct table *t, const uint32_t *ip, uint32_t *i,
    size_t n)
{
	if (can())
		find4_avx2(t, ip, i, n);
	else
		tcpk__acl_find4_plain(t, ip, i, n);
}

/*
 * The index of a long list and the ends of its intervals take more than the
 * second cache has, and so do look-ups of the time.  Where the verdict
 * changes takes a third of that: PAD lower halves of addresses fit into a
 * register, and few upper halves have more.  Where they are not few this is
 * no use.
 */
int
tcpk__acl_changes(struct table *t)
{
	uint32_t	i, n, at, many, is_change, dense = 0;

	if (!can())
		return 0;
	t->change_of = calloc(HALVES + 1, sizeof(*t->change_of));
	t->changes = calloc(t->n + PAD, sizeof(*t->changes));
	if (t->change_of == NULL || t->changes == NULL)
		return -1;
	for (n = allow4(t, 0), i = 1; i < t->n; i++) {
		at = t->last4[i - 1] + 1;
		is_change = allow4(t, i - 1) ^ allow4(t, i);
		t->changes[n] = (uint16_t)at;
		t->change_of[at >> 16] += is_change;
		n += is_change;
	}
	for (n = allow4(t, 0), i = 0; i <= HALVES; i++, n += many) {
		many = t->change_of[i];
		dense += many >= PAD ? many : 0;
		t->change_of[i] = n;
	}
	if (dense > n / 4) {
		free(t->change_of);
		free(t->changes);
		t->change_of = NULL;
		t->changes = NULL;
	}
	return 0;
}

/* Changes with the upper half of an address; *from: the first of them. */
static inline uint32_t
changes_near(const struct table *t, uint32_t ip, uint32_t *from)
{
	const uint32_t	*of = &t->change_of[ip >> 16];

	*from = of[0];
	return of[1] - of[0];
}

/* Once more, for those near too many changes. */
static void
allow4_dense(const struct table *t, const uint32_t *ip, bool *allow)
{
	uint32_t	dense[GROUP] = { 0 }, i[GROUP], from;
	uint8_t		at[GROUP];
	size_t		n = 0, k;

	for (k = 0; k < GROUP; k++) {
		dense[n] = ip[k];
		at[n] = (uint8_t)k;
		n += changes_near(t, ip[k], &from) >= PAD;
	}
	tcpk__acl_find4(t, dense, i, n);
	for (k = 0; k < n; k++)
		allow[at[k]] = allow4(t, i[k]);
}

static void TARGET
allow4_avx2(const struct table *t, const uint32_t *ip, bool *allow)
{
	const __m256i	none = _mm256_setzero_si256();
	uint32_t	from[GROUP], many[GROUP], any = 0, n;
	__m256i		x;
	int		k;

	for (k = 0; k < GROUP; k++) {
		many[k] = changes_near(t, ip[k], &from[k]);
		any |= many[k];
		__builtin_prefetch(&t->changes[from[k]]);
	}
	for (k = 0; k < GROUP; k++) {
		x = _mm256_subs_epu16(load8(&t->changes[from[k]]),
		    _mm256_set1_epi16((short)ip[k]));
		/* Those that are not behind it have two bits each. */
		n = (uint32_t)_mm256_movemask_epi8(
		    _mm256_cmpeq_epi16(x, none));
		n = (uint32_t)_mm_popcnt_u32(_bzhi_u32(n, 2 * many[k]));
		allow[k] = ((2 * from[k] + n) & 2) != 0;
	}
	if (any >= PAD)
		allow4_dense(t, ip, allow);
}

void
tcpk__acl_allow4(const struct table *t, const uint32_t *ip, bool *allow)
{
	uint32_t	i[GROUP];
	size_t		k;

	if (t->changes != NULL) {
		allow4_avx2(t, ip, allow);
		return;
	}
	tcpk__acl_find4(t, ip, i, GROUP);
	for (k = 0; k < GROUP; k++)
		allow[k] = allow4(t, i[k]);
}
