# tcpcat with nc, ncat, socat and curl, in both roles: big data each way,
# with an end each way.

load helpers

setup_file() {
	make_data
}

arrived() {
	cmp got.up "$DATA/up"
	cmp got.down "$DATA/down"
}

# serve_to COMMAND...: a foreign client of tcpcat -l, PORT for its port.
serve_to() {
	start server "$TCPCAT" -l 127.0.0.1:0 <"$DATA/down" >got.up
	expect 0 "${@/PORT/$PORT}" <"$DATA/up" >got.down
	finish 0 server
	arrived
}

# ask COMMAND...: a foreign server, on a port of 127.0.0.1 given as 0; OPTIONS
# go behind the address.
ask() {
	start_other server "$@" <"$DATA/down" >got.up
	expect 0 "$TCPCAT" "127.0.0.1:$PORT${OPTIONS:-}" <"$DATA/up" >got.down
	finish 0 server
	arrived
}

# the same over a Unix socket named sock
serve_unix_to() {
	start server "$TCPCAT" -l unix:sock <"$DATA/down" >got.up
	expect 0 "$@" <"$DATA/up" >got.down
	finish 0 server
	arrived
}

ask_unix() {
	spawn server "$@" <"$DATA/down" >got.up
	await test -S sock
	expect 0 "$TCPCAT" unix:sock <"$DATA/up" >got.down
	finish 0 server
	arrived
}

@test "nc is a client of tcpcat -l" {
	requires nc.openbsd
	serve_to nc.openbsd -N 127.0.0.1 PORT
}

# nc -l leaves when its client half-closes and it has nothing in its buffer,
# whatever its input still holds: the half-close has to wait.
@test "nc -l is a server for tcpcat with no-shutdown" {
	requires nc.openbsd
	OPTIONS=,no-shutdown ask nc.openbsd -N -l 127.0.0.1 0
}

# Over Unix sockets, nc drops what it has not sent when its peer half-closes,
# so it gets to talk first or alone.

@test "nc -U is a client of tcpcat -l unix:" {
	requires nc.openbsd
	start server "$TCPCAT" -l -d unix:sock >got.up
	expect 0 nc.openbsd -N -U sock <"$DATA/up"
	finish 0 server
	start server "$TCPCAT" -l unix:sock <"$DATA/down"
	expect 0 nc.openbsd -N -U sock >got.down
	finish 0 server
	arrived
}

@test "nc -lU is a server for tcpcat unix:" {
	requires nc.openbsd
	spawn server nc.openbsd -N -lU sock >got.up
	await test -S sock
	expect 0 "$TCPCAT" unix:sock <"$DATA/up"
	finish 0 server
	rm -f sock
	spawn server nc.openbsd -N -lU sock <"$DATA/down"
	await test -S sock
	expect 0 "$TCPCAT" -d unix:sock >got.down
	finish 0 server
	arrived
}

@test "nc by IPv6 is a client of tcpcat -l :port" {
	requires nc.openbsd ipv6
	start server "$TCPCAT" -l :0 <"$DATA/down" >got.up
	expect 0 nc.openbsd -N ::1 "$PORT" <"$DATA/up" >got.down
	finish 0 server
	arrived
}

@test "ncat is a client of tcpcat -l" {
	requires ncat
	serve_to ncat 127.0.0.1 PORT
}

@test "ncat -l is a server for tcpcat" {
	requires ncat
	ask ncat -l 127.0.0.1 0
}

@test "ncat -U is a client of tcpcat -l unix:" {
	requires ncat
	serve_unix_to ncat -U sock
}

@test "ncat -lU is a server for tcpcat unix:" {
	requires ncat
	ask_unix ncat -lU sock
}

@test "socat is a client of tcpcat -l" {
	requires socat
	serve_to socat -t 60 - TCP:127.0.0.1:PORT
}

@test "socat is a server for tcpcat" {
	requires socat
	ask socat -t 60 - TCP-LISTEN:0,bind=127.0.0.1
}

@test "socat is a client of tcpcat -l unix:" {
	requires socat
	serve_unix_to socat -t 60 - UNIX-CONNECT:sock
}

@test "socat is a server for tcpcat unix:" {
	requires socat
	ask_unix socat -t 60 - UNIX-LISTEN:sock
}

@test "socat is a client of tcpcat -l unix:@name" {
	requires socat
	local name=tcpkit-test-$$-$RANDOM
	start server "$TCPCAT" -l "unix:@$name" <"$DATA/down" >got.up
	expect 0 socat -t 60 - "ABSTRACT-CONNECT:$name" <"$DATA/up" >got.down
	finish 0 server
	arrived
}

@test "tcpcat -e is a server for socat's half-close" {
	requires socat
	start server "$TCPCAT" -l -e sha256sum 127.0.0.1:0
	expect 0 socat -t 60 - "TCP:$ADDR" <"$DATA/up" >sum
	finish 0 server
	sha256sum <"$DATA/up" | cmp - sum
}

# A small web server for one request: the body goes to body, or file is sent.
# shellcheck disable=SC2016 # for the shell that tcpcat runs
http='
	length=0
	while read -r name value && [ "$name" != "$(printf "\r")" ]; do
		case $name in
		[Cc]ontent-[Ll]ength:) length=${value%?} ;;
		esac
	done
	head -c "$length" >body
	printf "HTTP/1.1 200 OK\r\nContent-Length: %s\r\n" $(wc -c <"$FILE")
	printf "Connection: close\r\n\r\n"
	cat "$FILE"'

@test "curl fetches from tcpcat -l -c" {
	requires curl
	start server env FILE="$DATA/down" "$TCPCAT" -l -c "$http" 127.0.0.1:0
	expect 0 curl -sS --noproxy '*' -o got "http://$ADDR/"
	finish 0 server
	cmp got "$DATA/down"
}

@test "curl sends to tcpcat -l -c" {
	requires curl
	echo thanks >reply
	start server env FILE=reply "$TCPCAT" -l -c "$http" 127.0.0.1:0
	expect 0 curl -sS --noproxy '*' -T "$DATA/up" -o got "http://$ADDR/"
	finish 0 server
	cmp body "$DATA/up"
	holds got 'thanks\n'
}

@test "curl fetches from tcpcat -l < response" {
	requires curl
	printf 'HTTP/1.0 200 OK\r\n\r\n' | cat - "$DATA/down" >response
	start server "$TCPCAT" -l 127.0.0.1:0 <response >request
	expect 0 curl -sS --noproxy '*' -o got "http://$ADDR/x"
	finish 0 server
	cmp got "$DATA/down"
	head -n 1 request | grep -q '^GET /x HTTP/1\.1'
}

@test "curl fetches from tcpcat -l unix:" {
	requires curl
	start server env FILE="$DATA/down" "$TCPCAT" -l -c "$http" unix:sock
	expect 0 curl -sS --unix-socket sock -o got http://localhost/
	finish 0 server
	cmp got "$DATA/down"
}

@test "tcpcat fetches what curl fetches from a web server" {
	requires curl
	spawn web python3 -u -m http.server --protocol HTTP/1.0 \
		--bind 127.0.0.1 --directory "$DATA" 0 >web.out
	await grep -qs 'port [0-9]' web.out
	PORT=$(sed -n 's/.* port \([0-9]*\) .*/\1/p' web.out)
	expect 0 curl -sS --noproxy '*' -i -o by_curl \
		"http://127.0.0.1:$PORT/up"
	printf 'GET /up HTTP/1.0\r\n\r\n' |
		expect 0 "$TCPCAT" "127.0.0.1:$PORT" >by_tcpcat
	sed '1,/^\r$/d' by_tcpcat | cmp - "$DATA/up"
	sed '1,/^\r$/d' by_curl | cmp - "$DATA/up"
}
