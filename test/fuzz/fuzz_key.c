/*
 * fuzz_key: any bytes as the DER of a private key, and, if they begin as PEM
 * does, as a file of keys and certificates.  A key that is read has sizes
 * that fit its kind, and either signs or is refused.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tls_key_impl.h"

#define MAX_CERTS	8

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
need(int cond)
{
	if (!cond)
		abort();
}

static void
check_key(const struct tcpk__key *key)
{
	const br_rsa_private_key	*k = &key->rsa;

	need(key->secret != NULL && key->secret_len > 0);
	if (key->type == TCPK__KEY_EC) {
		need(key->ec.curve >= BR_EC_secp256r1 &&
		    key->ec.curve <= BR_EC_secp521r1);
		need(key->ec.x == key->secret && key->ec.xlen <= 66 &&
		    key->ec.xlen == key->secret_len);
		return;
	}
	need(key->type == TCPK__KEY_RSA);
	need(k->n_bitlen >= 2048 && k->n_bitlen <= 4096);
	need(k->p == key->secret && k->plen <= 256 && k->qlen <= 256);
	need(k->iq + k->iqlen == key->secret + key->secret_len);
}

static void
check_der(const char *label, const uint8_t *data, size_t size,
    const struct tcpk__cert *certs, size_t n)
{
	struct tcpk__key	key;
	struct tcpk_err		err;
	size_t			order[MAX_CERTS];
	int			r;

	memset(&err, 0, sizeof(err));
	if (tcpk__key_decode(&key, label, data, size, &err) == -1) {
		need(err.kind == TCPK_EUSAGE && err.text[0] != '\0');
		need(key.secret == NULL);
		return;
	}
	check_key(&key);
	r = tcpk__chain_order(order, certs, n, &key, &err);
	need(r <= (int)n && (r >= 0 || err.kind == TCPK_EUSAGE));
	if (r > 0)
		tcpk__chain_signer(&certs[order[0]]);
	tcpk__key_wipe(&key);
	need(key.secret == NULL);
}

/* The keys with each other's certificates, as a file would have them. */
static void
check_pem(const uint8_t *data, size_t size)
{
	struct tcpk__cert	 certs[MAX_CERTS];
	struct tcpk__pem	 pem;
	struct tcpk__pem_object	 o;
	unsigned char		*der = malloc(TCPK__PEM_ROOM(size));
	unsigned char		*to = der;
	size_t			 n = 0;

	need(der != NULL);
	tcpk__pem_init(&pem, (const char *)data, size);
	while (n < MAX_CERTS && tcpk__pem_next(&pem, &o, to, NULL) == 1) {
		if (tcpk__cert_parse(&certs[n], to, o.n, NULL) == 0) {
			n++;
			to += o.n;
		} else
			check_der(o.label, to, o.n, certs, n);
	}
	free(der);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 0 && data[0] == '-')
		check_pem(data, size);
	else
		check_der("PRIVATE KEY", data, size, NULL, 0);
	return 0;
}
