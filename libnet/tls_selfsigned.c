#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tls_derwrite_impl.h"
#include "tls_identity_impl.h"

/* As much as our own check takes of one certificate, and more names fit. */
#define CERT_MAX	(16 * 1024)
#define NAME_MAX_CN	64	/* ub-common-name of X.520 */
#define NAME_MAX_DNS	253
#define SERIAL		16
#define POINT		65	/* of P-256, uncompressed */

static const unsigned char	oid_cn[] = { 0x55, 0x04, 0x03 };
static const unsigned char	oid_ec[] = {
	0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01
};
static const unsigned char	oid_p256[] = {
	0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07
};
static const unsigned char	oid_ecdsa_sha256[] = {
	0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02
};
static const unsigned char	oid_key_id[] = { 0x55, 0x1d, 0x0e };
static const unsigned char	oid_usage[] = { 0x55, 0x1d, 0x0f };
static const unsigned char	oid_names[] = { 0x55, 0x1d, 0x11 };
static const unsigned char	oid_constraints[] = { 0x55, 0x1d, 0x13 };
static const unsigned char	oid_ext_usage[] = { 0x55, 0x1d, 0x25 };
static const unsigned char	oid_server[] = {
	0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01
};
static const unsigned char	oid_client[] = {
	0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02
};

/* What goes into the certificate. */
struct draft {
	const char *const	*names;
	size_t			 n;
	unsigned char		 serial[SERIAL];
	unsigned char		 point[POINT];
	int64_t			 now;
};

/* What an IA5String may hold, and nobody would be fooled by. */
static int
check_names(const char *const names[], size_t n, struct tcpk_err *err)
{
	const char	*p;
	size_t		 i;

	for (i = 0; i < n; i++) {
		for (p = names[i]; *p > ' ' && *p < 0x7f; p++)
			continue;
		if (*p != '\0' || p == names[i] || p - names[i] > NAME_MAX_DNS)
			return tcpk_err_set(err, TCPK_EUSAGE, "\"%.64s\" "
			    "cannot be a name in a certificate", names[i]);
	}
	return 0;
}

static int
make_key(struct tcpk__key *key, struct draft *d, struct tcpk_err *err)
{
	br_hmac_drbg_context	 rng;
	br_ec_public_key	 pub;
	unsigned char		 seed[32], kbuf[BR_EC_KBUF_PRIV_MAX_SIZE];
	unsigned char		 pbuf[BR_EC_KBUF_PUB_MAX_SIZE];
	const br_ec_impl	*ec = br_ec_get_default();

	if (getentropy(seed, sizeof(seed)) == -1)
		return tcpk_err_errno(err, TCPK_EIO, errno, "no randomness");
	br_hmac_drbg_init(&rng, &br_sha256_vtable, seed, sizeof(seed));
	explicit_bzero(seed, sizeof(seed));
	br_hmac_drbg_generate(&rng, d->serial, sizeof(d->serial));
	key->secret_len = br_ec_keygen(&rng.vtable, ec, &key->ec, kbuf,
	    BR_EC_secp256r1);
	explicit_bzero(&rng, sizeof(rng));
	if (key->secret_len == 0 ||
	    br_ec_compute_pub(ec, &pub, pbuf, &key->ec) != POINT) {
		explicit_bzero(kbuf, sizeof(kbuf));
		return tcpk_err_set(err, TCPK_EIO, "cannot make a key");
	}
	memcpy(d->point, pub.q, POINT);
	key->type = TCPK__KEY_EC;
	if ((key->secret = malloc(key->secret_len)) != NULL)
		memcpy(key->secret, kbuf, key->secret_len);
	key->ec.x = key->secret;
	explicit_bzero(kbuf, sizeof(kbuf));
	return key->secret == NULL ?
	    tcpk_err_set(err, TCPK_EIO, "out of memory") : 0;
}

static void
put_oid(struct tcpk__derw *w, const unsigned char *oid, size_t n)
{
	tcpk__derw_put(w, DER_OID, oid, n);
}

static void
put_algorithm(struct tcpk__derw *w)
{
	size_t	at = tcpk__derw_open(w);

	put_oid(w, oid_ecdsa_sha256, sizeof(oid_ecdsa_sha256));
	tcpk__derw_close(w, at, DER_SEQUENCE);
}

static void
put_bits(struct tcpk__derw *w, const unsigned char *p, size_t n)
{
	size_t	at = tcpk__derw_open(w);

	tcpk__derw_raw(w, "", 1);	/* no bit of the last byte is unused */
	tcpk__derw_raw(w, p, n);
	tcpk__derw_close(w, at, DER_BITS);
}

static void
put_name(struct tcpk__derw *w, const struct draft *d)
{
	const char	*cn = "tcpkit";
	size_t		 name, set, pair;

	if (d->n > 0 && strlen(d->names[0]) <= NAME_MAX_CN)
		cn = d->names[0];
	name = tcpk__derw_open(w);
	set = tcpk__derw_open(w);
	pair = tcpk__derw_open(w);
	put_oid(w, oid_cn, sizeof(oid_cn));
	tcpk__derw_put(w, DER_UTF8, cn, strlen(cn));
	tcpk__derw_close(w, pair, DER_SEQUENCE);
	tcpk__derw_close(w, set, DER_SET);
	tcpk__derw_close(w, name, DER_SEQUENCE);
}

static void
put_key(struct tcpk__derw *w, const struct draft *d)
{
	size_t	key, algorithm;

	key = tcpk__derw_open(w);
	algorithm = tcpk__derw_open(w);
	put_oid(w, oid_ec, sizeof(oid_ec));
	put_oid(w, oid_p256, sizeof(oid_p256));
	tcpk__derw_close(w, algorithm, DER_SEQUENCE);
	put_bits(w, d->point, POINT);
	tcpk__derw_close(w, key, DER_SEQUENCE);
}

/* What value holds becomes the extension's value, and value is emptied. */
static void
put_extension(struct tcpk__derw *w, const unsigned char *oid, size_t n,
    bool critical, struct tcpk__derw *value)
{
	size_t	at = tcpk__derw_open(w);

	put_oid(w, oid, n);
	if (critical)
		tcpk__derw_put(w, DER_BOOLEAN, "\xff", 1);
	tcpk__derw_put(w, DER_OCTETS, value->buf, value->n);
	tcpk__derw_close(w, at, DER_SEQUENCE);
	w->full |= value->full;
	value->n = 0;
}

static void
put_san(struct tcpk__derw *w, const struct draft *d)
{
	unsigned char	ip[16];
	size_t		all = tcpk__derw_open(w), i;

	for (i = 0; i < d->n; i++)
		switch (tcpk__host_ip(d->names[i], ip)) {
		case 0:
			tcpk__derw_put(w, DER_CONTEXT(2), d->names[i],
			    strlen(d->names[i]));
			break;
		case AF_INET:
			tcpk__derw_put(w, DER_CONTEXT(7), ip, 4);
			break;
		default:
			tcpk__derw_put(w, DER_CONTEXT(7), ip, 16);
		}
	tcpk__derw_close(w, all, DER_SEQUENCE);
}

/*
 * No authority, so that who trusts this certificate trusts it for its names
 * alone: OpenSSL, GnuTLS and BearSSL take it from among the trusted ones all
 * the same.
 */
static void
put_extensions(struct tcpk__derw *w, const struct draft *d,
    struct tcpk__derw *v)
{
	static const unsigned char	signing[] = { 7, 0x80 };
	unsigned char			hash[br_sha256_SIZE];
	br_sha256_context		sha;
	size_t				outer, all, at;

	outer = tcpk__derw_open(w);
	all = tcpk__derw_open(w);
	at = tcpk__derw_open(v);
	tcpk__derw_close(v, at, DER_SEQUENCE);
	put_extension(w, oid_constraints, sizeof(oid_constraints), true, v);
	tcpk__derw_put(v, DER_BITS, signing, sizeof(signing));
	put_extension(w, oid_usage, sizeof(oid_usage), true, v);
	at = tcpk__derw_open(v);
	put_oid(v, oid_server, sizeof(oid_server));
	put_oid(v, oid_client, sizeof(oid_client));
	tcpk__derw_close(v, at, DER_SEQUENCE);
	put_extension(w, oid_ext_usage, sizeof(oid_ext_usage), false, v);
	/* RFC 7093, section 2: method 1. */
	br_sha256_init(&sha);
	br_sha256_update(&sha, d->point, POINT);
	br_sha256_out(&sha, hash);
	tcpk__derw_put(v, DER_OCTETS, hash, 20);
	put_extension(w, oid_key_id, sizeof(oid_key_id), false, v);
	if (d->n > 0) {
		put_san(v, d);
		put_extension(w, oid_names, sizeof(oid_names), false, v);
	}
	tcpk__derw_close(w, all, DER_SEQUENCE);
	tcpk__derw_close(w, outer, DER_EXPLICIT(3));
}

static void
put_body(struct tcpk__derw *w, const struct draft *d, struct tcpk__derw *v)
{
	static const unsigned char	v3[] = { DER_INTEGER, 1, 2 };
	size_t				body, at;

	body = tcpk__derw_open(w);
	tcpk__derw_put(w, DER_EXPLICIT(0), v3, sizeof(v3));
	tcpk__derw_put(w, DER_INTEGER, d->serial, SERIAL);
	put_algorithm(w);
	put_name(w, d);
	at = tcpk__derw_open(w);
	tcpk__derw_time(w, d->now - 3600);
	tcpk__derw_time(w, d->now + 365 * 86400);
	tcpk__derw_close(w, at, DER_SEQUENCE);
	put_name(w, d);
	put_key(w, d);
	put_extensions(w, d, v);
	tcpk__derw_close(w, body, DER_SEQUENCE);
}

static int
make_cert(br_x509_certificate *cert, const struct draft *d,
    const struct tcpk__key *key, struct tcpk_err *err)
{
	struct tcpk__derw	w = { NULL, CERT_MAX, 0, false };
	struct tcpk__derw	v = { NULL, CERT_MAX, 0, false };
	br_sha256_context	sha;
	unsigned char		hash[br_sha256_SIZE], sig[80];
	size_t			n;

	w.buf = malloc(w.size);
	v.buf = malloc(v.size);
	if (w.buf == NULL || v.buf == NULL) {
		free(w.buf);
		free(v.buf);
		return tcpk_err_set(err, TCPK_EIO, "out of memory");
	}
	put_body(&w, d, &v);
	free(v.buf);
	br_sha256_init(&sha);
	br_sha256_update(&sha, w.buf, w.n);
	br_sha256_out(&sha, hash);
	n = br_ecdsa_i31_sign_asn1(br_ec_get_default(), &br_sha256_vtable,
	    hash, &key->ec, sig);
	put_algorithm(&w);
	put_bits(&w, sig, n);
	tcpk__derw_close(&w, 0, DER_SEQUENCE);
	cert->data = w.buf;
	cert->data_len = w.n;
	if (w.full)
		return tcpk_err_set(err, TCPK_EUSAGE, "too many names for "
		    "one certificate");
	if (n == 0)
		return tcpk_err_set(err, TCPK_EIO, "cannot sign the "
		    "certificate");
	return 0;
}

struct tcpk__identity *
tcpk__identity_self_signed(const char *const names[], size_t n,
    struct tcpk_err *err)
{
	struct tcpk__identity	*id;
	struct draft		 d;

	if (check_names(names, n, err) == -1)
		return NULL;
	id = calloc(1, sizeof(*id));
	if (id == NULL ||
	    (id->chain = calloc(1, sizeof(*id->chain))) == NULL) {
		free(id);
		tcpk_err_set(err, TCPK_EIO, "out of memory");
		return NULL;
	}
	memset(&d, 0, sizeof(d));
	d.names = names;
	d.n = n;
	d.now = time(NULL);
	id->nchain = 1;
	id->issuer_key = BR_KEYTYPE_EC;
	if (make_key(&id->key, &d, err) == -1)
		goto fail;
	/* A positive number, and no zero byte in front, as DER wants it. */
	d.serial[0] = (d.serial[0] & 0x7f) | 0x40;
	if (make_cert(&id->chain[0], &d, &id->key, err) == -1 ||
	    tcpk__cert_parse(&id->leaf, id->chain[0].data,
	    id->chain[0].data_len, err) == -1)
		goto fail;
	return id;
fail:
	tcpk__identity_free(id);
	return NULL;
}
