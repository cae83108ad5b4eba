/* tcprelay: endpoints joined to endpoints, for many clients at once. */

#include <signal.h>
#include <stdlib.h>

#include "sig.h"
#include "tcprelay.h"
#include "tcprelay_counters.h"

/* Thousands of clients are not to have room for what nobody asked for. */
static size_t
client_size(const struct relay *r)
{
	return r->record != NULL ? sizeof(struct relay_client) :
	    offsetof(struct relay_client, taps);
}

static void
end_taps(struct relay_client *rc, bool cut)
{
	struct relay		*r = relay_of(rc);
	struct msg_fields	 f = { .conn = rc->c.conn };
	char			 peer[TCPK_ADDR_TEXT];

	if (r->record == NULL)
		return;
	f.peer = server_peer(&rc->c, peer);
	taps_end(&rc->taps, cut, r->msg, &f);
}

void
relay_leave(struct relay_client *rc, const struct server_end *end)
{
	struct relay_config	*config = rc->route->config;

	end_taps(rc, end->err.kind != TCPK_OK);
	server_leave(&rc->c, end);
	relay_config_release(config);
}

static int	(*const starts[])(struct relay_client *, struct tcpk_client *,
    struct tcpk_err *) = {
	[RELAY_TARGETS] = relay_session_start,
	[RELAY_PAIR] = relay_pair_start,
	[RELAY_HUB] = relay_hub_start,
	[RELAY_STATS] = relay_stats_start
};

static void	(*const cuts[])(struct relay_client *, struct server_end *) = {
	[RELAY_TARGETS] = relay_session_cut,
	[RELAY_PAIR] = relay_pair_cut,
	[RELAY_HUB] = relay_hub_cut,
	[RELAY_STATS] = relay_stats_cut
};

static int
on_client(void *arg, struct server_client *c, struct tcpk_client *client,
    struct tcpk_err *err)
{
	struct relay		*r = arg;
	struct relay_client	*rc = (struct relay_client *)c;
	struct taps_opts	 taps = {
		.record = r->record,
		.peer_began = true,
		.conn = c->conn
	};
	struct tcpk_addr	 local;

	/* What came with it is gone when this returns. */
	if (client->tls != NULL)
		client->tls = tcpk_tls_info(client->stream);
	/* Every endpoint that is listened on is the first of a route. */
	rc->route = (struct relay_route *)client->endpoint;
	if (rc->route->mode != RELAY_TARGETS)
		server_reserve_use(c);
	if (r->record == NULL)
		local = *client->listener;
	else if (client->to != NULL)
		local = *client->to;
	else if (tcpk_stream_local(client->stream, &local) == -1)
		local = *client->listener;
	if (r->record != NULL && taps_remote(&rc->taps, &taps, &local,
	    client->peer, &client->stream, err) == -1)
		return -1;
	relay_config_hold(rc->route->config);
	if (starts[rc->route->mode](rc, client, err) == 0)
		return 0;
	end_taps(rc, true);
	relay_config_release(rc->route->config);
	return -1;
}

static void
on_cut(void *arg, struct server_client *c, struct server_end *end)
{
	struct relay		*r = arg;
	struct relay_client	*rc = (struct relay_client *)c;

	cuts[rc->route->mode](rc, end);
	end_taps(rc, true);
	/* The end that is told of names what the configuration holds. */
	relay_config_release(r->cut);
	r->cut = rc->route->config;
}

/* With --stats-listen, counted where all processes see it. */
static void
count_targets(const struct relay *r, const struct relay_route *route)
{
	struct target_counters	*counters;
	size_t			 i;

	for (i = 0; r->counters != NULL && i < route->neps; i++) {
		counters = relay_counters_of(r->counters,
		    server_process(r->server), route->listen.text,
		    route->eps[i].text);
		if (counters != NULL)
			targets_count(route->targets, i, counters);
	}
}

static int
start_targets(const struct relay *r, struct relay_config *c,
    struct tcpk_err *err)
{
	size_t	i;

	for (i = 0; i < c->n; i++) {
		if (c->routes[i].targets == NULL)
			continue;
		count_targets(r, &c->routes[i]);
		if (targets_start(c->routes[i].targets, r->loop,
		    server_reserve(r->server), err) == -1)
			return -1;
	}
	return 0;
}

static void
stop_targets(struct relay_config *c)
{
	size_t	i;

	for (i = 0; i < c->n; i++)
		if (c->routes[i].targets != NULL)
			targets_stop(c->routes[i].targets);
}

static int
on_start(void *arg, struct tcpk_loop *loop, struct server *server,
    struct tcpk_err *err)
{
	struct relay	*r = arg;

	r->loop = loop;
	r->server = server;
	if (start_targets(r, r->config, err) == -1)
		return -1;
	return r->o.mode == RELAY_HUB ? relay_hub_open(r, err) : 0;
}

/* What could not begin leaves a file as it was. */
static void
on_ready(void *arg)
{
	struct relay	*r = arg;

	record_start(r->record);
}

static void
on_drain(void *arg)
{
	struct relay	*r = arg;

	stop_targets(r->config);
	if (r->o.mode == RELAY_PAIR)
		relay_pair_drain(r);
	else if (r->o.mode == RELAY_HUB)
		relay_hub_drain(r);
}

/* Nobody is there any more. */
static void
on_stop(void *arg)
{
	struct relay	*r = arg;

	stop_targets(r->config);
	relay_hub_close(r);
	relay_config_release(r->cut);
	r->cut = NULL;
}

/* --- reload -------------------------------------------------------------- */

static int
on_reload(void *arg, struct tcpk_endpoint *const **eps, size_t *n,
    struct tcpk_err *err)
{
	struct relay	*r = arg;

	r->next = relay_config_new(&r->o, r->msg, err);
	if (r->next == NULL)
		/* Flags have been told of, but not what they spoil. */
		return err->text[0] != '\0' ? -1 : tcpk_err_set(err,
		    TCPK_EUSAGE, "the flags do not go with %.100s",
		    r->o.file != NULL ? r->o.file : "it");
	/* The parent of workers has no targets: it serves nobody. */
	if (r->loop != NULL && start_targets(r, r->next, err) == -1)
		return -1;
	*eps = r->next->listens;
	*n = r->next->n;
	return 0;
}

static void
on_reloaded(void *arg, bool used)
{
	struct relay		*r = arg;
	struct relay_config	*done = used ? r->config : r->next;

	if (used)
		r->config = r->next;
	r->next = NULL;
	if (done == NULL)
		return;
	stop_targets(done);
	relay_config_release(done);
}

static bool
has_files(const struct tcpk_options *o)
{
	return o->acl_file != NULL || o->cert != NULL || o->key != NULL ||
	    o->ca != NULL || o->client_ca != NULL || o->via_auth != NULL;
}

/* Is there anything that SIGHUP is to read again? */
static bool
can_reload(const struct relay *r)
{
	const struct relay_route	*route;
	size_t				 i, j;

	if (r->o.file != NULL)
		return true;
	for (i = 0; i < r->config->n; i++) {
		route = &r->config->routes[i];
		if (has_files(&route->listen.o))
			return true;
		for (j = 0; j < route->neps; j++)
			if (has_files(&route->eps[j].o))
				return true;
	}
	return false;
}

/* What a client takes besides its own: two pipes, for a program. */
static unsigned
descriptors(const struct relay_config *c)
{
	size_t	i, j;

	for (i = 0; i < c->n; i++)
		for (j = 0; j < c->routes[i].neps; j++)
			if (c->routes[i].eps[j].scheme == TCPK_EXEC ||
			    c->routes[i].eps[j].scheme == TCPK_SH)
				return 4;
	return 1;
}

static int
serve(struct relay *r)
{
	struct server_handler			 handler = {
		.start = on_start,
		.ready = on_ready,
		.stop = on_stop,
		.drain = on_drain,
		.client_size = client_size(r),
		.client = on_client,
		.cut = on_cut,
		.reloaded = on_reloaded
	};
	struct server_opts			 so = {
		.msg = r->msg,
		.eps = r->config->listens,
		.neps = r->config->n,
		.numeric = r->o.numeric,
		.workers = (unsigned)r->o.workers,
		.drain_timeout = r->o.drain_timeout,
		.deadline = r->o.deadline,
		.ready_fd = r->o.ready_fd,
		.user = r->o.user,
		.log = true,
		.reserve = descriptors(r->config)
	};

	if (can_reload(r))
		handler.reload = on_reload;
	return server_run(&so, &handler, r);
}

/* Everything that can be wrong is found before anything listens. */
static int
prepare(struct relay *r)
{
	struct msg_fields	f = { .event = "error" };
	struct tcpk_err		err;

	r->config = relay_config_new(&r->o, r->msg, &err);
	if (r->config == NULL ||
	    relay_config_check(r->config, &r->o, &err) == -1)
		goto fail;
	if (r->o.stats_listen != NULL) {
		r->counters = relay_counters_new((unsigned)r->o.workers, &err);
		if (r->counters == NULL)
			goto fail;
	}
	if (r->o.hexdump == NULL && r->o.capture == NULL)
		return 0;
	r->record = record_open(r->o.hexdump, r->o.capture, r->msg, &err);
	if (r->record != NULL)
		return 0;
fail:
	/* Wrong flags have been told of already. */
	if (err.text[0] != '\0')
		msg_err(r->msg, MSG_ERROR, &f, &err);
	return msg_status(&err);
}

int
main(int argc, char **argv)
{
	struct msg	m = { .tool = "tcprelay" };
	struct relay	r = { .msg = &m };
	int		status;

	sig_prepare();
	status = relay_options(&r.o, &m, argc, argv);
	if (status != -1)
		return status;
	status = prepare(&r);
	if (status == 0)
		status = serve(&r);
	if (record_close(r.record, NULL) == -1 && status == 0)
		status = 7;
	relay_config_release(r.config);
	relay_counters_free(r.counters);
	relay_options_free(&r.o);
	if (status > 128)
		sig_die(status - 128);
	return status;
}
