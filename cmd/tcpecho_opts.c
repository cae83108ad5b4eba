/* The command line of tcpecho. */

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "opts.h"
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
static const struct value {
	int		letter;
	enum { TIME, SIZE, NUMBER, TEXT, SWITCH } kind;
	size_t		offset;		/* in struct tcpecho_opts */
	uint64_t	min, max;
} values[] = {
#define AT(x)	offsetof(struct tcpecho_opts, x)
	{ OPT_COUNT, NUMBER, AT(client.count), 1, UINT64_MAX / 2 },
	{ OPT_INTERVAL, TIME, AT(client.interval), 1000, UINT64_MAX },
	{ OPT_SIZE, SIZE, AT(client.size), VERIFY_HEADER, SIZE_MAX_BYTES },
	{ OPT_PARALLEL, NUMBER, AT(client.parallel), 1, PARALLEL_MAX },
	{ OPT_DURATION, TIME, AT(client.duration), 1, UINT64_MAX },
	{ OPT_RECONNECT, TIME, AT(client.back_off), 1, UINT64_MAX },
	{ OPT_PER_CONNECTION, NUMBER, AT(client.per_connection), 1,
	    UINT64_MAX / 2 },
	{ OPT_WAIT, TIME, AT(client.wait), 0, UINT64_MAX },
	{ OPT_MAX_RTT, TIME, AT(client.max_rtt), 1, UINT64_MAX },
	{ OPT_DELAY, TIME, AT(server.delay), 0, UINT64_MAX },
	{ OPT_WORKERS, NUMBER, AT(server.workers), 1, 64 },
	{ OPT_DRAIN, TIME, AT(server.drain_timeout), 0, UINT64_MAX },
	{ OPT_MESSAGE, TEXT, AT(client.message), 0, 0 },
	{ OPT_GREET, TEXT, AT(server.greet), 0, 0 },
	{ OPT_REPLY, TEXT, AT(server.reply), 0, 0 },
	{ OPT_USER, TEXT, AT(server.user), 0, 0 },
	{ OPT_CLIENT, SWITCH, AT(is_client), 0, 0 },
	{ OPT_FLOOD, SWITCH, AT(client.flood), 0, 0 },
	{ OPT_HISTOGRAM, SWITCH, AT(client.histogram), 0, 0 },
	{ OPT_DISCARD, SWITCH, AT(server.discard), 0, 0 },
	{ OPT_CHARGEN, SWITCH, AT(server.chargen), 0, 0 },
	{ 'n', SWITCH, AT(numeric), 0, 0 },
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
	return fflush(stdout) == 0 ? 0 : 7;
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

static int
parse_number(const struct value *v, uint64_t *to, struct tcpk_err *err)
{
	if (v->kind == NUMBER)
		return tcpk_value_number(to, optarg, v->min, v->max, err);
	if ((v->kind == TIME ? tcpk_value_time(to, optarg, err) :
	    tcpk_value_size(to, optarg, err)) == -1)
		return -1;
	if (*to >= v->min && *to <= v->max)
		return 0;
	if (v->letter == OPT_INTERVAL)
		return tcpk_err_set(err, TCPK_EUSAGE, "%s is too short; "
		    "--flood sends without a pause", optarg);
	if (v->letter == OPT_SIZE)
		return tcpk_err_set(err, TCPK_EUSAGE, "%s is not within %u "
		    "and 1G; --message sends less", optarg, VERIFY_HEADER);
	return tcpk_err_set(err, TCPK_EUSAGE, "0 is no limit; leave the "
	    "option out");
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

static int
take_value(int c, struct tcpecho_opts *o, struct tcpk_err *err)
{
	const struct value	*v;
	void			*to;

	if (c == OPT_RECONNECT)
		o->client.reconnect = true;
	for (v = values; v < values + NVALUES; v++)
		if (v->letter == c)
			break;
	if (v == values + NVALUES || (c == OPT_RECONNECT && optarg == NULL))
		return 0;
	to = (char *)o + v->offset;
	if (v->kind == SWITCH)
		*(bool *)to = true;
	else if (v->kind == TEXT)
		*(const char **)to = optarg;
	else
		return parse_number(v, to, err);
	return 0;
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
	switch (c) {
	case 'm':
		opts_flag(opts, "max-clients", optarg);
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
		return fflush(stdout) == 0 ? 0 : 7;
	case '?':
		return 2;
	default:
		if ((c == OPT_READY_FD ? take_fd(&o->server.ready_fd, optarg,
		    &err) : take_value(c, o, &err)) == -1)
			return msg_usage(m, "%s: %s", option_name(c, name),
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
		    option_name(raw->of_server, name));
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

	if (raw->v4 && raw->v6)
		return msg_usage(m, "-4 and -6 exclude each other");
	if (o->is_client)
		return check_client(&o->client, raw, m);
	if (raw->of_client != 0)
		return msg_usage(m, "%s goes with --client",
		    option_name(raw->of_client, name));
	if ((s->reply != NULL) + s->discard + s->chargen > 1)
		return msg_usage(m, "--reply, --discard and --chargen "
		    "exclude each other");
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
	if (o->is_client && argc > 1)
		return msg_usage(m, "one address to measure, not also %s",
		    argv[1]);
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
			status = msg_usage(m, "%s is not TLS, and a --tls "
			    "option asks for it", argv[i]);
	}
	if (status == -1 && (raw->v4 || raw->v6))
		opts_flag(opts, "family", raw->v4 ? "4" : "6");
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
	opts_init(&opts, m, own);
	while (status == -1 && (c = opts_next(&opts, argc, argv)) != -1)
		status = take_option(c, o, &raw, m, &opts);
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
