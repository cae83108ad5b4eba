/* Sockets whose flags are set afterwards: macOS, plain POSIX. */

#include <sys/socket.h>

#include <fcntl.h>
#include <unistd.h>

#include "sock_impl.h"

static int
with_flags(int fd)
{
	int	flags;

	if (fd == -1)
		return -1;
	flags = fcntl(fd, F_GETFL);
	if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

int
tcpk__sock_new(int family, int type, int protocol)
{
	return with_flags(socket(family, type, protocol));
}

int
tcpk__sock_accept(int fd, struct sockaddr *sa, socklen_t *len)
{
	return with_flags(accept(fd, sa, len));
}
