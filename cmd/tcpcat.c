/* tcpcat: standard input and output, or a program, to an endpoint. */

#include <signal.h>
#include <stdlib.h>

#include "sig.h"
#include "tcpcat_run.h"
#include "ucspi.h"

void
tcpcat_leave(struct tcpcat *t, int status)
{
	t->status = status;
	tcpk_loop_stop(t->loop);
}

void
tcpcat_leave_err(struct tcpcat *t, const char *event,
    const struct tcpk_err *err)
{
	struct msg_fields	f = { .event = event };

	msg_err(&t->msg, MSG_ERROR, &f, err);
	tcpcat_leave(t, msg_status(err));
}

void
tcpcat_warning(void *arg, const char *text)
{
	struct tcpcat		*t = arg;
	struct msg_fields	 f = { .event = "warning" };

	msg(&t->msg, MSG_WARNING, &f, "%s", text);
}

static void
on_deadline(void *arg)
{
	struct tcpcat	*t = arg;
	struct tcpk_err	 err;

	tcpk_err_set(&err, TCPK_ETIMEOUT, "%s: deadline reached before there "
	    "was %s connection", t->o.remote.text, t->conn > 0 ? "another" :
	    "a");
	tcpcat_leave_err(t, "timeout", &err);
}

static void
on_signal(void *arg, int signo)
{
	struct tcpcat	*t = arg;

	if (signo == SIGWINCH) {
		progress_resized(t->progress);
		return;
	}
	t->signo = signo;
	tcpcat_leave(t, 128 + signo);
}

static int
start(struct tcpcat *t, struct tcpk_err *err)
{
	tcpk_timer_init(&t->deadline, t->loop, on_deadline, t);
	if (t->o.deadline != 0) {
		t->deadline_at = tcpk_now() + t->o.deadline;
		tcpk_timer_set(&t->deadline, t->deadline_at);
	}
	if (t->o.progress)
		sig_also(SIGWINCH);
	return t->o.listen ? tcpcat_listen(t, err) : tcpcat_connect(t, err);
}

static void
run(struct tcpcat *t)
{
	struct tcpk_err	err;

	t->loop = tcpk_loop_new(getenv("TCPKIT_LOOP"), &err);
	if (t->loop == NULL)
		goto fail;
	if (sig_watch(t->loop, on_signal, t, &err) == -1 ||
	    start(t, &err) == -1 || tcpk_loop_run(t->loop, &err) == -1)
		goto fail;
	goto out;
fail:
	{
		struct msg_fields	f = { .event = "error" };

		msg_err(&t->msg, MSG_ERROR, &f, &err);
		t->status = msg_status(&err);
	}
out:
	sig_unwatch();
	tcpk_serve_free(t->serve);
	tcpk_connect_cancel(t->connect);
	progress_end(t->progress);
	tcpk_pump_cancel(t->pump);
	tcpk_stream_free(t->remote);
	tcpk_stream_free(t->ours);
	record_end(t->taps.record, true);
	tcpk_digest_free(t->taps.sent);
	tcpk_digest_free(t->taps.received);
	tcpk_timer_stop(&t->deadline);
	tcpk_timer_stop(&t->again);
	tcpk_loop_free(t->loop);
}

/* Before anything is connected, or listens. */
static int
open_record(struct tcpcat *t)
{
	struct msg_fields	f = { .event = "error" };
	struct tcpk_err		err;

	if (t->o.hexdump == NULL && t->o.capture == NULL)
		return 0;
	t->record = record_open(t->o.hexdump, t->o.capture, &t->msg, &err);
	if (t->record != NULL)
		return 0;
	msg_err(&t->msg, MSG_ERROR, &f, &err);
	return t->status = msg_status(&err);
}

int
main(int argc, char **argv)
{
	struct tcpcat	t = { .msg = { .tool = "tcpcat" } };
	int		status;

	t.pipe_ignored = sig_prepare();
	status = tcpcat_options(&t.o, &t.msg, argc, argv, t.pipe_ignored);
	if (status != -1)
		return status;
	if (open_record(&t) != 0) {
		tcpcat_options_free(&t.o);
		return t.status;
	}
	if (t.o.keep) {
		t.status = tcpcat_serve(&t.o, &t.msg, t.record,
		    t.pipe_ignored);
		t.signo = t.status > 128 ? t.status - 128 : 0;
	} else
		run(&t);
	/* What could not begin leaves a file as it was. */
	if (t.status != 2 && t.status != 7)
		record_start(t.record);
	/* What is missing in a record has been said. */
	if (record_close(t.record, NULL) == -1 && t.status == 0)
		t.status = 7;
	tcpcat_options_free(&t.o);
	ucspi_free(t.env);
	if (t.signo != 0)
		sig_die(t.signo);
	return t.status;
}
