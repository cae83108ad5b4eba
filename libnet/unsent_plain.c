/* A system that tells one thing at a time. */

#include "tcpkit/sock.h"

int
tcpk_sock_broken(int fd)
{
	return tcpk_sock_error(fd);
}

int
tcpk_sock_drained(int fd, uint64_t *left)
{
	/* In this order: a reset leaves the queue as it was. */
	*left = tcpk_sock_unsent(fd);
	return tcpk_sock_broken(fd);
}
