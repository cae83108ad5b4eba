#!/usr/bin/env -S python3 -SE
"""churn.py - many clients at once, good and bad ones, for a server

usage: churn.py crowd N SIZE ADDRESS     the server is to be an echo
       churn.py hold N ADDRESS           the same
       churn.py flood N ADDRESS
       churn.py chaos N ADDRESS...

  crowd  N are connected, all of them; then each sends SIZE bytes of its own,
         half-closes, and has to get back just these and the end
  hold   N connect and send a byte; as soon as some have it back, "holding
         SERVED" is said; when there is a file "go", those leave, and then
         the others have to be served, too
  flood  N send and never read, until nothing has moved for half a second;
         "stuck after BYTES" is said, and they stay until there is a file "go"
  chaos  N connections come and go, some at once: they end well, stall, leave
         things unread, reset, or are of a process that is killed.  The seed
         is said, and may be given in the environment, as SEED

ADDRESS is HOST:PORT, [HOST]:PORT or unix:PATH.  What is said goes to standard
error.  If it does not come out within 60 s, there is a message and status 1.
"""
import os
import random
import resource
import selectors
import signal
import socket
import struct
import sys
import time

LIMIT = 60
BOUND = 512 << 20       # of what a flood is worth


def say(text):
    print('churn:', text, file=sys.stderr, flush=True)


def fail(text):
    sys.exit(f'churn: {text}')


def connect(address, size=0):
    if address.startswith('unix:'):
        sock, name = socket.socket(socket.AF_UNIX), address[5:]
    else:
        host, _, port = address.rpartition(':')
        host = host.strip('[]')
        sock = socket.socket(socket.AF_INET6 if ':' in host else
                             socket.AF_INET)
        name = (host, int(port))
    if size:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)
    sock.settimeout(LIMIT)
    sock.connect(name)
    return sock


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack('ii', 1, 0))
    sock.close()


def await_go():
    while not os.path.exists('go'):
        time.sleep(0.01)


class Member:
    """One of the crowd."""

    def __init__(self, number, size, address):
        self.number = number
        self.data = memoryview(random.Random(number).randbytes(size))
        self.sock = connect(address)
        self.sock.setblocking(False)
        self.sent = self.received = 0
        self.shut = False

    def events(self):
        return selectors.EVENT_READ | \
            (0 if self.shut else selectors.EVENT_WRITE)

    def write(self):
        if self.sent < len(self.data):
            self.sent += self.sock.send(self.data[self.sent:][:65536])
        if self.sent == len(self.data):
            self.sock.shutdown(socket.SHUT_WR)
            self.shut = True

    def read(self):
        """False at the end."""
        got = self.sock.recv(65536)
        if got != self.data[self.received:][:len(got)]:
            fail(f'client {self.number}: something else came back, behind '
                 f'{self.received} bytes')
        self.received += len(got)
        if not got and self.received < len(self.data):
            fail(f'client {self.number}: the end came after {self.received} '
                 'bytes')
        return bool(got)


def crowd(count, size, address):
    members = [Member(i, int(size), address) for i in range(int(count))]
    end = time.monotonic() + LIMIT
    with selectors.DefaultSelector() as selector:
        for m in members:
            selector.register(m.sock, m.events(), m)
        while selector.get_map():
            if time.monotonic() > end:
                fail(f'{len(selector.get_map())} have not ended')
            for key, events in selector.select(1):
                m = key.data
                if events & selectors.EVENT_WRITE:
                    m.write()
                if events & selectors.EVENT_READ and not m.read():
                    if not m.shut:
                        fail(f'client {m.number}: the end came early')
                    selector.unregister(m.sock)
                    m.sock.close()
                    continue
                selector.modify(m.sock, m.events(), m)


def served(socks, wait):
    """Those that have something to read, within that time."""
    with selectors.DefaultSelector() as selector:
        for sock in socks:
            selector.register(sock, selectors.EVENT_READ)
        return [key.fileobj for key, _ in selector.select(wait)]


def hold(count, address):
    waiting = [connect(address) for _ in range(int(count))]
    for sock in waiting:
        sock.sendall(b'x')
    said = False
    while waiting:
        lucky = served(waiting, 20)
        if not lucky:
            fail(f'{len(waiting)} were never served')
        while more := served([s for s in waiting if s not in lucky], 0.3):
            lucky += more
        if not said:
            say(f'holding {len(lucky)}')
            said = True
            await_go()
        for sock in lucky:
            if sock.recv(1) != b'x':
                fail('something else came back')
            waiting.remove(sock)
            sock.close()


def flood(count, address):
    socks = [connect(address, 65536) for _ in range(int(count))]
    piece, total = bytes(65536), 0
    with selectors.DefaultSelector() as selector:
        for sock in socks:
            sock.setblocking(False)
            selector.register(sock, selectors.EVENT_WRITE)
        while total < BOUND and (ready := selector.select(0.5)):
            for key, _ in ready:
                total += key.fileobj.send(piece)
    say(f'stuck after {total}')
    await_go()


def live(sock, end):
    """What a client does before its end, and then that."""
    data = random.randbytes(random.choice((1, 100, 5000, 300000)))
    if end == 'well':
        for i in range(0, len(data), 50000):
            piece = data[i:i + 50000]
            sock.sendall(piece)
            while piece:
                got = sock.recv(len(piece))
                if not got:
                    return
                piece = piece[len(got):]
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(65536):
            pass
    elif end in ('unread', 'reset', 'half'):
        sock.setblocking(False)
        sock.send(data)
        if end == 'half':
            sock.shutdown(socket.SHUT_WR)
    elif end == 'stall':
        sock.sendall(data[:10])
        time.sleep(random.uniform(0, 0.3))
    (reset if end == 'reset' else socket.socket.close)(sock)


def one(address):
    """In a process of its own, which is killed at the latest."""
    end = random.choice(('well', 'unread', 'reset', 'half', 'stall', 'close',
                         'killed', 'killed'))
    try:
        sock = connect(address)
        if end == 'killed':
            while True:
                sock.sendall(bytes(1000))
                if random.random() < 0.3:
                    sock.recv(1000)
        live(sock, end)
    except OSError:
        pass    # a bad client may be treated badly


def chaos(count, *addresses):
    seed = os.environ.get('SEED') or str(random.randrange(1000000))
    say(f'SEED={seed}')
    random.seed(seed)
    children, left = {}, int(count)
    while left or children:
        if left and len(children) < 24:
            left -= 1
            mine = random.randrange(1 << 30)
            due = time.monotonic() + random.uniform(0.01, 0.4)
            child = os.fork()
            if not child:
                random.seed(mine)
                one(random.choice(addresses))
                os._exit(0)
            children[child] = due
            continue
        for child, due in list(children.items()):
            if time.monotonic() > due:
                os.kill(child, signal.SIGKILL)
            if os.waitpid(child, os.WNOHANG)[0]:
                del children[child]
        time.sleep(0.002)


MODES = {'crowd': crowd, 'hold': hold, 'flood': flood, 'chaos': chaos}

if len(sys.argv) < 4 or sys.argv[1] not in MODES:
    sys.exit(__doc__)
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
try:
    MODES[sys.argv[1]](*sys.argv[2:])
except OSError as e:
    fail(e)
