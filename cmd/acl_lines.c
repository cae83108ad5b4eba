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
	l->buf = malloc(ACL_LINES_SIZE + ACL_LINES_PAD);
	return l->buf == NULL ? -1 : 0;
}

void
acl_lines_close(struct acl_lines *l)
{
	free(l->buf);
	l->buf = NULL;
}

/*
 * In blocks of 64 bytes, with a loop that runs as often as there are
 * newlines in the block: a loop from line to line would wait for the end of
 * each before it can begin with the next.
 */
size_t
acl_lines_split(const char *p, const char *end, const char **ends, size_t max)
{
	char		last[64];
	const char	*at;
	uint64_t	mask;
	size_t		n = 0;

	for (; p < end && n < max; p += 64) {
		at = p;
		if (end - p < 64) {
			memset(last, 0, sizeof(last));
			memcpy(last, p, (size_t)(end - p));
			at = last;
		}
		for (mask = acl_newlines(at); mask != 0; mask &= mask - 1)
			ends[n++] = p + __builtin_ctzll(mask) + 1;
	}
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
