# Messages: who speaks when, -v, --quiet, --json, --stats, --help, --version
# (SPEC 1.4, 1.6).

load helpers

# A server that sends 5 bytes and gets 7.
serve() {
	start server "$PEER" -l 127.0.0.1:0 text:hello eof >received
	printf payload >payload
}

@test "a client that succeeds says nothing" {
	serve
	expect 0 "$TCPCAT" "$ADDR" <payload >got
	said_nothing
	holds got hello
}

@test "a listener that succeeds says where it listens, nothing else" {
	start server "$TCPCAT" -l 127.0.0.1:0
	expect 0 "$PEER" "$ADDR" eof
	finish 0 server
	holds server.err "tcpcat: listening on $ADDR\n"
}

@test "--quiet leaves only errors" {
	spawn server "$TCPCAT" -l --quiet unix:sock
	await test -S sock
	expect 0 "$PEER" unix:sock eof
	finish 0 server
	said_nothing server
	start port "$PORTS" 127.0.0.1=refuse
	expect 1 "$TCPCAT" --quiet "$ADDR"
	holds expect.err "tcpcat: connect $ADDR: Connection refused\n"
}

@test "-v says what it connected to, and bytes each way at the end" {
	serve
	expect 0 "$TCPCAT" -v "$ADDR" <payload >got
	said_like "^tcpcat: connected to ${ADDR//./\\.}( |$)"
	grep -v 'connected to' expect.err | grep '\b5\b' | grep '\b7\b'
	run ! grep -v '^tcpcat: ' expect.err
	holds got hello
}

@test "--verbose is -v" {
	serve
	expect 0 "$TCPCAT" --verbose "$ADDR"
	said_like "^tcpcat: connected to ${ADDR//./\\.}( |$)"
}

@test "-v names the address that was tried in vain" {
	start port "$PORTS" 127.0.0.1=refuse
	expect 1 "$TCPCAT" -v "$ADDR"
	said "tcpcat: connect $ADDR: Connection refused"
}

@test "-l -v says who connected" {
	start server "$TCPCAT" -l -v 127.0.0.1:0
	expect 0 "$TCPCAT" -s 127.0.0.2 "$ADDR"
	finish 0 server
	said_like '^tcpcat: connection from 127\.0\.0\.2:[0-9]+( |$)' server
}

@test "--stats says the bytes each way" {
	serve
	expect 0 "$TCPCAT" --stats "$ADDR" <payload >got
	said_like '^tcpcat: .*\b7\b'
	said_like '^tcpcat: .*\b5\b'
	holds got hello
}

@test "--json: a listener's messages are objects a line, event listening" {
	spawn server "$TCPCAT" -l --json 127.0.0.1:0
	listening() {
		local_address=$("$EVENTS" listening local <server.err) &&
			[ -n "$local_address" ]
	}
	await listening
	[[ $local_address =~ ^127\.0\.0\.1:[1-9][0-9]*$ ]]
	expect 0 "$PEER" "$local_address" eof
	finish 0 server
	"$EVENTS" <server.err >events
	[ "$(head -n 1 events)" = listening ]
	[ "$("$EVENTS" listening tool <server.err)" = tcpcat ]
}

@test "--json: an error is an object with reason and peer" {
	start port "$PORTS" 127.0.0.1=refuse
	expect 1 "$TCPCAT" --json "$ADDR"
	"$EVENTS" <expect.err >events
	[ -s events ]
	grep -F 'Connection refused' expect.err | grep -F "\"$ADDR\"" |
		grep '"level": *"error"'
}

@test "--json --stats: bytes_in and bytes_out are those of the peer" {
	serve
	expect 0 "$TCPCAT" --json --stats "$ADDR" <payload >got
	"$EVENTS" <expect.err >events
	[ -s events ]
	grep -E '"bytes_in": *5\b' expect.err | grep -E '"bytes_out": *7\b' |
		grep '"duration": *[0-9]'
	holds got hello
}

@test "--json -v: event connect, with local and peer" {
	serve
	expect 0 "$TCPCAT" --json -v -s 127.0.0.2 "$ADDR"
	"$EVENTS" connect local peer <expect.err >ends
	grep -E "^127\.0\.0\.2:[0-9]+ ${ADDR//./\\.}\$" ends
}

@test "--json: a usage error is an object, too, and 2" {
	expect 2 "$TCPCAT" --json 127.0.0.1:1,bogus=1
	"$EVENTS" <expect.err >events
	[ -s events ]
}

@test "--json escapes what is not plain in an address" {
	expect 1 "$TCPCAT" --json $'unix:a"\\b\nc\001d'
	"$EVENTS" <expect.err >events
	[ "$(wc -l <expect.err)" -eq 1 ]
}

@test "an address with a line feed cannot forge a message" {
	expect 1 "$TCPCAT" $'unix:a\ntcpcat: all is well'
	[ "$(wc -l <expect.err)" -eq 1 ]
}

@test "every line of an error begins with the tool's name" {
	all_named() {
		[ -s expect.err ]
		run ! grep -v '^tcpcat: ' expect.err
	}
	start port "$PORTS" 127.0.0.1=refuse
	expect 1 "$TCPCAT" "$ADDR"
	all_named
	expect 1 "$TCPCAT" -l unix:missing/sock
	all_named
	expect 2 "$TCPCAT" --bogus
	all_named
	expect 2 "$TCPCAT" 127.0.0.1:1,bogus
	all_named
	expect 8 "$TCPCAT" 'sh:exit 1'
	all_named
}

@test "--help and -h print every option to standard output, and leave with 0" {
	expect 0 "$TCPCAT" --help >help
	said_nothing
	expect 0 "$TCPCAT" -h >help-h
	cmp help help-h
	local option
	for option in -l --listen -4 -6 -n -U -s -p -v --verbose -w \
		--connect-timeout --idle-timeout --deadline --no-shutdown -N \
		-q -d --recv-only --send-only --wait-stdin --recv-bytes -e -c \
		--reset --json --stats --quiet --help --version; do
		grep -qE -e "(^|[^-[:alnum:]])$option([^-[:alnum:]]|\$)" help ||
			fail "--help does not tell of $option"
	done
}

@test "--help tells of the options of addresses" {
	expect 0 "$TCPCAT" --help >help
	local option
	for option in connect-timeout idle-timeout half-close-timeout \
		no-shutdown family source keepalive mode; do
		grep -qw -e "$option" help ||
			fail "--help does not tell of $option"
	done
}

@test "--version prints name and version to standard output: 0" {
	expect 0 "$TCPCAT" --version >version
	said_nothing
	grep -qE '^tcpcat .*[0-9]' version
}

@test "--help to a full disk is not 0" {
	[ -c /dev/full ] || skip "requires /dev/full"
	expect 7 "$TCPCAT" --help >/dev/full
	said 'tcpcat: standard output: No space left on device'
}
