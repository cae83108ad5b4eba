#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acl_impl.h"

#define WHY	(2 * TCPK_ACL_TEXT + 200)

struct lint {
	const struct tcpk_acl	*acl;
	unsigned char		*decides;	/* by rule number; 0: default */
	void			(*found)(void *,
				    const struct tcpk_acl_finding *);
	void			*arg;
};

static void
report(const struct lint *l, enum tcpk_acl_fault fault, size_t rule,
    uint32_t other, const char *why)
{
	struct tcpk_acl_finding	f = { fault, (uint32_t)rule, other, why };

	l->found(l->arg, &f);
}

static uint32_t
end_of(const struct rule *r, const struct table *t)
{
	return r->to < t->n ? r->to : t->n - 1;
}

/* Which rules are the last to match somewhere? */
static void
mark_deciding(struct lint *l, const struct table *t)
{
	uint32_t	i;

	for (i = 0; i < t->n; i++)
		l->decides[t->winner[i] >> 1] = 1;
}

/* Does b match everything that a does? */
static bool
covers(const struct tcpk_acl *acl, const struct rule *b,
    const struct rule *a)
{
	const struct table	*t = &acl->tables[a->in4 ? FAMILY4 : FAMILY6];

	if (b->in4 < a->in4 || b->in6 < a->in6)
		return false;
	return b->from <= a->from && end_of(b, t) >= end_of(a, t);
}

static void
why_dead(char *why, const struct lint *l, size_t n, const char *because)
{
	int	len;

	len = snprintf(why, WHY, "can never decide: %s", because);
	if (n == 1 && len < WHY)
		snprintf(why + len, WHY - len, "; as the first rule it still "
		    "makes the default %s",
		    l->acl->default_allow ? "allow" : "deny");
}

/*
 * A rule that never decides.  If one later rule covers it that is the
 * culprit, and it is met wherever the dead rule starts.
 */
static void
report_dead(const struct lint *l, size_t n)
{
	const struct rule	*r = &l->acl->rules[n - 1], *w;
	const struct table	*t;
	struct tcpk_acl_rule	 other;
	char			 because[WHY - 100], why[WHY];
	uint32_t		 winner;

	t = &l->acl->tables[r->in4 ? FAMILY4 : FAMILY6];
	winner = t->winner[r->from] >> 1;
	w = &l->acl->rules[winner - 1];
	if (!covers(l->acl, w, r)) {
		why_dead(why, l, n, "later rules together cover it");
		report(l, TCPK_ACL_DEAD, n, 0, why);
		return;
	}
	tcpk_acl_rule(l->acl, winner, &other);
	snprintf(because, sizeof(because), "rule %u, %s, line %u, %s",
	    (unsigned)winner, other.text, (unsigned)other.line,
	    w->allow == r->allow ? "covers it" :
	    "covers it and says the opposite");
	why_dead(why, l, n, because);
	report(l, w->allow == r->allow ? TCPK_ACL_DEAD :
	    TCPK_ACL_CONTRADICTS, n, winner, why);
}

/*
 * Ranges can cross: a later rule of the opposite kind takes one end of this
 * one and goes on beyond it.  An exception inside a rule is no contradiction.
 */
static void
report_crossed(const struct lint *l, size_t n)
{
	const struct rule	*r = &l->acl->rules[n - 1], *w;
	const struct table	*t;
	struct tcpk_acl_rule	 other;
	char			 why[WHY];
	uint32_t		 ends[2], i;
	int			 k;

	if (r->in4 && r->in6)
		return;
	t = &l->acl->tables[r->in4 ? FAMILY4 : FAMILY6];
	ends[0] = r->from;
	ends[1] = end_of(r, t);
	for (k = 0; k < 2; k++) {
		i = t->winner[ends[k]] >> 1;
		w = &l->acl->rules[i - 1];
		if (i <= n || w->allow == r->allow || covers(l->acl, w, r))
			continue;
		if (w->from >= r->from && end_of(w, t) <= end_of(r, t))
			continue;
		tcpk_acl_rule(l->acl, i, &other);
		snprintf(why, sizeof(why), "rule %u, %s, line %u, says the "
		    "opposite of a part of it and goes beyond it",
		    (unsigned)i, other.text, (unsigned)other.line);
		report(l, TCPK_ACL_CONTRADICTS, n, i, why);
		return;
	}
}

static void
report_open(const struct lint *l, int family)
{
	const struct table	*t = &l->acl->tables[family];
	const char		*name = family == FAMILY4 ? "IPv4" : "IPv6";
	char			 why[WHY];
	uint32_t		 i, n = 0;

	for (i = 0; i < t->n; i++)
		n += t->winner[i] >> 1 == 0;
	if (n == 0)
		return;
	snprintf(why, sizeof(why), "lets in %s%s by default: %s",
	    n == t->n ? "all of " : "", name, l->acl->nrules == 0 ?
	    "the list is empty" :
	    "the first rule denies less than a whole address family");
	report(l, TCPK_ACL_OPEN, l->acl->nrules == 0 ? 0 : 1, 0, why);
}

int
tcpk_acl_lint(const struct tcpk_acl *acl,
    void (*found)(void *, const struct tcpk_acl_finding *), void *arg,
    struct tcpk_err *err)
{
	struct lint	l = { acl, NULL, found, arg };
	size_t		n;

	l.decides = calloc(acl->nrules + 1, 1);
	if (l.decides == NULL)
		return tcpk_err_set(err, TCPK_EIO,
		    "access list: out of memory");
	for (n = 0; n < FAMILIES; n++)
		mark_deciding(&l, &acl->tables[n]);
	for (n = 0; acl->default_allow && n < FAMILIES; n++)
		report_open(&l, (int)n);
	for (n = 1; n <= acl->nrules; n++) {
		if (acl->rules[n - 1].host_bits)
			report(&l, TCPK_ACL_HOST_BITS, n, 0,
			    "was written with host bits set");
		if (!l.decides[n])
			report_dead(&l, n);
		else
			report_crossed(&l, n);
	}
	free(l.decides);
	return 0;
}

const char *
tcpk_acl_fault_word(enum tcpk_acl_fault fault)
{
	static const char *const words[] = {
		[TCPK_ACL_DEAD] = "never-decides",
		[TCPK_ACL_CONTRADICTS] = "contradicts",
		[TCPK_ACL_HOST_BITS] = "host-bits",
		[TCPK_ACL_OPEN] = "open-by-default",
	};

	return (unsigned)fault < sizeof(words) / sizeof(words[0]) ?
	    words[fault] : "unknown";
}
