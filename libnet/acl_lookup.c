#include <string.h>

#include "acl_impl.h"

/*
 * From slot to slot until one names an interval, then a count over WINDOW
 * ends: the same few steps for every list, without a branch on what is
 * found.  A group of look-ups takes each step together, so that the processor
 * fetches for all of them at once; on long lists that is most of the time.
 */

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

static inline uint32_t
follow6(const struct table *t, const uint32_t *slot, struct tcpk_ip ip)
{
	while ((*slot & IS_NODE) != 0)
		slot = slot6(t, *slot & ~IS_NODE, ip);
	return *slot;
}

void
tcpk__acl_find4_plain(const struct table *t, const uint32_t *ip, uint32_t *i,
    size_t n)
{
	const uint32_t	*slot[GROUP];
	size_t		 k;

	for (k = 0; k < n; k++) {
		slot[k] = slot4(t, 0, ip[k]);
		__builtin_prefetch(slot[k]);
	}
	for (k = 0; k < n; k++) {
		i[k] = follow4(t, slot[k], ip[k]);
		__builtin_prefetch(&t->last4[i[k]]);
	}
	for (k = 0; k < n; k++)
		i[k] = count4(t, i[k], ip[k]);
}

/* n addresses of IPv4; at[] says which of the group they are. */
static void
check_group4(const struct table *t, uint32_t *ip, const uint32_t *at,
    struct tcpk_verdict *out, size_t n)
{
	uint32_t	i[GROUP];
	size_t		k;

	for (k = n; k < GROUP; k++)
		ip[k] = 0;
	tcpk__acl_find4(t, ip, i, n);
	for (k = 0; k < n; k++)
		__builtin_prefetch(&t->winner[i[k]]);
	for (k = 0; k < n; k++)
		out[at[k]] = verdict(t, i[k]);
}

static void
check_group6(const struct table *t, const struct tcpk_ip *ip,
    const uint32_t *at, struct tcpk_verdict *out, size_t n)
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
		__builtin_prefetch(&t->winner[i[k]]);
	}
	for (k = 0; k < n; k++)
		out[at[k]] = verdict(t, count6(t, i[k], ip[at[k]]));
}

/* Each family by itself, without a branch on which one comes. */
static void
check_group(const struct tcpk_acl *acl, const struct tcpk_ip *ip,
    struct tcpk_verdict *out, size_t n)
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
	size_t	i;

	if (!acl->compiled) {
		memset(verdicts, 0, n * sizeof(*verdicts));
		return;
	}
	for (i = 0; i < n; i += GROUP)
		check_group(acl, ip + i, verdicts + i,
		    n - i < GROUP ? n - i : GROUP);
}

/* Fewer than a group. */
static void
allow_few4(const struct table *t, const uint32_t *ip, bool *allow, size_t n)
{
	uint32_t	ip4[GROUP] = { 0 };
	bool		out[GROUP];

	memcpy(ip4, ip, n * sizeof(*ip));
	tcpk__acl_allow4(t, ip4, out);
	memcpy(allow, out, n * sizeof(*allow));
}

void
tcpk_acl_allow4_many(const struct tcpk_acl *acl, const uint32_t *ip,
    bool *allow, size_t n)
{
	const struct table	*t = &acl->tables[FAMILY4];

	if (!acl->compiled) {
		memset(allow, 0, n * sizeof(*allow));
		return;
	}
	for (; n >= GROUP; ip += GROUP, allow += GROUP, n -= GROUP)
		tcpk__acl_allow4(t, ip, allow);
	if (n > 0)
		allow_few4(t, ip, allow, n);
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
