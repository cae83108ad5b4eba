/* tcpcat's operands and flags become the addresses of its two ends. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tcpkit/value.h>

#include "tcpcat_opts.h"

/* A host may be an IPv6 address without brackets where it stands alone. */
static char *
join(const char *host, const char *port)
{
	char	*text;
	bool	 bare;

	bare = host[0] != '[' && strchr(host, ':') != NULL &&
	    strstr(host, "://") == NULL;
	if (asprintf(&text, bare ? "[%s]:%s" : "%s:%s", host, port) == -1)
		return NULL;
	return text;
}

/* A bare port, :port or *:port: no host of its own; its port, or NULL. */
static const char *
port_of(const char *operand)
{
	if (operand[0] == ':')
		return operand + 1;
	if (strncmp(operand, "*:", 2) == 0)
		return operand + 2;
	return strchr(operand, ':') == NULL ? operand : NULL;
}

/* A host without a port: a name, or an IPv6 address without brackets. */
static bool
is_host(const char *operand)
{
	const char	*colon = strchr(operand, ':');

	if (colon != NULL)
		return strchr(colon + 1, ':') != NULL;
	return operand[strspn(operand, "0123456789")] != '\0';
}

/* The address to listen on, from -s, -p and at most two operands. */
static char *
listen_text(const struct tcpcat_raw *raw, int argc, char **argv,
    const struct msg *m)
{
	const char	*host = raw->source, *port = raw->port;

	if (argc == 0)
		return join(host != NULL ? host : "",
		    port != NULL ? port : "0");
	if (host == NULL && port == NULL)
		return argc == 2 ? join(argv[0], argv[1]) : strdup(argv[0]);
	if (argc == 1 && port == NULL && port_of(argv[0]) != NULL)
		return join(host, port_of(argv[0]));
	if (argc == 1 && host == NULL && is_host(argv[0]))
		return join(argv[0], port);
	msg_usage(m, "%s: the address says already what %s says", argv[0],
	    port != NULL ? "-p" : "-s");
	return NULL;
}

/* In an address, a comma that separates nothing is escaped. */
static char *
with_commas(const char *scheme, const char *place)
{
	const char	*p;
	char		*text, *to;

	text = malloc(strlen(scheme) + 2 * strlen(place) + 1);
	if (text == NULL)
		return NULL;
	to = stpcpy(text, scheme);
	for (p = place; *p != '\0'; p++) {
		if (*p == ',')
			*to++ = '\\';
		*to++ = *p;
	}
	*to = '\0';
	return text;
}

/* -s and -p; source is to be freed when the options are. */
static void
set_source(const struct tcpcat_raw *raw, struct opts *opts, char **source)
{
	if (raw->port != NULL)
		*source = join(raw->source != NULL ? raw->source : "",
		    raw->port);
	else if (raw->source != NULL)
		*source = strdup(raw->source);
	if (*source != NULL)
		opts_flag_as(opts, "source", *source, raw->port == NULL ?
		    "-s" : raw->source == NULL ? "-p" : "-s and -p");
}

static char *
remote_text(struct tcpcat_opts *o, const struct tcpcat_raw *raw,
    struct opts *opts, char **source, int argc, char **argv,
    const struct msg *m)
{
	if (argc > 2 || (argc == 2 && raw->unix_path)) {
		tcpk_endpoint_hide(argv[raw->unix_path ? 1 : 2]);
		msg_usage(m, "too many addresses: %s",
		    argv[raw->unix_path ? 1 : 2]);
		return NULL;
	}
	if (argc == 0 && (!o->listen || raw->unix_path)) {
		msg_usage(m, "no address given");
		return NULL;
	}
	if (raw->unix_path)
		return with_commas("unix:", argv[0]);
	if (o->listen)
		return listen_text(raw, argc, argv, m);
	set_source(raw, opts, source);
	return argc == 2 ? join(argv[0], argv[1]) : strdup(argv[0]);
}

static char *
program_text(const struct tcpcat_raw *raw)
{
	if (raw->exec != NULL)
		return with_commas("exec:", raw->exec);
	if (raw->shell != NULL)
		return with_commas("sh:", raw->shell);
	return strdup("-");
}

void
tcpcat_scan_flags(const struct tcpcat_raw *raw, struct opts *opts)
{
	if (raw->source != NULL)
		opts_flag_as(opts, "source", raw->source, "-s");
	if (raw->wait != NULL)
		opts_flag_as(opts, "connect-timeout", raw->wait, "-w");
}

/* Datagrams come from anyone: there are no connections to be kept apart. */
static int
check_senders(const struct tcpcat_opts *o, const struct msg *m)
{
	const char	*not = NULL;

	if (o->local.scheme != TCPK_STDIO)
		not = "a program (-e, -c)";
	else if (o->keep && o->sha256)
		not = "--sha256 with -k";
	else if (o->keep && (o->hexdump != NULL || o->capture != NULL))
		not = o->hexdump != NULL ? "--hexdump with -k" :
		    "--capture with -k";
	else if (o->reset)
		not = "--reset";
	return not == NULL ? -1 : msg_usage(m, "%s: %s does not go with "
	    "listening on udp", o->remote.text, not);
}

/*
 * A socket has no clients that could be idle, or too many; who sends to it
 * are one stream here, for which these flags mean something.
 */
static int
take_for_senders(struct tcpcat_opts *o, struct opts *opts,
    const struct msg *m)
{
	struct tcpk_err	 err;
	const char	*name, *value;
	uint64_t	 n = 0;
	size_t		 i;
	int		 r;

	for (i = 0; i < opts->nnames; i++) {
		name = opts->names[i];
		value = opts->flags[i];
		if (value == NULL)
			continue;
		if (strcmp(name, "idle-timeout") == 0) {
			r = tcpk_value_time(&n, value, &err);
			if (r == 0 && n == 0)
				r = tcpk_err_set(&err, TCPK_EUSAGE,
				    "\"0\" is too short; leave it out "
				    "for no limit");
			o->remote.o.idle_timeout = n;
		} else if (strcmp(name, "max-clients") == 0) {
			r = tcpk_value_number(&n, value, 1, INT32_MAX, &err);
			o->remote.o.max_clients = n;
		} else
			continue;
		if (r == -1)
			return msg_usage(m, "--%s: %s", name, err.text);
		opts->flags[i] = NULL;
	}
	return -1;
}

static void
wrong_scheme(const struct tcpcat_opts *o, const struct tcpcat_raw *raw,
    const struct opts *opts, const struct msg *m)
{
	const char	*flag = "tls";

	if (o->remote.scheme != TCPK_UDP && raw->udp)
		msg_usage(m, "%s is not UDP, and -u asks for it",
		    o->remote.text);
	else {
		if (!raw->tls)
			flag = o->tls_info ? "tls-info" :
			    opts_tls_flag(opts);
		msg_usage(m, "%s is not TLS, and --%s asks for it",
		    o->remote.text, flag);
	}
}

/* Who has no reset to close by? */
static int
check_reset(const struct tcpcat_opts *o, const struct msg *m)
{
	switch (o->remote.scheme) {
	case TCPK_TCP:
	case TCPK_TLS:
	case TCPK_FD:
		return -1;
	default:
		return !o->reset ? -1 : msg_usage(m, "%s: --reset is for "
		    "TCP and TLS", o->remote.text);
	}
}

int
tcpcat_addresses(struct tcpcat_opts *o, const struct tcpcat_raw *raw,
    struct opts *opts, int argc, char **argv, const struct msg *m)
{
	struct tcpk_endpoint	*eps[] = { &o->remote };
	struct tcpk_err		 err;
	char			*remote, *local, *source = NULL;
	enum tcpk_scheme	 scheme = TCPK_TCP;
	bool			 tls;
	int			 status = 2;

	tls = raw->tls || o->tls_info || opts_any_tls(opts);
	if (tls)
		scheme = TCPK_TLS;
	else if (raw->udp)
		scheme = TCPK_UDP;
	local = program_text(raw);
	remote = remote_text(o, raw, opts, &source, argc, argv, m);
	if (remote == NULL || local == NULL)
		goto out;
	if (tcpk_endpoint_parse(&o->local, local, TCPK_CONNECT, &err) == -1) {
		msg_usage(m, "%s: %s", raw->exec != NULL ? "-e" : "-c",
		    err.text);
		goto out;
	}
	if (tcpk_endpoint_parse_as(&o->remote, remote, o->listen ?
	    TCPK_LISTEN : TCPK_CONNECT, scheme, &err) == -1) {
		msg_usage(m, "%s", err.text);
		goto out;
	}
	if (scheme != TCPK_TCP && o->remote.scheme != scheme) {
		wrong_scheme(o, raw, opts, m);
		goto out;
	}
	if (raw->wait != NULL) {
		opts_flag_as(opts, "idle-timeout", raw->wait, "-w");
		if (tcpk_endpoint_takes(&o->remote, "connect-timeout"))
			opts_flag_as(opts, "connect-timeout", raw->wait,
			    "-w");
	}
	if (o->remote.scheme == TCPK_STDIO && o->local.scheme == TCPK_STDIO) {
		msg_usage(m, "-: standard input and output are this side "
		    "already; give the other");
		goto out;
	}
	if (o->remote.scheme == TCPK_FD && o->remote.fd <= STDOUT_FILENO &&
	    o->local.scheme == TCPK_STDIO) {
		msg_usage(m, "fd:%d is this side already; join it with -e, "
		    "-c, or give another", o->remote.fd);
		goto out;
	}
	if (o->listen && o->remote.scheme == TCPK_UDP) {
		status = check_senders(o, m);
		if (status == -1)
			status = take_for_senders(o, opts, m);
		if (status != -1)
			goto out;
	}
	status = opts_apply(opts, eps, 1) == 0 ? check_reset(o, m) : 2;
out:
	if (remote != NULL)
		explicit_bzero(remote, strlen(remote));
	free(remote);
	free(local);
	free(source);
	return status;
}
