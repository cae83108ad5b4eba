/*
 * addr: a numeric socket address as a value, parsed and printed in one way.
 *
 * An IPv4-mapped IPv6 address (::ffff:192.0.2.1) IS the IPv4 address: it is
 * turned into one when parsed and when taken from the kernel, so that no two
 * parts of a program can disagree about it.
 *
 * Pure: no descriptors, no clock, no name look-up.  (Scope names such as the
 * eth0 of fe80::1%eth0 are asked of the kernel, by if_nametoindex.)
 */
#ifndef TCPKIT_ADDR_H
#define TCPKIT_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <tcpkit/err.h>

/* Enough for every text that tcpk_addr_format writes, with the NUL. */
#define TCPK_ADDR_TEXT	(4 * sizeof(((struct sockaddr_un *)0)->sun_path) + 16)

struct tcpk_addr {
	socklen_t	len;	/* 0: no address */
	union {
		struct sockaddr		sa;
		struct sockaddr_in	in;
		struct sockaddr_in6	in6;
		struct sockaddr_un	un;
	}		u;
};

/*
 * Parse a numeric IPv4 or IPv6 address without brackets.  IPv4 is four
 * decimal octets without leading zeros and nothing else (RFC 6943 section
 * 3.1.1: the other notations mean different things to different programs);
 * IPv6 is RFC 4291 text, with an optional %scope (RFC 4007).
 * Returns 0, or -1 when text is not such an address (err: TCPK_EUSAGE).
 */
int	tcpk_addr_parse(struct tcpk_addr *, const char *text, uint16_t port,
	    struct tcpk_err *);

/*
 * True when the text can only have been meant as an IPv4 address: its last
 * label is all digits, or 0x and hexadecimal digits (the rule of the WHATWG
 * URL standard).  Such a text is either accepted by tcpk_addr_parse or wrong;
 * it is never a name.
 */
bool	tcpk_addr_looks_ipv4(const char *text);

/*
 * A Unix socket address; a name that starts with '@' is in Linux's abstract
 * space.  Returns -1 when it is empty or longer than the system allows.
 */
int	tcpk_addr_unix(struct tcpk_addr *, const char *name,
	    struct tcpk_err *);

/*
 * Take over what the kernel reported.  len is the length that the kernel
 * gave; more than the structure holds is cut.  Mapped IPv4 becomes IPv4.
 */
void	tcpk_addr_from(struct tcpk_addr *, const struct sockaddr *,
	    socklen_t len);

/* The address of one end of a socket.  -1 with errno where it has none. */
int	tcpk_addr_local(struct tcpk_addr *, int fd);
int	tcpk_addr_peer(struct tcpk_addr *, int fd);

/* AF_INET, AF_INET6, AF_UNIX, or AF_UNSPEC for no address. */
int	tcpk_addr_family(const struct tcpk_addr *);

/* The port, in host order; 0 where there is none. */
uint16_t tcpk_addr_port(const struct tcpk_addr *);
void	tcpk_addr_set_port(struct tcpk_addr *, uint16_t port);

/* The wildcard address of a family (AF_INET or AF_INET6). */
void	tcpk_addr_any(struct tcpk_addr *, int family, uint16_t port);

/* True for 0.0.0.0, :: and no address. */
bool	tcpk_addr_is_any(const struct tcpk_addr *);

/* True for 127.0.0.0/8 and ::1: RFC 6890, section 2.2.2, and RFC 4291. */
bool	tcpk_addr_is_loopback(const struct tcpk_addr *);

/* Not a Unix socket without a name, as most clients have. */
bool	tcpk_addr_is_named(const struct tcpk_addr *);

/* The path of a Unix socket as it is, '@' before an abstract name; "". */
const char *tcpk_addr_path(const struct tcpk_addr *, char *buf, size_t size);

/* The same family, address, scope and port? */
bool	tcpk_addr_equal(const struct tcpk_addr *, const struct tcpk_addr *);

/*
 * Write the address as tcpkit shows it everywhere: 192.0.2.1:80,
 * [2001:db8::1]:80, [fe80::1%eth0]:80, unix:/path, unix:@name; bytes of a
 * path that do not print are written as \xNN.  Returns buf.
 */
const char *tcpk_addr_format(const struct tcpk_addr *, char *buf, size_t size);

/* The address alone: no port, no brackets, no "unix:". */
const char *tcpk_addr_format_host(const struct tcpk_addr *, char *buf,
	    size_t size);

#endif
