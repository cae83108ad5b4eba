/*
 * sock: one socket at a time: made with the options of an endpoint, bound,
 * listening, connecting, accepted, or for datagrams.
 *
 * Every descriptor made here is non-blocking and close-on-exec and belongs
 * to the caller.  Not here: names (resolve), several addresses (dial),
 * waiting (loop).
 */
#ifndef TCPKIT_SOCK_H
#define TCPKIT_SOCK_H

#include <stdbool.h>
#include <stdint.h>

#include <tcpkit/addr.h>
#include <tcpkit/endpoint.h>

/*
 * Begin a connection.  Returns the descriptor, with *done set when it is
 * connected already (or see tcpk_sock_opening); else wait for TCPK_WRITE and
 * call tcpk_sock_connected.
 * -1 with err filled: TCPK_EUSAGE when an option is not to be had on this
 * system, TCPK_ETIMEOUT for ETIMEDOUT, else TCPK_ECONNECT; err->code is the
 * errno.  For a Unix socket EAGAIN means that its backlog is full: try
 * again later.
 */
int	tcpk_sock_connect(const struct tcpk_addr *,
	    const struct tcpk_options *, bool *done, struct tcpk_err *);

/*
 * Has a TCP connection not been answered yet?  With the option fastopen
 * connecting may be done without a SYN: that goes with the first data, and
 * only then it turns out if there is a peer.  Until it has answered the socket
 * must not be shut down: the kernel would give up connecting.
 */
bool	tcpk_sock_opening(int fd);

/*
 * Send the SYN of such a connection without data; after that it is one under
 * way.  0, or the errno value of why it cannot be.
 */
int	tcpk_sock_go(int fd);

/*
 * Bind and listen.  An IPv6 wildcard address takes IPv4 clients too unless
 * options->family is 6.  TCP sockets get SO_REUSEADDR.  A Unix socket's
 * file gets the mode and owner of the options before the first client can
 * connect; an existing file is never removed.  -1: TCPK_ECONNECT, or
 * TCPK_EUSAGE for an option the system does not have.
 */
int	tcpk_sock_listen(const struct tcpk_addr *,
	    const struct tcpk_options *, struct tcpk_err *);

/*
 * A UDP socket.  For TCPK_LISTEN it is bound to the address, both families
 * as for tcpk_sock_listen; the address is in use as soon as anyone has it.
 * For TCPK_CONNECT it sends to and hears of this address only; nothing is
 * sent, but an address without a route is refused.  -1: as tcpk_sock_listen.
 */
int	tcpk_sock_datagram(const struct tcpk_addr *,
	    const struct tcpk_options *, enum tcpk_role, struct tcpk_err *);

/*
 * Would a socket (SOCK_STREAM or SOCK_DGRAM) for this address take these
 * options?  Nothing is bound or connected.  -1: TCPK_EUSAGE, which the three
 * above would say too, with the address before it.
 */
int	tcpk_sock_check(const struct tcpk_addr *, int type,
	    const struct tcpk_options *, enum tcpk_role, struct tcpk_err *);

/*
 * What kind of error a failed connect or listen is, by its errno value: out
 * of time, out of descriptors or memory (TCPK_EIO), else TCPK_ECONNECT.
 */
enum tcpk_err_kind tcpk_sock_kind(int code);

/* Accept one client; -1 with errno.  peer may be NULL. */
int	tcpk_sock_accept(int fd, struct tcpk_addr *peer);

/* Take and clear the socket's pending error: 0 or an errno value. */
int	tcpk_sock_error(int fd);

/*
 * What has become of a connection that was begun, once the loop has said
 * TCPK_WRITE of it; hup: with TCPK_HUP, which has to be wanted as well.  0, or
 * the errno value of why it failed.
 */
int	tcpk_sock_connected(int fd, bool hup);

/* Has an established connection broken?  0, or the errno value of why. */
int	tcpk_sock_broken(int fd);

/*
 * Bytes (and the FIN, which counts as one) that the peer's kernel has not
 * acknowledged: SIOCOUTQ on Linux, SO_NWRITE on macOS, FIONWRITE on the
 * BSDs.  0 where the system cannot say, and for Unix sockets, whose bytes are
 * with the peer once they are sent.  Of UDP it is what has not yet left.
 */
uint64_t tcpk_sock_unsent(int fd);

/*
 * Both at once: what is unsent, in left, and 0; or the errno value of why it
 * has broken.  made: the handshake is known to be over, which saves a question
 * (an accepted connection may be one of Fast Open, which has data before).
 */
int	tcpk_sock_drained(int fd, bool made, uint64_t *left);

/* Send what was kept back to go out with more: TCP_NODELAY does it, tcp(7). */
void	tcpk_sock_push(int fd);

/* Let close() send a reset instead of a FIN (SO_LINGER, zero). */
void	tcpk_sock_reset_on_close(int fd);

#endif
