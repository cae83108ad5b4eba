/* What the peer has not acknowledged, on macOS. */

#include "tcpkit/sock.h"

uint64_t
tcpk_sock_unsent(int fd)
{
	socklen_t	len = sizeof(int);
	int		n = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_NWRITE, &n, &len) == -1 || n < 0)
		return 0;
	return n;
}
