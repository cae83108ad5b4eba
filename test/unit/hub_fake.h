/*
 * hub_fake: a clock of our own, and guests: streams that say and hear what a
 * test lets them.
 */
#ifndef HUB_FAKE_H
#define HUB_FAKE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hub_impl.h"
#include "stream_impl.h"
#include "tap.h"

#define MS	TCPK_MS
#define ALL	SIZE_MAX

/* More turns than anything takes: it would have spun. */
#define MANY	200000

struct guest {
	struct tcpk_stream s;
	struct tcpk_timer tick;
	struct tcpk_member *m;
	char	*says;
	size_t	 len, said, says_room;
	size_t	 piece;		/* no more in one read */
	bool	 at_end;	/* after that: the end of file */
	int	 read_fails;	/* or an error of this kind */
	char	*heard;
	size_t	 n, heard_room;
	size_t	 takes;		/* so much more, then it is not ready */
	size_t	 at_once;	/* no more in one write */
	int	 write_fails;	/* once it has taken that */
	bool	 gone;		/* likewise */
	int	 finish_again, drain_again, drain_fails;
	int	 hup;		/* what it answers, 1: nothing happens */
	unsigned want;
	int	 reads, writes, finishes, drains, resets, frees;
	size_t	 most;		/* that was ever queued for it */
	bool	 wrong;		/* something was done out of turn */
	int	 left;		/* calls */
	struct tcpk_left how;
	void	(*on_left)(struct guest *);
};

static struct tcpk_loop	*loop;
static struct tcpk_hub	*hub;
static uint64_t		 fake_clock = 1000 * TCPK_SECOND;
static unsigned long	 fake_moves;	/* anything that happened */
static bool		 fake_inside;	/* a function of the hub runs */

int	clock_gettime(clockid_t, struct timespec *);

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	(void)id;
	ts->tv_sec = (time_t)(fake_clock / TCPK_SECOND);
	ts->tv_nsec = (long)(fake_clock % TCPK_SECOND);
	return 0;
}

/* Room for n bytes more. */
static void
grow(char **data, size_t *room, size_t len, size_t n)
{
	if (len + n <= *room)
		return;
	*room = 2 * (len + n);
	*data = realloc(*data, *room);
}

static unsigned
guest_ready(const struct guest *g)
{
	unsigned	ready = 0;

	if (g->said < g->len || g->at_end || g->read_fails != 0)
		ready |= TCPK_READ;
	if (g->takes > 0 || g->write_fails != 0 || g->gone)
		ready |= TCPK_WRITE;
	if (g->hup != 1)
		ready |= TCPK_HUP;
	return ready & g->want;
}

static void
guest_arm(struct guest *g)
{
	if (g->frees != 0)
		return;
	if (guest_ready(g) == 0)
		tcpk_timer_stop(&g->tick);
	else	/* a microsecond, so that a turn ends */
		tcpk_timer_set(&g->tick, fake_clock + 1000);
}

static void
guest_tick(void *arg)
{
	struct guest	*g = arg;
	unsigned	 ready = guest_ready(g);

	if (ready != 0)
		tcpk__stream_ready(&g->s, ready);
	if (g->frees == 0 && g->m != NULL &&
	    g->m->queue.used > g->most)
		g->most = g->m->queue.used;
	guest_arm(g);
}

static ssize_t
guest_read(struct tcpk_stream *s, void *buf, size_t n)
{
	struct guest	*g = (struct guest *)s;

	fake_moves++;
	g->reads++;
	g->wrong |= g->frees != 0 || n == 0 || n > TCPK_SCRATCH;
	if (g->said == g->len) {
		if (g->read_fails != 0)
			return tcpk__stream_fail(s, g->read_fails, 0,
			    "read");
		return g->at_end ? 0 : TCPK_AGAIN;
	}
	if (n > g->len - g->said)
		n = g->len - g->said;
	if (n > g->piece)
		n = g->piece;
	memcpy(buf, g->says + g->said, n);
	g->said += n;
	return (ssize_t)n;
}

static ssize_t
guest_write(struct tcpk_stream *s, const void *buf, size_t n)
{
	struct guest	*g = (struct guest *)s;

	fake_moves++;
	g->writes++;
	g->wrong |= g->frees != 0 || g->finishes != 0 || n == 0;
	if (n > g->at_once)
		n = g->at_once;
	if (n > g->takes)
		n = g->takes;
	if (n == 0 && g->write_fails != 0)
		return tcpk__stream_fail(s, g->write_fails, 0, "write");
	if (n == 0)
		return g->gone ? TCPK_GONE : TCPK_AGAIN;
	grow(&g->heard, &g->heard_room, g->n, n);
	memcpy(g->heard + g->n, buf, n);
	g->n += n;
	if (g->takes != ALL)
		g->takes -= n;
	return (ssize_t)n;
}

static int
guest_finish(struct tcpk_stream *s)
{
	struct guest	*g = (struct guest *)s;

	fake_moves++;
	g->wrong |= g->frees != 0 || g->finishes != 0;
	if (g->finish_again-- > 0)
		return TCPK_AGAIN;
	g->finishes++;
	return 0;
}

static int
guest_drained(struct tcpk_stream *s, uint64_t *left)
{
	struct guest	*g = (struct guest *)s;

	fake_moves++;
	g->drains++;
	g->wrong |= g->frees != 0 || g->finishes != 1;
	*left = 0;
	if (g->drain_again-- > 0) {
		*left = 1;
		return TCPK_AGAIN;
	}
	if (g->drain_fails != 0)
		return tcpk__stream_fail(s, g->drain_fails, 0, "drain");
	return 0;
}

static void
guest_want(struct tcpk_stream *s, unsigned want)
{
	struct guest	*g = (struct guest *)s;

	g->want = want;
	guest_arm(g);
}

static int
guest_hup(struct tcpk_stream *s)
{
	struct guest	*g = (struct guest *)s;
	int		 hup = g->hup;

	fake_moves++;
	g->hup = 1;
	return hup == -1 ? tcpk__stream_fail(s, TCPK_ECUT, 0, "hang-up") :
	    hup;
}

static void
guest_reset(struct tcpk_stream *s)
{
	((struct guest *)s)->resets++;
}

static void
guest_free(struct tcpk_stream *s)
{
	struct guest	*g = (struct guest *)s;

	fake_moves++;
	g->frees++;
	tcpk_timer_stop(&g->tick);
}

static bool
guest_fds(const struct tcpk_stream *s, int *rfd, int *wfd)
{
	(void)s;
	*rfd = *wfd = -1;
	return false;
}

static const struct tcpk__stream_ops	guest_ops = {
	guest_read, guest_write, guest_finish, guest_drained, guest_want,
	guest_hup, guest_reset, guest_free, guest_fds, .lingers = true
};

static void
guest_left(void *arg, const struct tcpk_left *how)
{
	struct guest	*g = arg;

	fake_moves++;
	g->wrong |= g->frees != 1 || g->left != 0 || fake_inside;
	g->left++;
	g->how = *how;
	g->m = NULL;
	if (g->on_left != NULL)
		g->on_left(g);
}

/* One that takes everything and says nothing. */
static void
guest_init(struct guest *g)
{
	memset(g, 0, sizeof(*g));
	g->s.ops = &guest_ops;
	g->piece = g->takes = g->at_once = ALL;
	g->hup = 1;
	tcpk_timer_init(&g->tick, loop, guest_tick, g);
}

__attribute__((unused))
static void
guest_says(struct guest *g, const char *data, size_t n)
{
	if (n == 0)
		return;
	grow(&g->says, &g->says_room, g->len, n);
	memcpy(g->says + g->len, data, n);
	g->len += n;
	guest_arm(g);
}

__attribute__((unused))
static void
guest_speaks(struct guest *g, const char *text)
{
	guest_says(g, text, strlen(text));
}

/* n bytes, different at each place, and for each who. */
__attribute__((unused))
static void
guest_says_much(struct guest *g, size_t n, unsigned who)
{
	size_t	i;

	grow(&g->says, &g->says_room, g->len, n);
	for (i = 0; i < n; i++)
		g->says[g->len + i] = (char)(i * 131 + i / 251 + who);
	g->len += n;
	guest_arm(g);
}

__attribute__((unused))
static void
guest_takes(struct guest *g, size_t n)
{
	g->takes = n;
	guest_arm(g);
}

__attribute__((unused))
static void
guest_ends(struct guest *g)
{
	g->at_end = true;
	guest_arm(g);
}

static void
enter(struct guest *g, enum tcpk_side side, const char *tag,
    const char *greeting)
{
	bool	was = fake_inside;

	fake_inside = true;
	g->m = tcpk_hub_add(hub, &g->s, side, tag, greeting,
	    greeting != NULL ? strlen(greeting) : 0, guest_left, g, NULL);
	fake_inside = was;
}

static void
turn(uint64_t ns)
{
	fake_clock += ns;
	tcpk_loop_turn(loop, 0, NULL);
}

/* Until nothing has happened for longer than any back-off takes. */
static bool
run(void)
{
	unsigned long	was;
	int		quiet, turns = 0;

	for (quiet = 0; quiet < 150 && turns++ < MANY; quiet++) {
		was = fake_moves;
		turn(MS);
		if (fake_moves != was)
			quiet = 0;
	}
	return turns < MANY;
}

__attribute__((unused))
static bool
heard(const struct guest *g, const char *text)
{
	bool	same = g->n == strlen(text) &&
		    (g->n == 0 || memcmp(g->heard, text, g->n) == 0);

	if (!same)
		note("heard \"%.*s\" (%zu)", (int)(g->n < 200 ? g->n : 200),
		    g->n > 0 ? g->heard : "", g->n);
	return same;
}

/* All that was said, and nothing else. */
__attribute__((unused))
static bool
heard_all(const struct guest *g, const struct guest *of)
{
	return g->n == of->len && memcmp(g->heard, of->says, g->n) == 0;
}

static bool
left(const struct guest *g, enum tcpk_err_kind kind, const char *text)
{
	bool	fine = g->left == 1 && g->frees == 1 && !g->wrong &&
		    g->how.err.kind == (int)kind &&
		    strcmp(g->how.err.text, text) == 0 &&
		    g->how.bytes_in == g->said && g->how.bytes_out == g->n &&
		    g->resets == (kind != TCPK_OK);

	if (!fine)
		note("left %d frees %d wrong %d resets %d %s \"%s\" state %s",
		    g->left, g->frees, g->wrong, g->resets,
		    tcpk_err_word(g->how.err.kind), g->how.err.text,
		    g->m != NULL ? tcpk__hub_state_name(g->m->state) : "-");
	return fine;
}

/* It is in, and holds no memory but its own. */
__attribute__((unused))
static bool
idle(const struct guest *g)
{
	return g->left == 0 && g->frees == 0 && !g->wrong && g->m != NULL &&
	    g->m->queue.data == NULL && g->m->line.data == NULL;
}

static void
guest_done(struct guest *g)
{
	free(g->says);
	free(g->heard);
	g->says = g->heard = NULL;
	g->says_room = g->heard_room = 0;
}

static void
hub_begin(const struct tcpk_hub_opts *opts, struct guest *g, size_t n)
{
	while (n-- > 0)
		guest_init(&g[n]);
	hub = tcpk_hub_new(loop, opts, NULL);
}

/* All that are still in are cut, and not told. */
static bool
hub_end(struct guest *g, size_t n)
{
	bool	fine = true;
	size_t	i;
	int	told = 0;

	for (i = 0; i < n; i++)
		told += g[i].left;
	tcpk_hub_free(hub);
	hub = NULL;
	turn(MS);
	for (i = 0; i < n; i++) {
		told -= g[i].left;
		fine &= !g[i].wrong &&
		    g[i].frees == (g[i].s.fn != NULL) &&
		    (g[i].left == 1 || g[i].resets == g[i].frees);
		guest_done(&g[i]);
	}
	return fine && told == 0;
}

#endif
