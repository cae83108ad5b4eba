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

/* Here poll(2) and epoll(7) say of each failure that it is one. */
int
tcpk_sock_connected(int fd, bool hup)
{
	return hup ? tcpk_sock_error(fd) : 0;
}

int
tcpk_sock_broken(int fd)
{
	uint64_t	left;

	return tcpk_sock_drained(fd, false, &left);
}

/*
 * A connection that is empty, or closed with so much left: has it broken?
 *
 * SO_ERROR also tells, once, of what did no harm (an ICMP error on a
 * connection that lives on); POLLERR is there for the rest only.
 */
static int
look(int fd, uint64_t left)
{
	struct pollfd	p = { .fd = fd };

	if (poll(&p, 1, 0) != 1)
		return 0;
	if ((p.revents & POLLERR) != 0)
		return tcpk_sock_error(fd);
	/*
	 * The error was told already, and what is unsent stays so; unless it
	 * is only the first of several paths to the peer that has closed.
	 */
	return left > 0 && (p.revents & POLLHUP) != 0 ? ECONNRESET : 0;
}

/*
 * Once or more for each direction of each connection, so with two calls where
 * nothing is wrong.  Where something is unsent the state comes first: a
 * connection that has ended well by the time the queue is looked at has
 * nothing in it, and a reset leaves the queue as it was.
 */
int
tcpk_sock_drained(int fd, bool made, uint64_t *left)
{
	struct tcp_info	info;
	socklen_t	len = sizeof(info);
	bool		tcp;
	int		n = 0;

	*left = 0;
	if (made && ioctl(fd, SIOCOUTQ, &n) == 0 && n == 0)
		return look(fd, 0);
	tcp = getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0;
	if (tcp && ioctl(fd, SIOCOUTQ, &n) == 0 && n > 0)
		*left = (uint64_t)n;
	/* Then SIOCOUTQ says 0, whatever waits. */
	if (tcp && (info.tcpi_state == TCP_SYN_SENT ||
	    info.tcpi_state == TCP_SYN_RECV))
		*left = 1;
	if (tcp && info.tcpi_state != TCP_CLOSE)
		return 0;
	return look(fd, *left);
}
