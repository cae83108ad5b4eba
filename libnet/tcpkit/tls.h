/*
 * tls: the seam behind which an engine for TLS sits.  Nothing above knows
 * which engine it is; a build without one has tls_none.c, in which every
 * call fails with a message that says so.  A second engine is one more set
 * of files that defines what is declared here.
 *
 * A configuration is made once from an endpoint, with its files read and
 * checked; any number of connections use it.  It also keeps the sessions
 * that can be resumed, so it belongs to one loop.  A connection that has
 * begun outlives its configuration's free.
 */
#ifndef TCPKIT_TLS_H
#define TCPKIT_TLS_H

#include <tcpkit/endpoint.h>
#include <tcpkit/stream.h>

struct tcpk_tls_config;
struct tcpk_tls_start;

/* What a certificate says, as text; bytes that do not print are escaped. */
struct tcpk_tls_cert {
	char	subject[256];	/* "CN=example.org,O=Example" */
	char	issuer[256];
	char	names[512];	/* "example.org, 192.0.2.1"; "" none */
	char	key[32];	/* "EC P-256", "RSA 2048" */
	char	pin[64];	/* "sha256//BASE64" */
	int64_t	not_before, not_after;	/* seconds since 1970, UTC */
};

/* What was agreed.  Texts are NULL where there is nothing to say. */
struct tcpk_tls_info {
	const char	*version;	/* "TLSv1.2" */
	const char	*suite;		/* "ECDHE-RSA-AES128-GCM-SHA256" */
	const char	*alpn;
	const char	*sni;		/* the name that was asked for */
	bool		 resumed;
	/*
	 * The peer's certificate, or NULL if it presented none.  verified:
	 * it is trusted as the endpoint asks; with insecure it may not be.
	 */
	const struct tcpk_tls_cert *cert;
	bool		 verified;
	const char	*doubt;		/* why it is not */
};

/* Valid during the callback only, but for the stream. */
struct tcpk_tls_done {
	/* Plaintext, owned by the callee; NULL: see err. */
	struct tcpk_stream		*stream;
	/* TCPK_ETLS, TCPK_ECUT, TCPK_EIO. */
	struct tcpk_err			 err;
	/* What is known so far, also after a failure. */
	const struct tcpk_tls_info	*info;
};

/* Does this build speak TLS? */
bool	tcpk_tls_built(void);

/*
 * Check an endpoint's TLS options and read its files.  warn (may be NULL) is
 * told what is odd but no error (a key file that others may read) before
 * this returns.  NULL: with the file and the reason, TCPK_EUSAGE, or TCPK_EIO
 * if it cannot be read.
 */
struct tcpk_tls_config *tcpk_tls_config_new(const struct tcpk_endpoint *,
	    void (*warn)(void *arg, const char *text), void *arg,
	    struct tcpk_err *);
void	tcpk_tls_config_free(struct tcpk_tls_config *);

/*
 * The same after the endpoint's files may have changed; old stays as it is.
 * A key that was made for this run is kept, and so are a server's sessions,
 * which processes that are forked share.
 */
struct tcpk_tls_config *tcpk_tls_config_again(struct tcpk_tls_config *old,
	    const struct tcpk_endpoint *, void (*warn)(void *arg,
	    const char *text), void *arg, struct tcpk_err *);

/*
 * Our own certificate, the i-th from 0; NULL after the last.  The caller
 * frees it with free(3).
 */
struct tcpk_tls_cert *tcpk_tls_config_cert(const struct tcpk_tls_config *,
	    size_t i);

/*
 * Shake hands over a connected stream, which is taken.  Calls back exactly
 * once, from the loop, never before this returns.  The time limit is the
 * owner's: cancel, which closes the stream.  NULL: TCPK_EIO; then the stream
 * is still the caller's.
 */
struct tcpk_tls_start *tcpk_tls_start(struct tcpk_loop *,
	    struct tcpk_tls_config *, struct tcpk_stream *,
	    void (*fn)(void *arg, const struct tcpk_tls_done *), void *arg,
	    struct tcpk_err *);
void	tcpk_tls_cancel(struct tcpk_tls_start *);

/*
 * What was agreed on a stream from here, valid until it is freed; NULL for
 * a stream that is not TLS.
 */
const struct tcpk_tls_info *tcpk_tls_info(const struct tcpk_stream *);

#endif
