/* tcpcat: what its files share. */
#ifndef TCPCAT_H
#define TCPCAT_H

#include <stdbool.h>
#include <stdint.h>

#include <tcpkit/endpoint.h>
#include <tcpkit/pump.h>

#include "msg.h"

struct record;

struct tcpcat_opts {
	struct tcpk_endpoint remote;
	struct tcpk_endpoint local;	/* -, or the program of -e and -c */
	bool		listen, numeric;
	bool		recv_only, send_only, reset, stats;
	bool		tls_info, scan;
	bool		progress, sha256;
	const char	*hexdump, *capture;	/* files; NULL none */
	bool		crlf;		/* -C */
	uint64_t	line_interval;	/* -i, ns */
	bool		retry;
	uint64_t	retries;	/* UINT64_MAX no limit */
	bool		reconnect;
	uint64_t	reconnect_most;	/* ns */
	bool		keep, broadcast, tag;	/* -k and what goes with it */
	const char	*greet;		/* NULL none */
	const char	*user;		/* NULL stay */
	int		ready_fd;	/* -1 none */
	bool		drain_given;	/* --drain-timeout */
	uint64_t	drain_timeout;	/* ns */
	uint64_t	workers;	/* 0 is 1 */
	bool		wait_given;	/* --wait-stdin */
	uint64_t	wait_stdin;	/* ns */
	uint64_t	quit_after;	/* -q, ns; TCPK_FOREVER */
	uint64_t	deadline;	/* ns; 0 none */
	uint64_t	recv_bytes;	/* 0 no limit */
};

/*
 * Read the command line into o and m.  Returns -1 to go on, else the status
 * to leave with at once (--help, or a usage error that was reported).
 */
int	tcpcat_options(struct tcpcat_opts *o, struct msg *m, int argc,
	    char **argv, bool pipe_ignored);
void	tcpcat_options_free(struct tcpcat_opts *);

/* Half 0 goes to the peer.  deadline is on the clock, 0 none. */
void	tcpcat_pump_opts(const struct tcpcat_opts *, uint64_t deadline,
	    struct tcpk_pump_opts *);

/* -C and -i: change what is read from our side; takes it as a wrapper does. */
int	tcpcat_lines(const struct tcpcat_opts *, struct tcpk_loop *,
	    struct tcpk_stream **local, struct tcpk_err *);

/* Listen and serve all who come: -lk.  Returns the status to leave with. */
int	tcpcat_serve(struct tcpcat_opts *, const struct msg *,
	    struct record *, bool pipe_ignored);

/* A connection, to be reported on. */
struct tcpcat_ends {
	const struct msg	 *msg;
	const struct tcpcat_opts *opts;
	uint64_t		  conn;
	const char		 *here, *peer;
	uint64_t		  duration;	/* ns, of what was moved */
};

/* Say how it ended: totals with --stats, the error, or -v. */
void	tcpcat_report(const struct tcpcat_ends *,
	    const struct tcpk_pump_report *);

#endif
