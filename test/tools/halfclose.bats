# Ends through tcprelay, over every mix of TCP, TLS, Unix sockets and programs
# (SPEC 1.3, issue 6): a half-close is passed on in both directions, a reset
# as a reset, and the log says who ended it and how.  At last the same cases
# through other relays.

load helpers
load server
load tls

TCPRELAY=$BUILD/tcprelay
ENDS=$SRC/test/peers/halfclose.py

setup_file() {
	make_certs
	# Behind every timeout that somebody may have for half an end.
	export BEHIND=1
	[ "${TCPKIT_LONG:-}" != 1 ] || BEHIND=$LATE
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
	spawn ends "$ENDS" -l "$BEHIND" -c "$CERTS/server.pem" \
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

# --- other relays -------------------------------------------------------------

# listens FRONT BACK: where a peer does; the port is one for all.
listens() {
	local n=1 b=1
	[ "$1" != tls ] || n=2
	case $2 in tls) b=2 ;; unix) b=3 ;; exec) b=4 ;; esac
	case $1 in
	unix) echo "$PWD/$peer/front.$2" ;;
	*) echo "127.$net.$n.$b:$PORT" ;;
	esac
}

# to KIND: where its target is.
to() {
	sed -n "s/^$1 //p" "$peer/targets"
}

haproxy_conf() {	# for MIXES
	local mix front back bind server
	printf '%s\n' defaults 'mode tcp' 'timeout connect 10s' \
		'timeout client 60s' 'timeout server 60s'
	for mix; do
		front=${mix%-*} back=${mix#*-}
		bind=$(listens $front $back) server=$(to $back)
		case $front in
		tls) bind+=" ssl crt $PWD/both.pem" ;;
		unix) bind=unix@$bind ;;
		esac
		case $back in
		tls) server+=" ssl verify none" ;;
		unix) server=unix@$server ;;
		esac
		printf '%s\n' "listen $mix" "bind $bind" "server s $server"
	done
}

nginx_conf() {		# for MIXES
	local mix front back listen server ssl
	echo "load_module /usr/lib/nginx/modules/ngx_stream_module.so;"
	echo 'daemon off; master_process off; pid pid; events {}'
	echo 'stream { proxy_half_close on; proxy_timeout 60s;'
	echo "ssl_certificate $PWD/both.pem; ssl_certificate_key $PWD/both.pem;"
	for mix; do
		front=${mix%-*} back=${mix#*-} ssl=
		listen=$(listens $front $back) server=$(to $back)
		case $front in
		tls) listen+=" ssl" ;;
		unix) listen=unix:$listen ;;
		esac
		case $back in
		tls) ssl='proxy_ssl on; ' ;;
		unix) server=unix:$server ;;
		esac
		echo "server { listen $listen; ${ssl}proxy_pass $server; }"
	done
	echo '}'
}

stunnel_conf() {	# for MIXES
	local mix front back
	echo 'foreground = yes'
	echo 'pid ='
	for mix; do
		front=${mix%-*} back=${mix#*-}
		echo "[$mix]"
		echo "accept = $(listens $front $back)"
		echo "connect = $(to $back)"
		case $front in
		tls) echo "cert = $PWD/both.pem" ;;
		*) echo 'client = yes' ;;
		esac
	done
}

socat_addresses() {	# of a MIX
	local front=${1%-*} back=${1#*-} place
	place=$(listens $front $back)
	case $front in
	tcp) echo "TCP-LISTEN:$PORT,bind=${place%:*},fork" ;;
	tls) echo "OPENSSL-LISTEN:$PORT,bind=${place%:*},fork,verify=0,cert=$PWD/both.pem" ;;
	unix) echo "UNIX-LISTEN:$place,fork" ;;
	esac
	case $back in
	tcp) echo "TCP:$(to tcp)" ;;
	tls) echo "OPENSSL:$(to tls),verify=0" ;;
	unix) echo "UNIX-CONNECT:$(to unix)" ;;
	exec) echo "EXEC:$ENDS --pass $(to exec)" ;;
	esac
}

start_peer() {		# for MIXES
	local mix addresses
	case $peer in
	haproxy)
		haproxy_conf "$@" >$peer/conf
		spawn $peer haproxy -db -f $peer/conf >$peer/out ;;
	nginx)
		nginx_conf "$@" >$peer/conf
		spawn $peer nginx -p "$PWD/$peer" -e stderr \
			-c "$PWD/$peer/conf" ;;
	stunnel)
		stunnel_conf "$@" >$peer/conf
		spawn $peer stunnel $peer/conf ;;
	socat)	for mix; do
			mapfile -t addresses < <(socat_addresses "$mix")
			spawn "$peer-$mix" socat -t 60 "${addresses[@]}"
		done ;;
	esac
}

# listening MIX...: the peer does, wherever it is to.
listening() {
	local mix place
	ss -ltnH "sport = :$PORT" >$peer/sockets
	for mix; do
		place=$(listens "${mix%-*}" "${mix#*-}")
		case $place in
		/*) [ -S "$place" ] ;;
		*) grep -qF " $place " $peer/sockets ;;
		esac || return
	done
}

# shown PEER NET MIX...: what it makes of the cases is in PEER/table.
shown() {
	local peer=$1 net=$2 mix
	shift 2
	mkdir $peer
	spawn $peer-ends "$ENDS" -d $peer -l 0.7 -t 4 \
		-c "$CERTS/server.pem" -k "$CERTS/server.key" fronts \
		reply turn client-reset target-reset client-truncates \
		target-truncates >$peer/table
	await test -e $peer/targets
	start_peer "$@"
	await listening "$@"
	for mix; do
		echo "${mix/-/ } $(listens "${mix%-*}" "${mix#*-}")"
	done >$peer/fronts.new
	mv $peer/fronts.new $peer/fronts
}

# What is in its table, as comments: a line for each case.
show() {
	awk -v peer="$1" '
	$4 == "kept" { kept[$1] = kept[$1] " " $2 "-" $3 }
	$4 != "kept" { lost[$1] = lost[$1] " " $2 "-" $3 }
	END {
		n = split("reply turn client-reset target-reset " \
		    "client-truncates target-truncates", cases)
		for (i = 1; i <= n; i++) {
			c = cases[i]
			if ((c in kept) || (c in lost))
				print "# " peer ": " c ": kept" \
				    (c in kept ? kept[c] : " none") \
				    (c in lost ? "; lost" lost[c] : "")
		}
	}' <(sort "$1/table")
}

@test "the same through socat, haproxy, nginx and stunnel: shown, not judged" {
	requires ss
	local ADDR peer peers=() mixes=()
	mixes=({tcp,tls,unix}-{tcp,tls,unix})
	cat "$CERTS/server.pem" "$CERTS/server.key" >both.pem
	start port "$PORTS" 127.0.0.3=refuse
	if command -v socat >/dev/null; then
		peers+=(socat)
		shown socat 1 "${mixes[@]}" {tcp,tls,unix}-exec
	fi
	if command -v haproxy >/dev/null; then
		peers+=(haproxy)
		shown haproxy 2 "${mixes[@]}"
	fi
	if command -v nginx >/dev/null &&
	    [ -e /usr/lib/nginx/modules/ngx_stream_module.so ]; then
		peers+=(nginx)
		shown nginx 3 "${mixes[@]}"
	fi
	if command -v stunnel >/dev/null; then
		peers+=(stunnel)
		shown stunnel 4 tls-tcp tls-unix tcp-tls
	fi
	for peer in "${peers[@]}"; do
		finish 0 "$peer-ends"
		show "$peer" >&3
		# Every case of every mix came out, one way or the other.
		[ "$(wc -l <"$peer/table")" -gt 10 ]
	done
}
