/*
 * tls_ends: two ends of TLS in one process, over a wire of the test's own
 * that carries bytes only when it is told to, and can be looked into, cut
 * and tapped.
 */
#ifndef TLS_ENDS_H
#define TLS_ENDS_H

#include <sys/socket.h>

#include <netinet/in.h>

#include "help.h"
#include "tls_record_impl.h"

static struct tcpk_loop	*loop;

/* --- configurations ------------------------------------------------------- */

__attribute__((unused))
static void
warn(void *arg, const char *text)
{
	(void)arg;
	note("%s", text);
}

__attribute__((unused))
static struct tcpk_tls_config *
config(enum tcpk_role role, const char *text)
{
	struct tcpk_endpoint	 ep;
	struct tcpk_err		 err = { 0 };
	struct tcpk_tls_config	*c = NULL;

	if (tcpk_endpoint_parse(&ep, text, role, &err) == 0) {
		c = tcpk_tls_config_new(&ep, warn, NULL, &err);
		tcpk_endpoint_free(&ep);
	}
	if (c == NULL) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
	return c;
}

__attribute__((unused))
static struct tcpk_tls_config *
server_config(const char *options)
{
	char	text[512];

	snprintf(text, sizeof(text), "tls://127.0.0.1:1,%s", options);
	return config(TCPK_LISTEN, text);
}

/* A client that knows this pin, and host for a name. */
__attribute__((unused))
static struct tcpk_tls_config *
pinned(const char *pin, const char *options)
{
	char	text[512];

	snprintf(text, sizeof(text), "tls://127.0.0.1:1,pin=%s,pin-only%s",
	    pin, options);
	return config(TCPK_CONNECT, text);
}

/* A client that knows the server's pin. */
__attribute__((unused))
static struct tcpk_tls_config *
client_config(const struct tcpk_tls_config *server, const char *options)
{
	struct tcpk_tls_cert	*cert = tcpk_tls_config_cert(server, 0);
	struct tcpk_tls_config	*c = pinned(cert->pin, options);

	free(cert);
	return c;
}

/* --- one end -------------------------------------------------------------- */

struct end {
	struct tcpk_tls_start	*start;
	struct tcpk_stream	*stream;
	int			 done;		/* calls */
	bool			 early, starting;
	/* What was said when it was done. */
	struct tcpk_err		 err;
	char			 version[16], suite[64], alpn[32], sni[64];
	char			 doubt[200], pin[64];
	bool			 resumed, verified;
	/* Reading. */
	size_t			 at_a_time;
	bool			 paused;
	uint64_t		 got;
	int			 ended;		/* 1 the end, 2 an error */
	int			 calls;
	/* Writing. */
	size_t			 piece;
	uint64_t		 total, put;
	bool			 finish, finished, wrong, broken;
	unsigned char		 seed;
};

static void
copy_text(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from != NULL ? from : "");
}

static void
end_done(void *arg, const struct tcpk_tls_done *d)
{
	struct end	*e = arg;

	e->early |= e->starting;
	e->done++;
	e->start = NULL;
	e->stream = d->stream;
	e->err = d->err;
	e->early |= (d->stream == NULL) != (d->err.kind != TCPK_OK);
	copy_text(e->version, sizeof(e->version), d->info->version);
	copy_text(e->suite, sizeof(e->suite), d->info->suite);
	copy_text(e->alpn, sizeof(e->alpn), d->info->alpn);
	copy_text(e->sni, sizeof(e->sni), d->info->sni);
	copy_text(e->doubt, sizeof(e->doubt), d->info->doubt);
	copy_text(e->pin, sizeof(e->pin),
	    d->info->cert != NULL ? d->info->cert->pin : NULL);
	e->resumed = d->info->resumed;
	e->verified = d->info->verified;
}

/* Begin a handshake over a descriptor, which is taken. */
__attribute__((unused))
static void
end_start(struct end *e, struct tcpk_tls_config *c, int fd)
{
	struct tcpk_stream	*s = tcpk_stream_socket(loop, fd, NULL);

	memset(e, 0, sizeof(*e));
	e->at_a_time = e->piece = TCPK_SCRATCH;
	e->starting = true;
	e->start = tcpk_tls_start(loop, c, s, end_done, e, &e->err);
	e->starting = false;
	if (e->start == NULL) {
		printf("Bail out! %s\n", e->err.text);
		exit(1);
	}
}

__attribute__((unused))
static void
end_free(struct end *e)
{
	tcpk_tls_cancel(e->start);
	tcpk_stream_free(e->stream);
	e->start = NULL;
	e->stream = NULL;
}

/* The byte at each place, so that none is lost unnoticed. */
static unsigned char
byte_at(unsigned char seed, uint64_t at)
{
	return (unsigned char)(at * 131 + at / 251 + seed);
}

static void
end_want(struct end *e)
{
	bool		more = e->put < e->total ||
			    (e->finish && !e->finished);
	unsigned	want = 0;

	if (!e->paused && e->ended == 0)
		want |= TCPK_READ;
	if (more && !e->broken)
		want |= TCPK_WRITE;
	tcpk_stream_want(e->stream, want);
}

static void
end_read(struct end *e)
{
	static unsigned char	buf[TCPK_SCRATCH];
	ssize_t			n, i;
	int			k;

	/* More than one time, so that AGAIN is seen as well. */
	for (k = 0; k < 4 && e->ended == 0; k++) {
		n = tcpk_stream_read(e->stream, buf, e->at_a_time);
		if (n == TCPK_AGAIN)
			return;
		e->ended = n == 0 ? 1 : n < 0 ? 2 : 0;
		for (i = 0; i < n; i++)
			e->wrong |= buf[i] != byte_at(e->seed, e->got++);
		e->wrong |= n > (ssize_t)e->at_a_time;
	}
}

static void
end_write(struct end *e)
{
	static unsigned char	buf[2 * TCPK_SCRATCH];
	size_t			n, i;
	ssize_t			put;

	if (e->put == e->total) {
		if (!e->finish || e->finished)
			return;
		put = tcpk_stream_finish(e->stream);
		e->finished = put == 0;
		e->broken = put == -1;
		return;
	}
	n = e->total - e->put < e->piece ? (size_t)(e->total - e->put) :
	    e->piece;
	for (i = 0; i < n; i++)
		buf[i] = byte_at(e->seed, e->put + i);
	put = tcpk_stream_write(e->stream, buf, n);
	if (put > 0)
		e->put += (uint64_t)put;
	e->broken = put < 0 && put != TCPK_AGAIN;
	e->wrong |= put > (ssize_t)n || put == 0;
}

static void
end_ready(void *arg, unsigned ready)
{
	struct end	*e = arg;

	e->calls++;
	if ((ready & TCPK_READ) != 0)
		end_read(e);
	if ((ready & TCPK_WRITE) != 0)
		end_write(e);
	end_want(e);
}

/* Read to the end, write total bytes, and finish if told to. */
__attribute__((unused))
static void
end_move(struct end *e, uint64_t total, bool finish)
{
	e->total += total;
	e->finish = finish;
	tcpk_stream_on_ready(e->stream, end_ready, e);
	end_want(e);
}

/* --- the wire ------------------------------------------------------------- */

struct tap {
	unsigned char	*bytes;		/* all that went by */
	size_t		 n, size;
};

static struct {
	int		 fd[2];		/* our side to a client, a server */
	size_t		 chunk;		/* bytes to carry in a turn, each way */
	uint64_t	 limit[2];	/* to carry at all from each */
	uint64_t	 carried[2];
	bool		 ended[2];	/* what each sends */
	struct tap	*tap[2];
} wire;

__attribute__((unused))
static int
make_pair(int *ours)
{
	int	fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == -1) {
		printf("Bail out! socketpair: %s\n", strerror(errno));
		exit(1);
	}
	*ours = fds[1];
	return fds[0];
}

__attribute__((unused))
static int
make_tcp(int *peer)
{
	struct sockaddr_in	sin = { .sin_family = AF_INET };
	socklen_t		len = sizeof(sin);
	int			l, fd;

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	l = socket(AF_INET, SOCK_STREAM, 0);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(l, (void *)&sin, len) == -1 || listen(l, 1) == -1 ||
	    getsockname(l, (void *)&sin, &len) == -1 ||
	    connect(fd, (void *)&sin, len) == -1) {
		printf("Bail out! %s\n", strerror(errno));
		exit(1);
	}
	*peer = accept(l, NULL, NULL);
	close(l);
	return fd;
}

__attribute__((unused))
static void
tap_add(struct tap *tap, const void *p, size_t n)
{
	if (n == 0)
		return;
	if (tap->n + n > tap->size) {
		tap->size = 2 * (tap->n + n);
		tap->bytes = realloc(tap->bytes, tap->size);
	}
	memcpy(tap->bytes + tap->n, p, n);
	tap->n += n;
}

__attribute__((unused))
static void
tap_done(struct tap *tap)
{
	free(tap->bytes);
	memset(tap, 0, sizeof(*tap));
}

static void
send_all(int fd, const unsigned char *p, size_t n)
{
	ssize_t	put;

	for (; n > 0; p += put, n -= (size_t)put) {
		put = send(fd, p, n, MSG_NOSIGNAL);
		if (put <= 0)
			return;
	}
}

/* From end i to the other; what it does not take at once, it waits for. */
static void
wire_carry(int i)
{
	static unsigned char	buf[65536];
	uint64_t		left = wire.limit[i] - wire.carried[i];
	size_t			n = wire.chunk < left ? wire.chunk :
				    (size_t)left;
	ssize_t			got;

	if (wire.fd[i] == -1 || wire.ended[i])
		return;
	if (n > 0) {
		got = recv(wire.fd[i], buf, n < sizeof(buf) ? n : sizeof(buf),
		    MSG_DONTWAIT);
		if (got == -1)
			return;
		if (got > 0) {
			if (wire.tap[i] != NULL)
				tap_add(wire.tap[i], buf, (size_t)got);
			wire.carried[i] += (uint64_t)got;
			send_all(wire.fd[!i], buf, (size_t)got);
			return;
		}
	}
	wire.ended[i] = true;
	shutdown(wire.fd[!i], SHUT_WR);
}

__attribute__((unused))
static void
wire_open(int *client, int *server)
{
	memset(&wire, 0, sizeof(wire));
	*client = make_pair(&wire.fd[0]);
	*server = make_pair(&wire.fd[1]);
	wire.chunk = SIZE_MAX;
	wire.limit[0] = wire.limit[1] = UINT64_MAX;
}

__attribute__((unused))
static void
wire_close(void)
{
	close(wire.fd[0]);
	close(wire.fd[1]);
	wire.fd[0] = wire.fd[1] = -1;
}

__attribute__((unused))
static void
wire_turn(void)
{
	wire_carry(0);
	wire_carry(1);
	tcpk_loop_turn(loop, 0, NULL);
}

/* Turn until both flags are set, or for too long. */
__attribute__((unused))
static bool
turn_until(const int *a, const int *b, void (*turn)(void))
{
	uint64_t	end = tcpk_now() + LONG;

	while ((*a == 0 || *b == 0) && tcpk_now() < end)
		if (turn != NULL)
			turn();
		else
			tcpk_loop_turn(loop, TCPK_MS, NULL);
	return *a != 0 && *b != 0;
}

/* Shake hands directly; are both done? */
__attribute__((unused))
static bool
shake(struct end *c, struct tcpk_tls_config *cc, struct end *s,
    struct tcpk_tls_config *sc)
{
	int	fd, peer;

	fd = make_pair(&peer);
	end_start(c, cc, fd);
	end_start(s, sc, peer);
	return turn_until(&c->done, &s->done, NULL);
}

#endif
