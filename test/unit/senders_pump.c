/* senders: a pump over them, as tcpcat has it. */

#include "senders_help.h"
#include "tcpkit/pump.h"

/* Our side. */
static struct {
	struct tcpk_pump	*p;
	struct tcpk_pump_report	 r;
	int			 done;
	int			 in, out;	/* our side's other ends */
	int			 fd[2];
} p;

static void
on_done(void *arg, const struct tcpk_pump_report *r)
{
	(void)arg;
	p.r = *r;
	p.done++;
	p.p = NULL;
	t.s = NULL;
}

static void
start_pump(const struct tcpk_senders_opts *opts,
    const struct tcpk_pump_opts *popts)
{
	struct tcpk_stream	*ours;
	struct tcpk_err		 err;
	int			 in[2], out[2];

	begin(opts, NULL);
	memset(&p, 0, sizeof(p));
	if (pipe(in) == -1 || pipe(out) == -1)
		bail("pipe");
	p.in = in[1];
	p.out = out[0];
	p.fd[0] = in[0];
	p.fd[1] = out[1];
	fcntl(p.out, F_SETFL, O_NONBLOCK);
	ours = tcpk_stream_stdio(loop, in[0], out[1], &err);
	if (ours == NULL || (p.p = tcpk_pump_start(loop, ours, t.s, popts,
	    on_done, NULL, &err)) == NULL)
		bail(err.text);
}

static void
end_pump(void)
{
	tcpk_pump_cancel(p.p);
	t.s = NULL;
	end();
	if (p.in != -1)
		close(p.in);
	close(p.out);
	close(p.fd[0]);
	close(p.fd[1]);
}

/* Until a client has this. */
static bool
comes(int who, const char *text)
{
	uint64_t	limit = tcpk_now() + LONG;

	while (tcpk_now() < limit && recv(t.fd[who], back, 1,
	    MSG_DONTWAIT | MSG_PEEK) == -1)
		tcpk_loop_turn(loop, 10 * TCPK_MS, NULL);
	return gets(who, text);
}

static bool
put(const char *text)
{
	return write(p.in, text, strlen(text)) == (ssize_t)strlen(text);
}

static void
test_pump(void)
{
	struct tcpk_senders_opts opts = { .all = false };
	struct tcpk_pump_opts	 popts;
	uint64_t		 said;

	tcpk_pump_defaults(&popts);
	popts.half[1].at_most = 100 * TCPK_MS;
	start_pump(&opts, &popts);
	ok(put("early") && turn_for(loop, 20 * TCPK_MS) < 15 && p.done == 0,
	    "pump: input waits for who is first");
	close(p.in);
	p.in = -1;
	turn_for(loop, 150 * TCPK_MS);
	ok(p.done == 0, "pump: its end is not reached before that");
	said = tcpk_now();
	ok(say(0, "hi") && comes(0, "early") && wait_for(loop, &p.done, 1) &&
	    p.r.err.kind == TCPK_OK && p.r.bytes[0] == 5 && p.r.bytes[1] == 2 &&
	    tcpk_now() - said >= 100 * TCPK_MS,
	    "pump: then it goes, and its end counts");
	ok(read(p.out, back, 10) == 2 && memcmp(back, "hi", 2) == 0,
	    "pump: what was heard is written");
	end_pump();
}

static void
test_pump_end(void)
{
	struct tcpk_senders_opts opts = { .all = true };
	struct tcpk_pump_opts	 popts;

	tcpk_pump_defaults(&popts);
	popts.half[0].quiet = 0;
	start_pump(&opts, &popts);
	ok(put("early") && turn_for(loop, 20 * TCPK_MS) < 15,
	    "pump: input for nobody");
	tcpk_senders_end(t.s);
	ok(wait_for(loop, &p.done, 1) && p.r.err.kind == TCPK_OK &&
	    p.r.bytes[0] == 0, "pump: does not hold up the end");
	end_pump();
}

/* A slow reader has not got all yet, and input goes on, but to nobody. */
static void
test_pump_drain(void)
{
	struct tcpk_senders_opts opts = { .all = true };
	struct tcpk_pump_opts	 popts;
	long			 sum = 0;
	ssize_t			 n;
	uint64_t		 limit = tcpk_now() + LONG;

	tcpk_pump_defaults(&popts);
	popts.half[0].quiet = 0;
	start_pump(&opts, &popts);
	while (sum < BOUND && say_n(0, big, sizeof(big)))
		sum += sizeof(big);
	ok(put("a") && comes(0, "a"),
	    "pump: who does not read does not hold up input");
	tcpk_senders_end(t.s);
	tcpk_udp_free(t.u);
	t.u = NULL;
	ok(put("b") && turn_for(loop, 50 * TCPK_MS) < 30 && p.done == 0,
	    "pump: after the end there may be more of it");
	while (sum > 0 && tcpk_now() < limit) {
		n = read(p.out, back, sizeof(back));
		if (n > 0)
			sum -= n;
		else
			tcpk_loop_turn(loop, 10 * TCPK_MS, NULL);
	}
	ok(wait_for(loop, &p.done, 1) && sum == 0 && p.r.err.kind == TCPK_OK,
	    "pump: what was heard is written, all of it");
	end_pump();
}

/* Tagged lines that are more than a piece of the pump's. */
static void
test_pump_lines(void)
{
	struct tcpk_senders_opts opts = { .lines = true, .all = true };
	struct tcpk_pump_opts	 popts;
	size_t			 want = 0, have = 0;
	ssize_t			 n;
	uint64_t		 limit = tcpk_now() + LONG;
	int			 i;

	tcpk_pump_defaults(&popts);
	start_pump(&opts, &popts);
	for (i = 0; i < 3; i++) {
		memset(big, '\n', 20000);
		send(t.fd[i], big, 20000, 0);
		want += 20000 * strlen(tagged(i, "\n"));
	}
	while (have < want && tcpk_now() < limit) {
		n = read(p.out, back, sizeof(back));
		if (n > 0)
			have += (size_t)n;
		else
			tcpk_loop_turn(loop, 10 * TCPK_MS, NULL);
	}
	ok(have == want, "pump: %zu bytes of tagged lines of %zu", have, want);
	end_pump();
}

/* To wait for who is first is not to be idle. */
static void
test_pump_idle(void)
{
	struct tcpk_senders_opts opts = { .all = true };
	struct tcpk_pump_opts	 popts;

	tcpk_pump_defaults(&popts);
	popts.idle_timeout = 50 * TCPK_MS;
	start_pump(&opts, &popts);
	turn_for(loop, 150 * TCPK_MS);
	ok(p.done == 0 && say_n(0, "", 0), "idle: nobody has come");
	turn_for(loop, 150 * TCPK_MS);
	ok(p.done == 0, "idle: an empty datagram is no beginning");
	ok(put("hi") && wait_for(loop, &p.done, 1) &&
	    p.r.err.kind == TCPK_ETIMEOUT && gets(0, "hi"),
	    "idle: once something was sent");
	end_pump();
	start_pump(&opts, &popts);
	ok(say(0, "hi") && wait_for(loop, &p.done, 1) &&
	    p.r.err.kind == TCPK_ETIMEOUT && p.r.bytes[1] == 2,
	    "idle: or once something was heard");
	end_pump();
}

int
main(void)
{
	struct tcpk_err	err;
	int		fds;

	loop = tcpk_loop_new(NULL, &err);
	if (loop == NULL)
		bail(err.text);
	fds = count_fds();
	test_pump();
	test_pump_end();
	test_pump_drain();
	test_pump_lines();
	test_pump_idle();
	ok(count_fds() == fds, "no descriptor is left");
	tcpk_loop_free(loop);
	return done_testing();
}
