/* openssl: files that the openssl command makes for a test, and others. */
#ifndef OPENSSL_H
#define OPENSSL_H

#include <stdarg.h>

#include "help.h"
#include "tls_cert_impl.h"

/* Run it, what it says going to the file out; 0 if it went well. */
__attribute__((format(printf, 1, 2), unused))
static int
sh(const char *fmt, ...)
{
	char	line[2048] = "exec >out 2>&1 </dev/null; ";
	size_t	n = strlen(line);
	va_list	ap;

	va_start(ap, fmt);
	vsnprintf(line + n, sizeof(line) - n, fmt, ap);
	va_end(ap);
	return system(line);
}

/* The same for what the rest of the test depends on. */
#define make(...)	do {						\
	if (sh(__VA_ARGS__) != 0) {					\
		ok(0, __VA_ARGS__);					\
		if (system("sed 's/^/# /' out") != 0)			\
			note("and nothing said");			\
	}								\
} while (0)

/* All of a file and a NUL; the caller frees it. */
__attribute__((unused))
static char *
contents(const char *file, size_t *n)
{
	struct tcpk_err	 err;
	char		*text = tcpk__file_read(file, 1 << 20, n, &err);

	if (text == NULL || (text = realloc(text, *n + 1)) == NULL) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
	text[*n] = '\0';
	return text;
}

__attribute__((unused))
static void
write_file(const char *file, const void *p, size_t n)
{
	FILE	*f = fopen(file, "w");

	if (f == NULL || fwrite(p, 1, n, f) != n || fclose(f) != 0) {
		printf("Bail out! %s: %s\n", file, strerror(errno));
		exit(1);
	}
}

__attribute__((unused))
static int
no_openssl(void)
{
	if (sh("openssl version") == 0)
		return 0;
	ok(1, "files to read # SKIP no openssl here");
	return 1;
}

#endif
