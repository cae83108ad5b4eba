/*
 * tls_identity, private: a certificate chain and the private key that fits
 * it, from PEM files (tls_identity.c, tls_key.c) or made for this run
 * (tls_selfsigned.c, tls_derwrite.c).  The key is wiped when it is freed.
 */
#ifndef TLS_IDENTITY_IMPL_H
#define TLS_IDENTITY_IMPL_H

#include <bearssl.h>

#include "tls_cert_impl.h"

/* A private key.  The bytes it points to are its own. */
struct tcpk__key {
	enum tcpk__key_type type;	/* TCPK__KEY_RSA or TCPK__KEY_EC */
	br_rsa_private_key  rsa;
	br_ec_private_key   ec;
	unsigned char	   *secret;	/* what rsa or ec point into */
	size_t		    secret_len;
};

struct tcpk__identity {
	br_x509_certificate *chain;	/* leaf first */
	size_t		     nchain;
	struct tcpk__cert    leaf;	/* of chain[0] */
	struct tcpk__key     key;
	int		     issuer_key; /* BR_KEYTYPE_RSA or _EC: what
					  * signed the leaf */
};

/*
 * Read a chain and a key; key_file may be NULL: then the key is in cert_file.
 * Certificates may come in any order: the leaf is the one that the key fits,
 * and its issuers follow it.  Refused, with the file and the reason
 * (TCPK_EUSAGE): no certificate, no key, a key that fits none of the
 * certificates, an encrypted key, a kind of key that is not supported,
 * malformed PEM or DER; and a file that cannot be read (TCPK_EIO).  warn (may
 * be NULL) is told of a key file that others may read, and of a certificate
 * that has expired or is not valid yet.
 */
struct tcpk__identity *tcpk__identity_load(const char *cert_file,
	    const char *key_file, void (*warn)(void *arg, const char *text),
	    void *arg, struct tcpk_err *);

/*
 * A P-256 key and a certificate signed by it, valid from an hour ago for a
 * year, for these names (DNS or numeric; the first is the common name), both
 * serverAuth and clientAuth.  NULL: TCPK_EIO.
 */
struct tcpk__identity *tcpk__identity_self_signed(
	    const char *const names[], size_t n, struct tcpk_err *);

/* Wipes the key.  NULL is fine. */
void	tcpk__identity_free(struct tcpk__identity *);

#endif
