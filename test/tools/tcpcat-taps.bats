# --sha256, --hexdump and --capture: what is said of the bytes that pass, by
# what the other side had of them (SPEC section 2).  record.bats has the
# formats of the records.

load helpers
load server
load tls

UDP=$SRC/test/peers/udp.py

setup_file() {
	make_certs
	export DATA=$BATS_FILE_TMPDIR
	head -c 3000001 /dev/urandom >"$DATA/up"
	head -c 2000003 /dev/urandom >"$DATA/down"
}

# Not all of this is of TLS.
setup() {
	plain_setup
	export WIRESHARK_CONFIG_DIR=$PWD	# not what somebody prefers
}

sum() {		# of these files, one after the other
	cat "$@" | sha256sum | cut -d ' ' -f 1
}

sum_of() {	# of these bytes
	# shellcheck disable=SC2059
	printf "$1" | sum
}

# A build without TLS has no digests, and says so at once.
needs_sha256() {
	run "$TCPCAT" --sha256 127.0.0.1:1
	[[ $output != *"without SHA-256"* ]] || skip "$output"
}

# digests SENT RECEIVED [NAME [N]]: the only ones it says, or the Nth; a server
# says of which client.
digests() {
	sed -nE 's/^tcpcat: (127.0.0.1:[0-9]+: )?sha256: /tcpcat: sha256: /p' \
	    "${3:-expect}.err" >digests
	[ -n "${4:-}" ] || [ "$(wc -l <digests)" -eq 1 ]
	sed -n "${4:-1}p" digests |
		cmp - <(echo "tcpcat: sha256: sent $1, received $2")
}

# bytes FILE CONN MARK: those of a direction in a hexdump; offsets are right.
bytes() {
	python3 - "$@" <<-'END'
	import sys
	name, conn, mark = sys.argv[1:]
	at = 0
	for line in open(name):
	    time, number, way, rest = line.split(' ', 3)
	    if (number, way) != (conn, mark):
	        continue
	    offset, rest = rest.split('  ', 1)
	    if int(offset, 16) != at or len(offset) < 8:
	        sys.exit(f'offset {offset} instead of {at:x}')
	    if rest == 'end\n':
	        continue
	    data = bytes.fromhex(rest[:49])
	    text = ''.join(chr(b) if 32 <= b < 127 else '.' for b in data)
	    if rest[50:] != f'|{text}|\n':
	        sys.exit(f'not as it should be: {line}')
	    at += len(data)
	    sys.stdout.buffer.write(data)
	END
}

# events FILE: its lines without times, ports and bytes.
marks() {
	sed -E 's/^[^ ]* //; s/:[0-9]+( |$)/:P\1/g; s/  ([0-9a-f]{2} ).*//' \
		"$1"
}

# shark FLAG...: tshark reads the capture.
shark() {
	expect 0 timeout 60 tshark -n -r "${CAPTURE:-capture}" "$@"
}

# followed N: what the two ends of connection N sent goes to began and other.
followed() {
	shark -q -z "follow,tcp,raw,$1" >follow
	python3 - <<-'END'
	with open('follow') as follow, open('began', 'wb') as began, \
			open('other', 'wb') as other:
	    for line in follow:
	        if line.startswith('Node 1: '):
	            break
	    for line in follow:
	        if not line.startswith('='):
	            (other if line.startswith('\t') else began).write(
	                bytes.fromhex(line))
	END
}

# --- --sha256 ---------------------------------------------------------------

@test "--sha256: both directions, on both sides" {
	needs_sha256
	start server "$TCPCAT" -l --sha256 127.0.0.1:0 <"$DATA/down" >got
	expect 0 "$TCPCAT" --sha256 "$ADDR" <"$DATA/up" >answer
	finish 0 server
	cmp got "$DATA/up"
	cmp answer "$DATA/down"
	digests "$(sum got)" "$(sum answer)"
	digests "$(sum answer)" "$(sum got)" server
}

@test "--sha256: through pipes, and with nothing one way" {
	needs_sha256
	start server "$PEER" -l 127.0.0.1:0 eof >got
	cat "$DATA/up" | expect 0 "$TCPCAT" --sha256 "$ADDR" | cat >answer
	finish 0 server
	digests "$(sum got)" "$(sum_of '')"
	[ "$(sum got)" = "$(sum "$DATA/up")" ]
}

@test "--sha256: also --quiet, and once" {
	needs_sha256
	start server "$PEER" -l 127.0.0.1:0 text:hello shut eof
	printf hi | expect 0 "$TCPCAT" --sha256 --quiet "$ADDR" >answer
	finish 0 server
	digests "$(sum_of hi)" "$(sum_of hello)"
	[ "$(wc -l <expect.err)" -eq 1 ]
}

@test "--sha256 --json: sha256_out and sha256_in" {
	needs_sha256
	start server "$PEER" -l 127.0.0.1:0 text:hello shut eof
	printf hi | expect 0 "$TCPCAT" --sha256 --json "$ADDR" >answer
	finish 0 server
	"$EVENTS" sha256 tool conn peer sha256_out sha256_in <expect.err >got
	holds got "tcpcat 1 $ADDR $(sum_of hi) $(sum_of hello)\n"
}

@test "--sha256: of TLS, the plain bytes" {
	needs_sha256
	needs_tls
	start server "$TCPCAT" -l --sha256 "tls://127.0.0.1:0,$(own server)" \
		<"$DATA/down" >got
	expect 0 "$TCPCAT" --sha256 "tls://$ADDR,ca=$CERTS/ca.pem" \
		<"$DATA/up" >answer
	finish 0 server
	cmp got "$DATA/up"
	cmp answer "$DATA/down"
	digests "$(sum "$DATA/up")" "$(sum "$DATA/down")"
	digests "$(sum "$DATA/down")" "$(sum "$DATA/up")" server
}

@test "--sha256: of UDP" {
	needs_sha256
	start server "$UDP" >lengths
	head -c 150000 "$DATA/up" >data
	expect 0 "$TCPCAT" --sha256 --recv-bytes 150000 "udp://$ADDR" <data \
		>answer
	cmp answer data
	digests "$(sum data)" "$(sum data)"
}

@test "--sha256: of a Unix socket" {
	needs_sha256
	start server "$TCPCAT" -l --sha256 unix:sock <"$DATA/down" >got
	expect 0 "$TCPCAT" --sha256 unix:sock <"$DATA/up" >answer
	finish 0 server
	digests "$(sum got)" "$(sum answer)"
	digests "$(sum "$DATA/down")" "$(sum "$DATA/up")" server
}

@test "--sha256: of a program's connection" {
	needs_sha256
	start server "$TCPCAT" -l --sha256 127.0.0.1:0 <"$DATA/down" >got
	expect 0 "$TCPCAT" --sha256 -c "cat $DATA/up; sha256sum >sum" "$ADDR"
	finish 0 server
	digests "$(sum "$DATA/up")" "$(sum "$DATA/down")"
	[ "$(cut -d ' ' -f 1 sum)" = "$(sum "$DATA/down")" ]
	digests "$(sum "$DATA/down")" "$(sum "$DATA/up")" server
}

@test "--sha256: a program as the address" {
	needs_sha256
	expect 0 "$TCPCAT" --sha256 exec:cat <"$DATA/up" >answer
	cmp answer "$DATA/up"
	digests "$(sum "$DATA/up")" "$(sum "$DATA/up")"
}

@test "--sha256: --recv-bytes ends at the byte" {
	needs_sha256
	start server "$PEER" -l 127.0.0.1:0 send:"$DATA/down" eof
	expect 0 "$TCPCAT" --sha256 --recv-bytes 123457 "$ADDR" >answer
	[ "$(size answer)" -eq 123457 ]
	digests "$(sum_of '')" "$(sum answer)"
}

@test "--sha256: --send-only has received nothing" {
	needs_sha256
	start server "$PEER" -l 127.0.0.1:0 text:unwanted eof >got
	expect 0 "$TCPCAT" --sha256 --send-only "$ADDR" <"$DATA/up"
	finish 0 server
	digests "$(sum got)" "$(sum_of '')"
}

@test "--sha256: --recv-only has sent nothing" {
	needs_sha256
	start server "$PEER" -l 127.0.0.1:0 text:hello shut eof
	expect 0 "$TCPCAT" --sha256 --recv-only "$ADDR" <"$DATA/up" >answer
	digests "$(sum_of '')" "$(sum_of hello)"
}

@test "--sha256: of what is sent, which -C and --greet change" {
	needs_sha256
	start server "$TCPCAT" -l --sha256 --greet hello -C 127.0.0.1:0 \
		< <(printf 'a\nb\n')
	expect 0 "$TCPCAT" --sha256 "$ADDR" >answer
	finish 0 server
	holds answer 'helloa\r\nb\r\n'
	digests "$(sum answer)" "$(sum_of '')" server
	digests "$(sum_of '')" "$(sum answer)"
}

@test "--sha256: a reset, and what was delivered before it" {
	needs_sha256
	start server "$PEER" -l 127.0.0.1:0 text:hello recv:2 wait:go reset
	expect 6 "$TCPCAT" --sha256 "$ADDR" \
		< <(printf hi; held in; touch go; held end) > >(tee answer | {
			head -c 5 >/dev/null
			touch in
		})
	touch end
	holds answer hello
	digests "$(sum_of hi)" "$(sum_of hello)"
}

@test "--sha256: a full disk, and what was written before it" {
	needs_sha256
	requires prlimit
	start server "$PEER" -l 127.0.0.1:0 send:"$DATA/down"
	expect 7 prlimit --fsize=100000 env --ignore-signal=XFSZ \
		"$TCPCAT" --sha256 "$ADDR" >answer
	digests "$(sum_of '')" "$(sum answer)"
}

@test "--sha256: a refused connection has none" {
	needs_sha256
	start ports "$PORTS" 127.0.0.1=refuse
	expect 1 "$TCPCAT" --sha256 "$ADDR"
	[ "$(wc -l <expect.err)" -eq 1 ]
}

@test "-lk -e --sha256: of each client" {
	needs_sha256
	start server "$TCPCAT" -lk --sha256 -c 'cat; printf .' 127.0.0.1:0
	local i
	for i in one two three; do
		expect 0 "$PEER" "$ADDR" text:$i shut eof >answer
		holds answer $i.
		await says_digests
		digests "$(sum_of $i.)" "$(sum_of $i)" server $((++n))
	done
}

n=0
says_digests() {
	says $((n + 1)) '^tcpcat: 127.0.0.1:[0-9]*: sha256'
}

@test "-lk --sha256: of each client, though they share standard output" {
	needs_sha256
	start server "$TCPCAT" -lk --sha256 127.0.0.1:0 \
		< <(held in; printf all; held end) >got
	spawn one "$PEER" "$ADDR" text:one touch:one recv:3 shut eof >got.1
	spawn two "$PEER" "$ADDR" text:two touch:two recv:3 wait:go shut eof \
		>got.2
	await has got 6
	touch in
	finish 0 one
	await says_digests
	digests "$(sum_of all)" "$(sum_of one)" server 1
	touch go
	finish 0 two
	n=1
	await says_digests
	digests "$(sum_of all)" "$(sum_of two)" server 2
	touch end
}

@test "-lk --sha256 --json: whose it is" {
	needs_sha256
	start server "$TCPCAT" -lk --sha256 -c cat 127.0.0.1:0
	kill "${pid[server]}"
	finish 0 server
	spawn server "$TCPCAT" -lk --json --sha256 -c cat "$ADDR"
	await says 1 listening
	expect 0 "$PEER" "$ADDR" text:hi shut eof >answer
	await says 1 '"sha256_in"'
	"$EVENTS" sha256 conn sha256_in <server.err >got
	holds got "1 $(sum_of hi)\n"
	[ "$("$EVENTS" sha256 peer <server.err)" != "$ADDR" ]
}

@test "-lk --sha256: who is cut off by the stop, too" {
	needs_sha256
	start server "$TCPCAT" -lk --drain-timeout 0.1 --sha256 -c cat \
		127.0.0.1:0
	spawn one "$PEER" "$ADDR" text:hi recv:2 touch:there broken
	await test -e there
	kill "${pid[server]}"
	finish 0 server
	digests "$(sum_of hi)" "$(sum_of hi)" server
}

@test "--reconnect --sha256: of each connection" {
	needs_sha256
	start server "$SRC/test/peers/series.py" text:one shut eof / \
		text:two eof shut
	expect 0 "$TCPCAT" --sha256 --reconnect "$ADDR" \
		< <(held in; printf hi) > >(tee answer | {
			head -c 6 >/dev/null
			touch in
		})
	holds answer onetwo
	digests "$(sum got.1)" "$(sum_of one)" expect 1
	digests "$(sum got.2)" "$(sum_of two)" expect 2
}

# --- --hexdump and --capture ------------------------------------------------

@test "--hexdump: every byte of both, at its offset" {
	start server "$TCPCAT" -l --hexdump hex.server 127.0.0.1:0 \
		< <(head -c 300001 "$DATA/down") >got
	head -c 200003 "$DATA/up" |
		expect 0 "$TCPCAT" --hexdump hex "$ADDR" >answer
	finish 0 server
	bytes hex 1 '>' | cmp - got
	bytes hex 1 '<' | cmp - answer
	bytes hex.server 1 '<' | cmp - got
	bytes hex.server 1 '>' | cmp - answer
	cmp got <(head -c 200003 "$DATA/up")
	cmp answer <(head -c 300001 "$DATA/down")
	said_nothing
	[ "$(tail -n 1 hex | cut -d ' ' -f 2-)" = '1 = end' ]
}

@test "--hexdump: the ends are in the order in which they came" {
	start server "$PEER" -l 127.0.0.1:0 text:bye shut eof >got
	expect 0 "$TCPCAT" --hexdump hex "$ADDR" \
		< <(held in; printf 'hi\n') > >(tee answer | {
			head -c 3 >/dev/null
			touch in
		})
	finish 0 server
	marks hex >lines
	cat >want <<-'END'
	1 = begin 127.0.0.1:P to 127.0.0.1:P
	1 < 00000000
	1 < 00000003  end
	1 > 00000000
	1 > 00000003  end
	1 = end
	END
	# The peer's end may be seen before or behind our input, not behind
	# our end.
	grep -v ' < 00000003' want | cmp - <(grep -v ' < 00000003' lines)
	[ "$(grep -n '< 00000003' lines | cut -d : -f 1)" -le 4 ]

	start server "$PEER" -l 127.0.0.1:0 eof text:bye shut >got
	printf hi | expect 0 "$TCPCAT" --hexdump hex "$ADDR" >answer
	finish 0 server
	marks hex >lines
	cat >want <<-'END'
	1 = begin 127.0.0.1:P to 127.0.0.1:P
	1 > 00000000
	1 > 00000002  end
	1 < 00000000
	1 < 00000003  end
	1 = end
	END
	cmp lines want
}

@test "--hexdump --capture: TLS is plain in both" {
	needs_tls
	requires tshark
	start server "$TCPCAT" -l --hexdump hex.server \
		--capture capture.server "tls://127.0.0.1:0,$(own server)" \
		< <(head -c 40000 "$DATA/down") >got
	head -c 50000 "$DATA/up" | expect 0 "$TCPCAT" --hexdump hex \
		--capture capture "tls://$ADDR,ca=$CERTS/ca.pem" >answer
	finish 0 server
	cmp got <(head -c 50000 "$DATA/up")
	cmp answer <(head -c 40000 "$DATA/down")
	bytes hex 1 '>' | cmp - got
	bytes hex 1 '<' | cmp - answer
	bytes hex.server 1 '<' | cmp - got
	bytes hex.server 1 '>' | cmp - answer
	followed 0
	cmp began got
	cmp other answer
	CAPTURE=capture.server followed 0
	cmp began got
	cmp other answer
}

@test "-lk --hexdump --capture: two at once, in one file" {
	requires tshark
	start server "$TCPCAT" -lk --hexdump hex --capture capture \
		127.0.0.1:0 < <(held in; printf all; held end) >got
	spawn one "$PEER" "$ADDR" text:one recv:3 wait:go text:1 shut eof \
		>got.1
	await has got 3
	spawn two "$PEER" "$ADDR" text:two recv:3 shut eof >got.2
	await has got 6
	touch in
	finish 0 two
	touch go
	finish 0 one
	kill "${pid[server]}"
	finish 0 server
	touch end
	bytes hex 1 '<' >bytes
	holds bytes one1
	bytes hex 2 '<' >bytes
	holds bytes two
	bytes hex 1 '>' | cmp - got.1
	bytes hex 2 '>' | cmp - got.2
	grep -qE ' 1 = begin 127.0.0.1:[0-9]+ from 127.0.0.1:[0-9]+$' hex
	[ "$(grep -c ' = end$' hex)" -eq 2 ]
	followed 0
	holds began one1
	holds other all
	followed 1
	holds began two
	holds other all
}

@test "--hexdump: a Unix socket, and a program" {
	start server "$TCPCAT" -l --hexdump hex unix:sock \
		< <(printf hello) >got
	printf hi | expect 0 "$TCPCAT" unix:sock >answer
	finish 0 server
	bytes hex 1 '>' | cmp - answer
	bytes hex 1 '<' | cmp - got
	holds got hi
	printf hi | expect 0 "$TCPCAT" --hexdump hex exec:cat >answer
	bytes hex 1 '>' | cmp - got
	bytes hex 1 '<' | cmp - got
}

@test "--hexdump: UDP, a datagram begins a line" {
	start server "$UDP" >lengths
	expect 0 "$TCPCAT" --hexdump hex --recv-bytes 6 "udp://$ADDR" \
		< <(printf one; held in; printf two) > >(tee answer | {
			head -c 3 >/dev/null
			touch in
		})
	bytes hex 1 '>' >bytes
	holds bytes onetwo
	bytes hex 1 '<' >bytes
	holds bytes onetwo
	[ "$(grep -c '|one|$' hex)" -eq 2 ]
	[ "$(grep -c '|two|$' hex)" -eq 2 ]
}

@test "--hexdump: a full disk is said once, and every byte passes" {
	[ -c /dev/full ] || skip 'requires /dev/full'
	start server "$PEER" -l 127.0.0.1:0 both:"$DATA/down" >got
	expect 7 "$TCPCAT" --hexdump /dev/full "$ADDR" <"$DATA/up" >answer
	finish 0 server
	cmp got "$DATA/up"
	cmp answer "$DATA/down"
	said 'tcpcat: --hexdump /dev/full: No space left on device'
	[ "$(wc -l <expect.err)" -eq 1 ]
}

@test "-lk --hexdump: a full disk is said once for all, and is 7" {
	[ -c /dev/full ] || skip 'requires /dev/full'
	start server "$TCPCAT" -lk --hexdump /dev/full -c cat 127.0.0.1:0
	local i
	for i in 1 2 3; do
		expect 0 "$PEER" "$ADDR" text:hi shut eof >answer
		holds answer hi
	done
	kill "${pid[server]}"
	finish 7 server
	says_times 1 'No space left on device'
}

@test "--hexdump, --capture: a failure of the connection is the status" {
	[ -c /dev/full ] || skip 'requires /dev/full'
	start server "$PEER" -l 127.0.0.1:0 text:hello recv:1 reset
	expect 6 "$TCPCAT" --hexdump /dev/full "$ADDR" \
		< <(printf x; held end) >answer
	touch end
}

@test "--hexdump, --capture: no file, and nobody is connected to" {
	start server "$TCPCAT" -lk -v -c cat 127.0.0.1:0
	mkdir dir
	local option file
	for option in --hexdump --capture; do
		for file in none/file dir; do
			expect 7 "$TCPCAT" $option $file "$ADDR" </dev/null
			said_like "^tcpcat: $option $file: "
			[ "$(wc -l <expect.err)" -eq 1 ]
			expect 7 "$TCPCAT" -l $option $file 127.0.0.1:0
			expect 7 "$TCPCAT" -lk $option $file unix:sock
			run ! said_like listening
			[ ! -e sock ]
		done
	done
	expect 0 "$TCPCAT" "$ADDR"
	await says 1 'connection from'
	says_times 1 'connection from' server
}

@test "--capture -: standard error" {
	requires tshark
	start server "$PEER" -l 127.0.0.1:0 recv:8 text:answer shut eof
	printf question | expect 0 "$TCPCAT" --capture - "$ADDR" >answer
	finish 0 server
	cp expect.err capture
	followed 0
	holds began question
	holds other answer
}

@test "--hexdump -: beside messages, whole lines of both" {
	needs_sha256
	start server "$PEER" -l 127.0.0.1:0 recv:8 text:answer shut eof
	printf question | expect 0 "$TCPCAT" -v --sha256 --hexdump - \
		"$ADDR" >answer
	finish 0 server
	grep -v '^tcpcat: ' expect.err >hex
	bytes hex 1 '>' >bytes
	holds bytes question
	bytes hex 1 '<' >bytes
	holds bytes answer
	said_like '^tcpcat: .*done'
	grep '^tcpcat: sha256' expect.err
}

@test "--reconnect --hexdump: each connection has its number" {
	start server "$SRC/test/peers/series.py" text:one shut eof / \
		text:two eof shut
	expect 0 "$TCPCAT" --hexdump hex --reconnect "$ADDR" \
		< <(held in; printf hi) > >(tee answer | {
			head -c 6 >/dev/null
			touch in
		})
	bytes hex 1 '<' >bytes
	holds bytes one
	bytes hex 2 '<' >bytes
	holds bytes two
	bytes hex 2 '>' >bytes
	holds bytes hi
	[ "$(grep -c ' = begin ' hex)" -eq 2 ]
}

@test "all at once: digests, records, a limit and line ends" {
	needs_sha256
	requires tshark
	start server "$PEER" -l 127.0.0.1:0 text:answer shut eof >got
	printf 'a\nb\n' | expect 0 "$TCPCAT" -C --rate 1M --sha256 --stats \
		--hexdump hex --capture capture "$ADDR" >answer
	finish 0 server
	holds got 'a\r\nb\r\n'
	holds answer answer
	digests "$(sum got)" "$(sum answer)"
	bytes hex 1 '>' | cmp - got
	bytes hex 1 '<' | cmp - answer
	followed 0
	cmp began got
	cmp other answer
}

@test "what --hexdump and --capture exclude" {
	wrong --workers -lk -c cat --workers 2 --hexdump hex 127.0.0.1:0
	wrong --workers -lk -c cat --workers 2 --capture hex 127.0.0.1:0
	[ ! -e hex ]
	wrong --hexdump -z --hexdump hex 127.0.0.1:1
}
