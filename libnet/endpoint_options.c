/* Filling in the options of an endpoint by the table of them. */

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "endpoint_impl.h"

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

static const struct tcpk__option *
find(const char *name)
{
	size_t	i;

	for (i = 0; i < tcpk__noptions; i++)
		if (strcmp(tcpk__options[i].name, name) == 0)
			return &tcpk__options[i];
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
schemes_of(const struct tcpk__option *opt, enum tcpk_role role)
{
	if (role == TCPK_LISTEN)
		return opt->listen;
	return opt->target && role != TCPK_TARGET ? 0 : opt->connect;
}

static bool
takes(const struct tcpk_endpoint *ep, const struct tcpk__option *opt)
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
	for (i = 0; i < tcpk__noptions; i++) {
		d = distance(name, tcpk__options[i].name);
		if (d < best && takes(ep, &tcpk__options[i])) {
			best = d;
			found = tcpk__options[i].name;
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
set_time(uint64_t *where, const char *value, const struct tcpk__option *opt,
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
set_size(uint64_t *where, const char *value, const struct tcpk__option *opt,
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
set_value(struct tcpk_endpoint *ep, const struct tcpk__option *opt,
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
needs_value(const struct tcpk_endpoint *ep, const struct tcpk__option *opt)
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
	const struct tcpk__option	*opt = find(name);
	uint64_t		 bit;

	if (opt == NULL)
		return unknown(ep, name, err);
	if (!takes(ep, opt))
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "option %s does not go with %s %s", name,
		    ep->role == TCPK_LISTEN ? "listening on" :
		    "connecting to", tcpk_scheme_name(ep->scheme));
	bit = UINT64_C(1) << (opt - tcpk__options);
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
	const struct tcpk__option	*opt = find(name);

	return opt != NULL && takes(ep, opt);
}

int
tcpk_endpoint_default(struct tcpk_endpoint *ep, const char *name,
    const char *value, struct tcpk_err *err)
{
	const struct tcpk__option	*opt = find(name);

	if (opt != NULL && takes(ep, opt) &&
	    (ep->given & UINT64_C(1) << (opt - tcpk__options)) != 0)
		return 0;
	return tcpk__options_apply(ep, name, value, err);
}

bool
tcpk_option_info(size_t i, struct tcpk_option_info *info)
{
	enum tcpk_role	role;

	if (i >= tcpk__noptions)
		return false;
	info->name = tcpk__options[i].name;
	info->flag = tcpk__options[i].flag != NULL ? tcpk__options[i].flag :
	    tcpk__options[i].name;
	info->value = tcpk__options[i].value;
	info->help = tcpk__options[i].help;
	info->list = tcpk__options[i].type == LIST;
	info->secret = tcpk__options[i].offset ==
	    offsetof(struct tcpk_options, via);
	for (role = TCPK_CONNECT; role <= TCPK_TARGET; role++)
		info->schemes[role] = schemes_of(&tcpk__options[i], role);
	return true;
}
