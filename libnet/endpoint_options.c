/* The option table of endpoints, and what it takes to fill a value by it. */

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "endpoint_impl.h"

enum type {
	FLAG, TIME, TIME_OR_NO, SIZE, NUMBER, OCTAL, FAMILY, TEXT, LIST,
	SOURCE, PROXY
};

struct option {
	const char	*name;
	enum type	 type;
	unsigned	 connect, listen;	/* the schemes that take it */
	size_t		 offset;
	uint64_t	 min, max;
	const char	*value, *help;
	const char	*flag;			/* of a tool; NULL: the name */
	bool		 target;		/* only as one of several */
};

#define S(x)	(1u << TCPK_##x)
#define NET	(S(TCP) | S(TLS))
#define NAMED	(S(TCP) | S(TLS) | S(UDP))
#define ANY	(~0u)
#define STREAM	(~S(UDP))
#define AT(x)	offsetof(struct tcpk_options, x)

static const struct option options[] = {
	{ "connect-timeout", TIME, ANY, S(TLS), AT(connect_timeout), 1, 0,
	    "T", "limit on name, connection and handshake (30s)", NULL, false },
	{ "idle-timeout", TIME, ANY, STREAM, AT(idle_timeout), 1, 0,
	    "T", "end when nothing moved either way for T", NULL, false },
	{ "half-close-timeout", TIME, STREAM, STREAM,
	    AT(half_close_timeout), 1, 0,
	    "T", "the same for one direction, once the other ended", NULL, false },
	{ "no-shutdown", FLAG, STREAM, STREAM, AT(no_shutdown), 0, 0,
	    NULL, "hold the half-close back until the peer has ended", NULL, false },
	{ "rate", SIZE, ANY, STREAM, AT(rate), 1, UINT64_C(1) << 50,
	    "BYTES", "at most so many bytes a second, each way", NULL, false },
	{ "family", FAMILY, NAMED, NAMED, AT(family), 0, 0,
	    "4|6", "only IPv4 or only IPv6", NULL, false },
	{ "source", SOURCE, NAMED, 0, AT(source), 0, 0,
	    "ADDR[:PORT]", "bind to this local address first", NULL, false },
	{ "interface", TEXT, NAMED, NAMED, AT(interface), 0, 0,
	    "DEV", "only through this network interface", NULL, false },
	{ "via", LIST, NET, 0, AT(via), 0, 0,
	    "URL", "through a proxy: socks5://, socks4://, socks4a://, "
	    "http://", NULL, false },
	{ "via-auth", TEXT, NET, 0, AT(via_auth), 0, 0,
	    "FILE", "user:password for the proxies, a line each", NULL, false },
	{ "keepalive", TIME_OR_NO, NET, NET, AT(keepalive),
	    TCPK_SECOND, 32767 * TCPK_SECOND,
	    "T|no", "probe a silent peer after T (60s)", NULL, false },
	{ "nodelay", FLAG, NET, NET, AT(nodelay), 0, 0,
	    NULL, "send small pieces at once (TCP_NODELAY)", NULL, false },
	{ "fastopen", FLAG, NET, NET, AT(fastopen), 0, 0,
	    NULL, "first data with the SYN (TCP Fast Open)", NULL, false },
	{ "mptcp", FLAG, NET, NET, AT(mptcp), 0, 0,
	    NULL, "several paths at once (Multipath TCP)", NULL, false },
	{ "dscp", NUMBER, NAMED, NAMED, AT(dscp), 0, 63,
	    "N", "differentiated services code point", NULL, false },
	{ "ttl", NUMBER, NAMED, NAMED, AT(ttl), 1, 255,
	    "N", "time to live, hop limit", NULL, false },
	{ "rcvbuf", SIZE, NAMED, NAMED, AT(rcvbuf), 1, INT32_MAX / 2,
	    "BYTES", "the kernel's receive buffer", NULL, false },
	{ "sndbuf", SIZE, NAMED, NAMED, AT(sndbuf), 1, INT32_MAX / 2,
	    "BYTES", "the kernel's send buffer", NULL, false },
	{ "user-timeout", TIME, NET, NET, AT(user_timeout), TCPK_MS,
	    INT32_MAX * TCPK_MS,
	    "T", "limit for sent data to be acknowledged", NULL, false },
	{ "backlog", NUMBER, 0, NET | S(UNIX), AT(backlog), 1, INT32_MAX,
	    "N", "clients that may wait to be accepted", NULL, false },
	{ "max-clients", NUMBER, 0, NET | S(UNIX) | S(FD), AT(max_clients), 1,
	    INT32_MAX, "N", "serve so many at once; others wait", NULL, false },
	{ "max-per-host", NUMBER, 0, NET | S(FD), AT(max_per_host), 1, 65535,
	    "N", "the same of one address; others are closed", NULL, false },
	{ "acl", TEXT, 0, NAMED | S(FD), AT(acl), 0, 0,
	    "LIST", "who may connect: -0.0.0.0/0;+192.168/16", NULL, false },
	{ "acl-file", TEXT, 0, NAMED | S(FD), AT(acl_file), 0, 0,
	    "FILE", "the same from a file; acl= is added behind it", NULL, false },
	{ "proxy-protocol", PROXY, NET | S(UNIX), NET | S(UNIX) | S(FD),
	    AT(proxy_protocol), 0, 0, "=1|2|LIST",
	    "PROXY header: send one; expect one from LIST", NULL, false },
	{ "mode", OCTAL, 0, S(UNIX), AT(mode), 0, 0777,
	    "0660", "permissions of the socket file", NULL, false },
	{ "owner", TEXT, 0, S(UNIX), AT(owner), 0, 0,
	    "USER:GROUP", "owner of the socket file", NULL, false },
	{ "ca", TEXT, S(TLS), 0, AT(ca), 0, 0,
	    "FILE", "trust these certificates, not the system's",
	    "tls-ca", false },
	{ "cert", LIST, S(TLS), S(TLS), AT(cert), 0, 0,
	    "FILE", "own certificate chain, PEM",
	    "tls-cert", false },
	{ "key", LIST, S(TLS), S(TLS), AT(key), 0, 0,
	    "FILE", "its private key, if it is in another file",
	    "tls-key", false },
	{ "name", TEXT, S(TLS), 0, AT(name), 0, 0,
	    "NAME", "name to ask for and to verify, not the host",
	    "tls-name", false },
	{ "alpn", LIST, S(TLS), S(TLS), AT(alpn), 0, 0,
	    "A;B", "application protocols, the preferred one first",
	    "tls-alpn", false },
	{ "pin", LIST, S(TLS), S(TLS), AT(pin), 0, 0,
	    "sha256//BASE64", "accept only this public key",
	    "tls-pin", false },
	{ "pin-only", FLAG, S(TLS), 0, AT(pin_only), 0, 0,
	    NULL, "a pin that matches is enough",
	    "tls-pin-only", false },
	{ "insecure", FLAG, S(TLS), 0, AT(insecure), 0, 0,
	    NULL, "do not verify the peer",
	    "tls-insecure", false },
	{ "client-ca", TEXT, 0, S(TLS), AT(client_ca), 0, 0,
	    "FILE", "require a client certificate from these",
	    "tls-client-ca", false },
	{ "self-signed", FLAG, 0, S(TLS), AT(self_signed), 0, 0,
	    NULL, "make a key and a certificate for this run",
	    "tls-self-signed", false },
	{ "starttls", TEXT, S(TLS), 0, AT(starttls), 0, 0,
	    "PROTO", "begin in clear: smtp, imap, pop3, ftp, xmpp, "
	    "postgres, ldap", NULL, false },
	{ "allow-truncation", FLAG, S(TLS), S(TLS), AT(allow_truncation), 0,
	    0, NULL, "accept an end without close_notify",
	    "tls-allow-truncation", false },
	{ "weight", NUMBER, STREAM, 0, AT(weight), 1, 1000,
	    "N", "share of the clients, beside the other targets (1)", NULL,
	    true },
	{ "pool", NUMBER, STREAM, 0, AT(pool), 1, 1000,
	    "N", "connections that are open in advance", NULL, true },
	{ "check", TIME, STREAM, 0, AT(check), TCPK_MS, 0,
	    "T", "see every T whether it can be connected to", NULL, true },
};

#define NOPTIONS	(sizeof(options) / sizeof(options[0]))

void
tcpk__options_init(struct tcpk_options *o)
{
	memset(o, 0, sizeof(*o));
	o->connect_timeout = 30 * TCPK_SECOND;
	o->keepalive = 60 * TCPK_SECOND;
	o->weight = 1;
	o->dscp = o->ttl = o->mode = TCPK_UNSET;
}

void
tcpk__options_free(struct tcpk_options *o)
{
	free(o->interface);
	free(o->owner);
	free(o->acl);
	free(o->acl_file);
	free(o->proxy_senders);
	free(o->ca);
	free(o->client_ca);
	free(o->cert);
	free(o->key);
	free(o->name);
	free(o->alpn);
	free(o->pin);
	free(o->starttls);
	if (o->via != NULL)
		explicit_bzero(o->via, strlen(o->via));
	free(o->via);
	free(o->via_auth);
	memset(o, 0, sizeof(*o));
}

static const struct option *
find(const char *name)
{
	size_t	i;

	for (i = 0; i < NOPTIONS; i++)
		if (strcmp(options[i].name, name) == 0)
			return &options[i];
	return NULL;
}

bool
tcpk__options_begin(const char *text)
{
	char	name[32];
	size_t	n = strcspn(text, "=,");

	if (n >= sizeof(name))
		return false;
	memcpy(name, text, n);
	name[n] = '\0';
	return find(name) != NULL;
}

/* Who takes it in this role. */
static unsigned
schemes_of(const struct option *opt, enum tcpk_role role)
{
	if (role == TCPK_LISTEN)
		return opt->listen;
	return opt->target && role != TCPK_TARGET ? 0 : opt->connect;
}

static bool
takes(const struct tcpk_endpoint *ep, const struct option *opt)
{
	return (schemes_of(opt, ep->role) & 1u << ep->scheme) != 0;
}

/* How many single changes lead from a to b; both are short names. */
static unsigned
distance(const char *a, const char *b)
{
	unsigned	row[32], diagonal, above, best;
	size_t		i, j, m = strlen(b);

	if (m >= 32)
		return 32;
	for (j = 0; j <= m; j++)
		row[j] = j;
	for (i = 0; a[i] != '\0'; i++) {
		diagonal = row[0];
		row[0] = i + 1;
		for (j = 0; j < m; j++) {
			above = row[j + 1];
			best = diagonal + (a[i] != b[j]);
			if (above + 1 < best)
				best = above + 1;
			if (row[j] + 1 < best)
				best = row[j] + 1;
			diagonal = above;
			row[j + 1] = best;
		}
	}
	return row[m];
}

/* What the user may have meant, or NULL. */
static const char *
nearest(const struct tcpk_endpoint *ep, const char *name)
{
	const char	*found = NULL;
	unsigned	 d, best = 3;
	size_t		 i;

	if (strlen(name) > 40)
		return NULL;
	for (i = 0; i < NOPTIONS; i++) {
		d = distance(name, options[i].name);
		if (d < best && takes(ep, &options[i])) {
			best = d;
			found = options[i].name;
		}
	}
	return found;
}

static int
set_text(char **where, const char *value, struct tcpk_err *err)
{
	if (*value == '\0')
		return tcpk_err_set(err, TCPK_EUSAGE, "the value is empty");
	*where = strdup(value);
	if (*where == NULL)
		return tcpk_err_set(err, TCPK_EIO, "out of memory");
	return 0;
}

static int
set_octal(uint64_t *where, const char *value, uint64_t max,
    struct tcpk_err *err)
{
	size_t	n = strlen(value);

	if (n == 0 || n > 6 || strspn(value, "01234567") != n ||
	    (*where = strtoul(value, NULL, 8)) > max)
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "\"%.40s\" is not a mode (0600 to 0777)", value);
	return 0;
}

/* ADDR, ADDR:PORT, [ADDR6]:PORT or :PORT. */
static int
set_source(struct tcpk_addr *where, const char *value, struct tcpk_err *err)
{
	const char	*colon, *end;
	char		 host[80];
	uint64_t	 port = 0;
	size_t		 n;

	if (tcpk_addr_parse(where, value, 0, NULL) == 0)
		return 0;
	colon = strrchr(value, ':');
	if (value[0] == '[') {
		value++;
		end = strchr(value, ']');
		if (end == NULL || (end[1] != '\0' && end + 1 != colon))
			goto bad;
		if (colon < end)
			colon = NULL;
	} else
		end = colon;
	if (end == NULL || (n = end - value) >= sizeof(host))
		goto bad;
	memcpy(host, value, n);
	host[n] = '\0';
	if (colon != NULL &&
	    tcpk_value_number(&port, colon + 1, 0, 65535, err) == -1)
		return tcpk_err_wrap(err, "port");
	if (n == 0 && end == colon) {
		/* Of either family: dial gives it that of the target. */
		tcpk_addr_any(where, AF_INET6, port);
		return 0;
	}
	if (tcpk_addr_parse(where, host, port, NULL) == -1)
		goto bad;
	return 0;
bad:
	return tcpk_err_set(err, TCPK_EUSAGE, "\"%.64s\" is not ADDR, "
	    "ADDR:PORT or [ADDR6]:PORT with a numeric address", value);
}

/* Listening, the value is who may send one, and may be left out. */
static int
set_proxy(struct tcpk_endpoint *ep, const char *value, struct tcpk_err *err)
{
	uint64_t	version = 1;

	if (ep->role != TCPK_LISTEN &&
	    tcpk_value_number(&version, value, 1, 2, NULL) == -1)
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "\"%.40s\" is neither 1 nor 2", value);
	if (ep->role == TCPK_LISTEN && value != NULL) {
		if (ep->scheme == TCPK_UNIX)
			return tcpk_err_set(err, TCPK_EUSAGE, "a Unix socket "
			    "takes no list; mode= says who may connect");
		if (set_text(&ep->o.proxy_senders, value, err) == -1)
			return -1;
	}
	ep->o.proxy_protocol = version;
	return 0;
}

static int
set_time(uint64_t *where, const char *value, const struct option *opt,
    struct tcpk_err *err)
{
	if (tcpk_value_time(where, value, err) == -1)
		return -1;
	if (*where < opt->min)
		return tcpk_err_set(err, TCPK_EUSAGE, "\"%.40s\" is too short%s",
		    value, opt->min == 1 ? "; leave it out for no limit" : "");
	if (opt->max != 0 && *where > opt->max)
		return tcpk_err_set(err, TCPK_EUSAGE, "\"%.40s\" is too long",
		    value);
	return 0;
}

static int
set_size(uint64_t *where, const char *value, const struct option *opt,
    struct tcpk_err *err)
{
	if (tcpk_value_size(where, value, err) == -1)
		return -1;
	if (*where < opt->min || *where > opt->max)
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "\"%.40s\" is out of range", value);
	return 0;
}

static int
set_value(struct tcpk_endpoint *ep, const struct option *opt,
    const char *value, struct tcpk_err *err)
{
	void		*where = (char *)&ep->o + opt->offset;
	uint64_t	*n = where;

	switch (opt->type) {
	case FLAG:
		*(bool *)where = true;
		return 0;
	case TIME_OR_NO:
		if (strcmp(value, "no") == 0) {
			*n = 0;
			return 0;
		}
		return set_time(n, value, opt, err);
	case TIME:
		return set_time(n, value, opt, err);
	case SIZE:
		return set_size(n, value, opt, err);
	case NUMBER:
		return tcpk_value_number(n, value, opt->min, opt->max, err);
	case OCTAL:
		return set_octal(n, value, opt->max, err);
	case FAMILY:
		if (tcpk_value_number(n, value, 4, 6, NULL) == 0 && *n != 5)
			return 0;
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "\"%.40s\" is neither 4 nor 6", value);
	case TEXT:
	case LIST:
		return set_text(where, value, err);
	case SOURCE:
		return set_source(where, value, err);
	case PROXY:
		return set_proxy(ep, value, err);
	}
	return tcpk_err_set(err, TCPK_EUSAGE, "unknown type");
}

static bool
needs_value(const struct tcpk_endpoint *ep, const struct option *opt)
{
	return opt->type != FLAG &&
	    (opt->type != PROXY || ep->role != TCPK_LISTEN);
}

static int
unknown(const struct tcpk_endpoint *ep, const char *name,
    struct tcpk_err *err)
{
	const char	*hint = nearest(ep, name);

	/* It may be what follows a comma in a password. */
	if (strchr(name, '@') != NULL)
		return tcpk_err_set(err, TCPK_EUSAGE, "unknown option (a "
		    "comma in a password is written %%2C)");
	if (hint != NULL)
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "unknown option \"%.40s\" (did you mean %s?)", name, hint);
	return tcpk_err_set(err, TCPK_EUSAGE, "unknown option \"%.40s\"%s",
	    name, ep->scheme == TCPK_EXEC || ep->scheme == TCPK_SH ||
	    ep->scheme == TCPK_UNIX ? " (a comma of its own is written \\,)" :
	    "");
}

int
tcpk__options_apply(struct tcpk_endpoint *ep, const char *name,
    const char *value, struct tcpk_err *err)
{
	const struct option	*opt = find(name);
	uint64_t		 bit;

	if (opt == NULL)
		return unknown(ep, name, err);
	if (!takes(ep, opt))
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "option %s does not go with %s %s", name,
		    ep->role == TCPK_LISTEN ? "listening on" :
		    "connecting to", tcpk_scheme_name(ep->scheme));
	bit = UINT64_C(1) << (opt - options);
	if ((ep->given & bit) != 0)
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "option %s is given twice", name);
	if (opt->type == FLAG && value != NULL)
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "option %s takes no value", name);
	if (value == NULL && needs_value(ep, opt))
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "option %s needs a value: %s=%s", name, name,
		    opt->type == PROXY ? "1|2" : opt->value);
	if (set_value(ep, opt, value, err) == -1)
		return tcpk_err_wrap(err, "option %s", name);
	ep->given |= bit;
	return 0;
}

bool
tcpk_endpoint_takes(const struct tcpk_endpoint *ep, const char *name)
{
	const struct option	*opt = find(name);

	return opt != NULL && takes(ep, opt);
}

int
tcpk_endpoint_default(struct tcpk_endpoint *ep, const char *name,
    const char *value, struct tcpk_err *err)
{
	const struct option	*opt = find(name);

	if (opt != NULL && takes(ep, opt) &&
	    (ep->given & UINT64_C(1) << (opt - options)) != 0)
		return 0;
	return tcpk__options_apply(ep, name, value, err);
}

bool
tcpk_option_info(size_t i, struct tcpk_option_info *info)
{
	enum tcpk_role	role;

	if (i >= NOPTIONS)
		return false;
	info->name = options[i].name;
	info->flag = options[i].flag != NULL ? options[i].flag :
	    options[i].name;
	info->value = options[i].value;
	info->help = options[i].help;
	info->list = options[i].type == LIST;
	info->secret = options[i].offset == AT(via);
	for (role = TCPK_CONNECT; role <= TCPK_TARGET; role++)
		info->schemes[role] = schemes_of(&options[i], role);
	return true;
}
