#include "tcpkit/rate.h"

#define SECOND	1e9

/* What is saved while nothing passes, and what is worth waking up for. */
#define SAVED	(SECOND / 10)
#define WORTH	(SECOND / 40)

/* ns for so many bytes; in floating point, which does not overflow. */
static double
time_of(const struct tcpk_rate *r, double bytes)
{
	return bytes * SECOND / (double)r->per_second;
}

/* The bucket in ns: one byte must fit. */
static double
size_of(const struct tcpk_rate *r)
{
	double	one = time_of(r, 1);

	return one > SAVED ? one : SAVED;
}

static double
missing(const struct tcpk_rate *r, uint64_t now)
{
	return r->full_at > now ? (double)(r->full_at - now) : 0;
}

void
tcpk_rate_init(struct tcpk_rate *r, uint64_t bytes_per_second)
{
	r->per_second = bytes_per_second;
	r->full_at = 0;
}

size_t
tcpk_rate_room(const struct tcpk_rate *r, uint64_t now)
{
	double	left, bytes;

	if (r->per_second == 0)
		return SIZE_MAX;
	left = size_of(r) - missing(r, now);
	if (left <= 0)
		return 0;
	/* What is due is rounded up to whole ns: it must be enough then. */
	bytes = (left + 1) * (double)r->per_second / SECOND;
	return bytes >= (double)(SIZE_MAX / 2) ? SIZE_MAX / 2 : (size_t)bytes;
}

void
tcpk_rate_took(struct tcpk_rate *r, uint64_t now, size_t n)
{
	if (r->per_second == 0)
		return;
	if (r->full_at < now)
		r->full_at = now;
	r->full_at += (uint64_t)(time_of(r, (double)n) + 1);
}

uint64_t
tcpk_rate_due(const struct tcpk_rate *r, uint64_t now)
{
	double	worth, wait;

	if (r->per_second == 0)
		return now;
	worth = time_of(r, 1);
	if (worth < WORTH)
		worth = WORTH;
	wait = missing(r, now) - (size_of(r) - worth);
	return wait <= 0 ? now : now + (uint64_t)wait + 1;
}
