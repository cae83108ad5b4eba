/*
 * fuzz_record: the stream over TLS records, without a handshake, over a
 * stream that does what the input says.
 *
 * The input is a program: records that are sealed with the right key, and
 * others; how much comes at a time; reads, writes and the end in between.
 * What is read is what was sealed as data, up to the first record that is
 * wrong or ends it; what is written can be opened again; and no more is kept
 * than one record each way and what one write takes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tls_record_impl.h"

#define ROOM	(1024 * 1024)
#define RECORD	(TCPK__TLS_HEADER + TCPK__TLS_MAX_PLAIN + 32)

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* The stream below: what comes from it, and what it was given. */
struct inner {
	struct tcpk_stream	s;
	unsigned char		in[ROOM], out[ROOM];
	size_t			in_at, in_len, out_at, out_len;
	size_t			chunk;		/* bytes a read, at most */
	size_t			room;		/* to be taken still */
	int			again;		/* reads that have nothing */
	bool			ended, failed, deaf, freed;
};

/* The keys at the peer's end. */
union out {
	const br_sslrec_out_class *vtable;
	br_sslrec_gcm_context	gcm;
	br_sslrec_chapol_context chapol;
};

union in {
	const br_sslrec_in_class *vtable;
	br_sslrec_gcm_context	gcm;
	br_sslrec_chapol_context chapol;
};

static struct tcpk_loop		*loop;
static struct tcpk_tls_config	 config;
static struct inner		 inner;
static union out		 sealing;
static union in			 opening;
static struct tcpk_stream	*stream;
static const struct tcpk__tls	*tls;

static const uint8_t		*input;
static size_t			 input_len;

/* What was sealed as data; what was written. */
static unsigned char		 sealed[ROOM], written[ROOM];
static size_t			 nsealed, nread, nwritten, nopened;
static size_t			 until;		/* sealed before the end */
static size_t			 last;		/* where a record begins */
static size_t			 most;		/* bytes in one of ours */
static bool			 plain;		/* nothing but data so far */
static bool			 closed, finished, close_opened, write_failed;
static int			 ended;		/* as read said */

static void
need(int cond)
{
	if (!cond)
		abort();
}

static unsigned
take(void)
{
	if (input_len == 0)
		return 0;
	input_len--;
	return *input++;
}

static size_t
take2(void)
{
	size_t	high = take();

	return high << 8 | take();
}

/* --- the stream below ----------------------------------------------------- */

static ssize_t
inner_read(struct tcpk_stream *s, void *buf, size_t n)
{
	size_t	left = inner.in_len - inner.in_at;

	need(!inner.freed && n > 0);
	if (inner.again > 0) {
		inner.again--;
		return TCPK_AGAIN;
	}
	if (left == 0 && inner.failed)
		return tcpk__stream_fail(s, TCPK_ECUT, 0, "read");
	if (left == 0)
		return inner.ended ? 0 : TCPK_AGAIN;
	if (n > left)
		n = left;
	if (n > inner.chunk)
		n = inner.chunk;
	memcpy(buf, inner.in + inner.in_at, n);
	inner.in_at += n;
	return (ssize_t)n;
}

static ssize_t
inner_write(struct tcpk_stream *s, const void *buf, size_t n)
{
	need(!inner.freed && n > 0);
	if (inner.deaf) {
		write_failed = true;
		return tcpk__stream_fail(s, TCPK_ECUT, 0, "write");
	}
	if (inner.room == 0)
		return TCPK_AGAIN;
	if (n > inner.room)
		n = inner.room;
	if (n > ROOM - inner.out_len)
		return TCPK_AGAIN;
	memcpy(inner.out + inner.out_len, buf, n);
	inner.out_len += n;
	inner.room -= n;
	return (ssize_t)n;
}

static int
inner_finish(struct tcpk_stream *s)
{
	(void)s;
	need(!inner.freed);
	return 0;
}

static int
inner_drained(struct tcpk_stream *s, uint64_t *left)
{
	(void)s;
	*left = inner.out_len - inner.out_at;
	return *left == 0 ? 0 : TCPK_AGAIN;
}

static void
inner_want(struct tcpk_stream *s, unsigned want)
{
	(void)s;
	need(!inner.freed && (want & ~(TCPK_READ | TCPK_WRITE | TCPK_HUP)) ==
	    0);
}

static int
inner_hup(struct tcpk_stream *s)
{
	return inner.deaf ? tcpk__stream_fail(s, TCPK_ECUT, 0, "hang-up") :
	    TCPK_AGAIN;
}

static void
inner_reset(struct tcpk_stream *s)
{
	(void)s;
}

static void
inner_free(struct tcpk_stream *s)
{
	(void)s;
	need(!inner.freed);
	inner.freed = true;
}

static bool
inner_fds(const struct tcpk_stream *s, int *rfd, int *wfd)
{
	(void)s;
	*rfd = *wfd = -1;
	return false;
}

static const struct tcpk__stream_ops	inner_ops = {
	.read = inner_read, .write = inner_write, .finish = inner_finish,
	.drained = inner_drained, .want = inner_want, .hup = inner_hup,
	.reset = inner_reset, .free = inner_free, .fds = inner_fds,
	.lingers = true
};

/* --- the keys ------------------------------------------------------------- */

static void
set_keys(bool gcm, br_ssl_engine_context *eng)
{
	static const unsigned char	key[2][32] = { "one way", "another" };
	static const unsigned char	iv[2][12] = { "to", "fro" };
	const br_block_ctr_class	*aes = br_aes_x86ni_ctr_get_vtable();
	br_ghash			 ghash = br_ghash_pclmul_get();
	const br_sslrec_in_gcm_class	*gin = &br_sslrec_in_gcm_vtable;
	const br_sslrec_out_gcm_class	*gout = &br_sslrec_out_gcm_vtable;
	const br_sslrec_in_chapol_class	*cin = &br_sslrec_in_chapol_vtable;
	const br_sslrec_out_chapol_class *cout = &br_sslrec_out_chapol_vtable;

	if (aes == NULL || ghash == 0) {
		aes = &br_aes_ct_ctr_vtable;
		ghash = br_ghash_ctmul;
	}
	if (gcm) {
		gin->init(&eng->in.gcm.vtable.in, aes, key[0], 16, ghash,
		    iv[0]);
		gout->init(&sealing.gcm.vtable.out, aes, key[0], 16, ghash,
		    iv[0]);
		gout->init(&eng->out.gcm.vtable.out, aes, key[1], 16, ghash,
		    iv[1]);
		gin->init(&opening.gcm.vtable.in, aes, key[1], 16, ghash,
		    iv[1]);
		return;
	}
	cin->init(&eng->in.chapol.vtable.in, br_chacha20_ct_run,
	    br_poly1305_ctmul_run, key[0], iv[0]);
	cout->init(&sealing.chapol.vtable.out, br_chacha20_ct_run,
	    br_poly1305_ctmul_run, key[0], iv[0]);
	cout->init(&eng->out.chapol.vtable.out, br_chacha20_ct_run,
	    br_poly1305_ctmul_run, key[1], iv[1]);
	cin->init(&opening.chapol.vtable.in, br_chacha20_ct_run,
	    br_poly1305_ctmul_run, key[1], iv[1]);
}

/* --- what comes in -------------------------------------------------------- */

static void
push(const unsigned char *p, size_t n)
{
	need(n <= ROOM - inner.in_len);
	if (n > 0)
		memcpy(inner.in + inner.in_len, p, n);
	inner.in_len += n;
}

static void
seal(unsigned type, unsigned version, const unsigned char *p, size_t n)
{
	static unsigned char	buf[65536 + 64];
	unsigned char		*rec = buf + 32;

	if (n + 64 > ROOM - inner.in_len)
		return;
	if (n > 0)
		memcpy(rec, p, n);
	if (type == TCPK__RECORD_DATA && version == TCPK__TLS_VERSION) {
		memcpy(sealed + nsealed, p, n);
		nsealed += n;
		if (!closed)
			until = nsealed;
	}
	last = inner.in_len;
	rec = sealing.vtable->encrypt(&sealing.vtable, (int)type, version,
	    rec, &n);
	push(rec, n);
}

static void
seal_data(size_t n)
{
	static unsigned char	buf[65536];
	size_t			i;

	if (n > sizeof(buf))
		n = sizeof(buf);
	for (i = 0; i < n; i++)
		buf[i] = (unsigned char)(nsealed + i + ((nsealed + i) >> 8));
	plain = plain && n > 0 && n <= TCPK__TLS_MAX_PLAIN;
	seal(TCPK__RECORD_DATA, TCPK__TLS_VERSION, buf, n);
}

static void
seal_close(void)
{
	seal(TCPK__RECORD_ALERT, TCPK__TLS_VERSION,
	    (const unsigned char *)"\1\0", 2);
	closed = true;
}

/* A record of any kind, authentic; with what the input has for contents. */
static void
seal_any(void)
{
	unsigned	type = take(), version = TCPK__TLS_VERSION;
	size_t		n = take();

	plain = false;
	if (type >= 128) {
		version = (unsigned)take2();
		type = TCPK__RECORD_CCS + type % 4;
	}
	if (n > input_len)
		n = input_len;
	seal(type, version, input, n);
	input += n;
	input_len -= n;
}

static void
push_raw(void)
{
	size_t	n = take();

	plain = false;
	if (n > input_len)
		n = input_len;
	if (n <= ROOM - inner.in_len)
		push(input, n);
	input += n;
	input_len -= n;
}

/* The last record: changed, or once more; the one before cut short. */
static void
spoil(void)
{
	unsigned	how = take();
	size_t		n = inner.in_len - last, at = take2();

	if (n == 0 || last < inner.in_at)
		return;
	plain = false;
	if (how < 128)
		inner.in[last + at % n] ^= (unsigned char)(how + 1);
	else if (how < 192 && n <= ROOM - inner.in_len) {
		memcpy(inner.in + inner.in_len, inner.in + last, n);
		inner.in_len += n;
	} else
		inner.in_len -= at % n;
}

/* --- what is done with it ------------------------------------------------- */

static void
look(void)
{
	need(tls->spill_len <= RECORD && tls->len <= TCPK_BUFFER);
	need(tls->off <= tls->len && tls->plain_off <= tls->plain_len);
	need(tls->plain_len <= 2 * RECORD);
	need((tls->buf != NULL) == (tls->len > 0));
	need((tls->plain != NULL) == (tls->plain_len > 0));
	need((tls->spill != NULL) == (tls->spill_len > 0));
}

static ssize_t
read_some(size_t n)
{
	static unsigned char	buf[TCPK_SCRATCH];
	ssize_t			got;

	got = tcpk_stream_read(stream, buf, n);
	look();
	if (got == TCPK_AGAIN) {
		need(ended == 0);
		return got;
	}
	need(got >= -1 && got <= (ssize_t)n);
	if (got > 0) {
		need(ended == 0 && (size_t)got <= until - nread);
		need(memcmp(buf, sealed + nread, (size_t)got) == 0);
		nread += (size_t)got;
		return got;
	}
	need(ended == 0 || ended == (got == 0 ? 1 : 2));
	ended = got == 0 ? 1 : 2;
	if (got == -1)
		need(tcpk_stream_err(stream)->kind != TCPK_OK);
	else
		need(tls->close_seen || config.allow_truncation);
	return got;
}

/* By the place that it lends: as write. */
static ssize_t
lay(const unsigned char *p, size_t n)
{
	void	*place;
	size_t	 room;
	int	 r = tcpk_stream_room(stream, &place, &room);

	need(r == 1 || r == TCPK_AGAIN || r == -1);
	if (r != 1)
		return r;
	need(room == 16 * most);
	if (n > room)
		n = room;
	memcpy(place, p, n);
	return tcpk_stream_commit(stream, n) == -1 ? -1 : (ssize_t)n;
}

/* An odd number of bytes is laid. */
static void
write_some(size_t n)
{
	static unsigned char	buf[2 * TCPK_SCRATCH];
	size_t			i;
	ssize_t			put;

	if (finished || n > sizeof(buf) || n > ROOM - nwritten)
		return;
	for (i = 0; i < n; i++)
		buf[i] = (unsigned char)(nwritten + i * 7);
	put = n % 2 == 0 ? tcpk_stream_write(stream, buf, n) : lay(buf, n);
	look();
	need(put >= TCPK_AGAIN && put <= (ssize_t)n);
	if (put > 0) {
		memcpy(written + nwritten, buf, (size_t)put);
		nwritten += (size_t)put;
	}
	if (put == -1)
		need(tcpk_stream_err(stream)->kind != TCPK_OK);
}

static void
finish(void)
{
	int	r = tcpk_stream_finish(stream);

	look();
	need(r == 0 || r == TCPK_AGAIN || r == -1);
	/* It may have been sealed already. */
	finished = true;
}

/* The records that came out, and what they hold. */
static void
open_written(void)
{
	unsigned char	*rec, *p;
	size_t		 n;

	while (inner.out_len - inner.out_at >= TCPK__TLS_HEADER) {
		rec = inner.out + inner.out_at;
		n = (size_t)rec[3] << 8 | rec[4];
		if (inner.out_len - inner.out_at - TCPK__TLS_HEADER < n)
			break;
		need(rec[1] == 3 && rec[2] == 3 && !close_opened);
		need(opening.vtable->check_length(&opening.vtable, n));
		inner.out_at += TCPK__TLS_HEADER + n;
		p = opening.vtable->decrypt(&opening.vtable, rec[0],
		    TCPK__TLS_VERSION, rec + TCPK__TLS_HEADER, &n);
		need(p != NULL);
		if (rec[0] == TCPK__RECORD_DATA) {
			need(n > 0 && n <= most && n <= nwritten - nopened);
			need(memcmp(p, written + nopened, n) == 0);
			nopened += n;
		} else {
			need(rec[0] == TCPK__RECORD_ALERT && n == 2);
			close_opened = p[1] == TCPK__ALERT_CLOSE_NOTIFY;
		}
	}
}

static void
step(void)
{
	static const size_t	sizes[] = { 1, 2, 100, 16384, 32841, 32842,
	    40000, TCPK_SCRATCH };
	uint64_t		left;

	switch (take() % 18) {
	case 0:
	case 1:
		seal_data(take2());
		break;
	case 2:
		seal_data(take());
		break;
	case 3:
		seal_any();
		break;
	case 4:
		seal_close();
		break;
	case 5:
		push_raw();
		break;
	case 6:
		spoil();
		break;
	case 7:
		inner.chunk = take2() + 1;
		break;
	case 8:
		inner.again = (int)(take() % 4);
		break;
	case 9:
	case 10:
		read_some(sizes[take() % 8]);
		break;
	case 11:
		read_some(take2() + 1);
		break;
	case 12:
		write_some(take2());
		break;
	case 13:
		write_some(take2() * 8);
		break;
	case 14:
		finish();
		break;
	case 15:
		inner.room = take2();
		open_written();
		break;
	case 16:
		tcpk_stream_want(stream, take() % 8);
		tcpk_loop_turn(loop, 0, NULL);
		look();
		break;
	default:
		tcpk_stream_drained(stream, &left);
		tcpk_stream_hup(stream);
		inner.deaf |= take() == 255;
		look();
	}
}

/* Whatever happened, it comes to an end. */
static void
run_out(void)
{
	unsigned	how = take();
	size_t		i;

	inner.again = 0;
	inner.ended = how % 2 == 0;
	inner.failed = !inner.ended;
	inner.room = SIZE_MAX;
	if (inner.chunk < 100)
		inner.chunk = 100;
	for (i = 0; i < ROOM && ended == 0; i++)
		read_some(how % 4 < 2 ? 50000 : 5000);
	need(ended != 0);
	if (plain && closed)
		need(ended == 1 && nread == until);
	else if (plain)
		need(nread == until && ended == (inner.ended &&
		    config.allow_truncation ? 1 : 2));
	tcpk_stream_finish(stream);
	open_written();
	if (!write_failed && inner.out_len < ROOM / 2)
		need(nopened == nwritten && close_opened);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static br_ssl_engine_context	eng;
	struct tcpk_tls_info		info;
	unsigned			how;

	if (loop == NULL)
		loop = tcpk_loop_new("poll", NULL);
	need(loop != NULL);
	input = data;
	input_len = size;
	how = take();
	memset(&config, 0, sizeof(config));
	config.refs = 2;
	config.allow_truncation = (how & 2) != 0;
	memset(&info, 0, sizeof(info));
	memset(&inner.s, 0, sizeof(inner.s));
	inner.s.ops = &inner_ops;
	inner.in_at = inner.in_len = inner.out_at = inner.out_len = 0;
	inner.again = 0;
	inner.ended = inner.failed = inner.deaf = inner.freed = false;
	inner.chunk = inner.room = SIZE_MAX;
	nsealed = nread = nwritten = nopened = until = last = 0;
	plain = true;
	closed = finished = close_opened = write_failed = false;
	ended = 0;
	set_keys((how & 1) == 0, &eng);
	eng.max_frag_len = (how & 4) != 0 ? 512 : TCPK__TLS_MAX_PLAIN;
	most = eng.max_frag_len;
	stream = tcpk__record_stream(loop, &inner.s, &config, &eng, &info);
	need(stream != NULL);
	tls = (const struct tcpk__tls *)stream;
	while (input_len > 0)
		step();
	run_out();
	tcpk_stream_free(stream);
	need(inner.freed && config.refs == 2);
	return 0;
}
