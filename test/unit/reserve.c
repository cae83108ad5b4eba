/* reserve: descriptors kept back while they are short. */

#include <sys/resource.h>
#include <sys/socket.h>

#include <errno.h>
#include <unistd.h>

#include "tap.h"
#include "tcpkit/reserve.h"

#define LIMIT	64

static int	opened[LIMIT];
static size_t	nopened;

static void
limit(rlim_t n)
{
	struct rlimit	r;

	getrlimit(RLIMIT_NOFILE, &r);
	r.rlim_cur = n;
	setrlimit(RLIMIT_NOFILE, &r);
}

/* How many descriptors are free. */
static size_t
free_ones(void)
{
	int	fds[LIMIT];
	size_t	i, n = 0;

	while (n < LIMIT && (fds[n] = socket(AF_UNIX, SOCK_DGRAM, 0)) != -1)
		n++;
	for (i = 0; i < n; i++)
		close(fds[i]);
	return n;
}

/* Leave so many free. */
static void
leave(size_t n)
{
	size_t	i;

	for (i = free_ones(); i > n; i--)
		opened[nopened++] = socket(AF_UNIX, SOCK_DGRAM, 0);
}

static void
close_all(void)
{
	while (nopened > 0)
		close(opened[--nopened]);
}

static void
test_plenty(void)
{
	struct tcpk_reserve	*r;
	struct tcpk_err		 err;
	size_t			 before;

	limit(LIMIT);
	before = free_ones();
	r = tcpk_reserve_new(1, &err);
	ok(r != NULL && tcpk_reserve_take(r) && free_ones() == before,
	    "with plenty nothing is kept back");
	tcpk_reserve_short(r);
	ok(tcpk_reserve_take(r) && free_ones() == before - 2,
	    "when they are said to be short it is, for both");
	tcpk_reserve_use(r);
	ok(free_ones() == before - 1, "one uses it");
	tcpk_reserve_left(r);
	tcpk_reserve_free(r);
	ok(free_ones() == before, "nothing is left of it");
}

static void
test_many(void)
{
	struct tcpk_reserve	*r = tcpk_reserve_new(1, NULL);
	size_t			 n = 0, before = free_ones();
	int			 i;

	/* As clients that have their own descriptor, and wait for another. */
	while (n < LIMIT && tcpk_reserve_take(r)) {
		opened[nopened++] = socket(AF_UNIX, SOCK_DGRAM, 0);
		ok(opened[nopened - 1] != -1, "client %zu has a descriptor", n);
		n++;
	}
	ok(errno == EMFILE, "until there are no more");
	ok(n >= 6 && n < before / 2, "%zu were let in of %zu", n, before / 2);
	for (i = 0; i < (int)n; i++) {
		tcpk_reserve_use(r);
		opened[nopened++] = socket(AF_UNIX, SOCK_DGRAM, 0);
		if (opened[nopened - 1] == -1)
			break;
	}
	ok(i == (int)n, "each finds what was kept back for it");
	ok(tcpk_reserve_take(r), "and then there is room for more");
	close_all();
	tcpk_reserve_free(r);
	ok(free_ones() == before, "nothing is left of it");
}

static void
test_again(void)
{
	struct tcpk_reserve	*r = tcpk_reserve_new(1, NULL);
	size_t			 i, before = free_ones();

	tcpk_reserve_short(r);
	ok(tcpk_reserve_take(r), "a client");
	tcpk_reserve_use(r);
	leave(1);
	ok(tcpk_reserve_again(r) && free_ones() == 0,
	    "the last one is kept back again");
	ok(!tcpk_reserve_again(r) && errno == EMFILE, "and there is no other");
	ok(!tcpk_reserve_take(r) && errno == EMFILE, "for a new client neither");
	tcpk_reserve_use(r);
	tcpk_reserve_left(r);
	for (i = 0; i < 3; i++) {
		tcpk_reserve_use(r);
		tcpk_reserve_left(r);
	}
	ok(free_ones() == 1, "given back once too often");
	close_all();
	tcpk_reserve_free(r);
	tcpk_reserve_free(NULL);
	ok(free_ones() == before, "nothing is left of it");
}

static void
test_each(void)
{
	struct tcpk_reserve	*r = tcpk_reserve_new(4, NULL);
	size_t			 n = 0, i, before = free_ones();

	tcpk_reserve_short(r);
	while (n < LIMIT && tcpk_reserve_take(r)) {
		opened[nopened++] = socket(AF_UNIX, SOCK_DGRAM, 0);
		n++;
	}
	ok(n >= 4 && n < before / 5, "%zu were let in who need 4 more", n);
	for (i = 0; i < 4 * n; i++) {
		if (i % 4 == 0)
			tcpk_reserve_use(r);
		opened[nopened] = socket(AF_UNIX, SOCK_DGRAM, 0);
		if (opened[nopened++] == -1)
			break;
	}
	ok(i == 4 * n, "and found them");
	close_all();
	tcpk_reserve_free(r);
}

int
main(void)
{
	test_plenty();
	test_many();
	test_again();
	test_each();
	return done_testing();
}
