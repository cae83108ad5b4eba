# A server and its system: readiness, sockets it is given, its user,
# descriptors and memory, clients of every kind (SPEC 1.7).

load helpers
load server

# --- service managers -------------------------------------------------------

# shellcheck disable=SC2016 # for a shell that starts the server
with_ready='exec "$@" 5>ready'

@test "--ready-fd gets a line with the address, the real port in it" {
	start server sh -c "$with_ready" sh "$TCPECHO" --ready-fd 5 127.0.0.1:0
	await has ready 1
	holds ready "$ADDR\n"
	echoes "$(cat ready)"
	kill -TERM "${pid[server]}"
	finish 0 server
	holds ready "$ADDR\n"
}

@test "--ready-fd gets all of several addresses" {
	start server sh -c "$with_ready" sh "$TCPECHO" --ready-fd 5 \
		127.0.0.1:0 127.0.0.2:0 unix:sock
	local i
	for i in 1 2 3; do
		listener $i
		await grep -qxF "$ADDR" ready
	done
	[ "$(wc -l <ready)" -eq 3 ]
}

@test "--ready-fd gets nothing from one that cannot listen" {
	start other "$PORTS" 127.0.0.1=serve
	expect 1 sh -c "$with_ready" sh "$TCPECHO" --ready-fd 5 "$ADDR"
	holds ready ''
}

@test "--ready-fd with no such descriptor is an error, before it listens" {
	expect '[27]' "$TCPECHO" --ready-fd 5 127.0.0.1:0 5>&-
	run ! grep '^tcpecho: listening on' expect.err
}

@test "tcpcat -lk has --ready-fd, too" {
	start server sh -c "$with_ready" sh "$TCPCAT" -lk --ready-fd 5 \
		127.0.0.1:0
	await has ready 1
	holds ready "$ADDR\n"
}

# Writes the datagrams that come to a socket of that name, a line each.
# shellcheck disable=SC2016
notified='import os, socket, sys
name = sys.argv[1]
sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
sock.bind(name.replace("@", "\0", 1) if name[0] == "@" else name)
os.rename(os.open("made", os.O_CREAT) and "made", "bound")
while True:
    print(sock.recv(1000).decode(), flush=True)'

@test "NOTIFY_SOCKET gets READY=1 and, at the end, STOPPING=1" {
	local name
	for name in "$PWD/sock" "@tcpkit-notify-$$-$RANDOM"; do
		[[ $name != @* ]] || [ -e /proc/net/unix ] || continue
		rm -f bound got
		spawn manager python3 -c "$notified" "$name" >got
		await test -e bound
		start server env NOTIFY_SOCKET="$name" "$TCPECHO" \
			127.0.0.1:0 127.0.0.2:0
		await grep -qx READY=1 got
		says_times 2 'listening on'
		run ! grep STOPPING got
		kill -TERM "${pid[server]}"
		await grep -qx STOPPING=1 got
		finish 0 server
		[ "$(grep -c READY=1 got)" -eq 1 ]
		[ "$(grep -c STOPPING=1 got)" -eq 1 ]
	done
}

@test "NOTIFY_SOCKET gets READY=1 only if all addresses are listened on" {
	start other "$PORTS" 127.0.0.1=serve
	spawn manager python3 -c "$notified" "$PWD/sock" >got
	await test -e bound
	expect 1 env NOTIFY_SOCKET="$PWD/sock" "$TCPECHO" 127.0.0.1:0 "$ADDR"
	run ! grep READY got
}

@test "a NOTIFY_SOCKET that is not there does no harm" {
	start server env NOTIFY_SOCKET="$PWD/nowhere" "$TCPECHO" 127.0.0.1:0
	echoes "$ADDR"
	kill -TERM "${pid[server]}"
	finish 0 server
}

# For a command that puts something else in their place.
# shellcheck disable=SC2016
OPEN=(sh -c 'exec "$@" 3</dev/null 4</dev/null' sh)

@test "LISTEN_FDS: a listening socket is fd:3" {
	# shellcheck disable=SC2016
	start server "${OPEN[@]}" "$LISTEN_FD" 3 127.0.0.1:0 sh -c \
		'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"' sh "$TCPECHO" fd:3
	[[ $ADDR =~ ^127\.0\.0\.1:[1-9][0-9]*$ ]]
	echoes "$ADDR"
	echoes "$ADDR"
	kill -TERM "${pid[server]}"
	await refused "$ADDR"
	finish 0 server
}

@test "LISTEN_FDS: two sockets are fd:3 and fd:4" {
	# shellcheck disable=SC2016
	start server "${OPEN[@]}" "$LISTEN_FD" 3 127.0.0.1:0 \
		"$LISTEN_FD" 4 127.0.0.2:0 \
		sh -c 'LISTEN_FDS=2 LISTEN_PID=$$ exec "$@"' sh \
		"$TCPECHO" fd:3 fd:4
	listener 2
	[[ $ADDR == 127.0.0.2:* ]]
	echoes "$ADDR"
	listener 1
	[[ $ADDR == 127.0.0.1:* ]]
	echoes "$ADDR"
}

@test "socket activation by systemd's own tool" {
	command -v systemd-socket-activate >/dev/null ||
		skip "requires systemd-socket-activate"
	spawn server systemd-socket-activate -l "$PWD/sock" "$TCPECHO" fd:3
	await test -S sock
	await echoes unix:sock
	await echoes unix:sock
}

@test "a descriptor that is no listening socket is an error" {
	expect 2 "$TCPECHO" fd:5 5</dev/null
	said_like '^tcpecho: .*fd:5'
	expect 2 "$TCPECHO" fd:5 5<&-
	said_like '^tcpecho: .*fd:5'
}

# --- --user -----------------------------------------------------------------

@test "--user gives up root once it is bound" {
	requires root
	needs_proc
	mkdir -m 700 mine
	start server "$TCPECHO" --user nobody "unix:$PWD/mine/sock" 127.0.0.1:0
	listener 2
	local kind
	dropped() {
		for kind in Uid:-u Gid:-g; do
			# shellcheck disable=SC2046
			grep -qE "^${kind%:*}:(\s$(id "${kind#*:}" nobody)){4}$" \
				"/proc/${pid[server]}/status" || return
		done
	}
	await dropped
	# Neither groups nor capabilities are left, effective or permitted.
	run grep -E '^Groups:' "/proc/${pid[server]}/status"
	run ! grep -E '\b0\b' <<<"$output"
	run ! grep -E '^Cap(Eff|Prm|Amb):.*[1-9a-f]' \
		"/proc/${pid[server]}/status"
	echoes "$ADDR"
	echoes "unix:$PWD/mine/sock"
	kill -TERM "${pid[server]}"
	finish 0 server
}

@test "--user with a key that only root may read" {
	requires root
	needs_tls
	mkdir -m 700 mine
	make_pair mine/own
	start server "$TCPECHO" --user nobody \
		tls://127.0.0.1:0,cert=mine/own.pem
	echoes "tls://127.0.0.1:$PORT,pin-only,pin=$(pin mine/own)"
}

@test "--user with a user that there is not: an error, before it listens" {
	requires root
	expect '[27]' "$TCPECHO" --user no-such-user 127.0.0.1:0
	said_like '^tcpecho: .*no-such-user'
	run ! grep '^tcpecho: listening on' expect.err
}

# --- descriptors ------------------------------------------------------------

@test "out of descriptors: pauses, says so once, does not spin, recovers" {
	needs_proc
	start server sh -c 'ulimit -n 24; exec "$@"' sh "$TCPECHO" 127.0.0.1:0
	spawn clients "$CHURN" hold 60 "$ADDR"
	await says 1 holding clients
	local before
	before=$(cpu "${pid[server]}")
	sleep 1.5
	local spent=$(($(cpu "${pid[server]}") - before))
	((spent <= 300)) || fail "$spent ms of CPU time in 1.5 s of waiting"
	says_times 1 'Too many open files'
	touch go
	finish 0 clients
	echoes "$ADDR"
	kill -TERM "${pid[server]}"
	finish 0 server
}

@test "the limit on descriptors is raised as far as allowed" {
	start server sh -c 'ulimit -S -n 24; exec "$@"' sh \
		"$TCPECHO" 127.0.0.1:0
	spawn clients "$CHURN" hold 60 "$ADDR"
	await says 1 'holding 60' clients
	run ! grep -i 'too many' server.err
	touch go
	finish 0 clients
}

@test "idle clients cost no CPU time" {
	needs_proc
	start server "$TCPECHO" 127.0.0.1:0
	spawn clients "$CHURN" hold 60 "$ADDR"
	await says 1 holding clients
	local before
	before=$(cpu "${pid[server]}")
	sleep 1
	local spent=$(($(cpu "${pid[server]}") - before))
	((spent <= 100)) || fail "$spent ms of CPU time in 1 s of waiting"
}

# --- memory -----------------------------------------------------------------

@test "clients that never read cost bounded memory; the others go on" {
	needs_proc
	start server "$TCPECHO" --drain-timeout 0 127.0.0.1:0
	echoes "$ADDR"
	local before
	before=$(rss "${pid[server]}")
	spawn flood "$CHURN" flood 8 "$ADDR"
	await says 1 'stuck after' flood
	head -c 16M /dev/urandom >up
	expect 0 "$TCPCAT" "$ADDR" <up >got
	cmp up got
	local more=$(($(rss "${pid[server]}") - before))
	((more <= 32 * 1024)) || fail "$more KiB more"
	touch go
	finish 0 flood
	echoes "$ADDR"
	kill -TERM "${pid[server]}"
	finish 0 server
}

# --- clients that come and go -----------------------------------------------

# leaves_nothing ADDRESS...: after many clients of every kind "server" has no
# more descriptors than before, no children, and serves.
leaves_nothing() {
	needs_proc
	local address before
	for address; do
		await echoes "$address"
	done
	# One that has been served may not be gone yet.
	before=999999
	settled() {
		local n
		n=$(fds "${pid[server]}")
		((n < before)) && before=$n
		((++rounds > 10))
	}
	rounds=0
	await settled
	expect 0 "$CHURN" chaos 300 "$@"
	await few_fds "${pid[server]}" "$before"
	await childless "${pid[server]}"
	for address; do
		echoes "$address"
	done
	running server
}

@test "after 300 clients of every kind no descriptor is left over" {
	start server "$TCPECHO" 127.0.0.1:0 unix:sock
	leaves_nothing "$ADDR" unix:sock
	kill -TERM "${pid[server]}"
	finish 0 server
}

@test "nor are programs, with tcpcat -lk -e" {
	start server "$TCPCAT" -lk -e cat 127.0.0.1:0
	leaves_nothing "$ADDR"
	kill -TERM "${pid[server]}"
	finish 0 server
}

@test "nor do clients that say nothing sensible to TLS leave any" {
	needs_tls
	needs_proc
	make_pair own
	start server "$TCPECHO" tls://127.0.0.1:0,cert=own.pem,connect-timeout=2
	local plain=127.0.0.1:$PORT before
	tls=tls://$plain,pin-only,pin=$(pin own)
	echoes "$tls"
	before=$(fds "${pid[server]}")
	expect 0 "$CHURN" chaos 150 "$plain"
	await few_fds "${pid[server]}" "$before"
	echoes "$tls"
}

@test "a client that resets with answers unread is gone at once" {
	start server "$TCPECHO" -v 127.0.0.1:0
	head -c 3M /dev/zero >up
	expect 0 "$PEER" "$ADDR" send:up ready reset
	await says 1 'Connection reset'
	kill -TERM "${pid[server]}"
	finish 0 server
}
