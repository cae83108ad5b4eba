# tcpcat -lk with -e and -c: a program for each client (SPEC section 2).

load helpers
load server

@test "-lk -c: each client has a program of its own, at the same time" {
	# shellcheck disable=SC2016
	start server "$TCPCAT" -lk -c 'echo $$; cat' 127.0.0.1:0
	spawn one "$PEER" "$ADDR" text:a ready touch:here1 wait:go shut \
		eof:10 >got.1
	spawn two "$PEER" "$ADDR" text:b ready touch:here2 wait:go shut \
		eof:10 >got.2
	await test -e here1
	await test -e here2
	touch go
	finish 0 one
	finish 0 two
	[ "$(tail -n 1 got.1)" = a ]
	[ "$(tail -n 1 got.2)" = b ]
	[ "$(head -n 1 got.1)" != "$(head -n 1 got.2)" ]
}

@test "-lk -e: the UCSPI variables are those of each client" {
	start server "$TCPCAT" -lk -e env 127.0.0.1:0
	local i
	for i in 1 2 3; do
		expect 0 "$TCPCAT" -s 127.0.0.$((i + 1)) "$ADDR" >got
		grep -qx PROTO=TCP got
		grep -qx TCPREMOTEIP=127.0.0.$((i + 1)) got
		grep -qE '^TCPREMOTEPORT=[0-9]+$' got
		grep -qx TCPLOCALIP=127.0.0.1 got
		grep -qx "TCPLOCALPORT=$PORT" got
		grep -qx TCPCONNNUM=$i got
	done
}

@test "-lk -e: programs inherit no descriptor, of another client or so" {
	[ -d /proc/self/fd ] || skip "requires /proc"
	env sh -c 'ls /proc/self/fd' 3>&- >want
	start server "$TCPCAT" -lk -c 'ls /proc/self/fd; cat' 127.0.0.1:0
	spawn other "$PEER" "$ADDR" ready touch:here wait:go
	await test -e here
	expect 0 "$TCPCAT" "$ADDR" >got
	cmp want got
}

@test "-lk -e: a listening socket that was passed is not passed on" {
	[ -d /proc/self/fd ] || skip "requires /proc"
	env sh -c 'ls /proc/self/fd' 3>&- >want
	# shellcheck disable=SC2016
	start server sh -c 'exec "$@" 3</dev/null' sh \
		"$LISTEN_FD" 3 127.0.0.1:0 sh -c \
		'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"' \
		sh "$TCPCAT" -lk -c 'ls /proc/self/fd' fd:3
	expect 0 "$TCPCAT" "$ADDR" >got
	cmp want got
}

@test "-lk -c: no zombies are left, and nobody runs on" {
	# shellcheck disable=SC2016
	start server "$TCPCAT" -lk -c 'echo $$; exec cat' 127.0.0.1:0
	local i
	for i in 1 2 3 4 5 6 7 8; do
		expect 0 "$TCPCAT" "$ADDR" >>got
	done
	await childless "${pid[server]}"
	for i in $(cat got); do
		run ! kill -0 "$i"
	done
}

@test "-lk -c: a client that resets takes its program with it, no other" {
	# shellcheck disable=SC2016
	start server "$TCPCAT" -lk -c 'echo $$; exec cat' 127.0.0.1:0
	spawn other "$PEER" "$ADDR" ready touch:here wait:go text:a shut \
		eof:10 >got
	await test -e here
	expect 0 "$PEER" "$ADDR" text:a ready reset
	one_left() {
		[ "$(ps -o pid= --ppid "${pid[server]}" | wc -l)" -eq 1 ]
	}
	await one_left
	touch go
	finish 0 other
	[ "$(tail -n 1 got)" = a ]
}

@test "-lk -c: a client that resets in full flow takes its program with it" {
	start server "$TCPCAT" -lk -e cat 127.0.0.1:0
	spawn flood "$CHURN" flood 1 "$ADDR"
	await says 1 'stuck after' flood
	kill -KILL "${pid[flood]}"
	await childless "${pid[server]}"
}

@test "-lk -c: a program that fails ends its client only; 0 at the end" {
	# shellcheck disable=SC2016
	start server "$TCPCAT" -lk -c 'read -r x; echo "$x"; exit "$x"' \
		127.0.0.1:0
	echo 3 | expect '*' "$TCPCAT" "$ADDR" >got
	holds got '3\n'
	await says 1 '^tcpcat: .*\b3\b'
	echo 0 | expect 0 "$TCPCAT" "$ADDR" >got
	holds got '0\n'
	kill -TERM "${pid[server]}"
	finish 0 server
}

@test "-lk -e: a program that is not there is said; the server goes on" {
	start server "$TCPCAT" -lk -e ./later 127.0.0.1:0
	expect '*' "$PEER" "$ADDR" eof:10 >got
	holds got ''
	await says 1 '^tcpcat: .*\./later.*No such file or directory'
	printf '#!/bin/sh\necho now\n' >later
	chmod +x later
	expect 0 "$TCPCAT" "$ADDR" >got
	holds got 'now\n'
}

@test "-lk -c: drain lets a program finish" {
	start server "$TCPCAT" -lk -c 'read -r x; echo "$x"; cat' 127.0.0.1:0
	spawn client "$PEER" "$ADDR" $'text:one\n' recv:4 touch:here wait:go \
		text:two shut eof:10 >got
	await test -e here
	kill -TERM "${pid[server]}"
	await refused "$ADDR"
	touch go
	finish 0 client
	finish 0 server
	holds got 'one\ntwo'
}

@test "-lk -c: who is cut off at the end of the drain leaves no program" {
	# shellcheck disable=SC2016
	start server "$TCPCAT" -lk --drain-timeout 0.2 \
		-c 'echo $$; exec sleep 100' 127.0.0.1:0
	spawn client "$PEER" "$ADDR" ready touch:here broken >got
	await test -e here
	kill -TERM "${pid[server]}"
	finish 0 server
	finish 0 client
	gone() { ! kill -0 "$(cat got)" 2>/dev/null; }
	await gone
}

@test "-lk -e: standard input and output are left alone" {
	echo untouched >input
	{
		start server "$TCPCAT" -lk -e cat 127.0.0.1:0 >stdout
		echoes "$ADDR"
		kill -TERM "${pid[server]}"
		finish 0 server
		cat >rest
	} <input
	holds rest 'untouched\n'
	holds stdout ''
}

@test "-lk -c --greet: the greeting goes before what the program says" {
	start server "$TCPCAT" -lk --greet 'hello ' -c 'echo world' 127.0.0.1:0
	expect 0 "$TCPCAT" "$ADDR" >got
	holds got 'hello world\n'
}

@test "-m: a program for so many at once" {
	start server "$TCPCAT" -lk -m 1 -e cat 127.0.0.1:0
	spawn one "$PEER" "$ADDR" text:a recv:1 touch:here wait:go shut eof:10
	await test -e here
	spawn two "$PEER" "$ADDR" text:b quiet:0.3 touch:quiet recv:1 shut \
		eof:10
	await test -e quiet
	[ "$(ps -o pid= --ppid "${pid[server]}" | wc -l)" -eq 1 ]
	touch go
	finish 0 one
	finish 0 two
}

@test "a small inetd: a script answers line by line" {
	cat >handler.sh <<-'END'
		#!/bin/sh
		echo "welcome, $TCPREMOTEIP"
		while read -r line; do
			case $line in
			quit) echo bye; exit 0 ;;
			*) echo "you said: $line" ;;
			esac
		done
	END
	chmod +x handler.sh
	start server "$TCPCAT" -lk -c ./handler.sh 127.0.0.1:0
	spawn slow "$PEER" "$ADDR" $'text:one\n' wait:go $'text:quit\n' \
		eof:10 >got.slow
	expect 0 "$TCPCAT" "$ADDR" < <(printf 'hi\nquit\n') >got
	holds got 'welcome, 127.0.0.1\nyou said: hi\nbye\n'
	touch go
	finish 0 slow
	holds got.slow 'welcome, 127.0.0.1\nyou said: one\nbye\n'
	await childless "${pid[server]}"
}

@test "-lk -c: who comes when descriptors are short waits, and is served" {
	# shellcheck disable=SC2016
	start server sh -c 'ulimit -n 28; exec "$0" -lk -c cat 127.0.0.1:0' \
		"$TCPCAT"
	local i
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		spawn "c$i" "$PEER" "$ADDR" text:hello recv:5 touch:"here$i" \
			wait:go shut eof:10
	done
	await compgen -G 'here*' >/dev/null
	touch go
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		finish 0 "c$i"
		[ -e "here$i" ]
	done
	says_times 1 'accept on .*Too many open files' server
	run ! grep pipe server.err
}
