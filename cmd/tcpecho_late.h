/* tcpecho_late: datagrams that are answered after a delay. */
#ifndef TCPECHO_LATE_H
#define TCPECHO_LATE_H

#include <tcpkit/udp.h>

struct tcpecho_late;

struct tcpecho_late *tcpecho_late_new(struct tcpk_loop *, uint64_t delay);

/* Drops those that wait.  NULL is fine. */
void	tcpecho_late_free(struct tcpecho_late *);

/*
 * In the callback of a datagram: send this to its sender when its time has
 * come.  The udp must outlive it.  False: too many wait, it is dropped.
 */
bool	tcpecho_late_put(struct tcpecho_late *, struct tcpk_udp *,
	    const struct tcpk_addr *to, const void *data, size_t n);

#endif
