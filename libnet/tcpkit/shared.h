/*
 * shared: memory that processes share after a fork, and its lock.
 *
 * The memory is all zero at first and costs nothing as far as it is not
 * touched.  Who dies while it holds the lock does not hold up the others.
 */
#ifndef TCPKIT_SHARED_H
#define TCPKIT_SHARED_H

#include <stddef.h>

#include <tcpkit/err.h>

struct tcpk_shared;

/* n bytes.  NULL: TCPK_EIO. */
struct tcpk_shared *tcpk_shared_new(size_t n, struct tcpk_err *);

/* This process needs it no more.  NULL is fine. */
void	tcpk_shared_free(struct tcpk_shared *);

/* The bytes, aligned for any type; at the same address in every process. */
void   *tcpk_shared_bytes(struct tcpk_shared *);

/*
 * Wait for the lock.  -1: it is held now, but who had it before died with
 * it: what it was about to change may be half changed.
 */
int	tcpk_shared_lock(struct tcpk_shared *);
void	tcpk_shared_unlock(struct tcpk_shared *);

#endif
