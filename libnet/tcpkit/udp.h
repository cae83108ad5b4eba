/*
 * udp: one bound UDP socket in a loop: each datagram is told with its sender,
 * and the answer leaves from the address that it came to, also where the
 * socket is bound to every address of the machine.
 *
 * A datagram that cannot be sent at once is dropped and counted: nothing is
 * kept, nobody waits, and no peer and no network can end it.  Not here: names
 * (resolve) and who may send (serve), a stream over a connected socket
 * (tcpk_stream_datagram).
 */
#ifndef TCPKIT_UDP_H
#define TCPKIT_UDP_H

#include <stddef.h>
#include <stdint.h>

#include <tcpkit/addr.h>
#include <tcpkit/endpoint.h>
#include <tcpkit/loop.h>

struct tcpk_udp;

struct tcpk_udp_counts {
	uint64_t	received;	/* datagrams that were told */
	uint64_t	truncated;	/* too large to be told */
	uint64_t	errors;		/* of the network, while receiving */
	uint64_t	sent;		/* that the kernel took */
	uint64_t	dropped;	/* for lack of room in the kernel */
	uint64_t	failed;		/* refused: too large, no route, ... */
};

/*
 * Bind to an address with the options of an endpoint (family, interface,
 * dscp, ttl, rcvbuf, sndbuf).  An IPv6 wildcard address takes IPv4 senders
 * too unless family is 6.  NULL: as tcpk_sock_datagram, or TCPK_EIO.
 *
 * fn is called from the loop, once for each datagram, an empty one too, and
 * for a bounded number of them each time the loop comes round.  data is in
 * the loop's scratch buffer.  fn may free the udp.
 */
struct tcpk_udp *tcpk_udp_new(struct tcpk_loop *, const struct tcpk_addr *,
	    const struct tcpk_options *,
	    void (*fn)(void *arg, struct tcpk_udp *,
	    const struct tcpk_addr *from, const void *data, size_t n),
	    void *arg, struct tcpk_err *);

/*
 * The same over a UDP socket that is bound already (TCPK_EUSAGE if it is
 * not one); takes the descriptor over when it succeeds.
 */
struct tcpk_udp *tcpk_udp_adopt(struct tcpk_loop *, int fd,
	    void (*fn)(void *arg, struct tcpk_udp *,
	    const struct tcpk_addr *from, const void *data, size_t n),
	    void *arg, struct tcpk_err *);

/* Where it is bound, with the real port. */
const struct tcpk_addr *tcpk_udp_addr(const struct tcpk_udp *);

/* Its descriptor, which stays its own. */
int	tcpk_udp_fd(const struct tcpk_udp *);

/* Leave datagrams to others who have the socket; sending goes on. */
void	tcpk_udp_pause(struct tcpk_udp *);
void	tcpk_udp_resume(struct tcpk_udp *);

/*
 * Which of our addresses the datagram came to that is being told, for an
 * answer that is sent later; len 0 where the system does not say.  Valid
 * during the callback.
 */
const struct tcpk_addr *tcpk_udp_here(const struct tcpk_udp *);

/*
 * Send one datagram, of up to 65,507 bytes (and none is a datagram, too).  To
 * the sender of the one that is being told it goes from the address that one
 * came to; else the system chooses.  Never waits.  0 when the kernel has it,
 * which is no promise that it arrives; -1 when it was dropped, and counted.
 */
int	tcpk_udp_send(struct tcpk_udp *, const struct tcpk_addr *to,
	    const void *data, size_t n);

/*
 * The same, from what tcpk_udp_here said; its port is not looked at.  NULL or
 * len 0: the system chooses.
 */
int	tcpk_udp_send_from(struct tcpk_udp *, const struct tcpk_addr *here,
	    const struct tcpk_addr *to, const void *data, size_t n);

void	tcpk_udp_counts(const struct tcpk_udp *, struct tcpk_udp_counts *);

/* Close it; what the kernel has not told yet is lost. */
void	tcpk_udp_free(struct tcpk_udp *);

#endif
