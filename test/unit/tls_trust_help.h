/* tls_trust_help: chains of what pki.sh makes, put through the X.509 class. */
#ifndef TLS_TRUST_HELP_H
#define TLS_TRUST_HELP_H

#include "openssl.h"
#include "tls_trust_impl.h"

#define MAX_CERTS	24
#define NOW		INT64_C(1893456000)	/* 2030-01-01 */

/* A chain as it is sent. */
struct chain {
	unsigned char	*der[MAX_CERTS];
	size_t		 len[MAX_CERTS], n;
};

static unsigned	seed = 1;

/* The same numbers on all systems. */
static unsigned
rnd(unsigned below)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 8) % below;
}

static void
load_one(struct chain *c, const char *name)
{
	struct tcpk__pem	 pem;
	struct tcpk__pem_object	 o;
	struct tcpk_err		 err;
	char			 file[64], *text;
	size_t			 n;

	snprintf(file, sizeof(file), "%s.pem", name);
	text = contents(file, &n);
	c->der[c->n] = malloc(TCPK__PEM_ROOM(n));
	tcpk__pem_init(&pem, text, n);
	if (c->n == MAX_CERTS ||
	    tcpk__pem_next(&pem, &o, c->der[c->n], &err) != 1) {
		printf("Bail out! %s\n", file);
		exit(1);
	}
	/* As large as it is, for what looks for reads beyond. */
	c->der[c->n] = realloc(c->der[c->n], o.n);
	c->len[c->n++] = o.n;
	free(text);
}

static struct chain
load(const char *names)
{
	struct chain	 c = { .n = 0 };
	char		*copy = strdup(names), *save, *p;

	for (p = strtok_r(copy, " ", &save); p != NULL;
	    p = strtok_r(NULL, " ", &save))
		load_one(&c, p);
	free(copy);
	return c;
}

static void
unload(struct chain *c)
{
	while (c->n > 0)
		free(c->der[--c->n]);
}

static struct tcpk__anchors *
authorities(const char *names)
{
	struct tcpk__anchors	*a;
	struct tcpk_err		 err;
	char			 line[256], *copy = strdup(names), *save, *p;
	size_t			 n = 0;

	for (p = strtok_r(copy, " ", &save); p != NULL;
	    p = strtok_r(NULL, " ", &save))
		n += (size_t)snprintf(line + n, sizeof(line) - n, " %s.pem",
		    p);
	free(copy);
	make("cat%s >ca.list", line);
	a = tcpk__anchors_load("ca.list", &err);
	if (a == NULL)
		note("%s", err.text);
	return a;
}

/* As the engine does it; 0: it would go on. */
static unsigned
present(struct tcpk__verify *v, const struct chain *c)
{
	const br_x509_class	**x = tcpk__verify_x509(v);
	size_t			  i, at, n;

	(*x)->start_chain(x, "sni.test");
	for (i = 0; i < c->n; i++) {
		(*x)->start_cert(x, (uint32_t)c->len[i]);
		for (at = 0; at < c->len[i]; at += n) {
			n = 1 + rnd(rnd(4) == 0 ? 16 : 4096);
			if (n > c->len[i] - at)
				n = c->len[i] - at;
			(*x)->append(x, c->der[i] + at, n);
		}
		(*x)->end_cert(x);
	}
	return (*x)->end_chain(x);
}

/* Is the key that the engine gets the leaf's? */
static int
right_key(struct tcpk__verify *v, unsigned *usages)
{
	const br_x509_class	**x = tcpk__verify_x509(v);
	const struct tcpk__cert	 *leaf = tcpk__verify_cert(v);
	const br_x509_pkey	 *k;

	k = (*x)->get_pkey((const br_x509_class *const *)x, usages);
	if (k == NULL || leaf == NULL ||
	    (*x)->get_pkey((const br_x509_class *const *)x, NULL) != k)
		return 0;
	if (k->key_type == BR_KEYTYPE_EC)
		return leaf->key_type == TCPK__KEY_EC &&
		    k->key.ec.qlen == leaf->key.n &&
		    memcmp(k->key.ec.q, leaf->key.p, leaf->key.n) == 0;
	return leaf->key_type == TCPK__KEY_RSA &&
	    k->key.rsa.nlen == leaf->key.n &&
	    memcmp(k->key.rsa.n, leaf->key.p, leaf->key.n) == 0;
}

static int
no_key(struct tcpk__verify *v)
{
	const br_x509_class	**x = tcpk__verify_x509(v);

	return (*x)->get_pkey((const br_x509_class *const *)x, NULL) == NULL;
}

#endif
