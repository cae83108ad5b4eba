/* server_system: what a server asks of the system and its service manager. */
#ifndef SERVER_SYSTEM_H
#define SERVER_SYSTEM_H

#include <tcpkit/err.h>

/* As many descriptors as we may have. */
void	server_raise_limit(void);

/* Is there such a user, if name is not NULL?  -1: TCPK_EUSAGE. */
int	server_can_become(const char *name, struct tcpk_err *);

/* Become this user, for good, if name is not NULL.  -1: TCPK_EUSAGE. */
int	server_become(const char *name, struct tcpk_err *);

/* Tell the service manager, where NOTIFY_SOCKET names one (sd_notify(3)). */
void	server_notify(const char *what);

/* A line with an address on a descriptor; -1 for none. */
void	server_say_ready(int fd, const char *address);

#endif
