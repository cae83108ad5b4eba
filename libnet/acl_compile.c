#include <stdlib.h>
#include <string.h>

#include "acl_impl.h"

/* The edges, sorted, tell the rules the numbers of their intervals. */
static uint32_t
number_intervals(struct tcpk_acl *acl, const struct edges *edges)
{
	struct edge	e;
	struct tcpk_ip	before = { 0, 0 };
	uint32_t	n = 0;
	size_t		i;

	for (i = 0; i < edges->n; i++) {
		e = edge_at(edges, i);
		if (i > 0 && !tcpk_ip_equal(e.last, before))
			n++;
		before = e.last;
		if (e.is_end)
			acl->rules[e.rule].to = n;
		else
			acl->rules[e.rule].from = n + 1;
	}
	return edges->n == 0 ? 1 : n + 2;
}

static int
keep_ends4(struct table *t, const struct edges *edges)
{
	uint32_t	*last, v;
	size_t		 i;
	uint32_t	 n = 0;

	last = malloc((t->n + WINDOW) * sizeof(*last));
	if (last == NULL)
		return -1;
	for (i = 0; i < edges->n; i++) {
		v = (uint32_t)(edges->e4[i] >> 32);
		if (n == 0 || last[n - 1] != v)
			last[n++] = v;
	}
	while (n < t->n + WINDOW)
		last[n++] = UINT32_MAX;
	t->last4 = last;
	return 0;
}

/*
 * The ends take the place of the edges, in the same memory: they are by far
 * the largest part of a list of IPv6, and there need never be two of it.
 * Edge i is read before end n <= i is written, and is the larger of the two.
 */
static int
keep_ends6(struct table *t, struct edges *edges)
{
	struct tcpk_ip	*last, ip, before = { 0, 0 };
	char		*memory = (char *)edges->e6;
	uint32_t	 n = 0;
	size_t		 i;

	for (i = 0; i < edges->n; i++) {
		ip = edges->e6[i].last;
		if (n > 0 && tcpk_ip_equal(ip, before))
			continue;
		memcpy(memory + n++ * sizeof(ip), &ip, sizeof(ip));
		before = ip;
	}
	last = realloc(memory, (t->n + WINDOW) * sizeof(*last));
	if (last == NULL)
		return -1;
	edges->e6 = NULL;
	while (n < t->n + WINDOW)
		last[n++] = family_last(FAMILY6);
	t->last6 = last;
	return 0;
}

/* The first interval from i on that has no paint yet. */
static uint32_t
bare(uint32_t *next, uint32_t i)
{
	while (next[i] != i) {
		next[i] = next[next[i]];
		i = next[i];
	}
	return i;
}

/*
 * From the last rule to the first, each takes those of its intervals that no
 * later one took.  next[] skips what is taken, so that each is met once.
 */
static int
paint(const struct tcpk_acl *acl, struct table *t, int family)
{
	const struct rule	*r;
	uint32_t		*next, i, to;
	size_t			 n;

	t->winner = malloc(t->n * sizeof(*t->winner));
	next = malloc((t->n + 1) * sizeof(*next));
	if (t->winner == NULL || next == NULL) {
		free(next);
		return -1;
	}
	for (i = 0; i <= t->n; i++)
		next[i] = i;
	for (i = 0; i < t->n; i++)
		t->winner[i] = acl->default_allow;
	for (n = acl->nrules; n > 0; n--) {
		r = &acl->rules[n - 1];
		if (family == FAMILY4 ? !r->in4 : !r->in6)
			continue;
		to = r->to < t->n ? r->to : t->n - 1;
		for (i = bare(next, r->from); i <= to;
		    i = bare(next, i + 1)) {
			t->winner[i] = (uint32_t)n << 1 | r->allow;
			next[i] = i + 1;
		}
	}
	free(next);
	return 0;
}

/* The verdicts alone, in a fraction of the memory. */
static int
keep_verdicts(struct table *t)
{
	uint32_t	i;

	t->allow = calloc(t->n / 8 + 1, 1);
	if (t->allow == NULL)
		return -1;
	for (i = 0; i < t->n; i++)
		t->allow[i / 8] |= (t->winner[i] & 1) << i % 8;
	return 0;
}

/* Cut a family into intervals. */
static int
cut(struct tcpk_acl *acl, int family)
{
	struct edges	*edges = &acl->edges[family];
	struct table	*t = &acl->tables[family];
	int		 ret;

	if (family == FAMILY6)
		tcpk__acl_sort6(edges->e6, edges->n);
	else if (tcpk__acl_sort4(edges->e4, edges->n) == -1)
		return -1;
	t->n = number_intervals(acl, edges);
	if (family == FAMILY4)
		ret = keep_ends4(t, edges);
	else
		ret = keep_ends6(t, edges);
	free(edges->e4);
	free(edges->e6);
	memset(edges, 0, sizeof(*edges));
	return ret;
}

/* What no rule matches: see acl.h. */
static bool
default_verdict(const struct tcpk_acl *acl)
{
	const struct rule	*first = acl->rules;

	if (acl->nrules == 0)
		return true;
	return !first->allow &&
	    (first->from != 0 || first->to != TO_THE_END);
}

int
tcpk_acl_compile(struct tcpk_acl *acl, struct tcpk_err *err)
{
	struct table	*t;
	struct rule	*fit;
	int		 i;

	if (acl->compiled)
		return 0;
	for (i = 0; i < FAMILIES; i++)
		if (cut(acl, i) == -1)
			goto fail;
	acl->default_allow = default_verdict(acl);
	for (i = 0; i < FAMILIES; i++)
		if (paint(acl, &acl->tables[i], i) == -1 ||
		    tcpk__acl_index(&acl->tables[i]) == -1)
			goto fail;
	t = &acl->tables[FAMILY4];
	if (keep_verdicts(t) == -1 ||
	    (t->n >= LONG && tcpk__acl_changes(t) == -1))
		goto fail;
	fit = realloc(acl->rules, (acl->nrules + 1) * sizeof(*fit));
	if (fit != NULL) {
		acl->rules = fit;
		acl->rules_size = acl->nrules + 1;
	}
	acl->compiled = true;
	return 0;
fail:
	return tcpk_err_set(err, TCPK_EIO, "access list: out of memory");
}
