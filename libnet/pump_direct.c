/*
 * Bytes in bulk between a pipe that we were given and a socket, or another
 * pipe: moved inside the kernel from one to the other.  Nothing is taken that
 * is not given, so nothing is ever pending; but the kernel does not say which
 * of the two it was that made it stop.
 *
 * From the first large piece on small ones go this way, too: a pipe that was
 * spliced takes no RWF_NOWAIT any more, and is slow to read and write.
 */

#include <sys/ioctl.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#include "pump_impl.h"

/* After a piece like this more is likely to be there. */
#define LARGE	(32 * 1024)

static ssize_t
move(int in, int out)
{
	ssize_t	got;

	do
		got = splice(in, NULL, out, NULL, TCPK_PIPE,
		    SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	while (got == -1 && errno == EINTR);
	return got;
}

static bool
has_bytes(int fd)
{
	int	n;

	return ioctl(fd, FIONREAD, &n) == 0 && n > 0;
}

static bool
reader_left(int fd)
{
	struct pollfd	p = { .fd = fd, .events = POLLOUT };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLERR) != 0;
}

/*
 * Which end it was, and so whose error.  A pipe's is found again by who reads
 * and writes, and he knows what it means: then this returns false.  That of a
 * socket is told only once.
 */
static bool
failed(struct tcpk__half *h, int out, int code)
{
	struct tcpk_stream	*src = tcpk__half_src(h);
	struct tcpk_stream	*dst = tcpk__half_dst(h);

	if (code == EINVAL || code == ENOSYS || code == EOPNOTSUPP)
		h->splice = NO;
	else if (tcpk_stream_lingers(dst)) {
		tcpk_stream_failed(dst, "write", code);
		tcpk__half_dst_failed(h);
		return true;
	} else if (!tcpk_stream_lingers(src))
		h->splice = NO;
	else if (code != EPIPE || !reader_left(out)) {
		tcpk_stream_failed(src, "read", code);
		tcpk__half_src_failed(h);
		return true;
	}
	return false;
}

bool
tcpk__direct_turn(struct tcpk__half *h, bool *go_on)
{
	bool	waited = h->blocked;
	ssize_t	got;
	int	in, out, unused;

	/* Whatever follows may leave this way: then nobody waits any more. */
	h->blocked = false;
	tcpk_stream_fds(tcpk__half_src(h), &in, &unused);
	tcpk_stream_fds(tcpk__half_dst(h), &unused, &out);
	got = move(in, out);
	*go_on = got >= LARGE;
	if (got > 0) {
		h->taken += (uint64_t)got;
		h->bytes += (uint64_t)got;
		h->heard = true;
		h->moved_at = tcpk_loop_now(tcpk__half_pump(h)->loop);
		return true;
	}
	/*
	 * A byte out of band looks like the end, or as if there were nothing
	 * yet, though more lies behind it.
	 */
	if (got == 0)
		return false;
	if (errno != EAGAIN)
		return failed(h, out, errno);
	/* Who said that he is ready and takes nothing is written to. */
	h->blocked = !waited && has_bytes(in);
	return h->blocked;
}
