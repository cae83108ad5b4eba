/*
 * Clients that are not served yet, by age: each has so long, and when there
 * are too many the oldest makes room.
 */

#include "serve_impl.h"

/* At once: a TLS handshake takes some 45 KB, a PROXY header up to 4. */
#define MAX_PENDING	1024

static void
on_limit(void *arg)
{
	struct tcpk__pending	*p = arg;

	tcpk__pending_stop(p);
	p->late(p);
}

/* In the loop's next turn. */
static void
crowd_out(struct tcpk__pendings *all)
{
	struct tcpk__pending	*p;

	for (p = all->first; p != NULL && p->crowded_out; p = p->next)
		continue;
	if (p == NULL)
		return;
	p->crowded_out = true;
	tcpk_timer_set(&p->limit, tcpk_now());
}

int
tcpk__pending_start(struct tcpk__pending *p, struct tcpk__pendings *all,
    struct tcpk_loop *loop, uint64_t limit,
    void (*late)(struct tcpk__pending *), struct tcpk_err *err)
{
	if (all->n >= MAX_PENDING)
		crowd_out(all);
	p->all = all;
	p->late = late;
	p->crowded_out = false;
	tcpk_timer_init(&p->limit, loop, on_limit, p);
	if (tcpk_timer_set(&p->limit, tcpk_now() + limit) == -1)
		return tcpk_err_set(err, TCPK_EIO, "out of memory");
	p->next = NULL;
	p->prev = all->last;
	if (all->last != NULL)
		all->last->next = p;
	else
		all->first = p;
	all->last = p;
	all->n++;
	return 0;
}

void
tcpk__pending_stop(struct tcpk__pending *p)
{
	if (p->all == NULL)
		return;
	if (p->prev != NULL)
		p->prev->next = p->next;
	else
		p->all->first = p->next;
	if (p->next != NULL)
		p->next->prev = p->prev;
	else
		p->all->last = p->prev;
	p->all->n--;
	p->all = NULL;
	tcpk_timer_stop(&p->limit);
}

void
tcpk__pending_err(const struct tcpk__pending *p, const char *late,
    const char *many, struct tcpk_err *err)
{
	if (p->crowded_out)
		tcpk_err_set(err, TCPK_ETIMEOUT, "given up for newer ones: too "
		    "many %s at once", many);
	else
		tcpk_err_set(err, TCPK_ETIMEOUT, "%s in time", late);
}
