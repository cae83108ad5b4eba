# Unix sockets and descriptors that are already open: unix:, -U, fd:N
# (SPEC 1.1).

load helpers

# ask ADDRESS: a client sends "asked" and wants "hello" from "server".
ask() {
	"$PEER" -o answer "$1" text:asked shut eof
	finish 0 server
	holds answer hello
	holds got asked
}

listen() {
	printf hello >greeting
	start server "$TCPCAT" -l "$@" <greeting >got
}

# A listener whose socket file is left behind.
leave_behind() {
	start stale "$PEER" -l "unix:$1" sleep:60
	kill -KILL "$PID"
	finish 137 stale
	[ -S "$1" ]
}

@test "-l unix:path listens there, and says so" {
	listen "unix:$PWD/sock"
	[ "$ADDR" = "unix:$PWD/sock" ]
	ask unix:sock
}

@test "unix:path connects" {
	start server "$PEER" -l unix:sock text:hello recv:5 eof >got
	printf asked >question
	expect 0 "$TCPCAT" unix:sock <question >answer
	finish 0 server
	holds answer hello
	holds got asked
}

@test "-U takes a path, connecting and listening" {
	start server "$TCPCAT" -lU sock < <(printf hello) >got
	expect 0 "$TCPCAT" -U sock < <(printf asked) >answer
	finish 0 server
	holds answer hello
	holds got asked
}

@test "unix:@name is an abstract socket, connecting and listening" {
	[ -e /proc/net/unix ] || skip "requires Linux"
	local name=@tcpkit-test-$$-$RANDOM
	listen "unix:$name"
	[ "$ADDR" = "unix:$name" ]
	[ ! -e "$name" ]
	ask "unix:$name"
	start server "$PEER" -l "unix:$name" text:hello eof
	expect 0 "$TCPCAT" "unix:$name" >answer
	finish 0 server
	holds answer hello
}

@test "a comma in a path is written with a backslash" {
	listen 'unix:a\,b'
	[ -S a,b ]
	ask unix:a,b
}

@test "the half-close works over a Unix socket, and late replies arrive" {
	start server "$TCPCAT" -l -c 'sha256sum; sleep 1; echo late' unix:sock
	printf asked >question
	expect 0 "$TCPCAT" unix:sock <question >answer
	finish 0 server
	(sha256sum <question; echo late) | cmp - answer
}

@test "mode= is the mode of the socket file, whatever the umask" {
	umask 077
	listen unix:sock,mode=0666
	[ "$(stat -c %a sock)" = 666 ]
	ask unix:sock
	umask 000
	listen unix:sock,mode=0600
	[ "$(stat -c %a sock)" = 600 ]
	ask unix:sock
}

@test "without mode= the umask decides" {
	umask 027
	listen unix:sock
	[ "$(stat -c %a sock)" = 750 ]
	ask unix:sock
}

@test "owner= is the owner of the socket file" {
	requires root
	listen unix:sock,owner=1:2
	[ "$(stat -c %u:%g sock)" = 1:2 ]
	ask unix:sock
}

@test "the socket file is removed at the end" {
	listen unix:sock
	[ -S sock ]
	ask unix:sock
	[ ! -e sock ]
}

@test "the socket file is removed upon SIGTERM and SIGINT" {
	local signal
	for signal in TERM:143 INT:130; do
		listen unix:sock
		[ -S sock ]
		kill -"${signal%:*}" "$PID"
		finish "${signal#*:}" server
		[ ! -e sock ]
	done
}

@test "the socket file is removed upon SIGTERM while a client is served" {
	listen unix:sock
	spawn client "$PEER" unix:sock text:asked sleep:60
	await has got 5
	kill -TERM "${pid[server]}"
	finish 143 server
	[ ! -e sock ]
}

@test "a socket file in use is not taken over: 1" {
	start other "$PEER" -l unix:sock text:mine
	expect 1 "$TCPCAT" -l unix:sock
	said_like '^tcpcat: listen unix:sock: '
	"$PEER" -o answer unix:sock eof
	holds answer mine
}

@test "a stale socket file is not removed: 1" {
	leave_behind sock
	local inode
	inode=$(stat -c %i sock)
	expect 1 "$TCPCAT" -l unix:sock
	said_like '^tcpcat: listen unix:sock: '
	[ "$(stat -c %i sock)" = "$inode" ]
}

@test "a file that is no socket is not removed: 1" {
	echo precious >sock
	expect 1 "$TCPCAT" -l unix:sock
	said_like '^tcpcat: listen unix:sock: '
	holds sock 'precious\n'
}

@test "a file that took the place of the socket file is not removed" {
	listen unix:sock
	mv sock moved
	echo precious >sock
	ask unix:moved
	holds sock 'precious\n'
}

@test "a socket file that is not there is 1, with path and reason" {
	expect 1 "$TCPCAT" unix:missing
	holds expect.err \
		'tcpcat: connect unix:missing: No such file or directory\n'
}

@test "a stale socket file is refused: 1" {
	leave_behind sock
	expect 1 "$TCPCAT" unix:sock
	holds expect.err 'tcpcat: connect unix:sock: Connection refused\n'
}

@test "-w gives up a Unix socket whose queue is full after its time: 4" {
	start full "$PORTS" unix:sock=dead
	expect 4 "$TCPCAT" -w 1 unix:sock
	took_ms 950 20000
	said_like '^tcpcat: connect unix:sock: '
}

@test "a directory that is not there is 1 when listening" {
	expect 1 "$TCPCAT" -l unix:missing/sock
	said_like '^tcpcat: .*missing/sock: No such file or directory'
}

@test "a path longer than a socket address is an error that names it" {
	local long
	long=$(printf 'x%.0s' {1..200})
	expect '[12]' "$TCPCAT" -l "unix:$long"
	said_like "^tcpcat: .*${long:0:40}"
	[ ! -e "$long" ]
}

@test "data that a Unix peer did not read when it closed is 6" {
	start server "$PEER" -l unix:sock wait:go close
	spawn client "$TCPCAT" unix:sock < <(head -c 100k /dev/zero) >got
	await said_like '^peer: connection' server
	touch go
	finish 6 client
	said_like '^tcpcat: ' client
}

# --- fd:N -------------------------------------------------------------------

@test "fd:N is a connected socket that is already open" {
	start server "$PEER" -l 127.0.0.1:0 text:hello recv:5 eof >got
	exec 5<>"/dev/tcp/127.0.0.1/$PORT"
	printf asked >question
	expect 0 "$TCPCAT" fd:5 <question >answer
	exec 5>&-
	finish 0 server
	holds answer hello
	holds got asked
}

@test "-l fd:N is a listening socket that is already open" {
	printf hello >greeting
	start server "$LISTEN_FD" 5 127.0.0.1:0 "$TCPCAT" -l fd:5 \
		<greeting >got
	[[ $ADDR =~ ^127\.0\.0\.1:[1-9][0-9]*$ ]]
	ask "$ADDR"
}

@test "fd:N that is not open is an error that names it" {
	expect '[127]' "$TCPCAT" fd:99
	said_like '^tcpcat: .*fd:99.*: Bad file descriptor'
	expect '[127]' "$TCPCAT" -l fd:99
	said_like '^tcpcat: .*fd:99.*: Bad file descriptor'
}

@test "fd:N that is no socket is an error that names it" {
	expect '[127]' "$TCPCAT" fd:5 5</dev/null
	said_like '^tcpcat: .*fd:5.*: '
}
