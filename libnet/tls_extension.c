#include "tls_cert_impl.h"
#include "tls_der_impl.h"

/* More than any real certificate has; each is compared with all others. */
#define MAX_EXTENSIONS	64

static const struct eku {
	struct tcpk__span	oid;
	unsigned		bit;
} ekus[] = {
	{ SPAN("\x2b\x06\x01\x05\x05\x07\x03\x01"), TCPK__EKU_SERVER },
	{ SPAN("\x2b\x06\x01\x05\x05\x07\x03\x02"), TCPK__EKU_CLIENT },
	{ SPAN("\x55\x1d\x25\x00"), TCPK__EKU_ANY },
};

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

/* The readers of extensions take what is in the OCTET STRING. */
static const char *
read_key_usage(struct tcpk__cert *c, struct tcpk__span in)
{
	struct tcpk__span	bits;
	size_t			i;

	/* Nine bits are defined; how many are unused says nothing more. */
	if (!tcpk__der_get(&in, DER_BITS, &bits) || in.n > 0 ||
	    bits.n < 1 || bits.n > 3 || bits.p[0] > 7 ||
	    (bits.n == 1 && bits.p[0] != 0) ||
	    (bits.p[bits.n - 1] & ((1u << bits.p[0]) - 1)) != 0)
		return "bad keyUsage";
	c->usage = 0;
	for (i = 0; i < (bits.n - 1) * 8; i++)
		if ((bits.p[1 + i / 8] & 0x80 >> i % 8) != 0)
			c->usage |= 1u << i;
	return NULL;
}

static const char *
read_names(struct tcpk__cert *c, struct tcpk__span in)
{
	struct tcpk__span	rest;
	struct tcpk__tlv	t;

	if (!tcpk__der_get(&in, DER_SEQUENCE, &c->san) || in.n > 0 ||
	    c->san.n == 0)
		return "bad subjectAltName";
	for (rest = c->san; rest.n > 0;) {
		if (!tcpk__der_next(&rest, &t))
			return "bad subjectAltName";
		switch (t.tag) {
		case DER_EXPLICIT(0):
		case DER_CONTEXT(1):
		case NAME_DNS:
		case DER_EXPLICIT(3):
		case NAME_DIRECTORY:
		case DER_EXPLICIT(5):
		case DER_CONTEXT(6):
		case NAME_IP:
		case DER_CONTEXT(8):
			break;
		default:
			return "bad subjectAltName";
		}
	}
	return NULL;
}

static const char *
read_basic(struct tcpk__cert *c, struct tcpk__span in)
{
	struct tcpk__span	body;

	if (!tcpk__der_get(&in, DER_SEQUENCE, &body) || in.n > 0 ||
	    (tcpk__der_is(&body, DER_BOOLEAN) &&
	    !tcpk__der_bool(&body, &c->ca)) ||
	    (tcpk__der_is(&body, DER_INTEGER) &&
	    !tcpk__der_small(&body, &c->pathlen)) || body.n > 0)
		return "bad basicConstraints";
	return NULL;
}

static const char *
read_constraints(struct tcpk__cert *c, struct tcpk__span in)
{
	if (!tcpk__der_get(&in, DER_SEQUENCE, &c->constraints) || in.n > 0)
		return "bad nameConstraints";
	return NULL;
}

static const char *
read_ext_usage(struct tcpk__cert *c, struct tcpk__span in)
{
	struct tcpk__span	body, oid;
	unsigned		bit;
	size_t			i;

	if (!tcpk__der_get(&in, DER_SEQUENCE, &body) || in.n > 0 ||
	    body.n == 0)
		return "bad extKeyUsage";
	while (body.n > 0) {
		if (!tcpk__der_oid(&body, &oid))
			return "bad extKeyUsage";
		bit = TCPK__EKU_OTHER;
		for (i = 0; i < COUNT(ekus); i++)
			if (tcpk__span_equal(oid, ekus[i].oid))
				bit = ekus[i].bit;
		c->ext_usage |= bit;
	}
	return NULL;
}

static const struct extension {
	struct tcpk__span	oid;
	const char		*(*read)(struct tcpk__cert *,
				    struct tcpk__span);
} extensions[] = {
	{ SPAN("\x55\x1d\x0f"), read_key_usage },
	{ SPAN("\x55\x1d\x11"), read_names },
	{ SPAN("\x55\x1d\x13"), read_basic },
	{ SPAN("\x55\x1d\x1e"), read_constraints },
	{ SPAN("\x55\x1d\x25"), read_ext_usage },
};

const char *
tcpk__cert_extensions(struct tcpk__cert *c, struct tcpk__span in)
{
	struct tcpk__span	seen[MAX_EXTENSIONS], all, one, value;
	size_t			i, n = 0;
	const char		*what;
	bool			critical;

	if (!tcpk__der_get(&in, DER_SEQUENCE, &all) || in.n > 0 || all.n == 0)
		return "bad extensions";
	while (all.n > 0) {
		if (n == MAX_EXTENSIONS)
			return "too many extensions";
		if (!tcpk__der_get(&all, DER_SEQUENCE, &one) ||
		    !tcpk__der_oid(&one, &seen[n]) ||
		    (tcpk__der_is(&one, DER_BOOLEAN) &&
		    !tcpk__der_bool(&one, &critical)) ||
		    !tcpk__der_get(&one, DER_OCTETS, &value) || one.n > 0)
			return "bad extension";
		for (i = 0; i < n; i++)
			if (tcpk__span_equal(seen[i], seen[n]))
				return "the same extension twice";
		for (i = 0; i < COUNT(extensions); i++) {
			if (!tcpk__span_equal(seen[n], extensions[i].oid))
				continue;
			if ((what = extensions[i].read(c, value)) != NULL)
				return what;
		}
		n++;
	}
	return NULL;
}
