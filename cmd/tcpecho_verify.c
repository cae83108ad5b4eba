#include <string.h>

#include "tcpecho_verify.h"

/*
 * HEADER and BODY follow undamaged messages.  In DAMAGED the place is known
 * only as long as nothing was left out or put in, so every byte may be the
 * last of a header.
 */
enum { HEADER, BODY, DAMAGED };

#define PIECE	4096

/* From one word of the pattern to the next: any large odd number. */
#define STEP	UINT64_C(0x9e3779b97f4a7c15)

/* A word that looks like no other (the finalizer of splitmix64). */
static uint64_t
mix(uint64_t x)
{
	x ^= x >> 30;
	x *= UINT64_C(0xbf58476d1ce4e5b9);
	x ^= x >> 27;
	x *= UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static void
put(unsigned char *to, uint64_t v, size_t n)
{
	while (n-- > 0) {
		to[n] = (unsigned char)v;
		v >>= 8;
	}
}

static uint64_t
get(const unsigned char *from, size_t n)
{
	uint64_t	v = 0;
	size_t		i;

	for (i = 0; i < n; i++)
		v = v << 8 | from[i];
	return v;
}

static void
make_header(const struct verify_form *f, uint64_t seq, unsigned char *buf)
{
	put(buf, mix(f->key), 4);
	put(buf + 4, seq, 8);
	put(buf + 12, mix(mix(f->key ^ seq) + f->size), 4);
}

/* The pattern behind the header: off counts from there. */
static void
make_body(const struct verify_form *f, uint64_t seq, uint64_t off,
    unsigned char *buf, size_t n)
{
	uint64_t	base, v;
	unsigned char	word[8];
	size_t		skip, part;

	base = mix(f->key + mix(seq));
	for (; n >= 8 && off % 8 == 0; n -= 8, off += 8, buf += 8) {
		v = mix(base + off / 8 * STEP);
		memcpy(buf, &v, 8);
	}
	while (n > 0) {
		v = mix(base + off / 8 * STEP);
		skip = off % 8;
		part = n < 8 - skip ? n : 8 - skip;
		memcpy(word, &v, sizeof(word));
		memcpy(buf, word + skip, part);
		buf += part;
		off += part;
		n -= part;
	}
}

void
verify_make(const struct verify_form *f, uint64_t seq, uint64_t off,
    unsigned char *buf, size_t n)
{
	unsigned char	header[VERIFY_HEADER];
	size_t		part;

	if (f->text != NULL) {
		memcpy(buf, f->text + off, n);
		return;
	}
	if (off < VERIFY_HEADER) {
		make_header(f, seq, header);
		part = VERIFY_HEADER - (size_t)off;
		part = n < part ? n : part;
		memcpy(buf, header + off, part);
		buf += part;
		off += part;
		n -= part;
	}
	make_body(f, seq, off - VERIFY_HEADER, buf, n);
}

void
verify_init(struct verify *v, const struct verify_form *form, uint64_t first,
    void (*fn)(void *, const struct verify_event *), void *arg)
{
	memset(v, 0, sizeof(*v));
	v->form = *form;
	v->fn = fn;
	v->arg = arg;
	v->first = v->expect = v->limit = first;
	v->state = HEADER;
}

/* The bytes by which the start of a message is known. */
static size_t
header_size(const struct verify *v)
{
	return v->form.size < VERIFY_HEADER ? (size_t)v->form.size :
	    VERIFY_HEADER;
}

static void
tell(const struct verify *v, enum verify_outcome outcome, uint64_t seq,
    uint64_t n)
{
	struct verify_event	e = { outcome, seq, n, v->wrong_at };

	v->fn(v->arg, &e);
}

static bool
take_missing(struct verify *v, uint64_t seq)
{
	size_t	i;

	for (i = 0; i < VERIFY_MISSING; i++)
		if (v->missing[i] == seq + 1) {
			v->missing[i] = 0;
			return true;
		}
	return false;
}

static void
pass_over(struct verify *v, uint64_t seq)
{
	uint64_t	n = seq - v->expect, i;

	i = n > VERIFY_MISSING ? seq - VERIFY_MISSING : v->expect;
	for (; i < seq; i++)
		v->missing[v->nmissing++ % VERIFY_MISSING] = i + 1;
	tell(v, VERIFY_LOST, v->expect, n);
	v->expect = seq;
}

/* A message is complete. */
static void
settle(struct verify *v, uint64_t seq, bool good)
{
	if (seq >= v->limit) {
		if (v->limit > v->first)
			tell(v, VERIFY_DUPLICATE, v->limit - 1, 1);
		else
			tell(v, VERIFY_STRAY, 0, v->form.size);
	} else if (seq >= v->expect) {
		if (seq > v->expect)
			pass_over(v, seq);
		v->expect++;
		tell(v, good ? VERIFY_ECHOED : VERIFY_CORRUPT, seq, 1);
	} else if (!good)
		tell(v, VERIFY_STRAY, seq, v->form.size);
	else
		tell(v, take_missing(v, seq) ? VERIFY_LATE :
		    VERIFY_DUPLICATE, seq, 1);
}

/* What cannot be told apart is taken for the message whose turn it was. */
static void
settle_unknown(struct verify *v, uint64_t n)
{
	if (v->expect < v->limit)
		settle(v, v->expect, false);
	else
		tell(v, VERIFY_STRAY, 0, n);
}

/* Is the window the header of a message, and of which? */
static bool
is_header(const struct verify *v, uint64_t *seq)
{
	unsigned char	header[VERIFY_HEADER];

	if (v->form.text != NULL) {
		*seq = v->expect;
		return memcmp(v->window, v->form.text, v->filled) == 0;
	}
	*seq = get(v->window + 4, 8);
	if (*seq < v->first || *seq >= v->limit)
		return false;
	make_header(&v->form, *seq, header);
	return memcmp(v->window, header, sizeof(header)) == 0;
}

static void
next_message(struct verify *v)
{
	v->state = HEADER;
	v->known = false;
	v->off = 0;
	v->filled = 0;
}

static void
begin_body(struct verify *v, uint64_t seq)
{
	v->known = true;
	v->current = seq;
	v->off = header_size(v);
	v->state = BODY;
	if (v->off == v->form.size) {
		settle(v, seq, true);
		next_message(v);
	}
}

/*
 * A header, but perhaps not where it should be: what was before it, since
 * the last message was over?
 */
static void
resume(struct verify *v, uint64_t seq)
{
	uint64_t	size = v->form.size, before;

	before = v->off > header_size(v) ? v->off - header_size(v) : 0;
	if (v->known)
		settle(v, v->current, false);
	else if (before > 0) {
		/* Texts have no number: then it goes by the amount. */
		if (v->form.text != NULL ? 2 * before >= size :
		    seq > v->expect)
			settle_unknown(v, before);
		else
			tell(v, VERIFY_STRAY, 0, before);
	}
	if (v->form.text != NULL)
		seq = v->expect;
	begin_body(v, seq);
}

static void
feed_damaged(struct verify *v, unsigned char c)
{
	size_t		w = header_size(v);
	uint64_t	seq;

	if (v->filled == w) {
		memmove(v->window, v->window + 1, w - 1);
		v->filled--;
	}
	v->window[v->filled++] = c;
	v->off++;
	if (v->filled == w && is_header(v, &seq)) {
		resume(v, seq);
		return;
	}
	if (v->off < v->form.size)
		return;
	/*
	 * As long as a message: taken for one.  The window stays, as a
	 * message that was cut short has the next one's header in it.
	 */
	if (v->known)
		settle(v, v->current, false);
	else
		settle_unknown(v, v->form.size);
	v->known = false;
	v->off = 0;
	v->wrong_at = 0;
}

static void
start_damage(struct verify *v, uint64_t at)
{
	v->state = DAMAGED;
	v->wrong_at = at;
}

/* Returns how much of it was used. */
static size_t
feed_header(struct verify *v, const unsigned char *p, size_t n)
{
	unsigned char	held[VERIFY_HEADER], right[VERIFY_HEADER];
	size_t		w = header_size(v), i;
	uint64_t	seq;

	if (n > w - v->filled)
		n = w - v->filled;
	memcpy(v->window + v->filled, p, n);
	v->filled += n;
	if (v->filled < w)
		return n;
	if (is_header(v, &seq)) {
		begin_body(v, seq);
		return n;
	}
	memcpy(held, v->window, w);
	verify_make(&v->form, v->expect, 0, right, w);
	for (i = 0; i < w && held[i] == right[i]; i++)
		continue;
	start_damage(v, i);
	v->filled = 0;
	for (i = 0; i < w; i++)
		feed_damaged(v, held[i]);
	return n;
}

static size_t
feed_body(struct verify *v, const unsigned char *p, size_t n)
{
	unsigned char	right[PIECE];
	size_t		i;

	if (n > v->form.size - v->off)
		n = (size_t)(v->form.size - v->off);
	if (n > sizeof(right))
		n = sizeof(right);
	verify_make(&v->form, v->current, v->off, right, n);
	if (memcmp(p, right, n) == 0) {
		v->off += n;
		if (v->off == v->form.size) {
			settle(v, v->current, true);
			next_message(v);
		}
		return n;
	}
	for (i = 0; p[i] == right[i]; i++)
		continue;
	v->off += i;
	start_damage(v, v->off);
	/* The last bytes were right, so they need not have been kept. */
	v->filled = header_size(v) - 1;
	verify_make(&v->form, v->current, v->off - v->filled, v->window,
	    v->filled);
	return i;
}

void
verify_feed(struct verify *v, const unsigned char *p, size_t n)
{
	size_t	used;

	while (n > 0) {
		used = 1;
		if (v->state == HEADER)
			used = feed_header(v, p, n);
		else if (v->state == BODY)
			used = feed_body(v, p, n);
		else
			feed_damaged(v, *p);
		p += used;
		n -= used;
	}
}

void
verify_end(struct verify *v)
{
	uint64_t	n = v->state == HEADER ? v->filled : v->off;

	if (v->state == DAMAGED && v->known)
		settle(v, v->current, false);
	else if (n > 0 && v->expect == v->limit)
		tell(v, VERIFY_STRAY, 0, n);
	next_message(v);
}
