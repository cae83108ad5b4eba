/*
 * dial, private: the attempts (dial.c), and the addresses that they are made
 * to (dial_names.c).
 */
#ifndef DIAL_IMPL_H
#define DIAL_IMPL_H

#include "tcpkit/dial.h"
#include "tcpkit/resolve.h"

/* Between two attempts: RFC 8305, section 5. */
#define ATTEMPT_DELAY		(250 * TCPK_MS)

#define MAX_ATTEMPTS		64

enum { V6, V4, FAMILIES };

struct attempt {
	struct attempt	   *next;	/* the one after it */
	struct tcpk_dial   *dial;
	struct tcpk_watch   watch;	/* fd -1 when over */
	struct tcpk_addr    addr;
	bool		    opening;	/* its SYN waits for data */
};

struct tcpk_dial {
	struct tcpk_loop	*loop;
	const struct tcpk_endpoint *ep;
	struct tcpk_dial_opts	 opts;
	void		       (*fn)(void *, const struct tcpk_dialed *);
	void			*arg;
	struct tcpk_timer	 next;		/* try another address */
	struct tcpk_timer	 deadline;
	struct tcpk_resolve	*lookups[FAMILIES];
	struct tcpk_err		 lookup_err;
	uint64_t		 started, named, attempted;
	/* Addresses by family in the system's order, and how many are used. */
	struct tcpk_addr	*addrs[FAMILIES];
	size_t			 naddrs[FAMILIES], used[FAMILIES];
	int			 last;		/* family tried last */
	struct attempt		*tried;		/* in their order */
	struct tcpk_attempt	*failed;	/* nfailed of them */
	size_t			 nfailed, active;
};

/* Addresses that need no looking up.  0 there are none, 1 taken, -1. */
int	tcpk__dial_numeric(struct tcpk_dial *, struct tcpk_err *);
int	tcpk__dial_look_up(struct tcpk_dial *, struct tcpk_err *);

/* Try one more address, when there is one.  A timer's callback. */
void	tcpk__dial_next(void *);
bool	tcpk__dial_more(const struct tcpk_dial *);

#endif
