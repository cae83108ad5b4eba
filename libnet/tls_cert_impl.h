/*
 * tls_cert, private: what a certificate says (tls_der.c, tls_cert.c,
 * tls_extension.c) and how that is shown (tls_text.c), the names it is good
 * for (tls_names.c, tls_constraints.c), the pin of its key (tls_pin.c), and
 * the PEM files it comes from (tls_pem.c).
 *
 * Pure: bytes in, values out.  All of it parses what a peer sent: every
 * length is checked before it is used, nothing is copied, nothing recurses.
 * The spans point into the DER, which must stay.
 */
#ifndef TLS_CERT_IMPL_H
#define TLS_CERT_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tcpkit/err.h"
#include "tcpkit/tls.h"

struct tcpk__span {
	const unsigned char *p;		/* NULL: not there */
	size_t		     n;
};

/* Key usages, RFC 5280 section 4.2.1.3: bit i is 1 << i. */
#define TCPK__KU_DIGITAL_SIGNATURE	(1u << 0)
#define TCPK__KU_CERT_SIGN		(1u << 5)

/* Extended key usages, RFC 5280 section 4.2.1.12. */
#define TCPK__EKU_ANY		1u
#define TCPK__EKU_SERVER	2u
#define TCPK__EKU_CLIENT	4u
#define TCPK__EKU_OTHER		8u

enum tcpk__key_type { TCPK__KEY_RSA, TCPK__KEY_EC, TCPK__KEY_OTHER };

struct tcpk__cert {
	struct tcpk__span der;		/* the whole certificate */
	struct tcpk__span serial;	/* contents */
	struct tcpk__span issuer;	/* the Name, tag and length included */
	struct tcpk__span subject;	/* the same */
	struct tcpk__span spki;		/* SubjectPublicKeyInfo, the same */
	struct tcpk__span key;		/* EC: the point; RSA: the modulus
					 * without leading zeros */
	struct tcpk__span curve;	/* EC: contents of the curve's OID */
	struct tcpk__span san;		/* contents of the GeneralNames */
	struct tcpk__span constraints;	/* contents of NameConstraints */
	int64_t		  not_before, not_after;	/* seconds, UTC */
	enum tcpk__key_type key_type;
	unsigned	  key_bits;	/* RSA: of the modulus; EC: of the field */
	unsigned	  version;	/* 1 to 3 */
	unsigned	  usage;	/* TCPK__KU_*; all ones: not said */
	unsigned	  ext_usage;	/* TCPK__EKU_*; 0: not said */
	int		  pathlen;	/* -1: no limit */
	bool		  ca;		/* basicConstraints say so */
	bool		  sha1;		/* signed over SHA-1, or weaker */
};

/*
 * Read one certificate strictly: DER of RFC 5280 and nothing behind it, each
 * extension at most once.  Extensions that are not known here are skipped,
 * critical or not (br_x509_minimal refuses critical ones).  -1: TCPK_ETLS,
 * "malformed certificate: WHAT".
 */
int	tcpk__cert_parse(struct tcpk__cert *, const void *der, size_t n,
	    struct tcpk_err *);

/*
 * Is it good for this host, by its subjectAltName alone (RFC 6125, RFC 9525;
 * the common name says nothing)?  An IPv4 or IPv6 address (numeric, without
 * brackets; a zone after % is not compared) is looked for among the iPAddress
 * names only, anything else among the dNSNames only, without regard to case.
 * A wildcard is one whole left-most label, stands for exactly one label, and
 * has at least two labels behind it.
 */
bool	tcpk__cert_is_for(const struct tcpk__cert *, const char *host);

/*
 * May this host name be asked for at all?  Bounds RFC 1123 with underscores:
 * labels of 1 to 63 letters, digits, - and _, 253 in all; one dot at the end
 * is dropped.  What is a number, or ends in one, is no name.  Writes what to
 * ask for (SNI) and compare.  -1: TCPK_EUSAGE.
 */
#define TCPK__HOST	256
int	tcpk__host_check(char out[TCPK__HOST], const char *host,
	    struct tcpk_err *);

/* Is the text a numeric address?  Then family AF_INET, AF_INET6; else 0. */
int	tcpk__host_ip(const char *host, unsigned char out[16]);

/*
 * Does leaf keep within the name constraints of one of its issuers (RFC
 * 5280, section 4.2.1.10)?  Honoured for dNSName, iPAddress and, byte by
 * byte, directoryName, of which the subject is one; constraints of other
 * kinds that the leaf has names of are refused.  -1: TCPK_ETLS.
 */
int	tcpk__names_within(const struct tcpk__cert *leaf,
	    struct tcpk__span constraints, struct tcpk_err *);

/*
 * As text for people, what does not print escaped as \xNN; cut with "..."
 * where it would not fit.  A distinguished name as RFC 4514 orders and
 * separates it ("CN=example.org,O=Example"); names joined by ", "
 * ("example.org, *.example.org, 192.0.2.1"), "" if there are none; a key as
 * "RSA 2048", "EC P-256".
 */
void	tcpk__dn_format(struct tcpk__span name, char *buf, size_t size);
void	tcpk__names_format(const struct tcpk__cert *, char *buf, size_t size);
void	tcpk__key_format(const struct tcpk__cert *, char *buf, size_t size);

/*
 * The i-th dNSName, from 0, for choosing a certificate by name; false after
 * the last.
 */
bool	tcpk__cert_dns(const struct tcpk__cert *, size_t i,
	    struct tcpk__span *name);

/* What a user of the seam is shown; NULL: no memory.  Free with free(3). */
struct tcpk_tls_cert *tcpk__cert_describe(const struct tcpk__cert *);

/* A pin is the SHA-256 of the SubjectPublicKeyInfo (RFC 7469). */
#define TCPK__PIN	32
#define TCPK__PIN_TEXT	64
void	tcpk__pin_of(const struct tcpk__cert *, unsigned char pin[TCPK__PIN]);

/* "sha256//BASE64", as curl writes it. */
const char *tcpk__pin_format(const unsigned char pin[TCPK__PIN],
	    char buf[TCPK__PIN_TEXT]);

/* -1: TCPK_EUSAGE. */
int	tcpk__pin_parse(unsigned char pin[TCPK__PIN], const char *text,
	    size_t n, struct tcpk_err *);

/*
 * PEM (RFC 7468), leniently where files differ: LF or CRLF, with or without
 * a newline at the end, text between objects, Proc-Type headers.  An
 * iterator over a text that stays.
 */
struct tcpk__pem {
	const char	*p, *end;
	unsigned	 line;		/* of p, from 1 */
};

struct tcpk__pem_object {
	char		 label[40];	/* "CERTIFICATE"; longer ones are cut */
	bool		 encrypted;	/* Proc-Type: 4,ENCRYPTED */
	unsigned	 line;		/* where it begins */
	size_t		 n;		/* bytes of DER */
};

void	tcpk__pem_init(struct tcpk__pem *, const char *text, size_t n);

/*
 * The next object, decoded to der, which has room for three quarters of the
 * text that is left (TCPK__PEM_ROOM).  1, 0 at the end, -1: TCPK_EUSAGE, the
 * text says in which line and what.
 */
#define TCPK__PEM_ROOM(n)	((n) / 4 * 3 + 3)
int	tcpk__pem_next(struct tcpk__pem *, struct tcpk__pem_object *,
	    unsigned char *der, struct tcpk_err *);

/*
 * Read a whole file of at most max bytes.  NULL: "FILE: reason", TCPK_EIO, or
 * TCPK_EUSAGE for one that is longer.  Wipe with explicit_bzero what may
 * hold a key; free with free(3).
 */
char   *tcpk__file_read(const char *file, size_t max, size_t *n,
	    struct tcpk_err *);

#endif
