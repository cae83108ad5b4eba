#include <stdint.h>
#include <string.h>

#include "tls_der_impl.h"
#include "tls_path_impl.h"

/*
 * What a peer may make us do: it can present ways in any number that differ
 * little, and to check a signature takes up to some milliseconds.
 */
#define MAX_ANCHORS	32
#define MAX_SIGNATURES	32
#define MAX_STEPS	256

/* The further a way led, the more its end has to say. */
enum rank { NOTHING, NO_ISSUER, BAD_ANCHOR, BAD_PATH };

struct search {
	struct tcpk__minimal		*minimal;
	const struct tcpk__trust	*trust;
	int64_t				 now;
	const struct tcpk__cert		*certs;
	size_t				 n;
	struct tcpk__path		 path;
	unsigned			 anchors, signatures, steps;
	struct tcpk__verdict		*best;
	enum rank			 rank;
};

static void
remember(struct search *s, enum rank rank, const struct tcpk__verdict *v)
{
	if (rank <= s->rank)
		return;
	s->rank = rank;
	*s->best = *v;
}

/* BearSSL has no const here; it does not write to it. */
static unsigned char *
bytes(struct tcpk__span s)
{
	return (unsigned char *)(uintptr_t)s.p;
}

static bool
to_anchor(const struct tcpk__cert *c, br_x509_trust_anchor *anchor)
{
	struct tcpk__span	rest, exponent;

	memset(anchor, 0, sizeof(*anchor));
	anchor->dn.data = bytes(c->subject);
	anchor->dn.len = c->subject.n;
	if (c->key_type == TCPK__KEY_EC) {
		anchor->pkey.key_type = BR_KEYTYPE_EC;
		anchor->pkey.key.ec.curve = tcpk__path_curve(c);
		anchor->pkey.key.ec.q = bytes(c->key);
		anchor->pkey.key.ec.qlen = c->key.n;
		return true;
	}
	/* The exponent stands behind the modulus. */
	rest.p = c->key.p + c->key.n;
	rest.n = c->spki.p + c->spki.n - rest.p;
	if (!tcpk__der_positive(&rest, &exponent))
		return false;
	anchor->pkey.key_type = BR_KEYTYPE_RSA;
	anchor->pkey.key.rsa.n = bytes(c->key);
	anchor->pkey.key.rsa.nlen = c->key.n;
	anchor->pkey.key.rsa.e = bytes(exponent);
	anchor->pkey.key.rsa.elen = exponent.n;
	return true;
}

/* No hash but these: one that is not set is not accepted. */
static void
set_up(struct search *s, const br_x509_trust_anchor *anchor)
{
	br_x509_minimal_context	*x = &s->minimal->ctx;

	br_x509_minimal_init(x, &br_sha256_vtable, anchor, 1);
	br_x509_minimal_set_rsa(x, br_rsa_pkcs1_vrfy_get_default());
	br_x509_minimal_set_ecdsa(x, br_ec_get_default(),
	    br_ecdsa_vrfy_asn1_get_default());
	br_x509_minimal_set_hash(x, br_sha256_ID, &br_sha256_vtable);
	br_x509_minimal_set_hash(x, br_sha384_ID, &br_sha384_vtable);
	br_x509_minimal_set_hash(x, br_sha512_ID, &br_sha512_vtable);
	br_x509_minimal_set_minrsa(x, 2048 / 8);
	br_x509_minimal_set_time(x, (uint32_t)(s->now / 86400 + 719528),
	    (uint32_t)(s->now % 86400));
}

/* Is this one certificate signed by that issuer, or (direct) trusted? */
static unsigned
run(struct search *s, const struct tcpk__cert *c,
    const struct tcpk__cert *issuer)
{
	const br_x509_class	**x = &s->minimal->ctx.vtable;
	br_x509_trust_anchor	  anchor;

	if (!to_anchor(issuer, &anchor))
		return BR_ERR_X509_UNEXPECTED;
	anchor.flags = s->path.direct ? 0 : BR_X509_TA_CA;
	set_up(s, &anchor);
	(*x)->start_chain(x, NULL);
	(*x)->start_cert(x, (uint32_t)c->der.n);
	(*x)->append(x, c->der.p, c->der.n);
	(*x)->end_cert(x);
	return (*x)->end_chain(x);
}

static int
refuse(const struct tcpk__path *path, const struct tcpk__cert *c,
    const struct tcpk__cert *issuer, unsigned code, struct tcpk__verdict *v)
{
	char	dn[128];

	tcpk__dn_format(issuer->subject, dn, sizeof(dn));
	switch (code) {
	case BR_ERR_X509_UNSUPPORTED:
		TCPK__REFUSE(v, code, "certificate is signed with an "
		    "algorithm that is not supported");
		break;
	case BR_ERR_X509_CRITICAL_EXTENSION:
		TCPK__REFUSE(v, code, "unsupported critical extension");
		break;
	case BR_ERR_X509_NOT_TRUSTED:
		if (issuer == path->anchor)
			return TCPK__REFUSE(v, code, "the issuer is not "
			    "trusted: its name is that of %s, its key is not",
			    dn);
		TCPK__REFUSE(v, BR_ERR_X509_BAD_SIGNATURE,
		    "bad signature: it was not made by %s", dn);
		break;
	default:
		TCPK__REFUSE(v, code, "certificate is malformed or not "
		    "supported (BearSSL's error %u)", code);
	}
	return tcpk__path_blame(path, c, v);
}

/*
 * Each certificate by itself, from the top down: so nothing is looked at
 * that is not signed by who is trusted, and a peer that has nothing of the
 * kind cannot have us check signatures by large keys of its own.  What
 * br_x509_minimal would check of a chain besides has been done before.
 */
static int
check_signatures(struct search *s, struct tcpk__verdict *v)
{
	const struct tcpk__cert	*issuer = s->path.anchor, *c;
	unsigned		 code;
	size_t			 i;

	for (i = s->path.n; i-- > 0; issuer = c) {
		c = s->path.certs[i];
		if (s->signatures++ >= MAX_SIGNATURES)
			return TCPK__REFUSE(v, TCPK__X509_LIMIT,
			    "too many certificates to choose from");
		code = run(s, c, issuer);
		if (code != 0)
			return refuse(&s->path, c, issuer, code, v);
	}
	return 0;
}

/* The way is complete.  Is it good? */
static bool
try_path(struct search *s)
{
	struct tcpk__verdict	v;

	if (s->signatures >= MAX_SIGNATURES || s->anchors++ >= MAX_ANCHORS)
		return false;
	if (tcpk__path_check(&s->path, s->trust->client, s->now, &v) == 0 &&
	    check_signatures(s, &v) == 0 &&
	    tcpk__path_constraints(&s->path, &v) == 0)
		return true;
	remember(s, v.code == BR_ERR_X509_NOT_TRUSTED ? BAD_ANCHOR : BAD_PATH,
	    &v);
	return false;
}

static bool
same_name_and_key(const struct tcpk__cert *a, const struct tcpk__cert *b)
{
	return tcpk__span_equal(a->subject, b->subject) &&
	    tcpk__span_equal(a->spki, b->spki);
}

/*
 * Each anchor with this name, as issuer of the last or as the leaf itself.
 * The index knows names only: what is damaged or does not fit is no anchor.
 */
static bool
try_anchors(struct search *s, struct tcpk__span name, bool direct)
{
	const struct tcpk__anchors	*a = s->trust->anchors;
	const struct tcpk__cert		*leaf = s->path.certs[0];
	struct tcpk__span		 der;
	struct tcpk__cert		 c;
	size_t				 i;
	bool				 self_signed, same, good = false;

	/* That it is not trusted says more than that another is no issuer. */
	self_signed = s->path.n == 1 && tcpk__path_self_issued(leaf);
	for (i = tcpk__anchors_find(a, name); i < tcpk__anchors_count(a) &&
	    tcpk__span_equal(tcpk__anchors_subject(a, i), name) && !good;
	    i++) {
		der = tcpk__anchors_der(a, i);
		if (tcpk__cert_parse(&c, der.p, der.n, NULL) == -1)
			continue;
		/*
		 * Only the very certificate is trusted by itself: another of
		 * its name and key may say more than it does.
		 */
		same = tcpk__span_equal(c.der, leaf->der);
		if (direct ? !same : same || (self_signed && !c.ca))
			continue;
		s->path.anchor = &c;
		s->path.direct = direct;
		good = try_path(s);
	}
	s->path.anchor = NULL;
	return good;
}

static bool
in_path(const struct search *s, const struct tcpk__cert *c)
{
	size_t	i;

	for (i = 0; i < s->path.n; i++)
		if (same_name_and_key(s->path.certs[i], c))
			return true;
	return false;
}

static void
no_issuer(struct search *s, const struct tcpk__cert *last)
{
	struct tcpk__verdict	v;
	char			dn[128];

	tcpk__dn_format(last->issuer, dn, sizeof(dn));
	if (!tcpk__path_self_issued(last))
		TCPK__REFUSE(&v, BR_ERR_X509_NOT_TRUSTED, "the issuer is not "
		    "trusted: %s (nor was its certificate sent)", dn);
	else if (s->path.n == 1)
		TCPK__REFUSE(&v, BR_ERR_X509_NOT_TRUSTED,
		    "certificate is self-signed and not trusted");
	else
		TCPK__REFUSE(&v, BR_ERR_X509_NOT_TRUSTED,
		    "the issuer is not trusted: %s", dn);
	remember(s, NO_ISSUER, &v);
}

/* Onwards from the last of the way; no deeper than there are certificates. */
static bool
extend(struct search *s)
{
	const struct tcpk__cert	*last = s->path.certs[s->path.n - 1];
	const struct tcpk__cert	*c;
	size_t			 i;
	bool			 any = false, good = false;

	if (s->steps++ >= MAX_STEPS)
		return false;
	if (try_anchors(s, last->issuer, false))
		return true;
	for (i = 1; i < s->n && !good; i++) {
		c = &s->certs[i];
		if (!tcpk__span_equal(c->subject, last->issuer))
			continue;
		if (in_path(s, c)) {
			/* Round in a circle: other ways have more to say. */
			any = any || !tcpk__path_self_issued(last);
			continue;
		}
		any = true;
		s->path.certs[s->path.n++] = c;
		good = extend(s);
		s->path.n--;
	}
	if (!any)
		no_issuer(s, last);
	return good;
}

int
tcpk__path_find(struct tcpk__minimal *minimal,
    const struct tcpk__trust *trust, int64_t now,
    const struct tcpk__cert *certs, size_t n, struct tcpk__verdict *v)
{
	struct search	s = {
		.minimal = minimal,
		.trust = trust,
		.now = now,
		.certs = certs,
		.n = n,
		.path = { .certs = { certs }, .n = 1 },
		.best = v,
	};

	TCPK__REFUSE(v, BR_ERR_X509_NOT_TRUSTED, "the issuer is not trusted");
	if (try_anchors(&s, certs->subject, true) || extend(&s))
		return 0;
	return -1;
}
