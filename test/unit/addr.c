/* addr: parsing, printing and comparing numeric addresses. */

#include <arpa/inet.h>
#include <net/if.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tcpkit/addr.h>
#include <tcpkit/ip.h>

#include "tap.h"

/* What is accepted, and how it is shown with port 80. */
static const char *const	good[][2] = {
	{ "192.0.2.1", "192.0.2.1:80" },
	{ "0.0.0.0", "0.0.0.0:80" },
	{ "255.255.255.255", "255.255.255.255:80" },
	{ "127.0.0.1", "127.0.0.1:80" },
	{ "::", "[::]:80" },
	{ "::1", "[::1]:80" },
	{ "2001:db8::1", "[2001:db8::1]:80" },
	{ "2001:DB8::A", "[2001:db8::a]:80" },
	{ "2001:0db8:0000:0000:0000:0000:0000:0001", "[2001:db8::1]:80" },
	{ "1:2:3:4:5:6:7:8", "[1:2:3:4:5:6:7:8]:80" },
	{ "::ffff:192.0.2.1", "192.0.2.1:80" },
	{ "::ffff:c000:201", "192.0.2.1:80" },
	{ "::FFFF:0:0", "0.0.0.0:80" },
	{ "64:ff9b::192.0.2.1", "[64:ff9b::c000:201]:80" },
	{ "fe80::1%4294967295", "[fe80::1%4294967295]:80" },
};

static const char *const	bad[] = {
	"", " ", "1", "1.2", "1.2.3", "1.2.3.4.5", "1.2.3.4.", ".1.2.3.4",
	"1..2.3", "256.0.0.1", "1.2.3.256", "01.2.3.4", "1.2.3.00",
	"0x7f.0.0.1", "1.2.3.4 ", " 1.2.3.4", "1.2.3.4/8", "1.2.3.4:80",
	"1.2.3.-4", "+1.2.3.4", "1.2.3.1000", "2130706433", "0x7f000001",
	"localhost", "[::1]", "::1 ", ":", ":::", "1:2", "1:2:3:4:5:6:7",
	"1:2:3:4:5:6:7:8:9", "::12345", "g::", "::1/64", "1::2::3",
	"::256.0.0.1", "::1.2.3", "::1.2.3.04", "::ffff:192.0.2.01",
	"fe80::1%", "fe80::1%0", "fe80::1%nosuchinterface", "fe80::1%-1",
	"fe80::1%1x", "fe80::1%4294967296", "1.2.3.4%lo", "%lo", "%",
	"1111:2222:3333:4444:5555:6666:7777:8888:",
	"11111111111111111111111111111111111111111111111111111111111111111",
};

static struct tcpk_ip
ip_of(const struct tcpk_addr *a)
{
	struct tcpk_ip	ip = { 0, 0 };

	tcpk_ip_from(&ip, a);
	return ip;
}

static uint32_t
scope_of(const struct tcpk_addr *a)
{
	return tcpk_addr_family(a) == AF_INET6 ? a->u.in6.sin6_scope_id : 0;
}

static void
test_parse(void)
{
	struct tcpk_addr a, b;
	struct tcpk_err	 err;
	char		 text[TCPK_ADDR_TEXT], host[TCPK_ADDR_TEXT];
	size_t		 i;
	int		 r;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		r = tcpk_addr_parse(&a, good[i][0], 80, &err);
		tcpk_addr_format(&a, text, sizeof(text));
		ok(r == 0 && strcmp(text, good[i][1]) == 0 &&
		    tcpk_addr_port(&a) == 80, "%s is %s", good[i][0], text);
		tcpk_addr_format_host(&a, host, sizeof(host));
		ok(tcpk_addr_parse(&b, host, 80, NULL) == 0 &&
		    tcpk_addr_equal(&a, &b), "%s and back", host);
		tcpk_ip_to(ip_of(&a), scope_of(&a), 80, &b);
		ok(tcpk_addr_equal(&a, &b) && a.len == b.len,
		    "%s: by its number", host);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		r = tcpk_addr_parse(&a, bad[i], 80, &err);
		ok(r == -1 && err.kind == TCPK_EUSAGE && err.code == 0 &&
		    (strlen(bad[i]) > 60 ||
		    strstr(err.text, bad[i]) != NULL), "refused: %s",
		    err.text);
	}
	tcpk_addr_parse(&a, "fe80::1%nosuch0", 80, &err);
	ok(strstr(err.text, "interface \"nosuch0\"") != NULL,
	    "names the interface: %s", err.text);
	ok(tcpk_addr_parse(&a, "x", 80, NULL) == -1, "err may be NULL");
}

static void
test_scope(void)
{
	struct if_nameindex	*list = if_nameindex();
	struct tcpk_addr	 a, b;
	char			 in[80], text[TCPK_ADDR_TEXT], want[100];

	if (list == NULL || list[0].if_name == NULL) {
		ok(1, "scope # SKIP no network interfaces");
		return;
	}
	snprintf(in, sizeof(in), "fe80::1%%%s", list[0].if_name);
	snprintf(want, sizeof(want), "[fe80::1%%%s]:80", list[0].if_name);
	ok(tcpk_addr_parse(&a, in, 80, NULL) == 0 &&
	    a.u.in6.sin6_scope_id == list[0].if_index &&
	    strcmp(tcpk_addr_format(&a, text, sizeof(text)), want) == 0,
	    "by name: %s", text);
	snprintf(in, sizeof(in), "fe80::1%%%u", list[0].if_index);
	ok(tcpk_addr_parse(&b, in, 80, NULL) == 0 && tcpk_addr_equal(&a, &b),
	    "by number");
	tcpk_addr_parse(&b, "fe80::1", 80, NULL);
	ok(!tcpk_addr_equal(&a, &b), "the scope makes a difference");
	if_freenameindex(list);
}

static void
test_looks(void)
{
	static const char *const	yes[] = {
		"1.2.3.4", "1", "1.2", "256.256.256.256", "0x7f", "0X7F",
		"a.b.0x1", "foo.1", "1.", "1.2.3.4.", "0x", "01.02",
		"99999999999999999999",
	};
	static const char *const	no[] = {
		"", ".", "a", "1a", "0xg", "x0", "1.a", "example.com",
		"1.2.3.4a", "a.1b", "::1", "0x1g", "..", "1-2",
	};
	size_t	i;

	for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		ok(tcpk_addr_looks_ipv4(yes[i]), "\"%s\" looks like IPv4",
		    yes[i]);
	for (i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		ok(!tcpk_addr_looks_ipv4(no[i]), "\"%s\" does not", no[i]);
}

static void
test_unix(void)
{
	struct tcpk_addr a, b;
	struct tcpk_err	 err;
	char		 name[200], text[TCPK_ADDR_TEXT];
	size_t		 room = sizeof(a.u.un.sun_path);

	ok(tcpk_addr_unix(&a, "/tmp/x", &err) == 0 &&
	    tcpk_addr_family(&a) == AF_UNIX && tcpk_addr_port(&a) == 0 &&
	    strcmp(tcpk_addr_format(&a, text, sizeof(text)), "unix:/tmp/x")
	    == 0, "path: %s", text);
	ok(strcmp(tcpk_addr_format_host(&a, text, sizeof(text)), "/tmp/x")
	    == 0, "host: %s", text);
	ok(tcpk_addr_unix(&a, "@x", &err) == 0 &&
	    a.u.un.sun_path[0] == '\0' && a.u.un.sun_path[1] == 'x' &&
	    a.len == offsetof(struct sockaddr_un, sun_path) + 2 &&
	    strcmp(tcpk_addr_format(&a, text, sizeof(text)), "unix:@x") == 0,
	    "abstract: %s", text);
	ok(tcpk_addr_unix(&b, "@x", NULL) == 0 && tcpk_addr_equal(&a, &b) &&
	    tcpk_addr_unix(&b, "@y", NULL) == 0 && !tcpk_addr_equal(&a, &b) &&
	    tcpk_addr_unix(&b, "x", NULL) == 0 && !tcpk_addr_equal(&a, &b),
	    "equal");
	ok(tcpk_addr_unix(&a, "", &err) == -1 && err.kind == TCPK_EUSAGE &&
	    strstr(err.text, "empty") != NULL, "no name: %s", err.text);
	ok(tcpk_addr_unix(&a, "@", &err) == -1 && err.kind == TCPK_EUSAGE,
	    "no abstract name: %s", err.text);
	memset(name, 'n', sizeof(name));
	name[room - 1] = '\0';
	ok(tcpk_addr_unix(&a, name, &err) == 0, "the longest path");
	ok(strlen(tcpk_addr_format(&a, text, sizeof(text))) == room + 4,
	    "is shown in whole");
	name[room - 1] = 'n';
	name[room] = '\0';
	ok(tcpk_addr_unix(&a, name, &err) == -1 && err.kind == TCPK_EUSAGE,
	    "one more: %s", err.text);
	name[0] = '@';
	ok(tcpk_addr_unix(&a, name, &err) == 0, "the longest abstract name");
	ok(strlen(tcpk_addr_format(&a, text, sizeof(text))) == room + 5,
	    "is shown in whole");
	name[room] = 'n';
	name[room + 1] = '\0';
	ok(tcpk_addr_unix(&a, name, &err) == -1, "one more: %s", err.text);
	memset(name, 1, room - 1);
	name[room - 1] = '\0';
	tcpk_addr_unix(&a, name, NULL);
	tcpk_addr_format(&a, text, sizeof(text));
	ok(strlen(text) == 5 + 4 * (room - 1) &&
	    strncmp(text, "unix:\\x01\\x01", 13) == 0,
	    "bytes that do not print fit as well");
	tcpk_addr_unix(&a, "/a b\\c\n\xc3\xa9", NULL);
	tcpk_addr_format(&a, text, sizeof(text));
	ok(strcmp(text, "unix:/a b\\x5cc\\x0a\\xc3\\xa9") == 0,
	    "escaped: %s", text);
}

static void
test_from(void)
{
	struct sockaddr_in6	in6;
	struct sockaddr_storage	ss;
	struct tcpk_addr	a, b;
	char			text[TCPK_ADDR_TEXT];
	int			fds[2], fd;

	memset(&in6, 0, sizeof(in6));
	in6.sin6_family = AF_INET6;
	in6.sin6_port = htons(99);
	inet_pton(AF_INET6, "::ffff:10.0.0.1", &in6.sin6_addr);
	tcpk_addr_from(&a, (struct sockaddr *)&in6, sizeof(in6));
	ok(strcmp(tcpk_addr_format(&a, text, sizeof(text)), "10.0.0.1:99")
	    == 0 && tcpk_addr_family(&a) == AF_INET, "mapped: %s", text);
	inet_pton(AF_INET6, "2001:db8::2", &in6.sin6_addr);
	in6.sin6_flowinfo = 77;
	tcpk_addr_from(&a, (struct sockaddr *)&in6, sizeof(in6));
	tcpk_addr_parse(&b, "2001:db8::2", 99, NULL);
	ok(tcpk_addr_equal(&a, &b), "the flow makes no difference");
	memset(&ss, 0, sizeof(ss));
	ss.ss_family = AF_UNIX;
	tcpk_addr_from(&a, (struct sockaddr *)&ss, sizeof(ss));
	ok(a.len <= sizeof(a.u), "too long is cut");
	tcpk_addr_from(&a, (struct sockaddr *)&ss, sizeof(sa_family_t));
	ok(strcmp(tcpk_addr_format(&a, text, sizeof(text)), "unix:") == 0,
	    "a Unix socket without a name: %s", text);
	tcpk_addr_from(&a, (struct sockaddr *)&ss, 0);
	ok(tcpk_addr_family(&a) == AF_UNSPEC && tcpk_addr_is_any(&a) &&
	    strcmp(tcpk_addr_format(&a, text, sizeof(text)), "unknown") == 0,
	    "none: %s", text);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0) {
		ok(tcpk_addr_local(&a, fds[0]) == 0 &&
		    tcpk_addr_peer(&b, fds[0]) == 0 &&
		    tcpk_addr_family(&b) == AF_UNIX, "local and peer");
		close(fds[0]);
		close(fds[1]);
	}
	fd = socket(AF_INET, SOCK_STREAM, 0);
	ok(tcpk_addr_local(&a, fd) == 0 && tcpk_addr_is_any(&a) &&
	    tcpk_addr_peer(&a, fd) == -1 && a.len == 0,
	    "a socket that is not connected has no peer");
	close(fd);
	ok(tcpk_addr_local(&a, -1) == -1 && a.len == 0, "nor has none");
}

static void
test_rest(void)
{
	struct tcpk_addr a, b;
	char		 text[TCPK_ADDR_TEXT], small[10];

	tcpk_addr_any(&a, AF_INET, 5);
	ok(strcmp(tcpk_addr_format(&a, text, sizeof(text)), "0.0.0.0:5") == 0
	    && tcpk_addr_is_any(&a), "any: %s", text);
	tcpk_addr_any(&b, AF_INET6, 5);
	ok(strcmp(tcpk_addr_format(&b, text, sizeof(text)), "[::]:5") == 0 &&
	    tcpk_addr_is_any(&b) && !tcpk_addr_equal(&a, &b), "any: %s",
	    text);
	ok(!tcpk_addr_is_loopback(&a) && !tcpk_addr_is_loopback(&b),
	    "any: not loopback");
	tcpk_addr_set_port(&a, 65535);
	tcpk_addr_set_port(&b, 6);
	ok(tcpk_addr_port(&a) == 65535 && tcpk_addr_port(&b) == 6, "ports");
	tcpk_addr_parse(&a, "1.2.3.4", 5, NULL);
	tcpk_addr_parse(&b, "::ffff:1.2.3.4", 5, NULL);
	ok(tcpk_addr_equal(&a, &b) && !tcpk_addr_is_any(&a), "mapped equal");
	tcpk_addr_set_port(&b, 6);
	ok(!tcpk_addr_equal(&a, &b), "not with another port");
	ok(!tcpk_addr_is_loopback(&a), "1.2.3.4: not loopback");
	tcpk_addr_parse(&a, "127.255.0.1", 5, NULL);
	tcpk_addr_parse(&b, "::1", 5, NULL);
	ok(tcpk_addr_is_loopback(&a) && tcpk_addr_is_loopback(&b),
	    "loopback");
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	ok(tcpk_addr_equal(&a, &b) && tcpk_addr_port(&a) == 0, "none equal");
	tcpk_addr_set_port(&a, 6);
	ok(a.len == 0, "none has no port");
	tcpk_addr_parse(&a, "2001:db8:1111:2222:3333:4444:5555:6666", 5,
	    NULL);
	memset(small, 'x', sizeof(small));
	tcpk_addr_format(&a, small, sizeof(small));
	ok(memchr(small, '\0', sizeof(small)) != NULL, "cut: %s", small);
	memset(small, 'x', sizeof(small));
	tcpk_addr_format_host(&a, small, sizeof(small));
	ok(memchr(small, '\0', sizeof(small)) != NULL, "cut: %s", small);
}

int
main(void)
{
	test_parse();
	test_scope();
	test_looks();
	test_unix();
	test_from();
	test_rest();
	return done_testing();
}
