# tcpecho on UDP: datagrams come back as they are (SPEC 1.1, section 3).

load helpers
load server

# udp ADDRESS [SIZE...]: sends a datagram of each size, and wants it back from
# the address that it was sent to, and nothing else.
udp_client='import os, random, socket, sys
host, _, port = sys.argv[1].removeprefix("udp://").rpartition(":")
host = host.strip("[]")
sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET,
                     socket.SOCK_DGRAM)
sock.settimeout(10)
to = (host, int(port))
for size in map(int, sys.argv[2:]):
    data = os.urandom(size)
    sock.sendto(data, to)
    got, sender = sock.recvfrom(70000)
    if got != data:
        sys.exit(f"{len(got)} bytes came back for {size}, or others")
    if sender[:2] != to:
        sys.exit(f"it came from {sender}")
sock.settimeout(0.1)
try:
    sys.exit(f"{len(sock.recv(70000))} bytes more")
except TimeoutError:
    pass'

udp() {
	python3 -c "$udp_client" "$@" 3>&-
}

# say ADDRESS TEXT...: sends datagrams, prints the answer to each on a line,
# "nothing" where none comes in 0.3 s; FROM is whom to send from.
asking='import os, socket, sys
host, _, port = sys.argv[1].removeprefix("udp://").rpartition(":")
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind((os.environ.get("FROM", ""), 0))
sock.settimeout(0.3)
for text in sys.argv[2:]:
    sock.sendto(text.encode(), (host, int(port)))
    try:
        print(sock.recv(70000).decode(), flush=True)
    except (TimeoutError, ConnectionRefusedError):
        print("nothing", flush=True)'

ask() {
	python3 -c "$asking" "$@" 3>&-
}

serve() {
	start server "$TCPECHO" "$@" udp://127.0.0.1:0
	ADDR=127.0.0.1:$PORT
}

stopped() {
	kill -TERM "${pid[server]}"
	finish 0 server
}

@test "it says where, with the real port, and echoes datagrams" {
	serve
	said_like '^tcpecho: listening on .*127\.0\.0\.1:[1-9][0-9]*$' server
	udp "$ADDR" 1 2 1400
	stopped
	says_times 1 '^tcpecho: '
}

@test "datagrams keep their bounds: empty, small, the largest" {
	serve
	udp "$ADDR" 0 1 0 511 512 1472 1473 9000 65507
}

@test "many datagrams at once are answered each" {
	serve
	python3 -c 'import socket, sys
host, port = sys.argv[1].split(":")
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.connect((host, int(port)))
sock.settimeout(10)
for i in range(20):
    some = {b"%d %d" % (i, j) for j in range(50)}
    for data in some:
        sock.send(data)
    if {sock.recv(100) for _ in some} != some:
        sys.exit("others came back")' "$ADDR" 3>&-
}

@test "each client gets its own" {
	serve
	spawn one python3 -c "$udp_client" "$ADDR" $(seq 100 300)
	spawn two python3 -c "$udp_client" "$ADDR" $(seq 300 500)
	finish 0 one
	finish 0 two
}

@test "IPv6" {
	requires ipv6
	start server "$TCPECHO" 'udp://[::1]:0'
	udp "[::1]:$PORT" 0 1 1400
}

@test "udp://:port is both families, and answers from where it was asked" {
	requires ipv6
	start server "$TCPECHO" udp://:0
	udp "127.0.0.1:$PORT" 100
	udp "127.0.0.5:$PORT" 100
	udp "[::1]:$PORT" 100
}

@test "UDP beside TCP and a Unix socket, in one process" {
	start server "$TCPECHO" 127.0.0.1:0 udp://127.0.0.1:0 unix:sock
	listener 2
	udp "127.0.0.1:$PORT" 100
	listener 1
	echoes "$ADDR"
	echoes unix:sock
	stopped
}

@test "the same port by TCP and UDP" {
	start server "$TCPECHO" 127.0.0.1:0
	local tcp=$ADDR
	start other "$TCPECHO" "udp://$tcp"
	udp "$tcp" 10
	echoes "$tcp"
}

@test "a port in use is 1, with address and reason" {
	serve
	expect 1 "$TCPECHO" "udp://$ADDR"
	said_like "^tcpecho: .*$ADDR: Address already in use$"
}

@test "a client that is gone does not disturb it" {
	serve
	python3 -c 'import socket, sys
host, port = sys.argv[1].split(":")
for i in range(100):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"hello", (host, int(port)))' "$ADDR" 3>&-
	udp "$ADDR" 100 100
	running server
}

# --- what it answers --------------------------------------------------------

@test "--reply answers this to every datagram" {
	serve --reply pong
	[ "$(ask "$ADDR" ping '' again)" = $'pong\npong\npong' ]
}

@test "--discard answers none" {
	serve --discard
	[ "$(ask "$ADDR" ping)" = nothing ]
	running server
}

@test "--chargen answers each with up to 512 characters (RFC 864)" {
	serve --chargen
	python3 -c 'import socket, sys
host, port = sys.argv[1].split(":")
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.settimeout(10)
allowed = set(range(32, 127)) | set(b"\r\n")
for i in range(10):
    sock.sendto(b"x" * i, (host, int(port)))
    got = sock.recv(70000)
    if len(got) > 512 or not set(got) <= allowed:
        sys.exit(f"{len(got)} bytes: {got}")
sock.settimeout(0.1)
try:
    sys.exit(f"more: {sock.recv(70000)}")
except TimeoutError:
    pass' "$ADDR" 3>&-
}

@test "a list keeps clients out; under -v it is said" {
	serve -v --acl -127.0.0.2
	[ "$(FROM=127.0.0.2 ask "$ADDR" hello)" = nothing ]
	[ "$(FROM=127.0.0.3 ask "$ADDR" hello)" = hello ]
	await says 1 '^tcpecho: .*127\.0\.0\.2.*-127\.0\.0\.2'
}

@test "SIGTERM ends it at once when there is nothing to finish: 0" {
	serve
	udp "$ADDR" 1
	local since
	since=$(now)
	stopped
	(($(now) - since < 5000))
}

@test "SIGUSR1 counts what came by UDP" {
	serve
	[ "$(ask "$ADDR" hello)" = hello ]
	kill -USR1 "${pid[server]}"
	await says 1 '^tcpecho: .*\b5 bytes.*\b5 bytes'
}

# --- the client -------------------------------------------------------------

@test "tcpecho --client measures a UDP server" {
	serve
	expect 0 "$TCPECHO" --client --count 5 --interval 0.05 "udp://$ADDR" \
		>report
	[ -s report ]
}

@test "tcpecho --client: losses by UDP are told: 6" {
	serve --discard
	expect 6 "$TCPECHO" --client --count 3 --interval 0.05 \
		--idle-timeout 1 "udp://$ADDR" >report
}

# --- usage ------------------------------------------------------------------

@test "options that UDP does not have are 2, and named" {
	local option
	for option in cert=own.pem key=own.key client-ca=ca.pem self-signed \
		backlog=3 nodelay keepalive=3 mode=0600; do
		expect 2 "$TCPECHO" "udp://127.0.0.1:0,$option"
		said_like "^tcpecho: .*${option%=*}"
	done
}

# Three at once; each answer says how long it took, in tenths of a second.
late='import socket, sys, time
host, _, port = sys.argv[1].rpartition(":")
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.settimeout(10)
began = time.monotonic()
for text in "a", "b", "c":
    sock.sendto(text.encode(), (host, int(port)))
for text in "a", "b", "c":
    if sock.recv(100).decode() != text:
        sys.exit("out of order")
if time.monotonic() - began < 0.3:
    sys.exit("too early")'

@test "--delay: datagrams are answered not before their time, in order" {
	serve --delay 0.3
	python3 -c "$late" "$ADDR" 3>&-
	stopped
}

@test "--delay: those that wait at the stop are not answered" {
	serve --delay 1h
	FROM=127.0.0.1 run ask "$ADDR" a
	[ "$output" = nothing ]
	stopped
}
