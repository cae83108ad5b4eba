#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sock_impl.h"

enum tcpk_err_kind
tcpk_sock_kind(int code)
{
	switch (code) {
	case ETIMEDOUT:
		return TCPK_ETIMEOUT;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
		return TCPK_EIO;
	default:
		return TCPK_ECONNECT;
	}
}

static int
fail(struct tcpk_err *err, const char *verb, const struct tcpk_addr *a,
    int code)
{
	char	text[TCPK_ADDR_TEXT];

	return tcpk_err_errno(err, tcpk_sock_kind(code), code, "%s %s",
	    verb, tcpk_addr_format(a, text, sizeof(text)));
}

static void
close_keeping_errno(int fd)
{
	int	saved = errno;

	close(fd);
	errno = saved;
}

/* A socket with its options set. */
static int
open_socket(const struct tcpk_addr *a, int type,
    const struct tcpk_options *o, enum tcpk_role role, struct tcpk_err *err)
{
	char	text[TCPK_ADDR_TEXT];
	int	fd, family = tcpk_addr_family(a);

	if (o->mptcp && type == SOCK_STREAM && family != AF_UNIX) {
		fd = tcpk__sock_new_mptcp(family, err);
		if (fd == -1)
			return tcpk_err_wrap(err, "%s",
			    tcpk_addr_format(a, text, sizeof(text)));
	} else
		fd = tcpk__sock_new(family, type, 0);
	if (fd == -1)
		return fail(err, role == TCPK_LISTEN ? "listen" : "connect",
		    a, errno);
	if (tcpk__sock_set_options(fd, family, type, o, role, err) == -1) {
		close_keeping_errno(fd);
		return tcpk_err_wrap(err, "%s",
		    tcpk_addr_format(a, text, sizeof(text)));
	}
	return fd;
}

static void
reuse(int fd)
{
	int	on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
}

static int
bind_source(int fd, const struct tcpk_addr *target,
    const struct tcpk_addr *source, struct tcpk_err *err)
{
	struct tcpk_addr	a = *source;

	/* ":PORT" is of whatever family the target is. */
	if (tcpk_addr_is_any(&a))
		tcpk_addr_any(&a, tcpk_addr_family(target),
		    tcpk_addr_port(source));
	if (bind(fd, &a.u.sa, a.len) == -1)
		return fail(err, "bind to source", &a, errno);
	return 0;
}

static int
begin(int fd, const struct tcpk_addr *a)
{
	int	ret;

	do
		ret = connect(fd, &a->u.sa, a->len);
	while (ret == -1 && errno == EINTR);
	return ret;
}

/* One of TCP that mostly stays within this host. */
static bool
is_near(const struct tcpk_addr *a, const struct tcpk_options *o)
{
	return tcpk_addr_is_loopback(a) && !o->mptcp;
}

/*
 * To this host a connection is made by the time connect() returns, only that
 * it does not say so: who has a peer is connected, and waits for nothing.
 */
static int
begin_near(int fd, const struct tcpk_addr *a)
{
	struct tcpk_addr	peer;
	int			ret;

	tcpk__sock_unpace(fd);
	ret = begin(fd, a);
	if (ret == 0 || errno != EINPROGRESS)
		return ret;
	if (tcpk_addr_peer(&peer, fd) == 0)
		return 0;
	errno = EINPROGRESS;
	return -1;
}

int
tcpk_sock_connect(const struct tcpk_addr *a, const struct tcpk_options *o,
    bool *done, struct tcpk_err *err)
{
	int	fd, ret;

	fd = open_socket(a, SOCK_STREAM, o, TCPK_CONNECT, err);
	if (fd == -1)
		return -1;
	if (tcpk_addr_port(&o->source) != 0)
		reuse(fd);
	if (o->source.len != 0 && tcpk_addr_family(a) != AF_UNIX &&
	    bind_source(fd, a, &o->source, err) == -1)
		goto fail;
	ret = is_near(a, o) ? begin_near(fd, a) : begin(fd, a);
	*done = ret == 0;
	if (ret == 0 || errno == EINPROGRESS || errno == EALREADY)
		return fd;
	fail(err, "connect", a, errno);
fail:
	close(fd);
	return -1;
}

/* USER, USER:GROUP or :GROUP; names or numbers. */
static int
find_owner(const char *owner, uid_t *uid, gid_t *gid, struct tcpk_err *err)
{
	struct passwd	*pw;
	struct group	*gr;
	char		 user[64];
	const char	*group;
	uint64_t	 n;

	*uid = (uid_t)-1;
	*gid = (gid_t)-1;
	group = strchr(owner, ':');
	if ((size_t)(group == NULL ? strlen(owner) :
	    (size_t)(group - owner)) >= sizeof(user))
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "option owner: \"%.64s\" is too long", owner);
	memcpy(user, owner, strcspn(owner, ":"));
	user[strcspn(owner, ":")] = '\0';
	if (user[0] != '\0') {
		if ((pw = getpwnam(user)) != NULL)
			*uid = pw->pw_uid;
		else if (tcpk_value_number(&n, user, 0, INT32_MAX, NULL) == 0)
			*uid = (uid_t)n;
		else
			return tcpk_err_set(err, TCPK_EUSAGE,
			    "option owner: no user \"%s\"", user);
	}
	if (group != NULL && group[1] != '\0') {
		if ((gr = getgrnam(group + 1)) != NULL)
			*gid = gr->gr_gid;
		else if (tcpk_value_number(&n, group + 1, 0, INT32_MAX,
		    NULL) == 0)
			*gid = (gid_t)n;
		else
			return tcpk_err_set(err, TCPK_EUSAGE,
			    "option owner: no group \"%.64s\"", group + 1);
	}
	return 0;
}

/* Before listen(), nobody can connect: no moment with the wrong mode. */
static int
set_file(const struct tcpk_addr *a, const struct tcpk_options *o,
    struct tcpk_err *err)
{
	const char	*path = a->u.un.sun_path;
	uid_t		 uid;
	gid_t		 gid;

	if (path[0] == '\0')
		return 0;
	if (o->owner != NULL) {
		if (find_owner(o->owner, &uid, &gid, err) == -1)
			return -1;
		if (chown(path, uid, gid) == -1)
			return tcpk_err_errno(err, TCPK_ECONNECT, errno,
			    "%s: owner %.64s", path, o->owner);
	}
	if (o->mode != TCPK_UNSET && chmod(path, (mode_t)o->mode) == -1)
		return tcpk_err_errno(err, TCPK_ECONNECT, errno, "%s: mode",
		    path);
	return 0;
}

static int
check_unix_options(const struct tcpk_addr *a, const struct tcpk_options *o,
    struct tcpk_err *err)
{
	uid_t	uid;
	gid_t	gid;

	if (o->owner == NULL && o->mode == TCPK_UNSET)
		return 0;
	if (a->u.un.sun_path[0] == '\0')
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "option %s: an abstract name has no file",
		    o->owner != NULL ? "owner" : "mode");
	return o->owner == NULL ? 0 : find_owner(o->owner, &uid, &gid, err);
}

static int
bind_unix(int fd, const struct tcpk_addr *a, const struct tcpk_options *o,
    struct tcpk_err *err)
{
	if (check_unix_options(a, o, err) == -1)
		return -1;
	if (bind(fd, &a->u.sa, a->len) == 0) {
		if (set_file(a, o, err) == 0)
			return 0;
		unlink(a->u.un.sun_path);
		return -1;
	}
	fail(err, "listen", a, errno);
	if (errno == EADDRINUSE && a->u.un.sun_path[0] != '\0')
		tcpk_err_set(err, TCPK_ECONNECT, "listen unix:%s: %s "
		    "(if nobody listens there, remove the file)",
		    a->u.un.sun_path, strerror(EADDRINUSE));
	return -1;
}

static int
bind_inet(int fd, const struct tcpk_addr *a, const struct tcpk_options *o,
    struct tcpk_err *err)
{
	int	v6only;

	if (tcpk_addr_family(a) == AF_INET6) {
		v6only = o->family == 6 || !tcpk_addr_is_any(a);
		if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only,
		    sizeof(v6only)) == -1)
			return fail(err, "listen", a, errno);
	}
	if (bind(fd, &a->u.sa, a->len) == -1)
		return fail(err, "listen", a, errno);
	return 0;
}

int
tcpk_sock_listen(const struct tcpk_addr *a, const struct tcpk_options *o,
    struct tcpk_err *err)
{
	int	fd, ret, backlog = SOMAXCONN;

	fd = open_socket(a, SOCK_STREAM, o, TCPK_LISTEN, err);
	if (fd == -1)
		return -1;
	if (tcpk_addr_family(a) == AF_UNIX)
		ret = bind_unix(fd, a, o, err);
	else {
		reuse(fd);
		ret = bind_inet(fd, a, o, err);
	}
	if (ret == -1)
		goto fail;
	/* What is accepted has it of the listener. */
	if (is_near(a, o))
		tcpk__sock_unpace(fd);
	if (o->backlog != 0)
		backlog = (int)o->backlog;
	if (listen(fd, backlog) == 0)
		return fd;
	fail(err, "listen", a, errno);
fail:
	close_keeping_errno(fd);
	return -1;
}

/*
 * Without SO_REUSEADDR: what for TCP only passes over TIME_WAIT would let a
 * second program take the datagrams of the first.
 */
int
tcpk_sock_datagram(const struct tcpk_addr *a, const struct tcpk_options *o,
    enum tcpk_role role, struct tcpk_err *err)
{
	int	fd;

	fd = open_socket(a, SOCK_DGRAM, o, role, err);
	if (fd == -1)
		return -1;
	if (role == TCPK_LISTEN) {
		if (bind_inet(fd, a, o, err) == 0)
			return fd;
		goto fail;
	}
	if (o->source.len != 0 && bind_source(fd, a, &o->source, err) == -1)
		goto fail;
	if (connect(fd, &a->u.sa, a->len) == 0)
		return fd;
	fail(err, "connect", a, errno);
fail:
	close_keeping_errno(fd);
	return -1;
}

/*
 * A socket of the kind that is given away again.  What fails for any other
 * reason fails when it is wanted, which is early enough.
 */
int
tcpk_sock_check(const struct tcpk_addr *a, int type,
    const struct tcpk_options *o, enum tcpk_role role, struct tcpk_err *err)
{
	struct tcpk_err	why = { .kind = TCPK_OK };
	int		fd = -1, family = tcpk_addr_family(a);

	if (family == AF_UNIX && role == TCPK_LISTEN)
		check_unix_options(a, o, &why);
	else if (family != AF_UNIX && o->mptcp && type == SOCK_STREAM)
		fd = tcpk__sock_new_mptcp(family, &why);
	else if (family != AF_UNIX)
		fd = tcpk__sock_new(family, type, 0);
	if (fd != -1) {
		tcpk__sock_set_options(fd, family, type, o, role, &why);
		close(fd);
	}
	if (why.kind != TCPK_EUSAGE)
		return 0;
	if (err != NULL)
		*err = why;
	return -1;
}

int
tcpk_sock_accept(int fd, struct tcpk_addr *peer)
{
	struct sockaddr_storage	ss;
	socklen_t		len = sizeof(ss);
	int			client;

	do
		client = tcpk__sock_accept(fd, (struct sockaddr *)&ss, &len);
	while (client == -1 && errno == EINTR);
	if (client != -1 && peer != NULL)
		tcpk_addr_from(peer, (struct sockaddr *)&ss, len);
	return client;
}

int
tcpk_sock_error(int fd)
{
	socklen_t	len = sizeof(int);
	int		code = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &len) == -1)
		return errno;
	return code;
}

void
tcpk_sock_push(int fd)
{
	int	on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

void
tcpk_sock_reset_on_close(int fd)
{
	struct linger	l = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
}
