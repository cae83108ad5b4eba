/* One connection of tcpcat: joined to our side, and its bytes moved. */

#include <sys/stat.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sig.h"
#include "tcpcat_run.h"
#include "ucspi.h"

extern char	**environ;

static void
count(void *arg, uint64_t bytes[2])
{
	struct tcpcat	*t = arg;

	if (t->pump != NULL)
		tcpk_pump_bytes(t->pump, t->moved);
	bytes[0] = t->moved[0];
	bytes[1] = t->moved[1];
}

/* What is to come, where that is known: 0 not; *way is its direction. */
static uint64_t
expected(const struct tcpcat *t, int *way)
{
	struct stat	st;
	off_t		at;

	*way = 1;
	if (t->o.recv_bytes != 0)
		return t->o.recv_bytes;
	*way = 0;
	/* With -C it is longer by what its lines are. */
	if (t->o.local.scheme != TCPK_STDIO || t->o.recv_only || t->o.crlf ||
	    fstat(STDIN_FILENO, &st) == -1 || !S_ISREG(st.st_mode) ||
	    (at = lseek(STDIN_FILENO, 0, SEEK_CUR)) == -1 || at >= st.st_size)
		return 0;
	return (uint64_t)(st.st_size - at);
}

static void
start_progress(struct tcpcat *t)
{
	uint64_t	total;
	int		way;

	if (!t->o.progress)
		return;
	total = expected(t, &way);
	t->progress = progress_start(t->loop, &t->msg, count, t, total, way);
	if (t->o.local.scheme == TCPK_STDIO)
		progress_beside_output(t->progress);
}

static void
on_done(void *arg, const struct tcpk_pump_report *r)
{
	struct tcpcat		*t = arg;
	struct tcpcat_ends	 ends = { &t->msg, &t->o, t->conn, t->here,
				     t->peer, tcpk_now() - t->since };
	struct msg_fields	 f = { .conn = t->conn, .peer = t->peer };

	t->pump = NULL;
	t->moved[0] = r->bytes[0];
	t->moved[1] = r->bytes[1];
	progress_end(t->progress);
	t->progress = NULL;
	/* Like cat: nobody reads what we write, and that says it all. */
	if (r->err.kind == TCPK_EIO && r->err.code == EPIPE &&
	    r->side == 0 && !t->pipe_ignored)
		t->signo = SIGPIPE;
	else
		tcpcat_report(&ends, r);
	taps_end(&t->taps, r->err.kind != TCPK_OK, &t->msg, &f);
	/* Bytes show that it works: do not back off from there. */
	if (r->taken[1] > 0)
		backoff_reset(&t->backoff);
	if (t->signo == 0 && !(r->err.kind == TCPK_EIO && r->side == 0) &&
	    tcpcat_again(t, &r->err))
		return;
	tcpcat_leave(t, r->err.kind == TCPK_OK ? t->failed :
	    msg_status(&r->err));
}

static void
print_detail(const struct tcpcat *t, const struct tcpk_pump_opts *p)
{
	struct msg_fields	f = { .event = "detail", .conn = t->conn };
	uint64_t		quiet = p->half[0].quiet;

	f.local = t->here[0] != '\0' ? t->here : NULL;
	f.peer = t->peer;
	msg(&t->msg, MSG_DEBUG, &f, "local address %s, event loop %s, input "
	    "after the peer's end: %s", t->here[0] != '\0' ? t->here : "none",
	    tcpk_loop_backend(t->loop), quiet == 0 ? "not waited for" :
	    quiet == TCPK_FOREVER ? "to its end" : "until it is silent");
}

/*
 * What was read ahead for one connection and not sent there is for the next
 * one: the stream stays ours.
 */
static int
lend(struct tcpcat *t, struct tcpk_stream **local, struct tcpk_err *err)
{
	struct tcpk_stream	*lent = tcpk_stream_lend(*local, err);

	t->ours = lent != NULL ? *local : NULL;
	if (lent == NULL)
		return -1;
	*local = lent;
	return 0;
}

/* Our side as it is asked for: lines changed, looked on. */
static int
prepare(struct tcpcat *t, struct tcpk_stream **local, struct tcpk_err *err)
{
	struct taps_opts	 o = {
		.digest = t->o.sha256,
		.input = t->o.reconnect && t->o.local.scheme == TCPK_STDIO
	};

	if (t->ours != NULL) {
		tcpk_stream_free(*local);
		*local = t->ours;
		return lend(t, local, err);
	}
	if (tcpcat_lines(&t->o, t->loop, local, err) == -1 ||
	    taps_local(&t->taps, &o, local, err) == -1)
		return -1;
	return o.input ? lend(t, local, err) : 0;
}

static void
give_up(struct tcpcat *t, const char *event, const struct tcpk_err *err)
{
	struct msg_fields	f = { .conn = t->conn, .peer = t->peer };

	/* No answer must not look like an empty one. */
	tcpk_stream_reset(t->remote);
	tcpcat_leave_err(t, event, err);
	taps_end(&t->taps, true, &t->msg, &f);
}

static void
on_local(void *arg, const struct tcpk_connected *c)
{
	struct tcpcat		*t = arg;
	struct tcpk_stream	*local = c->stream;
	struct tcpk_err		 err = c->err;

	t->connect = NULL;
	if (local == NULL) {
		give_up(t, "program", &err);
		return;
	}
	tcpcat_pump_opts(&t->o, t->deadline_at, &t->pump_opts);
	if (prepare(t, &local, &err) == 0)
		t->pump = tcpk_pump_start(t->loop, local, t->remote,
		    &t->pump_opts, on_done, t, &err);
	if (t->pump == NULL) {
		tcpk_stream_free(local);
		give_up(t, "error", &err);
		return;
	}
	t->remote = NULL;
	t->since = tcpk_now();
	tcpk_timer_stop(&t->deadline);
	start_progress(t);
	print_detail(t, &t->pump_opts);
}

static void
set_peer_name(struct tcpcat *t, const struct tcpk_addr *peer,
    const struct tcpk_addr *local)
{
	const struct tcpk_addr	*a = peer;

	/* A client of a Unix socket mostly has no name: then ours. */
	if (tcpk_addr_family(peer) == AF_UNIX && !tcpk_addr_is_named(peer))
		a = local;
	if (a->len != 0)
		tcpk_addr_format(a, t->peer, sizeof(t->peer));
	else
		snprintf(t->peer, sizeof(t->peer), "%s", t->o.remote.argv !=
		    NULL ? t->o.remote.argv[0] : t->o.remote.text);
}

void
tcpcat_join(struct tcpcat *t, struct tcpk_stream *stream,
    const struct tcpk_addr *peer, const struct tcpk_client *client)
{
	struct tcpk_connect_opts	copts = { 0 };
	struct taps_opts		taps = {
		.record = t->record,
		.digest = t->o.sha256,
		.peer_began = t->o.listen,
		.conn = t->conn
	};
	struct tcpk_addr		local = { 0 };
	struct tcpk_err			err;
	bool				program;

	program = t->o.local.scheme != TCPK_STDIO;
	t->remote = stream;
	t->here[0] = '\0';
	if (peer->len != 0 &&
	    (program || t->msg.json || t->msg.verbose > 0 ||
	    t->record != NULL || tcpk_addr_family(peer) == AF_UNIX) &&
	    tcpk_stream_local(stream, &local) == 0)
		tcpk_addr_format(&local, t->here, sizeof(t->here));
	set_peer_name(t, peer, client != NULL && client->via != NULL ?
	    client->via : &local);
	if (program) {
		if (client != NULL && client->to != NULL)
			local = *client->to;
		ucspi_free(t->env);
		t->env = ucspi_environment(environ, &local, peer,
		    t->o.listen ? NULL : t->o.remote.host, t->conn,
		    tcpk_tls_info(stream));
		copts.envp = t->env;
	}
	if (taps_remote(&t->taps, &taps, &local, peer, &t->remote,
	    &err) == -1) {
		give_up(t, "error", &err);
		return;
	}
	t->connect = tcpk_connect_start(t->loop, &t->o.local, &copts,
	    on_local, t, &err);
	if (t->connect == NULL)
		give_up(t, "error", &err);
}

