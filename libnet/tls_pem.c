#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tls_cert_impl.h"

#define BEGIN	"-----BEGIN "
#define END	"-----END "
#define DASHES	"-----"

#define BAD	0x80

/*
 * What a byte means in base64.  A table is fast; it tells the caches of this
 * machine what is read, which is of use only to who runs on it, while a
 * program starts.
 */
static const unsigned char	sixbits[256] = {
#define B BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD
	B, B, B, B, B,
	BAD, BAD, BAD, 62, BAD, BAD, BAD, 63,
	52, 53, 54, 55, 56, 57, 58, 59, 60, 61, BAD, BAD, BAD, BAD, BAD, BAD,
	BAD, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
	15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, BAD, BAD, BAD, BAD, BAD,
	BAD, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
	41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, BAD, BAD, BAD, BAD, BAD,
	B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B
#undef B
};

/* A line without its end and the blanks before that. */
struct line {
	const char	*p;
	size_t		 n;
};

void
tcpk__pem_init(struct tcpk__pem *pem, const char *text, size_t n)
{
	pem->p = text;
	pem->end = n == 0 ? text : text + n;
	pem->line = 1;
	/* Some editors put a byte order mark in front. */
	if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		pem->p += 3;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The line at p, which is moved to the next one; false at the end. */
static bool
next_line(struct tcpk__pem *pem, struct line *l)
{
	const char	*nl;

	if (pem->p == pem->end)
		return false;
	l->p = pem->p;
	nl = memchr(pem->p, '\n', pem->end - pem->p);
	if (nl == NULL) {
		l->n = pem->end - pem->p;
		pem->p = pem->end;
	} else {
		l->n = nl - pem->p;
		pem->p = nl + 1;
		pem->line++;
	}
	while (l->n > 0 && is_blank(l->p[l->n - 1]))
		l->n--;
	return true;
}

static bool
begins(const struct line *l, const char *with)
{
	size_t	n = strlen(with);

	return l->n >= n && memcmp(l->p, with, n) == 0;
}

/* The label of a line that begins with this; false if there is none. */
static bool
label_of(const struct line *l, const char *with, struct line *label)
{
	size_t	i, n = strlen(with), dashes = strlen(DASHES);

	if (l->n < n + dashes ||
	    memcmp(l->p + l->n - dashes, DASHES, dashes) != 0)
		return false;
	label->p = l->p + n;
	label->n = l->n - n - dashes;
	for (i = 0; i < label->n; i++)
		if (label->p[i] < ' ' || label->p[i] > '~')
			return false;
	return label->n > 0;
}

/*
 * The lines "Name: value" below BEGIN, those indented lines that go on with
 * one, and the empty line that ends them; false without that.
 */
static bool
skip_headers(struct tcpk__pem *pem, struct tcpk__pem_object *o)
{
	struct tcpk__pem	was = *pem;
	struct line		l;
	bool			any = false;

	for (; next_line(pem, &l); was = *pem) {
		if (any && l.n == 0)
			return true;
		if (any && is_blank(l.p[0]))
			continue;
		if (begins(&l, DASHES) || memchr(l.p, ':', l.n) == NULL)
			break;
		any = true;
		if (begins(&l, "Proc-Type:") && l.n >= 9 &&
		    memcmp(l.p + l.n - 9, "ENCRYPTED", 9) == 0)
			o->encrypted = true;
	}
	*pem = was;
	return !any;
}

/* What is decoded so far: 24 bits at a time. */
struct base64 {
	unsigned char	*out;
	unsigned long	 bits;
	unsigned	 n;		/* digits in bits, equals signs too */
	unsigned	 equals;
};

/* One byte that is no blank; NULL or what is wrong. */
static const char *
add_digit(struct base64 *b, unsigned char c)
{
	unsigned	i;

	if (c == '=') {
		if (b->n < 2 || b->equals == 2)
			return "an equals sign that does not belong there";
		b->equals++;
	} else if (sixbits[c] == BAD)
		return "a byte that is not base64";
	else if (b->equals > 0)
		return "base64 behind its end";
	b->bits = b->bits << 6 | (c == '=' ? 0 : sixbits[c]);
	if (++b->n < 4)
		return NULL;
	if ((b->bits & ((1ul << 8 * b->equals) - 1)) != 0)
		return "base64 with bits behind its last byte";
	for (i = 0; i < 3 - b->equals; i++)
		*b->out++ = b->bits >> (16 - 8 * i) & 0xff;
	b->bits = 0;
	b->n = 0;
	return NULL;
}

/* A line of base64; NULL or what is wrong. */
static const char *
add_line(struct base64 *b, const struct line *l)
{
	const unsigned char	*p = (const unsigned char *)l->p;
	const unsigned char	*end = p + l->n;
	unsigned		 v0, v1, v2, v3;
	const char		*what;

	while (p < end) {
		/* Nearly all of it: four digits that belong together. */
		while (b->n == 0 && b->equals == 0 && end - p >= 4) {
			v0 = sixbits[p[0]];
			v1 = sixbits[p[1]];
			v2 = sixbits[p[2]];
			v3 = sixbits[p[3]];
			if (((v0 | v1 | v2 | v3) & BAD) != 0)
				break;
			*b->out++ = (unsigned char)(v0 << 2 | v1 >> 4);
			*b->out++ = (unsigned char)(v1 << 4 | v2 >> 2);
			*b->out++ = (unsigned char)(v2 << 6 | v3);
			p += 4;
		}
		if (p < end && !is_blank((char)*p) &&
		    (what = add_digit(b, *p)) != NULL)
			return what;
		p += p < end;
	}
	return NULL;
}

/* From behind the BEGIN line to behind the END line. */
static int
decode(struct tcpk__pem *pem, const struct line *label,
    struct tcpk__pem_object *o, unsigned char *der, struct tcpk_err *err)
{
	struct base64	 b = { .out = der };
	struct line	 l, end;
	const char	*what;
	unsigned	 at;

	for (;;) {
		at = pem->line;
		if (!next_line(pem, &l) || begins(&l, BEGIN))
			return tcpk_err_set(err, TCPK_EUSAGE,
			    "line %u: %s without an END", o->line, o->label);
		if (begins(&l, END))
			break;
		if ((what = add_line(&b, &l)) != NULL)
			return tcpk_err_set(err, TCPK_EUSAGE, "line %u: %s",
			    at, what);
	}
	if (!label_of(&l, END, &end) || end.n != label->n ||
	    memcmp(end.p, label->p, end.n) != 0)
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "line %u: not the END of %s in line %u", at, o->label,
		    o->line);
	if (b.n != 0)
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "line %u: base64 that is cut short", at);
	o->n = b.out - der;
	if (o->n == 0)
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "line %u: %s with nothing in it", o->line, o->label);
	return 1;
}

int
tcpk__pem_next(struct tcpk__pem *pem, struct tcpk__pem_object *o,
    unsigned char *der, struct tcpk_err *err)
{
	struct line	l, label;

	memset(o, 0, sizeof(*o));
	do {
		o->line = pem->line;
		if (!next_line(pem, &l))
			return 0;
		if (begins(&l, END))
			return tcpk_err_set(err, TCPK_EUSAGE,
			    "line %u: an END without a BEGIN", o->line);
	} while (!begins(&l, BEGIN));
	if (!label_of(&l, BEGIN, &label))
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "line %u: malformed BEGIN", o->line);
	memcpy(o->label, label.p, label.n < sizeof(o->label) ? label.n :
	    sizeof(o->label) - 1);
	if (!skip_headers(pem, o))
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "line %u: no empty line behind the headers of %s",
		    pem->line, o->label);
	return decode(pem, &label, o, der, err);
}

/* Twice the room, without leaving a copy of a key behind. */
static char *
grow(char *buf, size_t n, size_t room)
{
	char	*more;

	more = malloc(room);
	if (more != NULL && n > 0)
		memcpy(more, buf, n);
	if (buf != NULL)
		explicit_bzero(buf, n);
	free(buf);
	return more;
}

/* All of fd; NULL with errno, EFBIG for more than max. */
static char *
read_all(int fd, size_t max, size_t *n)
{
	struct stat	 st;
	char		*buf = NULL;
	size_t		 room = 16 * 1024;
	ssize_t		 r = 1;
	int		 saved;

	/* With one byte more than it has, its end is seen without growing. */
	if (fstat(fd, &st) == 0 && st.st_size > (off_t)room &&
	    (uintmax_t)st.st_size <= max)
		room = (size_t)st.st_size + 1;
	for (*n = 0; r > 0; room *= 2) {
		buf = grow(buf, *n, room);
		if (buf == NULL)
			return NULL;
		while (*n < room && r > 0) {
			do
				r = read(fd, buf + *n, room - *n);
			while (r == -1 && errno == EINTR);
			if (r > 0)
				*n += (size_t)r;
			if (*n > max) {
				errno = EFBIG;
				r = -1;
			}
		}
	}
	if (r == 0)
		return buf;
	saved = errno;
	explicit_bzero(buf, *n);
	free(buf);
	errno = saved;
	return NULL;
}

char *
tcpk__file_read(const char *file, size_t max, size_t *n, struct tcpk_err *err)
{
	char	*text;
	int	 fd;

	fd = open(file, O_RDONLY | O_CLOEXEC);
	text = fd == -1 ? NULL : read_all(fd, max, n);
	if (text == NULL)
		tcpk_err_errno(err, errno == EFBIG ? TCPK_EUSAGE : TCPK_EIO,
		    errno, "%.200s", file);
	if (fd != -1)
		close(fd);
	return text;
}
