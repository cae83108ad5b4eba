#!/usr/bin/env -S python3 -SE
"""halfclose.py - both ends of connections through a relay: what becomes of
their ends

usage: halfclose.py [option...] FRONTS CASE...
       halfclose.py --pass PATH

First it listens as the targets of the relay, one of each kind, and writes
"KIND ADDRESS" of each to the file "targets": tcp, tls, unix, and exec, which
is where "halfclose.py --pass PATH" as the program of the relay brings its
standard input and output.  Then it waits for the file FRONTS, of lines
"FRONT BACK ADDRESS": where the relay listens, as what, and which of the
targets is behind it.  Through each of them every case runs, all at once, and
a line each says what came of it: "CASE FRONT BACK kept", or "... lost: WHY".

    -c FILE, -k FILE   certificate and key of the TLS target
    -d DIR             where its files are (.)
    -l T               how late what comes behind an end comes (1)
    -t T               how long anything may take (20)

Cases:
  reply            the client ends, then the target replies
  turn             the target ends, then the client sends
  client-reset     the client resets: so the target is to be
  target-reset     the target sends more than the client's kernel takes, and
                   resets: the client gets it all, and is reset
  client-truncates, target-truncates    the same by an end of TLS without
                   close_notify

What a reset is depends on the end: by a Unix socket, to be closed with
something unread; to it, to be closed; to a program, SIGTERM.  A program does
not reset.
"""
import array
import fcntl
import getopt
import os
import select
import signal
import socket
import ssl
import stat
import struct
import sys
import termios
import threading
import time

PIECE = 65536
BIG = bytes(range(256)) * 8192      # 2 MiB
SOME = bytes(range(255, -1, -1)) * 256      # 64 KiB
LITTLE = 4096                       # that a client's kernel takes of it
NAME = 64                           # bytes, of what the client says first


class Lost(Exception):
    pass


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack('ii', 1, 0))
    sock.close()


class Plain:
    """An end: a socket of TCP or Unix."""

    def __init__(self, sock):
        self.sock = sock
        sock.settimeout(LIMIT)

    def send(self, data):
        self.sock.sendall(data)

    def receive(self, most=PIECE):
        """b'' at the end; a reset is ConnectionResetError."""
        return self.sock.recv(most)

    def end(self):
        self.sock.shutdown(socket.SHUT_WR)

    def is_unix(self):
        return self.sock.family == socket.AF_UNIX

    def taken(self):
        """Wait until the relay's kernel has all."""
        until = time.monotonic() + LIMIT
        while time.monotonic() < until:
            n = struct.unpack('i', fcntl.ioctl(self.sock, termios.TIOCOUTQ,
                                               bytes(4)))[0]
            if n == 0 or self.is_unix():
                return
            time.sleep(0.005)
        raise Lost('the relay did not take it')

    def break_off(self):
        if self.is_unix():          # there is something unread: a reset
            select.select([self.sock], [], [], LIMIT)
            self.sock.close()
        else:
            reset(self.sock)

    def needs_unread(self):
        return self.is_unix()

    def broken(self):
        """A reset is to be here: b'' is none, unless there are none."""
        try:
            while self.receive():
                pass
        except ConnectionResetError:
            return
        if not self.is_unix():
            raise Lost('a clean end, not a reset')
        try:                        # closed, not half-closed
            self.sock.send(b'x')
        except OSError:
            return
        raise Lost('half-closed, not closed')

    def close(self):
        self.sock.close()


class Tls(Plain):
    """TLS, of which each direction can end by itself."""

    def __init__(self, sock, context, server):
        super().__init__(sock)
        self.net_in, self.net_out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.engine = context.wrap_bio(self.net_in, self.net_out, server)
        while True:
            try:
                self.engine.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.flush()
                self.feed()
        self.flush()

    def flush(self):
        self.sock.sendall(self.net_out.read())

    def feed(self):
        data = self.sock.recv(PIECE)
        if data:
            self.net_in.write(data)
        else:
            self.net_in.write_eof()

    def send(self, data):
        self.engine.write(data)
        self.flush()

    def receive(self, most=PIECE):
        while True:
            try:
                return self.engine.read(most)
            except ssl.SSLWantReadError:
                self.feed()
            except ssl.SSLZeroReturnError:
                return b''
            except ssl.SSLEOFError:
                raise Lost('an end without close_notify')

    def end(self):
        try:
            self.engine.unwrap()
        except ssl.SSLWantReadError:
            pass
        self.flush()

    def truncate(self):
        self.sock.shutdown(socket.SHUT_WR)


class Program(Plain):
    """A program's standard input and output, and who holds it."""

    def __init__(self, holder):
        super().__init__(holder)
        fds = array.array('i')
        _, anc, _, _ = holder.recvmsg(1, socket.CMSG_LEN(8))
        fds.frombytes(anc[0][2][:8])
        self.rfd, self.wfd = fds

    def send(self, data):
        view = memoryview(data)
        while view:
            view = view[os.write(self.wfd, view):]

    def receive(self, most=PIECE):
        if not select.select([self.rfd], [], [], LIMIT)[0]:
            raise TimeoutError
        return os.read(self.rfd, most)

    def end(self):
        if stat.S_ISSOCK(os.fstat(self.wfd).st_mode):
            with socket.socket(fileno=os.dup(self.wfd)) as sock:
                sock.shutdown(socket.SHUT_WR)
        os.close(self.wfd)
        self.wfd = -1

    def taken(self):
        pass

    def needs_unread(self):
        return False

    def broken(self):
        if self.sock.recv(4) != b'TERM':
            raise Lost('no SIGTERM')

    def close_both(self):
        for fd in self.rfd, self.wfd:
            if fd != -1:
                os.close(fd)
        self.rfd = self.wfd = -1

    def close(self):
        self.close_both()
        self.sock.close()


def hold(path):
    """As the program: hand on what it has, and do what is asked for."""
    control = socket.socket(socket.AF_UNIX)
    control.connect(path)

    def on_term(*_):
        control.sendall(b'TERM')
        os._exit(0)
    signal.signal(signal.SIGTERM, on_term)
    control.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                              array.array('i', [0, 1]))])
    os.close(0)
    os.close(1)
    control.recv(1)


# --- the cases ----------------------------------------------------------------

def all_of(end):
    data = b''
    while piece := end.receive():
        data += piece
    return data


def same(got, want, what):
    if got != want:
        raise Lost(f'{len(got)} bytes of {len(want)} of {what}')


def cross(one, other, what):
    """More than all buffers hold, and the end."""
    trouble = []

    def sender():
        try:
            one.send(BIG)
            one.end()
        except (OSError, Lost) as e:
            trouble.append(e)
    thread = threading.Thread(target=sender)
    thread.start()
    got = all_of(other)
    thread.join()
    if trouble:
        raise trouble[0]
    same(got, BIG, what)


def reply(client, target):
    cross(client, target, 'the request')
    time.sleep(LATE)
    cross(target, client, 'the reply')


def turn(client, target):
    cross(target, client, 'what came first')
    time.sleep(LATE)
    cross(client, target, 'what came then')


def before(one, other, how):
    """One sends some and breaks off; the other gets that, and then a reset.
    It reads only when that has happened."""
    if one.needs_unread() and how == 'break_off':
        other.send(b'unread')
    one.send(SOME)
    one.taken()
    getattr(one, how)()
    got = b''
    while len(got) < len(SOME):
        try:
            piece = other.receive()
        except ConnectionResetError:
            piece = b''
        if not piece:
            raise Lost(f'{len(got)} bytes of {len(SOME)} before the reset')
        got += piece
    same(got, SOME, 'what came before the reset')
    other.broken()


CASES = {
    'reply': reply,
    'turn': turn,
    'client-reset': lambda c, t: before(c, t, 'break_off'),
    'target-reset': lambda c, t: before(t, c, 'break_off'),
    'client-truncates': lambda c, t: before(c, t, 'truncate'),
    'target-truncates': lambda c, t: before(t, c, 'truncate'),
}


def makes_sense(case, front, back):
    if case == 'target-reset':
        return back != 'exec'
    if case == 'client-truncates':
        return front == 'tls'
    if case == 'target-truncates':
        return back == 'tls'
    return True


# --- ends that find each other ------------------------------------------------

class Meeting:
    """The target of each client, by what the client says first."""

    def __init__(self):
        self.came = {}
        self.changed = threading.Condition()

    def bring(self, make, sock):
        try:
            end = make(sock)
            name = b''
            while len(name) < NAME:
                piece = end.receive(NAME - len(name))
                if not piece:
                    return
                name += piece
        except (OSError, Lost):
            return
        with self.changed:
            self.came[name] = end
            self.changed.notify_all()

    def take(self, name):
        with self.changed:
            if not self.changed.wait_for(lambda: name in self.came, LIMIT):
                raise Lost('nobody came to the target')
            return self.came[name]


def serve(listener, make, meeting):
    while True:
        sock = listener.accept()[0]
        threading.Thread(target=meeting.bring, args=(make, sock),
                         daemon=True).start()


def listen_as(kind):
    if kind in ('tcp', 'tls'):
        listener = socket.create_server(('127.0.0.1', 0), backlog=64)
        return listener, '%s:%d' % listener.getsockname()
    listener = socket.socket(socket.AF_UNIX)
    path = os.path.abspath(f'{kind}.target')
    listener.bind(path)
    listener.listen(64)
    return listener, path


def connect_as(kind, address, little):
    if kind == 'unix':
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(address)
        return Plain(sock)
    host, _, port = address.rpartition(':')
    sock = socket.socket()
    if little:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, LITTLE)
    sock.settimeout(LIMIT)
    sock.connect((host, int(port)))
    if kind == 'tcp':
        return Plain(sock)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return Tls(sock, context, False)


def run(case, front, back, address, meeting, say):
    client = target = None
    try:
        name = f'{case} {front} {back}'.encode().ljust(NAME)
        client = connect_as(front, address, case.startswith('target-'))
        client.send(name)
        target = meeting.take(name)
        CASES[case](client, target)
        why = 'kept'
    except TimeoutError:
        why = 'lost: nothing came'
    except (OSError, Lost) as e:    # ssl's errors are OSErrors
        why = f'lost: {e}'
    say(f'{case} {front} {back} {why}')
    for end in client, target:
        if end is not None:
            end.close()


def main():
    global LATE, LIMIT
    opts, args = getopt.getopt(sys.argv[1:], 'c:d:k:l:t:', ['pass='])
    opts = dict(opts)
    if '--pass' in opts:
        hold(opts['--pass'])
        return
    if len(args) < 2:
        sys.exit(__doc__)
    LATE, LIMIT = float(opts.get('-l', 1)), float(opts.get('-t', 20))
    os.chdir(opts.get('-d', '.'))
    fronts, cases = args[0], args[1:]
    makes = {'tcp': Plain, 'unix': Plain, 'exec': Program}
    if '-c' in opts:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(opts['-c'], opts['-k'])
        makes['tls'] = lambda sock: Tls(sock, context, True)
    meeting = Meeting()
    with open('targets.new', 'w') as f:
        for kind, make in makes.items():
            listener, address = listen_as(kind)
            print(kind, address, file=f)
            threading.Thread(target=serve, args=(listener, make, meeting),
                             daemon=True).start()
    os.rename('targets.new', 'targets')
    until = time.monotonic() + 30
    while not os.path.exists(fronts):
        if time.monotonic() > until:
            sys.exit('halfclose: no fronts')
        time.sleep(0.01)
    lock = threading.Lock()

    def say(line):
        with lock:
            print(line, flush=True)
    threads = []
    with open(fronts) as f:
        for front, back, address in map(str.split, f):
            for case in cases:
                if makes_sense(case, front, back):
                    threads.append(threading.Thread(target=run, args=(
                        case, front, back, address, meeting, say)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


main()
