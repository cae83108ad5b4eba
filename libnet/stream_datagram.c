/*
 * The stream over a connected UDP socket.  Datagrams may be lost, doubled and
 * put in another order on their way, and a stream of them hides nothing of
 * that; what it adds is an end of our own and the peer's refusal.
 */

#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "stream_impl.h"
#include "tcpkit/sock.h"

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL	0	/* datagrams raise no SIGPIPE anyway */
#endif

/*
 * The largest there is over IPv4: 65,535 bytes less 20 of its header and 8 of
 * UDP's.  IPv6 would carry 20 more, but a piece of input that is cut in one
 * place or another by the family that happened to answer helps nobody.
 */
#define LARGEST		65507

/* Empty ones passed over in one read; more of them wait for the next. */
#define TRIES		64

struct datagram {
	struct tcpk_stream s;
	struct tcpk_watch  watch;
};

/*
 * The kernel tells an ICMP error once, before what came in earlier: that is
 * read first, and the stream keeps the error until nothing is left.
 */
static ssize_t
dgram_read(struct tcpk_stream *s, void *buf, size_t n)
{
	struct datagram	*d = (struct datagram *)s;
	ssize_t		 got;
	int		 i;

	for (i = 0; i < TRIES; i++) {
		got = recv(d->watch.fd, buf, n, MSG_DONTWAIT);
		if (got > 0)
			return got;
		if (got == 0 || errno == EINTR)
			continue;
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			return s->err != NULL ? -1 : TCPK_AGAIN;
		tcpk__stream_fail(s, TCPK_ECUT, errno, "read");
		if (s->err == NULL)
			return -1;
	}
	return TCPK_AGAIN;
}

static ssize_t
dgram_write(struct tcpk_stream *s, const void *buf, size_t n)
{
	struct datagram	*d = (struct datagram *)s;
	ssize_t		 put;

	if (s->err != NULL)
		return -1;
	if (n > LARGEST)
		n = LARGEST;
	do
		put = send(d->watch.fd, buf, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (put == -1 && errno == EINTR);
	/*
	 * An interface whose queue is full throws it away and has no event
	 * for when there is room: lost on its way, as any may be.
	 */
	if (put == -1 && errno == ENOBUFS)
		return (ssize_t)n;
	if (put != -1)
		return put;
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return TCPK_AGAIN;
	return tcpk__stream_fail(s, TCPK_ECUT, errno, "write");
}

static int
dgram_finish(struct tcpk_stream *s)
{
	return s->err != NULL ? -1 : 0;
}

/* Nothing acknowledges a datagram: all there is to know is that it left. */
static int
dgram_drained(struct tcpk_stream *s, uint64_t *left)
{
	struct datagram	*d = (struct datagram *)s;

	*left = tcpk_sock_unsent(d->watch.fd);
	if (s->err != NULL)
		return -1;
	return *left == 0 ? 0 : TCPK_AGAIN;
}

static void
dgram_ready(void *arg, unsigned ready)
{
	tcpk__stream_ready(arg, ready);
}

static void
dgram_want(struct tcpk_stream *s, unsigned want)
{
	struct datagram	*d = (struct datagram *)s;

	tcpk_watch_want(&d->watch, want);
}

static int
dgram_hup(struct tcpk_stream *s)
{
	struct datagram	*d = (struct datagram *)s;
	int		 code;

	if (s->err != NULL)
		return -1;
	code = tcpk_sock_error(d->watch.fd);
	if (code != 0)
		return tcpk__stream_fail(s, TCPK_ECUT, code, "write");
	return TCPK_AGAIN;
}

static void
dgram_reset(struct tcpk_stream *s)
{
	(void)s;
}

static void
dgram_free(struct tcpk_stream *s)
{
	struct datagram	*d = (struct datagram *)s;

	tcpk_watch_stop(&d->watch);
	close(d->watch.fd);
	free(d);
}

/* The socket has its addresses, but bytes moved there would be cut anyhow. */
static bool
dgram_fds(const struct tcpk_stream *s, int *rfd, int *wfd)
{
	const struct datagram	*d = (const struct datagram *)s;

	*rfd = *wfd = d->watch.fd;
	return false;
}

static const struct tcpk__stream_ops	dgram_ops = {
	.read = dgram_read,
	.write = dgram_write,
	.finish = dgram_finish,
	.drained = dgram_drained,
	.want = dgram_want,
	.hup = dgram_hup,
	.reset = dgram_reset,
	.free = dgram_free,
	.fds = dgram_fds,
	.whole = true
};

struct tcpk_stream *
tcpk_stream_datagram(struct tcpk_loop *loop, int fd, struct tcpk_err *err)
{
	struct datagram	*d = calloc(1, sizeof(*d));

	if (d == NULL) {
		tcpk_err_set(err, TCPK_EIO, "out of memory");
		return NULL;
	}
	d->s.ops = &dgram_ops;
	tcpk_watch_init(&d->watch, loop, fd, dgram_ready, d);
	return &d->s;
}
