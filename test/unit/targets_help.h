/* targets_help: servers to be targets, and clients who want one. */
#ifndef TARGETS_HELP_H
#define TARGETS_HELP_H

#include <sys/socket.h>

#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>

#include <tcpkit/serve.h>

#include "help.h"
#include "msg.h"
#include "targets_impl.h"

static struct tcpk_loop	*loop;

/* --- what is said --------------------------------------------------------- */

static struct {
	enum msg_level	level;
	char		event[24], target[160], text[300];
} told[200];
static int	ntold;

static void
tell(enum msg_level level, const struct msg_fields *f, const char *text)
{
	/* As it would be shown without -v. */
	if (ntold == 200 || level > MSG_NOTICE)
		return;
	told[ntold].level = level;
	snprintf(told[ntold].event, sizeof(told[0].event), "%s", f->event);
	snprintf(told[ntold].target, sizeof(told[0].target), "%s",
	    f->target != NULL ? f->target : "");
	snprintf(told[ntold].text, sizeof(told[0].text), "%s", text);
	ntold++;
}

void
msg(const struct msg *m, enum msg_level level, const struct msg_fields *f,
    const char *fmt, ...)
{
	char	text[300];
	va_list	ap;

	(void)m;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	tell(level, f, text);
}

void
msg_err(const struct msg *m, enum msg_level level, const struct msg_fields *f,
    const struct tcpk_err *err)
{
	(void)m;
	tell(level, f, err->text);
}

int
msg_result(const struct msg *m, const struct msg_fields *f)
{
	(void)m;
	(void)f;
	return 0;
}

/* How often, of this level or a graver one. */
__attribute__((unused))
static int
said(const char *event, enum msg_level level)
{
	int	i, n = 0;

	for (i = 0; i < ntold; i++)
		n += strcmp(told[i].event, event) == 0 &&
		    told[i].level <= level;
	return n;
}

__attribute__((unused))
static void
show_told(void)
{
	int	i;

	for (i = 0; i < ntold; i++)
		note("%d %s %s: %s", (int)told[i].level, told[i].event,
		    told[i].target, told[i].text);
}

/* --- servers -------------------------------------------------------------- */

#define CLIENTS_MOST	64

struct server {
	struct tcpk_endpoint ep;
	struct tcpk_serve   *serve;
	char		     place[200];	/* to connect to */
	unsigned	     port;
	int		     ready, clients, left;
	struct tcpk_stream  *streams[CLIENTS_MOST];
	size_t		     read[CLIENTS_MOST];
	bool		     ended[CLIENTS_MOST], broken[CLIENTS_MOST];
	char		     header[200];	/* what the last one sent */
	struct tcpk_addr     peer;
	/* What it does with clients. */
	const char	    *banner;
	bool		     closes;
};

static void
hang_up(struct server *s, int i)
{
	tcpk_stream_finish(s->streams[i]);
	tcpk_stream_free(s->streams[i]);
	s->streams[i] = NULL;
	s->left++;
}

static void
server_read(struct server *s, int i)
{
	char	buf[200];
	ssize_t	got;

	while ((got = tcpk_stream_read(s->streams[i], buf,
	    sizeof(buf) - 1)) > 0) {
		s->read[i] += (size_t)got;
		buf[got] = '\0';
		snprintf(s->header, sizeof(s->header), "%s", buf);
	}
	if (got == TCPK_AGAIN)
		return;
	s->ended[i] = got == 0;
	s->broken[i] = got == -1;
	hang_up(s, i);
}

static void
server_poll(void *arg, unsigned ready)
{
	struct server	*s = arg;
	int		 i;

	(void)ready;
	for (i = 0; i < s->clients; i++)
		if (s->streams[i] != NULL)
			server_read(s, i);
}

static void
server_ready(void *arg, const struct tcpk_addr *addrs, size_t n,
    const struct tcpk_err *err)
{
	struct server	*s = arg;

	if (err != NULL) {
		printf("Bail out! %s\n", err->text);
		exit(1);
	}
	s->ready += (int)n;
	s->port = tcpk_addr_port(&addrs[0]);
}

static void
server_client(void *arg, const struct tcpk_client *c)
{
	struct server	*s = arg;
	int		 i = s->clients++;

	if (i == CLIENTS_MOST)
		abort();
	s->peer = *c->peer;
	s->streams[i] = c->stream;
	if (s->banner != NULL)
		tcpk_stream_write(c->stream, s->banner, strlen(s->banner));
	if (s->closes) {
		hang_up(s, i);
		return;
	}
	tcpk_stream_on_ready(c->stream, server_poll, s);
	tcpk_stream_want(c->stream, TCPK_READ);
}

/* Listen by this address; what it does is set already. */
__attribute__((unused))
static void
server_start(struct server *s, const char *address)
{
	static const struct tcpk_serve_opts	 opts;
	static const struct tcpk_serve_handler	 h = {
		.ready = server_ready,
		.client = server_client
	};
	struct tcpk_tls_cert			*cert;
	struct tcpk_err				 err;

	s->ready = s->clients = s->left = 0;
	memset(s->read, 0, sizeof(s->read));
	if (tcpk_endpoint_parse(&s->ep, address, TCPK_LISTEN, &err) == -1 ||
	    (s->serve = tcpk_serve_start(loop, &s->ep, &opts, &h, s,
	    &err)) == NULL) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
	wait_for(loop, &s->ready, 1);
	cert = s->ep.scheme == TCPK_TLS ? tcpk_serve_cert(s->serve, 0) : NULL;
	if (cert != NULL)
		snprintf(s->place, sizeof(s->place),
		    "tls://127.0.0.1:%u,pin=%s,pin-only", s->port, cert->pin);
	else
		snprintf(s->place, sizeof(s->place), "127.0.0.1:%u", s->port);
	free(cert);
}

__attribute__((unused))
static void
server_stop(struct server *s)
{
	int	i;

	for (i = 0; i < s->clients; i++)
		if (s->streams[i] != NULL)
			hang_up(s, i);
	tcpk_serve_free(s->serve);
	s->serve = NULL;
	tcpk_endpoint_free(&s->ep);
}

/* The same place again. */
__attribute__((unused))
static void
server_again(struct server *s)
{
	char	address[64];

	snprintf(address, sizeof(address), "127.0.0.1:%u", s->port);
	server_start(s, address);
}

/* Back to so many descriptors, once all have seen that the others left. */
__attribute__((unused))
static bool
all_closed(int fds)
{
	uint64_t	end = tcpk_now() + LONG;

	while (count_fds() != fds && tcpk_now() < end)
		turn_for(loop, 5 * TCPK_MS);
	return count_fds() == fds;
}

/* --- a set of targets ----------------------------------------------------- */

#define TARGETS_MOST	8

static struct {
	struct tcpk_endpoint	eps[TARGETS_MOST];
	size_t			n;
	struct targets		*ts;
	struct target_counters	counters[TARGETS_MOST];
} set;

/* Clients, and trials, that were counted on but never off. */
static uint64_t	leftover;

static const struct msg	quiet = { .tool = "targets" };

/* The addresses end with NULL. */
__attribute__((unused))
static bool
set_new(enum balance balance, struct tcpk_err *err, ...)
{
	struct targets_opts	 o = {
		.balance = balance,
		.numeric = true,
		.msg = &quiet
	};
	const char		*text;
	size_t			 i;
	va_list			 ap;

	memset(&set, 0, sizeof(set));
	ntold = 0;
	va_start(ap, err);
	while ((text = va_arg(ap, const char *)) != NULL)
		if (tcpk_endpoint_parse(&set.eps[set.n++], text, TCPK_TARGET,
		    err) == -1) {
			printf("Bail out! %s\n", err->text);
			exit(1);
		}
	va_end(ap);
	set.ts = targets_new(set.eps, set.n, &o, err);
	if (set.ts == NULL)
		return false;
	for (i = 0; i < set.n; i++)
		targets_count(set.ts, i, &set.counters[i]);
	return targets_start(set.ts, loop, NULL, err) == 0;
}

__attribute__((unused))
static void
set_end(void)
{
	size_t	i;

	for (i = 0; set.ts != NULL && i < set.n; i++)
		leftover += set.ts->choices[i].now + set.counters[i].now +
		    set.ts->target[i].trials;
	targets_free(set.ts);
	for (i = 0; i < set.n; i++)
		tcpk_endpoint_free(&set.eps[i]);
	memset(&set, 0, sizeof(set));
}

/* --- clients -------------------------------------------------------------- */

struct want {
	struct targets_get *get;
	struct tcpk_stream *stream;
	struct target	   *target;
	struct tcpk_err	    err;
	int		    done, which;	/* -1 none */
	bool		    pooled, early, starting;
	char		    first[100];
	size_t		    nfirst;
};

static void
want_done(void *arg, const struct targets_got *got)
{
	struct want	*w = arg;
	size_t		 i;

	w->early = w->starting;
	w->done++;
	w->get = NULL;
	w->stream = got->stream;
	w->target = got->target;
	w->pooled = got->pooled;
	w->err = got->err;
	w->nfirst = got->nfirst;
	if (got->nfirst > 0 && got->nfirst < sizeof(w->first))
		memcpy(w->first, got->first, got->nfirst);
	w->which = -1;
	for (i = 0; i < set.n; i++)
		if (target_endpoint(got->target) == &set.eps[i])
			w->which = (int)i;
}

__attribute__((unused))
static void
want_start(struct want *w, const char *client)
{
	struct tcpk_proxy_from	from = { .tls = NULL };
	struct tcpk_err		err;

	memset(w, 0, sizeof(*w));
	tcpk_addr_parse(&from.client, client, 1000, NULL);
	tcpk_addr_parse(&from.listener, "192.0.2.1", 80, NULL);
	w->starting = true;
	w->get = targets_get(set.ts, &from, 1, NULL, want_done, w, &err);
	w->starting = false;
	if (w->get == NULL) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
}

__attribute__((unused))
static void
want_end(struct want *w)
{
	if (w->stream == NULL)
		return;
	tcpk_stream_finish(w->stream);
	tcpk_stream_free(w->stream);
	target_left(w->target, 0, 0);
	w->stream = NULL;
}

/* The target that a client gets: 0 and so on; -1 none; -2 no answer. */
__attribute__((unused))
static int
get_one(struct want *w)
{
	want_start(w, "192.0.2.7");
	if (!wait_for(loop, &w->done, 1) || w->done != 1 || w->early)
		return -2;
	return w->stream != NULL ? w->which : -1;
}

/* The same, and it leaves at once. */
__attribute__((unused))
static int
go_and_leave(void)
{
	struct want	w;
	int		which = get_one(&w);

	want_end(&w);
	return which;
}

#endif
