/*
 * record: what passes, kept in files for people and for Wireshark: as text
 * (--hexdump), and as a pcapng capture of TCP segments that were never sent
 * (--capture), with the plain payload.  One recorder for all connections of
 * a process; "-" is standard error.
 *
 * A file that cannot be written any more (a full disk) is said once and left
 * alone: the data goes on, the record is not complete, and record_close says
 * so.
 *
 * Every event is in the files when its function returns: the writes wait.
 * SIGPIPE has to be ignored.
 */
#ifndef RECORD_H
#define RECORD_H

#include <stddef.h>
#include <stdint.h>

#include <tcpkit/addr.h>
#include <tcpkit/err.h>

#include "msg.h"

struct record;
struct record_conn;

/* Directions: what we send to the peer, what we received from it. */
enum { RECORD_OUT, RECORD_IN };

/*
 * Open (create) the files; either may be NULL, not both.  They hold
 * what is secret: a new one can be read by its owner only.  A FIFO is waited
 * for until somebody reads.  m is used until the close.  NULL: TCPK_EIO, or
 * TCPK_EUSAGE for the same file twice and a capture to a terminal, with the
 * option and the file in the text.  What is in the files stays until
 * record_start.
 */
struct record *record_open(const char *hexdump, const char *capture,
	    const struct msg *m, struct tcpk_err *);

/*
 * Nothing is wrong with what was asked for, and the files are emptied and
 * begun.  The first record_begin does it where this was not called.  Once is
 * enough; NULL is fine.
 */
void	record_start(struct record *);

/*
 * A connection: its number, its ends (NULL, or len 0, where there is none:
 * then addresses are made up, as for Unix sockets), and whether the peer
 * began it.  NULL: no memory, TCPK_EIO.
 */
struct record_conn *record_begin(struct record *, uint64_t conn,
	    const struct tcpk_addr *local, const struct tcpk_addr *peer,
	    int peer_began, struct tcpk_err *);

/*
 * n bytes passed in this direction; 0: it has ended (half-close), and what
 * comes after that is left out.
 */
void	record_bytes(struct record_conn *, int direction, const void *,
	    size_t n);

/*
 * The connection is over: cut (a reset; a capture has it from the peer) or
 * not.  Frees it.  NULL is fine.
 */
void	record_end(struct record_conn *, int cut);

/*
 * All connections have ended.  0, or -1 (TCPK_EIO) when something is missing
 * in a file; that has been said by msg_err, event "record-failed".  NULL is
 * fine.
 */
int	record_close(struct record *, struct tcpk_err *);

#endif
