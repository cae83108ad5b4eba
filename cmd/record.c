#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record_impl.h"

/* It was left out, or has failed. */
static bool
silent(const struct record_file *f)
{
	return f->option == NULL || f->err.kind != TCPK_OK;
}

static void
fail(struct record *r, struct record_file *f, int code)
{
	struct msg_fields	fields = { .event = "record-failed" };

	tcpk_err_errno(&f->err, TCPK_EIO, code, "%s %s", f->option, f->name);
	msg_err(r->msg, MSG_ERROR, &fields, &f->err);
}

/* Whoever shares standard error may have made it non-blocking. */
static void
wait_writable(int fd)
{
	struct pollfd	p = { .fd = fd, .events = POLLOUT };

	poll(&p, 1, -1);
}

void
record_write(struct record *r, struct record_file *f, struct iovec *iov,
    int n)
{
	ssize_t	w;

	while (n > 0 && f->err.kind == TCPK_OK) {
		w = writev(f->fd, iov, n);
		if (w == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
			wait_writable(f->fd);
		else if (w == -1 && errno != EINTR)
			fail(r, f, errno);
		for (; w > 0 && (size_t)w >= iov->iov_len; iov++, n--)
			w -= (ssize_t)iov->iov_len;
		if (w > 0) {
			iov->iov_base = (char *)iov->iov_base + w;
			iov->iov_len -= (size_t)w;
		}
	}
}

/* What is in the file stays until it is known that both can be opened. */
static int
open_file(struct record_file *f, const char *option, const char *name,
    struct tcpk_err *err)
{
	if (name == NULL)
		return 0;
	if ((f->name = strdup(name)) == NULL)
		return tcpk_err_set(err, TCPK_EIO, "out of memory");
	f->option = option;
	f->fd = strcmp(name, "-") == 0 ? STDERR_FILENO :
	    open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (f->fd == -1)
		return tcpk_err_errno(err, TCPK_EIO, errno, "%s %s", option,
		    name);
	return 0;
}

/* Two records would make a mess of one file, not of a device. */
static bool
same_file(const struct record_file *a, const struct record_file *b)
{
	struct stat	sa, sb;

	if (a->fd == b->fd)
		return true;
	return fstat(a->fd, &sa) == 0 && fstat(b->fd, &sb) == 0 &&
	    sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino &&
	    !S_ISCHR(sa.st_mode);
}

static int
check_files(const struct record *r, struct tcpk_err *err)
{
	if (r->pcap.option == NULL)
		return 0;
	if (r->text.option != NULL && same_file(&r->text, &r->pcap))
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "%s %s and %s %s are the same file", r->text.option,
		    r->text.name, r->pcap.option, r->pcap.name);
	if (isatty(r->pcap.fd))
		return tcpk_err_set(err, TCPK_EUSAGE, "%s %s: a capture is "
		    "not for a terminal", r->pcap.option, r->pcap.name);
	return 0;
}

static void
empty(struct record *r, struct record_file *f)
{
	struct stat	st;

	if (silent(f) || f->fd == STDERR_FILENO ||
	    fstat(f->fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    ftruncate(f->fd, 0) == 0)
		return;
	fail(r, f, errno);
}

static int
close_file(struct record_file *f)
{
	int	r = 0;

	if (f->fd > STDERR_FILENO)
		r = close(f->fd);
	return r;
}

static void
free_record(struct record *r)
{
	free(r->text.name);
	free(r->pcap.name);
	free(r);
}

struct record *
record_open(const char *hexdump, const char *capture, const struct msg *m,
    struct tcpk_err *err)
{
	struct record	*r;

	if ((r = calloc(1, sizeof(*r))) == NULL) {
		tcpk_err_set(err, TCPK_EIO, "out of memory");
		return NULL;
	}
	r->msg = m;
	r->text.fd = r->pcap.fd = -1;
	if (open_file(&r->text, "--hexdump", hexdump, err) == -1 ||
	    open_file(&r->pcap, "--capture", capture, err) == -1 ||
	    check_files(r, err) == -1) {
		close_file(&r->text);
		close_file(&r->pcap);
		free_record(r);
		return NULL;
	}
	record_text_init(r);
	return r;
}

void
record_start(struct record *r)
{
	if (r == NULL || r->started)
		return;
	r->started = true;
	empty(r, &r->text);
	empty(r, &r->pcap);
	if (!silent(&r->pcap))
		record_pcap_init(r);
}

struct record_conn *
record_begin(struct record *r, uint64_t conn, const struct tcpk_addr *local,
    const struct tcpk_addr *peer, int peer_began, struct tcpk_err *err)
{
	struct record_conn	*c;
	struct timespec		 now;

	record_start(r);
	if ((c = calloc(1, sizeof(*c))) == NULL) {
		tcpk_err_set(err, TCPK_EIO, "out of memory");
		return NULL;
	}
	c->record = r;
	c->conn = conn;
	c->first = peer_began ? RECORD_IN : RECORD_OUT;
	clock_gettime(CLOCK_REALTIME, &now);
	if (!silent(&r->text))
		record_text_begin(c, &now, local, peer);
	if (!silent(&r->pcap))
		record_pcap_begin(c, &now, local, peer);
	return c;
}

static void
half(struct record_conn *c, int direction, const struct timespec *now)
{
	struct record	*r = c->record;

	if (!silent(&r->text))
		record_text_half(c, now, direction);
	if (!silent(&r->pcap))
		record_pcap_half(c, now, direction);
	c->half[direction].ended = true;
}

void
record_bytes(struct record_conn *c, int direction, const void *data, size_t n)
{
	struct record	*r = c->record;
	struct timespec	 now;

	if (c->half[direction].ended)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	if (n == 0) {
		half(c, direction, &now);
		return;
	}
	if (!silent(&r->text))
		record_text_bytes(c, &now, direction, data, n);
	if (!silent(&r->pcap))
		record_pcap_bytes(c, &now, direction, data, n);
	c->half[direction].bytes += n;
}

void
record_end(struct record_conn *c, int cut)
{
	struct timespec	now;

	if (c == NULL)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	if (!silent(&c->record->text))
		record_text_end(c, &now, cut != 0);
	if (!silent(&c->record->pcap))
		record_pcap_end(c, &now, cut != 0);
	free(c);
}

int
record_close(struct record *r, struct tcpk_err *err)
{
	struct record_file	*files[2], *f;
	int			 i, status = 0;

	if (r == NULL)
		return 0;
	files[0] = &r->pcap;
	files[1] = &r->text;
	for (i = 0; i < 2; i++) {
		f = files[i];
		/* Where space is given late, this tells that there is none. */
		if (close_file(f) == -1 && !silent(f))
			fail(r, f, errno);
		if (f->err.kind == TCPK_OK)
			continue;
		if (err != NULL)
			*err = f->err;
		status = -1;
	}
	free_record(r);
	return status;
}
