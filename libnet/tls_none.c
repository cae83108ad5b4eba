/* A build that does not speak TLS. */

#include "tcpkit/tls.h"

bool
tcpk_tls_built(void)
{
	return false;
}

struct tcpk_tls_config *
tcpk_tls_config_new(const struct tcpk_endpoint *ep, struct tcpk_err *err)
{
	tcpk_err_set(err, TCPK_EUSAGE, "%.80s: this build does not speak TLS",
	    ep->text);
	return NULL;
}

void
tcpk_tls_config_free(struct tcpk_tls_config *config)
{
	(void)config;
}

struct tcpk_tls_start *
tcpk_tls_start(struct tcpk_loop *loop, struct tcpk_tls_config *config,
    struct tcpk_stream *stream, void (*fn)(void *, struct tcpk_stream *,
    const struct tcpk_err *), void *arg, struct tcpk_err *err)
{
	(void)loop;
	(void)config;
	(void)stream;
	(void)fn;
	(void)arg;
	tcpk_err_set(err, TCPK_EUSAGE, "this build does not speak TLS");
	return NULL;
}

void
tcpk_tls_cancel(struct tcpk_tls_start *start)
{
	(void)start;
}
