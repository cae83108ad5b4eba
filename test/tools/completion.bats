#!/usr/bin/env bats
# What the shells offer for the tools: made from --help, so that every option
# of a tool is there; the shells themselves are asked.

load helpers

MADE=$BUILD/completion
ZSH_COMPLETE=$SRC/test/peers/zsh-complete.zsh

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return
	mkdir -p zsh .ssh
	local f t
	for f in "$MADE"/*.bash; do
		[ -e "$f" ] || skip "made without completions"
		t=${f##*/}
		t=${t%.bash}
		cp "$MADE/$t.zsh" "zsh/_$t"
		"$BUILD/$t" --help >"$t.help"
		sed -nE 's/^ +-/-/;/^-/s/  .*//p' "$t.help" |
			grep -oE '(^|[,;] )--?[[:alnum:]][-[:alnum:]]*' |
			grep -oE -e '-.*' | sort -u >"$t.options"
		echo "$t" >>tools
	done
	echo 'known.example ssh-ed25519 AAAA' >.ssh/known_hosts
	export HOME=$PWD XDG_DATA_HOME=$PWD XDG_CONFIG_HOME=$PWD
}

# in_bash LINE, in_fish LINE, in_zsh LINE: what they offer for it.
in_bash() {
	# shellcheck disable=SC2016
	bash --norc -c '. "$1" && line=$2 && name=_${line%% *} &&
		COMP_LINE=$2 COMP_POINT=${#2} COMPREPLY=() && ${name//-/_} &&
		printf "%s\n" "${COMPREPLY[@]}"' \
		bash "$MADE/${1%% *}.bash" "$1" 2>>bash.err
}

in_fish() {
	# shellcheck disable=SC2016
	fish --no-config -c 'source $argv[1]; complete -C $argv[2]' -- \
		"$MADE/${1%% *}.fish" "$1" 2>>fish.err
}

in_zsh() {
	TERM=dumb timeout 30 zsh -f "$ZSH_COMPLETE" "$BATS_FILE_TMPDIR/zsh" \
		"$1" 2>>zsh.err
}

# offers SHELL LINE WORD...: just these, in any order.
offers() {
	local shell=$1 line=$2
	shift 2
	"in_$shell" "$line" | cut -f 1 | grep . | sort -u >offered || :
	[ $# -eq 0 ] || printf '%s\n' "$@" | sort -u | diff - offered
	[ $# -gt 0 ] || [ ! -s offered ]
}

# has_all SHELL: every option of every tool is offered, and no other.
has_all() {
	local t
	while read -r t; do
		"in_$1" "$t -" | cut -f 1 >offered
		"in_$1" "$t --" | cut -f 1 >>offered
		grep -oE -e '^--?[[:alnum:]][-[:alnum:]]*' offered |
			sort -u | diff "$BATS_FILE_TMPDIR/$t.options" -
	done <"$BATS_FILE_TMPDIR/tools"
}

values() {
	touch 'cert one.pem' other.crt
	offers "$1" 'tcpcat --starttls ' smtp imap pop3 ftp xmpp postgres ldap
	offers "$1" 'tcpecho --family ' 4 6
	offers "$1" 'tcpcat --keepalive ' no
	offers "$1" 'tcpcat --deadline '
	offers "$1" 'tcpcat --user nobod' nobody
}

@test "the options of the help are found" {
	local t
	while read -r t; do
		[ "$(wc -l <"$BATS_FILE_TMPDIR/$t.options")" -ge 20 ]
		grep -qxe --version "$BATS_FILE_TMPDIR/$t.options"
	done <"$BATS_FILE_TMPDIR/tools"
	grep -qx tcpcat "$BATS_FILE_TMPDIR/tools"
	grep -qx tcpacl-check "$BATS_FILE_TMPDIR/tools"
}

@test "bash offers every option" {
	has_all bash
}

@test "bash offers the values of options, behind a blank and behind a =" {
	values bash
	offers bash 'tcpcat --tls-ca cert' 'cert one.pem'
	offers bash 'tcpacl-check -f oth' other.crt
	offers bash 'tcpcat --starttls=p' pop3 postgres
	offers bash 'tcpcat --tls-ca=oth' other.crt
	offers bash 'tcpcat --via socks4' socks4:// socks4a://
	offers bash 'tcpcat -l --retry --k' --keep-open --keepalive
}

@test "bash: the words are enough, without the line" {
	# shellcheck disable=SC2016
	expect 0 bash --norc -c '. "$1"; COMP_WORDS=(tcpcat --starttls po)
		COMP_CWORD=2; _tcpcat tcpcat po --starttls
		printf "%s\n" "${COMPREPLY[@]}"' bash "$MADE/tcpcat.bash" >got
	holds got 'pop3\npostgres\n'
}

@test "bash offers schemes, hosts, sockets and programs as addresses" {
	echo 127.0.0.1 somehost >hosts
	HOSTFILE=$PWD/hosts
	export HOSTFILE
	offers bash 'tcpcat t' tcp:// tls://
	offers bash 'tcpcat someh' somehost
	# What readline replaces is what is behind the colon.
	offers bash 'tcpcat tls://someh' //somehost
	touch sock.1
	offers bash 'tcpcat unix:sock' sock.1
	in_bash 'tcpcat exec:/bin/c' >offered
	grep -qx /bin/cat offered
	offers bash 'tcpacl-check t'
}

@test "bash offers known hosts where it knows how" {
	local lib=/usr/share/bash-completion/bash_completion
	[ -e $lib ] || requires bash-completion
	# shellcheck disable=SC2016
	expect 0 bash --norc -c '. "$1"; . "$2"
		COMP_LINE="tcpcat kno" COMP_POINT=10 COMPREPLY=(); _tcpcat
		printf "%s\n" "${COMPREPLY[@]}"' bash $lib "$MADE/tcpcat.bash" \
		>got
	holds got 'known.example\n'
}

@test "zsh offers every option" {
	requires zsh
	zsh -n "$MADE"/*.zsh
	has_all zsh
}

@test "zsh offers the values of options" {
	requires zsh
	values zsh
	offers zsh 'tcpcat --tls-ca=oth' other.crt
	offers zsh 'tcpcat --starttls=p' pop3 postgres
}

@test "zsh offers schemes, hosts and sockets as addresses" {
	requires zsh
	offers zsh 'tcpcat tl' tls://
	touch sock.1
	offers zsh 'tcpcat unix:sock' sock.1
	in_zsh 'tcpcat tls://know' >offered
	grep -qx known.example offered
}

@test "zsh shows the help" {
	requires zsh
	grep -qF -e '--nodelay[send small pieces at once (TCP_NODELAY)]' \
		"$MADE/tcpcat.zsh"
}

@test "fish offers every option, with its help" {
	requires fish
	local f
	for f in "$MADE"/*.fish; do
		fish -n "$f"
	done
	has_all fish
	[ "$(in_fish 'tcpcat --nodel')" = \
		$'--nodelay\tsend small pieces at once (TCP_NODELAY)' ]
}

@test "fish offers the values of options" {
	requires fish
	values fish
	offers fish 'tcpcat --tls-ca cert' 'cert one.pem'
	offers fish 'tcpacl-check --acl-file oth' other.crt
	offers fish 'tcpcat --starttls=p' --starttls=pop3 --starttls=postgres
}

@test "fish offers schemes, hosts and sockets as addresses" {
	requires fish
	offers fish 'tcpcat tl' tls://
	offers fish 'tcpcat know' known.example
	offers fish 'tcpcat tls://know' tls://known.example
	touch sock.1
	offers fish 'tcpcat unix:sock' unix:sock.1
}

@test "a help without options makes no completion" {
	echo nothing | expect 1 sh "$SRC/cmd/completion.sh" bash tool >got
	[ ! -s got ]
	said_like '^completion.sh: tool: there are no options'
}

@test "they are installed where the shells look for them, and removed" {
	local dir t
	[ -e "$BUILD/Makefile" ] || skip "installed already"
	expect 0 env -u MAKEFLAGS -u MFLAGS make -s -C "$BUILD" \
		install-data-local DESTDIR="$PWD/dest" datadir=/share >log
	dir=$PWD/dest/share
	while read -r t; do
		cmp "$dir/bash-completion/completions/$t" "$MADE/$t.bash"
		cmp "$dir/zsh/site-functions/_$t" "$MADE/$t.zsh"
		cmp "$dir/fish/vendor_completions.d/$t.fish" "$MADE/$t.fish"
	done <"$BATS_FILE_TMPDIR/tools"
	expect 0 env -u MAKEFLAGS -u MFLAGS make -s -C "$BUILD" \
		uninstall-local DESTDIR="$PWD/dest" datadir=/share >log
	[ -z "$(find dest -type f)" ]
}
