/* Whoever sends datagrams, as one stream. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stream_impl.h"
#include "tcpkit/senders.h"

#define MOST	1024

/* Heard and not read: more than this is left to the kernel. */
#define WAITING	(256 * 1024)

/* Sockets that a name may stand for. */
#define SOCKETS	32

struct sender {
	struct tcpk_addr  addr;
	struct tcpk_udp	 *udp;		/* by which it is answered */
	uint64_t	  heard;	/* the number of its last datagram */
};

struct heard {
	struct heard	*next;
	size_t		 n;
	char		 data[];
};

struct senders {
	struct tcpk_stream s;
	struct tcpk_loop  *loop;
	struct tcpk_senders_opts opts;
	char		  *greeting;
	struct tcpk_timer  poke;	/* there is something to be ready for */
	unsigned	   want;
	struct sender	  *who;
	size_t		   n, room;
	struct sender	  *last;
	struct heard	  *first, **tail;
	size_t		   waiting;	/* bytes in the list */
	uint64_t	   count;
	struct tcpk_udp	  *paused[SOCKETS];
	size_t		   npaused;
	bool		   ended;
};

static unsigned
ready_for(const struct senders *x)
{
	unsigned	ready = 0;

	if (x->first != NULL || x->ended)
		ready |= TCPK_READ;
	if (x->last != NULL)
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
	unsigned	 ready = ready_for(x);

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
	if (n > h->n)
		n = h->n;
	memcpy(buf, h->data, n);
	x->waiting -= h->n;
	x->first = h->next;
	if (x->first == NULL)
		x->tail = &x->first;
	free(h);
	while (x->npaused > 0 && x->waiting < WAITING / 2 && !x->ended)
		tcpk_udp_resume(x->paused[--x->npaused]);
	return (ssize_t)n;
}

static ssize_t
senders_write(struct tcpk_stream *s, const void *buf, size_t n)
{
	struct senders	*x = (struct senders *)s;
	size_t		 i;

	if (x->last == NULL)
		return TCPK_AGAIN;
	if (n > 65507)
		n = 65507;
	/* One that the network does not take is lost, as any other may be. */
	if (!x->opts.all)
		tcpk_udp_send(x->last->udp, &x->last->addr, buf, n);
	else
		for (i = 0; i < x->n; i++)
			tcpk_udp_send(x->who[i].udp, &x->who[i].addr, buf, n);
	return (ssize_t)n;
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
	.whole = true
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

	who = find(x, from, &is_new);
	if (who == NULL || x->ended)
		return false;
	who->addr = *from;
	who->udp = udp;
	who->heard = ++x->count;
	x->last = who;
	if (is_new && x->opts.ngreeting > 0)
		tcpk_udp_send(udp, from, x->greeting, x->opts.ngreeting);
	for (i = 0; x->opts.open && i < x->n; i++)
		if (&x->who[i] != who)
			tcpk_udp_send(x->who[i].udp, &x->who[i].addr, data, n);
	if (n > 0)
		h = x->opts.lines ? copy_lines(from, data, n) : copy(data, n);
	if (h != NULL)
		append(x, h);
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
