/*
 * senders: whoever sends datagrams to a socket, as one stream: what they send
 * is read from it, and what is written goes to the last of them, or to all.
 *
 * A stream with the ways of tcpk_stream_datagram: a read is of one datagram,
 * a write is one, and it has no end of its own.  What a read had no room for
 * comes with the next one.  Nothing is taken for writing before somebody has
 * sent something, and to wait for that is not to be idle (tcpk_stream_holds).
 * Who is answered is so from the address that it sent to.  While 256 KiB of
 * what was heard are not read, no more is taken from the socket: the kernel
 * holds so much, and drops the rest.
 */
#ifndef TCPKIT_SENDERS_H
#define TCPKIT_SENDERS_H

#include <stdbool.h>
#include <stddef.h>

#include <tcpkit/stream.h>
#include <tcpkit/udp.h>

/* All zero is the plain case. */
struct tcpk_senders_opts {
	bool		all;	/* what is written goes to everyone */
	bool		open;	/* they hear each other */
	bool		lines;	/* each line is read with its sender in front */
	/* So many are remembered, those who sent last; 0 is 1024. */
	size_t		most;
	/* What each is sent when it is first heard; copied. */
	const void     *greeting;
	size_t		ngreeting;
};

/* NULL: TCPK_EIO. */
struct tcpk_stream *tcpk_senders_new(struct tcpk_loop *,
	    const struct tcpk_senders_opts *, struct tcpk_err *);

/*
 * A datagram is being told.  True if its sender was not known.  The udp must
 * stay until the stream is ended or freed.
 */
bool	tcpk_senders_heard(struct tcpk_stream *, struct tcpk_udp *,
	    const struct tcpk_addr *from, const void *data, size_t n);

/*
 * No more will come: what is left is read, and then the end of file.  Nobody
 * is written to any more (TCPK_GONE), and the sockets may go.
 */
void	tcpk_senders_end(struct tcpk_stream *);

#endif
