/* A system without TCP Fast Open, or with calls of its own for it. */

#include "sock_impl.h"

int
tcpk__sock_fastopen(int fd, enum tcpk_role role, struct tcpk_err *err)
{
	(void)fd;
	(void)role;
	return tcpk_err_set(err, TCPK_EUSAGE,
	    "option fastopen: this system does not have it");
}

bool
tcpk_sock_opening(int fd)
{
	(void)fd;
	return false;
}

int
tcpk_sock_go(int fd)
{
	(void)fd;
	return 0;
}
