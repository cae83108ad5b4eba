# tcpcat -l: where it listens, whom it serves, what makes it fail (SPEC 1.1,
# section 2).

load helpers

# ask ARGUMENT...: a client sends "asked" and wants "hello" from the server.
ask() {
	"$PEER" -o answer "$@" text:asked shut eof
	finish 0 server
	holds answer hello
	holds got asked
}

# listen ARGUMENT...: tcpcat -l that sends "hello".
listen() {
	printf hello >greeting
	start server "$TCPCAT" -l "$@" <greeting >got
}

@test "-l with port 0 listens on a free port and says which" {
	listen 127.0.0.1:0
	[[ $ADDR =~ ^127\.0\.0\.1:[1-9][0-9]*$ ]]
	ask "$ADDR"
}

@test "-l [::1]:0 listens on IPv6" {
	requires ipv6
	listen '[::1]:0'
	[[ $ADDR =~ ^\[::1\]:[1-9][0-9]*$ ]]
	ask "$ADDR"
}

@test "-l with host and port as two arguments" {
	listen 127.0.0.1 0
	[[ $ADDR == 127.0.0.1:* ]]
	ask "$ADDR"
}

@test "-l host port takes an IPv6 address without brackets" {
	requires ipv6
	listen ::1 0
	[[ $ADDR == '[::1]:'* ]]
	ask "$ADDR"
}

@test "-l :port serves IPv4 and is shown as [::]:port" {
	requires ipv6
	listen :0
	[[ $ADDR =~ ^\[::\]:[1-9][0-9]*$ ]]
	ask "127.0.0.1:$PORT"
}

@test "-l :port serves IPv6, too" {
	requires ipv6
	listen :0
	ask "[::1]:$PORT"
}

@test "-l *:port and a bare port are every local address" {
	requires ipv6
	local address
	for address in '*:0' 0 tcp://:0; do
		listen "$address"
		[[ $ADDR == '[::]:'* ]]
		ask "127.0.0.1:$PORT"
	done
}

@test "-l -p port listens on it" {
	requires ipv6
	listen -p 0
	[[ $ADDR == '[::]:'* ]]
	ask "127.0.0.1:$PORT"
}

@test "-l -4 listens on IPv4 only" {
	start server "$TCPCAT" -l -4 :0
	[[ $ADDR =~ ^0\.0\.0\.0:[1-9][0-9]*$ ]]
	requires ipv6
	expect 1 "$PEER" "[::1]:$PORT"
	said_like 'Connection refused'
	"$PEER" "127.0.0.1:$PORT"
	finish 0 server
}

@test "-l -6 listens on IPv6 only" {
	requires ipv6
	start server "$TCPCAT" -l -6 :0
	[[ $ADDR == '[::]:'* ]]
	expect 1 "$PEER" "127.0.0.1:$PORT"
	said_like 'Connection refused'
	"$PEER" "[::1]:$PORT"
	finish 0 server
}

@test "-l with a name listens on its address" {
	requires namespaces
	make_etc '127.0.0.5 myself'
	printf hello >greeting
	start server "${IN_ETC[@]}" "$TCPCAT" -l myself:0 <greeting >got
	[[ $ADDR == 127.0.0.5:* ]]
	ask "$ADDR"
}

@test "a port in use is 1, with address and reason" {
	start other "$PORTS" 127.0.0.1=serve
	expect 1 "$TCPCAT" -l "$ADDR"
	said_like "^tcpcat: .*$ADDR: Address already in use$"
}

@test "an address that is not ours is 1, with address and reason" {
	expect 1 "$TCPCAT" -l 192.0.2.1:0
	said_like '^tcpcat: .*192\.0\.2\.1:0: Cannot assign requested address$'
}

@test "an unknown name is 3 when listening, too" {
	requires namespaces
	make_etc '127.0.0.1 somewhere'
	expect 3 "${IN_ETC[@]}" "$TCPCAT" -l nowhere.invalid:0
	said_like '^tcpcat: .*nowhere\.invalid'
}

@test "a port is free for the next one as soon as the last has ended" {
	# The server closes first: its side goes through TIME_WAIT.
	printf hello >greeting
	# Nobody else takes it on this address.
	start server "$TCPCAT" -l 127.0.26.8:0 <greeting
	"$PEER" "$ADDR" eof >answer
	finish 0 server
	listen "$ADDR"
	ask "$ADDR"
}

@test "one client is served, and the next is refused meanwhile" {
	start server "$TCPCAT" -l 127.0.0.1:0
	spawn first "$PEER" "$ADDR" eof touch:here wait:done
	await test -e here
	expect 1 "$PEER" "$ADDR"
	said_like 'Connection refused'
	touch "done"
	finish 0 server
	finish 0 first
}


@test "a client that resets in the middle is 6 for the server, with message" {
	start server "$TCPCAT" -l 127.0.0.1:0 >got
	spawn client "$PEER" "$ADDR" text:hello wait:go reset
	await has got 5
	touch go
	finish 6 server
	said_like '^tcpcat: .*: Connection reset by peer' server
	holds got hello
}

@test "--deadline bounds waiting for a client: 4" {
	expect 4 "$TCPCAT" -l --deadline 0.5 127.0.0.1:0
	took_ms 450 15000
}

@test "fd:N listens on a socket that is already open" {
	printf hello >greeting
	start server "$LISTEN_FD" 5 127.0.0.1:0 "$TCPCAT" -l fd:5 \
		<greeting >got
	[[ $ADDR == 127.0.0.1:* ]]
	ask "$ADDR"
}

@test "SIGTERM and SIGINT end one that waits for a client" {
	local signal
	for signal in TERM:143 INT:130; do
		start server "$TCPCAT" -l 127.0.0.1:0
		kill -"${signal%:*}" "$PID"
		finish "${signal#*:}" server
	done
}
