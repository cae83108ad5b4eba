#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "tcpkit/value.h"

#define MAX_TIME	(UINT64_C(100) * 365 * 86400 * TCPK_SECOND)

/* Digits into *n; false when there are none or they pass the limit. */
static bool
digits(const char **p, uint64_t *n, uint64_t limit)
{
	const char	*start = *p;
	unsigned	 d;

	*n = 0;
	for (; isdigit((unsigned char)**p); (*p)++) {
		d = **p - '0';
		if (d > limit || *n > (limit - d) / 10)
			return false;
		*n = *n * 10 + d;
	}
	return *p != start;
}

static uint64_t
time_unit(const char *suffix)
{
	if (suffix[0] == '\0' || strcmp(suffix, "s") == 0)
		return TCPK_SECOND;
	if (strcmp(suffix, "ms") == 0)
		return TCPK_MS;
	if (strcmp(suffix, "m") == 0)
		return 60 * TCPK_SECOND;
	if (strcmp(suffix, "h") == 0)
		return 3600 * TCPK_SECOND;
	return 0;
}

int
tcpk_value_time(uint64_t *ns, const char *text, struct tcpk_err *err)
{
	const char	*p = text;
	uint64_t	 whole, unit, scale, frac = 0;

	if (text[0] == '.' && isdigit((unsigned char)text[1]))
		return tcpk_err_set(err, TCPK_EUSAGE, "\"%.40s\" is not a "
		    "time: write 0%.40s", text, text);
	if (!digits(&p, &whole, MAX_TIME / TCPK_MS))
		goto bad;
	scale = 1;
	if (*p == '.') {
		for (p++; isdigit((unsigned char)*p); p++) {
			if (scale == TCPK_SECOND)
				goto bad;
			frac = frac * 10 + (*p - '0');
			scale *= 10;
		}
		if (scale == 1)
			goto bad;
	}
	unit = time_unit(p);
	if (unit == 0 || whole > MAX_TIME / unit)
		goto bad;
	/* In two steps: an hour in nanoseconds times 1e9 passes 64 bits. */
	*ns = whole * unit + frac * (unit / TCPK_MS) / scale * TCPK_MS +
	    frac * (unit / TCPK_MS) % scale * TCPK_MS / scale;
	return 0;
bad:
	return tcpk_err_set(err, TCPK_EUSAGE, "\"%.40s\" is not a time "
	    "(30, 1.5, 500ms, 2m, 1h)", text);
}

int
tcpk_value_size(uint64_t *bytes, const char *text, struct tcpk_err *err)
{
	static const char	 letters[] = "kmgt";
	const char		*p = text, *unit;
	uint64_t		 n;
	int			 shift = 0;

	if (!digits(&p, &n, INT64_MAX))
		goto bad;
	if (*p != '\0') {
		unit = strchr(letters, tolower((unsigned char)*p));
		if (unit == NULL || p[1] != '\0')
			goto bad;
		shift = 10 * (int)(unit - letters + 1);
	}
	if (n > (uint64_t)INT64_MAX >> shift)
		goto bad;
	*bytes = n << shift;
	return 0;
bad:
	return tcpk_err_set(err, TCPK_EUSAGE, "\"%.40s\" is not a size "
	    "(512, 64k, 10M, 1G)", text);
}

int
tcpk_value_number(uint64_t *n, const char *text, uint64_t min, uint64_t max,
    struct tcpk_err *err)
{
	const char	*p = text;
	uint64_t	 v;

	if (!digits(&p, &v, max) || *p != '\0' || v < min)
		return tcpk_err_set(err, TCPK_EUSAGE, "\"%.40s\" is not a "
		    "number from %" PRIu64 " to %" PRIu64, text, min, max);
	*n = v;
	return 0;
}
