# tcpcat connects: forms of addresses, names, families, several addresses,
# sources, limits in time (SPEC 1.1, 1.2).

load helpers

WITH=()		# what to put before tcpcat

# A server that sends "hello" and wants exactly "asked".
serve() {
	start server "$PEER" -l "$1" text:hello recv:5 eof >got
}

# ask ARGUMENT...: connect to it; the answer and the question are right.
ask() {
	printf asked >question
	expect 0 "${WITH[@]}" "$TCPCAT" "$@" <question >answer
	finish 0 server
	holds answer hello
	holds got asked
}

@test "host:port connects" {
	serve 127.0.0.1:0
	ask "127.0.0.1:$PORT"
}

@test "tcp://host:port connects" {
	serve 127.0.0.1:0
	ask "tcp://127.0.0.1:$PORT"
}

@test "host and port as two arguments connect" {
	serve 127.0.0.1:0
	ask 127.0.0.1 "$PORT"
}

@test "a bracketed IPv6 address connects" {
	requires ipv6
	serve '[::1]:0'
	ask "[::1]:$PORT"
}

@test "host port takes an IPv6 address without brackets" {
	requires ipv6
	serve '[::1]:0'
	ask ::1 "$PORT"
}

@test "an IPv6 address with a zone connects" {
	requires ipv6
	serve '[::1]:0'
	ask "[::1%lo]:$PORT"
}

@test ":port connects to localhost" {
	serve 127.0.0.1:0
	ask ":$PORT"
}

@test "a name connects" {
	serve 127.0.0.1:0
	ask "localhost:$PORT"
}

@test "a service name is a port" {
	requires namespaces
	serve 127.0.0.1:0
	make_etc '127.0.0.1 somewhere'
	echo "someservice $PORT/tcp" >etc/services
	WITH=("${IN_ETC[@]}")
	ask somewhere:someservice
}

@test "-n takes numbers" {
	serve 127.0.0.1:0
	ask -n "127.0.0.1:$PORT"
}

@test "-n with a name is 3, and it is not looked up" {
	requires namespaces
	serve 127.0.0.1:0
	make_etc '127.0.0.1 somewhere'
	expect 3 "${IN_ETC[@]}" "$TCPCAT" -n "somewhere:$PORT"
	said_like '^tcpcat: .*somewhere'
}

@test "a name that is not found is 3, and named" {
	requires namespaces
	make_etc '127.0.0.1 somewhere'
	expect 3 "${IN_ETC[@]}" "$TCPCAT" nowhere.invalid:80
	said_like '^tcpcat: .*nowhere\.invalid.*: '
}

@test "a name service that does not answer is 3" {
	requires namespaces
	make_etc '127.0.0.1 somewhere'
	echo 'hosts: dns' >etc/nsswitch.conf
	echo 'nameserver 127.0.0.1' >etc/resolv.conf
	expect 3 unshare -rn "${IN_ETC[@]}" "$TCPCAT" nowhere.invalid:80
	said_like '^tcpcat: .*nowhere\.invalid.*: '
}

@test "refused is 1, with the address and the reason" {
	start port "$PORTS" 127.0.0.1=refuse
	expect 1 "$TCPCAT" "127.0.0.1:$PORT"
	holds expect.err "tcpcat: connect 127.0.0.1:$PORT: Connection refused\n"
}

@test "refused by IPv6 is 1, with the address in brackets" {
	requires ipv6
	start port "$PORTS" ::1=refuse
	expect 1 "$TCPCAT" "[::1]:$PORT"
	holds expect.err "tcpcat: connect [::1]:$PORT: Connection refused\n"
}

@test "when both addresses of a name refuse, both are listed" {
	requires ipv6 namespaces
	start port "$PORTS" ::1=refuse 127.0.0.1=refuse
	make_etc '127.0.0.1 both' '::1 both'
	expect 1 "${IN_ETC[@]}" "$TCPCAT" "both:$PORT"
	said "tcpcat: connect [::1]:$PORT: Connection refused"
	said "tcpcat: connect 127.0.0.1:$PORT: Connection refused"
	# Each once, though some resolvers have ::1 stand for 127.0.0.1, too.
	[ "$(wc -l <expect.err)" -eq 2 ]
}

@test "no network is 1, with the reason" {
	requires namespaces
	expect 1 unshare -rn "$TCPCAT" 192.0.2.1:80
	said 'tcpcat: connect 192.0.2.1:80: Network is unreachable'
}

@test "a name's second address is used when the first refuses" {
	requires ipv6 namespaces
	start port "$PORTS" ::1=refuse 127.0.0.1=serve
	make_etc '127.0.0.1 both' '::1 both'
	expect 0 "${IN_ETC[@]}" "$TCPCAT" "both:$PORT" >got
	holds got 'served by 127.0.0.1\n'
	said_nothing
}

@test "a refusal is followed by the next address at once" {
	requires ipv6 namespaces
	start port "$PORTS" ::1=refuse 127.0.0.1=serve
	make_etc '127.0.0.1 both one' '::1 both'
	fastest_of_3 "${IN_ETC[@]}" "$TCPCAT" "one:$PORT"
	within $((took + 150)) "${IN_ETC[@]}" "$TCPCAT" "both:$PORT" >got
	[ "$(uniq got)" = 'served by 127.0.0.1' ]
}

@test "a dead first address costs 0.2 to 0.3 s" {
	requires ipv6 namespaces
	start port "$PORTS" ::1=dead 127.0.0.1=serve
	make_etc '127.0.0.1 both one' '::1 both'
	fastest_of_3 "${IN_ETC[@]}" "$TCPCAT" "one:$PORT"
	within $((took + 350)) "${IN_ETC[@]}" "$TCPCAT" "both:$PORT" >got
	((took >= 200)) || fail "took $took ms"
	[ "$(uniq got)" = 'served by 127.0.0.1' ]
}

@test "-4 and -6 use that family alone" {
	requires ipv6 namespaces
	start port "$PORTS" ::1=serve 127.0.0.1=serve
	make_etc '127.0.0.1 both' '::1 both'
	expect 0 "${IN_ETC[@]}" "$TCPCAT" -4 "both:$PORT" >got
	holds got 'served by 127.0.0.1\n'
	expect 0 "${IN_ETC[@]}" "$TCPCAT" -6 "both:$PORT" >got
	holds got 'served by ::1\n'
}

@test "family=4 and family=6 use that family alone" {
	requires ipv6 namespaces
	start port "$PORTS" ::1=serve 127.0.0.1=serve
	make_etc '127.0.0.1 both' '::1 both'
	expect 0 "${IN_ETC[@]}" "$TCPCAT" "both:$PORT,family=4" >got
	holds got 'served by 127.0.0.1\n'
	expect 0 "${IN_ETC[@]}" "$TCPCAT" "both:$PORT,family=6" >got
	holds got 'served by ::1\n'
}

@test "-4 does not fall back to IPv6, nor -6 to IPv4" {
	requires ipv6 namespaces
	make_etc '127.0.0.1 both' '::1 both'
	start port "$PORTS" 127.0.0.1=refuse ::1=serve
	expect 1 "${IN_ETC[@]}" "$TCPCAT" -4 "both:$PORT"
	holds expect.err "tcpcat: connect 127.0.0.1:$PORT: Connection refused\n"
	start port6 "$PORTS" ::1=refuse 127.0.0.1=serve
	expect 1 "${IN_ETC[@]}" "$TCPCAT" -6 "both:$PORT"
	holds expect.err "tcpcat: connect [::1]:$PORT: Connection refused\n"
}

@test "a name without an address of the family is 3" {
	requires namespaces
	make_etc '192.0.2.1 four' '2001:db8::1 six'
	expect 3 "${IN_ETC[@]}" "$TCPCAT" -6 four:80
	said_like '^tcpcat: .*four'
	expect 3 "${IN_ETC[@]}" "$TCPCAT" -4 six:80
	said_like '^tcpcat: .*six'
}

@test "-s is the source address" {
	serve 127.0.0.1:0
	ask -s 127.0.0.2 "127.0.0.1:$PORT"
	said_like '^peer: connection from 127\.0\.0\.2:[0-9]+$' server
}

@test "-p is the source port" {
	# So nobody has it on all addresses, nor on one that only we use.
	start port "$PORTS" 127.0.0.3=refuse
	local from=$PORT
	serve 127.0.0.1:0
	ask -s 127.0.26.1 -p "$from" "127.0.0.1:$PORT"
	said "peer: connection from 127.0.26.1:$from" server
}

@test "source= is the source, and wins over -s" {
	serve 127.0.0.1:0
	ask -s 127.0.0.2 "127.0.0.1:$PORT,source=127.0.0.3"
	said_like '^peer: connection from 127\.0\.0\.3:[0-9]+$' server
}

@test "source=ADDR:PORT is both" {
	start port "$PORTS" 127.0.0.3=refuse
	local from=$PORT
	serve 127.0.0.1:0
	ask "127.0.0.1:$PORT,source=127.0.26.2:$from"
	said "peer: connection from 127.0.26.2:$from" server
}

@test "a source that is not ours is 1, with the reason" {
	serve 127.0.0.1:0
	expect 1 "$TCPCAT" -s 192.0.2.1 "127.0.0.1:$PORT"
	said_like '^tcpcat: .*192\.0\.2\.1.*: Cannot assign requested address$'
}

@test "interface= connects through it; an unknown one is 2" {
	serve 127.0.0.1:0
	expect 2 "$TCPCAT" "127.0.0.1:$PORT,interface=none0"
	said_like '^tcpcat: .*none0'
	ask "127.0.0.1:$PORT,interface=lo"
}

@test "keepalive probes are on, with keepalive=no they are off" {
	requires ss
	start server "$PEER" -l 127.0.0.1:0 wait:done
	spawn client "$TCPCAT" --recv-only "$ADDR"
	await said_like '^peer: connection' server
	ss -tnoH state established dport = ":$PORT" | grep 'timer:(keepalive'
	touch "done"
	finish 0 client

	rm "done"
	start server2 "$PEER" -l 127.0.0.1:0 wait:done
	spawn client "$TCPCAT" --recv-only "$ADDR,keepalive=no"
	await said_like '^peer: connection' server2
	ss -tnoH state established dport = ":$PORT" >sockets
	grep -F ":$PORT" sockets
	run ! grep keepalive sockets
	touch "done"
	finish 0 client
}

@test "rcvbuf= and sndbuf= set the kernel's buffers" {
	requires ss
	start server "$PEER" -l 127.0.0.1:0 wait:done
	spawn client "$TCPCAT" --recv-only "$ADDR,rcvbuf=20k,sndbuf=30k"
	await said_like '^peer: connection' server
	# The kernel doubles what it is asked for.
	ss -tnmH state established dport = ":$PORT" >sockets
	grep -E '[(,]rb40960,.*[(,]tb61440,' sockets
	touch "done"
	finish 0 client
}

@test "-w gives up a dead address after its time: 4" {
	start port "$PORTS" 127.0.0.1=dead
	expect 4 "$TCPCAT" -w 1 "$ADDR"
	took_ms 950 20000
	said_like "^tcpcat: connect $ADDR: "
}

@test "--connect-timeout gives up a dead address after its time: 4" {
	start port "$PORTS" 127.0.0.1=dead
	expect 4 "$TCPCAT" --connect-timeout 500ms "$ADDR"
	took_ms 450 15000
	said_like "^tcpcat: connect $ADDR: "
}

@test "connect-timeout= in the address wins over -w" {
	start port "$PORTS" 127.0.0.1=dead
	expect 4 "$TCPCAT" -w 40 "$ADDR,connect-timeout=0.5"
	took_ms 450 15000
}

@test "--deadline bounds connecting, too: 4" {
	start port "$PORTS" 127.0.0.1=dead
	expect 4 "$TCPCAT" --deadline 0.5 "$ADDR"
	took_ms 450 15000
	said_like '^tcpcat: '
}

@test "one address that refuses and one that is dead are 1, both listed" {
	requires ipv6 namespaces
	start port "$PORTS" ::1=dead 127.0.0.1=refuse
	make_etc '127.0.0.1 both' '::1 both'
	expect 1 "${IN_ETC[@]}" "$TCPCAT" -w 1 "both:$PORT"
	said "tcpcat: connect 127.0.0.1:$PORT: Connection refused"
	said_like "^tcpcat: connect \[::1\]:$PORT: "
}

@test "two dead addresses are 4, both listed" {
	requires ipv6 namespaces
	start port "$PORTS" ::1=dead 127.0.0.1=dead
	make_etc '127.0.0.1 both' '::1 both'
	expect 4 "${IN_ETC[@]}" "$TCPCAT" -w 1 "both:$PORT"
	said_like "^tcpcat: connect 127\.0\.0\.1:$PORT: "
	said_like "^tcpcat: connect \[::1\]:$PORT: "
}
