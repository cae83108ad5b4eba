/*
 * ldap: the answer to StartTLS, RFC 4511 section 4.14, and nothing beside
 * it.  Its lengths may be longer than need be: Active Directory always takes
 * four bytes for them.  The indefinite form is not allowed (section 5.1).
 */

#include <string.h>

#include "starttls_impl.h"

#define INTEGER		0x02
#define OCTETS		0x04
#define ENUMERATED	0x0a
#define SEQUENCE	0x30
#define RESPONSE	0x78	/* [APPLICATION 24] */
#define RESPONSE_NAME	0x8a	/* [10] */
#define RESPONSE_VALUE	0x8b	/* [11] */
#define CONTROLS	0xa0	/* [0] */
#define REFERRAL	0xa3	/* [3] */

/* Bytes that are yet to be read, from the front. */
struct ber {
	const unsigned char	*p;
	size_t			 n;
};

/* Tag and length; what follows may not be there yet. */
static bool
get_head(struct ber *b, unsigned tag, size_t *len)
{
	size_t	i, more;

	if (b->n < 2 || b->p[0] != tag)
		return false;
	*len = b->p[1];
	more = 0;
	if (*len >= 0x80) {
		more = *len - 0x80;
		if (more == 0 || more > 4 || b->n < 2 + more)
			return false;
		for (*len = 0, i = 0; i < more; i++)
			*len = *len << 8 | b->p[2 + i];
	}
	b->p += 2 + more;
	b->n -= 2 + more;
	return true;
}

static bool
get(struct ber *b, unsigned tag, struct ber *body)
{
	size_t	len;

	if (!get_head(b, tag, &len) || len > b->n)
		return false;
	body->p = b->p;
	body->n = len;
	b->p += len;
	b->n -= len;
	return true;
}

/* The same for what need not be there: p is NULL then. */
static bool
get_optional(struct ber *b, unsigned tag, struct ber *body)
{
	body->p = NULL;
	return b->n == 0 || b->p[0] != tag || get(b, tag, body);
}

/* Below 2^31, as all numbers of LDAP are. */
static bool
get_number(struct ber *b, unsigned tag, unsigned *v)
{
	struct ber	body;
	size_t		i;

	if (!get(b, tag, &body) || body.n == 0 || body.n > 4 ||
	    body.p[0] >= 0x80)
		return false;
	for (*v = 0, i = 0; i < body.n; i++)
		*v = *v << 8 | body.p[i];
	return true;
}

/* Bytes that are no text are not shown. */
static enum tcpk__talk_verdict
nonsense(struct tcpk__talk *t)
{
	t->len = 0;
	return tcpk__talk_nonsense(t);
}

struct answer {
	unsigned	id, code;
	struct ber	text, name, value;
};

static bool
read_answer(struct ber b, struct answer *a)
{
	struct ber	message, r, skip;

	return get(&b, SEQUENCE, &message) && b.n == 0 &&
	    get_number(&message, INTEGER, &a->id) &&
	    get(&message, RESPONSE, &r) &&
	    get_optional(&message, CONTROLS, &skip) && message.n == 0 &&
	    get_number(&r, ENUMERATED, &a->code) &&
	    get(&r, OCTETS, &skip) &&
	    get(&r, OCTETS, &a->text) &&
	    get_optional(&r, REFERRAL, &skip) &&
	    get_optional(&r, RESPONSE_NAME, &a->name) &&
	    get_optional(&r, RESPONSE_VALUE, &a->value) && r.n == 0;
}

static enum tcpk__talk_verdict
answer(struct tcpk__talk *t)
{
	struct ber	b = { (const unsigned char *)t->piece, t->len };
	struct answer	a;

	memset(&a, 0, sizeof(a));
	/* 0 is no answer: the server takes its leave, and says why. */
	if (!read_answer(b, &a) || a.id > 1 || (a.id == 0 && a.code == 0))
		return nonsense(t);
	if (a.code != 0) {
		tcpk_err_set(&t->err, TCPK_ETLS, "starttls ldap: refused: "
		    "result %u%s%.*s", a.code, a.text.n > 0 ? ": " : "",
		    (int)(a.text.n < TALK_SAID ? a.text.n : TALK_SAID),
		    (const char *)a.text.p);
		return TALK_REFUSED;
	}
	if (a.name.p != NULL && (a.name.n != strlen(TALK_LDAP_OID) ||
	    memcmp(a.name.p, TALK_LDAP_OID, a.name.n) != 0))
		return nonsense(t);
	/* There is to be no value; an empty one tells nothing either. */
	if (a.value.p != NULL && a.value.n != 0)
		return nonsense(t);
	return TALK_READY;
}

enum tcpk__talk_verdict
tcpk__ldap_byte(struct tcpk__talk *t, unsigned char c)
{
	struct ber	b;
	size_t		len;

	if (tcpk__talk_keep(t, c) != TALK_WAIT)
		return TALK_REFUSED;
	if (t->len == 2)
		t->head = c < 0x80 ? 2 : 2 + (c & 0x7fu);
	if (t->len == t->head) {
		b.p = (const unsigned char *)t->piece;
		b.n = t->len;
		if (!get_head(&b, SEQUENCE, &len) || len == 0)
			return nonsense(t);
		if (len > TALK_PIECE - t->head)
			return tcpk__talk_refuse(t, "the server sent a "
			    "message over 4 KiB");
		t->need = t->head + len;
	}
	if (t->piece[0] != SEQUENCE || t->head > 6)
		return nonsense(t);
	return t->need == 0 || t->len < t->need ? TALK_WAIT : answer(t);
}
