/* tls_der: certificates put together byte by byte, one of them spoilt. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tls_cert_impl.h"

#include "der.h"
#include "tap.h"

/* A certificate in parts, of which one at a time is spoilt. */
struct parts {
	struct der	version, serial, inner, issuer, validity, subject,
			key, rest, outer, signature, behind;
};

#define ECDSA	"300a06082a8648ce3d040302"
#define CN_A	"300c310a300806035504030c0161"
#define YEAR	"301e170d3235303130313030303030305a" \
		"170d3236303130313030303030305a"
/* P-256, with a point that need not be on the curve. */
#define KEY	"3059301306072a8648ce3d020106082a8648ce3d03010703420004" \
		"00112233445566778899aabbccddeeff" \
		"00112233445566778899aabbccddeeff" \
		"00112233445566778899aabbccddeeff" \
		"00112233445566778899aabbccddeeff"
#define CA	"300c0603551d13040530030101ff"

static struct der
extensions(const char *all)
{
	return wrap(0xa3, wrap(0x30, hex(all)));
}

static struct parts
usual(void)
{
	struct parts	p = {
		.version = hex("a003020102"),
		.serial = hex("020101"),
		.inner = hex(ECDSA),
		.issuer = hex(CN_A),
		.validity = hex(YEAR),
		.subject = hex(CN_A),
		.key = hex(KEY),
		.rest = extensions(CA),
		.outer = hex(ECDSA),
		.signature = hex("03020055"),
	};

	return p;
}

static struct der
whole(const struct parts *p)
{
	struct der	d = p->version;

	d = join(join(join(d, p->serial), p->inner), p->issuer);
	d = join(join(join(d, p->validity), p->subject), p->key);
	d = wrap(0x30, join(d, p->rest));
	d = wrap(0x30, join(join(d, p->outer), p->signature));
	return join(d, p->behind);
}

/* Where in struct parts, what there instead, and what is said of it. */
#define PART(x)	offsetof(struct parts, x)

static const struct spoilt {
	size_t		 part;
	const char	*hex;
	const char	*what;	/* NULL: taken */
} spoilt[] = {
	{ PART(version), "a003020102", NULL },
	{ PART(version), "a003020103", "version" },
	{ PART(version), "a0030201ff", "version" },
	{ PART(version), "a00402020002", "version" },
	{ PART(version), "a0050201020500", "version" },
	/* Version 1 and 2, which have no extensions. */
	{ PART(version), "", "end" },
	{ PART(version), "a003020100", "end" },
	{ PART(version), "a003020101", "end" },
	{ PART(serial), "020100", NULL },
	{ PART(serial), "0201ff", NULL },
	{ PART(serial), "0200", "serial" },
	{ PART(serial), "02020001", "serial" },
	{ PART(serial), "0202ff80", "serial" },
	{ PART(serial), "02020080", NULL },
	{ PART(serial), "0202ff7f", NULL },
	{ PART(serial), "021500ff00000000000000000000000000000000000000",
	    NULL },
	{ PART(serial), "021601000000000000000000000000000000000000000000",
	    "serial" },
	{ PART(serial), "040101", "serial" },
	{ PART(serial), "02810101", "serial" },
	{ PART(serial), "0282000101", "serial" },
	{ PART(serial), "02800000", "serial" },
	{ PART(serial), "0284ffffffff01", "serial" },
	{ PART(serial), "028500000000010101", "serial" },
	{ PART(serial), "1f020101", "serial" },
	{ PART(inner), "300a06082a8648ce3d040303", "different" },
	{ PART(inner), "300c06082a8648ce3d0403020500", "different" },
	{ PART(outer), "300c06082a8648ce3d0403020500", "different" },
	{ PART(outer), "300e06082a8648ce3d04030205000500", "algorithm" },
	{ PART(outer), "3000", "algorithm" },
	{ PART(outer), "300a06082a8648ce3d048082", "algorithm" },
	{ PART(outer), "300a06082a8648ce3d040382", "algorithm" },
	{ PART(outer), "310a06082a8648ce3d040302", "algorithm" },
	{ PART(issuer), "3000", NULL },
	{ PART(issuer), "30023100", "issuer" },
	{ PART(issuer), "300b3109300706035504030c01", "issuer" },
	{ PART(issuer), "300e310c300a06035504030c01610500", "issuer" },
	{ PART(subject), "3000", NULL },
	{ PART(subject), "3100", "subject" },
	{ PART(subject), "300c310a300804035504030c0161", "subject" },
	{ PART(key), "300c300506032b6570030300aabb", NULL },
	{ PART(key), "300c300506032b6570030301aabb", "public key" },
	{ PART(key), "3009300506032b6570030100", "public key" },
	{ PART(key), "300e300506032b6570030300aabb0500", "public key" },
	/* P-256: a point that is too short, compressed, of no known form. */
	{ PART(key), "301b301306072a8648ce3d020106082a8648ce3d030107"
	    "030400040011", "EC key" },
	{ PART(key), "3039301306072a8648ce3d020106082a8648ce3d0301070322"
	    "0002aabbccddeeff00112233445566778899aabbccddeeff0011223344556677"
	    "8899", NULL },
	{ PART(key), "3039301306072a8648ce3d020106082a8648ce3d0301070322"
	    "0005aabbccddeeff00112233445566778899aabbccddeeff0011223344556677"
	    "8899", "EC key" },
	{ PART(key), "300f300906072a8648ce3d0201030200 04", "EC key" },
	/* RSA: good; 0; negative; with a zero in front; one number; more. */
	{ PART(key), "301b300d06092a864886f70d0101010500030a00"
	    "3007020200c3020103", NULL },
	{ PART(key), "301a300d06092a864886f70d0101010500030900"
	    "3006020100020103", "RSA key" },
	{ PART(key), "301a300d06092a864886f70d0101010500030900"
	    "30060201c3020103", "RSA key" },
	{ PART(key), "301b300d06092a864886f70d0101010500030a00"
	    "300702020043020103", "RSA key" },
	{ PART(key), "3017300d06092a864886f70d0101010500030600"
	    "3003020143", "RSA key" },
	{ PART(key), "301d300d06092a864886f70d0101010500030c00"
	    "3009020143020103020103", "RSA key" },
	{ PART(signature), "0301 00", "bad signature" },
	{ PART(signature), "03020155", "bad signature" },
	{ PART(signature), "030200550500", "bad signature" },
	{ PART(signature), "04020055", "bad signature" },
	{ PART(behind), "00", "more bytes" },
	{ PART(rest), "", NULL },
	{ PART(rest), "81020011", NULL },
	{ PART(rest), "8102001182020011", NULL },
	{ PART(rest), "8202001181020011", "end" },
	{ PART(rest), "a300", "extensions" },
	{ PART(rest), "a3023000", "extensions" },
	{ PART(rest), "a4023000", "end" },
};

static void
verdict(const struct parts *p, const char *what, const char *shown)
{
	struct tcpk__cert	c;
	struct tcpk_err		err;
	struct der		d = whole(p);
	int			r;

	tcpk_err_clear(&err);
	r = tcpk__cert_parse(&c, d.b, d.n, &err);
	if (what == NULL)
		ok(r == 0, "%s is taken %s", shown, err.text);
	else
		ok(r == -1 && err.kind == TCPK_ETLS && c.der.p == NULL &&
		    strstr(err.text, what) != NULL, "%s: %s", shown, err.text);
}

static void
test_strict(void)
{
	struct parts	p;
	size_t		i;

	p = usual();
	verdict(&p, NULL, "the usual");
	for (i = 0; i < sizeof(spoilt) / sizeof(spoilt[0]); i++) {
		p = usual();
		*(struct der *)(void *)((char *)&p + spoilt[i].part) =
		    hex(spoilt[i].hex);
		verdict(&p, spoilt[i].what, spoilt[i].hex);
	}
	p = usual();
	p.version = p.rest = hex("");
	verdict(&p, NULL, "version 1");
	p.rest = hex("81020011");
	verdict(&p, "identifier", "version 1 with an identifier");
}

static const struct {
	const char	*hex, *what;
} exts[] = {
	{ CA CA, "twice" },
	/* Unknown ones, critical and not, and that one twice. */
	{ "300806032a03040401 00", NULL },
	{ "300b06032a03040101ff0401 00", NULL },
	{ "300806032a030404 0100" "300806032a0304040100", "twice" },
	{ "300806032a030404 0100" "300806032a0305040100", NULL },
	{ "300b06032a0304010100040100", NULL },
	{ "300b06032a0304010101040100", "extension" },
	{ "300c06032a030401020000040100", "extension" },
	{ "300a06032a03040401000500", "extension" },
	{ "300506032a0304", "extension" },
	{ "300806032a0304030100", "extension" },
	/* basicConstraints. */
	{ "30090603551d1304023000", NULL },
	{ "300c0603551d130405300301 0100", NULL },
	{ "300c0603551d130405300301 0101", "basicConstraints" },
	{ "300f0603551d1304083006 0101ff020100", NULL },
	{ "300f0603551d1304083006 0101ff0201ff", "basicConstraints" },
	{ "30100603551d1304093007 0101ff02020001", "basicConstraints" },
	{ "30120603551d13040b3009 0101ff020401000000", NULL },
	{ "30130603551d13040c300a 0101ff02050080000000",
	    "basicConstraints" },
	{ "300f0603551d1304083006 0201000101ff", "basicConstraints" },
	{ "300e0603551d13040730030101ff0500", "basicConstraints" },
	{ "30070603551d130400", "basicConstraints" },
	/* keyUsage. */
	{ "300b0603551d0f0404 03020780", NULL },
	{ "300b0603551d0f0404 03020080", NULL },
	{ "300b0603551d0f0404 030207c0", "keyUsage" },
	{ "300b0603551d0f0404 03020880", "keyUsage" },
	{ "300c0603551d0f0405 0303070080", NULL },
	{ "300d0603551d0f0406 030407000080", "keyUsage" },
	{ "300a0603551d0f0403 030100", NULL },
	{ "300a0603551d0f0403 030101", "keyUsage" },
	{ "30090603551d0f0402 0300", "keyUsage" },
	/* extKeyUsage. */
	{ "30090603551d2504023000", "extKeyUsage" },
	{ "300d0603551d250406 300406022a03", NULL },
	{ "300d0603551d250406 300406022a83", "extKeyUsage" },
	{ "300d0603551d250406 300404022a03", "extKeyUsage" },
	/* subjectAltName. */
	{ "30090603551d11040230 00", "subjectAltName" },
	{ "300c0603551d11040530 03820161", NULL },
	{ "300c0603551d11040530 03a20161", "subjectAltName" },
	{ "300c0603551d11040530 03890161", "subjectAltName" },
	{ "300c0603551d11040530 03820261", "subjectAltName" },
	{ "300c0603551d11040530 030c0161", "subjectAltName" },
	{ "300e0603551d11040730 038201610500", "subjectAltName" },
	/* nameConstraints, which are looked into when they are used. */
	{ "30090603551d1e0402 3000", NULL },
	{ "30090603551d1e0402 3100", "nameConstraints" },
	{ "300b0603551d1e0404 30000500", "nameConstraints" },
};

static void
test_extensions(void)
{
	static const unsigned char	zeros[128];
	struct parts			p = usual();
	struct der			one, all = hex("");
	size_t				i;

	for (i = 0; i < sizeof(exts) / sizeof(exts[0]); i++) {
		p.rest = wrap(0xa3, wrap(0x30, hex(exts[i].hex)));
		verdict(&p, exts[i].what, exts[i].hex);
	}
	/* 128 bytes need one byte for their length, not two. */
	one = hex("06032a0304");
	p.rest = wrap(0xa3, wrap(0x30, wrap(0x30, join(join(one,
	    hex("048180")), raw(zeros, sizeof(zeros))))));
	verdict(&p, NULL, "a length in one byte");
	p.rest = wrap(0xa3, wrap(0x30, wrap(0x30, join(join(one,
	    hex("04820080")), raw(zeros, sizeof(zeros))))));
	verdict(&p, "bad extension", "in two");
	p.rest = join(extensions(CA), hex("0500"));
	verdict(&p, "end", "something behind the extensions");
	p.rest = wrap(0xa3, join(wrap(0x30, hex(CA)), hex("0500")));
	verdict(&p, "bad extensions", "something beside them");
	for (i = 0; i < 65; i++) {
		one = hex("300706022a00040100");
		one.b[5] = (unsigned char)i;
		all = join(all, one);
		p.rest = wrap(0xa3, wrap(0x30, all));
		if (i == 63)
			verdict(&p, NULL, "64 extensions");
	}
	verdict(&p, "too many", "65 extensions");
}

static const struct {
	unsigned	 tag;
	const char	*text;
	int64_t		 v;
} times[] = {
	{ 0x17, "700101000000Z", 0 },
	{ 0x17, "691231235959Z", -1 },
	{ 0x17, "500101000000Z", -631152000 },
	{ 0x17, "491231235959Z", 2524607999 },
	{ 0x17, "000229000000Z", 951782400 },
	{ 0x17, "240229120000Z", 1709208000 },
	{ 0x18, "20240301000000Z", 1709251200 },
	{ 0x18, "20001231235959Z", 978307199 },
	{ 0x18, "19691231235959Z", -1 },
	{ 0x18, "20380119031408Z", 2147483648 },
	{ 0x18, "99991231235959Z", 253402300799 },
	{ 0x18, "00000101000000Z", -62167219200 },
	{ 0x18, "00010101000000Z", -62135596800 },
	{ 0x18, "16000229000000Z", -11670998400 },
	{ 0x18, "21000301000000Z", 4107542400 },
};

static const struct {
	unsigned	 tag;
	const char	*text;
} bad_times[] = {
	{ 0x17, "" }, { 0x17, "7001010000Z" }, { 0x17, "700101000000" },
	{ 0x17, "700101000000z" }, { 0x17, "700101000000+" },
	{ 0x17, "700101000000+0000" }, { 0x17, "700001000000Z" },
	{ 0x17, "701301000000Z" }, { 0x17, "700100000000Z" },
	{ 0x17, "700132000000Z" }, { 0x17, "700431000000Z" },
	{ 0x17, "230229000000Z" }, { 0x17, "700101240000Z" },
	{ 0x17, "700101006000Z" }, { 0x17, "700101000060Z" },
	{ 0x17, "7001010000-1Z" }, { 0x17, " 00101000000Z" },
	{ 0x17, "20240301000000Z" }, { 0x18, "240301000000Z" },
	{ 0x18, "20240301000000.5Z" }, { 0x18, "20240301000000+" },
	{ 0x18, "21000229000000Z" }, { 0x18, "2024030100000:Z" },
	{ 0x18, "x0240301000000Z" }, { 0x0c, "700101000000Z" },
};

static void
test_times(void)
{
	struct parts		p = usual();
	struct tcpk__cert	c;
	struct der		d, t;
	size_t			i;

	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		t = text(times[i].tag, times[i].text);
		p.validity = wrap(0x30, join(t, t));
		d = whole(&p);
		ok(tcpk__cert_parse(&c, d.b, d.n, NULL) == 0 &&
		    c.not_before == times[i].v && c.not_after == times[i].v,
		    "%s is %lld", times[i].text, (long long)c.not_before);
	}
	t = text(0x17, "700101000000Z");
	for (i = 0; i < sizeof(bad_times) / sizeof(bad_times[0]); i++) {
		d = text(bad_times[i].tag, bad_times[i].text);
		p.validity = wrap(0x30, join(t, d));
		verdict(&p, "validity", bad_times[i].text);
		p.validity = wrap(0x30, join(d, t));
		verdict(&p, "validity", bad_times[i].text);
	}
	p.validity = wrap(0x30, t);
	verdict(&p, "validity", "one time");
	p.validity = wrap(0x30, join(join(t, t), t));
	verdict(&p, "validity", "three times");
}

/* Signature algorithms, the contents of their identifiers. */
static const struct {
	const char	*name, *hex;
	bool		 weak;
} signatures[] = {
	{ "md2WithRSA", "06092a864886f70d0101020500", true },
	{ "md5WithRSA", "06092a864886f70d0101040500", true },
	{ "sha1WithRSA", "06092a864886f70d0101050500", true },
	{ "sha256WithRSA", "06092a864886f70d01010b0500", false },
	{ "ecdsa-with-SHA1", "06072a8648ce3d0401", true },
	{ "ecdsa-with-SHA384", "06082a8648ce3d040303", false },
	{ "sha1WithRSA of OIW", "06052b0e03021d", true },
	{ "Ed25519", "06032b6570", false },
	{ "RSA-PSS as it comes", "06092a864886f70d01010a3000", true },
	{ "RSA-PSS without parameters", "06092a864886f70d01010a", true },
	{ "RSA-PSS, SHA-1", "06092a864886f70d01010a300d"
	    "a00b300906052b0e03021a0500", true },
	{ "RSA-PSS, SHA-256", "06092a864886f70d01010a3011"
	    "a00f300d06096086480165030402010500", false },
};

static void
test_signatures(void)
{
	struct parts		p = usual();
	struct tcpk__cert	c;
	struct der		d;
	size_t			i;

	for (i = 0; i < sizeof(signatures) / sizeof(signatures[0]); i++) {
		p.inner = p.outer = wrap(0x30, hex(signatures[i].hex));
		d = whole(&p);
		ok(tcpk__cert_parse(&c, d.b, d.n, NULL) == 0 &&
		    c.sha1 == signatures[i].weak, "%s is%s weak",
		    signatures[i].name, signatures[i].weak ? "" : " not");
	}
}

static void
test_keys(void)
{
	struct tcpk__cert	c;
	struct parts		p = usual();
	struct der		d = whole(&p);
	char			buf[32];

	ok(tcpk__cert_parse(&c, d.b, d.n, NULL) == 0 &&
	    c.key_type == TCPK__KEY_EC && c.key_bits == 256 &&
	    c.key.n == 65 && c.key.p[0] == 4 && c.curve.n == 8 &&
	    c.spki.n == p.key.n && memcmp(c.spki.p, p.key.b, p.key.n) == 0 &&
	    c.issuer.n == p.issuer.n && c.serial.n == 1, "a key on P-256");
	p.key = hex("301b300d06092a864886f70d0101010500030a00"
	    "3007020200c3020103");
	d = whole(&p);
	ok(tcpk__cert_parse(&c, d.b, d.n, NULL) == 0 &&
	    c.key_type == TCPK__KEY_RSA && c.key_bits == 8 && c.key.n == 1 &&
	    c.key.p[0] == 0xc3 && c.curve.p == NULL, "a key for RSA");
	p.key = hex("301a300d06092a864886f70d0101010500030900"
	    "3006020117020103");
	d = whole(&p);
	tcpk__cert_parse(&c, d.b, d.n, NULL);
	tcpk__key_format(&c, buf, sizeof(buf));
	ok(strcmp(buf, "RSA 5") == 0, "%s", buf);
	/* A curve that is written out is not looked into. */
	p.key = hex("3012300b06072a8648ce3d0201300003030004aa");
	d = whole(&p);
	ok(tcpk__cert_parse(&c, d.b, d.n, NULL) == 0 &&
	    c.key_type == TCPK__KEY_OTHER && c.key.p == NULL,
	    "a curve that is written out");
	tcpk__key_format(&c, buf, sizeof(buf));
	ok(strcmp(buf, "EC") == 0, "%s", buf);
	p.key = hex("3011300b06072a8648ce3d020106002a030200040500");
	verdict(&p, "public key", "a curve without a name");
	p.key = hex("300b300406022a03030300aabb");
	d = whole(&p);
	ok(tcpk__cert_parse(&c, d.b, d.n, NULL) == 0 &&
	    c.key_type == TCPK__KEY_OTHER && c.key_bits == 0, "another kind");
	tcpk__key_format(&c, buf, sizeof(buf));
	ok(strcmp(buf, "1.2.3") == 0, "%s", buf);
}

int
main(void)
{
	test_strict();
	test_extensions();
	test_times();
	test_signatures();
	test_keys();
	return done_testing();
}
