#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "acl_impl.h"

#define BLOCK	16384

int
tcpk_acl_add_fd(struct tcpk_acl *acl, const char *source, int fd,
    struct tcpk_err *err)
{
	struct acl_parser	ps;
	char			block[BLOCK];
	ssize_t			n;

	if (tcpk__acl_start(&ps, acl, source, true, err) == -1)
		return -1;
	for (;;) {
		n = read(fd, block, sizeof(block));
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return tcpk_err_errno(err, TCPK_EIO, errno, "%s",
			    source);
		if (n == 0)
			return tcpk__acl_end(&ps, err);
		if (tcpk__acl_feed(&ps, block, n, err) == -1)
			return -1;
	}
}

int
tcpk_acl_add_file(struct tcpk_acl *acl, const char *path,
    struct tcpk_err *err)
{
	int	fd, ret;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd == -1)
		return tcpk_err_errno(err, TCPK_EIO, errno, "%s", path);
	ret = tcpk_acl_add_fd(acl, path, fd, err);
	close(fd);
	return ret;
}
