#!/usr/bin/env -S python3 -SE
"""series.py - several connections to one port, one after the other

usage: series.py [-b BYTES] STEP... [/ STEP...]...

For each client that comes it takes the steps of peer.py up to the next "/"
and closes; what the Nth client sent is in the file got.N.  A series that
begins with "refuse:FILE" refuses connections until there is that file: the
port stays bound, so nobody else can listen on it.  -b sets the kernel's
buffers.

It says "series: ready on 127.0.0.1:PORT" on standard error.  A step that does
not come out ends it all, with a message and status 1.
"""
import getopt
import os
import socket
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import peer  # noqa: E402


def bound(port, size):
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if size:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)
    sock.bind(('127.0.0.1', port))
    return sock


def split(words):
    series = [[]]
    for word in words:
        if word == '/':
            series.append([])
        else:
            series[-1].append(word)
    return series


def play(sock, steps, into):
    client = sock.accept()[0]
    c = peer.Connection(client, into)
    for step in steps:
        word, _, arg = step.partition(':')
        try:
            getattr(c, word)(arg)
        except (peer.Failed, OSError) as e:
            sys.exit(f'series: {into.name}: {step}: {e}')
    client.close()


def main():
    opts, words = getopt.getopt(sys.argv[1:], 'b:')
    size = int(dict(opts).get('-b', 0))
    if not words:
        sys.exit(__doc__)
    sock = bound(0, size)
    port = sock.getsockname()[1]
    listening = False
    for n, steps in enumerate(split(words), 1):
        refuse = steps and steps[0].startswith('refuse:')
        if refuse and listening:
            listener, sock = sock, bound(port, size)
            listener.close()
            listening = False
        elif not refuse and not listening:
            sock.listen()
            listening = True
        if n == 1:
            print(f'series: ready on 127.0.0.1:{port}', file=sys.stderr,
                  flush=True)
        if refuse:
            while not os.path.exists(steps[0][7:]):
                time.sleep(0.01)
            sock.listen()
            listening = True
        with open(f'got.{n}', 'wb') as into:
            play(sock, steps[1:] if refuse else steps, into)


main()
