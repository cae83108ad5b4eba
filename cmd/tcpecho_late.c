#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tcpecho_late.h"

/* All have the same delay, so the first to come is the first to go. */
#define MAX_WAITING	4096
#define MAX_BYTES	(4 * 1024 * 1024)

struct datagram {
	struct datagram	 *next;
	struct tcpk_udp	 *udp;
	struct tcpk_addr  here, to;
	uint64_t	  due;
	size_t		  n;
	char		  data[];
};

struct tcpecho_late {
	struct tcpk_timer timer;
	struct datagram	 *first, **last;
	size_t		  waiting, bytes;
	uint64_t	  delay;
};

static void
drop_first(struct tcpecho_late *l)
{
	struct datagram	*d = l->first;

	l->first = d->next;
	if (l->first == NULL)
		l->last = &l->first;
	l->waiting--;
	l->bytes -= d->n;
	free(d);
}

static void
on_due(void *arg)
{
	struct tcpecho_late	*l = arg;
	uint64_t		 now = tcpk_now();

	while (l->first != NULL && l->first->due <= now) {
		tcpk_udp_send_from(l->first->udp, &l->first->here,
		    &l->first->to, l->first->data, l->first->n);
		drop_first(l);
	}
	if (l->first != NULL)
		tcpk_timer_set(&l->timer, l->first->due);
}

struct tcpecho_late *
tcpecho_late_new(struct tcpk_loop *loop, uint64_t delay)
{
	struct tcpecho_late	*l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->last = &l->first;
	l->delay = delay;
	tcpk_timer_init(&l->timer, loop, on_due, l);
	return l;
}

void
tcpecho_late_free(struct tcpecho_late *l)
{
	if (l == NULL)
		return;
	while (l->first != NULL)
		drop_first(l);
	tcpk_timer_stop(&l->timer);
	free(l);
}

bool
tcpecho_late_put(struct tcpecho_late *l, struct tcpk_udp *udp,
    const struct tcpk_addr *to, const void *data, size_t n)
{
	struct datagram	*d;

	if (l->waiting >= MAX_WAITING || l->bytes + n > MAX_BYTES)
		return false;
	d = malloc(sizeof(*d) + n);
	if (d == NULL)
		return false;
	d->next = NULL;
	d->udp = udp;
	d->here = *tcpk_udp_here(udp);
	d->to = *to;
	d->due = tcpk_now() + l->delay;
	d->n = n;
	if (n > 0)
		memcpy(d->data, data, n);
	if (l->first == NULL && tcpk_timer_set(&l->timer, d->due) == -1) {
		free(d);
		return false;
	}
	*l->last = d;
	l->last = &d->next;
	l->waiting++;
	l->bytes += n;
	return true;
}
