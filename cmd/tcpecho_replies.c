/* What came back of the client's messages: counted, timed and told. */

#include <stdio.h>

#include "tcpecho_client.h"

static void
log_echoed(const struct session *s, uint64_t seq, uint64_t rtt)
{
	const struct client	*c = s->client;
	struct msg_fields	 f = session_fields(s, "echoed");
	char			 name[SESSION_NAME];

	if (!c->msg->json && c->msg->verbose == 0)
		return;
	f.moved = true;
	f.bytes_in = f.bytes_out = c->o->size;
	f.duration = rtt;
	msg(c->msg, c->o->flood ? MSG_DEBUG : MSG_INFO, &f,
	    "%s: echoed %s%s%s (message %llu) in %.3f ms",
	    session_name(s, name), c->o->message != NULL ? "\"" : "intact",
	    c->o->message != NULL ? c->o->message : "",
	    c->o->message != NULL ? "\"" : "", (unsigned long long)seq + 1,
	    (double)rtt / 1e6);
}

static void
log_wrong(struct session *s, const struct verify_event *e)
{
	static const char *const	what[] = {
		[VERIFY_CORRUPT] = "corrupt", [VERIFY_LOST] = "lost",
		[VERIFY_LATE] = "reordered", [VERIFY_DUPLICATE] = "duplicate",
		[VERIFY_STRAY] = "stray"
	};
	struct msg_fields		 f;
	char				 name[SESSION_NAME], n[MSG_BYTES];
	char				 text[160];
	unsigned long long		 number = e->seq + 1;

	f = session_fields(s, what[e->outcome]);
	if (e->outcome == VERIFY_CORRUPT)
		snprintf(text, sizeof(text), "message %llu came back wrong, "
		    "from byte %llu on", number,
		    (unsigned long long)e->wrong_at + 1);
	else if (e->outcome == VERIFY_LOST && e->n > 1)
		snprintf(text, sizeof(text), "messages %llu to %llu did not "
		    "come back, later ones did", number,
		    number + (unsigned long long)e->n - 1);
	else if (e->outcome == VERIFY_LOST)
		snprintf(text, sizeof(text), "message %llu did not come "
		    "back, later ones did", number);
	else if (e->outcome == VERIFY_LATE)
		snprintf(text, sizeof(text), "message %llu came back behind "
		    "later ones", number);
	else if (e->outcome == VERIFY_DUPLICATE)
		snprintf(text, sizeof(text), "message %llu came back again",
		    number);
	else
		snprintf(text, sizeof(text), "received %s of no message",
		    msg_bytes(e->n, n));
	msg(s->client->msg, client_level(s->client, MSG_WARNING), &f,
	    "%s: %s", session_name(s, name), text);
}

void
session_on_verified(void *arg, const struct verify_event *e)
{
	struct session	*s = arg;
	struct totals	*t = &s->client->totals;
	uint64_t	 rtt;

	switch (e->outcome) {
	case VERIFY_ECHOED:
		rtt = s->last_in - s->times[e->seq & (s->ntimes - 1)];
		histogram_add(&t->rtt, rtt);
		t->echoed++;
		t->last_heard = s->last_in;
		s->back_off = 0;
		log_echoed(s, e->seq, rtt);
		return;
	case VERIFY_CORRUPT:
		t->corrupt++;
		break;
	case VERIFY_LOST:
		t->lost += e->n;
		break;
	case VERIFY_LATE:
		t->lost--;
		t->reordered++;
		break;
	case VERIFY_DUPLICATE:
		t->duplicate++;
		break;
	case VERIFY_STRAY:
		t->stray += e->n;
		break;
	}
	log_wrong(s, e);
}
