/*
 * tcpcat_ports: what to scan: a host and a list of its ports.
 *
 *	host ":" port *( "," port ) *( "," option )
 *	port = number / number "-" number / service
 *
 * A word behind a comma is an option if it holds a "=" or is the name of an
 * option of addresses (nodelay), else a port; from the first option on
 * there are only options.  Pure, but for the services.
 */
#ifndef TCPCAT_PORTS_H
#define TCPCAT_PORTS_H

#include <stddef.h>
#include <stdint.h>

#include <tcpkit/endpoint.h>

struct ports {
	struct tcpk_endpoint	 ep;	/* the host, its options; one port */
	uint16_t		*list;	/* each once, in the order given */
	size_t			 n;	/* at least 1 */
};

/* The port of a service, or -1 with err filled. */
typedef int	ports_service(const char *name, struct tcpk_err *);

/*
 * Parse one "host:ports".  0, and ports_free must be called in the end; or
 * -1 with nothing to free: TCPK_EUSAGE, with a text that names what was
 * given and what is wrong with it, or what the service said.
 */
int	ports_parse(struct ports *, const char *text, ports_service *,
	    struct tcpk_err *);
void	ports_free(struct ports *);

/*
 * The same for the operands of a command, of which there are some: each is
 * "host:ports"; or, where the first has no port, it is a host, an IPv6
 * address perhaps without brackets, and all the others are ports of it.
 * *all and its *n members are to be freed.
 */
int	ports_operands(struct ports **all, size_t *n, int argc, char **argv,
	    ports_service *, struct tcpk_err *);

#endif
