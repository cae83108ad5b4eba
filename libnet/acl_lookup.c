#include <string.h>

#include "acl_impl.h"

/*
 * From slot to slot until one names an interval, then a count over WINDOW
 * ends: the same few steps for every list, without a branch on what is
 * found.  A group of look-ups takes each step together, so that the processor
 * fetches for all of them at once; on long lists that is most of the time.
 */

#define GROUP	32

static inline const uint32_t *
slot4(const struct table *t, uint32_t n, uint32_t ip)
{
	const struct node	*node = &t->nodes[n];
	uint32_t		 base = (uint32_t)node->base.lo, slot;

	slot = (ip > base ? ip - base : 0) >> node->shift;
	return &t->slots[node->slots + (slot < node->top ? slot : node->top)];
}

static inline const uint32_t *
slot6(const struct table *t, uint32_t n, struct tcpk_ip ip)
{
	const struct node	*node = &t->nodes[n];

	return &t->slots[node->slots + node_slot(node, ip)];
}

static inline uint32_t
count4(const struct table *t, uint32_t i, uint32_t ip)
{
	const uint32_t	*last = t->last4 + i;
	uint32_t	 n = 0;
	int		 k;

	for (k = 0; k < WINDOW; k++)
		n += last[k] < ip;
	return i + n;
}

static inline uint32_t
count6(const struct table *t, uint32_t i, struct tcpk_ip ip)
{
	const struct tcpk_ip	*last = t->last6 + i;
	uint32_t		 n = 0;
	int			 k;

	for (k = 0; k < WINDOW; k++)
		n += tcpk_ip_less(last[k], ip);
	return i + n;
}

static inline struct tcpk_verdict
verdict(const struct table *t, uint32_t i)
{
	return (struct tcpk_verdict){ t->winner[i] & 1, t->winner[i] >> 1 };
}

/* The interval from which a window reaches the address. */
static inline uint32_t
follow4(const struct table *t, const uint32_t *slot, uint32_t ip)
{
	while ((*slot & IS_NODE) != 0)
		slot = slot4(t, *slot & ~IS_NODE, ip);
	return *slot;
}

static inline uint32_t
follow6(const struct table *t, const uint32_t *slot, struct tcpk_ip ip)
{
	while ((*slot & IS_NODE) != 0)
		slot = slot6(t, *slot & ~IS_NODE, ip);
	return *slot;
}

/* Where answers go: one of the two. */
struct answers {
	struct tcpk_verdict	*verdict;
	bool			*allow;
};

static inline void
fetch_answer(const struct table *t, uint32_t i, const struct answers *out)
{
	if (out->verdict != NULL)
		__builtin_prefetch(&t->winner[i]);
	else
		__builtin_prefetch(&t->allow[i / 8]);
}

static inline void
answer(const struct table *t, uint32_t i, const struct answers *out,
    uint32_t at)
{
	if (out->verdict != NULL)
		out->verdict[at] = verdict(t, i);
	else
		out->allow[at] = t->allow[i / 8] >> i % 8 & 1;
}

/* n addresses of IPv4; at[] says which of the group they are. */
static void
check_group4(const struct table *t, const uint32_t *ip, const uint32_t *at,
    const struct answers *out, size_t n)
{
	const struct node	root = t->nodes[0];
	const uint32_t		*slots = t->slots + root.slots;
	uint32_t		base = (uint32_t)root.base.lo, slot, i[GROUP];
	size_t			k;

	for (k = 0; k < n; k++) {
		slot = (ip[k] > base ? ip[k] - base : 0) >> root.shift;
		i[k] = slot < root.top ? slot : root.top;
		__builtin_prefetch(&slots[i[k]]);
	}
	for (k = 0; k < n; k++) {
		i[k] = follow4(t, &slots[i[k]], ip[k]);
		__builtin_prefetch(&t->last4[i[k]]);
		fetch_answer(t, i[k], out);
	}
	for (k = 0; k < n; k++)
		answer(t, count4(t, i[k], ip[k]), out, at[k]);
}

static void
check_group6(const struct table *t, const struct tcpk_ip *ip,
    const uint32_t *at, const struct answers *out, size_t n)
{
	const uint32_t	*slot[GROUP];
	uint32_t	 i[GROUP];
	size_t		 k;

	for (k = 0; k < n; k++) {
		slot[k] = slot6(t, 0, ip[at[k]]);
		__builtin_prefetch(slot[k]);
	}
	for (k = 0; k < n; k++) {
		i[k] = follow6(t, slot[k], ip[at[k]]);
		__builtin_prefetch(&t->last6[i[k]]);
		__builtin_prefetch(&t->last6[i[k] + WINDOW / 2]);
		fetch_answer(t, i[k], out);
	}
	for (k = 0; k < n; k++)
		answer(t, count6(t, i[k], ip[at[k]]), out, at[k]);
}

/* Each family by itself, without a branch on which one comes. */
static void
check_group(const struct tcpk_acl *acl, const struct tcpk_ip *ip,
    const struct answers *out, size_t n)
{
	uint32_t	ip4[GROUP], at4[GROUP], at6[GROUP];
	size_t		k, n4 = 0, n6 = 0;
	bool		is4;

	for (k = 0; k < n; k++) {
		is4 = tcpk_ip_is4(ip[k]);
		ip4[n4] = (uint32_t)ip[k].lo;
		at4[n4] = at6[n6] = (uint32_t)k;
		n4 += is4;
		n6 += !is4;
	}
	check_group4(&acl->tables[FAMILY4], ip4, at4, out, n4);
	check_group6(&acl->tables[FAMILY6], ip, at6, out, n6);
}

void
tcpk_acl_check_many(const struct tcpk_acl *acl, const struct tcpk_ip *ip,
    struct tcpk_verdict *verdicts, size_t n)
{
	struct answers	out = { NULL, NULL };
	size_t		i;

	if (!acl->compiled) {
		memset(verdicts, 0, n * sizeof(*verdicts));
		return;
	}
	for (i = 0; i < n; i += GROUP) {
		out.verdict = verdicts + i;
		check_group(acl, ip + i, &out, n - i < GROUP ? n - i : GROUP);
	}
}

void
tcpk_acl_allow_many(const struct tcpk_acl *acl, const struct tcpk_ip *ip,
    bool *allow, size_t n)
{
	struct answers	out = { NULL, NULL };
	size_t		i;

	if (!acl->compiled) {
		memset(allow, 0, n * sizeof(*allow));
		return;
	}
	for (i = 0; i < n; i += GROUP) {
		out.allow = allow + i;
		check_group(acl, ip + i, &out, n - i < GROUP ? n - i : GROUP);
	}
}

struct tcpk_verdict
tcpk_acl_check_ip(const struct tcpk_acl *acl, struct tcpk_ip ip)
{
	const struct table	*t;

	if (!acl->compiled)
		return (struct tcpk_verdict){ false, 0 };
	if (tcpk_ip_is4(ip)) {
		t = &acl->tables[FAMILY4];
		return verdict(t, count4(t, follow4(t, slot4(t, 0,
		    (uint32_t)ip.lo), (uint32_t)ip.lo), (uint32_t)ip.lo));
	}
	t = &acl->tables[FAMILY6];
	return verdict(t, count6(t, follow6(t, slot6(t, 0, ip), ip), ip));
}

struct tcpk_verdict
tcpk_acl_check(const struct tcpk_acl *acl, const struct tcpk_addr *a)
{
	struct tcpk_ip	ip;

	if (!tcpk_ip_from(&ip, a))
		return (struct tcpk_verdict){ acl->compiled &&
		    acl->nrules == 0, 0 };
	return tcpk_acl_check_ip(acl, ip);
}
