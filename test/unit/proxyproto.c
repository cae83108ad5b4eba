/* proxyproto: every good header, whole and in pieces, and every bad one. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tcpkit/proxyproto.h>

#include "tap.h"

#define SIG	"\r\n\r\n\0\r\nQUIT\n"
#define NSIG	12
#define A4	"\xc0\x00\x02\x01\xc6\x33\x64\x01\xdc\x04\x01\xbb"
#define A6	"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1" \
	"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2" "\xdc\x04\x01\xbb"
#define GOLDEN_CRC	"\x73\x7e\xe9\x19"	/* of A4 and itself */
#define FROM4	"192.0.2.1:56324"
#define TO4	"198.51.100.1:443"
#define FROM6	"[2001:db8::1]:56324"
#define TO6	"[2001:db8::2]:443"

/* From memory of exactly this size, so that reading on is found out. */
static ssize_t
parse(struct tcpk_proxyproto *h, const void *p, size_t n,
    struct tcpk_err *err)
{
	unsigned char	*copy = malloc(n > 0 ? n : 1);
	ssize_t		 r;

	if (copy == NULL)
		exit(1);
	memcpy(copy, p, n);
	r = tcpk_proxyproto_parse(h, copy, n, err);
	free(copy);
	return r;
}

static bool
is(const struct tcpk_addr *a, const char *text)
{
	char	buf[TCPK_ADDR_TEXT];

	if (text == NULL)
		return a->len == 0;
	if (strcmp(tcpk_addr_format(a, buf, sizeof(buf)), text) == 0)
		return true;
	note("%s, not %s", buf, text);
	return false;
}

/* It is read whole, in no less than all its bytes, and with more behind it. */
static bool
is_read(const void *p, size_t n, const char *from, const char *to)
{
	struct tcpk_proxyproto	h;
	struct tcpk_err		err;
	unsigned char		*more = malloc(n + 20);
	bool			good = true;
	size_t			i;

	for (i = 0; i < n; i++)
		if (parse(&h, p, i, &err) != 0) {
			note("%zu bytes of it: %s", i, err.text);
			good = false;
		}
	good &= parse(&h, p, n, &err) == (ssize_t)n && is(&h.from, from) &&
	    is(&h.to, to);
	memcpy(more, p, n);
	memcpy(more + n, "\r\n\r\nPROXY TCP4 \r\n\r\n", 20);
	for (i = 0; i < 20; i++)
		good &= parse(&h, more, n + i, &err) == (ssize_t)n &&
		    is(&h.from, from) && is(&h.to, to);
	free(more);
	return good;
}

/* Once it is refused it stays so; returns after how many bytes, or 0. */
static size_t
refused_at(const void *p, size_t n, struct tcpk_err *err)
{
	struct tcpk_proxyproto	h;
	size_t			i, at = 0;
	ssize_t			r;

	for (i = 0; i <= n; i++) {
		r = parse(&h, p, i, err);
		if (r > 0 || (r == 0 && at != 0))
			return 0;
		if (r == -1 && (err->kind != TCPK_ECUT || h.from.len != 0 ||
		    strncmp(err->text, "PROXY header: ", 14) != 0))
			return 0;
		if (r == -1 && at == 0)
			at = i;
	}
	return at;
}

/* --- version 1 ------------------------------------------------------------ */

static void
test_lines(void)
{
	static const struct {
		const char	*line, *from, *to;
	} good[] = {
		{ "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n",
		    FROM4, TO4 },
		{ "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
		    "255.255.255.255:65535", "255.255.255.255:65535" },
		{ "PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", "0.0.0.0:0",
		    "0.0.0.0:0" },
		{ "PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n", FROM6,
		    TO6 },
		{ "PROXY TCP6 2001:DB8:0:0:0:0:0:1 2001:db8::2 56324 443\r\n",
		    FROM6, TO6 },
		{ "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
		    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
		    "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
		    "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535" },
		{ "PROXY TCP6 ::ffff:192.0.2.1 ::ffff:c633:6401 56324 443\r\n",
		    FROM4, TO4 },
		{ "PROXY TCP6 fe80::1 :: 1 2\r\n", "[fe80::1]:1", "[::]:2" },
		{ "PROXY UNKNOWN\r\n", NULL, NULL },
		{ "PROXY UNKNOWN \r\n", NULL, NULL },
		{ "PROXY UNKNOWN 1.2.3.4 whatever\t\x01\xff 99999 -1\r\n",
		    NULL, NULL },
		{ "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
		    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
		    NULL, NULL },
	};
	size_t	i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ok(is_read(good[i].line, strlen(good[i].line), good[i].from,
		    good[i].to), "%zu bytes: %.*s", strlen(good[i].line),
		    (int)strcspn(good[i].line, "\r\x01"), good[i].line);
}

static void
test_bad_lines(void)
{
	/* at: the byte that gives it away, where that is not the last. */
	static const struct {
		const char	*line;
		size_t		 at;
	} bad[] = {
		{ "proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n", 1 },
		{ " PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", 1 },
		{ "PROXZ", 5 },
		{ "PROXY\r\n", 6 },
		{ "PROXY\tTCP4 192.0.2.1 192.0.2.2 1 2\r\n", 6 },
		{ "GET / HTTP/1.1\r\n", 1 },
		{ "PUT / HTTP/1.1\r\n", 2 },
		{ "\x16\x03\x01\x02", 1 },
		{ "\r\nhello", 3 },
		{ "PROXY \r\n", 0 },
		{ "PROXY TCP4\r\n", 0 },
		{ "PROXY TCP4 \r\n", 0 },
		{ "PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n", 0 },
		{ "PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n", 0 },
		{ "PROXY tcp4 192.0.2.1 192.0.2.2 1 2\r\n", 0 },
		{ "PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n", 0 },
		{ "PROXY TCP44 192.0.2.1 192.0.2.2 1 2\r\n", 0 },
		{ "PROXY unknown\r\n", 0 },
		{ "PROXY UNKNOWN2\r\n", 0 },
		{ "PROXY UNKNOWN\t1\r\n", 0 },
		{ "PROXY TCP4 192.0.2.1\r\n", 0 },
		{ "PROXY TCP4 192.0.2.1 192.0.2.2\r\n", 0 },
		{ "PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n", 0 },
		{ "PROXY TCP4 192.0.2.1 192.0.2.2 1 \r\n", 0 },
		{ "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n", 0 },
		{ "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n", 0 },
		{ "PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n", 0 },
		{ "PROXY TCP4 192.0.2.1  192.0.2.2 1 2\r\n", 0 },
		{ "PROXY TCP4 192.0.2.1 192.0.2.2  1 2\r\n", 0 },
		{ "PROXY TCP4 192.0.2.1 192.0.2.2 1  2\r\n", 0 },
		{ "PROXY TCP4 192.0.2.1\t192.0.2.2 1 2\r\n", 0 },
		{ "PROXY TCP4 192.0.2 192.0.2.2 1 2\r\n", 0 },
		{ "PROXY TCP4 192.0.2.1.1 192.0.2.2 1 2\r\n", 0 },
		{ "PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n", 0 },
		{ "PROXY TCP4 192.0.02.1 192.0.2.2 1 2\r\n", 0 },
		{ "PROXY TCP4 192.0.2.1 192.0.2.02 1 2\r\n", 0 },
		{ "PROXY TCP4 0xc0000201 192.0.2.2 1 2\r\n", 0 },
		{ "PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n", 0 },
		{ "PROXY TCP4 192.0.2.1 2001:db8::2 1 2\r\n", 0 },
		{ "PROXY TCP4 example.org 192.0.2.2 1 2\r\n", 0 },
		{ "PROXY TCP4 ::ffff:192.0.2.1 ::ffff:192.0.2.2 1 2\r\n", 0 },
		{ "PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n", 0 },
		{ "PROXY TCP6 2001:db8::1 192.0.2.2 1 2\r\n", 0 },
		{ "PROXY TCP6 2001:db8:::1 2001:db8::2 1 2\r\n", 0 },
		{ "PROXY TCP6 2001:db8::1::1 2001:db8::2 1 2\r\n", 0 },
		{ "PROXY TCP6 1:2:3:4:5:6:7:8:9 2001:db8::2 1 2\r\n", 0 },
		{ "PROXY TCP6 [2001:db8::1] [2001:db8::2] 1 2\r\n", 0 },
		{ "PROXY TCP6 fe80::1%lo fe80::2 1 2\r\n", 0 },
		{ "PROXY TCP6 fe80::1%1 fe80::2 1 2\r\n", 0 },
		{ "PROXY TCP6 2001:db8::12345 2001:db8::2 1 2\r\n", 0 },
		{ "PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n", 0 },
		{ "PROXY TCP4 192.0.2.1 192.0.2.2 1 00\r\n", 0 },
		{ "PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n", 0 },
		{ "PROXY TCP4 192.0.2.1 192.0.2.2 1 99999\r\n", 0 },
		{ "PROXY TCP4 192.0.2.1 192.0.2.2 1 4294967297\r\n", 0 },
		{ "PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n", 0 },
		{ "PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n", 0 },
		{ "PROXY TCP4 192.0.2.1 192.0.2.2 1a 2\r\n", 0 },
		{ "PROXY TCP4 192.0.2.1 192.0.2.2 http 2\r\n", 0 },
		{ "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n", 0 },
		{ "PROXY UNKNOWN\n", 0 },
		{ "PROXY UNKNOWN\rx", 15 },
		{ "PROXY UNKNOWN a\rb\r\n", 17 },
		{ "PROXY UNKNOWN\r\r\n", 15 },
		{ "PROXY TCP4 192.0.2.1\r192.0.2.2 1 2\r\n", 22 },
	};
	static const char	nul[] =
	    "PROXY TCP4 192.0.2.1\0 192.0.2.2 1 2\r\n";
	struct tcpk_err		err;
	char			line[120];
	size_t			i, n, at, want;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		n = strlen(bad[i].line);
		want = bad[i].at != 0 ? bad[i].at : n;
		at = refused_at(bad[i].line, n, &err);
		ok(at == want, "refused at byte %zu of %.*s: %s", at,
		    (int)strcspn(bad[i].line, "\r\n\x16"), bad[i].line,
		    err.text);
	}
	ok(refused_at(nul, sizeof(nul) - 1, &err) == sizeof(nul) - 1,
	    "a NUL behind an address: %s", err.text);
	memset(line, 'x', sizeof(line));
	memcpy(line, "PROXY UNKNOWN ", 14);
	ok(refused_at(line, sizeof(line), &err) == 107, "107 bytes, and no "
	    "end: %s", err.text);
	memcpy(line + 105, "\r\n", 2);
	ok(is_read(line, 107, NULL, NULL), "107 bytes with the CRLF");
	memcpy(line + 105, "x\r\n", 3);
	ok(refused_at(line, 108, &err) == 107, "108 bytes: %s", err.text);
}

/* --- version 2 ------------------------------------------------------------ */

/* A header as it is sent; n is what follows the fixed part. */
static size_t
make(unsigned char *buf, int command, int family, const void *p, size_t n)
{
	memcpy(buf, SIG, NSIG);
	buf[12] = (unsigned char)command;
	buf[13] = (unsigned char)family;
	buf[14] = (unsigned char)(n >> 8);
	buf[15] = (unsigned char)n;
	memcpy(buf + 16, p, n);
	return 16 + n;
}

static unsigned char	big[TCPK_PROXYPROTO_MAX + 32];
static const unsigned char	zeros[TCPK_PROXYPROTO_MAX];

static bool
reads(int command, int family, const void *p, size_t n, const char *from,
    const char *to)
{
	n = make(big, command, family, p, n);
	return is_read(big, n, from, to);
}

static void
test_binary(void)
{
	unsigned char	path[216 + 9] = { 0 };
	char		junk[40];

	ok(reads(0x21, 0x11, A4, 12, FROM4, TO4), "TCP over IPv4");
	ok(reads(0x21, 0x12, A4, 12, FROM4, TO4), "UDP over IPv4");
	ok(reads(0x21, 0x21, A6, 36, FROM6, TO6), "TCP over IPv6");
	ok(reads(0x21, 0x22, A6, 36, FROM6, TO6), "UDP over IPv6");
	ok(reads(0x21, 0x21, "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1"
	    "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc6\x33\x64\x01\xdc\x04\x01\xbb",
	    36, FROM4, TO4), "mapped IPv4 is IPv4");
	memcpy(path, "/run/a", 6);
	memcpy(path + 108, "\0name", 5);
	ok(reads(0x21, 0x31, path, 216, "unix:/run/a", "unix:@name"),
	    "Unix sockets");
	ok(reads(0x21, 0x32, path, 216, "unix:/run/a", "unix:@name"),
	    "of datagrams");
	memset(path, 'p', 108);
	memset(path + 108, 0, 108);
	make(big, 0x21, 0x31, path, 216);
	ok(tcpk_proxyproto_parse(&(struct tcpk_proxyproto){ 0 }, big, 232,
	    NULL) == 232, "a path that fills all, and none");
	memset(junk, 0xff, sizeof(junk));
	ok(reads(0x20, 0, "", 0, NULL, NULL), "LOCAL");
	ok(reads(0x20, 0x11, A4, 12, NULL, NULL), "LOCAL with addresses");
	ok(reads(0x20, 0xff, junk, 40, NULL, NULL), "LOCAL with anything");
	ok(reads(0x21, 0, "", 0, NULL, NULL), "UNSPEC");
	ok(reads(0x21, 0, junk, 40, NULL, NULL), "UNSPEC with anything");
	ok(reads(0x21, 0x10, A4, 12, NULL, NULL), "no transport");
	ok(reads(0x21, 0x01, A4, 12, NULL, NULL), "no family");
	memset(path, 0, sizeof(path));
	ok(reads(0x21, 0, zeros, TCPK_PROXYPROTO_MAX - 16, NULL, NULL),
	    "as long as can be");
}

/* The header with these TLVs behind two IPv4 addresses. */
static size_t
with(const void *tlvs, size_t n)
{
	make(big, 0x21, 0x11, A4, 12);
	memcpy(big + 28, tlvs, n);
	big[14] = (unsigned char)((12 + n) >> 8);
	big[15] = (unsigned char)(12 + n);
	return 28 + n;
}

#define WITH(x)	with(x, sizeof(x) - 1)

static void
test_tlvs(void)
{
	static const char	all[] = "\x01\0\2h2" "\x02\0\1x" "\4\0\0"
	    "\5\0\3abc" "\x30\0\1n" "\xea\0\1\1" "\xff\0\0" "\0\0\0"
	    "\x20\0\x18\1\0\0\0\0\x21\0\7TLSv1.2\x23\0\3abc\x25\0\0";
	struct tcpk_err		err;
	size_t			n, i, wrong = 0;

	n = WITH(all);
	ok(is_read(big, n, FROM4, TO4), "TLVs of every kind");
	/* Cut anywhere but between two, it is no header. */
	for (i = 0; i < sizeof(all) - 1; i++) {
		n = with(all, i);
		wrong += refused_at(big, n, &err) != n &&
		    !is_read(big, n, FROM4, TO4);
	}
	ok(wrong == 0, "cut anywhere");
	n = WITH("\x01");
	ok(refused_at(big, n, &err) == n, "one byte: %s", err.text);
	n = WITH("\x01\0");
	ok(refused_at(big, n, &err) == n, "two bytes: %s", err.text);
	n = WITH("\x01\0\1");
	ok(refused_at(big, n, &err) == n, "no value: %s", err.text);
	n = WITH("\x01\xff\xffxyz");
	ok(refused_at(big, n, &err) == n, "much too long: %s", err.text);
	n = WITH("\x20\0\4\1\0\0\0");
	ok(refused_at(big, n, &err) == n, "TLS too short: %s", err.text);
	n = WITH("\x20\0\7\1\0\0\0\0\x21\0");
	ok(refused_at(big, n, &err) == n, "TLS with half a TLV: %s",
	    err.text);
	n = WITH("\x20\0\x09\1\0\0\0\0\x21\0\2x\x01\0\0");
	ok(refused_at(big, n, &err) == n, "one that leaves it: %s", err.text);
	n = WITH("\3\0\3abc");
	ok(refused_at(big, n, &err) == n, "CRC32c of three: %s", err.text);
	n = WITH("\3\0\5abcde");
	ok(refused_at(big, n, &err) == n, "CRC32c of five: %s", err.text);
	n = WITH("\3\0\4abcd");
	ok(refused_at(big, n, &err) == n, "another's CRC32c: %s", err.text);
}

/* The checksum was calculated elsewhere. */
static void
test_crc(void)
{
	struct tcpk_proxyproto	h, good;
	struct tcpk_err		err;
	size_t			n, i, taken = 0;

	n = WITH("\3\0\4" GOLDEN_CRC);
	parse(&good, big, n, &err);
	ok(is_read(big, n, FROM4, TO4), "CRC32c");
	/* Whatever bit falls over, no other address is believed. */
	for (i = 0; i < n * 8; i++) {
		big[i / 8] ^= (unsigned char)(1 << i % 8);
		taken += parse(&h, big, n, &err) > 0 && h.from.len != 0 &&
		    (!tcpk_addr_equal(&h.from, &good.from) ||
		    !tcpk_addr_equal(&h.to, &good.to));
		big[i / 8] ^= (unsigned char)(1 << i % 8);
	}
	ok(taken == 0, "one bit changed, anywhere");
	n = WITH("\3\0\4" GOLDEN_CRC "\3\0\4" GOLDEN_CRC);
	ok(refused_at(big, n, &err) == n, "two of them: %s", err.text);
}

static void
test_bad_binary(void)
{
	struct tcpk_err	err;
	size_t		i, n, wrong = 0;
	int		b;

	for (i = 0; i < NSIG; i++) {
		n = make(big, 0x21, 0x11, A4, 12);
		big[i] ^= 0x20;
		wrong += refused_at(big, n, &err) != i + 1;
	}
	ok(wrong == 0, "a signature that is wrong anywhere");
	for (wrong = 0, b = 0; b < 256; b++) {
		n = make(big, b, 0x11, A4, 12);
		wrong += b != 0x20 && b != 0x21 &&
		    refused_at(big, n, &err) != 13;
	}
	ok(wrong == 0, "no other version and command: %s", err.text);
	for (wrong = 0, b = 0; b < 256; b++) {
		n = make(big, 0x21, b, zeros, 250);
		wrong += (b >> 4 > 3 || (b & 15) > 2) &&
		    refused_at(big, n, &err) != 14;
	}
	ok(wrong == 0, "no other family and transport: %s", err.text);
	n = make(big, 0x21, 0x11, A4, 11);
	ok(refused_at(big, n, &err) == 16, "11 bytes of IPv4: %s", err.text);
	n = make(big, 0x21, 0x11, "", 0);
	ok(refused_at(big, n, &err) == 16, "none: %s", err.text);
	n = make(big, 0x21, 0x21, A6, 35);
	ok(refused_at(big, n, &err) == 16, "35 bytes of IPv6: %s", err.text);
	n = make(big, 0x21, 0x31, A6, 36);
	ok(refused_at(big, n, &err) == 16, "36 bytes of Unix: %s", err.text);
	n = make(big, 0x20, 0, zeros, TCPK_PROXYPROTO_MAX - 15);
	ok(refused_at(big, n, &err) == 16, "a byte over the limit: %s",
	    err.text);
	make(big, 0x20, 0, "", 0);
	big[14] = 0x11;
	ok(refused_at(big, 16, &err) == 15, "far over it: %s", err.text);
}

/* --- building ------------------------------------------------------------- */

static struct tcpk_addr
addr(const char *text, uint16_t port)
{
	struct tcpk_addr	a = { .len = 0 };

	if (text != NULL && strchr("/@", text[0]) != NULL)
		tcpk_addr_unix(&a, text, NULL);
	else if (text != NULL)
		tcpk_addr_parse(&a, text, port, NULL);
	return a;
}

static void
test_build(void)
{
	static const struct {
		const char	*from, *to, *line, *got[2];
	} made[] = {
		{ "192.0.2.1", "198.51.100.1",
		    "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n",
		    { FROM4, TO4 } },
		{ "2001:db8::1", "2001:db8::2",
		    "PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n",
		    { FROM6, TO6 } },
		{ "fe80::1%1", "fe80::2%1",
		    "PROXY TCP6 fe80::1 fe80::2 56324 443\r\n",
		    { "[fe80::1]:56324", "[fe80::2]:443" } },
		{ "192.0.2.1", "2001:db8::2",
		    "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 56324 443\r\n",
		    { FROM4, TO6 } },
		{ "2001:db8::1", "198.51.100.1", "PROXY TCP6 2001:db8::1 "
		    "::ffff:198.51.100.1 56324 443\r\n", { FROM6, TO4 } },
		{ "192.0.2.1", "::",
		    "PROXY TCP4 192.0.2.1 0.0.0.0 56324 443\r\n",
		    { FROM4, "0.0.0.0:443" } },
		{ NULL, NULL, "PROXY UNKNOWN\r\n", { NULL, NULL } },
		{ NULL, "192.0.2.1", "PROXY UNKNOWN\r\n", { NULL, NULL } },
		{ "/a", "192.0.2.1", "PROXY UNKNOWN\r\n", { NULL, NULL } },
		{ "/a", "@b", "PROXY UNKNOWN\r\n", { "unix:/a", "unix:@b" } },
	};
	struct tcpk_proxyproto_out	o;
	unsigned char			buf[TCPK_PROXYPROTO_ROOM];
	size_t				i, n;

	for (i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		memset(&o, 0, sizeof(o));
		o.version = 1;
		o.from = addr(made[i].from, 56324);
		o.to = addr(made[i].to, 443);
		n = tcpk_proxyproto_build(&o, buf);
		ok(n == strlen(made[i].line) &&
		    memcmp(buf, made[i].line, n) == 0, "version 1: %.*s",
		    (int)n - 2, (char *)buf);
		o.version = 2;
		n = tcpk_proxyproto_build(&o, buf);
		ok(is_read(buf, n, made[i].got[0], made[i].got[1]),
		    "version 2 of %s and %s, %zu bytes", made[i].from != NULL ?
		    made[i].from : "none", made[i].to != NULL ? made[i].to :
		    "none", n);
		o.crc = true;
		n = tcpk_proxyproto_build(&o, buf);
		ok(is_read(buf, n, made[i].got[0], made[i].got[1]),
		    "with a CRC32c, %zu bytes", n);
	}
}

static bool
builds(const struct tcpk_proxyproto_out *o, const void *want, size_t nwant)
{
	unsigned char	buf[TCPK_PROXYPROTO_ROOM];
	size_t		n = tcpk_proxyproto_build(o, buf);

	return n == nwant && memcmp(buf, want, n) == 0 &&
	    is_read(buf, n, FROM4, TO4);
}

static void
test_golden(void)
{
	struct tcpk_proxyproto_tls	tls = { .version = "TLSv1.2",
	    .cipher = "ECDHE", .alpn = "h2", .name = "a.example" };
	struct tcpk_proxyproto_out	o = { .version = 2 };
	char				text[300];
	unsigned char			buf[TCPK_PROXYPROTO_ROOM];
	size_t				n;

	o.from = addr("192.0.2.1", 56324);
	o.to = addr("198.51.100.1", 443);
	n = with("", 0);
	ok(builds(&o, big, n), "two addresses");
	o.crc = true;
	n = WITH("\3\0\4" GOLDEN_CRC);
	ok(builds(&o, big, n), "and a CRC32c");
	o.crc = false;
	o.tls = &tls;
	n = WITH("\1\0\2h2" "\2\0\x09" "a.example" "\x20\0\x17\1\0\0\0\1"
	    "\x21\0\7TLSv1.2" "\x23\0\5ECDHE");
	ok(builds(&o, big, n), "TLS");
	tls.alpn = tls.name = tls.cipher = NULL;
	tls.cert = true;
	tls.cn = "me";
	n = WITH("\x20\0\x0f\7\0\0\0\1" "\x21\0\7TLSv1.2");
	ok(builds(&o, big, n), "a certificate that is not trusted");
	tls.verified = true;
	n = WITH("\x20\0\x14\7\0\0\0\0" "\x21\0\7TLSv1.2" "\x22\0\2me");
	ok(builds(&o, big, n), "one that is");
	tls.resumed = true;
	n = WITH("\x20\0\x14\5\0\0\0\0" "\x21\0\7TLSv1.2" "\x22\0\2me");
	ok(builds(&o, big, n), "of a session that was resumed");
	tls.cert = false;
	n = WITH("\x20\0\x0f\1\0\0\0\1" "\x21\0\7TLSv1.2");
	ok(builds(&o, big, n), "verified means nothing without one");
	memset(text, 'x', sizeof(text));
	text[255] = '\0';
	tls.version = tls.cipher = tls.alpn = tls.name = tls.cn = text;
	tls.cert = true;
	o.crc = true;
	o.from = addr("/a", 0);
	o.to = addr("@b", 0);
	n = tcpk_proxyproto_build(&o, buf);
	ok(n == 16 + 216 + 8 + 5 * 258 + 7 &&
	    is_read(buf, n, "unix:/a", "unix:@b"), "the longest: %zu bytes",
	    n);
	text[255] = 'x';
	text[256] = '\0';
	n = tcpk_proxyproto_build(&o, buf);
	ok(n == 16 + 216 + 8 + 7, "what is too long is left out");
}

int
main(void)
{
	test_lines();
	test_bad_lines();
	test_binary();
	test_tlvs();
	test_crc();
	test_bad_binary();
	test_build();
	test_golden();
	return done_testing();
}
