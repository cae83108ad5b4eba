/*
 * The grammar of rules: what is taken and what it means, what is refused and
 * where, what no rule matches, and how a list is compiled.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "acl_impl.h"
#include "tap.h"

static struct tcpk_acl *
list(const char *text)
{
	struct tcpk_err	err;
	struct tcpk_acl	*acl;

	acl = tcpk_acl_parse("list", text, &err);
	if (acl == NULL)
		note("%s", err.text);
	return acl;
}

static struct tcpk_verdict
ask(const struct tcpk_acl *acl, const char *address)
{
	struct tcpk_addr	a;
	struct tcpk_err		err;

	if (tcpk_addr_parse(&a, address, 0, &err) == -1) {
		note("%s", err.text);
		exit(1);
	}
	return tcpk_acl_check(acl, &a);
}

/* A list on one line, for the name of a test. */
static const char *
one_line(const char *text)
{
	static char	buf[70];
	size_t		i;

	for (i = 0; text[i] != '\0' && i < sizeof(buf) - 1; i++)
		buf[i] = text[i] < ' ' ? '~' : text[i];
	buf[i] = '\0';
	return buf;
}

/* Addresses that are allowed, and after the bar those that are denied. */
static void
verdicts(const char *rules, const char *addresses)
{
	struct tcpk_acl		*acl = list(rules);
	struct tcpk_verdict	 v;
	char			 copy[512], *word, *save;
	bool			 want = true, good = acl != NULL;

	strcpy(copy, addresses);
	for (word = strtok_r(copy, " ", &save); good && word != NULL;
	    word = strtok_r(NULL, " ", &save)) {
		if (strcmp(word, "|") == 0) {
			want = false;
			continue;
		}
		v = ask(acl, word);
		if (v.allow != want) {
			note("%s: %s", word, v.allow ? "allow" : "deny");
			good = false;
		}
	}
	ok(good, "\"%s\": %s", one_line(rules), addresses);
	tcpk_acl_free(acl);
}

/* One rule, and how it is shown. */
static void
shown(const char *rule, const char *text)
{
	struct tcpk_acl		*acl = list(rule);
	struct tcpk_acl_rule	 r = { 0 };

	ok(acl != NULL && tcpk_acl_rule(acl, 1, &r) &&
	    strcmp(r.text, text) == 0, "%s is %s", rule, text);
	if (acl != NULL && strcmp(r.text, text) != 0)
		note("shown as %s", r.text);
	tcpk_acl_free(acl);
}

static void
refused(const char *rules, const char *where, const char *why)
{
	struct tcpk_err	 err = { .kind = TCPK_OK };
	struct tcpk_acl	*acl;
	size_t		 n = strlen(where);
	bool		 good;

	acl = tcpk_acl_parse("l", rules, &err);
	good = acl == NULL && err.kind == TCPK_EUSAGE &&
	    strncmp(err.text, where, n) == 0 && err.text[n] == ':' &&
	    strstr(err.text, why) != NULL;
	ok(good, "\"%s\" is refused at %s: %s", one_line(rules), where,
	    why);
	if (!good)
		note("%s", acl != NULL ? "taken" : err.text);
	tcpk_acl_free(acl);
}

static void
test_examples(void)
{
	verdicts("", "1.2.3.4 :: ::ffff:1.2.3.4");
	verdicts("-0.0.0.0/0,+192.168/16", "192.168.0.0 192.168.255.255 "
	    "::ffff:192.168.1.1 | 192.167.255.255 192.169.0.0 ::1 10.0.0.1");
	verdicts("-1.2.3.4", "1.2.3.3 1.2.3.5 ::1 :: | 1.2.3.4 "
	    "::ffff:1.2.3.4");
	verdicts("-2001:db8::1", "2001:db8:: 2001:db8::2 1.2.3.4 | "
	    "2001:db8::1");
	verdicts("-::/0,+2001:db8::/32", "2001:db8:: 2001:db8:ffff::1 | "
	    "2001:db7::1 ::1 1.2.3.4");
	verdicts("+10/8", "10.0.0.0 10.255.255.255 | 11.0.0.0 ::1");
	verdicts("-all", "| 1.2.3.4 ::1");
	verdicts("+all", "1.2.3.4 ::1");
	verdicts("-all,+all,-10/8", "1.2.3.4 ::1 | 10.1.1.1");
	verdicts("+10/8,-10.1/16,+10.1.2.3", "10.0.0.1 10.1.2.3 10.2.0.0 | "
	    "10.1.0.0 10.1.2.2 10.1.2.4 10.1.255.255");
	verdicts("+10.0.0.5-10.0.0.9", "10.0.0.5 10.0.0.7 10.0.0.9 | "
	    "10.0.0.4 10.0.0.10");
	verdicts(" +1.1.1.1;\t+2.2.2.2,,\r\n+3.3.3.3\v\f+4.4.4.4; ",
	    "1.1.1.1 2.2.2.2 3.3.3.3 4.4.4.4 | 5.5.5.5");
	verdicts(",; \n", "1.1.1.1 ::1");
}

/* What no rule matches, by all the ways to say a whole family. */
static void
test_default(void)
{
	static const char *const	closed[] = {
		"-0/0", "-0.0.0.0/0", "-0.0.0.0/0.0.0.0", "-::ffff:0:0/96",
		"-0.0.0.0-255.255.255.255", "-::ffff:0.0.0.0/96",
		"-::ffff:0:0-::ffff:ffff:ffff", "-0.0.0.0-::ffff:ffff:ffff",
		"-::/0", "-::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		"-1::/0", "-9.9.9.9/0", "-all", "+10/8", "+0/0", "+::/0",
	};
	static const char *const	open[] = {
		"-1.2.3.4", "-0/1", "-0.0.0.1-255.255.255.255", "-128/1",
		"-0.0.0.0-255.255.255.254", "-::/1", "-::1",
		"-::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe",
		"-::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	};
	struct tcpk_acl_rule		 r;
	struct tcpk_acl			*acl;
	size_t				 i;

	for (i = 0; i < sizeof(closed) / sizeof(closed[0]); i++) {
		acl = list(closed[i]);
		ok(acl != NULL && tcpk_acl_rule(acl, 0, &r) && !r.allow,
		    "what %s does not match is denied", closed[i]);
		tcpk_acl_free(acl);
	}
	for (i = 0; i < sizeof(open) / sizeof(open[0]); i++) {
		acl = list(open[i]);
		ok(acl != NULL && tcpk_acl_rule(acl, 0, &r) && r.allow,
		    "what %s does not match is allowed", open[i]);
		tcpk_acl_free(acl);
	}
	verdicts("-::/0", "| 1.2.3.4 ::1");
	verdicts("-::ffff:0:0/96,+::/0", "::1 | 1.2.3.4");
	/* IPv6 never matches IPv4, wide as it may be. */
	verdicts("+::/0", "::1 ::fffe:ffff:ffff ::1:0:0:0 | 1.2.3.4");
	verdicts("+::/64", "::1 | 1.2.3.4");
	verdicts("+::-1::", "::1 1:: | 1.2.3.4 1::1");
}

static void
test_forms(void)
{
	shown("+192.168/16", "+192.168.0.0/16");
	shown("+192.168/12", "+192.160.0.0/12");
	shown("-10/8", "-10.0.0.0/8");
	shown("+0/0", "+0.0.0.0/0");
	shown("+1.2.3/24", "+1.2.3.0/24");
	shown("+1.2.3.4/32", "+1.2.3.4");
	shown("+1.2.3.4/31", "+1.2.3.4/31");
	shown("+1.2.3.4/255.255.255.0", "+1.2.3.0/24");
	shown("+1.2.3.4/255.255.255.255", "+1.2.3.4");
	shown("+10.0.0.0-10.255.255.255", "+10.0.0.0/8");
	shown("+10.0.0.5-10.0.0.9", "+10.0.0.5-10.0.0.9");
	shown("+10.0.0.5-10.0.0.5", "+10.0.0.5");
	shown("-::ffff:10.0.0.0/104", "-10.0.0.0/8");
	shown("-::ffff:a00:1", "-10.0.0.1");
	shown("-1.2.3.4-::ffff:1.2.3.9", "-1.2.3.4-1.2.3.9");
	shown("+2001:DB8::/32", "+2001:db8::/32");
	shown("+::1.2.3.4/128", "+::1.2.3.4");
	shown("+1:2:3:4:5:6:7.8.9.10", "+1:2:3:4:5:6:708:90a");
	shown("+::fffe:0:0/95", "+::fffe:0:0/95");
	shown("+::-::2", "+::-::2");
	shown("-all", "-all");
}

static void
test_refused(void)
{
	refused("10.0.0.1", "l:1:1", "starts with + or -");
	refused("+10/8,10/8", "l:1:7", "starts with + or -");
	refused("+10/8\n\n  -1.2.3.256", "l:3:10", "octet over 255");
	refused("+", "l:1:2", "missing");
	refused("+ 1.2.3.4", "l:1:2", "missing");
	refused("++1.2.3.4", "l:1:2", "not an address");
	refused("+1.2.3", "l:1:7", "four octets");
	refused("+1.2.3.4.5", "l:1:9", "too much");
	refused("+1.2.3.4x", "l:1:9", "not an address");
	refused("+1.2.3.4.", "l:1:9", "too much");
	refused("+1.2.3.", "l:1:8", "cut short");
	refused("+01.2.3.4", "l:1:2", "leading zero");
	refused("+1.2.3.04", "l:1:8", "leading zero");
	refused("+1.2.00.4", "l:1:6", "leading zero");
	refused("+1.2.3.999", "l:1:8", "over 255");
	refused("+0x1.2.3.4", "l:1:3", "not an address");
	refused("+1.2.3.4/", "l:1:10", "length is missing");
	refused("+1.2.3.4/33", "l:1:10", "over 32");
	refused("+1.2.3.4/08", "l:1:10", "leading zero");
	refused("+1.2.3.4/00", "l:1:10", "leading zero");
	refused("+1.2.3.4/+8", "l:1:10", "not a length");
	refused("+1.2.3.4/8x", "l:1:11", "not a length");
	refused("+1.2.3.4/8/8", "l:1:11", "not a length");
	refused("+1.2.3.4/99999999999999999999", "l:1:10", "over 32");
	refused("+192.168/24", "l:1:10", "beyond the octets");
	refused("+10/9", "l:1:5", "beyond the octets");
	refused("+192.168./16", "l:1:10", "cut short");
	refused("+/8", "l:1:2", "cut short");
	refused("+192.168/255.255.0.0", "l:1:9", "four octets");
	refused("+1.2.3.4/255.0.255.0", "l:1:10", "ones and then zeros");
	refused("+1.2.3.4/0.0.0.255", "l:1:10", "ones and then zeros");
	refused("+1.2.3.4/255.255", "l:1:17", "mask has four octets");
	refused("+1.2.3.4/255.255.255.256", "l:1:22", "over 255");
	refused("+::1/129", "l:1:6", "over 128");
	refused("+::1/-1", "l:1:5", "from address to address");
	refused("+::1/064", "l:1:6", "leading zero");
	refused("+::1/255.0.0.0", "l:1:6", "mask is for an IPv4");
	refused("+::ffff:10.0.0.0/8", "l:1:18", "96 to 128");
	refused("+::ffff:10.0.0.0/255.0.0.0", "l:1:18", "mask is for");
	refused("+:::", "l:1:4", "not an address");
	refused("+1::2::3", "l:1:7", "not an address");
	refused("+1:2:3:4:5:6:7", "l:1:15", "cut short");
	refused("+1:2:3:4:5:6:7:8:9", "l:1:18", "not an address");
	refused("+1:2:3:4:5:6:7::8", "l:1:18", "cut short");
	refused("+12345::", "l:1:6", "not an address");
	refused("+1:2:", "l:1:6", "cut short");
	refused("+g::1", "l:1:2", "not an address");
	refused("+::1.2.3.04", "l:1:4", "not an address");
	refused("+fe80::1%eth0", "l:1:9", "no scope");
	refused("+[::1]", "l:1:2", "not an address");
	refused("+10.0.0.9-10.0.0.5", "l:1:11", "ends before");
	refused("+10.0.0.5-", "l:1:11", "missing");
	refused("+10.0.0.5-9", "l:1:12", "four octets");
	refused("+10/8-11/8", "l:1:4", "from address to address");
	refused("+1.2.3.4-::1", "l:1:10", "one address family");
	refused("+::-1.2.3.4", "l:1:5", "one address family");
	refused("+10.0.0.5 - 10.0.0.9", "l:1:12", "missing");
	refused("+ALL", "l:1:2", "not an address");
	refused("+all/0", "l:1:2", "not an address");
	refused("+allx", "l:1:2", "not an address");
	refused("+localhost", "l:1:2", "not an address");
	refused("+1.2.3.4 # no", "l:1:10", "comments are for files");
	refused("+1.2.3.4\x01", "l:1:9", "\\x01");
	refused("+1111111111111111111111111111111111111111111111111111111111"
	    "1111111111111111111111111111111111111111111", "l:1:97",
	    "too long");
}

static char	warned[1000];
static int	warnings;

static void
remember(void *arg, const char *text)
{
	ok(arg == warned, "the warning has its argument");
	snprintf(warned, sizeof(warned), "%s", text);
	warnings++;
}

static void
test_warning(void)
{
	struct tcpk_acl_rule	 r;
	struct tcpk_acl		*acl;
	struct tcpk_err		 err;
	const char		*text = "+10/8\n -10.1.2.3/8,+10.0.0.0/8";

	acl = tcpk_acl_new(remember, warned, &err);
	ok(tcpk_acl_add_text(acl, "w", text, strlen(text), &err) == 0 &&
	    warnings == 1 && strcmp(warned, "w:2:2: \"-10.1.2.3/8\" has host "
	    "bits set: it means -10.0.0.0/8") == 0, "%s", warned);
	ok(tcpk_acl_compile(acl, &err) == 0 && tcpk_acl_rule(acl, 2, &r) &&
	    r.host_bits && tcpk_acl_rule(acl, 3, &r) && !r.host_bits,
	    "the rule remembers them");
	tcpk_acl_free(acl);
}

static void
test_file(void)
{
	static const char	text[] = "# a comment, +1.2.3.4\n+10/8 # b\n"
				    "\n-10.1/16#c\n#\n  -all#";
	char			path[] = "/tmp/acl_rules.XXXXXX", buf[200];
	struct tcpk_acl_rule	r;
	struct tcpk_verdict	v;
	struct tcpk_acl		*acl;
	struct tcpk_err		err;
	int			fd;

	fd = mkstemp(path);
	if (fd == -1 || write(fd, text, sizeof(text) - 1) == -1)
		exit(1);
	acl = tcpk_acl_new(NULL, NULL, &err);
	ok(tcpk_acl_add_text(acl, "--acl", "+::/0", 5, &err) == 0 &&
	    tcpk_acl_add_file(acl, path, &err) == 0 &&
	    tcpk_acl_compile(acl, &err) == 0 && tcpk_acl_rules(acl) == 4,
	    "a text and a file are one list");
	ok(tcpk_acl_rule(acl, 1, &r) && strcmp(r.source, "--acl") == 0 &&
	    r.line == 1, "rule 1 comes from the text");
	ok(tcpk_acl_rule(acl, 2, &r) && strcmp(r.source, path) == 0 &&
	    r.line == 2, "rule 2 comes from line 2 of the file");
	v = ask(acl, "10.1.2.3");
	ok(!v.allow && v.rule == 4, "the last rule decides");
	snprintf(buf, sizeof(buf), "-all (%s:6)", path);
	ok(strcmp(buf, tcpk_acl_describe(acl, v, (char[200]){ 0 }, 200)) == 0,
	    "described as %s", buf);
	ok(!tcpk_acl_rule(acl, 5, &r), "there is no rule 5");
	ok(tcpk_acl_add_text(acl, "x", "+all", 4, &err) == -1,
	    "nothing is added to a compiled list");
	tcpk_acl_free(acl);
	ok(tcpk_acl_load("/nonexistent/acl", &err) == NULL &&
	    err.kind == TCPK_EIO && strstr(err.text, "/nonexistent/acl: No ")
	    != NULL, "a missing file: %s", err.text);
	ok(tcpk_acl_load("/tmp", &err) == NULL && err.kind == TCPK_EIO,
	    "a directory: %s", err.text);
	close(fd);
	unlink(path);
}

/* A file is read in blocks: rules, lines and columns do not notice. */
static void
test_pieces(void)
{
	static const char	text[] = "+10.0.0.0/8,-10.1.0.0/16 # c\n"
				    "-2001:db8::/32\n+1.2.3.4-1.2.3.9x";
	struct acl_parser	ps;
	struct tcpk_err		err, whole;
	struct tcpk_acl		*acl;
	size_t			i, step;
	int			ret, bad = 0;

	for (step = 1; step < sizeof(text) + 1; step++) {
		acl = tcpk_acl_new(NULL, NULL, &err);
		ret = tcpk__acl_start(&ps, acl, "p", true, &err);
		for (i = 0; i < sizeof(text) - 1 && ret == 0; i += step)
			ret = tcpk__acl_feed(&ps, text + i,
			    sizeof(text) - 1 - i < step ?
			    sizeof(text) - 1 - i : step, &err);
		if (ret == 0)
			ret = tcpk__acl_end(&ps, &err);
		if (step == 1)
			whole = err;
		bad += ret != -1 || acl->nrules != 3 ||
		    strcmp(err.text, whole.text) != 0;
		tcpk_acl_free(acl);
	}
	ok(bad == 0 && strstr(whole.text, "p:3:17: ") == whole.text,
	    "in pieces of any size: %s", whole.text);
}

static void
test_unusual(void)
{
	struct tcpk_addr	 un, none = { 0 };
	struct tcpk_acl		*acl;
	struct tcpk_err		 err;
	struct tcpk_ip		 ip = tcpk_ip_from4(1);
	struct tcpk_verdict	 v;
	bool			 allow = true;

	tcpk_addr_unix(&un, "/tmp/x", &err);
	acl = list("+all");
	ok(!tcpk_acl_check(acl, &un).allow &&
	    !tcpk_acl_check(acl, &none).allow,
	    "what has no IP address is not in +all");
	tcpk_acl_free(acl);
	acl = list("");
	ok(tcpk_acl_check(acl, &un).allow, "but in an empty list");
	tcpk_acl_free(acl);
	acl = tcpk_acl_new(NULL, NULL, &err);
	tcpk_acl_check_many(acl, &ip, &v, 1);
	tcpk_acl_allow4_many(acl, &(uint32_t){ 1 }, &allow, 1);
	ok(!tcpk_acl_check_ip(acl, ip).allow && !v.allow && !allow,
	    "a list that is not compiled denies everyone");
	tcpk_acl_free(acl);
	tcpk_acl_free(NULL);
	acl = list("+all");
	ok(ask(acl, "fe80::1%1").allow, "a scope does not matter");
	tcpk_acl_free(acl);
}

/* Lists that are hard on an index; limits are counts, not times. */
static void
test_limits(void)
{
	enum { N = 100000 };
	char		*text = malloc(N * 48), *at = text;
	struct tcpk_acl	*acl;
	unsigned	 i, d4, d6;

	for (i = 0; i < N; i++)
		at += sprintf(at, "%c10.%u.%u.%u\n", "+-"[i % 2], i >> 16,
		    i >> 8 & 255, i & 255);
	acl = list(text);
	d4 = tcpk__acl_depth(&acl->tables[FAMILY4]);
	ok(d4 <= 2 && tcpk_acl_size(acl) < N * 64,
	    "addresses in a row: %u steps, %.1f bytes a rule", d4,
	    (double)tcpk_acl_size(acl) / N);
	tcpk_acl_free(acl);

	for (at = text, i = 0; i < N; i++)
		at += sprintf(at, "%c2001:db8:%x:%x::/%u\n", "+-"[i % 2],
		    i * 2654435761u >> 16, i * 40503 & 0xffff, 48 + i % 17);
	acl = list(text);
	d6 = tcpk__acl_depth(&acl->tables[FAMILY6]);
	ok(d6 <= 3 && tcpk_acl_size(acl) < N * 64,
	    "networks of IPv6: %u steps, %.1f bytes a rule", d6,
	    (double)tcpk_acl_size(acl) / N);
	tcpk_acl_free(acl);

	/* Each power of two: every length of gap there is. */
	for (at = text, i = 0; i < 128; i++)
		at += sprintf(at, "%c::/%u\n", "+-"[i % 2], i);
	for (i = 0; i <= 32; i++)
		at += sprintf(at, "%c0.0.0.0/%u\n", "+-"[i % 2], i);
	acl = list(text);
	d4 = tcpk__acl_depth(&acl->tables[FAMILY4]);
	d6 = tcpk__acl_depth(&acl->tables[FAMILY6]);
	ok(d4 <= 8 && d6 <= 32, "one inside the other: %u and %u steps", d4,
	    d6);
	ok(ask(acl, "::1").rule == 128 && ask(acl, "0.0.0.0").rule == 161 &&
	    ask(acl, "8000::").rule == 1 && ask(acl, "128.0.0.1").rule == 129,
	    "and the right one decides");
	tcpk_acl_free(acl);
	free(text);
}

/* IPv4 by the group and one by one, from just before each rule to behind. */
static void
test_long(char sign, bool all_near)
{
	enum { N = 40000, NEAR = 10000, BOTH = N + NEAR };
	static uint32_t		 ip[3 * BOTH];
	static bool		 allow[3 * BOTH];
	char			*text = malloc(BOTH * 24), *at = text;
	const struct table	*t;
	struct tcpk_acl		*acl;
	uint32_t		 i, v, bad = 0;

	for (i = 0; i < BOTH; i++) {
		v = all_near || i >= N ? UINT32_C(0x0a010000) + i * 5 :
		    i * UINT32_C(2654435761);
		at += sprintf(at, "%c%u.%u.%u.%u\n", sign, v >> 24,
		    v >> 16 & 255, v >> 8 & 255, v & 255);
		ip[3 * i] = v - 1;
		ip[3 * i + 1] = v;
		ip[3 * i + 2] = v + 1;
	}
	acl = list(text);
	tcpk_acl_allow4_many(acl, ip, allow, 3 * BOTH);
	for (i = 0; i < 3 * BOTH; i++)
		bad += allow[i] != tcpk_acl_check_ip(acl,
		    tcpk_ip_from4(ip[i])).allow;
	t = &acl->tables[FAMILY4];
	ok(bad == 0, "%u intervals, %s", (unsigned)t->n,
	    t->changes != NULL ? "with their changes" : "without changes");
	if (all_near)
		ok(t->changes == NULL, "as too many are near each other");
	tcpk_acl_free(acl);
	free(text);
}

static char	findings[4096];

static void
found(void *arg, const struct tcpk_acl_finding *f)
{
	char	line[64];

	(void)arg;
	snprintf(line, sizeof(line), "%s %u %u,", tcpk_acl_fault_word(f->fault),
	    (unsigned)f->rule, (unsigned)f->other);
	strcat(findings, line);
	if (f->why[0] == '\0')
		strcat(findings, "no reason");
}

static void
lint(const char *rules, const char *want)
{
	struct tcpk_acl	*acl = list(rules);
	struct tcpk_err	 err;

	findings[0] = '\0';
	ok(acl != NULL && tcpk_acl_lint(acl, found, NULL, &err) == 0 &&
	    strcmp(findings, want) == 0, "lint \"%s\": %s", rules, want);
	if (strcmp(findings, want) != 0)
		note("%s", findings);
	tcpk_acl_free(acl);
}

static void
test_lint(void)
{
	lint("", "open-by-default 0 0,open-by-default 0 0,");
	lint("-all,+10/8,-10.1/16,+10.1.2.3", "");
	lint("+10/8,+10/8", "never-decides 1 2,");
	lint("+10.1/16,-10/8", "contradicts 1 2,");
	lint("+10/8,-10/8", "contradicts 1 2,");
	lint("-10.1.2.3/8,+::/0", "open-by-default 1 0,host-bits 1 0,");
	lint("-1.2.3.4", "open-by-default 1 0,open-by-default 1 0,");
	lint("-1.2.3.4,-all", "never-decides 1 2,");
	lint("+10/8,-10.0.0.0/9,-10.128.0.0/9", "never-decides 1 0,");
	lint("-all,+0/0,+::/0", "never-decides 1 0,");
	lint("+10.0.0.1-10.0.0.9,-10.0.0.5-10.0.0.20", "contradicts 1 2,");
	lint("+10.0.0.5-10.0.0.20,-10.0.0.1-10.0.0.9", "contradicts 1 2,");
	lint("+10.0.0.1-10.0.0.9,+10.0.0.5-10.0.0.20", "");
	lint("+10.0.0.1-10.0.0.9,-10.0.0.5-10.0.0.9", "");
	lint("+2001:db8::/32,+2001:db8:1::/48,+2001:db8::/32",
	    "never-decides 1 3,never-decides 2 3,");
}

int
main(void)
{
	test_examples();
	test_default();
	test_forms();
	test_refused();
	test_warning();
	test_file();
	test_pieces();
	test_unusual();
	test_limits();
	test_long('+', false);
	test_long('-', false);
	test_long('+', true);
	test_lint();
	return done_testing();
}
