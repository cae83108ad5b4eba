/*
 * Bytes in bulk between two sockets, moved inside the kernel: through a pipe
 * that is borrowed for a piece and given back when that has gone out.  What
 * is pending lies in the pipe then, not in a buffer.
 */

#include <errno.h>
#include <fcntl.h>

#include "pump_impl.h"

/* What is moved by copying first: short connections gain nothing. */
#define BULK	(1024 * 1024)

/* After a piece like this more is likely to be there. */
#define LARGE	(64 * 1024)

static bool
never_waits(int fd)
{
	int	flags = fcntl(fd, F_GETFL);

	return flags != -1 && (flags & O_NONBLOCK) != 0;
}

/* Looked at once: it does not change. */
static bool
can_splice(const struct tcpk__half *h)
{
	struct tcpk_stream	*src = tcpk__half_src(h);
	struct tcpk_stream	*dst = tcpk__half_dst(h);
	int			 in, out, unused;

	return tcpk__half_opts(h)->limit == 0 &&
	    tcpk_stream_lingers(src) && tcpk_stream_lingers(dst) &&
	    tcpk_stream_fds(src, &in, &unused) &&
	    tcpk_stream_fds(dst, &unused, &out) &&
	    never_waits(in) && never_waits(out);
}

bool
tcpk__splice_begin(struct tcpk__half *h)
{
	if (h->taken < BULK || h->splice == NO_SPLICE)
		return false;
	if (h->splice == UNDECIDED)
		h->splice = can_splice(h) ? SPLICE : NO_SPLICE;
	if (h->splice == NO_SPLICE)
		return false;
	h->pipe = tcpk_loop_pipe(tcpk__half_pump(h)->loop);
	return h->pipe != NULL;
}

bool
tcpk__splice_flush(struct tcpk__half *h)
{
	struct tcpk_stream	*dst = tcpk__half_dst(h);
	ssize_t			 put;
	int			 unused, fd;

	tcpk_stream_fds(dst, &unused, &fd);
	while (h->off < h->len) {
		put = splice(h->pipe->fds[0], NULL, fd, NULL, h->len - h->off,
		    SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
		if (put > 0) {
			h->off += (uint32_t)put;
			h->bytes += (uint64_t)put;
			h->moved_at =
			    tcpk_loop_now(tcpk__half_pump(h)->loop);
		} else if (put == -1 && errno == EAGAIN)
			return false;
		else if (put == 0 || errno != EINTR) {
			tcpk_stream_failed(dst, "write",
			    put == 0 ? EIO : errno);
			tcpk__half_dst_failed(h);
			return false;
		}
	}
	tcpk__half_release(h);
	return true;
}

bool
tcpk__splice_turn(struct tcpk__half *h, bool *go_on)
{
	struct tcpk_stream	*src = tcpk__half_src(h);
	ssize_t			 got;
	int			 code, fd, unused;

	tcpk_stream_fds(src, &fd, &unused);
	do
		got = splice(fd, NULL, h->pipe->fds[1], NULL, TCPK_PIPE,
		    SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	while (got == -1 && errno == EINTR);
	if (got > 0) {
		h->off = 0;
		h->len = (uint32_t)got;
		h->taken += (uint64_t)got;
		h->heard = true;
		h->moved_at = tcpk_loop_now(tcpk__half_pump(h)->loop);
		*go_on = tcpk__splice_flush(h) && got >= LARGE;
		return true;
	}
	/*
	 * A byte out of band looks like the end, or as if there were nothing
	 * yet, though more lies behind it.
	 */
	code = got == 0 ? EAGAIN : errno;
	tcpk__half_release(h);
	if (code == EAGAIN)
		return false;
	if (code == EINVAL || code == ENOSYS || code == EOPNOTSUPP) {
		h->splice = NO_SPLICE;
		return false;
	}
	tcpk_stream_failed(src, "read", code);
	tcpk__half_src_failed(h);
	*go_on = false;
	return true;
}
