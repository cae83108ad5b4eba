#!/usr/bin/env -S python3 -SE
"""scan.py - ports to be found

usage: scan.py [HOST=]KIND...

A port each, on HOST (127.0.0.1) and chosen by the kernel:

    refuse  connections are refused (the port is bound, so nobody else can
            start to listen on it)
    later   the same, until SIGUSR1; from then on it serves
    dead    the queue of connections is full: nothing answers
    serve   sends "served by HOST", and closes

It says "scan: ports PORT..." and "scan: ready on HOST:PORT" (of the first)
on standard error and stays.

usage: scan.py --many N TCPCAT

Listens on N ports and has them scanned, with nobody who reads the results
until the pipe is full; then copies them to standard output.
"""
import fcntl
import resource
import selectors
import signal
import socket
import struct
import subprocess
import sys
import termios
import time


def make(host):
    sock = socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET)
    sock.bind((host, 0))
    return sock


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


def serve(sock, host, selector):
    sock.listen(128)
    sock.setblocking(False)
    selector.register(sock, selectors.EVENT_READ, host)


def accept(sock, host):
    try:
        client = sock.accept()[0]
        client.sendall(f'served by {host}\n'.encode())
        client.close()
    except OSError:
        pass


def stay(wanted):
    keep, later, come = [], [], []
    selector = selectors.DefaultSelector()
    wake, waker = socket.socketpair()
    waker.setblocking(False)
    signal.set_wakeup_fd(waker.fileno())
    signal.signal(signal.SIGUSR1, lambda *_: come.append(1))
    selector.register(wake, selectors.EVENT_READ)
    socks = [make(host) for host, _ in wanted]
    for sock, (host, kind) in zip(socks, wanted):
        if kind == 'dead':
            keep += fill(sock)
        elif kind == 'serve':
            serve(sock, host, selector)
        elif kind == 'later':
            later.append((sock, host))
        elif kind != 'refuse':
            sys.exit(f'scan: what is "{kind}"?')
    print('scan: ports', *(s.getsockname()[1] for s in socks),
          file=sys.stderr)
    name = socks[0].getsockname()
    print(f'scan: ready on {name[0]}:{name[1]}', file=sys.stderr, flush=True)
    while True:
        for key, _ in selector.select():
            if key.fileobj is wake:
                wake.recv(64)
            else:
                accept(key.fileobj, key.data)
        while come and later:
            serve(*later.pop(), selector)


def unread(pipe):
    return struct.unpack('i', fcntl.ioctl(pipe, termios.FIONREAD,
                                          b'    '))[0]


def many(n, tcpcat):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 2 * n), hard))
    socks = [make('127.0.0.1') for _ in range(n)]
    for sock in socks:
        sock.listen(1)
    ports = ','.join(str(p) for p in sorted(s.getsockname()[1]
                                            for s in socks))
    p = subprocess.Popen([tcpcat, '-z', f'127.0.0.1:{ports}'],
                         stdout=subprocess.PIPE)
    fcntl.fcntl(p.stdout, fcntl.F_SETPIPE_SZ, 8192)
    # A pipe that has begun its last page is full, for who asks by poll.
    end = time.monotonic() + 20
    while unread(p.stdout) < 4000 and time.monotonic() < end:
        time.sleep(0.01)
    sys.stdout.write(p.stdout.read().decode())
    sys.exit(p.wait())


if sys.argv[1:2] == ['--many']:
    many(int(sys.argv[2]), sys.argv[3])
elif len(sys.argv) > 1:
    stay([arg.split('=') if '=' in arg else ['127.0.0.1', arg]
          for arg in sys.argv[1:]])
else:
    sys.exit(__doc__)
