/*
 * One connection to one address of one port.  The addresses of a port are
 * tried one after the other, the next one at once after a failure and 250 ms
 * after one that does not answer (RFC 8305); a dead one holds up nobody.
 */

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include <tcpkit/dial.h>
#include <tcpkit/sock.h>

#include "tcpcat_scan_impl.h"

#define ATTEMPT_DELAY	(250 * TCPK_MS)

/* Connections begun in one turn of the loop, so that signals are heard. */
#define TURN		128

/* --- the end of one ------------------------------------------------------- */

static void
end_probe(struct scan_probe *p)
{
	struct scan	*s = p->host->scan;

	tcpk_watch_stop(&p->watch);
	tcpk_timer_stop(&p->timer);
	close(p->watch.fd);
	p->host->state[p->port].active--;
	p->host = NULL;
	s->free_at = (size_t)(p - s->probes);
	s->active--;
}

void
scan_probes_cancel(struct scan *s)
{
	size_t	i;

	for (i = 0; i < s->nprobes; i++)
		if (s->probes[i].host != NULL)
			end_probe(&s->probes[i]);
}

static void
port_opened(struct scan_host *h, size_t port, size_t addr)
{
	struct scan	*s = h->scan;
	size_t		 i;

	for (i = 0; h->state[port].active > 0 && i < s->nprobes; i++)
		if (s->probes[i].host == h && s->probes[i].port == port)
			end_probe(&s->probes[i]);
	scan_opened(h, port, addr);
}

/* It can be started again: at another address, or in another round. */
static void
rewind_to(struct scan_host *h, size_t port)
{
	size_t	at = (size_t)(h - h->scan->hosts);

	if (port < h->cursor)
		h->cursor = port;
	if (at < h->scan->first)
		h->scan->first = at;
}

static void
address_failed(struct scan_host *h, size_t port, size_t addr, int code)
{
	struct scan_port	*p = &h->state[port];
	struct msg_fields	 f = { .event = "connect-failed" };
	struct tcpk_attempt	 a = { .addr = h->addrs[addr], .code = code };
	char			 text[TCPK_ADDR_TEXT];
	struct tcpk_err		 err;

	if (h->scan->msg->verbose > 0) {
		tcpk_addr_set_port(&a.addr, h->ports->list[port]);
		tcpk_attempt_err(&a, &h->ports->ep, &err);
		f.peer = tcpk_addr_format(&a.addr, text, sizeof(text));
		msg_err(h->scan->msg, MSG_INFO, &f, &err);
	}
	h->scan->kinds |= 1u << tcpk_sock_kind(code);
	if (p->active > 0)
		return;
	if (p->next < h->naddrs)
		rewind_to(h, port);
	else
		scan_failed(h, port, tcpk_sock_kind(code));
}

/*
 * Connecting to a port of this host that nobody listens on, the kernel may
 * choose that very port for our end, and we would be talking to ourselves.
 */
static int
outcome(int fd)
{
	struct tcpk_addr	here, peer;
	int			code = tcpk_sock_error(fd);

	if (code == 0 && tcpk_addr_local(&here, fd) == 0 &&
	    tcpk_addr_peer(&peer, fd) == 0 && tcpk_addr_equal(&here, &peer))
		code = ECONNREFUSED;
	return code;
}

static void
settle(struct scan_probe *p, int code)
{
	struct scan_host	*h = p->host;
	struct scan		*s = h->scan;
	size_t			 port = p->port, addr = p->addr;

	if (code == 0 && s->o->reset)
		tcpk_sock_reset_on_close(p->watch.fd);
	end_probe(p);
	if (code == 0)
		port_opened(h, port, addr);
	else
		address_failed(h, port, addr, code);
	scan_tick(s);
}

static void
on_writable(void *arg, unsigned ready)
{
	struct scan_probe	*p = arg;

	(void)ready;
	settle(p, outcome(p->watch.fd));
}

/* --- the beginning -------------------------------------------------------- */

static int	begin(struct scan_host *, size_t port);

static void
set_timer(struct scan_probe *p)
{
	struct scan_port	*port = &p->host->state[p->port];
	uint64_t		 next = tcpk_now() + ATTEMPT_DELAY;

	tcpk_timer_set(&p->timer, port->next < p->host->naddrs &&
	    next < p->until ? next : p->until);
}

static void
on_timer(void *arg)
{
	struct scan_probe	*p = arg;
	struct scan		*s = p->host->scan;
	struct pollfd		 pfd = { p->watch.fd, POLLOUT, 0 };

	/* This process may have been away. */
	if (poll(&pfd, 1, 0) == 1) {
		on_writable(p, TCPK_WRITE);
		return;
	}
	if (tcpk_now() >= p->until) {
		settle(p, ETIMEDOUT);
		return;
	}
	if (s->left)
		return;
	if (p->host->state[p->port].next < p->host->naddrs &&
	    begin(p->host, p->port) == 0)
		scan_tick(s);
	if (p->host != NULL)
		set_timer(p);
}

static struct scan_probe *
free_probe(struct scan *s)
{
	while (s->probes[s->free_at].host != NULL)
		s->free_at = (s->free_at + 1) % s->nprobes;
	return &s->probes[s->free_at];
}

static void
watch(struct scan_host *h, size_t port, size_t addr, int fd)
{
	struct scan		*s = h->scan;
	struct scan_probe	*p = free_probe(s);

	p->host = h;
	p->port = port;
	p->addr = (unsigned char)addr;
	p->until = tcpk_now() + h->ports->ep.o.connect_timeout;
	h->state[port].active++;
	s->active++;
	tcpk_watch_init(&p->watch, s->loop, fd, on_writable, p);
	tcpk_watch_want(&p->watch, TCPK_WRITE);
	tcpk_timer_init(&p->timer, s->loop, on_timer, p);
	set_timer(p);
}

/* Will there be more of it when another connection has ended? */
static bool
is_scarce(int code)
{
	return code == EMFILE || code == ENFILE || code == ENOMEM ||
	    code == ENOBUFS || code == EADDRNOTAVAIL || code == EAGAIN;
}

/*
 * Try the next address of a port.  -1: not now, because something has run
 * out that will come back, or not at all, as we are leaving.
 */
static int
begin(struct scan_host *h, size_t port)
{
	struct scan_port	*p = &h->state[port];
	struct scan		*s = h->scan;
	struct tcpk_addr	 addr = h->addrs[p->next];
	struct tcpk_err		 err;
	bool			 done;
	int			 fd, code;

	if (s->active == s->nprobes)
		return -1;
	tcpk_addr_set_port(&addr, h->ports->list[port]);
	fd = tcpk_sock_connect(&addr, &h->ports->ep.o, &done, &err);
	if (fd == -1 && s->active > 0 && is_scarce(err.code))
		return -1;
	if (fd == -1 && (err.kind == TCPK_EUSAGE || err.kind == TCPK_EIO)) {
		scan_leave_err(s, &err);
		return -1;
	}
	p->next++;
	if (fd == -1) {
		address_failed(h, port, p->next - 1u, err.code);
		return 0;
	}
	/* On this machine the answer is often there already. */
	code = done ? outcome(fd) : tcpk_sock_error(fd);
	if (!done && code == 0) {
		watch(h, port, p->next - 1u, fd);
		return 0;
	}
	close(fd);
	if (code == 0)
		port_opened(h, port, p->next - 1u);
	else
		address_failed(h, port, p->next - 1u, code);
	return 0;
}

/* The next port that can be started, after all that are before it. */
static bool
find_port(struct scan_host *h)
{
	const struct scan_port	*p;

	if (h->named != SCAN_NAMED)
		return false;
	for (; h->cursor < h->ports->n; h->cursor++) {
		p = &h->state[h->cursor];
		if (p->state == SCAN_UNKNOWN && p->active == 0 &&
		    p->next < h->naddrs)
			return true;
	}
	return false;
}

void
scan_probes(struct scan *s)
{
	struct scan_host	*h;
	size_t			 i, most;
	int			 turn = TURN;

	/* With few descriptors, the resolver must not find them all taken. */
	if (s->most_looking == 1 && (s->looking > 0 ||
	    s->next_name < s->nhosts))
		return;
	for (i = s->first; i < s->nhosts; i++) {
		h = &s->hosts[i];
		/* Second addresses must find room, or the dead hold all. */
		most = s->nprobes;
		if (h->naddrs > 1)
			most -= most / 4;
		while (find_port(h)) {
			if (s->active >= most)
				return;
			if (turn-- == 0) {
				scan_tick(s);
				return;
			}
			if (begin(h, h->cursor) == -1)
				return;
		}
		if (i == s->first && h->named == SCAN_NAMED)
			s->first++;
	}
}
