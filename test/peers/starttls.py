#!/usr/bin/env -S python3 -SE
"""starttls.py - a server of a protocol that begins in clear text before TLS

usage: starttls.py --proto P --cert FILE --key FILE [--mode MODE]

P is smtp, imap, pop3, ftp, xmpp, postgres or ldap.  It listens on a free port
of 127.0.0.1, says which on standard error, and serves one client: it talks in
clear text, and once TLS has begun sends back what it receives, until the end.

  ok           as it should be; the default
  slow         the same, after a second, and every byte by itself; that the
               client leaves meanwhile is fine
  refuse       the client may ask for TLS, and is refused
  not-offered  the client is not told of TLS
  inject       bytes follow the go-ahead, as if somebody had put them there
  garbage      something else altogether
  flood        never comes to an end
  close        ends the connection when it is asked

It leaves with status 1 if the client says anything it should not: a wrong
command, or any byte in clear text once it had reason to give up.
"""
import argparse
import socket
import ssl
import struct
import sys
import time

TLS_NS = b'urn:ietf:params:xml:ns:xmpp-tls'
LDAP_OID = b'1.3.6.1.4.1.1466.20037'
SILENCE = 1
PAUSE = 0.002


class Failed(Exception):
    pass


class Over(Exception):
    """The client has no reason to go on."""


def say(text):
    print('starttls:', text, file=sys.stderr, flush=True)


class Talk:
    """One side of a connection in clear text, and how far it has come."""

    def __init__(self, sock, mode):
        self.sock, self.mode = sock, mode
        self.offered = mode != 'not-offered'
        self.silence = SILENCE

    def send(self, data):
        if self.mode == 'slow':
            time.sleep(self.silence)
            self.silence = 0
            for i in range(len(data)):
                self.sock.sendall(data[i:i + 1])
                time.sleep(PAUSE)
        else:
            self.sock.sendall(data)

    def expect(self, *wanted):
        """Exactly one of these, which are of one length or end in a LF."""
        got = b''
        while got not in wanted:
            byte = self.sock.recv(1)
            got += byte
            if not byte and not got and self.mode == 'slow':
                raise Over
            if not byte or not any(w.startswith(got) for w in wanted):
                raise Failed('the client said %r, not %r' % (got, wanted[0]))
        if self.mode == 'close':
            raise Over

    def greet(self, data, more):
        """What the server says first; more of it can be said for ever."""
        if self.mode == 'garbage':
            self.send(b'\x16\x03\x01 this is \x00 something else\r\n')
            raise Over
        while self.mode == 'flood':
            self.send(more)
        self.send(data)

    def decide(self, yes, no):
        if self.mode in ('refuse', 'not-offered'):
            self.send(no)
            raise Over
        if self.mode == 'inject':
            self.send(yes + b'RSET\r\n')
            raise Over
        self.send(yes)

    def last(self, data):
        """The offers are known; without that of TLS, nothing comes."""
        self.send(data)
        if not self.offered:
            raise Over


def smtp(t):
    t.greet(b'220-mx.example.org ESMTP\r\n220 ready\r\n', b'220-more\r\n')
    t.expect(b'EHLO localhost\r\n')
    t.last(b'250-mx.example.org\r\n250-SIZE 1000\r\n' +
           (b'250-STARTTLS\r\n' if t.offered else b'') + b'250 HELP\r\n')
    t.expect(b'STARTTLS\r\n')
    t.decide(b'220 2.0.0 go ahead\r\n', b'454 TLS not available\r\n')


def imap(t):
    t.greet(b'* OK ready\r\n', b'* OK ' + b'more' * 1500)
    t.expect(b'a1 CAPABILITY\r\n')
    t.last(b'* CAPABILITY IMAP4rev1' + (b' STARTTLS' if t.offered else b'') +
           b' LOGINDISABLED\r\n* 3 EXISTS\r\na1 OK done\r\n')
    t.expect(b'a2 STARTTLS\r\n')
    t.decide(b'* 4 EXISTS\r\na2 OK begin\r\n', b'a2 BAD TLS not available\r\n')


def pop3(t):
    t.greet(b'+OK ready\r\n', b'+OK more' * 1500)
    t.expect(b'CAPA\r\n')
    t.last(b'+OK list follows\r\nUSER\r\n' +
           (b'STLS\r\n' if t.offered else b'') + b'TOP\r\n.\r\n')
    t.expect(b'STLS\r\n')
    t.decide(b'+OK begin\r\n', b'-ERR TLS not available\r\n')


def ftp(t):
    t.greet(b'220-hello\r\n 220 not yet\r\n220 ready\r\n', b'220-more\r\n')
    t.expect(b'AUTH TLS\r\n')
    t.decide(b'234 begin\r\n', b'534 TLS not available\r\n')


def xmpp(t):
    got = b''
    while not got.endswith(b"'>"):
        byte = t.sock.recv(1)
        got += byte
        if not byte:
            raise Failed('the client said %r' % got)
    if b'<stream:stream ' not in got or b" version='1.0'" not in got:
        raise Failed('the client opened %r' % got)
    if t.mode == 'close':
        raise Over
    t.greet(b"<?xml version='1.0'?><stream:stream id='1' version='1.0' "
            b"xmlns='jabber:client' "
            b'xmlns:stream="http://etherx.jabber.org/streams">',
            b' \n' * 1000)
    offer = b'<starttls xmlns="%s"><required/></starttls>' % TLS_NS
    t.last(b"<stream:features>" + (offer if t.offered else b'') +
           b"<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
           b'<mechanism>PLAIN</mechanism></mechanisms></stream:features>')
    t.expect(b"<starttls xmlns='%s'/>" % TLS_NS)
    t.decide(b"<proceed xmlns='%s'/>" % TLS_NS,
             b"<failure xmlns='%s'/></stream:stream>" % TLS_NS)


def postgres(t):
    t.expect(struct.pack('>II', 8, 80877103))
    t.greet(b'', b'E' + b'more' * 1500)
    t.decide(b'S', b'N')


def ldap_answer(code, text=b''):
    body = (b'\x0a\x01' + bytes([code]) + b'\x04\x00\x04' +
            bytes([len(text)]) + text)
    if code == 0:
        body += b'\x8a' + bytes([len(LDAP_OID)]) + LDAP_OID
    body = b'\x02\x01\x01\x78\x84' + struct.pack('>I', len(body)) + body
    return b'\x30\x84' + struct.pack('>I', len(body)) + body


def ldap(t):
    t.expect(b'\x30\x1d\x02\x01\x01\x77\x18\x80\x16' + LDAP_OID)
    t.greet(b'', b'\x30\x82\x0f\xf0' + b'\x04' * 4080)
    t.decide(ldap_answer(0), ldap_answer(2, b'TLS not available'))


PROTOCOLS = {f.__name__: f
             for f in (smtp, imap, pop3, ftp, xmpp, postgres, ldap)}
MODES = ('ok', 'slow', 'refuse', 'not-offered', 'inject', 'garbage', 'flood',
         'close')


def echo(sock, context):
    """A missing close_notify is an error."""
    with context.wrap_socket(sock, server_side=True,
                             suppress_ragged_eofs=False) as tls:
        while True:
            data = tls.recv(65536)
            if not data:
                break
            tls.sendall(data)
        tls.unwrap()


def leave(sock, mode):
    """Not a byte may come from the client any more."""
    if mode != 'close':
        sock.settimeout(30)
        try:
            rest = sock.recv(4096)
        except ConnectionError:
            return
        if rest:
            raise Failed('the client went on with %r' % rest)


def serve(sock, args, context):
    try:
        PROTOCOLS[args.proto](Talk(sock, args.mode))
        if not sock.recv(1, socket.MSG_PEEK):
            if args.mode != 'slow':
                raise Failed('the client left')
            raise Over
    except Over:
        leave(sock, args.mode)
    except ConnectionError:
        if args.mode not in ('flood', 'slow'):
            raise
    else:
        echo(sock, context)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--proto', choices=PROTOCOLS, required=True)
    parser.add_argument('--cert', required=True)
    parser.add_argument('--key', required=True)
    parser.add_argument('--mode', choices=MODES, default='ok')
    args = parser.parse_args()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(args.cert, args.key)
    with socket.create_server(('127.0.0.1', 0)) as listener:
        say('listening on %s:%d' % listener.getsockname())
        sock = listener.accept()[0]
    # A client's last bytes must not wait for each other.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with sock:
        try:
            serve(sock, args, context)
        except (Failed, OSError) as e:
            say(e)
            sys.exit(1)


if __name__ == '__main__':
    main()
