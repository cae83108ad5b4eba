#!/usr/bin/env bats
# The benches: their generators see a byte that is lost or wrong, their peers
# are what they are said to be, their accounts are right.  Nothing is measured.

load helpers

LOAD=$BUILD/bench_load
DAMAGE=$SRC/test/peers/damage.py
BENCH=$SRC/test/bench/bench
export PYTHONPATH=$SRC/test/bench PYTHONDONTWRITEBYTECODE=1
export TCPKIT_BUILD=$BUILD

# damaged PLACE ARGUMENT...: every damage is seen, each in its way.
damaged() {
	local place=$1 damage
	shift
	for damage in lost changed doubled early; do
		expect 1 python3 "$DAMAGE" $damage "$place" "$LOAD" "$@"
		said_like '^bench_load: '
	done
}

# right ARGUMENT...: there is a figure, and so many bytes and connections
# passed; sets figures, bytes, connections.
right() {
	expect 0 python3 "$DAMAGE" right 0 "$LOAD" "$@" >out
	read -ra figures <out
	read -r _ bytes _ connections < <(tail -n 1 out)
}

@test "from a pipe to a pipe: every byte is counted and compared" {
	local damage place
	"$LOAD" feed 1000000 >fed
	[ "$(size fed)" -eq 1000000 ]
	"$LOAD" sink <fed >out
	holds out '1000000\n'
	"$LOAD" feed 1000000 | "$LOAD" sink >out
	holds out '1000000\n'
	# In the first read, and behind it.
	for place in 1000 300000; do
		for damage in lost:999999 changed:1000000 doubled:1000001; do
			python3 "$DAMAGE" ${damage%:*} $place - <fed >bad
			run -1 "$LOAD" sink <bad
			[ "$output" = "${damage#*:} wrong" ]
			run -1 "$LOAD" sink < <(cat bad)
			[ "$output" = "${damage#*:} wrong" ]
		done
	done
	{	# two pages, in the other order
		head -c 409600 fed
		tail -c +413697 fed >rest
		head -c 4096 rest
		tail -c +409601 fed >rest
		head -c 4096 rest
		tail -c +417793 fed
	} >bad
	[ "$(size bad)" -eq 1000000 ]
	run -1 "$LOAD" sink <bad
	[ "$output" = '1000000 wrong' ]
	head -c 300000 fed >bad		# nothing is wrong, but the count
	run -0 "$LOAD" sink <bad
	[ "$output" = 300000 ]
}

@test "an echo in bulk: every byte is counted and compared" {
	right echo PORT 2 2 copy
	[ "$bytes $connections" = "2097152 2" ]
	damaged 300000 echo PORT 2 2 copy
}

@test "an echo in bulk, a client that touches little: every byte is counted" {
	local damage
	right echo PORT 2 2 trunc
	[ "$bytes $connections" = "2097152 2" ]
	for damage in lost doubled early; do
		expect 1 python3 "$DAMAGE" $damage 300000 "$LOAD" \
		    echo PORT 2 2 trunc
	done
	# The first piece is one of those that are compared.
	expect 1 python3 "$DAMAGE" changed 0 "$LOAD" echo PORT 1 2 trunc
}

@test "messages to an echo: every one is counted and compared" {
	right messages PORT 4 0.05
	[ "$bytes $connections" = "$((figures[2] * 64)) 4" ]
	damaged 70 messages PORT 4 0.05
}

@test "through a relay in bulk: every byte is counted and compared" {
	right bulk PORT FD 2 2 copy
	[ "$bytes $connections" = "2097152 2" ]
	damaged 300000 bulk PORT FD 2 2 copy
}

@test "through a relay in bulk, ends that touch nothing: every byte is counted" {
	local damage
	right bulk PORT FD 2 2 trunc
	[ "$bytes $connections" = "2097152 2" ]
	for damage in lost doubled early; do
		expect 1 python3 "$DAMAGE" $damage 300000 "$LOAD" \
		    bulk PORT FD 2 2 trunc
	done
}

@test "connections through a relay: each has its byte and its end" {
	right rate PORT FD 8 0.05
	[ "$bytes $connections" = "${figures[1]} ${figures[1]}" ]
	damaged 0 rate PORT FD 8 0.05
}

@test "round trips through a relay: each is compared" {
	local damage
	right ping PORT FD 0.05
	# The first byte shows that the connection works.
	[ "$bytes $connections" = "$((figures[2] * 64 + 1)) 1" ]
	for damage in changed doubled early; do
		expect 1 python3 "$DAMAGE" $damage 70 "$LOAD" ping PORT FD 0.05
	done
	# What is waited for and does not come ends at the limit: SIGALRM.
	expect 142 python3 "$DAMAGE" lost 70 "$LOAD" -t 1 ping PORT FD 0.05
}

@test "idle connections through a relay: each works" {
	local damage
	printf '\n\n' >go
	expect 0 python3 "$DAMAGE" right 0 "$LOAD" hold PORT FD 3 2 <go >out
	holds out 'held\nheld\npassed 5 in 5\n'
	for damage in changed early; do
		expect 1 python3 "$DAMAGE" $damage 0 "$LOAD" \
		    hold PORT FD 3 2 <go
	done
}

# python: a check of the harness, whose text is standard input.
python() {
	expect 0 python3 -c "$(cat)"
}

@test "the CPU time of a process that has ended is what it has burnt" {
	python <<-'EOF2'
	import subprocess, sys
	import harness
	burn = """import time
	while time.process_time() < 0.3: pass
	print(time.process_time())"""
	p = harness.start([sys.executable, "-c", burn], stdout=subprocess.PIPE)
	told = float(p.stdout.read())
	cpu = harness.finish(p)
	# Ending costs something too.
	assert told - 0.02 < cpu < told + 0.15, (told, cpu)
	EOF2
}

@test "the CPU time of a server is its own and its children's, dead or not" {
	python <<-'EOF2'
	import subprocess, sys
	import harness
	serve = """import os, socket, sys, time
	s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
	sys.stdin.readline()
	def burn():
	    end = time.process_time() + 0.2
	    while time.process_time() < end: pass
	dead = os.fork()
	if dead == 0:
	    burn()
	    os._exit(0)
	os.waitpid(dead, 0)
	os.fork()
	burn()
	os.write(1, b"burnt\\n")
	sys.stdin.readline()"""
	s = harness.Server(lambda _: [sys.executable, "-c", serve],
	                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
	s.p.stdin.write(b"\n")
	s.p.stdin.flush()
	for _ in range(2):
	    assert s.p.stdout.readline() == b"burnt\n"
	used = s.cpu() - s.began
	harness.clean()
	assert 0.55 < used < 0.8, used
	EOF2
}

@test "a report: medians, ratios with their spread, who has met what" {
	python <<-'EOF2'
	from report import Row, sum_up
	def both(ours, theirs, **row):
	    results = {"c": {"tcpkit": [{"GB/s": x} if x else {"failed": "no"}
	                                for x in ours],
	                     "a": [{"GB/s": 0.1}] * len(ours),
	                     "b": [{"GB/s": x} for x in theirs]}}
	    return sum_up(Row("k", "w", "c", "GB/s", ["a", "b"], **row), results)
	r = both([2, 6, 4], [1, 2, 4], goal=2)
	assert r["peer"] == "b" and r["met"] is True
	assert r["ours"] == {"median": 4, "least": 2, "most": 6}
	assert r["ratio"] == {"median": 2, "least": 1, "most": 3}
	assert both([2, 6, 4], [1, 2, 4], goal=2.1)["met"] is False
	r = both([2, None, 4], [1, 2, 4], goal=1)   # a byte was lost
	assert r["failed"] == 1 and r["met"] is False
	assert r["ratio"] == {"median": 1.2, "least": 1, "most": 2}
	r = both([3, 3, 3], [], goal=4, of="figure")
	assert r["peer"] == "a" and r["met"] is True
	def less(ours, theirs):
	    results = {"c": {"tcpkit": [{"s": ours}], "a": [{"s": theirs}]}}
	    return sum_up(Row("k", "w", "c", "s", ["a"], 0.5), results)["met"]
	assert less(1, 2) is True and less(1.1, 2) is False
	EOF2
}

# calls NAME CALL...: how often a relay made these with success, and with
# strace's "64 KiB asked for", in this order.
calls() {
	python3 - "$@" 2>calls.err <<-'EOF2'
	import re, signal, subprocess, sys
	import harness, tcprelay
	bench = harness.Bench(True, 1)
	relay = tcprelay.Relay(sys.argv[1], bench)
	p = harness.start(["strace", "-f", "-e", "trace=splice,recvfrom", "-e",
	                   "signal=none", "-o", bench.dir + "/log", "-p",
	                   relay.pid], stderr=subprocess.PIPE)
	assert b"attached" in p.stderr.readline()
	harness.said(relay.ends(None, "bulk", 1, 32, "copy"))
	relay.check()
	p.send_signal(signal.SIGINT)
	p.wait()
	with open(bench.dir + "/log") as f:
	    log = f.read()
	harness.clean()
	for what in r"splice\(.* = [1-9]", r"recvfrom\(\d+, .*, 65536, .* = [1-9]":
	    print(len(re.findall(what, log)), end=" ")
	print(len(set(re.findall(r"^\d+", log, re.M))))
	EOF2
}

@test "haproxy with forced splice does splice, and without does not" {
	requires haproxy strace
	read -r spliced _ < <(calls haproxy-splice)
	((spliced > 10))
	read -r spliced _ < <(calls haproxy)
	((spliced == 0))
	# Its own count is what every run is checked by.
	python <<-'EOF2'
	import harness, tcprelay
	bench = harness.Bench(True, 1)
	for name, other in (("haproxy", "haproxy-splice"),
	                    ("haproxy-splice", "haproxy")):
	    relay = tcprelay.Relay(name, bench)
	    harness.said(relay.ends(None, "bulk", 1, 32, "copy"))
	    relay.check()
	    relay.name = other
	    try:
	        relay.check()
	    except harness.Failed:
	        continue
	    raise SystemExit(name + " passes for " + other)
	harness.clean()
	EOF2
}

@test "nginx relays in one process, with a buffer of 64 KiB" {
	requires nginx strace
	read -r spliced whole processes < <(calls nginx)
	((spliced == 0 && whole > 10 && processes == 1))
}

@test "whoever is on one CPU stays there, or has no figure" {
	python <<-'EOF2'
	import os, sys
	import harness
	serve = """import os, socket, time
	if %r: os.sched_setaffinity(0, range(os.cpu_count()))
	s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
	time.sleep(60)"""
	def run(moves):
	    harness.Server(lambda _: [sys.executable, "-c", serve % moves],
	                   harness.CPUS[0])
	run(False)
	try:
	    run(True)
	    assert os.cpu_count() == 1
	except harness.Failed:
	    pass
	harness.clean()
	EOF2
}

@test "every row has a figure of ours, and one of each peer that is here" {
	requires nc.openbsd socat ncat curl haproxy nginx openssl
	expect 0 "$BENCH" --quick --rounds 1 --json all.json --svg all.svg >out
	python <<-'EOF2'
	import json, xml.etree.ElementTree as tree
	import harness
	report = json.load(open("all.json"))
	rows = report["rows"]
	for r in rows:
	    assert r["ours"] and not r["failed"], r["key"]
	    assert r["peer"] or set(r["peers"]) <= set(report["missing"]), r
	picture = "".join(tree.parse("all.svg").getroot().itertext())
	for r in rows:
	    assert r["what"] in picture or not r["ratio"], r["what"]
	EOF2
	"$BENCH" --list >list
	[ "$(wc -l <list)" -eq "$(grep -c '"key"' all.json)" ]
	# What was measured in parts is shown in one.
	expect 0 "$BENCH" --from all.json,all.json >twice
	[ "$(wc -l <twice)" -ge "$(wc -l <list)" ]
}
