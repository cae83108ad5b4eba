/*
 * sig: signals, turned into callbacks of the loop.  The handler's pointer is
 * the only static that a tool has.
 */
#ifndef SIG_H
#define SIG_H

#include <stdbool.h>

#include <tcpkit/loop.h>

/*
 * Before anything else: standard descriptors that are closed are taken by
 * /dev/null (input reads as its end, output fails at the first byte), so
 * that no socket can land on them; and SIGPIPE is ignored.  Returns whether
 * it was ignored already.
 */
bool	sig_prepare(void);

/*
 * SIGINT, SIGTERM and SIGHUP call fn from the loop (those that were ignored
 * when the tool started stay ignored), each at least once after it came.
 * -1: TCPK_EIO.
 */
int	sig_watch(struct tcpk_loop *, void (*fn)(void *arg, int signo),
	    void *arg, struct tcpk_err *);
void	sig_unwatch(void);

/* From now on these are called. */
void	sig_redirect(void (*fn)(void *arg, int signo), void *arg);

/* One more signal for the same callback: SIGUSR1, SIGCHLD, SIGWINCH. */
void	sig_also(int signo);

/* Die of a signal, as if it had not been caught. */
_Noreturn void sig_die(int signo);

#endif
