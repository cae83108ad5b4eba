/* Clients: who may come in, and what is between that and their stream. */

#include <stdio.h>
#include <unistd.h>

#include "serve_impl.h"
#include "tcpkit/listen.h"

/* A PROXY header has to be there by then, or with connect-timeout sooner. */
#define HEADER_LIMIT	(10 * TCPK_SECOND)

/* Datagrams that are denied are told of this often. */
#define TELL_AGAIN	TCPK_SECOND

static void
has_left(struct tcpk_serve *s, const struct tcpk_addr *peer)
{
	struct tcpk_ip	ip;

	if (s->reserve != NULL)
		tcpk_reserve_use(s->reserve);
	tcpk_serve_left(s, tcpk_ip_from(&ip, peer) ? &ip : NULL);
}

uint64_t
tcpk_serve_denied(const struct tcpk_serve *s)
{
	return s->denied;
}

static void
deny(struct tcpk_serve *s, const struct tcpk_addr *peer, const char *rule)
{
	s->denied++;
	if (s->handler.denied != NULL)
		s->handler.denied(s->arg, peer, rule);
}

static bool
is_allowed(struct tcpk_serve *s, const struct tcpk_acl *acl,
    const struct tcpk_addr *peer)
{
	struct tcpk_verdict	v;
	char			rule[256];

	if (acl == NULL)
		return true;
	v = tcpk_acl_check(acl, peer);
	if (v.allow)
		return true;
	/* A rule says whose it is. */
	deny(s, peer, v.rule == 0 && acl == s->files->senders ?
	    "default (proxy-protocol)" :
	    tcpk_acl_describe(acl, v, rule, sizeof(rule)));
	return false;
}

/* Closed before anything else is done for it, TLS included. */
static bool
let_in(struct tcpk_serve *s, const struct tcpk_addr *peer)
{
	struct tcpk_ip		 ip;
	char			 rule[256];

	if (!is_allowed(s, s->files->acl, peer))
		return false;
	if (s->limits != NULL && tcpk_ip_from(&ip, peer) &&
	    !tcpk_limits_take_host(s->limits, ip)) {
		snprintf(rule, sizeof(rule), "max-per-host %llu",
		    (unsigned long long)s->ep->o.max_per_host);
		deny(s, peer, rule);
		return false;
	}
	return true;
}

/* The client is the handler's from now on; -1: its stream is not. */
static int
hand_over(struct tcpk_serve *s, struct tcpk_client *client,
    struct tcpk_err *err)
{
	struct tcpk_stream	*rated;

	if (s->ep->o.rate != 0) {
		rated = tcpk_stream_rate(s->loop, client->stream,
		    s->ep->o.rate, err);
		if (rated == NULL)
			return -1;
		client->stream = rated;
	}
	s->handler.client(s->arg, client);
	return 0;
}

static struct tcpk_client
client_of(struct tcpk_serve *s, const struct tcpk__who *who)
{
	return (struct tcpk_client){
		.serve = s,
		.endpoint = s->ep,
		.peer = &who->peer,
		.listener = &who->listener,
		.via = who->via.len != 0 ? &who->via : NULL,
		.to = who->to.len != 0 ? &who->to : NULL
	};
}

static void
on_shaken(void *arg, const struct tcpk__who *who,
    const struct tcpk_tls_done *done)
{
	struct tcpk_serve	*s = arg;
	struct tcpk_client	 client = client_of(s, who);
	struct tcpk_err		 err;

	client.stream = done->stream;
	client.tls = done->info;
	if (done->stream != NULL && hand_over(s, &client, &err) == 0)
		return;
	tcpk_stream_free(done->stream);
	has_left(s, &who->peer);
	if (s->handler.refused != NULL)
		s->handler.refused(s->arg, &who->peer, done->stream != NULL ?
		    &err : &done->err, done->info);
}

/* Hand the client over, after its handshake where there is one. */
static int
welcome(struct tcpk_serve *s, struct tcpk_client *client,
    const struct tcpk__who *who, struct tcpk_err *err)
{
	if (s->files->tls != NULL)
		return tcpk__shake_start(&s->shakes, s->loop, s->files->tls,
		    client->stream, s->ep->o.connect_timeout, who, on_shaken,
		    s, err);
	return hand_over(s, client, err);
}

/* It is known whose connection it is. */
static void
admit(struct tcpk_serve *s, int fd, const struct tcpk__who *who)
{
	struct tcpk_client	client = client_of(s, who);
	struct tcpk_err		err;

	if (!let_in(s, &who->peer)) {
		close(fd);
		tcpk__serve_give_place(s);
		return;
	}
	client.stream = tcpk_stream_socket(s->loop, fd, &err);
	if (client.stream == NULL) {
		close(fd);
		goto trouble;
	}
	if (s->one) {
		tcpk__serve_close(s);
		tcpk__hearings_free(&s->headers);
	}
	if (welcome(s, &client, who, &err) == 0)
		return;
	tcpk_stream_free(client.stream);
trouble:
	has_left(s, &who->peer);
	/* The one who was waited for is gone: nobody else will come. */
	if (s->n == 0 && s->handler.refused != NULL)
		s->handler.refused(s->arg, &who->peer, &err, NULL);
	else if (s->handler.trouble != NULL)
		s->handler.trouble(s->arg, &err);
}

static void
on_header(void *arg, int fd, const struct tcpk__who *who,
    const struct tcpk_err *err)
{
	struct tcpk_serve	*s = arg;

	if (err == NULL) {
		admit(s, fd, who);
		return;
	}
	close(fd);
	tcpk__serve_give_place(s);
	if (s->handler.bad_header != NULL)
		s->handler.bad_header(s->arg, &who->peer, err);
}

/* Who connects is a proxy, and says whose connection it is. */
static void
hear(struct tcpk_serve *s, int fd, const struct tcpk__who *who)
{
	uint64_t	limit = s->ep->o.connect_timeout;
	struct tcpk_err	err;

	if (!is_allowed(s, s->files->senders, &who->peer)) {
		close(fd);
		tcpk__serve_give_place(s);
		return;
	}
	if (limit > HEADER_LIMIT)
		limit = HEADER_LIMIT;
	if (tcpk__hear_start(&s->headers, s->loop, fd, limit, who,
	    on_header, s, &err) == 0)
		return;
	close(fd);
	tcpk__serve_give_place(s);
	if (s->handler.trouble != NULL)
		s->handler.trouble(s->arg, &err);
}

void
tcpk__serve_client(void *arg, int fd, const struct tcpk_addr *peer)
{
	struct tcpk__listener	*l = arg;
	struct tcpk_serve	*s = l->serve;
	struct tcpk__who	 who = {
		.peer = *peer,
		.listener = *tcpk_listen_addr(l->listen)
	};

	if (s->ep->o.proxy_protocol != 0)
		hear(s, fd, &who);
	else
		admit(s, fd, &who);
}

/* Nobody is to fill a log by sending what is thrown away. */
static void
deny_datagram(struct tcpk_serve *s, const struct tcpk_addr *from,
    struct tcpk_verdict v)
{
	uint64_t	now = tcpk_loop_now(s->loop);
	char		rule[256];

	if (now < s->tell_at) {
		s->denied++;
		return;
	}
	s->tell_at = now + TELL_AGAIN;
	deny(s, from, tcpk_acl_describe(s->files->acl, v, rule,
	    sizeof(rule)));
}

void
tcpk__serve_datagram(void *arg, struct tcpk_udp *udp,
    const struct tcpk_addr *from, const void *data, size_t n)
{
	struct tcpk_serve	*s = ((struct tcpk__listener *)arg)->serve;
	struct tcpk_verdict	 v;

	if (s->files->acl != NULL) {
		v = tcpk_acl_check(s->files->acl, from);
		if (!v.allow) {
			deny_datagram(s, from, v);
			return;
		}
	}
	s->handler.datagram(s->arg, s, udp, from, data, n);
}
