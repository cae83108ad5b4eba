/* tcpcat: standard input and output, or a program, to an endpoint. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tcpkit/connect.h>
#include <tcpkit/pump.h>
#include <tcpkit/serve.h>

#include "msg.h"
#include "sig.h"
#include "tcpcat.h"
#include "tls_msg.h"
#include "ucspi.h"

extern char	**environ;

struct tcpcat {
	struct tcpcat_opts	 o;
	struct msg		 msg;
	struct tcpk_loop	*loop;
	struct tcpk_serve	*serve;
	struct tcpk_connect	*connect;	/* to remote, then to local */
	struct tcpk_pump	*pump;
	struct tcpk_stream	*remote;	/* until the pump has it */
	struct tcpk_timer	 deadline;
	uint64_t		 deadline_at;	/* 0 none */
	char			 peer[TCPK_ADDR_TEXT];
	char			 here[TCPK_ADDR_TEXT];
	char			**env;		/* of a program */
	bool			 pipe_ignored;
	int			 status;
	int			 signo;		/* to die of, or 0 */
};

static void
leave(struct tcpcat *t, int status)
{
	t->status = status;
	tcpk_loop_stop(t->loop);
}

static void
leave_err(struct tcpcat *t, const char *event, const struct tcpk_err *err)
{
	struct msg_fields	f = { .event = event };

	msg_err(&t->msg, MSG_ERROR, &f, err);
	leave(t, msg_status(err));
}

static void
on_deadline(void *arg)
{
	struct tcpcat	*t = arg;
	struct tcpk_err	 err;

	tcpk_err_set(&err, TCPK_ETIMEOUT, "%s: deadline reached before there "
	    "was a connection", t->o.remote.text);
	leave_err(t, "timeout", &err);
}

static void
on_signal(void *arg, int signo)
{
	struct tcpcat	*t = arg;

	t->signo = signo;
	leave(t, 128 + signo);
}

static void
on_done(void *arg, const struct tcpk_pump_report *r)
{
	struct tcpcat		*t = arg;
	struct tcpcat_ends	 ends = { &t->msg, &t->o, t->here, t->peer };

	t->pump = NULL;
	/* Like cat: nobody reads what we write, and that says it all. */
	if (r->err.kind == TCPK_EIO && r->err.code == EPIPE &&
	    r->side == 0 && !t->pipe_ignored)
		t->signo = SIGPIPE;
	else
		tcpcat_report(&ends, r);
	leave(t, msg_status(&r->err));
}

static void
print_detail(const struct tcpcat *t, const struct tcpk_pump_opts *p)
{
	struct msg_fields	f = { .event = "detail", .conn = 1 };
	uint64_t		quiet = p->half[0].quiet;

	f.local = t->here[0] != '\0' ? t->here : NULL;
	f.peer = t->peer;
	msg(&t->msg, MSG_DEBUG, &f, "local address %s, event loop %s, input "
	    "after the peer's end: %s", t->here[0] != '\0' ? t->here : "none",
	    tcpk_loop_backend(t->loop), quiet == 0 ? "not waited for" :
	    quiet == TCPK_FOREVER ? "to its end" : "until it is silent");
}

static void
on_local(void *arg, const struct tcpk_connected *c)
{
	struct tcpcat		*t = arg;
	struct tcpk_pump_opts	 opts;
	struct tcpk_err		 err = c->err;

	t->connect = NULL;
	if (c->stream == NULL) {
		/* No answer must not look like an empty one. */
		tcpk_stream_reset(t->remote);
		leave_err(t, "program", &err);
		return;
	}
	tcpcat_pump_opts(&t->o, t->deadline_at, &opts);
	t->pump = tcpk_pump_start(t->loop, c->stream, t->remote, &opts,
	    on_done, t, &err);
	if (t->pump == NULL) {
		tcpk_stream_free(c->stream);
		tcpk_stream_reset(t->remote);
		leave_err(t, "error", &err);
		return;
	}
	t->remote = NULL;
	tcpk_timer_stop(&t->deadline);
	print_detail(t, &opts);
}

static void
set_peer_name(struct tcpcat *t, const struct tcpk_addr *peer,
    const struct tcpk_addr *local)
{
	const struct tcpk_addr	*a = peer;

	/* A client of a Unix socket mostly has no name: then ours. */
	if (tcpk_addr_family(peer) == AF_UNIX && !tcpk_addr_is_named(peer))
		a = local;
	if (a->len != 0)
		tcpk_addr_format(a, t->peer, sizeof(t->peer));
	else
		snprintf(t->peer, sizeof(t->peer), "%s", t->o.remote.argv !=
		    NULL ? t->o.remote.argv[0] : t->o.remote.text);
}

/* The remote side is there: get the local one. */
static void
join(struct tcpcat *t, struct tcpk_stream *stream,
    const struct tcpk_addr *peer)
{
	struct tcpk_connect_opts	copts = { 0 };
	struct tcpk_addr		local = { 0 };
	struct tcpk_err			err;
	bool				program;

	program = t->o.local.scheme != TCPK_STDIO;
	t->remote = stream;
	if ((program || t->msg.json || t->msg.verbose > 0 ||
	    tcpk_addr_family(peer) == AF_UNIX) && peer->len != 0 &&
	    tcpk_stream_local(stream, &local) == 0)
		tcpk_addr_format(&local, t->here, sizeof(t->here));
	set_peer_name(t, peer, &local);
	if (program) {
		t->env = ucspi_environment(environ, &local, peer,
		    t->o.listen ? NULL : t->o.remote.host, 1,
		    tcpk_tls_info(stream));
		copts.envp = t->env;
	}
	t->connect = tcpk_connect_start(t->loop, &t->o.local, &copts,
	    on_local, t, &err);
	if (t->connect == NULL)
		leave_err(t, "error", &err);
}

static void
on_trying(void *arg, const struct tcpk_addr *addr)
{
	struct tcpcat		*t = arg;
	char			 text[TCPK_ADDR_TEXT];
	struct msg_fields	 f = { .event = "connecting" };

	f.peer = tcpk_addr_format(addr, text, sizeof(text));
	msg(&t->msg, MSG_INFO, &f, "connecting to %s", text);
}

/* Each address and its reason: errors if no other connected. */
static void
print_attempts(struct tcpcat *t, const struct tcpk_connected *c)
{
	char			 text[TCPK_ADDR_TEXT];
	struct msg_fields	 f = { .event = "connect-failed" };
	struct tcpk_err		 err;
	size_t			 i;

	for (i = 0; i < c->nattempts; i++) {
		tcpk_attempt_err(&c->attempts[i], &t->o.remote, &err);
		f.peer = tcpk_addr_format(&c->attempts[i].addr, text,
		    sizeof(text));
		msg_err(&t->msg, c->stream == NULL ? MSG_ERROR : MSG_INFO,
		    &f, &err);
	}
}

/* --tls-info: say it, and leave as one leaves politely. */
static void
print_tls_info(struct tcpcat *t, const struct tcpk_connected *c)
{
	struct msg_fields	f = { .event = "error" };
	char			text[TCPK_ADDR_TEXT];
	struct tcpk_err		err;
	int			r;

	errno = 0;
	f.peer = tcpk_addr_format(&c->peer, text, sizeof(text));
	tls_msg_agreed(&t->msg, &f, c->tls, t->o.remote.o.insecure);
	r = tls_msg_print(&t->msg, text, c->tls);
	tcpk_stream_finish(c->stream);
	tcpk_stream_free(c->stream);
	if (r == -1 && errno == EPIPE && !t->pipe_ignored)
		t->signo = SIGPIPE;
	else if (r == -1) {
		tcpk_err_errno(&err, TCPK_EIO, errno, "standard output");
		msg_err(&t->msg, MSG_ERROR, &f, &err);
	}
	leave(t, r == -1 ? 7 : 0);
}

static void
on_connected(void *arg, const struct tcpk_connected *c)
{
	struct tcpcat		*t = arg;
	struct msg_fields	 f = { .event = "connect", .conn = 1 };
	char			 text[TCPK_ADDR_TEXT];

	t->connect = NULL;
	print_attempts(t, c);
	if (c->stream == NULL) {
		if (c->tls != NULL || c->err.kind == TCPK_ETLS) {
			f.event = "tls-failed";
			f.peer = tcpk_addr_format(&c->peer, text,
			    sizeof(text));
			msg_err(&t->msg, MSG_ERROR, &f, &c->err);
			if (c->tls != NULL)
				tls_msg_presented(&t->msg, &f,
				    t->o.remote.text, c->tls, true);
			leave(t, msg_status(&c->err));
		} else if (c->nattempts == 0 || c->peer.len != 0)
			leave_err(t, "connect-failed", &c->err);
		else
			leave(t, msg_status(&c->err));
		return;
	}
	if (t->o.tls_info) {
		print_tls_info(t, c);
		return;
	}
	join(t, c->stream, &c->peer);
	f.local = t->here[0] != '\0' ? t->here : NULL;
	f.peer = t->peer;
	msg(&t->msg, MSG_INFO, &f, c->tls != NULL ? "connected to %s (name "
	    "%.1f ms, connection %.1f ms, TLS %.1f ms)" : "connected to %s "
	    "(name %.1f ms, connection %.1f ms)", t->peer,
	    (double)c->name_time / 1e6, (double)c->connect_time / 1e6,
	    (double)c->tls_time / 1e6);
	if (c->tls != NULL)
		tls_msg_agreed(&t->msg, &f, c->tls, t->o.remote.o.insecure);
}

static void
print_own_cert(const struct tcpcat *t, const char *listening_on)
{
	struct tcpk_tls_cert	*cert = tcpk_serve_cert(t->serve, 0);

	if (cert != NULL)
		tls_msg_own(&t->msg, cert, listening_on,
		    t->o.remote.o.client_ca != NULL);
	free(cert);
}

static void
on_ready(void *arg, const struct tcpk_addr *addrs, size_t n,
    const struct tcpk_err *err)
{
	struct tcpcat		*t = arg;
	struct msg_fields	 f = { .event = "listening" };
	char			 text[TCPK_ADDR_TEXT];
	size_t			 i;

	if (err != NULL) {
		leave_err(t, "listen-failed", err);
		return;
	}
	for (i = 0; i < n; i++) {
		f.local = tcpk_addr_format(&addrs[i], text, sizeof(text));
		msg(&t->msg, MSG_NOTICE, &f, "listening on %s", text);
		if (i == 0 && t->o.remote.o.self_signed)
			print_own_cert(t, text);
	}
}

/* The first client is the only one. */
static void
on_client(void *arg, const struct tcpk_client *c)
{
	struct tcpcat		*t = arg;
	struct msg_fields	 f = { .event = "connect", .conn = 1 };
	struct tcpk_addr	 peer = *c->peer;
	struct tcpk_stream	*stream = c->stream;

	tcpk_serve_free(t->serve);
	t->serve = NULL;
	join(t, stream, &peer);
	f.local = t->here[0] != '\0' ? t->here : NULL;
	f.peer = t->peer;
	msg(&t->msg, MSG_INFO, &f, "connection from %s", t->peer);
	if (c->tls != NULL)
		tls_msg_agreed(&t->msg, &f, tcpk_tls_info(stream), false);
}

/* A handshake that failed is an end, too. */
static void
on_refused(void *arg, const struct tcpk_addr *peer,
    const struct tcpk_err *err, const struct tcpk_tls_info *info)
{
	struct tcpcat		*t = arg;
	struct msg_fields	 f = { .event = "tls-failed", .conn = 1 };
	char			 text[TCPK_ADDR_TEXT];
	struct tcpk_err		 named = *err;

	f.peer = tcpk_addr_format(peer, text, sizeof(text));
	tcpk_err_wrap(&named, "%s", text);
	msg_err(&t->msg, MSG_ERROR, &f, &named);
	if (info != NULL)
		tls_msg_presented(&t->msg, &f, text, info, false);
	leave(t, msg_status(err));
}

static void
on_denied(void *arg, const struct tcpk_addr *peer, const char *rule)
{
	struct tcpcat		*t = arg;
	struct msg_fields	 f = { .event = "denied", .reason = "acl" };
	char			 text[TCPK_ADDR_TEXT];

	f.peer = tcpk_addr_format(peer, text, sizeof(text));
	msg(&t->msg, MSG_INFO, &f, "denied %s: %s", text, rule);
}

static void
on_warning(void *arg, const char *text)
{
	struct tcpcat		*t = arg;
	struct msg_fields	 f = { .event = "warning" };

	msg(&t->msg, MSG_WARNING, &f, "%s", text);
}

static void
on_trouble(void *arg, const struct tcpk_err *err)
{
	struct tcpcat		*t = arg;
	struct msg_fields	 f = { .event = "accept-paused" };

	msg_err(&t->msg, MSG_WARNING, &f, err);
}

static int
start(struct tcpcat *t, struct tcpk_err *err)
{
	static const struct tcpk_serve_handler	 handler = {
		.ready = on_ready,
		.client = on_client,
		.denied = on_denied,
		.trouble = on_trouble,
		.warning = on_warning,
		.refused = on_refused
	};
	struct tcpk_serve_opts			 sopts = { 0 };
	struct tcpk_connect_opts		 copts = { 0 };

	tcpk_timer_init(&t->deadline, t->loop, on_deadline, t);
	if (t->o.deadline != 0) {
		t->deadline_at = tcpk_now() + t->o.deadline;
		tcpk_timer_set(&t->deadline, t->deadline_at);
	}
	if (t->o.listen) {
		sopts.numeric = t->o.numeric;
		sopts.one = true;
		t->serve = tcpk_serve_start(t->loop, &t->o.remote, &sopts,
		    &handler, t, err);
		return t->serve == NULL ? -1 : 0;
	}
	copts.dial.numeric = t->o.numeric;
	copts.envp = environ;
	copts.warning = on_warning;
	if (t->msg.verbose > 0 || t->msg.json)
		copts.dial.trying = on_trying;
	t->connect = tcpk_connect_start(t->loop, &t->o.remote, &copts,
	    on_connected, t, err);
	return t->connect == NULL ? -1 : 0;
}

static void
run(struct tcpcat *t)
{
	struct tcpk_err	err;

	t->loop = tcpk_loop_new(getenv("TCPKIT_LOOP"), &err);
	if (t->loop == NULL)
		goto fail;
	if (sig_watch(t->loop, on_signal, t, &err) == -1 ||
	    start(t, &err) == -1 || tcpk_loop_run(t->loop, &err) == -1)
		goto fail;
	goto out;
fail:
	{
		struct msg_fields	f = { .event = "error" };

		msg_err(&t->msg, MSG_ERROR, &f, &err);
		t->status = msg_status(&err);
	}
out:
	sig_unwatch();
	tcpk_serve_free(t->serve);
	tcpk_connect_cancel(t->connect);
	tcpk_pump_cancel(t->pump);
	tcpk_stream_free(t->remote);
	tcpk_timer_stop(&t->deadline);
	tcpk_loop_free(t->loop);
}

int
main(int argc, char **argv)
{
	struct tcpcat	t = { .msg = { .tool = "tcpcat" } };
	int		status;

	t.pipe_ignored = sig_prepare();
	status = tcpcat_options(&t.o, &t.msg, argc, argv);
	if (status != -1)
		return status;
	if (t.o.keep) {
		t.status = tcpcat_serve(&t.o, &t.msg, t.pipe_ignored);
		t.signo = t.status > 128 ? t.status - 128 : 0;
	} else
		run(&t);
	tcpcat_options_free(&t.o);
	ucspi_free(t.env);
	if (t.signo != 0)
		sig_die(t.signo);
	return t.status;
}
