/*
 * listen: one listening socket in a loop: clients are accepted until there
 * are no more, accepting can pause and resume, and running out of
 * descriptors pauses it for a while instead of spinning.
 */
#ifndef TCPKIT_LISTEN_H
#define TCPKIT_LISTEN_H

#include <tcpkit/addr.h>
#include <tcpkit/endpoint.h>
#include <tcpkit/loop.h>

struct tcpk_listen;

struct tcpk_listen_handler {
	/* A client; the descriptor is the handler's.  May free the listen. */
	void	(*client)(void *arg, int fd, const struct tcpk_addr *peer);
	/*
	 * Accepting fails for lack of descriptors or memory and will be tried
	 * again; told once each time it begins.  May be NULL.
	 */
	void	(*trouble)(void *arg, const struct tcpk_err *);
	/*
	 * Is there room for one more?  Asked before each accept; 1 is
	 * followed by client, or by unused when nobody came; 0 pauses; -1,
	 * with errno, is trouble.  Both may be NULL.
	 */
	int	(*room)(void *arg);
	void	(*unused)(void *arg);
};

/*
 * Listen on an address with the options of an endpoint.  NULL with err as
 * tcpk_sock_listen.
 */
struct tcpk_listen *tcpk_listen_new(struct tcpk_loop *,
	    const struct tcpk_addr *, const struct tcpk_options *,
	    const struct tcpk_listen_handler *, void *arg, struct tcpk_err *);

/*
 * The same over a socket that is listening already (TCPK_EUSAGE if it is
 * not); takes the descriptor over when it succeeds.
 */
struct tcpk_listen *tcpk_listen_adopt(struct tcpk_loop *, int fd,
	    const struct tcpk_listen_handler *, void *arg, struct tcpk_err *);

/* Could it be adopted?  -1: TCPK_EUSAGE, as above. */
int	tcpk_listen_check(int fd, struct tcpk_err *);

/* Where it listens, with the real port. */
const struct tcpk_addr *tcpk_listen_addr(const struct tcpk_listen *);

/* Its descriptor, which stays its own. */
int	tcpk_listen_fd(const struct tcpk_listen *);

/* Leave clients in the backlog, and take them again. */
void	tcpk_listen_pause(struct tcpk_listen *);
void	tcpk_listen_resume(struct tcpk_listen *);

/*
 * Close it.  A Unix socket's file is removed if it is still the one that
 * this listen made.
 */
void	tcpk_listen_free(struct tcpk_listen *);

#endif
