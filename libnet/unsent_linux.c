/* What the peer has not acknowledged, on Linux. */

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>

#include "tcpkit/sock.h"

/* Of a connection that is not yet made SIOCOUTQ says 0, whatever waits. */
static bool
half_made(int fd)
{
	struct tcp_info	info;
	socklen_t	len = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
	    (info.tcpi_state == TCP_SYN_SENT ||
	    info.tcpi_state == TCP_SYN_RECV);
}

uint64_t
tcpk_sock_unsent(int fd)
{
	struct sockaddr	sa;
	socklen_t	len = sizeof(sa);
	int		n = 0;

	/* On a Unix socket it would count what the peer has not read. */
	if (getsockname(fd, &sa, &len) == -1 || sa.sa_family == AF_UNIX)
		return 0;
	if (ioctl(fd, SIOCOUTQ, &n) == -1 || n < 0)
		return 0;
	return n == 0 && half_made(fd) ? 1 : n;
}

/*
 * Why a closed one is: 0 if both sides had ended it.  SO_ERROR also tells,
 * once, of what did no harm (an ICMP error on a connection that lives on);
 * POLLERR is there for the rest only.
 */
static int
why_closed(int fd, bool unsent)
{
	struct pollfd	p = { .fd = fd };

	/* Of several paths to the peer the first may be closed alone. */
	if (poll(&p, 1, 0) != 1 || (p.revents & (POLLERR | POLLHUP)) == 0)
		return 0;
	if ((p.revents & POLLERR) != 0)
		return tcpk_sock_error(fd);
	/* The error was told already, and what is unsent stays so. */
	return unsent ? ECONNRESET : 0;
}

int
tcpk_sock_broken(int fd)
{
	uint64_t	left;

	return tcpk_sock_drained(fd, &left);
}

/* Once or more for each direction of each connection. */
int
tcpk_sock_drained(int fd, uint64_t *left)
{
	struct tcp_info	info;
	socklen_t	len = sizeof(info);
	int		n = 0;

	/* In this order: a reset leaves the queue as it was. */
	if (ioctl(fd, SIOCOUTQ, &n) == -1 || n < 0)
		n = 0;
	*left = 0;
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == -1)
		return why_closed(fd, false);
	*left = (uint64_t)n;
	/* Then SIOCOUTQ says 0, whatever waits. */
	if (info.tcpi_state == TCP_SYN_SENT || info.tcpi_state == TCP_SYN_RECV)
		*left = 1;
	return info.tcpi_state == TCP_CLOSE ? why_closed(fd, n > 0) : 0;
}
