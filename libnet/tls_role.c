/*
 * A client's or a server's part in a handshake: what is offered, which
 * certificate answers, which session is taken up again.
 *
 * Setting an engine up takes BearSSL some 60 microseconds, most of them for
 * asking the processor what it can do: it is done once, and the template
 * copied.  A template has never seen randomness, so two copies share none.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tls_impl.h"

/* A session is taken up again for this long, in seconds. */
#define SESSION_LIFE	3600

/* A signature of P-521 in ASN.1. */
#define MAX_ECDSA	144

static const br_hash_class *const	hashes[] = {
	&br_sha256_vtable, &br_sha384_vtable, &br_sha512_vtable
};

static const br_hash_class *
hash_of(unsigned id)
{
	size_t	i;

	for (i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++)
		if ((hashes[i]->desc >> BR_HASHDESC_ID_OFF &
		    BR_HASHDESC_ID_MASK) == id)
			return hashes[i];
	return NULL;
}

/* RFC 8017, appendix B.1; the length comes first, as BearSSL has it. */
static const unsigned char *
hash_oid(unsigned id)
{
	static const unsigned char	oids[][10] = {
		{ 9, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01 },
		{ 9, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02 },
		{ 9, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03 },
	};

	switch (id) {
	case br_sha256_ID:
		return oids[0];
	case br_sha384_ID:
		return oids[1];
	case br_sha512_ID:
		return oids[2];
	}
	return NULL;
}

/* The hash to sign with: of those the peer takes, the shortest. */
static unsigned
choose_hash(uint32_t bits)
{
	static const unsigned	ids[] = {
		br_sha256_ID, br_sha384_ID, br_sha512_ID
	};
	size_t			i;

	for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		if ((bits & 1u << ids[i]) != 0)
			return ids[i];
	return 0;
}

unsigned
tcpk__role_hash(const struct tcpk__identity *id, uint32_t bits)
{
	return choose_hash(id->key.type == TCPK__KEY_RSA ? bits & 0xff :
	    bits >> 8 & 0xff);
}

size_t
tcpk__role_sign(const struct tcpk__identity *id, unsigned hash_id, unsigned char *data,
    size_t hash_len, size_t room)
{
	unsigned char		 hash[64], sig[MAX_ECDSA];
	const br_hash_class	*hc = hash_of(hash_id);
	const unsigned char	*oid = hash_oid(hash_id);
	size_t			 n;

	if (hc == NULL || oid == NULL || hash_len > sizeof(hash))
		return 0;
	memcpy(hash, data, hash_len);
	if (id->key.type == TCPK__KEY_RSA) {
		n = (id->key.rsa.n_bitlen + 7) / 8;
		if (n > room || !br_rsa_pkcs1_sign_get_default()(oid, hash,
		    hash_len, &id->key.rsa, data))
			return 0;
		return n;
	}
	n = br_ecdsa_sign_asn1_get_default()(br_ec_get_default(), hc, hash,
	    &id->key.ec, sig);
	if (n == 0 || n > room)
		return 0;
	memcpy(data, sig, n);
	return n;
}

/* --- the client's certificate -------------------------------------------- */

static struct tcpk__role *
of_auth(const br_ssl_client_certificate_class **p)
{
	return (struct tcpk__role *)((char *)(uintptr_t)p -
	    offsetof(struct tcpk__role, auth));
}

/* The names of authorities a server sends are advice: we have one chain. */
static void
auth_ignore(const br_ssl_client_certificate_class **p)
{
	(void)p;
}

static void
auth_start_name(const br_ssl_client_certificate_class **p, size_t len)
{
	(void)p;
	(void)len;
}

static void
auth_append_name(const br_ssl_client_certificate_class **p,
    const unsigned char *data, size_t len)
{
	(void)p;
	(void)data;
	(void)len;
}

static void
auth_choose(const br_ssl_client_certificate_class **p,
    const br_ssl_client_context *cc, uint32_t types,
    br_ssl_client_certificate *choices)
{
	struct tcpk__role	*r = of_auth(p);
	unsigned		 hash = 0;

	(void)cc;
	r->asked = true;
	r->id = r->config->nids > 0 ? r->config->ids[0] : NULL;
	if (r->id != NULL)
		hash = tcpk__role_hash(r->id, types);
	choices->chain = hash != 0 ? r->id->chain : NULL;
	choices->chain_len = hash != 0 ? r->id->nchain : 0;
	choices->hash_id = (int)hash;
	choices->auth_type = r->id != NULL &&
	    r->id->key.type == TCPK__KEY_RSA ? BR_AUTH_RSA : BR_AUTH_ECDSA;
}

static uint32_t
auth_keyx(const br_ssl_client_certificate_class **p, unsigned char *data,
    size_t *len)
{
	(void)p;
	(void)data;
	(void)len;
	return 0;	/* static ECDH is not offered */
}

static size_t
auth_sign(const br_ssl_client_certificate_class **p, int hash,
    size_t hash_len, unsigned char *data, size_t room)
{
	return tcpk__role_sign(of_auth(p)->id, (unsigned)hash, data, hash_len, room);
}

static const br_ssl_client_certificate_class	auth_class = {
	sizeof(struct tcpk__role), auth_ignore, auth_start_name,
	auth_append_name, auth_ignore, auth_ignore, auth_choose, auth_keyx,
	auth_sign
};

/* --- templates ------------------------------------------------------------ */

/*
 * AES in hardware is seven times as fast as ChaCha20, and the latter several
 * times as fast as AES in software that takes constant time.
 */
static void
set_suites(br_ssl_engine_context *eng)
{
	static const uint16_t	aes_first[] = {
		BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
		BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
		BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
	};
	static const uint16_t	chacha_first[] = {
		BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
		BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
		BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
	};
	bool			fast_aes;

	fast_aes = br_ghash_pclmul_get() != 0 &&
	    br_aes_x86ni_ctr_get_vtable() != NULL;
	br_ssl_engine_set_suites(eng, fast_aes ? aes_first : chacha_first,
	    sizeof(aes_first) / sizeof(aes_first[0]));
}

void
tcpk__role_template(struct tcpk_tls_config *c)
{
	br_ssl_engine_context	*eng = &c->template.eng;
	/* A later BearSSL of the same name has a larger one. */
	struct {
		br_x509_minimal_context ctx;
		unsigned char		pad[256];
	} unused;
	uint32_t		 flags = BR_OPT_NO_RENEGOTIATION;

	if (c->server) {
		br_ssl_server_init_full_rsa(&c->template.server, NULL, 0,
		    NULL);
		flags |= BR_OPT_ENFORCE_SERVER_PREFERENCES |
		    BR_OPT_FAIL_ON_ALPN_MISMATCH;
		if (c->authenticate)
			br_ssl_server_set_trust_anchor_names(
			    &c->template.server, c->ca_names,
			    tcpk__anchors_count(c->anchors));
	} else
		br_ssl_client_init_full(&c->template.client, &unused.ctx,
		    NULL, 0);
	br_ssl_engine_set_versions(eng, BR_TLS12, BR_TLS12);
	set_suites(eng);
	br_ssl_engine_set_hash(eng, br_md5_ID, NULL);
	br_ssl_engine_set_hash(eng, br_sha1_ID, NULL);
	br_ssl_engine_set_hash(eng, br_sha224_ID, NULL);
	br_ssl_engine_set_default_rsavrfy(eng);
	br_ssl_engine_set_default_ecdsa(eng);
	br_ssl_engine_set_all_flags(eng, flags);
	br_ssl_engine_set_protocol_names(eng, c->alpn, c->nalpn);
	/* We bring randomness along: BearSSL need not ask the processor. */
	eng->rng_os_rand_done = 1;
	if (c->server && c->resume)
		c->sessions = tcpk__sessions_new();
}

void
tcpk__role_forget(struct tcpk_tls_config *c)
{
	tcpk__sessions_free(c->sessions);
	free(c->session.cert);
	explicit_bzero(&c->session, sizeof(c->session));
}

/* --- one connection ------------------------------------------------------- */

static int
inject_entropy(br_ssl_engine_context *eng, struct tcpk_err *err)
{
	unsigned char	seed[32];

	if (getentropy(seed, sizeof(seed)) == -1)
		return tcpk_err_errno(err, TCPK_EIO, errno, "random numbers");
	br_ssl_engine_inject_entropy(eng, seed, sizeof(seed));
	explicit_bzero(seed, sizeof(seed));
	return 0;
}

static bool
start_client(struct tcpk__role *r)
{
	struct tcpk_tls_config	*c = r->config;
	bool			 again;

	r->offered = again = c->session.until > (int64_t)time(NULL);
	/* Another connection may put its session in this one's place. */
	if (again) {
		br_ssl_engine_set_session_parameters(&r->ctx.eng,
		    &c->session.params);
		r->offered_cert = *c->session.cert;
		r->offered_doubt = c->session.doubt;
	}
	r->auth = &auth_class;
	br_ssl_client_set_client_certificate(&r->ctx.client, &r->auth);
	return br_ssl_client_reset(&r->ctx.client, c->sni ? c->name : NULL,
	    again) != 0;
}

static bool
start_server(struct tcpk__role *r)
{
	r->policy = &tcpk__policy_class;
	br_ssl_server_set_policy(&r->ctx.server, &r->policy);
	if (r->config->sessions != NULL) {
		r->cache = &tcpk__cache_class;
		br_ssl_server_set_cache(&r->ctx.server, &r->cache);
	}
	return br_ssl_server_reset(&r->ctx.server) != 0;
}

int
tcpk__role_start(struct tcpk__role *r, struct tcpk_tls_config *c,
    struct tcpk_err *err)
{
	r->config = c;
	if (inject_entropy(&r->ctx.eng, err) == -1)
		return -1;
	if (c->server ? start_server(r) : start_client(r))
		return 0;
	return tcpk_err_set(err, TCPK_EIO, "TLS: BearSSL error %d",
	    br_ssl_engine_last_error(&r->ctx.eng));
}

void
tcpk__role_keep_session(struct tcpk__role *r,
    const struct tcpk_tls_info *info, const struct tcpk_err *doubt,
    int64_t until)
{
	struct tcpk__session	*s = &r->config->session;
	int64_t			 now = (int64_t)time(NULL);

	if (!r->config->resume || info->cert == NULL)
		return;
	free(s->cert);
	s->until = 0;
	s->cert = malloc(sizeof(*s->cert));
	if (s->cert == NULL)
		return;
	*s->cert = *info->cert;
	s->doubt = *doubt;
	br_ssl_engine_get_session_parameters(&r->ctx.eng, &s->params);
	if (s->params.session_id_len == 0)
		return;
	s->until = until < now + SESSION_LIFE ? until : now + SESSION_LIFE;
}
