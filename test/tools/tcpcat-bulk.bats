#!/usr/bin/env bats
# Much at once, between pipes, programs and connections: every byte of it
# arrives, what is small in between is not held up, and it ends as little
# does (SPEC 1.3, 1.6).

load helpers
load server
load relay

setup_file() {
	make_data
	export SUM_UP SUM_DOWN
	SUM_UP=$(sum <"$DATA/up")
	SUM_DOWN=$(sum <"$DATA/down")
}

sum() {
	sha256sum | cut -d ' ' -f 1
}

# --- pipes ------------------------------------------------------------------

@test "a pipe to a pipe, one way" {
	start server "$TCPCAT" -l --recv-only 127.0.0.1:0 > >(sum >got)
	expect 0 "$TCPCAT" --send-only "$ADDR" < <(cat "$DATA/up")
	finish 0 server
	await [ -s got ]
	holds got "$SUM_UP\n"
	said_nothing
}

@test "a pipe to a pipe, both ways at once" {
	start server "$TCPCAT" -l 127.0.0.1:0 < <(cat "$DATA/down") \
		> >(sum >got)
	expect 0 "$TCPCAT" --wait-stdin "$ADDR" < <(cat "$DATA/up") \
		> >(sum >answer)
	finish 0 server
	await [ -s got ]
	await [ -s answer ]
	holds got "$SUM_UP\n"
	holds answer "$SUM_DOWN\n"
}

@test "pieces that are no multiple of a page" {
	start server "$TCPCAT" -l --recv-only 127.0.0.1:0 \
		> >(dd bs=777 status=none | sum >got)
	expect 0 "$TCPCAT" --send-only "$ADDR" \
		< <(dd if="$DATA/up" bs=10001 status=none)
	finish 0 server
	await [ -s got ]
	holds got "$SUM_UP\n"
}

# still PID: it waits for something, and uses no time for that.
still() {
	local before
	before=$(cpu "$1")
	sleep 0.2
	(($(cpu "$1") <= before + 10))
}

@test "a reader that stops for a while loses nothing, and costs nothing" {
	needs_proc
	mkfifo out
	spawn reader sh -c 'exec <out; head -c 3000001 >first; touch stopped
		until [ -e go ]; do sleep 0.02; done; cat >rest'
	start server "$TCPCAT" -l --recv-only 127.0.0.1:0 >out
	spawn client "$TCPCAT" --send-only "$ADDR" < <(cat "$DATA/up")
	await test -e stopped
	await still "${pid[server]}"
	await still "${pid[client]}"
	running client
	touch go
	finish 0 client
	finish 0 server
	finish 0 reader
	cat first rest | cmp - "$DATA/up"
}

@test "a writer that stops for a while is waited for" {
	start server "$TCPCAT" -l --recv-only 127.0.0.1:0 >got
	spawn client "$TCPCAT" --send-only "$ADDR" \
		< <(head -c 9000001 "$DATA/up"; held go
			tail -c +9000002 "$DATA/up")
	# What was sent before has arrived, however odd its size.
	await has got 9000001
	touch go
	finish 0 client
	finish 0 server
	cmp got "$DATA/up"
}

# --- readers that leave -----------------------------------------------------

@test "a reader that leaves in bulk: SIGPIPE ends it (141)" {
	start server "$PEER" -l 127.0.0.1:0 flood
	expect 141 "$TCPCAT" --recv-only "$ADDR" | head -c 5M >got
	[ "$(size got)" -eq $((5 << 20)) ]
	said_nothing
}

@test "a reader that leaves in bulk: it is 7 where SIGPIPE is ignored" {
	start server "$PEER" -l 127.0.0.1:0 flood
	expect 7 env --ignore-signal=PIPE "$TCPCAT" --recv-only "$ADDR" |
		head -c 5M >got
	[ "$(size got)" -eq $((5 << 20)) ]
	said_like '^tcpcat: .*: Broken pipe'
}

@test "a reader that leaves a pipe that is full ends it as well" {
	mkfifo out
	spawn reader sh -c 'exec <out; head -c 5M >/dev/null; touch full
		until [ -e go ]; do sleep 0.02; done'
	start server "$PEER" -l 127.0.0.1:0 flood
	spawn client "$TCPCAT" --recv-only "$ADDR" >out
	await test -e full
	touch go
	finish 0 reader
	finish 141 client
}

# --- what must not be affected ----------------------------------------------

@test "--recv-bytes takes exactly so many of a flood" {
	start server "$PEER" -l 127.0.0.1:0 flood
	expect 0 "$TCPCAT" --recv-only --recv-bytes 5000001 "$ADDR" | cat >got
	[ "$(size got)" -eq 5000001 ]
}

@test "--hexdump and --sha256 see every byte" {
	head -c 4M "$DATA/up" >some
	start server "$TCPCAT" -l --recv-only 127.0.0.1:0 > >(cat >got)
	expect 0 "$TCPCAT" --send-only --hexdump dump --sha256 "$ADDR" \
		< <(cat some)
	finish 0 server
	said_like "$(sum <some)"
	(($(size dump) > 4 * $(size some)))
	await cmp -s got some
}

@test "-C changes every line of much" {
	seq 400000 >lines
	start server "$TCPCAT" -l --recv-only 127.0.0.1:0 > >(sum >got)
	expect 0 "$TCPCAT" --send-only -C "$ADDR" < <(cat lines)
	finish 0 server
	await [ -s got ]
	holds got "$(sed 's/$/\r/' lines | sum)\n"
}

@test "--rate holds back what comes in bulk" {
	head -c 8M "$DATA/up" >some
	start server "$TCPCAT" -l --recv-only 127.0.0.1:0 > >(sum >got)
	expect 0 "$TCPCAT" --send-only --rate 4M "$ADDR" < <(cat some)
	finish 0 server
	((took >= 1000)) || fail "took $took ms"
	await [ -s got ]
	holds got "$(sum <some)\n"
}

# --- programs ---------------------------------------------------------------

@test "-e, in bulk both ways" {
	start server "$TCPCAT" -l -e cat 127.0.0.1:0
	expect 0 "$TCPCAT" --wait-stdin "$ADDR" < <(cat "$DATA/up") \
		> >(sum >got)
	finish 0 server
	await [ -s got ]
	holds got "$SUM_UP\n"
}

@test "-c, one that sends much and one that reads much" {
	start server "$TCPCAT" -l -c "cat '$DATA/down'" 127.0.0.1:0
	expect 0 "$TCPCAT" --recv-only "$ADDR" > >(sum >got)
	finish 0 server
	await [ -s got ]
	holds got "$SUM_DOWN\n"
	start server "$TCPCAT" -l -c 'sha256sum | cut -d " " -f 1' 127.0.0.1:0
	expect 0 "$TCPCAT" --wait-stdin "$ADDR" < <(cat "$DATA/up") >got
	finish 0 server
	holds got "$SUM_UP\n"
}

@test "exec:, in bulk both ways" {
	expect 0 "$TCPCAT" --wait-stdin exec:cat < <(cat "$DATA/up") \
		> >(sum >got)
	await [ -s got ]
	holds got "$SUM_UP\n"
}

@test "a program that leaves without reading all of it is a normal end" {
	start server "$TCPCAT" -l -c 'head -c 5M | sha256sum' 127.0.0.1:0
	expect 0 "$TCPCAT" "$ADDR" < <(cat "$DATA/up") >got
	finish 0 server
	[ "$(cut -d ' ' -f 1 got)" = "$(head -c 5M "$DATA/up" | sum)" ]
}

@test "a program that fails in bulk is 8" {
	start server "$TCPCAT" -l -c "head -c 5M '$DATA/down'; exit 3" \
		127.0.0.1:0
	expect 0 "$TCPCAT" --recv-only "$ADDR" > >(cat >got)
	finish 8 server
	said_like 'exited with status 3' server
	await has got $((5 << 20))
	head -c 5M "$DATA/down" | cmp - got
}

# --- single bytes among much ------------------------------------------------

# turns ADDRESS ROUNDS BYTES [BYTES...]: messages of these sizes by turns; the
# echo of each is awaited.  Prints the median time for the last, in ms.
turns() {
	timeout 50 python3 - "$@" <<-'END'
	import socket, statistics, sys, threading, time
	host, port = sys.argv[1].rsplit(":", 1)
	rounds, sizes = int(sys.argv[2]), [int(x) for x in sys.argv[3:]]
	c = socket.create_connection((host, int(port)))
	took = []
	for i in range(rounds):
	    for n in sizes:
	        message = bytes([i % 251]) * n
	        since = time.monotonic()
	        # Much does not fit: it is sent while its echo is read.
	        t = threading.Thread(target=c.sendall, args=(message,))
	        if n > 65536:
	            t.start()
	        else:
	            c.sendall(message)
	        while n > 0:
	            data = c.recv(min(n, 1 << 20))
	            if data.strip(message[:1]) or not data:
	                sys.exit("not what was sent")
	            n -= len(data)
	        if t.ident:
	            t.join()
	    took.append(time.monotonic() - since)
	print(int(statistics.median(took) * 1000))
	END
}

# A byte that waited for its neighbours would be there after a second, or
# never; on a busy machine one may be late, but not most.
prompt() {
	(($1 <= 200)) || fail "most of them took more than $1 ms"
}

@test "tcprelay: single bytes among much are not held up" {
	start server "$TCPECHO" 127.0.0.1:0
	relay 127.0.0.1:0 "$ADDR"
	prompt "$(turns "$ADDR" 20 2000000 1)"
}

@test "tcpecho: single bytes among much are not held up" {
	start server "$TCPECHO" 127.0.0.1:0
	prompt "$(turns "$ADDR" 20 2000000 1 1)"
}

@test "tcpcat -e: single bytes among much are not held up" {
	start server "$TCPCAT" -l -e cat 127.0.0.1:0
	prompt "$(turns "$ADDR" 20 2000000 1)"
}

@test "tcprelay: large messages by turns are not held up" {
	start server "$TCPECHO" 127.0.0.1:0
	relay 127.0.0.1:0 "$ADDR"
	prompt "$(turns "$ADDR" 100 100000)"
}

@test "tcprelay: much through it, both ways, over TCP and Unix sockets" {
	local far
	for far in 127.0.0.1:0 unix:far; do
		start server "$TCPECHO" "$far"
		start relay "$TCPRELAY" 127.0.0.1:0 "$ADDR"
		expect 0 "$TCPCAT" --wait-stdin "$ADDR" < <(cat "$DATA/up") \
			> >(sum >got)
		await [ -s got ]
		holds got "$SUM_UP\n"
		rm got
		stop
		stop server
	done
}

# --- what the kernel is asked for -------------------------------------------

# Builds for any system wait for nothing.
needs_bulk() {
	requires strace
	grep -qF 'S["RCVLOWAT_TRUE"]=""' "$BUILD/config.status" ||
		skip "a build for any system"
}

@test "a receiver in bulk waits for much, and no longer when that is over" {
	needs_bulk
	start server env ASAN_OPTIONS=detect_leaks=0 strace -f -o calls \
		-e trace=setsockopt "$TCPCAT" -l --recv-only 127.0.0.1:0 >got
	expect 0 "$TCPCAT" --send-only "$ADDR" <"$DATA/up"
	finish 0 server
	cmp got "$DATA/up"
	grep -qE 'SO_RCVLOWAT, \[262144\], 4\) += 0' calls
	# The last word on it.
	grep SO_RCVLOWAT calls | tail -n 1 | grep -qF '[1]'
}

# Whether a short transfer is ever in bulk is up to its pieces.
@test "TLS in bulk: all of it arrives, and no mark is left behind" {
	needs_bulk
	needs_tls
	start server env ASAN_OPTIONS=detect_leaks=0 strace -f -o calls \
		-e trace=setsockopt "$TCPCAT" -l --recv-only \
		tls://127.0.0.1:0,self-signed >got
	head -c 8M "$DATA/up" >sent
	expect 0 "$TCPCAT" --send-only "tls://${ADDR#tls://},insecure" <sent
	finish 0 server
	cmp sent got
	run ! grep -q 'SO_RCVLOWAT, \[[^1]' <(grep SO_RCVLOWAT calls | tail -n 1)
}
