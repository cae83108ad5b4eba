# -C and -i: lines, in which form and how far apart (SPEC section 2).  Of times
# only the least is tested.

load helpers
load server

# least MS: the command of expect took that long, at least.
least() {
	((took >= $1)) || fail "it took $took ms, not $1"
}

# --- -C ---------------------------------------------------------------------

LINES='a\nb\r\nc\n\n\r\n\rd\n\r\r\n\n\re'
CRLF='a\r\nb\r\nc\r\n\r\n\r\n\rd\r\n\r\r\n\r\n\re'

@test "-C: LF becomes CRLF, and one that has its CR stays" {
	start server "$PEER" -l 127.0.0.1:0 $'text:1\n2\r\n' shut eof >got
	# shellcheck disable=SC2059
	expect 0 "$TCPCAT" -C "$ADDR" < <(printf "$LINES") >answer
	finish 0 server
	holds got "$CRLF"
	holds answer '1\n2\r\n'
}

@test "-C: as ncat does it" {
	requires ncat ss
	# shellcheck disable=SC2059
	printf "$LINES" >lines
	start server "$PEER" -l 127.0.0.1:0 eof >got.ncat
	expect 0 timeout 20 ncat -C --send-only 127.0.0.1 "$PORT" <lines
	finish 0 server
	start server "$PEER" -l 127.0.0.1:0 eof >got
	expect 0 "$TCPCAT" --crlf --send-only "$ADDR" <lines
	finish 0 server
	cmp got got.ncat
}

@test "-C: between pieces, too" {
	start server "$PEER" -l 127.0.0.1:0 recv:1 touch:in.1 recv:1 \
		touch:in.2 eof >got
	expect 0 "$TCPCAT" -C "$ADDR" < <(printf 'a\r'; held in.1; held in.2
		printf '\nb'; printf '\n\n')
	finish 0 server
	holds got 'a\r\nb\r\n\r\n'
}

@test "-C: megabytes of lines" {
	seq 1 300000 >lines
	start server "$PEER" -l 127.0.0.1:0 eof >got
	expect 0 "$TCPCAT" -C "$ADDR" <lines
	finish 0 server
	sed 's/$/\r/' lines | cmp - got
}

@test "-C: a program's lines, -l, and -lk" {
	start server "$TCPCAT" -l -C -c 'printf "a\nb\n"' 127.0.0.1:0
	expect 0 "$TCPCAT" "$ADDR" >answer
	finish 0 server
	holds answer 'a\r\nb\r\n'
	start server "$TCPCAT" -lk -C -c 'printf "a\nb\n"' 127.0.0.1:0
	expect 0 "$TCPCAT" "$ADDR" >answer
	holds answer 'a\r\nb\r\n'
	kill "${pid[server]}"
	finish 0 server
	start server "$TCPCAT" -lk -C 127.0.0.1:0 \
		< <(held in; printf 'a\nb\n'; held end) >got
	spawn one "$PEER" "$ADDR" $'text:1\n' recv:6 shut eof >got.1
	spawn two "$PEER" "$ADDR" $'text:2\n' recv:6 shut eof >got.2
	await has got 4
	touch in
	finish 0 one
	finish 0 two
	touch end
	holds got.1 'a\r\nb\r\n'
	holds got.2 'a\r\nb\r\n'
	[ "$(sort got)" = $'1\n2' ]	# it is theirs that are left alone
}

# --- -i ---------------------------------------------------------------------

# times FILE: of its sent lines, in ms of that minute.
times() {
	sed -nE 's/^[^ ]*:([0-9]{2})\.([0-9]{3})[0-9]*Z 1 > .*\|.*/\1\2/p' "$1"
}

@test "-i: a line at a time, so far apart" {
	start server "$PEER" -l 127.0.0.1:0 eof >got
	expect 0 "$TCPCAT" -i 0.3 --hexdump hex "$ADDR" \
		< <(printf 'one\ntwo\n\nfour')
	least 900
	finish 0 server
	holds got 'one\ntwo\n\nfour'
	[ "$(times hex | wc -l)" -eq 4 ]
	local t last=
	for t in $(times hex); do
		t=$((10#$t))
		[ -z "$last" ] || (((t - last + 60000) % 60000 >= 270)) ||
			fail "after $((t - last)) ms"
		last=$t
	done
}

@test "-i: the first line goes at once, and answers do not wait" {
	start server "$PEER" -l 127.0.0.1:0 recv:2 text:hello wait:never
	spawn client "$TCPCAT" -i 30 "$ADDR" < <(printf 'a\nb\n') >answer
	await has answer 5
	kill "${pid[client]}"
	finish 143 client
}

@test "-i: with -C, and a line that comes in parts is one" {
	start server "$PEER" -l 127.0.0.1:0 recv:1 touch:in eof >got
	expect 0 "$TCPCAT" -C -i 0.2 --hexdump hex "$ADDR" \
		< <(printf 'x\npar'; held in; printf 't\nz\n')
	least 400
	finish 0 server
	holds got 'x\r\npart\r\nz\r\n'
	grep -q '|part\.\.|$' hex
}

@test "-i: the input's end ends it, and no wait is behind the last line" {
	start server "$PEER" -l 127.0.0.1:0 eof >got
	expect 0 "$TCPCAT" -i 30 "$ADDR" < <(printf 'only\n')
	finish 0 server
	((took < 20000))
	holds got 'only\n'
}

@test "-i: the peer's end does not cut off lines that wait, nor a part of one" {
	start server "$PEER" -l 127.0.0.1:0 text:x shut eof >got
	expect 0 "$TCPCAT" -i 1.2 "$ADDR" < <(printf 'a\nb\nc'; held end) >answer
	touch end
	finish 0 server
	holds got 'a\nb\nc'
	holds answer x
}

@test "-i: the wait between lines is no idleness" {
	start server "$PEER" -l 127.0.0.1:0 eof >got
	expect 0 "$TCPCAT" -i 0.6 --idle-timeout 0.3 "$ADDR" \
		< <(printf 'a\nb\nc\n')
	finish 0 server
	holds got 'a\nb\nc\n'
	start server "$PEER" -l 127.0.0.1:0 eof >got
	expect 4 "$TCPCAT" -i 0.1 --idle-timeout 0.4 "$ADDR" \
		< <(printf 'a\nb\n'; held end)
	touch end
	finish 1 server
	start server "$TCPCAT" -lk -i 0.6 --idle-timeout 0.4 127.0.0.1:0 \
		< <(held in; printf 'a\nb\nc\n'; held end) >got
	spawn one "$PEER" "$ADDR" text:x recv:6 shut eof >got.1
	await has got 1
	touch in
	finish 0 one
	touch end
	holds got.1 'a\nb\nc\n'
}

@test "-i: -lk" {
	start server "$TCPCAT" -lk -i 0.3 -c 'printf "a\nb\nc\n"' 127.0.0.1:0
	expect 0 "$TCPCAT" "$ADDR" >answer
	least 600
	holds answer 'a\nb\nc\n'
}
