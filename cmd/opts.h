/*
 * opts: command-line options in groups, shared by the tools.  A tool has a
 * table of its own options; the options of endpoints (libnet's table) become
 * long options of the same name, remembered here and then set on every
 * address of the command that takes them.
 */
#ifndef OPTS_H
#define OPTS_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>

#include <tcpkit/endpoint.h>

#include "msg.h"

/* One option of a tool. */
struct opts_own {
	int		 letter;	/* or a number above 255: long only */
	const char	*name;		/* long, or NULL */
	const char	*value;		/* "T"; "=T" may be left out; NULL */
	const char	*help;
};

#define OPTS_MAX	128

struct opts {
	const struct msg	*msg;
	const struct opts_own	*own;		/* ends with letter 0 */
	unsigned		 roles;
	struct option		 longs[OPTS_MAX + 1];
	char			 shorts[3 * OPTS_MAX + 4];
	/* Endpoint options given as flags; NULL: not given. */
	const char		*flags[OPTS_MAX];
	const char		*names[OPTS_MAX];	/* as in libnet */
	const char		*given[OPTS_MAX];	/* as "-w"; NULL: long */
	char			*joined[OPTS_MAX];	/* lists, ours */
	size_t			 nnames;
	char			*stdio;		/* "-,OPTION": an operand */
	char		       **secrets;	/* operands with a password */
	size_t			 nsecrets;
};

/*
 * Make the tables for getopt_long; what the tool has itself comes first.
 * roles are those that its addresses may have: bits 1 << enum tcpk_role.
 */
void	opts_init(struct opts *, const struct msg *, const struct opts_own *,
	    unsigned roles);

/*
 * The next option's letter; -1 at the end; 0 for one of an endpoint, which
 * is remembered; '?' after a usage error, which has been reported.  What begins
 * with "-," is an operand; it comes before the others.
 *
 * Passwords are overwritten in the argument list, where ps(1) would show
 * them, as soon as they are read.  From the end on, an operand that held one
 * is a copy of ours, until opts_free.
 */
int	opts_next(struct opts *, int argc, char **argv);

/*
 * Remember an endpoint option as if its long flag had been given.  Values of
 * a list add up.
 */
void	opts_flag(struct opts *, const char *name, const char *value);

/* The same, given as another flag, "-w", which errors will name. */
void	opts_flag_as(struct opts *, const char *name, const char *value,
	    const char *given);

/*
 * -4 and -6 (or neither) are short ways to say family.  -1 to go on, 2 after
 * a usage error, which has been reported: another was asked for.
 */
int	opts_family(struct opts *, bool v4, bool v6);

/*
 * Set what was given on the endpoints that take it.  0, or 2 after a usage
 * error, which has been reported: no endpoint takes it, a wrong value.
 */
int	opts_apply(const struct opts *, struct tcpk_endpoint *const eps[],
	    size_t n);

/* Was any flag given that only TLS has?  Its name, without --, or NULL. */
const char *opts_tls_flag(const struct opts *);
bool	opts_any_tls(const struct opts *);

/*
 * What was asked for is printed: --help, --version.  Returns the status, 7
 * after an error, which has been reported, where it could not be.
 */
int	opts_printed(const struct opts *);

void	opts_free(struct opts *);

/* Print the lines of --help for both kinds. */
void	opts_help(const struct opts *);

#endif
