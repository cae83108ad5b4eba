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

static void
on_ready(void *arg, const struct tcpk_addr *addrs, size_t n,
    const struct tcpk_err *err)
{
	struct listener		*l = arg;
	struct server		*s = l->server;
	struct msg_fields	 f = { .event = "listening" };
	char			 text[TCPK_ADDR_TEXT];
	struct tcpk_tls_cert	*cert;
	size_t			 i;

	if (err != NULL) {
		server_fail(s, "listen-failed", err);
		return;
	}
	/* A worker has nothing to say that was not said before the fork. */
	for (i = 0; i < n && s->parent == NULL; i++) {
		f.local = tcpk_addr_format(&addrs[i], text, sizeof(text));
		msg(s->o.msg, MSG_NOTICE, &f, "listening on %s", text);
		server_say_ready(s->o.ready_fd, text);
		if (i > 0 || !l->ep->o.self_signed)
			continue;
		cert = tcpk_serve_cert(l->serve, 0);
		if (cert != NULL)
			tls_msg_own(s->o.msg, cert, text,
			    l->ep->o.client_ca != NULL);
		free(cert);
	}
	if (++s->nready == s->n)
		all_ready(s);
}

static void
on_client(void *arg, const struct tcpk_client *client)
{
	server_welcome(((struct listener *)arg)->server, client);
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

int
server_reload(struct server *s)
{
	struct msg_fields	 f = { .event = "reload" };
	struct tcpk_serve_files	**files;
	struct tcpk_err		 err;
	size_t			 i, n = 0;
	bool			 all;

	files = calloc(s->n, sizeof(*files));
	while (files != NULL && n < s->n &&
	    (files[n] = tcpk_serve_read(s->listeners[n].serve, &err)) != NULL)
		n++;
	all = n == s->n;
	if (all) {
		for (i = 0; i < n; i++)
			tcpk_serve_use(s->listeners[i].serve, files[i]);
		msg(s->o.msg, s->parent == NULL ? MSG_NOTICE : MSG_DEBUG, &f,
		    "reloaded");
	} else {
		if (files == NULL)
			tcpk_err_set(&err, TCPK_EIO, "out of memory");
		f.event = "reload-failed";
		tcpk_err_wrap(&err, "not reloaded");
		msg_err(s->o.msg, MSG_ERROR, &f, &err);
		while (n > 0)
			tcpk_serve_files_free(files[--n]);
	}
	free(files);
	return all ? 0 : -1;
}

bool
server_can_reload(const struct server *s)
{
	const struct tcpk_options	*o;
	size_t				 i;

	for (i = 0; i < s->o.neps; i++) {
		o = &s->o.eps[i].o;
		if (o->acl_file != NULL || o->cert != NULL ||
		    o->client_ca != NULL)
			return true;
	}
	return false;
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

/* What several processes share has to be there before the fork. */
static int
make_limits(struct server *s, struct tcpk_err *err)
{
	const struct tcpk_options	*o;
	size_t				 i;

	s->limits = calloc(s->o.neps, sizeof(*s->limits));
	if (s->limits == NULL)
		return tcpk_err_set(err, TCPK_EIO, "out of memory");
	for (i = 0; i < s->o.neps; i++) {
		o = &s->o.eps[i].o;
		if (o->max_clients == 0 && o->max_per_host == 0)
			continue;
		s->limits[i] = tcpk_limits_new(o->max_clients,
		    o->max_per_host, s->o.workers, err);
		if (s->limits[i] == NULL)
			return -1;
	}
	return 0;
}

int
server_listen(struct server *s, struct tcpk_err *err)
{
	struct tcpk_serve_handler		 handler = {
		.ready = on_ready,
		.client = on_client,
		.denied = on_denied,
		.trouble = on_trouble,
		.warning = on_warning,
		.refused = on_refused,
		.datagram = s->handler->datagram != NULL ? on_datagram : NULL
	};
	struct tcpk_serve_opts			 opts = { 0 };
	struct listener				*l;

	s->listeners = calloc(s->o.neps, sizeof(*s->listeners));
	if (s->listeners == NULL)
		return tcpk_err_set(err, TCPK_EIO, "out of memory");
	opts.numeric = s->o.numeric;
	if (s->o.workers > 1 && s->parent == NULL &&
	    make_limits(s, err) == -1)
		return -1;
	for (s->n = 0; s->n < s->o.neps; s->n++) {
		l = &s->listeners[s->n];
		l->server = s;
		l->ep = &s->o.eps[s->n];
		if (s->limits != NULL)
			opts.limits = s->limits[s->n];
		if (s->parent != NULL)
			opts.forked = s->parent->listeners[s->n].serve;
		l->serve = tcpk_serve_start(s->loop, l->ep, &opts, &handler,
		    l, err);
		if (l->serve == NULL)
			return -1;
	}
	if (s->o.deadline != 0)
		tcpk_timer_set(&s->limit, tcpk_now() + s->o.deadline);
	return 0;
}
