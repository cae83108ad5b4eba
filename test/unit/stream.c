/* stream: sockets, standard input and output, programs. */

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <netinet/in.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <termios.h>

#include "help.h"
#include "stream_impl.h"
#include "tcpkit/sock.h"

static struct tcpk_loop	*loop;
static char		 big[1024 * 1024];

struct seen {
	int		calls;
	unsigned	ready;
};

static void
on_ready(void *arg, unsigned ready)
{
	struct seen	*s = arg;

	s->calls++;
	s->ready |= ready;
}

/* Wait until the stream is ready for want. */
static bool
await(struct tcpk_stream *s, unsigned want)
{
	struct seen	seen = { 0, 0 };
	bool		came;

	tcpk_stream_on_ready(s, on_ready, &seen);
	tcpk_stream_want(s, want);
	came = wait_for(loop, &seen.calls, 1);
	tcpk_stream_want(s, 0);
	tcpk_stream_on_ready(s, NULL, NULL);
	return came && (seen.ready & ~(want | TCPK_END)) == 0;
}

/* Ready within a short while? */
static bool
ready_soon(struct tcpk_stream *s, unsigned want)
{
	struct seen	seen = { 0, 0 };

	tcpk_stream_on_ready(s, on_ready, &seen);
	tcpk_stream_want(s, want);
	turn_for(loop, 30 * TCPK_MS);
	tcpk_stream_want(s, 0);
	tcpk_stream_on_ready(s, NULL, NULL);
	return seen.calls > 0;
}

static bool
failed(const struct tcpk_stream *s, enum tcpk_err_kind kind, int code)
{
	const struct tcpk_err	*e = tcpk_stream_err(s);

	if (e->kind == (int)kind && (code == 0 || e->code == code) &&
	    e->text[0] != '\0')
		return true;
	note("kind %s code %d \"%s\"", tcpk_err_word(e->kind), e->code,
	    e->text);
	return false;
}

/* Write until it would block; how much. */
static size_t
fill(struct tcpk_stream *s)
{
	size_t	total = 0;
	ssize_t	n;

	while ((n = tcpk_stream_write(s, big, sizeof(big))) > 0)
		total += (size_t)n;
	if (n != TCPK_AGAIN)
		note("fill: %zd %s", n, tcpk_stream_err(s)->text);
	return n == TCPK_AGAIN ? total : 0;
}

/* Read everything there is from a plain descriptor, up to n bytes. */
static size_t
drain_fd(int fd, size_t n)
{
	static char	buf[65536];
	size_t		total = 0;
	ssize_t		got;

	while (total < n && (got = read(fd, buf, sizeof(buf))) > 0)
		total += (size_t)got;
	return total;
}

static bool
drained(struct tcpk_stream *s)
{
	uint64_t	end = tcpk_now() + LONG, left;
	int		r;

	while ((r = tcpk_stream_drained(s, &left)) == TCPK_AGAIN &&
	    tcpk_now() < end)
		tcpk_loop_turn(loop, TCPK_MS, NULL);
	return r == 0;
}

static void
make_pair(int fds[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == -1)
		exit(1);
}

static void
make_pipe(int fds[2])
{
	if (pipe(fds) == -1)
		exit(1);
}

/* Two ends of a TCP connection, both blocking. */
static void
make_tcp(int fds[2])
{
	struct sockaddr_in	in;
	socklen_t		len = sizeof(in);
	int			l = socket(AF_INET, SOCK_STREAM, 0);

	memset(&in, 0, sizeof(in));
	in.sin_family = AF_INET;
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(l, (struct sockaddr *)&in, len) == -1 || listen(l, 1) == -1 ||
	    getsockname(l, (struct sockaddr *)&in, &len) == -1 ||
	    connect(fds[0], (struct sockaddr *)&in, len) == -1 ||
	    (fds[1] = accept(l, NULL, NULL)) == -1)
		exit(1);
	close(l);
}

static void
test_socket(const char *name, void (*make)(int[2]))
{
	struct tcpk_stream	*s;
	uint64_t		 left;
	char			 buf[16];
	size_t			 n;
	int			 fds[2], rfd, wfd;

	make(fds);
	s = tcpk_stream_socket(loop, fds[0], NULL);
	ok(tcpk_stream_err(s)->kind == TCPK_OK, "%s: no error yet", name);
	ok(tcpk_stream_lingers(s), "%s: lingers", name);
	ok(tcpk_stream_fds(s, &rfd, &wfd) && rfd == fds[0] && wfd == fds[0],
	    "%s: its descriptors", name);
	ok(tcpk_stream_read(s, buf, sizeof(buf)) == TCPK_AGAIN &&
	    !ready_soon(s, TCPK_READ), "%s: nothing to read", name);
	ok(write(fds[1], "hello", 5) == 5 && await(s, TCPK_READ) &&
	    tcpk_stream_read(s, buf, sizeof(buf)) == 5 &&
	    memcmp(buf, "hello", 5) == 0, "%s: read", name);
	ok(await(s, TCPK_WRITE) && tcpk_stream_write(s, "world", 5) == 5 &&
	    read(fds[1], buf, sizeof(buf)) == 5, "%s: write", name);
	n = fill(s);
	ok(n > 0 && !ready_soon(s, TCPK_WRITE),
	    "%s: full after %zu, without blocking", name, n);
	if (make == make_tcp)
		ok(tcpk_stream_drained(s, &left) == TCPK_AGAIN && left > 0,
		    "%s: not acknowledged yet (%llu)", name,
		    (unsigned long long)left);
	ok(drain_fd(fds[1], n) == n && await(s, TCPK_WRITE),
	    "%s: writable again", name);
	ok(tcpk_stream_finish(s) == 0 && read(fds[1], buf, 1) == 0,
	    "%s: finish shows the end", name);
	ok(drained(s), "%s: drained", name);
	ok(write(fds[1], "more", 4) == 4 && await(s, TCPK_READ) &&
	    tcpk_stream_read(s, buf, sizeof(buf)) == 4,
	    "%s: reads on after finish", name);
	close(fds[1]);
	ok(await(s, TCPK_READ) && tcpk_stream_read(s, buf, 1) == 0 &&
	    tcpk_stream_read(s, buf, 1) == 0, "%s: the end, and again", name);
	ok(tcpk_stream_err(s)->kind == TCPK_OK, "%s: no error", name);
	tcpk_stream_free(s);
	ok(fcntl(fds[0], F_GETFD) == -1, "%s: free closes it", name);
}

/* Bytes that may go out with the end: with it, or when they are asked for. */
static void
test_last(const char *name, void (*make)(int[2]))
{
	struct tcpk_stream	*s;
	uint64_t		 left;
	char			 buf[16];
	int			 fds[2];

	make(fds);
	s = tcpk_stream_socket(loop, fds[0], NULL);
	ok(tcpk_stream_write_last(s, "hello", 5) == 5 &&
	    tcpk_stream_finish(s) == 0 && read(fds[1], buf, 16) == 5 &&
	    read(fds[1], buf, 16) == 0, "%s: the last bytes and the end",
	    name);
	ok(drained(s), "%s: all of it has arrived", name);
	tcpk_stream_free(s);
	close(fds[1]);
	make(fds);
	s = tcpk_stream_socket(loop, fds[0], NULL);
	ok(tcpk_stream_write_last(s, "hello", 5) == 5 &&
	    tcpk_stream_drained(s, &left) != -1 &&
	    recv(fds[1], buf, 16, MSG_DONTWAIT) == 5,
	    "%s: whoever asks for it has it on its way", name);
	tcpk_stream_free(s);
	close(fds[1]);
	make(fds);
	s = tcpk_stream_socket(loop, fds[0], NULL);
	ok(tcpk_stream_write_last(s, "hello", 5) == 5 &&
	    tcpk_stream_write(s, "world", 5) == 5 &&
	    recv(fds[1], buf, 16, MSG_DONTWAIT) == 10,
	    "%s: more after all", name);
	tcpk_stream_free(s);
	close(fds[1]);
}

/* The peer breaks the connection: what every verb says then. */
static void
test_reset(void)
{
	struct tcpk_stream	*s;
	struct tcpk_addr	 a;
	uint64_t		 left;
	char			 buf[16];
	int			 fds[2], i, r;

	for (i = 0; i < 4; i++) {
		make_tcp(fds);
		s = tcpk_stream_socket(loop, fds[0], NULL);
		tcpk_stream_write(s, "unread", 6);
		tcpk_sock_reset_on_close(fds[1]);
		close(fds[1]);
		await(s, TCPK_HUP);
		switch (i) {
		case 0:
			r = tcpk_stream_read(s, buf, sizeof(buf)) == -1;
			break;
		case 1:
			r = tcpk_stream_write(s, "x", 1) == -1;
			break;
		case 2:
			r = tcpk_stream_drained(s, &left) == -1;
			break;
		default:
			r = tcpk_stream_hup(s) == -1;
			break;
		}
		ok(r && failed(s, TCPK_ECUT, ECONNRESET), "reset: %s: %s",
		    i == 0 ? "read" : i == 1 ? "write" : i == 2 ? "drained" :
		    "hup", tcpk_stream_err(s)->text);
		tcpk_stream_write(s, "x", 1);
		ok(failed(s, TCPK_ECUT, ECONNRESET), "reset: the error stays");
		tcpk_stream_free(s);
	}
	make_tcp(fds);
	s = tcpk_stream_socket(loop, fds[0], NULL);
	ok(tcpk_stream_local(s, &a) == 0 && tcpk_addr_port(&a) != 0 &&
	    tcpk_stream_peer(s, &a) == 0 && tcpk_addr_port(&a) != 0,
	    "local and peer address");
	tcpk_stream_reset(s);
	tcpk_stream_free(s);
	ok(read(fds[1], buf, 1) == -1 && errno == ECONNRESET,
	    "free after reset is one for the peer");
	close(fds[1]);
	make_pair(fds);
	s = tcpk_stream_socket(loop, fds[0], NULL);
	ok(write(fds[1], "abc", 3) == 3 && !ready_soon(s, TCPK_HUP),
	    "unix: no hang-up by bytes");
	close(fds[1]);
	ok(await(s, TCPK_HUP) && tcpk_stream_hup(s) == TCPK_AGAIN,
	    "unix: a close is no error by itself");
	tcpk_stream_want(s, TCPK_HUP);
	ok(turn_for(loop, 50 * TCPK_MS) < 20 && !ready_soon(s, TCPK_HUP),
	    "unix: and is told once");
	ok(tcpk_stream_read(s, buf, sizeof(buf)) == 3 &&
	    tcpk_stream_read(s, buf, sizeof(buf)) == 0,
	    "unix: what was sent before is read");
	ok(tcpk_stream_write(s, "x", 1) == -1 && failed(s, TCPK_ECUT, EPIPE),
	    "unix: write to who has gone, without SIGPIPE");
	tcpk_stream_reset(s);
	tcpk_stream_free(s);
	tcpk_stream_free(NULL);
	ok(1, "free of nothing");
}

/* --- standard input and output ------------------------------------------ */

static void
test_pipes(void)
{
	struct tcpk_stream	*s;
	uint64_t		 left;
	char			 buf[16];
	size_t			 n;
	int			 in[2], out[2], flags[2], rfd, wfd;

	make_pipe(in);
	make_pipe(out);
	flags[0] = fcntl(in[0], F_GETFL);
	flags[1] = fcntl(out[1], F_GETFL);
	s = tcpk_stream_stdio(loop, in[0], out[1], NULL);
	ok(!tcpk_stream_lingers(s), "pipes: linger not");
	ok(tcpk_stream_fds(s, &rfd, &wfd) && rfd == in[0] && wfd == out[1],
	    "pipes: the descriptors");
	ok(tcpk_stream_read(s, buf, sizeof(buf)) == TCPK_AGAIN &&
	    !ready_soon(s, TCPK_READ), "pipes: an empty one does not block");
	ok(write(in[1], "hello", 5) == 5 && await(s, TCPK_READ) &&
	    tcpk_stream_read(s, buf, sizeof(buf)) == 5, "pipes: read");
	ok(await(s, TCPK_WRITE) && tcpk_stream_write(s, "world", 5) == 5 &&
	    read(out[0], buf, sizeof(buf)) == 5, "pipes: write");
	n = fill(s);
	ok(n >= PIPE_BUF, "pipes: full after %zu, without blocking", n);
	ok(!ready_soon(s, TCPK_WRITE) &&
	    tcpk_stream_write(s, "x", 1) == TCPK_AGAIN,
	    "pipes: not ready then");
	ok(drain_fd(out[0], n) == n && await(s, TCPK_WRITE),
	    "pipes: ready when there is room");
	ok(tcpk_stream_write(s, big, sizeof(big)) > 0, "pipes: a part");
	ok(fcntl(in[0], F_GETFL) == flags[0] &&
	    fcntl(out[1], F_GETFL) == flags[1], "pipes: flags as they were");
	ok(!ready_soon(s, TCPK_HUP), "pipes: no hang-up");
	ok(tcpk_stream_finish(s) == 0 && drain_fd(out[0], SIZE_MAX) > 0 &&
	    read(out[0], buf, 1) == 0, "pipes: finish shows the end");
	ok(tcpk_stream_drained(s, &left) == 0, "pipes: drained");
	ok(fcntl(out[1], F_GETFD) != -1, "pipes: the number stays taken");
	close(in[1]);
	ok(await(s, TCPK_READ) && tcpk_stream_read(s, buf, 1) == 0,
	    "pipes: end of input");
	tcpk_stream_free(s);
	ok(fcntl(in[0], F_GETFL) == flags[0] && fcntl(out[1], F_GETFD) != -1,
	    "pipes: open after the free, with their flags");
	close(in[0]);
	close(out[0]);
	close(out[1]);
	make_pipe(in);
	make_pipe(out);
	s = tcpk_stream_stdio(loop, in[0], out[1], NULL);
	close(out[0]);
	ok(!ready_soon(s, TCPK_HUP), "pipes: no reader: seen at the next byte");
	ok(tcpk_stream_write(s, "x", 1) == -1 && failed(s, TCPK_EIO, EPIPE),
	    "pipes: as an error of ours");
	tcpk_stream_free(s);
	close(in[0]);
	close(in[1]);
	close(out[1]);
}

static void
test_files(void)
{
	struct tcpk_stream	*s;
	uint64_t		 left;
	char			 buf[16];
	int			 in, out;

	in = open("in", O_RDWR | O_CREAT, 0600);
	if (write(in, "contents", 8) != 8)
		exit(1);
	lseek(in, 0, SEEK_SET);
	out = open("out", O_RDWR | O_CREAT | O_APPEND, 0600);
	s = tcpk_stream_stdio(loop, in, out, NULL);
	ok(await(s, TCPK_READ) &&
	    tcpk_stream_read(s, buf, sizeof(buf)) == 8 &&
	    memcmp(buf, "contents", 8) == 0 &&
	    tcpk_stream_read(s, buf, sizeof(buf)) == 0, "file: read");
	ok(await(s, TCPK_WRITE) && tcpk_stream_write(s, "abc", 3) == 3 &&
	    tcpk_stream_write(s, "def", 3) == 3, "file: write");
	ok(tcpk_stream_finish(s) == 0 && tcpk_stream_drained(s, &left) == 0,
	    "file: finish");
	tcpk_stream_free(s);
	close(out);
	out = open("out", O_RDONLY);
	ok(read(out, buf, sizeof(buf)) == 6 && memcmp(buf, "abcdef", 6) == 0,
	    "file: has it all");
	close(in);
	close(out);
	in = open("/dev/null", O_RDONLY);
	out = open("/dev/null", O_WRONLY);
	s = tcpk_stream_stdio(loop, in, out, NULL);
	ok(await(s, TCPK_READ | TCPK_WRITE) &&
	    tcpk_stream_read(s, buf, 1) == 0 &&
	    tcpk_stream_write(s, big, sizeof(big)) > 0 &&
	    tcpk_stream_finish(s) == 0, "/dev/null");
	tcpk_stream_free(s);
	close(out);
	out = open("/dev/full", O_WRONLY);
	if (out == -1)
		ok(1, "/dev/full # SKIP not on this system");
	else {
		s = tcpk_stream_stdio(loop, in, out, NULL);
		ok(await(s, TCPK_WRITE) &&
		    tcpk_stream_write(s, "x", 1) == -1 &&
		    failed(s, TCPK_EIO, ENOSPC), "/dev/full: %s",
		    tcpk_stream_err(s)->text);
		tcpk_stream_free(s);
		close(out);
	}
	s = tcpk_stream_stdio(loop, in, 10001, NULL);
	ok(tcpk_stream_write(s, "x", 1) == -1 && failed(s, TCPK_EIO, EBADF),
	    "closed output: %s", tcpk_stream_err(s)->text);
	tcpk_stream_free(s);
	close(in);
}

static void
test_stdio_socket(bool same)
{
	struct tcpk_stream	*s;
	char			 buf[16];
	size_t			 n;
	int			 fds[2], two, flags;

	/* One number for both, or two. */
	make_tcp(fds);
	flags = fcntl(fds[0], F_GETFL);
	two = same ? fds[0] : dup(fds[0]);
	s = tcpk_stream_stdio(loop, fds[0], two, NULL);
	ok(ready_soon(s, TCPK_READ | TCPK_WRITE), "stdio socket: ready");
	ok(tcpk_stream_read(s, buf, sizeof(buf)) == TCPK_AGAIN,
	    "stdio socket: nothing to read");
	ok(write(fds[1], "abc", 3) == 3 && await(s, TCPK_READ) &&
	    tcpk_stream_read(s, buf, sizeof(buf)) == 3, "stdio socket: read");
	n = fill(s);
	ok(n > 0, "stdio socket: full after %zu, without blocking", n);
	ok(drain_fd(fds[1], n) == n && await(s, TCPK_WRITE),
	    "stdio socket: writable again");
	ok(tcpk_stream_finish(s) == 0 && read(fds[1], buf, 1) == 0,
	    "stdio socket: finish shows the end");
	ok(write(fds[1], "abc", 3) == 3 && await(s, TCPK_READ) &&
	    tcpk_stream_read(s, buf, sizeof(buf)) == 3,
	    "stdio socket: reads on after it");
	ok(drained(s), "stdio socket: drained");
	ok(fcntl(fds[0], F_GETFL) == flags, "stdio socket: flags");
	tcpk_stream_free(s);
	ok(fcntl(fds[0], F_GETFD) != -1, "stdio socket: stays open");
	if (!same)
		close(two);
	close(fds[0]);
	close(fds[1]);
}

static int
open_pty(int *slave)
{
	struct termios	tio;
	const char	*name;
	int		 master = posix_openpt(O_RDWR | O_NOCTTY);

	if (master == -1 || grantpt(master) == -1 ||
	    unlockpt(master) == -1 || (name = ptsname(master)) == NULL ||
	    (*slave = open(name, O_RDWR | O_NOCTTY)) == -1)
		return -1;
	tcgetattr(*slave, &tio);
	tio.c_lflag &= ~(tcflag_t)(ECHO | ICANON);
	tio.c_oflag &= ~(tcflag_t)OPOST;
	tcsetattr(*slave, TCSANOW, &tio);
	return master;
}

static void
test_terminal(void)
{
	struct tcpk_stream	*s;
	char			 buf[16];
	size_t			 n;
	int			 master, slave, flags, before = count_fds();

	master = open_pty(&slave);
	if (master == -1) {
		ok(1, "terminal # SKIP no pseudo-terminals here");
		return;
	}
	flags = fcntl(slave, F_GETFL);
	s = tcpk_stream_stdio(loop, slave, slave, NULL);
	ok(tcpk_stream_read(s, buf, sizeof(buf)) == TCPK_AGAIN &&
	    !ready_soon(s, TCPK_READ), "terminal: nothing to read");
	ok(write(master, "abc", 3) == 3 && await(s, TCPK_READ) &&
	    tcpk_stream_read(s, buf, sizeof(buf)) == 3, "terminal: read");
	ok(await(s, TCPK_WRITE) && tcpk_stream_write(s, "abc", 3) == 3 &&
	    read(master, buf, sizeof(buf)) == 3, "terminal: write");
	n = fill(s);
	ok(n > 0, "terminal: full after %zu, without blocking", n);
	ok(fcntl(slave, F_GETFL) == flags, "terminal: flags as they were");
	ok(tcpk_stream_finish(s) == 0 && fcntl(slave, F_GETFD) != -1 &&
	    isatty(slave), "terminal: finish leaves it alone");
	close(master);
	ok(await(s, TCPK_READ) && tcpk_stream_read(s, buf, 1) == 0,
	    "terminal: hung up: the end");
	tcpk_stream_free(s);
	close(slave);
	ok(count_fds() == before, "terminal: nothing is left open");
}

/* Interrupts a call that waits after all. */
static volatile sig_atomic_t	interrupted;

static void
on_alarm(int sig)
{
	(void)sig;
	interrupted = 1;
}

static void
test_nowait(const char *name, ssize_t (*rd)(int, void *, size_t),
    ssize_t (*wr)(int, const void *, size_t))
{
	char	buf[16];
	ssize_t	n;
	size_t	total;
	int	fds[2], i, flags, tries, sent, got;
	struct sigaction sa, old;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_alarm;	/* no SA_RESTART */
	for (i = 0; i < 2; i++) {
		if (i == 0)
			make_pipe(fds);
		else if ((fds[0] = open_pty(&fds[1])) == -1) {
			ok(1, "%s # SKIP no pseudo-terminals here", name);
			return;
		}
		flags = fcntl(fds[1], F_GETFL);
		n = rd(fds[0], buf, sizeof(buf));
		ok(n == -1 && errno == EAGAIN, "%s: nothing to read", name);
		/* A terminal may take and give them one at a time. */
		for (sent = got = tries = 0; got < 3 && tries < 2000;
		    tries++) {
			n = sent == 3 ? 0 : wr(fds[1], &"abc"[sent],
			    (size_t)(3 - sent));
			sent += n > 0 ? (int)n : 0;
			n = rd(fds[0], buf + got, sizeof(buf) - (size_t)got);
			got += n > 0 ? (int)n : 0;
			if (n == -1)
				usleep(1000);
		}
		ok(sent == 3 && got == 3 && memcmp(buf, "abc", 3) == 0,
		    "%s: three bytes", name);
		total = 0;
		interrupted = 0;
		sigaction(SIGALRM, &sa, &old);
		alarm(2);
		while ((n = wr(fds[1], big, sizeof(big))) > 0 && !interrupted)
			total += (size_t)n;
		alarm(120);
		sigaction(SIGALRM, &old, NULL);
		ok(n == -1 && errno == EAGAIN && total > 0 && !interrupted,
		    "%s: %s: full after %zu, without blocking", name,
		    i == 0 ? "pipe" : "terminal", total);
		total = drain_fd(fds[0], i == 0 ? 1 : total);
		/* A terminal takes a moment to notice. */
		for (n = -1, tries = 0; n == -1 && tries < 2000; tries++) {
			n = wr(fds[1], "x", 1);
			if (n == -1)
				usleep(1000);
		}
		ok(total > 0 && n == 1,
		    "%s: takes more when there is room", name);
		ok(fcntl(fds[1], F_GETFL) == flags, "%s: flags", name);
		if (i == 0) {
			close(fds[1]);
			while ((n = rd(fds[0], big, sizeof(big))) > 0)
				continue;
			ok(n == 0, "%s: the end", name);
			close(fds[0]);
			make_pipe(fds);
			close(fds[0]);
			ok(wr(fds[1], "x", 1) == -1 && errno == EPIPE,
			    "%s: nobody reads", name);
			close(fds[1]);
			memset(big, 0, sizeof(big));
		} else {
			close(fds[0]);
			close(fds[1]);
		}
	}
}

/*
 * A terminal that we may not open anew.  It is ready as soon as it takes one
 * byte; how much more it takes depends on what went before, so that is tried
 * in many ways.
 */
static void
test_shared_terminal(void)
{
	struct sigaction	 sa, old;
	struct tcpk_stream	*s;
	struct tcpk__pair	*p;
	int			 k, master, slave;
	ssize_t			 n;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_alarm;
	sigaction(SIGALRM, &sa, &old);
	interrupted = 0;
	for (k = 0; k < 32 && !interrupted; k++) {
		master = open_pty(&slave);
		if (master == -1) {
			ok(1, "terminal # SKIP no pseudo-terminals here");
			break;
		}
		s = tcpk_stream_stdio(loop, slave, slave, NULL);
		p = (struct tcpk__pair *)s;
		p->w.how = TCPK__NOWAIT;
		p->w.watch.fd = slave;
		alarm(2);
		n = write(slave, big, 1 + 256 * (size_t)k);
		while (n > 0 && !interrupted) {
			if (n > 1000)
				usleep(2000);
			n = tcpk_stream_write(s, big, sizeof(big));
		}
		alarm(120);
		tcpk_stream_free(s);
		close(master);
		close(slave);
	}
	sigaction(SIGALRM, &old, NULL);
	ok(!interrupted, "a shared terminal that is nearly full (%d)", k);
}

/* --- programs ------------------------------------------------------------ */

static struct tcpk_stream *
shell(const char *command)
{
	static char	 sh[] = "/bin/sh", c[] = "-c";
	static char	 path[] = "PATH=/usr/bin:/bin", x[] = "X=from envp";
	char		 text[200];
	char *const	 argv[] = { sh, c, text, NULL };
	char *const	 envp[] = { path, x, NULL };
	struct tcpk_err	 err = { 0 };
	struct tcpk_stream *s;

	snprintf(text, sizeof(text), "%s", command);
	s = tcpk_stream_program(loop, argv, envp, &err);
	if (s == NULL) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
	return s;
}

/* All it writes, as a string. */
static const char *
output(struct tcpk_stream *s)
{
	static char	buf[4096];
	size_t		n = 0;
	ssize_t		got;

	while (n < sizeof(buf) - 1) {
		got = tcpk_stream_read(s, buf + n, sizeof(buf) - 1 - n);
		if (got == TCPK_AGAIN) {
			if (!await(s, TCPK_READ))
				break;
		} else if (got <= 0)
			break;
		else
			n += (size_t)got;
	}
	buf[n] = '\0';
	return buf;
}

static void
test_program(void)
{
	struct tcpk_stream	*s;
	struct tcpk_err		 err = { 0 };
	struct tcpk_addr	 a;
	uint64_t		 left;
	char			 name[] = "tcpkit-no-such-program";
	char *const		 argv[] = { name, NULL };
	char *const		 envp[] = { NULL };
	size_t			 n;
	int			 before = count_fds();

	s = shell("cat");
	ok(!tcpk_stream_lingers(s), "program: lingers not");
	ok(tcpk_stream_write(s, "hello", 5) == 5, "program: write");
	ok(tcpk_stream_read(s, &n, sizeof(n)) == TCPK_AGAIN ||
	    tcpk_stream_err(s)->kind == TCPK_OK, "program: read waits not");
	ok(tcpk_stream_drained(s, &left) == TCPK_AGAIN && left > 0,
	    "program: runs");
	ok(tcpk_stream_finish(s) == 0, "program: finish");
	output(s);
	ok(drained(s), "program: has ended well");
	ok(tcpk_stream_local(s, &a) == -1 && tcpk_stream_peer(s, &a) == -1,
	    "program: has no address");
	tcpk_stream_free(s);

	s = shell("echo $X; cat >&2 </dev/null; exit 3");
	ok(strcmp(output(s), "from envp\n") == 0, "program: environment");
	ok(tcpk_stream_finish(s) == 0 && !drained(s) &&
	    failed(s, TCPK_EPROGRAM, 0) &&
	    strstr(tcpk_stream_err(s)->text, "3") != NULL, "program: %s",
	    tcpk_stream_err(s)->text);
	tcpk_stream_free(s);

	signal(SIGPIPE, SIG_IGN);
	s = shell("kill -s PIPE $$");
	output(s);
	ok(!drained(s) && failed(s, TCPK_EPROGRAM, 0) &&
	    strstr(tcpk_stream_err(s)->text, "signal 13") != NULL,
	    "program: SIGPIPE is as by default: %s",
	    tcpk_stream_err(s)->text);
	tcpk_stream_free(s);

	s = shell("sleep 1000");
	n = fill(s);
	ok(n > 0 && !ready_soon(s, TCPK_WRITE | TCPK_HUP | TCPK_READ),
	    "program: full after %zu, without blocking", n);
	tcpk_stream_reset(s);
	tcpk_stream_free(s);

	s = shell("exec <&-; echo x; sleep 1000");
	ok(await(s, TCPK_HUP) && tcpk_stream_hup(s) == TCPK_GONE,
	    "program: closes its input: a hang-up");
	ok(tcpk_stream_write(s, "x", 1) == TCPK_GONE &&
	    tcpk_stream_write(s, "x", 1) == TCPK_GONE &&
	    tcpk_stream_err(s)->kind == TCPK_OK,
	    "program: takes no more, and that is no error");
	tcpk_stream_reset(s);
	tcpk_stream_free(s);

	s = shell("trap 'echo > term; exit 0' TERM; echo up; "
	    "while :; do sleep 0.02; done");
	ok(await(s, TCPK_READ), "program: up");
	tcpk_stream_reset(s);
	tcpk_stream_free(s);
	for (n = 0; n < 1000 && access("term", F_OK) == -1; n++)
		turn_for(loop, 20 * TCPK_MS);
	ok(access("term", F_OK) == 0, "program: reset is SIGTERM");

	s = shell("trap 'echo > term2; exit 0' TERM; echo up; "
	    "while [ ! -e go ]; do sleep 0.02; done; echo > went");
	ok(await(s, TCPK_READ), "program: up");
	tcpk_stream_free(s);
	close(open("go", O_CREAT | O_WRONLY, 0600));
	for (n = 0; n < 1000 && access("went", F_OK) == -1; n++)
		turn_for(loop, 20 * TCPK_MS);
	ok(access("went", F_OK) == 0 && access("term2", F_OK) == -1,
	    "program: free alone leaves it running");

	s = shell("ls -l /dev/fd/ 2>/dev/null");
	n = 0;
	{
		const char	*p = output(s);

		while ((p = strstr(p, "->")) != NULL) {
			n++;
			p++;
		}
	}
	ok(n <= 5, "program: inherits nothing but 0, 1 and 2 (%zu)", n);
	drained(s);
	tcpk_stream_free(s);

	ok(tcpk_stream_program(loop, argv, envp, &err) == NULL &&
	    err.kind == TCPK_EPROGRAM && err.code == ENOENT &&
	    strstr(err.text, name) != NULL, "program: missing: %s", err.text);
	while (waitpid(-1, NULL, 0) > 0)
		continue;
	ok(count_fds() == before, "program: nothing is left open");
}

/* Standard descriptors that are closed must not be hit by its pipes. */
static void
test_program_low(void)
{
	struct tcpk_stream	*s;
	int			 keep[2], fine;

	fflush(stdout);
	keep[0] = fcntl(0, F_DUPFD, 10);
	keep[1] = fcntl(1, F_DUPFD, 10);
	close(0);
	close(1);
	s = shell("cat");
	fine = tcpk_stream_write(s, "abc", 3) == 3 &&
	    tcpk_stream_finish(s) == 0 && strcmp(output(s), "abc") == 0 &&
	    drained(s);
	tcpk_stream_free(s);
	dup2(keep[0], 0);
	dup2(keep[1], 1);
	close(keep[0]);
	close(keep[1]);
	ok(fine, "program: with descriptors 0 and 1 closed");
}

int
main(void)
{
	int	before, fd;

	alarm(120);		/* a call that blocks */
	/* What we inherited ourselves is not for the programs. */
	for (fd = 3; fd < 256; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	signal(SIGPIPE, SIG_DFL);
	make_dir();
	loop = tcpk_loop_new(NULL, NULL);
	before = count_fds();
	test_socket("unix", make_pair);
	test_socket("tcp", make_tcp);
	test_last("unix", make_pair);
	test_last("tcp", make_tcp);
	test_reset();
	signal(SIGPIPE, SIG_IGN);
	test_pipes();
	test_files();
	test_stdio_socket(false);
	test_stdio_socket(true);
	test_terminal();
	test_nowait("nowait", tcpk__nowait_read, tcpk__nowait_write);
	test_nowait("portable", tcpk__nowait_read_portable,
	    tcpk__nowait_write_portable);
	test_shared_terminal();
	test_program();
	test_program_low();
	ok(count_fds() == before, "no descriptor is left");
	tcpk_loop_free(loop);
	return done_testing();
}
