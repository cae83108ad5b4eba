/* tcpacl-check without a filter: an answer for each address, in order. */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "acl_find.h"
#include "acl_tool.h"

#define BATCH	64
#define INPUT	"standard input"

static const char	not_address[] = "not an IP address";

struct batch {
	size_t			n;
	const char		*text[BATCH];
	size_t			 len[BATCH];
	struct tcpk_ip		 ip[BATCH];
	struct tcpk_verdict	 verdict[BATCH];
};

static void
answer(struct acl_tool *t, const char *text, size_t len,
    struct tcpk_verdict v)
{
	struct acl_out	*o = &t->out;

	if (t->msg.json) {
		acl_out_object(o, "verdict");
		acl_out_bytes(o, ",\"address\":\"", 12);
		acl_out_json(o, text, len);
		acl_out_bytes(o, "\"", 1);
		acl_verdict_keys(t, v);
		acl_out_bytes(o, "}\n", 2);
		return;
	}
	acl_out_bytes(o, text, len);
	if (v.allow)
		acl_out_bytes(o, " allow", 6);
	else
		acl_out_bytes(o, " deny", 5);
	if (t->explain)
		acl_verdict_text(t, v);
	acl_out_bytes(o, "\n", 1);
}

static void
answer_batch(struct acl_tool *t, struct batch *b)
{
	size_t	i;

	tcpk_acl_check_many(t->acl, b->ip, b->verdict, b->n);
	for (i = 0; i < b->n; i++) {
		t->allowed += b->verdict[i].allow;
		t->denied += !b->verdict[i].allow;
		if (!t->count)
			answer(t, b->text[i], b->len[i], b->verdict[i]);
	}
	b->n = 0;
}

/* One text that should be an address.  line 0: an argument. */
static void
take(struct acl_tool *t, struct batch *b, const char *p, const char *end,
    uint64_t line)
{
	struct tcpk_ip	ip;

	if (!acl_find_address(&ip, p, (size_t)(end - p))) {
		answer_batch(t, b);
		acl_malformed(t, line > 0 ? INPUT : "", line, p,
		    (size_t)(end - p), not_address);
		return;
	}
	b->text[b->n] = p;
	b->len[b->n] = (size_t)(end - p);
	b->ip[b->n++] = ip;
	if (b->n == BATCH)
		answer_batch(t, b);
}

/* A stretch of whole lines; empty ones are nothing. */
static void
take_lines(struct acl_tool *t, struct batch *b, const char *p,
    const char *end, uint64_t *line)
{
	const char	*nl, *from, *to;

	for (; p < end; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (nl == NULL)
			nl = end;
		++*line;
		from = p;
		to = nl;
		acl_trim(&from, &to);
		if (from < to)
			take(t, b, from, to, *line);
	}
	answer_batch(t, b);
}

/* A line longer than any buffer is not an address. */
static void
take_long(struct acl_tool *t, const char *p, const char *end,
    bool *in_long, uint64_t *line)
{
	if (*in_long)
		return;
	*in_long = true;
	++*line;
	acl_malformed(t, INPUT, *line, p, (size_t)(end - p), not_address);
}

static void
answer_input(struct acl_tool *t, struct batch *b)
{
	struct acl_lines	lines;
	enum acl_lines_what	what;
	const char		*p, *end;
	uint64_t		line = 0;
	bool			in_long = false;

	if (acl_lines_open(&lines, STDIN_FILENO) == -1) {
		acl_cannot_read(t, INPUT, ENOMEM);
		return;
	}
	do {
		if (acl_lines_waits(&lines))
			acl_out_flush(&t->out);
		what = acl_lines_next(&lines, &p, &end);
		if (what == ACL_LINES_ERROR)
			acl_cannot_read(t, INPUT, errno);
		else if (what == ACL_LINES_WHOLE)
			take_lines(t, b, p, end, &line);
		else if (what == ACL_LINES_PIECE)
			take_long(t, p, end, &in_long, &line);
		else
			in_long = false;
	} while (what > ACL_LINES_END && acl_can_write(t));
	acl_lines_close(&lines);
}

int
acl_answer(struct acl_tool *t)
{
	static const struct batch	none;
	struct batch			b = none;
	int				i;

	for (i = 0; i < t->nargs; i++)
		take(t, &b, t->args[i], t->args[i] + strlen(t->args[i]), 0);
	answer_batch(t, &b);
	if (t->nargs == 0)
		answer_input(t, &b);
	if (t->count)
		acl_print_counts(t);
	return acl_finish(t, t->denied > 0);
}
