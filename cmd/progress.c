/* The line of progress on its terminal. */

#include <sys/ioctl.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "progress.h"
#include "progress_impl.h"

/* Where the terminal does not know how wide it is. */
#define USUAL_WIDTH	80

/* For the last line a terminal that is slow is waited for, in ms. */
#define PATIENCE	100

struct progress {
	struct tcpk_timer timer;
	struct msg	*msg;
	void		(*count)(void *, uint64_t [2]);
	void		*arg;
	int		 fd;
	bool		 own;		/* opened by us, and non-blocking */
	bool		 beside;	/* what is received goes there, too */
	uint64_t	 began;
	struct progress_state state;
	struct progress_window window;
	char		 line[PROGRESS_LINE];
	size_t		 len;
	size_t		 shown;		/* columns to be overwritten */
};

/*
 * The terminal opened anew: a write to one that stands still must not stop
 * us, and the flags of standard error are not ours to set.
 */
static int
open_anew(void)
{
	struct stat	theirs, mine;
	char		name[128];
	int		fd;

	/* Opening a pseudo-terminal's master anew would make another. */
	if (ptsname(STDERR_FILENO) != NULL ||
	    ttyname_r(STDERR_FILENO, name, sizeof(name)) != 0)
		return -1;
	fd = open(name, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	if (fstat(STDERR_FILENO, &theirs) == 0 && fstat(fd, &mine) == 0 &&
	    theirs.st_rdev == mine.st_rdev)
		return fd;
	close(fd);
	return -1;
}

static size_t
columns(const struct progress *p)
{
	struct winsize	ws = { .ws_col = 0 };

	if (ioctl(p->fd, TIOCGWINSZ, &ws) == -1 || ws.ws_col == 0)
		return USUAL_WIDTH;
	return ws.ws_col;
}

/*
 * Not in the background, where a shell has its prompt; and not when it would
 * have to be waited for.
 */
static bool
may_write(const struct progress *p, int patience)
{
	struct pollfd	pfd = { .fd = p->fd, .events = POLLOUT };
	pid_t		group = tcgetpgrp(p->fd);

	if (group != -1 && group != getpgrp())
		return false;
	return poll(&pfd, 1, patience) == 1 && (pfd.revents & POLLOUT) != 0;
}

/* Overwrite what is there, then go to the start of this line or the next. */
static void
put(struct progress *p, size_t len, const char *end)
{
	char	buf[2 * PROGRESS_LINE + 8];
	size_t	n = 0, width = columns(p);

	/* The last column would make some terminals go on to the next line. */
	if (p->shown > width - 1)
		p->shown = width - 1;
	buf[n++] = '\r';
	memcpy(buf + n, p->line, len);
	n += len;
	if (p->shown > len) {
		memset(buf + n, ' ', p->shown - len);
		n += p->shown - len;
	}
	memcpy(buf + n, end, strlen(end));
	n += strlen(end);
	/* What goes wrong here is not worth a word. */
	if (write(p->fd, buf, n) == (ssize_t)n)
		p->shown = len;
	else if (p->shown < len)
		p->shown = len;
}

/* Has the payload taken the terminal? */
static bool
gave_way(const struct progress *p)
{
	return p->beside && p->state.bytes[1] != 0;
}

static void
look(struct progress *p)
{
	p->count(p->arg, p->state.bytes);
	p->state.elapsed = tcpk_now() - p->began;
}

static void
compose(struct progress *p)
{
	p->len = progress_line(p->line, columns(p) - 1, &p->state);
}

static void
draw(struct progress *p)
{
	if (gave_way(p) || !may_write(p, 0))
		return;
	compose(p);
	put(p, p->len, "");
}

static void
on_tick(void *arg)
{
	struct progress	*p = arg;
	uint64_t	 now = tcpk_now();

	look(p);
	progress_sample(&p->window, now, &p->state);
	draw(p);
	tcpk_timer_set(&p->timer, now + PROGRESS_TICK);
}

static void
before_message(void *arg)
{
	struct progress	*p = arg;

	if (p->shown > 0 && !gave_way(p) && may_write(p, 0))
		put(p, 0, "\r");
}

static void
after_message(void *arg)
{
	struct progress	*p = arg;

	if (p->len > 0)
		draw(p);
}

static bool
can_draw(void)
{
	const char	*term = getenv("TERM");

	return isatty(STDERR_FILENO) &&
	    (term == NULL || strcmp(term, "dumb") != 0);
}

struct progress *
progress_start(struct tcpk_loop *loop, struct msg *m,
    void (*count)(void *, uint64_t [2]), void *arg, uint64_t total,
    int total_of)
{
	struct progress	*p;

	if (!can_draw() || (p = calloc(1, sizeof(*p))) == NULL)
		return NULL;
	p->msg = m;
	p->count = count;
	p->arg = arg;
	p->state.total = total;
	p->state.total_of = total_of;
	p->began = tcpk_now();
	tcpk_timer_init(&p->timer, loop, on_tick, p);
	if (tcpk_timer_set(&p->timer, p->began + PROGRESS_TICK) == -1) {
		free(p);
		return NULL;
	}
	progress_sample(&p->window, p->began, &p->state);
	p->fd = open_anew();
	p->own = p->fd != -1;
	if (!p->own)
		p->fd = STDERR_FILENO;
	m->before = before_message;
	m->after = after_message;
	m->around = p;
	return p;
}

void
progress_beside_output(struct progress *p)
{
	struct stat	out, err;

	if (p != NULL && isatty(STDOUT_FILENO) &&
	    fstat(STDOUT_FILENO, &out) == 0 &&
	    fstat(STDERR_FILENO, &err) == 0)
		p->beside = out.st_rdev == err.st_rdev;
}

void
progress_resized(struct progress *p)
{
	if (p == NULL)
		return;
	look(p);
	draw(p);
}

/* What the payload left on the last line stays there. */
static void
draw_last(struct progress *p)
{
	look(p);
	p->state.over = true;
	progress_average(&p->state);
	if ((p->len == 0 && p->state.bytes[0] == 0 &&
	    p->state.bytes[1] == 0) || !may_write(p, PATIENCE))
		return;
	if (gave_way(p)) {
		p->shown = 0;
		if (write(p->fd, "\n", 1) != 1)
			return;
	}
	compose(p);
	put(p, p->len, "\n");
}

void
progress_end(struct progress *p)
{
	if (p == NULL)
		return;
	draw_last(p);
	p->msg->before = p->msg->after = NULL;
	tcpk_timer_stop(&p->timer);
	if (p->own)
		close(p->fd);
	free(p);
}
