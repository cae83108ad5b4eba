# TLS: what the two ends agree on - client certificates, protocols, names,
# sessions - and what happens when they do not (SPEC 1.1, 1.6).

load helpers
load tls

setup_file() {
	make_certs
}

# --- client certificates ----------------------------------------------------

# guarded [OPTIONS]: a server that requires one from ca.
guarded() {
	serve "$(own server),client-ca=$CERTS/ca.pem${1:-}" -v
}

@test "client-ca= lets in who has a certificate: EC and RSA" {
	local name
	for name in client client-rsa; do
		guarded
		accepted "tls://$ADDR,ca=$CERTS/ca.pem,$(own $name)"
		said_like '^tcpcat: .*A Client' server
	done
	serve "$(own rsa),client-ca=$CERTS/bundle.pem"
	accepted --tls-ca "$CERTS/ca.pem" --tls-cert "$CERTS/client.pem" \
		--tls-key "$CERTS/client.key" "$ADDR"
}

@test "client-ca= without a certificate is 5 on both sides" {
	guarded
	refused "tls://$ADDR,ca=$CERTS/ca.pem"
	said_like '^tcpcat: .*certificate' server
	said_like '^tcpcat: .*certificate|handshake'
}

@test "client-ca= with a certificate of another authority, or expired, is 5" {
	local name
	for name in client-wrong client-expired self; do
		guarded
		refused "tls://$ADDR,ca=$CERTS/ca.pem,$(own $name)"
	done
	guarded
	refused "tls://$ADDR,ca=$CERTS/ca.pem,$(own client-wrong)"
	said_like '^tcpcat: .*subject.*A Client' server
	said_like "^tcpcat: .*$(pin_of client-wrong | tr + .)" server
}

@test "a certificate for servers is none of a client: 5" {
	guarded
	refused "tls://$ADDR,ca=$CERTS/ca.pem,$(own other)"
	serve "$(own client)"
	refused "tls://$ADDR,ca=$CERTS/ca.pem,name=client.test"
}

@test "client-ca= and pin= let in one client's key only" {
	guarded ",pin=$(pin_of client)"
	accepted "tls://$ADDR,ca=$CERTS/ca.pem,$(own client)"
	guarded ",pin=$(pin_of client)"
	refused "tls://$ADDR,ca=$CERTS/ca.pem,$(own client-rsa)"
	guarded ",pin=$(pin_of client-wrong)"
	refused "tls://$ADDR,ca=$CERTS/ca.pem,$(own client-wrong)"
}

@test "a certificate that nobody asked for is not sent, and no error" {
	serve "$(own server)" -v
	accepted "tls://$ADDR,ca=$CERTS/ca.pem,$(own client)"
	run ! said_like 'A Client' server
}

# The TLS_* variables of a program behind -l, in got.
variables() {		# SERVER-OPTIONS CLIENT-OPTIONS [VARIABLE=VALUE...]
	local options=$1 client=$2
	shift 2
	start server env "$@" "$TCPCAT" -l -c 'env | grep ^TLS_ | sort' \
		"tls://127.0.0.1:0,$options"
	expect 0 "$TCPCAT" "tls://localhost:$PORT,ca=$CERTS/ca.pem$client" \
		>got
	finish 0 server
}

@test "a program finds in TLS_* what was agreed and who the client is" {
	variables "$(own server),client-ca=$CERTS/ca.pem,alpn=a;b" \
		",$(own client),alpn=b"
	grep -E '^TLS_[A-Z_]*=TLSv1\.2$' got
	grep -E '^TLS_[A-Z_]*=.*ECDHE-ECDSA' got
	grep -E '^TLS_[A-Z_]*=b$' got
	grep -E '^TLS_[A-Z_]*=localhost$' got
	grep -E '^TLS_[A-Z_]*=.*A Client' got
	grep -E '^TLS_[A-Z_]*=.*client\.test' got
	grep -E '^TLS_[A-Z_]*=.*Test CA' got
	grep -E "^TLS_[A-Z_]*=$(pin_of client | sed 's/[+]/[+]/g')\$" got

	# Nobody's environment passes for it.
	local forged
	mapfile -t forged < <(sed 's/=.*/=forged/' got)
	variables "$(own server)" '' "${forged[@]}"
	grep -E '^TLS_[A-Z_]*=TLSv1\.2$' got
	run ! grep -e forged -e Client got
}

@test "a program behind plain TCP has no TLS_* variables of ours" {
	variables "$(own server),client-ca=$CERTS/ca.pem" ",$(own client)"
	local forged
	mapfile -t forged < <(sed 's/=.*/=forged/' got)
	start server env "${forged[@]}" "$TCPCAT" -l -c 'env; :' 127.0.0.1:0
	expect 0 "$TCPCAT" "$ADDR" >plain
	finish 0 server
	grep -q '^TCPREMOTEIP=' plain
	run ! grep forged plain
}

@test "the program of a client has TLS_* variables, too" {
	serve "$(own server)"
	expect 0 "$TCPCAT" -c 'env | grep ^TLS_ >vars; cat >answer; echo hi' \
		"tls://$ADDR,ca=$CERTS/ca.pem"
	finish 0 server
	holds answer hello
	holds got 'hi\n'
	grep -E '^TLS_[A-Z_]*=.*CN=server' vars
}

@test "--json names the client that was verified" {
	spawn server "$TCPCAT" -l -v --json \
		"tls://127.0.0.1:0,$(own server),client-ca=$CERTS/ca.pem"
	listening() {
		ADDR=$("$EVENTS" listening local <server.err) && [ -n "$ADDR" ]
	}
	await listening
	expect 0 "$TCPCAT" "tls://$ADDR,ca=$CERTS/ca.pem,$(own client)"
	finish 0 server
	python3 -c '
import json, sys
said = [json.loads(line) for line in sys.stdin]
assert any("A Client" in m.get("subject", "") and m["verified"] is True
           and m["pin"] == sys.argv[1] for m in said), said
' "$(pin_of client)" <server.err
}

# --- ALPN -------------------------------------------------------------------

@test "ALPN: the first of the server's that the client knows" {
	serve "$(own server),alpn=h2;http/1.1" -v
	accepted -v "tls://$ADDR,ca=$CERTS/ca.pem,alpn=x;http/1.1;h2"
	said_like '^tcpcat: .*\bh2\b'
	said_like '^tcpcat: .*\bh2\b' server
	start server "$TCPCAT" -l --tls-alpn h2,http/1.1 -v \
		"tls://127.0.0.1:0,$(own server)" < <(printf hello) >got
	accepted -v --tls-alpn x,http/1.1 --tls-ca "$CERTS/ca.pem" "$ADDR"
	said_like '^tcpcat: .*\bhttp/1\.1'
	said_like '^tcpcat: .*\bhttp/1\.1' server
}

@test "ALPN: nothing in common is refused by the server: 5" {
	serve "$(own server),alpn=h2"
	refused "tls://$ADDR,ca=$CERTS/ca.pem,alpn=http/1.1"
	said_like '^tcpcat: .*(ALPN|application protocol)'
	said_like '^tcpcat: .*(ALPN|application protocol)' server
}

@test "ALPN: none on either side is none" {
	serve "$(own server),alpn=h2"
	accepted "tls://$ADDR,ca=$CERTS/ca.pem"
	serve "$(own server)"
	accepted "tls://$ADDR,ca=$CERTS/ca.pem,alpn=h2"
}

@test "ALPN with openssl, in both roles" {
	serve "$(own server),alpn=h2;http/1.1"
	expect 0 openssl s_client -connect "$ADDR" -alpn http/1.1,h2 >said
	grep -q 'ALPN protocol: h2' said
	start_other openssl openssl s_server -quiet -accept 127.0.0.1:0 \
		-cert "$CERTS/server.pem" -key "$CERTS/server.key" \
		-alpn http/1.1,h2
	expect 0 "$TCPCAT" --tls-info \
		"tls://127.0.0.1:$PORT,ca=$CERTS/ca.pem,alpn=h2;http/1.1" >said
	grep -qF http/1.1 said
}

# --- several certificates ---------------------------------------------------

# chosen OPTION...: the subject that a client with these options is shown.
chosen() {
	start server "$TCPCAT" -l "tls://127.0.0.1:0,cert=$cert,key=$key"
	expect '*' openssl s_client -connect "$ADDR" -tls1_2 "$@" >said
	sed -n 's/^subject=.*CN = //p' said
}

@test "several certificates: by the name asked for, the first if by none" {
	local cert key c=$CERTS
	cert="$c/server.pem;$c/rsa.pem;$c/other.pem;$c/other-rsa.pem"
	key="$c/server.key;$c/rsa.key;$c/other.key;$c/other-rsa.key"
	[ "$(chosen -servername localhost)" = server ]
	[ "$(chosen -servername another.test)" = another ]
	[ "$(chosen -servername ANOTHER.test)" = another ]
	[ "$(chosen -servername unknown.test)" = server ]
	[ "$(chosen -noservername)" = server ]
}

@test "several certificates: EC and RSA for one name, by the client" {
	local cert key c=$CERTS
	cert="$c/rsa.pem;$c/server.pem;$c/other-rsa.pem;$c/other.pem"
	key="$c/rsa.key;$c/server.key;$c/other-rsa.key;$c/other.key"
	[ "$(chosen -servername localhost -cipher ECDHE+aRSA)" = \
		'server with RSA' ]
	[ "$(chosen -servername localhost -cipher ECDHE+aECDSA)" = server ]
	[ "$(chosen -servername another.test -cipher ECDHE+aRSA)" = \
		'another with RSA' ]
	[ "$(chosen -servername another.test -cipher ECDHE+aECDSA)" = another ]
}

@test "several certificates: files that hold both, flags with commas" {
	local c=$CERTS name
	for name in server other; do
		cat "$c/$name.pem" "$c/$name.key" >$name.both
	done
	for name in localhost another.test; do
		start server "$TCPCAT" -l --tls-cert server.both,other.both \
			127.0.0.1:0 < <(printf hello) >got
		accepted "tls://$ADDR,ca=$c/ca.pem,name=$name"
	done
	wrong key -l "tls://127.0.0.1:0,cert=server.both;$c/rsa.pem"
}

# --- sessions ---------------------------------------------------------------

# again OPTIONS: what openssl says of a second connection: New or Reused.
again() {
	[[ $("$TCPCAT" --help) == *--keep-open* ]] ||
		skip "requires tcpcat -k"
	start server "$TCPCAT" -lk -c 'echo hello' "tls://127.0.0.1:0,$1"
	shift
	expect 0 openssl s_client -connect "$ADDR" -tls1_2 "$@" \
		-sess_out session >first
	grep -q '^New, ' first
	expect 0 openssl s_client -connect "$ADDR" -tls1_2 "$@" \
		-sess_in session >second
}

@test "a session is resumed by the server" {
	again "$(own server)"
	grep -q '^Reused, ' second
}

@test "a session is not resumed where clients have certificates" {
	again "$(own server),client-ca=$CERTS/ca.pem" \
		-cert "$CERTS/client.pem" -key "$CERTS/client.key"
	grep -q '^New, ' second
}

# --- --tls-info -------------------------------------------------------------

@test "--tls-info prints what was agreed and the certificate, and leaves" {
	local text
	serve "$(own server)"
	expect 0 "$STDIO" pipe - info "$TCPCAT" --tls-info \
		"tls://$ADDR,ca=$CERTS/ca.pem"
	said_nothing
	for text in TLSv1.2 ECDHE-ECDSA- CN=server 'Test CA' localhost \
		127.0.0.1 ::1 'P-256' "$(pin_of server)"
	do
		grep -qF -e "$text" info || fail "--tls-info does not say $text"
	done
	run ! grep -v '^[a-zA-Z]' info
	finish '[06]' server
	serve "$(own rsa)"
	expect 0 "$TCPCAT" --tls-info "tls://$ADDR,ca=$CERTS/ca.pem" >info
	grep -F ECDHE-RSA- info
	grep -F 'RSA 2048' info
}

@test "--tls-info --json is an object" {
	serve "$(own server),alpn=h2"
	expect 0 "$TCPCAT" --tls-info --json --tls-alpn h2 \
		"tls://localhost:$PORT,ca=$CERTS/ca.pem" >info
	python3 -c '
import json, sys
m, = [json.loads(line) for line in sys.stdin]
assert m["tool"] == "tcpcat" and m["alpn"] == "h2", m
assert m["pin"] == sys.argv[1] and "localhost" in m["names"], m
assert m["verified"] is True and "server" in m["subject"], m
assert "Test CA" in m["issuer"] and "TLSv1.2" in m.values(), m
' "$(pin_of server)" <info
}

@test "--tls-info of a server that is not trusted is 5, with insecure 0" {
	serve "$(own server)"
	expect 5 "$TCPCAT" --tls-info "$ADDR" >info
	[[ $(the_option) == *"$(pin_of server)"* ]]
	serve "$(own server)"
	expect 0 "$TCPCAT" --tls-info --tls-insecure "$ADDR" >info
	grep -F "$(pin_of server)" info
	grep -iE 'verified.*no|not verified' info
	said_like '^tcpcat: .*(insecure|not verif)'
}
