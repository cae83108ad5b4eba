/*
 * serve: a listening endpoint to a stream per client: its name is looked up,
 * every address it has is listened on, and each client that may come in
 * becomes a stream, after a PROXY header and a TLS handshake where the
 * endpoint says so.  Who may send a header is for proxy-protocol's list to
 * say; then the client is who the header says, for the access control list,
 * for max-per-host and for the handler.  A udp endpoint has no clients: each
 * datagram from who may send one is told.
 */
#ifndef TCPKIT_SERVE_H
#define TCPKIT_SERVE_H

#include <tcpkit/acl.h>
#include <tcpkit/endpoint.h>
#include <tcpkit/limits.h>
#include <tcpkit/reserve.h>
#include <tcpkit/stream.h>
#include <tcpkit/tls.h>
#include <tcpkit/udp.h>

struct tcpk_serve;

/* Valid during the callback only, but for the stream. */
struct tcpk_client {
	struct tcpk_serve	*serve;		/* where it came */
	struct tcpk_stream	*stream;	/* the handler's */
	const struct tcpk_addr	*peer;	/* with a PROXY header, by its word */
	const struct tcpk_addr	*listener;
	/*
	 * The proxy that said so, and what it says that the client connected
	 * to; NULL without a PROXY header that gives addresses.
	 */
	const struct tcpk_addr	*via, *to;
	const struct tcpk_endpoint *endpoint;
	const struct tcpk_tls_info *tls;	/* NULL: no TLS */
};

/*
 * All but warning are called from the loop; denied, trouble, warning, refused,
 * bad_header and datagram may be NULL.
 */
struct tcpk_serve_handler {
	/*
	 * Now listening on these addresses; or not, and err (TCPK_ENAME,
	 * TCPK_EUSAGE, TCPK_ECONNECT, TCPK_EIO) says why: then it is over and
	 * only tcpk_serve_free is left to do.  Comes once, and first.
	 */
	void	(*ready)(void *arg, const struct tcpk_addr *addrs, size_t n,
		    const struct tcpk_err *err);
	/* A client; tcpk_serve_free may be called from here. */
	void	(*client)(void *arg, const struct tcpk_client *);
	/*
	 * The list did not let this one in: it was closed.  rule as text.  Of
	 * datagrams it is told at most once a second.
	 */
	void	(*denied)(void *arg, const struct tcpk_addr *peer,
		    const char *rule);
	/* Clients must wait, for lack of descriptors; once per shortage. */
	void	(*trouble)(void *arg, const struct tcpk_err *);
	/* Something odd in a file that is read. */
	void	(*warning)(void *arg, const char *text);
	/*
	 * A client's TLS handshake failed, TCPK_ETLS or TCPK_ETIMEOUT, or with
	 * opts.one it could not be served at all, TCPK_EIO, and it was
	 * closed; tcpk_serve_free may be called from here.
	 */
	void	(*refused)(void *arg, const struct tcpk_addr *peer,
		    const struct tcpk_err *, const struct tcpk_tls_info *);
	/*
	 * A sender's PROXY header was malformed or cut short, TCPK_ECUT, or
	 * not there in time (10 s, or connect-timeout where that is less),
	 * TCPK_ETIMEOUT, and it was closed; tcpk_serve_free may be called
	 * from here.  With opts.one others are still waited for.
	 */
	void	(*bad_header)(void *arg, const struct tcpk_addr *sender,
		    const struct tcpk_err *);
	/*
	 * A datagram; answer with tcpk_udp_send.  As tcpk_udp_new says of its
	 * callback; tcpk_serve_free may be called from here.  NULL: udp
	 * endpoints are refused (TCPK_EUSAGE).
	 */
	void	(*datagram)(void *arg, struct tcpk_serve *, struct tcpk_udp *,
		    const struct tcpk_addr *from, const void *data, size_t n);
};

struct tcpk_serve_opts {
	bool	numeric;	/* ask no name service */
	/* Stop listening when the first client was let in.  Not for udp. */
	bool	one;
	/*
	 * Shared with others; NULL: those of the endpoint's options.  Not for
	 * udp.
	 */
	struct tcpk_limits *limits;
	/*
	 * Clients will need one more descriptor each: it is taken from here
	 * before one is accepted, and a client that is handed over has it
	 * until tcpk_reserve_use.  NULL: they will not.
	 */
	struct tcpk_reserve *reserve;
	/*
	 * In a process that was forked to serve along with another: the
	 * other's serve, from before the fork.  Its sockets and what it read
	 * from files are used, and it itself not any more: not even freed.
	 */
	struct tcpk_serve *forked;
};

/*
 * Would it be refused for what is asked: a descriptor that is no listening
 * socket, options that the system does not take, an owner or a service that
 * does not exist?  -1, as tcpk_serve_start, which asks this too: TCPK_EUSAGE,
 * TCPK_ENAME (numeric, and a name), TCPK_EIO.  Nothing is bound, and no name
 * service asked about a host.
 */
int	tcpk_serve_check(const struct tcpk_endpoint *, bool numeric,
	    struct tcpk_err *);

/*
 * Begin; the endpoint must stay until the free.  Its access control list is
 * read here (acl-file, then acl behind it).  Calls back nothing but warning
 * before it returns.  NULL: what can be refused at once was, before anything
 * listens (TCPK_EUSAGE, TCPK_ENAME, TCPK_EIO).
 */
struct tcpk_serve *tcpk_serve_start(struct tcpk_loop *,
	    const struct tcpk_endpoint *, const struct tcpk_serve_opts *,
	    const struct tcpk_serve_handler *, void *arg, struct tcpk_err *);

/*
 * A client that was handed over has left: its place is free.  ip is its
 * address, NULL if it has none (a Unix socket).  Needed for max-clients and
 * max-per-host; not after tcpk_serve_free.
 */
void	tcpk_serve_left(struct tcpk_serve *, const struct tcpk_ip *ip);

/*
 * Read the endpoint's files again (access control list, certificates), and
 * use them for clients to come; use takes them.  In two steps, so that of
 * several listeners all change or none.  NULL: TCPK_EUSAGE, TCPK_EIO, and
 * nothing has changed.
 */
struct tcpk_serve_files *tcpk_serve_read(struct tcpk_serve *,
	    struct tcpk_err *);
/*
 * The same for another endpoint of the same place, which takes the place of
 * the first one when they are used, and must stay then until the free.  What
 * is of the socket itself (backlog, mode, owner, buffers) stays as it is.
 */
struct tcpk_serve_files *tcpk_serve_read_as(struct tcpk_serve *,
	    const struct tcpk_endpoint *, struct tcpk_err *);
void	tcpk_serve_files_free(struct tcpk_serve_files *);
void	tcpk_serve_use(struct tcpk_serve *, struct tcpk_serve_files *);

/* Leave clients in the backlog, for those who were forked. */
void	tcpk_serve_pause(struct tcpk_serve *);

/* Clients, and datagrams, that were denied so far. */
uint64_t tcpk_serve_denied(const struct tcpk_serve *);

/*
 * Stop listening, for good; clients that shake hands, or whose PROXY header is
 * awaited, are given up.
 */
void	tcpk_serve_stop(struct tcpk_serve *);

/* Our own certificate, as tcpk_tls_config_cert; NULL without TLS. */
struct tcpk_tls_cert *tcpk_serve_cert(const struct tcpk_serve *, size_t i);

/* Stop, and forget.  Clients that were handed over are not touched. */
void	tcpk_serve_free(struct tcpk_serve *);

#endif
