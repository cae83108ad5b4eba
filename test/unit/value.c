/* value: times, sizes and numbers. */

#include <inttypes.h>
#include <string.h>

#include <tcpkit/value.h>

#include "tap.h"

#define S	TCPK_SECOND
#define YEARS	(UINT64_C(100) * 365 * 86400 * S)

struct good {
	const char	*text;
	uint64_t	 value;
};

static void
check(const char *what, const char *text, int r, uint64_t got, uint64_t want,
    const struct tcpk_err *err)
{
	ok(r == 0 && got == want, "%s \"%s\" is %" PRIu64, what, text, want);
	if (r != 0 || got != want)
		note("%d %" PRIu64 " %s", r, got, err->text);
}

static void
refuse(const char *what, const char *text, int r, uint64_t got,
    const struct tcpk_err *err)
{
	ok(r == -1 && got == 12345 && err->kind == TCPK_EUSAGE &&
	    err->code == 0 && strstr(err->text, what) != NULL &&
	    (strlen(text) > 40 || strstr(err->text, text) != NULL),
	    "not a %s: %s", what, err->text);
}

static void
test_time(void)
{
	static const struct good	good[] = {
		{ "0", 0 }, { "30", 30 * S }, { "1.5", S + S / 2 },
		{ "500ms", S / 2 }, { "30s", 30 * S }, { "2m", 120 * S },
		{ "1h", 3600 * S }, { "0.000000001", 1 }, { "1ms", S / 1000 },
		{ "0.5ms", 500000 }, { "0.000001ms", 1 },
		{ "0.000000001ms", 0 }, { "1.5m", 90 * S },
		{ "0.25h", 900 * S }, { "0.999999999", S - 1 },
		{ "1.999999999", 2 * S - 1 }, { "007", 7 * S },
		{ "0.000000001h", 3600 }, { "0.999999999h", 3599999996400 },
		{ "0.123456789h", 444444440400 },
		{ "876000h", YEARS }, { "3153600000", YEARS },
		{ "52560000m", YEARS },
		{ "3153600000000ms", YEARS },
	};
	static const char *const	bad[] = {
		"", " 1", "1 ", "-1", "+1", "x", "1x", "1sec", "1S", "1M",
		"1H", "1MS", "1d", ".5", "1.", "1.s", ".", "1..5", "1.5.5",
		"0x10", "1e3", "1,5", "inf", "nan", "ms", "s", "1 s",
		"0.0000000001", "876001h", "3153600001", "52560001m",
		"3153600000001ms", "18446744073709551615",
		"18446744073709551616", "99999999999999999999999999999999",
		"\xc2\xb2",
	};
	struct tcpk_err	err;
	uint64_t	v;
	size_t		i;
	int		r;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		r = tcpk_value_time(&v, good[i].text, &err);
		check("time", good[i].text, r, v, good[i].value, &err);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		v = 12345;
		r = tcpk_value_time(&v, bad[i], &err);
		refuse("time", bad[i], r, v, &err);
	}
	ok(tcpk_value_time(&v, "x", NULL) == -1, "time: err may be NULL");
	tcpk_value_time(&v, ".5m", &err);
	ok(strstr(err.text, "write 0.5m") != NULL, "time: %s", err.text);
}

static void
test_size(void)
{
	static const struct good	good[] = {
		{ "0", 0 }, { "512", 512 }, { "64k", 65536 },
		{ "64K", 65536 }, { "10M", 10485760 }, { "10m", 10485760 },
		{ "1G", 1073741824 }, { "1g", 1073741824 },
		{ "1T", UINT64_C(1) << 40 }, { "1t", UINT64_C(1) << 40 },
		{ "0T", 0 }, { "0099", 99 },
		{ "9223372036854775807", INT64_MAX },
		{ "8388607T", UINT64_C(8388607) << 40 },
		{ "8589934591G", UINT64_C(8589934591) << 30 },
	};
	static const char *const	bad[] = {
		"", "k", "-1", "+1", "1.5k", "1 k", " 1", "1kb", "1KiB", "1P",
		"1b", "0x10", "1e3", "9223372036854775808", "8388608T",
		"8589934592G", "18446744073709551616", "1k ",
		"111111111111111111111111111111",
	};
	struct tcpk_err	err;
	uint64_t	v;
	size_t		i;
	int		r;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		r = tcpk_value_size(&v, good[i].text, &err);
		check("size", good[i].text, r, v, good[i].value, &err);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		v = 12345;
		r = tcpk_value_size(&v, bad[i], &err);
		refuse("size", bad[i], r, v, &err);
	}
}

static void
test_number(void)
{
	static const struct {
		const char	*text;
		uint64_t	 min, max, value;
		int		 r;
	} rows[] = {
		{ "0", 0, 0, 0, 0 },
		{ "1", 0, 0, 0, -1 },
		{ "65535", 0, 65535, 65535, 0 },
		{ "65536", 0, 65535, 0, -1 },
		{ "00080", 1, 65535, 80, 0 },
		{ "4", 5, 9, 0, -1 },
		{ "5", 5, 9, 5, 0 },
		{ "9", 5, 9, 9, 0 },
		{ "10", 5, 9, 0, -1 },
		{ "3", 0, 7, 3, 0 },
		{ "8", 0, 7, 0, -1 },
		{ "7", 0, 7, 7, 0 },
		{ "18446744073709551615", 0, UINT64_MAX, UINT64_MAX, 0 },
		{ "18446744073709551616", 0, UINT64_MAX, 0, -1 },
		{ "", 0, 9, 0, -1 },
		{ " 1", 0, 9, 0, -1 },
		{ "1 ", 0, 9, 0, -1 },
		{ "-1", 0, UINT64_MAX, 0, -1 },
		{ "+1", 0, 9, 0, -1 },
		{ "0x1", 0, 99, 0, -1 },
		{ "1.0", 0, 9, 0, -1 },
		{ "one", 0, 9, 0, -1 },
	};
	struct tcpk_err	err;
	uint64_t	v;
	size_t		i;
	int		r;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		v = 12345;
		r = tcpk_value_number(&v, rows[i].text, rows[i].min,
		    rows[i].max, &err);
		if (rows[i].r == 0)
			check("number", rows[i].text, r, v, rows[i].value,
			    &err);
		else
			refuse("number", rows[i].text, r, v, &err);
	}
	tcpk_value_number(&v, "9", 3, 7, &err);
	ok(strstr(err.text, "3 to 7") != NULL, "says the range: %s",
	    err.text);
}

int
main(void)
{
	test_time();
	test_size();
	test_number();
	return done_testing();
}
