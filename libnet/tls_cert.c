#include <stdlib.h>
#include <string.h>

#include "tls_cert_impl.h"
#include "tls_der_impl.h"

/*
 * Each reader here returns NULL, or in a few words what is wrong.  Where DER
 * wants a default left out, one that is written out is taken all the same:
 * certificates with "critical FALSE" are in wide use.
 */

/* 20 octets by RFC 5280, and one for the sign. */
#define MAX_SERIAL	21

/* Signatures over MD2, MD4, MD5 or SHA-1. */
static const struct tcpk__span	weak[] = {
	SPAN("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x02"),	/* md2WithRSA */
	SPAN("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x03"),	/* md4WithRSA */
	SPAN("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04"),	/* md5WithRSA */
	SPAN("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05"),	/* sha1WithRSA */
	SPAN("\x2a\x86\x48\xce\x3d\x04\x01"),		/* ecdsa-with-SHA1 */
	SPAN("\x2a\x86\x48\xce\x38\x04\x03"),		/* dsa-with-sha1 */
	SPAN("\x2b\x0e\x03\x02\x02"),			/* md4WithRSA */
	SPAN("\x2b\x0e\x03\x02\x03"),			/* md5WithRSA */
	SPAN("\x2b\x0e\x03\x02\x04"),			/* md4WithRSA */
	SPAN("\x2b\x0e\x03\x02\x0d"),			/* dsaWithSHA */
	SPAN("\x2b\x0e\x03\x02\x0f"),			/* shaWithRSA */
	SPAN("\x2b\x0e\x03\x02\x1b"),			/* dsaWithSHA1 */
	SPAN("\x2b\x0e\x03\x02\x1d"),			/* sha1WithRSA */
	SPAN("\x2b\x0e\x07\x02\x03\x01"),		/* md2WithRSA */
	/* The hashes alone, for what RSA-PSS says in its parameters. */
	SPAN("\x2a\x86\x48\x86\xf7\x0d\x02\x02"),	/* md2 */
	SPAN("\x2a\x86\x48\x86\xf7\x0d\x02\x04"),	/* md4 */
	SPAN("\x2a\x86\x48\x86\xf7\x0d\x02\x05"),	/* md5 */
	SPAN("\x2b\x0e\x03\x02\x1a"),			/* sha1 */
};

static const struct tcpk__span	rsa_pss =
    SPAN("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a");
static const struct tcpk__span	rsa =
    SPAN("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01");
static const struct tcpk__span	ec = SPAN("\x2a\x86\x48\xce\x3d\x02\x01");

static const struct curve {
	struct tcpk__span	oid;
	unsigned		bits;
} curves[] = {
	{ SPAN("\x2a\x86\x48\xce\x3d\x03\x01\x07"), 256 },
	{ SPAN("\x2b\x81\x04\x00\x22"), 384 },
	{ SPAN("\x2b\x81\x04\x00\x23"), 521 },
};

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

/* AlgorithmIdentifier, its contents: params.p is NULL if there are none. */
static bool
read_algorithm(struct tcpk__span in, struct tcpk__span *oid,
    struct tcpk__tlv *params)
{
	params->whole = (struct tcpk__span){ NULL, 0 };
	params->tag = 0;
	if (!tcpk__der_oid(&in, oid))
		return false;
	return in.n == 0 || (tcpk__der_next(&in, params) && in.n == 0);
}

static bool
is_weak(struct tcpk__span oid)
{
	size_t	i;

	for (i = 0; i < COUNT(weak); i++)
		if (tcpk__span_equal(oid, weak[i]))
			return true;
	return false;
}

/* RSA-PSS signs over SHA-1 unless its parameters say otherwise. */
static bool
is_weak_pss(const struct tcpk__tlv *params)
{
	struct tcpk__span	in, hash, alg, oid;

	if (params->tag != DER_SEQUENCE)
		return true;
	in = params->body;
	return !tcpk__der_get(&in, DER_EXPLICIT(0), &hash) ||
	    !tcpk__der_get(&hash, DER_SEQUENCE, &alg) ||
	    !tcpk__der_oid(&alg, &oid) || is_weak(oid);
}

static const char *
read_signature(struct tcpk__cert *c, struct tcpk__span alg)
{
	struct tcpk__span	oid;
	struct tcpk__tlv	params;

	if (!read_algorithm(alg, &oid, &params))
		return "bad signature algorithm";
	c->sha1 = is_weak(oid) ||
	    (tcpk__span_equal(oid, rsa_pss) && is_weak_pss(&params));
	return NULL;
}

/* A Name, its contents: a sequence of sets of attribute and value. */
static bool
is_name(struct tcpk__span in)
{
	struct tcpk__span	set, pair, oid;
	struct tcpk__tlv	value;

	while (in.n > 0) {
		if (!tcpk__der_get(&in, DER_SET, &set) || set.n == 0)
			return false;
		while (set.n > 0)
			if (!tcpk__der_get(&set, DER_SEQUENCE, &pair) ||
			    !tcpk__der_oid(&pair, &oid) ||
			    !tcpk__der_next(&pair, &value) || pair.n > 0)
				return false;
	}
	return true;
}

static bool
read_name(struct tcpk__span *in, struct tcpk__span *name)
{
	struct tcpk__tlv	t;

	if (!tcpk__der_next(in, &t) || t.tag != DER_SEQUENCE ||
	    !is_name(t.body))
		return false;
	*name = t.whole;
	return true;
}

static const char *
read_rsa(struct tcpk__cert *c, struct tcpk__span bits)
{
	struct tcpk__span	key, exponent;
	unsigned		top;

	if (!tcpk__der_get(&bits, DER_SEQUENCE, &key) || bits.n > 0 ||
	    !tcpk__der_positive(&key, &c->key) ||
	    !tcpk__der_positive(&key, &exponent) || key.n > 0 ||
	    c->key.n > UINT16_MAX)
		return "bad RSA key";
	c->key_type = TCPK__KEY_RSA;
	c->key_bits = (unsigned)c->key.n * 8;
	for (top = c->key.p[0]; (top & 0x80) == 0; top <<= 1)
		c->key_bits--;
	return NULL;
}

static const char *
read_ec(struct tcpk__cert *c, struct tcpk__span point,
    const struct tcpk__tlv *params)
{
	struct tcpk__span	in = params->whole;
	size_t			i, n;

	/* A curve of its own, written out, is none that anybody knows. */
	if (params->tag == DER_SEQUENCE)
		return NULL;
	if (!tcpk__der_oid(&in, &c->curve) || point.n > UINT16_MAX)
		return "bad EC key";
	n = point.n - 1;
	if (point.p[0] == 4 && n % 2 == 0)
		n /= 2;
	else if (point.p[0] != 2 && point.p[0] != 3)
		return "bad EC key";
	if (n == 0)
		return "bad EC key";
	c->key_type = TCPK__KEY_EC;
	c->key = point;
	c->key_bits = (unsigned)n * 8;
	for (i = 0; i < COUNT(curves); i++) {
		if (!tcpk__span_equal(c->curve, curves[i].oid))
			continue;
		c->key_bits = curves[i].bits;
		if (n != (curves[i].bits + 7) / 8)
			return "bad EC key";
	}
	return NULL;
}

static const char *
read_key(struct tcpk__cert *c, struct tcpk__span *in)
{
	struct tcpk__span	alg, oid, bits;
	struct tcpk__tlv	spki, params;

	if (!tcpk__der_next(in, &spki) || spki.tag != DER_SEQUENCE ||
	    !tcpk__der_get(&spki.body, DER_SEQUENCE, &alg) ||
	    !read_algorithm(alg, &oid, &params) ||
	    !tcpk__der_octets_in_bits(&spki.body, &bits) || spki.body.n > 0)
		return "bad public key";
	c->spki = spki.whole;
	c->key_type = TCPK__KEY_OTHER;
	if (tcpk__span_equal(oid, rsa))
		return read_rsa(c, bits);
	if (tcpk__span_equal(oid, ec))
		return read_ec(c, bits, &params);
	return NULL;
}

/* What stands behind the key: two identifiers of old, and extensions. */
static const char *
read_rest(struct tcpk__cert *c, struct tcpk__span in)
{
	struct tcpk__span	body;
	unsigned		i;

	for (i = 1; i <= 2; i++)
		if (tcpk__der_is(&in, DER_CONTEXT(i)) && (c->version < 2 ||
		    !tcpk__der_get(&in, DER_CONTEXT(i), &body)))
			return "bad unique identifier";
	if (in.n == 0)
		return NULL;
	if (c->version < 3 || !tcpk__der_get(&in, DER_EXPLICIT(3), &body) ||
	    in.n > 0)
		return "bad end of what is signed";
	return tcpk__cert_extensions(c, body);
}

static const char *
read_signed(struct tcpk__cert *c, struct tcpk__span in, struct tcpk__span alg)
{
	struct tcpk__span	body;
	struct tcpk__tlv	t;
	const char		*what;
	int			version = 0;

	if (tcpk__der_is(&in, DER_EXPLICIT(0)) &&
	    (!tcpk__der_get(&in, DER_EXPLICIT(0), &body) ||
	    !tcpk__der_small(&body, &version) || body.n > 0 || version > 2))
		return "unknown version";
	c->version = (unsigned)version + 1;
	if (!tcpk__der_integer(&in, &c->serial) || c->serial.n > MAX_SERIAL)
		return "bad serial number";
	if (!tcpk__der_next(&in, &t) || !tcpk__span_equal(t.whole, alg))
		return "two different signature algorithms";
	if (!read_name(&in, &c->issuer))
		return "bad issuer";
	if (!tcpk__der_get(&in, DER_SEQUENCE, &body) ||
	    !tcpk__der_time(&body, &c->not_before) ||
	    !tcpk__der_time(&body, &c->not_after) || body.n > 0)
		return "bad validity";
	if (!read_name(&in, &c->subject))
		return "bad subject";
	if ((what = read_key(c, &in)) != NULL)
		return what;
	return read_rest(c, in);
}

static const char *
read_certificate(struct tcpk__cert *c, struct tcpk__span in)
{
	struct tcpk__span	body, to_sign, bits;
	struct tcpk__tlv	alg;
	const char		*what;

	if (!tcpk__der_get(&in, DER_SEQUENCE, &body))
		return "not a whole sequence";
	if (in.n > 0)
		return "more bytes behind it";
	if (!tcpk__der_get(&body, DER_SEQUENCE, &to_sign))
		return "nothing that is signed";
	if (!tcpk__der_next(&body, &alg) || alg.tag != DER_SEQUENCE)
		return "bad signature algorithm";
	if (!tcpk__der_octets_in_bits(&body, &bits) || body.n > 0)
		return "bad signature";
	if ((what = read_signature(c, alg.body)) != NULL)
		return what;
	return read_signed(c, to_sign, alg.whole);
}

int
tcpk__cert_parse(struct tcpk__cert *c, const void *der, size_t n,
    struct tcpk_err *err)
{
	struct tcpk__span	in = { der, n };
	const char		*what;

	memset(c, 0, sizeof(*c));
	c->der = in;
	c->usage = ~0u;
	c->pathlen = -1;
	what = read_certificate(c, in);
	if (what == NULL)
		return 0;
	memset(c, 0, sizeof(*c));
	return tcpk_err_set(err, TCPK_ETLS, "malformed certificate: %s", what);
}

struct tcpk_tls_cert *
tcpk__cert_describe(const struct tcpk__cert *c)
{
	struct tcpk_tls_cert	*d = calloc(1, sizeof(*d));
	unsigned char		 pin[TCPK__PIN];

	if (d == NULL)
		return NULL;
	tcpk__dn_format(c->subject, d->subject, sizeof(d->subject));
	tcpk__dn_format(c->issuer, d->issuer, sizeof(d->issuer));
	tcpk__names_format(c, d->names, sizeof(d->names));
	tcpk__key_format(c, d->key, sizeof(d->key));
	tcpk__pin_of(c, pin);
	tcpk__pin_format(pin, d->pin);
	d->not_before = c->not_before;
	d->not_after = c->not_after;
	return d;
}
