/*
 * Clients of a listener whose PROXY header is awaited: each by itself, under a
 * time limit.  Not a byte behind the header is taken.
 */

#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "serve_impl.h"
#include "tcpkit/proxyproto.h"

struct tcpk__hearing {
	struct tcpk__pending	 pending;	/* first */
	struct tcpk_loop	*loop;
	struct tcpk_watch	 watch;
	struct tcpk__who	 who;
	unsigned char		*seen;	/* of a header that comes in pieces */
	size_t			 nseen;
	tcpk__hear_fn		*fn;
	void			*arg;
};

static void
release(struct tcpk__hearing *h)
{
	tcpk_watch_stop(&h->watch);
	free(h->seen);
	free(h);
}

/* The callee may free all the others. */
static void
finish(struct tcpk__hearing *h, const struct tcpk_err *err)
{
	struct tcpk__who	 who = h->who;
	tcpk__hear_fn		*fn = h->fn;
	void			*arg = h->arg;
	int			 fd = h->watch.fd;

	tcpk__pending_stop(&h->pending);
	release(h);
	fn(arg, fd, &who, err);
}

static void
on_late(struct tcpk__pending *p)
{
	struct tcpk__hearing	*h = (struct tcpk__hearing *)p;
	struct tcpk_err		 err;

	tcpk__pending_err(p, "PROXY header: it was not there",
	    "PROXY headers are awaited", &err);
	finish(h, &err);
}

/* Take these bytes, which are there. */
static int
take(int fd, unsigned char *buf, size_t n)
{
	ssize_t	got;

	for (; n > 0; n -= (size_t)got) {
		got = recv(fd, buf, n, 0);
		if (got <= 0)
			return -1;
	}
	return 0;
}

static int
keep(struct tcpk__hearing *h, const unsigned char *all, size_t n)
{
	unsigned char	*more = realloc(h->seen, n);

	if (more == NULL)
		return -1;
	memcpy(more + h->nseen, all + h->nseen, n - h->nseen);
	h->seen = more;
	h->nseen = n;
	return 0;
}

static void
end(struct tcpk__hearing *h, ssize_t got, int code)
{
	struct tcpk_err	err;

	if (got == 0)
		tcpk_err_set(&err, TCPK_ECUT, "PROXY header: the connection "
		    "ended %s it", h->nseen == 0 ? "before" : "within");
	else
		tcpk_err_errno(&err, TCPK_ECUT, code, "PROXY header");
	finish(h, &err);
}

/* It is looked at before it is taken, to know where it ends. */
static void
on_ready(void *arg, unsigned ready)
{
	struct tcpk__hearing	*h = arg;
	struct tcpk_proxyproto	 p;
	struct tcpk_err		 err;
	unsigned char		*buf = tcpk_loop_scratch(h->loop);
	ssize_t			 got, len;
	size_t			 n;

	(void)ready;
	if (h->nseen > 0)
		memcpy(buf, h->seen, h->nseen);
	got = recv(h->watch.fd, buf + h->nseen,
	    TCPK_PROXYPROTO_MAX - h->nseen, MSG_PEEK);
	if (got == -1 && (errno == EAGAIN || errno == EWOULDBLOCK ||
	    errno == EINTR))
		return;
	if (got <= 0) {
		end(h, got, errno);
		return;
	}
	n = h->nseen + (size_t)got;
	len = tcpk_proxyproto_parse(&p, buf, n, &err);
	if (len == -1) {
		finish(h, &err);
		return;
	}
	if (len > 0)
		n = (size_t)len;
	if (take(h->watch.fd, buf + h->nseen, n - h->nseen) == -1 ||
	    (len == 0 && keep(h, buf, n) == -1)) {
		end(h, -1, errno);
		return;
	}
	if (len == 0)
		return;
	if (p.from.len != 0) {
		h->who.via = h->who.peer;
		h->who.peer = p.from;
		h->who.to = p.to;
	}
	finish(h, NULL);
}

int
tcpk__hear_start(struct tcpk__pendings *all, struct tcpk_loop *loop, int fd,
    uint64_t limit, const struct tcpk__who *who, tcpk__hear_fn *fn,
    void *arg, struct tcpk_err *err)
{
	struct tcpk__hearing	*h = calloc(1, sizeof(*h));

	if (h == NULL)
		return tcpk_err_set(err, TCPK_EIO, "out of memory");
	h->loop = loop;
	h->who = *who;
	h->fn = fn;
	h->arg = arg;
	if (tcpk__pending_start(&h->pending, all, loop, limit, on_late,
	    err) == -1) {
		free(h);
		return -1;
	}
	tcpk_watch_init(&h->watch, loop, fd, on_ready, h);
	tcpk_watch_want(&h->watch, TCPK_READ);
	return 0;
}

void
tcpk__hearings_free(struct tcpk__pendings *all)
{
	struct tcpk__hearing	*h;
	int			 fd;

	while ((h = (struct tcpk__hearing *)all->first) != NULL) {
		tcpk__pending_stop(&h->pending);
		fd = h->watch.fd;
		release(h);
		close(fd);
	}
}
