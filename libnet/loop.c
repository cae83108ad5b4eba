#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "loop_impl.h"

/* Buffers that are kept for the next taker. */
#define SPARE	8

/* Timers that others set to the time of this turn still run in it. */
#define CHAIN	4

struct tcpk_loop {
	const struct tcpk__backend *backend;
	void			*state;
	struct tcpk_watch	 queue;		/* head of the ready queue */
	struct tcpk__changes	 changes;
	struct tcpk__timers	 timers;
	struct tcpk__wakers	 wakers;
	struct tcpk__orphans	 orphans;
	struct tcpk__pipes	 pipes;
	uint64_t		 now;
	bool			 stopped;
	void			*scratch;
	void			*spare[SPARE];
	size_t			 nspare;
};

uint64_t
tcpk_now(void)
{
	struct timespec	ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * TCPK_SECOND + ts.tv_nsec;
}

static const struct tcpk__backend *
choose(const char *name)
{
	const struct tcpk__backend	*native = tcpk__backend_native;

	if (name == NULL)
		return native != NULL ? native : &tcpk__backend_poll;
	if (native != NULL && strcmp(name, native->name) == 0)
		return native;
	if (strcmp(name, tcpk__backend_poll.name) == 0)
		return &tcpk__backend_poll;
	return NULL;
}

struct tcpk_loop *
tcpk_loop_new(const char *name, struct tcpk_err *err)
{
	struct tcpk_loop	*loop;

	loop = calloc(1, sizeof(*loop));
	if (loop == NULL) {
		tcpk_err_set(err, TCPK_EIO, "out of memory");
		return NULL;
	}
	loop->wakers.fds[0] = loop->wakers.fds[1] = -1;
	loop->queue.next = loop->queue.prev = &loop->queue;
	loop->now = tcpk_now();
	loop->backend = choose(name);
	if (loop->backend == NULL) {
		tcpk_err_set(err, TCPK_EUSAGE,
		    "no event loop back end \"%.40s\" in this build", name);
		goto fail;
	}
	loop->state = loop->backend->open(err);
	if (loop->state == NULL)
		goto fail;
	return loop;
fail:
	free(loop);
	return NULL;
}

void
tcpk_loop_free(struct tcpk_loop *loop)
{
	if (loop == NULL)
		return;
	tcpk__wakers_close(&loop->wakers);
	tcpk__pipes_close(&loop->pipes);
	loop->backend->close(loop->state);
	while (loop->nspare > 0)
		free(loop->spare[--loop->nspare]);
	free(loop->timers.heap);
	free(loop->changes.list);
	free(loop->orphans.pids);
	free(loop->scratch);
	free(loop);
}

const char *
tcpk_loop_backend(const struct tcpk_loop *loop)
{
	return loop->backend->name;
}

uint64_t
tcpk_loop_now(const struct tcpk_loop *loop)
{
	return loop->now;
}

int
tcpk__loop_set(struct tcpk_watch *w)
{
	return w->loop->backend->set(w->loop->state, w, w->want);
}

struct tcpk__wakers *
tcpk__loop_wakers(struct tcpk_loop *loop)
{
	return &loop->wakers;
}

struct tcpk__orphans *
tcpk__loop_orphans(struct tcpk_loop *loop)
{
	return &loop->orphans;
}

struct tcpk__pipes *
tcpk__loop_pipes(struct tcpk_loop *loop)
{
	return &loop->pipes;
}

void *
tcpk_loop_scratch(struct tcpk_loop *loop)
{
	if (loop->scratch == NULL)
		loop->scratch = malloc(TCPK_SCRATCH);
	return loop->scratch;
}

void *
tcpk_loop_buffer(struct tcpk_loop *loop)
{
	if (loop->nspare > 0)
		return loop->spare[--loop->nspare];
	return malloc(TCPK_BUFFER);
}

void
tcpk_loop_buffer_done(struct tcpk_loop *loop, void *buf)
{
	if (buf != NULL && loop->nspare < SPARE)
		loop->spare[loop->nspare++] = buf;
	else
		free(buf);
}

void
tcpk_watch_init(struct tcpk_watch *w, struct tcpk_loop *loop, int fd,
    void (*fn)(void *, unsigned), void *arg)
{
	memset(w, 0, sizeof(*w));
	w->fd = fd;
	w->fn = fn;
	w->arg = arg;
	w->loop = loop;
	w->slot = -1;
}

static void
enqueue(struct tcpk_watch *head, struct tcpk_watch *w)
{
	w->next = head;
	w->prev = head->prev;
	head->prev->next = w;
	head->prev = w;
}

static void
dequeue(struct tcpk_watch *w)
{
	w->prev->next = w->next;
	w->next->prev = w->prev;
	w->next = w->prev = NULL;
	w->ready = 0;
}

void
tcpk__loop_ready(struct tcpk_watch *w, unsigned ready)
{
	if ((ready & w->want) == 0)
		return;
	w->ready |= ready & (w->want | TCPK_END);
	if (w->next == NULL)
		enqueue(&w->loop->queue, w);
}

void
tcpk_watch_poke(struct tcpk_watch *w, unsigned ready)
{
	tcpk__loop_ready(w, ready);
}

void
tcpk_watch_want(struct tcpk_watch *w, unsigned want)
{
	if (w->want == want)
		return;
	w->want = want;
	if (w->next != NULL && (w->ready &= want) == 0)
		dequeue(w);
	if (w->always)
		tcpk__loop_ready(w, want);
	else
		tcpk__changes_add(&w->loop->changes, w);
}

void
tcpk_watch_stop(struct tcpk_watch *w)
{
	if (w->loop == NULL)
		return;
	w->want = 0;
	if (w->next != NULL)
		dequeue(w);
	tcpk__changes_drop(&w->loop->changes, w);
	if (w->set != 0)
		w->loop->backend->set(w->loop->state, w, 0);
	w->set = 0;
	w->always = 0;
}

void
tcpk_watch_move(struct tcpk_watch *to, struct tcpk_watch *from)
{
	bool	known = from->set != 0;

	to->fd = from->fd;
	to->slot = from->slot;
	from->set = 0;
	from->slot = -1;
	tcpk_watch_stop(from);
	/* Before the next wait: the other one may be gone by then. */
	if (!known)
		return;
	to->set = TCPK__MOVED;
	tcpk__changes_add(&to->loop->changes, to);
	if (to->loop->backend->moved != NULL)
		to->loop->backend->moved(to->loop->state, to);
}

static int
wait_ms(struct tcpk_loop *loop, uint64_t max)
{
	uint64_t	due, left;

	if (loop->queue.next != &loop->queue || loop->stopped)
		return 0;
	due = tcpk__timers_due(&loop->timers);
	if (due == TCPK_FOREVER && max == TCPK_FOREVER)
		return -1;
	left = 0;
	if (due == TCPK_FOREVER)
		left = max;
	else if (due > (loop->now = tcpk_now()))
		left = due - loop->now < max ? due - loop->now : max;
	/* Rounded up: waking before a timer is due would spin. */
	left = (left + TCPK_MS - 1) / TCPK_MS;
	return left > 3600000 ? 3600000 : (int)left;
}

static void
run_ready(struct tcpk_loop *loop)
{
	struct tcpk_watch	 batch, *w;
	unsigned		 ready;

	/* What becomes ready from now on waits for the next turn. */
	if (loop->queue.next == &loop->queue)
		return;
	batch = loop->queue;
	batch.next->prev = batch.prev->next = &batch;
	loop->queue.next = loop->queue.prev = &loop->queue;
	while ((w = batch.next) != &batch) {
		ready = w->ready & (w->want | TCPK_END);
		dequeue(w);
		if (w->always)
			tcpk__loop_ready(w, w->want);
		if ((ready & w->want) != 0)
			w->fn(w->arg, ready);
	}
}

int
tcpk_loop_turn(struct tcpk_loop *loop, uint64_t max, struct tcpk_err *err)
{
	struct tcpk_timer	*t;
	size_t			 n;

	tcpk__changes_tell(&loop->changes);
	if (loop->backend->wait(loop->state, wait_ms(loop, max)) == -1)
		return tcpk_err_errno(err, TCPK_EIO, errno,
		    "waiting for events");
	loop->now = tcpk_now();
	run_ready(loop);
	/* Not many more than there are: one that sets itself again must not
	 * take the turn of everyone else. */
	for (n = loop->timers.n + CHAIN; n > 0; n--) {
		t = tcpk__timers_take(&loop->timers, loop->now);
		if (t == NULL)
			break;
		t->fn(t->arg);
	}
	return 0;
}

int
tcpk_loop_run(struct tcpk_loop *loop, struct tcpk_err *err)
{
	while (!loop->stopped)
		if (tcpk_loop_turn(loop, TCPK_FOREVER, err) == -1)
			return -1;
	loop->stopped = false;
	return 0;
}

void
tcpk_loop_stop(struct tcpk_loop *loop)
{
	loop->stopped = true;
}

void
tcpk_timer_init(struct tcpk_timer *t, struct tcpk_loop *loop,
    void (*fn)(void *), void *arg)
{
	memset(t, 0, sizeof(*t));
	t->fn = fn;
	t->arg = arg;
	t->loop = loop;
}

int
tcpk_timer_set(struct tcpk_timer *t, uint64_t due)
{
	return tcpk__timers_set(&t->loop->timers, t, due);
}

void
tcpk_timer_stop(struct tcpk_timer *t)
{
	if (t->loop != NULL)
		tcpk__timers_stop(&t->loop->timers, t);
}
