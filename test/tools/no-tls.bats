#!/usr/bin/env bats
# A build without TLS says so, before anything is opened.

load helpers

@test "tls:// and --tls are refused by a build without TLS" {
	local address
	for address in tls://127.0.0.1:1 '-l tls://127.0.0.1:0,self-signed' \
	    '--tls 127.0.0.1:1' '--tls-insecure 127.0.0.1:1' \
	    '-lk --tls-self-signed 127.0.0.1:0'; do
		# shellcheck disable=SC2086 # several words
		run "$TCPCAT" $address
		[ "$status" -eq 2 ]
		[[ $output == *"does not speak TLS"* ]]
	done
}
