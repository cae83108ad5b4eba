/* sock, private: the parts that differ between systems. */
#ifndef SOCK_IMPL_H
#define SOCK_IMPL_H

#include "tcpkit/sock.h"

/* Non-blocking and close-on-exec: sock_accept4.c or sock_fcntl.c. */
int	tcpk__sock_new(int family, int type);
int	tcpk__sock_accept(int fd, struct sockaddr *, socklen_t *);

/*
 * Set what the options ask for; before connect or listen.  type is
 * SOCK_STREAM, or SOCK_DGRAM: then what is TCP's own is left out.
 */
int	tcpk__sock_set_options(int fd, int family, int type,
	    const struct tcpk_options *, struct tcpk_err *);

#endif
