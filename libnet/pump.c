/* Two halves: events, timers, and the one place that decides the end. */

#include <stdlib.h>
#include <string.h>

#include "pump_impl.h"

/* Most have the defaults: those are there once for all. */
static const struct tcpk_pump_opts	defaults = {
	.half = {
		{ .quiet = TCPK_FOREVER, .at_most = TCPK_FOREVER },
		{ .quiet = TCPK_FOREVER, .at_most = TCPK_FOREVER }
	}
};

void
tcpk_pump_defaults(struct tcpk_pump_opts *opts)
{
	*opts = defaults;
}

void
tcpk__pump_note(struct tcpk_pump *p, int side, const struct tcpk_err *err)
{
	if (p->failed)
		return;
	p->failed = true;
	p->side = (signed char)side;
	/* It may be a stream that had no memory to say what failed. */
	p->err = malloc(sizeof(*p->err));
	if (p->err != NULL)
		*p->err = *err;
}

void
tcpk__pump_fail(struct tcpk_pump *p, int side, const struct tcpk_err *err)
{
	tcpk__pump_note(p, side, err);
	p->over = true;
}

static bool
is_default(const struct tcpk_pump_opts *o)
{
	const struct tcpk_half_opts	*h;
	int				 i;

	for (i = 0; i < 2; i++) {
		h = &o->half[i];
		if (h->mute || h->discard || h->no_shutdown || h->no_finish ||
		    h->limit != 0 || h->quiet != TCPK_FOREVER ||
		    h->patient || h->at_most != TCPK_FOREVER || o->reset[i])
			return false;
	}
	return o->idle_timeout == 0 && o->half_close_timeout == 0 &&
	    o->deadline == 0;
}

static bool
keep_opts(struct tcpk_pump *p, const struct tcpk_pump_opts *opts)
{
	struct tcpk_pump_opts	*copy;

	p->opts = &defaults;
	if (is_default(opts))
		return true;
	copy = malloc(sizeof(*copy));
	if (copy == NULL)
		return false;
	*copy = *opts;
	p->opts = copy;
	return true;
}

static void
free_opts(struct tcpk_pump *p)
{
	if (p->opts != &defaults)
		free((void *)(uintptr_t)p->opts);
}

static void
drop_timer(struct tcpk_pump *p)
{
	if (p->timer != NULL)
		tcpk_timer_stop(p->timer);
	free(p->timer);
	p->timer = NULL;
}

static void
free_pump(struct tcpk_pump *p)
{
	struct tcpk_stream	*a = p->streams[0], *b = p->streams[1];
	bool			 cut = false, reset[2];
	int			 i;

	drop_timer(p);
	reset[0] = p->opts->reset[0];
	reset[1] = p->opts->reset[1];
	for (i = 0; i < 2; i++) {
		tcpk__half_release(&p->half[i]);
		/* The socket may be somebody else's, too. */
		tcpk__bulk_end(&p->half[i]);
		cut |= p->over && p->half[i].state != DONE;
		reset[!i] |= p->half[i].broken;
	}
	for (i = 0; i < (a == b ? 1 : 2); i++)
		if (cut || reset[i] || (a == b && reset[1]))
			tcpk_stream_reset(p->streams[i]);
	tcpk_stream_free(a);
	if (b != a)
		tcpk_stream_free(b);
	free_opts(p);
	free(p->err);
	free(p);
}

static void
complete(struct tcpk_pump *p)
{
	void	(*done)(void *, const struct tcpk_pump_report *) = p->done;
	struct tcpk_pump_report	report;
	void			*arg = p->arg;

	tcpk_pump_bytes(p, report.bytes);
	report.taken[0] = p->half[0].taken;
	report.taken[1] = p->half[1].taken;
	if (p->err != NULL && p->err->kind != TCPK_OK)
		report.err = *p->err;
	else if (p->failed)
		tcpk_err_set(&report.err, TCPK_EIO, "out of memory");
	else
		tcpk_err_clear(&report.err);
	report.side = p->side;
	free_pump(p);
	done(arg, &report);
}

static void	 on_timer(void *);

/* An idle connection has no timer, as it has no buffer. */
static bool
set_timer(struct tcpk_pump *p)
{
	uint64_t	due = tcpk__pump_next_due(p);

	if (due == TCPK_FOREVER) {
		drop_timer(p);
		return true;
	}
	if (p->timer == NULL) {
		p->timer = malloc(sizeof(*p->timer));
		if (p->timer == NULL)
			return false;
		tcpk_timer_init(p->timer, p->loop, on_timer, p);
	}
	/* A timer that is set too early costs one look, moving it each time
	 * a byte moves would cost more. */
	return (p->timer->at != 0 && p->timer->due <= due) ||
	    tcpk_timer_set(p->timer, due) == 0;
}

static void
set_wants(struct tcpk_pump *p)
{
	bool		echo = p->streams[0] == p->streams[1];
	unsigned	want;
	int		x;

	for (x = 0; x < (echo ? 1 : 2); x++) {
		want = tcpk__half_wants_src(&p->half[x]) |
		    tcpk__half_wants_dst(&p->half[echo ? 0 : !x]);
		if (want != p->want[x])
			tcpk_stream_want(p->streams[x], want);
		p->want[x] = (unsigned char)want;
	}
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
			changed |= tcpk__pump_run_due(p, now);
	} while (changed && !p->over);
	if (!p->over &&
	    (p->half[0].state != DONE || p->half[1].state != DONE)) {
		set_wants(p);
		if (set_timer(p))
			return;
		/* Without a clock it could wait for ever. */
		p->failed = p->over = true;
	}
	complete(p);
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
	if ((ready & TCPK_END) != 0)
		p->last |= 1u << x;
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
init_half(struct tcpk_pump *p, int i, uint64_t now)
{
	struct tcpk__half	*h = &p->half[i];

	h->index = i == 1;
	h->moved_at = now;
	if (tcpk__half_opts(h)->mute)
		h->state = HELD;
	else if (tcpk__half_opts(h)->discard)
		h->state = DISCARD;
	else
		h->state = FLOW;
	if (i == 1 && p->streams[0] == p->streams[1])
		tcpk__half_set(h, DONE);
}

/* As if it had been read already and dst had taken nothing of it. */
static bool
put_first(struct tcpk__half *h, const struct tcpk_half_opts *opts)
{
	size_t	n = opts->nfirst;

	if (n == 0 || h->state != FLOW)
		return true;
	h->buf = tcpk_loop_buffer(tcpk__half_pump(h)->loop);
	if (h->buf == NULL)
		return false;
	h->len = (uint32_t)(n < TCPK_SCRATCH ? n : TCPK_SCRATCH);
	memcpy(h->buf, opts->first, h->len);
	return true;
}

struct tcpk_pump *
tcpk_pump_start(struct tcpk_loop *loop, struct tcpk_stream *a,
    struct tcpk_stream *b, const struct tcpk_pump_opts *opts,
    void (*done)(void *, const struct tcpk_pump_report *), void *arg,
    struct tcpk_err *err)
{
	struct tcpk_pump	*p = malloc(sizeof(*p));	/* as connect's */
	uint64_t		 now = tcpk_now();

	if (p == NULL)
		goto no_memory;
	*p = (struct tcpk_pump){
		.loop = loop,
		.streams = { a, b },
		.done = done,
		.arg = arg,
		.side = -1
	};
	if (!keep_opts(p, opts) || tcpk_loop_scratch(loop) == NULL)
		goto no_memory;
	init_half(p, 0, now);
	init_half(p, 1, now);
	if (!put_first(&p->half[0], &opts->half[0]) ||
	    !put_first(&p->half[1], &opts->half[1]) || !set_timer(p))
		goto no_memory;
	tcpk_stream_on_ready(a, on_ready_a, p);
	if (b != a)
		tcpk_stream_on_ready(b, on_ready_b, p);
	set_wants(p);
	return p;
no_memory:
	if (p != NULL) {
		drop_timer(p);
		tcpk__half_release(&p->half[0]);
		tcpk__half_release(&p->half[1]);
		free_opts(p);
		free(p);
	}
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
