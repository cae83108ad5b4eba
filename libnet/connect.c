#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "connect_impl.h"
#include "tcpkit/resolve.h"
#include "tcpkit/sock.h"
#include "tcpkit/starttls.h"
#include "tcpkit/via.h"

void
tcpk_connect_cancel(struct tcpk_connect *c)
{
	if (c == NULL)
		return;
	tcpk_timer_stop(&c->now);
	tcpk_timer_stop(&c->limit);
	tcpk_dial_cancel(c->dial);
	tcpk_via_cancel(c->walk);
	tcpk__header_free(c->header);
	tcpk_starttls_cancel(c->starttls);
	tcpk_tls_cancel(c->handshake);
	tcpk_stream_free(c->stream);
	tcpk_tls_config_free(c->tls);
	tcpk_via_free(c->via);
	free(c->proxy);
	free(c->attempts);
	free(c);
}

void
tcpk__connect_finish(struct tcpk_connect *c, struct tcpk_connected *result)
{
	struct tcpk_stream	*rated;

	if (result->stream != NULL && c->ep->o.rate != 0) {
		rated = tcpk_stream_rate(c->loop, result->stream,
		    c->ep->o.rate, &result->err);
		if (rated == NULL)
			tcpk_stream_free(result->stream);
		result->stream = rated;
	}
	c->fn(c->arg, result);
	tcpk_connect_cancel(c);
}

/* A connection that stays clear, or an end before TLS. */
void
tcpk__connect_fail(struct tcpk_connect *c, const struct tcpk_err *err)
{
	c->result.stream = NULL;
	c->result.err = *err;
	tcpk__connect_finish(c, &c->result);
}

/* NULL with err, and the descriptor is closed. */
static struct tcpk_stream *
stream_of(struct tcpk_connect *c, const struct tcpk_dialed *d,
    struct tcpk_err *err)
{
	struct tcpk_stream	*s, *opening;

	if (c->ep->scheme != TCPK_UDP && !d->opening)
		s = tcpk_stream_watched(&c->watch, err);
	else {
		tcpk_watch_stop(&c->watch);
		s = d->opening ? tcpk_stream_socket(c->loop, d->fd, err) :
		    tcpk_stream_datagram(c->loop, d->fd, err);
	}
	if (s == NULL) {
		tcpk_watch_stop(&c->watch);
		close(d->fd);
	}
	if (s == NULL || !d->opening)
		return s;
	opening = tcpk_stream_opening(c->loop, s, &d->peer, c->started +
	    c->ep->o.connect_timeout, err);
	if (opening == NULL)
		tcpk_stream_free(s);
	return opening;
}

static void
on_dialed(void *arg, const struct tcpk_dialed *d)
{
	struct tcpk_connect	*c = arg;
	struct tcpk_connected	*result = &c->result;

	c->dial = NULL;
	result->err = d->err;
	result->peer = d->peer;
	result->attempts = d->attempts;
	result->nattempts = d->nattempts;
	result->name_time = d->name_time;
	result->connect_time = d->connect_time;
	if (d->fd != -1) {
		result->stream = stream_of(c, d, &result->err);
		if (result->stream != NULL && (c->ep->scheme == TCPK_TLS ||
		    c->opts.via != NULL || c->header != NULL)) {
			tcpk__connect_go_on(c, d);
			return;
		}
	}
	tcpk__connect_finish(c, result);
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
		if (c->opts.starting != NULL)
			c->opts.starting(c->arg);
		result.stream = tcpk_stream_program(c->loop, c->ep->argv,
		    c->opts.envp, &result.err);
		break;
	}
	tcpk__connect_finish(c, &result);
}

static void
on_warning(void *arg, const char *text)
{
	struct tcpk_connect	*c = arg;

	if (c->opts.warning != NULL)
		c->opts.warning(c->arg, text);
}

static int
start_tls(struct tcpk_connect *c, struct tcpk_err *err)
{
	const char	*proto = c->ep->o.starttls;

	if (proto != NULL && !tcpk_starttls_knows(proto))
		return tcpk_err_set(err, TCPK_EUSAGE, "%.80s: option starttls:"
		    " \"%.20s\" is none of %s", c->ep->text, proto,
		    tcpk_starttls_list());
	if (c->opts.tls == NULL) {
		c->tls = tcpk_tls_config_new(c->ep, on_warning, c, err);
		if (c->tls == NULL)
			return -1;
	}
	return 0;
}

int
tcpk_connect_check(const struct tcpk_endpoint *ep, struct tcpk_err *err)
{
	struct tcpk_options	o = ep->o;
	struct tcpk_addr	any;
	int			type;

	if (ep->port == NULL)
		return 0;
	type = ep->scheme == TCPK_UDP ? SOCK_DGRAM : SOCK_STREAM;
	if (tcpk_resolve_check(ep->host, ep->port, type, false, err) == -1)
		return tcpk_err_wrap(err, "resolve %.128s", ep->host);
	/* An interface comes and goes, as a name does. */
	o.interface = NULL;
	tcpk_addr_any(&any, o.family == 6 ? AF_INET6 : AF_INET, 0);
	if (tcpk_sock_check(&any, type, &o, TCPK_CONNECT, err) == -1)
		return tcpk_err_wrap(err, "%.128s:%.64s", ep->host, ep->port);
	return 0;
}

/* All is read and checked before anything is opened. */
static int
start_via(struct tcpk_connect *c, struct tcpk_err *err)
{
	if (c->ep->o.via == NULL && c->ep->o.via_auth == NULL)
		return 0;
	if (c->opts.via == NULL) {
		if (tcpk_connect_check(c->ep, err) == -1)
			return -1;
		c->via = tcpk_via_new(c->ep, err);
		if (c->via == NULL)
			return tcpk_err_wrap(err, "%.80s", c->ep->text);
		c->opts.via = c->via;
	}
	c->proxy = calloc(1, sizeof(*c->proxy));
	if (c->proxy == NULL)
		return tcpk_err_set(err, TCPK_EIO, "out of memory");
	/* What is in it is not its own. */
	c->proxy->scheme = TCPK_TCP;
	c->proxy->role = TCPK_CONNECT;
	c->proxy->text = c->ep->text;
	c->proxy->host = (char *)tcpk_via_host(c->opts.via);
	c->proxy->port = (char *)tcpk_via_port(c->opts.via);
	c->proxy->o = c->ep->o;
	return 0;
}

static int
start(struct tcpk_connect *c, struct tcpk_err *err)
{
	struct tcpk_dial_opts	dial = c->opts.dial;

	if (start_via(c, err) == -1)
		return -1;
	if (c->ep->o.proxy_protocol != 0 && (c->header = tcpk__header_new(
	    (unsigned)c->ep->o.proxy_protocol, c->opts.from, err)) == NULL)
		return -1;
	switch (c->ep->scheme) {
	case TCPK_TLS:
		if (start_tls(c, err) == -1)
			return -1;
		break;
	case TCPK_TCP:
	case TCPK_UDP:
	case TCPK_UNIX:
		break;
	default:
		if (tcpk_timer_set(&c->now, tcpk_now()) == -1)
			return tcpk_err_set(err, TCPK_EIO, "out of memory");
		return 0;
	}
	if (dial.trying != NULL)
		dial.trying = on_trying;
	tcpk_watch_init(&c->watch, c->loop, -1, NULL, NULL);
	dial.into = &c->watch;
	c->dial = tcpk_dial_start(c->loop, c->opts.via != NULL ? c->proxy :
	    c->ep, &dial, on_dialed, c, err);
	return c->dial == NULL ? -1 : 0;
}

struct tcpk_connect *
tcpk_connect_start(struct tcpk_loop *loop, const struct tcpk_endpoint *ep,
    const struct tcpk_connect_opts *opts,
    void (*fn)(void *, const struct tcpk_connected *), void *arg,
    struct tcpk_err *err)
{
	/*
	 * Not by calloc: that of some systems leaves the place of the last one
	 * unused, and what stays of connections is then scattered around it.
	 */
	struct tcpk_connect	*c = malloc(sizeof(*c));

	if (c == NULL) {
		tcpk_err_set(err, TCPK_EIO, "out of memory");
		return NULL;
	}
	*c = (struct tcpk_connect){
		.loop = loop,
		.ep = ep,
		.opts = *opts,
		.fn = fn,
		.arg = arg,
		.started = tcpk_now()
	};
	tcpk_timer_init(&c->now, loop, on_now, c);
	tcpk_timer_init(&c->limit, loop, tcpk__connect_late, c);
	if (start(c, err) == -1) {
		tcpk_connect_cancel(c);
		return NULL;
	}
	return c;
}
