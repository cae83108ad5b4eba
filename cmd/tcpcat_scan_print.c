/* The ports that accept, a line each, in the order in which they were asked
 * for. */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tcpcat_scan_impl.h"

/*
 * A reader who is slow must not stop the scan: a pipe that is ready takes a
 * whole line at once.
 */
static bool
room(void)
{
	struct pollfd	p = { .fd = STDOUT_FILENO, .events = POLLOUT };

	return poll(&p, 1, 0) != 0;
}

void
scan_on_room(void *arg, unsigned ready)
{
	struct scan	*s = arg;

	(void)ready;
	tcpk_watch_want(&s->out, 0);
	scan_tick(s);
}

static int
print_port(const struct scan *s, const struct scan_host *h, size_t i)
{
	struct msg_fields	 f = { .event = "open" };
	const char		*host = h->ports->ep.host;
	char			 text[TCPK_ADDR_TEXT];
	unsigned		 port = h->ports->list[i];

	if (s->msg->json) {
		if (h->state[i].opened != NULL)
			f.peer = tcpk_addr_format(h->state[i].opened, text,
			    sizeof(text));
		f.host = host;
		f.port = (uint16_t)port;
		return msg_result(s->msg, &f);
	}
	return printf(strchr(host, ':') != NULL ? "[%s]:%u\n" : "%s:%u\n",
	    host, port) > 0 && fflush(stdout) == 0 ? 0 : -1;
}

static void
lost_output(struct scan *s)
{
	struct tcpk_err	err;

	if (errno == EPIPE && !s->pipe_ignored) {
		s->signo = SIGPIPE;
		scan_leave(s, 128 + SIGPIPE);
		return;
	}
	tcpk_err_errno(&err, TCPK_EIO, errno, "standard output");
	scan_leave_err(s, &err);
}

bool
scan_print(struct scan *s, bool pass_over)
{
	struct scan_host	*h;

	for (; s->print_host < s->nhosts; s->print_host++, s->print_port = 0) {
		h = &s->hosts[s->print_host];
		for (; s->print_port < h->ports->n; s->print_port++) {
			switch (h->state[s->print_port].state) {
			case SCAN_OPEN:
				break;
			case SCAN_FAILED:
				if (s->over || pass_over)
					continue;
				return false;
			default:
				if (pass_over)
					continue;
				return false;
			}
			if (!room()) {
				tcpk_watch_want(&s->out, TCPK_WRITE);
				return false;
			}
			if (print_port(s, h, s->print_port) == -1) {
				lost_output(s);
				return false;
			}
		}
	}
	return true;
}
