#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tcpkit/value.h>

#include "tcpcat_ports.h"

#define MAX_PORT	65535
#define DIGITS		"0123456789"

/* While a list is read: which ports are in it. */
struct seen {
	bool	port[MAX_PORT + 1];
};

static const char	tcp[] = "tcp://";

/* Behind the scheme that may be written. */
static const char *
place_of(const char *text)
{
	return strncmp(text, tcp, sizeof(tcp) - 1) == 0 ?
	    text + sizeof(tcp) - 1 : text;
}

/* Where the ports begin; NULL: there are none, or it is not clear where. */
static const char *
find_ports(const char *text)
{
	const char	*place = place_of(text), *end;
	size_t		 n = strcspn(place, ",");

	if (place[0] == '[') {
		end = memchr(place, ']', n);
		return end != NULL && end[1] == ':' ? end + 2 : NULL;
	}
	end = memchr(place, ':', n);
	if (end == NULL || memchr(end + 1, ':', n - (end + 1 - place)) != NULL)
		return NULL;
	return end + 1;
}

/* Any scheme but tcp://; the colon of the others is that of no port. */
static int
check_scheme(const char *text, struct tcpk_err *err)
{
	static const enum tcpk_scheme	others[] = {
		TCPK_UNIX, TCPK_FD, TCPK_EXEC, TCPK_SH
	};
	const char	*place = place_of(text), *sep, *name;
	size_t		 i, n;
	bool		 other;

	sep = strstr(place, "://");
	other = strcmp(text, "-") == 0 ||
	    (sep != NULL && sep < place + strcspn(place, ","));
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		name = tcpk_scheme_name(others[i]);
		n = strlen(name);
		if (strncmp(text, name, n) == 0 && text[n] == ':')
			other = true;
	}
	return other ? tcpk_err_set(err, TCPK_EUSAGE,
	    "a scan is of TCP ports only") : 0;
}

static bool
is_option(const char *word, size_t n)
{
	struct tcpk_option_info	info;
	size_t			i;

	if (memchr(word, '=', n) != NULL)
		return true;
	for (i = 0; tcpk_option_info(i, &info); i++)
		if (strlen(info.name) == n &&
		    strncmp(info.name, word, n) == 0)
			return true;
	return false;
}

static int
take_number(uint64_t *n, const char *word, struct tcpk_err *err)
{
	if (tcpk_value_number(n, word, 0, MAX_PORT, NULL) == -1)
		return tcpk_err_set(err, TCPK_EUSAGE, "\"%.40s\" is not a "
		    "port (1 to 65535, or a service name)", word);
	if (*n == 0)
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "port 0 is for listening only");
	return 0;
}

static int
take_range(uint64_t *first, uint64_t *last, char *word,
    struct tcpk_err *err)
{
	char	*dash = strchr(word, '-');
	int	 r;

	if (dash == word || dash[1] == '\0' || strchr(dash + 1, '-') != NULL)
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "\"%.40s\" is not a range of ports (8000-8100)", word);
	*dash = '\0';
	r = take_number(first, word, err);
	if (r == 0)
		r = take_number(last, dash + 1, err);
	*dash = '-';
	if (r == 0 && *first > *last)
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "the range %.40s runs backwards", word);
	return r;
}

static int
take_service(uint64_t *n, const char *word, ports_service *service,
    struct tcpk_err *err)
{
	size_t	i;
	int	port;

	for (i = 0; word[i] != '\0'; i++)
		if (!isalnum((unsigned char)word[i]) &&
		    strchr("-_.+", word[i]) == NULL)
			break;
	if (word[i] != '\0' || word[0] == '-')
		return tcpk_err_set(err, TCPK_EUSAGE,
		    "\"%.40s\" is not a port", word);
	port = service(word, err);
	*n = (uint64_t)port;
	return port == -1 ? -1 : 0;
}

/* One word of the list; it is written to, and left as it was. */
static int
take_word(struct ports *p, struct seen *seen, char *word,
    ports_service *service, struct tcpk_err *err)
{
	uint64_t	first, last;
	bool		range = false;
	int		r;

	if (word[0] == '\0')
		return tcpk_err_set(err, TCPK_EUSAGE, "a port is empty");
	if (word[strspn(word, DIGITS "-")] != '\0')
		r = take_service(&first, word, service, err);
	else if (strchr(word, '-') == NULL)
		r = take_number(&first, word, err);
	else {
		range = true;
		r = take_range(&first, &last, word, err);
	}
	if (r == -1)
		return -1;
	if (!range)
		last = first;
	for (; first <= last; first++)
		if (!seen->port[first]) {
			seen->port[first] = true;
			p->list[p->n++] = (uint16_t)first;
		}
	return 0;
}

/* Behind the ports there are only options: a port there was meant as one. */
static int
check_options(const char *rest, struct tcpk_err *err)
{
	size_t	n;

	for (; *rest != '\0'; rest += n + (rest[n] == ',')) {
		for (n = 0; rest[n] != '\0' && rest[n] != ','; n++)
			if (rest[n] == '\\' && rest[n + 1] == ',')
				n++;
		if (n > 0 && strspn(rest, DIGITS "-") == n)
			return tcpk_err_set(err, TCPK_EUSAGE, "port %.*s "
			    "stands behind an option", n > 40 ? 40 : (int)n,
			    rest);
	}
	return 0;
}

/*
 * The words before the first option.  *rest is where the options begin, ""
 * if there are none.
 */
static int
take_list(struct ports *p, char *words, char **rest, ports_service *service,
    struct tcpk_err *err)
{
	struct seen	*seen = calloc(1, sizeof(*seen));
	char		*word, *next = words;
	uint16_t	*fits;
	size_t		 n;
	int		 r = 0;

	p->list = calloc(MAX_PORT, sizeof(*p->list));
	if (seen == NULL || p->list == NULL)
		r = tcpk_err_set(err, TCPK_EIO, "out of memory");
	while (r == 0 && next != NULL) {
		word = next;
		n = strcspn(word, ",");
		if (word != words && is_option(word, n))
			break;
		next = word[n] == ',' ? word + n + 1 : NULL;
		word[n] = '\0';
		r = take_word(p, seen, word, service, err);
		if (next != NULL)
			word[n] = ',';
	}
	*rest = next != NULL ? next : words + strlen(words);
	free(seen);
	/* Of many hosts, most have a few ports each. */
	fits = r == 0 ? reallocarray(p->list, p->n, sizeof(*fits)) : NULL;
	if (fits != NULL)
		p->list = fits;
	return r == 0 ? check_options(*rest, err) : r;
}

/* The address of the first of the ports; its errors are about all of it. */
static int
take_endpoint(struct ports *p, const char *before, const char *rest,
    struct tcpk_err *err)
{
	char	 prefix[152 + 2];
	char	*text;
	size_t	 n;
	int	 r;

	if (asprintf(&text, "%s%u%s%s", before, p->list[0],
	    *rest != '\0' ? "," : "", rest) == -1)
		return tcpk_err_set(err, TCPK_EIO, "out of memory");
	r = tcpk_endpoint_parse(&p->ep, text, TCPK_CONNECT, err);
	tcpk_endpoint_hide(text);
	if (r == -1) {
		n = (size_t)snprintf(prefix, sizeof(prefix), "%.150s: ",
		    text);
		if (strncmp(err->text, prefix, n) == 0)
			memmove(err->text, err->text + n,
			    strlen(err->text + n) + 1);
	}
	explicit_bzero(text, strlen(text));
	free(text);
	return r;
}

static int
parse(struct ports *p, char *copy, ports_service *service,
    struct tcpk_err *err)
{
	const char	*found = find_ports(copy);
	char		*words, *rest;

	if (*copy == '\0')
		return tcpk_err_set(err, TCPK_EUSAGE, "the address is empty");
	if (check_scheme(copy, err) == -1)
		return -1;
	if (found == NULL)
		return tcpk_err_set(err, TCPK_EUSAGE, strcspn(place_of(copy),
		    ":") >= strcspn(place_of(copy), ",") ? "no port: write "
		    "HOST:PORTS" : "write HOST:PORTS, an IPv6 address in "
		    "brackets: [2001:db8::1]:22,80");
	words = copy + (found - copy);
	if (take_list(p, words, &rest, service, err) == -1)
		return -1;
	/* What is before the ports, and the options behind them. */
	*words = '\0';
	return take_endpoint(p, copy, rest, err);
}

int
ports_parse(struct ports *p, const char *text, ports_service *service,
    struct tcpk_err *err)
{
	char	*copy = strdup(text), *shown = strdup(text);
	int	 r = -1;

	memset(p, 0, sizeof(*p));
	if (copy == NULL || shown == NULL)
		tcpk_err_set(err, TCPK_EIO, "out of memory");
	else {
		r = parse(p, copy, service, err);
		tcpk_endpoint_hide(shown);
		if (r == -1)
			tcpk_err_wrap(err, "%.150s", shown);
	}
	if (r == -1)
		ports_free(p);
	if (copy != NULL)
		explicit_bzero(copy, strlen(text));
	free(copy);
	if (shown != NULL)
		explicit_bzero(shown, strlen(text));
	free(shown);
	return r;
}

void
ports_free(struct ports *p)
{
	tcpk_endpoint_free(&p->ep);
	free(p->list);
	p->list = NULL;
	p->n = 0;
}

/* "host" and "22-80", "443" are host:22-80,443. */
static char *
join(int argc, char **argv)
{
	bool	 bare;
	char	*text, *to;
	size_t	 room = 4;
	int	 i;

	for (i = 0; i < argc; i++)
		room += strlen(argv[i]) + 1;
	text = malloc(room);
	if (text == NULL)
		return NULL;
	bare = argv[0][0] != '[' && strchr(argv[0], ':') != NULL &&
	    strstr(argv[0], "://") == NULL;
	to = stpcpy(text, bare ? "[" : "");
	to = stpcpy(to, argv[0]);
	to = stpcpy(to, bare ? "]" : "");
	for (i = 1; i < argc; i++) {
		*to++ = i == 1 ? ':' : ',';
		to = stpcpy(to, argv[i]);
	}
	return text;
}

int
ports_operands(struct ports **all, size_t *n, int argc, char **argv,
    ports_service *service, struct tcpk_err *err)
{
	char	*joined = NULL;
	int	 r = 0;

	*n = 0;
	*all = calloc((size_t)argc, sizeof(**all));
	if (*all == NULL)
		return tcpk_err_set(err, TCPK_EIO, "out of memory");
	if (argc > 1 && find_ports(argv[0]) == NULL) {
		joined = join(argc, argv);
		argv = &joined;
		argc = 1;
	}
	for (; r == 0 && *n < (size_t)argc; *n += r == 0) {
		if (argv[*n] == NULL)
			r = tcpk_err_set(err, TCPK_EIO, "out of memory");
		else
			r = ports_parse(&(*all)[*n], argv[*n], service, err);
	}
	if (r == -1) {
		while (*n > 0)
			ports_free(&(*all)[--*n]);
		free(*all);
		*all = NULL;
	}
	if (joined != NULL)
		explicit_bzero(joined, strlen(joined));
	free(joined);
	return r;
}
