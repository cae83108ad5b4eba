# tcpcat between other programs, as the shell joins them; each is an example
# in tcpcat(1), with another port.

load helpers
load server

# What the examples are typed into finds tcpcat.
eval "plain_$(declare -f setup)"
setup() {
	plain_setup
	mkdir bin
	ln -s "$TCPCAT" bin/tcpcat
	PATH=$PWD/bin:$PATH
}

# typed NAME COMMANDS: bash runs them in the background.
typed() {
	spawn "$1" bash -c "set -o pipefail
$2"
}

# run_typed STATUS COMMANDS: in the foreground.
run_typed() {
	expect "$1" timeout 30 bash -c "set -o pipefail
$2"
}

# tcpcat_of NAME: the process of tcpcat in what was typed there.
tcpcat_of() {
	pgrep -g "${pid[$1]}" -x tcpcat
}

# A tree with what tar has to carry.
make_tree() {
	mkdir -p dir/sub/empty
	head -c 2M /dev/urandom >dir/data
	: >dir/sub/nothing
	echo text >dir/sub/text
	chmod 640 dir/sub/text
	ln -s sub/text dir/link
	seq 1 200 | (cd dir/sub && xargs touch)
}

same_tree() {
	diff -r dir "$1/dir"
	[ "$(readlink "$1/dir/link")" = sub/text ]
	[ "$(stat -c %a "$1/dir/sub/text")" = 640 ]
}

@test "tar, from one machine to another" {
	make_tree
	mkdir there
	typed server 'tcpcat -l --recv-only 127.0.0.1:0 | tar -x -C there'
	await announced server
	run_typed 0 "tar -c dir | tcpcat 127.0.0.1 $PORT"
	finish 0 server
	same_tree there
	said_nothing
}

@test "tar, from the one that listens" {
	make_tree
	mkdir there
	typed server 'tar -c dir | tcpcat -l 127.0.0.1:0'
	await announced server
	run_typed 0 "tcpcat --recv-only 127.0.0.1 $PORT | tar -x -C there"
	finish 0 server
	same_tree there
}

@test "tar: what was cut short is not taken for the whole" {
	typed server 'tcpcat -l --recv-only 127.0.0.1:0 | cat >got'
	await announced server
	expect 0 "$PEER" "$ADDR" text:part reset
	finish 6 server
	[[ $(<got) == part || $(<got) == '' ]]
	# And a sender whose reader has left fails.
	start server "$PEER" -l 127.0.0.1:0 recv:1 reset
	run_typed 6 "head -c 50M /dev/zero | tcpcat 127.0.0.1 $PORT || {
			[ \"\${PIPESTATUS[1]}\" -eq 6 ] && exit 6; }"
}

@test "gzip and a checksum on the way" {
	head -c 1M /dev/urandom >file
	typed server 'tcpcat -l --recv-only 127.0.0.1:0 | gzip -d |
		tee copy | sha256sum >sum'
	await announced server
	run_typed 0 "gzip -c file | tcpcat 127.0.0.1 $PORT"
	finish 0 server
	cmp copy file
	[ "$(cat sum)" = "$(sha256sum - <file)" ]
}

@test "head: the reader leaves, and tcpcat with it, by SIGPIPE" {
	start server "$PEER" -l 127.0.0.1:0 flood
	# shellcheck disable=SC2016
	run_typed 0 "tcpcat --recv-only 127.0.0.1 $PORT | head -c 5 >got
		echo \"\${PIPESTATUS[*]}\" >status"
	holds got '\0\0\0\0\0'
	holds status '141 0\n'
	finish 0 server
}

@test "mkfifo: a conversation by two FIFOs" {
	start server "$TCPCAT" -lk -c 'while read -r x; do echo "<$x>"; done' \
		127.0.0.1:0
	# shellcheck disable=SC2016
	run_typed 0 'mkfifo to from
		tcpcat 127.0.0.1 '"$PORT"' <to >from &
		exec 3>to 4<from
		echo one >&3; read -r answer <&4; echo "$answer" >>got
		echo two >&3; read -r answer <&4; echo "$answer" >>got
		exec 3>&-
		wait $!'
	holds got '<one>\n<two>\n'
}

@test "mkfifo: a relay of two tcpcats" {
	make_data_small
	start server "$PEER" -l 127.0.0.1:0 both:down >got
	typed relay "mkfifo back
		tcpcat -l 127.0.0.1:0 <back | tcpcat 127.0.0.1 $PORT >back"
	await announced relay
	expect 0 "$TCPCAT" "$ADDR" <up >answer
	finish 0 relay
	finish 0 server
	cmp got up
	cmp answer down
}

make_data_small() {
	head -c 3M /dev/urandom >up
	head -c 2M /dev/urandom >down
}

@test "while read: lines of many clients, and who sent them" {
	# shellcheck disable=SC2016
	typed server 'tcpcat -lk --tag 127.0.0.1:0 |
		while read -r who line; do
			echo "${who%:*:} says $line"
		done >log'
	await announced server
	local i
	for i in 2 3 4; do
		run_typed 0 "printf 'hello\nfrom $i\n' |
			tcpcat -s 127.0.0.$i 127.0.0.1 $PORT"
	done
	lines() { [ -e log ] && [ "$(wc -l <log)" -eq 6 ]; }
	await lines
	kill "$(tcpcat_of server)"
	finish 0 server
	for i in 2 3 4; do
		[ "$(grep "^127.0.0.$i " log)" = "127.0.0.$i says hello
127.0.0.$i says from $i" ]
	done
}

@test "while read: the loop ends, and so does the server" {
	typed server 'tcpcat -lk --tag 127.0.0.1:0 |
		while read -r who line; do
			[ "$line" != stop ] || break
		done'
	await announced server
	run_typed '[06]' "echo stop | tcpcat 127.0.0.1 $PORT"
	# It notices when it writes next, at the latest.
	until ! running server; do
		echo more | "$TCPCAT" --deadline 5 "$ADDR" || :
	done 2>more.err
	finish 141 server
}

@test "-lk -c ./handler.sh: a tiny inetd" {
	cat >handler.sh <<-'END'
	#!/bin/sh
	read -r request || exit 1
	echo "$TCPREMOTEIP, client $TCPCONNNUM of port $TCPLOCALPORT: $request"
	END
	chmod +x handler.sh
	typed server 'exec tcpcat -lk -c ./handler.sh 127.0.0.1:0'
	await announced server
	local i
	for i in 1 2 3; do
		run_typed 0 "echo hello $i | tcpcat -s 127.0.0.$((i + 4)) \
			127.0.0.1 $PORT >got"
		holds got "127.0.0.$((i + 4)), client $i of port $PORT: $(
			)hello $i\n"
	done
	# Who says nothing fails its own handler, and no one else's.
	run_typed 0 "tcpcat 127.0.0.1 $PORT </dev/null >got"
	holds got ''
	await says 1 'exited with status 1'
	run_typed 0 "echo again | tcpcat 127.0.0.1 $PORT >got"
	holds got "127.0.0.1, client 5 of port $PORT: again\n"
	kill "${pid[server]}"
	finish 0 server
}

@test "-lk -e: a tiny inetd over a file system: one file for each" {
	mkdir in
	# shellcheck disable=SC2016
	typed server 'exec tcpcat -lk -c "cat >in/\$TCPCONNNUM" 127.0.0.1:0'
	await announced server
	local i
	for i in 1 2 3; do
		run_typed 0 "echo file $i | tcpcat 127.0.0.1 $PORT"
	done
	for i in 1 2 3; do
		await test -s in/$i
		holds in/$i "file $i\n"
	done
}

@test "coproc: a conversation in bash" {
	start server "$TCPCAT" -lk -c 'while read -r x; do echo "<$x>"; done' \
		127.0.0.1:0
	# shellcheck disable=SC2016
	run_typed 0 'coproc tcpcat 127.0.0.1 '"$PORT"'
		pid=$COPROC_PID in=${COPROC[1]} out=${COPROC[0]}
		echo one >&"$in"; read -r answer <&"$out"; echo "$answer" >>got
		echo two >&"$in"; read -r answer <&"$out"; echo "$answer" >>got
		exec {in}>&-
		wait "$pid"'
	holds got '<one>\n<two>\n'
}

@test "coproc: its status is that of the connection" {
	start server "$PEER" -l 127.0.0.1:0 text:hello recv:1 reset
	# shellcheck disable=SC2016
	run_typed 6 'coproc tcpcat 127.0.0.1 '"$PORT"'
		pid=$COPROC_PID
		read -r -N 5 answer <&"${COPROC[0]}"; echo "$answer" >got
		printf x >&"${COPROC[1]}"
		wait "$pid"'
	holds got 'hello\n'
}

@test "xargs -P: many at once" {
	# shellcheck disable=SC2016
	start server "$TCPCAT" -lk -c 'read -r x; echo "<$x>"' 127.0.0.1:0
	run_typed 0 "seq 40 | xargs -P 8 -I{} sh -c \
		'echo {} | tcpcat 127.0.0.1 $PORT' >got"
	sort -t '<' -k 2n got | cmp - <(seq -f '<%g>' 40)
}

@test "xargs -P: many addresses, and one that fails is not hidden" {
	start ports "$PORTS" 127.0.0.1=serve 127.0.0.2=serve 127.0.0.3=serve
	printf '127.0.0.%s\n' 1 2 3 >hosts
	run_typed 0 "xargs -P 8 -I{} tcpcat --recv-only {} $PORT <hosts >got"
	[ "$(sort got)" = 'served by 127.0.0.1
served by 127.0.0.2
served by 127.0.0.3' ]
	start refuse "$PORTS" 127.0.0.1=refuse
	echo "127.0.0.1:$PORT" | run_typed 123 \
		"xargs -P 8 -I{} tcpcat --recv-only {}"
}

@test "process substitution: a remote file compared with one that is here" {
	seq 1000 >here
	start server "$PEER" -l 127.0.0.1:0 send:here shut eof
	run_typed 0 "cmp here <(tcpcat --recv-only 127.0.0.1 $PORT)"
	finish 0 server
}

@test "a here document, and an answer in a variable" {
	start server "$TCPCAT" -lk -c 'tr a-z A-Z' 127.0.0.1:0
	# shellcheck disable=SC2016
	run_typed 0 'answer=$(tcpcat 127.0.0.1 '"$PORT"' <<-END
			hello
			END
		) && echo "$answer" >got'
	holds got 'HELLO\n'
	# shellcheck disable=SC2016
	start ports "$PORTS" 127.0.0.1=refuse
	run_typed 1 'answer=$(tcpcat 127.0.0.1 '"$PORT"' <<<hello)'
}

@test "-c sh: a shell on the other side, by -c" {
	typed server 'exec tcpcat -l -c sh 127.0.0.1:0'
	await announced server
	run_typed 0 "echo 'echo \$((6 * 7)); exit 3' |
		tcpcat 127.0.0.1 $PORT >got"
	holds got '42\n'
	finish 8 server
}
