/* The command line of tcprelay. */

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tcpkit/value.h>

#include "opts_values.h"
#include "tcprelay.h"

enum { OPT_PAIR = 256, OPT_PAIR_KEY, OPT_HUB, OPT_BALANCE, OPT_STATS,
    OPT_HEXDUMP, OPT_CAPTURE, OPT_WORKERS, OPT_DRAIN, OPT_READY_FD, OPT_USER,
    OPT_DEADLINE, OPT_TLS, OPT_QUIET, OPT_JSON, OPT_VERSION };

static const struct opts_own	own[] = {
	{ 'f', NULL, "FILE", "read what to relay from a file, one \"LISTEN "
	    "TARGET...\" a line" },
	{ OPT_BALANCE, "balance", "METHOD", "roundrobin, leastconn, source or "
	    "failover" },
	{ OPT_PAIR, "pair", NULL, "join clients two by two" },
	{ OPT_PAIR_KEY, "pair-key", NULL, "with --pair: those whose first "
	    "lines are the same" },
	{ OPT_HUB, "hub", NULL, "what one client says goes to all the "
	    "others" },
	{ OPT_STATS, "stats-listen", "ADDRESS", "answer there with the "
	    "counters, for Prometheus" },
	{ OPT_HEXDUMP, "hexdump", "FILE", "record what passes as text" },
	{ OPT_CAPTURE, "capture", "FILE", "record what passes as pcapng" },
	{ 'm', NULL, "N", "max-clients" },
	{ OPT_WORKERS, "workers", "N", "serve in N processes (1)" },
	{ OPT_DRAIN, "drain-timeout", "T", "let clients finish for T (10s)" },
	{ OPT_DEADLINE, "deadline", "T", "limit for the whole run" },
	{ OPT_READY_FD, "ready-fd", "N", "write the address there when "
	    "ready" },
	{ OPT_USER, "user", "NAME", "give up root for this user" },
	{ '4', NULL, NULL, "only IPv4" },
	{ '6', NULL, NULL, "only IPv6" },
	{ 'n', NULL, NULL, "numeric addresses and ports only" },
	{ OPT_TLS, "tls", NULL, "all addresses are TLS, as with any "
	    "--tls-OPTION" },
	{ 'v', "verbose", NULL, "say what happens; -vv says more" },
	{ OPT_QUIET, "quiet", NULL, "only errors" },
	{ OPT_JSON, "json", NULL, "messages as JSON, one object a line" },
	{ 'h', "help", NULL, "show this" },
	{ OPT_VERSION, "version", NULL, "show the version" },
	{ 0, NULL, NULL, NULL }
};

/* While the command line is read. */
struct raw {
	struct relay_opts	*o;
	const char		*balance;
	bool			 pair, hub, v4, v6;
};

static const struct opts_value	values[] = {
#define AT(x)	offsetof(struct relay_opts, x)
	{ 'f', OPTS_TEXT, AT(file), 0, 0, NULL },
	{ OPT_STATS, OPTS_TEXT, AT(stats_listen), 0, 0, NULL },
	{ OPT_HEXDUMP, OPTS_TEXT, AT(hexdump), 0, 0, NULL },
	{ OPT_CAPTURE, OPTS_TEXT, AT(capture), 0, 0, NULL },
	{ OPT_USER, OPTS_TEXT, AT(user), 0, 0, NULL },
	{ OPT_PAIR_KEY, OPTS_SWITCH, AT(pair_key), 0, 0, NULL },
	{ OPT_TLS, OPTS_SWITCH, AT(tls), 0, 0, NULL },
	{ 'n', OPTS_SWITCH, AT(numeric), 0, 0, NULL },
	{ OPT_WORKERS, OPTS_NUMBER, AT(workers), 1, 64, NULL },
	{ OPT_DRAIN, OPTS_TIME, AT(drain_timeout), 0, 0, NULL },
	{ OPT_DEADLINE, OPTS_TIME, AT(deadline), 1, 0, NULL },
	{ OPT_READY_FD, OPTS_FD, AT(ready_fd), 0, 0, NULL },
#undef AT
};

static const struct opts_value	raw_values[] = {
#define AT(x)	offsetof(struct raw, x)
	{ OPT_BALANCE, OPTS_TEXT, AT(balance), 0, 0, NULL },
	{ OPT_PAIR, OPTS_SWITCH, AT(pair), 0, 0, NULL },
	{ OPT_HUB, OPTS_SWITCH, AT(hub), 0, 0, NULL },
	{ '4', OPTS_SWITCH, AT(v4), 0, 0, NULL },
	{ '6', OPTS_SWITCH, AT(v6), 0, 0, NULL },
#undef AT
};

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static int
help(const struct opts *opts)
{
	printf("usage: tcprelay [options] LISTEN TARGET...\n"
	    "       tcprelay [options] -f FILE\n"
	    "       tcprelay --pair [options] LISTEN...\n"
	    "       tcprelay --hub [options] LISTEN...\n"
	    "\n"
	    "Join endpoints to endpoints.  LISTEN and TARGET are HOST:PORT, "
	    "[IPV6]:PORT, :PORT,\ntls://HOST:PORT, unix:PATH or unix:@NAME, "
	    "LISTEN also PORT or fd:N, TARGET also\nexec:COMMAND or "
	    "sh:COMMAND, with options behind commas: HOST:PORT,weight=3\n\n");
	opts_help(opts);
	printf("\nTimes: 30, 1.5, 500ms, 2m, 1h.  Sizes: 512, 64k, 10M, 1G.\n"
	    "Exit status: 0 told to stop, 1 cannot listen, 2 usage, 3 no such "
	    "name, 4 deadline,\n7 local input or output.\n");
	return fflush(stdout) == 0 ? 0 : 7;
}

static int
take_option(int c, struct raw *raw, struct msg *m)
{
	struct relay_opts	*o = raw->o;
	struct tcpk_err		 err;
	char			 name[32];

	switch (c) {
	case 0:
		return -1;
	case 'm':
		opts_flag_as(o->flags, "max-clients", optarg, "-m");
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
		return help(o->flags);
	case OPT_VERSION:
		printf("tcprelay %s\n", PACKAGE_VERSION);
		return fflush(stdout) == 0 ? 0 : 7;
	case '?':
		return 2;
	}
	if (opts_value(values, COUNT(values), c, optarg, o, &err) == -1 ||
	    opts_value(raw_values, COUNT(raw_values), c, optarg, raw,
	    &err) == -1)
		return msg_usage(m, "%s: %s", opts_name(own, c, name),
		    err.text);
	return -1;
}

static int
take_balance(struct relay_opts *o, const char *word, const struct msg *m)
{
	static const char *const	words[] = {
		"roundrobin", "leastconn", "source", "failover"
	};
	size_t				i;

	if (word == NULL)
		return -1;
	for (i = 0; i < COUNT(words); i++)
		if (strcmp(word, words[i]) == 0) {
			o->balance = (enum balance)i;
			return -1;
		}
	return msg_usage(m, "--balance: \"%.40s\" is none of roundrobin, "
	    "leastconn, source, failover", word);
}

/* Which go together. */
static int
check(const struct relay_opts *o, const struct raw *raw, const struct msg *m)
{
	const char	*meet = raw->pair ? "--pair" : "--hub";

	if (raw->pair && raw->hub)
		return msg_usage(m, "--pair and --hub exclude each other");
	if (o->pair_key && !raw->pair)
		return msg_usage(m, "--pair-key goes with --pair");
	if (raw->pair || raw->hub) {
		if (o->file != NULL || raw->balance != NULL)
			return msg_usage(m, "%s and %s exclude each other",
			    meet, o->file != NULL ? "-f" : "--balance");
		if (o->workers > 1)
			return msg_usage(m, "%s excludes --workers: those who "
			    "meet are in one process", meet);
	}
	if (o->workers > 1 && (o->hexdump != NULL || o->capture != NULL))
		return msg_usage(m, "--workers excludes --hexdump and "
		    "--capture: several processes would write one file");
	if (o->file != NULL && o->noperands > 0)
		return msg_usage(m, "-f and addresses exclude each other: %s",
		    o->operands[0]);
	if (o->file == NULL && o->noperands == 0)
		return msg_usage(m, "no address given");
	if (o->file == NULL && o->mode == RELAY_TARGETS && o->noperands < 2)
		return msg_usage(m, "no target given beside %s",
		    o->operands[0]);
	return -1;
}

int
relay_options(struct relay_opts *o, struct msg *m, int argc, char **argv)
{
	struct raw	raw = { .o = o };
	int		c, status = -1;

	memset(o, 0, sizeof(*o));
	o->workers = 1;
	o->drain_timeout = 10 * TCPK_SECOND;
	o->ready_fd = -1;
	o->flags = calloc(1, sizeof(*o->flags));
	if (o->flags == NULL)
		return msg_usage(m, "out of memory");
	opts_init(o->flags, m, own, 1u << TCPK_LISTEN | 1u << TCPK_TARGET);
	while (status == -1 && (c = opts_next(o->flags, argc, argv)) != -1)
		status = take_option(c, &raw, m);
	o->operands = argv + optind;
	o->noperands = argc - optind;
	o->mode = raw.pair ? RELAY_PAIR : raw.hub ? RELAY_HUB : RELAY_TARGETS;
	if (status == -1)
		status = opts_family(o->flags, raw.v4, raw.v6);
	if (status == -1)
		status = take_balance(o, raw.balance, m);
	if (status == -1)
		status = check(o, &raw, m);
	o->tls |= opts_any_tls(o->flags);
	if (status != -1)
		relay_options_free(o);
	return status;
}

void
relay_options_free(struct relay_opts *o)
{
	if (o->flags != NULL)
		opts_free(o->flags);
	free(o->flags);
	o->flags = NULL;
}
