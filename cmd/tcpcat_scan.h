/* tcpcat_scan: which ports accept: tcpcat -z. */
#ifndef TCPCAT_SCAN_H
#define TCPCAT_SCAN_H

#include "opts.h"
#include "tcpcat.h"

/*
 * Scan the ports that the operands name, with what was given as flags set on
 * them.  Each that accepts is a line on standard output, in the order asked
 * for; errors have been reported.  Returns the status to leave with: 0 when
 * any port accepts, with retry when all do.  Dies of SIGINT and the like,
 * and of SIGPIPE unless that was ignored.
 */
int	tcpcat_scan(struct tcpcat_opts *, struct opts *, const struct msg *,
	    int argc, char **argv, bool pipe_ignored);

#endif
