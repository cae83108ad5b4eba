/* tls: two of our own ends shake hands, in every way and up to any point. */

#include <limits.h>
#include <signal.h>

#include "tls_ends.h"
#include "tls_handshake_impl.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

static struct tcpk_tls_config	*server, *client;
static char			 pin[64];	/* the server's */

static void
fresh(const char *server_options, const char *client_options)
{
	struct tcpk_tls_cert	*cert;

	server = server_config(server_options);
	client = client_config(server, client_options);
	cert = tcpk_tls_config_cert(server, 0);
	snprintf(pin, sizeof(pin), "%s", cert->pin);
	free(cert);
}

static void
forget(void)
{
	tcpk_tls_config_free(server);
	tcpk_tls_config_free(client);
	server = client = NULL;
}

/* Done well, once each, and never before start returned. */
static bool
both_well(const struct end *c, const struct end *s)
{
	bool	fine = c->done == 1 && s->done == 1 && !c->early &&
		    !s->early && c->stream != NULL && s->stream != NULL;

	if (!fine)
		note("client %d %d \"%s\" server %d %d \"%s\"", c->done,
		    c->early, c->err.text, s->done, s->early, s->err.text);
	return fine;
}

static bool
both_refuse(const struct end *c, const struct end *s, const char *client_says,
    const char *server_says)
{
	bool	fine = c->done == 1 && s->done == 1 && !c->early &&
		    !s->early && c->stream == NULL && s->stream == NULL &&
		    c->err.kind == TCPK_ETLS && s->err.kind == TCPK_ETLS &&
		    strstr(c->err.text, client_says) != NULL &&
		    strstr(s->err.text, server_says) != NULL;

	if (!fine)
		note("client %d %s \"%s\" server %d %s \"%s\"", c->done,
		    tcpk_err_word(c->err.kind), c->err.text, s->done,
		    tcpk_err_word(s->err.kind), s->err.text);
	return fine;
}

static void
test_info(void)
{
	struct end			 c, s;
	const struct tcpk_tls_info	*info;

	fresh("self-signed,alpn=h2;http/1.1",
	    ",name=Example.org,alpn=http/1.1;h2;x");
	ok(shake(&c, client, &s, server) && both_well(&c, &s),
	    "a handshake");
	ok(strcmp(c.version, "TLSv1.2") == 0 &&
	    strcmp(s.version, "TLSv1.2") == 0, "version %s", c.version);
	ok(strncmp(c.suite, "ECDHE-ECDSA-", 12) == 0 &&
	    strcmp(c.suite, s.suite) == 0, "suite %s", c.suite);
	ok(strcmp(c.alpn, "h2") == 0 && strcmp(s.alpn, "h2") == 0,
	    "the protocol that the server prefers: %s", s.alpn);
	ok(strcasecmp(c.sni, "example.org") == 0 &&
	    strcasecmp(s.sni, "example.org") == 0, "name %s", s.sni);
	ok(!c.resumed && !s.resumed, "not resumed");
	ok(c.verified && c.doubt[0] == '\0' && strcmp(c.pin, pin) == 0,
	    "the client has verified %s", c.pin);
	ok(!s.verified && s.pin[0] == '\0', "the server knows nobody");
	info = tcpk_tls_info(c.stream);
	ok(info != NULL && strcmp(info->alpn, "h2") == 0 &&
	    strcmp(info->cert->pin, pin) == 0 && info->verified &&
	    strcmp(info->cert->key, "EC P-256") == 0,
	    "and so says the stream, later");
	ok(tcpk_stream_lingers(c.stream), "it lingers");
	end_free(&c);
	end_free(&s);
	forget();

	fresh("self-signed", ",alpn=h2");
	ok(shake(&c, client, &s, server) && both_well(&c, &s) &&
	    c.alpn[0] == '\0' && s.alpn[0] == '\0' && s.sni[0] == '\0',
	    "a server without protocols, a client without a name");
	end_free(&c);
	end_free(&s);
	forget();
}

static void
test_refusals(void)
{
	struct end		 c, s;
	struct tcpk_tls_config	*other = server_config("self-signed");
	struct tcpk_tls_cert	*cert = tcpk_tls_config_cert(other, 0);
	char			 both[256];

	fresh("self-signed,alpn=http/1.1;h2", ",alpn=imap;h");
	ok(shake(&c, client, &s, server) && both_refuse(&c, &s,
	    "no_application_protocol", "no application protocol"),
	    "no protocol in common: %s", c.err.text);
	forget();

	fresh("self-signed", "");
	tcpk_tls_config_free(client);
	client = pinned(cert->pin, "");
	ok(shake(&c, client, &s, server) && both_refuse(&c, &s, "pin",
	    "the peer refused: "), "a wrong pin: %s", c.err.text);
	ok(strcmp(c.pin, pin) == 0 && !c.verified,
	    "what was presented is told: %s", c.pin);
	ok(strstr(s.err.text, "does not accept our certificate") != NULL,
	    "and to the server: %s", s.err.text);
	tcpk_tls_config_free(client);
	snprintf(both, sizeof(both), "tls://127.0.0.1:1,insecure,pin=%s",
	    cert->pin);
	client = config(TCPK_CONNECT, both);
	ok(shake(&c, client, &s, server) && both_refuse(&c, &s, "pin",
	    "the peer refused: "), "also when insecure: %s", c.err.text);
	tcpk_tls_config_free(client);
	snprintf(both, sizeof(both), "%s;%s", cert->pin, pin);
	client = pinned(both, "");
	ok(shake(&c, client, &s, server) && both_well(&c, &s),
	    "one of two pins");
	end_free(&c);
	end_free(&s);
	tcpk_tls_config_free(client);
	client = config(TCPK_CONNECT, "tls://127.0.0.1:1,insecure");
	ok(shake(&c, client, &s, server) && both_well(&c, &s) &&
	    !c.verified && c.doubt[0] != '\0', "insecure: %s", c.doubt);
	end_free(&c);
	end_free(&s);
	ok(shake(&c, client, &s, server) && both_well(&c, &s) && c.resumed &&
	    !c.verified && c.doubt[0] != '\0' && strcmp(c.pin, pin) == 0,
	    "and no better when resumed");
	end_free(&c);
	end_free(&s);
	forget();
	free(cert);
	tcpk_tls_config_free(other);
}

static void
test_resumption(void)
{
	struct end		 c, s;
	struct tcpk_tls_config	*again;
	int			 i;

	fresh("self-signed", "");
	for (i = 0; i < 3; i++) {
		ok(shake(&c, client, &s, server) && both_well(&c, &s) &&
		    c.resumed == (i > 0) && s.resumed == (i > 0),
		    "handshake %d is %s", i + 1, i > 0 ? "resumed" : "full");
		ok(c.verified && strcmp(c.pin, pin) == 0 &&
		    strncmp(c.suite, "ECDHE-ECDSA-", 12) == 0,
		    "and its peer known");
		end_move(&c, 100000, true);
		end_move(&s, 100000, true);
		ok(turn_until(&c.ended, &s.ended, NULL) && c.got == 100000 &&
		    s.got == 100000 && !c.wrong && !s.wrong,
		    "and good for data");
		end_free(&c);
		end_free(&s);
	}
	again = client_config(server, "");
	ok(shake(&c, again, &s, server) && both_well(&c, &s) && !c.resumed &&
	    !s.resumed, "another configuration has no session");
	end_free(&c);
	end_free(&s);
	tcpk_tls_config_free(again);
	client->session.until = 1;
	ok(shake(&c, client, &s, server) && both_well(&c, &s) && !c.resumed,
	    "a session that is too old is not offered");
	end_free(&c);
	end_free(&s);
	tcpk__sessions_free(server->sessions);
	server->sessions = tcpk__sessions_new();
	ok(shake(&c, client, &s, server) && both_well(&c, &s) && !c.resumed &&
	    !s.resumed && c.verified, "a server that has forgotten it");
	end_free(&c);
	end_free(&s);
	forget();
}

/* A key and a certificate for clients, in files. */
static void
make_files(void)
{
	static const char *const names[] = { "client.test" };
	struct tcpk__identity	*id;
	unsigned char		 der[2048];
	char			 text[4096];
	FILE			*f;
	size_t			 n;

	id = tcpk__identity_self_signed(names, 1, NULL);
	f = fopen("cert.pem", "w");
	n = br_pem_encode(text, id->chain[0].data, id->chain[0].data_len,
	    "CERTIFICATE", 0);
	fwrite(text, 1, n, f);
	fclose(f);
	f = fopen("key.pem", "w");
	n = br_encode_ec_pkcs8_der(der, &id->key.ec, NULL);
	n = br_pem_encode(text, der, n, "PRIVATE KEY", 0);
	fwrite(text, 1, n, f);
	fclose(f);
	chmod("key.pem", 0600);
	tcpk__identity_free(id);
}

static void
test_client_certificates(void)
{
	struct end	c, s;
	int		i;

	make_files();
	fresh("self-signed,client-ca=cert.pem", ",cert=cert.pem,key=key.pem");
	for (i = 0; i < 2; i++) {
		ok(shake(&c, client, &s, server) && both_well(&c, &s) &&
		    s.verified && s.pin[0] != '\0' && strcmp(s.pin, pin) != 0,
		    "a client with a certificate: %s %s", s.pin, s.doubt);
		ok(!c.resumed && !s.resumed, "is never resumed");
		end_free(&c);
		end_free(&s);
	}
	/* Nor would the server, if the client wanted to. */
	client->resume = true;
	for (i = 0; i < 2; i++) {
		ok(shake(&c, client, &s, server) && both_well(&c, &s) &&
		    !c.resumed && !s.resumed && s.verified,
		    "nor where the client asks for it");
		end_free(&c);
		end_free(&s);
	}
	tcpk_tls_config_free(client);
	client = client_config(server, "");
	ok(shake(&c, client, &s, server) && both_refuse(&c, &s,
	    "client certificate", "the client sent no certificate"),
	    "a client without: %s", c.err.text);
	forget();

	fresh("self-signed", ",cert=cert.pem,key=key.pem");
	for (i = 0; i < 2; i++) {
		ok(shake(&c, client, &s, server) && both_well(&c, &s) &&
		    !c.resumed && !s.resumed && s.pin[0] == '\0',
		    "nor by a client that has one, wanted or not");
		end_free(&c);
		end_free(&s);
	}
	forget();
}

/* --- ends that come early ------------------------------------------------- */

/* Cancel one of them when so many bytes went to and fro. */
static bool
cancel_after(uint64_t bytes, int who)
{
	struct end	e[2];
	int		fd[2], turns = 0;
	bool		fine;

	wire_open(&fd[0], &fd[1]);
	end_start(&e[0], client, fd[0]);
	end_start(&e[1], server, fd[1]);
	wire.chunk = 61;
	while (wire.carried[0] + wire.carried[1] < bytes &&
	    e[0].done + e[1].done < 2)
		wire_turn();
	if (e[who].done > 0) {	/* at the last bytes */
		end_free(&e[0]);
		end_free(&e[1]);
		wire_close();
		return true;
	}
	tcpk_tls_cancel(e[who].start);
	e[who].start = NULL;
	wire.chunk = SIZE_MAX;
	while (e[!who].done == 0 && turns++ < 1000)
		wire_turn();
	fine = e[who].done == 0 && e[!who].done == 1 &&
	    e[!who].stream == NULL && e[!who].err.kind == TCPK_ETLS;
	if (!fine && e[!who].stream != NULL)
		fine = true;	/* it had all it needs */
	else if (!fine)
		note("after %d bytes: %d %d \"%s\"", (int)bytes, e[who].done,
		    e[!who].done, e[!who].err.text);
	end_free(&e[0]);
	end_free(&e[1]);
	wire_close();
	return fine;
}

static void
test_cancel(void)
{
	struct end	c, s;
	uint64_t	at;
	int		fd, peer, who, before = count_fds(), wrong;

	fresh("self-signed", "");
	fd = make_pair(&peer);
	end_start(&c, client, fd);
	end_start(&s, server, peer);
	end_free(&c);
	end_free(&s);
	ok(c.done == 0 && s.done == 0, "cancelled before it began");
	client->resume = server->resume = false;
	for (who = 0; who < 2; who++) {
		for (at = 0, wrong = 0; at < 1400; at += 61)
			wrong += !cancel_after(at, who);
		ok(wrong == 0, "%s cancelled at each stage",
		    who ? "server" : "client");
	}
	tcpk_tls_cancel(NULL);
	tcpk_tls_config_free(NULL);
	ok(count_fds() == before, "and closed");
	forget();
}

static void
test_silence(void)
{
	struct end	c;
	int		fd, peer;

	fresh("self-signed", "");
	fd = make_pair(&peer);
	end_start(&c, client, fd);
	ok(turn_for(loop, 50 * TCPK_MS) < 10 && c.done == 0,
	    "a silent server is waited for, without spinning");
	end_free(&c);
	close(peer);
	fd = make_pair(&peer);
	end_start(&c, server, fd);
	ok(turn_for(loop, 50 * TCPK_MS) < 10 && c.done == 0,
	    "and a silent client");
	end_free(&c);
	close(peer);
	forget();
}

/* Nobody holds on to a configuration but its connections. */
static void
test_config_free(void)
{
	struct end	c, s;
	int		fd, peer;

	fresh("self-signed,alpn=h2", ",name=a.test,alpn=h2");
	fd = make_pair(&peer);
	end_start(&c, client, fd);
	end_start(&s, server, peer);
	forget();
	ok(turn_until(&c.done, &s.done, NULL) && both_well(&c, &s),
	    "configurations freed during the handshake");
	end_move(&c, 70000, true);
	end_move(&s, 70000, true);
	ok(turn_until(&c.ended, &s.ended, NULL) && c.got == 70000 &&
	    s.got == 70000 && strcmp(tcpk_tls_info(s.stream)->alpn, "h2") == 0,
	    "and data moved without them");
	end_free(&c);
	end_free(&s);
}

static void
freed_in_callback(void *arg, const struct tcpk_tls_done *d)
{
	struct end	*e = arg;

	end_done(e, d);
	tcpk_stream_free(e->stream);
	e->stream = NULL;
}

static void
test_free_in_callback(void)
{
	struct end	c, s;
	int		fd, peer;

	fresh("self-signed", "");
	fd = make_pair(&peer);
	end_start(&c, client, fd);
	end_start(&s, server, peer);
	c.start->fn = freed_in_callback;
	ok(turn_until(&c.done, &s.done, NULL), "freed in its own callback");
	s.paused = false;
	if (s.stream != NULL) {
		end_move(&s, 0, false);
		ok(turn_until(&s.ended, &s.ended, NULL) && s.ended == 2 &&
		    tcpk_stream_err(s.stream)->kind == TCPK_ECUT,
		    "which the other sees as a cut");
	}
	end_free(&s);
	forget();
}

/* --- addresses, memory ---------------------------------------------------- */

static void
test_addresses(void)
{
	struct end		 c, s;
	struct tcpk_addr	 a[4];
	struct tcpk_stream	*plain;
	char			 text[4][TCPK_ADDR_TEXT];
	int			 fd, peer, rfd, wfd, i;

	fresh("self-signed", "");
	fd = make_tcp(&peer);
	end_start(&c, client, fd);
	end_start(&s, server, peer);
	ok(turn_until(&c.done, &s.done, NULL) && both_well(&c, &s),
	    "over TCP");
	ok(tcpk_stream_local(c.stream, &a[0]) == 0 &&
	    tcpk_stream_peer(s.stream, &a[1]) == 0 &&
	    tcpk_stream_local(s.stream, &a[2]) == 0 &&
	    tcpk_stream_peer(c.stream, &a[3]) == 0, "both have addresses");
	for (i = 0; i < 4; i++)
		tcpk_addr_format(&a[i], text[i], sizeof(text[i]));
	ok(strcmp(text[0], text[1]) == 0 && strcmp(text[2], text[3]) == 0 &&
	    strcmp(text[0], text[2]) != 0, "%s %s", text[0], text[2]);
	ok(!tcpk_stream_fds(c.stream, &rfd, &wfd) && rfd == fd && wfd == fd,
	    "but no descriptors for plain bytes, only those below");
	end_move(&c, 1000000, true);
	end_move(&s, 3000000, true);
	ok(turn_until(&c.ended, &s.ended, NULL) && c.got == 3000000 &&
	    s.got == 1000000 && !c.wrong && !s.wrong, "and move data");
	end_free(&c);
	end_free(&s);
	plain = tcpk_stream_socket(loop, make_pair(&peer), NULL);
	ok(tcpk_tls_info(plain) == NULL, "a plain stream has no info");
	tcpk_stream_free(plain);
	close(peer);
	forget();
}

/* Of AddressSanitizer, where it is there. */
size_t	__sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

/* Bytes that are allocated; 0 where it is not to be known. */
static size_t
allocated(void)
{
	if (__sanitizer_get_current_allocated_bytes != NULL)
		return __sanitizer_get_current_allocated_bytes();
#ifdef __GLIBC_PREREQ
#if __GLIBC_PREREQ(2, 33)
	{
		struct mallinfo2	m = mallinfo2();

		return m.uordblks + m.hblkhd;
	}
#endif
#endif
	return 0;
}

#define MANY	200

/* Connections that have moved something each way and now do nothing. */
static int
open_many(struct end *c, struct end *s)
{
	int	i, well = 0;

	for (i = 0; i < MANY; i++) {
		well += shake(&c[i], client, &s[i], server) &&
		    both_well(&c[i], &s[i]);
		end_move(&c[i], 20000, false);
		end_move(&s[i], 20000, false);
	}
	turn_for(loop, 20 * TCPK_MS);
	return well;
}

static bool
holds_buffers(const struct end *e)
{
	const struct tcpk__tls	*t = (const struct tcpk__tls *)e->stream;

	return e->got != 20000 || t->buf != NULL || t->plain != NULL ||
	    t->spill != NULL;
}

static void
close_many(struct end *c, struct end *s)
{
	int	i;

	for (i = 0; i < MANY; i++) {
		end_free(&c[i]);
		end_free(&s[i]);
	}
}

static void
test_memory(void)
{
	static struct end	 c[MANY], s[MANY];
	size_t			 before, after;
	int			 i, held = 0;

	fresh("self-signed", ",name=example.org");
	/* What the loop itself needs for as many is not theirs. */
	open_many(c, s);
	close_many(c, s);
	before = allocated();
	ok(open_many(c, s) == MANY, "%d connections", MANY);
	after = allocated();
	for (i = 0; i < MANY; i++)
		held += holds_buffers(&c[i]) + holds_buffers(&s[i]);
	ok(held == 0, "an idle one holds no buffers");
	if (after == 0)
		ok(1, "memory of an idle one # SKIP cannot be counted here");
	else
		ok((after - before) / (2 * MANY) < 4096,
		    "an idle one takes %zu bytes",
		    (after - before) / (2 * MANY));
	close_many(c, s);
	forget();
}

int
main(void)
{
	int	before;

	alarm(120);
	signal(SIGPIPE, SIG_IGN);
	make_dir();
	loop = tcpk_loop_new(NULL, NULL);
	before = count_fds();
	ok(tcpk_tls_built(), "this build speaks TLS");
	test_info();
	test_refusals();
	test_resumption();
	test_client_certificates();
	test_cancel();
	test_silence();
	test_config_free();
	test_free_in_callback();
	test_addresses();
	test_memory();
	ok(count_fds() == before, "no descriptor is left");
	tcpk_loop_free(loop);
	return done_testing();
}
