/*
 * The list of proxies.  Whatever is wrong with it, no message quotes more of
 * it than the host and the port: the rest may be a password.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tcpkit/value.h"
#include "via_impl.h"

static const struct scheme {
	const char	*prefix;
	enum tcpk__proxy_kind kind;
	const char	*port;
} schemes[] = {
	{ "socks5://", VIA_SOCKS5, "1080" },
	{ "socks4://", VIA_SOCKS4, "1080" },
	{ "socks4a://", VIA_SOCKS4A, "1080" },
	{ "http://", VIA_HTTP, "8080" },
};

static int
wrong(struct tcpk_err *err, const char *why)
{
	return tcpk_err_set(err, TCPK_EUSAGE, "%s", why);
}

static int
no_memory(struct tcpk_err *err)
{
	return tcpk_err_set(err, TCPK_EIO, "out of memory");
}

static void
wipe(char **text)
{
	if (*text != NULL)
		explicit_bzero(*text, strlen(*text));
	free(*text);
	*text = NULL;
}

void
tcpk__via_wipe(struct tcpk_via *v)
{
	struct tcpk__proxy	*p;

	for (; v->n > 0; v->n--) {
		p = &v->proxies[v->n - 1];
		wipe(&p->user);
		wipe(&p->password);
		free(p->host);
		free(p->name);
		memset(p, 0, sizeof(*p));
	}
}

int
tcpk__proxy_login(struct tcpk__proxy *p, const char *user, size_t nuser,
    const char *password, size_t npassword, struct tcpk_err *err)
{
	if (nuser == 0)
		return wrong(err, "the user name is empty");
	if (nuser > VIA_USER || npassword > VIA_USER)
		return wrong(err, "the user name or the password is longer "
		    "than 255 bytes");
	if (memchr(user, '\0', nuser) != NULL ||
	    memchr(password, '\0', npassword) != NULL)
		return wrong(err, "the user name or the password holds a "
		    "zero byte");
	if (p->kind == VIA_HTTP && memchr(user, ':', nuser) != NULL)
		return wrong(err, "HTTP has no user names with a colon");
	p->user = strndup(user, nuser);
	p->password = strndup(password, npassword);
	return p->user == NULL || p->password == NULL ? no_memory(err) : 0;
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Take %XX apart.  *to has room for all of the text; *n becomes its length. */
static int
decode(char *to, const char *text, size_t *n, struct tcpk_err *err)
{
	size_t	i, used = 0;
	int	high, low;

	for (i = 0; i < *n; i++) {
		if (text[i] != '%') {
			to[used++] = text[i];
			continue;
		}
		high = i + 2 < *n ? hex(text[i + 1]) : -1;
		low = i + 2 < *n ? hex(text[i + 2]) : -1;
		if (high == -1 || low == -1)
			return wrong(err, "a % in the user name or the "
			    "password is not followed by two hexadecimal "
			    "digits; for itself it is written %25");
		to[used++] = (char)(high << 4 | low);
		i += 2;
	}
	*n = used;
	return 0;
}

/* user[:password] */
static int
take_login(struct tcpk__proxy *p, const char *text, size_t n,
    struct tcpk_err *err)
{
	const char	*colon = memchr(text, ':', n);
	size_t		 nuser = colon != NULL ? (size_t)(colon - text) : n;
	size_t		 npassword = colon != NULL ? n - nuser - 1 : 0;
	char		 user[3 * VIA_USER], password[3 * VIA_USER];
	int		 ret = -1;

	if (p->kind == VIA_SOCKS4 || p->kind == VIA_SOCKS4A)
		if (npassword > 0)
			return wrong(err, "SOCKS4 has no password; write "
			    "user@ only");
	if (nuser > sizeof(user) || npassword > sizeof(password))
		return wrong(err, "the user name or the password is longer "
		    "than 255 bytes");
	if (decode(user, text, &nuser, err) == 0 &&
	    (npassword == 0 ||
	    decode(password, colon + 1, &npassword, err) == 0))
		ret = tcpk__proxy_login(p, user, nuser, password, npassword,
		    err);
	explicit_bzero(user, sizeof(user));
	explicit_bzero(password, sizeof(password));
	return ret;
}

static int
take_port(struct tcpk__proxy *p, const char *text, size_t n,
    struct tcpk_err *err)
{
	uint64_t	port;

	if (n >= sizeof(p->port))
		return wrong(err, "the port is not a number from 1 to 65535");
	memcpy(p->port, text, n);
	p->port[n] = '\0';
	if (tcpk_value_number(&port, p->port, 1, 65535, NULL) == -1)
		return wrong(err, "the port is not a number from 1 to 65535");
	return 0;
}

static int
check_host(const struct tcpk__proxy *p, bool bracketed, struct tcpk_err *err)
{
	struct tcpk_addr	 a;
	const char		*s = p->host;

	if (bracketed)
		return strchr(s, ':') == NULL ||
		    tcpk_addr_parse(&a, s, 0, NULL) == -1 ?
		    wrong(err, "what is in brackets is not an IPv6 address") :
		    0;
	if (*s == '\0')
		return wrong(err, "the host is empty");
	if (strlen(s) > 253)
		return wrong(err, "the host name is longer than 253 bytes");
	for (; *s != '\0'; s++)
		if ((unsigned char)*s <= ' ' || *s == 0x7f ||
		    strchr("\\@[]\"':%?#", *s) != NULL)
			return wrong(err, "this is not a host name");
	if (tcpk_addr_looks_ipv4(p->host) &&
	    tcpk_addr_parse(&a, p->host, 0, NULL) == -1)
		return wrong(err, "the host is not an IPv4 address (four "
		    "numbers to 255, no leading zeros)");
	return 0;
}

/* host[:port] or [v6][:port] */
static int
take_place(struct tcpk__proxy *p, const char *text, size_t n,
    struct tcpk_err *err)
{
	const char	*end;
	bool		 bracketed = n > 0 && text[0] == '[';
	size_t		 nhost;

	if (bracketed) {
		text++;
		n--;
		end = memchr(text, ']', n);
		if (end == NULL || (end + 1 < text + n && end[1] != ':'))
			return wrong(err, "write an IPv6 address and port as "
			    "[ADDRESS]:PORT");
	} else {
		end = memchr(text, ':', n);
		if (end == NULL)
			end = text + n;
		else if (memchr(end + 1, ':', text + n - end - 1) != NULL)
			return wrong(err, "write an IPv6 address and port as "
			    "[ADDRESS]:PORT");
	}
	nhost = end - text;
	p->host = strndup(text, nhost);
	if (p->host == NULL)
		return no_memory(err);
	if (check_host(p, bracketed, err) == -1)
		return -1;
	n -= nhost + bracketed;
	if (n > 0 && take_port(p, end + bracketed + 1, n - 1, err) == -1)
		return -1;
	nhost += sizeof("[]:") + sizeof(p->port);
	p->name = malloc(nhost);
	if (p->name == NULL)
		return no_memory(err);
	snprintf(p->name, nhost, bracketed ? "[%s]:%s" : "%s:%s", p->host,
	    p->port);
	return 0;
}

static const struct scheme *
find_scheme(const char *text, size_t n)
{
	size_t	i, len;

	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		len = strlen(schemes[i].prefix);
		if (n >= len && strncmp(text, schemes[i].prefix, len) == 0)
			return &schemes[i];
	}
	return NULL;
}

static int
take_url(struct tcpk__proxy *p, const char *text, size_t n,
    struct tcpk_err *err)
{
	const struct scheme	*s = find_scheme(text, n);
	const char		*end, *at;

	if (s == NULL)
		return wrong(err, "write socks5://HOST:PORT, or socks4://, "
		    "socks4a://, http:// (what is special in a password is "
		    "written %XX)");
	p->kind = s->kind;
	memcpy(p->port, s->port, strlen(s->port) + 1);
	text += strlen(s->prefix);
	n -= strlen(s->prefix);
	end = memchr(text, '/', n);
	if (end != NULL && end + 1 != text + n)
		return wrong(err, "nothing may follow the host and port (a / "
		    "in a password is written %2F)");
	if (end != NULL)
		n--;
	for (at = text + n; at > text && at[-1] != '@'; at--)
		continue;
	if (at > text && take_login(p, text, at - text - 1, err) == -1)
		return -1;
	return take_place(p, at, text + n - at, err);
}

int
tcpk__via_parse(struct tcpk_via *v, const char *list, struct tcpk_err *err)
{
	size_t	n;

	v->n = 0;
	for (;;) {
		n = strcspn(list, ";");
		if (v->n == VIA_MOST) {
			tcpk_err_set(err, TCPK_EUSAGE, "more than %d proxies",
			    VIA_MOST);
			break;
		}
		memset(&v->proxies[v->n], 0, sizeof(v->proxies[0]));
		v->n++;
		if (take_url(&v->proxies[v->n - 1], list, n, err) == -1) {
			tcpk_err_wrap(err, "proxy %zu", v->n);
			break;
		}
		if (list[n] == '\0')
			return 0;
		list += n + 1;
	}
	tcpk__via_wipe(v);
	return -1;
}
