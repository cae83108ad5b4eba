/*
 * tcpecho_talk: what tcpecho does for a client other than a plain echo: it
 * answers, throws away, generates, or echoes after a delay.
 */
#ifndef TCPECHO_TALK_H
#define TCPECHO_TALK_H

#include <tcpkit/stream.h>

#include "tcpecho.h"

struct tcpecho_talk;

/* Valid during the callback. */
struct tcpecho_talked {
	uint64_t	bytes_in, bytes_out;
	struct tcpk_err	err;		/* TCPK_OK: ended well */
};

/*
 * Take a stream and serve it as opts say, ending after idle ns in which
 * nothing moved (0: never).  done comes exactly once, from the loop, after
 * the stream was freed; never before this returns.  NULL: no memory, and the
 * stream is still the caller's.
 */
struct tcpecho_talk *tcpecho_talk_start(struct tcpk_loop *,
	    struct tcpk_stream *, const struct tcpecho_server_opts *,
	    uint64_t idle, void (*done)(void *arg,
	    const struct tcpecho_talked *), void *arg, struct tcpk_err *);

/* Cut it by a reset; done will not be called. */
void	tcpecho_talk_cancel(struct tcpecho_talk *);

/* The beginning of RFC 864's pattern, whole lines and a part of one. */
void	tcpecho_pattern(char *buf, size_t n);

#endif
