/*
 * tls: peers that never get as far as a connection: with no TLS, with half a
 * handshake, with far too much of one.  It always ends, and says why.
 */

#include <signal.h>

#include "tls_peer.h"

static uint32_t	state = 2463534242;

static unsigned
any(void)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

/* Refused once, for this reason. */
static bool
refused(const char *why)
{
	bool	fine = us.done == 1 && !us.early && us.stream == NULL &&
		    us.err.kind == TCPK_ETLS && us.err.text[0] != '\0' &&
		    strstr(us.err.text, why) != NULL;

	if (!fine)
		note("we are a %s, done %d, %s \"%s\", not \"%s\"",
		    it.client ? "server" : "client", us.done,
		    tcpk_err_word(us.err.kind), us.err.text, why);
	return fine;
}

/* The peer says this, and ends if it is not refused for it. */
static bool
told(bool we_are_client, const void *p, size_t n, const char *why)
{
	bool	fine;

	oppose_raw(we_are_client, GCM);
	say(p, n);
	turns();
	end();
	turns();
	fine = refused(why);
	settle();
	return fine;
}

static void
test_garbage(void)
{
	unsigned char	buf[605];
	size_t		n, i;
	int		role, kind;
	bool		fine = true;

	for (role = 0; role < 2; role++)
		for (kind = 0; kind < 3; kind++)
			for (n = 0; n <= 600; n++) {
				for (i = 0; i < n + 5; i++)
					buf[i] = (unsigned char)any();
				if (kind == 0) {	/* anything */
					fine = told(role, buf, n, "") && fine;
					continue;
				}
				/* One record; one message in one record. */
				memcpy(buf, "\x16\x03\x03", 3);
				buf[3] = (unsigned char)(n >> 8);
				buf[4] = (unsigned char)n;
				buf[5] = role == 1 ? 2 : 1;
				if (kind == 2 && n >= 4) {
					buf[6] = 0;
					buf[7] = (unsigned char)((n - 4) >> 8);
					buf[8] = (unsigned char)(n - 4);
					buf[9] = buf[10] = 3;
				}
				fine = told(role, buf, n + 5, "") && fine;
			}
	ok(fine, "garbage of every length");
}

static void
test_plaintext(void)
{
	static const struct {
		const char	*text, *why;
	} talk[] = {
		{ "SSH-2.0-OpenSSH_9.2\r\n", "\"SSH-2.0-OpenSSH_9.2\"" },
		{ "HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n",
		    "\"HTTP/1.1 400 Bad Request\"" },
		{ "220 mail.test ESMTP\r\n", "does not speak TLS" },
		{ "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "\"GET / HTTP/1.1\"" },
		{ "* OK [CAPABILITY IMAP4rev1] ready\r\n",
		    "does not speak TLS" },
		{ "\033[2J\007\377 evil", "\".[2J.. evil\"" },
		{ "0123456789012345678901234567890123456789 and more",
		    "0123456789012345678901234567890123456789\"" },
	};
	size_t	i;
	int	role;

	for (i = 0; i < sizeof(talk) / sizeof(talk[0]); i++)
		for (role = 0; role < 2; role++)
			ok(told(role, talk[i].text, strlen(talk[i].text),
			    talk[i].why), "%s: %s", role ? "client" : "server",
			    us.err.text);
	ok(told(true, "", 0, "the peer ended the connection") &&
	    told(false, "", 0, "the peer ended the connection"), "%s",
	    us.err.text);
}

/* --- half a handshake ----------------------------------------------------- */

/* How many bytes the peer sends in a whole one. */
static size_t
whole(bool we_are_client, bool resume)
{
	size_t	n = 0;

	if (resume) {		/* so that there is a session */
		oppose(we_are_client, GCM, true, 0);
		shaken();
		settle();
	}
	oppose(we_are_client, GCM, resume, 0);
	if (shaken())
		n = it.out.n;
	ok(n > 0 && us.resumed == resume, "a whole handshake, of %zu bytes",
	    n);
	settle();
	return n;
}

static bool
cut_after(bool we_are_client, bool resume, size_t n)
{
	bool	fine;

	oppose(we_are_client, GCM, resume, 0);
	it.limit = n;
	it.closes = n % 2 == 0;
	it.chunk = n % 3 == 0 ? 100 : SIZE_MAX;
	turns();
	/* A signature takes more bytes, or fewer: not cut at all, perhaps. */
	fine = us.stream != NULL ? it.up && it.sent == it.out.n : refused("");
	if (!fine)
		note("cut after %zu", n);
	settle();
	return fine;
}

/* With one byte changed, whichever, there is no connection. */
static bool
changed(bool we_are_client, bool resume, size_t at)
{
	bool	fine;

	oppose(we_are_client, GCM, resume, 0);
	it.flip = at;
	it.flip_with = (unsigned char)(any() % 255 + 1);
	turns();
	end();
	turns();
	/* The version of the first record is nobody's concern. */
	if (at >= it.out.n)	/* it was shorter this time */
		fine = us.stream != NULL;
	else
		fine = at == 1 || at == 2 ? us.done == 1 : refused("");
	if (!fine)
		note("byte %zu changed by %u", at, it.flip_with);
	settle();
	return fine;
}

static void
test_halves(void)
{
	size_t	n, total;
	int	role, resume;
	bool	fine;

	for (role = 0; role < 2; role++)
		for (resume = 0; resume < 2; resume++) {
			total = whole(role, resume);
			for (fine = true, n = 0; n < total;
			    n += resume || n + 130 > total ? 1 : 7)
				fine = cut_after(role, resume, n) && fine;
			ok(fine, "cut anywhere");
			for (fine = true, n = 0; n < total;
			    n += resume || n + 130 > total ? 1 : 5)
				fine = changed(role, resume, n) && fine;
			ok(fine, "changed anywhere");
		}
}

static void
test_crumbs(void)
{
	int	role, how;

	for (role = 0; role < 2; role++)
		for (how = 0; how < 2; how++) {
			oppose(role, CHAPOL, false, 0);
			if (how == 0)
				it.chunk = 1;
			else
				it.crumbs = true;
			turns();
			ok(us.stream != NULL && it.up, "%s, %s: %s",
			    role ? "client" : "server", how == 0 ?
			    "a byte a turn" : "a byte a record", us.err.text);
			settle();
		}
}

/* --- far too much --------------------------------------------------------- */

#define MUCH	(300 * 1024)

/* A ServerHello without extensions, and 16 MB of a certificate. */
static const unsigned char	server_hello[] = {
	22, 3, 3, 0, 42, 2, 0, 0, 38, 3, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
	12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28,
	29, 30, 31, 32, 0, 0xc0, 0x2b, 0
};

static const unsigned char	certificate[] = {
	22, 3, 3, 0, 10, 11, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfc, 0xff, 0xff,
	0xf9
};

static bool
flooded(bool we_are_client, const void *first, size_t nfirst,
    const void *record, size_t n, size_t body)
{
	static const unsigned char	zeros[16384];
	bool				fine;

	oppose_raw(we_are_client, GCM);
	say(first, nfirst);
	while (it.out.n < MUCH) {
		say(record, n);
		say(zeros, body);
	}
	turns();
	fine = refused("");
	settle();
	return fine;
}

static void
test_floods(void)
{
	static const unsigned char	warning[] = { 21, 3, 3, 0, 2, 1, 90 };
	static const unsigned char	empty[] = { 22, 3, 3, 0, 0 };
	static const unsigned char	request[] = { 22, 3, 3, 0, 4, 0, 0, 0,
					    0 };
	static const unsigned char	full[] = { 22, 3, 3, 0x40, 0 };
	static const unsigned char	hello[] = { 22, 3, 3, 0, 4, 1, 0xff,
					    0xff, 0xff };
	unsigned char			both[sizeof(server_hello) +
					    sizeof(certificate)];
	int				role;

	for (role = 0; role < 2; role++) {
		ok(flooded(role, "", 0, warning, sizeof(warning), 0),
		    "warnings without end: %s", us.err.text);
		ok(flooded(role, "", 0, empty, sizeof(empty), 0),
		    "empty records without end: %s", us.err.text);
		ok(flooded(role, "", 0, request, sizeof(request), 0),
		    "requests without end: %s", us.err.text);
		ok(flooded(role, hello, sizeof(hello), full, sizeof(full),
		    16384), "a hello without end: %s", us.err.text);
	}
	memcpy(both, server_hello, sizeof(server_hello));
	memcpy(both + sizeof(server_hello), certificate, sizeof(certificate));
	ok(flooded(true, both, sizeof(both), full, sizeof(full), 16384),
	    "a certificate without end: %s", us.err.text);
}

/* --- words and alerts ----------------------------------------------------- */

/* What we answered: an alert and then the end. */
static bool
answered(unsigned level, unsigned alert)
{
	const unsigned char	*p = it.in.bytes + it.in.n - 7;
	char			 byte;
	bool			 fine;

	if (it.in.n < 7) {
		note("answer of %zu bytes", it.in.n);
		return false;
	}
	fine = p[0] == 21 && p[1] == 3 && p[3] == 0 &&
	    p[4] == 2 && p[5] == level && p[6] == alert &&
	    recv(it.fd, &byte, 1, MSG_DONTWAIT) == 0;
	if (!fine)
		note("answer of %zu bytes, version %02x%02x, %u,%u, not "
		    "%u,%u", it.in.n, p[1], p[2], p[5], p[6], level, alert);
	return fine;
}

/* A ClientHello with this version and these suites. */
static void
hello(unsigned version, const unsigned char *suites, size_t n)
{
	static const unsigned char	exts[] = {
		0, 39,
		0, 10, 0, 6, 0, 4, 0, 29, 0, 23,	/* groups */
		0, 13, 0, 8, 0, 6, 4, 3, 8, 4, 4, 1,	/* signatures */
		0, 43, 0, 3, 2, 3, 4,			/* versions: 1.3 */
		0, 51, 0, 2, 0, 0,			/* key_share */
		0, 23, 0, 0
	};
	unsigned char			p[256] = { 22, 3, 1 };
	size_t				at = 5;

	p[at++] = 1;
	at += 3;
	p[at++] = (unsigned char)(version >> 8);
	p[at++] = (unsigned char)version;
	at += 32;
	p[at++] = 32;
	at += 32;
	p[at++] = 0;
	p[at++] = (unsigned char)n;
	memcpy(p + at, suites, n);
	at += n;
	p[at++] = 1;
	p[at++] = 0;
	memcpy(p + at, exts, sizeof(exts));
	at += sizeof(exts);
	p[4] = (unsigned char)(at - 5);
	p[8] = (unsigned char)(at - 9);
	say(p, at);
	turns();
}

static void
test_words(void)
{
	static const unsigned char	tls13[] = { 0x0a, 0x0a, 0x13, 1, 0x13,
					    2, 0x13, 3, 0, 0xff };
	static const unsigned char	cbc[] = { 0, 0x2f, 0xc0, 0x13 };
	static const unsigned char	ours[] = { 0xc0, 0x2b };
	static const unsigned char	fall[] = { 0x56, 0, 0xc0, 0x2b };
	static const unsigned char	crooked[] = { 22, 3, 3, 0, 6, 1, 0, 0,
					    2, 3, 3 };

	oppose_raw(false, GCM);
	hello(0x303, tls13, sizeof(tls13));
	ok(refused("TLS 1.3 only") && answered(2, 40), "%s", us.err.text);
	settle();
	oppose_raw(false, GCM);
	hello(0x303, cbc, sizeof(cbc));
	ok(refused("in common") && answered(2, 40), "%s", us.err.text);
	settle();
	oppose_raw(false, GCM);
	hello(0x302, ours, sizeof(ours));
	ok(refused("older version") && answered(2, 70), "%s", us.err.text);
	settle();
	/* Its inner lengths do not add up: its fault, and not ours. */
	ok(told(false, crooked, sizeof(crooked), "malformed") &&
	    strstr(us.err.text, "internal") == NULL, "%s", us.err.text);
	oppose_raw(false, GCM);
	hello(0x301, fall, sizeof(fall));
	ok(refused("older version") && answered(2, 70), "%s", us.err.text);
	settle();
}

static bool
alert_heard(bool we_are_client, unsigned level, unsigned alert)
{
	unsigned char	record[7] = { 21, 3, 3, 0, 2 };
	char		buf[16];

	record[5] = (unsigned char)level;
	record[6] = (unsigned char)alert;
	return told(we_are_client, record, sizeof(record), level == 2 ?
	    tcpk__alert_word(alert, buf) : "");
}

static void
test_alerts(void)
{
	static const unsigned char	odd[] = { 21, 3, 3, 0, 1, 2, 21, 3, 3,
					    0, 3, 2, 40, 0 };
	unsigned			alert;
	int				role;
	bool				fine;

	for (role = 0; role < 2; role++) {
		for (fine = true, alert = 0; alert < 256; alert++)
			fine = alert_heard(role, 2, alert) &&
			    alert_heard(role, 1, alert) && fine;
		ok(fine, "each alert is told in words");
		ok(alert_heard(role, 0, 40) && alert_heard(role, 3, 40),
		    "of no known level: %s", us.err.text);
		ok(told(role, odd, 6, "") && told(role, odd + 6, 8, "") &&
		    told(role, odd, 14, ""), "of 1 and 3 bytes: %s",
		    us.err.text);
	}
}

/* A server that refuses before it has heard anything, and leaves. */
static void
test_alert_and_gone(void)
{
	oppose_raw(true, GCM);
	say("\x15\3\3\0\2\2\x28", 7);
	flush();
	leave();
	turns();
	ok(refused("the peer refused: handshake_failure"), "%s",
	    us.err.text);
	settle();
	oppose_raw(true, GCM);
	leave();
	turns();
	ok(refused(""), "%s", us.err.text);
	settle();
}

/* Records that come too early, whole ones and well-formed. */
static void
test_too_early(void)
{
	static const struct {
		const char	*name;
		unsigned char	 record[16];
		size_t		 n;
	} early[] = {
		{ "data", { 23, 3, 3, 0, 5, 'h', 'e', 'l', 'l', 'o' }, 10 },
		{ "ChangeCipherSpec", { 20, 3, 3, 0, 1, 1 }, 6 },
		{ "Finished", { 22, 3, 3, 0, 4, 20, 0, 0, 0 }, 9 },
		{ "ServerHelloDone", { 22, 3, 3, 0, 4, 14, 0, 0, 0 }, 9 },
		{ "an unknown record", { 99, 3, 3, 0, 1, 1 }, 6 },
		{ "a record that is too long", { 22, 3, 3, 0xff, 0xff }, 5 },
		{ "a record that is hardly so", { 22, 3, 3, 0x48, 0x01 }, 5 },
		{ "TLS of the year 2030", { 22, 4, 0, 0, 1, 1 }, 6 },
		{ "SSL 2", { 0x80, 0x2e, 1, 3, 3, 0, 0x15, 0, 0, 0, 0x10 },
		    11 },
	};
	size_t	i;
	int	role;

	for (i = 0; i < sizeof(early) / sizeof(early[0]); i++)
		for (role = 0; role < 2; role++) {
			oppose_raw(role, GCM);
			say(early[i].record, early[i].n);
			turns();
			ok(refused("") && it.in.n >= 7 &&
			    it.in.bytes[it.in.n - 7] == 21 &&
			    it.in.bytes[it.in.n - 2] == 2,
			    "%s: %s, alert %u", early[i].name, us.err.text,
			    it.in.n > 0 ? it.in.bytes[it.in.n - 1] : 0);
			settle();
		}
}

/* A certificate is refused by an alert, in clear, and not by silence. */
static void
test_refusal(void)
{
	struct tcpk_tls_config	*kept = known.client[GCM];
	struct tcpk_tls_config	*other = server_config("self-signed");
	unsigned		 alert;

	known.client[GCM] = client_config(other, "");
	oppose(true, GCM, false, 0);
	turns();
	alert = it.in.n >= 7 ? it.in.bytes[it.in.n - 1] : 0;
	ok(refused("pin") && answered(2, alert) && alert >= 42 && alert <= 49
	    && memcmp(it.in.bytes + it.in.n - 7, "\x15\3\3\0\2\2", 6) == 0,
	    "the alert for a wrong pin: %u", alert);
	settle();
	tcpk_tls_config_free(known.client[GCM]);
	tcpk_tls_config_free(other);
	known.client[GCM] = kept;
}

/* The alert arrives, though there was input that nobody read. */
static void
unread(const unsigned char *first, size_t n)
{
	static char	text[60000];
	unsigned char	buf[8] = { 0 };
	ssize_t		got;
	int		fd, i;

	memset(text, 'A', sizeof(text));
	fd = make_tcp(&it.fd);
	end_start(&us, known.server, fd);
	send_all(it.fd, first, n);
	got = send(it.fd, text, sizeof(text), MSG_NOSIGNAL);
	for (i = 0; i < 100 && us.done == 0; i++)
		tcpk_loop_turn(loop, TCPK_MS, NULL);
	ok(got > 50000 && us.err.kind == TCPK_ETLS, "%s", us.err.text);
	got = recv(it.fd, buf, sizeof(buf), MSG_DONTWAIT);
	ok(got == 7 && buf[0] == 21 && buf[5] == 2, "an alert over unread "
	    "input: %u", buf[6]);
	got = recv(it.fd, buf, sizeof(buf), 0);
	ok(got == 0, "and an end: %s", got == 0 ? "no reset" :
	    strerror(errno));
	close(it.fd);
	end_free(&us);
}

static void
test_unread(void)
{
	static const unsigned char	only13[] = { 0x13, 1 };
	struct tap			tap;

	unread((const unsigned char *)"", 0);
	/* An alert of the engine's own. */
	oppose_raw(false, GCM);
	hello(0x303, only13, sizeof(only13));
	tap = it.out;
	memset(&it.out, 0, sizeof(it.out));
	settle();
	unread(tap.bytes, tap.n);
	tap_done(&tap);
}

/*
 * A session offered with protocols that are not ours: where the session is
 * taken up, BearSSL goes on without one.
 */
static void
test_other_protocol(void)
{
	static const char	*names[] = { "h2", "nothing" };
	struct tcpk_tls_config	*kept = known.server;
	int			 i;

	known.server = server_config("self-signed,alpn=h2;http/1.1");
	known.has_session[GCM] = false;
	offer = &names[0];
	for (i = 0; i < 2; i++) {
		oppose(false, GCM, true, 0);
		ok(shaken() && strcmp(us.alpn, "h2") == 0, "protocol %s, %s",
		    us.alpn, us.resumed ? "resumed" : "in full");
		settle();
	}
	offer = &names[1];
	oppose(false, GCM, true, 0);
	turns();
	ok(refused("no application protocol") || (us.stream != NULL &&
	    us.alpn[0] == '\0'), "none in common, with a session: %s",
	    us.err.text);
	settle();
	offer = NULL;
	known.has_session[GCM] = false;
	tcpk_tls_config_free(known.server);
	known.server = kept;
}

/* A session is no way to another suite, nor called resumed if it is not. */
static void
test_other_suite(void)
{
	whole(false, false);
	known.session[CHAPOL] = known.session[GCM];
	known.has_session[CHAPOL] = true;
	oppose(false, CHAPOL, true, 0);
	turns();
	ok(us.done == 1 && (us.stream == NULL || !us.resumed),
	    "a session offered without its suite: %s%s", us.err.text,
	    us.suite);
	settle();
	known.has_session[CHAPOL] = false;
}

int
main(void)
{
	int	before;

	alarm(120);
	signal(SIGPIPE, SIG_IGN);
	loop = tcpk_loop_new(NULL, NULL);
	before = count_fds();
	known_init();
	test_garbage();
	test_plaintext();
	test_halves();
	test_crumbs();
	test_floods();
	test_words();
	test_alerts();
	test_alert_and_gone();
	test_too_early();
	test_refusal();
	test_unread();
	test_other_suite();
	test_other_protocol();
	known_done();
	ok(count_fds() == before, "no descriptor is left");
	tcpk_loop_free(loop);
	return done_testing();
}
