/* A server's clients, from their coming to their leaving. */

#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server_impl.h"
#include "tls_msg.h"

static int
join(struct server *s, struct server_client *c,
    const struct tcpk_client *client, struct tcpk_err *err)
{
	const struct tcpk_addr	*a = client->peer;
	char			 text[TCPK_ADDR_TEXT];

	c->server = s;
	c->serve = client->serve;
	/* One numbering for all workers. */
	c->conn = ++*s->last_conn;
	s->count->total++;
	c->since = tcpk_now();
	c->prev = &s->clients;
	c->next = s->clients.next;
	c->next->prev = c;
	s->clients.next = c;
	s->clients.conn++;
	s->count->now = s->clients.conn;
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
	s->count->now = s->clients.conn;
	s->count->bytes_in += e->bytes_in;
	s->count->bytes_out += e->bytes_out;
	tcpk_serve_left(c->serve,
	    (c->ip.hi | c->ip.lo) != 0 ? &c->ip : NULL);
	free(c->peer);
	free(c);
	server_end_if_done(s);
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
	server_end_if_done(s);
}
