/*
 * opts_values: options that fill in one field of a tool's own options, by a
 * table.
 */
#ifndef OPTS_VALUES_H
#define OPTS_VALUES_H

#include <stddef.h>
#include <stdint.h>

#include "opts.h"

enum opts_kind {
	OPTS_SWITCH,	/* bool */
	OPTS_TEXT,	/* const char *, not copied */
	OPTS_NUMBER,	/* uint64_t, from min to max */
	OPTS_SIZE,	/* the same, as "64k" */
	OPTS_TIME,	/* the same, as "1.5", in ns */
	OPTS_FD		/* int, a descriptor that is open */
};

struct opts_value {
	int		 letter;	/* as in struct opts_own */
	enum opts_kind	 kind;
	size_t		 offset;	/* of the field */
	uint64_t	 min, max;	/* max 0: none */
	/* Said of a value out of range; NULL: that 0 is no limit. */
	const char	*why;
};

/*
 * Take an option that was given: 1 it is in the table and filled in (a value
 * that may be left out, and was, changes nothing), 0 it is not, -1 its value
 * is wrong (TCPK_EUSAGE).
 */
int	opts_value(const struct opts_value *table, size_t n, int letter,
	    const char *value, void *base, struct tcpk_err *);

/* How it is written: "--name" or "-n". */
const char *opts_name(const struct opts_own *, int letter, char buf[32]);

#endif
