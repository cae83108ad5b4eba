# Ends through tcprelay, over every mix of TCP, TLS, Unix sockets and programs
# (SPEC 1.3, issue 6): a half-close is passed on in both directions, a reset
# as a reset, and the log says who ended it and how.  The same cases through
# other relays are in halfclose-peers.bats.

load helpers
load server
load tls

TCPRELAY=$BUILD/tcprelay
ENDS=$SRC/test/peers/halfclose.py

setup_file() {
	make_certs
}

# place KIND: the target of this kind that halfclose.py is.
place() {
	sed -n "s/^$1 //p" targets
}

# A line of tcprelay's file for each mix.
routes() {
	local front back listen to
	for front in 127.0.1.:0 tls://127.0.2.:0 unix:; do
		for back in 1:tcp 2:tls 3:unix 4:exec; do
			listen=${front/.:/.${back%:*}:}
			case $front in
			tls*) listen+=,$(own server) ;;
			unix*) listen=unix:$PWD/front.${back#*:} ;;
			esac
			case $back in
			*tls) to=tls://$(place tls),ca=$CERTS/ca.pem ;;
			*unix) to=unix:$(place unix) ;;
			*exec) to="exec:'$ENDS' --pass '$(place exec)'" ;;
			*) to=$(place tcp) ;;
			esac
			echo "$listen \"$to\""
		done
	done
}

# Where tcprelay listens, for halfclose.py: an address says which mix it is.
fronts() {
	local address front back
	while read -r address; do
		address=${address#*://}
		case $address in
		unix:*) front=unix back=${address##*.} address=${address#*:} ;;
		*)	case $address in
			127.0.1.*) front=tcp ;;
			*) front=tls ;;
			esac
			case $address in
			*.1:*) back=tcp ;;
			*.2:*) back=tls ;;
			*.3:*) back=unix ;;
			*) back=exec ;;
			esac ;;
		esac
		echo "$front $back $address"
	done < <(sed -n 's/^tcprelay: listening on //p' relay.err) >fronts.new
	mv fronts.new fronts
}

# through CASE N: N mixes keep it, which is all.
through() {
	spawn ends "$ENDS" -l "$LATE" -c "$CERTS/server.pem" \
		-k "$CERTS/server.key" fronts "$1" >table
	await test -e targets
	routes >relay.conf
	spawn relay "$TCPRELAY" -f relay.conf
	await says 12 '^tcprelay: listening on ' relay
	fronts
	finish 0 ends
	kill -TERM "${pid[relay]}"
	finish 0 relay
	cat table
	run ! grep -v ' kept$' table
	[ "$(wc -l <table)" -eq "$2" ]
}

# logged N REGEX: so many lines of the log are like this.
logged() {
	says_times "$1" "^tcprelay: (warning: )?(127\\.0\\.0\\.1:|unix:).* to .*$2 \\(sent" relay
}

@test "the client half-closes: a reply that starts late arrives, all of it" {
	through reply 12
	logged 12 ': done after [0-9.]* s, the client ended first'
}

@test "the target half-closes: it gets what the client sends later" {
	through turn 12
	logged 12 ': done after [0-9.]* s, the target ended first'
}

@test "a reset by the client is one to the target, behind what was sent" {
	through client-reset 12
	logged 12 ': the client: .*[Cc]onnection reset.* after [0-9.]* s'
}

@test "a reset by the target is one to the client, behind what was sent" {
	through target-reset 9
	logged 9 ': the target: .*[Cc]onnection reset.* after [0-9.]* s'
}

@test "a client's end without close_notify is a reset to the target" {
	through client-truncates 4
	logged 4 ': the client: .*close_notify.* after [0-9.]* s'
}

@test "a target's end without close_notify is a reset to the client" {
	through target-truncates 3
	logged 3 ': the target: .*close_notify.* after [0-9.]* s'
}
