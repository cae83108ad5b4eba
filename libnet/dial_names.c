/* A dial's addresses: looked up, or there already. */

#include <sys/socket.h>

#include <stdlib.h>

#include "dial_impl.h"

/* An IPv4 answer waits so long for the other: RFC 8305, section 3. */
#define RESOLUTION_DELAY	(50 * TCPK_MS)

static int
add_addresses(struct tcpk_dial *d, int family, const struct tcpk_addr *addrs,
    size_t n)
{
	size_t	i, j, used = 0;

	d->addrs[family] = reallocarray(NULL, n, sizeof(*addrs));
	if (d->addrs[family] == NULL)
		return -1;
	/* A hosts file may name one address twice. */
	for (i = 0; i < n; i++) {
		for (j = 0; j < used; j++)
			if (tcpk_addr_equal(&d->addrs[family][j], &addrs[i]))
				break;
		if (j == used)
			d->addrs[family][used++] = addrs[i];
	}
	d->naddrs[family] = used;
	return 0;
}

static void
on_resolved(struct tcpk_dial *d, int family, const struct tcpk_resolved *r)
{
	bool	first = d->naddrs[V6] + d->naddrs[V4] == 0;

	d->lookups[family] = NULL;
	if (r->n == 0)
		d->lookup_err = r->err;
	else if (add_addresses(d, family, r->addrs, r->n) == -1)
		tcpk_err_set(&d->lookup_err, TCPK_EIO, "out of memory");
	else if (first)
		d->named = tcpk_now();
	if (family == V4 && d->lookups[V6] != NULL && r->n > 0) {
		tcpk_timer_set(&d->next, tcpk_now() + RESOLUTION_DELAY);
		return;
	}
	/* An attempt under way keeps its 250 ms; a waiting one goes now. */
	if (d->active == 0)
		tcpk__dial_next(d);
	else if (d->next.at == 0 && tcpk__dial_more(d))
		tcpk_timer_set(&d->next, d->attempted + ATTEMPT_DELAY);
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

/* The family of the source, which decides as surely as the option; or 0. */
static uint64_t
source_family(const struct tcpk_endpoint *ep)
{
	if (tcpk_addr_is_any(&ep->o.source))
		return 0;
	return tcpk_addr_family(&ep->o.source) == AF_INET ? 4 : 6;
}

static int
check_source(const struct tcpk_endpoint *ep, uint64_t family,
    struct tcpk_err *err)
{
	char	text[TCPK_ADDR_TEXT];

	if (family == 0 || source_family(ep) == 0 ||
	    source_family(ep) == family)
		return 0;
	return tcpk_err_set(err, TCPK_EUSAGE, "%.80s: option source: %s is "
	    "not an IPv%d address, as what to connect to is", ep->text,
	    tcpk_addr_format_host(&ep->o.source, text, sizeof(text)),
	    family == 6 ? 6 : 4);
}

int
tcpk__dial_look_up(struct tcpk_dial *d, struct tcpk_err *err)
{
	const struct tcpk_endpoint	*ep = d->ep;
	uint64_t			 want = ep->o.family;
	int				 type;

	type = ep->scheme == TCPK_UDP ? SOCK_DGRAM : SOCK_STREAM;
	if (check_source(ep, want, err) == -1)
		return -1;
	if (want == 0)
		want = source_family(ep);
	if (want != 4 && (d->lookups[V6] = tcpk_resolve_start(d->loop,
	    ep->host, ep->port, AF_INET6, type, d->opts.numeric, on_resolved_v6,
	    d, err)) == NULL)
		return -1;
	if (want != 6 && (d->lookups[V4] = tcpk_resolve_start(d->loop,
	    ep->host, ep->port, AF_INET, type, d->opts.numeric, on_resolved_v4,
	    d, err)) == NULL)
		return -1;
	return 0;
}

/* What is numeric already needs no thread.  0 not so, 1 done, -1. */
int
tcpk__dial_numeric(struct tcpk_dial *d, struct tcpk_err *err)
{
	const struct tcpk_endpoint	*ep = d->ep;
	struct tcpk_addr		 a;
	uint64_t			 port;
	int				 family;

	if (ep->scheme == TCPK_UNIX) {
		if (tcpk_addr_unix(&a, ep->path, err) == -1)
			return -1;
	} else if (tcpk_value_number(&port, ep->port, 0, 65535, NULL) == -1 ||
	    tcpk_addr_parse(&a, ep->host, (uint16_t)port, NULL) == -1)
		return 0;
	family = tcpk_addr_family(&a) == AF_INET6 ? V6 : V4;
	if (ep->o.family != 0 && ep->o.family != (family == V6 ? 6 : 4))
		return tcpk_err_set(err, TCPK_EUSAGE, "%.80s is not an IPv%d "
		    "address", ep->host, ep->o.family == 6 ? 6 : 4);
	if (ep->scheme != TCPK_UNIX &&
	    check_source(ep, family == V6 ? 6 : 4, err) == -1)
		return -1;
	if (add_addresses(d, family, &a, 1) == -1)
		return tcpk_err_set(err, TCPK_EIO, "out of memory");
	tcpk_timer_set(&d->next, tcpk_loop_now(d->loop));
	return 1;
}
