#include <stdlib.h>
#include <string.h>

#include <tcpkit/udp.h>

#include "server_impl.h"
#include "server_system.h"
#include "tls_msg.h"

static void
all_ready(struct server *s)
{
	struct tcpk_err	err;

	if (s->parent != NULL) {
		if (s->handler->ready != NULL)
			s->handler->ready(s->arg);
		return;
	}
	if (server_become(s->o.user, &err) == -1) {
		server_fail(s, "error", &err);
		return;
	}
	server_notify("READY=1");
	/* The workers are forked when the loop has stopped. */
	if (s->o.workers > 1) {
		tcpk_loop_stop(s->loop);
		return;
	}
	if (s->handler->ready != NULL)
		s->handler->ready(s->arg);
}

void
server_say_key(const struct listener *l)
{
	struct tcpk_tls_cert	*cert = tcpk_serve_cert(l->serve, 0);

	if (cert != NULL)
		tls_msg_own(l->server->o.msg, cert, l->text,
		    l->ep->o.client_ca != NULL);
	free(cert);
}

static void
on_ready(void *arg, const struct tcpk_addr *addrs, size_t n,
    const struct tcpk_err *err)
{
	struct listener		*l = arg;
	struct server		*s = l->server;
	struct msg_fields	 f = { .event = "listening" };
	char			 text[TCPK_ADDR_TEXT];
	size_t			 i;

	if (err != NULL) {
		if (s->reload != NULL)
			server_reload_abandon(s, err);
		else
			server_fail(s, "listen-failed", err);
		return;
	}
	/* A worker has nothing to say that was not said before the fork. */
	for (i = 0; i < n && s->parent == NULL; i++) {
		f.local = tcpk_addr_format(&addrs[i], text, sizeof(text));
		msg(s->o.msg, MSG_NOTICE, &f, "listening on %s", text);
		server_say_ready(s->o.ready_fd, text);
		if (i > 0)
			continue;
		strlcpy(l->text, text, sizeof(l->text));
		if (l->ep->o.self_signed)
			server_say_key(l);
	}
	if (s->reload != NULL)
		server_reload_ready(s, NULL);
	else if (++s->nready == s->n)
		all_ready(s);
}

static void
on_client(void *arg, const struct tcpk_client *client)
{
	server_welcome(arg, client);
}

static void
on_denied(void *arg, const struct tcpk_addr *peer, const char *rule)
{
	struct server		*s = ((struct listener *)arg)->server;
	struct msg_fields	 f = { .event = "denied", .reason = "acl" };
	char			 text[TCPK_ADDR_TEXT];
	bool			 limit;

	s->count->denied++;
	/* A list means what it says; a limit is worth knowing of. */
	limit = strncmp(rule, "max-per-host", 12) == 0;
	if (limit)
		f.reason = "max-per-host";
	f.peer = tcpk_addr_format(peer, text, sizeof(text));
	msg(s->o.msg, limit ? MSG_NOTICE : MSG_INFO, &f, "denied %s: %s",
	    text, rule);
}

static void
on_trouble(void *arg, const struct tcpk_err *err)
{
	struct server		*s = ((struct listener *)arg)->server;
	struct msg_fields	 f = { .event = "accept-paused" };

	msg_err(s->o.msg, MSG_WARNING, &f, err);
}

static void
on_warning(void *arg, const char *text)
{
	struct server		*s = ((struct listener *)arg)->server;
	struct msg_fields	 f = { .event = "warning" };

	msg(s->o.msg, MSG_WARNING, &f, "%s", text);
}

static void
on_refused(void *arg, const struct tcpk_addr *peer,
    const struct tcpk_err *err, const struct tcpk_tls_info *info)
{
	struct server		*s = ((struct listener *)arg)->server;
	struct msg_fields	 f = { .event = "tls-failed" };
	char			 text[TCPK_ADDR_TEXT];
	struct tcpk_err		 named = *err;

	s->count->refused++;
	f.peer = tcpk_addr_format(peer, text, sizeof(text));
	tcpk_err_wrap(&named, "%s", text);
	msg_err(s->o.msg, MSG_WARNING, &f, &named);
	if (info != NULL && s->o.msg->verbose > 0)
		tls_msg_presented(s->o.msg, &f, text, info, false);
}

static void
on_bad_header(void *arg, const struct tcpk_addr *sender,
    const struct tcpk_err *err)
{
	struct server		*s = ((struct listener *)arg)->server;
	struct msg_fields	 f = { .event = "proxy-failed" };
	char			 text[TCPK_ADDR_TEXT];
	struct tcpk_err		 named = *err;

	s->count->bad_headers++;
	f.peer = tcpk_addr_format(sender, text, sizeof(text));
	tcpk_err_wrap(&named, "%s", text);
	msg_err(s->o.msg, MSG_WARNING, &f, &named);
}

static void
on_datagram(void *arg, struct tcpk_serve *serve, struct tcpk_udp *udp,
    const struct tcpk_addr *from, const void *data, size_t n)
{
	struct server		*s = ((struct listener *)arg)->server;
	struct msg_fields	 f = { .event = "datagram", .moved = true };
	char			 text[TCPK_ADDR_TEXT];
	size_t			 sent;

	(void)serve;
	sent = s->handler->datagram(s->arg, udp, from, data, n);
	s->count->bytes_in += n;
	s->count->bytes_out += sent;
	if (s->o.msg->verbose == 0)
		return;
	f.peer = tcpk_addr_format(from, text, sizeof(text));
	f.bytes_in = n;
	f.bytes_out = sent;
	msg(s->o.msg, MSG_INFO, &f, "%s: datagram of %zu bytes, answered "
	    "with %zu", text, n, sent);
}

/*
 * What several processes share has to be there before the fork, and what may
 * change in a reload from the beginning.
 */
static int
make_limits(const struct server *s, struct listener *l, struct tcpk_err *err)
{
	const struct tcpk_options	*o = &l->ep->o;
	bool				 changes = s->handler->reload != NULL;

	if (!changes && (s->o.workers == 1 ||
	    (o->max_clients == 0 && o->max_per_host == 0)))
		return 0;
	l->limits = tcpk_limits_new(o->max_clients, changes ? UINT16_MAX :
	    o->max_per_host, s->o.workers, err);
	if (l->limits == NULL)
		return -1;
	tcpk_limits_change(l->limits, o->max_clients, o->max_per_host);
	return 0;
}

static void
free_listener(struct listener *l)
{
	tcpk_serve_free(l->serve);
	/* In a worker they are the parent's. */
	if (l->server->parent == NULL)
		tcpk_limits_free(l->limits);
	while (l->nnames > 0)
		free(l->names[--l->nnames].text);
	free(l->names);
	free(l);
}

void
server_retire(struct listener *l)
{
	l->retired = true;
	if (l->serve != NULL)
		tcpk_serve_stop(l->serve);
	if (l->clients == 0)
		free_listener(l);
}

struct listener *
server_listen_on(struct server *s, const struct tcpk_endpoint *ep,
    const struct listener *like, struct tcpk_err *err)
{
	struct tcpk_serve_handler	 handler = {
		.ready = on_ready,
		.client = on_client,
		.denied = on_denied,
		.trouble = on_trouble,
		.warning = on_warning,
		.refused = on_refused,
		.bad_header = on_bad_header,
		.datagram = s->handler->datagram != NULL ? on_datagram : NULL
	};
	struct tcpk_serve_opts		 opts = { .numeric = s->o.numeric };
	struct listener			*l = calloc(1, sizeof(*l));

	if (l == NULL) {
		tcpk_err_set(err, TCPK_EIO, "out of memory");
		return NULL;
	}
	l->server = s;
	l->ep = ep;
	if (like != NULL) {
		l->limits = like->limits;
		opts.forked = like->serve;
	} else if (make_limits(s, l, err) == -1) {
		free_listener(l);
		return NULL;
	}
	opts.limits = l->limits;
	opts.reserve = s->reserve;
	l->serve = tcpk_serve_start(s->loop, ep, &opts, &handler, l, err);
	if (l->serve != NULL)
		return l;
	free_listener(l);
	return NULL;
}

int
server_check_descriptors(struct tcpk_endpoint *const *eps, size_t n,
    struct tcpk_err *err)
{
	size_t	i, j;

	for (i = 1; i < n; i++)
		for (j = 0; j < i; j++)
			if (eps[i]->scheme == TCPK_FD &&
			    eps[j]->fd == eps[i]->fd)
				return tcpk_err_set(err, TCPK_EUSAGE,
				    "fd:%d is listened on twice",
				    eps[i]->fd);
	return 0;
}

int
server_listen(struct server *s, struct tcpk_err *err)
{
	const struct listener	*like = NULL;

	if (server_check_descriptors(s->o.eps, s->o.neps, err) == -1)
		return -1;
	s->listeners = calloc(s->o.neps, sizeof(struct listener *));
	if (s->listeners == NULL)
		return tcpk_err_set(err, TCPK_EIO, "out of memory");
	for (s->n = 0; s->n < s->o.neps; s->n++) {
		if (s->parent != NULL)
			like = s->parent->listeners[s->n];
		s->listeners[s->n] = server_listen_on(s, s->o.eps[s->n], like,
		    err);
		if (s->listeners[s->n] == NULL)
			return -1;
	}
	if (s->o.deadline != 0)
		tcpk_timer_set(&s->limit, tcpk_now() + s->o.deadline);
	return 0;
}
