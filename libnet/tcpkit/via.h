/*
 * via: through proxies to an endpoint, one behind the other: SOCKS4, SOCKS4a,
 * SOCKS5 (RFC 1928, and RFC 1929 for a user's name and password) and HTTP's
 * CONNECT (RFC 9110 section 9.3.6, Basic authentication by RFC 7617).
 *
 * A list is "URL[;URL...]", a URL
 *	socks5|socks4|socks4a|http "://" [user[:password]@]host[:port][/]
 * in which %XX stands for a byte of the user or the password.  The port is a
 * number; without one it is 1080, and 8080 for http.  SOCKS4 has no password
 * and needs the target's IPv4 address, which is looked up here; the others
 * are given the name, and nobody here asks for it.
 *
 * Not here: reaching the first proxy (dial), and what is said to the endpoint
 * once it has been reached.
 */
#ifndef TCPKIT_VIA_H
#define TCPKIT_VIA_H

#include <tcpkit/endpoint.h>
#include <tcpkit/stream.h>

/* The proxies of an endpoint; immutable, for any number of connections. */
struct tcpk_via;

/*
 * From the endpoint's options via and via_auth.  via_auth is a file of lines
 * "user:password", taken as they are: its only line is for every proxy whose
 * URL has none, or else the first line is for the first proxy, and so on; an
 * empty one is for none.  The endpoint need not stay.  NULL: TCPK_EUSAGE,
 * or TCPK_EIO when the file cannot be read.  No error shows a password.
 */
struct tcpk_via *tcpk_via_new(const struct tcpk_endpoint *,
	    struct tcpk_err *);

/* Passwords are wiped.  NULL is fine. */
void	tcpk_via_free(struct tcpk_via *);

/* Proxy i, from 0, as "host:port"; NULL after the last. */
const char *tcpk_via_name(const struct tcpk_via *, size_t i);

/* Where the first one is: what dial is to reach. */
const char *tcpk_via_host(const struct tcpk_via *);
const char *tcpk_via_port(const struct tcpk_via *);

struct tcpk_via_walk;

/*
 * Walk from the first proxy, which the stream is connected to, to the
 * endpoint.  The stream stays the caller's, but its readiness is ours until
 * the end; not a byte is read that is not a proxy's own.  via and endpoint
 * have to stay.  numeric: ask no name service.  Calls back exactly once, from
 * the loop, never before this returns, with NULL or with err, which names the
 * proxy: TCPK_ECONNECT; TCPK_ENAME, TCPK_EUSAGE (a service nobody knows)
 * where something had to be looked up here; TCPK_EIO.  The time limit is the
 * owner's: cancel.  NULL: TCPK_EIO.
 */
struct tcpk_via_walk *tcpk_via_start(struct tcpk_loop *,
	    const struct tcpk_via *, const struct tcpk_endpoint *,
	    bool numeric, struct tcpk_stream *,
	    void (*fn)(void *arg, const struct tcpk_err *), void *arg,
	    struct tcpk_err *);
void	tcpk_via_cancel(struct tcpk_via_walk *);

/* The proxy that is being waited for, as "host:port". */
const char *tcpk_via_waiting(const struct tcpk_via_walk *);

#endif
