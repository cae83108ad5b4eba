/*
 * acl: access control lists, from text to a verdict that names its rule.
 *
 *	list = rule *( separator rule )		separator: , ; or white space
 *	rule = ( "+" | "-" ) what		+ allows, - denies
 *	what = address | address "/" length | IPv4 "/" mask
 *	     | address "-" address | "all"
 *
 * The LAST rule that matches decides.  What no rule matches is allowed only
 * when the first rule denies less than a whole address family, and by an
 * empty list.  IPv4-mapped IPv6 is IPv4, in rules and in what is checked;
 * an IPv6 rule never matches IPv4, even where it is wide enough to hold the
 * mapped block (-::/0 is all of IPv6 and nothing else; all is both).
 *
 * A list is filled (add), compiled, and immutable from then on: any number
 * of threads may check against it.  Replacing a list means making another,
 * swapping the pointer and freeing the old one.  Rules are kept as numbers,
 * not as text; a look-up searches neither the rules nor a tree of them.
 *
 * Not here: names (they would need a resolver), ports, who is asking.  Pure,
 * but for tcpk_acl_add_fd and _add_file, which read.
 */
#ifndef TCPKIT_ACL_H
#define TCPKIT_ACL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tcpkit/addr.h>
#include <tcpkit/err.h>
#include <tcpkit/ip.h>

struct tcpk_acl;

/* Rules are numbered from 1; rule 0: the default decided. */
struct tcpk_verdict {
	bool		allow;
	uint32_t	rule;
};

/* Enough for every rule's text, with the NUL. */
#define TCPK_ACL_TEXT	(2 * TCPK_IP_TEXT + 2)

/* A rule, to show.  The text is the canonical one, not what was written. */
struct tcpk_acl_rule {
	uint32_t	 number;
	bool		 allow;
	bool		 host_bits;	/* it was written with host bits set */
	const char	*source;	/* the list's; NULL for the default */
	uint32_t	 line;		/* 0 for the default */
	char		 text[TCPK_ACL_TEXT];	/* "+10.0.0.0/8", "default" */
};

/*
 * An empty list, not compiled.  warn, which may be NULL, is called while
 * rules are added, with a line of text (source, line and column, and what
 * is odd) that lasts as long as the call.  Returns NULL when out of memory.
 */
struct tcpk_acl *tcpk_acl_new(void (*warn)(void *arg, const char *text),
	    void *arg, struct tcpk_err *);

/* Takes NULL. */
void	tcpk_acl_free(struct tcpk_acl *);

/*
 * Add the rules of a text behind those already there.  The source names the
 * text in errors and verdicts ("--acl"); it is copied.  '#' is an error here:
 * comments are for files.
 * Returns -1 on a malformed rule (TCPK_EUSAGE; the text starts with
 * SOURCE:LINE:COLUMN, both counted from 1, columns in bytes), when memory is
 * short (TCPK_EIO), or when the list is compiled already.  A list that
 * failed to add is good for nothing but tcpk_acl_free.
 */
int	tcpk_acl_add_text(struct tcpk_acl *, const char *source,
	    const char *text, size_t len, struct tcpk_err *);

/*
 * The same from a descriptor, read to its end and left open, and from a
 * file.  Here '#' starts a comment that ends with its line.  Reading is in
 * blocks: a file of any length takes the memory of its rules.  -1 also when
 * reading fails (TCPK_EIO).
 */
int	tcpk_acl_add_fd(struct tcpk_acl *, const char *source, int fd,
	    struct tcpk_err *);
int	tcpk_acl_add_file(struct tcpk_acl *, const char *path,
	    struct tcpk_err *);

/*
 * Make the list ready to be asked.  Returns -1 when memory is short; the
 * list is then good for tcpk_acl_free only.
 */
int	tcpk_acl_compile(struct tcpk_acl *, struct tcpk_err *);

/*
 * All in one: a compiled list from a text, or from a file; host bits pass
 * without a warning.  NULL: see err.
 */
struct tcpk_acl *tcpk_acl_parse(const char *source, const char *text,
	    struct tcpk_err *);
struct tcpk_acl *tcpk_acl_load(const char *path, struct tcpk_err *);

/*
 * The verdict on an address; port and scope do not matter.  What has no IP
 * address (a Unix socket, nothing) is denied by rule 0, unless the list is
 * empty.  A list that is not compiled denies everyone.
 */
struct tcpk_verdict tcpk_acl_check(const struct tcpk_acl *,
	    const struct tcpk_addr *);
struct tcpk_verdict tcpk_acl_check_ip(const struct tcpk_acl *,
	    struct tcpk_ip);

/*
 * The verdicts on n addresses.  The same answers as one by one, but several
 * times as fast on long lists: the look-ups wait for memory together.
 */
void	tcpk_acl_check_many(const struct tcpk_acl *, const struct tcpk_ip *,
	    struct tcpk_verdict *, size_t n);

/* Without the rules, and IPv4 only, as numbers in host order: faster still. */
void	tcpk_acl_allow4_many(const struct tcpk_acl *, const uint32_t *ip,
	    bool *allow, size_t n);

/* How many rules there are; the default is not one of them. */
uint32_t tcpk_acl_rules(const struct tcpk_acl *);

/*
 * Rule number n of a compiled list, from 1, or with n = 0 the default.
 * The source lasts as long as the list.  False when there is no such rule.
 */
bool	tcpk_acl_rule(const struct tcpk_acl *, uint32_t n,
	    struct tcpk_acl_rule *);

/*
 * What decided, for a log: "-10.0.0.0/8 (acl.txt:3)" or "default".
 * Returns buf, which is cut where it is too small.
 */
const char *tcpk_acl_describe(const struct tcpk_acl *, struct tcpk_verdict,
	    char *buf, size_t size);

/* The bytes of memory that the list holds. */
size_t	tcpk_acl_size(const struct tcpk_acl *);

/* What a reviewer should know about a list. */
enum tcpk_acl_fault {
	TCPK_ACL_DEAD,		/* the rule can never decide */
	TCPK_ACL_CONTRADICTS,	/* a later rule says the opposite */
	TCPK_ACL_HOST_BITS,	/* written with host bits set */
	TCPK_ACL_OPEN		/* a family is let in by default */
};

struct tcpk_acl_finding {
	enum tcpk_acl_fault	 fault;
	uint32_t		 rule;	/* 0: the list as a whole */
	uint32_t		 other;	/* the later rule, or 0 */
	const char		*why;	/* lasts as long as the call */
};

/* A stable word for machines: "never-decides", "open-by-default" ... */
const char *tcpk_acl_fault_word(enum tcpk_acl_fault);

/*
 * Report what is odd in a compiled list, in the order of its rules.
 * Returns -1 only when memory is short.
 */
int	tcpk_acl_lint(const struct tcpk_acl *,
	    void (*found)(void *arg, const struct tcpk_acl_finding *),
	    void *arg, struct tcpk_err *);

/*
 * Report the rules, in order, of a list of the fewest rules that gives every
 * address the same verdict: none when everyone is allowed, and the list
 * itself when it is as short as can be.  Returns -1 only when memory is
 * short, before the first rule.
 */
int	tcpk_acl_simplify(const struct tcpk_acl *,
	    void (*rule)(void *arg, const char *text), void *arg,
	    struct tcpk_err *);

#endif
