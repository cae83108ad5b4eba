#include <stdio.h>
#include <string.h>

#include "tcpkit/err.h"

void
tcpk_err_clear(struct tcpk_err *err)
{
	if (err == NULL)
		return;
	err->kind = TCPK_OK;
	err->code = 0;
	err->text[0] = '\0';
}

/* A cut text must not pass for a whole one. */
static void
mark_cut(struct tcpk_err *err, int wanted)
{
	if (wanted >= (int)sizeof(err->text))
		memcpy(err->text + sizeof(err->text) - 4, "...", 4);
}

static void
vset(struct tcpk_err *err, enum tcpk_err_kind kind, int code, const char *fmt,
    va_list ap)
{
	size_t	len;
	int	n, m;

	err->kind = kind;
	err->code = code;
	n = vsnprintf(err->text, sizeof(err->text), fmt, ap);
	if (n < 0)
		n = 0;
	if (code != 0 && (size_t)n < sizeof(err->text)) {
		len = n;
		m = snprintf(err->text + len, sizeof(err->text) - len, ": %s",
		    strerror(code));
		n += m > 0 ? m : 0;
	}
	mark_cut(err, n);
}

int
tcpk_err_set(struct tcpk_err *err, enum tcpk_err_kind kind, const char *fmt,
    ...)
{
	va_list	ap;

	if (err != NULL) {
		va_start(ap, fmt);
		vset(err, kind, 0, fmt, ap);
		va_end(ap);
	}
	return -1;
}

int
tcpk_err_errno(struct tcpk_err *err, enum tcpk_err_kind kind, int code,
    const char *fmt, ...)
{
	va_list	ap;

	if (err != NULL) {
		va_start(ap, fmt);
		vset(err, kind, code, fmt, ap);
		va_end(ap);
	}
	return -1;
}

int
tcpk_err_wrap(struct tcpk_err *err, const char *fmt, ...)
{
	char	old[sizeof(err->text)];
	va_list	ap;
	int	n, m;

	if (err == NULL)
		return -1;
	memcpy(old, err->text, sizeof(old));
	va_start(ap, fmt);
	n = vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	if (n < 0)
		n = 0;
	if ((size_t)n < sizeof(err->text)) {
		m = snprintf(err->text + n, sizeof(err->text) - n, ": %s",
		    old);
		n += m > 0 ? m : 0;
	}
	mark_cut(err, n);
	return -1;
}

const char *
tcpk_err_word(enum tcpk_err_kind kind)
{
	static const char *const words[] = {
		[TCPK_OK] = "ok",
		[TCPK_EUSAGE] = "usage",
		[TCPK_ECONNECT] = "connect",
		[TCPK_ENAME] = "name",
		[TCPK_ETIMEOUT] = "timeout",
		[TCPK_ETLS] = "tls",
		[TCPK_ECUT] = "cut-short",
		[TCPK_EIO] = "local-io",
		[TCPK_EPROGRAM] = "program",
	};

	if ((unsigned)kind >= sizeof(words) / sizeof(words[0]))
		return "unknown";
	return words[kind];
}
