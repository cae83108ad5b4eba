# TLS handshakes that do not come about: peers that speak something else, or
# nothing, and clients that are not let in (SPEC 1.4, 1.5, 1.6).

load helpers
load tls

setup_file() {
	make_certs
}

# foreign STEP...: a server that does this instead of TLS; status 5.
foreign() {
	start server "$PEER" -l 127.0.0.1:0 "$@" >request
	expect 5 "$TCPCAT" --tls "$ADDR" < <(printf secret) >answer
	holds answer ''
	run ! grep -q secret request
	said_like "^tcpcat: .*${ADDR//./\\.}.*(TLS|handshake)"
}

# strange STEP...: a client that does this instead of TLS; status 5.
strange() {
	start server "$TCPCAT" -l -v "tls://127.0.0.1:0,$(own server)" \
		< <(printf secret) >got
	expect '*' "$PEER" "$ADDR" "$@" >answer
	finish 5 server
	holds got ''
	run ! grep -q secret answer
	said_like '^tcpcat: .*127\.0\.0\.1:[0-9]+.*(TLS|handshake)' server
}

@test "a server that speaks TLS 1.3 only is told apart: 5" {
	start_other server openssl s_server -quiet -accept 127.0.0.1:0 \
		-tls1_3 -cert "$CERTS/server.pem" -key "$CERTS/server.key"
	expect 5 "$TCPCAT" "tls://127.0.0.1:$PORT,ca=$CERTS/ca.pem" >answer
	said_like '^tcpcat: .*TLS 1\.3'
	holds answer ''
}

@test "a GnuTLS server that speaks TLS 1.3 only is told apart: 5" {
	requires gnutls-serv
	start_other server gnutls-serv --quiet --echo --port 0 \
		--priority NORMAL:-VERS-ALL:+VERS-TLS1.3 \
		--x509certfile "$CERTS/server.pem" \
		--x509keyfile "$CERTS/server.key"
	expect 5 "$TCPCAT" "tls://127.0.0.1:$PORT,ca=$CERTS/ca.pem" >answer
	said_like '^tcpcat: .*TLS 1\.3'
}

@test "a client that speaks TLS 1.3 only is told apart: 5" {
	serve "$(own server)"
	expect '[1-9]*' openssl s_client -connect "$ADDR" -tls1_3 >said
	finish 5 server
	said_like '^tcpcat: .*TLS 1\.3' server
	said_like 'alert' expect
}

@test "a client or server that speaks TLS 1.1 only is 5" {
	serve "$(own server)"
	expect '[1-9]*' openssl s_client -connect "$ADDR" -tls1_1 \
		-cipher 'ALL:@SECLEVEL=0' >said
	finish 5 server
	start_other server openssl s_server -quiet -accept 127.0.0.1:0 \
		-tls1_1 -cipher 'ALL:@SECLEVEL=0' \
		-cert "$CERTS/server.pem" -key "$CERTS/server.key"
	expect 5 "$TCPCAT" "tls://127.0.0.1:$PORT,ca=$CERTS/ca.pem"
}

@test "a server without a common suite is 5" {
	start_other server openssl s_server -quiet -accept 127.0.0.1:0 \
		-tls1_2 -cipher AES128-SHA:ECDHE-RSA-AES128-SHA \
		-cert "$CERTS/rsa.pem" -key "$CERTS/rsa.key"
	expect 5 "$TCPCAT" "tls://127.0.0.1:$PORT,ca=$CERTS/ca.pem"
	serve "$(own server)"
	expect '[1-9]*' openssl s_client -connect "$ADDR" -tls1_2 \
		-cipher ECDHE+aRSA >said
	finish 5 server
}

@test "a server that speaks HTTP is 5, and said not to speak TLS" {
	foreign recv:1 text:$'HTTP/1.1 400 Bad Request\r\n\r\n' shut eof
}

@test "a server that speaks SSH or SMTP first is 5" {
	foreign text:$'SSH-2.0-OpenSSH_9.2p1\r\n' eof
	foreign text:$'220 mail.example ESMTP ready\r\n' eof
}

@test "a server that ends at once, or after our first word, is 5" {
	foreign shut eof
	foreign recv:40 close
	foreign recv:5 shut eof
}

@test "a server of zeros is 5" {
	head -c 100k /dev/zero >zeros
	foreign send:zeros shut eof
}

@test "a client that speaks HTTP is 5, and said not to speak TLS" {
	strange text:$'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n' eof
}

@test "a client that speaks SSH, or sends zeros, is 5" {
	strange text:$'SSH-2.0-OpenSSH_9.2p1\r\n' eof
	head -c 100k /dev/zero >zeros
	strange send:zeros
}

@test "a client that ends at once, or in the middle of it, is 5" {
	strange shut eof
	strange text:$'\026\003\001' shut eof
}

@test "a plain tcpcat at a TLS listener, and the other way round, is 5" {
	serve "$(own server)"
	expect '*' "$TCPCAT" "$ADDR" < <(echo this is not TLS) >answer
	finish 5 server
	holds got ''
	run ! grep -q hello answer
	start server "$TCPCAT" -l 127.0.0.1:0 < <(printf hello) >request
	expect 5 "$TCPCAT" --tls "$ADDR" < <(printf secret) >answer
	finish '*' server
	holds answer ''
	run ! grep -q secret request
}

# --- handshakes that never finish -------------------------------------------

@test "a server that says nothing: --connect-timeout and -w give 4" {
	local flag
	for flag in --connect-timeout -w; do
		start server "$PEER" -l 127.0.0.1:0 sleep:60
		expect 4 "$TCPCAT" --tls $flag 0.5 "$ADDR"
		took_ms 450 15000
		said_like "^tcpcat: .*${ADDR//./\\.}"
	done
	start server "$PEER" -l 127.0.0.1:0 sleep:60
	expect 4 "$TCPCAT" "tls://$ADDR,connect-timeout=500ms"
}

@test "a client that says nothing: --connect-timeout and -w give 4" {
	local flag
	for flag in --connect-timeout -w; do
		serve "$(own server)" $flag 0.5
		spawn client "$PEER" "$ADDR" sleep:60
		finish 4 server
		said_like '^tcpcat: .*127\.0\.0\.1:[0-9]+' server
	done
	serve "$(own server),connect-timeout=500ms"
	spawn client "$PEER" "$ADDR" sleep:60
	finish 4 server
}

@test "a handshake that stops half-way is 4 on both sides" {
	serve "$(own server)" --connect-timeout 1
	proxy down.stall:0
	expect 4 "$TCPCAT" --connect-timeout 0.5 \
		"tls://$ADDR,ca=$CERTS/ca.pem"
	finish '[45]' server
	serve "$(own server)" --connect-timeout 0.5
	proxy down.stall:0
	spawn client "$TCPCAT" "tls://$ADDR,ca=$CERTS/ca.pem"
	finish 4 server
}

@test "a slow trickle does not extend the time for the handshake" {
	serve "$(own server)" --connect-timeout 1
	expect '*' "$PEER" "$ADDR" text:$'\026' sleep:0.4 text:$'\003' \
		sleep:0.4 text:$'\001' sleep:0.4 text:$'\001' eof:10
	finish 4 server
}

# --- who is not let in ------------------------------------------------------

@test "a client that the list denies gets no TLS, the next one does" {
	serve "$(own server),acl=-127.0.0.2" -v
	expect '[06]' "$TCPCAT" -s 127.0.0.2 "$ADDR" >answer
	holds answer ''
	expect '[56]' "$TCPCAT" -s 127.0.0.2 "tls://$ADDR,ca=$CERTS/ca.pem"
	[ "$(grep denied server.err | grep -c '127\.0\.0\.2')" -eq 2 ]
	run ! said_like TLS server
	accepted "tls://$ADDR,ca=$CERTS/ca.pem"
}

@test "a client whose handshake failed is the one that -l serves: 5" {
	serve "$(own server)"
	refused "tls://$ADDR"
	expect 1 "$TCPCAT" "tls://$ADDR,ca=$CERTS/ca.pem"
}
