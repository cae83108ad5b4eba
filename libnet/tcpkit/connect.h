/*
 * connect: an endpoint to a stream, whatever its scheme: looked up, dialled,
 * adopted or started, through the proxies of its option via, with a PROXY
 * header and with TLS where the endpoint says so.  A udp endpoint becomes a
 * stream of datagrams, tcpk_stream_datagram: that it connects says nothing of
 * the peer.
 */
#ifndef TCPKIT_CONNECT_H
#define TCPKIT_CONNECT_H

#include <tcpkit/dial.h>
#include <tcpkit/endpoint.h>
#include <tcpkit/stream.h>
#include <tcpkit/tls.h>

struct tcpk_connect;
struct tcpk_via;

/* Valid during the callback only, but for the stream. */
struct tcpk_connected {
	struct tcpk_stream *stream;	/* the caller's; NULL: see err */
	/*
	 * TCPK_EUSAGE, TCPK_ENAME, TCPK_ECONNECT, TCPK_ETIMEOUT, TCPK_ETLS,
	 * TCPK_ECUT (within a PROXY header), TCPK_EPROGRAM or TCPK_EIO.
	 */
	struct tcpk_err	 err;
	/* The first proxy where there are any; len 0 where there is none. */
	struct tcpk_addr peer;
	const struct tcpk_attempt *attempts;	/* those that failed */
	size_t		 nattempts;
	uint64_t	 name_time, connect_time, tls_time;	/* ns */
	/* What was agreed, or presented before it failed; NULL: no TLS. */
	const struct tcpk_tls_info *tls;
};

/* Somebody else's connection, which one of ours passes on. */
struct tcpk_proxy_from {
	struct tcpk_addr client;	/* len 0: it has none (a program) */
	struct tcpk_addr listener;	/* what the client connected to */
	const struct tcpk_tls_info *tls;	/* of its side, or NULL */
};

struct tcpk_connect_opts {
	struct tcpk_dial_opts	dial;
	/* NULL, or told right before a program is started; may not cancel. */
	void	(*starting)(void *arg);
	/* The environment of exec: and sh:. */
	char *const	       *envp;
	/* For several connections to one tls:// endpoint; NULL makes one. */
	struct tcpk_tls_config *tls;
	/* The same of its proxies, of tcpk_via_new. */
	const struct tcpk_via  *via;
	/*
	 * What a PROXY header (proxy-protocol) says; NULL: it gives the two
	 * ends of this connection itself.  Looked at before start returns.
	 */
	const struct tcpk_proxy_from *from;
	/* NULL, or told what is odd in the endpoint's files, at the start. */
	void		      (*warning)(void *arg, const char *text);
};

/*
 * Would each connection be refused for what is asked: a service that does not
 * exist, options that the system does not take (but for an interface, which
 * may come)?  -1: TCPK_EUSAGE.  No name service is asked about the host, and
 * nothing is connected.
 */
int	tcpk_connect_check(const struct tcpk_endpoint *, struct tcpk_err *);

/*
 * Begin; the endpoint must stay until the end.  Calls back exactly once,
 * from the loop, never before this returns; connect_timeout bounds the whole,
 * a handshake included.  NULL: what can be refused at once was, TCPK_EUSAGE
 * or TCPK_EIO.
 */
struct tcpk_connect *tcpk_connect_start(struct tcpk_loop *,
	    const struct tcpk_endpoint *, const struct tcpk_connect_opts *,
	    void (*fn)(void *arg, const struct tcpk_connected *), void *arg,
	    struct tcpk_err *);

/* No callback will come. */
void	tcpk_connect_cancel(struct tcpk_connect *);

#endif
