/* progress, private: what the line says, which needs no terminal. */
#ifndef PROGRESS_IMPL_H
#define PROGRESS_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How often it is drawn; the rate is that of the last five seconds. */
#define PROGRESS_TICK		(250 * TCPK_MS)
#define PROGRESS_SAMPLES	20

/* The longest line, and the NUL; wider terminals are not filled. */
#define PROGRESS_LINE		512

/* The first of each is what was sent, the second what was received. */
struct progress_state {
	uint64_t	bytes[2], rate[2];	/* a second */
	uint64_t	elapsed;		/* ns */
	uint64_t	total;			/* 0 not known */
	int		total_of;
	bool		over;			/* nothing more comes */
};

/*
 * The line, in not more than width columns: the more important parts where
 * not all find room, and a bar in what is left.  Returns its length.
 */
size_t	progress_line(char line[PROGRESS_LINE], size_t width,
	    const struct progress_state *);

/* Zero is empty. */
struct progress_window {
	struct {
		uint64_t	at, bytes[2];
	}		sample[PROGRESS_SAMPLES];
	uint64_t	n;
};

/* Now (ns) it is s->bytes: the rates in s become those of the window. */
void	progress_sample(struct progress_window *, uint64_t now,
	    struct progress_state *s);

/* The rates in s become those of all the time. */
void	progress_average(struct progress_state *s);

#endif
