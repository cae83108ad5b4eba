/* endpoint, private: the option table, between its two files. */
#ifndef ENDPOINT_IMPL_H
#define ENDPOINT_IMPL_H

#include "tcpkit/endpoint.h"

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
