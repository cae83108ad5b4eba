/*
 * verify: the messages that the client sends, and what has become of them
 * when they come back.
 *
 * A numbered message begins with a header of 16 bytes: a tag of this
 * connection, the message's number, and a check of both; a pattern that
 * follows from them fills the rest, so no two bytes that could be mistaken
 * for each other are alike for long.  A text is sent as it is: then all
 * messages look the same, and what was lost or doubled is seen by the amount
 * only.
 *
 * Pure, and of fixed size: messages are made again to compare with them.
 */
#ifndef TCPECHO_VERIFY_H
#define TCPECHO_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VERIFY_HEADER	16

/* Messages that were passed over and may come late. */
#define VERIFY_MISSING	32

/* What all messages of a connection have in common. */
struct verify_form {
	uint64_t	 size;		/* of each */
	const char	*text;		/* NULL: numbered */
	uint64_t	 key;		/* of a connection, nobody else's */
};

/* n bytes of message seq, from offset off. */
void	verify_make(const struct verify_form *, uint64_t seq, uint64_t off,
	    unsigned char *buf, size_t n);

enum verify_outcome {
	VERIFY_ECHOED,		/* as it was sent, and in its turn */
	VERIFY_CORRUPT,		/* in its turn, not as it was sent */
	VERIFY_LOST,		/* n of them, from seq: later ones came */
	VERIFY_LATE,		/* one of those came after all: reordered */
	VERIFY_DUPLICATE,	/* it had come already */
	VERIFY_STRAY		/* n bytes that belong to no message */
};

struct verify_event {
	enum verify_outcome outcome;
	uint64_t	 seq, n;
	uint64_t	 wrong_at;	/* CORRUPT: offset of the first byte */
};

struct verify {
	struct verify_form form;
	void		(*fn)(void *arg, const struct verify_event *);
	void		 *arg;
	uint64_t	  expect;	/* the next that should come */
	uint64_t	  limit;	/* the first that was not begun */
	/* private */
	int		  state;
	bool		  known;	/* which message this is: */
	uint64_t	  current, first;
	uint64_t	  off;		/* bytes of it so far */
	uint64_t	  wrong_at;
	unsigned char	  window[VERIFY_HEADER];	/* the last bytes */
	size_t		  filled;
	uint64_t	  missing[VERIFY_MISSING];	/* number + 1 */
	size_t		  nmissing;	/* ever */
};

/* The first message of this connection is number first. */
void	verify_init(struct verify *, const struct verify_form *,
	    uint64_t first, void (*fn)(void *, const struct verify_event *),
	    void *arg);

/*
 * Bytes that came back; tells fn.  Keep limit up to date before.  Outcomes
 * are told in the order of the bytes; expect is past what was told of.
 */
void	verify_feed(struct verify *, const unsigned char *, size_t n);

/*
 * No more will come.  What came in part was damaged, or stays expected; with
 * nothing expected it is stray.
 */
void	verify_end(struct verify *);

#endif
