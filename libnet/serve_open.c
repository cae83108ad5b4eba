/* A listening endpoint's name to listeners. */

#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "serve_impl.h"
#include "tcpkit/listen.h"
#include "tcpkit/resolve.h"
#include "tcpkit/sock.h"

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
		if (tcpk__serve_listen(s, &addr, -1, err) == -1) {
			if (no_family(err) && (s->n > 0 || i + 1 < s->naddrs))
				continue;
			return -1;
		}
		port = tcpk_addr_port(tcpk__listener_addr(
		    &s->listeners[s->n - 1]));
	}
	return 0;
}

/* The sockets of the process that we were forked from. */
static int
adopt_all(struct tcpk_serve *s, struct tcpk_err *err)
{
	size_t	i;
	int	fd;

	/* The descriptors themselves: one left open would go on listening. */
	for (i = 0; i < s->forked->n; i++) {
		fd = tcpk__listener_fd(&s->forked->listeners[i]);
		if (tcpk__serve_listen(s, NULL, fd, err) == -1)
			return -1;
	}
	return 0;
}

static void
tell_ready(struct tcpk_serve *s, const struct tcpk_err *err)
{
	struct tcpk_addr	addrs[TCPK__LISTENERS];
	size_t			i;

	if (err != NULL) {
		tcpk__serve_close(s);
		s->handler.ready(s->arg, NULL, 0, err);
		return;
	}
	for (i = 0; i < s->n; i++)
		addrs[i] = *tcpk__listener_addr(&s->listeners[i]);
	s->handler.ready(s->arg, addrs, s->n, NULL);
}

void
tcpk__serve_open(void *arg)
{
	struct tcpk_serve	*s = arg;
	struct tcpk_err		 err;
	int			 r;

	if (s->forked != NULL)
		r = adopt_all(s, &err);
	else if (s->ep->scheme == TCPK_FD)
		r = tcpk__serve_listen(s, NULL, s->ep->fd, &err);
	else if (s->naddrs == 0) {
		err = s->lookup_err;
		r = -1;
	} else
		r = open_all(s, &err);
	tell_ready(s, r == -1 ? &err : NULL);
}

/* Whichever family answered first, IPv6 is opened first. */
static void
put(struct tcpk_serve *s, const struct tcpk_addr *a)
{
	size_t	at = s->naddrs;

	if (tcpk_addr_family(a) == AF_INET6)
		for (at = 0; at < s->naddrs &&
		    tcpk_addr_family(&s->addrs[at]) == AF_INET6; at++)
			continue;
	memmove(&s->addrs[at + 1], &s->addrs[at],
	    (s->naddrs - at) * sizeof(s->addrs[0]));
	s->addrs[at] = *a;
	s->naddrs++;
}

static void
on_resolved(struct tcpk_serve *s, int family, const struct tcpk_resolved *r)
{
	size_t	i, j;

	s->lookups[family] = NULL;
	if (r->n == 0)
		s->lookup_err = r->err;
	for (i = 0; i < r->n && s->naddrs < TCPK__LISTENERS; i++) {
		/* A hosts file may name one address twice. */
		for (j = 0; j < s->naddrs; j++)
			if (tcpk_addr_equal(&s->addrs[j], &r->addrs[i]))
				break;
		if (j == s->naddrs)
			put(s, &r->addrs[i]);
	}
	if (s->lookups[TCPK__V6] == NULL && s->lookups[TCPK__V4] == NULL) {
		tcpk__serve_open(s);
	}
}

static void
on_resolved_v6(void *arg, const struct tcpk_resolved *r)
{
	on_resolved(arg, TCPK__V6, r);
}

static void
on_resolved_v4(void *arg, const struct tcpk_resolved *r)
{
	on_resolved(arg, TCPK__V4, r);
}

int
tcpk__serve_look_up(struct tcpk_serve *s, bool numeric, struct tcpk_err *err)
{
	const struct tcpk_endpoint	*ep = s->ep;
	struct tcpk_resolve		**r = s->lookups;
	int				 type;

	type = ep->scheme == TCPK_UDP ? SOCK_DGRAM : SOCK_STREAM;
	if (ep->o.family != 4 && (r[TCPK__V6] = tcpk_resolve_start(s->loop,
	    ep->host, ep->port, AF_INET6, type, numeric, on_resolved_v6, s,
	    err)) == NULL)
		return -1;
	if (ep->o.family != 6 && (r[TCPK__V4] = tcpk_resolve_start(s->loop,
	    ep->host, ep->port, AF_INET, type, numeric, on_resolved_v4, s,
	    err)) == NULL)
		return -1;
	return 0;
}

/* The options of a name are tried with a socket that has none. */
static int
check_name(const struct tcpk_endpoint *ep, int type, bool numeric,
    struct tcpk_err *err)
{
	const char		*host = ep->host != NULL ? ep->host : "*";
	struct tcpk_addr	 any;

	if (tcpk_resolve_check(ep->host, ep->port, type, numeric, err) == -1)
		return tcpk_err_wrap(err, "resolve %.128s", host);
	tcpk_addr_any(&any, ep->o.family == 6 ? AF_INET6 : AF_INET, 0);
	if (tcpk_sock_check(&any, type, &ep->o, TCPK_LISTEN, err) == -1)
		return tcpk_err_wrap(err, "%.128s:%.64s", host, ep->port);
	return 0;
}

int
tcpk__serve_check(const struct tcpk_serve *s, bool numeric,
    struct tcpk_err *err)
{
	const struct tcpk_endpoint	*ep = s->ep;
	char				 text[TCPK_ADDR_TEXT];
	size_t				 i;
	int				 type;

	type = ep->scheme == TCPK_UDP ? SOCK_DGRAM : SOCK_STREAM;
	if (s->forked != NULL)
		return 0;
	if (ep->scheme == TCPK_FD)
		return tcpk_listen_check(ep->fd, err);
	if (s->naddrs == 0)
		return check_name(ep, type, numeric, err);
	for (i = 0; i < s->naddrs; i++)
		if (tcpk_sock_check(&s->addrs[i], type, &ep->o, TCPK_LISTEN,
		    err) == -1)
			return tcpk_err_wrap(err, "%s", tcpk_addr_format(
			    &s->addrs[i], text, sizeof(text)));
	return 0;
}

int
tcpk_serve_check(const struct tcpk_endpoint *ep, bool numeric,
    struct tcpk_err *err)
{
	struct tcpk_serve	*s = calloc(1, sizeof(*s));
	int			 r;

	if (s == NULL)
		return tcpk_err_set(err, TCPK_EIO, "out of memory");
	s->ep = ep;
	r = tcpk__serve_numeric(s, err) == -1 ||
	    tcpk__serve_check(s, numeric, err) == -1 ? -1 : 0;
	free(s);
	return r;
}

int
tcpk__serve_numeric(struct tcpk_serve *s, struct tcpk_err *err)
{
	const struct tcpk_endpoint	*ep = s->ep;
	uint64_t			 port;
	int				 family;

	if (ep->scheme == TCPK_FD || s->forked != NULL)
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
