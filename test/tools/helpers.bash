# helpers.bash - what the tests of the tools share
#
# A test has one end of a connection in the background and the other in the
# foreground, and then looks at what arrived:
#
#	start server "$TCPCAT" -l 127.0.0.1:0 >got	# waits till it listens
#	expect 0 "$TCPCAT" "$ADDR" <"$DATA/up"		# runs it: status 0
#	finish 0 server					# the other end, too
#	cmp got "$DATA/up"
#
# A test runs in a directory of its own; standard input is /dev/null unless
# it is given.  Every process gets the default signals, a process group that
# is killed when the test is over, and a file NAME.err for its messages (that
# of expect is expect.err), which is shown when the test fails.
#
# Nothing sleeps to wait for something: it awaits the thing.  No port is
# chosen: everyone listens on port 0 and says, or is asked, what it became.
# The peers are described at the top of their files in test/peers.
#
# Every file loads this for every test: what is done often here, bash does
# itself, without another process.

bats_require_minimum_version 1.5.0

SRC=${TCPKIT_SRC:-$(cd "$BATS_TEST_DIRNAME/../.." && pwd)}
BUILD=${TCPKIT_BUILD:-$SRC/build}
PATH=/usr/bin:/bin:$PATH	# a python3 before the system's may be slow

TCPCAT=$BUILD/tcpcat
PEER=$SRC/test/peers/peer.py
PORTS=$SRC/test/peers/ports.py
STDIO=$SRC/test/peers/stdio.py
LISTEN_FD=$SRC/test/peers/listen-fd.py
EVENTS=$SRC/test/peers/events.py

# Sizes: moderate ones, or the full ones of "make check-long".
if [ "${TCPKIT_LONG:-}" = 1 ]; then
	BIG=1G LATE=60
	export BATS_TEST_TIMEOUT=${BATS_TEST_TIMEOUT:-600}
else
	BIG=64M LATE=3
	export BATS_TEST_TIMEOUT=${BATS_TEST_TIMEOUT:-60}
fi

# For the setup_file of a file that needs them: big random data.
make_data() {
	export DATA=$BATS_FILE_TMPDIR
	head -c $BIG /dev/urandom >"$DATA/up"
	head -c $BIG /dev/urandom >"$DATA/down"
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	exec </dev/null
	set -o pipefail
	# The test's own lines are traced, not those of the functions it
	# calls: bats takes longer for each than bash.
	set +T
	declare -gA pid=()
}

# What is printed here is shown by bats if the test failed.
teardown() {
	local p f
	cd "$BATS_TEST_TMPDIR" || return
	if [ -e groups ]; then
		while read -r p; do
			kill -KILL -- "-$p" || :
		done <groups
		# So that bash does not report them.
		[ ${#pid[@]} -eq 0 ] || wait "${pid[@]}" || :
	fi 2>/dev/null
	for f in *.err; do
		[ -s "$f" ] && [ -z "${BATS_TEST_COMPLETED:-}" ] || continue
		echo "--- $f"
		head -c 3000 "$f"
	done
	find . -type f -size +1M -delete
}

# --- processes --------------------------------------------------------------

# spawn NAME COMMAND...: run it in the background; PID is its process.
spawn() {
	local name=$1
	shift
	: >"$name.err"	# now, not when the child comes to it
	set -m		# a process group; and standard input is left alone
	env --default-signal "$@" 2>"$name.err" 3>&- 19>&- &
	set +m
	PID=$!
	pid[$name]=$PID
	echo "$PID" >>groups
}

# start NAME COMMAND...: spawn one that says "...: listening on ADDRESS", and
# wait for that; sets ADDR and PORT.
start() {
	spawn "$@"
	await announced "$1"
}

announced() {
	local ended= line
	running "$1" || ended=1
	while IFS= read -r line; do
		[[ $line =~ ^[a-z]*:\ [a-z]*\ on\ (.*) ]] || continue
		ADDR=${BASH_REMATCH[1]}
		PORT=${ADDR##*:}
		return
	done <"$1.err"
	[ -z "$ended" ] || fail "$1 has ended"
	false
}

# start_other NAME COMMAND...: spawn one that listens on a TCP port (given as
# 0) and does not say which; sets PORT.
start_other() {
	requires ss
	spawn "$@"
	await found_port "$1"
}

found_port() {
	local ended=
	running "$1" || ended=1
	PORT=$(ss -ltnpH | sed -n "s/.*:\([0-9]*\) .*pid=${pid[$1]},.*/\1/p" |
		head -n 1)
	[ -z "$PORT" ] || return 0
	[ -z "$ended" ] || fail "$1 has ended"
	false
}

# finish STATUS NAME: wait until it has ended; STATUS is a glob pattern.
finish() {
	local status=0
	wait "${pid[$2]}" || status=$?
	ended "$1" "$2" "$status"
}

# expect STATUS COMMAND...: run it; "took" is how many ms that was.
expect() {
	local status=0 want=$1 since=${EPOCHREALTIME/[.,]/}
	shift
	spawn expect "$@"
	wait "$PID" || status=$?
	took=$(((${EPOCHREALTIME/[.,]/} - since) / 1000))
	ended "$want" "$*" "$status"
}

ended() {
	# shellcheck disable=SC2053 # a pattern
	[[ $3 == $1 ]] || fail "$2: exit status $3 instead of $1"
}

running() {
	kill -0 "${pid[$1]}" 2>/dev/null
}

# await COMMAND...: until it succeeds; after 20 s the test has failed.
await() {
	local end=$((SECONDS + 20)) pause=0.005
	until "$@"; do
		((SECONDS < end)) || fail "in vain: $*"
		nap $pause
		pause=0.02
	done
}

# nap SECONDS: sleep as a builtin; nothing ever comes of that pipe.
nap() {
	[ -n "${napped:-}" ] || exec 19<> <(:)
	napped=1
	read -r -t "$1" -u 19 || :
}

# --- what came out ----------------------------------------------------------

# said LINE [NAME]: among its messages is exactly this line.
said() {
	local line
	while IFS= read -r line || [ -n "$line" ]; do
		[ "$line" != "$1" ] || return 0
	done <"${2:-expect}.err"
	fail "${2:-expect} does not say: $1"
}

# said_like REGEX [NAME]: among its messages is something like this.
said_like() {
	grep -qE -e "$1" "${2:-expect}.err" ||
		fail "${2:-expect} does not say: $1"
}

# said_nothing [NAME]
said_nothing() {
	[ ! -s "${1:-expect}.err" ] || fail "${1:-expect} said something"
}

# holds FILE TEXT: that is all there is in the file (printf's escapes count).
# Bash can say yes, but not where there are null bytes; cmp also says why not.
holds() {
	local got= want
	want=${2//\\[nrt]/}
	if [[ $want != *[%\\]* && -f $1 && -r $1 ]]; then
		# shellcheck disable=SC2059
		printf -v want "$2"
		IFS= read -r -d '' -n $((${#want} + 1)) got <"$1" ||
			[ "$got" != "$want" ] || return 0
	fi
	# shellcheck disable=SC2059
	printf "$2" | cmp - "$1"
}

# size FILE: its bytes.
size() {
	stat -c %s "$1"
}

# has FILE BYTES: it has grown to so many, at least.
has() {
	[ -e "$1" ] && (($(size "$1") >= $2))
}

now() {		# in ms
	echo $((${EPOCHREALTIME/[.,]/} / 1000))
}

# took_ms FROM TO: expect took that long.
took_ms() {
	((took >= $1 && took <= $2)) || fail "took $took ms, not $1 to $2"
}

# fastest_of_3 COMMAND...: "took" is the least of three runs with status 0,
# for limits that a busy machine must not trip over.
fastest_of_3() {
	local i best=
	for i in 1 2 3; do
		expect 0 "$@"
		((${best:=$took} <= took)) || best=$took
	done
	took=$best
}

# fail TEXT...: the test has failed; says so, and where.
fail() {
	local i
	echo "$*"
	for ((i = 1; i < ${#FUNCNAME[@]}; i++)); do
		[[ ${FUNCNAME[i]} != test_* ]] || break
		echo "    in ${FUNCNAME[i]}, called in line ${BASH_LINENO[i]}"
	done
	return 1
} >&2

# within MS COMMAND...: one of its runs, of as many as 20 s have room for, takes
# no longer ("took"); all end with status 0.  A machine that stalls spoils some
# of them, a wait that must not be spoils each.
within() {
	local end=$((SECONDS + 20)) most=$1
	shift
	while expect 0 "$@" || return; ((took > most)); do
		((SECONDS < end)) || fail "never within $most ms, but in $took"
	done
}

# --- what a test needs ------------------------------------------------------

bind_ipv6='import socket as s; s.socket(s.AF_INET6).bind(("::1", 0))'

# requires THING...: programs, or ipv6, root, namespaces.  Else the test is
# skipped; with CI=true it fails.
requires() {
	local thing
	for thing; do
		case $thing in
		ipv6) python3 -c "$bind_ipv6" ;;
		root) [ "$EUID" -eq 0 ] ;;
		namespaces) unshare -rm true && unshare -rn true ;;
		*) command -v "$thing" ;;
		esac >/dev/null 2>&1 && continue
		[ "${CI:-}" != true ] || fail "required here: $thing"
		skip "requires $thing"
	done
}

# IN_ETC: put before a command, the files in etc/ become those of /etc.
IN_ETC=(unshare -rm sh -c '
	for f in etc/*; do
		mount --bind "$f" "/$f" || exit 126
	done
	exec "$@"' sh)

# make_etc LINE...: an etc/ for IN_ETC, with these lines in etc/hosts, where
# alone names are looked up.
make_etc() {
	mkdir -p etc
	printf '%s\n' "$@" >etc/hosts
	echo 'hosts: files' >etc/nsswitch.conf
}
