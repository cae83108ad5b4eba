/* The PROXY protocol: which version, and which addresses can be said. */

#include <netinet/in.h>
#include <string.h>

#include "proxyproto_impl.h"

#define V1_BEGIN	"PROXY "
#define V1_NBEGIN	6

int
tcpk__proxyproto_bad(struct tcpk_err *err, const char *why)
{
	return tcpk_err_set(err, TCPK_ECUT, "PROXY header: %s", why);
}

static bool
begins(const void *p, size_t n, const char *with, size_t nwith)
{
	return memcmp(p, with, n < nwith ? n : nwith) == 0;
}

ssize_t
tcpk_proxyproto_parse(struct tcpk_proxyproto *h, const void *p, size_t n,
    struct tcpk_err *err)
{
	memset(h, 0, sizeof(*h));
	if (n == 0)
		return 0;
	if (begins(p, n, V1_BEGIN, V1_NBEGIN)) {
		h->version = 1;
		return n < V1_NBEGIN ? 0 :
		    tcpk__proxyproto_parse1(h, p, n, err);
	}
	if (begins(p, n, V2_SIGNATURE, V2_NSIGNATURE)) {
		h->version = 2;
		return tcpk__proxyproto_parse2(h, p, n, err);
	}
	return tcpk__proxyproto_bad(err, "what was sent is none");
}

static void
map(struct tcpk_addr *a)
{
	struct in_addr	in = a->u.in.sin_addr;
	uint16_t	port = tcpk_addr_port(a);
	bool		any = tcpk_addr_is_any(a);

	if (tcpk_addr_family(a) != AF_INET)
		return;
	tcpk_addr_any(a, AF_INET6, port);
	if (any)
		return;
	a->u.in6.sin6_addr.s6_addr[10] = 0xff;
	a->u.in6.sin6_addr.s6_addr[11] = 0xff;
	memcpy(a->u.in6.sin6_addr.s6_addr + 12, &in, sizeof(in));
}

/* One family for both, or none. */
static void
agree(struct tcpk_addr *from, struct tcpk_addr *to)
{
	int	f = tcpk_addr_family(from), t = tcpk_addr_family(to);

	if (f == t && (f == AF_INET || f == AF_INET6 || f == AF_UNIX))
		return;
	if ((f == AF_INET || f == AF_INET6) &&
	    (t == AF_INET || t == AF_INET6)) {
		/* Of a socket for both families the wildcard is IPv6. */
		if (tcpk_addr_is_any(to))
			tcpk_addr_any(to, f, tcpk_addr_port(to));
		else {
			map(from);
			map(to);
		}
		return;
	}
	from->len = to->len = 0;
}

size_t
tcpk_proxyproto_build(const struct tcpk_proxyproto_out *o,
    unsigned char buf[TCPK_PROXYPROTO_ROOM])
{
	struct tcpk_addr	from = o->from, to = o->to;

	agree(&from, &to);
	return o->version == 1 ? tcpk__proxyproto_build1(&from, &to, buf) :
	    tcpk__proxyproto_build2(&from, &to, o, buf);
}
