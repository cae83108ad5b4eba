# Connecting to udp://, and -u (SPEC 1.1, section 2: "UDP has no end").

load helpers

UDP=$SRC/test/peers/udp.py

# quit: the peer has heard all that was sent before, and ends.
quit() {
	printf quit | expect 0 "$TCPCAT" --send-only -q 1 "udp://$ADDR"
	finish 0 server
}

@test "what is sent comes back, and -q is the end" {
	start server "$UDP" >lengths
	echo hello >question
	expect 0 "$TCPCAT" -q 0.5 "udp://$ADDR" <question >answer
	((took >= 500 && took < 5000))
	holds answer $'hello\n'
	quit
	[ "$(cat lengths)" = $'6\n4' ]
}

@test "the same over IPv6" {
	start server "$UDP" ::1 >lengths
	echo hello | expect 0 "$TCPCAT" -q 0.2 "udp://$ADDR" >answer
	holds answer $'hello\n'
	quit
}

@test "a name is looked up, from a given source" {
	start server "$UDP" >lengths
	echo hello | expect 0 "$TCPCAT" -4 -s 127.0.0.1 --recv-bytes 6 \
	    "udp://localhost:$PORT" >answer
	holds answer $'hello\n'
	quit
}

@test "--idle-timeout ends it once nothing comes any more" {
	start server "$UDP" >lengths
	echo hello | expect 4 "$TCPCAT" --idle-timeout 0.3 "udp://$ADDR" \
	    >answer
	holds answer $'hello\n'
	quit
}

@test "a larger input goes in datagrams of 65,507 bytes" {
	head -c 150000 /dev/urandom >data
	start server "$UDP" >lengths
	expect 0 "$TCPCAT" --recv-bytes 150000 "udp://$ADDR" <data >answer
	cmp answer data
	quit
	[ "$(head -n 3 lengths)" = $'65507\n65507\n18986' ]
}

@test "nobody there is status 6, and says so" {
	start server "$UDP" >lengths
	quit
	echo hello | expect 6 "$TCPCAT" -q 5 "udp://$ADDR"
	grep -q "^tcpcat: $ADDR: .*Connection refused" expect.err
}

# --- -u, and other options ----------------------------------------------------

@test "-u host port: what is sent comes back, -q is the end" {
	start server "$UDP" >lengths
	expect 0 "$TCPCAT" -u -q 0.5 127.0.0.1 "$PORT" < <(echo hello) \
		>answer
	((took >= 500))
	holds answer 'hello\n'
	echo hello | expect 0 "$TCPCAT" -u --recv-bytes 6 "$ADDR" >answer
	holds answer 'hello\n'
	echo hello | expect 0 "$TCPCAT" -u --recv-bytes 6 "udp://$ADDR" \
		>answer
	holds answer 'hello\n'
}

@test "-u: a name, a source and its port" {
	requires namespaces
	cat >script <<-'END'
	ip link set lo up
	"$UDP" >lengths 2>udp.err &
	until [ -s udp.err ]; do sleep 0.02; done
	echo hello | "$TCPCAT" -u -4 -s 127.0.0.1 -p 4321 --recv-bytes 6 -v \
		localhost "$(sed 's/.*://' udp.err)"
	END
	command -v ip >/dev/null || skip 'requires ip'
	expect 0 env TCPCAT="$TCPCAT" UDP="$UDP" unshare -rn \
		bash -c '. ./script; status=$?; kill %1; exit $status' >answer
	holds answer 'hello\n'
}

# other COMMAND...: spawn one that listens on UDP; sets PORT.
other() {
	requires ss
	spawn server "$@"
	await found_udp
}

found_udp() {
	PORT=$(ss -lunpH | sed -n \
		"s/.*:\([0-9]*\) .*pid=${pid[server]},.*/\1/p" | head -n 1)
	[ -n "$PORT" ]
}

@test "-u to socat, and back" {
	requires socat
	other socat -T 20 UDP-RECVFROM:0,bind=127.0.0.1 EXEC:cat
	echo hello | expect 0 "$TCPCAT" -u --recv-bytes 6 127.0.0.1 "$PORT" \
		>answer
	holds answer 'hello\n'
}

@test "-u to ncat -u -l, and back" {
	requires ncat
	other ncat -u -l 127.0.0.1 0 -c cat
	echo hello | expect 0 "$TCPCAT" -u --recv-bytes 6 127.0.0.1 "$PORT" \
		>answer
	holds answer 'hello\n'
}

@test "-u: lost datagrams are no hang" {
	other python3 -c 'import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
s.bind(("127.0.0.1", 0))
time.sleep(60)'
	head -c 10M /dev/urandom >data
	expect 0 "$TCPCAT" -u -q 0.3 127.0.0.1 "$PORT" <data
	expect 4 "$TCPCAT" -u --idle-timeout 0.3 127.0.0.1 "$PORT" \
		< <(echo hello)
	expect 4 "$TCPCAT" -u --deadline 0.3 127.0.0.1 "$PORT" < <(echo hello)
	expect 4 "$TCPCAT" -u -w 0.3 127.0.0.1 "$PORT" < <(echo hello)
}

@test "-u with -C and --rate" {
	start server "$UDP" >lengths
	printf 'a\nb\n' | expect 0 "$TCPCAT" -u -C --rate 10k --recv-bytes 6 \
		"$ADDR" >answer
	holds answer 'a\r\nb\r\n'
}

@test "-u with -i: a datagram for each line" {
	start server "$UDP" >lengths
	printf 'one\nthree\n' | expect 0 "$TCPCAT" -u -i 0.1 --recv-bytes 10 \
		"$ADDR" >answer
	holds answer 'one\nthree\n'
	[ "$(cat lengths)" = $'4\n6' ]
}

@test "what excludes -u" {
	local args
	for args in '-U sock' '--tls 127.0.0.1:1' tcp://127.0.0.1:1 \
		tls://127.0.0.1:1 unix:sock '-z 127.0.0.1:1'
	do
		# shellcheck disable=SC2086 # several
		expect 2 "$TCPCAT" -u $args
		said_like '^tcpcat: .*-u'
	done
}
