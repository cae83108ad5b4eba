/* tcpecho, serving: each client is joined to itself. */

#include <stdlib.h>
#include <string.h>

#include <tcpkit/pump.h>
#include <tcpkit/udp.h>

#include "server.h"
#include "tcpecho.h"
#include "tcpecho_late.h"
#include "tcpecho_talk.h"

struct echo {
	struct tcpk_loop	*loop;
	const struct msg	*msg;
	const struct tcpecho_opts *o;
	struct tcpecho_late	*late;	/* with --delay */
};

struct client {
	struct server_client	 c;	/* first */
	const struct msg	*msg;
	uint64_t		 bytes[2];	/* with -v: in, out */
	struct tcpk_pump	*pump;	/* a plain echo */
	struct tcpecho_talk	*talk;	/* anything else */
};

static void
on_pumped(void *arg, const struct tcpk_pump_report *r)
{
	struct server_end	end = {
		.bytes_in = r->taken[0],
		.bytes_out = r->bytes[0],
		.err = r->err,
		.side = 1
	};

	server_leave(arg, &end);
}

static void
on_talked(void *arg, const struct tcpecho_talked *r)
{
	struct server_end	end = {
		.bytes_in = r->bytes_in,
		.bytes_out = r->bytes_out,
		.err = r->err,
		.side = 1
	};

	server_leave(arg, &end);
}

static bool
plain(const struct tcpecho_server_opts *o)
{
	return o->reply == NULL && !o->discard && !o->chargen && o->delay == 0;
}

/* -v: what a client says is told as it comes. */
static void
on_data(void *arg, enum tcpk_way way, const void *data, size_t n)
{
	struct client		*cl = arg;
	struct msg_fields	 f = { .event = "data", .moved = true };
	char			 peer[TCPK_ADDR_TEXT], text[MSG_BYTES];

	(void)data;
	cl->bytes[way == TCPK_OUT] += n;
	if (way == TCPK_OUT || n == 0)
		return;
	f.conn = cl->c.conn;
	f.local = cl->c.local;
	f.peer = server_peer(&cl->c, peer);
	f.bytes_in = cl->bytes[0];
	f.bytes_out = cl->bytes[1];
	f.duration = tcpk_now() - cl->c.since;
	msg(cl->msg, MSG_INFO, &f, "%s: data, %s", f.peer,
	    msg_bytes(n, text));
}

static int
watch(struct echo *e, struct client *cl, struct tcpk_client *client,
    struct tcpk_err *err)
{
	struct tcpk_stream	*watched;

	if (e->msg->verbose == 0)
		return 0;
	cl->msg = e->msg;
	watched = tcpk_stream_tap(client->stream, on_data, cl, err);
	if (watched == NULL)
		return -1;
	client->stream = watched;
	return 0;
}

static int
on_client(void *arg, struct server_client *c,
    struct tcpk_client *client, struct tcpk_err *err)
{
	struct echo				*e = arg;
	struct client				*cl = (struct client *)c;
	const struct tcpecho_server_opts	*so = &e->o->server;
	struct tcpk_pump_opts			 opts;

	if (watch(e, cl, client, err) == -1)
		return -1;
	if (!plain(so)) {
		cl->talk = tcpecho_talk_start(e->loop, client->stream, so,
		    client->endpoint->o.idle_timeout, on_talked, cl, err);
		return cl->talk == NULL ? -1 : 0;
	}
	tcpk_pump_defaults(&opts);
	opts.idle_timeout = client->endpoint->o.idle_timeout;
	opts.half_close_timeout = client->endpoint->o.half_close_timeout;
	if (so->greet != NULL) {
		opts.half[0].first = so->greet;
		opts.half[0].nfirst = strlen(so->greet);
	}
	cl->pump = tcpk_pump_start(e->loop, client->stream, client->stream,
	    &opts, on_pumped, cl, err);
	return cl->pump == NULL ? -1 : 0;
}

/* A datagram is a message of its own: there is nobody to greet first. */
static size_t
on_datagram(void *arg, struct tcpk_udp *udp, const struct tcpk_addr *from,
    const void *data, size_t n)
{
	struct echo				*e = arg;
	const struct tcpecho_server_opts	*so = &e->o->server;
	char					 pattern[512];

	if (so->discard)
		return 0;
	if (so->reply != NULL) {
		data = so->reply;
		n = strlen(so->reply);
	} else if (so->chargen) {
		/* RFC 864: one datagram of up to 512 characters for each. */
		tcpecho_pattern(pattern, sizeof(pattern));
		data = pattern;
		n = sizeof(pattern);
	}
	if (e->late != NULL)
		return tcpecho_late_put(e->late, udp, from, data, n) ? n : 0;
	return tcpk_udp_send(udp, from, data, n) == 0 ? n : 0;
}

static void
on_cut(void *arg, struct server_client *c, struct server_end *end)
{
	struct client	*cl = (struct client *)c;
	uint64_t	 bytes[2] = { 0, 0 };

	(void)arg;
	if (cl->pump != NULL)
		tcpk_pump_bytes(cl->pump, bytes);
	tcpk_pump_cancel(cl->pump);
	tcpecho_talk_cancel(cl->talk);
	end->bytes_in = end->bytes_out = bytes[0];
}

static int
on_start(void *arg, struct tcpk_loop *loop, struct server *server,
    struct tcpk_err *err)
{
	struct echo	*e = arg;

	(void)server;
	e->loop = loop;
	if (e->o->server.delay == 0)
		return 0;
	e->late = tcpecho_late_new(loop, e->o->server.delay);
	return e->late != NULL ? 0 :
	    tcpk_err_set(err, TCPK_EIO, "out of memory");
}

/* The sockets of datagrams that wait are closed now. */
static void
on_drain(void *arg)
{
	struct echo	*e = arg;

	tcpecho_late_free(e->late);
	e->late = NULL;
}

int
tcpecho_server(struct tcpecho_opts *o, struct msg *m)
{
	static const struct server_handler	 handler = {
		.start = on_start,
		.stop = on_drain,
		.drain = on_drain,
		.client_size = sizeof(struct client),
		.client = on_client,
		.datagram = on_datagram,
		.cut = on_cut
	};
	struct server_opts			 so = {
		.msg = m,
		.neps = o->neps,
		.numeric = o->numeric,
		.workers = (unsigned)o->server.workers,
		.drain_timeout = o->server.drain_timeout,
		.ready_fd = o->server.ready_fd,
		.user = o->server.user
	};
	struct tcpk_endpoint			**eps;
	struct echo				 e = { .o = o, .msg = m };
	struct tcpk_err				 err;
	struct msg_fields			 f = { .event = "error" };
	size_t					 i;
	int					 status;

	for (i = 0; i < o->neps; i++)
		if (o->eps[i].scheme == TCPK_UDP && o->server.greet != NULL)
			return msg_usage(m, "%s: --greet does not go with "
			    "udp://", o->eps[i].text);
	eps = calloc(o->neps, sizeof(struct tcpk_endpoint *));
	if (eps == NULL) {
		tcpk_err_set(&err, TCPK_EIO, "out of memory");
		msg_err(m, MSG_ERROR, &f, &err);
		return msg_status(&err);
	}
	for (i = 0; i < o->neps; i++)
		eps[i] = &o->eps[i];
	so.eps = eps;
	status = server_run(&so, &handler, &e);
	free(eps);
	return status;
}
