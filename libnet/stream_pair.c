/* The stream over two descriptors, and the one over standard input/output. */

#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stream_impl.h"
#include "tcpkit/sock.h"

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL	0
#endif

static void
on_end_ready(void *arg, unsigned ready)
{
	tcpk__stream_ready(arg, ready);
}

void
tcpk__pair_init(struct tcpk__pair *p, struct tcpk_loop *loop,
    const struct tcpk__stream_ops *ops, enum tcpk_err_kind kind)
{
	p->s.ops = ops;
	p->kind = kind;
	p->r.how = p->w.how = TCPK__OWN;
	p->r.own = p->w.own = -1;
	tcpk_watch_init(&p->r.watch, loop, -1, on_end_ready, p);
	tcpk_watch_init(&p->w.watch, loop, -1, on_end_ready, p);
}

void
tcpk__pair_stop(struct tcpk__pair *p)
{
	struct tcpk__end	*ends[2] = { &p->r, &p->w };
	int			 i;

	for (i = 0; i < 2; i++) {
		tcpk_watch_stop(&ends[i]->watch);
		if (ends[i]->own != -1)
			close(ends[i]->own);
		ends[i]->own = -1;
	}
}

ssize_t
tcpk__pair_read(struct tcpk_stream *s, void *buf, size_t n)
{
	struct tcpk__pair	*p = (struct tcpk__pair *)s;
	int			 fd = p->r.watch.fd;
	ssize_t			 got = -1;

	do {
		switch (p->r.how) {
		case TCPK__SOCKET:
			got = recv(fd, buf, n, MSG_DONTWAIT);
			break;
		case TCPK__NOWAIT:
			got = tcpk__nowait_read(fd, buf, n);
			break;
		case TCPK__OWN:
			got = read(fd, buf, n);
			break;
		}
	} while (got == -1 && errno == EINTR);
	if (got >= 0)
		return got;
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return TCPK_AGAIN;
	/* A terminal whose other end was closed has nothing more to say. */
	if (errno == EIO && p->r.tty)
		return 0;
	return tcpk__stream_fail(s, p->kind, errno, "read");
}

ssize_t
tcpk__pair_write(struct tcpk_stream *s, const void *buf, size_t n)
{
	struct tcpk__pair	*p = (struct tcpk__pair *)s;
	int			 fd = p->w.watch.fd;
	ssize_t			 put = -1;

	do {
		switch (p->w.how) {
		case TCPK__SOCKET:
			put = send(fd, buf, n, MSG_DONTWAIT | MSG_NOSIGNAL);
			break;
		case TCPK__NOWAIT:
			put = tcpk__nowait_write(fd, buf, n);
			break;
		case TCPK__OWN:
			put = write(fd, buf, n);
			break;
		}
	} while (put == -1 && errno == EINTR);
	if (put >= 0)
		return put;
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return TCPK_AGAIN;
	return tcpk__stream_fail(s, p->kind, errno, "write");
}

void
tcpk__pair_want(struct tcpk_stream *s, unsigned want)
{
	struct tcpk__pair	*p = (struct tcpk__pair *)s;

	if (p->r.watch.fd != -1)
		tcpk_watch_want(&p->r.watch, want & TCPK_READ);
	if (p->w.watch.fd != -1)
		tcpk_watch_want(&p->w.watch, want & ~TCPK_READ);
}

bool
tcpk__pair_fds(const struct tcpk_stream *s, int *rfd, int *wfd)
{
	const struct tcpk__pair	*p = (const struct tcpk__pair *)s;

	*rfd = p->r.watch.fd;
	*wfd = p->w.watch.fd;
	return true;
}

/*
 * A terminal is opened anew: then not waiting is a flag of our own, and not
 * of everyone who has it.
 */
static int
open_terminal(int fd, int mode)
{
	struct stat	mine, theirs;
	char		name[128];
	int		own;

	/* Opening a pseudo-terminal's master anew would make another. */
	if (ptsname(fd) != NULL || ttyname_r(fd, name, sizeof(name)) != 0)
		return -1;
	own = open(name, mode | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (own == -1)
		return -1;
	if (fstat(fd, &theirs) == -1 || fstat(own, &mine) == -1 ||
	    mine.st_rdev != theirs.st_rdev) {
		close(own);
		return -1;
	}
	return own;
}

static void
find_how(struct tcpk__end *e, int fd, int mode)
{
	struct stat	st;

	e->watch.fd = fd;
	e->how = TCPK__NOWAIT;
	if (fstat(fd, &st) == -1)
		e->how = TCPK__OWN;	/* reading or writing says why */
	else if (S_ISSOCK(st.st_mode))
		e->how = TCPK__SOCKET;
	else if (S_ISCHR(st.st_mode) && isatty(fd)) {
		e->tty = true;
		e->own = open_terminal(fd, mode);
		if (e->own != -1) {
			e->watch.fd = e->own;
			e->how = TCPK__OWN;
		}
	} else if (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode) ||
	    S_ISDIR(st.st_mode))
		e->how = TCPK__OWN;	/* never waits for anyone */
}

struct stdio {
	struct tcpk__pair p;
	int		  wfd;		/* as it was given */
	bool		  both;		/* one socket is input and output */
};

/*
 * The reader of a pipe must see its end, and some file systems say only at
 * the close that they could not write.
 */
static int
give_up_output(struct stdio *io)
{
	struct tcpk_stream	*s = &io->p.s;
	int			 nul, last;

	tcpk_watch_stop(&io->p.w.watch);
	nul = open("/dev/null", O_WRONLY | O_CLOEXEC);
	last = fcntl(io->wfd, F_DUPFD_CLOEXEC, 3);
	if (nul != -1 && last != -1)
		dup2(nul, io->wfd);
	if (nul != -1)
		close(nul);
	if (last != -1 && close(last) == -1 && errno != EINTR)
		return tcpk__stream_fail(s, io->p.kind, errno, "close");
	return 0;
}

/*
 * A socket that is our input as well is half-closed, as inetd's programs do;
 * one that is only our output may be that of others too (a shell, a journal)
 * and is left when it has drained.
 */
static int
stdio_finish(struct tcpk_stream *s)
{
	struct stdio	*io = (struct stdio *)s;

	if (io->p.w.how != TCPK__SOCKET)
		return io->p.w.tty ? 0 : give_up_output(io);
	if (io->both && shutdown(io->wfd, SHUT_WR) == -1)
		return tcpk__stream_fail(s, io->p.kind, errno, "half-close");
	return 0;
}

static int
stdio_drained(struct tcpk_stream *s, uint64_t *left)
{
	struct stdio	*io = (struct stdio *)s;
	int		 code;

	*left = 0;
	if (io->p.w.how != TCPK__SOCKET)
		return 0;
	code = tcpk_sock_drained(io->wfd, false, left);
	if (code != 0)
		return tcpk__stream_fail(s, io->p.kind, code, "write");
	if (*left != 0)
		return TCPK_AGAIN;
	return io->both ? 0 : give_up_output(io);
}

static int
stdio_hup(struct tcpk_stream *s)
{
	(void)s;
	return TCPK_AGAIN;
}

static void
stdio_want(struct tcpk_stream *s, unsigned want)
{
	/* As with cat, a reader that left shows at the next byte. */
	tcpk__pair_want(s, want & ~TCPK_HUP);
}

static void
stdio_reset(struct tcpk_stream *s)
{
	(void)s;
}

static void
stdio_free(struct tcpk_stream *s)
{
	struct stdio	*io = (struct stdio *)s;

	tcpk__pair_stop(&io->p);
	free(io);
}

static bool
same_file(int a, int b)
{
	struct stat	sa, sb;

	return fstat(a, &sa) == 0 && fstat(b, &sb) == 0 &&
	    sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

static const struct tcpk__stream_ops	stdio_ops = {
	.read = tcpk__pair_read,
	.write = tcpk__pair_write,
	.finish = stdio_finish,
	.drained = stdio_drained,
	.want = stdio_want,
	.hup = stdio_hup,
	.reset = stdio_reset,
	.free = stdio_free,
	.fds = tcpk__pair_fds
};

struct tcpk_stream *
tcpk_stream_stdio(struct tcpk_loop *loop, int rfd, int wfd,
    struct tcpk_err *err)
{
	struct stdio	*io = calloc(1, sizeof(*io));

	if (io == NULL) {
		tcpk_err_set(err, TCPK_EIO, "out of memory");
		return NULL;
	}
	tcpk__pair_init(&io->p, loop, &stdio_ops, TCPK_EIO);
	find_how(&io->p.r, rfd, O_RDONLY);
	find_how(&io->p.w, wfd, O_WRONLY);
	io->wfd = wfd;
	io->both = same_file(rfd, wfd);
	/* A back end knows each number once. */
	if (rfd == wfd && io->p.r.own == -1) {
		io->p.r.own = fcntl(rfd, F_DUPFD_CLOEXEC, 3);
		if (io->p.r.own != -1)
			io->p.r.watch.fd = io->p.r.own;
	}
	return &io->p.s;
}
