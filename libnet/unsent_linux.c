/* What the peer has not acknowledged, on Linux. */

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "tcpkit/sock.h"

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
	return n;
}
