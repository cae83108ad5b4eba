/* progress: what the line says, at every width and size; how it is drawn. */

#include <sys/ioctl.h>

#include <termios.h>

#include "help.h"
#include "progress.h"
#include "progress_impl.h"

#define KIB	((uint64_t)1 << 10)
#define MIB	((uint64_t)1 << 20)
#define GIB	((uint64_t)1 << 30)
#define S	TCPK_SECOND

static const struct row {
	size_t			 width;
	struct progress_state	 s;	/* bytes, rate, elapsed, total, ... */
	const char		*line;
} rows[] = {
	/* Nothing yet. */
	{ 79, { { 0, 0 }, { 0, 0 }, 0, 0, 0, false },
	    "   0 B     0 B/s  0:00" },
	{ 60, { { 0, 0 }, { 0, 0 }, 0, 4 * MIB, 0, false },
	    "  0%  [>                ]     0 B     0 B/s  0:00  ETA --:--" },
	/* One way, and both. */
	{ 79, { { 1023, 0 }, { 1024, 0 }, 59 * S, 0, 0, false },
	    "1023 B  1.00 KiB/s  0:59" },
	{ 79, { { 0, 10 * KIB }, { 0, 99 }, 60 * S, 0, 0, false },
	    "10.0 KiB    99 B/s  1:00" },
	{ 79, { { 5 * GIB / 4, 3500 }, { 105 * MIB, 12 }, 12 * S, 0, 0, false },
	    "1.25 GiB sent   105 MiB/s  3.41 KiB received    12 B/s  0:12" },
	/* Numbers are rounded down, never up to what is not there. */
	{ 79, { { 10 * MIB - 1, 0 }, { 100 * MIB - 1, 0 }, 1, 0, 0, false },
	    "9.99 MiB  99.9 MiB/s  0:00" },
	{ 79, { { 1024 * MIB - 1, 0 }, { 1000 * GIB, 0 }, S - 1, 0, 0, false },
	    "1023 MiB  1000 GiB/s  0:00" },
	{ 79, { { UINT64_MAX, 0 }, { UINT64_MAX, 0 }, 0, 0, 0, false },
	    "15.9 EiB  15.9 EiB/s  0:00" },
	/* A total. */
	{ 60, { { 2 * MIB, 0 }, { MIB, 0 }, 2 * S, 4 * MIB, 0, false },
	    " 50%  [=======>      ]  2.00 MiB  1.00 MiB/s  0:02  ETA 0:02" },
	{ 60, { { 4 * MIB - 1, 0 }, { MIB, 0 }, 4 * S, 4 * MIB, 0, false },
	    " 99%  [=============>]  3.99 MiB  1.00 MiB/s  0:04  ETA 0:01" },
	{ 60, { { 4 * MIB, 0 }, { MIB, 0 }, 4 * S, 4 * MIB, 0, false },
	    "100%  [========================]  4.00 MiB  1.00 MiB/s  0:04" },
	{ 60, { { 5 * MIB, 0 }, { MIB, 0 }, 5 * S, 4 * MIB, 0, false },
	    "100%  [========================]  5.00 MiB  1.00 MiB/s  0:05" },
	{ 60, { { MIB, 0 }, { MIB, 0 }, S, 4 * MIB, 0, true },
	    " 25%  [======>                 ]  1.00 MiB  1.00 MiB/s  0:01" },
	{ 60, { { UINT64_MAX - 1, 0 }, { GIB, 0 }, S, UINT64_MAX, 0, true },
	    " 99%  [=======================>]  15.9 EiB  1.00 GiB/s  0:01" },
	{ 60, { { 0, MIB }, { 0, MIB }, S, 2 * MIB, 1, false },
	    " 50%  [=======>      ]  1.00 MiB  1.00 MiB/s  0:01  ETA 0:01" },
	/* It has not begun, but the other way has. */
	{ 79, { { 0, 300 }, { 0, 30 }, 9 * S, 4 * MIB, 0, false },
	    "  0%  [>   ]     0 B sent     0 B/s   300 B received    30 B/s  "
	    "0:09  ETA --:--" },
	/* Long times. */
	{ 79, { { 1, 0 }, { 0, 0 }, 3600 * S, 0, 0, false },
	    "   1 B     0 B/s  1:00:00" },
	{ 79, { { 1, 0 }, { 0, 0 }, 359999 * S, 0, 0, false },
	    "   1 B     0 B/s  99:59:59" },
	{ 79, { { 1, 0 }, { 0, 0 }, 360000 * S, 0, 0, false },
	    "   1 B     0 B/s  4d 04h" },
	{ 40, { { 1, 0 }, { 1, 0 }, S, 500001, 0, false },
	    "  0%     1 B     1 B/s  0:01  ETA 5d 18h" },
	{ 40, { { 1, 0 }, { 1, 0 }, S, 100000001, 0, false },
	    "  0%     1 B     1 B/s  0:01  ETA >999d" },
	{ 40, { { 1, 0 }, { 1, 0 }, UINT64_MAX, UINT64_MAX, 0, false },
	    "  0%     1 B     1 B/s  >999d  ETA >999d" },
	/* Narrow ones: the size, how much of it, when, how fast. */
	{ 0, { { MIB, 0 }, { MIB, 0 }, S, 4 * MIB, 0, false }, "" },
	{ 1, { { MIB, 0 }, { MIB, 0 }, S, 4 * MIB, 0, false }, "" },
	{ 4, { { MIB, 0 }, { MIB, 0 }, S, 4 * MIB, 0, false }, " 25%" },
	{ 8, { { MIB, 0 }, { MIB, 0 }, S, 4 * MIB, 0, false }, "1.00 MiB" },
	{ 20, { { MIB, 0 }, { MIB, 0 }, S, 4 * MIB, 0, false },
	    " 25%  1.00 MiB  0:01" },
	{ 24, { { MIB, 0 }, { MIB, 0 }, S, 4 * MIB, 0, false },
	    " 25%  1.00 MiB  ETA 0:03" },
	{ 36, { { MIB, 0 }, { MIB, 0 }, S, 4 * MIB, 0, false },
	    " 25%  1.00 MiB  1.00 MiB/s  ETA 0:03" },
};

static void
test_rows(void)
{
	char	line[PROGRESS_LINE];
	size_t	i, n;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		n = progress_line(line, rows[i].width, &rows[i].s);
		ok(n == strlen(line) && strcmp(line, rows[i].line) == 0,
		    "%zu columns: \"%s\"", rows[i].width, rows[i].line);
		if (strcmp(line, rows[i].line) != 0)
			note("it is \"%s\"", line);
	}
}

/* With a total, a wide line is filled; none is too wide, or unprintable. */
static void
test_widths(void)
{
	static const uint64_t	bytes[] = { 0, 1, 5000, 7 * GIB, UINT64_MAX };
	static const size_t	widths[] = { 0, 1, 2, 7, 19, 20, 79, 80, 199,
				    200, 511, 512, 65535 };
	struct progress_state	s = { .elapsed = 1 };
	char			line[PROGRESS_LINE];
	size_t			w, n, max;
	int			i, wide = 0, partly = 0, wild = 0;

	for (i = 0; i < 5 * 5 * 5 * 5 * 2; i++) {
		s.bytes[0] = bytes[i % 5];
		s.bytes[1] = bytes[i / 5 % 5];
		s.rate[0] = s.rate[1] = bytes[i / 25 % 5];
		s.total = bytes[i / 125 % 5];
		s.total_of = i / 625;
		for (w = 0; w < sizeof(widths) / sizeof(widths[0]); w++) {
			max = widths[w] < PROGRESS_LINE - 1 ? widths[w] :
			    PROGRESS_LINE - 1;
			n = progress_line(line, widths[w], &s);
			wide += n > max || n != strlen(line);
			partly += s.total != 0 && max >= 100 && n != max;
			wild += strspn(line, " 0123456789.%[=>]BKMGTPEiAd:/-"
			    "sentrcvhs") != n;
		}
	}
	ok(wide == 0, "no line is wider than it may be");
	ok(partly == 0, "with a total, it is filled");
	ok(wild == 0, "and has nothing strange in it");
}

static void
test_rate(void)
{
	struct progress_window	w = { .n = 0 };
	struct progress_state	s = { .elapsed = 0 };
	uint64_t		now = 1000 * S;
	int			i;

	progress_sample(&w, now, &s);
	ok(s.rate[0] == 0 && s.rate[1] == 0, "no rate at the start");
	for (i = 0; i < 8; i++) {
		now += S / 4;
		s.bytes[0] += 250;
		s.bytes[1] += i < 4 ? 1000 : 0;
		progress_sample(&w, now, &s);
	}
	ok(s.rate[0] == 1000, "a steady one: %u", (unsigned)s.rate[0]);
	ok(s.rate[1] == 2000, "one that stopped: %u", (unsigned)s.rate[1]);
	for (i = 0; i < 100; i++) {
		now += S / 4;
		s.bytes[0] += 500;
		progress_sample(&w, now, &s);
	}
	ok(s.rate[0] == 2000 && s.rate[1] == 0,
	    "what was long ago does not count: %u, %u", (unsigned)s.rate[0],
	    (unsigned)s.rate[1]);
	now += 3600 * S;
	progress_sample(&w, now, &s);
	ok(s.rate[0] <= 3, "nor does a long pause make it mad: %u",
	    (unsigned)s.rate[0]);
	s.elapsed = now - 1000 * S;
	progress_average(&s);
	ok(s.rate[0] == s.bytes[0] * S / s.elapsed, "of all the time");
	s.elapsed = 0;
	progress_average(&s);
	ok(s.rate[0] == 0, "of no time");
	s.elapsed = 1;
	s.bytes[0] = UINT64_MAX;
	progress_average(&s);
	ok(s.rate[0] == UINT64_MAX, "of hardly any");
}

/* --- on a terminal ------------------------------------------------------ */

static struct tcpk_loop	*loop;
static int		 master, slave;
static char		 said[8192];	/* what came last */

static void
open_terminal(void)
{
	master = posix_openpt(O_RDWR | O_NOCTTY);
	if (master == -1 || grantpt(master) == -1 || unlockpt(master) == -1 ||
	    (slave = open(ptsname(master), O_RDWR | O_NOCTTY)) == -1) {
		printf("Bail out! no pseudo-terminal\n");
		exit(1);
	}
	fcntl(master, F_SETFL, O_NONBLOCK);
	dup2(slave, STDERR_FILENO);
}

static void
make_wide(unsigned short columns)
{
	struct winsize	ws = { .ws_row = 24, .ws_col = columns };

	ioctl(slave, TIOCSWINSZ, &ws);
}

/* What has come out by now. */
static const char *
listen_now(void)
{
	size_t	n = 0;
	ssize_t	got;

	while ((got = read(master, said + n, sizeof(said) - 1 - n)) > 0)
		n += (size_t)got;
	said[n] = '\0';
	return said;
}

static const char *
listen_until_drawn(void)
{
	uint64_t	end = tcpk_now() + LONG;

	while (listen_now()[0] == '\0' && tcpk_now() < end)
		tcpk_loop_turn(loop, 20 * TCPK_MS, NULL);
	return said;
}

static void
count(void *arg, uint64_t bytes[2])
{
	memcpy(bytes, arg, 2 * sizeof(bytes[0]));
}

static void
test_messages(struct msg *m)
{
	struct msg_fields	f = { .event = "test" };
	char			line[sizeof(said)], want[2 * sizeof(said)];

	strcpy(line, listen_until_drawn());
	ok(strncmp(line, "\r 25%  [==", 10) == 0 && strlen(line) == 60,
	    "the line, and no end of it: \"%s\"", line + 1);
	msg(m, MSG_NOTICE, &f, "hello");
	snprintf(want, sizeof(want), "\r%59s\rtest: hello\r\n%s", "", line);
	ok(strcmp(listen_now(), want) == 0, "a message has its own line");
	m->quiet = true;
	msg(m, MSG_NOTICE, &f, "hello");
	ok(listen_now()[0] == '\0', "one that is not shown changes nothing");
	m->quiet = false;
}

static void
test_resize(struct progress *p)
{
	make_wide(30);
	progress_resized(p);
	listen_now();
	ok(strncmp(said, "\r 25%  1.00 MiB  ETA ", 21) == 0 &&
	    strlen(said) == 30, "a narrow one is filled, no more: \"%s\"",
	    said + 1);
	make_wide(1);
	progress_resized(p);
	ok(strcmp(listen_now(), "\r") == 0, "one column has no room");
	make_wide(60);
}

static void
test_stopped(void)
{
	uint64_t	since = tcpk_now();

	listen_until_drawn();
	tcflow(slave, TCOOFF);
	turn_for(loop, 600 * TCPK_MS);
	ok(listen_now()[0] == '\0' && tcpk_now() - since < LONG,
	    "a terminal that stands still is not waited for");
	tcflow(slave, TCOON);
	ok(listen_until_drawn()[0] == '\r', "it is drawn when that is over");
}

static void
test_terminal(void)
{
	struct msg	 m = { .tool = "test" };
	struct progress	*p;
	uint64_t	 bytes[2] = { MIB, 0 };
	int		 before, err = dup(STDERR_FILENO);

	setenv("TERM", "xterm", 1);
	loop = tcpk_loop_new(NULL, NULL);
	open_terminal();
	make_wide(60);
	before = count_fds();
	p = progress_start(loop, &m, count, bytes, 4 * MIB, 0);
	ok(p != NULL && listen_now()[0] == '\0', "nothing at the start");
	test_messages(&m);
	test_resize(p);
	test_stopped();
	bytes[0] = 4 * MIB;
	progress_end(p);
	ok(strncmp(listen_now(), "\r100%  [===", 11) == 0 &&
	    strstr(said, "]  4.00 MiB  ") != NULL && strlen(said) == 62 &&
	    said[61] == '\n', "the end, and the next line");
	ok(m.before == NULL && count_fds() == before, "nothing is left");
	p = progress_start(loop, &m, count, (uint64_t [2]){ 0 }, 0, 0);
	progress_end(p);
	ok(listen_now()[0] == '\0', "nothing moved in no time: no word");
	setenv("TERM", "dumb", 1);
	ok(progress_start(loop, &m, count, bytes, 0, 0) == NULL, "a dumb one");
	progress_resized(NULL);
	progress_end(NULL);
	dup2(err, STDERR_FILENO);
	tcpk_loop_free(loop);
	close(err);
	close(master);
	close(slave);
}

int
main(void)
{
	alarm(60);
	test_rows();
	test_widths();
	test_rate();
	test_terminal();
	return done_testing();
}
