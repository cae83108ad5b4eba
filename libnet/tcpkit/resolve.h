/*
 * resolve: a name and port to addresses of one family, by the system's own
 * resolver (hosts file, mDNS and all), in a thread of its own so that
 * nothing waits for it.
 */
#ifndef TCPKIT_RESOLVE_H
#define TCPKIT_RESOLVE_H

#include <stdbool.h>
#include <stddef.h>

#include <tcpkit/addr.h>
#include <tcpkit/loop.h>

struct tcpk_resolve;

/* Valid during the callback only. */
struct tcpk_resolved {
	const struct tcpk_addr	*addrs;	/* in the system's order */
	size_t			 n;	/* 0: see err */
	struct tcpk_err		 err;	/* TCPK_ENAME, TCPK_EUSAGE: service */
};

/*
 * Look up host (NULL: the wildcard address, for listening) and port (a
 * number or the name of a service over type, SOCK_STREAM or SOCK_DGRAM) for
 * AF_INET or AF_INET6.  numeric: do not ask any name service.  Calls back
 * exactly once, from the loop, never before this returns; the handle is gone
 * then.  NULL: TCPK_EIO.
 */
struct tcpk_resolve *tcpk_resolve_start(struct tcpk_loop *, const char *host,
	    const char *port, int family, int type, bool numeric,
	    void (*fn)(void *arg, const struct tcpk_resolved *), void *arg,
	    struct tcpk_err *);

/*
 * What a look-up would refuse whatever it is answered about the host: -1 for a
 * service that this machine does not know, TCPK_EUSAGE, and with numeric for
 * what is not, TCPK_ENAME; the text does not name the host.  The system's list
 * of services is read here and now, where the port is the name of one.
 */
int	tcpk_resolve_check(const char *host, const char *port, int type,
	    bool numeric, struct tcpk_err *);

/*
 * No callback will come.  The look-up itself cannot be stopped: it goes on
 * detached and its answer is thrown away.
 */
void	tcpk_resolve_cancel(struct tcpk_resolve *);

#endif
