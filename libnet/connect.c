#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tcpkit/connect.h"
#include "tcpkit/starttls.h"

struct tcpk_connect {
	struct tcpk_loop	*loop;
	const struct tcpk_endpoint *ep;
	struct tcpk_connect_opts opts;
	void		       (*fn)(void *, const struct tcpk_connected *);
	void			*arg;
	struct tcpk_tls_config	*tls;	/* our own, or NULL */
	struct tcpk_dial	*dial;
	struct tcpk_starttls	*starttls;
	struct tcpk_tls_start	*handshake;
	struct tcpk_stream	*stream;	/* while starttls talks */
	struct tcpk_connected	 result;	/* so far */
	struct tcpk_attempt	*attempts;
	struct tcpk_timer	 now;	/* for what needs no waiting */
	struct tcpk_timer	 limit;	/* on the handshake */
	uint64_t		 started, dialed;
};

void
tcpk_connect_cancel(struct tcpk_connect *c)
{
	if (c == NULL)
		return;
	tcpk_timer_stop(&c->now);
	tcpk_timer_stop(&c->limit);
	tcpk_dial_cancel(c->dial);
	tcpk_starttls_cancel(c->starttls);
	tcpk_tls_cancel(c->handshake);
	tcpk_stream_free(c->stream);
	tcpk_tls_config_free(c->tls);
	free(c->attempts);
	free(c);
}

static void
finish(struct tcpk_connect *c, const struct tcpk_connected *result)
{
	c->fn(c->arg, result);
	tcpk_connect_cancel(c);
}

/* A connection that stays clear, or an end before TLS. */
static void
fail(struct tcpk_connect *c, const struct tcpk_err *err)
{
	c->result.stream = NULL;
	c->result.err = *err;
	finish(c, &c->result);
}

static void
on_limit(void *arg)
{
	struct tcpk_connect	*c = arg;
	struct tcpk_err		 err;

	tcpk_err_set(&err, TCPK_ETIMEOUT, "%.100s: %s was not finished in time",
	    c->ep->text, c->starttls != NULL ? "starttls" :
	    "the TLS handshake");
	fail(c, &err);
}

static void
on_tls(void *arg, const struct tcpk_tls_done *d)
{
	struct tcpk_connect	*c = arg;

	c->handshake = NULL;
	c->result.stream = d->stream;
	c->result.tls = d->info;
	c->result.tls_time = tcpk_now() - c->dialed;
	if (d->stream == NULL) {
		c->result.err = d->err;
		tcpk_err_wrap(&c->result.err, "%.80s", c->ep->text);
	}
	finish(c, &c->result);
}

static void
shake_hands(struct tcpk_connect *c)
{
	struct tcpk_tls_config	*tls = c->tls;
	struct tcpk_err		 err;

	if (tls == NULL)
		tls = c->opts.tls;
	c->handshake = tcpk_tls_start(c->loop, tls, c->stream, on_tls, c,
	    &err);
	if (c->handshake == NULL)
		fail(c, &err);
	else
		c->stream = NULL;
}

static void
on_starttls(void *arg, const struct tcpk_err *err)
{
	struct tcpk_connect	*c = arg;
	struct tcpk_err		 named;

	c->starttls = NULL;
	if (err == NULL) {
		shake_hands(c);
		return;
	}
	named = *err;
	/* An end before TLS is an end of TLS. */
	if (named.kind == TCPK_ECUT)
		named.kind = TCPK_ETLS;
	tcpk_err_wrap(&named, "%.80s", c->ep->text);
	fail(c, &named);
}

static void
secure(struct tcpk_connect *c, const struct tcpk_dialed *d)
{
	const struct tcpk_options	*o = &c->ep->o;
	const char			*name = o->name;
	struct tcpk_err			 err;

	/* dial's list of attempts is gone when the handshake is done. */
	if (d->nattempts > 0) {
		c->attempts = reallocarray(NULL, d->nattempts,
		    sizeof(*c->attempts));
		if (c->attempts == NULL)
			c->result.nattempts = 0;
		else
			memcpy(c->attempts, d->attempts,
			    d->nattempts * sizeof(*c->attempts));
		c->result.attempts = c->attempts;
	}
	c->dialed = tcpk_now();
	if (tcpk_timer_set(&c->limit, c->started + o->connect_timeout) == -1) {
		tcpk_err_set(&err, TCPK_EIO, "out of memory");
		fail(c, &err);
		return;
	}
	c->stream = c->result.stream;
	if (o->starttls == NULL) {
		shake_hands(c);
		return;
	}
	if (name == NULL)
		name = c->ep->host != NULL ? c->ep->host : "localhost";
	c->starttls = tcpk_starttls_start(c->loop, o->starttls, name,
	    c->stream, on_starttls, c, &err);
	if (c->starttls == NULL)
		fail(c, &err);
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
		result->stream = c->ep->scheme == TCPK_UDP ?
		    tcpk_stream_datagram(c->loop, d->fd, &result->err) :
		    tcpk_stream_socket(c->loop, d->fd, &result->err);
		if (result->stream == NULL)
			close(d->fd);
		else if (c->ep->scheme == TCPK_TLS) {
			secure(c, d);
			return;
		}
	}
	finish(c, result);
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

static int
start(struct tcpk_connect *c, struct tcpk_err *err)
{
	struct tcpk_dial_opts	dial = c->opts.dial;

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
	c->started = tcpk_now();
	tcpk_timer_init(&c->now, loop, on_now, c);
	tcpk_timer_init(&c->limit, loop, on_limit, c);
	if (start(c, err) == -1) {
		tcpk_connect_cancel(c);
		return NULL;
	}
	return c;
}
