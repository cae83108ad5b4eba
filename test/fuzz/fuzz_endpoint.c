/*
 * fuzz_endpoint: any text as an address, for all roles.
 *
 * What is taken keeps its text, has what its scheme needs, and means the same
 * when it is put together again from its parts.  What is refused says why in
 * one error that names the address, and leaves nothing behind.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <tcpkit/endpoint.h>

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static int
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void
need(int cond)
{
	if (!cond)
		abort();
}

/* The place anew, with its commas escaped. */
static char *
rebuild(const struct tcpk_endpoint *ep)
{
	const char	*place = ep->path != NULL ? ep->path : ep->argv[2];
	char		*text = malloc(2 * strlen(place) + 8), *to;

	need(text != NULL);
	strcpy(text, ep->path != NULL ? "unix:" : "sh:");
	for (to = text + strlen(text); *place != '\0'; place++) {
		if (*place == ',')
			*to++ = '\\';
		*to++ = *place;
	}
	*to = '\0';
	return text;
}

static void
check_parts(const struct tcpk_endpoint *ep)
{
	const struct tcpk_options	*o = &ep->o;

	switch (ep->scheme) {
	case TCPK_TCP:
	case TCPK_TLS:
	case TCPK_UDP:
		need(ep->port != NULL && ep->port[0] != '\0');
		need(ep->host != NULL || ep->role == TCPK_LISTEN);
		need(ep->host == NULL || ep->host[0] != '\0');
		need(ep->path == NULL && ep->argv == NULL);
		break;
	case TCPK_UNIX:
		need(ep->path != NULL && ep->path[0] != '\0');
		break;
	case TCPK_FD:
		need(ep->fd >= 0);
		break;
	case TCPK_EXEC:
	case TCPK_SH:
		need(ep->role != TCPK_LISTEN);
		need(ep->argv != NULL && ep->argv[0] != NULL);
		need(ep->argv[0][0] != '\0');
		break;
	case TCPK_STDIO:
		need(ep->role != TCPK_LISTEN);
		break;
	}
	need(o->connect_timeout > 0);
	need(o->family == 0 || o->family == 4 || o->family == 6);
	need(o->dscp == TCPK_UNSET || o->dscp <= 63);
	need(o->ttl == TCPK_UNSET || (o->ttl >= 1 && o->ttl <= 255));
	need(o->mode == TCPK_UNSET || o->mode <= 0777);
	need(o->backlog <= INT32_MAX && o->rcvbuf <= INT32_MAX);
}

static void
check_again(const struct tcpk_endpoint *ep)
{
	struct tcpk_endpoint	again;
	struct tcpk_err		err;
	char			*text;

	if (ep->scheme != TCPK_UNIX && ep->scheme != TCPK_SH)
		return;
	text = rebuild(ep);
	/* A backslash before a comma of its own cannot be written. */
	if (strstr(text, "\\\\,") == NULL) {
		need(tcpk_endpoint_parse(&again, text, ep->role, &err) == 0);
		need(same(again.path, ep->path));
		need(ep->argv == NULL || same(again.argv[2], ep->argv[2]));
		tcpk_endpoint_free(&again);
	}
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tcpk_endpoint	 ep;
	struct tcpk_err		 err;
	char			*text = malloc(size + 1), *shown;
	int			 role;

	need(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	/* A password that is written in it is not shown. */
	shown = strdup(text);
	need(shown != NULL);
	tcpk_endpoint_hide(shown);
	for (role = TCPK_CONNECT; role <= TCPK_TARGET; role++) {
		memset(&err, 0, sizeof(err));
		if (tcpk_endpoint_parse(&ep, text, (enum tcpk_role)role,
		    &err) == 0) {
			need(strcmp(ep.text, shown) == 0);
			need(err.kind == TCPK_OK);
			check_parts(&ep);
			check_again(&ep);
			tcpk_endpoint_free(&ep);
		} else {
			need(err.kind == TCPK_EUSAGE);
			need(strncmp(err.text, shown,
			    strlen(shown) > 80 ? 80 : strlen(shown)) == 0);
			need(memchr(err.text, '\0', sizeof(err.text)) !=
			    NULL);
		}
	}
	free(shown);
	free(text);
	return 0;
}
