#!/usr/bin/env -S python3 -SE
"""load.py - both sides of a relay under load: clients that know what they
have to get, and targets that do what a client asks for

usage: load.py pour BYTES ADDRESS      connect
       load.py pour BYTES -l           listen for one client
       load.py idle N ADDRESS          the target is to be an echo
       load.py turns N ADDRESS         the target is to be an echo
       load.py steady                  a target
       load.py flaky                   one that dies and comes back
       load.py churn N KIND=ADDRESS...
       load.py hub MEMBERS ROUNDS ADDRESS

  pour    sends BYTES and reads nothing; as soon as nothing has moved for half
          a second, "stuck after BYTES" is said; when there is a file "go", it
          reads as well, and has to get as many: what the other one poured
  idle    N are connected, and each has a byte echoed; "idle N" is said; then
          one more has 200 messages echoed, none of them slowly, and
          "served" is said; they leave when there is a file "go"
  turns   N are connected at once, more than can be served; each in its turn
          has its message echoed, and then ends; "turns N" is said
  steady  it echoes, unless a client's first byte is c (it ends well, with
          nothing said), r (a part is echoed, then it is reset) or s (it reads
          nothing for a moment, then echoes)
  flaky   the same, in a process that is killed and started again; while there
          is none its port refuses
  churn   N clients, 24 at once, good and bad ones; what the good ones get is
          checked.  KIND is what is behind ADDRESS: steady, flaky, program (an
          echo), proxy (steady, behind a PROXY header).  The seed is said, and
          may be given in the environment, as SEED
  hub     all but one of the MEMBERS say something in each of the ROUNDS, and
          have to hear all the others, each in its order; the first never
          reads, and is to be dropped

ADDRESS is HOST:PORT or unix:PATH.  What is said goes to standard error.  If
it does not come out within 60 s, there is a message and status 1.
"""
import os
import random
import resource
import select
import signal
import socket
import struct
import sys
import threading
import time

LIMIT = 60
PIECE = 64 * 1024


def say(text):
    sys.stderr.write(f'load: {text}\n')
    sys.stderr.flush()


def fail(text):
    say(text)
    os._exit(1)     # whatever the other threads do


def connect(address, size=0):
    if address.startswith('unix:'):
        sock, name = socket.socket(socket.AF_UNIX), address[5:]
    else:
        host, _, port = address.rpartition(':')
        sock, name = socket.socket(), (host, int(port))
    if size:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
    sock.settimeout(LIMIT)
    sock.connect(name)
    return sock


def bound(port=0):
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(('127.0.0.1', port))
    return sock


def listening(port=0):
    sock = bound(port)
    sock.listen(1024)
    return sock


def announce(sock):
    say('listening on %s:%d' % sock.getsockname())


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack('ii', 1, 0))
    sock.close()


def is_time():
    return os.path.exists('go')


# --- pour ------------------------------------------------------------------

class Poured:
    """Bytes that everybody knows; the period is no round number."""
    PERIOD = 1048573

    def __init__(self):
        block = random.Random(1).randbytes(self.PERIOD)
        self.block = memoryview(block + block[:PIECE])

    def at(self, offset, most):
        start = offset % self.PERIOD
        return self.block[start:start + min(most, PIECE)]


def pour(count, address):
    count = int(count)
    if address == '-l':
        listener = listening()
        announce(listener)
        sock = listener.accept()[0]
        listener.close()
    else:
        sock = connect(address)
    sock.setblocking(False)
    poured, sent, got, stuck, ended = Poured(), 0, 0, False, False
    deadline = time.monotonic() + 10 * LIMIT
    while not ended or sent < count:
        go = stuck and is_time()
        ready = select.select([sock] if go and not ended else [],
                              [sock] if sent < count else [], [],
                              0.5 if not stuck else 0.05)
        if not stuck and not ready[1]:
            say(f'stuck after {sent}')
            stuck = True
        if time.monotonic() > deadline:
            fail(f'not done: {sent} sent, {got} received')
        if ready[1]:
            sent += sock.send(poured.at(sent, count - sent))
            if sent == count:
                sock.shutdown(socket.SHUT_WR)
        if ready[0]:
            data = sock.recv(PIECE)
            if data != poured.at(got, len(data)):
                fail(f'something else came, behind {got} bytes')
            got += len(data)
            ended = not data
    if got != count:
        fail(f'{got} bytes came instead of {count}')


# --- idle ------------------------------------------------------------------

def idle(count, address):
    socks = []
    for _ in range(int(count)):
        socks.append(connect(address))
        socks[-1].sendall(b'x')
    for i, sock in enumerate(socks):
        if sock.recv(1) != b'x':
            fail(f'client {i} was not served')
    say(f'idle {count}')
    active, slowest = connect(address), 0
    for i in range(200):
        message, since = os.urandom(1000), time.monotonic()
        active.sendall(message)
        if active.recv(1000, socket.MSG_WAITALL) != message:
            fail('something else came back')
        slowest = max(slowest, time.monotonic() - since)
    if slowest > 2:
        fail(f'one message took {slowest:.3f} s')
    say(f'served; the slowest took {slowest * 1000:.1f} ms')
    while not is_time():
        time.sleep(0.01)


def turns(count, address):
    socks = [connect(address) for _ in range(int(count))]
    for i, sock in enumerate(socks):
        sock.sendall(b'%d' % i)
    for i, sock in enumerate(socks):
        got = sock.recv(100)
        if got != b'%d' % i:
            fail(f'client {i} got {got}')
        sock.shutdown(socket.SHUT_WR)
        if sock.recv(1):
            fail(f'client {i} got more')
        sock.close()
    say(f'turns {count}')


# --- targets ---------------------------------------------------------------

def drain(sock):
    while sock.recv(PIECE):
        pass


def answer(sock):
    try:
        data = sock.recv(PIECE)
        what = data[:1]
        if what == b'c':
            sock.shutdown(socket.SHUT_WR)
            drain(sock)
            data = b''
        elif what == b'r':
            sock.sendall(data)
            time.sleep(0.02)
            reset(sock)
            return
        elif what == b's':
            time.sleep(0.2)
        while data:
            sock.sendall(data)
            data = sock.recv(PIECE)
        sock.shutdown(socket.SHUT_WR)
    except OSError:
        pass    # a client may do that
    finally:
        sock.close()


def serve(listener):
    while True:
        sock = listener.accept()[0]
        sock.settimeout(LIMIT)
        threading.Thread(target=answer, args=(sock,), daemon=True).start()


def steady():
    listener = listening()
    announce(listener)
    serve(listener)


def flaky():
    holder = bound()    # nobody else gets the port meanwhile
    port = holder.getsockname()[1]
    announce(holder)
    rng = random.Random(7)
    while True:
        child = os.fork()
        if not child:
            serve(listening(port))
        time.sleep(rng.uniform(0.05, 0.4))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        time.sleep(rng.uniform(0.02, 0.2))


# --- churn -----------------------------------------------------------------

def talk(sock, data):
    """Send it and half-close, and meanwhile read: what came, and its end."""
    view, got, ended = memoryview(data), [], None
    sock.setblocking(False)
    deadline = time.monotonic() + LIMIT
    while not ended:
        left = deadline - time.monotonic()
        if left < 0:
            return b''.join(got), 'nothing'
        ready = select.select([sock], [sock] if view else [], [], left)
        try:
            if ready[1]:
                view = view[sock.send(view[:PIECE]):]
                if not view:
                    sock.shutdown(socket.SHUT_WR)
            if ready[0]:
                piece = sock.recv(PIECE)
                got.append(piece)
                ended = None if piece else 'end'
        except OSError:
            ended = 'reset'
    return b''.join(got), ended


SIZES = (1, 100, 5000, 100000, 100000, 700000)


class Event:
    """One client's life; everything about it is the seed's."""
    GOOD = {
        'steady': ('well', 'well', 'stall', 'closed', 'broken'),
        'proxy': ('well', 'closed', 'broken', 'nonsense'),
        'program': ('well',),
        'flaky': ('perhaps', 'perhaps')
    }
    BAD = ('unread', 'reset', 'half', 'silent', 'leave')

    def __init__(self, number, seed, places):
        self.number = number
        self.rng = random.Random(f'{seed}/{number}')
        self.kind, self.address = self.rng.choice(places)
        self.what = self.rng.choice(self.GOOD[self.kind] + self.BAD)

    def fail(self, text):
        fail(f'client {self.number}, {self.kind}, {self.what}: {text}')

    def data(self, first):
        return first + self.rng.randbytes(self.rng.choice(SIZES))

    def header(self):
        if self.kind != 'proxy':
            return b''
        if self.what == 'nonsense':
            return b'PROXY TCP4 1.2.3.4 nonsense 1 2\r\n'
        return b'PROXY TCP4 192.0.2.%d 192.0.2.9 %d 80\r\n' % (
            self.number % 250 + 1, self.number % 60000 + 1)

    def misbehave(self, sock):
        sock.setblocking(False)
        if self.what == 'silent':
            time.sleep(self.rng.uniform(0, 0.3))
        elif self.what != 'leave':
            try:
                sock.send(self.header() + self.data(b'e'))
                if self.what == 'half':
                    sock.shutdown(socket.SHUT_WR)
                time.sleep(self.rng.uniform(0, 0.05))
            except OSError:
                pass
        (reset if self.what == 'reset' else socket.socket.close)(sock)

    def live(self):
        sock = connect(self.address)
        if self.what in self.BAD:
            self.misbehave(sock)
            return
        data = self.data({'stall': b's', 'closed': b'c', 'broken': b'r'}
                         .get(self.what, b'e'))
        got, end = talk(sock, self.header() + data)
        sock.close()
        where = f'{end} after {len(got)} of {len(data)} bytes'
        if end == 'nothing':
            self.fail(f'no end: {where}')
        if got != data[:len(got)]:
            self.fail(f'something else came back: {where}')
        if self.what in ('well', 'stall') and \
                (end != 'end' or len(got) < len(data)):
            self.fail(where)
        if self.what == 'closed' and (end, got) != ('end', b''):
            self.fail(where)
        # A Unix socket has no resets.
        if self.what == 'broken' and end != 'reset' and \
                not self.address.startswith('unix:'):
            self.fail(f'not as a reset: {where}')
        if self.what == 'nonsense' and got:
            self.fail(where)


def churn(count, *places):
    seed = os.environ.get('SEED') or str(random.randrange(1000000))
    say(f'SEED={seed}')
    places = [place.split('=', 1) for place in places]
    events = iter([Event(i, seed, places) for i in range(int(count))])
    lock = threading.Lock()

    def worker():
        while True:
            with lock:
                event = next(events, None)
            if event is None:
                return
            try:
                event.live()
            except OSError as e:
                event.fail(e)
    threads = [threading.Thread(target=worker) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# --- hub -------------------------------------------------------------------

class Member:
    """Each byte it says has its number in the upper five bits."""
    ROUND = 8192

    def __init__(self, number, rounds, address):
        self.number = number
        low = random.Random(number).randbytes(rounds * self.ROUND)
        self.says = low.translate(bytes(number << 3 | i & 7
                                        for i in range(256)))
        self.others = bytes(i for i in range(256) if i >> 3 != number)
        self.heard = bytearray()
        self.sock = connect(address, 0 if number else 4096)

    def say(self, turn):
        self.sock.sendall(self.says[turn * self.ROUND:][:self.ROUND])

    def hear(self, size):
        while len(self.heard) < size:
            data = self.sock.recv(PIECE)
            if not data:
                fail(f'member {self.number} was dropped')
            self.heard += data


def hub(count, rounds, address):
    count, rounds = int(count), int(rounds)
    members = [Member(i, rounds, address) for i in range(count)]
    active, slowest = members[1:], 0
    # All are in when all hear the first one who speaks up.
    members[0].sock.sendall(b'\0')
    for m in active:
        m.hear(1)
        m.heard.clear()
    for turn in range(rounds):
        since = time.monotonic()
        for m in active:
            m.say(turn)
        for m in active:
            m.hear((turn + 1) * (len(active) - 1) * Member.ROUND)
        slowest = max(slowest, time.monotonic() - since)
    for m in active:
        for other in active:
            said = m.heard.translate(None, other.others)
            if said != (other.says if m is not other else b''):
                fail(f'member {m.number} heard something else of '
                     f'{other.number}')
    say(f'heard all; the slowest round took {slowest * 1000:.0f} ms')


MODES = {'pour': pour, 'idle': idle, 'turns': turns, 'steady': steady,
         'flaky': flaky, 'churn': churn, 'hub': hub}

if len(sys.argv) < 2 or sys.argv[1] not in MODES:
    sys.exit(__doc__)
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
try:
    MODES[sys.argv[1]](*sys.argv[2:])
except OSError as e:
    fail(e)
