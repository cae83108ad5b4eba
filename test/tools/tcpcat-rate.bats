# --rate: how much passes in a second (SPEC 1.1, section 2).  Of times only the
# least is tested.

load helpers
load server
load tls

setup_file() {
	make_certs
	export DATA=$BATS_FILE_TMPDIR
	head -c 76800 /dev/urandom >"$DATA/75k"
	head -c 10M /dev/urandom >"$DATA/10m"
}

# Not all of this is of TLS.
setup() {
	plain_setup
}

# least MS: the command of expect took that long, at least.
least() {
	((took >= $1)) || fail "it took $took ms, not $1"
}

@test "--rate: what is sent" {
	start server "$PEER" -l 127.0.0.1:0 eof >got
	expect 0 "$TCPCAT" --rate 100k "$ADDR" <"$DATA/75k"
	least 640	# 0.75 s, less what a pause may save
	finish 0 server
	cmp got "$DATA/75k"
}

@test "--rate: what is received" {
	start server "$PEER" -l 127.0.0.1:0 send:"$DATA/75k" shut eof
	expect 0 "$TCPCAT" --rate 100k "$ADDR" >answer
	least 640
	finish 0 server
	cmp answer "$DATA/75k"
}

@test "--rate: as an option of the address, which wins" {
	start server "$PEER" -l 127.0.0.1:0 eof >got
	expect 0 "$TCPCAT" --rate 1 "$ADDR,rate=100k" <"$DATA/75k"
	least 640
	finish 0 server
	cmp got "$DATA/75k"
}

@test "--rate: each way has its own" {
	start server "$PEER" -l 127.0.0.1:0 both:"$DATA/75k" >got
	expect 0 "$TCPCAT" --rate 75k "$ADDR" <"$DATA/75k" >answer
	least 850
	finish 0 server
	cmp got "$DATA/75k"
	cmp answer "$DATA/75k"
}

@test "--rate: -l" {
	start server "$TCPCAT" -l --rate 100k 127.0.0.1:0 <"$DATA/75k" >got
	expect 0 "$TCPCAT" "$ADDR" >answer
	least 640
	finish 0 server
	cmp answer "$DATA/75k"
}

@test "--rate: -lk, each client by itself" {
	start server "$TCPCAT" -lk --rate 100k -c cat 127.0.0.1:0
	spawn one "$TCPCAT" "$ADDR" <"$DATA/75k" >answer.1
	expect 0 "$TCPCAT" "$ADDR" <"$DATA/75k" >answer.2
	least 640
	finish 0 one
	cmp answer.1 "$DATA/75k"
	cmp answer.2 "$DATA/75k"
}

@test "--rate: -lk, onto one standard output" {
	start server "$TCPCAT" -lk --rate 100k 127.0.0.1:0 >got
	expect 0 "$TCPCAT" "$ADDR" <"$DATA/75k"
	least 640
	await has got 76800
	cmp got "$DATA/75k"
}

@test "--rate: tcpecho" {
	start server "$TCPECHO" 127.0.0.1:0,rate=100k
	expect 0 "$TCPCAT" "$ADDR" <"$DATA/75k" >answer
	least 640
	cmp answer "$DATA/75k"
}

@test "--rate: over TLS, of the plain bytes" {
	needs_tls
	start server "$TCPCAT" -l "tls://127.0.0.1:0,$(own server),rate=1G" \
		>got
	expect 0 "$TCPCAT" --rate 100k "tls://$ADDR,ca=$CERTS/ca.pem" \
		<"$DATA/75k"
	least 640
	finish 0 server
	cmp got "$DATA/75k"
	start server "$TCPCAT" -l "tls://127.0.0.1:0,$(own server)" \
		<"$DATA/75k"
	expect 0 "$TCPCAT" --rate 100k "tls://$ADDR,ca=$CERTS/ca.pem" >answer
	least 640
	finish 0 server
	cmp answer "$DATA/75k"
}

@test "--rate: a Unix socket, and a program" {
	start server "$TCPCAT" -l unix:sock,rate=100k <"$DATA/75k" >got
	expect 0 "$TCPCAT" --recv-only unix:sock >answer
	least 640
	finish 0 server
	cmp answer "$DATA/75k"
	expect 0 "$TCPCAT" --rate 75k exec:cat <"$DATA/75k" >answer
	least 850
	cmp answer "$DATA/75k"
}

@test "--rate: a limit that is not reached changes nothing" {
	start server "$PEER" -l 127.0.0.1:0 both:"$DATA/10m" >got
	expect 0 "$TCPCAT" --rate 100G "$ADDR" <"$DATA/10m" >answer
	finish 0 server
	cmp got "$DATA/10m"
	cmp answer "$DATA/10m"
}

@test "--rate: one direction does not hold up the other" {
	start server "$PEER" -l 127.0.0.1:0 recv:1000 text:hello \
		send:"$DATA/75k" shut eof >got
	spawn client "$TCPCAT" --rate 200k "$ADDR" <"$DATA/10m" >answer
	await has answer 76805
	(($(size got) < 9000000)) || fail "it was sent without a limit"
	running client
}

@test "--rate: a single byte a second" {
	start server "$PEER" -l 127.0.0.1:0 eof >got
	expect 0 "$TCPCAT" --rate 1 "$ADDR" < <(printf ab)
	least 900
	finish 0 server
	holds got ab
}

@test "--rate: a pause is not made up for" {
	start server "$PEER" -l 127.0.0.1:0 eof >got
	expect 0 "$TCPCAT" --rate 100k "$ADDR" \
		< <(head -c 1 "$DATA/75k"; sleep 0.6; tail -c +2 "$DATA/75k")
	least 1200
	finish 0 server
	cmp got "$DATA/75k"
}

@test "--rate: the limit itself is no idleness" {
	start server "$PEER" -l 127.0.0.1:0 eof >got
	expect 0 "$TCPCAT" --rate 50k --idle-timeout 1 "$ADDR" <"$DATA/75k"
	least 1300
	finish 0 server
	cmp got "$DATA/75k"
	start server "$PEER" -l 127.0.0.1:0 eof >got
	expect 0 "$TCPCAT" --rate 1 --idle-timeout 0.4 "$ADDR" < <(printf ab)
	finish 0 server
	holds got ab
	start server "$TCPCAT" -lk --rate 1 --idle-timeout 0.4 127.0.0.1:0 >got
	expect 0 "$TCPCAT" "$ADDR" < <(printf ab)
	kill "${pid[server]}"
	finish 0 server
	holds got ab
}

@test "--rate: --recv-bytes, --deadline and signals come in between" {
	start server "$PEER" -l 127.0.0.1:0 flood
	expect 0 "$TCPCAT" --rate 20k --recv-bytes 10000 "$ADDR" >answer
	[ "$(size answer)" -eq 10000 ]
	start server "$PEER" -l 127.0.0.1:0 eof >got
	expect 4 "$TCPCAT" --rate 1k --deadline 0.5 "$ADDR" <"$DATA/75k"
	start server "$PEER" -l 127.0.0.1:0 touch:there broken >got
	spawn client "$TCPCAT" --rate 1 "$ADDR" <"$DATA/75k"
	await test -e there
	kill "${pid[client]}"
	finish 143 client
	finish 0 server
}

@test "--rate: what is no rate is 2" {
	wrong rate --rate 0 127.0.0.1:1
	wrong rate --rate fast 127.0.0.1:1
	wrong rate --rate -1 127.0.0.1:1
	wrong rate 127.0.0.1:1,rate=
	wrong rate 127.0.0.1:1,rate=1,rate=2
}
