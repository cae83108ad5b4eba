/* record: the text of --hexdump. */

#include <stdbool.h>

#include <tcpkit/addr.h>

#include "record_impl.h"
#include "record_read.h"
#include "record_text.h"

static const struct msg	errors = { .tool = "test" };

static struct record *
opened(void)
{
	struct tcpk_err	err;
	struct record	*r = record_open("text", NULL, &errors, &err);

	if (r == NULL) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
	return r;
}

static const char	golden[] =
    "T 1 = begin 192.0.2.1:40000 to [2001:db8::1]:443\n"
    "T 1 > 00000000  47 45 54 20 2f 0d 0a 00  01 1f 20 7e 7f 80 ff 7c  "
    "|GET /..... ~...||\n"
    "T 1 > 00000010  61                                                "
    "|a|\n"
    "T 18446744073709551615 = begin unix:/s\\x0a from -\n"
    "T 1 > 00000011  62 63 64 65 66 67 68 69                           "
    "|bcdefghi|\n"
    "T 18446744073709551615 < 00000000  00                                "
    "                |.|\n"
    "T 1 > 00000019  end\n"
    "T 1 < 00000000  31 32 33 34 35 36 37 38  39                       "
    "|123456789|\n"
    "T 18446744073709551615 = reset\n"
    "T 1 < 00000009  end\n"
    "T 1 = end\n";

static void
test_text(void)
{
	struct tcpk_addr	a, b, un;
	struct record		*r = opened();
	struct record_conn	*c, *d;

	tcpk_addr_parse(&a, "192.0.2.1", 40000, NULL);
	tcpk_addr_parse(&b, "2001:db8::1", 443, NULL);
	tcpk_addr_unix(&un, "/s\n", NULL);
	c = record_begin(r, 1, &a, &b, 0, NULL);
	record_bytes(c, RECORD_OUT, "GET /\r\n\0\1\x1f ~\x7f\x80\xff|a", 17);
	d = record_begin(r, UINT64_MAX, &un, NULL, 1, NULL);
	record_bytes(c, RECORD_OUT, "bcdefghi", 8);
	record_bytes(d, RECORD_IN, "", 1);
	record_bytes(c, RECORD_OUT, NULL, 0);
	record_bytes(c, RECORD_OUT, "late", 4);
	record_bytes(c, RECORD_IN, "123456789", 9);
	record_end(d, 1);
	record_bytes(c, RECORD_IN, NULL, 0);
	record_bytes(c, RECORD_IN, NULL, 0);
	record_end(c, 0);
	ok(record_close(r, NULL) == 0, "it is complete");
	is_text("text", golden, "the text is as it is promised");
}

static void
test_offsets(void)
{
	struct record		*r = opened();
	struct record_conn	*c = record_begin(r, 1, NULL, NULL, 0, NULL);

	c->half[0].bytes = UINT32_MAX;
	record_bytes(c, RECORD_OUT, "a", 1);
	record_bytes(c, RECORD_OUT, "bcdefghijklmnopqr", 17);
	c->half[0].bytes = UINT64_MAX - 1;
	record_bytes(c, RECORD_OUT, "s", 1);
	record_bytes(c, RECORD_OUT, NULL, 0);
	c->half[1].bytes = UINT64_C(0x123456789abc);
	record_bytes(c, RECORD_IN, NULL, 0);
	record_end(c, 0);
	record_close(r, NULL);
	is_text("text",
	    "T 1 = begin - to -\n"
	    "T 1 > ffffffff  61                                              "
	    "  |a|\n"
	    "T 1 > 0100000000  62 63 64 65 66 67 68 69  6a 6b 6c 6d 6e 6f 70 "
	    "71  |bcdefghijklmnopq|\n"
	    "T 1 > 0100000010  72                                            "
	    "    |r|\n"
	    "T 1 > fffffffffffffffe  73                                      "
	    "          |s|\n"
	    "T 1 > ffffffffffffffff  end\n"
	    "T 1 < 123456789abc  end\n"
	    "T 1 = end\n", "offsets grow beyond 32 bits");
}

#define MUCH	300001
#define BEFORE	(sizeof("2026-01-31T12:34:56.123456Z 1 > ") - 1)

static unsigned
hex_value(const char *p, int digits)
{
	unsigned	v = 0;
	const char	*at;

	for (; digits > 0; digits--, p++) {
		at = strchr("0123456789abcdef", *p);
		if (at == NULL || *at == '\0')
			return UINT32_MAX;
		v = v << 4 | (unsigned)(at - "0123456789abcdef");
	}
	return v;
}

/* What the lines hold is what was recorded, whatever the buffer's size. */
static void
test_large(void)
{
	unsigned char		*data = malloc(MUCH);
	struct record		*r = opened();
	struct record_conn	*c = record_begin(r, 1, NULL, NULL, 0, NULL);
	size_t			 i, n = 0, len;
	char			*text, *p;
	int			 bad = 0;

	for (i = 0; i < MUCH; i++)
		data[i] = (unsigned char)(i * 7 + i / 251);
	record_bytes(c, RECORD_OUT, data, MUCH);
	record_end(c, 0);
	record_close(r, NULL);
	text = (char *)read_file("text", &len);
	p = memchr(text, '\n', len);
	while (p != NULL && n < MUCH) {
		bad += hex_value(p += BEFORE + 1, 8) != n;
		for (i = 0, p += 10; i < 16 && n < MUCH; i++, n++, p += 3) {
			p += i == 8;
			bad += hex_value(p, 2) != data[n];
		}
		p = memchr(p, '\n', len - (size_t)(p - text));
	}
	ok(bad == 0 && n == MUCH && p != NULL &&
	    strstr(p, " > ") == NULL && strstr(p, " 1 = end\n") != NULL,
	    "a large piece is there, %zu bytes", n);
	free(text);
	free(data);
}

int
main(void)
{
	make_dir();
	test_text();
	test_offsets();
	test_large();
	return done_testing();
}
