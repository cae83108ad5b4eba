/*
 * hub, private: who is in (hub.c), one member's events (hub_member.c), what
 * it hears and how that ends (hub_queue.c), tagged lines (hub_lines.c).
 */
#ifndef HUB_IMPL_H
#define HUB_IMPL_H

#include "tcpkit/hub.h"

/* One read, and so the most that is said at once. */
#define TCPK__HUB_CHUNK	(64 * 1024)

/*
 * With no more than this waiting for it a member has room: a client to set
 * our side's pace, ours to let clients go on.  Behind it fits a chunk.
 */
#define TCPK__HUB_LOW	(TCPK_HUB_QUEUE / 2)

/* A read that could not be as large as this waits until it can be. */
#define TCPK__HUB_LEAST	128

/*
 * What a member hears, and what wakes it:
 * HEARS    what others say; writable while something is queued
 * LAST     writable, until what is queued has been taken
 * FINISH   writable, until the end of file has been taken
 * DRAIN    its timer with back-off, until everything has arrived
 * DEAF     its own end of input, or its turn among those that wait
 * LEFT     the hub's timer, which tells that it left
 */
enum tcpk__hub_state { HEARS, LAST, FINISH, DRAIN, DEAF, LEFT };

/* A place in a list, or the head of one; next is NULL outside. */
struct tcpk__hub_link {
	struct tcpk__hub_link *next, *prev;
	struct tcpk_member    *member;
};

/* A ring that grows up to TCPK_HUB_QUEUE; no memory while it is empty. */
struct tcpk__hub_queue {
	char	*data;
	size_t	 size, at, used;
};

/* The beginning of a line; no memory while there is none. */
struct tcpk__hub_line {
	char	*data;
	size_t	 size, len;
};

struct tcpk_member {
	struct tcpk_hub		*hub;
	struct tcpk_stream	*stream;
	struct tcpk__hub_link	 all;		/* in hub->side[side] */
	struct tcpk__hub_link	 turn;		/* in waiting or leaving */
	/* Always set, if for never: then setting it needs no memory. */
	struct tcpk_timer	 timer;
	struct tcpk__hub_queue	 queue;
	struct tcpk__hub_line	 line;
	unsigned char		 state, side;
	unsigned char		 want;
	bool			 ended;		/* says no more */
	bool			 broken;	/* says what is there to read */
	bool			 fits;		/* counted in hub->fit */
	uint64_t		 bytes_in, bytes_out;
	uint64_t		 started;
	uint64_t		 moved_at;	/* when a byte last moved */
	uint64_t		 drain_at, drain_delay, drain_left;
	struct tcpk_err		 err;		/* the first one */
	void			(*left)(void *, const struct tcpk_left *);
	void			*arg;
	size_t			 tag_len;
	char			 tag[];
};

struct tcpk_hub {
	struct tcpk_loop	*loop;
	struct tcpk_hub_opts	 opts;
	struct tcpk__hub_link	 side[2];	/* members, by side */
	struct tcpk__hub_link	 waiting;	/* to be read, in this order */
	struct tcpk__hub_link	 leaving;	/* to be told */
	struct tcpk_timer	 timer;		/* for these two; always set */
	size_t			 clients;
	size_t			 fit;		/* clients that have room */
	bool			 held;		/* ours has no room */
	bool			 finishing;
};

#define TCPK__HUB_EACH(l, head) \
	for ((l) = (head)->next; (l) != (head); (l) = (l)->next)

/* hub.c */

bool	tcpk__hub_is_empty(const struct tcpk__hub_link *head);
void	tcpk__hub_put_last(struct tcpk__hub_link *head,
	    struct tcpk__hub_link *);
void	tcpk__hub_take_out(struct tcpk__hub_link *);

/* Have the hub's timer look at those that wait or leave. */
void	tcpk__hub_wake(struct tcpk_hub *);

/* hub_member.c */

/* The one place where states change, and their names. */
void	tcpk__hub_set(struct tcpk_member *, enum tcpk__hub_state);
const char *tcpk__hub_state_name(enum tcpk__hub_state);

/* Something about it changed: want what it waits for now. */
void	tcpk__hub_update(struct tcpk_member *);

/* The same, and take the steps towards its end that are due. */
void	tcpk__hub_settle(struct tcpk_member *);

/* Read once, and tell it to those who hear; tcpk__hub_settle is to follow. */
void	tcpk__hub_listen_to(struct tcpk_member *, size_t most);

/* It is to be cut, for this reason; what it said is still told. */
void	tcpk__hub_cut(struct tcpk_member *, enum tcpk_err_kind,
	    const char *text);

/* Its stream failed: keep why, and read what may be left of a client. */
void	tcpk__hub_broke(struct tcpk_member *);

/* Of its stream and of its timer. */
void	tcpk__hub_on_ready(void *, unsigned ready);
void	tcpk__hub_on_timer(void *);

/* hub_queue.c */

/* Give it to the stream if nothing is before it, and queue the rest. */
void	tcpk__hub_hear(struct tcpk_member *, const void *, size_t n);

/* Queue only; tcpk__hub_update is the caller's. */
void	tcpk__hub_keep(struct tcpk_member *, const void *, size_t n);

/* Write what is queued, as far as that goes at once. */
void	tcpk__hub_flush(struct tcpk_member *);

/* Nothing of what is queued is wanted. */
void	tcpk__hub_forget(struct tcpk_member *);

/* It takes no more, and that is no error. */
void	tcpk__hub_gone(struct tcpk_member *);

/* Take the steps from LAST to DEAF for which the time has come. */
void	tcpk__hub_advance(struct tcpk_member *);

/* -1: no memory, or no room. */
int	tcpk__hub_queue_put(struct tcpk__hub_queue *, const void *, size_t n);

/* hub_lines.c */

/* The most that may be read of it now, so that ours has room for it. */
size_t	tcpk__hub_allowance(const struct tcpk_member *);

/* Tell ours the lines that these bytes end, and keep the rest. */
void	tcpk__hub_lines(struct tcpk_member *, const char *, size_t n);

/* The line that it has begun is its last. */
void	tcpk__hub_lines_end(struct tcpk_member *);

void	tcpk__hub_lines_forget(struct tcpk_member *);

#endif
