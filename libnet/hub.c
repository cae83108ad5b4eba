/* Members come, wait for their turn, and leave. */

#include <stdlib.h>
#include <string.h>

#include "hub_impl.h"

/* Members that are read in one go of the timer. */
#define TURNS	16

static void
init_list(struct tcpk__hub_link *head)
{
	head->next = head->prev = head;
}

bool
tcpk__hub_is_empty(const struct tcpk__hub_link *head)
{
	return head->next == head;
}

void
tcpk__hub_put_last(struct tcpk__hub_link *head, struct tcpk__hub_link *l)
{
	l->next = head;
	l->prev = head->prev;
	head->prev->next = l;
	head->prev = l;
}

void
tcpk__hub_take_out(struct tcpk__hub_link *l)
{
	if (l->next == NULL)
		return;
	l->prev->next = l->next;
	l->next->prev = l->prev;
	l->next = l->prev = NULL;
}

void
tcpk__hub_wake(struct tcpk_hub *hub)
{
	tcpk_timer_set(&hub->timer, tcpk_loop_now(hub->loop));
}

/* Those that had to wait, in the order in which they came. */
static void
serve_waiting(struct tcpk_hub *hub)
{
	struct tcpk_member	*m;
	size_t			 most;
	int			 i;

	for (i = 0; i < TURNS && !tcpk__hub_is_empty(&hub->waiting); i++) {
		m = hub->waiting.next->member;
		most = tcpk__hub_allowance(m);
		hub->held |= most == 0;
		if (hub->held)
			return;
		tcpk__hub_take_out(&m->turn);
		if (!m->ended)
			tcpk__hub_listen_to(m, most);
		tcpk__hub_settle(m);
	}
}

static void
free_member(struct tcpk_member *m, bool reset)
{
	tcpk_timer_stop(&m->timer);
	tcpk__hub_take_out(&m->all);
	tcpk__hub_take_out(&m->turn);
	tcpk__hub_forget(m);
	tcpk__hub_lines_forget(m);
	if (reset)
		tcpk_stream_reset(m->stream);
	tcpk_stream_free(m->stream);
	free(m);
}

/* With no client in there is nobody left that our side might hear. */
static void
finish_ours(struct tcpk_hub *hub)
{
	struct tcpk__hub_link	*l;

	if (!hub->finishing)
		return;
	TCPK__HUB_EACH(l, &hub->side[TCPK_OURS]) {
		l->member->ended = true;
		if (hub->clients == 0 && l->member->state == HEARS)
			tcpk__hub_set(l->member, LAST);
		tcpk__hub_settle(l->member);
	}
}

static void
tell_left(struct tcpk_member *m)
{
	void	(*left)(void *, const struct tcpk_left *) = m->left;
	struct tcpk_hub		*hub = m->hub;
	struct tcpk_left	 how;
	void			*arg = m->arg;

	how.err = m->err;
	how.bytes_in = m->bytes_in;
	how.bytes_out = m->bytes_out;
	how.duration = tcpk_now() - m->started;
	if (m->side == TCPK_CLIENT)
		hub->clients--;
	free_member(m, how.err.kind != TCPK_OK);
	finish_ours(hub);
	left(arg, &how);
}

static void
on_turn(void *arg)
{
	struct tcpk_hub		*hub = arg;
	struct tcpk_member	*m = NULL;

	tcpk_timer_set(&hub->timer, TCPK_FOREVER);
	serve_waiting(hub);
	if (!tcpk__hub_is_empty(&hub->leaving)) {
		m = hub->leaving.next->member;
		tcpk__hub_take_out(&m->turn);
	}
	if (!tcpk__hub_is_empty(&hub->leaving) ||
	    (!tcpk__hub_is_empty(&hub->waiting) && !hub->held))
		tcpk__hub_wake(hub);
	/* Last, as the hub may be freed from there. */
	if (m != NULL)
		tell_left(m);
}

struct tcpk_hub *
tcpk_hub_new(struct tcpk_loop *loop, const struct tcpk_hub_opts *opts,
    struct tcpk_err *err)
{
	struct tcpk_hub	*hub = calloc(1, sizeof(*hub));

	if (hub == NULL || tcpk_loop_scratch(loop) == NULL)
		goto no_memory;
	hub->loop = loop;
	hub->opts = *opts;
	init_list(&hub->side[TCPK_CLIENT]);
	init_list(&hub->side[TCPK_OURS]);
	init_list(&hub->waiting);
	init_list(&hub->leaving);
	tcpk_timer_init(&hub->timer, loop, on_turn, hub);
	if (tcpk_timer_set(&hub->timer, TCPK_FOREVER) == -1)
		goto no_memory;
	return hub;
no_memory:
	free(hub);
	tcpk_err_set(err, TCPK_EIO, "out of memory");
	return NULL;
}

struct tcpk_member *
tcpk_hub_add(struct tcpk_hub *hub, struct tcpk_stream *stream,
    enum tcpk_side side, const char *tag, const void *greeting, size_t n,
    void (*left)(void *, const struct tcpk_left *), void *arg,
    struct tcpk_err *err)
{
	size_t			 len = tag != NULL ? strlen(tag) : 0;
	struct tcpk_member	*m;

	if (n > TCPK_HUB_QUEUE) {
		tcpk_err_set(err, TCPK_EUSAGE, "greeting: too long");
		return NULL;
	}
	if (len > TCPK_HUB_TAG)
		len = TCPK_HUB_TAG;
	m = calloc(1, sizeof(*m) + len);
	if (m == NULL || tcpk__hub_queue_put(&m->queue, greeting, n) == -1)
		goto no_memory;
	m->hub = hub;
	m->stream = stream;
	m->side = (unsigned char)side;
	m->all.member = m->turn.member = m;
	m->started = tcpk_now();
	m->moved_at = m->started;
	m->left = left;
	m->arg = arg;
	m->tag_len = len;
	if (len > 0)
		memcpy(m->tag, tag, len);
	tcpk_timer_init(&m->timer, hub->loop, tcpk__hub_on_timer, m);
	if (tcpk_timer_set(&m->timer, TCPK_FOREVER) == -1)
		goto no_queue;
	tcpk__hub_put_last(&hub->side[side], &m->all);
	hub->clients += side == TCPK_CLIENT;
	tcpk_stream_on_ready(stream, tcpk__hub_on_ready, m);
	if (hub->finishing && side == TCPK_CLIENT)
		tcpk__hub_set(m, LAST);
	tcpk__hub_settle(m);
	finish_ours(hub);
	return m;
no_queue:
	tcpk__hub_forget(m);
no_memory:
	free(m);
	tcpk_err_set(err, TCPK_EIO, "out of memory");
	return NULL;
}

void
tcpk_hub_say(struct tcpk_hub *hub, const void *data, size_t n)
{
	struct tcpk__hub_link	*l;

	TCPK__HUB_EACH(l, &hub->side[TCPK_CLIENT])
		tcpk__hub_hear(l->member, data, n);
}

void
tcpk_hub_finish(struct tcpk_hub *hub)
{
	struct tcpk__hub_link	*l;

	hub->finishing = true;
	TCPK__HUB_EACH(l, &hub->side[TCPK_CLIENT]) {
		if (l->member->state == HEARS)
			tcpk__hub_set(l->member, LAST);
		tcpk__hub_settle(l->member);
	}
	finish_ours(hub);
}

size_t
tcpk_hub_clients(const struct tcpk_hub *hub)
{
	return hub->clients;
}

void
tcpk_hub_cut(struct tcpk_member *m, uint64_t *bytes_in, uint64_t *bytes_out)
{
	struct tcpk_hub	*hub = m->hub;

	*bytes_in = m->bytes_in;
	*bytes_out = m->bytes_out;
	if (m->side == TCPK_CLIENT)
		hub->clients--;
	free_member(m, true);
	finish_ours(hub);
}

void
tcpk_hub_free(struct tcpk_hub *hub)
{
	int	i;

	if (hub == NULL)
		return;
	for (i = 0; i < 2; i++)
		while (!tcpk__hub_is_empty(&hub->side[i]))
			free_member(hub->side[i].next->member, true);
	tcpk_timer_stop(&hub->timer);
	free(hub);
}
