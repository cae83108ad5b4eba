# tcprelay under load: readers that stop, thousands that are idle, clients and
# targets of every kind, reloads and the end (SPEC 1.3, 1.7, 4; issue 6,
# "Bounded").  test/peers/load.py is on both sides, and checks every byte.

load helpers
load server

TCPRELAY=$BUILD/tcprelay
LOAD=$SRC/test/peers/load.py

# How much is poured at one who does not read, and how many come and go.
if [ "${TCPKIT_LONG:-}" = 1 ]; then
	POURED=$((1 << 30)) MANY=10000 SOME=2000
else
	POURED=$((64 << 20)) MANY=500 SOME=200
fi

# target COMMAND...: one that listens; TARGET is its address.
target() {
	start target "$@"
	TARGET=$ADDR
}

# relay ARG...: one that listens at ADDR.
relay() {
	start server "$TCPRELAY" "$@"
}

# secured: one more relay, "inner", from TLS to TARGET; TLS_TARGET is its
# address.
secured() {
	make_pair own
	start inner "$TCPRELAY" tls://127.0.0.1:0,cert=own.pem "$TARGET"
	TLS_TARGET=tls://127.0.0.1:$PORT,pin-only,pin=$(pin own)
}

# An address sanitizer keeps what was freed, and more.
measures_memory() {
	[ -r /proc/self/status ] && ! grep -q __asan_init "$TCPRELAY"
}

# most_rss PID: the most memory that it ever had, in KiB.
most_rss() {
	sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$1/status"
}

# remember PID...: how much memory they have now.
remember() {
	local one
	declare -gA rss_of
	for one; do
		rss_of[$one]=$(rss "$one")
	done
}

# grew_no_more KIB PID...: since then none ever had more than that on top.
grew_no_more() {
	local most=$1 one more
	shift
	measures_memory || return 0
	for one; do
		more=$(($(most_rss "$one") - rss_of[$one]))
		echo "process $one: $more KiB more"
		((more <= most)) || fail "that is over $most KiB"
	done
}

# has_clients N: as its statistics have it.
has_clients() {
	kill -USR1 "${pid[server]}"
	sleep 0.05
	grep -E '^tcprelay: [0-9]+ clients now' server.err | tail -n 1 |
		grep -q "^tcprelay: $1 clients now"
}

stopped() {
	kill -TERM "${pid[server]}"
	finish 0 server
}

# --- readers that stop ------------------------------------------------------

# both_pour NAME...: neither side of these relays reads, and both pour; then
# both read, and get everything.
both_pour() {
	local name all=()
	needs_proc
	for name; do
		all+=("${pid[$name]}")
	done
	remember "${all[@]}"
	spawn client "$LOAD" pour $POURED "$ADDR"
	await says 1 'stuck after' client
	await says 1 'stuck after' target
	grew_no_more 2048 "${all[@]}"
	touch go
	finish 0 client
	finish 0 target
	grew_no_more 2048 "${all[@]}"
	await has_clients 0
	stopped
}

@test "readers that stop cost a buffer each, and get everything in the end" {
	target "$LOAD" pour $POURED -l
	relay 127.0.0.1:0 "$TARGET"
	both_pour server
}

@test "the same with TLS on either side" {
	needs_tls
	target "$LOAD" pour $POURED -l
	secured
	relay 127.0.0.1:0 "$TLS_TARGET"
	both_pour server inner
}

@test "the same with poll(2)" {
	export TCPKIT_LOOP=poll
	POURED=$((32 << 20))
	target "$LOAD" pour $POURED -l
	relay 127.0.0.1:0 "$TARGET"
	both_pour server
}

# A target that echoes takes no more while nobody reads what it says.
killed_amid_an_echo() {
	spawn client "$LOAD" pour $((1 << 30)) "$ADDR"
	await says 1 'stuck after' client
	kill -KILL "${pid[client]}"
	await has_clients 0
	stopped
}

@test "a client that is killed with both ways full is not kept for ever" {
	target "$LOAD" steady
	relay 127.0.0.1:0 "$TARGET"
	killed_amid_an_echo
}

@test "nor with TLS on either side" {
	needs_tls
	target "$LOAD" steady
	secured
	relay 127.0.0.1:0 "$TLS_TARGET"
	killed_amid_an_echo
	kill -TERM "${pid[inner]}"
	finish 0 inner
	says_times 0 'not finished in time' inner
}

# --- many -------------------------------------------------------------------

# crowd_of N: so many are idle, one is not, and they go.
crowd_of() {
	rm -f go
	spawn idle "$LOAD" idle "$1" "$ADDR"
	await says 1 'served' idle
	(($(fds "${pid[server]}") >= before + 2 * $1)) ||
		fail "they are not all there"
	touch go
	finish 0 idle
	await few_fds "${pid[server]}" "$before"
}

# crowded N: that, twice; the second time needs no more memory.
crowded() {
	local before
	needs_proc
	target "$TCPECHO" 127.0.0.1:0
	relay 127.0.0.1:0,backlog=4096 "$TARGET"
	echoes "$ADDR"
	await has_clients 0
	before=$(fds "${pid[server]}")
	remember "${pid[server]}"
	crowd_of "$1"
	grew_no_more $((2048 + 2 * $1)) "${pid[server]}"
	rss_of[${pid[server]}]=$(most_rss "${pid[server]}")
	crowd_of "$1"
	grew_no_more 512 "${pid[server]}"
	stopped
}

@test "5000 idle clients: another one is served promptly, and all of them go" {
	local n=5000 limit
	limit=$(ulimit -Hn)
	ulimit -Sn "$limit"
	if [ "$limit" != unlimited ] && ((limit < 2 * n + 100)); then
		n=$(((limit - 100) / 2))
		echo "# with $n: no more than $limit descriptors" >&3
	fi
	crowded "$n"
}

@test "300 with poll(2)" {
	TCPKIT_LOOP=poll crowded 300
}

# --- descriptors ------------------------------------------------------------

# in_turn TARGET...: with few descriptors nobody is let in who cannot be served.
in_turn() {
	local limit
	needs_proc
	for limit in 26 40; do
		start server sh -c 'ulimit -n $0; exec "$@"' "$limit" \
			"$TCPRELAY" 127.0.0.1:0 "$@"
		run -0 --separate-stderr "$LOAD" turns 60 "$ADDR"
		says_times 1 'Too many open files'
		run ! grep -E 'reset|resolve|Broken pipe' server.err
		stopped
	done
}

@test "out of descriptors: clients wait in the backlog, none is let in for nothing" {
	target "$TCPECHO" 127.0.0.1:0
	in_turn "$TARGET"
}

@test "the same with a name to be looked up" {
	target "$TCPECHO" localhost:0
	in_turn "localhost:${TARGET##*:}"
}

@test "the same with a first target that refuses, and with a program" {
	target "$TCPECHO" 127.0.0.1:0
	in_turn 127.0.0.1:1 "$TARGET"
	in_turn exec:cat
}

# --- churn ------------------------------------------------------------------

# place N: the address that "server" announced as its N-th.
place() {
	listener "$1"
	echo "$ADDR"
}

# serve_all [FLAG...]: a relay to targets of every kind; PLACES is what load.py
# is to know of it, ALL its addresses.
serve_all() {
	local through kinds=(steady flaky proxy program steady) i
	start flaky "$LOAD" flaky
	local flaky=$ADDR
	target "$LOAD" steady
	through=$TARGET
	if [ -n "${WITH_TLS:-}" ]; then
		secured
		through=$TLS_TARGET
	fi
	printf '%s\n' "127.0.0.1:0 $through" \
		"127.0.0.1:0 $flaky $TARGET" \
		"127.0.0.1:0,proxy-protocol=+127/8 $TARGET" \
		'127.0.0.1:0 exec:cat' "unix:sock $TARGET" >conf
	relay -f conf "$@"
	PLACES=() ALL=()
	for ((i = 0; i < 5; i++)); do
		listener $((i + 1))
		PLACES+=("${kinds[i]}=$ADDR")
		[ $i -eq 2 ] || ALL+=("$ADDR")
	done
}

# all_fds PID...: how many descriptors they have.
all_fds() {
	local one n=0
	for one; do
		n=$((n + $(fds "$one")))
	done
	echo $n
}

# fell_to N PID...
fell_to() {
	local most=$1
	shift
	(($(all_fds "$@") <= most))
}

# survives N: clients and targets of every kind come and go, and nothing stays.
survives() {
	local all before one
	needs_proc
	mapfile -t all < <(pgrep -P "${pid[server]}" || echo "${pid[server]}")
	# One of them may just be killed.
	for one in "${ALL[@]}" "${ALL[@]}"; do
		await echoes "$one"
	done
	await has_clients 0
	before=$(all_fds "${all[@]}")
	remember "${all[@]}"
	spawn chaos "$CHURN" chaos $(($1 / 4)) "${ALL[@]}"
	expect 0 "$LOAD" churn "$1" "${PLACES[@]}"
	finish 0 chaos
	await has_clients 0
	await fell_to "$before" "${all[@]}"
	for one in "${all[@]}"; do
		await childless "$one"
	done
	grew_no_more 6144 "${all[@]}"
	for one in "${ALL[@]}"; do
		await echoes "$one"
	done
	stopped
}

@test "clients and targets of every kind come and go: nothing is left over" {
	serve_all
	survives $MANY
}

@test "the same with TLS between two relays" {
	needs_tls
	WITH_TLS=1
	serve_all
	local before
	before=$(fds "${pid[inner]}")
	survives $SOME
	await few_fds "${pid[inner]}" "$before"
}

@test "the same with --workers 2" {
	serve_all --workers 2
	survives $SOME
}

@test "the same with poll(2), once more" {
	export TCPKIT_LOOP=poll
	serve_all
	survives $SOME
}

# --- a hub ------------------------------------------------------------------

# hub_follows: one of 20 never reads.
hub_follows() {
	relay --hub 127.0.0.1:0,sndbuf=32k
	expect 0 "$LOAD" hub 20 24 "$ADDR"
	took_ms 0 20000
	await has_clients 0
	said_like "^tcprelay: .*127\.0\.0\.1:[0-9]+ .*too slow to follow" server
	says_times 1 'too slow'
	stopped
}

@test "--hub: one who never reads is dropped, 19 others miss nothing" {
	hub_follows
}

@test "--hub: the same with poll(2)" {
	TCPKIT_LOOP=poll hub_follows
}

# --- reload, and the end ----------------------------------------------------

# with_reloads COMMAND...: while it runs, SIGHUP every 100 ms, each with
# another file.
with_reloads() {
	local n=0
	spawn load "$@"
	while running load; do
		sleep 0.1
		cp conf.$((n % 2)) new
		mv new conf
		kill -HUP "${pid[server]}"
		n=$((n + 1))
	done
	finish 0 load
	((n >= 8)) || fail "only $n reloads"
}

# reloads_well [FLAG...]: nobody is cut, whatever the file says by then.  Some
# are slow enough to see many of them.
reloads_well() {
	start other "$TCPECHO" 127.0.0.1:0
	local other=$ADDR
	target "$TCPECHO" 127.0.0.1:0
	printf '%s\n' "127.0.0.1:0,rate=500k $TARGET" \
		"unix:sock $TARGET" >conf.0
	printf '%s\n' "127.0.0.1:0,rate=600k $other,weight=3 $TARGET" \
		"unix:sock $other" "${MORE:-}" >conf.1
	cp conf.0 conf
	relay -v "$@" -f conf
	spawn quick sh -c 'until [ -e enough ]; do
		"$1" crowd 20 1000000 unix:sock || exit
		done' sh "$CHURN"
	with_reloads sh -c '"$1" crowd 50 500000 "$2" &&
		"$1" crowd 50 400000 "$2"' sh "$CHURN" "$ADDR"
	touch enough
	finish 0 quick
	await says 5 ': reloaded$'
	run ! grep -E 'reset|refused|not reloaded' server.err
	await has_clients 0
	stopped
}

@test "SIGHUP every 100 ms under load: no transfer is lost or cut" {
	MORE='unix:more exec:cat' reloads_well
}

@test "the same with --workers 2, and with poll(2)" {
	TCPKIT_LOOP=poll reloads_well --workers 2
}

@test "SIGTERM under load: all who are there get everything" {
	target "$TCPECHO" 127.0.0.1:0
	relay -v 127.0.0.1:0,rate=1M "$TARGET"
	spawn load "$CHURN" crowd 50 1000000 "$ADDR"
	await says 50 'connection from'
	stopped
	finish 0 load
	run ! grep -E 'cut|reset' server.err
}

@test "a second SIGTERM ends it at once: 143, and who is there is reset" {
	target "$TCPECHO" 127.0.0.1:0
	relay 127.0.0.1:0 "$TARGET"
	spawn client "$PEER" "$ADDR" text:a recv:1 touch:here broken
	await test -e here
	kill -TERM "${pid[server]}"
	await refused "$ADDR"
	running server
	local since
	since=$(now)
	kill -TERM "${pid[server]}"
	finish 143 server
	took=$(($(now) - since))
	took_ms 0 5000
	finish 0 client
}
