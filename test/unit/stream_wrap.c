/* stream_rate, stream_tap, stream_lend: they change one thing of another. */

#include <sys/socket.h>

#include <signal.h>

#include "help.h"
#include "stream_impl.h"
#include "tcpkit/digest.h"

static struct tcpk_loop	*loop;

static void
on_ready(void *arg, unsigned ready)
{
	(void)ready;
	++*(int *)arg;
}

static void
make_pair(int type, struct tcpk_stream **s, int *peer)
{
	struct tcpk_err	err;
	int		sv[2];

	if (socketpair(AF_UNIX, type, 0, sv) == -1)
		abort();
	*peer = sv[1];
	*s = type == SOCK_STREAM ? tcpk_stream_socket(loop, sv[0], &err) :
	    tcpk_stream_datagram(loop, sv[0], &err);
}

/* Everything that comes until the end, in ns; *calls counts the wake-ups. */
static uint64_t
read_all(struct tcpk_stream *s, size_t want, size_t *n, int *calls)
{
	uint64_t	start = tcpk_now();
	char		buf[4096];
	ssize_t		got = 0;

	*calls = 0;
	*n = 0;
	tcpk_stream_on_ready(s, on_ready, calls);
	tcpk_stream_want(s, TCPK_READ);
	while (*n < want) {
		got = tcpk_stream_read(s, buf, sizeof(buf));
		if (got > 0)
			*n += (size_t)got;
		else if (got != TCPK_AGAIN || !wait_for(loop, calls,
		    *calls + 1))
			break;
	}
	tcpk_stream_want(s, 0);
	return tcpk_now() - start;
}

static void
test_rate_in(void)
{
	struct tcpk_stream	*inner, *s;
	struct tcpk_err		 err;
	static char		 data[30000];
	uint64_t		 ns;
	size_t			 n;
	int			 peer, calls;

	make_pair(SOCK_STREAM, &inner, &peer);
	ok(tcpk_stream_lingers(inner) == 1, "a socket lingers");
	s = tcpk_stream_rate(loop, inner, 100000, &err);
	ok(tcpk_stream_lingers(s) == 1, "and one with a rate, too");
	ok(write(peer, data, sizeof(data)) == sizeof(data), "30,000 bytes");
	ns = read_all(s, sizeof(data), &n, &calls);
	ok(n == sizeof(data), "all come");
	/* A tenth of a second is saved, the rest has its price. */
	ok(ns >= 190 * TCPK_MS, "not before their time (%llu ms)",
	    (unsigned long long)(ns / TCPK_MS));
	ok(calls <= 40, "nobody is woken in vain (%d)", calls);
	tcpk_stream_free(s);
	close(peer);
}

static void
test_rate_out(void)
{
	struct tcpk_stream	*inner, *s;
	struct tcpk_err		 err;
	static char		 data[30000];
	uint64_t		 start = tcpk_now();
	size_t			 n = 0;
	ssize_t			 put;
	int			 peer, calls = 0;

	make_pair(SOCK_STREAM, &inner, &peer);
	s = tcpk_stream_rate(loop, inner, 100000, &err);
	tcpk_stream_on_ready(s, on_ready, &calls);
	tcpk_stream_want(s, TCPK_WRITE);
	while (n < sizeof(data)) {
		put = tcpk_stream_write(s, data + n, sizeof(data) - n);
		if (put > 0)
			n += (size_t)put;
		else if (put != TCPK_AGAIN ||
		    !wait_for(loop, &calls, calls + 1))
			break;
	}
	ok(n == sizeof(data) && tcpk_now() - start >= 190 * TCPK_MS,
	    "written, and not before its time");
	ok(tcpk_stream_finish(s) == 0, "the end is not held back");
	tcpk_stream_free(s);
	close(peer);
}

static void
test_rate_datagram(void)
{
	struct tcpk_stream	*inner, *s;
	struct tcpk_err		 err;
	char			 data[3000] = { 0 }, got[4000];
	int			 peer, calls = 0;

	make_pair(SOCK_DGRAM, &inner, &peer);
	s = tcpk_stream_rate(loop, inner, 1000, &err);
	ok(tcpk_stream_write(s, data, sizeof(data)) == sizeof(data) &&
	    read(peer, got, sizeof(got)) == sizeof(data),
	    "a datagram goes as a whole");
	ok(tcpk_stream_write(s, data, 1) == TCPK_AGAIN,
	    "the next has to wait");
	ok(write(peer, data, sizeof(data)) == sizeof(data) &&
	    tcpk_stream_read(s, got, sizeof(got)) == sizeof(data),
	    "and comes as a whole");
	ok(write(peer, data, 1) == 1 &&
	    tcpk_stream_read(s, got, sizeof(got)) == TCPK_AGAIN,
	    "so has the next");
	tcpk_stream_on_ready(s, on_ready, &calls);
	tcpk_stream_want(s, TCPK_READ | TCPK_WRITE);
	/* Freed with its timer set. */
	tcpk_stream_free(s);
	turn_for(loop, 20 * TCPK_MS);
	ok(calls == 0, "nothing comes after it is freed");
	close(peer);
}

struct log {
	char	text[256];
	size_t	n;
};

static void
on_tap(void *arg, enum tcpk_way way, const void *data, size_t n)
{
	struct log	*l = arg;

	l->n += (size_t)snprintf(l->text + l->n, sizeof(l->text) - l->n,
	    "%c%.*s;", way == TCPK_OUT ? '>' : '<', (int)n,
	    n > 0 ? (const char *)data : "");
}

static void
test_tap(void)
{
	struct tcpk_stream	*inner, *s;
	struct tcpk_err		 err;
	struct log		 log = { "", 0 };
	char			 buf[16];
	int			 peer, rfd, wfd;

	make_pair(SOCK_STREAM, &inner, &peer);
	s = tcpk_stream_tap(inner, on_tap, &log, &err);
	ok(!tcpk_stream_fds(s, &rfd, &wfd), "its bytes are to be seen");
	ok(tcpk_stream_write(s, "hello", 5) == 5, "write");
	ok(tcpk_stream_read(s, buf, sizeof(buf)) == TCPK_AGAIN, "nothing yet");
	ok(write(peer, "world", 5) == 5 && tcpk_stream_read(s, buf, 3) == 3 &&
	    tcpk_stream_read(s, buf, 9) == 2, "read");
	ok(tcpk_stream_finish(s) == 0 && read(peer, buf, sizeof(buf)) == 5,
	    "finish");
	close(peer);
	ok(tcpk_stream_read(s, buf, 9) == 0 && tcpk_stream_read(s, buf, 9) == 0,
	    "the end, twice");
	ok(strcmp(log.text, ">hello;<wor;<ld;>;<;") == 0, "seen once each: %s",
	    log.text);
	ok(tcpk_stream_write(s, "x", 1) == -1 &&
	    tcpk_stream_err(s)->kind == TCPK_ECUT, "its error is told");
	tcpk_stream_free(s);
}

/* What was read ahead is there for the next who has it. */
static void
test_lend(void)
{
	struct tcpk_stream	*inner, *lines, *s;
	struct tcpk_err		 err;
	char			 buf[16];
	int			 peer, called = 0;

	make_pair(SOCK_STREAM, &inner, &peer);
	lines = tcpk_stream_lines(loop, inner, false, 1, &err);
	s = tcpk_stream_lend(lines, &err);
	ok(write(peer, "a\nb\n", 4) == 4 &&
	    tcpk_stream_read(s, buf, sizeof(buf)) == 2, "one line");
	tcpk_stream_on_ready(s, on_ready, &called);
	tcpk_stream_want(s, TCPK_READ);
	tcpk_stream_reset(s);
	tcpk_stream_free(s);
	s = tcpk_stream_lend(lines, &err);
	tcpk_stream_on_ready(s, on_ready, &called);
	tcpk_stream_want(s, TCPK_READ);
	ok(wait_for(loop, &called, 1), "there is more, for the second");
	ok(tcpk_stream_read(s, buf, sizeof(buf)) == 2 && buf[0] == 'b',
	    "the line that was read ahead");
	ok(tcpk_stream_write(s, "x", 1) == 1 && read(peer, buf, 1) == 1,
	    "it was not reset");
	close(peer);
	ok(tcpk_stream_read(s, buf, 9) == 0, "the end");
	tcpk_stream_free(s);
	s = tcpk_stream_lend(lines, &err);
	ok(tcpk_stream_read(s, buf, 9) == 0, "the end, also for the third");
	ok(tcpk_stream_write(s, "x", 1) == -1 &&
	    tcpk_stream_err(s)->kind == TCPK_ECUT, "its error is told");
	tcpk_stream_free(s);
	tcpk_stream_free(lines);
}

static void
test_digest(void)
{
	struct tcpk_digest	*d;
	struct tcpk_err		 err;
	char			 text[TCPK_DIGEST_TEXT];

	d = tcpk_digest_new(&err);
	if (d == NULL) {
		ok(err.kind == TCPK_EUSAGE, "no digest: %s", err.text);
		return;
	}
	ok(strcmp(tcpk_digest_text(d, text), "e3b0c44298fc1c149afbf4c8996fb924"
	    "27ae41e4649b934ca495991b7852b855") == 0, "of nothing");
	tcpk_digest_add(d, "a", 1);
	tcpk_digest_text(d, text);
	tcpk_digest_add(d, "bc", 2);
	/* FIPS 180-4, the first example. */
	ok(strcmp(tcpk_digest_text(d, text), "ba7816bf8f01cfea414140de5dae2223"
	    "b00361a396177a9cb410ff61f20015ad") == 0, "of abc, by pieces");
	tcpk_digest_free(d);
	tcpk_digest_free(NULL);
}

int
main(void)
{
	alarm(60);
	signal(SIGPIPE, SIG_IGN);
	loop = tcpk_loop_new(NULL, NULL);
	test_rate_in();
	test_rate_out();
	test_rate_datagram();
	test_tap();
	test_lend();
	test_digest();
	tcpk_loop_free(loop);
	return done_testing();
}
