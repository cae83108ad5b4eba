# tcprelay's targets: how they are chosen, what becomes of those that fail
# (SPEC section 4, issue 6).

load helpers
load server
load relay

# --- chosen -------------------------------------------------------------------

@test "in turns, without being told" {
	target one
	target two
	target three
	relay 127.0.0.1:0 unix:one unix:two unix:three
	[ "$(asks 6)" = 'one two three one two three' ]
}

@test "--balance roundrobin minds weights, and mixes them" {
	target one
	target two
	relay --balance roundrobin 127.0.0.1:0 unix:one,weight=3 unix:two
	asks 8 >told
	[ "$(grep -o one told | wc -l)" -eq 6 ]
	[ "$(grep -o two told | wc -l)" -eq 2 ]
	run ! grep -q 'one one one one' told
}

@test "--balance leastconn goes where the fewest are" {
	target one
	target two
	relay --balance leastconn 127.0.0.1:0 unix:one unix:two
	guest a 3
	guest b 3
	guest c 3
	[ "$(sort a.got b.got | tr -d '\n')" = onetwo ]
	# All but those at the target of c leave.
	local few=one
	[ "$(cat c.got)" != one ] || few=two
	[ "$(cat a.got)" != $few ] || leave a
	[ "$(cat b.got)" != $few ] || leave b
	await says 1 ': done ' relay
	guest d 3
	holds d.got $few
	guest e 3
	holds e.got $few
}

@test "--balance source: a client sticks to a target, and others to others" {
	target one
	target two
	relay --balance source 127.0.0.1:0 unix:one unix:two
	local i
	for i in {1..10}; do
		echo "$i $(ask -s 127.0.0.$i)"
	done >before
	for i in {10..1}; do
		echo "$i $(ask -s 127.0.0.$i)"
	done | sort -n | cmp - before
	grep -q one before
	grep -q two before
	# Who was not there stays, when the other one goes.
	end_target two
	for i in {1..10}; do
		echo "$i $(ask -s 127.0.0.$i)"
	done >after
	sed 's/two/one/' before | cmp - after
	# And everyone is back where he was, when it comes back.
	target two
	await returned
	for i in {1..10}; do
		echo "$i $(ask -s 127.0.0.$i)"
	done | cmp - before
}

returned() {
	ask -s "127.0.0.$(sed -n 's/ two//p' before | head -n 1)" | grep -q two
}

@test "--balance failover: the first, while it works" {
	target one
	target two
	relay --balance failover 127.0.0.1:0 unix:one unix:two
	[ "$(asks 3)" = 'one one one' ]
	end_target one
	[ "$(asks 3)" = 'two two two' ]
	target one
	back() {
		[ "$(ask)" = one ]
	}
	await back
	[ "$(asks 3)" = 'one one one' ]
	said_like '^tcprelay: warning: unix:one: set aside: ' relay
	said_like '^tcprelay: unix:one: is up again' relay
}

# --- failing ------------------------------------------------------------------

@test "a client is tried on the next target before it is given up" {
	target two
	start port "$PORTS" 127.0.0.1=refuse
	relay 127.0.0.1:0 127.0.0.1:"$PORT" unix:nobody unix:two
	PORT=${ADDR##*:}
	[ "$(asks 3)" = 'two two two' ]
	said_like '^tcprelay: warning: .*unix:nobody' relay
	says_times 3 '^tcprelay: .* to unix:two: done ' relay
}

@test "when all targets are down the client is reset, and the log says so" {
	relay 127.0.0.1:0 unix:nobody unix:neither
	expect 0 "$PEER" "$ADDR" broken
	await says 1 '^tcprelay: warning: 127\.0\.0\.1:[0-9]+: .*unix:ne?[io].* after [0-9.]+ s \(sent 0 bytes, received 0 bytes\)' relay
	# One that comes up is found by the next who comes.
	target nobody
	served() {
		[ "$(ask)" = nobody ]
	}
	await served
}

@test "a client that breaks while its target does not answer is let go" {
	start port "$PORTS" 127.0.0.1=dead
	relay 127.0.0.1:0 127.0.0.1:"$PORT"
	timeout 20 python3 - "$ADDR" <<-'END'
	import socket, struct, sys
	host, port = sys.argv[1].rsplit(":", 1)
	c = socket.create_connection((host, int(port)))
	c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
	             struct.pack("ii", 1, 0))
	c.close()
	END
	await says 1 '^tcprelay: warning: 127\.0\.0\.1:[0-9]+: read: Connection reset by peer after [0-9.]+ s' relay
}

@test "a target that fails is left alone by those who come next" {
	target two
	relay -v 127.0.0.1:0 unix:nobody unix:two
	[ "$(asks 6)" = 'two two two two two two' ]
	says_times 1 '^tcprelay: warning: unix:nobody: set aside: ' relay
}

@test "who is set aside is named once" {
	start echo "$TCPECHO" 127.0.0.1:0
	relay 127.0.0.1:0 "tls://$ADDR,insecure,connect-timeout=100ms"
	expect 0 "$PEER" "$ADDR" broken
	await says 1 ': set aside: ' relay
	says_times 1 '^tcprelay: warning: tls://[^ ]*: set aside: [^/]*$' relay
}

@test "check=T finds by itself that a target is gone, and is back" {
	target one
	relay 127.0.0.1:0 unix:one,check=100ms
	[ "$(ask)" = one ]
	end_target one
	await says 1 '^tcprelay: warning: unix:one.*: set aside: ' relay
	target one
	await says 1 '^tcprelay: unix:one.*: is up again' relay
	[ "$(ask)" = one ]
}

# --- pool ---------------------------------------------------------------------

@test "pool=N: so many are open before anybody comes, and after" {
	target one -v
	relay 127.0.0.1:0 unix:one,pool=3
	await says 3 '^tcpecho: connection from ' one
	# What the target said is there, and what the client says comes back.
	printf hello >hello
	local i
	for i in 1 2 3 4 5; do
		[ "$(ask <hello)" = onehello ]
	done
	await says 8 '^tcpecho: connection from ' one
	stop
	await says 8 '^tcpecho: .*(done|ended)' one
	says_times 8 '^tcpecho: connection from ' one
}

@test "pool=N: those that the target has ended are not given to anybody" {
	target one
	relay 127.0.0.1:0 unix:one,pool=2
	[ "$(ask)" = one ]
	end_target one
	target one
	returned_to() {
		[ "$(ask)" = one ]
	}
	await returned_to
	[ "$(asks 4)" = 'one one one one' ]
}

# --- programs -----------------------------------------------------------------

@test "sh: runs a program for each client, with our environment" {
	export GREETING=welcome
	relay 127.0.0.1:0 'sh:echo $GREETING; cat'
	printf hello | expect 0 "$TCPCAT" "$ADDR" >got
	holds got 'welcome\nhello'
	printf again | expect 0 "$TCPCAT" "$ADDR" >got
	holds got 'welcome\nagain'
	says_times 2 '^tcprelay: 127\.0\.0\.1:[0-9]+ to sh:.*: done ' relay
}

@test "exec: and sh: learn who the client is, as with tcpcat -e" {
	export TCPREMOTEIP=forged TCPREMOTEINFO=forged
	relay 127.0.0.1:0,proxy-protocol=+127/8 unix:nobody \
		'sh:echo $PROTO $TCPREMOTEIP $TCPREMOTEPORT $TCPLOCALIP $TCPLOCALPORT $TCPCONNNUM$TCPREMOTEINFO; cat'
	printf 'PROXY TCP4 192.0.2.1 192.0.2.2 1234 80\r\nhi' >said
	expect 0 "$TCPCAT" "$ADDR" <said >got
	holds got 'TCP 192.0.2.1 1234 192.0.2.2 80 1\nhi'
	stop
	relay :0 'sh:echo $TCPREMOTEIP $TCPLOCALIP $TCPLOCALPORT'
	ADDR=127.0.0.1:$PORT
	ask >got
	holds got "127.0.0.1 127.0.0.1 $PORT\n"
	stop
	relay unix:sock 'sh:echo $PROTO $UNIXLOCALPATH $UNIXCONNNUM'
	ask >got
	holds got 'UNIX sock 1\n'
}

@test "exec: splits on blanks, and is no shell" {
	relay 127.0.0.1:0 "exec:printf '%s|' 'a b' \$HOME \"c;d\""
	ask >got
	holds got 'a b|$HOME|c;d|'
}

@test "a program that is not there: the client is reset" {
	relay 127.0.0.1:0 exec:/nonexistent/program
	expect 0 "$PEER" "$ADDR" broken
	await said_like '/nonexistent/program' relay
}
