/*
 * pump: what a destination takes from a place that it lends, without a copy.
 * The one here is a socket with such a place, that keeps what does not go out
 * at once, as TLS does, and looks to how it is used.
 */

#include "pump_peers.h"
#include "stream_impl.h"

#define ROOM	(256 * KIB)

/* Behind its room nobody writes. */
#define GUARD	64

struct lender {
	struct tcpk__wrap w;
	char		 *place;	/* lent, or not yet all gone out */
	size_t		  room, off, len;
	bool		  out;		/* it is lent now */
	unsigned	  want;
	unsigned	  rooms, commits, writes, wrong;
	size_t		  most;		/* in one piece */
	size_t		  at_a_time;	/* is read, if not 0 */
	int		  fails;	/* the n-th commit, or all */
	bool		  no_room;	/* fails */
};

/* One that was freed, as it was then. */
static struct lender	gone;

static struct lender *
lender(struct tcpk_stream *s)
{
	return (struct lender *)s;
}

static int
lend_flush(struct lender *l)
{
	ssize_t	put;

	l->wrong += l->out;
	while (l->off < l->len) {
		put = tcpk__wrap_write(&l->w.s, l->place + l->off,
		    l->len - l->off);
		if (put < 0)
			return (int)put;
		l->off += (size_t)put;
	}
	free(l->place);
	l->place = NULL;
	l->off = l->len = 0;
	return 0;
}

static void
lend_set_want(struct lender *l)
{
	tcpk__wrap_want(&l->w.s, l->want | (l->len > 0 ? TCPK_WRITE : 0));
}

static int
lend_room(struct tcpk_stream *s, void **place, size_t *n)
{
	struct lender	*l = lender(s);
	int		 r = lend_flush(l);

	if (r != 0)
		return r;
	if (l->no_room)
		return tcpk__stream_fail(s, TCPK_ECUT, EIO, "write");
	l->rooms++;
	l->place = malloc(l->room + GUARD);
	memset(l->place, 'g', l->room + GUARD);
	l->out = true;
	*place = l->place;
	*n = l->room;
	return 1;
}

static int
lend_commit(struct tcpk_stream *s, size_t n)
{
	struct lender	*l = lender(s);
	size_t		 i;

	l->wrong += !l->out || n > l->room;
	for (i = n; i < l->room + GUARD; i++)
		l->wrong += l->place[i] != 'g';
	l->out = false;
	l->len = n;
	l->commits += n > 0;
	l->most = n > l->most ? n : l->most;
	if (n > 0 && l->fails > 0 && (unsigned)l->fails <= l->commits)
		return tcpk__stream_fail(s, TCPK_ECUT, EIO, "write");
	if (lend_flush(l) == -1)
		return -1;
	lend_set_want(l);
	return 0;
}

static ssize_t
lend_read(struct tcpk_stream *s, void *buf, size_t n)
{
	struct lender	*l = lender(s);

	l->wrong += l->out;
	return tcpk__wrap_read(s, buf, l->at_a_time != 0 &&
	    l->at_a_time < n ? l->at_a_time : n);
}

static ssize_t
lend_write(struct tcpk_stream *s, const void *buf, size_t n)
{
	struct lender	*l = lender(s);
	int		 r = lend_flush(l);

	l->writes++;
	return r != 0 ? r : tcpk__wrap_write(s, buf, n);
}

static int
lend_finish(struct tcpk_stream *s)
{
	int	r = lend_flush(lender(s));

	return r != 0 ? r : tcpk__wrap_finish(s);
}

static void
lend_want(struct tcpk_stream *s, unsigned want)
{
	lender(s)->want = want;
	lend_set_want(lender(s));
}

static void
lend_free(struct tcpk_stream *s)
{
	lender(s)->wrong += lender(s)->out;
	gone = *lender(s);
	free(lender(s)->place);
	tcpk__wrap_free(s);
}

static void
lend_ready(void *arg, unsigned ready)
{
	struct lender	*l = arg;

	if ((ready & TCPK_WRITE) != 0 && l->len > 0 &&
	    lend_flush(l) == TCPK_AGAIN)
		ready &= ~TCPK_WRITE;
	lend_set_want(l);
	if ((ready & l->want) != 0)
		tcpk__stream_ready(&l->w.s, ready & l->want);
}

static const struct tcpk__stream_ops	lender_ops = {
	.read = lend_read, .write = lend_write, .finish = lend_finish,
	.drained = tcpk__wrap_drained, .want = lend_want,
	.hup = tcpk__wrap_hup, .reset = tcpk__wrap_reset, .free = lend_free,
	.fds = tcpk__wrap_fds, .inner = tcpk__wrap_inner, .lingers = true,
	.room = lend_room, .commit = lend_commit
};

/* Let an end of a run lend a place. */
static struct lender *
make_lender(struct run *r, int i, size_t room)
{
	struct lender	*l = calloc(1, sizeof(*l));

	tcpk__wrap_init(&l->w, &lender_ops, r->s[i], lend_ready);
	l->room = room;
	r->s[i] = &l->w.s;
	return l;
}

static const char *const	words[] = { "tcp", "unix", "pipes" };

/* --- tests ---------------------------------------------------------------- */

static void
until_taken(struct run *r, size_t n)
{
	until(r, r->x[1].got >= n || r->done > 0);
}

static void
test_all_kinds(void)
{
	static const enum kind	kinds[] = { TCP, UNIX, PIPES };
	static const size_t	rooms[] = { 8 * KIB, ROOM, 100001 };
	struct lender		*l;
	struct run		 r;
	size_t			 i, j;
	bool			 fine;

	for (i = 0; i < 3; i++)
		for (j = 0; j < 3; j++) {
			prepare(&r, kinds[i], UNIX, 5 * MIB + 7, 3 * MIB);
			l = make_lender(&r, 1, rooms[j]);
			r.x[0].ends = r.x[1].ends = false;
			start(&r);
			until(&r, r.x[1].got == 5 * MIB + 7 &&
			    r.x[0].got == 3 * MIB);
			settle(&r);
			fine = r.p != NULL && l->rooms > 0 &&
			    l->commits > 0 && l->writes == 0 &&
			    l->wrong == 0 && l->most <= rooms[j] &&
			    l->place == NULL && r.p->half[0].buf == NULL;
			r.x[0].ends = r.x[1].ends = true;
			finish(&r);
			say(arrived(&r) && fine, "from %s by %zu bytes: no "
			    "byte is copied, and idle it holds nothing",
			    words[kinds[i]], rooms[j]);
			clean(&r);
		}
}

/* What finds room in the socket, before anybody reads. */
static void
send_before(struct run *r)
{
	int	n = MIB;

	setsockopt(r->x[0].out, SOL_SOCKET, SO_SNDBUF, &n, sizeof(n));
	while (send_some(&r->x[0], 0))
		;
}

/* One large piece, where a pipe gives it in small ones. */
static void
test_fill(void)
{
	struct lender	*l;
	struct run	 r;

	prepare(&r, UNIX, UNIX, 3 * ROOM, 0);
	make_lender(&r, 0, ROOM)->at_a_time = 40 * KIB;
	l = make_lender(&r, 1, ROOM);
	r.x[0].ends = false;
	send_before(&r);
	start(&r);
	until_taken(&r, r.x[0].sent);
	say(l->most > 160 * KIB, "several pieces that are there go as one: "
	    "%zu of %zu", l->most, r.x[0].sent);
	r.x[0].ends = true;
	finish(&r);
	say(arrived(&r), "and all arrive");
	clean(&r);
}

static void
test_limit(void)
{
	static const size_t	limits[] = { 1, 1000, ROOM - 1, ROOM,
	    ROOM + 1, 3 * ROOM + 17 };
	struct run		 r;
	size_t			 i;

	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		prepare(&r, UNIX, UNIX, 2 * MIB, 0);
		make_lender(&r, 1, ROOM);
		r.opts.half[0].limit = limits[i];
		start(&r);
		until(&r, r.done > 0);
		play(&r);
		say(r.done == 1 && r.x[1].got == limits[i] &&
		    !r.x[1].garbled && r.report.taken[0] == limits[i] &&
		    r.report.bytes[0] == limits[i] && gone.commits > 0 &&
		    gone.wrong == 0 && gone.writes == 0,
		    "a limit of %zu holds to the byte", limits[i]);
		clean(&r);
	}
	prepare(&r, UNIX, UNIX, 999, 0);
	make_lender(&r, 1, ROOM);
	r.opts.half[0].limit = 1000;
	start(&r);
	finish(&r);
	say(r.report.err.kind == TCPK_ECUT && r.x[1].got == 999 &&
	    r.report.taken[0] == 999, "and one that is not reached: %s",
	    r.report.err.text);
	clean(&r);
}

/* What was read before src broke is delivered. */
static void
test_src_fails(void)
{
	struct run	r;
	size_t		n;

	for (n = 1; n <= 100 * KIB; n += 50 * KIB) {
		prepare(&r, TCP, UNIX, n, 0);
		make_lender(&r, 1, ROOM);
		r.x[0].ends = r.x[1].ends = false;
		start(&r);
		until_taken(&r, n);
		hang_up(&r.x[0], true);
		finish(&r);
		say(r.done == 1 && r.report.err.kind == TCPK_ECUT &&
		    r.report.side == 0 && r.x[1].got == n &&
		    !r.x[1].garbled && r.report.bytes[0] == n,
		    "a source that breaks behind %zu bytes: %s", n,
		    r.report.err.text);
		clean(&r);
	}
}

static void
test_dst_fails(void)
{
	struct lender	*l;
	struct run	 r;
	int		 how;

	for (how = 0; how < 2; how++) {
		prepare(&r, UNIX, UNIX, MIB, 0);
		l = make_lender(&r, 1, ROOM);
		l->fails = how == 0 ? 2 : 0;
		l->no_room = how == 1;
		start(&r);
		until(&r, r.done > 0);
		say(r.done == 1 && r.report.err.kind == TCPK_ECUT &&
		    r.report.side == 1 &&
		    r.report.bytes[0] <= r.report.taken[0] &&
		    (how == 0) == (r.report.taken[0] > 0),
		    "a destination that breaks %s: %s", how == 0 ?
		    "with a piece" : "before one", r.report.err.text);
		clean(&r);
	}
	/* Its reader leaves while there is more than it takes. */
	prepare_sized(&r, UNIX, TCP, 8 * MIB, 0, 20000);
	make_lender(&r, 1, ROOM);
	r.x[1].stop = 1000;
	r.x[1].ends = false;
	start(&r);
	settle(&r);
	hang_up(&r.x[1], true);
	until(&r, r.done > 0);
	say(r.report.err.kind == TCPK_ECUT && r.report.side == 1,
	    "one whose reader leaves it full: %s", r.report.err.text);
	clean(&r);
}

/* While dst takes nothing, src is not read from. */
static void
test_slow(void)
{
	struct lender	*l;
	struct run	 r;
	size_t		 taken, sent;

	prepare_sized(&r, UNIX, UNIX, 8 * MIB, 0, 20000);
	l = make_lender(&r, 1, ROOM);
	r.x[1].stop = 100;
	start(&r);
	settle(&r);
	taken = r.p->half[0].taken;
	sent = r.x[0].sent;
	say(r.p->half[0].buf == NULL && r.p->half[0].blocked &&
	    l->len > l->off, "a slow one has its piece, and we no other");
	r.turns = 0;
	settle(&r);
	say(r.p->half[0].taken == taken && r.x[0].sent == sent &&
	    r.turns < 200, "its source has to wait (%d turns)", r.turns);
	r.x[1].stop = SIZE_MAX;
	finish(&r);
	say(arrived(&r), "until it goes on");
	clean(&r);

	/* With few bytes, that are all of it: its end is not forgotten. */
	prepare_sized(&r, UNIX, UNIX, 400 * KIB, 0, 20000);
	make_lender(&r, 1, ROOM);
	r.x[1].get = 1000;
	start(&r);
	finish(&r);
	say(arrived(&r), "read in small pieces");
	clean(&r);
}

/*
 * The other direction breaks while dst is full: what is on its way is
 * delivered, and then it is over although src says nothing.
 */
static void
cut(size_t more)
{
	struct run	r;
	size_t		n = 100 * KIB;

	prepare_sized(&r, UNIX, UNIX, n + more, 10, 20000);
	make_lender(&r, 1, ROOM);
	r.x[0].ends = r.x[1].ends = false;
	r.x[0].pause = n;
	r.x[1].stop = 100;
	r.x[1].pause = 0;
	send_before(&r);
	start(&r);
	settle(&r);
	r.x[0].pause = SIZE_MAX;
	settle(&r);
	say(r.p->half[0].taken == n && r.x[0].sent == n + more &&
	    r.p->half[0].blocked == (more > 0),
	    "dst is full, %zu bytes are left in src", more);
	n += more;
	shutdown(r.x[0].in, SHUT_RD);
	r.x[1].pause = SIZE_MAX;
	until(&r, r.p == NULL || r.p->cut);
	say(r.p != NULL && r.p->cut && r.done == 0, "the way back breaks");
	r.x[1].stop = SIZE_MAX;
	until(&r, r.done > 0);
	play(&r);
	say(r.done == 1 && r.x[1].got == n && !r.x[1].garbled &&
	    r.report.err.kind == TCPK_ECUT && r.report.side == 0,
	    "what was under way is delivered, and it is over: %s",
	    r.report.err.text);
	clean(&r);
}

/* Where there is something between, or the same at both ends. */
static void
test_others(void)
{
	struct tcpk_stream	*plain;
	struct lender		*l;
	struct run		 r;
	void			*place;
	size_t			 n;
	char			 first[] = "before all else";

	prepare(&r, UNIX, UNIX, 0, MIB);
	l = make_lender(&r, 1, ROOM);
	plain = r.s[0];
	say(tcpk_stream_room(plain, &place, &n) == 0,
	    "a socket is written to");
	r.s[1] = tcpk_stream_rate(loop, &l->w.s, 100 * MIB, NULL);
	say(tcpk_stream_room(r.s[1], &place, &n) == 0 && l->rooms == 0,
	    "as is one with a rate over one that lends");
	tcpk_stream_free(r.s[1]);
	tcpk_stream_free(plain);
	clean(&r);

	prepare(&r, UNIX, UNIX, 0, MIB);
	l = make_lender(&r, 1, ROOM);
	plain = r.s[0];
	r.s[0] = r.s[1];
	r.x[1].ends = false;
	start(&r);
	until_taken(&r, MIB);
	say(l->rooms == 0 && l->writes > 0, "an echo is written to");
	r.x[1].ends = true;
	until(&r, r.done > 0);
	play(&r);
	say(r.report.err.kind == TCPK_OK && r.x[1].got == MIB &&
	    !r.x[1].garbled, "and says it all");
	tcpk_stream_free(plain);
	clean(&r);

	prepare(&r, UNIX, UNIX, 0, 0);
	l = make_lender(&r, 1, ROOM);
	r.opts.half[0].first = first;
	r.opts.half[0].nfirst = sizeof(first) - 1;
	r.x[0].ends = false;
	start(&r);
	until_taken(&r, sizeof(first) - 1);
	say(r.x[1].got == sizeof(first) - 1 && l->writes == 1 &&
	    memcmp(area, first, sizeof(first) - 1) == 0,
	    "what is to be said first is written");
	clean(&r);
}

static void
test_cut(void)
{
	cut(0);
	cut(100 * KIB);
}

/* Seven datagrams of 40,000 bytes, from a first end that is one of those. */
static void
prepare_datagrams(struct run *r)
{
	int	fds[2], n = MIB, i;

	prepare(r, UNIX, UNIX, 0, 0);
	tcpk_stream_free(r->s[0]);
	close(r->x[0].in);
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) == -1)
		bail("no socket pair");
	setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &n, sizeof(n));
	no_wait(fds[0]);
	r->x[0].in = r->x[0].out = fds[0];
	r->x[0].ends = r->x[1].ends = false;
	r->s[0] = tcpk_stream_datagram(loop, fds[1], NULL);
	for (i = 0; i < 7; i++)
		if (send(fds[0], pattern + i * 40000 % PATTERN, 40000, 0) ==
		    40000)
			r->x[0].sent += 40000;
}

/* One that is longer than the room there is would be cut, and its rest lost. */
static void
test_datagrams(void)
{
	struct run	r;

	prepare_datagrams(&r);
	start(&r);
	until_taken(&r, r.x[0].sent);
	say(r.x[0].sent == 280000 && r.x[1].got == 280000 && !r.x[1].garbled,
	    "large datagrams are read one at a time: %zu of %zu bytes",
	    r.x[1].got, r.x[0].sent);
	clean(&r);

	prepare_datagrams(&r);
	make_lender(&r, 1, 8 * KIB);
	start(&r);
	until_taken(&r, r.x[0].sent);
	say(r.x[1].got == 280000 && !r.x[1].garbled,
	    "and not into a room that is too small: %zu", r.x[1].got);
	clean(&r);
}

static void
test_all(void)
{
	test_all_kinds();
	test_fill();
	test_limit();
	test_src_fails();
	test_dst_fails();
	test_slow();
	test_cut();
	test_others();
	test_datagrams();
	say(pipes_gone(0), "no descriptor is left");
}

int
main(void)
{
	alarm(120);
	return with_each_loop(test_all);
}
