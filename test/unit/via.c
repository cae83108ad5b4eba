/* via: lists of proxies, what is said to each, and the walk through them. */

#include <sys/socket.h>

#include <stdbool.h>

#include "help.h"
#include "tcpkit/via.h"
#include "via_impl.h"

#define B(s)		{ s, sizeof(s) - 1 }
#define GLUED		"SSH-2.0-x\r\n"
#define SECRET		"geheim"

struct bytes {
	const char	*p;
	size_t		 n;
};

/* --- lists --------------------------------------------------------------- */

static const struct url {
	const char		*text;
	enum tcpk__proxy_kind	 kind;
	const char		*host, *port, *user, *password, *name;
} urls[] = {
	{ "socks5://h", VIA_SOCKS5, "h", "1080", NULL, NULL, "h:1080" },
	{ "socks4://h", VIA_SOCKS4, "h", "1080", NULL, NULL, "h:1080" },
	{ "socks4a://h:1", VIA_SOCKS4A, "h", "1", NULL, NULL, "h:1" },
	{ "http://h", VIA_HTTP, "h", "8080", NULL, NULL, "h:8080" },
	{ "http://h:3128/", VIA_HTTP, "h", "3128", NULL, NULL, "h:3128" },
	{ "http://127.0.0.1:65535", VIA_HTTP, "127.0.0.1", "65535", NULL,
	    NULL, "127.0.0.1:65535" },
	{ "socks5://[::1]", VIA_SOCKS5, "::1", "1080", NULL, NULL,
	    "[::1]:1080" },
	{ "socks5://u:p@[2001:db8::1]:9", VIA_SOCKS5, "2001:db8::1", "9",
	    "u", "p", "[2001:db8::1]:9" },
	{ "socks5://u@h", VIA_SOCKS5, "h", "1080", "u", "", "h:1080" },
	{ "socks4://u@h", VIA_SOCKS4, "h", "1080", "u", "", "h:1080" },
	{ "socks4a://u:@h", VIA_SOCKS4A, "h", "1080", "u", "", "h:1080" },
	{ "http://u:p:q@h", VIA_HTTP, "h", "8080", "u", "p:q", "h:8080" },
	{ "socks5://u:p@q@h", VIA_SOCKS5, "h", "1080", "u", "p@q",
	    "h:1080" },
	{ "socks5://%75%3a:%2F%3b%2C%25%ff@h", VIA_SOCKS5, "h", "1080", "u:",
	    "/;,%\xff", "h:1080" },
};

static const struct wrong {
	const char	*text, *why;
} wrongs[] = {
	{ "", "proxy 1: write socks5://HOST:PORT" },
	{ "h:1080", "proxy 1: write socks5://HOST:PORT" },
	{ "u:" SECRET "@h", "proxy 1: write socks5://HOST:PORT" },
	{ "https://u:" SECRET "@h", "proxy 1: write socks5://HOST:PORT" },
	{ "SOCKS5://h", "proxy 1: write socks5://HOST:PORT" },
	{ "socks5://", "proxy 1: the host is empty" },
	{ "socks5://u:" SECRET "@", "proxy 1: the host is empty" },
	{ "socks5://:1080", "proxy 1: the host is empty" },
	{ "socks5://h:", "proxy 1: the port is not" },
	{ "socks5://h:0", "proxy 1: the port is not" },
	{ "socks5://h:65536", "proxy 1: the port is not" },
	{ "socks5://h:socks", "proxy 1: the port is not" },
	{ "socks5://h: 1", "proxy 1: the port is not" },
	{ "socks5://::1", "proxy 1: write an IPv6" },
	{ "socks5://2001:db8::1", "proxy 1: write an IPv6" },
	{ "socks5://[::1", "proxy 1: write an IPv6" },
	{ "socks5://[::1]1", "proxy 1: write an IPv6" },
	{ "socks5://[::1]:", "proxy 1: the port is not" },
	{ "socks5://[h]:1", "proxy 1: what is in brackets" },
	{ "socks5://[127.0.0.1]:1", "proxy 1: what is in brackets" },
	{ "socks5://127.1", "proxy 1: the host is not an IPv4" },
	{ "socks5://a b", "proxy 1: this is not a host name" },
	{ "socks5://a\nb", "proxy 1: this is not a host name" },
	{ "socks5://h/x", "proxy 1: nothing may follow" },
	{ "socks5://u:" SECRET "/@h", "proxy 1: nothing may follow" },
	{ "socks5://u:" SECRET ";x@h", "proxy 1: the port is not" },
	{ "socks5://h;", "proxy 2: write socks5://HOST:PORT" },
	{ "socks5://h;;socks5://h", "proxy 2: write socks5://HOST:PORT" },
	{ "socks5://h;socks5://u:" SECRET "@h:x", "proxy 2: the port is not" },
	{ "socks5://@h", "proxy 1: the user name is empty" },
	{ "socks5://:" SECRET "@h", "proxy 1: the user name is empty" },
	{ "socks5://u%:" SECRET "@h", "proxy 1: a % in" },
	{ "socks5://u:" SECRET "%g0@h", "proxy 1: a % in" },
	{ "socks5://u:" SECRET "%4@h", "proxy 1: a % in" },
	{ "socks5://u:" SECRET "%00@h", "proxy 1: the user name or the "
	    "password holds a zero byte" },
	{ "socks4://u:" SECRET "@h", "proxy 1: SOCKS4 has no password" },
	{ "http://a%3ab:" SECRET "@h", "proxy 1: HTTP has no user names" },
};

static int
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void
test_urls(void)
{
	static struct tcpk_via		 v;
	const struct tcpk__proxy	*p = &v.proxies[0];
	struct tcpk_err			 err = { 0 };
	size_t				 i;

	for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		ok(tcpk__via_parse(&v, urls[i].text, &err) == 0 && v.n == 1 &&
		    p->kind == urls[i].kind && same(p->host, urls[i].host) &&
		    same(p->port, urls[i].port) &&
		    same(p->user, urls[i].user) &&
		    same(p->password, urls[i].password) &&
		    same(p->name, urls[i].name), "%s", urls[i].text);
		tcpk__via_wipe(&v);
	}
	for (i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		ok(tcpk__via_parse(&v, wrongs[i].text, &err) == -1 &&
		    err.kind == TCPK_EUSAGE && strncmp(err.text,
		    wrongs[i].why, strlen(wrongs[i].why)) == 0 &&
		    strstr(err.text, SECRET) == NULL, "wrong %zu: %s", i,
		    err.text);
	}
}

static void
test_list_limits(void)
{
	static struct tcpk_via	v;
	struct tcpk_err		err = { 0 };
	char			list[4096] = "", url[1024];
	int			i;

	for (i = 0; i < VIA_MOST; i++)
		strcat(list, i == 0 ? "socks5://h" : ";http://h");
	ok(tcpk__via_parse(&v, list, &err) == 0 && v.n == VIA_MOST &&
	    v.proxies[0].kind == VIA_SOCKS5 &&
	    v.proxies[VIA_MOST - 1].kind == VIA_HTTP, "16 in a row");
	tcpk__via_wipe(&v);
	strcat(list, ";http://h");
	ok(tcpk__via_parse(&v, list, &err) == -1, "and not 17: %s", err.text);
	for (i = 254; i <= 257; i++) {
		snprintf(url, sizeof(url), "socks5://%0*d:%0*d@h", i, 0, i, 0);
		ok((tcpk__via_parse(&v, url, &err) == 0) == (i <= 255),
		    "user and password of %d bytes", i);
		tcpk__via_wipe(&v);
	}
	snprintf(url, sizeof(url), "socks5://%0253d", 0);
	url[9] = 'h';
	url[9 + 252] = 'h';
	ok(tcpk__via_parse(&v, url, &err) == 0, "a host of 253 bytes");
	tcpk__via_wipe(&v);
	strcat(url, "h");
	ok(tcpk__via_parse(&v, url, &err) == -1, "not 254: %s", err.text);
}

static const struct auth {
	const char	*list, *text;
	const char	*want;	/* user:password, of each; or the error */
} auths[] = {
	{ "socks5://a", "u:p\n", "u:p " },
	{ "socks5://a", "u:p", "u:p " },
	{ "socks5://a", "u:p\r\n", "u:p " },
	{ "socks5://a", "u%25: p#:q \n", "u%25: p#:q  " },
	{ "socks5://a", "u:\n", "u: " },
	{ "socks5://a;http://b", "u:p\n", "u:p u:p " },
	{ "socks5://a;http://x:y@b", "u:p\n", "u:p x:y " },
	{ "socks5://a;http://b", "u:p\nv:q\n", "u:p v:q " },
	{ "socks5://a;http://b", "\nv:q\n", "- v:q " },
	{ "socks5://a;http://b;http://c", "u:p\nv:q", "u:p v:q - " },
	{ "socks4://a", "u:p\n", "u:p " },
	{ "socks5://a", "", "it holds no line user:password" },
	{ "socks5://a", "\n", "it holds no line user:password" },
	{ "socks5://a", "geheim\n", "line 1: this is not user:password" },
	{ "socks5://a;http://b", "u:p\ngeheim\n", "line 2: this is not "
	    "user:password" },
	{ "socks5://a", "u:p\nv:q\n", "it has 2 lines, for 1 proxy" },
	{ "socks5://a", ":p\n", "line 1: the user name is empty" },
};

static void
test_auth(void)
{
	static struct tcpk_via	v;
	struct tcpk_err		err = { 0 };
	char			got[512];
	size_t			i, j;

	for (i = 0; i < sizeof(auths) / sizeof(auths[0]); i++) {
		got[0] = '\0';
		tcpk__via_parse(&v, auths[i].list, NULL);
		if (tcpk__via_auth_text(&v, auths[i].text,
		    strlen(auths[i].text), &err) == -1)
			snprintf(got, sizeof(got), "%s", err.text);
		else for (j = 0; j < v.n; j++) {
			strcat(got, v.proxies[j].user == NULL ? "-" :
			    v.proxies[j].user);
			if (v.proxies[j].user != NULL)
				strcat(strcat(got, ":"),
				    v.proxies[j].password);
			strcat(got, " ");
		}
		ok(strcmp(got, auths[i].want) == 0, "via-auth: %s", got);
		tcpk__via_wipe(&v);
	}
	tcpk__via_parse(&v, "socks5://a", NULL);
	ok(tcpk__via_auth(&v, "/nonexistent/file", &err) == -1 &&
	    err.kind == TCPK_EIO && strstr(err.text, "/nonexistent/file"),
	    "%s", err.text);
	ok(tcpk__via_auth(&v, "/dev/zero", &err) == -1 &&
	    err.kind == TCPK_EUSAGE, "%s", err.text);
	tcpk__via_wipe(&v);
}

static const struct {
	const char	*before, *after;
} hidden[] = {
	{ "h:1", NULL },
	{ "tls://h:1,key=/a@b,name=x@y", NULL },
	{ "h:1,via=socks5://p:1,key=/a@b", NULL },
	{ "h:1,via=socks5://u@p:1", NULL },
	{ "unix:/a:b@c", NULL },
	{ "socks5://u:geheim@h", "socks5://u:xxxxxx@h" },
	{ "h:1,via=socks5://u:geheim@p:1,key=/a@b",
	    "h:1,via=socks5://u:xxxxxx@p:1,key=/a@b" },
	{ "tls://h:1,via=http://u:a@p;socks5://v:b@q,nodelay",
	    "tls://h:1,via=http://u:x@p;socks5://v:x@q,nodelay" },
	{ "h:1,vai=socks5://u:geheim@p", "h:1,vai=socks5://u:xxxxxx@p" },
	{ "h:1,via=u:geheim@p:1", "h:1,via=u:xxxxxx@p:1" },
	{ "h:1,via=socks5://u:a,b@p", "h:1,via=socks5://u:xxx@p" },
	{ "h:1,via=socks5://u:a/b;c:@d@p", "h:1,via=socks5://u:xxxxxxxx@p" },
	{ "http://u:a@h,http://u:b@h", "http://u:x@h,http://u:x@h" },
};

static void
test_hiding(void)
{
	struct tcpk_endpoint	ep;
	struct tcpk_err		err = { 0 };
	char			text[128];
	size_t			i;
	bool			found;

	for (i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
		snprintf(text, sizeof(text), "%s", hidden[i].before);
		found = tcpk_endpoint_hide(text);
		ok(found == (hidden[i].after != NULL) && strcmp(text, found ?
		    hidden[i].after : hidden[i].before) == 0, "hidden: %s",
		    text);
	}
	ok(tcpk_endpoint_parse(&ep, "h:1,via=http://u:geheim@p",
	    TCPK_CONNECT, &err) == 0 && strstr(ep.text, SECRET) == NULL &&
	    strcmp(ep.o.via, "http://u:geheim@p") == 0, "an endpoint's text "
	    "is without it");
	tcpk_endpoint_free(&ep);
	for (i = 0; i < 3; i++) {
		static const char *const	bad[] = {
			"h:1,via=http://u:geheim@p,x", "geheim://u:geheim@p",
			"h:1,via=http://u:p,geheim@p" };

		ok(tcpk_endpoint_parse(&ep, bad[i], TCPK_CONNECT, &err) ==
		    -1 && (i == 1 || strstr(err.text, SECRET) == NULL),
		    "nor is an error's: %s", err.text);
	}
}

/* --- machines ------------------------------------------------------------ */

struct turn {
	struct bytes	out, in;
};

#define HTTP_ASK(host)	B("CONNECT " host " HTTP/1.1\r\nHost: " host \
	"\r\n\r\n")

/* What is said, and answered; it is open after the last answer. */
static const struct talk {
	const char	*what, *proxy, *host;
	unsigned	 port;
	struct turn	 turns[4];
} good[] = {
	{ "SOCKS4", "socks4://p", "192.0.2.1", 258, {
	    { B("\4\1\1\2\xc0\0\2\1\0"), B("\0\x5a\0\0\0\0\0\0") } } },
	{ "SOCKS4, a user", "socks4://me@p", "192.0.2.1", 80, {
	    { B("\4\1\0\x50\xc0\0\2\1me\0"), B("\0\x5a\1\2\3\4\5\6") } } },
	{ "SOCKS4a", "socks4a://p", "example.org", 80, {
	    { B("\4\1\0\x50\0\0\0\1\0example.org\0"),
	    B("\0\x5a\0\0\0\0\0\0") } } },
	{ "SOCKS4a, IPv4", "socks4a://p", "192.0.2.1", 80, {
	    { B("\4\1\0\x50\xc0\0\2\1\0"), B("\0\x5a\0\0\0\0\0\0") } } },
	{ "SOCKS5", "socks5://p", "example.org", 443, {
	    { B("\5\1\0"), B("\5\0") },
	    { B("\5\1\0\3\013example.org\1\xbb"),
	    B("\5\0\0\1\1\2\3\4\5\6") } } },
	{ "SOCKS5, IPv4, a bound name", "socks5://p", "192.0.2.1", 80, {
	    { B("\5\1\0"), B("\5\0") },
	    { B("\5\1\0\1\xc0\0\2\1\0\x50"), B("\5\0\0\3\4name\0\1") } } },
	{ "SOCKS5, IPv6, a bound name of no length", "socks5://p",
	    "2001:db8::1", 80, {
	    { B("\5\1\0"), B("\5\0") },
	    { B("\5\1\0\4\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\0\x50"),
	    B("\5\0\0\3\0\0\1") } } },
	{ "SOCKS5, a login that is not asked for", "socks5://u:p@p", "h", 1,
	    { { B("\5\2\0\2"), B("\5\0") },
	    { B("\5\1\0\3\1h\0\1"), B("\5\0\xff\4" "0123456789abcdef\1\2") }
	    } },
	{ "SOCKS5, a login", "socks5://user:secret@p", "h", 1, {
	    { B("\5\2\0\2"), B("\5\2") },
	    { B("\1\4user\6secret"), B("\1\0") },
	    { B("\5\1\0\3\1h\0\1"), B("\5\0\0\1\0\0\0\0\0\0") } } },
	{ "SOCKS5, an empty password, version 5", "socks5://u@p", "h", 1, {
	    { B("\5\2\0\2"), B("\5\2") },
	    { B("\1\1u\0"), B("\5\0") },
	    { B("\5\1\0\3\1h\0\1"), B("\5\0\0\1\0\0\0\0\0\0") } } },
	{ "HTTP", "http://p", "example.org", 80, {
	    { HTTP_ASK("example.org:80"),
	    B("HTTP/1.1 200 Connection established\r\n\r\n") } } },
	{ "HTTP, fields that say nothing", "http://p", "192.0.2.1", 80, {
	    { HTTP_ASK("192.0.2.1:80"), B("HTTP/1.0 200 OK\r\nContent-Length:"
	    " 5\r\nTransfer-Encoding: chunked\r\n folded\r\n\r\n") } } },
	{ "HTTP, IPv6, no reason, bare LF", "http://p", "2001:db8::1", 80, {
	    { HTTP_ASK("[2001:db8::1]:80"), B("HTTP/1.1 204\n\n") } } },
	{ "HTTP, mixed line ends", "http://p", "h", 1, {
	    { HTTP_ASK("h:1"), B("HTTP/1.1 299 \r\nA: b\n\r\n") } } },
	{ "HTTP, replies on the way", "http://p", "h", 1, {
	    { HTTP_ASK("h:1"), B("HTTP/1.1 100 Continue\r\n\r\n"
	    "HTTP/1.1 102 Processing\r\nA: b\r\n\r\nHTTP/1.1 200 \r\n\r\n") }
	    } },
	{ "HTTP, a login", "http://Aladdin:open%20sesame@p", "h", 1, {
	    { B("CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n"
	    "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"
	    "\r\n"), B("HTTP/1.1 200 OK\r\n\r\n") } } },
	{ "HTTP, base64 of other lengths", "http://ab:cd@p", "h", 1, {
	    { B("CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n"
	    "Proxy-Authorization: Basic YWI6Y2Q=\r\n\r\n"),
	    B("HTTP/1.1 200 OK\r\n\r\n") } } },
};

#define ONCE		{ B("\5\1\0"), B("\5\0") }
#define S5(in)		"socks5://p", { ONCE, { { NULL, 0 }, B(in) } }
#define S4(in)		"socks4a://p", { { { NULL, 0 }, B(in) } }
#define H(in)		"http://p", { { { NULL, 0 }, B(in) } }
#define CANNOT		"cannot connect to h.example:7: "

/* Refused, at the latest with the last byte; or NULL: not yet. */
static const struct refusal {
	const char	*proxy;
	struct turn	 turns[3];
	const char	*text;
} refusals[] = {
	{ "socks5://p", { { { NULL, 0 }, B("\4\0") } },
	    "its reply is not SOCKS5" },
	{ "socks5://p", { { { NULL, 0 }, B("HT") } },
	    "its reply is not SOCKS5" },
	{ "socks5://p", { { { NULL, 0 }, B("\5") } }, NULL },
	{ "socks5://p", { { { NULL, 0 }, B("\5\xff") } },
	    "wants a user name and a password: give via-auth=FILE, or "
	    "USER:PASSWORD@ in its URL" },
	{ "socks5://u:geheim@p", { { { NULL, 0 }, B("\5\xff") } },
	    "does not accept this user name and password" },
	{ "socks5://p", { { { NULL, 0 }, B("\5\2") } },
	    "chose a way to log in that was not offered (2)" },
	{ "socks5://u:geheim@p", { { { NULL, 0 }, B("\5\1") } },
	    "chose a way to log in that was not offered (1)" },
	{ "socks5://u:geheim@p", { { { NULL, 0 }, B("\5\2") },
	    { { NULL, 0 }, B("\1\1") } },
	    "does not accept this user name and password" },
	{ "socks5://u:geheim@p", { { { NULL, 0 }, B("\5\2") },
	    { { NULL, 0 }, B("\2\0") } }, "its reply is not SOCKS5" },
	{ S5("\4\0"), "its reply is not SOCKS5" },
	{ S5("\5\1"), CANNOT "general failure" },
	{ S5("\5\2"), CANNOT "not allowed by its rules" },
	{ S5("\5\3"), CANNOT "network unreachable" },
	{ S5("\5\4"), CANNOT "host unreachable" },
	{ S5("\5\5"), CANNOT "connection refused" },
	{ S5("\5\6"), CANNOT "TTL expired" },
	{ S5("\5\7"), CANNOT "it does not support CONNECT" },
	{ S5("\5\x8"), CANNOT "it does not support this kind of address" },
	{ S5("\5\x9"), "refuses with the unknown code 9" },
	{ S5("\5\xff"), "refuses with the unknown code 255" },
	{ S5("\5\0\0\2\0"), "its reply is not SOCKS5" },
	{ S5("\5\0\0\0\0"), "its reply is not SOCKS5" },
	{ S5("\5\0\0\1\0\0\0\0\0"), NULL },
	{ S5("\5\0\0\3\xff" "0123456789"), NULL },
	{ S4("\4\x5a"), "its reply is not SOCKS4a" },
	{ S4("\5\0"), "its reply is not SOCKS4a" },
	{ S4("\0\x5b"), CANNOT "refused or failed" },
	{ S4("\0\x5c"), "wants to know the user by ident, and there is no "
	    "answer" },
	{ S4("\0\x5d"), "wants to know the user by ident, and that is "
	    "another" },
	{ S4("\0\0"), "its reply is not SOCKS4a" },
	{ S4("\0\x5a\0\0\0\0\0"), NULL },
	{ H("S"), "its reply is not HTTP" },
	{ H("HTTP/2"), "its reply is not HTTP" },
	{ H("HTTP/1.x 200\r\n"), "its reply is not HTTP" },
	{ H("HTTP/1.1  200\r\n"), "its reply is not HTTP" },
	{ H("HTTP/1.1 2000\r\n"), "its reply is not HTTP" },
	{ H("HTTP/1.1 20\r\n"), "its reply is not HTTP" },
	{ H("HTTP/1.1 099\r\n"), "its reply is not HTTP" },
	{ H("HTTP/1.1 101 \r\n"), "its reply is not HTTP" },
	{ H("\r\n"), "its reply is not HTTP" },
	{ H("HTTP/1.1 200 a\rb"), "its reply is not HTTP" },
	{ H("HTTP/1.1 200 \r\nA: \0"), "its reply is not HTTP" },
	{ H("HTTP/1.1 200 OK\r\nA: b\r\n\r"), NULL },
	{ H("HTTP/1.1 403 Filtered\r\n\r\n"), CANNOT "HTTP 403 Filtered" },
	{ H("HTTP/1.1 302 Elsewhere\r\n\r\n"), CANNOT "HTTP 302 Elsewhere" },
	{ H("HTTP/1.1 500\r\n\r\n"), CANNOT "HTTP 500" },
	{ H("HTTP/1.1 407 Who?\r\n\r\n"), "wants a user name and a password: "
	    "give via-auth=FILE, or USER:PASSWORD@ in its URL" },
	{ "http://u:geheim@p", { { { NULL, 0 },
	    B("HTTP/1.1 407 Who?\r\n\r\n") } },
	    "does not accept this user name and password" },
	{ "http://u:geheim@p", { { { NULL, 0 },
	    B("HTTP/1.1 401 Who?\r\n\r\n") } },
	    "does not accept this user name and password" },
};

static struct tcpk_via	list;

static void
begin(struct tcpk__ask *a, struct tcpk__target *t, const char *proxy,
    const char *host, unsigned port)
{
	tcpk__via_wipe(&list);
	tcpk__via_parse(&list, proxy, NULL);
	memset(t, 0, sizeof(*t));
	t->host = host;
	t->port = (uint16_t)port;
	if (tcpk_addr_parse(&t->addr, host, 0, NULL) == -1)
		t->addr.len = 0;
	tcpk__ask_begin(a, &list.proxies[0], t);
}

/*
 * Let it have these bytes, of which the first piece is of "first" and the
 * others of "most" at most; *used is how many it took.
 */
static enum tcpk__ask_verdict
feed(struct tcpk__ask *a, const struct bytes *in, size_t first, size_t most,
    size_t *used)
{
	enum tcpk__ask_verdict	v = ASK_WAIT;
	char			piece[VIA_PIECE];
	size_t			n;

	for (*used = 0; v == ASK_WAIT && *used < in->n; *used += n) {
		n = in->n - *used;
		if (n > (*used == 0 ? first : most))
			n = *used == 0 ? first : most;
		if (n > a->need)
			n = a->need;
		if (n == 0 || n > sizeof(piece))
			return ASK_REFUSED;
		memcpy(piece, in->p + *used, n);
		v = tcpk__ask_take(a, piece, n);
	}
	return v;
}

/* One talk with everything cut in this way, and bytes glued to the end. */
static bool
talk_goes(const struct talk *t, size_t first, size_t most)
{
	static struct tcpk__ask	a;
	struct tcpk__target	target;
	char			glued[1024];
	struct bytes		in = { glued, 0 };
	enum tcpk__ask_verdict	v;
	size_t			i, used;

	begin(&a, &target, t->proxy, t->host, t->port);
	for (i = 0; t->turns[i].in.p != NULL; i++) {
		if (a.nout != t->turns[i].out.n ||
		    memcmp(a.out, t->turns[i].out.p, a.nout) != 0)
			return false;
		in.n = t->turns[i].in.n;
		memcpy(glued, t->turns[i].in.p, in.n);
		memcpy(glued + in.n, GLUED, sizeof(GLUED) - 1);
		in.n += sizeof(GLUED) - 1;
		v = feed(&a, &in, first, most, &used);
		if (used != t->turns[i].in.n || v !=
		    (t->turns[i + 1].in.p != NULL ? ASK_SEND : ASK_OPEN))
			return false;
	}
	return true;
}

static void
test_talks(void)
{
	size_t	i, first, most;
	bool	fine;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		fine = true;
		for (first = 1; first < 128; first++)
			for (most = 1; most <= 16; most++)
				fine = fine && talk_goes(&good[i], first,
				    most);
		fine = fine && talk_goes(&good[i], VIA_PIECE, VIA_PIECE);
		ok(fine, "%s: however it is cut, and what is glued to it "
		    "stays there", good[i].what);
	}
}

static bool
is_refused(const struct refusal *r, size_t first, size_t most)
{
	static struct tcpk__ask	a;
	struct tcpk__target	target;
	enum tcpk__ask_verdict	v = ASK_WAIT;
	char			want[256];
	size_t			i, used;

	begin(&a, &target, r->proxy, "h.example", 7);
	for (i = 0; r->turns[i].in.p != NULL; i++)
		v = feed(&a, &r->turns[i].in, first, most, &used);
	if (r->text == NULL)
		return v == ASK_WAIT && a.need > 0;
	snprintf(want, sizeof(want), "proxy %s: %s", list.proxies[0].name,
	    r->text);
	if (v == ASK_REFUSED && a.err.kind == TCPK_ECONNECT &&
	    strcmp(a.err.text, want) == 0)
		return true;
	note("verdict %d, %s", (int)v, a.err.text);
	return false;
}

static void
test_refusals(void)
{
	size_t	i, first, most;
	bool	fine;

	for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		fine = true;
		for (first = 1; first < 40; first++)
			for (most = 1; most <= 4; most++)
				fine = fine && is_refused(&refusals[i], first,
				    most);
		ok(fine, "refusal %zu: %s", i, refusals[i].text != NULL ?
		    refusals[i].text : "there is more to come");
	}
}

/* A head of n bytes in all, by a field or by replies on the way. */
static enum tcpk__ask_verdict
head_of(size_t n, const char *before, const char *fill, const char *after)
{
	static struct tcpk__ask	a;
	struct tcpk__target	target;
	struct bytes		in;
	enum tcpk__ask_verdict	v;
	size_t			used = strlen(before), len = strlen(fill);
	char			*head = malloc(n + 1);

	memcpy(head, before, used);
	for (; used < n - strlen(after); used++)
		head[used] = fill[(used - strlen(before)) % len];
	memcpy(head + used, after, strlen(after) + 1);
	in.p = head;
	in.n = n;
	begin(&a, &target, "http://p", "h", 1);
	v = feed(&a, &in, n, n, &used);
	free(head);
	if (v == ASK_REFUSED)
		note("%s", a.err.text);
	return v;
}

static void
test_oversized(void)
{
	static const char	status[] = "HTTP/1.1 200 OK\r\n";
	static const char	early[] = "HTTP/1.1 100 \n\n";
	char			end[64];
	size_t			n = VIA_HEAD;

	ok(head_of(n, status, "A", "\r\n\r\n") == ASK_OPEN,
	    "a reply of 16 KiB");
	ok(head_of(n + 1, status, "A", "\r\n\r\n") == ASK_REFUSED,
	    "not of more");
	ok(head_of(n, "HTTP/1.1 200 ", "A", "\r\n\r\n") == ASK_OPEN,
	    "a first line of 16 KiB");
	ok(head_of(n * 2, "HTTP/1.1 200 ", "A", "\r\n\r\n") == ASK_REFUSED,
	    "not of more");
	ok(head_of(n * 2, status, "A: b\r\n", "\r\n\r\n") == ASK_REFUSED,
	    "nor in many lines");
	snprintf(end, sizeof(end), "%s\n\n", "HTTP/1.1 200 ");
	ok(head_of(strlen(early) * 1000 + strlen(end), "", early, end) ==
	    ASK_OPEN, "1000 replies on the way");
	ok(head_of(strlen(early) * 2000 + strlen(end), "", early, end) ==
	    ASK_REFUSED, "but not for ever");
}

/* The longest of all fits into what is sent. */
static void
test_longest(void)
{
	static struct tcpk__ask	a;
	struct tcpk__target	target;
	char			host[254], url[1024];

	memset(host, 'h', 253);
	host[253] = '\0';
	snprintf(url, sizeof(url), "http://%0255d:%0255d@p", 0, 0);
	begin(&a, &target, url, host, 65535);
	ok(a.nout < sizeof(a.out) && memcmp(a.out + a.nout - 4, "\r\n\r\n",
	    4) == 0, "the longest HTTP request: %zu bytes", a.nout);
	snprintf(url, sizeof(url), "socks4a://%0255d@p", 0);
	begin(&a, &target, url, host, 65535);
	ok(a.nout == 8 + 256 + 254, "the longest of SOCKS4a");
	ok(tcpk__ask_no_target(&a, "for some reason") == ASK_REFUSED &&
	    strstr(a.err.text, ": for some reason") != NULL,
	    "the reason survives a long name");
}

/* --- the walk ------------------------------------------------------------ */

static int			 over;
static struct tcpk_err		 outcome;

static void
on_over(void *arg, const struct tcpk_err *err)
{
	(void)arg;
	over++;
	tcpk_err_clear(&outcome);
	if (err != NULL)
		outcome = *err;
}

struct walk {
	struct tcpk_loop	*loop;
	struct tcpk_endpoint	 ep;
	struct tcpk_via		*via;
	struct tcpk_stream	*stream;
	struct tcpk_via_walk	*walk;
	int			 far;
};

static void
start_walk(struct walk *w, const char *address)
{
	int	fds[2];

	over = 0;
	w->loop = tcpk_loop_new(NULL, NULL);
	tcpk_endpoint_parse(&w->ep, address, TCPK_CONNECT, NULL);
	w->via = tcpk_via_new(&w->ep, &outcome);
	socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
	w->far = fds[1];
	w->stream = tcpk_stream_socket(w->loop, fds[0], NULL);
	w->walk = w->via == NULL ? NULL : tcpk_via_start(w->loop, w->via,
	    &w->ep, false, w->stream, on_over, w, NULL);
}

static void
end_walk(struct walk *w)
{
	if (!over)
		tcpk_via_cancel(w->walk);
	tcpk_stream_free(w->stream);
	if (w->far != -1)
		close(w->far);
	tcpk_via_free(w->via);
	tcpk_endpoint_free(&w->ep);
	tcpk_loop_free(w->loop);
}

static bool
far_said(const struct walk *w, const char *want, size_t n)
{
	char	got[1024];
	ssize_t	r = recv(w->far, got, sizeof(got), MSG_DONTWAIT);

	return r == (ssize_t)n && memcmp(got, want, n) == 0;
}

#define R1	"HTTP/1.1 200 OK\r\n\r\n"
#define R2	"\5\0\5\0\0\1\0\0\0\0\0\0"
#define R3	"\0\x5a\0\0\0\0\0\0"
#define A1	"CONNECT two.invalid:1080 HTTP/1.1\r\n" \
	"Host: two.invalid:1080\r\n\r\n"
#define A2	"\5\1\0" "\5\1\0\3\5three\x04\x38"
#define A3	"\4\1\0\7\0\0\0\1\0name.invalid\0"

static void
test_walk(void)
{
	struct walk	w;
	char		got[64];
	static const char	replies[] = R1 R2 R3 GLUED;
	static const char	asked[] = A1 A2 A3;

	start_walk(&w, "name.invalid:7,"
	    "via=http://one;socks5://two.invalid;socks4a://three");
	ok(w.walk != NULL && strcmp(tcpk_via_waiting(w.walk), "one:8080") ==
	    0, "a walk begins at the first");
	ok(write(w.far, replies, sizeof(replies) - 1) > 0 &&
	    wait_for(w.loop, &over, 1) && outcome.kind == TCPK_OK,
	    "and ends, with all replies in one piece: %s", outcome.text);
	ok(far_said(&w, asked, sizeof(asked) - 1), "each was asked for the "
	    "next by its name, and the last for the endpoint");
	ok(tcpk_stream_read(w.stream, got, sizeof(got)) ==
	    sizeof(GLUED) - 1 && memcmp(got, GLUED, sizeof(GLUED) - 1) == 0,
	    "what came behind the replies is the stream's");
	end_walk(&w);
}

static void
test_dripping(void)
{
	static const char	replies[] = R1 R2;
	struct walk		w;
	size_t			i;

	start_walk(&w, "h:7,via=http://one;socks5://two");
	for (i = 0; i < sizeof(replies) - 1 && !over; i++) {
		ok(write(w.far, replies + i, 1) == 1 &&
		    tcpk_loop_turn(w.loop, 0, NULL) != -1 &&
		    tcpk_loop_turn(w.loop, 0, NULL) != -1 &&
		    tcpk_loop_turn(w.loop, 0, NULL) != -1 &&
		    over == (i == sizeof(replies) - 2), "byte %zu", i);
	}
	ok(outcome.kind == TCPK_OK, "open: %s", outcome.text);
	end_walk(&w);
}

static void
test_ends(void)
{
	struct walk	w;
	int		fds = count_fds();

	start_walk(&w, "h:7,via=http://one;socks5://two");
	ok(write(w.far, R1, sizeof(R1) - 1) > 0 && shutdown(w.far,
	    SHUT_WR) == 0 && wait_for(w.loop, &over, 1) &&
	    outcome.kind == TCPK_ECONNECT && strcmp(outcome.text,
	    "proxy two:1080: ended the connection") == 0, "%s",
	    outcome.text);
	end_walk(&w);
	start_walk(&w, "h:7,via=http://one");
	close(w.far);
	w.far = -1;
	ok(wait_for(w.loop, &over, 1) && outcome.kind == TCPK_ECONNECT &&
	    strncmp(outcome.text, "proxy one:8080: ", 16) == 0, "%s",
	    outcome.text);
	end_walk(&w);
	start_walk(&w, "h:7,via=socks5://one");
	end_walk(&w);
	ok(count_fds() <= fds, "nothing is left open, cancelled or not");
	start_walk(&w, "h:nosuchservice,via=socks5://one");
	ok(wait_for(w.loop, &over, 1) && outcome.kind == TCPK_EUSAGE,
	    "%s", outcome.text);
	end_walk(&w);
	start_walk(&w, "nosuch.invalid:7,via=socks4://one");
	ok(wait_for(w.loop, &over, 1) && outcome.kind == TCPK_ENAME,
	    "%s", outcome.text);
	end_walk(&w);
	start_walk(&w, "nosuch.invalid:7,via=socks4://one");
	end_walk(&w);
	ok(over == 0, "a look-up is cancelled");
}

static void
test_refused_at_once(void)
{
	static const char *const	bad[] = {
		"h:7,via=gopher://one",
		"h:7,via-auth=/nonexistent",
		"[2001:db8::1]:7,via=socks4://one",
		"h:7,via=socks4://one;socks5://[::1]",
		"[fe80::1%lo]:7,via=socks5://one",
	};
	struct walk	w;
	size_t		i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		start_walk(&w, bad[i]);
		ok(w.via == NULL && outcome.kind == TCPK_EUSAGE, "%s",
		    outcome.text);
		over = 1;
		end_walk(&w);
	}
	start_walk(&w, "h:7,via=socks5://one,via-auth=/nonexistent");
	ok(w.via == NULL && outcome.kind == TCPK_EIO, "%s", outcome.text);
	over = 1;
	end_walk(&w);
}

int
main(void)
{
	test_urls();
	test_list_limits();
	test_auth();
	test_hiding();
	test_talks();
	test_refusals();
	test_oversized();
	test_longest();
	test_walk();
	test_dripping();
	test_ends();
	test_refused_at_once();
	tcpk__via_wipe(&list);
	return done_testing();
}
