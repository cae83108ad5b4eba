/*
 * Private to tls_*.c: a strict reader of DER (X.690), and what little the
 * readers of certificates share.  A span is read from its front: what was
 * read is taken off, and whoever is done looks whether anything is left.
 * Each call is false when the bytes are not what was asked for; the span may
 * then be in between and is of no more use.
 *
 * Not here: tags with a number above 30, indefinite lengths, lengths that
 * are longer than need be or reach beyond the span.  All of them are false.
 */
#ifndef TLS_DER_IMPL_H
#define TLS_DER_IMPL_H

#include "tls_cert_impl.h"

#define DER_BOOLEAN		0x01
#define DER_INTEGER		0x02
#define DER_BITS		0x03
#define DER_OCTETS		0x04
#define DER_NULL		0x05
#define DER_OID			0x06
#define DER_UTF8		0x0c
#define DER_NUMERIC		0x12
#define DER_PRINTABLE		0x13
#define DER_T61			0x14
#define DER_IA5			0x16
#define DER_UTC_TIME		0x17
#define DER_TIME		0x18
#define DER_VISIBLE		0x1a
#define DER_UNIVERSAL		0x1c
#define DER_BMP			0x1e
#define DER_SEQUENCE		0x30
#define DER_SET			0x31
/* The i-th of the tags that depend on their context. */
#define DER_CONTEXT(i)		(0x80 | (i))
#define DER_EXPLICIT(i)		(0xa0 | (i))

/* The kinds of GeneralName that are looked into, RFC 5280. */
#define NAME_DNS		DER_CONTEXT(2)
#define NAME_DIRECTORY		DER_EXPLICIT(4)
#define NAME_IP			DER_CONTEXT(7)

/* One element: its contents, and the same with tag and length. */
struct tcpk__tlv {
	unsigned	  tag;
	struct tcpk__span body, whole;
};

/* Any element; false at the end as well. */
bool	tcpk__der_next(struct tcpk__span *, struct tcpk__tlv *);

/* Does one with this tag follow? */
bool	tcpk__der_is(const struct tcpk__span *, unsigned tag);

/* The contents of the one with this tag. */
bool	tcpk__der_get(struct tcpk__span *, unsigned tag, struct tcpk__span *);

/* An object identifier, its contents. */
bool	tcpk__der_oid(struct tcpk__span *, struct tcpk__span *);

/* 00 or FF. */
bool	tcpk__der_bool(struct tcpk__span *, bool *);

/* An INTEGER of any size, in as few bytes as it needs; its contents. */
bool	tcpk__der_integer(struct tcpk__span *, struct tcpk__span *);

/* The same, above 0, without the zero that keeps it from being negative. */
bool	tcpk__der_positive(struct tcpk__span *, struct tcpk__span *);

/* The same, from 0 to INT_MAX. */
bool	tcpk__der_small(struct tcpk__span *, int *);

/* A BIT STRING of whole bytes, one at least: these. */
bool	tcpk__der_octets_in_bits(struct tcpk__span *, struct tcpk__span *);

/*
 * UTCTime YYMMDDHHMMSSZ (1950 to 2049) or GeneralizedTime YYYYMMDDHHMMSSZ,
 * as seconds since 1970.
 */
bool	tcpk__der_time(struct tcpk__span *, int64_t *);

/*
 * Extensions, what is in their [3], for tcpk__cert_parse (tls_extension.c).
 * NULL, or what is wrong.
 */
const char *tcpk__cert_extensions(struct tcpk__cert *, struct tcpk__span);

/* Letters of ASCII, whatever the locale (tls_names.c). */
int	tcpk__lower(int);

bool	tcpk__span_equal(struct tcpk__span, struct tcpk__span);

/* A span over a string literal, for tables. */
#define SPAN(s)		{ (const unsigned char *)(s), sizeof(s) - 1 }

#endif
