/* The verbs, and the stream over one socket. */

#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "stream_impl.h"
#include "tcpkit/sock.h"

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL	0	/* then SIGPIPE must be ignored */
#endif
#ifndef MSG_MORE
#define MSG_MORE	0	/* then each piece goes at once */
#endif

ssize_t
tcpk_stream_read(struct tcpk_stream *s, void *buf, size_t n)
{
	return s->ops->read(s, buf, n);
}

ssize_t
tcpk_stream_write(struct tcpk_stream *s, const void *buf, size_t n)
{
	return s->ops->write(s, buf, n);
}

ssize_t
tcpk_stream_write_last(struct tcpk_stream *s, const void *buf, size_t n)
{
	return s->ops->write_last != NULL ? s->ops->write_last(s, buf, n) :
	    s->ops->write(s, buf, n);
}

int
tcpk_stream_room(struct tcpk_stream *s, void **place, size_t *n)
{
	return s->ops->room != NULL ? s->ops->room(s, place, n) : 0;
}

int
tcpk_stream_commit(struct tcpk_stream *s, size_t n)
{
	return s->ops->commit(s, n);
}

int
tcpk_stream_finish(struct tcpk_stream *s)
{
	return s->ops->finish(s);
}

int
tcpk_stream_drained(struct tcpk_stream *s, uint64_t *left)
{
	return s->ops->drained(s, left);
}

void
tcpk_stream_want(struct tcpk_stream *s, unsigned want)
{
	s->ops->want(s, want);
}

int
tcpk_stream_hup(struct tcpk_stream *s)
{
	return s->ops->hup(s);
}

void
tcpk_stream_on_ready(struct tcpk_stream *s, void (*fn)(void *, unsigned),
    void *arg)
{
	s->fn = fn;
	s->arg = arg;
}

void
tcpk_stream_reset(struct tcpk_stream *s)
{
	s->ops->reset(s);
}

void
tcpk_stream_free(struct tcpk_stream *s)
{
	struct tcpk_err	*err;

	if (s == NULL)
		return;
	err = s->err;
	s->ops->free(s);
	free(err);
}

/* The one whose nature it is. */
static const struct tcpk__stream_ops *
nature(const struct tcpk_stream *s)
{
	while (s->ops->wraps)
		s = s->ops->inner(s);
	return s->ops;
}

bool
tcpk_stream_lingers(const struct tcpk_stream *s)
{
	return nature(s)->lingers;
}

bool
tcpk_stream_couples(const struct tcpk_stream *s)
{
	return nature(s)->couples;
}

uint64_t
tcpk_stream_holds(const struct tcpk_stream *s)
{
	uint64_t	at, latest = 0;

	for (;; s = s->ops->inner(s)) {
		at = s->ops->holds != NULL ? s->ops->holds(s) : 0;
		if (at > latest)
			latest = at;
		if (!s->ops->wraps)
			return latest;
	}
}

bool
tcpk_stream_let_go(struct tcpk_stream *s)
{
	while (s->ops->let_go == NULL && s->ops->wraps)
		s = ((struct tcpk__wrap *)s)->inner;
	return s->ops->let_go != NULL && s->ops->let_go(s);
}

bool
tcpk_stream_whole(const struct tcpk_stream *s)
{
	return nature(s)->whole;
}

bool
tcpk_stream_fds(const struct tcpk_stream *s, int *rfd, int *wfd)
{
	return s->ops->fds(s, rfd, wfd);
}

/* Of the connection itself, whatever is spoken over it; -1: none. */
static int
socket_of(const struct tcpk_stream *s)
{
	int	rfd, wfd;

	while (s->ops->inner != NULL)
		s = s->ops->inner(s);
	/* Also where one may not move bytes there: datagrams. */
	s->ops->fds(s, &rfd, &wfd);
	return wfd;
}

int
tcpk_stream_local(const struct tcpk_stream *s, struct tcpk_addr *a)
{
	return tcpk_addr_local(a, socket_of(s));
}

int
tcpk_stream_peer(const struct tcpk_stream *s, struct tcpk_addr *a)
{
	return tcpk_addr_peer(a, socket_of(s));
}

const struct tcpk_err *
tcpk_stream_err(const struct tcpk_stream *s)
{
	static const struct tcpk_err	none;

	return s->err != NULL ? s->err : &none;
}

int
tcpk__stream_fail(struct tcpk_stream *s, enum tcpk_err_kind kind, int code,
    const char *fmt, ...)
{
	char	what[sizeof(s->err->text)];
	va_list	ap;

	if (s->err != NULL)
		return -1;
	s->err = malloc(sizeof(*s->err));
	if (s->err == NULL)
		return -1;
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return tcpk_err_errno(s->err, kind, code, "%s", what);
}

int
tcpk__stream_fail_as(struct tcpk_stream *s, const struct tcpk_err *err)
{
	if (s->err == NULL)
		s->err = malloc(sizeof(*s->err));
	if (s->err != NULL)
		*s->err = *err;
	return -1;
}

void
tcpk__stream_ready(struct tcpk_stream *s, unsigned ready)
{
	if (s->fn != NULL)
		s->fn(s->arg, ready);
}

void
tcpk_stream_failed(struct tcpk_stream *s, const char *verb, int code)
{
	tcpk__stream_fail(s, TCPK_ECUT, code, "%s", verb);
}

/* The watch's mark. */
#define HUNG_UP	1u	/* and nothing more to tell of it */
#define MADE	2u	/* the connection, for sure */
#define KEPT	4u	/* bytes that wait for the end */

struct sock_stream {
	struct tcpk_stream s;
	struct tcpk_watch  watch;
};

static ssize_t
sock_fail(struct tcpk_stream *s, const char *verb)
{
	/* EINPROGRESS: the first data of a connection that still opens. */
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINPROGRESS)
		return TCPK_AGAIN;
	return tcpk__stream_fail(s, TCPK_ECUT, errno, "%s", verb);
}

static ssize_t
sock_read(struct tcpk_stream *s, void *buf, size_t n)
{
	struct sock_stream	*ss = (struct sock_stream *)s;
	ssize_t			 got;

	do
		got = recv(ss->watch.fd, buf, n, MSG_DONTWAIT);
	while (got == -1 && errno == EINTR);
	/* Who has ended had begun. */
	if (got == 0 && n > 0)
		ss->watch.mark |= MADE;
	return got == -1 ? sock_fail(s, "read") : got;
}

static ssize_t
sock_send(struct tcpk_stream *s, const void *buf, size_t n, int flags)
{
	struct sock_stream	*ss = (struct sock_stream *)s;
	ssize_t			 put;

	flags |= MSG_DONTWAIT | MSG_NOSIGNAL;
	do
		put = send(ss->watch.fd, buf, n, flags);
	while (put == -1 && errno == EINTR);
	return put == -1 ? sock_fail(s, "write") : put;
}

static ssize_t
sock_write(struct tcpk_stream *s, const void *buf, size_t n)
{
	return sock_send(s, buf, n, 0);
}

static ssize_t
sock_write_last(struct tcpk_stream *s, const void *buf, size_t n)
{
	((struct sock_stream *)s)->watch.mark |= KEPT;
	return sock_send(s, buf, n, MSG_MORE);
}

static int
sock_finish(struct tcpk_stream *s)
{
	struct sock_stream	*ss = (struct sock_stream *)s;
	int			 code;

	ss->watch.mark &= ~KEPT;
	if (shutdown(ss->watch.fd, SHUT_WR) == 0)
		return 0;
	code = errno;
	/* A peer that ended both ways leaves nothing to shut down. */
	if (code == ENOTCONN &&
	    (code = tcpk_sock_broken(ss->watch.fd)) == 0)
		return 0;
	return tcpk__stream_fail(s, TCPK_ECUT, code, "half-close");
}

static int
sock_drained(struct tcpk_stream *s, uint64_t *left)
{
	struct sock_stream	*ss = (struct sock_stream *)s;
	int			 code;

	if ((ss->watch.mark & KEPT) != 0)
		tcpk_sock_push(ss->watch.fd);
	ss->watch.mark &= ~KEPT;
	code = tcpk_sock_drained(ss->watch.fd, (ss->watch.mark & MADE) != 0,
	    left);
	if (code != 0)
		return tcpk__stream_fail(s, TCPK_ECUT, code, "write");
	return *left == 0 ? 0 : TCPK_AGAIN;
}

static void
sock_ready(void *arg, unsigned ready)
{
	tcpk__stream_ready(arg, ready);
}

static void
sock_want(struct tcpk_stream *s, unsigned want)
{
	struct sock_stream	*ss = (struct sock_stream *)s;

	if ((ss->watch.mark & HUNG_UP) != 0)
		want &= ~TCPK_HUP;
	tcpk_watch_want(&ss->watch, want);
}

/*
 * A dead connection shows here when nobody reads or writes it.  The hang-up
 * of a Unix socket is its peer's plain close: the reading side sees that.
 */
static int
sock_hup(struct tcpk_stream *s)
{
	struct sock_stream	*ss = (struct sock_stream *)s;
	int			 code;

	code = tcpk_sock_broken(ss->watch.fd);
	if (code != 0)
		return tcpk__stream_fail(s, TCPK_ECUT, code, "write");
	ss->watch.mark |= HUNG_UP;
	tcpk_watch_want(&ss->watch, ss->watch.want & ~TCPK_HUP);
	return TCPK_AGAIN;
}

static void
sock_reset(struct tcpk_stream *s)
{
	struct sock_stream	*ss = (struct sock_stream *)s;

	tcpk_sock_reset_on_close(ss->watch.fd);
}

static void
sock_free(struct tcpk_stream *s)
{
	struct sock_stream	*ss = (struct sock_stream *)s;

	tcpk_watch_stop(&ss->watch);
	close(ss->watch.fd);
	free(ss);
}

static bool
sock_fds(const struct tcpk_stream *s, int *rfd, int *wfd)
{
	const struct sock_stream	*ss = (const struct sock_stream *)s;

	*rfd = *wfd = ss->watch.fd;
	return true;
}

static const struct tcpk__stream_ops	sock_ops = {
	.read = sock_read,
	.write = sock_write,
	.finish = sock_finish,
	.drained = sock_drained,
	.want = sock_want,
	.hup = sock_hup,
	.reset = sock_reset,
	.free = sock_free,
	.fds = sock_fds,
	.lingers = true,
	.write_last = sock_write_last
};

struct tcpk_stream *
tcpk_stream_socket(struct tcpk_loop *loop, int fd, struct tcpk_err *err)
{
	struct sock_stream	*ss = malloc(sizeof(*ss));	/* as connect's */

	if (ss == NULL) {
		tcpk_err_set(err, TCPK_EIO, "out of memory");
		return NULL;
	}
	*ss = (struct sock_stream){ .s.ops = &sock_ops };
	tcpk_watch_init(&ss->watch, loop, fd, sock_ready, ss);
	return &ss->s;
}

struct tcpk_stream *
tcpk_stream_watched(struct tcpk_watch *w, struct tcpk_err *err)
{
	struct tcpk_stream	*s = tcpk_stream_socket(w->loop, -1, err);
	struct sock_stream	*ss = (struct sock_stream *)s;

	if (s == NULL)
		return NULL;
	tcpk_watch_move(&ss->watch, w);
	ss->watch.mark |= MADE;
	return s;
}
