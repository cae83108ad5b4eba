# tcpcat -l with an access control list (the list itself is tested with
# tcpacl-check).

load helpers

@test "a client that is denied is closed; the next that is allowed is served" {
	start server "$TCPCAT" -v -l --acl -127.0.0.2 127.0.0.1:0 >got
	expect '*' "$TCPCAT" --recv-only -s 127.0.0.2 "$ADDR"
	await grep -q denied server.err
	printf hello | expect 0 "$TCPCAT" "$ADDR"
	finish 0 server
	said_like '^tcpcat: denied 127\.0\.0\.2:[0-9]+: -127\.0\.0\.2' server
	holds got hello
}

@test "without -v nothing is said of a denied client" {
	start server "$TCPCAT" -l --acl -127.0.0.2 127.0.0.1:0 >got
	expect '*' "$TCPCAT" --recv-only -s 127.0.0.2 "$ADDR"
	expect 0 "$TCPCAT" "$ADDR"
	finish 0 server
	run ! grep denied server.err
}

@test "a list that allows one network keeps everyone else out" {
	start server "$TCPCAT" -v -l --acl -0.0.0.0/0,+127.0.0.3/32 127.0.0.1:0
	expect '*' "$TCPCAT" --recv-only -s 127.0.0.2 "$ADDR"
	await grep -q denied server.err
	expect 0 "$TCPCAT" -s 127.0.0.3 "$ADDR"
	finish 0 server
}

@test "an IPv4 client of a socket for both families is IPv4 to the list" {
	start server "$TCPCAT" -l --acl -all,+127/8 :0
	expect 0 "$TCPCAT" "127.0.0.1:$PORT"
	finish 0 server
}

@test "in an address rules are separated by semicolons" {
	start server "$TCPCAT" -v -l "127.0.0.1:0,acl=+127/8;-127.0.0.2"
	expect '*' "$TCPCAT" --recv-only -s 127.0.0.2 "$ADDR"
	await grep -q denied server.err
	expect 0 "$TCPCAT" "$ADDR"
	finish 0 server
}

@test "acl-file= comes first, acl= behind it" {
	printf '# nobody\n-all\n' >list
	start server "$TCPCAT" -l --acl-file list --acl +127.0.0.1 127.0.0.1:0
	expect 0 "$TCPCAT" "$ADDR"
	finish 0 server
}

@test "a malformed list is 2, with its place, before anything listens" {
	expect 2 "$TCPCAT" -l --acl '+10/8,-10.0.0.256' 127.0.0.1:0
	said_like '^tcpcat: acl:1:[0-9]+: '
	said_like '\(127\.0\.0\.1:0\)$'
	run ! grep listening expect.err
	printf '+10/8\n+10.0.0.1/33\n' >list
	expect 2 "$TCPCAT" -l --acl-file list 127.0.0.1:0
	said_like '^tcpcat: list:2:[0-9]+: '
	run ! grep listening expect.err
}

@test "a list that cannot be read is an error that names it" {
	expect 7 "$TCPCAT" -l --acl-file nowhere 127.0.0.1:0
	said_like '^tcpcat: .*nowhere.*No such file'
}

@test "host bits are a warning" {
	start server "$TCPCAT" -l --acl +127.0.0.1/8 127.0.0.1:0
	expect 0 "$TCPCAT" "$ADDR"
	finish 0 server
	said_like '^tcpcat: warning: acl:1:.*127\.0\.0\.0/8 \(127\.0\.0\.1:0\)$' \
		server
}

@test "a Unix socket and a connection take no list" {
	expect 2 "$TCPCAT" -l --acl +10/8 unix:sock
	expect 2 "$TCPCAT" --acl +10/8 127.0.0.1:1
	[ ! -e sock ]
}
