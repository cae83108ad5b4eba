/* tls_pem: PEM as files have it, and reading files. */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tls_cert_impl.h"

#include "tap.h"

/* All objects of a text, "LABEL@LINE[!]=HEX " each, then what is wrong. */
static const char *
list(const char *text, size_t n)
{
	static char		 buf[4000];
	struct tcpk__pem	 it;
	struct tcpk__pem_object	 o;
	struct tcpk_err		 err;
	unsigned char		*der;
	char			*copy;
	size_t			 i, at = 0;
	int			 r;

	/* Each of its own size, so that a byte beyond it is found. */
	copy = malloc(n + (n == 0));
	if (copy == NULL)
		abort();
	memcpy(copy, text, n);
	tcpk__pem_init(&it, copy, n);
	buf[0] = '\0';
	tcpk_err_clear(&err);
	do {
		der = malloc(TCPK__PEM_ROOM((size_t)(it.end - it.p)));
		if (der == NULL)
			abort();
		r = tcpk__pem_next(&it, &o, der, &err);
		if (r == 1) {
			at += (size_t)snprintf(buf + at, sizeof(buf) - at,
			    "%s@%u%s=", o.label, o.line,
			    o.encrypted ? "!" : "");
			for (i = 0; i < o.n && i < 20; i++)
				at += (size_t)snprintf(buf + at,
				    sizeof(buf) - at, "%02x", der[i]);
			at += (size_t)snprintf(buf + at, sizeof(buf) - at,
			    " ");
		}
		free(der);
	} while (r == 1);
	if (r == -1)
		snprintf(buf + at, sizeof(buf) - at, "%s", err.text);
	if (r == -1 && err.kind != TCPK_EUSAGE)
		return "an error of another kind";
	free(copy);
	return buf;
}

#define B(x)	"-----BEGIN " x "-----\n"
#define E(x)	"-----END " x "-----\n"
#define L30	"abcdefghijklmnopqrstuvwxyz1234"

static const struct {
	const char	*text, *want;
} texts[] = {
	{ "", "" },
	{ "\n\n", "" },
	{ "no PEM in here", "" },
	{ "-----\n--BEGIN X-----\n -----BEGIN X-----\n", "" },
	{ B("X") "Zm9vYmFy\n" E("X"), "X@1=666f6f626172 " },
	{ B("X") "Zm9vYmE=\n" E("X"), "X@1=666f6f6261 " },
	{ B("X") "Zm9vYg==\n" E("X"), "X@1=666f6f62 " },
	{ B("X") "Zm9v\n" E("X"), "X@1=666f6f " },
	{ B("X") "Zg==\n" E("X"), "X@1=66 " },
	{ B("X") "+/AZaz09\n" E("X"), "X@1=fbf0196b3d3d " },
	{ B("X") "////\n" E("X"), "X@1=ffffff " },
	{ B("X") "Zm9v\n-----END X-----", "X@1=666f6f " },
	{ "-----BEGIN X-----\r\nZm9v\r\nYmFy\r\n-----END X-----\r\n",
	    "X@1=666f6f626172 " },
	{ "-----BEGIN X-----  \t\n  Zm9v \n-----END X----- ",
	    "X@1=666f6f " },
	{ "\xef\xbb\xbf" B("X") "Zm9v\n" E("X"), "X@1=666f6f " },
	/* Lines of any length, blanks and empty lines in between. */
	{ B("X") "Z\nm\n9\nv\n" E("X"), "X@1=666f6f " },
	{ B("X") "Zm9vY\nmFyZm\n9\n\nvYmFy\n" E("X"),
	    "X@1=666f6f626172666f6f626172 " },
	{ B("X") "Zm 9v\tYm Fy\n" E("X"), "X@1=666f6f626172 " },
	{ B("X") "Zg=\n=\n" E("X"), "X@1=66 " },
	{ "a\n" B("X") "Zm9v\n" E("X") "\nb: c\n" B("Y Z") "Zg==\n" E("Y Z")
	    "end", "X@2=666f6f Y Z@7=66 " },
	{ B(L30 L30) "Zm9v\n" E(L30 L30), L30 "abcdefghi@1=666f6f " },
	{ B("X") "Zm9v\n" E("X") B("X"), "X@1=666f6f line 4: X without an "
	    "END" },
	/* Headers. */
	{ B("X") "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nZm9v\n"
	    E("X"), "X@1!=666f6f " },
	{ B("X") "Proc-Type: 4,ENCRYPTED\r\nA: b\r\n c\r\n\td\r\n\r\nZm9v\n"
	    E("X"), "X@1!=666f6f " },
	{ B("X") "Proc-Type: 4,MIC-CLEAR\n\nZm9v\n" E("X"),
	    "X@1=666f6f " },
	{ B("X") "Proc-Type: 4,ENCRYPTED\n\nZg==\n" E("X") B("Y") "Zg==\n"
	    E("Y"), "X@1!=66 Y@6=66 " },
	{ B("X") "A: b\nZm9v\n" E("X"),
	    "line 3: no empty line behind the headers of X" },
	{ B("X") "Zm:v\n" E("X"),
	    "line 3: no empty line behind the headers of X" },
	{ B("X") "A: b\n", "line 3: no empty line behind the headers of X" },
	{ B("A:B") "Zm9v\n" E("A:B"), "A:B@1=666f6f " },
	{ B("X") "Zm9v\nA: b\n" E("X"), "line 3: a byte that is not base64" },
	/* BEGIN and END. */
	{ "-----BEGIN X----\n", "line 1: malformed BEGIN" },
	{ "\n-----BEGIN -----\n", "line 2: malformed BEGIN" },
	{ "-----BEGIN \n", "" },
	{ "-----BEGIN ----\n", "line 1: malformed BEGIN" },
	{ "-----BEGIN a\033[m-----\n", "line 1: malformed BEGIN" },
	{ "-----BEGIN X-----", "line 1: X without an END" },
	{ B("X") "Zm9v\n", "line 1: X without an END" },
	{ B("X") "Zm9v\n" B("Y") "Zm9v\n" E("Y"),
	    "line 1: X without an END" },
	{ B("X") "Zm9v\n" E("Y"), "line 3: not the END of X in line 1" },
	{ B("X") "Zm9v\n" E("XX"), "line 3: not the END of X in line 1" },
	{ B("XX") "Zm9v\n" E("X"), "line 3: not the END of XX in line 1" },
	{ B("X") "Zm9v\n-----END X----\n",
	    "line 3: not the END of X in line 1" },
	{ B("X") "Zm9v\n-----END \n", "line 3: a byte that is not base64" },
	{ "\n" E("X"), "line 2: an END without a BEGIN" },
	{ B("X") "Zm9v\n" E("X") E("X"),
	    "X@1=666f6f line 4: an END without a BEGIN" },
	{ B("X") "Zm9v-----END X-----\n", "line 2: a byte that is not "
	    "base64" },
	{ B("X") "----END X-----\n", "line 2: a byte that is not base64" },
	/* Base64. */
	{ B("X") E("X"), "line 1: X with nothing in it" },
	{ B("X") "\n\n" E("X"), "line 1: X with nothing in it" },
	{ B("X") "Zm9\n" E("X"), "line 3: base64 that is cut short" },
	{ B("X") "Zm9vZ\n" E("X"), "line 3: base64 that is cut short" },
	{ B("X") "Zg=\n" E("X"), "line 3: base64 that is cut short" },
	{ B("X") "Zg==\nZg==\n" E("X"), "line 3: base64 behind its end" },
	{ B("X") "Zg=a\n" E("X"), "line 2: base64 behind its end" },
	{ B("X") "Zm9vYg==Zm9v\n" E("X"), "line 2: base64 behind its end" },
	{ B("X") "Z===\n" E("X"), "line 2: an equals sign that does not "
	    "belong there" },
	{ B("X") "====\n" E("X"), "line 2: an equals sign that does not "
	    "belong there" },
	{ B("X") "Zg===\n" E("X"), "line 2: an equals sign that does not "
	    "belong there" },
	{ B("X") "Zm8=\n=\n" E("X"), "line 3: an equals sign that does not "
	    "belong there" },
	{ B("X") "Zh==\n" E("X"), "line 2: base64 with bits behind its last "
	    "byte" },
	{ B("X") "Zm9=\n" E("X"), "line 2: base64 with bits behind its last "
	    "byte" },
	{ B("X") "Zm9v\nZm_v\n" E("X"), "line 3: a byte that is not base64" },
	{ B("X") "Zm9v\nZm9v\xe4\n" E("X"),
	    "line 3: a byte that is not base64" },
	{ B("X") "Zm9v\rZm9v\n" E("X"), "X@1=666f6f666f6f " },
};

static void
test_texts(void)
{
	const char	*got;
	size_t		 i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		got = list(texts[i].text, strlen(texts[i].text));
		ok(strcmp(got, texts[i].want) == 0, "%zu: %s", i + 1, got);
	}
	got = list(B("X") "Zm\0v\n" E("X"), sizeof(B("X") "Zm\0v\n" E("X")));
	ok(strcmp(got, "line 2: a byte that is not base64") == 0, "NUL: %s",
	    got);
}

/* Every value of a byte, at each place of four. */
static void
test_digits(void)
{
	static const char	all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	char			text[] = B("X") "AAAA\n" E("X");
	char			want[40];
	const char		*digit;
	unsigned		at, v;
	int			c, wrong = 0;

	for (at = 0; at < 4; at++)
		for (c = 0; c < 256; c++) {
			memcpy(text + sizeof(B("X")) - 1, "AAAA", 4);
			text[sizeof(B("X")) - 1 + at] = (char)c;
			digit = c == 0 ? NULL : strchr(all, c);
			if (digit == NULL) {
				wrong += strchr(" \t\r\n=-:", c) == NULL &&
				    strcmp(list(text, sizeof(text) - 1),
				    "line 2: a byte that is not base64") != 0;
				continue;
			}
			v = (unsigned)(digit - all) << (18 - 6 * at);
			snprintf(want, sizeof(want), "X@1=%06x ", v);
			wrong += strcmp(list(text, sizeof(text) - 1), want)
			    != 0;
		}
	ok(wrong == 0, "every digit (%d wrong)", wrong);
}

static void
test_mutations(void)
{
	static const char	whole[] = "x\r\n" B("RSA PRIVATE KEY")
	    "Proc-Type: 4,ENCRYPTED\n DEK\n\nZm9vYmFyZm9v\nYmE=\n"
	    E("RSA PRIVATE KEY") "\n" B("Y") "Zg==\n" E("Y");
	static const char	first[] = "RSA PRIVATE KEY@2!="
	    "666f6f626172666f6f6261 ";
	char			text[sizeof(whole)];
	const char		*got;
	size_t			i;
	int			c, bad = 0;

	for (i = 0; i < sizeof(whole) - 2; i++) {
		got = list(whole, i);
		/* Cut short, it is never another object. */
		bad += strncmp(got, "line", 4) != 0 && got[0] != '\0' &&
		    strcmp(got, first) != 0 &&
		    (strncmp(got, first, sizeof(first) - 1) != 0 ||
		    strncmp(got + sizeof(first) - 1, "line", 4) != 0);
	}
	ok(bad == 0, "cut short anywhere");
	memcpy(text, whole, sizeof(whole));
	for (i = 0; i < sizeof(whole) - 1; i++)
		for (c = 1; c < 256; c += c < 8 ? 1 : 31) {
			text[i] = (char)(whole[i] ^ c);
			list(text, sizeof(whole) - 1);
			text[i] = whole[i];
		}
	ok(1, "changed anywhere");
	for (i = 0; i < sizeof(whole) - 1; i++)
		if (whole[i] == '\n') {
			memcpy(text, whole, sizeof(whole));
			memmove(text + i, text + i + 1, sizeof(whole) - i - 1);
			list(text, sizeof(whole) - 2);
		}
	ok(1, "without one of its newlines");
}

static bool
put_file(const char *file, const char *text, size_t n)
{
	FILE	*f = fopen(file, "w");

	if (f == NULL)
		return false;
	fwrite(text, 1, n, f);
	return fclose(f) == 0;
}

static void
test_files(void)
{
	static const size_t	sizes[] = { 0, 1, 16383, 16384, 16385, 50000 };
	char			dir[] = "tls_pem.XXXXXX", file[40], *p, *big;
	struct tcpk_err		err;
	size_t			i, n;
	int			pipe_fd[2];

	big = malloc(50000);
	if (big == NULL || mkdtemp(dir) == NULL)
		abort();
	for (i = 0; i < 50000; i++)
		big[i] = (char)(i * 7);
	snprintf(file, sizeof(file), "%s/file", dir);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		put_file(file, big, sizes[i]);
		p = tcpk__file_read(file, sizes[i], &n, &err);
		ok(p != NULL && n == sizes[i] && memcmp(p, big, n) == 0,
		    "%zu bytes", n);
		free(p);
		if (sizes[i] == 0)
			continue;
		tcpk_err_clear(&err);
		p = tcpk__file_read(file, sizes[i] - 1, &n, &err);
		ok(p == NULL && err.kind == TCPK_EUSAGE &&
		    strstr(err.text, "/file: ") != NULL, "one too many: %s",
		    err.text);
		free(p);
	}
	p = tcpk__file_read(dir, 1000, &n, &err);
	ok(p == NULL && err.kind == TCPK_EIO && strncmp(err.text, dir,
	    strlen(dir)) == 0, "a directory: %s", err.text);
	unlink(file);
	p = tcpk__file_read(file, 1000, &n, &err);
	ok(p == NULL && err.kind == TCPK_EIO && err.code == ENOENT,
	    "no such file: %s", err.text);
	ok(tcpk__file_read(file, 1000, &n, NULL) == NULL, "err may be NULL");
	rmdir(dir);
	if (pipe(pipe_fd) == -1)
		abort();
	snprintf(file, sizeof(file), "/dev/fd/%d", pipe_fd[0]);
	if (access(file, R_OK) == 0) {
		ok(write(pipe_fd[1], big, 20000) == 20000, "into a pipe");
		close(pipe_fd[1]);
		p = tcpk__file_read(file, 20000, &n, &err);
		ok(p != NULL && n == 20000 && memcmp(p, big, n) == 0,
		    "out of a pipe: %zu", n);
		free(p);
	} else
		close(pipe_fd[1]);
	close(pipe_fd[0]);
	free(big);
}

int
main(void)
{
	test_texts();
	test_digits();
	test_mutations();
	test_files();
	return done_testing();
}
