/* The loop's changes: an array whose members know their place. */

#include <stdlib.h>

#include "loop_impl.h"

static void
tell(struct tcpk_watch *w)
{
	if (w->want == w->set)
		return;
	/*
	 * What cannot be watched is tried: its own read or write says what is
	 * wrong, and the others go on.
	 */
	if (tcpk__loop_set(w) != 0) {
		w->always = 1;
		tcpk__loop_ready(w, w->want);
	} else
		w->set = w->want;
}

static bool
make_room(struct tcpk__changes *cs)
{
	struct tcpk_watch	**list;
	size_t			  room = cs->room == 0 ? 16 : 2 * cs->room;

	list = reallocarray(cs->list, room, sizeof(*list));
	if (list == NULL)
		return false;
	cs->list = list;
	cs->room = room;
	return true;
}

void
tcpk__changes_add(struct tcpk__changes *cs, struct tcpk_watch *w)
{
	if (w->changed != 0)
		return;
	/* Without memory they are told one by one. */
	if (cs->n == cs->room && !make_room(cs)) {
		tell(w);
		return;
	}
	cs->list[cs->n++] = w;
	w->changed = (uint32_t)cs->n;
}

void
tcpk__changes_drop(struct tcpk__changes *cs, struct tcpk_watch *w)
{
	if (w->changed != 0)
		cs->list[w->changed - 1] = NULL;
	w->changed = 0;
}

void
tcpk__changes_tell(struct tcpk__changes *cs)
{
	struct tcpk_watch	*w;
	size_t			 i, kept = 0;

	for (i = 0; i < cs->n; i++) {
		w = cs->list[i];
		if (w == NULL)
			continue;
		w->changed = 0;
		/* Who is called next may want something else after that. */
		if (w->set == 0 && w->next != NULL) {
			cs->list[kept++] = w;
			w->changed = (uint32_t)kept;
		} else
			tell(w);
	}
	cs->n = kept;
}
