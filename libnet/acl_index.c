#include <stdlib.h>

#include "acl_impl.h"

/*
 * The index: from an address to an interval at most WINDOW - 1 before the
 * right one.  A node spreads its stretch of the family over about as many
 * slots as intervals end there; a slot in which too many end gets a node of
 * its own, which costs a look-up more than the memory of half as many.  Each
 * level takes at least MIN_BITS off what is left of the address, so the depth
 * is bounded by the length of an address and not by the number of rules; it
 * is 1 or 2 for lists from practice.
 */

#define MIN_BITS	4

static unsigned
bit_length(struct tcpk_ip a)
{
	if (a.hi != 0)
		return 128 - __builtin_clzll(a.hi);
	return a.lo != 0 ? 64 - __builtin_clzll(a.lo) : 0;
}

/* An array of 4-byte slots or of nodes with room for n. */
static void *
reserve(void *array, uint32_t n, uint32_t *size, size_t each)
{
	size_t	want = *size;

	if (array != NULL && n <= want)
		return array;
	/* By a quarter: these arrays stay as large as they grow. */
	want = want == 0 ? n : want + want / 4;
	if (want < n)
		want = n;
	if (want >= IS_NODE)
		return NULL;
	array = realloc(array, want * each);
	if (array != NULL)
		*size = (uint32_t)want;
	return array;
}

/*
 * Make a node for the intervals a to b, of which all but b end in it.
 * Returns its number, or -1.
 */
static int64_t
make_node(struct table *t, uint32_t a, uint32_t b)
{
	struct tcpk_ip	 span = { 0, 0 }, base = table_last(t, a);
	struct node	*nodes;
	uint32_t	*slots;
	unsigned	 bits, length;

	if (b > a)
		span = ip_sub(table_last(t, b - 1), base);
	for (bits = MIN_BITS; UINT32_C(2) << bits <= b - a; bits++)
		continue;
	length = bit_length(span);
	nodes = reserve(t->nodes, t->nnodes + 1, &t->nodes_size,
	    sizeof(*nodes));
	if (nodes == NULL)
		return -1;
	t->nodes = nodes;
	nodes += t->nnodes;
	nodes->base = base;
	nodes->shift = length > bits ? length - bits : 0;
	nodes->top = (uint32_t)ip_shift(span, nodes->shift);
	nodes->slots = t->nslots;
	if (t->nslots + (uint64_t)nodes->top + 1 >= IS_NODE)
		return -1;
	slots = reserve(t->slots, t->nslots + nodes->top + 1, &t->slots_size,
	    sizeof(*slots));
	if (slots == NULL)
		return -1;
	t->slots = slots;
	t->nslots += nodes->top + 1;
	return t->nnodes++;
}

/* Fill the slots of a node, with what is below.  Returns its number or -1. */
static int64_t
build(struct table *t, uint32_t a, uint32_t b)
{
	struct node	node;
	uint32_t	i, k, first;
	int64_t		n, child;

	n = make_node(t, a, b);
	if (n == -1)
		return -1;
	node = t->nodes[n];
	for (i = a, k = 0; k <= node.top; k++) {
		first = i;
		while (i < b && node_slot(&node, table_last(t, i)) == k)
			i++;
		if (i - first <= WINDOW) {
			t->slots[node.slots + k] = first;
			continue;
		}
		child = build(t, first, i);
		if (child == -1)
			return -1;
		t->slots[node.slots + k] = IS_NODE | (uint32_t)child;
	}
	return n;
}

int
tcpk__acl_index(struct table *t)
{
	uint32_t	*slots;
	struct node	*nodes;

	if (build(t, 0, t->n - 1) == -1)
		return -1;
	slots = realloc(t->slots, t->nslots * sizeof(*slots));
	if (slots != NULL) {
		t->slots = slots;
		t->slots_size = t->nslots;
	}
	nodes = realloc(t->nodes, t->nnodes * sizeof(*nodes));
	if (nodes != NULL) {
		t->nodes = nodes;
		t->nodes_size = t->nnodes;
	}
	return 0;
}

static unsigned
depth_below(const struct table *t, uint32_t n)
{
	const struct node	*node = &t->nodes[n];
	uint32_t		 k, ref;
	unsigned		 d, deepest = 0;

	for (k = 0; k <= node->top; k++) {
		ref = t->slots[node->slots + k];
		if ((ref & IS_NODE) == 0)
			continue;
		d = depth_below(t, ref & ~IS_NODE);
		if (d > deepest)
			deepest = d;
	}
	return deepest + 1;
}

/* The most nodes that a look-up visits. */
unsigned
tcpk__acl_depth(const struct table *t)
{
	return depth_below(t, 0);
}
