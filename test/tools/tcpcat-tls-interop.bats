# TLS with openssl, GnuTLS, curl, ncat, socat, Python, stunnel, nginx and
# haproxy, in both roles where they have two: 50 MB each way, exact.
#
# TLS 1.2 lets a peer drop what it has not sent when our close_notify comes
# (RFC 5246, 7.2.1).  Who does so is said at its test, which then has
# no-shutdown, or an input that ends only when the reply is there.

load helpers
load tls

setup_file() {
	make_certs
	make_tls_data
}

arrived() {
	cmp got.up "$DATA/up"
	cmp got.down "$DATA/down"
}

# input_until FILE: our data, and no end of it before the whole of the other
# side's is in FILE.
input_until() {
	cat "$1"
	await has "$2" "$(size "$3")"
}

# serve_to COMMAND...: a foreign client of tcpcat -l, PORT for its port;
# CERT is the server's certificate, OPTIONS go behind the address.
serve_to() {
	start server "$TCPCAT" -l \
		"tls://127.0.0.1:0,$(own "${CERT:-server}")${OPTIONS:-}" \
		<"$DATA/down" >got.up
	expect 0 "${@/PORT/$PORT}" <"$DATA/up" >got.down
	finish 0 server
	arrived
}

# ask COMMAND...: a foreign server, on a port of 127.0.0.1 given as 0.
ask() {
	start_other server "$@" <"$DATA/down" >got.up
	expect 0 "$TCPCAT" \
		"tls://localhost:$PORT,ca=$CERTS/ca.pem${OPTIONS:-}" \
		<"$DATA/up" >got.down
	finish 0 server
	arrived
}

# --- openssl ----------------------------------------------------------------

# s_client and s_server leave at the other's close_notify, and s_client at
# the end of its input: so no end comes before everything has arrived.

openssl_client() {	# CERTIFICATE OPTION...
	local cert=$1
	shift
	start server "$TCPCAT" -l --no-shutdown \
		"tls://127.0.0.1:0,$(own "$cert")" <"$DATA/down" >got.up
	input_until "$DATA/up" got.down "$DATA/down" |
		expect 0 openssl s_client -connect "$ADDR" -quiet \
			-no_ign_eof -nocommands -verify_return_error \
			-CAfile "$CERTS/ca.pem" -verify_ip 127.0.0.1 "$@" \
			>got.down
	finish 0 server
	arrived
}

@test "openssl s_client is a client of tcpcat -l: EC" {
	openssl_client server
}

@test "openssl s_client is a client of tcpcat -l: RSA, ChaCha20" {
	openssl_client rsa -cipher ECDHE+CHACHA20
}

@test "openssl s_client is a client of tcpcat -l: a chain, AES-256, P-256" {
	openssl_client chain -cipher ECDHE+AES256 -groups P-256
}

@test "openssl s_client has a client certificate for tcpcat -l" {
	start server "$TCPCAT" -l -v \
		"tls://127.0.0.1:0,$(own server),client-ca=$CERTS/ca.pem" \
		< <(printf hello) >got
	expect 0 openssl s_client -connect "$ADDR" -quiet \
		-cert "$CERTS/client-rsa.pem" -key "$CERTS/client-rsa.key" \
		< <(printf hi) >answer
	finish 0 server
	holds answer hello
	said_like 'A Client' server
}

openssl_server() {	# CERTIFICATE OPTION...
	local cert=$1
	shift
	start_other server openssl s_server -accept 127.0.0.1:0 -quiet \
		-naccept 1 -cert "$CERTS/$cert.pem" -key "$CERTS/$cert.key" \
		"$@" < <(input_until "$DATA/down" got.up "$DATA/up") >got.up
	input_until "$DATA/up" got.down "$DATA/down" |
		expect 0 "$TCPCAT" \
			"tls://localhost:$PORT,ca=$CERTS/ca.pem$OPTIONS" \
			>got.down
	finish '*' server
	arrived
}

@test "openssl s_server is a server for tcpcat: EC" {
	openssl_server server
}

@test "openssl s_server is a server for tcpcat: RSA, ChaCha20" {
	openssl_server rsa -cipher ECDHE+CHACHA20
}

@test "openssl s_server is a server for tcpcat: a chain, AES-256" {
	openssl_server leaf -key "$CERTS/chain.key" -cert_chain \
		"$CERTS/inter.pem" -cipher ECDHE+AES256
}

@test "openssl s_server asks tcpcat for a certificate: EC and RSA" {
	local name
	for name in client client-rsa; do
		OPTIONS=",$(own $name)" openssl_server server -Verify 1 \
			-verify_return_error -CAfile "$CERTS/ca.pem"
	done
	start_other server openssl s_server -accept 127.0.0.1:0 -quiet \
		-Verify 1 -verify_return_error -CAfile "$CERTS/ca.pem" \
		-cert "$CERTS/server.pem" -key "$CERTS/server.key"
	expect 5 "$TCPCAT" "tls://localhost:$PORT,ca=$CERTS/ca.pem"
	said_like '^tcpcat: .*certificate'
}

@test "openssl believes in the certificate that --tls-self-signed makes" {
	start server "$TCPCAT" -l --tls-self-signed 127.0.0.1:0 \
		< <(printf hello) >got
	expect 0 openssl s_client -connect "$ADDR" -x509_strict \
		< <(printf hi) >said
	sed -n '/^-----BEGIN/,/^-----END/p' said >self.pem
	openssl verify -x509_strict -CAfile self.pem self.pem
	openssl x509 -in self.pem -noout -text | grep -F 'Public-Key: (256 bit)'
	CERTS=. pin_of self | grep -qFf - server.err
}

# --- GnuTLS -----------------------------------------------------------------

# gnutls-cli leaves at our close_notify, with its input unsent and without a
# close_notify of its own.  It writes what it receives byte by byte: 1 MB.
gnutls_client() {	# CERTIFICATE
	head -c 1M "$DATA/down" >down
	start server "$TCPCAT" -l \
		"tls://127.0.0.1:0,no-shutdown,$(own "$1")" <down >got.up
	expect 0 gnutls-cli --logfile=log --x509cafile "$CERTS/ca.pem" \
		--port "$PORT" 127.0.0.1 <"$DATA/up" >got.down
	finish 0 server
	cmp got.down down
	cmp got.up "$DATA/up"
}

@test "gnutls-cli is a client of tcpcat -l: EC" {
	requires gnutls-cli
	gnutls_client server
}

@test "gnutls-cli is a client of tcpcat -l: RSA" {
	requires gnutls-cli
	gnutls_client rsa
}

# gnutls-serv echoes lines of text.
@test "gnutls-serv --echo is a server for tcpcat: EC and RSA" {
	requires gnutls-serv
	local name
	head -c 38M "$DATA/up" | base64 -w 1000 >text
	for name in server rsa; do
		start_other server gnutls-serv --quiet --echo --port 0 \
			--x509certfile "$CERTS/$name.pem" \
			--x509keyfile "$CERTS/$name.key" >/dev/null
		expect 0 "$TCPCAT" "tls://127.0.0.1:$PORT,ca=$CERTS/ca.pem" \
			<text >got
		cmp got text
		kill "${pid[server]}"
	done
}

@test "GnuTLS believes in the certificate that --tls-self-signed makes" {
	requires gnutls-cli
	start server "$TCPCAT" -l --tls-self-signed 127.0.0.1:0
	expect 0 gnutls-cli --no-ca-verification --save-cert self.pem \
		--port "$PORT" 127.0.0.1 >said
	CERTS=. pin_of self | grep -qFf - server.err
	# To its mind, too, it has no fault but to be unknown.
	start server "$TCPCAT" -l --tls-self-signed 127.0.0.1:0
	expect 1 gnutls-cli --port "$PORT" 127.0.0.1 >said
	grep -q 'issuer is unknown' said
}

# --- ncat -------------------------------------------------------------------

# ncat leaves at the other's close_notify and sends none.

@test "ncat --ssl is a client of tcpcat -l" {
	requires ncat
	start server "$TCPCAT" -l "tls://127.0.0.1:0,$(own server)" \
		--tls-allow-truncation \
		< <(input_until "$DATA/down" got.up "$DATA/up") >got.up
	expect 0 ncat --ssl-verify --ssl-trustfile "$CERTS/ca.pem" \
		localhost "$PORT" <"$DATA/up" >got.down
	finish 0 server
	arrived
}

@test "ncat --ssl -l is a server for tcpcat" {
	requires ncat
	start_other server ncat -l --ssl --ssl-cert "$CERTS/rsa.pem" \
		--ssl-key "$CERTS/rsa.key" 127.0.0.1 0 <"$DATA/down" >got.up
	input_until "$DATA/up" got.down "$DATA/down" |
		expect 0 "$TCPCAT" --tls-allow-truncation \
			"tls://localhost:$PORT,ca=$CERTS/ca.pem" >got.down
	await has got.up "$(size "$DATA/up")"
	arrived
}

# --- socat ------------------------------------------------------------------

@test "socat is a client of tcpcat -l: EC and RSA" {
	requires socat
	for CERT in server rsa; do
		serve_to socat -t 60 - \
			"OPENSSL:localhost:PORT,cafile=$CERTS/ca.pem"
	done
}

@test "socat is a server for tcpcat: EC and RSA" {
	requires socat
	local name
	for name in server rsa; do
		ask socat -t 60 - "OPENSSL-LISTEN:0,bind=127.0.0.1,verify=0,\
cert=$CERTS/$name.pem,key=$CERTS/$name.key"
	done
}

@test "socat has a client certificate, and asks for one" {
	requires socat
	cat "$CERTS/client.pem" "$CERTS/client.key" >mine.pem
	OPTIONS=",client-ca=$CERTS/ca.pem" serve_to socat -t 60 - \
		"OPENSSL:localhost:PORT,cafile=$CERTS/ca.pem,cert=mine.pem"
	OPTIONS=",$(own client)" ask socat -t 60 - "OPENSSL-LISTEN:0,\
bind=127.0.0.1,cafile=$CERTS/ca.pem,cert=$CERTS/both.pem"
}

# --- Python -----------------------------------------------------------------

@test "Python's ssl is a client of tcpcat -l: EC and RSA" {
	for CERT in server rsa; do
		serve_to "$TLSPEER" -a "$CERTS/ca.pem" 127.0.0.1:PORT "$DATA/up"
	done
}

@test "Python's ssl is a server for tcpcat: EC and RSA" {
	local name
	for name in server rsa; do
		start server "$TLSPEER" -l -c "$CERTS/$name.pem" \
			-k "$CERTS/$name.key" 127.0.0.1:0 "$DATA/down" >got.up
		expect 0 "$TCPCAT" "tls://$ADDR,ca=$CERTS/ca.pem" \
			<"$DATA/up" >got.down
		finish 0 server
		arrived
	done
}
