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
	char	text[TCPK_ADDR_TEXT], **grown;
	size_t	i;

	tcpk_addr_format(a, text, sizeof(text));
	for (i = 0; i < l->nnames; i++)
		if (strcmp(l->names[i], text) == 0)
			return l->names[i];
	grown = reallocarray(l->names, l->nnames + 1, sizeof(*grown));
	if (grown == NULL)
		return NULL;
	l->names = grown;
	l->names[l->nnames] = strdup(text);
	return l->names[l->nnames] != NULL ? l->names[l->nnames++] : NULL;
}

static int
join(struct listener *l, struct server_client *c,
    const struct tcpk_client *client, struct tcpk_err *err)
{
	struct server		*s = l->server;
	const struct tcpk_addr	*a = client->peer;
	char			 text[TCPK_ADDR_TEXT];

	c->server = s;
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
	if (!tcpk_ip_from(&c->ip, a))
		memset(&c->ip, 0, sizeof(c->ip));
	/* A client of a Unix socket mostly has no name: then its proxy's. */
	if (tcpk_addr_family(a) == AF_UNIX && !tcpk_addr_is_named(a) &&
	    client->via != NULL)
		a = client->via;
	/* Or ours. */
	if (tcpk_addr_family(a) == AF_UNIX && !tcpk_addr_is_named(a))
		a = client->listener;
	c->local = name_of(l, client->listener);
	c->peer = strdup(tcpk_addr_format(a, text, sizeof(text)));
	return c->peer != NULL && c->local != NULL ? 0 :
	    tcpk_err_set(err, TCPK_EIO, "out of memory");
}

static void
say_joined(const struct server *s, const struct server_client *c,
    const struct tcpk_client *client)
{
	struct msg_fields	f = { .event = "connect" };
	char			via[TCPK_ADDR_TEXT];

	f.conn = c->conn;
	f.peer = c->peer;
	f.local = c->local;
	if (client->via != NULL)
		f.via = tcpk_addr_format(client->via, via, sizeof(via));
	msg(s->o.msg, s->o.announce ? MSG_NOTICE : MSG_INFO, &f,
	    "connection from %s%s%s", c->peer, f.via != NULL ? " via " : "",
	    f.via != NULL ? f.via : "");
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
	double			 seconds;

	if (!e->quiet && (!ok || s->o.announce || s->o.log))
		level = ok ? MSG_NOTICE : MSG_WARNING;
	if (!msg_shown(s->o.msg, level))
		return;
	f.conn = c->conn;
	f.local = c->local;
	f.peer = c->peer;
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
		    "received %s)", c->peer, to, target, seconds,
		    side_word(e), out, in);
		return;
	}
	f.reason = e->err.code == ECONNRESET || e->err.code == EPIPE ?
	    "reset" : tcpk_err_word(e->err.kind);
	msg(s->o.msg, level, &f,
	    "%s%s%s: %s%s%s after %.3f s (sent "
	    "%s, received %s)", c->peer, to, target,
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
		tcpk_reserve_use(c->server->reserve);
	c->reserve = false;
}

void
server_leave(struct server_client *c, const struct server_end *e)
{
	struct server	*s = c->server;
	struct listener	*l = c->listener;

	if (c->peer != NULL)
		say_left(s, c, e);
	c->prev->next = c->next;
	c->next->prev = c->prev;
	s->clients.conn--;
	s->count->now = s->clients.conn;
	s->count->bytes_in += e->bytes_in;
	s->count->bytes_out += e->bytes_out;
	server_reserve_use(c);
	tcpk_serve_left(l->serve,
	    (c->ip.hi | c->ip.lo) != 0 ? &c->ip : NULL);
	l->clients--;
	if (l->retired)
		server_retire(l);
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
