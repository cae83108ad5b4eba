#!/bin/sh
# certs.sh - makes the certificates and keys of the tests of TLS
#
# usage: certs.sh DIR
#
# What is in DIR, for each NAME a certificate NAME.pem and its key NAME.key
# (EC P-256 and PKCS#8 unless it says otherwise):
#
#   ca, ca2             authorities, which do not know each other
#   inter               an intermediate authority of ca
#   server, rsa         localhost, 127.0.0.1 and ::1; rsa has RSA 2048
#   other, other-rsa    another.test
#   expired, future     localhost, at the wrong time
#   cn                  localhost as the common name only
#   dns-ip              127.0.0.1 as the name of a host
#   chain               localhost by inter; chain.pem has both, leaf.pem not
#   self                localhost, signed by itself
#   stranger            localhost by ca2
#   client, client-rsa  "A Client", by ca
#   client-wrong        the same by ca2
#   client-expired      by ca, too late
#   long                localhost; the subject is hostile to terminals
#
# and these forms of them:
#
#   both.pem            server.pem and server.key in one
#   server.sec1.key, rsa.pkcs1.key          the older forms of a key
#   server.locked.key, server.locked1.key   encrypted, PKCS#8 and SEC1
#   *.crlf.*, *.bare.*  server and ca with CRLF; without a final newline
#   bundle.pem          ca2 and ca, with text around them
#
# Nothing is done if all is there already: "made" is the last file.
set -eu
umask 077

[ $# -eq 1 ] || { echo "usage: certs.sh DIR" >&2; exit 2; }
mkdir -p "$1"
cd "$1"
[ ! -e made ] || exit 0

HERE='DNS:localhost,IP:127.0.0.1,IP:0:0:0:0:0:0:0:1'
LONG_AGO=20200101000000Z LAST_YEAR=20210101000000Z
SOON=20780101000000Z LATER=20790101000000Z

# The database and the settings of "openssl ca", the one command that has
# been able to set dates for long.
rm -rf db
mkdir db
: >db/index
cat >db/config <<'END'
[ca]
default_ca = ca
database = db/index
new_certs_dir = db
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
default_days = 7300
email_in_dn = no
[any]
commonName = optional
organizationName = optional
[req]
distinguished_name = dn
[dn]
END

quietly() {
	"$@" 2>db/log || { cat db/log >&2; exit 1; }
}

key() {		# NAME ec|rsa
	case $2 in
	ec) quietly openssl genpkey -algorithm EC -out "$1.key" \
	    -pkeyopt ec_paramgen_curve:P-256 ;;
	rsa) quietly openssl genpkey -algorithm RSA -out "$1.key" \
	    -pkeyopt rsa_keygen_bits:2048 ;;
	esac
}

# cert NAME SUBJECT ISSUER EXTENSIONS [OPTION...]: for NAME.key; ISSUER is
# the name of an authority, or self.
cert() {
	name=$1 subject=$2 issuer=$3
	printf '%s\n' "$4" >db/ext
	shift 4
	case $issuer in
	self) set -- -selfsign -keyfile "$name.key" "$@" ;;
	*) set -- -cert "$issuer.pem" -keyfile "$issuer.key" "$@" ;;
	esac
	quietly openssl req -new -config db/config \
	    -subj "$subject" -key "$name.key" -out db/csr
	quietly openssl ca -config db/config -batch -notext -in db/csr \
	    -extfile db/ext -out "$name.pem" "$@"
}

leaf() {	# NAME ec|rsa SUBJECT ISSUER NAMES [OPTION...]
	key "$1" "$2"
	name=$1 subject=$3 issuer=$4 names=$5
	shift 5
	cert "$name" "$subject" "$issuer" "basicConstraints = CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth${names:+
subjectAltName = $names}" "$@"
}

client() {	# NAME ec|rsa ISSUER [OPTION...]
	key "$1" "$2"
	name=$1 issuer=$3
	shift 3
	cert "$name" "/O=Tests/CN=A Client" "$issuer" \
	    "basicConstraints = CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = clientAuth
subjectAltName = DNS:client.test" "$@"
}

authority() {	# NAME SUBJECT ISSUER
	key "$1" ec
	cert "$1" "$2" "$3" "basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash"
}

authority ca "/O=Tests/CN=Test CA" self
authority ca2 "/O=Tests/CN=Second CA" self
authority inter "/O=Tests/CN=Intermediate" ca

leaf server ec "/CN=server" ca "$HERE"
leaf rsa rsa "/CN=server with RSA" ca "$HERE"
leaf other ec "/CN=another" ca DNS:another.test
leaf other-rsa rsa "/CN=another with RSA" ca DNS:another.test
leaf expired ec "/CN=expired" ca "$HERE" \
    -startdate $LONG_AGO -enddate $LAST_YEAR
leaf future ec "/CN=future" ca "$HERE" -startdate $SOON -enddate $LATER
leaf cn ec "/CN=localhost" ca ''
leaf dns-ip ec "/CN=127.0.0.1" ca DNS:127.0.0.1
leaf self ec "/CN=self" self "$HERE"
leaf stranger ec "/CN=stranger" ca2 "$HERE"
leaf chain ec "/CN=chain" inter "$HERE"
mv chain.pem leaf.pem
cat leaf.pem inter.pem >chain.pem
leaf long ec "/CN=$(printf 'a\033[31mb\\nc')" ca2 "$HERE"

client client ec ca
client client-rsa rsa ca
client client-wrong ec ca2
client client-expired ec ca -startdate $LONG_AGO -enddate $LAST_YEAR

cat server.pem server.key >both.pem
openssl ec -in server.key -out server.sec1.key 2>/dev/null
openssl rsa -traditional -in rsa.key -out rsa.pkcs1.key 2>/dev/null
openssl pkcs8 -topk8 -in server.key -out server.locked.key \
    -passout pass:secret
openssl ec -aes128 -in server.key -out server.locked1.key \
    -passout pass:secret 2>/dev/null
for file in server.pem server.key ca.pem; do
	name=${file%.*} end=${file##*.}
	sed "s/\$/$(printf '\r')/" "$file" >"$name.crlf.$end"
	printf %s "$(cat "$file")" >"$name.bare.$end"
done
{
	echo "# Two authorities"
	cat ca2.pem
	echo "The second:"
	cat ca.pem
} >bundle.pem

rm -r db
: >made
