/*
 * What is relayed: routes from the operands, or from a file with one a line.
 * All of it is parsed, and its files are read, before anything listens.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tcpkit/acl.h>

#include "tcprelay.h"

/* A line that is longer than this is no line of ours. */
#define LINE_BYTES	(64 * 1024)

#define FIELDS_MAX	1024

static void
free_route(struct relay_route *r)
{
	size_t	i;

	targets_free(r->targets);
	tcpk_endpoint_free(&r->listen);
	for (i = 0; i < r->neps; i++)
		tcpk_endpoint_free(&r->eps[i]);
	free(r->eps);
}

void
relay_config_hold(struct relay_config *c)
{
	c->holds++;
}

void
relay_config_release(struct relay_config *c)
{
	size_t	i;

	if (c == NULL || --c->holds > 0)
		return;
	for (i = 0; i < c->n; i++)
		free_route(&c->routes[i]);
	free(c->routes);
	free(c->listens);
	free(c);
}

static int
no_memory(struct tcpk_err *err)
{
	return tcpk_err_set(err, TCPK_EIO, "out of memory");
}

static int
parse(struct tcpk_endpoint *ep, const char *text, enum tcpk_role role,
    const struct relay_opts *o, struct tcpk_err *err)
{
	if (tcpk_endpoint_parse_as(ep, text, role, o->tls ? TCPK_TLS :
	    TCPK_TCP, err) == -1)
		return -1;
	if (o->tls && ep->scheme != TCPK_TLS)
		tcpk_err_set(err, TCPK_EUSAGE, "%s is not TLS, and a --tls "
		    "option asks for it", ep->text);
	else if (ep->scheme == TCPK_UDP)
		tcpk_err_set(err, TCPK_EUSAGE, "%s: udp is not relayed",
		    ep->text);
	else
		return 0;
	tcpk_endpoint_free(ep);
	return -1;
}

/* A route of "listen target...", or of what clients meet at. */
static int
add_route(struct relay_config *c, enum relay_mode mode, char *const *fields,
    size_t n, unsigned line, const struct relay_opts *o,
    struct tcpk_err *err)
{
	struct relay_route	*grown, *r;

	grown = reallocarray(c->routes, c->n + 1, sizeof(*grown));
	if (grown == NULL)
		return no_memory(err);
	c->routes = grown;
	r = &c->routes[c->n];
	memset(r, 0, sizeof(*r));
	r->mode = mode;
	r->line = line;
	if (parse(&r->listen, fields[0], TCPK_LISTEN, o, err) == -1)
		return -1;
	c->n++;
	if (n == 1)
		return 0;
	r->eps = calloc(n - 1, sizeof(*r->eps));
	if (r->eps == NULL)
		return no_memory(err);
	for (; r->neps < n - 1; r->neps++)
		if (parse(&r->eps[r->neps], fields[r->neps + 1], TCPK_TARGET,
		    o, err) == -1)
			return -1;
	return 0;
}

/*
 * Split a line into its fields, where it is: on blanks, with "..." to hold
 * one together, up to a # at the start of one.  -1: TCPK_EUSAGE.
 */
static int
split(char *line, char **fields, size_t *n, struct tcpk_err *err)
{
	char	*p = line, *to;
	bool	 quoted = false;

	*n = 0;
	for (;;) {
		p += strspn(p, " \t\r\n");
		if (*p == '\0' || *p == '#')
			return 0;
		if (*n == FIELDS_MAX)
			return tcpk_err_set(err, TCPK_EUSAGE,
			    "more than %d fields", FIELDS_MAX);
		fields[(*n)++] = to = p;
		for (; *p != '\0' && (quoted || strchr(" \t\r\n", *p) == NULL);
		    p++) {
			if (*p == '"')
				quoted = !quoted;
			else
				*to++ = *p;
		}
		if (quoted)
			return tcpk_err_set(err, TCPK_EUSAGE,
			    "a \" without its other one");
		if (*p != '\0')
			p++;
		*to = '\0';
	}
}

static int
read_line(struct relay_config *c, char *line, unsigned number,
    const struct relay_opts *o, struct tcpk_err *err)
{
	char	*fields[FIELDS_MAX];
	size_t	 n;

	if (strlen(line) >= LINE_BYTES)
		return tcpk_err_set(err, TCPK_EUSAGE, "longer than %d bytes",
		    LINE_BYTES);
	if (split(line, fields, &n, err) == -1)
		return -1;
	if (n == 0)
		return 0;
	if (n == 1)
		return tcpk_err_set(err, TCPK_EUSAGE, "no target given beside "
		    "%.80s", fields[0]);
	return add_route(c, RELAY_TARGETS, fields, n, number, o, err);
}

static int
read_file(struct relay_config *c, const struct relay_opts *o,
    struct tcpk_err *err)
{
	FILE		*f = fopen(o->file, "re");
	char		*line = NULL;
	size_t		 size = 0;
	unsigned	 number = 0;
	ssize_t		 got;
	int		 r = 0;

	if (f == NULL)
		return tcpk_err_errno(err, TCPK_EIO, errno, "%.100s", o->file);
	while (r == 0 && (got = getline(&line, &size, f)) != -1) {
		number++;
		if (strlen(line) != (size_t)got)
			r = tcpk_err_set(err, TCPK_EUSAGE, "a NUL character");
		else
			r = read_line(c, line, number, o, err);
		if (r == -1)
			tcpk_err_wrap(err, "%.100s:%u", o->file, number);
	}
	if (r == 0 && ferror(f))
		r = tcpk_err_errno(err, TCPK_EIO, errno, "%.100s", o->file);
	if (r == 0 && c->n == 0)
		r = tcpk_err_set(err, TCPK_EUSAGE, "%.100s: nothing to relay",
		    o->file);
	free(line);
	fclose(f);
	return r;
}

static int
read_operands(struct relay_config *c, const struct relay_opts *o,
    struct tcpk_err *err)
{
	int	i;

	if (o->mode == RELAY_TARGETS)
		return add_route(c, o->mode, o->operands,
		    (size_t)o->noperands, 0, o, err);
	for (i = 0; i < o->noperands; i++)
		if (add_route(c, o->mode, &o->operands[i], 1, 0, o, err) == -1)
			return -1;
	return 0;
}

/* What the tool's flags set on every address that takes them. */
static int
apply_flags(struct relay_config *c, const struct relay_opts *o,
    struct tcpk_err *err)
{
	struct tcpk_endpoint	**eps;
	size_t			  i, j, all = 0, n = 0;
	int			  r;

	for (i = 0; i < c->n; i++)
		all += 1 + c->routes[i].neps;
	eps = calloc(all, sizeof(struct tcpk_endpoint *));
	if (eps == NULL)
		return no_memory(err);
	for (i = 0; i < c->n; i++) {
		eps[n++] = &c->routes[i].listen;
		for (j = 0; j < c->routes[i].neps; j++)
			eps[n++] = &c->routes[i].eps[j];
	}
	/* What is passed on came in pieces that suited its sender. */
	for (i = 0; i < n; i++)
		if (tcpk_endpoint_takes(eps[i], "nodelay"))
			tcpk_endpoint_default(eps[i], "nodelay", NULL, NULL);
	/* It says itself what is wrong. */
	r = opts_apply(o->flags, eps, n);
	free(eps);
	return r == 0 ? 0 : tcpk_err_set(err, TCPK_EUSAGE, "%s", "");
}

static int
add_stats(struct relay_config *c, const struct relay_opts *o,
    struct tcpk_err *err)
{
	struct relay_opts	plain = *o;
	char			*text;
	int			 r;

	if (o->stats_listen == NULL)
		return 0;
	text = strdup(o->stats_listen);
	if (text == NULL)
		return no_memory(err);
	plain.tls = false;
	r = add_route(c, RELAY_STATS, &text, 1, 0, &plain, err);
	if (r == -1)
		tcpk_err_wrap(err, "--stats-listen");
	free(text);
	return r;
}

static int
check_list(const char *name, const char *list, const char *file,
    struct tcpk_err *err)
{
	struct tcpk_acl	*acl;
	int		 r = 0;

	if (list == NULL && file == NULL)
		return 0;
	acl = tcpk_acl_new(NULL, NULL, err);
	if (acl == NULL)
		return -1;
	if (file != NULL)
		r = tcpk_acl_add_file(acl, file, err);
	if (r == 0 && list != NULL)
		r = tcpk_acl_add_text(acl, name, list, strlen(list), err);
	tcpk_acl_free(acl);
	return r;
}

/* A list that is wrong is so in this line of the file. */
static int
check_lists(const struct tcpk_options *o, struct tcpk_err *err)
{
	if (check_list("acl", o->acl, o->acl_file, err) == -1)
		return -1;
	return check_list("proxy-protocol", o->proxy_senders, NULL, err);
}

/* Now that no route is moved any more. */
static int
complete(struct relay_config *c, const struct relay_opts *o,
    const struct msg *m, struct tcpk_err *err)
{
	struct targets_opts	 to = {
		.balance = o->balance,
		.numeric = o->numeric,
		.msg = m
	};
	struct relay_route	*r;
	size_t			 i, j;

	c->listens = calloc(c->n, sizeof(struct tcpk_endpoint *));
	if (c->listens == NULL)
		return no_memory(err);
	for (i = 0; i < c->n; i++) {
		r = &c->routes[i];
		r->config = c;
		c->listens[i] = &r->listen;
		if (r->line != 0 && check_lists(&r->listen.o, err) == -1)
			return tcpk_err_wrap(err, "%.100s:%u", o->file,
			    r->line);
		if (r->neps == 0)
			continue;
		for (j = 0; j < r->neps; j++)
			r->tells |= r->eps[j].o.proxy_protocol != 0 ||
			    r->eps[j].scheme == TCPK_EXEC ||
			    r->eps[j].scheme == TCPK_SH;
		r->targets = targets_new(r->eps, r->neps, &to, err);
		if (r->targets == NULL)
			return r->line == 0 ? -1 : tcpk_err_wrap(err,
			    "%.100s:%u", o->file, r->line);
	}
	return 0;
}

int
relay_config_check(const struct relay_config *c, const struct relay_opts *o,
    struct tcpk_err *err)
{
	const struct relay_route	*r;
	size_t				 i;

	for (i = 0; i < c->n; i++) {
		r = &c->routes[i];
		if (tcpk_serve_check(&r->listen, o->numeric, err) == 0)
			continue;
		return r->line == 0 ? -1 : tcpk_err_wrap(err, "%.100s:%u",
		    o->file, r->line);
	}
	return 0;
}

struct relay_config *
relay_config_new(const struct relay_opts *o, const struct msg *m,
    struct tcpk_err *err)
{
	struct relay_config	*c = calloc(1, sizeof(*c));

	if (c == NULL) {
		no_memory(err);
		return NULL;
	}
	c->holds = 1;
	if ((o->file != NULL ? read_file(c, o, err) :
	    read_operands(c, o, err)) == -1 ||
	    apply_flags(c, o, err) == -1 || add_stats(c, o, err) == -1 ||
	    complete(c, o, m, err) == -1) {
		relay_config_release(c);
		return NULL;
	}
	return c;
}
