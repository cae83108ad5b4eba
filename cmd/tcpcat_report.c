/* What tcpcat says when a connection is over. */

#include <errno.h>
#include <string.h>

#include "tcpcat.h"

/* bytes_in is what came from the peer, written or not. */
static struct msg_fields
fields(const struct tcpcat_ends *e, const char *event,
    const struct tcpk_pump_report *r)
{
	struct msg_fields	f = { .event = event, .conn = e->conn };

	if (e->here[0] != '\0')
		f.local = e->here;
	f.peer = e->peer;
	f.moved = true;
	f.bytes_out = r->bytes[0];
	f.bytes_in = r->taken[1];
	f.duration = e->duration;
	return f;
}

static void
print_stats(const struct tcpcat_ends *e,
    const struct tcpk_pump_report *r)
{
	struct msg_fields	f = fields(e, "stats", r);
	char			in[MSG_BYTES], out[MSG_BYTES];
	double			seconds = (double)e->duration / 1e9;

	msg(e->msg, MSG_RESULT, &f, "sent %s, received %s in %.3f s "
	    "(%.1f MB/s out, %.1f MB/s in)", msg_bytes(r->bytes[0], out),
	    msg_bytes(r->taken[1], in), seconds,
	    (double)r->bytes[0] / 1e6 / (seconds > 0 ? seconds : 1),
	    (double)r->taken[1] / 1e6 / (seconds > 0 ? seconds : 1));
}

static const char *
local_name(const struct tcpcat_ends *e, bool writing)
{
	if (e->opts->local.scheme != TCPK_STDIO)
		return e->opts->local.argv[0];
	return writing ? "standard output" : "standard input";
}

/* Who failed, why, and what had moved by then. */
static void
print_failure(const struct tcpcat_ends *e,
    const struct tcpk_pump_report *r)
{
	struct msg_fields	f = fields(e, "disconnect", r);
	struct tcpk_err		err = r->err;
	char			in[MSG_BYTES], out[MSG_BYTES];
	const char		*who = e->peer;

	if (r->side == 0)
		who = local_name(e, strncmp(err.text, "write", 5) == 0 ||
		    strncmp(err.text, "close", 5) == 0);
	f.reason = err.code == ECONNRESET || err.code == EPIPE ? "reset" :
	    tcpk_err_word(err.kind);
	msg(e->msg, MSG_ERROR, &f, "%s: %s (sent %s, received %s)", who,
	    err.text, msg_bytes(r->bytes[0], out),
	    msg_bytes(r->taken[1], in));
}

static void
print_end(const struct tcpcat_ends *e,
    const struct tcpk_pump_report *r)
{
	struct msg_fields	f = fields(e, "disconnect", r);
	char			in[MSG_BYTES], out[MSG_BYTES];

	f.reason = r->side == 1 ? "peer-end" : "local-end";
	msg(e->msg, MSG_INFO, &f, "%s: done after %.3f s, %s ended first "
	    "(sent %s, received %s)", e->peer, (double)e->duration / 1e9,
	    r->side == 1 ? "the peer" : "this side",
	    msg_bytes(r->bytes[0], out), msg_bytes(r->taken[1], in));
}

void
tcpcat_report(const struct tcpcat_ends *e, const struct tcpk_pump_report *r)
{
	if (e->opts->stats)
		print_stats(e, r);
	if (r->err.kind == TCPK_OK)
		print_end(e, r);
	else
		print_failure(e, r);
}
