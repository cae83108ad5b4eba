# tcpecho --client over TLS: the same, with the handshake's time apart.

load helpers
load tls

TCPECHO=$BUILD/tcpecho
ECHO=$SRC/test/peers/echo.py

setup_file() {
	load tls
	make_certs
}

@test "every message comes back by TLS, and the handshake is timed" {
	start server "$ECHO" -t "$CERTS/server.pem" "$CERTS/server.key"
	expect 0 "$TCPECHO" --client --count 5 --interval 20ms \
		--tls-ca "$CERTS/ca.pem" "$ADDR" >out
	said_nothing
	grep -qx 'messages    5 sent, 5 echoed, 0 lost, 0 wrong' out
	grep -qE '^tls +[0-9.]+ ms' out
}

@test "a flood by TLS is verified" {
	start server "$TCPECHO" "tls://127.0.0.1:0,$(own server)"
	expect 0 "$TCPECHO" --client --json --flood --count 2000 --parallel 3 \
		--tls-ca "$CERTS/ca.pem" "$ADDR" >out
	grep -q '"sent":6000,"echoed":6000,"lost":0,"corrupt":0' out
	grep -qE '"tls":[0-9]' out
}

@test "later connections resume the session" {
	start server "$TCPECHO" "tls://127.0.0.1:0,$(own server)"
	expect 0 "$TCPECHO" --client -v --count 3 --per-connection 1 \
		--interval 10ms --tls-ca "$CERTS/ca.pem" "$ADDR" >out
	[ "$(grep -c 'TLSv1.2 ' expect.err)" -eq 3 ]
	[ "$(grep -c ', resumed' expect.err)" -eq 2 ]
}

@test "a server that is not trusted: 5, a summary, and no second try" {
	start server "$ECHO" -t "$CERTS/server.pem" "$CERTS/server.key"
	expect 5 "$TCPECHO" --client --reconnect --tls-ca "$CERTS/ca2.pem" \
		"$ADDR" >out
	grep -q '0 made, 1 failed' out
	the_option | grep -qF -e "$(pin_of server)"
}
