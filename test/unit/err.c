/* err: setting, wrapping and cutting, and the words. */

#include <errno.h>
#include <string.h>

#include <tcpkit/err.h>

#include "tap.h"

int
main(void)
{
	static const struct {
		enum tcpk_err_kind	kind;
		const char		*word;
	} words[] = {
		{ TCPK_OK, "ok" },
		{ TCPK_EUSAGE, "usage" },
		{ TCPK_ECONNECT, "connect" },
		{ TCPK_ENAME, "name" },
		{ TCPK_ETIMEOUT, "timeout" },
		{ TCPK_ETLS, "tls" },
		{ TCPK_ECUT, "cut-short" },
		{ TCPK_EIO, "local-io" },
		{ TCPK_EPROGRAM, "program" },
	};
	struct tcpk_err	e;
	char		text[600], why[128];
	size_t		i, n;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		ok(strcmp(tcpk_err_word(words[i].kind), words[i].word) == 0,
		    "word of kind %zu: %s", i, tcpk_err_word(words[i].kind));
	ok(tcpk_err_word((enum tcpk_err_kind)99) != NULL &&
	    tcpk_err_word((enum tcpk_err_kind)-1) != NULL,
	    "a word for what is no kind");

	memset(&e, 0x55, sizeof(e));
	ok(tcpk_err_set(&e, TCPK_ETLS, "%s: %d", "what", 7) == -1 &&
	    e.kind == TCPK_ETLS && e.code == 0 &&
	    strcmp(e.text, "what: 7") == 0, "set: %s", e.text);
	ok(tcpk_err_errno(&e, TCPK_EIO, ENOENT, "open %s", "x") == -1 &&
	    e.kind == TCPK_EIO && e.code == ENOENT, "errno");
	snprintf(text, sizeof(text), "open x: %s", strerror(ENOENT));
	ok(strcmp(e.text, text) == 0, "errno: %s", e.text);
	tcpk_err_errno(&e, TCPK_EIO, 0, "open %s", "x");
	ok(strcmp(e.text, "open x") == 0, "errno 0 adds nothing: %s", e.text);
	ok(tcpk_err_wrap(&e, "file %d", 3) == -1 && e.kind == TCPK_EIO &&
	    strcmp(e.text, "file 3: open x") == 0, "wrap: %s", e.text);
	tcpk_err_clear(&e);
	ok(e.kind == TCPK_OK && e.code == 0 && e.text[0] == '\0', "clear");

	tcpk_err_clear(NULL);
	ok(tcpk_err_set(NULL, TCPK_EIO, "x") == -1 &&
	    tcpk_err_errno(NULL, TCPK_EIO, 1, "x") == -1 &&
	    tcpk_err_wrap(NULL, "x") == -1, "NULL is fine");

	/* Around the size of the text: whole, or marked as cut. */
	snprintf(why, sizeof(why), ": %s", strerror(EACCES));
	for (n = 230; n < 280; n++) {
		memset(text, 'a', n);
		text[n] = '\0';
		tcpk_err_set(&e, TCPK_EIO, "%s", text);
		if (n < sizeof(e.text) ? strcmp(e.text, text) != 0 :
		    strlen(e.text) != sizeof(e.text) - 1 ||
		    strcmp(e.text + sizeof(e.text) - 4, "...") != 0)
			break;
		tcpk_err_errno(&e, TCPK_EIO, EACCES, "%s", text);
		if (n + strlen(why) < sizeof(e.text) ?
		    strcmp(e.text + n, why) != 0 :
		    strlen(e.text) != sizeof(e.text) - 1 ||
		    strcmp(e.text + sizeof(e.text) - 4, "...") != 0)
			break;
		tcpk_err_set(&e, TCPK_EIO, "%s", text);
		tcpk_err_wrap(&e, "b");
		if (n + 3 < sizeof(e.text) ? strcmp(e.text + 3, text) != 0 :
		    strlen(e.text) != sizeof(e.text) - 1 ||
		    strcmp(e.text + sizeof(e.text) - 4, "...") != 0)
			break;
		tcpk_err_set(&e, TCPK_EIO, "b");
		tcpk_err_wrap(&e, "%s", text);
		if (strlen(e.text) > sizeof(e.text) - 1 ||
		    (n + 3 >= sizeof(e.text) &&
		    strcmp(e.text + sizeof(e.text) - 4, "...") != 0))
			break;
	}
	ok(n == 280, "long texts are whole or end with \"...\" (%zu)", n);
	tcpk_err_set(&e, TCPK_EIO, "%s", "100%s%n");
	tcpk_err_wrap(&e, "%s", "%d");
	ok(strcmp(e.text, "%d: 100%s%n") == 0, "per cents: %s", e.text);
	return done_testing();
}
