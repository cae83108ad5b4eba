/*
 * tls_derwrite, private: writing DER, from front to back.  An element that
 * has others in it is opened, filled and closed: its header is put before
 * what was written meanwhile.
 *
 * Errors stick: what would not fit is not written, everything after that is
 * ignored, and full says so at the end.
 */
#ifndef TLS_DERWRITE_IMPL_H
#define TLS_DERWRITE_IMPL_H

#include "tls_der_impl.h"

struct tcpk__derw {
	unsigned char	*buf;
	size_t		 size;
	size_t		 n;		/* written so far */
	bool		 full;
};

/* Bytes as they are. */
void	tcpk__derw_raw(struct tcpk__derw *, const void *, size_t n);

/* One element with these contents. */
void	tcpk__derw_put(struct tcpk__derw *, unsigned tag, const void *,
	    size_t n);

/* open returns what close is to be given. */
size_t	tcpk__derw_open(const struct tcpk__derw *);
void	tcpk__derw_close(struct tcpk__derw *, size_t opened, unsigned tag);

/* A date as certificates have it: UTCTime until 2049, or GeneralizedTime. */
void	tcpk__derw_time(struct tcpk__derw *, int64_t seconds);

#endif
