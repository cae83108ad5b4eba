/*
 * tls, private: the configuration (tls_config.c), its part in a handshake
 * (tls_role.c, tls_server.c: suites, keys, sessions), the handshake
 * (tls_handshake.c) and how it ended (tls_outcome.c), the records after it
 * (tls_record.c, tls_open.c, tls_seal.c), and what numbers mean (tls_words.c).
 */
#ifndef TLS_IMPL_H
#define TLS_IMPL_H

#include <bearssl.h>

#include "stream_impl.h"
#include "tcpkit/tls.h"
#include "tls_identity_impl.h"
#include "tls_trust_impl.h"

/* Alerts by their numbers, RFC 5246 section 7.2. */
#define TCPK__ALERT_CLOSE_NOTIFY	0
#define TCPK__ALERT_UNEXPECTED		10
#define TCPK__ALERT_BAD_MAC		20
#define TCPK__ALERT_OVERFLOW		22
#define TCPK__ALERT_HANDSHAKE		40
#define TCPK__ALERT_BAD_CERTIFICATE	42
#define TCPK__ALERT_DECODE		50
#define TCPK__ALERT_VERSION		70
#define TCPK__ALERT_INTERNAL		80
#define TCPK__ALERT_NO_RENEGOTIATION	100

/* Kinds of records, RFC 5246 section 6.2.1. */
#define TCPK__RECORD_CCS	20
#define TCPK__RECORD_ALERT	21
#define TCPK__RECORD_HANDSHAKE	22
#define TCPK__RECORD_DATA	23

/* What a client keeps of its last full handshake. */
struct tcpk__session {
	br_ssl_session_parameters params;
	struct tcpk_tls_cert	*cert;
	struct tcpk_err		 doubt;		/* with insecure */
	int64_t			 until;		/* seconds; 0: there is none */
};

/* Those of a server, in memory that its workers share (tls_server.c). */
struct tcpk__sessions;
struct tcpk__sessions *tcpk__sessions_new(void);
void	tcpk__sessions_free(struct tcpk__sessions *);

struct tcpk_tls_config {
	unsigned		  refs;
	bool			  server;
	bool			  allow_truncation;
	bool			  resume;
	char			  name[TCPK__HOST];	/* to verify */
	bool			  sni;			/* and to ask for */
	struct tcpk__anchors	 *anchors;
	unsigned char		(*pins)[TCPK__PIN];
	struct tcpk__trust	  trust;
	bool			  authenticate;	/* judge the peer's chain */
	struct tcpk__identity	**ids;
	size_t			  nids;
	char			 *alpn_text;
	const char		**alpn;
	size_t			  nalpn;
	br_x500_name		 *ca_names;
	struct tcpk__sessions	 *sessions;	/* of a server */
	struct tcpk__session	  session;	/* of a client */
	union {
		br_ssl_engine_context eng;	/* first in both */
		br_ssl_client_context client;
		br_ssl_server_context server;
	} template;
};

/* Go on with the sessions of another configuration, if both have some. */
void	tcpk__sessions_inherit(struct tcpk_tls_config *,
	    const struct tcpk_tls_config *from);

/* Fill the template from the rest; wipe the sessions. */
void	tcpk__role_template(struct tcpk_tls_config *);
void	tcpk__role_forget(struct tcpk_tls_config *);

/*
 * One connection's part: the engine, copied from the template, and what its
 * callbacks have chosen.  It must not move once it is set up.
 */
struct tcpk__role {
	const br_ssl_server_policy_class	*policy;
	const br_ssl_client_certificate_class	*auth;
	const br_ssl_session_cache_class	*cache;
	struct tcpk_tls_config			*config;
	const struct tcpk__identity		*id;	/* chosen to sign */
	bool					 asked;	/* for our certificate */
	bool					 resumed;	/* by a server */
	/* By a client: a session was offered, and whose it is. */
	bool					 offered;
	struct tcpk_tls_cert			 offered_cert;
	struct tcpk_err				 offered_doubt;
	union {
		br_ssl_engine_context eng;
		br_ssl_client_context client;
		br_ssl_server_context server;
	} ctx;
};

/* tls_server.c: the classes behind policy and cache. */
extern const br_ssl_server_policy_class		tcpk__policy_class;
extern const br_ssl_session_cache_class		tcpk__cache_class;

/*
 * The hash to sign with: the shortest of those in bits, where RSA's come
 * first and ECDSA's 8 bits behind, as BearSSL has it; 0 for none.
 */
unsigned tcpk__role_hash(const struct tcpk__identity *, uint32_t bits);

/* Sign the hash in data, in place; the signature's length, 0 on failure. */
size_t	tcpk__role_sign(const struct tcpk__identity *, unsigned hash_id,
	    unsigned char *data, size_t hash_len, size_t room);

/* -1: TCPK_EIO, TCPK_ETLS.  Buffers and the X.509 class come first. */
int	tcpk__role_start(struct tcpk__role *, struct tcpk_tls_config *,
	    struct tcpk_err *);

/* After a full handshake of a client: keep the session for the next. */
void	tcpk__role_keep_session(struct tcpk__role *,
	    const struct tcpk_tls_info *, const struct tcpk_err *doubt,
	    int64_t until);

void	tcpk__config_ref(struct tcpk_tls_config *);

/*
 * The stream over the records, once the handshake is done; takes inner and
 * the strings of info.  The record contexts are moved out of the engine,
 * which is of no use afterwards.  NULL: no memory, and nothing is taken.
 */
struct tcpk_stream *tcpk__record_stream(struct tcpk_loop *,
	    struct tcpk_stream *inner, struct tcpk_tls_config *,
	    br_ssl_engine_context *, struct tcpk_tls_info *);

/* Free what info owns (its strings, the certificate). */
void	tcpk__info_clear(struct tcpk_tls_info *);

/* "handshake_failure", or "alert 77". */
const char *tcpk__alert_word(unsigned alert, char buf[16]);

/* "ECDHE-RSA-AES128-GCM-SHA256". */
const char *tcpk__suite_name(unsigned suite);

/* Why a handshake failed, from BearSSL's code. */
struct tcpk__failure {
	int		 code;		/* BearSSL's, 0: the peer's end */
	bool		 server;	/* we are the server */
	bool		 asked;		/* a certificate was asked of us */
	bool		 has_identity;	/* and we had one */
	bool		 has_spoken;	/* we sent something */
	bool		 only_tls13;	/* the client offers nothing else */
	const char	*said;		/* what it said instead of TLS */
};
void	tcpk__failure_err(const struct tcpk__failure *, struct tcpk_err *);

/* The alert to send for BearSSL's code. */
unsigned tcpk__failure_alert(int code);

#endif
