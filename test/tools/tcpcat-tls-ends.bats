# TLS between our own ends: not a byte lost, each direction ends by itself
# (SPEC 1.3), and when tcpcat ends (SPEC section 2).  What a network does to
# it is in tcpcat-tls-damage.bats.

load helpers
load tls

setup_file() {
	make_certs
	make_tls_data
}

arrived() {
	cmp got.up "$DATA/up"
	cmp got.down "$DATA/down"
}

# to: the address of the server, for a client that trusts it.
to() {
	echo "tls://$ADDR,ca=$CERTS/ca.pem"
}

listener() {
	echo "tls://127.0.0.1:0,$(own "${1:-server}")"
}

# --- much data each way at once ---------------------------------------------

both_ways() {		# CERTIFICATE
	start server "$TCPCAT" -l "$(listener "$1")" <"$DATA/down" >got.up
	expect 0 "$TCPCAT" "$(to)" <"$DATA/up" >got.down
	finish 0 server
	arrived
}

@test "big data each way at once: files, EC" {
	both_ways server
}

@test "big data each way at once: files, RSA" {
	both_ways rsa
}

@test "big data each way at once: pipes, client certificates" {
	start server "$STDIO" pipe "$DATA/down" got.up "$TCPCAT" -l \
		"$(listener),client-ca=$CERTS/ca.pem"
	cat "$DATA/up" | expect 0 "$TCPCAT" "$(to),$(own client)" |
		cat >got.down
	finish 0 server
	arrived
}

@test "big data each way at once: sockets, tiny buffers in the kernel" {
	start server "$STDIO" socket "$DATA/down" got.up \
		"$TCPCAT" -l "$(listener),sndbuf=4k,rcvbuf=4k"
	head -c 5M "$DATA/up" >some
	expect 0 "$STDIO" socket some got.down "$TCPCAT" "$(to),rcvbuf=64k"
	finish 0 server
	cmp got.up some
	cmp got.down "$DATA/down"
}

@test "big data through an echo" {
	start server "$TCPCAT" -l -e cat "$(listener)"
	expect 0 "$TCPCAT" "$(to)" <"$DATA/up" >got
	finish 0 server
	cmp got "$DATA/up"
}

@test "big data, many times, nothing lost at the end" {
	local i
	head -c 300k "$DATA/up" >up
	head -c 200k "$DATA/down" >down
	for i in {1..10}; do
		start server "$TCPCAT" -l "$(listener)" <down >got.up
		expect 0 "$TCPCAT" "$(to)" <up >got.down
		finish 0 server
		cmp got.up up
		cmp got.down down
	done
}

@test "every size around that of a record arrives" {
	local n sizes
	sizes=(0 1 2 16383 16384 16385 32767 32768 32769 65535 65536 65537)
	for n in "${sizes[@]}"; do
		head -c "$n" "$DATA/up" >some
		start server "$TCPCAT" -l -e cat "$(listener)"
		expect 0 "$TCPCAT" "$(to)" <some >got
		finish 0 server
		cmp got some
	done
}

# --- each direction by itself -----------------------------------------------

@test "late: a reply and an input that start long after the other's end" {
	# The client ends first.
	start client_first "$TCPCAT" -l "$(listener)" \
		-e "'$PEER' -o 1.up - eof sleep:$LATE 'send:$DATA/down'"
	spawn client_first_client "$TCPCAT" "$(to)" <"$DATA/up" >1.down
	# The same behind no-shutdown on the other side.
	start server_held "$TCPCAT" -l "$(listener),no-shutdown" \
		-e "'$PEER' -o 2.up - eof sleep:$LATE 'send:$DATA/down'"
	spawn server_held_client "$TCPCAT" "$(to)" <"$DATA/up" >2.down
	# The server ends first.
	start server_first "$TCPCAT" -l "$(listener)" \
		-c "cat '$DATA/down'; exec >&-; cat >3.up"
	spawn server_first_client "$TCPCAT" --wait-stdin "$(to)" \
		< <(sleep $LATE; cat "$DATA/up") >3.down
	local name i
	for name in client_first server_held server_first; do
		finish 0 $name
		finish 0 ${name}_client
	done
	for i in 1 2 3; do
		cmp $i.up "$DATA/up"
		cmp $i.down "$DATA/down"
	done
}

@test "the end comes after the last byte, and the answer after that" {
	start server "$TCPCAT" -l -c sha256sum "$(listener)"
	expect 0 "$TCPCAT" "$(to)" <"$DATA/up" >sum
	finish 0 server
	sha256sum <"$DATA/up" | cmp - sum
}

@test "our end is close_notify alone, FIN comes when both have ended" {
	requires ss
	start server "$TCPCAT" -l "$(listener)" \
		-e "'$PEER' -o got - eof touch:ended wait:go text:reply"
	spawn client "$TCPCAT" "$(to)" < <(printf hello) >answer
	await test -e ended
	holds got hello
	ss -tanH "( sport = :$PORT or dport = :$PORT )" >sockets
	[ "$(grep -c ESTAB sockets)" -eq 2 ]
	touch go
	finish 0 client
	finish 0 server
	holds answer reply
}

@test "what is typed goes out at once, in both directions" {
	mkfifo typed
	start server "$TCPCAT" -l "$(listener)" \
		-e "'$PEER' -o got - recv:1 text:A recv:1 text:B eof"
	spawn client sh -c 'exec "$@" <typed' sh "$TCPCAT" "$(to)" >answer
	exec 5>typed
	printf a >&5
	await has answer 1
	printf b >&5
	await has answer 2
	exec 5>&-
	finish 0 client
	finish 0 server
	holds got ab
	holds answer AB
}

@test "the peer's end ends it at once with an idle terminal" {
	serve "$(own server)"
	expect 0 "$STDIO" pty - answer "$TCPCAT" "$(to)"
	finish 0 server
	took_ms 0 5000
	holds answer hello
}

@test "a receiver that ends at once still gets a pipe with long pauses" {
	start server "$TCPCAT" -l "$(listener)" >got	# reads /dev/null
	(echo one; sleep 1.5; echo two) | expect 0 "$TCPCAT" "$(to)"
	finish 0 server
	holds got 'one\ntwo\n'
}

@test "a peer that leaves right after its close_notify has ended well" {
	local flag
	printf hi >hi
	for flag in -v --no-shutdown; do
		start server "$TCPCAT" -l $flag "$(listener)" \
			< <(printf hello) >got
		expect 0 "$TLSPEER" -a "$CERTS/ca.pem" -r 5 "$ADDR" hi
		finish 0 server
		holds got hi
		start server "$TLSPEER" -l -c "$CERTS/server.pem" \
			-k "$CERTS/server.key" -r 5 127.0.0.1:0 hi
		expect 0 "$TCPCAT" $flag "$(to)" < <(printf hello) >answer
		finish 0 server
		holds answer hi
	done
}

@test "a peer's close_notify counts, though its end came with it" {
	# The peer leaves while the server stands still and its program ends.
	start server "$TCPCAT" -l "$(listener)" \
		-e "'$PEER' - text:hello wait:go shut touch:ended"
	spawn client "$TLSPEER" -a "$CERTS/ca.pem" -r 5 -w leave "$ADDR" \
		>answer
	await has answer 5
	kill -STOP "${pid[server]}"
	touch go
	await test -e ended
	touch leave
	finish 0 client
	kill -CONT "${pid[server]}"
	finish 0 server
}

# --- slow ends --------------------------------------------------------------

@test "a slow reader of stdout gets everything" {
	head -c 16M "$DATA/down" >some
	start server "$TCPCAT" -l "$(listener)" <some
	expect 0 "$TCPCAT" "$(to)" | "$PEER" -o got - slow
	finish 0 server
	cmp got some
}

@test "a reader of stdout that does not read stops no upload" {
	mkfifo unread
	exec 5<>unread
	start server "$TCPCAT" -l "$(listener)" <"$DATA/down" >got
	spawn client "$TCPCAT" "$(to)" <"$DATA/up" >unread
	await has got "$(size "$DATA/up")"
	cmp got "$DATA/up"
	running client
}

@test "a peer that does not read stops no download" {
	mkfifo unread
	exec 5<>unread
	start server "$TCPCAT" -l "$(listener)" <"$DATA/down" >unread
	spawn client "$TCPCAT" "$(to)" <"$DATA/up" >got
	await has got "$(size "$DATA/down")"
	cmp got "$DATA/down"
	running client
	running server
}

@test "memory does not grow with what a slow reader has not taken" {
	[ -r /proc/self/status ] || skip "requires /proc"
	memory() {
		awk '$1 == "VmHWM:" { print $2 }' "/proc/${pid[$1]}/status"
	}
	local least
	mkfifo unread never
	exec 5<>unread 6<>never
	start idle "$TCPCAT" -l "$(listener)" <never >answer
	spawn idle_client "$TCPCAT" -v "$(to)" <never
	await grep -qs 'connected to' idle_client.err
	least=$(memory idle_client)
	start server "$TCPCAT" -l "$(listener)" <"$DATA/down" >got
	spawn client "$TCPCAT" "$(to)" <"$DATA/up" >unread
	await has got "$(size "$DATA/up")"
	(($(memory client) < least + 8192))
	(($(memory server) < least + 8192))
}

@test "it does not spin while it waits, whatever for" {
	[ -r /proc/self/stat ] || skip "requires /proc"
	mkfifo never unread
	exec 5<>never 6<>unread
	start handshake_l "$TCPCAT" -l "$(listener)"
	spawn silent "$PEER" "$ADDR" sleep:60
	start p1 "$PEER" -l 127.0.0.1:0 sleep:60
	spawn handshake "$TCPCAT" "$(to)"
	start idle_l "$TCPCAT" -l "$(listener)" <&5
	spawn idle "$TCPCAT" "$(to)" <&5
	start input_ended_l "$TCPCAT" -l "$(listener)" <&5
	spawn input_ended "$TCPCAT" "$(to)"
	start held_l "$TCPCAT" -l "$(listener)" <&5
	spawn held "$TCPCAT" --no-shutdown "$(to)"
	start full_l "$TCPCAT" -l "$(listener)" <"$DATA/down" >&6
	spawn full "$TCPCAT" "$(to)" <"$DATA/up" >&6
	ticks() {
		awk '{ print $14 + $15 }' "/proc/${pid[$1]}/stat"
	}
	local name
	declare -A before
	sleep 0.5	# not for something, but for nothing to happen
	for name in "${!pid[@]}"; do
		before[$name]=$(ticks "$name")
	done
	sleep 1
	for name in "${!pid[@]}"; do
		(($(ticks "$name") - before[$name] < 20)) ||
			fail "$name does not wait, it spins"
	done
}

# --- flags ------------------------------------------------------------------

@test "--recv-only reads no input and sends no end before the peer's" {
	echo untouched >input
	start server "$TCPCAT" -l "$(listener)" \
		-e "'$PEER' - quiet:1 'send:$DATA/down' shut eof:5"
	{
		expect 0 "$TCPCAT" --recv-only "$(to)" >got
		cat >rest
	} <input
	finish 0 server
	cmp got "$DATA/down"
	holds rest 'untouched\n'
}

@test "--send-only sends all, and writes nothing" {
	start server "$TCPCAT" -l "$(listener)" <"$DATA/down" >got
	expect 0 "$TCPCAT" --send-only "$(to)" <"$DATA/up" >answer
	finish 0 server
	cmp got "$DATA/up"
	holds answer ''
}

@test "--recv-only and --send-only, the one-way transfer" {
	start server "$TCPCAT" -l --recv-only "$(listener)" >got
	expect 0 "$TCPCAT" --send-only "$(to)" <"$DATA/up"
	finish 0 server
	cmp got "$DATA/up"
}

@test "--recv-bytes takes exactly so many; 6 if there are fewer" {
	local n
	for n in 1 16384 100000; do
		start server "$TCPCAT" -l "$(listener)" \
			-e "'$PEER' -o got - recv:7 'send:$DATA/down'"
		expect 0 "$TCPCAT" --recv-bytes "$n" "$(to)" >answer \
			< <(printf request)
		finish '*' server
		head -c "$n" "$DATA/down" | cmp - answer
		holds got request
	done
	serve "$(own server)"
	expect 0 "$TCPCAT" --recv-bytes 5 "$(to)" >answer
	holds answer hello
	serve "$(own server)"
	expect 6 "$TCPCAT" --recv-bytes 6 "$(to)" >answer
	holds answer hello
}

@test "-q leaves so long after the end of input: 0" {
	start server "$TCPCAT" -l "$(listener)" \
		-e "'$PEER' -o got - eof sleep:20"
	expect 0 "$TCPCAT" -q 1 "$(to)" < <(printf hello)
	took_ms 950 15000
	await has got 5
	holds got hello
}

@test "-q 0 leaves at once, with everything delivered" {
	start server "$TCPCAT" -l "$(listener)" \
		-e "'$PEER' -o got - eof touch:ended sleep:20"
	expect 0 "$TCPCAT" -q 0 "$(to)" <"$DATA/up"
	await test -e ended
	cmp got "$DATA/up"
}

@test "--no-shutdown holds the end back until the peer's" {
	local flag
	for flag in --no-shutdown -v; do
		start server "$TCPCAT" -l "$(listener)" \
			-e "'$PEER' -o got - recv:5 quiet:0.7 text:reply"
		expect '*' "$TCPCAT" $flag "$(to)" < <(printf hello) >answer
		[ $flag = --no-shutdown ] || break
		finish 0 server
		holds answer reply
	done
	finish 8 server		# without the flag, the end came
}

@test "--stats and -v count payload, not records" {
	serve "$(own server)" --stats
	expect 0 "$TCPCAT" --stats "$(to)" < <(printf payload) >answer
	finish 0 server
	said_like '^tcpcat: .*\b7\b'
	said_like '^tcpcat: .*\b5\b'
	said_like '^tcpcat: .*\b7\b' server
	said_like '^tcpcat: .*\b5\b' server
	serve "$(own server)" -v
	expect 0 "$TCPCAT" --json -v "$(to)" < <(printf payload) >answer
	finish 0 server
	python3 -c '
import json, sys
said = [json.loads(line) for line in sys.stdin]
m, = [m for m in said if m["event"] == "disconnect"]
assert (m["bytes_in"], m["bytes_out"]) == (5, 7), m
' <expect.err
}

@test "--reset delivers everything before" {
	start server "$TCPCAT" -l --reset "$(listener)" <"$DATA/down" >got
	expect '[06]' "$TCPCAT" --recv-bytes "$(size "$DATA/down")" "$(to)" \
		>answer
	finish '[06]' server
	cmp answer "$DATA/down"
}

@test "the input's flags stay as they are" {
	local kind
	for kind in pipe pipe-nonblock socket pty; do
		serve "$(own server)"
		expect 0 "$STDIO" $kind - answer "$TCPCAT" --wait-stdin=0.1 \
			"$(to)"
		finish 0 server
		holds answer hello
	done
}
