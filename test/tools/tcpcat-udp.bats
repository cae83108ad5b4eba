# Connecting to udp:// (SPEC 1.1, section 2: "UDP has no end").

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
