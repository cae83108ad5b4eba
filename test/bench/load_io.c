/* A stream into a pipe and out of it, and the files of the access lists. */

#include "load.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int
load_feed(char **args)
{
	uint64_t	at = 0, size = strtoull(args[0], NULL, 10);
	size_t		n;
	ssize_t		put;

	while (at < size) {
		n = size - at < LOAD_PIECE ? (size_t)(size - at) : LOAD_PIECE;
		put = write(STDOUT_FILENO, load_pattern + at % LOAD_PERIOD, n);
		if (put == -1 && errno == EINTR)
			continue;
		if (put == -1)
			load_die("feed: write");
		at += (uint64_t)put;
	}
	return 0;
}

int
load_sink(char **args)
{
	uint64_t	total = 0;
	ssize_t		got;
	bool		same = true;

	(void)args;
	while ((got = read(STDIN_FILENO, load_buf, sizeof(load_buf))) != 0) {
		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1)
			load_die("sink: read");
		same = same && load_same(load_buf, (size_t)got, total);
		total += (uint64_t)got;
	}
	printf("%" PRIu64 "%s\n", total, same ? "" : " wrong");
	return !same;
}

static void
put_address(FILE *f, uint32_t ip)
{
	fprintf(f, "%u.%u.%u.%u", ip >> 24, ip >> 16 & 255, ip >> 8 & 255,
	    ip & 255);
}

static FILE *
create(const char *path)
{
	FILE	*f;

	f = fopen(path, "w");
	if (f == NULL)
		load_die(path);
	return f;
}

static void
finish(FILE *f)
{
	if (fflush(f) != 0 || ferror(f))
		load_die("lines: write");
	fclose(f);
}

struct net {
	uint32_t	base;
	unsigned	bits;
};

static void
make_nets(struct net *nets, size_t n, const char *plain, const char *rules)
{
	static const unsigned	widths[10] = {
		16, 20, 22, 24, 24, 24, 24, 28, 32, 32
	};
	FILE			*files[2] = { create(plain), create(rules) };
	size_t			 i;
	int			 k;

	for (i = 0; i < n; i++) {
		nets[i].bits = widths[(load_random() >> 20) % 10];
		nets[i].base = (uint32_t)(load_random() >> 32 >>
		    (32 - nets[i].bits) << (32 - nets[i].bits));
		for (k = 0; k < 2; k++) {
			if (k == 1)
				putc('+', files[k]);
			put_address(files[k], nets[i].base);
			fprintf(files[k], "/%u\n", nets[i].bits);
		}
	}
	finish(files[0]);
	finish(files[1]);
}

int
load_lines(char **args)
{
	size_t		 n = strtoul(args[3], NULL, 10);
	uint64_t	 i, many = strtoull(args[4], NULL, 10), r;
	struct net	*nets = load_allocate(n, sizeof(*nets)), *in;
	FILE		*f;
	uint32_t	 ip;

	make_nets(nets, n, args[0], args[1]);
	f = create(args[2]);
	for (i = 0; i < many; i++) {
		r = load_random();
		ip = (uint32_t)(r >> 32);
		in = &nets[load_random() % n];
		if (r % 10 < 3)
			ip = in->base | (uint32_t)((ip & UINT64_C(0xffffffff)) &
			    ((UINT64_C(1) << (32 - in->bits)) - 1));
		put_address(f, ip);
		putc('\n', f);
	}
	finish(f);
	free(nets);
	return 0;
}
