/*
 * digest: SHA-256 (FIPS 180-4) of bytes as they pass.  BearSSL's; a build
 * without TLS has none.
 */
#ifndef TCPKIT_DIGEST_H
#define TCPKIT_DIGEST_H

#include <stddef.h>

#include <tcpkit/err.h>

struct tcpk_digest;

/* 64 hexadecimal digits and a NUL. */
#define TCPK_DIGEST_TEXT	65

/* NULL: TCPK_EIO no memory, TCPK_EUSAGE built without TLS. */
struct tcpk_digest *tcpk_digest_new(struct tcpk_err *);

void	tcpk_digest_add(struct tcpk_digest *, const void *, size_t n);

/* Of all so far, in lower case; more may be added.  Returns text. */
char   *tcpk_digest_text(const struct tcpk_digest *,
	    char text[TCPK_DIGEST_TEXT]);

/* NULL is fine. */
void	tcpk_digest_free(struct tcpk_digest *);

#endif
