/*
 * acl_tool: what the parts of tcpacl-check share.
 */
#ifndef ACL_TOOL_H
#define ACL_TOOL_H

#include <stdbool.h>
#include <stdint.h>

#include <tcpkit/acl.h>

#include "acl_lines.h"
#include "acl_out.h"
#include "msg.h"

struct acl_tool {
	struct msg	 msg;
	struct tcpk_acl	*acl;
	bool		 explain;
	bool		 count;		/* print counts and nothing else */
	bool		 filter;
	bool		 want_allowed;	/* a filter prints these */
	uint64_t	 field;		/* where the address is; 0 anywhere */
	char		**args;		/* addresses; none: standard input */
	int		 nargs;
	bool		 trouble;	/* something was malformed */
	uint64_t	 allowed, denied;
	struct acl_out	 out;
};

/* The jobs; each returns the exit status. */
int	acl_answer(struct acl_tool *);
int	acl_filter(struct acl_tool *);
int	acl_expect(struct acl_tool *, const char *path);
int	acl_lint(struct acl_tool *);
int	acl_simplify(struct acl_tool *);

/*
 * Write out what is left.  Returns the status: 2 when that fails, which is
 * reported, or when there was trouble; else status.
 */
int	acl_finish(struct acl_tool *, int status);

/* Is there any use in going on?  Reports nothing. */
static inline bool
acl_can_write(const struct acl_tool *t)
{
	return t->out.error == 0;
}

/* Print the two counts. */
void	acl_print_counts(struct acl_tool *);

/* What was named cannot be read; trouble. */
void	acl_cannot_read(struct acl_tool *, const char *name, int code);

/*
 * A text that should be an address and is not; trouble.  line 0: an
 * argument.
 */
void	acl_malformed(struct acl_tool *, const char *source, uint64_t line,
	    const char *text, size_t len, const char *why);

/* Blanks off both ends. */
void	acl_trim(const char **p, const char **end);

/* The keys of a verdict, for JSON. */
void	acl_verdict_keys(struct acl_tool *, struct tcpk_verdict);

/* " +10.0.0.0/8 acl.txt:3" or " default". */
void	acl_verdict_text(struct acl_tool *, struct tcpk_verdict);

#endif
