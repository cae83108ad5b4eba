# tcprelay --pair and --hub: clients that meet (SPEC section 4).

load helpers
load server
load relay

# --- --pair -------------------------------------------------------------------

@test "--pair joins two by two, as they arrive" {
	relay --pair 127.0.0.1:0
	spawn a "$PEER" -o a.got "$ADDR" text:from-a touch:a.here eof
	await test -e a.here
	spawn b "$PEER" -o b.got "$ADDR" text:from-b recv:6 touch:b.here \
		wait:go shut eof
	await test -e b.here
	# The third waits, for the fourth.
	spawn c "$PEER" -o c.got "$ADDR" text:from-c quiet:0.3 \
		touch:c.here recv:6 shut eof
	await test -e c.here
	spawn d "$PEER" -o d.got "$ADDR" text:from-d recv:6 shut eof
	finish 0 c
	finish 0 d
	holds c.got from-d
	holds d.got from-c
	touch go
	# b's half-close came to a; a is to end, too.
	finish 0 a
	finish 0 b
	holds a.got from-b
	holds b.got from-a
	await says 4 ' to 127\.0\.0\.1:[0-9]+: done ' relay
}

@test "--pair joins clients of several listeners, big data each way" {
	head -c 8M /dev/urandom >up
	head -c 8M /dev/urandom >down
	relay --pair 127.0.0.1:0 unix:meet
	spawn a "$PEER" -o a.got "$ADDR" both:up
	spawn b "$PEER" -o b.got unix:meet both:down
	finish 0 a
	finish 0 b
	cmp a.got down
	cmp b.got up
}

@test "--pair: a reset by one is one to the other" {
	relay --pair 127.0.0.1:0
	spawn a "$PEER" -o a.got "$ADDR" recv:5 touch:here broken
	spawn b "$PEER" "$ADDR" text:hello wait:here reset
	finish 0 a
	finish 0 b
	holds a.got hello
}

@test "--pair: one who left before the other came is not joined" {
	relay --pair 127.0.0.1:0
	expect 0 "$PEER" "$ADDR" reset
	await says 1 '^tcprelay: warning: 127\.0\.0\.1:[0-9]+: read: Connection reset' relay
	spawn a "$PEER" -o a.got "$ADDR" text:a recv:1 shut eof
	spawn b "$PEER" -o b.got "$ADDR" text:b recv:1 shut eof
	finish 0 a
	finish 0 b
	holds a.got b
	holds b.got a
}

@test "--pair-key joins those whose first lines are the same" {
	relay --pair --pair-key 127.0.0.1:0
	spawn a1 "$PEER" -o a1.got "$ADDR" text:$'alpha\nA1' recv:2 shut eof
	spawn b1 "$PEER" -o b1.got "$ADDR" text:$'beta\r\nB1' recv:2 shut eof
	# One that nobody matches stays alone.
	spawn c "$PEER" -o c.got "$ADDR" text:$'alph\n' quiet:0.5
	spawn b2 "$PEER" -o b2.got "$ADDR" text:$'beta\nB2' recv:2 shut eof
	spawn a2 "$PEER" -o a2.got "$ADDR" text:$'alpha\r\nA2' recv:2 shut eof
	local one
	for one in a1 a2 b1 b2 c; do
		finish 0 $one
	done
	holds a1.got A2
	holds a2.got A1
	holds b1.got B2
	holds b2.got B1
	holds c.got ''
}

@test "--pair-key: a line that comes in pieces; what is behind it is passed on" {
	relay --pair --pair-key 127.0.0.1:0
	printf 'key\nbehind' >some
	head -c 300k /dev/urandom | tee rest >>some
	spawn a "$PEER" -o a.got "$ADDR" text:k sleep:0.05 text:e sleep:0.05 \
		text:y sleep:0.05 text:$'\r' sleep:0.05 text:$'\n' shut eof
	spawn b "$PEER" -o b.got "$ADDR" both:some
	finish 0 a
	finish 0 b
	printf behind | cat - rest | cmp - a.got
	holds b.got ''
}

@test "--pair-key: no line, one too long, one too late: closed, with a reason" {
	relay --pair --pair-key 127.0.0.1:0,idle-timeout=300ms
	head -c 5000 /dev/zero | tr '\0' x >long
	expect 0 "$PEER" "$ADDR" send:long broken
	await says 1 '^tcprelay: warning: 127\.0\.0\.1:[0-9]+: .*longer than' relay
	expect 0 "$PEER" "$ADDR" text:half shut broken
	await says 1 '^tcprelay: warning: 127\.0\.0\.1:[0-9]+: .*ended within' relay
	expect 0 "$PEER" "$ADDR" text:half broken
	await says 1 '^tcprelay: warning: 127\.0\.0\.1:[0-9]+: .*in time' relay
}

@test "--pair: what is asked for along with it" {
	wrong --hub --pair --hub 127.0.0.1:0
	wrong --pair-key --pair-key 127.0.0.1:0 127.0.0.1:1
	wrong --workers --pair --workers 2 127.0.0.1:0
	wrong --balance --pair --balance source 127.0.0.1:0
	wrong address --pair
}

@test "--pair: at the stop, who is alone goes and who is joined may finish" {
	relay --pair 127.0.0.1:0
	spawn a "$PEER" "$ADDR" text:a recv:1 touch:here wait:go shut eof
	spawn b "$PEER" "$ADDR" text:b recv:1 eof shut
	await test -e here
	spawn c "$PEER" -o c.got "$ADDR" touch:c.here broken
	await test -e c.here
	await now_there 3
	kill -TERM "${pid[relay]}"
	finish 0 c
	running relay
	touch go
	finish 0 a
	finish 0 b
	finish 0 relay
}

# --- --hub --------------------------------------------------------------------

@test "--hub: what one says all the others hear, and nobody himself" {
	relay --hub 127.0.0.1:0 unix:hub
	spawn a "$PEER" -o a.got "$ADDR" recv:6 touch:a.heard recv:4 \
		touch:a.all wait:go shut eof
	spawn b "$PEER" -o b.got unix:hub recv:6 touch:b.heard recv:4 \
		touch:b.all wait:go shut eof
	await now_there 2
	spawn c "$PEER" -o c.got "$ADDR" text:from-c wait:a.heard \
		wait:b.heard text:more wait:go shut eof
	await test -e a.all
	await test -e b.all
	touch go
	finish 0 a
	finish 0 b
	finish 0 c
	holds a.got from-cmore
	holds b.got from-cmore
	holds c.got ''
}

@test "--hub: one who does not keep up is dropped, the rest get everything" {
	head -c 12M /dev/urandom >data
	relay --hub 127.0.0.1:0,rate=8M
	spawn slow "$PEER" -b 4096 -o slow.got "$ADDR" wait:go eof
	spawn good "$PEER" -o good.got "$ADDR" recv:12582912 shut eof
	await now_there 2
	spawn sender "$PEER" -o sender.got "$ADDR" send:data shut eof
	finish 0 good
	finish 0 sender
	cmp good.got data
	await says 1 '^tcprelay: warning: 127\.0\.0\.1:[0-9]+ to the hub: .*slow' relay
	touch go
	finish '*' slow
	(($(size slow.got) < 12582912))
}

@test "--hub: at the stop all are half-closed and may finish" {
	relay --hub 127.0.0.1:0
	spawn a "$PEER" -o a.got "$ADDR" text:x eof shut
	await now_there 1
	stop
	finish 0 a
}
