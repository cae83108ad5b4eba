/* sock: sockets with their options, for both roles. */

#include <sys/socket.h>
#include <sys/stat.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>

#include "help.h"
#include "sock_impl.h"

/* Told by the Makefile. */
#ifndef PACED
#define PACED	false
#endif

static struct tcpk_err	err;

/* The options of an address, for connecting or listening. */
static const struct tcpk_options *
options(struct tcpk_endpoint *ep, const char *text, enum tcpk_role role)
{
	if (tcpk_endpoint_parse(ep, text, role, &err) == -1) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
	return &ep->o;
}

static struct tcpk_addr
addr(const char *text, uint16_t port)
{
	struct tcpk_addr	a;

	if (tcpk_addr_parse(&a, text, port, &err) == -1) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
	return a;
}

static int
get(int fd, int level, int name)
{
	socklen_t	len = sizeof(int);
	int		value = -1;

	getsockopt(fd, level, name, &value, &len);
	return value;
}

static bool
flags_right(int fd)
{
	return (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0 &&
	    (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0;
}

/* Wait until a connection is made or refused; its error. */
static int
finish(int fd)
{
	struct pollfd	p = { .fd = fd, .events = POLLOUT };

	poll(&p, 1, 20000);
	return tcpk_sock_connected(fd,
	    (p.revents & (POLLERR | POLLHUP)) != 0);
}

static int
listen_on(const char *host, const char *text, struct tcpk_addr *a)
{
	struct tcpk_endpoint	ep;
	int			fd;

	*a = addr(host, 0);
	fd = tcpk_sock_listen(a, options(&ep, text, TCPK_LISTEN), &err);
	tcpk_endpoint_free(&ep);
	if (fd != -1)
		tcpk_addr_local(a, fd);
	return fd;
}

static int
connect_to(const struct tcpk_addr *a, const char *text, bool *done)
{
	struct tcpk_endpoint	ep;
	int			fd;

	fd = tcpk_sock_connect(a, options(&ep, text, TCPK_CONNECT), done,
	    &err);
	tcpk_endpoint_free(&ep);
	return fd;
}

static void
test_connect(const char *host)
{
	struct tcpk_addr a, b, peer;
	bool		 done;
	int		 l, c, s;

	l = listen_on(host, "0", &a);
	ok(l != -1 && tcpk_addr_port(&a) != 0 && flags_right(l),
	    "%s: listening on a port", host);
	ok(get(l, SOL_SOCKET, SO_REUSEADDR) != 0, "%s: SO_REUSEADDR", host);
	ok(tcpk_sock_accept(l, NULL) == -1 &&
	    (errno == EAGAIN || errno == EWOULDBLOCK), "%s: nobody yet",
	    host);
	c = connect_to(&a, "h:1", &done);
	ok(c != -1 && flags_right(c) && finish(c) == 0, "%s: connected",
	    host);
	ok(get(c, SOL_SOCKET, SO_KEEPALIVE) != 0, "%s: keepalive by default",
	    host);
	s = tcpk_sock_accept(l, &peer);
	ok(s != -1 && flags_right(s) && tcpk_addr_local(&b, c) == 0 &&
	    tcpk_addr_equal(&b, &peer), "%s: accepted, with its peer", host);
	close(s);
	close(c);
	ok(listen_on(host, "0", &b) != -1 && b.len != 0, "%s: another", host);
	b = a;
	s = tcpk_sock_listen(&b, &(struct tcpk_options){ .dscp = TCPK_UNSET,
	    .ttl = TCPK_UNSET, .mode = TCPK_UNSET }, &err);
	ok(s == -1 && err.kind == TCPK_ECONNECT && err.code == EADDRINUSE &&
	    strstr(err.text, host) != NULL, "%s: %s", host, err.text);
	close(l);
	c = connect_to(&a, "h:1", &done);
	ok(c == -1 ? err.code == ECONNREFUSED && err.kind == TCPK_ECONNECT :
	    finish(c) == ECONNREFUSED, "%s: refused", host);
	if (c != -1)
		close(c);
}

#ifdef TCP_CONGESTION
/* Does a socket have this congestion control? */
static bool
controlled_by(int fd, const char *name)
{
	char		is[32] = "";
	socklen_t	len = sizeof(is) - 1;

	getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, is, &len);
	if (strcmp(is, name) == 0)
		return true;
	note("%s, not %s", is, name);
	return false;
}

static void
test_pacing(void)
{
	static const char *const names[] = { "bbr", "cubic", "reno" };
	const char	*name;
	char		 usual[32] = "";
	socklen_t	 len = sizeof(usual) - 1;
	struct tcpk_addr a;
	bool		 done;
	size_t		 i;
	int		 fd, l, c, s;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		name = names[i];
		fd = socket(AF_INET, SOCK_STREAM, 0);
		if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name,
		    (socklen_t)strlen(name)) == 0) {
			tcpk__sock_unpace(fd);
			ok(controlled_by(fd, i == 0 && PACED ? "reno" : name),
			    "%s: not paced", name);
		} else
			note("%s: not to be had here", name);
		close(fd);
	}
	fd = socket(AF_INET, SOCK_STREAM, 0);
	getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, usual, &len);
	close(fd);
	name = strncmp(usual, "bbr", 3) == 0 && PACED ? "reno" : usual;
	l = listen_on("127.0.0.1", "0", &a);
	c = connect_to(&a, "h:1", &done);
	finish(c);
	s = tcpk_sock_accept(l, NULL);
	ok(controlled_by(c, name) && controlled_by(s, name),
	    "within this host: %s", name);
	close(s);
	close(c);
	close(l);
	l = listen_on("0.0.0.0", "0", &a);
	ok(controlled_by(l, usual), "for anyone: %s, the system's", usual);
	close(l);
	a = addr("192.0.2.77", 9);
	c = connect_to(&a, "h:1", &done);
	ok(c == -1 || controlled_by(c, usual), "elsewhere: %s", usual);
	if (c != -1)
		close(c);
}
#endif

static void
test_options(void)
{
	struct tcpk_endpoint ep;
	struct tcpk_addr a;
	bool		 done;
	int		 l, c;

	l = listen_on("127.0.0.1", "0,keepalive=no,dscp=46,ttl=7", &a);
	ok(get(l, SOL_SOCKET, SO_KEEPALIVE) == 0 &&
	    get(l, IPPROTO_IP, IP_TOS) == 46 << 2 &&
	    get(l, IPPROTO_IP, IP_TTL) == 7, "listening: options");
	c = connect_to(&a, "h:1,keepalive=30,nodelay,dscp=10,ttl=9,"
	    "rcvbuf=20000,sndbuf=30000", &done);
	ok(get(c, SOL_SOCKET, SO_KEEPALIVE) != 0 &&
	    get(c, IPPROTO_TCP, TCP_NODELAY) != 0 &&
	    get(c, IPPROTO_IP, IP_TOS) == 10 << 2 &&
	    get(c, IPPROTO_IP, IP_TTL) == 9 &&
	    get(c, SOL_SOCKET, SO_RCVBUF) >= 20000 &&
	    get(c, SOL_SOCKET, SO_SNDBUF) >= 30000, "connecting: options");
#ifdef TCP_KEEPIDLE
	ok(get(c, IPPROTO_TCP, TCP_KEEPIDLE) == 30 &&
	    get(c, IPPROTO_TCP, TCP_KEEPINTVL) == 5, "keepalive's times");
#endif
	close(c);
#ifdef TCP_USER_TIMEOUT
	c = connect_to(&a, "h:1,user-timeout=1.5", &done);
	ok(get(c, IPPROTO_TCP, TCP_USER_TIMEOUT) == 1500, "user-timeout");
	close(c);
#endif
	c = connect_to(&a, "h:1,interface=nosuch0", &done);
	ok(c == -1 && err.kind == TCPK_EUSAGE &&
	    strstr(err.text, "interface") != NULL &&
	    strstr(err.text, "nosuch0") != NULL, "interface: %s", err.text);
	tcpk_endpoint_parse(&ep, "h:1,interface=nosuch0", TCPK_CONNECT, NULL);
	ok(tcpk_sock_check(&a, SOCK_STREAM, &ep.o, TCPK_CONNECT, &err) == -1 &&
	    err.kind == TCPK_EUSAGE && strstr(err.text, "nosuch0") != NULL &&
	    tcpk_sock_check(&a, SOCK_DGRAM, &ep.o, TCPK_LISTEN, NULL) == -1,
	    "check: %s", err.text);
	tcpk_endpoint_free(&ep);
	tcpk_endpoint_parse(&ep, "h:1,ttl=9", TCPK_CONNECT, NULL);
	ok(tcpk_sock_check(&a, SOCK_STREAM, &ep.o, TCPK_CONNECT, &err) == 0,
	    "check: what can be had");
	tcpk_endpoint_free(&ep);
	c = connect_to(&a, "h:1,source=127.0.0.2", &done);
	if (c == -1)
		ok(1, "source # SKIP %s", err.text);
	else {
		tcpk_addr_local(&a, c);
		ok(a.u.in.sin_addr.s_addr == htonl(0x7f000002), "source");
		close(c);
	}
	a = addr("127.0.0.1", 1);
	c = connect_to(&a, "h:1,source=192.0.2.77", &done);
	ok(c == -1 && err.kind == TCPK_ECONNECT &&
	    err.code == EADDRNOTAVAIL &&
	    strstr(err.text, "192.0.2.77") != NULL, "source: %s", err.text);
	close(l);
}

/* Fast Open is asked for in both roles, and changes nothing without data. */
static void
test_fastopen(void)
{
	struct tcpk_addr a;
	bool		 done;
	int		 l, c;

	l = listen_on("127.0.0.1", "0,fastopen", &a);
	if (l == -1) {
		ok(err.kind == TCPK_EUSAGE && strstr(err.text, "fastopen") !=
		    NULL && strstr(err.text, "127.0.0.1") != NULL,
		    "fastopen: %s", err.text);
		return;
	}
#ifdef TCP_FASTOPEN
	ok(get(l, IPPROTO_TCP, TCP_FASTOPEN) > 0, "fastopen: listening");
#endif
	c = connect_to(&a, "h:1,fastopen", &done);
	ok(c != -1, "fastopen: connecting");
	if (done && tcpk_sock_opening(c))
		ok(tcpk_sock_go(c) == 0, "fastopen: a SYN without data");
	ok(finish(c) == 0 && !tcpk_sock_opening(c), "fastopen: connected");
	ok(tcpk_sock_unsent(c) == 0, "fastopen: nothing unsent");
	close(c);
	close(l);
	a = addr("192.0.2.77", 1);
	c = connect_to(&a, "h:1", &done);
	if (c == -1 || done)
		ok(1, "opening # SKIP no network");
	else
		ok(!tcpk_sock_opening(c) || tcpk_sock_unsent(c) > 0,
		    "opening: its SYN is not acknowledged");
	if (c != -1)
		close(c);
}

static void
test_mptcp(void)
{
	struct tcpk_addr a;
	bool		 done;
	int		 l, c;

	l = listen_on("127.0.0.1", "0,mptcp,nodelay,sndbuf=30000", &a);
	if (l == -1) {
		ok(err.kind == TCPK_EUSAGE && strstr(err.text, "mptcp") !=
		    NULL && strstr(err.text, "127.0.0.1") != NULL,
		    "mptcp: %s", err.text);
		return;
	}
	c = connect_to(&a, "h:1,mptcp,keepalive=30", &done);
	ok(c != -1 && finish(c) == 0 && flags_right(c), "mptcp: connected");
	ok(get(c, SOL_SOCKET, SO_KEEPALIVE) != 0 &&
	    get(l, IPPROTO_TCP, TCP_NODELAY) != 0, "mptcp: options");
#ifdef SO_PROTOCOL
	ok(get(c, SOL_SOCKET, SO_PROTOCOL) == 262 &&
	    get(l, SOL_SOCKET, SO_PROTOCOL) == 262, "mptcp: the protocol");
#endif
	close(c);
	close(l);
}

/* A wildcard IPv6 socket takes both families, but not when told. */
static void
test_dual(void)
{
	struct tcpk_addr a, peer;
	bool		 done;
	int		 l, c, s;

	l = listen_on("::", "0", &a);
	if (l == -1) {
		ok(1, "dual stack # SKIP %s", err.text);
		return;
	}
	peer = addr("127.0.0.1", tcpk_addr_port(&a));
	c = connect_to(&peer, "h:1", &done);
	ok(c != -1 && finish(c) == 0, "IPv4 to [::]");
	s = tcpk_sock_accept(l, &peer);
	ok(s != -1 && tcpk_addr_family(&peer) == AF_INET,
	    "comes from an IPv4 address");
	close(s);
	close(c);
	close(l);
	l = listen_on("::", "0,family=6", &a);
	ok(l != -1 && get(l, IPPROTO_IPV6, IPV6_V6ONLY) == 1, "family=6");
	peer = addr("127.0.0.1", tcpk_addr_port(&a));
	c = connect_to(&peer, "h:1", &done);
	ok(c == -1 || finish(c) != 0, "takes no IPv4");
	if (c != -1)
		close(c);
	close(l);
}

static int
listen_unix(const char *name, const char *text)
{
	struct tcpk_endpoint	ep;
	struct tcpk_addr	a;
	int			fd;

	tcpk_addr_unix(&a, name, NULL);
	fd = tcpk_sock_listen(&a, options(&ep, text, TCPK_LISTEN), &err);
	tcpk_endpoint_free(&ep);
	return fd;
}

static void
test_unix(void)
{
	struct tcpk_addr a;
	struct stat	 st;
	bool		 done;
	char		 name[80];
	int		 l, c[40], i, s;

	l = listen_unix("s", "unix:s,mode=0620,backlog=1");
	ok(l != -1 && flags_right(l) && stat("s", &st) == 0 &&
	    (st.st_mode & 0777) == 0620, "unix: mode");
	s = listen_unix("s", "unix:s");
	ok(s == -1 && err.kind == TCPK_ECONNECT && stat("s", &st) == 0 &&
	    strstr(err.text, "s") != NULL, "unix: %s", err.text);
	tcpk_addr_unix(&a, "s", NULL);
	for (i = 0; i < 40; i++)
		if ((c[i] = connect_to(&a, "unix:s", &done)) == -1)
			break;
	ok(i > 0 && i < 40 && err.code == EAGAIN,
	    "unix: the backlog is full after %d: %s", i, err.text);
	s = tcpk_sock_accept(l, &a);
	ok(s != -1 && tcpk_addr_family(&a) == AF_UNIX && flags_right(s),
	    "unix: accepted");
	ok(tcpk_sock_unsent(s) == 0, "unix: nothing is unsent");
	close(s);
	tcpk_addr_unix(&a, "s", NULL);
	s = connect_to(&a, "unix:s", &done);
	ok(s != -1 && done, "unix: connected at once");
	close(s);
	while (i > 0)
		close(c[--i]);
	close(l);
	c[0] = connect_to(&a, "unix:s", &done);
	ok(c[0] == -1 && err.code == ECONNREFUSED, "unix: stale: %s",
	    err.text);
	s = listen_unix("s", "unix:s");
	ok(s == -1 && stat("s", &st) == 0, "unix: stale, and not taken over");
	unlink("s");
	close(open("s", O_CREAT | O_WRONLY, 0600));
	s = listen_unix("s", "unix:s");
	ok(s == -1 && stat("s", &st) == 0 && S_ISREG(st.st_mode),
	    "unix: an ordinary file is left alone");
	unlink("s");
	c[0] = connect_to(&a, "unix:s", &done);
	ok(c[0] == -1 && err.code == ENOENT, "unix: missing: %s", err.text);
	s = listen_unix("s", "unix:s,owner=no-such-user");
	ok(s == -1 && err.kind == TCPK_EUSAGE && stat("s", &st) == -1,
	    "unix: %s", err.text);
	s = listen_unix("s", "unix:s,owner=:no-such-group");
	ok(s == -1 && err.kind == TCPK_EUSAGE && stat("s", &st) == -1,
	    "unix: %s", err.text);
	snprintf(name, sizeof(name), "unix:s,owner=%u:%u",
	    (unsigned)getuid(), (unsigned)getgid());
	s = listen_unix("s", name);
	ok(s != -1 && stat("s", &st) == 0 && st.st_uid == getuid(),
	    "unix: %s", name);
	close(s);
	unlink("s");
	if (getuid() == 0) {
		s = listen_unix("s", "unix:s,owner=1:2,mode=600");
		ok(s != -1 && stat("s", &st) == 0 && st.st_uid == 1 &&
		    st.st_gid == 2 && (st.st_mode & 0777) == 0600,
		    "unix: owner by numbers");
		close(s);
		unlink("s");
		s = listen_unix("s", "unix:s,owner=:2");
		ok(s != -1 && stat("s", &st) == 0 && st.st_uid == 0 &&
		    st.st_gid == 2, "unix: only the group");
		close(s);
		unlink("s");
	} else {
		s = listen_unix("s", "unix:s,owner=0");
		ok(s == -1 && stat("s", &st) == -1,
		    "unix: no owner, no file: %s", err.text);
	}
#ifdef __linux__
	snprintf(name, sizeof(name), "@tcpkit-unit-%d", (int)getpid());
	l = listen_unix(name, "unix:s");
	tcpk_addr_unix(&a, name, NULL);
	c[0] = connect_to(&a, "unix:s", &done);
	ok(l != -1 && c[0] != -1, "unix: abstract");
	close(c[0]);
	close(l);
	s = listen_unix(name, "unix:@s,mode=600");
	ok(s == -1 && err.kind == TCPK_EUSAGE, "unix: %s", err.text);
#endif
}

static void
test_unsent(void)
{
	static char	 big[300000];
	struct tcpk_addr a;
	bool		 done;
	ssize_t		 n;
	int		 l, c, s;

	l = listen_on("127.0.0.1", "0", &a);
	c = connect_to(&a, "h:1", &done);
	finish(c);
	s = tcpk_sock_accept(l, NULL);
	ok(tcpk_sock_unsent(c) == 0, "nothing unsent at first");
	while (send(c, big, sizeof(big), MSG_NOSIGNAL) > 0)
		continue;
	ok(tcpk_sock_unsent(c) > 0, "unsent: %llu",
	    (unsigned long long)tcpk_sock_unsent(c));
	while ((n = recv(s, big, sizeof(big), 0)) > 0 ||
	    tcpk_sock_unsent(c) > 0)
		if (n <= 0)
			usleep(1000);
	ok(tcpk_sock_unsent(c) == 0, "all of it acknowledged");
	tcpk_sock_reset_on_close(s);
	close(s);
	poll(&(struct pollfd){ .fd = c, .events = POLLIN }, 1, 20000);
	ok(recv(c, big, 1, 0) == -1 && errno == ECONNRESET, "reset on close");
	ok(tcpk_sock_error(-1) == EBADF, "error of no descriptor");
	close(c);
	close(l);
}

int
main(void)
{
	struct tcpk_addr	a;
	int			before, l;

	make_dir();
	before = count_fds();
	test_connect("127.0.0.1");
	l = listen_on("::1", "0", &a);
	if (l == -1)
		ok(1, "IPv6 # SKIP %s", err.text);
	else {
		close(l);
		test_connect("::1");
	}
	/* Each of these left one listener open on purpose. */
	before += l == -1 ? 1 : 2;
	test_options();
#ifdef TCP_CONGESTION
	test_pacing();
#endif
	test_fastopen();
	test_mptcp();
	test_dual();
	test_unix();
	test_unsent();
	ok(count_fds() == before, "no descriptor is left");
	return done_testing();
}
