#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tls_msg.h"

const char *
tls_msg_date(int64_t when, char buf[TLS_MSG_DATE])
{
	time_t		t = (time_t)when;
	struct tm	tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(buf, TLS_MSG_DATE, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		snprintf(buf, TLS_MSG_DATE, "%lld", (long long)when);
	return buf;
}

void
tls_msg_agreed(const struct msg *m, const struct msg_fields *base,
    const struct tcpk_tls_info *info, bool insecure)
{
	struct msg_fields	f = *base;

	f.event = "tls";
	f.tls = info;
	msg(m, MSG_INFO, &f, "%s: %s %s%s%s%s%s%s%s", f.peer, info->version,
	    info->suite, info->resumed ? ", resumed" : "",
	    info->alpn != NULL ? ", ALPN " : "",
	    info->alpn != NULL ? info->alpn : "",
	    info->cert != NULL ? ", certificate of " : "",
	    info->cert != NULL ? info->cert->subject : "",
	    info->cert == NULL ? "" : info->verified ? ", verified" :
	    ", not verified");
	if (!insecure)
		return;
	f.event = "tls-insecure";
	msg(m, MSG_RESULT, &f, "warning: %s: the peer was not verified "
	    "(insecure)%s%s", f.peer, info->doubt != NULL ? ": " : "",
	    info->doubt != NULL ? info->doubt : "");
}

void
tls_msg_presented(const struct msg *m, const struct msg_fields *base,
    const char *who, const struct tcpk_tls_info *info, bool server)
{
	const struct tcpk_tls_cert	*cert = info->cert;
	struct msg_fields		 f = *base;
	char				 from[TLS_MSG_DATE], to[TLS_MSG_DATE];

	/* Where the refusal is not about the certificate. */
	if (cert == NULL || info->verified)
		return;
	f.event = "tls-presented";
	f.tls = info;
	if (m->json) {
		msg(m, MSG_RESULT, &f, "presented");
		return;
	}
	msg(m, MSG_RESULT, &f, "%s: presented subject %s", who,
	    cert->subject[0] != '\0' ? cert->subject : "(none)");
	msg(m, MSG_RESULT, &f, "%s: presented issuer %s", who,
	    cert->issuer[0] != '\0' ? cert->issuer : "(none)");
	msg(m, MSG_RESULT, &f, "%s: presented names %s", who,
	    cert->names[0] != '\0' ? cert->names : "(none)");
	msg(m, MSG_RESULT, &f, "%s: presented validity %s to %s", who,
	    tls_msg_date(cert->not_before, from),
	    tls_msg_date(cert->not_after, to));
	msg(m, MSG_RESULT, &f, "%s: presented key %s, pin %s", who, cert->key,
	    cert->pin);
	if (server)
		msg(m, MSG_RESULT, &f, "%s: to accept exactly this key: "
		    "--tls-pin %s --tls-pin-only", who, cert->pin);
}

void
tls_msg_own(const struct msg *m, const struct tcpk_tls_cert *cert,
    const char *listening_on, bool wants_cert)
{
	struct msg_fields	f = { .event = "tls-self-signed" };
	const char		*port = strrchr(listening_on, ':');
	bool			 any;

	any = strncmp(listening_on, "[::]:", 5) == 0 ||
	    strncmp(listening_on, "0.0.0.0:", 8) == 0;
	f.local = listening_on;
	f.pin = cert->pin;
	msg(m, MSG_NOTICE, &f, "self-signed certificate, pin %s", cert->pin);
	if (!m->json)
		msg(m, MSG_NOTICE, &f, "on the other side: tcpcat --tls-pin "
		    "%s --tls-pin-only%s %s%s", cert->pin,
		    wants_cert ? " --tls-cert CERTIFICATE" : "",
		    any ? "HOST" : listening_on,
		    any && port != NULL ? port : "");
}

static void
print_line(const char *what, const char *value)
{
	printf("%-10s%s\n", what, value == NULL || value[0] == '\0' ?
	    "none" : value);
}

static void
print_cert(const struct tcpk_tls_info *info)
{
	const struct tcpk_tls_cert	*cert = info->cert;
	char				 from[TLS_MSG_DATE], to[TLS_MSG_DATE];

	print_line("subject", cert->subject);
	print_line("issuer", cert->issuer);
	print_line("names", cert->names);
	printf("%-10s%s to %s\n", "validity",
	    tls_msg_date(cert->not_before, from),
	    tls_msg_date(cert->not_after, to));
	print_line("key", cert->key);
	print_line("pin", cert->pin);
	printf("%-10s%s%s\n", "verified", info->verified ? "yes" : "no: ",
	    info->verified ? "" : info->doubt != NULL ? info->doubt :
	    "not asked for");
}

int
tls_msg_print(const struct msg *m, const char *peer,
    const struct tcpk_tls_info *info)
{
	struct msg_fields	f = { .event = "tls-info" };

	if (m->json) {
		f.peer = peer;
		f.tls = info;
		return msg_result(m, &f);
	}
	print_line("peer", peer);
	print_line("protocol", info->version);
	print_line("suite", info->suite);
	print_line("alpn", info->alpn);
	print_line("sni", info->sni);
	if (info->cert != NULL)
		print_cert(info);
	return fflush(stdout) == 0 ? 0 : -1;
}
