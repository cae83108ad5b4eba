/* The counters, in Prometheus' text format. */

#include <inttypes.h>
#include <stdio.h>

#include "tcprelay.h"
#include "tcprelay_counters.h"

static void
family(FILE *f, const char *name, const char *type, const char *help)
{
	fprintf(f, "# HELP tcprelay_%s %s\n# TYPE tcprelay_%s %s\n", name, help,
	    name, type);
}

static void
one(FILE *f, const char *name, const char *type, const char *help,
    uint64_t value)
{
	family(f, name, type, help);
	fprintf(f, "tcprelay_%s %" PRIu64 "\n", name, value);
}

/* A label's value: a backslash, a quote and a line's end are escaped. */
static void
label(FILE *f, const char *name, const char *value)
{
	fprintf(f, "%s=\"", name);
	for (; *value != '\0'; value++) {
		if (*value == '\n')
			fputs("\\n", f);
		else {
			if (*value == '\\' || *value == '"')
				putc('\\', f);
			putc(*value, f);
		}
	}
	putc('"', f);
}

struct column {
	const char	*name, *type, *help;
	uint64_t       (*value)(const struct relay_count *);
};

static uint64_t
now_of(const struct relay_count *c)
{
	return c->now;
}

static uint64_t
total_of(const struct relay_count *c)
{
	return c->total;
}

static uint64_t
failed_of(const struct relay_count *c)
{
	return c->failed;
}

static uint64_t
to_of(const struct relay_count *c)
{
	return c->bytes_to;
}

static uint64_t
from_of(const struct relay_count *c)
{
	return c->bytes_from;
}

static uint64_t
up_of(const struct relay_count *c)
{
	return c->up;
}

static const struct column	columns[] = {
	{ "target_up", "gauge", "1 while the target is not set aside.",
	    up_of },
	{ "target_connections", "gauge", "Connections to the target now.",
	    now_of },
	{ "target_connections_total", "counter",
	    "Connections to the target, in all.", total_of },
	{ "target_failures_total", "counter",
	    "Attempts to connect to the target that failed.", failed_of },
	{ "target_sent_bytes_total", "counter",
	    "Bytes sent to the target, in connections that are over.",
	    to_of },
	{ "target_received_bytes_total", "counter",
	    "Bytes received from it, in connections that are over.",
	    from_of },
};

static void
put_targets(FILE *f, const struct relay_counters *counters)
{
	const struct column	*c;
	struct relay_count	 count;
	size_t			 i;

	if (counters == NULL)
		return;
	for (c = columns; c < columns + sizeof(columns) / sizeof(columns[0]);
	    c++) {
		family(f, c->name, c->type, c->help);
		for (i = 0; relay_counters_get(counters, i, &count); i++) {
			fprintf(f, "tcprelay_%s{", c->name);
			label(f, "listen", count.listen);
			putc(',', f);
			label(f, "target", count.target);
			fprintf(f, "} %" PRIu64 "\n", c->value(&count));
		}
	}
}

void
relay_metrics(FILE *f, const struct relay *r)
{
	struct server_counters	sum;

	server_counts(r->server, &sum);
	one(f, "clients", "gauge", "Clients now, who asks for this included.",
	    sum.now);
	one(f, "clients_total", "counter", "Clients, in all.", sum.total);
	one(f, "denied_total", "counter",
	    "Clients that an access list or a limit did not let in.",
	    sum.denied);
	one(f, "tls_failed_total", "counter",
	    "Clients whose TLS handshake failed.", sum.refused);
	one(f, "proxy_failed_total", "counter",
	    "Connections without a good PROXY header.", sum.bad_headers);
	one(f, "received_bytes_total", "counter",
	    "Bytes received from clients that have left.", sum.bytes_in);
	one(f, "sent_bytes_total", "counter",
	    "Bytes sent to clients that have left.", sum.bytes_out);
	put_targets(f, r->counters);
}
