/* A system without splice(2) needs no pipes for it. */

#include "loop_impl.h"

void
tcpk__pipes_close(struct tcpk__pipes *p)
{
	(void)p;
}

struct tcpk_pipe *
tcpk_loop_pipe(struct tcpk_loop *loop)
{
	(void)loop;
	return NULL;
}

void
tcpk_loop_pipe_done(struct tcpk_loop *loop, struct tcpk_pipe *pipe,
    bool empty)
{
	(void)loop;
	(void)pipe;
	(void)empty;
}
