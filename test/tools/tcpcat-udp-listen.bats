# Listening on UDP: -u -l answers who has sent last, -u -lk all who have.

load helpers

EVERYBODY="import os, socket, sys, time
def who(port=0, to=None, host='127.0.0.1'):
    s = socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET,
        socket.SOCK_DGRAM)
    s.settimeout(20)
    s.bind((host, port))
    s.connect((to or host, int(sys.argv[1])))
    return s
def heard(n):
    while os.path.getsize('server.out') < n:
        time.sleep(0.01)
def say(text):
    with open('server.in', 'w') as f:
        f.write(text)
"

# people CODE [ARG...]: run it, with who() and the port, against the server.
people() {
	timeout 30 python3 -c "$EVERYBODY$1" "$PORT" "${@:2}"
}

# talking NAME COMMAND...: one whose input comes from "say NAME TEXT", and
# whose output goes to NAME.out.
talking() {
	given "$1"
	spawn "$@" <"$1.in" >"$1.out"
}

# given NAME: an input for it that is open, and gives what say says.
given() {
	mkfifo "$1.in"
	eval "exec {to_$1}<>$1.in"
}

say() {
	local to=to_$1
	# shellcheck disable=SC2059
	printf "$2" >&"${!to}"
}

# serve OPTION...: tcpcat, as "server", whose input is open.
serve() {
	talking server "$TCPCAT" -u "$@" 127.0.0.1:0
	await announced server
}

# out NAME TEXT: that is its output, by now or soon.
out() {
	await same "$1.out" "$2"
}

same() {
	# shellcheck disable=SC2059
	[ -e "$1" ] && printf "$2" | cmp -s - "$1"
}

# three: ncat, socat and nc, which talk to the server.
three() {
	requires ncat socat nc
	talking a ncat -u 127.0.0.1 "$PORT"
	talking b socat - "UDP:127.0.0.1:$PORT"
	talking c nc -u 127.0.0.1 "$PORT"
}

# --- who hears what -----------------------------------------------------------

@test "-l answers the last sender: ncat, socat, nc" {
	serve -l
	three
	say a 'one\n'
	out server 'one\n'
	say server 'to a\n'
	out a 'to a\n'
	say b 'two\n'
	out server 'one\ntwo\n'
	say server 'to b\n'
	out b 'to b\n'
	say c 'three\n'
	out server 'one\ntwo\nthree\n'
	say server 'to c\n'
	out c 'to c\n'
	say a 'four\n'
	out server 'one\ntwo\nthree\nfour\n'
	say server 'to a again\n'
	out a 'to a\nto a again\n'
	holds b.out 'to b\n'
	holds c.out 'to c\n'
}

@test "-lk answers all: ncat, socat, nc" {
	serve -lk
	three
	say a 'one\n'
	out server 'one\n'
	say b 'two\n'
	out server 'one\ntwo\n'
	say c 'three\n'
	out server 'one\ntwo\nthree\n'
	say server 'to all\n'
	out a 'to all\n'
	out b 'to all\n'
	out c 'to all\n'
	say server 'more\n'
	out b 'to all\nmore\n'
}

@test "-l: input that is there before anybody sends waits" {
	echo early >input
	spawn server "$TCPCAT" -u -l -q 0.3 127.0.0.1:0 <input >server.out
	await announced server
	people 'me = who(); me.send(b"hi\n"); print(me.recv(99))' >answer
	holds answer "b'early\\\\n'\n"
	finish 0 server
	holds server.out 'hi\n'
}

@test "-lk: the end of input ends nothing" {
	spawn server "$TCPCAT" -u -lk 127.0.0.1:0 < <(echo early) >server.out
	await announced server
	people 'me = who(); me.send(b"hi\n"); print(me.recv(99))
me.send(b"ho\n")' >answer
	holds answer "b'early\\\\n'\n"
	out server 'hi\nho\n'
	running server
}

@test "--tag puts who sent it before each line" {
	serve -lk --tag
	people 'a, b = who(), who()
a.send(b"one\ntwo\n"); b.send(b"no end"); a.send(b""); a.send(b"\n")
for s in a, a, b, a:
    print(*s.getsockname(), sep=":", file=sys.stderr)' 2>names
	await has server.out 40
	paste -d' ' <(sed 's/$/:/' names) <(printf 'one\ntwo\nno end\n\n') >want
	await cmp server.out want
}

@test "--tag: nothing is lost of as many lines as there can be" {
	serve -lk --tag
	people 'a, b = who(), who()
a.send(b"\n" * 65507); b.send(b"\n" * 60000)
print(len("%s:%d: \n" % a.getsockname()) * 65507 +
    len("%s:%d: \n" % b.getsockname()) * 60000)' >bytes
	await has server.out "$(cat bytes)"
	[ "$(wc -l <server.out)" -eq 125507 ]
	! grep -vq '^127.0.0.1:[0-9]*: $' server.out
}

@test "--broadcast: the others hear it, too" {
	serve -lk --broadcast
	people 'a, b, c = who(), who(), who()
a.send(b"a"); b.send(b"b"); print(a.recv(9)); c.send(b"c")
print(a.recv(9), b.recv(9)); a.send(b"d"); print(b.recv(9), c.recv(9))
a.setblocking(False)
try:
    print(a.recv(9))
except BlockingIOError:
    print("no more")' >heard
	holds heard "b'b'\nb'c' b'c'\nb'd' b'd'\nno more\n"
	out server abcd
}

@test "--greet greets each sender once, with -l and -lk" {
	local how
	for how in -l -lk; do
		start "server$how" "$TCPCAT" -u "$how" --greet 'welcome
' 127.0.0.1:0
		people 'a, b = who(), who()
for s in a, b:
    s.send(b"x"); print(s.recv(99))
a.send(b"y"); b.send(b"z"); a.setblocking(False)
try:
    print(a.recv(99))
except BlockingIOError:
    print("once")' >heard
		holds heard "b'welcome\\\\n'\nb'welcome\\\\n'\nonce\n"
	done
}

@test "-m: the one who was silent longest is forgotten" {
	serve -lk -m 2
	people 'a, b, c = who(), who(), who()
for s in a, b, a, c:
    s.send(b".")
heard(4)
say("hello")
print(a.recv(9), c.recv(9)); b.setblocking(False)
try:
    print(b.recv(9))
except BlockingIOError:
    print("not b")' >heard
	holds heard "b'hello' b'hello'\nnot b\n"
}

@test "--acl: who may not send is not heard, nor answered" {
	serve -lk --acl '+127.0.0.1' -v
	people 'bad, good = who(host="127.0.0.3", to="127.0.0.1"), who()
bad.send(b"bad"); good.send(b"good")'
	out server good
	said_like '^tcpcat: denied 127\.0\.0\.3:[0-9]+: ' server
	grep -q '^tcpcat: first datagram from 127\.0\.0\.1:' server.err
	! grep -q 'first datagram from 127\.0\.0\.3' server.err
}

# --- one way, lines, ends -------------------------------------------------------

@test "--recv-bytes ends it" {
	start server "$TCPCAT" -u -l --recv-bytes 8 127.0.0.1:0 >got
	people 'who().send(b"hello"); who().send(b"world")'
	finish 0 server
	holds got hellowor
}

@test "--recv-only sends nothing, --send-only writes nothing" {
	local how
	for how in -l -lk; do
		echo input >input
		spawn "r$how" "$TCPCAT" -u "$how" --recv-only 127.0.0.1:0 \
			<input >r.out
		await announced "r$how"
		people 'a = who(); a.send(b"x"); a.settimeout(0.1)
try:
    print(a.recv(9))
except socket.timeout:
    print("nothing")' >heard
		holds heard 'nothing\n'
		out r x
		spawn "s$how" "$TCPCAT" -u "$how" --send-only 127.0.0.1:0 \
			<input >s.out
		await announced "s$how"
		people 'a = who(); a.send(b"x"); print(a.recv(9))' >heard
		holds heard "b'input\\\\n'\n"
		holds s.out ''
	done
}

@test "-C, and -i: a datagram for each line" {
	printf 'one\ntwo\n' >lines
	spawn server "$TCPCAT" -u -l -C -i 0.1 -q 0.3 127.0.0.1:0 <lines
	await announced server
	people 'a = who(); a.send(b""); print(a.recv(9), a.recv(9))' >heard
	holds heard "b'one\\\\r\\\\n' b'two\\\\r\\\\n'\n"
	finish 0 server
}

@test "a larger input goes in datagrams of 65,507 bytes" {
	head -c 150000 /dev/urandom >data
	spawn server "$TCPCAT" -u -l -q 0.3 127.0.0.1:0 <data
	await announced server
	people 'a = who(); a.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
    1 << 20); a.send(b"")
for i in range(3):
    d = a.recv(70000); sys.stdout.buffer.write(d)
    print(len(d), file=sys.stderr)' >copy 2>lengths
	cmp copy data
	[ "$(cat lengths)" = $'65507\n65507\n18986' ]
	finish 0 server
}

@test "-q, -w and --idle-timeout count from the first datagram" {
	local options
	for options in '-l -q 0.2' '-l -w 0.2' '-l --idle-timeout 0.2' \
		'-lk -w 0.2' '-lk --idle-timeout 0.2'
	do
		# shellcheck disable=SC2086 # several
		start server "$TCPCAT" -u $options 127.0.0.1:0
		sleep 0.4
		running server || fail "$options: has not waited"
		people 'who().send(b"hello")'
		case $options in
		*-q*) finish 0 server ;;
		*)
			finish 4 server
			said_like '^tcpcat: 127\.0\.0\.1:[0-9]+: idle time-out' \
				server
			;;
		esac
	done
}

@test "--deadline bounds the wait for a sender, too" {
	expect 4 "$TCPCAT" -u -l --deadline 0.2 127.0.0.1:0
	expect 4 "$TCPCAT" -u -lk --deadline 0.2 127.0.0.1:0
}

# --- addresses ------------------------------------------------------------------

@test "it answers over IPv6" {
	requires ipv6
	echo answer >input
	spawn server "$TCPCAT" -u -l '[::1]:0' <input >server.out
	await announced server
	people 'a = who(host="::1"); a.send(b"x"); print(a.recv(9))' >heard
	holds heard "b'answer\\\\n'\n"
}

@test "-u -l :PORT answers both families, from where they sent to" {
	requires ipv6
	talking server "$TCPCAT" -u -l :0
	await announced server
	[[ $ADDR = '[::]:'* ]]
	people 'def ask(s, n):
    s.send(b"."); heard(n); say("%d" % n); print(s.recv(9))
ask(who(), 1); ask(who(host="::1"), 2)
ask(who(host="127.0.0.1", to="127.0.0.7"), 3); ask(who(), 4)' >heard
	holds heard "b'1'\nb'2'\nb'3'\nb'4'\n"
}

@test "-lk --broadcast reaches each from where it sent to" {
	talking server "$TCPCAT" -u -lk --broadcast --tag :0
	await announced server
	people 'a, b = who(to="127.0.0.7"), who(to="127.0.0.8")
a.send(b"a"); b.send(b"b"); print(a.recv(9)); a.send(b"c")
print(b.recv(9))' >heard
	holds heard "b'b'\nb'c'\n"
}

# --- signals, and the output -------------------------------------------------------

@test "SIGTERM: -l dies of it" {
	serve -l
	kill -TERM "${pid[server]}"
	finish 143 server
}

@test "SIGTERM: -lk writes what it has heard, and ends with 0" {
	mkfifo slow
	exec {reader}<>slow
	given server
	spawn server "$TCPCAT" -u -lk --broadcast 127.0.0.1:0 \
		<server.in >slow
	await announced server
	# What b has got, tcpcat has heard.
	people 'a, b = who(), who()
b.send(b"")
for i in range(40):
    a.send(b"%04d" % i * 1000); b.recv(9999)'
	kill -TERM "${pid[server]}"
	# Input, and more of it, is for nobody by now.
	say server 'anybody?\n'
	timeout 20 head -c 160000 <&"$reader" >got
	finish 0 server
	for i in {0..39}; do
		printf "$(printf %04d "$i")%.0s" {1..1000}
	done | cmp - got
}

@test "SIGTERM: -lk does not wait for somebody to take its input" {
	serve -lk
	say server 'anybody?\n'
	await taken
	local since
	since=$(now)
	kill -TERM "${pid[server]}"
	finish 0 server
	(($(now) - since < 5000))
}

# taken: nothing is in the pipe any more.
taken() {
	! timeout 1 python3 -c 'import select, sys
sys.exit(not select.select([0], [], [], 0)[0])' <server.in
}

@test "a slow reader of the output does not stop what is sent" {
	mkfifo slow
	exec {reader}<>slow
	given server
	spawn server "$TCPCAT" -u -l 127.0.0.1:0 <server.in >slow
	await announced server
	people 'a = who()
for i in range(100):
    a.send(b"x" * 10000)
say("hello")
print(a.recv(9))' >heard
	holds heard "b'hello'\n"
}

@test "an output that fails is status 7" {
	local how
	for how in -l -lk; do
		start "server$how" "$TCPCAT" -u "$how" 127.0.0.1:0 >/dev/full
		people 'who().send(b"hello")'
		finish 7 "server$how"
		said_like '^tcpcat: standard output: .*No space' "server$how"
	done
}

@test "an output that nobody reads is SIGPIPE" {
	local how
	for how in -l -lk; do
		start "server$how" "$TCPCAT" -u "$how" 127.0.0.1:0 > >(:)
		people 'a = who()
for i in range(200):
    try:
        a.send(b"x")
    except ConnectionRefusedError:
        break
    time.sleep(0.02)'
		finish 141 "server$how"
	done
}

@test "input that cannot be read is status 7" {
	local how
	for how in -l -lk; do
		spawn "server$how" "$TCPCAT" -u "$how" 127.0.0.1:0 </
		await announced "server$how"
		people 'who().send(b"hello")'
		finish 7 "server$how"
		said_like '^tcpcat: standard input: read: ' "server$how"
	done
}

# --- records, messages, usage -------------------------------------------------------

@test "--sha256, --hexdump and --capture with -l" {
	echo answer >input
	spawn server "$TCPCAT" -u -l --sha256 --hexdump dump --capture cap \
		-q 0.3 127.0.0.1:0 <input
	await announced server
	people 'a = who(); a.send(b"question\n"); print(a.recv(9))' >heard
	finish 0 server
	said "tcpcat: sha256: sent $(sha256sum <input | cut -d' ' -f1), \
received $(echo question | sha256sum | cut -d' ' -f1)" server
	grep -q 'question' dump
	grep -q 'answer' dump
	grep -aq 'question' cap
}

listening() {
	ADDR=$(python3 "$EVENTS" listening local <"$1.err") PORT=${ADDR##*:}
	[ -n "$PORT" ]
}

@test "--json: messages of -l and of -lk" {
	spawn server "$TCPCAT" -u -l -v --json --recv-bytes 3 127.0.0.1:0
	await listening server
	people 'who().send(b"abc")'
	finish 0 server
	[ "$(python3 "$EVENTS" connect conn <server.err)" = 1 ]
	[[ $(python3 "$EVENTS" connect peer <server.err) = 127.0.0.1:* ]]
	[ "$(python3 "$EVENTS" disconnect bytes_in bytes_out <server.err)" = \
		'3 0' ]

	spawn kept "$TCPCAT" -u -lk -v --json --acl=-127.0.0.3 127.0.0.1:0
	await listening kept
	people 'who(host="127.0.0.3", to="127.0.0.1").send(b"x")
who().send(b"abc")'
	await grep -q '"datagram"' kept.err
	kill -TERM "${pid[kept]}"
	finish 0 kept
	[ "$(python3 "$EVENTS" datagram bytes_in <kept.err)" = 3 ]
	[[ $(python3 "$EVENTS" connect peer <kept.err) = 127.0.0.1:* ]]
	[ "$(python3 "$EVENTS" denied reason <kept.err)" = acl ]
}

@test "a datagram that came before it was looked for is heard" {
	requires ss
	mkfifo err
	exec {messages}<>err
	# Its first message has to wait until there is room for it.
	head -c 65536 /dev/zero >&"$messages"
	spawn server sh -c 'exec "$@" 2>err' sh \
		"$TCPCAT" -u -l --recv-bytes 5 127.0.0.1:0 >got
	await found_udp
	people 'who().send(b"early")'
	timeout 5 head -c 65536 <&"$messages" >/dev/null
	finish 0 server
	holds got early
}

found_udp() {
	PORT=$(ss -lunpH | sed -n \
		"s/.*:\([0-9]*\) .*pid=${pid[server]},.*/\1/p" | head -n 1)
	[ -n "$PORT" ]
}

@test "what does not go with it" {
	local args
	for args in '-e cat' '-c cat' --reset '--rate 1k' --proxy-protocol \
		'-k --sha256' '-k --hexdump x' '-k --capture x' --no-shutdown
	do
		# shellcheck disable=SC2086 # several
		expect 2 "$TCPCAT" -u -l $args 127.0.0.1:0
		said_like '^tcpcat: .*does not go with listening on udp'
	done
	for args in '--idle-timeout 0' '-w x' '-m 0' '-m x' --tls -U --tag \
		--broadcast '-k -q 1' '-k --recv-bytes 5' '-k --progress'
	do
		# shellcheck disable=SC2086 # several
		expect 2 "$TCPCAT" -u -l $args 127.0.0.1:0
		said_like '^tcpcat: '
	done
	[ ! -e x ]
}
