#!/bin/sh
# completion.sh - what a shell completes of a tool, made from its --help
#
# usage: TOOL --help | completion.sh bash|zsh|fish TOOL
#
# A line of the help is "  -x, --name VALUE", two blanks, and words.  What
# VALUE is called says what completes it: a FILE, a COMMAND, one of 4|6; the
# PROTO and the URL are listed in the words.
set -eu
LC_ALL=C
export LC_ALL
shell=$1
tool=$2
AWK=${AWK:-awk}
help=$(cat)

# A function of the shell is named after the tool.
name=$(printf %s "$tool" | tr -c 'A-Za-z0-9_' _)
schemes='tcp:// tls:// udp:// unix: fd: exec: sh:'
# Do its operands say what to connect to or to listen on?
case $help in
*://HOST:PORT*) addresses=yes ;;
*) addresses=no ;;
esac

# table: one line an option, of fields that a tab separates: option, kind,
# value (where it has one), "=" if that can be left out, words to offer, help.
table() {
	printf '%s\n' "$help" | "$AWK" '
	function flush(	i) {
		for (i = 1; i <= n; i++)
			print row[i] "\t" text[i]
		n = 0
	}

	# Those words of a text that are like this.
	function like(s, re,	list) {
		while (match(s, re)) {
			list = list (list == "" ? "" : " ") \
			    substr(s, RSTART, RLENGTH)
			s = substr(s, RSTART + RLENGTH)
		}
		return list
	}

	function offer(value, help,	list, part, i, m) {
		if (value == "PROTO") {
			sub(/^[^:]*: /, "", help)
			gsub(/,/, "", help)
			return help
		}
		if (value == "URL")
			return like(help, "[a-z0-9]+://")
		if (index(value, "|") == 0)
			return ""
		m = split(value, part, "|")
		for (i = 1; i <= m; i++)
			if (part[i] ~ /^[a-z0-9]+$/)
				list = list (list == "" ? "" : " ") part[i]
		return list
	}

	function kind(option, value, words) {
		if (value == "")
			return "switch"
		if (words != "")
			return "words"
		if (value == "FILE" || value == "COMMAND" || value == "DEV")
			return tolower(value)
		if (value == "USER:GROUP" || option == "--user")
			return "user"
		return "text"
	}

	# "-x", "-x VALUE", "--name VALUE" or "--name[=VALUE]".
	function take(item, help,	option, value, may, words) {
		option = item
		value = may = ""
		if (match(item, /\[=/)) {
			option = substr(item, 1, RSTART - 1)
			value = substr(item, RSTART + 2)
			sub(/\]$/, "", value)
			may = "="
		} else if (match(item, / /)) {
			option = substr(item, 1, RSTART - 1)
			value = substr(item, RSTART + 1)
		}
		words = offer(value, help)
		row[++n] = option "\t" kind(option, value, words) "\t" \
		    value "\t" may "\t" words
		text[n] = help
	}

	/^ +-/ {
		flush()
		sub(/^ +/, "")
		at = match($0, /  +/)
		spec = at > 0 ? substr($0, 1, at - 1) : $0
		help = at > 0 ? substr($0, at + RLENGTH) : ""
		groups = split(spec, group, "; ")
		if (split(help, about, "; ") != groups)
			for (i = 1; i <= groups; i++)
				about[i] = help
		if (groups == 1)
			about[1] = help
		for (i = 1; i <= groups; i++) {
			items = split(group[i], item, ", ")
			for (j = 1; j <= items; j++)
				take(item[j], about[i])
		}
		next
	}
	# The words go on.
	n > 0 && /^                    +[^ ]/ {
		sub(/^ +/, "")
		for (i = 1; i <= n; i++)
			text[i] = text[i] " " $0
		next
	}
	{ flush() }
	END { flush() }'
}

# clause KIND: begins what is done for the options of a kind, or leaves it all
# out when there are none.
clause() {
	body=$(cat)
	list=$(table | "$AWK" -F '\t' -v kind="$1" '
	$2 == kind && $4 == "" { printf "%s%s", n++ ? " | " : "", $1 }')
	[ -z "$list" ] || printf '\t%s)\n%s\n\t\t;;\n' "$list" "$body"
}

# Readline ends a word at ":" and "=", its user does not.
bash_begin() {
	cat <<'EOF'
{
	local line whole cur prev head brk host IFS=$' \t\n'
	local -a words

	if [ -n "${COMP_LINE-}" ]; then
		line=${COMP_LINE:0:COMP_POINT}
		whole=${line##*[[:space:]]}
		read -r -a words <<<"${line%"$whole"}"
		prev=
		[ ${#words[@]} -eq 0 ] || prev=${words[${#words[@]} - 1]}
	else
		whole=${COMP_WORDS[COMP_CWORD]}
		prev=${COMP_WORDS[COMP_CWORD - 1]}
	fi
	COMPREPLY=()
	cur=$whole
	head=
	case $whole in
	--*=*)
		prev=${whole%%=*}
		cur=${whole#*=}
		head=$prev=
		;;
	esac
	IFS=$'\n'
	case $prev in
EOF
}

bash_values() {
	table | "$AWK" -F '\t' '
	$2 == "words" {
		printf "\t%s)\n", $1
		if ($4 == "=")
			print "\t\t[ -n \"$head\" ] || prev="
		printf "\t\t%sCOMPREPLY=($(IFS=\" \"; compgen -W \"%s\" " \
		    "-- \"$cur\"))\n\t\t;;\n", \
		    $4 == "=" ? "[ -z \"$prev\" ] || " : "", $5
	}'
	clause file <<'EOF'
		COMPREPLY=($(compgen -f -- "$cur"))
		compopt -o filenames 2>/dev/null
EOF
	clause command <<'EOF'
		COMPREPLY=($(compgen -c -- "$cur"))
EOF
	clause user <<'EOF'
		COMPREPLY=($(compgen -u -- "$cur"))
EOF
	clause dev <<'EOF'
		COMPREPLY=($(cd /sys/class/net 2>/dev/null &&
			compgen -f -- "$cur"))
EOF
	clause text <<'EOF'
		return
EOF
	cat <<'EOF'
	*)
		prev=
		;;
	esac
EOF
}

bash_addresses() {
	cat <<'EOF'
	::unix:*)
		head=unix:
		COMPREPLY=($(compgen -f -- "${cur#unix:}"))
		compopt -o filenames 2>/dev/null
		;;
	::exec:* | ::sh:*)
		head=${cur%%:*}:
		COMPREPLY=($(compgen -c -- "${cur#*:}"))
		;;
	::*)
		host=${cur#*://}
		head=${cur%"$host"}
		IFS=$' \t\n'
		if declare -F _known_hosts_real >/dev/null; then
			_known_hosts_real -- "$host"
		else
			COMPREPLY=($(compgen -A hostname -- "$host"))
		fi
		[ -n "$head" ] ||
			COMPREPLY+=($(compgen -W "$schemes" -- "$cur"))
		compopt -o nospace 2>/dev/null
		;;
EOF
}

bash_end() {
	cat <<'EOF'
	esac
	[ ${#COMPREPLY[@]} -gt 0 ] || return
	COMPREPLY=("${COMPREPLY[@]/#/$head}")
	brk=${COMP_WORDBREAKS//[!:=]/}
	[ -z "$brk" ] ||
		COMPREPLY=("${COMPREPLY[@]#"${whole%"${whole##*[$brk]}"}"}")
} &&
EOF
}

bash_file() {
	printf '# bash completion for %s\n\n_%s()\n' "$tool" "$name"
	bash_begin
	bash_values
	cat <<EOF
	case \$prev:\$head:\$cur in
	::-*)
		COMPREPLY=(\$(IFS=' '; compgen -W "\$_${name}_options" \\
			-- "\$cur"))
		;;
EOF
	[ $addresses = no ] || bash_addresses |
		sed "s|\$schemes|$schemes|"
	bash_end
	printf '_%s_options="%s" &&\ncomplete -F _%s %s\n' "$name" \
	    "$(table | cut -f 1 | tr '\n' ' ' | sed 's/ $//')" "$name" "$tool"
}

# zsh_table: an argument of _arguments for each option.
zsh_table() {
	table | "$AWK" -F '\t' -v q="'" '
	function plain(s) {
		gsub(/\\/, "\\\\", s)
		gsub(/\[/, "\\[", s)
		gsub(/\]/, "\\]", s)
		gsub(/:/, "\\:", s)
		gsub(q, q "\\" q q, s)
		return s
	}
	BEGIN {
		action["file"] = "_files"
		action["command"] = "_command_names -e"
		action["user"] = "_users"
		action["dev"] = "_net_interfaces"
	}
	{
		long = $1 ~ /^--/
		how = $3 == "" ? "" : $4 == "=" ? "=-" : long ? "=" : "+"
		printf "\t%s*%s%s[%s]", q, $1, how, plain($6)
		if ($3 != "")
			printf "%s%s:%s", $4 == "=" ? "::" : ":", plain($3), \
			    $2 == "words" ? "(" plain($5) ")" : action[$2]
		printf "%s \\\n", q
	}'
}

zsh_file() {
	printf '#compdef %s\n\n' "$tool"
	[ $addresses = no ] || cat <<EOF
_${name}_address()
{
	if compset -P 'unix:'; then
		_files
	elif compset -P 'exec:' || compset -P 'sh:'; then
		_command_names -e
	elif compset -P '*://'; then
		_hosts -S :
	else
		_alternative 'hosts:host:_hosts -S \:' \\
		    "schemes:scheme:compadd -S '' $schemes"
	fi
}

EOF
	printf '_arguments -s -S : \\\n'
	zsh_table
	if [ $addresses = yes ]; then
		printf "\t'*:address:_%s_address'\n" "$name"
	else
		printf "\t'*:address: '\n"
	fi
}

fish_file() {
	printf '# fish completion for %s\n\n' "$tool"
	[ $addresses = no ] || cat <<EOF
function __${name}_address
    set -l word (commandline -ct)
    switch \$word
        case 'unix:*'
            set -l files (string sub -s 6 -- \$word)*
            printf 'unix:%s\n' \$files
        case 'exec:*' 'sh:*'
            set -l scheme (string replace -r ':.*' : -- \$word)
            set -l command (string replace \$scheme '' -- \$word)
            printf "\$scheme%s\n" (complete -C \$command |
                string replace -r '\t.*' '')
        case '*://*'
            set -l scheme (string replace -r '://.*' :// -- \$word)
            printf "\$scheme%s\n" (__fish_print_hostnames)
        case '*'
            __fish_print_hostnames
            printf '%s\n' $schemes
    end
end

EOF
	printf 'complete -c %s -f\n' "$tool"
	[ $addresses = no ] ||
		printf "complete -c %s -a '(__%s_address)'\n" "$tool" "$name"
	table | "$AWK" -F '\t' -v tool="$tool" -v q="'" '
	function quoted(s) {
		gsub(/\\/, "\\\\", s)
		gsub(q, "\\" q, s)
		return q s q
	}
	BEGIN {
		how["file"] = " -r -F"
		how["command"] = " -x -a " q "(__fish_complete_command)" q
		how["user"] = " -x -a " q "(__fish_complete_users)" q
		how["dev"] = " -x -a " q "(__fish_print_interfaces)" q
		how["text"] = " -x"
	}
	{
		printf "complete -c %s", tool
		if ($1 ~ /^--/)
			printf " -l %s", substr($1, 3)
		else
			printf " -s %s", substr($1, 2)
		if ($2 == "words")
			printf "%s -a %s", $4 == "" ? " -x" : " -f", quoted($5)
		else if ($4 == "")
			printf "%s", how[$2]
		printf " -d %s\n", quoted($6)
	}'
}

if [ -z "$(table)" ]; then
	echo "completion.sh: $tool: there are no options in its help" >&2
	exit 1
fi
case $shell in
bash | zsh | fish) "${shell}_file" ;;
*)
	echo "usage: TOOL --help | completion.sh bash|zsh|fish TOOL" >&2
	exit 2
	;;
esac
