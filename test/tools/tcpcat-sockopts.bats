#!/usr/bin/env bats
# The kernel's options of a connection (SPEC 1.1): that the kernel is told of
# them, before it connects or listens, and that it does what they say.

load helpers
load server

# traced NAME: puts the tool that follows under strace; the calls are in
# NAME.calls.  (The leak checker cannot be traced.)
TRACED=(env ASAN_OPTIONS=detect_leaks=0 strace -f -e
	"trace=socket,setsockopt,bind,listen,connect,sendto,shutdown" -o)

# asked FILE NAME VALUE...: the kernel was asked for these, before it connected
# or listened.
asked() {
	local file=$1
	shift
	sed -n '/ connect(.*AF_INET\| listen(/q;p' "$file" >"$file.early"
	while [ $# -gt 0 ]; do
		grep -qE "setsockopt\(.* $1, \[$2\], 4\) += 0" \
			"$file.early" || fail "no $1 of $2 in $file"
		shift 2
	done
}

not_asked() {
	! grep -E "setsockopt\(.* $2," "$1"
}

ALL=keepalive=30,nodelay,dscp=46,ttl=9,rcvbuf=20000,sndbuf=30000
ALL+=,user-timeout=1.5
COMMON=(SO_KEEPALIVE 1 TCP_KEEPIDLE 30 TCP_KEEPINTVL 5 TCP_NODELAY 1
	TCP_USER_TIMEOUT 1500 SO_RCVBUF 20000 SO_SNDBUF 30000)
V4=(IP_TOS 184 IP_TTL 9)
V6=(IPV6_TCLASS 184 IPV6_UNICAST_HOPS 9)

# --- every one of them ------------------------------------------------------

@test "connecting by IPv4, all of them reach the kernel" {
	requires strace
	start server "$PEER" -l 127.0.0.1:0 eof
	expect 0 "${TRACED[@]}" calls "$TCPCAT" "$ADDR,$ALL,interface=lo"
	asked calls "${COMMON[@]}" "${V4[@]}"
	grep -q 'SO_BINDTODEVICE, "lo' calls.early
	finish 0 server
}

@test "connecting by IPv6, all of them reach the kernel" {
	requires strace ipv6
	start server "$PEER" -l '[::1]:0' eof
	expect 0 "${TRACED[@]}" calls "$TCPCAT" "$ADDR,$ALL"
	asked calls "${COMMON[@]}" "${V6[@]}"
	finish 0 server
}

@test "as flags they are the same" {
	requires strace
	start server "$PEER" -l 127.0.0.1:0 eof
	expect 0 "${TRACED[@]}" calls "$TCPCAT" --keepalive 30 --nodelay \
		--dscp 46 --ttl 9 --rcvbuf 20000 --sndbuf 30000 \
		--user-timeout 1.5 --interface lo --fastopen "$ADDR"
	asked calls "${COMMON[@]}" "${V4[@]}" TCP_FASTOPEN_CONNECT 1
	finish 0 server
}

@test "an option in the address wins over its flag" {
	requires strace
	start server "$PEER" -l 127.0.0.1:0 eof
	expect 0 "${TRACED[@]}" calls "$TCPCAT" --ttl 9 "$ADDR,ttl=8"
	asked calls IP_TTL 8
	finish 0 server
}

@test "listening on IPv4, all of them reach the kernel" {
	requires strace
	start server "${TRACED[@]}" calls "$TCPCAT" -l \
		"127.0.0.1:0,$ALL,fastopen,backlog=7"
	expect 0 "$PEER" "$ADDR" shut eof
	finish 0 server
	asked calls "${COMMON[@]}" "${V4[@]}" TCP_FASTOPEN '[1-9][0-9]*'
	grep -qE ' listen\([0-9]+, 7\) += 0' calls
}

@test "listening on both families, all of them reach the kernel for both" {
	requires strace ipv6
	start server "${TRACED[@]}" calls "$TCPCAT" -l "0,$ALL"
	expect 0 "$PEER" "127.0.0.1:$PORT" shut eof
	finish 0 server
	asked calls "${COMMON[@]}" "${V4[@]}" "${V6[@]}"
}

@test "tcpecho takes them, as a server and as a client" {
	requires strace
	start server "${TRACED[@]}" served "$TCPECHO" "127.0.0.1:0,$ALL"
	expect 0 "${TRACED[@]}" calls "$TCPECHO" --client --count 1 \
		"$ADDR,$ALL" >got
	asked served "${COMMON[@]}" "${V4[@]}"
	asked calls "${COMMON[@]}" "${V4[@]}"
}

@test "UDP takes those that are not TCP's" {
	requires strace
	start server "${TRACED[@]}" served "$TCPECHO" \
		"udp://127.0.0.1:0,dscp=46,ttl=9,rcvbuf=20000,sndbuf=30000"
	echo x | expect '*' "${TRACED[@]}" calls "$TCPCAT" --recv-bytes 2 \
		--deadline "$FAR" "udp://$ADDR,dscp=46,ttl=9,rcvbuf=20000" >got
	holds got 'x\n'
	asked served "${V4[@]}" SO_RCVBUF 20000 SO_SNDBUF 30000
	asked calls "${V4[@]}" SO_RCVBUF 20000
}

@test "keepalive is on by default, and can be left out" {
	requires strace
	start server "${TRACED[@]}" served "$TCPCAT" -lk -c cat \
		127.0.0.1:0,keepalive=no
	expect 0 "${TRACED[@]}" calls "$TCPCAT" "$ADDR"
	asked calls SO_KEEPALIVE 1 TCP_KEEPIDLE 60 TCP_KEEPINTVL 10
	not_asked served SO_KEEPALIVE
	expect 0 "${TRACED[@]}" calls "$TCPCAT" --keepalive no "$ADDR"
	not_asked calls SO_KEEPALIVE
}

# --- what they do -----------------------------------------------------------

# shows FILE FLAGS FILTER: what ss says of a connection, once there is one.
shows() {
	ss -tHn"$2" state established "$3" >"$1"
	[ -s "$1" ]
}

@test "a server's clients have what it listens with" {
	requires ss
	start server "$TCPCAT" -lk -c cat 127.0.0.1:0,keepalive=500,dscp=46
	spawn client "$TCPCAT" "$ADDR" < <(held done)
	await shows theirs o "sport = :$PORT"
	touch done
	finish 0 client
	grep -qE 'timer:\(keepalive,8min' theirs
}

@test "rcvbuf is there before the window is agreed on" {
	requires ss
	start server "$PEER" -l 127.0.0.1:0 eof
	spawn client "$TCPCAT" "$ADDR,rcvbuf=4k" < <(held done)
	await shows ours im "dport = :$PORT"
	touch done
	finish 0 client
	grep -qF rb8192 ours
	grep -qE 'wscale:[0-9]+,0 ' ours
}

@test "source is the address, and the port, that the peer sees" {
	start server "$PEER" -l 127.0.0.1:0 eof
	expect 0 "$TCPCAT" "$ADDR,source=127.0.0.2"
	said_like '^peer: connection from 127\.0\.0\.2:[0-9]+$' server
	finish 0 server
}

@test "a source of the other family is a usage error" {
	expect 2 "$TCPCAT" 127.0.0.1:1,source=::1
	said_like '127\.0\.0\.1:1.*: option source: ::1 is not an IPv4 address'
	expect 2 "$TCPCAT" '[::1]:1,source=127.0.0.1'
	said_like 'option source: 127\.0\.0\.1 is not an IPv6 address'
	expect 2 "$TCPCAT" localhost:1,source=127.0.0.1,family=6
	said_like 'option source: 127\.0\.0\.1 is not an IPv6 address'
	expect 1 "$TCPCAT" 127.0.0.1:1,source=127.0.0.2
	said 'tcpcat: connect 127.0.0.1:1 from 127.0.0.2: Connection refused'
}

# --- wrong ones -------------------------------------------------------------

@test "wrong values are usage errors that name the option" {
	local o
	for o in ttl=0 ttl=256 ttl=x dscp=64 dscp=-1 rcvbuf=0 rcvbuf=3G \
		sndbuf=x keepalive=0 keepalive=yes keepalive=10h \
		user-timeout=0 user-timeout=0.0001 source=name \
		source=:65536 'source=[::1' interface=; do
		expect 2 "$TCPCAT" "127.0.0.1:1,$o"
		said_like "^tcpcat: 127\.0\.0\.1:1,.*: option ${o%%=*}: "
		expect 2 "$TCPCAT" "--${o%%=*}=${o#*=}" 127.0.0.1:1
		said_like "^tcpcat: --${o%%=*}: 127\.0\.0\.1:1: "
	done
	expect 2 "$TCPCAT" -l 0,backlog=0
	said_like 'option backlog: "0"'
	expect 2 "$TCPCAT" 127.0.0.1:1,interface=nosuch0
	said 'tcpcat: 127.0.0.1:1: option interface: nosuch0: No such device'
}

@test "flags take no value, and the others need one" {
	local o
	for o in nodelay fastopen mptcp; do
		expect 2 "$TCPCAT" "127.0.0.1:1,$o=yes"
		said_like "option $o takes no value"
	done
	for o in keepalive dscp ttl rcvbuf sndbuf user-timeout source; do
		expect 2 "$TCPCAT" "127.0.0.1:1,$o"
		said_like "option $o needs a value: $o="
	done
}

@test "misplaced ones are usage errors that name option and address" {
	local o
	for o in nodelay fastopen mptcp keepalive=5 user-timeout=5; do
		expect 2 "$TCPCAT" "unix:x,$o"
		said_like "unix:x.*: option ${o%=*} does not go with .* unix"
		expect 2 "$TCPCAT" "udp://127.0.0.1:1,$o"
		said_like "option ${o%=*} does not go with .* udp"
		expect 2 "$TCPCAT" -l "unix:x,$o"
		said_like "option ${o%=*} does not go with listening on unix"
	done
	for o in dscp=1 ttl=1 rcvbuf=1k source=127.0.0.1 interface=lo; do
		expect 2 "$TCPCAT" "unix:x,$o"
		said_like "unix:x.*: option ${o%=*} does not go with .* unix"
	done
	expect 2 "$TCPCAT" -l 127.0.0.1:0,source=127.0.0.1
	said_like 'option source does not go with listening on tcp'
	expect 2 "$TCPCAT" 127.0.0.1:1,backlog=5
	said_like 'option backlog does not go with connecting to tcp'
	expect 2 "$TCPCAT" --nodelay unix:x
	said_like '^tcpcat: --nodelay: unix:x: option nodelay does not go with'
	expect 2 "$TCPCAT" --mptcp udp://127.0.0.1:1
	said_like '^tcpcat: --mptcp: .* option mptcp does not go with'
}

# --- in a network of its own, whose sysctls are the test's ------------------

# network SETTING...: IN is put before what is to be in it.
network() {
	requires namespaces nsenter ip
	# shellcheck disable=SC2016
	spawn network unshare -rn sh -c 'ip link set lo up
		for s; do
			echo "${s#*=}" >"/proc/sys/${s%%=*}" || exit
		done
		echo there >network; exec sleep 120' sh "$@"
	await [ -s network ]
	IN=(nsenter --preserve-credentials -U -n -t "${pid[network]}")
}

# counted NAME: a counter of that network.
counted() {
	"${IN[@]}" cat /proc/net/netstat |
		awk -v name="$1" '
		$1 == last { for (i in at) if (at[i] == name) print $i }
		{ last = $1; for (i = 2; i <= NF; i++) at[i] = $i }'
}

# learnt ADDRESS: there is a cookie for the server from now on.
learnt() {
	echo first | expect 0 "${IN[@]}" "$TCPCAT" "$1" >/dev/null
}

@test "fastopen: first data go with the SYN" {
	network net/ipv4/tcp_fastopen=3
	start server "${IN[@]}" "$TCPCAT" -lk -c cat 127.0.0.1:0,fastopen
	learnt "$ADDR,fastopen"
	[ "$(counted TCPFastOpenPassive)" -eq 0 ]
	echo hello | expect 0 "${IN[@]}" "$TCPCAT" "$ADDR,fastopen" >got
	holds got 'hello\n'
	[ "$(counted TCPFastOpenActive)" -ge 1 ]
	[ "$(counted TCPFastOpenPassive)" -eq 1 ]
}

@test "fastopen: without a word of ours the peer hears of us all the same" {
	network net/ipv4/tcp_fastopen=3
	start server "${IN[@]}" "$TCPCAT" -lk -c 'echo hello; cat' \
		127.0.0.1:0,fastopen
	learnt "$ADDR,fastopen"
	expect 0 "${IN[@]}" "$TCPCAT" "$ADDR,fastopen" >got
	holds got 'hello\n'
	expect 0 "${IN[@]}" "$TCPCAT" --recv-bytes 6 "$ADDR,fastopen" \
		>got < <(sleep 60)
	holds got 'hello\n'
	start speaker "${IN[@]}" "$PEER" -l 127.0.0.1:0 text:hi shut eof
	expect 0 "${IN[@]}" "$TCPCAT" --recv-only "$ADDR,fastopen" >got
	holds got hi
	finish 0 speaker
}

@test "fastopen: big data arrive, both ways" {
	network net/ipv4/tcp_fastopen=3
	head -c 3M /dev/urandom >big
	start server "${IN[@]}" "$TCPCAT" -lk -c cat 127.0.0.1:0,fastopen
	learnt "$ADDR,fastopen"
	expect 0 "${IN[@]}" "$TCPCAT" "$ADDR,fastopen" <big >got
	cmp big got
	expect 0 "${IN[@]}" "$TCPCAT" --send-only "$ADDR,fastopen" <big
}

@test "fastopen: who is gone since is refused, status 1, whoever speaks" {
	network net/ipv4/tcp_fastopen=3
	start server "${IN[@]}" "$TCPCAT" -lk -c cat 127.0.0.1:0,fastopen
	learnt "$ADDR,fastopen"
	kill "${pid[server]}"
	finish 0 server
	echo hello | expect 1 "${IN[@]}" "$TCPCAT" "$ADDR,fastopen"
	said_like "^tcpcat: $ADDR: connect $ADDR: Connection refused"
	expect 1 "${IN[@]}" "$TCPCAT" "$ADDR,fastopen"
	said_like "^tcpcat: $ADDR: connect $ADDR: Connection refused"
	expect 1 "${IN[@]}" "$TCPCAT" --recv-only "$ADDR,fastopen"
	said_like "^tcpcat: $ADDR: connect $ADDR: Connection refused"
}

@test "fastopen: who no longer answers is in time out of time, status 4" {
	network net/ipv4/tcp_fastopen=3
	start server "${IN[@]}" "$TCPCAT" -l -c cat 127.0.0.1:0,fastopen
	learnt "$ADDR,fastopen"
	finish 0 server
	# Its queue is full: it drops what comes.
	start port "${IN[@]}" "$PORTS" 127.0.0.1=dead
	echo hello >hello
	expect 4 "${IN[@]}" "$TCPCAT" \
		"127.0.0.1:$PORT,fastopen,connect-timeout=1" <hello
	said_like ": connect 127\.0\.0\.1:$PORT: Connection timed out \(sent 6"
	took_ms 900 15000
	expect 4 "${IN[@]}" "$TCPCAT" \
		"127.0.0.1:$PORT,fastopen,connect-timeout=1"
}

@test "fastopen: a name's other addresses are still tried" {
	requires ipv6
	network net/ipv4/tcp_fastopen=3
	make_etc '::1 both' '127.0.0.1 both'
	start server "${IN[@]}" "$TCPCAT" -lk -c cat '[::1]:0,fastopen'
	learnt "$ADDR,fastopen"
	# It proves its address first, with a SYN alone.
	echo hello | expect 0 "${IN[@]}" "${IN_ETC[@]}" "$TCPCAT" \
		"both:$PORT,fastopen" >got
	holds got 'hello\n'
	[ "$(counted TCPFastOpenPassive)" -le 1 ]
	start port "${IN[@]}" "$PORTS" ::1=refuse 127.0.0.1=serve
	echo hello | expect 0 "${IN[@]}" "${IN_ETC[@]}" "$TCPCAT" \
		--send-only "both:$PORT,fastopen"
}

@test "fastopen: where it is turned off the connection is a plain one" {
	network net/ipv4/tcp_fastopen=0
	start server "${IN[@]}" "$TCPCAT" -lk -c cat 127.0.0.1:0,fastopen
	learnt "$ADDR,fastopen"
	echo hello | expect 0 "${IN[@]}" "$TCPCAT" "$ADDR,fastopen" >got
	holds got 'hello\n'
	said_nothing
	[ "$(counted TCPFastOpenPassive)" -eq 0 ]
}

needs_mptcp() {
	[ -e /proc/sys/net/mptcp/enabled ] ||
		skip "this kernel has no Multipath TCP"
}

@test "mptcp: both ends speak it, with the options that it has" {
	needs_mptcp
	network net/mptcp/enabled=1
	head -c 3M /dev/urandom >big
	start server "${IN[@]}" "$TCPCAT" -lk -c cat \
		127.0.0.1:0,mptcp,nodelay,rcvbuf=64k
	expect 0 "${IN[@]}" "$TCPCAT" \
		"$ADDR,mptcp,nodelay,keepalive=30,dscp=46,sndbuf=64k" \
		<big >got
	cmp big got
	[ "$(counted MPCapableSYNRX)" -eq 1 ]
	[ "$(counted MPCapableACKRX)" -eq 1 ]
	# Who does not speak it is served by TCP.
	echo hello | expect 0 "${IN[@]}" "$TCPCAT" "$ADDR" >got
	holds got 'hello\n'
}

@test "mptcp: what the peer did not take is not delivered" {
	needs_mptcp
	network net/mptcp/enabled=1
	start server "${IN[@]}" "$PEER" -l 127.0.0.1:0 ready reset
	head -c 8M /dev/zero >big
	expect 6 "${IN[@]}" "$TCPCAT" "$ADDR,mptcp" <big
	finish 0 server
}

@test "mptcp: the kernel's no is a usage error, before anything listens" {
	needs_mptcp
	network net/mptcp/enabled=0
	local hint='this kernel does not have it, or net.mptcp.enabled is 0'
	expect 2 "${IN[@]}" "$TCPCAT" -l 127.0.0.1:0,mptcp
	said "tcpcat: 127.0.0.1:0: option mptcp: $hint"
	expect 2 "${IN[@]}" "$TCPCAT" 127.0.0.1:1,mptcp
	said "tcpcat: 127.0.0.1:1: option mptcp: $hint"
	expect 2 "${IN[@]}" "$TCPECHO" 127.0.0.1:0,mptcp
	said "tcpecho: 127.0.0.1:0: option mptcp: $hint"
}
