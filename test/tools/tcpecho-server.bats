# tcpecho as a server (SPEC section 3).

load helpers
load server

setup_file() {
	if [ "${TCPKIT_LONG:-}" = 1 ]; then
		head -c 100M /dev/urandom >"$BATS_FILE_TMPDIR/up"
	else
		head -c 16M /dev/urandom >"$BATS_FILE_TMPDIR/up"
	fi
}

# echoes_all FLAG...: much data comes back, byte for byte, and then an end.
echoes_all() {
	expect 0 "$TCPCAT" "$@" <"$BATS_FILE_TMPDIR/up" >got
	cmp got "$BATS_FILE_TMPDIR/up"
}

# wrong TEXT FLAG...: a usage error, whose message has TEXT in it.
wrong() {
	local text=$1
	shift
	expect 2 "$TCPECHO" "$@" >stdout
	holds stdout ''
	head -n 1 expect.err | grep -q '^tcpecho: ' ||
		fail "tcpecho $*: the message does not begin with its name"
	grep -qF -e "$text" expect.err ||
		fail "tcpecho $*: the message does not name: $text"
	run ! grep '^tcpecho: listening on' expect.err
}

# --- echo -------------------------------------------------------------------

@test "much data comes back whole behind a half-close: TCP" {
	start server "$TCPECHO" 127.0.0.1:0
	echoes_all "$ADDR"
}

@test "much data comes back whole behind a half-close: IPv6" {
	requires ipv6
	start server "$TCPECHO" '[::1]:0'
	echoes_all "$ADDR"
}

@test "much data comes back whole behind a half-close: Unix socket" {
	start server "$TCPECHO" unix:sock
	[ "$ADDR" = unix:sock ]
	echoes_all "$ADDR"
}

@test "much data comes back whole behind a half-close: TLS" {
	needs_tls
	make_pair own
	start server "$TCPECHO" tls://127.0.0.1:0,cert=own.pem
	echoes_all "tls://127.0.0.1:$PORT,pin-only,pin=$(pin own)"
}

@test "much data comes back whole to one that sends all and reads later" {
	start server "$TCPECHO" 127.0.0.1:0
	head -c 200k "$BATS_FILE_TMPDIR/up" >some
	"$PEER" "$ADDR" send:some shut slow >got
	cmp got some
}

@test "200 clients at once, byte for byte" {
	local count=200
	[ "${TCPKIT_LONG:-}" != 1 ] || count=1000
	start server "$TCPECHO" 127.0.0.1:0
	expect 0 "$CHURN" crowd $count 65536 "$ADDR"
	kill -TERM "${pid[server]}"
	finish 0 server
	holds server.err "tcpecho: listening on $ADDR\n"
}

@test "200 clients of a Unix socket at once" {
	start server "$TCPECHO" unix:sock
	expect 0 "$CHURN" crowd 200 20000 unix:sock
}

@test "small messages come back at once, not when more has come" {
	start server "$TCPECHO" 127.0.0.1:0
	"$PEER" "$ADDR" text:a recv:1 text:bc recv:2 text:def recv:3 shut eof \
		>got
	holds got abcdef
}

@test "a client that says nothing and ends gets nothing and an end" {
	start server "$TCPECHO" 127.0.0.1:0
	"$PEER" "$ADDR" shut eof:10 >got
	holds got ''
}

@test "standard input and output are left alone" {
	echo untouched >input
	{
		start server "$TCPECHO" 127.0.0.1:0 >stdout
		echoes "$ADDR"
		kill -TERM "${pid[server]}"
		finish 0 server
		cat >rest
	} <input
	holds rest 'untouched\n'
	holds stdout ''
}

# --- what it says instead ---------------------------------------------------

@test "--greet is sent first, and then the echo" {
	start server "$TCPECHO" --greet 'Hello, %s\n' 127.0.0.1:0
	"$PEER" "$ADDR" recv:11 text:abc recv:3 shut eof >got
	holds got 'Hello, %%s\\nabc'
	"$PEER" "$ADDR" recv:11 shut eof >got
	holds got 'Hello, %%s\\n'
}

@test "--greet over TLS" {
	needs_tls
	make_pair own
	start server "$TCPECHO" --greet hello tls://127.0.0.1:0,cert=own.pem
	printf abc | expect 0 "$TCPCAT" \
		"tls://127.0.0.1:$PORT,pin-only,pin=$(pin own)" >got
	holds got helloabc
}

@test "--reply answers this to every message" {
	start server "$TCPECHO" --reply pong 127.0.0.1:0
	"$PEER" "$ADDR" text:ping recv:4 text:x recv:4 quiet:0.1 text:yy \
		recv:4 shut eof >got
	holds got pongpongpong
}

@test "--greet goes with --reply" {
	start server "$TCPECHO" --greet hello --reply pong 127.0.0.1:0
	"$PEER" "$ADDR" recv:5 text:ping recv:4 shut eof >got
	holds got hellopong
}

@test "--discard reads everything and answers nothing but the end" {
	start server "$TCPECHO" -v --discard 127.0.0.1:0
	"$PEER" "$ADDR" text:a quiet:0.2 send:"$BATS_FILE_TMPDIR/up" shut \
		eof:10 >got
	holds got ''
	local bytes
	bytes=$(($(size "$BATS_FILE_TMPDIR/up") + 1))
	await says 1 "^tcpecho: 127\.0\.0\.1:[0-9]+: .*\b$bytes bytes"
}

# The pattern of RFC 864, so many bytes of it.
pattern='import sys
ring = bytes(range(32, 127)) * 2
n, size = 0, int(sys.argv[1])
text = b"".join(ring[n % 95:][:72] + b"\r\n" for n in range(size // 74 + 1))
sys.stdout.buffer.write(text[:size])'

@test "--chargen sends the pattern of RFC 864 without end" {
	start server "$TCPECHO" --chargen 127.0.0.1:0
	expect 0 "$PEER" "$ADDR" recv:3000001 reset >got
	python3 -c "$pattern" 3000001 | cmp - got
	# The next one starts from the beginning, whatever it says.
	expect 0 "$PEER" "$ADDR" text:hello recv:1000 reset >got
	python3 -c "$pattern" 1000 | cmp - got
	running server
}

@test "--chargen: what the client sends is thrown away, however much" {
	start server "$TCPECHO" --chargen 127.0.0.1:0
	expect 0 "$PEER" "$ADDR" send:"$BATS_FILE_TMPDIR/up" recv:10 reset \
		>got
	holds got ' !"#$%%&'"'()"
}

@test "--chargen ends when the client ends" {
	start server "$TCPECHO" -v --chargen 127.0.0.1:0
	spawn client "$PEER" "$ADDR" recv:1000 close
	finish 0 client
	await says 1 '^tcpecho: .*127\.0\.0\.1:[0-9]+: '
	kill -TERM "${pid[server]}"
	finish 0 server
}

# --- when -------------------------------------------------------------------

# Sends a number every 50 ms while it reads; each has to come back in order,
# after 0.4 s, and without the delays adding up.
# shellcheck disable=SC2016
delayed='import socket, sys, threading, time
host, port = sys.argv[1].split(":")
sock = socket.create_connection((host, int(port)), 20)
sent = []

def sender():
    for i in range(10):
        sent.append(time.monotonic())
        sock.sendall(bytes([i]))
        time.sleep(0.05)
    sock.shutdown(socket.SHUT_WR)

threading.Thread(target=sender).start()
came = b""
while data := sock.recv(100):
    late = time.monotonic() - sent[len(came)]
    came += data
    early = time.monotonic() - sent[len(came) - 1]
    if early < 0.395:
        sys.exit(f"{early} s after it was sent")
    if late > 2:
        sys.exit(f"{late} s late")
if came != bytes(range(10)):
    sys.exit(f"came back: {came}")'

@test "--delay: each message is answered after that time, in order, whole" {
	start server "$TCPECHO" --delay 0.4 127.0.0.1:0
	python3 -c "$delayed" "$ADDR"
}

@test "--delay goes with --reply, and a greeting does not wait" {
	start server "$TCPECHO" --delay 1 --reply pong --greet hello \
		127.0.0.1:0
	expect 0 "$PEER" "$ADDR" recv:5 text:a quiet:0.4 recv:4 shut eof >got
	took_ms 1000 5000
	holds got hellopong
}

@test "--delay does not let a client that sends much take all memory" {
	needs_proc
	start server "$TCPECHO" --delay 5 --drain-timeout 0 127.0.0.1:0
	echoes_fast() {
		"$PEER" "$ADDR" shut eof:3
	}
	echoes_fast
	local before
	before=$(rss "${pid[server]}")
	spawn flood "$CHURN" flood 4 "$ADDR"
	await says 1 'stuck after' flood
	((more = $(rss "${pid[server]}") - before)) || :
	((more <= 32 * 1024)) || fail "$more KiB more"
	echoes_fast
}

@test "--delay: what has been sent comes back behind a half-close, too" {
	start server "$TCPECHO" --delay 0.3 127.0.0.1:0
	head -c 100k "$BATS_FILE_TMPDIR/up" >some
	expect 0 "$TCPCAT" "$ADDR" <some >got
	cmp got some
	took_ms 300 5000
}

@test "--idle-timeout ends a client that is silent, and no other" {
	start server "$TCPECHO" -v --idle-timeout 0.6 127.0.0.1:0
	spawn busy sh -c '"$@" >got' sh "$PEER" "$ADDR" text:a sleep:0.3 \
		text:b sleep:0.3 text:c sleep:0.3 text:d sleep:0.3 shut eof
	expect '*' "$PEER" "$ADDR" text:a recv:1 eof:10
	run ! grep 'no end' expect.err
	took_ms 550 5000
	finish 0 busy
	holds got abcd
	await says 1 '^tcpecho: .*127\.0\.0\.1:[0-9]+: .*(idle|time)'
	echoes "$ADDR"
}

@test "half-close-timeout, --nodelay and backlog= are taken" {
	start server "$TCPECHO" --nodelay --half-close-timeout 5 \
		127.0.0.1:0,backlog=7
	echoes "$ADDR"
	requires ss
	[ "$(ss -ltnH "sport = :$PORT" | awk '{ print $3 }')" -eq 7 ]
}

# --- what is logged ---------------------------------------------------------

@test "-v: what a client sends is logged as it comes, and its leave" {
	local flags
	for flags in '' '--discard' '--delay 1ms'; do
		# shellcheck disable=SC2086 # options and their values
		start server "$TCPECHO" -v $flags 127.0.0.1:0
		exec {to}> >(exec timeout 20 "$TCPCAT" "$ADDR" >/dev/null)
		echo hello >&"$to"
		await says 1 '^tcpecho: 127\.0\.0\.1:[0-9]+: data, 6 bytes$'
		run ! says 1 '^tcpecho: 127\.0\.0\.1:[0-9]+: done'
		exec {to}>&-
		await says 1 '^tcpecho: 127\.0\.0\.1:[0-9]+: done'
		kill "${pid[server]}"
		finish 0 server
	done
}

# --- who --------------------------------------------------------------------

@test "a client that is denied is closed at once, and logged under -v" {
	start server "$TCPECHO" -v --acl -127.0.0.2 127.0.0.1:0
	dumb -s 127.0.0.2 "$ADDR"
	await says 1 '^tcpecho: denied 127\.0\.0\.2:[0-9]+: -127\.0\.0\.2'
	echoes "$ADDR"
	says_times 1 '^tcpecho: connection from'
}

@test "each listener has its own list" {
	start server "$TCPECHO" 127.0.0.1:0,acl=-127.0.0.2 127.0.0.3:0
	dumb -s 127.0.0.2 "$ADDR"
	listener 2
	echoes -s 127.0.0.2 "$ADDR"
}

@test "--tls-cert and --tls-key make addresses TLS" {
	needs_tls
	make_pair own
	start server "$TCPECHO" --tls-cert own.crt --tls-key own.key 127.0.0.1:0
	echoes "tls://127.0.0.1:$PORT,pin-only,pin=$(pin own)"
}

@test "a client that does not trust does not disturb the server" {
	needs_tls
	make_pair own
	make_pair other
	start server "$TCPECHO" tls://127.0.0.1:0,cert=own.pem
	run -5 "$TCPCAT" "tls://127.0.0.1:$PORT,pin-only,pin=$(pin other)"
	await says 1 '^tcpecho: .*127\.0\.0\.1:[0-9]+: '
	echoes "tls://127.0.0.1:$PORT,pin-only,pin=$(pin own)"
	running server
}

@test "--tls-client-ca: who shows no certificate is not echoed" {
	needs_tls
	make_pair own
	make_pair client
	start server "$TCPECHO" --tls-cert own.pem --tls-client-ca client.crt \
		127.0.0.1:0
	run ! echoes "tls://127.0.0.1:$PORT,pin-only,pin=$(pin own)"
	running server
}

@test "--tls-self-signed makes a certificate and prints its pin" {
	needs_tls
	start server "$TCPECHO" --tls-self-signed 127.0.0.1:0
	await says 1 'sha256//[A-Za-z0-9+/=]+'
	local key
	key=$(grep -oE 'sha256//[A-Za-z0-9+/=]+' server.err | head -n 1)
	echoes "tls://127.0.0.1:$PORT,pin-only,pin=$key"
}

# --- usage ------------------------------------------------------------------

@test "no address is 2" {
	wrong address
	wrong address --greet hello
}

@test "options that contradict each other are 2" {
	wrong --discard --discard --reply x 127.0.0.1:0
	wrong --chargen --discard --chargen 127.0.0.1:0
	wrong --chargen --chargen --reply x 127.0.0.1:0
	wrong '--discard and --delay' --discard --delay 1 127.0.0.1:0
}

@test "options of the client are 2 when serving, and the other way round" {
	local option
	for option in '--count 3' '--interval 1' '--size 10' '--message x' \
		'--parallel 2' '--duration 1' --flood '--max-rtt 1' --histogram
	do
		# shellcheck disable=SC2086
		wrong "${option% *}" $option 127.0.0.1:0
	done
	for option in '--greet x' '--reply x' --discard --chargen '--delay 1' \
		'--workers 2' '--ready-fd 1' '-m 3'; do
		# shellcheck disable=SC2086
		wrong "${option% *}" --client $option 127.0.0.1:1
	done
}

@test "values that make no sense are 2, and named" {
	wrong --delay --delay soon 127.0.0.1:0
	wrong bogus --bogus 127.0.0.1:0
	wrong bogus 127.0.0.1:0,bogus=1
	wrong max-clients 127.0.0.1:0,max-clients=some
	wrong max-clients -m 0 127.0.0.1:0
	wrong --drain-timeout --drain-timeout never 127.0.0.1:0
}

@test "options of addresses that connect are 2" {
	wrong source 127.0.0.1:0,source=127.0.0.2
	wrong cert 127.0.0.1:0,cert=own.pem
}

@test "--help to a full disk is not 0, and said" {
	[ -c /dev/full ] || skip "requires /dev/full"
	expect 7 "$TCPECHO" --help >/dev/full
	said 'tcpecho: standard output: No space left on device'
}
