#include <stdlib.h>
#include <string.h>

#include <tcpkit/shared.h>

#include "tcprelay_counters.h"

/* Longer ones are cut, and may then be taken for one another. */
#define NAME	128

struct name {
	char	listen[NAME], target[NAME];
};

/* In shared memory: names, then the counters of each process. */
struct table {
	_Atomic uint32_t n;
	struct name	 names[RELAY_COUNTED];
	struct target_counters counters[];
};

struct relay_counters {
	struct tcpk_shared *shared;
	struct table	   *table;
	unsigned	    processes;
};

struct relay_counters *
relay_counters_new(unsigned processes, struct tcpk_err *err)
{
	struct relay_counters	*c = calloc(1, sizeof(*c));

	if (c == NULL) {
		tcpk_err_set(err, TCPK_EIO, "out of memory");
		return NULL;
	}
	c->processes = processes;
	c->shared = tcpk_shared_new(sizeof(*c->table) + processes *
	    RELAY_COUNTED * sizeof(c->table->counters[0]), err);
	if (c->shared == NULL) {
		free(c);
		return NULL;
	}
	c->table = tcpk_shared_bytes(c->shared);
	return c;
}

void
relay_counters_free(struct relay_counters *c)
{
	if (c == NULL)
		return;
	tcpk_shared_free(c->shared);
	free(c);
}

static void
set_name(char *to, const char *name)
{
	strlcpy(to, name, NAME);
}

static uint32_t
find(const struct table *t, const struct name *name)
{
	uint32_t	i, n = t->n;

	for (i = 0; i < n; i++)
		if (strcmp(t->names[i].listen, name->listen) == 0 &&
		    strcmp(t->names[i].target, name->target) == 0)
			break;
	return i;
}

struct target_counters *
relay_counters_of(struct relay_counters *c, unsigned process,
    const char *listen, const char *target)
{
	struct table	*t = c->table;
	struct name	 name;
	uint32_t	 i;

	set_name(name.listen, listen);
	set_name(name.target, target);
	/* A process that died while it held the lock has left a name that is
	 * not counted in n yet. */
	tcpk_shared_lock(c->shared);
	i = find(t, &name);
	if (i == t->n && i < RELAY_COUNTED) {
		t->names[i] = name;
		t->n++;
	}
	tcpk_shared_unlock(c->shared);
	if (i == RELAY_COUNTED)
		return NULL;
	return &t->counters[process * RELAY_COUNTED + i];
}

bool
relay_counters_get(const struct relay_counters *c, size_t i,
    struct relay_count *sum)
{
	const struct table		*t = c->table;
	const struct target_counters	*k;
	unsigned			 p;

	if (i >= t->n)
		return false;
	memset(sum, 0, sizeof(*sum));
	sum->listen = t->names[i].listen;
	sum->target = t->names[i].target;
	for (p = 0; p < c->processes; p++) {
		k = &t->counters[p * RELAY_COUNTED + i];
		sum->now += k->now;
		sum->total += k->total;
		sum->failed += k->failed;
		sum->bytes_to += k->bytes_out;
		sum->bytes_from += k->bytes_in;
		sum->up |= k->up != 0;
	}
	return true;
}
