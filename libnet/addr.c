#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tcpkit/addr.h"

/* inet_pton takes leading zeros on some systems; here nobody does. */
static int
parse_ipv4(struct in_addr *in, const char *text)
{
	const char	*p = text;
	uint32_t	 all = 0;
	unsigned	 octet;
	int		 i, digits;

	for (i = 0; i < 4; i++) {
		if (i > 0 && *p++ != '.')
			return -1;
		octet = 0;
		for (digits = 0; isdigit((unsigned char)*p); digits++) {
			if (digits == 3 || (digits == 1 && octet == 0))
				return -1;
			octet = octet * 10 + (*p++ - '0');
		}
		if (digits == 0 || octet > 255)
			return -1;
		all = all << 8 | octet;
	}
	if (*p != '\0')
		return -1;
	in->s_addr = htonl(all);
	return 0;
}

static int
parse_scope(uint32_t *scope, const char *text)
{
	unsigned long	 n;
	char		*end;

	*scope = if_nametoindex(text);
	if (*scope != 0)
		return 0;
	if (!isdigit((unsigned char)text[0]))
		return -1;
	errno = 0;
	n = strtoul(text, &end, 10);
	if (*end != '\0' || errno != 0 || n == 0 || n > UINT32_MAX)
		return -1;
	*scope = (uint32_t)n;
	return 0;
}

static void
set_in(struct tcpk_addr *a, struct in_addr in, uint16_t port)
{
	memset(a, 0, sizeof(*a));
	a->len = sizeof(a->u.in);
	a->u.in.sin_family = AF_INET;
	a->u.in.sin_port = htons(port);
	a->u.in.sin_addr = in;
}

static void
set_in6(struct tcpk_addr *a, const struct in6_addr *in6, uint32_t scope,
    uint16_t port)
{
	struct in_addr	in;

	if (IN6_IS_ADDR_V4MAPPED(in6)) {
		memcpy(&in, in6->s6_addr + 12, 4);
		set_in(a, in, port);
		return;
	}
	memset(a, 0, sizeof(*a));
	a->len = sizeof(a->u.in6);
	a->u.in6.sin6_family = AF_INET6;
	a->u.in6.sin6_port = htons(port);
	a->u.in6.sin6_addr = *in6;
	a->u.in6.sin6_scope_id = scope;
}

int
tcpk_addr_parse(struct tcpk_addr *a, const char *text, uint16_t port,
    struct tcpk_err *err)
{
	struct in6_addr	 in6;
	struct in_addr	 in;
	char		 buf[INET6_ADDRSTRLEN];
	const char	*percent;
	uint32_t	 scope = 0;
	size_t		 n;

	if (parse_ipv4(&in, text) == 0) {
		set_in(a, in, port);
		return 0;
	}
	percent = strchr(text, '%');
	n = percent == NULL ? strlen(text) : (size_t)(percent - text);
	if (n >= sizeof(buf))
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "\"%.64s\" is not an IP address", text);
	memcpy(buf, text, n);
	buf[n] = '\0';
	if (inet_pton(AF_INET6, buf, &in6) != 1)
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "\"%.64s\" is not an IP address", text);
	if (percent != NULL && parse_scope(&scope, percent + 1) == -1)
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "\"%.64s\": no network interface \"%.32s\"", text,
		    percent + 1);
	set_in6(a, &in6, scope, port);
	return 0;
}

bool
tcpk_addr_looks_ipv4(const char *text)
{
	const char	*last;
	size_t		 n;

	n = strlen(text);
	if (n > 0 && text[n - 1] == '.')
		n--;
	for (last = text + n; last > text && last[-1] != '.';)
		last--;
	n -= last - text;
	if (n >= 2 && last[0] == '0' && (last[1] == 'x' || last[1] == 'X'))
		return strspn(last + 2, "0123456789abcdefABCDEF") >= n - 2;
	return n > 0 && strspn(last, "0123456789") >= n;
}

int
tcpk_addr_unix(struct tcpk_addr *a, const char *name, struct tcpk_err *err)
{
	size_t	n = strlen(name);
	bool	abstract = name[0] == '@';

	if (n == 0 || (abstract && n == 1))
		return tcpk_err_set(err, TCPK_EUSAGE, "the name is empty");
	/* A path needs its NUL; an abstract name has its length instead. */
	if (n + !abstract > sizeof(a->u.un.sun_path))
		return tcpk_err_set(err, TCPK_EUSAGE, "the name has %zu "
		    "bytes, the system takes %zu", n,
		    sizeof(a->u.un.sun_path) - !abstract);
	memset(a, 0, sizeof(*a));
	a->u.un.sun_family = AF_UNIX;
	memcpy(a->u.un.sun_path, name, n);
	if (abstract)
		a->u.un.sun_path[0] = '\0';
	a->len = offsetof(struct sockaddr_un, sun_path) + n + !abstract;
	return 0;
}

void
tcpk_addr_from(struct tcpk_addr *a, const struct sockaddr *sa, socklen_t len)
{
	struct sockaddr_in6	in6;

	if (sa->sa_family == AF_INET6 && len >= sizeof(in6)) {
		memcpy(&in6, sa, sizeof(in6));
		set_in6(a, &in6.sin6_addr, in6.sin6_scope_id,
		    ntohs(in6.sin6_port));
		return;
	}
	memset(a, 0, sizeof(*a));
	if (len > sizeof(a->u))
		len = sizeof(a->u);
	a->len = len;
	memcpy(&a->u, sa, len);
}

int
tcpk_addr_local(struct tcpk_addr *a, int fd)
{
	struct sockaddr_storage	ss;
	socklen_t		len = sizeof(ss);

	memset(a, 0, sizeof(*a));
	if (getsockname(fd, (struct sockaddr *)&ss, &len) == -1)
		return -1;
	tcpk_addr_from(a, (struct sockaddr *)&ss, len);
	return 0;
}

int
tcpk_addr_peer(struct tcpk_addr *a, int fd)
{
	struct sockaddr_storage	ss;
	socklen_t		len = sizeof(ss);

	memset(a, 0, sizeof(*a));
	if (getpeername(fd, (struct sockaddr *)&ss, &len) == -1)
		return -1;
	tcpk_addr_from(a, (struct sockaddr *)&ss, len);
	return 0;
}

int
tcpk_addr_family(const struct tcpk_addr *a)
{
	return a->len == 0 ? AF_UNSPEC : a->u.sa.sa_family;
}

uint16_t
tcpk_addr_port(const struct tcpk_addr *a)
{
	switch (tcpk_addr_family(a)) {
	case AF_INET:
		return ntohs(a->u.in.sin_port);
	case AF_INET6:
		return ntohs(a->u.in6.sin6_port);
	default:
		return 0;
	}
}

void
tcpk_addr_set_port(struct tcpk_addr *a, uint16_t port)
{
	switch (tcpk_addr_family(a)) {
	case AF_INET:
		a->u.in.sin_port = htons(port);
		break;
	case AF_INET6:
		a->u.in6.sin6_port = htons(port);
		break;
	}
}

void
tcpk_addr_any(struct tcpk_addr *a, int family, uint16_t port)
{
	struct in_addr	in = { htonl(INADDR_ANY) };

	if (family == AF_INET6)
		set_in6(a, &in6addr_any, 0, port);
	else
		set_in(a, in, port);
}

bool
tcpk_addr_is_any(const struct tcpk_addr *a)
{
	switch (tcpk_addr_family(a)) {
	case AF_INET:
		return a->u.in.sin_addr.s_addr == htonl(INADDR_ANY);
	case AF_INET6:
		return IN6_IS_ADDR_UNSPECIFIED(&a->u.in6.sin6_addr);
	default:
		return a->len == 0;
	}
}

bool
tcpk_addr_is_loopback(const struct tcpk_addr *a)
{
	switch (tcpk_addr_family(a)) {
	case AF_INET:
		return ntohl(a->u.in.sin_addr.s_addr) >> 24 == 127;
	case AF_INET6:
		return IN6_IS_ADDR_LOOPBACK(&a->u.in6.sin6_addr);
	default:
		return false;
	}
}

bool
tcpk_addr_is_named(const struct tcpk_addr *a)
{
	return tcpk_addr_family(a) != AF_UNIX ||
	    a->len > offsetof(struct sockaddr_un, sun_path);
}

const char *
tcpk_addr_path(const struct tcpk_addr *a, char *buf, size_t size)
{
	size_t	off = offsetof(struct sockaddr_un, sun_path);
	size_t	n = a->len > off ? a->len - off : 0;

	if (tcpk_addr_family(a) != AF_UNIX)
		n = 0;
	if (n >= size)
		n = size - 1;
	memcpy(buf, a->u.un.sun_path, n);
	buf[n] = '\0';
	if (n > 0 && buf[0] == '\0')
		buf[0] = '@';
	return buf;
}

bool
tcpk_addr_equal(const struct tcpk_addr *a, const struct tcpk_addr *b)
{
	if (tcpk_addr_family(a) != tcpk_addr_family(b))
		return false;
	switch (tcpk_addr_family(a)) {
	case AF_INET:
		return a->u.in.sin_port == b->u.in.sin_port &&
		    a->u.in.sin_addr.s_addr == b->u.in.sin_addr.s_addr;
	case AF_INET6:
		return a->u.in6.sin6_port == b->u.in6.sin6_port &&
		    a->u.in6.sin6_scope_id == b->u.in6.sin6_scope_id &&
		    IN6_ARE_ADDR_EQUAL(&a->u.in6.sin6_addr,
			&b->u.in6.sin6_addr);
	default:
		return a->len == b->len && memcmp(&a->u, &b->u, a->len) == 0;
	}
}

static void
format_unix(const struct tcpk_addr *a, char *buf, size_t size)
{
	size_t	off = offsetof(struct sockaddr_un, sun_path);
	size_t	i, n, at = 0;
	char	c;

	n = a->len > off ? a->len - off : 0;
	if (n > 0 && a->u.un.sun_path[0] != '\0')
		n = strnlen(a->u.un.sun_path, n);
	buf[0] = '\0';
	for (i = 0; i < n && at + 5 <= size; i++) {
		c = a->u.un.sun_path[i];
		if (i == 0 && c == '\0')
			c = '@';
		if (isprint((unsigned char)c) && c != '\\')
			at += snprintf(buf + at, size - at, "%c", c);
		else
			at += snprintf(buf + at, size - at, "\\x%02x",
			    (unsigned char)c);
	}
}

const char *
tcpk_addr_format_host(const struct tcpk_addr *a, char *buf, size_t size)
{
	char	scope[IF_NAMESIZE];
	size_t	n;

	buf[0] = '\0';
	switch (tcpk_addr_family(a)) {
	case AF_INET:
		inet_ntop(AF_INET, &a->u.in.sin_addr, buf, size);
		break;
	case AF_INET6:
		inet_ntop(AF_INET6, &a->u.in6.sin6_addr, buf, size);
		if (a->u.in6.sin6_scope_id == 0)
			break;
		n = strlen(buf);
		if (if_indextoname(a->u.in6.sin6_scope_id, scope) != NULL)
			snprintf(buf + n, size - n, "%%%s", scope);
		else
			snprintf(buf + n, size - n, "%%%u",
			    (unsigned)a->u.in6.sin6_scope_id);
		break;
	case AF_UNIX:
		format_unix(a, buf, size);
		break;
	}
	return buf;
}

const char *
tcpk_addr_format(const struct tcpk_addr *a, char *buf, size_t size)
{
	char	host[TCPK_ADDR_TEXT];

	tcpk_addr_format_host(a, host, sizeof(host));
	switch (tcpk_addr_family(a)) {
	case AF_INET:
		snprintf(buf, size, "%s:%u", host, tcpk_addr_port(a));
		break;
	case AF_INET6:
		snprintf(buf, size, "[%s]:%u", host, tcpk_addr_port(a));
		break;
	case AF_UNIX:
		snprintf(buf, size, "unix:%s", host);
		break;
	default:
		snprintf(buf, size, "unknown");
		break;
	}
	return buf;
}
