/* Which options of tcpcat go together. */

#include <tcpkit/digest.h>

#include "tcpcat_opts.h"

/* The first option given of two that exclude each other, as pairs. */
struct pair {
	bool		 given;
	const char	*name;
};

static int
exclude(const struct msg *m, const char *name, const struct pair *others,
    size_t n)
{
	size_t	i;

	for (i = 0; i < n; i++)
		if (others[i].given)
			return msg_usage(m, "%s and %s exclude each other",
			    name, others[i].name);
	return -1;
}

#define EXCLUDE(m, name, ...)						\
	exclude((m), (name), (const struct pair[]){ __VA_ARGS__ },	\
	    sizeof((const struct pair[]){ __VA_ARGS__ }) /		\
	    sizeof(struct pair))

/* What -l, -k and those that go with them ask for. */
static int
check_listen(const struct tcpcat_opts *o, bool program, const struct msg *m)
{
	if (o->keep && !o->listen)
		return msg_usage(m, "-k goes with -l");
	if ((o->tag || o->broadcast) && !o->keep)
		return msg_usage(m, "%s goes with -lk",
		    o->tag ? "--tag" : "--broadcast");
	if (o->greet != NULL && !o->listen)
		return msg_usage(m, "--greet goes with -l");
	if ((o->user != NULL || o->ready_fd != -1 || o->drain_given) &&
	    !o->keep)
		return msg_usage(m, "%s goes with -lk", o->user != NULL ?
		    "--user" : o->ready_fd != -1 ? "--ready-fd" :
		    "--drain-timeout");
	if (o->workers > 1 && (!o->keep || !program))
		return msg_usage(m, "--workers goes with -lk and -e or -c: "
		    "who shares standard output is served by one process");
	if (o->workers > 1 && (o->hexdump != NULL || o->capture != NULL))
		return msg_usage(m, "--workers excludes --hexdump and "
		    "--capture: several processes would write one file");
	if (program && (o->tag || o->broadcast))
		return msg_usage(m, "-e and -c exclude --tag and --broadcast");
	if (o->keep && (o->recv_bytes != 0 || o->reset || o->wait_given ||
	    o->quit_after != TCPK_FOREVER))
		return msg_usage(m, "-k excludes --recv-bytes, --reset, "
		    "--wait-stdin and -q");
	if (!o->listen)
		return -1;
	return EXCLUDE(m, "-l", { o->tls_info, "--tls-info" },
	    { o->retry, "--retry" }, { o->reconnect, "--reconnect" },
	    { o->keep && o->progress, "--progress with -k" });
}

static int
check_scan(const struct tcpcat_opts *o, const struct tcpcat_raw *raw,
    const struct opts *opts, const struct msg *m)
{
	if (!o->scan)
		return -1;
	return EXCLUDE(m, "-z", { o->listen, "-l" }, { raw->udp, "-u" },
	    { raw->unix_path, "-U" }, { raw->port != NULL, "-p" },
	    { raw->exec != NULL, "-e" },
	    { raw->shell != NULL, "-c" }, { raw->tls || o->tls_info ||
	    opts_any_tls(opts), "--tls" }, { o->reconnect, "--reconnect" },
	    { o->recv_only, "--recv-only" }, { o->send_only, "--send-only" },
	    { o->recv_bytes != 0, "--recv-bytes" },
	    { o->hexdump != NULL, "--hexdump" },
	    { o->capture != NULL, "--capture" }, { o->sha256, "--sha256" },
	    { o->progress, "--progress" }, { o->crlf, "-C" },
	    { o->line_interval != 0, "-i" }, { o->stats, "--stats" },
	    { o->wait_given, "--wait-stdin" },
	    { o->quit_after != TCPK_FOREVER, "-q" });
}

/* It moves nothing. */
static int
check_tls_info(const struct tcpcat_opts *o, bool program,
    const struct msg *m)
{
	if (!o->tls_info)
		return -1;
	return EXCLUDE(m, "--tls-info", { program, "-e and -c" },
	    { o->recv_only, "--recv-only" }, { o->send_only, "--send-only" },
	    { o->recv_bytes != 0, "--recv-bytes" },
	    { o->hexdump != NULL, "--hexdump" },
	    { o->capture != NULL, "--capture" }, { o->sha256, "--sha256" },
	    { o->progress, "--progress" }, { o->crlf, "-C" },
	    { o->line_interval != 0, "-i" }, { o->stats, "--stats" },
	    { o->reset, "--reset" }, { o->wait_given, "--wait-stdin" },
	    { o->quit_after != TCPK_FOREVER, "-q" });
}

/* Before anything is connected, or listens. */
static int
check_digest(const struct msg *m)
{
	struct tcpk_digest	*d;
	struct tcpk_err		 err;

	d = tcpk_digest_new(&err);
	if (d == NULL)
		return msg_usage(m, "--sha256: %s", err.text);
	tcpk_digest_free(d);
	return -1;
}

int
tcpcat_check(const struct tcpcat_opts *o, const struct tcpcat_raw *raw,
    const struct opts *opts, const struct msg *m)
{
	bool	program = raw->exec != NULL || raw->shell != NULL;
	int	r;

	if (raw->exec != NULL && raw->shell != NULL)
		return msg_usage(m, "-e and -c exclude each other");
	if (raw->unix_path && (raw->port != NULL || raw->source != NULL))
		return msg_usage(m, "-U excludes -p and -s");
	r = -1;
	if (raw->udp)
		r = EXCLUDE(m, "-u", { raw->unix_path, "-U" },
		    { raw->tls || o->tls_info || opts_any_tls(opts), "--tls" });
	if (r == -1 && o->send_only)
		r = EXCLUDE(m, "--send-only", { o->recv_only, "--recv-only" },
		    { o->recv_bytes != 0, "--recv-bytes" });
	if (r == -1 && o->reconnect)
		r = EXCLUDE(m, "--reconnect", { o->retry, "--retry" },
		    { o->tls_info, "--tls-info" },
		    { o->recv_bytes != 0, "--recv-bytes" });
	if (r == -1 && o->sha256)
		r = check_digest(m);
	if (r == -1)
		r = check_listen(o, program, m);
	if (r == -1)
		r = check_tls_info(o, program, m);
	return r == -1 ? check_scan(o, raw, opts, m) : r;
}
