/* tcprelay: what its files share. */
#ifndef TCPRELAY_H
#define TCPRELAY_H

#include <stdio.h>

#include <tcpkit/pump.h>

#include "opts.h"
#include "record.h"
#include "server.h"
#include "taps.h"
#include "targets.h"

enum relay_mode { RELAY_TARGETS, RELAY_PAIR, RELAY_HUB, RELAY_STATS };

struct relay_config;
struct relay_asker;
struct relay_counters;
struct relay_guest;
struct tcpk_hub;
struct tcpk_member;

/* One line of a configuration, "listen target...", or one of the others. */
struct relay_route {
	struct tcpk_endpoint listen;		/* first: a client names it */
	struct relay_config *config;
	enum relay_mode	     mode;
	struct tcpk_endpoint *eps;		/* its targets */
	size_t		     neps;
	struct targets	    *targets;
	bool		     tells;	/* some target who the client is */
	unsigned	     line;		/* in the file; 0 none */
};

/*
 * What is served: made once, or again at each reload.  Clients hold on to
 * the one that they came with.
 */
struct relay_config {
	struct relay_route *routes;
	struct tcpk_endpoint **listens;		/* of them, for the server */
	size_t		    n;
	unsigned	    holds;
};

struct relay_opts {
	enum relay_mode	 mode;
	bool		 pair_key;
	const char	*file;			/* -f; NULL none */
	const char	*stats_listen;
	const char	*hexdump, *capture;
	enum balance	 balance;
	bool		 numeric;
	uint64_t	 workers, drain_timeout;
	uint64_t	 deadline;
	int		 ready_fd;
	const char	*user;
	bool		 tls;		/* as every address is to be */
	struct opts	*flags;		/* that set options of addresses */
	char	       **operands;
	int		 noperands;
};

struct relay {
	struct relay_opts    o;
	const struct msg    *msg;
	struct tcpk_loop    *loop;
	struct server	    *server;
	struct relay_config *config;
	struct relay_config *next;	/* of a reload that is under way */
	struct relay_config *cut;	/* of the last who was cut; held */
	struct record	    *record;	/* NULL none */
	struct relay_counters *counters;	/* with --stats-listen */
	struct relay_guest  *waiting;	/* --pair: the first who is alone */
	struct tcpk_hub	    *hub;	/* --hub */
};

/* One client, whatever is done with it. */
struct relay_client {
	struct server_client c;		/* first */
	struct relay_route  *route;
	union {				/* by the route's mode */
		struct targets_get *get;	/* until it has a target */
		struct target	   *target;	/* and then its pump */
		struct relay_guest *guest;
		struct tcpk_member *member;
		struct relay_asker *asker;
	};
	struct tcpk_stream  *stream;	/* until it is joined */
	struct tcpk_pump    *pump;	/* since then */
	/* Last: where nothing is recorded, it is not there. */
	struct taps	     taps;
};

static inline struct relay *
relay_of(const struct relay_client *rc)
{
	return server_arg(&rc->c);
}

/* The command line: -1 to go on, else the status to leave with. */
int	relay_options(struct relay_opts *, struct msg *, int argc,
	    char **argv);
void	relay_options_free(struct relay_opts *);

/* tcprelay_session.c: a client of a route that has targets. */
int	relay_session_start(struct relay_client *, struct tcpk_client *,
	    struct tcpk_err *);
void	relay_session_cut(struct relay_client *, struct server_end *);

/* After TCPK_HUP of one whom nobody reads or writes: it has broken, and why. */
bool	relay_broken(const struct relay_client *, struct tcpk_err *);

/* What both ends' options say of the pump between them; it may be changed. */
void	relay_pump_opts(const struct tcpk_options *client,
	    const struct tcpk_options *target, struct tcpk_pump_opts *);

/*
 * tcprelay_pair.c, tcprelay_hub.c: clients that meet each other, as sessions.
 * drain: no more will come; free is for when all have left.
 */
int	relay_pair_start(struct relay_client *, struct tcpk_client *,
	    struct tcpk_err *);
void	relay_pair_cut(struct relay_client *, struct server_end *);
void	relay_pair_drain(struct relay *);
int	relay_hub_open(struct relay *, struct tcpk_err *);
int	relay_hub_start(struct relay_client *, struct tcpk_client *,
	    struct tcpk_err *);
void	relay_hub_cut(struct relay_client *, struct server_end *);
void	relay_hub_drain(struct relay *);
void	relay_hub_close(struct relay *);

/* tcprelay_metrics.c: all counters as text. */
void	relay_metrics(FILE *, const struct relay *);

/* tcprelay_stats.c: one who asks for them. */
int	relay_stats_start(struct relay_client *, struct tcpk_client *,
	    struct tcpk_err *);
void	relay_stats_cut(struct relay_client *, struct server_end *);

/* A client leaves: what it had is given back, and it is logged. */
void	relay_leave(struct relay_client *, const struct server_end *);

/*
 * tcprelay_config.c: from the operands, or the file, read anew.  NULL:
 * TCPK_EUSAGE with file and line, TCPK_ENAME, TCPK_EIO.
 */
struct relay_config *relay_config_new(const struct relay_opts *,
	    const struct msg *, struct tcpk_err *);
/*
 * Could it be listened on, as far as that can be known before?  -1: the same,
 * and TCPK_ENAME.  Not for one that takes the place of another: what listens
 * stays as it is.
 */
int	relay_config_check(const struct relay_config *,
	    const struct relay_opts *, struct tcpk_err *);
/* Hold on to it, and let go: the last who does frees it. */
void	relay_config_hold(struct relay_config *);
void	relay_config_release(struct relay_config *);

#endif
