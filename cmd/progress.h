/*
 * progress: one line on standard error that says how far it is, drawn again
 * a few times a second: bytes, rate, time, and where the size is known, how
 * much of it and the time left.  Only on a terminal; else it is silent.
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdint.h>

#include <tcpkit/loop.h>

#include "msg.h"

struct progress;

/*
 * Begin.  count is called from the loop for the bytes so far (sent,
 * received).  total is what is to come in the direction total_of, 0 if it is
 * not known.  From now on messages of m make room for the line.  NULL when
 * there is nothing to draw on, or no memory: then there is no line, and all
 * other functions take NULL.
 */
struct progress *progress_start(struct tcpk_loop *, struct msg *m,
	    void (*count)(void *arg, uint64_t bytes[2]), void *arg,
	    uint64_t total, int total_of);

/*
 * What is received goes to standard output.  If that is the same terminal,
 * the payload has it from its first byte on; the last line comes after it.
 */
void	progress_beside_output(struct progress *);

/* The terminal has another size (SIGWINCH). */
void	progress_resized(struct progress *);

/* Draw it for the last time, go on to the next line, and free it. */
void	progress_end(struct progress *);

#endif
