/*
 * Clients of a listener that are shaking hands: each by itself, under a time
 * limit, so that one who never finishes holds up nobody.
 */

#include <stdlib.h>

#include "serve_impl.h"

/* Handshakes at once; each takes some 45 KB. */
#define MAX_SHAKES	1024

struct tcpk__shake {
	struct tcpk__shakes	*all;
	struct tcpk__shake	*prev, *next;
	struct tcpk_tls_start	*handshake;
	struct tcpk_timer	 limit;
	struct tcpk_addr	 peer, listener;
	tcpk__shake_fn		*fn;
	void			*arg;
	bool			 crowded_out;
};

static void
take_out(struct tcpk__shake *s)
{
	if (s->prev != NULL)
		s->prev->next = s->next;
	else
		s->all->first = s->next;
	if (s->next != NULL)
		s->next->prev = s->prev;
	else
		s->all->last = s->prev;
	s->all->n--;
	tcpk_timer_stop(&s->limit);
}

static void
on_limit(void *arg)
{
	struct tcpk__shake	*s = arg;
	struct tcpk_tls_done	 done = { .stream = NULL };

	take_out(s);
	tcpk_tls_cancel(s->handshake);
	tcpk_err_set(&done.err, TCPK_ETIMEOUT, "%s", s->crowded_out ?
	    "given up for newer ones: too many TLS handshakes at once" :
	    "the TLS handshake was not finished in time");
	s->fn(s->arg, &s->peer, &s->listener, &done);
	free(s);
}

/* The oldest makes room, in the loop's next turn. */
static void
crowd_out(struct tcpk__shakes *all)
{
	struct tcpk__shake	*s;

	for (s = all->first; s != NULL && s->crowded_out; s = s->next)
		continue;
	if (s == NULL)
		return;
	s->crowded_out = true;
	tcpk_timer_set(&s->limit, tcpk_now());
}

static void
on_done(void *arg, const struct tcpk_tls_done *done)
{
	struct tcpk__shake	*s = arg;

	take_out(s);
	s->fn(s->arg, &s->peer, &s->listener, done);
	free(s);
}

int
tcpk__shake_start(struct tcpk__shakes *all, struct tcpk_loop *loop,
    struct tcpk_tls_config *config, struct tcpk_stream *stream,
    uint64_t limit, const struct tcpk_addr *peer,
    const struct tcpk_addr *listener, tcpk__shake_fn *fn, void *arg,
    struct tcpk_err *err)
{
	struct tcpk__shake	*s;

	if (all->n >= MAX_SHAKES)
		crowd_out(all);
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return tcpk_err_set(err, TCPK_EIO, "out of memory");
	s->peer = *peer;
	s->listener = *listener;
	s->fn = fn;
	s->arg = arg;
	s->all = all;
	tcpk_timer_init(&s->limit, loop, on_limit, s);
	if (tcpk_timer_set(&s->limit, tcpk_now() + limit) == -1) {
		tcpk_err_set(err, TCPK_EIO, "out of memory");
		goto fail;
	}
	s->handshake = tcpk_tls_start(loop, config, stream, on_done, s, err);
	if (s->handshake == NULL)
		goto fail;
	s->prev = all->last;
	if (all->last != NULL)
		all->last->next = s;
	else
		all->first = s;
	all->last = s;
	all->n++;
	return 0;
fail:
	tcpk_timer_stop(&s->limit);
	free(s);
	return -1;
}

void
tcpk__shakes_free(struct tcpk__shakes *all)
{
	struct tcpk__shake	*s;

	while ((s = all->first) != NULL) {
		take_out(s);
		tcpk_tls_cancel(s->handshake);
		free(s);
	}
}
