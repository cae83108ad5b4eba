# --reconnect: a connection that ends or fails is followed by another, and no
# input is lost between two that end well (SPEC section 2).

load helpers
load server
load tls

SERIES=$SRC/test/peers/series.py

setup_file() {
	make_certs
}

# Not all of this is of TLS.
setup() {
	plain_setup
}

# refused_times N NAME: it was refused so often, at least.
refused_times() {
	says "$1" 'warning: connect .*: Connection refused' "$2"
}

# input FILE TEXT...: each text when there is a file FILE.N, then the end.
input() {
	local file=$1 n=0 text
	shift
	for text; do
		n=$((n + 1))
		held "$file.$n"
		# shellcheck disable=SC2059
		printf "$text"
	done
	held "$file.end"
}

@test "--reconnect: after a clean end, and again" {
	start server "$SERIES" text:one, shut eof / text:two, shut eof / \
		text:three eof shut
	spawn client "$TCPCAT" --reconnect "$ADDR" < <(input in x) >answer
	await has answer 13
	touch in.1 in.end
	finish 0 client
	finish 0 server
	holds answer one,two,three
	holds got.1 ''
	holds got.2 ''
	holds got.3 x
}

@test "--reconnect: refused in between" {
	start server "$SERIES" text:one, shut eof / \
		refuse:go text:two eof shut
	spawn client "$TCPCAT" --reconnect=0.6 "$ADDR" < <(input in end) \
		>answer
	await refused_times 2 client
	touch go in.1 in.end
	# A refusal lost nothing, but it was a failure, and that is said.
	finish '[01]' client
	finish 0 server
	holds answer one,two
	holds got.2 end
}

@test "--reconnect: refused at first" {
	start server "$SERIES" refuse:go text:hello eof shut
	spawn client "$TCPCAT" --reconnect "$ADDR" < <(printf hi) >answer
	await refused_times 1 client
	touch go
	finish 0 client
	finish 0 server
	holds answer hello
	holds got.1 hi
}

@test "--reconnect: after a reset, and that is the status in the end" {
	start server "$SERIES" text:one, ready reset / text:two eof shut
	spawn client "$TCPCAT" --reconnect "$ADDR" < <(input in a end) >answer
	await has answer 4
	touch in.1
	await says 1 'reset' client
	touch in.2 in.end
	finish 6 client
	finish 0 server
	holds answer one,two
	holds got.2 end
}

@test "--reconnect: input is split over connections, in order" {
	seq -f line%g 1 6 >lines
	local i steps=()
	for i in 1 2 3; do
		steps+=(recv:12 touch:in.$((i + 1)) shut eof /)
	done
	steps[-1]=touch:done
	start server "$SERIES" "${steps[@]}"
	touch in.1
	spawn client "$TCPCAT" --reconnect "$ADDR" \
		< <(input in 'line1\nline2\n' 'line3\nline4\n' \
			'line5\nline6\n') >answer
	touch in.end
	finish 0 client
	finish 0 server
	cat got.1 got.2 got.3 | cmp - lines
}

@test "--reconnect: a file is read on where the connection before ended" {
	# Each peer ends while most of the input is not read yet.
	head -c 8M /dev/urandom >input
	start server "$SERIES" -b 20000 recv:100000 shut eof / \
		recv:100000 shut eof / eof
	cat input | expect 0 "$TCPCAT" --reconnect "$ADDR" >answer
	finish 0 server
	cat got.1 got.2 got.3 | cmp - input
}

@test "--reconnect: with -i and -C nothing that was read is lost" {
	start server "$SERIES" recv:5 shut eof / recv:5 shut eof / eof
	seq -f line%g 1 9 | expect 0 "$TCPCAT" --reconnect -i 0.05 "$ADDR"
	finish 0 server
	seq -f line%g 1 9 | cmp - <(cat got.1 got.2 got.3)
}

@test "--reconnect: without input it goes on, until --deadline" {
	start server "$SERIES" text:one, shut eof / text:two, shut eof / \
		text:three, shut eof / text:four, eof
	expect 4 "$TCPCAT" --reconnect=0.1 --deadline 2 "$ADDR" </dev/null \
		>answer
	((took >= 2000))
	[[ $(cat answer) == one,two,three,* ]]
}

@test "--reconnect: standard output stays open in between" {
	start server "$SERIES" text:one, shut eof / text:two eof
	spawn client sh -c '"$@" | cat >answer' sh "$TCPCAT" --reconnect \
		"$ADDR" < <(input in x)
	await has answer 7
	touch in.1 in.end
	finish 0 client
	holds answer one,two
}

@test "--reconnect: a reader that has left ends it" {
	start server "$SERIES" text:one shut eof / flood
	# shellcheck disable=SC2016
	expect 0 bash -c '"$@" | head -c 3
		echo "${PIPESTATUS[*]}" >status' sh "$TCPCAT" --reconnect "$ADDR"
	holds status '141 0\n'
}

@test "--reconnect: a full disk is final" {
	[ -c /dev/full ] || skip 'requires /dev/full'
	start server "$SERIES" text:one eof / text:no
	expect 7 "$TCPCAT" --reconnect "$ADDR" < <(printf x; held end) \
		>/dev/full
	touch end
	said_like 'standard output.*No space left'
}

@test "--reconnect: waits of 0.5 s, that double, up to T" {
	start ports "$PORTS" 127.0.0.1=refuse
	expect 4 "$TCPCAT" --reconnect=1 -v --deadline 3 "$ADDR"
	grep -oE 'again in [0-9]\.[0-9]' expect.err | cut -d ' ' -f 3 >waits
	# 0.375 to 0.5, then 0.75 to 1 for all that come
	[ "$(wc -l <waits)" -ge 3 ]
	awk 'NR == 1 && ($1 < 0.4 || $1 > 0.5) || NR > 1 && ($1 < 0.7 ||
		$1 > 1) { exit 1 }' waits
}

@test "--reconnect: bytes set the wait back to 0.5 s" {
	start server "$SERIES" refuse:go text:a shut eof / text:b eof
	spawn client "$TCPCAT" --reconnect -v "$ADDR" < <(input in x) >answer
	await says 2 'again in' client		# 0.5, 1
	touch go
	await has answer 2
	grep -oE 'again in [0-9]\.[0-9]' client.err | tail -n 1 >wait
	grep -qE 'in 0\.[45]' wait
	touch in.1 in.end
	finish '*' client
}

@test "--reconnect: a signal leaves, in a connection and between two" {
	start server "$SERIES" text:one ready eof
	spawn client "$TCPCAT" --reconnect "$ADDR" < <(held end) >answer
	await has answer 3
	kill -INT "${pid[client]}"
	finish 130 client
	touch end
	start ports "$PORTS" 127.0.0.1=refuse
	spawn client "$TCPCAT" --reconnect "$ADDR"
	await refused_times 1 client
	kill -TERM "${pid[client]}"
	finish 143 client
}

@test "--reconnect -e: the program is run for each" {
	start server "$SERIES" text:a shut eof / text:b shut eof / eof
	spawn client "$TCPCAT" --reconnect -c 'echo $TCPCONNNUM; cat' "$ADDR"
	await has got.3 2
	kill -TERM "${pid[client]}"
	finish 143 client
	holds got.1 '1\na'
	holds got.2 '2\nb'
	holds got.3 '3\n'
}

@test "--reconnect: TLS again, and a refusal is final" {
	needs_tls
	start server "$TCPCAT" -lk -c 'echo hello' \
		"tls://127.0.0.1:0,$(own server)"
	spawn client "$TCPCAT" --reconnect "tls://$ADDR,ca=$CERTS/ca.pem" \
		< <(input in x) >answer
	await has answer 12
	touch in.1 in.end
	finish '[06]' client
	expect 5 "$TCPCAT" --reconnect "tls://$ADDR,ca=$CERTS/ca2.pem"
}
