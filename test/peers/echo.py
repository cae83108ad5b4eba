#!/usr/bin/env -S python3 -SE
"""echo.py - an echo server that can be told to do it wrong

usage: echo.py [-1] [-a HOST] [-p PORT] [-s SIZE] [-t CERT KEY] [FAULT...]

It listens on HOST (127.0.0.1), on PORT or a free one, says "echo: listening on
HOST:PORT" on standard error, and serves everyone at once, by TLS with -t.
SIZE is how long the client's messages are (64); they count from 1 on each
connection.  With -1 the faults are those of the first connection only.

  delay:T     each message is answered T seconds after it came
  stall:N:T   from message N on, nothing goes out for T seconds
  corrupt:B   byte B of all that is sent, from 1, is changed
  drop:N      message N is not answered
  cut:N       the last byte of message N does not come back
  insert:N    a byte is put in front of message N
  double:N    message N comes back twice
  swap:N      message N comes back behind the next
  greet:TEXT  this is sent first
  close:N     the connection ends when N messages were answered
  reset:N     the same by a reset
  mute        nothing is answered
  deaf        nothing is even read
  open        it is not closed when the client has ended

Each connection says "echo: connection N" on standard error, and "echo:
received BYTES" at its end.
"""
import getopt
import queue
import socket
import struct
import sys
import threading
import time


def say(text):
    sys.stderr.write(f'echo: {text}\n')
    sys.stderr.flush()


class Client:
    def __init__(self, sock, size, faults):
        self.sock = sock
        self.size = size
        self.faults = {}
        for fault in faults:
            word, _, arg = fault.partition(':')
            self.faults[word] = arg
        self.sent = 0
        self.held = b''
        self.out = queue.Queue()

    def fault(self, word, count):
        """Is message number count the one that this is about?"""
        return self.faults.get(word, '').partition(':')[0] == str(count)

    def send(self, data):
        place = int(self.faults.get('corrupt', 0)) - 1 - self.sent
        if 0 <= place < len(data):
            data = bytearray(data)
            data[place] ^= 0x20
        self.sent += len(data)
        self.sock.sendall(data)

    def answer(self, count, data):
        """One message; false when that was the last thing to do."""
        if self.fault('stall', count):
            time.sleep(float(self.faults['stall'].partition(':')[2]))
        if self.fault('swap', count):
            self.held = data
        elif not self.fault('drop', count):
            if self.fault('insert', count):
                data = b'!' + data
            if self.fault('cut', count):
                data = data[:-1]
            self.send(data)
            if self.fault('double', count):
                self.send(data)
            self.send(self.held)
            self.held = b''
        if self.fault('reset', count):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                 struct.pack('ii', 1, 0))
            self.sock.close()
        return not (self.fault('reset', count) or self.fault('close', count))

    def answer_all(self):
        """In a thread of its own, so that delays do not add up."""
        count = 0
        try:
            while item := self.out.get():
                when, data = item
                count += len(data) == self.size
                time.sleep(max(0, when - time.monotonic()))
                if not self.answer(count, data):
                    break
            if 'open' in self.faults:
                time.sleep(3600)
            if hasattr(self.sock, 'unwrap'):      # TLS
                self.sock = self.sock.unwrap()
            self.sock.shutdown(socket.SHUT_WR)
        except (OSError, ValueError):
            pass

    def serve(self):
        received = 0
        rest = b''
        try:
            if 'deaf' in self.faults:
                time.sleep(3600)
            self.send(self.faults.get('greet', '').encode())
            threading.Thread(target=self.answer_all, daemon=True).start()
            while data := self.sock.recv(65536):
                received += len(data)
                if 'mute' in self.faults:
                    continue
                rest += data
                due = time.monotonic() + float(self.faults.get('delay', 0))
                while len(rest) >= self.size:
                    self.out.put((due, rest[:self.size]))
                    rest = rest[self.size:]
            if rest:
                self.out.put((0, rest))
        except (OSError, ValueError):
            pass
        self.out.put(None)
        say(f'received {received}')


def main():
    opts, faults = getopt.getopt(sys.argv[1:], '1a:p:s:t:')
    opts = dict(opts)
    context = None
    if '-t' in opts:
        import ssl      # which takes as long as all the rest to start
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(opts['-t'], faults.pop(0))
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((opts.get('-a', '127.0.0.1'), int(opts.get('-p', 0))))
    sock.listen(1024)
    say('listening on %s:%d' % sock.getsockname())
    number = 0
    while True:
        client = sock.accept()[0]
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        number += 1
        say(f'connection {number}')
        if context:
            try:
                client = context.wrap_socket(client, server_side=True)
            except OSError:
                continue
        mine = Client(client, int(opts.get('-s', 64)),
                      [] if '-1' in opts and number > 1 else faults)
        threading.Thread(target=mine.serve, daemon=True).start()


main()
