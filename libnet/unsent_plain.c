/* A system that tells one thing at a time. */

#include "tcpkit/sock.h"

/* A failure may look like any socket that can be written to. */
int
tcpk_sock_connected(int fd, bool hup)
{
	(void)hup;
	return tcpk_sock_error(fd);
}

int
tcpk_sock_broken(int fd)
{
	return tcpk_sock_error(fd);
}

int
tcpk_sock_drained(int fd, bool made, uint64_t *left)
{
	(void)made;
	/* In this order: a reset leaves the queue as it was. */
	*left = tcpk_sock_unsent(fd);
	return tcpk_sock_broken(fd);
}
