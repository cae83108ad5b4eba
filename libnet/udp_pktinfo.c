/*
 * The local end of a datagram by IP_PKTINFO and IPV6_PKTINFO (RFC 3542): an
 * answer that left from another address than the one that was asked would be
 * thrown away by a connected peer and by every NAT and firewall in between.
 */

#include <netinet/in.h>
#include <string.h>

#include "udp_impl.h"

void
tcpk__udp_ask(int fd, int family)
{
	int	on = 1;

	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on,
		    sizeof(on));
	/* Of IPv4 over an IPv6 socket too: it knows of broadcasts. */
	setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
}

/*
 * ipi_spec_dst and not ipi_addr: to a broadcast it is our own address on that
 * network, which one can answer from.
 */
static void
told_v4(const struct cmsghdr *c, struct tcpk_addr *here)
{
	struct in_pktinfo	info;

	memcpy(&info, CMSG_DATA(c), sizeof(info));
	tcpk_addr_any(here, AF_INET, 0);
	here->u.in.sin_addr = info.ipi_spec_dst;
}

static void
told_v6(const struct cmsghdr *c, struct tcpk_addr *here)
{
	struct in6_pktinfo	info;
	struct tcpk_addr	a;

	memcpy(&info, CMSG_DATA(c), sizeof(info));
	if (IN6_IS_ADDR_MULTICAST(&info.ipi6_addr))
		return;
	tcpk_addr_any(&a, AF_INET6, 0);
	a.u.in6.sin6_addr = info.ipi6_addr;
	/* An answer may leave by another interface, but not from fe80::. */
	if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
		a.u.in6.sin6_scope_id = info.ipi6_ifindex;
	tcpk_addr_from(here, &a.u.sa, a.len);
}

void
tcpk__udp_told(struct msghdr *m, struct tcpk_addr *here)
{
	struct cmsghdr	*c;
	bool		 is_v4 = false;

	here->len = 0;
	for (c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP &&
		    c->cmsg_type == IP_PKTINFO) {
			told_v4(c, here);
			is_v4 = true;
		} else if (c->cmsg_level == IPPROTO_IPV6 &&
		    c->cmsg_type == IPV6_PKTINFO && !is_v4)
			told_v6(c, here);
	}
	if (tcpk_addr_is_any(here))
		here->len = 0;
}

static void
put(struct msghdr *m, union tcpk__udp_control *control, int level, int type,
    const void *info, size_t n)
{
	struct cmsghdr	*c;

	memset(control, 0, sizeof(*control));
	m->msg_control = control;
	m->msg_controllen = CMSG_SPACE(n);
	c = CMSG_FIRSTHDR(m);
	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(n);
	memcpy(CMSG_DATA(c), info, n);
}

void
tcpk__udp_send_as(struct msghdr *m, union tcpk__udp_control *control,
    const struct tcpk_addr *here)
{
	struct in_pktinfo	v4 = { 0 };
	struct in6_pktinfo	v6 = { 0 };

	if (tcpk_addr_family(here) == AF_INET) {
		v4.ipi_spec_dst = here->u.in.sin_addr;
		put(m, control, IPPROTO_IP, IP_PKTINFO, &v4, sizeof(v4));
	} else {
		v6.ipi6_addr = here->u.in6.sin6_addr;
		v6.ipi6_ifindex = here->u.in6.sin6_scope_id;
		put(m, control, IPPROTO_IPV6, IPV6_PKTINFO, &v6, sizeof(v6));
	}
}
