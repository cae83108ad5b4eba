/*
 * Private to acl*.c: how a list is kept.
 *
 * Each family is a line of addresses, cut wherever some rule starts or ends
 * into intervals; each interval has one deciding rule.  While rules are
 * added only the cuts are collected (struct edge); compiling sorts them,
 * numbers the intervals, lets the rules paint them and builds the index.
 *
 * Invariants of a compiled table:
 *  1. The intervals 0 to n - 1 follow each other without gaps; interval i
 *     ends with address last[i], and the last one with the family's last.
 *  2. winner[i] is the rule that decides interval i, shifted left by one,
 *     with the verdict in bit 0; for IPv4 that is also bit i of allow.
 *  3. WINDOW entries of the family's last address follow last[n - 1], so
 *     that counting over a window never leaves the array.
 *  4. Every rule starts and ends where an interval does: rule.from and
 *     rule.to are intervals, the same ones in each family it is in.
 *  5. Node 0 is the root.  A slot holds an interval from which WINDOW
 *     comparisons reach the right one, or IS_NODE and another node.
 *  6. If there are changes (IPv4, long lists), these are the lower halves,
 *     in order, of the addresses whose verdict is not that of the address
 *     before; those with the upper half h are from change_of[h] on up to
 *     change_of[h + 1].  An address is allowed if the index of the first
 *     change behind it is odd.  PAD more may be read.
 */
#ifndef ACL_IMPL_H
#define ACL_IMPL_H

#include "tcpkit/acl.h"

#define WINDOW		8
#define LONG		65536	/* intervals, of a long list */
#define HALVES		65536	/* that an address of IPv4 can have on top */
#define PAD		16	/* a power of two */
#define IS_NODE		UINT32_C(0x80000000)
#define MAX_RULES	((UINT32_C(1) << 29) - 1)
#define MAX_LINE	((UINT32_C(1) << 28) - 1)
#define TO_THE_END	UINT32_MAX	/* rule.to: the family's last */

enum { FAMILY4, FAMILY6, FAMILIES };

struct rule {
	uint32_t	line : 28;
	uint32_t	host_bits : 1;
	uint32_t	allow : 1;
	uint32_t	in4 : 1, in6 : 1;
	uint32_t	from, to;	/* intervals, both inclusive */
};

/* A cut: an interval ends with this address. */
struct edge {
	struct tcpk_ip	last;
	uint32_t	rule;		/* index, from 0 */
	uint32_t	is_end;		/* the rule ends here; else it starts
					   right after */
};

struct edges {
	uint64_t	*e4;	/* one of the two, by family; see edge4() */
	struct edge	*e6;
	size_t		 n, size;
};

/* A stretch of a family in slots of 1 << shift addresses. */
struct node {
	struct tcpk_ip	base;
	uint32_t	slots;		/* where they start in table.slots */
	uint32_t	top;		/* the number of the last slot */
	unsigned	shift;
};

struct table {
	uint32_t	 n;		/* intervals */
	uint32_t	*last4;		/* one of the two, by family */
	struct tcpk_ip	*last6;
	uint32_t	*winner;
	uint8_t		*allow;		/* of IPv4 only */
	uint32_t	*change_of;	/* or NULL, like changes */
	uint16_t	*changes;
	struct node	*nodes;
	uint32_t	*slots;
	uint32_t	 nnodes, nslots, nodes_size, slots_size;
};

/* Rules from first on came from here. */
struct source {
	char		*name;
	uint32_t	 first;
};

struct tcpk_acl {
	struct rule	*rules;
	size_t		 nrules, rules_size;
	struct source	*sources;
	size_t		 nsources;
	struct edges	 edges[FAMILIES];	/* until compiled */
	struct table	 tables[FAMILIES];	/* from then on */
	bool		 compiled;
	bool		 default_allow;
	void		(*warn)(void *, const char *);
	void		*warn_arg;
};

/* The first and last address of a family. */
static inline struct tcpk_ip
family_first(int family)
{
	return family == FAMILY4 ? tcpk_ip_from4(0) : (struct tcpk_ip){ 0, 0 };
}

static inline struct tcpk_ip
family_last(int family)
{
	return family == FAMILY4 ? tcpk_ip_from4(UINT32_MAX) :
	    (struct tcpk_ip){ UINT64_MAX, UINT64_MAX };
}

/* An edge of IPv4 in a quarter of the memory, to be sorted as a number. */
static inline uint64_t
edge4(struct edge e)
{
	return e.last.lo << 32 | e.rule << 1 | e.is_end;
}

static inline struct edge
edge_at(const struct edges *edges, size_t i)
{
	uint64_t	e;

	if (edges->e6 != NULL)
		return edges->e6[i];
	e = edges->e4[i];
	return (struct edge){ tcpk_ip_from4((uint32_t)(e >> 32)),
	    (uint32_t)e >> 1, e & 1 };
}

/* The last address of an interval. */
static inline struct tcpk_ip
table_last(const struct table *t, uint32_t i)
{
	return t->last6 != NULL ? t->last6[i] : tcpk_ip_from4(t->last4[i]);
}

static inline struct tcpk_ip
ip_next(struct tcpk_ip a)
{
	a.lo++;
	a.hi += a.lo == 0;
	return a;
}

static inline struct tcpk_ip
ip_prev(struct tcpk_ip a)
{
	a.hi -= a.lo == 0;
	a.lo--;
	return a;
}

static inline struct tcpk_ip
ip_sub(struct tcpk_ip a, struct tcpk_ip b)
{
	return (struct tcpk_ip){ a.hi - b.hi - (a.lo < b.lo), a.lo - b.lo };
}

/* The low 64 bits of a >> n, n from 0 to 127. */
static inline uint64_t
ip_shift(struct tcpk_ip a, unsigned n)
{
	if (n >= 64)
		return a.hi >> (n - 64);
	return n == 0 ? a.lo : a.lo >> n | a.hi << (64 - n);
}

/* Which slot of a node an address falls in; those outside go to the ends. */
static inline uint32_t
node_slot(const struct node *node, struct tcpk_ip ip)
{
	struct tcpk_ip	d;
	uint64_t	slot;

	if (tcpk_ip_less(ip, node->base))
		return 0;
	d = ip_sub(ip, node->base);
	slot = ip_shift(d, node->shift);
	/* Bits that the shift lost on top count as well. */
	if (node->shift < 64 && d.hi >> node->shift != 0)
		return node->top;
	return slot < node->top ? (uint32_t)slot : node->top;
}

/* acl.c */
void	tcpk__acl_text(char buf[TCPK_ACL_TEXT], bool allow, int family,
	    struct tcpk_ip first, struct tcpk_ip last);
struct tcpk_ip tcpk__acl_first(const struct table *, int family, uint32_t i);
uint32_t tcpk__acl_prefix(struct tcpk_ip first, struct tcpk_ip last);
int	tcpk__acl_push(struct tcpk_acl *, const struct rule *,
	    struct tcpk_ip first, struct tcpk_ip last, struct tcpk_err *);
int	tcpk__acl_source(struct tcpk_acl *, const char *name,
	    struct tcpk_err *);

/* acl_parse.c: rules from bytes, in pieces of any size. */
#define MAX_TOKEN	96

struct acl_parser {
	struct tcpk_acl	*acl;
	const char	*source;
	bool		 comments;	/* '#' starts one; else an error */
	bool		 in_comment;
	uint32_t	 line, column;	/* of the next byte */
	uint32_t	 token_column;
	size_t		 len;
	char		 token[MAX_TOKEN + 1];
};

int	tcpk__acl_start(struct acl_parser *, struct tcpk_acl *,
	    const char *source, bool comments, struct tcpk_err *);
int	tcpk__acl_feed(struct acl_parser *, const char *, size_t,
	    struct tcpk_err *);
int	tcpk__acl_end(struct acl_parser *, struct tcpk_err *);

/* acl_rule.c: the rule in ps->token; an error at one of its bytes, -1. */
int	tcpk__acl_add_rule(struct acl_parser *, struct tcpk_err *);
int	tcpk__acl_refuse(const struct acl_parser *, const char *at,
	    const char *why, struct tcpk_err *);

/* acl_sort.c */
int	tcpk__acl_sort4(uint64_t *, size_t n);
void	tcpk__acl_sort6(struct edge *, size_t n);

/*
 * The intervals of n addresses of IPv4, at most GROUP, which both arrays have
 * room for: acl_find4.c or acl_find4_x86.c.  The same with the means of the
 * language alone: acl_lookup.c.
 */
#define GROUP	32

void	tcpk__acl_find4(const struct table *, const uint32_t *ip,
	    uint32_t *interval, size_t n);
void	tcpk__acl_find4_plain(const struct table *, const uint32_t *ip,
	    uint32_t *interval, size_t n);

/* And the verdicts alone, faster if changes were made; -1: out of memory. */
int	tcpk__acl_changes(struct table *);
void	tcpk__acl_allow4(const struct table *, const uint32_t *ip,
	    bool *allow);

static inline bool
allow4(const struct table *t, uint32_t i)
{
	return t->allow[i / 8] >> i % 8 & 1;
}

/* Where the way of an address through a node goes on. */

static inline const uint32_t *
slot4(const struct table *t, uint32_t n, uint32_t ip)
{
	const struct node	*node = &t->nodes[n];
	uint32_t		 base = (uint32_t)node->base.lo, slot;

	slot = (ip > base ? ip - base : 0) >> node->shift;
	return &t->slots[node->slots + (slot < node->top ? slot : node->top)];
}

/* The interval from which a window reaches the address. */
static inline uint32_t
follow4(const struct table *t, const uint32_t *slot, uint32_t ip)
{
	while ((*slot & IS_NODE) != 0)
		slot = slot4(t, *slot & ~IS_NODE, ip);
	return *slot;
}

/* acl_index.c */
int	tcpk__acl_index(struct table *);
unsigned tcpk__acl_depth(const struct table *);

#endif
