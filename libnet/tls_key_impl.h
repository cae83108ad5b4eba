/*
 * tls_key, private: one private key out of its DER (tls_key.c), and the
 * certificates that belong to it, in order (tls_chain.c).
 */
#ifndef TLS_KEY_IMPL_H
#define TLS_KEY_IMPL_H

#include "tls_identity_impl.h"

/*
 * Read "PRIVATE KEY" (PKCS#8), "RSA PRIVATE KEY" (PKCS#1) or "EC PRIVATE
 * KEY" (SEC 1): RSA of 2048 to 4096 bits, EC on P-256, P-384 or P-521.  The
 * key owns its bytes; the DER is left to be wiped by the caller.  -1:
 * TCPK_EUSAGE with what kind of key it is, or what is wrong with it, or
 * TCPK_EIO; then there is nothing to wipe.
 */
int	tcpk__key_decode(struct tcpk__key *, const char *label,
	    const unsigned char *der, size_t n, struct tcpk_err *);

/* Wipe and free its bytes.  A key of zeros is fine. */
void	tcpk__key_wipe(struct tcpk__key *);

/*
 * Which of these certificates to present with the key, as their numbers in
 * order (room for n): first the one that the key fits, which is valid now if
 * there is a choice, then its issuer and so on, without a self-signed root.
 * How many; 0: it fits none; -1: the key cannot sign (TCPK_EUSAGE).
 */
int	tcpk__chain_order(size_t *order, const struct tcpk__cert *certs,
	    size_t n, const struct tcpk__key *, struct tcpk_err *);

/* What kind of key signed it: BR_KEYTYPE_RSA, BR_KEYTYPE_EC, 0: another. */
int	tcpk__chain_signer(const struct tcpk__cert *);

#endif
