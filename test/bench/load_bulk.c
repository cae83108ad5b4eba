/* As much as goes, one way: from clients to the target. */

#include "load.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct conn {
	int		fd;
	uint64_t	bytes;
};

/* What the target's process says to the clients'. */
struct word {
	uint64_t	ended_at, bytes;
	bool		wrong;
};

/* Take what there is of one connection.  False at its end. */
static bool
drink(struct conn *c, bool copy, struct word *w)
{
	ssize_t	got;

	got = copy ? recv(c->fd, load_buf, sizeof(load_buf), MSG_DONTWAIT) :
	    recv(c->fd, NULL, 1 << 20, MSG_DONTWAIT | MSG_TRUNC);
	if (got == -1 && errno == EAGAIN)
		return true;
	if (got == -1)
		load_die("sink: recv");
	if (copy && !load_same(load_buf, (size_t)got, c->bytes))
		w->wrong = true;
	c->bytes += (uint64_t)got;
	w->bytes += (uint64_t)got;
	return got > 0;
}

static void
sink(int listener, int n, uint64_t share, bool copy, int report)
{
	struct epoll_event	 evs[LOAD_EVENTS];
	struct word		 w = { 0 };
	struct conn		*conns, *c;
	int			 ep = epoll_create1(0), i, k, left = n;

	conns = load_allocate((size_t)n, sizeof(*conns));
	for (i = 0; i < n; i++) {
		conns[i].fd = load_take(listener);
		load_watch(ep, conns[i].fd, EPOLLIN, &conns[i]);
	}
	while (left > 0) {
		k = load_look(ep, evs);
		for (i = 0; i < k; i++) {
			c = evs[i].data.ptr;
			if (drink(c, copy, &w))
				continue;
			w.wrong |= c->bytes != share;
			close(c->fd);
			left--;
		}
	}
	w.ended_at = load_now();
	if (write(report, &w, sizeof(w)) != sizeof(w))
		load_die("report");
	_exit(0);
}

/* Send a piece; false when all is sent. */
static bool
pour(struct conn *c, uint64_t share, int file)
{
	size_t	n = LOAD_PIECE;
	ssize_t	put;

	if (n > share - c->bytes)
		n = (size_t)(share - c->bytes);
	put = load_put(c->fd, file, c->bytes, n);
	if (put == -1 && errno != EAGAIN)
		load_die("source: send");
	if (put > 0)
		c->bytes += (uint64_t)put;
	return c->bytes < share;
}

static void
source(struct conn *conns, int n, uint64_t share, int file)
{
	struct epoll_event	 evs[LOAD_EVENTS];
	struct conn		*c;
	int			 ep = epoll_create1(0), i, k, left = n;

	for (i = 0; i < n; i++)
		load_watch(ep, conns[i].fd, EPOLLOUT, &conns[i]);
	while (left > 0) {
		k = load_look(ep, evs);
		for (i = 0; i < k; i++) {
			c = evs[i].data.ptr;
			if (pour(c, share, file))
				continue;
			epoll_ctl(ep, EPOLL_CTL_DEL, c->fd, NULL);
			shutdown(c->fd, SHUT_WR);
			left--;
		}
	}
	close(ep);
}

int
load_bulk(char **args)
{
	struct conn	*conns;
	struct word	 w;
	uint64_t	 began, share;
	bool		 copy = strcmp(args[4], "copy") == 0;
	int		 file = copy ? -1 : load_file();
	int		 i, n = atoi(args[2]), p[2];

	conns = load_allocate((size_t)n, sizeof(*conns));
	share = (strtoull(args[3], NULL, 10) << 20) / (uint64_t)n;
	if (pipe(p) == -1)
		load_die("pipe");
	if (load_other() == 0)
		sink(atoi(args[1]), n, share, copy, p[1]);
	close(p[1]);
	for (i = 0; i < n; i++) {
		conns[i].fd = load_dial(args[0], true);
		/* sendfile cannot be told in another way. */
		fcntl(conns[i].fd, F_SETFL, O_NONBLOCK);
	}
	began = load_now();
	source(conns, n, share, file);
	if (read(p[0], &w, sizeof(w)) != sizeof(w))
		load_wrong("the target did not get all");
	wait(NULL);
	if (w.wrong || w.bytes != share * (uint64_t)n)
		load_wrong("the target got something else");
	printf("%.6f\n", (double)(w.ended_at - began) / 1e9);
	free(conns);
	return 0;
}
