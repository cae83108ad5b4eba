/*
 * hub: one to many.  Members are streams; what one says goes to those who
 * hear it, each through a bounded queue of its own.
 *
 * Members are of two sides: clients, and ours (standard input and output).
 * Clients and ours always hear each other; clients hear each other only if
 * the hub is open; ours do not hear each other.  Nobody hears itself.
 *
 * A client that does not take what is said, so that its queue is full, is
 * dropped and the others are not held up.  When our side does not take it,
 * the clients are: what they say is not read until there is room again, and
 * so nothing of it is lost.  They go on in the order in which they had to
 * stop.
 *
 * What our side hears can come in whole lines, each with its speaker's tag
 * in front: then what two clients say does not mix within a line.  A line
 * that is longer than TCPK_HUB_LINE comes in pieces, each with the tag and
 * ending in a newline of its own; a last line without a newline gets one when
 * its speaker has ended or was cut.
 *
 * A member that nothing waits for has no buffer; else it has at most
 * TCPK_HUB_QUEUE, and TCPK_HUB_LINE for a line that it has begun.
 *
 * Not here: listening, limits on how many, and what is to follow when our
 * side has left.
 */
#ifndef TCPKIT_HUB_H
#define TCPKIT_HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tcpkit/err.h>
#include <tcpkit/loop.h>
#include <tcpkit/stream.h>

struct tcpk_hub;
struct tcpk_member;

#define TCPK_HUB_QUEUE	(256 * 1024)	/* bytes waiting for one member */
#define TCPK_HUB_LINE	(64 * 1024)	/* without its newline */
#define TCPK_HUB_TAG	255		/* longer ones are cut */

enum tcpk_side { TCPK_CLIENT, TCPK_OURS };

/* How a member left; valid during the callback. */
struct tcpk_left {
	/*
	 * TCPK_OK: it ended, and all it was sent has arrived.  Else why it
	 * was cut: the stream's error, TCPK_ETIMEOUT (idle), TCPK_ECUT "too
	 * slow to follow", TCPK_EIO "out of memory".
	 */
	struct tcpk_err	err;
	uint64_t	bytes_in;	/* from it */
	uint64_t	bytes_out;	/* given to its stream */
	uint64_t	duration;	/* ns */
};

/* All zero is the plain case. */
struct tcpk_hub_opts {
	bool		open;		/* clients hear each other */
	bool		lines;		/* ours hears whole tagged lines */
	/*
	 * Ours is read only while some client has room for what it says: the
	 * fastest sets the pace, those that cannot keep up with it are
	 * dropped, and without a client nothing is read.  Else ours is read
	 * as fast as it speaks, and with nobody there it speaks to nobody.
	 */
	bool		pace;
	/*
	 * ns without a byte either way after which a client is cut; 0 none.
	 * Time for which it was held up by our side does not count.
	 */
	uint64_t	idle_timeout;
};

/* NULL: TCPK_EIO.  opts are copied. */
struct tcpk_hub *tcpk_hub_new(struct tcpk_loop *,
	    const struct tcpk_hub_opts *, struct tcpk_err *);

/*
 * Let a stream in; takes it, and frees it before it calls left, which comes
 * exactly once, from the loop, never before this returns, and not after
 * tcpk_hub_free.  From left any function of the hub may be called, also
 * tcpk_hub_free.  tag is copied, may be NULL.  greeting (NULL if n is 0, at
 * most TCPK_HUB_QUEUE bytes) is what the member hears first.  NULL (TCPK_EIO
 * no memory, TCPK_EUSAGE such a greeting): the stream is still the caller's.
 *
 * A client's end of input is its end: what was said until then is delivered,
 * it hears no more and is half-closed, and left is called when that has
 * arrived.  The end of our side's input ends nothing.  A member that fails
 * (our output's disk is full, a connection is reset) leaves with that error;
 * what a client said before it is still told.  Our side's leaving ends
 * nothing either: without it clients are not held up, and speak to those
 * who are there.
 *
 * The member is for telling one from another: it is gone when left is called.
 */
struct tcpk_member *tcpk_hub_add(struct tcpk_hub *, struct tcpk_stream *,
	    enum tcpk_side, const char *tag, const void *greeting, size_t n,
	    void (*left)(void *arg, const struct tcpk_left *), void *arg,
	    struct tcpk_err *);

/* Say something to all clients (not to ours), as far as they follow. */
void	tcpk_hub_say(struct tcpk_hub *, const void *, size_t n);

/*
 * No more will be said: our side is not read any more, what is queued is
 * delivered, then every client is half-closed, and left comes for each as it
 * ends; what it says until then is still heard by ours.  When no client is
 * in, our side is delivered what it is owed, is finished, and leaves too.
 * Nothing of this has a time limit: that is what tcpk_hub_free is for.
 */
void	tcpk_hub_finish(struct tcpk_hub *);

/*
 * Cut one by a reset, now; its left is not called any more.  Not from a
 * callback of the same member.
 */
void	tcpk_hub_cut(struct tcpk_member *, uint64_t *bytes_in,
	    uint64_t *bytes_out);

/* Clients now in: those for whom left was not called yet. */
size_t	tcpk_hub_clients(const struct tcpk_hub *);

/* Cut everyone, by a reset; left is not called any more.  NULL is fine. */
void	tcpk_hub_free(struct tcpk_hub *);

#endif
