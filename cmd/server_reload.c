/*
 * SIGHUP: files are read again, and where the tool has one, its
 * configuration: all of it is used from now on, or nothing of it.  Listeners
 * at places that stay keep their sockets and whoever waits there.
 */

#include <stdlib.h>

#include "server_impl.h"

bool
server_can_reload(const struct server *s)
{
	const struct tcpk_options	*o;
	size_t				 i;

	if (s->handler->reload != NULL)
		return true;
	for (i = 0; i < s->o.neps; i++) {
		o = &s->o.eps[i]->o;
		if (o->acl_file != NULL || o->cert != NULL ||
		    o->client_ca != NULL)
			return true;
	}
	return false;
}

static bool
is_old(const struct server *s, const struct listener *l)
{
	size_t	i;

	for (i = 0; i < s->n; i++)
		if (s->listeners[i] == l)
			return true;
	return false;
}

void
server_reload_abandon(struct server *s, const struct tcpk_err *why)
{
	struct msg_fields	 f = { .event = "reload-failed" };
	struct reload		*r = s->reload;
	struct tcpk_err		 err;
	size_t			 i;

	if (r == NULL)
		return;
	s->reload = NULL;
	if (why != NULL) {
		err = *why;
		tcpk_err_wrap(&err, "not reloaded");
		msg_err(s->o.msg, MSG_ERROR, &f, &err);
	}
	for (i = 0; i < r->n; i++) {
		tcpk_serve_files_free(r->files[i]);
		if (r->listeners[i] != NULL && !is_old(s, r->listeners[i]))
			server_retire(r->listeners[i]);
	}
	if (s->handler->reload != NULL)
		s->handler->reloaded(s->arg, false);
	free(r->listeners);
	free(r->files);
	free(r);
}

static void
use(struct server *s)
{
	struct msg_fields	 f = { .event = "reload" };
	struct reload		*r = s->reload;
	bool			 made_key;
	size_t			 i;

	s->reload = NULL;
	for (i = 0; i < s->n; i++)
		if (!s->listeners[i]->stays)
			server_retire(s->listeners[i]);
	for (i = 0; i < r->n; i++) {
		made_key = !r->listeners[i]->ep->o.self_signed &&
		    r->eps[i]->o.self_signed;
		r->listeners[i]->ep = r->eps[i];
		if (r->files[i] != NULL)
			tcpk_serve_use(r->listeners[i]->serve, r->files[i]);
		if (made_key)
			server_say_key(r->listeners[i]);
	}
	free(s->listeners);
	s->listeners = r->listeners;
	s->n = s->nready = s->o.neps = r->n;
	s->o.eps = r->eps;
	free(r->files);
	free(r);
	if (s->handler->reload != NULL)
		s->handler->reloaded(s->arg, true);
	msg(s->o.msg, s->parent == NULL ? MSG_NOTICE : MSG_DEBUG, &f,
	    "reloaded");
}

void
server_reload_ready(struct server *s, const struct tcpk_err *err)
{
	if (err != NULL)
		server_reload_abandon(s, err);
	else if (++s->reload->nready == s->reload->nnew)
		use(s);
}

/* The listener at that place that nobody has taken yet, or NULL. */
static struct listener *
find(const struct server *s, const struct tcpk_endpoint *ep)
{
	struct listener	*l;
	size_t		 i;

	for (i = 0; i < s->n; i++) {
		l = s->listeners[i];
		if (!l->stays && tcpk_endpoint_same_place(l->ep, ep))
			return l;
	}
	return NULL;
}

/* One more endpoint.  -1: with err. */
static int
prepare(struct server *s, size_t i, struct tcpk_err *err)
{
	struct reload			*r = s->reload;
	const struct tcpk_endpoint	*ep = r->eps[i];
	struct listener			*l = find(s, ep);

	/* Each would make one of its own. */
	if (l != NULL && s->o.workers > 1 && ep->o.self_signed &&
	    !l->ep->o.self_signed)
		return tcpk_err_set(err, TCPK_EUSAGE, "%.80s: with --workers "
		    "only a restart makes a key (self-signed)", ep->text);
	if (l != NULL) {
		r->files[i] = tcpk_serve_read_as(l->serve, ep, err);
		r->listeners[i] = l;
		l->stays = true;
		return r->files[i] == NULL ? -1 : 0;
	}
	/* Its socket would have to be there before the fork. */
	if (s->o.workers > 1)
		return tcpk_err_set(err, TCPK_EUSAGE, "%.80s: with --workers "
		    "only a restart adds a listener", ep->text);
	r->listeners[i] = server_listen_on(s, ep, NULL, err);
	if (r->listeners[i] == NULL)
		return -1;
	r->nnew++;
	return 0;
}

int
server_reload(struct server *s)
{
	struct reload	*r;
	struct tcpk_err	 err;
	size_t		 i, n = s->o.neps;

	/* The one that is under way is of an older file. */
	server_reload_abandon(s, NULL);
	for (i = 0; i < s->n; i++)
		s->listeners[i]->stays = false;
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return -1;
	s->reload = r;
	r->eps = s->o.eps;
	if (s->handler->reload != NULL &&
	    s->handler->reload(s->arg, &r->eps, &n, &err) == -1)
		goto fail;
	if (server_check_descriptors(r->eps, n, &err) == -1)
		goto fail;
	r->listeners = calloc(n, sizeof(struct listener *));
	r->files = calloc(n, sizeof(*r->files));
	if (r->listeners == NULL || r->files == NULL) {
		tcpk_err_set(&err, TCPK_EIO, "out of memory");
		goto fail;
	}
	for (r->n = n, i = 0; i < n; i++)
		if (prepare(s, i, &err) == -1)
			goto fail;
	if (r->nnew == 0)
		use(s);
	return 0;
fail:
	server_reload_abandon(s, &err);
	return -1;
}
