/*
 * The dialogues in lines, and what all of them share.
 *
 * An answer that is complete before its question was sent cannot be one: the
 * bytes of one read may make us speak once at most.
 */

#include <string.h>

#include "starttls_impl.h"

struct tcpk__talk_proto {
	const char	*name;
	enum tcpk__talk_verdict (*byte)(struct tcpk__talk *, unsigned char);
	enum tcpk__talk_verdict (*line)(struct tcpk__talk *);
	const char	*opening;
	size_t		 nopening;
	const char	*closing;	/* behind opening and name, or NULL */
};

enum tcpk__talk_verdict
tcpk__talk_refuse(struct tcpk__talk *t, const char *why)
{
	tcpk_err_set(&t->err, TCPK_ETLS, "starttls %s: %s", t->proto->name,
	    why);
	return TALK_REFUSED;
}

enum tcpk__talk_verdict
tcpk__talk_refused(struct tcpk__talk *t, const void *said, size_t n)
{
	tcpk_err_set(&t->err, TCPK_ETLS, "starttls %s: refused: %.*s",
	    t->proto->name, n < TALK_SAID ? (int)n : TALK_SAID,
	    (const char *)said);
	return TALK_REFUSED;
}

enum tcpk__talk_verdict
tcpk__talk_nonsense(struct tcpk__talk *t)
{
	const char	*name = t->proto->name;

	tcpk_err_set(&t->err, TCPK_ETLS, "starttls %s: the server does not "
	    "speak %s%s%.*s", name, name, t->len > 0 ? ": " : "",
	    t->len < TALK_SAID ? (int)t->len : TALK_SAID, t->piece);
	return TALK_REFUSED;
}

static void
say(struct tcpk__talk *t, const char *data, size_t n)
{
	if (n > sizeof(t->out) - t->nout)
		n = sizeof(t->out) - t->nout;
	memcpy(t->out + t->nout, data, n);
	t->nout += n;
}

enum tcpk__talk_verdict
tcpk__talk_ask(struct tcpk__talk *t, enum tcpk__talk_state next,
    const char *command)
{
	say(t, command, strlen(command));
	t->state = next;
	return TALK_SEND;
}

enum tcpk__talk_verdict
tcpk__talk_ask_if_offered(struct tcpk__talk *t, const char *command)
{
	return t->offered ? tcpk__talk_ask(t, GO_AHEAD, command) :
	    tcpk__talk_refuse(t, "the server does not offer STARTTLS");
}

enum tcpk__talk_verdict
tcpk__talk_keep(struct tcpk__talk *t, unsigned char c)
{
	if (t->len == sizeof(t->piece))
		return tcpk__talk_refuse(t, "the server sent a line over "
		    "4 KiB");
	t->piece[t->len++] = (char)c;
	return TALK_WAIT;
}

/* --- lines --------------------------------------------------------------- */

/* A lone LF ends a line as well, as most clients have it. */
static enum tcpk__talk_verdict
line_byte(struct tcpk__talk *t, unsigned char c)
{
	enum tcpk__talk_verdict	v;

	if (c == '\n') {
		t->cr = false;
		v = t->proto->line(t);
		t->len = 0;
		return v;
	}
	if (t->cr || c == '\0')
		return tcpk__talk_nonsense(t);
	t->cr = c == '\r';
	return t->cr ? TALK_WAIT : tcpk__talk_keep(t, c);
}

static enum tcpk__talk_verdict
refused(struct tcpk__talk *t)
{
	return tcpk__talk_refused(t, t->piece, t->len);
}

/* ASCII, whatever the locale. */
static char
upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* Is this, in upper case, the word there? */
static bool
word_at(const struct tcpk__talk *t, size_t at, const char *word)
{
	for (; *word != '\0'; at++, word++)
		if (at >= t->len || upper(t->piece[at]) != *word)
			return false;
	return at == t->len || t->piece[at] == ' ';
}

static bool
has_word(const struct tcpk__talk *t, const char *word)
{
	size_t	at;

	for (at = 0; at < t->len; at++)
		if ((at == 0 || t->piece[at - 1] == ' ') &&
		    word_at(t, at, word))
			return true;
	return false;
}

/* The code a line begins with, or -1; *more: with "-" behind it. */
static int
reply_code(const struct tcpk__talk *t, bool *more)
{
	const char	*p = t->piece;
	int		 i, code = 0;

	if (t->len < 3 || (t->len > 3 && p[3] != ' ' && p[3] != '-'))
		return -1;
	for (i = 0; i < 3; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -1;
		code = code * 10 + p[i] - '0';
	}
	*more = t->len > 3 && p[3] == '-';
	return code;
}

/*
 * EHLO is to name the client, whose name nobody here knows; the server's own
 * would pass for a forgery.
 */
static enum tcpk__talk_verdict
smtp_line(struct tcpk__talk *t)
{
	bool	more = false;
	int	code = reply_code(t, &more);

	if (code == -1)
		return tcpk__talk_nonsense(t);
	if (code != (t->state == OFFERS ? 250 : 220))
		return refused(t);
	if (t->state == OFFERS && word_at(t, 4, "STARTTLS"))
		t->offered = true;
	if (more)
		return TALK_WAIT;
	if (t->state == GREETING)
		return tcpk__talk_ask(t, OFFERS, "EHLO localhost\r\n");
	if (t->state == OFFERS)
		return tcpk__talk_ask_if_offered(t, "STARTTLS\r\n");
	return TALK_READY;
}

/* RFC 959: the lines between the first and the last may be anything. */
static enum tcpk__talk_verdict
ftp_line(struct tcpk__talk *t)
{
	bool	more = false;
	int	code = reply_code(t, &more);

	if (t->reply != 0 && (code != t->reply || more))
		return TALK_WAIT;
	if (code == -1)
		return tcpk__talk_nonsense(t);
	t->reply = more ? code : 0;
	/* "Service ready in so many minutes" comes before the greeting. */
	if (code == 120 && t->state == GREETING)
		return TALK_WAIT;
	if (code != (t->state == GREETING ? 220 : 234))
		return refused(t);
	if (more)
		return TALK_WAIT;
	if (t->state == GREETING)
		return tcpk__talk_ask(t, GO_AHEAD, "AUTH TLS\r\n");
	return TALK_READY;
}

static enum tcpk__talk_verdict
imap_untagged(struct tcpk__talk *t)
{
	if (t->state == GREETING && word_at(t, 2, "OK"))
		return tcpk__talk_ask(t, OFFERS, "a1 CAPABILITY\r\n");
	/* PREAUTH: logged in, and too late for TLS. */
	if (word_at(t, 2, "BYE") || (t->state == GREETING &&
	    word_at(t, 2, "PREAUTH")))
		return refused(t);
	if (t->state == GREETING)
		return tcpk__talk_nonsense(t);
	if (t->state == OFFERS && word_at(t, 2, "CAPABILITY") &&
	    has_word(t, "STARTTLS"))
		t->offered = true;
	return TALK_WAIT;
}

static enum tcpk__talk_verdict
imap_line(struct tcpk__talk *t)
{
	if (word_at(t, 0, "*"))
		return imap_untagged(t);
	if (t->state == GREETING ||
	    !word_at(t, 0, t->state == OFFERS ? "A1" : "A2"))
		return tcpk__talk_nonsense(t);
	if (!word_at(t, 3, "OK"))
		return refused(t);
	if (t->state == OFFERS)
		return tcpk__talk_ask_if_offered(t, "a2 STARTTLS\r\n");
	return TALK_READY;
}

static enum tcpk__talk_verdict
pop3_line(struct tcpk__talk *t)
{
	bool	fine = word_at(t, 0, "+OK");

	if (t->listing) {
		if (word_at(t, 0, "STLS"))
			t->offered = true;
		t->listing = t->len != 1 || t->piece[0] != '.';
		if (t->listing)
			return TALK_WAIT;
		return tcpk__talk_ask_if_offered(t, "STLS\r\n");
	}
	if (!fine && !word_at(t, 0, "-ERR"))
		return tcpk__talk_nonsense(t);
	/* A server may know STLS and not CAPA. */
	if (!fine && t->state == OFFERS)
		return tcpk__talk_ask(t, GO_AHEAD, "STLS\r\n");
	if (!fine)
		return refused(t);
	if (t->state == GREETING)
		return tcpk__talk_ask(t, OFFERS, "CAPA\r\n");
	t->listing = t->state == OFFERS;
	return t->listing ? TALK_WAIT : TALK_READY;
}

/* --- postgres ------------------------------------------------------------ */

/* The text of an error is not fetched: it may be anyone's (CVE-2024-10977). */
static enum tcpk__talk_verdict
postgres_byte(struct tcpk__talk *t, unsigned char c)
{
	switch (c) {
	case 'S':
		return TALK_READY;
	case 'N':
		return tcpk__talk_refuse(t, "the server does not offer TLS");
	case 'E':
		return tcpk__talk_refuse(t, "the server reports an error");
	}
	return tcpk__talk_nonsense(t);
}

/* --- any of them --------------------------------------------------------- */

#define TEXT(s)		(s), sizeof(s) - 1

static const struct tcpk__talk_proto	protos[] = {
	{ "smtp", line_byte, smtp_line, NULL, 0, NULL },
	{ "imap", line_byte, imap_line, NULL, 0, NULL },
	{ "pop3", line_byte, pop3_line, NULL, 0, NULL },
	{ "ftp", line_byte, ftp_line, NULL, 0, NULL },
	{ "xmpp", tcpk__xmpp_byte, NULL, TEXT("<?xml version='1.0'?>"
	    "<stream:stream version='1.0' xmlns='jabber:client' "
	    "xmlns:stream='http://etherx.jabber.org/streams' to='"), "'>" },
	{ "postgres", postgres_byte, NULL,
	    TEXT("\0\0\0\010\004\322\026\057"), NULL },
	{ "ldap", tcpk__ldap_byte, NULL, TEXT("\060\035\002\001\001\167"
	    "\030\200\026" TALK_LDAP_OID), NULL },
};

static const struct tcpk__talk_proto *
find(const char *name)
{
	size_t	i;

	for (i = 0; i < sizeof(protos) / sizeof(protos[0]); i++)
		if (strcmp(protos[i].name, name) == 0)
			return &protos[i];
	return NULL;
}

bool
tcpk__talk_knows(const char *proto)
{
	return find(proto) != NULL;
}

/* What a name on the network may consist of; none of it is XML's. */
static bool
plain(const char *name)
{
	const char	*p;

	for (p = name; *p != '\0'; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		    (*p >= '0' && *p <= '9') || (unsigned char)*p >= 0x80 ||
		    strchr(".-_:%[]", *p) != NULL))
			return false;
	return p > name && p - name <= TALK_NAME;
}

int
tcpk__talk_begin(struct tcpk__talk *t, const char *proto, const char *name,
    struct tcpk_err *err)
{
	memset(t, 0, sizeof(*t));
	t->proto = find(proto);
	if (t->proto == NULL)
		return tcpk_err_set(err, TCPK_EUSAGE, "starttls: no protocol "
		    "%.80s", proto);
	if (t->proto->opening == NULL)
		return 0;
	say(t, t->proto->opening, t->proto->nopening);
	if (t->proto->closing == NULL)
		return 0;
	if (!plain(name))
		return tcpk_err_set(err, TCPK_EUSAGE, "starttls %s: %.80s is "
		    "no host name", proto, name);
	say(t, name, strlen(name));
	say(t, t->proto->closing, strlen(t->proto->closing));
	return 0;
}

enum tcpk__talk_verdict
tcpk__talk_take(struct tcpk__talk *t, const void *data, size_t n)
{
	const unsigned char	*p = data;
	enum tcpk__talk_verdict	 v, sum = TALK_WAIT;
	size_t			 i;

	t->nout = 0;
	for (i = 0; i < n; i++) {
		if (t->total++ == TALK_ALL)
			return tcpk__talk_refuse(t, "the server said over "
			    "64 KiB");
		v = t->proto->byte(t, p[i]);
		if (v == TALK_WAIT)
			continue;
		if (v == TALK_REFUSED)
			return v;
		if (sum == TALK_SEND)
			return tcpk__talk_refuse(t, "the server answered "
			    "before it was asked");
		if (v == TALK_READY && i + 1 < n)
			return tcpk__talk_refuse(t, "the server sent data "
			    "behind its go-ahead, before TLS; somebody may be "
			    "on the way");
		sum = v;
	}
	return sum;
}
