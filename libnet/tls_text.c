#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tls_cert_impl.h"
#include "tls_der_impl.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static const struct word {
	struct tcpk__span	oid;
	const char		*word;
} attributes[] = {
	{ SPAN("\x55\x04\x03"), "CN" },
	{ SPAN("\x55\x04\x04"), "SN" },
	{ SPAN("\x55\x04\x05"), "serialNumber" },
	{ SPAN("\x55\x04\x06"), "C" },
	{ SPAN("\x55\x04\x07"), "L" },
	{ SPAN("\x55\x04\x08"), "ST" },
	{ SPAN("\x55\x04\x09"), "STREET" },
	{ SPAN("\x55\x04\x0a"), "O" },
	{ SPAN("\x55\x04\x0b"), "OU" },
	{ SPAN("\x55\x04\x0c"), "title" },
	{ SPAN("\x55\x04\x2a"), "GN" },
	{ SPAN("\x55\x04\x61"), "organizationIdentifier" },
	{ SPAN("\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01"), "UID" },
	{ SPAN("\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19"), "DC" },
	{ SPAN("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01"), "emailAddress" },
}, curves[] = {
	{ SPAN("\x2a\x86\x48\xce\x3d\x03\x01\x07"), "P-256" },
	{ SPAN("\x2b\x81\x04\x00\x22"), "P-384" },
	{ SPAN("\x2b\x81\x04\x00\x23"), "P-521" },
	{ SPAN("\x2b\x81\x04\x00\x0a"), "secp256k1" },
	{ SPAN("\x2b\x24\x03\x03\x02\x08\x01\x01\x07"), "brainpoolP256r1" },
	{ SPAN("\x2b\x24\x03\x03\x02\x08\x01\x01\x0b"), "brainpoolP384r1" },
	{ SPAN("\x2b\x24\x03\x03\x02\x08\x01\x01\x0d"), "brainpoolP512r1" },
}, keys[] = {
	{ SPAN("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"), "RSA-PSS" },
	{ SPAN("\x2a\x86\x48\xce\x3d\x02\x01"), "EC" },
	{ SPAN("\x2a\x86\x48\xce\x38\x04\x01"), "DSA" },
	{ SPAN("\x2b\x65\x6e"), "X25519" },
	{ SPAN("\x2b\x65\x6f"), "X448" },
	{ SPAN("\x2b\x65\x70"), "Ed25519" },
	{ SPAN("\x2b\x65\x71"), "Ed448" },
};

static const char *
find(const struct word *w, size_t n, struct tcpk__span oid)
{
	size_t	i;

	for (i = 0; i < n; i++)
		if (tcpk__span_equal(w[i].oid, oid))
			return w[i].word;
	return NULL;
}

/* A text in the making.  What is put is put whole, or it is cut before. */
struct text {
	char	*buf;
	size_t	 size, len;
	size_t	 cut_at;	/* the last point with room for "..." */
	bool	 cut;
};

static void
begin(struct text *t, char *buf, size_t size)
{
	*t = (struct text){ .buf = buf, .size = size, .cut = size == 0 };
	if (size > 0)
		buf[0] = '\0';
}

static void
put(struct text *t, const char *s)
{
	size_t	n = strlen(s);

	if (t->cut)
		return;
	if (n >= t->size - t->len) {
		t->cut = true;
		if (t->size >= 4)
			memcpy(t->buf + t->cut_at, "...", 4);
		return;
	}
	memcpy(t->buf + t->len, s, n + 1);
	t->len += n;
	if (t->size - t->len >= 4)
		t->cut_at = t->len;
}

static void
put_hex(struct text *t, const char *before, unsigned char c)
{
	char	s[8];

	snprintf(s, sizeof(s), "%s%02x", before, c);
	put(t, s);
}

/* One byte; quote it with a backslash, should it print. */
static void
put_byte(struct text *t, unsigned char c, bool quote)
{
	char	s[3] = { '\\', (char)c, '\0' };

	if (c < ' ' || c > '~')
		put_hex(t, "\\x", c);
	else
		put(t, quote ? s : s + 1);
}

/* An attribute's value, quoted as RFC 4514 does. */
static void
put_value(struct text *t, struct tcpk__span v, size_t width)
{
	const unsigned char	*p;
	size_t			 i, j;
	unsigned char		 c, high;
	bool			 edge;

	if (v.n % width != 0)
		width = 1;
	for (i = 0; i < v.n && !t->cut; i += width) {
		p = v.p + i;
		for (high = 0, j = 0; j + 1 < width; j++)
			high |= p[j];
		if (high != 0) {
			for (j = 0; j < width; j++)
				put_hex(t, "\\x", p[j]);
			continue;
		}
		c = p[width - 1];
		edge = i == 0 || i + width == v.n;
		put_byte(t, c, (c != 0 && strchr(",+\"\\<>;", c) != NULL) ||
		    (c == ' ' && edge) || (c == '#' && i == 0));
	}
}

/* An object identifier in figures. */
static void
put_oid(struct text *t, struct tcpk__span oid)
{
	char		s[48];
	uint64_t	v = 0;
	unsigned	top;
	size_t		i;
	bool		first = true;

	for (i = 0; i < oid.n && !t->cut; i++) {
		if (v > UINT64_MAX >> 7) {
			put(t, "?");
			return;
		}
		v = v << 7 | (oid.p[i] & 0x7f);
		if ((oid.p[i] & 0x80) != 0)
			continue;
		top = v < 40 ? 0 : v < 80 ? 1 : 2;
		if (first)
			snprintf(s, sizeof(s), "%u.%" PRIu64, top,
			    v - top * 40);
		else
			snprintf(s, sizeof(s), ".%" PRIu64, v);
		put(t, s);
		first = false;
		v = 0;
	}
}

static void
put_attribute(struct text *t, struct tcpk__span oid,
    const struct tcpk__tlv *value)
{
	const char	*word;
	size_t		 i;

	word = find(attributes, COUNT(attributes), oid);
	if (word != NULL)
		put(t, word);
	else
		put_oid(t, oid);
	put(t, "=");
	switch (value->tag) {
	case DER_UTF8:
	case DER_NUMERIC:
	case DER_PRINTABLE:
	case DER_T61:
	case DER_IA5:
	case DER_VISIBLE:
		put_value(t, value->body, 1);
		break;
	case DER_BMP:
		put_value(t, value->body, 2);
		break;
	case DER_UNIVERSAL:
		put_value(t, value->body, 4);
		break;
	default:
		put(t, "#");
		for (i = 0; i < value->whole.n && !t->cut; i++)
			put_hex(t, "", value->whole.p[i]);
		break;
	}
}

static void
put_set(struct text *t, struct tcpk__span set)
{
	struct tcpk__span	pair, oid;
	struct tcpk__tlv	value;
	const char		*plus = "";

	while (!t->cut && tcpk__der_get(&set, DER_SEQUENCE, &pair)) {
		if (!tcpk__der_oid(&pair, &oid) ||
		    !tcpk__der_next(&pair, &value))
			return;
		put(t, plus);
		put_attribute(t, oid, &value);
		plus = "+";
	}
}

void
tcpk__dn_format(struct tcpk__span name, char *buf, size_t size)
{
	struct tcpk__span	all, rest, set;
	struct text		t;
	size_t			n, i;

	begin(&t, buf, size);
	if (!tcpk__der_get(&name, DER_SEQUENCE, &all))
		return;
	rest = all;
	for (n = 0; tcpk__der_get(&rest, DER_SET, &set); n++)
		continue;
	/* Last first.  Each puts something, so this ends when it is cut. */
	for (; n > 0 && !t.cut; n--) {
		rest = all;
		for (i = 0; i < n; i++)
			if (!tcpk__der_get(&rest, DER_SET, &set))
				return;
		if (t.len > 0)
			put(&t, ",");
		put_set(&t, set);
	}
}

/* What would make one name look like two is escaped in here as well. */
static void
put_name(struct text *t, struct tcpk__span name)
{
	size_t	i;

	for (i = 0; i < name.n && !t->cut; i++)
		if (name.p[i] <= ' ' || name.p[i] == ',' ||
		    name.p[i] == '\\')
			put_hex(t, "\\x", name.p[i]);
		else
			put_byte(t, name.p[i], false);
}

void
tcpk__names_format(const struct tcpk__cert *c, char *buf, size_t size)
{
	struct tcpk__span	rest = c->san;
	struct tcpk__tlv	name;
	struct text		t;
	char			ip[INET6_ADDRSTRLEN];
	bool			is_ip;

	begin(&t, buf, size);
	while (!t.cut && tcpk__der_next(&rest, &name)) {
		is_ip = name.tag == NAME_IP &&
		    (name.body.n == 4 || name.body.n == 16);
		if (!is_ip && (name.tag != NAME_DNS || name.body.n == 0))
			continue;
		if (t.len > 0)
			put(&t, ", ");
		if (!is_ip)
			put_name(&t, name.body);
		else if (inet_ntop(name.body.n == 4 ? AF_INET : AF_INET6,
		    name.body.p, ip, sizeof(ip)) != NULL)
			put(&t, ip);
	}
}

void
tcpk__key_format(const struct tcpk__cert *c, char *buf, size_t size)
{
	struct tcpk__span	spki = c->spki, body, alg, oid = { NULL, 0 };
	struct text		t;
	const char		*word = NULL;
	char			bits[16];

	begin(&t, buf, size);
	snprintf(bits, sizeof(bits), "%u", c->key_bits);
	switch (c->key_type) {
	case TCPK__KEY_RSA:
		put(&t, "RSA ");
		put(&t, bits);
		break;
	case TCPK__KEY_EC:
		word = find(curves, COUNT(curves), c->curve);
		put(&t, "EC ");
		put(&t, word != NULL ? word : bits);
		break;
	case TCPK__KEY_OTHER:
		if (tcpk__der_get(&spki, DER_SEQUENCE, &body) &&
		    tcpk__der_get(&body, DER_SEQUENCE, &alg) &&
		    tcpk__der_oid(&alg, &oid))
			word = find(keys, COUNT(keys), oid);
		if (word != NULL)
			put(&t, word);
		else
			put_oid(&t, oid);
		break;
	}
}
