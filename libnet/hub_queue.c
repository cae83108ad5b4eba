/* What a member hears: its bounded queue, and how its hearing ends. */

#include <stdlib.h>
#include <string.h>

#include "hub_impl.h"

/* Writes in one event, so that others get their turn. */
#define TURNS		8

#define QUEUE_FIRST	1024

/* How often it is looked at whether everything has arrived. */
#define DRAIN_FIRST	TCPK_MS
#define DRAIN_MAX	(100 * TCPK_MS)

static void
copy_out(const struct tcpk__hub_queue *q, char *to)
{
	size_t	first = q->size - q->at;

	if (first > q->used)
		first = q->used;
	memcpy(to, q->data + q->at, first);
	memcpy(to + first, q->data, q->used - first);
}

static int
make_room(struct tcpk__hub_queue *q, size_t n)
{
	size_t	 size = q->size != 0 ? q->size : QUEUE_FIRST;
	char	*data;

	if (n > TCPK_HUB_QUEUE - q->used)
		return -1;
	while (size < q->used + n)
		size *= 2;
	if (size == q->size)
		return 0;
	data = malloc(size);
	if (data == NULL)
		return -1;
	if (q->used > 0)
		copy_out(q, data);
	free(q->data);
	q->data = data;
	q->size = size;
	q->at = 0;
	return 0;
}

int
tcpk__hub_queue_put(struct tcpk__hub_queue *q, const void *data, size_t n)
{
	size_t	end, first;

	if (n == 0)
		return 0;
	if (make_room(q, n) == -1)
		return -1;
	end = (q->at + q->used) % q->size;
	first = q->size - end < n ? q->size - end : n;
	memcpy(q->data + end, data, first);
	memcpy(q->data, (const char *)data + first, n - first);
	q->used += n;
	return 0;
}

static void
release(struct tcpk__hub_queue *q)
{
	free(q->data);
	memset(q, 0, sizeof(*q));
}

static void
queue_take(struct tcpk__hub_queue *q, size_t n)
{
	q->at = (q->at + n) % q->size;
	q->used -= n;
	if (q->used == 0)
		release(q);
}

void
tcpk__hub_forget(struct tcpk_member *m)
{
	release(&m->queue);
}

/* It may have been a program: then its exit status is still to come. */
void
tcpk__hub_gone(struct tcpk_member *m)
{
	tcpk__hub_forget(m);
	tcpk__hub_set(m, FINISH);
	tcpk__hub_advance(m);
}

/* How much the stream took; -1 when it is not to be given any more. */
static ssize_t
give(struct tcpk_member *m, const char *data, size_t n)
{
	ssize_t	put = tcpk_stream_write(m->stream, data, n);

	if (put > 0) {
		m->bytes_out += (uint64_t)put;
		m->moved_at = tcpk_loop_now(m->hub->loop);
		return put;
	}
	if (put == 0 || put == TCPK_AGAIN)
		return 0;
	if (put == TCPK_GONE)
		tcpk__hub_gone(m);
	else
		tcpk__hub_broke(m);
	return -1;
}

void
tcpk__hub_keep(struct tcpk_member *m, const void *data, size_t n)
{
	if (m->state != HEARS)
		return;
	if (n > TCPK_HUB_QUEUE - m->queue.used)
		tcpk__hub_cut(m, TCPK_ECUT, "too slow to follow");
	else if (tcpk__hub_queue_put(&m->queue, data, n) == -1)
		tcpk__hub_cut(m, TCPK_EIO, "out of memory");
}

void
tcpk__hub_hear(struct tcpk_member *m, const void *data, size_t n)
{
	ssize_t	put = 0;

	if (m->state != HEARS || n == 0)
		return;
	if (m->queue.used == 0)
		put = give(m, data, n);
	if (put == -1 || (size_t)put == n)
		return;
	tcpk__hub_keep(m, (const char *)data + put, n - (size_t)put);
	tcpk__hub_update(m);
}

void
tcpk__hub_flush(struct tcpk_member *m)
{
	struct tcpk__hub_queue	*q = &m->queue;
	size_t			 n;
	ssize_t			 put;
	int			 i;

	for (i = 0; i < TURNS && q->used > 0; i++) {
		n = q->size - q->at < q->used ? q->size - q->at : q->used;
		put = give(m, q->data + q->at, n);
		if (put <= 0)
			return;
		queue_take(q, (size_t)put);
	}
}

static void
finish(struct tcpk_member *m)
{
	switch (tcpk_stream_finish(m->stream)) {
	case 0:
		m->drain_at = tcpk_loop_now(m->hub->loop);
		m->drain_delay = DRAIN_FIRST;
		m->drain_left = UINT64_MAX;
		tcpk__hub_set(m, DRAIN);
		break;
	case TCPK_AGAIN:
		break;
	default:
		tcpk__hub_broke(m);
	}
}

static void
drain(struct tcpk_member *m)
{
	uint64_t	now = tcpk_loop_now(m->hub->loop), left;
	int		r;

	if (now < m->drain_at)
		return;
	r = tcpk_stream_drained(m->stream, &left);
	if (r == 0) {
		tcpk__hub_set(m, DEAF);
		return;
	}
	if (r != TCPK_AGAIN) {
		tcpk__hub_broke(m);
		return;
	}
	if (left < m->drain_left)
		m->moved_at = now;
	m->drain_left = left;
	m->drain_at = now + m->drain_delay;
	if (m->drain_delay < DRAIN_MAX)
		m->drain_delay *= 2;
}

void
tcpk__hub_advance(struct tcpk_member *m)
{
	if (m->state == LAST && m->queue.used == 0)
		tcpk__hub_set(m, FINISH);
	if (m->state == FINISH)
		finish(m);
	if (m->state == DRAIN)
		drain(m);
}
