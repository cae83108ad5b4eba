#include <string.h>

#include "acl_impl.h"

/*
 * From bytes to rules.  They come in pieces of any size, so a rule is put
 * together in the parser before it is read (acl_rule.c).
 */

static inline bool
is_separator(char c)
{
	return c == ' ' || c == ',' || c == ';' || (c >= '\t' && c <= '\r');
}

static int
end_token(struct acl_parser *ps, struct tcpk_err *err)
{
	ps->token[ps->len] = '\0';
	if (ps->len > 0 && tcpk__acl_add_rule(ps, err) == -1)
		return -1;
	ps->len = 0;
	return 0;
}

/* Bytes of a rule.  Returns where they end, or NULL after an error. */
static const char *
take_token(struct acl_parser *ps, const char *p, const char *end,
    struct tcpk_err *err)
{
	const char	*start = p;

	if (ps->len == 0)
		ps->token_column = ps->column;
	for (; p < end && !is_separator(*p) && *p != '#'; p++) {
		if (ps->len == MAX_TOKEN) {
			tcpk__acl_refuse(ps, ps->token + ps->len,
			    "too long for a rule", err);
			return NULL;
		}
		ps->token[ps->len++] = *p;
	}
	ps->column += (uint32_t)(p - start);
	return p;
}

/* What ends a rule: a separator, or the '#' of a comment. */
static int
take_end(struct acl_parser *ps, char c, struct tcpk_err *err)
{
	if (end_token(ps, err) == -1)
		return -1;
	if (c == '#' && !ps->comments) {
		ps->token[ps->len++] = c;
		ps->token_column = ps->column;
		return tcpk__acl_refuse(ps, ps->token,
		    "comments are for files", err);
	}
	ps->in_comment = c == '#';
	ps->column++;
	if (c == '\n') {
		ps->line += ps->line < MAX_LINE;
		ps->column = 1;
	}
	return 0;
}

int
tcpk__acl_feed(struct acl_parser *ps, const char *p, size_t len,
    struct tcpk_err *err)
{
	const char	*end = p + len;

	while (p < end) {
		if (ps->in_comment) {
			p = memchr(p, '\n', (size_t)(end - p));
			if (p == NULL)
				return 0;
			ps->in_comment = false;
		}
		p = take_token(ps, p, end, err);
		if (p == NULL || (p < end && take_end(ps, *p++, err) == -1))
			return -1;
	}
	return 0;
}

int
tcpk__acl_start(struct acl_parser *ps, struct tcpk_acl *acl,
    const char *source, bool comments, struct tcpk_err *err)
{
	if (acl->compiled)
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "%s: the list is compiled already", source);
	memset(ps, 0, sizeof(*ps));
	ps->acl = acl;
	ps->source = source;
	ps->comments = comments;
	ps->line = ps->column = 1;
	return tcpk__acl_source(acl, source, err);
}

int
tcpk__acl_end(struct acl_parser *ps, struct tcpk_err *err)
{
	return end_token(ps, err);
}

int
tcpk_acl_add_text(struct tcpk_acl *acl, const char *source, const char *text,
    size_t len, struct tcpk_err *err)
{
	struct acl_parser	ps;

	if (tcpk__acl_start(&ps, acl, source, false, err) == -1 ||
	    tcpk__acl_feed(&ps, text, len, err) == -1)
		return -1;
	return tcpk__acl_end(&ps, err);
}
