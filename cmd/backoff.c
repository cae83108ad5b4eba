#include <stdlib.h>

#include "backoff.h"

void
backoff_init(struct backoff *b, uint64_t least, uint64_t most)
{
	b->least = least < most ? least : most;
	b->most = most;
	b->next = b->least;
}

uint64_t
backoff_next(struct backoff *b)
{
	uint64_t	wait = b->next;
	uint32_t	part;

	b->next = wait > b->most / 2 ? b->most : 2 * wait;
	/* In thousandths: a wait may be longer than 32 bits can count. */
	part = arc4random_uniform(251);
	return wait - wait / 1000 * part;
}

void
backoff_reset(struct backoff *b)
{
	b->next = b->least;
}
