/*
 * Pipes for moving bytes inside the kernel: a few are kept for a moment after
 * their use, for the next who needs one.
 */

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "loop_impl.h"

/* In use at once, by those who wait for a slow reader; and kept. */
#define MOST	64
#define KEPT	8

/* How long one is kept. */
#define KEEP	(TCPK_SECOND / 2)

/* A smaller one gains nothing over copying. */
#define LEAST	(256 * 1024)

static void
discard(struct tcpk__pipes *p, struct tcpk_pipe *pipe)
{
	close(pipe->fds[0]);
	close(pipe->fds[1]);
	free(pipe);
	p->n--;
}

void
tcpk__pipes_close(struct tcpk__pipes *p)
{
	struct tcpk_pipe	*pipe;

	while ((pipe = p->kept) != NULL) {
		p->kept = pipe->next;
		discard(p, pipe);
	}
	p->nkept = 0;
	tcpk_timer_stop(&p->timer);
}

static void
on_timer(void *arg)
{
	tcpk__pipes_close(arg);
}

static struct tcpk_pipe *
make(struct tcpk__pipes *p)
{
	struct tcpk_pipe	*pipe = malloc(sizeof(*pipe));

	if (pipe == NULL)
		return NULL;
	if (pipe2(pipe->fds, O_CLOEXEC | O_NONBLOCK) == -1) {
		free(pipe);
		return NULL;
	}
	p->n++;
	/* A user gets so many large ones, and then small ones. */
	if (fcntl(pipe->fds[1], F_SETPIPE_SZ, TCPK_PIPE) >= LEAST)
		return pipe;
	discard(p, pipe);
	return NULL;
}

struct tcpk_pipe *
tcpk_loop_pipe(struct tcpk_loop *loop)
{
	struct tcpk__pipes	*p = tcpk__loop_pipes(loop);
	struct tcpk_pipe	*pipe = p->kept;

	if (pipe == NULL) {
		if (p->n == MOST || tcpk_loop_now(loop) < p->not_before)
			return NULL;
		pipe = make(p);
		/* The user's share is used up: not to be asked for each piece. */
		if (pipe == NULL)
			p->not_before = tcpk_loop_now(loop) + KEEP;
		return pipe;
	}
	p->kept = pipe->next;
	p->nkept--;
	return pipe;
}

void
tcpk_loop_pipe_done(struct tcpk_loop *loop, struct tcpk_pipe *pipe,
    bool empty)
{
	struct tcpk__pipes	*p = tcpk__loop_pipes(loop);

	if (p->timer.fn == NULL)
		tcpk_timer_init(&p->timer, loop, on_timer, p);
	if (!empty || p->nkept == KEPT ||
	    (p->timer.at == 0 && tcpk_timer_set(&p->timer,
	    tcpk_loop_now(loop) + KEEP) == -1)) {
		discard(p, pipe);
		return;
	}
	pipe->next = p->kept;
	p->kept = pipe;
	p->nkept++;
}
