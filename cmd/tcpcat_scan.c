#include <arpa/inet.h>
#include <netdb.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "sig.h"
#include "tcpcat_scan_impl.h"

/* The waits between rounds: SPEC section 2. */
#define RETRY_LEAST	(TCPK_SECOND / 10)
#define RETRY_MOST	(5 * TCPK_SECOND)

/* Descriptors for all but connections: ours, and those of look-ups. */
#define OTHER_FDS	64
#define FEW_OTHER_FDS	16	/* when it is one after the other */

/* --- what the other files tell -------------------------------------------- */

void
scan_tick(struct scan *s)
{
	tcpk_timer_set(&s->tick, tcpk_now());
}

void
scan_leave(struct scan *s, int status)
{
	s->status = status;
	s->left = true;
	tcpk_loop_stop(s->loop);
}

void
scan_leave_err(struct scan *s, const struct tcpk_err *err)
{
	struct msg_fields	f = { .event = "error" };

	if (s->left)
		return;
	msg_err(s->msg, MSG_ERROR, &f, err);
	scan_leave(s, msg_status(err));
}

bool
scan_is_last(const struct scan *s)
{
	return !s->o->retry || s->round >= s->o->retries;
}

void
scan_opened(struct scan_host *h, size_t port, size_t addr)
{
	struct scan_port	*p = &h->state[port];

	p->state = SCAN_OPEN;
	if (h->scan->msg->json &&
	    (p->opened = malloc(sizeof(*p->opened))) != NULL) {
		*p->opened = h->addrs[addr];
		tcpk_addr_set_port(p->opened, h->ports->list[port]);
	}
	h->scan->unknown--;
	h->scan->open++;
}

void
scan_failed(struct scan_host *h, size_t port, enum tcpk_err_kind kind)
{
	h->state[port].state = SCAN_FAILED;
	h->scan->unknown--;
	h->scan->kinds |= 1u << kind;
}

/* --- rounds --------------------------------------------------------------- */

/* The status of all that failed: what they have in common. */
static int
failed_status(unsigned kinds)
{
	if (kinds == 1u << TCPK_ENAME)
		return 3;
	return kinds == 1u << TCPK_ETIMEOUT ? 4 : 1;
}

static void
end_round(struct scan *s)
{
	struct msg_fields	f = { .event = "detail" };
	uint64_t		wait;

	if (s->again.at != 0)
		return;
	if (s->open == s->all || scan_is_last(s)) {
		s->over = true;
		return;
	}
	wait = backoff_next(&s->backoff);
	msg(s->msg, MSG_INFO, &f, "%zu of %zu ports accept: trying the "
	    "others again in %.1f s", s->open, s->all, (double)wait / 1e9);
	tcpk_timer_set(&s->again, tcpk_now() + wait);
}

/* Names are looked up anew: what is waited for may be just that. */
static void
next_round(void *arg)
{
	struct scan		*s = arg;
	struct scan_host	*h;
	struct scan_port	*p;
	size_t			 i;
	bool			 any;

	s->round++;
	s->kinds = 0;
	s->first = s->next_name = 0;
	for (h = s->hosts; h < s->hosts + s->nhosts; h++) {
		any = false;
		for (i = 0; i < h->ports->n; i++) {
			p = &h->state[i];
			if (p->state != SCAN_FAILED)
				continue;
			p->state = SCAN_UNKNOWN;
			p->next = 0;
			s->unknown++;
			any = true;
		}
		if (!any)
			continue;
		h->cursor = 0;
		if (!h->numeric)
			scan_names_forget(h);
	}
	scan_tick(s);
}

static void
on_tick(void *arg)
{
	struct scan	*s = arg;

	if (s->left)
		return;
	scan_names(s);
	if (!s->left)
		scan_probes(s);
	if (!s->left && s->unknown == 0 && !s->over)
		end_round(s);
	if (!s->left && scan_print(s, false) && s->over)
		scan_leave(s, s->open == s->all || (s->open > 0 &&
		    !s->o->retry) ? 0 : failed_status(s->kinds));
}

/* --- ends of the whole ---------------------------------------------------- */

static void
on_deadline(void *arg)
{
	struct scan		*s = arg;
	struct msg_fields	 f = { .event = "timeout",
				       .reason = "timeout" };

	scan_print(s, true);
	if (s->left)
		return;
	msg(s->msg, MSG_ERROR, &f, "deadline reached: %zu of %zu ports "
	    "accept, %zu %s", s->open, s->all, s->o->retry ? s->all -
	    s->open : s->unknown, s->o->retry ? "do not yet" :
	    "are not known");
	scan_leave(s, 4);
}

static void
on_signal(void *arg, int signo)
{
	struct scan	*s = arg;

	scan_print(s, true);
	s->signo = signo;
	scan_leave(s, 128 + signo);
}

/* --- the beginning -------------------------------------------------------- */

static int
service_port(const char *name, struct tcpk_err *err)
{
	struct servent	*service = getservbyname(name, "tcp");

	if (service != NULL)
		return ntohs((uint16_t)service->s_port);
	return tcpk_err_set(err, TCPK_EUSAGE, "\"%.40s\" is no port, service "
	    "or option", name);
}

static int
no_services(const char *name, struct tcpk_err *err)
{
	return tcpk_err_set(err, TCPK_ENAME, "\"%.40s\" is not a number, and "
	    "no name service is to be asked", name);
}

/* What would move data, or keep a connection that is closed at once. */
static int
prepare_endpoint(struct tcpk_endpoint *ep, const struct msg *m)
{
	const char	*not = ep->o.via != NULL ? "via" :
	    ep->o.proxy_protocol != 0 ? "proxy-protocol" :
	    ep->o.rate != 0 ? "rate" :
	    ep->o.idle_timeout != 0 ? "idle-timeout" :
	    ep->o.half_close_timeout != 0 ? "half-close-timeout" :
	    ep->o.no_shutdown ? "no-shutdown" : NULL;

	if (not != NULL)
		return msg_usage(m, "%s: -z and %s exclude each other",
		    ep->host, not);
	ep->o.keepalive = 0;
	/* Its connections are made when there is data for them. */
	ep->o.fastopen = false;
	return 0;
}

static int
prepare_hosts(struct scan *s, struct opts *opts, struct tcpk_err *err)
{
	struct scan_host	*h;
	struct tcpk_endpoint	*ep;
	size_t			 i;

	s->hosts = calloc(s->nhosts, sizeof(*s->hosts));
	if (s->hosts == NULL)
		return tcpk_err_set(err, TCPK_EIO, "out of memory");
	for (i = 0; i < s->nhosts; i++) {
		h = &s->hosts[i];
		h->scan = s;
		h->ports = &s->ports[i];
		ep = &h->ports->ep;
		err->kind = TCPK_OK;
		if (opts_apply(opts, &ep, 1) != 0 ||
		    prepare_endpoint(ep, s->msg) != 0 ||
		    scan_names_check(h, err) == -1)
			return -1;
		h->state = calloc(h->ports->n, sizeof(*h->state));
		if (h->state == NULL)
			return tcpk_err_set(err, TCPK_EIO, "out of memory");
		s->all += h->ports->n;
	}
	s->unknown = s->all;
	return 0;
}

/* How much at once?  When descriptors run out all the same, it waits. */
static void
size_up(struct scan *s)
{
	struct rlimit	limit;
	size_t		n = SCAN_PROBES;

	s->most_looking = SCAN_LOOKUPS;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
	    limit.rlim_cur < SCAN_PROBES + OTHER_FDS) {
		s->most_looking = 1;
		if (limit.rlim_cur < SCAN_PROBES + FEW_OTHER_FDS)
			n = limit.rlim_cur <= FEW_OTHER_FDS ? 1 :
			    (size_t)limit.rlim_cur - FEW_OTHER_FDS;
	}
	s->nprobes = n;
}

static int
prepare(struct scan *s, struct opts *opts, int argc, char **argv)
{
	struct msg_fields	f = { .event = "error" };
	struct tcpk_err		err = { 0 };

	if (argc == 0)
		return msg_usage(s->msg, "no address given");
	if (ports_operands(&s->ports, &s->nhosts, argc, argv, s->o->numeric ?
	    no_services : service_port, &err) == -1)
		goto fail;
	if (prepare_hosts(s, opts, &err) == -1)
		goto fail;
	size_up(s);
	s->probes = calloc(s->nprobes, sizeof(*s->probes));
	if (s->probes != NULL)
		return 0;
	tcpk_err_set(&err, TCPK_EIO, "out of memory");
fail:
	if (err.kind == TCPK_OK)	/* it has been reported */
		return 2;
	if (err.kind == TCPK_EUSAGE)
		return msg_usage(s->msg, "%s", err.text);
	msg_err(s->msg, MSG_ERROR, &f, &err);
	return msg_status(&err);
}

static void
run(struct scan *s)
{
	struct msg_fields	f = { .event = "error" };
	struct tcpk_err		err;

	s->loop = tcpk_loop_new(getenv("TCPKIT_LOOP"), &err);
	if (s->loop == NULL)
		goto fail;
	tcpk_timer_init(&s->tick, s->loop, on_tick, s);
	tcpk_timer_init(&s->again, s->loop, next_round, s);
	tcpk_timer_init(&s->deadline, s->loop, on_deadline, s);
	tcpk_watch_init(&s->out, s->loop, STDOUT_FILENO, scan_on_room, s);
	backoff_init(&s->backoff, RETRY_LEAST, RETRY_MOST);
	if (s->o->deadline != 0)
		tcpk_timer_set(&s->deadline, tcpk_now() + s->o->deadline);
	scan_tick(s);
	if (sig_watch(s->loop, on_signal, s, &err) == 0 &&
	    tcpk_loop_run(s->loop, &err) == 0)
		return;
fail:
	msg_err(s->msg, MSG_ERROR, &f, &err);
	s->status = msg_status(&err);
}

static void
free_host(struct scan_host *h)
{
	size_t	i;

	scan_names_forget(h);
	for (i = 0; h->state != NULL && i < h->ports->n; i++)
		free(h->state[i].opened);
	free(h->state);
}

static void
clean_up(struct scan *s)
{
	size_t	i;

	sig_unwatch();
	if (s->loop != NULL) {
		scan_probes_cancel(s);
		tcpk_watch_stop(&s->out);
		tcpk_timer_stop(&s->tick);
		tcpk_timer_stop(&s->again);
		tcpk_timer_stop(&s->deadline);
	}
	for (i = 0; i < s->nhosts; i++) {
		if (s->hosts != NULL)
			free_host(&s->hosts[i]);
		ports_free(&s->ports[i]);
	}
	tcpk_loop_free(s->loop);
	free(s->probes);
	free(s->hosts);
	free(s->ports);
}

int
tcpcat_scan(struct tcpcat_opts *o, struct opts *opts, const struct msg *m,
    int argc, char **argv, bool pipe_ignored)
{
	struct scan	s = { .o = o, .msg = m, .pipe_ignored = pipe_ignored };

	s.status = prepare(&s, opts, argc, argv);
	if (s.status == 0)
		run(&s);
	clean_up(&s);
	if (s.signo != 0)
		sig_die(s.signo);
	return s.status;
}
