/* help: what several of the tests do. */
#ifndef HELP_H
#define HELP_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tcpkit/loop.h>

#include "tap.h"

/* No test waits longer for what ought to come, however slow the machine. */
#define LONG	(20 * TCPK_SECOND)

/* Descriptors that are open, or -1 where the system does not tell. */
__attribute__((unused))
static int
count_fds(void)
{
	DIR	*d = opendir("/proc/self/fd");
	int	 n = -3;	/* ".", ".." and the directory itself */

	if (d == NULL && (d = opendir("/dev/fd")) == NULL)
		return -1;
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

/* Turn the loop until *flag, or for too long. */
__attribute__((unused))
static int
wait_for(struct tcpk_loop *loop, const int *flag, int value)
{
	uint64_t	end = tcpk_now() + LONG;

	while (*flag < value && tcpk_now() < end)
		if (tcpk_loop_turn(loop, 50 * TCPK_MS, NULL) == -1)
			return 0;
	return *flag >= value;
}

/* Turn the loop for this long, for what ought not to come. */
__attribute__((unused))
static int
turn_for(struct tcpk_loop *loop, uint64_t ns)
{
	uint64_t	end = tcpk_now() + ns, now;
	int		turns = 0;

	while ((now = tcpk_now()) < end) {
		if (tcpk_loop_turn(loop, end - now, NULL) == -1)
			return -1;
		turns++;
	}
	return turns;
}

/* A directory of our own, which is the current one from then on. */
static char	help_dir[] = "/tmp/tcpkit-unit-XXXXXX";

__attribute__((unused))
static void
remove_dir(void)
{
	struct dirent	*e;
	DIR		*d;

	if (chdir(help_dir) == -1 || (d = opendir(".")) == NULL)
		return;
	while ((e = readdir(d)) != NULL)
		unlink(e->d_name);
	closedir(d);
	rmdir(help_dir);
}

__attribute__((unused))
static void
make_dir(void)
{
	if (mkdtemp(help_dir) == NULL || chdir(help_dir) == -1) {
		printf("Bail out! no temporary directory\n");
		exit(1);
	}
	atexit(remove_dir);
}

#endif
