# What makes a server a server: many listeners, limits, drain, reload, what
# it says (SPEC 1.1, 1.4, 1.7).  The tool is tcpecho, mostly; tcpcat -lk is
# the same inside.

load helpers
load server

setup_file() {
	head -c 16M /dev/urandom >"$BATS_FILE_TMPDIR/up"
}

# a_client NAME: one that has a byte echoed, makes NAME.here, waits for the
# file NAME.go, has another one echoed, and leaves.
a_client() {
	spawn "$1" "$PEER" "$ADDR" text:a recv:1 touch:"$1.here" \
		wait:"$1.go" text:b recv:1 shut eof >"$1.got"
	await test -e "$1.here"
}

# it_goes_on NAME: it does that, undisturbed.
it_goes_on() {
	touch "$1.go"
	finish 0 "$1"
	holds "$1.got" ab
}

# --- listeners --------------------------------------------------------------

@test "one process listens on IPv4, IPv6 and a Unix socket, and serves all" {
	requires ipv6
	start server "$TCPECHO" 127.0.0.1:0 '[::1]:0' unix:sock
	listener 1
	[[ $ADDR =~ ^127\.0\.0\.1:[1-9][0-9]*$ ]]
	echoes "$ADDR"
	listener 2
	[[ $ADDR =~ ^\[::1\]:[1-9][0-9]*$ ]]
	echoes "$ADDR"
	listener 3
	[ "$ADDR" = unix:sock ]
	echoes "$ADDR"
	says_times 3 'listening on'
}

@test "TLS is one of several listeners" {
	needs_tls
	make_pair own
	start server "$TCPECHO" 127.0.0.1:0 tls://127.0.0.2:0,cert=own.pem
	listener 2
	[[ $ADDR =~ 127\.0\.0\.2:[1-9][0-9]*$ ]]
	echoes "tls://127.0.0.2:$PORT,pin-only,pin=$(pin own)"
	listener 1
	echoes "$ADDR"
}

@test "tcpcat -lk -c serves all its clients at once" {
	start server "$TCPCAT" -lk -e cat 127.0.0.1:0
	a_client one
	a_client two
	echoes "$ADDR"
	it_goes_on two
	it_goes_on one
}

@test "when one of several addresses is in use: 1, with address and reason" {
	start other "$PORTS" 127.0.0.1=serve
	expect 1 "$TCPECHO" 127.0.0.1:0 "$ADDR" unix:sock
	said_like "^tcpecho: .*$ADDR: Address already in use$"
	[ ! -e sock ]
}

# wrong_listener TEXT ADDRESS: as the last of several it is refused, with
# status 2 and this message, before any of them is opened.
wrong_listener() {
	expect 2 "$TCPECHO" unix:first 127.0.0.1:0 "$2"
	said "tcpecho: $1"
	expect 2 "$TCPCAT" -lk "$2"
	said "tcpcat: $1"
}

@test "what is asked wrongly of one listener is said before any listens" {
	wrong_listener 'fd:77: Bad file descriptor' fd:77
	wrong_listener 'unix:x: option owner: no user "no-such-user"' \
		unix:x,owner=no-such-user:root
	wrong_listener 'unix:x: option owner: no group "no-such-group"' \
		unix:x,owner=:no-such-group
	wrong_listener 'unix:@x: option mode: an abstract name has no file' \
		unix:@x,mode=0600
	wrong_listener 'resolve 127.0.0.1: unknown service "no-such-service"' \
		127.0.0.1:no-such-service
	wrong_listener 'resolve *: unknown service "no-such-service"' \
		:no-such-service
	[ ! -e x ]
	[ ! -e first ]
	expect 2 "$TCPECHO" 127.0.0.1:0 fd:5 5</dev/null
	said_like '^tcpecho: fd:5: .*ocket'
	expect 2 "$LISTEN_FD" 5 127.0.0.1:0 "$TCPECHO" fd:5 fd:5
	said_like '^tcpecho: fd:5 is listened on twice$'
}

@test "an interface that is not there is said before any listens" {
	local name
	expect 2 "$TCPECHO" 127.0.0.1:0,interface=nosuch0
	grep -q 'No such device' expect.err ||
		skip "requires SO_BINDTODEVICE"
	for name in 127.0.0.1 localhost; do
		wrong_listener \
			"$name:0: option interface: nosuch0: No such device" \
			"$name:0,interface=nosuch0"
	done
	[ ! -e first ]
}

# --- limits -----------------------------------------------------------------

@test "max-clients: the next waits in the backlog, and is served in its turn" {
	start server "$TCPECHO" 127.0.0.1:0,max-clients=2
	a_client one
	a_client two
	spawn third "$PEER" "$ADDR" text:hello quiet:0.4 touch:quiet \
		recv:5 shut eof >got
	await test -e quiet
	it_goes_on one
	finish 0 third
	holds got hello
	it_goes_on two
}

@test "-m is max-clients" {
	start server "$TCPECHO" -m 1 127.0.0.1:0
	a_client one
	spawn next "$PEER" "$ADDR" text:hello quiet:0.4 touch:quiet recv:5 \
		shut eof >got
	await test -e quiet
	it_goes_on one
	finish 0 next
}

@test "max-clients of one address is not that of another" {
	start server "$TCPECHO" 127.0.0.1:0,max-clients=1 127.0.0.2:0
	a_client one
	listener 2
	echoes "$ADDR"
	it_goes_on one
}

@test "max-per-host: one too many is closed and logged; other hosts are not" {
	start server "$TCPECHO" -v 127.0.0.1:0,max-per-host=2
	a_client one
	a_client two
	expect '*' "$PEER" "$ADDR" eof:10 >got
	run ! grep 'no end' expect.err
	holds got ''
	await says 1 '^tcpecho: .*127\.0\.0\.1:[0-9]+.*max-per-host'
	echoes -s 127.0.0.2 "$ADDR"
	it_goes_on one
	await echoes "$ADDR"
	it_goes_on two
}

# --- drain ------------------------------------------------------------------

@test "SIGTERM and SIGINT: nobody there, 0 at once" {
	local signal
	for signal in TERM INT; do
		start server "$TCPECHO" 127.0.0.1:0 unix:sock
		echoes "$ADDR"
		kill -$signal "${pid[server]}"
		finish 0 server
		[ ! -e sock ]
	done
}

@test "SIGTERM lets a running transfer finish, refuses others: 0" {
	start server "$TCPECHO" -v 127.0.0.1:0
	spawn client sh -c '"$1" "$2" <"$3" | {
		until [ -e go ]; do sleep 0.02; done
		cat; } >got' sh "$TCPCAT" "$ADDR" "$BATS_FILE_TMPDIR/up"
	await says 1 'connection from'
	kill -TERM "${pid[server]}"
	await refused "$ADDR"
	running server
	touch go
	finish 0 client
	finish 0 server
	cmp got "$BATS_FILE_TMPDIR/up"
}

@test "SIGINT lets a running upload to tcpcat -lk finish: 0" {
	spawn server sh -c '"$1" -lk -v 127.0.0.1:0 | {
		until [ -e go ]; do sleep 0.02; done
		cat; } >got' sh "$TCPCAT"
	await announced server
	spawn client "$TCPCAT" "$ADDR" <"$BATS_FILE_TMPDIR/up"
	await says 1 'connection from'
	kill -INT "$(pgrep -P "${pid[server]}" -x tcpcat)"
	await refused "$ADDR"
	touch go
	finish 0 client
	finish 0 server
	cmp got "$BATS_FILE_TMPDIR/up"
}

@test "SIGTERM: clients that still talk are served until they leave" {
	start server "$TCPECHO" 127.0.0.1:0
	a_client one
	kill -TERM "${pid[server]}"
	await refused "$ADDR"
	it_goes_on one
	finish 0 server
}

@test "--drain-timeout: who is still there is reset, counted, reported: 0" {
	start server "$TCPECHO" --drain-timeout 0.5 127.0.0.1:0
	spawn one "$PEER" "$ADDR" text:a recv:1 touch:here1 broken
	spawn two "$PEER" "$ADDR" text:a recv:1 touch:here2 broken
	await test -e here1
	await test -e here2
	local since
	since=$(now)
	kill -TERM "${pid[server]}"
	finish 0 server
	took=$(($(now) - since))
	took_ms 450 5000
	finish 0 one
	finish 0 two
	said_like '^tcpecho: .*\b2\b.*(cut|reset)' server
	says_times 2 '^tcpecho: .*127\.0\.0\.1:[0-9]+: '
}

@test "--drain-timeout 0 resets everyone at once" {
	start server "$TCPECHO" --drain-timeout 0 127.0.0.1:0
	spawn one "$PEER" "$ADDR" text:a recv:1 touch:here broken
	await test -e here
	kill -TERM "${pid[server]}"
	finish 0 server
	finish 0 one
}

@test "a second signal: it dies of it, at once" {
	local both first second
	for both in TERM:TERM:15 INT:INT:2 TERM:INT:2 INT:TERM:15; do
		IFS=: read -r first second number <<<"$both"
		rm -f here
		start server python3 -c "$raw_status" "$TCPECHO" 127.0.0.1:0 \
			>status
		spawn client "$PEER" "$ADDR" text:a recv:1 touch:here broken
		await test -e here
		kill -"$first" "$(cat child)"
		await refused "$ADDR"
		kill -"$second" "$(cat child)"
		finish 0 server
		holds status "$number\n"	# by the signal, no exit
		finish 0 client
	done
}

# Runs a command, its process in "child"; prints its status as wait(2) has it.
raw_status='import os, sys
child = os.spawnvp(os.P_NOWAIT, sys.argv[1], sys.argv[1:])
open("child", "w").write(str(child))
print(os.waitpid(child, 0)[1])'

# --- reload -----------------------------------------------------------------

@test "SIGHUP reloads the list of who may connect; who is there stays" {
	echo -127.0.0.9 >list
	start server "$TCPECHO" --acl-file list 127.0.0.1:0
	a_client one
	echoes -s 127.0.0.2 "$ADDR"
	echo '-127.0.0.1,-127.0.0.2' >list
	echoes -s 127.0.0.2 "$ADDR"	# not without being told
	kill -HUP "${pid[server]}"
	await dumb -s 127.0.0.2 "$ADDR"
	echoes -s 127.0.0.9 "$ADDR"
	it_goes_on one
	kill -TERM "${pid[server]}"
	finish 0 server
}

@test "SIGHUP finds a list that was put in place of the old one" {
	echo -127.0.0.9 >list
	start server "$TCPECHO" --acl-file list 127.0.0.1:0
	echo -127.0.0.2 >new
	mv new list
	kill -HUP "${pid[server]}"
	await dumb -s 127.0.0.2 "$ADDR"
}

@test "SIGHUP with a broken list changes nothing, and says where it is" {
	echo -127.0.0.2 >list
	start server "$TCPECHO" --acl-file list 127.0.0.1:0
	a_client one
	printf '+all\n+127.0.0.1/33\n' >list
	kill -HUP "${pid[server]}"
	await says 1 '^tcpecho: .*list:2:[0-9]+: '
	dumb -s 127.0.0.2 "$ADDR"
	echoes "$ADDR"
	rm list
	kill -HUP "${pid[server]}"
	await says 1 '^tcpecho: .*list.*No such file'
	dumb -s 127.0.0.2 "$ADDR"
	echo -127.0.0.3 >list
	kill -HUP "${pid[server]}"
	await dumb -s 127.0.0.3 "$ADDR"
	echoes -s 127.0.0.2 "$ADDR"
	it_goes_on one
}

@test "SIGHUP reloads the certificate; who is connected notices nothing" {
	needs_tls
	make_pair old
	make_pair new
	cp old.pem own.pem
	start server "$TCPECHO" tls://127.0.0.1:0,cert=own.pem
	local old new
	old=tls://127.0.0.1:$PORT,pin-only,pin=$(pin old)
	new=tls://127.0.0.1:$PORT,pin-only,pin=$(pin new)
	spawn client "$TCPCAT" "$old" < <(printf a; held go; printf b) >got
	await has got 1
	run ! echoes "$new"
	cp new.pem own.pem
	kill -HUP "${pid[server]}"
	await echoes "$new"
	run ! echoes "$old"
	echo broken >own.pem
	kill -HUP "${pid[server]}"
	await says 1 '^tcpecho: .*own\.pem'
	echoes "$new"
	touch go
	finish 0 client
	holds got ab
}

@test "SIGHUP is all or nothing: one broken file, and no other is taken" {
	needs_tls
	make_pair old
	cp old.pem own.pem
	echo -127.0.0.9 >list
	start server "$TCPECHO" 127.0.0.1:0,acl-file=list \
		tls://127.0.0.2:0,cert=own.pem
	listener 2
	listener 1
	echo -127.0.0.2 >list
	echo broken >own.pem
	kill -HUP "${pid[server]}"
	await says 1 '^tcpecho: .*own\.pem'
	echoes -s 127.0.0.2 "$ADDR"
	listener 2
	echoes "tls://127.0.0.2:$PORT,pin-only,pin=$(pin old)"
}

@test "SIGHUP without anything to reload has its default action" {
	start server "$TCPECHO" 127.0.0.1:0
	kill -HUP "${pid[server]}"
	finish 129 server
	start server "$TCPCAT" -lk --acl -127.0.0.9 127.0.0.1:0
	kill -HUP "${pid[server]}"
	finish 129 server
}

# --- what it says -----------------------------------------------------------

@test "SIGUSR1 prints a statistics line" {
	start server "$TCPECHO" 127.0.0.1:0 >stdout
	a_client one
	printf hello | expect 0 "$TCPCAT" "$ADDR" >got
	counted() {
		kill -USR1 "${pid[server]}"
		sleep 0.05
		says 1 '^tcpecho: .*\b1\b.*\b2\b.*\b5 bytes.*\b5 bytes'
	}
	await counted
	says_times 1 'listening'
	run ! grep -v '^tcpecho: ' server.err
	it_goes_on one
	holds stdout ''
	kill -TERM "${pid[server]}"
	finish 0 server
}

@test "--json: statistics, and a line for each connection" {
	spawn server "$TCPECHO" --json -v 127.0.0.1:0
	listening() {
		ADDR=$("$EVENTS" listening local <server.err) && [ -n "$ADDR" ]
	}
	await listening
	printf hello | expect 0 "$TCPCAT" -s 127.0.0.2 "$ADDR" >got
	expect 0 "$PEER" "$ADDR" text:abc recv:3 reset
	await says 2 '"disconnect"'
	kill -USR1 "${pid[server]}"
	await says 1 '"statistics"'
	[ "$("$EVENTS" statistics bytes_in bytes_out <server.err)" = '8 8' ]
	"$EVENTS" connect conn local peer <server.err >joined
	grep -E "^1 ${ADDR//./\\.} 127\.0\.0\.2:[0-9]+$" joined
	grep -E "^2 ${ADDR//./\\.} 127\.0\.0\.1:[0-9]+$" joined
	"$EVENTS" disconnect conn bytes_in bytes_out reason local peer \
		duration <server.err >left
	local here=${ADDR//./\\.}
	grep -E "^1 5 5 peer-end $here 127\.0\.0\.2:[0-9]+ [0-9.e-]+$" left
	grep -E "^2 3 3 reset $here 127\.0\.0\.1:[0-9]+ " left
	kill -TERM "${pid[server]}"
	finish 0 server
}

@test "-v: one line when a client leaves, with bytes and reason" {
	start server "$TCPECHO" -v 127.0.0.1:0
	printf hello | expect 0 "$TCPCAT" -s 127.0.0.2 "$ADDR" >got
	await says 1 '^tcpecho: 127\.0\.0\.2:[0-9]+: .*\b5 bytes.*\b5 bytes'
	expect 0 "$PEER" "$ADDR" text:abc recv:3 reset
	await says 1 '^tcpecho: .*127\.0\.0\.1:[0-9]+: .*Connection reset'
	says_times 2 'sent [0-9]+ bytes'
}

@test "without -v nothing is said of a client that ends well" {
	start server "$TCPECHO" 127.0.0.1:0
	echoes "$ADDR"
	kill -TERM "${pid[server]}"
	finish 0 server
	holds server.err "tcpecho: listening on $ADDR\n"
}
