/* Connecting, and again. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tcpcat_run.h"
#include "tls_msg.h"

/* The waits of --retry, and the first of --reconnect: SPEC section 2. */
#define RETRY_LEAST	(TCPK_SECOND / 10)
#define RETRY_MOST	(5 * TCPK_SECOND)
#define RECONNECT_LEAST	(TCPK_SECOND / 2)

extern char	**environ;

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
print_attempts(struct tcpcat *t, const struct tcpk_connected *c,
    enum msg_level level)
{
	char			 text[TCPK_ADDR_TEXT];
	struct msg_fields	 f = { .event = "connect-failed" };
	struct tcpk_err		 err;
	size_t			 i;

	for (i = 0; i < c->nattempts; i++) {
		tcpk_attempt_err(&c->attempts[i], &t->o.remote, &err);
		f.peer = tcpk_addr_format(&c->attempts[i].addr, text,
		    sizeof(text));
		msg_err(&t->msg, c->stream == NULL ? level : MSG_INFO, &f,
		    &err);
	}
}

/* Through a proxy, the peer of the socket is not whom we are connected to. */
static const char *
far_end(const struct tcpcat *t, const struct tcpk_connected *c,
    char buf[TCPK_ADDR_TEXT])
{
	const struct tcpk_endpoint	*ep = &t->o.remote;

	if (ep->o.via == NULL)
		return tcpk_addr_format(&c->peer, buf, TCPK_ADDR_TEXT);
	snprintf(buf, TCPK_ADDR_TEXT, strchr(ep->host, ':') != NULL ?
	    "[%s]:%s" : "%s:%s", ep->host, ep->port);
	return buf;
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
	f.peer = far_end(t, c, text);
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
	tcpcat_leave(t, r == -1 ? 7 : 0);
}

static void
print_connected(const struct tcpcat *t, const struct msg_fields *f,
    const struct tcpk_connected *c)
{
	const struct tcpk_options	*o = &t->o.remote.o;
	char				 target[TCPK_ADDR_TEXT];

	msg(&t->msg, MSG_INFO, f, c->tls != NULL ? "connected to %s%s%s (name "
	    "%.1f ms, connection %.1f ms, TLS %.1f ms)" : "connected to "
	    "%s%s%s (name %.1f ms, connection %.1f ms)", o->via != NULL ?
	    far_end(t, c, target) : "", o->via != NULL ? " via " : "", t->peer,
	    (double)c->name_time / 1e6, (double)c->connect_time / 1e6,
	    (double)c->tls_time / 1e6);
	if (c->tls != NULL)
		tls_msg_agreed(&t->msg, f, c->tls, o->insecure);
}

/* --- again --------------------------------------------------------------- */

static void
on_again(void *arg)
{
	struct tcpcat		*t = arg;
	struct tcpk_err		 err;

	if (tcpcat_connect(t, &err) == -1)
		tcpcat_leave_err(t, "error", &err);
}

/* Is it of any use to try that again? */
static bool
may_pass(const struct tcpcat *t, const struct tcpk_err *err)
{
	if (t->deadline_at != 0 && tcpk_now() >= t->deadline_at)
		return false;
	switch (err->kind) {
	case TCPK_EUSAGE:
	case TCPK_ETLS:
	case TCPK_EIO:
		return false;
	default:
		return true;
	}
}

static void
wait_and_try(struct tcpcat *t)
{
	struct msg_fields	 f = { .event = "detail" };
	uint64_t		 wait = backoff_next(&t->backoff);

	msg(&t->msg, MSG_INFO, &f, "%s: connecting again in %.1f s",
	    t->o.remote.text, (double)wait / 1e9);
	tcpk_timer_set(&t->again, tcpk_now() + wait);
	if (t->deadline_at != 0)
		tcpk_timer_set(&t->deadline, t->deadline_at);
}

bool
tcpcat_again(struct tcpcat *t, const struct tcpk_err *err)
{
	const struct taps	*taps = &t->taps;

	if (!t->o.reconnect)
		return false;
	if (err->kind == TCPK_OK && taps->had_input && taps->input_ended)
		return false;
	if (!may_pass(t, err))
		return false;
	/* Whatever comes later, something was lost here. */
	if (err->kind != TCPK_OK && t->failed == 0)
		t->failed = msg_status(err);
	wait_and_try(t);
	return true;
}

/* --- connecting ---------------------------------------------------------- */

static void
on_failed(struct tcpcat *t, const struct tcpk_connected *c)
{
	struct msg_fields	f = { .event = "connect-failed" };
	char			text[TCPK_ADDR_TEXT];
	bool			again;
	enum msg_level		level;

	again = (t->o.reconnect || (t->o.retry &&
	    t->tries++ < t->o.retries)) && may_pass(t, &c->err);
	level = again ? MSG_WARNING : MSG_ERROR;
	print_attempts(t, c, level);
	if (c->tls != NULL || c->err.kind == TCPK_ETLS) {
		f.event = "tls-failed";
		f.conn = t->conn + 1;
		f.peer = tcpk_addr_format(&c->peer, text, sizeof(text));
	}
	if (f.peer != NULL || c->nattempts == 0 || c->peer.len != 0)
		msg_err(&t->msg, level, &f, &c->err);
	if (c->tls != NULL)
		tls_msg_presented(&t->msg, &f, t->o.remote.text, c->tls, true);
	if (again)
		wait_and_try(t);
	else
		tcpcat_leave(t, msg_status(&c->err));
}

static void
on_connected(void *arg, const struct tcpk_connected *c)
{
	struct tcpcat		*t = arg;
	struct msg_fields	 f = { .event = "connect" };

	t->connect = NULL;
	if (c->stream == NULL) {
		on_failed(t, c);
		return;
	}
	print_attempts(t, c, MSG_INFO);
	if (t->o.tls_info) {
		print_tls_info(t, c);
		return;
	}
	f.conn = ++t->conn;
	tcpcat_join(t, c->stream, &c->peer, NULL);
	f.local = t->here[0] != '\0' ? t->here : NULL;
	f.peer = t->peer;
	print_connected(t, &f, c);
}

int
tcpcat_connect(struct tcpcat *t, struct tcpk_err *err)
{
	struct tcpk_connect_opts	opts = {
		.dial.numeric = t->o.numeric,
		.dial.defer = !t->o.retry && !t->o.reconnect,
		.envp = environ,
		.warning = tcpcat_warning
	};

	if (t->again.fn == NULL) {
		tcpk_timer_init(&t->again, t->loop, on_again, t);
		backoff_init(&t->backoff, t->o.reconnect ? RECONNECT_LEAST :
		    RETRY_LEAST, t->o.reconnect ? t->o.reconnect_most :
		    RETRY_MOST);
	}
	if (t->msg.verbose > 0 || t->msg.json)
		opts.dial.trying = on_trying;
	t->connect = tcpk_connect_start(t->loop, &t->o.remote, &opts,
	    on_connected, t, err);
	return t->connect == NULL ? -1 : 0;
}
