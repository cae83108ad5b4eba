# --workers N: N processes over the same listeners, with one set of limits,
# counters and TLS sessions (SPEC 1.7, issue 5).

load helpers
load server

# workers: the processes of "server" that are not the first.
workers() {
	ps -o pid= -o stat= --ppid "${pid[server]}" | awk '$2 !~ /Z/ { print $1 }' || :
}

there_are() {
	[ "$(workers | wc -l)" -eq "$1" ]
}

serve() {
	start server "$TCPECHO" --workers "$@" 127.0.0.1:0
}

# stopped: SIGTERM, and it ends well, all of it.
stopped() {
	local all
	all=$(workers)
	kill -TERM "${pid[server]}"
	finish 0 server
	nobody $all
}

nobody() {	# PID...
	local one
	for one; do
		run ! kill -0 "$one"
	done
}

# a_client NAME: one that has a byte echoed, makes NAME.here, waits for the
# file NAME.go, has another one echoed, and leaves.
a_client() {
	spawn "$1" "$PEER" "$ADDR" text:a recv:1 touch:"$1.here" \
		wait:"$1.go" text:b recv:1 shut eof >"$1.got"
	await test -e "$1.here"
}

it_goes_on() {
	touch "$1.go"
	finish 0 "$1"
	holds "$1.got" ab
}

@test "--workers 3: three processes serve, and it is said once where" {
	serve 3
	await there_are 3
	expect 0 "$CHURN" crowd 200 20000 "$ADDR"
	says_times 1 'listening on'
	stopped
	holds server.err "tcpecho: listening on $ADDR\n"
}

@test "--workers 1 serves" {
	serve 1
	echoes "$ADDR"
	stopped
}

@test "tcpcat -lk --workers 2 -e runs programs" {
	start server "$TCPCAT" -lk --workers 2 -e cat 127.0.0.1:0
	expect 0 "$CHURN" crowd 40 20000 "$ADDR"
	stopped
}

@test "several listeners, each served by all" {
	start server "$TCPECHO" --workers 2 127.0.0.1:0 127.0.0.2:0 unix:sock
	local i j
	for i in 1 2 3; do
		listener $i
		for j in 1 2 3 4 5; do
			echoes "$ADDR"
		done
	done
	says_times 3 'listening on'
	stopped
	[ ! -e sock ]
}

@test "the work is shared: no process has all of many clients" {
	needs_proc
	serve 2
	await there_are 2
	local before=() one most
	for one in $(workers); do
		before+=("$(fds "$one")")
	done
	# Many of them come while others are busy.
	spawn clients "$CHURN" hold 200 "$ADDR"
	await says 1 'holding 200' clients
	local i=0
	for one in $(workers); do
		most=$(($(fds "$one") - before[i++]))
		((most >= 1)) || fail "one of them has no client"
	done
	touch go
	finish 0 clients
	stopped
}

# --- what they share --------------------------------------------------------

@test "max-clients is of all of them together" {
	serve 3 -m 2
	a_client one
	a_client two
	spawn third "$PEER" "$ADDR" text:hello quiet:0.4 touch:quiet \
		recv:5 shut eof >got
	await test -e quiet
	it_goes_on one
	finish 0 third
	holds got hello
	it_goes_on two
	stopped
}

@test "max-per-host is of all of them together" {
	serve 3 -v --max-per-host 2
	a_client one
	a_client two
	local i
	for i in 1 2 3 4 5 6; do
		expect '*' "$PEER" "$ADDR" eof:10 >got
		run ! grep 'no end' expect.err
	done
	await says 6 'max-per-host'
	echoes -s 127.0.0.2 "$ADDR"
	it_goes_on one
	it_goes_on two
	await echoes "$ADDR"
}

@test "SIGUSR1 to the first prints one line, with the sums" {
	serve 3
	local i
	for i in 1 2 3 4 5 6 7; do
		echoes "$ADDR"
	done
	a_client one
	counted() {
		kill -USR1 "${pid[server]}"
		sleep 0.05
		says 1 '^tcpecho: .*\b1\b.*\b8\b.*\b35 bytes.*\b35 bytes'
	}
	await counted
	it_goes_on one
	stopped
}

@test "clients are numbered by all of them together" {
	spawn server "$TCPECHO" --workers 3 --json -v 127.0.0.1:0
	listening() {
		ADDR=$("$EVENTS" listening local <server.err) && [ -n "$ADDR" ]
	}
	await listening
	local i
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		echoes "$ADDR"
	done
	await says 12 '"disconnect"'
	"$EVENTS" connect conn <server.err | sort -n >numbers
	seq 12 | cmp - numbers
	stopped
}

@test "a TLS session of one is resumed by all" {
	needs_tls
	make_pair own
	start server "$TCPECHO" --workers 4 tls://127.0.0.1:0,cert=own.pem
	openssl s_client -tls1_2 -connect "127.0.0.1:$PORT" \
		-sess_out session </dev/null >first 2>&1 || :
	[ -s session ]
	local i
	for i in 1 2 3 4 5 6 7 8; do
		openssl s_client -tls1_2 -connect "127.0.0.1:$PORT" \
			-sess_in session </dev/null >again 2>&1 || :
		grep -q '^Reused' again || fail "connection $i: a new session"
	done
}

@test "--ready-fd and NOTIFY_SOCKET are told once" {
	spawn manager python3 -c 'import socket
sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
sock.bind("notify")
while True:
    print(sock.recv(1000).decode(), flush=True)' >told
	await test -S notify
	# shellcheck disable=SC2016
	start server env NOTIFY_SOCKET="$PWD/notify" sh -c \
		'exec "$@" 5>ready' sh "$TCPECHO" --workers 3 --ready-fd 5 \
		127.0.0.1:0
	await grep -q READY=1 told
	echoes "$ADDR"
	holds ready "$ADDR\n"
	stopped
	await grep -q STOPPING=1 told
	[ "$(grep -c READY=1 told)" -eq 1 ]
	[ "$(grep -c STOPPING=1 told)" -eq 1 ]
}

@test "a listening socket that was passed" {
	# shellcheck disable=SC2016
	start server sh -c 'exec "$@" 3</dev/null' sh \
		"$LISTEN_FD" 3 127.0.0.1:0 sh -c \
		'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"' sh \
		"$TCPECHO" --workers 2 fd:3
	expect 0 "$CHURN" crowd 40 1000 "$ADDR"
	stopped
}

# --- signals ----------------------------------------------------------------

@test "SIGTERM lets the clients of all of them finish" {
	serve 3
	local name
	for name in one two three four; do
		a_client $name
	done
	kill -TERM "${pid[server]}"
	await refused "$ADDR"
	for name in one two three four; do
		running server
		it_goes_on $name
	done
	finish 0 server
}

@test "--drain-timeout: who is still there is reset and counted once" {
	serve 3 --drain-timeout 0.4
	local i all
	for i in 1 2 3 4; do
		spawn client$i "$PEER" "$ADDR" text:a recv:1 touch:here$i broken
		await test -e here$i
	done
	all=$(workers)
	kill -TERM "${pid[server]}"
	finish 0 server
	nobody $all
	for i in 1 2 3 4; do
		finish 0 client$i
	done
	says_times 4 '^tcpecho: .*127\.0\.0\.1:[0-9]+: '
}

@test "a second signal ends all of them" {
	serve 3
	a_client one
	local all
	all=$(workers)
	kill -INT "${pid[server]}"
	await refused "$ADDR"
	kill -INT "${pid[server]}"
	finish 130 server
	nobody_left() {
		local one
		for one in $all; do
			! kill -0 "$one" 2>/dev/null || return
		done
	}
	await nobody_left
}

@test "SIGHUP reloads in all of them; a broken file in none" {
	echo -127.0.0.9 >list
	serve 3 --acl-file list
	a_client one
	echo -127.0.0.2 >list
	kill -HUP "${pid[server]}"
	await dumb -s 127.0.0.2 "$ADDR"
	local i
	for i in 1 2 3 4 5 6 7 8 9 10; do
		dumb -s 127.0.0.2 "$ADDR"
	done
	echo nonsense >list
	kill -HUP "${pid[server]}"
	await says 1 '^tcpecho: .*list:1:[0-9]+: '
	for i in 1 2 3 4 5 6 7 8 9 10; do
		dumb -s 127.0.0.2 "$ADDR"
	done
	says_times 1 'list:1:'
	it_goes_on one
	stopped
}

# --- workers that die -------------------------------------------------------

@test "one that dies is said and replaced; the others' clients stay" {
	serve 2
	await there_are 2
	a_client one
	local before dead
	before=$(workers)
	# Not the one that has the client: that has the most descriptors.
	dead=$(for p in $before; do echo "$(fds "$p") $p"; done |
		sort -n | head -n 1)
	dead=${dead#* }
	kill -KILL "$dead"
	replaced() {
		there_are 2 && [[ $(workers) != *"$dead"* ]]
	}
	await replaced
	await says 1 '^tcpecho: .*'
	says 2 '^tcpecho: '
	it_goes_on one
	local i
	for i in 1 2 3 4 5 6 7 8; do
		echoes "$ADDR"
	done
	stopped
}

@test "one that dies takes nothing away from max-clients" {
	serve 2 -m 2
	await there_are 2
	a_client one
	a_client two
	local all
	all=$(workers)
	# shellcheck disable=SC2086 # processes
	kill -KILL $all
	touch one.go two.go
	finish 1 one
	finish 1 two
	await there_are 2
	a_client three
	a_client four
	it_goes_on three
	it_goes_on four
	stopped
}

@test "many that die, one after the other" {
	serve 2
	local i one
	for i in 1 2 3 4 5; do
		await there_are 2
		one=$(workers | head -n 1)
		kill -KILL "$one"
		await not_among "$one"
	done
	await there_are 2
	await echoes "$ADDR"
	stopped
}

not_among() {
	[[ $(workers) != *"$1"* ]]
}

@test "when the first is killed, the others do not stay behind" {
	serve 2
	await there_are 2
	local all
	all=$(workers)
	kill -KILL "${pid[server]}"
	finish 137 server
	await refused "$ADDR"
	all_gone() {
		local one
		for one in $all; do
			! kill -0 "$one" 2>/dev/null || return
		done
	}
	await all_gone
}

# --- clients ----------------------------------------------------------------

@test "after 300 clients of every kind no descriptor is left over" {
	needs_proc
	serve 2
	await there_are 2
	local one before=() i=0
	expect 0 "$CHURN" crowd 40 100 "$ADDR"
	for one in $(workers); do
		before+=("$(fds "$one")")
	done
	expect 0 "$CHURN" chaos 300 "$ADDR"
	for one in $(workers); do
		await few_fds "$one" "${before[i++]}"
	done
	there_are 2
	stopped
}

@test "out of descriptors: each pauses, does not spin, recovers" {
	needs_proc
	start server sh -c 'ulimit -n 24; exec "$@"' sh \
		"$TCPECHO" --workers 2 127.0.0.1:0
	spawn clients "$CHURN" hold 100 "$ADDR"
	await says 1 holding clients
	local before=0 after=0 one
	for one in $(workers); do
		before=$((before + $(cpu "$one")))
	done
	sleep 1.5
	for one in $(workers); do
		after=$((after + $(cpu "$one")))
	done
	((after - before <= 300)) || fail "$((after - before)) ms of CPU time"
	touch go
	finish 0 clients
	stopped
}

# --- usage ------------------------------------------------------------------

@test "--workers excludes --broadcast, and wants a number: 2" {
	expect 2 "$TCPCAT" --deadline 5 -lk --broadcast --workers 2 127.0.0.1:0
	said_like '^tcpcat: .*--workers'
	expect 2 "$TCPCAT" --deadline 5 -l --workers 2 127.0.0.1:0
	local n
	for n in 0 -1 some ''; do
		expect 2 "$TCPECHO" --workers "$n" 127.0.0.1:0
		said_like '^tcpecho: .*--workers'
	done
}
