/* tcpecho: what its two programs, the server and the client, share. */
#ifndef TCPECHO_H
#define TCPECHO_H

#include <stdbool.h>
#include <stdint.h>

#include <tcpkit/endpoint.h>

#include "msg.h"

/* What it sends and expects back; texts are those of the command line. */
struct tcpecho_client_opts {
	uint64_t	 count;		/* of messages a session; 0 no end */
	uint64_t	 interval;	/* ns */
	uint64_t	 size;		/* bytes of a message */
	const char	*message;	/* NULL: numbered ones */
	uint64_t	 parallel;	/* sessions */
	uint64_t	 duration;	/* ns; 0 no end */
	bool		 flood;
	bool		 reconnect;
	uint64_t	 back_off;	/* ns, at most */
	uint64_t	 per_connection; /* messages; 0 all */
	uint64_t	 wait;		/* ns, after connecting and before
					 * leaving */
	uint64_t	 max_rtt;	/* ns; 0 none */
	bool		 histogram;
};

struct tcpecho_server_opts {
	const char	*greet, *reply;	/* NULL none */
	bool		 discard, chargen;
	uint64_t	 delay;		/* ns */
	uint64_t	 workers;	/* processes, at least 1 */
	uint64_t	 drain_timeout;	/* ns */
	int		 ready_fd;	/* -1 none */
	const char	*user;		/* NULL: whoever runs this */
};

struct tcpecho_opts {
	struct tcpk_endpoint	*eps;	/* the client's is the first */
	size_t			 neps;
	bool			 is_client, numeric;
	struct tcpecho_client_opts client;
	struct tcpecho_server_opts server;
};

/*
 * Read the command line into o and m.  Returns -1 to go on, else the status
 * to leave with at once (--help, or a usage error that was reported).
 */
int	tcpecho_options(struct tcpecho_opts *o, struct msg *m, int argc,
	    char **argv);
void	tcpecho_options_free(struct tcpecho_opts *);

/*
 * Both return the status to leave with: 128 and a signal's number to die of
 * that signal.
 */
int	tcpecho_client(const struct tcpecho_opts *, const struct msg *);
int	tcpecho_server(struct tcpecho_opts *, struct msg *);

#endif
