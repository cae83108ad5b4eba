#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "serve_impl.h"
#include "tcpkit/listen.h"
#include "tcpkit/resolve.h"

/* Where others share the limits, room is looked for this often. */
#define LOOK_AGAIN	(100 * TCPK_MS)

void
tcpk__serve_close(struct tcpk_serve *s)
{
	struct tcpk__listener	*l;

	while (s->n > 0) {
		l = &s->listeners[--s->n];
		tcpk_listen_free(l->listen);
		tcpk_udp_free(l->udp);
	}
}

const struct tcpk_addr *
tcpk__listener_addr(const struct tcpk__listener *l)
{
	return l->udp != NULL ? tcpk_udp_addr(l->udp) :
	    tcpk_listen_addr(l->listen);
}

int
tcpk__listener_fd(const struct tcpk__listener *l)
{
	return l->udp != NULL ? tcpk_udp_fd(l->udp) :
	    tcpk_listen_fd(l->listen);
}

void
tcpk_serve_pause(struct tcpk_serve *s)
{
	size_t	i;

	for (i = 0; i < s->n; i++)
		if (s->listeners[i].udp != NULL)
			tcpk_udp_pause(s->listeners[i].udp);
		else
			tcpk_listen_pause(s->listeners[i].listen);
}

void
tcpk_serve_stop(struct tcpk_serve *s)
{
	size_t	n = s->headers.n + s->shakes.n;
	int	i;

	tcpk__serve_close(s);
	tcpk__hearings_free(&s->headers);
	tcpk__shakes_free(&s->shakes);
	/* Others have the reserve too, and go on. */
	for (; s->reserve != NULL && n > 0; n--) {
		tcpk_reserve_use(s->reserve);
		tcpk_reserve_left(s->reserve);
	}
	for (i = 0; i < TCPK__FAMILIES; i++) {
		tcpk_resolve_cancel(s->lookups[i]);
		s->lookups[i] = NULL;
	}
	tcpk_timer_stop(&s->now);
	tcpk_timer_stop(&s->again);
}

void
tcpk_serve_free(struct tcpk_serve *s)
{
	if (s == NULL)
		return;
	tcpk_serve_stop(s);
	tcpk_serve_files_free(s->files);
	tcpk_limits_free(s->own_limits);
	free(s);
}

/* --- room ----------------------------------------------------------------- */

static void
resume(struct tcpk_serve *s)
{
	size_t	i;

	if (!s->full)
		return;
	s->full = false;
	tcpk_timer_stop(&s->again);
	for (i = 0; i < s->n; i++)
		tcpk_listen_resume(s->listeners[i].listen);
}

static void
on_again(void *arg)
{
	resume(arg);
}

static int
on_room(void *arg)
{
	struct tcpk_serve	*s = ((struct tcpk__listener *)arg)->serve;

	if (s->reserve != NULL && !tcpk_reserve_take(s->reserve))
		return -1;
	if (s->limits == NULL || tcpk_limits_take(s->limits))
		return 1;
	if (s->reserve != NULL) {
		tcpk_reserve_use(s->reserve);
		tcpk_reserve_left(s->reserve);
	}
	s->full = true;
	tcpk_serve_pause(s);
	if (tcpk_limits_shared(s->limits))
		tcpk_timer_set(&s->again, tcpk_now() + LOOK_AGAIN);
	return 0;
}

static void
give_place(struct tcpk_serve *s)
{
	if (s->limits != NULL)
		tcpk_limits_give(s->limits);
	if (s->reserve != NULL)
		tcpk_reserve_left(s->reserve);
}

static void
on_unused(void *arg)
{
	struct tcpk_serve	*s = ((struct tcpk__listener *)arg)->serve;

	if (s->reserve != NULL)
		tcpk_reserve_use(s->reserve);
	give_place(s);
}

void
tcpk__serve_give_place(struct tcpk_serve *s)
{
	if (s->reserve != NULL)
		tcpk_reserve_use(s->reserve);
	give_place(s);
	resume(s);
}

void
tcpk_serve_left(struct tcpk_serve *s, const struct tcpk_ip *ip)
{
	if (s->limits != NULL && ip != NULL)
		tcpk_limits_give_host(s->limits, *ip);
	give_place(s);
	resume(s);
}

static void
on_trouble(void *arg, const struct tcpk_err *err)
{
	struct tcpk_serve	*s = ((struct tcpk__listener *)arg)->serve;

	if (s->reserve != NULL)
		tcpk_reserve_short(s->reserve);
	if (s->handler.trouble != NULL)
		s->handler.trouble(s->arg, err);
}

static const struct tcpk_listen_handler	listen_handler = {
	tcpk__serve_client, on_trouble, on_room, on_unused
};

int
tcpk__serve_listen(struct tcpk_serve *s, const struct tcpk_addr *addr,
    int fd, struct tcpk_err *err)
{
	struct tcpk__listener	*l = &s->listeners[s->n];

	l->serve = s;
	l->listen = NULL;
	l->udp = NULL;
	if (s->ep->scheme == TCPK_UDP && addr != NULL)
		l->udp = tcpk_udp_new(s->loop, addr, &s->ep->o,
		    tcpk__serve_datagram, l, err);
	else if (s->ep->scheme == TCPK_UDP)
		l->udp = tcpk_udp_adopt(s->loop, fd, tcpk__serve_datagram,
		    l, err);
	else if (addr != NULL)
		l->listen = tcpk_listen_new(s->loop, addr, &s->ep->o,
		    &listen_handler, l, err);
	else
		l->listen = tcpk_listen_adopt(s->loop, fd,
		    &listen_handler, l, err);
	if (l->listen == NULL && l->udp == NULL)
		return -1;
	s->n++;
	return 0;
}

static int
set_limits(struct tcpk_serve *s, const struct tcpk_serve_opts *opts,
    struct tcpk_err *err)
{
	const struct tcpk_options	*o = &s->ep->o;

	s->limits = opts->limits;
	if (s->limits != NULL || (o->max_clients == 0 && o->max_per_host == 0))
		return 0;
	s->limits = s->own_limits = tcpk_limits_new(o->max_clients,
	    o->max_per_host, 1, err);
	return s->limits == NULL ? -1 : 0;
}

struct tcpk_serve *
tcpk_serve_start(struct tcpk_loop *loop, const struct tcpk_endpoint *ep,
    const struct tcpk_serve_opts *opts,
    const struct tcpk_serve_handler *handler, void *arg,
    struct tcpk_err *err)
{
	struct tcpk_serve	*s = calloc(1, sizeof(*s));
	int			 r;

	if (s == NULL) {
		tcpk_err_set(err, TCPK_EIO, "out of memory");
		return NULL;
	}
	s->loop = loop;
	s->ep = ep;
	s->one = opts->one;
	s->reserve = opts->reserve;
	s->handler = *handler;
	s->arg = arg;
	tcpk_timer_init(&s->now, loop, tcpk__serve_open, s);
	tcpk_timer_init(&s->again, loop, on_again, s);
	if (ep->scheme == TCPK_UDP && handler->datagram == NULL) {
		tcpk_err_set(err, TCPK_EUSAGE,
		    "%.80s: datagrams are not served here", ep->text);
		goto fail;
	}
	s->forked = opts->forked;
	s->files = s->forked != NULL ? s->forked->files :
	    tcpk_serve_read(s, err);
	if (s->files == NULL || set_limits(s, opts, err) == -1)
		goto fail;
	r = tcpk__serve_numeric(s, err);
	if (r != -1 && tcpk__serve_check(s, opts->numeric, err) == -1)
		goto fail;
	if (r == 0)
		r = tcpk__serve_look_up(s, opts->numeric, err);
	else if (r == 1 && tcpk_timer_set(&s->now, tcpk_now()) == -1)
		r = tcpk_err_set(err, TCPK_EIO, "out of memory");
	if (r != -1)
		return s;
fail:
	tcpk_serve_free(s);
	return NULL;
}
