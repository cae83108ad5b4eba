/*
 * --pair: clients are joined two by two as they arrive; with --pair-key those
 * whose first lines are the same.
 */

#include <stdlib.h>
#include <string.h>

#include "tcprelay.h"

/* A key, and what a client may have said behind it by then. */
#define KEY_MAX		1024

/*
 * One who is alone, or joined:
 * KEY     its stream readable: its first line is awaited; a timer
 * ALONE   another guest; its stream's hang-up; a timer with idle-timeout
 * JOINED  the pump, which belongs to both
 */
struct relay_guest {
	struct relay_client *rc;
	struct relay_guest  *next;	/* who is alone as well */
	struct relay_guest  *other;	/* once joined */
	enum { KEY, ALONE, JOINED } state;
	struct tcpk_timer    limit;
	char		     said[KEY_MAX];	/* with --pair-key */
	size_t		     nsaid, nline;	/* all of it, its first line */
};

static void
forget(struct relay_guest *g)
{
	struct relay_guest	**p;

	for (p = &relay_of(g->rc)->waiting; *p != NULL; p = &(*p)->next)
		if (*p == g) {
			*p = g->next;
			break;
		}
	tcpk_timer_stop(&g->limit);
	explicit_bzero(g->said, sizeof(g->said));
	g->rc->guest = NULL;
	free(g);
}

/* Alone still, and not to be joined any more. */
static void
send_away(struct relay_guest *g, const struct tcpk_err *err)
{
	struct relay_client	*rc = g->rc;
	struct server_end	 end = {
		.bytes_in = g->nsaid,
		.err = *err,
		.side = 1
	};

	forget(g);
	tcpk_stream_reset(rc->stream);
	tcpk_stream_free(rc->stream);
	relay_leave(rc, &end);
}

static void
on_limit(void *arg)
{
	struct relay_guest	*g = arg;
	struct tcpk_err		 err;

	tcpk_err_set(&err, TCPK_ETIMEOUT, g->state == KEY ?
	    "it did not send its first line in time" :
	    "nobody came to be joined with");
	send_away(g, &err);
}

/* --- joined -------------------------------------------------------------- */

static void
on_pumped(void *arg, const struct tcpk_pump_report *r)
{
	struct relay_guest	*a = arg, *b = a->other;
	struct relay_client	*rc[2] = { a->rc, b->rc };
	struct server_end	 end[2];
	char			 name[2][TCPK_ADDR_TEXT];
	int			 i;

	for (i = 0; i < 2; i++) {
		memset(&end[i], 0, sizeof(end[i]));
		end[i].bytes_in = r->taken[i] + (i == 0 ? a : b)->nsaid;
		end[i].bytes_out = r->bytes[!i];
		end[i].err = r->err;
		end[i].side = r->side == -1 ? -1 : r->side == i;
		/* Kept, for the one who stays a little longer. */
		server_peer(&rc[i]->c, name[i]);
		rc[i]->pump = NULL;
	}
	forget(a);
	forget(b);
	end[0].target = name[1];
	end[1].target = name[0];
	relay_leave(rc[0], &end[0]);
	relay_leave(rc[1], &end[1]);
}

/* What a said behind its line goes to b first. */
static void
set_first(const struct relay_guest *a, struct tcpk_half_opts *half)
{
	half->first = a->said + a->nline;
	half->nfirst = a->nsaid - a->nline;
}

/* a was there first.  -1: b is not joined, and a is alone still. */
static int
join(struct relay_guest *a, struct relay_guest *b, struct tcpk_err *err)
{
	struct relay		*r = relay_of(b->rc);
	struct relay_guest	**p;
	struct tcpk_pump_opts	 opts;
	struct tcpk_pump	*pump;

	relay_pump_opts(&a->rc->route->listen.o, &b->rc->route->listen.o,
	    &opts);
	set_first(a, &opts.half[0]);
	set_first(b, &opts.half[1]);
	tcpk_stream_want(a->rc->stream, 0);
	tcpk_stream_want(b->rc->stream, 0);
	pump = tcpk_pump_start(r->loop, a->rc->stream, b->rc->stream, &opts,
	    on_pumped, a, err);
	if (pump == NULL)
		return -1;
	for (p = &r->waiting; *p != NULL; p = &(*p)->next)
		if (*p == a) {
			*p = a->next;
			break;
		}
	tcpk_timer_stop(&a->limit);
	tcpk_timer_stop(&b->limit);
	a->state = b->state = JOINED;
	a->other = b;
	b->other = a;
	a->rc->stream = b->rc->stream = NULL;
	a->rc->pump = b->rc->pump = pump;
	return 0;
}

/* --- alone --------------------------------------------------------------- */

static bool
match(const struct relay_guest *a, const struct relay_guest *b)
{
	unsigned char	differ = 0;
	size_t		i;

	if (a->nline != b->nline)
		return false;
	/* A key may be a secret: how much of it is right is not to be seen. */
	for (i = 0; i < a->nline; i++)
		differ |= (unsigned char)(a->said[i] ^ b->said[i]);
	return differ == 0;
}

static void
on_alone(void *arg, unsigned ready)
{
	struct relay_guest	*g = arg;
	struct tcpk_err		 err;

	(void)ready;
	if (relay_broken(g->rc, &err))
		send_away(g, &err);
}

/* Its line is known, or none is asked for.  -1: with err. */
static int
seek(struct relay_guest *g, struct tcpk_err *err)
{
	struct relay_guest	**p, *a;
	uint64_t		  idle = g->rc->route->listen.o.idle_timeout;

	for (a = relay_of(g->rc)->waiting; a != NULL; a = a->next)
		if (match(a, g))
			return join(a, g, err);
	g->state = ALONE;
	for (p = &relay_of(g->rc)->waiting; *p != NULL; p = &(*p)->next)
		continue;
	*p = g;
	tcpk_timer_stop(&g->limit);
	if (idle != 0 && tcpk_timer_set(&g->limit, tcpk_now() + idle) == -1)
		return tcpk_err_set(err, TCPK_EIO, "out of memory");
	tcpk_stream_on_ready(g->rc->stream, on_alone, g);
	tcpk_stream_want(g->rc->stream, TCPK_HUP);
	return 0;
}

/* The line without its end; false while it is not whole. */
static bool
find_line(struct relay_guest *g)
{
	char	*end = memchr(g->said, '\n', g->nsaid);

	if (end == NULL)
		return false;
	g->nline = (size_t)(end - g->said) + 1;
	/* CR LF is LF, for those who type it. */
	if (g->nline > 1 && end[-1] == '\r') {
		end[-1] = '\n';
		memmove(end, end + 1, g->nsaid - g->nline);
		g->nline--;
		g->nsaid--;
	}
	return true;
}

static void
on_line(void *arg, unsigned ready)
{
	struct relay_guest	*g = arg;
	struct tcpk_err		 err;
	ssize_t			 got;

	(void)ready;
	got = tcpk_stream_read(g->rc->stream, g->said + g->nsaid,
	    sizeof(g->said) - g->nsaid);
	if (got == TCPK_AGAIN)
		return;
	if (got <= 0) {
		if (got == 0)
			tcpk_err_set(&err, TCPK_ECUT,
			    "it ended within its first line");
		else
			err = *tcpk_stream_err(g->rc->stream);
		send_away(g, &err);
		return;
	}
	g->nsaid += (size_t)got;
	if (find_line(g)) {
		if (seek(g, &err) == -1)
			send_away(g, &err);
	} else if (g->nsaid == sizeof(g->said)) {
		tcpk_err_set(&err, TCPK_ECUT, "its first line is longer than "
		    "%d bytes", KEY_MAX);
		send_away(g, &err);
	}
}

/* How long its first line may take. */
static uint64_t
line_limit(const struct tcpk_options *o)
{
	return o->idle_timeout != 0 && o->idle_timeout < o->connect_timeout ?
	    o->idle_timeout : o->connect_timeout;
}

int
relay_pair_start(struct relay_client *rc, struct tcpk_client *client,
    struct tcpk_err *err)
{
	struct relay_guest	*g = calloc(1, sizeof(*g));

	if (g == NULL)
		return tcpk_err_set(err, TCPK_EIO, "out of memory");
	g->rc = rc;
	rc->guest = g;
	rc->stream = client->stream;
	tcpk_timer_init(&g->limit, relay_of(rc)->loop, on_limit, g);
	if (relay_of(rc)->o.pair_key) {
		tcpk_stream_on_ready(rc->stream, on_line, g);
		tcpk_stream_want(rc->stream, TCPK_READ);
		if (tcpk_timer_set(&g->limit, tcpk_now() +
		    line_limit(&rc->route->listen.o)) == 0)
			return 0;
		tcpk_err_set(err, TCPK_EIO, "out of memory");
	} else if (seek(g, err) == 0)
		return 0;
	forget(g);
	rc->stream = NULL;
	return -1;
}

void
relay_pair_cut(struct relay_client *rc, struct server_end *end)
{
	struct relay_guest	*g = rc->guest;
	uint64_t		 bytes[2];

	if (g == NULL)
		return;
	end->bytes_in = g->nsaid;
	if (rc->pump != NULL) {
		tcpk_pump_bytes(rc->pump, bytes);
		end->bytes_in += bytes[0];
		end->bytes_out = bytes[1];
		tcpk_pump_cancel(rc->pump);
		/* The other one is cut with it, and told of in its turn. */
		g->other->rc->pump = rc->pump = NULL;
	}
	if (rc->stream != NULL)
		tcpk_stream_reset(rc->stream);
	tcpk_stream_free(rc->stream);
	rc->stream = NULL;
	forget(g);
}

/* Nobody will come any more. */
void
relay_pair_drain(struct relay *r)
{
	struct tcpk_err	err;

	tcpk_err_set(&err, TCPK_ECUT, "stopped before anybody came to be "
	    "joined with");
	while (r->waiting != NULL)
		send_away(r->waiting, &err);
}
