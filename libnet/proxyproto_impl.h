/*
 * proxyproto, private: which version it is (proxyproto.c), the line
 * (proxyproto_v1.c), the binary header (proxyproto_v2.c) and what may follow
 * its addresses (proxyproto_tlv.c).
 */
#ifndef PROXYPROTO_IMPL_H
#define PROXYPROTO_IMPL_H

#include <stdint.h>

#include "tcpkit/proxyproto.h"

#define V2_SIGNATURE	"\r\n\r\n\0\r\nQUIT\n"
#define V2_NSIGNATURE	12
#define V2_NFIXED	16	/* signature, version and command, family, length */

/* The text says what is wrong with it.  -1. */
int	tcpk__proxyproto_bad(struct tcpk_err *, const char *why);

/* As tcpk_proxyproto_parse, once it is known which one it is. */
ssize_t	tcpk__proxyproto_parse1(struct tcpk_proxyproto *,
	    const unsigned char *, size_t n, struct tcpk_err *);
ssize_t	tcpk__proxyproto_parse2(struct tcpk_proxyproto *,
	    const unsigned char *, size_t n, struct tcpk_err *);

/*
 * As tcpk_proxyproto_build, of two addresses of one family, or of len 0 both.
 */
size_t	tcpk__proxyproto_build1(const struct tcpk_addr *from,
	    const struct tcpk_addr *to, unsigned char *buf);
size_t	tcpk__proxyproto_build2(const struct tcpk_addr *from,
	    const struct tcpk_addr *to, const struct tcpk_proxyproto_out *,
	    unsigned char *buf);

/* A 16-bit number as it is sent. */
uint16_t tcpk__get16(const unsigned char *);
void	tcpk__put16(unsigned char *, size_t);

/* The TLVs of a whole header of n bytes, from byte at on.  0 or -1. */
int	tcpk__tlvs_check(const unsigned char *header, size_t at, size_t n,
	    struct tcpk_err *);

/* Put them behind the n bytes that are there; returns the new length. */
size_t	tcpk__tlvs_put(unsigned char *buf, size_t n,
	    const struct tcpk_proxyproto_tls *);

/* The last one, when the length in the header counts it already. */
#define TLV_NCRC	7
void	tcpk__tlvs_put_crc(unsigned char *buf, size_t n);

#endif
