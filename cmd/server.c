/* A server's clients, from their coming to their leaving. */

#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server_impl.h"
#include "tls_msg.h"

/* The text of an address that is listened on: one for all who came there. */
static const char *
name_of(struct listener *l, const struct tcpk_addr *a)
{
	struct listener_name	*grown;
	char			 text[TCPK_ADDR_TEXT];
	size_t			 i;

	for (i = 0; i < l->nnames; i++)
		if (tcpk_addr_equal(&l->names[i].addr, a))
			return l->names[i].text;
	grown = reallocarray(l->names, l->nnames + 1, sizeof(*grown));
	if (grown == NULL)
		return NULL;
	l->names = grown;
	grown[i].addr = *a;
	grown[i].text = strdup(tcpk_addr_format(a, text, sizeof(text)));
	return grown[i].text != NULL ? l->names[l->nnames++].text : NULL;
}

/* Who it is, which may be a Unix socket without a name, as most have. */
static bool
know(struct server_client *c, const struct tcpk_client *client)
{
	const struct tcpk_addr	*a = client->peer;
	char			 text[TCPK_ADDR_TEXT];

	c->has_ip = tcpk_ip_from(&c->ip, a);
	if (c->has_ip) {
		c->port = tcpk_addr_port(a);
		if (tcpk_addr_family(a) == AF_INET6)
			c->scope = a->u.in6.sin6_scope_id;
		return true;
	}
	/* Then it is called as its proxy, or as we are. */
	if (!tcpk_addr_is_named(a) && client->via != NULL)
		a = client->via;
	if (!tcpk_addr_is_named(a))
		a = client->listener;
	c->name = strdup(tcpk_addr_format(a, text, sizeof(text)));
	return c->name != NULL;
}

const char *
server_peer(const struct server_client *c, char text[TCPK_ADDR_TEXT])
{
	struct tcpk_addr	a;

	if (!c->has_ip) {
		snprintf(text, TCPK_ADDR_TEXT, "%s", c->name);
		return text;
	}
	tcpk_ip_to(c->ip, c->scope, c->port, &a);
	return tcpk_addr_format(&a, text, TCPK_ADDR_TEXT);
}

void *
server_arg(const struct server_client *c)
{
	return c->listener->server->arg;
}

static int
join(struct listener *l, struct server_client *c,
    const struct tcpk_client *client, struct tcpk_err *err)
{
	struct server	*s = l->server;

	c->listener = l;
	c->reserve = s->reserve != NULL;
	l->clients++;
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
	if (know(c, client))
		c->local = name_of(l, client->listener);
	return c->local != NULL ? 0 :
	    tcpk_err_set(err, TCPK_EIO, "out of memory");
}

static void
say_joined(const struct server *s, const struct server_client *c,
    const struct tcpk_client *client)
{
	enum msg_level		 level = s->o.announce ? MSG_NOTICE : MSG_INFO;
	struct msg_fields	 f = { .event = "connect" };
	char			 peer[TCPK_ADDR_TEXT], via[TCPK_ADDR_TEXT];

	if (!msg_shown(s->o.msg, level))
		return;
	f.conn = c->conn;
	f.peer = server_peer(c, peer);
	f.local = c->local;
	if (client->via != NULL)
		f.via = tcpk_addr_format(client->via, via, sizeof(via));
	msg(s->o.msg, level, &f, "connection from %s%s%s", f.peer,
	    f.via != NULL ? " via " : "", f.via != NULL ? f.via : "");
	if (client->tls != NULL)
		tls_msg_agreed(s->o.msg, &f, client->tls, false);
}

/* The words of the log for who ended it. */
static const char *
side_word(const struct server_end *e)
{
	if (e->side == 1)
		return e->target != NULL ? "the client" : "the peer";
	return e->target != NULL ? "the target" : "this side";
}

static void
say_left(const struct server *s, const struct server_client *c,
    const struct server_end *e)
{
	struct msg_fields	f = { .event = "disconnect" };
	char			in[MSG_BYTES], out[MSG_BYTES];
	const char		*to = e->target != NULL ? " to " : "";
	const char		*target = e->target != NULL ? e->target : "";
	bool			 ok = e->err.kind == TCPK_OK;
	enum msg_level		 level = MSG_INFO;
	char			 peer[TCPK_ADDR_TEXT];
	double			 seconds;

	if (!e->quiet && (!ok || s->o.announce || s->o.log))
		level = ok ? MSG_NOTICE : MSG_WARNING;
	if (!msg_shown(s->o.msg, level))
		return;
	f.conn = c->conn;
	f.local = c->local;
	f.peer = server_peer(c, peer);
	f.target = e->target;
	if (e->target != NULL && e->side != -1)
		f.side = e->side == 1 ? "client" : "target";
	f.moved = true;
	f.bytes_in = e->bytes_in;
	f.bytes_out = e->bytes_out;
	f.duration = tcpk_now() - c->since;
	seconds = (double)f.duration / 1e9;
	msg_bytes(e->bytes_out, out);
	msg_bytes(e->bytes_in, in);
	if (ok) {
		f.reason = e->side == 1 ? "peer-end" : "local-end";
		msg(s->o.msg, level, &f,
		    "%s%s%s: done after %.3f s, %s ended first (sent %s, "
		    "received %s)", f.peer, to, target, seconds,
		    side_word(e), out, in);
		return;
	}
	f.reason = e->err.code == ECONNRESET || e->err.code == EPIPE ?
	    "reset" : tcpk_err_word(e->err.kind);
	msg(s->o.msg, level, &f,
	    "%s%s%s: %s%s%s after %.3f s (sent "
	    "%s, received %s)", f.peer, to, target,
	    e->target != NULL && e->side != -1 ? side_word(e) : "",
	    e->target != NULL && e->side != -1 ? ": " : "", e->err.text,
	    seconds, out, in);
}

struct tcpk_reserve *
server_reserve(const struct server *s)
{
	return s->reserve;
}

void
server_reserve_use(struct server_client *c)
{
	if (c->reserve)
		tcpk_reserve_use(c->listener->server->reserve);
	c->reserve = false;
}

void
server_leave(struct server_client *c, const struct server_end *e)
{
	struct listener	*l = c->listener;
	struct server	*s = l->server;

	if (c->local != NULL)
		say_left(s, c, e);
	c->prev->next = c->next;
	c->next->prev = c->prev;
	s->clients.conn--;
	s->count->now = s->clients.conn;
	s->count->bytes_in += e->bytes_in;
	s->count->bytes_out += e->bytes_out;
	server_reserve_use(c);
	tcpk_serve_left(l->serve, c->has_ip ? &c->ip : NULL);
	l->clients--;
	if (l->retired)
		server_retire(l);
	if (!c->has_ip)
		free(c->name);
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
	if (s->reserve != NULL)
		tcpk_reserve_use(s->reserve);
	tcpk_serve_left(client->serve, tcpk_ip_from(&ip, client->peer) ?
	    &ip : NULL);
}

void
server_welcome(struct listener *l, const struct tcpk_client *came)
{
	struct server		*s = l->server;
	struct server_client	*c = calloc(1, s->handler->client_size);
	struct tcpk_client	 client = *came;
	struct tcpk_err		 err;

	if (c == NULL)
		tcpk_err_set(&err, TCPK_EIO, "out of memory");
	else if (join(l, c, &client, &err) == 0) {
		say_joined(s, c, &client);
		if (s->handler->client(s->arg, c, &client, &err) == 0)
			return;
	}
	turn_away(s, &client, c, &err);
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
