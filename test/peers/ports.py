#!/usr/bin/env -S python3 -SE
"""ports.py - one port that behaves differently on different addresses

usage: ports.py HOST=KIND...

    refuse  connections are refused (the port is bound, so nobody else
            can start to listen on it)
    dead    the queue of connections is full: nothing answers
    serve   sends "served by HOST", reads to the end, over and over

A HOST may also be unix:PATH, which has no port.

It says "ports: ready on HOST:PORT" (of the first) on standard error and stays.
"""
import socket
import sys
import threading
import time


def make(host, port):
    if host.startswith('unix:'):
        sock = socket.socket(socket.AF_UNIX)
        sock.bind(host[5:])
        return sock
    sock = socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET)
    sock.bind((host, port))
    return sock


def make_all(hosts):
    for _ in range(100):
        socks = []
        try:
            for host in hosts:
                port = socks[0].getsockname()[1] if socks else 0
                socks.append(make(host, port))
            return socks
        except OSError as e:
            error = e
    sys.exit(f'ports: {error}')


def fill(sock):
    """Connect until nobody answers; returns what has to stay open."""
    sock.listen(0)
    clients = []
    while True:
        client = socket.socket(sock.family)
        client.settimeout(0.3)
        clients.append(client)
        try:
            client.connect(sock.getsockname())
        except (TimeoutError, BlockingIOError):
            return clients


def serve(sock, host):
    while True:
        client = sock.accept()[0]
        try:
            client.sendall(f'served by {host}\n'.encode())
            client.shutdown(socket.SHUT_WR)
            while client.recv(65536):
                pass
        except OSError:
            pass
        client.close()


def main():
    wanted = [arg.split('=') for arg in sys.argv[1:]]
    if not wanted:
        sys.exit(__doc__)
    socks = make_all([host for host, _ in wanted])
    keep = []
    for sock, (host, kind) in zip(socks, wanted):
        if kind == 'dead':
            keep += fill(sock)
        elif kind == 'serve':
            sock.listen()
            threading.Thread(target=serve, args=(sock, host),
                             daemon=True).start()
        elif kind != 'refuse':
            sys.exit(f'ports: what is "{kind}"?')
    name = socks[0].getsockname()
    place = name if isinstance(name, str) else f'{name[0]}:{name[1]}'
    print('ports: ready on', place, file=sys.stderr, flush=True)
    time.sleep(3600)


main()
