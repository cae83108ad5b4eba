# What else ends tcpcat: so many bytes, a deadline, time without anything
# moving (SPEC section 2 and 1.6).

load helpers

setup_file() {
	make_data
}

@test "--recv-bytes leaves with 0 after exactly so many" {
	start server "$PEER" -l 127.0.0.1:0 send:"$DATA/down" eof
	expect 0 "$TCPCAT" --recv-bytes 100000 "$ADDR" >got
	head -c 100000 "$DATA/down" | cmp - got
}

@test "--recv-bytes takes a size, and does not wait for the peer's end" {
	head -c 64k "$DATA/down" >some
	start server "$PEER" -l 127.0.0.1:0 send:some eof:20
	expect 0 "$STDIO" pipe - got "$TCPCAT" --recv-bytes 64k "$ADDR"
	cmp got some
	took_ms 0 15000
}

@test "--recv-bytes is 6 if the peer ends before" {
	start server "$PEER" -l 127.0.0.1:0 text:hello shut eof
	expect 6 "$TCPCAT" --recv-bytes 6 "$ADDR" >got
	holds got hello
	said_like '^tcpcat: .*\b5\b'
}

@test "--recv-bytes holds for -l, too" {
	start server "$TCPCAT" -l --recv-bytes 3 127.0.0.1:0 >got
	"$PEER" "$ADDR" text:hello eof
	finish 0 server
	holds got hel
}

# --- after a time -----------------------------------------------------------

@test "--deadline ends a transfer: 4, with the bytes so far" {
	start server "$PEER" -l 127.0.0.1:0 text:hello eof sleep:20
	expect 4 "$TCPCAT" --deadline 1 "$ADDR" >got
	took_ms 950 15000
	holds got hello
	said_like '^tcpcat: .*\b5\b'
}

@test "--deadline does not touch a run that ends before" {
	start server "$PEER" -l 127.0.0.1:0 text:hello eof
	expect 0 "$TCPCAT" --deadline 30 "$ADDR" >got
	finish 0 server
	holds got hello
	said_nothing
}

@test "--idle-timeout ends it when nothing moves: 4, with the bytes so far" {
	start server "$PEER" -l 127.0.0.1:0 text:hello sleep:20
	expect 4 "$STDIO" pipe - got "$TCPCAT" --idle-timeout 1 "$ADDR"
	took_ms 950 15000
	holds got hello
	said_like '^tcpcat: .*\b5\b'
}

@test "idle-timeout= in the address does the same, and wins" {
	start server "$PEER" -l 127.0.0.1:0 text:hello sleep:20
	expect 4 "$STDIO" pipe - got \
		"$TCPCAT" --idle-timeout 40 "$ADDR,idle-timeout=1"
	took_ms 950 15000
}

@test "-w is an idle timeout, too: 4" {
	start server "$PEER" -l 127.0.0.1:0 text:hello sleep:20
	expect 4 "$STDIO" pipe - got "$TCPCAT" -w 1 "$ADDR"
	took_ms 950 15000
	holds got hello
}

@test "an idle timeout starts again whenever something moves either way" {
	start sender "$PEER" -l 127.0.0.1:0 sleep:0.9 text:a sleep:0.9 text:b \
		sleep:0.9 text:c
	spawn client "$TCPCAT" -d --idle-timeout 1.5 "$ADDR" >got
	start receiver "$PEER" -l 127.0.0.1:0 eof >received
	(for i in 1 2 3; do sleep 0.9; echo $i; done) |
		expect 0 "$TCPCAT" --idle-timeout 1.5 "$ADDR"
	finish 0 receiver
	holds received '1\n2\n3\n'
	finish 0 client
	holds got abc
}

@test "half-close-timeout= ends it when the other direction is idle: 4" {
	start server "$PEER" -l 127.0.0.1:0 text:hello sleep:20
	expect 4 "$TCPCAT" "$ADDR,half-close-timeout=1" >got
	took_ms 950 15000
	holds got hello
	said_like '^tcpcat: .*\b5\b'
}

@test "half-close-timeout= starts again whenever something moves" {
	start server "$PEER" -l 127.0.0.1:0 eof sleep:0.9 text:a sleep:0.9 \
		text:b sleep:0.9 text:c
	expect 0 "$TCPCAT" "$ADDR,half-close-timeout=1.5" >got
	holds got abc
}

@test "half-close-timeout= does not run while both directions are open" {
	start server "$PEER" -l 127.0.0.1:0 quiet:1 recv:5 eof text:reply
	(sleep 1.5; printf hello) |
		expect 0 "$TCPCAT" "$ADDR,half-close-timeout=0.5" >got
	finish 0 server
	holds got reply
}

@test "-q with --no-shutdown: what was held back has time to arrive, too" {
	start server "$PEER" -l 127.0.0.1:0 recv:6 eof >got
	printf 'hello\n' | expect 0 "$TCPCAT" --no-shutdown -q 1.2 "$ADDR"
	finish 0 server
	holds got 'hello\n'
}
