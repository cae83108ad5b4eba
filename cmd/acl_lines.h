/*
 * acl_lines: lines from a descriptor, in constant memory, however long the
 * input and its lines are.
 *
 * What comes is a stretch of whole lines in the buffer, as many as there
 * are, or else, where a line is longer than the buffer, its pieces.
 */
#ifndef ACL_LINES_H
#define ACL_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACL_LINES_SIZE	(256 * 1024)
#define ACL_LINES_PAD	64	/* bytes behind the end that may be read */

enum acl_lines_what {
	ACL_LINES_ERROR,	/* see errno */
	ACL_LINES_END,		/* there is no more */
	ACL_LINES_WHOLE,	/* lines with their newlines, which only the
				   very last may lack; then it has a NUL */
	ACL_LINES_PIECE,	/* of a long line that goes on */
	ACL_LINES_REST		/* of a long line; may be empty */
};

struct acl_lines {
	int	 fd;
	char	*buf;
	size_t	 start, end;	/* what is in the buffer and not given out */
	bool	 eof, in_long;
};

/* -1: out of memory. */
int	acl_lines_open(struct acl_lines *, int fd);
void	acl_lines_close(struct acl_lines *);

/*
 * Where the lines of a stretch end: behind their newlines, and for the last
 * one, which may lack it, at the end.  Fills up to max ends (the array has
 * room for ACL_LINES_SLACK more) and returns how many there are.
 */
#define ACL_LINES_SLACK	64
size_t	acl_lines_split(const char *p, const char *end, const char **ends,
	    size_t max);

/*
 * The same in blocks of 64 bytes, all of the last one: up to 63 ends behind
 * the end, or more than max, are found as well.  acl_newlines.c, _x86.c.
 */
size_t	acl_newlines(const char *p, const char *end, const char **ends,
	    size_t max);

/*
 * Can the next call wait for input?  (Then is the time to write what was
 * found so far: somebody may be watching.)
 */
bool	acl_lines_waits(const struct acl_lines *);

/* The next stretch; it lasts until the next call. */
enum acl_lines_what acl_lines_next(struct acl_lines *, const char **p,
	    const char **end);

#endif
