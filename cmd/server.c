#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "server_impl.h"
#include "server_system.h"
#include "sig.h"
#include "tls_msg.h"

static void
end(struct server *s, int status)
{
	if (s->status == 0)
		s->status = status;
	tcpk_loop_stop(s->loop);
}

static void
end_if_done(struct server *s)
{
	if (s->stopping && s->clients.conn == 0 && s->holds == 0)
		end(s, 0);
}

void
server_fail(struct server *s, const char *event, const struct tcpk_err *err)
{
	struct msg_fields	f = { .event = event };

	msg_err(s->o.msg, MSG_ERROR, &f, err);
	end(s, msg_status(err));
}

/* --- clients -------------------------------------------------------------- */

static int
join(struct server *s, struct server_client *c,
    const struct tcpk_client *client, struct tcpk_err *err)
{
	const struct tcpk_addr	*a = client->peer;
	char			 text[TCPK_ADDR_TEXT];

	c->server = s;
	c->serve = client->serve;
	c->conn = ++s->total;
	c->since = tcpk_now();
	c->prev = &s->clients;
	c->next = s->clients.next;
	c->next->prev = c;
	s->clients.next = c;
	s->clients.conn++;
	if (!tcpk_ip_from(&c->ip, a))
		memset(&c->ip, 0, sizeof(c->ip));
	/* A client of a Unix socket mostly has no name: then ours. */
	if (tcpk_addr_family(a) == AF_UNIX && !tcpk_addr_is_named(a))
		a = client->listener;
	c->peer = strdup(tcpk_addr_format(a, text, sizeof(text)));
	return c->peer != NULL ? 0 :
	    tcpk_err_set(err, TCPK_EIO, "out of memory");
}

static void
say_joined(const struct server *s, const struct server_client *c,
    const struct tcpk_client *client)
{
	struct msg_fields	f = { .event = "connect" };
	char			text[TCPK_ADDR_TEXT];

	f.conn = c->conn;
	f.peer = c->peer;
	f.local = tcpk_addr_format(client->listener, text, sizeof(text));
	msg(s->o.msg, s->o.announce ? MSG_NOTICE : MSG_INFO, &f,
	    "connection from %s", c->peer);
	if (client->tls != NULL)
		tls_msg_agreed(s->o.msg, &f, client->tls, false);
}

static void
say_left(const struct server *s, const struct server_client *c,
    const struct server_end *e)
{
	struct msg_fields	f = { .event = "disconnect" };
	char			in[MSG_BYTES], out[MSG_BYTES];
	double			seconds;

	f.conn = c->conn;
	f.peer = c->peer;
	f.moved = true;
	f.bytes_in = e->bytes_in;
	f.bytes_out = e->bytes_out;
	f.duration = tcpk_now() - c->since;
	seconds = (double)f.duration / 1e9;
	if (e->err.kind == TCPK_OK) {
		f.reason = e->side == 1 ? "peer-end" : "local-end";
		msg(s->o.msg, s->o.announce ? MSG_NOTICE : MSG_INFO, &f,
		    "%s: done after %.3f s, %s ended first (sent %s, "
		    "received %s)", c->peer, seconds,
		    e->side == 1 ? "the peer" : "this side",
		    msg_bytes(e->bytes_out, out), msg_bytes(e->bytes_in, in));
		return;
	}
	f.reason = e->err.code == ECONNRESET || e->err.code == EPIPE ?
	    "reset" : tcpk_err_word(e->err.kind);
	msg(s->o.msg, MSG_WARNING, &f, "%s: %s after %.3f s (sent %s, "
	    "received %s)", c->peer, e->err.text, seconds,
	    msg_bytes(e->bytes_out, out), msg_bytes(e->bytes_in, in));
}

void
server_leave(struct server_client *c, const struct server_end *e)
{
	struct server	*s = c->server;

	if (c->peer != NULL)
		say_left(s, c, e);
	c->prev->next = c->next;
	c->next->prev = c->prev;
	s->clients.conn--;
	s->bytes_in += e->bytes_in;
	s->bytes_out += e->bytes_out;
	tcpk_serve_left(c->serve,
	    (c->ip.hi | c->ip.lo) != 0 ? &c->ip : NULL);
	free(c->peer);
	free(c);
	end_if_done(s);
}

static void
turn_away(struct server *s, const struct tcpk_client *client,
    struct server_client *c, const struct tcpk_err *err)
{
	struct msg_fields	f = { .event = "error" };
	struct server_end	e = { .err = *err };
	struct tcpk_ip		ip;

	tcpk_stream_reset(client->stream);
	tcpk_stream_free(client->stream);
	if (c != NULL) {
		server_leave(c, &e);
		return;
	}
	msg_err(s->o.msg, MSG_ERROR, &f, err);
	tcpk_serve_left(client->serve, tcpk_ip_from(&ip, client->peer) ?
	    &ip : NULL);
}

void
server_welcome(struct server *s, const struct tcpk_client *client)
{
	struct server_client	*c = calloc(1, s->handler->client_size);
	struct tcpk_err		 err;

	if (c == NULL)
		tcpk_err_set(&err, TCPK_EIO, "out of memory");
	else if (join(s, c, client, &err) == 0) {
		say_joined(s, c, client);
		if (s->handler->client(s->arg, c, client, &err) == 0)
			return;
	}
	turn_away(s, client, c, &err);
}

void
server_hold(struct server *s)
{
	s->holds++;
}

void
server_release(struct server *s)
{
	if (s->holds > 0)
		s->holds--;
	end_if_done(s);
}

/* --- signals -------------------------------------------------------------- */

static void
say_statistics(const struct server *s)
{
	struct msg_fields	f = { .event = "statistics", .moved = true };
	char			in[MSG_BYTES], out[MSG_BYTES];

	f.bytes_in = s->bytes_in;
	f.bytes_out = s->bytes_out;
	f.duration = tcpk_now() - s->started;
	msg(s->o.msg, MSG_RESULT, &f, "%llu clients now, %llu in all, %llu "
	    "denied, %llu failed to agree on TLS; those who left sent %s and "
	    "received %s in %.0f s", (unsigned long long)s->clients.conn,
	    (unsigned long long)s->total, (unsigned long long)s->denied,
	    (unsigned long long)s->refused, msg_bytes(s->bytes_out, out),
	    msg_bytes(s->bytes_in, in), (double)f.duration / 1e9);
}

static void
cut_all(struct server *s)
{
	struct server_end	e;

	while (s->clients.next != &s->clients) {
		memset(&e, 0, sizeof(e));
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
	cut_all(s);
	end(s, 0);
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
	server_notify("STOPPING=1");
	if (status != 0) {
		cut_all(s);
		tcpk_loop_stop(s->loop);
		return;
	}
	for (i = 0; i < s->n; i++)
		if (s->listeners[i].serve != NULL)
			tcpk_serve_stop(s->listeners[i].serve);
	tcpk_timer_set(&s->limit, tcpk_now() + s->o.drain_timeout);
	if (s->clients.conn > 0)
		msg(s->o.msg, MSG_NOTICE, &f, "stopping when %llu client%s "
		    "finished", (unsigned long long)s->clients.conn,
		    s->clients.conn == 1 ? " has" : "s have");
	if (s->handler->drain != NULL)
		s->handler->drain(s->arg);
	end_if_done(s);
}

static void
on_signal(void *arg, int signo)
{
	struct server	*s = arg;

	switch (signo) {
	case SIGUSR1:
		say_statistics(s);
		return;
	case SIGCHLD:
		tcpk_loop_reap(s->loop);
		return;
	case SIGHUP:
		if (server_can_reload(s) && !s->stopping) {
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
	cut_all(s);
	s->status = 128 + signo;
	tcpk_loop_stop(s->loop);
}

/* --- the run -------------------------------------------------------------- */

int
server_run(struct tcpk_loop *loop, const struct server_opts *o,
    const struct server_handler *handler, void *arg, struct server **self)
{
	struct server	s = { .o = *o, .handler = handler, .arg = arg };
	struct tcpk_err	err;
	size_t		i;

	*self = &s;
	s.loop = loop;
	s.clients.next = s.clients.prev = &s.clients;
	s.started = tcpk_now();
	tcpk_timer_init(&s.limit, loop, on_limit, &s);
	server_raise_limit();
	if (sig_watch(loop, on_signal, &s, &err) == -1)
		server_fail(&s, "error", &err);
	sig_also(SIGUSR1);
	sig_also(SIGCHLD);
	if (s.status == 0 && server_listen(&s, &err) == -1)
		server_fail(&s, "error", &err);
	if (s.status == 0 && tcpk_loop_run(loop, &err) == -1)
		server_fail(&s, "error", &err);
	sig_unwatch();
	s.stopping = true;
	cut_all(&s);
	tcpk_timer_stop(&s.limit);
	for (i = 0; i < s.n; i++)
		tcpk_serve_free(s.listeners[i].serve);
	free(s.listeners);
	return s.status;
}
