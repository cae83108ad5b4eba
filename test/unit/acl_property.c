/*
 * Properties of access lists, against the model in acl_model.h: random lists
 * of both families, asked about random addresses and about every border of
 * every rule.  SEED in the environment repeats or varies a run.
 */
#include "acl_impl.h"
#include "acl_model.h"
#include "tap.h"
#include "tcpkit/acl.h"

static uint64_t	state;

static uint32_t
rnd(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 32) % below;
}

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

/* Few values for each byte, so that rules meet, nest, cross and repeat. */
static void
random_address(uint8_t a[16], int narrow)
{
	static const uint8_t	bytes[] = { 0, 1, 2, 127, 128, 254, 255 };
	int			i;

	memset(a, 0, 16);
	if (rnd(2) == 0) {
		a[10] = a[11] = 0xff;
		for (i = 12; i < 16; i++)
			a[i] = narrow ? bytes[rnd(7)] : (uint8_t)rnd(256);
		return;
	}
	for (i = 0; i < 16; i++)
		if (!narrow)
			a[i] = (uint8_t)rnd(256);
		else if (i > 13 || rnd(4) == 0)
			a[i] = bytes[rnd(7)];
	/* Near the mapped block, too. */
	if (rnd(8) == 0) {
		memset(a, 0, 10);
		a[10] = 0xff;
		a[11] = 0xfe + (uint8_t)rnd(2);
	}
}

static void
format(char *buf, size_t size, const uint8_t a[16])
{
	if (model_is4(a))
		inet_ntop(AF_INET, a + 12, buf, (socklen_t)size);
	else
		inet_ntop(AF_INET6, a, buf, (socklen_t)size);
}

static void
random_rule(char *text, size_t size, int narrow)
{
	char	one[64], two[64], sign = "+-"[rnd(2)];
	uint8_t	a[16], b[16];
	int	max;

	random_address(a, narrow);
	format(one, sizeof(one), a);
	max = model_is4(a) ? 32 : 128;
	switch (rnd(8)) {
	case 0:
		snprintf(text, size, "%c%s", sign, one);
		return;
	case 1:
	case 2:
		do
			random_address(b, narrow);
		while (model_is4(a) != model_is4(b));
		format(two, sizeof(two), b);
		if (memcmp(a, b, 16) <= 0)
			snprintf(text, size, "%c%s-%s", sign, one, two);
		else
			snprintf(text, size, "%c%s-%s", sign, two, one);
		return;
	case 3:
		if (rnd(4) == 0) {
			snprintf(text, size, "%call", sign);
			return;
		}
		/* FALLTHROUGH */
	default:
		snprintf(text, size, "%c%s/%u", sign, one,
		    rnd(6) == 0 ? 0 : rnd(max + 1));
		return;
	}
}

/* IPv4 by the group, with every way there is; others are in between. */
static int
many_differ(const struct tcpk_acl *acl, uint32_t ip4, struct tcpk_verdict v)
{
	const struct table	*t = &acl->tables[FAMILY4];
	uint32_t		 ip[GROUP + 1], i[GROUP], plain[GROUP];
	bool			 allow[GROUP + 1];
	int			 k, bad = 0;

	for (k = 0; k <= GROUP; k++)
		ip[k] = k % 2 == 0 ? ip4 : ip4 + rnd(1u << k % 31);
	tcpk_acl_allow4_many(acl, ip, allow, GROUP + 1);
	tcpk__acl_find4(t, ip, i, GROUP);
	tcpk__acl_find4_plain(t, ip, plain, GROUP);
	for (k = 0; k < GROUP; k++)
		bad += i[k] != plain[k] || (k % 2 == 0 &&
		    (t->winner[i[k]] >> 1 != v.rule || allow[k] != v.allow));
	return bad + (allow[GROUP] != v.allow);
}

static int
differs(const struct tcpk_acl *acl, const struct model *m,
    const uint8_t a[16], bool with_rule)
{
	struct tcpk_verdict	v, many[1];
	struct tcpk_ip		ip = to_ip(a);
	uint32_t		rule;
	char			text[64];
	bool			allow;

	allow = model_check(m, a, &rule);
	v = tcpk_acl_check_ip(acl, ip);
	tcpk_acl_check_many(acl, &ip, many, 1);
	if (tcpk_ip_is4(ip) && many_differ(acl, (uint32_t)ip.lo, v) != 0)
		note("the next one by the group, too");
	else if (v.allow == allow && many[0].allow == allow &&
	    v.rule == many[0].rule && (!with_rule || v.rule == rule))
		return 0;
	format(text, sizeof(text), a);
	note("%s: model %d by rule %u, library %d by rule %u, many %d by "
	    "rule %u", text, allow, rule, v.allow, v.rule, many[0].allow,
	    many[0].rule);
	return 1;
}

/* The address one off, in either direction. */
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

/* Compare at every border of every rule of both models, and elsewhere. */
static int
compare(const struct tcpk_acl *acl, const struct model *m,
    const struct model *borders, bool with_rule)
{
	uint8_t	a[16];
	int	bad = 0, k, by;
	size_t	i;

	for (i = 0; i < borders->n; i++) {
		for (k = 0; k < 2; k++) {
			for (by = -1; by <= 1; by++) {
				memcpy(a, k == 0 ? borders->rule[i].first :
				    borders->rule[i].last, 16);
				if (by != 0)
					step(a, by);
				bad += differs(acl, m, a, with_rule);
			}
		}
	}
	for (i = 0; i < 40; i++) {
		random_address(a, i % 2);
		bad += differs(acl, m, a, with_rule);
	}
	return bad;
}

struct collected {
	struct model	model;
	char		text[65536];
	size_t		rules;
};

static void
collect(void *arg, const char *text)
{
	struct collected	*c = arg;

	if (!model_add(&c->model, text))
		note("the model cannot read %s", text);
	strcat(c->text, text);
	strcat(c->text, "\n");
	c->rules++;
}

/* Simplified: the same to the model and the library, and not longer. */
static int
check_simple(const struct tcpk_acl *acl, const struct model *m)
{
	static struct collected	c;
	struct tcpk_acl		*simple;
	struct tcpk_err		 err;
	int			 bad = 0;

	memset(&c, 0, sizeof(c));
	if (tcpk_acl_simplify(acl, collect, &c, &err) == -1)
		return 1;
	if (c.rules > tcpk_acl_rules(acl)) {
		note("%zu rules became %zu", m->n, c.rules);
		bad++;
	}
	simple = tcpk_acl_parse("simple", c.text, &err);
	if (simple == NULL) {
		note("%s", err.text);
		bad++;
	} else {
		bad += compare(simple, &c.model, m, true);
		bad += compare(simple, m, m, false);
		bad += compare(simple, m, &c.model, false);
		tcpk_acl_free(simple);
	}
	model_free(&c.model);
	return bad;
}

/* One list of n rules.  Returns the number of differences. */
static int
one_list(unsigned n, int narrow)
{
	static char		 list[1 << 20];
	struct model		 m = { NULL, 0 };
	struct tcpk_acl		*acl;
	struct tcpk_acl_rule	 shown;
	struct tcpk_err		 err;
	char			 text[200], *at = list;
	unsigned		 i;
	int			 bad;

	for (*list = '\0', i = 0; i < n; i++) {
		random_rule(text, sizeof(text), narrow);
		if (strstr(text, ":ffff:") != NULL && text[1] == ':') {
			i--;	/* IPv6 of the mapped block: not written so */
			continue;
		}
		if (!model_add(&m, text))
			note("the model cannot read %s", text);
		at += sprintf(at, "%s%c", text, ",; \t\n"[rnd(5)]);
	}
	acl = tcpk_acl_parse("random", list, &err);
	if (acl == NULL) {
		note("%s", err.text);
		model_free(&m);
		return 1;
	}
	bad = compare(acl, &m, &m, true) + check_simple(acl, &m);
	/* What only long lists have. */
	if (n > 5)
		bad += tcpk__acl_changes(&acl->tables[FAMILY4]) == -1 ||
		    compare(acl, &m, &m, true) != 0;
	/* What is shown of each rule is that rule. */
	for (i = 1; i <= n; i++) {
		struct model	one = { NULL, 0 };

		if (!tcpk_acl_rule(acl, i, &shown) ||
		    !model_add(&one, shown.text) ||
		    one.rule[0].allow != m.rule[i - 1].allow ||
		    (!one.rule[0].all &&
		    (memcmp(one.rule[0].first, m.rule[i - 1].first, 16) != 0 ||
		    memcmp(one.rule[0].last, m.rule[i - 1].last, 16) != 0))) {
			note("rule %u is shown as %s", i, shown.text);
			bad++;
		}
		model_free(&one);
	}
	if (bad > 0)
		note("in: %.2000s", list);
	tcpk_acl_free(acl);
	model_free(&m);
	return bad;
}

int
main(void)
{
	const char	*seed = getenv("SEED");
	int		 bad, i;

	state = seed != NULL ? strtoull(seed, NULL, 0) : 20240817;
	note("SEED=%llu", (unsigned long long)state);
	state = state * 2654435761u + 88172645463325252u;
	for (bad = 0, i = 0; i < 20000 && bad == 0; i++)
		bad += one_list(rnd(6), 1);
	ok(bad == 0, "20000 lists of up to 5 rules that meet");
	for (bad = 0, i = 0; i < 600 && bad == 0; i++)
		bad += one_list(rnd(60), 1);
	ok(bad == 0, "600 lists of up to 60 rules that meet");
	for (bad = 0, i = 0; i < 60 && bad == 0; i++)
		bad += one_list(rnd(400), 0);
	ok(bad == 0, "60 lists of up to 400 rules far apart");
	for (bad = 0, i = 0; i < 3 && bad == 0; i++)
		bad += one_list(1500, i % 2);
	ok(bad == 0, "3 lists of 1500 rules");
	return done_testing();
}
