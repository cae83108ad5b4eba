/* --hub: what one client says goes to all the others. */

#include <tcpkit/hub.h>

#include "tcprelay.h"

static void
on_left(void *arg, const struct tcpk_left *l)
{
	struct relay_client	*rc = arg;
	struct server_end	 end = {
		.bytes_in = l->bytes_in,
		.bytes_out = l->bytes_out,
		.err = l->err,
		.side = 1,
		.target = "the hub"
	};

	rc->member = NULL;
	relay_leave(rc, &end);
}

int
relay_hub_open(struct relay *r, struct tcpk_err *err)
{
	struct tcpk_hub_opts	opts = {
		.open = true,
		.idle_timeout = r->config->routes[0].listen.o.idle_timeout
	};

	r->hub = tcpk_hub_new(r->loop, &opts, err);
	return r->hub == NULL ? -1 : 0;
}

int
relay_hub_start(struct relay_client *rc, struct tcpk_client *client,
    struct tcpk_err *err)
{
	rc->member = tcpk_hub_add(relay_of(rc)->hub, client->stream, TCPK_CLIENT,
	    NULL, NULL, 0, on_left, rc, err);
	return rc->member == NULL ? -1 : 0;
}

void
relay_hub_cut(struct relay_client *rc, struct server_end *end)
{
	end->target = "the hub";
	if (rc->member != NULL)
		tcpk_hub_cut(rc->member, &end->bytes_in, &end->bytes_out);
	rc->member = NULL;
}

/* What was said is still delivered, then everyone is half-closed. */
void
relay_hub_drain(struct relay *r)
{
	tcpk_hub_finish(r->hub);
}

void
relay_hub_close(struct relay *r)
{
	tcpk_hub_free(r->hub);
	r->hub = NULL;
}
