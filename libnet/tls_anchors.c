#include <stdlib.h>
#include <string.h>

#include "tls_der_impl.h"
#include "tls_path_impl.h"

#define MAX_FILE	(16 * 1024 * 1024)

struct anchor {
	size_t			at;	/* in der, while loading */
	struct tcpk__span	der, subject;
};

struct tcpk__anchors {
	unsigned char	*der;		/* all certificates */
	size_t		 used;
	struct anchor	*list;		/* by subject, then by der */
	size_t		 n, room;
};

static bool
is_certificate(const struct tcpk__pem_object *o)
{
	return strcmp(o->label, "CERTIFICATE") == 0 ||
	    strcmp(o->label, "X509 CERTIFICATE") == 0;
}

/* As far as the subject and no further: whoever is asked for is read well. */
static bool
find_subject(struct tcpk__span in, struct tcpk__span *subject)
{
	struct tcpk__span	cert, to_sign, skipped;
	struct tcpk__tlv	t;

	if (!tcpk__der_get(&in, DER_SEQUENCE, &cert) ||
	    !tcpk__der_get(&cert, DER_SEQUENCE, &to_sign))
		return false;
	if (tcpk__der_is(&to_sign, DER_EXPLICIT(0)) &&
	    !tcpk__der_next(&to_sign, &t))
		return false;
	/* Serial number, algorithm, issuer, dates. */
	if (!tcpk__der_get(&to_sign, DER_INTEGER, &skipped) ||
	    !tcpk__der_get(&to_sign, DER_SEQUENCE, &skipped) ||
	    !tcpk__der_get(&to_sign, DER_SEQUENCE, &skipped) ||
	    !tcpk__der_get(&to_sign, DER_SEQUENCE, &skipped) ||
	    !tcpk__der_next(&to_sign, &t) || t.tag != DER_SEQUENCE)
		return false;
	*subject = t.whole;
	return true;
}

/* Length first: any order does. */
static int
compare(struct tcpk__span a, struct tcpk__span b)
{
	if (a.n != b.n)
		return a.n < b.n ? -1 : 1;
	return a.n == 0 ? 0 : memcmp(a.p, b.p, a.n);
}

static int
compare_anchors(const void *ap, const void *bp)
{
	const struct anchor	*a = ap, *b = bp;
	int			 c = compare(a->subject, b->subject);

	return c != 0 ? c : compare(a->der, b->der);
}

static int
add(struct tcpk__anchors *a, size_t n, struct tcpk_err *err)
{
	struct anchor	*more;
	size_t		 room;

	if (a->n == a->room) {
		room = a->room == 0 ? 16 : a->room * 2;
		more = realloc(a->list, room * sizeof(*more));
		if (more == NULL)
			return tcpk_err_set(err, TCPK_EIO, "out of memory");
		a->list = more;
		a->room = room;
	}
	a->list[a->n].at = a->used;
	a->list[a->n].der.n = n;
	a->n++;
	a->used += n;
	return 0;
}

static int
read_pem(struct tcpk__anchors *a, const char *text, size_t n,
    struct tcpk_err *err)
{
	struct tcpk__pem	 pem;
	struct tcpk__pem_object	 o;
	unsigned char		*fit;
	int			 r;

	a->der = malloc(TCPK__PEM_ROOM(n));
	if (a->der == NULL)
		return tcpk_err_set(err, TCPK_EIO, "out of memory");
	tcpk__pem_init(&pem, text, n);
	while ((r = tcpk__pem_next(&pem, &o, a->der + a->used, err)) == 1)
		if (is_certificate(&o) && add(a, o.n, err) == -1) {
			r = -1;
			break;
		}
	/* Whoever keeps all in one file keeps the private key there too. */
	explicit_bzero(a->der + a->used, TCPK__PEM_ROOM(n) - a->used);
	if (r == -1 || a->n == 0)
		return r == -1 ? -1 : tcpk_err_set(err, TCPK_EUSAGE,
		    "no certificate in PEM form");
	/* Bundles may be mostly comments. */
	fit = realloc(a->der, a->used);
	if (fit != NULL)
		a->der = fit;
	return 0;
}

/*
 * What is not even so far a certificate is left out, as a bundle is not
 * useless for one in it that is damaged; and so is one that is there twice.
 */
static int
make_index(struct tcpk__anchors *a, struct tcpk_err *err)
{
	size_t	i, n = 0;

	for (i = 0; i < a->n; i++) {
		a->list[i].der.p = a->der + a->list[i].at;
		if (find_subject(a->list[i].der, &a->list[i].subject))
			a->list[n++] = a->list[i];
	}
	if (n == 0)
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "no certificate that can be read");
	qsort(a->list, n, sizeof(*a->list), compare_anchors);
	for (a->n = 1, i = 1; i < n; i++)
		if (compare_anchors(&a->list[a->n - 1], &a->list[i]) != 0)
			a->list[a->n++] = a->list[i];
	return 0;
}

struct tcpk__anchors *
tcpk__anchors_load(const char *file, struct tcpk_err *err)
{
	struct tcpk__anchors	*a;
	char			*text;
	size_t			 n;
	int			 r;

	text = tcpk__file_read(file, MAX_FILE, &n, err);
	if (text == NULL)
		return NULL;
	a = calloc(1, sizeof(*a));
	if (a == NULL)
		r = tcpk_err_set(err, TCPK_EIO, "out of memory");
	else {
		r = read_pem(a, text, n, err);
		if (r == 0)
			r = make_index(a, err);
	}
	explicit_bzero(text, n);
	free(text);
	if (r == 0)
		return a;
	tcpk_err_wrap(err, "%.200s", file);
	tcpk__anchors_free(a);
	return NULL;
}

void
tcpk__anchors_free(struct tcpk__anchors *a)
{
	if (a == NULL)
		return;
	free(a->der);
	free(a->list);
	free(a);
}

size_t
tcpk__anchors_count(const struct tcpk__anchors *a)
{
	return a == NULL ? 0 : a->n;
}

struct tcpk__span
tcpk__anchors_subject(const struct tcpk__anchors *a, size_t i)
{
	return a->list[i].subject;
}

struct tcpk__span
tcpk__anchors_der(const struct tcpk__anchors *a, size_t i)
{
	return a->list[i].der;
}

size_t
tcpk__anchors_find(const struct tcpk__anchors *a, struct tcpk__span subject)
{
	size_t	lo = 0, hi = a == NULL ? 0 : a->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (compare(a->list[mid].subject, subject) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (a != NULL && lo < a->n &&
	    compare(a->list[lo].subject, subject) == 0)
		return lo;
	return tcpk__anchors_count(a);
}
