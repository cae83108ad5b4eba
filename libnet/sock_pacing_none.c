/* A system that does not tell how it controls congestion. */

#include "sock_impl.h"

void
tcpk__sock_unpace(int fd)
{
	(void)fd;
}
