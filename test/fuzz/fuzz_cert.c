/*
 * fuzz_cert: any bytes as a certificate, and as names and the constraints
 * they are held against.  What is read lies within the bytes; what is shown
 * prints; and a certificate is good for the host names that it has.
 */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tls_cert_impl.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
need(int cond)
{
	if (!cond)
		abort();
}

static void
inside(struct tcpk__span s, const uint8_t *data, size_t size)
{
	need(s.p == NULL ? s.n == 0 : s.p >= data && s.n <= size &&
	    (size_t)(s.p - data) <= size - s.n);
}

static void
prints(const char *text, size_t size)
{
	size_t	i;

	need(memchr(text, '\0', size) != NULL);
	for (i = 0; text[i] != '\0'; i++)
		need(isprint((unsigned char)text[i]));
}

static void
check_shown(const struct tcpk__cert *c)
{
	struct tcpk_tls_cert	*d = tcpk__cert_describe(c);
	unsigned char		 pin[TCPK__PIN], again[TCPK__PIN];
	char			 small[9];
	size_t			 n;

	need(d != NULL);
	prints(d->subject, sizeof(d->subject));
	prints(d->issuer, sizeof(d->issuer));
	prints(d->names, sizeof(d->names));
	prints(d->key, sizeof(d->key));
	need(d->key[0] != '\0');
	tcpk__pin_of(c, pin);
	need(tcpk__pin_parse(again, d->pin, strlen(d->pin), NULL) == 0 &&
	    memcmp(pin, again, sizeof(pin)) == 0);
	free(d);
	for (n = 0; n <= sizeof(small); n++) {
		small[n > 0 ? n - 1 : 0] = 'x';
		tcpk__dn_format(c->issuer, small, n);
		need(n == 0 || memchr(small, '\0', n) != NULL);
		tcpk__names_format(c, small, n);
		need(n == 0 || memchr(small, '\0', n) != NULL);
	}
}

/* A host that a dNSName stands for, if it is one that may be asked for. */
static void
check_hosts(const struct tcpk__cert *c)
{
	struct tcpk__span	name;
	char			host[TCPK__HOST], checked[TCPK__HOST];
	size_t			i;

	for (i = 0; i < 20 && tcpk__cert_dns(c, i, &name); i++) {
		if (name.n == 0 || name.n >= sizeof(host) ||
		    memchr(name.p, '\0', name.n) != NULL ||
		    name.p[name.n - 1] == '.')
			continue;
		memcpy(host, name.p, name.n);
		host[name.n] = '\0';
		if (strncmp(host, "*.", 2) == 0)
			host[0] = 'a';
		if (tcpk__host_check(checked, host, NULL) == -1)
			continue;
		need(strcmp(checked, host) == 0);
		if (name.p[0] != '*' || strchr(host + 2, '.') != NULL)
			need(tcpk__cert_is_for(c, host));
		else
			tcpk__cert_is_for(c, host);
	}
	tcpk__cert_is_for(c, "192.0.2.1");
	tcpk__cert_is_for(c, "::ffff:192.0.2.1");
}

static void
check_certificate(const uint8_t *data, size_t size)
{
	struct tcpk__cert	c;
	struct tcpk_err		err;

	memset(&err, 0, sizeof(err));
	if (tcpk__cert_parse(&c, data, size, &err) == -1) {
		need(err.kind == TCPK_ETLS && c.der.p == NULL);
		return;
	}
	need(c.der.p == data && c.der.n == size);
	need(c.serial.n > 0 && c.issuer.n >= 2 && c.subject.n >= 2);
	inside(c.serial, data, size);
	inside(c.issuer, data, size);
	inside(c.subject, data, size);
	inside(c.spki, data, size);
	inside(c.key, data, size);
	inside(c.curve, data, size);
	inside(c.san, data, size);
	inside(c.constraints, data, size);
	need(c.version >= 1 && c.version <= 3 && c.pathlen >= -1);
	need((c.key_type == TCPK__KEY_OTHER) == (c.key.p == NULL) &&
	    (c.key_type == TCPK__KEY_OTHER) == (c.key_bits == 0));
	need(c.usage == ~0u || c.usage <= 0xffff);
	need(size == 0 || tcpk__cert_parse(&c, data, size - 1, NULL) == -1);
	tcpk__cert_parse(&c, data, size, NULL);
	check_shown(&c);
	check_hosts(&c);
	tcpk__names_within(&c, c.constraints, NULL);
}

/* One part as the names, the other as constraints. */
static void
check_constraints(const uint8_t *data, size_t size)
{
	static const unsigned char	empty[] = { 0x30, 0 };
	struct tcpk__cert		c;
	struct tcpk__span		k;
	struct tcpk_err			err;
	size_t				n;

	if (size < 2)
		return;
	n = data[0] < size - 1 ? data[0] : size - 1;
	memset(&c, 0, sizeof(c));
	c.subject = (struct tcpk__span){ empty, sizeof(empty) };
	c.san = (struct tcpk__span){ data + 1, n };
	k = (struct tcpk__span){ data + 1 + n, size - 1 - n };
	memset(&err, 0, sizeof(err));
	if (tcpk__names_within(&c, k, &err) == -1) {
		need(err.kind == TCPK_ETLS);
		prints(err.text, sizeof(err.text));
	}
	check_hosts(&c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	*text = malloc(size + 1);
	char	 host[TCPK__HOST];
	uint8_t	 ip[16];

	need(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	if (tcpk__host_check(host, text, NULL) == 0)
		need(tcpk__host_ip(host, ip) == 0);
	free(text);
	check_certificate(data, size);
	check_constraints(data, size);
	return 0;
}
