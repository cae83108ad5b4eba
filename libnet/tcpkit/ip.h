/*
 * ip: an IP address as one number.
 *
 * IPv4 and IPv6 share the 128-bit space: an IPv4 address IS its mapped form
 * (::ffff:192.0.2.1), so that each address has one value however it was
 * written, and comparing two of them is comparing numbers.  Texts are given
 * by pointer and length, because lines of a log are not strings.
 *
 * Not here: ports, scopes, names and sockets; see addr.  Pure.
 */
#ifndef TCPKIT_IP_H
#define TCPKIT_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tcpkit/addr.h>

struct tcpk_ip {
	uint64_t	hi, lo;
};

/* Enough for every text that tcpk_ip_format writes, with the NUL. */
#define TCPK_IP_TEXT	46

static inline bool
tcpk_ip_is4(struct tcpk_ip a)
{
	return a.hi == 0 && a.lo >> 32 == 0xffff;
}

/* The IPv4 address of a number in host order. */
static inline struct tcpk_ip
tcpk_ip_from4(uint32_t n)
{
	return (struct tcpk_ip){ 0, UINT64_C(0xffff00000000) | n };
}

static inline bool
tcpk_ip_equal(struct tcpk_ip a, struct tcpk_ip b)
{
	return a.hi == b.hi && a.lo == b.lo;
}

static inline bool
tcpk_ip_less(struct tcpk_ip a, struct tcpk_ip b)
{
	return (a.hi < b.hi) | ((a.hi == b.hi) & (a.lo < b.lo));
}

/*
 * The IP address of a socket address; its scope and port are dropped.
 * Returns false when it has none (a Unix socket, no address).
 */
bool	tcpk_ip_from(struct tcpk_ip *, const struct tcpk_addr *);

/* The socket address of an IP address; the scope as the kernel counts them. */
void	tcpk_ip_to(struct tcpk_ip, uint32_t scope, uint16_t port,
	    struct tcpk_addr *);

/*
 * Parse a whole text: IPv4 as four decimal octets without leading zeros, or
 * IPv6 as in RFC 4291.  No scope, no brackets, no blanks.  Returns false
 * when it is not such an address; *bad (unless NULL) is then the offset of
 * the byte that cannot be part of one, or len when more was expected.
 */
bool	tcpk_ip_parse(struct tcpk_ip *, const char *text, size_t len,
	    size_t *bad);

/*
 * The length of the address that the text starts with, and the address; 0
 * when it starts with none.  What follows the address is for the caller to
 * judge: a digit never does, and after IPv6 neither does a hexadecimal
 * digit, ':' or '.'.
 */
size_t	tcpk_ip_scan(struct tcpk_ip *, const char *text, size_t len);

/*
 * The same for n texts at once, IPv4 only, several times as fast: ip[i], in
 * host order, and len[i] are of text[i]; len[i] is 0, and ip[i] is nothing,
 * when that starts with anything else.  TCPK_IP_SCAN4 bytes must be there to
 * be read at each text, whatever they are: an address that ends behind its
 * text is for the caller to refuse.
 */
#define TCPK_IP_SCAN4	16
void	tcpk_ip_scan4_many(uint32_t *, uint8_t *len,
	    const char *const *text, size_t n);

/* Write it, IPv4 as four octets, IPv6 as in RFC 5952.  Returns buf. */
const char *tcpk_ip_format(struct tcpk_ip, char buf[TCPK_IP_TEXT]);

#endif
