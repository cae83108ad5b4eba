#include <bearssl.h>
#include <string.h>

#include "tls_cert_impl.h"

#define PREFIX		"sha256//"
#define PREFIX_LEN	(sizeof(PREFIX) - 1)

/* 32 bytes in base64, the last of these an equals sign. */
#define BASE64_LEN	44

static const char	digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

_Static_assert(TCPK__PIN_TEXT > PREFIX_LEN + BASE64_LEN, "a pin fits");

void
tcpk__pin_of(const struct tcpk__cert *c, unsigned char pin[TCPK__PIN])
{
	br_sha256_context	sha;

	br_sha256_init(&sha);
	br_sha256_update(&sha, c->spki.p, c->spki.n);
	br_sha256_out(&sha, pin);
}

const char *
tcpk__pin_format(const unsigned char pin[TCPK__PIN], char buf[TCPK__PIN_TEXT])
{
	unsigned char	in[TCPK__PIN + 1];
	unsigned	three;
	char		*p = buf + PREFIX_LEN;
	size_t		 i;

	memcpy(buf, PREFIX, PREFIX_LEN);
	memcpy(in, pin, TCPK__PIN);
	in[TCPK__PIN] = 0;
	for (i = 0; i < sizeof(in); i += 3) {
		three = (unsigned)in[i] << 16 | in[i + 1] << 8 | in[i + 2];
		*p++ = digits[three >> 18];
		*p++ = digits[three >> 12 & 63];
		*p++ = digits[three >> 6 & 63];
		*p++ = digits[three & 63];
	}
	p[-1] = '=';
	*p = '\0';
	return buf;
}

/* The value of a digit; -1 if it is none. */
static int
value(char c)
{
	const char	*p;

	p = c == '\0' ? NULL : strchr(digits, c);
	return p == NULL ? -1 : (int)(p - digits);
}

int
tcpk__pin_parse(unsigned char pin[TCPK__PIN], const char *text, size_t n,
    struct tcpk_err *err)
{
	unsigned char	 out[TCPK__PIN + 1];
	const char	*p = text + PREFIX_LEN;
	unsigned	 all = 0;
	size_t		 i;
	int		 v;

	if (n < PREFIX_LEN || memcmp(text, PREFIX, PREFIX_LEN) != 0)
		return tcpk_err_set(err, TCPK_EUSAGE, "\"%.*s\" is not a "
		    "pin: it does not begin with " PREFIX,
		    n > 80 ? 80 : (int)n, text);
	if (n != PREFIX_LEN + BASE64_LEN || p[BASE64_LEN - 1] != '=')
		return tcpk_err_set(err, TCPK_EUSAGE, "\"%.*s\" is not a "
		    "pin: " PREFIX " takes 43 digits of base64 and a =",
		    n > 80 ? 80 : (int)n, text);
	for (i = 0; i < BASE64_LEN; i++) {
		v = i == BASE64_LEN - 1 ? 0 : value(p[i]);
		if (v < 0)
			return tcpk_err_set(err, TCPK_EUSAGE, "\"%.*s\" is "
			    "not a pin: digit %zu is not base64", (int)n,
			    text, i + 1);
		all = all << 6 | (unsigned)v;
		if (i % 4 != 3)
			continue;
		out[i / 4 * 3] = all >> 16 & 0xff;
		out[i / 4 * 3 + 1] = all >> 8 & 0xff;
		out[i / 4 * 3 + 2] = all & 0xff;
	}
	/* The last digit but one has two bits that are in no byte. */
	if (out[TCPK__PIN] != 0)
		return tcpk_err_set(err, TCPK_EUSAGE, "\"%.*s\" is not a "
		    "pin: its end is not that of a SHA-256", (int)n, text);
	memcpy(pin, out, TCPK__PIN);
	return 0;
}
