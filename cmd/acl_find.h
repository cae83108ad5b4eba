/*
 * acl_find: the address in a line of a log.
 *
 * By field: fields are separated by blanks, and the field must be an address,
 * which may have a scope (IPv6), stand in brackets and be followed by a port.
 * Anywhere: every word of the line that is an address, or has one between
 * its colons (src:192.0.2.1:80).
 *
 * A line may come in pieces.
 */
#ifndef ACL_FIND_H
#define ACL_FIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tcpkit/ip.h>

/* The longest word or field that can be an address, and then some. */
#define ACL_WORD	128

struct acl_find {
	uint64_t	 field;		/* from 1; 0: anywhere */
	bool		 between[256];	/* bytes that are in no word */
	uint64_t	 seen;		/* words of this line */
	size_t		 ncarry;	/* of a word cut by a piece's end */
	char		 carry[ACL_WORD + 1];
};

void	acl_find_init(struct acl_find *, uint64_t field);

/* A new line comes. */
static inline void
acl_find_line(struct acl_find *f)
{
	f->seen = 0;
	f->ncarry = 0;
}

enum acl_find_what {
	ACL_FIND_NONE,		/* no address in this piece */
	ACL_FIND_ADDRESS,	/* one; call again for what is behind it */
	ACL_FIND_NEVER		/* and there is none in the rest of the line */
};

/*
 * Look for the next address from *p on, which moves behind it.  last: the
 * line ends with this piece.
 */
enum acl_find_what acl_find_next(struct acl_find *, const char **p,
	    const char *end, bool last, struct tcpk_ip *);

/* Is the text an address, with a scope at most? */
bool	acl_find_address(struct tcpk_ip *, const char *text, size_t len);

#endif
