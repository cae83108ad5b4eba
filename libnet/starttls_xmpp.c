/*
 * xmpp: RFC 6120, section 5.  Not an XML parser: it finds tags and counts
 * elements, and whoever nests them wrongly misleads only himself.  Comments
 * and the like are not allowed there (section 11.1).
 */

#include <string.h>

#include "starttls_impl.h"

#define NAMESPACE	"urn:ietf:params:xml:ns:xmpp-tls"
#define STARTTLS	"<starttls xmlns='" NAMESPACE "'/>"

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Is the tag from a to b this text? */
static bool
same(const struct tcpk__talk *t, size_t a, size_t b, const char *text)
{
	return b - a == strlen(text) && memcmp(t->piece + a, text, b - a) == 0;
}

static size_t
skip_space(const struct tcpk__talk *t, size_t i)
{
	while (is_space(t->piece[i]))	/* the tag ends with '>' */
		i++;
	return i;
}

/* Where an element's name ends, and where its part behind the prefix is. */
static size_t
find_name(const struct tcpk__talk *t, size_t *local)
{
	size_t	i = 1;

	*local = 1;
	while (i < t->len - 1 && !is_space(t->piece[i]) && t->piece[i] != '/')
		if (t->piece[i++] == ':')
			*local = i;
	return i;
}

/*
 * Is it an element of starttls, going by the attributes from i on?  One with
 * a prefix says so in xmlns:prefix.
 */
static bool
is_tls(const struct tcpk__talk *t, size_t i)
{
	size_t	last = t->len - 1, key, end, value;

	for (;;) {
		key = i = skip_space(t, i);
		while (i < last && !is_space(t->piece[i]) &&
		    t->piece[i] != '=')
			i++;
		end = i;
		i = skip_space(t, i);
		if (t->piece[i] != '=')
			return false;
		value = skip_space(t, i + 1);
		if (t->piece[value] != '"' && t->piece[value] != '\'')
			return false;
		for (i = value + 1; i < last &&
		    t->piece[i] != t->piece[value]; i++)
			continue;
		if (end - key >= 5 && same(t, key, key + 5, "xmlns") &&
		    (end - key == 5 || t->piece[key + 5] == ':') &&
		    same(t, value + 1, i, NAMESPACE))
			return true;
		if (i == last)
			return false;
		i++;
	}
}

static enum tcpk__talk_verdict
open_top(struct tcpk__talk *t, size_t local, size_t end)
{
	if (same(t, local, end, "error"))
		t->top = ERROR;
	else if (t->state == GREETING && same(t, local, end, "features"))
		t->top = FEATURES;
	else if (t->state == GO_AHEAD && same(t, local, end, "proceed") &&
	    is_tls(t, end))
		t->top = PROCEED;
	else if (t->state == GO_AHEAD && same(t, local, end, "failure"))
		return tcpk__talk_refused(t, t->piece, t->len);
	else
		return tcpk__talk_nonsense(t);
	return TALK_WAIT;
}

static enum tcpk__talk_verdict
open_element(struct tcpk__talk *t)
{
	size_t	local, end = find_name(t, &local);

	if (local == end)
		return tcpk__talk_nonsense(t);
	switch (t->depth++) {
	case 0:
		return same(t, local, end, "stream") ? TALK_WAIT :
		    tcpk__talk_nonsense(t);
	case 1:
		return open_top(t, local, end);
	case 2:
		/* An error's first element is its condition. */
		if (t->top == ERROR)
			return tcpk__talk_refused(t, t->piece + local,
			    end - local);
		if (t->top == FEATURES && same(t, local, end, "starttls") &&
		    is_tls(t, end))
			t->offered = true;
		return TALK_WAIT;
	default:
		return TALK_WAIT;
	}
}

static enum tcpk__talk_verdict
close_element(struct tcpk__talk *t)
{
	switch (t->depth--) {
	case 0:
		return tcpk__talk_nonsense(t);
	case 1:
		return tcpk__talk_refuse(t, "the server ended the stream");
	case 2:
		if (t->top == FEATURES)
			return tcpk__talk_ask_if_offered(t, STARTTLS);
		return t->top == PROCEED ? TALK_READY :
		    tcpk__talk_refused(t, t->piece, t->len);
	default:
		return TALK_WAIT;
	}
}

static enum tcpk__talk_verdict
tag(struct tcpk__talk *t)
{
	enum tcpk__talk_verdict	v;

	if (t->piece[1] == '?')
		return t->depth == 0 ? TALK_WAIT : tcpk__talk_nonsense(t);
	if (t->piece[1] == '/')
		return close_element(t);
	v = open_element(t);
	if (v == TALK_WAIT && t->piece[t->len - 2] == '/')
		v = close_element(t);
	return v;
}

enum tcpk__talk_verdict
tcpk__xmpp_byte(struct tcpk__talk *t, unsigned char byte)
{
	enum tcpk__talk_verdict	v;
	char			c = (char)byte;

	if (c == '\0')
		return tcpk__talk_nonsense(t);
	/* Text says nothing here, and between elements there is none. */
	if (t->len == 0 && c != '<')
		return t->depth >= 2 || is_space(c) ? TALK_WAIT :
		    tcpk__talk_nonsense(t);
	if (t->quote == '\0') {
		if ((t->len > 0 && c == '<') || (t->len == 1 && c == '!'))
			return tcpk__talk_nonsense(t);
		if (c == '"' || c == '\'')
			t->quote = c;
	} else if (c == t->quote)
		t->quote = '\0';
	v = tcpk__talk_keep(t, byte);
	if (v != TALK_WAIT || c != '>' || t->quote != '\0')
		return v;
	v = tag(t);
	t->len = 0;
	return v;
}
