/*
 * tcpcat_opts, private: the command line (tcpcat_opts.c) and the addresses
 * that it stands for (tcpcat_address.c).
 */
#ifndef TCPCAT_OPTS_H
#define TCPCAT_OPTS_H

#include "opts.h"
#include "tcpcat.h"

/* Flags that become part of an address or of several options. */
struct tcpcat_raw {
	const char	*port, *source, *exec, *shell, *wait;
	bool		 v4, v6, unix_path, tls;
};

/*
 * Parse both addresses and set on them what flags say.  -1 to go on, 2 after
 * a usage error, which has been reported.
 */
int	tcpcat_addresses(struct tcpcat_opts *, const struct tcpcat_raw *,
	    struct opts *, int argc, char **argv, const struct msg *);

#endif
