#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server_system.h"

void
server_raise_limit(void)
{
	struct rlimit	r;

	if (getrlimit(RLIMIT_NOFILE, &r) == -1)
		return;
	r.rlim_cur = r.rlim_max;
	/* Where it cannot be raised, what there is has to do. */
	setrlimit(RLIMIT_NOFILE, &r);
}

int
server_can_become(const char *name, struct tcpk_err *err)
{
	errno = 0;
	if (name == NULL || getpwnam(name) != NULL)
		return 0;
	return tcpk_err_errno(err, TCPK_EUSAGE, errno, "user %.64s%s", name,
	    errno == 0 ? ": no such user" : "");
}

int
server_become(const char *name, struct tcpk_err *err)
{
	struct passwd	*pw;

	if (name == NULL)
		return 0;
	pw = getpwnam(name);
	if (pw == NULL)
		return server_can_become(name, err);
	if (geteuid() == pw->pw_uid && getuid() == pw->pw_uid)
		return 0;
	if (setgroups(1, &pw->pw_gid) == -1 || setgid(pw->pw_gid) == -1 ||
	    setuid(pw->pw_uid) == -1)
		return tcpk_err_errno(err, TCPK_EUSAGE, errno,
		    "become user %.64s", name);
	/* Nobody may come back from there. */
	if (pw->pw_uid != 0 && setuid(0) == 0)
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "become user %.64s: still able to be root", name);
	return 0;
}

void
server_notify(const char *what)
{
	const char		*path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un	 sun = { .sun_family = AF_UNIX };
	socklen_t		 len;
	size_t			 n;
	int			 fd;

	if (path == NULL || (path[0] != '/' && path[0] != '@'))
		return;
	n = strlen(path);
	if (n >= sizeof(sun.sun_path))
		return;
	memcpy(sun.sun_path, path, n);
	/* A name in Linux's abstract space is exactly as long as it is. */
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n +
	    (path[0] == '/'));
	if (path[0] == '@')
		sun.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	if (fd == -1)
		return;
	/* Nobody may be there to hear it, and we serve all the same. */
	if (sendto(fd, what, strlen(what), MSG_DONTWAIT,
	    (struct sockaddr *)&sun, len) == -1)
		errno = 0;
	close(fd);
}

void
server_say_ready(int fd, const char *address)
{
	char	line[256];
	size_t	n = strlen(address);

	if (fd == -1 || n + 1 > sizeof(line))
		return;
	memcpy(line, address, n);
	line[n] = '\n';
	if (write(fd, line, n + 1) == -1)
		errno = 0;	/* who does not listen is not told */
}
