#include <sys/socket.h>

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "tcpkit/resolve.h"

/* More addresses of one family than anyone would wait to see refused. */
#define MAX_ADDRS	32

/* What a look-up says, and the check that goes before it. */
#define UNKNOWN_SERVICE	"unknown service \"%.64s\""
#define NOT_NUMERIC	"not a numeric address and port, and no name " \
			"service is to be asked"

/*
 * Shared by the loop and the thread; the last of the two frees it.  The lock
 * makes sure that the thread never wakes a loop that has gone.
 */
struct tcpk_resolve {
	pthread_mutex_t	  lock;
	bool		  done, cancelled;	/* under the lock */
	struct tcpk_waker waker;
	void		(*fn)(void *, const struct tcpk_resolved *);
	void		 *arg;
	char		 *host, *port;
	struct addrinfo	  hints;
	struct addrinfo	 *answer;
	int		  code, saved_errno;
};

static void
free_resolve(struct tcpk_resolve *r)
{
	if (r->answer != NULL)
		freeaddrinfo(r->answer);
	pthread_mutex_destroy(&r->lock);
	free(r->host);
	free(r->port);
	free(r);
}

static void *
look_up(void *arg)
{
	struct tcpk_resolve	*r = arg;
	bool			 cancelled;

	r->code = getaddrinfo(r->host, r->port, &r->hints, &r->answer);
	r->saved_errno = errno;
	if (r->code != 0)
		r->answer = NULL;
	pthread_mutex_lock(&r->lock);
	r->done = true;
	cancelled = r->cancelled;
	if (!cancelled)
		tcpk_waker_wake(&r->waker);
	pthread_mutex_unlock(&r->lock);
	if (cancelled)
		free_resolve(r);
	return NULL;
}

static void
set_error(struct tcpk_err *err, const struct tcpk_resolve *r)
{
	const char	*host = r->host != NULL ? r->host : "*";

	if (r->code == EAI_SERVICE)
		tcpk_err_set(err, TCPK_EUSAGE, "resolve %.128s: "
		    UNKNOWN_SERVICE, host, r->port);
	else if (r->code == EAI_SYSTEM)
		tcpk_err_errno(err, TCPK_ENAME, r->saved_errno,
		    "resolve %.128s", host);
	else if (r->code == EAI_NONAME &&
	    (r->hints.ai_flags & AI_NUMERICHOST) != 0)
		tcpk_err_set(err, TCPK_ENAME, "resolve %.128s: " NOT_NUMERIC,
		    host);
	else
		tcpk_err_set(err, TCPK_ENAME, "resolve %.128s: %s", host,
		    gai_strerror(r->code != 0 ? r->code : EAI_NONAME));
}

/* Without a host no name service is asked: what fails is known of here. */
int
tcpk_resolve_check(const char *host, const char *port, int type,
    bool numeric, struct tcpk_err *err)
{
	struct addrinfo	 hints = { .ai_socktype = type,
			    .ai_flags = AI_PASSIVE };
	struct addrinfo	*answer;
	struct tcpk_addr addr;
	bool		 known = port[strspn(port, "0123456789")] == '\0';
	int		 code;

	if (numeric && (!known || (host != NULL &&
	    tcpk_addr_parse(&addr, host, 0, NULL) == -1)))
		return tcpk_err_set(err, TCPK_ENAME, NOT_NUMERIC);
	if (known)
		return 0;
	code = getaddrinfo(NULL, port, &hints, &answer);
	if (code == 0)
		freeaddrinfo(answer);
	return code != EAI_SERVICE && code != EAI_NONAME ? 0 :
	    tcpk_err_set(err, TCPK_EUSAGE, UNKNOWN_SERVICE, port);
}

static void
on_answer(void *arg)
{
	struct tcpk_addr	 addrs[MAX_ADDRS];
	struct tcpk_resolve	*r = arg;
	struct tcpk_resolved	 answer = { addrs, 0, { 0 } };
	struct addrinfo		*ai;

	/* Wait until the thread has let go of the lock. */
	pthread_mutex_lock(&r->lock);
	pthread_mutex_unlock(&r->lock);
	tcpk_waker_stop(&r->waker);
	for (ai = r->answer; ai != NULL && answer.n < MAX_ADDRS;
	    ai = ai->ai_next) {
		tcpk_addr_from(&addrs[answer.n], ai->ai_addr,
		    ai->ai_addrlen);
		/* A mapped address is IPv4: not what -6 asks for. */
		if (tcpk_addr_family(&addrs[answer.n]) ==
		    r->hints.ai_family)
			answer.n++;
	}
	if (answer.n == 0)
		set_error(&answer.err, r);
	r->fn(r->arg, &answer);
	free_resolve(r);
}

/* Signals belong to the program's own thread. */
static int
start_thread(struct tcpk_resolve *r)
{
	pthread_attr_t	attr;
	pthread_t	thread;
	sigset_t	all, old;
	int		code;

	code = pthread_attr_init(&attr);
	if (code != 0)
		return code;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	code = pthread_create(&thread, &attr, look_up, r);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return code;
}

struct tcpk_resolve *
tcpk_resolve_start(struct tcpk_loop *loop, const char *host, const char *port,
    int family, int type, bool numeric,
    void (*fn)(void *, const struct tcpk_resolved *), void *arg,
    struct tcpk_err *err)
{
	struct tcpk_resolve	*r;
	int			 code;

	r = calloc(1, sizeof(*r));
	if (r == NULL) {
		tcpk_err_set(err, TCPK_EIO, "out of memory");
		return NULL;
	}
	pthread_mutex_init(&r->lock, NULL);
	r->fn = fn;
	r->arg = arg;
	r->hints.ai_family = family;
	r->hints.ai_socktype = type;
	r->hints.ai_flags = host == NULL ? AI_PASSIVE : 0;
	if (numeric)
		r->hints.ai_flags |= AI_NUMERICHOST | AI_NUMERICSERV;
	r->port = strdup(port);
	if (host != NULL)
		r->host = strdup(host);
	if (r->port == NULL || (host != NULL && r->host == NULL)) {
		tcpk_err_set(err, TCPK_EIO, "out of memory");
		goto fail;
	}
	if (tcpk_waker_init(&r->waker, loop, on_answer, r, err) == -1)
		goto fail;
	code = start_thread(r);
	if (code == 0)
		return r;
	tcpk_waker_stop(&r->waker);
	tcpk_err_errno(err, TCPK_EIO, code, "resolve %.128s: thread",
	    host != NULL ? host : "*");
fail:
	free_resolve(r);
	return NULL;
}

void
tcpk_resolve_cancel(struct tcpk_resolve *r)
{
	bool	done;

	if (r == NULL)
		return;
	pthread_mutex_lock(&r->lock);
	r->cancelled = true;
	done = r->done;
	pthread_mutex_unlock(&r->lock);
	/* From here on the thread does not touch the waker. */
	tcpk_waker_stop(&r->waker);
	if (done)
		free_resolve(r);
}
