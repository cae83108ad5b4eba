/* endpoint: the address grammar, every option, and what is refused how. */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <tcpkit/endpoint.h>

#include "tap.h"

#define C	TCPK_CONNECT
#define L	TCPK_LISTEN
#define S	TCPK_SECOND

/* Places.  argv is shown as words joined by '|'. */
static const struct {
	const char	*text;
	enum tcpk_role	 role;
	enum tcpk_scheme scheme;
	const char	*host, *port, *path, *argv;
	int		 fd;
} places[] = {
	{ "h:80", C, TCPK_TCP, "h", "80", NULL, NULL, -1 },
	{ "tcp://h:80", C, TCPK_TCP, "h", "80", NULL, NULL, -1 },
	{ "tls://h:443", C, TCPK_TLS, "h", "443", NULL, NULL, -1 },
	{ "udp://h:53", C, TCPK_UDP, "h", "53", NULL, NULL, -1 },
	{ "h:http", C, TCPK_TCP, "h", "http", NULL, NULL, -1 },
	{ "h:9pfs", C, TCPK_TCP, "h", "9pfs", NULL, NULL, -1 },
	{ "h:iso-tsap", C, TCPK_TCP, "h", "iso-tsap", NULL, NULL, -1 },
	{ "h:65535", C, TCPK_TCP, "h", "65535", NULL, NULL, -1 },
	{ "h:0080", C, TCPK_TCP, "h", "0080", NULL, NULL, -1 },
	{ "www.example.org:1", C, TCPK_TCP, "www.example.org", "1", NULL,
	    NULL, -1 },
	{ "a_b.example.:1", C, TCPK_TCP, "a_b.example.", "1", NULL, NULL,
	    -1 },
	{ "b\xc3\xbc""cher:1", C, TCPK_TCP, "b\xc3\xbc""cher", "1", NULL,
	    NULL, -1 },
	{ "192.0.2.1:80", C, TCPK_TCP, "192.0.2.1", "80", NULL, NULL, -1 },
	{ "[::1]:80", C, TCPK_TCP, "::1", "80", NULL, NULL, -1 },
	{ "tls://[2001:db8::1]:80", C, TCPK_TLS, "2001:db8::1", "80", NULL,
	    NULL, -1 },
	{ "[fe80::1%1]:80", C, TCPK_TCP, "fe80::1%1", "80", NULL, NULL, -1 },
	{ "[::ffff:1.2.3.4]:80", C, TCPK_TCP, "::ffff:1.2.3.4", "80", NULL,
	    NULL, -1 },
	{ ":80", C, TCPK_TCP, "localhost", "80", NULL, NULL, -1 },
	{ "tls://:80", C, TCPK_TLS, "localhost", "80", NULL, NULL, -1 },
	{ ":80", L, TCPK_TCP, NULL, "80", NULL, NULL, -1 },
	{ "80", L, TCPK_TCP, NULL, "80", NULL, NULL, -1 },
	{ "http", L, TCPK_TCP, NULL, "http", NULL, NULL, -1 },
	{ "0", L, TCPK_TCP, NULL, "0", NULL, NULL, -1 },
	{ "*:80", L, TCPK_TCP, NULL, "80", NULL, NULL, -1 },
	{ ":0", L, TCPK_TCP, NULL, "0", NULL, NULL, -1 },
	{ "tls://443", L, TCPK_TLS, NULL, "443", NULL, NULL, -1 },
	{ "udp://:53", L, TCPK_UDP, NULL, "53", NULL, NULL, -1 },
	{ "[::]:80", L, TCPK_TCP, "::", "80", NULL, NULL, -1 },
	{ "127.0.0.1:0", L, TCPK_TCP, "127.0.0.1", "0", NULL, NULL, -1 },
	{ "unix:/run/x", C, TCPK_UNIX, NULL, NULL, "/run/x", NULL, -1 },
	{ "unix:x", L, TCPK_UNIX, NULL, NULL, "x", NULL, -1 },
	{ "unix:@name", C, TCPK_UNIX, NULL, NULL, "@name", NULL, -1 },
	{ "unix:/a\\,b", C, TCPK_UNIX, NULL, NULL, "/a,b", NULL, -1 },
	{ "unix:/a\\b", C, TCPK_UNIX, NULL, NULL, "/a\\b", NULL, -1 },
	{ "unix:/a\\\\,no-shutdown", C, TCPK_UNIX, NULL, NULL,
	    "/a\\,no-shutdown", NULL, -1 },
	{ "unix:/a=b:c", C, TCPK_UNIX, NULL, NULL, "/a=b:c", NULL, -1 },
	{ "unix:/http://x", C, TCPK_UNIX, NULL, NULL, "/http://x", NULL,
	    -1 },
	{ "fd:0", C, TCPK_FD, NULL, NULL, NULL, NULL, 0 },
	{ "fd:3", L, TCPK_FD, NULL, NULL, NULL, NULL, 3 },
	{ "-", C, TCPK_STDIO, NULL, NULL, NULL, NULL, -1 },
	{ "exec:cat", C, TCPK_EXEC, NULL, NULL, NULL, "cat", -1 },
	{ "exec:  a  b\tc  ", C, TCPK_EXEC, NULL, NULL, NULL, "a|b|c", -1 },
	{ "exec:a 'b c' \"d e\" f'g'\"h\"", C, TCPK_EXEC, NULL, NULL, NULL,
	    "a|b c|d e|fgh", -1 },
	{ "exec:a '' \"\"", C, TCPK_EXEC, NULL, NULL, NULL, "a||", -1 },
	{ "exec:a 'b\"c' \"d'e\"", C, TCPK_EXEC, NULL, NULL, NULL,
	    "a|b\"c|d'e", -1 },
	{ "exec:a $HOME * ~ `b` \\n \\\\", C, TCPK_EXEC, NULL, NULL, NULL,
	    "a|$HOME|*|~|`b`|\\n|\\\\", -1 },
	{ "exec:a\\,b 'c\\,d'", C, TCPK_EXEC, NULL, NULL, NULL, "a,b|c,d",
	    -1 },
	{ "exec:curl http://x", C, TCPK_EXEC, NULL, NULL, NULL,
	    "curl|http://x", -1 },
	{ "exec:a b c d e f g h i j k l", C, TCPK_EXEC, NULL, NULL, NULL,
	    "a|b|c|d|e|f|g|h|i|j|k|l", -1 },
	{ "sh:echo \"a  b\" | tr a\\,b x", C, TCPK_SH, NULL, NULL, NULL,
	    "/bin/sh|-c|echo \"a  b\" | tr a,b x", -1 },
	{ "sh: x", C, TCPK_SH, NULL, NULL, NULL, "/bin/sh|-c| x", -1 },
};

static int
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static const char *
join(char *const *argv)
{
	static char	text[200];
	size_t		n = 0;
	int		i;

	if (argv == NULL)
		return NULL;
	text[0] = '\0';
	for (i = 0; argv[i] != NULL; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s",
		    i == 0 ? "" : "|", argv[i]);
	return text;
}

static void
test_places(void)
{
	struct tcpk_endpoint	ep;
	struct tcpk_err		err;
	size_t			i;
	int			fine;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		tcpk_err_clear(&err);
		fine = tcpk_endpoint_parse(&ep, places[i].text,
		    places[i].role, &err) == 0;
		ok(fine && ep.scheme == places[i].scheme &&
		    ep.role == places[i].role &&
		    same(ep.text, places[i].text) &&
		    same(ep.host, places[i].host) &&
		    same(ep.port, places[i].port) &&
		    same(ep.path, places[i].path) &&
		    same(join(ep.argv), places[i].argv) &&
		    ep.fd == places[i].fd, "%s %s",
		    places[i].role == C ? "connect" : "listen",
		    places[i].text);
		if (!fine)
			note("%s", err.text);
		else
			tcpk_endpoint_free(&ep);
	}
	memset(&ep, 0, sizeof(ep));
	tcpk_endpoint_free(&ep);
	ok(1, "free of a zeroed one");
}

/* What is refused, and words that the message must have. */
static const struct {
	const char	*text;
	enum tcpk_role	 role;
	const char	*words[3];
} bad[] = {
	{ "", C, { "empty" } },
	{ "", L, { "empty" } },
	{ "tcp://", C, { "empty" } },
	{ "unix:", C, { "empty" } },
	{ "unix:@", C, { "empty" } },
	{ "exec:", C, { "empty" } },
	{ "exec:   ", C, { "empty" } },
	{ "exec:'' a", C, { "empty" } },
	{ "sh:", C, { "empty" } },
	{ "sh:  ", C, { "empty" } },
	{ "fd:", C, { "fd:" } },
	{ ",nodelay", C, { "empty" } },
	{ "h", C, { "port", "HOST:PORT" } },
	{ "80", C, { "port", ":PORT" } },
	{ "1.2.3.4", C, { "port" } },
	{ "[::1]", C, { "[ADDRESS]:PORT" } },
	{ "[::1]80", C, { "[ADDRESS]:PORT" } },
	{ "[::1", C, { "[ADDRESS]:PORT" } },
	{ "[]:80", C, { "IPv6" } },
	{ "[h]:80", C, { "\"h\"", "IPv6" } },
	{ "[1.2.3.4]:80", C, { "1.2.3.4", "IPv6" } },
	{ "[::1::]:80", C, { "::1::" } },
	{ "[fe80::1%nosuch0]:80", C, { "interface", "nosuch0" } },
	{ "2001:db8::1:80", C, { "brackets", "[2001:db8::1]:80" } },
	{ "::1:80", C, { "brackets" } },
	{ "::1", L, { "brackets" } },
	{ "h:80:81", C, { "colon" } },
	{ "h:", C, { "port", "empty" } },
	{ "h:65536", C, { "65536", "65535" } },
	{ "h:-1", C, { "-1" } },
	{ "h:99999999999999999999", C, { "65535" } },
	{ "h:8 0", C, { "port" } },
	{ "h:80/", C, { "80/" } },
	{ "h:0", C, { "0", "listening" } },
	{ "h:00", C, { "listening" } },
	{ ":0", C, { "listening" } },
	{ "*:80", C, { "*", "listening" } },
	{ "a b:80", C, { "a b" } },
	{ "a/b:80", C, { "a/b" } },
	{ "user@h:80", C, { "user@h" } },
	{ "a\\b:80", C, { "host name" } },
	{ "\"h\":80", C, { "host name" } },
	{ "1.2.3:80", C, { "1.2.3", "IPv4" } },
	{ "1.2.3.256:80", C, { "IPv4" } },
	{ "01.2.3.4:80", C, { "leading zeros" } },
	{ "0x7f000001:80", C, { "IPv4" } },
	{ "2130706433:80", C, { "IPv4" } },
	{ "1.2.3.4.5:80", C, { "IPv4" } },
	{ "a.1:80", C, { "IPv4" } },
	{ "ftp://h:80", C, { "unknown scheme", "ftp", "tcp://" } },
	{ "TCP://h:80", C, { "unknown scheme" } },
	{ "http://h", C, { "unknown scheme", "http" } },
	{ "fd:x", C, { "\"x\"", "descriptor" } },
	{ "fd:-1", C, { "descriptor" } },
	{ "fd:2147483648", C, { "descriptor" } },
	{ "fd: 1", C, { "descriptor" } },
	{ "-", L, { "standard input" } },
	{ "exec:cat", L, { "listen", "program" } },
	{ "sh:cat", L, { "listen", "program" } },
	{ "exec:a 'b", C, { "quote" } },
	{ "exec:a \"b'", C, { "quote" } },
	{ "exec:a b,c", C, { "\"c\"", "\\," } },
	{ "sh:a,b", C, { "\"b\"", "\\," } },
	{ "unix:/a,b", C, { "\"b\"", "\\," } },
	/* Options. */
	{ "h:80,", C, { "option", "empty" } },
	{ "h:80,,nodelay", C, { "option", "empty" } },
	{ "h:80,=x", C, { "option", "empty" } },
	{ "h:80,nosuch", C, { "unknown option", "nosuch" } },
	{ "h:80,Nodelay", C, { "did you mean nodelay" } },
	{ "h:80,no-delay", C, { "did you mean nodelay" } },
	{ "h:80,idle-timout=3", C, { "did you mean idle-timeout" } },
	{ "h:80,conect-timeout=3", C, { "did you mean connect-timeout" } },
	{ "h:80,sourc=1.2.3.4", C, { "did you mean source" } },
	{ "80,bakclog=3", L, { "did you mean backlog" } },
	{ "unix:x,mdoe=600", L, { "did you mean mode" } },
	{ "h:80,nodelay,nodelay", C, { "nodelay", "twice" } },
	{ "h:80,ttl=1,nodelay,ttl=1", C, { "ttl", "twice" } },
	{ "h:80,nodelay=1", C, { "nodelay", "no value" } },
	{ "h:80,nodelay=", C, { "nodelay", "no value" } },
	{ "h:80,ttl", C, { "ttl", "needs a value", "ttl=N" } },
	{ "h:80,idle-timeout", C, { "needs a value", "idle-timeout=T" } },
	{ "80,source=1.2.3.4", L, { "source", "listening" } },
	{ "80,connect-timeout=1", L, { "connect-timeout", "listening" } },
	{ "h:80,backlog=3", C, { "backlog", "connecting" } },
	{ "h:80,mode=600", C, { "mode", "tcp" } },
	{ "80,mode=600", L, { "mode", "tcp" } },
	{ "unix:x,mode=600", C, { "mode", "connecting" } },
	{ "unix:x,nodelay", C, { "nodelay", "unix" } },
	{ "unix:x,family=4", L, { "family", "unix" } },
	{ "unix:x,acl=+all", L, { "acl", "unix" } },
	{ "h:80,acl=+all", C, { "acl", "connecting" } },
	{ "exec:cat,nodelay", C, { "nodelay", "exec" } },
	{ "-,ttl=3", C, { "ttl" } },
	{ "udp://:80,idle-timeout=3", L, { "idle-timeout", "udp" } },
	{ "udp://h:80,nodelay", C, { "nodelay", "udp" } },
	{ "udp://h:80,half-close-timeout=3", C, { "half-close-timeout" } },
	{ "udp://:80,max-clients=3", L, { "max-clients", "udp" } },
	{ "udp://h:80,no-shutdown", C, { "no-shutdown", "udp" } },
	{ "h:80,idle-timeout=0", C, { "idle-timeout", "short" } },
	{ "h:80,connect-timeout=0", C, { "connect-timeout" } },
	{ "h:80,half-close-timeout=0", C, { "half-close-timeout" } },
	{ "h:80,idle-timeout=x", C, { "idle-timeout", "\"x\"", "time" } },
	{ "h:80,idle-timeout=", C, { "idle-timeout" } },
	{ "h:80,keepalive=yes", C, { "keepalive", "yes" } },
	{ "h:80,keepalive=500ms", C, { "keepalive", "short" } },
	{ "h:80,keepalive=32768", C, { "keepalive", "long" } },
	{ "h:80,user-timeout=0.5ms", C, { "user-timeout", "short" } },
	{ "h:80,user-timeout=2147484", C, { "user-timeout", "long" } },
	{ "h:80,family=5", C, { "family", "4", "6" } },
	{ "h:80,family=3", C, { "family" } },
	{ "h:80,family=7", C, { "family" } },
	{ "h:80,family=9", C, { "family" } },
	{ "h:80,family=46", C, { "family" } },
	{ "h:80,family=", C, { "family" } },
	{ "h:80,dscp=64", C, { "dscp", "63" } },
	{ "h:80,dscp=-1", C, { "dscp" } },
	{ "h:80,ttl=0", C, { "ttl" } },
	{ "h:80,ttl=256", C, { "ttl", "255" } },
	{ "h:80,rcvbuf=0", C, { "rcvbuf" } },
	{ "h:80,sndbuf=2G", C, { "sndbuf" } },
	{ "h:80,sndbuf=x", C, { "sndbuf", "size" } },
	{ "80,backlog=0", L, { "backlog" } },
	{ "unix:x,mode=1000", L, { "mode", "1000" } },
	{ "unix:x,mode=888", L, { "mode" } },
	{ "unix:x,mode=", L, { "mode" } },
	{ "unix:x,mode=u+rw", L, { "mode" } },
	{ "unix:x,mode=0000600", L, { "mode" } },
	{ "unix:x,owner=", L, { "owner", "empty" } },
	{ "h:80,interface=", C, { "interface", "empty" } },
	{ "h:80,source=h", C, { "source", "\"h\"", "numeric" } },
	{ "h:80,source=", C, { "source" } },
	{ "h:80,source=1.2.3.4:x", C, { "source", "port" } },
	{ "h:80,source=1.2.3.4:", C, { "source" } },
	{ "h:80,source=1.2.3.4:65536", C, { "source", "65535" } },
	{ "h:80,source=[::1", C, { "source", "[::1" } },
	{ "h:80,source=[::1]x", C, { "source" } },
	{ "h:80,source=[::1]x:80", C, { "source" } },
	{ "h:80,source=[]:80", C, { "source" } },
	{ "h:80,source=256.1.1.1:80", C, { "source" } },
};

static void
test_bad(void)
{
	struct tcpk_endpoint	ep;
	struct tcpk_err		err;
	char			name[300];
	size_t			i;
	int			j, r, fine;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		tcpk_err_clear(&err);
		r = tcpk_endpoint_parse(&ep, bad[i].text, bad[i].role, &err);
		fine = r == -1 && err.kind == TCPK_EUSAGE &&
		    strstr(err.text, bad[i].text) != NULL;
		for (j = 0; j < 3 && bad[i].words[j] != NULL; j++)
			fine = fine &&
			    strstr(err.text, bad[i].words[j]) != NULL;
		ok(fine, "refused %s: %s", bad[i].text, err.text);
		if (r == 0)
			tcpk_endpoint_free(&ep);
	}
	ok(tcpk_endpoint_parse(&ep, "x", C, NULL) == -1, "err may be NULL");
	memset(name, 'a', 254);
	strcpy(name + 254, ":80");
	ok(tcpk_endpoint_parse(&ep, name, C, &err) == -1 &&
	    strstr(err.text, "253") != NULL, "a name of 254 bytes");
	r = tcpk_endpoint_parse(&ep, name + 1, C, &err);
	ok(r == 0 && strlen(ep.host) == 253, "and of 253");
	if (r == 0)
		tcpk_endpoint_free(&ep);
	memset(name, 'a', sizeof(name) - 1);
	memcpy(name, "unix:", 5);
	name[sizeof(name) - 1] = '\0';
	ok(tcpk_endpoint_parse(&ep, name, C, &err) == -1 &&
	    strstr(err.text, "294 bytes") != NULL, "a long path: %s",
	    err.text);
	memset(name, 'a', sizeof(name) - 1);
	memcpy(name, "h:80,", 5);
	ok(tcpk_endpoint_parse(&ep, name, C, &err) == -1 &&
	    strstr(err.text, "unknown option") != NULL, "a long option: %s",
	    err.text);
}

static void
test_options(void)
{
	struct tcpk_endpoint	ep;
	struct tcpk_err		err;
	char			text[TCPK_ADDR_TEXT];

	ok(tcpk_endpoint_parse(&ep, "h:80", C, &err) == 0 &&
	    ep.o.connect_timeout == 30 * S && ep.o.idle_timeout == 0 &&
	    ep.o.half_close_timeout == 0 && ep.o.keepalive == 60 * S &&
	    ep.o.user_timeout == 0 && ep.o.rcvbuf == 0 && ep.o.sndbuf == 0 &&
	    ep.o.backlog == 0 && ep.o.family == 0 &&
	    ep.o.dscp == TCPK_UNSET && ep.o.ttl == TCPK_UNSET &&
	    ep.o.mode == TCPK_UNSET && !ep.o.no_shutdown && !ep.o.nodelay &&
	    ep.o.interface == NULL && ep.o.owner == NULL &&
	    ep.o.source.len == 0, "defaults");
	tcpk_endpoint_free(&ep);
	ok(tcpk_endpoint_parse(&ep, "h:80,connect-timeout=2m,"
	    "idle-timeout=1.5,half-close-timeout=500ms,no-shutdown,family=6,"
	    "source=1.2.3.4:99,interface=eth0,keepalive=30s,nodelay,dscp=0,"
	    "ttl=255,rcvbuf=64k,sndbuf=1M,user-timeout=10", C, &err) == 0 &&
	    ep.o.connect_timeout == 120 * S && ep.o.idle_timeout == S * 3 / 2
	    && ep.o.half_close_timeout == S / 2 && ep.o.no_shutdown &&
	    ep.o.family == 6 && strcmp(tcpk_addr_format(&ep.o.source, text,
	    sizeof(text)), "1.2.3.4:99") == 0 &&
	    strcmp(ep.o.interface, "eth0") == 0 &&
	    ep.o.keepalive == 30 * S && ep.o.nodelay && ep.o.dscp == 0 &&
	    ep.o.ttl == 255 && ep.o.rcvbuf == 65536 &&
	    ep.o.sndbuf == 1048576 && ep.o.user_timeout == 10 * S,
	    "every option for connecting");
	tcpk_endpoint_free(&ep);
	ok(tcpk_endpoint_parse(&ep, "80,backlog=7,family=4,keepalive=no,"
	    "acl=-all;+10/8,acl-file=x\\,y", L, &err) == 0 &&
	    ep.o.backlog == 7 && ep.o.family == 4 && ep.o.keepalive == 0 &&
	    strcmp(ep.o.acl, "-all;+10/8") == 0 &&
	    strcmp(ep.o.acl_file, "x,y") == 0, "listening");
	tcpk_endpoint_free(&ep);
	ok(tcpk_endpoint_parse(&ep, "unix:x,mode=0660,owner=a:b,backlog=1",
	    L, &err) == 0 && ep.o.mode == 0660 &&
	    strcmp(ep.o.owner, "a:b") == 0, "listening on a Unix socket");
	tcpk_endpoint_free(&ep);
}

static void
test_source(void)
{
	static const char *const	rows[][2] = {
		{ "1.2.3.4", "1.2.3.4:0" },
		{ "1.2.3.4:0", "1.2.3.4:0" },
		{ "1.2.3.4:5", "1.2.3.4:5" },
		{ "::1", "[::1]:0" },
		{ "[::1]", "[::1]:0" },
		{ "[::1]:5", "[::1]:5" },
		{ "[1.2.3.4]:5", NULL },
		{ "::ffff:1.2.3.4", "1.2.3.4:0" },
		{ ":5", "[::]:5" },
		{ "fe80::1%1", NULL },
	};
	struct tcpk_endpoint	ep;
	struct tcpk_err		err;
	char			text[TCPK_ADDR_TEXT], in[100];
	size_t			i;
	int			r;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(in, sizeof(in), "h:80,source=%s", rows[i][0]);
		r = tcpk_endpoint_parse(&ep, in, C, &err);
		if (rows[i][1] == NULL) {	/* either will do */
			ok(1, "source=%s %s", rows[i][0], r == 0 ? "is taken"
			    : "is refused");
		} else
			ok(r == 0 && strcmp(tcpk_addr_format(&ep.o.source,
			    text, sizeof(text)), rows[i][1]) == 0,
			    "source=%s is %s", rows[i][0], r == 0 ? text :
			    err.text);
		if (r == 0)
			tcpk_endpoint_free(&ep);
	}
}

static void
test_default(void)
{
	struct tcpk_endpoint	ep;
	struct tcpk_err		err;

	tcpk_endpoint_parse(&ep, "h:80,idle-timeout=5", C, NULL);
	ok(tcpk_endpoint_default(&ep, "idle-timeout", "7", &err) == 0 &&
	    ep.o.idle_timeout == 5 * S, "what the address says wins");
	ok(tcpk_endpoint_default(&ep, "idle-timeout", "rubbish", &err) == 0 ||
	    err.kind == TCPK_EUSAGE, "even over what makes no sense, or not");
	ok(tcpk_endpoint_default(&ep, "ttl", "9", &err) == 0 &&
	    ep.o.ttl == 9, "what it does not say is set");
	ok(tcpk_endpoint_default(&ep, "nodelay", NULL, &err) == 0 &&
	    ep.o.nodelay, "a flag");
	ok(tcpk_endpoint_default(&ep, "dscp", "64", &err) == -1 &&
	    err.kind == TCPK_EUSAGE && strstr(err.text, "dscp") != NULL &&
	    strstr(err.text, "64") != NULL &&
	    strstr(err.text, "h:80") == NULL, "wrong: %s", err.text);
	ok(ep.o.dscp == TCPK_UNSET || ep.o.dscp == 64, "unset still or not");
	ok(tcpk_endpoint_default(&ep, "backlog", "5", &err) == -1 &&
	    err.kind == TCPK_EUSAGE, "not here: %s", err.text);
	ok(tcpk_endpoint_default(&ep, "nosuch", "5", &err) == -1 &&
	    strstr(err.text, "unknown") != NULL, "unknown: %s", err.text);
	ok(tcpk_endpoint_takes(&ep, "source") &&
	    !tcpk_endpoint_takes(&ep, "backlog") &&
	    !tcpk_endpoint_takes(&ep, "nosuch"), "takes");
	tcpk_endpoint_free(&ep);
}

/* Each row, where it goes and where not. */
static void
test_table(void)
{
	static const struct {
		const char	*name, *value;
	} values[] = {
		{ "T", "3" }, { "4|6", "4" }, { "ADDR[:PORT]", "1.2.3.4" },
		{ "DEV", "lo" }, { "T|no", "no" }, { "N", "3" },
		{ "BYTES", "4k" }, { "0660", "0660" },
		{ "USER:GROUP", "a:b" }, { "LIST", "+all" }, { "FILE", "f" },
		{ "=1|2|LIST", "2" },
		{ NULL, NULL },
	};
	static const char *const	texts[] = {
		"h:1", "tls://h:1", "udp://h:1", "unix:x", "fd:3",
		"exec:a", "sh:a", "-",
	};
	struct tcpk_option_info	info, other;
	struct tcpk_endpoint	ep;
	struct tcpk_err		err;
	char			text[200];
	const char		*value;
	size_t			i, j, n, wrong = 0, took = 0;
	int			role, scheme, takes, r, with;

	for (i = 0; tcpk_option_info(i, &info); i++) {
		value = "x";
		for (j = 0; values[j].name != NULL; j++)
			if (info.value != NULL &&
			    strcmp(info.value, values[j].name) == 0)
				value = values[j].value;
		for (j = 0; j < i; j++)
			if (tcpk_option_info(j, &other))
				wrong += strcmp(info.name, other.name) == 0;
		n = strlen(info.help);
		ok(n > 0 && n < 60 && info.help[n - 1] != '.' &&
		    strlen(info.name) < 32 &&
		    (info.schemes[0] | info.schemes[1] |
		    info.schemes[2]) != 0, "%s: %s", info.name, info.help);
		for (scheme = 0; scheme < 8; scheme++)
			for (role = 0; role < 2; role++) {
				with = info.value != NULL &&
				    (info.value[0] != '=' ||
				    role == TCPK_CONNECT);
				snprintf(text, sizeof(text), "%s,%s%s%s",
				    texts[scheme], info.name,
				    with ? "=" : "", with ? value : "");
				takes = (info.schemes[role] >> scheme &
				    1) != 0;
				if (role == TCPK_LISTEN &&
				    scheme >= TCPK_EXEC)
					takes = 0;
				r = tcpk_endpoint_parse(&ep, text,
				    (enum tcpk_role)role, &err);
				if ((r == 0) != takes) {
					note("%s: %s", text, r == 0 ?
					    "taken" : err.text);
					wrong++;
				}
				took += r == 0;
				if (r == 0) {
					wrong += !tcpk_endpoint_takes(&ep,
					    info.name);
					tcpk_endpoint_free(&ep);
				}
			}
	}
	ok(wrong == 0 && i > 10 && took > i, "%zu options, each on what it "
	    "says it goes with", i);
	ok(strcmp(tcpk_scheme_name(TCPK_TLS), "tls") == 0 &&
	    strcmp(tcpk_scheme_name(TCPK_STDIO), "-") == 0 &&
	    tcpk_scheme_name((enum tcpk_scheme)99) != NULL, "scheme names");
}

int
main(void)
{
	test_places();
	test_bad();
	test_options();
	test_source();
	test_default();
	test_table();
	return done_testing();
}
