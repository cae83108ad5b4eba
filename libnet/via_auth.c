/* Names and passwords from a file, so that no argument list holds them. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "via_impl.h"

/* More than the longest lines for the most proxies come to. */
#define ROOM	((VIA_MOST + 1) * 2 * (VIA_USER + 2))

/* A line without its end, be that LF or CRLF. */
static size_t
line_length(const char *text, size_t n)
{
	const char	*lf = memchr(text, '\n', n);
	size_t		 len = lf != NULL ? (size_t)(lf - text) : n;

	return len > 0 && text[len - 1] == '\r' ? len - 1 : len;
}

static int
take_line(struct tcpk__proxy *p, const char *text, size_t n,
    struct tcpk_err *err)
{
	const char	*colon = memchr(text, ':', n);

	if (colon == NULL)
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "this is not user:password");
	if (p->user != NULL)
		return 0;
	return tcpk__proxy_login(p, text, colon - text, colon + 1,
	    text + n - colon - 1, err);
}

static const char *
next_line(const char *text, const char *end)
{
	const char	*lf = memchr(text, '\n', end - text);

	return lf != NULL ? lf + 1 : end;
}

int
tcpk__via_auth_text(struct tcpk_via *v, const char *text, size_t n,
    struct tcpk_err *err)
{
	const char	*p, *end = text + n;
	size_t		 i, lines = 0, len;

	for (p = text; p < end; p = next_line(p, end))
		lines++;
	if (lines == 0 || (lines == 1 && line_length(text, n) == 0))
		return tcpk_err_set(err, TCPK_EUSAGE, "it holds no line "
		    "user:password");
	if (lines > 1 && lines > v->n)
		return tcpk_err_set(err, TCPK_EUSAGE, "it has %zu lines, for "
		    "%zu %s", lines, v->n, v->n == 1 ? "proxy" : "proxies");
	for (p = text, i = 0; i < v->n && p < end; i++) {
		len = line_length(p, end - p);
		if (len > 0 && take_line(&v->proxies[i], p, len, err) == -1)
			return tcpk_err_wrap(err, "line %zu", lines == 1 ? 1 :
			    i + 1);
		if (lines > 1)
			p = next_line(p, end);
	}
	return 0;
}

int
tcpk__via_auth(struct tcpk_via *v, const char *file, struct tcpk_err *err)
{
	char	text[ROOM];
	ssize_t	got;
	size_t	n = 0;
	int	fd, ret;

	fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd == -1)
		return tcpk_err_errno(err, TCPK_EIO, errno, "%.150s", file);
	do {
		got = read(fd, text + n, sizeof(text) - n);
		if (got > 0)
			n += (size_t)got;
	} while ((got > 0 && n < sizeof(text)) ||
	    (got == -1 && errno == EINTR));
	if (got == -1)
		ret = tcpk_err_errno(err, TCPK_EIO, errno, "%.150s", file);
	else if (n == sizeof(text))
		ret = tcpk_err_set(err, TCPK_EUSAGE, "%.150s: it is too long "
		    "for lines user:password", file);
	else {
		ret = tcpk__via_auth_text(v, text, n, err);
		if (ret == -1)
			tcpk_err_wrap(err, "%.150s", file);
	}
	close(fd);
	explicit_bzero(text, sizeof(text));
	return ret;
}
