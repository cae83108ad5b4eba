#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tls_der_impl.h"
#include "tls_key_impl.h"

/*
 * What a certificate says of its key, in BearSSL's terms.  The tail is for
 * the day the shared library has a larger context than its header.
 */
struct decoder {
	br_x509_decoder_context	ctx;
	unsigned char		tail[256];
};

struct checker {
	br_x509_minimal_context	ctx;
	unsigned char		tail[256];
};

/* A signature by the key, to hold against what certificates say of it. */
struct proof {
	enum tcpk__key_type type;
	size_t		    n;
	unsigned char	    sig[BR_X509_BUFSIZE_SIG];
};

/* Nothing that any protocol would have us sign. */
static const unsigned char	proved[br_sha256_SIZE] =
    "does this key fit a certificate";

/*
 * BearSSL 0.6 may compute a wrong modulus from the primes of 4096 bits, so
 * the key is not compared but used.
 */
static int
prove(struct proof *proof, const struct tcpk__key *key)
{
	proof->type = key->type;
	if (key->type == TCPK__KEY_EC) {
		proof->n = br_ecdsa_sign_asn1_get_default()(
		    br_ec_get_default(), &br_sha256_vtable, proved, &key->ec,
		    proof->sig);
		return proof->n == 0 ? -1 : 0;
	}
	proof->n = (key->rsa.n_bitlen + 7) / 8;
	if (br_rsa_pkcs1_sign_get_default()(BR_HASH_OID_SHA256, proved,
	    sizeof(proved), &key->rsa, proof->sig) == 0)
		return -1;
	return 0;
}

static br_x509_pkey *
decode(struct decoder *d, const struct tcpk__cert *cert)
{
	br_x509_decoder_init(&d->ctx, NULL, NULL);
	/* In one call: pushed again after an error it would run on. */
	br_x509_decoder_push(&d->ctx, cert->der.p, cert->der.n);
	return br_x509_decoder_get_pkey(&d->ctx);
}

static bool
fits(const struct proof *proof, const struct tcpk__cert *cert)
{
	struct decoder	 d;
	br_x509_pkey	*pkey;
	unsigned char	 hash[br_sha256_SIZE];

	if (cert->key_type != proof->type)
		return false;
	if ((pkey = decode(&d, cert)) == NULL)
		return false;
	if (pkey->key_type == BR_KEYTYPE_EC)
		return br_ecdsa_vrfy_asn1_get_default()(br_ec_get_default(),
		    proved, sizeof(proved), &pkey->key.ec, proof->sig,
		    proof->n) == 1;
	return br_rsa_pkcs1_vrfy_get_default()(proof->sig, proof->n,
	    BR_HASH_OID_SHA256, sizeof(hash), &pkey->key.rsa, hash) == 1 &&
	    memcmp(hash, proved, sizeof(hash)) == 0;
}

/*
 * Names alone do not tell: an authority that has changed its key has more
 * than one certificate with the same subject.
 */
static bool
is_signed_by(const struct tcpk__cert *cert, const struct tcpk__cert *issuer)
{
	struct decoder		 d;
	struct checker		 c;
	br_x509_trust_anchor	 anchor;
	br_x509_pkey		*pkey;
	const br_x509_class	**x;
	int64_t			 t = cert->not_before;

	if ((pkey = decode(&d, issuer)) == NULL || t < 0)
		return false;
	memset(&anchor, 0, sizeof(anchor));
	/* BearSSL has no const here; it does not write to it. */
	anchor.dn.data = (unsigned char *)(uintptr_t)issuer->subject.p;
	anchor.dn.len = issuer->subject.n;
	anchor.flags = BR_X509_TA_CA;
	anchor.pkey = *pkey;
	br_x509_minimal_init_full(&c.ctx, &anchor, 1);
	br_x509_minimal_set_time(&c.ctx, (uint32_t)(t / 86400 + 719528),
	    (uint32_t)(t % 86400));
	x = &c.ctx.vtable;
	(*x)->start_chain(x, NULL);
	(*x)->start_cert(x, (uint32_t)cert->der.n);
	(*x)->append(x, cert->der.p, cert->der.n);
	(*x)->end_cert(x);
	return (*x)->end_chain(x) == 0;
}

static bool
is_used(const size_t *order, size_t used, size_t i)
{
	while (used > 0)
		if (order[--used] == i)
			return true;
	return false;
}

/*
 * The number of the issuer of the last one, or n.  If no signature can be
 * checked (it may be of a kind that is not supported here) the name decides.
 * Who has a self-signed root trusts it from elsewhere.
 */
static size_t
find_issuer(const size_t *order, size_t used, const struct tcpk__cert *certs,
    size_t n)
{
	const struct tcpk__cert	*last = &certs[order[used - 1]];
	size_t			 i, by_name = n;

	if (tcpk__span_equal(last->subject, last->issuer))
		return n;
	for (i = 0; i < n; i++) {
		if (!tcpk__span_equal(certs[i].subject, last->issuer) ||
		    tcpk__span_equal(certs[i].subject, certs[i].issuer) ||
		    is_used(order, used, i))
			continue;
		if (is_signed_by(last, &certs[i]))
			return i;
		if (by_name == n)
			by_name = i;
	}
	return by_name;
}

static size_t
find_leaf(const struct proof *proof, const struct tcpk__cert *certs, size_t n)
{
	int64_t	now = time(NULL);
	size_t	i, leaf = n;

	for (i = 0; i < n; i++) {
		if (!fits(proof, &certs[i]))
			continue;
		if (certs[i].not_before <= now && now <= certs[i].not_after)
			return i;
		if (leaf == n)
			leaf = i;
	}
	return leaf;
}

int
tcpk__chain_order(size_t *order, const struct tcpk__cert *certs, size_t n,
    const struct tcpk__key *key, struct tcpk_err *err)
{
	struct proof	proof;
	size_t		used = 0, i;

	if (prove(&proof, key) == -1)
		return tcpk_err_set(err, TCPK_EUSAGE, "damaged private key: "
		    "it cannot sign");
	for (i = find_leaf(&proof, certs, n); i < n;
	    i = find_issuer(order, used, certs, n))
		order[used++] = i;
	return (int)used;
}

int
tcpk__chain_signer(const struct tcpk__cert *cert)
{
	struct decoder	d;

	if (decode(&d, cert) == NULL)
		return 0;
	return br_x509_decoder_get_signer_key_type(&d.ctx);
}
