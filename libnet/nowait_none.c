/* No other way than the portable one. */

#include "stream_impl.h"

ssize_t
tcpk__nowait_read(int fd, void *buf, size_t n)
{
	return tcpk__nowait_read_portable(fd, buf, n);
}

ssize_t
tcpk__nowait_write(int fd, const void *buf, size_t n)
{
	return tcpk__nowait_write_portable(fd, buf, n);
}
