/*
 * stream_lines: LF to CR LF however the bytes are cut, and lines one at a
 * time, on a clock that stands still: so what is early or late by a
 * millisecond shows, and nothing is waited for.
 */

#include <signal.h>

#include "fake.h"
#include "help.h"

static struct tcpk_loop	*loop;

/* What was read, and how; said is what the last read said. */
struct reader {
	char		text[4096];
	size_t		n, size;	/* of one read */
	int		pieces, calls;
	ssize_t		said;
	struct tcpk_stream *s;
};

static ssize_t
read_once(struct reader *r)
{
	char	buf[1024];
	size_t	room = sizeof(r->text) - 1 - r->n;

	if (room > r->size)
		room = r->size;
	r->said = tcpk_stream_read(r->s, buf, room < 1024 ? room : 1024);
	if (r->said > 0) {
		memcpy(r->text + r->n, buf, (size_t)r->said);
		r->n += (size_t)r->said;
		r->pieces++;
	}
	return r->said;
}

/* One read a call, as readiness lasts. */
static void
on_ready(void *arg, unsigned ready)
{
	struct reader	*r = arg;

	r->calls++;
	if ((ready & TCPK_READ) == 0)
		return;
	if (read_once(r) == 0 || r->said == -1)
		tcpk_stream_want(r->s, 0);
}

static void
open_reader(struct reader *r, struct tcpk_stream *inner, bool crlf,
    uint64_t interval, size_t size)
{
	memset(r, 0, sizeof(*r));
	r->size = size;
	r->said = TCPK_AGAIN;
	r->s = tcpk_stream_lines(loop, inner, crlf, interval, NULL);
	tcpk_stream_on_ready(r->s, on_ready, r);
	tcpk_stream_want(r->s, TCPK_READ);
}

/* Let ms pass, and let everything happen that then does. */
static void
pass(uint64_t ms)
{
	int	i;

	fake_clock += ms * TCPK_MS;
	for (i = 0; i < 30; i++) {
		fake_clock += 1000;	/* what the fakes' ticks take */
		tcpk_loop_turn(loop, 0, NULL);
	}
}

/* What CR LF is to come out. */
static void
reference(const char *in, size_t n, char *out)
{
	size_t	i;

	for (i = 0; i < n; i++) {
		if (in[i] == '\n' && (i == 0 || in[i - 1] != '\r'))
			*out++ = '\r';
		*out++ = in[i];
	}
	*out = '\0';
}

/* --- CR LF -------------------------------------------------------------- */

/* The text, cut where the bits are, read by size bytes. */
static bool
comes_right(const char *text, size_t len, unsigned cuts, size_t size,
    uint64_t interval)
{
	struct script	script = { .text = text };
	struct reader	r;
	struct fake	f;
	char		want[64];
	size_t		i, from = 0, steps = 0;
	int		turns;

	for (i = 1; i <= len; i++)
		if (i == len || (cuts >> (i - 1) & 1) != 0) {
			script.in[steps].what = DATA;
			script.in[steps++].n = (long)(i - from);
			from = i;
		}
	fake_init(&f, 'a', loop, &script, NULL);
	open_reader(&r, &f.s, true, interval, size);
	for (turns = 0; turns < 200 && r.said != 0; turns++) {
		fake_clock += 1000;
		tcpk_loop_turn(loop, 0, NULL);
	}
	tcpk_stream_free(r.s);
	reference(text, len, want);
	if (r.said == 0 && strcmp(r.text, want) == 0 && f.frees == 1)
		return true;
	note("cuts %#x, size %zu: \"%s\"", cuts, size, r.text);
	return false;
}

static void
test_crlf_all(void)
{
	static const char	letters[] = "\r\nx";
	char			text[8];
	size_t			len, size;
	unsigned		n, k, cuts, all;
	int			wrong = 0, cases = 0;

	for (len = 1, all = 3; len <= 5; len++, all *= 3)
		for (n = 0; n < all; n++) {
			for (k = n, size = 0; size < len; size++, k /= 3)
				text[size] = letters[k % 3];
			for (cuts = 0; cuts < 1u << (len - 1); cuts++)
				for (size = 1; size <= 3; size++) {
					cases++;
					wrong += !comes_right(text, len, cuts,
					    size, 0);
				}
			/* A line each microsecond: the turns go on by one. */
			wrong += !comes_right(text, len, n, 1 + n % 3, 1000);
		}
	ok(wrong == 0, "up to five of CR, LF, x, cut everywhere (%d cases)",
	    cases);
}

/* Bytes of all values, many at once. */
static void
test_crlf_much(void)
{
	struct script	 script = { .in = { { DATA, 300000 } } };
	struct tcpk_stream *s;
	struct fake	 f, same;
	static char	 in[300000], want[310000], got[310000];
	size_t		 n = 0, i, expected = 0;
	ssize_t		 r;

	fake_init(&same, 'a', loop, &script, NULL);
	for (i = 0; i < sizeof(in); i++)
		in[i] = (char)fake_byte(&same, i);
	for (i = 0; i < sizeof(in); i++) {
		if (in[i] == '\n' && (i == 0 || in[i - 1] != '\r'))
			want[expected++] = '\r';
		want[expected++] = in[i];
	}
	fake_init(&f, 'a', loop, &script, NULL);
	s = tcpk_stream_lines(loop, &f.s, true, 0, NULL);
	while ((r = tcpk_stream_read(s, got + n, sizeof(got) - n)) > 0)
		n += (size_t)r;
	ok(r == 0 && n == expected && expected > sizeof(in) + 1000 &&
	    memcmp(got, want, n) == 0, "300,000 bytes, of them %zu LF",
	    expected - sizeof(in));
	ok(f.reads <= 8, "by large pieces (%d reads)", f.reads);
	tcpk_stream_free(s);
}

static void
test_as_it_is(void)
{
	struct script	script = {
		.text = "a\nb\r\n", .in = { { DATA, 5 }, { END, 0 } }
	};
	struct reader	r;
	struct fake	f;

	fake_init(&f, 'a', loop, &script, NULL);
	open_reader(&r, &f.s, false, 0, 100);
	pass(0);
	ok(strcmp(r.text, "a\nb\r\n") == 0 && r.pieces == 1 && r.said == 0,
	    "with neither, all is as it was");
	tcpk_stream_free(r.s);
}

/* --- one at a time ------------------------------------------------------ */

static void
test_interval(void)
{
	struct script	script = {
		.text = "one\ntwo\nthree",
		.in = { { DATA, 13 }, { END, 0 } }
	};
	struct reader	r;
	struct fake	f;
	int		reads, calls;

	fake_init(&f, 'a', loop, &script, NULL);
	open_reader(&r, &f.s, true, 100 * TCPK_MS, 100);
	pass(0);
	ok(strcmp(r.text, "one\r\n") == 0, "the first line comes at once");
	reads = f.reads;
	calls = r.calls;
	ok(f.want == 0, "nothing is wanted from below meanwhile");
	pass(98);
	ok(strcmp(r.text, "one\r\n") == 0, "and nothing after 98 ms");
	ok(r.calls == calls && f.reads == reads, "nobody is woken");
	pass(3);
	ok(strcmp(r.text, "one\r\ntwo\r\n") == 0, "the second does, then");
	pass(90);
	ok(strcmp(r.text, "one\r\ntwo\r\n") == 0 && r.said != 0,
	    "the last waits, too");
	pass(12);
	ok(strcmp(r.text, "one\r\ntwo\r\nthree") == 0 && r.said == 0,
	    "it has no LF, and the end follows at once");
	ok(f.reads <= 4 && r.calls <= 8, "%d reads, %d calls", f.reads,
	    r.calls);
	tcpk_stream_want(r.s, TCPK_READ);
	ok(f.want == 0 && read_once(&r) == 0, "which is not asked for twice");
	tcpk_stream_free(r.s);
}

/* A line that comes by pieces, and late, is one line. */
static void
test_slow_line(void)
{
	struct script	script = {
		.text = "a\nbcd\nef", .in = { { DATA, 1 }, { WAIT, 10 },
		    { DATA, 2 }, { WAIT, 300 }, { DATA, 2 }, { AGAIN, 0 },
		    { DATA, 1 }, { DATA, 1 }, { WAIT, 500 }, { DATA, 1 },
		    { END, 0 } }
	};
	struct reader	r;
	struct fake	f;

	fake_init(&f, 'a', loop, &script, NULL);
	open_reader(&r, &f.s, false, 100 * TCPK_MS, 100);
	pass(5);
	ok(r.n == 0 && f.want == TCPK_READ, "half a line waits for the rest");
	pass(11);
	ok(strcmp(r.text, "a\n") == 0, "then it is there");
	pass(150);
	ok(strcmp(r.text, "a\n") == 0 && f.want == TCPK_READ,
	    "the interval is over, the line is not");
	pass(151);
	ok(strcmp(r.text, "a\nbcd\n") == 0 && r.pieces == 2,
	    "when it is, it comes at once");
	pass(501);
	ok(strcmp(r.text, "a\nbcd\nef") == 0 && r.said == 0, "and the rest");
	ok(f.reads <= 14, "%d reads", f.reads);
	tcpk_stream_free(r.s);
}

/* Those that come by themselves more slowly are not held up. */
static void
test_end_is_prompt(void)
{
	struct script	script = {
		.text = "a\nb\n", .in = { { DATA, 2 }, { WAIT, 200 },
		    { DATA, 2 }, { END, 0 } }
	};
	struct reader	r;
	struct fake	f;

	fake_init(&f, 'a', loop, &script, NULL);
	open_reader(&r, &f.s, false, 100 * TCPK_MS, 100);
	pass(0);
	pass(201);
	ok(strcmp(r.text, "a\nb\n") == 0, "a line after its time");
	ok(r.said == 0, "the end does not wait");
	tcpk_stream_free(r.s);
}

/* What is kept is told of, and can be had. */
static void
test_kept(void)
{
	struct script	script = {
		.text = "a\nb\nc", .in = { { DATA, 5 }, { SILENT, 0 } }
	};
	struct reader	r;
	struct fake	f;
	uint64_t	now = fake_clock;

	fake_init(&f, 'a', loop, &script, NULL);
	open_reader(&r, &f.s, false, 100 * TCPK_MS, 100);
	ok(tcpk_stream_holds(r.s) == 0, "at first it holds nothing back");
	pass(0);
	ok(tcpk_stream_holds(r.s) >= now + 100 * TCPK_MS,
	    "the second line, until its time");
	pass(101);
	pass(200);
	ok(strcmp(r.text, "a\nb\n") == 0 && tcpk_stream_holds(r.s) <=
	    fake_clock, "a part of a line is waited for, not for its time");
	ok(tcpk_stream_let_go(r.s), "there is one");
	pass(0);
	ok(strcmp(r.text, "a\nb\nc") == 0 && r.said == 1,
	    "then it comes");
	ok(!tcpk_stream_let_go(r.s) && tcpk_stream_holds(r.s) == 0,
	    "and there is no more");
	tcpk_stream_free(r.s);
}

static void
test_long_line(void)
{
	struct script	 script = {
		.in = { { DATA, 200000 }, { END, 0 } }
	};
	struct tcpk_stream *s;
	struct fake	 f;
	char		*text = malloc(200001);
	static char	 got[256 * 1024];
	size_t		 n = 0;
	ssize_t		 r;
	int		 i, reads = 0;

	memset(text, 'x', 200000);
	memcpy(text + 199997, "\ny\n", 4);
	script.text = text;
	fake_init(&f, 'a', loop, &script, NULL);
	s = tcpk_stream_lines(loop, &f.s, false, TCPK_SECOND, NULL);
	for (i = 0; i < 20; i++) {
		r = tcpk_stream_read(s, got + n, sizeof(got) - n);
		if (r > 0)
			n += (size_t)r;
		reads += r > 0;
	}
	ok(n == 199998 && reads >= 3,
	    "a long line comes in pieces, without a pause (%zu)", n);
	ok(f.sent <= n + 128 * 1024, "not much is read ahead");
	pass(1000);
	ok(tcpk_stream_read(s, got + n, 9) == 2 &&
	    memcmp(got, text, 200000) == 0, "the next one after its interval");
	ok(tcpk_stream_read(s, got, 9) == 0, "the end");
	tcpk_stream_free(s);
	free(text);
}

/* Of a long line whose end is not known, all that there is. */
static void
test_endless_line(void)
{
	struct script	script = {
		.in = { { DATA, 66000 }, { AGAIN, 0 }, { DATA, 10 },
		    { SILENT, 0 } }
	};
	struct tcpk_stream *s;
	struct fake	 f;
	char		*text = malloc(66010);
	static char	 got[4096];
	size_t		 n = 0;
	ssize_t		 r;
	int		 i;

	memset(text, 'x', 66010);
	script.text = text;
	fake_init(&f, 'a', loop, &script, NULL);
	s = tcpk_stream_lines(loop, &f.s, true, TCPK_SECOND, NULL);
	for (i = 0; i < 40; i++) {
		r = tcpk_stream_read(s, got, sizeof(got));
		if (r > 0)
			n += (size_t)r;
	}
	ok(n == 66010 && r == TCPK_AGAIN, "a line without end (%zu)", n);
	tcpk_stream_free(s);
	free(text);
}

/* A line that the owner takes by pieces is still one. */
static void
test_small_reads(void)
{
	struct script	script = {
		.text = "abc\ndef\n", .in = { { DATA, 8 }, { SILENT, 0 } }
	};
	struct reader	r;
	struct fake	f;

	fake_init(&f, 'a', loop, &script, NULL);
	open_reader(&r, &f.s, true, 100 * TCPK_MS, 2);
	pass(0);
	ok(strcmp(r.text, "abc\r\n") == 0 && r.pieces == 3,
	    "a line by two bytes is called for until it is out");
	pass(100);
	ok(strcmp(r.text, "abc\r\ndef\r\n") == 0, "and the next");
	ok(f.reads <= 2, "%d reads", f.reads);
	tcpk_stream_free(r.s);
}

/* --- who wants what ----------------------------------------------------- */

static void
test_back_pressure(void)
{
	struct script	script = {
		.text = "a\nb\nc\n", .in = { { DATA, 6 }, { END, 0 } }
	};
	struct reader	r;
	struct fake	f;
	int		calls;

	fake_init(&f, 'a', loop, &script, NULL);
	open_reader(&r, &f.s, true, 0, 1);
	ok(read_once(&r) == 1, "something is held");
	tcpk_stream_want(r.s, 0);
	pass(50);
	ok(r.calls == 0 && f.reads == 1 && f.want == 0,
	    "who wants nothing is not called");
	tcpk_stream_want(r.s, TCPK_WRITE);
	calls = r.calls;
	pass(0);
	ok(r.calls > calls && f.want == TCPK_WRITE, "writing is passed on");
	tcpk_stream_want(r.s, TCPK_READ | TCPK_HUP);
	ok(f.want == TCPK_HUP, "and waiting for a hang-up");
	pass(50);
	ok(strcmp(r.text, "a\r\nb\r\nc\r\n") == 0 && r.said == 0,
	    "who wants to read is, without the kernel's word");
	tcpk_stream_free(r.s);
}

static void
test_error(void)
{
	struct script	script = {
		.text = "a\nb\nc", .in = { { DATA, 5 }, { FAIL, TCPK_ECUT } }
	};
	struct reader	r;
	struct fake	f;

	fake_init(&f, 'a', loop, &script, NULL);
	open_reader(&r, &f.s, true, 10 * TCPK_MS, 100);
	pass(0);
	pass(11);
	ok(r.said != -1 && tcpk_stream_err(r.s)->kind == TCPK_OK,
	    "no error before its turn");
	pass(11);
	ok(strcmp(r.text, "a\r\nb\r\nc") == 0 && r.said == -1,
	    "it comes after all that was read");
	ok(tcpk_stream_err(r.s)->kind == TCPK_ECUT &&
	    strstr(tcpk_stream_err(r.s)->text, "read of a") != NULL,
	    "it is the inner one's");
	ok(read_once(&r) == -1, "and stays");
	tcpk_stream_free(r.s);
}

static void
test_passed_on(void)
{
	struct script	 script = { .in = { { SILENT, 0 } },
	    .out = { { TAKE, 3 }, { FAIL, TCPK_EPROGRAM } } };
	struct tcpk_stream *s;
	struct fake	 f, other;
	uint64_t	 left;
	char		 data[6];
	int		 i, rfd, wfd;

	fake_init(&other, 'b', loop, &script, NULL);
	fake_init(&f, 'a', loop, &script, &other);
	for (i = 0; i < 6; i++)
		data[i] = (char)fake_byte(&other, (uint64_t)i);
	s = tcpk_stream_lines(loop, &f.s, true, TCPK_SECOND, NULL);
	ok(tcpk_stream_write(s, data, 6) == 3 && !f.garbled,
	    "what is written is not changed");
	ok(tcpk_stream_write(s, data + 3, 3) == -1 &&
	    tcpk_stream_err(s)->kind == TCPK_EPROGRAM, "its error is told");
	ok(tcpk_stream_finish(s) == 0 && f.finished, "finish");
	ok(tcpk_stream_drained(s, &left) == 0 && f.drained, "drained");
	ok(tcpk_stream_lingers(s) && !tcpk_stream_couples(s), "its nature");
	ok(!tcpk_stream_fds(s, &rfd, &wfd), "its bytes are no descriptor's");
	tcpk_stream_reset(s);
	tcpk_stream_free(s);
	ok(f.resets == 1 && f.frees == 1, "reset and free");
}

static void
test_free_early(void)
{
	struct script	script = {
		.text = "a\nb\n", .in = { { DATA, 4 }, { END, 0 } }
	};
	struct reader	r;
	struct fake	f;

	fake_init(&f, 'a', loop, &script, NULL);
	open_reader(&r, &f.s, false, TCPK_SECOND, 100);
	pass(0);
	ok(strcmp(r.text, "a\n") == 0, "one line, and one that waits");
	tcpk_stream_free(r.s);
	pass(2000);
	ok(f.frees == 1 && !f.late && r.pieces == 1, "freed in the middle");
}

/* --- descriptors -------------------------------------------------------- */

static void
test_pipe(void)
{
	struct reader	r;
	int		p[2], none, calls, i;

	if (pipe(p) == -1 || (none = open("/dev/null", O_WRONLY)) == -1)
		abort();
	open_reader(&r, tcpk_stream_stdio(loop, p[0], none, NULL), true,
	    50 * TCPK_MS, 100);
	ok(write(p[1], "a\nb\r", 4) == 4, "a line and a half");
	pass(0);
	ok(strcmp(r.text, "a\r\n") == 0, "a line");
	ok(write(p[1], "\nc\n", 3) == 3, "the rest, and one more");
	pass(45);
	calls = r.calls;
	for (i = 0; i < 20; i++)
		tcpk_loop_turn(loop, 0, NULL);
	ok(r.calls == calls && r.pieces == 1,
	    "a pipe that is readable does not spin");
	pass(6);
	ok(strcmp(r.text, "a\r\nb\r\n") == 0, "the second");
	close(p[1]);
	pass(51);
	ok(strcmp(r.text, "a\r\nb\r\nc\r\n") == 0 && r.said == 0,
	    "the third, and the end");
	ok(r.calls <= 8, "%d calls", r.calls);
	tcpk_stream_free(r.s);
	close(p[0]);
	close(none);
}

int
main(void)
{
	alarm(60);
	signal(SIGPIPE, SIG_IGN);
	loop = tcpk_loop_new(NULL, NULL);
	test_crlf_all();
	test_crlf_much();
	test_as_it_is();
	test_interval();
	test_slow_line();
	test_end_is_prompt();
	test_kept();
	test_long_line();
	test_endless_line();
	test_small_reads();
	test_back_pressure();
	test_error();
	test_passed_on();
	test_free_early();
	test_pipe();
	tcpk_loop_free(loop);
	return done_testing();
}
