#include <sys/stat.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tls_key_impl.h"

/* Far more than any chain, so that no other kind of file fills memory. */
#define FILE_MAX	(1 << 20)

struct object {
	char			 label[40];
	bool			 encrypted;
	unsigned		 line;
	const unsigned char	*der;
	size_t			 n;
};

struct file {
	const char	*name;
	struct object	*objects;
	size_t		 n;
	unsigned char	*der;		/* of all objects */
	size_t		 room;
};

static bool
is_cert(const struct object *o)
{
	return strcmp(o->label, "CERTIFICATE") == 0 ||
	    strcmp(o->label, "X509 CERTIFICATE") == 0;
}

static bool
is_key(const struct object *o)
{
	static const char	what[] = "PRIVATE KEY";
	size_t			n = strlen(o->label), m = sizeof(what) - 1;

	return n >= m && strcmp(o->label + n - m, what) == 0;
}

static size_t
count(const struct file *f, bool (*is)(const struct object *))
{
	size_t	i, n = 0;

	for (i = 0; i < f->n; i++)
		n += is(&f->objects[i]);
	return n;
}

static void
wipe_file(struct file *f)
{
	if (f->der != NULL)
		explicit_bzero(f->der, f->room);
	free(f->der);
	free(f->objects);
}

static int
no_memory(struct tcpk_err *err)
{
	return tcpk_err_set(err, TCPK_EIO, "out of memory");
}

static int
add_object(struct file *f, const struct tcpk__pem_object *o,
    const unsigned char *der)
{
	struct object	*objects;

	objects = reallocarray(f->objects, f->n + 1, sizeof(*objects));
	if (objects == NULL)
		return -1;
	f->objects = objects;
	objects += f->n++;
	memset(objects, 0, sizeof(*objects));
	memcpy(objects->label, o->label, sizeof(objects->label));
	objects->encrypted = o->encrypted;
	objects->line = o->line;
	objects->der = der;
	objects->n = o->n;
	return 0;
}

static int
split(struct file *f, const char *text, size_t n, struct tcpk_err *err)
{
	struct tcpk__pem	 pem;
	struct tcpk__pem_object	 o;
	unsigned char		*to;
	int			 r;

	/* Base64 that has been decoded makes place for what it became. */
	f->room = TCPK__PEM_ROOM(n);
	if ((to = f->der = malloc(f->room)) == NULL)
		return no_memory(err);
	tcpk__pem_init(&pem, text, n);
	while ((r = tcpk__pem_next(&pem, &o, to, err)) == 1) {
		if (add_object(f, &o, to) == -1)
			return no_memory(err);
		to += o.n;
	}
	if (r == -1)
		return tcpk_err_wrap(err, "%s", f->name);
	if (f->n == 0 && n > 1 && text[0] == 0x30 && (text[1] & 0x80) != 0)
		return tcpk_err_set(err, TCPK_EUSAGE, "%s: this is DER or "
		    "PKCS#12; convert it to PEM, with openssl", f->name);
	return 0;
}

static int
read_file(struct file *f, const char *name, struct tcpk_err *err)
{
	char	*text;
	size_t	 n;
	int	 r;

	f->name = name;
	if ((text = tcpk__file_read(name, FILE_MAX, &n, err)) == NULL)
		return -1;
	r = split(f, text, n, err);
	explicit_bzero(text, n);
	free(text);
	return r;
}

/* Each label once: a bundle may have hundreds of objects. */
static int
lacks(const struct file *f, const char *what, struct tcpk_err *err)
{
	char	list[160];
	size_t	i, j, at = 0;

	list[0] = '\0';
	for (i = 0; i < f->n && at < sizeof(list); i++) {
		for (j = 0; strcmp(f->objects[j].label,
		    f->objects[i].label) != 0; j++)
			continue;
		if (j < i)
			continue;
		at += snprintf(list + at, sizeof(list) - at, "%s%s",
		    at == 0 ? "" : ", ", f->objects[i].label);
	}
	if (f->n == 0)
		return tcpk_err_set(err, TCPK_EUSAGE, "%s: holds no %s, nor "
		    "any other PEM object", f->name, what);
	return tcpk_err_set(err, TCPK_EUSAGE, "%s: holds no %s; its objects "
	    "are: %s", f->name, what, list);
}

static int
check_files(const struct file *cert, const struct file *key,
    struct tcpk_err *err)
{
	bool	no_cert = count(cert, is_cert) == 0;
	bool	no_key = count(key, is_key) == 0;

	if (no_cert && no_key && count(cert, is_key) > 0 &&
	    count(key, is_cert) > 0)
		return tcpk_err_set(err, TCPK_EUSAGE, "%s holds the key and "
		    "%s the certificate: they are swapped", cert->name,
		    key->name);
	if (no_cert)
		return lacks(cert, "certificate", err);
	if (no_key)
		return lacks(key, "private key", err);
	return 0;
}

static struct tcpk__cert *
parse_certs(const struct file *f, size_t *n, struct tcpk_err *err)
{
	struct tcpk__cert	*certs;
	const struct object	*o;
	struct tcpk_err		 why;
	size_t			 i;

	*n = 0;
	certs = reallocarray(NULL, count(f, is_cert), sizeof(*certs));
	if (certs == NULL) {
		no_memory(err);
		return NULL;
	}
	for (i = 0; i < f->n; i++) {
		o = &f->objects[i];
		if (!is_cert(o))
			continue;
		if (tcpk__cert_parse(&certs[(*n)++], o->der, o->n, &why)
		    == -1) {
			tcpk_err_set(err, TCPK_EUSAGE, "%s: line %u: %s",
			    f->name, o->line, why.text);
			free(certs);
			return NULL;
		}
	}
	return certs;
}

static int
decode_key(struct tcpk__key *key, const struct file *f,
    const struct object *o, struct tcpk_err *err)
{
	if (o->encrypted || strcmp(o->label, "ENCRYPTED PRIVATE KEY") == 0)
		return tcpk_err_set(err, TCPK_EUSAGE, "%s: the key is "
		    "encrypted; decrypt it first: openssl pkey -in %s -out "
		    "PLAIN", f->name, f->name);
	if (tcpk__key_decode(key, o->label, o->der, o->n, err) == -1)
		return tcpk_err_wrap(err, "%s", f->name);
	return 0;
}

/* The first key that fits a certificate, and the order of those; or 0, -1. */
static int
match(struct tcpk__key *key, const struct file *f, size_t *order,
    const struct tcpk__cert *certs, size_t n, struct tcpk_err *err)
{
	size_t	i;
	int	r;

	for (i = 0; i < f->n; i++) {
		if (!is_key(&f->objects[i]))
			continue;
		if (decode_key(key, f, &f->objects[i], err) == -1)
			return -1;
		if ((r = tcpk__chain_order(order, certs, n, key, err)) > 0)
			return r;
		tcpk__key_wipe(key);
		if (r == -1)
			return tcpk_err_wrap(err, "%s", f->name);
	}
	return 0;
}

static int
adopt(struct tcpk__identity *id, const struct tcpk__cert *certs,
    const size_t *order, size_t n, struct tcpk_err *err)
{
	const struct tcpk__span	*der;
	br_x509_certificate	*c;

	if ((id->chain = calloc(n, sizeof(*id->chain))) == NULL)
		return no_memory(err);
	for (; id->nchain < n; id->nchain++) {
		c = &id->chain[id->nchain];
		der = &certs[order[id->nchain]].der;
		if ((c->data = malloc(der->n)) == NULL)
			return no_memory(err);
		memcpy(c->data, der->p, der->n);
		c->data_len = der->n;
	}
	/* BearSSL asks for RSA or EC, for static ECDH: it is never used. */
	id->issuer_key = tcpk__chain_signer(&certs[order[0]]);
	if (id->issuer_key == 0)
		id->issuer_key = BR_KEYTYPE_RSA;
	return tcpk__cert_parse(&id->leaf, id->chain[0].data,
	    id->chain[0].data_len, err);
}

static struct tcpk__identity *
build(const struct file *cert, const struct file *key,
    const struct tcpk__cert *certs, size_t n, struct tcpk_err *err)
{
	struct tcpk__identity	*id;
	size_t			*order;
	int			 r;

	order = reallocarray(NULL, n, sizeof(*order));
	if (order == NULL || (id = calloc(1, sizeof(*id))) == NULL) {
		free(order);
		no_memory(err);
		return NULL;
	}
	r = match(&id->key, key, order, certs, n, err);
	if (r == 0)
		r = cert == key ? tcpk_err_set(err, TCPK_EUSAGE, "%s: its "
		    "key does not fit its certificate%s", key->name,
		    n == 1 ? "" : "s") :
		    tcpk_err_set(err, TCPK_EUSAGE, "%s: the key does not fit "
		    "%s in %s", key->name, n == 1 ? "the certificate" :
		    "any certificate", cert->name);
	if (r > 0)
		r = adopt(id, certs, order, (size_t)r, err);
	free(order);
	if (r == 0)
		return id;
	tcpk__identity_free(id);
	return NULL;
}

static void
warn_mode(const char *file, void (*warn)(void *, const char *), void *arg)
{
	struct stat	st;
	char		text[1024];

	if (stat(file, &st) == -1 || !S_ISREG(st.st_mode) ||
	    (st.st_mode & (S_IRGRP | S_IROTH)) == 0)
		return;
	snprintf(text, sizeof(text), "%s: others can read this key (mode "
	    "%04o); chmod 600 %s", file, (unsigned)(st.st_mode & 07777),
	    file);
	warn(arg, text);
}

static void
warn_dates(const char *file, const struct tcpk__identity *id,
    void (*warn)(void *, const char *), void *arg)
{
	struct tcpk__cert	 c;
	struct tm		 tm;
	time_t			 now = time(NULL), t;
	char			 text[1024], whose[256], day[32];
	size_t			 i;

	for (i = 0; i < id->nchain; i++) {
		if (tcpk__cert_parse(&c, id->chain[i].data,
		    id->chain[i].data_len, NULL) == -1 ||
		    (c.not_before <= now && now <= c.not_after))
			continue;
		t = (time_t)(now < c.not_before ? c.not_before :
		    c.not_after);
		if (gmtime_r(&t, &tm) == NULL ||
		    strftime(day, sizeof(day), "%Y-%m-%d", &tm) == 0)
			continue;
		tcpk__dn_format(c.subject, whose, sizeof(whose));
		snprintf(text, sizeof(text), "%s: the certificate%s%s %s %s",
		    file, i == 0 ? "" : " of ", i == 0 ? "" : whose,
		    now < c.not_before ? "is not valid before" :
		    "has expired on", day);
		warn(arg, text);
	}
}

struct tcpk__identity *
tcpk__identity_load(const char *cert_file, const char *key_file,
    void (*warn)(void *arg, const char *text), void *arg,
    struct tcpk_err *err)
{
	struct file		 cert, other, *key = &cert;
	struct tcpk__cert	*certs = NULL;
	struct tcpk__identity	*id = NULL;
	size_t			 n;

	memset(&cert, 0, sizeof(cert));
	memset(&other, 0, sizeof(other));
	/* Once: it may be a pipe. */
	if (key_file != NULL && strcmp(cert_file, key_file) != 0)
		key = &other;
	if (read_file(&cert, cert_file, err) == 0 &&
	    (key == &cert || read_file(key, key_file, err) == 0) &&
	    check_files(&cert, key, err) == 0 &&
	    (certs = parse_certs(&cert, &n, err)) != NULL)
		id = build(&cert, key, certs, n, err);
	if (id != NULL && warn != NULL) {
		warn_mode(key->name, warn, arg);
		warn_dates(cert_file, id, warn, arg);
	}
	free(certs);
	wipe_file(&cert);
	wipe_file(&other);
	return id;
}

void
tcpk__identity_free(struct tcpk__identity *id)
{
	size_t	i;

	if (id == NULL)
		return;
	for (i = 0; i < id->nchain; i++)
		free(id->chain[i].data);
	free(id->chain);
	tcpk__key_wipe(&id->key);
	free(id);
}
