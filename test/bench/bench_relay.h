/* bench_relay, private: what its modes share. */
#ifndef BENCH_RELAY_H
#define BENCH_RELAY_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <sys/epoll.h>
#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

/* A period that no power of two divides, so that a lost page shows. */
#define BENCH_PERIOD	262139
#define BENCH_PIECE	131072
#define BENCH_EVENTS	256

extern unsigned char	bench_pattern[BENCH_PERIOD + BENCH_PIECE];
extern unsigned char	bench_buf[BENCH_PIECE];

/* These leave when they fail. */
void	bench_die(const char *what) __attribute__((noreturn));
int	bench_dial(const char *port);
int	bench_listen(const char *port);
int	bench_take(int listener);
void	bench_watch(int ep, int fd, uint32_t events, void *);
int	bench_look(int ep, struct epoll_event *);
void	*bench_allocate(size_t n, size_t size);

/* A process for the other end, which is not left behind for long. */
pid_t	bench_other(void);

uint64_t bench_now(void);	/* ns */
double	bench_cpu(void);	/* seconds, with those of children */

/* The modes: a status to leave with. */
int	bench_bulk(const char *relay, const char *target, int n,
	    uint64_t bytes, bool copy);
int	bench_rate(const char *relay, const char *target, int n,
	    double seconds);

#endif
