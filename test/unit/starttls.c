/* starttls: the dialogues by themselves, and over connections. */

#include <sys/socket.h>

#include <netinet/in.h>
#include <stdbool.h>

#include "help.h"
#include "starttls_impl.h"
#include "stream_impl.h"
#include "tcpkit/starttls.h"

#define B(s)		{ s, sizeof(s) - 1 }
#define READY		{ NULL, 0 }

#define OPENING		"<?xml version='1.0'?><stream:stream version='1.0' " \
	"xmlns='jabber:client' xmlns:stream=" \
	"'http://etherx.jabber.org/streams' to='example.org'>"
#define XMPP_ASK	"<starttls xmlns='" XMPP_NS "'/>"
#define XMPP_NS		"urn:ietf:params:xml:ns:xmpp-tls"
#define STREAM		"<?xml version='1.0'?>\n<stream:stream id='1' " \
	"from=\"example.org\" xmlns:stream='http://etherx.jabber.org/" \
	"streams' version='1.0' xmlns='jabber:client'>"
#define LDAP_ASK	"\x30\x1d\x02\x01\x01\x77\x18\x80\x16" TALK_LDAP_OID
#define PG_ASK		"\0\0\0\x08\x04\xd2\x16\x2f"

struct bytes {
	const char	*p;
	size_t		 n;
};

/* What the server says, and what is to be said to that. */
struct turn {
	struct bytes	server, client;
};

static const struct dialogue {
	const char	*proto, *name;
	struct bytes	 opening;
	struct turn	 turns[4];
} good[] = {
	{ "smtp", "as usual", B(""), {
	    { B("220 mx.example.org ESMTP\r\n"), B("EHLO localhost\r\n") },
	    { B("250-mx.example.org\r\n250-SIZE 1000\r\n250-StartTLS\r\n"
	    "250 HELP\r\n"), B("STARTTLS\r\n") },
	    { B("220 2.0.0 go ahead\r\n"), READY } } },
	{ "smtp", "greeting of three lines, bare LF, no text", B(""), {
	    { B("220-mx\n220-no\n220 spam\n"), B("EHLO localhost\r\n") },
	    { B("250-mx\n250 STARTTLS\n"), B("STARTTLS\r\n") },
	    { B("220\n"), READY } } },
	{ "imap", "as usual", B(""), {
	    { B("* OK [CAPABILITY IMAP4rev1] ready\r\n"),
	    B("a1 CAPABILITY\r\n") },
	    { B("* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\n"
	    "a1 OK done\r\n"), B("a2 STARTTLS\r\n") },
	    { B("a2 OK begin\r\n"), READY } } },
	{ "imap", "lines nobody asked for, small letters", B(""), {
	    { B("* ok hello\r\n* 3 EXISTS\r\n"), B("a1 CAPABILITY\r\n") },
	    { B("* OK [ALERT] x\r\n* capability starttls\r\nA1 ok\r\n"),
	    B("a2 STARTTLS\r\n") },
	    { B("* NO really?\r\na2 ok\r\n"), READY } } },
	{ "pop3", "as usual", B(""), {
	    { B("+OK ready <1@example.org>\r\n"), B("CAPA\r\n") },
	    { B("+OK list\r\nUSER\r\nSTLS\r\nTOP\r\n.\r\n"), B("STLS\r\n") },
	    { B("+OK\r\n"), READY } } },
	{ "pop3", "no CAPA", B(""), {
	    { B("+OK\r\n"), B("CAPA\r\n") },
	    { B("-ERR what?\r\n"), B("STLS\r\n") },
	    { B("+OK\r\n"), READY } } },
	{ "ftp", "as usual", B(""), {
	    { B("220 ready\r\n"), B("AUTH TLS\r\n") },
	    { B("234 go\r\n"), READY } } },
	{ "ftp", "long greeting, of anything", B(""), {
	    { B("120 soon\r\n220-hi\r\n\r\n 220 not yet\r\n530 nor now\r\n"
	    "220-\r\n220 now\r\n"), B("AUTH TLS\r\n") },
	    { B("234-a\r\n234 b\r\n"), READY } } },
	{ "xmpp", "as usual", B(OPENING), {
	    { B(STREAM "<stream:features><starttls xmlns='" XMPP_NS "'>"
	    "<required/></starttls><mechanisms xmlns='m'><mechanism>PLAIN"
	    "</mechanism></mechanisms></stream:features>"), B(XMPP_ASK) },
	    { B("<proceed xmlns='" XMPP_NS "'/>"), READY } } },
	{ "xmpp", "white space, quotes, prefixes, an end tag", B(OPENING), {
	    { B("\n<stream:stream xmlns:stream = \"x>y\" >\r\n"
	    "<stream:features >\n<a/><t:starttls\n\txmlns:t\n=\n\"" XMPP_NS
	    "\" />it's</stream:features >\n"), B(XMPP_ASK) },
	    { B(" \n<t:proceed a='' xmlns:t=\"" XMPP_NS "\"></t:proceed>"),
	    READY } } },
	{ "postgres", "as usual", B(PG_ASK), { { B("S"), READY } } },
	{ "ldap", "as usual", B(LDAP_ASK), {
	    { B("\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\0\x04\0\x04\0"),
	    READY } } },
	{ "ldap", "long lengths, a name", B(LDAP_ASK), {
	    { B("\x30\x84\0\0\0\x2a\x02\x01\x01\x78\x84\0\0\0\x21\x0a\x01\0"
	    "\x04\0\x04\0\x8a\x16" TALK_LDAP_OID "\x8b\0"), READY } } },
};

#define LDAP_BAD(s)	"ldap", { B(s) }, "the server does not speak ldap"
#define OFFERED		B(STREAM "<stream:features><starttls xmlns='" \
	XMPP_NS "'/></stream:features>")
#define SENT_BEHIND	"the server sent data behind its go-ahead, before " \
	"TLS; somebody may be on the way"
#define SENT_BEFORE	"the server answered before it was asked"

/* Each turn is one read. */
static const struct bad {
	const char	*proto;
	struct bytes	 turns[4];
	const char	*text;
} bad[] = {
	{ "smtp", { B("554-go\r\n") }, "refused: 554-go" },
	{ "smtp", { B("SSH-2.0-x\r\n") },
	    "the server does not speak smtp: SSH-2.0-x" },
	{ "smtp", { B("220\r\n"), B("250-x\r\n250 XSTARTTLS\r\n") },
	    "the server does not offer STARTTLS" },
	{ "smtp", { B("220\r\n"), B("502 what?\r\n") },
	    "refused: 502 what?" },
	{ "smtp", { B("220\r\n"), B("250 STARTTLS\r\n"),
	    B("454 TLS not available\r\n") },
	    "refused: 454 TLS not available" },
	{ "smtp", { B("220\r\n"), B("250 STARTTLS\r\n"), B("220\r\n2") },
	    SENT_BEHIND },
	{ "smtp", { B("220\r\n250 STARTTLS\r\n") },
	    SENT_BEFORE },
	{ "smtp", { B("220 a\rb\r\n") }, "the server does not speak smtp: "
	    "220 a" },
	{ "smtp", { B("220 a\0b\r\n") }, "the server does not speak smtp: "
	    "220 a" },
	{ "smtp", { B("2200\r\n") }, "the server does not speak smtp: 2200" },
	{ "smtp", { B("22") }, NULL },
	{ "imap", { B("* PREAUTH hi\r\n") }, "refused: * PREAUTH hi" },
	{ "imap", { B("* BYE\r\n") }, "refused: * BYE" },
	{ "imap", { B("* FOO\r\n") }, "the server does not speak imap: "
	    "* FOO" },
	{ "imap", { B("a1 OK\r\n") }, "the server does not speak imap: "
	    "a1 OK" },
	{ "imap", { B("* OK\r\n"), B("* CAPABILITY XSTARTTLS STARTTLSX\r\n"
	    "* FLAGS STARTTLS\r\na1 OK\r\n") },
	    "the server does not offer STARTTLS" },
	{ "imap", { B("* OK\r\n"), B("a2 OK\r\n") },
	    "the server does not speak imap: a2 OK" },
	{ "imap", { B("* OK\r\n"), B("* BYE now\r\n") },
	    "refused: * BYE now" },
	{ "imap", { B("* OK\r\n"), B("* CAPABILITY STARTTLS\r\na1 OK\r\n"),
	    B("a2 BAD no\r\n") }, "refused: a2 BAD no" },
	{ "imap", { B("* OK\r\n"), B("* CAPABILITY STARTTLS\r\na1 OK\r\n"),
	    B("a2 OK\r\na3 OK\r\n") }, SENT_BEHIND },
	{ "pop3", { B("-ERR busy\r\n") }, "refused: -ERR busy" },
	{ "pop3", { B("\r\n") }, "the server does not speak pop3" },
	{ "pop3", { B("+OK\r\n"), B("+OK\r\nSTLSX\r\n.\r\n") },
	    "the server does not offer STARTTLS" },
	{ "pop3", { B("+OK\r\n"), B("-ERR\r\n"), B("-ERR no\r\n") },
	    "refused: -ERR no" },
	{ "pop3", { B("+OK\r\n"), B("-ERR\r\n"), B("+OK\r\n+OK\r\n") },
	    SENT_BEHIND },
	{ "ftp", { B("421 full\r\n") }, "refused: 421 full" },
	{ "ftp", { B("220\r\n"), B("500 AUTH?\r\n") }, "refused: 500 AUTH?" },
	{ "ftp", { B("220\r\n"), B("234\r\n\n") }, SENT_BEHIND },
	{ "ftp", { B("hello\r\n") }, "the server does not speak ftp: hello" },
	{ "xmpp", { B("HTTP/1.1 400\r\n") },
	    "the server does not speak xmpp" },
	{ "xmpp", { B("<html>") }, "the server does not speak xmpp: <html>" },
	{ "xmpp", { B("<!-- it's -->") }, "the server does not speak xmpp: "
	    "<" },
	{ "xmpp", { B("<>") }, "the server does not speak xmpp: <>" },
	{ "xmpp", { B("<a<") }, "the server does not speak xmpp: <a" },
	{ "xmpp", { B("</a>") }, "the server does not speak xmpp: </a>" },
	{ "xmpp", { B("<stream:stream a\0>") },
	    "the server does not speak xmpp: <stream:stream a" },
	{ "xmpp", { B(STREAM "<stream:features ></stream:features>") },
	    "the server does not offer STARTTLS" },
	{ "xmpp", { B(STREAM "<stream:features/>") },
	    "the server does not offer STARTTLS" },
	{ "xmpp", { B(STREAM "<stream:features><starttls xmlns='urn:x'/>"
	    "<x><starttls xmlns='" XMPP_NS "'/></x><starttls xmlns/>"
	    "</stream:features>") },
	    "the server does not offer STARTTLS" },
	{ "xmpp", { B(STREAM "<proceed xmlns='" XMPP_NS "'/>") },
	    "the server does not speak xmpp: <proceed xmlns='" XMPP_NS
	    "'/>" },
	{ "xmpp", { B(STREAM "<stream:error><host-unknown xmlns='x'/>") },
	    "refused: host-unknown" },
	{ "xmpp", { B(STREAM "<stream:error/>") },
	    "refused: <stream:error/>" },
	{ "xmpp", { B(STREAM "</stream:stream>") },
	    "the server ended the stream" },
	{ "xmpp", { OFFERED, B("<failure xmlns='x'/>") },
	    "refused: <failure xmlns='x'/>" },
	{ "xmpp", { OFFERED, B("<proceed/>") },
	    "the server does not speak xmpp: <proceed/>" },
	{ "xmpp", { OFFERED, B("<proceed xmlns='" XMPP_NS "'/> ") },
	    SENT_BEHIND },
	{ "postgres", { B("N") }, "the server does not offer TLS" },
	{ "postgres", { B("E\0\0\0\x09S!\0\0") },
	    "the server reports an error" },
	{ "postgres", { B("H") }, "the server does not speak postgres" },
	{ "postgres", { B("SS") }, SENT_BEHIND },
	{ "ldap", { B("\x30\x10\x02\x01\x01\x78\x0b\x0a\x01\x02\x04\0\x04\x04"
	    "nope") }, "refused: result 2: nope" },
	{ "ldap", { B("\x30\x0c\x02\x01\0\x78\x07\x0a\x01\x34\x04\0\x04\0") },
	    "refused: result 52" },
	{ "ldap", { B("\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\0\x04\0\x04\0\0") },
	    SENT_BEHIND },
	{ "ldap", { B("\x30\x84\0\0\x10\0") },
	    "the server sent a message over 4 KiB" },
	{ LDAP_BAD("\x15\x03\x01") },
	{ LDAP_BAD("\x30\0") },
	{ LDAP_BAD("\x30\x80") },
	{ LDAP_BAD("\x30\x85\0\0\0\0\x0c") },
	{ LDAP_BAD("\x30\x0c\x02\x01\0\x78\x07\x0a\x01\0\x04\0\x04\0") },
	{ LDAP_BAD("\x30\x0c\x02\x01\x02\x78\x07\x0a\x01\0\x04\0\x04\0") },
	{ LDAP_BAD("\x30\x0c\x02\x01\x01\x77\x07\x0a\x01\0\x04\0\x04\0") },
	{ LDAP_BAD("\x30\x0c\x02\x01\x01\x78\x07\x02\x01\0\x04\0\x04\0") },
	{ LDAP_BAD("\x30\x0c\x02\x01\x01\x78\x06\x0a\x01\0\x04\0\x04\0") },
	{ LDAP_BAD("\x30\x0c\x02\x01\x01\x78\x08\x0a\x01\0\x04\0\x04\0") },
	{ LDAP_BAD("\x30\x0b\x02\x01\x01\x78\x06\x0a\0\x04\0\x04\0") },
	{ LDAP_BAD("\x30\x0e\x02\x01\x01\x78\x09\x0a\x01\0\x04\0\x04\0\x8a"
	    "\0") },
	{ LDAP_BAD("\x30\x0f\x02\x01\x01\x78\x0a\x0a\x01\0\x04\0\x04\0\x8a"
	    "\x01z") },
	{ LDAP_BAD("\x30\x0f\x02\x01\x01\x78\x0a\x0a\x01\0\x04\0\x04\0\x8b"
	    "\x01z") },
};

static struct tcpk_loop	*loop;
static struct tcpk__talk talk;

/* What it had to send, since the turn began. */
static char		 sent[1024];
static size_t		 nsent;

static void
note_sent(void)
{
	memcpy(sent + nsent, talk.out, talk.nout);
	nsent += talk.nout;
}

static bool
sends(struct bytes b)
{
	return nsent == b.n && memcmp(sent, b.p, b.n) == 0;
}

/* A turn, cut at byte at or, with each, into single bytes. */
static enum tcpk__talk_verdict
say(struct bytes b, size_t at, bool each)
{
	enum tcpk__talk_verdict	v, sum = TALK_WAIT;
	size_t			i, n;

	nsent = 0;
	for (i = 0; i < b.n; i += n) {
		n = each ? 1 : i < at && at < b.n ? at : b.n - i;
		v = tcpk__talk_take(&talk, b.p + i, n);
		if (v == TALK_READY || v == TALK_REFUSED)
			return v;
		if (v == TALK_SEND) {
			note_sent();
			sum = v;
		}
	}
	return sum;
}

static bool
talk_through(const struct dialogue *d, size_t at, bool each)
{
	const struct turn	*turn = d->turns;

	nsent = 0;
	if (tcpk__talk_begin(&talk, d->proto, "example.org", NULL) == -1)
		return false;
	note_sent();
	if (!sends(d->opening))
		return false;
	for (; turn->client.p != NULL; turn++)
		if (say(turn->server, at, each) != TALK_SEND ||
		    !sends(turn->client))
			return false;
	return say(turn->server, at, each) == TALK_READY && talk.nout == 0;
}

static void
test_good(void)
{
	const struct dialogue	*d;
	size_t			 at;
	bool			 split;

	for (d = good; d < good + sizeof(good) / sizeof(good[0]); d++) {
		ok(talk_through(d, 0, false), "%s, %s", d->proto, d->name);
		for (at = 1, split = true; at < 300; at++)
			split &= talk_through(d, at, false);
		ok(split && talk_through(d, 0, true),
		    "%s, %s, in pieces", d->proto, d->name);
	}
}

static bool
refuses(const struct bad *b, bool each)
{
	enum tcpk__talk_verdict	v = TALK_SEND;
	char			text[sizeof(talk.err.text)];
	size_t			i;

	tcpk__talk_begin(&talk, b->proto, "example.org", NULL);
	for (i = 0; b->turns[i].p != NULL && v == TALK_SEND; i++)
		v = say(b->turns[i], 0, each);
	if (b->text == NULL)
		return v == TALK_WAIT;
	snprintf(text, sizeof(text), "starttls %s: %s", b->proto, b->text);
	if (v == TALK_REFUSED && b->turns[i].p == NULL &&
	    talk.err.kind == TCPK_ETLS && strcmp(talk.err.text, text) == 0)
		return true;
	note("verdict %d \"%s\"", (int)v, talk.err.text);
	return false;
}

static void
test_bad(void)
{
	const struct bad	*b;

	for (b = bad; b < bad + sizeof(bad) / sizeof(bad[0]); b++) {
		ok(refuses(b, false), "%s: %s", b->proto,
		    b->text != NULL ? b->text : "half a line");
		if (b->text == NULL || (strcmp(b->text, SENT_BEHIND) != 0 &&
		    strcmp(b->text, SENT_BEFORE) != 0))
			ok(refuses(b, true), "in pieces");
	}
}

/* head, then n times fill: the kind of it that is refused, and when. */
static void
too_much(const char *proto, const char *head, char fill, size_t n,
    const char *why)
{
	enum tcpk__talk_verdict	v;
	size_t			taken = 0;

	tcpk__talk_begin(&talk, proto, "example.org", NULL);
	v = tcpk__talk_take(&talk, head, strlen(head));
	while (v == TALK_WAIT && taken < 100000) {
		v = tcpk__talk_take(&talk, &fill, 1);
		taken++;
	}
	ok(v == TALK_REFUSED && taken == n + 1 &&
	    strstr(talk.err.text, why) != NULL, "%s: %s (%zu)", proto,
	    talk.err.text, taken);
}

static void
test_bounds(void)
{
	static char	flood[200000];
	char		said[120];

	too_much("smtp", "220 ", 'x', TALK_PIECE - 4, "over 4 KiB");
	too_much("xmpp", "<stream:stream ", 'x', TALK_PIECE - 15,
	    "over 4 KiB");
	too_much("ftp", "220-\n", '\n', TALK_ALL - 5, "over 64 KiB");
	too_much("xmpp", "", ' ', TALK_ALL, "over 64 KiB");
	memset(flood, ' ', sizeof(flood));
	tcpk__talk_begin(&talk, "xmpp", "example.org", NULL);
	ok(tcpk__talk_take(&talk, flood, sizeof(flood)) == TALK_REFUSED &&
	    talk.total == TALK_ALL + 1, "and at once");
	memset(flood, '5', 1000);
	memcpy(flood + 3, " ", 1);
	memcpy(flood + 1000, "\n", 1);
	tcpk__talk_begin(&talk, "smtp", "example.org", NULL);
	snprintf(said, sizeof(said), "starttls smtp: refused: %.80s", flood);
	ok(tcpk__talk_take(&talk, flood, 1001) == TALK_REFUSED &&
	    strcmp(talk.err.text, said) == 0, "80 bytes of a refusal");
}

static void
test_names(void)
{
	static const char *const fine[] = { "localhost", "a.b-c_d", "[::1]",
	    "192.0.2.1", "fe80::1%eth0", "\xc3\xbcmlaut.example" };
	static const char *const unfit[] = { "", "a'b", "a\"b", "a<b", "a&b",
	    "a b", "a>b", "a\nb" };
	char		list[100] = "", copy[100], *p, long_name[300];
	struct tcpk_err	err;
	size_t		i;

	for (i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
		ok(tcpk__talk_begin(&talk, "xmpp", fine[i], NULL) == 0,
		    "xmpp: the name %s", fine[i]);
	for (i = 0; i < sizeof(unfit) / sizeof(unfit[0]); i++)
		ok(tcpk__talk_begin(&talk, "xmpp", unfit[i], &err) == -1 &&
		    err.kind == TCPK_EUSAGE, "xmpp: a name that is none");
	ok(tcpk__talk_begin(&talk, "smtp", "a'b", NULL) == 0,
	    "which smtp does not mind");
	memset(long_name, 'x', sizeof(long_name));
	long_name[255] = '\0';
	ok(tcpk__talk_begin(&talk, "xmpp", long_name, NULL) == 0 &&
	    memcmp(talk.out + talk.nout - 3, "x'>", 3) == 0, "255 bytes");
	long_name[255] = 'x';
	long_name[256] = '\0';
	ok(tcpk__talk_begin(&talk, "xmpp", long_name, &err) == -1 &&
	    err.kind == TCPK_EUSAGE, "256 bytes");
	snprintf(copy, sizeof(copy), "%s", tcpk_starttls_list());
	for (p = strtok(copy, ", "); p != NULL; p = strtok(NULL, ", ")) {
		ok(tcpk_starttls_knows(p), "%s is known", p);
		snprintf(list + strlen(list), sizeof(list) - strlen(list),
		    "%s%s", list[0] == '\0' ? "" : ", ", p);
	}
	ok(strcmp(list, tcpk_starttls_list()) == 0, "%s", list);
	ok(!tcpk_starttls_knows("SMTP") && !tcpk_starttls_knows("") &&
	    !tcpk_starttls_knows("smtps"), "others are not");
}

/* --- over a connection --------------------------------------------------- */

/* One attempt, and the server at its other end. */
struct attempt {
	struct tcpk_starttls	*st;
	struct tcpk_stream	*stream, *other;
	const struct turn	*turn;		/* next */
	struct bytes		 awaited;	/* of the client */
	size_t			 heard;
	bool			 wrong, starting, early, frees;
	struct attempt		*cancels;
	int			 done;
	struct tcpk_err		 err;
};

static void
on_done(void *arg, const struct tcpk_err *err)
{
	struct attempt	*a = arg;

	a->early |= a->starting;
	a->done++;
	a->st = NULL;
	if (err != NULL)
		a->err = *err;
	if (a->frees) {
		tcpk_stream_free(a->stream);
		a->stream = NULL;
	}
	if (a->cancels != NULL) {
		tcpk_starttls_cancel(a->cancels->st);
		a->cancels->st = NULL;
	}
}

static void
answer(struct attempt *a)
{
	struct bytes	b = a->turn->server;

	a->wrong |= tcpk_stream_write(a->other, b.p, b.n) != (ssize_t)b.n;
	a->heard = 0;
	a->awaited = a->turn++->client;
	tcpk_stream_want(a->other, a->awaited.p != NULL ? TCPK_READ : 0);
}

static void
on_heard(void *arg, unsigned ready)
{
	struct attempt	*a = arg;
	char		 buf[512];
	ssize_t		 got;

	(void)ready;
	got = tcpk_stream_read(a->other, buf, a->awaited.n - a->heard);
	if (got <= 0 || memcmp(buf, a->awaited.p + a->heard,
	    (size_t)got) != 0) {
		a->wrong = true;
		tcpk_stream_want(a->other, 0);
		return;
	}
	a->heard += (size_t)got;
	if (a->heard == a->awaited.n)
		answer(a);
}

static void
start(struct attempt *a, const char *proto)
{
	a->starting = true;
	a->st = tcpk_starttls_start(loop, proto, "example.org", a->stream,
	    on_done, a, NULL);
	a->starting = false;
}

static void
join(struct attempt *a)
{
	int	fds[2];

	memset(a, 0, sizeof(*a));
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == -1)
		exit(1);
	a->stream = tcpk_stream_socket(loop, fds[0], NULL);
	a->other = tcpk_stream_socket(loop, fds[1], NULL);
	tcpk_stream_on_ready(a->other, on_heard, a);
}

static void
part(struct attempt *a)
{
	tcpk_stream_free(a->stream);
	tcpk_stream_free(a->other);
}

/* The server follows the dialogue. */
static void
begin(struct attempt *a, const struct dialogue *d)
{
	a->turn = d->turns;
	a->awaited = d->opening;
	if (d->opening.n > 0)
		tcpk_stream_want(a->other, TCPK_READ);
	else
		answer(a);
	start(a, d->proto);
}

/* Our readiness is handed back, and what comes now is all the owner's. */
static bool
handed_back(struct attempt *a)
{
	char	buf[10];

	if (tcpk_stream_write(a->other, "tls", 3) != 3)
		return false;
	turn_for(loop, 5 * TCPK_MS);
	return a->stream->fn == NULL && turn_for(loop, 5 * TCPK_MS) < 3 &&
	    tcpk_stream_read(a->stream, buf, sizeof(buf)) == 3 &&
	    memcmp(buf, "tls", 3) == 0;
}

static void
test_connected(void)
{
	const struct dialogue	*d;
	struct attempt		 a;

	for (d = good; d < good + sizeof(good) / sizeof(good[0]); d++) {
		join(&a);
		begin(&a, d);
		ok(a.st != NULL && wait_for(loop, &a.done, 1) && !a.early &&
		    !a.wrong && a.err.kind == TCPK_OK && handed_back(&a) &&
		    a.done == 1, "%s, %s, connected", d->proto, d->name);
		part(&a);
	}
}

/* A stream that takes a byte at a time, and every other time none. */
struct narrow {
	struct tcpk_stream	 s;
	struct tcpk_stream	*under;
	bool			 again;
	ssize_t			 says;		/* if it is to fail */
};

static ssize_t
narrow_read(struct tcpk_stream *s, void *buf, size_t n)
{
	struct narrow	*nw = (struct narrow *)s;

	if (nw->says == -1)
		return -1;
	return tcpk_stream_read(nw->under, buf, n > 0 ? 1 : 0);
}

static ssize_t
narrow_write(struct tcpk_stream *s, const void *buf, size_t n)
{
	struct narrow	*nw = (struct narrow *)s;

	(void)n;
	if (nw->says != 0)
		return nw->says;
	nw->again = !nw->again;
	return nw->again ? TCPK_AGAIN : tcpk_stream_write(nw->under, buf, 1);
}

static void
narrow_ready(void *arg, unsigned ready)
{
	tcpk__stream_ready(arg, ready);
}

static void
narrow_want(struct tcpk_stream *s, unsigned want)
{
	tcpk_stream_want(((struct narrow *)s)->under, want);
}

static void
narrow_free(struct tcpk_stream *s)
{
	tcpk_stream_free(((struct narrow *)s)->under);
	free(s);
}

static const struct tcpk__stream_ops	narrow_ops = {
	.read = narrow_read, .write = narrow_write, .want = narrow_want,
	.free = narrow_free
};

static void
make_narrow(struct attempt *a, ssize_t says)
{
	struct narrow	*nw = calloc(1, sizeof(*nw));

	if (nw == NULL)
		exit(1);
	nw->s.ops = &narrow_ops;
	nw->under = a->stream;
	nw->says = says;
	tcpk_stream_on_ready(a->stream, narrow_ready, nw);
	a->stream = &nw->s;
}

static void
test_narrow(void)
{
	const struct dialogue	*d;
	struct attempt		 a;

	for (d = good; d < good + sizeof(good) / sizeof(good[0]); d++) {
		join(&a);
		make_narrow(&a, 0);
		begin(&a, d);
		ok(wait_for(loop, &a.done, 1) && !a.wrong &&
		    a.err.kind == TCPK_OK, "%s, %s, a byte at a time",
		    d->proto, d->name);
		part(&a);
	}
}

static void
expect(struct attempt *a, enum tcpk_err_kind kind, const char *text)
{
	bool	came = wait_for(loop, &a->done, 1) && !a->early;

	ok(came && a->err.kind == (int)kind && strcmp(a->err.text, text) == 0,
	    "%s: %s", tcpk_err_word(kind), text);
	if (strcmp(a->err.text, text) != 0)
		note("%s: \"%s\"", tcpk_err_word(a->err.kind), a->err.text);
	turn_for(loop, 2 * TCPK_MS);
	ok(a->done == 1, "told once");
	part(a);
}

/* A connection that its other end has reset. */
static void
join_reset(struct attempt *a)
{
	struct sockaddr_in	in;
	socklen_t		len = sizeof(in);
	int			l = socket(AF_INET, SOCK_STREAM, 0);
	int			fd = socket(AF_INET, SOCK_STREAM, 0), other;

	memset(a, 0, sizeof(*a));
	memset(&in, 0, sizeof(in));
	in.sin_family = AF_INET;
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(l, (struct sockaddr *)&in, len) == -1 || listen(l, 1) == -1 ||
	    getsockname(l, (struct sockaddr *)&in, &len) == -1 ||
	    connect(fd, (struct sockaddr *)&in, len) == -1 ||
	    (other = accept(l, NULL, NULL)) == -1)
		exit(1);
	close(l);
	a->stream = tcpk_stream_socket(loop, fd, NULL);
	a->other = tcpk_stream_socket(loop, other, NULL);
	tcpk_stream_reset(a->other);
	tcpk_stream_free(a->other);
	a->other = NULL;
}

static void
test_failures(void)
{
	static char	flood[TALK_ALL + 5000];
	struct attempt	a;
	char		text[100];
	size_t		at = 0;
	ssize_t		n;

	join(&a);
	start(&a, "smtp");
	a.wrong = tcpk_stream_write(a.other, "554 go\r\n", 8) != 8;
	a.frees = true;
	expect(&a, TCPK_ETLS, "starttls smtp: refused: 554 go");
	join(&a);
	start(&a, "smtp");
	a.wrong = tcpk_stream_write(a.other, "220 x", 5) != 5;
	tcpk_stream_finish(a.other);
	expect(&a, TCPK_ETLS, "starttls smtp: the server ended the "
	    "connection");
	join_reset(&a);
	start(&a, "imap");
	snprintf(text, sizeof(text), "starttls imap: read: %s",
	    strerror(ECONNRESET));
	expect(&a, TCPK_ECUT, text);
	join(&a);
	tcpk_stream_free(a.other);
	a.other = NULL;
	start(&a, "ldap");
	snprintf(text, sizeof(text), "starttls ldap: write: %s",
	    strerror(EPIPE));
	expect(&a, TCPK_ECUT, text);
	join(&a);
	make_narrow(&a, TCPK_GONE);
	start(&a, "postgres");
	expect(&a, TCPK_ETLS, "starttls postgres: the server ended the "
	    "connection");
	join(&a);
	make_narrow(&a, -1);
	start(&a, "postgres");
	expect(&a, TCPK_ECUT, "starttls postgres: the connection broke");
	join(&a);
	start(&a, "xmpp");
	memset(flood, '\n', sizeof(flood));
	while (a.done == 0 && at < sizeof(flood)) {
		n = tcpk_stream_write(a.other, flood + at,
		    sizeof(flood) - at);
		at += n > 0 ? (size_t)n : 0;
		tcpk_loop_turn(loop, 0, NULL);
	}
	expect(&a, TCPK_ETLS, "starttls xmpp: the server said over 64 KiB");
}

static void
test_start(void)
{
	struct attempt	a;
	struct tcpk_err	err;

	join(&a);
	ok(tcpk_starttls_start(loop, "gopher", "x", a.stream, on_done, &a,
	    &err) == NULL && err.kind == TCPK_EUSAGE, "%s", err.text);
	ok(tcpk_starttls_start(loop, "xmpp", "a'", a.stream, on_done, &a,
	    &err) == NULL && err.kind == TCPK_EUSAGE, "%s", err.text);
	ok(a.stream->fn == NULL && a.done == 0, "the stream is not touched");
	part(&a);
}

static void
test_cancel(void)
{
	struct attempt	a, b;
	int		i, turns;
	bool		fine = true;

	tcpk_starttls_cancel(NULL);
	ok(1, "cancel of nothing");
	for (turns = 0; turns < 10; turns++) {
		join(&a);
		begin(&a, &good[0]);
		for (i = 0; i < turns; i++)
			tcpk_loop_turn(loop, TCPK_MS, NULL);
		if (a.st == NULL)
			turns = 10;
		else {
			tcpk_starttls_cancel(a.st);
			fine &= a.stream->fn == NULL;
			turn_for(loop, 2 * TCPK_MS);
			fine &= a.done == 0;
		}
		part(&a);
	}
	ok(fine && turns == 11, "cancelled at any time, nothing comes of it");
	join(&a);
	join(&b);
	a.cancels = &b;
	b.cancels = &a;
	start(&a, "smtp");
	start(&b, "smtp");
	tcpk_stream_write(a.other, "5\n", 2);
	tcpk_stream_write(b.other, "5\n", 2);
	turn_for(loop, 5 * TCPK_MS);
	ok(a.done + b.done == 1, "cancelled by another that is as ready");
	part(&a);
	part(&b);
}

static void
test_backend(const char *name)
{
	int	before = count_fds();

	loop = tcpk_loop_new(name, NULL);
	if (loop == NULL)
		return;
	note("back end %s", name);
	test_connected();
	test_narrow();
	test_failures();
	test_start();
	test_cancel();
	tcpk_loop_free(loop);
	ok(count_fds() == before, "no descriptor is left");
}

int
main(void)
{
	test_good();
	test_bad();
	test_bounds();
	test_names();
	test_backend("epoll");
	test_backend("poll");
	return done_testing();
}
