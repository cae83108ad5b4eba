/* Multipath TCP, where the C library knows of it; the kernel may not. */

#include <sys/socket.h>

#include <errno.h>
#include <netinet/in.h>

#include "sock_impl.h"

int
tcpk__sock_new_mptcp(int family, struct tcpk_err *err)
{
	int	fd = tcpk__sock_new(family, SOCK_STREAM, IPPROTO_MPTCP);

	if (fd != -1)
		return fd;
	switch (errno) {
	case EINVAL:		/* the number is beyond those it has */
	case ENOPROTOOPT:
	case EPROTONOSUPPORT:
		tcpk_err_set(err, TCPK_EUSAGE, "option mptcp: this kernel "
		    "does not have it, or net.mptcp.enabled is 0");
		break;
	default:
		tcpk_err_errno(err, tcpk_sock_kind(errno), errno,
		    "option mptcp");
		break;
	}
	return -1;
}
