# tcpcat -lk with standard input and output: everyone together,
# greeting, broadcast (SPEC section 2).  Tags are in tcpcat-keep-tags.bats,
# programs in tcpcat-keep-programs.bats.

load helpers
load server

# A line of the client on 127.0.0.1 that ends in this, on standard output.
tagged() {
	grep -qE "^127\.0\.0\.1:[0-9]+: $1\$" "${2:-got}"
}

# feed: what is written to descriptor 7 from now on is the input of the
# server, which is to be started with <input.
feed() {
	mkfifo input
	exec 7<>input
}

# --- merged -----------------------------------------------------------------

@test "what several clients send is merged on standard output" {
	start server "$TCPCAT" -lk 127.0.0.1:0 >got
	expect 0 "$PEER" "$ADDR" text:one shut eof:10 >answer
	expect 0 "$PEER" "$ADDR" text:two shut eof:10
	await has got 6
	holds got onetwo
	holds answer ''
	kill -TERM "${pid[server]}"
	finish 0 server
}

@test "all clients are served at once, and their bytes all arrive" {
	start server "$TCPCAT" -lk 127.0.0.1:0 >got
	local i
	for i in 1 2 3 4; do
		head -c 3M /dev/zero | tr '\0' "$i" >up.$i
		spawn client$i "$PEER" "$ADDR" touch:here.$i wait:go send:up.$i \
			shut eof
	done
	for i in 1 2 3 4; do
		await test -e here.$i
	done
	touch go
	for i in 1 2 3 4; do
		finish 0 client$i
	done
	await has got $((12 << 20))
	kill -TERM "${pid[server]}"
	finish 0 server
	for i in 1 2 3 4; do
		tr -dc $i <got | cmp - up.$i
	done
	[ "$(size got)" -eq $((12 << 20)) ]
}

@test "a client that ends does not end another, nor the server" {
	start server "$TCPCAT" -lk 127.0.0.1:0 >got
	spawn other "$PEER" "$ADDR" text:A recv:0 touch:here wait:go text:B \
		shut eof:10
	await test -e here
	expect 0 "$PEER" "$ADDR" text:C shut eof:10
	expect 0 "$PEER" "$ADDR" text:D reset
	touch go
	finish 0 other
	await has got 3
	running server
	[[ $(cat got) == *A*B* ]]
}

@test "standard input goes to every client that is connected" {
	feed
	start server "$TCPCAT" -lk -v 127.0.0.1:0 <input 7>&-
	spawn one "$PEER" "$ADDR" recv:6 shut eof:10 >got.1 7>&-
	spawn two "$PEER" "$ADDR" recv:12 shut eof:10 >got.2 7>&-
	await says 2 'connection from'
	echo hello >&7
	finish 0 one
	await has got.2 6
	echo again >&7
	finish 0 two
	holds got.1 'hello\n'
	holds got.2 'hello\nagain\n'
	spawn three "$PEER" "$ADDR" recv:5 shut eof:10 >got.3 7>&-
	await says 3 'connection from'
	echo last >&7
	finish 0 three
	holds got.3 'last\n'
}

@test "the end of standard input ends nothing" {
	start server "$TCPCAT" -lk -v 127.0.0.1:0 </dev/null >got
	spawn one "$PEER" "$ADDR" text:a quiet:0.3 touch:quiet text:b shut \
		eof:10
	await test -e quiet
	expect 0 "$PEER" "$ADDR" text:c shut eof:10
	finish 0 one
	await has got 3
	running server
	feed
	start fed "$TCPCAT" -lk -v 127.0.0.1:0 <input 7>&-
	spawn two "$PEER" "$ADDR" recv:6 touch:came quiet:0.3 shut eof:10 7>&-
	await says 1 'connection from' fed
	echo hello >&7
	exec 7>&-
	finish 0 two
	running fed
}

@test "--recv-only reads no input" {
	echo untouched >input
	{
		start server "$TCPCAT" -lk --recv-only 127.0.0.1:0 >got
		expect 0 "$PEER" "$ADDR" text:hello quiet:0.2 shut eof:10 \
			>answer </dev/null
		await has got 5
		kill -TERM "${pid[server]}"
		finish 0 server
		cat >rest
	} <input
	holds rest 'untouched\n'
	holds answer ''
	holds got hello
}

# --- greeting, joining and leaving ------------------------------------------

@test "the greeting server: greets, prints peer: line, says who comes and goes" {
	start server "$TCPCAT" -lk --greet 'Hello, Client!' --tag :0 >got
	spawn client "$PEER" "127.0.0.1:$PORT" recv:14 $'text:Hi, there\n' \
		touch:sent wait:go shut eof:10 >answer
	await test -e sent
	await tagged 'Hi, there'
	await says 1 '^tcpcat: .*127\.0\.0\.1:[0-9]+'
	touch go
	finish 0 client
	await says 2 '^tcpcat: .*127\.0\.0\.1:[0-9]+'
	holds answer 'Hello, Client!'
	# It is the same one that came, spoke and left.
	[ "$(sed 1d server.err | cat - got |
		grep -oE '127\.0\.0\.1:[0-9]+' | sort -u | wc -l)" -eq 1 ]
	kill -TERM "${pid[server]}"
	finish 0 server
}

@test "--greet goes before standard input, to each" {
	feed
	start server "$TCPCAT" -lk -v --greet hello 127.0.0.1:0 <input 7>&-
	spawn one "$PEER" "$ADDR" recv:8 >got.1 7>&-
	spawn two "$PEER" "$ADDR" recv:8 >got.2 7>&-
	await has got.1 5
	await has got.2 5
	printf all >&7
	finish 0 one
	finish 0 two
	holds got.1 helloall
	holds got.2 helloall
}

# --- broadcast --------------------------------------------------------------

@test "--broadcast: what one says all others get, and standard output" {
	feed
	start server "$TCPCAT" -lk -v --broadcast 127.0.0.1:0 <input >got 7>&-
	spawn one "$PEER" "$ADDR" wait:all $'text:hello\n' recv:9 touch:heard \
		recv:6 shut eof:10 >got.1 7>&-
	spawn two "$PEER" "$ADDR" recv:6 $'text:hi, one!\n' recv:6 shut eof:10 \
		>got.2 7>&-
	spawn three "$PEER" "$ADDR" recv:21 shut eof:10 >got.3 7>&-
	await says 3 'connection from'
	touch all
	await test -e heard
	await has got.3 15
	echo input >&7
	finish 0 one
	finish 0 two
	finish 0 three
	holds got.1 'hi, one!\ninput\n'
	holds got.2 'hello\ninput\n'
	holds got.3 'hello\nhi, one!\ninput\n'
	holds got 'hello\nhi, one!\n'
}

@test "--broadcast --tag: standard output says who it was" {
	start server "$TCPCAT" -lk -v --broadcast --tag 127.0.0.1:0 >got
	spawn other "$PEER" "$ADDR" recv:5 touch:heard wait:go
	await says 1 'connection from'
	expect 0 "$PEER" "$ADDR" $'text:hello\n' shut eof:10
	await tagged hello
	await test -e heard
}

@test "a client that is too slow is dropped, and the others get it all" {
	feed
	start server "$TCPCAT" -lk -v 127.0.0.1:0 <input 7>&-
	spawn slow "$PEER" -b 8192 "$ADDR" ready wait:go eof >got.slow 7>&-
	await says 1 'connection from'
	spawn fast "$PEER" "$ADDR" eof >got 7>&-
	await says 2 'connection from'
	head -c 1M /dev/urandom >piece
	local i
	for ((i = 1; i <= 24; i++)); do
		cat piece >&7
		await has got $((i << 20))
	done
	# It has been told, with the address, and the socket is gone.
	await says 1 '^tcpcat: .*127\.0\.0\.1:[0-9]+: '
	says_times 1 '^tcpcat: .*127\.0\.0\.1:[0-9]+: '
	touch go
	finish '*' slow
	(($(size got.slow) < 24 << 20))
	for ((i = 0; i < 24; i++)); do
		cat piece
	done | cmp - got
	running fast
}

@test "clients that never read do not make the server grow" {
	needs_proc
	feed
	start server "$TCPCAT" -lk -v --broadcast --drain-timeout 0 127.0.0.1:0 \
		<input >/dev/null 7>&-
	local before i
	before=$(rss "${pid[server]}")
	# Each of them is sent what the others say, and dropped for it.
	spawn flood "$CHURN" flood 3 "$ADDR" 7>&-
	await says 3 '^tcpcat: (warning: )?127\.0\.0\.1:[0-9]+: '
	spawn fast "$PEER" "$ADDR" eof >got 7>&-
	await says 4 'connection from'
	head -c 1M /dev/zero >piece
	for ((i = 1; i <= 16; i++)); do
		cat piece >&7
		await has got $((i << 20))
	done
	local more=$(($(rss "${pid[server]}") - before))
	((more <= 32 * 1024)) || fail "$more KiB more"
	running fast
}

# --- standard output --------------------------------------------------------

@test "standard output closed by its reader: dies of SIGPIPE" {
	start server "$TCPCAT" -lk 127.0.0.1:0 > >(head -n 1 >got)
	spawn client sh -c 'while echo line; do sleep 0.02; done | "$@"' sh \
		"$TCPCAT" "$ADDR"
	finish 141 server
	holds got 'line\n'
}

@test "standard output closed by its reader: 7 where SIGPIPE is ignored" {
	start server env --ignore-signal=PIPE "$TCPCAT" -lk 127.0.0.1:0 \
		> >(head -n 1 >got)
	spawn client sh -c 'while echo line; do sleep 0.02; done | "$@"' sh \
		"$TCPCAT" "$ADDR"
	finish 7 server
	said_like '^tcpcat: .*: Broken pipe' server
}

@test "standard output on a full disk is 7, with message" {
	[ -c /dev/full ] || skip "requires /dev/full"
	local flag
	for flag in -v --tag --broadcast; do
		start server "$TCPCAT" -lk $flag 127.0.0.1:0 >/dev/full
		spawn client "$TCPCAT" "$ADDR" < <(echo hello; held go)
		finish 7 server
		said_like '^tcpcat: .*: No space left on device' server
	done
	touch go
}

@test "a slow reader of standard output slows the clients, loses nothing" {
	needs_proc
	spawn server sh -c '"$@" | {
		until [ -e go ]; do sleep 0.02; done
		cat; } >got' sh "$TCPCAT" -lk -v 127.0.0.1:0
	await announced server
	local of before
	of=$(pgrep -P "${pid[server]}" -x tcpcat)
	before=$(rss "$of")
	head -c 32M /dev/urandom >up
	spawn client "$TCPCAT" "$ADDR" <up
	await says 1 'connection from'
	sleep 0.5
	running client
	(($(rss "$of") - before <= 16 * 1024))
	touch go
	finish 0 client
	await has got $((32 << 20))
	cmp got up
	# Which says how much it was.
	await says 1 '127\.0\.0\.1:[0-9]+: .*\b33554432 bytes'
}

# cut_off: after "hello" a client is cut off by the end of the server.
cut_off() {
	start server "$TCPCAT" -lk --drain-timeout 0 127.0.0.1:0 >got
	spawn client "$PEER" "$ADDR" text:hello broken
	await has got 5
	kill -TERM "${pid[server]}"
	finish 0 server
}

@test "a client that is cut off: the bytes that came of it are counted" {
	cut_off
	said_like '127\.0\.0\.1:[0-9]+: .*received 5 bytes' server
}

@test "--stats: the totals of all clients, at the end" {
	start server "$TCPCAT" -lk --stats 127.0.0.1:0 >got
	expect 0 "$TCPCAT" --send-only "$ADDR" < <(printf hello)
	expect 0 "$TCPCAT" --send-only "$ADDR" < <(printf again)
	await has got 10
	kill -TERM "${pid[server]}"
	finish 0 server
	said_like '^tcpcat: 0 clients now, 2 in all, .*received 10 bytes' \
		server
}

# --- usage ------------------------------------------------------------------

@test "what goes with -lk only is 2 without it, and contradictions are" {
	local flags
	for flags in -k '-l --tag' --tag '-l --broadcast' --broadcast \
		'-lk --tag -e cat' '-lk --broadcast -c cat' '-l --ready-fd 1'
	do
		# shellcheck disable=SC2086
		expect 2 "$TCPCAT" --deadline 5 $flags 127.0.0.1:1
		said_like '^tcpcat: '
		run ! grep '^tcpcat: listening on' expect.err
	done
}
