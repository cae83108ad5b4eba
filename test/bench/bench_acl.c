/*
 * bench_acl: the library's access lists in this process.
 *
 *	bench_acl [rules]
 *
 * Random networks (IPv4 /9 to /32, IPv6 /32 to /64 below 2000::/3), random
 * addresses.  Says what was measured: the time to read and compile, the
 * memory held and the most that was ever held, and look-ups a second.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <tcpkit/acl.h>

#define ASK	(1 << 20)

static uint64_t	state = 88172645463325252u;

static uint64_t
rnd(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state * 2685821657736338717u;
}

static double
now(void)
{
	struct timespec	ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static struct tcpk_ip
random_ip(int family)
{
	if (family == 4)
		return tcpk_ip_from4((uint32_t)(rnd() >> 32));
	return (struct tcpk_ip){ UINT64_C(1) << 61 | rnd() >> 3, rnd() };
}

/* A file of n rules, as a list of blocked networks would have them. */
static char *
make_list(uint32_t n, int family, size_t *len)
{
	char		*list, *at, text[TCPK_IP_TEXT];
	struct tcpk_ip	 ip;
	uint32_t	 i;
	unsigned	 bits;

	list = at = malloc((size_t)n * 48 + 1);
	if (list == NULL)
		abort();
	for (i = 0; i < n; i++) {
		ip = random_ip(family);
		if (family == 4) {
			bits = 32 - (unsigned)(rnd() % 12) - (i % 64 == 0 ?
			    (unsigned)(rnd() % 12) : 0);
			ip.lo &= ~((UINT64_C(1) << (32 - bits)) - 1);
		} else {
			bits = 32 + (unsigned)(rnd() % 33);
			ip.lo = 0;
			ip.hi &= ~((bits == 64 ? 1 : UINT64_C(1) <<
			    (64 - bits)) - 1);
		}
		at += sprintf(at, "%c%s/%u\n", "+-"[rnd() % 2],
		    tcpk_ip_format(ip, text), bits);
	}
	*len = (size_t)(at - list);
	return list;
}

static long
peak_kib(void)
{
	struct rusage	ru;

	getrusage(RUSAGE_SELF, &ru);
	return ru.ru_maxrss;
}

static void
measure(const struct tcpk_acl *acl, int family, const char *name)
{
	static struct tcpk_ip		ip[ASK];
	static struct tcpk_verdict	v[ASK];
	double				t0, one, many;
	uint64_t			allowed = 0;
	size_t				i;
	int				round, rounds = 16;

	for (i = 0; i < ASK; i++)
		ip[i] = random_ip(family);
	tcpk_acl_check_many(acl, ip, v, ASK);
	t0 = now();
	for (round = 0; round < rounds; round++)
		for (i = 0; i < ASK; i++)
			allowed += tcpk_acl_check_ip(acl, ip[i]).allow;
	one = now() - t0;
	t0 = now();
	for (round = 0; round < rounds; round++)
		tcpk_acl_check_many(acl, ip, v, ASK);
	many = now() - t0;
	printf("%-28s %6.1f M look-ups/s in batches, %6.1f M/s one by one "
	    "(%.0f%% allowed)\n", name, rounds * (double)ASK / many / 1e6,
	    rounds * (double)ASK / one / 1e6,
	    100.0 * (double)allowed / ((double)rounds * ASK));
}

static void
bench(uint32_t n, int family)
{
	struct tcpk_err	 err;
	struct tcpk_acl	*acl;
	FILE		*f;
	char		*list, name[64];
	size_t		 len;
	double		 t0, read_at, done;
	long		 before;

	list = make_list(n, family, &len);
	f = tmpfile();
	if (f == NULL || fwrite(list, 1, len, f) != len || fflush(f) != 0)
		abort();
	free(list);
	rewind(f);
	before = peak_kib();
	t0 = now();
	acl = tcpk_acl_new(NULL, NULL, &err);
	if (acl == NULL || tcpk_acl_add_fd(acl, "bench", fileno(f),
	    &err) == -1) {
		fprintf(stderr, "bench_acl: %s\n", err.text);
		exit(1);
	}
	read_at = now();
	if (tcpk_acl_compile(acl, &err) == -1)
		exit(1);
	done = now();
	fclose(f);
	snprintf(name, sizeof(name), "%" PRIu32 " IPv%d rules", n, family);
	printf("%-28s %.3f s: read %.3f, compile %.3f; %.1f bytes a rule "
	    "held, peak %+.1f\n", name, done - t0, read_at - t0,
	    done - read_at, (double)tcpk_acl_size(acl) / n,
	    (double)(peak_kib() - before) * 1024 / n);
	measure(acl, family, name);
	tcpk_acl_free(acl);
}

int
main(int argc, char **argv)
{
	if (argc > 1) {
		bench((uint32_t)strtoul(argv[1], NULL, 10),
		    argc > 2 ? atoi(argv[2]) : 4);
		return 0;
	}
	bench(10, 4);
	bench(100000, 4);
	bench(1000000, 4);
	bench(100000, 6);
	bench(1000000, 6);
	return 0;
}
