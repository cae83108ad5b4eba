# tcpcat -lk --tag: whole lines, and who said them (SPEC section 2).

load helpers
load server

# A line of the client on 127.0.0.1 that ends in this, on standard output.
tagged() {
	grep -qE "^127\.0\.0\.1:[0-9]+: $1\$" "${2:-got}"
}

@test "--tag: each line says from whom it is" {
	start server "$TCPCAT" -lk --tag 127.0.0.1:0 >got
	expect 0 "$TCPCAT" -s 127.0.0.2 "$ADDR" < <(printf 'one\n\ntwo\n')
	await grep -q two got
	[ "$(sed -E 's/^127\.0\.0\.2:[0-9]+: //' got)" = $'one\n\ntwo' ]
	[ "$(cut -d: -f2 got | sort -u | wc -l)" -eq 1 ]
}

@test "--tag: lines are whole, though they come in parts from two at once" {
	start server "$TCPCAT" -lk --tag 127.0.0.1:0 >got
	spawn one "$PEER" "$ADDR" text:par touch:part wait:go $'text:tial\nmo' \
		touch:more wait:end
	await test -e part
	spawn two "$PEER" "$ADDR" $'text:whole\nan' touch:an wait:more \
		$'text:other\n' shut eof:10
	await tagged whole
	run ! grep -E 'par|an' got
	touch go
	await tagged partial
	finish 0 two
	await tagged another
	[ "$(wc -l <got)" -eq 3 ]
	touch end	# what is not a whole line is one at the end
	finish 0 one
	await tagged mo
	[ "$(wc -l <got)" -eq 4 ]
}

@test "--tag: a line over 64 KiB comes in pieces of one peer" {
	start server "$TCPCAT" -lk --tag 127.0.0.1:0 >got
	head -c 200000 /dev/zero | tr '\0' x >long
	echo end >>long
	spawn one "$PEER" "$ADDR" send:long touch:sent wait:go shut eof:10
	expect 0 "$PEER" "$ADDR" $'text:short\n' shut eof:10
	await tagged short
	touch go
	finish 0 one
	await grep -qE 'end$' got
	run ! grep -vE '^127\.0\.0\.1:[0-9]+: ' got
	grep -v 'short$' got | sed -E 's/^[^ ]*: //' | tr -d '\n' >joined
	tr -d '\n' <long | cmp - joined
	[ "$(cut -d: -f2 got | sort -u | wc -l)" -eq 2 ]
}

@test "--tag: thousands of lines of many clients stay whole" {
	start server "$TCPCAT" -lk --tag 127.0.0.1:0 >got
	local i
	for i in 1 2 3 4 5; do
		seq -f "$i-%05.0f-abcdefghijklmnopqrstuvwxyz" 3000 >lines.$i
		spawn client$i "$TCPCAT" "$ADDR" <lines.$i
	done
	for i in 1 2 3 4 5; do
		finish 0 client$i
	done
	all_there() { [ "$(wc -l <got)" -ge 15000 ]; }
	await all_there
	kill -TERM "${pid[server]}"
	finish 0 server
	for i in 1 2 3 4 5; do
		sed -nE "s/^127\.0\.0\.1:[0-9]+: ($i-.*)/\1/p" got |
			cmp - lines.$i
	done
	[ "$(wc -l <got)" -eq 15000 ]
}

# stopped TIMEOUT: a server whose standard output is not read until there is
# the file "go" has got lines of every length, 300 KB; then SIGTERM comes.
stopped() {
	spawn server sh -c '"$@" | {
		until [ -e go ]; do sleep 0.02; done
		cat; } >got' sh "$TCPCAT" -lk -v --tag --drain-timeout "$1" \
		127.0.0.1:0
	await announced server
	seq -f '%.0f' 9000 9999 | awk '{ printf "%s", $1
		for (i = 0; i < $1 % 100; i++) printf " word"
		print "." }' >lines
	printf 'no end' >>lines		# of the last
	spawn client "$PEER" "$ADDR" send:lines touch:sent eof
	await says 1 'connection from'
	kill -TERM "$(pgrep -P "${pid[server]}" -x tcpcat)"
}

all_whole() {
	has got 1
	[ -z "$(tail -c 1 got)" ] || fail "the last byte ends no line"
	run ! grep -vE '^127\.0\.0\.1:[0-9]+: (.*\.|no end)$' got
}

@test "--tag: a stop leaves no line half printed" {
	stopped 1
	touch go
	finish 0 server
	all_whole
	sed -E 's/^[^ ]*: //' got | head -n 1000 | cmp - <(head -n 1000 lines)
}

@test "--tag: Unix socket, and what is not text passes as it is" {
	start server "$TCPCAT" -lk --tag unix:sock >got
	printf '\033[31m\377\0x\r\n' | expect 0 "$TCPCAT" unix:sock
	await has got 10
	sed 's/^[^ ]*: //' got | tail -c 10 >bytes
	holds bytes '\033[31m\377\0x\r\n'
	grep -aqE '^unix:[^ ]*: ' got
}

@test "while read over --tag" {
	spawn server sh -c '"$@" | while read -r who what; do
			echo "[${who%:*:}] $what"
		done >log' sh "$TCPCAT" -lk --tag 127.0.0.1:0
	await announced server
	echo 'one   two' | expect 0 "$TCPCAT" -s 127.0.0.2 "$ADDR"
	await has log 1
	echo three | expect 0 "$TCPCAT" "$ADDR"
	await grep -q three log
	holds log '[127.0.0.2] one   two\n[127.0.0.1] three\n'
}
