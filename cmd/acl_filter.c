/*
 * tcpacl-check as a filter: lines whose address is allowed, or denied.
 *
 * Lines are taken by the batch: first all addresses are found, then all are
 * looked up, then what is wanted is printed.  A line that is longer than the
 * buffer comes in pieces; what passes before it is known whether it is
 * wanted waits in a temporary file.
 */

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "acl_find.h"
#include "acl_tool.h"

#define BATCH	64	/* lines; a bit for each of them */
#define INPUT	"standard input"

enum state { UNDECIDED, WANTED, UNWANTED };

struct filter {
	struct acl_tool		*t;
	bool			 print;		/* lines, and not counts */
	struct acl_find		 find;
	size_t			 nlines;
	/* Line i, with its newline, ends where line i + 1 starts. */
	const char		*line[1 + BATCH + ACL_LINES_SLACK];
	uint64_t		 wanted;	/* bit i: line i */
	struct tcpk_ip		 reason[BATCH];		/* for JSON only */
	/* Addresses of lines that are not usual: */
	size_t			 nips;
	struct tcpk_ip		 ip[BATCH];
	struct tcpk_verdict	 verdict[BATCH];
	uint32_t		 owner[BATCH];	/* the line of each address */
	uint64_t		 nwanted;	/* lines, of all input */
	/* A line in pieces: */
	bool			 in_long, looking;
	enum state		 state;
	FILE			*spill;		/* what waits; NULL: nothing */
};

/* What comes before the text of a line in JSON. */
static void
open_json(struct filter *f, struct tcpk_ip ip, struct tcpk_verdict v)
{
	struct acl_out	*o = &f->t->out;
	char		 text[TCPK_IP_TEXT];

	acl_out_object(o, "line");
	acl_out_key(o, "address", tcpk_ip_format(ip, text));
	acl_verdict_keys(f->t, v);
	acl_out_text(o, ",\"text\":\"");
}

static void
print_text(struct filter *f, const char *p, const char *end)
{
	struct acl_out	*o = &f->t->out;

	if (!f->t->msg.json) {
		acl_out_bytes(o, p, (size_t)(end - p));
		return;
	}
	if (p < end && end[-1] == '\n')
		end--;
	acl_out_json(o, p, (size_t)(end - p));
}

static void
close_json(struct filter *f)
{
	acl_out_text(&f->t->out, "\"}\n");
}

/* Ask about the addresses that were found so far. */
static void
look_up(struct filter *f)
{
	struct acl_tool	*t = f->t;
	uint64_t	 bit;
	size_t		 i;
	bool		 allow;

	tcpk_acl_check_many(t->acl, f->ip, f->verdict, f->nips);
	for (i = 0; i < f->nips; i++) {
		bit = UINT64_C(1) << f->owner[i];
		allow = f->verdict[i].allow;
		t->allowed += allow;
		t->denied += !allow;
		if (t->msg.json && (f->wanted & bit) == 0)
			f->reason[f->owner[i]] = f->ip[i];
		if (allow == t->want_allowed)
			f->wanted |= bit;
	}
	f->nips = 0;
}

static void
print_json(struct filter *f, uint64_t lines)
{
	struct tcpk_ip	ip;
	int		i;

	for (; lines != 0; lines &= lines - 1) {
		i = __builtin_ctzll(lines);
		ip = f->reason[i];
		open_json(f, ip, tcpk_acl_check_ip(f->t->acl, ip));
		print_text(f, f->line[i], f->line[i + 1]);
		close_json(f);
	}
}

static void
print_lines(struct filter *f, uint64_t lines)
{
	struct acl_out		*o = &f->t->out;
	const char *const	*line;
	char			*to;
	size_t			 n;

	to = acl_out_room(o);
	for (; lines != 0; lines &= lines - 1) {
		line = &f->line[__builtin_ctzll(lines)];
		n = (size_t)(line[1] - line[0]);
		if (n <= ACL_OUT_SHORT) {
			memcpy(to, line[0], ACL_OUT_SHORT);
			to += n;
			continue;
		}
		acl_out_filled(o, to);
		acl_out_bytes(o, line[0], n);
		to = acl_out_room(o);
	}
	acl_out_filled(o, to);
}

static void
finish_batch(struct filter *f)
{
	f->nwanted += (uint64_t)__builtin_popcountll(f->wanted);
	if (f->print && f->t->msg.json)
		print_json(f, f->wanted);
	else if (f->print)
		print_lines(f, f->wanted);
}

/* All the addresses of a line. */
static void
take_line(struct filter *f, size_t i)
{
	const char	*p = f->line[i];
	struct tcpk_ip	 ip;

	acl_find_line(&f->find);
	while (acl_find_next(&f->find, &p, f->line[i + 1], true, &ip) ==
	    ACL_FIND_ADDRESS) {
		f->owner[f->nips] = (uint32_t)i;
		f->ip[f->nips++] = ip;
		if (f->nips == BATCH)
			look_up(f);
	}
}

/* Bit i is set when element i is. */
static uint64_t
mask_of(const bool b[BATCH])
{
	uint64_t	mask = 0, x;
	int		i;

	for (i = 0; i < BATCH; i += 8) {
		memcpy(&x, b + i, sizeof(x));
		mask |= (le64toh(x) * UINT64_C(0x0102040810204080) >> 56) << i;
	}
	return mask;
}

/*
 * Lines that start with IPv4, and then end or go on after a blank, are the
 * usual case.  Returns which are; all others are for take_line.
 */
static uint64_t
take_usual(struct filter *f)
{
	struct acl_tool	*t = f->t;
	uint32_t	 ip[BATCH];
	uint8_t		 len[BATCH] = { 0 };
	char		 after[BATCH] = { 0 };
	bool		 is[BATCH], allow[BATCH] = { false };
	uint64_t	 usual, allowed;
	size_t		 i;

	tcpk_ip_scan4_many(ip, len, f->line, f->nlines);
	tcpk_acl_allow4_many(t->acl, ip, allow, f->nlines);
	for (i = 0; i < f->nlines; i++)
		after[i] = f->line[i][len[i]];
	for (i = 0; i < BATCH; i++)
		is[i] = (len[i] > 0) & ((after[i] == '\n') |
		    (after[i] == ' '));
	usual = mask_of(is);
	allowed = usual & mask_of(allow);
	f->wanted = t->want_allowed ? allowed : usual & ~allowed;
	t->allowed += (uint64_t)__builtin_popcountll(allowed);
	t->denied += (uint64_t)__builtin_popcountll(usual & ~allowed);
	if (t->msg.json)
		for (i = 0; i < f->nlines; i++)
			f->reason[i] = tcpk_ip_from4(ip[i]);
	return usual;
}

static void
take_batch(struct filter *f)
{
	uint64_t	others = UINT64_MAX >> (BATCH - f->nlines);

	f->wanted = 0;
	if (f->t->field == 1)
		others &= ~take_usual(f);
	for (; others != 0; others &= others - 1)
		take_line(f, (size_t)__builtin_ctzll(others));
	look_up(f);
	finish_batch(f);
}

static void
take_lines(struct filter *f, const char *p, const char *end)
{
	for (; p < end; p = f->line[f->nlines]) {
		f->line[0] = p;
		f->nlines = acl_lines_split(p, end, f->line + 1, BATCH);
		take_batch(f);
	}
}

/* Keep a piece of which nothing is known yet. */
static void
spill(struct filter *f, const char *p, size_t n)
{
	if (f->spill == NULL)
		f->spill = tmpfile();
	if (f->spill != NULL && fwrite(p, 1, n, f->spill) == n)
		return;
	acl_cannot_read(f->t, "temporary file for a long line", errno);
	f->state = UNWANTED;
}

/* Print what was kept, or drop it. */
static void
unspill(struct filter *f)
{
	char	buf[4096];
	size_t	n;

	if (f->spill == NULL)
		return;
	if (f->state == WANTED) {
		rewind(f->spill);
		while ((n = fread(buf, 1, sizeof(buf), f->spill)) > 0)
			print_text(f, buf, buf + n);
		if (ferror(f->spill))
			acl_cannot_read(f->t,
			    "temporary file for a long line", errno);
	}
	fclose(f->spill);
	f->spill = NULL;
}

/* Look at the addresses of a piece until it is known what is to be known. */
static void
look_at_piece(struct filter *f, const char *p, const char *end, bool last)
{
	struct acl_tool		*t = f->t;
	struct tcpk_verdict	 v;
	struct tcpk_ip		 ip;
	enum acl_find_what	 what = ACL_FIND_NONE;

	while (f->looking && (what = acl_find_next(&f->find, &p, end, last,
	    &ip)) == ACL_FIND_ADDRESS) {
		v = tcpk_acl_check_ip(t->acl, ip);
		t->allowed += v.allow;
		t->denied += !v.allow;
		if (v.allow != t->want_allowed || f->state != UNDECIDED)
			continue;
		f->state = WANTED;
		f->nwanted++;
		f->looking = t->count;
		if (f->print && t->msg.json)
			open_json(f, ip, v);
	}
	if (what != ACL_FIND_NEVER)
		return;
	f->looking = false;
	if (f->state == UNDECIDED)
		f->state = UNWANTED;
}

static void
take_piece(struct filter *f, const char *p, const char *end, bool last)
{
	if (!f->in_long) {
		acl_find_line(&f->find);
		f->in_long = f->looking = true;
		f->state = UNDECIDED;
	}
	look_at_piece(f, p, end, last);
	if (f->print && f->state == UNDECIDED)
		spill(f, p, (size_t)(end - p));
	if (f->state != UNDECIDED)
		unspill(f);
	if (f->print && f->state == WANTED) {
		print_text(f, p, end);
		if (last && f->t->msg.json)
			close_json(f);
	}
	f->in_long = !last;
}

static void
filter_input(struct filter *f)
{
	struct acl_lines	lines;
	enum acl_lines_what	what;
	const char		*p, *end;

	if (acl_lines_open(&lines, STDIN_FILENO) == -1) {
		acl_cannot_read(f->t, INPUT, ENOMEM);
		return;
	}
	do {
		if (acl_lines_waits(&lines))
			acl_out_flush(&f->t->out);
		what = acl_lines_next(&lines, &p, &end);
		if (what == ACL_LINES_ERROR)
			acl_cannot_read(f->t, INPUT, errno);
		else if (what == ACL_LINES_WHOLE)
			take_lines(f, p, end);
		else if (what != ACL_LINES_END)
			take_piece(f, p, end, what == ACL_LINES_REST);
	} while (what > ACL_LINES_END && acl_can_write(f->t));
	acl_lines_close(&lines);
}

/* Each argument is a line. */
static void
filter_arguments(struct filter *f)
{
	struct acl_tool	*t = f->t;
	const char	*arg;
	int		 i;

	for (i = 0; i < t->nargs && acl_can_write(t); i++) {
		arg = t->args[i];
		take_piece(f, arg, arg + strlen(arg), true);
		if (f->state == WANTED && f->print && !t->msg.json)
			acl_out_text(&t->out, "\n");
	}
}

int
acl_filter(struct acl_tool *t)
{
	static const struct filter	none;
	struct filter			f = none;

	f.t = t;
	f.print = t->filter && !t->count;
	acl_find_init(&f.find, t->field);
	if (t->nargs > 0)
		filter_arguments(&f);
	else
		filter_input(&f);
	if (t->count)
		acl_print_counts(t);
	if (t->filter)
		return acl_finish(t, f.nwanted == 0);
	return acl_finish(t, t->denied > 0);
}
