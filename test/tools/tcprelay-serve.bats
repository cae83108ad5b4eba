# tcprelay as a server: limits, access, rates, its stop, workers, counters,
# its log and its records, and usage (SPEC 1.4, 1.6, 1.7, section 4).

load helpers
load server
load relay

PROMCHECK=$SRC/test/peers/promcheck.py

# --- who may, and how much ----------------------------------------------------

@test "an access list of the listener: the denied get nothing" {
	target one
	relay -v 127.0.0.1:0,acl='-all;+127.0.0.1' unix:one
	[ "$(ask)" = one ]
	dumb -s 127.0.0.2 "$ADDR"
	await says 1 '^tcprelay: denied 127\.0\.0\.2:[0-9]+: -all' relay
	says_times 1 ' to unix:one: done ' relay
}

@test "max-clients: beyond it they wait until one leaves" {
	target one
	relay 127.0.0.1:0,max-clients=1 unix:one
	guest a 3
	spawn b "$PEER" "$ADDR" quiet:0.3 touch:quiet recv:3 shut eof >b.got
	await test -e quiet
	leave a
	finish 0 b
	holds b.got one
}

@test "max-per-host: beyond it they are closed" {
	target one
	relay 127.0.0.1:0,max-per-host=1 unix:one
	guest a 3
	dumb "$ADDR"
	await says 1 'max-per-host' relay
	[ "$(ask -s 127.0.0.2)" = one ]
	leave a
}

@test "rate: a listener's is kept both ways" {
	target one
	head -c 300k /dev/urandom >data
	relay 127.0.0.1:0,rate=300k unix:one
	expect 0 "$PEER" "$ADDR" both:data >got
	printf one | cat - data | cmp - got
	took_ms 700 10000
}

@test "idle-timeout: who moves nothing is ended, and that is logged" {
	target one
	relay 127.0.0.1:0,idle-timeout=300ms unix:one
	expect 0 "$PEER" "$ADDR" recv:3 broken >got
	holds got one
	await says 1 '^tcprelay: warning: 127\.0\.0\.1:[0-9]+ to unix:one: .*idle.* after' relay
	# The target's counts as well.
	relay 127.0.0.1:0 unix:one,idle-timeout=300ms
	expect 0 "$PEER" "$ADDR" recv:3 broken >got
}

# --- the stop -----------------------------------------------------------------

@test "SIGTERM: nobody new comes, who is there finishes, then status 0" {
	target one
	relay 127.0.0.1:0 unix:one
	spawn a "$PEER" "$ADDR" recv:3 touch:here wait:go text:more recv:4 \
		shut eof >a.got
	await test -e here
	kill -TERM "${pid[relay]}"
	await refused "$ADDR"
	running relay
	touch go
	finish 0 a
	holds a.got onemore
	finish 0 relay
}

@test "who has not finished within --drain-timeout is reset and counted" {
	target one
	relay --drain-timeout 200ms 127.0.0.1:0 unix:one
	spawn a "$PEER" "$ADDR" recv:3 touch:here broken
	await test -e here
	kill -TERM "${pid[relay]}"
	finish 0 relay
	finish 0 a
	said_like '^tcprelay: warning: 1 client not finished in time' relay
}

@test "a second signal ends it at once, with 128 and the signal" {
	target one
	relay 127.0.0.1:0 unix:one
	guest a 3
	kill -TERM "${pid[relay]}"
	await says 1 '^tcprelay: stopping when' relay
	kill -INT "${pid[relay]}"
	finish 130 relay
}

# cut_whole STATUS SIGNAL...: of several processes; who is there is reset,
# and logged.
cut_whole() {
	guest a 3
	spawn b "$PEER" "$ADDR" recv:3 touch:b.here broken
	await test -e b.here
	local status=$1 signal
	shift
	for signal; do
		kill "-$signal" "${pid[relay]}"
		await says 1 '^tcprelay: stopping when' relay
	done
	finish "$status" relay
	finish 0 b
	says_times 2 '^tcprelay: warning: .*: cut by the server.s stop after ' \
		relay
}

@test "--workers: a second signal ends all at once, and by resets" {
	target one
	relay --workers 2 127.0.0.1:0 unix:one
	cut_whole 130 TERM INT
}

@test "--deadline: who is there is reset then; with --workers too" {
	target one
	relay --deadline 2 127.0.0.1:0 unix:one
	cut_whole 4
	said 'tcprelay: deadline reached' relay
	rm a.here b.here
	relay --deadline 2 --workers 2 127.0.0.1:0 unix:one
	cut_whole 4
	said 'tcprelay: deadline reached' relay
}

@test "when descriptors run out it waits, says so, and then goes on" {
	start one "$TCPECHO" unix:one
	start relay sh -c 'ulimit -n 40; exec "$@"' sh "$TCPRELAY" 127.0.0.1:0 \
		unix:one
	printf hello >hello
	expect '*' "$CHURN" crowd 80 1000 "$ADDR"
	await says 1 '^tcprelay: .*Too many open files' relay
	served() {
		[ "$(ask <hello)" = hello ]
	}
	await served
	(($(grep -c pausing relay.err) <= 5))
	stop
}

# --- workers ------------------------------------------------------------------

@test "--workers 2: limits are of all of them, and big data passes" {
	target one
	head -c 4M /dev/urandom >data
	relay --workers 2 127.0.0.1:0,max-clients=2 unix:one
	guest a 3
	guest b 3
	spawn c "$PEER" "$ADDR" quiet:0.3 touch:quiet both:data >c.got
	await test -e quiet
	leave a
	finish 0 c
	printf one | cat - data | cmp - c.got
	leave b
	stop
	says_times 1 'listening on' relay
	says_times 3 ' to unix:one: done ' relay
}

# --- counters -----------------------------------------------------------------

# metrics NAME...: the values, by HTTP.
metrics() {
	curl -sS --noproxy '*' --max-time 20 "http://$ADDR/metrics" |
		"$PROMCHECK" "$@"
}

@test "--stats-listen: counters by HTTP and to a bare connection" {
	requires curl
	target one
	relay --stats-listen 127.0.0.2:0 127.0.0.1:0 unix:one unix:nobody
	local i
	address 1
	printf hello >hello
	for i in 1 2 3 4; do
		[ "$(ask <hello)" = onehello ]
	done
	guest a 3
	address 2
	counted() {
		[ "$(metrics tcprelay_target_connections_total'{target="unix:one"}' \
			tcprelay_target_connections'{target="unix:one"}' \
			tcprelay_target_up'{target="unix:one"}' \
			tcprelay_target_up'{target="unix:nobody"}' \
			tcprelay_target_sent_bytes_total'{target="unix:one"}' \
			tcprelay_target_received_bytes_total'{target="unix:one"}' |
			tr '\n' ' ')" = '5 1 1 0 20 32 ' ]
	}
	await counted
	"$TCPCAT" --deadline $FAR --recv-only "$ADDR" >bare
	"$PROMCHECK" <bare
	printf 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n' |
		"$TCPCAT" --deadline $FAR "$ADDR" >answer
	head -n 1 answer | grep -q '^HTTP/1\.[01] 200 '
	grep -qi '^content-type: text/plain; version=0\.0\.4' answer
	if command -v promtool >/dev/null; then
		promtool check metrics <bare
	fi
	leave a
	address 1
}

@test "--stats-listen: names are escaped, HEAD has no body, others are not found" {
	requires curl
	relay --stats-listen unix:stats 127.0.0.1:0 'sh:echo "a\b"'
	ask >told
	"$TCPCAT" --deadline $FAR --recv-only unix:stats >bare
	"$PROMCHECK" <bare
	grep -qF 'target="sh:echo \"a\\b\""' bare
	curl -sS -I --max-time 20 --unix-socket stats http://x/metrics >answer
	head -n 1 answer | grep -q " 200 "
	expect 22 curl -sS -f --max-time 20 --unix-socket stats http://x/else
	curl -sS -i --max-time 20 --unix-socket stats -d a=b \
		http://x/metrics >answer
	head -n 1 answer | grep -q ' 405 '
}

@test "--stats-listen with --workers: one set of counters" {
	requires curl
	target one
	relay --workers 2 --stats-listen 127.0.0.2:0 127.0.0.1:0 unix:one
	address 1
	local i
	for i in 1 2 3 4 5 6; do
		[ "$(ask)" = one ]
	done
	address 2
	all_six() {
		[ "$(metrics tcprelay_target_connections_total'{target="unix:one"}')" = 6 ]
	}
	await all_six
	all_six
	all_six
}

# --- what is said and recorded ------------------------------------------------

@test "each connection ends in one line: who, where, bytes, time, which side" {
	target one
	relay 127.0.0.1:0 unix:one
	printf hello | expect 0 "$TCPCAT" "$ADDR" >got
	await says 1 '^tcprelay: 127\.0\.0\.1:[0-9]+ to unix:one: done after [0-9.]+ s, the client ended first \(sent 8 bytes, received 5 bytes\)$' relay
	stop
	[ "$(grep -c 127.0.0.1 relay.err)" -eq 2 ]
}

@test "--json: every message is an object, and the end says it all" {
	target one
	spawn relay "$TCPRELAY" --json 127.0.0.1:0 unix:one
	await says 1 '"listening"' relay
	local ADDR
	ADDR=$("$EVENTS" listening local <relay.err)
	printf hello | expect 0 "$TCPCAT" "$ADDR" >got
	await says 1 '"disconnect"' relay
	"$EVENTS" disconnect level tool target side bytes_in bytes_out reason \
		<relay.err >end
	holds end 'notice tcprelay unix:one client 5 8 peer-end\n'
	"$EVENTS" disconnect peer duration conn <relay.err |
		grep -qE '^127\.0\.0\.1:[0-9]+ [0-9.e-]+ 1$'
	expect 0 "$PEER" "$ADDR" recv:3 reset
	await says 2 '"disconnect"' relay
	"$EVENTS" disconnect level side reason <relay.err | tail -n 1 >end
	holds end 'warning client reset\n'
}

@test "--hexdump records what passes, both ways" {
	target one
	relay --hexdump dump 127.0.0.1:0 unix:one
	printf hello | expect 0 "$TCPCAT" "$ADDR" >got
	await says 1 ': done ' relay
	stop
	grep -q hello dump
	grep -q one dump
	grep -qF "$ADDR" dump
}

@test "--capture records what passes, for tshark" {
	requires tshark
	target one
	relay --capture dump.pcapng 127.0.0.1:0 unix:one
	printf hello | expect 0 "$TCPCAT" "$ADDR" >got
	printf again | expect 0 "$TCPCAT" "$ADDR" >got
	await says 2 ': done ' relay
	stop
	local i
	for i in 0 1; do
		timeout 30 tshark -r dump.pcapng -q -z follow,tcp,raw,$i \
			2>tshark.err | grep -E '^\s*[0-9a-f]+$' |
			tr -d '\t\n' >stream$i
	done
	# Either order of the directions.
	grep -q 68656c6c6f stream0	# hello
	grep -q 6f6e65 stream0		# one
	grep -q 616761696e stream1	# again
}

# --- usage --------------------------------------------------------------------

@test "usage errors are status 2, and name what is wrong" {
	wrong address
	wrong target 127.0.0.1:0
	wrong --nonsense --nonsense 127.0.0.1:0 127.0.0.1:1
	wrong --balance --balance fairly 127.0.0.1:0 127.0.0.1:1
	wrong --workers --workers 0 127.0.0.1:0 127.0.0.1:1
	wrong --drain-timeout --drain-timeout soon 127.0.0.1:0 127.0.0.1:1
	wrong weight 127.0.0.1:0 127.0.0.1:1,weight=0
	wrong pool 127.0.0.1:0,pool=2 127.0.0.1:1
	wrong pool 127.0.0.1:0 sh:cat,pool=2
	wrong check 127.0.0.1:0 127.0.0.1:1,check=often
	wrong udp 127.0.0.1:0 udp://127.0.0.1:1
	wrong udp udp://127.0.0.1:0 127.0.0.1:1
	wrong 'exec:' exec:cat 127.0.0.1:1
	wrong -6 -4 -6 127.0.0.1:0 127.0.0.1:1
	wrong --stats-listen --stats-listen udp://127.0.0.1:0 127.0.0.1:0 \
		127.0.0.1:1
	wrong 'unknown service "no-such-service"' \
		--stats-listen 127.0.0.1:no-such-service 127.0.0.1:0 127.0.0.1:1
	wrong '-4 and --family 6' -4 --family 6 127.0.0.1:0 127.0.0.1:1
}

@test "a target's service that does not exist is told at the start; a host is not" {
	wrong 'resolve 127.0.0.1: unknown service "no-such-service"' \
		127.0.0.1:0 127.0.0.1:1 127.0.0.1:no-such-service
	wrong 'unknown service "no-such-service"' 127.0.0.1:0 \
		127.0.0.1:no-such-service,via=socks5://127.0.0.1:1
	expect 3 "$TCPRELAY" -n localhost:0 127.0.0.1:1
	said 'tcprelay: resolve localhost: not a numeric address and port, and no name service is to be asked'
	relay 127.0.0.1:0 no-such-host.invalid:1
	stop
}

@test "what could not begin leaves a record as it was" {
	local wrong
	echo old >file
	for wrong in '127.0.0.1:0,acl=foo 127.0.0.1:1' \
		'fd:77 127.0.0.1:1' '127.0.0.1:0,acl-file=none 127.0.0.1:1' \
		'unix:none/sock 127.0.0.1:1'; do
		# shellcheck disable=SC2086 # addresses
		expect '[127]' "$TCPRELAY" --hexdump file --capture other $wrong
		holds file 'old\n'
	done
}

@test "cannot listen: status 1; --help and --version: 0, on standard output" {
	start port "$PORTS" 127.0.0.3=refuse
	expect 1 "$TCPRELAY" "127.0.0.3:$PORT" unix:one
	said_like 'Address already in use'
	expect 0 "$TCPRELAY" --help >help
	grep -q -e '--balance' help
	said_nothing
	expect 0 "$TCPRELAY" --version >version
	grep -q '^tcprelay ' version
}

# --- the PROXY protocol -------------------------------------------------------

@test "proxy-protocol in and out: the target learns who the client is" {
	start backend "$TCPCAT" -lk -c 'echo $TCPREMOTEIP $TCPREMOTEPORT $TCPLOCALIP; cat' \
		127.0.0.1:0,proxy-protocol
	local version
	for version in 1 2; do
		relay 127.0.0.1:0,proxy-protocol=+127.0.0.1 \
			"$(backend),proxy-protocol=$version"
		printf 'PROXY TCP4 192.0.2.1 198.51.100.1 4711 443\r\nhello' |
			expect 0 "$TCPCAT" "$ADDR" >got
		holds got '192.0.2.1 4711 198.51.100.1\nhello'
		await says 1 '^tcprelay: 192\.0\.2\.1:4711 to ' relay
		stop
	done
	# Without one in front, it is who connected.
	relay 127.0.0.1:0 "$(backend),proxy-protocol=2"
	ask -s 127.0.0.7 >got
	grep -qE '^127\.0\.0\.7 [0-9]+ 127\.0\.0\.1$' got
}

backend() {
	sed -n 's/^tcpcat: listening on //p' backend.err | head -n 1
}
