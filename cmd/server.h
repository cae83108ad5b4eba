/*
 * server: what every server of the suite has in common: many listeners, one
 * log line for each client, limits, reload, drain, statistics, readiness.
 * What is done for a client is the tool's.
 */
#ifndef SERVER_H
#define SERVER_H

#include <tcpkit/ip.h>
#include <tcpkit/pump.h>
#include <tcpkit/serve.h>

#include "msg.h"

struct server;
struct listener;

/*
 * A client: the first member of the tool's own.  There may be very many, and
 * few are ever spoken of: so what it is called is made when it is asked for.
 */
struct server_client {
	struct server_client *next, *prev;
	struct listener	     *listener;	/* where it came */
	union {
		struct tcpk_ip ip;
		char	      *name;	/* without one: instead of its address */
	};
	uint32_t	      scope;
	uint16_t	      port;
	bool		      has_ip;
	bool		      reserve;	/* has descriptors kept back */
	uint64_t	      conn;	/* its number, from 1 */
	uint64_t	      since;	/* on the clock */
	const char	     *local;	/* the listener's address */
};

/* How a client left. */
struct server_end {
	uint64_t	bytes_in, bytes_out;	/* from and to the client */
	struct tcpk_err	err;			/* TCPK_OK: well */
	/* Who ended first, or failed: 0 we, 1 the client, -1 none. */
	int		side;
	const char	*target;	/* who we are then; NULL this tool */
	bool		quiet;		/* not worth a line without -v */
};

/* What a server has counted, in all its processes. */
struct server_counters {
	uint64_t	now, total, denied, refused, bad_headers;
	uint64_t	bytes_in, bytes_out;	/* of those who left */
};

struct server_handler {
	/*
	 * In each process that serves, before and after it does; both may be
	 * NULL.  -1: it cannot.
	 */
	int	(*start)(void *arg, struct tcpk_loop *, struct server *,
		    struct tcpk_err *);
	void	(*stop)(void *arg);
	size_t	client_size;	/* of the tool's own; it begins all zero */
	/*
	 * Serve a client; takes its stream, and calls server_leave in the
	 * end, but not before this returns.  -1: the stream, which may be
	 * another by now, is not taken, and the client is turned away with
	 * err.
	 */
	int	(*client)(void *arg, struct server_client *,
		    struct tcpk_client *, struct tcpk_err *);
	/*
	 * A datagram to a udp:// listener: answer with tcpk_udp_send; returns
	 * how many bytes that was.  NULL: no such listeners.
	 */
	size_t	(*datagram)(void *arg, struct tcpk_udp *,
		    const struct tcpk_addr *from, const void *data, size_t n);
	/* Cut it by a reset; say how far it was, but do not leave. */
	void	(*cut)(void *arg, struct server_client *, struct server_end *);
	/* No more clients will come; those who are there may finish. */
	void	(*drain)(void *arg);
	/* Listening, and ready; may be NULL, as drain may. */
	void	(*ready)(void *arg);
	/*
	 * SIGHUP: what to listen on from now on; NULL: what files of the
	 * endpoints say is read again.  -1: it cannot be had, and nothing
	 * changes.  reloaded follows: it is used and the old endpoints are
	 * not any more, or (false) it is not.
	 */
	int	(*reload)(void *arg, struct tcpk_endpoint *const **eps,
		    size_t *n, struct tcpk_err *);
	void	(*reloaded)(void *arg, bool used);
};

struct server_opts {
	const struct msg *msg;
	struct tcpk_endpoint *const *eps;
	size_t		  neps;
	bool		  numeric;
	unsigned	  workers;		/* processes; 0 is 1 */
	uint64_t	  drain_timeout;	/* ns */
	uint64_t	  deadline;		/* ns of the whole run; 0 none */
	int		  ready_fd;		/* -1 none */
	const char	 *user;			/* NULL: stay who we are */
	bool		  announce;	/* say who comes and goes without -v */
	bool		  stats;	/* say the statistics at the end */
	bool		  log;		/* say only who goes */
	/*
	 * Clients take so many more descriptors each later on: who could not
	 * have them is not accepted.
	 */
	unsigned	  reserve;
};

/*
 * Run until it is told to stop.  Returns the status to leave with; 128 and a
 * signal's number to die of it.
 */
int	server_run(const struct server_opts *, const struct server_handler *,
	    void *arg);

/* Its address as text, or what it is called instead.  Returns text. */
const char *server_peer(const struct server_client *,
	    char text[TCPK_ADDR_TEXT]);

/* What the server was run with. */
void   *server_arg(const struct server_client *);

/* A client has left: say it, count it, free it, let the next one in. */
void	server_leave(struct server_client *, const struct server_end *);

void	server_counts(const struct server *, struct server_counters *);

/* What is kept back for the clients of this process; NULL: nothing is. */
struct tcpk_reserve *server_reserve(const struct server *);

/* The client takes its descriptors, or needs none after all. */
void	server_reserve_use(struct server_client *);

/* Which of the processes this one is, from 0. */
unsigned server_process(const struct server *);

/* Stop as by SIGTERM; with a status other than 0, at once and with that. */
void	server_stop(struct server *, int status);

/* Do not leave before server_release; the drain's limit holds all the same. */
void	server_hold(struct server *);
void	server_release(struct server *);

#endif
