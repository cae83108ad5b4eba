/*
 * bench_sha: "bench_sha N" makes N bytes in memory into a digest by BearSSL's
 * SHA-256 itself, in pieces of 256 KiB, and prints the CPU seconds.
 */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <bearssl.h>

#define PIECE	(256 * 1024)

static unsigned char	piece[PIECE];

int
main(int argc, char **argv)
{
	br_sha256_context	sha;
	unsigned char		sum[br_sha256_SIZE];
	unsigned long long	left;
	clock_t			began;
	size_t			n;

	if (argc != 2) {
		fprintf(stderr, "usage: bench_sha N\n");
		return 2;
	}
	for (n = 0; n < PIECE; n++)
		piece[n] = (unsigned char)(n * 2654435761u >> 13);
	left = strtoull(argv[1], NULL, 10);
	began = clock();
	br_sha256_init(&sha);
	for (; left > 0; left -= n) {
		n = left < PIECE ? (size_t)left : PIECE;
		br_sha256_update(&sha, piece, n);
	}
	br_sha256_out(&sha, sum);
	printf("%.6f\n", (double)(clock() - began) / CLOCKS_PER_SEC);
	return sum[0] == 0 && sum[1] == 0;	/* so that it is computed */
}
