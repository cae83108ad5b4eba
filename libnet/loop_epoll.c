/* The loop over epoll(7): Linux. */

#include <sys/epoll.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "loop_impl.h"

#define BATCH	128

struct state {
	int			fd;
	struct epoll_event	events[BATCH];
};

static void *
epoll_open(struct tcpk_err *err)
{
	struct state	*s = malloc(sizeof(*s));

	if (s == NULL) {
		tcpk_err_set(err, TCPK_EIO, "out of memory");
		return NULL;
	}
	s->fd = epoll_create1(EPOLL_CLOEXEC);
	if (s->fd == -1) {
		tcpk_err_errno(err, TCPK_EIO, errno, "epoll_create1");
		free(s);
		return NULL;
	}
	return s;
}

static void
epoll_close(void *arg)
{
	struct state	*s = arg;

	close(s->fd);
	free(s);
}

static uint32_t
events(unsigned want)
{
	return ((want & TCPK_READ) != 0 ? EPOLLIN | EPOLLRDHUP : 0) |
	    ((want & TCPK_WRITE) != 0 ? EPOLLOUT : 0);
}

static int
epoll_set(void *arg, struct tcpk_watch *w, unsigned want)
{
	struct state		*s = arg;
	struct epoll_event	 ev = { 0 };
	int			 op;

	ev.events = events(want);
	ev.data.ptr = w;
	/* TCPK_HUP comes unasked. */
	if (want != 0 && w->set != 0 && w->set != TCPK__MOVED &&
	    events(w->set) == ev.events)
		return 0;
	op = want == 0 ? EPOLL_CTL_DEL :
	    w->set == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
	if (epoll_ctl(s->fd, op, w->fd, &ev) == 0)
		return 0;
	/* Regular files and some devices: EPERM means always ready. */
	return errno == EPERM ? 1 : -1;
}

static int
epoll_wait_ready(void *arg, int ms)
{
	struct state	*s = arg;
	unsigned	 ready;
	int		 i, n;

	n = epoll_wait(s->fd, s->events, BATCH, ms);
	if (n == -1)
		return errno == EINTR ? 0 : -1;
	for (i = 0; i < n; i++) {
		ready = 0;
		if ((s->events[i].events & EPOLLIN) != 0)
			ready |= TCPK_READ;
		if ((s->events[i].events & EPOLLOUT) != 0)
			ready |= TCPK_WRITE;
		if ((s->events[i].events & EPOLLRDHUP) != 0)
			ready |= TCPK_END;
		if ((s->events[i].events & (EPOLLERR | EPOLLHUP)) != 0)
			ready |= TCPK_READ | TCPK_WRITE | TCPK_HUP;
		tcpk__loop_ready(s->events[i].data.ptr, ready);
	}
	return 0;
}

static const struct tcpk__backend	backend_epoll = {
	"epoll", epoll_open, epoll_close, epoll_set, NULL, epoll_wait_ready
};

const struct tcpk__backend *const	tcpk__backend_native = &backend_epoll;
