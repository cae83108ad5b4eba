/* stream, private: what a kind of stream provides. */
#ifndef STREAM_IMPL_H
#define STREAM_IMPL_H

#include "tcpkit/stream.h"

struct tcpk__stream_ops {
	ssize_t	(*read)(struct tcpk_stream *, void *, size_t);
	ssize_t	(*write)(struct tcpk_stream *, const void *, size_t);
	int	(*finish)(struct tcpk_stream *);
	int	(*drained)(struct tcpk_stream *, uint64_t *);
	void	(*want)(struct tcpk_stream *, unsigned);
	int	(*hup)(struct tcpk_stream *);
	void	(*reset)(struct tcpk_stream *);
	void	(*free)(struct tcpk_stream *);
	bool	(*fds)(const struct tcpk_stream *, int *, int *);
	/* The stream below this one; NULL where there is none. */
	const struct tcpk_stream *(*inner)(const struct tcpk_stream *);
	bool	lingers;
	bool	couples;	/* see tcpk_stream_couples */
	bool	whole;		/* see tcpk_stream_whole */
	bool	wraps;		/* these three are as in the one below */
	/* NULL: it never does.  See tcpk_stream_holds, tcpk_stream_let_go. */
	uint64_t (*holds)(const struct tcpk_stream *);
	bool	(*let_go)(struct tcpk_stream *);
	/* NULL: as write. */
	ssize_t	(*write_last)(struct tcpk_stream *, const void *, size_t);
	/* NULL: it takes what is written only.  See tcpk_stream_room. */
	int	(*room)(struct tcpk_stream *, void **, size_t *);
	int	(*commit)(struct tcpk_stream *, size_t);
};

/* The first member of every stream. */
struct tcpk_stream {
	const struct tcpk__stream_ops *ops;
	void		(*fn)(void *, unsigned);
	void		 *arg;
	struct tcpk_err	 *err;		/* allocated when it fails */
};

/* Note an error with errno (code 0: none) and return -1. */
int	tcpk__stream_fail(struct tcpk_stream *, enum tcpk_err_kind, int code,
	    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* The same with an error from elsewhere. */
int	tcpk__stream_fail_as(struct tcpk_stream *, const struct tcpk_err *);

/* Call the owner. */
void	tcpk__stream_ready(struct tcpk_stream *, unsigned ready);

/*
 * A stream that changes one thing about the one below it, and passes on all
 * else: stream_wrap.c.  It begins with this.
 */
struct tcpk__wrap {
	struct tcpk_stream  s;
	struct tcpk_stream *inner;	/* ours */
};

/* Take inner; ready is what calls the owner, NULL for the inner's word. */
void	tcpk__wrap_init(struct tcpk__wrap *, const struct tcpk__stream_ops *,
	    struct tcpk_stream *inner, void (*ready)(void *wrap, unsigned));

/* The verbs, passed on, with the inner's error when they fail. */
ssize_t	tcpk__wrap_read(struct tcpk_stream *, void *, size_t);
ssize_t	tcpk__wrap_write(struct tcpk_stream *, const void *, size_t);
int	tcpk__wrap_finish(struct tcpk_stream *);
int	tcpk__wrap_drained(struct tcpk_stream *, uint64_t *);
void	tcpk__wrap_want(struct tcpk_stream *, unsigned);
int	tcpk__wrap_hup(struct tcpk_stream *);
void	tcpk__wrap_reset(struct tcpk_stream *);
void	tcpk__wrap_free(struct tcpk_stream *);
/* Not passed on: what passes here is to be seen. */
bool	tcpk__wrap_fds(const struct tcpk_stream *, int *, int *);
const struct tcpk_stream *tcpk__wrap_inner(const struct tcpk_stream *);

/* Two descriptors as one stream: stream_pair.c. */
enum tcpk__how {
	TCPK__SOCKET,	/* recv and send, which can be told not to wait */
	TCPK__NOWAIT,	/* a pipe or terminal shared with others */
	TCPK__OWN	/* ours and non-blocking, or never waits (a file) */
};

struct tcpk__end {
	struct tcpk_watch watch;
	enum tcpk__how	  how;
	bool		  tty;
	int		  own;		/* descriptor to close, or -1 */
};

struct tcpk__pair {
	struct tcpk_stream s;
	struct tcpk__end   r, w;
	enum tcpk_err_kind kind;	/* of its errors */
};

void	tcpk__pair_init(struct tcpk__pair *, struct tcpk_loop *,
	    const struct tcpk__stream_ops *, enum tcpk_err_kind);
void	tcpk__pair_stop(struct tcpk__pair *);
ssize_t	tcpk__pair_read(struct tcpk_stream *, void *, size_t);
ssize_t	tcpk__pair_write(struct tcpk_stream *, const void *, size_t);
void	tcpk__pair_want(struct tcpk_stream *, unsigned);
bool	tcpk__pair_fds(const struct tcpk_stream *, int *, int *);

/*
 * Read or write without waiting on a descriptor whose flags are not ours to
 * set: n, or -1 with errno EAGAIN and the others.  nowait_linux.c asks the
 * kernel not to wait and falls back to the _portable ones, which poll first
 * and write no more than a pipe promises to take (nowait_poll.c).
 */
ssize_t	tcpk__nowait_read(int fd, void *, size_t);
ssize_t	tcpk__nowait_write(int fd, const void *, size_t);
ssize_t	tcpk__nowait_read_portable(int fd, void *, size_t);
ssize_t	tcpk__nowait_write_portable(int fd, const void *, size_t);

#endif
