#include <arpa/inet.h>
#include <string.h>

#include "tcpkit/addr.h"
#include "tls_cert_impl.h"
#include "tls_der_impl.h"

int
tcpk__lower(int c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

static bool
same_fold(const unsigned char *a, const char *b, size_t n)
{
	size_t	i;

	for (i = 0; i < n; i++)
		if (tcpk__lower(a[i]) != tcpk__lower((unsigned char)b[i]))
			return false;
	return true;
}

static bool
is_host_char(int c)
{
	c = tcpk__lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	    c == '-' || c == '_';
}

/* NULL or what is wrong with it; n is without the dot at its end. */
static const char *
why_not(const char *host, size_t n)
{
	size_t	i, label = 0;

	if (n == 0)
		return "it is empty";
	if (n > 253)
		return "it has more than 253 characters";
	for (i = 0; i <= n; i++) {
		if (i < n && host[i] != '.') {
			if (!is_host_char((unsigned char)host[i]))
				return "only letters, digits, - and _ may "
				    "stand between its dots";
			label++;
			continue;
		}
		if (label == 0)
			return "nothing stands between two dots";
		if (label > 63)
			return "a part of it has more than 63 characters";
		if (host[i - label] == '-')
			return "a part of it begins with -";
		label = 0;
	}
	if (tcpk_addr_looks_ipv4(host))
		return "it is a number";
	return NULL;
}

int
tcpk__host_check(char out[TCPK__HOST], const char *host, struct tcpk_err *err)
{
	const char	*what;
	size_t		 n = strlen(host);

	if (n > 0 && host[n - 1] == '.')
		n--;
	what = why_not(host, n);
	if (what != NULL)
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "\"%.80s\" is not a host name: %s", host, what);
	memcpy(out, host, n);
	out[n] = '\0';
	return 0;
}

int
tcpk__host_ip(const char *host, unsigned char out[16])
{
	struct tcpk_addr	 a;
	const char		*zone;
	char			 buf[INET6_ADDRSTRLEN];
	size_t			 n;

	if (strchr(host, ':') == NULL) {
		if (tcpk_addr_parse(&a, host, 0, NULL) == -1)
			return 0;
		memcpy(out, &a.u.in.sin_addr, 4);
		return AF_INET;
	}
	/* Not tcpk_addr_parse: it wants the zone to be one of this machine. */
	zone = strchr(host, '%');
	n = zone == NULL ? strlen(host) : (size_t)(zone - host);
	if (n >= sizeof(buf) || (zone != NULL && zone[1] == '\0'))
		return 0;
	memcpy(buf, host, n);
	buf[n] = '\0';
	return inet_pton(AF_INET6, buf, out) == 1 ? AF_INET6 : 0;
}

static bool
has_ip(const struct tcpk__cert *c, const unsigned char *ip, size_t n)
{
	struct tcpk__span	rest = c->san;
	struct tcpk__tlv	name;

	while (tcpk__der_next(&rest, &name))
		if (name.tag == NAME_IP && name.body.n == n &&
		    memcmp(name.body.p, ip, n) == 0)
			return true;
	return false;
}

/* The host has been checked: there is no * and no NUL in it to meet. */
static bool
match(struct tcpk__span name, const char *host)
{
	if (name.n >= 2 && name.p[0] == '*' && name.p[1] == '.') {
		host = strchr(host, '.');
		if (host == NULL || strchr(host + 1, '.') == NULL)
			return false;
		name.p++;
		name.n--;
	}
	return name.n == strlen(host) && same_fold(name.p, host, name.n);
}

bool
tcpk__cert_dns(const struct tcpk__cert *c, size_t i, struct tcpk__span *name)
{
	struct tcpk__span	rest = c->san;
	struct tcpk__tlv	t;

	while (tcpk__der_next(&rest, &t)) {
		if (t.tag != NAME_DNS || i-- > 0)
			continue;
		*name = t.body;
		return true;
	}
	return false;
}

bool
tcpk__cert_is_for(const struct tcpk__cert *c, const char *host)
{
	struct tcpk__span	rest = c->san;
	struct tcpk__tlv	name;
	struct in6_addr		in6;
	unsigned char		ip[16];
	char			checked[TCPK__HOST];

	switch (tcpk__host_ip(host, ip)) {
	case AF_INET:
		return has_ip(c, ip, 4);
	case AF_INET6:
		memcpy(&in6, ip, sizeof(in6));
		return has_ip(c, ip, 16) || (IN6_IS_ADDR_V4MAPPED(&in6) &&
		    has_ip(c, ip + 12, 4));
	}
	if (tcpk__host_check(checked, host, NULL) == -1)
		return false;
	while (tcpk__der_next(&rest, &name))
		if (name.tag == NAME_DNS && match(name.body, checked))
			return true;
	return false;
}
