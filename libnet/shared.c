#include <sys/mman.h>

#include <errno.h>
#include <stdalign.h>

#include "shared_impl.h"

struct tcpk_shared {
	pthread_mutex_t	lock;
	size_t		n;
	alignas(64) unsigned char bytes[];
};

static int
make_lock(pthread_mutex_t *lock)
{
	pthread_mutexattr_t	attr;
	int			code;

	code = pthread_mutexattr_init(&attr);
	if (code != 0)
		return code;
	code = pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	if (code == 0)
		code = tcpk__shared_make_robust(&attr);
	if (code == 0)
		code = pthread_mutex_init(lock, &attr);
	pthread_mutexattr_destroy(&attr);
	return code;
}

struct tcpk_shared *
tcpk_shared_new(size_t n, struct tcpk_err *err)
{
	struct tcpk_shared	*s;
	int			 code;

	n += sizeof(*s);
	s = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
	    -1, 0);
	if (s == MAP_FAILED) {
		tcpk_err_errno(err, TCPK_EIO, errno, "shared memory");
		return NULL;
	}
	s->n = n;
	code = make_lock(&s->lock);
	if (code == 0)
		return s;
	munmap(s, n);
	tcpk_err_errno(err, TCPK_EIO, code, "a shared lock");
	return NULL;
}

void
tcpk_shared_free(struct tcpk_shared *s)
{
	/* Others may be waiting for the lock: it is not destroyed. */
	if (s != NULL)
		munmap(s, s->n);
}

void *
tcpk_shared_bytes(struct tcpk_shared *s)
{
	return s->bytes;
}

int
tcpk_shared_lock(struct tcpk_shared *s)
{
	return tcpk__shared_lock(&s->lock);
}

void
tcpk_shared_unlock(struct tcpk_shared *s)
{
	pthread_mutex_unlock(&s->lock);
}
