# Standard input and output of every kind: closed, full, gone, terminals,
# files at an offset; flags are kept; signals (SPEC 1.3, 1.6).

load helpers

setup_file() {
	make_data
}

hello() {	# a server that says hello and reads to the end
	start server "$PEER" -l 127.0.0.1:0 text:hello shut eof >received
}

# --- closed -----------------------------------------------------------------

@test "standard input that is closed at start is its end" {
	hello
	expect 0 "$TCPCAT" "$ADDR" <&- >got
	finish 0 server
	holds got hello
	holds received ''
}

@test "standard input that is closed at start is its end for -l, too" {
	start server "$TCPCAT" -l 127.0.0.1:0 <&- >got
	expect 0 "$PEER" "$ADDR" eof text:hello
	finish 0 server
	holds got hello
}

@test "standard output that is closed at start is 7 at the first byte" {
	hello
	expect 7 "$TCPCAT" "$ADDR" >&-
	said_like '^tcpcat: .*: '
}

@test "standard output that is closed at start is 0 if nothing comes" {
	start server "$PEER" -l 127.0.0.1:0 recv:6 eof
	expect 0 "$TCPCAT" "$ADDR" < <(printf upload) >&-
	finish 0 server
	said_nothing
}

@test "with all three closed, what is sent is exactly the input: nothing" {
	hello
	expect 7 sh -c 'exec "$@" <&- >&- 2>&-' sh "$TCPCAT" -v "$ADDR"
	holds received ''
}

@test "with standard error closed, messages do not get among the payload" {
	printf payload >payload
	hello
	expect 0 sh -c 'exec "$@" 2>&-' sh "$TCPCAT" -v "$ADDR" <payload >got
	finish 0 server
	holds received payload
	holds got hello
}

@test "with input and output closed, -l serves an upload of nothing: 0" {
	start server "$TCPCAT" -l 127.0.0.1:0 <&- >&-
	expect 0 "$PEER" "$ADDR" shut eof >got
	finish 0 server
	holds got ''
}

# --- not readable, not writable ---------------------------------------------

@test "a full disk is 7, with message" {
	[ -c /dev/full ] || skip "requires /dev/full"
	hello
	expect 7 "$TCPCAT" "$ADDR" >/dev/full
	said_like '^tcpcat: .*: No space left on device'
}

@test "standard input that cannot be read is 7, with message" {
	start server "$PEER" -l 127.0.0.1:0 eof
	expect 7 "$TCPCAT" "$ADDR" </
	said_like '^tcpcat: .*: Is a directory'
}

@test "standard input that is open for writing only is 7" {
	start server "$PEER" -l 127.0.0.1:0 eof
	expect 7 "$TCPCAT" "$ADDR" 0>file
	said_like '^tcpcat: .*: Bad file descriptor'
}

@test "standard output that is open for reading only is 7" {
	hello
	expect 7 "$TCPCAT" "$ADDR" 1</dev/null
	said_like '^tcpcat: .*: Bad file descriptor'
}

@test "a peer is not told a clean end when our input cannot be read" {
	start server "$PEER" -l 127.0.0.1:0 broken
	expect 7 "$TCPCAT" "$ADDR" </
	finish 0 server
}

# --- the reader is gone -----------------------------------------------------

@test "when the reader of stdout is gone, SIGPIPE ends it (141)" {
	start server "$PEER" -l 127.0.0.1:0 flood
	expect 141 "$TCPCAT" "$ADDR" | head -c 1 >got
	[ "$(size got)" -eq 1 ]
}

@test "when the reader of stdout is gone, it is 7 where SIGPIPE is ignored" {
	start server "$PEER" -l 127.0.0.1:0 flood
	expect 7 env --ignore-signal=PIPE "$TCPCAT" "$ADDR" | head -c 1 >got
	[ "$(size got)" -eq 1 ]
	said_like '^tcpcat: .*: Broken pipe'
}

@test "a peer that is gone does not end it by SIGPIPE" {
	start server "$PEER" -l 127.0.0.1:0 recv:1 reset
	expect 6 "$TCPCAT" "$ADDR" <"$DATA/up"
}

# --- flags and offsets ------------------------------------------------------

@test "blocking descriptors stay blocking, while it runs and after" {
	local kind
	for kind in pipe socket; do
		start server "$PEER" -l 127.0.0.1:0 both:"$DATA/down" >up
		expect 0 "$STDIO" $kind "$DATA/up" down "$TCPCAT" "$ADDR"
		finish 0 server
		cmp up "$DATA/up"
		cmp down "$DATA/down"
	done
}

@test "non-blocking descriptors stay non-blocking, and nothing is lost" {
	local kind
	for kind in pipe-nonblock socket-nonblock; do
		start server "$PEER" -l 127.0.0.1:0 both:"$DATA/down" >up
		expect 0 "$STDIO" $kind "$DATA/up" down "$TCPCAT" "$ADDR"
		finish 0 server
		cmp up "$DATA/up"
		cmp down "$DATA/down"
	done
}

@test "standard input is read from where it is, and no further than its end" {
	echo 0123456789 >digits
	start server "$PEER" -l 127.0.0.1:0 eof >received
	{
		dd bs=1 count=4 status=none >first
		expect 0 "$TCPCAT" "$ADDR"
	} <digits
	finish 0 server
	holds first 0123
	holds received '456789\n'
}

@test "standard output is written from where it is" {
	hello
	{
		printf before.
		expect 0 "$TCPCAT" "$ADDR"
		printf .after
	} >got
	holds got before.hello.after
}

@test "standard output that appends keeps what was there" {
	printf before. >got
	start server "$PEER" -l 127.0.0.1:0 send:"$DATA/down"
	expect 0 "$TCPCAT" "$ADDR" >>got
	finish 0 server
	cat <(printf before.) "$DATA/down" | cmp - got
}

@test "standard output to /dev/null takes everything" {
	start server "$PEER" -l 127.0.0.1:0 both:"$DATA/down" >up
	expect 0 "$TCPCAT" "$ADDR" <"$DATA/up" >/dev/null
	finish 0 server
	cmp up "$DATA/up"
}

@test "no payload byte is interpreted" {
	printf '\000\377\004\003\032\021\023\r\n\r\033[0m~.~\377\364' >bytes
	start server "$TCPCAT" -l -e cat 127.0.0.1:0
	expect 0 "$TCPCAT" "$ADDR" <bytes >got
	finish 0 server
	cmp got bytes
}

# --- terminals --------------------------------------------------------------

@test "1 MiB each way at once through a raw terminal" {
	head -c 1M "$DATA/up" >up
	head -c 1M "$DATA/down" >down
	start server "$PEER" -l 127.0.0.1:0 send:down recv:1048576 shut eof \
		>got.up
	expect 0 "$STDIO" pty up got.down "$TCPCAT" "$ADDR"
	finish 0 server
	cmp got.up up
	cmp got.down down
}

@test "1 MiB each way at once through a raw terminal, -l" {
	head -c 1M "$DATA/up" >up
	head -c 1M "$DATA/down" >down
	start server "$STDIO" pty down got.up "$TCPCAT" -l 127.0.0.1:0
	expect 0 "$PEER" -o got.down "$ADDR" send:up recv:1048576 shut eof
	finish 0 server
	cmp got.up up
	cmp got.down down
}

@test "several write one file at a time: nothing is overwritten" {
	local i addr=()
	head -c 24M /dev/urandom >big
	for i in 1 2 3; do
		start "server$i" "$TCPCAT" -l 127.0.0.1:0 <big >"up$i"
		addr[i]=$ADDR
	done
	exec 7>got
	for i in 1 2 3; do
		spawn "client$i" "$TCPCAT" "${addr[i]}" </dev/null >&7
	done
	exec 7>&-
	for i in 1 2 3; do
		finish 0 "client$i"
		finish 0 "server$i"
	done
	(($(size got) == 3 * $(size big)))
}

@test "several read one file at a time: no byte is sent twice, or skipped" {
	local i addr=()
	head -c 96M /dev/urandom >big
	for i in 1 2 3; do
		start "server$i" "$TCPCAT" -l --recv-only 127.0.0.1:0 >"got$i"
		addr[i]=$ADDR
	done
	exec 7<big
	for i in 1 2 3; do
		spawn "client$i" "$TCPCAT" "${addr[i]}" <&7 >"down$i"
	done
	exec 7<&-
	for i in 1 2 3; do
		finish 0 "client$i"
		finish 0 "server$i"
	done
	(($(size got1) + $(size got2) + $(size got3) == $(size big)))
}

@test "^D at a terminal half-closes, and the reply is shown" {
	printf 'question\n\004' >typed
	start server "$PEER" -l 127.0.0.1:0 eof sleep:1 text:answer >received
	expect 0 "$STDIO" pty-lines typed shown "$TCPCAT" "$ADDR"
	finish 0 server
	holds received 'question\n'
	holds shown answer
}

# --- signals ----------------------------------------------------------------

@test "SIGTERM and SIGINT end it, in the middle of a transfer" {
	local signal
	mkfifo idle
	exec 5<>idle
	for signal in TERM:143 INT:130; do
		start server "$PEER" -l 127.0.0.1:0 text:hello sleep:60
		spawn client "$TCPCAT" "$ADDR" <&5 >got
		await has got 5
		kill -"${signal%:*}" "$PID"
		finish "${signal#*:}" client
		rm got
	done
}

@test "SIGTERM ends it while it connects" {
	requires ss
	connecting() {
		ss -tnpH state syn-sent | grep -qF "pid=$PID,"
	}
	start port "$PORTS" 127.0.0.1=dead
	spawn client "$TCPCAT" "$ADDR"
	await connecting
	kill -TERM "$PID"
	finish 143 client
}
