/* tls_constraints: which names an issuer may vouch for. */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tls_cert_impl.h"

#include "der.h"
#include "tap.h"

/* "+dns:x -ip:y": permitted and excluded subtrees; ! adds a maximum. */
static struct der
limits(const char *list)
{
	struct der	 kind[2], one, all = hex("");
	char		 buf[400];
	char		*p, *save;
	int		 i;

	kind[0] = kind[1] = hex("");
	snprintf(buf, sizeof(buf), "%s", list);
	for (p = strtok_r(buf, " ", &save); p != NULL;
	    p = strtok_r(NULL, " ", &save)) {
		i = *p++ == '-';
		one = general(p + strspn(p, "!01"));
		if (p[0] == '0' || p[0] == '1')
			one = join(one, hex(p[0] == '0' ? "800100" :
			    "800101"));
		else if (p[0] == '!')
			one = join(one, hex("810101"));
		kind[i] = join(kind[i], wrap(0x30, one));
	}
	for (i = 0; i < 2; i++)
		if (kind[i].n > 0)
			all = join(all, wrap(0xa0u + (unsigned)i, kind[i]));
	return all;
}

#define NOT	"do not permit"
#define OUT	"exclude"
#define BAD	"malformed"

/* what: NULL, it keeps within; else what is said. */
static const struct {
	const char	*names, *limits, *what;
} within[] = {
	{ "dns:example.org", "+dns:example.org", NULL },
	{ "dns:a.EXAMPLE.org", "+dns:exAMPLE.org", NULL },
	{ "dns:a.b.example.org", "+dns:example.org", NULL },
	{ "dns:xexample.org", "+dns:example.org", NOT },
	{ "dns:org", "+dns:example.org", NOT },
	{ "dns:example.org.", "+dns:example.org", NOT },
	{ "dns:example.org~.x", "+dns:example.org", NOT },
	{ "dns:x~.example.org", "+dns:example.org", NULL },
	{ "dns:example.org", "+dns:.example.org", NOT },
	{ "dns:a.example.org", "+dns:.example.org", NULL },
	{ "dns:*.example.org", "+dns:example.org", NULL },
	{ "dns:*.example.org", "+dns:.example.org", NULL },
	{ "dns:*.a.example.org", "+dns:example.org", NULL },
	{ "dns:*.example.org", "+dns:a.example.org", NOT },
	{ "dns:*.org", "+dns:example.org", NOT },
	{ "dns:*", "+dns:example.org", NOT },
	{ "dns:a.test dns:b.test", "+dns:a.test", NOT },
	{ "dns:a.test dns:b.test", "+dns:a.test +dns:b.test", NULL },
	{ "dns:a.test", "+dns:", NULL },
	{ "dns:a.test", "-dns:", OUT },
	{ "dns:a.test", "-dns:test", OUT },
	{ "dns:A.test", "-dns:a.TEST", OUT },
	{ "dns:a.test", "-dns:.test", OUT },
	{ "dns:test", "-dns:.test", NULL },
	{ "dns:test", "-dns:a.test", NULL },
	{ "dns:b.a.test", "-dns:a.test", OUT },
	{ "dns:*.test", "-dns:test", OUT },
	{ "dns:*.test", "-dns:a.test", OUT },
	{ "dns:*.TEST", "-dns:b.a.test", OUT },
	{ "dns:*.test", "-dns:.a.test", OUT },
	{ "dns:*.test", "-dns:atest", NULL },
	{ "dns:*.b.test", "-dns:a.test", NULL },
	{ "dns:a.test", "+dns:test -dns:a.test", OUT },
	{ "dns:b.test", "+dns:test -dns:a.test", NULL },
	{ "", "+dns:example.org", NULL },
	{ "ip:192.0.2.1", "+dns:example.org", NULL },
	{ "dns:a.test", "+ip:192.0.2.0/255.255.255.0", NULL },
	{ "ip:192.0.2.1", "+ip:192.0.2.0/255.255.255.0", NULL },
	{ "ip:192.0.3.1", "+ip:192.0.2.0/255.255.255.0", NOT },
	{ "ip:192.0.2.1", "+ip:192.0.2.77/255.255.255.0", NULL },
	{ "ip:192.0.2.129", "+ip:192.0.2.128/255.255.255.128", NULL },
	{ "ip:192.0.2.127", "+ip:192.0.2.128/255.255.255.128", NOT },
	{ "ip:192.0.2.1", "-ip:0.0.0.0/0.0.0.0", OUT },
	{ "ip:::1", "-ip:0.0.0.0/0.0.0.0", NULL },
	{ "ip:::1", "-ip:::/::", OUT },
	{ "ip:::1", "+ip:0.0.0.0/0.0.0.0", NOT },
	{ "ip:2001:db8::1", "+ip:2001:db8::/ffff:ffff::", NULL },
	{ "ip:2001:db9::1", "+ip:2001:db8::/ffff:ffff::", NOT },
	{ "ip:::ffff:10.0.0.1", "-ip:10.0.0.0/255.0.0.0", OUT },
	{ "ip:::ffff:10.0.0.1", "+ip:10.0.0.0/255.0.0.0", NOT },
	{ "ip:abc", "-ip:10.0.0.0/255.0.0.0", OUT },
	{ "ip:abc", "+ip:10.0.0.0/255.0.0.0", NOT },
	{ "", "+ip:10.0.0.0/255.0.255.0", BAD },
	{ "", "+ip:10.0.0.0/253.0.0.0", BAD },
	{ "", "+ip:10.0.0.0/0.0.0.1", BAD },
	{ "", "+ip:10.0.0.0", BAD },
	{ "", "-ip:10.0.0.0/ffff::", BAD },
	{ "", "-ip:::/ffff:0:ffff::", BAD },
	{ "", "+dns:*.test", BAD },
	{ "", "+dns:test.", BAD },
	{ "", "+dns:..test", BAD },
	{ "", "+dns:a..test", BAD },
	{ "", "-dns:.", BAD },
	{ "", "-dns:a~b", BAD },
	{ "", "-dns:a/b", BAD },
	{ "", "", BAD },
	{ "", "+!dns:test", BAD },
	{ "", "-1dns:test", BAD },
	{ "dns:a.test", "+0dns:test", NULL },
	{ "dns:b.a.test", "-0dns:a.test", OUT },
	/* Kinds that are not looked into. */
	{ "mail:a@x", "+mail:x", NOT },
	{ "mail:a@x", "-mail:y", OUT },
	{ "dns:a.test", "+mail:x -uri:y -reg:1", NULL },
	{ "uri:http://y", "-uri:z", OUT },
	{ "reg:1", "+reg:1", NOT },
	/* The last of these is the subject. */
	{ "dir:O=x;CN=y", "+dir:O=x", NULL },
	{ "dir:O=x;CN=y", "+dir:O=x;CN=y", NULL },
	{ "dir:O=x;CN=y", "+dir:O=x;CN=y;CN=z", NOT },
	{ "dir:O=x;CN=y", "+dir:CN=y", NOT },
	{ "dir:O=x;CN=y", "+dir:o=x", NOT },
	{ "dir:O=x;CN=y", "+dir:O=X", NOT },
	{ "dir:O=x;CN=y", "+dir:", NULL },
	{ "dir:O=x;CN=y", "-dir:", OUT },
	{ "dir:O=x;CN=y", "-dir:O=x", OUT },
	{ "dir:O=x;CN=y", "-dir:o=X", OUT },
	{ "dir:O=a_b;CN=y", "-dir:o=ab", NULL },
	{ "dir:O=x;CN=y", "-dir:O=x;CN=z", NULL },
	{ "dir:O=x;CN=y", "-dir:O=x;CN=y;CN=z", NULL },
	{ "dir:O=x;CN=y", "-dir:CN=y", NULL },
	{ "dir:o=\xc3\xa9;CN=y", "-dir:o=e\xcc\x81", OUT },
	{ "dir:", "+dir:O=x", NULL },
	{ "dns:a.test dir:", "+dir:O=x", NOT },
	{ "dns:a.test", "+dir:O=x -dir:O=y", NULL },
};

static void
test_within(void)
{
	struct tcpk__cert	c;
	struct tcpk_err		err;
	struct der		d, k, s;
	const char		*dir;
	size_t			i;
	int			r;

	for (i = 0; i < sizeof(within) / sizeof(within[0]); i++) {
		d = names(within[i].names);
		k = limits(within[i].limits);
		dir = strstr(within[i].names, "dir:");
		s = directory(dir != NULL ? dir + 4 : "");
		c = (struct tcpk__cert){ .subject = span(&s) };
		/* As the subject, and then the same as a name. */
		if (dir == NULL || dir != within[i].names)
			c.san = span(&d);
		tcpk_err_clear(&err);
		r = tcpk__names_within(&c, span(&k), &err);
		ok(within[i].what == NULL ? r == 0 : r == -1 &&
		    err.kind == TCPK_ETLS && strstr(err.text, within[i].what)
		    != NULL, "%s in %s: %s", within[i].names,
		    within[i].limits, err.text);
		if (dir == NULL || dir[4] == '\0')
			continue;
		s = directory("");
		c = (struct tcpk__cert){ .san = span(&d), .subject = span(&s) };
		ok(tcpk__names_within(&c, span(&k), NULL) == r,
		    "the same as a name");
	}
	ok(tcpk__names_within(&c, (struct tcpk__span){ NULL, 0 }, NULL) == 0,
	    "no constraints");
}

/* One subtree, the host name a, permitted; and the same excluded. */
#define PERMIT_A	"a0053003820161"
#define EXCLUDE_A	"a1053003820161"

static const struct {
	const char	*hex;
	bool		 good;
} raws[] = {
	{ PERMIT_A, true },
	{ EXCLUDE_A, true },
	{ PERMIT_A EXCLUDE_A, true },
	{ EXCLUDE_A PERMIT_A, false },
	{ PERMIT_A PERMIT_A, false },
	{ EXCLUDE_A EXCLUDE_A, false },
	{ PERMIT_A "0500", false },
	/* Other tags, and too little. */
	{ "0500", false },
	{ "80053003820161", false },
	{ "a000", false },
	{ "a100", false },
	{ "a0020500", false },
	{ "a0023000", false },
	{ "a00430800000", false },
	{ "a0053003820261", false },
	{ "a0073003820161", false },
	/* A minimum in two bytes, a maximum, a minimum behind it. */
	{ "a00930078201618002 0000", false },
	{ "a0083006820161 810100", false },
	{ "a00b3009820161 810100800100", false },
	/* A directoryName without a name in it, and with two. */
	{ "a0053003a4013000", false },
	{ "a0063004a4023000", true },
	{ "a0083006a40430003000", false },
};

static void
test_raw(void)
{
	struct tcpk__cert	c;
	struct tcpk_err		err;
	struct der		d, none = hex("3000");
	size_t			i;
	int			r;

	c = (struct tcpk__cert){ .subject = span(&none) };
	for (i = 0; i < sizeof(raws) / sizeof(raws[0]); i++) {
		d = hex(raws[i].hex);
		tcpk_err_clear(&err);
		r = tcpk__names_within(&c, span(&d), &err);
		ok(raws[i].good ? r == 0 : r == -1 &&
		    strstr(err.text, BAD) != NULL, "%s %s", raws[i].hex,
		    err.text);
	}
}

static void
test_many(void)
{
	struct tcpk__cert	c;
	struct tcpk_err		err;
	struct tcpk__span	k;
	struct der		one;
	unsigned char		*san, *sub, head[4];
	size_t			i, n = 3000;

	/* 3000 names "b" and 3000 subtrees "a", all excluded. */
	san = malloc(n * 3);
	sub = malloc(n * 5 + 4);
	if (san == NULL || sub == NULL)
		abort();
	one = hex("3003820161");
	for (i = 0; i < n; i++) {
		memcpy(san + i * 3, "\x82\x01" "b", 3);
		memcpy(sub + 4 + i * 5, one.b, 5);
	}
	head[0] = 0xa1;
	head[1] = 0x82;
	head[2] = (unsigned char)(n * 5 >> 8);
	head[3] = n * 5 & 0xff;
	memcpy(sub, head, 4);
	c = (struct tcpk__cert){ .san = { san, n * 3 } };
	k = (struct tcpk__span){ sub, n * 5 + 4 };
	ok(tcpk__names_within(&c, k, &err) == -1 &&
	    strstr(err.text, "too many") != NULL, "nine million: %s",
	    err.text);
	free(san);
	free(sub);
}

int
main(void)
{
	test_within();
	test_raw();
	test_many();
	return done_testing();
}
