/* Congestion control that paces, where a system tells which one it is. */

#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "sock_impl.h"

/* As long as a name can be: TCP_CA_NAME_MAX of Linux. */
#define NAME	16

/*
 * BBR (draft-ietf-ccwg-bbr) sends by the clock, at the rate that it has
 * measured.  Within a host there is no queue to be kept short: what that
 * costs is a timer for every few segments, and half of the bytes a second.
 * reno (RFC 5681) is there on every system, and anyone may have it.
 */
void
tcpk__sock_unpace(int fd)
{
	char		name[NAME + 1] = "";
	socklen_t	len = NAME;

	if (getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len) == 0 &&
	    strncmp(name, "bbr", 3) == 0)
		setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
}
