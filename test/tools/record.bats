# --hexdump and --capture; what tshark makes of a capture: every byte, and no
# complaint.  record_make.c says what is in its captures.

load helpers
load tls

setup_file() {
	make_certs
}

# Not all of this is of TLS.
setup() {
	plain_setup
	requires tshark
	export WIRESHARK_CONFIG_DIR=$PWD	# not what somebody prefers
	MAKE=$BUILD/test/unit/record_make
}

# shark FLAG...: tshark reads the capture; a root is told to be careful.
shark() {
	expect 0 timeout 60 tshark -n -r "${CAPTURE:-capture}" "$@"
	sed -i '/^Running as user/d' expect.err
	said_nothing
}

# followed N...: what the two ends of these connections sent goes to began.N and
# other.N.  (tshark takes its time to start: once is enough.)
followed() {
	local n flags=()
	for n; do
		flags+=(-z "follow,tcp,raw,$n")
	done
	shark -q "${flags[@]}" >follow
	python3 - <<-'END'
	data = False
	for line in open('follow'):
	    if line.startswith('Filter: tcp.stream eq '):
	        n = line.split()[-1]
	        began = open('began.' + n, 'wb')
	        other = open('other.' + n, 'wb')
	        data = False
	    elif line.startswith('Node 1: '):
	        data = True
	    elif line.startswith('='):
	        data = False
	    elif data:
	        (other if line.startswith('\t') else began).write(
	            bytes.fromhex(line))
	END
}

# no_complaints: the analysis finds nothing, and every checksum is good (IPv6
# has none).
no_complaints() {
	shark -o tcp.check_checksum:TRUE -o ip.check_checksum:TRUE -T fields \
		-e tcp.analysis.flags -e _ws.malformed -e tcp.checksum.status \
		-e ip.checksum.status >packets
	[ -s packets ]
	if grep -n -v $'^\t\t1\t1*$' packets; then
		fail 'tshark complains of these packets'
	fi
}

@test "tshark follows every connection, and has no complaint" {
	expect 0 "$MAKE" .
	said_nothing
	no_complaints
	local n
	followed 0 1 2 3 4 5 6
	for n in 0 2 4 5 6; do		# those that we began
		cmp began.$n $n.out
		cmp other.$n $n.in
	done
	for n in 1 3; do
		cmp began.$n $n.in
		cmp other.$n $n.out
	done
}

@test "who they are, and who began" {
	expect 0 "$MAKE" .
	shark -Y 'tcp.flags.syn == 1 && tcp.flags.ack == 0' -T fields \
		-e frame.packet_flags_direction -e ip.src -e ipv6.src \
		-e tcp.srcport -e ip.dst -e ipv6.dst -e tcp.dstport >fields
	sed 's/^0x0*//; s/\t\t*/ /g' fields >got
	# 2 is outbound, 1 inbound
	cat >want <<-END
	2 192.0.2.1 40000 198.51.100.7 7777
	1 2001:db8::2 40001 2001:db8::1 7777
	2 127.0.0.1 1027 127.0.0.1 4
	1 127.0.0.1 1028 127.0.0.1 4
	2 ::ffff:192.0.2.1 1 2001:db8::2 2
	2 192.0.2.1 40002 198.51.100.7 7777
	2 2001:db8::1 40003 2001:db8::2 7777
	END
	cmp got want
	shark -Y 'frame.comment contains "/run/socket"' -T fields \
		-e frame.comment >got
	holds got "connection 3; local (port 1027) is unix:; $(
		)peer (port 4) is unix:/run/socket\n"
	shark -Y 'frame.comment == "connection 7"' >got
	[ "$(wc -l <got)" -eq 1 ]
}

@test "how they end" {
	expect 0 "$MAKE" .
	shark -Y 'tcp.flags.reset == 1' -T fields -e tcp.stream >got
	holds got '3\n4\n'
	shark -Y 'tcp.flags.fin == 1' -T fields -e tcp.stream -e tcp.srcport \
		>got
	[ "$(tr '\t\n' ' ,' <got)" = "0 40000,0 7777,1 40001,1 7777,$(
		)2 1027,2 4,4 1,5 40002,5 7777,6 7777,6 40003," ]
}

@test "it can be read while it is written, through a FIFO" {
	mkfifo capture
	spawn shark timeout 60 tshark -n -r capture -q -z follow,tcp,raw,1 \
		>got
	expect 0 "$MAKE" .
	finish 0 shark
	[ "$(sed -n 's/^\t//p' got | tr -d '\n')" = \
		"$(od -An -vtx1 1.out | tr -d ' \n')" ]
}

# --- tcpcat -----------------------------------------------------------------

# untimed FILE: a hexdump without its times.
untimed() {
	local d='[0-9]' dd='[0-9][0-9]'
	sed "s/^$dd$dd-$dd-${dd}T$dd:$dd:$dd\\.$d\\{6\\}Z /T /" "$1"
}

# recorded OURS PEERS: the only connection of the capture, which we began.
recorded() {
	no_complaints
	followed 0
	holds began.0 "$1"
	holds other.0 "$2"
}

@test "tcpcat --hexdump --capture: a connection, as it was" {
	start server "$PEER" -l 127.0.0.1:0 recv:8 text:answer shut eof >got
	printf question |
		expect 0 "$TCPCAT" --hexdump hex --capture capture "$ADDR" \
			>answer
	finish 0 server
	holds answer answer
	said_nothing
	recorded question answer
	shark -Y 'tcp.flags.syn == 1 && tcp.flags.ack == 0' -T fields \
		-e ip.dst -e tcp.dstport >got
	holds got "127.0.0.1\t$PORT\n"
	untimed hex | sed "s/ 127.0.0.1:[0-9]* to $ADDR\$/ A to B/" |
		sed 's/    *|/  *|/' | grep -v ' end$' >lines
	cat >want <<-END
	T 1 = begin A to B
	T 1 > 00000000  71 75 65 73 74 69 6f 6e  *|question|
	T 1 < 00000000  61 6e 73 77 65 72  *|answer|
	END
	cmp lines want
	[ "$(untimed hex | grep ' end$' | sort)" = "T 1 < 00000006  end
T 1 = end
T 1 > 00000008  end" ]
	[ "$(stat -c %a hex capture)" = $'600\n600' ]
}

@test "tcpcat -l --capture: the peer began" {
	start server "$TCPCAT" -l --capture capture 127.0.0.1:0 \
		< <(printf hello) >got
	expect 0 "$PEER" "$ADDR" text:hi shut eof >answer
	finish 0 server
	recorded hi hello
}

@test "tcpcat --capture: megabytes, both ways" {
	head -c 3M /dev/urandom >up
	head -c 4M /dev/urandom >down
	start server "$PEER" -l 127.0.0.1:0 both:down >got
	expect 0 "$TCPCAT" --capture capture "$ADDR" <up >answer
	finish 0 server
	no_complaints
	followed 0
	cmp began.0 up
	cmp other.0 down
}

@test "tcpcat --capture: a reset by the peer" {
	start server "$PEER" -l 127.0.0.1:0 text:hello recv:2 wait:go reset
	(printf hi && await has answer 5 && touch go) |
		expect 6 "$TCPCAT" --hexdump hex --capture capture "$ADDR" \
			>answer
	finish 0 server
	recorded hi hello
	[ "$(tail -n 1 hex | cut -d ' ' -f 2-)" = '1 = reset' ]
	shark -Y 'tcp.flags.reset == 1' >resets
	[ "$(wc -l <resets)" -eq 1 ]
}

@test "tcpcat --capture: a Unix socket" {
	start server "$PEER" -l unix:sock text:hello shut eof >got
	printf hi | expect 0 "$TCPCAT" --capture capture unix:sock >answer
	finish 0 server
	recorded hi hello
	shark -Y 'frame.comment contains "is unix:sock"' >first
	[ "$(wc -l <first)" -eq 1 ]
}

@test "tcpcat --capture: TLS, decrypted" {
	requires openssl
	[[ $("$TCPCAT" --tls 127.0.0.1:1 2>&1) != *'not speak TLS'* ]] ||
		skip 'this build does not speak TLS'
	start_other server openssl s_server -accept 127.0.0.1:0 -quiet \
		-naccept 1 -cert "$CERTS/server.pem" \
		-key "$CERTS/server.key" \
		< <(printf answer && await has got 8) >got
	(printf question && await has answer 6) |
		expect 0 "$TCPCAT" --capture capture --hexdump hex \
			"tls://localhost:$PORT,ca=$CERTS/ca.pem" >answer
	finish '*' server
	holds got question
	recorded question answer
	grep -q '  |question|$' hex
	grep -q '  |answer|$' hex
}

@test "tcpcat -lk --capture: clients in turn, in one file" {
	start server "$TCPCAT" -lk --capture capture -c cat 127.0.0.1:0
	local i
	for i in one two three; do
		expect 0 "$PEER" "$ADDR" "text:$i" shut eof >answer
		holds answer $i
	done
	kill "${pid[server]}"
	finish 0 server
	no_complaints
	followed 0 1 2
	for i in 0 1 2; do
		cmp began.$i other.$i
		cat began.$i
	done >all
	holds all onetwothree
}

@test "tcpcat --hexdump -: standard error" {
	start server "$PEER" -l 127.0.0.1:0 text:hello shut eof
	expect 0 "$TCPCAT" --hexdump - "$ADDR" >answer
	finish 0 server
	said_like '^[-0-9]*T[0-9:.]*Z 1 < 00000000  68 65 .*\|hello\|$'
}

@test "tcpcat --capture: a full disk is said once, and the bytes go on" {
	[ -c /dev/full ] || skip 'requires /dev/full'
	head -c 1M /dev/urandom >up
	start server "$PEER" -l 127.0.0.1:0 eof >got
	expect 7 "$TCPCAT" --capture /dev/full "$ADDR" <up
	finish 0 server
	cmp got up
	said 'tcpcat: --capture /dev/full: No space left on device'
	[ "$(wc -l <expect.err)" -eq 1 ]
}

@test "tcpcat: files that cannot be, before anything is connected" {
	expect 7 "$TCPCAT" --hexdump none/file 127.0.0.1:1
	said 'tcpcat: --hexdump none/file: No such file or directory'
	echo old >same
	expect 2 "$TCPCAT" --hexdump same --capture ./same 127.0.0.1:1
	said_like '^tcpcat: --hexdump same and --capture ./same are the same'
	holds same 'old\n'
}

@test "tcpcat: wrong usage leaves a file as it was, however late it is found" {
	local wrong
	echo old >file
	for wrong in '-l --acl foo 0' '-l --tls 0' '-l --tls-cert none 0' \
		'--tls-ca none 127.0.0.1:1' '--via foo 127.0.0.1:1' \
		'-4 [::1]:1' '-lk --acl foo 0' '-l --acl-file none 0' \
		'fd:77'; do
		# shellcheck disable=SC2086 # options and their values
		expect '[27]' "$TCPCAT" --hexdump file --capture other $wrong
		holds file 'old\n'
	done
	expect 1 "$TCPCAT" --hexdump file --capture other 127.0.0.1:1
	holds file ''
	has other 88
}
