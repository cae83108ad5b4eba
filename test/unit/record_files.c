/* record: the files of both formats, and what may become of them. */

#include <sys/stat.h>
#include <sys/wait.h>

#include <signal.h>
#include <stdbool.h>

#include "record_impl.h"
#include "record_read.h"
#include "record_text.h"

#define MUCH	300001

static const struct msg	errors = { .tool = "test" };

static struct record *
opened(const char *hexdump, const char *capture)
{
	struct tcpk_err	err;
	struct record	*r = record_open(hexdump, capture, &errors, &err);

	if (r == NULL) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
	return r;
}

/* Standard error becomes this file until it is given back. */
static int
take_stderr(const char *path)
{
	int	saved = dup(STDERR_FILENO);
	int	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	dup2(fd, STDERR_FILENO);
	close(fd);
	return saved;
}

static void
give_back(int saved)
{
	dup2(saved, STDERR_FILENO);
	close(saved);
}

static void
says(const char *path, const char *want, const char *what)
{
	size_t	len;
	char	*text = (char *)read_file(path, &len);

	ok(strcmp(text, want) == 0, "%s", what);
	if (strcmp(text, want) != 0)
		note("instead: %s", text);
	free(text);
}

static void
test_full(const char *hexdump, const char *capture, const char *said)
{
	struct tcpk_err		err = { 0 };
	struct record_conn	*c;
	struct record		*r;
	struct capture		 cap;
	int			 status, saved;

	if (access("/dev/full", W_OK) == -1) {
		ok(1, "a full disk # SKIP no /dev/full");
		return;
	}
	saved = take_stderr("said");
	r = opened(hexdump, capture);
	c = record_begin(r, 1, NULL, NULL, 0, NULL);
	record_bytes(c, RECORD_OUT, "a", 1);
	record_bytes(c, RECORD_OUT, NULL, 0);
	record_end(c, 0);
	status = record_close(r, &err);
	give_back(saved);
	ok(status == -1 && err.kind == TCPK_EIO && err.code == ENOSPC,
	    "a full disk: \"%s\"", err.text);
	says("said", said, "it has been said once");
	if (strcmp(hexdump, "/dev/full") != 0)
		is_text(hexdump, "T 1 = begin - to -\n"
		    "T 1 > 00000000  61                                      "
		    "          |a|\n"
		    "T 1 > 00000001  end\n"
		    "T 1 = end\n", "the other is complete");
	if (strcmp(capture, "/dev/full") != 0) {
		cap = read_capture(capture);
		ok(cap.wrong == NULL && cap.npackets == 8,
		    "the other is complete");
		free_capture(&cap);
	}
}

static void
refused(const char *hexdump, const char *capture, int kind, const char *want)
{
	struct tcpk_err	err = { 0 };
	struct record	*r = record_open(hexdump, capture, &errors, &err);
	size_t		len;
	char		*text;

	ok(r == NULL && err.kind == kind && strcmp(err.text, want) == 0,
	    "refused: %s", err.text);
	record_close(r, NULL);
	text = (char *)read_file("old", &len);
	ok(strcmp(text, "old") == 0, "what was there is there");
	free(text);
}

static void
write_old(void)
{
	int	fd = open("old", O_WRONLY | O_CREAT | O_TRUNC, 0644);

	ok(fd != -1 && write(fd, "old", 3) == 3 && close(fd) == 0,
	    "an old file");
}

static void
test_refused(void)
{
	write_old();
	if (link("old", "link") == -1)
		ok(0, "link");
	refused("old", "old", TCPK_EUSAGE,
	    "--hexdump old and --capture old are the same file");
	refused("old", "./link", TCPK_EUSAGE,
	    "--hexdump old and --capture ./link are the same file");
	refused("-", "-", TCPK_EUSAGE,
	    "--hexdump - and --capture - are the same file");
	refused("old", "none/file", TCPK_EIO,
	    "--capture none/file: No such file or directory");
	refused(".", "old", TCPK_EIO, "--hexdump .: Is a directory");
	unlink("link");
}

static void
test_terminal(void)
{
	struct tcpk_err	err = { 0 };
	struct record	*r;
	int		fd = posix_openpt(O_RDWR | O_NOCTTY), tty = -1, saved;
	char		want[128];

	if (fd != -1 && grantpt(fd) == 0 && unlockpt(fd) == 0)
		tty = open(ptsname(fd), O_RDWR | O_NOCTTY);
	if (tty == -1) {
		ok(1, "a terminal # SKIP there is none");
		return;
	}
	snprintf(want, sizeof(want), "--capture %s: a capture is not for a "
	    "terminal", ptsname(fd));
	refused("old", ptsname(fd), TCPK_EUSAGE, want);
	saved = dup(STDERR_FILENO);
	dup2(tty, STDERR_FILENO);
	r = record_open(NULL, "-", &errors, &err);
	give_back(saved);
	ok(r == NULL && err.kind == TCPK_EUSAGE && strcmp(err.text,
	    "--capture -: a capture is not for a terminal") == 0,
	    "nor is \"-\"");
	close(tty);
	close(fd);
}

static void
test_modes(void)
{
	struct stat	st;
	struct record	*r = opened("new", "old");
	mode_t		mask = umask(0);

	umask(mask);
	ok(stat("old", &st) == 0 && st.st_size == 3,
	    "what is in a file stays until the start");
	record_start(r);
	ok(stat("new", &st) == 0 &&
	    (st.st_mode & 0777) == (0600 & ~mask), "a new file is ours only");
	ok(stat("old", &st) == 0 && (st.st_mode & 0777) == (0644 & ~mask) &&
	    st.st_size == 88, "an old one is emptied, and stays whose it is");
	ok(fcntl(r->text.fd, F_GETFD) & fcntl(r->pcap.fd, F_GETFD) &
	    FD_CLOEXEC, "programs do not get them");
	ok(record_close(r, NULL) == 0 && record_close(NULL, NULL) == 0,
	    "closed");
	record_end(NULL, 0);
}

/* "-" stays open, and nothing of it is emptied. */
static void
test_stderr(void)
{
	int		saved = take_stderr("said");
	struct record	*r;
	ssize_t		n = write(STDERR_FILENO, "before\n", 7);

	r = opened("-", "new");
	record_end(record_begin(r, 1, NULL, NULL, 0, NULL), 1);
	record_close(r, NULL);
	n += write(STDERR_FILENO, "after\n", 6);
	give_back(saved);
	is_text("said", n == 13 ? "before\nT 1 = begin - to -\nT 1 = reset\n"
	    "after\n" : "", "- is standard error");
}

/* In a process of its own: all that comes goes to a file, slowly at first. */
static pid_t
copy(int from, int other, const char *path)
{
	char	buf[4096];
	ssize_t	n, total = 0;
	pid_t	pid = fork();
	FILE	*f;

	if (pid != 0)
		return pid;
	close(other);
	if ((f = fopen(path, "w")) == NULL)
		_exit(1);
	while ((n = read(from, buf, total < 65536 ? 511 : sizeof(buf))) > 0)
		total += (ssize_t)fwrite(buf, 1, (size_t)n, f);
	_exit(fclose(f) != 0);
}

/* Does the capture have this as one direction's data? */
static bool
captured(const char *path, const unsigned char *data, size_t n)
{
	struct capture	 cap = read_capture(path);
	struct packet	*p;
	size_t		 i, at = 0;
	bool		 same = cap.wrong == NULL;

	for (i = 0; same && i < cap.npackets; at += p->n, i++) {
		p = &cap.packets[i];
		same = p->n <= n - at && memcmp(p->data, data + at, p->n) == 0;
	}
	free_capture(&cap);
	return same && at == n;
}

/* A pipe that takes little at a time, and says EAGAIN rather than wait. */
static void
test_slow(void)
{
	unsigned char		*data = malloc(MUCH);
	int			 fds[2], saved, status, ended;
	struct record_conn	*c;
	struct record		*r;
	pid_t			 pid;
	size_t			 i;

	if (pipe(fds) == -1 || (pid = copy(fds[0], fds[1], "slow")) == -1) {
		ok(0, "a pipe");
		return;
	}
	close(fds[0]);
	saved = dup(STDERR_FILENO);
	fcntl(fds[1], F_SETFL, O_NONBLOCK);
	dup2(fds[1], STDERR_FILENO);
	close(fds[1]);
	for (i = 0; i < MUCH; i++)
		data[i] = (unsigned char)(i * 7 + i / 251);
	r = opened(NULL, "-");
	c = record_begin(r, 1, NULL, NULL, 0, NULL);
	record_bytes(c, RECORD_OUT, data, MUCH);
	record_end(c, 0);
	status = record_close(r, NULL);
	give_back(saved);
	ok(waitpid(pid, &ended, 0) == pid && ended == 0 && status == 0,
	    "a slow reader is waited for");
	ok(captured("slow", data, MUCH), "it gets all");
	free(data);
}

/* A FIFO whose reader goes away. */
static void
test_gone(void)
{
	struct tcpk_err	err = { 0 };
	struct record	*r;
	int		fd, saved, status;

	if (mkfifo("fifo", 0600) == -1 ||
	    (fd = open("fifo", O_RDONLY | O_NONBLOCK)) == -1) {
		ok(0, "a FIFO");
		return;
	}
	r = opened("fifo", NULL);
	close(fd);
	saved = take_stderr("said");
	record_end(record_begin(r, 1, NULL, NULL, 0, NULL), 1);
	status = record_close(r, &err);
	give_back(saved);
	ok(status == -1 && err.code == EPIPE, "nobody reads: %s", err.text);
	says("said", "test: --hexdump fifo: Broken pipe\n",
	    "it has been said once");
}

int
main(void)
{
	int	fds = count_fds();

	signal(SIGPIPE, SIG_IGN);
	make_dir();
	test_full("/dev/full", "cap",
	    "test: --hexdump /dev/full: No space left on device\n");
	test_full("text", "/dev/full",
	    "test: --capture /dev/full: No space left on device\n");
	test_refused();
	test_terminal();
	test_modes();
	test_stderr();
	test_slow();
	test_gone();
	ok(count_fds() == fds, "no descriptor is left");
	return done_testing();
}
