/* What a line of progress says. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <tcpkit/value.h>

#include "progress_impl.h"

/* In the order in which they stand. */
enum { PERCENT, BAR, SIZE, RATE, OTHER, ELAPSED, LEFT, PARTS };

/* In which they are dropped, the last one first; the bar has the rest. */
static const int	importance[] = {
	SIZE, PERCENT, LEFT, RATE, ELAPSED, OTHER
};

#define GAP		2	/* columns between two */
#define SHORTEST_BAR	6
#define TEXT		48
#define SIZE_TEXT	22

struct parts {
	char	text[PARTS][TEXT];
	bool	shown[PARTS];
	size_t	bar;		/* columns */
};

/* Rounded down: what is not there yet is not shown. */
static void
format_size(char buf[SIZE_TEXT], uint64_t n, const char *suffix)
{
	static const char	units[] = "BKMGTPE";
	uint64_t		whole, rest;
	char			digits[8];
	int			i = 0;

	while (n >> (10 * i) >= 1024)
		i++;
	whole = n >> (10 * i);
	rest = i > 0 ? n >> (10 * (i - 1)) & 1023 : 0;
	if (i == 0 || whole >= 100)
		snprintf(digits, sizeof(digits), "%u", (unsigned)whole);
	else if (whole >= 10)
		snprintf(digits, sizeof(digits), "%u.%u", (unsigned)whole,
		    (unsigned)(rest * 10 >> 10));
	else
		snprintf(digits, sizeof(digits), "%u.%02u", (unsigned)whole,
		    (unsigned)(rest * 100 >> 10));
	snprintf(buf, SIZE_TEXT, "%4s %c%s%s", digits, units[i],
	    i > 0 ? "iB" : "", suffix);
}

static void
format_time(char buf[TEXT], const char *before, uint64_t s)
{
	uint64_t	h = s / 3600, days = h / 24;
	unsigned	min = (unsigned)(s / 60 % 60), sec = (unsigned)(s % 60);

	if (days >= 1000)
		snprintf(buf, TEXT, "%s>999d", before);
	else if (h >= 100)
		snprintf(buf, TEXT, "%s%ud %02uh", before, (unsigned)days,
		    (unsigned)(h % 24));
	else if (h > 0)
		snprintf(buf, TEXT, "%s%u:%02u:%02u", before, (unsigned)h, min,
		    sec);
	else
		snprintf(buf, TEXT, "%s%u:%02u", before, min, sec);
}

/* So many of n; all of them only when it is done. */
static unsigned
share(const struct progress_state *s, unsigned n)
{
	uint64_t	done = s->bytes[s->total_of];
	double		part;

	if (done >= s->total)
		return n;
	part = (double)done / (double)s->total * n;
	return part < n - 1 ? (unsigned)part : n - 1;
}

static void
tell_total(struct parts *p, const struct progress_state *s)
{
	uint64_t	done = s->bytes[s->total_of];
	uint64_t	rate = s->rate[s->total_of], left;

	snprintf(p->text[PERCENT], TEXT, "%3u%%", share(s, 100));
	if (s->over || done >= s->total)
		return;
	left = s->total - done;
	if (rate == 0)
		snprintf(p->text[LEFT], TEXT, "ETA --:--");
	else
		format_time(p->text[LEFT], "ETA ",
		    left / rate + (left % rate != 0));
}

static void
tell_all(struct parts *p, const struct progress_state *s)
{
	static const char *const	ways[] = { " sent", " received" };
	char				size[SIZE_TEXT], rate[SIZE_TEXT];
	int				first;
	bool				both;

	both = s->bytes[0] != 0 && s->bytes[1] != 0;
	if (s->total != 0)
		first = s->total_of;
	else
		first = s->bytes[0] == 0 && s->bytes[1] != 0;
	/* What the total is not of is told, too, when only that has moved. */
	both |= s->bytes[!first] != 0;
	format_size(p->text[SIZE], s->bytes[first], both ? ways[first] : "");
	format_size(p->text[RATE], s->rate[first], "/s");
	if (both) {
		format_size(size, s->bytes[!first], ways[!first]);
		format_size(rate, s->rate[!first], "/s");
		snprintf(p->text[OTHER], TEXT, "%s  %s", size, rate);
	}
	format_time(p->text[ELAPSED], "", s->elapsed / TCPK_SECOND);
	if (s->total != 0)
		tell_total(p, s);
}

static void
choose(struct parts *p, size_t width, bool bar)
{
	size_t	used = 0, i, n;
	int	part;

	for (i = 0; i < sizeof(importance) / sizeof(importance[0]); i++) {
		part = importance[i];
		n = strlen(p->text[part]) + (used > 0 ? GAP : 0);
		if (p->text[part][0] == '\0' || used + n > width)
			continue;
		p->shown[part] = true;
		used += n;
	}
	if (bar && used > 0 && used + GAP + SHORTEST_BAR <= width) {
		p->shown[BAR] = true;
		p->bar = width - used - GAP;
	}
}

static void
draw_bar(char *to, size_t n, const struct progress_state *s)
{
	size_t	cells = n - 2, full = share(s, (unsigned)cells);

	memset(to, ' ', n);
	memset(to + 1, '=', full);
	if (full < cells)
		to[1 + full] = '>';
	to[0] = '[';
	to[n - 1] = ']';
}

size_t
progress_line(char line[PROGRESS_LINE], size_t width,
    const struct progress_state *s)
{
	struct parts	p = { .bar = 0 };
	size_t		at = 0, n;
	int		i;

	if (width > PROGRESS_LINE - 1)
		width = PROGRESS_LINE - 1;
	tell_all(&p, s);
	choose(&p, width, s->total != 0);
	for (i = 0; i < PARTS; i++) {
		if (!p.shown[i])
			continue;
		if (at > 0) {
			memset(line + at, ' ', GAP);
			at += GAP;
		}
		n = i == BAR ? p.bar : strlen(p.text[i]);
		if (i == BAR)
			draw_bar(line + at, n, s);
		else
			memcpy(line + at, p.text[i], n);
		at += n;
	}
	line[at] = '\0';
	return at;
}

static uint64_t
per_second(uint64_t bytes, uint64_t ns)
{
	double	rate;

	if (ns == 0)
		return 0;
	rate = (double)bytes * 1e9 / (double)ns;
	return rate < 18e18 ? (uint64_t)rate : UINT64_MAX;
}

void
progress_sample(struct progress_window *w, uint64_t now,
    struct progress_state *s)
{
	uint64_t	old = 0, last = w->n % PROGRESS_SAMPLES;
	int		i;

	w->sample[last].at = now;
	w->n++;
	if (w->n > PROGRESS_SAMPLES)
		old = w->n % PROGRESS_SAMPLES;
	for (i = 0; i < 2; i++) {
		w->sample[last].bytes[i] = s->bytes[i];
		s->rate[i] = per_second(s->bytes[i] - w->sample[old].bytes[i],
		    now - w->sample[old].at);
	}
}

void
progress_average(struct progress_state *s)
{
	int	i;

	for (i = 0; i < 2; i++)
		s->rate[i] = per_second(s->bytes[i], s->elapsed);
}
