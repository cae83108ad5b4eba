/* TCP Fast Open, on Linux. */

#include <sys/socket.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "sock_impl.h"

/* SYNs with data that may wait for their handshake to be finished. */
#define QUEUE	256

/*
 * The sysctl net.ipv4.tcp_fastopen has a bit for each role.  For a client
 * whose bit is off the kernel refuses the option, for a server it takes it
 * and does nothing: both are connections as without it.
 */
int
tcpk__sock_fastopen(int fd, enum tcpk_role role, struct tcpk_err *err)
{
	int	name = TCP_FASTOPEN_CONNECT, value = 1;

	if (role == TCPK_LISTEN) {
		name = TCP_FASTOPEN;
		value = QUEUE;
	}
	if (setsockopt(fd, IPPROTO_TCP, name, &value, sizeof(value)) == 0 ||
	    (role == TCPK_CONNECT && errno == EOPNOTSUPP))
		return 0;
	return tcpk_err_errno(err, TCPK_EUSAGE, errno, "option fastopen");
}

bool
tcpk_sock_opening(int fd)
{
	struct tcp_info	info;
	socklen_t	len = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
	    info.tcpi_state == TCP_SYN_SENT;
}

int
tcpk_sock_go(int fd)
{
	if (send(fd, "", 0, MSG_DONTWAIT | MSG_NOSIGNAL) == 0 ||
	    errno == EINPROGRESS || errno == EAGAIN || errno == EWOULDBLOCK)
		return 0;
	return errno;
}
