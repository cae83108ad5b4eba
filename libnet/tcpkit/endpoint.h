/*
 * endpoint: the address grammar of the suite, parsed in one place.
 *
 *	address = [scheme "://"] place *( "," option )
 *
 * An endpoint says what to connect to or listen on and with which options;
 * it opens nothing.  One table holds every option: its name, its type, the
 * schemes and roles that take it, and a line of help.  The tools' flags and
 * their --help come from that table too, so they cannot disagree with it.
 *
 * Pure: no descriptors, no clock, no look-up of names.
 */
#ifndef TCPKIT_ENDPOINT_H
#define TCPKIT_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include <tcpkit/addr.h>
#include <tcpkit/err.h>
#include <tcpkit/value.h>

enum tcpk_scheme {
	TCPK_TCP,	/* host:port, tcp://host:port */
	TCPK_TLS,	/* tls://host:port */
	TCPK_UDP,	/* udp://host:port */
	TCPK_UNIX,	/* unix:/path, unix:@name */
	TCPK_FD,	/* fd:N */
	TCPK_EXEC,	/* exec:COMMAND */
	TCPK_SH,	/* sh:COMMAND */
	TCPK_STDIO	/* - */
};

enum tcpk_role {
	TCPK_CONNECT,
	TCPK_LISTEN,
	TCPK_TARGET	/* to connect to, as one of several */
};

/* Option values; what was not given has the default. */
struct tcpk_options {
	uint64_t	 connect_timeout;	/* ns; 30 s */
	uint64_t	 idle_timeout;		/* ns; 0 none */
	uint64_t	 half_close_timeout;	/* ns; 0 none */
	uint64_t	 keepalive;		/* ns; 60 s; 0 off */
	uint64_t	 user_timeout;		/* ns; 0 the system's */
	uint64_t	 rcvbuf, sndbuf;	/* bytes; 0 the system's */
	uint64_t	 backlog;		/* 0 the system's limit */
	uint64_t	 max_clients, max_per_host;	/* 0 no limit */
	uint64_t	 family;		/* 0, 4 or 6 */
	uint64_t	 dscp, ttl;		/* TCPK_UNSET the system's */
	uint64_t	 mode;			/* TCPK_UNSET by umask */
	bool		 no_shutdown;
	uint64_t	 rate;		/* bytes a second; 0 no limit */
	uint64_t	 weight, pool;	/* of a target; pool 0: none */
	uint64_t	 check;		/* ns; 0 none */
	bool		 nodelay, fastopen, mptcp;
	char		*interface;		/* NULL any */
	char		*owner;			/* NULL whoever runs this */
	char		*acl, *acl_file;	/* NULL none; see serve */
	/*
	 * PROXY headers: connecting, the version to send, 0 none; listening,
	 * 1 to expect one, from these senders (an access control list; NULL
	 * is anyone).
	 */
	uint64_t	 proxy_protocol;
	char		*proxy_senders;
	struct tcpk_addr source;		/* len 0: none */
	/* TLS; lists are joined by ';', NULL is none.  */
	char		*ca, *client_ca;	/* files */
	char		*cert, *key;		/* lists of files */
	char		*name;			/* to verify; NULL the host */
	char		*alpn, *pin;		/* lists */
	char		*starttls;		/* a protocol */
	char		*via;			/* list of proxies; see via */
	char		*via_auth;		/* file */
	bool		 pin_only, insecure, self_signed, allow_truncation;
};

#define TCPK_UNSET	UINT64_MAX

struct tcpk_endpoint {
	enum tcpk_scheme scheme;
	enum tcpk_role	 role;
	char		*text;	/* as it was written, without passwords */
	char		*host;	/* tcp, tls, udp; NULL: every local address */
	char		*port;	/* tcp, tls, udp: a number or a service */
	char		*path;	/* unix */
	char	       **argv;	/* exec, sh: NULL at the end */
	int		 fd;	/* fd */
	struct tcpk_options o;
	uint64_t	 given;	/* private: which options were given */
};

/*
 * Parse an address for one role.  Returns 0, and tcpk_endpoint_free must be
 * called in the end; or -1 (TCPK_EUSAGE, the text names the address and what
 * is wrong with it) with nothing to free.
 *
 * Only "\," is special: a comma that separates nothing.  :port connects to
 * localhost; when listening it is every local address, as are *:port and a
 * bare port.  Port 0 is for listening.  exec: splits its command on blanks,
 * with '...' and "..." and no expansion.
 */
int	tcpk_endpoint_parse(struct tcpk_endpoint *, const char *text,
	    enum tcpk_role, struct tcpk_err *);

/*
 * The same, but an address without a scheme (host:port, :port, port) is of
 * this one: TCPK_TCP, TCPK_TLS or TCPK_UDP.
 */
int	tcpk_endpoint_parse_as(struct tcpk_endpoint *, const char *text,
	    enum tcpk_role, enum tcpk_scheme, struct tcpk_err *);

/* Give back what parse took.  A zeroed endpoint is fine. */
void	tcpk_endpoint_free(struct tcpk_endpoint *);

/*
 * Do both name the same place, whatever their options: the same host and port
 * in the same words, path or descriptor?  TLS makes no difference.
 */
bool	tcpk_endpoint_same_place(const struct tcpk_endpoint *,
	    const struct tcpk_endpoint *);

/* True if this endpoint takes the option of that name. */
bool	tcpk_endpoint_takes(const struct tcpk_endpoint *, const char *name);

/*
 * Set an option from elsewhere than the address (a flag of a tool).  Does
 * nothing when the address itself gave it: what is written there wins.
 * value is NULL for options that take none.  Returns -1 (TCPK_EUSAGE) when
 * the endpoint does not take the option or the value is wrong; the text
 * then names the option and the value only.
 */
int	tcpk_endpoint_default(struct tcpk_endpoint *, const char *name,
	    const char *value, struct tcpk_err *);

/*
 * Overwrite by "x" each password that is written in an address or in a list
 * of proxies, be the rest of it wrong.  False if there is none.
 */
bool	tcpk_endpoint_hide(char *text);

/* "tcp", "unix", ... as it is written before the place. */
const char *tcpk_scheme_name(enum tcpk_scheme);

/* One row of the table, to show. */
struct tcpk_option_info {
	const char	*name;
	const char	*flag;		/* of a tool, without "--" */
	/* "T", "FILE"; "=LIST" may be left out; NULL takes none. */
	const char	*value;
	const char	*help;
	bool		 list;		/* values joined by ';' */
	bool		 secret;	/* a value may hold a password */
	/* Who takes it, by enum tcpk_role: bits 1 << enum tcpk_scheme. */
	unsigned	 schemes[3];
};

/* Row i, from 0; false after the last. */
bool	tcpk_option_info(size_t i, struct tcpk_option_info *);

#endif
