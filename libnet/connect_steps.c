/* What is said before the connection is the endpoint's: proxies, TLS. */

#include <stdlib.h>
#include <string.h>

#include "connect_impl.h"
#include "tcpkit/starttls.h"
#include "tcpkit/via.h"

void
tcpk__connect_late(void *arg)
{
	struct tcpk_connect	*c = arg;
	struct tcpk_err		 err;

	if (c->walk != NULL)
		tcpk_err_set(&err, TCPK_ETIMEOUT, "proxy %.80s: did not "
		    "answer in time", tcpk_via_waiting(c->walk));
	else
		tcpk_err_set(&err, TCPK_ETIMEOUT, "%.100s: %s was not "
		    "finished in time", c->ep->text,
		    tcpk__header_is_under_way(c->header) ?
		    "the PROXY header" : c->starttls != NULL ? "starttls" :
		    "the TLS handshake");
	tcpk__connect_fail(c, &err);
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
	tcpk__connect_finish(c, &c->result);
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
		tcpk__connect_fail(c, &err);
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
	tcpk__connect_fail(c, &named);
}

static void
secure(struct tcpk_connect *c)
{
	const struct tcpk_options	*o = &c->ep->o;
	const char			*name = o->name;
	struct tcpk_err			 err;

	if (o->starttls == NULL) {
		shake_hands(c);
		return;
	}
	if (name == NULL)
		name = c->ep->host != NULL ? c->ep->host : "localhost";
	c->starttls = tcpk_starttls_start(c->loop, o->starttls, name,
	    c->stream, on_starttls, c, &err);
	if (c->starttls == NULL)
		tcpk__connect_fail(c, &err);
}

/* It knows whose connection it is, and nothing else was said to it. */
static void
announced(struct tcpk_connect *c)
{
	c->dialed = tcpk_now();
	if (c->ep->scheme == TCPK_TLS) {
		secure(c);
		return;
	}
	c->result.stream = c->stream;
	c->stream = NULL;
	tcpk__connect_finish(c, &c->result);
}

static void
on_sent(void *arg, const struct tcpk_err *err)
{
	struct tcpk_connect	*c = arg;
	struct tcpk_err		 named;

	if (err == NULL) {
		announced(c);
		return;
	}
	named = *err;
	tcpk_err_wrap(&named, "%.80s", c->ep->text);
	tcpk__connect_fail(c, &named);
}

/*
 * The endpoint has been reached, by whatever way, and nothing was said to it.
 * What is to be its first bytes, before TLS and what begins that, goes here.
 */
static void
reached(struct tcpk_connect *c)
{
	if (c->header != NULL)
		tcpk__header_send(c->header, c->stream, on_sent, c);
	else
		announced(c);
}

static void
on_walked(void *arg, const struct tcpk_err *err)
{
	struct tcpk_connect	*c = arg;

	c->walk = NULL;
	c->result.connect_time += tcpk_now() - c->dialed;
	if (err != NULL)
		tcpk__connect_fail(c, err);
	else
		reached(c);
}

/* There is a connection, and more to say before it is the endpoint's. */
void
tcpk__connect_go_on(struct tcpk_connect *c, const struct tcpk_dialed *d)
{
	const struct tcpk_via	*via = c->opts.via;
	struct tcpk_err		 err;

	/* dial's list of attempts is gone when that is done. */
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
	c->stream = c->result.stream;
	c->dialed = tcpk_now();
	if (tcpk_timer_set(&c->limit, c->started +
	    c->ep->o.connect_timeout) == -1) {
		tcpk_err_set(&err, TCPK_EIO, "out of memory");
		tcpk__connect_fail(c, &err);
		return;
	}
	if (via == NULL) {
		reached(c);
		return;
	}
	c->walk = tcpk_via_start(c->loop, via, c->ep, c->opts.dial.numeric,
	    c->stream, on_walked, c, &err);
	if (c->walk == NULL)
		tcpk__connect_fail(c, &err);
}
