/*
 * acl_out: results on standard output, gathered into large writes.
 *
 * The first error stays in o->error (an errno value) and what comes after it
 * is dropped; the caller looks when it has something to decide.
 */
#ifndef ACL_OUT_H
#define ACL_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ACL_OUT_SIZE	(128 * 1024)

struct acl_out {
	int	fd;
	int	error;
	size_t	n;
	char	buf[ACL_OUT_SIZE];
};

void	acl_out_flush(struct acl_out *);
void	acl_out_large(struct acl_out *, const char *, size_t);

static inline void
acl_out_bytes(struct acl_out *o, const char *p, size_t n)
{
	if (n > ACL_OUT_SIZE - o->n) {
		acl_out_large(o, p, n);
		return;
	}
	memcpy(o->buf + o->n, p, n);
	o->n += n;
}

/*
 * Room for ACL_OUT_MANY short lines, which are put there by the caller; he
 * says where they end.
 */
#define ACL_OUT_SHORT	32
#define ACL_OUT_MANY	64

static inline char *
acl_out_room(struct acl_out *o)
{
	if (ACL_OUT_SIZE - o->n < ACL_OUT_MANY * ACL_OUT_SHORT)
		acl_out_flush(o);
	return o->buf + o->n;
}

static inline void
acl_out_filled(struct acl_out *o, const char *end)
{
	o->n = (size_t)(end - o->buf);
}

void	acl_out_text(struct acl_out *, const char *);
void	acl_out_number(struct acl_out *, uint64_t);

/*
 * The inside of a JSON string: control characters, quotes and every byte
 * that is not ASCII are escaped, so that any bytes make valid JSON.
 */
void	acl_out_json(struct acl_out *, const char *, size_t);

/* ,"key":"value" or, without a value, ,"key":null. */
void	acl_out_key(struct acl_out *, const char *key, const char *value);
void	acl_out_key_number(struct acl_out *, const char *key, uint64_t);

/* {"event":"EVENT","tool":"tcpacl-check" */
void	acl_out_object(struct acl_out *, const char *event);

#endif
