/* A pump's clock: when something falls due, and what is done about it. */

#include "pump_impl.h"

/* A peer that was half-closed has this long to end, SPEC 1.3. */
#define LINGER		(5 * TCPK_SECOND)

/* What was sent has at least this long to be acknowledged. */
#define GRACE		TCPK_SECOND

/* What is read and thrown away when a connection is left at once. */
#define SWEEP		16

static void
time_out(struct tcpk_pump *p, const char *what)
{
	struct tcpk_err	err;

	tcpk_err_set(&err, TCPK_ETIMEOUT, "%s", what);
	tcpk__pump_fail(p, -1, &err);
}

static uint64_t
later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* t plus a duration that may be TCPK_FOREVER. */
static uint64_t
after(uint64_t t, uint64_t duration)
{
	return duration > TCPK_FOREVER - t ? TCPK_FOREVER : t + duration;
}

/* 0: none, or it has been reached and that was fine. */
static uint64_t
deadline_of(const struct tcpk_pump *p)
{
	return p->late ? 0 : p->opts->deadline;
}

/* Until one half has ended only a few things can fall due. */
static bool
one_ended(const struct tcpk_pump *p)
{
	return p->half[0].ended || p->half[1].ended;
}

/* Each of these says when something falls due: TCPK_FOREVER for never. */

static uint64_t
linger_due(const struct tcpk__half *h)
{
	const struct tcpk__half	*other = tcpk__half_other(h);
	uint64_t		 due, deadline;

	if (h->state != DISCARD || other->state != DONE)
		return TCPK_FOREVER;
	/* Nothing was sent that closing could destroy. */
	if (other->bytes == 0 || tcpk__half_pump(h)->cut)
		return other->done_at;
	due = other->done_at + LINGER;
	deadline = deadline_of(tcpk__half_pump(h));
	return deadline != 0 && deadline < due ? deadline : due;
}

/* Lingering is an end that succeeded: time-outs make no error of it. */
static bool
lingering(const struct tcpk_pump *p)
{
	return linger_due(&p->half[0]) != TCPK_FOREVER ||
	    linger_due(&p->half[1]) != TCPK_FOREVER;
}

/* When a byte of this half moved last, or had to wait on purpose. */
static uint64_t
active_at(const struct tcpk__half *h)
{
	return later(h->moved_at, later(tcpk_stream_holds(tcpk__half_src(h)),
	    tcpk_stream_holds(tcpk__half_dst(h))));
}

static uint64_t
idle_due(const struct tcpk_pump *p)
{
	if (p->opts->idle_timeout == 0 || lingering(p))
		return TCPK_FOREVER;
	return after(later(active_at(&p->half[0]), p->half[1].moved_at),
	    p->opts->idle_timeout);
}

static uint64_t
half_close_due(const struct tcpk__half *h)
{
	const struct tcpk__half	*other = tcpk__half_other(h);

	if (tcpk__half_pump(h)->opts->half_close_timeout == 0 ||
	    h->state == DONE || h->state == DISCARD || !other->ended ||
	    tcpk__half_src(h) == tcpk__half_dst(h))
		return TCPK_FOREVER;
	return after(later(active_at(h), other->ended_at),
	    tcpk__half_pump(h)->opts->half_close_timeout);
}

static uint64_t
quiet_due(const struct tcpk__half *h)
{
	const struct tcpk__half	*other = tcpk__half_other(h);
	uint64_t		 moved_at;

	if (h->state != FLOW || tcpk__half_pending(h) ||
	    !other->ended ||
	    (tcpk__half_opts(h)->patient && !other->heard))
		return TCPK_FOREVER;
	/* What is kept back is input that was there. */
	moved_at = tcpk__half_opts(h)->quiet == 0 ? h->moved_at :
	    later(h->moved_at, tcpk_stream_holds(tcpk__half_src(h)));
	return after(later(moved_at, other->ended_at),
	    tcpk__half_opts(h)->quiet);
}

static uint64_t
at_most_due(const struct tcpk__half *h)
{
	const struct tcpk__half	*other = tcpk__half_other(h);

	if ((h->state != FLOW && h->state != DISCARD) ||
	    !other->ended)
		return TCPK_FOREVER;
	return after(other->ended_at, tcpk__half_opts(h)->at_most);
}

/* Once half h was stopped by at_most: is the other acknowledged by then? */
static uint64_t
grace_due(const struct tcpk__half *h)
{
	const struct tcpk__half	*other = tcpk__half_other(h);

	/* The limit was reached: then what was sent has as long as a peer
	 * has to end. */
	if (tcpk__half_opts(h)->limit != 0 &&
	    h->taken == tcpk__half_opts(h)->limit &&
	    h->ended && other->state != DONE)
		return after(h->ended_at, LINGER);
	if ((other->state != FINISH && other->state != DRAIN) || other->gone)
		return TCPK_FOREVER;
	return later(after(other->ended_at, tcpk__half_opts(h)->at_most),
	    other->finish_at + GRACE);
}

static uint64_t
drain_due(const struct tcpk__half *h)
{
	return h->state == DRAIN ? h->drain_at : TCPK_FOREVER;
}

/*
 * Leave a source although it may say more: what it said already is read, so
 * that closing it sends no reset at once.
 */
static void
leave(struct tcpk__half *h)
{
	ssize_t	got = 1;
	int	i;

	if (tcpk__half_pending(h)) {
		time_out(tcpk__half_pump(h),
		    "time limit with output not yet written");
		return;
	}
	if (tcpk__half_short(h))
		return;
	tcpk__half_set(h, FINISH);
	for (i = 0; i < SWEEP && got > 0; i++)
		got = tcpk_stream_read(tcpk__half_src(h),
		    tcpk_loop_scratch(tcpk__half_pump(h)->loop), TCPK_SCRATCH);
}

/* What its source keeps is input, too; unless nothing was to be awaited. */
static void
quiet(struct tcpk__half *h)
{
	if (tcpk__half_opts(h)->quiet == 0 ||
	    !tcpk_stream_let_go(tcpk__half_src(h)))
		tcpk__half_stop(h);
	else
		tcpk__half_readable(h);
}

bool
tcpk__pump_run_due(struct tcpk_pump *p, uint64_t now)
{
	struct tcpk__half	*h;
	bool			 changed = false;
	int			 i;

	/* Nothing is idle that waits for more: what is there comes first. */
	for (i = 0; i < 2 && !p->over; i++)
		if (now >= tcpk__bulk_due(&p->half[i])) {
			tcpk__bulk_look(&p->half[i]);
			changed = true;
		}
	if (p->over)
		return changed;
	if (deadline_of(p) != 0 && now >= deadline_of(p) &&
	    !lingering(p))
		time_out(p, "deadline reached");
	else if (now >= idle_due(p))
		time_out(p, "idle time-out: nothing moved");
	for (i = 0; i < 2 && !p->over && one_ended(p); i++) {
		h = &p->half[i];
		if (now >= half_close_due(h))
			time_out(p, "half-close time-out: nothing moved");
		else if (now >= at_most_due(h)) {
			leave(h);
			changed = true;
		} else if (now >= grace_due(h))
			time_out(p,
			    "not acknowledged by the peer within the limit");
		else if (now >= linger_due(h)) {
			/* A deadline that cut it short has had its say. */
			if (now >= deadline_of(p))
				p->late = true;
			tcpk__half_set(h, p->cut ? DONE : FINISH);
			changed = true;
		} else if (now >= quiet_due(h)) {
			quiet(h);
			changed = true;
		}
	}
	return changed;
}

uint64_t
tcpk__pump_next_due(const struct tcpk_pump *p)
{
	uint64_t	due, t[6];
	size_t		j;
	int		i;

	due = deadline_of(p) != 0 ? deadline_of(p) : TCPK_FOREVER;
	if (idle_due(p) < due)
		due = idle_due(p);
	for (i = 0; i < 2; i++)
		if (tcpk__bulk_due(&p->half[i]) < due)
			due = tcpk__bulk_due(&p->half[i]);
	for (i = 0; i < 2 && one_ended(p); i++) {
		t[0] = half_close_due(&p->half[i]);
		t[1] = quiet_due(&p->half[i]);
		t[2] = at_most_due(&p->half[i]);
		t[3] = grace_due(&p->half[i]);
		t[4] = linger_due(&p->half[i]);
		t[5] = drain_due(&p->half[i]);
		for (j = 0; j < sizeof(t) / sizeof(t[0]); j++)
			if (t[j] < due)
				due = t[j];
	}
	return due;
}
