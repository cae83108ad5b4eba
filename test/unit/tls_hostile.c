/*
 * tls: peers that have shaken hands, and then send what they should not.
 * Each does it as a client and as a server, with either kind of records.
 */

#include <signal.h>

#include "tls_peer.h"

#define V	TCPK__TLS_VERSION

/* What ought to come of it. */
struct outcome {
	int		 ended;		/* of us; 0: we go on */
	const char	*why;		/* part of the error */
	uint64_t	 got;		/* delivered before */
	const char	*said;		/* part of what the peer is told */
};

static const struct outcome	bad_mac = { 2, "authentication failed", 0,
				    "21:2,20 " };
static const struct outcome	bad_length = { 2, "impossible length", 0,
				    "21:2,22 " };
static const struct outcome	bad_type = { 2, "unknown type", 0,
				    "21:2,10 " };
static const struct outcome	bad_alert = { 2, "malformed alert", 0,
				    "21:2,50 " };
static const struct outcome	bad_version = { 2, "another version", 0,
				    "21:2,70 " };

static bool
is_as(const struct outcome *want, const char *name, int arg)
{
	const struct tcpk_err	*err = tcpk_stream_err(us.stream);
	bool			 fine;

	fine = us.ended == want->ended && us.got == want->got && !us.wrong &&
	    !it.garbled && strstr(it.said, want->said) != NULL;
	if (want->ended == 2)
		fine = fine && err->kind == TCPK_ECUT &&
		    strstr(err->text, want->why) != NULL;
	if (!fine)
		note("%s (%d), as %s, suite %d: end %d \"%s\" after %llu, "
		    "garbled %d %d, told \"%s\"", name, arg,
		    it.client ? "a client" : "a server", it.suite, us.ended,
		    err->text, (unsigned long long)us.got, us.wrong,
		    it.garbled, it.said);
	return fine;
}

/* In both roles, with both suites; is it as it should be? */
static bool
tried(const char *name, void (*fn)(int), int arg, const struct outcome *want)
{
	bool	fine = true;
	int	role, suite;

	for (role = 0; role < 2; role++)
		for (suite = 0; suite < SUITES; suite++) {
			oppose(role == 1, suite, true, 0);
			if (shaken()) {
				end_move(&us, 0, false);
				fn(arg);
				turns();
				fine = is_as(want, name, arg) && fine;
			} else
				fine = false;
			settle();
		}
	return fine;
}

static void
attempt(const char *name, void (*fn)(int), int arg, struct outcome want)
{
	ok(tried(name, fn, arg, &want), "%s", name);
}

/* --- what is allowed ------------------------------------------------------ */

static void
close_notify(void)
{
	seal_alert(1, TCPK__ALERT_CLOSE_NOTIFY);
}

static void
dribble(int chunk)
{
	it.chunk = (size_t)chunk;
	seal_data(5);
	seal_data(0);
	seal_data(3000);
	seal_data(1);
	close_notify();
}

static void
small(int n)
{
	while (n-- > 0)
		seal_data(1);
	close_notify();
}

static void
largest(int n)
{
	while (n-- > 0)
		seal_data(16384);
	close_notify();
}

static void
some_empty(int n)
{
	int	i, k;

	for (k = 0; k < 3; k++) {
		for (i = 0; i < n; i++)
			seal_data(0);
		seal_data(1);
	}
	close_notify();
}

static void
some_warnings(int n)
{
	int	i;

	for (i = 0; i < n; i++) {
		seal_alert(1, i % 2 ? 90 : 100);
		seal_data(1);
	}
	close_notify();
}

static void
behind_close(int what)
{
	seal_data(10);
	close_notify();
	if (what == 0)
		seal_data(1000);
	else if (what == 1)
		seal_alert(2, 80);
	else
		say("\x17\x03\x03\xff\xffgarbage", 12);
	seal_data(10);
}

static void
fatal_close(int arg)
{
	(void)arg;
	seal_data(10);
	seal_alert(2, TCPK__ALERT_CLOSE_NOTIFY);
}

/* Data and the end come with the last bytes of the handshake. */
static bool
in_one(int suite, bool resume)
{
	bool	fine;
	int	i;

	oppose(true, suite, resume, 0);
	while (!it.up && us.done == 0) {
		shake_on();
		if (it.up) {
			seal_data(3000);
			close_notify();
			it.limit = it.out.n;
			it.closes = true;
		}
		flush();
		tcpk_loop_turn(loop, TCPK_MS, NULL);
	}
	for (i = 0; i < 100 && us.done == 0; i++)
		tcpk_loop_turn(loop, TCPK_MS, NULL);
	if (us.stream != NULL)
		end_move(&us, 0, false);
	turns();
	fine = us.stream != NULL && us.got == 3000 && us.ended == 1 &&
	    !us.wrong;
	settle();
	return fine;
}

/* Closed over what nobody read: that is no reset. */
static bool
swept(int role)
{
	char	byte;
	bool	fine;

	oppose(role == 1, GCM, true, 0);
	if (!shaken())
		return false;
	end_move(&us, 0, true);
	seal_data(10);
	close_notify();
	say("and then some more, which is no record", 38);
	turns();
	fine = us.ended == 1 && us.got == 10 && us.finished &&
	    tcpk_stream_finish(us.stream) == 0;
	say("and more", 8);
	turns();
	end_free(&us);
	fine = fine && strcmp(it.said, "21:1,0 ") == 0 &&
	    recv(it.fd, &byte, 1, MSG_DONTWAIT) == 0;
	if (!fine)
		note("end %d, told \"%s\", %s", us.ended, it.said,
		    strerror(errno));
	settle();
	return fine;
}

static void
test_allowed(void)
{
	ok(in_one(GCM, false) && in_one(CHAPOL, false),
	    "all at once, and gone");

	ok(swept(0) && swept(1), "closed over what nobody read");
	attempt("a byte a turn", dribble, 1, (struct outcome){ 1, "", 3006,
	    "" });
	attempt("seven bytes a turn", dribble, 7, (struct outcome){ 1, "",
	    3006, "" });
	attempt("thousands of records of one byte", small, 5000,
	    (struct outcome){ 1, "", 5000, "" });
	attempt("records of the largest size", largest, 20,
	    (struct outcome){ 1, "", 20 * 16384, "" });
	attempt("empty records", some_empty, 256, (struct outcome){ 1, "", 3,
	    "" });
	attempt("warnings", some_warnings, 100, (struct outcome){ 1, "", 100,
	    "" });
	attempt("data behind close_notify is nobody's", behind_close, 0,
	    (struct outcome){ 1, "", 10, "" });
	attempt("nor an alert", behind_close, 1, (struct outcome){ 1, "", 10,
	    "" });
	attempt("nor what is no record", behind_close, 2,
	    (struct outcome){ 1, "", 10, "" });
	attempt("close_notify by any level", fatal_close, 0,
	    (struct outcome){ 1, "", 10, "" });
}

/* --- records -------------------------------------------------------------- */

static void
typed(int type)
{
	seal((unsigned)type, V, "\1\2\3\4", type == 20 ? 1 : 4);
	seal_data(100);
}

static void
header(int length)
{
	unsigned char	h[5] = { TCPK__RECORD_DATA, 3, 3 };

	h[3] = (unsigned char)(length >> 8);
	h[4] = (unsigned char)length;
	say(h, sizeof(h));
}

static void
too_long(int n)
{
	static const unsigned char	zeros[40000];

	seal(TCPK__RECORD_DATA, V, zeros, (size_t)n);
}

static void
versioned(int version)
{
	seal(TCPK__RECORD_DATA, (unsigned)version, "x", 1);
	seal_data(100);
}

static void
in_clear(int what)
{
	if (what == 0)
		say("\x14\x03\x03\0\1\1", 6);
	else if (what == 1)
		say("\x15\x03\x03\0\2\2\50", 7);
	else
		say("HTTP/1.1 400 Bad Request\r\n\r\n", 28);
}

static void
test_records(void)
{
	static const int	types[] = { 0, 1, 19, 20, 24, 25, 99, 255 };
	static const int	versions[] = { 0, 0x0002, 0x0300, 0x0301,
	    0x0302, 0x0304, 0x0403, 0xfefd, 0xffff };
	/* Too short, or too long, for both kinds of records. */
	static const int	lengths[] = { 0, 1, 8, 15, 16384 + 25, 16421,
	    16384 + 2048, 16384 + 2049, 32768, 65535 };
	size_t			i;
	bool			fine;

	for (fine = true, i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		fine = tried("type", typed, types[i], &bad_type) && fine;
	ok(fine, "records of unknown types, ChangeCipherSpec among them");
	for (fine = true, i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		fine = tried("length", header, lengths[i], &bad_length) && fine;
	ok(fine, "impossible lengths, refused by the header alone");
	for (fine = true, i = 16385; i < 35000; i += 2047)
		fine = tried("too long", too_long, (int)i, &bad_length) &&
		    fine;
	ok(fine, "too long, but authentic");
	for (fine = true, i = 0; i < sizeof(versions) / sizeof(versions[0]);
	    i++)
		fine = tried("version", versioned, versions[i],
		    &bad_version) && fine;
	ok(fine, "other versions, authentic");
	ok(tried("clear", in_clear, 0, &bad_length) &&
	    tried("clear", in_clear, 1, &bad_length) &&
	    tried("clear", in_clear, 2, &bad_version),
	    "ChangeCipherSpec, an alert and a text in clear");
}

static void
flipped(int bit)
{
	size_t	at;

	seal(TCPK__RECORD_DATA, V, "hello", 5);
	at = it.sent + (size_t)bit / 8;
	if (at >= it.out.n)	/* it has no nonce */
		at -= 8;
	it.out.bytes[at] ^= (unsigned char)(1 << bit % 8);
	/* For a length that grew. */
	seal_data(16384);
	seal_data(16384);
}

static void
shuffled(int how)
{
	struct tap	first, second;

	tap_done(&it.out);
	it.sent = 0;
	seal_data(50);
	first = it.out;
	memset(&it.out, 0, sizeof(it.out));
	seal_data(60);
	second = it.out;
	memset(&it.out, 0, sizeof(it.out));
	if (how == 0) {			/* replayed */
		say(first.bytes, first.n);
		say(first.bytes, first.n);
	} else if (how == 1) {		/* in another order */
		say(second.bytes, second.n);
		say(first.bytes, first.n);
	} else				/* left out */
		say(second.bytes, second.n);
	tap_done(&first);
	tap_done(&second);
}

/* Its own words come back to our end. */
static void
reflected(int arg)
{
	unsigned char	buf[100];

	(void)arg;
	it.raw = true;
	it.up = false;
	us.total = 30;
	end_want(&us);
	tcpk_loop_turn(loop, 0, NULL);
	tcpk_loop_turn(loop, 0, NULL);
	it.in.n = 0;
	listen_to(buf, sizeof(buf));
	say(it.in.bytes, it.in.n);
}

/* It ends after each byte of three records. */
static bool
cut_after(size_t n)
{
	size_t	each[3], before;
	bool	fine;

	oppose(n % 2 == 0, n % 3 == 0, true, 0);
	if (!shaken())
		return false;
	end_move(&us, 0, false);
	before = it.out.n;
	seal_data(5);
	each[0] = it.out.n - before;
	seal_data(7);
	each[1] = it.out.n - before;
	close_notify();
	each[2] = it.out.n - before;
	it.limit = before + n;
	it.closes = n % 5 == 0;
	turns();
	fine = us.got == (n < each[0] ? 0u : n < each[1] ? 5u : 12u) &&
	    us.ended == (n < each[2] ? 2 : 1) && !us.wrong &&
	    (us.ended == 1 || tcpk_stream_err(us.stream)->kind == TCPK_ECUT);
	if (!fine)
		note("cut after %zu: end %d \"%s\" after %d", n, us.ended,
		    tcpk_stream_err(us.stream)->text, (int)us.got);
	settle();
	return fine;
}

static void
test_tampering(void)
{
	struct outcome	replayed = bad_mac, untold = bad_mac;
	bool		fine = true;
	int		bit;

	for (bit = 0; bit < 5 * 8; bit++)
		if (bit >= 8 && bit < 24)
			fine = tried("bit", flipped, bit, &bad_version) &&
			    fine;
		/* Others of the length would be refused before the rest. */
		else if (bit != 30 && bit != 31 && bit != 35 && bit != 36)
			fine = tried("bit", flipped, bit, &bad_mac) && fine;
	ok(fine, "each bit of a header");
	for (fine = true, bit = 5 * 8; bit < (5 + 8 + 5 + 16) * 8; bit++)
		fine = tried("bit", flipped, bit, &bad_mac) && fine;
	ok(fine, "each bit of nonce, data and tag");
	replayed.got = 50;
	ok(tried("replay", shuffled, 0, &replayed), "a record replayed");
	ok(tried("order", shuffled, 1, &bad_mac), "in another order");
	ok(tried("gap", shuffled, 2, &bad_mac), "one left out");
	untold.said = "";
	for (fine = true, bit = 0; bit < 110; bit++)
		fine = cut_after((size_t)bit) && fine;
	ok(fine, "cut after each byte");
	ok(tried("mirror", reflected, 0, &untold), "our own thrown back");
}

/* --- alerts and handshakes ------------------------------------------------ */

static void
alerted(int n)
{
	seal(TCPK__RECORD_ALERT, V, "\1\0\1\0", (size_t)n);
	seal_data(10);
}

static void
fatal(int alert)
{
	seal_data(30);
	seal_alert(2, (unsigned)alert);
	seal_data(10);
}

static void
flood(int type)
{
	int	i;

	for (i = 0; i < 1000; i++)
		if (type == TCPK__RECORD_DATA)
			seal_data(0);
		else if (type == TCPK__RECORD_ALERT)
			seal_alert(1, 90);
		else
			seal(TCPK__RECORD_HANDSHAKE, V, "\0\0\0\0", 4);
}

/* HelloRequest, ClientHello: and on it goes, both ways. */
static void
again(int n)
{
	unsigned char	hello[4 + 2 + 32 + 1 + 4 + 2] = { 1, 0, 0, 41, 3, 3 };

	hello[4 + 2 + 32 + 1 + 1] = 2;
	hello[4 + 2 + 32 + 1 + 2] = 0xc0;
	hello[4 + 2 + 32 + 1 + 3] = 0x2b;
	hello[4 + 2 + 32 + 1 + 4] = 1;
	us.total = 50000;
	end_want(&us);
	seal_data(20);
	while (n-- > 0)
		if (it.client)
			seal(TCPK__RECORD_HANDSHAKE, V, hello, sizeof(hello));
		else
			seal(TCPK__RECORD_HANDSHAKE, V, "\0\0\0\0", 4);
	seal_data(100);
	turns();
	close_notify();
}

static bool
goes_on(int n)
{
	struct outcome	fine = { 1, "", 120, "21:1,100 " };

	return tried("renegotiation", again, n, &fine) && it.got == 50000;
}

/* We answer, and it never listens. */
static void
deaf(int n)
{
	const struct tcpk__tls	*t = (struct tcpk__tls *)us.stream;

	it.deaf = true;
	while (n-- > 0) {
		seal(TCPK__RECORD_HANDSHAKE, V, "\0\0\0\0", 4);
		seal_data(1);
		if (n % 256 == 0)
			turns();
		it.garbled |= t->len > TCPK_BUFFER;
	}
	it.deaf = false;
	close_notify();
}

/* What was wrong is told, although the peer does not stay to hear of it. */
static void
and_left(int what)
{
	if (what == 0)
		header(0);
	else if (what == 1)
		flood(TCPK__RECORD_ALERT);
	else {
		seal(TCPK__RECORD_DATA, V, "hello", 5);
		it.out.bytes[it.out.n - 1] ^= 1;
	}
	flush();
	leave();
}

static void
test_alerts(void)
{
	static const struct {
		int		 alert;
		const char	*word;
	} alerts[] = {
		{ 10, "unexpected_message" }, { 20, "bad_record_mac" },
		{ 40, "handshake_failure" }, { 80, "internal_error" },
		{ 77, "77" }, { 255, "255" }
	};
	struct outcome	out;
	size_t		i;
	bool		fine = true;

	for (i = 0; i < 5; i++)
		if (i != 2)
			fine = tried("alert", alerted, (int)i, &bad_alert) &&
			    fine;
	ok(fine, "alerts of 0, 1, 3 and 4 bytes");
	for (fine = true, i = 0; i < sizeof(alerts) / sizeof(alerts[0]); i++) {
		out = (struct outcome){ 2, alerts[i].word, 30, "" };
		fine = tried("fatal", fatal, alerts[i].alert, &out) && fine;
	}
	ok(fine, "fatal alerts end it, in words, behind the data");
	attempt("a flood of empty records", flood, TCPK__RECORD_DATA,
	    (struct outcome){ 2, "too many empty records", 0, "21:2,10 " });
	attempt("a flood of warnings", flood, TCPK__RECORD_ALERT,
	    (struct outcome){ 2, "too many warnings", 0, "21:2,10 " });
	attempt("a flood of handshakes", flood, TCPK__RECORD_HANDSHAKE,
	    (struct outcome){ 2, "insists on renegotiation", 0, "21:2,10 " });
	ok(goes_on(1), "renegotiation is refused, and the connection goes on");
	ok(goes_on(16), "also when it is asked for more than once");
	attempt("answers that are not read do not pile up", deaf, 25000,
	    (struct outcome){ 1, "", 25000, "21:1,100 " });
	attempt("the reason is kept when the peer is gone: length", and_left,
	    0, (struct outcome){ 2, "impossible length", 0, "" });
	attempt("the reason is kept when the peer is gone: warnings",
	    and_left, 1, (struct outcome){ 2, "too many warnings", 0, "" });
	attempt("the reason is kept when the peer is gone: a bit", and_left,
	    2, (struct outcome){ 2, "authentication failed", 0, "" });
}

/* A client may ask for short records: RFC 6066, section 4. */
static void
test_fragment(void)
{
	static const size_t	sizes[] = { 512, 1024, 2048, 4096 };
	size_t			i;
	int			suite;
	bool			fine;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (fine = true, suite = 0; suite < SUITES; suite++) {
			oppose(false, suite, false, sizes[i]);
			fine = shaken() && fine;
			if (us.stream != NULL) {
				end_move(&us, 20000, false);
				turns();
			}
			fine = fine && it.got == 20000 && !it.garbled &&
			    it.longest <= sizes[i];
			if (!fine)
				note("%zu bytes in a record", it.longest);
			settle();
		}
		ok(fine, "records of at most %zu bytes for a client that "
		    "asked", sizes[i]);
	}
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
	test_allowed();
	test_records();
	test_tampering();
	test_alerts();
	test_fragment();
	known_done();
	ok(count_fds() == before, "no descriptor is left");
	tcpk_loop_free(loop);
	return done_testing();
}
