# tcpacl-check: SPEC section 5, and lists as in 1.5.

load helpers

CHECK=$BUILD/tcpacl-check

# answers STATUS OUTPUT ARGUMENT...: exactly that on standard output.
answers() {
	local status=$1 output=$2
	shift 2
	expect "$status" "$CHECK" "$@" >stdout
	holds stdout "$output" || { cat stdout; fail "tcpacl-check $*"; }
}

# wrong TEXT ARGUMENT...: trouble, whose message has TEXT in it; no result.
wrong() {
	local text=$1
	shift
	answers 2 '' "$@"
	head -n 1 expect.err | grep -q '^tcpacl-check: ' ||
		fail "tcpacl-check $*: the message does not begin with its name"
	grep -qF -e "$text" expect.err ||
		fail "tcpacl-check $*: the message does not name: $text"
}

# --- verdicts ---------------------------------------------------------------

@test "the examples of the specification, in IPv4 and IPv6" {
	answers 1 '192.168.3.4 allow\n10.0.0.1 deny\n::1 deny\n' \
		-a '-0.0.0.0/0,+192.168/16' 192.168.3.4 10.0.0.1 ::1
	answers 1 '1.2.3.4 deny\n1.2.3.5 allow\n::1 allow\n' \
		-a -1.2.3.4 1.2.3.4 1.2.3.5 ::1
	answers 1 '10.1.2.3 allow\n11.0.0.0 deny\n::1 deny\n' \
		-a +10/8 10.1.2.3 11.0.0.0 ::1
	answers 1 '1.2.3.4 deny\n::1 deny\n' -a -::/0 1.2.3.4 ::1
	answers 1 '1.2.3.4 deny\n::1 deny\n' -a -all 1.2.3.4 ::1
}

@test "an empty list allows everyone" {
	answers 0 '1.2.3.4 allow\n::1 allow\n' -a '' 1.2.3.4 ::1
	answers 0 '::1 allow\n' -f /dev/null ::1
}

@test "a first rule for a whole family in other words leaves nobody in" {
	local list
	for list in -::ffff:0:0/96 -0.0.0.0-255.255.255.255 -0/0 \
		-0.0.0.0/0.0.0.0; do
		answers 1 '1.2.3.4 deny\n::1 deny\n' -a $list 1.2.3.4 ::1
	done
}

@test "IPv4-mapped is IPv4 in rules and in addresses" {
	answers 1 '::ffff:10.0.0.1 allow\n::ffff:a00:2 deny\n' \
		-a +10.0.0.1 ::ffff:10.0.0.1 ::ffff:a00:2
	answers 0 '10.9.9.9 allow\n' -a +::ffff:10.0.0.0/104 10.9.9.9
	answers 1 '1.2.3.4 deny\n::1 allow\n' -a +::/0 1.2.3.4 ::1
}

@test "an address may have a scope, and is printed as it was given" {
	answers 0 'FE80::1%%eth0 allow\n' -a +fe80::/10 FE80::1%eth0
}

@test "addresses come from standard input, one a line, in order" {
	printf '10.0.0.1\n\n  ::1\t\r\n10.0.0.2' >in
	answers 1 '10.0.0.1 allow\n::1 deny\n10.0.0.2 allow\n' -a +10/8 <in
	answers 0 '' -a +10/8 </dev/null
	answers 0 '' -a +10/8 <&-
}

@test "a malformed address is reported with its line, the rest answered" {
	printf '10.0.0.1\nfoo\n10.0.0.01\n10.0.0.2\n' >in
	answers 2 '10.0.0.1 allow\n10.0.0.2 allow\n' -a +10/8 <in
	said 'tcpacl-check: standard input:2: "foo": not an IP address'
	said 'tcpacl-check: standard input:3: "10.0.0.01": not an IP address'
	answers 2 '::1 deny\n' -a +10/8 10.0.0.0/8 ::1
	said 'tcpacl-check: "10.0.0.0/8": not an IP address'
}

@test "--explain names the rule with file and line, or default" {
	printf '# who\n+10/8 # all of us\n-10.1.2.0/24,+10.1.2.3\n' >acl
	answers 1 '10.1.2.4 deny -10.1.2.0/24 acl:3
10.1.2.3 allow +10.1.2.3 acl:3
10.0.0.1 allow +10.0.0.0/8 acl:2
::1 deny default\n' --explain -f acl 10.1.2.4 10.1.2.3 10.0.0.1 ::1
}

@test "several lists are one, in the order they are given" {
	printf -- '-10.1/16\n' >acl
	answers 1 '10.1.0.1 deny -10.1.0.0/16 acl:1\n' \
		--explain -a +10/8 -f acl 10.1.0.1
	answers 0 '10.1.0.1 allow +10.0.0.0/8 -a:1\n' \
		--explain -f acl -a +10/8 10.1.0.1
	answers 0 '10.1.0.1 allow\n' -a +10/8 -f - 10.1.0.1 </dev/null
}

# --- lists ------------------------------------------------------------------

@test "a malformed list names file, line and column, and decides nothing" {
	printf '+10/8\n  +10.0.0.300\n' >acl
	wrong 'acl:2:11: "+10.0.0.300": octet over 255' -f acl 10.0.0.1
	wrong '-a:1:1: "10/8": a rule starts with + or -' -a 10/8 10.0.0.1
	wrong '-a:1:2: "+010.1.1.1": octet with a leading zero' \
		-a +010.1.1.1 1.1.1.1
	wrong '-a:1:10: "+1.2.3.4/33": length over 32' -a +1.2.3.4/33 1.1.1.1
	wrong 'acl/none: No such file' -f acl/none 1.1.1.1 ||
		wrong 'acl/none: Not a directory' -f acl/none 1.1.1.1
	wrong '.: Is a directory' -f . 1.1.1.1
}

@test "host bits are a warning that --quiet leaves out" {
	answers 0 '10.0.0.1 allow\n' -a +10.1.2.3/8 10.0.0.1
	said 'tcpacl-check: warning: -a:1:1: "+10.1.2.3/8" has host bits set: it means +10.0.0.0/8'
	answers 0 '10.0.0.1 allow\n' --quiet -a +10.1.2.3/8 10.0.0.1
	said_nothing
}

@test "hostile bytes in a list do not reach the terminal" {
	printf '+1.2.3.4\033[31m' >acl
	wrong '"+1.2.3.4\x1b[31m"' -f acl 1.1.1.1
}

# --- filter -----------------------------------------------------------------

@test "--allowed and --denied print lines unchanged, with grep's status" {
	printf '10.0.0.1 GET /\n::1 x\nno address\n 10.0.0.2\r\n10.0.0.3' >in
	answers 0 '10.0.0.1 GET /\n 10.0.0.2\r\n10.0.0.3' \
		-a +10/8 --allowed <in
	answers 0 '::1 x\n' -a +10/8 --denied <in
	answers 1 '' -a +11/8 --allowed <in
	answers 1 '' -a +all --denied </dev/null
	said_nothing
}

@test "a filter takes addresses in brackets and with a port" {
	printf '10.0.0.1:80 a\n[::1]:80 b\n[10.0.0.2] c\n[fe80::1%%eth0]:1 d\n' \
		>in
	answers 0 "$(sed 's/%/%%/g' in)\n" -a +all --allowed <in
	printf '10.0.0.1:x\n10.0.0.1:99999\n10.0.0.1,\n10.0.0.1/8\n[::1\n' >in
	answers 1 '' -a +all --allowed <in
}

@test "--field finds the address in another field" {
	printf 'a  10.0.0.1 b\na\n10.0.0.1\na\t::1\n' >in
	answers 0 'a  10.0.0.1 b\n' -a +10/8 --allowed --field 2 <in
	answers 0 'a\t::1\n' -a +10/8 --denied --field 2 <in
	answers 1 '' -a +10/8 --allowed --field 3 <in
}

@test "--any finds it anywhere in the line" {
	cat >in <<-'END'
		from 10.0.0.1.
		src=10.0.0.2;x
		{"a":"10.0.0.3"}
		http://10.0.0.4:80/
		addr:10.0.0.5:80
		[2001:db8::1]:80
		v10.0.0.6 10.0.0.7.8 1.10.0.0.9 at 12:34:56 std::string ::
		8.8.8.8 and 10.0.0.8
	END
	answers 0 "$(sed '/::/d; /v10/d' in)\n" -a +10/8 --allowed --any <in
	answers 0 "$(sed -n '/db8/p; /8.8/p' in)\n" -a +10/8 --denied --any <in
}

@test "arguments are lines for a filter" {
	answers 0 '10.0.0.1 x\n' -a +10/8 --allowed '10.0.0.1 x' ::1
}

@test "binary junk is skipped, and kept in a line that is printed" {
	head -c 1M /dev/urandom >junk
	printf '\n10.0.0.1 \0\377\n' >line
	cat junk line >in
	expect 0 "$CHECK" -a +10.0.0.1 --allowed <in >stdout
	tail -n 1 stdout | cmp - <(tail -n 1 line)
	expect 2 "$CHECK" -a +10.0.0.1 <junk >stdout
}

@test "lines longer than any buffer come out byte for byte" {
	local long
	long=$(head -c 3M /dev/urandom | base64 -w 0)
	printf '10.0.0.1 %s\n' "$long" >first
	printf '%s 10.0.0.1\n' "$long" >last
	printf '11.0.0.1 %s\n' "$long" >denied
	cat first denied last denied first >in
	expect 0 "$CHECK" -a +10/8 --allowed <in >stdout
	cat first first | cmp - stdout
	expect 0 "$CHECK" -a +10/8 --allowed --field 2 <in >stdout
	cmp last stdout
	expect 0 "$CHECK" -a +10/8 --allowed --any <in >stdout
	cat first last first | cmp - stdout
	# The same without the newline at its end, and from a pipe.
	head -c -1 last >in
	expect 0 "$CHECK" -a +10/8 --allowed --any < <(cat in) >stdout
	cmp in stdout
}

@test "an address is found wherever a buffer ends" {
	local n
	for n in 262120 262130 262135 262140 262143 262144 262145; do
		head -c $n /dev/zero | tr '\0' x >in
		printf ' 10.1.2.3 tail\n10.0.0.1\n' >>in
		expect 0 "$CHECK" -a +10.1.2.3 --allowed --any <in >stdout
		head -n 1 in | cmp - stdout
		expect 0 "$CHECK" -a +10.1.2.3 --allowed --field 2 <in >stdout
		head -n 1 in | cmp - stdout
	done
}

@test "memory stays the same however long the input and its lines" {
	yes '10.0.0.1 GET /' | head -c 100M >in || :
	tr '\n' ' ' <in >line
	# An address sanitizer reserves more than any limit: then only what
	# comes out is looked at.
	SMALL=(env)
	grep -q __asan_init "$CHECK" ||
		SMALL=(sh -c 'ulimit -v 60000 && exec "$@"' sh)
	expect 0 "${SMALL[@]}" "$CHECK" -a +10/8 --allowed <in >stdout
	expect 1 "${SMALL[@]}" "$CHECK" -a +10/8 --denied --any <in >none
	expect 0 "${SMALL[@]}" "$CHECK" -a +10/8 --allowed <line >stdout2
	expect 1 "${SMALL[@]}" "$CHECK" -a +10/8 --denied --any <line >none
	expect 2 "${SMALL[@]}" "$CHECK" -a +10/8 <line >none
	cmp in stdout
	cmp line stdout2
}

@test "what was found is printed before waiting for more" {
	mkfifo pipe
	exec 7<>pipe		# so that opening it does not wait
	spawn check "$CHECK" -a +10/8 --allowed <pipe >stdout 7>&-
	exec 8>pipe 7>&-
	printf '10.0.0.1\n::1\n10.0.' >&8
	await has stdout 9
	printf '0.2\n' >&8
	await has stdout 18
	exec 8>&-
	finish 0 check
	holds stdout '10.0.0.1\n10.0.0.2\n'
}

@test "--count prints the two counts only" {
	printf '10.0.0.1\n::1\n10.0.0.2\n' >in
	answers 1 'allow 2\ndeny 1\n' -a +10/8 --count <in
	answers 0 'allow 1\ndeny 0\n' -a +10/8 --count 10.0.0.1
	answers 1 'allow 2\ndeny 1\n' -a +10/8 --count --any <in
	answers 0 'allow 2\ndeny 1\n' -a +10/8 --count --denied <in
}

# --- lists to review --------------------------------------------------------

@test "--expect reports what comes out otherwise" {
	printf '# ours\n10.0.0.1 allow\n::1\tdeny # v6\n\n' >good
	answers 0 '' -a +10/8 --expect good
	printf '10.0.0.1 deny\n::1 allow\n11.0.0.1 deny\n' >bad
	answers 1 'bad:1: 10.0.0.1: expected deny, is allow by +10.0.0.0/8 -a:1
bad:2: ::1: expected allow, is deny by default\n' -a +10/8 --expect bad
	answers 0 '' -a +10/8 --expect - <good
}

@test "--expect: a malformed line is trouble that is named" {
	printf '10.0.0.1 allow\n10.0.0.2\nx allow\n10.0.0.3 ALLOW\n' >in
	answers 2 '' -a +10/8 --expect in
	said_like '^tcpacl-check: in:2: '
	said_like '^tcpacl-check: in:3: "x allow": not an IP address'
	said_like '^tcpacl-check: in:4: '
	wrong 'none: No such file' -a +10/8 --expect none
}

@test "--lint: what can never decide, contradicts, has host bits, is open" {
	printf -- '-all\n+10/8\n-10.1/16\n' >acl
	answers 0 '' --lint -f acl
	printf -- '+10.1/16\n+10/8\n' >acl
	answers 1 'acl:1: rule 1, +10.1.0.0/16, can never decide: rule 2, +10.0.0.0/8, line 2, covers it; as the first rule it still makes the default deny\n' \
		--lint -f acl
	printf -- '-all\n+10.1/16\n-10/8\n' >acl
	answers 1 'acl:2: rule 2, +10.1.0.0/16, can never decide: rule 3, -10.0.0.0/8, line 3, covers it and says the opposite\n' \
		--lint -f acl
	answers 1 '\055a:1: rule 1, +10.0.0.0/8, was written with host bits set\n' \
		--lint -a +10.1.2.3/8
	said_nothing
	answers 1 '\055a:1: rule 1, -1.2.3.4, lets in IPv4 by default: the first rule denies less than a whole address family
-a:1: rule 1, -1.2.3.4, lets in all of IPv6 by default: the first rule denies less than a whole address family\n' \
		--lint -a -1.2.3.4
	expect 1 "$CHECK" --lint -a '' >stdout
	wrong 'octet over' --lint -a +1.2.3.400
}

@test "--simplify prints the fewest rules" {
	answers 0 '+192.168.0.0/16\n' --simplify -a '-0.0.0.0/0,+192.168/16'
	answers 0 '+10.0.0.0/8\n-10.1.2.0/24\n' --simplify \
		-a '-all,+10.0.0.0/9,+10.128.0.0/9,-10.1.2.0/24,-10.1.2.3'
	answers 0 '+1.0.0.0-2.255.255.255\n' --simplify -a '+1/8 +2/8'
	answers 0 '' --simplify -a '+all'
	answers 0 '\055all\n' --simplify -a '-all,-10/8'
}

@test "a simplified list of random rules gives the same answers" {
	local i
	for ((i = 0; i < 400; i++)); do
		printf '%s%d.%d.%d.%d/%d\n' "$( ((RANDOM % 2)) && echo + ||
			echo -)" $((RANDOM % 4)) $((RANDOM % 8)) \
			$((RANDOM % 4 * 64)) $((RANDOM % 256)) \
			$((RANDOM % 25 + 8))
	done >acl
	for ((i = 0; i < 5000; i++)); do
		echo "$((RANDOM % 4)).$((RANDOM % 8)).$((RANDOM % 256)).$((
			RANDOM % 256))"
	done >in
	expect 0 "$CHECK" --quiet -f acl --simplify >simple
	(($(wc -l <simple) <= 400))
	"$CHECK" --quiet -f acl <in >want || :
	"$CHECK" -f simple <in >got || :
	cmp want got
}

# --- machines, usage, output ------------------------------------------------

@test "--json: results and messages are objects, whatever the bytes" {
	printf '10.0.0.1 "\\\001\377\n::1\n' >in
	expect 0 "$CHECK" --json -a +10/8 --allowed <in >stdout
	expect 1 "$CHECK" --json -a +10/8 10.0.0.1 ::1 >>stdout
	expect 1 "$CHECK" --json --count -a +10/8 ::1 >>stdout
	expect 1 "$CHECK" --json --lint -a -10/8 >>stdout
	expect 0 "$CHECK" --json --simplify -a +10/8 >>stdout
	echo '::1 allow' >want
	expect 1 "$CHECK" --json --expect want -a +10/8 >>stdout
	expect 2 "$CHECK" --json -a +10/8 $'a"\001\377' >>stdout 
	cp expect.err message
	/usr/bin/python3 - <<-'END'
		import json
		out = [json.loads(line) for line in open("stdout")]
		events = [o["event"] for o in out]
		assert events == ["line", "verdict", "verdict", "count",
		    "finding", "finding", "rule", "mismatch"], events
		assert all(o["tool"] == "tcpacl-check" for o in out)
		assert out[0]["text"] == '10.0.0.1 "\\\x01\xff', out[0]
		assert out[1]["verdict"] == "allow" and out[1]["rule"] == 1
		assert out[1]["rule_text"] == "+10.0.0.0/8"
		assert out[1]["file"] == "-a" and out[1]["line"] == 1
		assert out[2]["rule_text"] == "default" and not out[2]["file"]
		assert out[3]["allow"] == 0 and out[3]["deny"] == 1
		assert out[7]["expected"] == "allow"
		for line in open("message"):
		    m = json.loads(line)
		    assert m["level"] == "error" and "address" in m["error"]
	END
}

@test "usage errors are 2 and say what is wrong" {
	wrong 'no access list'
	wrong '-x' -x
	wrong '--nope' --nope
	wrong '-a needs a value' -a
	wrong '--allowed and --denied' --allowed --denied -a +all
	wrong '--lint and --simplify' --lint --simplify -a +all
	wrong '--field and --any' --field 1 --any --allowed -a +all
	wrong '--field' --field 0 --allowed -a +all
	wrong '--field' --field x --allowed -a +all
	wrong '--field goes with' --field 2 -a +all
	wrong '--explain does not go with' --explain --allowed -a +all
	wrong '--lint takes no addresses' --lint -a +all 1.2.3.4
	wrong '--count does not go with' --count --lint -a +all
	wrong 'standard input' -f - </dev/null
}

@test "--help and --version go to standard output" {
	answers 0 "$("$CHECK" --help)\n" -h
	grep -q -- --simplify stdout
	expect 0 "$CHECK" --version >stdout
	grep -qx 'tcpacl-check [0-9].*' stdout
	said_nothing
}

@test "a full disk is trouble" {
	printf '10.0.0.1\n' >in
	local args
	for args in '' --explain --allowed --count --json --simplify; do
		# shellcheck disable=SC2086
		expect 2 "$CHECK" $args -a +10/8 <in >/dev/full
		grep -q 'standard output: No space left on device' expect.err
	done
	expect 2 "$CHECK" --help >/dev/full
	expect 2 "$CHECK" -a +all 1.2.3.4 >&-
}

@test "a reader that leaves is SIGPIPE, and trouble where that is ignored" {
	yes 10.0.0.1 | head -c 10M >in || :
	expect 141 "$CHECK" -a +all --allowed <in > >(head -n 1)
	(
		trap '' PIPE
		"$CHECK" -a +all --allowed <in 2>message || echo $? >status
	) | head -n 1
	holds status '2\n'
	grep -q 'standard output: Broken pipe' message
}
