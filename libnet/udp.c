#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tcpkit/sock.h"
#include "udp_impl.h"

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL	0	/* datagrams raise no SIGPIPE anyway */
#endif

/* Datagrams told in one go, so that a flood leaves time for the others. */
#define BURST		64

/* Rest after a whole burst of errors: what does not go away must not spin. */
#define TROUBLE_DELAY	(200 * TCPK_MS)

typedef void tell_fn(void *, struct tcpk_udp *, const struct tcpk_addr *,
    const void *, size_t);

struct tcpk_udp {
	struct tcpk_watch	 watch;
	struct tcpk_timer	 retry;
	struct tcpk_loop	*loop;
	tell_fn			*fn;
	void			*arg;
	struct tcpk_addr	 addr;
	bool			 any;		/* bound to every address */
	bool			 paused;
	/* The datagram that is being told; from is NULL between them. */
	const struct tcpk_addr	*from;
	struct tcpk_addr	 here;
	bool			*freed;		/* set when freed meanwhile */
	struct tcpk_udp_counts	 counts;
};

/* --- receiving ------------------------------------------------------------ */

/* n, or -1 with errno. */
static ssize_t
receive(struct tcpk_udp *u, struct tcpk_addr *from, bool *cut)
{
	struct sockaddr_storage	ss;
	union tcpk__udp_control	control;
	struct iovec		iov;
	struct msghdr		m;
	ssize_t			n;

	iov.iov_base = tcpk_loop_scratch(u->loop);
	iov.iov_len = TCPK_SCRATCH;
	do {
		memset(&m, 0, sizeof(m));
		m.msg_name = &ss;
		m.msg_namelen = sizeof(ss);
		m.msg_iov = &iov;
		m.msg_iovlen = 1;
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
		n = recvmsg(u->watch.fd, &m, MSG_DONTWAIT);
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		return -1;
	tcpk_addr_from(from, (struct sockaddr *)&ss, m.msg_namelen);
	if (u->any) {
		tcpk__udp_told(&m, &u->here);
		if (u->here.len != 0)
			tcpk_addr_set_port(&u->here,
			    tcpk_addr_port(&u->addr));
	} else
		u->here = u->addr;
	*cut = (m.msg_flags & MSG_TRUNC) != 0;
	return n;
}

static void
rest(struct tcpk_udp *u)
{
	if (tcpk_timer_set(&u->retry, tcpk_now() + TROUBLE_DELAY) == 0)
		tcpk_watch_want(&u->watch, 0);
}

static void
on_retry(void *arg)
{
	struct tcpk_udp	*u = arg;

	tcpk_watch_want(&u->watch, TCPK_READ);
}

/*
 * An error here is about something that was sent before (ICMP) or about the
 * network: the socket is as good as ever, and to ask takes the error away.
 */
static void
on_readable(void *arg, unsigned ready)
{
	struct tcpk_udp		*u = arg;
	struct tcpk_addr	 from;
	bool			 freed = false, cut;
	ssize_t			 n;
	int			 i, errors = 0;

	(void)ready;
	u->freed = &freed;
	for (i = 0; i < BURST && !u->paused; i++) {
		n = receive(u, &from, &cut);
		if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (n == -1) {
			u->counts.errors++;
			errors++;
			continue;
		}
		/* What is left of it is not what was sent. */
		if (cut) {
			u->counts.truncated++;
			continue;
		}
		u->counts.received++;
		u->from = &from;
		u->fn(u->arg, u, &from, tcpk_loop_scratch(u->loop),
		    (size_t)n);
		if (freed)
			return;
		u->from = NULL;
	}
	u->freed = NULL;
	if (errors == BURST)
		rest(u);
}

/* --- sending -------------------------------------------------------------- */

/* IPv4 goes over an IPv6 socket as a mapped address. */
static struct tcpk_addr
native(const struct tcpk_udp *u, const struct tcpk_addr *a)
{
	struct tcpk_addr	mapped;

	if (tcpk_addr_family(&u->addr) != AF_INET6 ||
	    tcpk_addr_family(a) != AF_INET)
		return *a;
	tcpk_addr_any(&mapped, AF_INET6, tcpk_addr_port(a));
	memset(&mapped.u.in6.sin6_addr.s6_addr[10], 0xff, 2);
	memcpy(&mapped.u.in6.sin6_addr.s6_addr[12], &a->u.in.sin_addr, 4);
	return mapped;
}

static int
count_failure(struct tcpk_udp *u, int code)
{
	if (code == EAGAIN || code == EWOULDBLOCK || code == ENOBUFS ||
	    code == ENOMEM)
		u->counts.dropped++;
	else
		u->counts.failed++;
	return -1;
}

int
tcpk_udp_send_from(struct tcpk_udp *u, const struct tcpk_addr *here,
    const struct tcpk_addr *to, const void *data, size_t n)
{
	union tcpk__udp_control	control;
	struct tcpk_addr	name = native(u, to), as;
	struct iovec		iov;
	struct msghdr		m;
	ssize_t			put;
	bool			again = true;

	iov.iov_base = (void *)(uintptr_t)data;
	iov.iov_len = n;
	memset(&m, 0, sizeof(m));
	m.msg_name = &name.u;
	m.msg_namelen = name.len;
	m.msg_iov = &iov;
	m.msg_iovlen = 1;
	if (u->any && here != NULL && here->len != 0) {
		as = native(u, here);
		tcpk__udp_send_as(&m, &control, &as);
	}
	for (;;) {
		put = sendmsg(u->watch.fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (put != -1) {
			u->counts.sent++;
			return 0;
		}
		if (errno == EINTR)
			continue;
		/* Told now of what was sent before, perhaps to another. */
		if (errno != ECONNREFUSED || !again)
			return count_failure(u, errno);
		again = false;
	}
}

int
tcpk_udp_send(struct tcpk_udp *u, const struct tcpk_addr *to,
    const void *data, size_t n)
{
	const struct tcpk_addr	*here = NULL;

	if (u->from != NULL && tcpk_addr_equal(u->from, to))
		here = &u->here;
	return tcpk_udp_send_from(u, here, to, data, n);
}

/* --- the socket ----------------------------------------------------------- */

static struct tcpk_udp *
new_udp(struct tcpk_loop *loop, int fd, tell_fn *fn, void *arg,
    struct tcpk_err *err)
{
	struct tcpk_udp	*u = calloc(1, sizeof(*u));

	if (u == NULL || tcpk_loop_scratch(loop) == NULL) {
		tcpk_err_set(err, TCPK_EIO, "out of memory");
		free(u);
		return NULL;
	}
	u->loop = loop;
	u->fn = fn;
	u->arg = arg;
	tcpk_addr_local(&u->addr, fd);
	u->any = tcpk_addr_is_any(&u->addr);
	if (u->any)
		tcpk__udp_ask(fd, tcpk_addr_family(&u->addr));
	tcpk_timer_init(&u->retry, loop, on_retry, u);
	tcpk_watch_init(&u->watch, loop, fd, on_readable, u);
	tcpk_watch_want(&u->watch, TCPK_READ);
	return u;
}

struct tcpk_udp *
tcpk_udp_new(struct tcpk_loop *loop, const struct tcpk_addr *addr,
    const struct tcpk_options *options, tell_fn *fn, void *arg,
    struct tcpk_err *err)
{
	struct tcpk_udp	*u;
	int		 fd;

	fd = tcpk_sock_datagram(addr, options, TCPK_LISTEN, err);
	if (fd == -1)
		return NULL;
	u = new_udp(loop, fd, fn, arg, err);
	if (u == NULL)
		close(fd);
	return u;
}

struct tcpk_udp *
tcpk_udp_adopt(struct tcpk_loop *loop, int fd, tell_fn *fn, void *arg,
    struct tcpk_err *err)
{
	struct tcpk_addr	a;
	socklen_t		len = sizeof(int);
	int			type;

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == -1 ||
	    tcpk_addr_local(&a, fd) == -1) {
		tcpk_err_errno(err, TCPK_EUSAGE, errno, "fd:%d", fd);
		return NULL;
	}
	if (type != SOCK_DGRAM || tcpk_addr_port(&a) == 0) {
		tcpk_err_set(err, TCPK_EUSAGE,
		    "fd:%d: not a UDP socket that is bound", fd);
		return NULL;
	}
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	return new_udp(loop, fd, fn, arg, err);
}

const struct tcpk_addr *
tcpk_udp_addr(const struct tcpk_udp *u)
{
	return &u->addr;
}

int
tcpk_udp_fd(const struct tcpk_udp *u)
{
	return u->watch.fd;
}

void
tcpk_udp_pause(struct tcpk_udp *u)
{
	u->paused = true;
	tcpk_timer_stop(&u->retry);
	tcpk_watch_want(&u->watch, 0);
}

void
tcpk_udp_resume(struct tcpk_udp *u)
{
	u->paused = false;
	tcpk_watch_want(&u->watch, TCPK_READ);
}

const struct tcpk_addr *
tcpk_udp_here(const struct tcpk_udp *u)
{
	return &u->here;
}

void
tcpk_udp_counts(const struct tcpk_udp *u, struct tcpk_udp_counts *counts)
{
	*counts = u->counts;
}

void
tcpk_udp_free(struct tcpk_udp *u)
{
	if (u == NULL)
		return;
	if (u->freed != NULL)
		*u->freed = true;
	tcpk_watch_stop(&u->watch);
	tcpk_timer_stop(&u->retry);
	close(u->watch.fd);
	free(u);
}
