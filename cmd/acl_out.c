#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "acl_out.h"

/* Somebody else may have made standard output non-blocking. */
static void
wait_writable(int fd)
{
	struct pollfd	pfd = { .fd = fd, .events = POLLOUT };

	poll(&pfd, 1, -1);
}

static void
write_all(struct acl_out *o, const char *p, size_t n)
{
	ssize_t	w;

	while (n > 0 && o->error == 0) {
		w = write(o->fd, p, n);
		if (w >= 0) {
			p += w;
			n -= (size_t)w;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK)
			wait_writable(o->fd);
		else if (errno != EINTR)
			o->error = errno;
	}
}

void
acl_out_flush(struct acl_out *o)
{
	write_all(o, o->buf, o->n);
	o->n = 0;
}

void
acl_out_large(struct acl_out *o, const char *p, size_t n)
{
	acl_out_flush(o);
	if (n >= ACL_OUT_SIZE / 2) {
		write_all(o, p, n);
		return;
	}
	memcpy(o->buf, p, n);
	o->n = n;
}

void
acl_out_text(struct acl_out *o, const char *text)
{
	acl_out_bytes(o, text, strlen(text));
}

void
acl_out_number(struct acl_out *o, uint64_t v)
{
	char	buf[24];
	int	n;

	n = snprintf(buf, sizeof(buf), "%" PRIu64, v);
	acl_out_bytes(o, buf, (size_t)n);
}

void
acl_out_json(struct acl_out *o, const char *p, size_t n)
{
	static const char	hex[] = "0123456789abcdef";
	unsigned char		c;
	char			esc[] = "\\u00xx";
	size_t			i, plain = 0;

	for (i = 0; i < n; i++) {
		c = (unsigned char)p[i];
		if (c >= ' ' && c < 0x7f && c != '"' && c != '\\')
			continue;
		acl_out_bytes(o, p + plain, i - plain);
		esc[4] = hex[c >> 4];
		esc[5] = hex[c & 15];
		acl_out_bytes(o, esc, 6);
		plain = i + 1;
	}
	acl_out_bytes(o, p + plain, n - plain);
}

static void
key_only(struct acl_out *o, const char *key)
{
	acl_out_bytes(o, ",\"", 2);
	acl_out_text(o, key);
	acl_out_bytes(o, "\":", 2);
}

void
acl_out_key(struct acl_out *o, const char *key, const char *value)
{
	key_only(o, key);
	if (value == NULL) {
		acl_out_text(o, "null");
		return;
	}
	acl_out_bytes(o, "\"", 1);
	acl_out_json(o, value, strlen(value));
	acl_out_bytes(o, "\"", 1);
}

void
acl_out_key_number(struct acl_out *o, const char *key, uint64_t v)
{
	key_only(o, key);
	acl_out_number(o, v);
}

void
acl_out_object(struct acl_out *o, const char *event)
{
	acl_out_text(o, "{\"event\":\"");
	acl_out_text(o, event);
	acl_out_text(o, "\",\"tool\":\"tcpacl-check\"");
}
