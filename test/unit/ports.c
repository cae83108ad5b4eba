/* ports: lists of ports, operands of a scan. */

#include <stdlib.h>
#include <string.h>

#include "tcpcat_ports.h"
#include "tap.h"

/* Two services, one of them with the name of an option. */
static int
service(const char *name, struct tcpk_err *err)
{
	if (strcmp(name, "http-alt") == 0)
		return 8080;
	if (strcmp(name, "9pfs") == 0)
		return 564;
	if (strcmp(name, "nodelay") == 0)
		return 7;
	return tcpk_err_set(err, TCPK_ENAME, "no service \"%.40s\"", name);
}

struct row {
	const char	*text, *want;
};

static void
show(const struct ports *p, char *buf, size_t size)
{
	size_t	at, i;

	at = (size_t)snprintf(buf, size, "%s", p->ep.host);
	for (i = 0; i < p->n && at < size; i++)
		at += (size_t)snprintf(buf + at, size - at, " %u",
		    p->list[i]);
}

static void
test_good(void)
{
	static const struct row	rows[] = {
		{ "h:22", "h 22" },
		{ "h:22,80", "h 22 80" },
		{ "h:1,65535", "h 1 65535" },
		{ "h:80-80", "h 80" },
		{ "h:8000-8003,22", "h 8000 8001 8002 8003 22" },
		{ "h:90,80,90,79-81", "h 90 80 79 81" },
		{ "h:0080,080-081", "h 80 81" },
		{ "h:http-alt,80", "h 8080 80" },
		{ "h:80,9pfs", "h 80 564" },
		{ "h:nodelay", "h 7" },
		{ "h:80,nodelay", "h 80" },
		{ "h:80-81,connect-timeout=1s,nodelay", "h 80 81" },
		{ "tcp://h:80,81", "h 80 81" },
		{ ":80,81", "localhost 80 81" },
		{ "tcp://:80", "localhost 80" },
		{ "127.0.0.1:1-3", "127.0.0.1 1 2 3" },
		{ "[::1]:22,80", "::1 22 80" },
		{ "[::1]:22,via=http://p:1", "::1 22" },
		{ "[::ffff:1.2.3.4]:5", "::ffff:1.2.3.4 5" },
		{ "fd.example:1", "fd.example 1" },
	};
	struct ports	p;
	struct tcpk_err	err = { 0 };
	char		got[256];
	size_t		i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		got[0] = '\0';
		if (ports_parse(&p, rows[i].text, service, &err) == 0) {
			show(&p, got, sizeof(got));
			ports_free(&p);
		}
		ok(strcmp(got, rows[i].want) == 0, "%s is %s", rows[i].text,
		    got[0] != '\0' ? got : err.text);
	}
}

static void
test_options(void)
{
	struct ports	p;
	struct tcpk_err	err;

	ok(ports_parse(&p, "h:80,443,connect-timeout=2,nodelay,"
	    "source=127.0.0.2", service, &err) == 0 && p.n == 2 &&
	    p.ep.o.connect_timeout == 2 * TCPK_SECOND && p.ep.o.nodelay &&
	    p.ep.o.source.len != 0 && p.ep.scheme == TCPK_TCP &&
	    p.ep.role == TCPK_CONNECT, "options behind the ports are set");
	ports_free(&p);
	ports_free(&p);
	ok(1, "freed twice");
	ok(ports_parse(&p, "h:1-65535", service, &err) == 0 &&
	    p.n == 65535 && p.list[0] == 1 && p.list[65534] == 65535,
	    "every port there is");
	ports_free(&p);
}

static void
test_bad(void)
{
	static const struct row	rows[] = {
		{ "", "empty" }, { "h", "no port" }, { "22-80", "no port" },
		{ "h,nodelay", "no port" },
		{ "h:", "a port is empty" }, { "h:80,", "a port is empty" },
		{ "h:,80", "a port is empty" },
		{ "h:80,,81", "a port is empty" },
		{ "h:0", "port 0" }, { "h:80,0", "port 0" },
		{ "h:0-5", "port 0" }, { "h:65536", "\"65536\"" },
		{ "h:1-65536", "\"65536\"" },
		{ "h:99999999999999999999", "\"99999999999999999999\"" },
		{ "h:90-80", "90-80 runs backwards" },
		{ "h:80-", "\"80-\" is not a range" },
		{ "h:-80", "\"-80\" is not a range" },
		{ "h:-", "\"-\" is not a range" },
		{ "h:1-2-3", "\"1-2-3\" is not a range" },
		{ "h:1--3", "\"1--3\" is not a range" },
		{ "h:-x", "\"-x\" is not a port" },
		{ "h:80 ", "\"80 \" is not a port" },
		{ "h:+80", "no service" }, { "h:0x50", "no service" },
		{ "h:8o", "no service \"8o\"" },
		{ "h:80,no-delay", "no service \"no-delay\"" },
		{ "h:a/b", "\"a/b\" is not a port" },
		{ "h:80,\\,81", "\"\\\" is not a port" },
		{ "h:80,nodelay,81", "port 81 stands behind an option" },
		{ "h:80,nodelay,81-82,x", "port 81-82 stands behind" },
		{ "h:80,nodelay,x", "\"x\"" },
		{ "h:80,nodelay=3", "nodelay" },
		{ "h:80,connect-timeout=x", "\"x\" is not a time" },
		{ "h:80,cert=x", "cert" }, { "h:80,acl=+all", "acl" },
		{ "h:80,nodelay,", "empty" },
		{ "::1:80", "in brackets" }, { "2001:db8::1", "in brackets" },
		{ "[::1]", "in brackets" }, { "[::1]80", "in brackets" },
		{ "[::1:80", "in brackets" }, { "[]:80", "not an IPv6" },
		{ "[h]:80", "not an IPv6" }, { "*:80", "listening only" },
		{ "1.2.3.256:80", "not an IPv4" }, { "h x:80", "host name" },
		{ "tls://h:80", "TCP ports only" },
		{ "udp://h:80", "TCP ports only" },
		{ "nix://h:80", "TCP ports only" },
		{ "tcp://tcp://h:80", "TCP ports only" },
		{ "unix:/x", "TCP ports only" }, { "fd:3", "TCP ports only" },
		{ "exec:x", "TCP ports only" }, { "sh:x", "TCP ports only" },
		{ "-", "TCP ports only" },
	};
	struct tcpk_err	err;
	struct ports	p;
	size_t		i;
	int		r;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(&err, 0, sizeof(err));
		r = ports_parse(&p, rows[i].text, service, &err);
		ok(r == -1 && strstr(err.text, rows[i].want) != NULL &&
		    strstr(err.text, rows[i].text) == err.text &&
		    err.kind == (strstr(err.text, "no service") != NULL ?
		    TCPK_ENAME : TCPK_EUSAGE), "%s", err.text);
		if (r == 0)
			ports_free(&p);
	}
	ok(ports_parse(&p, "h:0", service, NULL) == -1, "err may be NULL");
	ok(ports_parse(&p, "h:80,via=http://u:secret@p:1,x=", service,
	    &err) == -1 && strstr(err.text, "secret") == NULL &&
	    strncmp(err.text, "h:80,via=http://u:xxxxxx@p:1,x=: ", 33) == 0,
	    "no password in %s", err.text);
}

/* An address too long to be shown is cut, and the reason is there still. */
static void
test_long(void)
{
	struct tcpk_err	err;
	struct ports	p;
	char		text[600];

	memset(text, 'h', sizeof(text));
	memcpy(text + 400, ":80,nodelay=3", 14);
	ok(ports_parse(&p, text, service, &err) == -1 &&
	    strlen(err.text) < 256 && strstr(err.text, "253") != NULL,
	    "long: %s", err.text);
}

static void
test_operands(void)
{
	static const struct {
		const char	*operands[4], *want;
	} rows[] = {
		{ { "h:80" }, "h 80;" },
		{ { "h:80", "i:81,82" }, "h 80;i 81 82;" },
		{ { "h:80", "h:80" }, "h 80;h 80;" },
		{ { "h", "80" }, "h 80;" },
		{ { "h", "22-24", "23,80", "9pfs" }, "h 22 23 24 80 564;" },
		{ { "h", "80,nodelay" }, "h 80;" },
		{ { "tcp://h", "80" }, "h 80;" },
		{ { "::1", "22-23" }, "::1 22 23;" },
		{ { "[::1]", "22-23" }, "::1 22 23;" },
		{ { "127.0.0.1", "22" }, "127.0.0.1 22;" },
		{ { "22", "80" }, "22:80: \"22\" is" },
		{ { "h" }, "h: no port" },
		{ { "h:80", "443" }, "443: no port" },
		{ { "h:80", "h:0" }, "h:0: port 0" },
		{ { "h", "80", "i:81" }, "h:80,i:81: " },
		{ { "::1:80", "::1:81" }, "[::1:80]:::1:81: " },
		{ { "h", "" }, "h:: a port is empty" },
		{ { "tls://h", "80" }, "tls://h: a scan is" },
		{ { "h,nodelay", "80" }, "h,nodelay:80: " },
	};
	struct tcpk_err	 err;
	struct ports	*all;
	char		 got[512];
	size_t		 i, j, n;
	int		 argc;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (argc = 0; argc < 4 &&
		    rows[i].operands[argc] != NULL; argc++)
			;
		got[0] = '\0';
		if (ports_operands(&all, &n, argc,
		    (char **)(uintptr_t)rows[i].operands, service,
		    &err) == 0) {
			for (j = 0; j < n; j++) {
				show(&all[j], got + strlen(got),
				    sizeof(got) - strlen(got));
				strcat(got, ";");
				ports_free(&all[j]);
			}
			free(all);
		} else
			snprintf(got, sizeof(got), "%s", err.text);
		ok(strncmp(got, rows[i].want, strlen(rows[i].want)) == 0,
		    "%s: %s", rows[i].operands[0], got);
	}
}

int
main(void)
{
	test_good();
	test_options();
	test_bad();
	test_long();
	test_operands();
	return done_testing();
}
