# What is asked for wrongly: status 2, one line that names it, and nothing is
# done (SPEC 1.1, 1.6).

load helpers

# wrong TEXT ARGUMENT...: a usage error, whose message has TEXT in it.
wrong() {
	local text=$1
	shift
	expect 2 "$TCPCAT" "$@" >stdout
	holds stdout ''
	head -n 1 expect.err | grep -q '^tcpcat: ' ||
		fail "tcpcat $*: the message does not begin with its name"
	grep -qF -e "$text" expect.err ||
		fail "tcpcat $*: the message does not name: $text"
}

@test "no address, or too many words, is 2" {
	wrong ''
	wrong c 127.0.0.1 1 c
	wrong '' -l 127.0.0.1 0 1
}

@test "an IPv6 address without brackets is 2, with the hint to bracket it" {
	wrong '[2001:db8::1]:80' 2001:db8::1:80
	wrong '[' ::1
}

@test "an address without a port is 2" {
	wrong 127.0.0.1 127.0.0.1
	wrong 127.0.0.1: 127.0.0.1:
	wrong '[::1]' '[::1]'
	wrong '[::1]80' '[::1]80'
	wrong '[::1' '[::1:80'
}

@test "a port that is out of range, or 0 when connecting, is 2" {
	wrong 65536 127.0.0.1:65536
	wrong 65536 127.0.0.1 65536
	wrong 65536 -l 65536
	wrong 99999999999999999999 -l 127.0.0.1:99999999999999999999
	wrong -1 127.0.0.1:-1
	wrong 127.0.0.1:0 127.0.0.1:0
	wrong 65536 -p 65536 127.0.0.1:1
	wrong x -p x 127.0.0.1:1
}

@test "a service that does not exist is 2" {
	wrong no-such-service 127.0.0.1:no-such-service
	wrong no-such-service -l 127.0.0.1:no-such-service
	wrong no-such-service udp://127.0.0.1:no-such-service
	wrong no-such-service --via socks5://127.0.0.1:1 \
		127.0.0.1:no-such-service
}

@test "an address of an unknown or empty form is 2" {
	wrong foo:// foo://127.0.0.1:1
	wrong unix: unix:
	wrong fd: fd:
	wrong fd:x fd:x
	wrong fd:-1 fd:-1
	wrong exec: exec:
	wrong sh: sh:
	wrong "exec:echo 'a" "exec:echo 'a"
}

@test "an unknown option of an address is 2, with option and address" {
	wrong bogus 127.0.0.1:1,bogus=1
	wrong 127.0.0.1:1 127.0.0.1:1,bogus=1
	wrong bogus unix:sock,bogus
	wrong bogus exec:cat,bogus=1
}

@test "a repeated option of an address is 2, with option and address" {
	wrong idle-timeout 127.0.0.1:1,idle-timeout=1,idle-timeout=1
	wrong 127.0.0.1:1 127.0.0.1:1,idle-timeout=1,idle-timeout=1
	wrong no-shutdown 127.0.0.1:1,no-shutdown,no-shutdown
}

@test "a misplaced option of an address is 2, with option and address" {
	wrong mode -l 127.0.0.1:0,mode=0600
	wrong 127.0.0.1:0 -l 127.0.0.1:0,mode=0600
	wrong mode unix:sock,mode=0600
	wrong source -l 127.0.0.1:0,source=127.0.0.1
	wrong source unix:sock,source=127.0.0.1
	wrong backlog 127.0.0.1:1,backlog=5
	wrong connect-timeout -l 127.0.0.1:0,connect-timeout=1
	wrong keepalive unix:sock,keepalive=1
	wrong family unix:sock,family=4
}

@test "an option without its value, or with one too many, is 2" {
	wrong idle-timeout 127.0.0.1:1,idle-timeout
	wrong idle-timeout 127.0.0.1:1,idle-timeout=
	wrong no-shutdown 127.0.0.1:1,no-shutdown=1
}

@test "an option with a bad value is 2, with option and value" {
	wrong 1x 127.0.0.1:1,idle-timeout=1x
	wrong idle-timeout 127.0.0.1:1,idle-timeout=1x
	wrong -5 127.0.0.1:1,connect-timeout=-5
	wrong 7q 127.0.0.1:1,rcvbuf=7q
	wrong 64 127.0.0.1:1,dscp=64
	wrong 5 127.0.0.1:1,family=5
	wrong 0999 -l unix:sock,mode=0999
	wrong nowhere 127.0.0.1:1,source=nowhere
	[ ! -e sock ]
}

@test "an unknown flag is 2, and named" {
	wrong bogus --bogus 127.0.0.1:1
	wrong Y -Y 127.0.0.1:1
}

@test "a flag without its value is 2" {
	wrong w 127.0.0.1:1 -w
	wrong idle-timeout 127.0.0.1:1 --idle-timeout
}

@test "a flag with a bad time or size is 2, and the value is named" {
	local flag
	for flag in -w -q --connect-timeout --idle-timeout --deadline; do
		wrong 1x $flag 1x 127.0.0.1:1
		wrong -3 $flag -3 127.0.0.1:1
	done
	wrong 1x --wait-stdin=1x 127.0.0.1:1
	wrong 1x --recv-bytes 1x 127.0.0.1:1
	wrong -3 --recv-bytes -3 127.0.0.1:1
	wrong '".5" is not a time: write 0.5' -w .5 127.0.0.1:1
	wrong 99999999999999999999 --recv-bytes 99999999999999999999 \
		127.0.0.1:1
}

@test "flags that contradict each other are 2" {
	wrong '-4 and --family 6 exclude' -4 --family 6 '[::1]:1'
	wrong '-6 and --family 4 exclude' --family 4 -6 127.0.0.1:1
	wrong -only --recv-only --send-only 127.0.0.1:1
	wrong -only -d --send-only 127.0.0.1:1
	wrong '' -4 -6 127.0.0.1:1
	wrong '' -e cat -c cat 127.0.0.1:1
	wrong recv-bytes --send-only --recv-bytes 1 127.0.0.1:1
}

@test "an address of the other family than asked for is 2" {
	wrong ::1 -4 '[::1]:1'
	wrong 127.0.0.1 -6 127.0.0.1:1
	wrong 127.0.0.1 127.0.0.1:1,family=6
}

@test "-U with a host and a port is 2" {
	wrong '' -U 127.0.0.1 1
}

@test "what does not go together is 2" {
	wrong 'goes with -l' -k 127.0.0.1:1
	wrong 'goes with -lk' -l --drain-timeout 5 127.0.0.1:0
	wrong UDP -u tcp://127.0.0.1:1
	wrong exclude -u --tls 127.0.0.1:1
	wrong exclude -u -U sock
	wrong exclude -l --retry 127.0.0.1:0
	wrong exclude -l --reconnect 127.0.0.1:0
	wrong exclude --retry --reconnect 127.0.0.1:1
	wrong exclude --reconnect --recv-bytes 5 127.0.0.1:1
	wrong exclude -z -l 127.0.0.1:1
	wrong exclude -z --progress 127.0.0.1:1
	wrong capture -lk --workers 2 -e cat --capture file 127.0.0.1:0
	[ ! -e file ]
}

@test "nothing is done when the usage is wrong" {
	start server "$PEER" -l 127.0.0.1:0 eof
	wrong bogus "$ADDR" --bogus
	wrong bogus "$ADDR,bogus"
	run ! said_like '^peer: connection' server
	wrong bogus -l unix:sock,bogus
	[ ! -e sock ]
}

@test "the flag that was given is named, not what it is short for" {
	wrong '-w: 127.0.0.1:1: ' -w 0 127.0.0.1:1
	wrong '-p: 127.0.0.1:1: ' -p x 127.0.0.1:1
	wrong '-s: 127.0.0.1:1: ' -s x 127.0.0.1:1
	wrong '-m: 127.0.0.1:1: ' -m 3 127.0.0.1:1
	wrong '-e: ' -e '' 127.0.0.1:1
	wrong '-c: ' -c '' 127.0.0.1:1
	wrong "-e: exec:'x: " -e "'x" 127.0.0.1:1
	wrong 'unix:x is not TLS, and --tls-ca asks for it' --tls-ca f unix:x
	wrong 'and --starttls asks for it' --starttls smtp tcp://127.0.0.1:1
	wrong 'and --tls asks for it' --tls --tls-ca f udp://127.0.0.1:1
	wrong 'and -u asks for it' -u tcp://127.0.0.1:1
}

@test "-,OPTION is an address, not a flag" {
	local at
	for at in '-,idle-timeout=9 -c cat' '-c cat -,idle-timeout=9' \
		'-c cat -- -,idle-timeout=9'; do
		# shellcheck disable=SC2086 # flags and an address
		expect 0 "$TCPCAT" $at < <(printf hello) >got
		holds got hello
	done
	wrong '-,bogus: unknown option "bogus"' -c cat -,bogus
	wrong '-,: an option is empty' -c cat -,
	wrong '-,: an option is empty' -c cat -, -v
	wrong 'unknown option -,' -c cat -v,
	wrong 'too many addresses: -,rate=2' -,rate=1 -,rate=2 -c cat
	wrong 'are this side already' -,rate=1
}

@test "--reset where there is none is 2" {
	wrong 'udp://127.0.0.1:1: --reset' --reset udp://127.0.0.1:1
	wrong 'unix:x: --reset' --reset -U x
	wrong 'exec:cat: --reset' --reset exec:cat
}
