#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "serve_impl.h"
#include "tcpkit/listen.h"
#include "tcpkit/resolve.h"

/* Where others share the limits, room is looked for this often. */
#define LOOK_AGAIN	(100 * TCPK_MS)

/* A PROXY header has to be there by then, or with connect-timeout sooner. */
#define HEADER_LIMIT	(10 * TCPK_SECOND)

/* Datagrams that are denied are told of this often. */
#define TELL_AGAIN	TCPK_SECOND

void
tcpk__serve_close(struct tcpk_serve *s)
{
	struct tcpk__listener	*l;

	while (s->n > 0) {
		l = &s->listeners[--s->n];
		tcpk_listen_free(l->listen);
		tcpk_udp_free(l->udp);
	}
}

const struct tcpk_addr *
tcpk__listener_addr(const struct tcpk__listener *l)
{
	return l->udp != NULL ? tcpk_udp_addr(l->udp) :
	    tcpk_listen_addr(l->listen);
}

int
tcpk__listener_fd(const struct tcpk__listener *l)
{
	return l->udp != NULL ? tcpk_udp_fd(l->udp) :
	    tcpk_listen_fd(l->listen);
}

void
tcpk_serve_pause(struct tcpk_serve *s)
{
	size_t	i;

	for (i = 0; i < s->n; i++)
		if (s->listeners[i].udp != NULL)
			tcpk_udp_pause(s->listeners[i].udp);
		else
			tcpk_listen_pause(s->listeners[i].listen);
}

void
tcpk_serve_stop(struct tcpk_serve *s)
{
	int	i;

	tcpk__serve_close(s);
	tcpk__hearings_free(&s->headers);
	tcpk__shakes_free(&s->shakes);
	for (i = 0; i < TCPK__FAMILIES; i++) {
		tcpk_resolve_cancel(s->lookups[i]);
		s->lookups[i] = NULL;
	}
	tcpk_timer_stop(&s->now);
	tcpk_timer_stop(&s->again);
}

void
tcpk_serve_free(struct tcpk_serve *s)
{
	if (s == NULL)
		return;
	tcpk_serve_stop(s);
	tcpk_serve_files_free(s->files);
	tcpk_limits_free(s->own_limits);
	free(s);
}

/* --- room ----------------------------------------------------------------- */

static void
resume(struct tcpk_serve *s)
{
	size_t	i;

	if (!s->full)
		return;
	s->full = false;
	tcpk_timer_stop(&s->again);
	for (i = 0; i < s->n; i++)
		tcpk_listen_resume(s->listeners[i].listen);
}

static void
on_again(void *arg)
{
	resume(arg);
}

static bool
on_room(void *arg)
{
	struct tcpk_serve	*s = ((struct tcpk__listener *)arg)->serve;

	if (s->limits == NULL || tcpk_limits_take(s->limits))
		return true;
	s->full = true;
	tcpk_serve_pause(s);
	if (tcpk_limits_shared(s->limits))
		tcpk_timer_set(&s->again, tcpk_now() + LOOK_AGAIN);
	return false;
}

static void
give_place(struct tcpk_serve *s)
{
	if (s->limits != NULL)
		tcpk_limits_give(s->limits);
	resume(s);
}

static void
on_unused(void *arg)
{
	struct tcpk_serve	*s = ((struct tcpk__listener *)arg)->serve;

	if (s->limits != NULL)
		tcpk_limits_give(s->limits);
}

void
tcpk_serve_left(struct tcpk_serve *s, const struct tcpk_ip *ip)
{
	if (s->limits != NULL && ip != NULL)
		tcpk_limits_give_host(s->limits, *ip);
	give_place(s);
}

static void
has_left(struct tcpk_serve *s, const struct tcpk_addr *peer)
{
	struct tcpk_ip	ip;

	tcpk_serve_left(s, tcpk_ip_from(&ip, peer) ? &ip : NULL);
}

/* --- clients -------------------------------------------------------------- */

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
	if (!v.allow)
		deny(s, peer, tcpk_acl_describe(acl, v, rule, sizeof(rule)));
	return v.allow;
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
		give_place(s);
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
	give_place(s);
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
		give_place(s);
		return;
	}
	if (limit > HEADER_LIMIT)
		limit = HEADER_LIMIT;
	if (tcpk__hear_start(&s->headers, s->loop, fd, limit, who,
	    on_header, s, &err) == 0)
		return;
	close(fd);
	give_place(s);
	if (s->handler.trouble != NULL)
		s->handler.trouble(s->arg, &err);
}

static void
on_client(void *arg, int fd, const struct tcpk_addr *peer)
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

static void
on_trouble(void *arg, const struct tcpk_err *err)
{
	struct tcpk_serve	*s = ((struct tcpk__listener *)arg)->serve;

	if (s->handler.trouble != NULL)
		s->handler.trouble(s->arg, err);
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

static void
on_datagram(void *arg, struct tcpk_udp *udp, const struct tcpk_addr *from,
    const void *data, size_t n)
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

static const struct tcpk_listen_handler	listen_handler = {
	on_client, on_trouble, on_room, on_unused
};

int
tcpk__serve_listen(struct tcpk_serve *s, const struct tcpk_addr *addr,
    int fd, struct tcpk_err *err)
{
	struct tcpk__listener	*l = &s->listeners[s->n];

	l->serve = s;
	l->listen = NULL;
	l->udp = NULL;
	if (s->ep->scheme == TCPK_UDP && addr != NULL)
		l->udp = tcpk_udp_new(s->loop, addr, &s->ep->o, on_datagram,
		    l, err);
	else if (s->ep->scheme == TCPK_UDP)
		l->udp = tcpk_udp_adopt(s->loop, fd, on_datagram, l, err);
	else if (addr != NULL)
		l->listen = tcpk_listen_new(s->loop, addr, &s->ep->o,
		    &listen_handler, l, err);
	else
		l->listen = tcpk_listen_adopt(s->loop, fd,
		    &listen_handler, l, err);
	if (l->listen == NULL && l->udp == NULL)
		return -1;
	s->n++;
	return 0;
}

static int
set_limits(struct tcpk_serve *s, const struct tcpk_serve_opts *opts,
    struct tcpk_err *err)
{
	const struct tcpk_options	*o = &s->ep->o;

	s->limits = opts->limits;
	if (s->limits != NULL || (o->max_clients == 0 && o->max_per_host == 0))
		return 0;
	s->limits = s->own_limits = tcpk_limits_new(o->max_clients,
	    o->max_per_host, 1, err);
	return s->limits == NULL ? -1 : 0;
}

struct tcpk_serve *
tcpk_serve_start(struct tcpk_loop *loop, const struct tcpk_endpoint *ep,
    const struct tcpk_serve_opts *opts,
    const struct tcpk_serve_handler *handler, void *arg,
    struct tcpk_err *err)
{
	struct tcpk_serve	*s = calloc(1, sizeof(*s));
	int			 r;

	if (s == NULL) {
		tcpk_err_set(err, TCPK_EIO, "out of memory");
		return NULL;
	}
	s->loop = loop;
	s->ep = ep;
	s->one = opts->one;
	s->handler = *handler;
	s->arg = arg;
	tcpk_timer_init(&s->now, loop, tcpk__serve_open, s);
	tcpk_timer_init(&s->again, loop, on_again, s);
	if (ep->scheme == TCPK_UDP && handler->datagram == NULL) {
		tcpk_err_set(err, TCPK_EUSAGE,
		    "%.80s: datagrams are not served here", ep->text);
		goto fail;
	}
	s->forked = opts->forked;
	s->files = s->forked != NULL ? s->forked->files :
	    tcpk_serve_read(s, err);
	if (s->files == NULL || set_limits(s, opts, err) == -1)
		goto fail;
	r = tcpk__serve_numeric(s, err);
	if (r == 0)
		r = tcpk__serve_look_up(s, opts->numeric, err);
	else if (r == 1 && tcpk_timer_set(&s->now, tcpk_now()) == -1)
		r = tcpk_err_set(err, TCPK_EIO, "out of memory");
	if (r != -1)
		return s;
fail:
	tcpk_serve_free(s);
	return NULL;
}
