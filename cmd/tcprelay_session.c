/* A client, a target for it, and what passes between them. */

#include <stdlib.h>

#include "tcprelay.h"

/* The shorter of two limits of which 0 is none. */
static uint64_t
shorter(uint64_t a, uint64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

void
relay_pump_opts(const struct tcpk_options *client,
    const struct tcpk_options *target, struct tcpk_pump_opts *p)
{
	tcpk_pump_defaults(p);
	p->idle_timeout = shorter(client->idle_timeout,
	    target->idle_timeout);
	p->half_close_timeout = shorter(client->half_close_timeout,
	    target->half_close_timeout);
	p->half[0].no_shutdown = target->no_shutdown;
	p->half[1].no_shutdown = client->no_shutdown;
}

static void
on_pumped(void *arg, const struct tcpk_pump_report *r)
{
	struct relay_client	*rc = arg;
	struct server_end	 end = {
		.bytes_in = r->taken[0],
		.bytes_out = r->bytes[1],
		.err = r->err,
		.side = r->side == -1 ? -1 : !r->side,
		.target = target_endpoint(rc->target)->text
	};

	rc->pump = NULL;
	target_left(rc->target, r->bytes[0], r->taken[1]);
	relay_leave(rc, &end);
}

/* No answer must not look like an empty one.  target: NULL if it has none. */
static void
give_up(struct relay_client *rc, struct target *target,
    const struct tcpk_err *err, int side)
{
	struct server_end	end = { .err = *err, .side = side };

	if (target != NULL) {
		end.target = target_endpoint(target)->text;
		target_left(target, 0, 0);
	}
	tcpk_stream_reset(rc->stream);
	tcpk_stream_free(rc->stream);
	relay_leave(rc, &end);
}

static void
on_target(void *arg, const struct targets_got *got)
{
	struct relay_client	*rc = arg;
	struct tcpk_pump_opts	 opts;
	struct tcpk_err		 err = got->err;

	if (got->stream == NULL) {
		give_up(rc, NULL, &err, 0);
		return;
	}
	rc->target = got->target;
	relay_pump_opts(&rc->route->listen.o,
	    &target_endpoint(rc->target)->o, &opts);
	opts.half[1].first = got->first;
	opts.half[1].nfirst = got->nfirst;
	rc->pump = tcpk_pump_start(relay_of(rc)->loop, rc->stream, got->stream,
	    &opts, on_pumped, rc, &err);
	if (rc->pump == NULL) {
		tcpk_stream_reset(got->stream);
		tcpk_stream_free(got->stream);
		give_up(rc, rc->target, &err, -1);
		return;
	}
	rc->stream = NULL;
}

bool
relay_broken(const struct relay_client *rc, struct tcpk_err *err)
{
	if (tcpk_stream_hup(rc->stream) != -1)
		return false;
	*err = *tcpk_stream_err(rc->stream);
	/* It was not written to: this is what reading would have said. */
	if (err->code != 0)
		tcpk_err_errno(err, err->kind, err->code, "read");
	return true;
}

/*
 * A client that breaks before it has a target needs none.  Most have theirs at
 * once, and are watched only then.
 */
static void
on_late(void *arg)
{
	struct relay_client	*rc = arg;

	tcpk_stream_want(rc->stream, TCPK_HUP);
}

static void
on_waiting(void *arg, unsigned ready)
{
	struct relay_client	*rc = arg;
	struct tcpk_err		 err;

	(void)ready;
	if (!relay_broken(rc, &err))
		return;
	targets_get_cancel(rc->get);
	give_up(rc, NULL, &err, 1);
}

int
relay_session_start(struct relay_client *rc, struct tcpk_client *client,
    struct tcpk_err *err)
{
	struct tcpk_proxy_from	 from = {
		.client = *client->peer,
		.tls = client->tls
	};

	/* What it connected to: not the wildcard that is listened on. */
	if (!rc->route->tells)
		from.listener = *client->listener;
	else if (client->to != NULL)
		from.listener = *client->to;
	else if (tcpk_stream_local(client->stream, &from.listener) == -1)
		from.listener = *client->listener;

	rc->get = targets_get(rc->route->targets, &from, rc->c.conn,
	    on_late, on_target, rc, err);
	if (rc->get == NULL)
		return -1;
	rc->c.reserve = false;
	rc->stream = client->stream;
	tcpk_stream_on_ready(rc->stream, on_waiting, rc);
	return 0;
}

void
relay_session_cut(struct relay_client *rc, struct server_end *end)
{
	uint64_t	bytes[2];

	if (rc->pump == NULL) {
		targets_get_cancel(rc->get);
		tcpk_stream_reset(rc->stream);
		tcpk_stream_free(rc->stream);
		return;
	}
	tcpk_pump_bytes(rc->pump, bytes);
	tcpk_pump_cancel(rc->pump);
	end->target = target_endpoint(rc->target)->text;
	target_left(rc->target, bytes[0], bytes[1]);
	end->bytes_in = bytes[0];
	end->bytes_out = bytes[1];
}
