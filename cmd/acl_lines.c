#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "acl_lines.h"

int
acl_lines_open(struct acl_lines *l, int fd)
{
	memset(l, 0, sizeof(*l));
	l->fd = fd;
	l->buf = calloc(1, ACL_LINES_SIZE + ACL_LINES_PAD);
	return l->buf == NULL ? -1 : 0;
}

void
acl_lines_close(struct acl_lines *l)
{
	free(l->buf);
	l->buf = NULL;
}

size_t
acl_lines_split(const char *p, const char *end, const char **ends, size_t max)
{
	size_t	n;

	n = acl_newlines(p, end, ends, max);
	while (n > 0 && ends[n - 1] > end)
		n--;
	if (n >= max)
		return max;
	if (n == 0 || ends[n - 1] != end)
		ends[n++] = end;
	return n;
}

/* Read behind what is there.  -1: error. */
static int
fill(struct acl_lines *l)
{
	struct pollfd	pfd = { .fd = l->fd, .events = POLLIN };
	ssize_t		n;

	if (l->start > 0) {
		memmove(l->buf, l->buf + l->start, l->end - l->start);
		l->end -= l->start;
		l->start = 0;
	}
	for (;;) {
		n = read(l->fd, l->buf + l->end, ACL_LINES_SIZE - l->end);
		if (n >= 0)
			break;
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			poll(&pfd, 1, -1);
		else if (errno == EBADF && l->fd == STDIN_FILENO)
			n = 0;	/* closed at start: it reads as its end */
		else if (errno != EINTR)
			return -1;
		if (n == 0)
			break;
	}
	if (n == 0)
		l->eof = true;
	l->end += (size_t)n;
	l->buf[l->end] = '\0';
	return 0;
}

/* The end of the last whole line (of the first one, in a long line). */
static const char *
line_end(const struct acl_lines *l)
{
	const char	*p = l->buf + l->start;
	size_t		 n = l->end - l->start;
	const char	*nl;

	nl = l->in_long ? memchr(p, '\n', n) : memrchr(p, '\n', n);
	return nl == NULL ? NULL : nl + 1;
}

bool
acl_lines_waits(const struct acl_lines *l)
{
	return !l->eof && line_end(l) == NULL;
}

enum acl_lines_what
acl_lines_next(struct acl_lines *l, const char **p, const char **end)
{
	enum acl_lines_what	what;
	const char		*nl;

	for (;;) {
		nl = line_end(l);
		if (nl != NULL || l->eof)
			break;
		if (l->start == 0 && l->end == ACL_LINES_SIZE)
			break;
		if (l->in_long && l->end > l->start)
			break;
		if (fill(l) == -1)
			return ACL_LINES_ERROR;
	}
	*p = l->buf + l->start;
	*end = nl != NULL ? nl : l->buf + l->end;
	if (nl == NULL && !l->eof)
		what = ACL_LINES_PIECE;
	else if (l->in_long)
		what = ACL_LINES_REST;
	else
		what = *p == *end ? ACL_LINES_END : ACL_LINES_WHOLE;
	l->in_long = what == ACL_LINES_PIECE;
	l->start = (size_t)(*end - l->buf);
	return what;
}
