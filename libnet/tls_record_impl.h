/*
 * tls_record, private: the stream (tls_record.c), its reading (tls_open.c) and
 * its writing (tls_seal.c).
 */
#ifndef TLS_RECORD_IMPL_H
#define TLS_RECORD_IMPL_H

#include "tls_impl.h"

#define TCPK__TLS_HEADER	5
#define TCPK__TLS_VERSION	0x0303		/* TLS 1.2 */
#define TCPK__TLS_MAX_PLAIN	16384
#define TCPK__TLS_TAG		16	/* what our suites put behind it */

/* What has come of the peer's direction. */
enum tcpk__tls_end { TCPK__OPEN, TCPK__ENDED, TCPK__FAILED };

struct tcpk__tls {
	struct tcpk_stream	 s;
	struct tcpk_stream	*inner;
	struct tcpk_loop	*loop;
	struct tcpk_tls_config	*config;
	struct tcpk_tls_info	 info;
	struct tcpk_timer	 held;		/* plaintext waits to be read */
	const br_sslrec_in_class **in;
	const br_sslrec_out_class **out;
	size_t			 in_size, out_size;
	unsigned char		*spill;		/* part of a record */
	unsigned char		*plain;		/* decrypted, not yet read */
	unsigned char		*buf;		/* sealed, not yet written */
	uint64_t		 moved_at;	/* when of buf a byte last was */
	uint32_t		 spill_len, plain_off, plain_len, off, len;
	uint16_t		 prefix;	/* before a record's plaintext */
	uint16_t		 max_plain;	/* in one: what the peer takes */
	uint16_t		 empty, warnings;
	unsigned char		 want, end;
	bool			 close_sent, close_seen, write_failed, cut;
	unsigned char		 contexts[];
};

/* Keep the inner stream's error as our own; -1. */
int	tcpk__tls_take_error(struct tcpk__tls *);

/* --- tls_seal.c ---------------------------------------------------------- */

ssize_t	tcpk__tls_write(struct tcpk_stream *, const void *, size_t);
int	tcpk__tls_room(struct tcpk_stream *, void **, size_t *);
int	tcpk__tls_commit(struct tcpk_stream *, size_t);

/* Write what is sealed.  0 all is written, TCPK_AGAIN, -1. */
int	tcpk__tls_flush(struct tcpk__tls *);

/* Seal one alert, if it finds room behind what is sealed already. */
bool	tcpk__tls_alert(struct tcpk__tls *, unsigned level, unsigned alert);

/*
 * A peer need not wait for our close_notify before it closes (RFC 5246,
 * section 7.2.1), and resets us then: when nothing but that is missing, all
 * that we sent has arrived.  Whether all that the peer sent came is for the
 * reading side to tell.
 */
bool	tcpk__tls_only_close(struct tcpk__tls *);

/* --- tls_record.c -------------------------------------------------------- */

/* Is there something to read although the inner stream has nothing? */
bool	tcpk__tls_has_held(const struct tcpk__tls *);

/* Want of the inner stream what our owner and what is sealed needs. */
void	tcpk__tls_set_want(struct tcpk__tls *);

ssize_t	tcpk__tls_read(struct tcpk_stream *, void *, size_t);

#endif
