/*
 * ucspi: the environment of a program that serves a connection, by the
 * UCSPI conventions (PROTO, TCPREMOTEIP, ...; for Unix sockets PROTO=UNIX),
 * and TLS_* where TLS is spoken.
 */
#ifndef UCSPI_H
#define UCSPI_H

#include <stdint.h>

#include <tcpkit/addr.h>
#include <tcpkit/tls.h>

/*
 * A copy of the environment env with the variables of a connection in place
 * of whatever had their names.  host is the name that was asked for, or NULL:
 * then TCPREMOTEHOST is the address, because a name looked up in reverse is
 * the peer's to choose and slow to get.  tls may be NULL.  NULL: no memory.
 */
char  **ucspi_environment(char *const env[], const struct tcpk_addr *local,
	    const struct tcpk_addr *peer, const char *host, uint64_t conn,
	    const struct tcpk_tls_info *tls);
void	ucspi_free(char **);

#endif
