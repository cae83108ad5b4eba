/*
 * fuzz_acl: any bytes as a list, from a text and in pieces from a file.
 *
 * What is taken must mean what the model says at every border of every rule,
 * its simplified form must mean the same and be no longer, and nothing that
 * is refused may be refused differently in pieces.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/acl_model.h"
#include "acl_impl.h"

#define MAX_RULES_TRIED	200

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct tcpk_ip
to_ip(const uint8_t a[16])
{
	struct tcpk_ip	ip = { 0, 0 };
	int		i;

	for (i = 0; i < 8; i++) {
		ip.hi = ip.hi << 8 | a[i];
		ip.lo = ip.lo << 8 | a[8 + i];
	}
	return ip;
}

static void
step(uint8_t a[16], int by)
{
	int	i;

	for (i = 15; i >= 0; i--) {
		a[i] = (uint8_t)(a[i] + by);
		if (a[i] != (by > 0 ? 0 : 0xff))
			return;
	}
}

static void
compare(const struct tcpk_acl *acl, const struct model *m,
    const struct model *borders, bool with_rule)
{
	struct tcpk_verdict	v;
	uint32_t		rule;
	uint8_t			a[16];
	size_t			i;
	int			k;
	bool			allow, allow4;

	for (i = 0; i < borders->n; i++) {
		for (k = 0; k < 6; k++) {
			memcpy(a, k < 3 ? borders->rule[i].first :
			    borders->rule[i].last, 16);
			if (k % 3 != 0)
				step(a, k % 3 == 1 ? 1 : -1);
			allow = model_check(m, a, &rule);
			v = tcpk_acl_check_ip(acl, to_ip(a));
			if (v.allow != allow || (with_rule && v.rule != rule))
				abort();
			if (!model_is4(a))
				continue;
			tcpk_acl_allow4_many(acl, &(uint32_t){
			    (uint32_t)to_ip(a).lo }, &allow4, 1);
			if (allow4 != allow)
				abort();
		}
	}
}

struct simple {
	struct model	 model;
	char		*text, *at;
	uint32_t	 n;
};

static void
collect(void *arg, const char *text)
{
	struct simple	*s = arg;

	if (!model_add(&s->model, text))
		abort();
	s->at += sprintf(s->at, "%s\n", text);
	s->n++;
}

static void
check_simple(const struct tcpk_acl *acl, const struct model *m)
{
	struct simple	 s = { .n = 0 };
	struct tcpk_acl	*simple;

	s.text = s.at = malloc((tcpk_acl_rules(acl) + 1) *
	    (size_t)TCPK_ACL_TEXT);
	if (s.text == NULL)
		abort();
	*s.text = '\0';
	if (tcpk_acl_simplify(acl, collect, &s, NULL) == -1 ||
	    s.n > tcpk_acl_rules(acl))
		abort();
	simple = tcpk_acl_parse("simple", s.text, NULL);
	if (simple == NULL)
		abort();
	compare(simple, m, m, false);
	compare(simple, m, &s.model, false);
	tcpk_acl_free(simple);
	model_free(&s.model);
	free(s.text);
}

static void
ignore(void *arg, const struct tcpk_acl_finding *f)
{
	(void)arg;
	if (f->why[0] == '\0')
		abort();
}

static void
check_meaning(struct tcpk_acl *acl)
{
	struct tcpk_acl_rule	r;
	struct model		m = { NULL, 0 };
	uint32_t		n;

	if (tcpk_acl_compile(acl, NULL) == -1)
		abort();
	if (tcpk_acl_rules(acl) > MAX_RULES_TRIED)
		return;
	for (n = 1; tcpk_acl_rule(acl, n, &r); n++)
		if (!model_add(&m, r.text))
			abort();
	compare(acl, &m, &m, true);
	check_simple(acl, &m);
	if (tcpk_acl_lint(acl, ignore, NULL, NULL) == -1)
		abort();
	model_free(&m);
}

/* In pieces, with comments.  Returns 0 or -1. */
static int
in_pieces(struct tcpk_acl *acl, const char *p, size_t len, size_t piece,
    struct tcpk_err *err)
{
	struct acl_parser	ps;
	size_t			n;

	if (tcpk__acl_start(&ps, acl, "f", true, err) == -1)
		return -1;
	for (; len > 0; p += n, len -= n) {
		n = len < piece ? len : piece;
		if (tcpk__acl_feed(&ps, p, n, err) == -1)
			return -1;
	}
	return tcpk__acl_end(&ps, err);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char	*text = (const char *)data;
	struct tcpk_err	 err = { 0 }, err2 = { 0 };
	struct tcpk_acl	*acl, *other;
	int		 ret;

	acl = tcpk_acl_new(NULL, NULL, NULL);
	other = tcpk_acl_new(NULL, NULL, NULL);
	if (acl == NULL || other == NULL)
		abort();
	ret = in_pieces(acl, text, size, size, &err);
	if (in_pieces(other, text, size, 3, &err2) != ret ||
	    strcmp(err.text, err2.text) != 0)
		abort();
	if (ret == 0)
		check_meaning(acl);
	tcpk_acl_free(acl);
	tcpk_acl_free(other);

	acl = tcpk_acl_new(NULL, NULL, NULL);
	if (acl == NULL)
		abort();
	if (tcpk_acl_add_text(acl, "t", text, size, &err) == 0)
		check_meaning(acl);
	else if (memchr(err.text, '\n', strlen(err.text)) != NULL)
		abort();
	tcpk_acl_free(acl);
	return 0;
}
