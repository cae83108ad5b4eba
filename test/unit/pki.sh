#!/bin/sh
# pki.sh DIR - make certificates for tests, good and bad ones, with openssl
#
# Each is NAME.pem, its key NAME.sk.  All are made for a clock that says
# 2030-01-01; those of "long" also for that of today.
set -eu
LC_ALL=C
export LC_ALL

cd "$1"
exec >pki.log 2>&1

cat >ca.cnf <<'END'
[ca]
default_ca = all
[all]
database = index
new_certs_dir = .
default_md = sha256
policy = policy
unique_subject = no
rand_serial = yes
email_in_dn = no
[policy]
organizationName = optional
commonName = optional
END
: >index

# key NAME OPTION...: a key, and a request to have something to sign.
key() {
	name=$1
	shift
	openssl genpkey -out "$name.key" "$@"
	openssl req -new -config ca.cnf -key "$name.key" -subj "/CN=$name" \
	    -out "$name.csr"
}

ids='subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid'
ca='basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign'
sign='keyUsage = critical, keyCertSign, cRLSign'
ee='basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature'
server='extendedKeyUsage = serverAuth'
client='extendedKeyUsage = clientAuth'
san='subjectAltName = DNS:good.test'
serves="$server
$san"

# issue NAME SUBJECT KEY ISSUER EXTENSIONS [OPTION...]
#
# ISSUER is one that was issued before, or self.
issue() {
	name=$1 subject=$2 key=$3 issuer=$4
	printf '%s\n' "$5" >"$name.ext"
	shift 5
	if [ "$issuer" = self ]; then
		set -- -selfsign -keyfile "$key.key" "$@"
	else
		set -- -cert "$issuer.pem" -keyfile "$issuer.sk" "$@"
	fi
	[ -s "$name.ext" ] && [ "$(cat "$name.ext")" != none ] &&
	    set -- -extfile "$name.ext" "$@"
	openssl ca -batch -notext -config ca.cnf \
	    -startdate 20250101000000Z -enddate 20350101000000Z \
	    -subj "$subject" -preserveDN -in "$key.csr" -out "$name.pem" "$@"
	ln -s "$key.key" "$name.sk"
}

root() {
	name=$1 key=$2 ext=$3
	shift 3
	issue "$name" "/O=Test/CN=$name" "$key" self "$ids
$ext" "$@"
}

inter() {
	name=$1 issuer=$2 ext=$3
	shift 3
	issue "$name" "/O=Test/CN=$name" i "$issuer" "$ids
$ext" "$@"
}

# leaf NAME ISSUER EXTENSIONS, what is usual put before them.
leaf() {
	name=$1 issuer=$2 ext=$3
	shift 3
	issue "$name" "/CN=$name" l "$issuer" "$ids
$ee
$ext" "$@"
}

expired='-startdate 20250101000000Z -enddate 20290131000000Z'
future='-startdate 20300601000000Z -enddate 20350101000000Z'

for k in r i l x y; do
	key "$k" -algorithm EC -pkeyopt ec_paramgen_curve:P-256
done
key p384 -algorithm EC -pkeyopt ec_paramgen_curve:P-384
key p521 -algorithm EC -pkeyopt ec_paramgen_curve:P-521
key k256 -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1
key ed -algorithm ED25519
key rsa1024 -algorithm RSA -pkeyopt rsa_keygen_bits:1024
key rsa2048 -algorithm RSA -pkeyopt rsa_keygen_bits:2048
# Of more primes than two they are made faster, and are as large.
key rsa4096 -algorithm RSA -pkeyopt rsa_keygen_bits:4096 \
    -pkeyopt rsa_keygen_primes:4
key rsa8192 -algorithm RSA -pkeyopt rsa_keygen_bits:8192 \
    -pkeyopt rsa_keygen_primes:5

# What most of them hang on, and one that nobody knows.
root root r "$ca"
inter int root "$ca"
leaf good int "$serves"
root stranger x "$ca"
leaf strange stranger "$serves"

# Names.
leaf other int "$server
subjectAltName = DNS:a.test, DNS:b.test"
leaf ip int "$server
subjectAltName = IP:127.0.0.1, IP:2001:db8::1"
leaf dnsip int "$server
subjectAltName = DNS:127.0.0.1"
issue cnonly /CN=good.test l int "$ids
$ee
$server"
issue cnip /CN=127.0.0.1 l int "$ids
$ee
$server"
leaf mail int "$server
subjectAltName = email:a@good.test"
leaf wild int "$server
subjectAltName = DNS:*.good.test"
leaf widest int "$server
subjectAltName = DNS:*.test"
leaf partial int "$server
subjectAltName = DNS:w*.good.test"
leaf middle int "$server
subjectAltName = DNS:www.*.test"

# Keys and signatures.
for k in p384 p521 rsa2048 rsa4096; do
	issue "root_$k" "/CN=root_$k" "$k" self "$ids
$ca"
	issue "int_$k" "/CN=int_$k" "$k" "root_$k" "$ids
$ca"
	issue "leaf_$k" "/CN=leaf_$k" "$k" "int_$k" "$ids
$ee
$serves"
done
for k in rsa1024 rsa8192 k256 ed; do
	md=sha256
	[ $k != ed ] || md=default
	issue "leaf_$k" "/CN=leaf_$k" "$k" int "$ids
$ee
$serves"
	issue "int_$k" "/CN=int_$k" "$k" root "$ids
$ca"
	leaf "under_int_$k" "int_$k" "$serves" -md $md
	issue "root_$k" "/CN=root_$k" "$k" self "$ids
$ca" -md $md
	leaf "under_root_$k" "root_$k" "$serves" -md $md
done
leaf sha1 int "$serves" -md sha1
leaf sha224 int "$serves" -md sha224
leaf sha384 int "$serves" -md sha384
leaf sha512 int "$serves" -md sha512
inter int_sha1 root "$ca" -md sha1
leaf under_sha1 int_sha1 "$serves"
root root_sha1 r "$ca" -md sha1
leaf under_root_sha1 root_sha1 "$serves"
leaf pss int_rsa2048 "$serves" -sigopt rsa_padding_mode:pss

# Dates.
# shellcheck disable=SC2086 # options
{
	leaf expired int "$serves" $expired
	leaf future int "$serves" $future
	leaf to2060 int "$serves" -enddate 20600101000000Z
	inter int_expired root "$ca" $expired
	leaf under_int_expired int_expired "$serves"
	root root_expired r "$ca" $expired
	leaf under_root_expired root_expired "$serves"
	root root_future r "$ca" $future
	leaf under_root_future root_future "$serves"
}
for k in r i; do
	[ $k = r ] && to=self || to=root_long
	[ $k = r ] && n=root_long || n=int_long
	issue "$n" "/CN=$n" "$k" "$to" "$ids
$ca" -startdate 20000101000000Z -enddate 99991231235959Z
done
leaf long int_long "$serves" -startdate 20000101000000Z -enddate 99991231235959Z

# Who may be an issuer.
inter int_false root "basicConstraints = critical, CA:FALSE"
leaf under_false int_false "$serves"
inter int_none root "$sign"
leaf under_none int_none "$serves"
inter int_nosign root "basicConstraints = critical, CA:TRUE
keyUsage = critical, digitalSignature"
leaf under_nosign int_nosign "$serves"
root root_false r "$ee"
leaf under_root_false root_false "$serves"
root root_nosign r "basicConstraints = critical, CA:TRUE
keyUsage = critical, digitalSignature"
leaf under_root_nosign root_nosign "$serves"
issue root_v1 "/CN=root_v1" r self none
issue under_root_v1 /CN=under_root_v1 l root_v1 "$ee
$serves"
inter int_len0 root "basicConstraints = critical, CA:TRUE, pathlen:0
$sign"
leaf under_len0 int_len0 "$serves"
issue int_beyond0 /CN=int_beyond0 x int_len0 "$ids
$ca"
leaf under_beyond0 int_beyond0 "$serves"
# Its next key, signed with the old one: that counts for nothing.
issue int_renewed "/O=Test/CN=int_len0" x int_len0 "$ids
$ca"
leaf under_renewed int_renewed "$serves"
root root_len0 r "basicConstraints = critical, CA:TRUE, pathlen:0
$sign"
leaf under_root_len0 root_len0 "$serves"
inter int_root_len0 root_len0 "$ca"
leaf beyond_root_len0 int_root_len0 "$serves"

# Name constraints, in what is critical, in what is not, and in a root.
nc=nameConstraints
dns='permitted;DNS:good.test'
net='permitted;IP:127.0.0.0/255.0.0.0'
not='excluded;DNS:bad.good.test'
inter int_nc root "$ca
$nc = $dns, $net, $not"
inter int_nccrit root "$ca
$nc = critical, $dns"
root root_nc r "$ca
$nc = $dns, $net, $not"
root root_nccrit r "$ca
$nc = critical, $dns"
for i in int_nc int_nccrit root_nc root_nccrit; do
	leaf "in_$i" $i "$server
subjectAltName = DNS:www.good.test"
	leaf "out_$i" $i "$server
subjectAltName = DNS:good.test, DNS:evil.test"
done
leaf ip_in int_nc "$server
subjectAltName = IP:127.0.0.1"
leaf ip_out int_nc "$server
subjectAltName = IP:192.0.2.1"
leaf nc_excluded int_nc "$server
subjectAltName = DNS:bad.good.test"
inter int_root_nc root_nc "$ca"
leaf far_root_nc int_root_nc "$server
subjectAltName = DNS:evil.test"

# Extended key usages, and what is critical.
leaf for_client int "$client
$san"
leaf for_both int "extendedKeyUsage = serverAuth, clientAuth
$san"
leaf for_any int "extendedKeyUsage = anyExtendedKeyUsage
$san"
leaf for_code int "extendedKeyUsage = codeSigning
$san"
leaf for_unsaid int "$san"
leaf for_server_crit int "extendedKeyUsage = critical, serverAuth
$san"
inter int_client root "$ca
$client"
leaf under_client int_client "$san"
inter int_server root "$ca
$server"
leaf under_server int_server "$san"
root root_client r "$ca
$client"
leaf under_root_client root_client "$san"
issue client "/CN=Some One" l int "$ids
$ee
$client"
leaf unknown int "$server
$san
1.2.3.4.5 = ASN1:UTF8String:x"
leaf unknown_crit int "$server
$san
1.2.3.4.5 = critical, ASN1:UTF8String:x"
inter int_unknown_crit root "$ca
1.2.3.4.5 = critical, ASN1:UTF8String:x"
leaf under_unknown_crit int_unknown_crit "$serves"
issue signs_only /CN=signs_only l int "$ids
basicConstraints = critical, CA:FALSE
keyUsage = critical, keyCertSign
$san"
issue enciphers /CN=enciphers rsa2048 int_rsa2048 "$ids
basicConstraints = critical, CA:FALSE
keyUsage = critical, keyEncipherment
$serves"

# Signed by themselves.
for i in self self_other; do
	issue $i "/CN=self" l self "$ids
$ee
$server
subjectAltName = DNS:good.test, DNS:$i.test"
done
issue self_rekeyed "/CN=self" x self "$ids
$ee
$serves"
issue self_ca /CN=self_ca l self "$ids
basicConstraints = critical, CA:TRUE
keyUsage = critical, digitalSignature, keyCertSign
$san"
issue self_sha1 /CN=self_sha1 l self "$ids
$ee
$san" -md sha1
# shellcheck disable=SC2086 # options
issue self_expired /CN=self_expired l self "$ids
$ee
$san" $expired
issue self_v1 /CN=good.test l self none

# The same names more than once.
issue root_same /O=Test/CN=root x self "$ids
$ca"
# shellcheck disable=SC2086 # options
issue root_old /O=Test/CN=root r self "$ids
$ca" $expired
issue int_cross /O=Test/CN=int i stranger "$ids
$ca"
# shellcheck disable=SC2086 # options
issue int_old /O=Test/CN=int i root "$ids
$ca" $expired
issue int_same /O=Test/CN=int x root "$ids
$ca"
issue root_cross /O=Test/CN=root r stranger "$ids
$ca"
# Two that have signed each other.
issue loop_y /CN=loop_y y stranger "$ids
$ca"
issue loop_x /CN=loop_x x loop_y "$ids
$ca"
issue loop_back /CN=loop_y y loop_x "$ids
$ca"
leaf looped loop_back "$serves"

# Sixteen in a row and one more.
from=root
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
	inter deep$i $from "$ca"
	from=deep$i
done
leaf under15 deep15 "$serves"
leaf under16 deep16 "$serves"

# A crowd in which each may have signed all others, as far as names tell.
from=self
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
	key "crowd$i" -algorithm EC -pkeyopt ec_paramgen_curve:P-256
	issue "crowd$i" /CN=crowd "crowd$i" $from "$ids
$ca"
	from=crowd$i
done
leaf crowded crowd15 "$serves"

# More than 32 KiB, and nearly.
# shellcheck disable=SC2046 # numbers
names=$(printf ',DNS:host-number-%d.good.test' $(awk '
    BEGIN { for (i = 1000; i < 2000; i++) print i }'))
leaf large int "$server
$san$names"
leaf huge int "$server
$san$names${names}"

# One that is none.
{
	echo "-----BEGIN CERTIFICATE-----"
	openssl base64 -in /dev/stdin <<'END'
this is no certificate, whatever it is
END
	echo "-----END CERTIFICATE-----"
} >garbage.pem
