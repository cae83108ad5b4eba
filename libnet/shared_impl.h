/* shared, private: a lock that survives its holder, where there is one. */
#ifndef SHARED_IMPL_H
#define SHARED_IMPL_H

#include <pthread.h>

#include "tcpkit/shared.h"

/* shared_robust.c, or shared_plain.c where the system has no such lock. */
int	tcpk__shared_make_robust(pthread_mutexattr_t *);
int	tcpk__shared_lock(pthread_mutex_t *);

#endif
