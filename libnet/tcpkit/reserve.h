/*
 * reserve: descriptors kept back for clients that will need more of them.
 *
 * A client of a relay takes a second descriptor when its target is connected
 * to, one with a program a few.  If the last ones go to further clients in the
 * meantime, that fails, for clients that were let in.  So while descriptors
 * are short, each client that has still to take more has them kept back here,
 * and who cannot have them kept back is not accepted yet.  While there are
 * plenty this only counts.
 */
#ifndef TCPKIT_RESERVE_H
#define TCPKIT_RESERVE_H

#include <stdbool.h>

#include <tcpkit/err.h>

struct tcpk_reserve;

/*
 * For this process and its limit on descriptors; each client will need so
 * many, one or more.  NULL: TCPK_EIO.
 */
struct tcpk_reserve *tcpk_reserve_new(unsigned each, struct tcpk_err *);
void	tcpk_reserve_free(struct tcpk_reserve *);

/*
 * A client is to be accepted, and is there from now on.  False, with errno:
 * what it will need is not to be kept back.
 */
bool	tcpk_reserve_take(struct tcpk_reserve *);

/* That is opened next, or will not be needed: it is not kept back any more. */
void	tcpk_reserve_use(struct tcpk_reserve *);

/* It was closed again, and as many are needed.  False, with errno: none. */
bool	tcpk_reserve_again(struct tcpk_reserve *);

/* A client that was there is not any more. */
void	tcpk_reserve_left(struct tcpk_reserve *);

/* Something ran out of descriptors: they are short, whatever was counted. */
void	tcpk_reserve_short(struct tcpk_reserve *);

#endif
