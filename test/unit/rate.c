/* rate: what may pass, on a clock of the test's own. */

#include <stddef.h>
#include <stdint.h>

#include "tcpkit/rate.h"

#include "tap.h"

#define SECOND	UINT64_C(1000000000)

/* Bytes that pass in a time, taken as soon as there is room for them. */
static uint64_t
passed(uint64_t per_second, uint64_t ns, size_t piece, uint64_t *wakes)
{
	struct tcpk_rate	r;
	uint64_t		now = SECOND, end = now + ns, n = 0, due;
	size_t			room;

	tcpk_rate_init(&r, per_second);
	*wakes = 0;
	while (now < end) {
		room = tcpk_rate_room(&r, now);
		if (room > piece)
			room = piece;
		tcpk_rate_took(&r, now, room);
		n += room;
		due = tcpk_rate_due(&r, now);
		if (due > now) {
			++*wakes;
			now = due;
		}
	}
	return n;
}

static void
test_speed(void)
{
	static const uint64_t	rates[] = {
		1, 3, 10, 999, 1024, 1000000, UINT64_C(10) << 30
	};
	uint64_t		n, most, wakes;
	size_t			i;

	for (i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		n = passed(rates[i], 10 * SECOND, SIZE_MAX, &wakes);
		most = 10 * rates[i] + rates[i] / 10 + rates[i] / 5 + 2;
		ok(n <= most && n >= 10 * rates[i] - rates[i] / 5 - 1,
		    "%llu bytes a second: %llu in ten",
		    (unsigned long long)rates[i], (unsigned long long)n);
		ok(wakes <= 420, "looked at %llu times",
		    (unsigned long long)wakes);
	}
	n = passed(1000000, SECOND, 100, &wakes);
	ok(n >= 990000 && n <= 1150000, "in pieces of 100 bytes the same");
}

static void
test_bucket(void)
{
	struct tcpk_rate	r;

	tcpk_rate_init(&r, 1000);
	ok(tcpk_rate_room(&r, SECOND) == 100, "a tenth of a second at first");
	ok(tcpk_rate_room(&r, 3600 * SECOND) == 100,
	    "and not more after an hour");
	tcpk_rate_took(&r, SECOND, 100);
	ok(tcpk_rate_room(&r, SECOND) == 0, "then nothing");
	ok(tcpk_rate_due(&r, SECOND) > SECOND &&
	    tcpk_rate_due(&r, SECOND) < SECOND + SECOND / 10, "for a while");
	ok(tcpk_rate_room(&r, SECOND + SECOND / 20) == 50,
	    "half of it after half the time");
	tcpk_rate_took(&r, SECOND + SECOND / 10, 1100);
	ok(tcpk_rate_room(&r, 2 * SECOND) == 0 &&
	    tcpk_rate_room(&r, 2 * SECOND + SECOND / 5) > 0,
	    "a datagram that was too long is made up for");
	tcpk_rate_init(&r, 0);
	tcpk_rate_took(&r, 1, SIZE_MAX);
	ok(tcpk_rate_room(&r, 1) == SIZE_MAX && tcpk_rate_due(&r, 1) == 1,
	    "0 is no limit");
}

int
main(void)
{
	test_speed();
	test_bucket();
	return done_testing();
}
