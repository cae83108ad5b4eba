/*
 * What is known of a target: set aside when nobody can connect to it, and
 * taken again when somebody can.
 *
 * Without check=T that is a client, one at a time, after a while that gets
 * longer; with it, only a probe of our own brings a target back, so that no
 * client waits for one that does not answer.
 */

#include <string.h>

#include "targets_impl.h"
#include "tls_msg.h"

#define ASIDE_LEAST	(TCPK_SECOND / 2)
#define ASIDE_MOST	(30 * TCPK_SECOND)

/* How long a target may take to end a connection that we have ended. */
#define CLOSING		(5 * TCPK_SECOND)

/* --- what came of connecting ---------------------------------------------- */

bool
target_trying(struct target *t)
{
	if (t->aside)
		t->trials++;
	return t->aside;
}

void
target_tried(struct target *t, bool trial)
{
	if (trial)
		t->trials--;
	pool_fill(t);
}

bool
target_may(const struct target *t)
{
	return !t->aside || (t->ep->o.check == 0 && t->trials == 0 &&
	    tcpk_now() >= t->until);
}

void
target_works(struct target *t)
{
	struct msg_fields	f = { .event = "target-up" };

	if (t->aside) {
		f.target = t->ep->text;
		msg(t->ts->msg, MSG_NOTICE, &f, "%s: is up again",
		    t->ep->text);
	}
	t->aside = false;
	backoff_reset(&t->again);
	atomic_store(&t->counters->up, 1);
	pool_fill(t);
}

static void
say_down(struct target *t, const struct tcpk_connected *c)
{
	struct msg_fields	f = { .event = "target-down" };
	char			peer[TCPK_ADDR_TEXT];
	const char		*why = c->err.text;
	size_t			n = strlen(t->ep->text);

	f.target = t->ep->text;
	/* Its name once is enough. */
	if (strncmp(why, t->ep->text, n) == 0 &&
	    strncmp(why + n, ": ", 2) == 0)
		why += n + 2;
	msg(t->ts->msg, MSG_WARNING, &f, "%s: set aside: %s", t->ep->text,
	    why);
	if (c->tls == NULL)
		return;
	f.peer = tcpk_addr_format(&c->peer, peer, sizeof(peer));
	tls_msg_presented(t->ts->msg, &f, t->ep->text, c->tls, true);
}

void
target_fails(struct target *t, const struct tcpk_connected *c)
{
	uint64_t	now = tcpk_now();

	/* We have no descriptors or memory: none of its business. */
	if (c->err.kind == TCPK_EIO)
		return;
	if (!t->aside)
		say_down(t, c);
	/* Many who waited for the same fail together: that counts once. */
	if (!t->aside || now >= t->until)
		t->until = now + backoff_next(&t->again);
	t->aside = true;
	atomic_store(&t->counters->up, 0);
}

/* --- probes --------------------------------------------------------------- */

static void
check_later(struct target *t)
{
	uint64_t	now = tcpk_now();

	tcpk_stream_free(t->closing);
	t->closing = NULL;
	if (t->check_due < now)
		t->check_due = now;
	tcpk_timer_set(&t->check_timer, t->check_due);
}

/* Whatever it says is not for us; its end is what we wait for. */
static void
on_closing(void *arg, unsigned ready)
{
	struct target	*t = arg;
	ssize_t		 got;

	(void)ready;
	got = tcpk_stream_read(t->closing, tcpk_loop_scratch(t->ts->loop),
	    TCPK_SCRATCH);
	if (got == 0 || got == -1)
		check_later(t);
}

static void
on_checked(void *arg, const struct tcpk_connected *c)
{
	struct target	*t = arg;
	uint64_t	 limit = tcpk_now() + CLOSING;

	t->check = NULL;
	if (c->stream == NULL) {
		target_say_failed(t, c, 0, MSG_DEBUG);
		target_fails(t, c);
		check_later(t);
		return;
	}
	target_works(t);
	t->closing = c->stream;
	if (limit > t->check_due)
		limit = t->check_due;
	if (tcpk_stream_finish(c->stream) == -1 ||
	    tcpk_timer_set(&t->check_timer, limit) == -1) {
		check_later(t);
		return;
	}
	tcpk_stream_on_ready(c->stream, on_closing, t);
	tcpk_stream_want(c->stream, TCPK_READ);
}

static void
on_check_timer(void *arg)
{
	struct target		*t = arg;
	struct tcpk_connected	 c = { 0 };

	if (t->closing != NULL) {
		check_later(t);
		return;
	}
	t->check_due = tcpk_now() + t->ep->o.check;
	t->check = target_connect(t, NULL, on_checked, t, &c.err);
	if (t->check == NULL) {
		target_fails(t, &c);
		check_later(t);
	}
}

void
checks_start(struct target *t)
{
	tcpk_timer_init(&t->check_timer, t->ts->loop, on_check_timer, t);
	if (t->ep->o.check != 0)
		tcpk_timer_set(&t->check_timer, tcpk_now());
}

void
checks_stop(struct target *t)
{
	tcpk_timer_stop(&t->check_timer);
	tcpk_connect_cancel(t->check);
	t->check = NULL;
	tcpk_stream_free(t->closing);
	t->closing = NULL;
}

/* --- in the beginning ----------------------------------------------------- */

void
health_init(struct target *t)
{
	backoff_init(&t->again, ASIDE_LEAST, ASIDE_MOST);
	atomic_store(&t->counters->up, 1);
}
