/*
 * Bytes in bulk between sockets and files, moved inside the kernel: through a
 * pipe of our own that is borrowed for a piece and given back when that has
 * gone out.  What is pending lies in the pipe then, not in a buffer.  Where an
 * end is a pipe already, and none is a file, no other is needed
 * (pump_direct.c).
 */

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "pump_impl.h"

/*
 * What is moved by copying first: a pipe is not worth its while for less.  To
 * copy costs four times as much where the bytes of many are in no cache.
 */
#define BULK	(128 * 1024)

/* After a piece like this more is likely to be there. */
#define LARGE	(32 * 1024)

/* So much finds room in an empty pipe wherever in a page it begins. */
#define FILE_PIECE	(TCPK_PIPE - 64 * 1024)

/*
 * A small one makes its writer and us take turns.  Where the user has no more
 * large ones it stays as it is.
 */
static void
widen(int fd)
{
	int	size = fcntl(fd, F_GETPIPE_SZ);

	if (size != -1 && size < TCPK_PIPE)
		fcntl(fd, F_SETPIPE_SZ, TCPK_PIPE);
}

/*
 * A pipe can be told not to wait, a file never waits for anyone, and a socket
 * has to be one that does not.
 */
static bool
never_waits(const struct tcpk_stream *s, int fd, bool reads)
{
	struct stat	st;
	int		flags = fcntl(fd, F_GETFL);

	if (flags == -1 || fstat(fd, &st) == -1)
		return false;
	if (tcpk_stream_lingers(s))
		return (flags & O_NONBLOCK) != 0;
	/*
	 * What goes to the end of a file, wherever that is, cannot be moved;
	 * and one without a size is made up as it is read.
	 */
	return S_ISFIFO(st.st_mode) || (S_ISREG(st.st_mode) &&
	    (flags & O_APPEND) == 0 && (!reads || st.st_size > 0));
}

static bool
is(int fd, mode_t type)
{
	struct stat	st;

	return fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == type;
}

/*
 * Looked at once: it does not change.  A wide pipe is a gain for who has to
 * copy (TLS, a digest) as well.
 */
static bool
can_splice(struct tcpk__half *h)
{
	struct tcpk_stream	*src = tcpk__half_src(h);
	struct tcpk_stream	*dst = tcpk__half_dst(h);
	int			 in = -1, out = -1, unused;
	bool			 plain;

	plain = tcpk_stream_fds(src, &in, &unused);
	plain = tcpk_stream_fds(dst, &unused, &out) && plain;
	widen(in);
	widen(out);
	if (!plain || tcpk__half_opts(h)->limit != 0 ||
	    !never_waits(src, in, true) || !never_waits(dst, out, false))
		return false;
	h->from_file = is(in, S_IFREG);
	h->to_file = is(out, S_IFREG);
	h->direct = (is(in, S_IFIFO) || is(out, S_IFIFO)) &&
	    !h->from_file && !h->to_file;
	return true;
}

bool
tcpk__splice_begin(struct tcpk__half *h)
{
	if (h->taken < BULK || !h->large || h->splice == NO)
		return false;
	if (h->splice == UNDECIDED)
		h->splice = can_splice(h) ? YES : NO;
	if (h->splice == NO || h->direct)
		return h->splice != NO;
	h->pipe = tcpk_loop_pipe(tcpk__half_pump(h)->loop);
	h->piped = h->pipe != NULL;
	return h->piped;
}

static void
moved(struct tcpk__half *h, size_t n)
{
	h->off += (uint32_t)n;
	h->bytes += n;
	h->moved_at = tcpk_loop_now(tcpk__half_pump(h)->loop);
}

/*
 * What an error of dst means only dst knows: where a reader may just have
 * left, it is given a byte to meet the error itself.  A file that nothing can
 * be moved to is written to.  True if it took that.
 */
static bool
try_copy(struct tcpk__half *h, int code)
{
	struct tcpk_stream	*dst = tcpk__half_dst(h);
	struct tcpk_loop	*loop = tcpk__half_pump(h)->loop;
	char			*data = tcpk_loop_scratch(loop);
	size_t			 n = 1;
	ssize_t			 got = 0, put = TCPK_AGAIN;

	if (code == EINVAL) {
		h->splice = NO;
		n = TCPK_SCRATCH;
	}
	if (!tcpk_stream_lingers(dst))
		got = read(h->pipe->fds[0], data, n);
	while (got > 0 && (put = tcpk_stream_write(dst, data,
	    (size_t)got)) > 0) {
		moved(h, (size_t)put);
		data += put;
		got -= put;
	}
	if (put > 0)
		return true;
	if (put == TCPK_GONE) {
		tcpk__half_dst_gone(h);
		return false;
	}
	if (put != -1)
		tcpk_stream_failed(dst, "write", code);
	tcpk__half_dst_failed(h);
	return false;
}

/*
 * Others may read or write the same file with us, at the position that we have
 * in common.  To splice is not to hold it meanwhile, as to read and to write
 * is: so it is put behind a piece first, and back by what was not moved of it.
 */
static ssize_t
splice_file(int in, off_t *in_at, int out, off_t *out_at, size_t n)
{
	int	file = in_at != NULL ? in : out;
	off_t  *at = in_at != NULL ? in_at : out_at;
	ssize_t	got;
	int	code;

	*at = lseek(file, (off_t)n, SEEK_CUR);
	if (*at == -1)
		return -1;
	*at -= (off_t)n;
	got = splice(in, in_at, out, out_at, n,
	    SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	code = errno;
	if (got < (ssize_t)n)
		lseek(file, (got > 0 ? got : 0) - (off_t)n, SEEK_CUR);
	errno = code;
	return got;
}

static ssize_t
give(struct tcpk__half *h, int fd)
{
	off_t	at;

	if (h->to_file)
		return splice_file(h->pipe->fds[0], NULL, fd, &at,
		    h->len - h->off);
	return splice(h->pipe->fds[0], NULL, fd, NULL, h->len - h->off,
	    SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
}

bool
tcpk__splice_flush(struct tcpk__half *h)
{
	struct tcpk_stream	*dst = tcpk__half_dst(h);
	ssize_t			 put;
	int			 unused, fd;

	tcpk_stream_fds(dst, &unused, &fd);
	while (h->off < h->len) {
		put = give(h, fd);
		if (put > 0)
			moved(h, (size_t)put);
		else if (put == -1 && errno == EAGAIN)
			return false;
		else if ((put == 0 || errno != EINTR) &&
		    !try_copy(h, put == 0 ? EIO : errno))
			return false;
	}
	tcpk__half_release(h);
	return true;
}

/* Move a piece from src into the pipe: as read, with errno. */
static ssize_t
take(struct tcpk__half *h)
{
	ssize_t	got;
	off_t	at;
	int	fd, unused;

	tcpk_stream_fds(tcpk__half_src(h), &fd, &unused);
	do
		got = h->from_file ? splice_file(fd, &at, h->pipe->fds[1],
		    NULL, FILE_PIECE) : splice(fd, NULL, h->pipe->fds[1], NULL,
		    TCPK_PIPE, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	while (got == -1 && errno == EINTR);
	return got;
}

bool
tcpk__splice_turn(struct tcpk__half *h, bool *go_on)
{
	struct tcpk_stream	*src = tcpk__half_src(h);
	ssize_t			 got;
	int			 code;

	if (h->direct)
		return tcpk__direct_turn(h, go_on);
	got = take(h);
	if (got > 0) {
		h->off = 0;
		h->len = (uint32_t)got;
		h->taken += (uint64_t)got;
		h->heard = true;
		h->moved_at = tcpk_loop_now(tcpk__half_pump(h)->loop);
		h->large = got >= LARGE;
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
		h->splice = NO;
		return false;
	}
	tcpk_stream_failed(src, "read", code);
	tcpk__half_src_failed(h);
	*go_on = false;
	return true;
}
