/* The loop's timers: a binary heap whose members know their place. */

#include <stdlib.h>

#include "loop_impl.h"

static void
put(struct tcpk__timers *ts, size_t i, struct tcpk_timer *t)
{
	ts->heap[i] = t;
	t->at = i + 1;
}

static void
sift_up(struct tcpk__timers *ts, size_t i, struct tcpk_timer *t)
{
	while (i > 0 && ts->heap[(i - 1) / 2]->due > t->due) {
		put(ts, i, ts->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	put(ts, i, t);
}

static void
sift_down(struct tcpk__timers *ts, size_t i, struct tcpk_timer *t)
{
	size_t	child;

	while ((child = 2 * i + 1) < ts->n) {
		if (child + 1 < ts->n &&
		    ts->heap[child + 1]->due < ts->heap[child]->due)
			child++;
		if (ts->heap[child]->due >= t->due)
			break;
		put(ts, i, ts->heap[child]);
		i = child;
	}
	put(ts, i, t);
}

uint64_t
tcpk__timers_due(const struct tcpk__timers *ts)
{
	return ts->n == 0 ? TCPK_FOREVER : ts->heap[0]->due;
}

void
tcpk__timers_stop(struct tcpk__timers *ts, struct tcpk_timer *t)
{
	struct tcpk_timer	*last;
	size_t			 i;

	if (t->at == 0)
		return;
	i = t->at - 1;
	t->at = 0;
	last = ts->heap[--ts->n];
	if (last == t)
		return;
	if (i > 0 && ts->heap[(i - 1) / 2]->due > last->due)
		sift_up(ts, i, last);
	else
		sift_down(ts, i, last);
}

struct tcpk_timer *
tcpk__timers_take(struct tcpk__timers *ts, uint64_t now)
{
	struct tcpk_timer	*t;

	if (ts->n == 0 || ts->heap[0]->due > now)
		return NULL;
	t = ts->heap[0];
	tcpk__timers_stop(ts, t);
	return t;
}

int
tcpk__timers_set(struct tcpk__timers *ts, struct tcpk_timer *t, uint64_t due)
{
	struct tcpk_timer	**heap;
	size_t			  room;

	if (t->at != 0 && t->due == due)
		return 0;
	tcpk__timers_stop(ts, t);
	if (ts->n == ts->room) {
		room = ts->room == 0 ? 16 : 2 * ts->room;
		heap = reallocarray(ts->heap, room, sizeof(*heap));
		if (heap == NULL)
			return -1;
		ts->heap = heap;
		ts->room = room;
	}
	t->due = due;
	sift_up(ts, ts->n++, t);
	return 0;
}
