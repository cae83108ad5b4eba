/* A build without TLS has no digests. */

#include "tcpkit/digest.h"

struct tcpk_digest *
tcpk_digest_new(struct tcpk_err *err)
{
	tcpk_err_set(err, TCPK_EUSAGE, "built without TLS, and so without "
	    "SHA-256");
	return NULL;
}

void
tcpk_digest_add(struct tcpk_digest *d, const void *data, size_t n)
{
	(void)d;
	(void)data;
	(void)n;
}

char *
tcpk_digest_text(const struct tcpk_digest *d, char text[TCPK_DIGEST_TEXT])
{
	(void)d;
	text[0] = '\0';
	return text;
}

void
tcpk_digest_free(struct tcpk_digest *d)
{
	(void)d;
}
