/*
 * tls_key: private keys from DER that is not as it should be.  Those that
 * are good come from files, in tls_identity.
 */

#include "openssl.h"
#include "tls_derwrite_impl.h"
#include "tls_key_impl.h"

#define MUTATIONS	500	/* of each of six */

/* Room for the longest of them; exactly as long when it is given away. */
static unsigned char	buf[16384];

static int
decode(struct tcpk__key *key, const char *label, const void *p, size_t n,
    struct tcpk_err *err)
{
	unsigned char	*der = malloc(n + !n);
	int		 r;

	memcpy(der, p, n);
	tcpk_err_clear(err);
	r = tcpk__key_decode(key, label, der, n, err);
	free(der);
	return r;
}

static void
bad(const char *label, const void *p, size_t n, const char *why,
    const char *what)
{
	struct tcpk__key key;
	struct tcpk_err	 err;

	ok(decode(&key, label, p, n, &err) == -1 && err.kind == TCPK_EUSAGE &&
	    strstr(err.text, why) != NULL && key.secret == NULL, "%s: %s",
	    what, err.text);
}

/* An INTEGER of that many bytes, all of them the same. */
static void
put_number(struct tcpk__derw *w, int byte, size_t n)
{
	unsigned char	number[2048];

	memset(number, byte, n);
	tcpk__derw_put(w, DER_INTEGER, number, n);
}

/* An RSA key with numbers of these sizes: n, e, d, p, q, dp, dq, iq. */
static size_t
make_rsa(const size_t sizes[8])
{
	struct tcpk__derw	w = { buf, sizeof(buf), 0, false };
	size_t			i;

	put_number(&w, 0, 1);
	for (i = 0; i < 8; i++)
		put_number(&w, 0x7f, sizes[i]);
	tcpk__derw_close(&w, 0, DER_SEQUENCE);
	return w.n;
}

static size_t
make_ec(int byte, size_t n)
{
	static const unsigned char	p256[] = { DER_OID, 8, 0x2a, 0x86,
	    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
	struct tcpk__derw		w = { buf, sizeof(buf), 0, false };
	unsigned char			x[2048];

	memset(x, byte, n);
	put_number(&w, 1, 1);
	tcpk__derw_put(&w, DER_OCTETS, x, n);
	tcpk__derw_put(&w, DER_EXPLICIT(0), p256, sizeof(p256));
	tcpk__derw_close(&w, 0, DER_SEQUENCE);
	return w.n;
}

/* How far behind its own end BearSSL's decoder writes for what is in buf. */
static size_t
overrun(size_t n)
{
	struct {
		br_skey_decoder_context	ctx;
		unsigned char		tail[128];
	}	d;
	size_t	i = sizeof(d.tail);

	memset(d.tail, 0xa5, sizeof(d.tail));
	br_skey_decoder_init(&d.ctx);
	br_skey_decoder_push(&d.ctx, buf, n);
	while (i > 0 && d.tail[i - 1] == 0xa5)
		i--;
	return i;
}

/*
 * BearSSL 0.6 takes 1560 bytes where it has room for 1536.  No sanitizer
 * looks into the library; that the tail we leave it is long enough is seen
 * from what happens to one like it.
 */
static void
test_overflow(void)
{
	static const size_t	sizes[][8] = {
		{ 257, 3, 256, 312, 312, 312, 312, 312 },
		{ 257, 3, 256, 1560, 0, 0, 0, 0 },
		{ 257, 3, 256, 1, 1559, 1, 1, 1 },
		{ 257, 3, 256, 1559, 1, 1, 1, 1 },
		{ 257, 3, 256, 128, 128, 128, 128, 1048 },
		{ 257, 3, 256, 128, 128, 128, 128, 2000 },
		{ 257, 3, 1560, 129, 129, 129, 129, 129 },
		{ 257, 3, 1561, 129, 129, 129, 129, 129 },
		{ 257, 1560, 256, 129, 129, 129, 129, 129 },
	};
	char		what[64];
	size_t		i, n, over, most = 0;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		n = make_rsa(sizes[i]);
		over = overrun(n);
		most = over > most ? over : most;
		snprintf(what, sizeof(what), "RSA that overruns by %zu", over);
		bad("RSA PRIVATE KEY", buf, n, "", what);
	}
	for (i = 1536; i < 1568; i += 8) {
		n = make_ec(0x55, i);
		over = overrun(n);
		most = over > most ? over : most;
		snprintf(what, sizeof(what), "EC that overruns by %zu", over);
		bad("EC PRIVATE KEY", buf, n, "", what);
	}
	ok(most <= 64, "at most %zu bytes behind the decoder's end", most);
}

static void
test_sizes(void)
{
	static const size_t	small[8] = { 128, 3, 128, 64, 64, 64, 64, 64 };
	static const size_t	large[8] = { 640, 3, 640, 320, 320, 320, 320,
	    320 };
	static const size_t	uneven[8] = { 512, 3, 512, 300, 212, 300, 212,
	    300 };
	static const size_t	least[8] = { 512, 3, 512, 256, 256, 0, 256,
	    256 };
	static const size_t	short_p[8] = { 512, 3, 512, 128, 128, 128, 128,
	    128 };
	static const unsigned char	v2[] = { 0x30, 6, 2, 1, 1, 2, 1, 5 };
	struct tcpk__key		key;
	struct tcpk_err			err;
	size_t				order[1], n;

	bad("RSA PRIVATE KEY", buf, make_rsa(small), "1023 bits is too small",
	    "RSA 1023");
	bad("RSA PRIVATE KEY", buf, make_rsa(large), "5119 bits is too large",
	    "RSA 5119");
	bad("RSA PRIVATE KEY", buf, make_rsa(uneven), "damaged",
	    "primes of different sizes");
	bad("RSA PRIVATE KEY", buf, make_rsa(least), "", "an empty number");
	bad("RSA PRIVATE KEY", buf, make_rsa(short_p), "damaged",
	    "primes that do not make up the modulus");
	bad("RSA PRIVATE KEY", v2, sizeof(v2), "more than two primes",
	    "three primes");
	bad("EC PRIVATE KEY", buf, make_ec(0, 32), "damaged", "EC, zero");
	bad("EC PRIVATE KEY", buf, make_ec(0x55, 33), "damaged", "33 bytes");
	n = make_ec(0xff, 32);
	ok(decode(&key, "EC PRIVATE KEY", buf, n, &err) == 0 &&
	    tcpk__chain_order(order, NULL, 0, &key, &err) == -1 &&
	    strstr(err.text, "cannot sign") != NULL &&
	    err.kind == TCPK_EUSAGE, "above the order of the curve: %s",
	    err.text);
	tcpk__key_wipe(&key);
	ok(key.secret == NULL && key.secret_len == 0 && key.ec.x == NULL,
	    "wiped");
	tcpk__key_wipe(&key);
	n = make_ec(1, 32);
	buf[n] = 0;
	bad("EC PRIVATE KEY", buf, n + 1, "malformed", "a byte behind it");
	bad("EC PRIVATE KEY", buf, n - 1, "malformed", "a byte too few");
	bad("EC PRIVATE KEY", buf, 0, "malformed", "nothing");
	ok(decode(&key, "EC PRIVATE KEY", buf, n, &err) == 0 &&
	    key.secret_len == 32 && key.ec.curve == BR_EC_secp256r1,
	    "and just right");
	tcpk__key_wipe(&key);
}

static uint32_t
dice(uint32_t below)
{
	static uint32_t	x = 2463534242u;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return x % below;
}

/* The key mutated, in buf; how long it is then. */
static size_t
mutate(const unsigned char *der, size_t n)
{
	uint32_t	times = 1 + dice(3), at, by;

	memcpy(buf, der, n);
	while (times-- > 0) {
		at = dice((uint32_t)n);
		by = dice(2) == 0 ? dice(8) : dice((uint32_t)n);
		switch (dice(6)) {
		case 0:
			buf[at] ^= 1u << dice(8);
			break;
		case 1:
			buf[at] = (unsigned char)dice(256);
			break;
		case 2:		/* where the lengths are */
			buf[dice(n < 40 ? (uint32_t)n : 40)] += dice(5) - 2;
			break;
		case 3:
			n = at + 1;
			break;
		case 4:
			if (n + by > sizeof(buf) / 2)
				break;
			memmove(buf + at + by, buf + at, n - at);
			n += by;
			break;
		default:
			if (at + by >= n)
				break;
			memmove(buf + at, buf + at + by, n - at - by);
			n -= by;
		}
	}
	return n;
}

static void
try_mutations(const char *label, const char *file, struct tcpk__cert *cert)
{
	struct tcpk__key key;
	struct tcpk_err	 err;
	unsigned char	*der;
	size_t		 n, m, order[1];
	int		 i, taken = 0, fit = 0, wrong = 0, r;

	der = (unsigned char *)contents(file, &n);
	for (i = 0; i < MUTATIONS; i++) {
		m = mutate(der, n);
		if (decode(&key, label, buf, m, &err) == -1) {
			wrong += err.kind != TCPK_EUSAGE ||
			    err.text[0] == '\0' || key.secret != NULL;
			continue;
		}
		taken++;
		r = tcpk__chain_order(order, cert, 1, &key, &err);
		fit += r == 1;
		wrong += r > 1 || (r == -1 && err.kind != TCPK_EUSAGE);
		tcpk__key_wipe(&key);
	}
	ok(wrong == 0, "%s, %d mutations: %d read, %d fit", file, i, taken,
	    fit);
	ok(decode(&key, label, der, n, &err) == 0 &&
	    tcpk__chain_order(order, cert, 1, &key, &err) == 1 &&
	    order[0] == 0, "without them it fits");
	tcpk__key_wipe(&key);
	free(der);
}

static void
test_mutations(const char *name, const char *label, const char *how)
{
	struct tcpk__cert	 cert;
	unsigned char		*der;
	char			 file[32];
	size_t			 n;

	make("openssl genpkey -quiet -out %s %s", name, how);
	make("openssl req -x509 -key %s -subj /CN=x -days 30 -outform der "
	    "-out %s.crt", name, name);
	make("openssl pkey -in %s -traditional -out k; sed /-----/d k | "
	    "openssl base64 -d -out %s.old", name, name);
	make("sed /-----/d %s | openssl base64 -d -out %s.new", name, name);
	snprintf(file, sizeof(file), "%s.crt", name);
	der = (unsigned char *)contents(file, &n);
	ok(tcpk__cert_parse(&cert, der, n, NULL) == 0, "certificate");
	snprintf(file, sizeof(file), "%s.old", name);
	try_mutations(label, file, &cert);
	snprintf(file, sizeof(file), "%s.new", name);
	try_mutations("PRIVATE KEY", file, &cert);
	free(der);
}

int
main(void)
{
	make_dir();
	test_overflow();
	test_sizes();
	if (no_openssl())
		return done_testing();
	test_mutations("rsa", "RSA PRIVATE KEY", "-algorithm RSA -pkeyopt "
	    "rsa_keygen_bits:2048");
	test_mutations("p256", "EC PRIVATE KEY", "-algorithm EC -pkeyopt "
	    "ec_paramgen_curve:P-256");
	test_mutations("p521", "EC PRIVATE KEY", "-algorithm EC -pkeyopt "
	    "ec_paramgen_curve:P-521");
	return done_testing();
}
