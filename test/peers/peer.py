#!/usr/bin/env -S python3 -SE
"""peer.py - the other end of a connection: does what it is told, step by step

usage: peer.py [-o FILE] [-b BYTES] ADDRESS STEP...      connect
       peer.py [-o FILE] [-b BYTES] -l ADDRESS STEP...   listen for one client

ADDRESS is HOST:PORT, [HOST]:PORT or unix:PATH (@ in front: abstract); when
listening, port 0 is a free one, and a line on standard error says which.
ADDRESS "-" is standard input and output: peer.py is then a program that
tcpcat runs.  What is received goes to FILE, else to standard output (as a
program: nowhere).  -b sets the kernel's buffers of the connection.

Steps; T is in seconds:
  text:TEXT   send TEXT                   recv:N    receive N bytes
  send:FILE   send the file               eof       receive to the end of file
  flood       send until that fails       eof:T     the same, within T
  shut        half-close                  slow      the same, slowly
  both:FILE   send:FILE and shut, with eof at the same time
  ready       wait until something has arrived, and leave it unread
  quiet:T     nothing arrives for T, not even an end
  sleep:T     do nothing for T            wait:FILE until there is a FILE
  touch:FILE  make FILE                   broken    receive up to a reset
  close       close                       reset     close by a reset
  vanish      be gone, with nothing sent (needs root)

A step that does not come out ends it all, with a message and status 1.
"""
import getopt
import os
import select
import socket
import struct
import sys
import threading
import time

PIECE = 256 * 1024


class Failed(Exception):
    pass


class Connection:
    """Two descriptors; for a socket, they are the same."""

    def __init__(self, sock, into):
        self.sock = sock
        self.into = into
        self.rfd, self.wfd = (0, 1) if sock is None else [sock.fileno()] * 2

    def read(self, most=PIECE):
        data = os.read(self.rfd, most)
        self.into.write(data)
        self.into.flush()
        return data

    def write(self, data):
        view = memoryview(data)
        while view:
            view = view[os.write(self.wfd, view):]

    def text(self, arg):
        self.write(arg.encode())

    def send(self, arg):
        with open(arg, 'rb') as f:
            while data := f.read(PIECE):
                self.write(data)

    def flood(self, _):
        try:
            while True:
                self.write(bytes(PIECE))
        except OSError:
            pass

    def shut(self, _):
        if self.sock is None:
            os.close(self.wfd)
        else:
            self.sock.shutdown(socket.SHUT_WR)

    def recv(self, arg):
        left = int(arg)
        while left > 0:
            data = self.read(min(left, PIECE))
            if not data:
                raise Failed(f'the end came {left} bytes early')
            left -= len(data)

    def eof(self, arg):
        end = time.monotonic() + float(arg or 3600)
        while True:
            left = max(0, end - time.monotonic())
            if not select.select([self.rfd], [], [], left)[0]:
                raise Failed('no end within that time')
            if not self.read():
                return

    def slow(self, _):
        while self.read(65536):
            time.sleep(0.002)

    def both(self, arg):
        trouble = []

        def sender():
            try:
                self.send(arg)
                self.shut(None)
            except OSError as e:
                trouble.append(e)
        thread = threading.Thread(target=sender)
        thread.start()
        self.eof(None)
        thread.join()
        if trouble:
            raise trouble[0]

    def ready(self, _):
        select.select([self.rfd], [], [])

    def quiet(self, arg):
        if select.select([self.rfd], [], [], float(arg))[0]:
            data = self.read()
            raise Failed(f'{len(data)} bytes came' if data else 'it ended')

    def sleep(self, arg):
        time.sleep(float(arg))

    def wait(self, arg):
        while not os.path.exists(arg):
            time.sleep(0.01)

    def touch(self, arg):
        open(arg, 'w').close()

    def broken(self, _):
        try:
            while self.read():
                pass
        except ConnectionResetError:
            return
        raise Failed('an end of file, not a reset')

    def close(self, _):
        if self.sock is not None:
            self.sock.close()

    def reset(self, _):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack('ii', 1, 0))
        self.sock.close()

    def vanish(self, _):
        tcp_repair = 19
        self.sock.setsockopt(socket.IPPROTO_TCP, tcp_repair, 1)
        self.sock.close()


def say(text):
    print('peer:', text, file=sys.stderr, flush=True)


def parse(text):
    """The family and the socket address."""
    if text.startswith('unix:'):
        path = text[5:]
        return (socket.AF_UNIX,
                '\0' + path[1:] if path.startswith('@') else path)
    host, _, port = text.rpartition(':')
    host = host.strip('[]')
    family = socket.AF_INET6 if ':' in host else socket.AF_INET
    return family, (host, int(port))


def show(name):
    if not isinstance(name, tuple):
        return f'unix:{name}'
    host, port = name[:2]
    return f'[{host}]:{port}' if ':' in host else f'{host}:{port}'


def arrive(address, listen, size):
    """A connected socket; None for standard input and output."""
    if address == '-':
        return None
    family, name = parse(address)
    sock = socket.socket(family)
    if size:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)
    if not listen:
        sock.connect(name)
        return sock
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(name)
    sock.listen()
    say('listening on ' + (show(sock.getsockname())
                           if family != socket.AF_UNIX else address))
    client, who = sock.accept()
    sock.close()
    say('connection from ' + show(who))
    return client


def main():
    opts, args = getopt.getopt(sys.argv[1:], 'b:lo:')
    opts = dict(opts)
    if not args:
        sys.exit(__doc__)
    address, steps = args[0], args[1:]
    for step in steps:      # a word that is mistyped must not go unnoticed
        if not callable(getattr(Connection, step.partition(':')[0], None)):
            sys.exit(f'peer: what is "{step}"?')
    into = sys.stdout.buffer
    if '-o' in opts or address == '-':
        into = open(opts.get('-o', os.devnull), 'wb')
    step = 'start'
    try:
        c = Connection(arrive(address, '-l' in opts,
                              int(opts.get('-b', 0))), into)
        for step in steps:
            word, _, arg = step.partition(':')
            getattr(c, word)(arg)
    except (Failed, OSError) as e:
        say(f'{step}: {e}')
        sys.exit(1)


if __name__ == '__main__':
    main()
