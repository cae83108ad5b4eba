/*
 * The two ends of a bench: "feed N" writes N bytes of a pattern to standard
 * output, "sink" reads standard input to its end, compares every byte with
 * the pattern and prints how many came.  Status 1 if a byte was wrong.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A period that no power of two divides, so that a lost page shows. */
#define PERIOD	262139
#define PIECE	131072	/* as cat writes and reads */

static unsigned char	pattern[PERIOD + PIECE];

static void
make_pattern(void)
{
	unsigned long long	x = 88172645463325252ULL;
	size_t			i;

	for (i = 0; i < PERIOD; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		pattern[i] = (unsigned char)x;
	}
	memcpy(pattern + PERIOD, pattern, PIECE);
}

static int
feed(unsigned long long left)
{
	size_t	at = 0, n;
	ssize_t	put;

	while (left > 0) {
		n = left < PIECE ? (size_t)left : PIECE;
		put = write(STDOUT_FILENO, pattern + at, n);
		if (put == -1 && errno == EINTR)
			continue;
		if (put == -1) {
			perror("feed: write");
			return 1;
		}
		left -= (unsigned long long)put;
		at = (at + (size_t)put) % PERIOD;
	}
	return 0;
}

static int
sink(void)
{
	static unsigned char	buf[PIECE];
	unsigned long long	total = 0;
	ssize_t			got;
	int			wrong = 0;

	while ((got = read(STDIN_FILENO, buf, sizeof(buf))) != 0) {
		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1) {
			perror("sink: read");
			return 1;
		}
		wrong |= memcmp(buf, pattern + total % PERIOD,
		    (size_t)got) != 0;
		total += (unsigned long long)got;
	}
	printf("%llu%s\n", total, wrong ? " wrong" : "");
	return wrong;
}

int
main(int argc, char **argv)
{
	make_pattern();
	if (argc == 3 && strcmp(argv[1], "feed") == 0)
		return feed(strtoull(argv[2], NULL, 10));
	if (argc == 2 && strcmp(argv[1], "sink") == 0)
		return sink();
	fprintf(stderr, "usage: bench_io feed BYTES | bench_io sink\n");
	return 2;
}
