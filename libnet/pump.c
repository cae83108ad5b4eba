/* Two halves: events, timers, and the one place that decides the end. */

#include <stdlib.h>
#include <string.h>

#include "pump_impl.h"

/* A peer that was half-closed has this long to end, SPEC 1.3. */
#define LINGER		(5 * TCPK_SECOND)

/* What was sent has at least this long to be acknowledged. */
#define GRACE		TCPK_SECOND

/* What is read and thrown away when a connection is left at once. */
#define SWEEP		16

void
tcpk_pump_defaults(struct tcpk_pump_opts *opts)
{
	int	i;

	memset(opts, 0, sizeof(*opts));
	for (i = 0; i < 2; i++) {
		opts->half[i].quiet = TCPK_FOREVER;
		opts->half[i].at_most = TCPK_FOREVER;
	}
}

void
tcpk__pump_note(struct tcpk_pump *p, int side, const struct tcpk_err *err)
{
	if (p->err.kind != TCPK_OK)
		return;
	p->err = *err;
	p->side = side;
	/* A stream that had no memory to say what failed. */
	if (p->err.kind == TCPK_OK)
		tcpk_err_set(&p->err, TCPK_EIO, "out of memory");
}

void
tcpk__pump_fail(struct tcpk_pump *p, int side, const struct tcpk_err *err)
{
	tcpk__pump_note(p, side, err);
	p->over = true;
}

static void
free_pump(struct tcpk_pump *p)
{
	struct tcpk_stream	*a = p->streams[0], *b = p->streams[1];
	int			 i;

	tcpk_timer_stop(&p->timer);
	for (i = 0; i < 2; i++) {
		tcpk__half_release(&p->half[i]);
		/* An end that is not the whole must not look like one. */
		if (p->opts.reset[!i] || p->half[i].broken ||
		    (p->over && p->half[i].state != DONE))
			tcpk_stream_reset(p->streams[!i]);
	}
	tcpk_stream_free(a);
	if (b != a)
		tcpk_stream_free(b);
	free(p);
}

static void
complete(struct tcpk_pump *p)
{
	void	(*done)(void *, const struct tcpk_pump_report *) = p->done;
	struct tcpk_pump_report	report;
	void			*arg = p->arg;

	tcpk_pump_bytes(p, report.bytes);
	report.duration = tcpk_now() - p->started;
	report.err = p->err;
	report.side = p->side;
	free_pump(p);
	done(arg, &report);
}

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

/* Each of these says when something falls due: TCPK_FOREVER for never. */

static uint64_t
linger_due(const struct tcpk__half *h)
{
	const struct tcpk__half	*other = tcpk__half_other(h);

	if (h->state != DISCARD || other->state != DONE)
		return TCPK_FOREVER;
	/* Nothing was sent that closing could destroy. */
	return other->bytes == 0 ? other->done_at : other->done_at + LINGER;
}

/* Lingering is an end that succeeded: time-outs make no error of it. */
static bool
lingering(const struct tcpk_pump *p)
{
	return linger_due(&p->half[0]) != TCPK_FOREVER ||
	    linger_due(&p->half[1]) != TCPK_FOREVER;
}

static uint64_t
idle_due(const struct tcpk_pump *p)
{
	if (p->opts.idle_timeout == 0 || lingering(p))
		return TCPK_FOREVER;
	return after(later(p->half[0].moved_at, p->half[1].moved_at),
	    p->opts.idle_timeout);
}

static uint64_t
half_close_due(const struct tcpk__half *h)
{
	const struct tcpk__half	*other = tcpk__half_other(h);

	if (h->pump->opts.half_close_timeout == 0 || h->state == DONE ||
	    h->state == DISCARD || other->ended_at == 0 || h->src == h->dst)
		return TCPK_FOREVER;
	return after(later(h->moved_at, other->ended_at),
	    h->pump->opts.half_close_timeout);
}

static uint64_t
quiet_due(const struct tcpk__half *h)
{
	const struct tcpk__half	*other = tcpk__half_other(h);

	if (h->state != FLOW || h->off != h->len || other->ended_at == 0 ||
	    (h->opts->patient && other->taken == 0))
		return TCPK_FOREVER;
	return after(later(h->moved_at, other->ended_at), h->opts->quiet);
}

static uint64_t
at_most_due(const struct tcpk__half *h)
{
	const struct tcpk__half	*other = tcpk__half_other(h);

	if ((h->state != FLOW && h->state != DISCARD) ||
	    other->ended_at == 0)
		return TCPK_FOREVER;
	return after(other->ended_at, h->opts->at_most);
}

/* Once half h was stopped by at_most: is the other acknowledged by then? */
static uint64_t
grace_due(const struct tcpk__half *h)
{
	const struct tcpk__half	*other = tcpk__half_other(h);

	/* The limit was reached: then what was sent has as long as a peer
	 * has to end. */
	if (h->opts->limit != 0 && h->taken >= h->opts->limit &&
	    h->ended_at != 0 && other->state != DONE)
		return after(h->ended_at, LINGER);
	if ((other->state != FINISH && other->state != DRAIN) || other->gone)
		return TCPK_FOREVER;
	return after(other->ended_at, later(h->opts->at_most, GRACE));
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

	if (h->off != h->len) {
		time_out(h->pump, "time limit with output not yet written");
		return;
	}
	if (tcpk__half_short(h))
		return;
	tcpk__half_set(h, FINISH);
	for (i = 0; i < SWEEP && got > 0; i++)
		got = tcpk_stream_read(h->src,
		    tcpk_loop_scratch(h->pump->loop), TCPK_SCRATCH);
}

/* Act on what is due.  True when a state changed. */
static bool
run_due(struct tcpk_pump *p, uint64_t now)
{
	struct tcpk__half	*h;
	bool			 changed = false;
	int			 i;

	if (p->opts.deadline != 0 && now >= p->opts.deadline &&
	    !lingering(p))
		time_out(p, "deadline reached");
	else if (now >= idle_due(p))
		time_out(p, "idle time-out: nothing moved");
	for (i = 0; i < 2 && !p->over; i++) {
		h = &p->half[i];
		if (now >= half_close_due(h))
			time_out(p, "half-close time-out: nothing moved");
		else if (now >= at_most_due(h)) {
			leave(h);
			changed = true;
		} else if (now >= grace_due(h))
			time_out(p,
			    "not acknowledged by the peer within the limit");
		else if (now >= linger_due(h) || (lingering(p) &&
		    h->state == DISCARD && p->opts.deadline != 0 &&
		    now >= p->opts.deadline)) {
			tcpk__half_set(h, FINISH);
			changed = true;
		} else if (now >= quiet_due(h)) {
			tcpk__half_stop(h);
			changed = true;
		}
	}
	return changed;
}

static uint64_t
next_due(const struct tcpk_pump *p)
{
	uint64_t	due, t[6];
	size_t		j;
	int		i;

	due = p->opts.deadline != 0 ? p->opts.deadline : TCPK_FOREVER;
	if (idle_due(p) < due)
		due = idle_due(p);
	for (i = 0; i < 2; i++) {
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

static void
set_wants(struct tcpk_pump *p)
{
	bool		echo = p->streams[0] == p->streams[1];
	unsigned	want;
	uint64_t	due;
	int		x;

	for (x = 0; x < (echo ? 1 : 2); x++) {
		want = tcpk__half_wants_src(&p->half[x]) |
		    tcpk__half_wants_dst(&p->half[echo ? 0 : !x]);
		if (want != p->want[x])
			tcpk_stream_want(p->streams[x], want);
		p->want[x] = want;
	}
	due = next_due(p);
	/* A timer that is set too early costs one look, moving it each time
	 * a byte moves would cost more. */
	if (due == TCPK_FOREVER)
		tcpk_timer_stop(&p->timer);
	else if (p->timer.at == 0 || p->timer.due > due)
		tcpk_timer_set(&p->timer, due);
}

/* The one place that decides the end. */
static void
settle(struct tcpk_pump *p)
{
	uint64_t	now = tcpk_loop_now(p->loop);
	bool		changed;

	do {
		changed = false;
		if (!p->over)
			changed |= tcpk__half_advance(&p->half[0], now);
		if (!p->over)
			changed |= tcpk__half_advance(&p->half[1], now);
		if (p->half[0].state == DONE && p->half[1].state == DONE)
			break;
		if (!p->over)
			changed |= run_due(p, now);
	} while (changed && !p->over);
	if (p->over ||
	    (p->half[0].state == DONE && p->half[1].state == DONE))
		complete(p);
	else
		set_wants(p);
}

static void
on_timer(void *arg)
{
	settle(arg);
}

static void
on_ready(struct tcpk_pump *p, int x, unsigned ready)
{
	struct tcpk__half	*in = &p->half[x];
	struct tcpk__half	*out = &p->half[!x];

	if (p->streams[0] == p->streams[1])
		out = in;
	if ((ready & TCPK_READ) != 0)
		tcpk__half_readable(in);
	if ((ready & TCPK_WRITE) != 0 && !p->over)
		tcpk__half_writable(out);
	if ((ready & TCPK_HUP) != 0 && !p->over)
		tcpk__half_hup(out);
	settle(p);
}

static void
on_ready_a(void *arg, unsigned ready)
{
	on_ready(arg, 0, ready);
}

static void
on_ready_b(void *arg, unsigned ready)
{
	on_ready(arg, 1, ready);
}

static void
init_half(struct tcpk_pump *p, int i)
{
	struct tcpk__half	*h = &p->half[i];

	h->pump = p;
	h->index = (unsigned char)i;
	h->src = p->streams[i];
	h->dst = p->streams[!i];
	h->opts = &p->opts.half[i];
	h->moved_at = p->started;
	if (h->opts->mute)
		h->state = HELD;
	else if (h->opts->discard)
		h->state = DISCARD;
	else
		h->state = FLOW;
	if (i == 1 && p->streams[0] == p->streams[1])
		tcpk__half_set(h, DONE);
}

struct tcpk_pump *
tcpk_pump_start(struct tcpk_loop *loop, struct tcpk_stream *a,
    struct tcpk_stream *b, const struct tcpk_pump_opts *opts,
    void (*done)(void *, const struct tcpk_pump_report *), void *arg,
    struct tcpk_err *err)
{
	struct tcpk_pump	*p = calloc(1, sizeof(*p));

	if (p == NULL || tcpk_loop_scratch(loop) == NULL)
		goto no_memory;
	p->loop = loop;
	p->streams[0] = a;
	p->streams[1] = b;
	p->opts = *opts;
	p->done = done;
	p->arg = arg;
	p->side = -1;
	p->started = tcpk_now();
	tcpk_timer_init(&p->timer, loop, on_timer, p);
	if (tcpk_timer_set(&p->timer, p->started) == -1)
		goto no_memory;
	init_half(p, 0);
	init_half(p, 1);
	tcpk_stream_on_ready(a, on_ready_a, p);
	if (b != a)
		tcpk_stream_on_ready(b, on_ready_b, p);
	set_wants(p);
	return p;
no_memory:
	free(p);
	tcpk_err_set(err, TCPK_EIO, "out of memory");
	return NULL;
}

void
tcpk_pump_cancel(struct tcpk_pump *p)
{
	if (p == NULL)
		return;
	p->over = true;
	free_pump(p);
}

void
tcpk_pump_bytes(const struct tcpk_pump *p, uint64_t bytes[2])
{
	bytes[0] = p->half[0].bytes;
	bytes[1] = p->half[1].bytes;
}
