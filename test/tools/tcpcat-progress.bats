# --progress: a line on a terminal, and none elsewhere (SPEC 2).
#
# An upload is stopped half way, since its server waits, or its input does;
# what is drawn then is looked at, and it goes on.

load helpers

TERMINAL=("$SRC/test/peers/terminal.py")

setup_file() {
	head -c 32M /dev/zero >"$BATS_FILE_TMPDIR/up"
}

# server: takes nothing before there is a file "go".
server() {
	start server "$PEER" -b 65536 -l 127.0.0.1:0 wait:go eof shut >received
}

# tcpcat ARGUMENT...: with what makes an end of it in any case.
tcpcat() {
	CMD=(timeout --foreground 30 "$TCPCAT" "$@" "$ADDR")
}

# upload OPTION... COLUMNS: the file, on a terminal.
upload() {
	spawn tty env TERM=xterm "${TERMINAL[@]}" "$@" out "${CMD[@]}" \
		<"$BATS_FILE_TMPDIR/up" >got
}

drawn() {	# REGEX [FILE]
	grep -qE -e "$1" "${2:-out.drawn}" 2>/dev/null
}

shows() {	# REGEX: a line of what is to be seen is this
	grep -qxE -e "$1" out.screen || fail "the screen has: $(<out.screen)"
}

until_there() {	# FILE
	# shellcheck disable=SC2016 # for that shell
	timeout 30 sh -c 'until [ -e "$1" ]; do sleep 0.02; done' sh "$1"
}

go_on() {
	: >go
	finish "${1:-0}" tty
	finish 0 server
}

@test "an upload of a known size: how much, how fast, how long" {
	server
	tcpcat --progress
	upload 80
	await drawn '^ +[0-9]+%  \[=*> *\] .*iB  .*iB/s  0:0[0-9]  ETA [-0-9]'
	go_on
	shows '100%  \[=+\]  32\.0 MiB  +[0-9.]+ [KMG]iB/s  0:[0-9]+'
	[ "$(wc -l <out.screen)" -eq 2 ]	# and the cursor below
	run ! grep -E '.{80}' out.drawn
}

@test "what remains of a file is its size" {
	server
	tcpcat --progress
	spawn tty env TERM=xterm "${TERMINAL[@]}" 80 out \
		sh -c 'dd bs=1M count=30 of=/dev/null status=none; exec "$@"' \
		sh "${CMD[@]}" <"$BATS_FILE_TMPDIR/up"
	await drawn '^.*%'
	go_on
	shows '100%  \[=+\]  2\.00 MiB  .*'
}

@test "input of no known size, and an answer: both ways" {
	start server "$PEER" -l 127.0.0.1:0 recv:1500 text:hello wait:go eof \
		>received
	tcpcat --progress
	spawn tty env TERM=xterm "${TERMINAL[@]}" 80 out "${CMD[@]}" \
		< <(head -c 1500 /dev/zero; until_there end) >got
	await drawn '^1\.46 KiB sent .*/s     5 B received .* 0:'
	: >end
	go_on
	shows '1\.46 KiB sent .*/s     5 B received .*/s  0:.*'
	holds got hello
}

@test "a resize is followed" {
	server
	tcpcat --progress
	upload -r 60 80
	await drawn '^.{79}$'
	await drawn '^.{59}$'
	go_on
	shows '100%  \[=*\]  32\.0 MiB  .*'
	[ "$(tail -n 1 out.drawn | tr -d '\n' | wc -c)" -eq 59 ]
	rm go
	server
	tcpcat --progress
	upload -r 120 80
	await drawn '^.{119}$'
	go_on
}

@test "terminals of one column, and of an unknown number" {
	server
	tcpcat --progress
	upload 1
	await has received 0
	go_on
	rm go
	server
	tcpcat --progress
	upload 0
	await drawn '^.*%  \[=*> *\] '
	go_on
	shows '100%  .{70,74}'
}

@test "nothing is drawn in a file, a pipe, or on a dumb terminal" {
	server
	touch go
	tcpcat --progress
	expect 0 "${CMD[@]}" <"$BATS_FILE_TMPDIR/up"
	said_nothing
	server
	tcpcat --progress
	spawn tty env TERM=dumb "${TERMINAL[@]}" 80 out "${CMD[@]}" \
		<"$BATS_FILE_TMPDIR/up"
	finish 0 tty
	[ ! -s out.drawn ]
}

@test "nothing is drawn in the background" {
	server
	tcpcat --progress
	upload -b 80
	go_on
	[ ! -s out.drawn ]
}

@test "messages are whole lines" {
	start server "$PEER" -b 65536 -l 127.0.0.1:0 wait:go reset >received
	tcpcat --progress -v
	upload 80
	await drawn '%  \['
	go_on 6
	shows "tcpcat: connected to $ADDR .*"
	shows ' +[0-9]+%  \[=*>? *\] .*iB  .*/s  0:[0-9]+'
	shows "tcpcat: .*onnection reset by peer.*"
	[ "$(grep -c '%' out.screen)" -eq 1 ]
}

@test "a signal leaves the line whole, too" {
	server
	# shellcheck disable=SC2016 # for that shell
	spawn tty env TERM=xterm "${TERMINAL[@]}" 80 out sh -c \
		'echo $$ >pid; exec "$@"' sh "$TCPCAT" --progress "$ADDR" \
		<"$BATS_FILE_TMPDIR/up"
	await drawn '%  \['
	kill -INT "$(<pid)"
	: >go
	finish 130 tty
	shows ' +[0-9]+%  \[=*>? *\] .*iB  .*/s  0:[0-9]+'
	[ "$(wc -l <out.screen)" -eq 2 ]
}

@test "a terminal that stands still does not hold the bytes up" {
	# Some times for drawing must pass before all is sent.
	start server "$PEER" -b 65536 -l 127.0.0.1:0 recv:1000000 sleep:0.8 \
		recv:32554432 touch:all eof shut >received
	tcpcat --progress
	spawn tty env TERM=xterm "${TERMINAL[@]}" -s go 80 out "${CMD[@]}" \
		< <(until_there begin; cat "$BATS_FILE_TMPDIR/up")
	await drawn '0:0'
	: >begin
	await test -e all
	go_on
}

@test "what is received has the terminal to itself" {
	start server "$PEER" -l 127.0.0.1:0 recv:5 wait:draw text:hello \
		wait:go eof >received
	tcpcat --progress
	spawn tty env TERM=xterm "${TERMINAL[@]}" -o 80 out "${CMD[@]}" \
		< <(printf 12345; until_there end)
	await drawn '^   5 B +[0-9]+ B/s  0:'
	: >draw
	await drawn 'hello$'
	: >end
	go_on
	shows '   5 B .*hello'
	shows '   5 B sent .*   5 B received .*'
}
