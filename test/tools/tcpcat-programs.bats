# Programs: -e, -c, exec:, sh:, their environment, how they end (SPEC 1.1,
# 1.6, section 2).

load helpers

# --- how they are started ---------------------------------------------------

@test "-l -e runs a program on the connection" {
	start server "$TCPCAT" -l -e cat 127.0.0.1:0
	expect 0 "$PEER" "$ADDR" text:hello shut eof >got
	finish 0 server
	holds got hello
}

@test "-l -c runs a line of shell on the connection" {
	# shellcheck disable=SC2016 # expanded by that shell
	start server "$TCPCAT" -l -c 'read x; echo $((x + 1)) | tr 3 4' \
		127.0.0.1:0
	expect 0 "$PEER" "$ADDR" $'text:12\n' eof >got
	finish 0 server
	holds got '14\n'
}

@test "-e when connecting joins the program to the server" {
	start server "$PEER" -l 127.0.0.1:0 text:hello shut eof >got
	expect 0 "$TCPCAT" -e cat "$ADDR"
	finish 0 server
	holds got hello
}

@test "-c when connecting joins the line to the server" {
	start server "$PEER" -l 127.0.0.1:0 text:hello shut eof >got
	expect 0 "$TCPCAT" -c 'tr a-z A-Z' "$ADDR"
	finish 0 server
	holds got HELLO
}

@test "-e splits on blanks, with quotes and no expansion" {
	start server "$TCPCAT" -l 127.0.0.1:0 \
		-e "printf '<%s>' 'a b' \"c'd\" \$HOME *  e"
	expect 0 "$PEER" "$ADDR" eof >got
	finish 0 server
	holds got "<a b><c'd><\$HOME><*><e>"
}

@test "-e and -c leave standard input alone" {
	echo untouched >input
	start server "$PEER" -l 127.0.0.1:0 text:hello shut eof >got
	{
		expect 0 "$TCPCAT" -e cat "$ADDR"
		cat >rest
	} <input
	finish 0 server
	holds got hello
	holds rest 'untouched\n'
}

@test "-e writes nothing to standard output; the program's errors show" {
	start server "$TCPCAT" -l -c 'echo out; echo trouble >&2' \
		127.0.0.1:0 >stdout
	expect 0 "$PEER" "$ADDR" eof >got
	finish 0 server
	holds got 'out\n'
	holds stdout ''
	said trouble server
}

@test "-l -e starts the program when a client comes, not before" {
	start server "$TCPCAT" -l -c 'touch started' 127.0.0.1:0
	[ ! -e started ]
	expect 0 "$PEER" "$ADDR" eof
	finish 0 server
	[ -e started ]
}

@test "exec: joins standard input and output to a program" {
	printf hello | expect 0 "$TCPCAT" exec:cat >got
	holds got hello
}

@test "exec: splits on blanks, with quotes and no expansion" {
	expect 0 "$TCPCAT" "exec:printf '<%s>' 'a b' \"c'd\" \$HOME *  e" >got
	holds got "<a b><c'd><\$HOME><*><e>"
}

@test "sh: runs a line of shell" {
	# shellcheck disable=SC2016
	printf '5\n' | expect 0 "$TCPCAT" 'sh:read x; echo $((x + 1)) | tr 6 7' \
		>got
	holds got '7\n'
}

@test "a backslash before a comma makes it one of the command" {
	expect 0 "$TCPCAT" 'exec:echo a\,b\,c' >got
	holds got 'a,b,c\n'
	expect 0 "$TCPCAT" 'sh:echo a\\b | cat' >got2
	sh -c 'echo a\\b | cat' | cmp - got2
}

@test "options may follow a command" {
	expect 4 "$TCPCAT" 'exec:sleep 60,idle-timeout=0.5'
	took_ms 450 15000
}

# --- what they find ---------------------------------------------------------

# The UCSPI variables of a program behind tcpcat, in env.
variables='env | grep -E "^(PROTO|TCP[A-Z]*)=" | sort'

@test "the environment of -l -c has the UCSPI variables, IPv4" {
	start server "$TCPCAT" -l -c "$variables" 127.0.0.1:0
	start port "$PORTS" 127.0.0.3=refuse
	local server=${pid[server]} from=$PORT
	ADDR=$(sed -n 's/^tcpcat: listening on //p' server.err)
	expect 0 "$TCPCAT" -s 127.0.26.3 -p "$from" "$ADDR" >got
	wait "$server"
	grep -qx PROTO=TCP got
	grep -qx TCPREMOTEIP=127.0.26.3 got
	grep -qx TCPREMOTEPORT="$from" got
	grep -qx TCPLOCALIP=127.0.0.1 got
	grep -qx TCPLOCALPORT="${ADDR##*:}" got
	grep -qx TCPCONNNUM=1 got
}

@test "the environment of -l -c has the UCSPI variables, IPv6" {
	requires ipv6
	start server "$TCPCAT" -l -c "$variables" '[::1]:0'
	expect 0 "$PEER" "$ADDR" eof >got
	grep -qx PROTO=TCP got
	grep -qx TCPREMOTEIP=::1 got
	grep -qE '^TCPREMOTEPORT=[0-9]+$' got
	grep -qx TCPLOCALIP=::1 got
	grep -qx TCPLOCALPORT="$PORT" got
}

@test "an IPv4 client of [::]:port is an IPv4 address to the program" {
	requires ipv6
	start server "$TCPCAT" -l -c "$variables" :0
	expect 0 "$PEER" "127.0.0.1:$PORT" eof >got
	grep -qx TCPREMOTEIP=127.0.0.1 got
	grep -qx TCPLOCALIP=127.0.0.1 got
}

@test "the environment of -e when connecting has the UCSPI variables" {
	start server "$PEER" -l 127.0.0.1:0 shut eof >got
	expect 0 "$TCPCAT" -s 127.0.0.2 -c "$variables" "$ADDR"
	finish 0 server
	grep -qx PROTO=TCP got
	grep -qx TCPREMOTEIP=127.0.0.1 got
	grep -qx TCPREMOTEPORT="$PORT" got
	grep -qx TCPLOCALIP=127.0.0.2 got
	grep -qE '^TCPLOCALPORT=[0-9]+$' got
}

@test "variables that tcpcat was started with do not pass for a client's" {
	start server env TCPREMOTEHOST=stale TCPREMOTEIP=stale TCPREMOTEINFO=stale \
		TCPCONNNUM=stale "$TCPCAT" -l -c "$variables" 127.0.0.1:0
	expect 0 "$PEER" "$ADDR" eof >got
	grep -qx TCPREMOTEIP=127.0.0.1 got
	run ! grep stale got
}

@test "other variables reach the program" {
	# shellcheck disable=SC2016
	start server env COLOUR=blue "$TCPCAT" -l -c 'echo $COLOUR' 127.0.0.1:0
	expect 0 "$PEER" "$ADDR" eof >got
	holds got 'blue\n'
}

@test "programs get SIGPIPE back, and no signal blocked or ignored" {
	[ -r /proc/self/status ] || skip "requires /proc"
	start server "$TCPCAT" -l -e 'cat /proc/self/status' 127.0.0.1:0
	expect 0 "$PEER" "$ADDR" eof >behind-l
	expect 0 "$TCPCAT" 'exec:cat /proc/self/status' >exec
	local file ignored blocked
	for file in behind-l exec; do
		ignored=0x$(awk '$1 == "SigIgn:" { print $2 }' $file)
		blocked=0x$(awk '$1 == "SigBlk:" { print $2 }' $file)
		((blocked == 0))
		# 32 and 33 are the C library's own; it starts programs so.
		(((ignored & 0x7fffffff) == 0))
	done
}

@test "programs inherit no descriptor of tcpcat's" {
	[ -d /proc/self/fd ] || skip "requires /proc"
	env sh -c 'ls /proc/self/fd' 3>&- >want
	start server "$TCPCAT" -l -c 'ls /proc/self/fd' 127.0.0.1:0
	expect 0 "$PEER" "$ADDR" eof >got
	cmp want got
	expect 0 "$TCPCAT" 'sh:ls /proc/self/fd' >got
	cmp want got
}

@test "a program has its input and output where tcpcat has none open" {
	spawn server sh -c 'exec "$@" <&- >&- 2>&-' sh \
		"$TCPCAT" -l -c 'cat; echo end' unix:sock
	await test -S sock
	expect 0 "$PEER" unix:sock text:hello shut eof >got
	finish 0 server
	holds got 'helloend\n'
}

# --- how they end -----------------------------------------------------------

@test "a program that fails is 8, and named with its status" {
	local command
	for command in 'exec:sh -c "exit 3"' 'sh:exit 3'; do
		expect 8 "$TCPCAT" "$command"
		said_like '^tcpcat: .*sh.*\b3\b'
	done
}

@test "a program behind -l that fails is 8, and its client gets an end" {
	start server "$TCPCAT" -l -c 'echo before; exit 3' 127.0.0.1:0
	expect 0 "$PEER" "$ADDR" eof >got
	finish 8 server
	holds got 'before\n'
	said_like '^tcpcat: .*\b3\b' server
}

@test "a program that a signal ends is 8" {
	# shellcheck disable=SC2016
	expect 8 "$TCPCAT" 'sh:kill -TERM $$'
	said_like '^tcpcat: .*: '
}

@test "a program that is not there is 8, and named" {
	expect 8 "$TCPCAT" exec:./nothing-there
	said_like '^tcpcat: .*\./nothing-there.*: No such file or directory$'
}

@test "a program that may not be run is 8, and named" {
	echo 'data' >plain
	chmod 644 plain
	expect 8 "$TCPCAT" exec:./plain
	said_like '^tcpcat: .*\./plain.*: Permission denied$'
}

@test "a program behind -l that is not there is 8, and its client is told" {
	start server "$TCPCAT" -l -e ./nothing-there 127.0.0.1:0
	expect '*' "$PEER" "$ADDR" eof >got
	finish 8 server
	said_like '^tcpcat: .*\./nothing-there.*: No such file or directory$' \
		server
	holds got ''
}

@test "a program that ends well without reading its input is 0" {
	head -c 8M /dev/urandom >input
	expect 0 "$TCPCAT" exec:true <input
	said_nothing
	expect 0 "$TCPCAT" 'sh:head -c 10' <input >got
	head -c 10 input | cmp - got
	said_nothing
}

@test "a program that ends well, with an idle pipe on stdin, is 0" {
	expect 0 "$STDIO" pipe - got "$TCPCAT" 'exec:echo hello'
	holds got 'hello\n'
	took_ms 0 3000
}

@test "a program that closes its output is waited for: 8 if it then fails" {
	expect 8 "$TCPCAT" \
		'sh:exec >&-; cat >got; sleep 0.5; touch finished; exit 3' \
		< <(echo input)
	[ -e finished ]
	holds got 'input\n'
}

@test "what a program leaves running does not hold tcpcat up for ever" {
	start server "$TCPCAT" -l -c 'sleep 100 </dev/null >/dev/null 2>&1 & echo on' \
		127.0.0.1:0
	expect 0 "$PEER" "$ADDR" shut eof >got
	finish 0 server
	holds got 'on\n'
}

@test "a program gets the end of its input when the client half-closes" {
	start server "$TCPCAT" -l -c 'cat; echo end' 127.0.0.1:0
	expect 0 "$PEER" "$ADDR" text:hello shut eof >got
	finish 0 server
	holds got 'helloend\n'
}

@test "a client that resets ends -l -e with 6, program or not" {
	start server "$TCPCAT" -l -c 'echo ready; exec sleep 100' 127.0.0.1:0
	expect 0 "$PEER" "$ADDR" recv:6 reset
	finish 6 server
	said_like '^tcpcat: .*: Connection reset by peer' server
}

@test "a program is left no zombie, and gone at the end of tcpcat" {
	# shellcheck disable=SC2016
	start server "$TCPCAT" -l -c 'echo $$; exec cat' 127.0.0.1:0
	expect 0 "$PEER" "$ADDR" shut eof >got
	finish 0 server
	run ! kill -0 "$(cat got)"
}
