#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acl_impl.h"

static int
no_memory(struct tcpk_err *err)
{
	return tcpk_err_set(err, TCPK_EIO, "access list: out of memory");
}

struct tcpk_acl *
tcpk_acl_new(void (*warn)(void *, const char *), void *arg,
    struct tcpk_err *err)
{
	struct tcpk_acl	*acl;

	acl = calloc(1, sizeof(*acl));
	if (acl == NULL) {
		no_memory(err);
		return NULL;
	}
	acl->warn = warn;
	acl->warn_arg = arg;
	return acl;
}

static void
table_free(struct table *t)
{
	free(t->last4);
	free(t->last6);
	free(t->winner);
	free(t->allow);
	free(t->change_of);
	free(t->changes);
	free(t->nodes);
	free(t->slots);
}

void
tcpk_acl_free(struct tcpk_acl *acl)
{
	size_t	i;

	if (acl == NULL)
		return;
	for (i = 0; i < acl->nsources; i++)
		free(acl->sources[i].name);
	for (i = 0; i < FAMILIES; i++) {
		free(acl->edges[i].e4);
		free(acl->edges[i].e6);
		table_free(&acl->tables[i]);
	}
	free(acl->sources);
	free(acl->rules);
	free(acl);
}

/* Room for more in an array that doubles.  NULL: out of memory. */
static void *
grow(void *array, size_t n, size_t more, size_t *size, size_t each)
{
	size_t	want;

	if (array != NULL && n + more <= *size)
		return array;
	want = *size < 8 ? 16 : *size * 2;
	if (want > SIZE_MAX / 2 / each)
		return NULL;
	array = realloc(array, want * each);
	if (array != NULL)
		*size = want;
	return array;
}

int
tcpk__acl_source(struct tcpk_acl *acl, const char *name,
    struct tcpk_err *err)
{
	struct source	*s;
	char		*copy;

	s = realloc(acl->sources, (acl->nsources + 1) * sizeof(*s));
	if (s == NULL)
		return no_memory(err);
	acl->sources = s;
	copy = strdup(name);
	if (copy == NULL)
		return no_memory(err);
	s[acl->nsources].name = copy;
	s[acl->nsources].first = (uint32_t)acl->nrules;
	acl->nsources++;
	return 0;
}

/* Room for two more. */
static int
grow_edges(struct edges *edges, int family)
{
	void	*e;

	if (family == FAMILY4) {
		e = grow(edges->e4, edges->n, 2, &edges->size,
		    sizeof(*edges->e4));
		edges->e4 = e != NULL ? e : edges->e4;
	} else {
		e = grow(edges->e6, edges->n, 2, &edges->size,
		    sizeof(*edges->e6));
		edges->e6 = e != NULL ? e : edges->e6;
	}
	return e != NULL ? 0 : -1;
}

static void
add_edge(struct edges *edges, int family, struct edge e)
{
	if (family == FAMILY4)
		edges->e4[edges->n++] = edge4(e);
	else
		edges->e6[edges->n++] = e;
}

/*
 * Where a rule starts and ends becomes two edges, unless that is where its
 * family does: rule.from and rule.to have these values from the beginning.
 */
int
tcpk__acl_push(struct tcpk_acl *acl, const struct rule *rule,
    struct tcpk_ip first, struct tcpk_ip last, struct tcpk_err *err)
{
	struct edges	*edges;
	struct rule	*r;
	uint32_t	 n = (uint32_t)acl->nrules;
	int		 family = rule->in4 ? FAMILY4 : FAMILY6;

	edges = &acl->edges[family];
	if (acl->nrules == MAX_RULES)
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "access list: more than %u rules", MAX_RULES);
	r = grow(acl->rules, acl->nrules, 1, &acl->rules_size, sizeof(*r));
	if (r == NULL)
		return no_memory(err);
	acl->rules = r;
	if (grow_edges(edges, family) == -1)
		return no_memory(err);
	if (!tcpk_ip_equal(first, family_first(family)))
		add_edge(edges, family, (struct edge){ ip_prev(first), n,
		    0 });
	if (!tcpk_ip_equal(last, family_last(family)))
		add_edge(edges, family, (struct edge){ last, n, 1 });
	r[n] = *rule;
	r[n].from = 0;
	r[n].to = TO_THE_END;
	acl->nrules++;
	return 0;
}

struct tcpk_acl *
tcpk_acl_parse(const char *source, const char *text, struct tcpk_err *err)
{
	struct tcpk_acl	*acl;

	acl = tcpk_acl_new(NULL, NULL, err);
	if (acl == NULL)
		return NULL;
	if (tcpk_acl_add_text(acl, source, text, strlen(text), err) == -1 ||
	    tcpk_acl_compile(acl, err) == -1) {
		tcpk_acl_free(acl);
		return NULL;
	}
	return acl;
}

struct tcpk_acl *
tcpk_acl_load(const char *path, struct tcpk_err *err)
{
	struct tcpk_acl	*acl;

	acl = tcpk_acl_new(NULL, NULL, err);
	if (acl == NULL)
		return NULL;
	if (tcpk_acl_add_file(acl, path, err) == -1 ||
	    tcpk_acl_compile(acl, err) == -1) {
		tcpk_acl_free(acl);
		return NULL;
	}
	return acl;
}

uint32_t
tcpk_acl_rules(const struct tcpk_acl *acl)
{
	return (uint32_t)acl->nrules;
}

struct tcpk_ip
tcpk__acl_first(const struct table *t, int family, uint32_t i)
{
	return i == 0 ? family_first(family) : ip_next(table_last(t, i - 1));
}

/* How many bits are free if this is a network; UINT32_MAX if it is none. */
uint32_t
tcpk__acl_prefix(struct tcpk_ip first, struct tcpk_ip last)
{
	struct tcpk_ip	d = { first.hi ^ last.hi, first.lo ^ last.lo };
	struct tcpk_ip	up = ip_next(d);

	if ((d.hi & up.hi) != 0 || (d.lo & up.lo) != 0 ||
	    (first.hi & d.hi) != 0 || (first.lo & d.lo) != 0)
		return UINT32_MAX;
	if (d.hi != 0)
		return 128 - __builtin_clzll(d.hi);
	return d.lo == 0 ? 0 : 64 - __builtin_clzll(d.lo);
}

void
tcpk__acl_text(char buf[TCPK_ACL_TEXT], bool allow, int family,
    struct tcpk_ip first, struct tcpk_ip last)
{
	char		 a[TCPK_IP_TEXT], b[TCPK_IP_TEXT];
	char		 sign = allow ? '+' : '-';
	uint32_t	 bits = tcpk__acl_prefix(first, last);

	tcpk_ip_format(first, a);
	if (bits == 0)
		snprintf(buf, TCPK_ACL_TEXT, "%c%s", sign, a);
	else if (bits != UINT32_MAX)
		snprintf(buf, TCPK_ACL_TEXT, "%c%s/%u", sign, a,
		    (family == FAMILY4 ? 32 : 128) - bits);
	else
		snprintf(buf, TCPK_ACL_TEXT, "%c%s-%s", sign, a,
		    tcpk_ip_format(last, b));
}

bool
tcpk_acl_rule(const struct tcpk_acl *acl, uint32_t n,
    struct tcpk_acl_rule *out)
{
	const struct table	*t;
	const struct rule	*r;
	size_t			 i;
	int			 family;

	memset(out, 0, sizeof(*out));
	out->number = n;
	if (n == 0) {
		out->allow = acl->default_allow;
		strcpy(out->text, "default");
		return true;
	}
	if (n > acl->nrules || !acl->compiled)
		return false;
	r = &acl->rules[n - 1];
	out->allow = r->allow;
	out->host_bits = r->host_bits;
	out->line = r->line;
	for (i = acl->nsources - 1; acl->sources[i].first > n - 1; i--)
		continue;
	out->source = acl->sources[i].name;
	if (r->in4 && r->in6) {
		strcpy(out->text, r->allow ? "+all" : "-all");
		return true;
	}
	family = r->in4 ? FAMILY4 : FAMILY6;
	t = &acl->tables[family];
	tcpk__acl_text(out->text, r->allow, family,
	    tcpk__acl_first(t, family, r->from),
	    table_last(t, r->to < t->n ? r->to : t->n - 1));
	return true;
}

const char *
tcpk_acl_describe(const struct tcpk_acl *acl, struct tcpk_verdict v,
    char *buf, size_t size)
{
	struct tcpk_acl_rule	r;

	if (!tcpk_acl_rule(acl, v.rule, &r))
		snprintf(buf, size, "rule %u", (unsigned)v.rule);
	else if (r.source == NULL)
		snprintf(buf, size, "%s", r.text);
	else
		snprintf(buf, size, "%s (%s:%u)", r.text, r.source,
		    (unsigned)r.line);
	return buf;
}

size_t
tcpk_acl_size(const struct tcpk_acl *acl)
{
	const struct table	*t;
	size_t			 i, all;

	all = sizeof(*acl) + acl->rules_size * sizeof(struct rule) +
	    acl->nsources * sizeof(struct source);
	for (i = 0; i < acl->nsources; i++)
		all += strlen(acl->sources[i].name) + 1;
	for (i = 0; i < FAMILIES; i++) {
		t = &acl->tables[i];
		all += acl->edges[i].size * (i == FAMILY4 ?
		    sizeof(uint64_t) : sizeof(struct edge));
		all += (t->n + WINDOW) * (t->last4 != NULL ? sizeof(uint32_t) :
		    t->last6 != NULL ? sizeof(struct tcpk_ip) : 0);
		all += t->n * sizeof(uint32_t);
		all += t->allow != NULL ? t->n / 8 + 1 : 0;
		if (t->changes != NULL)
			all += (HALVES + 1) * sizeof(*t->change_of) +
			    (t->n + PAD) * sizeof(*t->changes);
		all += t->nodes_size * sizeof(struct node);
		all += t->slots_size * sizeof(uint32_t);
	}
	return all;
}
