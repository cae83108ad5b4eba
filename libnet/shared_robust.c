#include <errno.h>

#include "shared_impl.h"

int
tcpk__shared_make_robust(pthread_mutexattr_t *attr)
{
	return pthread_mutexattr_setrobust(attr, PTHREAD_MUTEX_ROBUST);
}

int
tcpk__shared_lock(pthread_mutex_t *lock)
{
	if (pthread_mutex_lock(lock) != EOWNERDEAD)
		return 0;
	pthread_mutex_consistent(lock);
	return -1;
}
