# --retry: a failed connection is tried again (SPEC section 2).  --reconnect,
# after one that has ended, is in tcpcat-reconnect.bats.

load helpers
load server
load tls

SERIES=$SRC/test/peers/series.py

setup_file() {
	make_certs
}

# Not all of this is of TLS.
setup() {
	plain_setup
}

# refused_times N NAME: it was refused so often, at least.
refused_times() {
	says "$1" 'warning: connect .*: Connection refused' "$2"
}

@test "--retry: a port that opens later" {
	start server "$SERIES" refuse:go recv:5 text:hello shut eof
	spawn client "$TCPCAT" --retry "$ADDR" < <(printf input) >answer
	await refused_times 2 client
	touch go
	finish 0 client
	finish 0 server
	holds answer hello
	holds got.1 input
	run ! said_like '^tcpcat: connect' client	# that was no error
}

@test "--retry=N: N times more, then with the status of the last one" {
	start ports "$PORTS" 127.0.0.1=refuse
	expect 1 "$TCPCAT" --retry=3 "$ADDR" </dev/null
	says_times 3 "^tcpcat: warning: connect $ADDR: Connection refused\$" \
		expect
	says_times 1 "^tcpcat: connect $ADDR: Connection refused\$" expect
	[ "$(wc -l <expect.err)" -eq 4 ]
	((took >= 500)) || fail "it took $took ms"	# 0.1, 0.2, 0.4 s * 3/4
	expect 1 "$TCPCAT" --retry=0 "$ADDR"
	[ "$(wc -l <expect.err)" -eq 1 ]
	expect 1 "$TCPCAT" "$ADDR"
	[ "$(wc -l <expect.err)" -eq 1 ]
}

@test "--retry: the times between, from 0.1 s and with jitter" {
	start ports "$PORTS" 127.0.0.1=refuse
	expect 1 "$TCPCAT" --retry=2 -v --json "$ADDR"
	"$EVENTS" <expect.err >events
	[ "$(grep -c connect-failed events)" -eq 3 ]
	expect 1 "$TCPCAT" --retry=3 -v "$ADDR"
	grep -oE 'again in 0\.[0-9]' expect.err >waits
	[ "$(wc -l <waits)" -eq 3 ]
	# 0.075 to 0.1, 0.15 to 0.2, 0.3 to 0.4, rounded
	[[ $(tr '\n' ' ' <waits) == \
		'again in 0.1 again in 0.'[12]' again in 0.'[34]' ' ]]
}

@test "--retry: until --deadline, which is 4" {
	start ports "$PORTS" 127.0.0.1=refuse
	expect 4 "$TCPCAT" --retry --deadline 1 "$ADDR"
	((took >= 1000))
	refused_times 3 expect
	said_like "^tcpcat: .*$ADDR.*deadline"
	# What is left of a wait is not waited for.
	expect 4 "$TCPCAT" --retry=50 --deadline 0.5 "$ADDR"
	((took >= 500))
}

@test "--retry: who does not answer in time is tried again" {
	start ports "$PORTS" 127.0.0.1=dead
	expect 4 "$TCPCAT" --retry=1 --connect-timeout 0.3 "$ADDR"
	((took >= 600))
	says_times 1 '^tcpcat: warning: .*timed out' expect
	says_times 1 '^tcpcat: connect .*timed out' expect
}

@test "--retry: a connection that was there is not made again" {
	start server "$SERIES" text:hello recv:2 reset / touch:again
	expect 6 "$TCPCAT" --retry "$ADDR" < <(printf hi; held end) >answer
	touch end
	[ ! -e again ]
	running server	# it waits for a second
}

@test "--retry: a Unix socket that is made later" {
	spawn client "$TCPCAT" --retry unix:sock < <(printf hi) >answer
	await says 1 'warning: connect unix:sock: No such file' client
	start server "$PEER" -l unix:sock recv:2 text:hello shut eof >got
	finish 0 client
	finish 0 server
	holds answer hello
}

@test "--retry: a name that is found later" {
	requires namespaces
	make_etc '127.0.0.1 here.test'
	start server "$PEER" -l 127.0.0.1:0 text:hello shut eof
	spawn client "${IN_ETC[@]}" "$TCPCAT" --retry "late.test:$PORT" >answer
	await says 2 'warning: resolve late.test' client
	echo '127.0.0.1 late.test' >>etc/hosts
	finish 0 client
	finish 0 server
	holds answer hello
}

@test "--retry=N: a name that is never found is 3" {
	requires namespaces
	make_etc '127.0.0.1 here.test'
	expect 3 "${IN_ETC[@]}" "$TCPCAT" --retry=2 late.test:1
	says_times 2 '^tcpcat: warning: resolve late.test: ' expect
	says_times 1 '^tcpcat: resolve late.test: ' expect
}

@test "--retry: TLS that is refused is final" {
	needs_tls
	make_pair other
	start server "$TCPCAT" -lk -c cat "tls://127.0.0.1:0,$(own server)"
	expect 5 "$TCPCAT" --retry "tls://$ADDR,ca=$CERTS/ca2.pem"
	run ! said_like warning
	await says 1 'unknown_ca'
	kill "${pid[server]}"
	finish 0 server
	says_times 1 '^tcpcat: .*127\.0\.0\.1:[0-9]*: ' server # it came once
	# As is an end during the handshake.
	start peer "$SERIES" ready close / text:no
	expect 5 "$TCPCAT" --retry "tls://$ADDR,ca=$CERTS/ca.pem"
	run ! said_like warning
}

@test "--retry: TLS on a port that opens later" {
	needs_tls
	start server "$SERIES" refuse:go recv:1 close
	spawn client "$TCPCAT" --retry "tls://$ADDR,ca=$CERTS/ca.pem"
	await refused_times 1 client
	touch go
	finish 5 client
}

@test "--retry: what is wrong here is final" {
	expect 2 "$TCPCAT" --retry nowhere
	expect 2 "$TCPCAT" --retry=x 127.0.0.1:1
	expect 2 "$TCPCAT" --retry=-1 127.0.0.1:1
	expect 7 "$TCPCAT" --retry --hexdump none/file 127.0.0.1:1
	expect 1 "$TCPCAT" --retry=1 -s 192.0.2.1 127.0.0.1:1
}

@test "--retry: a signal leaves while it waits" {
	start ports "$PORTS" 127.0.0.1=refuse
	spawn client "$TCPCAT" --retry "$ADDR"
	await refused_times 4 client	# the next wait is 0.6 s or more
	kill -TERM "${pid[client]}"
	finish 143 client
}

@test "what excludes --retry and --reconnect" {
	wrong --retry --reconnect --retry 127.0.0.1:1
	wrong --reconnect --retry=3 --reconnect=2 127.0.0.1:1
	wrong --retry -l --retry 127.0.0.1:0
	wrong --reconnect -l --reconnect 127.0.0.1:0
	wrong --reconnect -lk --reconnect 127.0.0.1:0
	wrong --recv-bytes --reconnect --recv-bytes 1 127.0.0.1:1
	wrong --tls-info --reconnect --tls-info 127.0.0.1:1
	wrong --reconnect -z --reconnect 127.0.0.1:1
	wrong --reconnect --reconnect=soon 127.0.0.1:1
}
