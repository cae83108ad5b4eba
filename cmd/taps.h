/*
 * taps: what is asked for beside moving the bytes of a connection: digests
 * of them, and a record.  Its streams are looked on at; nothing is changed.
 */
#ifndef TAPS_H
#define TAPS_H

#include <stdbool.h>

#include <tcpkit/digest.h>
#include <tcpkit/stream.h>

#include "msg.h"
#include "record.h"

/* One connection's; all zero looks on at nothing. */
struct taps {
	struct record_conn *record;
	struct tcpk_digest *sent, *received;
	bool		    joined;	/* to a stream of ours */
	bool		    named;	/* say whose the digests are */
	bool		    input_ended;
	bool		    had_input;
};

struct taps_opts {
	struct record	*record;	/* NULL none */
	bool		 digest, input;	/* input: see taps_local */
	bool		 peer_began;
	uint64_t	 conn;
};

/*
 * Look on at the connection, from its beginning: *stream becomes another
 * that takes its place.  -1 (TCPK_EIO): it is as it was.
 */
int	taps_remote(struct taps *, const struct taps_opts *,
	    const struct tcpk_addr *local, const struct tcpk_addr *peer,
	    struct tcpk_stream **stream, struct tcpk_err *);

/*
 * And at our own side, in the same way: received is then what that took, and
 * with opts.input it is noted whether there was any input, and its end.
 */
int	taps_local(struct taps *, const struct taps_opts *,
	    struct tcpk_stream **stream, struct tcpk_err *);

/*
 * It is over, cut or not, and both streams are freed: say the digests, with
 * what f says of the connection already.
 */
void	taps_end(struct taps *, bool cut, const struct msg *,
	    const struct msg_fields *f);

#endif
