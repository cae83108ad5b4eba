/*
 * PROXY headers over sockets: a listener that expects one, and connections
 * that begin with one.
 */

#include <sys/resource.h>
#include <sys/socket.h>

#include <signal.h>
#include <stdbool.h>

#include "help.h"
#include "tcpkit/connect.h"
#include "tcpkit/proxyproto.h"
#include "tcpkit/serve.h"

#define HEADER	"PROXY TCP4 192.0.2.1 198.51.100.1 4711 443\r\n"
#define FROM	"192.0.2.1:4711"
#define TO	"198.51.100.1:443"

static struct tcpk_loop	*loop;

static struct {
	struct tcpk_serve   *s;
	struct tcpk_stream  *streams[8];
	struct tcpk_addr     at;
	struct tcpk_err	     err;
	int		     ready, clients, denied, bad, warnings, refused;
	bool		     via, frees;
	char		     peer[TCPK_ADDR_TEXT], to[TCPK_ADDR_TEXT];
	char		     sender[TCPK_ADDR_TEXT], rule[100], warning[200];
} t;

static struct tcpk_endpoint	ep;

static void
on_ready(void *arg, const struct tcpk_addr *addrs, size_t n,
    const struct tcpk_err *err)
{
	(void)arg;
	t.ready++;
	if (n > 0)
		t.at = addrs[0];
	if (err != NULL)
		t.err = *err;
}

static void
on_client(void *arg, const struct tcpk_client *c)
{
	(void)arg;
	t.streams[t.clients++] = c->stream;
	tcpk_addr_format(c->peer, t.peer, sizeof(t.peer));
	t.via = c->via != NULL;
	t.to[0] = t.sender[0] = '\0';
	if (c->to != NULL)
		tcpk_addr_format(c->to, t.to, sizeof(t.to));
	if (c->via != NULL)
		tcpk_addr_format_host(c->via, t.sender, sizeof(t.sender));
}

static void
on_denied(void *arg, const struct tcpk_addr *peer, const char *rule)
{
	(void)arg;
	t.denied++;
	tcpk_addr_format_host(peer, t.peer, sizeof(t.peer));
	snprintf(t.rule, sizeof(t.rule), "%s", rule);
}

static void
on_warning(void *arg, const char *text)
{
	(void)arg;
	t.warnings++;
	snprintf(t.warning, sizeof(t.warning), "%s", text);
}

static void
on_refused(void *arg, const struct tcpk_addr *peer,
    const struct tcpk_err *err, const struct tcpk_tls_info *info)
{
	(void)arg;
	(void)peer;
	(void)info;
	t.refused++;
	t.err = *err;
}

static void
on_bad_header(void *arg, const struct tcpk_addr *sender,
    const struct tcpk_err *err)
{
	(void)arg;
	t.bad++;
	t.err = *err;
	tcpk_addr_format_host(sender, t.sender, sizeof(t.sender));
	if (t.frees) {
		tcpk_serve_free(t.s);
		t.s = NULL;
	}
}

static bool
begin(const char *text, bool one)
{
	static const struct tcpk_serve_handler	h = {
		.ready = on_ready, .client = on_client, .denied = on_denied,
		.warning = on_warning, .refused = on_refused,
		.bad_header = on_bad_header
	};
	struct tcpk_serve_opts			opts = { .one = one };
	struct tcpk_err				err;

	memset(&t, 0, sizeof(t));
	if (tcpk_endpoint_parse(&ep, text, TCPK_LISTEN, &err) == -1) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
	t.s = tcpk_serve_start(loop, &ep, &opts, &h, &t, &t.err);
	return t.s != NULL && wait_for(loop, &t.ready, 1);
}

static void
end(void)
{
	while (t.clients > 0)
		tcpk_stream_free(t.streams[--t.clients]);
	tcpk_serve_free(t.s);
	tcpk_endpoint_free(&ep);
}

/* A connection that says this. */
static int
say(const void *p, size_t n)
{
	int	fd = socket(tcpk_addr_family(&t.at), SOCK_STREAM, 0);

	if (connect(fd, &t.at.u.sa, t.at.len) == -1 ||
	    (n > 0 && send(fd, p, n, 0) != (ssize_t)n))
		note("%s", strerror(errno));
	return fd;
}

#define SAY(x)	say(x, sizeof(x) - 1)

/* The other side has closed. */
static bool
is_closed(int fd)
{
	char	byte;
	bool	r = recv(fd, &byte, 1, 0) <= 0;

	close(fd);
	return r;
}

/* The last client can be read this from, and nothing else. */
static bool
has_sent(const char *text)
{
	char		buf[200];
	size_t		n = 0;
	ssize_t		got;
	uint64_t	until = tcpk_now() + LONG;

	while (n < strlen(text) && tcpk_now() < until) {
		got = tcpk_stream_read(t.streams[t.clients - 1], buf + n,
		    sizeof(buf) - n);
		if (got > 0)
			n += (size_t)got;
		else
			tcpk_loop_turn(loop, TCPK_MS, NULL);
	}
	return n == strlen(text) && memcmp(buf, text, n) == 0 &&
	    tcpk_stream_read(t.streams[t.clients - 1], buf, 1) == TCPK_AGAIN;
}

/* --- listening ------------------------------------------------------------ */

static void
test_header(void)
{
	char	all[] = HEADER "hello";
	size_t	i, n = sizeof(HEADER) - 1;
	int	c, d;

	ok(begin("127.0.0.1:0,proxy-protocol", false) && t.warnings == 1 &&
	    strstr(t.warning, "any sender") != NULL, "%s", t.warning);
	c = SAY(HEADER "hello");
	ok(wait_for(loop, &t.clients, 1) && strcmp(t.peer, FROM) == 0 &&
	    strcmp(t.to, TO) == 0 && strcmp(t.sender, "127.0.0.1") == 0,
	    "%s, who connected to %s, by %s", t.peer, t.to, t.sender);
	ok(has_sent("hello"), "what is glued to the header is payload");
	close(c);
	c = say(all, 1);
	for (i = 1; i < n; i++) {
		tcpk_loop_turn(loop, 0, NULL);
		send(c, all + i, i + 1 == n ? 6 : 1, 0);
	}
	ok(wait_for(loop, &t.clients, 2) && strcmp(t.peer, FROM) == 0 &&
	    has_sent("hello"), "a byte at a time");
	close(c);
	c = say(HEADER "\r\n", n);
	send(c, "\r\n", 2, 0);
	ok(wait_for(loop, &t.clients, 3) && has_sent("\r\n"),
	    "payload that looks like its end");
	close(c);
	c = SAY("PROXY UNKNOWN 1\r\nx");
	ok(wait_for(loop, &t.clients, 4) && !t.via && t.to[0] == '\0' &&
	    strncmp(t.peer, "127.0.0.1:", 10) == 0 && has_sent("x"),
	    "UNKNOWN: it is %s", t.peer);
	close(c);
	c = SAY("\r\n\r\n\0\r\nQUIT\n\x20\0\0\5abcdex");
	ok(wait_for(loop, &t.clients, 5) && !t.via && has_sent("x"),
	    "LOCAL: it is %s", t.peer);
	close(c);
	c = SAY("");
	d = SAY(HEADER);
	ok(wait_for(loop, &t.clients, 6), "one who says nothing holds up "
	    "nobody");
	ok(t.bad == 0 && t.denied == 0, "nobody was refused");
	end();
	ok(is_closed(c), "freed, and that one is closed");
	close(d);
}

static void
test_bad(void)
{
	int	c;

	begin("127.0.0.1:0,proxy-protocol,max-clients=1", false);
	c = SAY("GET / HTTP/1.1\r\n\r\n");
	ok(wait_for(loop, &t.bad, 1) && t.err.kind == TCPK_ECUT &&
	    strcmp(t.sender, "127.0.0.1") == 0 && is_closed(c), "%s",
	    t.err.text);
	c = SAY("PROXY TCP4 1.2.3.4");
	shutdown(c, SHUT_WR);
	ok(wait_for(loop, &t.bad, 2) && t.err.kind == TCPK_ECUT &&
	    strstr(t.err.text, "within") != NULL && is_closed(c), "%s",
	    t.err.text);
	c = SAY("");
	shutdown(c, SHUT_WR);
	ok(wait_for(loop, &t.bad, 3) && strstr(t.err.text, "before") != NULL &&
	    is_closed(c), "%s", t.err.text);
	c = SAY("PROXY TCP4");
	turn_for(loop, 5 * TCPK_MS);
	setsockopt(c, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 },
	    sizeof(struct linger));
	close(c);
	ok(wait_for(loop, &t.bad, 4) && t.err.code == ECONNRESET, "%s",
	    t.err.text);
	ep.o.connect_timeout = 50 * TCPK_MS;
	c = SAY("PROXY TCP4 ");
	ok(wait_for(loop, &t.bad, 5) && t.err.kind == TCPK_ETIMEOUT &&
	    is_closed(c), "%s", t.err.text);
	c = SAY("");
	ok(wait_for(loop, &t.bad, 6) && t.err.kind == TCPK_ETIMEOUT &&
	    is_closed(c), "and for one who says nothing");
	c = SAY(HEADER);
	ok(wait_for(loop, &t.clients, 1), "all places are free again");
	close(c);
	end();
	begin("127.0.0.1:0,proxy-protocol", false);
	t.frees = true;
	c = SAY("x");
	ok(wait_for(loop, &t.bad, 1) && is_closed(c), "freed from there");
	end();
}

static void
test_lists(void)
{
	int	c, d[3], i;

	begin("127.0.0.1:0,proxy-protocol=-127.0.0.1", false);
	ok(t.warnings == 0, "no warning with a list");
	c = SAY(HEADER);
	ok(wait_for(loop, &t.denied, 1) && is_closed(c) &&
	    strcmp(t.peer, "127.0.0.1") == 0, "the sender is denied: %s",
	    t.rule);
	end();
	begin("127.0.0.1:0,proxy-protocol=+127/8,acl=-192.0.2.0/24,"
	    "max-clients=1", false);
	c = SAY(HEADER);
	ok(wait_for(loop, &t.denied, 1) && is_closed(c) &&
	    strcmp(t.peer, "192.0.2.1") == 0, "the one it names is: %s",
	    t.rule);
	c = SAY("PROXY TCP4 192.0.3.1 1.2.3.4 1 2\r\n");
	ok(wait_for(loop, &t.clients, 1), "another is served");
	close(c);
	end();
	begin("127.0.0.1:0,proxy-protocol=+127/8,acl=+192.0.2.0/24", false);
	c = SAY(HEADER);
	ok(wait_for(loop, &t.clients, 1), "acl is not for the sender");
	close(c);
	c = SAY("PROXY UNKNOWN\r\n");
	ok(wait_for(loop, &t.denied, 1) && is_closed(c) &&
	    strcmp(t.peer, "127.0.0.1") == 0, "but where it names nobody");
	end();
	begin("127.0.0.1:0,proxy-protocol=+127/8,max-per-host=2", false);
	for (i = 0; i < 3; i++) {
		d[i] = SAY(HEADER);
		if (i < 2)
			wait_for(loop, &t.clients, i + 1);
	}
	ok(wait_for(loop, &t.denied, 1) && t.clients == 2 && is_closed(d[2]) &&
	    strcmp(t.rule, "max-per-host 2") == 0, "%s", t.rule);
	c = SAY("PROXY TCP4 192.0.2.2 1.2.3.4 1 2\r\n");
	ok(wait_for(loop, &t.clients, 3), "of the one that it names");
	close(c);
	close(d[0]);
	close(d[1]);
	end();
	ok(!begin("127.0.0.1:0,proxy-protocol=127.0.0.1", false) &&
	    t.err.kind == TCPK_EUSAGE && t.ready == 0, "%s", t.err.text);
	end();
	ok(begin("127.0.0.1:0,proxy-protocol=+127.0.0.1/8", false) &&
	    t.warnings == 1, "%s", t.warning);
	end();
}

static void
test_unix(void)
{
	int	c;

	begin("unix:s,proxy-protocol", false);
	ok(t.warnings == 0, "a Unix socket needs no list");
	c = SAY(HEADER "hello");
	ok(wait_for(loop, &t.clients, 1) && strcmp(t.peer, FROM) == 0 &&
	    has_sent("hello"), "and a header from there is as good");
	close(c);
	end();
}

/* The first to be served is the only one. */
static void
test_one(void)
{
	int	a, b, c;

	begin("127.0.0.1:0,proxy-protocol,acl=-192.0.2.9", true);
	a = SAY("PROXY ");
	b = SAY("PROXY TCP4 192.0.2.9 1.2.3.4 1 2\r\n");
	ok(wait_for(loop, &t.denied, 1) && is_closed(b), "one is denied");
	c = SAY(HEADER "hello");
	ok(wait_for(loop, &t.clients, 1) && has_sent("hello"),
	    "the next is served");
	ok(is_closed(a), "who had not said who it is, is given up");
	close(c);
	c = socket(AF_INET, SOCK_STREAM, 0);
	ok(connect(c, &t.at.u.sa, t.at.len) == -1 && errno == ECONNREFUSED,
	    "nobody listens any more");
	close(c);
	turn_for(loop, 5 * TCPK_MS);
	ok(t.clients == 1 && t.bad == 0 && t.refused == 0, "nobody else came");
	end();
}

static void
test_many(void)
{
	static int	c[1030];
	struct rlimit	l;
	int		i, n = 1030;

	if (getrlimit(RLIMIT_NOFILE, &l) == -1)
		return;
	if (l.rlim_cur < 2200) {
		l.rlim_cur = 2200;
		if (l.rlim_max < 2200 || setrlimit(RLIMIT_NOFILE, &l) == -1) {
			note("not enough descriptors for 1030 clients");
			return;
		}
	}
	begin("unix:s,proxy-protocol", false);
	for (i = 0; i < n; i++) {
		c[i] = SAY("P");
		tcpk_loop_turn(loop, 0, NULL);
	}
	ok(wait_for(loop, &t.bad, 6) && t.err.kind == TCPK_ETIMEOUT, "%s",
	    t.err.text);
	turn_for(loop, 10 * TCPK_MS);
	ok(t.bad == 6, "of %d clients %d made room", n, t.bad);
	for (i = 0; i < 6; i++)
		if (!is_closed(c[i]))
			break;
	ok(i == 6, "the oldest");
	tcpk_serve_stop(t.s);
	for (; i < n && is_closed(c[i]); i++)
		continue;
	ok(i == n, "stopped: all are closed");
	end();
}

/* --- connecting ----------------------------------------------------------- */

static struct {
	struct tcpk_stream *stream;
	struct tcpk_err	    err;
	int		    done;
} made;

static void
on_connected(void *arg, const struct tcpk_connected *c)
{
	(void)arg;
	made.done++;
	made.stream = c->stream;
	made.err = c->err;
}

/* Connect to the socket l by an endpoint of that scheme; returns its other
 * end. */
static int
connect_to(int l, const char *options, const struct tcpk_proxy_from *from,
    struct tcpk_endpoint *e)
{
	struct tcpk_connect_opts	opts = { .from = from };
	struct tcpk_addr		a;
	char				text[300], where[TCPK_ADDR_TEXT];
	int				fd;

	memset(&made, 0, sizeof(made));
	tcpk_addr_local(&a, l);
	snprintf(text, sizeof(text), "%s%s",
	    tcpk_addr_format(&a, where, sizeof(where)), options);
	if (tcpk_endpoint_parse(e, text, TCPK_CONNECT, &made.err) == -1) {
		printf("Bail out! %s\n", made.err.text);
		exit(1);
	}
	tcpk_connect_start(loop, e, &opts, on_connected, NULL, &made.err);
	wait_for(loop, &made.done, 1);
	fd = accept(l, NULL, NULL);
	return fd;
}

static int
listening(const char *path)
{
	struct tcpk_addr	a;
	int			l;

	if (path != NULL)
		tcpk_addr_unix(&a, path, NULL);
	else
		tcpk_addr_parse(&a, "127.0.0.1", 0, NULL);
	l = socket(tcpk_addr_family(&a), SOCK_STREAM, 0);
	if (bind(l, &a.u.sa, a.len) == -1 || listen(l, 5) == -1)
		exit(1);
	return l;
}

/* Everything that comes before an end. */
static size_t
read_all(int fd, char *buf, size_t size)
{
	size_t	n = 0;
	ssize_t	got;

	tcpk_stream_free(made.stream);
	made.stream = NULL;
	while (n < size && (got = recv(fd, buf + n, size - n, 0)) > 0)
		n += (size_t)got;
	close(fd);
	return n;
}

static void
test_own(void)
{
	struct tcpk_endpoint	e;
	struct tcpk_proxyproto	h;
	struct tcpk_addr	local, peer;
	char			buf[4096];
	size_t			n;
	int			l = listening(NULL), c, version;

	for (version = 1; version <= 2; version++) {
		c = connect_to(l, version == 1 ? ",proxy-protocol=1" :
		    ",proxy-protocol=2", NULL, &e);
		ok(made.stream != NULL, "version %d", version);
		tcpk_addr_local(&local, c);
		tcpk_addr_peer(&peer, c);
		tcpk_stream_write(made.stream, "hello", 5);
		n = read_all(c, buf, sizeof(buf));
		ok(n > 5 && memcmp(buf + n - 5, "hello", 5) == 0 &&
		    tcpk_proxyproto_parse(&h, buf, n, NULL) ==
		    (ssize_t)n - 5 && tcpk_addr_equal(&h.from, &peer) &&
		    tcpk_addr_equal(&h.to, &local) &&
		    (int)h.version == version,
		    "the header gives the connection's own ends");
		tcpk_endpoint_free(&e);
	}
	close(l);
	l = listening("u");
	c = connect_to(l, ",proxy-protocol=1", NULL, &e);
	n = read_all(c, buf, sizeof(buf));
	ok(n == 15 && memcmp(buf, "PROXY UNKNOWN\r\n", 15) == 0,
	    "of a Unix socket version 1 cannot");
	tcpk_endpoint_free(&e);
	close(l);
	unlink("u");
}

/* A client whose certificate has this subject; is this its common name? */
static void
check_name(int l, const char *subject, const char *cn)
{
	struct tcpk_tls_cert	cert = { .key = "EC P-256" };
	struct tcpk_tls_info	info = { .version = "TLSv1.2",
	    .suite = "ECDHE", .alpn = "h2", .sni = "a.example",
	    .cert = &cert, .verified = true };
	struct tcpk_proxy_from	from = { .tls = &info };
	struct tcpk_endpoint	e;
	struct tcpk_proxyproto	h;
	char			buf[4096], want[300], addr[TCPK_ADDR_TEXT];
	size_t			n, nwant;
	int			c;

	snprintf(cert.subject, sizeof(cert.subject), "%s", subject);
	tcpk_addr_parse(&from.client, "192.0.2.1", 4711, NULL);
	tcpk_addr_parse(&from.listener, "198.51.100.1", 443, NULL);
	c = connect_to(l, ",proxy-protocol=2", &from, &e);
	n = read_all(c, buf, sizeof(buf));
	nwant = strlen(cn);
	want[0] = 0x22;
	want[1] = 0;
	want[2] = (char)nwant;
	memcpy(want + 3, cn, nwant);
	ok(tcpk_proxyproto_parse(&h, buf, n, NULL) == (ssize_t)n &&
	    strcmp(tcpk_addr_format(&h.from, addr, sizeof(addr)), FROM) == 0 &&
	    memmem(buf, n, "\1\0\2h2\2\0\x09" "a.example", 17) != NULL &&
	    memmem(buf, n, "\x21\0\7TLSv1.2\x23\0\5ECDHE", 18) != NULL &&
	    (nwant > 0 ? n > nwant + 3 && memcmp(buf + n - nwant - 3, want,
	    nwant + 3) == 0 : memmem(buf, n, "\x22\0", 2) == NULL),
	    "%.60s: %s", subject, cn);
	tcpk_endpoint_free(&e);
}

static void
test_tls_facts(void)
{
	char	cut[256];
	int	l = listening(NULL);

	check_name(l, "CN=me", "me");
	check_name(l, "CN=me,O=Example", "me");
	check_name(l, "O=Example,CN=me", "me");
	check_name(l, "CN=inner,CN=outer", "inner");
	check_name(l, "UID=1+CN=me,O=x", "me");
	check_name(l, "O=a\\,CN=root,CN=me", "me");
	check_name(l, "O=a\\\\,CN=me", "me");
	check_name(l, "O=a\\+CN=root", "");
	check_name(l, "O=xCN=root", "");
	check_name(l, "CN=a\\,b\\+c\\\\x41", "a,b+c\\x41");
	check_name(l, "CN=J\\xc3\\xb6rg", "J\xc3\xb6rg");
	check_name(l, "CN=J\\xf6rg", "");
	check_name(l, "CN=a\\x00b", "");
	check_name(l, "CN=a\\x0ab", "");
	check_name(l, "CN=\\xe2\\x82", "");
	check_name(l, "CN=#0401", "");
	check_name(l, "CN=", "");
	check_name(l, "", "");
	memset(cut, 'x', sizeof(cut));
	memcpy(cut, "CN=", 3);
	memcpy(cut + 252, "...", 4);
	check_name(l, cut, "");
	close(l);
}

/* What is not sent yet when time is over: the stream takes nothing. */
static void
test_cancelled(void)
{
	struct tcpk_connect_opts	opts = { .from = NULL };
	struct tcpk_endpoint		e;
	struct tcpk_connect		*c;
	struct tcpk_addr		a;
	char				text[200], where[TCPK_ADDR_TEXT];
	int				i, turn, l = listening(NULL);

	tcpk_addr_local(&a, l);
	snprintf(text, sizeof(text), "%s,proxy-protocol=2",
	    tcpk_addr_format(&a, where, sizeof(where)));
	tcpk_endpoint_parse(&e, text, TCPK_CONNECT, NULL);
	for (i = 0; i < 6; i++) {
		memset(&made, 0, sizeof(made));
		c = tcpk_connect_start(loop, &e, &opts, on_connected, NULL,
		    NULL);
		for (turn = 0; turn < i && made.done == 0; turn++)
			tcpk_loop_turn(loop, TCPK_MS, NULL);
		if (made.done == 0)
			tcpk_connect_cancel(c);
		tcpk_stream_free(made.stream);
	}
	ok(1, "cancelled at any time");
	tcpk_endpoint_free(&e);
	close(l);
}

static void
test_backend(const char *name)
{
	int	before = count_fds();

	loop = tcpk_loop_new(name, NULL);
	if (loop == NULL)
		return;
	note("back end %s", name);
	test_header();
	test_bad();
	test_lists();
	test_unix();
	test_one();
	test_many();
	test_own();
	test_tls_facts();
	test_cancelled();
	turn_for(loop, 10 * TCPK_MS);
	tcpk_loop_free(loop);
	ok(count_fds() == before, "no descriptor is left");
}

int
main(void)
{
	alarm(120);
	signal(SIGPIPE, SIG_IGN);
	make_dir();
	test_backend("epoll");
	test_backend("poll");
	return done_testing();
}
