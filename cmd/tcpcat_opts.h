/*
 * tcpcat_opts, private: the command line (tcpcat_opts.c) and the addresses
 * that it stands for (tcpcat_address.c).
 */
#ifndef TCPCAT_OPTS_H
#define TCPCAT_OPTS_H

#include "opts_values.h"
#include "tcpcat.h"

/* Flags that become part of an address or of several options. */
struct tcpcat_raw {
	const char	*port, *source, *exec, *shell, *wait;
	bool		 v4, v6, unix_path, tls, udp;
};

/* Do they go together?  -1, or 2 after a usage error that was reported. */
int	tcpcat_check(const struct tcpcat_opts *, const struct tcpcat_raw *,
	    const struct opts *, const struct msg *);

/*
 * Parse both addresses and set on them what flags say.  -1 to go on, 2 after
 * a usage error, which has been reported.
 */
int	tcpcat_addresses(struct tcpcat_opts *, const struct tcpcat_raw *,
	    struct opts *, int argc, char **argv, const struct msg *);

/* What the flags of a scan (-s, -w) set on its addresses. */
void	tcpcat_scan_flags(const struct tcpcat_raw *, struct opts *);

#endif
