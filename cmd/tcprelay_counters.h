/*
 * tcprelay_counters: what is counted of each target, in memory that all
 * processes share and that outlives a reload: a target of the same name goes
 * on where it was.
 */
#ifndef TCPRELAY_COUNTERS_H
#define TCPRELAY_COUNTERS_H

#include "targets.h"

struct relay_counters;

/* Targets that can be told apart; beyond, they are not counted. */
#define RELAY_COUNTED	1024

/* Before the fork, for so many processes.  NULL: TCPK_EIO. */
struct relay_counters *relay_counters_new(unsigned processes,
	    struct tcpk_err *);
void	relay_counters_free(struct relay_counters *);

/*
 * Those of a target in one process: listen and target are the addresses as
 * they were given.  NULL: there are too many.
 */
struct target_counters *relay_counters_of(struct relay_counters *,
	    unsigned process, const char *listen, const char *target);

/* The sum over all processes of number i, from 0; false after the last. */
struct relay_count {
	const char	*listen, *target;
	uint64_t	 now, total, failed, bytes_to, bytes_from;
	bool		 up;		/* in any process */
};
bool	relay_counters_get(const struct relay_counters *, size_t i,
	    struct relay_count *);

#endif
