/*
 * record_make: a capture for others to read, and what must come out of it.
 *
 *	record_make DIRECTORY
 *
 * writes DIRECTORY/capture, and what passed on its connection N (from 0, as
 * tshark counts) to DIRECTORY/N.out and DIRECTORY/N.in.  The connections are
 * of every kind of end, and take turns.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <tcpkit/addr.h>

#include "record.h"

static const struct kind {
	const char	*local, *peer;	/* NULL: no socket */
	uint16_t	 lport, pport;
	bool		 peer_began, cut;
	int		 half;		/* ends first; -1: no half-close */
	size_t		 piece, pieces[2];
} kinds[] = {
	{ "192.0.2.1", "198.51.100.7", 40000, 7777, false, false,
	    RECORD_OUT, 1000, { 100, 100 } },
	{ "2001:db8::1", "2001:db8::2", 7777, 40001, true, false,
	    RECORD_IN, 1, { 50, 20 } },
	{ "", "/run/socket", 0, 0, false, false, -1, 512, { 3, 30 } },
	{ NULL, NULL, 0, 0, true, true, -1, 4095, { 10, 0 } },
	{ "::ffff:192.0.2.1", "2001:db8::2", 1, 2, false, true,
	    RECORD_OUT, 77, { 0, 11 } },
	/* Downloads, larger than what may be on its way. */
	{ "192.0.2.1", "198.51.100.7", 40002, 7777, false, false, -1,
	    262144, { 1, 24 } },
	{ "2001:db8::1", "2001:db8::2", 40003, 7777, false, false,
	    RECORD_IN, 100003, { 40, 0 } },
};

#define NKINDS	(sizeof(kinds) / sizeof(kinds[0]))

static struct tcpk_addr
addr_of(const char *text, uint16_t port)
{
	struct tcpk_addr	a = { .len = 0 };

	if (text == NULL)
		return a;
	if (text[0] == '\0') {		/* a client's, without a name */
		a.len = sizeof(a.u.un.sun_family);
		a.u.un.sun_family = AF_UNIX;
	} else if ((text[0] == '/' ? tcpk_addr_unix(&a, text, NULL) :
	    tcpk_addr_parse(&a, text, port, NULL)) == -1)
		exit(1);
	return a;
}

static FILE *
open_file(size_t i, int direction)
{
	char	name[32];
	FILE	*f;

	snprintf(name, sizeof(name), "%zu.%s", i,
	    direction == RECORD_OUT ? "out" : "in");
	if ((f = fopen(name, "w")) == NULL)
		exit(1);
	return f;
}

static void
pass(struct record_conn *c, int direction, size_t n, FILE *f)
{
	static uint32_t		x = 1;
	static unsigned char	data[262144];
	size_t			i;

	for (i = 0; i < n; i++) {
		x = x * 1664525 + 1013904223;
		data[i] = (unsigned char)(x >> 24);
	}
	record_bytes(c, direction, data, n);
	if (fwrite(data, 1, n, f) != n)
		exit(1);
}

static void
pass_all(struct record_conn *conns[NKINDS])
{
	FILE	*files[NKINDS][2];
	size_t	i, round;
	int	d, more;

	for (i = 0; i < NKINDS; i++)
		for (d = 0; d < 2; d++)
			files[i][d] = open_file(i, d);
	for (more = 1, round = 0; more; round++)
		for (i = 0, more = 0; i < NKINDS; i++)
			for (d = 0; d < 2; d++)
				if (round < kinds[i].pieces[d]) {
					pass(conns[i], d, kinds[i].piece,
					    files[i][d]);
					more = 1;
				}
	for (i = 0; i < NKINDS; i++)
		for (d = 0; d < 2; d++)
			if (fclose(files[i][d]) != 0)
				exit(1);
}

int
main(int argc, char *argv[])
{
	static const struct msg	m = { .tool = "record_make" };
	struct record_conn	*conns[NKINDS];
	struct tcpk_addr	 local, peer;
	struct record		*r;
	size_t			 i;

	if (argc != 2 || chdir(argv[1]) == -1 ||
	    (r = record_open(NULL, "capture", &m, NULL)) == NULL)
		return 1;
	for (i = 0; i < NKINDS; i++) {
		local = addr_of(kinds[i].local, kinds[i].lport);
		peer = addr_of(kinds[i].peer, kinds[i].pport);
		conns[i] = record_begin(r, i + 1, &local, &peer,
		    kinds[i].peer_began, NULL);
		if (conns[i] == NULL)
			return 1;
	}
	pass_all(conns);
	for (i = 0; i < NKINDS; i++) {
		if (kinds[i].half != -1)
			record_bytes(conns[i], kinds[i].half, NULL, 0);
		record_end(conns[i], kinds[i].cut);
	}
	return record_close(r, NULL) == 0 ? 0 : 1;
}
