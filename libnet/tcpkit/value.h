/*
 * value: times, sizes and numbers as a person writes them.
 *
 * Every time in the library is a uint64_t of nanoseconds, a duration or a
 * point on the monotonic clock; TCPK_FOREVER is "no limit".  Pure.
 */
#ifndef TCPKIT_VALUE_H
#define TCPKIT_VALUE_H

#include <stdint.h>

#include <tcpkit/err.h>

#define TCPK_MS		UINT64_C(1000000)
#define TCPK_SECOND	UINT64_C(1000000000)
#define TCPK_FOREVER	UINT64_MAX

/*
 * "30", "1.5", "500ms", "30s", "2m", "1h": seconds when bare, at most 100
 * years, at most nine decimals.  Returns -1 (TCPK_EUSAGE) on anything else.
 */
int	tcpk_value_time(uint64_t *ns, const char *text, struct tcpk_err *);

/*
 * "512", "64k", "10M", "1G", "1T": bytes, in powers of 1024, either case,
 * below 2^63.  Returns -1 (TCPK_EUSAGE) on anything else.
 */
int	tcpk_value_size(uint64_t *bytes, const char *text, struct tcpk_err *);

/* A decimal number from min to max, digits only.  -1: TCPK_EUSAGE. */
int	tcpk_value_number(uint64_t *, const char *text, uint64_t min,
	    uint64_t max, struct tcpk_err *);

#endif
