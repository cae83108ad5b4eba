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

uint64_t
acl_newlines(const char p[64])
{
	uint64_t	mask = 0;
	int		i;

	for (i = 0; i < 64; i += 8)
		mask |= newlines8(p + i) << i;
	return mask;
}
