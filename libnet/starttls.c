/* The bytes of a dialogue, to and fro over a stream. */

#include <stdlib.h>

#include "starttls_impl.h"
#include "tcpkit/starttls.h"

struct tcpk_starttls {
	struct tcpk_loop   *loop;
	struct tcpk_stream *stream;
	void		  (*fn)(void *, const struct tcpk_err *);
	void		   *arg;
	struct tcpk__talk   talk;
	size_t		    off;	/* of talk.out that was sent */
};

bool
tcpk_starttls_knows(const char *proto)
{
	return tcpk__talk_knows(proto);
}

const char *
tcpk_starttls_list(void)
{
	return "smtp, imap, pop3, ftp, xmpp, postgres, ldap";
}

void
tcpk_starttls_cancel(struct tcpk_starttls *st)
{
	if (st == NULL)
		return;
	tcpk_stream_want(st->stream, 0);
	tcpk_stream_on_ready(st->stream, NULL, NULL);
	free(st);
}

/* The owner may free the stream in its callback: let go of all before. */
static void
finish(struct tcpk_starttls *st, const struct tcpk_err *why)
{
	void		(*fn)(void *, const struct tcpk_err *) = st->fn;
	void		 *arg = st->arg;
	struct tcpk_err	  err;

	if (why != NULL)
		err = *why;
	tcpk_starttls_cancel(st);
	fn(arg, why != NULL ? &err : NULL);
}

static void
ended(struct tcpk_starttls *st)
{
	tcpk__talk_refuse(&st->talk, "the server ended the connection");
	finish(st, &st->talk.err);
}

static void
broken(struct tcpk_starttls *st)
{
	const struct tcpk_err	*why = tcpk_stream_err(st->stream);

	tcpk__talk_refuse(&st->talk, "the connection broke");
	st->talk.err.kind = TCPK_ECUT;
	/* Without memory, a stream cannot tell. */
	if (why->kind != TCPK_OK) {
		tcpk__talk_refuse(&st->talk, why->text);
		st->talk.err.kind = why->kind;
		st->talk.err.code = why->code;
	}
	finish(st, &st->talk.err);
}

/* 0 all of it is sent, TCPK_AGAIN, TCPK_GONE, -1. */
static int
flush(struct tcpk_starttls *st)
{
	ssize_t	put;

	while (st->off < st->talk.nout) {
		put = tcpk_stream_write(st->stream, st->talk.out + st->off,
		    st->talk.nout - st->off);
		if (put < 0)
			return (int)put;
		st->off += (size_t)put;
	}
	return 0;
}

/* One read: 1 to go on, 0 it is over, TCPK_AGAIN. */
static int
listen_to(struct tcpk_starttls *st)
{
	char	*buf = tcpk_loop_scratch(st->loop);
	ssize_t	 got = tcpk_stream_read(st->stream, buf, TALK_ALL);

	if (got == TCPK_AGAIN)
		return TCPK_AGAIN;
	if (got <= 0) {
		if (got == 0)
			ended(st);
		else
			broken(st);
		return 0;
	}
	st->off = 0;
	switch (tcpk__talk_take(&st->talk, buf, (size_t)got)) {
	case TALK_READY:
		finish(st, NULL);
		return 0;
	case TALK_REFUSED:
		finish(st, &st->talk.err);
		return 0;
	default:
		return 1;
	}
}

/* At most TALK_ALL reads: a server that drips does not keep us here. */
static void
on_ready(void *arg, unsigned ready)
{
	struct tcpk_starttls	*st = arg;
	int			 r;

	(void)ready;
	do {
		r = flush(st);
		if (r == TCPK_AGAIN) {
			tcpk_stream_want(st->stream, TCPK_WRITE);
			return;
		}
		if (r != 0) {
			if (r == TCPK_GONE)
				ended(st);
			else
				broken(st);
			return;
		}
		r = listen_to(st);
	} while (r == 1);
	if (r == TCPK_AGAIN)
		tcpk_stream_want(st->stream, TCPK_READ);
}

struct tcpk_starttls *
tcpk_starttls_start(struct tcpk_loop *loop, const char *proto,
    const char *name, struct tcpk_stream *stream,
    void (*fn)(void *, const struct tcpk_err *), void *arg,
    struct tcpk_err *err)
{
	struct tcpk_starttls	*st = malloc(sizeof(*st));

	if (st == NULL) {
		tcpk_err_set(err, TCPK_EIO, "out of memory");
		return NULL;
	}
	if (tcpk__talk_begin(&st->talk, proto, name, err) == -1) {
		free(st);
		return NULL;
	}
	st->loop = loop;
	st->stream = stream;
	st->fn = fn;
	st->arg = arg;
	st->off = 0;
	tcpk_stream_on_ready(stream, on_ready, st);
	tcpk_stream_want(stream, st->talk.nout > 0 ? TCPK_WRITE : TCPK_READ);
	return st;
}
