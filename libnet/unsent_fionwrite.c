/* What the peer has not acknowledged, on the BSDs. */

#include <sys/filio.h>
#include <sys/ioctl.h>

#include "tcpkit/sock.h"

uint64_t
tcpk_sock_unsent(int fd)
{
	int	n = 0;

	if (ioctl(fd, FIONWRITE, &n) == -1 || n < 0)
		return 0;
	return n;
}
