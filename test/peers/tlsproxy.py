#!/usr/bin/env -S python3 -SE
"""tlsproxy.py - stands between two ends of a TLS 1.2 connection and does harm

usage: tlsproxy.py HOST:PORT [up|down].ACTION...

It listens on a free port of 127.0.0.1, says which, and passes the records of
one client to HOST:PORT (up) and back (down).  Records are counted from 1 in
each direction once it is encrypted: data and alerts, not the handshake.

  split        every byte by itself, with a pause behind it
  flip:N       a bit of record N is another one
  repeat:N     record N comes twice
  swap:N       record N + 1 comes before record N
  skip:N       record N does not come
  insert:N:HEX these bytes come before record N
  cut:N        instead of record N comes the end of file
  cutbytes:N   so it does after N bytes, those of the handshake included
  reset:N      instead of record N both sides get a reset
  stall:N      nothing passes from record N on; 0: nothing of the handshake
  pause:N:T    record N waits for T seconds

It leaves with status 1 if there was no chance to do what it should.
"""
import os
import socket
import struct
import sys
import threading
import time

CHANGE_CIPHER, ALERT, DATA = 20, 21, 23
NUMBERS = {'split': 0, 'flip': 1, 'repeat': 1, 'swap': 1, 'skip': 1,
           'insert': 2, 'cut': 1, 'cutbytes': 1, 'reset': 1, 'stall': 1,
           'pause': 2}


class End(Exception):
    pass


class Direction:
    def __init__(self, source, dest, actions):
        self.source, self.dest = source, dest
        self.todo = set(actions)    # what has not been done yet
        self.actions = actions
        self.sent = 0
        self.number = 0
        self.held = b''

    def exactly(self, n):
        data = b''
        while len(data) < n:
            piece = self.source.recv(n - len(data))
            if not piece:
                raise End
            data += piece
        return data

    def record(self):
        head = self.exactly(5)
        return head + self.exactly(struct.unpack('>H', head[3:])[0])

    def did(self, action):
        self.todo.discard(action)

    def send(self, data):
        for action in self.actions:
            if action[0] == 'cutbytes' and \
                    self.sent + len(data) >= int(action[1]):
                self.dest.sendall(data[:int(action[1]) - self.sent])
                self.did(action)
                raise End
        self.sent += len(data)
        if not any(a[0] == 'split' for a in self.actions):
            self.dest.sendall(data)
            return
        self.did(('split',))
        for i in range(len(data)):
            self.dest.sendall(data[i:i + 1])
            time.sleep(0.0003)

    def reset(self):
        for sock in self.source, self.dest:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                            struct.pack('ii', 1, 0))
            sock.close()
        finish()

    def treat(self, record):
        """One that is counted; returns what to send for it."""
        for action in self.actions:
            word = action[0]
            if len(action) < 2 or word == 'cutbytes' or \
                    int(action[1]) != self.number:
                continue
            self.did(action)
            if word == 'flip':
                record = record[:-3] + bytes([record[-3] ^ 4]) + record[-2:]
            elif word == 'repeat':
                record += record
            elif word == 'swap':
                self.held, record = record, b''
            elif word == 'skip':
                record = b''
            elif word == 'insert':
                record = bytes.fromhex(action[2]) + record
            elif word == 'cut':
                raise End
            elif word == 'reset':
                self.reset()
            elif word == 'stall':
                self.silence()
            elif word == 'pause':
                time.sleep(float(action[2]))
        if self.held and record:
            record += self.held
            self.held = b''
        return record

    def silence(self):
        """Take what comes, and pass nothing, not even an end."""
        self.did(('stall', '0'))
        self.drain()
        finish()

    def drain(self):
        while self.source.recv(65536):
            pass

    def relay(self):
        encrypted = finished = False
        try:
            if ('stall', '0') in self.actions:
                self.silence()
            while True:
                record = self.record()
                if finished and record[0] in (ALERT, DATA):
                    self.number += 1
                    record = self.treat(record)
                elif encrypted:
                    finished = True
                elif record[0] == CHANGE_CIPHER:
                    encrypted = True
                self.send(record)
        except (End, OSError):
            pass
        # What is left unread when a socket is closed makes a reset of it.
        for last in (lambda: self.dest.shutdown(socket.SHUT_WR), self.drain):
            try:
                last()
            except OSError:
                pass


def say(text):
    print('tlsproxy:', text, file=sys.stderr, flush=True)


def finish():
    left = [' '.join(action) for d in directions for action in d.todo]
    if left:
        say('never came to: ' + ', '.join(left))
    os._exit(1 if left else 0)


def parse(words):
    found = {'up': [], 'down': []}
    for word in words:
        where, _, rest = word.partition('.')
        action = tuple(rest.split(':', 2))
        if where not in found or action[0] not in NUMBERS or \
                len(action) <= NUMBERS[action[0]]:
            sys.exit(f'tlsproxy: what is "{word}"?')
        found[where].append(action)
    return found


if len(sys.argv) < 2:
    sys.exit(__doc__)
wanted = parse(sys.argv[2:])
host, _, port = sys.argv[1].rpartition(':')
listener = socket.create_server(('127.0.0.1', 0))
say('listening on 127.0.0.1:%d' % listener.getsockname()[1])
client = listener.accept()[0]
listener.close()
server = socket.create_connection((host, int(port)))
for s in client, server:
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
directions = [Direction(client, server, wanted['up']),
              Direction(server, client, wanted['down'])]
threads = [threading.Thread(target=d.relay, daemon=True) for d in directions]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
finish()
