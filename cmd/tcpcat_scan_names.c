/* The addresses of the hosts, in both families. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tcpcat_scan_impl.h"

enum { V6, V4 };

static void
end_lookup(struct scan_host *h)
{
	int	i;

	for (i = 0; i < 2; i++) {
		tcpk_resolve_cancel(h->lookups[i]);
		h->lookups[i] = NULL;
		free(h->found[i]);
		h->found[i] = NULL;
		h->nfound[i] = 0;
	}
	tcpk_timer_stop(&h->name_timer);
}

void
scan_names_forget(struct scan_host *h)
{
	end_lookup(h);
	free(h->addrs);
	h->addrs = NULL;
	h->naddrs = 0;
	h->named = SCAN_NEW;
}

static void
no_memory(struct scan *s)
{
	struct tcpk_err	err;

	tcpk_err_set(&err, TCPK_EIO, "out of memory");
	scan_leave_err(s, &err);
}

/* No address: none of its ports can accept. */
static void
not_named(struct scan_host *h)
{
	struct msg_fields	f = { .event = "connect-failed" };
	size_t			 i;

	msg_err(h->scan->msg, scan_is_last(h->scan) ? MSG_ERROR :
	    MSG_WARNING, &f,
	    &h->err);
	for (i = 0; i < h->ports->n; i++)
		if (h->state[i].state == SCAN_UNKNOWN)
			scan_failed(h, i, h->err.kind);
}

static bool
is_known(const struct scan_host *h, const struct tcpk_addr *addr)
{
	size_t	i;

	for (i = 0; i < h->naddrs; i++)
		if (tcpk_addr_equal(&h->addrs[i], addr))
			return true;
	return false;
}

static int
add_address(struct scan_host *h, const struct tcpk_addr *addr)
{
	struct tcpk_addr	*more;

	if (is_known(h, addr))
		return 0;
	if (h->naddrs % 8 == 0) {
		more = reallocarray(h->addrs, h->naddrs + 8, sizeof(*more));
		if (more == NULL)
			return -1;
		h->addrs = more;
	}
	h->addrs[h->naddrs++] = *addr;
	return 0;
}

/* Both families have answered, or their time is over. */
static void
on_named(struct scan_host *h)
{
	struct scan	*s = h->scan;
	size_t		 i;

	for (i = 0; i < h->nfound[V6] || i < h->nfound[V4]; i++)
		if ((i < h->nfound[V6] &&
		    add_address(h, &h->found[V6][i]) == -1) ||
		    (i < h->nfound[V4] &&
		    add_address(h, &h->found[V4][i]) == -1)) {
			no_memory(s);
			break;
		}
	end_lookup(h);
	s->looking--;
	h->named = SCAN_NAMED;
	if (h->naddrs == 0)
		not_named(h);
	scan_tick(s);
}

static void
on_resolved(struct scan_host *h, int family, const struct tcpk_resolved *r)
{
	h->lookups[family] = NULL;
	if (r->n == 0)
		h->err = r->err;
	else {
		h->found[family] = calloc(r->n, sizeof(*r->addrs));
		if (h->found[family] == NULL) {
			no_memory(h->scan);
			return;
		}
		memcpy(h->found[family], r->addrs, r->n * sizeof(*r->addrs));
		h->nfound[family] = r->n;
	}
	/* A port that no address accepts needs them all to be known. */
	if (h->lookups[V6] == NULL && h->lookups[V4] == NULL)
		on_named(h);
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

static void
on_name_timeout(void *arg)
{
	struct scan_host	*h = arg;

	tcpk_err_errno(&h->err, TCPK_ETIMEOUT, ETIMEDOUT, "resolve %.128s",
	    h->ports->ep.host);
	on_named(h);
}

/* The family that the options leave, or 0 for both.  -1: none. */
static int
family_of(const struct tcpk_endpoint *ep, struct tcpk_err *err)
{
	char	text[TCPK_ADDR_TEXT];
	int	source = 0;

	if (!tcpk_addr_is_any(&ep->o.source))
		source = tcpk_addr_family(&ep->o.source) == AF_INET ? 4 : 6;
	if (source == 0 || ep->o.family == 0 ||
	    source == (int)ep->o.family)
		return ep->o.family != 0 ? (int)ep->o.family : source;
	return tcpk_err_set(err, TCPK_EUSAGE, "option source: %s is not an "
	    "IPv%d address", tcpk_addr_format_host(&ep->o.source, text,
	    sizeof(text)), (int)ep->o.family);
}

int
scan_names_check(struct scan_host *h, struct tcpk_err *err)
{
	const struct tcpk_endpoint	*ep = &h->ports->ep;
	struct tcpk_addr		 addr;

	h->family = family_of(ep, err);
	if (h->family == -1)
		return -1;
	/* What is numeric already needs no thread. */
	if (tcpk_addr_parse(&addr, ep->host, 0, NULL) == -1)
		return 0;
	if (h->family != 0 &&
	    h->family != (tcpk_addr_family(&addr) == AF_INET ? 4 : 6))
		return tcpk_err_set(err, TCPK_EUSAGE, "%.80s is not an IPv%d "
		    "address", ep->host, h->family);
	if (add_address(h, &addr) == -1)
		return tcpk_err_set(err, TCPK_EIO, "out of memory");
	h->numeric = true;
	h->named = SCAN_NAMED;
	return 0;
}

static int
look_up(struct scan_host *h, struct tcpk_err *err)
{
	const struct tcpk_endpoint	*ep = &h->ports->ep;
	struct scan			*s = h->scan;

	h->named = SCAN_LOOKING;
	s->looking++;
	if (h->family != 4 && (h->lookups[V6] = tcpk_resolve_start(s->loop,
	    ep->host, "1", AF_INET6, SOCK_STREAM, s->o->numeric,
	    on_resolved_v6, h, err)) == NULL)
		return -1;
	if (h->family != 6 && (h->lookups[V4] = tcpk_resolve_start(s->loop,
	    ep->host, "1", AF_INET, SOCK_STREAM, s->o->numeric,
	    on_resolved_v4, h, err)) == NULL)
		return -1;
	tcpk_timer_set(&h->name_timer, tcpk_now() + ep->o.connect_timeout);
	return 0;
}

void
scan_names(struct scan *s)
{
	struct scan_host	*h;
	struct tcpk_err		 err;

	for (; s->next_name < s->nhosts && s->looking < s->most_looking;
	    s->next_name++) {
		h = &s->hosts[s->next_name];
		if (h->named != SCAN_NEW)
			continue;
		tcpk_timer_init(&h->name_timer, s->loop, on_name_timeout, h);
		if (look_up(h, &err) == -1) {
			scan_leave_err(s, &err);
			return;
		}
	}
}
