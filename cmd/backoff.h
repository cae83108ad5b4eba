/* backoff: how long to wait before the next try, longer each time. */
#ifndef BACKOFF_H
#define BACKOFF_H

#include <stdint.h>

/* A value; all private. */
struct backoff {
	uint64_t	least, most, next;	/* ns */
};

void	backoff_init(struct backoff *, uint64_t least, uint64_t most);

/*
 * The next wait, ns: twice the one before, from least to most, of which a
 * random part of at most a quarter is taken off, so that many who lost the
 * same peer do not come back in one moment.
 */
uint64_t backoff_next(struct backoff *);

/* It worked: begin again with least. */
void	backoff_reset(struct backoff *);

#endif
