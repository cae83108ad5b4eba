/*
 * via, private: the list of proxies (via_url.c, via_auth.c), what is said to
 * one of them as a machine without input or output (via_socks.c, via_http.c),
 * and what moves its bytes (via.c).
 *
 * A proxy may be anyone.  A machine says how many bytes it needs and is never
 * given more, so that what comes behind the reply stays where it is: those
 * are the first bytes of the target.
 */
#ifndef VIA_IMPL_H
#define VIA_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tcpkit/addr.h"
#include "tcpkit/err.h"

#define VIA_MOST	16	/* proxies in a row */
#define VIA_USER	255	/* bytes of a name or a password, RFC 1929 */
#define VIA_HEAD	(16 * 1024)	/* bytes of an HTTP reply, with 1xx */
#define VIA_SAID	80	/* bytes of a proxy's words in a refusal */

/* The longest reply of SOCKS5 is 262 bytes; the longest request is HTTP's. */
#define VIA_PIECE	512
#define VIA_OUT		2048

enum tcpk__proxy_kind { VIA_SOCKS4, VIA_SOCKS4A, VIA_SOCKS5, VIA_HTTP };

struct tcpk__proxy {
	enum tcpk__proxy_kind kind;
	char		*host;		/* no brackets */
	char		 port[6];
	char		*user, *password;	/* both, or NULL */
	char		*name;		/* "host:port" for messages */
};

struct tcpk_via {
	size_t		   n;
	struct tcpk__proxy proxies[VIA_MOST];
};

/* Parse a list; -1 with nothing to free: TCPK_EUSAGE, TCPK_EIO. */
int	tcpk__via_parse(struct tcpk_via *, const char *list,
	    struct tcpk_err *);
void	tcpk__via_wipe(struct tcpk_via *);

/* Set user and password from texts that are not terminated. */
int	tcpk__proxy_login(struct tcpk__proxy *, const char *user, size_t nuser,
	    const char *password, size_t npassword, struct tcpk_err *);

/* Give those who have none their lines of a file, or of a text. */
int	tcpk__via_auth(struct tcpk_via *, const char *file,
	    struct tcpk_err *);
int	tcpk__via_auth_text(struct tcpk_via *, const char *text, size_t n,
	    struct tcpk_err *);

/* What a proxy is to connect to. */
struct tcpk__target {
	const char	*host;	/* as it was written */
	uint16_t	 port;
	struct tcpk_addr addr;	/* len 0: host is a name */
};

enum tcpk__ask_verdict {
	ASK_WAIT,	/* it has to say need bytes more, at least */
	ASK_SEND,	/* send out, and then the same */
	ASK_OPEN,	/* what comes now is the target's */
	ASK_REFUSED	/* err says why; it is over */
};

/* What the proxy has yet to say: to be offered, to log in, to be asked. */
enum tcpk__ask_state { ASK_METHOD, ASK_LOGIN, ASK_REPLY, ASK_FIELDS };

struct tcpk__ask {
	const struct tcpk__proxy *proxy;
	const struct tcpk__target *target;
	enum tcpk__ask_state state;
	unsigned char	 out[VIA_OUT];
	size_t		 nout;
	unsigned char	 piece[VIA_PIECE];
	size_t		 len;
	size_t		 need;		/* read no more than so many bytes */
	size_t		 total, line;	/* http: bytes of it all, of a line */
	bool		 cr;		/* http: an LF must follow */
	int		 code;		/* http: the status */
	struct tcpk_err	 err;		/* after ASK_REFUSED */
};

/*
 * From the start: out is what is said first.  SOCKS4 wants a target with an
 * IPv4 address.  Proxy and target have to stay.
 */
void	tcpk__ask_begin(struct tcpk__ask *, const struct tcpk__proxy *,
	    const struct tcpk__target *);

/*
 * What the proxy said: n bytes, from 1 to need.  To be called once all of out
 * was sent, and never after ASK_OPEN or ASK_REFUSED.
 */
enum tcpk__ask_verdict tcpk__ask_take(struct tcpk__ask *, const void *,
	    size_t n);

/* For a protocol: its beginnings, its pieces, its verdicts. */
void	tcpk__socks_begin(struct tcpk__ask *);
enum tcpk__ask_verdict tcpk__socks_take(struct tcpk__ask *, const void *,
	    size_t n);
void	tcpk__http_begin(struct tcpk__ask *);
enum tcpk__ask_verdict tcpk__http_take(struct tcpk__ask *, const void *,
	    size_t n);
void	tcpk__ask_say(struct tcpk__ask *, const void *, size_t n);
enum tcpk__ask_verdict tcpk__ask_refuse(struct tcpk__ask *, const char *fmt,
	    ...) __attribute__((format(printf, 2, 3)));
enum tcpk__ask_verdict tcpk__ask_no_target(struct tcpk__ask *,
	    const char *why);
enum tcpk__ask_verdict tcpk__ask_no_login(struct tcpk__ask *);
enum tcpk__ask_verdict tcpk__ask_nonsense(struct tcpk__ask *);

#endif
