/* Connections through a relay: one that talks, and many that do not. */

#include "load.h"

#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Send a part of the stream at one end, and take the same at the other. */
static void
pass(int from, int to, size_t n, uint64_t at)
{
	if (send(from, load_pattern + at % LOAD_PERIOD, n, MSG_NOSIGNAL) !=
	    (ssize_t)n)
		load_die("send");
	if (recv(to, load_buf, n, MSG_WAITALL) != (ssize_t)n)
		load_wrong("ended too early");
	if (!load_same(load_buf, n, at))
		load_wrong("what came is another");
}

/* Both ends of one more connection, which works. */
static void
join(const char *relay, int listener, int fds[2])
{
	fds[0] = load_dial(relay, false);
	/* TLS between two relays may ask for it first. */
	if (send(fds[0], load_pattern, 1, MSG_NOSIGNAL) != 1)
		load_die("send");
	fds[1] = load_take(listener);
	if (recv(fds[1], load_buf, 1, MSG_WAITALL) != 1 ||
	    !load_same(load_buf, 1, 0))
		load_wrong("a new connection does not work");
	pass(fds[1], fds[0], 1, 1);
}

static void
join_many(const char *relay, int listener, int n)
{
	int	fds[2], i;

	for (i = 0; i < n; i++)
		join(relay, listener, fds);
}

static void
answer(int fd)
{
	ssize_t	got;

	while ((got = recv(fd, load_buf, LOAD_MESSAGE, MSG_WAITALL)) ==
	    LOAD_MESSAGE)
		if (send(fd, load_buf, LOAD_MESSAGE, MSG_NOSIGNAL) !=
		    LOAD_MESSAGE)
			load_die("answer: send");
	_exit(0);
}

int
load_ping(char **args)
{
	uint64_t	at = 0, end, t;
	int		fds[2], k, on = 1;
	pid_t		pid;

	join(args[0], atoi(args[1]), fds);
	for (k = 0; k < 2; k++)
		setsockopt(fds[k], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	pid = load_other();
	if (pid == 0) {
		close(fds[0]);
		answer(fds[1]);
	}
	close(fds[1]);
	for (end = load_until(args[2]); (t = load_now()) < end;
	    at += LOAD_MESSAGE) {
		pass(fds[0], fds[0], LOAD_MESSAGE, at);
		load_note(load_now() - t);
	}
	/* Nothing may be behind the last one. */
	shutdown(fds[0], SHUT_WR);
	if (recv(fds[0], load_buf, 1, 0) != 0)
		load_wrong("too much came");
	printf("%.3f %.3f %llu\n", load_us_of(50), load_us_of(99),
	    (unsigned long long)load_noted());
	kill(pid, SIGKILL);
	return 0;
}

int
load_hold(char **args)
{
	int	i;

	for (i = 2; i < 4; i++) {
		join_many(args[0], atoi(args[1]), atoi(args[i]));
		printf("held\n");
		fflush(stdout);
		if (getchar() == EOF)
			return 1;
	}
	return 0;
}
