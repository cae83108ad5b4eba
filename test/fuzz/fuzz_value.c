/*
 * fuzz_value: any text as a time, a size and a number.  What is taken is
 * within its limits, and means the same when it is written in the smallest
 * unit; what is refused leaves the value alone.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tcpkit/value.h>

#define YEARS	(UINT64_C(100) * 365 * 86400 * TCPK_SECOND)

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
need(int cond)
{
	if (!cond)
		abort();
}

static void
check_time(const char *text)
{
	struct tcpk_err	err;
	uint64_t	v = 77, again;
	char		shown[64];

	if (tcpk_value_time(&v, text, &err) == -1) {
		need(v == 77 && err.kind == TCPK_EUSAGE);
		return;
	}
	/* A fraction of the last unit may come on top. */
	need(v <= YEARS + 3600 * TCPK_SECOND);
	if (v > YEARS)
		return;
	snprintf(shown, sizeof(shown), "%" PRIu64 ".%09" PRIu64,
	    v / TCPK_SECOND, v % TCPK_SECOND);
	need(tcpk_value_time(&again, shown, NULL) == 0 && again == v);
}

static void
check_size(const char *text)
{
	struct tcpk_err	err;
	uint64_t	v = 77, again;
	char		shown[64];

	if (tcpk_value_size(&v, text, &err) == -1) {
		need(v == 77 && err.kind == TCPK_EUSAGE);
		return;
	}
	need(v <= INT64_MAX);
	snprintf(shown, sizeof(shown), "%" PRIu64, v);
	need(tcpk_value_size(&again, shown, NULL) == 0 && again == v);
}

static void
check_number(const char *text, uint64_t min, uint64_t max)
{
	struct tcpk_err	err;
	uint64_t	v = 77, again;
	char		shown[64];

	if (tcpk_value_number(&v, text, min, max, &err) == -1) {
		need(v == 77 && err.kind == TCPK_EUSAGE);
		return;
	}
	need(v >= min && v <= max);
	need(strspn(text, "0123456789") == strlen(text));
	snprintf(shown, sizeof(shown), "%" PRIu64, v);
	need(tcpk_value_number(&again, shown, v, v, NULL) == 0 && again == v);
	need(strtoull(text, NULL, 10) == v);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	*text = malloc(size + 1);

	need(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	check_time(text);
	check_size(text);
	check_number(text, 0, 0);
	check_number(text, 4, 6);
	check_number(text, 1, 65535);
	check_number(text, 0, UINT64_MAX);
	free(text);
	return 0;
}
