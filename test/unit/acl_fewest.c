/*
 * --simplify prints the FEWEST rules: proved on a small universe.
 *
 * IPv4 is cut into four quarters, and IPv6 into four parts, between the first
 * two of which lies the mapped block that is no part of it.  A list is one of
 * 3^8 states (each part is allowed, denied or not matched yet) when its rules
 * are put down from the last to the first.  The shortest way from "nothing is
 * matched" to each of the 2^8 meanings is searched breadth first, and then
 * compared with what the library makes of a long list that means the same.
 */
#include <stdlib.h>
#include <string.h>

#include "acl_model.h"
#include "tap.h"
#include "tcpkit/acl.h"

#define PARTS	8
#define STATES	6561	/* 3^8 */

static const char *const	first[PARTS] = {
	"0.0.0.0", "64.0.0.0", "128.0.0.0", "192.0.0.0",
	"::", "::1:0:0:0", "0:0:0:1::", "8000::",
};
static const char *const	last[PARTS] = {
	"63.255.255.255", "127.255.255.255", "191.255.255.255",
	"255.255.255.255",
	"::fffe:ffff:ffff", "::ffff:ffff:ffff:ffff",
	"7fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
};

/* A rule, as the parts from a to b. */
struct rule {
	int	a, b, allow;
};

static struct rule	rules[64];
static int		nrules;

static void
all_rules(void)
{
	int	a, b, allow;

	for (allow = 0; allow < 2; allow++) {
		rules[nrules++] = (struct rule){ 0, PARTS - 1, allow };
		for (a = 0; a < PARTS; a++)
			for (b = a; b < (a < 4 ? 4 : PARTS); b++)
				rules[nrules++] =
				    (struct rule){ a, b, allow };
	}
}

static int
whole(const struct rule *r)
{
	return r->b - r->a == PARTS - 1 || (r->b - r->a == 3 &&
	    r->a % 4 == 0);
}

/* Put a rule before the others: it takes what none of them matches. */
static int
before(int state, const struct rule *r)
{
	int	i, digit, power = 1, out = 0;

	for (i = 0; i < PARTS; i++, power *= 3, state /= 3) {
		digit = state % 3;
		if (digit == 0 && i >= r->a && i <= r->b)
			digit = 1 + r->allow;
		out += digit * power;
	}
	return out;
}

/* The meaning of a list: a bit for each part. */
static int
meaning(int state, int default_allow)
{
	int	i, bits = 0;

	for (i = 0; i < PARTS; i++, state /= 3)
		if (state % 3 == 0 ? default_allow : state % 3 == 2)
			bits |= 1 << i;
	return bits;
}

static void
search(int fewest[1 << PARTS])
{
	static int	steps[STATES], queue[STATES];
	int		head = 0, tail = 0, i, s, next, m;

	for (i = 0; i < 1 << PARTS; i++)
		fewest[i] = 1000;
	for (i = 0; i < STATES; i++)
		steps[i] = -1;
	fewest[meaning(0, 1)] = 0;
	steps[0] = 0;
	queue[tail++] = 0;
	while (head < tail) {
		s = queue[head++];
		for (i = 0; i < nrules; i++) {
			next = before(s, &rules[i]);
			/* Were this the first rule, it sets the default. */
			m = meaning(next, !rules[i].allow &&
			    !whole(&rules[i]));
			if (steps[s] + 1 < fewest[m])
				fewest[m] = steps[s] + 1;
			if (steps[next] == -1) {
				steps[next] = steps[s] + 1;
				queue[tail++] = next;
			}
		}
	}
}

struct printed {
	int		n;
	struct model	model;
	char		text[4096];
};

static void
collect(void *arg, const char *text)
{
	struct printed	*p = arg;

	p->n++;
	model_add(&p->model, text);
	strcat(p->text, text);
	strcat(p->text, " ");
}

/* A list that means bits, longer than it need be: part by part, twice. */
static int
check(int bits, int want)
{
	struct printed	 p = { .n = 0 };
	struct tcpk_acl	*acl;
	struct tcpk_err	 err;
	char		 text[4096] = "-all", *at = text + 4;
	uint8_t		 a[16];
	uint32_t	 rule;
	int		 i, bad;

	for (i = 0; i < 2 * PARTS; i++)
		at += sprintf(at, ",%c%s-%s", bits >> (i % PARTS) & 1 ?
		    '+' : '-', first[i % PARTS], last[i % PARTS]);
	acl = tcpk_acl_parse("long", text, &err);
	if (acl == NULL || tcpk_acl_simplify(acl, collect, &p, &err) == -1) {
		note("%s", err.text);
		return 1;
	}
	bad = p.n != want;
	for (i = 0; i < 2 * PARTS; i++) {
		model_address(a, i % 2 == 0 ? first[i / 2] : last[i / 2]);
		bad += model_check(&p.model, a, &rule) != (bits >> i / 2 & 1);
	}
	if (bad > 0)
		note("%02x: %d rules, fewest %d: %s", (unsigned)bits, p.n,
		    want, p.text);
	model_free(&p.model);
	tcpk_acl_free(acl);
	return bad > 0;
}

/* What --simplify prints, in so many words. */
static void
prints(const char *list, const char *want)
{
	struct printed	 p = { .n = 0 };
	struct tcpk_err	 err;
	struct tcpk_acl	*acl = tcpk_acl_parse("list", list, &err);

	ok(acl != NULL && tcpk_acl_simplify(acl, collect, &p, &err) == 0 &&
	    strcmp(p.text, want) == 0, "%s becomes %s", list, want);
	if (strcmp(p.text, want) != 0)
		note("%s", p.text);
	model_free(&p.model);
	tcpk_acl_free(acl);
}

int
main(void)
{
	static int	fewest[1 << PARTS];
	int		i, bad = 0, most = 0;

	all_rules();
	search(fewest);
	for (i = 0; i < 1 << PARTS; i++) {
		bad += check(i, fewest[i]);
		if (fewest[i] > most)
			most = fewest[i];
	}
	ok(bad == 0, "256 meanings in up to %d rules each", most);

	prints("-0.0.0.0/0,+192.168/16", "+192.168.0.0/16 ");
	prints("-1.2.3.4", "-1.2.3.4 ");
	prints("+10/8,-10.1.2.0/24,-10.1.2.3", "+10.0.0.0/8 -10.1.2.0/24 ");
	prints("+10/8,-10.0.0.0/24", "+10.0.1.0-10.255.255.255 ");
	prints("+1.0.0.0/9,+1.128.0.0/9,+2/8", "+1.0.0.0-2.255.255.255 ");
	prints("+all", "");
	prints("+all,-all,-10/8", "-all ");
	prints("", "");
	prints("-all,+0/0,-1.1.1.1", "+0.0.0.0/0 -1.1.1.1 ");
	prints("+0/0,+::/0,-1.1.1.1,-1.1.1.1", "-1.1.1.1 ");
	prints("-::1,+::1,-::2", "-::2 ");
	/* A border of the mapped block is none, and cannot be written. */
	prints("+::-::fffe:ffff:ffff,+::1:0:0:0-::1:0:0:5",
	    "+::-::1:0:0:5 ");
	prints("-::-::fffe:ffff:ffff,+0/0,+0/0",
	    "-::-::fffe:ffff:ffff ");
	return done_testing();
}
