/*
 * tls_path, private to what implements tls_trust_impl.h: the ways from a
 * leaf up to an anchor (tls_path.c), and what of a way is looked at besides
 * its signatures (tls_policy.c).
 */
#ifndef TLS_PATH_IMPL_H
#define TLS_PATH_IMPL_H

#include "tls_trust_impl.h"

/* What is taken of a peer. */
#define TCPK__CHAIN_CERTS	16
#define TCPK__CHAIN_EACH	(32 * 1024)
#define TCPK__CHAIN_BYTES	(64 * 1024)

/* Our own codes; BearSSL has those below 64 and above 255. */
#define TCPK__X509_MALFORMED	100
#define TCPK__X509_LIMIT	101
#define TCPK__X509_NO_MEMORY	102
#define TCPK__X509_PIN		103
#define TCPK__X509_WEAK_HASH	104
#define TCPK__X509_PURPOSE	105
#define TCPK__X509_CONSTRAINTS	106

struct tcpk__verdict {
	unsigned	code;	/* 0: trusted; ours, or BR_ERR_X509_* */
	struct tcpk_err	err;
};

/* Is always -1. */
#define TCPK__REFUSE(v, number, ...)					\
	((v)->code = (number),						\
	    tcpk_err_set(&(v)->err, TCPK_ETLS, __VA_ARGS__))

/* The tail is for a shared library with a larger context than its header. */
struct tcpk__minimal {
	br_x509_minimal_context	ctx;
	unsigned char		tail[256];
};

struct tcpk__path {
	/* The leaf, the issuer of each behind it. */
	const struct tcpk__cert	*certs[TCPK__CHAIN_CERTS];
	size_t			 n;
	/* The issuer of the last; or of the same name and key as the leaf. */
	const struct tcpk__cert	*anchor;
	bool			 direct;
};

/*
 * The first anchor with this subject, or with none the count; others with
 * the same subject follow it.
 */
size_t	tcpk__anchors_find(const struct tcpk__anchors *,
	    struct tcpk__span subject);
struct tcpk__span tcpk__anchors_der(const struct tcpk__anchors *, size_t i);

/*
 * Find a way from certs[0] to an anchor on which all is well but, perhaps,
 * the leaf's name: 0, and minimal has the leaf's key.  Else -1 and what is
 * wrong with the most promising one.
 */
int	tcpk__path_find(struct tcpk__minimal *, const struct tcpk__trust *,
	    int64_t now, const struct tcpk__cert *certs, size_t n,
	    struct tcpk__verdict *);

/* Dates, keys, hashes, key usages, lengths: all that is to be had cheaply. */
int	tcpk__path_check(const struct tcpk__path *, bool client, int64_t now,
	    struct tcpk__verdict *);

/*
 * Has the reason begin with which of the certificates it is about, unless
 * that is the leaf.  Always returns -1.
 */
int	tcpk__path_blame(const struct tcpk__path *, const struct tcpk__cert *,
	    struct tcpk__verdict *);

/* Name constraints, of the anchor as well.  After the signatures. */
int	tcpk__path_constraints(const struct tcpk__path *,
	    struct tcpk__verdict *);

/* Is the leaf for this name? */
int	tcpk__path_name(const struct tcpk__cert *leaf, const char *name,
	    struct tcpk__verdict *);

/* BearSSL's number of an elliptic curve, 0 for one that it does not have. */
int	tcpk__path_curve(const struct tcpk__cert *);

bool	tcpk__path_self_issued(const struct tcpk__cert *);

#endif
