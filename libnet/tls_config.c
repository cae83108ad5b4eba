/* A TLS configuration: an endpoint's options, checked, and its files read. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tls_impl.h"

/* Certificates on one listener, pins, protocols. */
#define MAX_LIST	64

/* Names of authorities that a CertificateRequest has room for. */
#define MAX_CA_NAMES	(8 * 1024)

struct warn {
	void	(*fn)(void *, const char *);
	void	 *arg;
};

/* The i-th of several values joined by ';'.  NULL after the last. */
static const char *
item(const char *list, size_t i, size_t *n)
{
	for (; list != NULL; i--) {
		*n = strcspn(list, ";");
		if (i == 0)
			return list;
		list = list[*n] == ';' ? list + *n + 1 : NULL;
	}
	return NULL;
}

static size_t
count(const char *list)
{
	size_t	n, i = 0;

	while (item(list, i, &n) != NULL)
		i++;
	return i;
}

static int
check_list(const char *option, const char *list, struct tcpk_err *err)
{
	size_t	i, n;

	for (i = 0; item(list, i, &n) != NULL; i++)
		if (n == 0)
			return tcpk_err_set(err, TCPK_EUSAGE,
			    "option %s: an empty value in \"%.80s\"", option,
			    list);
	if (i > MAX_LIST)
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "option %s: more than %d values", option, MAX_LIST);
	return 0;
}

static int
set_pins(struct tcpk_tls_config *c, const char *list, struct tcpk_err *err)
{
	const char	*p;
	size_t		 i, n, total = count(list);

	if (total == 0)
		return 0;
	c->pins = calloc(total, sizeof(*c->pins));
	if (c->pins == NULL)
		return tcpk_err_set(err, TCPK_EIO, "out of memory");
	for (i = 0; (p = item(list, i, &n)) != NULL; i++)
		if (tcpk__pin_parse(c->pins[i], p, n, err) == -1)
			return tcpk_err_wrap(err, "option pin");
	c->trust.pins = (const unsigned char (*)[TCPK__PIN])c->pins;
	c->trust.npins = total;
	return 0;
}

static int
set_alpn(struct tcpk_tls_config *c, const char *list, struct tcpk_err *err)
{
	char	*p;
	size_t	 i, total = count(list);

	if (total == 0)
		return 0;
	c->alpn_text = strdup(list);
	c->alpn = calloc(total, sizeof(*c->alpn));
	if (c->alpn_text == NULL || c->alpn == NULL)
		return tcpk_err_set(err, TCPK_EIO, "out of memory");
	p = c->alpn_text;
	for (i = 0; i < total; i++) {
		c->alpn[i] = p;
		p += strcspn(p, ";");
		if (p - c->alpn[i] > 255)
			return tcpk_err_set(err, TCPK_EUSAGE,
			    "option alpn: \"%.40s...\" is longer than 255 "
			    "bytes", c->alpn[i]);
		*p++ = '\0';
	}
	c->nalpn = total;
	return 0;
}

static char *
copy_item(const char *list, size_t i)
{
	size_t		 n;
	const char	*p = item(list, i, &n);

	return p != NULL ? strndup(p, n) : NULL;
}

static int
load_identities(struct tcpk_tls_config *c, const struct tcpk_options *o,
    const struct warn *warn, struct tcpk_err *err)
{
	size_t	 i, n = count(o->cert), nkeys = count(o->key);
	char	*cert, *key;

	if (nkeys != 0 && nkeys != n)
		return tcpk_err_set(err, TCPK_EUSAGE, n == 0 ?
		    "option key needs the certificate it is for: cert=FILE" :
		    "%zu certificates but %zu keys", n, nkeys);
	if (n == 0)
		return 0;
	if (n > 1 && !c->server)
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "option cert: one certificate when connecting");
	c->ids = calloc(n, sizeof(*c->ids));
	if (c->ids == NULL)
		return tcpk_err_set(err, TCPK_EIO, "out of memory");
	for (i = 0; i < n; i++) {
		cert = copy_item(o->cert, i);
		key = copy_item(o->key, i);
		c->ids[i] = cert == NULL ? NULL : tcpk__identity_load(cert,
		    key, warn->fn, warn->arg, err);
		free(cert);
		free(key);
		if (c->ids[i] == NULL)
			return -1;
		c->nids++;
	}
	return 0;
}

/* Names by which a machine calls itself, and is called on this listener. */
static int
make_identity(struct tcpk_tls_config *c, const struct tcpk_endpoint *ep,
    struct tcpk_err *err)
{
	const char	*names[5];
	char		 host[TCPK__HOST], machine[256];
	unsigned char	 ip[16];
	size_t		 n = 0;

	if (ep->host != NULL && (tcpk__host_ip(ep->host, ip) != 0 ||
	    tcpk__host_check(host, ep->host, NULL) == 0))
		names[n++] = ep->host;
	if (gethostname(machine, sizeof(machine)) == 0) {
		machine[sizeof(machine) - 1] = '\0';
		if (tcpk__host_check(host, machine, NULL) == 0 &&
		    (n == 0 || strcmp(names[0], machine) != 0))
			names[n++] = machine;
	}
	if (n == 0 || strcmp(names[0], "localhost") != 0)
		names[n++] = "localhost";
	if (ep->host == NULL || strcmp(ep->host, "127.0.0.1") != 0)
		names[n++] = "127.0.0.1";
	if (ep->host == NULL || strcmp(ep->host, "::1") != 0)
		names[n++] = "::1";
	c->ids = calloc(1, sizeof(*c->ids));
	if (c->ids == NULL)
		return tcpk_err_set(err, TCPK_EIO, "out of memory");
	c->ids[0] = tcpk__identity_self_signed(names, n, err);
	if (c->ids[0] == NULL)
		return -1;
	c->nids = 1;
	return 0;
}

static int
ask_for(struct tcpk_tls_config *c, const char *file, struct tcpk_err *err)
{
	struct tcpk__span	name;
	size_t			i, total = 0;

	c->ca_names = calloc(tcpk__anchors_count(c->anchors),
	    sizeof(*c->ca_names));
	if (c->ca_names == NULL)
		return tcpk_err_set(err, TCPK_EIO, "out of memory");
	for (i = 0; i < tcpk__anchors_count(c->anchors); i++) {
		name = tcpk__anchors_subject(c->anchors, i);
		c->ca_names[i].data = (unsigned char *)(uintptr_t)name.p;
		c->ca_names[i].len = name.n;
		total += name.n + 2;
	}
	if (total > MAX_CA_NAMES)
		return tcpk_err_set(err, TCPK_EUSAGE, "option client-ca: "
		    "%.80s holds too many authorities to ask clients for "
		    "(%zu)", file, tcpk__anchors_count(c->anchors));
	return 0;
}

static int
set_up_server(struct tcpk_tls_config *c, const struct tcpk_endpoint *ep,
    const struct warn *warn, struct tcpk_err *err)
{
	const struct tcpk_options	*o = &ep->o;

	if (o->self_signed && o->cert != NULL)
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "options cert and self-signed exclude each other");
	if (!o->self_signed && o->cert == NULL)
		return tcpk_err_set(err, TCPK_EUSAGE, "listening with TLS "
		    "needs a certificate: cert=FILE, or self-signed");
	if (o->pin != NULL && o->client_ca == NULL)
		return tcpk_err_set(err, TCPK_EUSAGE, "option pin needs "
		    "client-ca when listening: only then a client has a key");
	if (o->self_signed ? make_identity(c, ep, err) == -1 :
	    load_identities(c, o, warn, err) == -1)
		return -1;
	c->trust.client = true;
	/*
	 * A session is that of one certificate (RFC 6066, section 3), and who
	 * comes back has not said yet for which name when it is looked up.
	 * And BearSSL 0.6 reads far beyond its list of protocols when a
	 * client takes a session up again and offers none of them.
	 */
	c->resume = o->client_ca == NULL && c->nids == 1 && o->alpn == NULL;
	if (o->client_ca == NULL)
		return 0;
	c->authenticate = true;
	c->anchors = tcpk__anchors_load(o->client_ca, err);
	if (c->anchors == NULL)
		return tcpk_err_wrap(err, "option client-ca");
	return ask_for(c, o->client_ca, err);
}

static int
set_name(struct tcpk_tls_config *c, const struct tcpk_endpoint *ep,
    struct tcpk_err *err)
{
	const char	*host = ep->o.name != NULL ? ep->o.name : ep->host;
	unsigned char	 ip[16];

	if (host == NULL)
		host = "localhost";
	if (tcpk__host_ip(host, ip) != 0) {
		/* No SNI for an address: RFC 6066, section 3. */
		if (strlen(host) >= sizeof(c->name))
			return tcpk_err_set(err, TCPK_EUSAGE,
			    "\"%.40s...\" is too long a name", host);
		memcpy(c->name, host, strlen(host) + 1);
		return 0;
	}
	c->sni = true;
	return tcpk__host_check(c->name, host, err);
}

static int
set_up_client(struct tcpk_tls_config *c, const struct tcpk_endpoint *ep,
    const struct warn *warn, struct tcpk_err *err)
{
	const struct tcpk_options	*o = &ep->o;
	bool				 lax = o->insecure || o->pin_only;

	if (o->pin_only && o->pin == NULL)
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "option pin-only needs a pin: pin=sha256//...");
	if (set_name(c, ep, err) == -1 ||
	    load_identities(c, o, warn, err) == -1)
		return -1;
	c->authenticate = true;
	c->resume = o->cert == NULL;
	c->trust.name = c->name;
	c->trust.pin_only = o->pin_only;
	c->trust.insecure = o->insecure;
	if (o->ca == NULL && lax)
		return 0;
	if (o->ca == NULL && TCPK_CA_BUNDLE[0] == '\0')
		return tcpk_err_set(err, TCPK_EUSAGE, "this build knows no "
		    "bundle of authorities: ca=FILE, or SSL_CERT_FILE");
	c->anchors = tcpk__anchors_load(o->ca != NULL ? o->ca :
	    TCPK_CA_BUNDLE, err);
	if (c->anchors == NULL)
		return tcpk_err_wrap(err, o->ca != NULL ? "option ca" :
		    "the system's authorities");
	return 0;
}

struct tcpk_tls_config *
tcpk_tls_config_new(const struct tcpk_endpoint *ep,
    void (*fn)(void *, const char *), void *arg, struct tcpk_err *err)
{
	struct warn			 warn = { fn, arg };
	const struct tcpk_options	*o = &ep->o;
	struct tcpk_tls_config		*c = calloc(1, sizeof(*c));

	if (c == NULL) {
		tcpk_err_set(err, TCPK_EIO, "out of memory");
		return NULL;
	}
	c->refs = 1;
	c->server = ep->role == TCPK_LISTEN;
	c->allow_truncation = o->allow_truncation;
	if (check_list("cert", o->cert, err) == -1 ||
	    check_list("key", o->key, err) == -1 ||
	    check_list("pin", o->pin, err) == -1 ||
	    check_list("alpn", o->alpn, err) == -1 ||
	    set_pins(c, o->pin, err) == -1 ||
	    set_alpn(c, o->alpn, err) == -1 ||
	    (c->server ? set_up_server(c, ep, &warn, err) :
	    set_up_client(c, ep, &warn, err)) == -1) {
		tcpk_err_wrap(err, "%.80s", ep->text);
		tcpk_tls_config_free(c);
		return NULL;
	}
	c->trust.anchors = c->anchors;
	tcpk__role_template(c);
	return c;
}

struct tcpk_tls_config *
tcpk_tls_config_again(struct tcpk_tls_config *old,
    const struct tcpk_endpoint *ep, void (*fn)(void *, const char *),
    void *arg, struct tcpk_err *err)
{
	struct tcpk_tls_config	*c;

	if (ep->o.self_signed) {
		tcpk__config_ref(old);
		return old;
	}
	c = tcpk_tls_config_new(ep, fn, arg, err);
	if (c != NULL)
		tcpk__sessions_inherit(c, old);
	return c;
}

void
tcpk__config_ref(struct tcpk_tls_config *c)
{
	c->refs++;
}

void
tcpk_tls_config_free(struct tcpk_tls_config *c)
{
	size_t	i;

	if (c == NULL || --c->refs > 0)
		return;
	for (i = 0; i < c->nids; i++)
		tcpk__identity_free(c->ids[i]);
	free(c->ids);
	tcpk__anchors_free(c->anchors);
	free(c->pins);
	free(c->alpn_text);
	free(c->alpn);
	free(c->ca_names);
	tcpk__role_forget(c);
	free(c);
}

struct tcpk_tls_cert *
tcpk_tls_config_cert(const struct tcpk_tls_config *c, size_t i)
{
	return i < c->nids ? tcpk__cert_describe(&c->ids[i]->leaf) : NULL;
}

bool
tcpk_tls_built(void)
{
	return true;
}
