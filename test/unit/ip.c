/*
 * Addresses by pointer and length: against the C library's inet_pton where
 * both must agree, and every way to scan IPv4 against a plain one.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "ip_impl.h"
#include "tap.h"
#include "tcpkit/ip.h"

static uint64_t	state = 88172645463325252u;

static uint32_t
rnd(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 32) % below;
}

/* IPv4 at the start of 16 bytes, as plainly as possible. */
static size_t
plain4(uint32_t *v, const char *p)
{
	unsigned	x, digits;
	size_t		at = 0;
	int		i;

	for (*v = 0, i = 0; i < 4; i++) {
		if (i > 0 && p[at++] != '.')
			return 0;
		for (x = 0, digits = 0; at < 16 && p[at] >= '0' &&
		    p[at] <= '9'; digits++)
			x = x * 10 + (unsigned)(p[at++] - '0');
		if (digits == 0 || digits > 3 || x > 255 ||
		    (digits > 1 && p[at - digits] == '0'))
			return 0;
		*v = *v << 8 | x;
	}
	return at;
}

/* What stands in the other places of a group. */
static const char	another[16] = "10.0.255.1 12.3";

static int
scan_differs(const char text[16])
{
	/* In each of the four places of a group, and behind the last one. */
	const char	*many[9] = { text, another, text, text, another, another,
			    text, text, text };
	uint32_t	want, b[9], c[9];
	uint8_t		m[9], k[9];
	size_t		n, i;

	n = plain4(&want, text);
	tcpk__ip_scan4_swar(b, m, many, 9);
	tcpk_ip_scan4_many(c, k, many, 9);
	for (i = 0; i < 9; i++) {
		if (many[i] == another ? m[i] == 10 && k[i] == 10 &&
		    b[i] == 0x0a00ff01 && c[i] == 0x0a00ff01 :
		    m[i] == n && k[i] == n && (n == 0 || (b[i] == want &&
		    c[i] == want)))
			continue;
		note("\"%.16s\" at %zu: %zu, %u, %u", text, i, n, m[i],
		    k[i]);
		return 1;
	}
	return 0;
}

static void
test_scan4(void)
{
	static const char	few[] = "0129.5:a \n\xae\xb0\xff/-";
	enum { N = 16 };
	static const char	octets[N][5] = {
		"0", "9", "10", "99", "100", "199", "255", "256", "999",
		"00", "01", "099", "000", "1000", "", "2a",
	};
	char			text[32];
	int			i, j, bad = 0;

	for (i = 0; i < 1000000; i++) {
		memset(text, few[rnd(sizeof(few))], sizeof(text));
		snprintf(text, sizeof(text), "%u.%u.%u.%u%c", rnd(300),
		    rnd(260), rnd(40), rnd(256), few[rnd(sizeof(few))]);
		/* Mostly a byte changed, which is mostly an error. */
		if (rnd(2) == 0)
			text[rnd(16)] = few[rnd(sizeof(few) - 1)];
		bad += scan_differs(text);
	}
	ok(bad == 0, "a million texts that are nearly IPv4");
	for (bad = 0, i = 0; i < 1000000; i++) {
		for (j = 0; j < 16; j++)
			text[j] = few[rnd(rnd(2) == 0 ? 6 : sizeof(few))];
		bad += scan_differs(text);
	}
	ok(bad == 0, "a million texts that are not");
	for (bad = 0, i = 0; i < 256; i++) {
		for (j = 0; j < 4; j++) {
			uint8_t	o[4] = { 7, 77, 0, 255 };

			o[j] = (uint8_t)i;
			memset(text, 0, sizeof(text));
			snprintf(text, sizeof(text), "%d.%d.%d.%d", o[0],
			    o[1], o[2], o[3]);
			bad += scan_differs(text) ||
			    plain4(&(uint32_t){ 0 }, text) != strlen(text);
		}
	}
	ok(bad == 0, "every octet everywhere");
	for (bad = 0, i = 0; i < N * N * N * N; i++) {
		memset(text, 0, sizeof(text));
		snprintf(text, sizeof(text), "%s.%s.%s.%s", octets[i % N],
		    octets[i / N % N], octets[i / N / N % N],
		    octets[i / N / N / N]);
		bad += scan_differs(text);
	}
	ok(bad == 0, "octets of every length, good and bad, in every mix");
}

static int
parse_differs(const char *text)
{
	unsigned char	b[16];
	struct tcpk_ip	ip, want = { 0, 0 };
	char		shown[TCPK_IP_TEXT];
	bool		good;
	int		i;

	good = tcpk_ip_parse(&ip, text, strlen(text), NULL);
	if (good != (inet_pton(AF_INET6, text, b) == 1)) {
		note("%s: %s", text, good ? "taken" : "refused");
		return 1;
	}
	if (!good)
		return 0;
	for (i = 0; i < 8; i++) {
		want.hi = want.hi << 8 | b[i];
		want.lo = want.lo << 8 | b[8 + i];
	}
	tcpk_ip_format(ip, shown);
	if (tcpk_ip_equal(ip, want) &&
	    tcpk_ip_parse(&want, shown, strlen(shown), NULL) &&
	    tcpk_ip_equal(ip, want))
		return 0;
	note("%s: shown as %s", text, shown);
	return 1;
}

static void
test_parse6(void)
{
	static const char *const	words[] = {
		":", "::", "1", "0", "ffff", "FF", "12345", "1.2.3.4", "abc",
		".", "g", "01.2.3.4", "256.1.1.1", "", "0001",
	};
	char				text[200];
	int				i, n, bad = 0;

	for (i = 0; i < 300000; i++) {
		strcpy(text, rnd(3) == 0 ? "::" : "");
		for (n = rnd(9); n > 0; n--) {
			strcat(text, words[rnd(rnd(3) == 0 ? 15 : 6)]);
			if (n > 1)
				strcat(text, rnd(8) == 0 ? "::" : ":");
		}
		if (strchr(text, ':') != NULL && strlen(text) < 46)
			bad += parse_differs(text);
	}
	ok(bad == 0, "300000 texts that are nearly IPv6, as inet_pton");
}

static void
scan(const char *text, size_t want)
{
	struct tcpk_ip	ip;
	size_t		n = tcpk_ip_scan(&ip, text, strlen(text));

	ok(n == want, "\"%s\" starts with an address of %zu bytes", text,
	    want);
	if (n != want)
		note("%zu", n);
}

static void
test_scan(void)
{
	scan("1.2.3.4", 7);
	scan("1.2.3.4 and more of it", 7);
	scan("1.2.3.4:80", 7);
	scan("1.2.3.4.5", 7);
	scan("255.255.255.255", 15);
	scan("255.255.255.2555", 0);
	scan("::1 and more of it", 3);
	scan("fe80::1%eth0", 7);
	scan("::1]:80", 3);
	scan("::", 2);
	scan("", 0);
	scan(" ::1", 0);
	scan("abc", 0);
	scan("1:2", 0);
	scan("::1.2.3.4", 9);
	scan("::1.2.3.4.", 0);
	scan("1:2:3:4:5:6:7:8", 15);
	scan("1111:2222:3333:4444:5555:6666:7777:8888", 39);
	scan("0000:0000:0000:0000:0000:ffff:255.255.255.255", 45);
}

static void
test_values(void)
{
	struct tcpk_addr	a;
	struct tcpk_err		err;
	struct tcpk_ip		ip, other;
	size_t			bad = 99;

	ok(tcpk_ip_parse(&ip, "::ffff:192.0.2.1", 16, NULL) &&
	    tcpk_ip_is4(ip) && tcpk_ip_equal(ip, tcpk_ip_from4(0xc0000201)),
	    "mapped is IPv4");
	ok(tcpk_addr_parse(&a, "192.0.2.1", 80, &err) == 0 &&
	    tcpk_ip_from(&other, &a) && tcpk_ip_equal(ip, other),
	    "from a socket address");
	ok(tcpk_addr_parse(&a, "2001:db8::1", 80, &err) == 0 &&
	    tcpk_ip_from(&other, &a) && other.hi == 0x20010db800000000 &&
	    other.lo == 1, "of IPv6, too");
	tcpk_addr_unix(&a, "x", &err);
	ok(!tcpk_ip_from(&ip, &a), "a Unix socket has none");
	ok(!tcpk_ip_parse(&ip, "1::x", 4, &bad) && bad == 3,
	    "the wrong byte of 1::x is the fourth");
	ok(!tcpk_ip_parse(&ip, "1:2:3", 5, &bad) && bad == 5,
	    "1:2:3 ends too soon");
	ok(!tcpk_ip_parse(&ip, "1.2.3.4\0", 8, NULL), "NUL is no end");
}

int
main(void)
{
	test_scan4();
	test_parse6();
	test_scan();
	test_values();
	return done_testing();
}
