#include <stdlib.h>

#include <bearssl.h>

#include "tcpkit/digest.h"

struct tcpk_digest {
	br_sha256_context	sha;
};

struct tcpk_digest *
tcpk_digest_new(struct tcpk_err *err)
{
	struct tcpk_digest	*d = malloc(sizeof(*d));

	if (d == NULL)
		tcpk_err_set(err, TCPK_EIO, "out of memory");
	else
		br_sha256_init(&d->sha);
	return d;
}

void
tcpk_digest_add(struct tcpk_digest *d, const void *data, size_t n)
{
	br_sha256_update(&d->sha, data, n);
}

char *
tcpk_digest_text(const struct tcpk_digest *d, char text[TCPK_DIGEST_TEXT])
{
	static const char	digits[] = "0123456789abcdef";
	unsigned char		sum[br_sha256_SIZE];
	size_t			i;

	br_sha256_out(&d->sha, sum);
	for (i = 0; i < sizeof(sum); i++) {
		text[2 * i] = digits[sum[i] >> 4];
		text[2 * i + 1] = digits[sum[i] & 15];
	}
	text[2 * i] = '\0';
	return text;
}

void
tcpk_digest_free(struct tcpk_digest *d)
{
	free(d);
}
