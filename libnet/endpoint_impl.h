/* endpoint, private: the option table, between its files. */
#ifndef ENDPOINT_IMPL_H
#define ENDPOINT_IMPL_H

#include "tcpkit/endpoint.h"

enum tcpk__type {
	FLAG, TIME, TIME_OR_NO, SIZE, NUMBER, OCTAL, FAMILY, TEXT, LIST,
	SOURCE, PROXY
};

struct tcpk__option {
	const char	*name;
	enum tcpk__type	 type;
	unsigned	 connect, listen;	/* the schemes that take it */
	size_t		 offset;
	uint64_t	 min, max;
	const char	*value, *help;
	const char	*flag;			/* of a tool; NULL: the name */
	bool		 target;		/* only as one of several */
};

/* In the order of the bits in given. */
extern const struct tcpk__option tcpk__options[];
extern const size_t		tcpk__noptions;

/* Defaults for every option. */
void	tcpk__options_init(struct tcpk_options *);
void	tcpk__options_free(struct tcpk_options *);

/* Does the text begin with an option, by itself or with a value? */
bool	tcpk__options_begin(const char *text);

/*
 * Apply one option.  name is cut out of a longer text; value NULL when there
 * was no "=".  given holds a bit for each option that was set already.
 */
int	tcpk__options_apply(struct tcpk_endpoint *, const char *name,
	    const char *value, struct tcpk_err *);

#endif
