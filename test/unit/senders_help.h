/* senders_help: a socket, the stream that hears of it, and who sends. */
#ifndef SENDERS_HELP_H
#define SENDERS_HELP_H

#include <sys/socket.h>
#include <arpa/inet.h>
#include <netinet/in.h>

#include <stdbool.h>

#include "help.h"
#include "tcpkit/senders.h"

#define CLIENTS	5

/* As much as is heard and not read before the socket is left alone. */
#define BOUND	(256 * 1024)

static struct tcpk_loop	*loop;
static char		 big[65507], back[TCPK_SCRATCH];

/* The stream, the socket it hears of, and those who send to that. */
static struct {
	struct tcpk_stream *s;
	struct tcpk_udp	   *u;
	int		    told, new, calls;
	bool	knows_here;	/* the system says where it was sent to */
	unsigned	    ready;
	int		    fd[CLIENTS];
	struct tcpk_addr    addr[CLIENTS];
} t;

__attribute__((unused))
static void
bail(const char *what)
{
	printf("Bail out! %s\n", what);
	exit(1);
}

__attribute__((unused))
static void
on_datagram(void *arg, struct tcpk_udp *u, const struct tcpk_addr *from,
    const void *data, size_t n)
{
	(void)arg;
	t.told++;
	t.knows_here = tcpk_udp_here(u)->len != 0;
	if (t.s != NULL)
		t.new += tcpk_senders_heard(t.s, u, from, data, n);
}

__attribute__((unused))
static void
on_ready(void *arg, unsigned ready)
{
	(void)arg;
	t.calls++;
	t.ready |= ready;
}

/* A client, which knows one other end if it is given, and waits for none. */
__attribute__((unused))
static int
client(const struct tcpk_addr *to)
{
	struct sockaddr_in	sin = { .sin_family = AF_INET };
	int			fd = socket(AF_INET, SOCK_DGRAM, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd == -1 || bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    connect(fd, (const struct sockaddr *)&to->u, to->len) == -1)
		bail("no client");
	return fd;
}

__attribute__((unused))
static void
begin(const struct tcpk_senders_opts *opts, const char *host)
{
	struct tcpk_endpoint	any;
	struct tcpk_addr	a;
	struct tcpk_err		err;
	int			i;

	memset(&t, 0, sizeof(t));
	t.s = tcpk_senders_new(loop, opts, &err);
	if (t.s == NULL || tcpk_endpoint_parse(&any, "udp://:0", TCPK_LISTEN,
	    &err) == -1)
		bail(err.text);
	tcpk_stream_on_ready(t.s, on_ready, NULL);
	tcpk_addr_any(&a, AF_INET, 0);
	if (host == NULL)
		a.u.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	t.u = tcpk_udp_new(loop, &a, &any.o, on_datagram, NULL, &err);
	tcpk_endpoint_free(&any);
	if (t.u == NULL)
		bail(err.text);
	a = *tcpk_udp_addr(t.u);
	if (host != NULL && inet_pton(AF_INET, host, &a.u.in.sin_addr) != 1)
		bail(host);
	for (i = 0; i < CLIENTS; i++) {
		t.fd[i] = client(&a);
		tcpk_addr_local(&t.addr[i], t.fd[i]);
	}
}

__attribute__((unused))
static void
end(void)
{
	int	i;

	tcpk_stream_free(t.s);
	tcpk_udp_free(t.u);
	for (i = 0; i < CLIENTS; i++)
		close(t.fd[i]);
}

/* A client's datagram has been told. */
__attribute__((unused))
static bool
say_n(int who, const void *data, size_t n)
{
	return send(t.fd[who], data, n, 0) == (ssize_t)n &&
	    wait_for(loop, &t.told, t.told + 1);
}

__attribute__((unused))
static bool
say(int who, const char *text)
{
	return say_n(who, text, strlen(text));
}

/* What a client has got next, or "" for nothing; it is there at once. */
__attribute__((unused))
static const char *
got(int who)
{
	ssize_t	n = recv(t.fd[who], back, sizeof(back) - 1, MSG_DONTWAIT);

	back[n > 0 ? n : 0] = '\0';
	return back;
}

__attribute__((unused))
static bool
gets(int who, const char *text)
{
	bool	same = strcmp(got(who), text) == 0;

	if (!same)
		note("client %d got \"%s\"", who, back);
	return same;
}

__attribute__((unused))
static const char *
tagged(int who, const char *line)
{
	static char	text[4][200];
	static int	i;
	char		addr[TCPK_ADDR_TEXT];

	i = (i + 1) % 4;
	snprintf(text[i], sizeof(text[i]), "%s: %s",
	    tcpk_addr_format(&t.addr[who], addr, sizeof(addr)), line);
	return text[i];
}

#endif
