#!/usr/bin/env bats
# How many system calls a connection costs: they decide how many connections
# a second there can be, and come back unseen.  The bounds have a little room.

load helpers
load server
load relay

N=50		# connections, one after the other

# Builds for any system take more.
needs_count() {
	requires strace
	built_with EPOLL || skip "a build for any system"
	built_with ACCEPT4 || skip "a build for any system"
}

built_with() {
	grep -qF "S[\"$1_TRUE\"]=\"\"" "$BUILD/config.status"
}

# Counted from outside, but for what an allocator or a sanitizer asks for.  (The
# leak checker cannot be traced.)
COUNTED=(env ASAN_OPTIONS=detect_leaks=0 strace -f -e signal=none
	-e 'trace=!%memory' -o)

# lines FILE: how many calls are in it.
lines() {
	wc -l <"$1"
}

# quiet FILE: no call has been made for a moment.
quiet() {
	local before
	before=$(lines "$1")
	sleep 0.2
	(($(lines "$1") == before))
}

# connections ADDRESS N: so many, one after the other: a request, its answer,
# and an end from either side.
connections() {
	timeout 40 python3 - "$1" "$2" <<-'END'
	import socket, sys
	host, port = sys.argv[1].rsplit(":", 1)
	for _ in range(int(sys.argv[2])):
	    c = socket.create_connection((host, int(port)))
	    c.sendall(b"hello")
	    got = b""
	    while len(got) < 5:
	        got += c.recv(5)
	    c.shutdown(socket.SHUT_WR)
	    if c.recv(1) != b"":
	        sys.exit("more than the answer")
	    c.close()
	END
}

# per_connection FILE ADDRESS: sets EACH, the calls in FILE for each of them,
# in tenths; a few go before, for what is done but once.
per_connection() {
	local before after
	connections "$2" 3
	await quiet "$1"
	before=$(lines "$1")
	connections "$2" "$N"
	await quiet "$1"
	after=$(lines "$1")
	EACH=$(((after - before) * 10 / N))
	tail -n "$((EACH / 10))" "$1" >&2
	echo "$((EACH / 10)).$((EACH % 10)) calls for each" >&2
}

# between LOW HIGH: EACH is; below LOW something was not counted.
between() {
	((EACH >= $1 * 10 && EACH <= $2 * 10)) ||
		fail "$((EACH / 10)).$((EACH % 10)) calls, not $1 to $2"
}

@test "tcprelay: calls for a request, its answer and both ends" {
	needs_count
	start server "$TCPECHO" 127.0.0.1:0
	start relay "${COUNTED[@]}" calls "$TCPRELAY" \
		127.0.0.1:0 "$ADDR"
	per_connection calls "$ADDR"
	between 20 39
}

@test "tcpecho: calls for a connection, a message and its end" {
	needs_count
	start server "${COUNTED[@]}" calls "$TCPECHO" 127.0.0.1:0
	per_connection calls "$ADDR"
	between 8 16
}

# scan FILE STATUS ADDRESS...
scan() {
	expect "$2" "${COUNTED[@]}" "$1" "$TCPCAT" -n -z "${@:3}" >open
}

# probes: sets EACH, of a scan of one in "one" and of N more in "many".
probes() {
	EACH=$((($(lines many) - $(lines one)) * 10 / N))
	tail -n 20 many >&2
	echo "$((EACH / 10)).$((EACH % 10)) calls for each" >&2
}

@test "tcpcat -z: calls for a port that accepts" {
	needs_count
	local i all=()
	start server "$TCPECHO" 0.0.0.0:0
	for ((i = 1; i <= N + 1; i++)); do
		all+=("127.0.0.$i:$PORT")
	done
	scan one 0 "${all[0]}"
	scan many 0 "${all[@]}"
	[ "$(wc -l <open)" -eq $((N + 1)) ]
	probes
	between 3 12
}

@test "tcpcat -z: calls for a port that refuses" {
	needs_count
	local i all=()
	start refuse "$PORTS" 127.0.0.1=refuse
	for ((i = 1; i <= N + 1; i++)); do
		all+=("127.0.0.$i:$PORT")
	done
	scan one 1 "${all[0]}"
	scan many 1 "${all[@]}"
	probes
	between 2 8
}
