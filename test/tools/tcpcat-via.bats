# via=, --via: through proxies, real ones and hostile ones (SPEC 1.1).

load helpers
load server

PROXY=$SRC/test/peers/proxy.py
SECRET=geheim

# --- the proxies -------------------------------------------------------------

free_port() {
	python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

settled() {
	ss -ltnpH | grep -q "pid=${pid[$1]}," || ! running "$1"
}

# start_with NAME CONF COMMAND...: one that has to be told its port, in a file
# of these lines with PORT in it; where another was faster it is tried again.
start_with() {
	local name=$1 conf=$2
	shift 2
	for _ in 1 2 3 4 5; do
		PORT=$(free_port)
		printf '%s\n' "${conf//PORT/$PORT}" >"$name.conf"
		spawn "$name" "$@"
		await settled "$name"
		! running "$name" || return 0
	done
	fail "$name has ended"
}

# Each sets the variable of its name to where it is.
microsocks() {	# FLAG...
	requires microsocks
	start_other microsocks microsocks -i 127.0.0.1 -p 0 "$@"
	MICROSOCKS=127.0.0.1:$PORT
}

tinyproxy() {	# LINE...
	requires tinyproxy
	start_with tinyproxy "$(printf '%s\n' 'Port PORT' 'Listen 127.0.0.1' \
		'Allow 127.0.0.1' "$@")" tinyproxy -d -c tinyproxy.conf
	TINYPROXY=127.0.0.1:$PORT
}

dante() {
	requires danted
	start_with dante "$(printf '%s\n' 'logoutput: stderr' \
		'internal: 127.0.0.1 port = PORT' 'external: lo' \
		'clientmethod: none' 'socksmethod: none' \
		'client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }' \
		'socks pass { from: 127.0.0.0/8 to: 0.0.0.0/0' \
		'command: connect }')" danted -f dante.conf -p dante.pid
	DANTE=127.0.0.1:$PORT
}

# scripted KIND MODE [BYTES]: the one that does what it is told; what it was
# asked for is in "asked".
scripted() {
	start proxy "$PROXY" "$@" >asked
}

# --- what is behind them -----------------------------------------------------

# It takes five bytes, and sends them back.  Not all proxies pass a half-close
# on, so that nothing here waits for one.
target() {
	start target "$TCPCAT" -lk -c 'head -c 5' 127.0.0.1:0
	TARGET=$ADDR
}

# through FLAG...: what is sent comes back.
through() {
	expect 0 "$TCPCAT" --no-shutdown --recv-bytes 5 \
		--connect-timeout $FAR "$@" < <(printf hello) >answer
	holds answer hello
}

# fails STATUS TEXT FLAG...: with this message, the only one, of the proxy.
fails() {
	local status=$1 text=$2
	shift 2
	expect "$status" "$TCPCAT" --connect-timeout $FAR "$@" \
		< <(printf hello) >answer
	holds answer ''
	said "tcpcat: proxy $ADDR: $text"
	[ "$(wc -l <expect.err)" -eq 1 ] || fail 'it said more'
}

# --- real proxies ------------------------------------------------------------

@test "SOCKS5 by microsocks: an address, a name, a refusal" {
	target
	microsocks
	through --via "socks5://$MICROSOCKS" "$TARGET"
	said_nothing
	through --via "socks5://$MICROSOCKS" "localhost:${TARGET##*:}"
	through "$TARGET,via=socks5://$MICROSOCKS"
	ADDR=$MICROSOCKS
	expect 1 "$TCPCAT" --via "socks5://$MICROSOCKS" 127.0.0.1:1
	said_like "^tcpcat: proxy $ADDR: cannot connect to 127\.0\.0\.1:1: "
}

@test "SOCKS5 by microsocks with a password: right, wrong, none" {
	target
	microsocks -u me -P "$SECRET,;/"
	ADDR=$MICROSOCKS
	through --via "socks5://me:$SECRET%2C%3b%2F@$ADDR" "$TARGET"
	echo "me:$SECRET,;/" >auth
	through --via "socks5://$ADDR" --via-auth auth "$TARGET"
	through "$TARGET,via=socks5://$ADDR,via-auth=auth"
	fails 1 'does not accept this user name and password' \
		--via "socks5://me:$SECRET@$ADDR" "$TARGET"
	expect 1 "$TCPCAT" --via "socks5://$ADDR" "$TARGET"
	said_like "^tcpcat: proxy $ADDR: .* via-auth=FILE"
}

@test "SOCKS4 and SOCKS5 by dante, with a half-close passed on" {
	dante
	start server "$TCPCAT" -lk -c 'cat; echo " all"' 127.0.0.1:0
	local url
	for url in "socks4://$DANTE" "socks5://$DANTE" "socks4://me@$DANTE"; do
		expect 0 "$TCPCAT" --via "$url" "$ADDR" \
			< <(printf hello) >answer
		holds answer 'hello all\n'
		expect 0 "$TCPCAT" --via "$url" "localhost:$PORT" \
			< <(printf hello) >answer
		holds answer 'hello all\n'
	done
	ADDR=$DANTE
	fails 1 'cannot connect to 127.0.0.1:1: connection refused' \
		--via "socks5://$DANTE" 127.0.0.1:1
	fails 1 'cannot connect to 127.0.0.1:1: refused or failed' \
		--via "socks4://$DANTE" 127.0.0.1:1
}

@test "HTTP by tinyproxy: an address, a name, a refusal" {
	target
	tinyproxy
	ADDR=$TINYPROXY
	through --via "http://$ADDR" "$TARGET"
	said_nothing
	through --via "http://$ADDR/" "localhost:${TARGET##*:}"
	expect 1 "$TCPCAT" --via "http://$ADDR" 127.0.0.1:1
	said_like "^tcpcat: proxy $ADDR: cannot connect to .*:1: HTTP 500 "
}

@test "HTTP by tinyproxy with a password: right, wrong, none" {
	target
	tinyproxy "BasicAuth me $SECRET"
	ADDR=$TINYPROXY
	through --via "http://me:$SECRET@$ADDR" "$TARGET"
	echo "me:$SECRET" >auth
	through --via "http://$ADDR" --via-auth auth "$TARGET"
	expect 1 "$TCPCAT" --via "http://$ADDR" "$TARGET"
	said_like "^tcpcat: proxy $ADDR: wants .* via-auth=FILE"
	fails 1 'does not accept this user name and password' \
		--via "http://me:wrong@$ADDR" "$TARGET"
}

@test "one behind the other, both ways round" {
	target
	microsocks -u me -P $SECRET
	tinyproxy "BasicAuth you $SECRET"
	local socks="socks5://me:$SECRET@$MICROSOCKS"
	local http="http://you:$SECRET@$TINYPROXY"
	through --via "$socks" --via "$http" "$TARGET"
	through --via "$http" --via "$socks" "$TARGET"
	through --via "$http,$socks" "$TARGET"
	through "$TARGET,via=$socks;$http;$socks;$http"
	printf 'me:%s\nyou:%s\n' $SECRET $SECRET >auth
	through --via-auth auth --via "socks5://$MICROSOCKS" \
		--via "http://$TINYPROXY" "$TARGET"
	# The second, by the first: that one is named.
	ADDR=$TINYPROXY
	printf 'me:%s\nyou:wrong\n' $SECRET >auth
	expect 1 "$TCPCAT" --via-auth auth --via "socks5://$MICROSOCKS" \
		--via "http://$TINYPROXY" "$TARGET"
	said "tcpcat: proxy $ADDR: does not accept this user name and password"
}

# One way at a time: microsocks does not read while it cannot write.
@test "64 MiB through two of them, each way" {
	head -c 64M /dev/urandom >up
	microsocks
	tinyproxy
	local vias=(--via "http://$TINYPROXY" --via "socks5://$MICROSOCKS")
	start server "$TCPCAT" -l --send-only 127.0.0.1:0 <up
	expect 0 "$TCPCAT" --recv-only "${vias[@]}" "$ADDR" >got
	finish 0 server
	cmp up got
	start server "$TCPCAT" -l --no-shutdown --recv-bytes 67108864 \
		127.0.0.1:0 >got
	expect 0 "$TCPCAT" --no-shutdown "${vias[@]}" "$ADDR" <up
	finish 0 server
	cmp up got
}

@test "TLS through a proxy verifies the endpoint's own name" {
	needs_tls
	load tls
	make_certs
	microsocks
	start_other tls openssl s_server -quiet -accept 127.0.0.1:0 -naccept 9 \
		-cert "$CERTS/server.pem" -key "$CERTS/server.key" \
		-no_ign_eof < <(printf hello; held over)
	local far=localhost:$PORT
	expect 0 "$TCPCAT" --recv-bytes 5 --via "socks5://$MICROSOCKS" \
		--tls-ca "$CERTS/ca.pem" "$far" >answer
	holds answer hello
	expect 5 "$TCPCAT" --via "socks5://$MICROSOCKS" \
		--tls-ca "$CERTS/ca.pem" --tls-name another.test "$far"
	said_like 'another\.test'
	expect 0 "$TCPCAT" --tls-info --tls-ca "$CERTS/ca.pem" \
		"tls://$far,via=socks5://$MICROSOCKS" >info
	grep -qE "^peer +$far\$" info
	: >over
}

@test "tcpecho --client through a proxy" {
	start server "$SRC/test/peers/echo.py"
	local target=$ADDR
	microsocks
	expect 0 "$TCPECHO" --client --count 5 --interval 10ms \
		--via "socks5://$MICROSOCKS" "$target" >out
	grep -qx 'messages    5 sent, 5 echoed, 0 lost, 0 wrong' out
	expect 1 "$TCPECHO" --client --count 1 \
		--via "socks5://$MICROSOCKS" 127.0.0.1:1 >out
	said_like "^tcpecho: .*proxy $MICROSOCKS: cannot connect"
	expect 2 "$TCPECHO" --client --parallel 9 --via "ftp://me:$SECRET@h" \
		127.0.0.1:1 >out
	said_like '^tcpecho: .*option via: proxy 1: '
	[ "$(wc -l <expect.err)" -eq 1 ]
	run ! grep $SECRET expect.err
}

# --- what is asked, and by whom ----------------------------------------------

@test "names are the proxy's business, numbers are numbers" {
	local kind=socks5 scheme
	for scheme in socks5 socks4a http; do
		kind=${scheme%a}
		scripted "$kind" ok
		through --via "$scheme://$ADDR" only-there.invalid:7
		holds asked 'only-there.invalid:7\n'
		finish 0 proxy
	done
	for scheme in socks5 http; do
		scripted $scheme ok
		through --via "$scheme://$ADDR" '[2001:db8::1]:7'
		holds asked '[2001:db8::1]:7\n'
		finish 0 proxy
	done
	scripted socks4 ok
	through --via "socks4a://me@$ADDR" 192.0.2.1:7
	holds asked 'me:@192.0.2.1:7\n'
}

@test "a name is never looked up here, but the number of a service is" {
	requires strace
	local port daemon=/nscd/
	scripted -k socks5 ok
	for port in 9 discard; do
		expect 0 env ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" \
			strace -f -o trace \
			-e trace=openat,open,connect,sendto,sendmmsg \
			"$TCPCAT" --no-shutdown --recv-bytes 5 --via \
			"socks5://$ADDR" "only-there.invalid:$port" \
			< <(printf hello) >answer
		holds answer hello
		grep -q "sin_port=htons($PORT)" trace
		run ! grep -E "etc/hosts|resolv\.conf|htons\(53\)|$daemon" \
			trace
		daemon=none	# it may be asked for services
	done
	holds asked 'only-there.invalid:9\nonly-there.invalid:9\n'
}

@test "socks4:// asks for an address, which is looked up here" {
	requires namespaces
	make_etc '192.0.2.7 four.test' '2001:db8::1 six.test'
	scripted -k socks4 ok
	expect 0 "${IN_ETC[@]}" "$TCPCAT" --no-shutdown --recv-bytes 5 \
		--via "socks4://$ADDR" four.test:7 < <(printf hello) >answer
	holds asked '192.0.2.7:7\n'
	expect 3 "${IN_ETC[@]}" "$TCPCAT" --via "socks4://$ADDR" six.test:7
	said_like "^tcpcat: proxy $ADDR .*six\.test"
	expect 3 "${IN_ETC[@]}" "$TCPCAT" -n --via "socks4://$ADDR" four.test:7
	expect 2 "$TCPCAT" --via "socks4://$ADDR" four.test:nosuchservice
}

@test "-v names the endpoint and the proxy; the peer is the proxy" {
	scripted -k http ok
	through -v --via "http://$ADDR" far.invalid:7
	said "tcpcat: connecting to $ADDR"
	said_like "^tcpcat: connected to far\.invalid:7 via $ADDR \(name"
	through -v --via "http://$ADDR" '[::2]:7'
	said_like "^tcpcat: connected to \[::2\]:7 via $ADDR \(name"
	through --json -v --via "http://$ADDR" far.invalid:7
	"$EVENTS" connect peer <expect.err >peer
	holds peer "$ADDR\n"
}

@test "the socket to the proxy has the options of the address" {
	requires strace
	scripted http ok
	expect 0 env ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" strace -f \
		-o trace -e trace=bind,setsockopt "$TCPCAT" --no-shutdown \
		--recv-bytes 5 --via "http://$ADDR" \
		'far.invalid:7,source=127.0.0.2,ttl=9,keepalive=33s' \
		< <(printf hello) >answer
	grep -q 'bind.*127\.0\.0\.2' trace
	grep -qE 'IP_TTL, \[9\]' trace
	grep -qE 'TCP_KEEPIDLE, \[33\]' trace
}

# --- hostile ones ------------------------------------------------------------

@test "bytes glued to the reply are the target's first" {
	local kind
	for kind in socks4 socks5 http; do
		scripted $kind glue 'SSH-2.0-x\r\n'
		expect 0 "$TCPCAT" --no-shutdown --recv-bytes 16 \
			--via "$kind://$ADDR" 192.0.2.1:7 \
			< <(printf hello) >answer
		holds answer 'SSH-2.0-x\r\nhello'
	done
}

@test "replies that come byte by byte" {
	local kind
	for kind in socks4 socks5 http; do
		scripted $kind drip
		through --via "$kind://$ADDR" 192.0.2.1:7
		finish 0 proxy
	done
	scripted login drip
	through --via "socks5://me:$SECRET@$ADDR" 192.0.2.1:7
	holds asked "me:$SECRET@192.0.2.1:7\n"
}

@test "a connection that ends or breaks before the reply has: 1" {
	scripted socks5 cut
	fails 1 'ended the connection' --via "socks5://$ADDR" 192.0.2.1:7
	scripted socks5 cut '\x05\0\0\1\0\0\0\0\0'
	fails 1 'ended the connection' --via "socks5://$ADDR" 192.0.2.1:7
	scripted socks4 cut '\0\x5a\0\0\0\0\0'
	fails 1 'ended the connection' --via "socks4://$ADDR" 192.0.2.1:7
	scripted http cut 'HTTP/1.1 200 OK\r\n\r'
	fails 1 'ended the connection' --via "http://$ADDR" 192.0.2.1:7
	scripted http reset 'HTTP/1.1 200 OK\r\n'
	fails 1 'read: Connection reset by peer' --via "http://$ADDR" \
		192.0.2.1:7
}

@test "wrong versions and other protocols: 1" {
	scripted socks5 first '\x04\0'
	fails 1 'its reply is not SOCKS5' --via "socks5://$ADDR" 192.0.2.1:7
	scripted socks5 raw '\x04\0'
	fails 1 'its reply is not SOCKS5' --via "socks5://$ADDR" 192.0.2.1:7
	scripted socks4 raw '\x04\x5a'
	fails 1 'its reply is not SOCKS4' --via "socks4://$ADDR" 192.0.2.1:7
	scripted http raw 'HTTP/2 200\r\n'
	fails 1 'its reply is not HTTP' --via "http://$ADDR" 192.0.2.1:7
	scripted http first 'SSH-2.0-x\r\n'
	fails 1 'its reply is not HTTP' --via "http://$ADDR" 192.0.2.1:7
}

@test "a reply without an end is not read for ever: 1" {
	scripted http flood 'HTTP/1.1 200 OK\r\nA: b\r\nA: '
	fails 1 'its reply is longer than 16 KiB' --via "http://$ADDR" \
		192.0.2.1:7
	scripted http flood 'HTTP/1.1 100 Continue\r\n\r\n'
	fails 1 'its reply is longer than 16 KiB' --via "http://$ADDR" \
		192.0.2.1:7
}

@test "a proxy's words are shown in part, and escaped" {
	local words
	words=$(printf 'no%.0s' {1..300})
	scripted http raw "HTTP/1.1 403 \\x1b[31m$words\\r\\n\\r\\n"
	expect 1 "$TCPCAT" --via "http://$ADDR" 192.0.2.1:7
	said_like "^tcpcat: proxy $ADDR: cannot connect to .*: HTTP 403 .*nono"
	run ! grep -q $'\x1b' expect.err
	(($(size expect.err) < 300))
}

@test "a proxy that is silent is 4, and named, the second one too" {
	local mode
	for mode in stall silent; do
		scripted socks5 $mode
		expect 4 "$TCPCAT" --connect-timeout 0.5 \
			--via "socks5://$ADDR" 192.0.2.1:7
		said "tcpcat: proxy $ADDR: did not answer in time"
		took_ms 400 10000
	done
	scripted http stall
	local second=$ADDR
	microsocks
	expect 4 "$TCPCAT" --connect-timeout 0.5 --via \
		"socks5://$MICROSOCKS" --via "http://$second" 192.0.2.1:7
	said "tcpcat: proxy $second: did not answer in time"
}

@test "a proxy that is not there is 1, and named; one without a name is 3" {
	start port "$PORTS" 127.0.0.1=refuse
	expect 1 "$TCPCAT" --via "http://$ADDR" 192.0.2.1:7
	said "tcpcat: connect proxy $ADDR: Connection refused"
	expect 3 "$TCPCAT" -n --via http://proxy.invalid:1 192.0.2.1:7
	said_like '^tcpcat: resolve proxy\.invalid: '
}

# --- passwords ----------------------------------------------------------------

# hides COMMAND...: while it runs and waits for the proxy, its arguments do
# not hold the password, and what it says does not either.
hides() {
	spawn client "$@" --connect-timeout $FAR -v
	await says 1 'connecting to' client
	tr '\0' ' ' <"/proc/${pid[client]}/cmdline" >cmdline
	grep -q "me:xxxxxx@$ADDR" cmdline
	run ! grep $SECRET cmdline client.err
	kill "${pid[client]}"
	finish '*' client
}

@test "a password does not stay in the argument list" {
	needs_proc
	scripted -k socks5 stall
	local url=socks5://me:$SECRET@$ADDR
	hides "$TCPCAT" --via "$url" 192.0.2.1:7
	hides "$TCPCAT" --via="$url" 192.0.2.1:7
	hides "$TCPCAT" --via "http://$ADDR,$url" --via "$url" \
		"192.0.2.1:7,via=$url"
	hides "$TCPCAT" "192.0.2.1:7,nodelay,via=http://$ADDR;$url,ttl=9"
	hides "$TCPECHO" --client --via "$url" 192.0.2.1:7
	hides "$TCPECHO" --client "192.0.2.1:7,via=$url"
}

@test "no message shows a password" {
	local url flags
	scripted -k login ok
	url=socks5://me:$SECRET@$ADDR
	for flags in -vv "--json -vv" '-vv --stats'; do
		# shellcheck disable=SC2086 # flags
		through $flags --via "$url" 192.0.2.1:7
		run ! grep $SECRET expect.err
		# shellcheck disable=SC2086
		through $flags "192.0.2.1:7,via=$url"
		run ! grep $SECRET expect.err
	done
	scripted -k login stall
	url=socks5://me:$SECRET@$ADDR
	expect 4 "$TCPCAT" --connect-timeout 0.2 -vv "192.0.2.1:7,via=$url"
	run ! grep $SECRET expect.err
	expect 4 "$TCPCAT" --deadline 0.2 --json "192.0.2.1:7,via=$url"
	run ! grep $SECRET expect.err
}

# wrong TEXT FLAG...: a usage error, which shows no password.
wrong() {
	local text=$1
	shift
	expect 2 "$TCPCAT" "$@" >stdout
	holds stdout ''
	grep -qF -e "$text" expect.err || fail "$*: nothing of: $text"
	run ! grep $SECRET expect.err
}

@test "a wrong list of proxies is 2, before anything is opened" {
	local to=127.0.0.1:1 u=socks5://me:$SECRET
	wrong 'proxy 1' --via '127.0.0.1:1080' $to
	wrong 'proxy 1' --via "me:$SECRET@h" $to
	wrong 'proxy 1' --via "ftp://me:$SECRET@h" $to
	wrong 'proxy 2' --via http://h --via "$u@h:x" $to
	wrong 'port' "$to,via=$u@h:99999"
	wrong '%2F' "$to,via=$u/x@h"
	wrong 'port' --via "$u;x@h" $to
	wrong '%2C' "$to,via=$u,$SECRET@h"
	wrong 'SOCKS4 has no password' --via "socks4://me:$SECRET@h" $to
	wrong 'SOCKS4 knows only IPv4' --via socks4://h '[::1]:1'
	wrong 'needs a value' $to,via
	wrong 'given twice' "$to,via=$u@h,via=$u@h"
	wrong 'unknown option' "$to,vai=$u@h"
	wrong 'unknown or ambiguous' "--vla=$u@h" $to
	wrong 'too many' $to 1 "$to,via=$u@h"
	wrong 'is not TLS' --tls "tcp://$to,via=$u@h"
	wrong via "udp://$to,via=$u@h"
	wrong via --via "$u@h" "udp://$to"
	wrong via --via "$u@h" unix:sock
	wrong via -l --via "$u@h" 127.0.0.1:0
	wrong via-auth --via-auth file $to
}

@test "the file of passwords: unreadable is 7, wrong is 2, before all else" {
	local to=127.0.0.1:1
	expect 7 "$TCPCAT" --via http://127.0.0.1:1 --via-auth nofile $to
	said_like '^tcpcat: .*nofile: No such file or directory$'
	expect 7 "$TCPCAT" --via http://127.0.0.1:1 --via-auth . $to
	: >auth
	wrong 'auth: it holds no line' --via http://h --via-auth auth $to
	echo $SECRET >auth
	wrong 'auth: line 1' --via http://h --via-auth auth $to
	printf 'a:b\nc:%s\n' $SECRET >auth
	wrong 'auth: it has 2 lines' --via http://h --via-auth auth $to
	wrong 'it is too long' --via http://h --via-auth /dev/zero $to
}
