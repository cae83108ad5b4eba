/* limits: how many clients at once, in all and of one host. */

#include <sys/wait.h>

#include <stdlib.h>
#include <unistd.h>

#include "tap.h"
#include "tcpkit/limits.h"

static struct tcpk_ip
ip(uint32_t n)
{
	return tcpk_ip_from4(n);
}

static void
test_places(void)
{
	struct tcpk_limits	*l = tcpk_limits_new(2, 0, 1, NULL);

	ok(l != NULL && !tcpk_limits_shared(l), "two places");
	ok(tcpk_limits_take(l) && tcpk_limits_take(l) && !tcpk_limits_take(l),
	    "two are taken, the third is not to be had");
	ok(tcpk_limits_taken(l) == 2, "both count");
	tcpk_limits_give(l);
	ok(tcpk_limits_take(l) && !tcpk_limits_take(l), "one came free");
	ok(tcpk_limits_take_host(l, ip(1)), "no limit on hosts");
	tcpk_limits_give(l);
	tcpk_limits_give(l);
	tcpk_limits_give(l);
	ok(tcpk_limits_taken(l) == 0, "given back once too often");
	tcpk_limits_free(l);
	l = tcpk_limits_new(0, 0, 1, NULL);
	ok(tcpk_limits_take(l) && tcpk_limits_take(l), "0 is no limit");
	tcpk_limits_free(l);
	tcpk_limits_free(NULL);
}

static void
test_hosts(void)
{
	struct tcpk_limits	*l = tcpk_limits_new(0, 3, 1, NULL);
	unsigned		 counts[5000] = { 0 };
	uint32_t		 i, x = 1, host;
	unsigned		 wrong = 0;

	ok(tcpk_limits_take_host(l, ip(7)) && tcpk_limits_take_host(l, ip(7)) &&
	    tcpk_limits_take_host(l, ip(7)) &&
	    !tcpk_limits_take_host(l, ip(7)), "three of one host");
	ok(tcpk_limits_take_host(l, ip(8)), "and one of another");
	tcpk_limits_give_host(l, ip(7));
	ok(tcpk_limits_take_host(l, ip(7)), "one came free");
	for (i = 0; i < 3; i++)
		tcpk_limits_give_host(l, ip(7));
	tcpk_limits_give_host(l, ip(8));
	/* Beside a plain count, at random: chains close over gaps. */
	for (i = 0; i < 300000; i++) {
		x = x * 1664525 + 1013904223;
		host = (x >> 8) % 5000;
		if ((x >> 24 & 1) != 0 || counts[host] == 0) {
			if (tcpk_limits_take_host(l, ip(host << 15)) !=
			    (counts[host] < 3))
				wrong++;
			counts[host] += counts[host] < 3;
		} else {
			tcpk_limits_give_host(l, ip(host << 15));
			counts[host]--;
		}
	}
	ok(wrong == 0, "5000 hosts that come and go: %u wrong", wrong);
	tcpk_limits_free(l);
}

/* Each of two processes takes what it can get. */
static void
test_shared(void)
{
	struct tcpk_limits	*l = tcpk_limits_new(1000, 10, 3, NULL);
	unsigned		 me, taken = 0;
	int			 status;

	ok(tcpk_limits_shared(l), "limits of three processes");
	for (me = 1; me <= 2; me++)
		if (fork() == 0) {
			tcpk_limits_become(l, me);
			while (tcpk_limits_take(l))
				taken++;
			while (tcpk_limits_take_host(l, ip(me)))
				taken++;
			while (tcpk_limits_take_host(l, ip(3)))
				taken++;
			_exit(taken > 0 ? 0 : 1);
		}
	while (wait(&status) > 0)
		ok(status == 0, "one has taken what it could");
	ok(tcpk_limits_taken(l) == 1000 && !tcpk_limits_take(l),
	    "together no more than there is");
	ok(!tcpk_limits_take_host(l, ip(1)) &&
	    !tcpk_limits_take_host(l, ip(3)), "nor of one host");
	tcpk_limits_forget(l, 1);
	ok(tcpk_limits_take_host(l, ip(1)), "with its hosts");
	ok(!tcpk_limits_take_host(l, ip(2)), "and not the second's");
	tcpk_limits_forget(l, 2);
	ok(tcpk_limits_taken(l) == 0 && tcpk_limits_take(l) &&
	    tcpk_limits_take_host(l, ip(2)) && tcpk_limits_take_host(l, ip(3)),
	    "both are");
	tcpk_limits_free(l);
}

int
main(void)
{
	test_places();
	test_hosts();
	test_shared();
	return done_testing();
}
