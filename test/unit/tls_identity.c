/*
 * tls_identity: certificates and keys from files in every form they come in,
 * the order of a chain, what is refused and what is warned of.
 */

#include "openssl.h"
#include "tls_identity_impl.h"

static char	warned[4][512];
static int	warnings;

static void
on_warn(void *arg, const char *text)
{
	(void)arg;
	if (warnings < 4)
		snprintf(warned[warnings], sizeof(warned[0]), "%s", text);
	warnings++;
}

static struct tcpk__identity *
load(const char *cert, const char *key, struct tcpk_err *err)
{
	tcpk_err_clear(err);
	warnings = 0;
	memset(warned, 0, sizeof(warned));
	return tcpk__identity_load(cert, key, on_warn, NULL, err);
}

/* Would a peer that has the certificate accept what the key signs? */
static bool
signs(const struct tcpk__identity *id)
{
	br_x509_decoder_context	 x;
	br_x509_pkey		*pk;
	unsigned char		 hash[32], out[32], sig[512];
	size_t			 n;

	memset(hash, warnings + 17, sizeof(hash));
	br_x509_decoder_init(&x, NULL, NULL);
	br_x509_decoder_push(&x, id->chain[0].data, id->chain[0].data_len);
	if ((pk = br_x509_decoder_get_pkey(&x)) == NULL)
		return false;
	if (id->key.type == TCPK__KEY_EC) {
		n = br_ecdsa_i31_sign_asn1(br_ec_get_default(),
		    &br_sha256_vtable, hash, &id->key.ec, sig);
		return n > 0 && pk->key_type == BR_KEYTYPE_EC &&
		    br_ecdsa_i31_vrfy_asn1(br_ec_get_default(), hash,
		    sizeof(hash), &pk->key.ec, sig, n) == 1;
	}
	n = (id->key.rsa.n_bitlen + 7) / 8;
	return br_rsa_i31_pkcs1_sign(BR_HASH_OID_SHA256, hash, sizeof(hash),
	    &id->key.rsa, sig) == 1 && pk->key_type == BR_KEYTYPE_RSA &&
	    br_rsa_i31_pkcs1_vrfy(sig, n, BR_HASH_OID_SHA256, sizeof(hash),
	    &pk->key.rsa, out) == 1 && memcmp(hash, out, sizeof(out)) == 0;
}

/* Loads, with a chain of that many, and signs. */
static void
good(const char *cert, const char *key, size_t nchain, const char *what)
{
	struct tcpk_err		 err;
	struct tcpk__identity	*id = load(cert, key, &err);

	ok(id != NULL && id->nchain == nchain && signs(id) && warnings == 0 &&
	    id->leaf.der.p == id->chain[0].data, "%s: %s%s", what,
	    id == NULL ? err.text : "loaded", warned[0]);
	tcpk__identity_free(id);
}

/*
 * Refused, as what cannot be read or is wrong, and the reason has all of that
 * in it, and ends with a NULL.
 */
static void
bad(const char *cert, const char *key, ...)
{
	struct tcpk_err		 err;
	struct tcpk__identity	*id = load(cert, key, &err);
	const char		*word;
	va_list			 ap;
	bool			 all = true;

	va_start(ap, key);
	while ((word = va_arg(ap, const char *)) != NULL)
		all = all && strstr(err.text, word) != NULL;
	va_end(ap);
	ok(id == NULL && all && err.kind == (err.code != 0 ? TCPK_EIO :
	    TCPK_EUSAGE), "refused: %s", err.text);
	tcpk__identity_free(id);
	ok(tcpk__identity_load(cert, key, NULL, NULL, NULL) == NULL,
	    "without err as well");
}

static void
make_key(const char *name, const char *how)
{
	make("openssl genpkey -quiet -out %s.key %s", name, how);
	make("openssl req -x509 -key %s.key -subj /CN=%s -days 30 -out "
	    "%s.crt", name, name, name);
}

static void
test_forms(void)
{
	static const struct {
		const char	*name, *how;
	} kinds[] = {
		{ "rsa2048", "-algorithm RSA -pkeyopt rsa_keygen_bits:2048" },
		{ "rsa3072", "-algorithm RSA -pkeyopt rsa_keygen_bits:3072" },
		{ "rsa4096", "-algorithm RSA -pkeyopt rsa_keygen_bits:4096" },
		{ "p256", "-algorithm EC -pkeyopt ec_paramgen_curve:P-256" },
		{ "p384", "-algorithm EC -pkeyopt ec_paramgen_curve:P-384" },
		{ "p521", "-algorithm EC -pkeyopt ec_paramgen_curve:P-521" },
	};
	char		cert[32], what[64];
	const char	*k;
	size_t		i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		k = kinds[i].name;
		make_key(k, kinds[i].how);
		snprintf(cert, sizeof(cert), "%s.crt", k);
		make("cp %s.key k; chmod 600 k", k);
		snprintf(what, sizeof(what), "%s, PKCS#8", k);
		good(cert, "k", 1, what);
		make("openssl pkey -in %s.key -traditional -out k", k);
		snprintf(what, sizeof(what), "%s, its own form", k);
		good(cert, "k", 1, what);
	}
	make("(openssl ecparam -name prime256v1; openssl pkey -in p256.key "
	    "-traditional) > k");
	good("p256.crt", "k", 1, "EC PARAMETERS in front");
	make("openssl ec -in p256.key -no_public -out k");
	good("p256.crt", "k", 1, "EC without the public key");
	make("cat rsa2048.key p256.key > k");
	good("p256.crt", "k", 1, "the second of two keys");
	make("(umask 077; cat p256.crt p256.key > both)");
	good("both", NULL, 1, "both in one file, the key last");
	make("cat p256.key p256.crt > both");
	good("both", "both", 1, "both in one file, the key first");
	make("sed 's/$/\r/' both > crlf; chmod 600 crlf");
	good("crlf", NULL, 1, "CRLF");
	make("(umask 077; printf %%s \"$(cat both)\" > nonl)");
	good("nonl", NULL, 1, "no newline at the end");
	make("(umask 077; printf %%s \"$(cat crlf)\" > nonl)");
	good("nonl", NULL, 1, "nor with CRLF");
	make("(umask 077; openssl x509 -in p256.crt -text > text;"
	    "echo Bag Attributes >> text; cat p256.key >> text)");
	good("text", NULL, 1, "with text between");
	make("sed 's/ CERTIFICATE/ X509 CERTIFICATE/' both > text");
	good("text", NULL, 1, "an old label");
}

static void
issue(const char *name, const char *by, const char *subject, const char *how,
    bool ca)
{
	make("test -e %s.key || openssl genpkey -quiet -out %s.key %s", name,
	    name, how);
	make("openssl req -new -key %s.key -subj '%s' -out csr && printf "
	    "'basicConstraints=critical,CA:%s\n' > ext && openssl x509 -req "
	    "-in csr -CA %s.crt -CAkey %s.key -CAcreateserial -days 30 "
	    "-extfile ext -out %s.crt", name, subject, ca ? "TRUE" : "FALSE",
	    by, by, name);
}

/* Every order of five certificates; the last one has nothing to do here. */
static int
shuffle(char *const text[5], const char *key)
{
	static const char	*const want[3] = { "leaf", "mid2", "mid1" };
	struct tcpk__identity	*id;
	struct tcpk__cert	 c;
	struct tcpk_err		 err;
	char			 all[16384], dn[64], cn[64];
	int			 k, n, i, at[5], failed = 0;

	for (k = 0; k < 3125; k++) {
		unsigned	seen = 0;

		for (n = k, i = 0; i < 5; i++, n /= 5)
			seen |= 1u << (at[i] = n % 5);
		if (seen != 0x1f)
			continue;
		for (all[0] = '\0', i = 0; i < 5; i++)
			strcat(all, text[at[i]]);
		write_file("bundle", all, strlen(all));
		if ((id = load("bundle", key, &err)) == NULL ||
		    id->nchain != 3) {
			note("%d %s", k, id == NULL ? err.text : "length");
			failed++;
		}
		for (i = 0; id != NULL && i < (int)id->nchain && i < 3; i++) {
			tcpk__cert_parse(&c, id->chain[i].data,
			    id->chain[i].data_len, NULL);
			tcpk__dn_format(c.subject, dn, sizeof(dn));
			snprintf(cn, sizeof(cn), "CN=%s", want[i]);
			failed += strcmp(dn, cn) != 0;
		}
		tcpk__identity_free(id);
	}
	return failed;
}

static void
test_chain(void)
{
	static const char *const names[] = { "leaf", "mid2", "mid1",
	    "rsa2048", "p384" };
	const char		*ec = "-algorithm EC -pkeyopt "
				    "ec_paramgen_curve:P-256";
	struct tcpk__identity	*id;
	struct tcpk_err		 err;
	char			*text[5], file[32];
	size_t			 i, n;

	issue("mid1", "rsa2048", "/CN=mid1", ec, true);
	issue("mid2", "mid1", "/CN=mid2", ec, true);
	issue("leaf", "mid2", "/CN=leaf", ec, false);
	for (i = 0; i < 5; i++) {
		snprintf(file, sizeof(file), "%s.crt", names[i]);
		text[i] = contents(file, &n);
	}
	i = shuffle(text, "leaf.key");
	ok(i == 0, "120 orders of one bundle");
	for (i = 0; i < 5; i++)
		free(text[i]);
	make("cat leaf.crt mid1.crt > bundle");
	good("bundle", "leaf.key", 1, "an issuer that is missing");
	make("cat mid1.crt rsa2048.crt > bundle");
	id = load("bundle", "mid1.key", &err);
	ok(id != NULL && id->nchain == 1 &&
	    id->issuer_key == BR_KEYTYPE_RSA && id->key.type == TCPK__KEY_EC,
	    "signed by RSA, without its root");
	tcpk__identity_free(id);
	/* The same name, another key; each signed one of the leaves. */
	issue("mid3", "mid1", "/CN=mid2", ec, true);
	issue("leaf3", "mid3", "/CN=leaf3", ec, false);
	make("cat mid2.crt mid3.crt leaf3.crt > bundle");
	id = load("bundle", "leaf3.key", &err);
	text[0] = contents("mid3.crt", &n);
	ok(id != NULL && id->nchain == 2 && sh("openssl x509 -in mid3.crt "
	    "-outform der -out der") == 0, "two issuers of one name");
	free(text[0]);
	text[0] = contents("der", &n);
	ok(id != NULL && id->nchain == 2 && id->chain[1].data_len == n &&
	    memcmp(id->chain[1].data, text[0], n) == 0, "the one that signed");
	free(text[0]);
	tcpk__identity_free(id);
}

static void
test_refused(void)
{
	bool	root = geteuid() == 0;

	bad("nosuch.crt", NULL, "nosuch.crt: ", strerror(ENOENT), NULL);
	bad("p256.crt", "nosuch.key", "nosuch.key: ", strerror(ENOENT), NULL);
	bad(".", NULL, ".: ", strerror(EISDIR), NULL);
	make("cp p256.crt secret; chmod 0 secret");
	/* Root may read everything: be nobody for once. */
	if (root)
		root = seteuid(65534) == 0;
	bad("secret", NULL, "secret: ", strerror(EACCES), NULL);
	if (root && seteuid(0) == -1)
		exit(1);
	write_file("empty", "", 0);
	bad("empty", NULL, "empty: holds no certificate", NULL);
	bad("p256.key", NULL, "p256.key: holds no certificate; its objects "
	    "are: PRIVATE KEY", NULL);
	bad("p256.crt", NULL, "p256.crt: holds no private key; its objects "
	    "are: CERTIFICATE", NULL);
	bad("p256.crt", "p384.crt", "p384.crt: holds no private key", NULL);
	bad("p256.key", "p256.crt", "p256.key holds the key and p256.crt the "
	    "certificate", NULL);
	bad("p256.crt", "p384.key", "p384.key: the key does not fit the "
	    "certificate in p256.crt", NULL);
	bad("p256.crt", "mid1.key", "mid1.key: the key does not fit", NULL);
	bad("rsa2048.crt", "rsa3072.key", "the key does not fit", NULL);
	make("openssl genpkey -quiet -algorithm RSA -pkeyopt "
	    "rsa_keygen_bits:2048 -out other.key");
	bad("rsa2048.crt", "other.key", "the key does not fit", NULL);
	make("cat p256.crt p384.crt mid1.key > k");
	bad("k", NULL, "k: its key does not fit its certificates", NULL);
	bad("k", "p521.key", "does not fit any certificate in k", NULL);
	make("openssl pkey -in p256.key -aes128 -passout pass:x -out k");
	bad("p256.crt", "k", "k: the key is encrypted; decrypt it first: "
	    "openssl pkey -in k -out PLAIN", NULL);
	make("openssl pkey -in p256.key -traditional -aes128 -passout pass:x "
	    "-out k && grep -q Proc-Type k");
	bad("p256.crt", "k", "k: the key is encrypted; decrypt it first: "
	    "openssl pkey -in k -out PLAIN", NULL);
	make("openssl genpkey -quiet -algorithm ED25519 -out k");
	bad("p256.crt", "k", "k: an Ed25519 key is not supported", "P-256",
	    NULL);
	make("openssl genpkey -quiet -algorithm RSA -pkeyopt "
	    "rsa_keygen_bits:1024 -out k");
	bad("p256.crt", "k", "k: an RSA key of 1024 bits is too small", NULL);
	make("openssl genpkey -quiet -algorithm RSA-PSS -pkeyopt "
	    "rsa_keygen_bits:2048 -out k");
	bad("p256.crt", "k", "k: an RSA-PSS key is not supported", NULL);
	make("openssl genpkey -quiet -algorithm EC -pkeyopt "
	    "ec_paramgen_curve:secp256k1 -out k");
	bad("p256.crt", "k", "k: an EC key on the curve secp256k1", NULL);
	make("openssl pkey -in k -traditional -out k2");
	bad("p256.crt", "k2", "k2: an EC key on the curve secp256k1", NULL);
	make("openssl ecparam -name prime256v1 -genkey -param_enc explicit "
	    "-out k");
	bad("p256.crt", "k", "k: the EC key spells out the parameters of its "
	    "curve", NULL);
	make("openssl pkey -in k -out k2");
	bad("p256.crt", "k2", "k2: the EC key spells out", NULL);
	make("sed 's/ PRIVATE/ DSA PRIVATE/' p256.key > k");
	bad("p256.crt", "k", "k: a DSA key is not supported", NULL);
	make("sed 's/ PRIVATE/ OPENSSH PRIVATE/' p256.key > k");
	bad("p256.crt", "k", "k: this is a key of OpenSSH", NULL);
	make("sed '3s/./!/' p256.key > k");
	bad("p256.crt", "k", "k: line 3: ", NULL);
	make("sed '$d' p256.crt > c");
	bad("c", "p256.key", "c: line 1: ", NULL);
	make("openssl x509 -in p256.crt -outform der -out c");
	bad("c", "p256.key", "c: ", "DER", "PEM", NULL);
	make("(echo one; echo two; sed 's/^MII/MIA/' rsa2048.crt) > c");
	bad("c", "rsa2048.key", "c: line 3: malformed certificate", NULL);
	make("(echo -----BEGIN PRIVATE KEY-----; echo MAMCAQA=; "
	    "echo -----END PRIVATE KEY-----) > k");
	bad("p256.crt", "k", "k: malformed private key", NULL);
}

static void
test_warnings(void)
{
	static const char *const dates[][3] = {
		{ "past", "20200101000000Z", "20210203000000Z" },
		{ "future", "21000405000000Z", "21010101000000Z" },
	};
	struct tcpk__identity	*id;
	struct tcpk_err		 err;
	size_t			 i;

	make("cp p256.key k; chmod 0644 k");
	id = load("p256.crt", "k", &err);
	ok(id != NULL && warnings == 1 && strcmp(warned[0], "k: others can "
	    "read this key (mode 0644); chmod 600 k") == 0, "%s", warned[0]);
	tcpk__identity_free(id);
	make("chmod 0640 k");
	id = load("p256.crt", "k", &err);
	ok(id != NULL && warnings == 1 && strstr(warned[0], "mode 0640") !=
	    NULL, "%s", warned[0]);
	tcpk__identity_free(id);
	id = tcpk__identity_load("p256.crt", "k", NULL, NULL, &err);
	ok(id != NULL, "nobody has to hear of it");
	tcpk__identity_free(id);
	make("chmod 0600 k");
	make("printf '[ca]\ndefault_ca=d\n[d]\ndatabase=db\n"
	    "new_certs_dir=.\nserial=serial\ndefault_md=sha256\npolicy=p\n"
	    "unique_subject=no\n[p]\ncommonName=supplied\n' > cnf");
	make("touch db; echo 01 > serial; openssl req -new -key p256.key "
	    "-subj /CN=dated -out csr");
	for (i = 0; i < 2; i++)
		make("openssl ca -config cnf -batch -notext -selfsign "
		    "-keyfile p256.key -in csr -startdate %s -enddate %s -out "
		    "%s.crt", dates[i][1], dates[i][2], dates[i][0]);
	id = load("past.crt", "k", &err);
	ok(id != NULL && warnings == 1 && strcmp(warned[0], "past.crt: the "
	    "certificate has expired on 2021-02-03") == 0, "%s", warned[0]);
	tcpk__identity_free(id);
	id = load("future.crt", "k", &err);
	ok(id != NULL && warnings == 1 && strcmp(warned[0], "future.crt: the "
	    "certificate is not valid before 2100-04-05") == 0, "%s",
	    warned[0]);
	tcpk__identity_free(id);
	make("cat past.crt future.crt p256.crt > c");
	good("c", "k", 1, "of three for one key the one that is valid");
	make("openssl ca -config cnf -batch -notext -cert rsa2048.crt "
	    "-keyfile rsa2048.key -in csr -startdate %s -enddate %s -out "
	    "mid4.crt", dates[0][1], dates[0][2]);
	make("cp p256.key dated.key; cp mid4.crt dated.crt");
	issue("leaf4", "dated", "/CN=leaf4", "-algorithm EC -pkeyopt "
	    "ec_paramgen_curve:P-256", false);
	make("cat leaf4.crt mid4.crt > c");
	id = load("c", "leaf4.key", &err);
	ok(id != NULL && id->nchain == 2 && warnings == 1 &&
	    strcmp(warned[0], "c: the certificate of CN=dated has expired on "
	    "2021-02-03") == 0, "%s", warned[0]);
	tcpk__identity_free(id);
}

int
main(void)
{
	make_dir();
	if (no_openssl())
		return done_testing();
	test_forms();
	test_chain();
	test_refused();
	test_warnings();
	tcpk__identity_free(NULL);
	return done_testing();
}
