#!/usr/bin/env bats
# man.bats - the man pages are well formed and tell of every option

setup() {
	SRC=${TCPKIT_SRC:-$(cd "$BATS_TEST_DIRNAME/../.." && pwd)}
	BUILD=${TCPKIT_BUILD:-$SRC/build}
	MANDOC=${MANDOC:-mandoc}
	command -v "$MANDOC" >/dev/null || skip "no mandoc"
}

# tells_of TOOL: each option in its --help is in its page.
tells_of() {
	local page=$SRC/man/$1.1 tool=$BUILD/$1 option missing=0
	"$tool" --help >"$BATS_TEST_TMPDIR/help"
	# Without its bold letters, which are overstruck.
	"$MANDOC" -T ascii "$page" | sed 's/.\x08//g' \
	    >"$BATS_TEST_TMPDIR/page"
	sed -n 's/^ *\(-[^ ].*\)/\1/p' "$BATS_TEST_TMPDIR/help" |
	    sed 's/   *.*//' | grep -oE -- '(^|[ ,])--?[a-zA-Z0-9][-a-z0-9]*' |
	    tr -d ' ,' | sort -u >"$BATS_TEST_TMPDIR/options"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/options")" -gt 3 ]
	while read -r option; do
		# An option of addresses may be told of without its dashes.
		grep -qE -- "(^|[^-a-z0-9])(${option}|${option#--}=)([^-a-z0-9]|\$)" \
		    "$BATS_TEST_TMPDIR/page" ||
		    grep -qE -- "(^|[^-a-z0-9])${option}([^-a-z0-9]|\$)" \
		    "$BATS_TEST_TMPDIR/page" || {
			echo "$1.1 does not tell of $option"
			missing=1
		}
	done <"$BATS_TEST_TMPDIR/options"
	[ $missing -eq 0 ]
}

@test "mandoc finds nothing to complain of" {
	local pages=("$SRC"/man/*.[1-9])
	"$MANDOC" -T lint -W warning "${pages[@]}"
}

@test "tcpcat.1 tells of every option" {
	tells_of tcpcat
}

@test "tcpecho.1 tells of every option" {
	tells_of tcpecho
}

@test "tcprelay.1 tells of every option" {
	tells_of tcprelay
}

@test "tcpacl-check.1 tells of every option" {
	tells_of tcpacl-check
}

@test "tcpkit.7 tells of every option of addresses" {
	local option missing=0
	"$MANDOC" -T ascii "$SRC/man/tcpkit.7" | sed 's/.\x08//g' \
	    >"$BATS_TEST_TMPDIR/page"
	"$BUILD/tcprelay" --help | sed '1,/^Options of addresses/d' |
	    sed -n 's/^ *--\(tls-\)\{0,1\}\([-a-z0-9]*\).*/\2/p' \
	    >"$BATS_TEST_TMPDIR/options"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/options")" -gt 10 ]
	while read -r option; do
		grep -qE -- "^ +$option(=[^ ]*|\[=[^ ]*)? +[CLT]" \
		    "$BATS_TEST_TMPDIR/page" || {
			echo "tcpkit.7 does not tell of $option"
			missing=1
		}
	done <"$BATS_TEST_TMPDIR/options"
	[ $missing -eq 0 ]
}

# mentions REGEX FILE: somewhere in it.
mentions() {
	grep -qE -- "$1" "$2" || {
		echo "$2 does not tell of $1"
		return 1
	}
}

@test "tcprelay.1 tells of every metric" {
	local name page=$BATS_TEST_TMPDIR/page
	"$MANDOC" -T ascii "$SRC/man/tcprelay.1" | sed 's/.\x08//g' >"$page"
	grep -oE '(one\(f,|^	\{) "[a-z_]+"' "$SRC/cmd/tcprelay_metrics.c" |
	    sed 's/.*"\(.*\)"/\1/' >"$BATS_TEST_TMPDIR/names"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/names")" -gt 10 ]
	while read -r name; do
		mentions "tcprelay_$name([^a-z_]|\$)" "$page"
	done <"$BATS_TEST_TMPDIR/names"
}

@test "the example of a configuration file can be used" {
	local conf=$BATS_TEST_TMPDIR/conf n
	# The lines that are left out are to be good, too.
	sed -e '/fd:3/d' -e 's/^#\(tls:\)/\1/' \
	    -e 's/cert=[^	]*/self-signed/' \
	    -e 's/^\(tls:\/\/\)\{0,1\}[0-9.]*:[0-9]*/\1127.0.0.1:0/' \
	    -e "s,^unix:[^,]*,unix:$BATS_TEST_TMPDIR/socket," \
	    -e 's/10\.0\.1\.[0-9]*/127.0.0.1/g' \
	    "$SRC/contrib/tcprelay.conf" >"$conf"
	n=$(grep -c '^[^#]' "$conf")
	[ "$n" -ge 5 ]
	run timeout 30 "$BUILD/tcprelay" -n --deadline 1 -f "$conf"
	[[ $output != *"not speak TLS"* ]] || skip "built without TLS"
	echo "$output"
	[ "$status" -eq 4 ]
	[ "$(grep -c '^tcprelay: listening on ' <<<"$output")" -eq "$n" ]
}

@test "systemd understands the units" {
	command -v systemd-analyze >/dev/null || skip "no systemd-analyze"
	cp "$SRC"/contrib/tcprelay.socket "$BATS_TEST_TMPDIR"
	sed "s,^ExecStart=[^ ]*,ExecStart=$(cd "$BUILD" && pwd)/tcprelay," \
	    "$SRC/contrib/tcprelay.service" \
	    >"$BATS_TEST_TMPDIR/tcprelay.service"
	run timeout 60 systemd-analyze --man=no verify \
	    "$BATS_TEST_TMPDIR"/tcprelay.service \
	    "$BATS_TEST_TMPDIR"/tcprelay.socket
	echo "$output"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}
