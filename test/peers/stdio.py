#!/usr/bin/env -S python3 -SE
"""stdio.py - runs a command with an unusual standard input and output

usage: stdio.py KIND IN OUT COMMAND...

    pipe, socket            a pipe each way; one socket for both
    pipe-nonblock, socket-nonblock
                            the same, with O_NONBLOCK set already
    pty                     a terminal in raw mode
    pty-lines               a terminal that hands over lines and knows ^D

The file IN is fed to the command, then comes the end (which a terminal does
not have); with "-" nothing comes and nothing ends.  What the command writes
goes to OUT.  Leaves with the status of the command, 128+n for a signal;
with 99 if it changed the flags of a descriptor (also if only for a moment)
or left a terminal in another mode.
"""
import fcntl
import os
import pty
import select
import socket
import subprocess
import sys
import termios
import threading
import time
import tty


def make(kind):
    """Descriptors: the command's input, its output, our ends of them."""
    what, _, mode = kind.partition('-')
    if what == 'pipe':
        r, feed = os.pipe()
        drain, w = os.pipe()
    elif what == 'socket':
        ours, theirs = socket.socketpair()
        feed = drain = ours.detach()
        r = w = theirs.detach()
    elif what == 'pty':
        feed, r = pty.openpty()
        drain, w = feed, r
        if mode == 'lines':
            attrs = termios.tcgetattr(r)
            attrs[1] &= ~termios.OPOST
            attrs[3] &= ~termios.ECHO
            termios.tcsetattr(r, termios.TCSANOW, attrs)
        else:
            tty.setraw(r)
    else:
        sys.exit(f'stdio: what is "{kind}"?')
    if mode == 'nonblock':
        os.set_blocking(r, False)
        os.set_blocking(w, False)
    return r, w, feed, drain


def feeder(kind, source, fd):
    try:
        with open(source, 'rb') as f:
            while data := f.read(65536):
                view = memoryview(data)
                while view:
                    view = view[os.write(fd, view):]
        if kind.startswith('socket'):
            socket.socket(fileno=os.dup(fd)).shutdown(socket.SHUT_WR)
        elif kind.startswith('pipe'):
            os.close(fd)
    except OSError:
        pass    # the command is gone


def drainer(fd, out, done):
    """To the end, or until the command has ended and nothing is left."""
    while True:
        if not select.select([fd], [], [], 0.05)[0]:
            if done.is_set():
                return
            continue
        try:
            data = os.read(fd, 65536)
        except OSError:
            return
        if not data:
            return
        out.write(data)


def main():
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    kind, source, dest, *command = sys.argv[1:]
    r, w, feed, drain = make(kind)

    def state():
        return ([fcntl.fcntl(fd, fcntl.F_GETFL) for fd in (r, w, 2)],
                termios.tcgetattr(r) if kind.startswith('pty') else None)

    before = state()
    trouble = None
    done = threading.Event()
    with open(dest, 'wb', buffering=0) as out:
        child = subprocess.Popen(command, stdin=r, stdout=w)
        if source != '-':
            threading.Thread(target=feeder, args=(kind, source, feed),
                             daemon=True).start()
        reader = threading.Thread(target=drainer, args=(drain, out, done))
        reader.start()
        while child.poll() is None:
            if state() != before:
                trouble = 'while it ran'
            time.sleep(0.002)
        if state() != before:
            trouble = 'at its end'
        done.set()
        reader.join()
    if trouble:
        print(f'stdio: flags or modes were changed {trouble}',
              file=sys.stderr)
        sys.exit(99)
    status = child.returncode
    sys.exit(status if status >= 0 else 128 - status)


main()
