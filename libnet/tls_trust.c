#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tls_path_impl.h"

/* Whose key the engine is given. */
enum key { NO_KEY, KEY_OF_MINIMAL, KEY_OF_DECODER };

struct decoder {
	br_x509_decoder_context	ctx;
	unsigned char		tail[256];
};

struct tcpk__verify {
	const br_x509_class		*vtable;	/* first, for BearSSL */
	const struct tcpk__trust	*trust;
	/* As it comes; at is an offset, as the bytes may move. */
	unsigned char			*bytes;
	size_t				 used;
	struct {
		size_t			 at, n, got;
	} raw[TCPK__CHAIN_CERTS];
	size_t				 nraw;
	bool				 skip;	/* what goes on coming */
	struct tcpk__verdict		 flaw;	/* of what came */
	/* As it is judged. */
	struct tcpk__cert		 certs[TCPK__CHAIN_CERTS];
	bool				 legible;	/* the leaf is */
	struct tcpk__verdict		 verdict;
	enum key			 key;
	union {
		struct tcpk__minimal	 minimal;
		struct decoder		 decoder;
	} u;
};

/* That the first member is where its object is, is what BearSSL builds on. */
static struct tcpk__verify *
self(const br_x509_class **x)
{
	return (struct tcpk__verify *)(void *)x;
}

static void
reset(struct tcpk__verify *v)
{
	free(v->bytes);
	v->bytes = NULL;
	v->used = 0;
	v->nraw = 0;
	v->skip = false;
	v->legible = false;
	v->key = NO_KEY;
	memset(&v->flaw, 0, sizeof(v->flaw));
	/* Who has shown nothing is not trusted. */
	TCPK__REFUSE(&v->verdict, BR_ERR_X509_EMPTY_CHAIN,
	    "no certificate was presented");
}

static void
start_chain(const br_x509_class **x, const char *name)
{
	/* It is the name that is asked for; trust has the one to verify. */
	(void)name;
	reset(self(x));
}

/* Room for one more of n bytes; -1 and why not. */
static int
make_room(struct tcpk__verify *v, size_t n)
{
	unsigned char	*more;

	if (v->nraw == TCPK__CHAIN_CERTS)
		return TCPK__REFUSE(&v->flaw, TCPK__X509_LIMIT,
		    "more than %d certificates", TCPK__CHAIN_CERTS);
	if (n > TCPK__CHAIN_EACH)
		return TCPK__REFUSE(&v->flaw, TCPK__X509_LIMIT,
		    "a certificate of %zu bytes is too large (%d at most)",
		    n, TCPK__CHAIN_EACH);
	if (n > TCPK__CHAIN_BYTES - v->used)
		return TCPK__REFUSE(&v->flaw, TCPK__X509_LIMIT,
		    "certificates of more than %d bytes in all",
		    TCPK__CHAIN_BYTES);
	if (n == 0)
		return TCPK__REFUSE(&v->flaw, TCPK__X509_MALFORMED,
		    "malformed certificate: there is nothing in it");
	more = realloc(v->bytes, v->used + n);
	if (more == NULL) {
		v->flaw.code = TCPK__X509_NO_MEMORY;
		return tcpk_err_set(&v->flaw.err, TCPK_EIO, "out of memory");
	}
	v->bytes = more;
	return 0;
}

static void
start_cert(const br_x509_class **x, uint32_t n)
{
	struct tcpk__verify	*v = self(x);

	/* After the first flaw nothing is kept, nor is it said again. */
	if (v->flaw.code == 0 && make_room(v, n) == -1)
		v->skip = true;
	if (v->skip)
		return;
	v->raw[v->nraw].at = v->used;
	v->raw[v->nraw].n = n;
	v->raw[v->nraw].got = 0;
	v->nraw++;
	v->used += n;
}

static void
append(const br_x509_class **x, const unsigned char *p, size_t n)
{
	struct tcpk__verify	*v = self(x);
	size_t			 i = v->nraw - 1;

	if (v->skip || v->nraw == 0 || n > v->raw[i].n - v->raw[i].got)
		return;
	memcpy(v->bytes + v->raw[i].at + v->raw[i].got, p, n);
	v->raw[i].got += n;
}

static void
end_cert(const br_x509_class **x)
{
	struct tcpk__verify	*v = self(x);

	if (v->skip || v->nraw == 0 ||
	    v->raw[v->nraw - 1].got == v->raw[v->nraw - 1].n)
		return;
	v->skip = true;
	v->nraw--;
	TCPK__REFUSE(&v->flaw, TCPK__X509_MALFORMED,
	    "malformed certificate: it is cut short");
}

static int
parse(struct tcpk__verify *v, size_t i, struct tcpk__verdict *verdict)
{
	verdict->code = TCPK__X509_MALFORMED;
	return tcpk__cert_parse(&v->certs[i], v->bytes + v->raw[i].at,
	    v->raw[i].n, &verdict->err);
}

static int
check_pins(struct tcpk__verify *v)
{
	const struct tcpk__trust	*trust = v->trust;
	unsigned char			 pin[TCPK__PIN];
	char				 text[TCPK__PIN_TEXT];
	size_t				 i;

	if (trust->npins == 0 && !trust->pin_only)
		return 0;
	tcpk__pin_of(&v->certs[0], pin);
	for (i = 0; i < trust->npins; i++)
		if (memcmp(trust->pins[i], pin, sizeof(pin)) == 0)
			return 0;
	return TCPK__REFUSE(&v->verdict, TCPK__X509_PIN,
	    "the key's pin %s is not the one asked for",
	    tcpk__pin_format(pin, text));
}

static int
check_trust(struct tcpk__verify *v)
{
	const struct tcpk__trust	*trust = v->trust;
	int64_t				 now = trust->now;
	size_t				 i;

	if (v->flaw.code != 0) {
		v->verdict = v->flaw;
		return -1;
	}
	for (i = 1; i < v->nraw; i++)
		if (parse(v, i, &v->verdict) == -1)
			return -1;
	if (now == 0)
		now = time(NULL);
	if (tcpk__path_find(&v->u.minimal, trust, now, v->certs, v->nraw,
	    &v->verdict) == -1)
		return -1;
	return trust->client ? 0 :
	    tcpk__path_name(&v->certs[0], trust->name, &v->verdict);
}

/* The key of a leaf that is not asked to be trusted. */
static int
decode_key(struct tcpk__verify *v)
{
	br_x509_decoder_context	*d = &v->u.decoder.ctx;
	char			 key[48];

	br_x509_decoder_init(d, NULL, NULL);
	/* In one call: pushed again after an error it would run on. */
	br_x509_decoder_push(d, v->certs[0].der.p, v->certs[0].der.n);
	if (br_x509_decoder_get_pkey(d) != NULL) {
		v->key = KEY_OF_DECODER;
		return 0;
	}
	tcpk__key_format(&v->certs[0], key, sizeof(key));
	return TCPK__REFUSE(&v->verdict, BR_ERR_X509_UNSUPPORTED,
	    "a key of this kind is not supported (%s)", key);
}

static void
trust_it(struct tcpk__verify *v)
{
	v->verdict.code = 0;
	tcpk_err_clear(&v->verdict.err);
}

/* 0: the handshake may go on, whatever the verdict is. */
static int
judge(struct tcpk__verify *v)
{
	if (v->nraw == 0) {
		if (v->flaw.code != 0)
			v->verdict = v->flaw;
		return -1;
	}
	/* Also with insecure, which has to say whom it lets through. */
	if (parse(v, 0, &v->verdict) == -1)
		return -1;
	v->legible = true;
	if (check_pins(v) == -1)
		return -1;
	if (v->trust->pin_only) {
		if (decode_key(v) == -1)
			return -1;
		trust_it(v);
		return 0;
	}
	if (check_trust(v) == 0) {
		v->key = KEY_OF_MINIMAL;
		trust_it(v);
		return 0;
	}
	return v->trust->insecure ? decode_key(v) : -1;
}

static unsigned
end_chain(const br_x509_class **x)
{
	struct tcpk__verify	*v = self(x);

	return judge(v) == 0 ? 0 : v->verdict.code;
}

static const br_x509_pkey *
get_pkey(const br_x509_class *const *x, unsigned *usages)
{
	const struct tcpk__verify	*v = (const void *)x;
	const br_x509_class *const	*inner = &v->u.minimal.ctx.vtable;
	br_x509_decoder_context		*d;

	switch (v->key) {
	case KEY_OF_MINIMAL:
		return (*inner)->get_pkey(inner, usages);
	case KEY_OF_DECODER:
		/* BearSSL has no const here; it does not write to it. */
		d = (br_x509_decoder_context *)(uintptr_t)&v->u.decoder.ctx;
		/* Nothing is asked of the leaf, nor is what it is for. */
		if (usages != NULL)
			*usages = BR_KEYTYPE_KEYX | BR_KEYTYPE_SIGN;
		return br_x509_decoder_get_pkey(d);
	case NO_KEY:
		break;
	}
	return NULL;
}

static const br_x509_class	vtable = {
	sizeof(struct tcpk__verify),
	start_chain,
	start_cert,
	append,
	end_cert,
	end_chain,
	get_pkey
};

struct tcpk__verify *
tcpk__verify_new(const struct tcpk__trust *trust)
{
	struct tcpk__verify	*v = calloc(1, sizeof(*v));

	if (v == NULL)
		return NULL;
	v->vtable = &vtable;
	v->trust = trust;
	reset(v);
	return v;
}

void
tcpk__verify_free(struct tcpk__verify *v)
{
	if (v == NULL)
		return;
	free(v->bytes);
	free(v);
}

const br_x509_class **
tcpk__verify_x509(struct tcpk__verify *v)
{
	return &v->vtable;
}

const struct tcpk_err *
tcpk__verify_err(const struct tcpk__verify *v)
{
	return &v->verdict.err;
}

unsigned
tcpk__verify_alert(const struct tcpk__verify *v)
{
	switch (v->verdict.code) {
	case BR_ERR_X509_NOT_TRUSTED:
	case BR_ERR_X509_NOT_CA:
		return 48;	/* unknown_ca */
	case BR_ERR_X509_EXPIRED:
		return 45;	/* certificate_expired, or not yet valid */
	case BR_ERR_X509_UNSUPPORTED:
	case BR_ERR_X509_LIMIT_EXCEEDED:
	case BR_ERR_X509_CRITICAL_EXTENSION:
	case TCPK__X509_LIMIT:
		return 43;	/* unsupported_certificate */
	case BR_ERR_X509_BAD_SERVER_NAME:
	case BR_ERR_X509_FORBIDDEN_KEY_USAGE:
	case BR_ERR_X509_WEAK_PUBLIC_KEY:
	case TCPK__X509_PIN:
	case TCPK__X509_WEAK_HASH:
	case TCPK__X509_PURPOSE:
	case TCPK__X509_CONSTRAINTS:
		return 46;	/* certificate_unknown */
	case TCPK__X509_NO_MEMORY:
		return 80;	/* internal_error */
	default:
		return 42;	/* bad_certificate */
	}
}

const struct tcpk__cert *
tcpk__verify_cert(const struct tcpk__verify *v)
{
	return v->legible ? &v->certs[0] : NULL;
}
