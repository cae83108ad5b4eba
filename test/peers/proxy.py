#!/usr/bin/env -S python3 -SE
"""proxy.py - a proxy that says what it is told to, right or wrong

usage: proxy.py [-k] KIND MODE [BYTES]

KIND is socks4, socks5, login (SOCKS5 that wants a name and a password) or
http.  It listens on a free port of 127.0.0.1, says which on standard error,
and serves one client, or with -k all who come.  What it was asked for goes to
standard output, a line each: "HOST:PORT", behind "USER:PASSWORD@" if there
was a login.

  ok        says yes, and sends back all it receives until the end; the
            target of the client's choice is not connected to
  glue      the same, with BYTES in one piece with its reply
  drip      the same, every byte of a reply by itself
  raw       reads the request, says BYTES instead of a reply, and waits
  first     says BYTES before it has been asked, and waits
  cut       says BYTES (or nothing), and ends the connection
  reset     says BYTES (or nothing), and resets the connection
  flood     sends BYTES for ever
  stall     accepts, and is silent
  silent    reads the request, and is silent

\\xNN, \\r, \\n and \\0 in BYTES are bytes.  It waits until the client leaves.
"""
import base64
import socket
import struct
import sys
import threading
import time

PAUSE = 0.002


def say(text):
    print('proxy:', text, file=sys.stderr, flush=True)


class Gone(Exception):
    pass


class Client:
    def __init__(self, sock, kind, mode, text):
        self.sock, self.kind, self.mode, self.text = sock, kind, mode, text
        self.login = ''

    def read(self, n):
        data = b''
        while len(data) < n:
            piece = self.sock.recv(n - len(data))
            if not piece:
                raise Gone
            data += piece
        return data

    def read_to(self, end):
        data = b''
        while not data.endswith(end):
            data += self.read(1)
        return data

    def send(self, data):
        if self.mode != 'drip':
            self.sock.sendall(data)
            return
        for i in range(len(data)):
            self.sock.sendall(data[i:i + 1])
            time.sleep(PAUSE)

    def reply(self, yes):
        """The last word on the request."""
        if self.mode in ('ok', 'drip'):
            self.send(yes)
        elif self.mode == 'glue':
            self.send(yes + self.text)

    def asked(self, host, port):
        print('%s%s:%d' % (self.login, host, port), flush=True)

    def socks4(self):
        version, command, port = struct.unpack('>BBH', self.read(4))
        address = self.read(4)
        assert (version, command) == (4, 1)
        user = self.read_to(b'\0')[:-1].decode()
        if user:
            self.login = user + ':@'
        host = socket.inet_ntoa(address)
        if address[:3] == b'\0\0\0' and address[3]:
            host = self.read_to(b'\0')[:-1].decode()
        self.asked(host, port)
        self.reply(b'\0\x5a\0\0\0\0\0\0')

    def socks5(self):
        version, n = self.read(2)
        methods = self.read(n)
        assert version == 5
        if self.kind == 'login' and 2 in methods:
            self.send(b'\5\2')
            assert self.read(1) == b'\1'
            user = self.read(self.read(1)[0]).decode()
            password = self.read(self.read(1)[0]).decode()
            self.login = '%s:%s@' % (user, password)
            self.send(b'\1\0')
        elif self.kind == 'login':
            self.send(b'\5\xff')
            raise Gone
        else:
            self.send(b'\5\0')
        version, command, zero, kind = self.read(4)
        assert (version, command, zero) == (5, 1, 0)
        if kind == 1:
            host = socket.inet_ntoa(self.read(4))
        elif kind == 4:
            host = '[%s]' % socket.inet_ntop(socket.AF_INET6, self.read(16))
        else:
            assert kind == 3
            host = self.read(self.read(1)[0]).decode()
        self.asked(host, *struct.unpack('>H', self.read(2)))
        self.reply(b'\5\0\0\1\0\0\0\0\0\0')

    def http(self):
        lines = self.read_to(b'\r\n\r\n').decode().split('\r\n')
        verb, target, version = lines[0].split(' ')
        assert (verb, version) == ('CONNECT', 'HTTP/1.1')
        assert 'Host: ' + target in lines
        for line in lines:
            if line.startswith('Proxy-Authorization: Basic '):
                login = base64.b64decode(line.split(' ')[2], validate=True)
                self.login = login.decode() + '@'
        host, port = target.rsplit(':', 1)
        self.asked(host, int(port))
        self.reply(b'HTTP/1.1 200 Connection established\r\n'
                   b'Content-Length: 3\r\n\r\n')

    def talk(self):
        if self.mode == 'flood':
            while True:
                self.sock.sendall(self.text)
        if self.mode == 'first':
            self.sock.sendall(self.text)
        elif self.mode != 'stall':
            {'socks4': self.socks4, 'socks5': self.socks5,
             'login': self.socks5, 'http': self.http}[self.kind]()
        if self.mode in ('raw', 'cut', 'reset'):
            self.sock.sendall(self.text)
        if self.mode == 'reset':
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                 struct.pack('ii', 1, 0))
        if self.mode in ('cut', 'reset'):
            return
        while True:
            data = self.sock.recv(65536)
            if not data:
                return
            if self.mode in ('ok', 'glue', 'drip'):
                self.sock.sendall(data)

    def serve(self):
        with self.sock:
            try:
                self.talk()
            except (Gone, ConnectionError):
                pass


def unescape(text):
    return text.encode('latin-1').decode('unicode_escape').encode('latin-1')


def main():
    args = sys.argv[1:]
    keep = args[0] == '-k'
    if keep:
        args.pop(0)
    kind, mode = args[:2]
    text = unescape(args[2]) if len(args) > 2 else b''
    with socket.create_server(('127.0.0.1', 0)) as listener:
        say('listening on %s:%d' % listener.getsockname())
        while True:
            sock = listener.accept()[0]
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client = Client(sock, kind, mode, text)
            if not keep:
                break
            threading.Thread(target=client.serve, daemon=True).start()
    client.serve()


if __name__ == '__main__':
    main()
