/* Waiting for the one client of -l. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tcpkit/senders.h>
#include <tcpkit/udp.h>

#include "tcpcat_run.h"
#include "tls_msg.h"

static void
print_own_cert(const struct tcpcat *t, const char *listening_on)
{
	struct tcpk_tls_cert	*cert = tcpk_serve_cert(t->serve, 0);

	if (cert != NULL)
		tls_msg_own(&t->msg, cert, listening_on,
		    t->o.remote.o.client_ca != NULL);
	free(cert);
}

/*
 * Whoever sends is the other side: there is no one client, but there has to
 * be a first one.
 */
static void
join_senders(struct tcpcat *t, const struct tcpk_addr *here)
{
	struct tcpk_senders_opts	opts = { .all = false };
	struct tcpk_err			err;

	if (t->o.greet != NULL) {
		opts.greeting = t->o.greet;
		opts.ngreeting = strlen(t->o.greet);
	}
	t->senders = tcpk_senders_new(t->loop, &opts, &err);
	if (t->senders == NULL) {
		tcpcat_leave_err(t, "error", &err);
		return;
	}
	t->conn = 1;
	tcpcat_join(t, t->senders, here, NULL);
}

static void
on_ready(void *arg, const struct tcpk_addr *addrs, size_t n,
    const struct tcpk_err *err)
{
	struct tcpcat		*t = arg;
	struct msg_fields	 f = { .event = "listening" };
	char			 text[TCPK_ADDR_TEXT];
	size_t			 i;

	if (err != NULL) {
		tcpcat_leave_err(t, "listen-failed", err);
		return;
	}
	record_start(t->record);
	for (i = 0; i < n; i++) {
		f.local = tcpk_addr_format(&addrs[i], text, sizeof(text));
		msg(&t->msg, MSG_NOTICE, &f, "listening on %s", text);
		if (i == 0 && t->o.remote.o.self_signed)
			print_own_cert(t, text);
	}
}

static void
on_datagram(void *arg, struct tcpk_serve *serve, struct tcpk_udp *udp,
    const struct tcpk_addr *from, const void *data, size_t n)
{
	struct tcpcat		*t = arg;
	struct msg_fields	 f = { .event = "connect", .conn = 1 };
	char			 text[TCPK_ADDR_TEXT];

	(void)serve;
	if (t->conn == 0)
		join_senders(t, tcpk_udp_addr(udp));
	/* It comes before the pump is there; when all is done, to nobody. */
	if ((t->pump == NULL && t->remote == NULL) ||
	    !tcpk_senders_heard(t->senders, udp, from, data, n))
		return;
	f.peer = tcpk_addr_format(from, text, sizeof(text));
	msg(&t->msg, MSG_INFO, &f, "first datagram from %s", text);
}

/* The first client is the only one. */
static void
on_client(void *arg, const struct tcpk_client *c)
{
	struct tcpcat		*t = arg;
	struct msg_fields	 f = { .event = "connect", .conn = 1 };
	struct tcpk_stream	*stream = c->stream;
	char			 via[TCPK_ADDR_TEXT];

	tcpk_serve_free(t->serve);
	t->serve = NULL;
	t->conn = 1;
	tcpcat_join(t, stream, c->peer, c);
	f.local = t->here[0] != '\0' ? t->here : NULL;
	f.peer = t->peer;
	if (c->via != NULL)
		f.via = tcpk_addr_format(c->via, via, sizeof(via));
	msg(&t->msg, MSG_INFO, &f, "connection from %s%s%s", t->peer,
	    f.via != NULL ? " via " : "", f.via != NULL ? f.via : "");
	if (c->tls != NULL)
		tls_msg_agreed(&t->msg, &f, tcpk_tls_info(stream), false);
}

/* A handshake that failed is an end, too. */
static void
on_refused(void *arg, const struct tcpk_addr *peer,
    const struct tcpk_err *err, const struct tcpk_tls_info *info)
{
	struct tcpcat		*t = arg;
	struct msg_fields	 f = { .event = "tls-failed", .conn = 1 };
	char			 text[TCPK_ADDR_TEXT];
	struct tcpk_err		 named = *err;

	f.peer = tcpk_addr_format(peer, text, sizeof(text));
	tcpk_err_wrap(&named, "%s", text);
	msg_err(&t->msg, MSG_ERROR, &f, &named);
	if (info != NULL)
		tls_msg_presented(&t->msg, &f, text, info, false);
	tcpcat_leave(t, msg_status(err));
}

/* As is a PROXY header that is none. */
static void
on_bad_header(void *arg, const struct tcpk_addr *sender,
    const struct tcpk_err *err)
{
	struct tcpcat		*t = arg;
	char			 text[TCPK_ADDR_TEXT];
	struct msg_fields	 f = { .event = "proxy-failed", .conn = 1 };
	struct tcpk_err		 named = *err;

	f.peer = tcpk_addr_format(sender, text, sizeof(text));
	tcpk_err_wrap(&named, "%s", text);
	msg_err(&t->msg, MSG_ERROR, &f, &named);
	tcpcat_leave(t, msg_status(err));
}

static void
on_denied(void *arg, const struct tcpk_addr *peer, const char *rule)
{
	struct tcpcat		*t = arg;
	struct msg_fields	 f = { .event = "denied", .reason = "acl" };
	char			 text[TCPK_ADDR_TEXT];

	f.peer = tcpk_addr_format(peer, text, sizeof(text));
	msg(&t->msg, MSG_INFO, &f, "denied %s: %s", text, rule);
}

static void
on_trouble(void *arg, const struct tcpk_err *err)
{
	struct tcpcat		*t = arg;
	struct msg_fields	 f = { .event = "accept-paused" };

	msg_err(&t->msg, MSG_WARNING, &f, err);
}

int
tcpcat_listen(struct tcpcat *t, struct tcpk_err *err)
{
	static const struct tcpk_serve_handler	 handler = {
		.ready = on_ready,
		.client = on_client,
		.denied = on_denied,
		.trouble = on_trouble,
		.warning = tcpcat_warning,
		.refused = on_refused,
		.datagram = on_datagram,
		.bad_header = on_bad_header
	};
	struct tcpk_serve_opts			 opts = {
		.numeric = t->o.numeric,
		.one = t->o.remote.scheme != TCPK_UDP
	};

	t->serve = tcpk_serve_start(t->loop, &t->o.remote, &opts, &handler, t,
	    err);
	return t->serve == NULL ? -1 : 0;
}
