# The PROXY protocol, in and out: with haproxy, nginx and curl at the other
# end, and with what is no header (SPEC 1.1).

load helpers
load server

# What a server tells each client: who it is, and what it connected to.
# shellcheck disable=SC2016 # for its shell
WHOM='echo $TCPREMOTEIP $TCPREMOTEPORT $TCPLOCALIP $TCPLOCALPORT; cat'

V1='PROXY TCP4 192.0.2.1 198.51.100.1 4711 443\r\n'
V2='\r\n\r\n\0\r\nQUIT\n'
NAMES='192.0.2.1 4711 198.51.100.1 443'

# serve OPTION [FLAG...]: one that tells, behind "listening" options.
serve() {
	local options=$1
	shift
	start server "$TCPCAT" -v -lk "$@" -c "$WHOM" "127.0.0.1:0,$options"
}

# says_whom HEADER WANT: after this, it says so; payload behind it comes back.
says_whom() {
	# shellcheck disable=SC2059 # a header with escapes
	printf "$1"'hello\r\nPROXY' | expect 0 "$TCPCAT" "$ADDR" >got
	holds got "$2\nhello\r\nPROXY"
}

# refused_for REGEX HEADER: nothing comes but an end, and the server says why.
refused_for() {
	# shellcheck disable=SC2059 # a header with escapes
	printf "$2" | expect '[06]' "$TCPCAT" --no-shutdown "$ADDR" >got
	holds got ''
	await says 1 "^tcpcat: warning: 127\.0\.0\.1:[0-9]+: PROXY header: $1"
}

# free_port: PORT, which is free on 127.0.26.6, where nobody else is; somebody
# has it on 127.0.0.3, so nobody has it everywhere.
free_port() {
	local ADDR
	start port "$PORTS" 127.0.0.3=refuse
}

# haproxy_with BIND-OPTIONS LINE...: it runs, with these in its only section.
haproxy_with() {
	requires haproxy
	local bind=$1
	shift
	free_port
	{
		printf '%s\n' defaults 'timeout connect 10s' \
			'timeout client 60s' 'timeout server 60s' \
			'listen tcpcat' "bind 127.0.26.6:$PORT $bind"
		printf '%s\n' "$@"
	} >haproxy.cfg
	start_other haproxy haproxy -db -f haproxy.cfg
}

# nginx_stream LINE...: the same with nginx.
nginx_stream() {
	local module=/usr/lib/nginx/modules/ngx_stream_module.so
	requires nginx
	[ -e $module ] || requires "$module"
	free_port
	{
		echo "load_module $module; daemon off; master_process off;"
		echo 'pid pid; events {} stream { server {'
		echo "listen 127.0.26.6:$PORT;"
		printf '%s\n' "$@"
		echo '} }'
	} >nginx.conf
	start_other nginx nginx -p "$PWD" -e stderr -c "$PWD/nginx.conf"
}

# --- in: who it is ------------------------------------------------------------

@test "a header of version 1 says who the client is; payload is not touched" {
	serve proxy-protocol=+127.0.0.1
	says_whom "$V1" "$NAMES"
	await says 1 ': done '
	said_like '^tcpcat: connection from 192\.0\.2\.1:4711 via 127\.0\.0\.1:[0-9]+$' server
	said_like '^tcpcat: 192\.0\.2\.1:4711: done' server
	says_whom 'PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n' \
		'2001:db8::1 1 2001:db8::2 65535'
}

@test "a header of version 2 does, with TLVs, too" {
	serve proxy-protocol=+127.0.0.1
	a='\300\0\2\1\306\63\144\1\22\147\1\273'
	says_whom "$V2\41\21\0\14$a" "$NAMES"
	says_whom "$V2\41\21\0\26$a\1\0\2h2\352\0\2ab" "$NAMES"
	says_whom "$V2\41\61\0\330/run/peer$(printf '%0207d' 0 |
		sed 's/0/\\0/g')" ''
	await says 1 '^tcpcat: connection from unix:/run/peer via 127'
}

@test "UNKNOWN and LOCAL keep the connection's own addresses" {
	serve proxy-protocol=+127.0.0.1
	local header
	for header in 'PROXY UNKNOWN\r\n' "$V2\40\0\0\0" "$V2\41\0\0\3abc"; do
		# shellcheck disable=SC2059
		printf "${header}hello" | expect 0 "$TCPCAT" "$ADDR" >got
		grep -qE "^127\.0\.0\.1 [0-9]+ 127\.0\.0\.1 $PORT$" got
		grep -q '^hello$' <(tail -n 1 got; echo)
	done
	run ! grep -q ' via ' server.err
}

@test "haproxy sends headers of every kind" {
	local how
	serve proxy-protocol=+127.0.0.1
	for how in send-proxy send-proxy-v2 'send-proxy-v2 proxy-v2-options crc32c,unique-id'; do
		haproxy_with '' 'mode tcp' 'unique-id-format %[uuid()]' \
			"server tcpcat $ADDR $how"
		printf hello | expect 0 "$TCPCAT" -s 127.0.0.5 \
			"127.0.26.6:$PORT" >got
		grep -qxE "127\.0\.0\.5 [0-9]+ 127\.0\.26\.6 $PORT" got ||
			fail "$how: $(cat got)"
		kill "${pid[haproxy]}"
		says 1 "^tcpcat: connection from 127\.0\.0\.5:[0-9]+ via 127" ||
			fail "$how: not said"
	done
	says_times 0 warning
}

@test "haproxy's health checks are served as its own" {
	serve proxy-protocol=+127.0.0.1
	haproxy_with '' 'mode tcp' \
		"server tcpcat $ADDR check inter 50ms send-proxy-v2"
	await says 2 '^tcpcat: connection from 127\.0\.0\.1:[0-9]+$'
	says_times 0 'PROXY header'
}

@test "haproxy with TLS sends what it knows of it" {
	needs_tls
	make_pair cert
	serve proxy-protocol=+127.0.0.1
	haproxy_with "ssl crt $PWD/cert.pem alpn h2" 'mode tcp' \
		"server tcpcat $ADDR send-proxy-v2-ssl-cn proxy-v2-options \
		ssl,cert-cn,ssl-cipher,cert-sig,cert-key,authority,crc32c"
	printf hello | expect 0 "$TCPCAT" -s 127.0.0.5 --no-shutdown \
		--tls-pin "$(pin cert)" --tls-pin-only --tls-alpn h2 \
		--recv-bytes 10 "127.0.26.6:$PORT" >got
	holds got '127.0.0.5 '
}

@test "nginx sends a header" {
	serve proxy-protocol=+127.0.0.1
	nginx_stream "proxy_pass $ADDR; proxy_protocol on;"
	printf hello | expect 0 "$TCPCAT" -s 127.0.0.5 --no-shutdown \
		--recv-bytes 10 "127.0.26.6:$PORT" >got
	holds got '127.0.0.5 '
}

@test "curl sends a header" {
	requires curl
	start server "$TCPCAT" -v -lk -c 'read -r a; printf "%s\r\n" \
		"HTTP/1.0 200 OK" "" "$TCPREMOTEIP $a"' \
		127.0.0.1:0,proxy-protocol=+127.0.0.1
	expect 0 curl -sS --noproxy '*' --haproxy-protocol \
		--interface 127.0.0.1 "http://$ADDR/" >got
	holds got '127.0.0.1 GET / HTTP/1.1\r\r\n'
	said_like '^tcpcat: connection from .* via ' server
}

@test "tcpecho takes headers, and its client sends them" {
	start server "$TCPECHO" -v 127.0.0.1:0,proxy-protocol=+127.0.0.1
	# shellcheck disable=SC2059
	printf "${V1}hello" | expect 0 "$TCPCAT" "$ADDR" >got
	holds got hello
	await says 1 '^tcpecho: connection from 192\.0\.2\.1:4711 via '
	expect 0 "$TCPECHO" --client --count 2 --interval 1ms \
		--proxy-protocol=2 "$ADDR" >out
	await says 2 '^tcpecho: connection from .* via '
}

@test "a Unix socket takes headers, and takes no list" {
	start server "$TCPCAT" -v -lk -c "$WHOM" unix:sock,proxy-protocol
	# shellcheck disable=SC2059
	printf "${V1}hello" | expect 0 "$TCPCAT" unix:sock >got
	grep -q '^192\.0\.2\.1 4711 ' got
	says_times 0 warning
	expect 0 "$TCPCAT" unix:sock,proxy-protocol=2 </dev/null
	expect 0 "$TCPCAT" unix:sock,proxy-protocol=1 </dev/null
	says_times 0 warning
	expect 2 "$TCPCAT" -l unix:other,proxy-protocol=+all
	[ ! -e other ]
}

@test "TLS begins behind the header" {
	needs_tls
	start server "$TCPCAT" -v -lk -c "$WHOM; echo \$TLS_PROTOCOL" \
		tls://127.0.0.1:0,self-signed,proxy-protocol=+127.0.0.1
	expect 0 "$TCPCAT" --tls-insecure "$ADDR,proxy-protocol=1" >got
	grep -qE '^127\.0\.0\.1 [0-9]+ 127\.0\.0\.1 [0-9]+$' got
	grep -q '^TLSv1\.2$' got
	await says 1 '^tcpcat: connection from .* via '
	haproxy_with '' 'mode tcp' \
		"server tcpcat $ADDR ssl verify none send-proxy-v2"
	expect 0 "$TCPCAT" -s 127.0.0.5 --no-shutdown --recv-bytes 10 \
		"127.0.26.6:$PORT" >got
	holds got '127.0.0.5 '
	says_times 0 warning
}

# --- in: who may --------------------------------------------------------------

@test "a sender that the list does not allow is closed before it is heard" {
	start server "$TCPCAT" -v -lk -c "$WHOM" \
		"127.0.0.1:0,proxy-protocol=+127/8;-127.0.0.9"
	# shellcheck disable=SC2059
	printf "$V1" | expect '*' "$TCPCAT" -s 127.0.0.9 --no-shutdown \
		"$ADDR" >got
	holds got ''
	await says 1 '^tcpcat: denied 127\.0\.0\.9:[0-9]+: -127\.0\.0\.9'
	says_whom "$V1" "$NAMES"
}

@test "a sender that no rule names is denied by that list, not by acl=" {
	start server "$TCPCAT" -v -lk -c "$WHOM" \
		"127.0.0.1:0,proxy-protocol=+127.0.0.1,acl=+all"
	expect '*' "$TCPCAT" -s 127.0.0.9 --no-shutdown "$ADDR" >got
	holds got ''
	await says 1 '^tcpcat: denied 127\.0\.0\.9:[0-9]+: default \(proxy-protocol\)$'
	says_whom "$V1" "$NAMES"
}

@test "acl= goes by the address that the header gives" {
	start server "$TCPCAT" -v -lk -c "$WHOM" \
		"127.0.0.1:0,proxy-protocol=+127/8,acl=-127/8;+127.1/16;-192.0.2.2"
	says_whom "$V1" "$NAMES"
	printf 'PROXY TCP4 192.0.2.2 192.0.2.3 1 2\r\n' |
		expect '*' "$TCPCAT" --no-shutdown "$ADDR" >got
	holds got ''
	await says 1 '^tcpcat: denied 192\.0\.2\.2:1: -192\.0\.2\.2'
	printf 'PROXY UNKNOWN\r\n' |
		expect '*' "$TCPCAT" --no-shutdown "$ADDR" >got
	holds got ''
	await says 1 '^tcpcat: denied 127\.0\.0\.1:[0-9]+: -127\.0\.0\.0/8'
}

@test "max-per-host goes by it, too, and each gives its place back" {
	local i
	serve proxy-protocol=+127/8,max-per-host=1
	for i in 1 2 3; do
		says_whom 'PROXY TCP6 :: :: 1 2\r\n' ':: 1 :: 2'
		await says "$i" 'done after'
	done
}

@test "without a list there is one warning, also after a reload" {
	echo '+all' >list
	serve proxy-protocol,acl-file=list --workers 2
	says_whom "$V1" "$NAMES"
	echo '-192.0.2.0/24' >list
	kill -HUP "${pid[server]}"
	await says 1 '^tcpcat: reloaded'
	await denied_now
	says_times 1 'believed from any sender'
}

denied_now() {
	# shellcheck disable=SC2059
	printf "$V1" | "$TCPCAT" --no-shutdown "$ADDR" >got 2>denied.err || :
	[ ! -s got ]
}

@test "a malformed list is 2 before anything listens, as is no value" {
	local value
	for value in 127.0.0.1 +127.0.0.256 ''; do
		expect 2 "$TCPCAT" -l "127.0.0.1:0,proxy-protocol=$value"
		expect 2 "$TCPCAT" -lk -e cat --proxy-protocol="$value" \
			127.0.0.1:0
		run ! grep listening expect.err
	done
	for value in '' =0 =3 =+127/8; do
		expect 2 "$TCPCAT" --proxy-protocol$value 127.0.0.1:1
		expect 2 "$TCPCAT" "127.0.0.1:1,proxy-protocol$value"
	done
	expect 2 "$TCPCAT" udp://127.0.0.1:1,proxy-protocol=1
	expect 2 "$TCPCAT" -l udp://127.0.0.1:0,proxy-protocol
}

# --- in: what is none ---------------------------------------------------------

@test "what is no header is refused, said and counted; nothing is served" {
	serve proxy-protocol=+127.0.0.1,max-clients=1
	refused_for 'what was sent is none' 'GET / HTTP/1.1\r\n\r\n'
	refused_for 'the line does not end with CRLF' 'PROXY UNKNOWN\n'
	refused_for 'it is of neither' 'PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n'
	refused_for 'not two IPv4' 'PROXY TCP4 1.2.3.04 1.2.3.4 1 2\r\n'
	refused_for 'not two ports' 'PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n'
	refused_for 'the line is longer' "$(printf 'PROXY TCP4 %0200d' 1)"
	refused_for 'neither version 1 nor 2' "$V2\61\21\0\14"
	refused_for 'the command' "$V2\42\21\0\14"
	refused_for 'unknown address family' "$V2\41\101\0\14"
	refused_for 'it is too short' "$V2\41\21\0\13"
	refused_for 'it is too long' "$V2\41\21\20\0"
	refused_for 'a TLV is' "$V2\41\21\0\15aaaabbbbccdde"
	refused_for 'the CRC32c is wrong' "$V2\41\21\0\23aaaabbbbccdd\3\0\4abcd"
	kill -USR1 "${pid[server]}"
	await says 1 ', 13 sent no good PROXY header;'
	says_whom "$V1" "$NAMES"
	says_times 1 '^tcpcat: connection from'
}

@test "one that is cut short is refused" {
	serve proxy-protocol=+127.0.0.1
	printf 'PROXY TCP4 1.2.3.4 1.2' | expect '[06]' "$TCPCAT" "$ADDR" >got
	await says 1 ': PROXY header: the connection ended within it'
	printf '' | expect '[06]' "$TCPCAT" "$ADDR" >>got
	await says 1 ': PROXY header: the connection ended before it'
	holds got ''
}

@test "one that does not come is not waited for without end" {
	needs_tls
	start server "$TCPCAT" -v -lk -e cat \
		tls://127.0.0.1:0,self-signed,proxy-protocol,connect-timeout=0.4
	for text in '' PROXY; do
		spawn silent "$PEER" "$ADDR" "text:$text" eof:20
		finish '*' silent
	done
	says_times 2 ': PROXY header: it was not there in time'
}

@test "who says nothing holds up nobody, and is given up by the stop" {
	serve proxy-protocol=+127.0.0.1
	spawn silent "$PEER" "$ADDR" text:PROXY touch:there eof:20
	spawn mute "$PEER" "$ADDR" touch:here eof:20
	await [ -e there -a -e here ]
	says_whom "$V1" "$NAMES"
	kill "${pid[server]}"
	finish 0 server
	finish 0 silent
	finish 0 mute
}

@test "with --json it is an event, with its own keys" {
	spawn server "$TCPCAT" --json -v -lk -c "$WHOM" \
		127.0.0.1:0,proxy-protocol
	await grep -q '"listening"' server.err
	ADDR=$("$EVENTS" listening local <server.err)
	printf 'GET /\r\n' | expect '*' "$TCPCAT" "$ADDR"
	await grep -q '"proxy-failed"' server.err
	says_whom "$V1" "$NAMES"
	kill -USR1 "${pid[server]}"
	await grep -q '"statistics"' server.err
	[ "$("$EVENTS" warning level <server.err)" = warning ]
	[[ $("$EVENTS" proxy-failed level peer <server.err) =~ \
		^warning\ 127\.0\.0\.1:[0-9]+$ ]]
	[[ $("$EVENTS" connect peer via <server.err) =~ \
		^192\.0\.2\.1:4711\ 127\.0\.0\.1:[0-9]+$ ]]
	[ "$("$EVENTS" statistics total proxy_failed tls_failed \
		<server.err)" = '1 1 0' ]
}

# --- one client only ----------------------------------------------------------

@test "-l waits for one who may come in, and then for nobody else" {
	start server "$TCPCAT" -v -l --acl -192.0.2.2 \
		--proxy-protocol=+127/8,-127.0.0.9 127.0.0.1:0 >got
	spawn silent "$PEER" "$ADDR" text:PROXY touch:there eof:20
	await [ -e there ]
	# shellcheck disable=SC2059
	printf "$V1" | expect '*' "$TCPCAT" -s 127.0.0.9 "$ADDR"
	await says 1 '^tcpcat: denied 127\.0\.0\.9:'
	printf 'PROXY TCP4 192.0.2.2 192.0.2.3 1 2\r\n' |
		expect '*' "$TCPCAT" "$ADDR"
	await says 1 '^tcpcat: denied 192\.0\.2\.2:1:'
	# shellcheck disable=SC2059
	printf "${V1}hello" | expect 0 "$TCPCAT" "$ADDR"
	finish 0 server
	finish 0 silent
	holds got hello
	said_like '^tcpcat: connection from 192\.0\.2\.1:4711 via 127' server
}

@test "-l ends with a header that is none: 6" {
	start server "$TCPCAT" -l 127.0.0.1:0,proxy-protocol >got
	printf 'GET /\r\n' | expect '*' "$TCPCAT" "$ADDR"
	finish 6 server
	holds got ''
	said_like '^tcpcat: 127\.0\.0\.1:[0-9]+: PROXY header: what was sent' \
		server
}

@test "-l with a program tells it of the header's addresses" {
	start server "$TCPCAT" -l -c "$WHOM" 127.0.0.1:0,proxy-protocol=+127/8
	says_whom "$V1" "$NAMES"
	finish 0 server
}

# --- out ----------------------------------------------------------------------

@test "haproxy takes what is sent, in both versions" {
	local version
	haproxy_with accept-proxy 'mode http' "http-request return status 200 $(
		)content-type text/plain lf-string $(
		)'%[src] %[src_port] %[dst] %[dst_port]'"
	for version in 1 2; do
		printf 'GET / HTTP/1.0\r\n\r\n' | expect 0 "$TCPCAT" -v \
			-s 127.0.0.5 \
			"127.0.26.6:$PORT,proxy-protocol=$version" >got
		tail -n 1 got |
			grep -qxE "127\.0\.0\.5 [0-9]+ 127\.0\.26\.6 $PORT" ||
			fail "version $version: $(cat got)"
	done
	printf 'GET / HTTP/1.0\r\n\r\n' |
		expect '*' "$TCPCAT" "127.0.26.6:$PORT" >got
	holds got ''
}

@test "nginx takes what is sent, in both versions" {
	requires nginx
	local version thing
	free_port
	{
		echo 'daemon off; master_process off; pid pid; events {} http {'
		echo 'access_log off;'
		for thing in client_body proxy fastcgi uwsgi scgi; do
			echo "${thing}_temp_path $thing;"
		done
		echo "server { listen 127.0.26.6:$PORT proxy_protocol;"
		echo 'location / { return 200 "$proxy_protocol_addr'
		echo '$proxy_protocol_port $proxy_protocol_server_port"; } } }'
	} >nginx.conf
	start_other nginx nginx -p "$PWD" -e stderr -c "$PWD/nginx.conf"
	for version in 1 2; do
		printf 'GET / HTTP/1.0\r\n\r\n' | expect 0 "$TCPCAT" \
			-s 127.0.0.5 --proxy-protocol=$version \
			"127.0.26.6:$PORT" >got
		sed '1,/^\r$/d' got | tr '\n' ' ' |
			grep -qE "^127\.0\.0\.5 [0-9]+ $PORT" ||
			fail "version $version: $(cat got)"
	done
}

@test "it is sent before anything else, also before starttls" {
	needs_tls
	start server "$PEER" -l 127.0.0.1:0 recv:11 >got
	expect '*' "$TCPCAT" --starttls smtp --tls-insecure \
		"$ADDR,proxy-protocol=1" </dev/null
	finish 0 server
	holds got 'PROXY TCP4 '
	start server "$PEER" -l 127.0.0.1:0 recv:12 >got
	expect '*' "$TCPCAT" --recv-only "$ADDR,proxy-protocol=2"
	finish 0 server
	holds got "$V2"
}

@test "through a proxy it is for the endpoint behind it" {
	requires microsocks
	start_other socks microsocks -i 127.0.0.1 -p 0
	local socks=127.0.0.1:$PORT
	start server "$PEER" -l 127.0.0.1:0 recv:12 >got
	expect '*' "$TCPCAT" --recv-only --via "socks5://$socks" \
		--proxy-protocol=2 "$ADDR"
	finish 0 server
	holds got "$V2"
}
