/*
 * Worker processes over the same listeners.  The parent accepts nobody: it
 * says to each worker, through a pipe of its own, what signals said to it,
 * and puts another in the place of one that died.  A worker whose pipe ends
 * has lost its parent, and stops.
 */

#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server_impl.h"
#include "server_system.h"
#include "sig.h"

/* Who lived shorter than this is not replaced at once. */
#define SHORT_LIFE	TCPK_SECOND

/* How long a worker may take to leave when its time is over. */
#define GRACE		(2 * TCPK_SECOND)

/* What the parent says. */
#define DRAIN		'T'
#define RELOAD		'H'
#define CUT		'K'

struct worker {
	pid_t		pid;		/* 0: there is none */
	int		pipe;
	uint64_t	since;
};

struct workers {
	struct server	*s;
	struct worker	*w;
	struct tcpk_timer again, limit;
	unsigned	 running;
};

/* --- in a worker ------------------------------------------------------------ */

static void
on_control(void *arg, unsigned ready)
{
	struct server	*s = arg;
	char		 word = DRAIN;
	ssize_t		 n;

	(void)ready;
	n = read(s->control.fd, &word, 1);
	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n == 1 && word == RELOAD) {
		server_reload(s);
		return;
	}
	if (n == 1 && word == CUT) {
		s->stopping = true;
		server_cut_all(s);
		server_end(s, 0);
		return;
	}
	if (n <= 0)
		tcpk_watch_want(&s->control, 0);
	server_stop(s, 0);
}

void
server_listen_to_parent(struct server *s)
{
	tcpk_watch_init(&s->control, s->loop, s->control.fd, on_control, s);
	tcpk_watch_want(&s->control, TCPK_READ);
}

/* --- in the parent ----------------------------------------------------------- */

static void
say_all(struct workers *ws, char word)
{
	unsigned	i;

	for (i = 0; i < ws->s->o.workers; i++)
		if (ws->w[i].pid != 0 &&
		    write(ws->w[i].pipe, &word, 1) == -1)
			errno = 0;	/* it has died: SIGCHLD tells */
}

static void
kill_all(struct workers *ws)
{
	unsigned	i;

	for (i = 0; i < ws->s->o.workers; i++)
		if (ws->w[i].pid != 0)
			kill(ws->w[i].pid, SIGKILL);
}

/* The child does not return from here. */
static int
fork_one(struct workers *ws, unsigned i, struct tcpk_err *err)
{
	static const int	ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGUSR1 };
	struct worker		*w = &ws->w[i];
	int			 fds[2];
	size_t			 j;

	if (pipe(fds) == -1)
		return tcpk_err_errno(err, TCPK_EIO, errno, "pipe");
	fcntl(fds[0], F_SETFD, FD_CLOEXEC);
	fcntl(fds[1], F_SETFD, FD_CLOEXEC);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	w->pid = fork();
	if (w->pid == -1) {
		w->pid = 0;
		close(fds[0]);
		close(fds[1]);
		return tcpk_err_errno(err, TCPK_EIO, errno, "fork");
	}
	if (w->pid != 0) {
		close(fds[0]);
		w->pipe = fds[1];
		w->since = tcpk_now();
		ws->running++;
		return 0;
	}
	close(fds[1]);
	for (j = 0; j < ws->s->o.workers; j++)
		if (j != i && ws->w[j].pid != 0)
			close(ws->w[j].pipe);
	/* Who tells all of us at once has told the parent, which passes on
	 * what counts. */
	for (j = 0; j < sizeof(ignored) / sizeof(ignored[0]); j++)
		signal(ignored[j], SIG_IGN);
	/* What was the parent's is left to it: nothing is to be freed. */
	_exit(server_work(ws->s, i, fds[0]));
}

static void
fork_missing(struct workers *ws)
{
	struct msg_fields	f = { .event = "error" };
	struct tcpk_err		err;
	unsigned		i;

	for (i = 0; i < ws->s->o.workers; i++)
		if (ws->w[i].pid == 0 && fork_one(ws, i, &err) == -1) {
			msg_err(ws->s->o.msg, MSG_ERROR, &f, &err);
			tcpk_timer_set(&ws->again, tcpk_now() + TCPK_SECOND);
			return;
		}
}

static void
on_again(void *arg)
{
	struct workers	*ws = arg;

	if (!ws->s->stopping)
		fork_missing(ws);
}

static void
say_died(const struct workers *ws, unsigned i, int status)
{
	struct msg_fields	f = { .event = "worker-died" };

	if (WIFSIGNALED(status))
		msg(ws->s->o.msg, MSG_WARNING, &f, "worker %u was killed by "
		    "signal %d; another takes its place", i + 1,
		    WTERMSIG(status));
	else
		msg(ws->s->o.msg, MSG_WARNING, &f, "worker %u left with "
		    "status %d; another takes its place", i + 1,
		    WEXITSTATUS(status));
}

static void
forget(struct workers *ws, unsigned i)
{
	struct server	*s = ws->s;
	size_t		 j;

	close(ws->w[i].pipe);
	ws->w[i].pid = 0;
	ws->running--;
	s->counters[i].now = 0;
	for (j = 0; j < s->n; j++)
		if (s->listeners[j]->limits != NULL)
			tcpk_limits_forget(s->listeners[j]->limits, i);
}

static void
on_child(struct workers *ws)
{
	struct server	*s = ws->s;
	uint64_t	 lived = TCPK_FOREVER;
	unsigned	 i;
	int		 status;

	for (i = 0; i < s->o.workers; i++) {
		if (ws->w[i].pid == 0 ||
		    waitpid(ws->w[i].pid, &status, WNOHANG) <= 0)
			continue;
		forget(ws, i);
		if (s->stopping)
			continue;
		say_died(ws, i, status);
		lived = tcpk_now() - ws->w[i].since;
	}
	if (s->stopping && ws->running == 0)
		server_end(s, 0);
	else if (!s->stopping && lived != TCPK_FOREVER)
		tcpk_timer_set(&ws->again, tcpk_now() +
		    (lived < SHORT_LIFE ? SHORT_LIFE : 0));
}

static void
on_limit(void *arg)
{
	kill_all(arg);
}

static void
drain(struct workers *ws)
{
	struct server	*s = ws->s;
	size_t		 i;

	s->stopping = true;
	server_notify("STOPPING=1");
	for (i = 0; i < s->n; i++)
		tcpk_serve_stop(s->listeners[i]->serve);
	say_all(ws, DRAIN);
	tcpk_timer_set(&ws->limit, tcpk_now() + s->o.drain_timeout + GRACE);
	if (ws->running == 0)
		server_end(s, 0);
}

/*
 * At once, with this status.  They cut their clients themselves: one of a
 * process that is killed would take the kernel's FIN for a clean end.
 */
static void
cut(struct workers *ws, int status)
{
	struct server	*s = ws->s;

	s->stopping = true;
	if (s->status == 0)
		s->status = status;
	say_all(ws, CUT);
	tcpk_timer_set(&ws->limit, tcpk_now() + GRACE);
	if (ws->running == 0)
		server_end(s, status);
}

static void
on_signal(void *arg, int signo)
{
	struct workers	*ws = arg;
	struct server	*s = ws->s;

	switch (signo) {
	case SIGCHLD:
		on_child(ws);
		return;
	case SIGUSR1:
		server_say_statistics(s);
		return;
	case SIGHUP:
		/* What we could not read, none of them is to try. */
		if (server_can_reload(s)) {
			if (!s->stopping && server_reload(s) == 0)
				say_all(ws, RELOAD);
			return;
		}
		break;
	default:
		if (!s->stopping) {
			drain(ws);
			return;
		}
	}
	if (s->status == 0) {
		cut(ws, 128 + signo);
		return;
	}
	kill_all(ws);
	server_end(s, s->status);
}

static void
on_deadline(void *arg)
{
	struct workers		*ws = arg;
	struct msg_fields	 f = { .event = "timeout" };

	if (ws->s->stopping)
		return;
	msg(ws->s->o.msg, MSG_ERROR, &f, "deadline reached");
	cut(ws, 4);
}

int
server_workers(struct server *s)
{
	struct workers	ws = { .s = s };
	struct tcpk_timer deadline;
	struct tcpk_err	err;
	size_t		i;

	ws.w = calloc(s->o.workers, sizeof(*ws.w));
	if (ws.w == NULL) {
		tcpk_err_set(&err, TCPK_EIO, "out of memory");
		server_fail(s, "error", &err);
		return s->status;
	}
	for (i = 0; i < s->n; i++)
		tcpk_serve_pause(s->listeners[i]->serve);
	tcpk_timer_stop(&s->limit);
	tcpk_timer_init(&deadline, s->loop, on_deadline, &ws);
	tcpk_timer_init(&ws.again, s->loop, on_again, &ws);
	tcpk_timer_init(&ws.limit, s->loop, on_limit, &ws);
	if (s->o.deadline != 0)
		tcpk_timer_set(&deadline, s->started + s->o.deadline);
	sig_redirect(on_signal, &ws);
	fork_missing(&ws);
	if (tcpk_loop_run(s->loop, &err) == -1)
		server_fail(s, "error", &err);
	kill_all(&ws);
	sig_unwatch();
	tcpk_timer_stop(&ws.again);
	tcpk_timer_stop(&ws.limit);
	tcpk_timer_stop(&deadline);
	for (i = 0; i < s->n; i++)
		server_retire(s->listeners[i]);
	free(s->listeners);
	tcpk_loop_free(s->loop);
	free(ws.w);
	return s->status;
}
