/* What follows the addresses of version 2: type, length, value. */

#include <string.h>

#include "proxyproto_impl.h"

enum {
	ALPN = 0x01, AUTHORITY = 0x02, CRC32C = 0x03, SSL = 0x20,
	SSL_VERSION = 0x21, SSL_CN = 0x22, SSL_CIPHER = 0x23
};

/* Of the SSL value: the bits of its first byte, and where its own TLVs are. */
#define CLIENT_SSL	0x01
#define CLIENT_CERT	0x02	/* shown on this connection */
#define CLIENT_SESSION	0x04	/* in the session that it belongs to */
#define NSSL		5

#define NTLV		3	/* type and length */
#define NTEXT		255

/* CRC-32C by Castagnoli's polynomial, the bits of each byte reflected. */
static uint32_t
crc32c(uint32_t crc, const unsigned char *p, size_t n)
{
	int	i;

	for (; n > 0; p++, n--) {
		crc ^= *p;
		for (i = 0; i < 8; i++)
			crc = crc >> 1 ^ (UINT32_C(0x82f63b78) & -(crc & 1));
	}
	return crc;
}

/* Of a header of n bytes, as if the four at this place were zero. */
static uint32_t
crc_without(const unsigned char *header, size_t at, size_t n)
{
	static const unsigned char	zero[4];
	uint32_t			crc = UINT32_MAX;

	crc = crc32c(crc, header, at);
	crc = crc32c(crc, zero, sizeof(zero));
	crc = crc32c(crc, header + at + 4, n - at - 4);
	return ~crc;
}

static uint32_t
get32(const unsigned char *p)
{
	return (uint32_t)tcpk__get16(p) << 16 | tcpk__get16(p + 2);
}

/* The length of the one that begins at p, as a whole; 0: it is not whole. */
static size_t
whole(const unsigned char *p, size_t n)
{
	size_t	len;

	if (n < NTLV)
		return 0;
	len = NTLV + (size_t)tcpk__get16(p + 1);
	return len <= n ? len : 0;
}

static bool
are_whole(const unsigned char *p, size_t n)
{
	size_t	len;

	for (; n > 0; p += len, n -= len)
		if ((len = whole(p, n)) == 0)
			return false;
	return true;
}

int
tcpk__tlvs_check(const unsigned char *header, size_t at, size_t n,
    struct tcpk_err *err)
{
	size_t	len, crc = 0;

	for (; at < n; at += len) {
		len = whole(header + at, n - at);
		if (len == 0)
			return tcpk__proxyproto_bad(err,
			    "a TLV is longer than what is there");
		if (header[at] == SSL && (len < NTLV + NSSL ||
		    !are_whole(header + at + NTLV + NSSL, len - NTLV - NSSL)))
			return tcpk__proxyproto_bad(err,
			    "the TLV about TLS is malformed");
		if (header[at] != CRC32C)
			continue;
		if (len != TLV_NCRC || crc != 0)
			return tcpk__proxyproto_bad(err,
			    "not one CRC32c of four bytes");
		crc = at + NTLV;
	}
	if (crc != 0 && crc_without(header, crc, n) != get32(header + crc))
		return tcpk__proxyproto_bad(err, "the CRC32c is wrong");
	return 0;
}

/* A text that is none, or too long to be said whole, is left out. */
static size_t
put_text(unsigned char *buf, size_t n, unsigned char type, const char *text)
{
	size_t	len = text != NULL ? strlen(text) : 0;

	if (len == 0 || len > NTEXT)
		return n;
	buf[n] = type;
	tcpk__put16(buf + n + 1, len);
	memcpy(buf + n + NTLV, text, len);
	return n + NTLV + len;
}

size_t
tcpk__tlvs_put(unsigned char *buf, size_t n,
    const struct tcpk_proxyproto_tls *tls)
{
	bool	good = tls->cert && tls->verified;
	size_t	at;

	n = put_text(buf, n, ALPN, tls->alpn);
	n = put_text(buf, n, AUTHORITY, tls->name);
	at = n;
	buf[at] = SSL;
	buf[at + NTLV] = CLIENT_SSL;
	if (tls->cert)
		buf[at + NTLV] |= tls->resumed ? CLIENT_SESSION :
		    CLIENT_CERT | CLIENT_SESSION;
	/* Zero is for a certificate that was verified, and nothing else. */
	memset(buf + at + NTLV + 1, 0, 4);
	buf[at + NTLV + 4] = !good;
	n = put_text(buf, n + NTLV + NSSL, SSL_VERSION, tls->version);
	n = put_text(buf, n, SSL_CIPHER, tls->cipher);
	if (good)
		n = put_text(buf, n, SSL_CN, tls->cn);
	tcpk__put16(buf + at + 1, n - at - NTLV);
	return n;
}

void
tcpk__tlvs_put_crc(unsigned char *buf, size_t n)
{
	size_t		at = n - 4;
	uint32_t	crc;

	buf[n - TLV_NCRC] = CRC32C;
	tcpk__put16(buf + n - TLV_NCRC + 1, 4);
	crc = crc_without(buf, at, n);
	tcpk__put16(buf + at, crc >> 16);
	tcpk__put16(buf + at + 2, crc & 0xffff);
}
