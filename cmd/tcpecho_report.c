/* The client's summary, for a person or as one JSON object. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tcpecho_client.h"

/* Columns of the longest bar of --histogram. */
#define BAR	50

struct percentile {
	const char	*name, *key;
	unsigned	 part;		/* as of histogram_at */
};

static const struct percentile	percentiles[] = {
	{ "min", "rtt_min", 0 },
	{ "median", "rtt_median", 5000 },
	{ "p90", "rtt_p90", 9000 },
	{ "p99", "rtt_p99", 9900 },
	{ "p99.9", "rtt_p999", 9990 },
	{ "max", "rtt_max", 10000 },
};

#define NPERCENTILES	(sizeof(percentiles) / sizeof(percentiles[0]))

/* The time that messages took, for a rate; never 0. */
static double
busy(const struct totals *t)
{
	uint64_t	ns = t->last_heard - t->first_sent;

	return t->last_heard <= t->first_sent ? 1e-9 : (double)ns / 1e9;
}

static double
seconds(const struct totals *t)
{
	return (double)(t->ended - t->started) / 1e9;
}

/* --- for a person -------------------------------------------------------- */

static void
print_times(const char *what, const struct histogram *h)
{
	printf("%-12s%.3f ms", what, (double)histogram_at(h, 5000) / 1e6);
	if (h->count > 1)
		printf(" (median of %" PRIu64 ", at most %.3f ms)", h->count,
		    (double)h->max / 1e6);
	putchar('\n');
}

static void
print_counts(const struct client *c)
{
	const struct totals	*t = &c->totals;

	printf("%-12s%" PRIu64 " sent, %" PRIu64 " echoed, %" PRIu64
	    " lost, %" PRIu64 " wrong\n", "messages", t->sent, t->echoed,
	    t->lost, t->corrupt + t->duplicate + t->reordered);
	if (t->corrupt + t->duplicate + t->reordered + t->stray != 0)
		printf("%-12s%" PRIu64 " corrupt, %" PRIu64 " duplicate, %"
		    PRIu64 " out of order, %" PRIu64 " stray bytes\n",
		    "wrong", t->corrupt, t->duplicate, t->reordered,
		    t->stray);
	if (t->unsent != 0)
		printf("%-12s%" PRIu64 "\n", "not sent", t->unsent);
	printf("%-12s%" PRIu64 " made, %" PRIu64 " failed, %" PRIu64
	    " broken\n", "connections", t->connections, t->failed,
	    t->broken);
}

static void
print_round_trips(const struct client *c)
{
	const struct histogram	*h = &c->totals.rtt;
	char			 text[32];
	size_t			 i;

	if (h->count == 0)
		return;
	printf("%-12s", "round trip");
	for (i = 0; i < NPERCENTILES; i++)
		printf("%10s", percentiles[i].name);
	printf("%10s\n%-12s", "mean", "  in ms");
	for (i = 0; i < NPERCENTILES; i++) {
		snprintf(text, sizeof(text), "%.3f",
		    (double)histogram_at(h, percentiles[i].part) / 1e6);
		printf("%10s", text);
	}
	printf("%10.3f\n", histogram_mean(h) / 1e6);
}

/* Ours, as opposed to what the path did. */
static void
print_late(const struct totals *t)
{
	if (t->late == 0)
		return;
	printf("%-12s%" PRIu64 ", by at most %.3f ms, which is part of the "
	    "round trip\n", "sent late", t->late,
	    (double)t->late_most / 1e6);
}

static void
print_throughput(const struct client *c)
{
	const struct totals	*t = &c->totals;
	double			 rate;

	if (t->echoed == 0)
		return;
	rate = (double)t->echoed / busy(t);
	/* One message has no rate. */
	if (t->echoed > 1)
		printf("%-12s%.1f messages/s, %.3f MB/s each way\n",
		    "throughput", rate, rate * (double)c->o->size / 1e6);
}

static void
print_histogram(const struct histogram *h)
{
	struct histogram_row	rows[REPORT_ROWS];
	uint64_t		most = 1, sum = 0;
	size_t			n, i;
	unsigned		bar;

	n = histogram_rows(h, rows, REPORT_ROWS);
	for (i = 0; i < n; i++)
		if (rows[i].count > most)
			most = rows[i].count;
	if (n > 0)
		printf("\n%14s %10s %8s\n", "up to ms", "messages",
		    "of all");
	for (i = 0; i < n; i++) {
		sum += rows[i].count;
		bar = (unsigned)((double)rows[i].count * BAR / (double)most);
		if (bar == 0 && rows[i].count > 0)
			bar = 1;
		printf("%14.3f %10" PRIu64 " %7.3f%% %.*s\n",
		    (double)rows[i].high / 1e6, rows[i].count,
		    100 * (double)sum / (double)h->count, (int)bar,
		    "##################################################");
	}
}

static void
print_text(const struct client *c)
{
	const struct totals	*t = &c->totals;

	if (t->peer[0] != '\0')
		printf("%-12s%s\n", "peer", t->peer);
	printf("%-12s%.3f s\n", "time", seconds(t));
	print_counts(c);
	if (t->has_name)
		print_times("name", &t->name);
	if (t->has_connect)
		print_times("connect", &t->connect);
	if (t->has_tls)
		print_times("tls", &t->tls);
	print_round_trips(c);
	print_late(t);
	print_throughput(c);
	if (c->o->histogram)
		print_histogram(&t->rtt);
}

/* --- as JSON ------------------------------------------------------------- */

static void
json_text(const char *key, const char *text)
{
	const unsigned char	*p = (const unsigned char *)text;

	printf("\"%s\":\"", key);
	for (; *p != '\0'; p++) {
		if (*p < ' ' || *p >= 0x7f)
			printf("\\u%04x", *p);
		else if (*p == '"' || *p == '\\')
			printf("\\%c", *p);
		else
			putchar(*p);
	}
	printf("\",");
}

static void
json_count(const char *key, uint64_t n)
{
	printf("\"%s\":%" PRIu64 ",", key, n);
}

/* A time, in seconds; null where nothing was measured. */
static void
json_time(const char *key, const struct histogram *h, double ns)
{
	if (h->count == 0)
		printf("\"%s\":null,", key);
	else
		printf("\"%s\":%.9f,", key, ns / 1e9);
}

static void
json_now(void)
{
	struct timespec	ts;
	struct tm	tm;
	char		date[32];

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	printf("\"time\":\"%s.%03dZ\",", date, (int)(ts.tv_nsec / 1000000));
}

static void
json_counts(const struct totals *t)
{
	json_count("connections", t->connections);
	json_count("failed", t->failed);
	json_count("broken", t->broken);
	json_count("sent", t->sent);
	json_count("echoed", t->echoed);
	json_count("lost", t->lost);
	json_count("corrupt", t->corrupt);
	json_count("duplicate", t->duplicate);
	json_count("reordered", t->reordered);
	json_count("stray_bytes", t->stray);
	json_count("unsent", t->unsent);
	json_count("bytes_in", t->bytes_in);
	json_count("bytes_out", t->bytes_out);
	json_count("late", t->late);
	printf("\"late_max\":%.9f,", (double)t->late_most / 1e9);
}

static void
json_histogram(const struct histogram *h)
{
	struct histogram_row	rows[REPORT_ROWS];
	size_t			n, i;

	n = histogram_rows(h, rows, REPORT_ROWS);
	printf("\"histogram\":[");
	for (i = 0; i < n; i++)
		printf("%s{\"above\":%.9f,\"upto\":%.9f,\"count\":%" PRIu64
		    "}", i > 0 ? "," : "", i > 0 ?
		    (double)rows[i].low / 1e9 : 0.0,
		    (double)rows[i].high / 1e9, rows[i].count);
	printf("],");
}

static void
print_json(const struct client *c, int status)
{
	const struct totals	*t = &c->totals;
	const struct histogram	*h = &t->rtt;
	double			 rate = (double)t->echoed / busy(t);
	size_t			 i;

	putchar('{');
	json_now();
	printf("\"level\":\"notice\",\"event\":\"summary\",");
	json_text("tool", c->msg->tool);
	json_text("peer", t->peer[0] != '\0' ? t->peer : c->ep->text);
	printf("\"duration\":%.6f,", seconds(t));
	json_counts(t);
	json_count("size", c->o->size);
	json_time("name", &t->name, (double)histogram_at(&t->name, 5000));
	json_time("name_max", &t->name, (double)t->name.max);
	json_time("connect", &t->connect,
	    (double)histogram_at(&t->connect, 5000));
	json_time("connect_max", &t->connect, (double)t->connect.max);
	json_time("tls", &t->tls, (double)histogram_at(&t->tls, 5000));
	json_time("tls_max", &t->tls, (double)t->tls.max);
	for (i = 0; i < NPERCENTILES; i++)
		json_time(percentiles[i].key, h,
		    (double)histogram_at(h, percentiles[i].part));
	json_time("rtt_mean", h, histogram_mean(h));
	if (t->echoed > 1)
		printf("\"messages_per_second\":%.3f,"
		    "\"bytes_per_second\":%.1f,", rate,
		    rate * (double)c->o->size);
	else
		printf("\"messages_per_second\":null,"
		    "\"bytes_per_second\":null,");
	if (c->o->histogram)
		json_histogram(h);
	printf("\"status\":%d}\n", status);
}

int
tcpecho_report(const struct client *c, int status)
{
	if (c->msg->json)
		print_json(c, status);
	else
		print_text(c);
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : -1;
}
