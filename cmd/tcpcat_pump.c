/* How tcpcat's options become those of a pump and its streams. */

#include <sys/stat.h>

#include <string.h>
#include <unistd.h>

#include "tcpcat.h"

/* How long input may be silent after the peer's end, SPEC section 2. */
#define STDIN_SILENCE	TCPK_SECOND

/* The same for the peer, when there is no half-close to wait for. */
#define RESET_SILENCE	TCPK_SECOND

/*
 * How long input is waited for once the peer has ended: SPEC section 2.
 * With --send-only its end says no more than that of a one-way receiver.
 */
static void
set_input_rule(const struct tcpcat_opts *o, struct tcpk_half_opts *in)
{
	struct stat	st;

	if (o->local.scheme != TCPK_STDIO)
		return;
	if (fstat(STDIN_FILENO, &st) == -1 || isatty(STDIN_FILENO))
		in->quiet = 0;
	else if (!o->send_only &&
	    (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode))) {
		in->quiet = STDIN_SILENCE;
		in->patient = true;
	}
	/* What has not been read yet is for the next connection. */
	if (o->reconnect && in->quiet == STDIN_SILENCE) {
		in->quiet = 0;
		in->patient = false;
	}
	if (o->wait_given)
		in->quiet = o->wait_stdin;
}

void
tcpcat_pump_opts(const struct tcpcat_opts *o, uint64_t deadline,
    struct tcpk_pump_opts *p)
{
	tcpk_pump_defaults(p);
	p->idle_timeout = o->remote.o.idle_timeout;
	p->half_close_timeout = o->remote.o.half_close_timeout;
	p->deadline = deadline;
	p->half[0].mute = o->recv_only;
	p->half[0].no_shutdown = o->remote.o.no_shutdown;
	/* Of udp, each sender is greeted by itself. */
	if (o->listen && o->greet != NULL && o->remote.scheme != TCPK_UDP) {
		p->half[0].first = o->greet;
		p->half[0].nfirst = strlen(o->greet);
	}
	p->half[1].discard = o->send_only;
	p->half[1].limit = o->recv_bytes;
	p->half[1].at_most = o->quit_after;
	set_input_rule(o, &p->half[0]);
	if (o->reconnect && o->local.scheme == TCPK_STDIO)
		p->half[1].no_finish = true;
	if (o->reset) {
		p->reset[1] = true;
		p->half[0].no_finish = true;
		if (o->quit_after == TCPK_FOREVER)
			p->half[1].quiet = RESET_SILENCE;
	}
}

int
tcpcat_lines(const struct tcpcat_opts *o, struct tcpk_loop *loop,
    struct tcpk_stream **local, struct tcpk_err *err)
{
	struct tcpk_stream	*s;

	if (!o->crlf && o->line_interval == 0)
		return 0;
	s = tcpk_stream_lines(loop, *local, o->crlf, o->line_interval, err);
	if (s == NULL)
		return -1;
	*local = s;
	return 0;
}
