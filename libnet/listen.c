#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "tcpkit/listen.h"
#include "tcpkit/sock.h"

/* Pause after running out of descriptors: someone must leave first. */
#define TROUBLE_DELAY	(200 * TCPK_MS)

/* Clients taken in one go, so that a flood leaves time for the others. */
#define BURST		64

struct tcpk_listen {
	struct tcpk_loop	*loop;
	struct tcpk_watch	 watch;
	struct tcpk_timer	 retry;
	struct tcpk_listen_handler handler;
	void			*arg;
	struct tcpk_addr	 addr;
	bool			 paused, troubled;
	bool			*freed;		/* set when freed in a burst */
	/* The socket file this listen made. */
	int			 flags;		/* of an adopted one, or -1 */
	bool			 made;
	dev_t			 dev;
	ino_t			 ino;
};

static bool
transient(int code)
{
	/* The client went away, or its network did: accept(2), ERRORS. */
	switch (code) {
	case ECONNABORTED:
	case EPROTO:
	case ENETDOWN:
	case ENOPROTOOPT:
	case EHOSTDOWN:
	case EHOSTUNREACH:
	case EOPNOTSUPP:
	case ENETUNREACH:
	case EPERM:
		return true;
	default:
		return false;
	}
}

static void
trouble(struct tcpk_listen *l, int code)
{
	char		text[TCPK_ADDR_TEXT];
	struct tcpk_err	err;

	if (!l->troubled && l->handler.trouble != NULL) {
		tcpk_err_errno(&err, TCPK_EIO, code,
		    "accept on %s: pausing",
		    tcpk_addr_format(&l->addr, text, sizeof(text)));
		l->handler.trouble(l->arg, &err);
	}
	l->troubled = true;
	tcpk_watch_want(&l->watch, 0);
	tcpk_timer_set(&l->retry, tcpk_now() + TROUBLE_DELAY);
}

static void
on_retry(void *arg)
{
	struct tcpk_listen	*l = arg;

	if (!l->paused)
		tcpk_watch_want(&l->watch, TCPK_READ);
}

static void
on_readable(void *arg, unsigned ready)
{
	struct tcpk_listen	*l = arg;
	struct tcpk_addr	 peer;
	bool			 freed = false;
	int			 fd, code, room = 1, i;

	(void)ready;
	l->freed = &freed;
	for (i = 0; i < BURST && !l->paused; i++) {
		if (l->handler.room != NULL)
			room = l->handler.room(l->arg);
		if (room == 0) {
			tcpk_listen_pause(l);
			break;
		} else if (room == -1) {
			trouble(l, errno);
			break;
		}
		fd = tcpk_sock_accept(l->watch.fd, &peer);
		code = errno;
		if (fd != -1) {
			l->handler.client(l->arg, fd, &peer);
			if (freed)
				return;
			continue;
		}
		if (l->handler.unused != NULL)
			l->handler.unused(l->arg);
		if (code == EAGAIN || code == EWOULDBLOCK) {
			/* Nobody is left waiting: the shortage is over. */
			l->troubled = false;
			break;
		} else if (!transient(code)) {
			trouble(l, code);
			break;
		}
	}
	l->freed = NULL;
}

static struct tcpk_listen *
new_listen(struct tcpk_loop *loop, int fd,
    const struct tcpk_listen_handler *handler, void *arg,
    struct tcpk_err *err)
{
	struct tcpk_listen	*l = calloc(1, sizeof(*l));

	if (l == NULL) {
		tcpk_err_set(err, TCPK_EIO, "out of memory");
		return NULL;
	}
	l->loop = loop;
	l->flags = -1;
	l->handler = *handler;
	l->arg = arg;
	tcpk_addr_local(&l->addr, fd);
	tcpk_timer_init(&l->retry, loop, on_retry, l);
	tcpk_watch_init(&l->watch, loop, fd, on_readable, l);
	tcpk_watch_want(&l->watch, TCPK_READ);
	return l;
}

struct tcpk_listen *
tcpk_listen_new(struct tcpk_loop *loop, const struct tcpk_addr *addr,
    const struct tcpk_options *options,
    const struct tcpk_listen_handler *handler, void *arg,
    struct tcpk_err *err)
{
	struct tcpk_listen	*l;
	struct stat		 st;
	int			 fd;

	fd = tcpk_sock_listen(addr, options, err);
	if (fd == -1)
		return NULL;
	l = new_listen(loop, fd, handler, arg, err);
	if (l == NULL) {
		close(fd);
		return NULL;
	}
	if (tcpk_addr_family(addr) == AF_UNIX &&
	    addr->u.un.sun_path[0] != '\0' &&
	    lstat(addr->u.un.sun_path, &st) == 0) {
		l->made = true;
		l->dev = st.st_dev;
		l->ino = st.st_ino;
	}
	return l;
}

int
tcpk_listen_check(int fd, struct tcpk_err *err)
{
	socklen_t	len = sizeof(int);
	int		listening = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening,
	    &len) == -1)
		return tcpk_err_errno(err, TCPK_EUSAGE, errno, "fd:%d", fd);
	return listening ? 0 : tcpk_err_set(err, TCPK_EUSAGE,
	    "fd:%d: not a listening socket", fd);
}

struct tcpk_listen *
tcpk_listen_adopt(struct tcpk_loop *loop, int fd,
    const struct tcpk_listen_handler *handler, void *arg,
    struct tcpk_err *err)
{
	struct tcpk_listen	*l;

	if (tcpk_listen_check(fd, err) == -1)
		return NULL;
	l = new_listen(loop, fd, handler, arg, err);
	if (l == NULL)
		return NULL;
	/* Accepting must not wait when a client has gone again. */
	l->flags = fcntl(fd, F_GETFL);
	fcntl(fd, F_SETFL, l->flags | O_NONBLOCK);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	return l;
}

const struct tcpk_addr *
tcpk_listen_addr(const struct tcpk_listen *l)
{
	return &l->addr;
}

int
tcpk_listen_fd(const struct tcpk_listen *l)
{
	return l->watch.fd;
}

void
tcpk_listen_pause(struct tcpk_listen *l)
{
	l->paused = true;
	tcpk_timer_stop(&l->retry);
	tcpk_watch_want(&l->watch, 0);
}

void
tcpk_listen_resume(struct tcpk_listen *l)
{
	l->paused = false;
	tcpk_watch_want(&l->watch, TCPK_READ);
}

void
tcpk_listen_free(struct tcpk_listen *l)
{
	struct stat	st;

	if (l == NULL)
		return;
	if (l->freed != NULL)
		*l->freed = true;
	tcpk_watch_stop(&l->watch);
	tcpk_timer_stop(&l->retry);
	/* Others may have an adopted socket too: as it was. */
	if (l->flags != -1)
		fcntl(l->watch.fd, F_SETFL, l->flags);
	close(l->watch.fd);
	if (l->made && lstat(l->addr.u.un.sun_path, &st) == 0 &&
	    st.st_dev == l->dev && st.st_ino == l->ino)
		unlink(l->addr.u.un.sun_path);
	free(l);
}
