/*
 * A system that does not tell where a datagram came to: an answer from a
 * socket that is bound to every address leaves from whichever the route has.
 */

#include "udp_impl.h"

void
tcpk__udp_ask(int fd, int family)
{
	(void)fd;
	(void)family;
}

void
tcpk__udp_told(struct msghdr *m, struct tcpk_addr *here)
{
	(void)m;
	here->len = 0;
}

void
tcpk__udp_send_as(struct msghdr *m, union tcpk__udp_control *control,
    const struct tcpk_addr *here)
{
	(void)m;
	(void)control;
	(void)here;
}
