# TLS with curl, stunnel, nginx and haproxy, as servers and as clients: 50 MB
# each way, exact.

load helpers
load tls

setup_file() {
	make_certs
	make_tls_data
}

arrived() {
	cmp got.up "$DATA/up"
	cmp got.down "$DATA/down"
}

# A small web server for one request: the body goes to body, or file is sent.
# shellcheck disable=SC2016 # for the shell that tcpcat runs
http='
	length=0
	while read -r name value && [ "$name" != "$(printf "\r")" ]; do
		case $name in
		[Cc]ontent-[Ll]ength:) length=${value%?} ;;
		esac
	done
	head -c "$length" >body
	printf "HTTP/1.1 200 OK\r\nContent-Length: %s\r\n" $(wc -c <"$FILE")
	printf "Connection: close\r\n\r\n"
	cat "$FILE"'

# web CERTIFICATE FILE [FLAG...]: it listens, and answers with that.
web() {
	local name=$1 file=$2
	shift 2
	start server env FILE="$file" "$TCPCAT" -l -c "$http" "$@" \
		"tls://127.0.0.1:0,$(own "$name")"
}

# free_port: PORT, which is free on 127.0.26.7, for those who cannot choose:
# nobody else is there, and somebody has it on 127.0.0.3.
free_port() {
	start port "$PORTS" 127.0.0.3=refuse
}

# --- curl -------------------------------------------------------------------

@test "curl fetches from tcpcat -l -c: EC and RSA" {
	requires curl
	local name
	for name in server rsa chain; do
		web $name "$DATA/down"
		expect 0 curl -sS --noproxy '*' --cacert "$CERTS/ca.pem" \
			-o got "https://localhost:$PORT/"
		finish 0 server
		cmp got "$DATA/down"
	done
}

@test "curl sends to tcpcat -l -c" {
	requires curl
	echo thanks >reply
	web server reply
	expect 0 curl -sS --noproxy '*' --cacert "$CERTS/ca.pem" \
		-T "$DATA/up" -o got "https://$ADDR/"
	finish 0 server
	cmp body "$DATA/up"
	holds got 'thanks\n'
}

@test "curl takes the pin that --tls-self-signed prints, and no other" {
	requires curl
	local one
	for one in right wrong; do
		start server env FILE="$CERTS/ca.pem" "$TCPCAT" -l \
			--tls-self-signed -c "$http" 127.0.0.1:0
		await grep -qs sha256// server.err
		pin=$(grep -oE 'sha256//[A-Za-z0-9+/=]+' server.err | head -n 1)
		[ $one = right ] || break
		expect 0 curl -sS --noproxy '*' -k --pinnedpubkey "$pin" \
			"https://$ADDR/" >got
		finish 0 server
		cmp got "$CERTS/ca.pem"
	done
	expect 90 curl -sS --noproxy '*' -k --pinnedpubkey "$(pin_of server)" \
		"https://$ADDR/"
}

# --- stunnel ----------------------------------------------------------------

# At our close_notify stunnel throws away what it has not sent yet, as a peer
# by TLS 1.2 may: it has to be the first to end.

stunnel_conf() {	# LINE...
	printf '%s\n' 'foreground = yes' 'pid =' 'syslog = no' '[tcpcat]' \
		'accept = 127.0.0.1:0' "$@" >stunnel.conf
}

@test "stunnel is a server for tcpcat: EC and RSA" {
	requires stunnel
	local name
	for name in server rsa; do
		start behind "$TCPCAT" -l 127.0.0.1:0 <"$DATA/down" >got.up
		stunnel_conf "connect = $ADDR" "cert = $CERTS/$name.pem" \
			"key = $CERTS/$name.key"
		start_other stunnel stunnel stunnel.conf
		expect 0 "$TCPCAT" --no-shutdown \
			"tls://127.0.0.1:$PORT,ca=$CERTS/ca.pem" \
			<"$DATA/up" >got.down
		finish 0 behind
		kill "${pid[stunnel]}"
		arrived
	done
}

@test "stunnel is a client of tcpcat -l: EC and RSA" {
	requires stunnel
	local name
	for name in server rsa; do
		start server "$TCPCAT" -l --no-shutdown \
			"tls://127.0.0.1:0,$(own $name)" \
			<"$DATA/down" >got.up
		stunnel_conf 'client = yes' "connect = $ADDR" \
			"CAfile = $CERTS/ca.pem" 'verifyChain = yes' \
			'checkIP = 127.0.0.1'
		start_other stunnel stunnel stunnel.conf
		expect 0 "$TCPCAT" "127.0.0.1:$PORT" <"$DATA/up" >got.down
		finish 0 server
		kill "${pid[stunnel]}"
		arrived
	done
}

# --- nginx ------------------------------------------------------------------

# nginx drops no data at our close_notify, but when it has come nginx sends
# none of its own: no-shutdown lets nginx be the first to end.  As a client it
# often sends none in any case.

# nginx LINE...: it runs, with this inside of its server.
nginx_with() {
	local thing
	free_port
	{
		echo 'daemon off; master_process off; pid pid; events {} http {'
		echo 'access_log off; client_max_body_size 0; sendfile on;'
		for thing in client_body proxy fastcgi uwsgi scgi; do
			echo "${thing}_temp_path $thing;"
		done
		echo 'server {'
		printf '%s\n' "$@"
		echo '} }'
	} | sed "s/PORT/$PORT/" >nginx.conf
	start_other nginx nginx -p "$PWD" -e stderr -c "$PWD/nginx.conf"
}

@test "nginx is a server for tcpcat: a file, EC and RSA" {
	requires nginx
	local name flag
	for name in server rsa; do
		nginx_with 'listen 127.0.26.7:PORT ssl;' "root $DATA;" \
			"ssl_certificate $CERTS/$name.pem;" \
			"ssl_certificate_key $CERTS/$name.key;"
		for flag in --no-shutdown --tls-allow-truncation; do
			printf 'GET /down HTTP/1.0\r\n\r\n' |
				expect 0 "$TCPCAT" $flag --tls-name localhost \
					--tls-ca "$CERTS/ca.pem" \
					"127.0.26.7:$PORT" >got
			sed '1,/^\r$/d' got | cmp - "$DATA/down"
		done
		kill "${pid[nginx]}"
	done
}

@test "nginx is a server for tcpcat: data each way, through to another" {
	requires nginx
	start behind env FILE="$DATA/down" "$TCPCAT" -l -c "$http" 127.0.0.1:0
	nginx_with 'listen 127.0.26.7:PORT ssl;' \
		"ssl_certificate $CERTS/server.pem;" \
		"ssl_certificate_key $CERTS/server.key;" \
		"location / { proxy_pass http://$ADDR; }"
	{
		printf 'PUT /x HTTP/1.0\r\nContent-Length: %s\r\n\r\n' \
			"$(size "$DATA/up")"
		cat "$DATA/up"
	} | expect 0 "$TCPCAT" --no-shutdown --tls-name localhost \
		--tls-ca "$CERTS/ca.pem" "127.0.26.7:$PORT" >got
	finish 0 behind
	cmp body "$DATA/up"
	sed '1,/^\r$/d' got | cmp - "$DATA/down"
}

@test "nginx is a client of tcpcat -l: data each way" {
	requires nginx curl
	local name
	for name in server rsa; do
		web $name "$DATA/down" --tls-allow-truncation
		nginx_with 'listen 127.0.26.7:PORT;' "location / {
			proxy_pass https://$ADDR;
			proxy_ssl_trusted_certificate $CERTS/ca.pem;
			proxy_ssl_name localhost;
			proxy_ssl_verify on; }"
		expect 0 curl -sS --noproxy '*' -T "$DATA/up" -o got \
			"http://127.0.26.7:$PORT/"
		finish 0 server
		kill "${pid[nginx]}"
		cmp body "$DATA/up"
		cmp got "$DATA/down"
	done
}

# --- haproxy ----------------------------------------------------------------

haproxy_with() {	# BIND-OPTIONS SERVER
	free_port
	printf '%s\n' defaults 'mode tcp' 'timeout connect 10s' \
		'timeout client 100s' 'timeout server 100s' 'listen tcpcat' \
		"bind 127.0.26.7:$PORT $1" "server tcpcat $2" >haproxy.cfg
	start_other haproxy haproxy -db -f haproxy.cfg
}

@test "haproxy is a server for tcpcat: EC and RSA" {
	requires haproxy
	local name
	for name in server rsa; do
		cat "$CERTS/$name.pem" "$CERTS/$name.key" >both.pem
		start behind "$TCPCAT" -l 127.0.0.1:0 <"$DATA/down" >got.up
		haproxy_with "ssl crt $PWD/both.pem" "$ADDR"
		expect 0 "$TCPCAT" --tls-name localhost --tls-ca \
			"$CERTS/ca.pem" "127.0.26.7:$PORT" \
			<"$DATA/up" >got.down
		finish 0 behind
		kill "${pid[haproxy]}"
		arrived
	done
}

@test "haproxy is a client of tcpcat -l: EC and RSA" {
	requires haproxy
	local name
	for name in server rsa; do
		start server "$TCPCAT" -l "tls://127.0.0.1:0,$(own $name)" \
			<"$DATA/down" >got.up
		haproxy_with '' "$ADDR ssl verify required ca-file \
			$CERTS/ca.pem verifyhost localhost"
		expect 0 "$TCPCAT" "127.0.26.7:$PORT" <"$DATA/up" >got.down
		finish 0 server
		kill "${pid[haproxy]}"
		arrived
	done
}
