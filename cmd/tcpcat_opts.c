/* The command line of tcpcat. */

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <tcpkit/value.h>

#include "tcpcat_opts.h"
#include "tcpcat_scan.h"

enum { OPT_QUIET = 256, OPT_JSON, OPT_STATS, OPT_DEADLINE, OPT_RECV_ONLY,
    OPT_SEND_ONLY, OPT_WAIT_STDIN, OPT_RECV_BYTES, OPT_RESET, OPT_VERSION,
    OPT_TLS, OPT_TLS_INFO, OPT_BROADCAST, OPT_TAG, OPT_GREET, OPT_USER,
    OPT_READY_FD, OPT_DRAIN, OPT_WORKERS, OPT_RETRY, OPT_RECONNECT,
    OPT_PROGRESS, OPT_SHA256, OPT_HEXDUMP, OPT_CAPTURE };

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
	{ 'u', NULL, NULL, "the address is UDP" },
	{ 'U', NULL, NULL, "the address is the path of a Unix socket" },
	{ 'z', NULL, NULL, "scan: print the ports that accept" },
	{ 'w', NULL, "T", "connect-timeout and idle-timeout in one" },
	{ OPT_DEADLINE, "deadline", "T", "limit for the whole run" },
	{ OPT_RETRY, "retry", "=N", "try a failed connection again, N times" },
	{ OPT_RECONNECT, "reconnect", "=T", "connect again whenever it ends, "
	    "every T at last (30s)" },
	{ 'q', NULL, "T", "leave at most T after the end of input" },
	{ 'N', NULL, NULL, "half-close at the end of input (the default)" },
	{ 'd', NULL, NULL, "the same as --recv-only" },
	{ OPT_RECV_ONLY, "recv-only", NULL, "read no input" },
	{ OPT_SEND_ONLY, "send-only", NULL, "write no output" },
	{ OPT_WAIT_STDIN, "wait-stdin", "=T", "after the peer's end, send on "
	    "until silent for T" },
	{ OPT_RECV_BYTES, "recv-bytes", "N", "leave after exactly N bytes" },
	{ 'C', "crlf", NULL, "send CRLF line ends" },
	{ 'i', NULL, "T", "send lines one by one, T apart" },
	{ 'e', NULL, "COMMAND", "join a program, not standard input/output" },
	{ 'c', NULL, "COMMAND", "the same, run by /bin/sh" },
	{ OPT_TLS, "tls", NULL, "the address is TLS, as is one with any "
	    "--tls-OPTION" },
	{ OPT_TLS_INFO, "tls-info", NULL, "print what TLS agrees on, and "
	    "leave" },
	{ OPT_RESET, "reset", NULL, "close by a reset, leave no TIME_WAIT" },
	{ OPT_STATS, "stats", NULL, "print totals at the end" },
	{ OPT_PROGRESS, "progress", NULL, "show how far it is, on a "
	    "terminal" },
	{ OPT_SHA256, "sha256", NULL, "print digests of what was sent and "
	    "received" },
	{ OPT_HEXDUMP, "hexdump", "FILE", "record both directions as text" },
	{ OPT_CAPTURE, "capture", "FILE", "record both directions as pcapng" },
	{ 'v', "verbose", NULL, "say what happens; -vv says more" },
	{ OPT_QUIET, "quiet", NULL, "only errors" },
	{ OPT_JSON, "json", NULL, "messages as JSON, one object a line" },
	{ 'h', "help", NULL, "show this" },
	{ OPT_VERSION, "version", NULL, "show the version" },
	{ 0, NULL, NULL, NULL }
};

static const struct opts_value	values[] = {
#define AT(x)	offsetof(struct tcpcat_opts, x)
	{ 'l', OPTS_SWITCH, AT(listen), 0, 0, NULL },
	{ 'k', OPTS_SWITCH, AT(keep), 0, 0, NULL },
	{ 'n', OPTS_SWITCH, AT(numeric), 0, 0, NULL },
	{ 'd', OPTS_SWITCH, AT(recv_only), 0, 0, NULL },
	{ OPT_RECV_ONLY, OPTS_SWITCH, AT(recv_only), 0, 0, NULL },
	{ OPT_SEND_ONLY, OPTS_SWITCH, AT(send_only), 0, 0, NULL },
	{ OPT_BROADCAST, OPTS_SWITCH, AT(broadcast), 0, 0, NULL },
	{ OPT_TAG, OPTS_SWITCH, AT(tag), 0, 0, NULL },
	{ OPT_TLS_INFO, OPTS_SWITCH, AT(tls_info), 0, 0, NULL },
	{ OPT_RESET, OPTS_SWITCH, AT(reset), 0, 0, NULL },
	{ OPT_STATS, OPTS_SWITCH, AT(stats), 0, 0, NULL },
	{ OPT_PROGRESS, OPTS_SWITCH, AT(progress), 0, 0, NULL },
	{ OPT_SHA256, OPTS_SWITCH, AT(sha256), 0, 0, NULL },
	{ 'z', OPTS_SWITCH, AT(scan), 0, 0, NULL },
	{ 'C', OPTS_SWITCH, AT(crlf), 0, 0, NULL },
	{ 'i', OPTS_TIME, AT(line_interval), 0, 0, NULL },
	{ 'q', OPTS_TIME, AT(quit_after), 0, 0, NULL },
	{ OPT_DEADLINE, OPTS_TIME, AT(deadline), 1, 0, NULL },
	{ OPT_DRAIN, OPTS_TIME, AT(drain_timeout), 0, 0, NULL },
	{ OPT_WAIT_STDIN, OPTS_TIME, AT(wait_stdin), 0, 0, NULL },
	{ OPT_RECONNECT, OPTS_TIME, AT(reconnect_most), 1, 0, NULL },
	{ OPT_RECV_BYTES, OPTS_SIZE, AT(recv_bytes), 1, 0, NULL },
	{ OPT_WORKERS, OPTS_NUMBER, AT(workers), 1, 64, NULL },
	{ OPT_RETRY, OPTS_NUMBER, AT(retries), 0, 0, NULL },
	{ OPT_READY_FD, OPTS_FD, AT(ready_fd), 0, 0, NULL },
	{ OPT_GREET, OPTS_TEXT, AT(greet), 0, 0, NULL },
	{ OPT_USER, OPTS_TEXT, AT(user), 0, 0, NULL },
	{ OPT_HEXDUMP, OPTS_TEXT, AT(hexdump), 0, 0, NULL },
	{ OPT_CAPTURE, OPTS_TEXT, AT(capture), 0, 0, NULL },
#undef AT
};

/* Those that become part of something else. */
static const struct opts_value	raw_values[] = {
#define AT(x)	offsetof(struct tcpcat_raw, x)
	{ '4', OPTS_SWITCH, AT(v4), 0, 0, NULL },
	{ '6', OPTS_SWITCH, AT(v6), 0, 0, NULL },
	{ 'u', OPTS_SWITCH, AT(udp), 0, 0, NULL },
	{ 'U', OPTS_SWITCH, AT(unix_path), 0, 0, NULL },
	{ OPT_TLS, OPTS_SWITCH, AT(tls), 0, 0, NULL },
	{ 'p', OPTS_TEXT, AT(port), 0, 0, NULL },
	{ 's', OPTS_TEXT, AT(source), 0, 0, NULL },
	{ 'e', OPTS_TEXT, AT(exec), 0, 0, NULL },
	{ 'c', OPTS_TEXT, AT(shell), 0, 0, NULL },
	{ 'w', OPTS_TEXT, AT(wait), 0, 0, NULL },
#undef AT
};

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static int
help(const struct opts *opts)
{
	printf("usage: tcpcat [options] ADDRESS\n"
	    "       tcpcat [options] HOST PORT\n"
	    "       tcpcat -l [options] [ADDRESS]\n"
	    "       tcpcat -z [options] HOST:PORTS...\n"
	    "\n"
	    "Join standard input and output to an endpoint.\n"
	    "ADDRESS is HOST:PORT, [IPV6]:PORT, :PORT, tls://HOST:PORT, "
	    "udp://HOST:PORT,\nunix:PATH, unix:@NAME, fd:N, exec:COMMAND or "
	    "sh:COMMAND, with options behind\ncommas: HOST:PORT,nodelay.  "
	    "PORTS are 22,80,8000-8100.\n\n");
	opts_help(opts);
	printf("\nTimes: 30, 1.5, 500ms, 2m, 1h.  Sizes: 512, 64k, 10M, 1G.\n"
	    "Exit status: 0 all arrived, 1 no connection, 2 usage, 3 no such "
	    "name,\n4 timed out, 5 TLS, 6 cut short, 7 local input or "
	    "output, 8 program.\n");
	return opts_printed(opts);
}

/* Options whose being there says something, with or without a value. */
static void
note(int c, struct tcpcat_opts *o)
{
	switch (c) {
	case OPT_WAIT_STDIN:
		o->wait_given = true;
		o->wait_stdin = TCPK_FOREVER;
		break;
	case OPT_DRAIN:
		o->drain_given = true;
		break;
	case OPT_RETRY:
		o->retry = true;
		o->retries = UINT64_MAX;
		break;
	case OPT_RECONNECT:
		o->reconnect = true;
		break;
	}
}

static int
take_option(int c, struct tcpcat_opts *o, struct tcpcat_raw *raw,
    struct msg *m, struct opts *opts)
{
	struct tcpk_err	 err;
	uint64_t	 t;
	char		 name[32];

	switch (c) {
	case 0:
	case 'N':
		return -1;
	case 'm':
		opts_flag_as(opts, "max-clients", optarg, "-m");
		return -1;
	case OPT_QUIET:
		m->quiet = true;
		return -1;
	case OPT_JSON:
		m->json = true;
		return -1;
	case 'v':
		m->verbose++;
		return -1;
	case 'h':
		return help(opts);
	case OPT_VERSION:
		printf("tcpcat %s\n", PACKAGE_VERSION);
		return opts_printed(opts);
	case '?':
		return 2;
	}
	note(c, o);
	if (opts_value(values, COUNT(values), c, optarg, o, &err) == -1 ||
	    opts_value(raw_values, COUNT(raw_values), c, optarg, raw,
	    &err) == -1 ||
	    (c == 'w' && tcpk_value_time(&t, optarg, &err) == -1))
		return msg_usage(m, "%s: %s", opts_name(own, c, name),
		    err.text);
	return -1;
}

int
tcpcat_options(struct tcpcat_opts *o, struct msg *m, int argc, char **argv,
    bool pipe_ignored)
{
	struct tcpcat_raw	raw = { 0 };
	struct opts		opts;
	int			c, status = -1;

	memset(o, 0, sizeof(*o));
	o->quit_after = TCPK_FOREVER;
	o->drain_timeout = 10 * TCPK_SECOND;
	o->ready_fd = -1;
	o->reconnect_most = 30 * TCPK_SECOND;
	opts_init(&opts, m, own, 1u << TCPK_CONNECT | 1u << TCPK_LISTEN);
	while (status == -1 && (c = opts_next(&opts, argc, argv)) != -1)
		status = take_option(c, o, &raw, m, &opts);
	if (status == -1)
		status = opts_family(&opts, raw.v4, raw.v6);
	if (status == -1)
		status = tcpcat_check(o, &raw, &opts, m);
	if (status == -1 && o->scan) {
		tcpcat_scan_flags(&raw, &opts);
		status = tcpcat_scan(o, &opts, m, argc - optind,
		    argv + optind, pipe_ignored);
	} else if (status == -1)
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
