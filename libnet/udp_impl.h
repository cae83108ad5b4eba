/*
 * udp, private: which of our addresses a datagram came to, and from which an
 * answer goes: udp_pktinfo.c where the system can tell, else udp_plain.c.
 */
#ifndef UDP_IMPL_H
#define UDP_IMPL_H

#include <sys/socket.h>

#include "tcpkit/udp.h"

/* Room for what is told of both families at once, aligned. */
union tcpk__udp_control {
	struct cmsghdr	align;
	char		buf[256];
};

/* Let a socket of this family tell. */
void	tcpk__udp_ask(int fd, int family);

/*
 * What was told with a datagram; len 0 nothing that one could answer from.
 * The port is not set.
 */
void	tcpk__udp_told(struct msghdr *, struct tcpk_addr *here);

/*
 * Send m from here, an address of the family of the socket (IPv4 mapped for
 * an IPv6 one); the control buffer is the caller's and stays until then.
 */
void	tcpk__udp_send_as(struct msghdr *m, union tcpk__udp_control *,
	    const struct tcpk_addr *here);

#endif
