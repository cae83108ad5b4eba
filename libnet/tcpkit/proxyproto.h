/*
 * proxyproto: the header of the PROXY protocol, versions 1 and 2, by which a
 * proxy says ahead of all else whose connection it passes on.
 *
 * The reader is strict.  What is not exactly such a header is malformed, as
 * soon as that can be told, and nothing is guessed: whether a header is to
 * come is the caller's to know, and whether its sender may be believed, too.
 *
 * Not here: reading and writing.  Pure.
 */
#ifndef TCPKIT_PROXYPROTO_H
#define TCPKIT_PROXYPROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <tcpkit/addr.h>
#include <tcpkit/err.h>

/* Bytes of the longest header that is read; of the longest that is built. */
#define TCPK_PROXYPROTO_MAX	4096
#define TCPK_PROXYPROTO_ROOM	2048

struct tcpk_proxyproto {
	unsigned	version;	/* 1 or 2 */
	/*
	 * The client and what it connected to; of len 0 when the header gives
	 * no addresses (UNKNOWN, LOCAL, UNSPEC): then those of the connection
	 * itself hold.
	 */
	struct tcpk_addr from, to;
};

/*
 * Read the header that these bytes begin with.  Returns its length, the rest
 * is payload; 0 when all n bytes are of a header that goes on behind them; or
 * -1 (TCPK_ECUT) when no bytes that follow could make it one.
 *
 * Version 1: a line of at most 107 bytes, with its CRLF.  Version 2: at most
 * TCPK_PROXYPROTO_MAX bytes; behind addresses, TLVs have to be well-formed and
 * the CRC32c right where there is one, but what else they say is passed over.
 * IPv4-mapped IPv6 addresses are IPv4.
 */
ssize_t	tcpk_proxyproto_parse(struct tcpk_proxyproto *, const void *, size_t n,
	    struct tcpk_err *);

/* What the client's own TLS agreed on.  Texts of up to 255 bytes, or NULL. */
struct tcpk_proxyproto_tls {
	const char	*version;	/* "TLSv1.2" */
	const char	*cipher;
	const char	*alpn;
	const char	*name;		/* the one that was asked for (SNI) */
	bool		 resumed;
	bool		 cert;		/* the client has shown a certificate */
	bool		 verified;	/* and it is trusted */
	const char	*cn;		/* the common name in it */
};

/* A header to send. */
struct tcpk_proxyproto_out {
	unsigned	version;	/* 1 or 2 */
	struct tcpk_addr from, to;
	const struct tcpk_proxyproto_tls *tls;	/* NULL: none; version 2 */
	bool		crc;		/* with a CRC32c; version 2 */
};

/*
 * Build it; returns its length.  Two addresses of which one is IPv4 and the
 * other IPv6 become IPv6, those that cannot be said (none, a Unix socket in
 * version 1 or beside an IP address) become UNKNOWN or UNSPEC.
 */
size_t	tcpk_proxyproto_build(const struct tcpk_proxyproto_out *,
	    unsigned char buf[TCPK_PROXYPROTO_ROOM]);

#endif
