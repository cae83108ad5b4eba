/*
 * server, private: the run (server_run.c), the listeners (server_listen.c),
 * clients (server.c) and worker processes (server_workers.c).
 */
#ifndef SERVER_IMPL_H
#define SERVER_IMPL_H

#include <stdatomic.h>

#include <tcpkit/shared.h>

#include "server.h"

struct listener_name {
	struct tcpk_addr	 addr;
	char			*text;
};

struct listener {
	struct server		*server;
	struct tcpk_serve	*serve;
	const struct tcpk_endpoint *ep;
	struct tcpk_limits	*limits;	/* NULL: those of serve */
	size_t			 clients;	/* that came here */
	struct listener_name	*names;		/* its addresses */
	size_t			 nnames;
	bool			 retired;	/* freed with the last of them */
	char			 text[TCPK_ADDR_TEXT];	/* its address */
	bool			 stays;		/* in the reload */
};

/* A reload that waits for new listeners to be ready: server_reload.c. */
struct reload {
	struct listener		**listeners;	/* old and new ones */
	struct tcpk_serve_files	**files;	/* of the old ones */
	struct tcpk_endpoint *const *eps;
	size_t			 n, nready, nnew;
};

struct server {
	struct server_opts	 o;
	const struct server_handler *handler;
	void			*arg;
	struct tcpk_loop	*loop;
	struct listener		**listeners;
	struct reload		*reload;	/* NULL: none is under way */
	struct server_client	 clients;	/* the list's head */
	struct tcpk_timer	 limit;		/* of the run, of the drain */
	struct tcpk_reserve	*reserve;	/* NULL none */
	size_t			 n, nready;
	uint64_t		 started;
	struct tcpk_shared	*shared;	/* the next two are in it */
	_Atomic uint64_t	*last_conn;
	struct server_counters	*counters;	/* of each process */
	struct server_counters	*count;		/* our own */
	struct server		*parent;	/* in a worker: from the fork */
	unsigned		 me;		/* number of a worker */
	struct tcpk_watch	 control;	/* in a worker */
	unsigned		 holds;
	bool			 stopping;
	int			 status;
};

/* A descriptor is one listener's own, who closes it.  -1: TCPK_EUSAGE. */
int	server_check_descriptors(struct tcpk_endpoint *const *, size_t n,
	    struct tcpk_err *);
/* Begin to listen on all endpoints.  -1: what can be refused at once was. */
int	server_listen(struct server *, struct tcpk_err *);

/* On one; in a worker as the parent's like does.  NULL: the same. */
struct listener *server_listen_on(struct server *,
	    const struct tcpk_endpoint *, const struct listener *like,
	    struct tcpk_err *);

/* It has made a key of its own: say which. */
void	server_say_key(const struct listener *);

/* Close it; it is freed when no client is there any more that came by it. */
void	server_retire(struct listener *);

/* One of a reload's listeners is ready, or (err) is not. */
void	server_reload_ready(struct server *, const struct tcpk_err *);
void	server_reload_abandon(struct server *, const struct tcpk_err *);

void	server_say_statistics(const struct server *);

/* In a worker: hear what the parent says. */
void	server_listen_to_parent(struct server *);

/* Read files again: all listeners change, or (-1) none does. */
bool	server_can_reload(const struct server *);
int	server_reload(struct server *);

/* A client was let in. */
void	server_welcome(struct listener *, const struct tcpk_client *);

/* Leave, with a status or with the one that is set already. */
void	server_end(struct server *, int status);
void	server_end_if_done(struct server *);

/* Cut everyone who is there. */
void	server_cut_all(struct server *);

/*
 * With its listeners ready: fork the workers and see to them until the end.
 * Returns the status to leave with.
 */
int	server_workers(struct server *);

/* In a worker: serve, until the parent says that it is enough. */
int	server_work(struct server *parent, unsigned me, int control);

/* Say it, and leave with its status. */
void	server_fail(struct server *, const char *event,
	    const struct tcpk_err *);

#endif
