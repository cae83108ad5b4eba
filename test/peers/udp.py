#!/usr/bin/env -S python3 -SE
"""udp.py - a peer that speaks UDP

usage: udp.py [HOST]

It sends each datagram back to its sender, an empty one before each, and says
what came on standard output: its length, a line each.  One that is "quit"
ends it.  It says "udp: ready on HOST:PORT" on standard error.
"""
import socket
import sys


def main():
    host = sys.argv[1] if len(sys.argv) > 1 else '127.0.0.1'
    family = socket.AF_INET6 if ':' in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.bind((host, 0))
    show = '[%s]' if family == socket.AF_INET6 else '%s'
    print('udp: ready on %s:%d' % (show % host, sock.getsockname()[1]),
          file=sys.stderr, flush=True)
    while True:
        data, peer = sock.recvfrom(65536)
        print(len(data), flush=True)
        if data == b'quit':
            return
        sock.sendto(b'', peer)
        sock.sendto(data, peer)


main()
