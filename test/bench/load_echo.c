/* Clients of an echo server. */

#include "load.h"

#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One who does not touch what comes looks at one piece in so many. */
#define LOOK	8

struct conn {
	int		fd;
	bool		writing;
	uint64_t	sent, got, sent_at;
};

static struct conn *
connect_all(const char *port, int n, int ep, uint32_t events)
{
	struct conn	*conns = load_allocate((size_t)n, sizeof(*conns));
	int		 i, on = 1;

	for (i = 0; i < n; i++) {
		conns[i].fd = load_dial(port, true);
		conns[i].writing = true;
		setsockopt(conns[i].fd, IPPROTO_TCP, TCP_NODELAY, &on,
		    sizeof(on));
		load_watch(ep, conns[i].fd, events, &conns[i]);
	}
	return conns;
}

static void
end_writing(struct conn *c, int ep)
{
	struct epoll_event	ev = { .events = EPOLLIN, .data.ptr = c };

	c->writing = false;
	if (shutdown(c->fd, SHUT_WR) == -1 ||
	    epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &ev) == -1)
		load_die("shutdown");
}

/*
 * Take what has come back, which is the next of what was sent.  0 at the end,
 * which is to come behind all of it.
 */
static ssize_t
take_back(struct conn *c, bool look)
{
	ssize_t	got;

	got = look ? recv(c->fd, load_buf, sizeof(load_buf), MSG_DONTWAIT) :
	    recv(c->fd, NULL, 1 << 20, MSG_DONTWAIT | MSG_TRUNC);
	if (got == -1 && errno == EAGAIN)
		return -1;
	if (got == -1)
		load_die("recv");
	if (got == 0 && (c->writing || c->got < c->sent))
		load_wrong("the echo ended too early");
	if (look && !load_same(load_buf, (size_t)got, c->got))
		load_wrong("the echo is another");
	c->got += (uint64_t)got;
	if (c->got > c->sent)
		load_wrong("the echo is longer");
	return got;
}

/* So that no message is like the one before, they are parts of a stream. */
static void
send_message(struct conn *c, uint64_t now)
{
	c->sent_at = now;
	if (send(c->fd, load_pattern + c->sent % LOAD_PERIOD, LOAD_MESSAGE,
	    MSG_NOSIGNAL) != LOAD_MESSAGE)
		load_die("send");
	c->sent += LOAD_MESSAGE;
}

int
load_messages(char **args)
{
	struct epoll_event	 evs[LOAD_EVENTS];
	int			 ep = epoll_create1(0), i, k, n, left;
	struct conn		*conns, *c;
	uint64_t		 began, end, t;
	ssize_t			 got;

	n = left = atoi(args[1]);
	conns = connect_all(args[0], n, ep, EPOLLIN);
	began = t = load_now();
	end = load_until(args[2]);
	for (i = 0; i < n; i++)
		send_message(&conns[i], load_now());
	while (left > 0) {
		k = load_look(ep, evs);
		for (i = 0; i < k; i++) {
			c = evs[i].data.ptr;
			if ((got = take_back(c, true)) == 0) {
				close(c->fd);
				left--;
			}
			if (got <= 0 || c->got < c->sent)
				continue;
			t = load_now();
			load_note(t - c->sent_at);
			if (t < end)
				send_message(c, t);
			else
				end_writing(c, ep);
		}
	}
	printf("%.1f %.3f %llu\n", (double)load_noted() /
	    ((double)(t - began) / 1e9), load_us_of(99),
	    (unsigned long long)load_noted());
	free(conns);
	return 0;
}

static void
pour(struct conn *c, uint64_t share, int ep, int file)
{
	size_t	n = LOAD_PIECE;
	ssize_t	put;

	if (n > share - c->sent)
		n = (size_t)(share - c->sent);
	put = load_put(c->fd, file, c->sent, n);
	if (put == -1 && errno != EAGAIN)
		load_die("send");
	if (put > 0)
		c->sent += (uint64_t)put;
	if (c->sent == share)
		end_writing(c, ep);
}

int
load_echo(char **args)
{
	struct epoll_event	 evs[LOAD_EVENTS];
	bool			 copy = strcmp(args[3], "copy") == 0;
	int			 file = copy ? -1 : load_file();
	int			 ep = epoll_create1(0), i, k, left;
	struct conn		*conns, *c;
	uint64_t		 began, share, pieces = 0;

	left = atoi(args[1]);
	share = (strtoull(args[2], NULL, 10) << 20) / (uint64_t)left;
	conns = connect_all(args[0], left, ep, EPOLLIN | EPOLLOUT);
	/* sendfile cannot be told in another way. */
	for (i = 0; i < left; i++)
		fcntl(conns[i].fd, F_SETFL, O_NONBLOCK);
	began = load_now();
	while (left > 0) {
		k = load_look(ep, evs);
		for (i = 0; i < k; i++) {
			c = evs[i].data.ptr;
			if (c->writing && (evs[i].events & EPOLLOUT) != 0)
				pour(c, share, ep, file);
			if ((evs[i].events & ~(uint32_t)EPOLLOUT) != 0 &&
			    take_back(c, copy || pieces++ % LOOK == 0) == 0) {
				close(c->fd);
				left--;
			}
		}
	}
	printf("%.6f\n", (double)(load_now() - began) / 1e9);
	free(conns);
	return 0;
}
