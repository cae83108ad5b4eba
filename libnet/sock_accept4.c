/* Sockets where flags can be given at once: Linux and the BSDs. */

#include <sys/socket.h>

#include "sock_impl.h"

int
tcpk__sock_new(int family, int type, int protocol)
{
	return socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    protocol);
}

int
tcpk__sock_accept(int fd, struct sockaddr *sa, socklen_t *len)
{
	return accept4(fd, sa, len, SOCK_NONBLOCK | SOCK_CLOEXEC);
}
