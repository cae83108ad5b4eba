/*
 * fuzz_ports: any text as a host and its ports.
 *
 * What is taken has ports, each once and each a port, and means the same
 * when it is written as one number after the other.  What is refused says
 * why in one error that names what was given, and leaves nothing behind.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tcpcat_ports.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
need(int cond)
{
	if (!cond)
		abort();
}

static int
service(const char *name, struct tcpk_err *err)
{
	if (name[0] == 'h')
		return 80;
	return tcpk_err_set(err, TCPK_EUSAGE, "no service \"%.40s\"", name);
}

static void
check_list(const struct ports *p)
{
	static unsigned char	seen[65536];
	size_t			i;

	need(p->n >= 1 && p->n <= 65535);
	memset(seen, 0, sizeof(seen));
	for (i = 0; i < p->n; i++) {
		need(p->list[i] != 0 && !seen[p->list[i]]);
		seen[p->list[i]] = 1;
	}
}

static void
check_again(const struct ports *p)
{
	struct ports	again;
	struct tcpk_err	err;
	size_t		i, at, size = strlen(p->ep.host) + 8 + 6 * p->n;
	char		*text = malloc(size);

	need(text != NULL);
	at = (size_t)snprintf(text, size, strchr(p->ep.host, ':') != NULL ?
	    "[%s]:" : "%s:", p->ep.host);
	for (i = 0; i < p->n; i++)
		at += (size_t)snprintf(text + at, size - at, i == 0 ? "%u" :
		    ",%u", p->list[i]);
	/* But for a host with the name of a scheme, as fd. */
	if (ports_parse(&again, text, service, &err) == 0) {
		need(again.n == p->n);
		need(memcmp(again.list, p->list, p->n *
		    sizeof(*p->list)) == 0);
		need(strcmp(again.ep.host, p->ep.host) == 0);
		ports_free(&again);
	} else
		need(strstr(err.text, "TCP ports only") != NULL);
	free(text);
}

static void
check_one(const char *text)
{
	struct ports	p;
	struct tcpk_err	err;
	char		*shown = strdup(text);

	need(shown != NULL);
	tcpk_endpoint_hide(shown);
	memset(&err, 0, sizeof(err));
	if (ports_parse(&p, text, service, &err) == 0) {
		need(err.kind == TCPK_OK);
		need(p.ep.scheme == TCPK_TCP && p.ep.host != NULL &&
		    p.ep.host[0] != '\0');
		check_list(&p);
		check_again(&p);
		ports_free(&p);
	} else {
		need(err.kind == TCPK_EUSAGE && p.list == NULL);
		need(strncmp(err.text, shown, strlen(shown) > 80 ? 80 :
		    strlen(shown)) == 0);
		need(memchr(err.text, '\0', sizeof(err.text)) != NULL);
	}
	free(shown);
}

/* Lines are operands; those of the first are taken by themselves, too. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ports	*all;
	struct tcpk_err	 err;
	char		*text = malloc(size + 1), *argv[8], *next;
	size_t		 n;
	int		 argc = 0;

	need(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	for (next = text; next != NULL && argc < 8;) {
		argv[argc++] = next;
		next = strchr(next, '\n');
		if (next != NULL)
			*next++ = '\0';
	}
	check_one(argv[0]);
	if (ports_operands(&all, &n, argc, argv, service, &err) == 0) {
		need(n >= 1 && n <= (size_t)argc);
		while (n > 0) {
			check_list(&all[--n]);
			ports_free(&all[n]);
		}
		free(all);
	} else
		need(err.kind == TCPK_EUSAGE && all == NULL && n == 0);
	free(text);
	return 0;
}
