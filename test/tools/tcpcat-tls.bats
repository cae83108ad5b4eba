# TLS: whom tcpcat trusts, and what it says when it does not (SPEC 1.1, 1.4,
# 1.6).

load helpers
load tls

setup_file() {
	make_certs
}

# teaches NAME: it said what was presented, and the option that would accept
# exactly this key, which then does so.
teaches() {
	local name=$1 text option
	shift
	said_like '^tcpcat: .*subject'
	said_like '^tcpcat: .*issuer'
	for text in "$(pin_of "$name")" localhost 127.0.0.1 ::1 \
		"$(openssl x509 -in "$CERTS/$name.pem" -noout -dateopt \
			iso_8601 -startdate | sed 's/.*=\([0-9-]*\) .*/\1/')" \
		"$(openssl x509 -in "$CERTS/$name.pem" -noout -dateopt \
			iso_8601 -enddate | sed 's/.*=\([0-9-]*\) .*/\1/')" \
		"$@"
	do
		grep -qF -e "$text" expect.err ||
			fail "it does not say what was presented: $text"
	done
	option=$(the_option)
	[[ $option == *"$(pin_of "$name")"* ]]
	serve "$(own "$name")"
	# shellcheck disable=SC2086 # flags
	accepted $option "$ADDR"
	# And no other key.
	serve "$(own rsa)"
	# shellcheck disable=SC2086
	refused $option "$ADDR"
}

# --- authorities, names, dates ----------------------------------------------

@test "a server whose authority is in ca= is trusted, by address and name" {
	serve "$(own server)"
	accepted "tls://$ADDR,ca=$CERTS/ca.pem"
	said_nothing
	serve "$(own server)"
	accepted "tls://localhost:$PORT,ca=$CERTS/ca.pem"
	serve "$(own rsa)"
	accepted "tls://localhost:$PORT,ca=$CERTS/ca.pem"
}

@test "an IPv6 address is verified as one" {
	requires ipv6
	start server "$TCPCAT" -l "tls://[::1]:0,$(own server)" \
		< <(printf hello) >got
	accepted "tls://$ADDR,ca=$CERTS/ca.pem"
}

@test "an unknown authority is 5, and what would accept the key is said" {
	serve "$(own server)"
	refused "tls://$ADDR"
	said_like "^tcpcat: .*${ADDR//./\\.}.*(authority|issuer|trust)"
	teaches server CN=server 'CN=Test CA'
}

@test "the server is told why, by an alert" {
	serve "$(own server)"
	refused "tls://$ADDR"
	said_like '^tcpcat: .*[Uu]nknown[ _](CA|ca|authority)' server
	serve "$(own expired)"
	refused "tls://$ADDR,ca=$CERTS/ca.pem"
	said_like '^tcpcat: .*expired' server
}

@test "the wrong authority is 5" {
	serve "$(own server)"
	refused "tls://$ADDR,ca=$CERTS/ca2.pem"
	serve "$(own stranger)"
	refused "tls://$ADDR,ca=$CERTS/ca.pem"
	teaches stranger
}

@test "an expired certificate is 5" {
	serve "$(own expired)"
	refused "tls://$ADDR,ca=$CERTS/ca.pem"
	said_like '^tcpcat: .*expired'
	teaches expired 2020-01-01 2021-01-01
}

@test "a certificate that is not valid yet is 5" {
	serve "$(own future)"
	refused "tls://$ADDR,ca=$CERTS/ca.pem"
	said_like '^tcpcat: .*not (yet valid|valid (yet|before))'
	teaches future 2078-01-01 2079-01-01
}

@test "a certificate for another name is 5, and the names are said" {
	serve "$(own other)"
	refused "tls://localhost:$PORT,ca=$CERTS/ca.pem"
	said_like '^tcpcat: .*another\.test'
	serve "$(own other)"
	# shellcheck disable=SC2046 # flags
	accepted $(the_option) "localhost:$PORT"
}

@test "name= is asked for and verified instead of the host" {
	serve "$(own other)"
	accepted "tls://$ADDR,ca=$CERTS/ca.pem,name=another.test"
	serve "$(own other)"
	accepted --tls-ca "$CERTS/ca.pem" --tls-name another.test "$ADDR"
	serve "$(own server)"
	refused "tls://$ADDR,ca=$CERTS/ca.pem,name=another.test"
}

@test "a common name is no name: 5" {
	serve "$(own cn)"
	refused "tls://localhost:$PORT,ca=$CERTS/ca.pem"
	said_like '^tcpcat: .*name'
}

@test "an address is not a host's name: 5" {
	serve "$(own dns-ip)"
	refused "tls://$ADDR,ca=$CERTS/ca.pem"
	serve "$(own other)"
	refused "tls://$ADDR,ca=$CERTS/ca.pem"
}

@test "a chain by way of an intermediate is trusted, without it 5" {
	serve "$(own chain)"
	accepted "tls://$ADDR,ca=$CERTS/ca.pem"
	serve "cert=$CERTS/leaf.pem,key=$CERTS/chain.key"
	refused "tls://$ADDR,ca=$CERTS/ca.pem"
}

@test "SSL_CERT_FILE is the system's bundle, ca= wins over it" {
	export SSL_CERT_FILE=$CERTS/ca.pem
	serve "$(own server)"
	accepted "tls://$ADDR"
	serve "$(own server)"
	refused "tls://$ADDR,ca=$CERTS/ca2.pem"
}

@test "a file of several authorities with text between trusts each" {
	serve "$(own server)"
	accepted "tls://$ADDR,ca=$CERTS/bundle.pem"
	serve "$(own stranger)"
	accepted "tls://$ADDR,ca=$CERTS/bundle.pem"
}

@test "a certificate signed by itself is 5, but trusted as ca=" {
	serve "$(own self)"
	refused "tls://$ADDR,ca=$CERTS/ca.pem"
	teaches self CN=self
	serve "$(own self)"
	accepted "tls://$ADDR,ca=$CERTS/self.pem"
	serve "$(own self)"
	refused "tls://$ADDR,ca=$CERTS/self.pem,name=another.test"
}

@test "what a certificate says is escaped before it is shown" {
	serve "$(own long)"
	refused "tls://$ADDR,ca=$CERTS/ca.pem"
	run ! grep "$(printf '\033')" expect.err
	run ! grep -v '^tcpcat: ' expect.err
	grep -F 'x1b[31m' expect.err
}

@test "--json: what was presented is in the messages" {
	serve "$(own server)"
	refused --json "tls://$ADDR"
	python3 -c '
import json, sys
said = [json.loads(line) for line in sys.stdin]
assert any(sys.argv[1] == m.get("pin") and "server" in m["subject"] and
           "Test CA" in m["issuer"] for m in said), said
assert any(m["level"] == "error" and sys.argv[2] in m["error"]
           for m in said), said
' "$(pin_of server)" "$ADDR" <expect.err
}

@test "--quiet says a refusal and what would accept the key, still" {
	serve "$(own server)"
	refused --quiet "tls://$ADDR"
	said_like "^tcpcat: .*(authority|issuer|trust)"
	[[ $(the_option) == *"$(pin_of server)"* ]]
}

# --- pins -------------------------------------------------------------------

@test "pin= goes with the authority: both have to be right" {
	serve "$(own server)"
	accepted "tls://$ADDR,ca=$CERTS/ca.pem,pin=$(pin_of server)"
	serve "$(own server)"
	refused "tls://$ADDR,ca=$CERTS/ca.pem,pin=$(pin_of rsa)"
	said_like '^tcpcat: .*pin'
	serve "$(own server)"
	refused "tls://$ADDR,pin=$(pin_of server)"
	serve "$(own rsa)"
	accepted "tls://$ADDR,ca=$CERTS/ca.pem,pin=$(pin_of rsa)"
}

@test "one of several pins suffices, with ; and in the flag with commas" {
	local two
	two="$(pin_of rsa);$(pin_of server)"
	serve "$(own server)"
	accepted "tls://$ADDR,ca=$CERTS/ca.pem,pin=$two"
	serve "$(own server)"
	accepted --tls-ca "$CERTS/ca.pem" --tls-pin "$two" "$ADDR"
	serve "$(own server)"
	accepted --tls-ca "$CERTS/ca.pem" --tls-pin "${two/;/,}" "$ADDR"
	serve "$(own other)"
	refused --tls-ca "$CERTS/ca.pem" --tls-pin "$two" \
		--tls-name another.test "$ADDR"
}

@test "a pin that does not match is 5 even with --tls-insecure" {
	serve "$(own server)"
	refused --tls-insecure --tls-pin "$(pin_of rsa)" "$ADDR"
	serve "$(own server)"
	refused --tls-insecure --tls-ca "$CERTS/ca.pem" \
		--tls-pin "$(pin_of rsa)" "$ADDR"
	serve "$(own server)"
	accepted --tls-insecure --tls-pin "$(pin_of server)" "$ADDR"
}

@test "pin-only asks for no authority, name or date" {
	local name
	for name in stranger other expired cn self; do
		serve "$(own $name)"
		accepted "tls://$ADDR,pin=$(pin_of $name),pin-only"
		said_nothing
	done
}

@test "pin-only with another key is 5, whoever vouches for it" {
	serve "$(own server)"
	refused --tls-ca "$CERTS/ca.pem" --tls-pin "$(pin_of rsa)" \
		--tls-pin-only "$ADDR"
	serve "$(own self)"
	refused "tls://$ADDR,pin=$(pin_of server),pin-only"
}

@test "the pin is the leaf's, not that of an authority: 5" {
	serve "$(own chain)"
	refused "tls://$ADDR,ca=$CERTS/ca.pem,pin=$(pin_of inter)"
	serve "$(own chain)"
	refused "tls://$ADDR,pin=$(pin_of inter),pin-only"
	serve "$(own chain)"
	accepted "tls://$ADDR,ca=$CERTS/ca.pem,pin=$(pin_of leaf)"
}

# --- insecure ---------------------------------------------------------------

@test "--tls-insecure takes anyone, and says so, also with --quiet" {
	local name
	for name in server stranger other expired self; do
		serve "$(own $name)"
		accepted --tls-insecure "$ADDR"
		said_like '^tcpcat: .*(insecure|not verif)'
	done
	serve "$(own server)"
	accepted --quiet "tls://$ADDR,insecure"
	said_like '^tcpcat: .*(insecure|not verif)'
	# Even one that could have been verified.
	serve "$(own server)"
	accepted --tls-insecure --tls-ca "$CERTS/ca.pem" "$ADDR"
	said_like '^tcpcat: .*(insecure|not verif)'
}

# --- self-signed ------------------------------------------------------------

# printed: the command for the other side, as it is printed.
printed() {
	sed -n 's/.*\(tcpcat .*--tls-pin.*\)/\1/p' server.err | head -n 1
}

@test "--tls-self-signed prints the pin and the command, which works" {
	start server "$TCPCAT" -l --tls-self-signed 127.0.0.1:0 \
		< <(printf hello) >got
	await grep -qs 'tcpcat .*--tls-pin' server.err
	[[ $(printed) == *" $ADDR" ]]
	expect 0 env PATH="$BUILD:$PATH" sh -c "$(printed)" \
		< <(printf hi) >answer
	finish 0 server
	holds answer hello
	holds got hi
}

@test "--tls-self-signed: another key each time, refused by any other pin" {
	local first
	start server "$TCPCAT" -l --tls-self-signed 127.0.0.1:0
	await grep -qs 'tcpcat .*--tls-pin' server.err
	first=$(the_option server)
	# shellcheck disable=SC2086 # flags
	expect 0 "$TCPCAT" $first "$ADDR"
	finish 0 server
	start server "$TCPCAT" -l tls://127.0.0.1:0,self-signed
	await grep -qs 'tcpcat .*--tls-pin' server.err
	[ "$first" != "$(the_option server)" ]
	# shellcheck disable=SC2086
	expect 5 "$TCPCAT" $first "$ADDR"
	finish 5 server
}

@test "--tls-self-signed is unknown to anyone without the pin: 5" {
	start server "$TCPCAT" -l --tls-self-signed 127.0.0.1:0
	expect 5 "$TCPCAT" --tls "$ADDR"
	finish 5 server
	await grep -qs 'tcpcat .*--tls-pin' server.err
	[ "$(the_option)" = "$(the_option server)" ]
}
