/* A system without a way to wait for much at once: see pump_bulk.c. */

#include "pump_impl.h"

void
tcpk__bulk_moved(struct tcpk__half *h, uint64_t n)
{
	(void)h;
	(void)n;
}

void
tcpk__bulk_end(struct tcpk__half *h)
{
	(void)h;
}

uint64_t
tcpk__bulk_due(const struct tcpk__half *h)
{
	(void)h;
	return TCPK_FOREVER;
}

void
tcpk__bulk_look(struct tcpk__half *h)
{
	(void)h;
}
