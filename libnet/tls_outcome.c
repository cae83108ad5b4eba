/* How a handshake ended: what is known of the peer, and who is told what. */

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "tls_handshake_impl.h"

#define SAID		40	/* bytes of what is no TLS */

void
tcpk__info_clear(struct tcpk_tls_info *info)
{
	free((char *)(uintptr_t)info->alpn);
	free((char *)(uintptr_t)info->sni);
	free((char *)(uintptr_t)info->doubt);
	free((void *)(uintptr_t)info->cert);
	memset(info, 0, sizeof(*info));
}

static char *
copy(const char *text)
{
	return text != NULL && text[0] != '\0' ? strdup(text) : NULL;
}

/* Who the peer is, from its chain or from the session that was resumed. */
static void
fill_peer(struct tcpk_tls_start *t, struct tcpk_tls_info *info)
{
	const struct tcpk_err		*doubt;
	const struct tcpk__cert		*cert;
	struct tcpk_tls_cert		*kept;

	if (info->resumed && !t->config->server) {
		kept = malloc(sizeof(*kept));
		if (kept != NULL)
			*kept = t->role.offered_cert;
		info->cert = kept;
		doubt = &t->role.offered_doubt;
	} else if (t->verify != NULL &&
	    (cert = tcpk__verify_cert(t->verify)) != NULL) {
		info->cert = tcpk__cert_describe(cert);
		doubt = tcpk__verify_err(t->verify);
	} else
		return;
	info->verified = doubt->kind == TCPK_OK;
	if (!info->verified)
		info->doubt = copy(doubt->text);
}

static void
fill_info(struct tcpk_tls_start *t, struct tcpk_tls_info *info, bool agreed)
{
	br_ssl_engine_context		*eng = &t->role.ctx.eng;
	br_ssl_session_parameters	 params;
	char				 name[TCPK__HOST];

	memset(info, 0, sizeof(*info));
	/* A client may ask for anything: what is no name is not repeated. */
	if (tcpk__host_check(name, br_ssl_engine_get_server_name(eng),
	    NULL) == 0)
		info->sni = copy(name);
	if (agreed) {
		br_ssl_engine_get_session_parameters(eng, &params);
		info->version = "TLSv1.2";
		info->suite = tcpk__suite_name(params.cipher_suite);
		info->alpn = copy(br_ssl_engine_get_selected_protocol(eng));
		/* A server that resumes presents no certificate. */
		info->resumed = t->role.resumed || (t->role.offered &&
		    tcpk__verify_cert(t->verify) == NULL);
		explicit_bzero(&params, sizeof(params));
	}
	fill_peer(t, info);
}

static void
finish(struct tcpk_tls_start *t, struct tcpk_tls_done *done,
    struct tcpk_tls_info *info)
{
	done->info = info;
	t->fn(t->arg, done);
	tcpk__info_clear(info);
	tcpk_tls_cancel(t);
}

/* The first words of a peer that is no TLS server: "SSH-2.0-...". */
static void
what_it_said(const struct tcpk_tls_start *t, char said[SAID + 1])
{
	size_t	i, n;

	said[0] = '\0';
	if (t->nfirst == 0 || (t->first[0] >= TCPK__RECORD_CCS &&
	    t->first[0] <= TCPK__RECORD_DATA))
		return;
	n = t->nfirst < SAID ? t->nfirst : SAID;
	for (i = 0; i < n && t->first[i] != '\r' && t->first[i] != '\n'; i++)
		said[i] = isprint(t->first[i]) ? (char)t->first[i] : '.';
	said[i] = '\0';
}

/* A header may be enough to refuse it; to say what it was takes more. */
static void
hear_out(struct tcpk_tls_start *t)
{
	ssize_t	n;

	if (t->nfirst == 0 || t->nfirst == sizeof(t->first) ||
	    (t->first[0] >= TCPK__RECORD_CCS &&
	    t->first[0] <= TCPK__RECORD_DATA))
		return;
	n = tcpk_stream_read(t->inner, t->first + t->nfirst,
	    sizeof(t->first) - t->nfirst);
	if (n > 0)
		t->nfirst += (size_t)n;
}

/* Of a ClientHello: are all its suites those of TLS 1.3, RFC 8446 B.4? */
static bool
only_tls13(const struct tcpk_tls_start *t)
{
	const unsigned char	*p = t->first;
	size_t			 at = 5 + 4 + 2 + 32, n, i;
	unsigned		 seen = 0;

	if (t->nfirst <= at || p[0] != TCPK__RECORD_HANDSHAKE || p[5] != 1)
		return false;
	at += 1u + p[at];
	if (at + 2 > t->nfirst)
		return false;
	n = (size_t)p[at] << 8 | p[at + 1];
	at += 2;
	for (i = 0; i + 1 < n && at + i + 1 < t->nfirst; i += 2) {
		/* Not those that only signal, nor GREASE of RFC 8701. */
		if ((p[at + i] == 0 && p[at + i + 1] == 0xff) ||
		    (p[at + i] == 0x56 && p[at + i + 1] == 0x00) ||
		    ((p[at + i] & 0xf) == 0xa && p[at + i] == p[at + i + 1]))
			continue;
		if (p[at + i] != 0x13)
			return false;
		seen++;
	}
	return seen > 0;
}

/* The judgement of the chain, if that is what the code stands for. */
static const struct tcpk_err *
verdict_of(const struct tcpk_tls_start *t, int code)
{
	const struct tcpk_err	*err;

	if (t->verify == NULL || code < BR_ERR_X509_OK ||
	    code >= BR_ERR_RECV_FATAL_ALERT)
		return NULL;
	err = tcpk__verify_err(t->verify);
	return err->kind != TCPK_OK ? err : NULL;
}

static void
say_why(struct tcpk_tls_start *t, int code, struct tcpk_err *err)
{
	char			said[SAID + 1];
	struct tcpk__failure	f = {
		.code = code,
		.server = t->config->server,
		.asked = t->role.asked,
		.has_identity = t->config->nids > 0,
		.has_spoken = t->has_spoken,
		.only_tls13 = t->config->server && only_tls13(t),
		.said = said,
	};
	const struct tcpk_err	*verdict;

	/* A verdict on the chain says more than the engine's number. */
	verdict = verdict_of(t, code);
	if (verdict != NULL) {
		*err = *verdict;
		return;
	}
	what_it_said(t, said);
	tcpk__failure_err(&f, err);
}

/*
 * The engine is silent when it refuses a certificate: the peer is told all
 * the same, as long as we may still speak in clear.
 */
static void
tell_peer(struct tcpk_tls_start *t, int code)
{
	unsigned char		 record[7] = { 21, 3, 3, 0, 2, 2, 0 };
	int			 i;

	if (code <= 0 || t->ccs || t->off < t->len)
		return;
	if (code < BR_ERR_RECV_FATAL_ALERT) {
		record[6] = (unsigned char)(verdict_of(t, code) != NULL ?
		    tcpk__verify_alert(t->verify) : tcpk__failure_alert(code));
		if (tcpk_stream_write(t->inner, record, sizeof(record)) !=
		    (ssize_t)sizeof(record))
			return;
	} else if (code < BR_ERR_SEND_FATAL_ALERT)
		return;
	/* Closing over unread input would destroy what was just said. */
	tcpk_stream_finish(t->inner);
	for (i = 0; i < 16; i++)
		if (tcpk_stream_read(t->inner, tcpk_loop_scratch(t->loop),
		    TCPK_SCRATCH) <= 0)
			break;
}

void
tcpk__handshake_fail(struct tcpk_tls_start *t, int code)
{
	struct tcpk_tls_done	done = { .stream = NULL };
	const struct tcpk_err	*cause = tcpk_stream_err(t->inner);
	struct tcpk_tls_info	info;

	if (code == 0 && cause->kind != TCPK_OK) {
		done.err = *cause;
		tcpk_err_wrap(&done.err, "during the handshake");
		if (done.err.kind == TCPK_ECUT)
			done.err.kind = TCPK_ETLS;
	} else {
		hear_out(t);
		say_why(t, code, &done.err);
	}
	tell_peer(t, code);
	fill_info(t, &info, false);
	finish(t, &done, &info);
}

void
tcpk__handshake_done(struct tcpk_tls_start *t)
{
	struct tcpk_tls_done	done = { .stream = NULL };
	struct tcpk_tls_info	info, shown;
	const struct tcpk__cert	*cert;

	fill_info(t, &info, true);
	if (!t->config->server && !info.resumed && t->verify != NULL &&
	    (cert = tcpk__verify_cert(t->verify)) != NULL)
		tcpk__role_keep_session(&t->role, &info,
		    tcpk__verify_err(t->verify), cert->not_after);
	shown = info;
	tcpk_stream_want(t->inner, 0);
	done.stream = tcpk__record_stream(t->loop, t->inner, t->config,
	    &t->role.ctx.eng, &info);
	if (done.stream == NULL) {
		tcpk_err_set(&done.err, TCPK_EIO, "out of memory");
		finish(t, &done, &info);
		return;
	}
	t->inner = NULL;
	done.info = &shown;
	t->fn(t->arg, &done);
	tcpk_tls_cancel(t);
}
