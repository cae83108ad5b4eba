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

@test "tcpacl-check.1 tells of every option" {
	tells_of tcpacl-check
}

@test "tcpkit.7 tells of every option of addresses" {
	local option missing=0
	"$MANDOC" -T ascii "$SRC/man/tcpkit.7" | sed 's/.\x08//g' \
	    >"$BATS_TEST_TMPDIR/page"
	"$BUILD/tcpcat" --help | sed '1,/^Options of addresses/d' |
	    sed -n 's/^ *--\(tls-\)\{0,1\}\([-a-z0-9]*\).*/\2/p' \
	    >"$BATS_TEST_TMPDIR/options"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/options")" -gt 10 ]
	while read -r option; do
		grep -qE -- "^ +$option(=[^ ]*|\[=[^ ]*)? +[CL]" \
		    "$BATS_TEST_TMPDIR/page" || {
			echo "tcpkit.7 does not tell of $option"
			missing=1
		}
	done <"$BATS_TEST_TMPDIR/options"
	[ $missing -eq 0 ]
}
