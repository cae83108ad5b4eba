/*
 * tcpcat_scan, private: tcpcat_scan.c runs it, in rounds if there are
 * retries; tcpcat_scan_names.c looks hosts up, tcpcat_scan_probe.c connects,
 * tcpcat_scan_print.c writes the results.
 *
 * Whatever happens changes the state of a port or of a host, and asks for a
 * tick; the tick starts what can be started, prints what can be printed, and
 * sees if the round is over.
 */
#ifndef TCPCAT_SCAN_IMPL_H
#define TCPCAT_SCAN_IMPL_H

#include <tcpkit/loop.h>
#include <tcpkit/resolve.h>

#include "backoff.h"
#include "tcpcat_ports.h"
#include "tcpcat_scan.h"

/* Connections under way; fewer where there are fewer descriptors. */
#define SCAN_PROBES	512

/* Hosts looked up at once; each takes two threads.  Or one after the other. */
#define SCAN_LOOKUPS	8

enum scan_state { SCAN_UNKNOWN, SCAN_OPEN, SCAN_FAILED };

struct scan_port {
	unsigned char	 state;		/* enum scan_state */
	unsigned char	 next;		/* address to be tried next */
	unsigned char	 active;	/* probes under way */
	struct tcpk_addr *opened;	/* that accepted; only for --json */
};

enum scan_named { SCAN_NEW, SCAN_LOOKING, SCAN_NAMED };

struct scan_host {
	struct scan	*scan;
	struct ports	*ports;
	struct scan_port *state;	/* of each of them */
	size_t		 cursor;	/* none before it can be started */
	bool		 numeric;	/* an address: never looked up */
	int		 family;	/* 4, 6, or 0 for both */
	enum scan_named	 named;
	struct tcpk_addr *addrs;	/* families by turns, IPv6 first */
	size_t		 naddrs;
	struct tcpk_resolve *lookups[2];	/* IPv6, IPv4 */
	struct tcpk_addr *found[2];
	size_t		 nfound[2];
	struct tcpk_timer name_timer;
	struct tcpk_err	 err;		/* of the name */
};

/* A connection under way. */
struct scan_probe {
	struct scan_host *host;		/* NULL: free */
	size_t		 port;		/* index */
	unsigned char	 addr;		/* index */
	struct tcpk_watch watch;
	struct tcpk_timer timer;
	uint64_t	 until;
};

struct scan {
	const struct tcpcat_opts *o;
	const struct msg *msg;
	bool		 pipe_ignored;
	struct tcpk_loop *loop;
	struct ports	*ports;		/* of each host */
	struct scan_host *hosts;
	size_t		 nhosts;
	size_t		 first;		/* none before it can be started */
	size_t		 next_name;	/* the next to be looked up */
	size_t		 looking, most_looking;
	struct scan_probe *probes;
	size_t		 nprobes, active;
	size_t		 free_at;	/* where to look for a free one */
	size_t		 unknown;	/* ports of this round */
	unsigned	 kinds;		/* of failures: bits 1 << kind */
	size_t		 open, all;
	uint64_t	 round;		/* from 0 */
	bool		 over;		/* no more rounds */
	size_t		 print_host, print_port;
	struct backoff	 backoff;
	struct tcpk_timer tick, again, deadline;
	struct tcpk_watch out;		/* standard output, while it is full */
	bool		 left;		/* with this status, or signal */
	int		 status, signo;
};

/* tcpcat_scan.c */
void	scan_tick(struct scan *);
void	scan_leave(struct scan *, int status);
void	scan_leave_err(struct scan *, const struct tcpk_err *);
/* Will nothing be tried again after this round? */
bool	scan_is_last(const struct scan *);
/* What has become of a port in this round, and why it failed. */
void	scan_opened(struct scan_host *, size_t port, size_t addr);
void	scan_failed(struct scan_host *, size_t port, enum tcpk_err_kind);

/*
 * tcpcat_scan_names.c: is the host of a family that is asked for?  And take
 * one that is numeric.  Then look up the next hosts, some at once.
 */
int	scan_names_check(struct scan_host *, struct tcpk_err *);
void	scan_names(struct scan *);
/* Whatever is known of it; also in the end. */
void	scan_names_forget(struct scan_host *);

/* tcpcat_scan_probe.c */
void	scan_probes(struct scan *);
void	scan_probes_cancel(struct scan *);

/*
 * tcpcat_scan_print.c: write what is known, up to the first port that is
 * not; or, passing over those, all of it.  True when nothing is left.
 */
bool	scan_print(struct scan *, bool pass_over);
void	scan_on_room(void *scan, unsigned ready);

#endif
