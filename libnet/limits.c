#include <stdlib.h>
#include <string.h>

#include "tcpkit/limits.h"
#include "tcpkit/shared.h"

/* Hosts that can be told apart: more than there are descriptors. */
#define HOSTS	(1u << 17)

/* An entry without counts is free; chains are probed in a line. */
struct host {
	struct tcpk_ip	ip;
	uint32_t	total;
	uint16_t	of[];		/* by process */
};

struct tcpk_limits {
	struct tcpk_shared *shared;
	uint64_t	*taken;		/* by process */
	unsigned char	*hosts;		/* NULL: no limit on a host's */
	size_t		 entry;		/* bytes of one */
	uint64_t	 max, max_per_host;
	unsigned	 sharers, me;
};

struct tcpk_limits *
tcpk_limits_new(uint64_t max, uint64_t max_per_host, unsigned sharers,
    struct tcpk_err *err)
{
	struct tcpk_limits	*l = calloc(1, sizeof(*l));
	size_t			 n = TCPK_LIMITS_SHARERS * sizeof(*l->taken);

	if (l == NULL) {
		tcpk_err_set(err, TCPK_EIO, "out of memory");
		return NULL;
	}
	l->max = max;
	l->max_per_host = max_per_host;
	l->sharers = sharers;
	l->entry = (sizeof(struct host) + sharers * sizeof(uint16_t) + 7) &
	    ~(size_t)7;
	l->shared = tcpk_shared_new(n + (max_per_host != 0 ?
	    l->entry * HOSTS : 0), err);
	if (l->shared == NULL) {
		free(l);
		return NULL;
	}
	l->taken = tcpk_shared_bytes(l->shared);
	if (max_per_host != 0)
		l->hosts = (unsigned char *)l->taken + n;
	return l;
}

void
tcpk_limits_free(struct tcpk_limits *l)
{
	if (l == NULL)
		return;
	tcpk_shared_free(l->shared);
	free(l);
}

void
tcpk_limits_become(struct tcpk_limits *l, unsigned me)
{
	l->me = me;
}

void
tcpk_limits_change(struct tcpk_limits *l, uint64_t max, uint64_t max_per_host)
{
	l->max = max;
	l->max_per_host = max_per_host;
}

bool
tcpk_limits_shared(const struct tcpk_limits *l)
{
	return l->sharers > 1;
}

/*
 * Who died holding the lock may have left the table in the middle of a
 * change: it is begun anew, which errs on the side of letting in.
 */
static void
lock(struct tcpk_limits *l)
{
	if (l->sharers > 1 && tcpk_shared_lock(l->shared) == -1 &&
	    l->hosts != NULL)
		memset(l->hosts, 0, l->entry * HOSTS);
}

static void
unlock(struct tcpk_limits *l)
{
	if (l->sharers > 1)
		tcpk_shared_unlock(l->shared);
}

uint64_t
tcpk_limits_taken(const struct tcpk_limits *l)
{
	uint64_t	sum = 0;
	unsigned	i;

	for (i = 0; i < l->sharers; i++)
		sum += l->taken[i];
	return sum;
}

bool
tcpk_limits_take(struct tcpk_limits *l)
{
	bool	room;

	lock(l);
	room = l->max == 0 || tcpk_limits_taken(l) < l->max;
	if (room)
		l->taken[l->me]++;
	unlock(l);
	return room;
}

void
tcpk_limits_give(struct tcpk_limits *l)
{
	lock(l);
	if (l->taken[l->me] > 0)
		l->taken[l->me]--;
	unlock(l);
}

static struct host *
entry(const struct tcpk_limits *l, size_t i)
{
	return (struct host *)(void *)(l->hosts + (i % HOSTS) * l->entry);
}

static size_t
place_of(struct tcpk_ip ip)
{
	uint64_t	h = (ip.hi ^ ip.lo >> 32 ^ ip.lo << 17) *
			    UINT64_C(0x9e3779b97f4a7c15);

	return (size_t)(h >> 47) % HOSTS;
}

/* Where it is, or where it would be; HOSTS when the table is full. */
static size_t
find(const struct tcpk_limits *l, struct tcpk_ip ip)
{
	size_t		 i, at = place_of(ip);
	struct host	*h;

	for (i = 0; i < HOSTS; i++) {
		h = entry(l, at + i);
		if (h->total == 0 || (h->ip.hi == ip.hi && h->ip.lo == ip.lo))
			return (at + i) % HOSTS;
	}
	return HOSTS;
}

/* An entry has become free: those that were probed past it move up. */
static void
close_gap(struct tcpk_limits *l, size_t gap)
{
	size_t		 at = gap, home;
	struct host	*h;

	for (;;) {
		at = (at + 1) % HOSTS;
		h = entry(l, at);
		if (h->total == 0)
			break;
		home = place_of(h->ip);
		if ((at - home) % HOSTS < (at - gap) % HOSTS)
			continue;
		memcpy(entry(l, gap), h, l->entry);
		memset(h, 0, l->entry);
		gap = at;
	}
}

bool
tcpk_limits_take_host(struct tcpk_limits *l, struct tcpk_ip ip)
{
	struct host	*h;
	size_t		 at;
	bool		 room = false;

	if (l->hosts == NULL)
		return true;
	lock(l);
	at = find(l, ip);
	if (at != HOSTS) {
		h = entry(l, at);
		room = (l->max_per_host == 0 ||
		    h->total < l->max_per_host) && h->of[l->me] < UINT16_MAX;
		if (room) {
			h->ip = ip;
			h->total++;
			h->of[l->me]++;
		}
	}
	unlock(l);
	return room;
}

void
tcpk_limits_give_host(struct tcpk_limits *l, struct tcpk_ip ip)
{
	struct host	*h;
	size_t		 at;

	if (l->hosts == NULL)
		return;
	lock(l);
	at = find(l, ip);
	if (at != HOSTS && (h = entry(l, at))->total > 0 &&
	    h->of[l->me] > 0) {
		h->of[l->me]--;
		if (--h->total == 0)
			close_gap(l, at);
	}
	unlock(l);
}

void
tcpk_limits_forget(struct tcpk_limits *l, unsigned who)
{
	struct host	*h;
	size_t		 i;

	lock(l);
	l->taken[who] = 0;
	for (i = 0; l->hosts != NULL && i < HOSTS; i++) {
		h = entry(l, i);
		if (h->total == 0 || h->of[who] == 0)
			continue;
		h->total -= h->of[who];
		h->of[who] = 0;
		if (h->total == 0) {
			close_gap(l, i);
			i--;	/* what moved there may be its, too */
		}
	}
	unlock(l);
}
