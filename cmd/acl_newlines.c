#include <endian.h>
#include <string.h>

#include "acl_lines.h"

/* Bit i is set when byte i of eight is a newline. */
static inline uint64_t
newlines8(const char *p)
{
	const uint64_t	low7 = UINT64_C(0x7f7f7f7f7f7f7f7f);
	uint64_t	x;

	memcpy(&x, p, sizeof(x));
	x = le64toh(x) ^ UINT64_C(0x0a0a0a0a0a0a0a0a);
	x = ~(((x & low7) + low7) | x | low7);	/* 0x80 for each 0 */
	return (x >> 7) * UINT64_C(0x0102040810204080) >> 56;
}

size_t
acl_newlines(const char *p, const char *end, const char **ends, size_t max)
{
	uint64_t	mask;
	size_t		n = 0;
	int		i;

	for (; p < end && n < max; p += 64) {
		for (mask = 0, i = 0; i < 64; i += 8)
			mask |= newlines8(p + i) << i;
		for (; mask != 0; mask &= mask - 1)
			ends[n++] = p + __builtin_ctzll(mask) + 1;
	}
	return n;
}
