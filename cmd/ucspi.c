#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "ucspi.h"

/* Names that must not be inherited from a server that runs us. */
static const char *const	ours[] = {
	"PROTO", "TCPREMOTEIP", "TCPREMOTEPORT", "TCPREMOTEHOST",
	"TCPREMOTEINFO", "TCPLOCALIP", "TCPLOCALPORT", "TCPLOCALHOST",
	"TCPCONNNUM", "UNIXLOCALPATH", "UNIXREMOTEPATH", "UNIXCONNNUM",
	"TLS_PROTOCOL", "TLS_CIPHER", "TLS_ALPN", "TLS_SNI", "TLS_RESUMED",
	"TLS_PEER_SUBJECT", "TLS_PEER_ISSUER", "TLS_PEER_NAMES",
	"TLS_PEER_PIN", "TLS_PEER_VERIFIED"
};

#define NOURS	(sizeof(ours) / sizeof(ours[0]))

static bool
is_ours(const char *var)
{
	size_t	i, n = strcspn(var, "=");

	for (i = 0; i < NOURS; i++)
		if (strlen(ours[i]) == n && strncmp(ours[i], var, n) == 0)
			return true;
	return false;
}

static bool
put(char **env, size_t *n, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static bool
put(char **env, size_t *n, const char *fmt, ...)
{
	char	buf[1024];
	va_list	ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	env[*n] = strdup(buf);
	return env[(*n)++] != NULL;
}

static bool
put_tcp(char **env, size_t *n, const struct tcpk_addr *local,
    const struct tcpk_addr *peer, const char *host, uint64_t conn)
{
	char	lip[TCPK_ADDR_TEXT], rip[TCPK_ADDR_TEXT];

	tcpk_addr_format_host(local, lip, sizeof(lip));
	tcpk_addr_format_host(peer, rip, sizeof(rip));
	return put(env, n, "PROTO=TCP") &&
	    put(env, n, "TCPREMOTEIP=%s", rip) &&
	    put(env, n, "TCPREMOTEPORT=%u", tcpk_addr_port(peer)) &&
	    put(env, n, "TCPREMOTEHOST=%s", host != NULL ? host : rip) &&
	    put(env, n, "TCPLOCALIP=%s", lip) &&
	    put(env, n, "TCPLOCALPORT=%u", tcpk_addr_port(local)) &&
	    put(env, n, "TCPCONNNUM=%" PRIu64, conn);
}

static bool
put_unix(char **env, size_t *n, const struct tcpk_addr *local,
    const struct tcpk_addr *peer, uint64_t conn)
{
	char	lpath[TCPK_ADDR_TEXT], rpath[TCPK_ADDR_TEXT];

	tcpk_addr_path(local, lpath, sizeof(lpath));
	tcpk_addr_path(peer, rpath, sizeof(rpath));
	return put(env, n, "PROTO=UNIX") &&
	    put(env, n, "UNIXLOCALPATH=%s", lpath) &&
	    put(env, n, "UNIXREMOTEPATH=%s", rpath) &&
	    put(env, n, "UNIXCONNNUM=%" PRIu64, conn);
}

/* What there is; texts are escaped already. */
static bool
put_text(char **env, size_t *n, const char *name, const char *value)
{
	return value == NULL || put(env, n, "%s=%s", name, value);
}

static bool
put_tls(char **env, size_t *n, const struct tcpk_tls_info *tls)
{
	const struct tcpk_tls_cert	*cert = tls->cert;

	return put_text(env, n, "TLS_PROTOCOL", tls->version) &&
	    put_text(env, n, "TLS_CIPHER", tls->suite) &&
	    put_text(env, n, "TLS_ALPN", tls->alpn) &&
	    put_text(env, n, "TLS_SNI", tls->sni) &&
	    put_text(env, n, "TLS_RESUMED", tls->resumed ? "1" : "0") &&
	    (cert == NULL ||
	    (put_text(env, n, "TLS_PEER_SUBJECT", cert->subject) &&
	    put_text(env, n, "TLS_PEER_ISSUER", cert->issuer) &&
	    put_text(env, n, "TLS_PEER_NAMES", cert->names) &&
	    put_text(env, n, "TLS_PEER_PIN", cert->pin) &&
	    put_text(env, n, "TLS_PEER_VERIFIED",
	    tls->verified ? "1" : "0")));
}

char **
ucspi_environment(char *const env[], const struct tcpk_addr *local,
    const struct tcpk_addr *peer, const char *host, uint64_t conn,
    const struct tcpk_tls_info *tls)
{
	char	**copy;
	size_t	  i, n = 0;
	bool	  ok = true;

	for (i = 0; env[i] != NULL; i++)
		continue;
	copy = calloc(i + NOURS + 1, sizeof(*copy));
	if (copy == NULL)
		return NULL;
	for (i = 0; env[i] != NULL && ok; i++)
		if (!is_ours(env[i]))
			ok = (copy[n++] = strdup(env[i])) != NULL;
	if (ok && (tcpk_addr_family(peer) == AF_INET ||
	    tcpk_addr_family(peer) == AF_INET6))
		ok = put_tcp(copy, &n, local, peer, host, conn);
	else if (ok && tcpk_addr_family(peer) == AF_UNIX)
		ok = put_unix(copy, &n, local, peer, conn);
	if (ok && tls != NULL)
		ok = put_tls(copy, &n, tls);
	if (ok)
		return copy;
	ucspi_free(copy);
	return NULL;
}

void
ucspi_free(char **env)
{
	size_t	i;

	for (i = 0; env != NULL && env[i] != NULL; i++)
		free(env[i]);
	free(env);
}
