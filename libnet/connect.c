#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "tcpkit/connect.h"
#include "tcpkit/tls.h"

struct tcpk_connect {
	struct tcpk_loop	*loop;
	const struct tcpk_endpoint *ep;
	struct tcpk_connect_opts opts;
	void		       (*fn)(void *, const struct tcpk_connected *);
	void			*arg;
	struct tcpk_tls_config	*tls;
	struct tcpk_dial	*dial;
	struct tcpk_timer	 now;	/* for what needs no waiting */
};

void
tcpk_connect_cancel(struct tcpk_connect *c)
{
	if (c == NULL)
		return;
	tcpk_timer_stop(&c->now);
	tcpk_dial_cancel(c->dial);
	tcpk_tls_config_free(c->tls);
	free(c);
}

static void
finish(struct tcpk_connect *c, const struct tcpk_connected *result)
{
	c->fn(c->arg, result);
	tcpk_connect_cancel(c);
}

static void
on_dialed(void *arg, const struct tcpk_dialed *d)
{
	struct tcpk_connect	*c = arg;
	struct tcpk_connected	 result = {
		.err = d->err,
		.peer = d->peer,
		.attempts = d->attempts,
		.nattempts = d->nattempts,
		.name_time = d->name_time,
		.connect_time = d->connect_time,
	};

	c->dial = NULL;
	if (d->fd != -1) {
		result.stream = tcpk_stream_socket(c->loop, d->fd,
		    &result.err);
		if (result.stream == NULL)
			close(d->fd);
	}
	finish(c, &result);
}

/* dial hands its own argument to trying: it is to be the user's. */
static void
on_trying(void *arg, const struct tcpk_addr *addr)
{
	struct tcpk_connect	*c = arg;

	c->opts.dial.trying(c->arg, addr);
}

static struct tcpk_stream *
adopt(struct tcpk_connect *c, struct tcpk_addr *peer, struct tcpk_err *err)
{
	socklen_t	len = sizeof(int);
	int		type, listening = 0, fd = c->ep->fd;

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == -1) {
		tcpk_err_errno(err, TCPK_EUSAGE, errno, "fd:%d", fd);
		return NULL;
	}
	len = sizeof(int);
	getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len);
	if (type != SOCK_STREAM || listening) {
		tcpk_err_set(err, TCPK_EUSAGE, "fd:%d: %s", fd, listening ?
		    "a listening socket, not a connected one" :
		    "not a stream socket");
		return NULL;
	}
	if (tcpk_addr_peer(peer, fd) == -1) {
		tcpk_err_errno(err, TCPK_ECONNECT, errno, "fd:%d", fd);
		return NULL;
	}
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	return tcpk_stream_socket(c->loop, fd, err);
}

static void
on_now(void *arg)
{
	struct tcpk_connect	*c = arg;
	struct tcpk_connected	 result = { 0 };

	switch (c->ep->scheme) {
	case TCPK_FD:
		result.stream = adopt(c, &result.peer, &result.err);
		break;
	case TCPK_STDIO:
		result.stream = tcpk_stream_stdio(c->loop, STDIN_FILENO,
		    STDOUT_FILENO, &result.err);
		break;
	default:
		result.stream = tcpk_stream_program(c->loop, c->ep->argv,
		    c->opts.envp, &result.err);
		break;
	}
	finish(c, &result);
}

static int
start(struct tcpk_connect *c, struct tcpk_err *err)
{
	struct tcpk_dial_opts	dial = c->opts.dial;

	switch (c->ep->scheme) {
	case TCPK_UDP:
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "%.80s: this build does not speak UDP", c->ep->text);
	case TCPK_TLS:
		c->tls = tcpk_tls_config_new(c->ep, err);
		if (c->tls == NULL)
			return -1;
		break;
	case TCPK_TCP:
	case TCPK_UNIX:
		break;
	default:
		if (tcpk_timer_set(&c->now, tcpk_now()) == -1)
			return tcpk_err_set(err, TCPK_EIO, "out of memory");
		return 0;
	}
	if (dial.trying != NULL)
		dial.trying = on_trying;
	c->dial = tcpk_dial_start(c->loop, c->ep, &dial, on_dialed, c, err);
	return c->dial == NULL ? -1 : 0;
}

struct tcpk_connect *
tcpk_connect_start(struct tcpk_loop *loop, const struct tcpk_endpoint *ep,
    const struct tcpk_connect_opts *opts,
    void (*fn)(void *, const struct tcpk_connected *), void *arg,
    struct tcpk_err *err)
{
	struct tcpk_connect	*c = calloc(1, sizeof(*c));

	if (c == NULL) {
		tcpk_err_set(err, TCPK_EIO, "out of memory");
		return NULL;
	}
	c->loop = loop;
	c->ep = ep;
	c->opts = *opts;
	c->fn = fn;
	c->arg = arg;
	tcpk_timer_init(&c->now, loop, on_now, c);
	if (start(c, err) == -1) {
		tcpk_connect_cancel(c);
		return NULL;
	}
	return c;
}
