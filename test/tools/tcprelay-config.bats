# tcprelay -f FILE, and SIGHUP, which reads it again: nobody is dropped, and
# an invalid one changes nothing (SPEC 1.7 and section 4).

load helpers
load server
load relay

# conf LINE...: the file, all at once.
conf() {
	printf '%s\n' "$@" >relay.conf.new
	mv relay.conf.new relay.conf
}

# reload N: the relay reads the file again; that is the N-th time.
reload() {
	kill -HUP "${pid[relay]}"
	await says "$1" '^tcprelay: reloaded$' relay
}

# not_reloaded N REGEX: it does not, for such a reason; the N-th time.
not_reloaded() {
	kill -HUP "${pid[relay]}"
	await says "$1" '^tcprelay: not reloaded: ' relay
	said_like "^tcprelay: not reloaded: .*$2" relay
}

two_targets() {
	target one
	target two
}

# bad TEXT LINE: a file with this third line is refused, and TEXT named.
bad() {
	conf '# a comment' '127.0.0.1:0 unix:one' "$2"
	wrong "relay.conf:3: " -f relay.conf
	grep -qF -e "$1" expect.err || fail "$2: the message does not name: $1"
}

# --- the file -----------------------------------------------------------------

@test "a route a line, comments, blanks and quotes" {
	target one
	target two
	mv two 'two, too'
	conf '# a comment' '' '127.0.0.1:0   unix:one # one of them' \
		$'  \t127.0.0.2:0\t"unix:two\\, too"  #' \
		$'127.0.0.3:0 "sh:echo \'a # no comment\'"' \
		'127.0.0.4:0 sh:"echo b; "cat#'
	relay -f relay.conf
	[ "$(ask)" = one ]
	address 2
	[ "$(ask)" = two ]
	address 3
	[ "$(ask)" = 'a # no comment' ]
	address 4
	[ "$(ask | head -n 1)" = b ]
	says_times 4 'listening on' relay
}

@test "several targets on a line, balanced" {
	two_targets
	conf '127.0.0.1:0 unix:one unix:two' '127.0.0.2:0 unix:two'
	relay --balance roundrobin -f relay.conf
	[ "$(asks 4)" = 'one two one two' ]
	address 2
	[ "$(asks 2)" = 'two two' ]
}

@test "what is wrong is named with file and line, before anything listens" {
	bad '127.0.0.2:0' '127.0.0.2:0'
	bad 'nonsense' '127.0.0.2:0 127.0.0.1:1,nonsense=1'
	bad '127.0.0.2:99999' '127.0.0.2:99999 unix:two'
	bad '"' '127.0.0.2:0 "unix:two'
	bad 'udp' '127.0.0.2:0 udp://127.0.0.1:9'
	bad '2001:db8::1:80' '127.0.0.2:0 2001:db8::1:80'
	bad 'weight' '127.0.0.2:0,weight=3 unix:two'
	bad 'fd:77: Bad file descriptor' 'fd:77 unix:two'
	bad 'option owner: no user "no-such-user"' \
		'unix:x,owner=no-such-user unix:two'
	bad 'unknown service "no-such-service"' \
		'127.0.0.2:no-such-service unix:two'
	bad 'unknown service "no-such-service"' \
		'127.0.0.2:0 unix:two no-such-host.invalid:no-such-service'
	conf '127.0.0.1:0 unix:one' '127.0.0.2:0,acl=banana unix:two'
	wrong banana -f relay.conf
	bad 'proxy-protocol:1:1: "banana"' \
		'127.0.0.2:0,proxy-protocol=banana unix:two'
}

@test "a file of nothing, and none, are refused" {
	conf '# only this'
	wrong relay.conf -f relay.conf
	expect '[27]' "$TCPRELAY" -f nonexistent
	said_like '^tcprelay: .*nonexistent: No such file'
	run ! said_like 'listening on'
}

@test "-f goes with no addresses, no --pair and no --hub" {
	conf '127.0.0.1:0 unix:one'
	wrong '-f' -f relay.conf 127.0.0.1:0 unix:one
	wrong '-f' -f relay.conf 127.0.0.1:0
	wrong '-f' --pair -f relay.conf
	wrong '-f' --hub -f relay.conf
}

# --- SIGHUP -------------------------------------------------------------------

@test "SIGHUP brings targets and takes them; who is there stays" {
	two_targets
	conf '127.0.0.1:0 unix:one'
	relay -f relay.conf
	spawn stays "$PEER" "$ADDR" recv:3 touch:here wait:go text:more \
		recv:4 shut eof >stays.got
	await test -e here
	conf '127.0.0.1:0 unix:two'
	reload 1
	[ "$(asks 2)" = 'two two' ]
	conf '127.0.0.1:0 unix:one unix:two'
	reload 2
	asks 4 | grep -q 'one two one\|two one two'
	touch go
	finish 0 stays
	holds stays.got onemore
	await says 1 ' to unix:one: done ' relay
	stop
}

@test "SIGHUP brings listeners and takes them; whose listener went goes on" {
	two_targets
	conf '127.0.0.1:0 unix:one' '127.0.0.2:0 unix:two'
	relay -f relay.conf
	address 2
	local second=$ADDR
	spawn stays "$PEER" "$ADDR" recv:3 touch:here wait:go text:more \
		recv:4 shut eof >stays.got
	await test -e here
	conf '127.0.0.1:0 unix:one' '127.0.0.3:0 unix:two' \
		'unix:listener unix:two'
	reload 1
	await refused "$second"
	address 1
	[ "$(ask)" = one ]
	address 3
	[ "$(ask)" = two ]
	[ "$("$TCPCAT" unix:listener)" = two ]
	# It goes on through the next ones, and the relay's stop.
	conf '127.0.0.1:0 unix:one'
	reload 2
	[ ! -e listener ]
	kill -TERM "${pid[relay]}"
	await says 1 '^tcprelay: stopping when 1 client' relay
	touch go
	finish 0 stays
	holds stays.got twomore
	finish 0 relay
}

@test "not a byte is lost by those who send while it is read, again and again" {
	two_targets
	local i
	head -c 1M /dev/urandom >piece
	mkfifo up1 up2
	conf '127.0.0.1:0,rate=4M unix:one' '127.0.0.2:0,rate=4M unix:one'
	relay -f relay.conf
	for i in 1 2; do
		address $i
		spawn client$i "$PEER" -o got$i "$ADDR" both:up$i
	done
	exec 5>up1 6>up2
	printf one >want
	for i in 1 3 5; do
		# What has been taken is on its way while it reloads.
		cat piece >&5
		cat piece >&6
		conf '127.0.0.1:0,rate=4M unix:two' \
			'127.0.0.3:0 unix:one unix:two'
		reload "$i"
		cat piece >&5
		cat piece >&6
		conf '127.0.0.1:0,rate=5M unix:one unix:two,weight=2' \
			'127.0.0.2:0 unix:two'
		reload $((i + 1))
		cat piece piece >>want
	done
	exec 5>&- 6>&-
	finish 0 client1
	finish 0 client2
	cmp got1 want
	cmp got2 want
	await says 2 ' to unix:one: done ' relay
	stop
}

@test "an invalid file is refused whole, with its line, and the old one stays" {
	two_targets
	conf '127.0.0.1:0 unix:one'
	relay -f relay.conf
	conf '127.0.0.1:0 unix:two' '127.0.0.2:0 unix:two,nonsense'
	not_reloaded 1 'relay\.conf:2: .*nonsense'
	[ "$(ask)" = one ]
	rm relay.conf
	not_reloaded 2 'relay\.conf: No such file'
	[ "$(ask)" = one ]
	conf '127.0.0.1:0 unix:two' '127.0.0.2:0,acl-file=none unix:two'
	not_reloaded 3 none
	[ "$(ask)" = one ]
	says_times 1 'listening on' relay
	conf '127.0.0.1:0 unix:two'
	reload 1
	[ "$(ask)" = two ]
}

@test "a new place where it cannot listen: the old file stays, all of it" {
	two_targets
	start port "$PORTS" 127.0.0.3=refuse
	local taken=127.0.0.3:$PORT
	conf '127.0.0.1:0 unix:one'
	relay -f relay.conf
	conf '127.0.0.1:0 unix:two' '127.0.0.2:0 unix:two' "$taken unix:two"
	not_reloaded 1 "$taken: Address already in use"
	[ "$(ask)" = one ]
	if says 2 'listening on'  relay; then
		address 2
		await refused "$ADDR"
	fi
}

@test "access lists are read again with it" {
	target one
	echo '+127.0.0.1' >list
	conf '127.0.0.1:0,acl-file=list unix:one'
	relay -f relay.conf
	[ "$(ask)" = one ]
	dumb -s 127.0.0.2 "$ADDR"
	echo '+127.0.0.2' >list
	reload 1
	[ "$(ask -s 127.0.0.2)" = one ]
	dumb "$ADDR"
}

@test "--workers: targets are exchanged, and a new listener is refused" {
	two_targets
	conf '127.0.0.1:0 unix:one'
	relay --workers 2 -f relay.conf
	spawn stays "$PEER" "$ADDR" recv:3 touch:here wait:go text:more \
		recv:4 shut eof >stays.got
	await test -e here
	conf '127.0.0.1:0 unix:two'
	reload 1
	all_are_two() {
		[ "$(asks 6)" = 'two two two two two two' ]
	}
	await all_are_two
	conf '127.0.0.1:0 unix:one' '127.0.0.2:0 unix:one'
	not_reloaded 1 '127\.0\.0\.2:0'
	[ "$(asks 2)" = 'two two' ]
	touch go
	finish 0 stays
	holds stays.got onemore
	stop
}

@test "a listener that gets self-signed says its pin, and with --workers is refused" {
	needs_tls
	target one
	conf '127.0.0.1:0 unix:one'
	relay -f relay.conf
	conf 'tls://127.0.0.1:0,self-signed unix:one'
	reload 1
	local key
	key=$(sed -n 's/^tcprelay: self-signed certificate, pin //p' relay.err)
	[ "$(ask --tls-pin "$key" --tls-pin-only)" = one ]
	stop
	conf '127.0.0.1:0 unix:one'
	relay --workers 2 -f relay.conf
	conf 'tls://127.0.0.1:0,self-signed unix:one'
	not_reloaded 1 'self-signed: with --workers only a restart'
	[ "$(ask)" = one ]
}

@test "flags that no address of the new file takes: it says what is wrong" {
	target one
	conf 'unix:sock unix:one'
	relay --mode 600 -f relay.conf
	conf '127.0.0.1:0 unix:one'
	not_reloaded 1 'the flags do not go with relay\.conf'
	[ "$(ask)" = one ]
}

@test "SIGHUP brings no descriptor that has a listener already" {
	two_targets
	conf 'fd:5 unix:one'
	start relay "$LISTEN_FD" 5 127.0.0.1:0 "$TCPRELAY" -f relay.conf
	conf 'fd:5 unix:one' 'fd:5 unix:two'
	not_reloaded 1 'fd:5 is listened on twice'
	conf 'fd:5 unix:two'
	reload 1
	[ "$(ask)" = two ]
	stop
}

@test "SIGHUP while it is stopping cuts nobody, and reads nothing" {
	target one
	conf '127.0.0.1:0 unix:one'
	local more
	for more in '' '--workers 2'; do
		# shellcheck disable=SC2086 # flags
		relay $more -f relay.conf
		rm -f here go
		spawn stays "$PEER" "$ADDR" recv:3 touch:here wait:go \
			text:more recv:4 shut eof >stays.got
		await test -e here
		kill -TERM "${pid[relay]}"
		await refused "$ADDR"
		kill -HUP "${pid[relay]}"
		kill -USR1 "${pid[relay]}"	# behind which it has been seen
		await says 1 '^tcprelay: 1 clients? now' relay
		touch go
		finish 0 stays
		holds stays.got onemore
		finish 0 relay
		says_times 0 'reloaded' relay
	done
}

@test "without a file, and anything else to read again, SIGHUP ends it" {
	relay 127.0.0.1:0 unix:one
	kill -HUP "${pid[relay]}"
	finish 129 relay
}

# --- what stays from before a reload --------------------------------------------

@test "who came before a reload is cut under the name of its target" {
	target one
	conf '127.0.0.1:0 unix:one'
	relay --drain-timeout 0.2 -f relay.conf
	guest early 3
	reload 1
	stop
	said_like "to unix:one: .*cut by the server's stop" relay
	kill "${pid[early]}" 2>/dev/null || :
	finish '*' early
}

@test "a higher max-clients lets in at once who waits" {
	target one
	conf '127.0.0.1:0,max-clients=1 unix:one'
	relay -f relay.conf
	guest early 3
	spawn late "$PEER" -o late.got "$ADDR" recv:3 shut eof
	conf '127.0.0.1:0,max-clients=2 unix:one'
	reload 1
	finish 0 late
	leave early
}
