/* The proxies of an endpoint, and the walk from one to the next. */

#include <stdlib.h>
#include <string.h>

#include "tcpkit/resolve.h"
#include "tcpkit/via.h"
#include "via_impl.h"

struct tcpk_via_walk {
	struct tcpk_loop	*loop;
	const struct tcpk_via	*via;
	const struct tcpk_endpoint *ep;
	bool			 numeric;
	struct tcpk_stream	*stream;
	void		       (*fn)(void *, const struct tcpk_err *);
	void			*arg;
	struct tcpk_resolve	*lookup;
	size_t			 hop;	/* the proxy that is asked */
	struct tcpk__target	 target;
	struct tcpk__ask	 ask;
	size_t			 off;	/* of ask.out that was sent */
};

static int	next_hop(struct tcpk_via_walk *, struct tcpk_err *);

/* --- the list ------------------------------------------------------------ */

/* What the proxies cannot be asked for, whatever they say. */
static int
check_target(const struct tcpk__proxy *p, const char *host,
    struct tcpk_err *err)
{
	struct tcpk_addr	a;
	bool			numeric;

	numeric = tcpk_addr_parse(&a, host, 0, NULL) == 0;
	if (numeric && strchr(host, '%') != NULL)
		return tcpk_err_set(err, TCPK_EUSAGE, "proxy %.80s cannot be "
		    "asked for %.80s: an interface is this system's own",
		    p->name, host);
	if (numeric && p->kind == VIA_SOCKS4 &&
	    tcpk_addr_family(&a) != AF_INET)
		return tcpk_err_set(err, TCPK_EUSAGE, "proxy %.80s cannot be "
		    "asked for %.80s: SOCKS4 knows only IPv4", p->name, host);
	return 0;
}

static const char *
target_host(const struct tcpk_via *v, const struct tcpk_endpoint *ep,
    size_t hop)
{
	return hop + 1 < v->n ? v->proxies[hop + 1].host : ep->host;
}

struct tcpk_via *
tcpk_via_new(const struct tcpk_endpoint *ep, struct tcpk_err *err)
{
	struct tcpk_via	*v;
	size_t		 i;

	if (ep->o.via == NULL || ep->host == NULL) {
		tcpk_err_set(err, TCPK_EUSAGE, "option via-auth is for via");
		return NULL;
	}
	v = malloc(sizeof(*v));
	if (v == NULL) {
		tcpk_err_set(err, TCPK_EIO, "out of memory");
		return NULL;
	}
	if (tcpk__via_parse(v, ep->o.via, err) == -1) {
		tcpk_err_wrap(err, "option via");
		free(v);
		return NULL;
	}
	if (ep->o.via_auth != NULL &&
	    tcpk__via_auth(v, ep->o.via_auth, err) == -1) {
		tcpk_err_wrap(err, "option via-auth");
		goto fail;
	}
	for (i = 0; i < v->n; i++)
		if (check_target(&v->proxies[i], target_host(v, ep, i),
		    err) == -1) {
			tcpk_err_wrap(err, "option via");
			goto fail;
		}
	return v;
fail:
	tcpk_via_free(v);
	return NULL;
}

void
tcpk_via_free(struct tcpk_via *v)
{
	if (v == NULL)
		return;
	tcpk__via_wipe(v);
	free(v);
}

const char *
tcpk_via_name(const struct tcpk_via *v, size_t i)
{
	return i < v->n ? v->proxies[i].name : NULL;
}

const char *
tcpk_via_host(const struct tcpk_via *v)
{
	return v->proxies[0].host;
}

const char *
tcpk_via_port(const struct tcpk_via *v)
{
	return v->proxies[0].port;
}

/* --- the walk ------------------------------------------------------------ */

const char *
tcpk_via_waiting(const struct tcpk_via_walk *w)
{
	return w->via->proxies[w->hop].name;
}

void
tcpk_via_cancel(struct tcpk_via_walk *w)
{
	if (w == NULL)
		return;
	tcpk_resolve_cancel(w->lookup);
	tcpk_stream_want(w->stream, 0);
	tcpk_stream_on_ready(w->stream, NULL, NULL);
	/* A password may have been said. */
	explicit_bzero(&w->ask, sizeof(w->ask));
	free(w);
}

/* The owner may free the stream in its callback: let go of all before. */
static void
finish(struct tcpk_via_walk *w, const struct tcpk_err *why)
{
	void		(*fn)(void *, const struct tcpk_err *) = w->fn;
	void		 *arg = w->arg;
	struct tcpk_err	  err;

	if (why != NULL)
		err = *why;
	tcpk_via_cancel(w);
	fn(arg, why != NULL ? &err : NULL);
}

static void
ended(struct tcpk_via_walk *w)
{
	tcpk__ask_refuse(&w->ask, "ended the connection");
	finish(w, &w->ask.err);
}

static void
broken(struct tcpk_via_walk *w)
{
	const struct tcpk_err	*why = tcpk_stream_err(w->stream);

	/* Without memory, a stream cannot tell. */
	tcpk__ask_refuse(&w->ask, "%s", why->kind != TCPK_OK ? why->text :
	    "the connection broke");
	w->ask.err.code = why->code;
	/* Of a connection that was still under way. */
	if (why->kind == TCPK_ETIMEOUT)
		w->ask.err.kind = TCPK_ETIMEOUT;
	finish(w, &w->ask.err);
}

/* 0 all of it is sent, TCPK_AGAIN, TCPK_GONE, -1. */
static int
flush(struct tcpk_via_walk *w)
{
	ssize_t	put;

	while (w->off < w->ask.nout) {
		put = tcpk_stream_write(w->stream, w->ask.out + w->off,
		    w->ask.nout - w->off);
		if (put < 0)
			return (int)put;
		w->off += (size_t)put;
	}
	return 0;
}

/* This proxy is done with.  1 to go on, 0 it is over or has to wait. */
static int
passed(struct tcpk_via_walk *w)
{
	struct tcpk_err	err;

	if (++w->hop == w->via->n) {
		finish(w, NULL);
		return 0;
	}
	if (next_hop(w, &err) == -1) {
		finish(w, &err);
		return 0;
	}
	return w->lookup == NULL;
}

/* One read: 1 to go on, 0 it is over or has to wait, TCPK_AGAIN. */
static int
listen_to(struct tcpk_via_walk *w)
{
	char	buf[VIA_PIECE];
	size_t	n = w->ask.need < sizeof(buf) ? w->ask.need : sizeof(buf);
	ssize_t	got = tcpk_stream_read(w->stream, buf, n);

	if (got == TCPK_AGAIN)
		return TCPK_AGAIN;
	if (got <= 0) {
		if (got == 0)
			ended(w);
		else
			broken(w);
		return 0;
	}
	w->off = 0;
	switch (tcpk__ask_take(&w->ask, buf, (size_t)got)) {
	case ASK_OPEN:
		return passed(w);
	case ASK_REFUSED:
		finish(w, &w->ask.err);
		return 0;
	default:
		return 1;
	}
}

/* A reply is bounded, and so is this, however a proxy drips. */
static void
on_ready(void *arg, unsigned ready)
{
	struct tcpk_via_walk	*w = arg;
	int			 r;

	(void)ready;
	do {
		r = flush(w);
		if (r == TCPK_AGAIN) {
			tcpk_stream_want(w->stream, TCPK_WRITE);
			return;
		}
		if (r != 0) {
			if (r == TCPK_GONE)
				ended(w);
			else
				broken(w);
			return;
		}
		r = listen_to(w);
	} while (r == 1);
	if (r == TCPK_AGAIN)
		tcpk_stream_want(w->stream, TCPK_READ);
}

static void
ask(struct tcpk_via_walk *w)
{
	tcpk__ask_begin(&w->ask, &w->via->proxies[w->hop], &w->target);
	w->off = 0;
	tcpk_stream_want(w->stream, TCPK_WRITE);
}

static void
on_answer(void *arg, const struct tcpk_resolved *r)
{
	struct tcpk_via_walk	*w = arg;
	struct tcpk_err		 err = r->err;

	w->lookup = NULL;
	if (r->n > 0) {
		w->target.port = tcpk_addr_port(&r->addrs[0]);
		if (w->via->proxies[w->hop].kind == VIA_SOCKS4)
			w->target.addr = r->addrs[0];
		ask(w);
		return;
	}
	if (err.kind == TCPK_EUSAGE)
		tcpk_err_set(&err, TCPK_EUSAGE, "unknown service \"%.64s\"",
		    w->ep->port);
	else
		tcpk_err_wrap(&err, "proxy %.80s (SOCKS4: the address is "
		    "looked up here)", tcpk_via_waiting(w));
	finish(w, &err);
}

/*
 * Ask this proxy for the next one, or for the endpoint.  What needs an answer
 * from here is a name for SOCKS4, and the number of a service: then the host
 * that is looked up with it has no name.
 */
static int
next_hop(struct tcpk_via_walk *w, struct tcpk_err *err)
{
	const struct tcpk__proxy	*p = &w->via->proxies[w->hop];
	struct tcpk__target		*t = &w->target;
	bool		 last = w->hop + 1 == w->via->n, known, named;
	const char	*port = last ? w->ep->port :
	    w->via->proxies[w->hop + 1].port;
	uint64_t	 n = 0;

	memset(t, 0, sizeof(*t));
	t->host = target_host(w->via, w->ep, w->hop);
	known = tcpk_value_number(&n, port, 0, 65535, NULL) == 0;
	t->port = (uint16_t)n;
	named = tcpk_addr_parse(&t->addr, t->host, 0, NULL) == -1;
	if (named)
		t->addr.len = 0;
	if (known && (!named || p->kind != VIA_SOCKS4)) {
		ask(w);
		return 0;
	}
	tcpk_stream_want(w->stream, 0);
	w->lookup = tcpk_resolve_start(w->loop, p->kind == VIA_SOCKS4 ?
	    t->host : "127.0.0.1", port, AF_INET, SOCK_STREAM, w->numeric,
	    on_answer, w, err);
	return w->lookup == NULL ? -1 : 0;
}

struct tcpk_via_walk *
tcpk_via_start(struct tcpk_loop *loop, const struct tcpk_via *via,
    const struct tcpk_endpoint *ep, bool numeric, struct tcpk_stream *stream,
    void (*fn)(void *, const struct tcpk_err *), void *arg,
    struct tcpk_err *err)
{
	struct tcpk_via_walk	*w = calloc(1, sizeof(*w));

	if (w == NULL) {
		tcpk_err_set(err, TCPK_EIO, "out of memory");
		return NULL;
	}
	w->loop = loop;
	w->via = via;
	w->ep = ep;
	w->numeric = numeric;
	w->stream = stream;
	w->fn = fn;
	w->arg = arg;
	tcpk_stream_on_ready(stream, on_ready, w);
	if (next_hop(w, err) == -1) {
		tcpk_via_cancel(w);
		return NULL;
	}
	return w;
}
