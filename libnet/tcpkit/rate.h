/*
 * rate: how much may pass now, so that not more than so many bytes a second
 * do.  A bucket of tokens: what was not used is saved for a tenth of a
 * second, no longer, so that a pause is not made up for by a burst.  It has no
 * clock of its own and waits for nothing.
 */
#ifndef TCPKIT_RATE_H
#define TCPKIT_RATE_H

#include <stddef.h>
#include <stdint.h>

/* A value; all private. */
struct tcpk_rate {
	uint64_t	per_second;	/* bytes; 0 no limit */
	uint64_t	full_at;	/* when the bucket is full again */
};

void	tcpk_rate_init(struct tcpk_rate *, uint64_t bytes_per_second);

/* Bytes that may pass at now (ns, any clock that only goes on); 0: wait. */
size_t	tcpk_rate_room(const struct tcpk_rate *, uint64_t now);

/* So many have passed; more than there was room for is made up for later. */
void	tcpk_rate_took(struct tcpk_rate *, uint64_t now, size_t n);

/* When there is room for a piece worth moving; now, if there is already. */
uint64_t tcpk_rate_due(const struct tcpk_rate *, uint64_t now);

#endif
