/*
 * tcpcat_run, private: one connection, whoever began it.  tcpcat.c runs it,
 * tcpcat_client.c connects, tcpcat_listen.c waits for a client, and
 * tcpcat_session.c joins it to our side and moves the bytes.
 */
#ifndef TCPCAT_RUN_H
#define TCPCAT_RUN_H

#include <tcpkit/connect.h>
#include <tcpkit/pump.h>
#include <tcpkit/serve.h>

#include "backoff.h"
#include "progress.h"
#include "taps.h"
#include "tcpcat.h"

struct tcpcat {
	struct tcpcat_opts	 o;
	struct msg		 msg;
	struct tcpk_loop	*loop;
	struct tcpk_serve	*serve;
	struct tcpk_connect	*connect;	/* to remote, then to local */
	struct tcpk_pump	*pump;
	struct tcpk_pump_opts	 pump_opts;
	struct tcpk_stream	*remote;	/* until the pump has it */
	struct tcpk_stream	*senders;	/* -l of udp; the pump's */
	struct tcpk_stream	*ours;		/* lent; of --reconnect */
	struct tcpk_timer	 deadline;
	uint64_t		 deadline_at;	/* 0 none */
	struct tcpk_timer	 again;		/* --retry, --reconnect */
	struct backoff		 backoff;
	uint64_t		 tries;		/* in vain */
	uint64_t		 conn;		/* its number, from 1 */
	int			 failed;	/* status of one before */
	struct record		*record;	/* NULL none */
	struct taps		 taps;
	struct progress		*progress;
	uint64_t		 moved[2];	/* as the pump counts */
	uint64_t		 since;		/* it began to move them */
	char			 peer[TCPK_ADDR_TEXT];
	char			 here[TCPK_ADDR_TEXT];
	char			**env;		/* of a program */
	bool			 pipe_ignored;
	int			 status;
	int			 signo;		/* to die of, or 0 */
};

/* tcpcat.c */
void	tcpcat_leave(struct tcpcat *, int status);
void	tcpcat_leave_err(struct tcpcat *, const char *event,
	    const struct tcpk_err *);
void	tcpcat_warning(void *tcpcat, const char *text);

/* tcpcat_client.c: begin to connect; -1: it can be refused at once. */
int	tcpcat_connect(struct tcpcat *, struct tcpk_err *);
/*
 * The connection is over, with this error or none: true if there will be
 * another one.
 */
bool	tcpcat_again(struct tcpcat *, const struct tcpk_err *);

/* tcpcat_listen.c */
int	tcpcat_listen(struct tcpcat *, struct tcpk_err *);

/*
 * tcpcat_session.c: the remote side is there, perhaps as a client: get the
 * local one, and move the bytes.  Takes the stream.
 */
void	tcpcat_join(struct tcpcat *, struct tcpk_stream *,
	    const struct tcpk_addr *peer, const struct tcpk_client *client);

#endif
