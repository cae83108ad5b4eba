/* bench_load, private: what its modes share. */
#ifndef LOAD_H
#define LOAD_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <sys/epoll.h>
#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whole lines of the cache, but no whole pages, so that a lost one shows. */
#define LOAD_PERIOD	262080
#define LOAD_PIECE	131072	/* as cat writes and reads */
#define LOAD_MESSAGE	64
#define LOAD_EVENTS	256

extern unsigned char	load_pattern[LOAD_PERIOD + LOAD_PIECE];
extern unsigned char	load_buf[LOAD_PIECE];

/* These leave, with status 1, when they fail. */
void	load_die(const char *what) __attribute__((noreturn));
void	load_wrong(const char *what) __attribute__((noreturn));
int	load_dial(const char *port, bool bulk);
int	load_take(int listener);
void	load_watch(int ep, int fd, uint32_t events, void *);
int	load_look(int ep, struct epoll_event *);
void	*load_allocate(size_t n, size_t size);

/* Are these n bytes what the stream has at this place? */
bool	load_same(const unsigned char *, size_t n, uint64_t at);

/* The pattern as a file; from it, or with -1 from memory, to a socket. */
int	load_file(void);
ssize_t	load_put(int fd, int file, uint64_t at, size_t n);

/* A process for the other end, which is not left behind for long. */
pid_t	load_other(void);

uint64_t load_now(void);	/* ns */
uint64_t load_until(const char *seconds);
uint64_t load_random(void);	/* the same ones each time */

/* Times in ns, the latest million of them, and what they come to. */
void	load_note(uint64_t took);
uint64_t load_noted(void);
double	load_us_of(unsigned percent);

/* The modes, with what follows their names: a status to leave with. */
int	load_feed(char **);
int	load_sink(char **);
int	load_lines(char **);
int	load_messages(char **);
int	load_echo(char **);
int	load_bulk(char **);
int	load_rate(char **);
int	load_ping(char **);
int	load_hold(char **);

#endif
