/*
 * err: why something failed, as a value.
 *
 * An error lives on the caller's stack or inside the object that failed;
 * there is no global error.  Every function of the library that can fail
 * takes a struct tcpk_err * last, which may be NULL, and fills it exactly
 * when it returns -1 or NULL.  The text is "what: why", without the name of
 * the tool and without a full stop.  It may quote what a user or a peer
 * wrote: escape it before it is shown.
 *
 * Not here: printing, and what exit status a kind becomes (cmd/msg).
 */
#ifndef TCPKIT_ERR_H
#define TCPKIT_ERR_H

#include <stdarg.h>
#include <stddef.h>

enum tcpk_err_kind {
	TCPK_OK,
	TCPK_EUSAGE,	/* what the caller or user asked for makes no sense */
	TCPK_ECONNECT,	/* could not connect or listen */
	TCPK_ENAME,	/* the name was not found, or could not be looked up */
	TCPK_ETIMEOUT,	/* a time limit passed */
	TCPK_ETLS,	/* TLS would not trust or agree */
	TCPK_ECUT,	/* the peer's stream was cut short: reset, truncated */
	TCPK_EIO,	/* local input or output, or a local resource */
	TCPK_EPROGRAM	/* a program that was run failed */
};

struct tcpk_err {
	int	kind;		/* enum tcpk_err_kind */
	int	code;		/* an errno value where there is one, else 0 */
	char	text[256];	/* cut with "..." where it would not fit */
};

/* Back to TCPK_OK and no text. */
void	tcpk_err_clear(struct tcpk_err *);

/* Set all three; the text is printf-like.  Always returns -1. */
int	tcpk_err_set(struct tcpk_err *, enum tcpk_err_kind, const char *fmt,
	    ...) __attribute__((format(printf, 3, 4)));

/* As tcpk_err_set, with code, a colon and the system's word for it added. */
int	tcpk_err_errno(struct tcpk_err *, enum tcpk_err_kind, int code,
	    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Puts "what: " before a text that is there.  Always returns -1. */
int	tcpk_err_wrap(struct tcpk_err *, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));

/* The kind as one stable lower-case word, for machines: "timeout". */
const char *tcpk_err_word(enum tcpk_err_kind);

#endif
