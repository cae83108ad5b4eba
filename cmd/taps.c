#include <string.h>

#include "taps.h"

static void
on_remote(void *arg, enum tcpk_way way, const void *data, size_t n)
{
	struct taps	*t = arg;

	if (t->record != NULL)
		record_bytes(t->record, way == TCPK_OUT ? RECORD_OUT :
		    RECORD_IN, data, n);
	if (n == 0)
		return;
	if (t->sent != NULL && way == TCPK_OUT)
		tcpk_digest_add(t->sent, data, n);
	else if (t->received != NULL && way == TCPK_IN && !t->joined)
		tcpk_digest_add(t->received, data, n);
}

static void
on_local(void *arg, enum tcpk_way way, const void *data, size_t n)
{
	struct taps	*t = arg;

	if (way == TCPK_IN) {
		t->had_input |= n > 0;
		t->input_ended |= n == 0;
	} else if (t->received != NULL && n > 0)
		tcpk_digest_add(t->received, data, n);
}

static int
look_on(struct tcpk_stream **stream, void (*fn)(void *, enum tcpk_way,
    const void *, size_t), struct taps *t, struct tcpk_err *err)
{
	struct tcpk_stream	*tapped;

	tapped = tcpk_stream_tap(*stream, fn, t, err);
	if (tapped == NULL)
		return -1;
	*stream = tapped;
	return 0;
}

static void
forget(struct taps *t, bool cut)
{
	record_end(t->record, cut);
	tcpk_digest_free(t->sent);
	tcpk_digest_free(t->received);
	t->record = NULL;
	t->sent = t->received = NULL;
}

int
taps_remote(struct taps *t, const struct taps_opts *o,
    const struct tcpk_addr *local, const struct tcpk_addr *peer,
    struct tcpk_stream **stream, struct tcpk_err *err)
{
	if (o->record == NULL && !o->digest)
		return 0;
	if (o->record != NULL) {
		t->record = record_begin(o->record, o->conn, local, peer,
		    o->peer_began, err);
		if (t->record == NULL)
			return -1;
	}
	if (o->digest) {
		t->sent = tcpk_digest_new(err);
		t->received = tcpk_digest_new(err);
		if (t->sent == NULL || t->received == NULL)
			goto fail;
	}
	if (look_on(stream, on_remote, t, err) == 0)
		return 0;
fail:
	forget(t, true);
	return -1;
}

int
taps_local(struct taps *t, const struct taps_opts *o,
    struct tcpk_stream **stream, struct tcpk_err *err)
{
	if (!o->digest && !o->input)
		return 0;
	if (look_on(stream, on_local, t, err) == -1)
		return -1;
	t->joined = true;
	return 0;
}

void
taps_end(struct taps *t, bool cut, const struct msg *m,
    const struct msg_fields *f)
{
	struct msg_fields	say = *f;
	char			out[TCPK_DIGEST_TEXT], in[TCPK_DIGEST_TEXT];

	if (t->sent != NULL) {
		say.event = "sha256";
		say.sha256_out = tcpk_digest_text(t->sent, out);
		say.sha256_in = tcpk_digest_text(t->received, in);
		msg(m, MSG_RESULT, &say, "%s%ssha256: sent %s, received %s",
		    t->named ? f->peer : "", t->named ? ": " : "", out, in);
	}
	forget(t, cut);
}
