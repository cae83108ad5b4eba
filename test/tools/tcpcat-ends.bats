# When tcpcat ends: after the peer's end, after the end of input, with one
# direction only (SPEC section 2, "When it ends").

load helpers

setup_file() {
	make_data
}

# --- after the peer's end ---------------------------------------------------

LATE_END='peer: eof:0.8: no end within that time'

# at_once COMMAND...: in one of its five runs the peer says nothing of a late
# end: a machine that stalls spoils some, a tcpcat that waits for 1 s each.
at_once() {
	local i
	for i in 1 2 3 4 5; do
		"$@" || return
		[ -s peer.err ] || return 0
		holds peer.err "$LATE_END\n" || return
	done
	fail 'never within 0.8 s'
}

# client_leaves STDIN TEXT FLAG...: a client does when its peer, who has sent
# this, has ended.
client_leaves() {
	start server "$PEER" -l 127.0.0.1:0 "text:$2" shut eof:0.8
	expect 0 "$STDIO" "$1" - got "$TCPCAT" "${@:3}" "$ADDR" || return
	finish '[01]' server || return
	grep -v -e ' listening on ' -e ' connection from ' server.err >peer.err
	holds got "$2"
}

server_leaves() {
	start server "$STDIO" pty - got "$TCPCAT" -l 127.0.0.1:0
	expect '[01]' "$PEER" "$ADDR" text:hello shut eof:0.8 || return
	mv expect.err peer.err
	finish 0 server || return
	holds got hello
}

@test "the peer's end ends it at once with an idle terminal on stdin" {
	at_once client_leaves pty hello
}

@test "a client's end ends -l at once with an idle terminal on stdin" {
	at_once server_leaves
}

@test "the end of a peer that sent nothing ends it with an idle terminal" {
	at_once client_leaves pty ''
}

@test "the peer's end ends it with an idle pipe after 1 s of silence" {
	start server "$PEER" -l 127.0.0.1:0 text:hello shut quiet:0.9 eof:2
	expect 0 "$STDIO" pipe - got "$TCPCAT" "$ADDR"
	finish 0 server
	holds got hello
}

@test "the peer's end ends it with an idle socket after 1 s of silence" {
	start server "$PEER" -l 127.0.0.1:0 text:hello shut quiet:0.9 eof:2
	expect 0 "$STDIO" socket - got "$TCPCAT" "$ADDR"
	finish 0 server
	holds got hello
}

@test "a pipe that keeps giving is sent beyond 1 s after the peer's end" {
	start server "$PEER" -l 127.0.0.1:0 text:hello shut eof >got
	expect 0 "$TCPCAT" "$ADDR" >answer < <(
		for i in 1 2 3 4 5 6 7 8; do
			echo "line $i"
			sleep 0.4
		done)
	finish 0 server
	holds answer hello
	printf 'line %d\n' 1 2 3 4 5 6 7 8 | cmp - got
}

@test "a big pipe is sent whole after the peer's end" {
	start server "$PEER" -l 127.0.0.1:0 text:hello shut sleep:1.5 eof >got
	cat "$DATA/up" | expect 0 "$TCPCAT" "$ADDR" >answer
	finish 0 server
	holds answer hello
	cmp got "$DATA/up"
}

@test "a peer that half-closes first still gets all of a big file" {
	start server "$PEER" -l 127.0.0.1:0 shut sleep:1.5 eof >got
	expect 0 "$TCPCAT" "$ADDR" <"$DATA/up"
	finish 0 server
	cmp got "$DATA/up"
}

@test "a client that half-closes first still gets all of a big file from -l" {
	start server "$TCPCAT" -l 127.0.0.1:0 <"$DATA/down" >got
	expect 0 "$PEER" "$ADDR" text:hello shut sleep:1.5 eof >answer
	finish 0 server
	cmp answer "$DATA/down"
	holds got hello
}

@test "a receiver that ends at once still gets all of a slow pipe" {
	start server "$TCPCAT" -l 127.0.0.1:0 >got	# reads /dev/null
	(sleep $LATE; cat "$DATA/up") | expect 0 "$TCPCAT" "$ADDR"
	finish 0 server
	cmp got "$DATA/up"
}

@test "a receiver that ends at once still gets a pipe with long pauses" {
	start server "$TCPCAT" -l 127.0.0.1:0 >got
	(echo one; sleep 1.5; echo two; sleep 1.5; echo three) |
		expect 0 "$TCPCAT" "$ADDR"
	finish 0 server
	holds got 'one\ntwo\nthree\n'
}

@test "a peer that ends, sent nothing and is gone is found out: 6" {
	requires root
	start server "$PEER" -l 127.0.0.1:0 shut sleep:0.2 vanish
	expect 6 "$STDIO" pipe - got "$TCPCAT" "$ADDR,keepalive=1"
	said_like '^tcpcat: .*: '
}

@test "--wait-stdin=T waits for more input so long" {
	start server "$PEER" -l 127.0.0.1:0 text:hello shut eof >got
	(sleep 2; echo late) | expect 0 "$TCPCAT" --wait-stdin=15 "$ADDR"
	finish 0 server
	holds got 'late\n'
}

@test "--wait-stdin=T leaves when that is over" {
	start server "$PEER" -l 127.0.0.1:0 text:hello shut quiet:1.9 eof:3
	expect 0 "$STDIO" pipe - got "$TCPCAT" --wait-stdin=2 "$ADDR"
	finish 0 server
}

@test "--wait-stdin=0.1 leaves sooner than 1 s" {
	at_once client_leaves pipe hello --wait-stdin=100ms
}

@test "--wait-stdin without a time waits until the input ends" {
	start server "$PEER" -l 127.0.0.1:0 text:hello shut eof >got
	(sleep $LATE; echo late) | expect 0 "$TCPCAT" --wait-stdin "$ADDR"
	finish 0 server
	holds got 'late\n'
}

# --- after the end of input -------------------------------------------------

@test "after the end of input it stays until the peer ends" {
	start server "$PEER" -l 127.0.0.1:0 eof sleep:$LATE text:late
	expect 0 "$TCPCAT" "$ADDR" >got
	finish 0 server
	took_ms $((LATE * 1000 - 100)) 100000
	holds got late
}

@test "-N is accepted and half-closes, as without it" {
	start server "$PEER" -l 127.0.0.1:0 eof text:reply >got
	expect 0 "$TCPCAT" -N "$ADDR" < <(printf hello) >answer
	finish 0 server
	holds got hello
	holds answer reply
}

@test "--no-shutdown holds back the half-close until the peer ends" {
	start server "$PEER" -l 127.0.0.1:0 recv:5 quiet:1 text:reply shut eof
	expect 0 "$TCPCAT" --no-shutdown "$ADDR" < <(printf hello) >got
	finish 0 server
	holds got reply
}

@test "no-shutdown in the address does the same" {
	start server "$PEER" -l 127.0.0.1:0 recv:5 quiet:1 text:reply shut eof
	expect 0 "$TCPCAT" "$ADDR,no-shutdown" < <(printf hello) >got
	finish 0 server
	holds got reply
}

@test "--no-shutdown holds for -l, too" {
	start server "$TCPCAT" -l --no-shutdown 127.0.0.1:0 \
		< <(printf hello) >got
	expect 0 "$PEER" "$ADDR" recv:5 quiet:1 text:reply shut eof
	finish 0 server
	holds got reply
}

@test "-q leaves so long after the end of input: 0" {
	start server "$PEER" -l 127.0.0.1:0 eof sleep:20 >got
	expect 0 "$TCPCAT" -q 1 "$ADDR" < <(printf hello)
	took_ms 950 15000
	has got 5
	holds got hello
}

@test "-q does not cut a reply that comes in time" {
	start server "$PEER" -l 127.0.0.1:0 eof sleep:0.5 text:reply
	expect 0 "$TCPCAT" -q 30 "$ADDR" < <(printf hello) >got
	took_ms 400 20000
	holds got reply
	finish 0 server
}

@test "-q 0 leaves at once, with everything delivered" {
	start server "$PEER" -l 127.0.0.1:0 eof wait:done >got
	expect 0 "$TCPCAT" -q 0 "$ADDR" <"$DATA/up"
	touch "done"
	finish 0 server
	cmp got "$DATA/up"
}

@test "-q with data that the peer's kernel has not taken is not 0" {
	start server "$PEER" -b 4096 -l 127.0.0.1:0 wait:done
	head -c 200k "$DATA/up" >some
	expect '[1-9]*' "$TCPCAT" -q 1 "$ADDR,sndbuf=1M" <some
	took_ms 950 15000
	said_like '^tcpcat: '
}

# --- one direction ----------------------------------------------------------

recv_only() {
	echo untouched >input
	start server "$PEER" -l 127.0.0.1:0 quiet:1 send:"$DATA/down" shut eof
	{
		expect 0 "$TCPCAT" "$1" "$ADDR" >got
		cat >rest
	} <input
	finish 0 server
	cmp got "$DATA/down"
	holds rest 'untouched\n'
}

@test "--recv-only reads no input and sends no end before the peer's" {
	recv_only --recv-only
}

@test "-d is --recv-only" {
	recv_only -d
}

@test "--recv-only -l receives all, and ends with the sender" {
	start server "$TCPCAT" -l --recv-only 127.0.0.1:0 >got
	expect 0 "$TCPCAT" "$ADDR" <"$DATA/up"
	finish 0 server
	cmp got "$DATA/up"
}

@test "--send-only sends all, and writes nothing" {
	start server "$PEER" -l 127.0.0.1:0 text:hello eof text:bye shut >got
	expect 0 "$TCPCAT" --send-only "$ADDR" <"$DATA/up" >answer
	finish 0 server
	cmp got "$DATA/up"
	holds answer ''
}

@test "--send-only discards what comes, with no reset for the peer" {
	start server "$PEER" -l 127.0.0.1:0 both:"$DATA/down" >got
	expect 0 "$TCPCAT" --send-only "$ADDR" <"$DATA/up" >answer
	finish 0 server
	cmp got "$DATA/up"
	holds answer ''
}

@test "--send-only sends all to a peer that half-closes first" {
	start server "$PEER" -l 127.0.0.1:0 text:hello shut sleep:1 eof >got
	(sleep 2; cat "$DATA/up") | expect 0 "$TCPCAT" --send-only "$ADDR"
	finish 0 server
	cmp got "$DATA/up"
}
