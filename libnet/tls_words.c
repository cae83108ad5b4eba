/* What the numbers of TLS and BearSSL mean, in words. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tls_impl.h"

struct word {
	int		 number;
	const char	*word;
};

static const struct word	alerts[] = {
	{ 0, "close_notify" },
	{ 10, "unexpected_message" },
	{ 20, "bad_record_mac" },
	{ 22, "record_overflow" },
	{ 40, "handshake_failure" },
	{ 42, "bad_certificate" },
	{ 43, "unsupported_certificate" },
	{ 44, "certificate_revoked" },
	{ 45, "certificate_expired" },
	{ 46, "certificate_unknown" },
	{ 47, "illegal_parameter" },
	{ 48, "unknown_ca" },
	{ 49, "access_denied" },
	{ 50, "decode_error" },
	{ 51, "decrypt_error" },
	{ 70, "protocol_version" },
	{ 71, "insufficient_security" },
	{ 80, "internal_error" },
	{ 86, "inappropriate_fallback" },
	{ 90, "user_canceled" },
	{ 100, "no_renegotiation" },
	{ 109, "missing_extension" },
	{ 110, "unsupported_extension" },
	{ 112, "unrecognized_name" },
	{ 113, "bad_certificate_status_response" },
	{ 115, "unknown_psk_identity" },
	{ 116, "certificate_required" },
	{ 120, "no_application_protocol" },
	{ 0, NULL }
};

/* Codes of BearSSL that are not a verdict on a certificate. */
static const struct word	codes[] = {
	/* From a handshake: lengths in a message that do not add up. */
	{ BR_ERR_BAD_PARAM, "a malformed handshake message" },
	{ BR_ERR_BAD_STATE, "internal error: wrong state" },
	{ BR_ERR_UNSUPPORTED_VERSION, "the peer does not speak TLS 1.2" },
	{ BR_ERR_BAD_VERSION, "the peer changed the version of TLS" },
	{ BR_ERR_BAD_LENGTH, "a record of impossible length" },
	{ BR_ERR_TOO_LARGE, "a record that is too large" },
	{ BR_ERR_BAD_MAC, "a record that was changed on the way "
	    "(authentication failed)" },
	{ BR_ERR_NO_RANDOM, "no random numbers to be had" },
	{ BR_ERR_UNKNOWN_TYPE, "a record of unknown type" },
	{ BR_ERR_UNEXPECTED, "a message out of place" },
	{ BR_ERR_BAD_CCS, "a malformed ChangeCipherSpec" },
	{ BR_ERR_BAD_ALERT, "a malformed alert" },
	{ BR_ERR_BAD_HANDSHAKE, "a malformed handshake message" },
	{ BR_ERR_OVERSIZED_ID, "a session identifier that is too long" },
	{ BR_ERR_BAD_CIPHER_SUITE, "no cipher suite in common" },
	{ BR_ERR_BAD_COMPRESSION, "no compression method in common" },
	{ BR_ERR_BAD_FRAGLEN, "a maximum fragment length that was not asked "
	    "for" },
	{ BR_ERR_BAD_SECRENEG, "a wrong renegotiation value" },
	{ BR_ERR_EXTRA_EXTENSION, "an extension that was not asked for" },
	{ BR_ERR_BAD_SNI, "a malformed server name" },
	{ BR_ERR_BAD_HELLO_DONE, "a malformed ServerHelloDone" },
	{ BR_ERR_LIMIT_EXCEEDED, "a key or signature that is too large (RSA "
	    "goes up to 4096 bits)" },
	{ BR_ERR_BAD_FINISHED, "a handshake that was changed on the way "
	    "(Finished does not fit)" },
	{ BR_ERR_RESUME_MISMATCH, "a session resumed with other parameters" },
	{ BR_ERR_INVALID_ALGORITHM, "no signature algorithm in common" },
	{ BR_ERR_BAD_SIGNATURE, "a wrong signature in the handshake: the "
	    "peer does not have the key of its certificate" },
	{ BR_ERR_WRONG_KEY_USAGE, "a certificate whose key may not be used "
	    "for this" },
	{ BR_ERR_NO_CLIENT_AUTH, "the client sent no certificate, and one is "
	    "required" },
	{ 0, NULL }
};

static const char *
find(const struct word *list, int number)
{
	for (; list->word != NULL; list++)
		if (list->number == number)
			return list->word;
	return NULL;
}

const char *
tcpk__alert_word(unsigned alert, char buf[16])
{
	const char	*word = find(alerts, (int)alert);

	if (word != NULL)
		return word;
	snprintf(buf, 16, "number %u", alert & 0xff);
	return buf;
}

const char *
tcpk__suite_name(unsigned suite)
{
	switch (suite) {
	case BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256:
		return "ECDHE-ECDSA-AES128-GCM-SHA256";
	case BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256:
		return "ECDHE-RSA-AES128-GCM-SHA256";
	case BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384:
		return "ECDHE-ECDSA-AES256-GCM-SHA384";
	case BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384:
		return "ECDHE-RSA-AES256-GCM-SHA384";
	case BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256:
		return "ECDHE-ECDSA-CHACHA20-POLY1305";
	case BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256:
		return "ECDHE-RSA-CHACHA20-POLY1305";
	}
	return "unknown";
}

/* What the peer may mean by its alert, where the word does not tell. */
static const char *
alert_advice(const struct tcpk__failure *f, unsigned alert)
{
	switch (alert) {
	case 40:
		if (f->asked && !f->has_identity)
			return ": it asks for a client certificate (cert=)";
		return f->server ? ": no parameters in common" :
		    ": it may want TLS 1.3 or extended master secret, which "
		    "this build does not speak, or another kind of "
		    "certificate";
	case 70:
		return f->server ? ": no version in common (this build "
		    "speaks TLS 1.2)" : ": it wants another version, such as "
		    "TLS 1.3, and this build speaks TLS 1.2";
	case 42: case 43: case 44: case 45: case 46: case 48: case 49:
	case 116:
		if (f->asked && !f->has_identity)
			return ": it asks for a client certificate (cert=)";
		return ": it does not accept our certificate";
	case 71:
		return ": it wants stronger parameters than we have";
	case 112:
		return ": it does not know the name we asked for (name=)";
	case 120:
		return ": no application protocol in common (alpn=)";
	}
	return "";
}

/* We sent the alert: say why. */
static const char *
refusal(const struct tcpk__failure *f, unsigned alert)
{
	switch (alert) {
	case 40:
		if (f->only_tls13)
			return "the client speaks TLS 1.3 only, and this "
			    "build TLS 1.2";
		return "no cipher suite, curve or signature algorithm in "
		    "common with the peer";
	case 70:
		if (f->only_tls13)
			return "the client speaks TLS 1.3 only, and this "
			    "build TLS 1.2";
		return f->server ? "the client speaks an older version than "
		    "TLS 1.2" : "the server speaks an older version than "
		    "TLS 1.2";
	case 86:
		return "the client fell back from a newer version of TLS";
	case 120:
		return "no application protocol in common with the client";
	}
	return NULL;
}

static void
peer_ended(const struct tcpk__failure *f, struct tcpk_err *err)
{
	tcpk_err_set(err, TCPK_ETLS, "the peer ended the connection during "
	    "the handshake%s", f->asked && !f->has_identity ?
	    ": it asks for a client certificate (cert=)" : !f->has_spoken ?
	    " without a word" : f->server ?
	    ": it may not accept our certificate" :
	    ": it may speak no TLS, or want TLS 1.3 or extended master "
	    "secret, which this build does not speak");
}

void
tcpk__failure_err(const struct tcpk__failure *f, struct tcpk_err *err)
{
	const char	*word;
	unsigned	 alert = (unsigned)f->code & 0xff;
	char		 buf[16];

	if (f->code == 0) {
		peer_ended(f, err);
		return;
	}
	if (f->code >= BR_ERR_SEND_FATAL_ALERT) {
		word = refusal(f, alert);
		tcpk_err_set(err, TCPK_ETLS, "%s%s", word != NULL ? "" :
		    "the handshake failed: ", word != NULL ? word :
		    tcpk__alert_word(alert, buf));
		return;
	}
	if (f->code >= BR_ERR_RECV_FATAL_ALERT) {
		tcpk_err_set(err, TCPK_ETLS, "the peer refused: %s%s",
		    tcpk__alert_word(alert, buf), alert_advice(f, alert));
		return;
	}
	if (f->said != NULL && f->said[0] != '\0') {
		tcpk_err_set(err, TCPK_ETLS, "the peer does not speak TLS; it "
		    "said \"%.40s\"", f->said);
		return;
	}
	word = find(codes, f->code);
	if (word != NULL)
		tcpk_err_set(err, TCPK_ETLS, "the handshake failed: %s", word);
	else
		tcpk_err_set(err, TCPK_ETLS, "the handshake failed: BearSSL "
		    "error %d", f->code);
}

unsigned
tcpk__failure_alert(int code)
{
	switch (code) {
	case BR_ERR_UNSUPPORTED_VERSION:
	case BR_ERR_BAD_VERSION:
		return TCPK__ALERT_VERSION;
	case BR_ERR_BAD_LENGTH:
	case BR_ERR_TOO_LARGE:
		return TCPK__ALERT_OVERFLOW;
	case BR_ERR_BAD_MAC:
		return TCPK__ALERT_BAD_MAC;
	case BR_ERR_UNKNOWN_TYPE:
	case BR_ERR_UNEXPECTED:
		return TCPK__ALERT_UNEXPECTED;
	case BR_ERR_BAD_PARAM:
	case BR_ERR_BAD_HANDSHAKE:
	case BR_ERR_BAD_ALERT:
	case BR_ERR_BAD_CCS:
		return TCPK__ALERT_DECODE;
	case BR_ERR_BAD_FINISHED:
	case BR_ERR_BAD_SIGNATURE:
		return 51;	/* decrypt_error */
	case BR_ERR_BAD_STATE:
	case BR_ERR_NO_RANDOM:
		return TCPK__ALERT_INTERNAL;
	}
	return TCPK__ALERT_HANDSHAKE;
}
