#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dial_impl.h"
#include "tcpkit/sock.h"

/* A Unix socket whose backlog is full has no event to wait for. */
#define BACKLOG_DELAY		(20 * TCPK_MS)

static void
close_attempt(struct attempt *a)
{
	if (a->watch.fd == -1)
		return;
	tcpk_watch_stop(&a->watch);
	close(a->watch.fd);
	a->watch.fd = -1;
	a->dial->active--;
}

void
tcpk_dial_cancel(struct tcpk_dial *d)
{
	struct attempt	*a;
	int		 i;

	if (d == NULL)
		return;
	while ((a = d->tried) != NULL) {
		close_attempt(a);
		d->tried = a->next;
		free(a);
	}
	for (i = 0; i < FAMILIES; i++) {
		tcpk_resolve_cancel(d->lookups[i]);
		free(d->addrs[i]);
	}
	tcpk_timer_stop(&d->next);
	tcpk_timer_stop(&d->deadline);
	free(d->failed);
	free(d);
}

static void
finish(struct tcpk_dial *d, struct tcpk_dialed *result)
{
	result->attempts = d->failed;
	result->nattempts = d->nfailed;
	result->name_time = d->named > d->started ? d->named - d->started : 0;
	result->connect_time = tcpk_now() -
	    (d->named != 0 ? d->named : d->started);
	d->fn(d->arg, result);
	tcpk_dial_cancel(d);
}

void
tcpk_attempt_err(const struct tcpk_attempt *a, const struct tcpk_endpoint *ep,
    struct tcpk_err *err)
{
	char	to[TCPK_ADDR_TEXT], from[TCPK_ADDR_TEXT];

	tcpk_addr_format(&a->addr, to, sizeof(to));
	from[0] = '\0';
	if (tcpk_addr_port(&ep->o.source) != 0)
		tcpk_addr_format(&ep->o.source, from, sizeof(from));
	else if (ep->o.source.len != 0)
		tcpk_addr_format_host(&ep->o.source, from, sizeof(from));
	tcpk_err_errno(err, tcpk_sock_kind(a->code), a->code,
	    "connect %s%s%s%s", ep->o.via != NULL ? "proxy " : "", to,
	    from[0] != '\0' ? " from " : "", from);
}

static void
fail(struct tcpk_dial *d)
{
	struct tcpk_dialed	result = { .fd = -1 };
	enum tcpk_err_kind	kind = TCPK_OK;
	size_t			i;

	/* All of one kind, or else just not connected. */
	for (i = 0; i < d->nfailed; i++)
		if (i == 0)
			kind = tcpk_sock_kind(d->failed[i].code);
		else if (kind != tcpk_sock_kind(d->failed[i].code))
			kind = TCPK_ECONNECT;
	if (d->nfailed == 0)
		result.err = d->lookup_err;
	else {
		tcpk_attempt_err(&d->failed[d->nfailed - 1], d->ep,
		    &result.err);
		result.err.kind = kind;
	}
	finish(d, &result);
}

/* An error that no other address would mend. */
static void
fail_usage(struct tcpk_dial *d, const struct tcpk_err *err)
{
	struct tcpk_dialed	result = { .fd = -1, .err = *err };

	d->nfailed = 0;
	finish(d, &result);
}

static void
succeed(struct tcpk_dial *d, struct attempt *a)
{
	struct tcpk_dialed	result = { .fd = a->watch.fd };

	result.peer = a->addr;
	result.opening = a->opening;
	if (d->opts.into != NULL)
		tcpk_watch_move(d->opts.into, &a->watch);
	else
		tcpk_watch_stop(&a->watch);
	a->watch.fd = -1;
	d->active--;
	finish(d, &result);
}

static void
note_failure(struct tcpk_dial *d, const struct tcpk_addr *addr, int code)
{
	struct tcpk_attempt	*grown;

	/* Most dials have none: a table for all would cost them more. */
	grown = reallocarray(d->failed, d->nfailed + 1, sizeof(*grown));
	if (grown == NULL) {
		tcpk_err_set(&d->lookup_err, TCPK_EIO, "out of memory");
		return;
	}
	d->failed = grown;
	d->failed[d->nfailed].addr = *addr;
	d->failed[d->nfailed++].code = code;
}

bool
tcpk__dial_more(const struct tcpk_dial *d)
{
	return d->nfailed + d->active < MAX_ATTEMPTS &&
	    (d->used[V6] < d->naddrs[V6] || d->used[V4] < d->naddrs[V4]);
}

static bool
looking_up(const struct tcpk_dial *d)
{
	return d->lookups[V6] != NULL || d->lookups[V4] != NULL;
}

static void
on_writable(void *arg, unsigned ready)
{
	struct attempt		*a = arg;
	struct tcpk_dial	*d = a->dial;
	int			 code;

	code = tcpk_sock_connected(a->watch.fd, (ready & TCPK_HUP) != 0);
	if (code == 0) {
		succeed(d, a);
		return;
	}
	close_attempt(a);
	note_failure(d, &a->addr, code);
	tcpk__dial_next(d);
}

/* The next address: the other family's turn, as long as it has any. */
static const struct tcpk_addr *
take_address(struct tcpk_dial *d)
{
	int	family = d->last == V6 ? V4 : V6;

	if (d->used[family] == d->naddrs[family])
		family = family == V6 ? V4 : V6;
	d->last = family;
	return &d->addrs[family][d->used[family]++];
}

/*
 * May its first data prove this address?  Only if no other could be lost by
 * that.  If not, a plain SYN does, which goes now.
 */
static bool
may_defer(const struct tcpk_dial *d)
{
	return d->opts.defer && d->active == 0 && !tcpk__dial_more(d) &&
	    !looking_up(d);
}

static void
watch_attempt(struct tcpk_dial *d, int fd, const struct tcpk_addr *addr,
    bool connected)
{
	struct attempt	*a = malloc(sizeof(*a)), **last;
	bool		 opening;
	int		 code = 0;

	opening = connected && d->ep->o.fastopen && tcpk_sock_opening(fd);
	if (opening && !may_defer(d)) {
		code = tcpk_sock_go(fd);
		opening = connected = false;
	}
	if (a == NULL || code != 0) {
		close(fd);
		free(a);
		note_failure(d, addr, code != 0 ? code : ENOMEM);
		return;
	}
	for (last = &d->tried; *last != NULL; last = &(*last)->next)
		continue;
	*last = a;
	*a = (struct attempt){
		.dial = d,
		.addr = *addr,
		.opening = opening
	};
	tcpk_watch_init(&a->watch, d->loop, fd, on_writable, a);
	tcpk_watch_want(&a->watch, TCPK_WRITE | TCPK_HUP);
	d->active++;
	/* Connected at once, as Unix and UDP sockets are: tell of it too. */
	if (connected)
		tcpk_watch_poke(&a->watch, TCPK_WRITE);
}

/* Returns false when the dial is over. */
static bool
try_one(struct tcpk_dial *d)
{
	const struct tcpk_addr	*addr = take_address(d);
	struct tcpk_err		 err;
	bool			 connected;
	int			 fd;

	if (d->opts.trying != NULL)
		d->opts.trying(d->arg, addr);
	d->attempted = tcpk_now();
	if (d->ep->scheme == TCPK_UDP) {
		fd = tcpk_sock_datagram(addr, &d->ep->o, TCPK_CONNECT, &err);
		connected = true;
	} else
		fd = tcpk_sock_connect(addr, &d->ep->o, &connected, &err);
	if (fd != -1) {
		watch_attempt(d, fd, addr, connected);
		return true;
	}
	if (err.kind == TCPK_EUSAGE) {
		fail_usage(d, &err);
		return false;
	}
	if (err.code == EAGAIN && tcpk_addr_family(addr) == AF_UNIX) {
		d->used[d->last]--;
		d->opts.trying = NULL;
		tcpk_timer_set(&d->next, tcpk_now() + BACKLOG_DELAY);
		return true;
	}
	note_failure(d, addr, err.code);
	return true;
}

/* Try addresses until one is under way, or there is nothing left to do. */
void
tcpk__dial_next(void *arg)
{
	struct tcpk_dial	*d = arg;
	size_t			 before = d->active;

	tcpk_timer_stop(&d->next);
	while (tcpk__dial_more(d) && d->active == before) {
		if (!try_one(d))
			return;
		if (d->next.at != 0)
			return;
	}
	if (tcpk__dial_more(d))
		tcpk_timer_set(&d->next, tcpk_now() + ATTEMPT_DELAY);
	else if (d->active == 0 && !looking_up(d))
		fail(d);
}

static void
on_deadline(void *arg)
{
	struct tcpk_dial	*d = arg;
	struct attempt		*a;

	for (a = d->tried; a != NULL; a = a->next) {
		if (a->watch.fd == -1)
			continue;
		note_failure(d, &a->addr, ETIMEDOUT);
		close_attempt(a);
	}
	if (d->nfailed == 0 && d->used[V6] + d->used[V4] <
	    d->naddrs[V6] + d->naddrs[V4])
		note_failure(d, take_address(d), ETIMEDOUT);
	if (d->nfailed == 0)
		tcpk_err_errno(&d->lookup_err, TCPK_ETIMEOUT, ETIMEDOUT,
		    "resolve %.128s", d->ep->host);
	fail(d);
}

struct tcpk_dial *
tcpk_dial_start(struct tcpk_loop *loop, const struct tcpk_endpoint *ep,
    const struct tcpk_dial_opts *opts,
    void (*fn)(void *, const struct tcpk_dialed *), void *arg,
    struct tcpk_err *err)
{
	struct tcpk_dial	*d = malloc(sizeof(*d));	/* as connect's */
	int			 r;

	if (d == NULL) {
		tcpk_err_set(err, TCPK_EIO, "out of memory");
		return NULL;
	}
	*d = (struct tcpk_dial){
		.loop = loop,
		.ep = ep,
		.fn = fn,
		.arg = arg,
		.last = V4,
		.started = tcpk_now()
	};
	if (opts != NULL)
		d->opts = *opts;
	tcpk_timer_init(&d->next, loop, tcpk__dial_next, d);
	tcpk_timer_init(&d->deadline, loop, on_deadline, d);
	if (tcpk_timer_set(&d->deadline, d->started +
	    ep->o.connect_timeout) == -1) {
		tcpk_err_set(err, TCPK_EIO, "out of memory");
		goto fail;
	}
	r = tcpk__dial_numeric(d, err);
	if (r == -1 || (r == 0 && tcpk__dial_look_up(d, err) == -1))
		goto fail;
	return d;
fail:
	tcpk_dial_cancel(d);
	return NULL;
}
