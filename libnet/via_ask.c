/* What all that is said to a proxy has in common. */

#include <stdio.h>
#include <string.h>

#include "via_impl.h"

void
tcpk__ask_say(struct tcpk__ask *a, const void *data, size_t n)
{
	if (n > sizeof(a->out) - a->nout)
		n = sizeof(a->out) - a->nout;
	memcpy(a->out + a->nout, data, n);
	a->nout += n;
}

enum tcpk__ask_verdict
tcpk__ask_refuse(struct tcpk__ask *a, const char *fmt, ...)
{
	char	why[sizeof(a->err.text)];
	va_list	ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	tcpk_err_set(&a->err, TCPK_ECONNECT, "proxy %.80s: %s",
	    a->proxy->name, why);
	return ASK_REFUSED;
}

enum tcpk__ask_verdict
tcpk__ask_no_target(struct tcpk__ask *a, const char *why)
{
	const struct tcpk__target	*t = a->target;
	bool	v6 = tcpk_addr_family(&t->addr) == AF_INET6;

	return tcpk__ask_refuse(a, "cannot connect to %s%.80s%s:%u: %.*s",
	    v6 ? "[" : "", t->host, v6 ? "]" : "", (unsigned)t->port,
	    VIA_SAID, why);
}

enum tcpk__ask_verdict
tcpk__ask_no_login(struct tcpk__ask *a)
{
	if (a->proxy->user != NULL)
		return tcpk__ask_refuse(a, "does not accept this user name "
		    "and password");
	return tcpk__ask_refuse(a, "wants a user name and a password: give "
	    "via-auth=FILE, or USER:PASSWORD@ in its URL");
}

enum tcpk__ask_verdict
tcpk__ask_nonsense(struct tcpk__ask *a)
{
	static const char *const	names[] = {
		[VIA_SOCKS4] = "SOCKS4", [VIA_SOCKS4A] = "SOCKS4a",
		[VIA_SOCKS5] = "SOCKS5", [VIA_HTTP] = "HTTP"
	};

	return tcpk__ask_refuse(a, "its reply is not %s",
	    names[a->proxy->kind]);
}

void
tcpk__ask_begin(struct tcpk__ask *a, const struct tcpk__proxy *proxy,
    const struct tcpk__target *target)
{
	memset(a, 0, sizeof(*a));
	a->proxy = proxy;
	a->target = target;
	if (proxy->kind == VIA_HTTP)
		tcpk__http_begin(a);
	else
		tcpk__socks_begin(a);
}

enum tcpk__ask_verdict
tcpk__ask_take(struct tcpk__ask *a, const void *data, size_t n)
{
	a->nout = 0;
	return a->proxy->kind == VIA_HTTP ? tcpk__http_take(a, data, n) :
	    tcpk__socks_take(a, data, n);
}
