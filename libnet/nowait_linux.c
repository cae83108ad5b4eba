/* Not waiting on a shared descriptor, by Linux's RWF_NOWAIT. */

#include <sys/uio.h>

#include <errno.h>

#include "stream_impl.h"

/* Kernels before 6.4 do not know it on pipes, and none does on terminals. */
static int
unsupported(ssize_t r)
{
	return r == -1 && (errno == EOPNOTSUPP || errno == ENOSYS ||
	    errno == EINVAL);
}

ssize_t
tcpk__nowait_read(int fd, void *buf, size_t n)
{
	struct iovec	v = { buf, n };
	ssize_t		r;

	r = preadv2(fd, &v, 1, -1, RWF_NOWAIT);
	return unsupported(r) ? tcpk__nowait_read_portable(fd, buf, n) : r;
}

ssize_t
tcpk__nowait_write(int fd, const void *buf, size_t n)
{
	struct iovec	v = { (void *)(uintptr_t)buf, n };
	ssize_t		r;

	r = pwritev2(fd, &v, 1, -1, RWF_NOWAIT);
	return unsupported(r) ? tcpk__nowait_write_portable(fd, buf, n) : r;
}
