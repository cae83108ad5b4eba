/*
 * msg: the only place that prints.  A line on standard error for each
 * message: "tool: what: why", or with --json an object with stable keys; and
 * the table that turns the kind of an error into an exit status.
 *
 * Whatever may have come from a peer is escaped: a message is always one
 * line, and no control character leaves here.
 */
#ifndef MSG_H
#define MSG_H

#include <stdbool.h>
#include <stdint.h>

#include <tcpkit/err.h>

struct tcpk_tls_info;

enum msg_level {
	MSG_ERROR,	/* always shown */
	MSG_RESULT,	/* what was asked for by an option: always shown */
	MSG_WARNING,	/* these two not with --quiet */
	MSG_NOTICE,
	MSG_INFO,	/* -v */
	MSG_DEBUG	/* -vv */
};

struct msg {
	const char	*tool;
	int		 verbose;	/* times -v was given */
	bool		 quiet, json;
	/* Around what is printed, where another line must make room. */
	void		(*before)(void *), (*after)(void *);
	void		*around;
};

/* A server's clients. */
struct msg_counts {
	uint64_t	now, total, denied, failed, proxy_failed;
};

/* What is known; the rest zero.  Texts may be NULL. */
struct msg_fields {
	const char	*event;		/* one word, always given */
	uint64_t	 conn;		/* number of the connection, from 1 */
	const char	*local, *peer, *reason;
	const char	*target;	/* a relay's */
	const char	*side;		/* who ended it: "client", "target" */
	const char	*via;		/* the proxy that named the peer */
	const char	*host;		/* as it was asked for, and its port; */
	uint16_t	 port;		/* both only with --json */
	bool		 moved;		/* the next three are known */
	uint64_t	 bytes_in, bytes_out, duration;
	const struct msg_counts *counts;		/* only with --json */
	const char	*pin;				/* of our own key */
	const char	*sha256_in, *sha256_out;	/* of what moved */
	const struct tcpk_tls_info *tls;		/* only with --json */
};

/* Is a message of this level shown at all?  To make none in vain. */
bool	msg_shown(const struct msg *, enum msg_level);

/* One message. */
void	msg(const struct msg *, enum msg_level, const struct msg_fields *,
	    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Only with --json: a result, on standard output.  0 or -1. */
int	msg_result(const struct msg *, const struct msg_fields *);

/* An error or a warning from the library. */
void	msg_err(const struct msg *, enum msg_level, const struct msg_fields *,
	    const struct tcpk_err *);

/* Exit status of SPEC 1.6 for an error. */
int	msg_status(const struct tcpk_err *);

/* A usage error, with the pointer to --help; returns the status, 2. */
int	msg_usage(const struct msg *, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));

/* "12345 bytes", "1 byte". */
#define MSG_BYTES	64
const char *msg_bytes(uint64_t, char buf[MSG_BYTES]);

#endif
