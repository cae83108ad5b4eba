#!/bin/sh
# layers.sh - the layers of the library are kept, and its faces are clean
#
# The table is that of the architecture: a file includes its own layer's
# headers and those below, never upward, never another module's _impl.h, and
# modules do not go round in circles.  The tools use the library as a stranger
# would.  The library has no writable static storage, prints nothing, and the
# shared object exports public names only.
set -u
LC_ALL=C
export LC_ALL

src=${TCPKIT_SRC:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${TCPKIT_BUILD:-$src/build}
CC=${CC:-cc}
NM=${NM:-nm}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
count=0
failed=0

# result TEXT: what is wrong is in $dir/out; nothing there is good.
result() {
	count=$((count + 1))
	if [ -s "$dir/out" ]; then
		failed=$((failed + 1))
		echo "not ok $count - $1"
		sed 's/^/# /' "$dir/out"
	else
		echo "ok $count - $1"
	fi
	: >"$dir/out"
}

# What this build does not have is no test of it, rather than a skipped one.
not_here() {
	echo "# $1: $2"
}

skip() {
	count=$((count + 1))
	echo "ok $count - $1 # SKIP $2"
	: >"$dir/out"
}

# The layer of a module, empty for an unknown one.
layer() {
	case $1 in
	err | addr | value | ip | endpoint | acl | proxyproto | rate | \
	digest) echo 0 ;;
	loop | sock | resolve | reserve | shared | limits) echo 1 ;;
	listen | dial | via | udp | stream | starttls | tls) echo 2 ;;
	connect | serve | pump | hub | simple) echo 3 ;;
	esac
}

# The module of a file: acl_parse.c is acl's.
module() {
	name=${1##*/}
	name=${name%.*}
	case $name in
	nowait_*) echo stream ;;
	unsent_*) echo sock ;;
	senders) echo stream ;;
	*) echo "${name%%_*}" ;;
	esac
}

# The lines "<name>" and "\"name\"" that a file includes.
includes() {
	sed -n 's/^[[:blank:]]*#[[:blank:]]*include[[:blank:]]*\([<"][^>"]*[>"]\).*/\1/p' \
	    "$1"
}

: >"$dir/out"
: >"$dir/edges"

# --- the library's own includes ---------------------------------------------

for file in "$src"/libnet/*.c "$src"/libnet/*.h "$src"/libnet/tcpkit/*.h; do
	m=$(module "$file")
	l=$(layer "$m")
	if [ -z "$l" ]; then
		echo "$file: module $m is not in the table" >>"$dir/out"
		continue
	fi
	includes "$file" | while read -r inc; do
		name=$(echo "$inc" | tr -d '<>"')
		case $inc in
		'"'*_impl.h'"')
			# TLS is a kind of stream, which is what that one is for.
			[ "$(module "$name")" = "$m" ] ||
			    [ "$m $name" = "tls stream_impl.h" ] ||
			    echo "$file: includes $name of another module"
			[ -f "$src/libnet/$name" ] ||
			    echo "$file: $name is not in libnet" ;;
		'"tcpkit/'* | '<tcpkit/'*)
			of=$(module "$name")
			on=$(layer "$of")
			[ "$of" = "$m" ] ||
			    echo "$of $m" >>"$dir/edges"
			if [ -z "$on" ] || [ "$on" -gt "$l" ]; then
				echo "$file: includes $name, which is above"
			fi ;;
		'"'*)
			echo "$file: includes $name" ;;
		esac
	done >>"$dir/out"
done
result "a module includes nothing from above and no other's private header"

# Installed, a header finds its neighbours by <tcpkit/...> only.
for file in "$src"/libnet/tcpkit/*.h; do
	includes "$file" | grep '^"' | sed "s|^|${file##*/}: |" >>"$dir/out"
done
result "public headers include only <...>"

sort -u "$dir/edges" | tsort >/dev/null 2>"$dir/out" || :
result "modules do not go round in circles"

# --- the tools ---------------------------------------------------------------

for file in "$src"/cmd/*.c "$src"/cmd/*.h; do
	includes "$file" | while read -r inc; do
		name=$(echo "$inc" | tr -d '<>"')
		case $inc in
		'<tcpkit/'*)
			[ -f "$src/libnet/$name" ] ||
			    echo "${file##*/}: $name is not public" ;;
		'"'*)
			[ -f "$src/cmd/$name" ] ||
			    echo "${file##*/}: $name is not the tools' own" ;;
		*_impl.h*)
			echo "${file##*/}: $name is private" ;;
		esac
		case ${file##*/} in
		acl_* | tcpacl-check.*)
			case $inc in
			'<tcpkit/'*)
				[ "$(layer "$(module "$name")")" = 0 ] ||
				    echo "${file##*/}: $name is not pure" ;;
			esac ;;
		esac
	done >>"$dir/out"
	grep -n 'tcpk__' "$file" | sed "s|^|${file##*/}: |" >>"$dir/out"
done
result "the tools use public headers and their own, tcpacl-check pure ones"

# --- headers -----------------------------------------------------------------

for file in "$src"/libnet/tcpkit/*.h; do
	name=tcpkit/${file##*/}
	printf '#include <%s>\n#include <%s>\nint x;\n' "$name" "$name" \
	    >"$dir/x.c"
	# shellcheck disable=SC2086 # a command with its options
	$CC -std=c11 -Wall -Wextra -pedantic -Werror -I"$src/libnet" \
	    -fsyntax-only "$dir/x.c" >"$dir/out" 2>&1
	result "<$name> compiles by itself, and twice"
done

# --- the library as built ----------------------------------------------------

lib=$build/.libs/libtcpkit.a
what="no writable static storage"
if [ ! -f "$lib" ]; then
	not_here "$what" "no static library was built"
elif $NM "$lib" 2>/dev/null | grep -qE '__(asan|ubsan|sanitizer|gcov|llvm)_'; then
	not_here "$what" "instrumented"
elif ! $NM -f sysv "$lib" >"$dir/nm" 2>/dev/null; then
	skip "$what" "$NM does not tell sections"
else
	# What relocation alone makes writable is constant (.data.rel.ro).
	awk -F '|' '/^Symbols from/ { member = $0 }
	    $7 ~ /^\.(data|bss|tdata|tbss)($|\.)/ &&
	    $7 !~ /^\.data\.rel\.ro/ { print member, $1, $7 }
	    $7 ~ /COM/ { print member, $1, $7 }' "$dir/nm" >"$dir/out"
	result "$what"
fi

what="it prints nothing and asks no environment"
if [ -f "$lib" ]; then
	$NM -u "$lib" 2>/dev/null | awk '
	    $NF ~ /^_?(printf|puts|putchar|putc|fputs|fputc|fwrite|perror)$/ ||
	    $NF ~ /^_?(v?fprintf|vprintf|fopen|fdopen|stderr|stdout)$/ ||
	    $NF ~ /^_?(syslog|vsyslog|err|errx|warn|warnx)$/ ||
	    $NF ~ /^_?(getenv|setenv|putenv|exit|_exit|abort)$/ ||
	    $NF ~ /^_?(signal|sigaction|sigprocmask|alarm)$/ ||
	    $NF ~ /^__(printf|fprintf|vfprintf)_chk$/ { print $NF }' |
	    sort -u >"$dir/out"
	result "$what"
else
	not_here "$what" "no static library was built"
fi

what="the shared object exports tcpk_[a-z]* only"
so=$build/.libs/libtcpkit.so
if [ ! -e "$so" ]; then
	not_here "$what" "no shared library was built"
elif ! $NM -D --defined-only "$so" >"$dir/nm" 2>/dev/null; then
	skip "$what" "$NM does not tell dynamic symbols"
else
	awk '$NF !~ /^tcpk_[a-z]/ { print $NF }' "$dir/nm" >"$dir/out"
	[ -s "$dir/nm" ] || echo "it exports nothing" >"$dir/out"
	result "$what"
fi

echo "1..$count"
[ $failed -eq 0 ]
