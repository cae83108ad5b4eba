#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tls_der_impl.h"
#include "tls_path_impl.h"

#define MIN_RSA		2048
#define MAX_RSA		4096	/* BearSSL's */

/* How much of a name is shown: the text has to have room for the reason. */
#define DN_TEXT		112
#define NAMES_TEXT	128

#define DATE_TEXT	16

int
tcpk__path_blame(const struct tcpk__path *path, const struct tcpk__cert *c,
    struct tcpk__verdict *v)
{
	char	dn[DN_TEXT];

	if (c == path->certs[0])
		return -1;
	tcpk__dn_format(c->subject, dn, sizeof(dn));
	return tcpk_err_wrap(&v->err, "%s %s",
	    c == path->anchor ? "authority" : "issuer", dn);
}

static const char *
format_date(int64_t t, char buf[DATE_TEXT])
{
	time_t		at = (time_t)t;
	struct tm	tm;

	if (gmtime_r(&at, &tm) == NULL ||
	    strftime(buf, DATE_TEXT, "%Y-%m-%d", &tm) == 0)
		strcpy(buf, "?");
	return buf;
}

static int
check_dates(const struct tcpk__cert *c, int64_t now, struct tcpk__verdict *v)
{
	char	date[DATE_TEXT];

	if (now < c->not_before)
		return TCPK__REFUSE(v, BR_ERR_X509_EXPIRED, "certificate is "
		    "not valid before %s", format_date(c->not_before, date));
	if (now > c->not_after)
		return TCPK__REFUSE(v, BR_ERR_X509_EXPIRED, "certificate has "
		    "expired (on %s)", format_date(c->not_after, date));
	return 0;
}

int
tcpk__path_curve(const struct tcpk__cert *c)
{
	static const struct {
		struct tcpk__span	oid;
		int			number;
	} curves[] = {
		{ SPAN("\x2a\x86\x48\xce\x3d\x03\x01\x07"),
		    BR_EC_secp256r1 },
		{ SPAN("\x2b\x81\x04\x00\x22"), BR_EC_secp384r1 },
		{ SPAN("\x2b\x81\x04\x00\x23"), BR_EC_secp521r1 },
	};
	size_t	i;

	for (i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
		if (tcpk__span_equal(c->curve, curves[i].oid))
			return curves[i].number;
	return 0;
}

static int
check_key(const struct tcpk__cert *c, struct tcpk__verdict *v)
{
	char	key[48];

	if (c->key_type == TCPK__KEY_RSA && c->key_bits < MIN_RSA)
		return TCPK__REFUSE(v, BR_ERR_X509_WEAK_PUBLIC_KEY,
		    "RSA key of %u bits is too small (%d at least)",
		    c->key_bits, MIN_RSA);
	if (c->key_type == TCPK__KEY_RSA && c->key_bits > MAX_RSA)
		return TCPK__REFUSE(v, BR_ERR_X509_LIMIT_EXCEEDED,
		    "RSA key of %u bits is too large (%d at most)",
		    c->key_bits, MAX_RSA);
	/* Of a point BearSSL takes both halves only. */
	if (c->key_type == TCPK__KEY_RSA || (c->key_type == TCPK__KEY_EC &&
	    tcpk__path_curve(c) != 0 && c->key.p[0] == 4))
		return 0;
	tcpk__key_format(c, key, sizeof(key));
	return TCPK__REFUSE(v, BR_ERR_X509_UNSUPPORTED,
	    "a key of this kind is not supported (%s)", key);
}

static int
check_purpose(const struct tcpk__cert *c, bool client,
    struct tcpk__verdict *v)
{
	unsigned	both = TCPK__EKU_SERVER | TCPK__EKU_CLIENT;
	unsigned	wanted = client ? TCPK__EKU_CLIENT : TCPK__EKU_SERVER;

	if (c->ext_usage == 0 ||
	    (c->ext_usage & (wanted | TCPK__EKU_ANY)) != 0)
		return 0;
	return TCPK__REFUSE(v, TCPK__X509_PURPOSE,
	    "certificate is for %s only (extended key usage)",
	    (c->ext_usage & both) == 0 ? "other purposes" :
	    client ? "servers" : "clients");
}

/*
 * The suites are those in which the leaf's key signs.  BearSSL asks this of
 * servers only, and says less.
 */
static int
check_signs(const struct tcpk__cert *c, struct tcpk__verdict *v)
{
	if ((c->usage & TCPK__KU_DIGITAL_SIGNATURE) != 0)
		return 0;
	return TCPK__REFUSE(v, BR_ERR_X509_FORBIDDEN_KEY_USAGE,
	    "certificate is not for digital signatures (key usage)");
}

static int
check_hash(const struct tcpk__cert *c, struct tcpk__verdict *v)
{
	if (!c->sha1)
		return 0;
	return TCPK__REFUSE(v, TCPK__X509_WEAK_HASH,
	    "certificate is signed with SHA-1 or weaker");
}

bool
tcpk__path_self_issued(const struct tcpk__cert *c)
{
	return tcpk__span_equal(c->subject, c->issuer);
}

/* May it be the issuer of the n certificates from the leaf on? */
static int
check_issuer(const struct tcpk__path *path, const struct tcpk__cert *c,
    size_t n, struct tcpk__verdict *v)
{
	size_t	i;
	int	between = 0;

	if (!c->ca)
		return TCPK__REFUSE(v, BR_ERR_X509_NOT_CA,
		    "certificate is not that of an authority");
	if ((c->usage & TCPK__KU_CERT_SIGN) == 0)
		return TCPK__REFUSE(v, BR_ERR_X509_FORBIDDEN_KEY_USAGE,
		    "certificate is not for signing others (key usage)");
	for (i = 1; i < n; i++)
		between += !tcpk__path_self_issued(path->certs[i]);
	if (c->pathlen != -1 && between > c->pathlen)
		return TCPK__REFUSE(v, BR_ERR_X509_NOT_CA, "too many issuers "
		    "between it and the leaf (%d, it allows %d)", between,
		    c->pathlen);
	return 0;
}

static int
check_anchor(const struct tcpk__path *path, bool client, int64_t now,
    struct tcpk__verdict *v)
{
	const struct tcpk__cert	*c = path->anchor;

	/* All else has been seen at the leaf. */
	if (path->direct)
		return check_dates(c, now, v);
	if (check_dates(c, now, v) == -1 || check_key(c, v) == -1 ||
	    check_purpose(c, client, v) == -1 ||
	    check_issuer(path, c, path->n, v) == -1)
		return tcpk__path_blame(path, c, v);
	return 0;
}

int
tcpk__path_check(const struct tcpk__path *path, bool client, int64_t now,
    struct tcpk__verdict *v)
{
	const struct tcpk__cert	*c;
	size_t			 i;

	for (i = 0; i < path->n; i++) {
		c = path->certs[i];
		/* Nothing depends on the signature of one that is trusted. */
		if (check_dates(c, now, v) == -1 || check_key(c, v) == -1 ||
		    check_purpose(c, client, v) == -1 ||
		    (!path->direct && check_hash(c, v) == -1) ||
		    (i == 0 ? check_signs(c, v) :
		    check_issuer(path, c, i, v)) == -1)
			return tcpk__path_blame(path, c, v);
	}
	return check_anchor(path, client, now, v);
}

static int
check_constraints(const struct tcpk__path *path, const struct tcpk__cert *c,
    struct tcpk__verdict *v)
{
	char	dn[DN_TEXT];

	if (c->constraints.p == NULL || tcpk__names_within(path->certs[0],
	    c->constraints, &v->err) == 0)
		return 0;
	v->code = TCPK__X509_CONSTRAINTS;
	tcpk__dn_format(c->subject, dn, sizeof(dn));
	return tcpk_err_wrap(&v->err, "certificate is not for %s to issue",
	    dn);
}

int
tcpk__path_constraints(const struct tcpk__path *path, struct tcpk__verdict *v)
{
	size_t	i;

	for (i = 1; i < path->n; i++)
		if (check_constraints(path, path->certs[i], v) == -1)
			return -1;
	return path->direct ? 0 : check_constraints(path, path->anchor, v);
}

/* What some who issue their own mean to be an address (RFC 9525). */
static bool
is_address_as_name(const struct tcpk__cert *leaf, const char *name)
{
	struct tcpk__span	has;
	unsigned char		ip[16];
	size_t			i;

	if (tcpk__host_ip(name, ip) == 0)
		return false;
	for (i = 0; tcpk__cert_dns(leaf, i, &has); i++)
		if (has.n == strlen(name) && memcmp(has.p, name, has.n) == 0)
			return true;
	return false;
}

int
tcpk__path_name(const struct tcpk__cert *leaf, const char *name,
    struct tcpk__verdict *v)
{
	char	names[NAMES_TEXT];

	if (name == NULL || name[0] == '\0')
		return TCPK__REFUSE(v, BR_ERR_X509_BAD_SERVER_NAME,
		    "no name to compare the certificate's with");
	if (tcpk__cert_is_for(leaf, name))
		return 0;
	if (leaf->san.p == NULL)
		return TCPK__REFUSE(v, BR_ERR_X509_BAD_SERVER_NAME,
		    "certificate has no subjectAltName, only a common name");
	if (is_address_as_name(leaf, name))
		return TCPK__REFUSE(v, BR_ERR_X509_BAD_SERVER_NAME,
		    "certificate is not for %.64s: it has this as a DNS "
		    "name, not as an IP address", name);
	tcpk__names_format(leaf, names, sizeof(names));
	return TCPK__REFUSE(v, BR_ERR_X509_BAD_SERVER_NAME,
	    "certificate is not for %.64s (it is for %s)", name,
	    names[0] == '\0' ? "no host" : names);
}
