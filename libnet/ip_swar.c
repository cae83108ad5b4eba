#include "ip_impl.h"

/* Compilers turn these into one load where the machine is little-endian. */
static inline uint32_t
load32(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24;
}

static inline uint64_t
load64(const unsigned char *p)
{
	return (uint64_t)load32(p) | (uint64_t)load32(p + 4) << 32;
}

/* Bit i is set when byte i of eight is not a decimal digit. */
static inline uint32_t
not_digits(uint64_t x)
{
	const uint64_t	low7 = UINT64_C(0x7f7f7f7f7f7f7f7f);

	x ^= UINT64_C(0x3030303030303030);	/* digits are now 0 to 9 */
	x = ((x & low7) + UINT64_C(0x7676767676767676)) | x;
	x = x >> 7 & UINT64_C(0x0101010101010101);
	return (uint32_t)(x * UINT64_C(0x0102040810204080) >> 56);
}

/* The value of n digits, 1 to 3; 256 when the first is a leading zero. */
static inline uint32_t
octet(const unsigned char *p, unsigned n)
{
	static const uint16_t	least[] = { 0, 0, 10, 100 };
	uint32_t		x, v;

	x = load32(p) << (8 * (4 - n));		/* the last digit on top */
	v = (x >> 8 & 15) * 100 + (x >> 16 & 15) * 10 + (x >> 24 & 15);
	return v < least[n] ? 256 : v;
}

static size_t
scan4(uint32_t *ip, const unsigned char *p)
{
	uint32_t	mask, a, b, c, d;
	unsigned	e1, e2, e3, e4;		/* where the octets end */

	mask = not_digits(load64(p)) | not_digits(load64(p + 8)) << 8;
	mask |= 0xf0000;
	e1 = __builtin_ctz(mask);
	mask &= mask - 1;
	e2 = __builtin_ctz(mask);
	mask &= mask - 1;
	e3 = __builtin_ctz(mask);
	mask &= mask - 1;
	e4 = __builtin_ctz(mask);
	if ((e1 - 1 > 2) | (e2 - e1 - 2 > 2) | (e3 - e2 - 2 > 2) |
	    (e4 - e3 - 2 > 2))
		return 0;
	if ((p[e1] != '.') | (p[e2] != '.') | (p[e3] != '.'))
		return 0;
	a = octet(p, e1);
	b = octet(p + e1 + 1, e2 - e1 - 1);
	c = octet(p + e2 + 1, e3 - e2 - 1);
	d = octet(p + e3 + 1, e4 - e3 - 1);
	if ((a | b | c | d) > 255)
		return 0;
	*ip = a << 24 | b << 16 | c << 8 | d;
	return e4;
}

void
tcpk__ip_scan4_swar(uint32_t *ip, uint8_t *len, const char *const *text,
    size_t n)
{
	size_t	i;

	for (i = 0; i < n; i++)
		len[i] = (uint8_t)scan4(&ip[i],
		    (const unsigned char *)text[i]);
}
