#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "serve_impl.h"
#include "tcpkit/listen.h"
#include "tcpkit/resolve.h"

/* Addresses one name may stand for. */
#define MAX_LISTENERS	32

enum { V6, V4, FAMILIES };

struct listener {
	struct tcpk_serve  *serve;
	struct tcpk_listen *listen;
};

struct tcpk_serve {
	struct tcpk_loop	*loop;
	const struct tcpk_endpoint *ep;
	struct tcpk_serve_handler handler;
	void			*arg;
	struct tcpk_tls_config	*tls;
	struct tcpk__shakes	 shakes;
	bool			 one;
	struct tcpk_acl		*acl;		/* NULL: everyone */
	struct tcpk_timer	 now;
	struct tcpk_resolve	*lookups[FAMILIES];
	struct tcpk_addr	 addrs[MAX_LISTENERS];
	size_t			 naddrs;
	struct tcpk_err		 lookup_err;
	struct listener		 listeners[MAX_LISTENERS];
	size_t			 n;
};

static void
close_listeners(struct tcpk_serve *s)
{
	while (s->n > 0)
		tcpk_listen_free(s->listeners[--s->n].listen);
}

void
tcpk_serve_free(struct tcpk_serve *s)
{
	int	i;

	if (s == NULL)
		return;
	close_listeners(s);
	tcpk__shakes_free(&s->shakes);
	for (i = 0; i < FAMILIES; i++)
		tcpk_resolve_cancel(s->lookups[i]);
	tcpk_timer_stop(&s->now);
	tcpk_tls_config_free(s->tls);
	tcpk_acl_free(s->acl);
	free(s);
}

static void
on_warning(void *arg, const char *text)
{
	struct tcpk_serve	*s = arg;

	if (s->handler.warning != NULL)
		s->handler.warning(s->arg, text);
}

int
tcpk_serve_reload_acl(struct tcpk_serve *s, struct tcpk_err *err)
{
	const struct tcpk_options	*o = &s->ep->o;
	struct tcpk_acl			*acl;

	if (o->acl == NULL && o->acl_file == NULL)
		return 0;
	acl = tcpk_acl_new(on_warning, s, err);
	if (acl == NULL)
		return -1;
	if ((o->acl_file != NULL &&
	    tcpk_acl_add_file(acl, o->acl_file, err) == -1) ||
	    (o->acl != NULL && tcpk_acl_add_text(acl, "acl", o->acl,
	    strlen(o->acl), err) == -1) ||
	    tcpk_acl_compile(acl, err) == -1) {
		tcpk_acl_free(acl);
		return -1;
	}
	tcpk_acl_free(s->acl);
	s->acl = acl;
	return 0;
}

/* Closed before anything else is done for it, TLS included. */
static bool
let_in(struct tcpk_serve *s, const struct tcpk_addr *peer)
{
	struct tcpk_verdict	v;
	char			rule[256];

	if (s->acl == NULL)
		return true;
	v = tcpk_acl_check(s->acl, peer);
	if (!v.allow && s->handler.denied != NULL)
		s->handler.denied(s->arg, peer,
		    tcpk_acl_describe(s->acl, v, rule, sizeof(rule)));
	return v.allow;
}

static void
on_shaken(void *arg, const struct tcpk_addr *peer,
    const struct tcpk_addr *listener, const struct tcpk_tls_done *done)
{
	struct tcpk_serve	*s = arg;
	struct tcpk_client	 client = {
		.stream = done->stream,
		.peer = peer,
		.listener = listener,
		.tls = done->info
	};

	if (done->stream != NULL)
		s->handler.client(s->arg, &client);
	else if (s->handler.refused != NULL)
		s->handler.refused(s->arg, peer, &done->err, done->info);
}

/* Hand the client over, after its handshake where there is one. */
static int
welcome(struct tcpk_serve *s, struct tcpk_client *client,
    struct tcpk_err *err)
{
	if (s->tls != NULL)
		return tcpk__shake_start(&s->shakes, s->loop, s->tls,
		    client->stream, s->ep->o.connect_timeout, client->peer,
		    client->listener, on_shaken, s, err);
	s->handler.client(s->arg, client);
	return 0;
}

static void
on_client(void *arg, int fd, const struct tcpk_addr *peer)
{
	struct listener		*l = arg;
	struct tcpk_serve	*s = l->serve;
	struct tcpk_addr	 from = *peer;
	struct tcpk_addr	 at = *tcpk_listen_addr(l->listen);
	struct tcpk_client	 client = { .peer = &from, .listener = &at };
	struct tcpk_err		 err;

	if (!let_in(s, peer)) {
		close(fd);
		return;
	}
	client.stream = tcpk_stream_socket(s->loop, fd, &err);
	if (client.stream == NULL) {
		close(fd);
		goto trouble;
	}
	if (s->one)
		close_listeners(s);
	if (welcome(s, &client, &err) == 0)
		return;
	tcpk_stream_free(client.stream);
trouble:
	if (s->handler.trouble != NULL)
		s->handler.trouble(s->arg, &err);
}

static void
on_trouble(void *arg, const struct tcpk_err *err)
{
	struct tcpk_serve	*s = ((struct listener *)arg)->serve;

	if (s->handler.trouble != NULL)
		s->handler.trouble(s->arg, err);
}

static const struct tcpk_listen_handler	listen_handler = {
	on_client, on_trouble
};

static int
add_listener(struct tcpk_serve *s, const struct tcpk_addr *addr,
    struct tcpk_err *err)
{
	struct listener	*l = &s->listeners[s->n];

	l->serve = s;
	if (addr != NULL)
		l->listen = tcpk_listen_new(s->loop, addr, &s->ep->o,
		    &listen_handler, l, err);
	else
		l->listen = tcpk_listen_adopt(s->loop, s->ep->fd,
		    &listen_handler, l, err);
	if (l->listen == NULL)
		return -1;
	s->n++;
	return 0;
}

/* A family that this machine does not have. */
static bool
no_family(const struct tcpk_err *err)
{
	return err->code == EAFNOSUPPORT || err->code == EADDRNOTAVAIL ||
	    err->code == EPROTONOSUPPORT;
}

/*
 * One socket for both families where the system can.  Where it cannot, the
 * IPv4 address is next in the list.
 */
static int
open_all(struct tcpk_serve *s, struct tcpk_err *err)
{
	struct tcpk_addr	addr;
	uint16_t		port = 0;
	size_t			i;

	for (i = 0; i < s->naddrs; i++) {
		addr = s->addrs[i];
		if (s->n > 0 && s->ep->host == NULL)
			break;
		/* All addresses of a name on the same free port. */
		if (tcpk_addr_port(&addr) == 0)
			tcpk_addr_set_port(&addr, port);
		if (add_listener(s, &addr, err) == -1) {
			if (no_family(err) && (s->n > 0 || i + 1 < s->naddrs))
				continue;
			return -1;
		}
		port = tcpk_addr_port(tcpk_listen_addr(
		    s->listeners[s->n - 1].listen));
	}
	return 0;
}

static void
tell_ready(struct tcpk_serve *s, const struct tcpk_err *err)
{
	struct tcpk_addr	addrs[MAX_LISTENERS];
	size_t			i;

	if (err != NULL) {
		close_listeners(s);
		s->handler.ready(s->arg, NULL, 0, err);
		return;
	}
	for (i = 0; i < s->n; i++)
		addrs[i] = *tcpk_listen_addr(s->listeners[i].listen);
	s->handler.ready(s->arg, addrs, s->n, NULL);
}

static void
on_addresses(void *arg)
{
	struct tcpk_serve	*s = arg;
	struct tcpk_err		 err;
	int			 r;

	if (s->ep->scheme == TCPK_FD)
		r = add_listener(s, NULL, &err);
	else if (s->naddrs == 0) {
		err = s->lookup_err;
		r = -1;
	} else
		r = open_all(s, &err);
	tell_ready(s, r == -1 ? &err : NULL);
}

static void
on_resolved(struct tcpk_serve *s, int family, const struct tcpk_resolved *r)
{
	size_t	i, j;

	s->lookups[family] = NULL;
	if (r->n == 0)
		s->lookup_err = r->err;
	for (i = 0; i < r->n && s->naddrs < MAX_LISTENERS; i++) {
		/* A hosts file may name one address twice. */
		for (j = 0; j < s->naddrs; j++)
			if (tcpk_addr_equal(&s->addrs[j], &r->addrs[i]))
				break;
		if (j == s->naddrs)
			s->addrs[s->naddrs++] = r->addrs[i];
	}
	if (s->lookups[V6] == NULL && s->lookups[V4] == NULL) {
		/* Whichever family answered first, IPv6 is opened first. */
		for (i = 1; i < s->naddrs; i++)
			for (j = i; j > 0 && tcpk_addr_family(&s->addrs[j]) ==
			    AF_INET6 && tcpk_addr_family(&s->addrs[j - 1]) !=
			    AF_INET6; j--) {
				struct tcpk_addr swap = s->addrs[j];

				s->addrs[j] = s->addrs[j - 1];
				s->addrs[j - 1] = swap;
			}
		on_addresses(s);
	}
}

static void
on_resolved_v6(void *arg, const struct tcpk_resolved *r)
{
	on_resolved(arg, V6, r);
}

static void
on_resolved_v4(void *arg, const struct tcpk_resolved *r)
{
	on_resolved(arg, V4, r);
}

static int
look_up(struct tcpk_serve *s, bool numeric, struct tcpk_err *err)
{
	const struct tcpk_endpoint	*ep = s->ep;

	if (ep->o.family != 4 && (s->lookups[V6] = tcpk_resolve_start(s->loop,
	    ep->host, ep->port, AF_INET6, numeric, on_resolved_v6, s,
	    err)) == NULL)
		return -1;
	if (ep->o.family != 6 && (s->lookups[V4] = tcpk_resolve_start(s->loop,
	    ep->host, ep->port, AF_INET, numeric, on_resolved_v4, s,
	    err)) == NULL)
		return -1;
	return 0;
}

/* Addresses that need no looking up.  1 taken, 0 not numeric, -1. */
static int
take_numeric(struct tcpk_serve *s, struct tcpk_err *err)
{
	const struct tcpk_endpoint	*ep = s->ep;
	uint64_t			 port;
	int				 family;

	if (ep->scheme == TCPK_FD)
		return 1;
	if (ep->scheme == TCPK_UNIX) {
		s->naddrs = 1;
		return tcpk_addr_unix(&s->addrs[0], ep->path, err) == -1 ?
		    -1 : 1;
	}
	if (tcpk_value_number(&port, ep->port, 0, 65535, NULL) == -1)
		return 0;
	if (ep->host == NULL) {
		if (ep->o.family != 4)
			tcpk_addr_any(&s->addrs[s->naddrs++], AF_INET6,
			    (uint16_t)port);
		if (ep->o.family != 6)
			tcpk_addr_any(&s->addrs[s->naddrs++], AF_INET,
			    (uint16_t)port);
		return 1;
	}
	if (tcpk_addr_parse(&s->addrs[0], ep->host, (uint16_t)port,
	    NULL) == -1)
		return 0;
	family = tcpk_addr_family(&s->addrs[0]) == AF_INET6 ? 6 : 4;
	if (ep->o.family != 0 && ep->o.family != (uint64_t)family)
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "%.80s is not an IPv%d address", ep->host,
		    (int)ep->o.family);
	s->naddrs = 1;
	return 1;
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
	tcpk_timer_init(&s->now, loop, on_addresses, s);
	if (ep->scheme == TCPK_UDP) {
		tcpk_err_set(err, TCPK_EUSAGE,
		    "%.80s: this build does not speak UDP", ep->text);
		goto fail;
	}
	if (tcpk_serve_reload_acl(s, err) == -1)
		goto fail;
	if (ep->scheme == TCPK_TLS &&
	    (s->tls = tcpk_tls_config_new(ep, on_warning, s, err)) == NULL)
		goto fail;
	r = take_numeric(s, err);
	if (r == 0)
		r = look_up(s, opts->numeric, err) == -1 ? -1 : 0;
	else if (r == 1 && tcpk_timer_set(&s->now, tcpk_now()) == -1)
		r = tcpk_err_set(err, TCPK_EIO, "out of memory");
	if (r != -1)
		return s;
fail:
	tcpk_serve_free(s);
	return NULL;
}

struct tcpk_tls_cert *
tcpk_serve_cert(const struct tcpk_serve *s, size_t i)
{
	return s->tls != NULL ? tcpk_tls_config_cert(s->tls, i) : NULL;
}
