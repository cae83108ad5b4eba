/* Whoever sends datagrams, as one stream. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stream_impl.h"
#include "tcpkit/senders.h"

#define MOST	1024

/* As in stream_datagram.c. */
#define LARGEST	65507

/* Heard and not read: more than this is left to the kernel. */
#define WAITING	(256 * 1024)

/* Sockets that a name may stand for. */
#define SOCKETS	32

/* There is no event for when a socket that is shared has room again. */
#define TRY_AGAIN	TCPK_MS

struct sender {
	struct tcpk_addr  addr;
	struct tcpk_udp	 *udp;		/* by which it is answered */
	struct tcpk_addr  here;		/* and from where */
	uint64_t	  heard;	/* the number of its last datagram */
};

struct heard {
	struct heard	*next;
	size_t		 off, n;	/* read already, in all */
	char		 data[];
};

struct senders {
	struct tcpk_stream s;
	struct tcpk_loop  *loop;
	struct tcpk_senders_opts opts;
	char		  *greeting;
	struct tcpk_timer  poke;	/* there is something to be ready for */
	bool		   full;	/* wait for it before a write */
	unsigned	   want;
	struct sender	  *who;
	size_t		   n, room;
	struct sender	  *last;
	struct heard	  *first, **tail;
	size_t		   waiting;	/* bytes in the list, not read */
	uint64_t	   count;
	struct tcpk_udp	  *paused[SOCKETS];
	size_t		   npaused;
	bool		   ended;
	bool		   begun;	/* a byte was heard, or sent */
};

static unsigned
ready_for(const struct senders *x)
{
	unsigned	ready = 0;

	if (x->first != NULL || x->ended)
		ready |= TCPK_READ;
	if ((x->last != NULL && !x->full) || x->ended)
		ready |= TCPK_WRITE;
	return ready & x->want;
}

static void
poke(struct senders *x)
{
	if (ready_for(x) != 0)
		tcpk_timer_set(&x->poke, tcpk_now());
}

static void
on_poke(void *arg)
{
	struct senders	*x = arg;
	unsigned	 ready;

	x->full = false;
	ready = ready_for(x);
	/* Again, until nobody wants it; it may be freed in the callback. */
	poke(x);
	if (ready != 0)
		tcpk__stream_ready(&x->s, ready);
}

/* --- the stream ------------------------------------------------------------- */

static ssize_t
senders_read(struct tcpk_stream *s, void *buf, size_t n)
{
	struct senders	*x = (struct senders *)s;
	struct heard	*h = x->first;

	if (h == NULL)
		return x->ended ? 0 : TCPK_AGAIN;
	if (n > h->n - h->off)
		n = h->n - h->off;
	memcpy(buf, h->data + h->off, n);
	h->off += n;
	x->waiting -= n;
	if (h->off == h->n) {
		x->first = h->next;
		if (x->first == NULL)
			x->tail = &x->first;
		free(h);
	}
	while (x->npaused > 0 && x->waiting < WAITING / 2 && !x->ended)
		tcpk_udp_resume(x->paused[--x->npaused]);
	return (ssize_t)n;
}

/*
 * From the address that it sent to: it may take an answer from no other.
 * False: the kernel has no room now.  One that the network does not take is
 * lost, as any other may be.
 */
static bool
send_to(const struct sender *who, const void *data, size_t n)
{
	struct tcpk_udp_counts	before, after;

	tcpk_udp_counts(who->udp, &before);
	tcpk_udp_send_from(who->udp, &who->here, &who->addr, data, n);
	tcpk_udp_counts(who->udp, &after);
	return after.dropped == before.dropped;
}

static ssize_t
senders_write(struct tcpk_stream *s, const void *buf, size_t n)
{
	struct senders	*x = (struct senders *)s;
	size_t		 i;

	if (x->ended)
		return TCPK_GONE;
	if (x->last == NULL || x->full)
		return TCPK_AGAIN;
	if (n > LARGEST)
		n = LARGEST;
	/* Of several, some have it already: nobody waits for the others. */
	for (i = 0; x->opts.all && i < x->n; i++)
		send_to(&x->who[i], buf, n);
	if (x->opts.all || send_to(x->last, buf, n) ||
	    tcpk_timer_set(&x->poke, tcpk_now() + TRY_AGAIN) == -1) {
		x->begun = true;
		return (ssize_t)n;
	}
	x->full = true;
	return TCPK_AGAIN;
}

static int
senders_finish(struct tcpk_stream *s)
{
	(void)s;
	return 0;
}

static int
senders_drained(struct tcpk_stream *s, uint64_t *left)
{
	(void)s;
	*left = 0;
	return 0;
}

static void
senders_want(struct tcpk_stream *s, unsigned want)
{
	struct senders	*x = (struct senders *)s;

	x->want = want;
	poke(x);
}

static int
senders_hup(struct tcpk_stream *s)
{
	(void)s;
	return TCPK_AGAIN;
}

static void
senders_reset(struct tcpk_stream *s)
{
	(void)s;
}

static void
senders_free(struct tcpk_stream *s)
{
	struct senders	*x = (struct senders *)s;
	struct heard	*h;

	tcpk_timer_stop(&x->poke);
	while ((h = x->first) != NULL) {
		x->first = h->next;
		free(h);
	}
	free(x->who);
	free(x->greeting);
	free(x);
}

static bool
senders_fds(const struct tcpk_stream *s, int *rfd, int *wfd)
{
	(void)s;
	*rfd = *wfd = -1;
	return false;
}

/* Nobody is idle who has not begun. */
static uint64_t
senders_holds(const struct tcpk_stream *s)
{
	return ((const struct senders *)s)->begun ? 0 : TCPK_FOREVER;
}

static const struct tcpk__stream_ops	senders_ops = {
	.read = senders_read,
	.write = senders_write,
	.finish = senders_finish,
	.drained = senders_drained,
	.want = senders_want,
	.hup = senders_hup,
	.reset = senders_reset,
	.free = senders_free,
	.fds = senders_fds,
	.whole = true,
	.holds = senders_holds
};

/* --- who sends -------------------------------------------------------------- */

/* The one with this address, or a place for it: *is_new. */
static struct sender *
find(struct senders *x, const struct tcpk_addr *from, bool *is_new)
{
	size_t	most = x->opts.most != 0 ? x->opts.most : MOST;
	size_t	last = x->last != NULL ? (size_t)(x->last - x->who) : 0;
	size_t	i, oldest = 0;
	struct sender *grown;

	*is_new = false;
	for (i = 0; i < x->n; i++) {
		if (tcpk_addr_equal(&x->who[i].addr, from))
			return &x->who[i];
		if (x->who[i].heard < x->who[oldest].heard)
			oldest = i;
	}
	*is_new = true;
	if (x->n == x->room && x->n < most) {
		grown = reallocarray(x->who, x->room == 0 ? 4 : 2 * x->room,
		    sizeof(*grown));
		if (grown == NULL && x->n == 0)
			return NULL;
		if (grown != NULL) {
			x->who = grown;
			x->room = x->room == 0 ? 4 : 2 * x->room;
			if (x->last != NULL)
				x->last = &x->who[last];
		}
	}
	if (x->n < x->room && x->n < most)
		return &x->who[x->n++];
	return &x->who[oldest];
}

static void
append(struct senders *x, struct heard *h)
{
	h->next = NULL;
	*x->tail = h;
	x->tail = &h->next;
	h->off = 0;
	x->waiting += h->n;
}

static struct heard *
copy(const void *data, size_t n)
{
	struct heard	*h = malloc(sizeof(*h) + n);

	if (h != NULL) {
		h->n = n;
		memcpy(h->data, data, n);
	}
	return h;
}

/* Each line with who sent it; the last one need not have an end. */
static struct heard *
copy_lines(const struct tcpk_addr *from, const char *data, size_t n)
{
	char		 text[TCPK_ADDR_TEXT];
	const char	*end, *stop = data + n, *p;
	struct heard	*h;
	size_t		 lines = 1, tag;
	char		*to;

	tcpk_addr_format(from, text, sizeof(text));
	tag = strlen(text) + 2;
	for (p = data; p < stop; p++)
		lines += *p == '\n' && p + 1 < stop;
	h = malloc(sizeof(*h) + n + lines * tag + 1);
	if (h == NULL)
		return NULL;
	for (to = h->data, p = data; p < stop; p = end) {
		end = memchr(p, '\n', (size_t)(stop - p));
		end = end == NULL ? stop : end + 1;
		to += sprintf(to, "%s: ", text);
		memcpy(to, p, (size_t)(end - p));
		to += end - p;
	}
	if (n > 0 && stop[-1] != '\n')
		*to++ = '\n';
	h->n = (size_t)(to - h->data);
	return h;
}

static void
pause_reading(struct senders *x, struct tcpk_udp *udp)
{
	size_t	i;

	for (i = 0; i < x->npaused; i++)
		if (x->paused[i] == udp)
			return;
	if (x->npaused == SOCKETS)
		return;
	x->paused[x->npaused++] = udp;
	tcpk_udp_pause(udp);
}

bool
tcpk_senders_heard(struct tcpk_stream *s, struct tcpk_udp *udp,
    const struct tcpk_addr *from, const void *data, size_t n)
{
	struct senders	*x = (struct senders *)s;
	struct sender	*who;
	struct heard	*h = NULL;
	bool		 is_new;
	size_t		 i;

	if (x->ended)
		return false;
	who = find(x, from, &is_new);
	if (who == NULL)
		return false;
	who->addr = *from;
	who->udp = udp;
	who->here = *tcpk_udp_here(udp);
	who->heard = ++x->count;
	x->last = who;
	if (is_new && x->opts.ngreeting > 0)
		tcpk_udp_send(udp, from, x->greeting, x->opts.ngreeting);
	for (i = 0; x->opts.open && i < x->n; i++)
		if (&x->who[i] != who)
			send_to(&x->who[i], data, n);
	if (n > 0)
		h = x->opts.lines ? copy_lines(from, data, n) : copy(data, n);
	if (h != NULL) {
		x->begun = true;
		append(x, h);
	}
	if (x->waiting >= WAITING)
		pause_reading(x, udp);
	poke(x);
	return is_new;
}

void
tcpk_senders_end(struct tcpk_stream *s)
{
	struct senders	*x = (struct senders *)s;

	x->ended = true;
	poke(x);
}

struct tcpk_stream *
tcpk_senders_new(struct tcpk_loop *loop, const struct tcpk_senders_opts *opts,
    struct tcpk_err *err)
{
	struct senders	*x = calloc(1, sizeof(*x));

	if (x == NULL)
		goto no_memory;
	x->s.ops = &senders_ops;
	x->loop = loop;
	x->opts = *opts;
	x->tail = &x->first;
	tcpk_timer_init(&x->poke, loop, on_poke, x);
	if (opts->ngreeting == 0)
		return &x->s;
	x->greeting = malloc(opts->ngreeting);
	if (x->greeting != NULL) {
		memcpy(x->greeting, opts->greeting, opts->ngreeting);
		return &x->s;
	}
	free(x);
no_memory:
	tcpk_err_set(err, TCPK_EIO, "out of memory");
	return NULL;
}
