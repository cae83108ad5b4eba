/*
 * tcpcat -lk: all who come are served, each by a program of its own (-e, -c),
 * or all together: what they send is merged onto standard output, and
 * standard input goes to everyone.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tcpkit/connect.h>
#include <tcpkit/hub.h>
#include <tcpkit/senders.h>

#include "server.h"
#include "taps.h"
#include "tcpcat.h"
#include "ucspi.h"

/* Descriptors that a program takes while it is started: two pipes. */
#define FDS_PROGRAM	4

extern char	**environ;

struct serving {
	struct tcpcat_opts	*o;
	const struct msg	*msg;
	struct tcpk_loop	*loop;
	struct server		*server;
	bool			 together;	/* no programs */
	struct tcpk_hub		*hub;
	struct tcpk_stream	*senders;	/* of udp; the pump's */
	struct tcpk_pump	*pump;
	struct record		*record;	/* NULL none */
	bool			 pipe_ignored;
};

struct client {
	struct server_client	 c;	/* first */
	struct serving		*s;
	struct tcpk_member	*member;	/* of the hub */
	struct tcpk_stream	*stream;	/* until its program runs */
	struct tcpk_connect	*connect;
	struct tcpk_pump	*pump;
	char			**env;		/* of its program */
	struct taps		 taps;
};

static void
forget(struct client *cl, bool cut)
{
	char			 peer[TCPK_ADDR_TEXT];
	struct msg_fields	 f = {
		.conn = cl->c.conn,
		.peer = server_peer(&cl->c, peer)
	};

	taps_end(&cl->taps, cut, cl->s->msg, &f);
	ucspi_free(cl->env);
}

static void
leave(struct client *cl, const struct server_end *end)
{
	forget(cl, end->err.kind != TCPK_OK);
	server_leave(&cl->c, end);
}

static void
leave_err(struct client *cl, const struct tcpk_err *err)
{
	struct server_end	end = { .err = *err, .side = 0 };

	tcpk_stream_reset(cl->stream);
	tcpk_stream_free(cl->stream);
	leave(cl, &end);
}

/* --- a program for each -------------------------------------------------- */

static void
on_pumped(void *arg, const struct tcpk_pump_report *r)
{
	struct server_end	end = {
		.bytes_in = r->taken[1],
		.bytes_out = r->bytes[0],
		.err = r->err,
		.side = r->side
	};
	struct client		*cl = arg;

	/* What failed is not the client, who is named. */
	if (r->err.kind != TCPK_OK && r->side == 0)
		tcpk_err_wrap(&end.err, "%s", cl->s->o->local.argv[0]);
	leave(cl, &end);
}

static void
on_program(void *arg, const struct tcpk_connected *c)
{
	struct client		*cl = arg;
	struct tcpk_stream	*program = c->stream;
	struct taps_opts	 taps = { .digest = cl->s->o->sha256 };
	struct tcpk_pump_opts	 opts;
	struct tcpk_err		 err = c->err;

	cl->connect = NULL;
	if (program == NULL) {
		leave_err(cl, &err);
		return;
	}
	tcpcat_pump_opts(cl->s->o, 0, &opts);
	if (tcpcat_lines(cl->s->o, cl->s->loop, &program, &err) == 0 &&
	    taps_local(&cl->taps, &taps, &program, &err) == 0)
		cl->pump = tcpk_pump_start(cl->s->loop, program, cl->stream,
		    &opts, on_pumped, cl, &err);
	if (cl->pump == NULL) {
		tcpk_stream_free(program);
		leave_err(cl, &err);
		return;
	}
	cl->stream = NULL;
}

static void
on_starting(void *arg)
{
	struct client	*cl = arg;

	server_reserve_use(&cl->c);
}

static int
run_program(struct client *cl, struct tcpk_client *client,
    const struct tcpk_addr *local, struct tcpk_err *err)
{
	struct tcpk_connect_opts	opts = { 0 };

	cl->env = ucspi_environment(environ, local, client->peer, NULL,
	    cl->c.conn, client->tls);
	if (cl->env == NULL)
		return tcpk_err_set(err, TCPK_EIO, "out of memory");
	opts.envp = cl->env;
	opts.starting = on_starting;
	cl->stream = client->stream;
	cl->connect = tcpk_connect_start(cl->s->loop, &cl->s->o->local, &opts,
	    on_program, cl, err);
	if (cl->connect != NULL)
		return 0;
	cl->stream = NULL;
	return -1;
}

/* --- all together -------------------------------------------------------- */

static void
on_left(void *arg, const struct tcpk_left *l)
{
	struct server_end	end = {
		.bytes_in = l->bytes_in,
		.bytes_out = l->bytes_out,
		.err = l->err,
		.side = 1
	};

	leave(arg, &end);
}

/* Nobody reads what we write, or it cannot be written: there is no point. */
static void
on_ours_left(void *arg, const struct tcpk_left *l)
{
	struct serving		*s = arg;
	struct msg_fields	 f = { .event = "error" };
	struct tcpk_err		 err = l->err;

	server_release(s->server);
	if (err.kind == TCPK_OK)
		return;
	if (err.code == EPIPE && !s->pipe_ignored) {
		server_stop(s->server, 128 + SIGPIPE);
		return;
	}
	tcpk_err_wrap(&err, "%s", err.kind != TCPK_EIO ? s->o->remote.text :
	    strncmp(err.text, "read", 4) == 0 ? "standard input" :
	    "standard output");
	msg_err(s->msg, MSG_ERROR, &f, &err);
	server_stop(s->server, msg_status(&err));
}

static int
join_hub(struct client *cl, struct tcpk_client *client,
    struct tcpk_err *err)
{
	const char	*greet = cl->s->o->greet;
	char		 peer[TCPK_ADDR_TEXT], tag[TCPK_ADDR_TEXT + 2];

	snprintf(tag, sizeof(tag), "%s: ", server_peer(&cl->c, peer));
	cl->member = tcpk_hub_add(cl->s->hub, client->stream, TCPK_CLIENT,
	    tag, greet, greet != NULL ? strlen(greet) : 0, on_left, cl, err);
	return cl->member == NULL ? -1 : 0;
}

/* --- udp: whoever sends, together ---------------------------------------- */

static void
on_senders_done(void *arg, const struct tcpk_pump_report *r)
{
	struct serving		*s = arg;
	struct tcpk_left	 l = { .err = r->err };

	s->pump = NULL;
	on_ours_left(s, &l);
}

static int
open_senders(struct serving *s, struct tcpk_err *err)
{
	struct tcpk_senders_opts opts = {
		.all = true,
		.open = s->o->broadcast,
		.lines = s->o->tag,
		.most = s->o->remote.o.max_clients,
		.greeting = s->o->greet,
		.ngreeting = s->o->greet != NULL ? strlen(s->o->greet) : 0
	};
	struct tcpk_pump_opts	 popts;
	struct tcpk_stream	*ours;

	tcpcat_pump_opts(s->o, 0, &popts);
	/* The end of input ends nothing, and nothing waits for it. */
	popts.half[0].quiet = 0;
	popts.half[0].patient = false;
	ours = tcpk_stream_stdio(s->loop, STDIN_FILENO, STDOUT_FILENO, err);
	if (ours == NULL)
		return -1;
	s->senders = tcpk_senders_new(s->loop, &opts, err);
	if (s->senders != NULL &&
	    tcpcat_lines(s->o, s->loop, &ours, err) == 0)
		s->pump = tcpk_pump_start(s->loop, ours, s->senders, &popts,
		    on_senders_done, s, err);
	if (s->pump != NULL)
		return 0;
	tcpk_stream_free(ours);
	tcpk_stream_free(s->senders);
	return -1;
}

static size_t
on_datagram(void *arg, struct tcpk_udp *udp, const struct tcpk_addr *from,
    const void *data, size_t n)
{
	struct serving		*s = arg;
	struct msg_fields	 f = { .event = "connect" };
	char			 text[TCPK_ADDR_TEXT];

	if (s->pump == NULL ||
	    !tcpk_senders_heard(s->senders, udp, from, data, n))
		return 0;
	f.peer = tcpk_addr_format(from, text, sizeof(text));
	msg(s->msg, MSG_INFO, &f, "first datagram from %s", text);
	return 0;
}

/* --- clients ------------------------------------------------------------- */

static int
on_client(void *arg, struct server_client *c, struct tcpk_client *client,
    struct tcpk_err *err)
{
	struct serving		*s = arg;
	struct client		*cl = (struct client *)c;
	struct taps_opts	 taps = {
		.record = s->record,
		.digest = s->o->sha256,
		.peer_began = true,
		.conn = c->conn
	};
	struct tcpk_addr	 local;

	cl->s = s;
	cl->taps.named = true;
	if (client->to != NULL)
		local = *client->to;
	else
		tcpk_stream_local(client->stream, &local);
	if (taps_remote(&cl->taps, &taps, &local, client->peer,
	    &client->stream, err) == -1)
		return -1;
	if (s->together ? join_hub(cl, client, err) == 0 :
	    run_program(cl, client, &local, err) == 0)
		return 0;
	forget(cl, true);
	return -1;
}

/* Standard output is to have everything before we leave. */
static void
on_ready(void *arg)
{
	struct serving	*s = arg;

	record_start(s->record);
	if (s->together)
		server_hold(s->server);
}

static void
on_cut(void *arg, struct server_client *c, struct server_end *end)
{
	struct client	*cl = (struct client *)c;
	uint64_t	 bytes[2] = { 0, 0 };

	(void)arg;
	if (cl->member != NULL) {
		tcpk_hub_cut(cl->member, &end->bytes_in, &end->bytes_out);
		forget(cl, true);
		return;
	}
	tcpk_connect_cancel(cl->connect);
	if (cl->pump != NULL)
		tcpk_pump_bytes(cl->pump, bytes);
	tcpk_pump_cancel(cl->pump);
	if (cl->stream != NULL)
		tcpk_stream_reset(cl->stream);
	tcpk_stream_free(cl->stream);
	forget(cl, true);
	end->bytes_out = bytes[0];
	end->bytes_in = bytes[1];
}

/* What is queued is still delivered, then everyone is half-closed. */
static void
on_drain(void *arg)
{
	struct serving	*s = arg;

	if (s->hub != NULL)
		tcpk_hub_finish(s->hub);
	if (s->pump != NULL)
		tcpk_senders_end(s->senders);
}

/* Standard input and output, or nothing in place of one. */
static int
open_hub(struct serving *s, struct tcpk_err *err)
{
	struct tcpk_hub_opts	 opts = {
		.open = s->o->broadcast,
		.lines = s->o->tag,
		.pace = true,
		.idle_timeout = s->o->remote.o.idle_timeout
	};
	struct tcpk_stream	*ours;
	int			 in = STDIN_FILENO, out = STDOUT_FILENO;

	if (s->o->recv_only)
		in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (s->o->send_only)
		out = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (in == -1 || out == -1)
		return tcpk_err_errno(err, TCPK_EIO, errno, "/dev/null");
	s->hub = tcpk_hub_new(s->loop, &opts, err);
	if (s->hub == NULL)
		return -1;
	ours = tcpk_stream_stdio(s->loop, in, out, err);
	if (ours == NULL)
		return -1;
	if (tcpcat_lines(s->o, s->loop, &ours, err) == 0 &&
	    tcpk_hub_add(s->hub, ours, TCPK_OURS, NULL, NULL, 0, on_ours_left,
	    s, err) != NULL)
		return 0;
	tcpk_stream_free(ours);
	return -1;
}

static int
on_start(void *arg, struct tcpk_loop *loop, struct server *server,
    struct tcpk_err *err)
{
	struct serving	*s = arg;

	s->loop = loop;
	s->server = server;
	if (!s->together)
		return 0;
	return s->o->remote.scheme == TCPK_UDP ? open_senders(s, err) :
	    open_hub(s, err);
}

static void
on_stop(void *arg)
{
	struct serving	*s = arg;

	tcpk_hub_free(s->hub);
	s->hub = NULL;
	tcpk_pump_cancel(s->pump);
	s->pump = NULL;
}

int
tcpcat_serve(struct tcpcat_opts *o, const struct msg *m,
    struct record *record, bool pipe_ignored)
{
	static const struct server_handler	 handler = {
		.start = on_start,
		.stop = on_stop,
		.client_size = sizeof(struct client),
		.client = on_client,
		.datagram = on_datagram,
		.cut = on_cut,
		.drain = on_drain,
		.ready = on_ready
	};
	struct tcpk_endpoint			*eps[] = { &o->remote };
	struct server_opts			 so = {
		.msg = m,
		.eps = eps,
		.neps = 1,
		.numeric = o->numeric,
		.workers = (unsigned)o->workers,
		.drain_timeout = o->drain_timeout,
		.deadline = o->deadline,
		.ready_fd = o->ready_fd,
		.user = o->user,
		.stats = o->stats,
		.announce = o->tag || o->broadcast,
		.reserve = o->local.scheme != TCPK_STDIO ? FDS_PROGRAM : 0
	};
	struct serving				 s = {
		.o = o,
		.msg = m,
		.together = o->local.scheme == TCPK_STDIO,
		.record = record,
		.pipe_ignored = pipe_ignored
	};

	return server_run(&so, &handler, &s);
}
