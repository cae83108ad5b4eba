/* A server's run: signals, draining, statistics. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server_impl.h"
#include "server_system.h"
#include "sig.h"

void
server_end(struct server *s, int status)
{
	if (s->status == 0)
		s->status = status;
	tcpk_loop_stop(s->loop);
}

void
server_end_if_done(struct server *s)
{
	if (s->stopping && s->clients.conn == 0 && s->holds == 0)
		server_end(s, 0);
}

void
server_fail(struct server *s, const char *event, const struct tcpk_err *err)
{
	struct msg_fields	f = { .event = event };

	msg_err(s->o.msg, MSG_ERROR, &f, err);
	server_end(s, msg_status(err));
}

void
server_counts(const struct server *s, struct server_counters *sum)
{
	unsigned	i;

	memset(sum, 0, sizeof(*sum));
	for (i = 0; i < s->o.workers; i++) {
		sum->now += s->counters[i].now;
		sum->total += s->counters[i].total;
		sum->denied += s->counters[i].denied;
		sum->refused += s->counters[i].refused;
		sum->bad_headers += s->counters[i].bad_headers;
		sum->bytes_in += s->counters[i].bytes_in;
		sum->bytes_out += s->counters[i].bytes_out;
	}
}

unsigned
server_process(const struct server *s)
{
	return s->me;
}

void
server_say_statistics(const struct server *s)
{
	struct msg_fields	f = { .event = "statistics", .moved = true };
	struct server_counters	sum;
	struct msg_counts	counts;
	char			in[MSG_BYTES], out[MSG_BYTES];
	char			headers[64] = "";

	server_counts(s, &sum);
	counts.now = sum.now;
	counts.total = sum.total;
	counts.denied = sum.denied;
	counts.failed = sum.refused;
	counts.proxy_failed = sum.bad_headers;
	f.counts = &counts;
	f.bytes_in = sum.bytes_in;
	f.bytes_out = sum.bytes_out;
	f.duration = tcpk_now() - s->started;
	if (sum.bad_headers > 0)
		snprintf(headers, sizeof(headers), ", %llu sent no good PROXY "
		    "header", (unsigned long long)sum.bad_headers);
	msg(s->o.msg, MSG_RESULT, &f, "%llu clients now, %llu in all, %llu "
	    "denied, %llu failed to agree on TLS%s; those who left sent %s and "
	    "received %s in %.0f s", (unsigned long long)sum.now,
	    (unsigned long long)sum.total, (unsigned long long)sum.denied,
	    (unsigned long long)sum.refused, headers,
	    msg_bytes(sum.bytes_out, out),
	    msg_bytes(sum.bytes_in, in), (double)f.duration / 1e9);
}

void
server_cut_all(struct server *s)
{
	struct server_end	e;

	while (s->clients.next != &s->clients) {
		memset(&e, 0, sizeof(e));
		e.side = -1;
		tcpk_err_set(&e.err, TCPK_ETIMEOUT, "cut by the server's "
		    "stop");
		s->handler->cut(s->arg, s->clients.next, &e);
		server_leave(s->clients.next, &e);
	}
}

static void
on_limit(void *arg)
{
	struct server		*s = arg;
	struct msg_fields	 f = { .event = "cut", .reason = "timeout" };
	uint64_t		 n = s->clients.conn;

	if (!s->stopping) {
		f.event = "timeout";
		msg(s->o.msg, MSG_ERROR, &f, "deadline reached");
		server_stop(s, 4);
		return;
	}
	if (n > 0)
		msg(s->o.msg, MSG_WARNING, &f, "%llu client%s not finished in "
		    "time, cut", (unsigned long long)n, n == 1 ? "" : "s");
	server_cut_all(s);
	server_end(s, 0);
}

void
server_stop(struct server *s, int status)
{
	struct msg_fields	f = { .event = "drain" };
	size_t			i;

	if (s->status == 0)
		s->status = status;
	if (s->stopping)
		return;
	s->stopping = true;
	if (s->parent == NULL)
		server_notify("STOPPING=1");
	if (status != 0) {
		server_cut_all(s);
		tcpk_loop_stop(s->loop);
		return;
	}
	for (i = 0; i < s->n; i++)
		tcpk_serve_stop(s->listeners[i]->serve);
	server_reload_abandon(s, NULL);
	tcpk_timer_set(&s->limit, tcpk_now() + s->o.drain_timeout);
	if (s->clients.conn > 0)
		msg(s->o.msg, MSG_NOTICE, &f, "stopping when %llu client%s "
		    "finished", (unsigned long long)s->clients.conn,
		    s->clients.conn == 1 ? " has" : "s have");
	if (s->handler->drain != NULL)
		s->handler->drain(s->arg);
	server_end_if_done(s);
}

static void
on_signal(void *arg, int signo)
{
	struct server	*s = arg;

	switch (signo) {
	case SIGUSR1:
		server_say_statistics(s);
		return;
	case SIGCHLD:
		tcpk_loop_reap(s->loop);
		return;
	case SIGHUP:
		/* Who is stopping has nothing to read any more. */
		if (server_can_reload(s)) {
			if (!s->stopping)
				server_reload(s);
			return;
		}
		break;
	default:
		if (!s->stopping) {
			server_stop(s, 0);
			return;
		}
	}
	server_cut_all(s);
	s->status = 128 + signo;
	tcpk_loop_stop(s->loop);
}

/* --- the run -------------------------------------------------------------- */

static int
make_counters(struct server *s, struct tcpk_err *err)
{
	s->shared = tcpk_shared_new(sizeof(*s->last_conn) +
	    s->o.workers * sizeof(*s->counters), err);
	if (s->shared == NULL)
		return -1;
	s->last_conn = tcpk_shared_bytes(s->shared);
	s->counters = (struct server_counters *)(s->last_conn + 1);
	s->count = s->counters;
	return 0;
}

/* What a run and a worker's run have in common. */
static int
run(struct server *s)
{
	struct tcpk_err	err;
	size_t		i;

	s->clients.next = s->clients.prev = &s->clients;
	s->loop = tcpk_loop_new(getenv("TCPKIT_LOOP"), &err);
	if (s->loop == NULL) {
		struct msg_fields	f = { .event = "error" };

		msg_err(s->o.msg, MSG_ERROR, &f, &err);
		return msg_status(&err);
	}
	tcpk_timer_init(&s->limit, s->loop, on_limit, s);
	if (s->o.reserve != 0 && (s->o.workers == 1 || s->parent != NULL) &&
	    (s->reserve = tcpk_reserve_new(s->o.reserve, &err)) == NULL)
		server_fail(s, "error", &err);
	if (sig_watch(s->loop, on_signal, s, &err) == -1)
		server_fail(s, "error", &err);
	sig_also(SIGUSR1);
	sig_also(SIGCHLD);
	if (s->parent != NULL)
		server_listen_to_parent(s);
	if (s->status == 0 && ((s->o.workers == 1 || s->parent != NULL) &&
	    s->handler->start != NULL &&
	    s->handler->start(s->arg, s->loop, s, &err) == -1))
		server_fail(s, "error", &err);
	if (s->status == 0 && (server_can_become(s->o.user, &err) == -1 ||
	    server_listen(s, &err) == -1))
		server_fail(s, "error", &err);
	if (s->status == 0 && tcpk_loop_run(s->loop, &err) == -1)
		server_fail(s, "error", &err);
	if (s->status == 0 && !s->stopping && s->parent == NULL &&
	    s->o.workers > 1)
		return server_workers(s);
	sig_unwatch();
	s->stopping = true;
	server_cut_all(s);
	if (s->handler->stop != NULL &&
	    (s->o.workers == 1 || s->parent != NULL))
		s->handler->stop(s->arg);
	tcpk_timer_stop(&s->limit);
	server_reload_abandon(s, NULL);
	for (i = 0; i < s->n; i++)
		server_retire(s->listeners[i]);
	free(s->listeners);
	tcpk_reserve_free(s->reserve);
	if (s->parent != NULL)
		tcpk_watch_stop(&s->control);
	tcpk_loop_free(s->loop);
	return s->status;
}

int
server_work(struct server *parent, unsigned me, int control)
{
	struct server	s = {
		.o = parent->o,
		.handler = parent->handler,
		.arg = parent->arg,
		.started = parent->started,
		.last_conn = parent->last_conn,
		.counters = parent->counters,
		.count = &parent->counters[me],
		.parent = parent,
		.me = me
	};
	size_t		i;

	for (i = 0; i < parent->n; i++)
		if (parent->listeners[i]->limits != NULL)
			tcpk_limits_become(parent->listeners[i]->limits, me);
	s.control.fd = control;
	return run(&s);
}

int
server_run(const struct server_opts *o, const struct server_handler *handler,
    void *arg)
{
	struct server		s = { .o = *o, .handler = handler, .arg = arg };
	struct msg_fields	f = { .event = "error" };
	struct tcpk_err		err;
	int			status;

	if (s.o.workers == 0)
		s.o.workers = 1;
	s.started = tcpk_now();
	server_raise_limit();
	if (make_counters(&s, &err) == -1) {
		msg_err(o->msg, MSG_ERROR, &f, &err);
		return msg_status(&err);
	}
	status = run(&s);
	if (s.o.stats)
		server_say_statistics(&s);
	tcpk_shared_free(s.shared);
	return status;
}
