#include <sys/resource.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "tcpkit/reserve.h"

/*
 * Free ones left besides for each who needs one more: for the name service and
 * what else is open for moments.  It is looked for this many of them at most.
 */
#define MARGIN	6
#define LOOK	32

struct tcpk_reserve {
	int	*fds;		/* kept back; at most wanted of them */
	size_t	 n, room;
	size_t	 wanted;	/* by all */
	unsigned each;
	size_t	 clients;
	size_t	 plenty;	/* there are enough while they need fewer */
};

struct tcpk_reserve *
tcpk_reserve_new(unsigned each, struct tcpk_err *err)
{
	struct tcpk_reserve	*r = calloc(1, sizeof(*r));
	struct rlimit		 limit;

	if (r == NULL) {
		tcpk_err_set(err, TCPK_EIO, "out of memory");
		return NULL;
	}
	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		limit.rlim_cur = 0;
	r->each = each;
	/* The rest is for listeners, pools, probes and pipes. */
	r->plenty = limit.rlim_cur >= SIZE_MAX ? SIZE_MAX :
	    (size_t)(limit.rlim_cur - limit.rlim_cur / 4);
	return r;
}

static void
shrink(struct tcpk_reserve *r, size_t n)
{
	while (r->n > n)
		close(r->fds[--r->n]);
}

void
tcpk_reserve_free(struct tcpk_reserve *r)
{
	if (r == NULL)
		return;
	shrink(r, 0);
	free(r->fds);
	free(r);
}

/* So many are kept back afterwards, or as many as there are. */
static bool
grow(struct tcpk_reserve *r, size_t n)
{
	size_t	 room = n + n / 2;
	int	*grown;

	if (n > r->room) {
		grown = reallocarray(r->fds, room, sizeof(*grown));
		if (grown == NULL)
			return false;
		r->fds = grown;
		r->room = room;
	}
	while (r->n < n) {
		r->fds[r->n] = socket(AF_UNIX, SOCK_DGRAM, 0);
		if (r->fds[r->n] == -1)
			return false;
		fcntl(r->fds[r->n++], F_SETFD, FD_CLOEXEC);
	}
	return true;
}

static bool
is_plenty(const struct tcpk_reserve *r)
{
	return (1 + r->each) * r->clients + MARGIN * r->wanted < r->plenty;
}

static bool
keep_back(struct tcpk_reserve *r)
{
	size_t	margin = MARGIN * r->wanted / r->each;
	bool	there;
	int	code;

	if (is_plenty(r)) {
		shrink(r, 0);
		return true;
	}
	there = grow(r, r->wanted + (margin < LOOK ? margin : LOOK));
	code = errno;
	shrink(r, r->wanted);
	errno = code;
	return there;
}

bool
tcpk_reserve_take(struct tcpk_reserve *r)
{
	int	code;

	r->clients++;
	r->wanted += r->each;
	if (keep_back(r))
		return true;
	code = errno;
	tcpk_reserve_use(r);
	tcpk_reserve_left(r);
	errno = code;
	return false;
}

void
tcpk_reserve_use(struct tcpk_reserve *r)
{
	if (r->wanted > 0)
		r->wanted -= r->each;
	shrink(r, r->wanted);
}

bool
tcpk_reserve_again(struct tcpk_reserve *r)
{
	r->wanted += r->each;
	if (is_plenty(r) || grow(r, r->wanted))
		return true;
	r->wanted -= r->each;
	return false;
}

void
tcpk_reserve_left(struct tcpk_reserve *r)
{
	if (r->clients > 0)
		r->clients--;
}

void
tcpk_reserve_short(struct tcpk_reserve *r)
{
	r->plenty = 0;
}
