/*
 * limits: how many clients at once, in all and of one host.
 *
 * Processes may share one set of limits: made before the fork, in shared
 * memory, each process naming itself by its number.  One that died is
 * forgotten with all that it held.
 *
 * Not here: waiting.  Who finds no room asks again when somebody has left, or
 * where others share the limits, after a while.
 */
#ifndef TCPKIT_LIMITS_H
#define TCPKIT_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include <tcpkit/err.h>
#include <tcpkit/ip.h>

struct tcpk_limits;

#define TCPK_LIMITS_SHARERS	64

/*
 * At most max clients and max_per_host of one address; 0 is no limit.
 * sharers is the number of processes, 1 to TCPK_LIMITS_SHARERS.  NULL:
 * TCPK_EIO.
 */
struct tcpk_limits *tcpk_limits_new(uint64_t max, uint64_t max_per_host,
	    unsigned sharers, struct tcpk_err *);
void	tcpk_limits_free(struct tcpk_limits *);

/* After a fork: this process is number me, from 0. */
void	tcpk_limits_become(struct tcpk_limits *, unsigned me);

/* Nobody holds anything in the name of that process any more. */
void	tcpk_limits_forget(struct tcpk_limits *, unsigned who);

/*
 * Other limits from now on, for this process; who is over them stays.  Of a
 * host only where there was such a limit at first.
 */
void	tcpk_limits_change(struct tcpk_limits *, uint64_t max,
	    uint64_t max_per_host);

/* Do other processes hold some of it?  Then room may come unannounced. */
bool	tcpk_limits_shared(const struct tcpk_limits *);

/* Take a place for one client; false: all are taken. */
bool	tcpk_limits_take(struct tcpk_limits *);
void	tcpk_limits_give(struct tcpk_limits *);

/* The same for a client's host; true also where there is no such limit. */
bool	tcpk_limits_take_host(struct tcpk_limits *, struct tcpk_ip);
void	tcpk_limits_give_host(struct tcpk_limits *, struct tcpk_ip);

/* Places taken, by all processes. */
uint64_t tcpk_limits_taken(const struct tcpk_limits *);

#endif
