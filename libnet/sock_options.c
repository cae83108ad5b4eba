/* The kernel's socket options, by table. */

#include <sys/socket.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <string.h>

#include "sock_impl.h"

/* A name the platform lacks becomes NONE, and using it a usage error. */
#define NONE	-1

#ifndef TCP_KEEPIDLE
#ifdef TCP_KEEPALIVE
#define TCP_KEEPIDLE	TCP_KEEPALIVE
#else
#define TCP_KEEPIDLE	NONE
#endif
#endif
#ifndef TCP_KEEPINTVL
#define TCP_KEEPINTVL	NONE
#endif
#ifndef TCP_KEEPCNT
#define TCP_KEEPCNT	NONE
#endif
#ifndef TCP_USER_TIMEOUT
#define TCP_USER_TIMEOUT NONE
#endif
#ifndef SO_BINDTODEVICE
#define SO_BINDTODEVICE	NONE
#endif
#ifndef IPV6_TCLASS
#define IPV6_TCLASS	NONE
#endif

/* Probes go unanswered this often before the connection is given up. */
#define KEEPALIVE_PROBES	6

static int
set_int(int fd, int level, int name, int value, const char *what,
    struct tcpk_err *err)
{
	if (name == NONE)
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "option %s: this system does not have it", what);
	if (setsockopt(fd, level, name, &value, sizeof(value)) == -1)
		return tcpk_err_errno(err, TCPK_EUSAGE, errno, "option %s",
		    what);
	return 0;
}

/*
 * Probing interval: short time-outs probe each second, the default each
 * ten, so that a dead peer is known after about twice the idle time.
 */
static int
set_keepalive(int fd, uint64_t idle, struct tcpk_err *err)
{
	int	seconds, interval;

	seconds = (int)((idle + TCPK_SECOND - 1) / TCPK_SECOND);
	interval = seconds / KEEPALIVE_PROBES;
	if (set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1, "keepalive", err) == -1)
		return -1;
	if (TCP_KEEPIDLE != NONE && set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE,
	    seconds, "keepalive", err) == -1)
		return -1;
	if (TCP_KEEPINTVL != NONE && set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL,
	    interval > 0 ? interval : 1, "keepalive", err) == -1)
		return -1;
	if (TCP_KEEPCNT != NONE && set_int(fd, IPPROTO_TCP, TCP_KEEPCNT,
	    KEEPALIVE_PROBES, "keepalive", err) == -1)
		return -1;
	return 0;
}

static int
set_interface(int fd, const char *name, struct tcpk_err *err)
{
	if (SO_BINDTODEVICE == NONE)
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "option interface: this system does not have it");
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name,
	    strlen(name) + 1) == -1)
		return tcpk_err_errno(err, TCPK_EUSAGE, errno,
		    "option interface: %.32s", name);
	return 0;
}

/* An IPv6 socket may carry IPv4 as well: it is told both ways. */
static int
set_ip(int fd, int family, int name4, int name6, int value, const char *what,
    struct tcpk_err *err)
{
	if (family == AF_INET6) {
		setsockopt(fd, IPPROTO_IP, name4, &value, sizeof(value));
		return set_int(fd, IPPROTO_IPV6, name6, value, what, err);
	}
	return set_int(fd, IPPROTO_IP, name4, value, what, err);
}

static int
set_tcp(int fd, const struct tcpk_options *o, enum tcpk_role role,
    struct tcpk_err *err)
{
	if (o->fastopen && tcpk__sock_fastopen(fd, role, err) == -1)
		return -1;
	if (o->keepalive != 0 && set_keepalive(fd, o->keepalive, err) == -1)
		return -1;
	if (o->nodelay && set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1, "nodelay",
	    err) == -1)
		return -1;
	if (o->user_timeout != 0 && set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT,
	    (int)(o->user_timeout / TCPK_MS), "user-timeout", err) == -1)
		return -1;
	return 0;
}

static int
set_options(int fd, int family, int type, const struct tcpk_options *o,
    enum tcpk_role role, struct tcpk_err *err)
{
	if (o->interface != NULL && set_interface(fd, o->interface, err) == -1)
		return -1;
	if (type == SOCK_STREAM && set_tcp(fd, o, role, err) == -1)
		return -1;
	if (o->rcvbuf != 0 && set_int(fd, SOL_SOCKET, SO_RCVBUF,
	    (int)o->rcvbuf, "rcvbuf", err) == -1)
		return -1;
	if (o->sndbuf != 0 && set_int(fd, SOL_SOCKET, SO_SNDBUF,
	    (int)o->sndbuf, "sndbuf", err) == -1)
		return -1;
	if (o->dscp != TCPK_UNSET && set_ip(fd, family, IP_TOS, IPV6_TCLASS,
	    (int)o->dscp << 2, "dscp", err) == -1)
		return -1;
	if (o->ttl != TCPK_UNSET && set_ip(fd, family, IP_TTL,
	    IPV6_UNICAST_HOPS, (int)o->ttl, "ttl", err) == -1)
		return -1;
	return 0;
}

/* Multipath TCP knows fewer of them than TCP; which ones, the kernel says. */
int
tcpk__sock_set_options(int fd, int family, int type,
    const struct tcpk_options *o, enum tcpk_role role, struct tcpk_err *err)
{
	if (family == AF_UNIX)
		return 0;
	if (set_options(fd, family, type, o, role, err) == 0)
		return 0;
	return o->mptcp && type == SOCK_STREAM ?
	    tcpk_err_wrap(err, "with mptcp") : -1;
}
