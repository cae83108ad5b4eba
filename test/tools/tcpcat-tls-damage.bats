# TLS over a network that does harm: what is cut short or changed is told,
# never a silent end of file (SPEC 1.3, 1.6).

load helpers
load tls

setup_file() {
	make_certs
	export DATA=$BATS_FILE_TMPDIR
	head -c 1M /dev/urandom >"$DATA/down"
}

# through ACTION...: a server that sends 1 MB in records of 16 KiB, seen
# through tlsproxy.py; got is what it receives.
through() {
	start server "$TCPCAT" -l "tls://127.0.0.1:0,$(own server)" \
		<"$DATA/down" >got
	proxy "$@"
}

# few ACTION...: a server that says "hello" in a record.
few() {
	serve "$(own server)"
	proxy "$@"
}

# told STATUS [FLAG...]: the status of a client, who names the server.
told() {
	local status=$1
	shift
	expect "$status" "$TCPCAT" "$@" "tls://$ADDR,ca=$CERTS/ca.pem" \
		< <(printf hi) >answer
	[ "$status" = 0 ] || said_like "^tcpcat: .*${ADDR//./\\.}.*: "
	finish 0 proxy
}

# begun: what arrived is how the data begins.
begun() {
	cmp -n "$(size answer)" answer "$DATA/down"
}

@test "nothing happens without harm (the proxy itself)" {
	through
	told 0
	finish 0 server
	cmp answer "$DATA/down"
	holds got hi
}

@test "every byte by itself, in both directions, handshake and all" {
	few up.split down.split
	told 0
	finish 0 server
	holds answer hello
	holds got hi
}

@test "a pause within the stream is none of an end" {
	through down.pause:10:1.2 up.pause:2:1.5
	told 0
	finish 0 server
	cmp answer "$DATA/down"
	holds got hi
}

# --- cut short --------------------------------------------------------------

@test "an end without close_notify is 6, after what came before it" {
	few down.cut:2
	told 6
	said_like 'close_notify'
	holds answer hello
}

@test "an end without close_notify before any data is 6" {
	few down.cut:1
	told 6
	holds answer ''
}

@test "an end without close_notify is 6 with an idle terminal, at once" {
	few down.cut:2
	expect 6 "$STDIO" pty - answer "$TCPCAT" "tls://$ADDR,ca=$CERTS/ca.pem"
	took_ms 0 5000
	holds answer hello
}

@test "--tls-allow-truncation takes it for an end: 0" {
	few down.cut:2
	told 0 --tls-allow-truncation
	finish 0 server
	holds answer hello
	holds got hi
	few down.cut:2
	expect 0 "$TCPCAT" "tls://$ADDR,ca=$CERTS/ca.pem,allow-truncation" \
		>answer
	holds answer hello
}

@test "a server that is cut short is 6, with allow-truncation 0" {
	few up.cut:2
	expect '*' "$TCPCAT" "tls://$ADDR,ca=$CERTS/ca.pem" < <(printf hi)
	finish 6 server
	said_like '^tcpcat: .*close_notify' server
	holds got hi
	serve "$(own server),allow-truncation"
	proxy up.cut:2
	expect 0 "$TCPCAT" "tls://$ADDR,ca=$CERTS/ca.pem" < <(printf hi)
	finish 0 server
	holds got hi
}

@test "an end within a record is 6, even with --tls-allow-truncation" {
	local flag
	for flag in -v --tls-allow-truncation; do
		through down.cutbytes:500000
		told 6 $flag
		has answer 400000
		begun
	done
}

@test "a peer that is killed is 6" {
	start server "$TCPCAT" -l -c 'echo hello; exec sleep 60' \
		"tls://127.0.0.1:0,$(own server)"
	spawn client "$TCPCAT" "tls://$ADDR,ca=$CERTS/ca.pem" >answer
	await has answer 6
	kill -KILL "${pid[server]}"
	finish 6 client
}

@test "a reset is 6 on both sides, with what came before it and the bytes" {
	head -c 32M /dev/urandom >big	# more than is ever on its way
	start server "$TCPCAT" -l "tls://127.0.0.1:0,$(own server)" <big
	proxy down.reset:20
	told 6
	finish 6 server
	said_like '^tcpcat: .*Connection reset by peer'
	said_like "$(size answer) bytes"
	cmp -n "$(size answer)" answer big
}

@test "a reset after our end is 6" {
	few down.reset:2
	told 6
	said_like 'Connection reset by peer'
	holds answer hello
}

# --- changed ----------------------------------------------------------------

# spoilt ACTION: on the way down; what came before it arrives, nothing after.
spoilt() {
	through "down.$1"
	told 6
	begun
	(($(size answer) < $(size "$DATA/down")))
}

@test "a record with another bit is 6" {
	spoilt flip:1
	holds answer ''
	spoilt flip:7
	has answer 90000
	said_like '^tcpcat: .*(record|corrupt|authentic)'
}

@test "a record with another bit: the peer is told by an alert, and 6" {
	through down.flip:7
	expect 6 "$STDIO" pipe - answer "$TCPCAT" \
		"tls://$ADDR,ca=$CERTS/ca.pem"
	finish 6 server
	said_like '^tcpcat: .*127\.0\.0\.1:[0-9]+.*record' server
}

@test "a close_notify with another bit is 6" {
	few down.flip:2
	told 6 --tls-allow-truncation
	holds answer hello
}

@test "a server that gets a record with another bit is 6" {
	few up.flip:1
	expect '*' "$TCPCAT" "tls://$ADDR,ca=$CERTS/ca.pem" < <(printf hi)
	finish 6 server
	holds got ''
	said_like '^tcpcat: .*127\.0\.0\.1:[0-9]+.*: ' server
}

@test "a record that comes twice, too early or not at all is 6" {
	spoilt repeat:3
	spoilt swap:3
	spoilt skip:3
}

@test "a record of an unknown type is 6" {
	spoilt insert:3:630303000100
	spoilt insert:3:000303000100
	spoilt insert:3:ff03030000
}

@test "a record that is too big, empty or of another version is 6" {
	spoilt insert:3:170303ffff
	spoilt insert:3:1703034800
	spoilt insert:3:1703030000
	spoilt insert:3:170303000100
	spoilt insert:3:1703010018"$(printf %048d 0)"
}

@test "an alert in clear text that somebody put there is 6" {
	spoilt insert:3:15030300020228
	spoilt insert:3:15030300020100
}

@test "a handshake message in clear text that somebody put there is 6" {
	spoilt insert:3:160303000400000000
	spoilt insert:3:140303000101
}
