/*
 * tls_peer: a peer of one of our ends that is up to anything.  BearSSL's
 * engine shakes hands for it, a step at a time over a socket pair; then its
 * record contexts are in the test's hands, which seals whatever it likes.
 */
#ifndef TLS_PEER_H
#define TLS_PEER_H

#include "tls_ends.h"

enum { GCM, CHAPOL, SUITES };

/* An X.509 class that takes any certificate. */
struct accept {
	const br_x509_class	*vtable;
	br_x509_decoder_context	 decoder;
	unsigned char		 tail[64];
	unsigned char		 der[4096];
	size_t			 n;
	int			 certs;
};

static void
accept_chain(const br_x509_class **p, const char *name)
{
	struct accept	*a = (struct accept *)p;

	(void)name;
	a->n = 0;
	a->certs = 0;
}

static void
accept_cert(const br_x509_class **p, uint32_t n)
{
	(void)n;
	((struct accept *)p)->certs++;
}

static void
accept_append(const br_x509_class **p, const unsigned char *der, size_t n)
{
	struct accept	*a = (struct accept *)p;

	if (a->certs > 1 || a->n + n > sizeof(a->der))
		return;
	memcpy(a->der + a->n, der, n);
	a->n += n;
}

static void
accept_end(const br_x509_class **p)
{
	(void)p;
}

static unsigned
accept_judge(const br_x509_class **p)
{
	struct accept	*a = (struct accept *)p;

	br_x509_decoder_init(&a->decoder, NULL, NULL);
	br_x509_decoder_push(&a->decoder, a->der, a->n);
	return 0;
}

static const br_x509_pkey *
accept_key(const br_x509_class *const *p, unsigned *usages)
{
	struct accept	*a = (struct accept *)(uintptr_t)p;

	if (usages != NULL)
		*usages = BR_KEYTYPE_SIGN | BR_KEYTYPE_KEYX;
	return br_x509_decoder_get_pkey(&a->decoder);
}

static const br_x509_class	accept_class = {
	sizeof(struct accept), accept_chain, accept_cert, accept_append,
	accept_end, accept_judge, accept_key
};

/* --- the two sides -------------------------------------------------------- */

/* Ours: one configuration of each kind, and a session for each suite. */
static struct {
	struct tcpk_tls_config	*server, *client[SUITES];
	br_ssl_session_parameters session[SUITES];
	bool			 has_session[SUITES];
	br_ssl_session_cache_lru cache;		/* the hostile server's */
	unsigned char		 cache_store[4096];
} known;

static struct end	us;

static struct {
	union {
		br_ssl_engine_context	eng;
		br_ssl_client_context	client;
		br_ssl_server_context	server;
	} ctx;
	br_x509_minimal_context	 unused;
	unsigned char		 tail[256];
	struct accept		 accept;
	unsigned char		 ibuf[BR_SSL_BUFSIZE_INPUT];
	unsigned char		 obuf[BR_SSL_BUFSIZE_OUTPUT];
	int			 fd;
	bool			 client;	/* what it is */
	bool			 raw;		/* no engine at all */
	bool			 up;		/* it has shaken hands */
	bool			 deaf;
	int			 suite;
	size_t			 chunk;		/* to send in a turn */
	size_t			 limit;		/* to send before it ends */
	bool			 closes;	/* both ways, when it ends */
	bool			 ended;
	size_t			 flip;		/* byte to change */
	unsigned char		 flip_with;
	bool			 ccs;
	bool			 crumbs;	/* a record for each byte */
	struct tap		 out, in;
	size_t			 sent, parsed;
	uint64_t		 put, got;	/* of application data */
	size_t			 longest;	/* plaintext of one record */
	bool			 garbled;
	char			 said[512];	/* records of other types */
} it;

/* The application protocol it asks for, if it is a client. */
static const char	**offer;

/* Ours is the client, or the server. */
static void
oppose_raw(bool we_are_client, int suite)
{
	int	fd;

	memset(&it, 0, sizeof(it));
	it.client = !we_are_client;
	it.raw = true;
	it.chunk = it.limit = it.flip = SIZE_MAX;
	it.suite = suite;
	fd = make_pair(&it.fd);
	end_start(&us, we_are_client ? known.client[suite] : known.server, fd);
}

static void
oppose_server(br_ssl_engine_context *eng, bool resume)
{
	const struct tcpk__identity	*id = known.server->ids[0];

	br_ssl_server_init_full_ec(&it.ctx.server, id->chain, id->nchain,
	    BR_KEYTYPE_EC, &id->key.ec);
	if (resume)
		br_ssl_server_set_cache(&it.ctx.server, &known.cache.vtable);
	br_ssl_engine_set_buffers_bidi(eng, it.ibuf, sizeof(it.ibuf), it.obuf,
	    sizeof(it.obuf));
}

static void
oppose_client(br_ssl_engine_context *eng, bool resume, size_t fragment)
{
	br_ssl_client_init_full(&it.ctx.client, &it.unused, NULL, 0);
	it.accept.vtable = &accept_class;
	br_ssl_engine_set_x509(eng, &it.accept.vtable);
	br_ssl_engine_set_buffers_bidi(eng, it.ibuf,
	    fragment != 0 ? fragment + 325 : sizeof(it.ibuf), it.obuf,
	    fragment != 0 ? fragment + 85 : sizeof(it.obuf));
	if (offer != NULL)
		br_ssl_engine_set_protocol_names(eng, offer, 1);
	if (resume && known.has_session[it.suite])
		br_ssl_engine_set_session_parameters(eng,
		    &known.session[it.suite]);
}

/* fragment: what a client can take in one record; 0: all there may be. */
__attribute__((unused))
static void
oppose(bool we_are_client, int suite, bool resume, size_t fragment)
{
	static const uint16_t	suites[SUITES] = {
		BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
		BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
	};
	br_ssl_engine_context	*eng = &it.ctx.eng;

	oppose_raw(we_are_client, suite);
	it.raw = false;
	if (we_are_client)
		oppose_server(eng, resume);
	else
		oppose_client(eng, resume, fragment);
	br_ssl_engine_set_versions(eng, BR_TLS12, BR_TLS12);
	br_ssl_engine_set_suites(eng, &suites[suite], 1);
	br_ssl_engine_inject_entropy(eng, "no entropy at all", 17);
	if (we_are_client)
		br_ssl_server_reset(&it.ctx.server);
	else
		br_ssl_client_reset(&it.ctx.client, NULL,
		    resume && known.has_session[suite]);
}

/* --- what it sends -------------------------------------------------------- */

static void
say(const void *p, size_t n)
{
	tap_add(&it.out, p, n);
}

/* One record, authentic whatever it is. */
static void
seal(unsigned type, unsigned version, const void *data, size_t n)
{
	static unsigned char	buf[65536 + 64];
	const br_sslrec_out_class **out = (void *)&it.ctx.eng.out;
	unsigned char		*p = buf + 32;

	if (n > 0)
		memcpy(p, data, n);
	p = (*out)->encrypt(out, (int)type, version, p, &n);
	say(p, n);
}

__attribute__((unused))
static void
seal_data(size_t n)
{
	unsigned char	buf[40000];
	size_t		i;

	for (i = 0; i < n; i++)
		buf[i] = byte_at(0, it.put + i);
	it.put += n;
	seal(TCPK__RECORD_DATA, TCPK__TLS_VERSION, buf, n);
}

__attribute__((unused))
static void
seal_alert(unsigned level, unsigned alert)
{
	unsigned char	a[2] = { (unsigned char)level, (unsigned char)alert };

	seal(TCPK__RECORD_ALERT, TCPK__TLS_VERSION, a, 2);
}

__attribute__((unused))
static void
leave(void)
{
	if (it.fd != -1)
		close(it.fd);
	it.fd = -1;
}

/* Its end, at once or when so many bytes are sent. */
static void
end(void)
{
	it.ended = true;
	if (it.closes)
		leave();
	else if (it.fd != -1)
		shutdown(it.fd, SHUT_WR);
}

static void
flush(void)
{
	size_t	n = it.out.n - it.sent;
	ssize_t	put;

	if (n > it.chunk)
		n = it.chunk;
	if (n > it.limit - it.sent)
		n = it.limit - it.sent;
	if (n > 0 && it.fd != -1) {
		put = send(it.fd, it.out.bytes + it.sent, n,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (put > 0)
			it.sent += (size_t)put;
		else if (put == -1 && errno == EPIPE)
			it.sent = it.out.n;
	}
	if (it.sent == it.limit && !it.ended)
		end();
}

/* --- what it reads -------------------------------------------------------- */

static void
heard(unsigned type, const unsigned char *p, size_t n)
{
	size_t	at = strlen(it.said), i;

	if (n > it.longest)
		it.longest = n;
	if (type == TCPK__RECORD_DATA) {
		for (i = 0; i < n; i++)
			it.garbled |= p[i] != byte_at(0, it.got++);
		return;
	}
	if (n == 2)
		snprintf(it.said + at, sizeof(it.said) - at, "%u:%u,%u ",
		    type, p[0], p[1]);
}

static void
parse(void)
{
	const br_sslrec_in_class **in = (void *)&it.ctx.eng.in;
	unsigned char		*rec, *plain;
	size_t			 n;

	while (it.in.n - it.parsed >= 5) {
		rec = it.in.bytes + it.parsed;
		n = (size_t)rec[3] << 8 | rec[4];
		if (it.in.n - it.parsed < 5 + n)
			return;
		it.parsed += 5 + n;
		it.garbled |= !(*in)->check_length(in, n);
		plain = (*in)->decrypt(in, rec[0], TCPK__TLS_VERSION, rec + 5,
		    &n);
		if (plain == NULL)
			it.garbled = true;
		else
			heard(rec[0], plain, n);
	}
}

/* What our end sent; false when there is nothing (yet). */
static bool
listen_to(unsigned char *p, size_t n)
{
	ssize_t	got;

	if (it.fd == -1 || it.deaf)
		return false;
	got = recv(it.fd, p, n, MSG_DONTWAIT);
	if (got <= 0)
		return false;
	tap_add(&it.in, p, (size_t)got);
	return true;
}

/* A record of the handshake's, changed as the test wants it. */
static void
pass_on(const unsigned char *p, size_t n)
{
	unsigned char	crumb[6] = { p[0], p[1], p[2], 0, 1 };
	size_t		i;

	it.ccs |= p[0] == TCPK__RECORD_CCS;
	if (it.crumbs && !it.ccs)
		for (i = 5; i < n; i++) {
			crumb[5] = p[i];
			say(crumb, sizeof(crumb));
		}
	else
		say(p, n);
	if (it.flip >= it.out.n - n && it.flip < it.out.n)
		it.out.bytes[it.flip] ^= it.flip_with;
}

static void
shake_on(void)
{
	br_ssl_engine_context	*eng = &it.ctx.eng;
	unsigned char		*p;
	unsigned		 state;
	size_t			 n, before;

	for (;;) {
		state = br_ssl_engine_current_state(eng);
		if ((state & BR_SSL_SENDREC) != 0) {
			p = br_ssl_engine_sendrec_buf(eng, &n);
			pass_on(p, n);
			br_ssl_engine_sendrec_ack(eng, n);
		} else if ((state & BR_SSL_SENDAPP) != 0) {
			it.up = true;
			it.parsed = it.in.n;
			return;
		} else if ((state & BR_SSL_RECVREC) != 0) {
			p = br_ssl_engine_recvrec_buf(eng, &n);
			before = it.in.n;
			if (!listen_to(p, n))
				return;
			br_ssl_engine_recvrec_ack(eng, it.in.n - before);
		} else
			return;
	}
}

__attribute__((unused))
static void
turn(void)
{
	static unsigned char	buf[65536];

	if (!it.raw && !it.up)
		shake_on();
	flush();
	tcpk_loop_turn(loop, 0, NULL);
	if (it.raw || it.up) {
		while (listen_to(buf, sizeof(buf)))
			continue;
		if (it.up)
			parse();
	}
}

/* Until all is sent, and a while longer. */
__attribute__((unused))
static void
turns(void)
{
	int	i, after = 0;

	for (i = 0; i < 100000 && after < 12; i++) {
		turn();
		after = it.sent == it.out.n || it.fd == -1 || it.ended ?
		    after + 1 : 0;
	}
}

/* Shake hands to the end; false if that did not go. */
__attribute__((unused))
static bool
shaken(void)
{
	int	i;

	for (i = 0; i < 1000 && (us.done == 0 || !it.up); i++)
		turn();
	if (us.stream == NULL || !it.up) {
		note("no handshake: \"%s\", code %d", us.err.text,
		    br_ssl_engine_last_error(&it.ctx.eng));
		return false;
	}
	if (it.client) {
		br_ssl_engine_get_session_parameters(&it.ctx.eng,
		    &known.session[it.suite]);
		known.has_session[it.suite] = true;
	}
	return true;
}

/* And we are rid of it. */
__attribute__((unused))
static void
settle(void)
{
	end_free(&us);
	leave();
	tap_done(&it.out);
	tap_done(&it.in);
}

__attribute__((unused))
static void
known_init(void)
{
	int	i;

	known.server = server_config("self-signed");
	for (i = 0; i < SUITES; i++)
		known.client[i] = client_config(known.server, "");
	br_ssl_session_cache_lru_init(&known.cache, known.cache_store,
	    sizeof(known.cache_store));
}

__attribute__((unused))
static void
known_done(void)
{
	int	i;

	tcpk_tls_config_free(known.server);
	for (i = 0; i < SUITES; i++)
		tcpk_tls_config_free(known.client[i]);
}

#endif
