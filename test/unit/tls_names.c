/* tls_names: whom a certificate is good for. */

#include <sys/socket.h>

#include <stdbool.h>
#include <string.h>

#include "tls_cert_impl.h"

#include "der.h"
#include "tap.h"

#define A31	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define LABEL63	A31 A31 "a"
#define LONG253	LABEL63 "." LABEL63 "." LABEL63 "." A31 \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
	const char	*names, *host;
	bool		 good;
} matches[] = {
	{ "dns:example.org", "example.org", true },
	{ "dns:example.org", "EXAMPLE.oRG", true },
	{ "dns:EXAMPLE.ORG", "example.org", true },
	{ "dns:example.org", "example.org.", true },
	{ "dns:example.org", "example.org..", false },
	{ "dns:example.org", ".example.org", false },
	{ "dns:example.org", "", false },
	{ "dns:example.org", ".", false },
	{ "dns:example.org", "www.example.org", false },
	{ "dns:example.org", "xexample.org", false },
	{ "dns:example.org", "example.or", false },
	{ "dns:example.org.", "example.org", false },
	{ "dns:example.org.", "example.org.", false },
	{ "dns:", "", false },
	{ "dns:localhost", "localhost", true },
	{ "dns:_a_b-.x", "_A_b-.x", true },
	{ "dns:a.test dns:b.test", "b.test", true },
	{ "mail:b@x uri:http://x dns:b.test reg:x", "b.test", true },
	{ "mail:b.test uri:b.test reg:x dir:CN=b.test", "b.test", false },
	{ "dns:good.test~.evil.test", "good.test", false },
	{ "dns:good.test~", "good.test", false },
	/* Letters of ASCII only: [ and { differ in the same bit. */
	{ "dns:a[b", "a{b", false },
	{ "dns:a[b", "a[b", false },
	{ "dns:*.example.org", "a.example.org", true },
	{ "dns:*.EXAMPLE.org", "A.example.ORG.", true },
	{ "dns:*.example.org", "xn--a.example.org", true },
	{ "dns:*.example.org", "example.org", false },
	{ "dns:*.example.org", ".example.org", false },
	{ "dns:*.example.org", "a.b.example.org", false },
	{ "dns:*.example.org", "*.example.org", false },
	{ "dns:*.org", "example.org", false },
	{ "dns:*.localhost", "a.localhost", false },
	{ "dns:*", "localhost", false },
	{ "dns:*.", "localhost", false },
	{ "dns:*.", "localhost.", false },
	{ "dns:*..org", "a..org", false },
	{ "dns:w*.example.org", "www.example.org", false },
	{ "dns:*w.example.org", "www.example.org", false },
	{ "dns:www.*.org", "www.example.org", false },
	{ "dns:*.*.org", "www.example.org", false },
	{ "dns:**.example.org", "a.example.org", false },
	{ "dns:*.example.org~", "a.example.org", false },
	{ "ip:192.0.2.1", "192.0.2.1", true },
	{ "ip:192.0.2.1", "192.0.2.2", false },
	{ "ip:192.0.2.1", "192.0.2.1.", false },
	{ "ip:192.0.2.1", "192.0.2.01", false },
	{ "ip:192.0.2.1", "0xc0000201", false },
	{ "ip:192.0.2.1", "::ffff:192.0.2.1", true },
	{ "ip:192.0.2.1", "::FFFF:c000:201", true },
	{ "ip:192.0.2.1", "::192.0.2.1", false },
	{ "ip:::ffff:192.0.2.1", "::ffff:192.0.2.1", true },
	{ "ip:::ffff:192.0.2.1", "192.0.2.1", false },
	{ "ip:2001:db8::1", "2001:db8::1", true },
	{ "ip:2001:db8::1", "2001:0DB8:0::0:1", true },
	{ "ip:2001:db8::1", "2001:db8::2", false },
	{ "ip:2001:db8::1", "[2001:db8::1]", false },
	{ "ip:fe80::1", "fe80::1%eth0", true },
	{ "ip:fe80::1", "fe80::1%nosuchinterface", true },
	{ "ip:fe80::1", "fe80::1%", false },
	{ "ip:192.0.2.1", "192.0.2.1%lo", false },
	{ "ip:192.0.2.1/0.0.0.0", "192.0.2.1", false },
	{ "dns:192.0.2.1", "192.0.2.1", false },
	{ "dns:192.0.2.1", "192.0.2.1.", false },
	{ "dns:*.0.2.1", "192.0.2.1", false },
	{ "dns:127.1", "127.1", false },
	{ "dns:0x7f000001", "0x7f000001", false },
	{ "dns:2001:db8::1", "2001:db8::1", false },
	{ "ip:aaaa", "aaaa", false },
	{ "dns:" LONG253, LONG253, true },
	{ "dns:" LONG253, LONG253 ".", true },
	{ "dns:" LONG253 "a", LONG253 "a", false },
	{ "dns:" LABEL63 "a.org", LABEL63 "a.org", false },
	{ "", "example.org", false },
	{ "", "192.0.2.1", false },
};

static void
test_match(void)
{
	struct tcpk__cert	c;
	struct der		d;
	size_t			i;

	for (i = 0; i < sizeof(matches) / sizeof(matches[0]); i++) {
		d = names(matches[i].names);
		c = (struct tcpk__cert){ .san = span(&d) };
		ok(tcpk__cert_is_for(&c, matches[i].host) == matches[i].good,
		    "%s is %sfor %s", matches[i].names,
		    matches[i].good ? "" : "not ", matches[i].host);
	}
	memset(&c, 0, sizeof(c));
	ok(!tcpk__cert_is_for(&c, "example.org") &&
	    !tcpk__cert_is_for(&c, "::1"), "no names at all");
}

static void
test_host(void)
{
	static const struct {
		const char	*host, *out;
	} good[] = {
		{ "example.org", "example.org" },
		{ "Example.ORG.", "Example.ORG" },
		{ "a", "a" }, { "_x._y", "_x._y" }, { "1a", "1a" },
		{ "1.a", "1.a" }, { "a-", "a-" }, { LONG253, LONG253 },
		{ LONG253 ".", LONG253 },
	};
	static const struct {
		const char	*host, *what;
	} bad[] = {
		{ "", "empty" }, { ".", "empty" }, { "..", "two dots" },
		{ ".a", "two dots" }, { "a..b", "two dots" },
		{ "a..", "two dots" }, { LONG253 "a", "253" },
		{ LABEL63 "a", "63" }, { "a.b" LABEL63 ".c", "63" },
		{ "a b", "only letters" }, { "a\n", "only letters" },
		{ "a/b", "only letters" }, { "\xc3\xa9.org", "only" },
		{ "*.org", "only letters" }, { "a:1", "only letters" },
		{ "::1", "only letters" }, { "192.0.2.1", "number" },
		{ "127.1", "number" }, { "a.0x1", "number" },
	};
	struct tcpk_err	err;
	unsigned char	ip[16];
	char		out[TCPK__HOST];
	size_t		i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ok(tcpk__host_check(out, good[i].host, &err) == 0 &&
		    strcmp(out, good[i].out) == 0, "%s", out);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(tcpk__host_check(out, bad[i].host, &err) == -1 &&
		    err.kind == TCPK_EUSAGE && strstr(err.text, bad[i].what)
		    != NULL, "%s", err.text);
	ok(tcpk__host_ip("192.0.2.1", ip) == AF_INET &&
	    memcmp(ip, "\300\0\2\1", 4) == 0, "IPv4");
	ok(tcpk__host_ip("fe80::2%x", ip) == AF_INET6 && ip[0] == 0xfe &&
	    ip[15] == 2, "IPv6 with a zone");
	ok(tcpk__host_ip("::ffff:1.2.3.4", ip) == AF_INET6 && ip[10] == 0xff,
	    "mapped, as it is");
	ok(tcpk__host_ip("1.2.3", ip) == 0 && tcpk__host_ip("", ip) == 0 &&
	    tcpk__host_ip("[::1]", ip) == 0 && tcpk__host_ip("a", ip) == 0 &&
	    tcpk__host_ip(LONG253 ":", ip) == 0, "not numeric");
}

static void
test_lists(void)
{
	struct tcpk__cert	c;
	struct tcpk__span	s;
	struct der		d;
	char			buf[100];
	size_t			i;

	d = names("mail:x dns:a.test ip:192.0.2.1 dns:*.b.test ip:2001:db8::1 "
	    "ip:abc dns: uri:x dns:c");
	c = (struct tcpk__cert){ .san = span(&d) };
	tcpk__names_format(&c, buf, sizeof(buf));
	ok(strcmp(buf, "a.test, 192.0.2.1, *.b.test, 2001:db8::1, c") == 0,
	    "%s", buf);
	ok(tcpk__cert_dns(&c, 0, &s) && s.n == 6 && s.p[0] == 'a' &&
	    tcpk__cert_dns(&c, 1, &s) && s.n == 8 && s.p[0] == '*' &&
	    tcpk__cert_dns(&c, 2, &s) && s.n == 0 &&
	    tcpk__cert_dns(&c, 3, &s) && s.n == 1 &&
	    !tcpk__cert_dns(&c, 4, &s), "one after the other");
	tcpk__names_format(&c, buf, 30);
	ok(strcmp(buf, "a.test, 192.0.2.1, *.b.tes...") == 0, "cut: %s", buf);
	d = names("dns:a,b dns:a~b\\ dns:\xc3\xa9");
	d.b[2] = ' ';
	c.san = span(&d);
	tcpk__names_format(&c, buf, sizeof(buf));
	ok(strcmp(buf, "\\x20\\x2cb, a\\x00b\\x5c, \\xc3\\xa9") == 0, "%s",
	    buf);
	for (i = 0; i < d.n; i++) {
		c.san.n = i;
		tcpk__names_format(&c, buf, sizeof(buf));
		tcpk__cert_is_for(&c, "a.b");
	}
	memset(&c, 0, sizeof(c));
	tcpk__names_format(&c, buf, sizeof(buf));
	ok(buf[0] == '\0' && !tcpk__cert_dns(&c, 0, &s), "none");
}

int
main(void)
{
	test_match();
	test_host();
	test_lists();
	return done_testing();
}
