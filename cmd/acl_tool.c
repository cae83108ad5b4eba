#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "acl_tool.h"

int
acl_finish(struct acl_tool *t, int status)
{
	struct msg_fields	f = { .event = "output", .reason = "local-io" };

	acl_out_flush(&t->out);
	if (t->out.error != 0) {
		msg(&t->msg, MSG_ERROR, &f, "standard output: %s",
		    strerror(t->out.error));
		return 2;
	}
	return t->trouble ? 2 : status;
}

void
acl_print_counts(struct acl_tool *t)
{
	struct acl_out	*o = &t->out;

	if (t->msg.json) {
		acl_out_object(o, "count");
		acl_out_key_number(o, "allow", t->allowed);
		acl_out_key_number(o, "deny", t->denied);
		acl_out_text(o, "}\n");
		return;
	}
	acl_out_text(o, "allow ");
	acl_out_number(o, t->allowed);
	acl_out_text(o, "\ndeny ");
	acl_out_number(o, t->denied);
	acl_out_text(o, "\n");
}

void
acl_cannot_read(struct acl_tool *t, const char *name, int code)
{
	struct msg_fields	f = { .event = "input", .reason = "local-io" };

	msg(&t->msg, MSG_ERROR, &f, "%s: %s", name, strerror(code));
	t->trouble = true;
}

void
acl_malformed(struct acl_tool *t, const char *source, uint64_t line,
    const char *text, size_t len, const char *why)
{
	struct msg_fields	f = { .event = "address", .reason = "usage" };
	char			shown[4 * 60 + 8], at[32] = "";
	size_t			i, n = 0, some = len < 60 ? len : 60;

	/* Any bytes may stand there, and NUL would end the message. */
	for (i = 0; i < some; i++)
		n += (size_t)snprintf(shown + n, sizeof(shown) - n,
		    text[i] >= ' ' && text[i] < 0x7f ? "%c" : "\\x%02x",
		    (unsigned char)text[i]);
	snprintf(shown + n, sizeof(shown) - n, "%s", some < len ? "..." : "");
	if (line > 0)
		snprintf(at, sizeof(at), ":%" PRIu64, line);
	/* What was printed before comes before. */
	acl_out_flush(&t->out);
	msg(&t->msg, MSG_ERROR, &f, "%s%s%s\"%s\": %s", source, at,
	    *source != '\0' ? ": " : "", shown, why);
	t->trouble = true;
}

void
acl_trim(const char **p, const char **end)
{
	while (*p < *end && (**p == ' ' || (**p >= '\t' && **p <= '\r')))
		++*p;
	while (*p < *end && ((*end)[-1] == ' ' || ((*end)[-1] >= '\t' &&
	    (*end)[-1] <= '\r')))
		--*end;
}

void
acl_verdict_keys(struct acl_tool *t, struct tcpk_verdict v)
{
	struct acl_out		*o = &t->out;
	struct tcpk_acl_rule	 r;

	acl_out_key(o, "verdict", v.allow ? "allow" : "deny");
	acl_out_key_number(o, "rule", v.rule);
	if (!tcpk_acl_rule(t->acl, v.rule, &r))
		return;
	acl_out_key(o, "rule_text", r.text);
	acl_out_key(o, "file", r.source);
	if (r.line > 0)
		acl_out_key_number(o, "line", r.line);
	else
		acl_out_key(o, "line", NULL);
}

void
acl_verdict_text(struct acl_tool *t, struct tcpk_verdict v)
{
	struct acl_out		*o = &t->out;
	struct tcpk_acl_rule	 r;

	if (!tcpk_acl_rule(t->acl, v.rule, &r))
		return;
	acl_out_text(o, " ");
	acl_out_text(o, r.text);
	if (r.source == NULL)
		return;
	acl_out_text(o, " ");
	acl_out_text(o, r.source);
	acl_out_text(o, ":");
	acl_out_number(o, r.line);
}
