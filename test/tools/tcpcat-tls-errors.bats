# TLS options and files that are wrong: status 2, or 7 for a file that cannot be
# read, one line that names it, and nothing is opened (SPEC 1.1, 1.6); and
# files in every form that is right.

load helpers
load tls

setup_file() {
	make_certs
}

# Both ways to write it: behind an address and as flags.
wrong_server() {	# TEXT OPTIONS
	wrong "$1" -l "tls://127.0.0.1:0,$2"
}

# wrong_client TEXT OPTIONS: and the server sees no connection.
wrong_client() {
	start server "$PEER" -l 127.0.0.1:0 eof
	wrong "$1" "tls://$ADDR,$2"
	run ! said_like '^peer: connection' server
	kill "${pid[server]}"
}

# --- which address is TLS ---------------------------------------------------

@test "--tls makes an address without a scheme TLS, and tls:// may stand" {
	serve "$(own server)"
	accepted --tls "$ADDR,ca=$CERTS/ca.pem"
	serve "$(own server)"
	accepted --tls "tls://$ADDR,ca=$CERTS/ca.pem"
	serve "$(own server)"
	accepted --tls --tls-ca "$CERTS/ca.pem" 127.0.0.1 "$PORT"
	start server "$TCPCAT" -l --tls "127.0.0.1:0,$(own server)" \
		< <(printf hello) >got
	accepted --tls "$ADDR,ca=$CERTS/ca.pem"
}

@test "any --tls-X makes an address without a scheme TLS" {
	local flag
	for flag in "--tls-ca $CERTS/ca.pem" --tls-insecure "--tls-name x" \
		"--tls-alpn x" --tls-allow-truncation --tls-info \
		"--tls-pin $(pin_of server)" \
		"--tls-cert $CERTS/client.pem --tls-key $CERTS/client.key"
	do
		start server "$PEER" -l 127.0.0.1:0 recv:1 close >got
		# shellcheck disable=SC2086 # flags
		expect '[56]' "$TCPCAT" $flag "$ADDR"
		finish 0 server
		holds got '\026'
	done
	start server "$TCPCAT" -l 127.0.0.1:0 --tls-cert "$CERTS/server.pem" \
		--tls-key "$CERTS/server.key" < <(printf hello) >got
	accepted --tls-ca "$CERTS/ca.pem" "$ADDR"
	start server "$TCPCAT" -l --tls-self-signed 127.0.0.1:0
	expect 5 "$TCPCAT" --tls "$ADDR"
	finish 5 server
}

@test "--tls, --tls-X or --starttls beside another scheme is 2" {
	local address
	for address in tcp://127.0.0.1:1 unix:sock fd:0 exec:cat sh:cat; do
		wrong "$address" --tls "$address"
		wrong "$address" --tls-insecure "$address"
		wrong "$address" --tls-ca "$CERTS/ca.pem" "$address"
		wrong "$address" --starttls smtp "$address"
		wrong "$address" --tls-info "$address"
	done
	wrong tcp:// -l --tls-self-signed tcp://127.0.0.1:0
	wrong unix: -l --tls-self-signed unix:sock
	[ ! -e sock ]
}

@test "an option in the address wins over the flag" {
	serve "$(own server)"
	accepted --tls-ca "$CERTS/ca2.pem" "tls://$ADDR,ca=$CERTS/ca.pem"
	serve "$(own server)"
	accepted --tls-ca "$CERTS/ca.pem" --tls-name another.test \
		"$ADDR,name=localhost"
	serve "$(own server)"
	refused --tls-ca "$CERTS/ca.pem" --tls-pin "$(pin_of server)" \
		"$ADDR,pin=$(pin_of rsa)"
}

# --- options ----------------------------------------------------------------

@test "a TLS option on an address that is not TLS is 2" {
	local option
	for option in ca=x cert=x key=x name=x alpn=x pin=x pin-only \
		insecure starttls=smtp allow-truncation
	do
		wrong "${option%=*}" "tcp://127.0.0.1:1,$option"
		wrong 127.0.0.1:1 "127.0.0.1:1,$option"
	done
	wrong client-ca -l tcp://127.0.0.1:0,client-ca=x
	wrong self-signed -l 127.0.0.1:0,self-signed
	wrong cert unix:sock,cert=x
	wrong cert exec:cat,cert=x
}

@test "a TLS option for the other role is 2" {
	wrong client-ca "tls://127.0.0.1:1,client-ca=$CERTS/ca.pem"
	wrong client-ca --tls-client-ca "$CERTS/ca.pem" 127.0.0.1:1
	wrong self-signed tls://127.0.0.1:1,self-signed
	wrong self-signed --tls-self-signed 127.0.0.1:1
	wrong_server name "$(own server),name=localhost"
	wrong_server insecure "$(own server),insecure"
	wrong_server pin-only "$(own server),pin-only"
	wrong_server starttls "$(own server),starttls=smtp"
	wrong tls-info -l --tls-info "tls://127.0.0.1:0,$(own server)"
}

@test "--tls-info and what would move bytes is 2" {
	local flags
	for flags in '-e cat' '-c cat' --recv-only --send-only -C '-i 1' \
		'--recv-bytes 1' '-q 1' --wait-stdin --stats --progress \
		--sha256 '--hexdump x' '--capture x' --reset; do
		# shellcheck disable=SC2086 # options and their values
		wrong '--tls-info and -' --tls-info $flags 127.0.0.1:1
	done
	[ ! -e x ]
}

@test "a TLS option without its value, with one too many, or twice is 2" {
	wrong ca tls://127.0.0.1:1,ca
	wrong ca tls://127.0.0.1:1,ca=
	wrong insecure tls://127.0.0.1:1,insecure=1
	wrong pin-only tls://127.0.0.1:1,pin-only=1
	wrong ca "tls://127.0.0.1:1,ca=$CERTS/ca.pem,ca=$CERTS/ca.pem"
	wrong alpn tls://127.0.0.1:1,alpn=
	wrong alpn 'tls://127.0.0.1:1,alpn=a;;b'
}

@test "a pin that is none is 2" {
	wrong pin tls://127.0.0.1:1,pin=sha256//AAAA
	wrong pin tls://127.0.0.1:1,pin=sha1//AAAAAAAAAAAAAAAAAAAAAAAAAAA=
	wrong pin "tls://127.0.0.1:1,pin=$(pin_of server)x"
	wrong pin "tls://127.0.0.1:1,pin=$(pin_of server);"
	wrong pin "tls://127.0.0.1:1,pin=$(pin_of server),pin=$(pin_of rsa)"
	wrong pin --tls-pin x 127.0.0.1:1
}

@test "pin-only without a pin is 2, and so is pin without client-ca on -l" {
	wrong pin tls://127.0.0.1:1,pin-only
	wrong_server pin "$(own server),pin=$(pin_of client)"
}

@test "-l without a certificate is 2" {
	wrong cert -l tls://127.0.0.1:0
	wrong cert -l --tls 127.0.0.1:0
	wrong cert -l --tls-alpn h2 127.0.0.1:0
	wrong cert -l --tls-client-ca "$CERTS/ca.pem" 127.0.0.1:0
}

@test "a certificate without a key, and a key without one, is 2" {
	wrong_server key "cert=$CERTS/server.pem"
	wrong_server cert "key=$CERTS/server.key"
	wrong_client key "cert=$CERTS/client.pem"
	wrong_client cert "key=$CERTS/client.key"
	wrong self-signed -l "tls://127.0.0.1:0,self-signed,$(own server)"
}

@test "a name that is none is 2" {
	local name
	for name in .localhost a..b 'a b' "$(printf 'a%.0s' {1..300})"; do
		wrong name "tls://127.0.0.1:1,insecure,name=$name"
	done
}

# --- files ------------------------------------------------------------------

# unreadable FILE ADDRESS...: it cannot be read: 7, and it is named.
unreadable() {
	local file=$1 address
	shift
	for address; do
		expect 7 "$TCPCAT" $LISTEN "$address" >stdout
		holds stdout ''
		said_like "^tcpcat: .*$file: (No such file|Is a directory)"
		run ! grep listening expect.err
	done
}

@test "a file that is missing or a directory is 7 and named" {
	local file LISTEN
	mkdir directory
	for file in missing directory; do
		LISTEN=-l
		unreadable $file \
			"tls://127.0.0.1:0,cert=$file,key=$CERTS/server.key" \
			"tls://127.0.0.1:0,cert=$CERTS/server.pem,key=$file" \
			"tls://127.0.0.1:0,$(own server),client-ca=$file" \
			"127.0.0.1:0,acl-file=$file"
		LISTEN=
		unreadable $file "tls://127.0.0.1:1,ca=$file" \
			"tls://127.0.0.1:1,cert=$file,key=$file" \
			"127.0.0.1:1,via=http://127.0.0.1:1,via-auth=$file"
	done
}

@test "a file that is empty or garbage is 2 and named" {
	local file
	: >empty
	head -c 10000 /dev/urandom >garbage
	echo 'no PEM here' >text
	printf -- '-----BEGIN CERTIFICATE-----\nAAAA\n' >cut-short
	printf -- '-----BEGIN CERTIFICATE-----\nAAAA\n%s\n' \
		'-----END CERTIFICATE-----' >no-der
	for file in empty garbage text cut-short no-der; do
		wrong_server "$file" "cert=$file,key=$CERTS/server.key"
		wrong_server "$file" "cert=$CERTS/server.pem,key=$file"
		wrong_server "$file" "$(own server),client-ca=$file"
		wrong "$file" "tls://127.0.0.1:1,ca=$file"
		wrong "$file" "tls://127.0.0.1:1,cert=$file,key=$file"
	done
	wrong_client garbage ca=garbage
}

@test "a file that may not be read is 7 and named" {
	requires root setpriv
	install -m 600 "$CERTS/server.key" secret.key
	chmod 755 .
	expect 7 setpriv --reuid=65534 --clear-groups "$TCPCAT" -l \
		"tls://127.0.0.1:0,cert=$CERTS/server.pem,key=secret.key"
	said_like '^tcpcat: .*(secret\.key|server\.pem)'
}

@test "an authority's file that holds only a key, or a key that is a cert" {
	wrong_client server.key "ca=$CERTS/server.key"
	wrong_server server.pem "cert=$CERTS/server.pem,key=$CERTS/server.pem"
	wrong_server server.key "cert=$CERTS/server.key,key=$CERTS/server.key"
}

@test "a key that does not fit the certificate is 2" {
	wrong_server other.key "cert=$CERTS/server.pem,key=$CERTS/other.key"
	wrong_server rsa.key "cert=$CERTS/server.pem,key=$CERTS/rsa.key"
	local c=$CERTS
	wrong_server other-rsa.key "cert=$c/rsa.pem,key=$c/other-rsa.key"
	wrong_client client.key "cert=$c/client-rsa.pem,key=$c/client.key"
	wrong_server ca.key "cert=$c/chain.pem,key=$c/ca.key"
}

@test "an encrypted key is 2, and said to be one" {
	local name
	for name in server.locked.key server.locked1.key; do
		wrong_server "$name" "cert=$CERTS/server.pem,key=$CERTS/$name"
		said_like '^tcpcat: .*encrypted'
	done
}

@test "a key that others may read is warned of, and used" {
	install -m 644 "$CERTS/server.key" open.key
	serve "cert=$CERTS/server.pem,key=open.key"
	said_like '^tcpcat: .*open\.key' server
	accepted "tls://$ADDR,ca=$CERTS/ca.pem"
	install -m 600 "$CERTS/server.key" shut.key
	serve "cert=$CERTS/server.pem,key=shut.key"
	run ! said_like 'shut\.key' server
	accepted "tls://$ADDR,ca=$CERTS/ca.pem"
	# A client's key, too; and --quiet leaves it out.
	install -m 644 "$CERTS/client.key" mine.key
	serve "$(own server)"
	accepted --tls-ca "$CERTS/ca.pem" --tls-cert "$CERTS/client.pem" \
		--tls-key mine.key "$ADDR"
	said_like '^tcpcat: .*mine\.key'
	serve "$(own server)"
	accepted --tls-ca "$CERTS/ca.pem" --tls-cert "$CERTS/client.pem" \
		--tls-key mine.key --quiet "$ADDR"
	said_nothing
}

@test "certificates and keys in every form: PKCS#8, SEC1, PKCS#1, one file" {
	local options c=$CERTS
	cat "$c/server.key" "$c/server.pem" >key-first.pem
	{
		openssl ecparam -name prime256v1
		cat "$c/server.sec1.key"
	} >params.key
	for options in "cert=$c/server.pem,key=$c/server.key" \
		"cert=$c/server.pem,key=$c/server.sec1.key" \
		"cert=$c/server.pem,key=params.key" \
		"cert=$c/rsa.pem,key=$c/rsa.key" \
		"cert=$c/rsa.pem,key=$c/rsa.pkcs1.key" \
		"cert=$c/both.pem" "cert=$c/both.pem,key=$c/both.pem" \
		"cert=key-first.pem" "cert=$c/chain.pem,key=$c/chain.key"
	do
		serve "$options"
		accepted "tls://$ADDR,ca=$c/ca.pem"
	done
}

@test "PEM with CRLF, and without a final newline" {
	local form c=$CERTS
	for form in crlf bare; do
		serve "cert=$c/server.$form.pem,key=$c/server.$form.key"
		accepted "tls://$ADDR,ca=$c/ca.$form.pem"
	done
}

@test "a chain in any order, and more than a chain, is put right" {
	cat "$CERTS/inter.pem" "$CERTS/leaf.pem" >reversed.pem
	cat "$CERTS/ca2.pem" "$CERTS/leaf.pem" "$CERTS/ca.pem" \
		"$CERTS/inter.pem" >mixed.pem
	local file
	for file in reversed mixed; do
		serve "cert=$file.pem,key=$CERTS/chain.key"
		accepted "tls://$ADDR,ca=$CERTS/ca.pem"
		serve "cert=$file.pem,key=$CERTS/chain.key"
		expect 0 openssl s_client -connect "$ADDR" \
			-verify_return_error -CAfile "$CERTS/ca.pem" >said
	done
}
