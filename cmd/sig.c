#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sig.h"

/* In the order in which they are told. */
static const int	known[] = {
	SIGCHLD, SIGWINCH, SIGUSR1, SIGHUP, SIGINT, SIGTERM
};

#define NKNOWN	(sizeof(known) / sizeof(known[0]))

static struct {
	struct tcpk_waker waker;
	bool		  watching;
	volatile sig_atomic_t came[NKNOWN];
	void		(*fn)(void *, int);
	void		 *arg;
} state;

bool
sig_prepare(void)
{
	struct sigaction	ignore = { .sa_handler = SIG_IGN }, old;
	int			fd, i;

	/* Each open takes the lowest free number, so the order matters. */
	for (i = 0; i < 3; i++) {
		if (fcntl(i, F_GETFD) != -1)
			continue;
		fd = open("/dev/null", i == STDERR_FILENO ? O_WRONLY :
		    O_RDONLY);
		if (fd == -1 || fd != i)
			_exit(7);
	}
	sigaction(SIGPIPE, &ignore, &old);
	return old.sa_handler == SIG_IGN;
}

static void
on_signal(int signo)
{
	size_t	i;

	for (i = 0; i < NKNOWN; i++)
		if (known[i] == signo)
			state.came[i] = 1;
	if (state.watching)
		tcpk_waker_wake(&state.waker);
}

static void
on_wake(void *arg)
{
	size_t	i;

	(void)arg;
	for (i = 0; i < NKNOWN; i++) {
		if (!state.came[i] || !state.watching)
			continue;
		state.came[i] = 0;
		state.fn(state.arg, known[i]);
	}
}

void
sig_also(int signo)
{
	struct sigaction	sa = { .sa_handler = on_signal }, old;

	sa.sa_flags = SA_RESTART;
	sigaction(signo, NULL, &old);
	if (old.sa_handler != SIG_IGN || signo == SIGCHLD)
		sigaction(signo, &sa, NULL);
}

int
sig_watch(struct tcpk_loop *loop, void (*fn)(void *, int), void *arg,
    struct tcpk_err *err)
{
	if (tcpk_waker_init(&state.waker, loop, on_wake, NULL, err) == -1)
		return -1;
	state.fn = fn;
	state.arg = arg;
	state.watching = true;
	sig_also(SIGINT);
	sig_also(SIGTERM);
	sig_also(SIGHUP);
	return 0;
}

void
sig_redirect(void (*fn)(void *, int), void *arg)
{
	state.fn = fn;
	state.arg = arg;
}

void
sig_unwatch(void)
{
	if (!state.watching)
		return;
	state.watching = false;
	tcpk_waker_stop(&state.waker);
}

void
sig_die(int signo)
{
	struct sigaction	sa = { .sa_handler = SIG_DFL };
	sigset_t		set;

	sigaction(signo, &sa, NULL);
	sigemptyset(&set);
	sigaddset(&set, signo);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(signo);
	_exit(128 + signo);
}
