/*
 * What a server does in a handshake: it chooses a certificate by suite, curve
 * and name, and takes up sessions again.
 */

#include <stddef.h>
#include <stdlib.h>

#include "tcpkit/shared.h"
#include "tls_impl.h"

static struct tcpk__role *
of_policy(const br_ssl_server_policy_class **p)
{
	return (struct tcpk__role *)((char *)(uintptr_t)p -
	    offsetof(struct tcpk__role, policy));
}

static bool
fits(const struct tcpk__identity *id, const br_ssl_server_context *cc,
    unsigned keyx)
{
	uint32_t	hash_bits = br_ssl_server_get_client_hashes(cc);

	if (tcpk__role_hash(id, hash_bits) == 0)
		return false;
	if (id->key.type == TCPK__KEY_RSA)
		return keyx == BR_SSLKEYX_ECDHE_RSA;
	return keyx == BR_SSLKEYX_ECDHE_ECDSA &&
	    (br_ssl_server_get_client_curves(cc) >> id->key.ec.curve & 1) != 0;
}

static bool
choose_suite(struct tcpk__role *r, const br_ssl_server_context *cc,
    const struct tcpk__identity *id, br_ssl_server_choices *choices)
{
	const br_suite_translated	*st;
	size_t				 i, n;

	st = br_ssl_server_get_client_suites(cc, &n);
	for (i = 0; i < n; i++) {
		if (!fits(id, cc, st[i][1] >> 12))
			continue;
		r->id = id;
		choices->cipher_suite = st[i][0];
		choices->algo_id = 0xff00 + tcpk__role_hash(id,
		    br_ssl_server_get_client_hashes(cc));
		choices->chain = id->chain;
		choices->chain_len = id->nchain;
		return true;
	}
	return false;
}

/* For this name an EC key first: it costs a server half of RSA's. */
static int
policy_choose(const br_ssl_server_policy_class **p,
    const br_ssl_server_context *cc, br_ssl_server_choices *choices)
{
	static const enum tcpk__key_type	order[] = {
		TCPK__KEY_EC, TCPK__KEY_RSA
	};
	struct tcpk__role	*r = of_policy(p);
	const char		*name = br_ssl_engine_get_server_name(&cc->eng);
	const struct tcpk__identity *id;
	size_t			 i, j;

	/* A session may have been found that its suite ruled out. */
	r->resumed = false;

	for (j = 0; j < 2 && name[0] != '\0'; j++)
		for (i = 0; i < r->config->nids; i++) {
			id = r->config->ids[i];
			if (id->key.type == order[j] &&
			    tcpk__cert_is_for(&id->leaf, name) &&
			    choose_suite(r, cc, id, choices))
				return 1;
		}
	/* Nobody's name: the first certificate that the client can use. */
	for (i = 0; i < r->config->nids; i++)
		if (choose_suite(r, cc, r->config->ids[i], choices))
			return 1;
	return 0;
}

static uint32_t
policy_keyx(const br_ssl_server_policy_class **p, unsigned char *data,
    size_t *len)
{
	(void)p;
	(void)data;
	(void)len;
	return 0;	/* our suites are all ECDHE */
}

static size_t
policy_sign(const br_ssl_server_policy_class **p, unsigned algo,
    unsigned char *data, size_t hash_len, size_t room)
{
	if (algo < 0xff00)
		return 0;
	return tcpk__role_sign(of_policy(p)->id, algo & 0xff, data, hash_len, room);
}

const br_ssl_server_policy_class	tcpk__policy_class = {
	sizeof(struct tcpk__role), policy_choose, policy_keyx, policy_sign
};

/* 100 bytes for each of the sessions a server remembers. */
#define STORE	(256 * 1024)

struct cache {
	br_ssl_session_cache_lru lru;
	unsigned char		 store[STORE];
};

struct tcpk__sessions {
	struct tcpk_shared	*shared;
	unsigned		 refs;
};

struct tcpk__sessions *
tcpk__sessions_new(void)
{
	struct tcpk__sessions	*s = calloc(1, sizeof(*s));
	struct cache		*c;

	if (s == NULL)
		return NULL;
	s->refs = 1;
	s->shared = tcpk_shared_new(sizeof(*c), NULL);
	if (s->shared == NULL) {
		free(s);
		return NULL;
	}
	c = tcpk_shared_bytes(s->shared);
	br_ssl_session_cache_lru_init(&c->lru, c->store, STORE);
	return s;
}

void
tcpk__sessions_free(struct tcpk__sessions *s)
{
	if (s == NULL || --s->refs > 0)
		return;
	/* Not wiped: others may still use it, and the last unmaps it. */
	tcpk_shared_free(s->shared);
	free(s);
}

void
tcpk__sessions_inherit(struct tcpk_tls_config *c,
    const struct tcpk_tls_config *from)
{
	if (c->sessions == NULL || from->sessions == NULL)
		return;
	tcpk__sessions_free(c->sessions);
	c->sessions = from->sessions;
	c->sessions->refs++;
}

static struct tcpk__role *
of_cache(const br_ssl_session_cache_class **p)
{
	return (struct tcpk__role *)((char *)(uintptr_t)p -
	    offsetof(struct tcpk__role, cache));
}

/* The cache, locked; begun anew if who had it died in the middle. */
static const br_ssl_session_cache_class **
take(struct tcpk__sessions *s)
{
	struct cache	*c = tcpk_shared_bytes(s->shared);

	if (tcpk_shared_lock(s->shared) == -1)
		br_ssl_session_cache_lru_init(&c->lru, c->store, STORE);
	return &c->lru.vtable;
}

static void
cache_save(const br_ssl_session_cache_class **p, br_ssl_server_context *sc,
    const br_ssl_session_parameters *params)
{
	struct tcpk__sessions			*s =
	    of_cache(p)->config->sessions;
	const br_ssl_session_cache_class	**c = take(s);

	(*c)->save(c, sc, params);
	tcpk_shared_unlock(s->shared);
}

static int
cache_load(const br_ssl_session_cache_class **p, br_ssl_server_context *sc,
    br_ssl_session_parameters *params)
{
	struct tcpk__role			*r = of_cache(p);
	struct tcpk__sessions			*s = r->config->sessions;
	const br_ssl_session_cache_class	**c = take(s);

	r->resumed = (*c)->load(c, sc, params) != 0;
	tcpk_shared_unlock(s->shared);
	return r->resumed;
}

const br_ssl_session_cache_class	tcpk__cache_class = {
	sizeof(struct tcpk__role), cache_save, cache_load
};
