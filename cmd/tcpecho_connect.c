/* The client's connections: made, made again, and done with. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tcpecho_client.h"
#include "tls_msg.h"

/* The first wait before connecting again, SPEC section 3. */
#define BACK_OFF	(TCPK_SECOND / 2)

extern char	**environ;

void
client_finish(struct session *s, int status)
{
	struct client	*c = s->client;

	tcpk_timer_stop(&s->timer);
	session_set_phase(s, OVER);
	if (c->status == 0)
		c->status = status;
	if (c->o->count > s->seq)
		c->totals.unsent += c->o->count - s->seq;
	if (--c->live == 0)
		tcpk_loop_stop(c->loop);
}

void
client_wait_for_turn(struct session *s)
{
	struct client	*c = s->client;

	session_set_phase(s, WAITING);
	s->next = NULL;
	*c->tail = s;
	c->tail = &s->next;
}

/* Is it of any use to try that again? */
static bool
goes_on(const struct session *s, const struct tcpk_err *why)
{
	return s->client->o->reconnect && !s->stopped &&
	    !session_sent_all(s) && why->kind != TCPK_EUSAGE &&
	    why->kind != TCPK_ETLS;
}

/* Try again after a while, twice as long each time in vain. */
static void
back_off(struct session *s)
{
	uint64_t	most = s->client->o->back_off;

	s->back_off = s->back_off == 0 ? BACK_OFF : 2 * s->back_off;
	if (s->back_off > most)
		s->back_off = most;
	session_set_phase(s, WAITING);
	if (tcpk_timer_set(&s->timer, tcpk_now() + s->back_off) == -1)
		client_finish(s, 7);
}

/* --- connecting ---------------------------------------------------------- */

/* Each address and its reason; true if that says it all. */
static bool
print_attempts(struct session *s, const struct tcpk_connected *r,
    enum msg_level level)
{
	struct client		*c = s->client;
	struct msg_fields	 f = session_fields(s, "connect-failed");
	char			 text[TCPK_ADDR_TEXT];
	struct tcpk_err		 err;
	size_t			 i;

	for (i = 0; i < r->nattempts; i++) {
		tcpk_attempt_err(&r->attempts[i], c->ep, &err);
		f.peer = tcpk_addr_format(&r->attempts[i].addr, text,
		    sizeof(text));
		msg_err(c->msg, level, &f, &err);
	}
	return r->nattempts > 0 && r->peer.len == 0;
}

static void
connect_failed(struct session *s, const struct tcpk_connected *r)
{
	struct client		*c = s->client;
	struct msg_fields	 f = session_fields(s, "connect-failed");
	bool			 again = goes_on(s, &r->err);
	enum msg_level		 level;

	c->totals.failed++;
	s->failure = msg_status(&r->err);
	level = client_level(c, again ? MSG_WARNING : MSG_ERROR);
	if (r->tls != NULL || r->err.kind == TCPK_ETLS)
		f.event = "tls-failed";
	if (!print_attempts(s, r, level))
		msg_err(c->msg, level, &f, &r->err);
	if (r->tls != NULL && level == MSG_ERROR)
		tls_msg_presented(c->msg, &f, c->ep->text, r->tls, true);
	if (!again) {
		client_finish(s, s->failure);
		return;
	}
	back_off(s);
	f.event = "detail";
	msg(c->msg, MSG_DEBUG, &f, "connecting again in %.1f s",
	    (double)s->back_off / 1e9);
}

static void
count_connection(struct session *s, const struct tcpk_connected *r)
{
	struct client	*c = s->client;
	struct totals	*t = &c->totals;
	char		 text[TCPK_ADDR_TEXT];

	s->conn = ++t->connections;
	s->failure = 0;
	if (r->peer.len != 0 && c->ep->scheme != TCPK_FD) {
		t->has_connect = true;
		histogram_add(&t->connect, r->connect_time);
	}
	if (c->ep->host != NULL) {
		t->has_name = true;
		histogram_add(&t->name, r->name_time);
	}
	if (r->tls != NULL) {
		t->has_tls = true;
		histogram_add(&t->tls, r->tls_time);
	}
	free(s->peer);
	s->peer = NULL;
	if (r->peer.len != 0)
		s->peer = strdup(tcpk_addr_format(&r->peer, text,
		    sizeof(text)));
	if (t->peer[0] == '\0')
		snprintf(t->peer, sizeof(t->peer), "%s", s->peer != NULL ?
		    s->peer : c->ep->text);
}

static void
print_connected(const struct session *s, const struct tcpk_connected *r)
{
	const struct client	*c = s->client;
	struct msg_fields	 f = session_fields(s, "connect");
	struct tcpk_addr	 local;
	char			 name[SESSION_NAME], text[TCPK_ADDR_TEXT];

	if ((c->msg->json || c->msg->verbose > 0) &&
	    tcpk_stream_local(r->stream, &local) == 0)
		f.local = tcpk_addr_format(&local, text, sizeof(text));
	msg(c->msg, MSG_INFO, &f, r->tls != NULL ? "%s: connected (name "
	    "%.3f ms, connection %.3f ms, TLS %.3f ms)" : "%s: connected "
	    "(name %.3f ms, connection %.3f ms)", session_name(s, name),
	    (double)r->name_time / 1e6, (double)r->connect_time / 1e6,
	    (double)r->tls_time / 1e6);
	/* That the peer is not verified is said once, not for each. */
	if (r->tls != NULL)
		tls_msg_agreed(c->msg, &f, r->tls,
		    c->ep->o.insecure && s->conn == 1);
}

static void
on_connected(void *arg, const struct tcpk_connected *r)
{
	struct session		*s = arg;
	struct client		*c = s->client;
	struct msg_fields	 f = session_fields(s, "error");
	struct tcpk_err		 err;

	s->connect = NULL;
	c->connecting--;
	if (r->stream == NULL)
		connect_failed(s, r);
	else {
		count_connection(s, r);
		print_attempts(s, r, MSG_INFO);
		print_connected(s, r);
		if (session_begin(s, r->stream) == -1) {
			tcpk_stream_free(r->stream);
			tcpk_err_set(&err, TCPK_EIO, "out of memory");
			msg_err(c->msg, MSG_ERROR, &f, &err);
			client_finish(s, msg_status(&err));
		}
	}
	client_take_turns(c);
}

static void
on_trying(void *arg, const struct tcpk_addr *addr)
{
	struct session		*s = arg;
	struct msg_fields	 f = { .event = "connecting" };
	char			 text[TCPK_ADDR_TEXT];

	f.peer = tcpk_addr_format(addr, text, sizeof(text));
	msg(s->client->msg, MSG_INFO, &f, "connecting to %s", text);
}

static void
start_connecting(struct session *s)
{
	struct client			*c = s->client;
	struct tcpk_connect_opts	 opts = { 0 };
	struct tcpk_connected		 failed = { 0 };

	opts.dial.numeric = c->opts->numeric;
	opts.envp = environ;
	opts.tls = c->tls;
	opts.via = c->via;
	if (c->msg->verbose > 0 || c->msg->json)
		opts.dial.trying = on_trying;
	s->connect = tcpk_connect_start(c->loop, c->ep, &opts, on_connected,
	    s, &failed.err);
	if (s->connect == NULL) {
		connect_failed(s, &failed);
		return;
	}
	c->connecting++;
	session_set_phase(s, CONNECTING);
}

void
client_take_turns(struct client *c)
{
	struct session	*s;

	while (c->connecting < CLIENT_CONNECTING && (s = c->head) != NULL) {
		c->head = s->next;
		if (c->head == NULL)
			c->tail = &c->head;
		start_connecting(s);
	}
}

/* --- the end of a connection --------------------------------------------- */

static void
print_parted(struct session *s, const struct tcpk_err *why, bool again,
    uint64_t lost)
{
	struct client		*c = s->client;
	struct msg_fields	 f = session_fields(s, "disconnect");
	char			 name[SESSION_NAME], in[MSG_BYTES];
	char			 out[MSG_BYTES], gone[96] = "";
	unsigned long long	 first = s->verify.expect + 1;

	f.moved = true;
	f.bytes_in = s->bytes_in;
	f.bytes_out = s->bytes_out;
	f.duration = tcpk_now() - s->connected;
	if (lost == 1)
		snprintf(gone, sizeof(gone), ", message %llu is lost", first);
	else if (lost > 1)
		snprintf(gone, sizeof(gone), ", messages %llu to %llu are "
		    "lost", first, first + (unsigned long long)lost - 1);
	f.reason = why == NULL ? "local-end" : why->code == ECONNRESET ||
	    why->code == EPIPE ? "reset" : tcpk_err_word(why->kind);
	msg(c->msg, why == NULL ? MSG_INFO : client_level(c, again ?
	    MSG_WARNING : MSG_ERROR), &f, "%s: %s%s (after %.3f s, sent %s, "
	    "received %s)", session_name(s, name), why == NULL ?
	    "disconnected" : why->text, gone, (double)f.duration / 1e9,
	    msg_bytes(s->bytes_out, out), msg_bytes(s->bytes_in, in));
}

void
client_parted(struct session *s, const struct tcpk_err *why)
{
	struct client	*c = s->client;
	uint64_t	 lost = s->verify.limit - s->verify.expect;
	bool		 again = why != NULL && goes_on(s, why);

	tcpk_timer_stop(&s->timer);
	tcpk_stream_free(s->stream);
	s->stream = NULL;
	/* What was sent in part will not be sent again. */
	s->seq = s->verify.limit;
	c->totals.lost += lost;
	if (why != NULL)
		c->totals.broken++;
	again = again && !session_sent_all(s);
	print_parted(s, why, again, lost);
	if (again)
		back_off(s);
	else if (why != NULL || s->stopped || session_sent_all(s) ||
	    c->o->per_connection == 0)
		client_finish(s, why != NULL ? msg_status(why) : 0);
	else {
		s->planned = true;
		client_wait_for_turn(s);
		client_take_turns(c);
	}
}

void
client_on_timer(void *arg)
{
	struct session	*s = arg;

	if (s->phase == WAITING) {
		client_wait_for_turn(s);
		client_take_turns(s->client);
	} else
		session_on_timer(s);
}
