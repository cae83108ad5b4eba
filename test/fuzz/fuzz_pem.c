/*
 * fuzz_pem: any text as PEM, and as a pin.  It comes to an end, what is
 * decoded has room, and written anew by another hand it is read as the same.
 */
#include <bearssl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tls_cert_impl.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
need(int cond)
{
	if (!cond)
		abort();
}

static void
check_again(const struct tcpk__pem_object *o, const unsigned char *der,
    unsigned flags)
{
	struct tcpk__pem	 it;
	struct tcpk__pem_object	 again;
	unsigned char		*out;
	char			*text;
	size_t			 n;

	n = br_pem_encode(NULL, der, o->n, o->label, flags);
	text = malloc(n + 1);
	out = malloc(TCPK__PEM_ROOM(n));
	need(text != NULL && out != NULL);
	br_pem_encode(text, der, o->n, o->label, flags);
	tcpk__pem_init(&it, text, n);
	need(tcpk__pem_next(&it, &again, out, NULL) == 1 &&
	    again.n == o->n && memcmp(out, der, o->n) == 0 &&
	    strcmp(again.label, o->label) == 0 && !again.encrypted &&
	    again.line == 1);
	need(tcpk__pem_next(&it, &again, out, NULL) == 0);
	free(text);
	free(out);
}

static void
check_text(const char *text, size_t size)
{
	struct tcpk__pem	 it;
	struct tcpk__pem_object	 o;
	struct tcpk_err		 err;
	unsigned char		*der;
	unsigned		 line = 0;
	size_t			 room;
	int			 r;

	tcpk__pem_init(&it, text, size);
	do {
		room = TCPK__PEM_ROOM((size_t)(it.end - it.p));
		der = malloc(room);
		need(der != NULL);
		memset(&err, 0, sizeof(err));
		r = tcpk__pem_next(&it, &o, der, &err);
		need(memchr(o.label, '\0', sizeof(o.label)) != NULL);
		need((err.kind == TCPK_EUSAGE) == (r == -1));
		if (r == 1) {
			need(o.line > line && o.n > 0 && o.n <= room);
			line = o.line;
			check_again(&o, der, 0);
			check_again(&o, der, BR_PEM_LINE64 | BR_PEM_CRLF);
		}
		free(der);
	} while (r == 1);
	need(r == -1 || it.p == it.end);
}

static void
check_pin(const char *text, size_t size)
{
	unsigned char	pin[TCPK__PIN];
	char		buf[TCPK__PIN_TEXT];

	if (tcpk__pin_parse(pin, text, size, NULL) == 0)
		need(strlen(tcpk__pin_format(pin, buf)) == size &&
		    memcmp(text, buf, size) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_text((const char *)data, size);
	check_pin((const char *)data, size);
	return 0;
}
