/* Wake-ups of a loop from other threads and signal handlers: by a pipe. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "loop_impl.h"

void
tcpk__wakers_close(struct tcpk__wakers *ws)
{
	if (ws->fds[0] == -1)
		return;
	tcpk_watch_stop(&ws->watch);
	close(ws->fds[0]);
	close(ws->fds[1]);
}

static void
on_wake(void *arg, unsigned ready)
{
	struct tcpk__wakers	*ws = arg;
	struct tcpk_waker	*w;
	char			 buf[64];

	(void)ready;
	while (read(ws->fds[0], buf, sizeof(buf)) > 0)
		continue;
	/* A callback may stop any waker, so begin again after each. */
	for (w = ws->first; w != NULL;) {
		if (atomic_exchange(&w->woken, 0) == 0) {
			w = w->next;
			continue;
		}
		w->fn(w->arg);
		w = ws->first;
	}
}

static int
open_pipe(struct tcpk__wakers *ws, struct tcpk_loop *loop,
    struct tcpk_err *err)
{
	int	fds[2], i;

	if (pipe(fds) == -1)
		return tcpk_err_errno(err, TCPK_EIO, errno, "pipe");
	for (i = 0; i < 2; i++) {
		fcntl(fds[i], F_SETFD, FD_CLOEXEC);
		fcntl(fds[i], F_SETFL, O_NONBLOCK);
		ws->fds[i] = fds[i];
	}
	tcpk_watch_init(&ws->watch, loop, fds[0], on_wake, ws);
	tcpk_watch_want(&ws->watch, TCPK_READ);
	return 0;
}

int
tcpk_waker_init(struct tcpk_waker *w, struct tcpk_loop *loop,
    void (*fn)(void *), void *arg, struct tcpk_err *err)
{
	struct tcpk__wakers	*ws = tcpk__loop_wakers(loop);

	memset(w, 0, sizeof(*w));
	if (ws->fds[0] == -1 && open_pipe(ws, loop, err) == -1)
		return -1;
	w->fn = fn;
	w->arg = arg;
	w->loop = loop;
	w->next = ws->first;
	ws->first = w;
	return 0;
}

void
tcpk_waker_stop(struct tcpk_waker *w)
{
	struct tcpk_waker	**p;

	if (w->loop == NULL)
		return;
	for (p = &tcpk__loop_wakers(w->loop)->first; *p != w; p = &(*p)->next)
		continue;
	*p = w->next;
	w->loop = NULL;
}

void
tcpk_waker_wake(struct tcpk_waker *w)
{
	int	saved = errno;

	/* A full pipe is fine: then the loop wakes up anyway. */
	if (atomic_exchange(&w->woken, 1) == 0 &&
	    write(tcpk__loop_wakers(w->loop)->fds[1], "", 1) == -1)
		errno = saved;
	errno = saved;
}
