#include <stdlib.h>
#include <string.h>

#include "acl_impl.h"

/*
 * The fewest rules.  Per family the list comes down to runs of addresses
 * that are allowed and denied in turn.  Say what no rule matches has verdict
 * B, and there are r runs of the other verdict: then r rules do (one for
 * each), and fewer cannot.  For think of one more address of verdict B at
 * either end of the family, which no rule reaches: the r runs have 2r
 * borders, at the start there are none, and a rule adds at most two, at its
 * two ends.  (A rule for all wipes out what is before it, so it would come
 * first and cost one rule to set B.)  What is left is to choose B for both
 * families: by the number of rules.
 *
 * Any pairing of those borders without crossings gives r rules, too; of these
 * the one is chosen that finds networks where the plain runs are ranges, so
 * that +10/8,-10.1.2.0/24 stays what it is.
 */

struct run {
	struct tcpk_ip	first, last;
	bool		allow;
};

struct runs {
	struct run	*run;
	uint32_t	 n;
	uint32_t	 count[2];	/* how many deny, allow */
};

/* A rule over the runs from a to b - 1. */
struct stroke {
	uint32_t	a, b;
};

struct output {
	void	(*rule)(void *, const char *);
	void	*arg;
};

/*
 * The mapped block is no part of IPv6: nothing there is ever looked up, and
 * a rule cannot start or end in it.  Returns false if the interval lies in
 * it wholly.
 */
static bool
leave_mapped(struct run *r)
{
	if (tcpk_ip_is4(r->first) && tcpk_ip_is4(r->last))
		return false;
	if (tcpk_ip_is4(r->first))
		r->first = ip_next(family_last(FAMILY4));
	if (tcpk_ip_is4(r->last))
		r->last = ip_prev(family_first(FAMILY4));
	return true;
}

static int
find_runs(struct runs *runs, const struct table *t, int family)
{
	struct run	*r = NULL, x;
	uint32_t	 i;

	memset(runs, 0, sizeof(*runs));
	runs->run = malloc(t->n * sizeof(*r));
	if (runs->run == NULL)
		return -1;
	for (i = 0; i < t->n; i++) {
		x.first = tcpk__acl_first(t, family, i);
		x.last = table_last(t, i);
		x.allow = t->winner[i] & 1;
		if (family == FAMILY6 && !leave_mapped(&x))
			continue;
		if (r != NULL && r->allow == x.allow) {
			r->last = x.last;
			continue;
		}
		r = &runs->run[runs->n++];
		*r = x;
		runs->count[x.allow]++;
	}
	return 0;
}

/* A border: before run k.  A network closes as soon as its end is met. */
static void
border(const struct runs *runs, uint32_t k, uint32_t *stack, uint32_t *depth,
    struct stroke *strokes, uint32_t *n)
{
	const struct run	*r = runs->run;

	if (*depth > 0 && tcpk__acl_prefix(r[stack[*depth - 1]].first,
	    r[k - 1].last) != UINT32_MAX) {
		strokes[*n].a = stack[--*depth];
		strokes[(*n)++].b = k;
	} else
		stack[(*depth)++] = k;
}

/* Wider ones first, so that what is inside comes later and wins. */
static int
by_start(const void *x, const void *y)
{
	const struct stroke	*p = x, *q = y;

	if (p->a != q->a)
		return p->a < q->a ? -1 : 1;
	return p->b > q->b ? -1 : p->b < q->b;
}

static int
find_strokes(const struct runs *runs, bool background,
    struct stroke **strokes, uint32_t *n)
{
	const struct run	*r = runs->run;
	uint32_t		*stack, depth = 0, k;

	*n = 0;
	*strokes = malloc((runs->n + 1) * sizeof(**strokes));
	stack = malloc((runs->n + 1) * sizeof(*stack));
	if (*strokes == NULL || stack == NULL) {
		free(stack);
		return -1;
	}
	if (r[0].allow != background)
		border(runs, 0, stack, &depth, *strokes, n);
	for (k = 1; k < runs->n; k++)
		border(runs, k, stack, &depth, *strokes, n);
	if (r[k - 1].allow != background)
		border(runs, k, stack, &depth, *strokes, n);
	for (k = 0; k < depth; k += 2) {
		(*strokes)[*n].a = stack[k];
		(*strokes)[(*n)++].b = stack[k + 1];
	}
	free(stack);
	qsort(*strokes, *n, sizeof(**strokes), by_start);
	return 0;
}

static void
print_strokes(const struct output *out, const struct runs *runs, int family,
    const struct stroke *s, uint32_t n)
{
	const struct run	*r = runs->run;
	char			 text[TCPK_ACL_TEXT];
	uint32_t		 i;

	for (i = 0; i < n; i++) {
		tcpk__acl_text(text, r[s[i].a].allow, family,
		    r[s[i].a].first, r[s[i].b - 1].last);
		out->rule(out->arg, text);
	}
}

/* The list is its own shortest form. */
static void
print_list(const struct tcpk_acl *acl, const struct output *out)
{
	struct tcpk_acl_rule	rule;
	uint32_t		n;

	for (n = 1; tcpk_acl_rule(acl, n, &rule); n++)
		out->rule(out->arg, rule.text);
}

static int
print_fewest(const struct tcpk_acl *acl, const struct runs runs[FAMILIES],
    const struct output *out)
{
	struct stroke	*s[FAMILIES] = { NULL, NULL };
	uint32_t	 n[FAMILIES], deny, allow;
	int		 i, ret = 0;
	bool		 background;

	deny = runs[FAMILY4].count[0] + runs[FAMILY6].count[0];
	allow = runs[FAMILY4].count[1] + runs[FAMILY6].count[1];
	/*
	 * With B = allow the first rule must deny less than a family.  It
	 * does: where a whole family is denied, or both its ends are, denying
	 * takes at least as many rules as allowing.
	 */
	background = deny < allow;
	if (acl->nrules == (background ? deny : allow == 0 ? 1 : allow)) {
		print_list(acl, out);
		return 0;
	}
	if (allow == 0) {
		out->rule(out->arg, "-all");
		return 0;
	}
	for (i = 0; i < FAMILIES && ret == 0; i++)
		ret = find_strokes(&runs[i], background, &s[i], &n[i]);
	for (i = 0; i < FAMILIES && ret == 0; i++)
		print_strokes(out, &runs[i], i, s[i], n[i]);
	for (i = 0; i < FAMILIES; i++)
		free(s[i]);
	return ret;
}

int
tcpk_acl_simplify(const struct tcpk_acl *acl,
    void (*rule)(void *, const char *), void *arg, struct tcpk_err *err)
{
	struct output	out = { rule, arg };
	struct runs	runs[FAMILIES] = { { .n = 0 }, { .n = 0 } };
	int		i, ret = 0;

	for (i = 0; i < FAMILIES && ret == 0; i++)
		ret = find_runs(&runs[i], &acl->tables[i], i);
	if (ret == 0)
		ret = print_fewest(acl, runs, &out);
	for (i = 0; i < FAMILIES; i++)
		free(runs[i].run);
	if (ret == -1)
		return tcpk_err_set(err, TCPK_EIO,
		    "access list: out of memory");
	return 0;
}
