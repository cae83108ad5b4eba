# relay.bash - what the tests of tcprelay share, on top of helpers.bash and
# server.bash

# shellcheck disable=SC2034 # for those who load this
TCPRELAY=$BUILD/tcprelay

# relay ARGUMENT...: it runs as "relay"; ADDR and PORT are its first address.
relay() {
	start relay "$TCPRELAY" "$@"
}

# target NAME [FLAG...]: an echo at unix:NAME that greets with its name.
target() {
	local ADDR PORT
	start "$1" "$TCPECHO" --greet "$1" "${@:2}" "unix:$1"
}

# end_target NAME: it goes at once, and nobody is there any more.
end_target() {
	kill -TERM "${pid[$1]}"
	kill -INT "${pid[$1]}" 2>/dev/null || :
	finish '*' "$1"
}

# ask FLAG...: what one client at ADDR is told.
ask() {
	"$TCPCAT" --deadline $FAR "$@" "$ADDR" 2>>ask.err
}

# asks N FLAG...: what N clients are told, one after the other, with blanks.
asks() {
	local i n=$1 all=
	shift
	for ((i = 0; i < n; i++)); do
		all+="$(ask "$@") "
	done
	echo "${all% }"
}

# guest NAME N [FLAG...]: a client at ADDR that gets N bytes, to NAME.got,
# and stays until there is a file NAME.go.
guest() {
	spawn "$1" "$PEER" -o "$1.got" "${@:3}" "$ADDR" recv:"$2" \
		touch:"$1.here" wait:"$1.go" shut eof
	await test -e "$1.here"
}

# leave NAME: the guest does.
leave() {
	touch "$1.go"
	finish 0 "$1"
}

# stop [NAME]: SIGTERM, and it ends well.
stop() {
	kill -TERM "${pid[${1:-relay}]}"
	finish 0 "${1:-relay}"
}

# now_there N: so many clients are; to be awaited.
now_there() {
	kill -USR1 "${pid[relay]}"
	says 1 "^tcprelay: $1 clients? now" relay
}

# address N: ADDR and PORT are those of the N-th that the relay announced.
address() {
	await says "$1" '^tcprelay: listening on ' relay
	ADDR=$(sed -n 's/^tcprelay: listening on //p' relay.err | sed -n "$1p")
	PORT=${ADDR##*:}
}

# wrong TEXT ARGUMENT...: a usage error, whose message has TEXT in it, before
# anything listens.
wrong() {
	local text=$1
	shift
	expect 2 "$TCPRELAY" "$@" >stdout
	holds stdout ''
	head -n 1 expect.err | grep -q '^tcprelay: ' ||
		fail "tcprelay $*: the message does not begin with its name"
	grep -qF -e "$text" expect.err ||
		fail "tcprelay $*: the message does not name: $text"
	run ! said_like '^tcprelay: listening on'
}
