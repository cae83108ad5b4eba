/*
 * SOCKS4 and 4a (by their authors' texts), SOCKS5 (RFC 1928, RFC 1929): a
 * reply says how long it is as it goes on.
 */

#include <string.h>

#include "via_impl.h"

#define GRANTED4	90

enum { NO_LOGIN = 0, LOGIN = 2, NO_METHOD = 0xff };
enum { IPV4 = 1, NAME = 3, IPV6 = 4 };

static bool
is_five(const struct tcpk__ask *a)
{
	return a->proxy->kind == VIA_SOCKS5;
}

static void
say_byte(struct tcpk__ask *a, unsigned c)
{
	unsigned char	byte = (unsigned char)c;

	tcpk__ask_say(a, &byte, 1);
}

static void
say_port(struct tcpk__ask *a)
{
	say_byte(a, a->target->port >> 8);
	say_byte(a, a->target->port & 0xff);
}

/* Length and text. */
static void
say_counted(struct tcpk__ask *a, const char *text)
{
	size_t	n = strlen(text);

	if (n > 255)
		n = 255;
	say_byte(a, (unsigned)n);
	tcpk__ask_say(a, text, n);
}

/* Now comes another piece, and so many bytes of it are to be seen first. */
static void
expect(struct tcpk__ask *a, enum tcpk__ask_state state, size_t n)
{
	a->state = state;
	a->len = 0;
	a->need = n;
}

static enum tcpk__ask_verdict
look_further(struct tcpk__ask *a, size_t n)
{
	a->need = n - a->len;
	return ASK_WAIT;
}

/* A name for 4a is announced by an address that nobody has. */
static void
begin4(struct tcpk__ask *a)
{
	static const unsigned char	 none[] = { 0, 0, 0, 1 };
	const struct tcpk__target	*t = a->target;
	bool	numeric = tcpk_addr_family(&t->addr) == AF_INET;

	say_byte(a, 4);
	say_byte(a, 1);
	say_port(a);
	tcpk__ask_say(a, numeric ? (const void *)&t->addr.u.in.sin_addr :
	    none, 4);
	if (a->proxy->user != NULL)
		tcpk__ask_say(a, a->proxy->user, strlen(a->proxy->user));
	say_byte(a, 0);
	if (!numeric)
		tcpk__ask_say(a, t->host, strlen(t->host) + 1);
	expect(a, ASK_REPLY, 2);
}

void
tcpk__socks_begin(struct tcpk__ask *a)
{
	if (!is_five(a)) {
		begin4(a);
		return;
	}
	say_byte(a, 5);
	say_byte(a, a->proxy->user != NULL ? 2 : 1);
	say_byte(a, NO_LOGIN);
	if (a->proxy->user != NULL)
		say_byte(a, LOGIN);
	expect(a, ASK_METHOD, 2);
}

static enum tcpk__ask_verdict
request5(struct tcpk__ask *a)
{
	const struct tcpk__target	*t = a->target;

	say_byte(a, 5);
	say_byte(a, 1);
	say_byte(a, 0);
	switch (tcpk_addr_family(&t->addr)) {
	case AF_INET:
		say_byte(a, IPV4);
		tcpk__ask_say(a, &t->addr.u.in.sin_addr, 4);
		break;
	case AF_INET6:
		say_byte(a, IPV6);
		tcpk__ask_say(a, &t->addr.u.in6.sin6_addr, 16);
		break;
	default:
		say_byte(a, NAME);
		say_counted(a, t->host);
		break;
	}
	say_port(a);
	expect(a, ASK_REPLY, 2);
	return ASK_SEND;
}

static enum tcpk__ask_verdict
method(struct tcpk__ask *a)
{
	if (a->piece[0] != 5)
		return tcpk__ask_nonsense(a);
	if (a->piece[1] == NO_LOGIN)
		return request5(a);
	if (a->piece[1] == NO_METHOD)
		return tcpk__ask_no_login(a);
	if (a->piece[1] != LOGIN || a->proxy->user == NULL)
		return tcpk__ask_refuse(a, "chose a way to log in that was "
		    "not offered (%u)", (unsigned)a->piece[1]);
	say_byte(a, 1);
	say_counted(a, a->proxy->user);
	say_counted(a, a->proxy->password);
	expect(a, ASK_LOGIN, 2);
	return ASK_SEND;
}

/* The version is 1; there are servers that say 5 here as well. */
static enum tcpk__ask_verdict
login(struct tcpk__ask *a)
{
	if (a->piece[0] != 1 && a->piece[0] != 5)
		return tcpk__ask_nonsense(a);
	return a->piece[1] == 0 ? request5(a) : tcpk__ask_no_login(a);
}

static enum tcpk__ask_verdict
refused5(struct tcpk__ask *a)
{
	static const char *const	words[] = {
		"general failure", "not allowed by its rules",
		"network unreachable", "host unreachable",
		"connection refused", "TTL expired",
		"it does not support CONNECT",
		"it does not support this kind of address"
	};
	unsigned	code = a->piece[1];

	if (code <= sizeof(words) / sizeof(words[0]))
		return tcpk__ask_no_target(a, words[code - 1]);
	return tcpk__ask_refuse(a, "refuses with the unknown code %u", code);
}

/*
 * A refusal is one whatever comes behind it, if anything does.  The reserved
 * byte is not looked at: not all servers set it.
 */
static enum tcpk__ask_verdict
reply5(struct tcpk__ask *a)
{
	size_t	all;

	if (a->piece[0] != 5)
		return tcpk__ask_nonsense(a);
	if (a->piece[1] != 0)
		return refused5(a);
	/* The least there is: a name of no length, and the port. */
	if (a->len < 5)
		return look_further(a, 5);
	switch (a->piece[3]) {
	case IPV4:
		all = 4 + 4 + 2;
		break;
	case IPV6:
		all = 4 + 16 + 2;
		break;
	case NAME:
		all = 4 + 1 + a->piece[4] + 2;
		break;
	default:
		return tcpk__ask_nonsense(a);
	}
	return a->len < all ? look_further(a, all) : ASK_OPEN;
}

static enum tcpk__ask_verdict
reply4(struct tcpk__ask *a)
{
	if (a->piece[0] != 0)
		return tcpk__ask_nonsense(a);
	switch (a->piece[1]) {
	case GRANTED4:
		return a->len < 8 ? look_further(a, 8) : ASK_OPEN;
	case 91:
		return tcpk__ask_no_target(a, "refused or failed");
	case 92:
	case 93:
		return tcpk__ask_refuse(a, "wants to know the user by ident, "
		    "and %s", a->piece[1] == 92 ? "there is no answer" :
		    "that is another");
	}
	return tcpk__ask_nonsense(a);
}

enum tcpk__ask_verdict
tcpk__socks_take(struct tcpk__ask *a, const void *data, size_t n)
{
	memcpy(a->piece + a->len, data, n);
	a->len += n;
	a->need -= n;
	if (a->need > 0)
		return ASK_WAIT;
	if (a->state == ASK_METHOD)
		return method(a);
	if (a->state == ASK_LOGIN)
		return login(a);
	return is_five(a) ? reply5(a) : reply4(a);
}
