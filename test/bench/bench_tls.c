/*
 * A server for the TLS bench: "bench_tls ADDRESS" listens there and echoes to
 * every client, or to a client that only shakes hands, nothing.  It says
 * "listening on" like the tools do, and ends by a signal.
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <tcpkit/pump.h>
#include <tcpkit/serve.h>

static void
fail(const struct tcpk_err *err)
{
	fprintf(stderr, "bench_tls: %s\n", err->text);
	exit(1);
}

static void
on_ready(void *arg, const struct tcpk_addr *addrs, size_t n,
    const struct tcpk_err *err)
{
	char	text[TCPK_ADDR_TEXT];

	(void)arg;
	(void)n;
	if (err != NULL)
		fail(err);
	fprintf(stderr, "bench_tls: listening on %s\n",
	    tcpk_addr_format(&addrs[0], text, sizeof(text)));
}

static void
on_done(void *arg, const struct tcpk_pump_report *report)
{
	(void)arg;
	(void)report;
}

static void
on_client(void *arg, const struct tcpk_client *client)
{
	struct tcpk_pump_opts	opts;
	struct tcpk_err		err;

	tcpk_pump_defaults(&opts);
	if (tcpk_pump_start(arg, client->stream, client->stream, &opts,
	    on_done, NULL, &err) == NULL)
		fail(&err);
}

int
main(int argc, char **argv)
{
	static const struct tcpk_serve_handler	handler = {
		.ready = on_ready, .client = on_client
	};
	struct tcpk_serve_opts	opts = { .numeric = true };
	struct tcpk_endpoint	ep;
	struct tcpk_loop	*loop;
	struct tcpk_err		err;

	if (argc != 2)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	if (tcpk_endpoint_parse(&ep, argv[1], TCPK_LISTEN, &err) == -1 ||
	    (loop = tcpk_loop_new(NULL, &err)) == NULL ||
	    tcpk_serve_start(loop, &ep, &opts, &handler, loop, &err) == NULL ||
	    tcpk_loop_run(loop, &err) == -1)
		fail(&err);
	return 0;
}
