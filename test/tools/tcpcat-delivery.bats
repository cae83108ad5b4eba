# Not a byte lost, whatever the two ends are; what is cut short is told
# (SPEC 1.3).

load helpers

setup_file() {
	make_data
}

arrived() {
	cmp got.up "$DATA/up"
	cmp got.down "$DATA/down"
}

# --- much data each way at once ---------------------------------------------

@test "big data each way at once: TCP, files" {
	start server "$TCPCAT" -l 127.0.0.1:0 <"$DATA/down" >got.up
	expect 0 "$TCPCAT" "$ADDR" <"$DATA/up" >got.down
	finish 0 server
	arrived
}

@test "big data each way at once: TCP, pipes" {
	start server "$STDIO" pipe "$DATA/down" got.up "$TCPCAT" -l 127.0.0.1:0
	cat "$DATA/up" | expect 0 "$TCPCAT" "$ADDR" | cat >got.down
	finish 0 server
	arrived
}

@test "big data each way at once: TCP, one socket as stdin and stdout" {
	start server "$STDIO" socket "$DATA/down" got.up \
		"$TCPCAT" -l 127.0.0.1:0
	expect 0 "$STDIO" socket "$DATA/up" got.down "$TCPCAT" "$ADDR"
	finish 0 server
	arrived
}

@test "big data each way at once: TCP, non-blocking pipes and sockets" {
	start server "$STDIO" pipe-nonblock "$DATA/down" got.up \
		"$TCPCAT" -l 127.0.0.1:0
	expect 0 "$STDIO" socket-nonblock "$DATA/up" got.down \
		"$TCPCAT" "$ADDR"
	finish 0 server
	arrived
}

@test "big data each way at once: IPv6, tiny buffers in the kernel" {
	requires ipv6
	start server "$PEER" -b 4096 -l '[::1]:0' both:"$DATA/down" >got.up
	expect 0 "$TCPCAT" "$ADDR" <"$DATA/up" >got.down
	finish 0 server
	arrived
}

@test "big data each way at once: Unix socket, files" {
	start server "$TCPCAT" -l unix:sock <"$DATA/down" >got.up
	expect 0 "$TCPCAT" unix:sock <"$DATA/up" >got.down
	finish 0 server
	arrived
}

@test "big data each way at once: Unix socket, pipes" {
	start server "$STDIO" pipe "$DATA/down" got.up "$TCPCAT" -l unix:sock
	cat "$DATA/up" | expect 0 "$TCPCAT" unix:sock | cat >got.down
	finish 0 server
	arrived
}

@test "big data each way at once: exec:, files" {
	expect 0 "$TCPCAT" "exec:'$PEER' -o got.up - 'both:$DATA/down'" \
		<"$DATA/up" >got.down
	arrived
}

@test "big data each way at once: exec:, pipes" {
	cat "$DATA/up" | expect 0 "$TCPCAT" \
		"exec:'$PEER' -o got.up - 'both:$DATA/down'" | cat >got.down
	arrived
}

@test "big data each way at once: a program on each side (-l -e, -e)" {
	start server "$TCPCAT" -l 127.0.0.1:0 \
		-e "'$PEER' -o got.up - 'both:$DATA/down'"
	expect 0 "$TCPCAT" -e "'$PEER' -o got.down - 'both:$DATA/up'" "$ADDR"
	finish 0 server
	arrived
}

# --- half-close -------------------------------------------------------------

@test "a late reply after our half-close arrives: TCP, Unix, exec:, -l" {
	local late="eof sleep:$LATE send:$DATA/down"
	# shellcheck disable=SC2086 # steps
	start tcp "$PEER" -l 127.0.0.1:0 $late >tcp.up
	spawn tcp_client "$TCPCAT" "$ADDR" <"$DATA/up" >tcp.down
	# shellcheck disable=SC2086
	start unix "$PEER" -l unix:sock $late >unix.up
	spawn unix_client "$TCPCAT" unix:sock <"$DATA/up" >unix.down
	spawn exec "$TCPCAT" "exec:'$PEER' -o exec.up - $late" \
		<"$DATA/up" >exec.down
	start listen "$TCPCAT" -l 127.0.0.1:0 <"$DATA/up" >listen.down
	# shellcheck disable=SC2086
	spawn listen_client "$PEER" -o listen.up "$ADDR" $late

	local name kind
	for name in tcp tcp_client unix unix_client exec listen listen_client
	do
		finish 0 $name
	done
	for kind in tcp unix exec listen; do
		cmp $kind.up "$DATA/up"
		cmp $kind.down "$DATA/down"
		rm $kind.up $kind.down
	done
}

@test "a late reply of a program behind -l -e arrives after a half-close" {
	start server "$TCPCAT" -l 127.0.0.1:0 \
		-e "'$PEER' -o got.up - eof sleep:$LATE 'send:$DATA/down'"
	expect 0 "$TCPCAT" "$ADDR" <"$DATA/up" >got.down
	finish 0 server
	arrived
}

@test "the half-close comes after the last byte, not before" {
	start server "$TCPCAT" -l -c 'sha256sum' 127.0.0.1:0
	expect 0 "$TCPCAT" "$ADDR" <"$DATA/up" >sum
	finish 0 server
	sha256sum <"$DATA/up" | cmp - sum
}

@test "what is typed goes out at once, in both directions" {
	mkfifo typed
	start server "$PEER" -l 127.0.0.1:0 recv:1 text:A recv:1 text:B eof \
		>got
	spawn client sh -c 'exec "$@" <typed' sh "$TCPCAT" "$ADDR" >answer
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

# --- slow ends --------------------------------------------------------------

@test "a peer that reads slowly gets everything" {
	head -c 16M "$DATA/up" >some
	start server "$PEER" -b 65536 -l 127.0.0.1:0 slow >got
	expect 0 "$TCPCAT" "$ADDR" <some
	finish 0 server
	cmp got some
}

@test "a slow reader of stdout gets everything" {
	head -c 16M "$DATA/down" >some
	start server "$PEER" -l 127.0.0.1:0 send:some shut eof
	expect 0 "$TCPCAT" "$ADDR" | "$PEER" -o got - slow
	finish 0 server
	cmp got some
}

@test "memory does not grow with what a slow reader has not taken" {
	[ -r /proc/self/status ] || skip "requires /proc"
	memory() {
		awk '$1 == "VmHWM:" { print $2 }' "/proc/$1/status"
	}
	start idle "$PEER" -l 127.0.0.1:0 wait:done
	spawn idle_client "$TCPCAT" --recv-only "$ADDR"
	await said_like '^peer: connection' idle
	local least
	least=$(memory "${pid[idle_client]}")

	mkfifo unread input
	exec 5<>unread 6<>input		# neither has an end
	start server "$PEER" -l 127.0.0.1:0 both:"$DATA/down" >got
	spawn feeder cat "$DATA/up" >&6
	spawn client "$TCPCAT" "$ADDR" <&6 >&5
	finish 0 feeder
	await has got "$(size "$DATA/up")"
	(($(memory "${pid[client]}") < least + 8192))
	cmp got "$DATA/up"
}

@test "a reader of stdout that does not read stops no upload" {
	mkfifo unread
	exec 5<>unread
	start server "$PEER" -l 127.0.0.1:0 both:"$DATA/down" >got
	spawn client "$TCPCAT" "$ADDR" <"$DATA/up" >unread
	await has got "$(size "$DATA/up")"
	cmp got "$DATA/up"
	running client
}

@test "a peer that does not read stops no download" {
	start server "$PEER" -b 65536 -l 127.0.0.1:0 \
		send:"$DATA/down" wait:arrived eof >got.up
	spawn client "$TCPCAT" "$ADDR" <"$DATA/up" >got.down
	await has got.down "$(size "$DATA/down")"
	touch arrived
	finish 0 client
	finish 0 server
	arrived
}

@test "a coprocess that reads slowly deadlocks nothing (-l -e)" {
	start server "$TCPCAT" -l 127.0.0.1:0 -c 'sleep 1; exec cat'
	expect 0 "$TCPCAT" "$ADDR" <"$DATA/up" >got
	finish 0 server
	cmp got "$DATA/up"
}

@test "a coprocess that reads slowly deadlocks nothing (exec:)" {
	head -c 16M "$DATA/up" >some
	expect 0 "$TCPCAT" "exec:'$PEER' -o got.up - 'send:$DATA/down' slow" \
		<some >got.down
	cmp got.up some
	cmp got.down "$DATA/down"
}

@test "it does not spin while it waits, whatever for" {
	[ -r /proc/self/stat ] || skip "requires /proc"
	mkfifo never unread
	exec 5<>never 6<>unread
	head -c 300k "$DATA/up" >some

	start p1 "$PEER" -l 127.0.0.1:0 sleep:60
	spawn idle "$TCPCAT" "$ADDR" <&5
	start p2 "$PEER" -l 127.0.0.1:0 shut sleep:60
	spawn peer_ended "$TCPCAT" "$ADDR" <&5
	start p3 "$PEER" -l 127.0.0.1:0 sleep:60
	spawn input_ended "$TCPCAT" "$ADDR"
	start p4 "$PEER" -l 127.0.0.1:0 sleep:60
	spawn held "$TCPCAT" --no-shutdown "$ADDR"
	start p5 "$PEER" -l 127.0.0.1:0 flood
	spawn output_full "$TCPCAT" "$ADDR" >&6
	start p6 "$PEER" -l 127.0.0.1:0 sleep:60
	spawn peer_full "$TCPCAT" "$ADDR" <"$DATA/up"
	start p7 "$PEER" -b 4096 -l 127.0.0.1:0 sleep:60
	spawn draining "$TCPCAT" "$ADDR,sndbuf=1M" <some
	start p8 "$PEER" -b 4096 -l 127.0.0.1:0 shut sleep:60
	spawn draining_last "$TCPCAT" "$ADDR,sndbuf=1M" <some
	spawn program "$TCPCAT" 'exec:sleep 60'
	spawn program_idle "$TCPCAT" 'exec:sleep 60' <&5
	start p9 "$PEER" -l unix:sock shut sleep:60
	spawn unix_ended "$TCPCAT" unix:sock <&5
	start listening "$TCPCAT" -l 127.0.0.1:0

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

# --- nothing is destroyed by closing ----------------------------------------

@test "-l -c: a client whose short request is never read gets the answer" {
	local i
	for i in 1 2 3 4 5; do
		start server "$TCPCAT" -l -c 'echo delivered' 127.0.0.1:0
		expect 0 "$PEER" "$ADDR" text:request sleep:0.1 eof >got
		finish 0 server
		holds got 'delivered\n'
	done
}

@test "-l -c: a client whose long request is never read gets the answer" {
	head -c 8M "$DATA/up" >request
	start server "$TCPCAT" -l -c 'echo delivered' 127.0.0.1:0
	expect 0 "$PEER" "$ADDR" both:request >got
	finish 0 server
	holds got 'delivered\n'
}

@test "-l -c: a tcpcat whose long request is never read gets the answer: 0" {
	head -c 8M "$DATA/up" >request
	start server "$TCPCAT" -l -c 'echo delivered' 127.0.0.1:0
	expect 0 "$TCPCAT" "$ADDR" <request >got
	finish 0 server
	holds got 'delivered\n'
}

@test "-l -c: a big answer to a client whose request is never read" {
	head -c 1M "$DATA/up" >request
	start server "$TCPCAT" -l -c "cat '$DATA/down'" 127.0.0.1:0
	expect 0 "$PEER" "$ADDR" send:request shut sleep:1 eof >got
	finish 0 server
	cmp got "$DATA/down"
}

@test "-l -c: a client that does not end is left after some seconds: 0" {
	start server "$TCPCAT" -l -c 'echo delivered' 127.0.0.1:0
	spawn client "$PEER" "$ADDR" text:request eof touch:got.it sleep:60
	await test -e got.it
	local since
	since=$(now)
	finish 0 server
	took=$(($(now) - since))
	took_ms 0 15000
}

@test "--recv-bytes does not destroy what was sent, though more comes" {
	start server "$PEER" -l 127.0.0.1:0 ready text:hello \
		send:"$DATA/down" eof >got
	expect 0 "$TCPCAT" --recv-bytes 5 "$ADDR" < <(printf request) >answer
	finish 0 server
	holds answer hello
	holds got request
}

# --- resets -----------------------------------------------------------------

@test "a reset is 6, with what came before it and the bytes in the message" {
	head -c 100000 "$DATA/down" >some
	start server "$PEER" -l 127.0.0.1:0 send:some wait:go reset
	spawn client "$STDIO" pipe - got "$TCPCAT" "$ADDR"
	await has got 100000
	touch go
	finish 6 client
	cmp got some
	said_like '^tcpcat: .*100000.*Connection reset by peer|^tcpcat: .*Connection reset by peer.*100000' client
}

@test "a reset after our half-close is 6" {
	start server "$PEER" -l 127.0.0.1:0 eof text:hello wait:go reset
	spawn client "$TCPCAT" "$ADDR" >got
	await has got 5
	touch go
	finish 6 client
	said_like '^tcpcat: .*Connection reset by peer' client
	holds got hello
}

@test "a reset with our data in the send queue is 6" {
	head -c 300k "$DATA/up" >some
	start server "$PEER" -b 4096 -l 127.0.0.1:0 recv:1000 sleep:1 reset
	expect 6 "$TCPCAT" "$ADDR,sndbuf=1M" <some
	said_like '^tcpcat: .*Connection reset by peer'
}

@test "a reset with our data in the send queue is 6, after the peer's end" {
	head -c 300k "$DATA/up" >some
	start server "$PEER" -b 4096 -l 127.0.0.1:0 \
		text:hello shut recv:1000 sleep:1 reset
	expect 6 "$TCPCAT" "$ADDR,sndbuf=1M" <some >got
	holds got hello
	said_like '^tcpcat: .*Connection reset by peer'
}

@test "a reset with our data in the send queue is 6, with -q" {
	head -c 300k "$DATA/up" >some
	start server "$PEER" -b 4096 -l 127.0.0.1:0 recv:1000 sleep:1 reset
	expect 6 "$TCPCAT" -q 30 "$ADDR,sndbuf=1M" <some
	said_like '^tcpcat: .*Connection reset by peer'
}

@test "a reset while the input is still coming is 6" {
	start server "$PEER" -l 127.0.0.1:0 recv:100000 reset
	expect 6 "$TCPCAT" "$ADDR" <"$DATA/up"
	said_like '^tcpcat: .*(Connection reset by peer|Broken pipe)'
}

@test "a peer that closes over what we send is 6, not 0" {
	start server "$PEER" -l 127.0.0.1:0 text:hello recv:1000 close
	expect 6 "$TCPCAT" "$ADDR" <"$DATA/up"
	said_like '^tcpcat: '
}

@test "a Unix peer that closes over what we send is 6, not 0" {
	start server "$PEER" -l unix:sock recv:1000 close
	expect 6 "$TCPCAT" unix:sock <"$DATA/up"
	said_like '^tcpcat: '
}

# --- --reset ----------------------------------------------------------------

waiting() {
	local from
	from=$(sed -n 's/^peer: connection from .*:/:/p' server.err)
	[ -n "$from" ] || fail 'the peer has not said who came'
	# Others may have used the one port or the other.
	ss -tanH state time-wait | grep -E ":$PORT( |\$)" |
		grep -E "$from( |\$)"
}

@test "a normal end leaves a TIME_WAIT" {
	requires ss
	start server "$PEER" -l 127.0.0.1:0 eof
	expect 0 "$TCPCAT" "$ADDR"
	finish 0 server
	await waiting
}

@test "--reset closes by a reset after the peer's end, with no TIME_WAIT" {
	requires ss
	start server "$PEER" -l 127.0.0.1:0 text:hello shut broken
	expect 0 "$STDIO" pipe - got "$TCPCAT" --reset "$ADDR"
	finish 0 server
	holds got hello
	run ! waiting
}

@test "--reset closes by a reset after --recv-bytes, with no TIME_WAIT" {
	requires ss
	start server "$PEER" -l 127.0.0.1:0 text:hello broken
	expect 0 "$STDIO" pipe - got "$TCPCAT" --reset --recv-bytes 5 "$ADDR"
	finish 0 server
	holds got hello
	run ! waiting
}

@test "--reset leaves no TIME_WAIT when our input ended first" {
	requires ss
	start server "$PEER" -l 127.0.0.1:0 recv:5 text:reply
	expect 0 "$TCPCAT" --reset "$ADDR" < <(printf hello) >got
	finish 0 server
	holds got reply
	run ! waiting
}

@test "--reset delivers everything before" {
	start server "$TCPCAT" -l --reset 127.0.0.1:0 <"$DATA/down" >got
	expect 0 "$PEER" -o answer "$ADDR" shut recv:"$(size "$DATA/down")"
	finish 0 server
	cmp answer "$DATA/down"
}
