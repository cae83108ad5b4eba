# tcpcat -z: which ports accept (SPEC section 2).

load helpers

SCAN=$SRC/test/peers/scan.py

# ports KIND...: one port after the other that serves, refuses or is dead, on
# 127.0.0.1 or, as ::1=KIND, elsewhere; P is their numbers.
ports() {
	start ports "$SCAN" "$@"
	read -ra P <<<"$(sed -n 's/^scan: ports //p' ports.err)"
}

# open_ports LINE...: exactly these were printed, in this order.
open_ports() {
	printf '%s\n' "$@" | diff - got >&2 || fail "other ports"
}

# --- what is printed ---------------------------------------------------------

@test "ports that accept are printed in the order asked for: 0" {
	ports serve refuse serve serve
	expect 0 "$TCPCAT" -z "127.0.0.1:${P[2]},${P[1]},${P[0]},${P[3]}" >got
	open_ports "127.0.0.1:${P[2]}" "127.0.0.1:${P[0]}" "127.0.0.1:${P[3]}"
	said_nothing
}

@test "no port that accepts is 1, and silence" {
	ports refuse refuse
	expect 1 "$TCPCAT" -z "127.0.0.1:${P[0]},${P[1]}" >got
	[ ! -s got ]
	said_nothing
}

@test "-v says of each port that does not accept why" {
	ports serve refuse
	expect 0 "$TCPCAT" -zv "127.0.0.1:${P[0]},${P[1]}" >got
	open_ports "127.0.0.1:${P[0]}"
	holds expect.err \
		"tcpcat: connect 127.0.0.1:${P[1]}: Connection refused\n"
}

@test "host and ranges as two arguments, as with nc -z" {
	requires nc
	ports serve serve refuse
	local from=$((P[0] - 20)) to=$((P[0] + 20))
	expect 0 "$TCPCAT" -z 127.0.0.1 $from-$to "${P[1]}-${P[1]}" >got
	grep -qx "127.0.0.1:${P[0]}" got
	grep -qx "127.0.0.1:${P[1]}" got
	expect '[01]' nc -zv 127.0.0.1 $from-$to
	# Others may come and go in between; ours are there all the time.
	said_like "127.0.0.1 ${P[0]} port .*succeeded"
}

@test "a port that is asked for twice is scanned once" {
	ports serve
	local p=${P[0]}
	expect 0 "$TCPCAT" -z "127.0.0.1:$p,$p-$p,$p" >got
	open_ports "127.0.0.1:$p"
}

@test "several hosts, the same one and localhost among them" {
	ports serve refuse 127.0.0.2=serve
	expect 0 "$TCPCAT" -z "127.0.0.2:${P[2]}" "127.0.0.1:${P[1]},${P[0]}" \
		":${P[0]}" "tcp://127.0.0.1:${P[0]}" >got
	open_ports "127.0.0.2:${P[2]}" "127.0.0.1:${P[0]}" \
		"localhost:${P[0]}" "127.0.0.1:${P[0]}"
}

@test "IPv6, with and without brackets" {
	requires ipv6
	ports ::1=serve ::1=refuse
	expect 0 "$TCPCAT" -z "[::1]:${P[1]},${P[0]}" >got
	open_ports "[::1]:${P[0]}"
	expect 0 "$TCPCAT" -z ::1 "${P[0]}" "${P[1]}" >got
	open_ports "[::1]:${P[0]}"
}

@test "what is printed is an address to connect to" {
	ports serve serve
	"$TCPCAT" -z localhost "${P[0]}" "${P[1]}" |
		while read -r address; do
			"$TCPCAT" --recv-only "$address"
		done >got
	open_ports 'served by 127.0.0.1' 'served by 127.0.0.1'
}

@test "--json gives an object a port" {
	ports serve refuse serve
	expect 0 "$TCPCAT" -z --json "localhost:${P[0]},${P[1]},${P[2]}" >json
	"$EVENTS" open host port peer <json >got
	open_ports "localhost ${P[0]} 127.0.0.1:${P[0]}" \
		"localhost ${P[2]} 127.0.0.1:${P[2]}"
	said_nothing
	expect 0 "$TCPCAT" -z -v --json "127.0.0.1:${P[0]},${P[1]}" >json
	"$EVENTS" connect-failed error <expect.err >got
	grep -q 'Connection refused' got
}

@test "a line comes as soon as all before it are known" {
	ports serve dead serve
	spawn scan "$TCPCAT" -z -w 30 \
		"127.0.0.1:${P[0]},${P[1]},${P[2]}" >got
	await has got 1
	open_ports "127.0.0.1:${P[0]}"
	running scan
	# On a signal, all that are known.
	# shellcheck disable=SC2154 # of helpers.bash
	kill -INT "${pid[scan]}"
	finish 130 scan
	open_ports "127.0.0.1:${P[0]}" "127.0.0.1:${P[2]}"
}

@test "service names are ports, but not with -n" {
	requires namespaces
	ports serve
	make_etc '127.0.0.1 somewhere'
	echo "someservice ${P[0]}/tcp" >etc/services
	expect 0 "${IN_ETC[@]}" "$TCPCAT" -z somewhere:1,someservice >got
	open_ports "somewhere:${P[0]}"
	expect 3 "${IN_ETC[@]}" "$TCPCAT" -zn 127.0.0.1:someservice
	expect 3 "${IN_ETC[@]}" "$TCPCAT" -zn "somewhere:${P[0]}"
}

# --- names -------------------------------------------------------------------

@test "any address of a name that accepts will do" {
	requires ipv6 namespaces
	start port "$PORTS" ::1=refuse 127.0.0.1=serve
	make_etc '127.0.0.1 both' '::1 both'
	expect 0 "${IN_ETC[@]}" "$TCPCAT" -z --json "both:$PORT" >json
	[ "$("$EVENTS" open peer <json)" = "127.0.0.1:$PORT" ]
	expect 1 "${IN_ETC[@]}" "$TCPCAT" -z6v "both:$PORT"
	holds expect.err "tcpcat: connect [::1]:$PORT: Connection refused\n"
	expect 0 "${IN_ETC[@]}" "$TCPCAT" -z4 "both:$PORT" >got
	open_ports "both:$PORT"
}

@test "a dead address holds up the other one by a quarter of a second" {
	requires ipv6 namespaces
	start port "$PORTS" ::1=dead 127.0.0.1=serve
	make_etc '127.0.0.1 both' '::1 both'
	fastest_of_3 "${IN_ETC[@]}" "$TCPCAT" -z -w 20 "both:$PORT" >got
	took_ms 200 5000
}

@test "a name that is not found is said; 3 if there is nothing else" {
	requires namespaces
	ports serve refuse
	make_etc '127.0.0.1 somewhere'
	expect 3 "${IN_ETC[@]}" "$TCPCAT" -z nowhere.invalid:1-9
	[ "$(wc -l <expect.err)" -eq 1 ]
	said_like '^tcpcat: .*nowhere\.invalid'
	expect 1 "${IN_ETC[@]}" "$TCPCAT" -z nowhere.invalid:1 \
		"somewhere:${P[1]}"
	expect 0 "${IN_ETC[@]}" "$TCPCAT" -z nowhere.invalid:1 \
		"somewhere:${P[0]}" >got
	open_ports "somewhere:${P[0]}"
	said_like '^tcpcat: .*nowhere\.invalid'
}

@test "an address of the other family is a usage error" {
	expect 2 "$TCPCAT" -z6 127.0.0.1:1
	expect 2 "$TCPCAT" -z4 '[::1]:1'
	expect 2 "$TCPCAT" -z -s ::1 127.0.0.1:1
}

@test "our own end of a connection is not a port that accepts" {
	requires namespaces ip
	# The only port to connect from is the one that is asked for.
	expect 1 unshare -rn sh -c 'ip link set lo up &&
		echo 40000 40000 >/proc/sys/net/ipv4/ip_local_port_range &&
		exec "$@"' sh "$TCPCAT" -zv 127.0.0.1:40000 >got
	[ ! -s got ]
	said 'tcpcat: connect 127.0.0.1:40000: Connection refused'
}

# --- limits ------------------------------------------------------------------

@test "-w bounds each try: 4 if all timed out, 1 if only some" {
	ports dead dead refuse serve
	expect 4 "$TCPCAT" -zv -w 0.5 "127.0.0.1:${P[0]},${P[1]}" >got
	took_ms 450 15000
	said_like "^tcpcat: connect 127\.0\.0\.1:${P[1]}: .*timed out"
	expect 1 "$TCPCAT" -z -w 0.5 "127.0.0.1:${P[0]},${P[2]}" >got
	[ ! -s got ]
	expect 0 "$TCPCAT" -z "127.0.0.1:${P[0]},${P[3]},connect-timeout=0.5" \
		>got
	open_ports "127.0.0.1:${P[3]}"
}

@test "--deadline bounds the whole: 4, with all that are known" {
	ports serve dead serve
	expect 4 "$TCPCAT" -z --deadline 0.5 \
		"127.0.0.1:${P[0]},${P[1]},${P[2]}" >got
	took_ms 450 15000
	open_ports "127.0.0.1:${P[0]}" "127.0.0.1:${P[2]}"
	said 'tcpcat: deadline reached: 2 of 3 ports accept, 1 are not known'
}

@test "few descriptors are enough" {
	ports serve serve dead serve
	local list=1-300,${P[0]},${P[2]},${P[1]},301-600,${P[3]}
	expect 0 bash -c 'ulimit -n 20; exec "$@"' bash \
		"$TCPCAT" -z -w 0.5 "127.0.0.1:$list" "localhost:${P[0]}" >got
	grep -x ".*:\(${P[0]}\|${P[1]}\|${P[3]}\)" got >ours
	mv ours got
	open_ports "127.0.0.1:${P[0]}" "127.0.0.1:${P[1]}" \
		"127.0.0.1:${P[3]}" "localhost:${P[0]}"
}

@test "descriptors that others have taken are waited for" {
	ports dead dead dead dead serve
	# 20, of which it expects to have 4 and gets fewer.
	# shellcheck disable=SC2016 # for that shell
	expect 0 bash -c 'ulimit -n 20
		for i in 3 4 5 6 7 8 9 10 11 12 13; do
			eval "exec $i</dev/null"
		done; exec "$@"' bash \
		"$TCPCAT" -z -w 0.3 "127.0.0.1:$(IFS=,; echo "${P[*]}")" >got
	open_ports "127.0.0.1:${P[4]}"
}

@test "a slow reader of the results gets all of them" {
	requires namespaces ip
	expect 0 unshare -rn bash -c 'ip link set lo up && exec "$@"' bash \
		"$SCAN" --many 3000 "$TCPCAT" >got
	[ "$(sort -u got | wc -l)" -eq 3000 ]
	sort -t : -k 2n -c got
}

# --- waiting for ports -------------------------------------------------------

@test "--retry waits for a port until it accepts" {
	ports later
	spawn scan "$TCPCAT" -zv --retry --deadline 30 "127.0.0.1:${P[0]}" >got
	await grep -q 'trying the others again' scan.err
	[ ! -s got ]
	kill -USR1 "${pid[ports]}"
	finish 0 scan
	open_ports "127.0.0.1:${P[0]}"
}

@test "--retry waits for all the ports, and prints them in order" {
	ports later serve
	spawn scan "$TCPCAT" -zv --retry --deadline 30 --json \
		"127.0.0.1:${P[0]}" "127.0.0.1:${P[1]}" >json
	await grep -q '"event":"detail"' scan.err
	[ ! -s json ]
	kill -USR1 "${pid[ports]}"
	finish 0 scan
	"$EVENTS" open port peer <json >got
	open_ports "${P[0]} 127.0.0.1:${P[0]}" "${P[1]} 127.0.0.1:${P[1]}"
}

@test "--retry=N gives up: 1, with those that do accept" {
	ports refuse serve
	expect 1 "$TCPCAT" -zv --retry=2 "127.0.0.1:${P[0]},${P[1]}" >got
	took_ms 200 15000
	open_ports "127.0.0.1:${P[1]}"
	[ "$(grep -c 'Connection refused' expect.err)" -eq 3 ]
	[ "$(grep -c 'trying the others again' expect.err)" -eq 2 ]
}

@test "--retry until --deadline is 4" {
	ports refuse serve
	expect 4 "$TCPCAT" -z --retry --deadline 0.5 \
		"127.0.0.1:${P[0]},${P[1]}" >got
	took_ms 450 15000
	open_ports "127.0.0.1:${P[1]}"
	said 'tcpcat: deadline reached: 1 of 2 ports accept, 1 do not yet'
}

@test "--retry waits for a name, too" {
	requires namespaces
	ports serve
	make_etc '127.0.0.1 somewhere'
	spawn scan "${IN_ETC[@]}" "$TCPCAT" -zv --retry --deadline 30 \
		"nowhere:${P[0]}" >got
	await grep -q 'trying the others again' scan.err
	# The file itself, which is what is mounted there.
	echo '127.0.0.1 nowhere' >>etc/hosts
	finish 0 scan
	open_ports "nowhere:${P[0]}"
}

# --- trouble -----------------------------------------------------------------

@test "a result that cannot be written is 7" {
	ports serve
	expect 7 "$TCPCAT" -z "127.0.0.1:${P[0]}" >/dev/full
	said_like '^tcpcat: standard output: '
	expect 7 "$TCPCAT" -z "127.0.0.1:${P[0]}" >&-
}

@test "a reader who has gone is SIGPIPE, or 7 where that is ignored" {
	ports serve
	mkfifo pipe
	# shellcheck disable=SC2094 # so that the other end is gone
	exec 5<>pipe 6>pipe 5>&-
	expect 141 "$TCPCAT" -z "127.0.0.1:${P[0]}" >&6
	said_nothing
	expect 7 env --ignore-signal=PIPE "$TCPCAT" -z \
		"127.0.0.1:${P[0]}" >&6
	said_like '^tcpcat: standard output: '
}

@test "what a scan cannot be is a usage error" {
	local flags
	for flags in -l -u -U '-p 1' '-e cat' '-c cat' --tls --tls-info \
		--tls-insecure '--via socks5://127.0.0.1:1' --reconnect \
		--proxy-protocol=1 --recv-only --send-only \
		'--recv-bytes 1' -C '-i 1' '-q 1' --wait-stdin --stats \
		'--rate 1' '--idle-timeout 1' '--half-close-timeout 1' \
		--no-shutdown --progress --sha256 '--hexdump x' \
		'--capture x'; do
		# shellcheck disable=SC2086 # options and their values
		expect 2 "$TCPCAT" -z $flags 127.0.0.1:1
		said_like '^tcpcat: .*-z'
	done
	expect 2 "$TCPCAT" -z
	expect 2 "$TCPCAT" -z 127.0.0.1:90-80
	said_like '90-80 runs backwards'
	expect 2 "$TCPCAT" -z 127.0.0.1:1,via=http://127.0.0.1:1
	expect 2 "$TCPCAT" -z udp://127.0.0.1:1
	said_like 'TCP ports only'
}
