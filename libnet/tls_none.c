/* A build that does not speak TLS. */

#include "tcpkit/tls.h"

bool
tcpk_tls_built(void)
{
	return false;
}

struct tcpk_tls_config *
tcpk_tls_config_new(const struct tcpk_endpoint *ep,
    void (*warn)(void *, const char *), void *arg, struct tcpk_err *err)
{
	(void)warn;
	(void)arg;
	tcpk_err_set(err, TCPK_EUSAGE, "%.80s: this build does not speak TLS",
	    ep->text);
	return NULL;
}

struct tcpk_tls_config *
tcpk_tls_config_again(struct tcpk_tls_config *old,
    const struct tcpk_endpoint *ep, void (*warn)(void *, const char *),
    void *arg, struct tcpk_err *err)
{
	(void)old;
	return tcpk_tls_config_new(ep, warn, arg, err);
}

void
tcpk_tls_config_free(struct tcpk_tls_config *config)
{
	(void)config;
}

struct tcpk_tls_cert *
tcpk_tls_config_cert(const struct tcpk_tls_config *config, size_t i)
{
	(void)config;
	(void)i;
	return NULL;
}

struct tcpk_tls_start *
tcpk_tls_start(struct tcpk_loop *loop, struct tcpk_tls_config *config,
    struct tcpk_stream *stream,
    void (*fn)(void *, const struct tcpk_tls_done *), void *arg,
    struct tcpk_err *err)
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

const struct tcpk_tls_info *
tcpk_tls_info(const struct tcpk_stream *stream)
{
	(void)stream;
	return NULL;
}
