/* The command line of tcpecho. */

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "opts_values.h"
#include "tcpecho.h"
#include "tcpecho_verify.h"

#define SIZE_DEFAULT		64
#define FLOOD_SIZE_DEFAULT	(16 * 1024)
#define SIZE_MAX_BYTES		(UINT64_C(1) << 30)
#define PARALLEL_MAX		10000

/* Those of the client only, of the server only, of both: in this order. */
enum { OPT_COUNT = 256, OPT_INTERVAL, OPT_SIZE, OPT_MESSAGE, OPT_PARALLEL,
    OPT_DURATION, OPT_FLOOD, OPT_RECONNECT, OPT_PER_CONNECTION, OPT_WAIT,
    OPT_MAX_RTT, OPT_HISTOGRAM,
    OPT_GREET, OPT_REPLY, OPT_DISCARD, OPT_CHARGEN, OPT_DELAY, OPT_WORKERS,
    OPT_DRAIN, OPT_READY_FD, OPT_USER,
    OPT_CLIENT, OPT_TLS, OPT_QUIET, OPT_JSON, OPT_VERSION };

#define OPT_CLIENT_LAST	OPT_HISTOGRAM
#define OPT_SERVER_LAST	OPT_USER

static const struct opts_own	own[] = {
	{ OPT_CLIENT, "client", NULL, "measure a server, not be one" },
	{ OPT_COUNT, "count", "N", "leave after N messages (on each of "
	    "--parallel)" },
	{ OPT_INTERVAL, "interval", "T", "one every T (1s)" },
	{ OPT_SIZE, "size", "BYTES", "of each (64, with --flood 16k)" },
	{ OPT_MESSAGE, "message", "TEXT", "send this, not numbered messages" },
	{ OPT_PARALLEL, "parallel", "N", "so many connections at once" },
	{ OPT_DURATION, "duration", "T", "send no more after T" },
	{ OPT_FLOOD, "flood", NULL, "as much as the path takes" },
	{ OPT_RECONNECT, "reconnect", "=T", "go on after a failure, waiting "
	    "0.5s up to T (30s)" },
	{ OPT_PER_CONNECTION, "per-connection", "N", "leave and connect "
	    "again after N messages" },
	{ OPT_WAIT, "wait", "T", "wait T after connecting, and before "
	    "leaving" },
	{ OPT_MAX_RTT, "max-rtt", "T", "status 6 if p99 is over T" },
	{ OPT_HISTOGRAM, "histogram", NULL, "draw the round trips" },
	{ OPT_GREET, "greet", "TEXT", "serving: send this first" },
	{ OPT_REPLY, "reply", "TEXT", "serving: answer this to every "
	    "message" },
	{ OPT_DISCARD, "discard", NULL, "serving: answer nothing (RFC 863)" },
	{ OPT_CHARGEN, "chargen", NULL, "serving: send characters (RFC 864)" },
	{ OPT_DELAY, "delay", "T", "serving: answer after T" },
	{ 'm', NULL, "N", "serving: max-clients" },
	{ OPT_WORKERS, "workers", "N", "serving: in N processes (1)" },
	{ OPT_DRAIN, "drain-timeout", "T", "serving: let clients finish for "
	    "T (10s)" },
	{ OPT_READY_FD, "ready-fd", "N", "serving: write the address there "
	    "when ready" },
	{ OPT_USER, "user", "NAME", "serving: give up root for this user" },
	{ '4', NULL, NULL, "only IPv4" },
	{ '6', NULL, NULL, "only IPv6" },
	{ 'n', NULL, NULL, "numeric addresses and ports only" },
	{ OPT_TLS, "tls", NULL, "the address is TLS, as is one with any "
	    "--tls-OPTION" },
	{ 'v', "verbose", NULL, "say what happens; -vv says more" },
	{ OPT_QUIET, "quiet", NULL, "only errors" },
	{ OPT_JSON, "json", NULL, "messages and results as JSON, one object "
	    "a line" },
	{ 'h', "help", NULL, "show this" },
	{ OPT_VERSION, "version", NULL, "show the version" },
	{ 0, NULL, NULL, NULL }
};

/* The options that fill in one thing, and what the least and most are. */
static const struct opts_value	values[] = {
#define AT(x)	offsetof(struct tcpecho_opts, x)
	{ OPT_COUNT, OPTS_NUMBER, AT(client.count), 1, UINT64_MAX / 2,
	    NULL },
	{ OPT_INTERVAL, OPTS_TIME, AT(client.interval), 1000, 0,
	    "is too short; --flood sends without a pause" },
	{ OPT_SIZE, OPTS_SIZE, AT(client.size), VERIFY_HEADER, SIZE_MAX_BYTES,
	    "is not within 16 and 1G; --message sends less" },
	{ OPT_PARALLEL, OPTS_NUMBER, AT(client.parallel), 1, PARALLEL_MAX,
	    NULL },
	{ OPT_DURATION, OPTS_TIME, AT(client.duration), 1, 0, NULL },
	{ OPT_RECONNECT, OPTS_TIME, AT(client.back_off), 1, 0, NULL },
	{ OPT_PER_CONNECTION, OPTS_NUMBER, AT(client.per_connection), 1,
	    UINT64_MAX / 2, NULL },
	{ OPT_WAIT, OPTS_TIME, AT(client.wait), 0, 0, NULL },
	{ OPT_MAX_RTT, OPTS_TIME, AT(client.max_rtt), 1, 0, NULL },
	{ OPT_DELAY, OPTS_TIME, AT(server.delay), 0, 0, NULL },
	{ OPT_WORKERS, OPTS_NUMBER, AT(server.workers), 1, 64, NULL },
	{ OPT_DRAIN, OPTS_TIME, AT(server.drain_timeout), 0, 0, NULL },
	{ OPT_READY_FD, OPTS_FD, AT(server.ready_fd), 0, 0, NULL },
	{ OPT_MESSAGE, OPTS_TEXT, AT(client.message), 0, 0, NULL },
	{ OPT_GREET, OPTS_TEXT, AT(server.greet), 0, 0, NULL },
	{ OPT_REPLY, OPTS_TEXT, AT(server.reply), 0, 0, NULL },
	{ OPT_USER, OPTS_TEXT, AT(server.user), 0, 0, NULL },
	{ OPT_CLIENT, OPTS_SWITCH, AT(is_client), 0, 0, NULL },
	{ OPT_FLOOD, OPTS_SWITCH, AT(client.flood), 0, 0, NULL },
	{ OPT_HISTOGRAM, OPTS_SWITCH, AT(client.histogram), 0, 0, NULL },
	{ OPT_DISCARD, OPTS_SWITCH, AT(server.discard), 0, 0, NULL },
	{ OPT_CHARGEN, OPTS_SWITCH, AT(server.chargen), 0, 0, NULL },
	{ 'n', OPTS_SWITCH, AT(numeric), 0, 0, NULL },
};

#define NVALUES	(sizeof(values) / sizeof(values[0]))

/* What is needed only until the addresses are parsed. */
struct raw {
	bool		 v4, v6, tls, interval;
	int		 of_client, of_server;	/* an option of either, or 0 */
};

static int
help(const struct opts *opts)
{
	printf("usage: tcpecho [options] ADDRESS...\n"
	    "       tcpecho --client [options] ADDRESS\n"
	    "\n"
	    "Send back what clients send; or measure a server that does, and "
	    "check every\nbyte.  ADDRESS is HOST:PORT, [IPV6]:PORT, :PORT, "
	    "tls://HOST:PORT, unix:PATH,\nunix:@NAME, fd:N, exec:COMMAND or "
	    "sh:COMMAND, with options behind commas:\nHOST:PORT,nodelay\n\n");
	opts_help(opts);
	printf("\nTimes: 30, 1.5, 500ms, 2m, 1h.  Sizes: 512, 64k, 10M, 1G.\n"
	    "Exit status: 0 all came back, 1 no connection, 2 usage, 3 no "
	    "such name,\n4 timed out, 5 TLS, 6 a reply was lost or wrong, 7 "
	    "local input or output, 8 program.\n");
	return opts_printed(opts);
}

static int
take_option(int c, struct tcpecho_opts *o, struct raw *raw, struct msg *m,
    struct opts *opts)
{
	struct tcpk_err	err;
	char		name[32];

	if (c >= OPT_COUNT && c <= OPT_CLIENT_LAST)
		raw->of_client = c;
	else if ((c > OPT_CLIENT_LAST && c <= OPT_SERVER_LAST) || c == 'm')
		raw->of_server = c;
	if (c == OPT_INTERVAL)
		raw->interval = true;
	if (c == OPT_RECONNECT)
		o->client.reconnect = true;
	switch (c) {
	case 'm':
		opts_flag_as(opts, "max-clients", optarg, "-m");
		break;
	case '4':
		raw->v4 = true;
		break;
	case '6':
		raw->v6 = true;
		break;
	case OPT_TLS:
		raw->tls = true;
		break;
	case 'v':
		m->verbose++;
		break;
	case OPT_QUIET:
		m->quiet = true;
		break;
	case OPT_JSON:
		m->json = true;
		break;
	case 'h':
		return help(opts);
	case OPT_VERSION:
		printf("tcpecho %s\n", PACKAGE_VERSION);
		return opts_printed(opts);
	case '?':
		return 2;
	default:
		if (opts_value(values, NVALUES, c, optarg, o, &err) == -1)
			return msg_usage(m, "%s: %s", opts_name(own, c, name),
			    err.text);
	}
	return -1;
}

static int
check_client(struct tcpecho_client_opts *o, const struct raw *raw,
    const struct msg *m)
{
	char	name[32];

	if (raw->of_server != 0)
		return msg_usage(m, "%s is for serving, not for --client",
		    opts_name(own, raw->of_server, name));
	if (o->flood && raw->interval)
		return msg_usage(m, "--flood and --interval exclude each "
		    "other");
	if (o->message != NULL && o->size != 0)
		return msg_usage(m, "--message and --size exclude each other");
	if (o->message != NULL && o->message[0] == '\0')
		return msg_usage(m, "--message: nothing to send");
	if (o->message != NULL)
		o->size = strlen(o->message);
	else if (o->size == 0)
		o->size = o->flood ? FLOOD_SIZE_DEFAULT : SIZE_DEFAULT;
	return -1;
}

static int
check(struct tcpecho_opts *o, const struct raw *raw, const struct msg *m)
{
	const struct tcpecho_server_opts	*s = &o->server;
	char					 name[32];

	if (o->is_client)
		return check_client(&o->client, raw, m);
	if (raw->of_client != 0)
		return msg_usage(m, "%s goes with --client",
		    opts_name(own, raw->of_client, name));
	if ((s->reply != NULL) + s->discard + s->chargen > 1)
		return msg_usage(m, "--reply, --discard and --chargen "
		    "exclude each other");
	if (s->discard && s->delay != 0)
		return msg_usage(m, "--discard and --delay exclude each "
		    "other");
	return -1;
}

/* What the client cannot have as its peer. */
static int
check_peer(const struct tcpecho_opts *o, const struct msg *m)
{
	const struct tcpk_endpoint	*ep = &o->eps[0];

	if (ep->scheme == TCPK_STDIO ||
	    (ep->scheme == TCPK_FD && ep->fd == STDOUT_FILENO))
		return msg_usage(m, "%s: results go to standard output",
		    ep->text);
	if (ep->scheme == TCPK_FD && (o->client.parallel > 1 ||
	    o->client.reconnect || o->client.per_connection != 0))
		return msg_usage(m, "%s: there is one connection only, not "
		    "to be made again", ep->text);
	return -1;
}

static int
parse_addresses(struct tcpecho_opts *o, const struct raw *raw,
    struct opts *opts, int argc, char **argv, const struct msg *m)
{
	struct tcpk_endpoint	**eps;
	struct tcpk_err		  err;
	bool			  tls = raw->tls || opts_any_tls(opts);
	int			  i, status = -1;

	if (argc == 0)
		return msg_usage(m, "no address given");
	if (o->is_client && argc > 1) {
		tcpk_endpoint_hide(argv[1]);
		return msg_usage(m, "one address to measure, not also %s",
		    argv[1]);
	}
	o->eps = calloc((size_t)argc, sizeof(*o->eps));
	eps = calloc((size_t)argc, sizeof(struct tcpk_endpoint *));
	if (o->eps == NULL || eps == NULL) {
		free(eps);
		return msg_usage(m, "out of memory");
	}
	for (i = 0; status == -1 && i < argc; i++) {
		eps[i] = &o->eps[i];
		if (tcpk_endpoint_parse_as(eps[i], argv[i], o->is_client ?
		    TCPK_CONNECT : TCPK_LISTEN, tls ? TCPK_TLS : TCPK_TCP,
		    &err) == -1) {
			status = msg_usage(m, "%s", err.text);
			break;
		}
		o->neps++;
		if (tls && eps[i]->scheme != TCPK_TLS)
			status = msg_usage(m, "%s is not TLS, and --%s asks "
			    "for it", eps[i]->text, raw->tls ? "tls" :
			    opts_tls_flag(opts));
	}
	/* Else small messages wait for the acknowledgement of others. */
	if (status == -1 && o->is_client &&
	    tcpk_endpoint_takes(&o->eps[0], "nodelay"))
		opts_flag(opts, "nodelay", NULL);
	if (status == -1 && opts_apply(opts, eps, o->neps) != 0)
		status = 2;
	if (status == -1 && o->is_client)
		status = check_peer(o, m);
	free(eps);
	return status;
}

int
tcpecho_options(struct tcpecho_opts *o, struct msg *m, int argc, char **argv)
{
	struct opts	opts;
	struct raw	raw = { 0 };
	int		c, status = -1;

	memset(o, 0, sizeof(*o));
	o->client.interval = TCPK_SECOND;
	o->client.parallel = 1;
	o->client.back_off = 30 * TCPK_SECOND;
	o->server.workers = 1;
	o->server.drain_timeout = 10 * TCPK_SECOND;
	o->server.ready_fd = -1;
	opts_init(&opts, m, own, 1u << TCPK_CONNECT | 1u << TCPK_LISTEN);
	while (status == -1 && (c = opts_next(&opts, argc, argv)) != -1)
		status = take_option(c, o, &raw, m, &opts);
	if (status == -1)
		status = opts_family(&opts, raw.v4, raw.v6);
	if (status == -1)
		status = check(o, &raw, m);
	if (status == -1)
		status = parse_addresses(o, &raw, &opts, argc - optind,
		    argv + optind, m);
	opts_free(&opts);
	if (status != -1)
		tcpecho_options_free(o);
	return status;
}

void
tcpecho_options_free(struct tcpecho_opts *o)
{
	size_t	i;

	for (i = 0; i < o->neps; i++)
		tcpk_endpoint_free(&o->eps[i]);
	free(o->eps);
	o->eps = NULL;
	o->neps = 0;
}
