/* tcpacl-check about lists: --expect, --lint and --simplify. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "acl_find.h"
#include "acl_tool.h"

struct expect {
	struct acl_tool	*t;
	const char	*name;
	uint64_t	 line;
	bool		 found;		/* one that comes out otherwise */
};

static void
mismatch(struct expect *e, const char *p, size_t len, struct tcpk_verdict v)
{
	struct acl_tool	*t = e->t;
	struct acl_out	*o = &t->out;

	e->found = true;
	if (t->msg.json) {
		acl_out_object(o, "mismatch");
		acl_out_key(o, "expect_file", e->name);
		acl_out_key_number(o, "expect_line", e->line);
		acl_out_bytes(o, ",\"address\":\"", 12);
		acl_out_json(o, p, len);
		acl_out_bytes(o, "\"", 1);
		acl_out_key(o, "expected", v.allow ? "deny" : "allow");
		acl_verdict_keys(t, v);
		acl_out_text(o, "}\n");
		return;
	}
	acl_out_text(o, e->name);
	acl_out_text(o, ":");
	acl_out_number(o, e->line);
	acl_out_text(o, ": ");
	acl_out_bytes(o, p, len);
	acl_out_text(o, v.allow ? ": expected deny, is allow by" :
	    ": expected allow, is deny by");
	acl_verdict_text(t, v);
	acl_out_text(o, "\n");
}

/* ADDRESS allow|deny, a comment, or nothing. */
static void
expect_line(struct expect *e, const char *p, const char *end)
{
	const char		*start, *comment, *word;
	struct tcpk_verdict	 v;
	struct tcpk_ip		 ip;
	bool			 allow;
	size_t			 n;

	e->line++;
	comment = memchr(p, '#', (size_t)(end - p));
	if (comment != NULL)
		end = comment;
	acl_trim(&p, &end);
	if (p == end)
		return;
	start = p;
	while (p < end && *p != ' ' && *p != '\t')
		p++;
	word = p;
	acl_trim(&word, &end);
	n = (size_t)(end - word);
	allow = n == 5 && memcmp(word, "allow", 5) == 0;
	if (!acl_find_address(&ip, start, (size_t)(p - start)))
		acl_malformed(e->t, e->name, e->line, start,
		    (size_t)(end - start), "not an IP address");
	else if (!allow && (n != 4 || memcmp(word, "deny", 4) != 0))
		acl_malformed(e->t, e->name, e->line, start,
		    (size_t)(end - start), "not ADDRESS allow or "
		    "ADDRESS deny");
	else {
		v = tcpk_acl_check_ip(e->t->acl, ip);
		if (v.allow != allow)
			mismatch(e, start, (size_t)(p - start), v);
	}
}

static void
expect_lines(struct expect *e, const char *p, const char *end)
{
	const char	*nl;

	for (; p < end; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (nl == NULL)
			nl = end;
		expect_line(e, p, nl);
	}
}

/* Of a line longer than any buffer the start says what it is. */
static void
expect_long(struct expect *e, const char *p, const char *end)
{
	const char	*hash;

	hash = memchr(p, '#', (size_t)(end - p));
	if (hash != NULL) {
		expect_line(e, p, hash);
		return;
	}
	e->line++;
	acl_malformed(e->t, e->name, e->line, p, (size_t)(end - p),
	    "line too long");
}

static void
expect_input(struct expect *e, int fd)
{
	struct acl_lines	lines;
	enum acl_lines_what	what;
	const char		*p, *end;
	bool			in_long = false;

	if (acl_lines_open(&lines, fd) == -1) {
		acl_cannot_read(e->t, e->name, ENOMEM);
		return;
	}
	do {
		what = acl_lines_next(&lines, &p, &end);
		if (what == ACL_LINES_ERROR)
			acl_cannot_read(e->t, e->name, errno);
		else if (what == ACL_LINES_WHOLE)
			expect_lines(e, p, end);
		else if (what == ACL_LINES_PIECE && !in_long)
			expect_long(e, p, end);
		in_long = what == ACL_LINES_PIECE;
	} while (what > ACL_LINES_END && acl_can_write(e->t));
	acl_lines_close(&lines);
}

int
acl_expect(struct acl_tool *t, const char *path)
{
	struct expect	e = { t, path, 0, false };
	int		fd = STDIN_FILENO;

	if (strcmp(path, "-") == 0)
		e.name = "standard input";
	else if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)) == -1) {
		acl_cannot_read(t, path, errno);
		return acl_finish(t, 2);
	}
	expect_input(&e, fd);
	if (fd != STDIN_FILENO)
		close(fd);
	return acl_finish(t, e.found);
}

struct lint {
	struct acl_tool	*t;
	bool		 found;
};

static void
print_finding(void *arg, const struct tcpk_acl_finding *finding)
{
	struct lint		*l = arg;
	struct acl_out		*o = &l->t->out;
	struct tcpk_acl_rule	 r;

	l->found = true;
	if (!tcpk_acl_rule(l->t->acl, finding->rule, &r))
		return;
	if (l->t->msg.json) {
		acl_out_object(o, "finding");
		acl_out_key(o, "finding", tcpk_acl_fault_word(finding->fault));
		acl_out_key_number(o, "rule", finding->rule);
		acl_out_key(o, "rule_text", r.text);
		acl_out_key(o, "file", r.source);
		if (r.line > 0)
			acl_out_key_number(o, "line", r.line);
		else
			acl_out_key(o, "line", NULL);
		acl_out_key_number(o, "other", finding->other);
		acl_out_key(o, "why", finding->why);
		acl_out_text(o, "}\n");
		return;
	}
	if (r.source != NULL) {
		acl_out_text(o, r.source);
		acl_out_text(o, ":");
		acl_out_number(o, r.line);
		acl_out_text(o, ": rule ");
		acl_out_number(o, finding->rule);
		acl_out_text(o, ", ");
		acl_out_text(o, r.text);
		acl_out_text(o, ", ");
	}
	acl_out_text(o, finding->why);
	acl_out_text(o, "\n");
}

int
acl_lint(struct acl_tool *t)
{
	struct msg_fields	f = { .event = "acl" };
	struct lint		l = { t, false };
	struct tcpk_err		err;

	if (tcpk_acl_lint(t->acl, print_finding, &l, &err) == -1) {
		msg_err(&t->msg, MSG_ERROR, &f, &err);
		t->trouble = true;
	}
	return acl_finish(t, l.found);
}

struct simplify {
	struct acl_tool	*t;
	uint32_t	 n;
};

static void
print_rule(void *arg, const char *text)
{
	struct simplify	*s = arg;
	struct acl_out	*o = &s->t->out;

	s->n++;
	if (s->t->msg.json) {
		acl_out_object(o, "rule");
		acl_out_key_number(o, "rule", s->n);
		acl_out_key(o, "rule_text", text);
		acl_out_text(o, "}\n");
		return;
	}
	acl_out_text(o, text);
	acl_out_text(o, "\n");
}

int
acl_simplify(struct acl_tool *t)
{
	struct msg_fields	f = { .event = "acl" };
	struct simplify		s = { t, 0 };
	struct tcpk_err		err;

	if (tcpk_acl_simplify(t->acl, print_rule, &s, &err) == -1) {
		msg_err(&t->msg, MSG_ERROR, &f, &err);
		t->trouble = true;
	} else if (s.n == 0)
		msg(&t->msg, MSG_NOTICE, &f, "the list allows everyone, as "
		    "one without rules does");
	return acl_finish(t, 0);
}
