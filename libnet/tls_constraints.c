#include <netinet/in.h>
#include <string.h>

#include "tls_cert_impl.h"
#include "tls_der_impl.h"

/* So many comparisons at most: a chain is to be judged in no time. */
#define MAX_WORK	250000

/* Each is what is in a GeneralSubtrees. */
struct constraints {
	struct tcpk__span	permitted, excluded;
	unsigned		work;
};

/* One subtree off the front.  minimum is 0, and there is no maximum. */
static bool
next_base(struct tcpk__span *in, struct tcpk__tlv *base)
{
	struct tcpk__span	body, min;

	if (!tcpk__der_get(in, DER_SEQUENCE, &body) ||
	    !tcpk__der_next(&body, base))
		return false;
	if (tcpk__der_is(&body, DER_CONTEXT(0)) &&
	    (!tcpk__der_get(&body, DER_CONTEXT(0), &min) || min.n != 1 ||
	    min.p[0] != 0))
		return false;
	return body.n == 0;
}

/* Labels with a dot between them, and perhaps one in front; or nothing. */
static bool
is_dns_base(struct tcpk__span s)
{
	size_t	i;
	int	c, last;

	for (last = '-', i = 0; i < s.n; i++, last = c) {
		c = tcpk__lower(s.p[i]);
		if (c == '.' && last == '.')
			return false;
		if (c != '.' && c != '-' && c != '_' &&
		    (c < 'a' || c > 'z') && (c < '0' || c > '9'))
			return false;
	}
	return last != '.';
}

/* An address and a mask, whose ones are all in front. */
static bool
is_ip_base(struct tcpk__span s)
{
	size_t		i, n = s.n / 2;
	unsigned	zeros;
	bool		over = false;

	if (s.n != 8 && s.n != 32)
		return false;
	for (i = 0; i < n; i++) {
		zeros = ~s.p[n + i] & 0xffu;
		if ((zeros & (zeros + 1)) != 0 || (over && zeros != 0xff))
			return false;
		over = zeros != 0;
	}
	return true;
}

/* A directoryName holds a Name: its contents. */
static bool
name_of(struct tcpk__span in, struct tcpk__span *name)
{
	return tcpk__der_get(&in, DER_SEQUENCE, name) && in.n == 0;
}

static bool
are_bases(struct tcpk__span in)
{
	struct tcpk__span	name;
	struct tcpk__tlv	base;

	if (in.n == 0)
		return false;
	while (in.n > 0)
		if (!next_base(&in, &base) ||
		    (base.tag == NAME_DNS && !is_dns_base(base.body)) ||
		    (base.tag == NAME_IP && !is_ip_base(base.body)) ||
		    (base.tag == NAME_DIRECTORY &&
		    !name_of(base.body, &name)))
			return false;
	return true;
}

static bool
read_constraints(struct constraints *k, struct tcpk__span in)
{
	memset(k, 0, sizeof(*k));
	if (in.n == 0)
		return false;
	if (tcpk__der_is(&in, DER_EXPLICIT(0)) &&
	    (!tcpk__der_get(&in, DER_EXPLICIT(0), &k->permitted) ||
	    !are_bases(k->permitted)))
		return false;
	if (tcpk__der_is(&in, DER_EXPLICIT(1)) &&
	    (!tcpk__der_get(&in, DER_EXPLICIT(1), &k->excluded) ||
	    !are_bases(k->excluded)))
		return false;
	return in.n == 0;
}

/* Is it base, or something and then base at a dot? */
static bool
dns_under(struct tcpk__span base, struct tcpk__span name)
{
	const unsigned char	*end;
	size_t			 i;

	if (base.n == 0)
		return true;
	if (name.n < base.n)
		return false;
	end = name.p + (name.n - base.n);
	for (i = 0; i < base.n; i++)
		if (tcpk__lower(base.p[i]) != tcpk__lower(end[i]))
			return false;
	if (base.p[0] == '.')
		return name.n > base.n;
	return name.n == base.n || end[-1] == '.';
}

/*
 * Can a host that name stands for be under base?  Of *.x, whatever is under
 * x may be.
 */
static bool
dns_may_be_under(struct tcpk__span base, struct tcpk__span name)
{
	if (dns_under(base, name))
		return true;
	if (name.n < 2 || name.p[0] != '*' || name.p[1] != '.')
		return false;
	name.p += 2;
	name.n -= 2;
	if (base.n > 0 && base.p[0] == '.') {
		base.p++;
		base.n--;
	}
	return dns_under(name, base);
}

static bool
ip_under(struct tcpk__span base, struct tcpk__span ip)
{
	size_t	i, n = base.n / 2;

	if (ip.n != n)
		return false;
	for (i = 0; i < n; i++)
		if (((base.p[i] ^ ip.p[i]) & base.p[n + i]) != 0)
			return false;
	return true;
}

static bool
ip_may_be_under(struct tcpk__span base, struct tcpk__span ip)
{
	struct in6_addr		in6;
	struct tcpk__span	four;

	if (ip.n == sizeof(in6)) {
		memcpy(&in6, ip.p, sizeof(in6));
		four = (struct tcpk__span){ ip.p + 12, 4 };
		return ip_under(base, ip) ||
		    (IN6_IS_ADDR_V4MAPPED(&in6) && ip_under(base, four));
	}
	/* What is no address at all is not known to be outside. */
	return ip.n != 4 || ip_under(base, ip);
}

/*
 * Byte by byte: both were made by the same issuer, so this finds what was
 * meant, and what it does not find is not permitted.
 */
static bool
dn_under(struct tcpk__span base, struct tcpk__span name)
{
	struct tcpk__span	b, n;

	return name_of(base, &b) && name_of(name, &n) && n.n >= b.n &&
	    (b.n == 0 || memcmp(b.p, n.p, b.n) == 0);
}

/* The next character that counts, -1 at the end; -2 for one beyond ASCII. */
static int
next_char(struct tcpk__span *s)
{
	int	c;

	while (s->n > 0 && s->p[0] == ' ') {
		s->p++;
		s->n--;
	}
	if (s->n == 0)
		return -1;
	c = tcpk__lower(*s->p++);
	s->n--;
	return c < 0x80 ? c : -2;
}

static bool
is_plain(unsigned tag)
{
	return tag == DER_UTF8 || tag == DER_PRINTABLE || tag == DER_IA5;
}

/*
 * For what is excluded the other way round: are these two sets of attributes
 * different for certain, however they are compared?
 */
static bool
differ(struct tcpk__span a, struct tcpk__span b)
{
	struct tcpk__span	ap, bp, ao, bo;
	struct tcpk__tlv	av, bv;
	int			ac, bc;

	if (!tcpk__der_get(&a, DER_SEQUENCE, &ap) || a.n > 0 ||
	    !tcpk__der_get(&b, DER_SEQUENCE, &bp) || b.n > 0 ||
	    !tcpk__der_oid(&ap, &ao) || !tcpk__der_next(&ap, &av) ||
	    !tcpk__der_oid(&bp, &bo) || !tcpk__der_next(&bp, &bv))
		return false;
	if (!tcpk__span_equal(ao, bo))
		return true;
	if (!is_plain(av.tag) || !is_plain(bv.tag))
		return false;
	do {
		ac = next_char(&av.body);
		bc = next_char(&bv.body);
		if (ac == -2 || bc == -2)
			return false;
	} while (ac == bc && ac != -1);
	return ac != bc;
}

static bool
dn_may_be_under(struct tcpk__span base, struct tcpk__span name)
{
	struct tcpk__span	b, n, bset, nset;

	if (!name_of(base, &b) || !name_of(name, &n))
		return true;
	while (b.n > 0) {
		if (!tcpk__der_get(&b, DER_SET, &bset))
			return true;
		if (!tcpk__der_get(&n, DER_SET, &nset) ||
		    differ(bset, nset))
			return false;
	}
	return true;
}

/* Is a name with the tag of the base certainly, or (may) perhaps, under it? */
static bool
under(const struct tcpk__tlv *base, const struct tcpk__tlv *name, bool may)
{
	switch (base->tag) {
	case NAME_DNS:
		return may ? dns_may_be_under(base->body, name->body) :
		    dns_under(base->body, name->body);
	case NAME_IP:
		return may ? ip_may_be_under(base->body, name->body) :
		    ip_under(base->body, name->body);
	case NAME_DIRECTORY:
		return may ? dn_may_be_under(base->body, name->body) :
		    dn_under(base->body, name->body);
	default:
		return may;
	}
}

static int
refuse(const struct tcpk__tlv *name, const char *how, struct tcpk_err *err)
{
	struct tcpk__cert	only = { .san = name->whole };
	char			text[128];

	if (name->tag == NAME_DIRECTORY)
		tcpk__dn_format(name->body, text, sizeof(text));
	else
		tcpk__names_format(&only, text, sizeof(text));
	return tcpk_err_set(err, TCPK_ETLS, "name constraints of its issuer "
	    "%s %s", how, text[0] == '\0' ? "a name of this kind" : text);
}

static int
check(struct constraints *k, const struct tcpk__tlv *name,
    struct tcpk_err *err)
{
	struct tcpk__span	rest;
	struct tcpk__tlv	base;
	bool			any = false, good = false;

	for (rest = k->excluded; next_base(&rest, &base); k->work++)
		if (base.tag == name->tag && under(&base, name, true))
			return refuse(name, "exclude", err);
	for (rest = k->permitted; next_base(&rest, &base); k->work++)
		if (base.tag == name->tag) {
			any = true;
			good = good || under(&base, name, false);
		}
	if (any && !good)
		return refuse(name, "do not permit", err);
	if (k->work > MAX_WORK)
		return tcpk_err_set(err, TCPK_ETLS,
		    "too many name constraints");
	return 0;
}

int
tcpk__names_within(const struct tcpk__cert *leaf,
    struct tcpk__span constraints, struct tcpk_err *err)
{
	struct constraints	k;
	struct tcpk__span	rest, name;
	struct tcpk__tlv	t;

	if (constraints.p == NULL)
		return 0;
	if (!read_constraints(&k, constraints))
		return tcpk_err_set(err, TCPK_ETLS,
		    "malformed name constraints of its issuer");
	for (rest = leaf->san; rest.n > 0;) {
		if (!tcpk__der_next(&rest, &t))
			return tcpk_err_set(err, TCPK_ETLS,
			    "malformed certificate: bad subjectAltName");
		if (check(&k, &t, err) == -1)
			return -1;
	}
	/* The subject is a directoryName, if there is anything in it. */
	t = (struct tcpk__tlv){ NAME_DIRECTORY, leaf->subject,
	    leaf->subject };
	if (name_of(leaf->subject, &name) && name.n == 0)
		return 0;
	return check(&k, &t, err);
}
