/*
 * --stats-listen: the counters in Prometheus' text format, version 0.0.4, by
 * HTTP/1.0 or to a connection that asks for nothing.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tcprelay.h"

/* A request's head. */
#define HEAD_MAX	8192

/* Who says nothing for so long is no HTTP client. */
#define SILENCE		(TCPK_SECOND / 2)

/* All of it. */
#define LIMIT		(10 * TCPK_SECOND)

#define POLL		(20 * TCPK_MS)

/*
 * ASKED    its stream readable, or the timer
 * ANSWER   its stream writable
 * DRAIN    the timer, until all of it has arrived
 * LINGER   its stream readable, until it ends
 * All of them end when the time is over.
 */
struct relay_asker {
	struct relay_client *rc;
	enum { ASKED, ANSWER, DRAIN, LINGER } state;
	struct tcpk_timer    timer;
	uint64_t	     since;
	char		     head[HEAD_MAX];
	size_t		     nhead, sent;
	char		    *text;		/* of the answer */
	size_t		     ntext;
};

static void
part(struct relay_asker *a, const struct tcpk_err *err)
{
	struct relay_client	*rc = a->rc;
	struct server_end	 end = {
		.bytes_in = a->nhead,
		.bytes_out = a->sent,
		.side = 1,
		.quiet = true
	};

	if (err != NULL)
		end.err = *err;
	tcpk_timer_stop(&a->timer);
	tcpk_stream_free(rc->stream);
	free(a->text);
	free(a);
	rc->asker = NULL;
	relay_leave(rc, &end);
}

static void
broken(struct relay_asker *a)
{
	struct tcpk_err	err = *tcpk_stream_err(a->rc->stream);

	part(a, &err);
}

static bool
is_head_request(const struct relay_asker *a)
{
	return a->nhead >= 5 && memcmp(a->head, "HEAD ", 5) == 0;
}

static bool
is_get(const struct relay_asker *a)
{
	return (a->nhead >= 4 && memcmp(a->head, "GET ", 4) == 0) ||
	    is_head_request(a);
}

/* Any method: who sent it expects HTTP. */
static bool
is_http(const struct relay_asker *a)
{
	const char	*end = memchr(a->head, '\n', a->nhead);

	return is_get(a) || (end != NULL && memmem(a->head,
	    (size_t)(end - a->head), " HTTP/1.", 8) != NULL);
}

/* What is asked for: only this one thing is here. */
static bool
is_known(const struct relay_asker *a)
{
	const char	*path = memchr(a->head, ' ', a->nhead);
	size_t		 left = a->nhead - (size_t)(path + 1 - a->head), n;

	path++;
	for (n = 0; n < left && strchr(" ?\r\n", path[n]) == NULL; n++)
		continue;
	return (n == 1 && path[0] == '/') ||
	    (n == 8 && memcmp(path, "/metrics", 8) == 0);
}

static int
write_answer(struct relay_asker *a)
{
	FILE	*f;
	char	*body = NULL;
	size_t	 n = 0;
	bool	 known = !is_http(a) || (is_get(a) && is_known(a));

	f = open_memstream(&body, &n);
	if (f == NULL)
		return -1;
	if (known)
		relay_metrics(f, relay_of(a->rc));
	else
		fputs("ask for /metrics, with GET\n", f);
	if (fclose(f) != 0)
		goto fail;
	f = open_memstream(&a->text, &a->ntext);
	if (f == NULL)
		goto fail;
	if (is_http(a))
		fprintf(f, "HTTP/1.0 %s\r\nContent-Type: text/plain; "
		    "version=0.0.4; charset=utf-8\r\nContent-Length: %zu\r\n"
		    "Connection: close\r\n%s\r\n", known ? "200 OK" :
		    is_get(a) ? "404 Not Found" : "405 Method Not Allowed", n,
		    is_get(a) ? "" : "Allow: GET, HEAD\r\n");
	if (!is_head_request(a))
		fwrite(body, 1, n, f);
	free(body);
	return fclose(f) == 0 ? 0 : -1;
fail:
	free(body);
	return -1;
}

static void
answer(struct relay_asker *a)
{
	struct tcpk_err	err;

	if (write_answer(a) == -1) {
		tcpk_err_set(&err, TCPK_EIO, "out of memory");
		part(a, &err);
		return;
	}
	a->state = ANSWER;
	tcpk_timer_set(&a->timer, a->since + LIMIT);
	tcpk_stream_want(a->rc->stream, TCPK_WRITE);
}

static void
send_answer(struct relay_asker *a)
{
	ssize_t	put = 0;
	int	r;

	while (a->sent < a->ntext && put >= 0) {
		put = tcpk_stream_write(a->rc->stream, a->text + a->sent,
		    a->ntext - a->sent);
		if (put > 0)
			a->sent += (size_t)put;
	}
	if (put == TCPK_AGAIN)
		return;
	r = put < 0 ? -1 : tcpk_stream_finish(a->rc->stream);
	if (r == TCPK_AGAIN)
		return;
	if (r == -1) {
		broken(a);
		return;
	}
	a->state = DRAIN;
	tcpk_stream_want(a->rc->stream, 0);
	tcpk_timer_set(&a->timer, tcpk_now());
}

static void
listen_to(struct relay_asker *a)
{
	ssize_t	got;

	got = tcpk_stream_read(a->rc->stream, a->head + a->nhead,
	    sizeof(a->head) - a->nhead);
	if (got == TCPK_AGAIN)
		return;
	if (got == -1) {
		broken(a);
		return;
	}
	a->nhead += (size_t)got;
	if (got == 0 || a->nhead == sizeof(a->head) ||
	    memmem(a->head, a->nhead, "\r\n\r\n", 4) != NULL ||
	    memmem(a->head, a->nhead, "\n\n", 2) != NULL)
		answer(a);
}

/* What it says behind its request is not wanted, but has to be read. */
static void
linger(struct relay_asker *a)
{
	char	buf[4096];
	ssize_t	got;

	got = tcpk_stream_read(a->rc->stream, buf, sizeof(buf));
	if (got == 0 || got == -1)
		part(a, NULL);
}

static void
on_ready(void *arg, unsigned ready)
{
	struct relay_asker	*a = arg;

	(void)ready;
	if (a->state == ASKED)
		listen_to(a);
	else if (a->state == ANSWER)
		send_answer(a);
	else if (a->state == LINGER)
		linger(a);
}

static void
on_timer(void *arg)
{
	struct relay_asker	*a = arg;
	struct tcpk_err		 err;
	uint64_t		 left;
	int			 r;

	if (a->state == ASKED && !is_http(a)) {
		answer(a);
		return;
	}
	if (a->state == ASKED && tcpk_now() < a->since + LIMIT) {
		tcpk_timer_set(&a->timer, a->since + LIMIT);
		return;
	}
	if (a->state == DRAIN && tcpk_now() < a->since + LIMIT) {
		r = tcpk_stream_drained(a->rc->stream, &left);
		if (r == TCPK_AGAIN) {
			tcpk_timer_set(&a->timer, tcpk_now() + POLL);
			return;
		}
		if (r == -1) {
			broken(a);
			return;
		}
		a->state = LINGER;
		tcpk_timer_set(&a->timer, a->since + LIMIT);
		tcpk_stream_want(a->rc->stream, TCPK_READ);
		return;
	}
	if (a->state == LINGER) {
		part(a, NULL);
		return;
	}
	tcpk_err_set(&err, TCPK_ETIMEOUT, "statistics were not asked for and "
	    "taken in time");
	part(a, &err);
}

int
relay_stats_start(struct relay_client *rc, struct tcpk_client *client,
    struct tcpk_err *err)
{
	struct relay_asker	*a = calloc(1, sizeof(*a));

	if (a == NULL)
		return tcpk_err_set(err, TCPK_EIO, "out of memory");
	a->rc = rc;
	a->since = tcpk_now();
	tcpk_timer_init(&a->timer, relay_of(rc)->loop, on_timer, a);
	if (tcpk_timer_set(&a->timer, a->since + SILENCE) == -1) {
		free(a);
		return tcpk_err_set(err, TCPK_EIO, "out of memory");
	}
	rc->asker = a;
	rc->stream = client->stream;
	tcpk_stream_on_ready(rc->stream, on_ready, a);
	tcpk_stream_want(rc->stream, TCPK_READ);
	return 0;
}

void
relay_stats_cut(struct relay_client *rc, struct server_end *end)
{
	struct relay_asker	*a = rc->asker;

	end->quiet = true;
	if (a == NULL)
		return;
	end->bytes_in = a->nhead;
	end->bytes_out = a->sent;
	tcpk_timer_stop(&a->timer);
	tcpk_stream_reset(rc->stream);
	tcpk_stream_free(rc->stream);
	free(a->text);
	free(a);
	rc->asker = NULL;
}
