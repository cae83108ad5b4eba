/* tcpcat: what its files share. */
#ifndef TCPCAT_H
#define TCPCAT_H

#include <stdbool.h>
#include <stdint.h>

#include <tcpkit/endpoint.h>
#include <tcpkit/pump.h>

#include "msg.h"

struct tcpcat_opts {
	struct tcpk_endpoint remote;
	struct tcpk_endpoint local;	/* -, or the program of -e and -c */
	bool		listen, numeric;
	bool		recv_only, send_only, reset, stats;
	bool		tls_info;
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
	    char **argv);
void	tcpcat_options_free(struct tcpcat_opts *);

/* A connection, to be reported on. */
struct tcpcat_ends {
	const struct msg	 *msg;
	const struct tcpcat_opts *opts;
	const char		 *here, *peer;
};

/* Say how it ended: totals with --stats, the error, or -v. */
void	tcpcat_report(const struct tcpcat_ends *,
	    const struct tcpk_pump_report *);

#endif
