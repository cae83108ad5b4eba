#include <limits.h>
#include <string.h>

#include "tls_der_impl.h"

bool
tcpk__span_equal(struct tcpk__span a, struct tcpk__span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool
tcpk__der_next(struct tcpk__span *in, struct tcpk__tlv *t)
{
	const unsigned char	*p = in->p;
	size_t			 n, i, head = 2;

	if (in->n < 2 || (p[0] & 0x1f) == 0x1f)
		return false;
	n = p[1];
	if (n > 0x7f) {
		/* 0x80 is the indefinite form, four bytes are enough. */
		head += n - 0x80;
		if (head == 2 || head > 6 || in->n < head)
			return false;
		for (n = 0, i = 2; i < head; i++)
			n = n << 8 | p[i];
		if (p[2] == 0 || n <= 0x7f)
			return false;
	}
	if (n > in->n - head)
		return false;
	t->tag = p[0];
	t->body = (struct tcpk__span){ p + head, n };
	t->whole = (struct tcpk__span){ p, head + n };
	in->p += head + n;
	in->n -= head + n;
	return true;
}

bool
tcpk__der_is(const struct tcpk__span *in, unsigned tag)
{
	return in->n > 0 && in->p[0] == tag;
}

bool
tcpk__der_get(struct tcpk__span *in, unsigned tag, struct tcpk__span *body)
{
	struct tcpk__tlv	t;

	if (!tcpk__der_is(in, tag) || !tcpk__der_next(in, &t))
		return false;
	*body = t.body;
	return true;
}

bool
tcpk__der_oid(struct tcpk__span *in, struct tcpk__span *oid)
{
	size_t	i;
	bool	first = true;

	if (!tcpk__der_get(in, DER_OID, oid) || oid->n == 0)
		return false;
	/* Each number is whole and has no zeros in front. */
	for (i = 0; i < oid->n; i++) {
		if (first && oid->p[i] == 0x80)
			return false;
		first = (oid->p[i] & 0x80) == 0;
	}
	return first;
}

bool
tcpk__der_bool(struct tcpk__span *in, bool *v)
{
	struct tcpk__span	body;

	if (!tcpk__der_get(in, DER_BOOLEAN, &body) || body.n != 1)
		return false;
	*v = body.p[0] != 0;
	return body.p[0] == 0 || body.p[0] == 0xff;
}

bool
tcpk__der_integer(struct tcpk__span *in, struct tcpk__span *body)
{
	if (!tcpk__der_get(in, DER_INTEGER, body) || body->n == 0)
		return false;
	/* The first nine bits must not be all the same. */
	return body->n == 1 ||
	    (body->p[0] == 0 && (body->p[1] & 0x80) != 0) ||
	    (body->p[0] == 0xff && (body->p[1] & 0x80) == 0) ||
	    (body->p[0] != 0 && body->p[0] != 0xff);
}

bool
tcpk__der_positive(struct tcpk__span *in, struct tcpk__span *body)
{
	if (!tcpk__der_integer(in, body) || (body->p[0] & 0x80) != 0)
		return false;
	if (body->p[0] == 0) {
		body->p++;
		body->n--;
	}
	return body->n > 0;
}

bool
tcpk__der_small(struct tcpk__span *in, int *v)
{
	struct tcpk__span	body;
	unsigned long		all = 0;
	size_t			i;

	if (!tcpk__der_integer(in, &body) || (body.p[0] & 0x80) != 0 ||
	    body.n > 4)
		return false;
	for (i = 0; i < body.n; i++)
		all = all << 8 | body.p[i];
	*v = (int)all;
	return all <= INT_MAX;
}

bool
tcpk__der_octets_in_bits(struct tcpk__span *in, struct tcpk__span *body)
{
	if (!tcpk__der_get(in, DER_BITS, body) || body->n < 2 ||
	    body->p[0] != 0)
		return false;
	body->p++;
	body->n--;
	return true;
}

/* Two digits; -1 if they are not, or are not within the bounds. */
static int
two(const unsigned char *p, int min, int max)
{
	int	v;

	if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
		return -1;
	v = (p[0] - '0') * 10 + (p[1] - '0');
	return v < min || v > max ? -1 : v;
}

static bool
is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days from 1970-01-01, in the Gregorian calendar at all times. */
static int64_t
days(int year, int month, int day)
{
	static const int	before[] = {
		0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334
	};
	int64_t			n;

	/* From the first day of the year 0, which was a leap year. */
	n = INT64_C(365) * year + (year + 3) / 4 - (year + 99) / 100 +
	    (year + 399) / 400;
	n += before[month - 1] + (month > 2 && is_leap(year)) + day - 1;
	return n - 719528;
}

static int
days_of(int year, int month)
{
	static const int	n[] = {
		31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
	};

	return n[month - 1] + (month == 2 && is_leap(year));
}

bool
tcpk__der_time(struct tcpk__span *in, int64_t *v)
{
	struct tcpk__tlv	 t;
	const unsigned char	*p;
	int			 century, year, month, day, hour, min, sec;

	if (!tcpk__der_next(in, &t))
		return false;
	p = t.body.p;
	if (t.tag == DER_UTC_TIME && t.body.n == 13) {
		year = two(p, 0, 99);
		century = year >= 50 ? 19 : 20;
	} else if (t.tag == DER_TIME && t.body.n == 15) {
		century = two(p, 0, 99);
		p += 2;
		year = two(p, 0, 99);
	} else
		return false;
	month = two(p + 2, 1, 12);
	day = two(p + 4, 1, 31);
	hour = two(p + 6, 0, 23);
	min = two(p + 8, 0, 59);
	sec = two(p + 10, 0, 59);
	if (century < 0 || year < 0 || month < 0 || day < 0 || hour < 0 ||
	    min < 0 || sec < 0 || p[12] != 'Z')
		return false;
	year += century * 100;
	if (day > days_of(year, month))
		return false;
	*v = days(year, month, day) * 86400 + hour * 3600 + min * 60 + sec;
	return true;
}
