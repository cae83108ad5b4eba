/*
 * fake: a clock that stands still, and streams that follow a script, so that
 * a pump can be led through every state without a descriptor and without
 * waiting.
 *
 * The program's own clock_gettime() takes the place of the system's.  Time
 * passes only in fake_turn(), which jumps to whatever is due next.
 */
#ifndef FAKE_H
#define FAKE_H

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "stream_impl.h"

/* Steps of reading. */
enum {
	END,		/* end of file, for ever (0: where a script stops) */
	DATA,		/* n bytes */
	AGAIN,		/* was ready, and still has nothing, once */
	WAIT,		/* nothing for n ms */
	FINISHED,	/* nothing until the stream was finished */
	SILENT,		/* nothing for ever */
	FAIL,		/* an error of kind n, for ever */
	/* Of writing; AGAIN, WAIT, SILENT and FAIL too. */
	TAKE,		/* n bytes, as they come */
	SHORT,		/* n bytes, not more than one a call */
	GONE		/* for ever */
};

struct step {
	int	what;
	long	n;
};

#define STEPS	12

struct script {
	struct step	 in[STEPS];	/* ends with END */
	struct step	 out[STEPS];	/* then everything is taken */
	const char	*text;		/* its bytes; NULL: fake_byte makes them */
	int		 finish_again;	/* times, before finish goes */
	int		 finish_fails;	/* kind */
	int		 drain_again;	/* times */
	bool		 drain_stuck;	/* left does not fall meanwhile */
	int		 drain_fails;	/* kind */
	int		 hup_at;	/* ms after the start; 0 never */
	int		 hup;		/* what hup() says; 0: fails */
	bool		 file;		/* need not be read to its end */
};

struct fake {
	struct tcpk_stream s;
	struct script	 script;
	struct tcpk_loop *loop;
	struct tcpk_timer tick;
	struct fake	*other;		/* whose bytes come here */
	char		 name;
	unsigned	 want;
	size_t		 in, out;	/* steps done */
	long		 in_done, out_done;	/* of this step */
	uint64_t	 in_since, out_since, begun;
	uint64_t	 sent, got;
	int		 reads, writes, finishes, drains, resets, frees;
	bool		 finished, drained, garbled, hup_told, late;
	uint64_t	 finished_at, freed_at;
};

static uint64_t	fake_clock = 1000 * TCPK_SECOND;

/* All the timers that the loop may have: of streams a and b, and the pump. */
static struct tcpk_timer	*fake_timers[3];

static char	fake_log[4096];

int	clock_gettime(clockid_t, struct timespec *);

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	(void)id;
	ts->tv_sec = (time_t)(fake_clock / TCPK_SECOND);
	ts->tv_nsec = (long)(fake_clock % TCPK_SECOND);
	return 0;
}

/* Note an event: "bF" is finish on stream b. */
static void
fake_note(const struct fake *f, char what)
{
	size_t	n = strlen(fake_log);

	if (n + 4 < sizeof(fake_log))
		snprintf(fake_log + n, sizeof(fake_log) - n, "%s%c%c",
		    n == 0 ? "" : " ", f->name, what);
}

/* Was this event seen before that one, both being there? */
__attribute__((unused))
static bool
fake_before(const char *first, const char *then)
{
	const char	*a = strstr(fake_log, first);
	const char	*b = strstr(fake_log, then);

	return a != NULL && b != NULL && a < b;
}

/* The byte at each place of a stream, so that none is lost unnoticed. */
static unsigned char
fake_byte(const struct fake *f, uint64_t at)
{
	if (f->script.text != NULL)
		return (unsigned char)f->script.text[at];
	return (unsigned char)(at * 131 + at / 251 + (unsigned char)f->name);
}

/* When it becomes readable (now, later, or never). */
static uint64_t
fake_readable(const struct fake *f)
{
	const struct step	*st = &f->script.in[f->in];

	switch (st->what) {
	case WAIT:
		return f->in_since + (uint64_t)st->n * TCPK_MS;
	case FINISHED:
		return f->finished ? 0 : TCPK_FOREVER;
	case SILENT:
		return TCPK_FOREVER;
	default:
		return 0;
	}
}

static uint64_t
fake_writable(const struct fake *f)
{
	const struct step	*st = &f->script.out[f->out];

	switch (st->what) {
	case WAIT:
		return f->out_since + (uint64_t)st->n * TCPK_MS;
	case SILENT:
		return TCPK_FOREVER;
	default:
		return 0;
	}
}

static uint64_t
fake_hup_due(const struct fake *f)
{
	if (f->script.hup_at == 0 || f->hup_told)
		return TCPK_FOREVER;
	return f->begun + (uint64_t)f->script.hup_at * TCPK_MS;
}

static void
fake_arm(struct fake *f)
{
	uint64_t	due = TCPK_FOREVER;

	if ((f->want & TCPK_READ) != 0 && fake_readable(f) < due)
		due = fake_readable(f);
	if ((f->want & TCPK_WRITE) != 0 && fake_writable(f) < due)
		due = fake_writable(f);
	if ((f->want & TCPK_HUP) != 0 && fake_hup_due(f) < due)
		due = fake_hup_due(f);
	if (due == TCPK_FOREVER)
		tcpk_timer_stop(&f->tick);
	else	/* a microsecond, so that a turn ends */
		tcpk_timer_set(&f->tick, due > fake_clock ? due :
		    fake_clock + 1000);
}

static void
fake_tick(void *arg)
{
	struct fake	*f = arg;
	unsigned	 ready = 0;

	if (fake_readable(f) <= fake_clock)
		ready |= TCPK_READ;
	if (fake_writable(f) <= fake_clock)
		ready |= TCPK_WRITE;
	if (fake_hup_due(f) <= fake_clock)
		ready |= TCPK_HUP;
	if ((ready & f->want) != 0)
		tcpk__stream_ready(&f->s, ready & f->want);
	if (f->frees == 0)
		fake_arm(f);
}

static void
fake_next_in(struct fake *f)
{
	f->in++;
	f->in_done = 0;
	f->in_since = fake_clock;
}

static void
fake_next_out(struct fake *f)
{
	f->out++;
	f->out_done = 0;
	f->out_since = fake_clock;
}

static ssize_t
fake_read(struct tcpk_stream *s, void *buf, size_t n)
{
	struct fake	*f = (struct fake *)s;
	struct step	*st = &f->script.in[f->in];
	size_t		 i, left;

	f->reads++;
	f->late |= f->frees != 0;
	if ((st->what == WAIT || st->what == FINISHED) &&
	    fake_readable(f) <= fake_clock) {
		fake_next_in(f);
		st++;
	}
	switch (st->what) {
	case END:
		return 0;
	case DATA:
		left = (size_t)(st->n - f->in_done);
		if (n > left)
			n = left;
		for (i = 0; i < n; i++)
			((unsigned char *)buf)[i] = fake_byte(f, f->sent++);
		f->in_done += (long)n;
		if (f->in_done == st->n)
			fake_next_in(f);
		return (ssize_t)n;
	case FAIL:
		return tcpk__stream_fail(s, (enum tcpk_err_kind)st->n, 0,
		    "read of %c", f->name);
	case AGAIN:
		fake_next_in(f);
		/* FALLTHROUGH */
	default:
		return TCPK_AGAIN;
	}
}

static ssize_t
fake_take(struct fake *f, const unsigned char *data, size_t n)
{
	size_t	i;

	for (i = 0; i < n; i++)
		if (data[i] != fake_byte(f->other, f->got++))
			f->garbled = true;
	return (ssize_t)n;
}

static ssize_t
fake_write(struct tcpk_stream *s, const void *buf, size_t n)
{
	struct fake	*f = (struct fake *)s;
	struct step	*st = &f->script.out[f->out];
	size_t		 left;

	f->writes++;
	f->late |= f->frees != 0 || f->finished;
	if (st->what == WAIT && fake_writable(f) <= fake_clock) {
		fake_next_out(f);
		st++;
	}
	switch (st->what) {
	case TAKE:
	case SHORT:
		left = st->what == SHORT ? 1 : (size_t)(st->n - f->out_done);
		if (n > left)
			n = left;
		f->out_done += (long)n;
		if (f->out_done == st->n)
			fake_next_out(f);
		return fake_take(f, buf, n);
	case FAIL:
		return tcpk__stream_fail(s, (enum tcpk_err_kind)st->n, 0,
		    "write to %c", f->name);
	case GONE:
		return TCPK_GONE;
	case END:
		return fake_take(f, buf, n);
	case AGAIN:
		fake_next_out(f);
		/* FALLTHROUGH */
	default:
		return TCPK_AGAIN;
	}
}

static int
fake_finish(struct tcpk_stream *s)
{
	struct fake	*f = (struct fake *)s;

	f->late |= f->frees != 0;
	if (f->script.finish_again > 0) {
		f->script.finish_again--;
		return TCPK_AGAIN;
	}
	f->finishes++;
	fake_note(f, 'F');
	if (f->script.finish_fails != 0)
		return tcpk__stream_fail(s, f->script.finish_fails, 0,
		    "finish %c", f->name);
	f->finished = true;
	f->finished_at = fake_clock;
	fake_arm(f);
	return 0;
}

static int
fake_drained(struct tcpk_stream *s, uint64_t *left)
{
	struct fake	*f = (struct fake *)s;

	f->late |= f->frees != 0;
	f->drains++;
	if (f->script.drain_again > 0) {
		f->script.drain_again--;
		*left = f->script.drain_stuck ? 1 : f->script.drain_again + 1;
		return TCPK_AGAIN;
	}
	*left = 0;
	fake_note(f, 'D');
	if (f->script.drain_fails != 0)
		return tcpk__stream_fail(s, f->script.drain_fails, 0,
		    "drain of %c", f->name);
	f->drained = true;
	return 0;
}

static void
fake_want(struct tcpk_stream *s, unsigned want)
{
	struct fake	*f = (struct fake *)s;

	f->want = want;
	fake_arm(f);
}

static int
fake_hup(struct tcpk_stream *s)
{
	struct fake	*f = (struct fake *)s;

	f->hup_told = true;
	if (f->script.hup == 0)
		return tcpk__stream_fail(s, TCPK_ECUT, 0, "hang-up of %c",
		    f->name);
	return f->script.hup;
}

static void
fake_reset(struct tcpk_stream *s)
{
	struct fake	*f = (struct fake *)s;

	if (f->resets++ == 0)
		fake_note(f, 'R');
}

static void
fake_free(struct tcpk_stream *s)
{
	struct fake	*f = (struct fake *)s;

	f->frees++;
	f->freed_at = fake_clock;
	fake_note(f, 'X');
	tcpk_timer_stop(&f->tick);
}

static bool
fake_fds(const struct tcpk_stream *s, int *rfd, int *wfd)
{
	(void)s;
	(void)rfd;
	(void)wfd;
	return false;
}

static const struct tcpk__stream_ops	fake_ops[2] = {
	{
		fake_read, fake_write, fake_finish, fake_drained, fake_want,
		fake_hup, fake_reset, fake_free, fake_fds, .lingers = true
	},
	{
		fake_read, fake_write, fake_finish, fake_drained, fake_want,
		fake_hup, fake_reset, fake_free, fake_fds, .lingers = false
	},
};

static void
fake_init(struct fake *f, char name, struct tcpk_loop *loop,
    const struct script *script, struct fake *other)
{
	memset(f, 0, sizeof(*f));
	f->s.ops = &fake_ops[script->file];
	f->script = *script;
	f->loop = loop;
	f->name = name;
	f->other = other;
	f->in_since = f->out_since = f->begun = fake_clock;
	tcpk_timer_init(&f->tick, loop, fake_tick, f);
	fake_timers[name - 'a'] = &f->tick;
}

/* When the next of them is due. */
static uint64_t
fake_due(void)
{
	uint64_t	due = TCPK_FOREVER;
	int		i;

	for (i = 0; i < 3; i++)
		if (fake_timers[i] != NULL && fake_timers[i]->at != 0 &&
		    fake_timers[i]->due < due)
			due = fake_timers[i]->due;
	return due;
}

/* Go on to what is due next; false when nothing ever will be. */
__attribute__((unused))
static bool
fake_turn(struct tcpk_loop *loop)
{
	uint64_t	due = fake_due();

	if (due == TCPK_FOREVER)
		return false;
	if (due > fake_clock)
		fake_clock = due;
	return tcpk_loop_turn(loop, 0, NULL) == 0;
}

#endif
