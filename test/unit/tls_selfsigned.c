/*
 * tls_selfsigned: the certificate made for one run, as we, BearSSL and
 * openssl see it; and the DER it is written in.
 */

#include <time.h>

#include "openssl.h"
#include "tls_derwrite_impl.h"
#include "tls_identity_impl.h"

#define YEAR	(365 * 86400)

static const char *const	names[] = {
	"localhost", "127.0.0.1", "2001:db8::1", "*.example.org", "under_score"
};
#define NAMES	(sizeof(names) / sizeof(names[0]))

static void
test_lengths(void)
{
	static const size_t	sizes[] = { 0, 1, 127, 128, 255, 256, 65535,
	    65536 };
	static unsigned char	buf[70000], what[65536];
	struct tcpk__derw	w = { buf, sizeof(buf), 0, false };
	struct tcpk__span	in, out;
	size_t			i, at;
	bool			right;

	memset(what, 0x5a, sizeof(what));
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		w.n = 0;
		tcpk__derw_put(&w, DER_OCTETS, what, sizes[i]);
		in = (struct tcpk__span){ buf, w.n };
		right = tcpk__der_get(&in, DER_OCTETS, &out) && in.n == 0 &&
		    out.n == sizes[i];
		w.n = 0;
		at = tcpk__derw_open(&w);
		tcpk__derw_raw(&w, what, sizes[i]);
		tcpk__derw_close(&w, at, DER_SEQUENCE);
		in = (struct tcpk__span){ buf, w.n };
		ok(right && !w.full && tcpk__der_get(&in, DER_SEQUENCE, &out)
		    && in.n == 0 && out.n == sizes[i] &&
		    memcmp(out.p, what, out.n) == 0, "%zu bytes in an element",
		    sizes[i]);
	}
	w = (struct tcpk__derw){ buf, 10, 0, false };
	buf[10] = 99;
	tcpk__derw_put(&w, DER_OCTETS, what, 8);
	ok(!w.full && w.n == 10, "just fits");
	tcpk__derw_close(&w, 0, DER_SEQUENCE);
	ok(w.full && buf[10] == 99, "no room for a header");
	w.n = 0;
	tcpk__derw_raw(&w, what, 1);
	ok(w.full && w.n == 0, "and it stays so");
	w = (struct tcpk__derw){ buf, 10, 0, false };
	tcpk__derw_put(&w, DER_OCTETS, what, 9);
	ok(w.full && buf[10] == 99, "no room for the last byte");
}

static void
test_dates(void)
{
	static const struct {
		int64_t		 t;
		unsigned	 tag;
		const char	*text;
	} dates[] = {
		{ 0, DER_UTC_TIME, "700101000000Z" },
		{ -631152000, DER_UTC_TIME, "500101000000Z" },
		{ 1582934400, DER_UTC_TIME, "200229000000Z" },
		{ 2524607999, DER_UTC_TIME, "491231235959Z" },
		{ 2524608000, DER_TIME, "20500101000000Z" },
		{ 253402300799, DER_TIME, "99991231235959Z" },
	};
	unsigned char		buf[32];
	struct tcpk__derw	w;
	struct tcpk__span	in;
	int64_t			t;
	size_t			i;

	for (i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
		w = (struct tcpk__derw){ buf, sizeof(buf), 0, false };
		tcpk__derw_time(&w, dates[i].t);
		in = (struct tcpk__span){ buf, w.n };
		ok(!w.full && buf[0] == dates[i].tag && w.n == 2 +
		    strlen(dates[i].text) && memcmp(buf + 2, dates[i].text,
		    w.n - 2) == 0 && tcpk__der_time(&in, &t) &&
		    t == dates[i].t, "%s", dates[i].text);
	}
	w = (struct tcpk__derw){ buf, sizeof(buf), 0, false };
	tcpk__derw_time(&w, 253402300800);
	ok(w.full, "no year of five digits");
}

/* As its own authority, by the engine that will check it. */
static bool
bearssl_takes(const struct tcpk__identity *id, const char *name)
{
	br_x509_minimal_context	  m;
	br_x509_trust_anchor	  anchor;
	const br_x509_class	**x = &m.vtable;
	const br_x509_pkey	 *pk;
	unsigned		  usages = 0;

	memset(&anchor, 0, sizeof(anchor));
	anchor.dn.data = (unsigned char *)(uintptr_t)id->leaf.subject.p;
	anchor.dn.len = id->leaf.subject.n;
	anchor.pkey.key_type = BR_KEYTYPE_EC;
	anchor.pkey.key.ec.curve = BR_EC_secp256r1;
	anchor.pkey.key.ec.q = (unsigned char *)(uintptr_t)id->leaf.key.p;
	anchor.pkey.key.ec.qlen = id->leaf.key.n;
	br_x509_minimal_init_full(&m, &anchor, 1);
	(*x)->start_chain(x, name);
	(*x)->start_cert(x, (uint32_t)id->chain[0].data_len);
	(*x)->append(x, id->chain[0].data, id->chain[0].data_len);
	(*x)->end_cert(x);
	if ((*x)->end_chain(x) != 0)
		return false;
	pk = (*x)->get_pkey(x, &usages);
	return pk != NULL && (usages & BR_KEYTYPE_SIGN) != 0;
}

static bool
signs(const struct tcpk__identity *id)
{
	br_ec_public_key	pk;
	unsigned char		hash[32], sig[80];
	size_t			n;

	memset(hash, 7, sizeof(hash));
	pk.curve = BR_EC_secp256r1;
	pk.q = (unsigned char *)(uintptr_t)id->leaf.key.p;
	pk.qlen = id->leaf.key.n;
	n = br_ecdsa_i31_sign_asn1(br_ec_get_default(), &br_sha256_vtable,
	    hash, &id->key.ec, sig);
	return n > 0 && br_ecdsa_i31_vrfy_asn1(br_ec_get_default(), hash,
	    sizeof(hash), &pk, sig, n) == 1;
}

static void
test_contents(const struct tcpk__identity *id)
{
	const struct tcpk__cert	*c = &id->leaf;
	struct tcpk__identity	*other;
	char			 text[128];
	int64_t			 now = time(NULL);
	size_t			 i;

	ok(id->nchain == 1 && id->issuer_key == BR_KEYTYPE_EC &&
	    id->key.type == TCPK__KEY_EC && c->der.p == id->chain[0].data &&
	    c->der.n == id->chain[0].data_len, "an identity");
	ok(c->version == 3 && !c->ca && !c->sha1 && c->key_bits == 256 &&
	    c->usage == TCPK__KU_DIGITAL_SIGNATURE &&
	    c->ext_usage == (TCPK__EKU_SERVER | TCPK__EKU_CLIENT),
	    "for servers and clients, and no authority");
	ok(c->not_before > now - 3700 && c->not_before <= now - 3600 &&
	    c->not_after > now + YEAR - 100 && c->not_after <= now + YEAR,
	    "from an hour ago, for a year");
	tcpk__dn_format(c->subject, text, sizeof(text));
	ok(strcmp(text, "CN=localhost") == 0 &&
	    tcpk__span_equal(c->subject, c->issuer), "%s", text);
	ok(c->serial.n == 16 && c->serial.p[0] > 0 && c->serial.p[0] < 0x80,
	    "a serial number above 0");
	for (i = 0; i < NAMES; i++)
		ok(tcpk__cert_is_for(c, names[i][0] == '*' ? "a.example.org" :
		    names[i]), "for %s", names[i]);
	ok(!tcpk__cert_is_for(c, "example.org") &&
	    !tcpk__cert_is_for(c, "127.0.0.2"), "not for others");
	ok(bearssl_takes(id, "localhost") && bearssl_takes(id, NULL) &&
	    !bearssl_takes(id, "localhos"), "BearSSL takes it");
	ok(signs(id), "the key is that of the certificate");
	other = tcpk__identity_self_signed(names, NAMES, NULL);
	ok(other != NULL && !tcpk__span_equal(other->leaf.serial, c->serial)
	    && !tcpk__span_equal(other->leaf.key, c->key),
	    "no two have the same number or key");
	tcpk__identity_free(other);
}

/* "der" in the file, and what openssl has to say of it. */
static void
test_openssl(const struct tcpk__identity *id)
{
	unsigned char	pin[TCPK__PIN];
	char		text[TCPK__PIN_TEXT], *pem;
	size_t		n;

	write_file("der", id->chain[0].data, id->chain[0].data_len);
	make("openssl x509 -inform der -in der -out pem");
	ok(sh("openssl verify -x509_strict -check_ss_sig -CAfile pem pem") ==
	    0, "openssl takes it");
	ok(sh("openssl verify -CAfile pem -purpose sslserver "
	    "-verify_hostname localhost pem") == 0, "for a server's name");
	ok(sh("openssl verify -CAfile pem -purpose sslclient -verify_ip "
	    "2001:db8::1 pem") == 0, "for a client, for an address");
	ok(sh("openssl verify -CAfile pem -verify_hostname b.example.org pem")
	    == 0, "for a wildcard");
	ok(sh("openssl verify -CAfile pem -verify_hostname other pem") != 0 &&
	    sh("openssl verify -CAfile pem -verify_ip 127.0.0.2 pem") != 0,
	    "for nothing else");
	tcpk__pin_of(&id->leaf, pin);
	make("openssl x509 -in pem -noout -pubkey | openssl pkey -pubin "
	    "-outform der | openssl dgst -sha256 -binary | openssl base64 > "
	    "pin");
	pem = contents("pin", &n);
	tcpk__pin_format(pin, text);
	ok(n == 45 && strlen(text) == 8 + 44 &&
	    memcmp(text + 8, pem, 44) == 0, "%s", text);
	free(pem);
	if (sh("certtool --version") != 0)
		ok(1, "certtool reads it # SKIP no certtool here");
	else
		ok(sh("certtool -i --infile pem && ! grep -qi 'error\\|"
		    "warning\\|unknown' out") == 0, "certtool reads it");
}

static void
test_names(void)
{
	static const char *const bad[] = { "", "a b", "a\tb", "\xc3\xa9" };
	struct tcpk__identity	*id;
	struct tcpk_err		 err;
	const char		*many[200], *one;
	char			 name[256], text[128];
	size_t			 i;

	id = tcpk__identity_self_signed(NULL, 0, &err);
	ok(id != NULL && id->leaf.san.p == NULL && (tcpk__dn_format(
	    id->leaf.subject, text, sizeof(text)), strcmp(text,
	    "CN=tcpkit")) == 0, "without names");
	tcpk__identity_free(id);
	memset(name, 'n', sizeof(name));
	one = name;
	for (i = 64; i < 66; i++) {
		name[i] = '\0';
		id = tcpk__identity_self_signed(&one, 1, &err);
		ok(id != NULL && (tcpk__dn_format(id->leaf.subject, text,
		    sizeof(text)), strcmp(text + 3, i == 64 ? name :
		    "tcpkit")) == 0, "of %zu letters: %s", i, text);
		tcpk__identity_free(id);
		name[i] = 'n';
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(tcpk__identity_self_signed(&bad[i], 1, &err) == NULL &&
		    err.kind == TCPK_EUSAGE, "refused: %s", err.text);
	name[254] = '\0';
	ok(tcpk__identity_self_signed(&one, 1, &err) == NULL &&
	    err.kind == TCPK_EUSAGE, "too long");
	name[253] = '\0';
	id = tcpk__identity_self_signed(&one, 1, &err);
	ok(id != NULL, "the longest");
	tcpk__identity_free(id);
	for (i = 0; i < 200; i++)
		many[i] = name;
	ok(tcpk__identity_self_signed(many, 200, &err) == NULL &&
	    err.kind == TCPK_EUSAGE &&
	    strstr(err.text, "too many names") != NULL, "%s", err.text);
	id = tcpk__identity_self_signed(many, 50, &err);
	ok(id != NULL && id->leaf.san.n == 50 * 256, "fifty long names");
	tcpk__identity_free(id);
}

int
main(void)
{
	struct tcpk__identity	*id;
	struct tcpk_err		 err;

	make_dir();
	test_lengths();
	test_dates();
	test_names();
	id = tcpk__identity_self_signed(names, NAMES, &err);
	ok(id != NULL, "made%s", id == NULL ? err.text : "");
	if (id == NULL)
		return done_testing();
	test_contents(id);
	if (!no_openssl())
		test_openssl(id);
	tcpk__identity_free(id);
	return done_testing();
}
