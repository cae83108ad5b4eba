/*
 * tls_trust: whole chains, good and bad, put through the X.509 class as the
 * engine does it, and what becomes of them compared with what openssl says
 * to the same; pins; limits; files of authorities; damage of any kind.
 */

#include "tls_trust_cases.h"
#include "tls_trust_help.h"

/* Does openssl, at its strictest, take the same?  "ca.list" is there. */
static int
openssl_takes(const struct chain_case *c)
{
	const char	*host = c->host == NULL ? "good.test" : c->host;
	const char	*others = strchr(c->chain, ' ');
	unsigned char	 ip[16];
	char		 how[128] = "-purpose sslclient";

	if ((c->flags & CLIENT) == 0)
		snprintf(how, sizeof(how), "-purpose sslserver "
		    "-verify_%s %s", tcpk__host_ip(host, ip) != 0 ? "ip" :
		    "hostname", host);
	make(": >others.list; for i in %s; do cat $i.pem "
	    ">>others.list; done", others == NULL ? "" : others);
	return sh("openssl verify -x509_strict -auth_level 2 -attime %lld %s "
	    "-no-CApath -CAfile ca.list %s %.*s.pem", (long long)NOW, how,
	    others == NULL ? "" : "-untrusted others.list",
	    (int)strcspn(c->chain, " "), c->chain) == 0;
}

static void
test_case(const struct chain_case *c)
{
	struct chain		 chain = load(c->chain);
	struct tcpk__anchors	*a = authorities(c->ca);
	struct tcpk__trust	 trust = {
		.anchors = a,
		.client = (c->flags & CLIENT) != 0,
		.name = c->host == NULL ? "good.test" : c->host,
		.now = NOW,
	};
	struct tcpk__verify	*v = tcpk__verify_new(&trust);
	const struct tcpk_err	*err = tcpk__verify_err(v);
	char			 what[128], text[sizeof(err->text)];
	unsigned		 code, usages = 0;
	int			 good, theirs;

	snprintf(what, sizeof(what), "%.40s | %s | %s", c->chain, c->ca,
	    trust.client ? "client" : trust.name);
	code = present(v, &chain);
	snprintf(text, sizeof(text), "%s", err->text);
	good = code == 0;
	if (c->alert == 0)
		ok(good && err->kind == TCPK_OK && err->text[0] == '\0' &&
		    right_key(v, &usages) && (usages & BR_KEYTYPE_SIGN) != 0,
		    "%s: accepted%s%s", what, good ? "" : ", or not: ", text);
	else
		ok(code >= 32 && code < 256 && no_key(v) &&
		    err->kind == TCPK_ETLS &&
		    strstr(text, c->refusal) != NULL &&
		    tcpk__verify_alert(v) == c->alert, "%s: %u, alert %u: %s",
		    what, code, tcpk__verify_alert(v), text);

	theirs = openssl_takes(c);
	ok((theirs != good) == (c->differs != NULL), "openssl %s it%s%s",
	    theirs ? "takes" : "refuses", c->differs == NULL ? "" : ": ",
	    c->differs == NULL ? "" : c->differs);

	/* With insecure all passes, and the doubt is the same. */
	trust.insecure = true;
	code = present(v, &chain);
	if ((c->flags & NO_KEY) != 0)
		ok(code != 0 && err->kind == TCPK_ETLS && no_key(v),
		    "not even with insecure: %s", err->text);
	else
		ok(code == 0 && right_key(v, &usages) &&
		    (usages & BR_KEYTYPE_SIGN) != 0 &&
		    strcmp(text, err->text) == 0, "insecure takes it");
	tcpk__verify_free(v);
	tcpk__anchors_free(a);
	unload(&chain);
}

/* What comes of it with these pins, and of whom. */
static void
pinned(const char *names, const char *ca, struct tcpk__trust trust,
    unsigned alert, const char *refusal)
{
	struct chain		 c = load(names);
	struct tcpk__anchors	*a = authorities(ca);
	struct tcpk__verify	*v;
	unsigned		 code, usages;
	const struct tcpk_err	*err;

	trust.anchors = a;
	if (trust.name == NULL)
		trust.name = "good.test";
	trust.now = NOW;
	v = tcpk__verify_new(&trust);
	code = present(v, &c);
	err = tcpk__verify_err(v);
	ok((code == 0) == (alert == 0) && (alert == 0 ? right_key(v, &usages) :
	    no_key(v) && tcpk__verify_alert(v) == alert) &&
	    (refusal == NULL ? err->kind == TCPK_OK : err->kind == TCPK_ETLS &&
	    strstr(err->text, refusal) != NULL), "%s%s%s: %s: %s", names,
	    trust.insecure ? ", insecure" : "",
	    trust.pin_only ? ", by its pin only" : "",
	    code == 0 ? "accepted" : "refused", err->text);
	tcpk__verify_free(v);
	tcpk__anchors_free(a);
	unload(&c);
}

static void
test_pins(void)
{
	struct chain		c = load("good int");
	struct tcpk__cert	leaf, inter;
	unsigned char		pins[3][TCPK__PIN];
	char			text[TCPK__PIN_TEXT], wrong[128];
	struct tcpk__trust	t = {
		.pins = (const unsigned char (*)[TCPK__PIN])pins,
	};

	if (tcpk__cert_parse(&leaf, c.der[0], c.len[0], NULL) == -1 ||
	    tcpk__cert_parse(&inter, c.der[1], c.len[1], NULL) == -1)
		note("they should be whole");
	tcpk__pin_of(&inter, pins[0]);
	memset(pins[1], 7, TCPK__PIN);
	tcpk__pin_of(&leaf, pins[2]);
	snprintf(wrong, sizeof(wrong), "the key's pin %s is not the one "
	    "asked for", tcpk__pin_format(pins[2], text));
	t.npins = 3;
	pinned("good int", "root", t, 0, NULL);
	pinned("good int", "stranger", t, 48, "is not trusted");
	pinned("other int", "root", t, 46, "certificate is not for");
	t.npins = 2;
	pinned("good int", "root", t, 46, wrong);
	t.insecure = true;
	pinned("good int", "root", t, 46, wrong);
	t.npins = 3;
	pinned("good int", "stranger", t, 0, "is not trusted");
	pinned("expired", "root", t, 0, "is not trusted");
	t.insecure = false;
	t.pin_only = true;
	pinned("good int", "stranger", t, 0, NULL);
	pinned("other", "root", t, 0, NULL);
	pinned("expired", "root", t, 0, NULL);
	pinned("good garbage", "root", t, 0, NULL);
	pinned("garbage good", "root", t, 42, "malformed certificate");
	pinned("strange", "root", t, 0, NULL);
	pinned("leaf_p384", "root", t, 46, "is not the one asked for");
	t.npins = 2;
	pinned("good int", "root", t, 46, wrong);
	t.insecure = true;
	pinned("good int", "root", t, 46, wrong);
	t.npins = 0;
	pinned("good int", "root", t, 46, wrong);
	unload(&c);
}

/* Chains that only a program makes. */
static void
test_odd(void)
{
	static unsigned char	 some[100];
	struct tcpk__anchors	*a = authorities("root root_long");
	struct tcpk__trust	 t = { .anchors = a, .name = "good.test" };
	struct tcpk__verify	*v = tcpk__verify_new(&t);
	const br_x509_class	**x = tcpk__verify_x509(v);
	const struct tcpk_err	*err = tcpk__verify_err(v);
	struct chain		 c = load("long int_long"), none = { .n = 0 };
	size_t			 whole, second;

	ok(err->kind == TCPK_ETLS && tcpk__verify_cert(v) == NULL &&
	    no_key(v), "before anything has come: %s", err->text);
	ok(present(v, &c) == 0 && err->kind == TCPK_OK &&
	    tcpk__verify_cert(v) != NULL, "by the clock of today: %s",
	    err->text);
	(*x)->start_chain(x, NULL);
	ok(err->kind == TCPK_ETLS && tcpk__verify_cert(v) == NULL &&
	    no_key(v), "another chain begins from nothing");
	ok(present(v, &none) == BR_ERR_X509_EMPTY_CHAIN, "an empty chain: %s",
	    err->text);

	whole = c.len[0];
	c.len[0] = 0;
	ok(present(v, &c) != 0 && tcpk__verify_alert(v) == 42,
	    "an empty certificate: %s", err->text);
	c.len[0] = whole - 1;
	ok(present(v, &c) != 0 && tcpk__verify_alert(v) == 42,
	    "one that is cut: %s", err->text);
	c.len[0] = whole;
	second = c.len[1];
	c.len[1] = 0;
	t.insecure = true;
	ok(present(v, &c) == 0 && err->kind == TCPK_ETLS,
	    "insecure looks at the leaf alone: %s", err->text);
	t.insecure = false;

	/* Not so much, or more, than was said; the engine never does. */
	(*x)->start_chain(x, NULL);
	(*x)->append(x, some, sizeof(some));
	(*x)->end_cert(x);
	(*x)->start_cert(x, sizeof(some));
	(*x)->append(x, some, sizeof(some) / 2);
	(*x)->append(x, some, sizeof(some));
	(*x)->end_cert(x);
	(*x)->append(x, some, sizeof(some));
	ok((*x)->end_chain(x) != 0, "of another length: %s", err->text);
	(*x)->start_chain(x, NULL);
	(*x)->start_cert(x, UINT32_MAX);
	(*x)->append(x, some, sizeof(some));
	(*x)->end_cert(x);
	ok((*x)->end_chain(x) != 0, "of 4 GiB: %s", err->text);

	t.name = NULL;
	c.len[1] = second;
	ok(present(v, &c) != 0 && err->kind == TCPK_ETLS, "no name: %s",
	    err->text);
	tcpk__verify_free(v);
	tcpk__verify_free(NULL);
	tcpk__anchors_free(a);
	unload(&c);
}

/* Whatever is changed in a chain, it is refused; and nothing breaks. */
static void
test_mutations(const char *names, const char *ca, int times)
{
	struct chain		 c = load(names);
	struct tcpk__anchors	*a = authorities(ca);
	struct tcpk__trust	 t = {
		.anchors = a, .name = "good.test", .now = NOW
	};
	struct tcpk__verify	*v = tcpk__verify_new(&t);
	unsigned char		*p, was;
	int			 i, taken = 0, wrong = 0;

	ok(present(v, &c) == 0, "%s: %s", names, tcpk__verify_err(v)->text);
	for (i = 0; i < times; i++) {
		p = c.der[i % c.n] + rnd((unsigned)c.len[i % c.n]);
		was = *p;
		*p ^= (unsigned char)(1u << rnd(8));
		if (i % 3 == 0)
			*p = (unsigned char)rnd(256);
		t.insecure = false;
		taken += present(v, &c) == 0 && *p != was;
		t.insecure = true;
		if (present(v, &c) == 0)
			wrong += no_key(v);
		*p = was;
	}
	ok(taken == 0 && wrong == 0, "%d changes: %d accepted, %d without a "
	    "key", times, taken, wrong);
	tcpk__verify_free(v);
	tcpk__anchors_free(a);
	unload(&c);
}

static void
not_loaded(const char *file, const char *reason)
{
	struct tcpk_err		 err;
	struct tcpk__anchors	*a = tcpk__anchors_load(file, &err);

	ok(a == NULL && err.kind == (err.code != 0 ? TCPK_EIO : TCPK_EUSAGE) &&
	    strstr(err.text, reason) != NULL &&
	    strncmp(err.text, file, strlen(file)) == 0, "%s", err.text);
	tcpk__anchors_free(a);
	ok(tcpk__anchors_load(file, NULL) == NULL, "without err as well");
}

static void
test_files(void)
{
	struct tcpk__anchors	*a;
	struct chain		 root;
	struct tcpk__cert	 c;
	struct tcpk__span	 s;
	char			*text;
	size_t			 n, i;

	not_loaded("not-there", "No such file");
	make("cp r.key key.list; : >empty.list; cp garbage.pem g.list; "
	    "sed 's/^M/*/' root.pem >bad.list; echo hello >hello.list; "
	    "openssl x509 -in root.pem -trustout -out trusted.list");
	not_loaded("empty.list", "no certificate");
	not_loaded("hello.list", "no certificate");
	not_loaded("key.list", "no certificate");
	not_loaded("trusted.list", "no certificate");
	not_loaded("g.list", "no certificate that can be read");
	not_loaded("bad.list", "line 2");

	make("cat r.key garbage.pem trusted.list root.pem int.pem root.pem "
	    "stranger.pem | sed 's/$/\r/' >mixed.pem");
	a = authorities("mixed");
	ok(tcpk__anchors_count(a) == 3, "what is there, once: %zu",
	    tcpk__anchors_count(a));
	root = load("root");
	tcpk__cert_parse(&c, root.der[0], root.len[0], NULL);
	for (n = 0, i = 0; i < tcpk__anchors_count(a); i++) {
		s = tcpk__anchors_subject(a, i);
		n += s.n == c.subject.n &&
		    memcmp(s.p, c.subject.p, s.n) == 0;
	}
	ok(n == 1, "the root by its name");
	unload(&root);
	tcpk__anchors_free(a);
	tcpk__anchors_free(NULL);
	ok(tcpk__anchors_count(NULL) == 0, "of none there are none");

	/* Damage to the file of authorities. */
	text = contents("root.pem", &n);
	for (i = 0; i < 300; i++) {
		text[rnd((unsigned)n)] = (char)(i % 2 == 0 ? rnd(256) :
		    'A' + rnd(26));
		write_file("damaged.list", text, n);
		if (i % 20 == 19) {
			free(text);
			text = contents("root.pem", &n);
		}
		tcpk__anchors_free(tcpk__anchors_load("damaged.list", NULL));
	}
	free(text);
	ok(1, "damaged files");
}

int
main(void)
{
	const char	*src = getenv("TCPKIT_SRC");
	char		*script;
	size_t		 i;

	script = realpath(src == NULL ? "." : src, NULL);
	make_dir();
	if (no_openssl())
		return done_testing();
	if (sh("sh %s/test/unit/pki.sh .", script) != 0) {
		ok(0, "certificates are made");
		if (system("tail pki.log out | sed 's/^/# /'") != 0)
			note("and nothing said");
		return done_testing();
	}
	free(script);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		test_case(&cases[i]);
	test_pins();
	test_odd();
	test_mutations("good int", "root", 2000);
	test_mutations("leaf_rsa2048 int_rsa2048", "root_rsa2048", 300);
	test_files();
	return done_testing();
}
