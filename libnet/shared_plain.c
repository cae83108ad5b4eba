/*
 * Without robust locks who dies with one (killed in the microsecond that it
 * is held) holds up the others.
 */

#include "shared_impl.h"

int
tcpk__shared_make_robust(pthread_mutexattr_t *attr)
{
	(void)attr;
	return 0;
}

int
tcpk__shared_lock(pthread_mutex_t *lock)
{
	pthread_mutex_lock(lock);
	return 0;
}
