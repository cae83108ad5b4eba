/*
 * Connections that are open before a client needs one.
 *
 * They are read while they wait: that is the only way to learn that a target
 * has ended one, whatever is spoken over it.  What it said (a banner) is kept
 * and goes to the client first.
 */

#include <stdlib.h>
#include <string.h>

#include "targets_impl.h"

/* How many of one target's are being connected at once. */
#define AT_ONCE		16

/* More than a banner: what follows waits in the kernel. */
#define FIRST_MOST	(16 * 1024)

/* A target that keeps ending them gets new ones after so long. */
#define LOSS_LEAST	(TCPK_SECOND / 10)
#define LOSS_MOST	(30 * TCPK_SECOND)

/* One that had lasted so long was not turned away. */
#define LASTED		(10 * TCPK_SECOND)

struct spare {
	struct target	*target;
	struct tcpk_connect *connect;
	struct tcpk_stream *stream;
	uint64_t	 since;		/* it has the stream */
	char		*first;
	size_t		 nfirst;
	bool		 trial;		/* see target_trying */
};

int
pool_new(struct target *t, struct tcpk_err *err)
{
	size_t	i;

	backoff_init(&t->losses, LOSS_LEAST, LOSS_MOST);
	if (t->ep->o.pool == 0)
		return 0;
	t->spares = calloc(t->ep->o.pool, sizeof(*t->spares));
	if (t->spares == NULL)
		return tcpk_err_set(err, TCPK_EIO, "out of memory");
	for (i = 0; i < t->ep->o.pool; i++)
		t->spares[i].target = t;
	return 0;
}

void
pool_free(struct target *t)
{
	free(t->spares);
}

/* Nothing was said on it, so this costs nobody anything. */
static void
drop(struct spare *s)
{
	if (s->stream != NULL)
		tcpk_stream_finish(s->stream);
	tcpk_stream_free(s->stream);
	s->stream = NULL;
	free(s->first);
	s->first = NULL;
	s->nfirst = 0;
}

static void
lost(struct spare *s)
{
	struct target	*t = s->target;
	uint64_t	 now = tcpk_now();

	if (now - s->since >= LASTED)
		backoff_reset(&t->losses);
	/* Those that end together are one loss. */
	if (now >= t->not_before)
		t->not_before = now + backoff_next(&t->losses);
	drop(s);
}

/* --- while it waits ------------------------------------------------------- */

static bool
keep(struct spare *s, const void *data, size_t n)
{
	char	*grown = realloc(s->first, s->nfirst + n);

	if (grown == NULL)
		return false;
	memcpy(grown + s->nfirst, data, n);
	s->first = grown;
	s->nfirst += n;
	return true;
}

/* Read what there is.  False when it has ended, or failed. */
static bool
is_alive(struct spare *s)
{
	void	*buf = tcpk_loop_scratch(s->target->ts->loop);
	ssize_t	 got;

	while (s->nfirst < FIRST_MOST) {
		got = tcpk_stream_read(s->stream, buf,
		    FIRST_MOST - s->nfirst);
		if (got == TCPK_AGAIN)
			return true;
		if (got <= 0 || !keep(s, buf, (size_t)got))
			return false;
	}
	return true;
}

static void
on_ready(void *arg, unsigned ready)
{
	struct spare	*s = arg;

	/* Not asked for what it says, it can only have hung up. */
	if ((ready & TCPK_READ) != 0 && is_alive(s)) {
		tcpk_stream_want(s->stream, s->nfirst < FIRST_MOST ?
		    TCPK_READ : TCPK_HUP);
		return;
	}
	lost(s);
	pool_fill(s->target);
}

/* --- more of them --------------------------------------------------------- */

/* Where it is not set aside for that, it is our part to wait. */
static void
could_not(struct target *t, const struct tcpk_connected *c)
{
	uint64_t	now = tcpk_now();

	target_fails(t, c);
	if (!t->aside && now >= t->not_before)
		t->not_before = now + backoff_next(&t->losses);
}

static void
on_connected(void *arg, const struct tcpk_connected *c)
{
	struct spare	*s = arg;
	struct target	*t = s->target;

	s->connect = NULL;
	t->connecting--;
	if (c->stream != NULL) {
		s->stream = c->stream;
		s->since = tcpk_now();
		tcpk_stream_on_ready(s->stream, on_ready, s);
		tcpk_stream_want(s->stream, TCPK_READ);
		target_works(t);
	} else {
		target_say_failed(t, c, 0, MSG_DEBUG);
		could_not(t, c);
	}
	target_tried(t, s->trial);
}

static bool
open_one(struct spare *s)
{
	struct target		*t = s->target;
	struct tcpk_connected	 c = { 0 };

	s->connect = target_connect(t, NULL, on_connected, s, &c.err);
	if (s->connect == NULL) {
		could_not(t, &c);
		return false;
	}
	s->trial = target_trying(t);
	t->connecting++;
	return true;
}

/* When the next may be opened: TCPK_FOREVER when something else tells. */
static uint64_t
when(const struct target *t)
{
	uint64_t	due = t->not_before;

	if (!t->aside)
		return due;
	if (t->ep->o.check != 0 || t->trials > 0)
		return TCPK_FOREVER;
	return due > t->until ? due : t->until;
}

void
pool_fill(struct target *t)
{
	uint64_t	 due;
	size_t		 i;
	struct spare	*s;

	if (!t->ts->running)
		return;
	for (i = 0; i < t->ep->o.pool; i++) {
		s = &t->spares[i];
		if (s->stream != NULL || s->connect != NULL)
			continue;
		due = when(t);
		if (due == TCPK_FOREVER || t->connecting == AT_ONCE)
			return;
		if (due > tcpk_now() || !open_one(s)) {
			due = when(t);
			if (due != TCPK_FOREVER)
				tcpk_timer_set(&t->refill, due);
			return;
		}
	}
}

static void
on_refill(void *arg)
{
	pool_fill(arg);
}

void
pool_start(struct target *t)
{
	tcpk_timer_init(&t->refill, t->ts->loop, on_refill, t);
	pool_fill(t);
}

void
pool_stop(struct target *t)
{
	struct spare	*s;
	size_t		 i;

	tcpk_timer_stop(&t->refill);
	for (i = 0; i < t->ep->o.pool; i++) {
		s = &t->spares[i];
		if (s->connect != NULL) {
			tcpk_connect_cancel(s->connect);
			s->connect = NULL;
			t->connecting--;
			target_tried(t, s->trial);
		}
		drop(s);
	}
}

/* The oldest: one that nobody ever took would be ended as idle. */
static struct spare *
oldest(struct target *t)
{
	struct spare	*s, *best = NULL;
	size_t		 i;

	for (i = 0; i < t->ep->o.pool; i++) {
		s = &t->spares[i];
		if (s->stream != NULL &&
		    (best == NULL || s->since < best->since))
			best = s;
	}
	return best;
}

struct tcpk_stream *
pool_take(struct target *t, char **first, size_t *nfirst)
{
	struct tcpk_stream	*stream = NULL;
	struct spare		*s;

	while (stream == NULL && (s = oldest(t)) != NULL) {
		if (!is_alive(s)) {
			lost(s);
			continue;
		}
		stream = s->stream;
		*first = s->first;
		*nfirst = s->nfirst;
		s->stream = NULL;
		s->first = NULL;
		s->nfirst = 0;
		tcpk_stream_want(stream, 0);
		tcpk_stream_on_ready(stream, NULL, NULL);
	}
	pool_fill(t);
	return stream;
}
