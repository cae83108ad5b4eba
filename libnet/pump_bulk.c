/*
 * Waiting for much at once: while a direction is in bulk its socket wakes us
 * when a large piece has come, and not for every packet of it (SO_RCVLOWAT).
 *
 * Bytes that wait for others which do not come would be late.  So whatever is
 * there is taken a millisecond after the last that moved, and the direction is
 * in bulk no more.  Who awaits an answer to each of his large messages would be
 * late every time: so it is tried again only when many more bytes have passed.
 */

#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "pump_impl.h"

/* Before this a direction is not in bulk: short connections gain nothing. */
#define BULK	(1024 * 1024)

/* And not before so much more, when bytes were late for it. */
#define AGAIN	(8 * 1024 * 1024)

/* In bulk is who gave this much in one go. */
#define LARGE	(64 * 1024)

/* A back end that counts milliseconds makes up to two of it. */
#define GUARD	TCPK_MS

/* Looked at once.  Other sockets have no use for it, or no such option. */
static bool
can_wait(const struct tcpk__half *h, int fd)
{
	struct sockaddr_storage	ss;
	socklen_t		len = sizeof(ss);

	return tcpk_stream_lingers(tcpk__half_src(h)) &&
	    getsockname(fd, (struct sockaddr *)&ss, &len) == 0 &&
	    (ss.ss_family == AF_INET || ss.ss_family == AF_INET6);
}

static void
set(struct tcpk__half *h, bool on)
{
	int	fd = -1, unused, n = on ? TCPK_SCRATCH : 1;

	h->bulk = false;
	/* Also where its bytes are not to be moved by others: TLS. */
	tcpk_stream_fds(tcpk__half_src(h), &fd, &unused);
	if (h->lowat == UNDECIDED)
		h->lowat = can_wait(h, fd) ? YES : NO;
	if (h->lowat == YES)
		h->bulk = setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &n,
		    sizeof(n)) == 0 && on;
}

void
tcpk__bulk_moved(struct tcpk__half *h, uint64_t n)
{
	if (!h->bulk && n >= LARGE && h->taken >= BULK &&
	    h->taken >= h->bulk_from && h->lowat != NO)
		set(h, true);
}

void
tcpk__bulk_end(struct tcpk__half *h)
{
	if (h->bulk)
		set(h, false);
}

uint64_t
tcpk__bulk_due(const struct tcpk__half *h)
{
	if (!h->bulk || h->state != FLOW || tcpk__half_pending(h))
		return TCPK_FOREVER;
	return h->moved_at + GUARD;
}

void
tcpk__bulk_look(struct tcpk__half *h)
{
	uint64_t	before = h->taken;

	/* First, so that what comes behind the last read wakes us. */
	tcpk__bulk_end(h);
	h->bulk_from = before + AGAIN;
	tcpk__half_readable(h);
	if (h->state == FLOW && h->taken == before)
		h->bulk_from = 0;
}
