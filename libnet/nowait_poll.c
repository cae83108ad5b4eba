/*
 * Not waiting on a shared descriptor, by POSIX means: ask poll first, and
 * write no more than a pipe promises to take at once.
 */

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include "stream_impl.h"

static int
ready(int fd, short events)
{
	struct pollfd	p = { .fd = fd, .events = events };

	if (poll(&p, 1, 0) == 1)
		return 1;
	errno = EAGAIN;
	return 0;
}

ssize_t
tcpk__nowait_read_portable(int fd, void *buf, size_t n)
{
	return ready(fd, POLLIN) ? read(fd, buf, n) : -1;
}

ssize_t
tcpk__nowait_write_portable(int fd, const void *buf, size_t n)
{
	if (n > PIPE_BUF)
		n = PIPE_BUF;
	/* A terminal that is writable promises room for one byte. */
	if (n > 1 && isatty(fd))
		n = 1;
	return ready(fd, POLLOUT) ? write(fd, buf, n) : -1;
}
