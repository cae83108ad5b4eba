/*
 * Whole lines for our side, each with its speaker's tag.  The end of a line
 * is queued together with its beginning, so nobody gets in between.
 */

#include <stdlib.h>
#include <string.h>

#include "hub_impl.h"

#define LINE_FIRST	256

/*
 * In lines, every byte may be an empty line that gets a tag; before them may
 * come what was begun, and a piece that is cut gets a newline.
 */
static size_t
worth(const struct tcpk_member *m, size_t room)
{
	size_t	always = TCPK_HUB_LINE + 2 * (m->tag_len + 1);

	if (!m->hub->opts.lines)
		return room;
	return room < always ? 0 : (room - always) / (m->tag_len + 2);
}

size_t
tcpk__hub_allowance(const struct tcpk_member *m)
{
	const struct tcpk_hub	*hub = m->hub;
	struct tcpk__hub_link	*l;
	size_t			 most = TCPK__HUB_CHUNK, n;

	if (m->side == TCPK_OURS)
		return hub->opts.pace && hub->fit == 0 ? 0 : most;
	TCPK__HUB_EACH(l, &hub->side[TCPK_OURS]) {
		if (l->member->state != HEARS)
			continue;
		n = worth(m, TCPK_HUB_QUEUE - l->member->queue.used);
		if (n < most)
			most = n;
	}
	return most < TCPK__HUB_LEAST ? 0 : most;
}

void
tcpk__hub_lines_forget(struct tcpk_member *m)
{
	free(m->line.data);
	memset(&m->line, 0, sizeof(m->line));
}

/* A whole line or piece: what was begun, and this behind it. */
static void
tell(struct tcpk_member *m, const char *data, size_t n, bool newline)
{
	struct tcpk__hub_link	*l;

	TCPK__HUB_EACH(l, &m->hub->side[TCPK_OURS]) {
		tcpk__hub_keep(l->member, m->tag, m->tag_len);
		tcpk__hub_keep(l->member, m->line.data, m->line.len);
		tcpk__hub_keep(l->member, data, n);
		if (newline)
			tcpk__hub_keep(l->member, "\n", 1);
	}
	tcpk__hub_lines_forget(m);
}

static int
begin(struct tcpk_member *m, const char *data, size_t n)
{
	struct tcpk__hub_line	*line = &m->line;
	size_t			 size = line->size;
	char			*grown;

	if (size == 0)
		size = LINE_FIRST;
	while (size < line->len + n)
		size *= 2;
	if (size != line->size) {
		grown = realloc(line->data, size);
		if (grown == NULL)
			return -1;
		line->data = grown;
		line->size = size;
	}
	memcpy(line->data + line->len, data, n);
	line->len += n;
	return 0;
}

/*
 * What was told is written at once if nothing was waiting before it; else
 * the stream has said already that it takes no more.
 */
static void
write_out(struct tcpk_hub *hub)
{
	struct tcpk__hub_link	*l;

	TCPK__HUB_EACH(l, &hub->side[TCPK_OURS]) {
		if ((l->member->want & TCPK_WRITE) != 0 ||
		    l->member->state != HEARS)
			continue;
		tcpk__hub_flush(l->member);
		tcpk__hub_update(l->member);
	}
}

static bool
anyone_hears(const struct tcpk_hub *hub)
{
	struct tcpk__hub_link	*l;

	TCPK__HUB_EACH(l, &hub->side[TCPK_OURS])
		if (l->member->state == HEARS)
			return true;
	return false;
}

void
tcpk__hub_lines(struct tcpk_member *m, const char *data, size_t n)
{
	const char	*end;
	size_t		 len;

	if (!anyone_hears(m->hub)) {
		tcpk__hub_lines_forget(m);
		return;
	}
	for (; n > 0; data += len, n -= len) {
		end = memchr(data, '\n', n);
		len = end != NULL ? (size_t)(end - data) : n;
		if (m->line.len + len > TCPK_HUB_LINE) {
			len = TCPK_HUB_LINE - m->line.len;
			tell(m, data, len, true);
		} else if (end != NULL)
			tell(m, data, ++len, false);
		else if (begin(m, data, len) == -1) {
			tcpk__hub_cut(m, TCPK_EIO, "out of memory");
			break;
		}
	}
	write_out(m->hub);
}

void
tcpk__hub_lines_end(struct tcpk_member *m)
{
	if (m->line.len == 0)
		return;
	tell(m, NULL, 0, true);
	write_out(m->hub);
}
