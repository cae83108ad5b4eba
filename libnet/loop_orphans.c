/* Child processes that outlived what they were started for. */

#include <sys/wait.h>

#include <errno.h>
#include <stdlib.h>

#include "loop_impl.h"

void
tcpk_loop_orphan(struct tcpk_loop *loop, pid_t pid)
{
	struct tcpk__orphans	*o = tcpk__loop_orphans(loop);
	pid_t			*grown;

	if (o->n == o->room) {
		grown = reallocarray(o->pids, 2 * o->room + 8,
		    sizeof(*grown));
		/* Without memory it stays a zombie until we end. */
		if (grown == NULL)
			return;
		o->pids = grown;
		o->room = 2 * o->room + 8;
	}
	o->pids[o->n++] = pid;
}

size_t
tcpk_loop_reap(struct tcpk_loop *loop)
{
	struct tcpk__orphans	*o = tcpk__loop_orphans(loop);
	size_t			 i = 0;
	pid_t			 pid;

	while (i < o->n) {
		pid = waitpid(o->pids[i], NULL, WNOHANG);
		if (pid == 0 || (pid == -1 && errno == EINTR))
			i++;
		else
			o->pids[i] = o->pids[--o->n];
	}
	return o->n;
}
