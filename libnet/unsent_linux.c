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
 * SO_ERROR also tells, once, of what did no harm (an ICMP error on a
 * connection that lives on); POLLERR is there for the rest only.
 */
int
tcpk_sock_broken(int fd)
{
	struct pollfd	p = { .fd = fd };
	struct tcp_info	info;
	socklen_t	len = sizeof(info);

	if (poll(&p, 1, 0) != 1 || (p.revents & (POLLERR | POLLHUP)) == 0)
		return 0;
	if ((p.revents & POLLERR) != 0)
		return tcpk_sock_error(fd);
	/* The error was told already, and what is unsent stays so. */
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
	    info.tcpi_state == TCP_CLOSE && tcpk_sock_unsent(fd) > 0)
		return ECONNRESET;
	return 0;
}
