/* der: DER put together for tests, by value, and names of all kinds. */
#ifndef DER_H
#define DER_H

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tls_cert_impl.h"

struct der {
	size_t		n;
	unsigned char	b[1500];
};

__attribute__((unused))
static struct der
raw(const void *p, size_t n)
{
	struct der	d;

	if (n > sizeof(d.b))
		abort();
	d.n = n;
	memset(d.b, 0, sizeof(d.b));
	if (n > 0)
		memcpy(d.b, p, n);
	return d;
}

/* From hexadecimal digits; a blank between two bytes sets off what matters. */
__attribute__((unused))
static struct der
hex(const char *s)
{
	struct der	d = raw("", 0);
	char		two[3] = "";

	for (; s[0] != '\0'; s += 2) {
		s += s[0] == ' ';
		memcpy(two, s, 2);
		d.b[d.n++] = (unsigned char)strtoul(two, NULL, 16);
	}
	return d;
}

__attribute__((unused))
static struct der
join(struct der a, struct der b)
{
	if (a.n + b.n > sizeof(a.b))
		abort();
	memcpy(a.b + a.n, b.b, b.n);
	a.n += b.n;
	return a;
}

/* An element around what is given. */
__attribute__((unused))
static struct der
wrap(unsigned tag, struct der body)
{
	unsigned char	head[4] = { (unsigned char)tag };
	size_t		n = 0;

	if (body.n > 0xff) {
		head[++n] = 0x82;
		head[++n] = (unsigned char)(body.n >> 8);
	} else if (body.n > 0x7f)
		head[++n] = 0x81;
	head[++n] = body.n & 0xff;
	return join(raw(head, n + 1), body);
}

__attribute__((unused))
static struct der
text(unsigned tag, const char *s)
{
	return wrap(tag, raw(s, strlen(s)));
}

/* "192.0.2.1" or "192.0.2.0/255.255.255.0"; other text as it is. */
__attribute__((unused))
static struct der
address(const char *s)
{
	struct der	all = hex("");
	unsigned char	ip[16];
	char		buf[100];
	char		*p = buf, *next;

	snprintf(buf, sizeof(buf), "%s", s);
	for (; p != NULL; p = next) {
		next = strchr(p, '/');
		if (next != NULL)
			*next++ = '\0';
		if (inet_pton(AF_INET, p, ip) == 1)
			all = join(all, raw(ip, 4));
		else if (inet_pton(AF_INET6, p, ip) == 1)
			all = join(all, raw(ip, 16));
		else
			all = join(all, raw(p, strlen(p)));
	}
	return all;
}

/* "O=x;CN=y", each as a PrintableString, or as UTF8String for a small o. */
__attribute__((unused))
static struct der
directory(const char *s)
{
	struct der	all = hex(""), pair;
	char		buf[100];
	char		*p, *save;

	snprintf(buf, sizeof(buf), "%s", s);
	for (p = strtok_r(buf, ";", &save); p != NULL;
	    p = strtok_r(NULL, ";", &save)) {
		pair = p[0] == 'C' ? hex("0603550403") : hex("060355040a");
		pair = join(pair, text(p[0] == 'o' ? 0x0c : 0x13,
		    strchr(p, '=') + 1));
		all = join(all, wrap(0x31, wrap(0x30, pair)));
	}
	return wrap(0x30, all);
}

/* A GeneralName from "dns:x", "ip:x", "dir:x", "mail:x", "uri:x", "reg:x". */
__attribute__((unused))
static struct der
general(const char *s)
{
	const char	*v = strchr(s, ':') + 1;
	struct der	 d;
	size_t		 i;

	switch (s[1]) {
	case 'p':
		return wrap(0x87, address(v));
	case 'n':
		/* ~ for NUL. */
		d = text(0x82, v);
		for (i = 2; i < d.n; i++)
			if (d.b[i] == '~')
				d.b[i] = '\0';
		return d;
	case 'a':
		return text(0x81, v);
	case 'r':
		return text(0x86, v);
	case 'e':
		return wrap(0x88, hex("2a0304"));
	default:
		return wrap(0xa4, directory(v));
	}
}

/* The names, a blank between them. */
__attribute__((unused))
static struct der
names(const char *list)
{
	struct der	 all = hex("");
	char		 buf[400];
	char		*p, *save;

	snprintf(buf, sizeof(buf), "%s", list);
	for (p = strtok_r(buf, " ", &save); p != NULL;
	    p = strtok_r(NULL, " ", &save))
		all = join(all, general(p));
	return all;
}

__attribute__((unused))
static struct tcpk__span
span(const struct der *d)
{
	return (struct tcpk__span){ d->b, d->n };
}

#endif
