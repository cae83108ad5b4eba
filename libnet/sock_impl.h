/* sock, private: the parts that differ between systems. */
#ifndef SOCK_IMPL_H
#define SOCK_IMPL_H

#include "tcpkit/sock.h"

/* Non-blocking and close-on-exec: sock_accept4.c or sock_fcntl.c. */
int	tcpk__sock_new(int family, int type, int protocol);
int	tcpk__sock_accept(int fd, struct sockaddr *, socklen_t *);

/*
 * The same of Multipath TCP: sock_mptcp.c or sock_mptcp_none.c.  -1:
 * TCPK_EUSAGE when it is not to be had, else why, and errno is kept.
 */
int	tcpk__sock_new_mptcp(int family, struct tcpk_err *);

/* Before connect or listen: sock_fastopen.c or sock_fastopen_none.c. */
int	tcpk__sock_fastopen(int fd, enum tcpk_role, struct tcpk_err *);

/*
 * Its peers are on this host: let nothing pace what is sent to them, if
 * anything would.  Before connect or listen: sock_pacing.c or
 * sock_pacing_none.c.
 */
void	tcpk__sock_unpace(int fd);

/*
 * Set what the options ask for; before connect or listen.  type is
 * SOCK_STREAM, or SOCK_DGRAM: then what is TCP's own is left out.
 */
int	tcpk__sock_set_options(int fd, int family, int type,
	    const struct tcpk_options *, enum tcpk_role, struct tcpk_err *);

#endif
