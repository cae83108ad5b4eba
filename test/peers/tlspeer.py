#!/usr/bin/env -S python3 -SE
"""tlspeer.py - an end of a TLS connection by Python's ssl, that half-closes

usage: tlspeer.py [option...] HOST:PORT [FILE]       connect
       tlspeer.py -l [option...] HOST:PORT [FILE]    listen for one client

Sends the file, if there is one, and then close_notify, and at the same time
receives up to the close_notify of the other side, to standard output.

    -c FILE   own certificates     -a CA      whom to trust; else anyone
    -k FILE   own key              -p A,B     application protocols
    -n NAME   name to ask for      -s         say what was agreed on
    -r N      leave after N bytes are received and the file and close_notify
              are sent, without a look at what else the other side says
    -w FILE   send close_notify only when there is this file

When listening, port 0 is a free one, and a line on standard error says
which.  What goes wrong is a message and status 1: above all an end of file
without close_notify.
"""
import getopt
import os
import select
import socket
import ssl
import sys

PIECE = 65536


def say(text):
    print('tlspeer:', text, file=sys.stderr, flush=True)


def context(opts):
    server = '-l' in opts
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else
                       ssl.PROTOCOL_TLS_CLIENT)
    c.check_hostname = False
    c.verify_mode = ssl.CERT_NONE
    if '-a' in opts:
        c.load_verify_locations(opts['-a'])
        c.verify_mode = ssl.CERT_REQUIRED
        c.check_hostname = not server
    if '-c' in opts:
        c.load_cert_chain(opts['-c'], opts.get('-k'))
    if '-p' in opts:
        c.set_alpn_protocols(opts['-p'].split(','))
    return c


class End:
    """One end: the engine, and the buffers between it and the socket."""

    def __init__(self, sock, engine, net_in, net_out, source, sink):
        self.sock, self.engine = sock, engine
        self.net_in, self.net_out = net_in, net_out
        self.source, self.sink = source, sink
        self.pending = b''      # for the socket
        self.ended = False      # we have sent close_notify
        self.done = False       # the peer has
        self.net_eof = False
        self.enough = None      # so many bytes are
        self.received = 0
        self.wait_for = None

    def collect(self):
        self.pending += self.net_out.read()

    def step(self, most=None):
        self.collect()
        want_write = [self.sock] if self.pending else []
        r, w, _ = select.select([] if self.net_eof else [self.sock],
                                want_write, [], most)
        if r:
            data = self.sock.recv(PIECE)
            if data:
                self.net_in.write(data)
            else:
                self.net_eof = True
                self.net_in.write_eof()
        if w:
            self.pending = self.pending[self.sock.send(self.pending):]

    def handshake(self):
        while True:
            try:
                self.engine.do_handshake()
                return
            except ssl.SSLWantReadError:
                self.step()

    def receive(self):
        while not self.done:
            try:
                data = self.engine.read(PIECE)
            except ssl.SSLWantReadError:
                return
            except ssl.SSLZeroReturnError:
                data = b''
            self.received += len(data)
            if not data or self.received == self.enough:
                self.done = True
            self.sink.write(data)
            self.sink.flush()

    def give(self):
        """Only when all that came has been read: OpenSSL wants it so."""
        if self.ended or len(self.pending) > 4 * PIECE:
            return
        data = self.source.read(PIECE) if self.source else b''
        if data:
            self.engine.write(data)
            return
        if self.wait_for and not os.path.exists(self.wait_for):
            self.step(0.01)
            return
        self.ended = True
        try:
            self.engine.unwrap()
        except ssl.SSLWantReadError:
            pass

    def run(self):
        while not (self.done and self.ended and not self.pending):
            self.receive()
            self.give()
            self.collect()
            if self.done and not self.pending:
                continue
            if not self.ended and not self.pending:
                continue
            self.step()
        # What came is acknowledged, also where more of it, unread, makes the
        # end a reset.
        if self.enough and hasattr(socket, 'TCP_QUICKACK'):
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def arrive(address, listening):
    host, _, port = address.rpartition(':')
    if not listening:
        return socket.create_connection((host, int(port)))
    listener = socket.create_server((host, int(port)))
    say('listening on %s:%d' % listener.getsockname())
    sock = listener.accept()[0]
    listener.close()
    return sock


def main():
    opts, args = getopt.getopt(sys.argv[1:], 'a:c:k:ln:p:r:sw:')
    opts = dict(opts)
    if len(args) not in (1, 2):
        sys.exit(__doc__)
    tls = context(opts)
    sock = arrive(args[0], '-l' in opts)
    net_in, net_out = ssl.MemoryBIO(), ssl.MemoryBIO()
    name = None if '-l' in opts else opts.get('-n', 'localhost')
    engine = tls.wrap_bio(net_in, net_out, '-l' in opts, name)
    source = open(args[1], 'rb') if len(args) > 1 else None
    end = End(sock, engine, net_in, net_out, source, sys.stdout.buffer)
    end.wait_for = opts.get('-w')
    if '-r' in opts:
        end.enough = int(opts['-r'])
    try:
        end.handshake()
        if '-s' in opts:
            say(f'{engine.version()} {engine.cipher()[0]} '
                f'{engine.selected_alpn_protocol()}')
        end.run()
    except (ssl.SSLError, OSError) as e:
        say(e)
        sys.exit(1)


main()
