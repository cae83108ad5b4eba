/* The command line of tcpcat. */

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tcpcat_opts.h"

enum { OPT_QUIET = 256, OPT_JSON, OPT_STATS, OPT_DEADLINE, OPT_RECV_ONLY,
    OPT_SEND_ONLY, OPT_WAIT_STDIN, OPT_RECV_BYTES, OPT_RESET, OPT_VERSION,
    OPT_TLS, OPT_TLS_INFO, OPT_BROADCAST, OPT_TAG, OPT_GREET, OPT_USER,
    OPT_READY_FD, OPT_DRAIN, OPT_WORKERS };

static const struct opts_own	own[] = {
	{ 'l', "listen", NULL, "listen, and serve the first client" },
	{ 'k', "keep-open", NULL, "with -l: serve all who come" },
	{ 'm', NULL, "N", "with -lk: max-clients" },
	{ OPT_GREET, "greet", "TEXT", "with -l: send this first" },
	{ OPT_TAG, "tag", NULL, "with -lk: each line with who sent it" },
	{ OPT_BROADCAST, "broadcast", NULL, "with -lk: what one sends goes "
	    "to all" },
	{ OPT_WORKERS, "workers", "N", "with -lk and -e or -c: so many "
	    "processes" },
	{ OPT_DRAIN, "drain-timeout", "T", "with -lk: let clients finish for "
	    "T (10s)" },
	{ OPT_READY_FD, "ready-fd", "N", "with -lk: write the address there "
	    "when ready" },
	{ OPT_USER, "user", "NAME", "with -lk: give up root for this user" },
	{ 'p', NULL, "PORT", "source port; with -l the port to listen on" },
	{ 's', NULL, "ADDR", "source address; with -l where to listen" },
	{ '4', NULL, NULL, "only IPv4" },
	{ '6', NULL, NULL, "only IPv6" },
	{ 'n', NULL, NULL, "numeric addresses and ports only" },
	{ 'U', NULL, NULL, "the address is the path of a Unix socket" },
	{ 'w', NULL, "T", "connect-timeout and idle-timeout in one" },
	{ OPT_DEADLINE, "deadline", "T", "limit for the whole run" },
	{ 'q', NULL, "T", "leave at most T after the end of input" },
	{ 'N', NULL, NULL, "half-close at the end of input (the default)" },
	{ 'd', NULL, NULL, "the same as --recv-only" },
	{ OPT_RECV_ONLY, "recv-only", NULL, "read no input" },
	{ OPT_SEND_ONLY, "send-only", NULL, "write no output" },
	{ OPT_WAIT_STDIN, "wait-stdin", "=T", "after the peer's end, send on "
	    "until silent for T" },
	{ OPT_RECV_BYTES, "recv-bytes", "N", "leave after exactly N bytes" },
	{ 'e', NULL, "COMMAND", "join a program, not standard input/output" },
	{ 'c', NULL, "COMMAND", "the same, run by /bin/sh" },
	{ OPT_TLS, "tls", NULL, "the address is TLS, as is one with any "
	    "--tls-OPTION" },
	{ OPT_TLS_INFO, "tls-info", NULL, "print what TLS agrees on, and "
	    "leave" },
	{ OPT_RESET, "reset", NULL, "close by a reset, leave no TIME_WAIT" },
	{ OPT_STATS, "stats", NULL, "print totals at the end" },
	{ 'v', "verbose", NULL, "say what happens; -vv says more" },
	{ OPT_QUIET, "quiet", NULL, "only errors" },
	{ OPT_JSON, "json", NULL, "messages as JSON, one object a line" },
	{ 'h', "help", NULL, "show this" },
	{ OPT_VERSION, "version", NULL, "show the version" },
	{ 0, NULL, NULL, NULL }
};

static int
bad(const struct msg *m, const char *option, const struct tcpk_err *err)
{
	return msg_usage(m, "%s: %s", option, err->text);
}

static int
help(const struct opts *opts)
{
	printf("usage: tcpcat [options] ADDRESS\n"
	    "       tcpcat [options] HOST PORT\n"
	    "       tcpcat -l [options] [ADDRESS]\n"
	    "\n"
	    "Join standard input and output to an endpoint.\n"
	    "ADDRESS is HOST:PORT, [IPV6]:PORT, :PORT, tls://HOST:PORT, "
	    "unix:PATH,\nunix:@NAME, fd:N, exec:COMMAND or sh:COMMAND, with "
	    "options behind commas:\nHOST:PORT,nodelay\n\n");
	opts_help(opts);
	printf("\nTimes: 30, 1.5, 500ms, 2m, 1h.  Sizes: 512, 64k, 10M, 1G.\n"
	    "Exit status: 0 all arrived, 1 no connection, 2 usage, 3 no such "
	    "name,\n4 timed out, 5 TLS, 6 cut short, 7 local input or "
	    "output, 8 program.\n");
	return fflush(stdout) == 0 ? 0 : 7;
}

static int
take_wait_stdin(struct tcpcat_opts *o, const char *value,
    struct tcpk_err *err)
{
	o->wait_given = true;
	o->wait_stdin = TCPK_FOREVER;
	return value == NULL ? 0 :
	    tcpk_value_time(&o->wait_stdin, value, err);
}

static int
take_limit(uint64_t *value, const char *text, bool time, struct tcpk_err *err)
{
	if ((time ? tcpk_value_time(value, text, err) :
	    tcpk_value_size(value, text, err)) == -1)
		return -1;
	if (*value == 0)
		return tcpk_err_set(err, TCPK_EUSAGE, "0 is no limit; leave "
		    "the option out");
	return 0;
}

static int
take_fd(int *fd, const char *text, struct tcpk_err *err)
{
	uint64_t	n;

	if (tcpk_value_number(&n, text, 0, 65535, err) == -1)
		return -1;
	*fd = (int)n;
	return fcntl(*fd, F_GETFD) != -1 ? 0 : tcpk_err_errno(err,
	    TCPK_EUSAGE, errno, "descriptor %d", *fd);
}

/* One option that has a value.  -1 on a wrong one. */
static int
take_value(int c, struct tcpcat_opts *o, struct tcpcat_raw *raw,
    struct tcpk_err *err)
{
	uint64_t	t;

	switch (c) {
	case 'w':
		raw->wait = optarg;
		return tcpk_value_time(&t, optarg, err);
	case 'q':
		return tcpk_value_time(&o->quit_after, optarg, err);
	case OPT_DEADLINE:
		return take_limit(&o->deadline, optarg, true, err);
	case OPT_WORKERS:
		return tcpk_value_number(&o->workers, optarg, 1, 64, err);
	case OPT_DRAIN:
		return tcpk_value_time(&o->drain_timeout, optarg, err);
	case OPT_READY_FD:
		return take_fd(&o->ready_fd, optarg, err);
	case OPT_WAIT_STDIN:
		return take_wait_stdin(o, optarg, err);
	case OPT_RECV_BYTES:
		return take_limit(&o->recv_bytes, optarg, false, err);
	}
	return 0;
}

static const char *
option_name(int c, char buf[32])
{
	const struct opts_own	*w;

	for (w = own; w->letter != c; w++)
		continue;
	if (w->name != NULL)
		snprintf(buf, 32, "--%s", w->name);
	else
		snprintf(buf, 32, "-%c", c);
	return buf;
}

/* The options that only switch something on. */
static bool *
find_switch(int c, struct tcpcat_opts *o, struct tcpcat_raw *raw, struct msg *m)
{
	switch (c) {
	case 'l':
		return &o->listen;
	case 'n':
		return &o->numeric;
	case '4':
		return &raw->v4;
	case '6':
		return &raw->v6;
	case 'U':
		return &raw->unix_path;
	case 'd':
	case OPT_RECV_ONLY:
		return &o->recv_only;
	case OPT_SEND_ONLY:
		return &o->send_only;
	case 'k':
		return &o->keep;
	case OPT_BROADCAST:
		return &o->broadcast;
	case OPT_TAG:
		return &o->tag;
	case OPT_TLS:
		return &raw->tls;
	case OPT_TLS_INFO:
		return &o->tls_info;
	case OPT_RESET:
		return &o->reset;
	case OPT_STATS:
		return &o->stats;
	case OPT_QUIET:
		return &m->quiet;
	case OPT_JSON:
		return &m->json;
	default:
		return NULL;
	}
}

static int
take_option(int c, struct tcpcat_opts *o, struct tcpcat_raw *raw, struct msg *m,
    struct opts *opts)
{
	struct tcpk_err	 err;
	bool		*on = find_switch(c, o, raw, m);
	char		 name[32];

	if (on != NULL) {
		*on = true;
		return -1;
	}
	switch (c) {
	case 0:
	case 'N':
		break;
	case 'p':
		raw->port = optarg;
		break;
	case 's':
		raw->source = optarg;
		break;
	case 'e':
		raw->exec = optarg;
		break;
	case 'c':
		raw->shell = optarg;
		break;
	case 'm':
		opts_flag(opts, "max-clients", optarg);
		break;
	case OPT_GREET:
		o->greet = optarg;
		break;
	case OPT_USER:
		o->user = optarg;
		break;
	case 'v':
		m->verbose++;
		break;
	case 'h':
		return help(opts);
	case OPT_VERSION:
		printf("tcpcat %s\n", PACKAGE_VERSION);
		return fflush(stdout) == 0 ? 0 : 7;
	case '?':
		return 2;
	default:
		if (take_value(c, o, raw, &err) == -1)
			return bad(m, option_name(c, name), &err);
	}
	return -1;
}

static int
check(const struct tcpcat_opts *o, const struct tcpcat_raw *raw, const struct msg *m)
{
	if (raw->v4 && raw->v6)
		return msg_usage(m, "-4 and -6 exclude each other");
	if (raw->exec != NULL && raw->shell != NULL)
		return msg_usage(m, "-e and -c exclude each other");
	if (o->recv_only && o->send_only)
		return msg_usage(m,
		    "--recv-only and --send-only exclude each other");
	if (o->recv_bytes != 0 && o->send_only)
		return msg_usage(m,
		    "--recv-bytes and --send-only exclude each other");
	if (o->keep && !o->listen)
		return msg_usage(m, "-k goes with -l");
	if ((o->tag || o->broadcast) && !o->keep)
		return msg_usage(m, "%s goes with -lk",
		    o->tag ? "--tag" : "--broadcast");
	if (o->greet != NULL && !o->listen)
		return msg_usage(m, "--greet goes with -l");
	if ((o->user != NULL || o->ready_fd != -1) && !o->keep)
		return msg_usage(m, "%s goes with -lk",
		    o->user != NULL ? "--user" : "--ready-fd");
	if (o->workers > 1 && (!o->keep ||
	    (raw->exec == NULL && raw->shell == NULL)))
		return msg_usage(m, "--workers goes with -lk and -e or -c: "
		    "who shares standard output is served by one process");
	if ((raw->exec != NULL || raw->shell != NULL) &&
	    (o->tag || o->broadcast))
		return msg_usage(m, "-e and -c exclude --tag and --broadcast");
	if (o->keep && (o->recv_bytes != 0 || o->reset || o->wait_given ||
	    o->quit_after != TCPK_FOREVER))
		return msg_usage(m, "-k excludes --recv-bytes, --reset, "
		    "--wait-stdin and -q");
	if (o->tls_info && o->listen)
		return msg_usage(m, "--tls-info and -l exclude each other");
	if (raw->unix_path && (raw->port != NULL || raw->source != NULL))
		return msg_usage(m, "-U excludes -p and -s");
	return -1;
}

int
tcpcat_options(struct tcpcat_opts *o, struct msg *m, int argc, char **argv)
{
	struct opts	opts;
	struct tcpcat_raw	raw = { 0 };
	int		c, status = -1;

	memset(o, 0, sizeof(*o));
	o->quit_after = TCPK_FOREVER;
	o->drain_timeout = 10 * TCPK_SECOND;
	o->ready_fd = -1;
	opts_init(&opts, m, own);
	while (status == -1 && (c = opts_next(&opts, argc, argv)) != -1)
		status = take_option(c, o, &raw, m, &opts);
	if (status == -1)
		status = check(o, &raw, m);
	if (status == -1)
		status = tcpcat_addresses(o, &raw, &opts, argc - optind,
		    argv + optind, m);
	opts_free(&opts);
	if (status != -1)
		tcpcat_options_free(o);
	return status;
}

void
tcpcat_options_free(struct tcpcat_opts *o)
{
	tcpk_endpoint_free(&o->remote);
	tcpk_endpoint_free(&o->local);
}
