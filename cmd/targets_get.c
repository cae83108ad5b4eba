/* A connection for a client, to the first target of those that works. */

#include <stdlib.h>

#include "targets_impl.h"
#include "tls_msg.h"
#include "ucspi.h"

/* A target that is there has answered by then. */
#define LATE	(20 * TCPK_MS)

extern char	**environ;

struct targets_get {
	struct targets	*ts;
	struct target	*target;	/* being tried, or the last */
	struct tcpk_connect *connect;
	struct tcpk_timer timer;	/* the first try; then late */
	struct tcpk_proxy_from from;
	char	       **env;		/* of programs; NULL: none yet */
	uint64_t	 conn;
	uint64_t	 client;	/* hash of its address */
	void	       (*fn)(void *, const struct targets_got *);
	void	       (*late)(void *);
	void		*arg;
	bool		 begun;
	bool		 trial;
	bool		 reserved;	/* a descriptor is kept back */
	bool		 tried[];
};

/* What was kept back is opened next, or is not needed any more. */
static void
use_reserve(struct targets_get *g)
{
	if (g->reserved)
		tcpk_reserve_use(g->ts->reserve);
	g->reserved = false;
}

static void
finish(struct targets_get *g, struct targets_got *got)
{
	struct target	*t = g->target;

	use_reserve(g);
	tcpk_timer_stop(&g->timer);
	got->target = t;
	if (got->stream != NULL) {
		atomic_fetch_add(&t->counters->now, 1);
		atomic_fetch_add(&t->counters->total, 1);
		atomic_fetch_add(&t->counters->bytes_in, got->nfirst);
	}
	ucspi_free(g->env);
	g->fn(g->arg, got);
	free(g);
}

static void
agreed(const struct targets_get *g, const struct targets_got *got)
{
	const struct target		*t = g->target;
	const struct tcpk_tls_info	*info = tcpk_tls_info(got->stream);
	struct msg_fields		 f = { .conn = g->conn };
	char				 text[TCPK_ADDR_TEXT];

	if (info == NULL)
		return;
	f.target = t->ep->text;
	f.peer = tcpk_addr_format(&got->peer, text, sizeof(text));
	tls_msg_agreed(t->ts->msg, &f, info, t->ep->o.insecure);
}

/* True if one was waiting; then the get is gone. */
static bool
take_spare(struct targets_get *g)
{
	struct targets_got	 got = { .pooled = true };
	char			*first = NULL;

	got.stream = pool_take(g->target, &first, &got.nfirst);
	if (got.stream == NULL)
		return false;
	got.first = first;
	if (tcpk_stream_peer(got.stream, &got.peer) == -1)
		got.peer.len = 0;
	agreed(g, &got);
	finish(g, &got);
	free(first);
	return true;
}

static void
failed(struct targets_get *g, const struct tcpk_connected *c)
{
	struct target	*t = g->target;

	/* Before others take it: the next target needs one as well. */
	if (g->ts->reserve != NULL && !g->reserved)
		g->reserved = tcpk_reserve_again(g->ts->reserve);
	target_say_failed(t, c, g->conn, MSG_WARNING);
	target_fails(t, c);
	t->choice->now--;
	atomic_fetch_add(&t->counters->failed, 1);
}

static void	on_connected(void *, const struct tcpk_connected *);

static void
on_trying(void *arg, const struct tcpk_addr *addr)
{
	struct targets_get	*g = arg;
	struct msg_fields	 f = { .event = "connecting" };
	char			 text[TCPK_ADDR_TEXT];

	use_reserve(g);
	if (g->ts->msg->verbose == 0)
		return;
	f.conn = g->conn;
	f.target = g->target->ep->text;
	f.peer = tcpk_addr_format(addr, text, sizeof(text));
	msg(g->ts->msg, MSG_INFO, &f, "connecting to %s", text);
}

static bool
pick(struct targets_get *g)
{
	struct targets	*ts = g->ts;
	size_t		 i;

	for (i = 0; i < ts->n; i++)
		ts->choices[i].up = target_may(&ts->target[i]);
	i = choose(ts->balance, ts->choices, ts->n, g->client, g->tried);
	if (i == CHOICE_NONE)
		return false;
	g->tried[i] = true;
	g->target = &ts->target[i];
	g->target->choice->now++;
	return true;
}

static void
on_starting(void *arg)
{
	use_reserve(arg);
}

/* A program has its environment from us.  NULL: it cannot be begun. */
static struct tcpk_connect *
begin(struct targets_get *g, struct tcpk_err *err)
{
	struct tcpk_connect_opts	how = {
		.dial.trying = on_trying,
		.starting = on_starting,
		.from = &g->from
	};
	enum tcpk_scheme		scheme = g->target->ep->scheme;

	if (g->env == NULL && (scheme == TCPK_EXEC || scheme == TCPK_SH)) {
		g->env = ucspi_environment(environ, &g->from.listener,
		    &g->from.client, NULL, g->conn, g->from.tls);
		if (g->env == NULL) {
			tcpk_err_set(err, TCPK_EIO, "out of memory");
			return NULL;
		}
	}
	how.envp = g->env;
	return target_connect(g->target, &how, on_connected, g, err);
}

/* Go to the next; err is why the one before failed. */
static void
try_next(struct targets_get *g, const struct tcpk_err *err)
{
	struct tcpk_connected	 c = { 0 };
	struct targets_got	 got = { 0 };

	while (pick(g)) {
		if (take_spare(g))
			return;
		g->connect = begin(g, &c.err);
		if (g->connect != NULL) {
			g->trial = target_trying(g->target);
			return;
		}
		failed(g, &c);
		err = &c.err;
	}
	got.err = *err;
	finish(g, &got);
}

static void
on_connected(void *arg, const struct tcpk_connected *c)
{
	struct targets_get	*g = arg;
	struct targets_got	 got = { 0 };

	g->connect = NULL;
	if (c->stream == NULL) {
		failed(g, c);
		target_tried(g->target, g->trial);
		try_next(g, &c->err);
		return;
	}
	target_say_failed(g->target, c, g->conn, MSG_INFO);
	target_works(g->target);
	target_tried(g->target, g->trial);
	got.stream = c->stream;
	got.peer = c->peer;
	agreed(g, &got);
	finish(g, &got);
}

static void
on_timer(void *arg)
{
	struct targets_get	*g = arg;

	if (g->begun) {
		g->late(g->arg);
		return;
	}
	g->begun = true;
	if (g->late != NULL)
		tcpk_timer_set(&g->timer, tcpk_loop_now(g->ts->loop) + LATE);
	try_next(g, NULL);
}

/* Of the host alone: its ports are as many as its connections. */
static uint64_t
hash_client(const struct tcpk_addr *a)
{
	switch (tcpk_addr_family(a)) {
	case AF_INET:
		return choose_hash(&a->u.in.sin_addr,
		    sizeof(a->u.in.sin_addr));
	case AF_INET6:
		return choose_hash(&a->u.in6.sin6_addr,
		    sizeof(a->u.in6.sin6_addr));
	default:
		return choose_hash("", 0);
	}
}

struct targets_get *
targets_get(struct targets *ts, const struct tcpk_proxy_from *from,
    uint64_t conn, void (*late)(void *),
    void (*fn)(void *, const struct targets_got *), void *arg,
    struct tcpk_err *err)
{
	size_t			 tried = ts->n * sizeof(bool);
	struct targets_get	*g = malloc(sizeof(*g) + tried);

	if (g == NULL)
		goto nomem;
	*g = (struct targets_get){
		.ts = ts,
		.from = *from,
		.conn = conn,
		.client = hash_client(&from->client),
		.reserved = ts->reserve != NULL,
		.late = late,
		.fn = fn,
		.arg = arg
	};
	memset(g->tried, 0, tried);
	/* Not from here: what is in the pool would be there at once. */
	tcpk_timer_init(&g->timer, ts->loop, on_timer, g);
	if (tcpk_timer_set(&g->timer, tcpk_loop_now(ts->loop)) == 0)
		return g;
nomem:
	free(g);
	tcpk_err_set(err, TCPK_EIO, "out of memory");
	return NULL;
}

void
targets_get_cancel(struct targets_get *g)
{
	if (g == NULL)
		return;
	tcpk_timer_stop(&g->timer);
	use_reserve(g);
	if (g->connect != NULL) {
		tcpk_connect_cancel(g->connect);
		g->target->choice->now--;
		target_tried(g->target, g->trial);
	}
	ucspi_free(g->env);
	free(g);
}
