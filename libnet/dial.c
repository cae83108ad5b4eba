#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tcpkit/dial.h"
#include "tcpkit/resolve.h"
#include "tcpkit/sock.h"

/* RFC 8305, sections 5 and 3. */
#define ATTEMPT_DELAY		(250 * TCPK_MS)
#define RESOLUTION_DELAY	(50 * TCPK_MS)

/* A Unix socket whose backlog is full has no event to wait for. */
#define BACKLOG_DELAY		(20 * TCPK_MS)

#define MAX_ATTEMPTS		64

enum { V6, V4, FAMILIES };

struct attempt {
	struct tcpk_dial   *dial;
	struct tcpk_watch   watch;	/* fd -1 when over */
	struct tcpk_addr    addr;
	bool		    opening;	/* its SYN waits for data */
};

struct tcpk_dial {
	struct tcpk_loop	*loop;
	const struct tcpk_endpoint *ep;
	struct tcpk_dial_opts	 opts;
	void		       (*fn)(void *, const struct tcpk_dialed *);
	void			*arg;
	struct tcpk_timer	 next;		/* try another address */
	struct tcpk_timer	 deadline;
	struct tcpk_resolve	*lookups[FAMILIES];
	struct tcpk_err		 lookup_err;
	uint64_t		 started, named, attempted;
	/* Addresses by family in the system's order, and how many are used. */
	struct tcpk_addr	*addrs[FAMILIES];
	size_t			 naddrs[FAMILIES], used[FAMILIES];
	int			 last;		/* family tried last */
	struct attempt		*tried[MAX_ATTEMPTS];
	struct tcpk_attempt	 failed[MAX_ATTEMPTS];
	size_t			 ntried, nfailed, active;
};

static void	try_next(void *);

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
	size_t	i;

	if (d == NULL)
		return;
	for (i = 0; i < d->ntried; i++) {
		close_attempt(d->tried[i]);
		free(d->tried[i]);
	}
	for (i = 0; i < FAMILIES; i++) {
		tcpk_resolve_cancel(d->lookups[i]);
		free(d->addrs[i]);
	}
	tcpk_timer_stop(&d->next);
	tcpk_timer_stop(&d->deadline);
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
	tcpk_watch_stop(&a->watch);
	a->watch.fd = -1;
	d->active--;
	finish(d, &result);
}

static void
note_failure(struct tcpk_dial *d, const struct tcpk_addr *addr, int code)
{
	d->failed[d->nfailed].addr = *addr;
	d->failed[d->nfailed++].code = code;
}

static bool
more_to_try(const struct tcpk_dial *d)
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

	(void)ready;
	code = tcpk_sock_error(a->watch.fd);
	if (code == 0) {
		succeed(d, a);
		return;
	}
	close_attempt(a);
	note_failure(d, &a->addr, code);
	try_next(d);
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
	return d->opts.defer && d->active == 0 && !more_to_try(d) &&
	    !looking_up(d);
}

static void
watch_attempt(struct tcpk_dial *d, int fd, const struct tcpk_addr *addr,
    bool connected)
{
	struct attempt	*a = calloc(1, sizeof(*a));
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
	a->dial = d;
	a->addr = *addr;
	a->opening = opening;
	tcpk_watch_init(&a->watch, d->loop, fd, on_writable, a);
	tcpk_watch_want(&a->watch, TCPK_WRITE);
	d->tried[d->ntried++] = a;
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
static void
try_next(void *arg)
{
	struct tcpk_dial	*d = arg;
	size_t			 before = d->active;

	tcpk_timer_stop(&d->next);
	while (more_to_try(d) && d->active == before) {
		if (!try_one(d))
			return;
		if (d->next.at != 0)
			return;
	}
	if (more_to_try(d))
		tcpk_timer_set(&d->next, tcpk_now() + ATTEMPT_DELAY);
	else if (d->active == 0 && !looking_up(d))
		fail(d);
}

static void
on_deadline(void *arg)
{
	struct tcpk_dial	*d = arg;
	size_t			 i;

	for (i = 0; i < d->ntried; i++) {
		if (d->tried[i]->watch.fd == -1)
			continue;
		note_failure(d, &d->tried[i]->addr, ETIMEDOUT);
		close_attempt(d->tried[i]);
	}
	if (d->nfailed == 0 && d->used[V6] + d->used[V4] <
	    d->naddrs[V6] + d->naddrs[V4])
		note_failure(d, take_address(d), ETIMEDOUT);
	if (d->nfailed == 0)
		tcpk_err_errno(&d->lookup_err, TCPK_ETIMEOUT, ETIMEDOUT,
		    "resolve %.128s", d->ep->host);
	fail(d);
}

static int
add_addresses(struct tcpk_dial *d, int family, const struct tcpk_addr *addrs,
    size_t n)
{
	size_t	i, j, used = 0;

	d->addrs[family] = calloc(n, sizeof(*addrs));
	if (d->addrs[family] == NULL)
		return -1;
	/* A hosts file may name one address twice. */
	for (i = 0; i < n; i++) {
		for (j = 0; j < used; j++)
			if (tcpk_addr_equal(&d->addrs[family][j], &addrs[i]))
				break;
		if (j == used)
			d->addrs[family][used++] = addrs[i];
	}
	d->naddrs[family] = used;
	return 0;
}

static void
on_resolved(struct tcpk_dial *d, int family, const struct tcpk_resolved *r)
{
	bool	first = d->naddrs[V6] + d->naddrs[V4] == 0;

	d->lookups[family] = NULL;
	if (r->n == 0)
		d->lookup_err = r->err;
	else if (add_addresses(d, family, r->addrs, r->n) == -1)
		tcpk_err_set(&d->lookup_err, TCPK_EIO, "out of memory");
	else if (first)
		d->named = tcpk_now();
	if (family == V4 && d->lookups[V6] != NULL && r->n > 0) {
		tcpk_timer_set(&d->next, tcpk_now() + RESOLUTION_DELAY);
		return;
	}
	/* An attempt under way keeps its 250 ms; a waiting one goes now. */
	if (d->active == 0)
		try_next(d);
	else if (d->next.at == 0 && more_to_try(d))
		tcpk_timer_set(&d->next, d->attempted + ATTEMPT_DELAY);
}

static void
on_resolved_v6(void *arg, const struct tcpk_resolved *r)
{
	on_resolved(arg, V6, r);
}

static void
on_resolved_v4(void *arg, const struct tcpk_resolved *r)
{
	on_resolved(arg, V4, r);
}

/* The family of the source, which decides as surely as the option; or 0. */
static uint64_t
source_family(const struct tcpk_endpoint *ep)
{
	if (tcpk_addr_is_any(&ep->o.source))
		return 0;
	return tcpk_addr_family(&ep->o.source) == AF_INET ? 4 : 6;
}

static int
check_source(const struct tcpk_endpoint *ep, uint64_t family,
    struct tcpk_err *err)
{
	char	text[TCPK_ADDR_TEXT];

	if (family == 0 || source_family(ep) == 0 ||
	    source_family(ep) == family)
		return 0;
	return tcpk_err_set(err, TCPK_EUSAGE, "%.80s: option source: %s is "
	    "not an IPv%d address, as what to connect to is", ep->text,
	    tcpk_addr_format_host(&ep->o.source, text, sizeof(text)),
	    family == 6 ? 6 : 4);
}

static int
look_up(struct tcpk_dial *d, struct tcpk_err *err)
{
	const struct tcpk_endpoint	*ep = d->ep;
	uint64_t			 want = ep->o.family;
	int				 type;

	type = ep->scheme == TCPK_UDP ? SOCK_DGRAM : SOCK_STREAM;
	if (check_source(ep, want, err) == -1)
		return -1;
	if (want == 0)
		want = source_family(ep);
	if (want != 4 && (d->lookups[V6] = tcpk_resolve_start(d->loop,
	    ep->host, ep->port, AF_INET6, type, d->opts.numeric, on_resolved_v6,
	    d, err)) == NULL)
		return -1;
	if (want != 6 && (d->lookups[V4] = tcpk_resolve_start(d->loop,
	    ep->host, ep->port, AF_INET, type, d->opts.numeric, on_resolved_v4,
	    d, err)) == NULL)
		return -1;
	return 0;
}

/* What is numeric already needs no thread.  0 not so, 1 done, -1. */
static int
take_numeric(struct tcpk_dial *d, struct tcpk_err *err)
{
	const struct tcpk_endpoint	*ep = d->ep;
	struct tcpk_addr		 a;
	uint64_t			 port;
	int				 family;

	if (ep->scheme == TCPK_UNIX) {
		if (tcpk_addr_unix(&a, ep->path, err) == -1)
			return -1;
	} else if (tcpk_value_number(&port, ep->port, 0, 65535, NULL) == -1 ||
	    tcpk_addr_parse(&a, ep->host, (uint16_t)port, NULL) == -1)
		return 0;
	family = tcpk_addr_family(&a) == AF_INET6 ? V6 : V4;
	if (ep->o.family != 0 && ep->o.family != (family == V6 ? 6 : 4))
		return tcpk_err_set(err, TCPK_EUSAGE, "%.80s is not an IPv%d "
		    "address", ep->host, ep->o.family == 6 ? 6 : 4);
	if (ep->scheme != TCPK_UNIX &&
	    check_source(ep, family == V6 ? 6 : 4, err) == -1)
		return -1;
	if (add_addresses(d, family, &a, 1) == -1)
		return tcpk_err_set(err, TCPK_EIO, "out of memory");
	tcpk_timer_set(&d->next, d->started);
	return 1;
}

struct tcpk_dial *
tcpk_dial_start(struct tcpk_loop *loop, const struct tcpk_endpoint *ep,
    const struct tcpk_dial_opts *opts,
    void (*fn)(void *, const struct tcpk_dialed *), void *arg,
    struct tcpk_err *err)
{
	struct tcpk_dial	*d = calloc(1, sizeof(*d));
	int			 r;

	if (d == NULL) {
		tcpk_err_set(err, TCPK_EIO, "out of memory");
		return NULL;
	}
	d->loop = loop;
	d->ep = ep;
	if (opts != NULL)
		d->opts = *opts;
	d->fn = fn;
	d->arg = arg;
	d->last = V4;
	d->started = tcpk_now();
	tcpk_timer_init(&d->next, loop, try_next, d);
	tcpk_timer_init(&d->deadline, loop, on_deadline, d);
	if (tcpk_timer_set(&d->deadline, d->started +
	    ep->o.connect_timeout) == -1) {
		tcpk_err_set(err, TCPK_EIO, "out of memory");
		goto fail;
	}
	r = take_numeric(d, err);
	if (r == -1 || (r == 0 && look_up(d, err) == -1))
		goto fail;
	return d;
fail:
	tcpk_dial_cancel(d);
	return NULL;
}
