#include <stdlib.h>
#include <string.h>

#include "tls_der_impl.h"
#include "tls_key_impl.h"

#define RSA_MIN		2048
#define RSA_MAX		4096
#define PRIME_MAX	(RSA_MAX / 2 / 8)

#define SUPPORTED	"RSA of 2048 to 4096 bits and EC on P-256, P-384 or " \
			"P-521 are"

/*
 * The decoder of BearSSL 0.6 writes up to 24 bytes past its own context for
 * a key that is made for it: they land in the tail.
 */
struct decoder {
	br_skey_decoder_context	ctx;
	unsigned char		tail[128];
};

struct oid {
	const char	 *name;
	int		  curve;	/* 0: not supported */
	struct tcpk__span oid;
};

static const struct tcpk__span	oid_rsa =
    SPAN("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01");
static const struct tcpk__span	oid_ec =
    SPAN("\x2a\x86\x48\xce\x3d\x02\x01");

/* Algorithms people do have keys of, so that they can be called by name. */
static const struct oid	algorithms[] = {
	{ "an Ed25519 key", 0, SPAN("\x2b\x65\x70") },
	{ "an Ed448 key", 0, SPAN("\x2b\x65\x71") },
	{ "an X25519 key", 0, SPAN("\x2b\x65\x6e") },
	{ "an X448 key", 0, SPAN("\x2b\x65\x6f") },
	{ "an RSA-PSS key", 0,
	    SPAN("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a") },
	{ "a DSA key", 0, SPAN("\x2a\x86\x48\xce\x38\x04\x01") },
	{ "a Diffie-Hellman key", 0,
	    SPAN("\x2a\x86\x48\x86\xf7\x0d\x01\x03\x01") },
};

static const struct oid	curves[] = {
	{ "P-256", BR_EC_secp256r1,
	    SPAN("\x2a\x86\x48\xce\x3d\x03\x01\x07") },
	{ "P-384", BR_EC_secp384r1, SPAN("\x2b\x81\x04\x00\x22") },
	{ "P-521", BR_EC_secp521r1, SPAN("\x2b\x81\x04\x00\x23") },
	{ "P-192", 0, SPAN("\x2a\x86\x48\xce\x3d\x03\x01\x01") },
	{ "P-224", 0, SPAN("\x2b\x81\x04\x00\x21") },
	{ "secp256k1", 0, SPAN("\x2b\x81\x04\x00\x0a") },
	{ "brainpoolP256r1", 0,
	    SPAN("\x2b\x24\x03\x03\x02\x08\x01\x01\x07") },
	{ "brainpoolP384r1", 0,
	    SPAN("\x2b\x24\x03\x03\x02\x08\x01\x01\x0b") },
	{ "brainpoolP512r1", 0,
	    SPAN("\x2b\x24\x03\x03\x02\x08\x01\x01\x0d") },
};

static const struct oid *
find_oid(const struct oid *table, size_t n, struct tcpk__span oid)
{
	size_t	i;

	for (i = 0; i < n; i++)
		if (tcpk__span_equal(table[i].oid, oid))
			return &table[i];
	return NULL;
}

static int
malformed(struct tcpk_err *err)
{
	return tcpk_err_set(err, TCPK_EUSAGE, "malformed private key");
}

static unsigned
bits(const unsigned char *p, size_t n)
{
	unsigned	k = 0;

	while (n > 0 && *p == 0) {
		p++;
		n--;
	}
	if (n == 0)
		return 0;
	while (*p >> k != 0)
		k++;
	return (unsigned)(n - 1) * 8 + k;
}

/* The modulus follows. */
static int
check_modulus(struct tcpk__span in, struct tcpk_err *err)
{
	struct tcpk__span	n;
	unsigned		k;

	if (!tcpk__der_get(&in, DER_INTEGER, &n) || n.n > 1 << 16)
		return malformed(err);
	k = bits(n.p, n.n);
	if (k >= RSA_MIN && k <= RSA_MAX)
		return 0;
	return tcpk_err_set(err, TCPK_EUSAGE, "an RSA key of %u bits is too "
	    "%s: %d to %d are supported", k, k < RSA_MIN ? "small" : "large",
	    RSA_MIN, RSA_MAX);
}

static int
check_curve(const struct tcpk__tlv *params, struct tcpk_err *err)
{
	const struct oid	*o;

	if (params->tag == DER_SEQUENCE)
		return tcpk_err_set(err, TCPK_EUSAGE, "the EC key spells out "
		    "the parameters of its curve; make one on a named curve: "
		    "P-256, P-384 or P-521");
	if (params->tag != DER_OID)
		return malformed(err);
	o = find_oid(curves, sizeof(curves) / sizeof(curves[0]),
	    params->body);
	if (o != NULL && o->curve != 0)
		return 0;
	return tcpk_err_set(err, TCPK_EUSAGE, "an EC key on %s%s is not "
	    "supported; " SUPPORTED, o == NULL ? "this curve" : "the curve ",
	    o == NULL ? "" : o->name);
}

/* The number has been read; the curve may follow. */
static int
check_sec1(struct tcpk__span in, struct tcpk_err *err)
{
	struct tcpk__span	part;
	struct tcpk__tlv	params;

	if (!tcpk__der_is(&in, DER_EXPLICIT(0)))
		return 0;
	if (!tcpk__der_get(&in, DER_EXPLICIT(0), &part) ||
	    !tcpk__der_next(&part, &params))
		return malformed(err);
	return check_curve(&params, err);
}

static int
check_pkcs8(struct tcpk__span algorithm, struct tcpk__span rest,
    struct tcpk_err *err)
{
	const struct oid	*o;
	struct tcpk__span	 oid, inner, seq, part;
	struct tcpk__tlv	 params;
	int			 version;

	if (!tcpk__der_oid(&algorithm, &oid) ||
	    !tcpk__der_get(&rest, DER_OCTETS, &inner))
		return malformed(err);
	o = find_oid(algorithms, sizeof(algorithms) / sizeof(algorithms[0]),
	    oid);
	if (!tcpk__span_equal(oid, oid_rsa) && !tcpk__span_equal(oid, oid_ec))
		return tcpk_err_set(err, TCPK_EUSAGE, "%s is not supported; "
		    SUPPORTED, o == NULL ? "a key of this kind" : o->name);
	if (!tcpk__der_get(&inner, DER_SEQUENCE, &seq) ||
	    !tcpk__der_small(&seq, &version))
		return malformed(err);
	if (tcpk__span_equal(oid, oid_rsa))
		return check_modulus(seq, err);
	if (tcpk__der_next(&algorithm, &params) &&
	    check_curve(&params, err) == -1)
		return -1;
	if (!tcpk__der_get(&seq, DER_OCTETS, &part))
		return malformed(err);
	return check_sec1(seq, err);
}

/* The decoder only tells numbers; this look ahead of it tells words. */
static int
check_kind(const char *label, struct tcpk__span der, struct tcpk_err *err)
{
	struct tcpk__span	all, part;
	int			version;

	if (strcmp(label, "DSA PRIVATE KEY") == 0)
		return tcpk_err_set(err, TCPK_EUSAGE, "a DSA key is not "
		    "supported; " SUPPORTED);
	if (strcmp(label, "OPENSSH PRIVATE KEY") == 0)
		return tcpk_err_set(err, TCPK_EUSAGE, "this is a key of "
		    "OpenSSH, not of TLS");
	if (!tcpk__der_get(&der, DER_SEQUENCE, &all) || der.n != 0 ||
	    !tcpk__der_small(&all, &version))
		return malformed(err);
	if (tcpk__der_get(&all, DER_SEQUENCE, &part))
		return check_pkcs8(part, all, err);
	if (tcpk__der_get(&all, DER_OCTETS, &part))
		return check_sec1(all, err);
	if (version == 1)
		return tcpk_err_set(err, TCPK_EUSAGE, "an RSA key of more "
		    "than two primes is not supported");
	return check_modulus(all, err);
}

/*
 * BearSSL's arithmetic trusts the sizes it is given: they must be those of
 * two primes that make up the modulus.
 */
static bool
rsa_is_sane(const br_rsa_private_key *k)
{
	unsigned	p = bits(k->p, k->plen), q = bits(k->q, k->qlen);

	return k->n_bitlen >= RSA_MIN && k->n_bitlen <= RSA_MAX &&
	    p > 0 && k->plen <= PRIME_MAX && (k->p[k->plen - 1] & 1) != 0 &&
	    q > 0 && k->qlen <= PRIME_MAX && (k->q[k->qlen - 1] & 1) != 0 &&
	    (p + q == k->n_bitlen || p + q == k->n_bitlen + 1) &&
	    k->dplen > 0 && k->dplen <= k->plen &&
	    k->dqlen > 0 && k->dqlen <= k->qlen &&
	    k->iqlen > 0 && k->iqlen <= k->plen;
}

static bool
ec_is_sane(const br_ec_private_key *k)
{
	unsigned	size;

	switch (k->curve) {
	case BR_EC_secp256r1:
		size = 256;
		break;
	case BR_EC_secp384r1:
		size = 384;
		break;
	case BR_EC_secp521r1:
		size = 521;
		break;
	default:
		return false;
	}
	return k->xlen <= (size + 7) / 8 && bits(k->x, k->xlen) > 0 &&
	    bits(k->x, k->xlen) <= size;
}

static unsigned char *
copy_part(unsigned char **to, unsigned char *from, size_t n)
{
	unsigned char	*p = *to;

	memcpy(p, from, n);
	*to += n;
	return p;
}

static int
copy_rsa(struct tcpk__key *key, const br_rsa_private_key *k)
{
	unsigned char	*to;

	key->type = TCPK__KEY_RSA;
	key->secret_len = k->plen + k->qlen + k->dplen + k->dqlen + k->iqlen;
	if ((to = key->secret = malloc(key->secret_len)) == NULL)
		return -1;
	key->rsa = *k;
	key->rsa.p = copy_part(&to, k->p, k->plen);
	key->rsa.q = copy_part(&to, k->q, k->qlen);
	key->rsa.dp = copy_part(&to, k->dp, k->dplen);
	key->rsa.dq = copy_part(&to, k->dq, k->dqlen);
	key->rsa.iq = copy_part(&to, k->iq, k->iqlen);
	return 0;
}

static int
copy_ec(struct tcpk__key *key, const br_ec_private_key *k)
{
	key->type = TCPK__KEY_EC;
	key->secret_len = k->xlen;
	if ((key->secret = malloc(key->secret_len)) == NULL)
		return -1;
	memcpy(key->secret, k->x, k->xlen);
	key->ec = *k;
	key->ec.x = key->secret;
	return 0;
}

static int
copy_key(struct tcpk__key *key, const br_skey_decoder_context *ctx,
    struct tcpk_err *err)
{
	const br_rsa_private_key	*rsa = br_skey_decoder_get_rsa(ctx);
	const br_ec_private_key		*ec = br_skey_decoder_get_ec(ctx);
	int				 r;

	if (rsa != NULL && rsa_is_sane(rsa))
		r = copy_rsa(key, rsa);
	else if (ec != NULL && ec_is_sane(ec))
		r = copy_ec(key, ec);
	else
		return tcpk_err_set(err, TCPK_EUSAGE, "damaged private key: "
		    "its numbers do not belong together");
	if (r == -1)
		return tcpk_err_set(err, TCPK_EIO, "out of memory");
	return 0;
}

int
tcpk__key_decode(struct tcpk__key *key, const char *label,
    const unsigned char *der, size_t n, struct tcpk_err *err)
{
	struct decoder	 d;
	int		 r;

	memset(key, 0, sizeof(*key));
	if (check_kind(label, (struct tcpk__span){ der, n }, err) == -1)
		return -1;
	br_skey_decoder_init(&d.ctx);
	/* In one call: pushed again after an error it would run on. */
	br_skey_decoder_push(&d.ctx, der, n);
	switch (br_skey_decoder_last_error(&d.ctx)) {
	case 0:
		r = copy_key(key, &d.ctx, err);
		break;
	case BR_ERR_X509_UNSUPPORTED:
		r = tcpk_err_set(err, TCPK_EUSAGE, "this private key is of a "
		    "kind that is not supported; " SUPPORTED);
		break;
	default:
		r = malformed(err);
	}
	explicit_bzero(&d, sizeof(d));
	if (r == -1)
		memset(key, 0, sizeof(*key));
	return r;
}

void
tcpk__key_wipe(struct tcpk__key *key)
{
	if (key->secret != NULL)
		explicit_bzero(key->secret, key->secret_len);
	free(key->secret);
	explicit_bzero(key, sizeof(*key));
}
