/*
 * tcpecho's client.  It has sessions, each with one connection after another,
 * and totals, which the report is made of.
 */
#ifndef TCPECHO_CLIENT_H
#define TCPECHO_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include <tcpkit/connect.h>
#include <tcpkit/loop.h>
#include <tcpkit/via.h>

#include "histogram.h"
#include "msg.h"
#include "tcpecho.h"
#include "tcpecho_verify.h"

struct totals {
	uint64_t	 sent, echoed, lost, corrupt, duplicate, reordered;
	uint64_t	 stray;			/* bytes */
	uint64_t	 unsent;		/* of those asked for */
	uint64_t	 connections, failed, broken;
	uint64_t	 bytes_out, bytes_in;
	uint64_t	 late, late_most;	/* by our own doing; ns */
	uint64_t	 started, first_sent, last_heard, ended;
	struct histogram rtt, name, connect, tls;
	bool		 has_name, has_connect, has_tls;
	char		 peer[TCPK_ADDR_TEXT];	/* the first to answer; "" */
};

/*
 * In every phase but OVER something is waited for: WAITING its timer or a
 * turn to connect, CONNECTING the connection, RUNNING the stream or the
 * timer (a message is due, a reply is not), RESTING the timer (all came back;
 * time to leave), CLOSING the peer's end or the timer, EXITING the timer (has
 * the program left?).
 */
enum phase { WAITING, CONNECTING, RUNNING, RESTING, CLOSING, EXITING, OVER };

struct session {
	struct client		*client;
	uint64_t		 number;	/* from 1 */
	uint64_t		 conn;		/* of the connection, from 1 */
	enum phase		 phase;
	struct session		*next;		/* for a turn to connect */
	struct tcpk_timer	 timer;
	struct tcpk_connect	*connect;
	struct tcpk_stream	*stream;
	char			*peer;		/* as text, ours; or NULL */
	uint64_t		 back_off;	/* ns; 0: the last one worked */
	bool			 planned;	/* the next: we had left */
	int			 failure;	/* of the last try: its status */

	/* The schedule: message base is due at base_time, and so on. */
	bool			 scheduled;
	uint64_t		 base, base_time;
	uint64_t		 seq, off;	/* next to send; bytes of it */
	uint64_t		 first;		/* on this connection */
	bool			 stopped;	/* begin no more */
	bool			 full;		/* the stream takes no more */
	bool			 behind;	/* and not by our own doing */
	bool			 finished;	/* the stream */
	uint64_t		 flood_window;	/* bytes on the way at most */
	struct tcpk_err		 err;		/* while EXITING */

	struct verify		 verify;
	uint64_t		*times;		/* from when each one counts */
	size_t			 ntimes;	/* room: a power of two */
	uint64_t		 connected, last_in, last_out, deadline;
	uint64_t		 bytes_in, bytes_out;
};

struct client {
	const struct tcpecho_opts *opts;
	const struct tcpecho_client_opts *o;
	const struct tcpk_endpoint *ep;
	const struct msg	*msg;
	struct tcpk_loop	*loop;
	struct tcpk_tls_config	*tls;
	struct tcpk_via		*via;
	struct session		*sessions;
	uint64_t		 nsessions, live, connecting;
	struct session		*head, **tail;	/* waiting for a turn */
	struct tcpk_timer	 end;		/* of --duration, or at once */
	uint64_t		 key;
	uint64_t		 window;	/* messages on the way at most */
	unsigned		 complaints;
	int			 signo;		/* the first signal, or 0 */
	int			 status;	/* of a failure, or 0 */
	bool			 at_once;	/* by a second signal */
	struct totals		 totals;
};

void	session_set_phase(struct session *, enum phase);

/* Use a new connection; the stream is taken.  0 or -1 (no memory). */
int	session_begin(struct session *, struct tcpk_stream *);

/* Send no more; leave when the replies have come, or none does for long. */
void	session_stop(struct session *);

/* The timer of phases with a connection. */
void	session_on_timer(struct session *);

/*
 * The schedule.  fill makes what may be sent now, at most SESSION_PIECE
 * bytes, from where the session is; account says that n of them were taken.
 */
#define SESSION_PIECE	(64 * 1024)
size_t	session_fill(struct session *, unsigned char *buf, uint64_t now);
void	session_account(struct session *, uint64_t n, uint64_t now);
uint64_t session_due(const struct session *, uint64_t seq);

/* Room for the time of one more, besides n; false: no memory. */
bool	session_make_room(struct session *, uint64_t n);

/* Nothing more is to be sent on this connection. */
bool	session_sending_over(const struct session *);

/* What the verifier tells. */
void	session_on_verified(void *arg, const struct verify_event *);

/* Has it sent all it was asked for? */
bool	session_sent_all(const struct session *);

/* The peer as text, and with several sessions which one. */
#define SESSION_NAME	(TCPK_ADDR_TEXT + 40)
const char *session_name(const struct session *, char buf[SESSION_NAME]);

/* Fields of a message about it. */
struct msg_fields session_fields(const struct session *, const char *event);

/*
 * The level for something odd: the first few are shown, and then only with
 * -v, as the summary counts them.
 */
enum msg_level client_level(struct client *, enum msg_level);

/* A session is over; the last one ends the run. */
void	client_finish(struct session *, int status);

/*
 * Connections that are being made at a time: each may have a few sockets and
 * a thread that looks its name up, and a server has a backlog to fill.
 */
#define CLIENT_CONNECTING	64
void	client_wait_for_turn(struct session *);
void	client_take_turns(struct client *);

/* The timer of a session. */
void	client_on_timer(void *session);

/*
 * The connection is over; why is NULL where all went as planned.  Replies
 * that were still expected are lost.
 */
void	client_parted(struct session *, const struct tcpk_err *why);

/* Print the summary.  0, or -1 with errno. */
int	tcpecho_report(const struct client *, int status);

/* Where its rows go, report and JSON alike. */
#define REPORT_ROWS	16

#endif
