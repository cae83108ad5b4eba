/*
 * tls_trust, private: is this peer who it should be?  One X.509 class for
 * BearSSL's engine that buffers the chain under limits and judges it at its
 * end: pins, br_x509_minimal for signatures and dates, then everything that
 * does not look at (tls_trust.c); and the authorities it may start from
 * (tls_anchors.c).
 */
#ifndef TLS_TRUST_IMPL_H
#define TLS_TRUST_IMPL_H

#include <bearssl.h>

#include "tls_cert_impl.h"

/*
 * Trusted certificates from a PEM file, found by subject in a lazy index:
 * loading reads and indexes the file only (a fraction of a millisecond for a
 * system's bundle), a certificate's key is decoded when a chain asks for it.
 * NULL: TCPK_EUSAGE, "FILE: reason"; a file without a certificate is one; or
 * TCPK_EIO for one that cannot be read.
 */
struct tcpk__anchors;
struct tcpk__anchors *tcpk__anchors_load(const char *file,
	    struct tcpk_err *);
void	tcpk__anchors_free(struct tcpk__anchors *);
size_t	tcpk__anchors_count(const struct tcpk__anchors *);

/* The i-th subject, tag and length included, to ask a client for. */
struct tcpk__span tcpk__anchors_subject(const struct tcpk__anchors *,
	    size_t i);

/* Whom to trust.  Immutable; used by any number of connections at once. */
struct tcpk__trust {
	const struct tcpk__anchors *anchors;	/* NULL: none */
	const unsigned char (*pins)[TCPK__PIN];
	size_t		 npins;
	/*
	 * The peer is a client: its certificate must be for clientAuth, and
	 * no name is compared.  Else it must be for serverAuth and for name.
	 */
	bool		 client;
	const char	*name;		/* host name or numeric address */
	bool		 pin_only;	/* a pin that matches is enough */
	bool		 insecure;	/* accept all but a wrong pin */
	int64_t		 now;		/* for tests; 0: the clock's */
};

/* The judgement of one handshake's chain. */
struct tcpk__verify;
struct tcpk__verify *tcpk__verify_new(const struct tcpk__trust *);
void	tcpk__verify_free(struct tcpk__verify *);

/* For br_ssl_engine_set_x509. */
const br_x509_class **tcpk__verify_x509(struct tcpk__verify *);

/*
 * After the handshake, or after it failed.
 *
 * err: kind TCPK_OK: trusted.  TCPK_ETLS: why not, in words, without the
 * address and without what was presented: "certificate has expired (on
 * 2025-01-31)", "certificate is not for example.org (it is for a.test,
 * b.test)".  With insecure the handshake went on all the same.
 * alert: the number to send the peer if the handshake was refused.
 * cert: what was presented; NULL if nothing was, or nothing legible.
 */
const struct tcpk_err *tcpk__verify_err(const struct tcpk__verify *);
unsigned tcpk__verify_alert(const struct tcpk__verify *);
const struct tcpk__cert *tcpk__verify_cert(const struct tcpk__verify *);

#endif
