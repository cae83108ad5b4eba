/*
 * stream: anything with a readable and a writable side.
 *
 * Every call returns at once; would-block is the answer TCPK_AGAIN, not an
 * error.  A stream that failed keeps its error; ask tcpk_stream_err.  The
 * process must ignore SIGPIPE before it writes to standard output or to a
 * program; sockets never raise it.
 *
 * The descriptors 0, 1 and 2 keep the flags they came with: they are never
 * made non-blocking, and still no call waits on them.
 */
#ifndef TCPKIT_STREAM_H
#define TCPKIT_STREAM_H

#include <stdbool.h>
#include <sys/types.h>

#include <tcpkit/addr.h>
#include <tcpkit/loop.h>

/* Try again when the stream is ready; also from tcpk_stream_finish. */
#define TCPK_AGAIN	(-2)

/*
 * From write: the other side has ended well and takes no more, and that is
 * no error (a program that left without reading all its input).
 */
#define TCPK_GONE	(-3)

struct tcpk_stream;

/* n > 0 bytes read; 0 the end of file; TCPK_AGAIN; -1. */
ssize_t	tcpk_stream_read(struct tcpk_stream *, void *, size_t n);

/* n > 0 bytes taken, perhaps fewer than given; TCPK_AGAIN, TCPK_GONE; -1. */
ssize_t	tcpk_stream_write(struct tcpk_stream *, const void *, size_t n);

/*
 * The same for bytes that tcpk_stream_finish is to follow at once: they may go
 * out with the end, as one segment (RFC 9293, section 3.5), and wait for it.
 * tcpk_stream_drained, too, sends them on their way.
 */
ssize_t	tcpk_stream_write_last(struct tcpk_stream *, const void *, size_t n);

/*
 * A place where the next bytes can be put for the stream to take them without
 * a copy.  1: *place has room for *n of them, until tcpk_stream_commit; nothing
 * else may be done with the stream before that.  0: it has no such place,
 * write to it; TCPK_AGAIN: wait until it is ready to write; -1.
 */
int	tcpk_stream_room(struct tcpk_stream *, void **place, size_t *n);

/*
 * So many bytes are there, which the stream takes, all of them; 0: none, and
 * the place was not needed.  0, or -1.
 */
int	tcpk_stream_commit(struct tcpk_stream *, size_t n);

/*
 * No more will be written: pass the end of file on.  0 when the other side
 * will see it; TCPK_AGAIN: call again when ready to write; -1.
 */
int	tcpk_stream_finish(struct tcpk_stream *);

/*
 * Has everything that was written arrived?  0 yes: acknowledged by the
 * peer's kernel, or the program has exited with status 0.  TCPK_AGAIN: not
 * yet, ask again after a while; *left, which falls as it goes on, is then
 * what is under way.  -1: it never will.
 */
int	tcpk_stream_drained(struct tcpk_stream *, uint64_t *left);

/*
 * Be told with TCPK_READ, TCPK_WRITE, TCPK_HUP when one of these is ready;
 * 0 for nothing.  On TCPK_HUP ask tcpk_stream_hup.  fn is the one given to
 * tcpk_stream_on_ready.
 */
void	tcpk_stream_want(struct tcpk_stream *, unsigned want);
void	tcpk_stream_on_ready(struct tcpk_stream *,
	    void (*fn)(void *arg, unsigned ready), void *arg);

/*
 * Ready for TCPK_HUP: does the other side still take anything?  TCPK_AGAIN
 * yes, as far as one can tell; TCPK_GONE no, and that is no error; -1.
 */
int	tcpk_stream_hup(struct tcpk_stream *);

/* Why it failed: valid until the stream is freed.  Kind TCPK_OK if not. */
const struct tcpk_err *tcpk_stream_err(const struct tcpk_stream *);

/*
 * Let tcpk_stream_free cut the connection instead of ending it: a reset on
 * TCP, SIGTERM for a program; others just close.
 */
void	tcpk_stream_reset(struct tcpk_stream *);

/*
 * Does closing it over unread input destroy what was written to it?  True
 * for connections: then read to the end first, or for a while.
 */
bool	tcpk_stream_lingers(const struct tcpk_stream *);

/*
 * Does it stop taking input while nobody reads its output?  True for
 * programs: then its output is to be read, if only to be thrown away.
 */
bool	tcpk_stream_couples(const struct tcpk_stream *);

/*
 * Is every read, and every write, one datagram?  Then it is not to be cut, nor
 * joined to others, and what a read has no room for is lost.
 */
bool	tcpk_stream_whole(const struct tcpk_stream *);

/*
 * Until when it was busy by itself, whatever its source does: it waits on
 * purpose (for its rate, for the time of the next line), or has just sent more
 * of what it took before (TLS).  It may be over, 0: it never was.  Neither is
 * idleness.
 */
uint64_t tcpk_stream_holds(const struct tcpk_stream *);

/*
 * No more is awaited: a part of a line that was kept for its rest can be
 * read now.  False: there is none.
 */
bool	tcpk_stream_let_go(struct tcpk_stream *);

/* Close what the stream owns.  NULL is fine. */
void	tcpk_stream_free(struct tcpk_stream *);

/* The socket's ends; -1 where the stream is no socket. */
int	tcpk_stream_local(const struct tcpk_stream *, struct tcpk_addr *);
int	tcpk_stream_peer(const struct tcpk_stream *, struct tcpk_addr *);

/*
 * The plain descriptors under the stream, for moving bytes inside the
 * kernel; false when its bytes are not the descriptors' (TLS), or may not be
 * cut anywhere (datagrams): then they only say what is waited for.  -1: none.
 */
bool	tcpk_stream_fds(const struct tcpk_stream *, int *rfd, int *wfd);

/*
 * Who moved bytes over those descriptors met an error there: the stream has
 * failed of it, as if it had met it itself.  verb as "read".
 */
void	tcpk_stream_failed(struct tcpk_stream *, const char *verb, int code);

/*
 * A connected stream socket, non-blocking or not; owned by the stream once
 * it is returned.  NULL: TCPK_EIO.
 */
struct tcpk_stream *tcpk_stream_socket(struct tcpk_loop *, int fd,
	    struct tcpk_err *);

/*
 * The same of a connection that a watch has seen being made (not one whose SYN
 * waits for data); the watch has left it when this returns.
 */
struct tcpk_stream *tcpk_stream_watched(struct tcpk_watch *,
	    struct tcpk_err *);

/*
 * A connected UDP socket, in the same way.  A read is one datagram, and what
 * of it n has no room for is lost; a write is one, of its first 65,507 bytes.
 * Empty ones are passed over.  There is no end: none is read, and finish
 * tells nobody.  Drained is what has left this machine; that nobody listens
 * there is TCPK_ECUT at a later read or write.
 */
struct tcpk_stream *tcpk_stream_datagram(struct tcpk_loop *, int fd,
	    struct tcpk_err *);

/*
 * Descriptors 0 and 1 (or any two) as they are: pipes, files, terminals,
 * sockets, devices.  They stay open after the free; after finish, wfd is
 * /dev/null so that its reader sees the end.
 */
struct tcpk_stream *tcpk_stream_stdio(struct tcpk_loop *, int rfd, int wfd,
	    struct tcpk_err *);

/*
 * Run argv[0] (looked up in PATH) with the environment envp, its standard
 * input and output joined to the stream by pipes, its standard error ours,
 * with SIGPIPE at its default and no signal blocked.  A status other than 0
 * makes the stream's drain fail with TCPK_EPROGRAM.  A program that is still
 * running when its stream is freed is left to the loop: tcpk_loop_reap.
 */
struct tcpk_stream *tcpk_stream_program(struct tcpk_loop *,
	    char *const argv[], char *const envp[], struct tcpk_err *);

/*
 * The same stream with not more than so many bytes a second each way; the
 * rest waits in the kernel, at its writer's cost.  A datagram passes as a
 * whole, and what it is too long for is made up for behind it.  Takes inner;
 * NULL (TCPK_EIO): it is still the caller's.
 */
struct tcpk_stream *tcpk_stream_rate(struct tcpk_loop *,
	    struct tcpk_stream *inner, uint64_t bytes_per_second,
	    struct tcpk_err *);

/*
 * The same stream, of a socket whose SYN waits for the first data
 * (tcpk_sock_opening).  It goes with the first write; without data after
 * 10 ms or before the half-close.  Until the peer has answered a failure is
 * one to connect, TCPK_ECONNECT or TCPK_ETIMEOUT, and the latter at the
 * deadline.  Takes inner; NULL (TCPK_EIO): it is still the caller's.
 */
struct tcpk_stream *tcpk_stream_opening(struct tcpk_loop *,
	    struct tcpk_stream *inner, const struct tcpk_addr *peer,
	    uint64_t deadline, struct tcpk_err *);

/*
 * The same stream, whose reads give lines.  With crlf every LF that no CR is
 * before becomes CR LF.  With interval (ns, 0 none) they come one at a time,
 * each not before interval has passed since the one before; one that is
 * longer than 64 KiB comes in pieces without a pause, and what follows the
 * last LF at the end.  Meanwhile no more than 128 KiB is read ahead.  Takes
 * inner; NULL (TCPK_EIO): it is still the caller's.
 */
struct tcpk_stream *tcpk_stream_lines(struct tcpk_loop *,
	    struct tcpk_stream *inner, bool crlf, uint64_t interval,
	    struct tcpk_err *);

/* As the stream sees it: what is read comes in, what is written goes out. */
enum tcpk_way { TCPK_OUT, TCPK_IN };

/*
 * The same stream, looked on: fn is told of every piece that was read from
 * it, or that it took, once each and in order; n is 0 when the end of file
 * was read, or passed on.  fn may not touch the stream.  Takes inner; NULL
 * (TCPK_EIO): it is still the caller's.
 */
struct tcpk_stream *tcpk_stream_tap(struct tcpk_stream *inner,
	    void (*fn)(void *arg, enum tcpk_way, const void *, size_t n),
	    void *arg, struct tcpk_err *);

/*
 * The same stream, lent: to reset and to free it does nothing to inner, which
 * stays the caller's and may then be lent again, with what was read ahead in
 * it.  Until then inner is not to be touched.  NULL: TCPK_EIO.
 */
struct tcpk_stream *tcpk_stream_lend(struct tcpk_stream *inner,
	    struct tcpk_err *);

#endif
