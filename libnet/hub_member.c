/* One member: its events, what it waits for, and what ends it. */

#include "hub_impl.h"

const char *
tcpk__hub_state_name(enum tcpk__hub_state state)
{
	static const char *const	names[] = {
		"hears", "last", "finish", "drain", "deaf", "left"
	};

	return names[state];
}

void
tcpk__hub_set(struct tcpk_member *m, enum tcpk__hub_state state)
{
	m->state = (unsigned char)state;
	if (state != LEFT)
		return;
	tcpk__hub_take_out(&m->turn);
	tcpk__hub_put_last(&m->hub->leaving, &m->turn);
	tcpk__hub_wake(m->hub);
}

/* Ours took something, or left: may clients go on? */
static void
relieve(struct tcpk_hub *hub)
{
	struct tcpk__hub_link	*l;

	TCPK__HUB_EACH(l, &hub->side[TCPK_OURS])
		if (l->member->state == HEARS &&
		    l->member->queue.used > TCPK__HUB_LOW)
			return;
	hub->held = false;
	if (!tcpk__hub_is_empty(&hub->waiting))
		tcpk__hub_wake(hub);
}

static void
count_fit(struct tcpk_member *m)
{
	struct tcpk_hub		*hub = m->hub;
	struct tcpk__hub_link	*l;
	bool			 fits, any = hub->fit > 0;

	fits = m->side == TCPK_CLIENT && m->state == HEARS &&
	    m->queue.used <= TCPK__HUB_LOW;
	if (fits == m->fits)
		return;
	m->fits = fits;
	if (fits)
		hub->fit++;
	else
		hub->fit--;
	if (hub->opts.pace && any != (hub->fit > 0))
		TCPK__HUB_EACH(l, &hub->side[TCPK_OURS])
			tcpk__hub_update(l->member);
}

static unsigned
wants(const struct tcpk_member *m)
{
	const struct tcpk_hub	*hub = m->hub;
	unsigned		 want = 0;

	if (m->state == LEFT)
		return 0;
	if (!m->ended && m->turn.next == NULL &&
	    (m->side == TCPK_CLIENT || !hub->opts.pace || hub->fit > 0))
		want |= TCPK_READ;
	if (m->state == FINISH || m->queue.used > 0)
		want |= TCPK_WRITE;
	else if (m->state == HEARS)
		want |= TCPK_HUP;
	return want;
}

static uint64_t
later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* To wait for its rate, or for our next line, is no idleness. */
static uint64_t
idle_due(const struct tcpk_member *m)
{
	const struct tcpk__hub_link	*l;
	uint64_t	 idle = m->hub->opts.idle_timeout, at;

	if (idle == 0 || m->side != TCPK_CLIENT || m->state == LEFT)
		return TCPK_FOREVER;
	at = later(m->moved_at, tcpk_stream_holds(m->stream));
	TCPK__HUB_EACH(l, &m->hub->side[TCPK_OURS])
		at = later(at, tcpk_stream_holds(l->member->stream));
	return idle > TCPK_FOREVER - at ? TCPK_FOREVER : at + idle;
}

void
tcpk__hub_update(struct tcpk_member *m)
{
	unsigned	want;
	uint64_t	due = idle_due(m);

	count_fit(m);
	want = wants(m);
	if (want != m->want) {
		m->want = (unsigned char)want;
		tcpk_stream_want(m->stream, want);
	}
	/* One that is set too early costs one look, moving it whenever a
	 * byte moves would cost more. */
	if (m->state == DRAIN && m->drain_at < due)
		due = m->drain_at;
	if (due < m->timer.due)
		tcpk_timer_set(&m->timer, due);
	if (m->side == TCPK_OURS && m->hub->held)
		relieve(m->hub);
}

static void
wait_turn(struct tcpk_member *m)
{
	if (m->turn.next == NULL)
		tcpk__hub_put_last(&m->hub->waiting, &m->turn);
	if (!m->hub->held)
		tcpk__hub_wake(m->hub);
}

/* The one place that decides the end. */
void
tcpk__hub_settle(struct tcpk_member *m)
{
	if (m->state == LEFT)
		return;
	if (m->ended && m->line.len > 0) {
		if (tcpk__hub_allowance(m) > 0)
			tcpk__hub_lines_end(m);
		else {
			m->hub->held = true;
			wait_turn(m);
		}
	}
	if (m->ended && m->side == TCPK_CLIENT && m->state == HEARS)
		tcpk__hub_set(m, LAST);
	tcpk__hub_advance(m);
	if (m->state == DEAF && m->ended && m->line.len == 0)
		tcpk__hub_set(m, LEFT);
	tcpk__hub_update(m);
}

static void
note_error(struct tcpk_member *m, const struct tcpk_err *err)
{
	if (m->err.kind != TCPK_OK)
		return;
	m->err = *err;
	/* A stream that had no memory to say what failed. */
	if (m->err.kind == TCPK_OK)
		tcpk_err_set(&m->err, TCPK_EIO, "out of memory");
}

void
tcpk__hub_cut(struct tcpk_member *m, enum tcpk_err_kind kind,
    const char *text)
{
	struct tcpk_err	err;

	if (m->state == LEFT)
		return;
	tcpk_err_set(&err, kind, "%s", text);
	note_error(m, &err);
	m->ended = true;
	tcpk__hub_forget(m);
	tcpk__hub_set(m, DEAF);
	tcpk__hub_settle(m);
}

/*
 * What a client sent before its connection broke is still there to be read;
 * whether it will be ready once more is not to be relied on.
 */
void
tcpk__hub_broke(struct tcpk_member *m)
{
	const struct tcpk_err	*err = tcpk_stream_err(m->stream);

	if (m->state == LEFT)
		return;
	note_error(m, err);
	tcpk__hub_forget(m);
	tcpk__hub_set(m, DEAF);
	if (m->side == TCPK_CLIENT && !m->ended &&
	    (err->kind == TCPK_ECUT || err->kind == TCPK_EPROGRAM)) {
		m->broken = true;
		wait_turn(m);
	} else
		m->ended = true;
	tcpk__hub_settle(m);
}

/* Our output may be fine where our input is not: then it gets its due. */
static void
read_failed(struct tcpk_member *m)
{
	m->ended = true;
	if (m->side == TCPK_CLIENT) {
		tcpk__hub_broke(m);
		return;
	}
	note_error(m, tcpk_stream_err(m->stream));
	if (m->state == HEARS)
		tcpk__hub_set(m, LAST);
}

static void
pass_on(struct tcpk_member *m, const char *data, size_t n)
{
	struct tcpk_hub		*hub = m->hub;
	struct tcpk__hub_link	*l;

	if (m->side == TCPK_CLIENT && hub->opts.lines)
		tcpk__hub_lines(m, data, n);
	else if (m->side == TCPK_CLIENT)
		TCPK__HUB_EACH(l, &hub->side[TCPK_OURS])
			tcpk__hub_hear(l->member, data, n);
	if (m->side == TCPK_CLIENT && !hub->opts.open)
		return;
	TCPK__HUB_EACH(l, &hub->side[TCPK_CLIENT])
		if (l->member != m)
			tcpk__hub_hear(l->member, data, n);
}

void
tcpk__hub_listen_to(struct tcpk_member *m, size_t most)
{
	char	*data = tcpk_loop_scratch(m->hub->loop);
	ssize_t	 got = tcpk_stream_read(m->stream, data, most);

	if (got > 0) {
		m->bytes_in += (uint64_t)got;
		m->moved_at = tcpk_loop_now(m->hub->loop);
		pass_on(m, data, (size_t)got);
		if (m->broken && !m->ended)
			wait_turn(m);
	} else if (got == 0 || (got == TCPK_AGAIN && m->broken))
		m->ended = true;
	else if (got != TCPK_AGAIN)
		read_failed(m);
}

static void
on_readable(struct tcpk_member *m)
{
	size_t	most = tcpk__hub_allowance(m);

	if (m->side == TCPK_CLIENT && most == 0)
		m->hub->held = true;
	if (m->side == TCPK_CLIENT &&
	    (m->hub->held || !tcpk__hub_is_empty(&m->hub->waiting)))
		wait_turn(m);
	else if (most > 0)
		tcpk__hub_listen_to(m, most);
}

void
tcpk__hub_on_ready(void *arg, unsigned ready)
{
	struct tcpk_member	*m = arg;
	int			 r;

	if ((ready & TCPK_READ) != 0 && !m->ended && m->turn.next == NULL)
		on_readable(m);
	if ((ready & TCPK_WRITE) != 0 && m->queue.used > 0)
		tcpk__hub_flush(m);
	if ((ready & TCPK_HUP) != 0 && m->state == HEARS) {
		r = tcpk_stream_hup(m->stream);
		if (r == TCPK_GONE)
			tcpk__hub_gone(m);
		else if (r == -1)
			tcpk__hub_broke(m);
	}
	tcpk__hub_settle(m);
}

void
tcpk__hub_on_timer(void *arg)
{
	struct tcpk_member	*m = arg;
	uint64_t		 now = tcpk_loop_now(m->hub->loop);

	/* At once, while its place is still free. */
	tcpk_timer_set(&m->timer, TCPK_FOREVER);
	if (m->turn.next != NULL)
		m->moved_at = now;
	if (now >= idle_due(m))
		tcpk__hub_cut(m, TCPK_ETIMEOUT,
		    "idle time-out: nothing moved");
	tcpk__hub_settle(m);
}
