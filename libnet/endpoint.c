#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "endpoint_impl.h"

static const struct scheme {
	const char	*prefix;
	enum tcpk_scheme scheme;
} schemes[] = {
	{ "tcp://", TCPK_TCP },
	{ "tls://", TCPK_TLS },
	{ "udp://", TCPK_UDP },
	{ "unix:", TCPK_UNIX },
	{ "fd:", TCPK_FD },
	{ "exec:", TCPK_EXEC },
	{ "sh:", TCPK_SH },
};

#define NSCHEMES	(sizeof(schemes) / sizeof(schemes[0]))

const char *
tcpk_scheme_name(enum tcpk_scheme scheme)
{
	switch (scheme) {
	case TCPK_TCP:
		return "tcp";
	case TCPK_TLS:
		return "tls";
	case TCPK_UDP:
		return "udp";
	case TCPK_UNIX:
		return "unix";
	case TCPK_FD:
		return "fd";
	case TCPK_EXEC:
		return "exec";
	case TCPK_SH:
		return "sh";
	case TCPK_STDIO:
		return "-";
	}
	return "unknown";
}

static int
no_memory(struct tcpk_err *err)
{
	return tcpk_err_set(err, TCPK_EIO, "out of memory");
}

/*
 * Cut the text at its first comma that is not escaped, take the backslash
 * from those that are, and return what follows the comma, or NULL.
 */
static char *
cut(char *text)
{
	char	*from, *to;

	for (from = to = text; *from != '\0' && *from != ','; from++) {
		if (from[0] == '\\' && from[1] == ',')
			from++;
		*to++ = *from;
	}
	if (*from == ',') {
		*to = '\0';
		return from + 1;
	}
	*to = '\0';
	return NULL;
}

static int
take_text(char **where, const char *text, size_t n, struct tcpk_err *err)
{
	*where = strndup(text, n);
	return *where == NULL ? no_memory(err) : 0;
}

static int
take_port(struct tcpk_endpoint *ep, const char *port, struct tcpk_err *err)
{
	uint64_t	n = 1;
	size_t		i;

	if (*port == '\0')
		return tcpk_err_set(err, TCPK_EUSAGE, "the port is empty");
	/* A service may begin with a digit (9pfs), but not be a number. */
	if (port[strspn(port, "0123456789")] == '\0' &&
	    tcpk_value_number(&n, port, 0, 65535, NULL) == -1)
		return tcpk_err_set(err, TCPK_EUSAGE, "\"%.40s\" is not a "
		    "port (0 to 65535, or a service name)", port);
	if (n == 0 && ep->role != TCPK_LISTEN)
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "port 0 is for listening only");
	for (i = 0; port[i] != '\0'; i++)
		if (!isalnum((unsigned char)port[i]) &&
		    strchr("-_.+", port[i]) == NULL)
			break;
	if (port[i] != '\0' || port[0] == '-')
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "\"%.40s\" is not a port", port);
	return take_text(&ep->port, port, i, err);
}

static int
take_name(struct tcpk_endpoint *ep, const char *host, size_t n,
    struct tcpk_err *err)
{
	struct tcpk_addr	a;
	size_t			i;

	if (n > 253)
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "the host name is longer than 253 bytes");
	for (i = 0; i < n; i++)
		if ((unsigned char)host[i] <= ' ' || host[i] == 0x7f ||
		    strchr("/\\@[]\"'", host[i]) != NULL)
			return tcpk_err_set(err, TCPK_EUSAGE,
			    "\"%.*s\" is not a host name", (int)n, host);
	if (take_text(&ep->host, host, n, err) == -1)
		return -1;
	if (tcpk_addr_looks_ipv4(ep->host) &&
	    tcpk_addr_parse(&a, ep->host, 0, NULL) == -1)
		return tcpk_err_set(err, TCPK_EUSAGE, "\"%.64s\" is not an "
		    "IPv4 address (four numbers to 255, no leading zeros)",
		    ep->host);
	return 0;
}

static int
take_bracketed(struct tcpk_endpoint *ep, const char *place,
    struct tcpk_err *err)
{
	struct tcpk_addr	 a;
	const char		*end = strchr(place, ']');

	if (end == NULL || end[1] != ':')
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "write an IPv6 address and port as [ADDRESS]:PORT");
	if (take_text(&ep->host, place + 1, end - place - 1, err) == -1)
		return -1;
	if (strchr(ep->host, ':') == NULL)
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "\"%.64s\" is not an IPv6 address", ep->host);
	if (tcpk_addr_parse(&a, ep->host, 0, err) == -1)
		return -1;
	return take_port(ep, end + 2, err);
}

/* host:port, [v6]:port, :port, *:port; a bare port when listening. */
static int
take_host_port(struct tcpk_endpoint *ep, const char *place,
    struct tcpk_err *err)
{
	const char	*colon = strchr(place, ':');

	if (place[0] == '[')
		return take_bracketed(ep, place, err);
	if (colon == NULL && ep->role == TCPK_LISTEN)
		return take_port(ep, place, err);
	if (colon == NULL)
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "no port: write HOST:PORT%s",
		    isdigit((unsigned char)place[0]) &&
		    strchr(place, '.') == NULL ? ", or :PORT for localhost" :
		    "");
	if (strchr(colon + 1, ':') != NULL)
		return tcpk_err_set(err, TCPK_EUSAGE, "too many colons; write "
		    "an IPv6 address in brackets: [2001:db8::1]:80");
	if (colon == place) {
		if (ep->role != TCPK_LISTEN &&
		    take_text(&ep->host, "localhost", 9, err) == -1)
			return -1;
	} else if (colon == place + 1 && place[0] == '*') {
		if (ep->role != TCPK_LISTEN)
			return tcpk_err_set(err, TCPK_EUSAGE,
			    "* is every local address: for listening only");
	} else if (take_name(ep, place, colon - place, err) == -1)
		return -1;
	return take_port(ep, colon + 1, err);
}

static int
take_fd(struct tcpk_endpoint *ep, const char *place, struct tcpk_err *err)
{
	uint64_t	n;

	if (tcpk_value_number(&n, place, 0, INT32_MAX, err) == -1)
		return tcpk_err_wrap(err, "descriptor");
	ep->fd = (int)n;
	return 0;
}

/*
 * One word of a command into to, unquoted.  Returns where the next begins,
 * or NULL when a quote is not closed.
 */
static const char *
next_word(const char *p, char *to)
{
	char	quote = '\0';

	for (; *p != '\0'; p++) {
		if (quote != '\0' && *p == quote)
			quote = '\0';
		else if (quote == '\0' && (*p == '\'' || *p == '"'))
			quote = *p;
		else if (quote == '\0' && isblank((unsigned char)*p))
			break;
		else
			*to++ = *p;
	}
	*to = '\0';
	if (quote != '\0')
		return NULL;
	return p + strspn(p, " \t");
}

static int
take_command(struct tcpk_endpoint *ep, const char *p, struct tcpk_err *err)
{
	size_t	n = 0, room = strlen(p) + 1;
	char	*word;

	/* At most a word for every second byte. */
	ep->argv = calloc(room / 2 + 2, sizeof(char *));
	if (ep->argv == NULL)
		return no_memory(err);
	p += strspn(p, " \t");
	while (*p != '\0') {
		word = malloc(room);
		if (word == NULL)
			return no_memory(err);
		ep->argv[n++] = word;
		p = next_word(p, word);
		if (p == NULL)
			return tcpk_err_set(err, TCPK_EUSAGE,
			    "a quote is not closed");
	}
	if (n == 0 || ep->argv[0][0] == '\0')
		return tcpk_err_set(err, TCPK_EUSAGE, "the command is empty");
	return 0;
}

static int
take_shell(struct tcpk_endpoint *ep, const char *place, struct tcpk_err *err)
{
	if (place[strspn(place, " \t\n")] == '\0')
		return tcpk_err_set(err, TCPK_EUSAGE, "the command is empty");
	ep->argv = calloc(4, sizeof(char *));
	if (ep->argv == NULL ||
	    (ep->argv[0] = strdup("/bin/sh")) == NULL ||
	    (ep->argv[1] = strdup("-c")) == NULL ||
	    (ep->argv[2] = strdup(place)) == NULL)
		return no_memory(err);
	return 0;
}

static int
take_place(struct tcpk_endpoint *ep, const char *place, struct tcpk_err *err)
{
	struct tcpk_addr	a;

	switch (ep->scheme) {
	case TCPK_TCP:
	case TCPK_TLS:
	case TCPK_UDP:
		return take_host_port(ep, place, err);
	case TCPK_UNIX:
		if (take_text(&ep->path, place, strlen(place), err) == -1)
			return -1;
		return tcpk_addr_unix(&a, place, err);
	case TCPK_FD:
		return take_fd(ep, place, err);
	case TCPK_EXEC:
		return take_command(ep, place, err);
	case TCPK_SH:
		return take_shell(ep, place, err);
	case TCPK_STDIO:
		return 0;
	}
	return -1;
}

/* Which scheme, and where the place begins. */
static int
take_scheme(struct tcpk_endpoint *ep, const char **place,
    struct tcpk_err *err)
{
	const char	*text = *place, *sep;
	size_t		 i, n;

	if (strcmp(text, "-") == 0)
		ep->scheme = TCPK_STDIO;
	for (i = 0; i < NSCHEMES; i++) {
		n = strlen(schemes[i].prefix);
		if (strncmp(text, schemes[i].prefix, n) == 0) {
			ep->scheme = schemes[i].scheme;
			*place += n;
			break;
		}
	}
	/* A record is whole when it is written: nothing is to be waited for. */
	ep->o.nodelay = ep->scheme == TCPK_TLS;
	if (i == NSCHEMES && (sep = strstr(text, "://")) != NULL)
		return tcpk_err_set(err, TCPK_EUSAGE, "unknown scheme "
		    "\"%.*s\" (tcp://, tls://, udp://, unix:, fd:, exec:, "
		    "sh:)", (int)(sep - text > 40 ? 40 : sep - text), text);
	if (ep->role == TCPK_LISTEN && (ep->scheme == TCPK_EXEC ||
	    ep->scheme == TCPK_SH || ep->scheme == TCPK_STDIO))
		return tcpk_err_set(err, TCPK_EUSAGE, "cannot listen on %s",
		    ep->scheme == TCPK_STDIO ? "standard input and output" :
		    "a program");
	return 0;
}

static int
parse(struct tcpk_endpoint *ep, char *copy, struct tcpk_err *err)
{
	const char	*place = copy;
	char		*option, *next, *value;

	next = cut(copy);
	if (take_scheme(ep, &place, err) == -1)
		return -1;
	if (*place == '\0')
		return tcpk_err_set(err, TCPK_EUSAGE, "the address is empty");
	if (take_place(ep, place, err) == -1)
		return -1;
	while (next != NULL) {
		option = next;
		next = cut(option);
		value = strchr(option, '=');
		if (value != NULL)
			*value++ = '\0';
		if (*option == '\0')
			return tcpk_err_set(err, TCPK_EUSAGE,
			    "an option is empty");
		if (tcpk__options_apply(ep, option, value, err) == -1)
			return -1;
	}
	return 0;
}

int
tcpk_endpoint_parse(struct tcpk_endpoint *ep, const char *text,
    enum tcpk_role role, struct tcpk_err *err)
{
	return tcpk_endpoint_parse_as(ep, text, role, TCPK_TCP, err);
}

int
tcpk_endpoint_parse_as(struct tcpk_endpoint *ep, const char *text,
    enum tcpk_role role, enum tcpk_scheme scheme, struct tcpk_err *err)
{
	char	*copy;
	int	 ret = -1;

	memset(ep, 0, sizeof(*ep));
	tcpk__options_init(&ep->o);
	ep->role = role;
	ep->scheme = scheme;
	ep->fd = -1;
	ep->text = strdup(text);
	copy = strdup(text);
	if (ep->text == NULL || copy == NULL)
		no_memory(err);
	else {
		tcpk_endpoint_hide(ep->text);
		ret = parse(ep, copy, err);
		if (ret == -1)
			tcpk_err_wrap(err, "%.150s", ep->text);
	}
	if (copy != NULL)
		explicit_bzero(copy, strlen(text));
	free(copy);
	if (ret == -1)
		tcpk_endpoint_free(ep);
	return ret;
}

void
tcpk_endpoint_free(struct tcpk_endpoint *ep)
{
	size_t	i;

	free(ep->text);
	free(ep->host);
	free(ep->port);
	free(ep->path);
	for (i = 0; ep->argv != NULL && ep->argv[i] != NULL; i++)
		free(ep->argv[i]);
	free(ep->argv);
	tcpk__options_free(&ep->o);
	memset(ep, 0, sizeof(*ep));
	ep->fd = -1;
}

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool
tcpk_endpoint_same_place(const struct tcpk_endpoint *a,
    const struct tcpk_endpoint *b)
{
	enum tcpk_scheme	x = a->scheme, y = b->scheme;

	if ((x == TCPK_TLS ? TCPK_TCP : x) != (y == TCPK_TLS ? TCPK_TCP : y))
		return false;
	return same_text(a->host, b->host) && same_text(a->port, b->port) &&
	    same_text(a->path, b->path) && a->fd == b->fd &&
	    a->o.family == b->o.family &&
	    same_text(a->o.interface, b->o.interface);
}
