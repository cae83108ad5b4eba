/*
 * dial: one connection to a name that may have many addresses, by RFC 8305
 * (Happy Eyeballs v2): both families are looked up at once, addresses are
 * tried in alternating families 250 ms apart or at once after a failure, the
 * first to connect wins and the others are closed.  An IPv4 answer that
 * comes before the IPv6 one waits 50 ms for it (section 3).
 *
 * Unix sockets are dialled too: one address, and a full backlog is tried
 * again until the time-out.  So is UDP: nothing is sent, and the first address
 * that there is a route to wins.
 */
#ifndef TCPKIT_DIAL_H
#define TCPKIT_DIAL_H

#include <tcpkit/addr.h>
#include <tcpkit/endpoint.h>
#include <tcpkit/loop.h>

struct tcpk_dial;

/* One address that was tried, and what came of it. */
struct tcpk_attempt {
	struct tcpk_addr	addr;
	int			code;	/* errno; 0: this one connected */
};

/* Say in words why this address failed: "connect [::1]:80: reason". */
void	tcpk_attempt_err(const struct tcpk_attempt *,
	    const struct tcpk_endpoint *, struct tcpk_err *);

/* Valid during the callback only, but for fd, which is the caller's. */
struct tcpk_dialed {
	int		 fd;		/* connected, or -1: see err */
	struct tcpk_addr peer;
	bool		 opening;	/* see defer */
	/*
	 * TCPK_ENAME, TCPK_EUSAGE; TCPK_ETIMEOUT when every address timed
	 * out, TCPK_EIO when none had a descriptor left; else TCPK_ECONNECT.
	 */
	struct tcpk_err	 err;
	const struct tcpk_attempt *attempts;	/* those that failed */
	size_t		 nattempts;
	uint64_t	 name_time, connect_time;	/* ns */
};

struct tcpk_dial_opts {
	bool	numeric;	/* ask no name service */
	/*
	 * With the option fastopen, take a socket whose SYN waits for the first
	 * data (tcpk_sock_opening) for connected.  It has not proven its
	 * address, so this is done with the last one only; else, and where
	 * this is not set, the SYN goes without data.
	 */
	bool	defer;
	/*
	 * NULL, or what is to watch the connected descriptor: it is moved
	 * there (tcpk_watch_move) before the callback.
	 */
	struct tcpk_watch *into;
	/* NULL, or told of each address as it is tried; may not cancel. */
	void  (*trying)(void *arg, const struct tcpk_addr *);
};

/*
 * Begin to connect to a tcp, tls, udp or unix endpoint, which must stay until
 * the end.  Its connect_timeout bounds the whole.  Calls back exactly once,
 * from the loop, never before this returns.  NULL: TCPK_EIO, or TCPK_EUSAGE
 * when the address is not of the family asked for.
 */
struct tcpk_dial *tcpk_dial_start(struct tcpk_loop *,
	    const struct tcpk_endpoint *, const struct tcpk_dial_opts *,
	    void (*fn)(void *arg, const struct tcpk_dialed *), void *arg,
	    struct tcpk_err *);

/* No callback will come; everything that was opened is closed. */
void	tcpk_dial_cancel(struct tcpk_dial *);

#endif
