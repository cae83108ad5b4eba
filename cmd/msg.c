#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <tcpkit/tls.h>

#include "msg.h"

/* A message is built whole and written at once, so that lines of several
 * processes do not mix. */
struct line {
	char	text[20480];	/* of a text six times its length */
	size_t	n;
};

static void
add(struct line *l, const char *text)
{
	size_t	n = strlen(text);

	if (n > sizeof(l->text) - 2 - l->n)
		n = sizeof(l->text) - 2 - l->n;
	memcpy(l->text + l->n, text, n);
	l->n += n;
}

static void
addf(struct line *l, const char *fmt, ...)
{
	char	buf[256];
	va_list	ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	add(l, buf);
}

/* Bytes that do not print become \xNN, in JSON \u00NN. */
static void
add_escaped(struct line *l, const char *text, bool json)
{
	const unsigned char	*p;
	char			 one[2] = { 0 };

	for (p = (const unsigned char *)text; *p != '\0'; p++) {
		one[0] = (char)*p;
		if (*p < ' ' || *p == 0x7f || (json && *p >= 0x80))
			addf(l, json ? "\\u%04x" : "\\x%02x", *p);
		else if (json && (*p == '"' || *p == '\\'))
			addf(l, "\\%c", *p);
		else
			add(l, one);
	}
}

static void
add_key(struct line *l, const char *key, const char *value)
{
	if (value == NULL)
		return;
	addf(l, "%s\"%s\":\"", l->n > 1 ? "," : "", key);
	add_escaped(l, value, true);
	add(l, "\"");
}

static void
add_time(struct line *l)
{
	struct timespec	ts;
	struct tm	tm;
	char		date[32], text[48];

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%03dZ", date,
	    (int)(ts.tv_nsec / 1000000));
	add_key(l, "time", text);
}

static const char *
level_word(enum msg_level level)
{
	switch (level) {
	case MSG_ERROR:
		return "error";
	case MSG_WARNING:
		return "warning";
	case MSG_RESULT:
	case MSG_NOTICE:
		return "notice";
	case MSG_INFO:
		return "info";
	case MSG_DEBUG:
		return "debug";
	}
	return "unknown";
}

static void
add_flag(struct line *l, const char *key, bool value)
{
	addf(l, ",\"%s\":%s", key, value ? "true" : "false");
}

static void
add_when(struct line *l, const char *key, int64_t when)
{
	time_t		t = (time_t)when;
	struct tm	tm;
	char		text[32];

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return;
	add_key(l, key, text);
}

static void
add_tls(struct line *l, const struct tcpk_tls_info *info)
{
	const struct tcpk_tls_cert	*cert = info->cert;

	add_key(l, "tls", info->version);
	add_key(l, "suite", info->suite);
	add_key(l, "alpn", info->alpn);
	add_key(l, "sni", info->sni);
	if (info->version != NULL)
		add_flag(l, "resumed", info->resumed);
	if (cert == NULL)
		return;
	add_key(l, "subject", cert->subject);
	add_key(l, "issuer", cert->issuer);
	add_key(l, "names", cert->names);
	add_when(l, "not_before", cert->not_before);
	add_when(l, "not_after", cert->not_after);
	add_key(l, "key", cert->key);
	add_key(l, "pin", cert->pin);
	add_flag(l, "verified", info->verified);
	add_key(l, "doubt", info->doubt);
}

static void
build_json(struct line *l, const struct msg *m, enum msg_level level,
    const struct msg_fields *f, bool failed, const char *text)
{
	add(l, "{");
	add_time(l);
	add_key(l, "level", level_word(level));
	add_key(l, "event", f->event);
	add_key(l, "tool", m->tool);
	if (f->conn != 0)
		addf(l, ",\"conn\":%" PRIu64, f->conn);
	add_key(l, "local", f->local);
	add_key(l, "peer", f->peer);
	add_key(l, "via", f->via);
	add_key(l, "host", f->host);
	if (f->port != 0)
		addf(l, ",\"port\":%u", f->port);
	add_key(l, "target", f->target);
	add_key(l, "side", f->side);
	if (f->moved)
		addf(l, ",\"bytes_in\":%" PRIu64 ",\"bytes_out\":%" PRIu64
		    ",\"duration\":%.6f", f->bytes_in, f->bytes_out,
		    (double)f->duration / 1e9);
	if (f->counts != NULL)
		addf(l, ",\"clients\":%" PRIu64 ",\"total\":%" PRIu64
		    ",\"denied\":%" PRIu64 ",\"tls_failed\":%" PRIu64
		    ",\"proxy_failed\":%" PRIu64,
		    f->counts->now, f->counts->total, f->counts->denied,
		    f->counts->failed, f->counts->proxy_failed);
	add_key(l, "reason", f->reason);
	add_key(l, "pin", f->pin);
	add_key(l, "sha256_in", f->sha256_in);
	add_key(l, "sha256_out", f->sha256_out);
	if (f->tls != NULL)
		add_tls(l, f->tls);
	if (failed || level == MSG_ERROR || level == MSG_WARNING)
		add_key(l, "error", text);
	add(l, "}");
}

bool
msg_shown(const struct msg *m, enum msg_level level)
{
	switch (level) {
	case MSG_ERROR:
	case MSG_RESULT:
		return true;
	case MSG_WARNING:
	case MSG_NOTICE:
		return !m->quiet;
	case MSG_INFO:
		return !m->quiet && m->verbose >= 1;
	case MSG_DEBUG:
		return !m->quiet && m->verbose >= 2;
	}
	return true;
}

/*
 * A reader of messages who is slow must not hold the bytes up: what only
 * tells what happens is dropped then, an error waits a second.
 */
static bool
room(enum msg_level level)
{
	struct pollfd	p = { .fd = STDERR_FILENO, .events = POLLOUT };

	return poll(&p, 1, level <= MSG_RESULT ? 1000 : 0) != 0;
}

static void
print(const struct msg *m, enum msg_level level, const struct msg_fields *f,
    bool failed, const char *text)
{
	struct line	l = { .n = 0 };

	if (!msg_shown(m, level))
		return;
	if (m->json)
		build_json(&l, m, level, f, failed, text);
	else {
		addf(&l, "%s: %s", m->tool,
		    level == MSG_WARNING ? "warning: " : "");
		add_escaped(&l, text, false);
	}
	l.text[l.n++] = '\n';
	if (!room(level))
		return;
	if (m->before != NULL)
		m->before(m->around);
	/* Nobody is left to be told if this fails. */
	if (write(STDERR_FILENO, l.text, l.n) == -1)
		return;
	if (m->after != NULL)
		m->after(m->around);
}

void
msg(const struct msg *m, enum msg_level level, const struct msg_fields *f,
    const char *fmt, ...)
{
	char	text[2048];
	va_list	ap;

	/* Each connection has some that nobody is shown. */
	if (!msg_shown(m, level))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	print(m, level, f, false, text);
}

int
msg_result(const struct msg *m, const struct msg_fields *f)
{
	struct line	l = { .n = 0 };

	build_json(&l, m, MSG_RESULT, f, false, "");
	l.text[l.n++] = '\n';
	return fwrite(l.text, 1, l.n, stdout) == l.n &&
	    fflush(stdout) == 0 ? 0 : -1;
}

void
msg_err(const struct msg *m, enum msg_level level, const struct msg_fields *f,
    const struct tcpk_err *err)
{
	struct msg_fields	fields = *f;

	if (fields.reason == NULL)
		fields.reason = tcpk_err_word(err->kind);
	print(m, level, &fields, true, err->text);
}

int
msg_status(const struct tcpk_err *err)
{
	switch (err->kind) {
	case TCPK_OK:
		return 0;
	case TCPK_ECONNECT:
		return 1;
	case TCPK_EUSAGE:
		return 2;
	case TCPK_ENAME:
		return 3;
	case TCPK_ETIMEOUT:
		return 4;
	case TCPK_ETLS:
		return 5;
	case TCPK_ECUT:
		return 6;
	case TCPK_EPROGRAM:
		return 8;
	case TCPK_EIO:
	default:
		return 7;
	}
}

int
msg_usage(const struct msg *m, const char *fmt, ...)
{
	static const struct msg_fields	usage = {
		.event = "usage", .reason = "usage"
	};
	char				text[1024];
	va_list				ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	msg(m, MSG_ERROR, &usage, "%s (see %s --help)", text, m->tool);
	return 2;
}

const char *
msg_bytes(uint64_t n, char buf[MSG_BYTES])
{
	snprintf(buf, MSG_BYTES, "%" PRIu64 " byte%s", n, n == 1 ? "" : "s");
	return buf;
}
