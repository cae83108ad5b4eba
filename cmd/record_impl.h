/*
 * record_impl: what the parts of the recorder share.
 *
 * An event is given to both formats with one time; each makes it into bytes
 * and writes them at once, whole lines or whole blocks: nothing waits in a
 * buffer for a flush that a killed process would not do, and what several
 * processes write to one file stays in one piece.
 */
#ifndef RECORD_IMPL_H
#define RECORD_IMPL_H

#include <stdbool.h>
#include <sys/uio.h>
#include <time.h>

#include "record.h"

#define RECORD_TEXT_SIZE	(64 * 1024)

struct record_file {
	const char	*option;	/* that asked for it; NULL: none did */
	char		*name;
	int		 fd;
	struct tcpk_err	 err;		/* after the first, nothing is done */
};

struct record {
	const struct msg *msg;
	struct record_file text, pcap;
	bool		 started;
	size_t		 ntext;		/* in buf */
	char		 hex[256][4];	/* "2e " and whatever */
	char		 shown[256];	/* '.' for what does not print */
	char		 buf[RECORD_TEXT_SIZE];
};

/* One direction, and its sender as packets have it. */
struct record_half {
	uint64_t	 bytes;
	bool		 ended;
	unsigned char	 ip[16];
	uint16_t	 port;
	uint32_t	 seq;		/* of what it sends next */
	uint32_t	 acked;		/* up to here, by the other */
};

struct record_conn {
	struct record	*record;
	uint64_t	 conn;
	int		 first;		/* direction of the side that began */
	bool		 ipv6;
	struct record_half half[2];
};

/* Write it all, or say why not and let the file be from then on. */
void	record_write(struct record *, struct record_file *, struct iovec *,
	    int n);

/* The connection as text. */
void	record_text_init(struct record *);
void	record_text_begin(struct record_conn *, const struct timespec *,
	    const struct tcpk_addr *local, const struct tcpk_addr *peer);
void	record_text_bytes(struct record_conn *, const struct timespec *,
	    int direction, const void *, size_t);
void	record_text_half(struct record_conn *, const struct timespec *,
	    int direction);
void	record_text_end(struct record_conn *, const struct timespec *,
	    bool cut);

/* The same as pcapng. */
void	record_pcap_init(struct record *);
void	record_pcap_begin(struct record_conn *, const struct timespec *,
	    const struct tcpk_addr *local, const struct tcpk_addr *peer);
void	record_pcap_bytes(struct record_conn *, const struct timespec *,
	    int direction, const void *, size_t);
void	record_pcap_half(struct record_conn *, const struct timespec *,
	    int direction);
void	record_pcap_end(struct record_conn *, const struct timespec *,
	    bool cut);

/*
 * The ends as IP can have them, made up where they are not IP; comment says
 * which connection this is and what the made-up ones stand for.
 */
#define RECORD_COMMENT	(2 * TCPK_ADDR_TEXT + 256)
void	record_ends(struct record_conn *, const struct tcpk_addr *local,
	    const struct tcpk_addr *peer, char comment[RECORD_COMMENT]);

/*
 * The headers of a segment that half[direction] sends, n bytes at data behind
 * them.  Returns their length.
 */
#define RECORD_HEADERS	(40 + 20 + 8)	/* IPv6, TCP, options of a SYN */
enum { RECORD_FIN = 1, RECORD_SYN = 2, RECORD_RST = 4, RECORD_ACK = 16 };
size_t	record_headers(const struct record_conn *, int direction,
	    unsigned flags, const void *data, size_t n,
	    unsigned char buf[RECORD_HEADERS]);

/* The most data of one segment. */
#define RECORD_SEGMENT	32768

#endif
