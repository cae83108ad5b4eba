# starttls=: TLS that begins in clear, and never falls back to it (SPEC 1.1).

load helpers
load tls

setup_file() {
	make_certs
}

PROTOCOLS=(smtp imap pop3 ftp xmpp postgres ldap)

# server PROTOCOL MODE: what starttls.py does.  It fails if the client says
# anything in clear text that it should not.
server() {
	start server "$STARTTLS" --proto "$1" --mode "$2" \
		--cert "$CERTS/server.pem" --key "$CERTS/server.key"
}

# fails STATUS MODE FLAG...: with every protocol, and not a byte of clear text
# comes through.
fails() {
	local status=$1 mode=$2 proto
	shift 2
	for proto in "${PROTOCOLS[@]}"; do
		server "$proto" "$mode"
		expect "$status" "$TCPCAT" --starttls "$proto" "$@" \
			--tls-ca "$CERTS/ca.pem" "localhost:$PORT" \
			< <(printf secret) >answer
		holds answer ''
		said_like "^tcpcat: .*:$PORT.*: "
		finish 0 server
	done
}

# works PROTOCOL: what is sent comes back.
works() {
	server "$1" ok
	expect 0 "$TCPCAT" --starttls "$1" --tls-ca "$CERTS/ca.pem" \
		"localhost:$PORT" < <(printf hello) >answer
	finish 0 server
	holds answer hello
	said_nothing
}

@test "starttls with smtp" {
	works smtp
}

@test "starttls with imap" {
	works imap
}

@test "starttls with pop3" {
	works pop3
}

@test "starttls with ftp" {
	works ftp
}

@test "starttls with xmpp" {
	works xmpp
}

@test "starttls with postgres" {
	works postgres
}

@test "starttls with ldap" {
	works ldap
}

# stunnel begins these in clear; the server behind it is a few lines of shell.
@test "starttls with stunnel: smtp, imap, pop3, postgres" {
	requires stunnel
	# shellcheck disable=SC2016 # for the shell that tcpcat runs
	local proto imap='read -r tag command
		printf "* CAPABILITY IMAP4rev1\r\n%s OK\r\n" "$tag"'
	declare -A greeting=(
		[smtp]='printf "220 here ESMTP\r\n"'
		[imap]="printf '* OK here\r\n'; $imap"
		[pop3]='printf "+OK here\r\n"'
		[pgsql]=:
	)
	for proto in smtp imap pop3 pgsql; do
		start behind "$TCPCAT" -l -c "${greeting[$proto]}; exec cat" \
			127.0.0.1:0
		printf '%s\n' 'foreground = yes' 'pid =' 'syslog = no' \
			'[tcpcat]' 'accept = 127.0.0.1:0' "connect = $ADDR" \
			"cert = $CERTS/rsa.pem" "key = $CERTS/rsa.key" \
			"protocol = $proto" >stunnel.conf
		start_other stunnel stunnel stunnel.conf
		expect 0 "$TCPCAT" --starttls "${proto/pgsql/postgres}" \
			--tls-ca "$CERTS/ca.pem" "127.0.0.1:$PORT" \
			< <(printf hello) >answer
		finish 0 behind
		kill "${pid[stunnel]}"
		holds answer hello
	done
}

@test "starttls= in the address does the same" {
	server smtp ok
	expect 0 "$TCPCAT" --tls-ca "$CERTS/ca.pem" \
		"tls://localhost:$PORT,starttls=smtp" < <(printf hello) >answer
	finish 0 server
	holds answer hello
}

@test "the server is verified as without it: unknown authority, name" {
	server smtp ok
	expect 5 "$TCPCAT" --starttls smtp "localhost:$PORT" >answer
	holds answer ''
	[[ $(the_option) == *"$(pin_of server)"* ]]
	server imap ok
	expect 5 "$TCPCAT" --starttls imap --tls-ca "$CERTS/ca.pem" \
		--tls-name another.test "localhost:$PORT" >answer
	holds answer ''
}

@test "--tls-info goes with it" {
	server smtp ok
	expect 0 "$TCPCAT" --tls-info --starttls smtp --tls-ca \
		"$CERTS/ca.pem" "localhost:$PORT" >info
	grep -F "$(pin_of server)" info
}

@test "a server that refuses is 5, in every protocol" {
	fails 5 refuse
}

@test "a server that does not offer it is 5, in every protocol" {
	fails 5 not-offered
}

@test "bytes that were put behind the go-ahead are 5, in every protocol" {
	fails 5 inject
}

@test "a server that talks nonsense is 5, in every protocol" {
	fails 5 garbage
}

@test "a server that never stops talking is 5, in every protocol" {
	fails 5 flood
}

@test "a server that ends is 5, in every protocol" {
	fails 5 close
}

@test "a server that is silent is 4, in every protocol" {
	local proto
	for proto in "${PROTOCOLS[@]}"; do	# all at once
		start "server_$proto" "$STARTTLS" --proto "$proto" \
			--mode slow --cert "$CERTS/server.pem" \
			--key "$CERTS/server.key"
		spawn "$proto" "$TCPCAT" --starttls "$proto" \
			--connect-timeout 0.5 --tls-ca "$CERTS/ca.pem" \
			"localhost:$PORT" >"$proto.out"
	done
	for proto in "${PROTOCOLS[@]}"; do
		finish 4 "$proto"
		finish 0 "server_$proto"
		holds "$proto.out" ''
	done
}

@test "insecure does not make it fall back to clear text: 5" {
	fails 5 refuse --tls-insecure
	fails 5 not-offered --tls-insecure
}

@test "an unknown protocol is 2, and named" {
	wrong gopher --starttls gopher 127.0.0.1:1
	wrong gopher tls://127.0.0.1:1,starttls=gopher
	wrong starttls --starttls '' 127.0.0.1:1
	wrong starttls tls://127.0.0.1:1,starttls
}

@test "--starttls makes an address TLS, but not one of another scheme: 2" {
	wrong tcp:// --starttls smtp tcp://127.0.0.1:1
	wrong unix: --starttls smtp unix:sock
	wrong starttls -l --starttls smtp 127.0.0.1:0
	wrong starttls -l "tls://127.0.0.1:0,$(own server),starttls=smtp"
}
