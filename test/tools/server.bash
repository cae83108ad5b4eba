# server.bash - what the tests of servers share, on top of helpers.bash

# shellcheck disable=SC2034 # for those who load this
TCPECHO=$BUILD/tcpecho
# shellcheck disable=SC2034
CHURN=$SRC/test/peers/churn.py
FAR=30		# s, what a deadline is when none is tested

# needs_tls: skips the test where TLS is not built in.
needs_tls() {
	run "$TCPCAT" tls://127.0.0.1:1,insecure
	[[ $output != *"does not speak TLS"* ]] || skip "built without TLS"
	requires openssl
}

# make_pair NAME: NAME.pem, a key and a certificate signed by itself.
make_pair() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
		-nodes -keyout "$1.key" -out "$1.crt" -subj "/CN=${1##*/}" \
		-addext subjectAltName=IP:127.0.0.1 -days 3 2>/dev/null
	cat "$1.crt" "$1.key" >"$1.pem"
}

# pin NAME: the pin of its key.
pin() {
	printf 'sha256//'
	openssl x509 -in "$1.pem" -noout -pubkey |
		openssl pkey -pubin -outform DER |
		openssl dgst -sha256 -binary | base64
}

# says N REGEX [NAME]: so many of its messages, at least, are like this.
says() {
	(($(grep -cE -e "$2" "${3:-server}.err") >= $1))
}

# says_times N REGEX [NAME]: so many are, no more and no less; one that has
# something to say of a client may do it when that has gone.
says_times() {
	local n
	await says "$@"
	n=$(grep -cE -e "$2" "${3:-server}.err") || :
	((n == $1)) || fail "${3:-server} says $n times, not $1: $2"
}

# listener N: ADDR and PORT are those of the N-th that "server" announced.
listener() {
	await says "$1" '^[a-z]*: listening on '
	ADDR=$(sed -n 's/^[a-z]*: listening on //p' server.err | sed -n "$1p")
	PORT=${ADDR##*:}
}

# echoes FLAG...: the server there sends "hello" back.
echoes() {
	[ "$(printf hello | "$TCPCAT" --deadline $FAR "$@" 2>>echoes.err)" = \
		hello ]
}

# dumb FLAG...: there is one that closes at once, and sends nothing.
dumb() {
	[ -z "$("$TCPCAT" --deadline $FAR --recv-only "$@" 2>>dumb.err)" ]
}

# refused ADDRESS: nobody listens there any more.
refused() {
	! "$PEER" "$1" 2>refused.err && grep -q 'Connection refused' refused.err
}

# held FILE: returns when there is this file; for the input of a client.
held() {
	local i
	for ((i = 0; i < FAR * 50; i++)); do
		[ ! -e "$1" ] || return 0
		nap 0.02
	done
}

needs_proc() {
	[ -r /proc/self/stat ] || skip "requires /proc"
}

# fds PID: how many descriptors it has.
fds() {
	local all=("/proc/$1/fd/"*)
	echo ${#all[@]}
}

# few_fds PID N: it has no more than N.
few_fds() {
	(($(fds "$1") <= $2))
}

# cpu PID: the time that it has used, in ms.
cpu() {
	local stat
	read -r stat <"/proc/$1/stat"
	# shellcheck disable=SC2086 # fields
	set -- ${stat##*) }
	echo $(((${12} + ${13}) * 1000 / $(getconf CLK_TCK)))
}

# rss PID: its memory, in KiB.
rss() {
	sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$1/status"
}

# childless PID: it has no children, not even dead ones.
childless() {
	[ -z "$(ps -o pid= --ppid "$1")" ]
}
