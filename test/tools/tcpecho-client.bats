# tcpecho --client: what is sent, checked, timed and reported (SPEC section 3).

load helpers

TCPECHO=$BUILD/tcpecho
ECHO=$SRC/test/peers/echo.py

# measure STATUS FLAG...: the client, with one JSON object on "out".
measure() {
	local status=$1
	shift
	expect "$status" "$TCPECHO" --client --json "$@" >out
	[ "$(wc -l <out)" -eq 1 ]
}

# told KEY=VALUE...: what the object says.
told() {
	python3 - "$@" <<-'PY'
	import json, sys
	told = json.load(open('out'))
	wrong = [f'{word}, but {told.get(word.partition("=")[0])}'
	         for word in sys.argv[1:]
	         if str(told.get(word.partition('=')[0])) != word.partition('=')[2]]
	sys.exit('told: ' + '; '.join(wrong) if wrong else 0)
	PY
}

# holds_true EXPRESSION: in Python, the object's keys being variables.
holds_true() {
	python3 -c 'import json, sys
told = json.load(open("out"))
if not eval(sys.argv[1], told):
    told.pop("__builtins__", 0)
    sys.exit(f"not true: {sys.argv[1]}: {told}")' "$1"
}

# --- a path that is well ----------------------------------------------------

@test "every message comes back: 0, a summary, and nothing else is said" {
	start server "$ECHO"
	expect 0 "$TCPECHO" --client --count 5 --interval 20ms "$ADDR" >out
	said_nothing
	grep -qx 'messages    5 sent, 5 echoed, 0 lost, 0 wrong' out
	grep -qE "^peer +${ADDR//./\\.}\$" out
	grep -qE '^name +[0-9.]+ ms' out
	grep -qE '^connect +[0-9.]+ ms' out
	grep -qE '^round trip +min +median +p90 +p99 +p99\.9 +max +mean$' out
	await said 'echo: received 320' server
}

@test "--json: one object, times in seconds, in order" {
	start server "$ECHO"
	measure 0 --count 20 --interval 5ms "$ADDR"
	said_nothing
	told event=summary tool=tcpecho "peer=$ADDR" sent=20 echoed=20 lost=0 \
		corrupt=0 duplicate=0 reordered=0 stray_bytes=0 unsent=0 \
		connections=1 failed=0 broken=0 bytes_out=1280 bytes_in=1280 \
		size=64 tls=None status=0
	holds_true '0 < rtt_min <= rtt_median <= rtt_p90 <= rtt_p99'
	holds_true 'rtt_p99 <= rtt_p999 <= rtt_max < 60'
	holds_true 'rtt_min <= rtt_mean <= rtt_max'
	holds_true 'connect > 0 and name >= 0 and messages_per_second > 0'
}

@test "sizes from the least to more than any buffer" {
	local size
	for size in 16 17 1000 64k 10M; do
		measure 0 --count 3 --interval 1ms --size $size exec:cat
		told sent=3 echoed=3 lost=0 corrupt=0
	done
}

@test "--message sends exactly that" {
	start server "$ECHO" -s 9
	expect 0 "$TCPECHO" --client -v --message 'Hi, there' --count 2 \
		--interval 10ms "$ADDR" >out
	await said 'echo: received 18' server
	grep -q '2 sent, 2 echoed, 0 lost, 0 wrong' out
	said "tcpecho: $ADDR: sent \"Hi, there\" (message 1)"
	said_like "^tcpecho: $ADDR: echoed \"Hi, there\" \(message 2\) in"
}

@test "leave and connect again, with each event logged" {
	start server "$ECHO" -s 9
	expect 0 "$TCPECHO" --client --json -v --message 'Hi, there' \
		--wait 100ms --per-connection 1 --count 2 "$ADDR" >out
	"$EVENTS" <expect.err >events
	grep -v connecting events | tr '\n' ' ' >order
	holds order 'connect sent echoed disconnect connect sent echoed disconnect '
	told connections=2 sent=2 echoed=2 broken=0
	holds_true 'duration > 0.39'
	await said 'echo: connection 2' server
}

@test "--parallel: each sends --count of them" {
	start server "$ECHO"
	measure 0 --parallel 50 --count 4 --interval 50ms "$ADDR"
	told connections=50 sent=200 echoed=200
}

@test "--duration ends it" {
	start server "$ECHO"
	measure 0 --duration 1 --interval 50ms "$ADDR"
	holds_true '2 <= sent <= 21 and echoed == sent'
	took_ms 900 20000
}

@test "--flood is verified, too" {
	measure 0 --flood --duration 1 exec:cat
	holds_true 'echoed == sent > 1000 and bytes_per_second > 1e6'
	measure 0 --flood --count 100000 --size 16 --parallel 3 exec:cat
	told sent=300000 echoed=300000
	start server "$ECHO" -s 16384 corrupt:1000000
	measure 6 --flood --count 100 "$ADDR"
	told sent=100 echoed=99 corrupt=1
}

@test "programs and Unix sockets are endpoints like any other" {
	measure 0 --count 2 --interval 1ms 'sh:exec cat'
	told sent=2 echoed=2
	spawn server "$TCPECHO" "unix:$PWD/sock"
	await test -S sock
	measure 0 --count 2 --interval 1ms "unix:$PWD/sock"
	told sent=2 echoed=2 "peer=unix:$PWD/sock" name=None
}

# --- times ------------------------------------------------------------------

@test "a slow path shows in every round trip, not in the rate" {
	start server "$ECHO" delay:0.3
	measure 0 --count 40 --interval 50ms "$ADDR"
	holds_true '0.3 <= rtt_min'
	# One after the other they would take 12 s.
	took_ms 2000 11000
}

@test "a stall is not hidden: what was due meanwhile waits, too" {
	start server "$ECHO" stall:5:1
	measure 0 --count 60 --interval 20ms "$ADDR"
	told sent=60 echoed=60
	holds_true 'rtt_max >= 0.95 and rtt_median > 0.2'
}

@test "--max-rtt: 6 if p99 is over it" {
	start server "$ECHO" delay:0.1
	measure 6 --count 3 --interval 1ms --max-rtt 50ms "$ADDR"
	told echoed=3 lost=0 status=6
	grep -q 'max-rtt' expect.err
	measure 0 --count 3 --interval 1ms --max-rtt 50 "$ADDR"
}

@test "--histogram draws all of them" {
	expect 0 "$TCPECHO" --client --count 100 --interval 1ms --histogram \
		exec:cat >out
	awk '/of all/ { on = 1; next }
	    on { rows++; n += $2; bars += $4 ~ /^#+$/ }
	    END { exit !(n == 100 && rows <= 16 && bars > 0) }' out
	tail -n 1 out | grep -q '100\.000%'
	measure 0 --count 100 --interval 1ms --histogram exec:cat
	holds_true 'sum(row["count"] for row in histogram) == 100'
}

# --- replies that are lost or wrong -----------------------------------------

@test "one byte that is changed: 6, and which message it was" {
	local byte
	for byte in 65 70 128; do	# of the header, of the body
		start server "$ECHO" corrupt:$byte
		measure 6 --count 5 --interval 10ms "$ADDR"
		told sent=5 echoed=4 corrupt=1 lost=0 duplicate=0 stray_bytes=0
		said_like "message 2 came back wrong, from byte $((byte - 64)) on"
	done
}

@test "a byte that is changed in a --message" {
	start server "$ECHO" -s 9 corrupt:12
	measure 6 --count 4 --interval 10ms --message 'Hi, there' "$ADDR"
	told sent=4 echoed=3 corrupt=1 lost=0
}

@test "a reply that is missing: 6, in the middle and at the end" {
	start server "$ECHO" drop:3
	measure 6 --count 5 --interval 10ms "$ADDR"
	told sent=5 echoed=4 lost=1 corrupt=0 duplicate=0
	said_like 'message 3 did not come back, later ones did'
	start server "$ECHO" drop:5
	measure 6 --count 5 --interval 10ms --idle-timeout 1 "$ADDR"
	told sent=5 echoed=4 lost=1 corrupt=0
	said_like 'message 5 is lost'
}

@test "a byte too few and one too many do not confuse the rest" {
	start server "$ECHO" cut:3
	measure 6 --count 6 --interval 10ms "$ADDR"
	told echoed=5 corrupt=1 lost=0 stray_bytes=0
	start server "$ECHO" insert:3
	measure 6 --count 6 --interval 10ms "$ADDR"
	told echoed=6 corrupt=0 lost=0 stray_bytes=1
	start server "$ECHO" greet:hello
	measure 6 --count 6 --interval 10ms "$ADDR"
	told echoed=6 corrupt=0 lost=0 stray_bytes=5
}

@test "a reply that comes twice, also behind the last" {
	local n
	for n in 2 5; do
		start server "$ECHO" double:$n
		measure 6 --count 5 --interval 10ms "$ADDR"
		told echoed=5 duplicate=1 lost=0 corrupt=0
		said_like "message $n came back again"
	done
}

@test "a reply that comes behind a later one" {
	start server "$ECHO" swap:2
	measure 6 --count 5 --interval 10ms "$ADDR"
	told echoed=4 reordered=1 lost=0 duplicate=0
}

@test "nothing comes back at all: 6, and it ends" {
	start server "$ECHO" mute
	measure 6 --count 3 --interval 10ms --idle-timeout 1 "$ADDR"
	told sent=3 echoed=0 lost=3 rtt_min=None rtt_p99=None
	said_like 'no reply within 1 s, messages 1 to 3 are lost'
	took_ms 900 20000
}

@test "a server that does not read: a bounded flood, 6, and it ends" {
	start server "$ECHO" deaf
	measure 6 --flood --idle-timeout 1 "$ADDR"
	holds_true 'echoed == 0 and lost == sent and bytes_out < 20e6'
}

@test "the peer ends early: 6, with what was not sent" {
	start server "$ECHO" close:3
	measure 6 --count 1000 --interval 50ms "$ADDR"
	told echoed=3 broken=1
	holds_true 'sent + unsent == 1000 and unsent > 900'
	said_like 'the peer has ended the connection'
	start server "$ECHO" reset:3
	measure 6 --count 1000 --interval 50ms "$ADDR"
	told echoed=3 broken=1
	said_like 'Connection reset by peer'
}

@test "a server that does not end after our end: told, and 0" {
	start server "$ECHO" open
	measure 0 --count 2 --interval 10ms --half-close-timeout 300ms "$ADDR"
	told echoed=2 broken=0
	said_like 'did not end after our end'
}

@test "--quiet: no warnings, but results" {
	start server "$ECHO" corrupt:70
	measure 6 --quiet --count 3 --interval 10ms "$ADDR"
	said_nothing
	told corrupt=1
}

# --- going on ---------------------------------------------------------------

@test "--reconnect goes on through a restart of the server" {
	# Nobody else takes this port on this address meanwhile.
	start server "$ECHO" -a 127.0.26.4
	spawn client "$TCPECHO" --client --json -v --count 60 --interval 50ms \
		--reconnect "$ADDR" >out
	await grep -q '"echoed"' client.err
	kill "${pid[server]}"
	await grep -q '"connect-failed"' client.err
	start again "$ECHO" -a 127.0.26.4 -p "$PORT"
	finish '[06]' client
	holds_true 'sent == 60 and connections == 2 and broken == 1 and failed > 0'
	# The time without a server counts for what was due then.
	holds_true 'echoed + lost == 60 and rtt_max > 0.4'
}

@test "--reconnect says what was lost" {
	start server "$ECHO" -1 mute
	measure 6 --count 30 --interval 50ms --reconnect --idle-timeout 0.4 \
		"$ADDR"
	told sent=30 connections=2 broken=1 unsent=0
	holds_true '1 < lost < 30 and echoed == 30 - lost'
	said_like 'no reply within 0.4 s, messages 1 to [0-9]+ are lost'
}

@test "--reconnect=T is how long it waits at most" {
	start port "$PORTS" 127.0.0.1=refuse
	measure 1 --reconnect=50ms --duration 2 "$ADDR"
	holds_true 'failed >= 5 and connections == 0'
	took_ms 1900 20000
}

@test "SIGINT and SIGTERM print the summary: 0 if all came back" {
	start server "$ECHO"
	local signal
	for signal in INT TERM; do
		spawn client "$TCPECHO" --client --json -v --interval 20ms \
			"$ADDR" >out
		await grep -q '"echoed"' client.err
		kill -$signal "${pid[client]}"
		finish 0 client
		holds_true 'echoed == sent > 0 and lost == 0'
	done
}

@test "a signal waits a little for replies, a second one does not" {
	start server "$ECHO" mute
	spawn client "$TCPECHO" --client --json -v --interval 20ms "$ADDR" >out
	await grep -q '"sent"' client.err
	kill -INT "${pid[client]}"
	finish 6 client
	holds_true 'lost == sent > 0'
	start server "$ECHO" mute
	spawn client "$TCPECHO" --client --json -vv --interval 20ms "$ADDR" >out
	await grep -q '"sent"' client.err
	kill -INT "${pid[client]}"
	kill -TERM "${pid[client]}"
	finish '1[34][03]' client
	holds_true 'lost == sent > 0'
}

# --- no connection ----------------------------------------------------------

@test "no connection: 1, 3, 4, and a summary all the same" {
	start port "$PORTS" 127.0.0.1=refuse
	measure 1 --count 2 "$ADDR"
	told connections=0 failed=1 sent=0 rtt_min=None status=1
	said_like 'Connection refused'
	measure 3 --count 2 no-such-name.invalid:7
	told failed=1 status=3
	start port "$PORTS" 127.0.0.1=dead
	measure 4 --count 2 --connect-timeout 0.5 "$ADDR"
	told failed=1 status=4
	expect 1 "$TCPECHO" --client --count 2 unix:missing >out
	grep -q '0 made, 1 failed' out
}

@test "a program that fails: 8" {
	measure 8 --count 2 --interval 10ms 'sh:exit 3'
	told echoed=0 broken=1
	said_like 'exited with status 3'
	measure 8 --count 2 exec:/no/such/program
	told connections=0 failed=1
}

@test "1000 refused connections are counted, and told of a few times" {
	start port "$PORTS" 127.0.0.1=refuse
	measure 1 --parallel 1000 --count 1 "$ADDR"
	told failed=1000 unsent=1000
	(($(wc -l <expect.err) <= 20))
}

@test "standard output that is full: 7" {
	[ -c /dev/full ] || skip "requires /dev/full"
	expect 7 "$TCPECHO" --client --count 1 exec:cat >/dev/full
	said_like 'standard output'
}

# --- options ----------------------------------------------------------------

@test "usage errors are 2, and name the option" {
	wrong() {
		local text=$1
		shift
		expect 2 "$TCPECHO" "$@" >stdout
		holds stdout ''
		grep -qF -e "$text" expect.err || fail "no \"$text\" for: $*"
	}
	wrong 'no address' --client
	wrong 'b:2' --client a:1 b:2
	wrong '--count' --count 3 127.0.0.1:0
	wrong '--count' --client --count 0 :7
	wrong '--count' --client --count x :7
	wrong '--interval' --client --interval 0 :7
	wrong '--size' --client --size 15 :7
	wrong '--size' --client --size 2G :7
	wrong '--message' --client --message '' :7
	wrong '--message' --client --message x --size 20 :7
	wrong '--flood' --client --flood --interval 1 :7
	wrong '--parallel' --client --parallel 10001 :7
	wrong '--parallel' --client --parallel 0 :7
	wrong '--duration' --client --duration 0 :7
	wrong '--max-rtt' --client --max-rtt 0 :7
	wrong '--greet' --client --greet x :7
	wrong '-m' --client -m 3 :7
	wrong '--reply' --reply x --discard 127.0.0.1:0
	wrong 'standard output' --client -
	wrong 'one connection' --client --parallel 2 fd:3
	wrong 'is not TLS' --client --tls tcp://:7
	wrong 'excl' --client -4 -6 :7
}

@test "--help tells of every option" {
	expect 0 "$TCPECHO" --help >help
	said_nothing
	local option
	for option in --client --count --interval --size --message --parallel \
		--duration --flood --reconnect --per-connection --wait \
		--max-rtt --histogram --greet --reply --discard --chargen \
		--delay --acl --acl-file -m --idle-timeout --workers \
		--verbose --quiet --json --help --version --tls; do
		grep -qE -e "(^|[^-[:alnum:]])$option([^-[:alnum:]]|\$)" help ||
			fail "--help does not tell of $option"
	done
}
