/* Connections: a byte each way, and the end. */

#include "load.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct conn {
	int		fd;
	unsigned char	sent;
	bool		answered;
};

static unsigned char
answer_to(unsigned char c)
{
	return (unsigned char)~c;
}

/* A byte for a byte, then the end. */
static void
answer(int fd)
{
	unsigned char	c;
	ssize_t		got = recv(fd, &c, 1, MSG_DONTWAIT);

	if (got == -1 && errno == EAGAIN)
		return;
	c = answer_to(c);
	/* One who broke off is missed at the other end. */
	if (got == 1 && send(fd, &c, 1, MSG_NOSIGNAL) == -1)
		perror("answer");
	close(fd);
}

static void
serve(int listener)
{
	struct epoll_event	evs[LOAD_EVENTS];
	int			ep = epoll_create1(0), i, k, fd;

	fcntl(listener, F_SETFL, O_NONBLOCK);
	load_watch(ep, listener, EPOLLIN, NULL);
	for (;;) {
		k = load_look(ep, evs);
		for (i = 0; i < k; i++) {
			if (evs[i].data.ptr != NULL) {
				answer((int)(intptr_t)evs[i].data.ptr);
				continue;
			}
			while ((fd = accept4(listener, NULL, NULL, 0)) != -1)
				load_watch(ep, fd, EPOLLIN,
				    (void *)(intptr_t)fd);
		}
	}
}

static void
begin(struct conn *c, int ep, const char *relay)
{
	static unsigned char	next;

	c->fd = load_dial(relay, false);
	c->sent = next++;
	c->answered = false;
	if (send(c->fd, &c->sent, 1, MSG_NOSIGNAL) != 1)
		load_die("send");
	load_watch(ep, c->fd, EPOLLIN, c);
}

/* Hear the byte and the end.  True when both were there. */
static bool
hear(struct conn *c, unsigned long long *done)
{
	unsigned char	said[2];
	ssize_t		got;

	while ((got = recv(c->fd, said, sizeof(said), MSG_DONTWAIT)) > 0) {
		if (c->answered || got > 1 || said[0] != answer_to(c->sent))
			load_wrong("a wrong answer");
		c->answered = true;
	}
	if (got == -1 && errno == EAGAIN)
		return false;
	if (got == -1)
		load_die("rate: recv");
	if (!c->answered)
		load_wrong("an end and no answer");
	close(c->fd);
	++*done;
	return true;
}

int
load_rate(char **args)
{
	struct epoll_event	 evs[LOAD_EVENTS];
	struct conn		*conns, *c;
	unsigned long long	 done = 0;
	uint64_t		 began, end, t;
	int			 ep, i, k, left, n = atoi(args[2]);
	pid_t			 pid;

	conns = load_allocate((size_t)n, sizeof(*conns));
	pid = load_other();
	if (pid == 0)
		serve(atoi(args[1]));
	ep = epoll_create1(0);
	began = t = load_now();
	end = load_until(args[3]);
	for (i = 0; i < n; i++)
		begin(&conns[i], ep, args[0]);
	for (left = n; left > 0; ) {
		k = load_look(ep, evs);
		for (i = 0; i < k; i++) {
			c = evs[i].data.ptr;
			if (!hear(c, &done))
				continue;
			t = load_now();
			if (t < end)
				begin(c, ep, args[0]);
			else
				left--;
		}
	}
	kill(pid, SIGKILL);
	wait(NULL);
	printf("%.1f %llu\n", (double)done / ((double)(t - began) / 1e9),
	    done);
	free(conns);
	return 0;
}
