/* The client: its sessions, and what connects them. */

#include <sys/resource.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sig.h"
#include "tcpecho_client.h"

/* Messages on the way at most, of all sessions; a time is kept of each. */
#define WINDOW_ALL	(1 << 20)

/* Odd things that are shown one by one without -v. */
#define COMPLAINTS	10

enum msg_level
client_level(struct client *c, enum msg_level level)
{
	return c->complaints++ < COMPLAINTS ? level : MSG_INFO;
}

void
session_set_phase(struct session *s, enum phase p)
{
	static const char *const	names[] = {
		"waiting", "connecting", "running", "resting", "closing",
		"exiting", "over"
	};
	struct msg_fields		f = session_fields(s, "detail");

	msg(s->client->msg, MSG_DEBUG, &f, "session %llu: %s -> %s",
	    (unsigned long long)s->number, names[s->phase], names[p]);
	s->phase = p;
}

const char *
session_name(const struct session *s, char buf[SESSION_NAME])
{
	const char	*peer = s->peer != NULL ? s->peer : s->client->ep->text;

	if (s->client->nsessions > 1)
		snprintf(buf, SESSION_NAME, "%s (connection %llu)", peer,
		    (unsigned long long)s->conn);
	else
		snprintf(buf, SESSION_NAME, "%s", peer);
	return buf;
}

struct msg_fields
session_fields(const struct session *s, const char *event)
{
	struct msg_fields	f = { .event = event, .conn = s->conn };

	f.peer = s->peer;
	return f;
}

/* Send no more; who has no connection gets none. */
static void
stop_all(struct client *c)
{
	struct session	*s;
	uint64_t	 i;
	int		 status;

	c->head = NULL;
	c->tail = &c->head;
	for (i = 0; i < c->nsessions; i++) {
		s = &c->sessions[i];
		s->stopped = true;
		if (s->phase == CONNECTING) {
			tcpk_connect_cancel(s->connect);
			s->connect = NULL;
			c->connecting--;
		}
		/* Who never had a connection had all the time there was. */
		status = s->failure;
		if (status == 0 && s->conn == 0 && c->signo == 0)
			status = 4;
		if (s->phase == WAITING || s->phase == CONNECTING)
			client_finish(s, status);
		else
			session_stop(s);
	}
}

static void
on_duration(void *arg)
{
	stop_all(arg);
}

static void
on_signal(void *arg, int signo)
{
	struct client	*c = arg;

	/* Nobody waits for us when the terminal has gone. */
	if (c->signo != 0 || signo == SIGHUP) {
		c->at_once = true;
		c->signo = signo;
		tcpk_loop_stop(c->loop);
		return;
	}
	c->signo = signo;
	stop_all(c);
}

static void
on_warning(void *arg, const char *text)
{
	struct client		*c = arg;
	struct msg_fields	 f = { .event = "warning" };

	msg(c->msg, MSG_WARNING, &f, "%s", text);
}

/* Descriptors for all, or a word about it before it begins. */
static int
raise_limit(const struct client *c, struct tcpk_err *err)
{
	struct rlimit	lim;
	rlim_t		need = c->nsessions + 3 * CLIENT_CONNECTING + 32;

	if (c->ep->argv != NULL)
		need += c->nsessions;
	if (getrlimit(RLIMIT_NOFILE, &lim) == -1 || lim.rlim_cur >= need)
		return 0;
	if (lim.rlim_max < need && c->nsessions > 1)
		return tcpk_err_set(err, TCPK_EUSAGE, "--parallel %llu: only "
		    "%llu descriptors are allowed here, and %llu needed",
		    (unsigned long long)c->nsessions,
		    (unsigned long long)lim.rlim_max,
		    (unsigned long long)need);
	lim.rlim_cur = lim.rlim_max < need ? lim.rlim_max : need;
	setrlimit(RLIMIT_NOFILE, &lim);
	return 0;
}

static int
start(struct client *c, struct tcpk_err *err)
{
	struct session	*s;
	uint64_t	 i;

	c->loop = tcpk_loop_new(getenv("TCPKIT_LOOP"), err);
	if (c->loop == NULL)
		return -1;
	tcpk_timer_init(&c->end, c->loop, on_duration, c);
	c->sessions = calloc(c->o->parallel, sizeof(*c->sessions));
	if (c->sessions == NULL || tcpk_loop_scratch(c->loop) == NULL)
		return tcpk_err_set(err, TCPK_EIO, "out of memory");
	if (getentropy(&c->key, sizeof(c->key)) == -1)
		c->key = tcpk_now();
	c->nsessions = c->live = c->o->parallel;
	c->window = WINDOW_ALL / c->nsessions;
	c->tail = &c->head;
	for (i = 0; i < c->nsessions; i++) {
		s = &c->sessions[i];
		s->client = c;
		s->number = i + 1;
		tcpk_timer_init(&s->timer, c->loop, client_on_timer, s);
		client_wait_for_turn(s);
	}
	if (raise_limit(c, err) == -1 ||
	    sig_watch(c->loop, on_signal, c, err) == -1)
		return -1;
	if (c->ep->scheme == TCPK_TLS) {
		c->tls = tcpk_tls_config_new(c->ep, on_warning, c, err);
		if (c->tls == NULL)
			return -1;
	}
	if (c->ep->o.via != NULL || c->ep->o.via_auth != NULL) {
		c->via = tcpk_via_new(c->ep, err);
		if (c->via == NULL)
			return tcpk_err_wrap(err, "%.80s", c->ep->text);
	}
	c->totals.started = tcpk_now();
	if (c->o->duration != 0 && tcpk_timer_set(&c->end,
	    c->totals.started + c->o->duration) == -1)
		return tcpk_err_set(err, TCPK_EIO, "out of memory");
	client_take_turns(c);
	return 0;
}

/* What is still there after a second signal. */
static void
drop(struct session *s)
{
	if (s->stream != NULL) {
		s->client->totals.lost += s->verify.limit - s->verify.expect;
		tcpk_stream_reset(s->stream);
		tcpk_stream_free(s->stream);
	}
	tcpk_timer_stop(&s->timer);
	tcpk_connect_cancel(s->connect);
	free(s->times);
	free(s->peer);
}

static bool
went_wrong(const struct totals *t)
{
	return t->lost + t->corrupt + t->duplicate + t->reordered +
	    t->stray != 0;
}

/* SPEC 1.6 and section 3, the gravest first. */
static int
judge(const struct client *c)
{
	const struct totals	*t = &c->totals;
	struct msg_fields	 f = { .event = "max-rtt" };
	uint64_t		 p99 = histogram_at(&t->rtt, 9900);

	if (c->o->max_rtt != 0 && p99 > c->o->max_rtt)
		msg(c->msg, MSG_ERROR, &f, "%s: p99 of the round trips is "
		    "%.3f ms, over %.3f ms", t->peer, (double)p99 / 1e6,
		    (double)c->o->max_rtt / 1e6);
	if (c->status == 7 || c->status == 8)
		return c->status;
	if (went_wrong(t))
		return 6;
	if (c->status != 0)
		return c->status;
	if (t->connections == 0)
		return 4;
	return c->o->max_rtt != 0 && p99 > c->o->max_rtt ? 6 : 0;
}

static int
run(struct client *c)
{
	struct msg_fields	f = { .event = "error" };
	struct tcpk_err		err;
	uint64_t		i;
	int			status;

	if (start(c, &err) == -1 || (c->live > 0 &&
	    tcpk_loop_run(c->loop, &err) == -1)) {
		msg_err(c->msg, MSG_ERROR, &f, &err);
		status = msg_status(&err);
	} else
		status = -1;
	sig_unwatch();
	for (i = 0; i < c->nsessions; i++)
		drop(&c->sessions[i]);
	c->totals.ended = tcpk_now();
	if (status != -1)
		return status;
	status = judge(c);
	/* What makes no sense has no results. */
	if (status == 2)
		return status;
	if (tcpecho_report(c, status) == -1) {
		if (errno == EPIPE)
			return 128 + SIGPIPE;
		tcpk_err_errno(&err, TCPK_EIO, errno, "standard output");
		msg_err(c->msg, MSG_ERROR, &f, &err);
		return 7;
	}
	return c->at_once ? 128 + c->signo : status;
}

int
tcpecho_client(const struct tcpecho_opts *o, const struct msg *m)
{
	struct client		*c = calloc(1, sizeof(*c));
	struct msg_fields	 f = { .event = "error" };
	struct tcpk_err		 err;
	int			 status;

	if (c == NULL) {
		tcpk_err_set(&err, TCPK_EIO, "out of memory");
		msg_err(m, MSG_ERROR, &f, &err);
		return msg_status(&err);
	}
	c->opts = o;
	c->o = &o->client;
	c->ep = &o->eps[0];
	c->msg = m;
	status = run(c);
	tcpk_tls_config_free(c->tls);
	tcpk_via_free(c->via);
	if (c->loop != NULL)
		tcpk_timer_stop(&c->end);
	tcpk_loop_free(c->loop);
	free(c->sessions);
	free(c);
	return status;
}
