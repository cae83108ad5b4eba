/* The schedule of the client: what is to be sent when. */

#include <stdlib.h>

#include "tcpecho_client.h"

/*
 * With --flood: bytes on the way, at least and at most.  In between it is
 * what came back within a second on average, so that a slow path is kept busy
 * but not filled with what takes long to come back.
 */
#define FLOOD_LEAST	(256 * 1024)
#define FLOOD_MOST	(16 * 1024 * 1024)

/*
 * A timer may wake us this late: it counts milliseconds.  A message sent
 * within that time counts from when it was sent.
 */
#define SLACK		(2 * TCPK_MS)

/* First room for times of messages on the way; a power of two. */
#define TIMES_MIN	8

/* Past the last message for this connection. */
static uint64_t
limit(const struct session *s)
{
	const struct tcpecho_client_opts	*o = s->client->o;
	uint64_t				 n = UINT64_MAX;

	if (o->count != 0)
		n = o->count;
	if (o->per_connection != 0 && n - s->first > o->per_connection)
		n = s->first + o->per_connection;
	return n;
}

bool
session_sent_all(const struct session *s)
{
	return s->client->o->count != 0 && s->seq >= s->client->o->count;
}

bool
session_sending_over(const struct session *s)
{
	return s->off == 0 && (s->stopped || s->seq >= limit(s));
}

uint64_t
session_due(const struct session *s, uint64_t seq)
{
	return s->base_time + (seq - s->base) * s->client->o->interval;
}

bool
session_make_room(struct session *s, uint64_t n)
{
	uint64_t	*times, i;
	size_t		 room;

	if (n < s->ntimes)
		return true;
	room = s->ntimes == 0 ? TIMES_MIN : 2 * s->ntimes;
	times = reallocarray(NULL, room, sizeof(*times));
	if (times == NULL)
		return false;
	for (i = s->verify.expect; i < s->verify.limit; i++)
		times[i & (room - 1)] = s->times[i & (s->ntimes - 1)];
	free(s->times);
	s->times = times;
	s->ntimes = room;
	return true;
}

/* May message seq be begun now? */
static bool
may_begin(struct session *s, uint64_t seq, uint64_t now)
{
	const struct tcpecho_client_opts	*o = s->client->o;
	uint64_t				 n = seq - s->verify.expect;

	if (s->stopped || seq >= limit(s) ||
	    (!o->flood && session_due(s, seq) > now))
		return false;
	if (n < s->client->window && (!o->flood || n == 0 ||
	    n * o->size < s->flood_window) && session_make_room(s, n))
		return true;
	s->behind = true;
	return false;
}

static uint64_t
flood_window(const struct session *s, uint64_t now)
{
	double	elapsed = (double)(now - s->connected) / 1e9;
	double	window = (double)s->bytes_in / (elapsed > 0 ? elapsed : 1);

	if (window < FLOOD_LEAST)
		return FLOOD_LEAST;
	return window > FLOOD_MOST ? FLOOD_MOST : (uint64_t)window;
}

size_t
session_fill(struct session *s, unsigned char *buf, uint64_t now)
{
	uint64_t	seq = s->seq, off = s->off, size = s->client->o->size;
	size_t		n = 0, part;

	s->flood_window = flood_window(s, now);
	while (n < SESSION_PIECE) {
		if (off == 0 && !may_begin(s, seq, now))
			break;
		part = SESSION_PIECE - n;
		if (size - off < part)
			part = (size_t)(size - off);
		verify_make(&s->verify.form, seq, off, buf + n, part);
		n += part;
		off += part;
		if (off == size) {
			off = 0;
			seq++;
		}
	}
	return n;
}

/*
 * From when does this message count?  From when it was due, whatever made it
 * wait; but for the time that passes before a timer wakes us.
 */
static void
begin_message(struct session *s, uint64_t now)
{
	struct totals	*t = &s->client->totals;
	uint64_t	 from = now, late;

	if (!s->client->o->flood) {
		late = now - session_due(s, s->seq);
		if (s->behind || late > SLACK)
			from -= late;
		if (!s->behind && late > SLACK) {
			t->late++;
			if (late > t->late_most)
				t->late_most = late;
		}
	}
	if (t->first_sent == 0)
		t->first_sent = now;
	t->sent++;
	s->times[s->seq & (s->ntimes - 1)] = from;
	s->verify.limit = s->seq + 1;
}

static void
log_sent(const struct session *s)
{
	const struct client	*c = s->client;
	struct msg_fields	 f = session_fields(s, "sent");
	char			 name[SESSION_NAME], bytes[MSG_BYTES];
	enum msg_level		 level = c->o->flood ? MSG_DEBUG : MSG_INFO;

	if (!c->msg->json && c->msg->verbose == 0)
		return;
	if (c->o->message != NULL)
		msg(c->msg, level, &f, "%s: sent \"%s\" (message %llu)",
		    session_name(s, name), c->o->message,
		    (unsigned long long)s->seq + 1);
	else
		msg(c->msg, level, &f, "%s: sent message %llu (%s)",
		    session_name(s, name), (unsigned long long)s->seq + 1,
		    msg_bytes(c->o->size, bytes));
}

void
session_account(struct session *s, uint64_t n, uint64_t now)
{
	uint64_t	size = s->client->o->size, part;

	s->last_out = now;
	s->bytes_out += n;
	s->client->totals.bytes_out += n;
	while (n > 0) {
		if (s->off == 0)
			begin_message(s, now);
		part = size - s->off < n ? size - s->off : n;
		s->off += part;
		n -= part;
		if (s->off == size) {
			log_sent(s);
			s->off = 0;
			s->seq++;
		}
	}
}
