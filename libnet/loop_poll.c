/* The loop over poll(2): everywhere. */

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "loop_impl.h"

struct state {
	struct pollfd	   *fds;
	struct tcpk_watch **watches;	/* of the same index */
	size_t		    n, room;
};

static void *
poll_open(struct tcpk_err *err)
{
	struct state	*s = calloc(1, sizeof(*s));

	if (s == NULL)
		tcpk_err_set(err, TCPK_EIO, "out of memory");
	return s;
}

static void
poll_close(void *arg)
{
	struct state	*s = arg;

	free(s->fds);
	free(s->watches);
	free(s);
}

static int
grow(struct state *s)
{
	struct tcpk_watch **watches;
	struct pollfd	   *fds;
	size_t		    room = s->room == 0 ? 16 : 2 * s->room;

	fds = reallocarray(s->fds, room, sizeof(*fds));
	if (fds == NULL)
		return -1;
	s->fds = fds;
	watches = reallocarray(s->watches, room, sizeof(*watches));
	if (watches == NULL)
		return -1;
	s->watches = watches;
	s->room = room;
	return 0;
}

static int
poll_set(void *arg, struct tcpk_watch *w, unsigned want)
{
	struct state	*s = arg;

	if (want == 0) {
		if (w->slot == -1)
			return 0;
		s->n--;
		s->fds[w->slot] = s->fds[s->n];
		s->watches[w->slot] = s->watches[s->n];
		s->watches[w->slot]->slot = w->slot;
		w->slot = -1;
		return 0;
	}
	if (w->slot == -1) {
		if (s->n == s->room && grow(s) == -1)
			return -1;
		w->slot = (int)s->n++;
		s->watches[w->slot] = w;
		s->fds[w->slot].fd = w->fd;
		s->fds[w->slot].revents = 0;
	}
	s->fds[w->slot].events =
	    (short)(((want & TCPK_READ) != 0 ? POLLIN : 0) |
	    ((want & TCPK_WRITE) != 0 ? POLLOUT : 0));
	return 0;
}

static void
poll_moved(void *arg, struct tcpk_watch *w)
{
	struct state	*s = arg;

	if (w->slot != -1)
		s->watches[w->slot] = w;
}

static int
poll_wait(void *arg, int ms)
{
	struct state	*s = arg;
	unsigned	 ready;
	size_t		 i;
	int		 left;

	left = poll(s->fds, s->n, ms);
	if (left == -1)
		return errno == EINTR ? 0 : -1;
	/* Nothing is added or removed here: callbacks run later. */
	for (i = 0; i < s->n && left > 0; i++) {
		if (s->fds[i].revents == 0)
			continue;
		left--;
		ready = 0;
		if ((s->fds[i].revents & POLLIN) != 0)
			ready |= TCPK_READ;
		if ((s->fds[i].revents & POLLOUT) != 0)
			ready |= TCPK_WRITE;
		if ((s->fds[i].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0)
			ready = TCPK_READ | TCPK_WRITE | TCPK_HUP;
		tcpk__loop_ready(s->watches[i], ready);
	}
	return 0;
}

const struct tcpk__backend	tcpk__backend_poll = {
	"poll", poll_open, poll_close, poll_set, poll_moved, poll_wait
};
