/* server, private: the run and its clients (server.c), the listeners
 * (server_listen.c). */
#ifndef SERVER_IMPL_H
#define SERVER_IMPL_H

#include "server.h"

struct listener {
	struct server		*server;
	struct tcpk_serve	*serve;
	const struct tcpk_endpoint *ep;
	bool			 ready;
};

struct server {
	struct server_opts	 o;
	const struct server_handler *handler;
	void			*arg;
	struct tcpk_loop	*loop;
	struct listener		*listeners;
	struct server_client	 clients;	/* the list's head */
	struct tcpk_timer	 limit;		/* of the run, of the drain */
	size_t			 n, nready;
	uint64_t		 started, total, denied, refused;
	uint64_t		 bytes_in, bytes_out;
	unsigned		 holds;
	bool			 stopping;
	int			 status;
};

/* Begin to listen on all endpoints.  -1: what can be refused at once was. */
int	server_listen(struct server *, struct tcpk_err *);

/* Read files again: all listeners change, or none does. */
bool	server_can_reload(const struct server *);
void	server_reload(struct server *);

/* A client was let in. */
void	server_welcome(struct server *, const struct tcpk_client *);

/* Say it, and leave with its status. */
void	server_fail(struct server *, const char *event,
	    const struct tcpk_err *);

#endif
