# tcprelay with TLS on either side, or both (SPEC section 4).

load helpers
load server
load relay
load tls

setup_file() {
	make_certs
}

# trusts: the options of one who trusts our authority.
trusts() {
	echo "ca=$CERTS/ca.pem"
}

# big BETWEEN...: data each way through the relay there, whole.
big() {
	head -c 4M /dev/urandom >data
	expect 0 "$TCPCAT" "$@" <data >got
	cmp got data
	await says 1 ': done after [0-9.]* s, the client ended first' relay
}

echo_tls() {	# [OPTIONS]
	start echo "$TCPECHO" "tls://127.0.0.1:0,$(own server)${1:+,$1}"
}

@test "TLS in, plain out: big data each way" {
	start echo "$TCPECHO" 127.0.0.1:0
	relay "tls://127.0.0.1:0,$(own server)" "$ADDR"
	big "tls://$ADDR,$(trusts)"
}

@test "plain in, TLS out, verified by name: big data each way" {
	echo_tls
	relay 127.0.0.1:0 "tls://localhost:$PORT,$(trusts)"
	big "$ADDR"
}

@test "TLS in and out, with certificates asked for on both sides" {
	echo_tls "client-ca=$CERTS/ca.pem"
	relay "tls://127.0.0.1:0,$(own server),client-ca=$CERTS/ca.pem" \
		"tls://$ADDR,$(trusts),$(own client)"
	big "tls://$ADDR,$(trusts),$(own client)"
	expect 5 "$TCPCAT" "tls://$ADDR,$(trusts)"
}

@test "several certificates, by the name asked for" {
	start echo "$TCPECHO" --greet hi 127.0.0.1:0
	relay "tls://127.0.0.1:0,cert=$CERTS/server.pem;$CERTS/other.pem,key=$CERTS/server.key;$CERTS/other.key" "$ADDR"
	expect 0 "$TCPCAT" "tls://$ADDR,$(trusts),name=localhost" >got
	holds got hi
	expect 0 "$TCPCAT" "tls://$ADDR,$(trusts),name=another.test" >got
	holds got hi
	# An openssl that asks for neither gets the first.
	openssl s_client -connect "$ADDR" -noservername </dev/null \
		2>/dev/null >seen || :
	openssl x509 -in "$CERTS/server.pem" -noout -serial >want
	openssl x509 -in seen -noout -serial | cmp - want
}

@test "certificates are read again on SIGHUP; who is there stays" {
	start echo "$TCPECHO" --greet hi 127.0.0.1:0
	cp "$CERTS/server.pem" own.pem
	cp "$CERTS/server.key" own.key
	relay "tls://127.0.0.1:0,cert=own.pem,key=own.key" "$ADDR"
	spawn stays "$TCPCAT" --wait-stdin "tls://$ADDR,$(trusts)" \
		< <(held go; printf more) >stays.got
	await has stays.got 2
	cp "$CERTS/other.pem" own.pem
	cp "$CERTS/other.key" own.key
	kill -HUP "${pid[relay]}"
	await says 1 '^tcprelay: reloaded$' relay
	expect 5 "$TCPCAT" "tls://$ADDR,$(trusts),name=localhost"
	expect 0 "$TCPCAT" "tls://$ADDR,$(trusts),name=another.test" >got
	holds got hi
	# A key that does not fit is refused, and changes nothing.
	cp "$CERTS/server.key" own.key
	kill -HUP "${pid[relay]}"
	await says 1 '^tcprelay: not reloaded: ' relay
	expect 0 "$TCPCAT" "tls://$ADDR,$(trusts),name=another.test" >got
	touch go
	finish 0 stays
	holds stays.got himore
}

# A target that is not what it should be: the client is reset, and the log
# says why.
turned_down() {		# REGEX TARGET
	relay 127.0.0.1:0 "$2"
	printf secret | expect '[16]' "$TCPCAT" "$ADDR" >got
	holds got ''
	said_like 'Connection reset by peer'
	await says 1 "^tcprelay: warning: .*$1" relay
	await says 1 '^tcprelay: warning: 127\.0\.0\.1:[0-9]+.* after [0-9.]+ s \(sent 0 bytes' relay
	stop
}

@test "a target of another name, authority or pin is refused" {
	start echo "$TCPECHO" -v "tls://127.0.0.1:0,$(own server)"
	local at=$ADDR
	turned_down 'another\.test' "tls://$at,$(trusts),name=another.test"
	turned_down '[Tt]rust|issuer|authority|unknown' \
		"tls://$at,ca=$CERTS/ca2.pem"
	turned_down pin "tls://$at,$(trusts),pin=$(pin_of other)"
	run ! grep -q 'secret' echo.err
}

@test "a target that speaks no TLS is refused" {
	start echo "$TCPECHO" --greet hello 127.0.0.1:0
	turned_down TLS "tls://$ADDR,$(trusts)"
}

@test "where one target is refused, the next one serves" {
	start echo "$TCPECHO" --greet good "tls://127.0.0.1:0,$(own server)"
	relay 127.0.0.1:0 "tls://$ADDR,ca=$CERTS/ca2.pem" \
		"tls://$ADDR,$(trusts)"
	local i
	for i in 1 2 3; do
		[ "$(ask)" = good ]
	done
}

@test "a client that fails its handshake never reaches a target" {
	start echo "$TCPECHO" -v 127.0.0.1:0
	relay "tls://127.0.0.1:0,$(own server)" "$ADDR"
	printf 'this is no TLS, not at all\r\n\r\n' >plain
	expect '*' "$PEER" "$ADDR" send:plain shut eof
	await says 1 '^tcprelay: warning: .*TLS' relay
	expect 5 "$TCPCAT" "tls://$ADDR,ca=$CERTS/ca2.pem"
	run ! grep -q 'connection from' echo.err
}

# told FLAG...: a target gets a PROXY header that says what TLS is like.
told() {
	start peer "$PEER" -o told -l 127.0.0.1:0 eof text:ok shut
	relay "$@" "tls://127.0.0.1:0,$(own server),client-ca=$CERTS/ca.pem" \
		"$ADDR,proxy-protocol=2"
	printf hi | expect 0 "$TCPCAT" --sha256 \
		"tls://$ADDR,$(trusts),$(own client),name=localhost" >got
	holds got ok
	finish 0 peer
	grep -aq 'localhost.*TLSv1\.2.*ECDHE-.*A Clienthi$' told
	stop
}

@test "proxy-protocol=2 says what TLS was agreed on with the client" {
	told
	told --hexdump talk
}

@test "a program finds what TLS was agreed on with the client" {
	relay "tls://127.0.0.1:0,$(own server),client-ca=$CERTS/ca.pem" \
		'sh:echo $TLS_PROTOCOL $TLS_SNI $TLS_PEER_SUBJECT'
	ask --tls-ca "$CERTS/ca.pem" --tls-cert "$CERTS/client.pem" \
		--tls-key "$CERTS/client.key" --tls-name localhost >got
	holds got 'TLSv1.2 localhost O=Tests,CN=A Client\n'
}

@test "--capture records what passes, decrypted" {
	start echo "$TCPECHO" "tls://127.0.0.1:0,$(own server)"
	relay --capture dump --hexdump text "tls://127.0.0.1:0,$(own server)" \
		"tls://$ADDR,$(trusts)"
	printf 'a secret' | expect 0 "$TCPCAT" "tls://$ADDR,$(trusts)" >got
	await says 1 ': done ' relay
	stop
	grep -qaF 'a secret' dump
	grep -qF 'a secret' text
}

@test "--tls: all addresses are TLS, and another scheme is a usage error" {
	echo_tls
	relay --tls-cert "$CERTS/server.pem" --tls-key "$CERTS/server.key" \
		--tls-ca "$CERTS/ca.pem" 127.0.0.1:0 "$ADDR"
	big "tls://$ADDR,$(trusts)"
	expect 2 "$TCPRELAY" --tls 127.0.0.1:0 unix:one
	said_like 'unix:one'
}

@test "pool and check of a target of TLS" {
	start echo "$TCPECHO" -v --greet hi "tls://127.0.0.1:0,$(own server)"
	relay 127.0.0.1:0 "tls://$ADDR,$(trusts),pool=2,check=5s"
	await says 3 '^tcpecho: connection from ' echo
	local i
	for i in 1 2 3; do
		[ "$(ask)" = hi ]
	done
}
