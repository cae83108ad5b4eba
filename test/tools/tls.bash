# tls.bash - what the tests of TLS share, on top of helpers.bash
#
# certs.sh says which certificates there are.  The servers below serve one
# client, who is sent "hello"; what they receive goes to got.

# shellcheck disable=SC2034 # for those who load this
TLSPROXY=$SRC/test/peers/tlsproxy.py
# shellcheck disable=SC2034
TLSPEER=$SRC/test/peers/tlspeer.py
# shellcheck disable=SC2034
STARTTLS=$SRC/test/peers/starttls.py

# For setup_file: sets CERTS.
make_certs() {
	export CERTS=${TCPKIT_CERTS:-$BUILD/test/certs}
	if [ ! -e "$CERTS/made" ] && command -v openssl >/dev/null; then
		CERTS=$BATS_FILE_TMPDIR/certs
		sh "$SRC/test/tools/certs.sh" "$CERTS"
	fi
}

# Before each test, behind that of helpers.bash (no file can be skipped as a
# whole).
eval "plain_$(declare -f setup)"
setup() {
	plain_setup
	requires openssl
	[[ $("$TCPCAT" --tls 127.0.0.1:1 2>&1) != *'not speak TLS'* ]] ||
		skip 'this build does not speak TLS'
}

# For setup_file, behind make_certs: 50 MB each way.
make_tls_data() {
	[ "${TCPKIT_LONG:-}" = 1 ] || BIG=50M
	make_data
}

# own NAME: the options of an address for this certificate and its key.
own() {
	echo "cert=$CERTS/$1.pem,key=$CERTS/$1.key"
}

# pin_of NAME: the pin of its key, in curl's notation, by openssl.
pin_of() {
	printf 'sha256//'
	openssl x509 -in "$CERTS/$1.pem" -noout -pubkey |
		openssl pkey -pubin -outform DER |
		openssl dgst -sha256 -binary | base64
}

# serve OPTIONS [FLAG...]: a server with these options of its address.
serve() {
	local options=$1
	shift
	start server "$TCPCAT" -l "$@" "tls://127.0.0.1:0,$options" \
		< <(printf hello) >got
}

# accepted FLAG...: a client that trusts the server; its input is "hi".
accepted() {
	expect 0 "$TCPCAT" "$@" < <(printf hi) >answer
	finish 0 server
	holds answer hello
	holds got hi
}

# refused FLAG...: one that does not; not a byte of payload passes.
refused() {
	expect 5 "$TCPCAT" "$@" < <(printf hi) >answer
	finish 5 server
	holds answer ''
	holds got ''
}

# the_option [NAME]: the flags that it said would accept exactly this key.
the_option() {
	grep -oE -e '--tls-pin sha256//[A-Za-z0-9+/=]+( --tls-pin-only)?' \
		"${1:-expect}.err" | tail -n 1
}

# proxy ACTION...: what tlsproxy.py does between here and ADDR; ADDR and PORT
# become its own.
proxy() {
	start proxy "$TLSPROXY" "$ADDR" "$@"
}

# wrong TEXT FLAG...: a usage error, whose message has TEXT in it.
wrong() {
	local text=$1
	shift
	expect 2 "$TCPCAT" "$@" >stdout
	holds stdout ''
	head -n 1 expect.err | grep -q '^tcpcat: ' ||
		fail "tcpcat $*: the message does not begin with its name"
	grep -qF -e "$text" expect.err ||
		fail "tcpcat $*: the message does not name: $text"
	run ! said_like '^tcpcat: listening on'
}
