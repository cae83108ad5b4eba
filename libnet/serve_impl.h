/*
 * serve, private: a name to listeners (serve_open.c), what is read from files
 * (serve_files.c), clients (serve_clients.c), and those that are not yet
 * served (serve_pending.c): whose PROXY header is awaited (serve_proxy.c), or
 * who are still shaking hands (serve_tls.c).
 */
#ifndef SERVE_IMPL_H
#define SERVE_IMPL_H

#include "tcpkit/serve.h"

struct tcpk__pendings {
	struct tcpk__pending	*first, *last;	/* by age */
	size_t			 n;
};

/* The first member of what is pending. */
struct tcpk__pending {
	struct tcpk__pendings	*all;
	struct tcpk__pending	*prev, *next;
	struct tcpk_timer	 limit;
	void		       (*late)(struct tcpk__pending *);
	bool			 crowded_out;
};

/*
 * Put it in the list, until it is stopped or its time is over: then it has
 * been stopped when late is called.  When there are too many at once the
 * oldest is late, soon.  -1: TCPK_EIO.  Stopping twice is fine.
 */
int	tcpk__pending_start(struct tcpk__pending *, struct tcpk__pendings *,
	    struct tcpk_loop *, uint64_t limit,
	    void (*late)(struct tcpk__pending *), struct tcpk_err *);
void	tcpk__pending_stop(struct tcpk__pending *);

/* Why late was called: "LATE in time", or for too MANY at once. */
void	tcpk__pending_err(const struct tcpk__pending *, const char *late,
	    const char *many, struct tcpk_err *);

/* Whose connection it is; the last two with a PROXY header, else of len 0. */
struct tcpk__who {
	struct tcpk_addr	peer, listener, via, to;
};

/* What comes of one; the stream is the callee's.  May free all of them. */
typedef void tcpk__shake_fn(void *arg, const struct tcpk__who *,
	    const struct tcpk_tls_done *);

/* Begin; takes the stream.  -1: TCPK_EIO, the stream is the caller's. */
int	tcpk__shake_start(struct tcpk__pendings *, struct tcpk_loop *,
	    struct tcpk_tls_config *, struct tcpk_stream *, uint64_t limit,
	    const struct tcpk__who *, tcpk__shake_fn *, void *arg,
	    struct tcpk_err *);
void	tcpk__shakes_free(struct tcpk__pendings *);

/* The same; the descriptor is the callee's, also when err says why not. */
typedef void tcpk__hear_fn(void *arg, int fd, const struct tcpk__who *,
	    const struct tcpk_err *);

/* Begin; takes the descriptor.  -1: TCPK_EIO, it is the caller's. */
int	tcpk__hear_start(struct tcpk__pendings *, struct tcpk_loop *, int fd,
	    uint64_t limit, const struct tcpk__who *, tcpk__hear_fn *,
	    void *arg, struct tcpk_err *);
void	tcpk__hearings_free(struct tcpk__pendings *);

/* Addresses one name may stand for. */
#define TCPK__LISTENERS	32

enum { TCPK__V6, TCPK__V4, TCPK__FAMILIES };

struct tcpk__listener {
	struct tcpk_serve  *serve;
	struct tcpk_listen *listen;	/* one of these two */
	struct tcpk_udp	   *udp;
};

struct tcpk_serve_files {
	struct tcpk_acl		*acl;		/* NULL: everyone */
	struct tcpk_acl		*senders;	/* of PROXY headers; the same */
	struct tcpk_tls_config	*tls;
	const struct tcpk_endpoint *ep;		/* whose files they are */
};

struct tcpk_serve {
	struct tcpk_loop	*loop;
	const struct tcpk_endpoint *ep;
	struct tcpk_serve_handler handler;
	void			*arg;
	struct tcpk_serve_files	*files;
	struct tcpk__pendings	 headers, shakes;
	struct tcpk_limits	*limits;	/* NULL: none */
	struct tcpk_limits	*own_limits;
	struct tcpk_reserve	*reserve;	/* NULL: none */
	struct tcpk_serve	*forked;	/* from before the fork */
	bool			 one;
	bool			 full;		/* accepting is paused */
	uint64_t		 denied;
	uint64_t		 tell_at;	/* of a datagram denied */
	struct tcpk_timer	 now, again;
	struct tcpk_resolve	*lookups[TCPK__FAMILIES];
	struct tcpk_addr	 addrs[TCPK__LISTENERS + 1];
	size_t			 naddrs;
	struct tcpk_err		 lookup_err;
	struct tcpk__listener	 listeners[TCPK__LISTENERS];
	size_t			 n;
};

/* One more listener: on an address, or NULL: on a descriptor. */
int	tcpk__serve_listen(struct tcpk_serve *, const struct tcpk_addr *,
	    int fd, struct tcpk_err *);
void	tcpk__serve_close(struct tcpk_serve *);
const struct tcpk_addr *tcpk__listener_addr(const struct tcpk__listener *);
int	tcpk__listener_fd(const struct tcpk__listener *);

/* Listen on every address that was found, and tell.  A timer's callback. */
void	tcpk__serve_open(void *);

/* Addresses that need no looking up.  1 taken, 0 not numeric, -1. */
int	tcpk__serve_numeric(struct tcpk_serve *, struct tcpk_err *);
/* Then: what would be refused once others listen already is so now. */
int	tcpk__serve_check(const struct tcpk_serve *, bool numeric,
	    struct tcpk_err *);
int	tcpk__serve_look_up(struct tcpk_serve *, bool numeric,
	    struct tcpk_err *);

/* A listener's: a client has come, a datagram. */
void	tcpk__serve_client(void *listener, int fd, const struct tcpk_addr *);
void	tcpk__serve_datagram(void *listener, struct tcpk_udp *,
	    const struct tcpk_addr *from, const void *, size_t n);

/* One who had a place of max-clients is gone. */
void	tcpk__serve_give_place(struct tcpk_serve *);

#endif
