/* The stream over a program's standard input and output. */

#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <unistd.h>

#include "stream_impl.h"

struct program {
	struct tcpk__pair p;
	pid_t		  pid;		/* 0 once it is reaped */
	int		  status;
	bool		  cut;		/* end it by a signal */
};

static ssize_t
program_write(struct tcpk_stream *s, const void *buf, size_t n)
{
	struct program	*pr = (struct program *)s;
	ssize_t		 put;

	do
		put = write(pr->p.w.watch.fd, buf, n);
	while (put == -1 && errno == EINTR);
	if (put >= 0)
		return put;
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return TCPK_AGAIN;
	if (errno == EPIPE)
		return TCPK_GONE;
	return tcpk__stream_fail(s, TCPK_EPROGRAM, errno, "write to program");
}

static int
program_finish(struct tcpk_stream *s)
{
	struct program	*pr = (struct program *)s;

	tcpk_watch_stop(&pr->p.w.watch);
	pr->p.w.watch.fd = -1;
	if (pr->p.w.own != -1)
		close(pr->p.w.own);
	pr->p.w.own = -1;
	return 0;
}

static bool
reap(struct program *pr)
{
	pid_t	pid;

	if (pr->pid == 0)
		return true;
	do
		pid = waitpid(pr->pid, &pr->status, WNOHANG);
	while (pid == -1 && errno == EINTR);
	if (pid == 0)
		return false;
	if (pid == -1)
		pr->status = 0;		/* somebody else took its status */
	pr->pid = 0;
	return true;
}

static int
program_drained(struct tcpk_stream *s, uint64_t *left)
{
	struct program	*pr = (struct program *)s;

	*left = 1;
	if (!reap(pr))
		return TCPK_AGAIN;
	*left = 0;
	if (WIFSIGNALED(pr->status))
		return tcpk__stream_fail(s, TCPK_EPROGRAM, 0,
		    "killed by signal %d", WTERMSIG(pr->status));
	if (WEXITSTATUS(pr->status) != 0)
		return tcpk__stream_fail(s, TCPK_EPROGRAM, 0,
		    "exited with status %d", WEXITSTATUS(pr->status));
	return 0;
}

static int
program_hup(struct tcpk_stream *s)
{
	(void)s;
	return TCPK_GONE;
}

static void
program_reset(struct tcpk_stream *s)
{
	struct program	*pr = (struct program *)s;

	pr->cut = true;
}

static void
program_free(struct tcpk_stream *s)
{
	struct program	*pr = (struct program *)s;

	if (!reap(pr)) {
		if (pr->cut)
			kill(pr->pid, SIGTERM);
		tcpk_loop_orphan(pr->p.r.watch.loop, pr->pid);
	}
	tcpk__pair_stop(&pr->p);
	free(pr);
}

static const struct tcpk__stream_ops	program_ops = {
	.read = tcpk__pair_read,
	.write = program_write,
	.finish = program_finish,
	.drained = program_drained,
	.want = tcpk__pair_want,
	.hup = program_hup,
	.reset = program_reset,
	.free = program_free,
	.fds = tcpk__pair_fds,
	.couples = true
};

/*
 * A pipe whose ends are above the standard descriptors, so that moving the
 * program's ends to 0 and 1 cannot hit another.
 */
static int
make_pipe(int fds[2])
{
	int	i, high;

	if (pipe(fds) == -1)
		return -1;
	for (i = 0; i < 2; i++) {
		high = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);
		if (high == -1) {
			close(fds[0]);
			close(fds[1]);
			return -1;
		}
		close(fds[i]);
		fds[i] = high;
	}
	return 0;
}

static int
spawn(pid_t *pid, char *const argv[], char *const envp[], int in, int out)
{
	posix_spawn_file_actions_t	actions;
	posix_spawnattr_t		attr;
	sigset_t			defaults, none;
	int				code;

	if ((code = posix_spawn_file_actions_init(&actions)) != 0)
		return code;
	if ((code = posix_spawnattr_init(&attr)) != 0) {
		posix_spawn_file_actions_destroy(&actions);
		return code;
	}
	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr,
	    POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	if ((code = posix_spawn_file_actions_adddup2(&actions, in, 0)) == 0 &&
	    (code = posix_spawn_file_actions_adddup2(&actions, out, 1)) == 0)
		code = posix_spawnp(pid, argv[0], &actions, &attr, argv, envp);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return code;
}

static void
own_end(struct tcpk__end *e, int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	e->watch.fd = e->own = fd;
}

struct tcpk_stream *
tcpk_stream_program(struct tcpk_loop *loop, char *const argv[],
    char *const envp[], struct tcpk_err *err)
{
	int		 in[2], out[2], code;
	struct program	*pr = calloc(1, sizeof(*pr));

	if (pr == NULL) {
		tcpk_err_set(err, TCPK_EIO, "out of memory");
		return NULL;
	}
	if (make_pipe(in) == -1) {
		tcpk_err_errno(err, TCPK_EIO, errno, "pipe");
		goto err0;
	}
	if (make_pipe(out) == -1) {
		tcpk_err_errno(err, TCPK_EIO, errno, "pipe");
		goto err1;
	}
	code = spawn(&pr->pid, argv, envp, in[0], out[1]);
	if (code != 0) {
		tcpk_err_errno(err, TCPK_EPROGRAM, code, "run %.128s",
		    argv[0]);
		goto err2;
	}
	close(in[0]);
	close(out[1]);
	tcpk__pair_init(&pr->p, loop, &program_ops, TCPK_EPROGRAM);
	own_end(&pr->p.r, out[0]);
	own_end(&pr->p.w, in[1]);
	return &pr->p.s;
err2:
	close(out[0]);
	close(out[1]);
err1:
	close(in[0]);
	close(in[1]);
err0:
	free(pr);
	return NULL;
}
