/*
 * tap: results in the Test Anything Protocol, a line each.
 *
 *	ok(x == 1, "x is %d", x);
 *	return done_testing();
 */
#ifndef TAP_H
#define TAP_H

#include <stdarg.h>
#include <stdio.h>

static int	tap_count, tap_failed;

__attribute__((format(printf, 2, 3), unused))
static void
ok(int cond, const char *fmt, ...)
{
	va_list	ap;

	tap_count++;
	tap_failed += !cond;
	printf("%sok %d - ", cond ? "" : "not ", tap_count);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

/* A line of comment, for what a failure needs to be understood. */
__attribute__((format(printf, 1, 2), unused))
static void
note(const char *fmt, ...)
{
	va_list	ap;

	printf("# ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

__attribute__((unused))
static int
done_testing(void)
{
	printf("1..%d\n", tap_count);
	if (tap_failed > 0)
		note("%d of %d failed", tap_failed, tap_count);
	return tap_failed > 0;
}

#endif
