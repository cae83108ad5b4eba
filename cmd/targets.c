/* Where clients go: a set of targets, and connecting to one. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tcpkit/starttls.h>

#include "targets_impl.h"

extern char	**environ;

/* --- the set -------------------------------------------------------------- */

static int
refuse(const struct tcpk_endpoint *ep, const char *why, struct tcpk_err *err)
{
	return tcpk_err_set(err, TCPK_EUSAGE, "%.150s: %s", ep->text, why);
}

/* What an endpoint may be, but not a target of many clients. */
static int
validate(const struct tcpk_endpoint *ep, struct tcpk_err *err)
{
	const struct tcpk_options	*o = &ep->o;

	switch (ep->scheme) {
	case TCPK_UDP:
		return refuse(ep, "tcprelay does not relay udp://", err);
	case TCPK_FD:
	case TCPK_STDIO:
		return refuse(ep, "only one client could be joined to it",
		    err);
	case TCPK_EXEC:
	case TCPK_SH:
		if (o->pool != 0 || o->check != 0)
			return refuse(ep, o->pool != 0 ?
			    "option pool is not for programs" :
			    "option check is not for programs", err);
		break;
	default:
		break;
	}
	if (o->pool != 0 && o->proxy_protocol != 0)
		return refuse(ep, "option pool does not go with "
		    "proxy-protocol: its header names the client", err);
	if (o->starttls != NULL && !tcpk_starttls_knows(o->starttls))
		return tcpk_err_set(err, TCPK_EUSAGE, "%.80s: option starttls:"
		    " \"%.20s\" is none of %s", ep->text, o->starttls,
		    tcpk_starttls_list());
	return 0;
}

static void
on_warning(void *arg, const char *text)
{
	struct target		*t = arg;
	struct msg_fields	 f = { .event = "warning" };

	f.target = t->ep->text;
	msg(t->ts->msg, MSG_WARNING, &f, "%s", text);
}

/* Of its place alone: options may change, and its clients stay. */
static uint64_t
identity(const struct tcpk_endpoint *ep)
{
	uint64_t	id[3];

	if (ep->scheme != TCPK_TCP && ep->scheme != TCPK_TLS) {
		const char	*what = ep->path != NULL ? ep->path : ep->text;

		return choose_hash(what, strlen(what));
	}
	id[0] = ep->host != NULL ? choose_hash(ep->host, strlen(ep->host)) : 0;
	id[1] = choose_hash(ep->port, strlen(ep->port));
	id[2] = ep->scheme;
	return choose_hash(id, sizeof(id));
}

static int
add(struct targets *ts, const struct tcpk_endpoint *ep,
    struct target_counters *counters, struct tcpk_err *err)
{
	struct target	*t = &ts->target[ts->n];

	t->ts = ts;
	t->ep = ep;
	t->counters = counters;
	t->choice = &ts->choices[ts->n++];
	t->choice->weight = ep->o.weight;
	t->choice->id = identity(ep);
	health_init(t);
	if (validate(ep, err) == -1 ||
	    tcpk_connect_check(ep, err) == -1)
		return -1;
	if (ep->scheme == TCPK_TLS && (t->tls = tcpk_tls_config_new(ep,
	    on_warning, t, err)) == NULL)
		return -1;
	if ((ep->o.via != NULL || ep->o.via_auth != NULL) &&
	    (t->via = tcpk_via_new(ep, err)) == NULL)
		return tcpk_err_wrap(err, "%.80s", ep->text);
	return pool_new(t, err);
}

struct targets *
targets_new(struct tcpk_endpoint *eps, size_t n,
    const struct targets_opts *opts, struct tcpk_err *err)
{
	struct targets		*ts = calloc(1, sizeof(*ts));
	size_t			 i;

	if (ts == NULL)
		goto nomem;
	ts->balance = opts->balance;
	ts->numeric = opts->numeric;
	ts->msg = opts->msg;
	ts->target = calloc(n, sizeof(*ts->target));
	ts->choices = calloc(n, sizeof(*ts->choices));
	ts->own = calloc(n, sizeof(*ts->own));
	if (ts->target == NULL || ts->choices == NULL || ts->own == NULL)
		goto nomem;
	for (i = 0; i < n; i++)
		if (add(ts, &eps[i], &ts->own[i], err) == -1) {
			targets_free(ts);
			return NULL;
		}
	return ts;
nomem:
	tcpk_err_set(err, TCPK_EIO, "out of memory");
	targets_free(ts);
	return NULL;
}

void
targets_count(struct targets *ts, size_t i, struct target_counters *counters)
{
	/* What it has been set to so far: whether it is set aside. */
	atomic_store(&counters->up, ts->target[i].counters->up);
	ts->target[i].counters = counters;
}

int
targets_start(struct targets *ts, struct tcpk_loop *loop,
    struct tcpk_reserve *reserve, struct tcpk_err *err)
{
	size_t	i;

	(void)err;
	ts->loop = loop;
	ts->reserve = reserve;
	ts->running = true;
	for (i = 0; i < ts->n; i++) {
		checks_start(&ts->target[i]);
		pool_start(&ts->target[i]);
	}
	return 0;
}

void
targets_stop(struct targets *ts)
{
	size_t	i;

	if (!ts->running)
		return;
	ts->running = false;
	for (i = 0; i < ts->n; i++) {
		checks_stop(&ts->target[i]);
		pool_stop(&ts->target[i]);
	}
}

void
targets_free(struct targets *ts)
{
	size_t	i;

	if (ts == NULL)
		return;
	targets_stop(ts);
	for (i = 0; i < ts->n; i++) {
		pool_free(&ts->target[i]);
		tcpk_tls_config_free(ts->target[i].tls);
		tcpk_via_free(ts->target[i].via);
	}
	free(ts->target);
	free(ts->choices);
	free(ts->own);
	free(ts);
}

const struct tcpk_endpoint *
target_endpoint(const struct target *t)
{
	return t->ep;
}

void
target_left(struct target *t, uint64_t bytes_to, uint64_t bytes_from)
{
	struct target_counters	*c = t->counters;

	t->choice->now--;
	atomic_fetch_sub(&c->now, 1);
	atomic_fetch_add(&c->bytes_out, bytes_to);
	atomic_fetch_add(&c->bytes_in, bytes_from);
}

/* --- connecting to one ---------------------------------------------------- */

struct tcpk_connect *
target_connect(struct target *t, const struct tcpk_connect_opts *how,
    void (*fn)(void *, const struct tcpk_connected *), void *arg,
    struct tcpk_err *err)
{
	static const struct tcpk_proxy_from	nobody;
	/* A probe is nobody's connection. */
	struct tcpk_connect_opts	opts = { .from = &nobody };

	if (how != NULL)
		opts = *how;
	opts.dial.numeric = t->ts->numeric;
	if (opts.envp == NULL)
		opts.envp = environ;
	opts.tls = t->tls;
	opts.via = t->via;
	return tcpk_connect_start(t->ts->loop, t->ep, &opts, fn, arg, err);
}

/* Does the text say which target it is about? */
static bool
names(const char *text, const struct tcpk_endpoint *ep)
{
	char	place[300];

	if (ep->host == NULL)
		return strstr(text, ep->text) != NULL;
	snprintf(place, sizeof(place), strchr(ep->host, ':') != NULL ?
	    "[%s]:%s" : "%s:%s", ep->host, ep->port);
	return strstr(text, place) != NULL;
}

static void
say(const struct target *t, struct msg_fields *f, enum msg_level level,
    const struct tcpk_err *err)
{
	struct tcpk_err	named = *err;

	f->target = t->ep->text;
	if (!names(named.text, t->ep))
		tcpk_err_wrap(&named, "%.80s", t->ep->text);
	msg_err(t->ts->msg, level, f, &named);
}

void
target_say_failed(const struct target *t, const struct tcpk_connected *c,
    uint64_t conn, enum msg_level level)
{
	struct msg_fields	f = { .event = "connect-failed" };
	char			text[TCPK_ADDR_TEXT];
	struct tcpk_err		err;
	size_t			i;

	f.conn = conn;
	/* Unless another address of it did connect. */
	if (c->stream != NULL)
		level = MSG_INFO;
	for (i = 0; i < c->nattempts; i++) {
		tcpk_attempt_err(&c->attempts[i], t->ep, &err);
		f.peer = tcpk_addr_format(&c->attempts[i].addr, text,
		    sizeof(text));
		say(t, &f, level, &err);
	}
	if (c->stream != NULL || (c->nattempts > 0 && c->peer.len == 0))
		return;
	f.peer = c->peer.len != 0 ? tcpk_addr_format(&c->peer, text,
	    sizeof(text)) : NULL;
	if (c->tls != NULL || c->err.kind == TCPK_ETLS)
		f.event = "tls-failed";
	say(t, &f, level, &c->err);
}
